"""Pictures of volumes by day; they draw what a result holds and compute nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.endpoints.volume import AnimalCurve, ArmDay, VolumeByDay
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
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = ["Scale", "plot_growth", "plot_growth_panels"]

Scale: TypeAlias = Literal["log", "linear"]

# More arms than this in one panel cannot be followed with the eye.
MOST_ARMS_IN_A_PANEL: Final = 6
_PANEL_COLUMNS: Final = 4
# Most days that the table under the plot has room for.
_MOST_RISK_DAYS: Final = 12
_LONGEST_NAME: Final = 32
# Height of one of its lines, inches.
_STRIP_LINE: Final = 0.19


def plot_growth(result: VolumeByDay, *, ax: Axes | None = None, scale: Scale = "log") -> Axes:
    """Animals as thin lines, the mean of each arm with its SEM, and who is still followed below.

    The mean is arithmetic. It is drawn hollow and thin on days on which fewer than half of the arm
    remain, and not at all on days on which fewer than half of those followed were measured. On a
    log axis a vanished tumor is a triangle at the lower edge, where bars that reach below it end.

    Parameters
    ----------
    result : VolumeByDay
        At most six arms; for more use :func:`plot_growth_panels`.
    ax : Axes, optional
        Where to draw; without it a new figure is made.
    scale : {"log", "linear"}
        Scale of the volume axis.
    """
    with themed():
        if ax is None:
            ax = _new_axes(result)
        limits = _limits(result, scale)
        styles = _styles(result)
        for arm in result.arms:
            _draw_animals(ax, result, arm, styles[arm].color, scale=scale, floor=limits[0])
        for arm in result.arms:
            _draw_mean(ax, result.of_arm(arm), styles[arm], scale=scale, floor=limits[0])
        _dress(ax, scale=scale, limits=limits)
        ax.set_title(result.study_id, loc="left", pad=18)
        ax.text(0, 1.0, _key(result), transform=ax.transAxes, fontsize=7.5, va="bottom")
        _draw_risk_strip(ax, result, styles)
        if result.simulated:
            mark_simulated(_figure_of(ax))
    return ax


def plot_growth_panels(result: VolumeByDay, *, scale: Scale = "log") -> Figure:
    """One panel for each arm beside the control's mean in grey; for studies of many arms.

    Parameters
    ----------
    result : VolumeByDay
        Any number of arms.
    scale : {"log", "linear"}
        Scale of the volume axes, which are shared.
    """
    with themed():
        n_rows = math.ceil(len(result.arms) / _PANEL_COLUMNS)
        n_columns = min(len(result.arms), _PANEL_COLUMNS)
        width, height = 2.1 * n_columns + 0.7, 1.9 * n_rows + 1.1
        figure = new_figure(width=width, height=height)
        panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        limits = _limits(result, scale)
        for index, ax in enumerate(panels.flat):
            if index < len(result.arms):
                _draw_panel(ax, result, result.arms[index], scale=scale, limits=limits)
            else:
                ax.set_axis_off()
            if index % n_columns:
                ax.set_ylabel("")
            # The lowest panel of each column carries the days.
            lowest = index + n_columns >= len(result.arms)
            ax.set_xlabel(axis_label("time", "day") if lowest else "")
            ax.tick_params(labelbottom=lowest)
        figure.text(
            0.1 / width, 1 - 0.12 / height, result.study_id, fontsize=9.5, ha="left", va="top"
        )
        figure.text(
            0.1 / width,
            1 - 0.34 / height,
            f"{_key(result)}; grey: {result.control}",
            fontsize=7.5,
            ha="left",
            va="top",
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


def _draw_panel(
    ax: Axes, result: VolumeByDay, arm: str, *, scale: Scale, limits: tuple[float, float]
) -> None:
    """One arm of the small multiples."""
    is_control = arm == result.control
    style = series_style(0, is_control=is_control)
    rows = result.of_arm(arm)
    if not is_control:
        control = SeriesStyle(color=GREY, line="--", marker="")
        _draw_mean(
            ax, result.of_arm(result.control), control, scale=scale, floor=limits[0], size=2.6
        )
    _draw_animals(ax, result, arm, style.color, scale=scale, floor=limits[0])
    _draw_mean(ax, rows, style, scale=scale, floor=limits[0], size=2.6)
    _dress(ax, scale=scale, limits=limits, small=True)
    ax.set_title(_shortened(arm), fontsize=8, loc="left", pad=14)
    if rows:
        ax.text(
            0,
            1.02,
            f"n = {rows[0].n_enrolled}; {rows[-1].n_at_risk} left on day {rows[-1].day:g}",
            transform=ax.transAxes,
            ha="left",
            va="bottom",
            fontsize=7,
            color="#444444",
        )


def _new_axes(result: VolumeByDay) -> Axes:
    """Axes in a figure of their own, with room for the strip below and its names at the left."""
    below = 0.75 + _STRIP_LINE * len(result.arms)
    left = max(0.75, 0.50 + 0.068 * max(len(_strip_name(result, arm)) for arm in result.arms))
    width, height = left + 5.6, 4.1 + below
    figure = new_figure(width=width, height=height)
    return figure.add_axes((left / width, below / height, 5.45 / width, 3.5 / height))


def _key(result: VolumeByDay) -> str:
    """What the marks mean, as far as they occur."""
    parts = ["arithmetic mean ± SEM; thin lines: animals"]
    if any(row.n_at_risk * 2 < row.n_enrolled for row in result.rows):
        parts.append("hollow: fewer than half remain")
    if any(state != "measured" for curve in result.curves for state in curve.states):
        parts.append("▽: tumor gone or too small")
    return "; ".join(parts)


def _styles(result: VolumeByDay) -> dict[str, SeriesStyle]:
    """Style of each arm."""
    treated = [arm for arm in result.arms if arm != result.control]
    styles = {arm: series_style(index) for index, arm in enumerate(treated)}
    styles[result.control] = series_style(0, is_control=True)
    return styles


def _limits(result: VolumeByDay, scale: Scale) -> tuple[float, float]:
    """Ends of the volume axis; a log axis ends at half of the smallest positive volume."""
    volumes = [volume for curve in result.curves for volume in curve.volumes]
    highest = max(volumes, default=1.0) or 1.0
    if scale == "linear":
        return 0.0, 1.06 * highest
    return min((v for v in volumes if v > 0), default=highest) / 2, 1.35 * highest


def _draw_animals(
    ax: Axes, result: VolumeByDay, arm: str, color: str, *, scale: Scale, floor: float
) -> None:
    """Thin lines of an arm's animals; triangles where nothing could be measured any more."""
    for curve in result.curves:
        if curve.arm == arm:
            heights = [_height(volume, scale=scale, floor=floor) for volume in curve.volumes]
            ax.plot(curve.days, heights, color=color, linewidth=0.6, alpha=0.45, zorder=2)
            _draw_small(ax, curve, heights, color)


def _draw_small(ax: Axes, curve: AnimalCurve, heights: list[float], color: str) -> None:
    """Open triangles for readings that are no measured volume."""
    small = [i for i, state in enumerate(curve.states) if state != "measured"]
    if not small:
        return
    ax.plot(
        [curve.days[i] for i in small],
        [heights[i] for i in small],
        linestyle="none",
        marker="v",
        markersize=4,
        markerfacecolor="none",
        markeredgecolor=color,
        zorder=3,
    )


def _height(volume: float, *, scale: Scale, floor: float) -> float:
    """Where a volume is drawn; a log axis has no zero."""
    return max(volume, floor) if scale == "log" else volume


def _draw_mean(
    ax: Axes,
    rows: tuple[ArmDay, ...],
    style: SeriesStyle,
    *,
    scale: Scale,
    floor: float,
    size: float = 4.5,
) -> None:
    """The mean with its SEM; hollow and thin once fewer than half of the arm remain."""
    drawn = [row for row in rows if row.mean_volume_mm3 is not None and not row.few_measured]
    full = [row for row in drawn if row.n_at_risk * 2 >= row.n_enrolled]
    # The thin part begins at the last full day, so that the line does not break.
    thin = [*full[-1:], *(row for row in drawn if row.n_at_risk * 2 < row.n_enrolled)]
    for part, hollow in ((full, False), (thin, True)):
        # Each empty line or bar would still cost its time in drawing.
        if not part:
            continue
        ax.plot(
            [row.day for row in part],
            [_height(row.mean_volume_mm3 or 0.0, scale=scale, floor=floor) for row in part],
            color=style.color,
            linestyle=":" if hollow else style.line,
            linewidth=1.0 if hollow else 0.9 + 0.2 * size,
            zorder=4,
        )
    for part, hollow in ((full, False), ([row for row in drawn if row not in full], True)):
        if not part:
            continue
        means = [row.mean_volume_mm3 or 0.0 for row in part]
        sems = [row.sem_volume_mm3 or 0.0 for row in part]
        middles = [_height(mean, scale=scale, floor=floor) for mean in means]
        lowers = [
            _height(mean - sem, scale=scale, floor=floor)
            for mean, sem in zip(means, sems, strict=True)
        ]
        ax.errorbar(
            [row.day for row in part],
            middles,
            yerr=[
                [middle - lower for middle, lower in zip(middles, lowers, strict=True)],
                [
                    max(mean + sem - middle, 0.0)
                    for mean, sem, middle in zip(means, sems, middles, strict=True)
                ],
            ],
            color=style.color,
            marker=style.marker,
            markersize=size,
            markerfacecolor="white" if hollow else style.color,
            elinewidth=0.9,
            capsize=0.45 * size,
            linestyle="none",
            zorder=5,
        )


def _dress(ax: Axes, *, scale: Scale, limits: tuple[float, float], small: bool = False) -> None:
    """Scale, ticks and labels; a small panel has no ticks between those with a number."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    if scale == "log":
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(_plain_number))
        ax.yaxis.set_minor_formatter(NullFormatter())
        if small:
            ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(limits)
    ax.set_xlabel(axis_label("time", "day"))
    ax.set_ylabel(axis_label("volume", "mm³"))


def _plain_number(value: float, _position: int | None = None) -> str:
    """A tick as people write it."""
    return f"{value:g}"


def _draw_risk_strip(ax: Axes, result: VolumeByDay, styles: dict[str, SeriesStyle]) -> None:
    """The key to the arms, and how many animals of each are followed on a choice of days."""
    from matplotlib.lines import Line2D

    days = sorted({row.day for row in result.rows})
    shown = days[:: math.ceil(len(days) / _MOST_RISK_DAYS)]
    below = ax.get_xaxis_transform()
    box = ax.get_position()
    figure = _figure_of(ax)
    height, width = figure.get_figheight() * box.height, figure.get_figwidth() * box.width
    top = -0.55 / height
    _say(ax, -0.46 / width, top, "animals followed", align="right", transform=ax.transAxes)
    for place, arm in enumerate(result.arms, start=1):
        y = top - place * _STRIP_LINE / height
        name = _strip_name(result, arm)
        _say(ax, -0.46 / width, y, name, align="right", transform=ax.transAxes)
        ax.add_artist(
            Line2D(
                [-0.40 / width, -0.26 / width, -0.12 / width],
                [y, y, y],
                transform=ax.transAxes,
                clip_on=False,
                color=styles[arm].color,
                linestyle=styles[arm].line,
                marker=styles[arm].marker,
                markevery=[1],
                markersize=4.5,
            )
        )
        for day in shown:
            followed = str(result.n_at_risk(arm, day))
            _say(ax, day, y, followed, align="center", transform=below)


def _say(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    *,
    align: Literal["right", "center"],
    transform: Transform,
) -> None:
    """One entry of the strip."""
    ax.text(
        x,
        y,
        words,
        ha=align,
        va="center",
        fontsize=7.5,
        color=TEXT_COLOR,
        transform=transform,
    )


def _strip_name(result: VolumeByDay, arm: str) -> str:
    """Name of an arm and its number of animals."""
    return f"{_shortened(arm)} (n = {sum(curve.arm == arm for curve in result.curves)})"


def _shortened(name: str) -> str:
    """A name that fits beside the strip or above a panel."""
    name = spelled_out(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _figure_of(ax: Axes) -> Figure:
    """The figure that an axes belongs to."""
    figure = ax.get_figure(root=True)
    if figure is None:
        expected = "axes that belong to a figure"
        raise InputError(expected)
    return figure
