"""Who was under observation when an event happened: what rank tests and regression count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["RiskSets", "risk_sets"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskSets:
    """For each animal, who was at risk at its time; B sets of n animals.

    Parameters
    ----------
    event : ndarray of bool, shape (B, n)
        Whether the animal had the event.
    at_risk : ndarray, shape (B, n, n)
        1 where the second animal was under observation just before the first one's event, in its
        stratum; rows of animals without event are 0.
    tied : ndarray, shape (B, n, n)
        1 where both had the event at the same time in the same stratum.
    earlier : ndarray, shape (B, n, n)
        1 where the second had the event before the first one's, in its stratum.
    """

    event: BoolArray
    at_risk: FloatArray
    tied: FloatArray
    earlier: FloatArray


def risk_sets(
    time: FloatArray,
    event: BoolArray,
    *,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
) -> RiskSets:
    """Risk sets of one or many studies.

    Parameters
    ----------
    time : ndarray, shape (n,) or (B, n)
        Time of the event, or of the end of observation.
    event : ndarray of bool, shape (n,) or (B, n)
        Whether the event happened then.
    entry : ndarray, optional
        When observation began; an animal is at risk after its entry and up to its time.
    strata : ndarray of int, optional
        Only animals of one stratum are compared.

    Raises
    ------
    InputError
        If shapes differ, a time is not finite or negative, or an entry is not before its time.
    """
    time = np.atleast_2d(np.asarray(time, dtype=np.float64))
    event = np.atleast_2d(np.asarray(event, dtype=np.bool_))
    if time.ndim != 2 or time.shape != event.shape or time.size == 0:
        expected = "a time and an event for each animal"
        raise InputError(expected, found=f"shapes {time.shape} and {event.shape}")
    if not np.isfinite(time).all() or (time < 0).any():
        raise InputError("finite times of 0 or later", found="others among them")
    inside = np.ones((*time.shape, time.shape[1]), dtype=np.bool_)
    if strata is not None:
        block = _like(strata, time)
        inside = block[:, :, None] == block[:, None, :]
    at_risk = inside & (time[:, None, :] >= time[:, :, None])
    if entry is not None:
        begin = np.asarray(_like(entry, time), dtype=np.float64)
        if not (begin < time).all():
            raise InputError("an entry before the end of observation", found="a later one")
        at_risk &= begin[:, None, :] < time[:, :, None]
    ends = event[:, :, None]
    both = inside & event[:, None, :] & ends
    return RiskSets(
        event=event,
        at_risk=(at_risk & ends).astype(np.float64),
        tied=(both & (time[:, None, :] == time[:, :, None])).astype(np.float64),
        earlier=(both & (time[:, None, :] < time[:, :, None])).astype(np.float64),
    )


def _like(values: NDArray[np.generic], time: FloatArray) -> NDArray[np.generic]:
    """One value for each animal, the same for all studies where only one row came."""
    values = np.atleast_2d(values)
    if values.shape[1] != time.shape[1]:
        expected = f"one value for each of {time.shape[1]} animals"
        raise InputError(expected, found=f"{values.shape[1]}")
    return np.broadcast_to(values, time.shape)
