"""Time to event: survival and growth-defined events of few animals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.survival.accelerated import (
        AcceleratedFit,
        ArmTimeRatio,
        accelerated_fit,
        arm_time_ratios,
    )
    from oncovivo.survival.activity import ActivityRule, PptcActivity, pptc_activity
    from oncovivo.survival.bands import SurvivalBand, simultaneous_band
    from oncovivo.survival.competing import CumulativeIncidence, cumulative_incidence
    from oncovivo.survival.cox import CoxFit, cox_fit
    from oncovivo.survival.curves import SurvivalCurve, survival_curve, survival_quantile
    from oncovivo.survival.events import (
        EventDefinition,
        SurvivalData,
        growth_events,
        parse_event,
        reason_rules,
    )
    from oncovivo.survival.firth import FirthFit, firth_fit, firth_many
    from oncovivo.survival.frailty import FrailtyFit, frailty_fit
    from oncovivo.survival.hazard_ratios import HazardRatio, hazard_ratios
    from oncovivo.survival.interval_tests import IntervalRankTest, interval_rank_test
    from oncovivo.survival.many_to_one import ManyToOne, many_to_one
    from oncovivo.survival.median_ratio import MedianRatio, median_ratio
    from oncovivo.survival.permutation import PermutationTest, permutation_rank_test
    from oncovivo.survival.proportional import ProportionalityTest, proportionality_test
    from oncovivo.survival.rank_tests import RankTest, log_rank_many, rank_test, trend_test
    from oncovivo.survival.rmst import (
        RestrictedMean,
        restricted_mean,
        restricted_mean_difference,
        restricted_mean_ratio,
    )
    from oncovivo.survival.table import read_survival_table
    from oncovivo.survival.turnbull import TurnbullCurve, turnbull

__all__ = [
    "AcceleratedFit",
    "ActivityRule",
    "ArmTimeRatio",
    "CoxFit",
    "CumulativeIncidence",
    "EventDefinition",
    "FirthFit",
    "FrailtyFit",
    "HazardRatio",
    "IntervalRankTest",
    "ManyToOne",
    "MedianRatio",
    "PermutationTest",
    "PptcActivity",
    "ProportionalityTest",
    "RankTest",
    "RestrictedMean",
    "SurvivalBand",
    "SurvivalCurve",
    "SurvivalData",
    "TurnbullCurve",
    "accelerated_fit",
    "arm_time_ratios",
    "cox_fit",
    "cumulative_incidence",
    "firth_fit",
    "firth_many",
    "frailty_fit",
    "growth_events",
    "hazard_ratios",
    "interval_rank_test",
    "log_rank_many",
    "many_to_one",
    "median_ratio",
    "parse_event",
    "permutation_rank_test",
    "pptc_activity",
    "proportionality_test",
    "rank_test",
    "read_survival_table",
    "reason_rules",
    "restricted_mean",
    "restricted_mean_difference",
    "restricted_mean_ratio",
    "simultaneous_band",
    "survival_curve",
    "survival_quantile",
    "trend_test",
    "turnbull",
]

import_when_used(__name__)
