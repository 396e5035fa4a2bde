"""A forest of hazard ratios; it draws what the models found and computes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.survival.hazard_ratios import HazardRow
from oncovivo.survival.plot_frame import (
    SMALL,
    Head,
    inches,
    say,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_hazard_ratios"]

_MODELS: Final = {"cox": "Cox", "cox_robust": "Cox, robust", "firth": "Firth"}
# Inches: the forest, a row of it, where the columns right of it begin.
_FOREST: Final = 3.2
_ROW: Final = 0.27
_P_COLUMN: Final = 1.75
_MODEL_COLUMN: Final = 2.55
_BESIDE: Final = 3.45
# Limits farther than this from every estimate and from 1 are cut, with an arrow.
_FAR: Final = 20.0


def plot_hazard_ratios(
    rows: Sequence[HazardRow],
    *,
    study_id: str,
    level: float = 0.95,
    adjusted: str = "",
    simulated: bool = False,
) -> Figure:
    """Hazard ratios with their limits on a log axis, a row for each.

    An arrow is a limit that is open, or so far away that it would squeeze the others.

    Parameters
    ----------
    rows : sequence of HazardRow
        From the top.
    study_id : str
        Name of the study.
    level : float
        Confidence of the limits.
    adjusted : str
        How the p-values were adjusted for each other, such as ``Holm``; empty if they were not.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If there is no row.
    """
    if not rows:
        expected = "at least one hazard ratio to draw"
        raise InputError(expected, found="none", where=f"study {study_id}")
    names = _row_names(rows)
    left = max(0.3 + inches(names), 1.0)
    beside = max(_BESIDE, _MODEL_COLUMN + 0.15 + inches([_model_words(row) for row in rows]))
    width = left + _FOREST + beside
    versus = {row.versus for row in rows}
    title = f"{study_id}: hazard over that of "
    title += shortened(rows[0].versus) if len(versus) == 1 else "another arm"
    percent = f"{100 * level:g} %"
    line = f"bars: {percent} limits; left of 1: fewer events per time at risk"
    head = Head(title=title, lines=[line], handles=[], width=width)
    notes = Head(title="", lines=_notes(rows), handles=[], width=width).texts
    high = _ROW * len(rows)
    below = 0.55 + 0.155 * len(notes) + (0.08 if notes else 0.0)
    height = head.height + 0.28 + high + below
    with themed():
        figure = new_figure(width=width, height=height)
        box = (left / width, below / height, _FOREST / width, high / height)
        ax = figure.add_axes(box)
        low_end, high_end = _span(rows)
        _dress_forest(ax, low_end, high_end, len(rows))
        for place, (row, name) in enumerate(zip(rows, names, strict=True)):
            _draw_row(ax, row, name, place, (low_end, high_end))
        above = 1 + 0.12 / high
        heads = (
            (0.15, f"hazard ratio ({percent} limits)"),
            (_P_COLUMN + 0.15, f"p ({adjusted})" if adjusted else "p"),
            (_MODEL_COLUMN + 0.15, "model"),
        )
        for right, words in heads:
            say(ax, 1 + right / _FOREST, above, words, transform=ax.transAxes)
        head.draw(figure)
        for place, note in enumerate(reversed(notes)):
            up = (0.06 + 0.155 * place) / height
            figure.text(0.1 / width, up, note, fontsize=SMALL, va="bottom")
        if simulated:
            mark_simulated(figure)
    return figure


def _row_names(rows: Sequence[HazardRow]) -> list[str]:
    """What each row compares; the control only where it is not that of all."""
    if len({row.versus for row in rows}) == 1:
        return [shortened(row.arm) for row in rows]
    return [f"{shortened(row.arm)} / {shortened(row.versus)}" for row in rows]


def _model_words(row: HazardRow) -> str:
    return _MODELS.get(row.method, row.method) if row.hazard_ratio is not None else "–"


def _notes(rows: Sequence[HazardRow]) -> list[str]:
    """Reasons of rows, each once, with the arms they are about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            about.setdefault(row.reason, []).append(shortened(row.arm))
    whole = [reason for reason, arms in about.items() if len(arms) == len(rows)]
    return [
        reason if reason in whole else f"{', '.join(arms)}: {reason}"
        for reason, arms in about.items()
    ]


def _span(rows: Sequence[HazardRow]) -> tuple[float, float]:
    """Ends of the axis: all estimates, 1, and the limits that are not too far."""
    middle = [1.0, *(row.hazard_ratio for row in rows if row.hazard_ratio)]
    least, most = min(middle) / _FAR, max(middle) * _FAR
    limits = [limit for row in rows for limit in (row.lower, row.upper) if limit is not None]
    # Room for the arrow beyond an estimate without a limit on that side.
    open_ = [4 * row.hazard_ratio for row in rows if row.hazard_ratio and row.upper is None]
    open_ += [row.hazard_ratio / 4 for row in rows if row.hazard_ratio and row.lower is None]
    shown = [*middle, *open_, *(min(max(limit, least), most) for limit in limits)]
    return min(0.8 * min(shown), 0.5), max(1.25 * max(shown), 2.0)


def _dress_forest(ax: Axes, low: float, high: float, count: int) -> None:
    """Log axis with plain numbers, the line of no difference, order from the top."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ax.set_xscale("log")
    ax.set_xlim(low, high)
    decades = math.log10(high / low)
    between = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1.7 else (1.0, 2.0, 5.0)
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=between, numticks=20))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.axvline(1.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", zorder=1)
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("hazard ratio (log axis)")


def _draw_row(ax: Axes, row: HazardRow, name: str, place: int, span: tuple[float, float]) -> None:
    """A row: limits, estimate, and the numbers at the right."""
    beside = ax.get_yaxis_transform()
    say(ax, -0.1 / _FOREST, place, name, align="right", transform=beside)
    if row.hazard_ratio is None:
        say(ax, 1 + 0.15 / _FOREST, place, "not estimable", transform=beside)
        return
    color = series_style(0).color
    ends = []
    limits = ((row.lower, span[0], "<"), (row.upper, span[1], ">"))
    for (limit, edge, arrow), beyond in zip(limits, (-1.0, 1.0), strict=True):
        cut = limit is None or (limit - edge) * beyond > 0
        ends.append(edge if limit is None or cut else limit)
        if cut:
            ax.plot(
                [edge],
                [place],
                marker=arrow,
                markersize=6,
                color=color,
                linestyle="none",
                clip_on=False,
            )
    ax.plot(ends, [place, place], color=color, linewidth=2.4, solid_capstyle="butt")
    ax.plot(
        [row.hazard_ratio],
        [place],
        marker="D",
        markersize=5.5,
        color=color,
        markeredgecolor="white",
        linestyle="none",
    )
    words = f"{_ratio(row.hazard_ratio)} ({_ratio(row.lower)}, {_ratio(row.upper)})"
    say(ax, 1 + 0.15 / _FOREST, place, words, transform=beside)
    if row.p_value is not None:
        p_value = _p_words(row.p_value)
        say(ax, 1 + (_P_COLUMN + 0.15) / _FOREST, place, p_value, transform=beside)
    model = _model_words(row)
    say(ax, 1 + (_MODEL_COLUMN + 0.15) / _FOREST, place, model, transform=beside)


def _ratio(value: float | None) -> str:
    """A ratio in figures that can be read; a dash where a limit is open."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    if value < 100:
        return f"{value:#.2g}" if value < 1 else f"{value:#.3g}"
    return f"{value:.0f}" if value < 1000 else "> 1000"


def _p_words(p_value: float) -> str:
    """A p value as people write it."""
    if p_value < 1e-4:
        return "< 0.0001"
    return f"{p_value:.4f}" if p_value < 0.1 else f"{p_value:.2f}"
