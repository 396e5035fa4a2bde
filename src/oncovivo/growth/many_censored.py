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
from oncovivo.growth.many_animals import MOST_CENSORED, CensoredAnimals, MeasuredAnimals
from oncovivo.growth.many_tobit import ManyTobit
from oncovivo.growth.replicates import Replicates
from oncovivo.numerics.mapping import map_parts, split_evenly
from oncovivo.numerics.quadrature import gauss_hermite_grid

__all__ = ["ManyCensoredFits", "fit_many_censored"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Studies that are fitted at once.
_STUDIES: Final = 250
# Three points in each dimension: estimates are within some hundredths of a standard error.
_COARSE: Final = 3
_COARSE_GAIN: Final = 1e-3
# A study that needs more steps by one rule is told.
_STEPS: Final = 40
# Longest step of a parameter, as in ``fit_censored``.
_LONGEST_STEP: Final = 1.0
_NEAR_MAXIMUM: Final = 1e-4
# What the last step gains; nearer than estimates need, as the information is taken before it and
# changes fast where a variance is nearly zero.
_LAST_GAIN: Final = 1e-12
# Curvature below this share of the largest is no maximum that can be told.
_FLAT: Final = 1e-10
# A start must not be zero, where the likelihood is level.
_SMALLEST_START: Final = 1e-4
# A difference of a parameter, where derivatives have full precision.
_DIFFERENCE: Final = 2e-5
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
    x : ndarray, shape (m, p)
        Columns.
    time : ndarray, shape (m,)
        In units of the span.
    animal : ndarray of int, shape (m,)
        Animal of each reading, rising.
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

    x: FloatArray
    time: FloatArray
    animal: IntArray
    first: IntArray
    arm: IntArray
    lift: FloatArray
    scale: FloatArray
    span: float

    def sums(self, values: FloatArray) -> FloatArray:
        """Sums over the readings of each animal, shape (B, m) to (B, n)."""
        return np.asarray(np.add.reduceat(values, self.first, axis=1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Studies:
    """Outcomes of B studies without the line of least squares of each.

    Parameters
    ----------
    base : ndarray, shape (B, p)
        Coefficients of these lines.
    rest : ndarray, shape (B, m)
        What is left of the outcomes and limits, 0 where nothing was read.
    read, below : ndarray of bool, shape (B, m)
        What was read, and what of it is a limit.
    """

    base: FloatArray
    rest: FloatArray
    read: BoolArray
    below: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Maxima:
    """Where B searches ended.

    Parameters
    ----------
    theta : ndarray, shape (B, q)
        Parameters.
    value : ndarray, shape (B,)
        Log-likelihoods.
    information : ndarray, shape (B, q, q)
        Minus their second derivatives.
    slopes : ndarray, shape (B, r, q, q)
        Derivatives of the information by the root and the log deviation.
    reached : ndarray of bool, shape (B,)
        Whether there is a maximum.
    """

    theta: FloatArray
    value: FloatArray
    information: FloatArray
    slopes: FloatArray
    reached: BoolArray


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
    (50, -0.195)
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
    x = design.x / scale
    lift = np.zeros((arms.size, 2, scale.size))
    columns = np.column_stack((np.ones(design.time.size), design.time / span))
    for number in range(arms.size):
        rows = arm[design.animal] == number
        lift[number] = np.linalg.lstsq(columns[rows], x[rows])[0]
        if np.abs(columns[rows] @ lift[number] - x[rows]).max() > _LINE:
            expected = "a fixed part that is a line for each arm"
            raise InputError(expected, found="another", where=f"arm {arms[number]}")
    return _Lines(
        x=x,
        time=design.time / span,
        animal=design.animal,
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
    usable = np.flatnonzero(_usable(read, below, lines))
    if not usable.size:
        return _scattered(len(outcomes), usable, {}, lines.scale.size, len(weights))
    studies = _about_lines(outcomes[usable], read[usable], below[usable], lines)
    likelihood = _likelihood(studies, lines, points)
    maxima = _maximize(likelihood, _start(studies, lines), lines.scale.size)
    there = np.flatnonzero(maxima.reached)
    answers = _answers(maxima, there, studies, lines, weights) if there.size else {}
    return _scattered(len(outcomes), usable[there], answers, lines.scale.size, len(weights))


def _usable(read: BoolArray, below: BoolArray, lines: _Lines) -> BoolArray:
    """Studies whose measured readings tell all coefficients and the spread within animals."""
    measured = (read & ~below).astype(np.float64)
    p = lines.scale.size
    products = (lines.x[:, :, None] * lines.x[:, None, :]).reshape(-1, p * p)
    heights = np.linalg.eigvalsh((measured @ products).reshape(-1, p, p))
    animals = np.logical_or.reduceat(read, lines.first, axis=1).sum(axis=1)
    censored = lines.sums(below.astype(np.float64)).max(axis=1)
    return np.asarray(
        (heights[:, 0] > _LINE * heights[:, -1])
        & (lines.sums(measured).max(axis=1) > 1)
        & (animals > len(lines.lift))
        & (censored <= MOST_CENSORED)
    )


def _about_lines(
    outcomes: FloatArray, read: BoolArray, below: BoolArray, lines: _Lines
) -> _Studies:
    """Least squares with the limits as values, which leave numbers of order one."""
    p = lines.scale.size
    seen = read.astype(np.float64)
    products = (lines.x[:, :, None] * lines.x[:, None, :]).reshape(-1, p * p)
    gram = (seen @ products).reshape(-1, p, p)
    known = np.where(read, outcomes, 0.0)
    solved = np.linalg.solve(gram, (known @ lines.x)[:, :, None])
    base = np.asarray(solved[:, :, 0], dtype=np.float64)
    rest = np.where(read, known - base @ lines.x.T, 0.0)
    return _Studies(base=base, rest=rest, read=read, below=below)


def _start(studies: _Studies, lines: _Lines) -> FloatArray:
    """The lines of least squares, their residual spread dealt out evenly."""
    count, p = studies.base.shape
    readings = studies.read.sum(axis=1)
    spread = np.sqrt((studies.rest**2).sum(axis=1) / readings)
    share = np.maximum(spread, _SMALLEST_START) / np.sqrt(2.0)
    theta = np.zeros((count, p + 4))
    theta[:, p] = theta[:, p + 2] = share
    theta[:, p + 3] = np.log(share)
    return theta


def _likelihood(studies: _Studies, lines: _Lines, points: int) -> ManyTobit:
    """The animals of all studies, those that share days and arm together."""
    time, rest = lines.time, studies.rest
    measured = (studies.read & ~studies.below).astype(np.float64)
    design = np.array([lines.sums(measured * time**power) for power in range(3)])
    outcome = np.array([lines.sums(measured * rest * time**power) for power in range(2)])
    squares = lines.sums(measured * rest**2)
    count = lines.sums(studies.below.astype(np.float64)).astype(np.intp)
    arms = len(lines.lift)
    cell = np.arange(len(rest))[:, None] * arms + lines.arm
    whole = (count == 0) & (design[0] > 0)
    censored = _censored(studies, lines, count)
    order = np.argsort(-count[count > 0], kind="stable")
    return ManyTobit(
        n_studies=len(rest),
        lift=lines.lift,
        measured=_grouped(cell[whole], design[:, whole], outcome[:, whole], squares[whole]),
        censored=CensoredAnimals(
            cell=cell[count > 0][order],
            count=count[count > 0][order],
            design=design[:, count > 0][:, order],
            outcome=outcome[:, count > 0][:, order],
            squares=squares[count > 0][order],
            time=censored[0][order],
            bound=censored[1][order],
        ),
        grid=gauss_hermite_grid(points, 2),
        modes=np.zeros((2, order.size)),
        factors=np.zeros((3, order.size)),
    )


def _grouped(
    cell: IntArray, design: FloatArray, outcome: FloatArray, squares: FloatArray
) -> MeasuredAnimals:
    """Sums over the animals of a study and arm that were read on the same days."""
    order = np.lexsort((*design, cell))
    cell, design, outcome = cell[order], design[:, order], outcome[:, order]
    new = np.diff(cell, prepend=-1) != 0
    new[1:] |= (np.diff(design, axis=1) != 0).any(axis=0)
    starts = np.flatnonzero(new)
    first, second = outcome
    products = np.stack((first * first, first * second, second * second))
    empty = not starts.size

    def total(values: FloatArray) -> FloatArray:
        return values if empty else np.asarray(np.add.reduceat(values, starts, axis=-1))

    return MeasuredAnimals(
        cell=cell[starts],
        animals=total(np.ones(cell.size)),
        design=design[:, starts],
        outcome=total(outcome),
        products=total(products),
        squares=total(squares[order]),
    )


def _censored(studies: _Studies, lines: _Lines, count: IntArray) -> tuple[FloatArray, FloatArray]:
    """Times and limits of the censored readings of the animals that have some."""
    study, reading = np.nonzero(studies.below)
    owner = study * lines.arm.size + lines.animal[reading]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    place = np.arange(owner.size) - np.repeat(starts, np.diff(starts, append=owner.size))
    row = np.cumsum(np.diff(owner, prepend=-1) != 0) - 1
    time = np.zeros((starts.size, int(count.max(initial=0))))
    bound = np.zeros(time.shape)
    time[row, place] = lines.time[reading]
    bound[row, place] = studies.rest[study, reading]
    return time, bound


def _maximize(likelihood: ManyTobit, start: FloatArray, p: int) -> _Maxima:
    """Newton's method with the coarse rule, and the last steps with the other."""
    coarse = likelihood.with_grid(gauss_hermite_grid(_COARSE, 2))
    near = _climb(coarse, start, last_gain=_COARSE_GAIN)
    return _climb(likelihood, near.theta, last_gain=_LAST_GAIN, coefficients=p)


def _climb(
    likelihood: ManyTobit, start: FloatArray, *, last_gain: float, coefficients: int | None = None
) -> _Maxima:
    """Newton's method with the information; where it is not definite, its absolute value.

    A study ends where a step has so little to gain; what it gains is added, not looked at. With
    the number of coefficients the slopes of the information are taken there.
    """
    count, q = start.shape
    ended = _Maxima(
        theta=start.copy(),
        value=np.full(count, np.nan),
        information=np.zeros((count, q, q)),
        slopes=np.zeros((count, 0 if coefficients is None else q - coefficients, q, q)),
        reached=np.zeros(count, dtype=bool),
    )
    place, current, trial = np.arange(count), likelihood, start
    base, value, gradient = start, np.full(count, -np.inf), np.zeros((count, q))
    information = np.zeros((count, q, q))
    gain, share = np.full(count, np.inf), np.ones(count)
    for _ in range(_STEPS):
        new, slope, curvature = current.score(trial)
        # Derivatives are means over nodes, and those of the value up to the rule's error: near
        # the maximum they decide.
        better = (new >= value) | ((gain < _NEAR_MAXIMUM) & np.isfinite(new))
        base = np.where(better[:, None], trial, base)
        value = np.where(better, new, value)
        gradient = np.where(better[:, None], slope, gradient)
        information = np.where(better[:, None, None], curvature, information)
        share = np.where(better, 1.0, share / 4)
        step, gain, rises = _newton_step(gradient, information)
        trial = base + share[:, None] * step
        last = better & (gain < last_gain)
        if not last.any():
            continue
        done = np.flatnonzero(last & rises)
        rows = place[done]
        ended.theta[place] = trial
        ended.value[rows], ended.information[rows] = (value + gain)[done], information[done]
        ended.reached[rows] = True
        if coefficients is not None and done.size:
            there = current.take(done)
            ended.slopes[rows] = _slopes(there, base[done], information[done], coefficients)
        left = np.flatnonzero(~last)
        place, current, trial = place[left], current.take(left), trial[left]
        base, value, gradient = base[left], value[left], gradient[left]
        information, gain, share = information[left], gain[left], share[left]
        if not left.size:
            break
    ended.theta[place] = base
    return ended


def _newton_step(
    gradient: FloatArray, information: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Steps uphill, what they promise, and whether no direction rises beside them."""
    heights, basis = np.linalg.eigh(information)
    along = (gradient[:, None, :] @ basis)[:, 0]
    tallest = np.abs(heights).max(axis=1, keepdims=True)
    height = np.maximum(np.abs(heights), _FLAT * np.maximum(tallest, 1.0))
    step = (basis @ (along / height)[:, :, None])[:, :, 0]
    gain = 0.5 * (along**2 / height).sum(axis=1)
    step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / _LONGEST_STEP)
    return step, gain, np.asarray(heights[:, 0] > _FLAT * tallest[:, 0])


def _slopes(
    likelihood: ManyTobit, theta: FloatArray, information: FloatArray, p: int
) -> FloatArray:
    """How the information moves with the entries of the root and the log deviation."""
    steps = _DIFFERENCE * np.eye(theta.shape[1])[p:]
    ends = [likelihood.score(theta + step)[2] for step in steps]
    return np.stack([(end - information) / _DIFFERENCE for end in ends], axis=1)


def _answers(
    maxima: _Maxima, there: IntArray, studies: _Studies, lines: _Lines, weights: FloatArray
) -> dict[str, FloatArray | BoolArray]:
    """Tests of the questions, as :class:`CensoredInference` has them."""
    p = lines.scale.size
    theta = maxima.theta[there]
    inverse = np.linalg.inv(maxima.information[there])
    read = studies.read[there]
    animals = np.logical_or.reduceat(read, lines.first, axis=1).sum(axis=1)
    between = (animals - len(lines.lift)).astype(np.float64)
    enlarge = (animals / between)[:, None]
    carried = inverse[:, :, :p] @ weights.T
    variance = enlarge * (weights.T * carried[:, :p]).sum(axis=1)
    bent = maxima.slopes[there] @ carried[:, None]
    moved = -enlarge[:, :, None] * np.swapaxes((carried[:, None] * bent).sum(axis=2), 1, 2)
    spread = (moved @ inverse[:, p:, p:] * moved).sum(axis=2)
    with np.errstate(divide="ignore"):
        free = np.where(spread > 0, 2 * variance**2 / (spread * enlarge), np.inf)
    coefficients = studies.base[there] + theta[:, :p]
    root = np.zeros((there.size, 2, 2))
    root[:, 0, 0], root[:, 1, 0], root[:, 1, 1] = theta[:, p : p + 3].T
    residual = np.exp(theta[:, p + 3])
    covariance = root @ np.swapaxes(root, 1, 2)
    # Singular is told with time in units of each study's own last reading, as the twin does.
    last = np.where(read, np.abs(lines.time), 0.0).max(axis=1)
    unit = np.stack((np.ones(last.size), last), axis=1)
    smallest = np.linalg.eigvalsh(covariance * unit[:, :, None] * unit[:, None, :])[:, 0]
    day = np.array([1.0, 1.0 / lines.span])
    return {
        "coefficients": coefficients / lines.scale,
        "estimate": coefficients @ weights.T,
        "std_error": np.sqrt(variance),
        "df": np.clip(free, 1.0, between[:, None]),
        "random_covariance": covariance * np.outer(day, day),
        "residual_variance": residual**2,
        "log_likelihood": maxima.value[there],
        "singular": smallest < (_ZERO_SPREAD * residual) ** 2,
    }


def _scattered(
    count: int, rows: IntArray, answers: dict[str, FloatArray | BoolArray], p: int, questions: int
) -> ManyCensoredFits:
    """Answers of some of the studies among all."""

    def whole(name: str, *shape: int) -> FloatArray:
        values = np.full((count, *shape), np.nan)
        if rows.size:
            values[rows] = answers[name]
        return values

    fitted, singular = np.zeros((2, count), dtype=bool)
    fitted[rows] = True
    if rows.size:
        singular[rows] = answers["singular"]
    return ManyCensoredFits(
        coefficients=whole("coefficients", p),
        estimate=whole("estimate", questions),
        std_error=whole("std_error", questions),
        df=whole("df", questions),
        random_covariance=whole("random_covariance", 2, 2),
        residual_variance=whole("residual_variance"),
        log_likelihood=whole("log_likelihood"),
        fitted=fitted,
        singular=singular,
    )


def _joined(parts: Sequence[ManyCensoredFits]) -> ManyCensoredFits:
    """One result of the chunks'."""
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ManyCensoredFits.__slots__
    }
    return ManyCensoredFits(**whole)
