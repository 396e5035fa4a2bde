"""Effect sizes of animal studies and what they say together."""

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
from oncovivo.evidence.meta.influence import (
    CumulativeResult,
    InfluenceResult,
    LeaveOneOut,
    case_diagnostics,
    cumulative,
    leave_one_out,
)
from oncovivo.evidence.meta.moderators import Design, design_matrix
from oncovivo.evidence.meta.pooling import PooledMany, pool, pool_many
from oncovivo.evidence.meta.regression import PredictedEffects, fit_regression, predict_effects
from oncovivo.evidence.meta.response_effect_sizes import response_contrast
from oncovivo.evidence.meta.subgroups import SubgroupResult, subgroup_test
from oncovivo.evidence.meta.survival_effect_sizes import (
    log_hazard_ratio,
    log_hazard_ratio_from_log_rank,
    log_hazard_ratio_from_medians,
    log_hazard_ratio_from_p,
    median_survival_ratio,
)
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
    "CumulativeResult",
    "Design",
    "EffectSizes",
    "InfluenceResult",
    "LeaveOneOut",
    "MeanAndSd",
    "Measure",
    "MetaWarning",
    "Method",
    "PooledMany",
    "PooledResult",
    "PredictedEffects",
    "Prediction",
    "RegressionResult",
    "Rows",
    "SubgroupResult",
    "Test",
    "TwoGroups",
    "baseline_adjusted_log_ratio",
    "case_diagnostics",
    "coefficient_of_variation_ratio",
    "cumulative",
    "design_matrix",
    "fit_regression",
    "from_std_errors",
    "heteroscedastic_mean_difference",
    "leave_one_out",
    "log_hazard_ratio",
    "log_hazard_ratio_from_log_rank",
    "log_hazard_ratio_from_medians",
    "log_hazard_ratio_from_p",
    "log_ratio_from_tgi",
    "log_ratio_of_means",
    "mean_and_sd",
    "mean_difference",
    "median_survival_ratio",
    "normalized_mean_difference",
    "pool",
    "pool_many",
    "predict_effects",
    "response_contrast",
    "sd_from",
    "sd_of_change",
    "standardized_mean_difference",
    "subgroup_test",
    "suspected_sem",
    "tgi_from_log_ratio",
    "variability_ratio",
    "with_reading_error",
]
