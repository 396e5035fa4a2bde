"""Search for the maximum of the Tobit mixed likelihood, and what to know about its shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.growth.tobit import Integration, TobitLikelihood, TobitProblem

__all__ = [
    "TobitOptimum",
    "covariance_slopes",
    "inverse_information",
    "maximize_tobit",
    "profile_upper_limit",
    "unbounded_coefficients",
]

FloatArray: TypeAlias = NDArray[np.float64]
Score: TypeAlias = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]

# Rules that are tried in turn, until the next one would not move the fit.
_RULES: Final = (11, 21, 41, 81)
# A finer rule may move the estimates by this share of a standard error, squared.
_RULE_MOVES: Final = 1e-6
# Newton's decrement, the squared distance to the optimum in standard errors.
_AT_OPTIMUM: Final = 1e-14
# Where the likelihood rises without end it is flat this near its bound.
_AT_BOUND: Final = 1e-8
# Nearer than this the step is taken even where the value's rounding speaks against it.
_NEAR_OPTIMUM: Final = 1e-5
_STEPS: Final = 200
_HALVINGS: Final = 40
# Longest step of a parameter: readings and root entries are logs, of order one.
_LONGEST_STEP: Final = 1.0
# Curvature below this share of the largest is taken as this.
_FLAT: Final = 1e-10
# A difference of a parameter, where derivatives have full precision.
_DIFFERENCE: Final = 1e-4
# A direction of the coefficients that moves censored readings by more than rounding.
_MOVES: Final = 1e-7
# Points of the quadrature of a profile, whose value moves by far more than its error.
_PROFILE_POINTS: Final = 21
# A start must not be zero, where the likelihood is level.
_SMALLEST_START: Final = 1e-4
# Doublings of the way from the estimate until the profile is taken not to fall.
_DOUBLINGS: Final = 12
# Limits are found to this share of a rate's size.
_LIMIT_ERROR: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TobitOptimum:
    """Where the search ended.

    Parameters
    ----------
    theta : ndarray, shape (q,)
        Coefficients, entries of the root, log residual standard deviations.
    value : float
        Log-likelihood there.
    information : ndarray, shape (q, q)
        Minus its second derivatives.
    converged : bool
        Whether the gradient vanished and no direction rises.
    steps : int
        Steps taken.
    """

    theta: FloatArray
    value: float
    information: FloatArray
    converged: bool
    steps: int


def maximize_tobit(
    problem: TobitProblem, *, method: Integration, points: int | None, endless: bool
) -> tuple[TobitOptimum, TobitLikelihood]:
    """The optimum, by a rule that is fine enough, and the likelihood with this rule.

    Parameters
    ----------
    problem : TobitProblem
        The study, with columns of order one.
    method : {"quadrature", "laplace"}
        How the effects are integrated out.
    points : int or None
        Points in each dimension; None for as many as it takes.
    endless : bool
        Whether the likelihood has no maximum, only a bound (:func:`unbounded_coefficients`); the
        search then ends where it is flat.
    """
    start = _start(problem)
    near = _AT_BOUND if endless else _AT_OPTIMUM
    if method == "laplace":
        likelihood = TobitLikelihood(problem, integration="laplace")
        return _maximize(_with_differences(likelihood.laplace_score), start, near), likelihood
    if points is not None:
        likelihood = TobitLikelihood(problem, points=points)
        return _maximize(likelihood.score, start, near), likelihood
    likelihood = TobitLikelihood(problem, points=_RULES[0])
    optimum = _maximize(likelihood.score, start, near)
    if not problem.below.any():
        return optimum, likelihood
    for rule in _RULES[1:]:
        finer = TobitLikelihood(problem, points=rule)
        value, gradient, information = finer.score(optimum.theta)
        distance = _newton_step(gradient, information)[1]
        if distance < _RULE_MOVES and abs(value - optimum.value) < _RULE_MOVES:
            break
        likelihood, optimum = finer, _maximize(finer.score, optimum.theta, near)
    return optimum, likelihood


def _start(problem: TobitProblem) -> FloatArray:
    """Least squares with the limits as values, its residual spread dealt out evenly."""
    beta = np.linalg.lstsq(problem.x, problem.y, rcond=None)[0]
    spread = float(np.std(problem.y - problem.x @ beta))
    share = max(spread, _SMALLEST_START) / np.sqrt(2.0)
    root = [share if row == column else 0.0 for row, column in problem.root]
    return np.array([*beta, *root, *([np.log(share)] * problem.n_strata)])


def _newton_step(gradient: FloatArray, information: FloatArray) -> tuple[FloatArray, float, float]:
    """Step uphill, its squared length in standard errors, and the smallest curvature."""
    values, vectors = np.linalg.eigh(information)
    height = np.maximum(np.abs(values), _FLAT * np.abs(values).max())
    along = vectors.T @ gradient
    return vectors @ (along / height), float((along**2 / height).sum()), float(values[0])


def _maximize(score: Score, start: FloatArray, near: float) -> TobitOptimum:
    """Newton's method with the information; where it is not definite, its absolute value."""
    theta = start
    value, gradient, information = score(theta)
    steps = 0
    for steps in range(_STEPS):
        step, distance, lowest = _newton_step(gradient, information)
        if distance < near:
            return TobitOptimum(
                theta=theta,
                value=value,
                information=information,
                converged=lowest > -_FLAT * float(np.trace(information)),
                steps=steps,
            )
        step *= min(1.0, _LONGEST_STEP / float(np.abs(step).max()))
        for _ in range(_HALVINGS):
            tried = score(theta + step)
            if tried[0] >= value or distance < _NEAR_OPTIMUM:
                break
            step = step / 2
        else:
            break
        theta = theta + step
        value, gradient, information = tried
    return TobitOptimum(
        theta=theta, value=value, information=information, converged=False, steps=steps + 1
    )


def _with_differences(score: Callable[[FloatArray], tuple[float, FloatArray]]) -> Score:
    """A score with minus its central differences as information."""

    def both(theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, gradient = score(theta)
        steps = _DIFFERENCE * np.eye(theta.size)
        rows = [(score(theta - step)[1] - score(theta + step)[1]) for step in steps]
        curvature = np.array(rows) / (2 * _DIFFERENCE)
        return value, gradient, (curvature + curvature.T) / 2

    return both


def inverse_information(information: FloatArray) -> FloatArray:
    """Inverse of the information; flat directions are bounded."""
    values, vectors = np.linalg.eigh(information)
    height = np.maximum(values, _FLAT * values.max())
    return np.asarray((vectors / height) @ vectors.T)


def covariance_slopes(likelihood: TobitLikelihood, theta: FloatArray, p: int) -> FloatArray:
    """How the coefficients' covariance moves with the variances, shape (r, p, p)."""
    slopes = []
    for step in _DIFFERENCE * np.eye(theta.size)[p:]:
        ends = [
            inverse_information(likelihood.score(theta + way * step)[2])[:p, :p] for way in (1, -1)
        ]
        slopes.append((ends[0] - ends[1]) / (2 * _DIFFERENCE))
    return np.array(slopes)


def unbounded_coefficients(problem: TobitProblem) -> frozenset[int]:
    """Coefficients that can change without end and only raise the likelihood."""
    censored = problem.x[problem.below]
    direction = _endless_direction(problem, -censored.sum(axis=0))
    if direction is None or (censored @ direction).min() > -_MOVES:
        return frozenset()
    return frozenset(np.flatnonzero(np.abs(direction) > _MOVES).tolist())


def _endless_direction(problem: TobitProblem, weights: FloatArray) -> FloatArray | None:
    """Direction of the coefficients that raises the weights' sum most and loses no likelihood.

    It leaves the mean of every measured reading where it is and moves none of the censored ones
    up: a linear program among the directions that the measured readings do not see. None if they
    see all.
    """
    measured, censored = problem.x[~problem.below], problem.x[problem.below]
    unseen = scipy.linalg.null_space(measured, rcond=_MOVES)
    if not unseen.shape[1]:
        return None
    program = scipy.optimize.linprog(
        -weights @ unseen,
        A_ub=censored @ unseen,
        b_ub=np.zeros(len(censored)),
        bounds=(-1.0, 1.0),
    )
    # No change at all is always allowed, so that only a failed program has no answer.
    return None if program.x is None else np.asarray(unseen @ program.x)


def profile_upper_limit(
    problem: TobitProblem, weights: FloatArray, theta: FloatArray, *, lowest: float
) -> float | None:
    """Largest value of a question whose profile log-likelihood reaches a height.

    Parameters
    ----------
    problem : TobitProblem
        The study.
    weights : ndarray, shape (p,)
        Weights of the coefficients, not all 0.
    theta : ndarray, shape (q,)
        Where the likelihood is largest, or near its bound.
    lowest : float
        Height, below the maximum.

    Returns
    -------
    float or None
        None where the likelihood never falls that low.
    """
    endless = _endless_direction(problem, weights)
    if endless is not None and float(endless @ weights) > _MOVES * np.abs(weights).max():
        return None
    p = weights.size
    length = float(weights @ weights)
    free = scipy.linalg.null_space(weights[None, :])
    # Each search starts where the last one ended: the values lie close to each other.
    last = [np.concatenate((free.T @ theta[:p], theta[p:]))]
    within = replace(problem, x=problem.x @ free)

    def loss(value: float) -> float:
        rest = problem.y - problem.x @ (weights * (value / length))
        likelihood = TobitLikelihood(replace(within, y=rest), points=_PROFILE_POINTS)
        found = _maximize(likelihood.score, last[0], _AT_BOUND)
        last[0] = found.theta
        return lowest - found.value

    low = float(weights @ theta[:p])
    step = max(abs(low), 1.0) / 16
    for _ in range(_DOUBLINGS):
        if loss(low + step) > 0:
            break
        step *= 2
    else:
        return None
    found = scipy.optimize.brentq(loss, low, low + step, xtol=_LIMIT_ERROR * max(step, 1.0))
    return float(found)
