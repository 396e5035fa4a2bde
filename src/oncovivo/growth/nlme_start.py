"""Start values of a nonlinear mixed model, from the readings alone."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.marginal import CurveProblem
from oncovivo.growth.structural import StartCurves

__all__ = ["start_points"]

FloatArray: TypeAlias = NDArray[np.float64]

_MOST_STEPS: Final = 60
_ENOUGH: Final = 1e-6
_FIRST_DAMPING: Final = 1e-3
_LARGEST_DAMPING: Final = 1e10
# Rounds of moment updates of the variances; the search proper does the rest.
_ROUNDS: Final = 20
_SMALLEST_SIGMA: Final = 1e-3
_MOST_STARTS: Final = 3
_NEAR: Final = 0.05
# Distances of this size are rounding.
_EXACT: Final = 1e-8


def start_points(problem: CurveProblem, curves: StartCurves, *, where: str) -> list[FloatArray]:
    """Coefficients of the law's own starts and of the best curves from there, with variances.

    Parameters
    ----------
    problem : CurveProblem
        Readings; times in units of the search.
    curves : StartCurves
        Parabolas through the arms, in the same units.
    where : str
        What an error names.

    Returns
    -------
    list of ndarray, shape (r,)
        Coefficients, entries of L, log sigma; the most likely first, each from another basin.

    Raises
    ------
    DataError
        If no start lets every tumor live as long as it was measured, or a curve fits exactly.
    """
    found: list[FloatArray] = []
    exact = False
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for table in problem.model.start(curves):
            first = _pooled(problem, table)
            coefficients, loss = _least_squares(problem, first)
            if np.isfinite(loss):
                found.extend((first, coefficients))
                exact = exact or loss <= _EXACT**2 * problem.used.sum()
    if exact:
        expected = "readings that differ from their arm's curve"
        raise DataError(expected, found="none: the fit would be exact", where=where)
    if not found:
        expected = f"readings that the law '{problem.model.name}' can describe"
        raise DataError(expected, found="no curve near them", where=where)
    points = np.stack([_with_variances(problem, coefficients) for coefficients in found])
    values = np.nan_to_num(problem.evaluate(points).by_animal.sum(axis=-1), nan=-np.inf)
    chosen: list[int] = []
    for number in np.argsort(-values, kind="stable").tolist():
        near = [other for other in chosen if _same(points[number], points[other])]
        if not near and (not chosen or np.isfinite(values[number])):
            chosen.append(number)
    return [points[number] for number in chosen[:_MOST_STARTS]]


def _same(one: FloatArray, other: FloatArray) -> bool:
    """Whether two starts are near enough to end at the same place."""
    return bool(np.abs(one - other).max() < _NEAR)


def _pooled(problem: CurveProblem, table: FloatArray) -> FloatArray:
    """Coefficients from values for each arm: the mean where arms share one."""
    # Arms in the order of their first coefficient of any parameter that differs by arm.
    width = problem.place.max(axis=0) - problem.place.min(axis=0)
    by_arm = np.flatnonzero(width > 0)
    total, count = np.zeros(problem.p), np.zeros(problem.p)
    if by_arm.size:
        column = by_arm[0]
        arm = problem.place[:, column] - problem.place[:, column].min()
    else:
        arm = np.zeros(problem.place.shape[0], dtype=np.intp)
    np.add.at(total, problem.place, table[arm])
    np.add.at(count, problem.place, 1.0)
    return total / np.maximum(count, 1.0)


def _residuals(problem: CurveProblem, coefficients: FloatArray) -> FloatArray:
    curve = problem.model.predict(coefficients[problem.place], problem.time)
    return np.where(problem.used, problem.y - curve, 0.0)


def _least_squares(problem: CurveProblem, start: FloatArray) -> tuple[FloatArray, float]:
    """Marquardt's method on all readings; the loss is infinite outside the domain."""
    member = np.zeros((*problem.place.shape, problem.p))
    np.put_along_axis(member, problem.place[..., None], 1.0, axis=-1)
    point = start
    rest = _residuals(problem, point)
    loss = float((rest**2).sum())
    if not np.isfinite(loss):
        return point, np.inf
    damping = _FIRST_DAMPING
    for _ in range(_MOST_STEPS):
        slopes = problem.model.gradient(point[problem.place], problem.time)
        slopes = np.where(problem.used[..., None], slopes, 0.0) @ member
        pull = (slopes * rest[..., None]).sum(axis=(0, 1))
        square = np.tensordot(slopes, slopes, axes=((0, 1), (0, 1)))
        if not (np.isfinite(pull).all() and np.isfinite(square).all()):
            return point, loss
        floor = 1e-8 * max(float(np.diag(square).max()), 1e-300)
        while damping < _LARGEST_DAMPING:
            raised = square + np.diag(damping * np.maximum(np.diag(square), floor) + 1e-300)
            trial = point + np.linalg.solve(raised, pull)
            new_rest = _residuals(problem, trial)
            new_loss = float((new_rest**2).sum())
            if np.isfinite(new_loss) and new_loss <= loss:
                break
            damping *= 8
        else:
            return point, loss
        gained = loss - new_loss
        point, rest, loss = trial, new_rest, new_loss
        damping = max(damping / 5, 1e-12)
        if gained <= _ENOUGH * (loss + 1e-12):
            break
    return point, loss


def _with_variances(problem: CurveProblem, coefficients: FloatArray) -> FloatArray:
    """Variances by the EM algorithm of the model that is linear around the curves."""
    phi = coefficients[problem.place]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slopes = problem.model.gradient(phi, problem.time)[..., problem.random]
    usable = problem.used & np.isfinite(slopes).all(axis=-1)
    slopes = np.where(usable[..., None], slopes, 0.0)
    rest = np.where(usable, _residuals(problem, coefficients), 0.0)
    count = max(int(usable.sum()), 1)
    square = np.swapaxes(slopes, -1, -2) @ slopes
    pull = (slopes * rest[..., None]).sum(axis=1)
    sigma2 = max(float((rest**2).sum()) / count, _SMALLEST_SIGMA**2)
    reach = np.maximum(np.sqrt((slopes**2).sum(axis=(0, 1)) / count), 1e-6)
    omega = np.diag(sigma2 / reach**2)
    for _ in range(_ROUNDS):
        spread = np.linalg.inv(np.linalg.inv(omega) + square / sigma2)
        effect = (spread @ pull[..., None])[..., 0] / sigma2
        moment = (effect[..., :, None] * effect[..., None, :] + spread).mean(axis=0)
        left = rest - (slopes @ effect[..., None])[..., 0]
        noise = (left**2).sum() + np.einsum("nij,nji->", square, spread)
        sigma2 = max(float(noise) / count, _SMALLEST_SIGMA**2)
        least = (0.01 * sigma2) / reach**2
        if problem.structure == "diagonal":
            omega = np.diag(np.maximum(np.diag(moment), least))
        else:
            omega = moment + np.diag(least)
    rows, columns = problem.entries
    factor = np.linalg.cholesky(omega)
    return np.concatenate((coefficients, factor[rows, columns], [0.5 * np.log(sigma2)]))
