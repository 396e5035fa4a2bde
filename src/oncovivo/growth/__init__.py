"""Growth: mixed models of log size with small-sample inference, and what belongs beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.growth.balance import BaselineDifference, baseline_differences
    from oncovivo.growth.bands import DifferenceBands, difference_bands
    from oncovivo.growth.bootstrap import BootstrapTest, bootstrap_test
    from oncovivo.growth.censored import fit_censored, fit_with_limit, upper_limit
    from oncovivo.growth.compare import GrowthComparison, compare
    from oncovivo.growth.curves import GroupCurves, group_curves
    from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
    from oncovivo.growth.diagnostics import GrowthDiagnostics, diagnose
    from oncovivo.growth.dropout import dropout_analysis
    from oncovivo.growth.dropout_result import DropoutAnalysis
    from oncovivo.growth.effects import EFFECTS, GrowthEffect, growth_effects
    from oncovivo.growth.engine import Problem
    from oncovivo.growth.fit import (
        Contrasts,
        GrowthFit,
        GrowthWarning,
        VarianceComponents,
        fit_growth,
        growth_problem,
    )
    from oncovivo.growth.influence import InfluenceTable, influence
    from oncovivo.growth.law_choice import (
        LawComparison,
        LogLinearity,
        compare_laws,
        log_linearity_test,
    )
    from oncovivo.growth.likelihood_ratio import LikelihoodRatio, likelihood_ratio_test
    from oncovivo.growth.many import ManyFits, fit_many
    from oncovivo.growth.model import GrowthModel, TimeShape
    from oncovivo.growth.nlme import NonlinearFit, fit_nonlinear
    from oncovivo.growth.plots import plot_contrasts, plot_growth_model, plot_residuals
    from oncovivo.growth.replicates import Replicates
    from oncovivo.growth.structural import StructuralModel

__all__ = [
    "EFFECTS",
    "BaselineDifference",
    "BootstrapTest",
    "Contrasts",
    "DifferenceBands",
    "DropoutAnalysis",
    "GroupCurves",
    "GrowthComparison",
    "GrowthData",
    "GrowthDiagnostics",
    "GrowthEffect",
    "GrowthFit",
    "GrowthModel",
    "GrowthWarning",
    "InfluenceTable",
    "LawComparison",
    "LikelihoodRatio",
    "LogLinearity",
    "ManyFits",
    "NonlinearFit",
    "Problem",
    "Replicates",
    "StructuralModel",
    "TimeShape",
    "VarianceComponents",
    "baseline_differences",
    "bootstrap_test",
    "compare",
    "compare_laws",
    "diagnose",
    "difference_bands",
    "dropout_analysis",
    "fit_censored",
    "fit_growth",
    "fit_many",
    "fit_nonlinear",
    "fit_with_limit",
    "group_curves",
    "growth_data",
    "growth_data_from_arrays",
    "growth_effects",
    "growth_problem",
    "influence",
    "likelihood_ratio_test",
    "log_linearity_test",
    "plot_contrasts",
    "plot_growth_model",
    "plot_residuals",
    "upper_limit",
]

import_when_used(__name__)
