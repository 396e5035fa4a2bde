"""Figures of curves without event by arm, of whatever kind the curves are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    GREY,
    SeriesStyle,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.survival.curve_labels import Label, label_curves
from oncovivo.survival.curves import number_at_risk
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.plot_frame import (
    MOST_ARMS_TOGETHER,
    TINY,
    Head,
    axis_end,
    dress_share,
    inches,
    panels,
    panels_width,
    say,
    shortened,
    time_label,
    title_panel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["BEHIND", "CurvePicture", "animals_of", "time_text"]

FloatArray: TypeAlias = NDArray[np.float64]

BEHIND: Final = SeriesStyle(color=GREY, line="--", marker="")
_SHARE: Final = "share without event"
# Inches: the axes that arms share, a line of the table below.
_WIDTH: Final = 5.2
_HEIGHT: Final = 3.3
_LINE: Final = 0.19
_TICKS: Final = 10
_PANEL_TICKS: Final = 5
_LONGEST_LABEL: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePicture:
    """What is drawn of the curves, whatever kind they are.

    ``curve`` draws an arm with all that belongs to it, ``behind`` the control in grey. ``watched``
    holds the times up to which the animals of an arm are counted below, and their entries.
    """

    data: SurvivalData
    control: str | None
    styles: Mapping[str, SeriesStyle]
    lines: Sequence[str]
    key: Callable[[], list[Line2D]]
    paths: Mapping[str, tuple[FloatArray, FloatArray]]
    drops: Mapping[str, float | None]
    medians: Mapping[str, str]
    median_head: str
    counted: str
    watched: Mapping[str, tuple[FloatArray, FloatArray | None]]
    curve: Callable[[Axes, str, SeriesStyle], None]
    behind: Callable[[Axes, str], None]

    def draw(self, *, simulated: bool) -> Figure:
        """The figure, in one axes or in panels."""
        with themed():
            together = len(self.styles) <= MOST_ARMS_TOGETHER
            figure = _draw_together(self) if together else _draw_panels(self)
            if simulated:
                mark_simulated(figure)
        return figure

    def count(self, arm: str, marks: Sequence[float]) -> list[str]:
        """Animals of an arm at the marks of the time axis, in words."""
        times, entries = self.watched[arm]
        return [str(count) for count in number_at_risk(times, marks, entry=entries).tolist()]


def _draw_together(picture: CurvePicture) -> Figure:
    """All arms in one axes, the table of animals and medians below."""
    names = {arm: _row_name(picture, arm) for arm in picture.styles}
    beside = {arm: shortened(arm, _LONGEST_LABEL) for arm in picture.styles}
    left = max(0.75, 0.6 + inches([*names.values(), picture.counted]))
    right = 0.25 + max(
        inches([picture.median_head, *picture.medians.values()]), 0.3 + inches([*beside.values()])
    )
    width = left + _WIDTH + right
    head = Head(
        title=picture.data.study_id, lines=picture.lines, handles=picture.key(), width=width
    )
    below = 0.72 + _LINE * len(names)
    height = head.height + 0.08 + _HEIGHT + below
    figure = new_figure(width=width, height=height)
    ax = figure.add_axes((left / width, below / height, _WIDTH / width, _HEIGHT / height))
    marks = dress_share(ax, end=_end(picture), label=_SHARE, ticks=_TICKS)
    ax.set_xlabel(time_label(picture.data))
    for arm, style in picture.styles.items():
        picture.curve(ax, arm, style)
    label_curves(
        ax,
        [
            Label(
                name=beside[arm],
                style=style,
                x=picture.paths[arm][0],
                y=picture.paths[arm][1],
                drop=picture.drops[arm],
            )
            for arm, style in picture.styles.items()
        ],
        size=(_WIDTH, _HEIGHT),
        free=right - 0.1,
    )
    _draw_table(ax, picture, names, marks)
    head.draw(figure)
    return figure


def _draw_table(
    ax: Axes, picture: CurvePicture, names: Mapping[str, str], marks: Sequence[float]
) -> None:
    """Animals at the marks of the time axis, a row for each arm, and its median at the right."""
    from matplotlib.lines import Line2D

    whole, below = ax.transAxes, ax.get_xaxis_transform()
    top = -0.55 / _HEIGHT
    say(ax, -0.46 / _WIDTH, top, picture.counted, align="right", transform=whole)
    say(ax, 1 + 0.15 / _WIDTH, top, picture.median_head, transform=whole)
    for place, (arm, name) in enumerate(names.items(), start=1):
        y = top - place * _LINE / _HEIGHT
        style = picture.styles[arm]
        say(ax, -0.46 / _WIDTH, y, name, align="right", transform=whole)
        ax.add_artist(
            Line2D(
                [-0.40 / _WIDTH, -0.14 / _WIDTH],
                [y, y],
                transform=whole,
                clip_on=False,
                color=style.color,
                linestyle=style.line,
                linewidth=1.8,
            )
        )
        for mark, count in zip(marks, picture.count(arm, marks), strict=True):
            say(ax, mark, y, count, align="center", transform=below)
        say(ax, 1 + 0.15 / _WIDTH, y, picture.medians[arm], transform=whole)


def _draw_panels(picture: CurvePicture) -> Figure:
    """A panel for each arm, with its animals below, the control's curve in grey."""
    title = picture.data.study_id
    if picture.control is not None:
        title += f"; grey: {shortened(picture.control)}"
    arms = list(picture.styles)
    head = Head(
        title=title,
        lines=[*picture.lines, f"numbers below the axes: {picture.counted}"],
        handles=picture.key(),
        width=panels_width(len(arms)),
    )
    figure, axes = panels(arms, head=head)
    for ax, arm in zip(axes, arms, strict=True):
        marks = dress_share(ax, end=_end(picture), label="", ticks=_PANEL_TICKS)
        is_control = arm == picture.control
        if picture.control is not None and not is_control:
            picture.behind(ax, picture.control)
        picture.curve(ax, arm, series_style(0, is_control=is_control))
        title_panel(ax, arm, f"n = {_n(picture, arm)}; median {picture.medians[arm]}")
        for mark, count in zip(marks, picture.count(arm, marks), strict=True):
            say(
                ax,
                mark,
                -0.27 / ax.get_position().height / figure.get_figheight(),
                count,
                align="center",
                transform=ax.get_xaxis_transform(),
                size=TINY,
            )
    figure.text(
        0.12 / figure.get_figwidth(),
        0.5 * (1 - head.height / figure.get_figheight()),
        _SHARE,
        rotation=90,
        va="center",
    )
    figure.text(
        0.5, 0.08 / figure.get_figheight(), time_label(picture.data), ha="center", va="bottom"
    )
    return figure


def animals_of(data: SurvivalData, arm: str, n: int) -> NDArray[np.bool_]:
    """Which animals are of an arm."""
    here = np.zeros(data.n, dtype=np.bool_)
    if arm in data.arms:
        here = np.asarray(data.arm == data.arms.index(arm), dtype=np.bool_)
    if here.sum() != n:
        expected = f"a curve of the {int(here.sum())} animals of '{arm}'"
        raise InputError(expected, found=f"one of {n}", where=f"study {data.study_id}")
    return here


def _end(picture: CurvePicture) -> float:
    """Right end of the time axis."""
    bracket = picture.data.upper if picture.counted != "at risk" else picture.data.time
    return axis_end(np.concatenate((picture.data.time, bracket)))


def _n(picture: CurvePicture, arm: str) -> int:
    return len(picture.watched[arm][0])


def _row_name(picture: CurvePicture, arm: str) -> str:
    """Name of an arm and its number of animals."""
    return f"{shortened(arm)} (n = {_n(picture, arm)})"


def time_text(value: float | None) -> str:
    """A time in three figures, or all before the point; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
