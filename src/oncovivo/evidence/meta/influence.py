"""Which rows a pooled effect hangs on: leave-one-out, case diagnostics, cumulative pooling.

References
----------
Viechtbauer W, Cheung MW-L. Res Synth Methods 2010;1:112 (diagnostics and their cut-offs). Lau J et
al. N Engl J Med 1992;327:248 (cumulative meta-analysis).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.heterogeneity import weighted
from oncovivo.evidence.meta.pooling import PooledMany, checked_options, pool, pool_many
from oncovivo.evidence.meta.types import (
    Measure,
    Method,
    PooledResult,
    Rows,
    Test,
    plain_fields,
)

__all__ = [
    "CaseDiagnostics",
    "CumulativeResult",
    "CumulativeStep",
    "InfluenceResult",
    "LeaveOneOut",
    "LeftOut",
    "case_diagnostics",
    "cumulative",
    "leave_one_out",
]

FloatArray: TypeAlias = NDArray[np.float64]

_FEWEST: Final = 3
# Numbers held in one array of all the sets with a row left out.
_CHUNK: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Pooled effect of the others.

    Parameters
    ----------
    label : str
        The row left out.
    estimate, std_error, lower, upper, p_value : float
        Pooled effect without it.
    tau2, i2, q : float
        Variance between the others, I² in percent and Cochran's Q.
    """

    label: str
    estimate: float
    std_error: float
    lower: float
    upper: float
    p_value: float
    tau2: float
    i2: float
    q: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut:
    """The pooled effect without each row in turn.

    Parameters
    ----------
    measure, method, test : str
        What was pooled, how.
    level : float
        Confidence of the limits.
    rows : tuple of LeftOut
        In the order of the rows.
    """

    measure: Measure
    method: Method
    test: Test
    level: float
    rows: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDiagnostics:
    """How much one row weighs on the result.

    Parameters
    ----------
    label : str
        Row.
    rstudent : float
        Residual from the pooled effect of the others, over its standard error.
    dffits : float
        Shift of the pooled effect in its standard errors, without the row.
    cook : float
        Squared shift over the variance of the pooled effect.
    covariance_ratio : float
        Variance of the pooled effect without the row over that with it.
    tau2_deleted, q_deleted : float
        Variance between the others, and Cochran's Q.
    hat : float
        Weight, a fraction.
    dfbetas : float
        As dffits, with the variance of the whole set at the others' tau².
    influential : bool
        A diagnostic passes its cut-off: dffits of 3√(1/(k − 1)), Cook's distance of the median of
        chi-squared with 1 degree of freedom, a weight of 3/k, or dfbetas of 1.
    """

    label: str
    rstudent: float
    dffits: float
    cook: float
    covariance_ratio: float
    tau2_deleted: float
    q_deleted: float
    hat: float
    dfbetas: float
    influential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluenceResult:
    """Diagnostics of all rows.

    Parameters
    ----------
    measure, method, test : str
        What was pooled, how.
    rows : tuple of CaseDiagnostics
        In the order of the rows.
    """

    measure: Measure
    method: Method
    test: Test
    rows: tuple[CaseDiagnostics, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeStep:
    """The pooled effect once a row has come in.

    Parameters
    ----------
    label : str
        The row that came in last.
    pooled : PooledResult
        All rows until then.
    """

    label: str
    pooled: PooledResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeResult:
    """The pooled effect as rows come in.

    Parameters
    ----------
    steps : tuple of CumulativeStep
        In the order in which they came; the first holds one row.
    """

    steps: tuple[CumulativeStep, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def _without_each(
    rows: Rows, *, method: Method, test: Test, level: float
) -> list[tuple[slice, PooledMany]]:
    """Pooled sets with a row left out, in parts that fit into memory."""
    checked_options(method, test, "test")
    k = len(rows)
    if k < _FEWEST:
        raise DataError(
            f"{_FEWEST} rows or more, to pool what is left when one goes", found=f"{k}"
        )
    parts = []
    size = max(1, _CHUNK // k)
    for start in range(0, k, size):
        part = slice(start, min(k, start + size))
        gone = np.arange(part.start, part.stop)[:, None]
        # Positions 0 to k - 2, moved up by one from the row that is left out on.
        kept = np.arange(k - 1) + (np.arange(k - 1) >= gone)
        many = pool_many(
            rows.yi[kept], rows.vi[kept], method=method, test=test, prediction="test", level=level
        )
        parts.append((part, many))
    return parts


def leave_one_out(
    rows: Rows,
    *,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    level: float = 0.95,
) -> LeaveOneOut:
    """Pooled effect without each row in turn.

    Parameters
    ----------
    rows : Rows
        What is pooled; 3 rows or more.
    method, test, level
        As in `oncovivo.evidence.meta.pool`.

    Raises
    ------
    DataError
        Fewer than 3 rows.
    InputError
        A choice that does not exist.

    Examples
    --------
    >>> rows = Rows.of(["a", "b", "c"], [0.0, 1.0, 5.0], [0.1, 0.1, 0.1])
    >>> [round(one.estimate, 2) for one in leave_one_out(rows).rows]
    [3.0, 2.5, 0.5]
    """
    found = []
    for part, many in _without_each(rows, method=method, test=test, level=level):
        columns = (
            many.estimate,
            many.std_error,
            many.lower,
            many.upper,
            many.p_value,
            many.tau2,
            many.i2,
            many.q,
        )
        for label, *values in zip(
            rows.label[part], *(column.tolist() for column in columns), strict=True
        ):
            found.append(
                LeftOut(
                    label=label,
                    estimate=values[0],
                    std_error=values[1],
                    lower=values[2],
                    upper=values[3],
                    p_value=values[4],
                    tau2=values[5],
                    i2=values[6],
                    q=values[7],
                )
            )
    return LeaveOneOut(
        measure=rows.measure, method=method, test=test, level=level, rows=tuple(found)
    )


def _scale(many: PooledMany) -> FloatArray:
    """What the test scales the variances of the sets by."""
    if many.test == "knapp-hartung":
        return many.factor
    if many.test == "knapp-hartung-floor":
        return np.maximum(1.0, many.factor)
    return np.ones_like(many.factor)


def _ratio(value: FloatArray, over: FloatArray) -> FloatArray:
    """A quotient that is 0 where nothing is divided by nothing."""
    out = np.where(value == 0, 0.0, np.copysign(np.inf, value))
    return np.divide(value, over, out=out, where=over > 0)


def case_diagnostics(
    rows: Rows, *, method: Method = "REML", test: Test = "knapp-hartung"
) -> InfluenceResult:
    """Diagnostics of each row: residual, shift of the result, weight.

    Parameters
    ----------
    rows : Rows
        What is pooled; 3 rows or more.
    method, test
        As in `oncovivo.evidence.meta.pool`.

    Raises
    ------
    DataError
        Fewer than 3 rows.
    InputError
        A choice that does not exist.

    Examples
    --------
    >>> rows = Rows.of(list("abcde"), [0.0, 0.1, 0.2, 0.1, 3.0], [0.1] * 5)
    >>> [one.label for one in case_diagnostics(rows).rows if one.influential]
    ['e']
    """
    k = len(rows)
    parts = _without_each(rows, method=method, test=test, level=0.95)
    whole = pool_many(rows.yi[None, :], rows.vi[None, :], method=method, test=test)
    mean, variance = float(whole.estimate[0]), float(whole.std_error[0]) ** 2
    fit = weighted(rows.yi[None, :], rows.vi[None, :], whole.tau2)
    hat = fit.weight[0] / fit.total[0]
    found: list[CaseDiagnostics] = []
    for part, many in parts:
        yi, vi, share = rows.yi[part], rows.vi[part], hat[part]
        scale = _scale(many)
        spread = np.sqrt(scale * (vi + many.tau2) + many.std_error**2)
        shift = mean - many.estimate
        # Variance of the whole set's estimate, had it the others' tau².
        at_others = 1.0 / (1.0 / (rows.vi + many.tau2[:, None])).sum(axis=1)
        dffits = _ratio(shift, np.sqrt(scale * share * (many.tau2 + vi)))
        dfbetas = _ratio(shift, np.sqrt(scale * at_others))
        cook = _ratio(shift**2, np.full_like(shift, variance))
        ratio = _ratio(many.std_error**2, np.full_like(shift, variance))
        flagged = (
            (np.abs(dffits) > 3.0 * math.sqrt(1.0 / (k - 1)))
            | (special.chdtr(1, np.minimum(cook, 1e300)) > 0.5)
            | (share > 3.0 / k)
            | (np.abs(dfbetas) > 1.0)
        )
        rstudent = _ratio(yi - many.estimate, spread)
        found += [
            CaseDiagnostics(
                label=rows.label[part.start + at],
                rstudent=float(rstudent[at]),
                dffits=float(dffits[at]),
                cook=float(cook[at]),
                covariance_ratio=float(ratio[at]),
                tau2_deleted=float(many.tau2[at]),
                q_deleted=float(many.q[at]),
                hat=float(share[at]),
                dfbetas=float(dfbetas[at]),
                influential=bool(flagged[at]),
            )
            for at in range(shift.size)
        ]
    return InfluenceResult(measure=rows.measure, method=method, test=test, rows=tuple(found))


def cumulative(
    rows: Rows,
    order: ArrayLike | Sequence[str] | None = None,
    *,
    method: Method = "REML",
    test: Test = "knapp-hartung",
    level: float = 0.95,
) -> CumulativeResult:
    """The pooled effect as rows come in, by year or precision.

    Parameters
    ----------
    rows : Rows
        What is pooled.
    order : sequence of length k, optional
        What the rows are sorted by, smallest first (year of publication); as they stand without.
        Rows with the same value keep their order.
    method, test, level
        As in `oncovivo.evidence.meta.pool`.

    Raises
    ------
    InputError
        Another number of values than of rows, or a choice that does not exist.

    Examples
    --------
    >>> rows = Rows.of(["2014", "2009"], [1.0, 0.0], [0.1, 0.1])
    >>> steps = cumulative(rows, [2014, 2009], test="z").steps
    >>> [(one.label, round(one.pooled.estimate, 2)) for one in steps]
    [('2009', 0.0), ('2014', 0.5)]
    """
    checked_options(method, test, "test")
    if order is None:
        sequence = np.arange(len(rows))
    else:
        keys = np.asarray(order)
        if keys.shape != (len(rows),):
            raise InputError(
                f"one value to sort by for each of the {len(rows)} rows", found=f"{keys.size}"
            )
        sequence = np.argsort(keys, kind="stable")
    return CumulativeResult(
        steps=tuple(
            CumulativeStep(
                label=rows.label[sequence[last]],
                pooled=pool(
                    rows.take(sequence[: last + 1]), method=method, test=test, level=level
                ),
            )
            for last in range(len(rows))
        )
    )
