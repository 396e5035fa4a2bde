"""The effects of a tumor type on one scale: studies, literature rows and simulations.

It draws what was computed and computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from oncovivo.analyses.one_estimand import EstimandRow
from oncovivo.errors import InputError
from oncovivo.evidence.meta.plot_frame import (
    cut_limits,
    effect_axis,
    head_lines,
    inches,
    say,
    shortened,
    write_head,
)
from oncovivo.figures.theme import GREY, PALETTE, TEXT_COLOR, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_estimands"]

_MARKS: Final = MappingProxyType({"study": "o", "literature": "s", "simulation": "D"})
_COLORS: Final = MappingProxyType(
    {"study": PALETTE[0], "literature": PALETTE[1], "simulation": PALETTE[2]}
)
_WORDS: Final = MappingProxyType(
    {
        "study": "circles: animal-level studies",
        "literature": "squares: literature rows",
        "simulation": "diamonds: simulations of the mechanism (limits hold draws, no sampling)",
    }
)
# Inches.
_LINE: Final = 0.25
_FOREST: Final = 2.9
_BELOW: Final = 0.72


def plot_estimands(rows: Sequence[EstimandRow], *, title: str, level: float = 0.95) -> Figure:
    """Effects on the growth rate, one line for each row that has one.

    Filled marks are of the compound alone, open ones of combinations and of other compounds of the
    class; what was simulated has a broken line.

    Parameters
    ----------
    rows : sequence of EstimandRow
        Of one tumor type; those without a rate are left out.
    title : str
        Above the figure.
    level : float
        Confidence of the limits.

    Raises
    ------
    InputError
        If no row has a rate.
    """
    drawn = [(row, row.rate) for row in rows if row.rate is not None]
    if not drawn:
        raise InputError("a row with an effect on the growth rate", found="none")
    labels = [_label(row) for row, _ in drawn]
    left = 0.15 + inches(labels) + 0.2
    days = inches(["day 21.5"]) + 0.14
    numbers = [
        f"{_number(rate)} ({_number(row.rate_lower)} to {_number(row.rate_upper)})"
        for row, rate in drawn
    ]
    width = left + days + _FOREST + inches(numbers) + 0.25
    kinds = [kind for kind in _MARKS if any(row.kind == kind for row, _ in drawn)]
    said = [
        "; ".join(_WORDS[kind] for kind in kinds),
        f"bars: {100 * level:g} % limits; filled: the compound alone; open: combinations and "
        "other compounds of the class; broken: simulated",
    ]
    broken, head = head_lines(said, width)
    high = _LINE * len(drawn)
    height = head + 0.1 + high + _BELOW
    limits = [
        limit
        for row, _ in drawn
        for limit in (row.rate_lower, row.rate_upper)
        if limit is not None and math.isfinite(limit)
    ]
    ends = cut_limits([rate for _, rate in drawn], limits)
    with themed():
        figure = new_figure(width=width, height=height)
        write_head(figure, title, broken)
        ax = figure.add_axes(
            ((left + days) / width, _BELOW / height, _FOREST / width, high / height)
        )
        effect_axis(ax, "growth_rate", ends)
        ax.set_ylim(len(drawn) - 0.5, -0.5)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.axvline(0.0, color=TEXT_COLOR, linewidth=0.9, zorder=1)
        for place, ((row, rate), label) in enumerate(zip(drawn, labels, strict=True)):
            _draw(ax, row, rate, place, ends)
            beside = ax.get_yaxis_transform()
            say(ax, -(left + days - 0.1) / _FOREST, place, label, transform=beside)
            say(
                ax,
                -0.14 / _FOREST,
                place,
                "" if row.day is None else f"day {row.day:g}",
                transform=beside,
                align="right",
            )
            say(ax, 1 + 0.1 / _FOREST, place, numbers[place], transform=beside)
    return figure


def _number(rate: float | None) -> str:
    """Per day to four decimals; a dash where there is none."""
    if rate is None or not math.isfinite(rate):
        return "–"
    return f"{round(rate, 4) + 0.0:.4f}".replace("-", "−")


def _label(row: EstimandRow) -> str:
    """Treatment and where the row is from."""
    where = row.row_id if row.kind == "literature" else row.label
    return shortened(f"{row.treatment}: {where}", 44)


def _draw(ax: Axes, row: EstimandRow, rate: float, place: int, ends: tuple[float, float]) -> None:
    """A mark with its bar; what lies beyond the axis ends in an arrow."""
    color = GREY if row.of_class else _COLORS[row.kind]
    low = ends[0] if row.rate_lower is None else max(row.rate_lower, ends[0])
    high = ends[1] if row.rate_upper is None else min(row.rate_upper, ends[1])
    if row.rate_lower is not None or row.rate_upper is not None:
        style = "--" if row.simulated else "-"
        ax.plot([low, high], [place, place], color=color, linestyle=style, linewidth=1.4)
        for limit, end, arrow in ((row.rate_lower, low, "<"), (row.rate_upper, high, ">")):
            if limit is None or limit != end:
                ax.plot([end], [place], marker=arrow, color=color, markersize=4, clip_on=False)
    ax.plot(
        [rate],
        [place],
        marker=_MARKS[row.kind],
        markersize=6,
        color=color,
        markerfacecolor=color if row.compound else "white",
        linestyle="none",
        zorder=3,
    )
