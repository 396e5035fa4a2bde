"""A funnel: effects against their imprecision, with contours of significance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from oncovivo.evidence.meta.funnel import FunnelData
from oncovivo.evidence.meta.plot_frame import (
    MEASURE_WORDS,
    cut_limits,
    effect_axis,
    head_lines,
    write_head,
)
from oncovivo.evidence.meta.types import Measure
from oncovivo.figures.theme import PALETTE, TEXT_COLOR, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_funnel"]

# Inches.
_WIDTH: Final = 5.4
_AXES: Final = 3.4
_LEFT: Final = 0.72
_BELOW: Final = 0.95
# Darkest where nothing is significant.
_SHADES: Final = ("#C9CED6", "#DDE1E7", "#EEF0F3")


def plot_funnel(
    data: FunnelData,
    pooled: float,
    *,
    measure: Measure,
    egger_p: float | None = None,
) -> Figure:
    """Effects against their imprecision, precise rows at the top.

    The shades say which effects would be significant by themselves: rows missing in the darkest
    one alone suggest that what was not significant was not published.

    Parameters
    ----------
    data : FunnelData
        Points, and contours about no difference.
    pooled : float
        Pooled effect, as a dotted line.
    measure : str
        What the numbers are.
    egger_p : float, optional
        p-value of Egger's test.
    """
    size = data.precision == "size"
    drawn = "dashed, about" if size else "shades"
    said = [f"{drawn}: effects not significant by themselves at 10, 5 and 1 %"]
    if size:
        said.append(
            "imprecision by the animals: the standard error of a standardized difference holds "
            "the effect, and a funnel of it leans without any bias"
        )
    if egger_p is not None:
        shown = "< 0.0001" if egger_p < 1e-4 else f"= {egger_p:.2g}"
        said.append(f"Egger's test on this imprecision: p {shown}; {len(data.label)} rows")
    lines, head = head_lines(said, _WIDTH)
    height = head + 0.12 + _AXES + _BELOW
    with themed():
        figure = new_figure(width=_WIDTH, height=height)
        write_head(figure, f"Funnel of {len(data.label)} rows", lines)
        ax = figure.add_axes(
            (_LEFT / _WIDTH, _BELOW / height, 1 - (_LEFT + 0.15) / _WIDTH, _AXES / height)
        )
        _draw(ax, data, pooled, measure, shaded=not size)
        ax.set_ylabel("√(1/n treated + 1/n control)" if size else "standard error")
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(0.0, -0.17),
            ncols=3,
            borderaxespad=0.0,
            handlelength=1.6,
        )
    return figure


def _draw(ax: Axes, data: FunnelData, pooled: float, measure: Measure, *, shaded: bool) -> None:
    """Contours, lines of no difference and of the pooled effect, and the points."""
    effects = [float(one) for one in data.effect]
    deepest = float(data.grid[-1])
    reach = [
        float(one)
        for contour in data.contours
        for one in (contour.lower[-1], contour.upper[-1])
        if math.isfinite(one)
    ]
    ends = cut_limits([*effects, pooled], reach)
    ax.grid(visible=False)
    names = ("p > 0.10", "p > 0.05", "p > 0.01")
    pairs = list(zip(data.contours, _SHADES, names, strict=False))
    for contour, shade, name in reversed(pairs):
        ax.fill_betweenx(
            data.grid,
            contour.lower,
            contour.upper,
            facecolor=shade if shaded else "none",
            edgecolor="#8A93A0",
            linewidth=0.5,
            linestyle="-" if shaded else "--",
            label=name if shaded else name.replace("p", "about p", 1),
        )
    ax.axvline(0.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", label="no difference")
    ax.axvline(pooled, color=PALETTE[1], linewidth=1.1, linestyle=":", label="pooled effect")
    seen = ~data.filled
    ax.plot(
        data.effect[seen],
        data.imprecision[seen],
        marker="o",
        markersize=5,
        linestyle="none",
        color=PALETTE[0],
        markeredgecolor="white",
        markeredgewidth=0.6,
        label="row",
        zorder=3,
    )
    if data.filled.any():
        ax.plot(
            data.effect[data.filled],
            data.imprecision[data.filled],
            marker="o",
            markersize=5,
            linestyle="none",
            markerfacecolor="white",
            color=PALETTE[0],
            label="filled in",
            zorder=3,
        )
    ax.set_ylim(deepest, 0.0)
    effect_axis(ax, measure, ends)
    ax.set_xlabel(MEASURE_WORDS[measure])
