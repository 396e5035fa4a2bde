"""Figures: the theme of plots, and diagrams drawn from data files."""

from __future__ import annotations

from oncovivo.figures.diagram import Diagram, EdgeRow, edge_rows, read_diagram
from oncovivo.figures.drawing import draw_diagram
from oncovivo.figures.theme import (
    PALETTE,
    SIMULATED_MARK,
    SeriesStyle,
    mark_simulated,
    new_figure,
    series_style,
    themed,
    to_png,
    to_svg,
)

__all__ = [
    "PALETTE",
    "SIMULATED_MARK",
    "Diagram",
    "EdgeRow",
    "SeriesStyle",
    "draw_diagram",
    "edge_rows",
    "mark_simulated",
    "new_figure",
    "read_diagram",
    "series_style",
    "themed",
    "to_png",
    "to_svg",
]
