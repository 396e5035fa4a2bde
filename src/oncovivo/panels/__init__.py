"""Panels: many xenograft lines × treatments, one animal each or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.panels.compute import compute_panel
    from oncovivo.panels.panel import Panel
    from oncovivo.panels.plots import (
        plot_category_counts,
        plot_response_matrix,
        plot_waterfall,
    )
    from oncovivo.panels.reading import read_panel
    from oncovivo.panels.result import PanelResult, PanelSummary
    from oncovivo.panels.trial_data import TrialData, trial_data
    from oncovivo.panels.trial_events import TrialEvents, TrialHazard, trial_events, trial_hazards
    from oncovivo.panels.trial_model import fit_trial
    from oncovivo.panels.trial_plots import plot_line_effects, plot_response_rates
    from oncovivo.panels.trial_response import (
        ResponseComparison,
        compare_group_responses,
        compare_responses,
    )
    from oncovivo.panels.trial_result import (
        Heterogeneity,
        LineEffect,
        SubgroupTest,
        TrialEffect,
        TrialFit,
        TrialVariance,
    )
    from oncovivo.panels.two_arms import panel_study

__all__ = [
    "Heterogeneity",
    "LineEffect",
    "Panel",
    "PanelResult",
    "PanelSummary",
    "ResponseComparison",
    "SubgroupTest",
    "TrialData",
    "TrialEffect",
    "TrialEvents",
    "TrialFit",
    "TrialHazard",
    "TrialVariance",
    "compare_group_responses",
    "compare_responses",
    "compute_panel",
    "fit_trial",
    "panel_study",
    "plot_category_counts",
    "plot_line_effects",
    "plot_response_matrix",
    "plot_response_rates",
    "plot_waterfall",
    "read_panel",
    "trial_data",
    "trial_events",
    "trial_hazards",
]

import_when_used(__name__)
