"""Markers of response across lines: one estimate, interval and p-value for each marker.

The default is a regression of each line's effect on the marker in which a line counts by the
precision of its effect: weights are 1/(standard error² + τ²), τ² by REML for each marker, and the
variance of the slope is that of Knapp and Hartung, with t of Satterthwaite's degrees of freedom:
where precision differs tenfold between lines and τ² is small, t of the residual degrees of freedom
rejects 6 to 7 % at 5 % (``validation/markers/association.json``). Lines without standard errors
make it ordinary least squares. Rank and group tests, exact tests and Firth's logistic regression
are other methods of the same call.

q-values of weighted regressions are made from p-values with the weights of the model without the
marker: each marker's own τ² makes the smallest of many p-values too small, so that 6 % instead of
5 % of searches among 200 markers of 30 lines find what is not there.

Permutation p-values relabel the weighted residuals of the model without the marker, with the
weights of that model (τ² is not estimated anew for each relabeling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.biomarkers.association_kernels import is_collinear
from oncovivo.biomarkers.association_regression import (
    correlate_markers,
    permuted,
    regress_markers,
    with_null_weights,
)
from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.association_single import single_test
from oncovivo.biomarkers.association_task import (
    FEWEST_LINES,
    AssociationMethod,
    AssociationTask,
    MarkerScale,
    indicators,
    lines_word,
)
from oncovivo.biomarkers.discovery import DiscoveryMethod, q_values
from oncovivo.biomarkers.features import FeatureTable
from oncovivo.errors import DataError, InputError

__all__ = ["AssociationMethod", "LineMatch", "MarkerScale", "associate", "match_lines"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

METHODS: Final = get_args(AssociationMethod)
# Regressions, which take covariates and permutations.
_LINEAR: Final = ("weighted", "unweighted", "pearson", "spearman")
_OF_RANKS: Final = ("spearman", "concordance", "wilcoxon")
# What a level of very few lines can bend: means, not exact tests.
_OF_MEANS: Final = ("weighted", "unweighted", "welch", "pearson")
_FEWEST_OF_LEVEL: Final = 3
_OF_OUTCOMES: Final = ("fisher", "firth")
TREATED_ONLY: Final = (
    "of the treated outcome alone: cannot tell a marker of the drug's effect from one of growth"
)
_AFTER: Final = (
    "measured after treatment: it may be an effect of the drug, and its level tells nothing "
    "before treatment"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMatch:
    """Which lines are in both tables.

    Parameters
    ----------
    lines : tuple of str
        With a response and a row of markers.
    only_response : tuple of str
        With a response and no row of markers.
    only_features : tuple of str
        With a row of markers and no response.
    """

    lines: tuple[str, ...]
    only_response: tuple[str, ...]
    only_features: tuple[str, ...]

    @property
    def words(self) -> str:
        """One line that names what is missing; empty where nothing is."""
        parts = []
        for names, what in (
            (self.only_response, "without markers"),
            (self.only_features, "without a response"),
        ):
            if names:
                shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
                parts.append(f"{len(names)} {lines_word(len(names))} {what}: {shown}")
        return "; ".join(parts)


def match_lines(response: LineResponse, features: FeatureTable) -> LineMatch:
    """Lines of a response and of a table of markers, by where they are.

    Parameters
    ----------
    response : LineResponse
        A line whose response is missing has none.
    features : FeatureTable
        The markers.

    Examples
    --------
    >>> from oncovivo.biomarkers.association_result import line_response
    >>> from oncovivo.biomarkers.features import feature_table
    >>> table = feature_table(["L1", "L3"], {"S6": [1.0, 2.0]})
    >>> match_lines(line_response(["L1", "L2"], [0.1, 0.2]), table).words
    '1 line without markers: L2; 1 line without a response: L3'
    """
    finite = np.isfinite(response.effect)
    has = {line for line, known in zip(response.lines, finite, strict=True) if known}
    rows = set(features.lines)
    return LineMatch(
        lines=tuple(sorted(has & rows)),
        only_response=tuple(sorted(has - rows)),
        only_features=tuple(sorted(rows - has)),
    )


def associate(
    response: LineResponse,
    features: FeatureTable,
    *,
    adjust: FeatureTable | None = None,
    permutations: int = 0,
    rng: np.random.Generator | None = None,
    method: AssociationMethod = "weighted",
    scale: MarkerScale = "unit",
    discovery: DiscoveryMethod = "bh",
    level: float = 0.95,
) -> tuple[Association, ...]:
    """How each marker goes with the response, one result for each, in the order of the table.

    A marker that is constant, doubled, collinear with a covariate, or has too few lines is kept
    with its reason and without numbers. One measured after treatment is flagged.

    Parameters
    ----------
    response : LineResponse
        Response of the lines. Lines that are in one table only are not used;
        :func:`match_lines` names them.
    features : FeatureTable
        The markers.
    adjust : FeatureTable, optional
        Covariates, such as the tumor type; categories become indicators, so that lines are
        compared within them. Lines without a value are not used.
    permutations : int
        Relabelings; 0 for none. For regressions and correlations.
    rng : numpy.random.Generator, optional
        Source of randomness; needed with permutations.
    method : {"weighted", "unweighted", "pearson", "spearman", "concordance", "wilcoxon", \
"welch", "fisher", "firth"}
        ``weighted`` and ``unweighted`` regression (three or more levels: one F test);
        correlations with p by t, partial with covariates; ``concordance`` index; for markers of
        two levels ``wilcoxon`` (estimate: area under the curve) and ``welch``; for responses of 0
        and 1 ``fisher`` (exact, odds ratio) and ``firth`` (log odds ratio).
    scale : {"unit", "sd"}
        Slopes per unit of a number or per its standard deviation over the lines in use.
    discovery : {"bh", "by", "storey"}
        How q-values are made.
    level : float
        Confidence of limits, between 0 and 1.

    Returns
    -------
    tuple of Association

    Raises
    ------
    InputError
        If an option is none of its choices, permutations have no generator or the method has
        none, or the method takes no covariates.
    DataError
        If fewer than three lines are left, the method weighs and there are no standard errors,
        or it is for responses of 0 and 1 and there are others.

    Examples
    --------
    >>> from oncovivo.biomarkers.association_result import line_response
    >>> from oncovivo.biomarkers.features import feature_table
    >>> lines = ["L1", "L2", "L3", "L4"]
    >>> response = line_response(lines, [0.0, 0.1, 0.3, 0.4], std_error=[0.1] * 4)
    >>> table = feature_table(lines, {"PIK3CA": ["none", "none", "mutated", "mutated"]})
    >>> found, = associate(response, table.select(["PIK3CA"]))
    >>> found.measure, round(found.estimate, 6)
    ('mutated − none', 0.3)
    """
    _check_options(method, scale, level, permutations, rng, adjust)
    task = _task(response, features, adjust, method, scale, level)
    if method in ("weighted", "unweighted"):
        results = regress_markers(task)
    elif method in ("pearson", "spearman"):
        results = correlate_markers(task)
    else:
        results = [single_test(task, column, rng) for column in range(len(features.features))]
    results = [_with_care(result, task, column) for column, result in enumerate(results)]
    if method == "weighted":
        results = with_null_weights(task, results)
    if permutations and rng is not None:
        results = permuted(task, results, permutations, rng)
    p = [np.nan if (value := result.p_for_q) is None else value for result in results]
    q = q_values(np.array(p, dtype=np.float64), discovery)
    return tuple(
        replace(result, q_value=None if np.isnan(value) else float(value))
        for result, value in zip(results, q.tolist(), strict=True)
    )


def _check_options(
    method: str,
    scale: str,
    level: float,
    permutations: int,
    rng: np.random.Generator | None,
    adjust: FeatureTable | None,
) -> None:
    """Refuse what cannot be done."""
    if method not in METHODS:
        raise InputError(f"a method: {', '.join(METHODS)}", found=repr(method))
    if scale not in get_args(MarkerScale):
        raise InputError("a scale: unit or sd", found=repr(scale))
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    if permutations < 0:
        raise InputError("0 or more permutations", found=f"{permutations}")
    if permutations and rng is None:
        raise InputError("a generator of random numbers for the permutations", found="none")
    if permutations and method not in _LINEAR:
        raise InputError(f"permutations with {', '.join(_LINEAR)}", found=f"with {method}")
    if adjust is not None and adjust.features and method not in (*_LINEAR, "firth"):
        raise InputError(f"covariates with {', '.join(_LINEAR)}, firth", found=f"with {method}")


def _task(
    response: LineResponse,
    features: FeatureTable,
    adjust: FeatureTable | None,
    method: AssociationMethod,
    scale: MarkerScale,
    level: float,
) -> AssociationTask:
    """Lines that can be used and their covariates."""
    if method == "weighted" and response.std_error is None:
        raise DataError(
            "standard errors of the responses for weights",
            found="none",
            mend="use method 'unweighted', which counts all lines alike",
        )
    match = match_lines(response, features)
    lines = match.lines
    if adjust is not None:
        whole = np.asarray(np.isfinite(adjust.at(lines).values).all(axis=1), dtype=np.bool_)
        lines = tuple(line for line, known in zip(lines, whole.tolist(), strict=True) if known)
    if len(lines) < FEWEST_LINES:
        raise DataError(
            f"{FEWEST_LINES} lines or more with response, markers and covariates",
            found=f"{len(lines)}",
            mend=match.words,
        )
    place = {line: row for row, line in enumerate(response.lines)}
    used = response.take(np.array([place[line] for line in lines], dtype=np.intp))
    if method in _OF_OUTCOMES and not np.isin(used.effect, (0.0, 1.0)).all():
        raise DataError(f"responses of 0 and 1 for method '{method}'", found="other numbers")
    return AssociationTask(
        response=used,
        features=features.at(lines),
        covariates=_covariates(adjust, lines, ranked=method == "spearman"),
        method=method,
        scale=scale,
        level=level,
    )


def _covariates(adjust: FeatureTable | None, lines: Sequence[str], *, ranked: bool) -> FloatArray:
    """A constant and the columns of the covariates, without those made of others."""
    columns = [np.ones(len(lines))]
    if adjust is not None:
        table = adjust.at(lines)
        for place, feature in enumerate(table.features):
            if feature.problem:
                raise DataError("a covariate", found=feature.problem, where=feature.name)
            values = table.values[:, place]
            if feature.kind == "categorical":
                added = list(indicators(values).T)
            else:
                center = scipy.stats.rankdata(values) if ranked else values
                spread = float(center.std())
                added = [(center - center.mean()) / spread] if spread > 0 else []
            for column in added:
                if not is_collinear(column, np.column_stack(columns)):
                    columns.append(column)
    return np.column_stack(columns)


def _with_care(result: Association, task: AssociationTask, column: int) -> Association:
    """The result, flagged where its marker asks for care."""
    if result.status not in ("ok", "flagged"):
        return result
    feature = task.features.features[column]
    reasons = [result.reason] if result.reason else []
    if feature.measured == "after_treatment":
        reasons.append(_AFTER)
    below = int(task.features.below[:, column].sum())
    if below and result.analysis not in _OF_RANKS:
        reasons.append(f"{below} {lines_word(below)} below quantification, taken at the limit")
    if feature.kind == "categorical" and result.analysis in _OF_MEANS:
        codes = task.features.values[:, column]
        level, counts = np.unique(codes[np.isfinite(codes)], return_counts=True)
        fewest = int(counts.min())
        if fewest < _FEWEST_OF_LEVEL:
            name = feature.levels[int(level[counts.argmin()])]
            reasons.append(f"only {fewest} {lines_word(fewest)} with '{name}'")
    if task.response.outcome == "treated":
        remarks = [result.remark] if result.remark else []
        result = replace(result, remark="; ".join([*remarks, TREATED_ONLY]))
    if not reasons:
        return result
    return replace(result, status="flagged", reason="; ".join(reasons))
