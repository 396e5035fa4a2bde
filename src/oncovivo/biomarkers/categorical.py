"""Exact tests of tables of counts, and tests of two groups of lines.

References
----------
Fisher RA. Statistical Methods for Research Workers, 1925. Freeman GH, Halton JH. Biometrika
1951;38:141. Mann HB, Whitney DR. Ann Math Stat 1947;18:50. Welch BL. Biometrika 1947;34:28.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError

__all__ = [
    "ExactTable",
    "RankSum",
    "WelchTest",
    "exact_table_test",
    "fisher_table",
    "rank_sum_test",
    "welch_test",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

# Tables whose probabilities differ by less than this share are equally probable.
_TIE: Final = 1e-7
# Up to so many tables with the same margins all are looked at, beyond it a sample is drawn.
_MOST_TABLES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactTable:
    """Test of a table of counts.

    Parameters
    ----------
    p_value : float
        Probability, given the margins, of the tables that are at most as probable.
    odds_ratio : float or None
        Of a 2 × 2 table, the conditional maximum-likelihood estimate: 0 or infinite where a cell
        is empty. None for larger tables, and where a margin is.
    lower, upper : float or None
        Its exact limits; infinite where the estimate is.
    exact : bool
        Whether all tables with the margins were looked at.
    level : float
        Confidence of the limits.
    """

    p_value: float
    odds_ratio: float | None
    lower: float | None
    upper: float | None
    exact: bool
    level: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON; an infinite odds ratio is None."""
        fields = asdict(self)
        return {
            name: None if isinstance(value, float) and math.isinf(value) else value
            for name, value in fields.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSum:
    """Wilcoxon's rank-sum test.

    Parameters
    ----------
    statistic : float
        Pairs in which the second group has the higher value, ties counting one half.
    p_value : float
        By the normal approximation with the variance of tied ranks and a continuity correction.
    auc : float
        `statistic` as a share of all pairs: the area under the receiver operating curve.
    """

    statistic: float
    p_value: float
    auc: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WelchTest:
    """Welch's test of two means.

    Parameters
    ----------
    difference, std_error : float
        Second group less the first.
    lower, upper : float
        Limits by t.
    statistic, df, p_value : float
        Its t, two-sided.
    """

    difference: float
    std_error: float
    lower: float
    upper: float
    statistic: float
    df: float
    p_value: float


def fisher_table(table: IntArray, *, level: float = 0.95) -> ExactTable:
    """Fisher's exact test of a 2 × 2 table, with the conditional odds ratio.

    Parameters
    ----------
    table : ndarray of int, shape (2, 2)
        Counts.
    level : float
        Confidence of the limits.

    Raises
    ------
    InputError
        If the table has another shape or a negative count.

    Examples
    --------
    >>> round(fisher_table(np.array([[3, 1], [1, 3]])).p_value, 6)
    0.485714
    """
    counts = _checked(table)
    if counts.shape != (2, 2):
        raise InputError("a table of 2 × 2 counts", found=f"{counts.shape}")
    if (counts.sum(axis=0) == 0).any() or (counts.sum(axis=1) == 0).any():
        return ExactTable(
            p_value=1.0, odds_ratio=None, lower=None, upper=None, exact=True, level=level
        )
    tested = scipy.stats.fisher_exact(counts)
    ratio = scipy.stats.contingency.odds_ratio(counts, kind="conditional")
    limits = ratio.confidence_interval(level)
    return ExactTable(
        p_value=float(min(tested.pvalue, 1.0)),
        odds_ratio=float(ratio.statistic),
        lower=float(limits.low),
        upper=float(limits.high),
        exact=True,
        level=level,
    )


def exact_table_test(
    table: IntArray, *, draws: int = 100_000, rng: np.random.Generator | None = None
) -> ExactTable:
    """Freeman and Halton's test of a table of any size.

    All tables with the same margins are looked at where they are at most 100,000; otherwise a
    sample of them is drawn, for which a generator is needed.

    Parameters
    ----------
    table : ndarray of int, shape (r, c)
        Counts.
    draws : int
        Tables to draw where there are too many.
    rng : numpy.random.Generator, optional
        Source of randomness.

    Raises
    ------
    InputError
        If a count is negative, or tables have to be drawn and there is no generator.

    Examples
    --------
    >>> round(exact_table_test(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2]])).p_value, 6)
    0.066667
    """
    counts = _checked(table)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape, default=0) < 2:
        return ExactTable(
            p_value=1.0, odds_ratio=None, lower=None, upper=None, exact=True, level=0.95
        )
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    constant = float(special.gammaln(rows + 1).sum() + special.gammaln(columns + 1).sum())
    constant -= float(special.gammaln(counts.sum() + 1))
    seen = constant - float(special.gammaln(counts + 1).sum()) + _TIE
    total = 0.0
    for number, log_weight in enumerate(_tables(rows.tolist(), columns.tolist())):
        if number >= _MOST_TABLES:
            break
        if constant - log_weight <= seen:
            total += math.exp(constant - log_weight)
    else:
        return ExactTable(
            p_value=min(total, 1.0),
            odds_ratio=None,
            lower=None,
            upper=None,
            exact=True,
            level=0.95,
        )
    if rng is None:
        expected = "a generator of random numbers for a table this large"
        raise InputError(expected, found="none")
    drawn = scipy.stats.random_table(rows, columns, seed=rng).rvs(size=draws)
    logs = constant - special.gammaln(np.asarray(drawn) + 1).sum(axis=(1, 2))
    return ExactTable(
        p_value=(float((logs <= seen).sum()) + 1) / (draws + 1),
        odds_ratio=None,
        lower=None,
        upper=None,
        exact=False,
        level=0.95,
    )


def rank_sum_test(first: FloatArray, second: FloatArray) -> RankSum:
    """Wilcoxon's rank-sum test of two groups, as R's ``wilcox.test(exact = FALSE)``.

    Parameters
    ----------
    first, second : ndarray, shape (n,) and (m,)
        Values of the groups.

    Raises
    ------
    InputError
        If a group is empty.

    Examples
    --------
    >>> test = rank_sum_test(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    >>> test.auc, round(test.p_value, 4)
    (1.0, 0.0809)
    """
    n, m = first.size, second.size
    if not n or not m:
        raise InputError("two groups with values", found=f"{n} and {m}")
    ranks = scipy.stats.rankdata(np.concatenate([first, second]))
    higher = float(ranks[n:].sum()) - m * (m + 1) / 2
    _, ties = np.unique(ranks, return_counts=True)
    total = n + m
    tied = float((ties**3 - ties).sum()) / (total * (total - 1)) if total > 1 else 0.0
    variance = n * m / 12 * (total + 1 - tied)
    away = higher - n * m / 2
    p_value = 1.0
    if variance > 0:
        z = (away - math.copysign(0.5, away) * (away != 0)) / math.sqrt(variance)
        p_value = min(1.0, 2 * float(special.ndtr(-abs(z))))
    return RankSum(statistic=higher, p_value=p_value, auc=higher / (n * m))


def welch_test(first: FloatArray, second: FloatArray, *, level: float = 0.95) -> WelchTest | None:
    """Welch's test of two means, second less first; None where no spread is known.

    Parameters
    ----------
    first, second : ndarray, shape (n,) and (m,)
        Values of the groups.
    level : float
        Confidence of the limits.

    Examples
    --------
    >>> test = welch_test(np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 8.0]))
    >>> test.difference, round(test.df, 3)
    (3.0, 2.56)
    """
    if min(first.size, second.size) < 2:
        return None
    parts = [float(group.var(ddof=1)) / group.size for group in (first, second)]
    variance = sum(parts)
    if variance <= 0:
        return None
    df = variance**2 / (parts[0] ** 2 / (first.size - 1) + parts[1] ** 2 / (second.size - 1))
    difference = float(second.mean() - first.mean())
    error = math.sqrt(variance)
    half = float(special.stdtrit(df, (1 + level) / 2)) * error
    return WelchTest(
        difference=difference,
        std_error=error,
        lower=difference - half,
        upper=difference + half,
        statistic=difference / error,
        df=df,
        p_value=2 * float(special.stdtr(df, -abs(difference / error))),
    )


def _checked(table: IntArray) -> IntArray:
    """Counts, none of them negative."""
    counts = np.asarray(table)
    if counts.ndim != 2 or (counts < 0).any() or (counts != np.floor(counts)).any():
        raise InputError("a table of counts of 0 or more", found="another")
    return counts.astype(np.int64)


def _tables(rows: list[int], columns: list[int]) -> Iterator[float]:
    """Sums of log factorials of the cells of every table with the margins."""
    if len(columns) == 1:
        yield sum(math.lgamma(row + 1) for row in rows)
        return
    for column in _columns(rows, columns[0]):
        here = sum(math.lgamma(cell + 1) for cell in column)
        left = [row - cell for row, cell in zip(rows, column, strict=True)]
        for rest in _tables(left, columns[1:]):
            yield here + rest


def _columns(rows: list[int], total: int) -> Iterator[tuple[int, ...]]:
    """Every way to share a column's total among rows that have room for it."""
    if len(rows) == 1:
        if total <= rows[0]:
            yield (total,)
        return
    room = sum(rows[1:])
    for cell in range(max(0, total - room), min(rows[0], total) + 1):
        for rest in _columns(rows[1:], total - cell):
            yield (cell, *rest)
