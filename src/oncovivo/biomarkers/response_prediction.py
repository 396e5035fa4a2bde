"""Prediction of the lines' responses from a table of features."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.association_result import LineResponse
from oncovivo.biomarkers.features import Feature, FeatureTable
from oncovivo.biomarkers.learners import Learner, PredictionSettings, ResponseKind
from oncovivo.biomarkers.prediction import Outer, Prediction, predict_line_response
from oncovivo.biomarkers.remarks import Remark
from oncovivo.biomarkers.timing import MEASURED_AFTER_TREATMENT
from oncovivo.errors import DataError, InputError

__all__ = ["predict_response"]

FloatArray: TypeAlias = NDArray[np.float64]


def predict_response(
    response: LineResponse,
    features: FeatureTable,
    *,
    rng: np.random.Generator,
    groups: Mapping[str, str] | None = None,
    response_kind: ResponseKind = "continuous",
    model: Learner = "elastic_net",
    outer: Outer = "leave_one_out",
    permutations: int = 0,
    settings: PredictionSettings | None = None,
    executor: Executor | None = None,
) -> Prediction:
    """Predict the response of lines from their features, by models that have not seen the line.

    A categorical feature of two levels becomes one column, of more a column for each level; a
    value below its limit of quantification enters as the limit. Lines without any feature, and
    features that cannot be used, are left out and named.

    Parameters
    ----------
    response : LineResponse
        Of each line, with standard errors if lines are to count by 1/(se² + τ²).
    features : FeatureTable
        Of the lines; those that have no response are not used.
    rng : numpy.random.Generator
        Deals folds, grows trees and permutes.
    groups : mapping of str to str, optional
        Group by line, such as its donor; lines of a group are never split between folds. A line
        that is not named is a group of its own.
    response_kind, model, outer, permutations, settings, executor
        As in :func:`oncovivo.biomarkers.predict_line_response`.

    Raises
    ------
    InputError
        If a choice is unknown or does not fit.
    DataError
        If no feature or too few lines are left.
    MissingExtraError
        If scikit-learn is not installed.
    """
    table = features.at(response.lines)
    names, values, after = _columns(table)
    if not names:
        expected = "a feature that can be used"
        raise DataError(expected, found=f"none of {len(features.features)}")
    known = np.asarray(~np.isnan(values).all(axis=1))
    if not known.any():
        expected = "lines with a response and features"
        raise DataError(expected, found="none", mend="compare the names of the lines")
    used = response.take(known)
    if response_kind == "binary" and used.std_error is not None:
        expected = "a binary response without standard errors"
        raise InputError(expected, found="standard errors")
    found = predict_line_response(
        used.effect,
        values[known],
        lines=used.lines,
        features=names,
        std_error=used.std_error,
        groups=[(groups or {}).get(line, line) for line in used.lines],
        response_kind=response_kind,
        model=model,
        outer=outer,
        permutations=permutations,
        settings=settings,
        executor=executor,
        rng=rng,
    )
    lost = [line for line, there in zip(response.lines, known, strict=True) if not there]
    remarks = (*_remarks(response, features, table, lost, after), *found.remarks)
    return replace(found, remarks=remarks, reason=_reason(after))


def _columns(table: FeatureTable) -> tuple[list[str], FloatArray, list[str]]:
    """Names and values of the columns, and markers measured after treatment."""
    names: list[str] = []
    columns: list[FloatArray] = []
    after: list[str] = []
    for place, feature in enumerate(table.features):
        if feature.problem:
            continue
        if feature.measured == "after_treatment":
            after.append(feature.name)
        for name, column in _of_feature(feature, table.values[:, place]):
            names.append(name)
            columns.append(column)
    values = np.column_stack(columns) if columns else np.empty((len(table.lines), 0))
    return names, values, after


def _of_feature(feature: Feature, values: FloatArray) -> list[tuple[str, FloatArray]]:
    """Columns of a feature: itself, or 0 and 1 for each of its levels."""
    if feature.kind != "categorical":
        return [(feature.name, values)]
    levels = list(enumerate(feature.levels))
    missing = np.isnan(values)
    # The first of two levels is the absence of the second.
    shown = levels[1:] if len(levels) == 2 else levels
    return [
        (f"{feature.name}: {level}", np.where(missing, np.nan, (values == code).astype(float)))
        for code, level in shown
    ]


def _reason(after: list[str]) -> str:
    """Why the prediction is flagged; empty where it is not."""
    if not after:
        return ""
    shown = ", ".join(after[:5]) + (", …" if len(after) > 5 else "")
    return (
        f"measured after treatment began: {shown}; treatment moves such markers, so that they "
        "cannot choose who will respond"
    )


def _remarks(
    response: LineResponse,
    features: FeatureTable,
    table: FeatureTable,
    lost: list[str],
    after: list[str],
) -> list[Remark]:
    remarks: list[Remark] = []
    if after:
        remarks.append(Remark(code=MEASURED_AFTER_TREATMENT, message=_reason(after)))
    if response.outcome == "treated":
        message = (
            "the response is an outcome under treatment alone, without controls of the same "
            "line: a marker of growth predicts it as well as one of response"
        )
        remarks.append(Remark(code="no_controls", message=message))
    if lost:
        shown = ", ".join(lost[:5]) + (", …" if len(lost) > 5 else "")
        message = f"{len(lost)} lines with a response have no feature: {shown}"
        remarks.append(Remark(code="lines_not_used", message=message))
    strange = len(set(features.lines) - set(response.lines))
    if strange:
        message = f"{strange} lines with features have no response"
        remarks.append(Remark(code="features_not_used", message=message))
    problems = [feature.name for feature in table.features if feature.problem]
    if problems:
        shown = ", ".join(problems[:5]) + (", …" if len(problems) > 5 else "")
        message = f"{len(problems)} features cannot be used: {shown}"
        remarks.append(Remark(code="features_with_problems", message=message))
    below = int(table.below.sum())
    if below:
        message = f"{below} values below their limit of quantification enter as the limit"
        remarks.append(Remark(code="limits_used", message=message))
    return remarks
