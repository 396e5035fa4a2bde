"""Tests of one marker by itself: groups, exact tables, concordance, penalized odds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.association_result import Association
from oncovivo.biomarkers.association_task import (
    AssociationTask,
    level_names,
    slope_words,
    two_names,
    unmeasured,
)
from oncovivo.biomarkers.categorical import (
    exact_table_test,
    fisher_table,
    rank_sum_test,
    welch_test,
)
from oncovivo.biomarkers.concordance import area_under_curve, concordance_index
from oncovivo.biomarkers.features import Feature
from oncovivo.biomarkers.firth_logistic import firth_logistic

__all__ = ["single_test"]

FloatArray: TypeAlias = NDArray[np.float64]


def single_test(
    task: AssociationTask, column: int, rng: np.random.Generator | None
) -> Association:
    """A test of one marker by itself."""
    result = unmeasured(task, column)
    if result.status != "ok":
        return result
    codes = task.features.values[:, column]
    here = np.isfinite(codes)
    x, y = codes[here], task.response.effect[here]
    feature = task.features.features[column]
    if task.method == "concordance":
        return _concordance(result, x, y)
    if task.method == "firth":
        return _firth(task, result, x, y, task.covariates[here], feature)
    occurring = np.unique(x)
    if task.method == "fisher" and feature.kind == "categorical":
        table = np.array([[np.sum((x == a) & (y == b)) for b in (0.0, 1.0)] for a in occurring])
        return _exact(task, result, table, column, rng)
    if occurring.size != 2:
        reason = f"method '{task.method}' compares two levels, and there are {occurring.size}"
        return replace(result, status="undefined", reason=reason)
    if task.method == "fisher":
        reason = "method 'fisher' is for categories, and the marker is a number"
        return replace(result, status="undefined", reason=reason)
    low, high = y[x == occurring[0]], y[x == occurring[1]]
    if task.method == "welch":
        test = welch_test(low, high, level=task.level)
        if test is None:
            reason = f"groups of {low.size} and {high.size} lines: no spread in one or both"
            return replace(result, status="not_estimable", reason=reason)
        return replace(
            result,
            estimate=test.difference,
            std_error=test.std_error,
            lower=test.lower,
            upper=test.upper,
            p_value=test.p_value,
            statistic=test.statistic,
            df=test.df,
            measure=slope_words(task, column),
        )
    tested = rank_sum_test(low, high)
    area = area_under_curve(y, x == occurring[1], level=task.level)
    return replace(
        result,
        estimate=area.estimate,
        std_error=area.std_error,
        lower=area.lower,
        upper=area.upper,
        p_value=tested.p_value,
        statistic=tested.statistic,
        measure=f"probability that {level_names(task, column)[1]} responds higher",
    )


def _concordance(result: Association, x: FloatArray, y: FloatArray) -> Association:
    """Concordance of the marker with the response."""
    if np.unique(y).size < 2:
        return replace(result, status="undefined", reason="no two responses differ")
    index = concordance_index(x, y, level=result.level)
    return replace(
        result,
        estimate=index.estimate,
        std_error=index.std_error,
        lower=index.lower,
        upper=index.upper,
        p_value=index.p_value,
        measure="share of pairs in the same order",
    )


def _firth(
    task: AssociationTask,
    result: Association,
    x: FloatArray,
    y: FloatArray,
    covariates: FloatArray,
    feature: Feature,
) -> Association:
    """Log odds ratio of a marker of one column."""
    levels = np.unique(x)
    if feature.kind == "categorical" and levels.size > 2:
        reason = f"method 'firth' takes numbers or two levels, and there are {levels.size}"
        return replace(result, status="undefined", reason=reason)
    unit = 1.0
    if feature.kind == "categorical":
        x, words = (
            (x == levels[1]).astype(np.float64),
            " − ".join(reversed(two_names(feature, levels))),
        )
    else:
        unit = float(x.std(ddof=1)) if task.scale == "sd" else 1.0
        words = "per SD" if task.scale == "sd" else f"per {feature.unit or 'unit'}"
    design = np.column_stack([x / unit, covariates[:, 1:]])
    whole = np.column_stack([np.ones(x.size), design])
    if np.linalg.matrix_rank(whole) < whole.shape[1]:
        return replace(result, status="undefined", reason="collinear with the covariates")
    fit = firth_logistic(y, design, level=task.level, only=0)
    if not fit.converged:
        reason = "the penalized likelihood's search did not arrive"
        return replace(result, status="not_estimable", reason=reason)
    return replace(
        result,
        estimate=fit.coefficients[1],
        std_error=fit.standard_errors[1],
        lower=fit.lower[1],
        upper=fit.upper[1],
        p_value=fit.p_values[1],
        measure=f"log odds ratio, {words}",
    )


def _exact(
    task: AssociationTask,
    result: Association,
    table: NDArray[np.int64],
    column: int,
    rng: np.random.Generator | None,
) -> Association:
    """Exact test of the levels against the outcome."""
    if not table.sum(axis=0).all():
        return replace(result, status="undefined", reason="all lines have the same outcome")
    if table.shape[0] > 2:
        tested = exact_table_test(table, rng=rng)
        drawn = "" if tested.exact else ", drawn tables"
        words = f"{table.shape[0]} levels: exact test{drawn}, no single estimate"
        return replace(result, p_value=tested.p_value, measure=words)
    tested = fisher_table(table, level=task.level)
    names = level_names(task, column)
    # The odds of a response at the second level against the first.
    numbers = [
        value if value is not None and math.isfinite(value) else None
        for value in (tested.odds_ratio, tested.lower, tested.upper)
    ]
    result = replace(
        result,
        estimate=numbers[0],
        lower=numbers[1],
        upper=numbers[2],
        p_value=tested.p_value,
        measure=f"odds ratio, {names[1]} / {names[0]}",
    )
    if numbers[0] is None or not numbers[0] > 0:
        reason = "a cell of the table is empty: the odds ratio is 0 or infinite; see 'firth'"
        return replace(result, status="flagged", reason=reason)
    return result
