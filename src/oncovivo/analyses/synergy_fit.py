"""The growth model of the arms of a combination, and what all its analyses share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from oncovivo.analyses.synergy_result import SynergyOptions
from oncovivo.combination.sequence import SequenceComparison, compare_sequences, sequence_groups
from oncovivo.errors import DataError
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.studies import Study

__all__ = ["animals_by_arm", "compared_sequences", "fit_arms", "once"]


def fit_arms(
    study: Study, arms: tuple[str, ...], options: SynergyOptions, baseline_day: float | None
) -> GrowthFit:
    """The growth model of the arms that have a role."""
    data = growth_data(study, baseline_day=baseline_day)
    where = f"study {data.study_id}"
    for name in arms:
        if name not in data.arms:
            expected = f"readings of arm '{name}' that can enter the model"
            raise DataError(expected, found="none", where=where)
    wanted = [data.arm_number(name) for name in arms]
    chosen = data.select(np.isin(data.arm[data.animal], wanted))
    return fit_with_limit(chosen, options.model, below_limit=options.below_limit)


def animals_by_arm(fit: GrowthFit) -> dict[str, int]:
    """Animals of each arm of a fit."""
    data: GrowthData = fit.data
    return {name: int((data.arm == place).sum()) for place, name in enumerate(data.arms)}


def compared_sequences(
    study: Study, fit: GrowthFit, options: SynergyOptions
) -> tuple[SequenceComparison, ...]:
    """Arms of the question that differ in order or timing only."""
    return tuple(
        compare_sequences(fit, group, day=options.day, level=options.level)
        for group in sequence_groups([arm for arm in study.arms if arm.name in fit.data.arms])
    )


def once(warnings: Iterable[GrowthWarning]) -> tuple[GrowthWarning, ...]:
    """Each warning once, in the order in which they came."""
    return tuple(dict.fromkeys(warnings))
