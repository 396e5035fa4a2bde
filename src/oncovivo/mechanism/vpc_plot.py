"""The visual predictive check as a figure; nothing is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oncovivo.figures.theme import (
    GREY,
    PALETTE,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    themed,
)
from oncovivo.mechanism.trajectory_panels import LINE, wrapped
from oncovivo.mechanism.vpc import LEAST_ANIMALS, PERCENTILES, VisitCheck, VisualCheck

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_visual_check"]

_MOST_COLUMNS: Final = 3
# Inches.
_PANEL: Final = (2.45, 2.0)
_LEFT: Final = 0.85
_RIGHT: Final = 0.15
_GAP: Final = 0.45
_HEAD: Final = 0.24
_FOOT: Final = 0.58
_MARK: Final = 1.55
# Room for one count of animals below a panel.
_COUNT: Final = 0.21

_TITLE: Final = 9.5
_SMALL: Final = 7.0
_COLORS: Final = (PALETTE[0], PALETTE[1], PALETTE[0])
_STYLES: Final = ("--", "-", "--")


def plot_visual_check(check: VisualCheck, *, numbers: str = "", simulated: bool = False) -> Figure:
    """A panel for each arm: bands of simulated percentiles, and those of the readings.

    Dots are readings; triangles at the limit are readings below it. Visits on which fewer than
    three animals were read have dots alone. Under each panel stands how many animals were read,
    and how many of them were below the limit. The axis follows the readings: bands that go far
    beyond them are cut.

    Parameters
    ----------
    check : VisualCheck
        From :func:`oncovivo.mechanism.vpc.visual_check`.
    numbers : str
        What the curves rest on, one sentence; nothing if empty.
    simulated : bool
        Whether the readings are simulated.
    """
    count = len(check.animals)
    columns = 2 if count == 4 else min(count, _MOST_COLUMNS)
    rows = -(-count // columns)
    across, tall = _PANEL
    width = max(_LEFT + columns * across + (columns - 1) * _GAP + _RIGHT, 5.4)
    title = wrapped(check.title, _TITLE, width - 0.3 - (_MARK if simulated else 0))
    room = width - 0.3
    said = [line for words in _said(check, numbers) for line in wrapped(words, _SMALL, room)]
    top = 0.14 + LINE * (_TITLE * len(title) + _SMALL * len(said)) + 0.4
    height = top + rows * (_HEAD + tall + _FOOT) + 0.1
    with themed():
        figure = new_figure(width=width, height=height)
        y = 0.14
        for size, lines in ((_TITLE, title), (_SMALL, said)):
            for line in lines:
                y += LINE * size
                figure.text(0.12 / width, 1 - y / height, line, fontsize=size, color=TEXT_COLOR)
        _key(figure, width, height, y + 0.18)
        shared: Axes | None = None
        for place, (arm, animals) in enumerate(check.animals):
            row, column = divmod(place, columns)
            bottom = top + row * (_HEAD + tall + _FOOT) + _HEAD + tall
            axes = figure.add_axes(
                (
                    (_LEFT + column * (across + _GAP)) / width,
                    1 - bottom / height,
                    across / width,
                    tall / height,
                ),
                sharex=shared,
                sharey=shared,
            )
            shared = shared or axes
            _panel(axes, check, arm, animals)
            axes.tick_params(which="both", labelleft=column == 0)
        if shared is not None:
            shared.set_ylim(*_ends(check))
        figure.supxlabel("days after baseline", fontsize=9, y=0.06 / height, va="bottom")
        figure.supylabel("tumor volume, mm³", fontsize=9, x=0.12 / width, ha="left")
        if simulated:
            mark_simulated(figure)
    return figure


def _ends(check: VisualCheck) -> tuple[float, float]:
    """Ends of the axis of volumes: those of the readings, with room."""
    read = [value for visit in check.visits for value in (*visit.readings, *visit.observed)]
    return min(read) / 1.8, max(read) * 1.8


def _said(check: VisualCheck, numbers: str) -> tuple[str, ...]:
    """What stands below the title."""
    leaving = (
        "simulated animals are read when the real ones were"
        if check.leaves_at_mm3 is None
        else f"simulated animals leave at {check.leaves_at_mm3:,.6g} mm³"
    )
    share = check.share_inside
    inside = "" if share is None else f"; {share:.0%} of the percentiles are in their bands"
    shown = f"bands: {check.level:.0%} of {check.studies} simulated studies; {leaving}{inside}"
    return tuple(words for words in (shown, numbers) if words)


def _key(figure: Figure, width: float, height: float, y: float) -> None:
    """Samples of lines, bands and marks in a row."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    names = (
        "median read", "10th and 90th percentile read", "simulated median", "simulated 10th, 90th",
    )  # fmt: skip
    at = 1 - y / height
    x = 0.14
    for place, name in enumerate(names):
        if place < 2:
            figure.add_artist(
                Line2D(
                    [x / width, (x + 0.28) / width],
                    [at, at],
                    color=TEXT_COLOR,
                    linestyle=_STYLES[1 - place],
                    linewidth=1.1,
                )
            )
        else:
            figure.add_artist(
                Rectangle(
                    (x / width, at - 0.05 / height),
                    0.28 / width,
                    0.1 / height,
                    facecolor=_COLORS[3 - place],
                    alpha=0.28,
                    linewidth=0,
                    transform=figure.transFigure,
                )
            )
        figure.text(
            (x + 0.34) / width,
            at,
            name,
            fontsize=_SMALL,
            color=TEXT_COLOR,
            va="center_baseline",
        )
        x += 0.5 + 0.056 * len(name)


def _panel(axes: Axes, check: VisualCheck, arm: str, animals: int) -> None:
    """One arm."""
    visits = [visit for visit in check.visits if visit.arm == arm]
    banded = [visit for visit in visits if visit.lower is not None]
    several = [visit for visit in visits if visit.animals >= LEAST_ANIMALS]
    for place, _ in enumerate(PERCENTILES):
        axes.fill_between(
            [visit.time_d for visit in banded],
            [visit.lower[place] for visit in banded if visit.lower is not None],
            [visit.upper[place] for visit in banded if visit.upper is not None],
            color=_COLORS[place],
            alpha=0.28,
            linewidth=0,
        )
        axes.plot(
            [visit.time_d for visit in several],
            [visit.observed[place] for visit in several],
            color=TEXT_COLOR,
            linestyle=_STYLES[place],
            linewidth=1.1,
        )
    axes.plot(
        [visit.time_d for visit in visits for _ in visit.readings],
        [value for visit in visits for value in visit.readings],
        linestyle="",
        marker="o",
        markersize=2.0,
        color=GREY,
        alpha=0.55,
        markeredgewidth=0,
    )
    low = [visit.time_d for visit in visits if visit.below_limit]
    if low:
        axes.axhline(check.limit_mm3, color=TEXT_COLOR, linestyle=":", linewidth=0.8)
        axes.plot(low, [check.limit_mm3] * len(low), "v", color=TEXT_COLOR, markersize=4.0)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.yaxis.set_minor_formatter(lambda value, _: _minor(value))
    axes.tick_params(axis="y", which="minor", labelsize=6.5)
    axes.set_title(f"{arm} (n = {animals})", fontsize=8, loc="left")
    axes.grid(visible=True)
    _counts(axes, visits)


def _minor(value: float) -> str:
    """Labels at two and five of each decade, so that a log axis of one decade is readable."""
    first = f"{value:.0e}"[0]
    return f"{value:,.6g}" if first in "25" else ""


def _counts(axes: Axes, visits: list[VisitCheck]) -> None:
    """How many were read on a visit, and how many of them below the limit."""
    inches = _PANEL[1]
    every = max(1, -(-len(visits) * 100 // int(100 * _PANEL[0] / _COUNT)))
    places = axes.get_xaxis_transform()
    lines = [("n", [visit.animals for visit in visits])]
    if any(visit.below_limit for visit in visits):
        lines.append(("< limit", [visit.below_limit for visit in visits]))
    for row, (name, counts) in enumerate(lines):
        y = -(0.27 + 0.12 * row) / inches
        axes.text(
            -0.03, y, name, transform=axes.transAxes, fontsize=6.5, color=GREY, ha="right",
            va="center",
        )  # fmt: skip
        for visit, count in list(zip(visits, counts, strict=True))[::every]:
            axes.text(
                visit.time_d, y, str(count), transform=places, fontsize=6.5, color=GREY,
                ha="center", va="center",
            )  # fmt: skip
