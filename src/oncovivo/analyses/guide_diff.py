"""What changed between two guides: their bundles compared, part by part.

Everything is found by name and never by place, so the order of rows, claims or studies makes no
difference, and the comparison the other way round is the same with old and new exchanged.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from pydantic_core import to_jsonable_python

from oncovivo.analyses.bundle import Bundle
from oncovivo.analyses.contract import contract
from oncovivo.analyses.evidence_certainty import pool_certainty
from oncovivo.analyses.pool_rows import pool_rows
from oncovivo.analyses.simulation_results import simulation_rows
from oncovivo.analyses.study_rows import study_rows
from oncovivo.errors import InputError
from oncovivo.evidence import ClaimResult, write_records
from oncovivo.evidence.claims import Row, Verdict
from oncovivo.evidence.lint import Finding
from oncovivo.provenance import InputFile, digest_inputs

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = [
    "PARTS",
    "SCHEMA",
    "Change",
    "ClaimChange",
    "FieldChange",
    "GuideDiff",
    "GuideSide",
    "Kind",
    "NumberChange",
    "compare_bundles",
]

SCHEMA = "oncovivo.guide_diff/1"
TOLERANCE: Final = 1e-9
"""Relative difference up to which two numbers are the same: other machines round otherwise."""

Kind: TypeAlias = Literal["added", "removed", "changed"]
Plain: TypeAlias = str | int | float | bool | None

PARTS: Final[Mapping[str, str]] = {
    "rows": "Rows",
    "results": "What results say",
    "certainty": "Certainty",
    "waivers": "Waivers",
    "findings": "Lint findings",
    "studies": "Studies",
    "simulations": "Simulations",
    "references": "References",
    "inputs": "Files that were read",
    "versions": "Versions",
    "other": "Other parts of the guide",
}
"""The parts that are compared beside claims and numbers, with their headings, in order."""

_STRENGTH: Final[Mapping[Verdict, int]] = {
    "supported": 3,
    "partly_supported": 2,
    "unsupported": 1,
    "uncited": 1,
    "opinion": 1,
    "contradicted": 0,
}
# Parts of a bundle that have a comparison of their own; all else is "other".
_OWN: Final = frozenset(
    {
        "records",
        "claims",
        "findings",
        "waivers",
        "studies",
        "simulations",
        "pools",
        "estimands",
        "conclusions",
        "provenance",
        "library",
    }
)
_NAMING: Final = frozenset({"row_id", "source", "level"})
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field, and what stood and stands in it.

    Of a field that holds more than one value `old` and `new` are None and `values` says how many
    of its values differ.
    """

    field: str
    old: Plain = None
    new: Plain = None
    values: int = 1

    def to_dict(self) -> dict[str, object]:
        """The change, ready for JSON."""
        return {"field": self.field, "old": self.old, "new": self.new, "values": self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row, waiver, finding, study … that came, went or changed in `fields`."""

    id: str
    change: Kind
    fields: tuple[FieldChange, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The change, ready for JSON."""
        return {
            "id": self.id,
            "change": self.change,
            "fields": [field.to_dict() for field in self.fields],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimChange:
    """A claim whose verdict, sentence, numbers, rows or declaration changed.

    `old` and `new` are verdicts, None where the guide does not have the claim; `slots` are the
    printed numbers, `fields` what else differs.
    """

    id: str
    change: Kind
    old: Verdict | None
    new: Verdict | None
    old_text: str | None
    new_text: str | None
    slots: tuple[FieldChange, ...] = ()
    fields: tuple[FieldChange, ...] = ()

    @property
    def weaker(self) -> bool:
        """Whether both guides have the claim and less stands behind it in the new one."""
        return (
            self.old is not None
            and self.new is not None
            and _STRENGTH[self.new] < _STRENGTH[self.old]
        )

    def to_dict(self) -> dict[str, object]:
        """The change, ready for JSON."""
        return {
            "id": self.id,
            "change": self.change,
            "old": self.old,
            "new": self.new,
            "weaker": self.weaker,
            "old_text": self.old_text,
            "new_text": self.new_text,
            "slots": [slot.to_dict() for slot in self.slots],
            "fields": [field.to_dict() for field in self.fields],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChange:
    """A number of a result, by a path of names; None where a guide does not have it."""

    path: str
    old: float | None
    new: float | None

    @property
    def relative(self) -> float | None:
        """New less old as a share of the size of old; None where that does not exist."""
        if self.old is None or self.new is None or self.old == 0:
            return None
        found = (self.new - self.old) / abs(self.old)
        return found if math.isfinite(found) else None

    @property
    def reason(self) -> str | None:
        """Why there is no relative change; None where there is one."""
        if self.old is None:
            return "the old guide does not have the number"
        if self.new is None:
            return "the new guide does not have the number"
        if self.relative is None:
            return "the old number is 0 or next to it"
        return None

    def to_dict(self) -> dict[str, object]:
        """The change, ready for JSON."""
        return {
            "path": self.path,
            "old": self.old,
            "new": self.new,
            "relative_change": self.relative,
            "status": "ok" if self.reason is None else "undefined",
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideSide:
    """One of the two guides: what it is called, when and by what it was built, from what."""

    title: str
    compound: str
    date: str
    program: str
    digest: str

    def to_dict(self) -> dict[str, object]:
        """The guide, ready for JSON."""
        return {
            "title": self.title,
            "compound": self.compound,
            "date": self.date,
            "program": self.program,
            "sha256": self.digest,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideDiff:
    """What changed between two guides; `parts` has the names of :data:`PARTS` as keys."""

    old: GuideSide
    new: GuideSide
    tolerance: float
    claims: tuple[ClaimChange, ...]
    numbers: tuple[NumberChange, ...]
    parts: Mapping[str, tuple[Change, ...]]

    @property
    def n_changes(self) -> int:
        """How many claims, numbers and entries of all parts changed."""
        return len(self.claims) + len(self.numbers) + sum(map(len, self.parts.values()))

    @property
    def weaker(self) -> tuple[ClaimChange, ...]:
        """The claims whose verdict became weaker."""
        return tuple(claim for claim in self.claims if claim.weaker)

    def to_dict(self, *, old: str, new: str) -> dict[str, object]:
        """The JSON contract of ``oncovivo guide diff``; `old` and `new` are its arguments."""
        both = [
            InputFile(name=old, sha256=self.old.digest),
            InputFile(name=new, sha256=self.new.digest),
        ]
        return contract(
            SCHEMA,
            source=InputFile(name=new, sha256=digest_inputs(both)),
            options={"old": old, "new": new, "tolerance": self.tolerance},
            content={
                "old": self.old.to_dict(),
                "new": self.new.to_dict(),
                "changes": self.n_changes,
                "weaker": [claim.id for claim in self.weaker],
                "claims": [claim.to_dict() for claim in self.claims],
                "numbers": [number.to_dict() for number in self.numbers],
                **{
                    part: [change.to_dict() for change in self.parts.get(part, ())]
                    for part in PARTS
                },
            },
        )


def compare_bundles(old: Bundle, new: Bundle, *, tolerance: float = TOLERANCE) -> GuideDiff:
    """What changed from one bundle to another.

    Parameters
    ----------
    old, new : Bundle
        The bundles of two guides.
    tolerance : float, optional
        Relative difference, 0 or more and below 1, up to which two numbers are the same.

    Raises
    ------
    InputError
        If the tolerance is outside its range.
    """
    if not 0 <= tolerance < 1:
        raise InputError(
            "a relative difference from 0 to below 1", found=repr(tolerance), where="--tolerance"
        )
    results_old, results_new = _results(old), _results(new)
    return GuideDiff(
        old=_side(old),
        new=_side(new),
        tolerance=tolerance,
        claims=_claim_changes(old.claims, new.claims),
        numbers=_number_changes(results_old, results_new, tolerance),
        parts={
            "rows": _changes(_rows(old), _rows(new), tolerance),
            "results": _changes(_words(results_old), _words(results_new), tolerance),
            "certainty": _changes(_certainty(old), _certainty(new), tolerance),
            "waivers": _changes(_waivers(old), _waivers(new), tolerance),
            "findings": _changes(_findings(old), _findings(new), tolerance),
            "studies": _changes(
                {study.id: _tree(study) for study in old.studies},
                {study.id: _tree(study) for study in new.studies},
                tolerance,
            ),
            "simulations": _changes(
                {placed.result.name: _tree(placed) for placed in old.simulations},
                {placed.result.name: _tree(placed) for placed in new.simulations},
                tolerance,
            ),
            "references": _changes(_references(old), _references(new), tolerance),
            "inputs": _changes(_inputs(old), _inputs(new), tolerance),
            "versions": _changes(_versions(old), _versions(new), tolerance),
            "other": _changes(_other(old), _other(new), tolerance),
        },
    )


def _side(bundle: Bundle) -> GuideSide:
    provenance = bundle.provenance
    return GuideSide(
        title=bundle.settings.title,
        compound=bundle.settings.compound,
        date=provenance.date,
        program=provenance.program,
        digest=provenance.digest,
    )


# What a bundle holds, by name ------------------------------------------------------------------


def _rows(bundle: Bundle) -> dict[str, dict[str, object]]:
    """The literature rows as their cells are written."""
    table = csv.DictReader(io.StringIO(write_records(bundle.records)))
    return {row["row_id"]: dict(row) for row in table}


def _waivers(bundle: Bundle) -> dict[str, dict[str, object]]:
    return {
        f"{waiver.rule} {waiver.subject}": {
            "reason": waiver.reason,
            "date": waiver.date.isoformat(),
            "by": waiver.by,
        }
        for waiver in bundle.waivers
    }


def _findings(bundle: Bundle) -> dict[str, dict[str, object]]:
    """The findings; one that a waiver now accepts is the same finding, changed."""
    return _numbered((_finding_name(finding), _finding(finding)) for finding in bundle.findings)


def _finding_name(finding: Finding) -> str:
    places = sorted({*finding.rows, *finding.claims, *finding.subjects}, key=_natural)
    return f"{finding.rule} {', '.join(places) or 'the guide'}: {finding.message}"


def _finding(finding: Finding) -> dict[str, object]:
    return {"severity": finding.severity, "waived": finding.waived, "mend": finding.mend}


def _references(bundle: Bundle) -> dict[str, dict[str, object]]:
    return {reference.key: _tree(reference) for reference in bundle.library}


def _inputs(bundle: Bundle) -> dict[str, dict[str, object]]:
    return {file.name: {"sha256": file.sha256} for file in bundle.provenance.inputs}


def _versions(bundle: Bundle) -> dict[str, dict[str, object]]:
    """The program and the packages; the date is no change."""
    provenance = bundle.provenance
    return {
        "program": {"version": provenance.program},
        **{name: {"version": version} for name, version in provenance.versions.items()},
    }


def _other(bundle: Bundle) -> dict[str, dict[str, object]]:
    """Every part that has no comparison of its own, so that none is ever left out."""
    found: list[tuple[str, dict[str, object]]] = []
    for field in fields(bundle):
        if field.name in _OWN:
            continue
        tree = _jsonable(getattr(bundle, field.name))
        if isinstance(tree, dict):
            found.append((field.name, _mapping(tree)))
            continue
        entries = tree if isinstance(tree, list) else []
        unnamed = [part for part in entries if not (isinstance(part, dict) and "id" in part)]
        if unnamed:
            found.append((field.name, {"entries": sorted(unnamed, key=json.dumps)}))
        found += [
            (f"{field.name} {part['id']}", _mapping(part))
            for part in entries
            if isinstance(part, dict) and "id" in part
        ]
    return _numbered(found)


def _certainty(bundle: Bundle) -> dict[str, dict[str, object]]:
    """The rated certainty of each pool, or why a tumor type has none."""
    rated = pool_certainty(
        bundle.pools,
        bundle.ratings,
        compound=bundle.settings.compound,
        names={code: tumor.name for code, tumor in bundle.identifiers.tumor_types.items()},
        works=bundle.library.works(),
    )
    found: list[tuple[str, dict[str, object]]] = []
    for tumor, pools in zip(rated, bundle.pools, strict=True):
        names = [_pool_name(row.cells(), pools.tumor) for row in pool_rows(pools)]
        for number, row in enumerate(tumor.rows):
            found.append(
                (
                    names[number] if names else f"meta:{tumor.tumor}",
                    {"level": row.level, "reasons": row.not_pooled or "; ".join(row.reasons)},
                )
            )
    return _numbered(found)


def _results(bundle: Bundle) -> dict[str, Row]:
    """What pools, studies, simulations, estimands and conclusions say, by what they speak of."""
    found: list[tuple[str, Row]] = []
    for pools in bundle.pools:
        for pooled in pool_rows(pools):
            cells = pooled.cells()
            found.append((_pool_name(cells, pools.tumor), cells))
    for study in bundle.studies:
        for row in study_rows(study):
            cells = row.cells()
            found.append((_study_name(cells, study.id), cells))
    found += [
        (_simulation_name(cells, placed.source), cells)
        for placed in bundle.simulations
        for cells in simulation_rows(placed.result)
    ]
    found += _effects(bundle)
    found += _conclusions(bundle)
    return _numbered(found)


def _effects(bundle: Bundle) -> list[tuple[str, Row]]:
    """The effects on one scale, and whether simulations agree with studies."""
    found: list[tuple[str, Row]] = []
    for tumor in bundle.estimands:
        first = f"effects:{tumor.tumor}"
        for row in tumor.rows:
            parts = [(row.kind,), (row.origin,), (row.treatment,), (row.versus,)]
            days = _day(() if row.day is None else (row.day,))
            found.append((_path(first, *parts, *([days] if days else [])), _cells(row)))
        for one in tumor.agreement:
            parts = [(one.treatment,), (one.simulation,), (one.study,)]
            found.append((_path(first, *parts), _cells(one)))
    return found


def _conclusions(bundle: Bundle) -> list[tuple[str, Row]]:
    """The rankings, and why what is not ranked is not."""
    found: list[tuple[str, Row]] = []
    for one in bundle.conclusions:
        first = f"conclusion:{one.subject}"
        found.append((first, _cells(one)))
        found += [(_path(first, (part.name,)), _cells(part)) for part in one.ranked]
        found += [(_path(first, (part.name,)), _cells(part)) for part in one.unranked]
    return found


def _cells(part: DataclassInstance) -> Row:
    """The single values of a result by name; what does not exist is not applicable."""
    named = {field.name: getattr(part, field.name) for field in fields(part)}
    return {
        name: ("not_applicable" if value is None else value,)
        for name, value in named.items()
        if _is_plain(value)
    }


def _pool_name(cells: Row, tumor: str) -> str:
    return _path(
        f"meta:{tumor}",
        cells["treatment"],
        tuple(sorted(map(str, cells["endpoint"]))),
        cells["measure"],
    )


def _study_name(cells: Row, study: str) -> str:
    return _path(
        f"study:{study}",
        *(cells[name] for name in ("analysis", "arm", "versus", "null_model", "scale")),
        _day(cells["day"]),
    )


def _simulation_name(cells: Row, source: str) -> str:
    return _path(source, cells["arm"], cells["versus"], cells["output"], _day(cells["time_d"]))


def _day(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(
        f"day {value:g}" if isinstance(value, int | float) else str(value) for value in values
    )


def _path(first: str, *parts: Sequence[object]) -> str:
    """A name that a person can read: what is not applicable is left out."""
    words = (" + ".join(map(str, part)) for part in parts)
    return " / ".join([first, *(word for word in words if word != "not_applicable")])


def _words(results: Mapping[str, Row]) -> dict[str, dict[str, object]]:
    """What results say beside their numbers: directions, verdicts, works."""
    return {
        path: {
            name: ", ".join(sorted(map(str, values)))
            for name, values in cells.items()
            if name != "row_id" and any(isinstance(value, str) for value in values)
            if values != ("not_applicable",)
        }
        for path, cells in results.items()
    }


# Comparing -------------------------------------------------------------------------------------


def _claim_changes(
    old: Sequence[ClaimResult], new: Sequence[ClaimResult]
) -> tuple[ClaimChange, ...]:
    before = {result.claim.id: result for result in old}
    after = {result.claim.id: result for result in new}
    found = (
        _claim_change(name, before.get(name), after.get(name)) for name in _all(before, after)
    )
    return tuple(change for change in found if change is not None)


def _claim_change(
    name: str, old: ClaimResult | None, new: ClaimResult | None
) -> ClaimChange | None:
    """The change of one claim; None without any."""
    slots = _field_changes(_slots(old), _slots(new), 0.0) if old and new else ()
    others = _field_changes(_declared(old), _declared(new), 0.0) if old and new else ()
    if old and new and old.text != new.text:
        others = tuple(one for one in others if one.field != "text")
    if (
        old is not None
        and new is not None
        and not (slots or others)
        and (old.verdict, old.text) == (new.verdict, new.text)
    ):
        return None
    return ClaimChange(
        id=name,
        change="added" if old is None else "removed" if new is None else "changed",
        old=None if old is None else old.verdict,
        new=None if new is None else new.verdict,
        old_text=None if old is None else old.text,
        new_text=None if new is None else new.text,
        slots=slots,
        fields=others,
    )


def _slots(result: ClaimResult) -> dict[str, object]:
    return {slot.name: slot.text or slot.reason for slot in result.slots}


def _declared(result: ClaimResult) -> dict[str, object]:
    """What is declared of a claim, and the rows behind it, in an order of their own."""
    claim = {
        name: value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
        for name, value in result.claim.model_dump(
            mode="json", by_alias=True, exclude={"id"}
        ).items()
    }
    rows = {
        name: ", ".join(sorted(getattr(result, name), key=_natural))
        for name in ("rows", "supporting", "contradicting")
    }
    return {**claim, **rows, "simulated": result.simulated}


def _number_changes(
    old: Mapping[str, Row], new: Mapping[str, Row], tolerance: float
) -> tuple[NumberChange, ...]:
    found: list[NumberChange] = []
    for path in _all(old, new):
        before, after = _numbers(old.get(path)), _numbers(new.get(path))
        for name in dict.fromkeys((*before, *after)):
            one, two = before.get(name), after.get(name)
            if not _same(one, two, tolerance):
                found.append(NumberChange(path=f"{path} / {name}", old=one, new=two))
    return tuple(found)


def _numbers(cells: Row | None) -> dict[str, float]:
    """The numbers of a result row."""
    found: dict[str, float] = {}
    for name, values in (cells or {}).items():
        if name in _NAMING or len(values) != 1:
            continue
        (value,) = values
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
    return found


def _changes(
    old: Mapping[str, Mapping[str, object]],
    new: Mapping[str, Mapping[str, object]],
    tolerance: float,
) -> tuple[Change, ...]:
    """Entries that came, went or changed, in the order of their names."""
    found: list[Change] = []
    for name in _all(old, new):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            found.append(Change(id=name, change="added" if before is None else "removed"))
            continue
        changed = _field_changes(before, after, tolerance)
        if changed:
            found.append(Change(id=name, change="changed", fields=changed))
    return tuple(found)


def _field_changes(
    old: Mapping[str, object], new: Mapping[str, object], tolerance: float
) -> tuple[FieldChange, ...]:
    """Fields that differ; of those with several values how many do."""
    found: list[FieldChange] = []
    for name in dict.fromkeys((*old, *new)):
        one, two = old.get(name), new.get(name)
        differing = _differing(one, two, tolerance)
        if not differing:
            continue
        if _is_plain(one) and _is_plain(two):
            found.append(FieldChange(field=name, old=_plain(one), new=_plain(two)))
        else:
            found.append(FieldChange(field=name, values=differing))
    return tuple(sorted(found, key=lambda change: _natural(change.field)))


def _differing(old: object, new: object, tolerance: float) -> int:
    """How many single values of two trees differ; lists are compared place by place.

    Examples
    --------
    >>> _differing({"a": [1.0, 2.0]}, {"a": [1.0, 2.5, 3.0]}, 1e-9)
    2
    """
    if isinstance(old, dict) and isinstance(new, dict):
        names = dict.fromkeys((*old, *new))
        return sum(_differing(old.get(name), new.get(name), tolerance) for name in names)
    if isinstance(old, list) and isinstance(new, list):
        shared = min(len(old), len(new))
        longer = (*old[shared:], *new[shared:])
        return sum(
            _differing(one, two, tolerance)
            for one, two in zip(old[:shared], new[:shared], strict=True)
        ) + sum(max(_size(part), 1) for part in longer)
    if _is_plain(old) and _is_plain(new):
        return int(not _same(old, new, tolerance))
    return max(_size(old), _size(new), 1)


def _size(tree: object) -> int:
    """How many single values a tree has."""
    if isinstance(tree, dict):
        return sum(_size(part) for part in tree.values())
    if isinstance(tree, list):
        return sum(_size(part) for part in tree)
    return 1


def _same(old: object, new: object, tolerance: float) -> bool:
    """Whether two single values are the same; of two numbers the larger is the measure."""
    numbers = [
        value for value in (old, new) if isinstance(value, int | float) and type(value) is not bool
    ]
    if len(numbers) == 2 and old != new:
        return math.isclose(numbers[0], numbers[1], rel_tol=tolerance)
    return old == new


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _plain(value: object) -> Plain:
    """A single value as JSON holds it."""
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _tree(part: object) -> dict[str, object]:
    """A result as JSON would hold it."""
    return _mapping(_jsonable(part))


def _jsonable(part: object) -> object:
    """Any part of a bundle as JSON would hold it."""
    found: object = to_jsonable_python(part, fallback=_plain_mapping)
    return found


def _mapping(tree: object) -> dict[str, object]:
    return {str(name): value for name, value in tree.items()} if isinstance(tree, dict) else {}


def _plain_mapping(value: object) -> object:
    """What JSON does not know: mappings that cannot be changed, else how a value is printed."""
    return dict(value) if isinstance(value, Mapping) else str(value)


def _numbered(found: Iterable[tuple[str, _Entry]]) -> dict[str, _Entry]:
    """Entries by name; the second of a name is called so."""
    named: dict[str, _Entry] = {}
    for name, entry in found:
        free = name
        number = 1
        while free in named:
            number += 1
            free = f"{name} ({number})"
        named[free] = entry
    return named


def _all(old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    """Every name of both, each once, R2 before R10."""
    return iter(sorted({*old, *new}, key=_natural))


def _natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """A key by which numbers in names count as numbers.

    Examples
    --------
    >>> sorted(["R10", "R2", "C1"], key=_natural)
    ['C1', 'R2', 'R10']
    """
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if part.isdecimal() else part for part in parts), name
