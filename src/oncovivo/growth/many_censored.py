"""Censored fits of many studies of one design in array computations.

The fits are those of ``fit_censored`` with a fixed rule: the maximum of the Tobit mixed likelihood
with random intercepts and slopes, and the tests of :class:`CensoredInference`. A coarse rule leads
all studies to the neighborhood of their maximum by Newton's method; the rule that was asked for
takes the last steps. What does not get there is told, and left to ``fit_censored``.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.engine import Problem
from oncovivo.growth.many_tobit import (
    MOST_CENSORED,
    CensoredAnimals,
    ManyTobit,
    MeasuredAnimals,
)
from oncovivo.growth.replicates import Replicates
from oncovivo.numerics.mapping import map_parts, split_evenly
from oncovivo.numerics.newton import minimize_newton
from oncovivo.numerics.quadrature import gauss_hermite_grid

__all__ = ["ManyCensoredFits", "fit_many_censored"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Studies that are fitted at once.
_STUDIES: Final = 250
# Three points in each dimension: estimates are within some hundredths of a standard error.
_COARSE: Final = 3
_COARSE_STEPS: Final = 60
# Steps with the rule that was asked for; a study that needs more is told.
_FINE_STEPS: Final = 8
# What the last step gains; the error after it is its square.
_LAST_GAIN: Final = 1e-9
# Curvature below this share of the largest is no maximum that can be told.
_FLAT: Final = 1e-10
# A start must not be zero, where the likelihood is level.
_SMALLEST_START: Final = 1e-4
# A difference of a parameter, where derivatives have full precision.
_DIFFERENCE: Final = 1e-4
# A root this small beside the residual is singular, as in ``fit_censored``.
_ZERO_SPREAD: Final = 1e-4
# A fixed part that is a line for each arm is one to rounding.
_LINE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ManyCensoredFits:
    """Censored fits of B studies and their answers to k questions.

    What is not fitted is NaN, and `fitted` says so.

    Parameters
    ----------
    coefficients : ndarray, shape (B, p)
        In the order of the design's columns.
    estimate, std_error, df : ndarray, shape (B, k)
        Each question's; see :class:`CensoredInference`.
    random_covariance : ndarray, shape (B, 2, 2)
        Covariance of the animals' intercepts and slopes.
    residual_variance : ndarray, shape (B,)
        Within animals.
    log_likelihood : ndarray, shape (B,)
        At the maximum, with all constants.
    fitted : ndarray of bool, shape (B,)
        Whether a maximum was reached; where not, ``fit_censored`` can tell why, or reach it.
    singular : ndarray of bool, shape (B,)
        Whether it is on the boundary.
    """

    coefficients: FloatArray
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    random_covariance: FloatArray
    residual_variance: FloatArray
    log_likelihood: FloatArray
    fitted: BoolArray
    singular: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """A design as a line for each arm, time in units of its span, columns of order one.

    Parameters
    ----------
    time : ndarray, shape (m,)
        In units of the span.
    first : ndarray of int, shape (n,)
        First reading of each animal.
    arm : ndarray of int, shape (n,)
        Arms without gaps.
    lift : ndarray, shape (arms, 2, p)
        Intercept and rate of each arm from the coefficients.
    scale : ndarray, shape (p,)
        What the coefficients of the problem are multiplied by.
    span : float
        Largest time, days.
    """

    time: FloatArray
    first: IntArray
    arm: IntArray
    lift: FloatArray
    scale: FloatArray
    span: float


def fit_many_censored(
    studies: Replicates,
    below: BoolArray,
    weights: FloatArray,
    *,
    points: int,
    executor: Executor | None = None,
) -> ManyCensoredFits:
    """Censored maximum likelihood of many studies of one design, and the tests of questions.

    Parameters
    ----------
    studies : Replicates
        One design with many outcomes: a line for each arm, random intercept and slope, one
        residual variance, no groups. Its likelihood is taken to be ML.
    below : ndarray of bool, shape (B, m)
        Which outcomes are upper bounds.
    weights : ndarray, shape (k, p)
        The questions.
    points : int
        Points of the quadrature in each dimension, as those of ``fit_censored``.
    executor : concurrent.futures.Executor, optional
        Who does the work; without it, this process. The result does not depend on it.

    Raises
    ------
    InputError
        If shapes do not fit, or the model is another.

    Examples
    --------
    >>> day = np.tile([0.0, 4.0, 8.0, 12.0], 12)
    >>> animal = np.repeat(np.arange(12), 4)
    >>> arm = np.repeat([0, 1], 6)
    >>> drug = arm[animal] == 1
    >>> x = np.column_stack((np.ones(48), np.where(drug, 0, day), np.where(drug, day, 0)))
    >>> rng = np.random.default_rng(1)
    >>> own = rng.normal(scale=[0.3, 0.02], size=(50, 12, 2))[:, animal]
    >>> y = x @ [5, 0.1, -0.1] + own[:, :, 0] + own[:, :, 1] * day
    >>> y = y + rng.normal(scale=0.1, size=(50, 48))
    >>> design = Problem(y=y[0], x=x, time=day, animal=animal, arm=arm)
    >>> studies = Replicates(design=design, outcomes=np.maximum(y, 4.2))
    >>> fits = fit_many_censored(studies, y < 4.2, np.array([[0.0, -1.0, 1.0]]), points=7)
    >>> int(fits.fitted.sum()), round(float(fits.estimate.mean()), 3)
    (50, -0.2)
    """
    design = studies.design
    if below.shape != studies.outcomes.shape:
        expected = f"marks of what is below the limit of shape {studies.outcomes.shape}"
        raise InputError(expected, found=str(below.shape))
    if weights.ndim != 2 or weights.shape[1] != design.x.shape[1]:
        expected = f"weights of shape (questions, {design.x.shape[1]})"
        raise InputError(expected, found=str(weights.shape))
    if design.random != "intercept_slope" or design.residual != "iid" or design.groups:
        expected = "random intercept and slope, one residual variance and no groups"
        found = f"{design.random}, {design.residual}, {len(design.groups)} groups"
        raise InputError(expected, found=found)
    marks = Replicates(
        design=design, outcomes=np.asarray(below, dtype=np.float64), observed=studies.observed
    )
    ordered, marks = studies.by_animal(), marks.by_animal()
    lines = _lines(ordered.design)
    outcomes = ordered.outcomes
    read = np.ones(outcomes.shape, dtype=bool) if ordered.observed is None else ordered.observed
    known = marks.outcomes > 0
    parts = [
        (outcomes[rows], read[rows], known[rows] & read[rows])
        for rows in split_evenly(len(outcomes), _STUDIES)
    ]
    work = partial(_fit_chunk, lines=lines, weights=weights / lines.scale, points=points)
    return _joined(map_parts(work, parts, executor=executor))


def _lines(design: Problem) -> _Lines:
    """The design in parts, if it is made of lines."""
    span = float(np.abs(design.time).max()) or 1.0
    scale = np.abs(design.x).max(axis=0)
    arms, arm = np.unique(design.arm, return_inverse=True)
    lift = np.zeros((arms.size, 2, design.x.shape[1]))
    columns = np.column_stack((np.ones(design.time.size), design.time / span))
    for number in range(arms.size):
        rows = arm[design.animal] == number
        x = design.x[rows] / scale
        lift[number] = np.linalg.lstsq(columns[rows], x)[0]
        if np.abs(columns[rows] @ lift[number] - x).max() > _LINE:
            expected = "a fixed part that is a line for each arm"
            raise InputError(expected, found="another", where=f"arm {arms[number]}")
    return _Lines(
        time=design.time / span,
        first=np.flatnonzero(np.diff(design.animal, prepend=-1)),
        arm=arm.astype(np.intp),
        lift=lift,
        scale=scale,
        span=span,
    )


def _fit_chunk(
    part: tuple[FloatArray, BoolArray, BoolArray],
    *,
    lines: _Lines,
    weights: FloatArray,
    points: int,
) -> ManyCensoredFits:
    """Studies that can be fitted, fitted; the others marked."""
    outcomes, read, below = part
    usable = _usable(read, below, lines)
    count, p = len(outcomes), lines.scale.size
    found = ManyCensoredFits(
        coefficients=np.full((count, p), np.nan),
        estimate=np.full((count, len(weights)), np.nan),
        std_error=np.full((count, len(weights)), np.nan),
        df=np.full((count, len(weights)), np.nan),
        random_covariance=np.full((count, 2, 2), np.nan),
        residual_variance=np.full(count, np.nan),
        log_likelihood=np.full(count, np.nan),
        fitted=np.zeros(count, dtype=bool),
        singular=np.zeros(count, dtype=bool),
    )
    if not usable.any():
        return found
    read, below = read[usable], below[usable]
    base = _least_squares(outcomes[usable], read, lines)
    x = np.einsum("tac,acp->tap", _columns(lines), lines.lift[lines.arm[_animal(lines)]][:, None])
    rest = np.where(read, outcomes[usable] - base @ x[:, 0].T, 0.0)
    likelihood = _likelihood(rest, read, below, lines, points)
    theta, value, information, reached = _maximum(likelihood, _start(rest, read, p))
    rows = np.flatnonzero(usable)
    animals = np.logical_or.reduceat(read, lines.first, axis=1)
    _answer(
        found,
        rows[reached],
        likelihood.take(np.flatnonzero(reached)),
        theta[reached],
        value[reached],
        information[reached],
        base=base[reached],
        weights=weights,
        lines=lines,
        animals=animals[reached],
        span=np.where(read, np.abs(lines.time), 0.0).max(axis=1)[reached],
    )
    return found
