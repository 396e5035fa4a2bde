"""Pictures of fitted growth models; they draw what a result holds and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

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
from oncovivo.growth.curves import ArmCurve, CurvePoint, GroupCurves
from oncovivo.growth.diagnostics import RESIDUAL_QUANTILES, GrowthDiagnostics, Quantiles
from oncovivo.units import axis_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = ["plot_contrasts", "plot_growth_model", "plot_residuals"]

# More bands than this in one panel cover each other.
MOST_ARMS_IN_A_PANEL: Final = 4
# More arms than this are not told apart among dots.
MOST_COLORS: Final = 6
_MOST_NAMED: Final = 6
_PANEL_COLUMNS: Final = 4
_MOST_RISK_DAYS: Final = 12
_LONGEST_NAME: Final = 32
# Inches: a line of the strip below the plot, a character of its names, a row of the forest.
_STRIP_LINE: Final = 0.19
_CHARACTER: Final = 0.068
_FOREST_ROW: Final = 0.27
# The forest itself, and how far right of it the p values stand.
_FOREST_WIDTH: Final = 3.4
_P_COLUMN: Final = 1.8
_SMALL: Final = 7.5


def plot_growth_model(
    curves: GroupCurves, *, control: str | None = None, simulated: bool = False
) -> Figure:
    """Animals as thin lines, fitted group curves with their bands, who is still measured below.

    Up to four arms share a panel; more get one each, with the control's curve in grey. A reading
    below the limit is an open triangle at the limit; a cross is the last reading of an animal that
    was not measured to the end of the study. Curves are dotted once fewer than half of the arm are
    still measured, and cut where they leave the range of the readings.

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
    right = 2.6
    height = 1.25 + _FOREST_ROW * len(contrasts)
    width = left + _FOREST_WIDTH + right
    with themed():
        figure = new_figure(width=width, height=height)
        ax = figure.add_axes(
            (
                left / width,
                0.55 / height,
                _FOREST_WIDTH / width,
                _FOREST_ROW * len(contrasts) / height,
            )
        )
        for place, (found, name) in enumerate(zip(contrasts, names, strict=True)):
            _draw_contrast(ax, found, name, place)
        _dress_forest(ax, comparison)
        adjusted = comparison.family.adjustment != "none" and len(contrasts) > 1
        row = _FOREST_ROW * len(contrasts)
        above = 1 + 0.12 / row
        _say(
            ax, 1 + 0.15 / _FOREST_WIDTH, above, _estimate_head(comparison), transform=ax.transAxes
        )
        _say(
            ax,
            1 + _P_COLUMN / _FOREST_WIDTH,
            above,
            "adjusted p" if adjusted else "p",
            transform=ax.transAxes,
        )
        title = f"{comparison.study_id}: growth rate less that of "
        title += comparison.control if comparison.family.adjustment != "tukey" else "another arm"
        figure.text(0.1 / width, 1 - 0.12 / height, spelled_out(title), fontsize=9.5, va="top")
        figure.text(
            0.1 / width, 1 - 0.33 / height, _forest_key(comparison), fontsize=_SMALL, va="top"
        )
        if simulated:
            mark_simulated(figure)
    return figure


def plot_residuals(diagnostics: GrowthDiagnostics, *, simulated: bool = False) -> Figure:
    """Residuals by fitted value and by day, and quantiles of residuals and random effects.

    Up to six arms have a color and a marker each. Readings beyond 3.5 standard deviations of what
    the others predict are circled and named.

    Parameters
    ----------
    diagnostics : GrowthDiagnostics
        From :func:`diagnose`; a fit with censored readings has no standardized residuals to draw.
    simulated : bool
        Whether the data are simulated, which the figure then says.
    """
    known = diagnostics.residuals
    with themed():
        figure = new_figure(width=8.2, height=7.1)
        panels = figure.subplots(2, 2)
        by_fitted, by_day, residual, random = panels.flat
        _draw_residuals(by_fitted, diagnostics, known.fitted.tolist())
        by_fitted.set_xlabel("fitted log size" if known.fitted.max() > 0 else "fitted")
        _draw_residuals(by_day, diagnostics, known.day.tolist())
        by_day.set_xlabel(axis_label("time", "day"))
        first = [own for own in diagnostics.quantiles if own.name == RESIDUAL_QUANTILES]
        _draw_quantiles(residual, first, "standardized residual")
        _draw_quantiles(
            random,
            [own for own in diagnostics.quantiles if own not in first],
            "predicted random effect (its own SD)",
        )
        title = diagnostics.study_id
        if diagnostics.outliers:
            title += "; circled: more than 3.5 SD from what the other readings predict"
        figure.text(0.1 / 8.2, 1 - 0.12 / 7.1, spelled_out(title), va="top")
        handles, names = by_fitted.get_legend_handles_labels()
        if len(diagnostics.arms) <= MOST_COLORS:
            figure.legend(
                handles,
                names,
                loc="upper left",
                bbox_to_anchor=(0.0, 1 - 0.28 / 7.1),
                ncols=min(len(names), 3) or 1,
                fontsize=_SMALL,
            )
        else:
            words = f"{len(diagnostics.arms)} arms, drawn alike"
            figure.text(0.1 / 8.2, 1 - 0.4 / 7.1, words, fontsize=_SMALL, va="top")
        figure.subplots_adjust(
            left=0.08, right=0.985, bottom=0.07, top=0.865, wspace=0.22, hspace=0.28
        )
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_residuals(ax: Axes, diagnostics: GrowthDiagnostics, across: Sequence[float]) -> None:
    """Standardized residuals against something; outlying readings are named."""
    known = diagnostics.residuals
    ax.set_ylabel("standardized residual")
    if all(math.isnan(value) for value in known.standardized.tolist()):
        _draw_nothing(ax)
        return
    colored = len(diagnostics.arms) <= MOST_COLORS
    for number, name in enumerate(diagnostics.arms):
        rows = [row for row, arm in enumerate(known.arm.tolist()) if arm == number]
        style = series_style(number if colored else 0)
        ax.plot(
            [across[row] for row in rows],
            [float(known.standardized[row]) for row in rows],
            linestyle="none",
            marker=style.marker if colored else ".",
            markersize=3.2,
            markerfacecolor="none",
            markeredgecolor=style.color,
            markeredgewidth=0.7,
            label=_shortened(name),
        )
    ax.axhline(0.0, color=TEXT_COLOR, linewidth=0.8, linestyle="--")
    ax.margins(y=0.09)
    for place, outlier in enumerate(diagnostics.outliers[:_MOST_NAMED]):
        row = next(
            row
            for row, animal in enumerate(known.animal.tolist())
            if diagnostics.animal_ids[animal] == outlier.animal_id
            and known.day[row] == outlier.day
        )
        x, y = across[row], float(known.standardized[row])
        ax.plot([x], [y], "o", markersize=8, markerfacecolor="none", color=TEXT_COLOR)
        left = x > sum(ax.get_xlim()) / 2
        ax.annotate(
            _shortened(outlier.animal_id),
            (x, y),
            xytext=(-7 if left else 7, 5 if place % 2 else -8),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=7,
        )


def _draw_quantiles(ax: Axes, quantiles: Sequence[Quantiles], label: str) -> None:
    """Ordered values over normal quantiles, each kind in units of its own spread."""
    ax.set_xlabel("normal quantile")
    ax.set_ylabel(label)
    if not quantiles:
        _draw_nothing(ax)
        return
    reach = 0.0
    for number, own in enumerate(quantiles):
        style = series_style(number)
        p_value = "" if own.p_value is None else f", Shapiro-Wilk {_p_sentence(own.p_value)}"
        scale = 1.0 if own.name == RESIDUAL_QUANTILES else own.spread
        ax.plot(
            own.theoretical,
            [value / scale for value in own.observed],
            linestyle="none",
            marker=style.marker,
            markersize=3.2,
            markerfacecolor="none",
            markeredgecolor=style.color,
            label=f"{own.name}{p_value}",
        )
        reach = max(reach, -own.theoretical[0])
    ax.plot([-reach, reach], [-reach, reach], color=TEXT_COLOR, linewidth=0.8, linestyle="--")
    ax.legend(loc="upper left", fontsize=7, handletextpad=0.2, borderpad=0.1)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.18 * (high - low))


def _draw_nothing(ax: Axes) -> None:
    """Empty axes that say so."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(0.5, 0.5, "none in this fit", transform=ax.transAxes, ha="center", va="center")


def _p_sentence(p_value: float) -> str:
    words = _p_words(p_value)
    return f"p {words}" if words.startswith("<") else f"p = {words}"


def _draw_together(curves: GroupCurves, control: str | None) -> Figure:
    """All arms in one panel, with the strip below and its names at the left."""
    names = [_strip_name(curve) for curve in curves.arms]
    below = 0.75 + _STRIP_LINE * len(curves.arms)
    left = max(0.85, 0.50 + _CHARACTER * max(len(name) for name in (*names, "still measured")))
    width, height = left + 5.6, 4.25 + below
    figure = new_figure(width=width, height=height)
    ax = figure.add_axes((left / width, below / height, 5.45 / width, 3.5 / height))
    styles = _styles(curves, control)
    for curve in curves.arms:
        _draw_animals(ax, curves, curve.arm, styles[curve.arm].color)
    for curve in curves.arms:
        _draw_curve(ax, curve, styles[curve.arm])
    _dress(ax, curves)
    ax.set_title(spelled_out(curves.study_id), loc="left", pad=28)
    ax.text(0, 1.01, _key(curves), transform=ax.transAxes, fontsize=_SMALL, va="bottom")
    _draw_strip(ax, curves, styles, size=(5.45, 3.5))
    return figure


def _draw_panels(curves: GroupCurves, control: str | None) -> Figure:
    """A panel for each arm, the control's curve in grey behind the others."""
    n_columns = _PANEL_COLUMNS
    n_rows = math.ceil(len(curves.arms) / n_columns)
    width, height = 2.1 * n_columns + 0.85, 2.05 * n_rows + 1.25
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
    title = curves.study_id if control is None else f"{curves.study_id}; grey: {control}"
    for words, down, size in ((title, 0.12, 9.5), (_key(curves), 0.34, _SMALL)):
        figure.text(0.1 / width, 1 - down / height, spelled_out(words), fontsize=size, va="top")
    figure.subplots_adjust(
        left=0.75 / width,
        right=1 - 0.15 / width,
        bottom=0.45 / height,
        top=1 - 1.12 / height,
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
    if band:
        ax.fill_between(
            [point.day for point in curve.points],
            [point.lower for point in curve.points],
            [point.upper for point in curve.points],
            color=style.color,
            alpha=0.16,
            linewidth=0,
            zorder=3.5,
        )
    thin = _thin(curve)
    full = [point for point in curve.points if point not in thin]
    # The thin part begins at the last full point, so that the curve does not break.
    for part, dotted in ((full, False), ([*full[-1:], *thin] if thin else [], True)):
        if not part:
            continue
        ax.plot(
            [point.day for point in part],
            [point.mean for point in part],
            color=style.color,
            linestyle=":" if dotted else style.line,
            linewidth=1.0 if dotted else 1.1 + 0.18 * size,
            marker=style.marker,
            markevery=(len(part) // 12, max(len(part) // 5, 1)),
            markersize=size,
            markerfacecolor="white" if dotted else style.color,
            zorder=4,
        )


def _thin(curve: ArmCurve) -> list[CurvePoint]:
    """Points at which fewer than half of the arm are still measured."""
    return [point for point in curve.points if point.day > curve.half_day]


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
        parts.append(f"×: last reading, before day {curves.last_day:g}")
    if any(_thin(curve) for curve in curves.arms):
        parts.append("dotted: fewer than half still measured")
    return parts[0] + ("\n" + "; ".join(parts[1:]) if len(parts) > 1 else "")


def _styles(curves: GroupCurves, control: str | None) -> dict[str, SeriesStyle]:
    """Style of each arm."""
    treated = [curve.arm for curve in curves.arms if curve.arm != control]
    styles = {arm: series_style(index) for index, arm in enumerate(treated)}
    if control is not None:
        styles[control] = series_style(0, is_control=True)
    return styles


def _draw_strip(
    ax: Axes, curves: GroupCurves, styles: Mapping[str, SeriesStyle], *, size: tuple[float, float]
) -> None:
    """The key to the arms, and how many animals of each are still measured."""
    from matplotlib.lines import Line2D

    days = sorted({day for curve in curves.arms for day, _ in curve.at_risk})
    shown = _spread(days, _MOST_RISK_DAYS)
    below = ax.get_xaxis_transform()
    width, height = size
    top = -0.55 / height
    _say(ax, -0.46 / width, top, "still measured", align="right", transform=ax.transAxes)
    for place, curve in enumerate(curves.arms, start=1):
        y = top - place * _STRIP_LINE / height
        style = styles[curve.arm]
        _say(ax, -0.46 / width, y, _strip_name(curve), align="right", transform=ax.transAxes)
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
            _say(ax, day, y, str(curve.n_at_risk(day)), align="center", transform=below)


def _say(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    *,
    align: Literal["left", "right", "center"] = "left",
    transform: Transform,
) -> None:
    """A small text beside the axes."""
    ax.text(
        x,
        y,
        words,
        ha=align,
        va="center",
        fontsize=_SMALL,
        color=TEXT_COLOR,
        transform=transform,
    )


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


def _draw_contrast(ax: Axes, found: RateContrast, name: str, place: int) -> None:
    """A row: both intervals, the estimate, and the numbers at the right."""
    row = ax.get_yaxis_transform()
    _say(ax, -0.1 / _FOREST_WIDTH, place, name, align="right", transform=row)
    color = series_style(0).color
    if found.estimate is None:
        _say(ax, 1 + 0.15 / _FOREST_WIDTH, place, "not estimable", transform=row)
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
    words = _number(found.estimate)
    if found.lower is not None and found.upper is not None:
        ax.plot(
            [found.lower, found.upper],
            [place, place],
            color=color,
            linewidth=3.0,
            solid_capstyle="butt",
        )
        words += f" ({_number(found.lower)}, {_number(found.upper)})"
    ax.plot(
        [found.estimate],
        [place],
        marker="D",
        markersize=5,
        color=color,
        markeredgecolor="white",
        linestyle="none",
    )
    _say(ax, 1 + 0.15 / _FOREST_WIDTH, place, words, transform=row)
    p_value = found.p_value if found.p_adjusted is None else found.p_adjusted
    if p_value is not None:
        _say(ax, 1 + _P_COLUMN / _FOREST_WIDTH, place, _p_words(p_value), transform=row)


def _number(value: float) -> str:
    """A number with its sign, a minus as on the axis."""
    return f"{value:+.4f}".replace("-", "−")


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
    if len(comparison.contrasts) == 1:
        return f"{percent} interval"
    words = f"thick: {percent} interval of each alone"
    if comparison.family.adjustment == "none":
        return f"{words}; not adjusted for {comparison.family.size} contrasts"
    named = {"dunnett": "Dunnett", "holm": "Holm", "tukey": "Tukey"}
    return f"{words}; thin: all hold together; p: {named[comparison.family.adjustment]}"
