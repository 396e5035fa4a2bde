"""All checks, in the order in which the documentation lists them."""

from __future__ import annotations

from oncovivo.studies.check import (
    animals,
    arms,
    baseline,
    diameters,
    entries,
    files,
    labels,
    zeros,
)
from oncovivo.studies.check.model import Check, CheckReference, FileCheck

__all__ = ["CHECKS", "FILE_CHECKS", "check_reference"]

CHECKS: tuple[Check, ...] = (
    entries.unreadable_cell,
    entries.missing_cell,
    animals.animal_in_two_arms,
    animals.duplicate_animal_day,
    animals.time_goes_backwards,
    animals.reading_after_end,
    animals.animal_without_reading,
    animals.single_reading,
    animals.duplicate_curves,
    animals.constant_curve,
    entries.impossible_volume,
    entries.volume_falls,
    entries.volume_jumps,
    entries.unit_slip,
    entries.unit_doubtful,
    entries.area_not_volume,
    diameters.length_below_width,
    diameters.one_diameter,
    diameters.mixed_volume_formulas,
    diameters.volume_contradicts_diameters,
    entries.mixed_empty_marks,
    entries.floor_value,
    entries.missing_volume,
    zeros.padding_zeros,
    zeros.sudden_zero,
    zeros.true_zeros,
    zeros.zeros_before_tumor,
    entries.impossible_body_weight,
    entries.body_weight_jump,
    entries.missing_body_weight,
    baseline.no_common_baseline,
    baseline.missing_baseline,
    baseline.baseline_imbalance,
    baseline.first_day_not_zero,
    baseline.dosing_starts_later,
    baseline.control_does_not_grow,
    arms.no_control_arm,
    arms.small_arm,
    arms.few_animals,
    arms.one_animal_per_arm,
    arms.cage_is_arm,
    arms.no_common_day,
    arms.staggered_days,
    arms.irregular_visits,
    arms.uneven_follow_up,
    arms.fewer_than_half_remain,
    arms.arm_stops_at_once,
    arms.leaves_at_large_volume,
    arms.leaves_without_reason,
    labels.treatment_label_variants,
    labels.animal_label_variants,
    labels.unnamed_treatment,
    labels.interrupted_dosing_label,
    labels.dose_in_label_only,
    labels.several_cohorts,
    labels.cohort_is_arm,
    labels.simulated_not_marked,
    entries.rounded_volumes,
    entries.unrounded_volumes,
)
"""Checks of one study."""

FILE_CHECKS: tuple[FileCheck, ...] = (
    files.several_studies,
    files.columns_not_read,
    files.labels_differ_between_studies,
    files.curves_in_two_studies,
    files.reader_refuses,
)
"""Checks of a file as a whole."""


def check_reference() -> tuple[CheckReference, ...]:
    """Every check with its code, severity, title, explanation and mending, for documentation."""
    checks: tuple[Check | FileCheck, ...] = (*CHECKS, *FILE_CHECKS)
    return tuple(
        CheckReference(
            code=check.code,
            severity=check.severity,
            title=check.title,
            explanation=check.explanation,
            mend=check.mend,
        )
        for check in checks
    )
