"""What the linter reads and what it says."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from inspect import cleandoc
from types import MappingProxyType
from typing import Literal, TypeAlias

from oncovivo.evidence.claims import Claim
from oncovivo.evidence.lint.matching import RowIndex
from oncovivo.evidence.records import Record
from oncovivo.evidence.vocabulary import Identifiers
from oncovivo.references import Library, Reference

__all__ = [
    "ANIMAL_KINDS",
    "AnnouncedFigure",
    "Citations",
    "Disagreement",
    "Finding",
    "Hit",
    "LintInput",
    "Rule",
    "Severity",
    "TextBlock",
    "Waiver",
    "is_expected_to_fall",
    "rule",
]

Severity: TypeAlias = Literal["error", "warning"]

ANIMAL_KINDS = ("animal_efficacy", "animal_pharmacodynamics")
"""Kinds of evidence that come from animals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBlock:
    """Framing prose of a guide: not a claim, and linted all the same."""

    id: str
    section: str
    body: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedFigure:
    """A figure that the guide announces.

    ``present`` says whether its data file exists, ``cites`` are the references that the data file
    names.
    """

    id: str
    section: str
    title: str
    present: bool
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A finding that is accepted for a stated reason.

    It applies to findings of ``rule`` that point to ``subject``: a row id, claim id, reference
    key, text id or figure id.
    """

    rule: str
    subject: str
    reason: str
    date: datetime.date
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A simulation and a study of one tumor type and treatment that disagree, in words."""

    tumor: str
    treatment: str
    simulation: str
    study: str
    simulated: str
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """Who cites a reference; ids, each in the order of its file."""

    evidence_rows: tuple[str, ...] = ()
    context_rows: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    @property
    def carries(self) -> bool:
        """Whether an evidence row, a claim or a text rests on the reference."""
        return bool(self.evidence_rows or self.claims or self.texts)


# Without slots: the views below are computed on first use, once for all rules.
@dataclass(frozen=True, kw_only=True)
class LintInput:
    """All that a rule may look at.

    ``compound`` is the key of the guide's compound; ``cited_elsewhere`` are references of what is
    not linted here, such as studies; ``disagreements`` are those of simulations with studies,
    known when results are. The properties are views that several rules share.
    """

    compound: str
    records: tuple[Record, ...] = ()
    claims: tuple[Claim, ...] = ()
    library: Library = field(default_factory=Library)
    identifiers: Identifiers = field(default_factory=Identifiers)
    texts: tuple[TextBlock, ...] = ()
    figures: tuple[AnnouncedFigure, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    cited_elsewhere: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()

    @cached_property
    def evidence(self) -> tuple[Record, ...]:
        """The rows that may carry a claim."""
        return tuple(record for record in self.records if record.use == "evidence")

    @cached_property
    def _index(self) -> RowIndex:
        return RowIndex(self.evidence)

    @cached_property
    def works(self) -> Mapping[str, str]:
        """From each reference key to the key of its work."""
        return self.library.works()

    @cached_property
    def claim_rows(self) -> Mapping[str, tuple[Record, ...]]:
        """From each claim's id to the evidence rows that its ``where`` selects."""
        return MappingProxyType(
            {
                claim.id: self._index.select(claim.where) if claim.source == "evidence" else ()
                for claim in self.claims
            }
        )

    @cached_property
    def heard(self) -> frozenset[str]:
        """The ids of the rows that some claim weighs.

        A claim weighs the rows that its ``where`` selects and that its ``supports`` or
        ``contradicts`` select; a claim with slots and no ``supports`` states all of its rows.
        """
        ids: set[str] = set()
        for claim in self.claims:
            ids.update(record.row_id for record in self.weighed_by(claim))
        return frozenset(ids)

    @cached_property
    def citations(self) -> Mapping[str, Citations]:
        """From each cited key to who cites it, keys in the order in which they are met."""
        found: dict[str, dict[str, list[str]]] = {}
        cited = [
            *(
                ("evidence_rows" if r.use == "evidence" else "context_rows", r.row_id, r.sources)
                for r in self.records
            ),
            *(("claims", claim.id, claim.cites) for claim in self.claims),
            *(("texts", text.id, text.cites) for text in self.texts),
            *(("figures", figure.id, figure.cites) for figure in self.figures),
        ]
        for kind, subject, keys in cited:
            for key in dict.fromkeys(keys):
                found.setdefault(key, {}).setdefault(kind, []).append(subject)
        return MappingProxyType(
            {
                key: Citations(**{kind: tuple(subjects) for kind, subjects in by.items()})
                for key, by in found.items()
            }
        )

    def weighed_by(self, claim: Claim) -> tuple[Record, ...]:
        """The rows that a claim weighs; see `heard`."""
        rows = self.claim_rows[claim.id]
        if claim.slots and not claim.supports:
            return rows
        chosen = {
            record.row_id
            for query in (claim.supports, claim.contradicts)
            if query
            for record in self._index.select(query)
        }
        return tuple(record for record in rows if record.row_id in chosen)

    def references(self, keys: tuple[str, ...]) -> tuple[Reference, ...]:
        """The references behind keys; a key that the library lacks is left out."""
        return tuple(self.library[key] for key in dict.fromkeys(keys) if key in self.library)

    def work_keys(self, keys: tuple[str, ...]) -> frozenset[str]:
        """The works behind keys."""
        return frozenset(self.works.get(key, key) for key in keys)


def is_expected_to_fall(claim: Claim) -> bool:
    """Whether the guide itself prints that a claim does not hold."""
    return claim.expect in ("unsupported", "contradicted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a rule found.

    ``rows`` and ``claims`` are ids; ``subjects`` are whatever else it points to (reference keys,
    text and figure ids). ``waiver`` is the waiver that accepts the finding.
    """

    rule: str
    severity: Severity
    message: str
    mend: str
    rows: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    waiver: Waiver | None = None

    @property
    def waived(self) -> bool:
        """Whether a waiver accepts it."""
        return self.waiver is not None

    def to_dict(self) -> dict[str, object]:
        """The finding under the names of the ``--json`` contract."""
        waiver = self.waiver
        return {
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "rows": list(self.rows),
            "claims": list(self.claims),
            "subjects": list(self.subjects),
            "mend": self.mend,
            "waived": self.waived,
            "waiver": None
            if waiver is None
            else {
                "rule": waiver.rule,
                "subject": waiver.subject,
                "reason": waiver.reason,
                "date": waiver.date.isoformat(),
                "by": waiver.by,
            },
        }


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check yields: a finding before its rule's id, severity and mend are added."""

    message: str
    _: KW_ONLY
    rows: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check with an id, a severity, what it looks for and how to mend what it finds.

    ``explanation`` says what exactly it looks at and what it lets pass.
    """

    id: str
    severity: Severity
    title: str
    mend: str
    find: Callable[[LintInput], tuple[Finding, ...]]
    explanation: str = ""


def rule(
    rule_id: str, severity: Severity, title: str, *, mend: str
) -> Callable[[Callable[[LintInput], Iterator[Hit]]], Rule]:
    """Decorator that makes a rule of a check; the check's docstring becomes the explanation."""

    def make(check: Callable[[LintInput], Iterator[Hit]]) -> Rule:
        def find(case: LintInput) -> tuple[Finding, ...]:
            return tuple(
                Finding(
                    rule=rule_id,
                    severity=severity,
                    message=hit.message,
                    mend=mend,
                    rows=hit.rows,
                    claims=hit.claims,
                    subjects=hit.subjects,
                )
                for hit in check(case)
            )

        return Rule(
            id=rule_id,
            severity=severity,
            title=title,
            mend=mend,
            find=find,
            explanation=cleandoc(check.__doc__ or ""),
        )

    return make
