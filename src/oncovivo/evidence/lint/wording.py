"""Rules about words that say more than the numbers, and about what is no text of a guide."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oncovivo.evidence.claims import Claim
from oncovivo.evidence.lint.model import Hit, LintInput, is_expected_to_fall, rule
from oncovivo.evidence.lint.phrases import (
    ADJECTIVE,
    BOILERPLATE,
    ENHANCEMENT,
    SYNERGY,
    phrases,
    sentences,
    stem,
)
from oncovivo.evidence.records import STATES, Record

__all__ = ["adjective_without_number", "boilerplate_or_missing_figure", "synergy_without_null"]


def _drift(record: Record, word: str) -> str:
    """How the source uses an adjective of a row, where the row quotes the source."""
    if not record.source_result:
        return ""
    if stem(word) in record.source_result.casefold():
        return f"; the source uses it so: {record.source_result}"
    return f"; the source says: {record.source_result}"


@rule(
    "LINT-13",
    "warning",
    "adjective without a number",
    mend="give the number, or leave the adjective out",
)
def adjective_without_number(case: LintInput) -> Iterator[Hit]:
    """Adjectives of size in evidence rows without a value, claims without a slot, and texts.

    Where the row holds ``source_result`` the message shows what the source says, so that an
    adjective that belonged to another result is seen. A claim that is expected to fall passes.
    """
    for record in case.evidence:
        words = phrases(ADJECTIVE, record.statement)
        if words and not record.value.given:
            yield Hit(
                f"row {record.row_id} says {words[0]!r} without a number"
                f"{_drift(record, words[0])}",
                rows=(record.row_id,),
            )
    for claim in case.claims:
        words = phrases(ADJECTIVE, claim.text)
        if words and not claim.slots and not is_expected_to_fall(claim):
            yield Hit(f"claim {claim.id} says {words[0]!r} without a number", claims=(claim.id,))
    for text in case.texts:
        words = phrases(ADJECTIVE, text.body)
        if words:
            yield Hit(f"text {text.id} says {words[0]!r} without a number", subjects=(text.id,))


def _unbacked(text: str, rows: tuple[Record, ...]) -> str:
    """What a sentence says of a combination that no row can show; empty when nothing."""
    synergy = phrases(SYNERGY, text)
    if synergy and not any(row.null_model.given for row in rows):
        return f"{synergy[0]!r} without a null model"
    enhancement = phrases(ENHANCEMENT, text)
    if enhancement and not any(
        row.null_model.given or row.contrast.value == "factorial" for row in rows
    ):
        return f"{enhancement[0]!r} without a factorial contrast"
    return ""


def _asks_for_synergy(claim: Claim) -> bool:
    """Whether a claim asks a study's results under a null model for the verdict synergy."""
    nulls = claim.where.get("null_model", [])
    return (
        claim.where.get("analysis") == ["synergy"]
        and bool(nulls)
        and not any(word in STATES for word in nulls)
        and claim.supports.get("verdict") == ["synergy"]
    )


def _unbacked_claim(claim: Claim, rows: tuple[Record, ...]) -> str:
    """What a claim says that its rows cannot show, and why they cannot."""
    what = _unbacked(claim.text, rows)
    if not what or is_expected_to_fall(claim):
        return ""
    if claim.origin is None or claim.origin.kind.word != "study":
        return f"{what} in any of its {len(rows)} rows"
    if _asks_for_synergy(claim):
        return ""
    return (
        f"{what.partition(' without ')[0]} and does not ask results of synergy under a null model "
        "for the verdict synergy"
    )


@rule(
    "LINT-18",
    "error",
    "synergy or enhancement without a factorial contrast or null model",
    mend="say what was compared, or give the null model and the factorial contrast",
)
def synergy_without_null(case: LintInput) -> Iterator[Hit]:
    """Sentences that state synergy or enhancement which no row can show.

    Synergy needs a null model; 'enhanced', 'potentiated', 'augmented', 'sensitized' need a
    factorial contrast or a null model, in the row or in one of the claim's rows. A claim from a
    study has both when its ``where`` holds ``analysis = ["synergy"]`` and a null model, and its
    ``supports`` is ``verdict = ["synergy"]``. A claim that is expected to fall passes, and so does
    a sentence that denies it. A text is read only where the sentence names a compound: a text may
    explain what synergy is.
    """
    for record in case.evidence:
        what = _unbacked(record.statement, (record,))
        if what:
            yield Hit(f"row {record.row_id} says {what}", rows=(record.row_id,))
    for claim in case.claims:
        rows = case.claim_rows[claim.id]
        what = _unbacked_claim(claim, rows)
        if what:
            yield Hit(
                f"claim {claim.id} says {what}",
                rows=tuple(row.row_id for row in rows),
                claims=(claim.id,),
            )
    compounds = re.compile(
        "|".join(
            re.escape(name)
            for compound in case.identifiers.compounds.values()
            for name in (compound.name, *compound.synonyms)
        )
        or r"(?!)",
        re.IGNORECASE,
    )
    for text in case.texts:
        for sentence in sentences(text.body):
            what = _unbacked(sentence, ())
            if what and compounds.search(sentence):
                yield Hit(f"text {text.id} says {what}", subjects=(text.id,))
                break


@rule(
    "LINT-24",
    "error",
    "vendor boilerplate, or a figure that is announced and missing",
    mend="remove the sentence; add the figure's data file, or take the announcement out",
)
def boilerplate_or_missing_figure(case: LintInput) -> Iterator[Hit]:
    """The voice of a supplier in rows, claims or texts, and figures without a data file."""
    for record in case.records:
        words = phrases(BOILERPLATE, record.statement)
        if words:
            yield Hit(f"row {record.row_id} says {words[0]!r}", rows=(record.row_id,))
    for claim in case.claims:
        words = phrases(BOILERPLATE, claim.text)
        if words:
            yield Hit(f"claim {claim.id} says {words[0]!r}", claims=(claim.id,))
    for text in case.texts:
        words = phrases(BOILERPLATE, text.body)
        if words:
            yield Hit(f"text {text.id} says {words[0]!r}", subjects=(text.id,))
    for figure in case.figures:
        if not figure.present:
            yield Hit(
                f"figure {figure.id} ({figure.title}) is announced and its file is missing",
                subjects=(figure.id,),
            )
