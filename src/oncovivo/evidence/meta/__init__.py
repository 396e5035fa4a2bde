"""Effect sizes of animal studies and what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.evidence.meta.bias import (
        AsymmetryTest,
        EggerModel,
        PetPeese,
        egger_test,
        pet_peese,
    )
    from oncovivo.evidence.meta.dispersion import (
        MeanAndSd,
        mean_and_sd,
        sd_from,
        sd_of_change,
        suspected_sem,
        with_reading_error,
    )
    from oncovivo.evidence.meta.effect_sizes import (
        baseline_adjusted_log_ratio,
        coefficient_of_variation_ratio,
        from_std_errors,
        heteroscedastic_mean_difference,
        log_ratio_from_tgi,
        log_ratio_of_means,
        mean_difference,
        normalized_mean_difference,
        standardized_mean_difference,
        tgi_from_log_ratio,
        variability_ratio,
    )
    from oncovivo.evidence.meta.funnel import FunnelContour, FunnelData, funnel_data
    from oncovivo.evidence.meta.influence import (
        CumulativeResult,
        InfluenceResult,
        LeaveOneOut,
        case_diagnostics,
        cumulative,
        leave_one_out,
    )
    from oncovivo.evidence.meta.known_covariance import (
        CovarianceBlock,
        KnownCovariance,
        Standardizer,
        correlated_covariance,
        independent_covariance,
        shared_control_covariance,
    )
    from oncovivo.evidence.meta.moderators import Design, design_matrix
    from oncovivo.evidence.meta.multilevel import (
        Intervals,
        MultilevelResult,
        OutcomeCorrelation,
        VarianceComponent,
        fit_multilevel,
        fit_multivariate,
        random_levels,
    )
    from oncovivo.evidence.meta.pooling import PooledMany, pool, pool_many
    from oncovivo.evidence.meta.ranking import RankedEffect, rank_effects
    from oncovivo.evidence.meta.regression import PredictedEffects, fit_regression, predict_effects
    from oncovivo.evidence.meta.response_effect_sizes import response_contrast
    from oncovivo.evidence.meta.robust import JointTest, RobustResult, cluster_robust
    from oncovivo.evidence.meta.subgroups import SubgroupResult, subgroup_test
    from oncovivo.evidence.meta.survival_effect_sizes import (
        log_hazard_ratio,
        log_hazard_ratio_from_events,
        log_hazard_ratio_from_log_rank,
        log_hazard_ratio_from_medians,
        log_hazard_ratio_from_p,
        median_survival_ratio,
    )
    from oncovivo.evidence.meta.trim_and_fill import TrimAndFill, trim_and_fill
    from oncovivo.evidence.meta.two_groups import TwoGroups
    from oncovivo.evidence.meta.types import (
        LOG_MEASURES,
        EffectSizes,
        Measure,
        MetaWarning,
        Method,
        PooledResult,
        Prediction,
        RegressionResult,
        Rows,
        Test,
    )

__all__ = [
    "LOG_MEASURES",
    "AsymmetryTest",
    "CovarianceBlock",
    "CumulativeResult",
    "Design",
    "EffectSizes",
    "EggerModel",
    "FunnelContour",
    "FunnelData",
    "InfluenceResult",
    "Intervals",
    "JointTest",
    "KnownCovariance",
    "LeaveOneOut",
    "MeanAndSd",
    "Measure",
    "MetaWarning",
    "Method",
    "MultilevelResult",
    "OutcomeCorrelation",
    "PetPeese",
    "PooledMany",
    "PooledResult",
    "PredictedEffects",
    "Prediction",
    "RankedEffect",
    "RegressionResult",
    "RobustResult",
    "Rows",
    "Standardizer",
    "SubgroupResult",
    "Test",
    "TrimAndFill",
    "TwoGroups",
    "VarianceComponent",
    "baseline_adjusted_log_ratio",
    "case_diagnostics",
    "cluster_robust",
    "coefficient_of_variation_ratio",
    "correlated_covariance",
    "cumulative",
    "design_matrix",
    "egger_test",
    "fit_multilevel",
    "fit_multivariate",
    "fit_regression",
    "from_std_errors",
    "funnel_data",
    "heteroscedastic_mean_difference",
    "independent_covariance",
    "leave_one_out",
    "log_hazard_ratio",
    "log_hazard_ratio_from_events",
    "log_hazard_ratio_from_log_rank",
    "log_hazard_ratio_from_medians",
    "log_hazard_ratio_from_p",
    "log_ratio_from_tgi",
    "log_ratio_of_means",
    "mean_and_sd",
    "mean_difference",
    "median_survival_ratio",
    "normalized_mean_difference",
    "pet_peese",
    "pool",
    "pool_many",
    "predict_effects",
    "random_levels",
    "rank_effects",
    "response_contrast",
    "sd_from",
    "sd_of_change",
    "shared_control_covariance",
    "standardized_mean_difference",
    "subgroup_test",
    "suspected_sem",
    "tgi_from_log_ratio",
    "trim_and_fill",
    "variability_ratio",
    "with_reading_error",
]

import_when_used(__name__)
