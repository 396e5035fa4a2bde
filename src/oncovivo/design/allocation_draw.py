"""Draws of allocations, thousands at once, and how balanced each of them is.

A draw is one row of uniform numbers, sorted: nothing of a generator is used but its 53-bit
uniform numbers, so that a seed gives the same allocation wherever the program runs.

Units (animals or cages) stand in groups: strata, or blocks within them. The arms' places stand in
a row in which every stretch holds the arms in the proportions of the whole; each draw turns that
row by a random number of places, exchanges the names of arms with equal shares, and shuffles the
places within each group. So every unit has the same chance of an arm, its share of the whole, and
every group comes as close to the proportions as they allow; where animals are left over, chance
decides which of equal arms has one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Imbalance", "Layout", "draw_arms", "make_layout", "stream"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Scores are compared after rounding, so that the order of a sum does not decide.
_DECIMALS: Final = 9
# Uniform numbers held at once.
_MOST_NUMBERS: Final = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Units in groups, and the places of the arms.

    Parameters
    ----------
    groups : ndarray of int, shape (n_units,)
        Group of each unit, ascending.
    places : ndarray of int, shape (n_units,)
        Arms in an even sequence.
    twins : ndarray of int, shape (n_arms,)
        Arms with the same number here were to get the same share.
    unit : ndarray of int, shape (n_animals,)
        Unit of each animal.
    """

    groups: IntArray
    places: IntArray
    twins: IntArray
    unit: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Imbalance:
    """How far the arms of an allocation are apart before treatment.

    With z the covariates standardized over all allocated animals, n_a, m_a and s²_a the size,
    mean and variance of z in arm a, C covariates and k arms:

        mean over covariates of   Σ n_a m_a² / (k − 1)
        + weight × mean over covariates of   Σ (n_a − 1)/2 · (s²_a − 1)² / k
        + with whole cages   Σ (n_a − e_a)² / e_a / (k − 1)

    where e_a is the number of animals that the arm's share would be. The first term is 1 on
    average over all allocations of animals.

    Parameters
    ----------
    covariates : ndarray, shape (n_animals, n_covariates)
        Standardized; none of them constant.
    n_arms : int
        Number of arms.
    variance_weight : float
        Weight of the second term.
    expected : ndarray, shape (n_arms,), optional
        Animals that the arms' shares would be, where sizes vary between allocations.
    """

    covariates: FloatArray
    n_arms: int
    variance_weight: float
    expected: FloatArray | None = None

    def __call__(self, arms: IntArray) -> FloatArray:
        """Score of each allocation.

        Parameters
        ----------
        arms : ndarray of int, shape (draws, n_animals)
            Arm of each animal.

        Returns
        -------
        ndarray, shape (draws,)
            Rounded to 9 decimals; 0 is perfect balance.
        """
        z, k = self.covariates, self.n_arms
        n_covariates = z.shape[1]
        powers = np.hstack([z, z**2])
        means = np.zeros(len(arms))
        variances = np.zeros(len(arms))
        sizes = np.zeros(len(arms))
        for arm in range(k):
            chosen = (arms == arm).astype(np.float64)
            n = chosen.sum(axis=1)
            sums = chosen @ powers
            filled = np.maximum(n, 1.0)[:, None]
            first = sums[:, :n_covariates]
            means += (first**2 / filled).sum(axis=1)
            rest = np.maximum(n - 1, 1.0)[:, None]
            variance = (sums[:, n_covariates:] - first**2 / filled) / rest
            apart = (rest / 2 * (variance - 1) ** 2).sum(axis=1)
            # One animal has no variance.
            variances += np.where(n > 1, apart, 0.0)
            if self.expected is not None:
                sizes += (n - self.expected[arm]) ** 2 / self.expected[arm]
        score = means / (n_covariates * (k - 1)) + sizes / (k - 1)
        score += self.variance_weight * variances / (n_covariates * k)
        return np.asarray(np.round(score, _DECIMALS))


def stream(seed: int, number: int) -> np.random.Generator:
    """One of the random streams of a seed; named, so that no default of numpy decides.

    Parameters
    ----------
    seed : int
        Not negative.
    number : int
        Which of its streams.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))


def make_layout(
    groups: IntArray, counts: Sequence[int], unit: IntArray, *, shares: Sequence[float]
) -> Layout:
    """The layout of units in groups.

    Parameters
    ----------
    groups : ndarray of int, shape (n_units,)
        Ascending.
    counts : sequence of int
        Units that each arm gets; they add up to all units.
    unit : ndarray of int, shape (n_animals,)
        Unit of each animal.
    shares : sequence of float
        What each arm was to get; arms with equal shares are alike.
    """
    return Layout(
        groups=groups,
        places=_even_sequence(counts),
        twins=np.array([shares.index(share) for share in shares], dtype=np.intp),
        unit=unit,
    )


def draw_arms(layout: Layout, draws: int, *, rng: np.random.Generator) -> IntArray:
    """Arm of each animal in allocations drawn alike from all that the layout allows.

    Parameters
    ----------
    layout : Layout
        Units and places.
    draws : int
        Number of allocations.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (draws, n_animals)
    """
    n = layout.groups.size
    rows = max(1, _MOST_NUMBERS // n)
    parts = [
        _draw(layout, min(rows, draws - start), rng)[:, layout.unit]
        for start in range(0, draws, rows)
    ]
    return np.concatenate(parts)


def _draw(layout: Layout, draws: int, rng: np.random.Generator) -> IntArray:
    """Arm of each unit."""
    n, k = layout.groups.size, layout.twins.size
    keys = rng.random((draws, 1 + k + n))
    turn = np.floor(keys[:, :1] * n).astype(np.intp)
    places = layout.places[(np.arange(n) + turn) % n]
    names = np.empty((draws, k), dtype=np.intp)
    names[:, np.argsort(layout.twins, kind="stable")] = np.argsort(
        keys[:, 1 : 1 + k] + layout.twins, axis=1, kind="stable"
    )
    # A group's keys lie between its number and the next one: it keeps its stretch of the row.
    order = np.argsort(keys[:, 1 + k :] + layout.groups, axis=1, kind="stable")
    arms = np.empty((draws, n), dtype=np.intp)
    np.put_along_axis(arms, order, np.take_along_axis(names, places, axis=1), axis=1)
    return arms


def _even_sequence(counts: Sequence[int]) -> IntArray:
    """Arms in a row in which each is always the one that lags its share most."""
    n = sum(counts)
    used = [0] * len(counts)
    row = []
    for place in range(1, n + 1):
        open_arms = [arm for arm, count in enumerate(counts) if used[arm] < count]
        arm = max(open_arms, key=lambda a: (counts[a] * place - used[a] * n, -a))
        used[arm] += 1
        row.append(arm)
    return np.array(row, dtype=np.intp)
