"""The picture of all null models and scales beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.combination.plot_frame import (
    CHARACTER,
    MOST_FACTOR,
    heads,
    index_ticks,
    say,
    write_heads,
)
from oncovivo.combination.plot_words import (
    NULL_WORDS,
    SCALE_WORDS,
    animals_words,
    index_words,
    limits_words,
    p_words,
    role_words,
    shortened,
)
from oncovivo.combination.result import SynergyResult
from oncovivo.errors import InputError
from oncovivo.figures.theme import PALETTE, TEXT_COLOR, mark_simulated, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_synergy_forest"]

_INDEX_COLOR: Final = PALETTE[0]
_DETECTABLE_COLOR: Final = PALETTE[1]
# Inches.
_ROW: Final = 0.27
_FOREST: Final = 3.1
_NUMBERS: Final = 1.75
_P_VALUES: Final = 0.95
_VERDICTS: Final = 0.95
# The axis shows at least this factor on both sides of 1.
_LEAST_FACTOR: Final = 1.5


def plot_synergy_forest(
    results: Sequence[SynergyResult],
    *,
    n_animals: Mapping[str, int] | None = None,
    title: str = "",
    simulated: bool = False,
) -> Figure:
    """Indices of all null models and scales with their limits, a row for each.

    A hollow triangle is the detectable index; an arrow is a limit beyond the axis, or none.

    Parameters
    ----------
    results : sequence of SynergyResult
        One or more, of one level.
    n_animals : mapping of str to int, optional
        Animals by arm, to be named.
    title : str
        Such as the study; what is compared is said anyway.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If there is no result, or they have several levels.
    """
    levels = {result.level for result in results}
    if len(levels) != 1:
        expected = "results of one level"
        raise InputError(expected, found=f"{len(results)} results of {len(levels)} levels")
    with themed():
        figure = _draw_forest(list(results), n_animals, title, simulated=simulated)
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_forest(
    results: Sequence[SynergyResult],
    n_animals: Mapping[str, int] | None,
    title: str,
    *,
    simulated: bool,
) -> Figure:
    combinations = list(dict.fromkeys(result.arms.combination for result in results))
    days = list(dict.fromkeys(result.day for result in results))
    names = [_row_name(result, arm=len(combinations) > 1, day=len(days) > 1) for result in results]
    left = 0.25 + CHARACTER * max(len(name) for name in names)
    width = left + _FOREST + _NUMBERS + _P_VALUES + _VERDICTS
    said = _forest_sentences(results, n_animals, days)
    first = role_words(results[0].arms) if len(combinations) == 1 else ", ".join(combinations)
    lines, top = heads(width, f"{title}: {first}" if title else first, said, simulated=simulated)
    rows = _ROW * len(results)
    top += 0.28
    height = top + rows + 0.55
    figure = new_figure(width=width, height=height)
    write_heads(figure, lines)
    ax = figure.add_axes((left / width, 0.55 / height, _FOREST / width, rows / height))
    reach = _forest_reach(results)
    for place, (result, name) in enumerate(zip(results, names, strict=True)):
        _draw_row(ax, result, name, place, reach)
    _dress_forest(ax, len(results), reach)
    for words, right in (
        (f"index ({100 * results[0].level:g} % CI)", 0.15),
        ("p", _NUMBERS),
        ("verdict", _NUMBERS + _P_VALUES),
    ):
        say(ax, 1 + right / _FOREST, 1 + 0.13 / rows, words, transform=ax.transAxes)
    return figure


def _row_name(result: SynergyResult, *, arm: bool, day: bool) -> str:
    name = f"{NULL_WORDS[result.null]}, {SCALE_WORDS[result.scale]}"
    if day and result.day is not None:
        name += f", day {result.day:g}"
    return f"{shortened(result.arms.combination)}: {name}" if arm else name


def _forest_sentences(
    results: Sequence[SynergyResult],
    n_animals: Mapping[str, int] | None,
    days: Sequence[float | None],
) -> list[str]:
    """What the index is, what limits hold, the day, animals."""
    said = "index: observed over foreseen size"
    if len(days) == 1 and days[0] is not None:
        said += f" on day {days[0]:g}"
    said += f"; below 1: synergy; {100 * results[0].level:g} % limits, each row alone"
    if any(result.alternative == "less" for result in results):
        said += "; of one-sided tests each limit alone"
    sentences = [said]
    if any(result.detectable_index is not None for result in results):
        sentences.append("▽: largest index that this study finds with 80 % power")
    # A result without an index, or with something to know, says why; each reason once.
    reasons = dict.fromkeys(result.reason for result in results if result.reason)
    sentences += [f"flagged: {reason}" for reason in reasons]
    if n_animals is not None:
        own = list(dict.fromkeys(name for result in results for name in result.arms.arms))
        sentences.append(animals_words(n_animals, own))
    return sentences


def _forest_reach(results: Sequence[SynergyResult]) -> float:
    """Factor from 1 that the axis shows on both sides."""
    known = [
        abs(math.log(value))
        for result in results
        for value in (
            result.index,
            result.index_lower,
            result.index_upper,
            result.detectable_index,
        )
        if value
    ]
    farthest = math.exp(min(max(known, default=0.0), math.log(MOST_FACTOR)))
    return 1.1 * max(farthest, _LEAST_FACTOR)


def _draw_row(ax: Axes, result: SynergyResult, name: str, place: int, reach: float) -> None:
    """A row: limits, index, detectable index, and the numbers at the right."""
    row = ax.get_yaxis_transform()
    say(ax, -0.1 / _FOREST, place, name, align="right", transform=row)
    lower, upper = result.index_lower, result.index_upper
    if lower is not None or upper is not None:
        # An open side reaches beyond the axis.
        _draw_limits(ax, lower or 0.0, upper, place, reach)
    say(ax, 1 + 0.15 / _FOREST, place, _index_text(result), transform=row)
    if result.p_value is not None:
        words = p_words(result.p_value).removeprefix("p ").removeprefix("= ")
        say(ax, 1 + _NUMBERS / _FOREST, place, words, transform=row)
        verdict = result.verdict.replace("_", " ")
        say(ax, 1 + (_NUMBERS + _P_VALUES) / _FOREST, place, verdict, transform=row)
    if result.index is None:
        return
    if 1 / reach <= result.index <= reach:
        ax.plot(
            [result.index],
            [place],
            marker="D",
            markersize=5,
            color=_INDEX_COLOR,
            markeredgecolor="white",
            linestyle="none",
            zorder=4,
        )
    if result.detectable_index is not None and result.detectable_index >= 1 / reach:
        ax.plot(
            [result.detectable_index],
            [place - 0.27],
            marker="v",
            markersize=4.2,
            markerfacecolor="none",
            markeredgecolor=_DETECTABLE_COLOR,
            linestyle="none",
            zorder=3.5,
        )


def _index_text(result: SynergyResult) -> str:
    """Index and limits, as far as there are any."""
    index = "no index" if result.index is None else index_words(result.index)
    limits = limits_words(result.index_lower, result.index_upper)
    return f"{index} ({limits})" if limits else index


def _draw_limits(ax: Axes, lower: float, upper: float | None, place: int, reach: float) -> None:
    """The bar, with arrows where it goes on."""
    left, right = max(lower, 1 / reach), min(upper if upper is not None else reach, reach)
    if left < right:
        ax.plot(
            [left, right],
            [place, place],
            color=_INDEX_COLOR,
            linewidth=2.4,
            solid_capstyle="butt",
        )
    for edge, beyond, marker in (
        (1 / reach, lower < 1 / reach, "<"),
        (reach, upper is None or upper > reach, ">"),
    ):
        if beyond:
            ax.plot(
                [edge],
                [place],
                marker=marker,
                markersize=5.5,
                color=_INDEX_COLOR,
                linestyle="none",
                clip_on=False,
            )


def _dress_forest(ax: Axes, count: int, reach: float) -> None:
    """Line at 1, order from the top, log axis."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    ax.axvline(1.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", zorder=1)
    ax.set_ylim(count - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xscale("log")
    ax.set_xlim(1 / reach, reach)
    ax.set_xticks(index_ticks(1 / reach, reach))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("index (observed / foreseen)")
