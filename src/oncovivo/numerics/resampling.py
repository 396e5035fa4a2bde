"""Resampling kernels: bootstrap within a group, permutation between groups.

All take the generator from the caller, so a result follows from its seed.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["bootstrap_log_ratio_limits", "permutation_sum_test", "resample_rows"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Up to here every relabeling is looked at, beyond it a sample is drawn.
MOST_RELABELINGS: Final = 20_000
# Sums of the same numbers in another order differ by rounding; such a tie counts as a tie.
_TIE: Final = 1e-9


def resample_rows(n: int, draws: int, *, rng: np.random.Generator) -> IntArray:
    """Rows of each resample, drawn with replacement.

    Parameters
    ----------
    n : int
        Animals of the group.
    draws : int
        Number of resamples.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (draws, n)
    """
    return rng.integers(0, n, size=(draws, n), dtype=np.intp)


def bootstrap_log_ratio_limits(
    numerator: FloatArray,
    denominator: FloatArray,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Studentized bootstrap limits of the ratio of two means taken on the same animals.

    The logarithm of the ratio is studentized by its linearized standard error, so limits are
    positive and follow a skewed distribution.

    Parameters
    ----------
    numerator, denominator : ndarray, shape (..., n)
        Two positive-mean quantities of the same n animals; leading axes are separate studies,
        resampled alike. A denominator of ones gives the limits of a mean.
    level : float
        Confidence, between 0 and 1.
    draws : int
        Number of resamples.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    lower, upper : ndarray, shape (...)
        NaN where a mean is not positive; equal to the ratio where the animals do not differ.

    Notes
    -----
    Efron B, Tibshirani RJ. An Introduction to the Bootstrap, 1993, ch. 12.
    """
    log_ratio, error = log_ratio_and_error(numerator, denominator)
    rows = resample_rows(numerator.shape[-1], draws, rng=rng)
    drawn, drawn_error = log_ratio_and_error(numerator[..., rows], denominator[..., rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        pivot = (drawn - log_ratio[..., None]) / drawn_error
    # Draws of one animal only have no error: their distance says nothing.
    pivot = np.where(np.isfinite(pivot), pivot, np.nan)
    # A group in which every draw fails has NaN limits, and no warning is due for it.
    usable = np.asarray(np.isfinite(pivot).any(axis=-1))
    pivot = np.where(usable[..., None], pivot, 0.0)
    low, high = np.nanquantile(pivot, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    known = np.where(usable | (error == 0), 1.0, np.nan)
    return (
        np.exp(log_ratio - high * error) * known,
        np.exp(log_ratio - low * error) * known,
    )


def log_ratio_and_error(
    numerator: FloatArray, denominator: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Logarithm of the ratio of paired means along the last axis, and its standard error."""
    n = numerator.shape[-1]
    top, bottom = numerator.mean(axis=-1), denominator.mean(axis=-1)
    positive = np.asarray((top > 0) & (bottom > 0))
    top, bottom = np.where(positive, top, np.nan), np.where(positive, bottom, np.nan)
    part = numerator / top[..., None] - denominator / bottom[..., None]
    spread = np.sqrt((part**2).sum(axis=-1) / (n - 1)) if n > 1 else np.full_like(top, np.nan)
    spread = np.where(spread < _TIE, 0.0, spread)
    return np.log(top / bottom), spread / math.sqrt(n)


def permutation_sum_test(
    scores: FloatArray, n_first: int, *, draws: int, rng: np.random.Generator
) -> tuple[float, int, bool]:
    """Two-sided p-value of the sum of the first animals' scores under relabeling.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        One score for each animal, with sum zero; the animals of the first group come first.
    n_first : int
        Animals of the first group, 1 to n − 1.
    draws : int
        Relabelings to draw where there are too many to look at all.
    rng : numpy.random.Generator
        Source of randomness; not used when all relabelings are looked at.

    Returns
    -------
    p_value : float
        Share of relabelings at least as far from zero; of drawn ones, with the observed labels
        counted among them.
    n_relabelings : int
        How many were looked at.
    exact : bool
        Whether these were all.

    Raises
    ------
    InputError
        If a group is empty.
    """
    n = scores.size
    if not 0 < n_first < n:
        expected = "two groups with at least one animal each"
        raise InputError(expected, found=f"{n_first} of {n} animals in the first")
    scale = float(np.abs(scores).sum()) or 1.0
    observed = abs(float(scores[:n_first].sum())) - _TIE * scale
    n_all = math.comb(n, n_first)
    if n_all <= MOST_RELABELINGS:
        chosen = np.array(list(combinations(range(n), n_first)), dtype=np.intp)
        far = int((np.abs(scores[chosen].sum(axis=1)) >= observed).sum())
        return far / n_all, n_all, True
    order = np.argsort(rng.random((draws, n)), axis=1)[:, :n_first]
    far = int((np.abs(scores[order].sum(axis=1)) >= observed).sum())
    return (far + 1) / (draws + 1), draws, False
