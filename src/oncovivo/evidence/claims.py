"""Claims: sentences with slots, the query that fills and tests each, and the verdict.

Everything here is a pure function of rows and claims. A row is a mapping from column to the values
a query may match (:func:`oncovivo.evidence.records.flatten` makes those of the literature); which
columns there are follows from the claim's source, see :mod:`oncovivo.evidence.claim_sources`. Rows
of ``use = context`` are shown in the guide and never reach a claim.

The verdict is the first that holds, in this order:

1. ``opinion``: declared, a sentence without testable content
2. ``uncited``: no ``from``
3. ``unsupported``: no row matches ``where``
4. ``contradicted``: contradicting sources ≥ supporting sources, and at least one contradicts
5. ``supported``: supporting sources ≥ ``needs.sources`` and none contradicts
6. ``partly_supported``: everything else

Sources are independent works, not rows: two rows of one paper count once. A source with supporting
and contradicting rows counts on both sides. A study or a simulation is one source, however many
rows it has; a pooled row has the works that were pooled in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
)

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.claim_sources import EVIDENCE, ClaimSource, SourceKind, parse_source
from oncovivo.evidence.csvfile import read_text
from oncovivo.evidence.records import STATES, Scalar
from oncovivo.evidence.vocabulary import WORD_LISTS
from oncovivo.texts import parse_toml

__all__ = [
    "Approval",
    "Claim",
    "ClaimResult",
    "FilledSlot",
    "PooledSlot",
    "Pooler",
    "Query",
    "Row",
    "Verdict",
    "evaluate_claim",
    "evaluate_claims",
    "read_claims",
    "select_rows",
]

Row: TypeAlias = Mapping[str, tuple[Scalar, ...]]
Verdict: TypeAlias = Literal[
    "opinion", "uncited", "unsupported", "contradicted", "supported", "partly_supported"
]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Accepted: TypeAlias = Annotated[list[StrictStr | StrictInt | Number], Field(min_length=1)]
Query: TypeAlias = dict[str, Accepted]

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
SLOT_FUNCTIONS = ("count", "distinct", "share", "min", "max", "median", "range", "pooled")

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
NonEmpty = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class _Strict(BaseModel):
    """Base of what is read from TOML: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Needs(_Strict):
    """What a claim needs to be supported: independent ``sources``."""

    sources: StrictInt = Field(default=1, ge=1)


class Approval(_Strict):
    """What a sentence about an approval must name: who approved, when, and the label's id."""

    jurisdiction: NonEmpty
    date: NonEmpty
    label: NonEmpty


class Claim(_Strict):
    """A sentence of the guide as ``claims.toml`` declares it.

    ``from`` is written ``source`` in Python. ``section`` names the section of the guide; ``cites``
    are references that the sentence names beside those of its rows; ``opinion`` declares a
    sentence without testable content.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: Identifier
    section: Identifier
    text: NonEmpty
    source: str | None = Field(default=None, alias="from")
    where: Query = Field(default_factory=dict)
    slots: dict[str, str] = Field(default_factory=dict)
    supports: Query = Field(default_factory=dict)
    contradicts: Query = Field(default_factory=dict)
    needs: Needs = Needs()
    expect: Verdict
    opinion: StrictBool = False
    cites: tuple[str, ...] = ()
    approval: Approval | None = None
    note: str = ""

    @property
    def origin(self) -> ClaimSource | None:
        """The source that ``from`` names; None without one.

        Raises
        ------
        InputError
            If there is no such kind of source.
        """
        if self.source is None:
            return None
        return parse_source(self.source, where=f"claim {self.id}")

    @property
    def simulated(self) -> bool:
        """Whether the claim is tested against a simulation.

        Whether a study is simulated is known once it was read: see :attr:`ClaimResult.simulated`.
        """
        return self.origin is not None and self.origin.simulated


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledSlot:
    """Rows pooled for a sentence: printed effect and ids of its rows, or why there is none."""

    text: str = ""
    rows: tuple[str, ...] = ()
    reason: str = ""


Pooler: TypeAlias = Callable[[Sequence[str]], PooledSlot]
"""From ids of evidence rows to what they say pooled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledSlot:
    """A number in a sentence: its slot, function, printed text and the rows behind it.

    ``reason`` says why the slot could not be filled; it is empty when it was.
    """

    name: str
    function: str
    text: str
    rows: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim tested against rows.

    ``rows`` are the ids of all rows that match the query; ``supporting`` and ``contradicting`` the
    ids of those that do; the ``…_sources`` are the distinct works behind them; ``parts`` the
    sentence as alternating text and slots. ``assumed_count`` and ``scaled_count`` are those of
    the matching row that has most, None where rows have none. ``simulated`` says whether the
    claim was tested against a simulation, or against a study that is simulated. ``decisive`` are
    the rows without any one of which the verdict is another, each with that verdict.
    """

    claim: Claim
    verdict: Verdict
    rows: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    supporting: tuple[str, ...] = ()
    supporting_sources: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    contradicting_sources: tuple[str, ...] = ()
    parts: tuple[str | FilledSlot, ...] = ()
    slots: tuple[FilledSlot, ...] = ()
    assumed_count: int | None = None
    scaled_count: int | None = None
    simulated: bool = False
    decisive: tuple[tuple[str, Verdict], ...] = ()

    @property
    def text(self) -> str:
        """The sentence with its slots filled."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def not_decisive(self) -> str:
        """Why no single row decides the verdict; empty where one does or none was asked."""
        if self.decisive or not self.rows:
            return ""
        needed, works = self.claim.needs.sources, len(self.supporting_sources)
        if self.verdict != "supported":
            return "the verdict stays as it is without any one row"
        if works > needed:
            return f"{works} works support it and {needed} would do"
        return "each work that supports it does so with several rows"

    @property
    def unfilled(self) -> tuple[FilledSlot, ...]:
        """The slots that could not be filled."""
        return tuple(slot for slot in self.slots if slot.reason)

    @property
    def holds(self) -> bool:
        """Whether the verdict is the one that the claim expects, and every slot is filled."""
        return self.verdict == self.claim.expect and not self.unfilled


class _ClaimsFile(_Strict):
    claim: list[Claim] = Field(default_factory=list)


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a ``claims.toml``.

    Raises
    ------
    FileFormatError
        If the file is not TOML, a key is unknown or has a wrong type, an id occurs twice, ``from``
        names no kind of source, a query names a column that the source does not have, a slot is
        declared and not used or used and not declared, or a slot function is unknown; the message
        names the claim.
    """
    raw = parse_toml(read_text(path), where=path.name)
    try:
        claims = _ClaimsFile.model_validate(raw).claim
    except ValidationError as err:
        raise FileFormatError.from_validation(
            err, what="a claim", where=_where(err, raw, path)
        ) from err
    seen: set[str] = set()
    for claim in claims:
        if claim.id in seen:
            raise FileFormatError(
                "a claim id that no other claim has",
                found=f"{claim.id!r} twice",
                where=path.name,
                mend="give each claim an id of its own",
            )
        seen.add(claim.id)
        _check_claim(claim, where=f"{path.name}, claim {claim.id}")
    return tuple(claims)


def _where(err: ValidationError, raw: object, path: Path) -> str:
    """The file, and the claim that pydantic's first complaint is about."""
    location = err.errors()[0]["loc"]
    if len(location) < 2 or not isinstance(raw, dict) or not isinstance(location[1], int):
        return path.name
    entry = raw["claim"][location[1]]
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"{path.name}, claim {name or f'number {location[1] + 1}'}"


def _check_claim(claim: Claim, *, where: str) -> None:
    """Refuse a claim whose query or slots cannot mean anything."""
    kind = _kind(claim, where=where)
    for name in ("where", "supports", "contradicts"):
        query: Query = getattr(claim, name)
        for column, accepted in query.items():
            _check_column(column, kind, where=f"{where}, {name}")
            for value in accepted:
                _check_accepted(column, value, kind, where=f"{where}, {name}.{column}")
    used = _SLOT.findall(claim.text)
    if re.search(r"[{}]", _SLOT.sub("", claim.text)):
        raise FileFormatError(
            "braces only around the name of a slot, in small letters, digits and _",
            found=repr(claim.text),
            where=f"{where}, text",
            mend="correct the slot",
        )
    for slot in used:
        if slot not in claim.slots:
            raise FileFormatError(
                f"a slot function for {{{slot}}}",
                found="none",
                where=f"{where}, slots",
                mend=f'add {slot} = "count" or another of: {", ".join(SLOT_FUNCTIONS)}',
            )
    for slot, function in claim.slots.items():
        if slot not in used:
            raise FileFormatError(
                f"{{{slot}}} in the text",
                found="it is not there",
                where=f"{where}, slots",
                mend="use the slot in the sentence, or remove it",
            )
        _parse_function(function, kind, where=f"{where}, slots.{slot}")
    if kind.one_work and claim.needs.sources > 1:
        raise FileFormatError(
            f"needs = {{ sources = 1 }} for a claim from a {kind.word}",
            found=str(claim.needs.sources),
            where=f"{where}, needs",
            mend=f"all rows of a {kind.word} are one work; leave 'needs' out",
        )
    if claim.slots and claim.source is None:
        raise FileFormatError(
            "a 'from' for a claim with slots",
            found="none",
            where=where,
            mend='add from = "evidence" and a query',
        )
    if claim.opinion and claim.source is not None:
        raise FileFormatError(
            "an opinion without 'from'",
            found=f"from = {claim.source!r}",
            where=where,
            mend="remove one of the two",
        )


def _kind(claim: Claim, *, where: str) -> SourceKind:
    """What the claim's columns are checked against; the evidence where it names no source."""
    try:
        origin = claim.origin
    except InputError as err:
        raise FileFormatError(err.expected, found=err.found, where=where, mend=err.mend) from err
    return EVIDENCE if origin is None else origin.kind


def _check_column(column: str, kind: SourceKind, *, where: str) -> None:
    if column not in kind.names:
        raise FileFormatError(
            f"a column of the {kind.rows}",
            found=f"{column!r}",
            where=where,
            mend=f"use one of: {', '.join(kind.names)}",
        )


def _check_accepted(name: str, value: Scalar, kind: SourceKind, *, where: str) -> None:
    """Refuse a word or number that no row can have; it would make a verdict of a slip."""
    column = kind.column(name)
    if column.states and value in STATES:
        return
    states = f", or {', '.join(STATES)}" if column.states else ""
    if column.kind in ("number", "count"):
        if isinstance(value, str):
            raise FileFormatError(
                "a number", found=repr(value), where=where, mend=f"write a number{states}"
            )
    elif not isinstance(value, str):
        raise FileFormatError(
            "words", found=repr(value), where=where, mend="write the words in quotes"
        )
    elif column.words and value not in WORD_LISTS[column.words]:
        raise FileFormatError(
            f"a word of the list {column.words}",
            found=repr(value),
            where=where,
            mend=f"use one of: {', '.join(WORD_LISTS[column.words])}{states}",
        )


def _parse_function(function: str, kind: SourceKind, *, where: str) -> tuple[str, str]:
    """The name and the argument of a slot function."""
    name, _, argument = function.strip().partition(" ")
    argument = argument.strip()
    if name not in SLOT_FUNCTIONS:
        raise FileFormatError(
            f"one of the slot functions {', '.join(SLOT_FUNCTIONS)}",
            found=f"{function!r}",
            where=where,
            mend="correct the slot",
        )
    if name == "count":
        if argument:
            raise FileFormatError(
                "count without a column", found=f"{function!r}", where=where, mend="write 'count'"
            )
        return name, ""
    column = argument.partition("=")[0].strip()
    if name == "share" and "=" not in argument:
        raise FileFormatError(
            "share with a column and a word, as 'share direction=benefit'",
            found=f"{function!r}",
            where=where,
            mend="name what the share is of",
        )
    if name == "pooled" and (kind.word != "evidence" or argument != "value"):
        raise FileFormatError(
            "'pooled value' of evidence rows",
            found=f"{function!r} of {kind.rows}",
            where=where,
            mend="write 'pooled value', or take 'median' of a column of what is pooled already",
        )
    _check_column(column, kind, where=where)
    if name == "share":
        _check_accepted(column, argument.partition("=")[2].strip(), kind, where=where)
    elif "=" in argument:
        raise FileFormatError(
            f"{name} with a column", found=f"{function!r}", where=where, mend="write the column"
        )
    if name in ("min", "max", "median", "range") and column not in kind.numeric:
        raise FileFormatError(
            f"a column of numbers for {name}",
            found=f"{column!r}",
            where=where,
            mend=f"use one of: {', '.join(sorted(kind.numeric))}",
        )
    return name, argument


def select_rows(rows: Sequence[Row], query: Query) -> tuple[Row, ...]:
    """The rows that match a query, in their order.

    Each column of the query lists the words or numbers that are accepted; a row matches when every
    column of the query has at least one accepted value in it. An empty query matches every row.

    Examples
    --------
    >>> rows = [
    ...     {"row_id": ("A",), "direction": ("benefit",)},
    ...     {"row_id": ("B",), "direction": ("none",)},
    ... ]
    >>> [row["row_id"][0] for row in select_rows(rows, {"direction": ["none", "harm"]})]
    ['B']
    """
    return tuple(
        row
        for row in rows
        if all(
            any(value in row[column] for value in accepted) for column, accepted in query.items()
        )
    )


def _ids(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(str(row["row_id"][0]) for row in rows)


def _distinct(rows: Sequence[Row], column: str) -> tuple[Scalar, ...]:
    """The distinct values of a column that are given, in order of appearance."""
    states = ("not_reported", "not_extracted", "not_accessible", "not_applicable")
    return tuple(
        dict.fromkeys(value for row in rows for value in row[column] if value not in states)
    )


def evaluate_claim(
    claim: Claim,
    rows: Sequence[Row],
    *,
    works: Mapping[str, str] | None = None,
    simulated: bool = False,
    pooled: Pooler | None = None,
) -> ClaimResult:
    """A claim's verdict and its sentence with the slots filled.

    Parameters
    ----------
    claim : Claim
        The claim.
    rows : sequence of Row
        All rows of the source the claim names, those of ``use = context`` included; they are left
        out here.
    works : mapping, optional
        From source key to the key of the work, for sources that are records of the same work.
    simulated : bool
        Whether the rows are those of a simulated study; those of a simulation always are.
    pooled : callable, optional
        What fills ``pooled value``; without it the slot cannot be filled.

    Raises
    ------
    InputError
        If the claim names a kind of source that does not exist (yet).

    Notes
    -----
    A slot that cannot be filled from the rows does not raise: it carries its reason, and the claim
    does not hold.
    """
    origin = claim.origin
    if claim.opinion or origin is None:
        return ClaimResult(
            claim=claim, verdict="opinion" if claim.opinion else "uncited", parts=(claim.text,)
        )
    usable = [row for row in rows if "context" not in row.get("use", ())]
    matching = select_rows(usable, claim.where)
    supporting = select_rows(matching, claim.supports) if claim.supports else ()
    contradicting = select_rows(matching, claim.contradicts) if claim.contradicts else ()
    for_ = _works(supporting, works)
    against = _works(contradicting, works)
    slots = {
        name: _fill(claim, name, matching, origin.kind, works, pooled) for name in claim.slots
    }
    return ClaimResult(
        claim=claim,
        verdict=_verdict(
            matching=len(matching),
            needed=claim.needs.sources,
            for_=len(for_),
            against=len(against),
        ),
        rows=_ids(matching),
        sources=_works(matching, works),
        supporting=_ids(supporting),
        supporting_sources=for_,
        contradicting=_ids(contradicting),
        contradicting_sources=against,
        parts=_compile(claim.text, slots),
        slots=tuple(slots.values()),
        assumed_count=_most(matching, "assumed_count"),
        scaled_count=_most(matching, "scaled_count"),
        simulated=origin.simulated or simulated,
        decisive=_decisive(claim, matching, supporting, contradicting, works),
    )


def _decisive(
    claim: Claim,
    matching: Sequence[Row],
    supporting: Sequence[Row],
    contradicting: Sequence[Row],
    works: Mapping[str, str] | None,
) -> tuple[tuple[str, Verdict], ...]:
    """The rows whose loss changes the verdict, each with the verdict without it."""

    def verdict(lost: Row | None) -> Verdict:
        for_, against = (
            len(_works([row for row in rows if row is not lost], works))
            for rows in (supporting, contradicting)
        )
        return _verdict(
            matching=len(matching) - (lost is not None),
            needed=claim.needs.sources,
            for_=for_,
            against=against,
        )

    now = verdict(None)
    without = [(row, verdict(row)) for row in matching]
    return tuple(
        (name, then)
        for name, (_, then) in zip(_ids(matching), without, strict=True)
        if then != now
    )


def _most(rows: Sequence[Row], column: str) -> int | None:
    """The largest count of a column; None where no row has the column."""
    counts = [int(row[column][0]) for row in rows if column in row]
    return max(counts, default=None)


def _verdict(*, matching: int, needed: int, for_: int, against: int) -> Verdict:
    """The verdict from the counts, in the order of the module's docstring."""
    if matching == 0:
        return "unsupported"
    if against and against >= for_:
        return "contradicted"
    if for_ >= needed and not against:
        return "supported"
    return "partly_supported"


def _works(rows: Sequence[Row], works: Mapping[str, str] | None) -> tuple[str, ...]:
    """The distinct works behind rows, in order of appearance."""
    keys = (str(key) for row in rows for key in row["source"])
    return tuple(dict.fromkeys((works or {}).get(key, key) for key in keys))


def _fill(
    claim: Claim,
    name: str,
    rows: Sequence[Row],
    kind: SourceKind,
    works: Mapping[str, str] | None,
    pooled: Pooler | None,
) -> FilledSlot:
    """One slot of a claim, computed."""
    where = f"claim {claim.id}, slot {name}"
    function, argument = _parse_function(claim.slots[name], kind, where=where)
    if function == "pooled" and pooled is not None:
        found = pooled(_ids(rows))
        return FilledSlot(
            name=name,
            function=claim.slots[name],
            text=found.text or "—",
            rows=found.rows,
            reason=found.reason,
        )
    try:
        text, used = _compute(function, argument, rows, kind, works)
    except _CannotFill as err:
        text, used, reason = "—", (), str(err)
    else:
        reason = ""
    return FilledSlot(
        name=name, function=claim.slots[name], text=text, rows=_ids(used), reason=reason
    )


class _CannotFill(Exception):
    """Why the rows cannot fill a slot; never leaves this module."""


def _compute(
    function: str,
    argument: str,
    rows: Sequence[Row],
    kind: SourceKind,
    works: Mapping[str, str] | None,
) -> tuple[str, Sequence[Row]]:
    """What a slot prints, and the rows behind it."""
    if function == "count":
        return str(len(rows)), rows
    if function == "distinct":
        values = _works(rows, works) if argument == "source" else _distinct(rows, argument)
        return str(len(values)), rows
    if function == "share":
        column, _, word = (part.strip() for part in argument.partition("="))
        return f"{len(select_rows(rows, {column: [word]}))} of {len(rows)}", rows
    if function == "pooled":
        raise _CannotFill(f"{kind.rows} hold no effect size with its variance to pool")
    with_number = [row for row in rows if not isinstance(row[argument][0], str)]
    numbers = sorted(float(row[argument][0]) for row in with_number)
    if not numbers:
        raise _CannotFill(f"none of the {len(rows)} matching rows has a number in {argument}")
    middle = (numbers[(len(numbers) - 1) // 2] + numbers[len(numbers) // 2]) / 2
    low, high = (_printed(number, kind) for number in (numbers[0], numbers[-1]))
    printed = {
        "min": low,
        "max": high,
        "median": _printed(middle, kind),
        "range": low if low == high else f"{low}–{high}",
    }
    return printed[function], with_number


def _printed(number: float, kind: SourceKind) -> str:
    """A number as it stands in a sentence."""
    if kind.digits is not None:
        number = float(f"{number:.{kind.digits}g}")
    return f"{number:g}"


def _compile(text: str, slots: Mapping[str, FilledSlot]) -> tuple[str | FilledSlot, ...]:
    """The sentence as alternating text and slots."""
    pieces = _SLOT.split(text)
    return tuple(
        slots[piece] if index % 2 else piece
        for index, piece in enumerate(pieces)
        if index % 2 or piece
    )


def evaluate_claims(
    claims: Sequence[Claim],
    sources: Mapping[str, Sequence[Row]],
    *,
    works: Mapping[str, str] | None = None,
    simulated: Collection[str] = (),
    pooled: Pooler | None = None,
) -> tuple[ClaimResult, ...]:
    """Every claim tested, in the order of the file.

    Parameters
    ----------
    claims : sequence of Claim
        The claims.
    sources : mapping
        From what ``from`` names (``evidence``, ``meta:<tumor>``, ``study:<id>``,
        ``simulation:<name>``) to its rows.
    works : mapping, optional
        As of :func:`evaluate_claim`.
    simulated : collection of str
        The studies among the sources that are simulated, as ``from`` names them.
    pooled : callable, optional
        As of :func:`evaluate_claim`.

    Raises
    ------
    InputError
        If a claim names a source that is not among them.
    """
    return tuple(
        evaluate_claim(
            claim,
            _rows_of(claim, sources),
            works=works,
            simulated=claim.source in simulated,
            pooled=pooled,
        )
        for claim in claims
    )


def _rows_of(claim: Claim, sources: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
    """The rows of a claim's source; none for a claim without one."""
    if claim.source is None or claim.origin is None:
        return ()
    if claim.source not in sources:
        raise InputError(
            f"a source that exists: {', '.join(sources) or 'none'}",
            found=f"from = {claim.source!r}",
            where=f"claim {claim.id}",
            mend="correct the name",
        )
    return sources[claim.source]
