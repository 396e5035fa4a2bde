"""Newton's method in a trust region, with lower and upper bounds, for few parameters.

For objectives that give gradient and Hessian exactly. The step is the exact minimizer of the
quadratic model in a ball (Moré and Sorensen, SIAM J Sci Stat Comput 1983;4:553), so that saddle
points are left along directions of negative curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Minimum", "minimize"]

FloatArray: TypeAlias = NDArray[np.float64]
# Value, gradient and Hessian; None where the objective does not exist.
Objective: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray, FloatArray] | None]

_LARGEST_RADIUS: Final = 4.0
_SMALLEST_RADIUS: Final = 1e-12
# Share of the value that summation errors reach.
_NOISE: Final = 1e-13
# A curvature flatter than this share of the steepest is none.
_FLAT: Final = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minimum:
    """Where the search ended.

    Parameters
    ----------
    point : ndarray, shape (r,)
        Parameters.
    value : float
        Of the objective.
    gradient : ndarray, shape (r,)
        There; components that a bound holds back are 0.
    iterations : int
        Evaluations of the objective.
    converged : bool
        Whether the gradient vanished at a point without negative curvature.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    iterations: int
    converged: bool


def minimize(
    objective: Objective,
    start: FloatArray,
    *,
    lower: FloatArray,
    upper: FloatArray,
    tolerance: float = 1e-9,
    enough: float = 1e-5,
    most: int = 200,
) -> Minimum:
    """Local minimum within bounds.

    Parameters
    ----------
    objective : callable
        Takes the parameters, returns value, gradient and Hessian, or None where there is no
        value.
    start : ndarray, shape (r,)
        Within the bounds, where the objective exists.
    lower, upper : ndarray, shape (r,)
        Bounds.
    tolerance : float
        Largest component of the gradient at which the search ends.
    enough : float
        Largest component with which it counts as converged when rounding allows no better.
    most : int
        Evaluations allowed.

    Raises
    ------
    ValueError
        If the objective does not exist at the start.

    Examples
    --------
    >>> def bowl(x):
    ...     return float(x @ x), 2 * x, 2 * np.eye(2)
    >>> wide = np.full(2, np.inf)
    >>> minimize(bowl, np.array([3.0, 1.0]), lower=-wide, upper=wide).converged
    True
    """
    point = np.clip(start, lower, upper)
    first = objective(point)
    if first is None:
        message = "the objective does not exist at the start"
        raise ValueError(message)
    value, gradient, hessian = first
    radius = 1.0
    done = False
    used = 1
    while used < most:
        free = ~(((point <= lower) & (gradient > 0)) | ((point >= upper) & (gradient < 0)))
        slope = np.where(free, gradient, 0.0)
        curvature, axes = np.linalg.eigh(hessian[np.ix_(free, free)])
        if _is_minimum(slope, curvature, tolerance):
            done = True
            break
        step = np.zeros_like(point)
        step[free] = _model_step(axes.T @ gradient[free], curvature, axes, radius)
        step = np.clip(point + step, lower, upper) - point
        predicted = -float(gradient @ step + step @ hessian @ step / 2)
        trial = objective(point + step)
        used += 1
        noise = _NOISE * (1.0 + abs(value))
        length = float(np.linalg.norm(step))
        if trial is None:
            radius = length / 4
        elif abs(predicted) < 100 * noise:
            # Too flat for values to tell: a smaller gradient decides, and the search ends.
            if np.abs(trial[1][free]).max(initial=0.0) < np.abs(slope).max():
                point, (value, gradient, hessian) = point + step, trial
            elif radius > length / 2:
                done = bool(np.abs(slope).max() <= enough)
                break
            radius = max(length, radius)
        else:
            ratio = (value - trial[0]) / predicted if predicted > 0 else -1.0
            if ratio < 0.25:
                radius = length / 4
            elif ratio > 0.75 and length > 0.8 * radius:
                radius = min(2 * radius, _LARGEST_RADIUS)
            if ratio > 1e-4:
                point, (value, gradient, hessian) = point + step, trial
        if radius < _SMALLEST_RADIUS:
            done = bool(np.abs(slope).max() <= enough)
            break
    held = ((point <= lower) & (gradient > 0)) | ((point >= upper) & (gradient < 0))
    return Minimum(
        point=point,
        value=value,
        gradient=np.where(held, 0.0, gradient),
        iterations=used,
        converged=done,
    )


def _is_minimum(slope: FloatArray, curvature: FloatArray, tolerance: float) -> bool:
    if np.abs(slope).max(initial=0.0) > tolerance:
        return False
    if not curvature.size:
        return True
    return bool(curvature[0] >= -1e-7 * max(1.0, curvature[-1]))


def _model_step(
    slope: FloatArray, curvature: FloatArray, axes: FloatArray, radius: float
) -> FloatArray:
    """Minimizer of the quadratic model in a ball; slope and curvature along the axes."""
    steepest = max(float(np.abs(curvature).max(initial=0.0)), 1e-300)
    flat = _FLAT * steepest
    if curvature[0] > -flat:
        steep = curvature > flat
        newton = np.where(steep, -slope / np.where(steep, curvature, 1.0), 0.0)
        rest = np.abs(slope[~steep]).max(initial=0.0)
        if np.linalg.norm(newton) <= radius and rest <= _FLAT * max(1.0, np.abs(slope).max()):
            return np.asarray(axes @ newton)
    low = max(0.0, -float(curvature[0])) + flat
    step = -slope / (curvature + low)
    length = float(np.linalg.norm(step))
    if length < radius:
        # The slope has no part along the most negative curvature; go there to the edge.
        sign = 1.0 if slope[0] <= 0 else -1.0
        reach = np.sqrt(max(radius**2 - float(step[1:] @ step[1:]), 0.0))
        if curvature[0] < -flat:
            step[0] = sign * reach
        return np.asarray(axes @ step)
    high = low + float(np.linalg.norm(slope)) / radius
    shift = high
    for _ in range(60):
        shift = (low + high) / 2
        length = float(np.linalg.norm(slope / (curvature + shift)))
        if abs(length - radius) < 1e-3 * radius:
            break
        if length > radius:
            low = shift
        else:
            high = shift
    return np.asarray(axes @ (-slope / (curvature + shift)))
