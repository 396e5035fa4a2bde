"""A fit as figures: each animal with its curve, and how the search went; nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.figures.theme import (
    GREY,
    PALETTE,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.mechanism.animal_curves import AnimalCurve
from oncovivo.mechanism.trajectory_panels import LINE, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SearchTrace", "plot_animals", "plot_search"]

FloatArray: TypeAlias = NDArray[np.float64]

_MOST_ANIMALS: Final = 60
_MOST_COLUMNS: Final = 6
_TITLE: Final = 9.5
_SMALL: Final = 7.0
_MARK: Final = 1.55
# Inches.
_ANIMAL: Final = (1.2, 0.95)
_TRACE: Final = (2.2, 1.25)
_LEFT: Final = 0.8
_RIGHT: Final = 0.15
_MOST_TRACES: Final = 3


def plot_animals(
    curves: Sequence[AnimalCurve],
    *,
    title: str,
    control: str | None = None,
    numbers: str = "",
    simulated: bool = False,
) -> Figure:
    """A small panel for each animal: its readings, its own curve and that of the typical animal.

    Animals stand arm by arm; beyond 60 only the first of each arm are drawn, and the figure says
    so. Open triangles are readings below the limit.

    Parameters
    ----------
    curves : sequence of AnimalCurve
        From :func:`oncovivo.mechanism.animal_curves.animal_curves`.
    title : str
        Of the fit.
    control : str, optional
        Arm that is drawn in the control's color.
    numbers : str
        What the curves rest on, one sentence; nothing if empty.
    simulated : bool
        Whether the readings are simulated.
    """
    arms = tuple(dict.fromkeys(one.arm for one in curves))
    each = max(1, _MOST_ANIMALS // len(arms)) if len(curves) > _MOST_ANIMALS else len(curves)
    drawn = [one for arm in arms for one in [c for c in curves if c.arm == arm][:each]]
    said = ["line: the animal's own curve; dashed: typical animal; triangle: below the limit"]
    if len(drawn) < len(curves):
        said.append(f"{len(drawn)} of {len(curves)} animals are drawn, the first of each arm")
    columns = min(len(drawn), _MOST_COLUMNS)
    rows = -(-len(drawn) // columns)
    across, tall = _ANIMAL
    sheet = _Sheet(
        title=title,
        said=(*said, *([numbers] if numbers else [])),
        width=max(_LEFT + columns * (across + 0.12) + _RIGHT, 5.4),
        rows=rows,
        row_height=tall + 0.3,
        simulated=simulated,
    )
    others = [arm for arm in arms if arm != control]
    with themed():
        figure = sheet.figure()
        shared: Axes | None = None
        for place, one in enumerate(drawn):
            row, column = divmod(place, columns)
            left = _LEFT + column * (across + 0.12)
            axes = sheet.axes(figure, left, row, across, tall, shared)
            shared = shared or axes
            style = series_style(
                0 if one.arm == control else others.index(one.arm), is_control=one.arm == control
            )
            _draw_animal(axes, one, style.color)
            axes.tick_params(which="both", labelleft=column == 0)
            axes.tick_params(labelbottom=place + columns >= len(drawn), labelsize=6.5)
        figure.supxlabel("days after baseline", fontsize=9, y=0.06 / sheet.height, va="bottom")
        figure.supylabel("tumor volume, mm³", fontsize=9, x=0.12 / sheet.width, ha="left")
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_animal(axes: Axes, one: AnimalCurve, color: str) -> None:
    """Readings and curves of an animal."""
    axes.plot(one.days, one.typical, color=GREY, linestyle="--", linewidth=0.9)
    axes.plot(one.days, one.own, color=color, linewidth=1.3)
    for below, marker, face in ((False, "o", color), (True, "v", "white")):
        shown = [place for place, low in enumerate(one.below_limit) if low == below]
        axes.plot(
            [one.time_d[place] for place in shown],
            [one.reading[place] for place in shown],
            linestyle="",
            marker=marker,
            markersize=2.6,
            markerfacecolor=face,
            markeredgecolor=color,
            markeredgewidth=0.6,
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.yaxis.set_minor_formatter(lambda *_: "")
    name = wrapped(f"{one.animal_id} · {one.arm}", 6.5, _ANIMAL[0])
    axes.set_title(name[0] + (" …" if len(name) > 1 else ""), fontsize=6.5, loc="left", pad=2.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchTrace:
    """A number by iteration of the search.

    Parameters
    ----------
    name : str
        What it is, with its unit.
    values : ndarray, shape (i,)
        After each iteration.
    end : float
        What the fit reports, after the last steps.
    lower, upper : float or None
        Its limits; None where there are none.
    log : bool
        Whether it is drawn on a log axis.
    """

    name: str
    values: FloatArray
    end: float
    lower: float | None
    upper: float | None
    log: bool


def plot_search(
    traces: Sequence[SearchTrace],
    *,
    title: str,
    settles_at: int,
    summary: str = "",
    simulated: bool = False,
) -> Figure:
    """Each estimated number by iteration, with where it ended and its limits.

    Parameters
    ----------
    traces : sequence of SearchTrace
        Numbers of the population and of the error.
    title : str
        Of the fit.
    settles_at : int
        Iteration from which the chains are averaged.
    summary : str
        Whether it converged, one sentence.
    simulated : bool
        Whether the readings are simulated.
    """
    columns = min(len(traces), _MOST_TRACES)
    rows = -(-len(traces) // columns)
    across, tall = _TRACE
    said = "grey: the chains are averaged; line and shade at the right: estimate and 95% limits"
    sheet = _Sheet(
        title=title,
        said=tuple(words for words in (summary, said) if words),
        width=max(_LEFT + columns * (across + 0.55) + _RIGHT, 5.4),
        rows=rows,
        row_height=tall + 0.55,
        simulated=simulated,
    )
    with themed():
        figure = sheet.figure()
        for place, one in enumerate(traces):
            row, column = divmod(place, columns)
            left = 0.6 + column * (across + 0.62)
            _draw_trace(sheet.axes(figure, left, row, across, tall, None), one, settles_at)
        figure.supxlabel("iteration", fontsize=9, y=0.06 / sheet.height, va="bottom")
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_trace(axes: Axes, one: SearchTrace, settles_at: int) -> None:
    """One number."""
    count = len(one.values)
    axes.axvspan(settles_at, count, color=GREY, alpha=0.12, linewidth=0)
    axes.plot(np.arange(1, count + 1), one.values, color=PALETTE[0], linewidth=1.0)
    ends = (count, count * 1.1)
    axes.plot(ends, (one.end, one.end), color=PALETTE[1], linewidth=1.4)
    if one.lower is not None and one.upper is not None:
        axes.fill_between(ends, one.lower, one.upper, color=PALETTE[1], alpha=0.28, linewidth=0)
    if one.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.4g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:,.4g}")
        axes.tick_params(axis="y", which="minor", labelsize=6)
        _few_minor_labels(axes)
    axes.tick_params(labelsize=6.5)
    axes.set_xlim(0, ends[1])
    axes.set_title(one.name, fontsize=7.5, loc="left", pad=3)


def _few_minor_labels(axes: Axes) -> None:
    """At most a handful of labels on a log axis of less than a decade."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    low, high = axes.get_ylim()
    if high / low < 20:
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_minor_locator(NullLocator())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """A title, sentences and rows of panels, in inches from the top left."""

    title: str
    said: tuple[str, ...]
    width: float
    rows: int
    row_height: float
    simulated: bool

    @property
    def head(self) -> tuple[tuple[float, str], ...]:
        """Lines above the panels with their size."""
        room = self.width - 0.3 - (_MARK if self.simulated else 0)
        lines = [(_TITLE, line) for line in wrapped(self.title, _TITLE, room)]
        lines += [(_SMALL, line) for words in self.said for line in wrapped(words, _SMALL, room)]
        return tuple(lines)

    @property
    def top(self) -> float:
        """Where the rows begin."""
        return 0.1 + LINE * sum(size for size, _ in self.head)

    @property
    def height(self) -> float:
        """Of the figure."""
        return self.top + self.rows * self.row_height + 0.5

    def figure(self) -> Figure:
        """With its lines."""
        figure = new_figure(width=self.width, height=self.height)
        y = 0.14
        for size, line in self.head:
            y += LINE * size
            figure.text(
                0.12 / self.width, 1 - y / self.height, line, fontsize=size, color=TEXT_COLOR
            )
        return figure

    def axes(
        self,
        figure: Figure,
        left: float,
        row: int,
        across: float,
        tall: float,
        shared: Axes | None,
    ) -> Axes:
        """A panel that ends where its row ends."""
        bottom = self.top + (row + 1) * self.row_height
        return figure.add_axes(
            (
                left / self.width,
                1 - bottom / self.height,
                across / self.width,
                tall / self.height,
            ),
            sharex=shared,
            sharey=shared,
        )
