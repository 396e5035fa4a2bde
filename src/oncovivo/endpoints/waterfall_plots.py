"""Best response of every animal of a study, arm beside arm; what a result holds is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from oncovivo.endpoints.mrecist import CATEGORIES, Category
from oncovivo.endpoints.response_result import AnimalResponse, ResponseResult
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import GREY, TEXT_COLOR, mark_simulated, new_figure, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

__all__ = ["CATEGORY_STYLES", "CategoryStyle", "plot_best_responses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryStyle:
    """How a category looks: matplotlib's color, hatch of a bar and marker of a point."""

    color: str
    hatch: str
    marker: str


CATEGORY_STYLES: Final[dict[Category, CategoryStyle]] = {
    "CR": CategoryStyle(color="#0072B2", hatch="", marker="o"),
    "PR": CategoryStyle(color="#56B4E9", hatch="////", marker="D"),
    "SD": CategoryStyle(color="#D9D9D9", hatch="....", marker="_"),
    "PD": CategoryStyle(color="#D55E00", hatch="xxxx", marker="x"),
}
# Bars above this are cut; what grew tenfold says no more than what grew threefold.
CAP_PCT: Final = 200.0
# Bars of one row of panels: more become too thin to hold their category's name.
_MOST_BARS: Final = 48
_BAR: Final = 0.155
_ARM_GAP: Final = 1.6
_NARROWEST_ARM: Final = 6.2
_ROW: Final = 2.4


def plot_best_responses(result: ResponseResult) -> Figure:
    """A bar for each animal, arm by arm, from its worst response to its best.

    Bars are colored and hatched by category, with its name below; they are cut at +200 %, where a
    triangle says so. A star marks an animal whose tumor is gone at its last reading. Animals
    without a best response are not drawn; each arm's name says how many are.

    Parameters
    ----------
    result : ResponseResult
        Of a study.

    Raises
    ------
    InputError
        If no animal has a best response.
    """
    arms = {
        arm.arm: sorted(
            (a for a in result.animals if a.arm == arm.arm and a.best_response_pct is not None),
            key=lambda a: (-_height(a), a.animal_id),
        )
        for arm in result.arms
    }
    arms = {name: animals for name, animals in arms.items() if animals}
    if not arms:
        expected = "animals with a best response"
        raise InputError(expected, found="none")
    rows = _rows(arms)
    longest = max(sum(_width(arms[name]) for name in row) for row in rows)
    width = max(0.75 + _BAR * longest + 0.35, 5.0)
    height = 0.6 + _ROW * len(rows)
    with themed():
        figure = new_figure(width=width, height=height)
        for place, row in enumerate(rows):
            bottom = (len(rows) - 1 - place) * _ROW + 0.62
            high = (_ROW - 0.8) / height
            ax = figure.add_axes((0.75 / width, bottom / height, _BAR * longest / width, high))
            _draw_row(ax, {name: arms[name] for name in row}, longest)
        figure.text(
            0.1 / width,
            1 - 0.1 / height,
            f"{result.study_id}: mRECIST, {result.rule.replace('_', ' ')}",
            fontsize=9.5,
            va="top",
        )
        figure.legend(
            handles=_key([animal for animals in arms.values() for animal in animals]),
            loc="upper left",
            bbox_to_anchor=(0.1 / width, 1 - 0.27 / height),
            ncols=6,
            fontsize=7.5,
            borderaxespad=0.0,
            columnspacing=1.0,
            handletextpad=0.4,
        )
        if result.simulated:
            mark_simulated(figure)
    return figure


def _height(animal: AnimalResponse) -> float:
    return -math.inf if animal.best_response_pct is None else animal.best_response_pct


def _width(animals: list[AnimalResponse]) -> float:
    """Room of an arm, in bars: its name needs some even when the animals are few."""
    return max(len(animals), _NARROWEST_ARM) + _ARM_GAP


def _rows(arms: dict[str, list[AnimalResponse]]) -> list[list[str]]:
    """Arms in rows that are not too wide."""
    rows: list[list[str]] = [[]]
    used = 0.0
    for name, animals in arms.items():
        wide = _width(animals)
        if rows[-1] and used + wide > _MOST_BARS:
            rows.append([])
            used = 0.0
        rows[-1].append(name)
        used += wide
    return rows


def _draw_row(ax: Axes, arms: dict[str, list[AnimalResponse]], longest: float) -> None:
    """The arms of one row beside each other on a common scale."""
    x = 0.0
    for name, animals in arms.items():
        start = x + max(_NARROWEST_ARM - len(animals), 0.0) / 2
        _draw_bars(ax, animals, [start + place for place in range(len(animals))])
        wide = _width(animals)
        ax.annotate(
            f"{_folded(name, wide)}\nn = {len(animals)}",
            (x + (wide - _ARM_GAP) / 2 - 0.5, -100),
            xytext=(0, -13),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=7.5,
            annotation_clip=False,
        )
        x += wide
    ax.axhline(0, color=TEXT_COLOR, linewidth=0.8, zorder=4)
    for cut in (35, -50, -95):
        ax.axhline(cut, color=GREY, linewidth=0.7, linestyle="--", zorder=1)
    ax.set_xlim(-1.2, longest - 0.8)
    ax.set_ylim(-100, CAP_PCT * 1.06)
    ax.set_xticks([])
    ax.set_yticks([-100, -50, 0, 50, 100, 150, 200])
    ax.grid(visible=False, axis="x")
    ax.set_ylabel("best response (%)")


def _folded(name: str, wide: float) -> str:
    """A name in at most two lines that fit below its bars; its end says more than its middle."""
    name = spelled_out(name)
    most = int(wide * _BAR / 0.073)
    if len(name) <= most:
        return name
    if len(name) > 2 * most:
        name = f"{name[:most]}…{name[1 - most :]}"
    # At the mark nearest to the middle of those that leave two lines short enough.
    marks = [at for at in range(max(len(name) - most, 1), most + 1) if name[at - 1] in " _-+,/"]
    middle = (len(name) + 1) // 2
    at = min(marks, key=lambda at: abs(at - middle)) if marks else most
    return f"{name[:at].rstrip()}\n{name[at:].lstrip()}"


def _draw_bars(ax: Axes, animals: list[AnimalResponse], places: list[float]) -> None:
    """One arm: bars, categories, and marks where the tumor is gone or the bar is cut."""
    for category in dict.fromkeys(animal.response for animal in animals):
        style = CATEGORY_STYLES[category] if category is not None else None
        alike = [(a, x) for a, x in zip(animals, places, strict=True) if a.response == category]
        ax.bar(
            [x for _, x in alike],
            [min(_height(animal), CAP_PCT) for animal, _ in alike],
            width=0.84,
            color="white" if style is None else style.color,
            hatch=None if style is None else style.hatch,
            edgecolor=TEXT_COLOR,
            linewidth=0.5,
            zorder=3,
        )
    for animal, x in zip(animals, places, strict=True):
        ax.annotate(
            animal.response or "–",
            (x, -100),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=5.5,
            annotation_clip=False,
        )
    cured = [x for a, x in zip(animals, places, strict=True) if a.cured_day is not None]
    cut = [x for a, x in zip(animals, places, strict=True) if _height(a) > CAP_PCT]
    for marker, y, size, at in (("*", 8.0, 4.5, cured), ("^", CAP_PCT * 1.03, 3.0, cut)):
        if at:
            ax.plot(
                at,
                [y] * len(at),
                linestyle="none",
                marker=marker,
                markersize=size,
                color=TEXT_COLOR,
                clip_on=False,
                zorder=5,
            )


def _key(animals: list[AnimalResponse]) -> list[Patch | Line2D]:
    """What colors, hatches and marks mean, with the number of animals of each category."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = [
        Patch(
            facecolor=CATEGORY_STYLES[category].color,
            hatch=CATEGORY_STYLES[category].hatch,
            edgecolor=TEXT_COLOR,
            linewidth=0.5,
            label=f"{category} ({sum(animal.response == category for animal in animals)})",
        )
        for category in CATEGORIES
    ]
    marks = (
        ("*", "gone at the end", any(animal.cured_day is not None for animal in animals)),
        ("^", f"above +{CAP_PCT:g} %", any(_height(animal) > CAP_PCT for animal in animals)),
    )
    handles += [
        Line2D(
            [], [], linestyle="none", marker=marker, markersize=5, color=TEXT_COLOR, label=label
        )
        for marker, label, drawn in marks
        if drawn
    ]
    return handles
