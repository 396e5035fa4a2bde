"""Relabelings of animals: all ways if they are few, else drawn ones; p-values of scored animals.

References
----------
Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39 (a drawn p-value counts the observed
labels).
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.numerics import permutation_sum_test
from oncovivo.numerics.resampling import MOST_RELABELINGS

__all__ = ["relabeled_p_value", "relabelings"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Statistics that differ by less are the same.
_TIE: Final = 1e-9
_FEWEST_DRAWS: Final = 99
_TWO: Final = 2


def relabelings(
    labels: IntArray,
    strata: IntArray,
    *,
    draws: int,
    rng: np.random.Generator | None = None,
) -> tuple[IntArray, bool]:
    """Labels moved among the animals of each stratum: all ways if they are few, else drawn ones.

    Parameters
    ----------
    labels, strata : ndarray of int, shape (n,)
        Arm and stratum of each animal.
    draws : int
        Relabelings to draw where there are more than 20,000, at least 99.
    rng : numpy.random.Generator, optional
        Source of randomness; needed where they are drawn.

    Returns
    -------
    relabeled : ndarray of int, shape (m, n)
        One relabeling in each row; among all ways each comes once.
    exact : bool
        Whether these are all.

    Raises
    ------
    InputError
        If they must be drawn and there is no source of randomness, or too few draws.

    Examples
    --------
    >>> relabelings(np.array([0, 1, 1]), np.zeros(3, dtype=int), draws=99)
    (array([[0, 1, 1],
           [1, 0, 1],
           [1, 1, 0]]), True)
    """
    members = [np.flatnonzero(strata == code) for code in np.unique(strata)]
    if math.prod(_count(labels[member]) for member in members) <= MOST_RELABELINGS:
        rows = np.empty((1, labels.size), dtype=np.intp)
        for member in members:
            part = _arrangements(labels[member])
            size = len(rows)
            rows = np.repeat(rows, len(part), axis=0)
            rows[:, member] = np.tile(part, (size, 1))
        return rows, True
    if rng is None:
        raise InputError("a source of randomness", found="none", mend="give rng")
    if draws < _FEWEST_DRAWS:
        raise InputError(f"{_FEWEST_DRAWS} draws or more", found=str(draws))
    rows = np.tile(labels, (draws, 1))
    for member in members:
        rows[:, member] = rng.permuted(rows[:, member], axis=1)
    return rows, False


def relabeled_p_value(
    animal: FloatArray,
    label: IntArray,
    *,
    contrast: FloatArray | None = None,
    draws: int,
    rng: np.random.Generator | None,
) -> tuple[float, int, bool]:
    """P-value of groups of scored animals under relabeling.

    Parameters
    ----------
    animal : ndarray, shape (n,)
        Score of each animal, with sum zero.
    label : ndarray of int, shape (n,)
        Group of each animal.
    contrast : ndarray, shape (k,), optional
        Dose of each group, for a trend; without it the squared sums of the groups' scores, each
        over the group's size, are added up.
    draws : int
        Relabelings to draw where there are too many to look at all, at least 99.
    rng : numpy.random.Generator, optional
        Source of randomness; needed where they are drawn.

    Returns
    -------
    p_value : float
        Share of relabelings at least as far; of drawn ones, with the observed labels among them.
    n_relabelings : int
        How many were looked at.
    exact : bool
        Whether these were all.

    Raises
    ------
    InputError
        If they must be drawn and there is no source of randomness, or too few draws.
    """
    sizes = np.bincount(label)
    used = np.flatnonzero(sizes)
    if used.size == _TWO:
        n_first = int(sizes[used[0]])
        drawn = math.comb(animal.size, n_first) > MOST_RELABELINGS
        if drawn and rng is None:
            raise InputError("a source of randomness", found="none", mend="give rng")
        if drawn and draws < _FEWEST_DRAWS:
            raise InputError(f"{_FEWEST_DRAWS} draws or more", found=str(draws))
        ordered = animal[np.argsort(label, kind="stable")]
        source = np.random.default_rng(0) if rng is None else rng
        return permutation_sum_test(ordered, n_first, draws=draws, rng=source)
    rows, exact = relabelings(label, np.zeros_like(label), draws=draws, rng=rng)
    far = _distance(animal, rows, sizes, contrast)
    observed = float(_distance(animal, label[np.newaxis], sizes, contrast)[0])
    scale = _TIE * float((animal**2).sum())
    count, extra = int(np.count_nonzero(far >= observed - scale)), 0 if exact else 1
    return (count + extra) / (len(rows) + extra), len(rows), exact


def _distance(
    animal: FloatArray, rows: IntArray, sizes: IntArray, contrast: FloatArray | None
) -> FloatArray:
    """What a relabeling's statistic rises with."""
    if contrast is not None:
        # the scores add up to 0, so that the mean of the doses does not matter
        return np.asarray((contrast[rows] @ animal) ** 2, dtype=np.float64)
    total = np.zeros(len(rows))
    for code in np.flatnonzero(sizes).tolist():
        total += ((rows == code) @ animal) ** 2 / sizes[code]
    return total


def _count(labels: IntArray) -> int:
    """In how many ways labels can be arranged."""
    ways, left = 1, labels.size
    for size in np.unique(labels, return_counts=True)[1].tolist():
        ways *= math.comb(left, size)
        left -= size
    return ways


def _arrangements(labels: IntArray) -> IntArray:
    """All arrangements of labels, each once, shape (m, n)."""
    rows = np.empty((1, labels.size), dtype=np.intp)
    # the places still to fill, as many in every row
    free = np.arange(labels.size)[np.newaxis]
    for code, size in zip(*np.unique(labels, return_counts=True), strict=True):
        chosen = np.array(list(combinations(range(free.shape[1]), int(size))), dtype=np.intp)
        taken = np.zeros((len(chosen), free.shape[1]), dtype=np.bool_)
        np.put_along_axis(taken, chosen, values=True, axis=1)
        count = len(free)
        rows = np.repeat(rows, len(chosen), axis=0)
        free = np.repeat(free, len(chosen), axis=0)
        taken = np.tile(taken, (count, 1))
        np.put_along_axis(rows, free[taken].reshape(len(rows), -1), values=code, axis=1)
        free = free[~taken].reshape(len(rows), -1)
    return rows
