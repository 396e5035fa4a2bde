"""Rank tests of groups whose events are only known to lie between two visits.

The pooled distribution is estimated by Turnbull's method. Each interval that carries mass has a
score; an animal's score is their mean under the pooled masses inside its own interval, and a
group's is the sum over its animals. With survival S before and S' after the interval of mass
p = S − S', and L the sum of p / S so far, the scores are

    logrank_sun          1 − L                        the log-rank test's own, for exact times
    logrank_finkelstein  (S log S − S' log S') / p    of proportional hazards
    wilcoxon             S + S' − 1                   of proportional odds

Animals' scores are fixed and labels exchangeable if the arms are alike and were visited alike, so
that the variance is that of a sum drawn without replacement, and few animals can be relabeled.

References
----------
Finkelstein DM. Biometrics 1986;42:845. Sun J. Stat Med 1996;15:1387. Fay MP, Shaw PA. J Stat Softw
2010;36(2) (permutation forms of these). Turnbull BW. J R Stat Soc B 1976;38:290.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.survival.relabeling import relabeled_p_value
from oncovivo.survival.turnbull import turnbull

__all__ = ["IntervalRankTest", "IntervalScores", "interval_animal_scores", "interval_rank_test"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
IntervalScores: TypeAlias = Literal["logrank_sun", "logrank_finkelstein", "wilcoxon"]

# Scores that differ by less are the same.
_NO_SPREAD: Final = 1e-9
_TWO: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRankTest:
    """Result of a rank test of interval-censored times.

    Parameters
    ----------
    scores : {"logrank_sun", "logrank_finkelstein", "wilcoxon"}
        Which.
    score : tuple of float
        Sum of the scores of each group; positive where events came early or often.
    statistic : float or None
        Chi-squared from the permutation variance; None where nothing can be compared.
    df : int
        Its degrees of freedom; 1 for two groups or a trend.
    direction : float or None
        Standardized score of the second group or of the trend, positive where later groups have
        more events; None with more groups and no doses.
    p_asymptotic : float or None
        From the chi-squared distribution.
    p_value : float or None
        From relabelings where they were asked for, otherwise the same.
    method : {"asymptotic", "permutation"}
        Whence `p_value`.
    exact : bool
        Whether all relabelings were looked at.
    n_relabelings : int
        How many were; 0 for the asymptotic method.
    monte_carlo_error : float
        Standard error of a p-value from drawn relabelings; 0 otherwise.
    status : {"ok", "not_estimable"}
        Whether there is a statistic.
    reason : str
        Why there is none; empty otherwise.
    """

    scores: IntervalScores
    score: tuple[float, ...]
    statistic: float | None
    df: int
    direction: float | None
    p_asymptotic: float | None
    p_value: float | None
    method: Literal["asymptotic", "permutation"]
    exact: bool = False
    n_relabelings: int = 0
    monte_carlo_error: float = 0.0
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def interval_animal_scores(
    lower: ArrayLike, upper: ArrayLike, *, scores: IntervalScores = "logrank_sun"
) -> FloatArray:
    """Score of each animal, with sum zero.

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        Last time without the event and first time with it; equal for an exact time, `upper`
        infinite without event.
    scores : {"logrank_sun", "logrank_finkelstein", "wilcoxon"}, default "logrank_sun"
        Which.

    Returns
    -------
    ndarray, shape (n,)
        Positive for early events.

    Raises
    ------
    InputError
        If an interval is crossed or out of range, or the scores are none of these.

    Examples
    --------
    >>> interval_animal_scores([0, 0, 7, 7], [7, 7, 14, float("inf")]).round(3)
    array([ 0.5,  0.5, -0.5, -0.5])
    """
    if scores not in get_args(IntervalScores):
        expected = f"scores of {', '.join(get_args(IntervalScores))}"
        raise InputError(expected, found=str(scores))
    curve = turnbull(lower, upper)
    lows = np.asarray(lower, dtype=np.float64)[:, np.newaxis]
    highs = np.asarray(upper, dtype=np.float64)[:, np.newaxis]
    # an interval begins after its left end, a point does not
    point = curve.left == curve.right
    begins = (curve.left > lows) | ((curve.left == lows) & ((lows == highs) | ~point))
    within = (begins & (curve.right <= highs)) * curve.mass
    share = within / within.sum(axis=1, keepdims=True)
    found = np.asarray(share @ _mass_scores(curve.mass, scores), dtype=np.float64)
    # zero but for the last digits that the estimate leaves open
    return np.asarray(found - found.mean(), dtype=np.float64)


def interval_rank_test(
    lower: ArrayLike,
    upper: ArrayLike,
    group: ArrayLike,
    *,
    scores: IntervalScores = "logrank_sun",
    dose: ArrayLike | None = None,
    permutation: bool = False,
    rng: np.random.Generator | None = None,
    draws: int = 20_000,
) -> IntervalRankTest:
    """Rank test of k groups of interval-censored times, or of a trend over them.

    Valid where visits and leaving without event do not depend on the group.

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        Last time without the event and first time with it; equal for an exact time, `upper`
        infinite without event.
    group : array_like of int, shape (n,)
        Group of each animal, 0 to k − 1.
    scores : {"logrank_sun", "logrank_finkelstein", "wilcoxon"}, default "logrank_sun"
        Which.
    dose : array_like, shape (k,), optional
        Score of each group, for a test of trend with one degree of freedom.
    permutation : bool, default False
        Whether to take the p-value from relabelings; to be preferred below ten animals a group.
    rng : numpy.random.Generator, optional
        Source of randomness; needed where there are too many relabelings to look at all.
    draws : int
        Relabelings to draw then, at least 99.

    Raises
    ------
    InputError
        If arrays do not match, there are fewer than two groups, doses are not finite or all the
        same, or relabelings must be drawn and there is no `rng`.

    Examples
    --------
    >>> lower, upper = [0, 0, 7, 14, 14, 21], [7, 7, 14, 21, 21, float("inf")]
    >>> test = interval_rank_test(lower, upper, [0, 0, 0, 1, 1, 1], permutation=True)
    >>> round(test.statistic, 3), test.p_value, test.exact
    (3.712, 0.1, True)
    """
    animal = interval_animal_scores(lower, upper, scores=scores)
    label, sizes = _checked_groups(group, animal.size)
    used = np.flatnonzero(sizes)
    contrast = None if dose is None else _checked_dose(dose, sizes)
    if contrast is None and used.size == _TWO:
        contrast = np.where(np.arange(sizes.size) == used[1], 1.0, 0.0)
    sums = np.bincount(label, weights=animal, minlength=sizes.size)
    variance = float((animal**2).sum()) / (animal.size - 1)
    method: Literal["asymptotic", "permutation"] = "permutation" if permutation else "asymptotic"
    if variance <= _NO_SPREAD:
        return IntervalRankTest(
            scores=scores,
            score=tuple(sums.tolist()),
            statistic=None,
            df=0,
            direction=None,
            p_asymptotic=None,
            p_value=None,
            method=method,
            status="not_estimable",
            reason="all animals have the same score: no event is known to be before another",
        )
    if contrast is None:
        df, direction = used.size - 1, None
        statistic = float((sums[used] ** 2 / sizes[used]).sum()) / variance
    else:
        centered = contrast[label] - contrast[label].mean()
        df, direction = 1, float(centered @ animal) / math.sqrt(variance * (centered @ centered))
        statistic = direction**2
    p_asymptotic = float(special.chdtrc(df, statistic))
    p_value, n_relabelings, exact = p_asymptotic, 0, False
    if permutation:
        p_value, n_relabelings, exact = relabeled_p_value(
            animal, label, contrast=contrast, draws=draws, rng=rng
        )
    drawn = permutation and not exact
    error = math.sqrt(p_value * (1 - p_value) / n_relabelings) if drawn else 0.0
    return IntervalRankTest(
        scores=scores,
        score=tuple(sums.tolist()),
        statistic=statistic,
        df=df,
        direction=direction,
        p_asymptotic=p_asymptotic,
        p_value=p_value,
        method=method,
        exact=exact,
        n_relabelings=n_relabelings,
        monte_carlo_error=error,
    )


def _mass_scores(mass: FloatArray, scores: IntervalScores) -> FloatArray:
    """Score of each interval with mass."""
    after = np.append(1 - np.cumsum(mass)[:-1], 0.0)
    before = np.concatenate(([1.0], after[:-1]))
    if scores == "wilcoxon":
        return np.asarray(before + after - 1, dtype=np.float64)
    if scores == "logrank_finkelstein":
        return np.asarray((special.entr(after) - special.entr(before)) / mass, dtype=np.float64)
    # The last interval takes all that is left, with or without event: a right-censored animal
    # has minus the hazard so far, and with a hazard of 1 for the last one so has an event.
    return np.asarray(1 - np.cumsum(mass / before), dtype=np.float64)


def _checked_groups(group: ArrayLike, n: int) -> tuple[IntArray, IntArray]:
    """Groups and their sizes."""
    label = np.asarray(group)
    if label.shape != (n,) or not np.issubdtype(label.dtype, np.integer):
        raise InputError("a group, a whole number, for each animal", found=f"shape {label.shape}")
    if label.min() < 0 or np.unique(label).size < _TWO:
        raise InputError("two groups or more, counted from 0", found="others")
    return label.astype(np.intp), np.bincount(label).astype(np.intp)


def _checked_dose(dose: ArrayLike, sizes: IntArray) -> FloatArray:
    """Doses, finite and not the same for all animals."""
    doses = np.asarray(dose, dtype=np.float64)
    wrong = doses.shape != sizes.shape or not np.isfinite(doses).all()
    if wrong or np.ptp(doses[sizes > 0]) == 0:
        expected = f"{sizes.size} finite doses that differ, one for each group"
        raise InputError(expected, found=f"{doses.size}")
    # of size 1, so that ties are judged alike in all units
    centered = doses - doses.mean()
    return np.asarray(centered / np.abs(centered).max(), dtype=np.float64)
