"""Simulated outputs over time; drawn as a result holds them, nothing is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    GREY,
    TEXT_COLOR,
    SeriesStyle,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.mechanism.simulate import ArmResult, OutputCurve, SimulationResult
from oncovivo.mechanism.toml_files import nearest
from oncovivo.mechanism.trajectory_panels import (
    AXIS_WORDS,
    HEADING,
    LINE,
    SMALL,
    Panel,
    axis_words,
    inside,
    plain_number,
    read_panel,
    scale_axis,
    wrapped,
)
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_simulation"]

_BAND_WORDS: Final = {
    "both": "animals and uncertainty",
    "between_animal": "animals",
    "uncertainty": "uncertainty",
}
_MOST_STRONG_BANDS: Final = 4
_MOST_ONE_COLUMN: Final = 4

# Inches: width and height of a panel by the columns of the grid.
_PANEL: Final = {1: (5.3, 3.0), 2: (3.45, 2.25), 3: (2.5, 1.7)}
_LEFT: Final = 0.82
_RIGHT: Final = 0.18
_GAP: Final = 0.82
_BELOW: Final = 0.46
_STRIP_ROW: Final = 0.105
_STRIP_GAP: Final = 0.06
_SAMPLE: Final = 0.42
# Room that the mark in the corner takes from the title.
_MARK: Final = 1.55
_TITLE: Final = 9.5
_KEY: Final = 7.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An arm in the key: its style and its lines."""

    style: SeriesStyle
    lines: tuple[str, ...]


def plot_simulation(result: SimulationResult, *, outputs: Sequence[str] | None = None) -> Figure:
    """Each output by day: the median of every arm with its band, and the days of doses.

    The control is grey. A concentration or volume that spans more than two decades is on a log
    axis, which is cut five decades below its top; an occupancy runs from 0 to 1. Above each panel
    stands how many of the numbers behind it are assumed and scaled. Doses are ticks below the
    panels, a row for each arm that has some.

    Parameters
    ----------
    result : SimulationResult
        From :func:`oncovivo.mechanism.simulate.simulate`.
    outputs : sequence of str, optional
        What to draw; all outputs of the result if not given.

    Raises
    ------
    InputError
        If an output is not in the result, is named twice, or none is named.
    """
    with themed():
        figure = _Picture(result, outputs).draw()
        mark_simulated(figure)
    return figure


class _Picture:
    """The parts of the figure and where they stand, in inches from the top left."""

    def __init__(self, result: SimulationResult, outputs: Sequence[str] | None) -> None:
        names = _chosen(result, outputs)
        self.result = result
        self.styles = _styles(result)
        self.columns = 2 if len(names) in (2, 4) else min(len(names), 3)
        self.size = _PANEL[self.columns]
        across, _ = self.size
        panels = [read_panel(result, name, across) for name in names]
        self.panels = [
            panels[start : start + self.columns] for start in range(0, len(names), self.columns)
        ]
        self.dosed = [arm for arm in result.arms if arm.dose_days]
        self.width = _LEFT + self.columns * across + (self.columns - 1) * _GAP + _RIGHT
        self.title = wrapped(result.title or result.name, _TITLE, self.width - _LEFT - _MARK)
        room = self.width - _LEFT - _RIGHT
        said = [*_sentences(result, dosed=bool(self.dosed)), *_arm_warnings(result)]
        self.said = [line for words in said for line in wrapped(words, _KEY, room)]
        self.key = _key(result, self.styles, room)
        self.left = 0.12
        self.heads = [max(panel.head for panel in row) for row in self.panels]

    def draw(self) -> Figure:
        """The figure."""
        top = 0.12 + LINE * len(self.title) * _TITLE + 0.05
        said_at = top
        top += LINE * len(self.said) * _KEY + 0.08
        key_at = top
        top += self._key_height() + 0.16
        _, tall = self.size
        strip = _STRIP_GAP + _STRIP_ROW * len(self.dosed) if self.dosed else 0.0
        rows = []
        for head in self.heads:
            top += head
            rows.append(top)
            top += tall + 0.16
        self.height = top - 0.16 + strip + _BELOW
        self.figure = new_figure(width=self.width, height=self.height)
        self._write(self.title, self.left, 0.12, _TITLE)
        self._write(self.said, self.left, said_at, _KEY)
        self._draw_key(key_at)
        for number, panels in enumerate(self.panels):
            for column, panel in enumerate(panels):
                lowest = number + 1 == len(self.panels) or column >= len(self.panels[number + 1])
                self._draw_panel(panel, rows[number], column, lowest=lowest)
        return self.figure

    def _key_height(self) -> float:
        return max(LINE * _KEY * sum(len(entry.lines) for entry in column) for column in self.key)

    def _write(self, lines: Sequence[str], x: float, y: float, size: float) -> None:
        """Lines, the first with its top at y."""
        for number, line in enumerate(lines):
            self.figure.text(
                x / self.width,
                1 - (y + (number + 0.5) * LINE * size) / self.height,
                line,
                fontsize=size,
                color=TEXT_COLOR,
                va="center_baseline",
            )

    def _draw_key(self, top: float) -> None:
        """Arms with their line, marker and regimen."""
        from matplotlib.lines import Line2D

        for number, column in enumerate(self.key):
            x, y = self.left + number * (self.width - self.left) / len(self.key), top
            for entry in column:
                at = 1 - (y + 0.5 * LINE * _KEY) / self.height
                self.figure.add_artist(
                    Line2D(
                        [(x + share * 0.32) / self.width for share in (0.0, 0.5, 1.0)],
                        [at, at, at],
                        color=entry.style.color,
                        linestyle=entry.style.line,
                        linewidth=1.6,
                        marker=entry.style.marker,
                        markevery=[1],
                        markersize=4.5,
                    )
                )
                self._write(entry.lines, x + _SAMPLE, y, _KEY)
                y += LINE * _KEY * len(entry.lines)

    def _draw_panel(self, panel: Panel, top: float, column: int, *, lowest: bool) -> None:
        """An output, with the doses below it where no other panel stands there."""
        across, tall = self.size
        left = _LEFT + column * (across + _GAP)
        ax = self._axes(left, top, across, tall)
        days = np.asarray(self.result.days)
        for place, curve in enumerate(panel.curves):
            self._draw_curve(ax, curve, place, days, log=panel.log)
        scale_axis(ax, panel)
        room = 0.02 * float(days[-1] - days[0])
        ax.set_xlim(days[0] - room, days[-1] + room)
        ax.set_ylabel(axis_words(panel.curves[0]), fontsize=8)
        self._write(panel.heading, left, top - panel.head, HEADING)
        self._write(
            panel.small, left, top - panel.head + LINE * len(panel.heading) * HEADING, SMALL
        )
        base = ax
        if self.dosed:
            ax.tick_params(labelbottom=False)
            if lowest:
                base = self._draw_doses(ax, left, top + tall + _STRIP_GAP)
        ax.tick_params(labelbottom=lowest and not self.dosed)
        if lowest:
            base.set_xlabel(axis_label("time", "day"), fontsize=8)

    def _axes(self, left: float, top: float, across: float, tall: float) -> Axes:
        return self.figure.add_axes(
            (
                left / self.width,
                1 - (top + tall) / self.height,
                across / self.width,
                tall / self.height,
            )
        )

    def _draw_curve(
        self, ax: Axes, curve: OutputCurve, place: int, days: NDArray[np.float64], *, log: bool
    ) -> None:
        """Median and band; markers stand apart from those of other arms, so that all are seen."""
        style = self.styles[place]
        median, lower, upper = (
            np.asarray(side) for side in (curve.median, curve.lower, curve.upper)
        )
        if log:
            median = np.where(median > 0, median, np.nan)
            lower = np.where(lower > 0, lower, np.nextafter(0.0, 1.0))
        if self.result.draws:
            strong = len(self.styles) <= _MOST_STRONG_BANDS
            ax.fill_between(
                days,
                lower,
                upper,
                where=(upper > 0).tolist() if log else None,
                color=style.color,
                alpha=0.15 if strong else 0.08,
                linewidth=0,
                zorder=2,
            )
        every = max(len(days) // 5, 1)
        ax.plot(
            days,
            median,
            color=style.color,
            linestyle=style.line,
            linewidth=1.3,
            marker=style.marker,
            markersize=3.4,
            markevery=(int((place + 0.5) * every / len(self.styles)), every),
            zorder=3 + 0.01 * place,
        )

    def _draw_doses(self, ax: Axes, left: float, top: float) -> Axes:
        """A row of ticks for each arm with doses, its marker at the left."""
        from matplotlib.ticker import FuncFormatter

        across, _ = self.size
        tall = _STRIP_ROW * len(self.dosed)
        strip = self._axes(left, top, across, tall)
        strip.set_xlim(ax.get_xlim())
        strip.set_ylim(len(self.dosed) - 0.5, -0.5)
        strip.set_yticks([])
        strip.grid(visible=False)
        strip.spines["left"].set_visible(False)
        # The ticks of the panel above, so that the days agree.
        strip.set_xticks([tick for tick in ax.get_xticks() if inside(tick, ax.get_xlim())])
        strip.xaxis.set_major_formatter(FuncFormatter(plain_number))
        beside = strip.get_yaxis_transform()
        for row, arm in enumerate(self.dosed):
            style = self.styles[self.result.arms.index(arm)]
            strip.plot(
                arm.dose_days,
                [row] * len(arm.dose_days),
                linestyle="none",
                marker="|",
                markersize=5.0,
                markeredgewidth=1.0,
                color=style.color,
            )
            strip.plot(
                [-0.09 / across],
                [row],
                transform=beside,
                clip_on=False,
                linestyle="none",
                marker=style.marker,
                markersize=3.0,
                color=style.color,
            )
        strip.text(
            -0.19 / across,
            0.5,
            "doses",
            transform=strip.transAxes,
            ha="right",
            va="center",
            fontsize=SMALL,
            color=TEXT_COLOR,
        )
        return strip


def _chosen(result: SimulationResult, outputs: Sequence[str] | None) -> list[str]:
    """Names of the outputs to draw, by their kind."""
    curves = {curve.name: curve for curve in result.arms[0].outputs}
    names = list(curves) if outputs is None else list(outputs)
    for name in names:
        if name not in curves:
            raise InputError(
                "an output of the simulation: " + ", ".join(curves),
                found=repr(name),
                mend=nearest(name, list(curves)),
            )
    if not names or len(set(names)) < len(names):
        raise InputError("each output once, at least one", found=", ".join(names) or "none")
    order = list(AXIS_WORDS)
    return sorted(names, key=lambda name: order.index(curves[name].kind))


def _styles(result: SimulationResult) -> list[SeriesStyle]:
    """Style of each arm; the control's is grey."""
    treated = [arm.arm for arm in result.arms if arm.arm != result.control]
    return [
        SeriesStyle(color=GREY, line="-", marker="o")
        if arm.arm == result.control
        else series_style(treated.index(arm.arm))
        for arm in result.arms
    ]


def _sentences(result: SimulationResult, *, dosed: bool) -> list[str]:
    """What lines, bands and counts are."""
    if result.draws:
        level = f"{100 * result.level:g} % of {result.draws} draws"
        band = f"line: median; band: {level} ({_BAND_WORDS[result.band]})"
    else:
        band = "line: typical values; no parameter varies, which does not make them certain"
    ticks = ["ticks below: doses"] if dosed else []
    counts = "above each panel: how many numbers behind it are assumed or scaled"
    return ["; ".join([band, *ticks]), counts]


def _arm_warnings(result: SimulationResult) -> list[str]:
    """What is to be known about an arm's curves."""
    return [
        f"{warning.arm}: {warning.message}"
        for warning in result.warnings
        if warning.arm is not None
    ]


def _key(
    result: SimulationResult, styles: Sequence[SeriesStyle], room: float
) -> list[list[_Entry]]:
    """The arms in one or two columns."""
    parts = 1 if len(result.arms) <= _MOST_ONE_COLUMN else 2
    entries = [
        _Entry(style=style, lines=wrapped(_arm_words(arm), _KEY, room / parts - _SAMPLE - 0.1))
        for arm, style in zip(result.arms, styles, strict=True)
    ]
    half = math.ceil(len(entries) / parts)
    return [entries[start : start + half] for start in range(0, len(entries), half)]


def _arm_words(arm: ArmResult) -> str:
    """An arm, its regimen, and the numbers that are its own."""
    words = arm.arm
    if arm.regimen and arm.regimen != arm.arm:
        words += f": {arm.regimen}"
    if arm.changed:
        words += f" (its own: {', '.join(arm.changed)})"
    return words
