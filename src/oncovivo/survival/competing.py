"""Cumulative incidence of competing causes (Aalen-Johansen).

An animal that died of something else can no longer die of the tumor. Taking it as censored, and
one minus Kaplan-Meier as the incidence, counts deaths that could not have happened.

References
----------
Aalen OO, Johansen S. Scand J Stat 1978;5:141. Gaynor JJ, et al. J Am Stat Assoc 1993;88:400
(variance).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.survival.curves import checked_level, checked_times, survival_curve

__all__ = ["CumulativeIncidence", "cumulative_incidence", "incidence_at"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CumulativeIncidence:
    """Cumulative incidence of each cause in one group.

    Parameters
    ----------
    n : int
        Animals.
    causes : tuple of str, length c
        Names of the causes.
    n_events : tuple of int, length c
        Events of each.
    time : ndarray, shape (k,)
        Times at which an event happened or an observation ended, rising, each once.
    at_risk : ndarray, shape (k,)
        Animals under observation just before each time.
    survival : ndarray, shape (k,)
        Share without any event just after each time; with the incidences it makes 1.
    incidence, std_error, lower, upper : ndarray, shape (k, c)
        Just after each time; limits by log(-log), nan (None in `to_dict`) where the incidence
        is 0 or 1.
    level : float
        Confidence of the limits.
    """

    n: int
    causes: tuple[str, ...]
    n_events: tuple[int, ...]
    time: FloatArray
    at_risk: FloatArray
    survival: FloatArray
    incidence: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; None where a limit does not exist."""
        return {
            "n": self.n,
            "level": self.level,
            "time": self.time.tolist(),
            "at_risk": self.at_risk.tolist(),
            "survival": self.survival.tolist(),
            "causes": [
                {
                    "cause": cause,
                    "n_events": self.n_events[column],
                    "incidence": self.incidence[:, column].tolist(),
                    "std_error": self.std_error[:, column].tolist(),
                    "lower": _plain(self.lower[:, column]),
                    "upper": _plain(self.upper[:, column]),
                }
                for column, cause in enumerate(self.causes)
            ],
        }


def cumulative_incidence(
    time: ArrayLike,
    cause: ArrayLike,
    *,
    causes: tuple[str, ...],
    entry: ArrayLike | None = None,
    level: float = 0.95,
) -> CumulativeIncidence:
    """Cumulative incidence of each cause in one group.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event, or of the end of observation.
    cause : array_like of int, shape (n,)
        0 for no event, else the position in `causes`, from 1.
    causes : tuple of str
        Names of the causes, in the order of their codes; one without events is kept.
    entry : array_like, shape (n,), optional
        Time from which an animal is under observation.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError
        If a code has no name, or times are out of range.

    Examples
    --------
    >>> found = cumulative_incidence([2, 4, 6, 8], [1, 2, 0, 1], causes=("tumor", "other"))
    >>> found.incidence[:, 0]
    array([0.25, 0.25, 0.25, 0.75])
    """
    codes = np.asarray(cause)
    if not causes or len(set(causes)) < len(causes):
        expected = "names of causes, each once"
        raise InputError(expected, found=", ".join(causes) or "none")
    if not np.isin(codes, range(len(causes) + 1)).all():
        expected = f"cause codes 0 to {len(causes)}"
        raise InputError(expected, found=f"{codes[~np.isin(codes, range(len(causes) + 1))][0]}")
    checked_level(level)
    times, _, _ = checked_times(time, codes > 0, entry)
    curve = survival_curve(time, codes > 0, entry=entry, level=level)
    steps = np.searchsorted(curve.time, times)
    deaths = np.stack(
        [
            np.bincount(steps[codes == code], minlength=curve.time.size).astype(np.float64)
            for code in range(1, len(causes) + 1)
        ],
        axis=1,
    )
    before = np.concatenate(([1.0], curve.survival[:-1]))[:, np.newaxis]
    risk, events = curve.at_risk[:, np.newaxis], curve.events[:, np.newaxis]
    incidence = np.cumsum(before * deaths / risk, axis=0)
    left = risk - events
    growth = np.divide(events, risk * left, out=np.zeros_like(events), where=left > 0)
    std_error = np.sqrt(_variance(incidence, before, deaths, risk, growth))
    lower, upper = _limits(incidence, std_error, level)
    return CumulativeIncidence(
        n=curve.n,
        causes=tuple(causes),
        n_events=tuple(int(count) for count in deaths.sum(axis=0)),
        time=curve.time,
        at_risk=curve.at_risk,
        survival=curve.survival,
        incidence=incidence,
        std_error=std_error,
        lower=lower,
        upper=upper,
        level=level,
    )


def incidence_at(
    found: CumulativeIncidence, at: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Incidences, standard errors and limits just after given times.

    Parameters
    ----------
    found : CumulativeIncidence
        Of one group.
    at : array_like, shape (m,)
        Times; beyond the last one of the curve the last step is carried on.

    Returns
    -------
    incidence, std_error, lower, upper : ndarray, shape (m, c)
        nan where a limit does not exist.
    """
    step = np.searchsorted(found.time, np.asarray(at, dtype=np.float64), side="right")
    nothing = np.zeros((1, len(found.causes)))
    return (
        np.concatenate((nothing, found.incidence))[step],
        np.concatenate((nothing, found.std_error))[step],
        np.concatenate((nothing * np.nan, found.lower))[step],
        np.concatenate((nothing * np.nan, found.upper))[step],
    )


def _variance(
    incidence: FloatArray,
    before: FloatArray,
    deaths: FloatArray,
    risk: FloatArray,
    growth: FloatArray,
) -> FloatArray:
    """Variance of the incidences by the delta method, as running sums over the steps.

    Of step i on the incidence F at a later time: (F - F_i)^2 from all events of the step,
    the cause's own share, and their covariance, which is negative.
    """
    own = before**2 * deaths * (risk - deaths) / risk**3
    both = before * deaths / risk**2
    squared = np.cumsum(growth, axis=0)
    crossed = np.cumsum(growth * incidence + both, axis=0)
    rest = np.cumsum(growth * incidence**2 + own + 2 * both * incidence, axis=0)
    return np.maximum(incidence**2 * squared - 2 * incidence * crossed + rest, 0.0)


def _limits(
    incidence: FloatArray, std_error: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Limits by log(-log), which stay between 0 and 1."""
    # 1 may be missed by rounding
    open_ = (incidence > 0) & (incidence < 1 - 1e-12)
    inside = np.where(open_, incidence, 0.5)
    reach = float(special.ndtri(0.5 + level / 2)) * std_error / (inside * -np.log(inside))
    factor = np.exp(np.where(open_, reach, 0.0))
    lower, upper = inside**factor, inside ** (1 / factor)
    return np.where(open_, lower, np.nan), np.where(open_, upper, np.nan)


def _plain(values: FloatArray) -> list[float | None]:
    """Numbers with None for nan."""
    return [None if math.isnan(value) else value for value in values.tolist()]
