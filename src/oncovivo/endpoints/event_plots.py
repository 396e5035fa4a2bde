"""Pictures of responses: who was followed how long and why it ended, and changes by day.

They draw what a result holds and compute nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from oncovivo.endpoints.response_result import AnimalResponse, ResponseResult
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import (
    GREY,
    TEXT_COLOR,
    SeriesStyle,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.studies import LeavingReason
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_spider", "plot_swimmer"]

_ENDS: Final[dict[LeavingReason, tuple[str, str]]] = {
    "scheduled": ("|", "scheduled"),
    "volume_limit": ("s", "tumor too large"),
    "ulceration": ("P", "ulceration"),
    "body_weight_loss": ("v", "loss of body weight"),
    "toxicity": ("X", "toxicity"),
    "found_dead": ("d", "found dead"),
    "tumor_related": ("p", "tumor-related"),
    "technical": (".", "technical"),
    "unknown": ("$?$", "reason not known"),
}
_HATCHES: Final = ("", "///", "...", "\\\\\\", "xxx", "---", "+++", "ooo")
_BAR: Final = 0.13
_LONGEST_NAME: Final = 24
# Changes above this are cut, so that a tumor that grew tenfold does not flatten the others.
_CAP_PCT: Final = 400.0
_PANEL_COLUMNS: Final = 4


def plot_swimmer(result: ResponseResult) -> Figure:
    """A bar for each animal from its baseline to its last day, with events and why it left.

    Bars are grouped by arm, longest first, with the mRECIST category beside each; an open triangle
    marks four times the baseline volume, a star the day from which the tumor stays gone, and the
    symbol at the end the reason for leaving.

    Parameters
    ----------
    result : ResponseResult
        Of a study.
    """
    order = [
        animal
        for arm in result.arms
        for animal in sorted(
            (a for a in result.animals if a.arm == arm.arm),
            key=lambda a: (-a.end_day, a.animal_id),
        )
    ]
    gaps = len(result.arms) - 1
    high = _BAR * (len(order) + 0.8 * gaps) + 0.15
    left = 0.35 + 0.072 * max(len(_shortened(arm.arm)) for arm in result.arms)
    styles = _arm_styles(result)
    hatches = {arm.arm: _HATCHES[i % len(_HATCHES)] for i, arm in enumerate(result.arms)}
    ends = list(dict.fromkeys(animal.end_reason for animal in order))
    key_rows = math.ceil((len(ends) + 2) / 3)
    above = 0.42 + 0.19 * key_rows
    width, height = left + 5.6, 0.5 + high + above
    with themed():
        figure = new_figure(width=width, height=height)
        ax = figure.add_axes((left / width, 0.45 / height, 5.05 / width, high / height))
        places: dict[str, list[float]] = {}
        y = 0.0
        for arm in result.arms:
            animals = [animal for animal in order if animal.arm == arm.arm]
            if animals:
                places[arm.arm] = [y + place for place in range(len(animals))]
                _draw_bars(
                    ax, animals, places[arm.arm], style=styles[arm.arm], hatch=hatches[arm.arm]
                )
                y += len(animals) + 0.8
        _draw_marks(ax, order, [height for heights in places.values() for height in heights])
        y -= 0.8
        ax.set_ylim(y - 0.3, -0.7)
        ax.set_yticks(
            [sum(heights) / len(heights) for heights in places.values()],
            [_shortened(arm) for arm in places],
        )
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        latest = max(animal.end_day for animal in order)
        ax.set_xlim(min(0.0, *(animal.start_day for animal in order)), latest * 1.09)
        ax.set_xlabel(axis_label("time", "day"))
        figure.text(0.1 / width, 1 - 0.1 / height, result.study_id, fontsize=9.5, va="top")
        figure.legend(
            handles=_swimmer_key(ends),
            loc="upper left",
            bbox_to_anchor=(left / width, 1 - 0.30 / height),
            ncols=3,
            fontsize=7.5,
            borderaxespad=0.0,
        )
        if result.simulated:
            mark_simulated(figure)
    return figure


def _arm_styles(result: ResponseResult) -> dict[str, SeriesStyle]:
    """Style of each arm."""
    treated = [arm.arm for arm in result.arms if arm.arm != result.control]
    styles = {arm: series_style(place) for place, arm in enumerate(treated)}
    if result.control is not None:
        styles[result.control] = series_style(0, is_control=True)
    return styles


def _draw_bars(
    ax: Axes,
    animals: list[AnimalResponse],
    heights: list[float],
    *,
    style: SeriesStyle,
    hatch: str,
) -> None:
    """Bars of the animals of one arm."""
    ax.barh(
        heights,
        [animal.end_day - animal.start_day for animal in animals],
        left=[animal.start_day for animal in animals],
        height=0.74,
        color="white",
        edgecolor=style.color,
        hatch=hatch,
        linewidth=0.7,
        alpha=0.8,
        zorder=2,
    )


def _draw_marks(ax: Axes, animals: list[AnimalResponse], heights: list[float]) -> None:
    """Events, ends and categories; each kind of mark as one line of points."""
    events = [
        (a.event_day + a.start_day, y)
        for a, y in zip(animals, heights, strict=True)
        if a.event_day is not None
    ]
    gone = [
        (a.cured_day, y) for a, y in zip(animals, heights, strict=True) if a.cured_day is not None
    ]
    for marker, points, size, face in (("^", events, 4.5, "white"), ("*", gone, 6.0, TEXT_COLOR)):
        if points:
            ax.plot(
                [day for day, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=marker,
                markersize=size,
                markerfacecolor=face,
                markeredgecolor=TEXT_COLOR,
                markeredgewidth=0.7,
                zorder=4,
            )
    for reason in dict.fromkeys(animal.end_reason for animal in animals):
        ended = [
            (a.end_day, y) for a, y in zip(animals, heights, strict=True) if a.end_reason == reason
        ]
        ax.plot(
            [day for day, _ in ended],
            [y for _, y in ended],
            linestyle="none",
            marker=_ENDS[reason][0],
            markersize=5,
            color=TEXT_COLOR,
            markeredgewidth=0.8,
            zorder=5,
            clip_on=False,
        )
    for animal, y in zip(animals, heights, strict=True):
        ax.annotate(
            animal.response or "–",
            (animal.end_day, y),
            xytext=(6, 0),
            textcoords="offset points",
            fontsize=6.5,
            va="center",
            annotation_clip=False,
        )


def _swimmer_key(ends: list[LeavingReason]) -> list[Line2D]:
    """What the symbols mean, as far as they occur."""
    from matplotlib.lines import Line2D

    def mark(marker: str, label: str, face: str = TEXT_COLOR) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=5,
            color=TEXT_COLOR,
            markerfacecolor=face,
            label=label,
        )

    events = [mark("^", "4 × baseline", "white"), mark("*", "gone from here on")]
    return events + [mark(*_ENDS[reason]) for reason in ends]


def plot_spider(result: ResponseResult) -> Figure:
    """Change from baseline of every animal by day, one panel for each arm.

    The mark at the end of a line says the category: filled for CR and PR, open for SD, a cross for
    PD, a dot where there is none. Lines are cut at +400 %.

    Parameters
    ----------
    result : ResponseResult
        Of a study.

    Raises
    ------
    InputError
        If no animal has a baseline above zero.
    """
    if not result.curves:
        expected = "animals with a baseline above zero"
        raise InputError(expected, found="none", where=f"study {result.study_id}")
    styles = _arm_styles(result)
    response = {animal.animal_id: animal.response for animal in result.animals}
    highest = max(min(max(curve.change_pct), _CAP_PCT) for curve in result.curves)
    n_columns = min(len(result.arms), _PANEL_COLUMNS)
    n_rows = math.ceil(len(result.arms) / _PANEL_COLUMNS)
    width, height = 2.1 * n_columns + 0.75, 1.9 * n_rows + 1.15
    with themed():
        figure = new_figure(width=width, height=height)
        panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        for place, ax in enumerate(panels.flat):
            if place >= len(result.arms):
                ax.set_axis_off()
                continue
            arm = result.arms[place]
            style = styles[arm.arm]
            for curve in result.curves:
                if curve.arm == arm.arm:
                    _draw_change(
                        ax, curve.days, curve.change_pct, response[curve.animal_id], style
                    )
            for level in (0.0, 35.0, -50.0, -95.0):
                ax.axhline(
                    level,
                    color=TEXT_COLOR if level == 0 else GREY,
                    linewidth=0.7,
                    linestyle="-" if level == 0 else "--",
                    zorder=1,
                )
            rate = arm.objective_response
            title = f"{_shortened(arm.arm)}\nCR or PR {rate.k} of {rate.n}"
            ax.set_title(title, fontsize=8, loc="left")
            lowest_row = place + n_columns >= len(result.arms)
            ax.set_xlabel(axis_label("time", "day") if lowest_row else "")
            ax.tick_params(labelbottom=lowest_row)
            if place % n_columns == 0:
                ax.set_ylabel("change from baseline (%)")
        panels.flat[0].set_ylim(-112, highest * 1.06 + 15)
        head = f"{result.study_id}: change of volume; dashed: +35, -50, -95 %"
        figure.text(0.1 / width, 1 - 0.1 / height, head, fontsize=9, va="top")
        figure.legend(
            handles=_spider_key(),
            loc="upper left",
            bbox_to_anchor=(0.08 / width, 1 - 0.29 / height),
            ncols=5,
            fontsize=7.5,
            borderaxespad=0.0,
            columnspacing=1.0,
            handletextpad=0.3,
        )
        figure.subplots_adjust(
            left=0.65 / width,
            right=1 - 0.1 / width,
            bottom=0.45 / height,
            top=1 - 0.95 / height,
            wspace=0.08,
            hspace=0.42,
        )
        if result.simulated:
            mark_simulated(figure)
    return figure


_SPIDER_MARKS: Final[dict[str | None, tuple[str, bool]]] = {
    "CR": ("o", True),
    "PR": ("D", True),
    "SD": ("s", False),
    "PD": ("x", True),
    None: (".", True),
}


def _draw_change(
    ax: Axes,
    days: tuple[float, ...],
    changes: tuple[float, ...],
    response: str | None,
    style: SeriesStyle,
) -> None:
    """Line of one animal with its category at the end."""
    marker, filled = _SPIDER_MARKS[response]
    shown = [min(change, _CAP_PCT) for change in changes]
    ax.plot(days, shown, color=style.color, linewidth=0.8, alpha=0.75, zorder=2)
    ax.plot(
        days[-1:],
        shown[-1:],
        marker=marker,
        markersize=4,
        color=style.color,
        markerfacecolor=style.color if filled else "white",
        zorder=3,
        clip_on=False,
    )


def _spider_key() -> list[Line2D]:
    """What the end marks mean."""
    from matplotlib.lines import Line2D

    return [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            markersize=5,
            color=TEXT_COLOR,
            markerfacecolor=TEXT_COLOR if filled else "white",
            label=word or "none",
        )
        for word, (marker, filled) in _SPIDER_MARKS.items()
    ]


def _shortened(name: str) -> str:
    """A name that fits beside a bar or above a panel."""
    name = spelled_out(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
