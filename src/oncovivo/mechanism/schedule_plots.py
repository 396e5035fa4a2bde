"""Pareto fronts of regimens; drawn as a result holds them, nothing is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.endpoints.wording import number_text
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width
from oncovivo.figures.theme import (
    GREY,
    PALETTE,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    themed,
)
from oncovivo.mechanism.schedules import ObjectiveUse, ScheduleCandidate, ScheduleResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_schedules"]

# Costs that span more than this are drawn on a log axis.
_LOG_SPAN: Final = 20.0
# Area of a marker, points², for a robustness of 0 and of 1.
_LEAST_AREA: Final = 14.0
_AREA: Final = 130.0
_MOST_IN_KEY: Final = 14
# Marks of the others; those beyond are drawn without.
_LETTERS: Final = "abcdef"
# Points nearer than so many 1/72 inches have one label.
_COVERS: Final = 8.0
# Inches.
_LEFT: Final = 0.78
_ACROSS: Final = 5.6
_TALL: Final = 3.5
_RIGHT: Final = 0.25
_BELOW: Final = 0.62
_MARK: Final = 1.55
_LINE: Final = 1.34 / 72
"""Height of a line of text per point of its size."""
_TITLE: Final = 9.5
_KEY: Final = 7.5
_FRONT: Final = PALETTE[0]


def plot_schedules(result: ScheduleResult) -> Figure:
    """Candidates by a cost and an effect: the front filled and numbered, the others hollow.

    The horizontal axis is the first objective that follows from the regimen, or else the second
    of an output; the vertical one is the first of an output. Bars are the limits of the draws,
    areas the robustness. A dashed line is the effect without treatment. Regimens beyond a limit
    are not drawn but counted.

    Parameters
    ----------
    result : ScheduleResult
        From :func:`oncovivo.mechanism.schedules.compare_schedules`.

    Raises
    ------
    InputError
        If the result holds fewer than two objectives.
    """
    if len(result.objectives) < 2:
        raise InputError("two objectives or more", found=str(len(result.objectives)))
    with themed():
        figure = _drawn(result)
        mark_simulated(figure)
    return figure


def _drawn(result: ScheduleResult) -> Figure:
    """The figure, from top to bottom: title, sentences, plot, key."""
    down = next(place for place, one in enumerate(result.objectives) if one.of_output)
    across = next(
        (place for place, one in enumerate(result.objectives) if not one.of_output),
        next(place for place in range(len(result.objectives)) if place != down),
    )
    width = _LEFT + _ACROSS + _RIGHT
    title = _wrapped(result.title, _TITLE, width - 0.12 - _MARK)
    said = [line for words in _sentences(result) for line in _wrapped(words, _KEY, width - 0.24)]
    key = [
        line
        for words in _key_lines(result, (across, down))
        for line in _wrapped(words, _KEY, width - 0.24)
    ]
    top = 0.14 + _LINE * _TITLE * len(title)
    plot = top + 0.06 + _LINE * _KEY * len(said) + 0.16
    below = plot + _TALL + _BELOW
    height = below + _LINE * _KEY * len(key) + 0.1
    figure = new_figure(width=width, height=height)
    _write(figure, title, 0.12, _TITLE)
    _write(figure, said, top + 0.06, _KEY)
    _write(figure, key, below, _KEY)
    ax = figure.add_axes(
        (_LEFT / width, 1 - (plot + _TALL) / height, _ACROSS / width, _TALL / height)
    )
    _draw_candidates(ax, result, across, down)
    _draw_axes(ax, result, across, down)
    numbers = [str(number) for number in range(1, len(result.front) + 1)]
    _draw_marks(ax, result, list(zip(result.front, numbers, strict=True)), (across, down))
    lettered = list(zip(_others(result), _LETTERS, strict=False))
    _draw_marks(ax, result, lettered, (across, down))
    return figure


def _write(figure: Figure, lines: Sequence[str], top: float, size: float) -> None:
    """Lines from the left, the first with its top so many inches below that of the figure."""
    for number, line in enumerate(lines):
        figure.text(
            0.12 / figure.get_figwidth(),
            1 - (top + (number + 0.5) * _LINE * size) / figure.get_figheight(),
            line,
            fontsize=size,
            color=TEXT_COLOR,
            va="center_baseline",
        )


def _draw_candidates(ax: Axes, result: ScheduleResult, across: int, down: int) -> None:
    """Points with bars, and the line of the front where there are two objectives."""
    front = result.front
    for one in (*front, *_others(result)):
        _draw_point(ax, result, one, across, down)
    if len(result.objectives) == 2:
        points = sorted((one.values[across].median, one.values[down].median) for one in front)
        ax.plot(
            [x for x, _ in points],
            [y for _, y in points],
            color=_FRONT,
            linewidth=1.0,
            drawstyle="steps-post"
            if result.objectives[across].goal == "minimize"
            else "steps-pre",
            zorder=2,
        )
    untreated = result.untreated[down].median
    ax.axhline(untreated, color=GREY, linestyle="--", linewidth=1.0, zorder=1)
    ax.annotate(
        "untreated",
        (1.0, untreated),
        xycoords=ax.get_yaxis_transform(),
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        fontsize=7.5,
        color=GREY,
    )


def _draw_marks(
    ax: Axes,
    result: ScheduleResult,
    marked: Sequence[tuple[ScheduleCandidate, str]],
    axes: tuple[int, int],
) -> None:
    """Numbers or letters of points; those of points that cover each other stand together."""
    groups: list[tuple[ScheduleCandidate, list[str], tuple[float, float]]] = []
    for one, mark in marked:
        x, y = ax.transData.transform([one.values[place].median for place in axes])
        near = 72 / ax.figure.dpi
        for _, marks, (left, low) in groups:
            if math.hypot(x - left, y - low) * near < _COVERS:
                marks.append(mark)
                break
        else:
            groups.append((one, [mark], (float(x), float(y))))
    for one, marks, _ in groups:
        _label(ax, result, one, ", ".join(marks), axes)


def _label(
    ax: Axes, result: ScheduleResult, one: ScheduleCandidate, text: str, axes: tuple[int, int]
) -> None:
    """What a point is called in the key; on the front on the side where nothing better is."""
    from matplotlib.patheffects import withStroke

    worse = [1 if result.objectives[place].goal == "minimize" else -1 for place in axes]
    right, up = (-side if one.on_front else side for side in worse)
    ax.annotate(
        text,
        (one.values[axes[0]].median, one.values[axes[1]].median),
        xytext=(6 * right, 5 * up),
        textcoords="offset points",
        ha="left" if right > 0 else "right",
        va="bottom" if up > 0 else "top",
        fontsize=8.5 if one.on_front else 7.5,
        color=_FRONT if one.on_front else GREY,
        weight="bold",
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
        zorder=6,
    )


def _draw_point(
    ax: Axes, result: ScheduleResult, one: ScheduleCandidate, across: int, down: int
) -> None:
    """A candidate: bars of the draws, area of its robustness."""
    x, y = one.values[across], one.values[down]
    color = _FRONT if one.on_front else GREY
    if result.draws:
        for xs, ys in (
            ([x.median, x.median], [y.lower, y.upper]),
            ([x.lower, x.upper], [y.median, y.median]),
        ):
            ax.plot(
                xs,
                ys,
                color=color,
                alpha=0.8 if one.on_front else 0.45,
                linewidth=1.0 if one.on_front else 0.7,
                zorder=3,
            )
    share = 1.0 if one.robustness is None else one.robustness
    outside = bool(one.excluded)
    ax.scatter(
        [x.median],
        [y.median],
        s=_LEAST_AREA + _AREA * (0.2 if outside else share),
        marker="X" if outside else "o",
        facecolor=color if one.on_front else "white",
        edgecolor="white" if one.on_front else GREY,
        linewidth=0.8 if one.on_front else 1.1,
        zorder=5 if one.on_front else 4,
    )


def _draw_axes(ax: Axes, result: ScheduleResult, across: int, down: int) -> None:
    """Scales and labels."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    ax.margins(x=0.1)
    values = [one.values[across].median for one in result.candidates if one.values]
    if min(values) > 0 and max(values) > _LOG_SPAN * min(values):
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    elif result.objectives[across].measure == "dosing_days":
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    lows = [one.values[down].lower for one in result.candidates if one.values]
    highs = [one.values[down].upper for one in result.candidates if one.values]
    low = min(*lows, result.untreated[down].median)
    high = max(*highs, result.untreated[down].median)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    ax.set_ylim(0.0 if 0 <= low < 0.5 * high else low - room, high + 1.5 * room)
    ax.set_xlabel(_axis_words(result.objectives[across]), fontsize=8.5)
    ax.set_ylabel(_axis_words(result.objectives[down]), fontsize=8.5)


def _axis_words(use: ObjectiveUse) -> str:
    """Label of an axis, and which way is better."""
    named = use.unit and use.measure != "dosing_days"
    label = f"{use.label} ({use.unit})" if named else use.label
    better = "small" if use.goal == "minimize" else "large"
    return f"{label}; wanted {better}"


def _sentences(result: ScheduleResult) -> list[str]:
    """What marks mean, what the picture rests on, and what it leaves out."""
    out = sum(bool(one.excluded) and not one.values for one in result.candidates)
    heavy = sum(bool(one.excluded) and bool(one.values) for one in result.candidates)
    numbered = "filled, numbered: on the front of the medians; hollow, lettered: not"
    if len(result.objectives) > 2:
        numbered += f"; {len(result.objectives)} objectives, of which two are drawn"
    if result.draws:
        bars = (
            f"bars: {100 * result.level:g} % of {result.draws} draws of uncertain numbers, the "
            "same for all regimens; area: share of the draws in which it is on the front"
        )
    else:
        bars = "no number varies, which does not make them certain: no bars, no robustness"
    rest = f"{len(result.assumed)} assumed, {len(result.scaled)} scaled numbers behind it"
    found = [f"{numbered}; {bars}"]
    found.append(
        f"{rest}; differences up to {100 * result.negligible:g} % count as none"
        + (f"; {out} beyond a dose limit, not drawn" if out else "")
        + (f"; {heavy} beyond the limit of body weight, crosses" if heavy else "")
        + ("" if result.body_weight_output else "; loss of body weight not judged")
    )
    return found


def _others(result: ScheduleResult) -> list[ScheduleCandidate]:
    """Simulated candidates that are not on the front, the most robust first."""
    found = [one for one in result.candidates if one.values and not one.on_front]
    return sorted(found, key=lambda one: -(one.robustness or 0.0))


def _key_lines(result: ScheduleResult, drawn: tuple[int, int]) -> list[str]:
    """The front and the most robust others, with what the axes do not show."""
    front, others = result.front, _others(result)
    lines = [
        _key_line(result, one, str(number), drawn)
        for number, one in enumerate(front[:_MOST_IN_KEY], start=1)
    ]
    lines += [f"… and {len(front) - _MOST_IN_KEY} more"] if len(front) > _MOST_IN_KEY else []
    lines += [
        _key_line(result, one, letter, drawn)
        for one, letter in zip(others, _LETTERS, strict=False)
    ]
    more = len(others) - len(_LETTERS)
    return [*lines, f"… and {more} more that are not on the front"] if more > 0 else lines


def _key_line(
    result: ScheduleResult, one: ScheduleCandidate, mark: str, drawn: tuple[int, int]
) -> str:
    """A candidate in words."""
    words = f"{mark}  {one.regimen}"
    if one.robustness is not None:
        words += f": on the front in {100 * one.robustness:.0f} % of draws"
    for place, use in enumerate(result.objectives):
        if place in drawn:
            continue
        value = one.values[place].median
        number = f"{value:g}" if use.measure == "dosing_days" else number_text(value)
        unit = use.unit if use.measure != "dosing_days" else ""
        words += f"; {use.label} {number} {unit}".rstrip()
    return f"{words}; {one.excluded}" if one.excluded else words


def _wrapped(words: str, size: float, room: float) -> list[str]:
    """Lines of at most so many inches; a longer word has a line of its own."""
    lines = [""]
    for word in spelled_out(words).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and text_width(longer, size=size) / 72 > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
