"""Whether subgroups of rows differ in their pooled effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.columns import known_choice
from oncovivo.evidence.meta.pooling import pool
from oncovivo.evidence.meta.regression import fit_regression
from oncovivo.evidence.meta.types import (
    Coefficient,
    MetaWarning,
    Method,
    PooledResult,
    Rows,
    Test,
    plain_fields,
)

__all__ = ["SubgroupResult", "subgroup_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupResult:
    """Pooled effects of subgroups, and whether they differ.

    Parameters
    ----------
    moderator : str
        What makes the groups.
    variance : {"common", "separate"}
        Whether the groups share one variance between rows.
    levels : tuple of str
        Groups.
    k : tuple of int
        Rows of each.
    pooled : tuple of Coefficient
        Pooled effect of each.
    tau2 : tuple of float or None
        Variance between the rows of each; the same in all where it is common, None for one row.
    results : tuple of PooledResult
        Each group by itself where the variances are separate; empty otherwise.
    statistic, p_value : float or None
        Test of no difference: chi-squared with ``df``, or F with ``df`` and ``df2``.
    df : int
        Groups less one.
    df2 : int or None
        Denominator; None for chi-squared.
    warnings : tuple of MetaWarning
        What should be known.
    """

    moderator: str
    variance: Literal["common", "separate"]
    levels: tuple[str, ...]
    k: tuple[int, ...]
    pooled: tuple[Coefficient, ...]
    tau2: tuple[float | None, ...]
    results: tuple[PooledResult, ...]
    statistic: float | None
    df: int
    df2: int | None
    p_value: float | None
    warnings: tuple[MetaWarning, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def subgroup_test(
    rows: Rows,
    moderator: str,
    levels: Sequence[str],
    *,
    variance: Literal["common", "separate"] = "common",
    method: Method = "REML",
    test: Test = "knapp-hartung",
    level: float = 0.95,
) -> SubgroupResult:
    """Pooled effect of each subgroup and a test of their difference.

    Parameters
    ----------
    rows : Rows
        What is pooled.
    moderator : str
        What makes the groups, for the labels.
    levels : sequence of str, length k
        Group of each row.
    variance : {"common", "separate"}, default "common"
        One variance between rows for all groups, as small groups need, or one for each. With
        separate ones the test is chi-squared and takes the groups' standard errors as known.
    method, test, level
        As in `oncovivo.evidence.meta.pool`.

    Raises
    ------
    InputError, DataError
        As `fit_regression`.

    Examples
    --------
    >>> rows = Rows.of(list("abcd"), [0.1, 0.2, 1.1, 1.2], [0.02] * 4)
    >>> found = subgroup_test(rows, "graft", ["cdx", "cdx", "pdx", "pdx"], test="z")
    >>> [round(one.estimate, 2) for one in found.pooled], round(found.statistic, 1)
    ([0.15, 1.15], 50.0)
    """
    known_choice("a variance", variance, ("common", "separate"))
    texts = [str(one) for one in levels]
    names = sorted(set(texts))
    counts = tuple(texts.count(name) for name in names)
    if variance == "common":
        cells = fit_regression(
            rows, {moderator: texts}, intercept=False, method=method, test=test, level=level
        )
        contrast = fit_regression(rows, {moderator: texts}, method=method, test=test, level=level)
        return SubgroupResult(
            moderator=moderator,
            variance=variance,
            levels=tuple(names),
            k=counts,
            pooled=cells.coefficients,
            tau2=(cells.tau2,) * len(names),
            results=(),
            statistic=contrast.qm,
            df=contrast.qm_df,
            df2=contrast.qm_df2,
            p_value=contrast.qm_p_value,
            warnings=cells.warnings,
        )
    if len(texts) != len(rows):
        raise InputError(
            f"one value of {moderator} for each of the {len(rows)} rows", found=f"{len(texts)}"
        )
    if len(names) < 2:
        raise DataError(f"a moderator {moderator} that varies", found=f"{names[0]} in all rows")
    results = tuple(
        pool(
            rows.take([at for at, text in enumerate(texts) if text == name]),
            method=method,
            test=test,
            level=level,
        )
        for name in names
    )
    return _separate(moderator, names, counts, results)


def _separate(
    moderator: str,
    names: Sequence[str],
    counts: tuple[int, ...],
    results: tuple[PooledResult, ...],
) -> SubgroupResult:
    """Subgroups that were pooled each by itself."""
    estimate = np.array([one.estimate for one in results])
    std_error = np.array([one.std_error for one in results])
    statistic: float | None = None
    p_value: float | None = None
    if (std_error > 0).all():
        weight = 1.0 / std_error**2
        center = float(weight @ estimate) / float(weight.sum())
        statistic = float(weight @ (estimate - center) ** 2)
        p_value = float(special.chdtrc(len(names) - 1, statistic))
    pooled = tuple(
        Coefficient(
            term=f"{moderator}: {name}",
            estimate=one.estimate,
            std_error=one.std_error,
            statistic=one.statistic,
            df=one.df,
            p_value=one.p_value,
            lower=one.lower,
            upper=one.upper,
        )
        for name, one in zip(names, results, strict=True)
    )
    warnings = tuple(
        MetaWarning(code=w.code, message=f"{name}: {w.message}", rows=w.rows)
        for name, one in zip(names, results, strict=True)
        for w in one.warnings
    )
    return SubgroupResult(
        moderator=moderator,
        variance="separate",
        levels=tuple(names),
        k=counts,
        pooled=pooled,
        tau2=tuple(one.tau2 for one in results),
        results=results,
        statistic=statistic,
        df=len(names) - 1,
        df2=None,
        p_value=p_value,
        warnings=warnings,
    )
