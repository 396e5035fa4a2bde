"""Panels: many xenograft lines × treatments, one animal each or several."""

from __future__ import annotations

from oncovivo.panels.compute import compute_panel
from oncovivo.panels.panel import Panel
from oncovivo.panels.plots import (
    plot_category_counts,
    plot_response_matrix,
    plot_waterfall,
)
from oncovivo.panels.reading import read_panel
from oncovivo.panels.result import PanelResult, PanelSummary
from oncovivo.panels.two_arms import panel_study

__all__ = [
    "Panel",
    "PanelResult",
    "PanelSummary",
    "compute_panel",
    "panel_study",
    "plot_category_counts",
    "plot_response_matrix",
    "plot_waterfall",
    "read_panel",
]
