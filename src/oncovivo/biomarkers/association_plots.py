"""Pictures of associations; they draw what a result holds and compute nothing.

A marker that is a discovery is a filled symbol with its name, any other an open one, so that
color is never the only code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.association_fits import MarkerView
from oncovivo.biomarkers.association_result import Association
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width
from oncovivo.figures.theme import GREY, PALETTE, TEXT_COLOR, new_figure, series_style, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_association_volcano", "plot_marker_levels", "plot_marker_response"]

_MOST_NAMED: Final = 12
_LONGEST_NAME: Final = 26
_MOST_MEASURES: Final = 2
_SMALL: Final = 7.5
# Points that a name takes beside its symbol, in height.
_NAME_STEP: Final = 9.0
_NAME_GAP: Final = 6.0
# Lines of a level are set apart by this much of the room between levels.
_SPREAD: Final = 0.30
_MOST_LINE_NAMES: Final = 3


def plot_association_volcano(
    results: Sequence[Association],
    *,
    discovery: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Effect of each marker against −log10 of its q-value, the strongest with their names.

    Markers without an estimate are not drawn; the title counts them.

    Parameters
    ----------
    results : sequence of Association
        Of one call, so that their estimates are of one kind.
    discovery : float
        Share of false discoveries at which a line is drawn.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If no result has an estimate and a q-value, or they are of several analyses.
    """
    drawn = [one for one in results if one.estimate is not None and one.q_value is not None]
    if not drawn:
        expected = "associations with an estimate and a q-value"
        raise InputError(expected, found="none")
    kinds = sorted({one.analysis for one in drawn})
    if len(kinds) > 1:
        raise InputError("associations of one analysis", found=", ".join(kinds))
    x = np.array([one.estimate for one in drawn], dtype=np.float64)
    q = np.array([one.q_value for one in drawn], dtype=np.float64)
    y = -np.log10(np.maximum(q, 1e-300))
    hit = q <= discovery
    with themed():
        if ax is None:
            ax = new_figure(width=6.4, height=4.6).add_axes((0.11, 0.13, 0.85, 0.73))
        ax.scatter(x[~hit], y[~hit], s=20, facecolors="none", edgecolors=GREY, linewidths=0.8)
        ax.scatter(x[hit], y[hit], s=26, color=PALETTE[0], zorder=3)
        line = -math.log10(discovery)
        ax.axhline(line, color=GREY, linewidth=0.8, linestyle="--", zorder=1)
        middle = {"concordance": 0.5, "wilcoxon": 0.5, "fisher": 1.0}.get(kinds[0], 0.0)
        ax.axvline(middle, color=GREY, linewidth=0.8, zorder=1)
        low, high = min(float(x.min()), middle), max(float(x.max()), middle)
        room = 0.12 * (high - low or 1.0)
        ax.set_xlim(low - room, high + room)
        ax.set_ylim(0, max(float(y.max()), line) * 1.16)
        _name_points(ax, drawn, x, y, middle)
        ax.annotate(
            f"q = {discovery:g}",
            (1.0, line),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            fontsize=_SMALL,
            color=TEXT_COLOR,
        )
        words = sorted({one.measure for one in drawn if one.measure})
        unit = f" ({'; '.join(words)})" if 0 < len(words) <= _MOST_MEASURES else ""
        ax.set_xlabel(spelled_out(f"{_EFFECTS.get(kinds[0], 'estimate')}{unit}"))
        ax.set_ylabel("−log10 q")
        lost = len(results) - len(drawn)
        left = f", {lost} without an estimate not drawn" if lost else ""
        counts = sorted({one.n_lines for one in drawn})
        span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        ax.set_title(
            f"{len(drawn)} markers, {span} lines: {int(hit.sum())} with q ≤ {discovery:g}{left}",
            loc="left",
            pad=10,
        )
    return ax


_EFFECTS: Final = {
    "weighted": "slope",
    "unweighted": "slope",
    "joint": "slope, other markers held",
    "prognostic": "effect on growth of controls",
    "predictive": "effect on the treatment's effect",
    "treated_only": "effect on growth of treated animals",
    "pearson": "correlation",
    "spearman": "rank correlation",
    "concordance": "concordance",
    "wilcoxon": "area under the curve",
    "welch": "difference of means",
    "fisher": "odds ratio",
    "firth": "log odds ratio",
}


def _name_points(
    ax: Axes,
    drawn: Sequence[Association],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    middle: float,
) -> None:
    """Names of the highest points, each where it covers neither a point nor another name."""
    strongest = np.lexsort((-np.abs(x - middle), -y))[:_MOST_NAMED]
    points = ax.transData.transform(np.column_stack([x, y])) / (ax.figure.dpi / 72)
    frame = np.array(ax.bbox.extents, dtype=np.float64) / (ax.figure.dpi / 72)
    taken: list[tuple[float, float, float, float]] = []
    for place in strongest.tolist():
        name = spelled_out(drawn[place].marker)
        if len(name) > _LONGEST_NAME:
            name = f"{name[: _LONGEST_NAME - 1]}…"
        width = text_width(name, size=_SMALL)
        at = points[place]
        # Towards the middle first, where there is room.
        inner = -1.0 if x[place] >= middle else 1.0
        for side, step in product((inner, -inner), (0.0, -_NAME_STEP, _NAME_STEP)):
            left = at[0] + (_NAME_GAP if side > 0 else -_NAME_GAP - width)
            box = (
                left,
                at[1] + step - _NAME_STEP / 2,
                left + width,
                at[1] + step + _NAME_STEP / 2,
            )
            inside = box[0] >= frame[0] and box[2] <= frame[2] and box[1] >= frame[1]
            if inside and not _covers(box, np.delete(points, place, axis=0), taken):
                break
        else:
            continue
        taken.append(box)
        ax.annotate(
            name,
            (float(x[place]), float(y[place])),
            xytext=(side * _NAME_GAP, step),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=_SMALL,
            color=TEXT_COLOR,
        )


def _covers(
    box: tuple[float, float, float, float],
    points: NDArray[np.float64],
    taken: Sequence[tuple[float, float, float, float]],
) -> bool:
    """Whether a box lies over a point or another box."""
    left, low, right, high = box
    near = (points[:, 0] > left - 3) & (points[:, 0] < right + 3)
    near &= (points[:, 1] > low - 1) & (points[:, 1] < high + 1)
    return bool(near.any()) or any(
        left < other[2] and other[0] < right and low < other[3] and other[1] < high
        for other in taken
    )


def plot_marker_response(view: MarkerView, *, ax: Axes | None = None) -> Axes:
    """Response of each line against a marker of numbers, with the regression and its limits.

    Bars are 95 % limits of a line by its standard error.

    Parameters
    ----------
    view : MarkerView
        Of a marker of numbers.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If the marker has categories.
    """
    if not view.grid.size:
        expected = "a marker of numbers"
        raise InputError(expected, found="categories", mend="draw its levels instead")
    with themed():
        if ax is None:
            ax = new_figure(width=6.0, height=4.4).add_axes((0.13, 0.13, 0.83, 0.72))
        style = series_style(0)
        ax.fill_between(view.grid, view.lower, view.upper, color=style.color, alpha=0.16, lw=0)
        ax.plot(view.grid, view.fitted, color=style.color)
        _lines_at(ax, view, view.marker)
        _name_far_lines(ax, view)
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
        unit = f" ({view.unit})" if view.unit else ""
        ax.set_xlabel(spelled_out(f"{view.association.marker}{unit}"))
        ax.set_ylabel(spelled_out(view.label))
        ax.set_title(_result_words(view), loc="left", pad=10, fontsize=8.5)
    return ax


def plot_marker_levels(view: MarkerView, *, ax: Axes | None = None) -> Axes:
    """Response of each line by level of a categorical marker, with the levels' means and limits.

    Bars are 95 % limits of a line by its standard error; a diamond is a mean with its limits.

    Parameters
    ----------
    view : MarkerView
        Of a categorical marker.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If the marker has numbers.
    """
    if not view.means:
        expected = "a categorical marker"
        raise InputError(expected, found="numbers", mend="draw its regression instead")
    codes = np.unique(view.marker)
    with themed():
        if ax is None:
            width = max(4.4, 1.5 + 1.3 * codes.size)
            ax = new_figure(width=width, height=4.4).add_axes(
                (0.62 / width, 0.15, 1 - 0.82 / width, 0.68)
            )
        x = np.empty(view.marker.size)
        for at, code in enumerate(codes.tolist()):
            rows = np.flatnonzero(view.marker == code)
            # In the order of their responses, so that a line has the same place each time.
            order = rows[np.argsort(view.effect[rows], kind="stable")]
            x[order] = at + np.linspace(-_SPREAD, _SPREAD, order.size) * (order.size > 1)
        _lines_at(ax, view, x)
        for at, mean in enumerate(view.means):
            low, high = mean.estimate - mean.lower, mean.upper - mean.estimate
            ax.errorbar(
                [at + 0.42],
                [mean.estimate],
                yerr=[[low], [high]],
                fmt="D",
                color=PALETTE[0],
                markersize=7,
                capsize=5,
                linewidth=1.8,
                zorder=4,
            )
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
        names = [f"{spelled_out(mean.level)}\n{mean.n_lines} lines" for mean in view.means]
        ax.set_xticks(range(codes.size), names)
        ax.set_xlim(-0.55, codes.size - 0.35)
        ax.grid(visible=False, axis="x")
        ax.set_xlabel(spelled_out(view.association.marker))
        ax.set_ylabel(spelled_out(view.label))
        ax.set_title(_result_words(view), loc="left", pad=10, fontsize=8.5)
    return ax


def _lines_at(ax: Axes, view: MarkerView, x: NDArray[np.float64]) -> None:
    """Each line as an open circle with its limits."""
    bars = None if view.std_error is None else 1.96 * view.std_error
    ax.errorbar(
        x,
        view.effect,
        yerr=bars,
        fmt="o",
        color=TEXT_COLOR,
        markerfacecolor="white",
        markersize=4.5,
        linewidth=0,
        elinewidth=0.7,
        ecolor=GREY,
        zorder=3,
    )


def _name_far_lines(ax: Axes, view: MarkerView) -> None:
    """Names of the lines whose responses are farthest from the regression."""
    expected = np.interp(view.marker, view.grid, view.fitted)
    far = np.argsort(-np.abs(view.effect - expected), kind="stable")[:_MOST_LINE_NAMES]
    middle = float(view.grid[view.grid.size // 2])
    for place in far.tolist():
        right = view.marker[place] <= middle
        ax.annotate(
            spelled_out(view.lines[place]),
            (float(view.marker[place]), float(view.effect[place])),
            xytext=(6 if right else -6, 4),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=_SMALL,
            color=TEXT_COLOR,
            zorder=5,
        )


def _result_words(view: MarkerView) -> str:
    """The association in one line or two."""
    one = view.association
    p = "p < 0.001" if (one.p_value or 0) < 0.001 else f"p = {one.p_value:.2g}"
    animals = f", {one.n_animals} animals" if one.n_animals is not None else ""
    head = f"{one.n_lines} lines{animals}; {p}"
    if one.estimate is None or one.lower is None or one.upper is None:
        return f"{head}\n{one.measure}"
    numbers = f"{one.estimate:.3g} [{one.lower:.3g}, {one.upper:.3g}]"
    return spelled_out(f"{numbers.replace('-', '−')} {one.measure}\n{head}")
