"""Pictures of fitted growth models; they draw what a result holds and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

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
from oncovivo.growth.compare import GrowthComparison, RateContrast
from oncovivo.growth.curves import ArmCurve, GroupCurves
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_contrasts", "plot_growth_model"]

# More bands than this in one panel cover each other.
MOST_ARMS_IN_A_PANEL: Final = 4
_PANEL_COLUMNS: Final = 4
_MOST_RISK_DAYS: Final = 12
_MOST_PANEL_RISK_DAYS: Final = 5
_LONGEST_NAME: Final = 32
# Inches: a line of the strip below the plot, a character of its names, a row of the forest.
_STRIP_LINE: Final = 0.19
_CHARACTER: Final = 0.068
_FOREST_ROW: Final = 0.27
_SMALL: Final = 7.5


def plot_growth_model(
    curves: GroupCurves, *, control: str | None = None, simulated: bool = False
) -> Figure:
    """Animals as thin lines, fitted group curves with their bands, who is still measured below.

    Up to four arms share a panel; more get one each, with the control's curve in grey. A reading
    below the limit is an open triangle at the limit; a cross is the last reading of an animal that
    left before the last day of the study.

    Parameters
    ----------
    curves : GroupCurves
        From :func:`group_curves`.
    control : str, optional
        Control arm, drawn in black.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If the control is no arm.
    """
    if control is not None:
        curves.of_arm(control)
    with themed():
        if len(curves.arms) > MOST_ARMS_IN_A_PANEL:
            figure = _draw_panels(curves, control)
        else:
            figure = _draw_together(curves, control)
        if simulated:
            mark_simulated(figure)
    return figure


def plot_contrasts(
    comparison: GrowthComparison,
    *,
    n_animals: Mapping[str, int] | None = None,
    simulated: bool = False,
) -> Figure:
    """Differences of growth rates with their intervals, a row for each contrast.

    The thick bar is the interval of the contrast alone, the thin one holds together with the
    others.

    Parameters
    ----------
    comparison : GrowthComparison
        From :func:`compare`.
    n_animals : mapping of str to int, optional
        Animals by arm, to be named beside the arms.
    simulated : bool
        Whether the data are simulated, which the figure then says.
    """
    contrasts = comparison.contrasts
    names = [_contrast_name(found, comparison, n_animals) for found in contrasts]
    left = 0.25 + _CHARACTER * max(max(len(name) for name in names), 8)
    right = 2.35
    height = 1.25 + _FOREST_ROW * len(contrasts)
    width = left + 3.4 + right
    with themed():
        figure = new_figure(width=width, height=height)
        ax = figure.add_axes(
            (left / width, 0.55 / height, 3.4 / width, _FOREST_ROW * len(contrasts) / height)
        )
        for place, (found, name) in enumerate(zip(contrasts, names, strict=True)):
            _draw_contrast(ax, found, name, place, ends=(3.4, right))
        _dress_forest(ax, comparison)
        adjusted = comparison.family.adjustment != "none"
        head = {"transform": ax.transAxes, "fontsize": _SMALL, "va": "bottom"}
        row = _FOREST_ROW * len(contrasts)
        above = 1 + 0.06 / row
        ax.text(1 + 0.15 / 3.4, above, _estimate_head(comparison), **head)
        ax.text(1 + 1.65 / 3.4, above, "adjusted p" if adjusted else "p", **head)
        title = f"{comparison.study_id}: growth rate less that of "
        title += comparison.control if comparison.family.adjustment != "tukey" else "another arm"
        figure.text(0.1 / width, 1 - 0.12 / height, spelled_out(title), fontsize=9.5, va="top")
        figure.text(
            0.1 / width, 1 - 0.33 / height, _forest_key(comparison), fontsize=_SMALL, va="top"
        )
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_together(curves: GroupCurves, control: str | None) -> Figure:
    """All arms in one panel, with the strip below and its names at the left."""
    names = [_strip_name(curve) for curve in curves.arms]
    below = 0.75 + _STRIP_LINE * len(curves.arms)
    left = max(0.85, 0.50 + _CHARACTER * max(len(name) for name in (*names, "still measured")))
    width, height = left + 5.6, 4.1 + below
    figure = new_figure(width=width, height=height)
    ax = figure.add_axes((left / width, below / height, 5.45 / width, 3.5 / height))
    styles = _styles(curves, control)
    for curve in curves.arms:
        _draw_animals(ax, curves, curve.arm, styles[curve.arm].color)
    for curve in curves.arms:
        _draw_curve(ax, curve, styles[curve.arm])
    _dress(ax, curves)
    ax.set_title(spelled_out(curves.study_id), loc="left", pad=18)
    ax.text(0, 1.0, _key(curves), transform=ax.transAxes, fontsize=_SMALL, va="bottom")
    _draw_strip(ax, curves, styles, names)
    return figure


def _draw_panels(curves: GroupCurves, control: str | None) -> Figure:
    """A panel for each arm, the control's curve in grey behind the others."""
    n_columns = _PANEL_COLUMNS
    n_rows = math.ceil(len(curves.arms) / n_columns)
    width, height = 2.1 * n_columns + 0.85, 2.05 * n_rows + 1.1
    figure = new_figure(width=width, height=height)
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    for index, ax in enumerate(panels.flat):
        if index >= len(curves.arms):
            ax.set_axis_off()
            continue
        curve = curves.arms[index]
        is_control = curve.arm == control
        if control is not None and not is_control:
            grey = SeriesStyle(color=GREY, line="--", marker="")
            _draw_curve(ax, curves.of_arm(control), grey, band=False, size=0.0)
        style = series_style(0, is_control=is_control)
        _draw_animals(ax, curves, curve.arm, style.color)
        _draw_curve(ax, curve, style, size=2.6)
        _dress(ax, curves, small=True)
        ax.set_title(_shortened(curve.arm), fontsize=8, loc="left", pad=14)
        ax.text(0, 1.02, _left_words(curve), transform=ax.transAxes, fontsize=7, color="#444444")
        if index % n_columns:
            ax.set_ylabel("")
        lowest = index + n_columns >= len(curves.arms)
        ax.set_xlabel(axis_label("time", "day") if lowest else "")
        ax.tick_params(labelbottom=lowest)
    grey_words = "" if control is None else f"; grey: {control}"
    for words, down, size in (
        (curves.study_id, 0.12, 9.5),
        (_key(curves) + grey_words, 0.34, _SMALL),
    ):
        figure.text(0.1 / width, 1 - down / height, spelled_out(words), fontsize=size, va="top")
    figure.subplots_adjust(
        left=0.75 / width,
        right=1 - 0.15 / width,
        bottom=0.45 / height,
        top=1 - 0.98 / height,
        wspace=0.08,
        hspace=0.42,
    )
    return figure


def _draw_animals(ax: Axes, curves: GroupCurves, arm: str, color: str) -> None:
    """Thin lines of an arm's animals, triangles at the limit, crosses where one left."""
    gone: list[tuple[float, float]] = []
    low: list[tuple[float, float]] = []
    for track in curves.animals:
        if track.arm != arm:
            continue
        ax.plot(track.days, track.sizes, color=color, linewidth=0.6, alpha=0.45, zorder=2)
        readings = list(zip(track.days, track.sizes, track.below_limit, strict=True))
        low.extend((day, size) for day, size, below in readings if below)
        if track.left_early and not track.below_limit[-1]:
            gone.append((track.days[-1], track.sizes[-1]))
    for places, marker, size in ((low, "v", 4.0), (gone, "x", 3.6)):
        if places:
            ax.plot(
                [day for day, _ in places],
                [height for _, height in places],
                linestyle="none",
                marker=marker,
                markersize=size,
                markeredgewidth=0.9,
                markerfacecolor="none",
                markeredgecolor=color,
                zorder=3,
            )


def _draw_curve(
    ax: Axes, curve: ArmCurve, style: SeriesStyle, *, band: bool = True, size: float = 4.5
) -> None:
    """A fitted curve with its band; markers, thinly spread, tell arms apart without color."""
    if not curve.points:
        return
    days = [point.day for point in curve.points]
    if band:
        ax.fill_between(
            days,
            [point.lower for point in curve.points],
            [point.upper for point in curve.points],
            color=style.color,
            alpha=0.16,
            linewidth=0,
            zorder=3.5,
        )
    ax.plot(
        days,
        [point.mean for point in curve.points],
        color=style.color,
        linestyle=style.line,
        linewidth=1.1 + 0.18 * size,
        marker=style.marker,
        markevery=(len(days) // 12, max(len(days) // 5, 1)),
        markersize=size,
        zorder=4,
    )


def _dress(ax: Axes, curves: GroupCurves, *, small: bool = False) -> None:
    """Log scale, ticks and labels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    ax.set_yscale("log")
    sizes = [size for track in curves.animals for size in track.sizes]
    low, high = 0.8 * min(sizes), 1.25 * max(sizes)
    wide = high / low > 2000
    ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(_plain_number))
    ax.yaxis.set_minor_formatter(NullFormatter())
    if small:
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(low, high)
    ax.set_xlabel(axis_label("time", "day"))
    what, unit = ("area", "mm²") if curves.measure == "area_mm2" else ("volume", "mm³")
    ax.set_ylabel(f"{what} / baseline" if curves.relative else axis_label(what, unit))


def _plain_number(value: float, _position: int | None = None) -> str:
    """A tick as people write it."""
    return f"{value:g}"


def _key(curves: GroupCurves) -> str:
    """What the marks mean, as far as they occur."""
    parts = [
        f"fitted geometric mean with {100 * curves.level:g} % band, each day alone; "
        "thin lines: animals"
    ]
    if any(any(track.below_limit) for track in curves.animals):
        parts.append("▽: below the limit")
    if any(track.left_early and not track.below_limit[-1] for track in curves.animals):
        parts.append("×: left before the last day")
    return "; ".join(parts)


def _styles(curves: GroupCurves, control: str | None) -> dict[str, SeriesStyle]:
    """Style of each arm."""
    treated = [curve.arm for curve in curves.arms if curve.arm != control]
    styles = {arm: series_style(index) for index, arm in enumerate(treated)}
    if control is not None:
        styles[control] = series_style(0, is_control=True)
    return styles


def _draw_strip(
    ax: Axes, curves: GroupCurves, styles: Mapping[str, SeriesStyle], names: Sequence[str]
) -> None:
    """The key to the arms, and how many animals of each are still measured."""
    from matplotlib.lines import Line2D

    days = sorted({day for curve in curves.arms for day, _ in curve.at_risk})
    shown = _spread(days, _MOST_RISK_DAYS)
    below = ax.get_xaxis_transform()
    figure = ax.figure
    box = ax.get_position()
    height = figure.get_figheight() * box.height
    width = figure.get_figwidth() * box.width
    top = -0.55 / height
    text = {"fontsize": _SMALL, "va": "center", "color": TEXT_COLOR}
    ax.text(-0.46 / width, top, "still measured", ha="right", transform=ax.transAxes, **text)
    for place, (curve, name) in enumerate(zip(curves.arms, names, strict=True), start=1):
        y = top - place * _STRIP_LINE / height
        style = styles[curve.arm]
        ax.text(-0.46 / width, y, name, ha="right", transform=ax.transAxes, **text)
        ax.add_artist(
            Line2D(
                [-0.40 / width, -0.26 / width, -0.12 / width],
                [y, y, y],
                transform=ax.transAxes,
                clip_on=False,
                color=style.color,
                linestyle=style.line,
                marker=style.marker,
                markevery=[1],
                markersize=4.5,
            )
        )
        for day in shown:
            ax.text(day, y, str(curve.n_at_risk(day)), ha="center", transform=below, **text)


def _spread(days: Sequence[float], most: int) -> list[float]:
    """Days that stand far enough apart to be written beside each other."""
    gap = (days[-1] - days[0]) / most
    shown: list[float] = []
    for day in days:
        if not shown or day - shown[-1] >= gap:
            shown.append(day)
    return shown


def _strip_name(curve: ArmCurve) -> str:
    """Name of an arm and its number of animals."""
    return f"{_shortened(curve.arm)} (n = {curve.n_animals})"


def _left_words(curve: ArmCurve) -> str:
    """Animals of a panel, and how many were measured to the end."""
    days = [(day, count) for day, count in curve.at_risk if count]
    if not days:
        return f"n = {curve.n_animals}"
    return f"n = {curve.n_animals}; {days[-1][1]} left on day {days[-1][0]:g}"


def _shortened(name: str) -> str:
    """A name that fits beside the strip or above a panel."""
    name = spelled_out(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _contrast_name(
    found: RateContrast, comparison: GrowthComparison, n_animals: Mapping[str, int] | None
) -> str:
    """What a row compares, with the animals of both arms where they are known."""
    name = _shortened(found.arm)
    if comparison.family.adjustment == "tukey":
        name = f"{name} – {_shortened(found.versus)}"
    if n_animals is None:
        return name
    counts = [n_animals.get(arm) for arm in (found.arm, found.versus)]
    words = " vs ".join("?" if count is None else str(count) for count in counts)
    return f"{name} (n = {words})"


def _draw_contrast(
    ax: Axes, found: RateContrast, name: str, place: int, *, ends: tuple[float, float]
) -> None:
    """A row: both intervals, the estimate, and the numbers at the right."""
    width, _ = ends
    row = ax.get_yaxis_transform()
    text = {"fontsize": _SMALL, "va": "center", "transform": row, "color": TEXT_COLOR}
    ax.text(-0.1 / width, place, name, ha="right", **text)
    color = series_style(0).color
    if found.estimate is None:
        ax.text(1 + 0.15 / width, place, "not estimable", **text)
        return
    if found.lower_simultaneous is not None and found.upper_simultaneous is not None:
        ax.plot(
            [found.lower_simultaneous, found.upper_simultaneous],
            [place, place],
            color=color,
            linewidth=0.9,
            marker="|",
            markersize=5,
            solid_capstyle="butt",
        )
    words = f"{found.estimate:+.4f}"
    if found.lower is not None and found.upper is not None:
        ax.plot(
            [found.lower, found.upper],
            [place, place],
            color=color,
            linewidth=3.0,
            solid_capstyle="butt",
        )
        words += f" ({found.lower:+.4f}, {found.upper:+.4f})"
    ax.plot(
        [found.estimate],
        [place],
        marker="D",
        markersize=5,
        color=color,
        markeredgecolor="white",
        linestyle="none",
    )
    ax.text(1 + 0.15 / width, place, words, **text)
    p_value = found.p_value if found.p_adjusted is None else found.p_adjusted
    if p_value is not None:
        ax.text(1 + 1.65 / width, place, _p_words(p_value), **text)


def _p_words(p_value: float) -> str:
    """A p value as people write it."""
    if p_value < 1e-4:
        return "< 0.0001"
    return f"{p_value:.4f}" if p_value < 0.1 else f"{p_value:.2f}"


def _dress_forest(ax: Axes, comparison: GrowthComparison) -> None:
    """Zero line, order from the top, labels."""
    ax.axvline(0.0, color=TEXT_COLOR, linewidth=0.9, linestyle="--", zorder=1)
    ax.set_ylim(len(comparison.contrasts) - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=6)
    ax.margins(x=0.06)
    ax.set_xlabel("difference of rates (natural log per day)")


def _estimate_head(comparison: GrowthComparison) -> str:
    return f"difference ({100 * comparison.level:g} % CI)"


def _forest_key(comparison: GrowthComparison) -> str:
    """What the bars are, and how p values were made."""
    percent = f"{100 * comparison.level:g} %"
    words = f"thick: {percent} interval of each alone"
    if comparison.family.adjustment == "none":
        return f"{words}; not adjusted for {comparison.family.size} contrasts"
    named = {"dunnett": "Dunnett", "holm": "Holm", "tukey": "Tukey"}
    return f"{words}; thin: all hold together; p: {named[comparison.family.adjustment]}"
