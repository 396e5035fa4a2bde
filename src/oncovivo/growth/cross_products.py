"""What a mixed model with random lines needs of the data: small cross products of each animal.

Animals with the same measuring times (and the same residual variance) share their part of the
covariance, so their products are summed: a balanced study is one pattern, however many animals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.engine import Problem

__all__ = [
    "Animals",
    "CrossProducts",
    "Scalings",
    "cross_products",
    "gram_determinant",
    "group_columns",
    "order_by_animal",
    "outer_sums",
    "stack_products",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossProducts:
    """Sums over the readings of B studies in g patterns of measuring times.

    With A = [X, y] for the readings of a pattern's animal and Z = [1, t]: everything the
    likelihood and its derivatives need is linear in Z'A (Z'A)' and A'A.

    Parameters
    ----------
    animals : ndarray, shape (B, g)
        Animals of each pattern; 0 where a study has fewer patterns.
    readings : ndarray, shape (B, g)
        Readings of each such animal.
    gram : ndarray, shape (3, B, g)
        Their Z'Z: count, sum of times, sum of squared times.
    gram_det : ndarray, shape (B, g)
        Determinant of Z'Z.
    variance_class : ndarray of int, shape (B, g)
        Number of the pattern's residual variance.
    total : ndarray, shape (B, c, a, a)
        A'A of the readings of each of c residual variances; a = p + 1.
    outer : ndarray, shape (B, g * 3, a * a)
        Sums over a pattern's animals of r_1'r_1, r_1'r_2 + r_2'r_1 and r_2'r_2, where r_1 and r_2
        are the rows of Z'A.
    class_readings : ndarray, shape (B, c)
        Readings of each residual variance.
    """

    animals: FloatArray
    readings: FloatArray
    gram: FloatArray
    gram_det: FloatArray
    variance_class: IntArray
    total: FloatArray
    outer: FloatArray
    class_readings: FloatArray

    @property
    def n_studies(self) -> int:
        """Number of studies, B."""
        return int(self.animals.shape[0])

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients, p."""
        return int(self.total.shape[-1]) - 1

    @property
    def n_classes(self) -> int:
        """Number of residual variances."""
        return int(self.total.shape[1])

    def turned(self, which: BoolArray) -> CrossProducts:
        """The same with slope and intercept in each other's place, in some of the studies.

        Parameters
        ----------
        which : ndarray of bool, shape (B,)
            In which.
        """
        outer = self.outer.reshape(*self.animals.shape, 3, -1)
        return replace(
            self,
            gram=np.where(which[:, None], self.gram[::-1], self.gram),
            outer=np.where(which[:, None, None, None], outer[:, :, ::-1], outer).reshape(
                self.outer.shape
            ),
        )

    def take(self, index: IntArray) -> CrossProducts:
        """Some of the studies."""
        return CrossProducts(
            animals=self.animals[index],
            readings=self.readings[index],
            gram=self.gram[:, index],
            gram_det=self.gram_det[index],
            variance_class=self.variance_class[index],
            total=self.total[index],
            outer=self.outer[index],
            class_readings=self.class_readings[index],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scalings:
    """How the arrays of B studies were made to be of order one.

    Parameters
    ----------
    time : ndarray, shape (B,)
        Days in one unit of the scaled time.
    outcome : ndarray, shape (B,)
        Residual standard deviation of ordinary least squares, which the outcome is divided by.
    triangle : ndarray, shape (B, p, p)
        X = Q triangle with orthonormal Q.
    start : ndarray, shape (B, p)
        Coefficients of ordinary least squares on Q, which are taken off the outcome.
    estimable : ndarray of bool, shape (B,)
        Whether the study's readings tell all coefficients apart.
    """

    time: FloatArray
    outcome: FloatArray
    triangle: FloatArray
    start: FloatArray
    estimable: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Animals:
    """Cross products of each animal, for its predicted random effects.

    Parameters
    ----------
    gram : ndarray, shape (3, n)
        Count, sum of times, sum of squared times.
    rows : ndarray, shape (n, 2, p + 1)
        Z'[Q, y], scaled.
    """

    gram: FloatArray
    rows: FloatArray


def cross_products(problem: Problem) -> tuple[CrossProducts, Scalings, Animals]:
    """Cross products of one study, a batch of one.

    Parameters
    ----------
    problem : Problem
        With residual ``iid`` or ``arm`` and without groups.
    """
    order = order_by_animal(problem.animal)
    if order is not None:
        problem = replace(
            problem,
            y=problem.y[order],
            x=problem.x[order],
            time=problem.time[order],
            animal=problem.animal[order],
        )
    n = problem.arm.size
    m, p = problem.x.shape
    time_scale = float(np.abs(problem.time).max()) or 1.0
    time = problem.time / time_scale
    basis, triangle = np.linalg.qr(problem.x)
    start = basis.T @ problem.y
    rest = problem.y - basis @ start
    # Once more: what rounding left of the fixed part.
    again = basis.T @ rest
    rest -= basis @ again
    outcome_scale = float(np.sqrt(rest @ rest / max(m - p, 1))) or 1.0
    table = np.empty((m, p + 1))
    table[:, :p] = basis
    table[:, p] = rest / outcome_scale
    first = np.flatnonzero(np.diff(problem.animal, prepend=-1))
    count = np.diff(first, append=m).astype(np.float64)
    rows = np.empty((n, 2, p + 1))
    rows[:, 0] = np.add.reduceat(table, first)
    rows[:, 1] = np.add.reduceat(table * time[:, None], first)
    gram = np.array([count, np.add.reduceat(time, first), np.add.reduceat(time * time, first)])
    if problem.residual == "arm":
        classes, variance_class = np.unique(problem.arm, return_inverse=True)
        of_reading = variance_class[problem.animal]
        parts = [table[of_reading == k] for k in range(classes.size)]
        total = np.array([part.T @ part for part in parts])
    else:
        variance_class = np.zeros(n, dtype=np.intp)
        total = (table.T @ table)[None]
    order, pattern_start = group_columns(np.vstack((gram, variance_class)))
    of_pattern = order[pattern_start]
    pattern_gram = gram[:, of_pattern]
    single = np.empty((n, 3, p + 1, p + 1))
    outer_sums(rows[order, None], out=single)
    products = CrossProducts(
        animals=np.diff(pattern_start, append=n).astype(np.float64)[None],
        readings=pattern_gram[:1],
        gram=pattern_gram[:, None],
        gram_det=gram_determinant(pattern_gram)[None],
        variance_class=variance_class[of_pattern][None],
        total=total[None],
        outer=np.add.reduceat(single, pattern_start).reshape(1, -1, (p + 1) ** 2),
        class_readings=np.bincount(variance_class, weights=count).astype(np.float64)[None],
    )
    scalings = Scalings(
        time=np.array([time_scale]),
        outcome=np.array([outcome_scale]),
        triangle=triangle[None],
        start=(start + again)[None],
        estimable=np.ones(1, dtype=bool),
    )
    return products, scalings, Animals(gram=gram, rows=rows)


def stack_products(parts: Sequence[CrossProducts]) -> CrossProducts:
    """One batch of several; patterns that a study lacks are filled up with no animals.

    Parameters
    ----------
    parts : sequence of CrossProducts
        With the same number of coefficients and of residual variances.
    """
    patterns = max(part.animals.shape[1] for part in parts)

    def filled(array: FloatArray, axis: int, factor: int = 1) -> FloatArray:
        width = [(0, 0)] * array.ndim
        width[axis] = (0, factor * patterns - array.shape[axis])
        return np.pad(array, width)

    return CrossProducts(
        animals=np.concatenate([filled(part.animals, 1) for part in parts]),
        readings=np.concatenate([filled(part.readings, 1) for part in parts]),
        gram=np.concatenate([filled(part.gram, 2) for part in parts], axis=1),
        gram_det=np.concatenate([filled(part.gram_det, 1) for part in parts]),
        variance_class=np.concatenate(
            [
                np.pad(part.variance_class, ((0, 0), (0, patterns - part.animals.shape[1])))
                for part in parts
            ]
        ),
        total=np.concatenate([part.total for part in parts]),
        outer=np.concatenate([filled(part.outer, 1, 3) for part in parts]),
        class_readings=np.concatenate([part.class_readings for part in parts]),
    )


def order_by_animal(animal: IntArray) -> IntArray | None:
    """Order that brings an animal's readings together; None where they are."""
    if (animal[1:] >= animal[:-1]).all():
        return None
    return np.argsort(animal, kind="stable")


def gram_determinant(gram: FloatArray) -> FloatArray:
    """Determinant of Z'Z, not below 0, from its three entries along the first axis."""
    return np.asarray(np.maximum(gram[0] * gram[2] - gram[1] ** 2, 0.0))


def group_columns(keys: FloatArray) -> tuple[IntArray, IntArray]:
    """Order that brings equal columns together, and where each group starts in it."""
    order = np.lexsort(keys)
    sorted_keys = keys[:, order]
    new = (sorted_keys[:, 1:] != sorted_keys[:, :-1]).any(axis=0)
    return order, np.concatenate(([0], np.flatnonzero(new) + 1))


def outer_sums(rows: FloatArray, *, out: FloatArray) -> None:
    """Sums over animals of r_1'r_1, r_1'r_2 + r_2'r_1 and r_2'r_2.

    Parameters
    ----------
    rows : ndarray, shape (..., animals, 2, a)
        r_1 and r_2 of each animal.
    out : ndarray, shape (..., 3, a, a)
        Is filled.
    """
    width = rows.shape[-1]
    flat = rows.reshape(*rows.shape[:-2], 2 * width)
    square = np.swapaxes(flat, -1, -2) @ flat
    mixed = square[..., :width, width:]
    out[..., 0, :, :] = square[..., :width, :width]
    np.add(mixed, np.swapaxes(mixed, -1, -2), out=out[..., 1, :, :])
    out[..., 2, :, :] = square[..., width:, width:]
