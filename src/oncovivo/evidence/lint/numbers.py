"""Rules about numbers: unit, denominator, n, dispersion, test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from oncovivo.evidence.lint.model import ANIMAL_KINDS, Hit, LintInput, is_expected_to_fall, rule
from oncovivo.evidence.lint.phrases import SIGNIFICANCE, phrases
from oncovivo.evidence.records import Record, Reported

__all__ = [
    "no_group_size",
    "no_unit",
    "significance_without_test",
    "standard_error_as_deviation",
]

LARGEST_EFFECT = 5.0
"""Standardized effects beyond this are taken for a standard error read as a deviation.

Pooled effects on tumor volume lie near 2 standard deviations, and beyond 5 the arms would not
overlap at all; with the standard error in place of the deviation an effect grows by the square
root of n, so 2 becomes 5.7 with 8 animals.
"""

LARGEST_MEAN_OVER_SD = 10.0
"""As `LARGEST_EFFECT`, for a mean size: tumors of one arm vary by far more than a tenth."""

_NEEDS_DENOMINATOR = ("percent", "ratio")
_CONTINUOUS = (
    "mm3",
    "mg",
    "g",
    "day",
    "week",
    "month",
    "percent",
    "ratio",
    "hazard_ratio",
    "per_day",
    "nmol/L",
)
_PROPORTIONS = ("response_rate", "complete_regression", "engraftment")
_MISSING = ("not_reported", "not_extracted")


def _is_missing(cell: Reported[float] | Reported[int]) -> bool:
    """Whether the source was read, or could have been, and the value is not there."""
    return cell.state in _MISSING


def _unit_reasons(record: Record, value: float) -> Iterator[str]:
    unit = record.unit.value
    if unit is None:
        yield f"{value:g} has no unit"
        return
    if unit in _NEEDS_DENOMINATOR and not record.denominator.given:
        yield f"{value:g} {unit} of what is not said"
    if unit == "count":
        total = re.search(r"\d+", record.denominator.value or "")
        out_of = int(total.group()) if total else record.n_treated.value
        if out_of is None:
            yield f"a count of {value:g} has no total"
        elif value > out_of:
            yield f"a count of {value:g} is above its total of {out_of}"
    if unit == "percent" and value > 100:
        if record.endpoint in _PROPORTIONS:
            yield f"{value:g} % cannot be a share"
        elif record.endpoint == "tumor_growth_inhibition" and not re.search(
            "baseline|change", record.denominator.value or "", re.IGNORECASE
        ):
            yield f"an inhibition of {value:g} % needs a definition that allows it"


@rule(
    "LINT-09",
    "error",
    "number without unit or denominator",
    mend="state unit and denominator as the source defines them, or use = context",
)
def no_unit(case: LintInput) -> Iterator[Hit]:
    """Evidence rows whose value has no unit, no denominator, or is outside its range.

    Percent and ratio need a denominator, a count a total (in the denominator or n_treated). A
    growth inhibition above 100 % needs a denominator that speaks of baseline or change. A context
    row that says ``not_reported`` declares the gap.
    """
    for record in case.evidence:
        value = record.value.value
        if value is None:
            continue
        reasons = tuple(_unit_reasons(record, value))
        if reasons:
            yield Hit(f"row {record.row_id}: {'; '.join(reasons)}", rows=(record.row_id,))


@rule(
    "LINT-21",
    "warning",
    "significance without a test, or a number without dispersion",
    mend="give p or the test, and the dispersion with its kind; or drop the word",
)
def significance_without_test(case: LintInput) -> Iterator[Hit]:
    """Evidence rows and claims that sound like statistics and hold none.

    The word 'significant' needs a test or a p value in the row, or in one of the claim's rows. A
    continuous value needs a dispersion; ``not_accessible`` (an abstract was read) and
    ``not_applicable`` are answers. A claim that is expected to fall passes, and so do texts that
    deny significance.
    """
    for record in case.evidence:
        reasons = []
        words = phrases(SIGNIFICANCE, record.statement)
        if words and not _tested(record):
            reasons.append(f"says {words[0]!r} without p or test")
        if (
            record.value.given
            and record.unit.value in _CONTINUOUS
            and record.endpoint not in _PROPORTIONS
            and _is_missing(record.dispersion)
        ):
            reasons.append(f"gives {record.value} {record.unit} without dispersion")
        if reasons:
            yield Hit(f"row {record.row_id} {' and '.join(reasons)}", rows=(record.row_id,))
    for claim in case.claims:
        words = phrases(SIGNIFICANCE, claim.text)
        if not words or is_expected_to_fall(claim):
            continue
        rows = case.claim_rows[claim.id]
        if not any(_tested(record) for record in rows):
            yield Hit(
                f"claim {claim.id} says {words[0]!r}, and none of its {len(rows)} rows has p or "
                f"test",
                rows=tuple(record.row_id for record in rows),
                claims=(claim.id,),
            )


def _tested(record: Record) -> bool:
    return record.p_value.given or record.test.given


def _standardized(record: Record) -> tuple[float, float] | None:
    """A row's standardized size with its bound; None where it cannot be told."""
    value, sd, unit = record.value.value, record.dispersion.value, record.unit.value
    if value is None or not sd or record.dispersion_kind.value != "SD":
        return None
    if unit in ("mm3", "mg", "g"):
        return abs(value) / sd, LARGEST_MEAN_OVER_SD
    if unit == "percent":
        # of the control or off the control: the smaller effect is the cautious reading
        return min(abs(value), abs(100 - value)) / sd, LARGEST_EFFECT
    if unit == "ratio":
        return abs(1 - value) / sd, LARGEST_EFFECT
    if unit in ("day", "week") and record.endpoint == "growth_delay":
        return abs(value) / sd, LARGEST_EFFECT
    return None


@rule(
    "LINT-25",
    "error",
    "standard error taken for a standard deviation",
    mend="check the legend of the figure or table, and correct dispersion_kind",
)
def standard_error_as_deviation(case: LintInput) -> Iterator[Hit]:
    """Rows of either use whose SD is implausibly small for their value and n.

    An effect (a growth delay, or a percent or ratio against the control) of more than 5 SD, or a
    mean volume or weight of more than 10 SD. Needs a value, a dispersion of the kind SD and
    n ≥ 2.
    """
    for record in case.records:
        n = record.n_treated.value
        found = _standardized(record)
        if found is None or n is None or n < 2:
            continue
        size, bound = found
        if size > bound:
            yield Hit(
                f"row {record.row_id}: {record.value} {record.unit} with an SD of "
                f"{record.dispersion} is {size:.1f} SD, above {bound:g}; as a standard error "
                f"with n = {n} it would be {size / n**0.5:.1f}",
                rows=(record.row_id,),
            )


@rule(
    "LINT-26",
    "warning",
    "number without a group size",
    mend="give n_treated, or say not_accessible where only an abstract was read",
)
def no_group_size(case: LintInput) -> Iterator[Hit]:
    """Evidence rows from animals with a value or a p value and an unreported n.

    ``not_accessible`` is an answer where only an abstract could be read.
    """
    for record in case.evidence:
        if (
            record.evidence_kind in ANIMAL_KINDS
            and (record.value.given or record.p_value.given)
            and _is_missing(record.n_treated)
        ):
            yield Hit(
                f"row {record.row_id} gives a number and no n ({record.n_treated})",
                rows=(record.row_id,),
            )
