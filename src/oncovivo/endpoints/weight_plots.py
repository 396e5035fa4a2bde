"""Picture of body weight; it draws what a result holds and computes nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from oncovivo.endpoints.tolerability import (
    LIMIT_LOSS,
    TOXIC,
    WATCH_LOSS,
    ArmTolerability,
    TolerabilityResult,
)
from oncovivo.errors import InputError
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import (
    GREY,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_body_weight"]

_PANEL_COLUMNS: Final = 4
_LONGEST_NAME: Final = 24


def plot_body_weight(result: TolerabilityResult) -> Figure:
    """Change of body weight of every animal by day, one panel for each arm.

    Solid lines are the weight as read, dashed lines net of the tumor; a cross marks an animal that
    left for toxicity or loss of body weight. Lines at -15 and -20 %.

    Parameters
    ----------
    result : TolerabilityResult
        Of a study.

    Raises
    ------
    InputError
        If no animal was weighed.
    """
    if not result.curves:
        expected = "animals with body weights"
        raise InputError(expected, found="none", where=f"study {result.study_id}")
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
            _draw_arm(ax, result, result.arms[place], place)
            lowest = place + n_columns >= len(result.arms)
            ax.set_xlabel(axis_label("time", "day") if lowest else "")
            ax.tick_params(labelbottom=lowest)
            if place % n_columns == 0:
                ax.set_ylabel("body weight change (%)")
        head = f"{result.study_id}: body weight of each animal"
        figure.text(0.1 / width, 1 - 0.1 / height, head, fontsize=9, va="top")
        figure.legend(
            handles=_key(),
            loc="upper left",
            bbox_to_anchor=(0.08 / width, 1 - 0.29 / height),
            ncols=5,
            fontsize=7.5,
            borderaxespad=0.0,
            columnspacing=0.8,
            handlelength=1.6,
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


def _draw_arm(ax: Axes, result: TolerabilityResult, arm: ArmTolerability, place: int) -> None:
    """Animals of one arm."""
    color = series_style(place).color
    for curve in result.curves:
        if curve.arm != arm.arm:
            continue
        ax.plot(curve.days, curve.raw_pct, color=color, linewidth=0.9, alpha=0.85)
        net = [math.nan if change is None else change for change in curve.net_pct]
        ax.plot(curve.days, net, color=color, linewidth=0.8, alpha=0.6, linestyle="--")
        if curve.end_reason in TOXIC:
            ax.plot(
                curve.days[-1:],
                curve.raw_pct[-1:],
                marker="X",
                markersize=6,
                color=TEXT_COLOR,
                linestyle="none",
                zorder=4,
            )
    ax.axhline(0, color=TEXT_COLOR, linewidth=0.7)
    ax.axhline(-WATCH_LOSS, color=GREY, linewidth=0.8, linestyle=":")
    ax.axhline(-LIMIT_LOSS, color=GREY, linewidth=0.8, linestyle="-.")
    name = spelled_out(arm.arm)
    name = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    worst = arm.worst_nadir_pct
    said = "not weighed" if worst is None else f"worst nadir {worst:.0f} %"
    ax.set_title(f"{name}\nn = {arm.n_weighed}; {said}", fontsize=8, loc="left")


def _key() -> list[Line2D]:
    """What lines and marks mean."""
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=TEXT_COLOR, linewidth=0.9, label="as read"),
        Line2D([], [], color=TEXT_COLOR, linewidth=0.8, linestyle="--", label="net of the tumor"),
        Line2D([], [], color=GREY, linewidth=0.8, linestyle=":", label="-15 %"),
        Line2D([], [], color=GREY, linewidth=0.8, linestyle="-.", label="-20 %"),
        Line2D(
            [],
            [],
            color=TEXT_COLOR,
            marker="X",
            markersize=6,
            linestyle="none",
            label="left: toxicity, weight",
        ),
    ]
