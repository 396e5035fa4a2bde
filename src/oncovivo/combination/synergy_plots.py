"""Pictures of combinations; they draw what results hold and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.combination.bands import IndexBand
from oncovivo.combination.foreseen import ForeseenCurve, ObservedExpected
from oncovivo.combination.plot_frame import (
    CHARACTER,
    KEY_SIZE,
    MOST_FACTOR,
    heads,
    index_ticks,
    say,
    write_heads,
)
from oncovivo.combination.plot_words import (
    NULL_WORDS,
    animals_words,
    index_words,
    limits_words,
    p_words,
    role_words,
    shortened,
)
from oncovivo.combination.result import SynergyResult
from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    GREY,
    PALETTE,
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

    from oncovivo.growth.curves import ArmCurve

__all__ = ["plot_index_band", "plot_observed_expected"]

# Observed is vermilion and full, foreseen blue and dashed; partners have the other colors.
_OBSERVED: Final = SeriesStyle(color=PALETTE[1], line="-", marker="D")
_FORESEEN: Final = SeriesStyle(color=PALETTE[0], line="--", marker="")
_PARTNERS: Final = (
    SeriesStyle(color=PALETTE[2], line="-.", marker="s"),
    SeriesStyle(color=PALETTE[3], line=":", marker="^"),
    SeriesStyle(color=PALETTE[4], line="-.", marker="v"),
)
# Inches: a panel, and what lies around it.
_PANEL: Final = (2.75, 2.7)
_GAP: Final = 0.18
_STRIP_LINE: Final = 0.19
_MOST_RISK_DAYS: Final = 7
# The axis shows at least this factor on both sides of 1.
_LEAST_FACTOR: Final = 1.5


def plot_observed_expected(
    found: ObservedExpected,
    *,
    results: Sequence[SynergyResult] = (),
    simulated: bool = False,
) -> Figure:
    """The combination's fitted curve against what each null model foresees, a panel for each.

    Thin lines are the animals of the combination. Numbers below the first panel are animals still
    measured.

    Parameters
    ----------
    found : ObservedExpected
        From :func:`oncovivo.combination.foreseen.observed_expected`.
    results : sequence of SynergyResult, optional
        Tests of the same combination, whose index on a day is named above the panel of its null
        model; the first of each null model counts.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If a result is of another combination.
    """
    for result in results:
        if result.arms.arms[: len(found.arms.partners) + 2] != found.arms.questions[0].arms:
            expected = f"results of {found.arms.combination} and its partners"
            raise InputError(expected, found=role_words(result.arms))
    with themed():
        figure = _draw_observed(found, results, simulated=simulated)
        if simulated:
            mark_simulated(figure)
    return figure


def _draw_observed(
    found: ObservedExpected, results: Sequence[SynergyResult], *, simulated: bool
) -> Figure:
    arms = found.arms
    own = (arms.control, *arms.partners, arms.combination)
    styles = {
        arms.control: series_style(0, is_control=True),
        **dict(zip(arms.partners, _PARTNERS, strict=False)),
        arms.combination: _OBSERVED,
    }
    curves = [found.curves.of_arm(name) for name in own]
    names = [f"{shortened(curve.arm)} (n = {curve.n_animals})" for curve in curves]
    left = max(0.85, 0.55 + CHARACTER * max(len(name) for name in (*names, "still measured")))
    count = len(found.foreseen)
    width = max(left + count * _PANEL[0] + (count - 1) * _GAP + 0.2, 5.6)
    lines, top = heads(
        width,
        f"{found.curves.study_id}: {role_words(arms)}",
        _observed_sentences(found),
        simulated=simulated,
    )
    top += 0.5
    below = 0.68 + _STRIP_LINE * (len(own) + 2)
    height = top + _PANEL[1] + below
    figure = new_figure(width=width, height=height)
    write_heads(figure, lines)
    limits = _size_limits(found, curves)
    for place, foreseen in enumerate(found.foreseen):
        ax = figure.add_axes(
            (
                (left + place * (_PANEL[0] + _GAP)) / width,
                below / height,
                _PANEL[0] / width,
                _PANEL[1] / height,
            )
        )
        _draw_panel(ax, found, foreseen, styles)
        _dress_sizes(ax, found, limits, first=place == 0)
        ax.set_title(NULL_WORDS[foreseen.null], loc="left", pad=16)
        words = _panel_words(foreseen, results)
        ax.text(0, 1.015, words, transform=ax.transAxes, fontsize=KEY_SIZE, va="bottom")
        if place == 0:
            _draw_strip(ax, curves, names, styles, last_day=found.last_day)
    return figure


def _observed_sentences(found: ObservedExpected) -> list[str]:
    percent = f"{100 * found.level:g} %"
    said = [
        f"full line: the combination as fitted (geometric mean); dashed: foreseen, from the "
        f"combination's own start; bands: {percent}, each day alone; thin: its animals; up to day "
        f"{found.last_day:g}, the last on which each arm was read"
    ]
    if any(
        any(track.below_limit) for track in found.curves.animals if track.arm in found.arms.arms
    ):
        said.append("▽: below the limit")
    return said


def _panel_words(foreseen: ForeseenCurve, results: Sequence[SynergyResult]) -> str:
    """The index on its day, or why no curve is foreseen."""
    if not foreseen.points:
        return "no curve: a rate is only bounded"
    for result in results:
        if result.null == foreseen.null and result.index is not None:
            limits = limits_words(result.index_lower, result.index_upper) or "no limits"
            return f"index {index_words(result.index)} ({limits}), day {result.day or 0:g}"
    if any(point.mean is None for point in foreseen.points):
        first = next(point.day for point in foreseen.points if point.mean is None)
        return f"nothing above zero is foreseen from day {first:.3g} on"
    return ""


def _draw_panel(
    ax: Axes,
    found: ObservedExpected,
    foreseen: ForeseenCurve,
    styles: Mapping[str, SeriesStyle],
) -> None:
    """Animals, fitted curves, the combination with its band, what is foreseen with its band."""
    low: list[tuple[float, float]] = []
    for track in found.curves.animals:
        if track.arm != found.arms.combination:
            continue
        ax.plot(track.days, track.sizes, color=_OBSERVED.color, linewidth=0.6, alpha=0.4, zorder=2)
        low += [
            (day, size)
            for day, size, below in zip(track.days, track.sizes, track.below_limit, strict=True)
            if below
        ]
    if low:
        ax.plot(
            [day for day, _ in low],
            [size for _, size in low],
            linestyle="none",
            marker="v",
            markersize=4,
            markerfacecolor="none",
            markeredgecolor=_OBSERVED.color,
            zorder=3,
        )
    for name, style in styles.items():
        points = found.curves.of_arm(name).points
        is_observed = name == found.arms.combination
        days = [point.day for point in points]
        if is_observed and points:
            ax.fill_between(
                days,
                [point.lower for point in points],
                [point.upper for point in points],
                color=style.color,
                alpha=0.2,
                linewidth=0,
                zorder=3.2,
            )
        ax.plot(
            days,
            [point.mean for point in points],
            color=style.color,
            linestyle=style.line,
            linewidth=2.2 if is_observed else 1.1,
            zorder=4.5 if is_observed else 3.6,
        )
    kept = [point for point in foreseen.points if point.upper is not None]
    floor = 1e-300
    if kept:
        ax.fill_between(
            [point.day for point in kept],
            [point.lower or floor for point in kept],
            [point.upper or floor for point in kept],
            color=_FORESEEN.color,
            alpha=0.18,
            linewidth=0,
            zorder=3.1,
        )
    ax.plot(
        [point.day for point in foreseen.points],
        [math.nan if point.mean is None else point.mean for point in foreseen.points],
        color=_FORESEEN.color,
        linestyle=(0, (4, 1.6)),
        linewidth=2.0,
        zorder=4.4,
    )


def _size_limits(found: ObservedExpected, curves: Sequence[ArmCurve]) -> tuple[float, float]:
    """Limits of the log axis: animals of the combination, and curves up to the common day."""
    sizes = [
        size
        for track in found.curves.animals
        if track.arm == found.arms.combination
        for day, size in zip(track.days, track.sizes, strict=True)
        if day <= found.last_day
    ]
    sizes += [
        point.mean for curve in curves for point in curve.points if point.day <= found.last_day
    ]
    return 0.7 * min(sizes), 1.4 * max(sizes)


def _dress_sizes(
    ax: Axes, found: ObservedExpected, limits: tuple[float, float], *, first: bool
) -> None:
    """Log scale, ticks and labels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    ax.set_yscale("log")
    wide = limits[1] / limits[0] > 500
    ax.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylim(*limits)
    start = min(point.day for curve in found.curves.arms for point in curve.points)
    room = 0.02 * (found.last_day - start)
    ax.set_xlim(start - room, found.last_day + room)
    ax.set_xlabel(axis_label("time", "day"))
    if first:
        area = found.curves.measure == "area_mm2"
        what, unit = ("area", "mm²") if area else ("volume", "mm³")
        ax.set_ylabel(f"{what} / baseline" if found.curves.relative else axis_label(what, unit))
    else:
        ax.tick_params(labelleft=False)


def _draw_strip(
    ax: Axes,
    curves: Sequence[ArmCurve],
    names: Sequence[str],
    styles: Mapping[str, SeriesStyle],
    *,
    last_day: float,
) -> None:
    """The key to the arms, and how many animals of each are still measured."""
    from matplotlib.lines import Line2D

    days = sorted({day for curve in curves for day, _ in curve.at_risk if day <= last_day})
    gap = (days[-1] - days[0]) / _MOST_RISK_DAYS
    shown: list[float] = []
    for day in days:
        if not shown or day - shown[-1] >= gap:
            shown.append(day)
    width, height = _PANEL
    down = -0.6 / height
    say(ax, -0.5 / width, down, "still measured", align="right", transform=ax.transAxes)
    rows = [*zip(names, [styles[curve.arm] for curve in curves], curves, strict=True)]
    for place, (name, style, curve) in enumerate(rows, start=1):
        y = down - place * _STRIP_LINE / height
        say(ax, -0.5 / width, y, name, align="right", transform=ax.transAxes)
        _key_line(ax, y, style, wide=curve is curves[-1])
        for day in shown:
            say(
                ax,
                day,
                y,
                str(curve.n_at_risk(day)),
                align="center",
                transform=ax.get_xaxis_transform(),
            )
    y = down - (len(rows) + 1) * _STRIP_LINE / height
    say(ax, -0.5 / width, y, "foreseen", align="right", transform=ax.transAxes)
    ax.add_artist(
        Line2D(
            [-0.44 / width, -0.12 / width],
            [y, y],
            transform=ax.transAxes,
            clip_on=False,
            color=_FORESEEN.color,
            linestyle=(0, (4, 1.6)),
            linewidth=2.0,
        )
    )


def _key_line(ax: Axes, y: float, style: SeriesStyle, *, wide: bool) -> None:
    """A sample of a line beside its name."""
    from matplotlib.lines import Line2D

    ax.add_artist(
        Line2D(
            [-0.44 / _PANEL[0], -0.12 / _PANEL[0]],
            [y, y],
            transform=ax.transAxes,
            clip_on=False,
            color=style.color,
            linestyle=style.line,
            linewidth=2.2 if wide else 1.1,
        )
    )


def plot_index_band(
    band: IndexBand,
    *,
    detectable: Sequence[SynergyResult] = (),
    n_animals: Mapping[str, int] | None = None,
    simulated: bool = False,
) -> Figure:
    """Observed over foreseen size by day, with the band that holds on all days together.

    Parameters
    ----------
    band : IndexBand
        From :func:`oncovivo.combination.bands.index_band`.
    detectable : sequence of SynergyResult, optional
        Results of the same null model, one or one for each of several days, whose detectable
        index is drawn.
    n_animals : mapping of str to int, optional
        Animals by arm, to be named.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If a result is of another null model or combination.
    """
    for result in detectable:
        if (result.null, result.arms) != (band.null, band.arms):
            expected = f"results of {NULL_WORDS[band.null]} for {band.arms.combination}"
            found = f"{NULL_WORDS[result.null]} for {result.arms.combination}"
            raise InputError(expected, found=found)
    width = 5.6
    with themed():
        lines, top = heads(
            width,
            role_words(band.arms),
            _band_sentences(band, detectable, n_animals),
            simulated=simulated,
        )
        height = top + 3.3
        figure = new_figure(width=width, height=height)
        write_heads(figure, lines)
        ax = figure.add_axes((0.75 / width, 0.55 / height, 4.0 / width, 2.65 / height))
        _draw_band(ax, band, detectable)
        if simulated:
            mark_simulated(figure)
    return figure


def _band_sentences(
    band: IndexBand,
    detectable: Sequence[SynergyResult],
    n_animals: Mapping[str, int] | None,
) -> list[str]:
    """Null, scale, what the band holds over, its test, animals."""
    said = [f"{NULL_WORDS[band.null]} on the relative size; index: observed over foreseen"]
    if band.days:
        days = f"{len(band.days)} days, {band.days[0].day:g} to {band.days[-1].day:g}"
        words = f"band: {100 * band.level:g} %, together over {days}"
        if band.one_question:
            words += " (straight log curves: one question)"
        said.append(words)
    if band.p_value is not None:
        claim = "synergy" if band.null == "hsa" else "interaction"
        df = "∞" if band.df is None or math.isinf(band.df) else f"{band.df:.3g}"
        words = f"no {claim} on any day: {p_words(band.p_value)} with {df} df"
        said.append(f"{words}; verdict: {band.verdict.replace('_', ' ')}")
    without = [day.day for day in band.days if day.index is None]
    if without:
        said.append(f"from day {without[0]:g} on nothing above zero is foreseen: no index")
    if any(result.detectable_index is not None for result in detectable):
        said.append("▼: largest index that this study finds with 80 % power, a day alone")
    if n_animals is not None:
        own = (band.arms.control, *band.arms.partners, band.arms.combination)
        said.append(animals_words(n_animals, own))
    return said


def _draw_band(ax: Axes, band: IndexBand, detectable: Sequence[SynergyResult]) -> None:
    """Band, index, the line of no interaction, the detectable index."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    ax.set_xlabel(axis_label("time", "day"))
    ax.set_ylabel("index (observed / foreseen size)")
    if not band.days:
        ax.set_xticks([])
        ax.set_yticks([])
        words = f"no answer: {band.reason}"
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", fontsize=KEY_SIZE)
        return
    named = sorted(
        (result.day, result.detectable_index)
        for result in detectable
        if result.day is not None and result.detectable_index is not None
    )
    known = [
        value
        for day in band.days
        for value in (day.index, day.index_lower, day.index_upper)
        if value
    ]
    known += [value for _, value in named if value]
    low = max(min(*known, 1 / _LEAST_FACTOR), 1 / MOST_FACTOR) / 1.15
    high = min(max(*known, _LEAST_FACTOR), MOST_FACTOR) * 1.15
    days = [day.day for day in band.days]
    shown = [day for day in band.days if day.index_lower is not None or day.index is not None]
    ax.fill_between(
        [day.day for day in shown],
        [day.index_lower or low / 10 for day in shown],
        # A missing upper limit is none: the band is open above.
        [day.index_upper or high * 10 for day in shown],
        color=_FORESEEN.color,
        alpha=0.18,
        linewidth=0,
        zorder=2,
    )
    ax.plot(
        days,
        [math.nan if day.index is None else day.index for day in band.days],
        color=_FORESEEN.color,
        marker="o",
        markersize=3.4,
        zorder=4,
    )
    ax.axhline(1.0, color=TEXT_COLOR, linewidth=1.0, linestyle="--", zorder=3)
    for words, up in (("↑ antagonism", 7), ("↓ synergy", -7)):
        ax.annotate(
            words,
            (1.0, 1.0),
            xycoords=ax.get_yaxis_transform(),
            xytext=(4, up),
            textcoords="offset points",
            fontsize=KEY_SIZE,
            color=GREY,
            va="center",
        )
    if named:
        ax.plot(
            [day for day, _ in named],
            [value for _, value in named],
            color=PALETTE[1],
            linestyle=":",
            linewidth=1.4,
            marker="v",
            markersize=4.5,
            zorder=3.5,
        )
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    room = 0.03 * (days[-1] - days[0]) or 0.5
    ax.set_xlim(days[0] - room, days[-1] + room)
    ax.set_yticks(index_ticks(low, high))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())
