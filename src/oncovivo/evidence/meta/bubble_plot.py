"""Effects against a number of the studies, with the line of a meta-regression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.errors import InputError
from oncovivo.evidence.meta.plot_frame import (
    cut_limits,
    effect_axis,
    effect_text,
    head_lines,
    write_head,
)
from oncovivo.evidence.meta.regression import PredictedEffects
from oncovivo.evidence.meta.types import LOG_MEASURES, Coefficient, Measure
from oncovivo.figures.theme import PALETTE, TEXT_COLOR, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_bubbles"]

# Inches.
_WIDTH: Final = 5.6
_AXES: Final = 3.2
_LEFT: Final = 0.75
_BELOW: Final = 0.85
# Area of the heaviest bubble, points².
_LARGEST: Final = 260.0
_SMALLEST: Final = 8.0


def plot_bubbles(
    values: Sequence[float],
    effects: Sequence[float],
    weights: Sequence[float],
    grid: Sequence[float],
    line: PredictedEffects,
    *,
    slope: Coefficient,
    moderator: str,
    measure: Measure,
    level: float = 0.95,
) -> Figure:
    """Rows as bubbles by weight, the average effect as a line with its limits.

    Parameters
    ----------
    values, effects, weights : sequence of float, length k
        Moderator, effect and weight of each row.
    grid : sequence of float, length m
        Where the line is known.
    line : PredictedEffects
        Average effects there, with limits and prediction interval.
    slope : Coefficient
        Of the moderator.
    moderator : str
        Its name.
    measure : str
        What the effects are.
    level : float
        Confidence of the limits.

    Raises
    ------
    InputError
        If there is no row.
    """
    if not len(values):
        raise InputError("at least one row to draw", found="none")
    percent = f"{100 * level:g} %"
    log = measure in LOG_MEASURES
    per = "factor" if log else "change"
    p = "< 0.0001" if slope.p_value < 1e-4 else f"= {slope.p_value:.2g}"
    name = moderator.replace("_", " ")
    said = [
        f"{per} per unit of {name}: {effect_text(slope.estimate, log=log)} "
        f"({effect_text(slope.lower, log=log)}, {effect_text(slope.upper, log=log)}), p {p}",
        f"area of a bubble: weight; band: {percent} limits of the average effect; "
        "thin lines: prediction interval of a new study",
    ]
    lines, head = head_lines(said, _WIDTH)
    height = head + 0.12 + _AXES + _BELOW
    with themed():
        figure = new_figure(width=_WIDTH, height=height)
        write_head(figure, f"Effect over {name}: {len(values)} rows", lines)
        ax = figure.add_axes(
            (_LEFT / _WIDTH, _BELOW / height, 1 - (_LEFT + 0.15) / _WIDTH, _AXES / height)
        )
        along = np.asarray(grid, dtype=np.float64)
        ax.fill_between(along, line.lower, line.upper, color=PALETTE[1], alpha=0.18, linewidth=0)
        ax.plot(along, line.estimate, color=PALETTE[1], linewidth=1.6)
        for edge in (line.pi_lower, line.pi_upper):
            ax.plot(along, edge, color=PALETTE[1], linewidth=0.8, linestyle=":")
        heaviest = max(weights)
        sizes = [
            _SMALLEST + (_LARGEST - _SMALLEST) * max(one, 0.0) / heaviest
            if heaviest > 0
            else _SMALLEST
            for one in weights
        ]
        ax.scatter(
            values, effects, s=sizes, color=PALETTE[0], alpha=0.55, edgecolor="white", zorder=3
        )
        ax.axhline(0.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", zorder=1)
        reach = [*line.lower.tolist(), *line.upper.tolist()]
        reach += [*line.pi_lower.tolist(), *line.pi_upper.tolist()]
        ends = cut_limits(list(effects), [one for one in reach if math.isfinite(one)])
        effect_axis(ax, measure, ends, vertical=True)
        ax.set_xlabel(name)
    return figure
