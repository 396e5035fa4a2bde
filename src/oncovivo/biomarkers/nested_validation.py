"""Nested cross-validation: predictions of lines that took no part in making them.

The outer folds are predicted by models whose shrinkage inner folds chose among the other lines. A
group (the lines of one donor, say) lies in one fold, outer and inner.

References
----------
Varma S, Simon R. BMC Bioinformatics 2006;7:91: the error of a chosen model has to be taken outside
of the choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.learners import (
    Choice,
    Learner,
    PredictionSettings,
    TrainingSet,
    check_extra,
    choices,
    learn,
    line_weights,
)

__all__ = ["OutOfFold", "deal_folds", "permute_within_sizes", "run_nested", "skill"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """Predictions of one nested run.

    Parameters
    ----------
    predicted : ndarray, shape (n,)
        Of each line, by a model that has not seen it.
    reference : ndarray, shape (n,)
        Mean response of the lines that this model has seen: what one would say without features.
    importance : ndarray, shape (k, p)
        Of each feature in each outer fold: the coefficient for a standard deviation of the
        feature, or the share of the forest's gain.
    chosen : tuple of (float, float), length k
        What the inner folds chose.
    """

    predicted: FloatArray
    reference: FloatArray
    importance: FloatArray
    chosen: tuple[Choice, ...]


def deal_folds(group: IntArray, folds: int, *, rng: np.random.Generator) -> IntArray:
    """Fold of each line; the groups are dealt out in random order.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        Lines that stay together.
    folds : int
        How many; not more than there are groups.
    rng : numpy.random.Generator
        Source of randomness.
    """
    names, place = np.unique(group, return_inverse=True)
    fold = np.empty(names.size, dtype=np.intp)
    fold[rng.permutation(names.size)] = np.arange(names.size) % folds
    return np.asarray(fold[place])


def permute_within_sizes(group: IntArray, *, rng: np.random.Generator) -> IntArray:
    """Rows whose responses each line gets when responses change places, shape (n,).

    The responses of a group stay together and go to a group of the same size: lines of one donor
    are alike whether or not a feature matters.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        Lines that stay together.
    rng : numpy.random.Generator
        Source of randomness.
    """
    order = np.empty(group.size, dtype=np.intp)
    rows_of = [np.flatnonzero(group == name) for name in np.unique(group)]
    for size in sorted({rows.size for rows in rows_of}):
        alike = [rows for rows in rows_of if rows.size == size]
        for target, source in enumerate(rng.permutation(len(alike)).tolist()):
            order[alike[target]] = rng.permutation(alike[source])
    return order


def skill(
    observed: FloatArray, predicted: FloatArray, reference: FloatArray, weight: FloatArray
) -> float:
    """1 less the squared error over that of the training means: R² out of fold.

    Zero where the features tell nothing beyond the mean of the other lines, below zero where they
    mislead; Brier's skill score where the response is 0 or 1. NaN where no training mean is off.

    Parameters
    ----------
    observed, predicted, reference, weight : ndarray, shape (n,)
        Of each line; the reference is the mean of its model's training lines.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0])
    >>> skill(y, y, np.full(3, 2.0), np.ones(3)), skill(y, np.full(3, 2.0), np.full(3, 2.0), y)
    (1.0, 0.0)
    """
    apart = float(weight @ (observed - reference) ** 2)
    return 1.0 - float(weight @ (observed - predicted) ** 2) / apart if apart > 0 else np.nan


def run_nested(
    lines: TrainingSet,
    fold: IntArray,
    *,
    learner: Learner,
    settings: PredictionSettings,
    rng: np.random.Generator,
) -> OutOfFold:
    """Predict each outer fold by a model chosen and fitted on the others.

    Parameters
    ----------
    lines : TrainingSet
        All lines.
    fold : ndarray of int, shape (n,)
        Outer fold of each line, from 0; a group lies in one.
    learner : {"elastic_net", "forest"}
        Family of models.
    settings : PredictionSettings
        What the inner folds choose from.
    rng : numpy.random.Generator
        Deals the inner folds and grows the trees.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    check_extra()
    predicted, reference = np.empty(fold.size), np.empty(fold.size)
    importance: list[FloatArray] = []
    chosen: list[Choice] = []
    for number in range(int(fold.max()) + 1):
        held = fold == number
        training = lines.take(~held)
        weight = line_weights(training)
        reference[held] = float(weight @ training.response) / weight.sum()
        choice = _choose(training, learner=learner, settings=settings, rng=rng)
        said, gain = learn(
            training,
            [choice],
            lines.features[held],
            learner=learner,
            trees=settings.trees,
            rng=rng,
        )
        predicted[held] = said[0]
        importance.append(gain[0])
        chosen.append(choice)
    return OutOfFold(
        predicted=predicted,
        reference=reference,
        importance=np.array(importance),
        chosen=tuple(chosen),
    )


def _choose(
    lines: TrainingSet,
    *,
    learner: Learner,
    settings: PredictionSettings,
    rng: np.random.Generator,
) -> Choice:
    """Setting with the least inner error; of equal ones the first, which shrinks most."""
    grid = choices(lines, learner, settings)
    count = min(settings.inner_folds, np.unique(lines.group).size)
    fold = deal_folds(lines.group, count, rng=rng)
    weight = line_weights(lines)
    error = np.zeros(len(grid))
    for number in range(count):
        held = fold == number
        said, _ = learn(
            lines.take(~held),
            grid,
            lines.features[held],
            learner=learner,
            trees=settings.inner_trees,
            rng=rng,
        )
        error += (lines.response[held] - said) ** 2 @ weight[held]
    return grid[int(np.argmin(error))]
