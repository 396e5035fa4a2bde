"""How well a marker orders lines by response: concordance index and area under the curve.

References
----------
DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837 (standard error of the area).
Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361 (concordance). Efron B, Stein C. Ann Stat
1981;9:586 (jackknife).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError

__all__ = ["Concordance", "area_under_curve", "concordance_index"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Concordance:
    """Share of pairs that are in the same order; one half is no order.

    Parameters
    ----------
    estimate : float
        The share; a tie of the marker counts one half.
    std_error : float or None
        None where lines are too few, or every pair is in the same order.
    lower, upper : float or None
        Limits on the scale of log odds, so that they stay between 0 and 1.
    p_value : float or None
        Of one half, by the normal approximation.
    n_pairs : int
        Pairs whose responses differ.
    level : float
        Confidence of the limits.
    """

    estimate: float
    std_error: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    n_pairs: int
    level: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def concordance_index(
    marker: FloatArray, response: FloatArray, *, level: float = 0.95
) -> Concordance:
    """Concordance of a marker with a response, with the jackknife's standard error.

    Pairs with equal responses are not counted.

    Parameters
    ----------
    marker, response : ndarray, shape (n,)
        Values of the lines.
    level : float
        Confidence of the limits.

    Raises
    ------
    InputError
        If the lengths differ.
    DataError
        If no two responses differ.

    Examples
    --------
    >>> concordance_index(np.array([1.0, 2, 3]), np.array([5.0, 7, 6])).estimate
    0.6666666666666666
    """
    if marker.shape != response.shape or marker.ndim != 1:
        raise InputError("a response for each value", found=f"{marker.shape}, {response.shape}")
    same = np.sign(marker[:, None] - marker) * np.sign(response[:, None] - response)
    counted = response[:, None] != response
    pairs = counted.sum(axis=1)
    if not pairs.any():
        raise DataError("lines whose responses differ", found=f"{marker.size} alike")
    good = np.where(counted, (same + 1) / 2, 0.0).sum(axis=1)
    # Every pair is counted from both of its lines.
    estimate = float(good.sum() / pairs.sum())
    left = pairs.sum() - 2 * pairs
    n = marker.size
    error = None
    if n > 2 and (left > 0).all():
        without = (good.sum() - 2 * good) / left
        error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    return _with_limits(estimate, error, int(pairs.sum()) // 2, level)


def area_under_curve(
    value: FloatArray, positive: BoolArray, *, level: float = 0.95
) -> Concordance:
    """Share of pairs in which the positive line has the higher value, with DeLong's error.

    Parameters
    ----------
    value : ndarray, shape (n,)
        What orders the lines.
    positive : ndarray of bool, shape (n,)
        Which of the two groups each is in.
    level : float
        Confidence of the limits.

    Raises
    ------
    InputError
        If the lengths differ.
    DataError
        If a group is empty.

    Examples
    --------
    >>> area_under_curve(np.array([1.0, 3, 2, 4]), np.array([False, False, True, True])).estimate
    0.75
    """
    if value.shape != positive.shape or value.ndim != 1:
        raise InputError("a group for each value", found=f"{value.shape}, {positive.shape}")
    high, low = value[positive], value[~positive]
    if not high.size or not low.size:
        raise DataError("lines in both groups", found=f"{high.size} and {low.size}")
    wins = (np.sign(high[:, None] - low) + 1) / 2
    estimate = float(wins.mean())
    error = None
    if min(high.size, low.size) > 1:
        parts = (wins.mean(axis=1), wins.mean(axis=0))
        error = math.sqrt(sum(float(part.var(ddof=1)) / part.size for part in parts))
    return _with_limits(estimate, error, wins.size, level)


def _with_limits(estimate: float, error: float | None, n_pairs: int, level: float) -> Concordance:
    """Limits by the log odds, where there is an error to make them of."""
    if error is None or error <= 0 or not 0 < estimate < 1:
        # A standard error of zero says that lines are too few, not that nothing is unsure.
        return Concordance(
            estimate=estimate,
            std_error=None,
            lower=None,
            upper=None,
            p_value=None,
            n_pairs=n_pairs,
            level=level,
        )
    center = math.log(estimate / (1 - estimate))
    half = float(special.ndtri((1 + level) / 2)) * error / (estimate * (1 - estimate))
    return Concordance(
        estimate=estimate,
        std_error=error,
        lower=float(special.expit(center - half)),
        upper=float(special.expit(center + half)),
        p_value=2 * float(special.ndtr(-abs(estimate - 0.5) / error)),
        n_pairs=n_pairs,
        level=level,
    )
