"""Survival from interval-censored times: the nonparametric maximum likelihood of Turnbull.

Tumors are measured at visits, so a crossing is only known to lie between two of them. The data
place mass on a few intervals and say nothing of where inside them it lies. How much lies on each
they do determine: some animal's interval ends with each of these, so the shares are independent.

References
----------
Turnbull BW. J R Stat Soc B 1976;38:290. Gentleman R, Geyer CJ. Biometrika 1994;81:618 (check of
the maximum). Wang Y. Comput Stat Data Anal 2008;52:2388 (constrained Newton steps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError

__all__ = ["TurnbullCurve", "turnbull", "turnbull_at", "turnbull_median"]

FloatArray: TypeAlias = NDArray[np.float64]

_MAX_STEPS: Final = 500
# No other mass could have a log likelihood higher than this times the number of animals.
_GAP: Final = 1e-10
# Less mass than this is none.
_NO_MASS: Final = 1e-12
# At the median a sum of masses misses one half by rounding.
_HALF_TOLERANCE: Final = 1e-9
# Order of ends that share a time: "from here", "up to here", "after here".
_FROM, _UP_TO, _AFTER = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TurnbullCurve:
    """Mass on the intervals where events can lie.

    Parameters
    ----------
    n : int
        Animals.
    left, right : ndarray, shape (m,)
        Intervals with mass, rising. A mass lies after `left` and up to `right`, or at the time
        itself where they agree; `right` is infinite for mass beyond the last visit.
    mass : ndarray, shape (m,)
        Shares, summing to 1.
    log_likelihood : float
        At the estimate.
    gap : float
        How much higher any other estimate's log likelihood could at most be.
    iterations : int
        Newton steps.
    converged : bool
        Whether `gap` is negligible.
    """

    n: int
    left: FloatArray
    right: FloatArray
    mass: FloatArray
    log_likelihood: float
    gap: float
    iterations: int
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; None for an infinite end."""
        return {
            "n": self.n,
            "left": self.left.tolist(),
            "right": [end if math.isfinite(end) else None for end in self.right.tolist()],
            "mass": self.mass.tolist(),
            "log_likelihood": self.log_likelihood,
            "gap": self.gap,
            "iterations": self.iterations,
            "converged": self.converged,
        }


def turnbull(left: ArrayLike, right: ArrayLike) -> TurnbullCurve:
    """Maximum likelihood of the event times' distribution from intervals.

    Parameters
    ----------
    left : array_like, shape (n,)
        Last time without the event, from 0 on.
    right : array_like, shape (n,)
        First time with the event; equal to `left` for an exact time, infinite without event.

    Raises
    ------
    InputError
        If there is no interval, lengths differ, or an interval is crossed or out of range.

    Examples
    --------
    >>> found = turnbull([0, 7, 7, 14], [7, 14, 21, float("inf")])
    >>> found.left, found.right, found.mass
    (array([ 0.,  7., 14.]), array([ 7., 14., 21.]), array([0.25 , 0.375, 0.375]))
    """
    lows, highs = _checked(left, right)
    exact = lows == highs
    # the position of each end in the order of all ends
    values = np.concatenate((lows, highs))
    kinds = np.concatenate(
        (np.where(exact, _FROM, _AFTER), np.full(highs.shape, _UP_TO, dtype=np.int64))
    )
    order, place = np.unique(np.stack((values, kinds), axis=1), axis=0, return_inverse=True)
    place = place.reshape(-1)
    opens = order[:, 1] != _UP_TO
    inner = np.flatnonzero(opens[:-1] & ~opens[1:])
    first, last = place[: lows.size], place[lows.size :]
    covers = (first[:, np.newaxis] <= inner) & (inner + 1 <= last[:, np.newaxis])
    rows, counts = np.unique(covers, axis=0, return_counts=True)
    cover, weight = rows.astype(np.float64), counts.astype(np.float64)
    mass, steps = _maximum(cover, weight)
    gap = max(float(_score(cover, weight, mass).max()) - lows.size, 0.0)
    kept = mass > _NO_MASS
    return TurnbullCurve(
        n=lows.size,
        left=order[inner[kept], 0],
        right=order[inner[kept] + 1, 0],
        mass=mass[kept],
        log_likelihood=_log_likelihood(cover, weight, mass),
        gap=gap,
        iterations=steps,
        converged=gap <= _GAP * lows.size,
    )


def turnbull_at(curve: TurnbullCurve, at: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Least and greatest survival at given times that the estimate allows.

    They differ only inside an interval with mass. They are no confidence limits.

    Parameters
    ----------
    curve : TurnbullCurve
        Of one group.
    at : array_like, shape (m,)
        Finite times.

    Returns
    -------
    least, greatest : ndarray, shape (m,)
        Share without event just after each time.

    Raises
    ------
    InputError
        If a time is not finite.

    Examples
    --------
    >>> least, greatest = turnbull_at(turnbull([0, 7], [7, 14]), [7, 10])
    >>> least, greatest
    (array([0.5, 0. ]), array([0.5, 0.5]))
    """
    marks = np.asarray(at, dtype=np.float64)[:, np.newaxis]
    if not np.isfinite(marks).all():
        expected = "finite times"
        raise InputError(expected, found="one that is not")
    # infinite mass never comes at a finite time, but from its left end on it may have begun
    begun = (curve.left < marks) | ((curve.left == marks) & (curve.right == marks))
    over = curve.right <= marks
    least, greatest = 1 - begun @ curve.mass, 1 - over @ curve.mass
    return np.clip(least, 0.0, 1.0), np.clip(greatest, 0.0, 1.0)


def turnbull_median(curve: TurnbullCurve) -> tuple[float, float | None]:
    """Interval in which the median lies; its right end is None when it is not reached.

    Where the masses up to an interval are exactly one half, the median may lie anywhere from it
    to the next one with mass, and the interval spans both.

    Parameters
    ----------
    curve : TurnbullCurve
        Of one group.

    Returns
    -------
    left : float
        The median lies after this time, or at it where both ends agree.
    right : float or None
        And not after this one.

    Examples
    --------
    >>> turnbull_median(turnbull([0, 7, 7, 14], [7, 14, 21, float("inf")]))
    (7.0, 14.0)
    """
    total = np.cumsum(curve.mass)
    step = int(np.flatnonzero(total >= 0.5 - _HALF_TOLERANCE)[0])
    on_half = abs(float(total[step]) - 0.5) <= _HALF_TOLERANCE and step + 1 < total.size
    end = float(curve.right[step + on_half])
    return float(curve.left[step]), end if math.isfinite(end) else None


def _checked(left: ArrayLike, right: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Intervals as arrays."""
    lows, highs = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if lows.ndim != 1 or lows.size == 0 or lows.shape != highs.shape:
        expected = "a left and a right end for each animal, at least one"
        raise InputError(expected, found=f"{lows.size} left and {highs.size} right ends")
    wrong = ~np.isfinite(lows) | (lows < 0) | np.isnan(highs)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        expected = "a finite left end, 0 or later, and a right end"
        raise InputError(
            expected, found=f"{lows[row]:g} to {highs[row]:g}", where=f"animal {row + 1}"
        )
    crossed = lows > highs
    if crossed.any():
        row = int(np.flatnonzero(crossed)[0])
        expected = "a left end not after the right one"
        raise InputError(
            expected, found=f"{lows[row]:g} to {highs[row]:g}", where=f"animal {row + 1}"
        )
    return lows, highs


def _maximum(cover: FloatArray, weight: FloatArray) -> tuple[FloatArray, int]:
    """Masses of greatest likelihood, by constrained Newton steps with a self-consistent one each.

    A step is a nonnegative least-squares problem, so a mass can become exactly 0 and come back;
    self-consistency alone takes thousands of steps to remove one.
    """
    n = float(weight.sum())
    mass = np.full(cover.shape[1], 1 / cover.shape[1])
    root = np.sqrt(weight)[:, np.newaxis]
    for step in range(_MAX_STEPS):
        score = _score(cover, weight, mass)
        if score.max() - n <= _GAP * n:
            return mass, step
        # second order of the log likelihood, on masses that sum to 1
        slopes = root * (cover / (cover @ mass)[:, np.newaxis] - 2)
        system = np.vstack((slopes / math.sqrt(n), np.ones((1, mass.size))))
        aim = np.zeros(system.shape[0])
        aim[-1] = 1.0
        target, _ = scipy.optimize.nnls(system, aim)
        mass = _consistent(cover, weight, _searched(cover, weight, mass, target / target.sum()))
    return mass, _MAX_STEPS


def _searched(
    cover: FloatArray, weight: FloatArray, mass: FloatArray, target: FloatArray
) -> FloatArray:
    """The farthest halving of the way to the target that raises the likelihood enough."""
    start = _log_likelihood(cover, weight, mass)
    rise = float(_score(cover, weight, mass) @ (target - mass))
    share = 1.0
    while share > 1e-12:
        there = mass + share * (target - mass)
        if _log_likelihood(cover, weight, there) >= start + 0.3 * share * rise:
            return there
        share /= 2
    return mass


def _consistent(cover: FloatArray, weight: FloatArray, mass: FloatArray) -> FloatArray:
    """One step of Turnbull's self-consistency; it never lowers the likelihood."""
    moved = mass * _score(cover, weight, mass)
    return np.asarray(moved / moved.sum(), dtype=np.float64)


def _score(cover: FloatArray, weight: FloatArray, mass: FloatArray) -> FloatArray:
    """Derivative of the log likelihood by each mass; at the maximum none exceeds the animals."""
    return np.asarray((weight / (cover @ mass)) @ cover, dtype=np.float64)


def _log_likelihood(cover: FloatArray, weight: FloatArray, mass: FloatArray) -> float:
    """Log likelihood; minus infinity where an animal has no mass at all."""
    share = cover @ mass
    return float(weight @ np.log(share)) if (share > 0).all() else -math.inf
