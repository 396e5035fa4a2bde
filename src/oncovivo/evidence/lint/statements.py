"""Rules about what claims make of their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from oncovivo.evidence.claims import Claim
from oncovivo.evidence.lint.model import ANIMAL_KINDS, Hit, LintInput, is_expected_to_fall, rule
from oncovivo.evidence.lint.phrases import (
    APPROVAL,
    BENEFIT,
    FAILURE,
    HEADLINE,
    PROCEDURE,
    REGIMEN,
    REPRESENTATIVE,
    SHARE,
    mentions,
    phrases,
    sentences,
)
from oncovivo.evidence.lint.tumors import are_related, tumors_of_claim
from oncovivo.evidence.records import Record

__all__ = [
    "approval_without_label",
    "counts_another_substance",
    "headline_above_rows",
    "negative_result_omitted",
    "representative_of_one",
    "selective_citation",
    "uncited_procedure",
    "unheard_counter_evidence",
]

_AGAINST = ("none", "harm")
_NOT_FOR = ("none", "harm", "mixed")
_PROTOCOL_SECTIONS = ("protocol", "endpoints")


@rule(
    "LINT-05",
    "error",
    "headline stronger than its rows",
    mend="name only tumor types that have animal rows, or expect the verdict that the rows give",
)
def headline_above_rows(case: LintInput) -> Iterator[Hit]:
    """Claims with a superlative that have no animal efficacy row for a tumor type they name.

    The rows are those of the claim's query, or all evidence rows for a claim without one; tumor
    types are those of its text and query. A claim that is expected to fall passes.
    """
    for claim in case.claims:
        words = phrases(HEADLINE, claim.text)
        if not words or is_expected_to_fall(claim):
            continue
        rows = case.claim_rows[claim.id] if claim.source == "evidence" else case.evidence
        efficacy = {_code(row) for row in rows if row.evidence_kind == "animal_efficacy"}
        empty = [
            code
            for code in tumors_of_claim(claim, case.identifiers)
            if not _related(case, code, efficacy)
        ]
        if empty or not efficacy:
            near = {own for code in empty for own in _related(case, code, map(_code, rows))}
            others = tuple(row.row_id for row in rows if _code(row) in near)
            what = f"for {', '.join(empty)}" if empty else "at all"
            tail = f" (only {', '.join(others)}, which are not)" if others else ""
            yield Hit(
                f"claim {claim.id} says {words[0]!r} and has no animal efficacy row {what}{tail}",
                rows=others,
                claims=(claim.id,),
            )


def _code(record: Record) -> str:
    """The tumor type of a row, or that of its section when the row gives none."""
    return record.oncotree.value or record.filed_under


def _related(case: LintInput, code: str, others: Iterable[str]) -> set[str]:
    """Those of other codes that are a code, a wider or a narrower one."""
    return {other for other in set(others) if are_related(code, other, case.identifiers)}


def _speaks_for(claim: Claim) -> bool:
    """Whether a claim speaks for the treatment, by its words or its query."""
    return "benefit" in claim.supports.get("direction", []) or mentions(BENEFIT, claim.text)


@rule(
    "LINT-14",
    "error",
    "source cited for a benefit that it did not find",
    mend="count the source's own rows in contradicts, or remove the citation",
)
def selective_citation(case: LintInput) -> Iterator[Hit]:
    """Claims that speak for the treatment and cite a work whose rows say none or harm.

    The rows of the store are asked, of either use. The claim passes when its query weighs each
    of these rows, or when it is expected to fall.
    """
    against: dict[str, list[Record]] = {}
    for record in case.records:
        if record.direction in _AGAINST:
            for work in sorted(case.work_keys(record.sources)):
                against.setdefault(work, []).append(record)
    for claim in case.claims:
        if is_expected_to_fall(claim) or not _speaks_for(claim):
            continue
        weighed = {row.row_id for row in case.weighed_by(claim)}
        for key in claim.cites:
            rows = tuple(
                row.row_id
                for row in against.get(case.works.get(key, key), ())
                if row.row_id not in weighed
            )
            if rows:
                yield Hit(
                    f"claim {claim.id} cites {key} for a benefit; its rows {', '.join(rows)} "
                    f"found none",
                    rows=rows,
                    claims=(claim.id,),
                    subjects=(key,),
                )


def _unfavorable(text: str) -> bool:
    """Whether a source's result speaks against the treatment, in words or as a minority."""
    match = SHARE.search(text)
    minority = match is not None and 2 * int(match.group(1)) < int(match.group(2))
    return minority or mentions(FAILURE, text)


def _silenced(case: LintInput) -> Iterator[tuple[Record, tuple[Record, ...]]]:
    """Unheard rows against the treatment, with the heard rows for it of the same work."""
    counted = {row.row_id for rows in case.claim_rows.values() for row in rows}
    favorable: dict[str, list[Record]] = {}
    for record in case.evidence:
        if record.direction == "benefit" and record.row_id in counted:
            for work in sorted(case.work_keys(record.sources)):
                favorable.setdefault(work, []).append(record)
    for record in case.evidence:
        if record.direction in _NOT_FOR and record.row_id not in case.heard:
            rows = (
                row
                for work in sorted(case.work_keys(record.sources))
                for row in favorable.get(work, ())
            )
            yield record, tuple({row.row_id: row for row in rows}.values())


@rule(
    "LINT-15",
    "error",
    "negative result of the same source left out",
    mend="state the result as its source does, with a row of its own that a claim weighs",
)
def negative_result_omitted(case: LintInput) -> Iterator[Hit]:
    """Favorable evidence rows whose source also reports what speaks against them.

    A row of direction benefit whose ``source_result`` speaks of a failure or of a minority of
    responders; or an evidence row of direction none, harm or mixed that no claim weighs, while a
    claim counts a favorable row of the same work.
    """
    for record in case.evidence:
        if record.direction == "benefit" and _unfavorable(record.source_result):
            yield Hit(
                f"row {record.row_id} states a benefit; its source says: {record.source_result}",
                rows=(record.row_id,),
                subjects=record.sources,
            )
    for record, favorable in _silenced(case):
        if favorable:
            ids = tuple(row.row_id for row in favorable)
            yield Hit(
                f"claims count {', '.join(ids)}; row {record.row_id} of the same work "
                f"({record.direction}) is weighed by none",
                rows=(record.row_id, *ids),
                subjects=record.sources,
            )


@rule(
    "LINT-16",
    "error",
    "counter-evidence that no claim weighs",
    mend="let a claim's contradicts select the row, or write a claim about it",
)
def unheard_counter_evidence(case: LintInput) -> Iterator[Hit]:
    """Evidence rows of direction none, harm or mixed that no claim weighs.

    A claim weighs a row that its ``where`` selects and that its ``supports`` or ``contradicts``
    select, or that it states through slots without ``supports``. Rows that LINT-15 names are left
    to it; a project without claims hides nothing.
    """
    if not case.claims:
        return
    for record, favorable in _silenced(case):
        if not favorable:
            yield Hit(
                f"row {record.row_id} ({record.direction}: {record.statement}) is weighed by no "
                f"claim",
                rows=(record.row_id,),
                subjects=record.sources,
            )


@rule(
    "LINT-17",
    "warning",
    "regimen called representative on one study",
    mend="say which study used it, or query the rows of at least two works that give a regimen",
)
def representative_of_one(case: LintInput) -> Iterator[Hit]:
    """Claims and texts that call a regimen representative, typical, standard or usual.

    At least two works behind the claim's rows must give a regimen of the compound; without a query
    the works are those that the sentence cites. The message lists regimens of the store that
    differ. A claim that is expected to fall passes.
    """
    given = [row for row in case.evidence if row.regimen.given and row.compound == case.compound]
    for claim in case.claims:
        word = _calls_representative(claim.text)
        if not word or is_expected_to_fall(claim):
            continue
        behind = {row.row_id for row in case.claim_rows[claim.id]}
        rows = [row for row in given if row.row_id in behind]
        works = case.work_keys(tuple(key for row in rows for key in row.sources))
        if claim.source is None:
            works = case.work_keys(claim.cites)
        if len(works) < 2:
            yield Hit(
                f"claim {claim.id} says {word!r} of a regimen that rests on {_count(works)}"
                f"{_other_regimens(given, rows)}",
                rows=tuple(row.row_id for row in rows),
                claims=(claim.id,),
            )
    for text in case.texts:
        word = _calls_representative(text.body)
        works = case.work_keys(text.cites)
        if word and len(works) < 2:
            yield Hit(
                f"text {text.id} says {word!r} of a regimen that rests on {_count(works)}"
                f"{_other_regimens(given, [])}",
                subjects=(text.id,),
            )


def _count(works: frozenset[str]) -> str:
    return f"{len(works)} work{'' if len(works) == 1 else 's'}"


def _calls_representative(text: str) -> str:
    """The word by which one sentence calls a regimen representative; empty when none does."""
    for sentence in sentences(text):
        words = phrases(REPRESENTATIVE, sentence)
        if words and mentions(REGIMEN, sentence):
            return words[0]
    return ""


def _other_regimens(given: list[Record], own: list[Record]) -> str:
    """The regimens of the store that differ, of the kinds of evidence that the sentence is on."""
    kinds = {row.evidence_kind for row in own} or set(ANIMAL_KINDS)
    stated = {row.regimen for row in own}
    others = [
        f"{row.regimen} (row {row.row_id})"
        for row in given
        if row.evidence_kind in kinds and row.regimen not in stated
    ]
    return f"; others in the store: {', '.join(others)}" if others else ""


@rule(
    "LINT-20",
    "error",
    "approval without jurisdiction, date and label",
    mend="declare approval = { jurisdiction, date, label } in a claim of its own",
)
def approval_without_label(case: LintInput) -> Iterator[Hit]:
    """Claims that speak of an approval without declaring it, and texts that speak of one.

    The date must hold a year. Texts cannot declare an approval: write a claim.
    """
    for claim in case.claims:
        words = phrases(APPROVAL, claim.text)
        if not words:
            continue
        if claim.approval is None:
            reason = "names no jurisdiction, date and label"
        elif not re.search(r"\b\d{4}\b", claim.approval.date):
            reason = f"gives the date {claim.approval.date!r}, which holds no year"
        else:
            continue
        yield Hit(f"claim {claim.id} says {words[0]!r} and {reason}", claims=(claim.id,))
    for text in case.texts:
        words = phrases(APPROVAL, text.body)
        if words:
            yield Hit(
                f"text {text.id} says {words[0]!r}; only a claim can declare an approval",
                subjects=(text.id,),
            )


@rule(
    "LINT-22",
    "warning",
    "protocol statement without a source",
    mend="cite the method, query the rows that state it, or declare an opinion",
)
def uncited_procedure(case: LintInput) -> Iterator[Hit]:
    """Claims of the sections protocol and endpoints without ``from`` and ``cites``.

    Declared opinions pass. Texts of these sections need ``cites`` when they name a step of an
    experiment.
    """
    for claim in case.claims:
        uncited = claim.source is None and not claim.cites and not claim.opinion
        if claim.section in _PROTOCOL_SECTIONS and uncited:
            yield Hit(f"claim {claim.id} states a procedure and cites nothing", claims=(claim.id,))
    for text in case.texts:
        steps = phrases(PROCEDURE, text.body)
        if text.section in _PROTOCOL_SECTIONS and steps and not text.cites:
            yield Hit(
                f"text {text.id} states a procedure ({steps[0]}) and cites nothing",
                subjects=(text.id,),
            )


@rule(
    "LINT-32",
    "error",
    "claim on one substance that counts rows of another",
    mend="put compound in the claim's query, or name the other substance in the sentence",
)
def counts_another_substance(case: LintInput) -> Iterator[Hit]:
    """Claims that name a substance under study and count rows of one that they do not name.

    A name is a key, name or synonym of the vocabulary. A claim that names no substance, and rows
    of a class of substances, pass.
    """
    names = {
        key: re.compile(
            rf"(?<![\w-])(?:"
            rf"{'|'.join(re.escape(n) for n in (key, compound.name, *compound.synonyms))}"
            rf")(?![\w-])",
            re.IGNORECASE,
        )
        for key, compound in case.identifiers.compounds.items()
    }
    under_study = {row.compound for row in case.evidence} | {case.compound}
    for claim in case.claims:
        others: dict[str, list[str]] = {}
        named = {key for key, pattern in names.items() if pattern.search(claim.text)}
        if not named & under_study:
            continue
        for row in case.claim_rows[claim.id]:
            kind = case.identifiers.compounds.get(row.compound)
            if row.compound not in named and (kind is None or kind.kind != "class"):
                others.setdefault(row.compound, []).append(row.row_id)
        for compound, ids in others.items():
            yield Hit(
                f"claim {claim.id} names {', '.join(sorted(named))} and counts rows "
                f"{', '.join(ids)} of {compound}",
                rows=tuple(ids),
                claims=(claim.id,),
            )
