"""Turnbull's curves, with what the data leave open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.figures.theme import (
    SeriesStyle,
)
from oncovivo.survival.curve_figure import BEHIND, CurvePicture, animals_of, time_text
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.plot_frame import (
    MOST_ARMS_TOGETHER,
    arm_styles,
    axis_end,
    data_lines,
)
from oncovivo.survival.turnbull import TurnbullCurve, turnbull_median

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_interval_curves"]

FloatArray: TypeAlias = NDArray[np.float64]

# A share that is not 0 by rounding only.
_NOTHING: Final = 1e-9
_HATCHES: Final = ("///", "\\\\\\", "...", "xxx")


def plot_interval_curves(
    curves: Mapping[str, TurnbullCurve],
    data: SurvivalData,
    *,
    control: str | None = None,
    simulated: bool = False,
) -> Figure:
    """Turnbull's curves, with a box wherever the data do not say how the curve falls.

    The curve runs anywhere from the upper left to the lower right corner of a box; a box whose
    right side is open ends beyond the last visit.

    Parameters
    ----------
    curves : mapping of str to TurnbullCurve
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
    end = axis_end(np.concatenate((data.time, data.upper)))
    watched: dict[str, tuple[FloatArray, FloatArray | None]] = {
        arm: (data.lower[animals_of(data, arm, curve.n)], None) for arm, curve in curves.items()
    }
    # Boxes of several arms lie over each other only where arms share the axes.
    together = len(curves) <= MOST_ARMS_TOGETHER
    hatches = {arm: _HATCHES[place if together else 0] for place, arm in enumerate(curves)}

    def draw(ax: Axes, arm: str, style: SeriesStyle) -> None:
        _draw_boxes(ax, curves[arm], style, hatches[arm], end)
        _draw_known(ax, curves[arm], style, end, width=2.0 if arm == control else 1.6)

    def behind(ax: Axes, arm: str) -> None:
        _draw_boxes(ax, curves[arm], BEHIND, "", end)
        _draw_known(ax, curves[arm], BEHIND, end, width=1.2)

    return CurvePicture(
        data=data,
        control=control,
        styles=styles,
        lines=[
            *data_lines(data, drawn=False),
            "boxes: the curve falls somewhere inside, the data do not say how",
        ],
        key=list,
        paths={arm: _box_corners(curve, end) for arm, curve in curves.items()},
        drops=dict.fromkeys(curves),
        medians={arm: _interval_median(curve) for arm, curve in curves.items()},
        median_head="median within",
        counted="known without event",
        watched=watched,
        curve=draw,
        behind=behind,
    ).draw(simulated=simulated)


def _interval_median(curve: TurnbullCurve) -> str:
    """The interval in which the median lies."""
    left, right = turnbull_median(curve)
    if right is None:
        return f"> {time_text(left)}"
    return time_text(left) if left == right else f"{time_text(left)} to {time_text(right)}"


def _levels(curve: TurnbullCurve) -> FloatArray:
    """Share without event before the first interval with mass and after each."""
    left = 1 - np.concatenate(([0.0], np.cumsum(curve.mass)))
    return np.asarray(np.clip(left, 0.0, 1.0), dtype=np.float64)


def _box_corners(curve: TurnbullCurve, end: float) -> tuple[FloatArray, FloatArray]:
    """Outline of a curve: along the known parts and both sides of the boxes."""
    levels = _levels(curve)
    right = np.minimum(curve.right, end)
    x, y = [0.0], [1.0]
    for place, (start, stop) in enumerate(zip(curve.left, right, strict=True)):
        x += [start, stop, stop, start, start, stop]
        y += [*levels[[place, place, place + 1, place + 1, place, place]].tolist()[:4]]
        y += [float(levels[place]), float(levels[place])]
        x.append(stop)
        y.append(float(levels[place + 1]))
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)


def _draw_boxes(
    ax: Axes, curve: TurnbullCurve, style: SeriesStyle, hatch: str, end: float
) -> None:
    """Rectangles between the least and the greatest curve."""
    from matplotlib.patches import Rectangle

    levels = _levels(curve)
    for place, (start, stop) in enumerate(zip(curve.left, curve.right, strict=True)):
        if start == stop:
            continue
        # Beyond the end of the axis, so that the right side of an open box is not seen.
        width = (stop if math.isfinite(stop) else 1.1 * end) - start
        box = (start, float(levels[place + 1])), float(width), float(curve.mass[place])
        ax.add_patch(Rectangle(*box, facecolor=style.color, alpha=0.13, linewidth=0, zorder=2))
        ax.add_patch(
            Rectangle(
                *box,
                facecolor="none",
                edgecolor=style.color,
                hatch=hatch,
                linewidth=0.6,
                alpha=0.45,
                zorder=2.5,
            )
        )


def _draw_known(
    ax: Axes, curve: TurnbullCurve, style: SeriesStyle, end: float, *, width: float
) -> None:
    """The parts at which the curve is known; a drop where a time is exact."""
    levels = _levels(curve)
    starts = np.concatenate(([0.0], curve.right))
    stops = np.concatenate((curve.left, [end / 1.04]))
    for place, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        # A curve that came to 0 has ended.
        if math.isfinite(start) and start <= stop and levels[place] > _NOTHING:
            _draw_piece(ax, (start, stop), (levels[place], levels[place]), style, width)
    for place in np.flatnonzero(curve.left == curve.right).tolist():
        at = curve.left[place]
        _draw_piece(ax, (at, at), (levels[place], levels[place + 1]), style, width)


def _draw_piece(
    ax: Axes,
    x: tuple[float, float],
    y: tuple[float, float],
    style: SeriesStyle,
    width: float,
) -> None:
    """A straight part of a curve."""
    ax.plot(
        x, y, color=style.color, linestyle=style.line, linewidth=width, zorder=4, clip_on=False
    )
