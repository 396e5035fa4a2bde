"""Power against the number of animals; draws what results hold and computes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    GREY,
    PALETTE,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PowerPoint", "PowerSeries", "plot_power"]

# Inches: a panel, and what lies around it.
_PANEL: Final = (3.0, 2.6)
_LEFT: Final = 0.7
_RIGHT: Final = 0.15
_TOP: Final = 1.0
_BOTTOM: Final = 0.65
_KEY_LINE: Final = 0.2
_KEY_WIDTH: Final = 1.95
_NARROWEST: Final = 5.2
# Inches of a letter of the title, and where the title stands: below the mark of simulated data.
_LETTER: Final = 0.098
_TITLE_AT: Final = 0.58
_GAP: Final = 0.3
_ROW_GAP: Final = 0.75
_MOST_ACROSS: Final = 3
# Letters of a question to the inch.
_LETTERS: Final = 13
# Standard errors to either side of a point: 95 %.
_REACH: Final = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """Power at one number of animals.

    Parameters
    ----------
    animals : int
        In an arm.
    power, error : float
        Share of simulated studies, and its Monte Carlo standard error.
    """

    animals: int
    power: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSeries:
    """Power of one question with readings up to one day.

    Parameters
    ----------
    question : str
        Its panel.
    last_day : float
        Day of the last reading.
    points : tuple of PowerPoint
        By simulation, by number of animals.
    line : tuple of (int, float)
        Numbers of animals and power in closed form; empty where there is none.
    """

    question: str
    last_day: float
    points: tuple[PowerPoint, ...]
    line: tuple[tuple[int, float], ...] = ()


def plot_power(
    series: Sequence[PowerSeries],
    *,
    title: str,
    target: float,
    level: float,
    arm_words: str = "animals per arm",
) -> Figure:
    """Power against animals, a panel for each question, a color for each last day.

    Points are simulated, with 95 % Monte Carlo intervals; lines are the closed form.

    Parameters
    ----------
    series : sequence of PowerSeries
        At least one.
    title : str
        Over the panels.
    target, level : float
        Power that is marked by a line, and one less the error of the test, which is marked too.
    arm_words : str
        What the numbers count.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if not series:
        raise InputError("power of at least one question", found="none")
    questions = list(dict.fromkeys(one.question for one in series))
    across = min(len(questions), _MOST_ACROSS)
    down = math.ceil(len(questions) / across)
    panel = max(_PANEL[0], (_NARROWEST - _LEFT - _RIGHT - (across - 1) * _GAP) / across)
    width = _LEFT + across * panel + (across - 1) * _GAP + _RIGHT
    days = len({one.last_day for one in series})
    # Two entries for each day, and one for the lines across.
    entries = 1 + days * (2 if any(one.line for one in series) else 1)
    columns = min(entries, int((width - _LEFT) / _KEY_WIDTH))
    key = math.ceil(entries / columns) * _KEY_LINE
    height = _TOP + down * _PANEL[1] + (down - 1) * _ROW_GAP + _BOTTOM + key
    figure = new_figure(width=width, height=height)
    with themed():
        figure.text(
            _LEFT / width,
            1 - _TITLE_AT / height,
            _shortened(title, int((width - _LEFT) / _LETTER)),
            color=TEXT_COLOR,
            weight="bold",
            va="center",
        )
        panels = []
        for number, question in enumerate(questions):
            row, column = divmod(number, across)
            axes = figure.add_axes(
                (
                    (_LEFT + column * (panel + _GAP)) / width,
                    1 - (_TOP + (row + 1) * _PANEL[1] + row * _ROW_GAP) / height,
                    panel / width,
                    _PANEL[1] / height,
                )
            )
            own = [one for one in series if one.question == question]
            _draw_panel(axes, own, target=target, level=level, first=column == 0)
            axes.set_title(
                _shortened(question, int(panel * _LETTERS)),
                fontsize=9,
                loc="left",
                color=TEXT_COLOR,
            )
            if number + across >= len(questions):
                axes.set_xlabel(arm_words)
            panels.append(axes)
        _write_key(figure, panels[0], columns=columns, width=width, height=height)
    mark_simulated(figure)
    return figure


def _draw_panel(
    axes: Axes, series: Sequence[PowerSeries], *, target: float, level: float, first: bool
) -> None:
    """One question."""
    for height, words in ((target, ""), (1 - level, f"{target:.0%} and {1 - level:.0%}")):
        axes.axhline(height, color=GREY, linewidth=0.8, linestyle=":", zorder=1, label=words)
    for place, one in enumerate(series):
        color = PALETTE[place % len(PALETTE)]
        days = f"to day {one.last_day:g}"
        if one.line:
            numbers, power = zip(*one.line, strict=True)
            axes.plot(
                numbers, power, color=color, linewidth=1.4, zorder=2, label=f"{days}, closed form"
            )
        reach = [
            [min(_REACH * point.error, point.power) for point in one.points],
            [min(_REACH * point.error, 1 - point.power) for point in one.points],
        ]
        axes.errorbar(
            [point.animals for point in one.points],
            [point.power for point in one.points],
            yerr=reach,
            color=color,
            linestyle="none",
            marker=series_style(place).marker,
            markersize=4.5,
            capsize=2.5,
            elinewidth=1.0,
            zorder=3,
            label=f"{days}, simulated",
        )
    numbers_read = sorted({point.animals for one in series for point in one.points})
    axes.set_ylim(0.0, 1.02)
    axes.set_yticks([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20 %", "40 %", "60 %", "80 %", "100 %"])
    axes.set_xticks(numbers_read)
    if len(numbers_read) == 1:
        axes.set_xlim(numbers_read[0] - 1.5, numbers_read[0] + 1.5)
    axes.tick_params(labelleft=first)
    if first:
        axes.set_ylabel("power")


def _write_key(figure: Figure, axes: Axes, *, columns: int, width: float, height: float) -> None:
    """What colors, points and lines are, below the panels."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(_LEFT / width, 0.06 / height),
        ncol=columns,
        frameon=False,
        fontsize=8,
        handlelength=1.6,
        columnspacing=1.2,
    )


def _shortened(text: str, most: int) -> str:
    """Words that fit."""
    return text if len(text) <= most else text[: most - 1] + "…"
