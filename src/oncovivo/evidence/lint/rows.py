"""Rules about what a row describes: its subject, its host, its place and its compound."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oncovivo.evidence.lint.lines import immune_status_of, known_lines, species_of
from oncovivo.evidence.lint.model import ANIMAL_KINDS, Hit, LintInput, is_expected_to_fall, rule
from oncovivo.evidence.lint.phrases import (
    CAUSAL,
    IN_VITRO,
    IN_VIVO,
    PATIENT,
    SINGLE,
    mentions,
    phrases,
)
from oncovivo.evidence.records import Record

__all__ = [
    "another_substance",
    "between_subjects_as_allocated",
    "graft_against_host",
    "ids_against_vocabulary",
    "merged_row",
    "no_locator",
    "not_an_animal",
    "wrong_tumor_type",
]

_MANY = re.compile(
    r";|,|\band\b|&|\s/\s|\b(?:various|several|multiple|panel|lines|models|xenografts|both)\b",
    re.IGNORECASE,
)
_MANY_TUMORS = re.compile(r";|(?<!head )\band\b|&|\s/\s|\b(?:various|several)\b", re.IGNORECASE)
# One subject has one value of these; two rows that agree in all else state it twice.
_SINGLE_VALUED = (
    "tumor_volume",
    "tumor_weight",
    "tumor_growth_inhibition",
    "growth_delay",
    "growth_rate",
    "survival",
    "progression_free_survival",
    "response_rate",
    "complete_regression",
    "tumor_size_outcome",
    "body_weight",
    "engraftment",
)
_COMPARATORS = {
    "other_host": ("between_hosts",),
    "other_line": ("between_lines", "correlation"),
    "before_treatment": ("before_after", "single_arm"),
}
_BETWEEN = ("between_hosts", "between_lines", "before_after")
_LOCATOR = re.compile(
    r"\b(?:abstract|title|tables?|tab\.|fig(?:ure|s|\.)?|pp?\. ?\w?\d|pages?|sections?|sec\.|§|"
    r"methods?|results?|discussion|introduction|background|conclusions?|summary|"
    r"supp(?:l|lement\w*)?\.?|appendix|paragraph|para\.|legend|box|line|column|chapter|slide|"
    r"indications|registry (?:entry|record)|label)\b|\d",
    re.IGNORECASE,
)


@rule(
    "LINT-06",
    "error",
    "patient or in vitro row among animal rows",
    mend="say evidence_kind in the claim's query or the subjects in its sentence; state n",
)
def not_an_animal(case: LintInput) -> Iterator[Hit]:
    """Rows from patients or cells that pass for animal data.

    An animal row whose n counts patients or replicates; a patient row of ``use = evidence``
    without n (``not_accessible`` is an answer); a claim about animals that counts rows from cells
    or patients and does not say so; a claim all of whose rows rest on one subject and that does
    not say so. A claim that is expected to fall passes.
    """
    for record in case.evidence:
        animal = record.evidence_kind in ANIMAL_KINDS
        if animal and record.n_unit.value in ("patients", "replicates"):
            yield Hit(
                f"row {record.row_id} is of the kind {record.evidence_kind} and counts "
                f"{record.n_unit.value}",
                rows=(record.row_id,),
            )
        if record.evidence_kind == "patient" and record.n_treated.state in (
            "not_reported",
            "not_extracted",
        ):
            yield Hit(
                f"row {record.row_id} states patient data and hides the number of patients",
                rows=(record.row_id,),
            )
    for claim in case.claims:
        rows = case.claim_rows[claim.id]
        if is_expected_to_fall(claim) or not rows:
            continue
        if mentions(IN_VIVO, claim.text):
            for kind, word in (("in_vitro", IN_VITRO), ("patient", PATIENT)):
                foreign = tuple(r.row_id for r in rows if r.evidence_kind == kind)
                if foreign and not mentions(word, claim.text):
                    yield Hit(
                        f"claim {claim.id} speaks of animals and counts the "
                        f"{kind.replace('_', ' ')} rows {', '.join(foreign)}",
                        rows=foreign,
                        claims=(claim.id,),
                    )
        alone = all(r.n_treated.value == 1 and r.n_unit.value != "lines" for r in rows)
        if alone and not mentions(SINGLE, claim.text):
            yield Hit(
                f"claim {claim.id} rests on one subject and does not say so",
                rows=tuple(r.row_id for r in rows),
                claims=(claim.id,),
            )


def _graft_reasons(record: Record) -> Iterator[str]:
    """Why a row's graft, line, host and statement do not go together."""
    graft = record.graft_type.value
    line = record.xenograft_line.value or ""
    strain = record.host_strain.value or ""
    species = species_of(line)
    implied = immune_status_of(strain)
    stated = record.immune_status.value
    if stated is not None and implied is not None and stated != implied:
        yield f"the strain {strain} is {implied}, the row says {stated}"
    status = stated or implied
    if graft in ("cdx", "pdx"):
        if species == "mouse":
            yield f"{line} is a mouse line, the row calls it {graft}"
        if status == "immunocompetent":
            yield f"a human graft ({graft}) does not grow in an immunocompetent host"
    if graft in ("syngeneic", "allograft", "gemm"):
        if species == "human" and graft != "gemm":
            yield f"{line} is a human line, the row calls it {graft}"
        called = phrases(re.compile(r"\bxenograft\w*", re.IGNORECASE), record.statement)
        if called:
            yield f"its statement says {called[0]!r}, its graft type is {graft}"


@rule(
    "LINT-07",
    "error",
    "graft type and host contradict each other",
    mend="correct graft_type, host_strain or immune_status from the source",
)
def graft_against_host(case: LintInput) -> Iterator[Hit]:
    """Rows of either use in which line, graft type, strain and immune status cannot all hold.

    The species of a line and the immune status of a strain are read from their names where these
    are known; a derivative such as RENCA-CA9 counts as its parent.
    """
    for record in case.records:
        reasons = tuple(_graft_reasons(record))
        if reasons:
            yield Hit(f"row {record.row_id}: {'; '.join(reasons)}", rows=(record.row_id,))


@rule(
    "LINT-08",
    "error",
    "row filed under another tumor type",
    mend="set filed_under to the row's own type or a wider one",
)
def wrong_tumor_type(case: LintInput) -> Iterator[Hit]:
    """Rows of either use whose ``filed_under`` is neither their OncoTree code nor a wider one."""
    for record in case.records:
        code = record.oncotree.value
        if code is not None and record.filed_under not in case.identifiers.lineage(code):
            yield Hit(
                f"row {record.row_id} is on {code} ({record.tumor_type}) and filed under "
                f"{record.filed_under}",
                rows=(record.row_id,),
            )


def _merged(record: Record) -> Iterator[str]:
    """What a row puts into one that is several."""
    line = record.xenograft_line.value or ""
    known = known_lines(line)
    many = _MANY.search(line)
    if record.n_unit.value != "lines" and (many or len(known) > 1):
        yield f"several lines ({line})"
    if record.partner.value is not None and ";" in record.partner.value:
        yield f"several partners ({record.partner.value})"
    if _MANY_TUMORS.search(record.tumor_type):
        yield f"several tumor types ({record.tumor_type})"


@rule(
    "LINT-10",
    "error",
    "several experiments in one row, or one in several",
    mend="write one row per line, partner and tumor type, and state each result once",
)
def merged_row(case: LintInput) -> Iterator[Hit]:
    """Rows of either use that merge lines, partners or tumor types, and results stated twice.

    A row whose n counts lines is a panel by declaration and may name several. A merged row is
    named together with the rows of the same work and tumor type, whose animals it may count
    again. Two evidence rows state one result when they agree in work, kind of evidence, tumor,
    line, immune status, compound, partner, regimen, comparator, contrast, endpoint and day, for
    endpoints with one value; rows from patients also in the tumor as the source names it, since
    patients of a trial have groups and no lines.
    """
    by_work: dict[tuple[str, str | None], dict[str, None]] = {}
    for record in case.records:
        for work in sorted(case.work_keys(record.sources)):
            by_work.setdefault((work, record.oncotree.value), {})[record.row_id] = None
    for record in case.records:
        reasons = tuple(_merged(record))
        if not reasons:
            continue
        again = tuple(
            dict.fromkeys(
                other
                for work in sorted(case.work_keys(record.sources))
                for other in by_work[work, record.oncotree.value]
                if other != record.row_id
            )
        )
        tail = f"; {', '.join(again)} cites the same work and may count it again" if again else ""
        yield Hit(
            f"row {record.row_id} merges {' and '.join(reasons)}{tail}",
            rows=(record.row_id, *again),
        )
    stated: dict[tuple[object, ...], list[str]] = {}
    for record in case.evidence:
        if record.endpoint in _SINGLE_VALUED:
            for work in sorted(case.work_keys(record.sources)):
                key: tuple[object, ...] = (
                    work,
                    record.oncotree,
                    record.xenograft_line,
                    record.immune_status,
                    record.evidence_kind,
                    record.compound,
                    record.partner,
                    record.regimen,
                    record.comparator,
                    record.contrast,
                    record.endpoint,
                    record.day,
                    record.source_tumor if record.evidence_kind == "patient" else "",
                )
                stated.setdefault(key, []).append(record.row_id)
    for key, ids in stated.items():
        if len(ids) > 1:
            yield Hit(
                f"rows {', '.join(ids)} state one result of {key[0]} {len(ids)} times",
                rows=tuple(ids),
                subjects=(str(key[0]),),
            )


@rule(
    "LINT-12",
    "error",
    "the source studied another substance",
    mend="set compound to the substance that the source names, or use = context",
)
def another_substance(case: LintInput) -> Iterator[Hit]:
    """Evidence rows whose ``source_compound`` is not a name of their compound.

    A name that the vocabulary does not know cannot be the compound either. Context rows pass: they
    declare the difference and carry nothing.
    """
    for record in case.evidence:
        if not record.source_compound:
            continue
        resolved = case.identifiers.resolve_compound(record.source_compound)
        if resolved != record.compound:
            what = f"which is {resolved}" if resolved else "which no compound is known by"
            yield Hit(
                f"row {record.row_id} states {record.compound}; its source names "
                f"{record.source_compound}, {what}",
                rows=(record.row_id,),
                subjects=record.sources,
            )


@rule(
    "LINT-19",
    "error",
    "comparison between subjects read as a randomized one",
    mend="set contrast to between_hosts, between_lines or before_after, and drop the cause",
)
def between_subjects_as_allocated(case: LintInput) -> Iterator[Hit]:
    """Evidence rows that compare hosts, lines or times and pass for allocated groups.

    Hosts and lines are not allocated: such a contrast is not randomized, a comparator of that kind
    has no other contrast, and its statement names no cause. A factorial contrast, in which each
    host has its own control, passes.
    """
    for record in case.evidence:
        contrast = record.contrast.value
        reasons = []
        allowed = _COMPARATORS.get(record.comparator.value or "")
        if contrast and allowed and contrast not in (*allowed, "factorial"):
            reasons.append(f"the comparator {record.comparator} makes it no {contrast}")
        if contrast in _BETWEEN:
            if record.allocation.value == "randomized":
                reasons.append(f"a contrast {contrast} cannot be randomized")
            causes = phrases(CAUSAL, record.statement)
            if causes:
                reasons.append(f"its statement says {causes[0]!r}")
        if reasons:
            yield Hit(f"row {record.row_id}: {'; '.join(reasons)}", rows=(record.row_id,))


@rule(
    "LINT-30",
    "error",
    "id of a tumor type that the vocabulary gives otherwise",
    mend="copy the id from tumor_types.csv, or correct the OncoTree code",
)
def ids_against_vocabulary(case: LintInput) -> Iterator[Hit]:
    """Rows of either use whose NCIt or DOID id is not the one of their OncoTree code."""
    for record in case.records:
        tumor = case.identifiers.tumor_types.get(record.oncotree.value or "")
        if tumor is None:
            continue
        wrong = [
            f"{name} {given} for {tumor.oncotree}, which is {known}"
            for name, given, known in (
                ("NCIt", record.ncit.value, tumor.ncit),
                ("DOID", record.doid.value, tumor.doid),
            )
            if given and known and given != known
        ]
        if wrong:
            yield Hit(f"row {record.row_id} gives {' and '.join(wrong)}", rows=(record.row_id,))


@rule(
    "LINT-31",
    "error",
    "locator that leads nowhere",
    mend="write where it was read, as 'abstract', 'Table 2', 'Figure 3B' or 'p. 145'",
)
def no_locator(case: LintInput) -> Iterator[Hit]:
    """Evidence rows whose locator names no part of the source, such as 'full text'."""
    for record in case.evidence:
        if not _LOCATOR.search(record.locator):
            yield Hit(
                f"row {record.row_id} has the locator {record.locator!r}", rows=(record.row_id,)
            )
