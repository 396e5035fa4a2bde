"""Trim and fill: the pooled effect with mirror images of the rows that have none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.heterogeneity import between_variance, weighted
from oncovivo.evidence.meta.lines import mixed_lines, weighted_lines
from oncovivo.evidence.meta.pooling import pool
from oncovivo.evidence.meta.precision import (
    Precision,
    bias_warnings,
    check_imprecision,
    checked_precision,
    imprecision,
)
from oncovivo.evidence.meta.types import (
    MetaWarning,
    Method,
    PooledResult,
    Rows,
    Test,
    plain_fields,
    read_only,
)

__all__ = ["TrimAndFill", "trim_and_fill"]

FloatArray: TypeAlias = NDArray[np.float64]

_MOST_ROUNDS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrimAndFill:
    """What is pooled when rows without a mirror image are given one.

    Parameters
    ----------
    estimator : {"L0", "R0"}
        How the missing rows were counted.
    precision : {"se", "size"}
        What the weights of the centering are made from.
    side : {"left", "right"}
        Where rows are missing: left are the small effects.
    missing : int
        Rows filled in.
    missing_std_error : float
        Of the count.
    missing_p_value : float or None
        That none is missing; only R0 has one.
    filled : Rows
        The rows with the mirror images behind them.
    unadjusted, adjusted : PooledResult
        Without and with them.
    warnings : tuple of MetaWarning
        What should be known.
    """

    estimator: Literal["L0", "R0"]
    precision: Precision
    side: Literal["left", "right"]
    missing: int
    missing_std_error: float
    missing_p_value: float | None
    filled: Rows
    unadjusted: PooledResult
    adjusted: PooledResult
    warnings: tuple[MetaWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


def trim_and_fill(
    rows: Rows,
    *,
    estimator: Literal["L0", "R0"] = "L0",
    side: Literal["auto", "left", "right"] = "auto",
    precision: Precision = "auto",
    method: Method = "REML",
    test: Test = "knapp-hartung",
    level: float = 0.95,
) -> TrimAndFill:
    """Pooled effect with the mirror images of rows that have none.

    Rows are ranked by their distance from the mean of those left after trimming, until the number
    that seems to be missing no longer changes (Duval and Tweedie, Biometrics 2000;56:455). A
    sensitivity analysis: it assumes that the most extreme effects are the missing ones.

    Parameters
    ----------
    rows : Rows
        Effect sizes; for ``precision="size"`` with their animals.
    estimator : {"L0", "R0"}, default "L0"
        From the sum of the ranks on one side, or from the run of largest ranks.
    side : {"auto", "left", "right"}, default "auto"
        Where rows are missing; auto takes the side that the slope on imprecision points away from
        (of a meta-regression by REML, or of equal effects).
    precision : {"auto", "se", "size"}, default "auto"
        What the mean of the trimmed rows is weighted by, and the side is found by. The final
        pooling always uses the rows' own variances.
    method, test, level
        As for `pool`.

    Raises
    ------
    InputError
        Animals are needed and missing, or a choice that does not exist.
    DataError
        Fewer than 3 rows, or rows of the same imprecision where the side is to be found.
    """
    if estimator not in ("L0", "R0"):
        raise InputError("an estimator of missing rows out of L0, R0", found=repr(estimator))
    kind = checked_precision(rows, precision)
    x, variance = imprecision(rows, kind)
    unadjusted = pool(rows, method=method, test=test, level=level)
    where = _missing_side(rows, x, variance, method) if side == "auto" else side
    if where not in ("left", "right"):
        raise InputError("a side out of auto, left, right", found=repr(side))
    if len(rows) < 3:
        raise DataError("3 or more rows to look for asymmetry", found=str(len(rows)))
    sign = -1.0 if where == "right" else 1.0
    order = np.argsort(sign * rows.yi, kind="stable")
    y, v = sign * rows.yi[order], variance[order]
    missing, error, center, settled = _missing_rows(y, v, estimator, method)
    beyond = order[len(rows) - missing :]
    filled = rows
    warnings = bias_warnings(rows, kind)
    if not settled:
        message = "the number of missing rows did not settle"
        warnings = (*warnings, MetaWarning(code="not_converged", message=message))
    adjusted = unadjusted
    if missing:
        mirrored = 2 * sign * center - rows.yi[beyond]
        filled = _appended(rows, mirrored, beyond)
        adjusted = pool(filled, method=method, test=test, level=level)
    return TrimAndFill(
        estimator=estimator,
        precision=kind,
        side=where,
        missing=missing,
        missing_std_error=error,
        missing_p_value=0.5 ** (missing + 1) if estimator == "R0" else None,
        filled=filled,
        unadjusted=unadjusted,
        adjusted=adjusted,
        warnings=warnings,
    )


def _missing_side(
    rows: Rows, x: FloatArray, variance: FloatArray, method: Method
) -> Literal["left", "right"]:
    check_imprecision(rows, x)
    if method == "EE":
        line = weighted_lines(rows.yi[None], x[None], variance[None])
    else:
        line = mixed_lines(rows.yi[None], x[None], variance[None]).line
    slope = line.coefficients[0, 1]
    return "right" if slope < 0 else "left"


def _missing_rows(
    y: FloatArray, v: FloatArray, estimator: Literal["L0", "R0"], method: Method
) -> tuple[int, float, float, bool]:
    """Missing rows on the left of ascending effects: count, its error, center, whether settled."""
    k = y.size
    missing, error, center, settled = 0, 0.0, 0.0, False
    for _ in range(_MOST_ROUNDS):
        left_y, left_v = y[None, : k - missing], v[None, : k - missing]
        one = left_y.shape[1] == 1
        tau2 = np.zeros(1) if one else between_variance(left_y, left_v, method).tau2
        center = float(weighted(left_y, left_v, tau2).mean[0])
        off = y - center
        rank = np.empty(k)
        rank[np.argsort(np.abs(off), kind="stable")] = np.arange(1, k + 1)
        if estimator == "R0":
            counted = k - float(rank[off < 0].max(initial=0.0)) - 1
            error = (2 * max(0.0, counted) + 2) ** 0.5
        else:
            total = float(rank[off > 0].sum())
            counted = (4 * total - k * (k + 1)) / (2 * k - 1)
            error = 4 * max(0.0, _rank_variance(k, counted)) ** 0.5 / (2 * k - 1)
        before, missing = missing, min(max(0, round(counted)), k - 1)
        if missing == before:
            settled = True
            break
    return missing, error, center, settled


def _rank_variance(k: int, missing: float) -> float:
    """Variance of the sum of ranks with so many rows missing."""
    m = missing
    plain = k * (k + 1) * (2 * k + 1)
    return (
        plain + 10 * m**3 + 27 * m**2 + 17 * m - 18 * k * m**2 - 18 * k * m + 6 * k**2 * m
    ) / 24


def _appended(rows: Rows, mirrored: FloatArray, beyond: NDArray[np.intp]) -> Rows:
    """The rows, and behind them their mirror images."""

    def twice(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else read_only(np.concatenate([values, values[beyond]]))

    study = None
    if rows.study is not None:
        study = (*rows.study, *(f"filled {rows.study[row]}" for row in beyond))
    return replace(
        rows,
        label=(*rows.label, *(f"filled {rows.label[row]}" for row in beyond)),
        yi=read_only(np.concatenate([rows.yi, mirrored])),
        vi=read_only(np.concatenate([rows.vi, rows.vi[beyond]])),
        study=study,
        n_treated=twice(rows.n_treated),
        n_control=twice(rows.n_control),
    )
