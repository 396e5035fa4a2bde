"""Cross products of many studies of one design: the same animals and days, other outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.cross_products import (
    CrossProducts,
    Scalings,
    gram_determinant,
    group_columns,
    order_by_animal,
    outer_sums,
)
from oncovivo.growth.engine import Problem

__all__ = ["Replicates", "replicate_products"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Columns of X that readings left out make dependent, in terms of the smallest eigenvalue of Q'Q,
# where Q is orthonormal over all readings.
_DEPENDENT: Final = 1e-9
# Which of an animal's readings are there is told by an integer with as many bits.
_MOST_BITS: Final = 62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """Many studies of one design.

    Parameters
    ----------
    design : Problem
        Fixed part, times, animals and model; its outcome is not used.
    outcomes : ndarray, shape (B, m)
        Outcome of each study.
    observed : ndarray of bool, shape (B, m) or None
        Which readings each study has; all without it. An outcome that is not observed may be
        anything, NaN too.

    Raises
    ------
    InputError
        If shapes do not fit, or an observed outcome is not finite.
    """

    design: Problem
    outcomes: FloatArray
    observed: BoolArray | None = field(default=None)

    def __post_init__(self) -> None:
        m = self.design.time.size
        shapes = [self.outcomes.shape]
        if self.observed is not None:
            shapes.append(self.observed.shape)
        if any(shape != (self.outcomes.shape[0], m) for shape in shapes):
            expected = f"outcomes (and marks of what was observed) of shape (studies, {m})"
            raise InputError(expected, found=" and ".join(str(shape) for shape in shapes))
        known = np.isfinite(self.outcomes)
        if self.observed is not None:
            known |= ~self.observed
        if not known.all():
            expected = "finite outcomes"
            study, reading = np.argwhere(~known)[0].tolist()
            raise InputError(expected, found="NaN or infinite", where=f"[{study}, {reading}]")

    def by_animal(self) -> Replicates:
        """The same with each animal's readings together."""
        order = order_by_animal(self.design.animal)
        if order is None:
            return self
        return replace(
            self,
            design=replace(
                self.design,
                y=self.design.y[order],
                x=self.design.x[order],
                time=self.design.time[order],
                animal=self.design.animal[order],
            ),
            outcomes=self.outcomes[:, order],
            observed=None if self.observed is None else self.observed[:, order],
        )

    def take(self, rows: slice) -> Replicates:
        """Some of the studies."""
        observed = None if self.observed is None else self.observed[rows]
        return replace(self, outcomes=self.outcomes[rows], observed=observed)


def replicate_products(replicates: Replicates) -> tuple[CrossProducts, Scalings]:
    """Cross products of all studies, and their scalings.

    Parameters
    ----------
    replicates : Replicates
        Sorted by animal, with residual ``iid`` or ``arm`` and without groups.
    """
    design = replicates.design
    time_scale = float(np.abs(design.time).max()) or 1.0
    time = design.time / time_scale
    basis, triangle = np.linalg.qr(design.x)
    if design.residual == "arm":
        variance_class = np.unique(design.arm, return_inverse=True)[1]
    else:
        variance_class = np.zeros(design.arm.size, dtype=np.intp)
    if replicates.observed is None:
        return _complete(
            replicates.outcomes, design.animal, time, basis, triangle, variance_class, time_scale
        )
    return _with_gaps(
        replicates.outcomes,
        replicates.observed,
        design.animal,
        time,
        basis,
        triangle,
        variance_class,
        time_scale,
    )


def _complete(
    outcomes: FloatArray,
    animal: IntArray,
    time: FloatArray,
    basis: FloatArray,
    triangle: FloatArray,
    variance_class: IntArray,
    time_scale: float,
) -> tuple[CrossProducts, Scalings]:
    """All studies have all readings."""
    studies = outcomes.shape[0]
    m, p = basis.shape
    n = variance_class.size
    start = outcomes @ basis
    rest = outcomes - start @ basis.T
    again = rest @ basis
    rest -= again @ basis.T
    scale = np.sqrt((rest * rest).sum(axis=1) / max(m - p, 1))
    scale = np.where(scale > 0, scale, 1.0)
    rest /= scale[:, None]
    first = np.flatnonzero(np.diff(animal, prepend=-1))
    count = np.diff(first, append=m).astype(np.float64)
    rows = np.empty((studies, n, 2, p + 1))
    rows[:, :, 0, :p] = np.add.reduceat(basis, first)
    rows[:, :, 1, :p] = np.add.reduceat(basis * time[:, None], first)
    rows[:, :, 0, p] = np.add.reduceat(rest, first, axis=1)
    rows[:, :, 1, p] = np.add.reduceat(rest * time, first, axis=1)
    gram = np.array([count, np.add.reduceat(time, first), np.add.reduceat(time * time, first)])
    classes = int(variance_class.max()) + 1
    total = np.empty((studies, classes, p + 1, p + 1))
    of_reading = variance_class[animal]
    for k in range(classes):
        inside = of_reading == k
        part, own = basis[inside], rest[:, inside]
        total[:, k, :p, :p] = part.T @ part
        total[:, k, :p, p] = total[:, k, p, :p] = own @ part
        total[:, k, p, p] = (own * own).sum(axis=1)
    order, pattern_start = group_columns(np.vstack((gram, variance_class)))
    edges = [*pattern_start.tolist(), n]
    outer = np.empty((studies, len(pattern_start), 3, p + 1, p + 1))
    for pattern, (low, high) in enumerate(pairwise(edges)):
        outer_sums(rows[:, order[low:high]], out=outer[:, pattern])
    of_pattern = order[pattern_start]
    patterns = np.broadcast_to(gram[:, None, of_pattern], (3, studies, of_pattern.size))
    shape = (studies, of_pattern.size)
    products = CrossProducts(
        animals=np.broadcast_to(np.diff(edges).astype(np.float64), shape),
        readings=patterns[0],
        gram=patterns,
        gram_det=gram_determinant(patterns),
        variance_class=np.broadcast_to(variance_class[of_pattern], shape),
        total=total,
        outer=outer.reshape(studies, -1, (p + 1) ** 2),
        class_readings=np.broadcast_to(
            np.bincount(variance_class, weights=count), (studies, classes)
        ),
    )
    scalings = Scalings(
        time=np.full(studies, time_scale),
        outcome=scale,
        triangle=np.broadcast_to(triangle, (studies, p, p)),
        start=start + again,
        estimable=np.ones(studies, dtype=bool),
    )
    return products, scalings


def _with_gaps(
    outcomes: FloatArray,
    observed: BoolArray,
    animal: IntArray,
    time: FloatArray,
    basis: FloatArray,
    triangle: FloatArray,
    variance_class: IntArray,
    time_scale: float,
) -> tuple[CrossProducts, Scalings]:
    """Each study lacks readings of its own."""
    studies = observed.shape[0]
    m, p = basis.shape
    n = variance_class.size
    width = p + 1
    first = np.flatnonzero(np.diff(animal, prepend=-1))
    present = observed.astype(np.float64)
    # Orthonormal columns for each study: Q'Q = L L' over its readings.
    products_of_basis = (basis[:, :, None] * basis[:, None, :]).reshape(m, p * p)
    square = (present @ products_of_basis).reshape(studies, p, p)
    estimable = np.linalg.eigvalsh(square)[:, 0] > _DEPENDENT
    square[~estimable] = np.eye(p)
    lower = np.linalg.cholesky(square)
    back = np.linalg.inv(lower)
    start = np.zeros((studies, p))
    rest = np.where(observed, outcomes, 0.0)
    for _ in range(2):
        toward = (back @ (rest @ basis)[:, :, None])[:, :, 0]
        start += toward
        rest = (rest - (toward[:, None, :] @ back)[:, 0] @ basis.T) * present
    readings = present.sum(axis=1)
    scale = np.sqrt((rest * rest).sum(axis=1) / np.maximum(readings - p, 1))
    scale = np.where(scale > 0, scale, 1.0)
    rest /= scale[:, None]
    edges = [*first.tolist(), m]
    lines = np.concatenate((basis, basis * time[:, None]), axis=1)
    raw = np.empty((studies, n, 2 * p))
    for index, (low, high) in enumerate(pairwise(edges)):
        raw[:, index] = present[:, low:high] @ lines[low:high]
    turned = raw.reshape(studies, 2 * n, p) @ back.transpose(0, 2, 1)
    rows = np.empty((studies, n, 2, width))
    rows[..., :p] = turned.reshape(studies, n, 2, p)
    rows[:, :, 0, p] = np.add.reduceat(rest, first, axis=1)
    rows[:, :, 1, p] = np.add.reduceat(rest * time, first, axis=1)
    gram = np.array(
        [np.add.reduceat(present * power, first, axis=1) for power in (1.0, time, time**2)]
    )
    classes = int(variance_class.max()) + 1
    total = np.empty((studies, classes, width, width))
    of_reading = variance_class[animal]
    class_readings = np.empty((studies, classes))
    for k in range(classes):
        inside = of_reading == k
        own = (present[:, inside] @ products_of_basis[inside]).reshape(studies, p, p)
        total[:, k, :p, :p] = back @ own @ back.transpose(0, 2, 1)
        toward = (back @ (rest[:, inside] @ basis[inside])[:, :, None])[:, :, 0]
        total[:, k, :p, p] = total[:, k, p, :p] = toward
        total[:, k, p, p] = (rest[:, inside] ** 2).sum(axis=1)
        class_readings[:, k] = present[:, inside].sum(axis=1)
    label = _pattern_labels(observed, edges, time, variance_class)
    scalings = Scalings(
        time=np.full(studies, time_scale),
        outcome=scale,
        triangle=lower.transpose(0, 2, 1) @ triangle,
        start=start,
        estimable=estimable,
    )
    merged = _merged(rows, gram, variance_class, label)
    products = CrossProducts(
        animals=merged.animals,
        readings=merged.gram[0],
        gram=merged.gram,
        gram_det=gram_determinant(merged.gram),
        variance_class=merged.variance_class,
        total=total,
        outer=merged.outer,
        class_readings=class_readings,
    )
    return products, scalings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Merged:
    """Patterns of all studies."""

    animals: FloatArray
    gram: FloatArray
    variance_class: IntArray
    outer: FloatArray


def _merged(
    rows: FloatArray, gram: FloatArray, variance_class: IntArray, label: IntArray | None
) -> _Merged:
    """Sum the outer products over the animals of a pattern, where that makes them fewer."""
    studies, n, _, width = rows.shape
    patterns = n if label is None else int(label.max()) + 1
    if label is None or patterns >= n:
        outer = np.empty((studies, n, 3, width, width))
        outer_sums(rows[:, :, None], out=outer)
        return _Merged(
            animals=(gram[0] > 0).astype(np.float64),
            gram=gram,
            variance_class=np.broadcast_to(variance_class, (studies, n)),
            outer=outer.reshape(studies, -1, width * width),
        )
    outer = np.empty((studies, patterns, 3, width, width))
    animals = np.empty((studies, patterns))
    pattern_gram = np.zeros((3, studies, patterns))
    pattern_class = np.zeros(patterns, dtype=np.intp)
    for pattern in range(patterns):
        inside = label == pattern
        study, animal = np.unravel_index(int(np.argmax(inside)), inside.shape)
        animals[:, pattern] = inside.sum(axis=1)
        pattern_gram[:, :, pattern] = gram[:, study, animal, None]
        pattern_class[pattern] = variance_class[animal]
        outer_sums(rows * inside[:, :, None, None], out=outer[:, pattern])
    return _Merged(
        animals=animals,
        gram=pattern_gram,
        variance_class=np.broadcast_to(pattern_class, (studies, patterns)),
        outer=outer.reshape(studies, -1, width * width),
    )


def _pattern_labels(
    observed: BoolArray, edges: list[int], time: FloatArray, variance_class: IntArray
) -> IntArray | None:
    """Number of each animal's pattern in each study, shape (B, n); None if it cannot be told."""
    longest = max(high - low for low, high in pairwise(edges))
    if longest > _MOST_BITS:
        return None
    studies, n = observed.shape[0], variance_class.size
    schedule: dict[tuple[float, ...], int] = {}
    code = np.empty((studies, n), dtype=np.int64)
    kind = np.empty(n, dtype=np.int64)
    for index, (low, high) in enumerate(pairwise(edges)):
        key = (*time[low:high].tolist(), float(variance_class[index]))
        kind[index] = schedule.setdefault(key, len(schedule))
        code[:, index] = observed[:, low:high] @ (1 << np.arange(high - low, dtype=np.int64))
    label = np.zeros((studies, n), dtype=np.intp)
    used = 0
    for value in range(len(schedule)):
        inside = kind == value
        distinct, place = np.unique(code[:, inside], return_inverse=True)
        label[:, inside] = used + place.reshape(studies, -1)
        used += distinct.size
    return label
