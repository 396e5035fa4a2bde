"""What happened to the animals: cumulative incidence by cause, and each animal's follow-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    TEXT_COLOR,
    SeriesStyle,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.survival.competing import CumulativeIncidence
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.plot_frame import (
    CENSOR_MARK,
    Head,
    arm_styles,
    axis_end,
    cause_words,
    data_lines,
    dress_share,
    inches,
    leaving_marks,
    mark_handle,
    panels,
    panels_width,
    shortened,
    time_label,
    title_panel,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["MOST_BARS", "plot_follow_up", "plot_incidence"]

MOST_BARS: Final = 60
"""More animals than this are not told apart as bars."""
# Bands of more causes than this cover each other.
_MOST_BANDS: Final = 3
_PANEL_TICKS: Final = 5
# Inches: a bar with its gap, the axes of the bars.
_BAR: Final = 0.14
_BARS_WIDTH: Final = 5.2
_ARM_GAP: Final = 0.9
_HATCHES: Final = ("", "///", "...", "\\\\\\", "xxx", "---", "+++", "ooo")
_EVENT_MARK: Final = "o"


def plot_incidence(
    found: Mapping[str, CumulativeIncidence],
    data: SurvivalData,
    *,
    control: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Cumulative incidence of each cause with its limits, a panel for each arm.

    Parameters
    ----------
    found : mapping of str to CumulativeIncidence
        Incidences by arm, all of the same causes, in the order in which they are to be drawn.
    data : SurvivalData
        The study, for its name and the unit of its times.
    control : str, optional
        Control arm, named in the title of its panel.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If there is no arm, the control is none of them, or arms differ in their causes.
    """
    arm_styles(list(found), control)
    causes = next(iter(found.values())).causes
    for arm, own in found.items():
        if own.causes != causes:
            expected = "the same causes in every arm: " + ", ".join(causes)
            raise InputError(expected, found=", ".join(own.causes), where=f"arm '{arm}'")
    styles = [series_style(place) for place in range(len(causes))]
    bands = len(causes) <= _MOST_BANDS
    level = 100 * next(iter(found.values())).level
    lines = ["share to which each cause has happened first (Aalen-Johansen)"]
    if bands:
        lines.append(f"bands: {level:g} % limits of each time alone")
    end = axis_end(np.concatenate([own.time for own in found.values()]))
    with themed():
        head = Head(
            title=data.study_id,
            lines=lines,
            handles=_cause_key(causes, styles),
            width=panels_width(len(found)),
        )
        names = [f"{arm} (control)" if arm == control else arm for arm in found]
        figure, axes = panels(names, head=head, below=0.30)
        for ax, name, own in zip(axes, names, found.values(), strict=True):
            dress_share(ax, end=end, label="", ticks=_PANEL_TICKS)
            for column, style in enumerate(styles):
                _draw_cause(ax, own, column, style, bands=bands)
            counts = ", ".join(str(count) for count in own.n_events)
            title_panel(ax, name, f"n = {own.n}; by cause: {counts}")
        width, height = figure.get_figwidth(), figure.get_figheight()
        middle = 0.5 * (1 - head.height / height)
        figure.text(0.12 / width, middle, "cumulative incidence", rotation=90, va="center")
        figure.text(0.5, 0.08 / height, time_label(data), ha="center", va="bottom")
        if simulated:
            mark_simulated(figure)
    return figure


def plot_follow_up(
    data: SurvivalData, *, control: str | None = None, simulated: bool = False
) -> Figure:
    """A bar for each animal, from when it came under observation to the end, by arm.

    Longest first. A filled dot is the event, a symbol at the end a competing event or censoring;
    where the event is known to a bracket only, the bracket is the grey part of the bar.

    Parameters
    ----------
    data : SurvivalData
        Of up to 60 animals.
    control : str, optional
        Control arm, drawn in black.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If there are more animals, or the control is no arm.
    """
    if data.n > MOST_BARS:
        expected = f"at most {MOST_BARS} animals for a bar each"
        raise InputError(
            expected,
            found=f"{data.n}",
            where=f"study {data.study_id}",
            mend="draw the curves instead",
        )
    arms = [arm for place, arm in enumerate(data.arms) if (data.arm == place).any()]
    styles = arm_styles(arms, control)
    left = 0.35 + max(0.5, inches([shortened(arm) for arm in arms]))
    width = left + _BARS_WIDTH + 0.2
    y, places, ticks = 0.0, np.zeros(data.n), []
    for arm in arms:
        here = np.flatnonzero(data.arm == data.arms.index(arm))
        order = sorted(here.tolist(), key=lambda i: (-data.time[i], data.animal_ids[i]))
        places[order] = y + np.arange(len(order))
        ticks.append(y + (len(order) - 1) / 2)
        y += len(order) + _ARM_GAP
    units = y - _ARM_GAP + 0.6
    with themed():
        head = Head(
            title=data.study_id, lines=data_lines(data), handles=_bar_key(data), width=width
        )
        high = max(_BAR * units, 0.5)
        height = head.height + 0.05 + high + 0.5
        figure = new_figure(width=width, height=height)
        box = (left / width, 0.45 / height, _BARS_WIDTH / width, high / height)
        ax = figure.add_axes(box)
        for number, arm in enumerate(arms):
            _draw_bars(ax, data, arm, places, styles[arm], _HATCHES[number % len(_HATCHES)])
        _draw_ends(ax, data, places)
        ax.set_ylim(units - 0.8, -0.8)
        ax.set_xlim(0, axis_end(np.concatenate((data.time, data.upper))))
        ax.set_yticks(ticks, [shortened(arm) for arm in arms])
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(time_label(data))
        head.draw(figure)
        if simulated:
            mark_simulated(figure)
    return figure


def _cause_key(causes: tuple[str, ...], styles: list[SeriesStyle]) -> list[Line2D]:
    """The line of each cause."""
    from matplotlib.lines import Line2D

    names = [shortened(cause_words(cause)) for cause in causes]
    return [
        Line2D([], [], color=style.color, linestyle=style.line, label=name)
        for name, style in zip(names, styles, strict=True)
    ]


def _draw_cause(
    ax: Axes, own: CumulativeIncidence, column: int, style: SeriesStyle, *, bands: bool
) -> None:
    """The rising steps of a cause, and its limits where there are any."""
    time = np.concatenate(([0.0], own.time))
    ax.step(
        time,
        np.concatenate(([0.0], own.incidence[:, column])),
        where="post",
        color=style.color,
        linestyle=style.line,
        linewidth=1.6,
        zorder=4,
        clip_on=False,
    )
    lower, upper = own.lower[:, column], own.upper[:, column]
    if bands and np.isfinite(lower).any():
        ax.fill_between(
            own.time,
            lower,
            upper,
            step="post",
            color=style.color,
            alpha=0.15,
            linewidth=0,
            zorder=2,
        )


def _draw_bars(
    ax: Axes,
    data: SurvivalData,
    arm: str,
    places: np.ndarray[tuple[int], np.dtype[np.float64]],
    style: SeriesStyle,
    hatch: str,
) -> None:
    """Bars of the animals of an arm, and the brackets of their events."""
    here = data.arm == data.arms.index(arm)
    ax.barh(
        places[here],
        (data.time - data.entry)[here],
        left=data.entry[here],
        height=0.72,
        color="white",
        edgecolor=style.color,
        hatch=hatch,
        linewidth=0.7,
        alpha=0.8,
        zorder=2,
    )
    open_ = here & data.event & (data.upper > data.lower)
    if open_.any():
        ax.barh(
            places[open_],
            (data.upper - data.lower)[open_],
            left=data.lower[open_],
            height=0.36,
            color="#9A9A9A",
            linewidth=0,
            zorder=3,
        )


def _draw_ends(
    ax: Axes, data: SurvivalData, places: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> None:
    """How the follow-up of each animal ended."""
    kinds = [(data.event, _EVENT_MARK, TEXT_COLOR)]
    kinds += [(mark.animals, mark.marker, "white") for mark in leaving_marks(data)]
    for here, marker, face in kinds:
        if here.any():
            ax.plot(
                data.time[here],
                places[here],
                linestyle="none",
                marker=marker,
                markersize=7 if marker == CENSOR_MARK else 4.5,
                markeredgewidth=1.6 if marker == CENSOR_MARK else 0.9,
                markeredgecolor=TEXT_COLOR,
                markerfacecolor=face,
                zorder=5,
                clip_on=False,
            )


def _bar_key(data: SurvivalData) -> list[Line2D]:
    """What the marks mean, as far as they occur."""
    from matplotlib.lines import Line2D

    handles = [mark_handle(_EVENT_MARK, "event", TEXT_COLOR)] if data.event.any() else []
    handles += [mark_handle(mark.marker, mark.words) for mark in leaving_marks(data)]
    if (data.event & (data.upper > data.lower)).any():
        handles.append(Line2D([], [], color="#9A9A9A", linewidth=4, label="event within"))
    return handles
