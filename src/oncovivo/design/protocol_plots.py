"""The timeline of a protocol; drawn as the calendar has it, nothing is computed."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.design.protocol import CalendarDay
from oncovivo.errors import InputError
from oncovivo.figures.text_width import text_width
from oncovivo.figures.theme import GREY, PALETTE, TEXT_COLOR, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_timeline"]

_SATURDAY: Final = 5
# Inches: the page, a row, what is above and below the rows.
_WIDTH: Final = 6.6
_ROW: Final = 0.28
_BELOW: Final = 0.5
_AROUND: Final = 0.6
_LABEL: Final = 8.0  # points
_MOST_TICKS: Final = 12
_LONGEST_NAME: Final = 28
_WEEKEND: Final = "#eef1f4"


def plot_timeline(calendar: Sequence[CalendarDay], arms: Sequence[str]) -> Figure:
    """Days of measuring and of the doses of each arm, weekends shaded.

    Parameters
    ----------
    calendar : sequence of CalendarDay
        At least one day.
    arms : sequence of str
        A row for each, from the top.

    Raises
    ------
    InputError
        If the calendar is empty.
    """
    if not calendar:
        expected = "a calendar with a day"
        raise InputError(expected, found="none")
    rows = ["measured", *arms]
    with themed():
        height = _AROUND + _ROW * len(rows)
        figure = new_figure(width=_WIDTH, height=height)
        labels = [_shortened(row) for row in rows]
        left = max(text_width(label, size=_LABEL) for label in labels) / 72 + 0.25
        ax = figure.add_axes(
            (left / _WIDTH, _BELOW / height, 1 - (left + 0.15) / _WIDTH, _ROW * len(rows) / height)
        )
        _shade_weekends(figure, calendar)
        for place, row in enumerate(rows):
            is_measured = place == 0
            days = [d.day for d in calendar if (d.measured if is_measured else row in d.dosed)]
            ax.plot(
                days,
                [place] * len(days),
                linestyle="none",
                marker="o" if is_measured else "s",
                markersize=5,
                color=TEXT_COLOR if is_measured else PALETTE[0],
            )
            ax.axhline(place, color=GREY, linewidth=0.4, zorder=0)
        ax.set_yticks(range(len(rows)), labels=labels)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        last = calendar[-1].day
        step = max(7, 7 * -(-last // (7 * _MOST_TICKS)))
        ax.set_xticks(range(0, last + 1, step))
        ax.set_xlim(-0.8, last + 0.8)
        ax.set_xlabel(f"Study day (day {calendar[0].day} is {calendar[0].date})")
        ax.tick_params(axis="y", length=0)
    return figure


def _shade_weekends(figure: Figure, calendar: Sequence[CalendarDay]) -> None:
    """Saturdays and Sundays from the first day to the last."""
    first = datetime.date.fromisoformat(calendar[0].date)
    for day in range(calendar[0].day, calendar[-1].day + 1):
        date = first + datetime.timedelta(days=day - calendar[0].day)
        if date.weekday() >= _SATURDAY:
            figure.axes[0].axvspan(day - 0.5, day + 0.5, color=_WEEKEND, linewidth=0, zorder=-1)


def _shortened(name: str) -> str:
    """A name that leaves room for the days."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
