"""The timeline of a protocol shows the days of its calendar."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.design.protocol import CalendarDay
from oncovivo.design.protocol_plots import plot_timeline
from oncovivo.errors import InputError


def day(number: int, date: str, measured: str = "", dosed: tuple[str, ...] = ()) -> CalendarDay:
    return CalendarDay(day=number, date=date, weekday="", measured=measured, dosed=dosed)


CALENDAR = (
    day(0, "2026-03-05", "baseline", ("drug", "both")),
    day(1, "2026-03-06", "", ("both",)),
    day(4, "2026-03-09", "last day"),
)


def test_each_row_has_its_days() -> None:
    axes = plot_timeline(CALENDAR, ["vehicle", "drug", "both"]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "measured", "vehicle", "drug", "both",
    ]  # fmt: skip
    rows: dict[float, list[float]] = {}
    for line in axes.lines:
        if line.get_linestyle() == "None":
            days = np.asarray(line.get_xdata(), dtype=float).tolist()
            for height in np.asarray(line.get_ydata(), dtype=float).tolist():
                rows[height] = days
    # The vehicle's row is empty.
    assert rows == {0: [0, 4], 2: [0], 3: [0, 1]}
    assert axes.get_xlabel() == "Study day (day 0 is 2026-03-05)"


def test_weekends_are_shaded() -> None:
    axes = plot_timeline(CALENDAR, ["drug"]).axes[0]
    spans = sorted(patch.get_window_extent().x0 for patch in axes.patches)
    saturday, sunday = (axes.transData.transform((at, 0))[0] for at in (1.5, 2.5))
    assert spans == pytest.approx([saturday, sunday])


def test_a_long_name_is_cut() -> None:
    axes = plot_timeline(CALENDAR, ["x" * 40]).axes[0]
    assert axes.get_yticklabels()[1].get_text() == "x" * 27 + "…"


def test_an_empty_calendar_is_refused() -> None:
    with pytest.raises(InputError, match="a calendar with a day, found none"):
        plot_timeline((), ["drug"])
