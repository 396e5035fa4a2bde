"""Figures of quality: what was judged, study by study, and shares over the studies.

Every judgement has a symbol beside its color, and the colors can be told apart with any color
vision; red and green are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from oncovivo.errors import InputError
from oncovivo.evidence.quality.assessment import (
    STANDINGS,
    Assessment,
    ItemShares,
    Standing,
)
from oncovivo.evidence.quality.tools import Tool, tool_named
from oncovivo.figures.theme import new_figure, themed

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_item_shares", "plot_traffic_lights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """How a standing looks: symbol and color both tell it."""

    symbol: str
    color: str
    ink: str
    hatch: str = ""


_MARKS: Final[Mapping[Standing, _Mark]] = MappingProxyType(
    {
        "good": _Mark(symbol="+", color="#0072B2", ink="white"),
        "partly": _Mark(symbol="±", color="#8CC6EC", ink="#1a1a1a"),
        "unclear": _Mark(symbol="?", color="#F0D58C", ink="#1a1a1a"),
        "poor": _Mark(symbol="–", color="#C44E00", ink="white"),
        "not_applicable": _Mark(symbol="/", color="#DADADA", ink="#1a1a1a"),
        "unresolved": _Mark(symbol="≠", color="#E3B5CF", ink="#1a1a1a"),
        "not_assessed": _Mark(symbol="", color="white", ink="#1a1a1a", hatch="////"),
    }
)

_EDGE: Final = "#6b6b6b"
_GRID: Final = "#d5dce3"
_HATCH_COLOR: Final = "#b5b5b5"
_TEXT_SIZE: Final = 8.0

# inches
_WIDTH: Final = 7.4
_ROW: Final = 0.3
_LINE: Final = 0.15
_PADDING: Final = 0.1
_BOTTOM: Final = 0.45
_LIGHTS_LEFT: Final = 1.9
_LIGHTS_RIGHT: Final = 1.15
_LIGHTS_TOP: Final = 1.4
_SHARES_LEFT: Final = 2.15
_SHARES_RIGHT: Final = 0.25
_SHARES_TOP: Final = 0.15
_SHARES_BOTTOM: Final = 0.85

_NAME_LENGTH: Final = 24
_SLANT: Final = 40
_CIRCLE: Final = 190.0
# a percentage with its symbol needs this share of the bar's length, a symbol alone that one
_WIDE_ENOUGH: Final = 0.12
_SYMBOL_ENOUGH: Final = 0.035


def plot_traffic_lights(assessment: Assessment, *, ax: Axes | None = None) -> Axes:
    """Traffic lights: studies down, items across, a symbol for each judgement.

    An empty circle is an item that nobody assessed.

    Parameters
    ----------
    assessment : Assessment
        From :func:`oncovivo.evidence.quality.assess`.
    ax : Axes, optional
        Where to draw; else a new figure as tall as the studies need.
    """
    tool = tool_named(assessment.tool)
    names = ["\n".join(wrap(label, _NAME_LENGTH)) for label in assessment.labels]
    heights = [max(_ROW, (name.count("\n") + 1) * _LINE + _PADDING) for name in names]
    with themed():
        if ax is None:
            ax = _new_axes(
                sum(heights),
                left=_LIGHTS_LEFT,
                right=_LIGHTS_RIGHT,
                top=_LIGHTS_TOP,
                bottom=_BOTTOM,
            )
        ax.set_xlim(0, len(assessment.items))
        ax.set_ylim(sum(heights), 0)
        ax.grid(visible=False)
        top = 0.0
        middles = []
        for study, height in zip(assessment.studies, heights, strict=True):
            middles.append(top + height / 2)
            for column, standing in enumerate(study.standings):
                _draw_light(ax, standing, x=column + 0.5, y=middles[-1])
            top += height
            ax.axhline(top, color=_GRID, linewidth=0.6, zorder=1)
        for column in range(1, len(tool.items)):
            between = tool.items[column].domain != tool.items[column - 1].domain
            ax.axvline(
                column, color="#9aa6b2" if between else _GRID, linewidth=0.8 if between else 0.4
            )
        ax.set_xticks(
            [column + 0.5 for column in range(len(tool.items))],
            [f"{item.number} {item.label}" for item in tool.items],
            rotation=_SLANT,
            ha="left",
            va="bottom",
            rotation_mode="anchor",
        )
        ax.set_yticks(middles, names)
        ax.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
        ax.tick_params(axis="both", length=0, pad=5)
        _frame(ax)
        _add_legend(ax, tool, _present(assessment), below=0.1, shape="circle")
    return ax


def plot_item_shares(shares: Sequence[ItemShares], tool: str, *, ax: Axes | None = None) -> Axes:
    """Stacked bars: for each item the share of studies, or of their weight, by judgement.

    Parameters
    ----------
    shares : sequence of ItemShares
        From :func:`oncovivo.evidence.quality.item_shares`.
    tool : str
        The checklist they are of.
    ax : Axes, optional
        Where to draw; else a new figure.

    Raises
    ------
    InputError
        If the items are not those of the checklist.
    """
    checklist = tool_named(tool)
    if tuple(row.item for row in shares) != checklist.item_ids:
        raise InputError(
            f"the items of {checklist.name} in their order",
            found=", ".join(row.item for row in shares) or "none",
        )
    present = [one for one in STANDINGS if any(one in row.shares for row in shares)]
    with themed():
        if ax is None:
            ax = _new_axes(
                len(shares) * _ROW,
                left=_SHARES_LEFT,
                right=_SHARES_RIGHT,
                top=_SHARES_TOP,
                bottom=_SHARES_BOTTOM,
            )
        ax.set_xlim(0, 100)
        ax.set_ylim(len(shares), 0)
        ax.grid(visible=False)
        for place, row in enumerate(shares):
            start = 0.0
            for standing, share in row.shares.items():
                _draw_share(ax, standing, start=start, share=share, y=place + 0.5)
                start += share
        ax.set_yticks(
            [place + 0.5 for place in range(len(shares))],
            [f"{item.number} {item.label}" for item in checklist.items],
        )
        ax.tick_params(axis="y", length=0, pad=5)
        n = sum(shares[0].counts.values())
        weighted = any(row.weighted for row in shares)
        studies = f"{n} study" if n == 1 else f"{n} studies"
        ax.set_xlabel(
            f"share of the weight of {studies}, %" if weighted else f"share of {studies}, %"
        )
        _frame(ax)
        _add_legend(ax, checklist, present, below=0.5, shape="bar")
    return ax


def _present(assessment: Assessment) -> list[Standing]:
    """The standings that occur, best first."""
    found = {standing for study in assessment.studies for standing in study.standings}
    return [standing for standing in STANDINGS if standing in found]


def _new_axes(height: float, *, left: float, right: float, top: float, bottom: float) -> Axes:
    """Axes with the margins that names, headings and legend need, inches."""
    total = height + top + bottom
    figure = new_figure(width=_WIDTH, height=total)
    return figure.add_axes(
        (left / _WIDTH, bottom / total, (_WIDTH - left - right) / _WIDTH, height / total)
    )


def _frame(ax: Axes) -> None:
    """A thin frame on all sides."""
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(_GRID)


def _draw_light(ax: Axes, standing: Standing, *, x: float, y: float) -> None:
    """A circle with its symbol."""
    mark = _MARKS[standing]
    ax.scatter(
        [x],
        [y],
        s=_CIRCLE,
        facecolor=mark.color,
        edgecolor=_EDGE if standing == "not_assessed" else mark.color,
        linewidth=0.8,
        linestyle="--" if standing == "not_assessed" else "-",
        zorder=3,
    )
    if mark.symbol:
        ax.text(
            x,
            y,
            mark.symbol,
            color=mark.ink,
            ha="center",
            va="center_baseline",
            fontsize=10,
            fontweight="bold",
            zorder=4,
        )


def _draw_share(ax: Axes, standing: Standing, *, start: float, share: float, y: float) -> None:
    """One part of a bar, with symbol and percentage where there is room."""
    mark = _MARKS[standing]
    ax.barh(
        [y],
        [100 * share],
        left=100 * start,
        height=0.74,
        color=mark.color,
        edgecolor=_HATCH_COLOR if mark.hatch else "white",
        hatch=mark.hatch or None,
        linewidth=0.8,
        zorder=2,
    )
    percent = f"{100 * share:.0f} %"
    if share >= _WIDE_ENOUGH:
        words = f"{mark.symbol}  {percent}" if mark.symbol else percent
    elif share >= _SYMBOL_ENOUGH:
        words = mark.symbol
    else:
        words = ""
    if words:
        ax.text(
            100 * (start + share / 2),
            y,
            words,
            color=mark.ink,
            ha="center",
            va="center_baseline",
            fontsize=_TEXT_SIZE,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": mark.color, "edgecolor": "none"},
            zorder=3,
        )


def _add_legend(
    ax: Axes,
    tool: Tool,
    present: Sequence[Standing],
    *,
    below: float,
    shape: Literal["circle", "bar"],
) -> None:
    """What the symbols that occur stand for, in the checklist's own words."""
    from matplotlib.legend_handler import HandlerTuple
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    words: dict[Standing, str] = {
        meaning: word.replace("_", " ") for word, meaning in tool.judgements.items()
    }
    handles: list[tuple[Artist, ...]] = []
    labels: list[str] = []
    for standing in present:
        mark = _MARKS[standing]
        ground: Artist
        if shape == "circle":
            ground = Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markersize=11,
                markerfacecolor=mark.color,
                markeredgecolor=_EDGE if standing == "not_assessed" else mark.color,
                markeredgewidth=0.8,
            )
        else:
            ground = Patch(
                facecolor=mark.color,
                edgecolor=_HATCH_COLOR if mark.hatch else mark.color,
                hatch=mark.hatch or None,
                linewidth=0.8,
            )
        symbol = Line2D(
            [],
            [],
            linestyle="none",
            marker=f"$\\mathbf{{{mark.symbol}}}$" if mark.symbol else "",
            markersize=6,
            markerfacecolor=mark.ink,
            markeredgecolor=mark.ink,
            markeredgewidth=0.3,
        )
        handles.append((ground, symbol))
        labels.append(_legend_words(standing, words, tool))
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InputError("axes that stand in a figure", found="axes without one")
    down = ScaledTranslation(0, -below, figure.dpi_scale_trans)
    ax.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.01, 0.0),
        bbox_transform=blended_transform_factory(figure.transFigure, ax.transAxes) + down,
        ncols=len(handles),
        handler_map={tuple: HandlerTuple(ndivide=1, pad=0)},
        borderaxespad=0.0,
        handletextpad=0.3,
        columnspacing=1.6,
        fontsize=_TEXT_SIZE,
    )


def _legend_words(standing: Standing, words: Mapping[Standing, str], tool: Tool) -> str:
    """What a symbol stands for."""
    if standing not in words:
        return STANDINGS[standing]
    risk = tool.subject == "risk of bias"
    return f"{words[standing]} risk of bias" if risk and standing != "unclear" else words[standing]
