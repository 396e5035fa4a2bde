"""The visual predictive check as a figure; nothing is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.figures.theme import PALETTE, TEXT_COLOR, new_figure, themed
from oncovivo.mechanism.vpc import PERCENTILES, VisualCheck

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_visual_check"]

_MOST_COLUMNS = 4


def plot_visual_check(check: VisualCheck) -> Figure:
    """A panel for each arm: bands of simulated percentiles, and those of the readings.

    Parameters
    ----------
    check : VisualCheck
        From :func:`oncovivo.mechanism.vpc.visual_check`.
    """
    arms = tuple(dict.fromkeys(visit.arm for visit in check.visits))
    columns = min(len(arms), _MOST_COLUMNS)
    rows = -(-len(arms) // columns)
    with themed():
        figure = new_figure(width=1.2 + 2.3 * columns, height=1.5 + 2.2 * rows)
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place < len(arms):
                _panel(axes, check, arms[place])
            else:
                axes.set_axis_off()
        figure.suptitle(check.title, fontsize=10, x=0.02, ha="left")
        figure.supxlabel("days after baseline", fontsize=9, y=0.075)
        figure.supylabel("tumor volume, mm³", fontsize=9)
        leaving = (
            "simulated animals are read when the real ones were"
            if check.leaves_at_mm3 is None
            else f"simulated animals leave at {check.leaves_at_mm3:.6g} mm³"
        )
        figure.text(
            0.02,
            0.015,
            "lines: percentiles 10, 50 and 90 of the readings; "
            f"bands: {100 * check.level:.0f}% of {check.studies} simulated studies; {leaving}",
            fontsize=7,
            color=TEXT_COLOR,
        )
        figure.subplots_adjust(left=0.13, right=0.98, top=0.86, bottom=0.2, hspace=0.35)
    return figure


def _panel(axes: Axes, check: VisualCheck, arm: str) -> None:
    """One arm."""
    visits = [visit for visit in check.visits if visit.arm == arm]
    banded = [visit for visit in visits if visit.lower is not None]
    colors = (PALETTE[0], PALETTE[1], PALETTE[0])
    styles = ("--", "-", "--")
    for place, _ in enumerate(PERCENTILES):
        lower = [visit.lower[place] for visit in banded if visit.lower is not None]
        upper = [visit.upper[place] for visit in banded if visit.upper is not None]
        axes.fill_between(
            [visit.time_d for visit in banded],
            lower,
            upper,
            color=colors[place],
            alpha=0.25,
            linewidth=0,
        )
        axes.plot(
            [visit.time_d for visit in visits],
            [visit.observed[place] for visit in visits],
            color=TEXT_COLOR,
            linestyle=styles[place],
            marker="o",
            markersize=2.5,
            linewidth=1.0,
        )
    if any(visit.below_limit for visit in visits):
        axes.axhline(check.limit_mm3, color=TEXT_COLOR, linestyle=":", linewidth=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.set_title(f"{arm} (n = {max(visit.animals for visit in visits)})", fontsize=8)
    axes.grid(visible=True)
