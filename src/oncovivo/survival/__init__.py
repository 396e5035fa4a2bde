"""Time to event: survival and growth-defined events of few animals."""

from __future__ import annotations

from oncovivo.survival.competing import CumulativeIncidence, cumulative_incidence
from oncovivo.survival.cox import CoxFit, cox_fit
from oncovivo.survival.curves import SurvivalCurve, survival_curve, survival_quantile
from oncovivo.survival.events import EventDefinition, SurvivalData, growth_events, parse_event
from oncovivo.survival.firth import FirthFit, firth_fit
from oncovivo.survival.hazard_ratios import HazardRatio, hazard_ratios
from oncovivo.survival.permutation import PermutationTest, permutation_rank_test
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
    "CoxFit",
    "CumulativeIncidence",
    "EventDefinition",
    "FirthFit",
    "HazardRatio",
    "PermutationTest",
    "RankTest",
    "RestrictedMean",
    "SurvivalCurve",
    "SurvivalData",
    "TurnbullCurve",
    "cox_fit",
    "cumulative_incidence",
    "firth_fit",
    "growth_events",
    "hazard_ratios",
    "log_rank_many",
    "parse_event",
    "permutation_rank_test",
    "rank_test",
    "read_survival_table",
    "restricted_mean",
    "restricted_mean_difference",
    "restricted_mean_ratio",
    "survival_curve",
    "survival_quantile",
    "trend_test",
    "turnbull",
]
