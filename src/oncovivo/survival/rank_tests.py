"""Log-rank test and its weighted, stratified and trend forms, for one study or many at once.

References
----------
Mantel N. Cancer Chemother Rep 1966;50:163. Peto R, Peto J. J R Stat Soc A 1972;135:185.
Harrington DP, Fleming TR. Biometrika 1982;69:553. Tarone RE. Biometrika 1975;62:679 (trend).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.survival.risk_sets import RiskSets, risk_sets

__all__ = [
    "RankScores",
    "RankTest",
    "event_weights",
    "log_rank_many",
    "rank_scores",
    "rank_test",
    "trend_test",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Variances below this share of the largest are rounding.
_NO_VARIANCE: Final = 1e-10
# Logarithm of a survival of zero, as a number.
_NONE_LEFT: Final = -800.0
# Pairs of animals looked at in one array.
_PAIRS: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankScores:
    """Weighted observed minus expected events of each group; leading axes are studies.

    Parameters
    ----------
    observed, expected : ndarray, shape (B, G)
        Weighted events, and those expected if the hazard were the same in all groups.
    covariance : ndarray, shape (B, G, G)
        Hypergeometric covariance of their difference.
    """

    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTest:
    """Result of a rank test.

    Parameters
    ----------
    statistic, p_value : float or None
        Chi-squared and its p-value; None where nothing can be compared.
    df : int
        Degrees of freedom: groups that were at risk together with others, less one.
    observed, expected : tuple of float
        Weighted events of each group, and those expected.
    direction : float or None
        Of a trend: its standardized score, positive where later scores have more events.
    reason : str
        Why there is no statistic; empty otherwise.
    """

    statistic: float | None
    df: int
    p_value: float | None
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    direction: float | None = None
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def event_weights(sets: RiskSets, *, rho: float, gamma: float) -> FloatArray:
    """Fleming-Harrington weight of each event, from pooled survival just before it.

    Parameters
    ----------
    sets : RiskSets
        Of one study or more.
    rho, gamma : float
        Powers of survival and of one minus survival, 0 or more. (1, 0) is the Peto-Peto weight
        as in R's ``survdiff(rho = 1)``; (0, 0) the log-rank test.

    Returns
    -------
    ndarray, shape (B, n)
        0 for animals without event.
    """
    if not (rho >= 0 and gamma >= 0):
        raise InputError("rho and gamma of 0 or more", found=f"{rho:g} and {gamma:g}")
    had = sets.event.astype(np.float64)
    if rho == 0 and gamma == 0:
        return had
    risk = np.maximum(sets.at_risk.sum(axis=2), 1.0)
    ties = np.maximum(sets.tied.sum(axis=2), 1.0)
    left = np.where(sets.event, 1.0 - ties / risk, 1.0)
    gone = left <= 0
    step = np.where(gone, _NONE_LEFT, np.log(np.where(gone, 1.0, left))) / ties
    survival = np.exp((sets.earlier @ step[:, :, None])[:, :, 0])
    weight: FloatArray = had * survival**rho * (1.0 - survival) ** gamma
    return weight


def rank_scores(
    sets: RiskSets, group: IntArray, n_groups: int, *, rho: float = 0.0, gamma: float = 0.0
) -> RankScores:
    """Scores of all groups and their covariance.

    Parameters
    ----------
    sets : RiskSets
        Of B studies of n animals.
    group : ndarray of int, shape (n,) or (B, n)
        Group of each animal, 0 to `n_groups` − 1.
    n_groups : int
        Number of groups.
    rho, gamma : float
        See `event_weights`.
    """
    weight = event_weights(sets, rho=rho, gamma=gamma)
    group = np.broadcast_to(np.atleast_2d(group), sets.event.shape)
    member = (group[:, :, None] == np.arange(n_groups)).astype(np.float64)
    risk = np.maximum(sets.at_risk.sum(axis=2), 1.0)
    share = (sets.at_risk @ member) / risk[:, :, None]
    ties = sets.tied.sum(axis=2)
    spread = weight**2 * np.where(risk > 1, (risk - ties) / np.maximum(risk - 1, 1.0), 0.0)
    spread_share = spread[:, :, None] * share
    covariance = -(spread_share.swapaxes(1, 2) @ share)
    diagonal = np.arange(n_groups)
    covariance[:, diagonal, diagonal] += spread_share.sum(axis=1)
    return RankScores(
        observed=(weight[:, :, None] * member).sum(axis=1),
        expected=(weight[:, :, None] * share).sum(axis=1),
        covariance=covariance,
    )


def _quadratic(scores: RankScores) -> tuple[FloatArray, IntArray]:
    """Chi-squared and degrees of freedom of each study."""
    value, basis = np.linalg.eigh(scores.covariance)
    along = (basis * (scores.observed - scores.expected)[:, :, None]).sum(axis=1)
    known = value > _NO_VARIANCE * np.maximum(value[:, -1:], 1e-300)
    part = np.where(known, along**2 / np.where(known, value, 1.0), 0.0)
    return part.sum(axis=1), known.sum(axis=1).astype(np.intp)


def rank_test(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
) -> RankTest:
    """Log-rank test of k groups, or its weighted or stratified form.

    Parameters
    ----------
    time, event, group : ndarray, shape (n,)
        Time, whether the event happened then, and group 0 to k − 1.
    rho, gamma : float
        Fleming-Harrington weights; (1, 0) is Peto-Peto as in R's ``survdiff(rho = 1)``.
    entry, strata : ndarray, shape (n,), optional
        Start of observation; stratum.

    Raises
    ------
    InputError
        If arrays do not match or there are fewer than two groups.

    Examples
    --------
    >>> time = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    >>> test = rank_test(time, np.ones(6, dtype=bool), np.array([0, 0, 0, 1, 1, 1]))
    >>> round(test.statistic, 4), test.df
    (5.0517, 1)
    """
    n_groups = _groups(time, group)
    sets = risk_sets(time, event, entry=entry, strata=strata)
    scores = rank_scores(sets, group, n_groups, rho=rho, gamma=gamma)
    statistic, df = _quadratic(scores)
    return _result(scores, float(statistic[0]), int(df[0]))


def trend_test(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    dose: FloatArray,
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
) -> RankTest:
    """Rank test of a trend over ordered doses, with one degree of freedom.

    Parameters
    ----------
    time, event, group : ndarray, shape (n,)
        Time, whether the event happened then, and group 0 to k − 1.
    dose : ndarray, shape (k,)
        Score of each group, for example its dose or rank.
    rho, gamma, entry, strata
        As in `rank_test`.

    Raises
    ------
    InputError
        If arrays do not match, or doses are not finite or all the same.
    """
    n_groups = _groups(time, group)
    dose = np.asarray(dose, dtype=np.float64)
    if dose.shape != (n_groups,) or not np.isfinite(dose).all() or np.ptp(dose) == 0:
        expected = f"{n_groups} finite doses that differ, one for each group"
        raise InputError(expected, found=f"{dose.size}")
    sets = risk_sets(time, event, entry=entry, strata=strata)
    scores = rank_scores(sets, group, n_groups, rho=rho, gamma=gamma)
    centered = (dose - dose.mean()) / np.abs(dose - dose.mean()).max()
    total = float(centered @ (scores.observed - scores.expected)[0])
    variance = float(centered @ scores.covariance[0] @ centered)
    if variance <= _NO_VARIANCE:
        return _result(scores, 0.0, 0)
    return _result(scores, total**2 / variance, 1, direction=total / variance**0.5)


def log_rank_many(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    *,
    rho: float = 0.0,
    gamma: float = 0.0,
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Rank tests of many studies at once, as simulations need them.

    Parameters
    ----------
    time, event : ndarray, shape (B, n)
        One study in each row.
    group : ndarray of int, shape (n,) or (B, n)
        Group of each animal.
    rho, gamma : float
        As in `rank_test`.

    Returns
    -------
    statistic : ndarray, shape (B,)
        Chi-squared; 0 where nothing can be compared.
    df : ndarray of int, shape (B,)
        0 where nothing can be compared.
    p_value : ndarray, shape (B,)
        1 where nothing can be compared.
    """
    n_groups = _groups(time, group)
    count, n = time.shape
    rows = np.broadcast_to(np.atleast_2d(group), (count, n))
    statistic, df = np.zeros(count), np.zeros(count, dtype=np.intp)
    chunk = max(1, _PAIRS // (n * n))
    for first in range(0, count, chunk):
        part = slice(first, first + chunk)
        sets = risk_sets(time[part], event[part])
        scores = rank_scores(sets, rows[part], n_groups, rho=rho, gamma=gamma)
        statistic[part], df[part] = _quadratic(scores)
    p_value = np.where(df > 0, special.chdtrc(np.maximum(df, 1), statistic), 1.0)
    return statistic, df, p_value


def _groups(time: FloatArray, group: IntArray) -> int:
    """Number of groups, checked."""
    if group.shape[-1] != np.asarray(time).shape[-1]:
        raise InputError("a group for each animal", found=f"{group.shape[-1]} groups")
    if group.size == 0 or group.min() < 0 or group.max() < 1:
        raise InputError("two groups or more, counted from 0", found="fewer")
    return int(group.max()) + 1


def _result(
    scores: RankScores, statistic: float, df: int, *, direction: float | None = None
) -> RankTest:
    """Result of one study."""
    observed = tuple(float(value) for value in scores.observed[0])
    expected = tuple(float(value) for value in scores.expected[0])
    if df == 0:
        return RankTest(
            statistic=None,
            df=0,
            p_value=None,
            observed=observed,
            expected=expected,
            status="not_estimable",
            reason="no event happened while animals of two groups were under observation",
        )
    return RankTest(
        statistic=statistic,
        df=df,
        p_value=float(special.chdtrc(df, statistic)),
        observed=observed,
        expected=expected,
        direction=direction,
    )
