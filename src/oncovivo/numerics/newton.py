"""Newton's method on many small problems at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["NewtonResult", "Objective", "minimize_newton"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# A Newton step with less than this to gain is the last one: the error after it is its square.
_LAST_GAIN: Final = 1e-12
# A search that cannot go on has arrived if no more than this was left to gain.
_STALLED_GAIN: Final = 1e-7
# Values are known up to this share: a rise below it is rounding.
_ROUNDING: Final = 1e-12
# Curvature below minus this is a saddle, which a step leaves by _KICK at least.
_SADDLE: Final = 1e-5
_KICK: Final = 0.05
# A step is good enough if it gains this share of what the slope promises.
_ARMIJO: Final = 0.02
_SHORTEST: Final = 1e-7
_FLAT: Final = 1e-10
# Finished problems are carried along until fewer than this share is left.
_CARRY: Final = 0.75


class Objective(Protocol):
    """Functions of r parameters, one for each of B problems."""

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values (B,), gradients (B, r) and Hessians (B, r, r) at theta (B, r)."""
        ...

    def take(self, index: IntArray) -> Objective:
        """Some of the problems."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewtonResult:
    """Minima of B problems.

    Parameters
    ----------
    theta : ndarray, shape (B, r)
        Where they are.
    value : ndarray, shape (B,)
        The functions there, but for the last step's gain.
    converged : ndarray of bool, shape (B,)
        Whether the last step had nothing left to gain.
    iterations : ndarray of int, shape (B,)
        Times the function was looked at.
    """

    theta: FloatArray
    value: FloatArray
    converged: BoolArray
    iterations: IntArray


def minimize_newton(
    objective: Objective, start: FloatArray, *, max_iterations: int = 60
) -> NewtonResult:
    """Minima of many functions by Newton's method with shortened steps.

    Where the Hessian is not positive definite its eigenvalues enter by their size, so that a step
    goes down and away from saddles. The last step is not followed by another look at the function.

    Parameters
    ----------
    objective : Objective
        Values, gradients and Hessians; parameters should be of order one.
    start : ndarray, shape (B, r)
        Where to begin; the function must be finite there.
    max_iterations : int
        Most evaluations.
    """
    size = start.shape[0]
    theta = start.copy()
    lowest = np.empty(size)
    converged = np.zeros(size, dtype=bool)
    iterations = np.zeros(size, dtype=np.intp)
    place = np.arange(size)
    base = start
    value, gradient, hessian = objective(base)
    step, gain = _step(base, gradient, hessian)
    share = np.ones(size)
    open_ = np.ones(size, dtype=bool)
    for iteration in range(1, max_iterations + 1):
        ended = open_ & ((gain < _LAST_GAIN) | (share < _SHORTEST))
        if ended.any():
            whole = gain < _LAST_GAIN
            rows = place[ended]
            theta[rows] = (base + np.where(whole, 1.0, 0.0)[:, None] * step)[ended]
            lowest[rows] = value[ended]
            converged[rows] = (gain < _STALLED_GAIN)[ended]
            iterations[rows] = iteration
            open_ &= ~ended
            left = np.flatnonzero(open_)
            if not left.size:
                break
            if left.size < _CARRY * open_.size:
                objective = objective.take(left)
                place, open_, share = place[left], open_[left], share[left]
                base, value, gradient, hessian = (
                    base[left],
                    value[left],
                    gradient[left],
                    hessian[left],
                )
                step, gain = step[left], gain[left]
        trial = base + share[:, None] * step
        new_value, new_gradient, new_hessian = objective(trial)
        promise = _ARMIJO * share * (gradient * step).sum(axis=1)
        slack = _ROUNDING * (1.0 + np.abs(value))
        accepted = new_value <= value + promise + slack
        if accepted.all():
            base, value, gradient, hessian = trial, new_value, new_gradient, new_hessian
            share = np.ones(base.shape[0])
        else:
            base = np.where(accepted[:, None], trial, base)
            value = np.where(accepted, new_value, value)
            gradient = np.where(accepted[:, None], new_gradient, gradient)
            hessian = np.where(accepted[:, None, None], new_hessian, hessian)
            share = np.where(accepted, 1.0, 0.25 * share)
        step, gain = _step(base, gradient, hessian)
    else:
        theta[place[open_]] = base[open_]
        lowest[place[open_]] = value[open_]
        converged[place[open_]] = (gain < _STALLED_GAIN)[open_]
        iterations[place[open_]] = max_iterations
    return NewtonResult(theta=theta, value=lowest, converged=converged, iterations=iterations)


def _step(
    theta: FloatArray, gradient: FloatArray, hessian: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Steps, and what a quadratic function would gain by them."""
    if theta.shape[1] == 1:
        curvature, basis = hessian[:, :, 0], np.ones_like(hessian)
    else:
        curvature, basis = np.linalg.eigh(hessian)
    along = (basis * gradient[:, :, None]).sum(axis=1)
    size = np.abs(curvature)
    size = np.maximum(size, _FLAT * (1.0 + size.max(axis=1, keepdims=True)))
    move = -along / size
    gain = 0.5 * (along * along / size).sum(axis=1)
    saddle = curvature < -_SADDLE
    if saddle.any():
        away = np.where(along > 0, -1.0, 1.0) * np.maximum(np.abs(move), _KICK)
        move = np.where(saddle, away, move)
        gain = np.where(saddle.any(axis=1), np.inf, gain)
    step = (basis * move[:, None, :]).sum(axis=2)
    length = np.sqrt((step * step).sum(axis=1))
    longest = 1.0 + np.sqrt((theta * theta).sum(axis=1))
    return step * np.minimum(1.0, longest / np.maximum(length, 1e-300))[:, None], gain
