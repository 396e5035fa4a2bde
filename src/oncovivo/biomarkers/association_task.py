"""Lines in use, their covariates, and what a marker's result says before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.association_result import Association, LineResponse
from oncovivo.biomarkers.features import Feature, FeatureTable

__all__ = [
    "FEWEST_LINES",
    "AssociationMethod",
    "AssociationTask",
    "MarkerScale",
    "indicators",
    "level_names",
    "lines_word",
    "slope_words",
    "two_names",
    "unmeasured",
]

FloatArray: TypeAlias = NDArray[np.float64]
AssociationMethod: TypeAlias = Literal[
    "weighted",
    "unweighted",
    "pearson",
    "spearman",
    "concordance",
    "wilcoxon",
    "welch",
    "fisher",
    "firth",
]
MarkerScale: TypeAlias = Literal["unit", "sd"]

FEWEST_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssociationTask:
    """What one call works on.

    Parameters
    ----------
    response : LineResponse
        Of the lines in use, n of them.
    features : FeatureTable
        Of the same lines in the same order.
    covariates : ndarray, shape (n, c)
        A constant and the covariates, of full rank.
    method, scale, level
        As asked for.
    """

    response: LineResponse
    features: FeatureTable
    covariates: FloatArray
    method: AssociationMethod
    scale: MarkerScale
    level: float

    @property
    def variance(self) -> FloatArray | None:
        """Squared standard errors, where the method weighs by them."""
        if self.method != "weighted" or self.response.std_error is None:
            return None
        return np.asarray(self.response.std_error**2)


def unmeasured(task: AssociationTask, column: int) -> Association:
    """A result without numbers yet; undefined where the marker rules them out."""
    feature = task.features.features[column]
    codes = task.features.values[:, column]
    here = np.isfinite(codes)
    n = int(here.sum())
    animals = task.response.n_animals
    reason = feature.problem
    if not reason and n == 0:
        reason = "no line with a response has a value"
    elif not reason and n < FEWEST_LINES:
        reason = f"{n} {lines_word(n)} with response and marker"
    elif not reason and (codes[here] == codes[here][0]).all():
        value = feature.levels[int(codes[here][0])] if feature.levels else f"{codes[here][0]:g}"
        reason = f"constant: {value} in all {n} lines"
    missing = codes.size - n
    words = [feature.remark] if feature.remark else []
    if missing:
        words.append(f"{missing} {lines_word(missing)} without a value")
    return Association(
        marker=feature.name,
        analysis=task.method,
        n_lines=n,
        n_animals=None
        if animals is None
        else sum(number for number, known in zip(animals, here.tolist(), strict=True) if known),
        status="undefined" if reason else "ok",
        reason=reason,
        remark="; ".join(words),
        level=task.level,
    )


def slope_words(task: AssociationTask, column: int) -> str:
    """What a slope is."""
    feature = task.features.features[column]
    if feature.kind == "categorical":
        low, high = level_names(task, column)
        return f"{high} − {low}"
    return "per SD" if task.scale == "sd" else f"per {feature.unit or 'unit'}"


def level_names(task: AssociationTask, column: int) -> tuple[str, str]:
    """Names of the two levels that occur; numbers of a marker of numbers."""
    codes = task.features.values[:, column]
    return two_names(task.features.features[column], np.unique(codes[np.isfinite(codes)]))


def two_names(feature: Feature, codes: FloatArray) -> tuple[str, str]:
    """Names of the first two of some codes."""
    if feature.levels:
        return feature.levels[int(codes[0])], feature.levels[int(codes[1])]
    return f"{codes[0]:g}", f"{codes[1]:g}"


def indicators(codes: FloatArray) -> FloatArray:
    """A column for each level that occurs but the first."""
    return np.asarray(codes[:, None] == np.unique(codes[np.isfinite(codes)])[1:], dtype=np.float64)


def lines_word(count: int) -> str:
    """Line or lines."""
    return "line" if count == 1 else "lines"
