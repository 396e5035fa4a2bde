"""Rules about what is cited, and for what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oncovivo.evidence.claims import Claim
from oncovivo.evidence.lint.model import ANIMAL_KINDS, Citations, Hit, LintInput, rule
from oncovivo.evidence.lint.phrases import ANIMAL, mentions
from oncovivo.evidence.lint.tumors import are_related, tumors_of_claim
from oncovivo.references import Reference

__all__ = [
    "another_tumor_type",
    "cited_twice",
    "clinical_cohort_for_animals",
    "clinical_source_for_animals",
    "never_used",
    "no_identifier",
    "not_primary",
    "not_verified",
    "unknown_key",
    "weak_kind_of_source",
]

_CLINICAL = ("clinical_trial", "clinical_review", "case_report", "regulatory", "label")
_PRIMARY_ANIMAL = ("primary_animal", "primary_mixed", "study")
_WEAK = ("aggregator", "vendor", "press", "social_network")
_FITTING = {
    "animal_efficacy": _PRIMARY_ANIMAL,
    "animal_pharmacodynamics": _PRIMARY_ANIMAL,
    "in_vitro": (*_PRIMARY_ANIMAL, "primary_in_vitro"),
    "patient": (
        "clinical_trial",
        "clinical_cohort",
        "case_report",
        "primary_mixed",
        "regulatory",
        "label",
    ),
}
_UNVERIFIED = ("recalled", "unresolved")
_LITTLE_WORD = re.compile(
    r"an?|and|as|at|by|for|from|in|into|is|of|on|or|the|to|with|versus|vs|via|record"
)


def _kind(reference: Reference) -> str:
    return reference.source_kind.replace("_", " ")


def _users(cited: Citations) -> str:
    """Who cites a reference, in words."""
    parts = [
        f"{word} {', '.join(ids)}"
        for word, ids in (
            ("rows", cited.evidence_rows),
            ("claims", cited.claims),
            ("texts", cited.texts),
        )
        if ids
    ]
    return "; ".join(parts)


def _carrying(case: LintInput) -> Iterator[tuple[Reference, Citations]]:
    """The references that an evidence row, a claim or a text rests on, in library order."""
    for reference in case.library:
        cited = case.citations.get(reference.key)
        if cited is not None and cited.carries:
            yield reference, cited


@rule(
    "LINT-01",
    "error",
    "citation without an identifier of the work",
    mend="find the work and add its DOI, PMID, PMCID, ISBN or registry id, or stop citing it",
)
def no_identifier(case: LintInput) -> Iterator[Hit]:
    """References that an evidence row, a claim or a text cites and that nothing identifies.

    A host name, a title or a search page is not an identifier. References of context rows pass:
    such rows carry nothing.
    """
    for reference, cited in _carrying(case):
        if not reference.has_identifier:
            yield Hit(
                f"{reference.key} ({reference.title}) has no DOI, PMID, PMCID, ISBN or registry "
                f"id; cited by {_users(cited)}",
                rows=cited.evidence_rows,
                claims=cited.claims,
                subjects=(reference.key, *cited.texts),
            )


@rule(
    "LINT-02",
    "error",
    "aggregator, vendor, press or social network as a source",
    mend="cite the work that it speaks of",
)
def weak_kind_of_source(case: LintInput) -> Iterator[Hit]:
    """References of such a kind that an evidence row, a claim or a text cites."""
    for reference, cited in _carrying(case):
        if reference.source_kind in _WEAK:
            yield Hit(
                f"{reference.key} ({reference.title}) is of the kind {_kind(reference)}; "
                f"cited by {_users(cited)}",
                rows=cited.evidence_rows,
                claims=cited.claims,
                subjects=(reference.key, *cited.texts),
            )


def _speaks_of_animals(claim: Claim) -> bool:
    """Whether a claim is about animals by its words or by its query."""
    kinds = claim.where.get("evidence_kind", [])
    asks = bool(kinds) and all(kind in ANIMAL_KINDS for kind in kinds)
    return asks or mentions(ANIMAL, claim.text)


def _misused(case: LintInput, kinds: tuple[str, ...]) -> Iterator[Hit]:
    """Animal rows and animal claims that rest on sources of such kinds."""
    for record in case.evidence:
        wrong = [r for r in case.references(record.sources) if r.source_kind in kinds]
        if record.evidence_kind in ANIMAL_KINDS and wrong:
            yield Hit(
                f"row {record.row_id} states animal data and cites "
                + ", ".join(f"{r.key} ({_kind(r)})" for r in wrong),
                rows=(record.row_id,),
                subjects=tuple(r.key for r in wrong),
            )
    for claim in case.claims:
        wrong = [r for r in case.references(claim.cites) if r.source_kind in kinds]
        if claim.approval is not None or not wrong or not _speaks_of_animals(claim):
            continue
        behind = tuple(key for row in case.claim_rows[claim.id] for key in row.sources)
        if any(r.source_kind in _PRIMARY_ANIMAL for r in case.references((*claim.cites, *behind))):
            continue
        yield Hit(
            f"claim {claim.id} speaks of animals and cites "
            + ", ".join(f"{r.key} ({_kind(r)})" for r in wrong)
            + " and no primary animal work",
            claims=(claim.id,),
            subjects=tuple(r.key for r in wrong),
        )


@rule(
    "LINT-03",
    "error",
    "clinical source for animal data",
    mend="cite the primary animal work, or state the row as patient data",
)
def clinical_source_for_animals(case: LintInput) -> Iterator[Hit]:
    """Animal evidence rows, and claims about animals, that cite a trial, review or label.

    A claim passes when it also rests on a primary animal work, by its own citations or by its
    rows, or when it declares an approval.
    """
    yield from _misused(case, _CLINICAL)


@rule(
    "LINT-04",
    "error",
    "patient cohort cited for an animal endpoint",
    mend="cite the animal work that defines the endpoint, or remove the citation",
)
def clinical_cohort_for_animals(case: LintInput) -> Iterator[Hit]:
    """As LINT-03, for cohorts of patients: their survival is not a humane endpoint."""
    yield from _misused(case, ("clinical_cohort",))


def _title_words(title: str) -> frozenset[str]:
    """The telling words of a title; what stands in brackets at its end is left out."""
    bare = re.sub(r"\s*\[[^\]]*\]\s*$", "", title.casefold())
    words = re.findall(r"[a-z0-9]+", bare)
    return frozenset(word for word in words if not _LITTLE_WORD.fullmatch(word))


def _could_be_one(first: Reference, second: Reference) -> bool:
    """Whether no identifier says that two works with near titles differ."""
    return not any(
        one and other and one.casefold() != other.casefold()
        for one, other in (
            (first.doi, second.doi),
            (first.pmid, second.pmid),
            (first.pmcid, second.pmcid),
            (first.isbn, second.isbn),
            (first.registry, second.registry),
        )
    )


def _near_titles(references: list[Reference]) -> Iterator[tuple[Reference, Reference]]:
    """Pairs whose titles differ by at most one telling word on each side."""
    by_signature: dict[frozenset[str], list[int]] = {}
    seen: set[tuple[int, int]] = set()
    for position, reference in enumerate(references):
        words = _title_words(reference.title)
        if len(words) < 4:
            continue
        for signature in (words, *(words - {word} for word in sorted(words))):
            others = by_signature.setdefault(signature, [])
            for other in others:
                if other != position and (other, position) not in seen:
                    seen.add((other, position))
                    yield references[other], reference
            others.append(position)


@rule(
    "LINT-11",
    "error",
    "one work cited under two keys",
    mend="cite one of the keys; set same_work_as on the other",
)
def cited_twice(case: LintInput) -> Iterator[Hit]:
    """Cited keys that share a DOI, PMID or PMCID, are declared the same, or have near titles.

    Near titles differ by at most one telling word on each side; two that carry different
    identifiers are two works. Every citation counts, those of context rows included. A second key
    that nothing cites is only a record.
    """
    used = [reference for reference in case.library if reference.key in case.citations]
    by_work: dict[str, list[Reference]] = {}
    for reference in used:
        by_work.setdefault(case.works[reference.key], []).append(reference)
    for group in by_work.values():
        if len(group) > 1:
            yield _twice(case, tuple(r.key for r in group), "are the same work")
    for first, second in _near_titles(used):
        if case.works[first.key] != case.works[second.key] and _could_be_one(first, second):
            yield _twice(case, (first.key, second.key), "have nearly the same title")


def _twice(case: LintInput, keys: tuple[str, ...], what: str) -> Hit:
    cited = [case.citations[key] for key in keys]
    rows = dict.fromkeys(row for c in cited for row in (*c.evidence_rows, *c.context_rows))
    claims = dict.fromkeys(claim for c in cited for claim in c.claims)
    texts = dict.fromkeys(text for c in cited for text in c.texts)
    return Hit(
        f"{' and '.join(keys)} {what} and are cited as {len(keys)}",
        rows=tuple(rows),
        claims=tuple(claims),
        subjects=(*keys, *texts),
    )


@rule(
    "LINT-23",
    "error",
    "citation that speaks of another tumor type",
    mend="cite a work on this tumor type, or say in the sentence which one the work is on",
)
def another_tumor_type(case: LintInput) -> Iterator[Hit]:
    """Evidence rows and claims with a reference whose ``subjects`` are all other tumor types.

    Wider and narrower types are the same subject. A reference without subjects, and a claim that
    names no tumor type in its text or query, are not compared.
    """
    for record in case.evidence:
        code = record.oncotree.value
        if code is not None:
            for reference in case.references(record.sources):
                if _is_elsewhere(case, reference, (code,)):
                    yield Hit(
                        f"row {record.row_id} is on {code} and cites {reference.key}, which "
                        f"speaks of {', '.join(reference.subjects)}",
                        rows=(record.row_id,),
                        subjects=(reference.key,),
                    )
    for claim in case.claims:
        codes = tumors_of_claim(claim, case.identifiers)
        for reference in case.references(claim.cites):
            if codes and _is_elsewhere(case, reference, codes):
                yield Hit(
                    f"claim {claim.id} is on {', '.join(codes)} and cites {reference.key}, which "
                    f"speaks of {', '.join(reference.subjects)}",
                    claims=(claim.id,),
                    subjects=(reference.key,),
                )


def _is_elsewhere(case: LintInput, reference: Reference, codes: tuple[str, ...]) -> bool:
    return bool(reference.subjects) and not any(
        are_related(code, subject, case.identifiers)
        for code in codes
        for subject in reference.subjects
    )


@rule(
    "LINT-27",
    "error",
    "evidence row that no checked source carries",
    mend="read the source, or set use = context",
)
def not_verified(case: LintInput) -> Iterator[Hit]:
    """Evidence rows that were recalled, or all of whose references are recalled or unresolved."""
    for record in case.evidence:
        references = case.references(record.sources)
        unchecked = [r.key for r in references if r.verification in _UNVERIFIED]
        if record.reading in _UNVERIFIED:
            reason = f"its reading is {record.reading}"
        elif references and len(unchecked) == len(references):
            reason = f"{', '.join(unchecked)} was not verified"
        else:
            continue
        yield Hit(
            f"row {record.row_id} is used as evidence, and {reason}",
            rows=(record.row_id,),
            subjects=tuple(unchecked),
        )


@rule(
    "LINT-28",
    "warning",
    "reference that nothing cites",
    mend="cite it where it belongs, or remove it",
)
def never_used(case: LintInput) -> Iterator[Hit]:
    """References that nothing cites, neither under this key nor under another of the work.

    The citations of rows of either use, claims, texts, figures and studies count.
    """
    used = {case.works.get(key, key) for key in (*case.citations, *case.cited_elsewhere)}
    for reference in case.library:
        if case.works[reference.key] not in used:
            yield Hit(
                f"{reference.key} ({reference.title}) is cited nowhere",
                subjects=(reference.key,),
            )


@rule(
    "LINT-33",
    "error",
    "evidence row whose source is not primary work of its kind",
    mend="cite the primary work, or set use = context or evidence_kind = review",
)
def not_primary(case: LintInput) -> Iterator[Hit]:
    """Evidence rows with a source of a kind that cannot hold such data.

    Reviews, methods and databases for any data; work on cells for animal data; clinical work for
    cells, and animal work for patients. What LINT-01 to LINT-04 name is left to them; rows of the
    kind ``review`` may cite anything.
    """
    for record in case.evidence:
        fitting = _FITTING.get(record.evidence_kind)
        if fitting is None:
            continue
        named_elsewhere = {*_WEAK, "host_only"}
        if record.evidence_kind in ANIMAL_KINDS:
            named_elsewhere |= {*_CLINICAL, "clinical_cohort"}
        wrong = [
            r
            for r in case.references(record.sources)
            if r.source_kind not in fitting and r.source_kind not in named_elsewhere
        ]
        if wrong:
            yield Hit(
                f"row {record.row_id} states {record.evidence_kind.replace('_', ' ')} data and "
                f"cites " + ", ".join(f"{r.key} ({_kind(r)})" for r in wrong),
                rows=(record.row_id,),
                subjects=tuple(r.key for r in wrong),
            )


@rule(
    "LINT-34",
    "error",
    "citation of a key that references.json does not have",
    mend="add the reference, or correct the key",
)
def unknown_key(case: LintInput) -> Iterator[Hit]:
    """Keys cited by rows, claims, texts or figures that the library lacks."""
    for key, cited in case.citations.items():
        if key not in case.library:
            yield Hit(
                f"{key} is cited and is not in references.json",
                rows=(*cited.evidence_rows, *cited.context_rows),
                claims=cited.claims,
                subjects=(key, *cited.texts, *cited.figures),
            )
