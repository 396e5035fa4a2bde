"""Names of curves written beside them, clear of the other curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.theme import TEXT_COLOR, SeriesStyle
from oncovivo.survival.plot_frame import SMALL, inches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Label", "label_curves"]

FloatArray: TypeAlias = NDArray[np.float64]

# Inches: how far a label stands from its curve, and the sample of the line in front of it.
_CLEAR: Final = 0.05
_SAMPLE: Final = 0.22
_LABEL_HEIGHT: Final = 0.13
_FAR_ENOUGH: Final = 0.30
_GRAIN: Final = 0.08


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Label:
    """The name of a curve, to be written beside it.

    Parameters
    ----------
    name : str
        What is written.
    style : SeriesStyle
        Of the sample in front of the name.
    x, y : ndarray, shape (k,)
        Corners of the curve as drawn.
    drop : float, optional
        Where a line drops from the half to the axis.
    """

    name: str
    style: SeriesStyle
    x: FloatArray
    y: FloatArray
    drop: float | None = None


def label_curves(
    ax: Axes, labels: Sequence[Label], *, size: tuple[float, float], free: float
) -> None:
    """Write the name of each curve beside it, where it is clear of every other one.

    Parameters
    ----------
    ax : Axes
        With its limits set.
    labels : sequence of Label
        Curves in the order of their arms.
    size : tuple of float
        Width and height of the axes, in.
    free : float
        Room right of the axes, in, in which a name may end.
    """
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    scale = np.array([size[0] / (right - left), size[1] / (high - low)])
    curves = [
        np.stack(((own.x - left) * scale[0], (own.y - low) * scale[1]), axis=1) for own in labels
    ]
    taken = [
        np.array([at, 0.0, at, (0.5 - low) * scale[1]])
        for at in [(own.drop - left) * scale[0] for own in labels if own.drop is not None]
    ]
    for number, own in enumerate(labels):
        box = _SAMPLE + 0.04 + inches([own.name]), _LABEL_HEIGHT
        spot = _best_spot(curves, number, box, taken, (size[0] + free, size[1]))
        taken.append(np.array([spot[0], spot[1], spot[0] + box[0], spot[1] + box[1]]))
        _write_label(ax, own, (spot[0] / size[0], (spot[1] + box[1] / 2) / size[1]), size[0])


def _write_label(ax: Axes, own: Label, spot: tuple[float, float], width: float) -> None:
    """A sample of the line and the name, from a place in shares of the axes."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    ax.add_artist(
        Line2D(
            [spot[0], spot[0] + _SAMPLE / width],
            [spot[1], spot[1]],
            transform=ax.transAxes,
            clip_on=False,
            color=own.style.color,
            linestyle=own.style.line,
            linewidth=1.8,
            zorder=6,
        )
    )
    ax.text(
        spot[0] + (_SAMPLE + 0.04) / width,
        spot[1],
        spelled_out(own.name),
        transform=ax.transAxes,
        fontsize=SMALL,
        va="center_baseline",
        color=TEXT_COLOR,
        path_effects=[withStroke(linewidth=2.2, foreground="white")],
        zorder=6,
    )


def _best_spot(
    curves: Sequence[FloatArray],
    number: int,
    box: tuple[float, float],
    taken: Sequence[FloatArray],
    room: tuple[float, float],
) -> tuple[float, float]:
    """Lower left corner of the box that is clearest of the others, the end of the curve first."""
    own = _grains(curves[number])[::-1]
    wide, high = box
    steps = [
        (_CLEAR, _CLEAR),
        (-_CLEAR - wide, -_CLEAR - high),
        (_CLEAR, -_CLEAR - high),
        (-_CLEAR - wide, _CLEAR),
        (_CLEAR, -high / 2),
    ]
    corners = np.concatenate([own + np.array(step) for step in steps])
    boxes = np.concatenate((corners, corners + np.array([wide, high])), axis=1)
    inside = (boxes[:, :2] >= 0.02).all(axis=1) & (boxes[:, 2:] <= np.array(room)).all(axis=1)
    clear = _distance(boxes, own) > 0.6 * _CLEAR
    others = np.full(len(boxes), np.inf)
    for place, curve in enumerate(curves):
        if place != number:
            others = np.minimum(others, _distance(boxes, _grains(curve)))
    for spot in taken:
        others = np.minimum(others, _apart(boxes, spot))
    # Farther than this is no clearer, so that the end of the curve wins.
    worth = np.where(inside & clear, np.minimum(others, _FAR_ENOUGH), -1.0)
    if worth.max() > 0:
        best = corners[int(np.argmax(worth))]
        return float(best[0]), float(best[1])
    # No room beside any part of the curve: a place right of the axes.
    y = min(max(float(own[0][1]) - high / 2, 0.02), room[1] - high)
    for spot in sorted(taken, key=lambda known: float(known[1])):
        if spot[0] >= room[0] - wide - 0.05 and abs(float(spot[1]) - y) < high:
            y = float(spot[3]) + 0.01
    return room[0] - wide, y


def _grains(curve: FloatArray) -> FloatArray:
    """Points along a curve, in, no farther apart than a grain."""
    parts = [curve[:1]]
    for start, end in pairwise(curve):
        pieces = max(1, math.ceil(float(np.abs(end - start).max()) / _GRAIN))
        share = np.arange(1, pieces + 1)[:, np.newaxis] / pieces
        parts.append(start + share * (end - start))
    return np.concatenate(parts)


def _distance(boxes: FloatArray, points: FloatArray) -> FloatArray:
    """How far the nearest point is from each box; 0 inside."""
    low, high = boxes[:, np.newaxis, :2], boxes[:, np.newaxis, 2:]
    gap = np.maximum(np.maximum(low - points, points - high), 0.0)
    return np.asarray(np.hypot(gap[..., 0], gap[..., 1]).min(axis=1), dtype=np.float64)


def _apart(boxes: FloatArray, spot: FloatArray) -> FloatArray:
    """How far each box is from one of the boxes taken; 0 where they touch."""
    gap = np.maximum(np.maximum(boxes[:, :2] - spot[2:], spot[:2] - boxes[:, 2:]), 0.0)
    return np.asarray(np.hypot(gap[:, 0], gap[:, 1]), dtype=np.float64)
