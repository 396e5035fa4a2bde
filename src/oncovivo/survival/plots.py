"""Kaplan-Meier curves by arm; drawn as results hold them, nothing is estimated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.figures.theme import (
    TEXT_COLOR,
    SeriesStyle,
)
from oncovivo.survival.curve_figure import BEHIND, CurvePicture, animals_of, time_text
from oncovivo.survival.curves import SurvivalCurve, survival_at, survival_quantile
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.plot_frame import (
    CENSOR_MARK,
    arm_styles,
    data_lines,
    leaving_marks,
    mark_handle,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_survival"]

FloatArray: TypeAlias = NDArray[np.float64]

_METHODS: Final = {
    "betaproduct": "beta product",
    "loglog": "log(-log)",
    "log": "log",
    "plain": "plain",
}


def plot_survival(
    curves: Mapping[str, SurvivalCurve],
    data: SurvivalData,
    *,
    control: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Kaplan-Meier curves with pointwise limits, who left why, medians and numbers at risk.

    Up to four arms share the axes; more get a panel each, with the control's curve in grey. A mark
    on a curve is an animal that left without the event: a tick where it was censored, a symbol for
    each competing event. The dotted drop line is the median.

    Parameters
    ----------
    curves : mapping of str to SurvivalCurve
        Curves by arm, in the order in which they are to be drawn.
    data : SurvivalData
        The animals of the curves.
    control : str, optional
        Control arm, drawn in black.
    simulated : bool
        Whether the data are simulated, which the figure then says.

    Raises
    ------
    InputError
        If there is no curve, the control has none, or a curve is not of the animals of its arm.
    """
    styles = arm_styles(list(curves), control)
    watched = {}
    for arm, curve in curves.items():
        here = animals_of(data, arm, curve.n)
        late = bool((data.entry[here] > 0).any())
        watched[arm] = data.time[here], data.entry[here] if late else None

    def draw(ax: Axes, arm: str, style: SeriesStyle) -> None:
        _draw_band(ax, curves[arm], style)
        _draw_steps(ax, curves[arm], style, width=2.0 if arm == control else 1.6)
        _draw_median(ax, curves[arm], style)
        _draw_leaving(ax, curves[arm], data, arm, style)

    def behind(ax: Axes, arm: str) -> None:
        _draw_steps(ax, curves[arm], BEHIND, width=1.2)

    level = f"{100 * next(iter(curves.values())).level:g} %"
    return CurvePicture(
        data=data,
        control=control,
        styles=styles,
        lines=[*data_lines(data), *_limits_lines(curves, data, level)],
        key=lambda: _survival_key(data, curves),
        paths={arm: _corners(curve) for arm, curve in curves.items()},
        drops={arm: survival_quantile(curve).estimate for arm, curve in curves.items()},
        medians={arm: _median_words(curve) for arm, curve in curves.items()},
        median_head=f"median ({level} limits)",
        counted="at risk",
        watched=watched,
        curve=draw,
        behind=behind,
    ).draw(simulated=simulated)


def _limits_lines(
    curves: Mapping[str, SurvivalCurve], data: SurvivalData, level: str
) -> list[str]:
    """What the bands are, and which curves mislead."""
    used = {curve.method for curve in curves.values()}
    methods = " or ".join(words for name, words in _METHODS.items() if name in used)
    lines = [f"bands: {level} limits of each time alone ({methods})"]
    if (data.entry > 0).any():
        lines.append("animals came under observation late: numbers at risk rise first")
    early = [shortened(arm) for arm, curve in curves.items() if curve.early_zero]
    if early:
        lines.append(f"0 before all animals had come under observation: {', '.join(early)}")
    return lines


def _survival_key(data: SurvivalData, curves: Mapping[str, SurvivalCurve]) -> list[Line2D]:
    """What the marks mean, as far as they occur."""
    from matplotlib.lines import Line2D

    shown = np.isin(data.arm, [data.arms.index(arm) for arm in curves])
    handles = [
        mark_handle(mark.marker, mark.words)
        for mark in leaving_marks(data)
        if (mark.animals & shown).any()
    ]
    if any(survival_quantile(curve).estimate is not None for curve in curves.values()):
        drop = Line2D([], [], color=TEXT_COLOR, linestyle=":", linewidth=1.0, label="median")
        handles.append(drop)
    return handles


def _corners(curve: SurvivalCurve) -> tuple[FloatArray, FloatArray]:
    """Corners of a curve as drawn, from time 0 to its end."""
    x = np.repeat(np.concatenate(([0.0], curve.time)), 2)[1:]
    y = np.repeat(np.concatenate(([1.0], curve.survival)), 2)[:-1]
    return x, y


def _draw_steps(ax: Axes, curve: SurvivalCurve, style: SeriesStyle, *, width: float) -> None:
    """The curve alone."""
    x, y = _corners(curve)
    ax.plot(
        x, y, color=style.color, linestyle=style.line, linewidth=width, zorder=4, clip_on=False
    )


def _draw_band(ax: Axes, curve: SurvivalCurve, style: SeriesStyle) -> None:
    """Pointwise limits; there are none where they do not exist."""
    time = np.concatenate(([0.0], curve.time))
    lower = np.concatenate(([curve.start_lower], curve.lower))
    upper = np.concatenate(([1.0], curve.upper))
    known = np.isfinite(lower) & np.isfinite(upper)
    # The last limits hold up to the step at which there are none any more.
    stop = int(known.sum())
    edge = time[: stop + 1]
    low, high = (np.append(side[:stop], side[stop - 1])[: edge.size] for side in (lower, upper))
    ax.fill_between(
        edge, low, high, step="post", color=style.color, alpha=0.11, linewidth=0, zorder=2
    )
    for side in (low, high):
        ax.step(edge, side, where="post", color=style.color, alpha=0.35, linewidth=0.5, zorder=2.5)


def _draw_leaving(
    ax: Axes, curve: SurvivalCurve, data: SurvivalData, arm: str, style: SeriesStyle
) -> None:
    """Marks of animals that left without the event."""
    here = data.arm == data.arms.index(arm)
    for mark in leaving_marks(data):
        times = np.unique(data.time[here & mark.animals])
        if not times.size:
            continue
        ax.plot(
            times,
            survival_at(curve, times)[0],
            linestyle="none",
            marker=mark.marker,
            markersize=6.0 if mark.marker == CENSOR_MARK else 5.0,
            markeredgewidth=1.0,
            markeredgecolor=style.color,
            markerfacecolor="white",
            zorder=5,
            clip_on=False,
        )


def _draw_median(ax: Axes, curve: SurvivalCurve, style: SeriesStyle) -> None:
    """A drop line where half of the animals have had the event."""
    median = survival_quantile(curve).estimate
    if median is not None:
        ax.plot(
            [median, median],
            [0.5, 0.0],
            color=style.color,
            linestyle=":",
            linewidth=1.0,
            zorder=3,
        )


def _median_words(curve: SurvivalCurve) -> str:
    """The median with its limits, as far as there are any."""
    found = survival_quantile(curve)
    if found.estimate is None:
        words = f"> {time_text(found.greater_than)}"
        return words if found.lower is None else f"{words} ({time_text(found.lower)}, –)"
    return f"{time_text(found.estimate)} ({time_text(found.lower)}, {time_text(found.upper)})"
