"""Slopes and correlations of markers, and their permutation.

References
----------
Bonett DG, Wright TA. Psychometrika 2000;65:23 (limits of a rank correlation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.biomarkers.association_kernels import (
    NullResiduals,
    fit_meta_regressions,
    null_residuals,
    null_weight_p,
    permute_markers,
)
from oncovivo.biomarkers.association_result import Association
from oncovivo.biomarkers.association_task import (
    AssociationTask,
    indicators,
    lines_word,
    slope_words,
    unmeasured,
)

__all__ = [
    "correlate_markers",
    "permuted",
    "regress_markers",
    "with_null_weights",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# Regressions fitted at once: their numbers stay below some megabytes.
_NUMBERS: Final = 1_000_000
# Share of a marker's length that must be left once the covariates are taken out.
_COLLINEAR: Final = 1e-9


def regress_markers(task: AssociationTask) -> list[Association]:
    """Weighted or unweighted slopes; markers of three and more levels one by one."""
    results = [unmeasured(task, column) for column in range(len(task.features.features))]
    single, several = usable_markers(task, results)
    n, c = task.covariates.shape
    step = max(1, _NUMBERS // (n * (c + 1)))
    for start in range(0, len(single), step):
        block = single[start : start + step]
        _slopes(task, block, results)
    for column in several:
        results[column] = _levels_test(task, column)
    return results


def usable_markers(
    task: AssociationTask, results: list[Association]
) -> tuple[list[int], list[int]]:
    """Markers of one column, and of several, that have something to estimate."""
    single: list[int] = []
    several: list[int] = []
    n, c = task.covariates.shape
    values = task.features.values
    basis, _ = np.linalg.qr(task.covariates)
    for column, result in enumerate(results):
        if result.status != "ok":
            continue
        codes = values[:, column]
        here = np.isfinite(codes)
        levels = np.unique(codes[here]).size
        categorical = task.features.features[column].kind == "categorical"
        width = levels - 1 if categorical else 1
        reason = ""
        if here.sum() - c - width < 1:
            reason = f"{here.sum()} {lines_word(int(here.sum()))} for {c + width} coefficients"
        elif here.sum() < n and np.linalg.matrix_rank(task.covariates[here]) < c:
            reason = "the lines with a value do not tell the covariates apart"
        elif width == 1:
            x = codes[here] - codes[here].mean()
            base = basis if here.all() else np.linalg.qr(task.covariates[here])[0]
            left = x - base @ (base.T @ x)
            if np.linalg.norm(left) <= _COLLINEAR * np.linalg.norm(x):
                reason = "collinear with the covariates"
        elif (
            np.linalg.matrix_rank(
                np.column_stack([task.covariates[here], indicators(codes[here])])
            )
            < c + width
        ):
            reason = "collinear with the covariates"
        if reason:
            results[column] = replace(result, status="undefined", reason=reason)
        else:
            (single if width == 1 else several).append(column)
    return single, several


def standardized_markers(
    task: AssociationTask, columns: Sequence[int]
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Markers as columns of mean 0 and SD 1 (levels: 0 and 1), presence, and units per column."""
    values = task.features.values[:, columns]
    here = np.isfinite(values)
    count = here.sum(axis=0)
    known = np.where(here, values, 0.0)
    mean = known.sum(axis=0) / count
    spread = np.sqrt((np.where(here, values - mean, 0.0) ** 2).sum(axis=0) / (count - 1))
    categorical = np.array(
        [task.features.features[column].kind == "categorical" for column in columns]
    )
    # Codes of two levels that occur need not be 0 and 1.
    gap = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
    unit = np.where(categorical, gap, spread)
    return np.where(here, (values - mean) / unit, 0.0), here, unit


def _slopes(task: AssociationTask, columns: Sequence[int], results: list[Association]) -> None:
    """Slopes of markers of one column each."""
    x, here, unit = standardized_markers(task, columns)
    design = np.concatenate(
        [
            np.broadcast_to(task.covariates, (len(columns), *task.covariates.shape)),
            x.T[:, :, None],
        ],
        axis=2,
    )
    fit = fit_meta_regressions(task.response.effect, task.variance, design, here.T)
    slope = fit.coefficients[:, -1]
    error = np.sqrt(np.maximum(fit.covariance[:, -1, -1], 0.0))
    df = fit.contrast_df(np.eye(design.shape[2])[-1])
    for place, column in enumerate(columns):
        feature = task.features.features[column]
        per = 1.0
        if feature.kind != "categorical" and task.scale == "unit":
            per = float(unit[place])
        results[column] = _by_t(
            results[column],
            estimate=float(slope[place]) / per,
            error=float(error[place]) / per,
            df=float(df[place]),
            tau2=None if task.variance is None else float(fit.tau2[place]),
            measure=slope_words(task, column),
        )


def _by_t(
    result: Association,
    *,
    estimate: float,
    error: float,
    df: float,
    tau2: float | None,
    measure: str,
) -> Association:
    """Limits and p by t; without numbers where nothing is left of the residuals."""
    if not error > 1e-12 * abs(estimate):
        reason = "no residual variation: the lines lie on the regression"
        return replace(result, status="not_estimable", reason=reason, measure=measure)
    t = estimate / error
    half = float(special.stdtrit(df, (1 + result.level) / 2)) * error
    return replace(
        result,
        estimate=estimate,
        std_error=error,
        lower=estimate - half,
        upper=estimate + half,
        p_value=2 * float(special.stdtr(df, -abs(t))),
        statistic=t,
        df=df,
        tau2=tau2,
        measure=measure,
    )


def _levels_test(task: AssociationTask, column: int) -> Association:
    """F test of a marker of three or more levels."""
    result = unmeasured(task, column)
    codes = task.features.values[:, column]
    here = np.isfinite(codes)
    added = np.where(here[:, None], indicators(codes), 0.0)
    design = np.column_stack([task.covariates, added])
    fit = fit_meta_regressions(task.response.effect, task.variance, design[None], here[None])
    c, width = task.covariates.shape[1], added.shape[1]
    slopes, spread = fit.coefficients[0, c:], fit.covariance[0, c:, c:]
    # That of the level about which least is known.
    df = min(float(fit.contrast_df(row)[0]) for row in np.eye(c + width)[c:])
    measure = f"{width + 1} levels: F test with {width} and {df:.4g} df, no single estimate"
    if np.linalg.matrix_rank(spread) < width:
        reason = "no residual variation within the levels"
        return replace(result, status="not_estimable", reason=reason, measure=measure)
    statistic = float(slopes @ np.linalg.solve(spread, slopes)) / width
    return replace(
        result,
        p_value=float(special.fdtrc(width, df, statistic)),
        statistic=statistic,
        df=df,
        tau2=None if task.variance is None else float(fit.tau2[0]),
        measure=measure,
    )


def correlate_markers(task: AssociationTask) -> list[Association]:
    """Correlations with p by t, of residuals where there are covariates."""
    results = [unmeasured(task, column) for column in range(len(task.features.features))]
    single, several = usable_markers(task, results)
    for column in several:
        reason = "a correlation needs numbers or two levels"
        results[column] = replace(results[column], status="undefined", reason=reason)
    for column in single:
        results[column] = _correlation(task, column, results[column])
    return results


def _correlation(task: AssociationTask, column: int, result: Association) -> Association:
    """One correlation."""
    codes = task.features.values[:, column]
    here = np.isfinite(codes)
    x, y, base = codes[here], task.response.effect[here], task.covariates[here]
    ranked = task.method == "spearman"
    if ranked:
        x, y = scipy.stats.rankdata(x), scipy.stats.rankdata(y)
    left_x, left_y = x - x.mean(), y - y.mean()
    if base.shape[1] > 1:
        basis, _ = np.linalg.qr(base)
        left_x, left_y = (v - basis @ (basis.T @ v) for v in (left_x, left_y))
    size = float(np.linalg.norm(left_x) * np.linalg.norm(left_y))
    partial = ", partial" if base.shape[1] > 1 else ""
    measure = ("rank correlation" if ranked else "correlation") + partial
    if size <= 1e-9 * float(np.linalg.norm(x - x.mean()) * np.linalg.norm(y - y.mean())):
        reason = "the response does not vary beyond the covariates"
        return replace(result, status="undefined", reason=reason, measure=measure)
    r = float(np.clip(left_x @ left_y / size, -1.0, 1.0))
    df = x.size - base.shape[1] - 1.0
    rest = 1 - r * r
    if rest < 1e-14:
        p_value, t = 0.0, None
    else:
        t = r * math.sqrt(df / rest)
        p_value = 2 * float(special.stdtr(df, -abs(t)))
    lower = upper = None
    # Fisher's z has one degree of freedom less than t, and ranks are a little wider.
    if df > 1 and t is not None:
        spread = (1 + r * r / 2 if ranked else 1.0) / (df - 1)
        half = float(special.ndtri((1 + task.level) / 2)) * math.sqrt(spread)
        lower, upper = math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)
    return replace(
        result,
        estimate=r,
        std_error=math.sqrt(rest / df),
        lower=lower,
        upper=upper,
        p_value=p_value,
        statistic=t,
        df=df,
        measure=measure,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _AgainstNull:
    """The model without a marker, and the markers that are held against it.

    ``places`` are those of the single columns ``x``, then of the ``groups``.
    """

    null: NullResiduals
    x: FloatArray
    here: BoolArray
    groups: list[tuple[FloatArray, BoolArray]]
    places: list[int]


def _against_null(task: AssociationTask, results: Sequence[Association]) -> _AgainstNull | None:
    """Markers beside the model without one; None where that model leaves nothing to explain."""
    usable = [place for place, result in enumerate(results) if result.p_value is not None]
    values = task.features.values
    wide = [
        place
        for place in usable
        if task.features.features[place].kind == "categorical"
        and np.unique(values[np.isfinite(values[:, place]), place]).size > 2
    ]
    single = [place for place in usable if place not in set(wide)]
    if not usable:
        return None
    effect = task.response.effect
    if task.method == "spearman":
        effect = scipy.stats.rankdata(effect)
    null = null_residuals(effect, task.variance, task.covariates)
    if np.linalg.norm(null.residual) <= 1e-9 * np.linalg.norm(effect - effect.mean()):
        return None
    x, here, _ = standardized_markers(task, single)
    if task.method == "spearman":
        whole = here.all(axis=0)
        ranked = scipy.stats.rankdata(x[:, whole], axis=0)
        x[:, whole] = ranked - (x.shape[0] + 1) / 2
        for place in np.flatnonzero(~whole).tolist():
            seen = here[:, place]
            ranks = scipy.stats.rankdata(x[seen, place])
            x[seen, place] = ranks - ranks.mean()
    groups = []
    for column in wide:
        codes = values[:, column]
        groups.append((indicators(codes), np.isfinite(codes)))
    return _AgainstNull(null=null, x=x, here=here, groups=groups, places=[*single, *wide])


def with_null_weights(task: AssociationTask, results: list[Association]) -> list[Association]:
    """Results with the p-values that their q-values are made from."""
    held = _against_null(task, results)
    if held is None:
        return results
    p = null_weight_p(held.null, held.x, held.here, groups=held.groups)
    changed = list(results)
    for number, place in enumerate(held.places):
        changed[place] = replace(results[place], p_null_weights=float(p[number]))
    return changed


def permuted(
    task: AssociationTask, results: list[Association], permutations: int, rng: np.random.Generator
) -> list[Association]:
    """Results with their permutation p-values."""
    held = _against_null(task, results)
    if held is None:
        return results
    counts = permute_markers(
        held.null, held.x, held.here, permutations=permutations, rng=rng, groups=held.groups
    )
    changed = list(results)
    for number, place in enumerate(held.places):
        changed[place] = replace(
            results[place],
            p_permutation=float(counts.p_value[number]),
            p_family=float(counts.p_family[number]),
        )
    return changed
