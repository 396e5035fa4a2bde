"""Curves of many animals as padded matrices: what kernels work on.

A row is an animal, a column its first, second, ... reading; what a shorter curve lacks is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["Readings", "anchor", "pad", "pad_by_length"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# A day that comes out of a subtraction may miss a round number by a rounding error.
DAY_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Readings:
    """Readings of many animals, one after the other, each animal's days rising.

    Parameters
    ----------
    start : ndarray of int, shape (n + 1,)
        Readings of animal i are ``start[i]:start[i + 1]``.
    day : ndarray, shape (m,)
        Days since the animal's baseline day; the first of an animal is its baseline reading.
    volume : ndarray, shape (m,)
        mm³; 0 where the tumor is gone, the limit where the reading is below it.
    below : ndarray of bool, shape (m,)
        Whether a volume is only an upper bound.
    """

    start: IntArray
    day: FloatArray
    volume: FloatArray
    below: BoolArray

    @property
    def n(self) -> int:
        """Number of animals."""
        return self.start.size - 1

    @property
    def length(self) -> IntArray:
        """Readings of each animal, shape (n,)."""
        return np.diff(self.start)


def anchor(
    animal: IntArray,
    day: FloatArray,
    volume: FloatArray,
    below: BoolArray,
    *,
    n: int,
    baseline_day: FloatArray,
) -> Readings:
    """Readings from each animal's baseline on, in order, with days counted from the baseline day.

    The baseline reading is the last one on or before the baseline day, else the first after it;
    the clock starts on the baseline day in either case. Readings before it, and rows without a
    volume, are left out.

    Parameters
    ----------
    animal : ndarray of int, shape (m,)
        Number of the animal of each row, from 0.
    day, volume : ndarray, shape (m,)
        Study day and volume, mm³; rows in any order.
    below : ndarray of bool, shape (m,)
        Whether a volume is only an upper bound.
    n : int
        Number of animals; some may have no row.
    baseline_day : ndarray, shape (n,)
        Study day on which each animal's clock starts.
    """
    read = np.flatnonzero(~np.isnan(volume))
    order = read[np.lexsort((day[read], animal[read]))]
    animal, day = animal[order], day[order] - baseline_day[animal[order]]
    count = np.bincount(animal, minlength=n)
    first = np.concatenate(([0], np.cumsum(count)))
    early = np.bincount(animal, weights=day <= DAY_TOLERANCE, minlength=n).astype(np.intp)
    baseline = first[:-1] + np.maximum(early - 1, 0)
    kept = np.arange(animal.size) >= baseline[animal]
    start = np.concatenate(([0], np.cumsum(np.bincount(animal[kept], minlength=n))))
    order = order[kept]
    return Readings(start=start, day=day[kept], volume=volume[order], below=below[order])


def pad(readings: Readings, rows: IntArray | None = None) -> tuple[FloatArray, FloatArray]:
    """Days and volumes of some animals as matrices.

    Parameters
    ----------
    readings : Readings
        Of n animals.
    rows : ndarray of int, shape (k,), optional
        Numbers of the animals; all without it.

    Returns
    -------
    day, volume : ndarray, shape (k, t)
        NaN after an animal's last reading; t is at least 1.

    Raises
    ------
    InputError
        If a number is no animal's.
    """
    chosen = np.arange(readings.n) if rows is None else rows
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < readings.n):
        expected = f"numbers of animals from 0 to {readings.n - 1}"
        raise InputError(expected, found=f"{chosen.min()} to {chosen.max()}")
    length = readings.length[chosen]
    width = max(int(length.max(initial=1)), 1)
    place = np.arange(width)
    inside = place < length[:, None]
    source = np.where(inside, readings.start[chosen][:, None] + place, 0)
    if not readings.day.size:
        empty = np.full(inside.shape, np.nan)
        return empty, empty.copy()
    return (
        np.where(inside, readings.day[source], np.nan),
        np.where(inside, readings.volume[source], np.nan),
    )


def pad_by_length(
    readings: Readings, *, chunk: int
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Matrices of animals with about as many readings each, so that little is padding.

    Parameters
    ----------
    readings : Readings
        Of n animals.
    chunk : int
        Most animals in one matrix; bounds the memory.

    Yields
    ------
    rows : ndarray of int, shape (k,)
        Numbers of the animals.
    day, volume : ndarray, shape (k, t)
        As from :func:`pad`.
    """
    order = np.argsort(readings.length, kind="stable")
    for begin in range(0, order.size, chunk):
        rows = order[begin : begin + chunk]
        yield rows, *pad(readings, rows)
