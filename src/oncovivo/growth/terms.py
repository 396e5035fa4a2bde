"""The fixed part of a growth model: columns for each reading, and weights for any question.

A question about group curves (a rate, a difference at a day, the area under a curve) is a vector
of weights on the coefficients; every one of them is made here, so that all come from one fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.growth.model import GrowthModel, TimeShape

__all__ = ["LABELS", "FixedTerms", "fixed_terms", "time_basis"]

FloatArray: TypeAlias = NDArray[np.float64]

LABELS: Final = "a factor counts where every animal has a label"
"""What an unknown factor may lack."""

# A covariate column that the others explain to this share of its length cannot be told apart.
_COLLINEAR: Final = 1e-9
# Four points integrate each cubic piece of a curve without error.
_GAUSS: Final = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedTerms:
    """Coefficients of a growth model and how the readings depend on them.

    Parameters
    ----------
    names : tuple of str, length p
        ``(intercept)`` or ``intercept:ARM``; ``time:ARM`` (with the number of the piece or spline
        column where there are several); covariates.
    matrix : ndarray, shape (m, p)
        Column values for each reading that enters.
    rows : ndarray of int, shape (m,)
        Numbers of these readings in the data.
    outcome : ndarray, shape (m,)
        What is modeled: log size, or its difference from the baseline.
    arms : tuple of str
        Arms of the data.
    shape : TimeShape
        Shape of time.
    end : float
        Last time of the data, days; spline columns refer to it.
    level : ndarray, shape (p,)
        Weights of the mean covariates, which a group curve is drawn at.
    intercept_of, time_of : tuple
        Places of an arm's intercept (none in the ratio model) and of its time columns.
    """

    names: tuple[str, ...]
    matrix: FloatArray
    rows: NDArray[np.intp]
    outcome: FloatArray
    arms: tuple[str, ...]
    shape: TimeShape
    end: float
    level: FloatArray
    intercept_of: tuple[int | None, ...]
    time_of: tuple[tuple[int, ...], ...]

    def curve(self, arm: int, time: FloatArray) -> FloatArray:
        """Weights of an arm's mean at given times, shape (k, p).

        Parameters
        ----------
        arm : int
            Number of the arm.
        time : ndarray, shape (k,)
            Days since baseline.
        """
        weights = np.tile(self.level, (time.size, 1))
        place = self.intercept_of[arm]
        if place is not None:
            weights[:, place] += 1.0
        weights[:, self.time_of[arm]] += time_basis(time, self.shape, end=self.end)
        return weights

    def rate(self, arm: int, *, start: float = 0.0, end: float | None = None) -> FloatArray:
        """Weights of an arm's mean rate between two times, natural log per day, shape (p,).

        With linear time this is the slope, whatever the times.
        """
        last = self.end if end is None else end
        if not last > start:
            expected = "an end after the start"
            raise InputError(expected, found=f"{start:g} to {last:g}")
        ends = self.curve(arm, np.array([start, last]))
        return np.asarray((ends[1] - ends[0]) / (last - start))

    def area_rate(self, arm: int, *, end: float | None = None) -> FloatArray:
        """Weights of the rate that the area under an arm's curve stands for, shape (p,).

        2/T² times the area between the log curve and its start, over 0 to T days: the slope when
        the curve is a line (Forrest 2020, eGaIT).
        """
        last = self.end if end is None else end
        edges = np.unique([0.0, *(k for k in (*self.shape.knots, self.end) if k < last), last])
        nodes, share = _GAUSS
        area = np.zeros(len(self.names))
        start = self.curve(arm, np.zeros(1))[0]
        for low, high in pairwise(edges):
            half = (high - low) / 2
            points = self.curve(arm, low + half * (nodes + 1)) - start
            area += half * share @ points
        return np.asarray(2.0 * area / last**2)


def time_basis(time: FloatArray, shape: TimeShape, *, end: float) -> FloatArray:
    """Time columns, each 0 at time 0, shape (k, c).

    Linear: the time. Piecewise: the days spent in each piece, so that a coefficient is a rate.
    Spline: the truncated-power form of the natural cubic spline with boundary knots at 0 and the
    end (Hastie, Tibshirani and Friedman 2009, eq. 5.4-5.5), scaled by the end.

    Parameters
    ----------
    time : ndarray, shape (k,)
        Days since baseline.
    shape : TimeShape
        Kind and inner knots.
    end : float
        Last time of the data.
    """
    if shape.kind == "linear":
        return time[:, None]
    if shape.kind == "piecewise":
        edges = np.array([0.0, *shape.knots, np.inf])
        inside = np.clip(time[:, None], edges[:-1], edges[1:]) - edges[:-1]
        # Time before the baseline continues the first piece.
        inside[:, 0] += np.minimum(time, 0.0)
        return np.asarray(inside)
    knots = np.array([0.0, *shape.knots, end])
    cubes = np.maximum(time[:, None] - knots, 0.0) ** 3
    pieces = (cubes[:, :-1] - cubes[:, -1:]) / (knots[-1] - knots[:-1])
    return np.column_stack((time, (pieces[:, :-1] - pieces[:, -1:]) / end**2))


def fixed_terms(data: GrowthData, model: GrowthModel) -> FixedTerms:
    """Columns of the fixed part for the readings that enter.

    Raises
    ------
    DataError
        If a column cannot be told from the others, or no animal has a baseline where one is
        needed.
    InputError
        If a covariate is unknown, or a knot is not before the last time.
    """
    rows = np.arange(data.n_observations)
    outcome = data.log_size
    start = data.log_baseline[data.animal]
    at_start = data.time <= SAME_DAY
    if model.baseline == "ratio" or "log_baseline" in model.covariates:
        rows = np.flatnonzero(~at_start & ~np.isnan(start))
        if not rows.size:
            expected = "animals with a measured baseline and later readings"
            raise DataError(expected, found="none", where=f"study {data.study_id}")
        if model.baseline == "ratio":
            outcome = outcome - start
    time = data.time[rows]
    end = float(time.max())
    late = [knot for knot in model.time.knots if knot >= end]
    if late:
        expected = f"knots before {end:g} days from the baseline, the last reading"
        raise InputError(expected, found=f"{late[0]:g}", where=f"study {data.study_id}")
    arm = data.arm[data.animal[rows]]
    columns: list[FloatArray] = []
    names: list[str] = []
    intercept_of: list[int | None] = [None] * len(data.arms)
    if model.baseline == "outcome":
        if model.intercept == "common":
            intercept_of = [0] * len(data.arms)
            columns.append(np.ones(rows.size))
            names.append("(intercept)")
        else:
            for number, name in enumerate(data.arms):
                intercept_of[number] = len(columns)
                columns.append((arm == number).astype(np.float64))
                names.append(f"intercept:{name}")
    basis = time_basis(time, model.time, end=end)
    time_of: list[tuple[int, ...]] = []
    for number, name in enumerate(data.arms):
        first = len(columns)
        for index in range(basis.shape[1]):
            columns.append(np.where(arm == number, basis[:, index], 0.0))
            names.append(f"time:{name}" if basis.shape[1] == 1 else f"time{index + 1}:{name}")
        time_of.append(tuple(range(first, len(columns))))
    first = len(columns)
    for name, column in _covariates(data, model, rows):
        columns.append(column)
        names.append(name)
    matrix = np.column_stack(columns)
    _check_rank(matrix, names, where=f"study {data.study_id}")
    level = np.zeros(len(names))
    animals = np.unique(data.animal[rows], return_index=True)[1]
    level[first:] = matrix[animals, first:].mean(axis=0)
    return FixedTerms(
        names=tuple(names),
        matrix=matrix,
        rows=rows,
        outcome=outcome[rows],
        arms=data.arms,
        shape=model.time,
        end=end,
        level=level,
        intercept_of=tuple(intercept_of),
        time_of=tuple(time_of),
    )


def _covariates(
    data: GrowthData, model: GrowthModel, rows: NDArray[np.intp]
) -> list[tuple[str, FloatArray]]:
    """Columns of the covariates: the baseline, and a column for each label but the first."""
    animal = data.animal[rows]
    columns: list[tuple[str, FloatArray]] = []
    for name in model.covariates:
        if name == "log_baseline":
            start = data.log_baseline
            columns.append((name, start[animal] - float(np.nanmean(start))))
            continue
        if name not in data.factors:
            known = ", ".join(["log_baseline", *data.factors])
            expected = f"a covariate of the data: {known}"
            where = f"study {data.study_id}"
            raise InputError(expected, found=repr(name), where=where, mend=LABELS)
        labels = np.array(data.factors[name], dtype=object)[animal]
        if len(set(labels)) == np.unique(animal).size:
            expected = f"a covariate that animals share, not a {name} for each"
            found = f"{len(set(labels))} for as many animals"
            raise DataError(expected, found=found, where=f"study {data.study_id}")
        columns.extend(
            (f"{name}:{label}", (labels == label).astype(np.float64))
            for label in sorted(set(data.factors[name]))[1:]
        )
    return columns


def _check_rank(matrix: FloatArray, names: list[str], *, where: str) -> None:
    """Refuse columns that the ones before them explain."""
    scale = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(scale > 0, scale, 1.0)
    triangle = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    if matrix.shape[0] < matrix.shape[1]:
        expected = f"more readings than coefficients ({matrix.shape[1]})"
        raise DataError(expected, found=f"{matrix.shape[0]} readings", where=where)
    lost = np.flatnonzero(triangle < _COLLINEAR)
    if lost.size:
        expected = "coefficients that the readings can tell apart"
        raise DataError(
            expected,
            found=f"'{names[lost[0]]}' is explained by the other columns",
            where=where,
            mend="leave out the covariate, or the arm whose animals have one reading only; or "
            "take fewer knots",
        )
