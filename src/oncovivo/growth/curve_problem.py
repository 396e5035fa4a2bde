"""Readings and a curve for each animal, as estimators without derivatives see them.

The curve comes as a function of the animals' parameters on the estimation scale, where each may
take any real value. Readings are on the scale on which their error is normal: the logarithm of a
volume. There may be several kinds of reading, each with its own error. A reading below the limit
is an upper bound, and an animal that left says nothing after it left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.data import GrowthData

__all__ = ["CurveFunction", "CurveReadings", "ReadingTerms", "readings_from_growth"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
CurveFunction: TypeAlias = Callable[[FloatArray], FloatArray]

_LOG_ROOT_2PI: Final = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadingTerms:
    """What each reading contributes; zero where there is none.

    Parameters
    ----------
    value : ndarray, shape (..., n, t)
        Log density, or log probability of an upper bound.
    by_curve : ndarray, shape (..., n, t)
        Its derivative by the curve.
    by_log_sigma : ndarray, shape (..., n, t)
        Its derivative by the logarithm of the error's standard deviation.
    weight : ndarray, shape (..., n, t)
        Minus its second derivative by the curve.
    """

    value: FloatArray
    by_curve: FloatArray
    by_log_sigma: FloatArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurveReadings:
    """Readings of n animals, at most t each.

    Parameters
    ----------
    time : ndarray, shape (n, t)
        Days; anything where there is no reading.
    y : ndarray, shape (n, t)
        Readings; the limit where below it.
    used : ndarray of bool, shape (n, t)
        Where there is a reading.
    below : ndarray of bool, shape (n, t)
        Where it is an upper bound.
    output : ndarray of int, shape (n, t)
        Kind of each reading.
    n_outputs : int
        Kinds of readings.
    """

    time: FloatArray
    y: FloatArray
    used: BoolArray
    below: BoolArray
    output: IntArray
    n_outputs: int = 1

    def __post_init__(self) -> None:
        shape = self.y.shape
        parts = (self.time, self.used, self.below, self.output)
        if len(shape) != 2 or any(part.shape != shape for part in parts):
            raise InputError("arrays of one shape (animals, readings)")
        if not self.used.any():
            raise InputError("a reading", found="none")
        if not np.isfinite(self.y[self.used]).all():
            raise InputError("finite readings", found="NaN or infinite")
        if self.output.min() < 0 or self.output.max() >= self.n_outputs:
            raise InputError(f"kinds of readings from 0 to {self.n_outputs - 1}")

    @property
    def counts(self) -> IntArray:
        """Readings of each kind, shape (n_outputs,)."""
        return np.bincount(self.output[self.used], minlength=self.n_outputs)

    def by_output(self, values: FloatArray) -> FloatArray:
        """Sums over readings (..., n, t) of each kind, shape (..., n_outputs)."""
        return np.stack(
            [
                np.where(self.used & (self.output == kind), values, 0.0).sum(axis=(-2, -1))
                for kind in range(self.n_outputs)
            ],
            axis=-1,
        )

    def log_likelihood(self, curve: FloatArray, log_sigma: FloatArray) -> FloatArray:
        """Of each animal's readings, shape (..., n); minus infinity where a curve is no number.

        Parameters
        ----------
        curve : ndarray, shape (..., n, t)
            What is expected.
        log_sigma : ndarray, shape (..., n_outputs)
            Logarithm of the error's standard deviation.
        """
        log_size = log_sigma[..., self.output]
        z, bad = self._standardized(curve, log_size)
        value = -0.5 * z**2 - log_size - _LOG_ROOT_2PI
        if self.below.any():
            # The tail is dear: it is worked out where it is needed.
            value[..., self.below] = special.log_ndtr(z[..., self.below])
        value[bad] = -np.inf
        return np.asarray(np.where(self.used, value, 0.0).sum(axis=-1))

    def terms(self, curve: FloatArray, log_size: FloatArray) -> ReadingTerms:
        """Each reading's contribution with derivatives.

        Parameters
        ----------
        curve : ndarray, shape (..., n, t)
            What is expected.
        log_size : ndarray, shape (..., n, t)
            Logarithm of the standard deviation of each reading's error.
        """
        sigma = np.exp(log_size)
        z, bad = self._standardized(curve, log_size)
        tail = special.log_ndtr(z)
        ratio = np.exp(-0.5 * z**2 - _LOG_ROOT_2PI - tail)
        bend = np.maximum(ratio * (z + ratio), 0.0)
        below = self.below
        value = np.where(below, tail, -0.5 * z**2 - log_size - _LOG_ROOT_2PI)
        pull = np.where(below, -ratio, z) / sigma
        scale = np.where(below, -z * ratio, z**2 - 1.0)
        weight = np.where(below, bend, 1.0) / sigma**2
        gone = ~self.used
        return ReadingTerms(
            value=np.where(gone, 0.0, np.where(bad, -np.inf, value)),
            by_curve=np.where(gone | bad, 0.0, pull),
            by_log_sigma=np.where(gone | bad, 0.0, scale),
            weight=np.where(gone | bad, 0.0, weight),
        )

    def squares(
        self, curve: FloatArray, log_sigma: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Squared errors of each kind, upper bounds replaced by draws, shape (..., n_outputs).

        Parameters
        ----------
        curve, log_sigma
            As in `log_likelihood`.
        rng : numpy.random.Generator
            Source of the draws.
        """
        log_size = log_sigma[..., self.output]
        z, bad = self._standardized(curve, log_size)
        if self.below.any():
            luck = rng.uniform(size=z.shape)
            drawn = special.ndtri_exp(np.log(luck) + special.log_ndtr(z))
            z = np.where(self.below, drawn, z)
        return self.by_output(np.where(bad, 0.0, (z * np.exp(log_size)) ** 2))

    def _standardized(
        self, curve: FloatArray, log_size: FloatArray
    ) -> tuple[FloatArray, BoolArray]:
        """Reading minus curve over sigma, 0 where the curve is no number, and where it is none."""
        bad = ~np.isfinite(curve)
        with np.errstate(invalid="ignore", over="ignore"):
            z = np.where(bad, 0.0, (self.y - np.where(bad, 0.0, curve)) * np.exp(-log_size))
        return z, bad


def readings_from_growth(data: GrowthData) -> CurveReadings:
    """Log sizes of a study as rows of animals.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    """
    count = data.readings
    n, most = data.n_animals, int(count.max())
    first = np.concatenate(([0], np.cumsum(count)[:-1]))
    place = np.arange(data.n_observations) - first[data.animal]
    time, y = np.zeros((n, most)), np.zeros((n, most))
    used, below = np.zeros((n, most), dtype=bool), np.zeros((n, most), dtype=bool)
    time[data.animal, place] = data.time
    y[data.animal, place] = data.log_size
    used[data.animal, place] = True
    below[data.animal, place] = data.below_limit
    return CurveReadings(
        time=time, y=y, used=used, below=below, output=np.zeros((n, most), dtype=np.intp)
    )
