"""How well features of the lines predict a line's response, told by lines that were not seen."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from oncovivo.biomarkers.learners import (
    Learner,
    PredictionSettings,
    ResponseKind,
    TrainingSet,
    between_line_variance,
    check_extra,
    line_weights,
)
from oncovivo.biomarkers.nested_validation import (
    OutOfFold,
    deal_folds,
    permute_within_sizes,
    run_nested,
    skill,
)
from oncovivo.biomarkers.remarks import Remark
from oncovivo.errors import DataError, InputError
from oncovivo.numerics.mapping import map_parts

__all__ = [
    "FEWEST_GROUPS",
    "FEW_GROUPS",
    "FeaturePart",
    "LinePrediction",
    "Outer",
    "Prediction",
    "predict_line_response",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Outer: TypeAlias = Literal["leave_one_out"] | int

FEWEST_GROUPS: Final = 8
"""Fewer lines (or groups of lines) are refused: inner folds would learn from five or less."""

FEW_GROUPS: Final = 30
"""With fewer, R² out of fold is off by tenths between samples, which the result says."""

# Fewer of one class than this leave folds without it.
_FEWEST_OF_A_CLASS: Final = 5
# Of a forest's features, those with the largest gains count as chosen, as many as this.
_FOREST_TOP: Final = 10
# Rounding: a permuted skill this close to the observed one ties; a prediction this close to the
# training mean is that mean.
_TIE: Final = 1e-12
# Above this a prediction is not called better than chance.
_SHOWN: Final = 0.05
_LEAST_SQUARES: Final = ("least_squares", "linear", "ols", "lm")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrediction:
    """One line: what was observed, and what the others say of it.

    Parameters
    ----------
    line, group : str
        The line, and the group that it shares with others; the line itself where it shares none.
    observed : float
        Response; 0 or 1 where it is binary.
    std_error : float or None
        Of the response.
    predicted : float
        By a model that has seen no line of the group; the probability of 1 where it is binary.
    training_mean : float
        Mean response of the lines that this model has seen.
    fold : int
        Outer fold, from 1.
    """

    line: str
    group: str
    observed: float
    std_error: float | None
    predicted: float
    training_mean: float
    fold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePart:
    """What a feature does in the models of the outer folds.

    Parameters
    ----------
    feature : str
        Its name.
    stability : float
        Share of the folds whose model uses it: with a coefficient other than 0, or, in a forest,
        among the ten with the largest gain.
    importance : float
        Mean over the folds: coefficient for a standard deviation of the feature (of the log odds
        where the response is binary), or share of the forest's gain.
    """

    feature: str
    stability: float
    importance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """A nested cross-validated prediction and its error on lines that were not seen.

    Parameters
    ----------
    model : {"elastic_net", "forest"}
        What was fitted.
    response_kind : {"continuous", "binary"}
        Of the response.
    outer : {"leave_one_out"} or int
        Outer folds.
    lines : tuple of LinePrediction
        By name.
    features : tuple of FeaturePart
        By stability, then importance, then name.
    rmse : float
        Root of the mean squared error out of fold, lines weighted by 1/(se² + τ²).
    r2 : float
        1 less the squared error over that of the training means; 0 or below says that the
        features tell nothing. Brier's skill where the response is binary.
    spearman : float or None
        Rank correlation of the response with what was predicted beyond the training mean; None
        where nothing beyond it was.
    auc, brier : float or None
        Area under the ROC curve (of the prediction beyond the training mean), and mean squared
        error of the probability; None where the response is continuous.
    p_value : float or None
        Share of permuted responses predicted at least as well, (b + 1)/(B + 1).
    permuted_r2 : tuple of float, length B
        Of the permuted responses, in order of size.
    tau2 : float
        Variance between lines beyond their standard errors.
    settings : PredictionSettings
        What the inner folds chose from.
    chosen : tuple of (float, float)
        What they chose: share of the lasso and penalty, or fewest lines in a leaf and share of
        the features; one for each outer fold.
    remarks : tuple of Remark
        What to know.
    reason : str
        Why the prediction is flagged, such as a marker measured after treatment began; else
        empty.
    """

    model: Learner
    response_kind: ResponseKind
    outer: Outer
    lines: tuple[LinePrediction, ...]
    features: tuple[FeaturePart, ...]
    rmse: float
    r2: float
    spearman: float | None
    auc: float | None
    brier: float | None
    p_value: float | None
    permuted_r2: tuple[float, ...]
    tau2: float
    settings: PredictionSettings
    chosen: tuple[tuple[float, float], ...]
    remarks: tuple[Remark, ...] = ()
    reason: str = ""

    @property
    def status(self) -> Literal["ok", "flagged"]:
        """``flagged`` where there is a reason."""
        return "flagged" if self.reason else "ok"

    @property
    def n_lines(self) -> int:
        """Lines that were predicted."""
        return len(self.lines)

    @property
    def n_groups(self) -> int:
        """Groups of lines that stay together."""
        return len({line.group for line in self.lines})

    @property
    def n_permutations(self) -> int:
        """Permutations that were run."""
        return len(self.permuted_r2)

    def sentence(self) -> str:
        """The finding in one sentence.

        Examples
        --------
        >>> rng = np.random.default_rng(1)
        >>> x = rng.normal(size=(40, 2))
        >>> found = predict_line_response(
        ...     x[:, 0] + rng.normal(size=40),
        ...     x,
        ...     lines=[f"L{i}" for i in range(40)],
        ...     features=["a", "b"],
        ...     outer=5,
        ...     rng=rng,
        ... )
        >>> found.sentence().split(":")[0]
        'Elastic net of 2 features, 40 lines'
        """
        shown = f"{self.r2:.2f}".replace("-", "\N{MINUS SIGN}")
        name = "Elastic net" if self.model == "elastic_net" else "Forest"
        count = len(self.features)
        folds = "leave-one-out" if self.outer == "leave_one_out" else f"{self.outer} outer folds"
        tested = (
            ""
            if self.p_value is None
            else f", permutation p = {self.p_value:.2g} ({self.n_permutations} permutations)"
        )
        if self.r2 <= 0:
            verdict = "the features do not predict the response of a new line"
        elif self.p_value is not None and self.p_value > _SHOWN:
            verdict = "no better than permuted responses are predicted"
        else:
            verdict = f"{100 * self.r2:.0f} % of the squared error of the mean is taken away"
        return (
            f"{name} of {count} feature{'s' if count != 1 else ''}, {self.n_lines} lines: "
            f"R² out of fold {shown}{tested}, {folds}; {verdict}."
        )

    def to_frame(self) -> pd.DataFrame:
        """One row for each line."""
        return pd.DataFrame(
            [
                {name: getattr(line, name) for name in LinePrediction.__dataclass_fields__}
                for line in self.lines
            ]
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "model": self.model,
            "response_kind": self.response_kind,
            "outer": self.outer,
            "n_lines": self.n_lines,
            "n_groups": self.n_groups,
            "n_features": len(self.features),
            "rmse": self.rmse,
            "r2": self.r2,
            "spearman": self.spearman,
            "auc": self.auc,
            "brier": self.brier,
            "p_value": self.p_value,
            "n_permutations": self.n_permutations,
            "tau2": self.tau2,
            "status": self.status,
            "reason": self.reason,
            "sentence": self.sentence(),
            "lines": self.to_frame().to_dict(orient="records"),
            "features": [
                {
                    "feature": part.feature,
                    "stability": part.stability,
                    "importance": part.importance,
                }
                for part in self.features
            ],
            "warnings": [remark.to_dict() for remark in self.remarks],
        }


def predict_line_response(
    response: FloatArray,
    values: FloatArray,
    *,
    lines: Sequence[str],
    features: Sequence[str],
    rng: np.random.Generator,
    std_error: FloatArray | None = None,
    groups: Sequence[str] | None = None,
    response_kind: ResponseKind = "continuous",
    model: Learner = "elastic_net",
    outer: Outer = "leave_one_out",
    permutations: int = 0,
    settings: PredictionSettings | None = None,
    executor: Executor | None = None,
) -> Prediction:
    """Predict each line's response from its features, by models that have not seen the line.

    Inner folds choose the shrinkage, outer ones give the error; gaps are filled, features scaled
    and weights made within the folds. The p-value runs all of it again on permuted responses.
    Plain least squares is not offered: with as many features as lines it fits any response.

    Parameters
    ----------
    response : ndarray, shape (n,)
        Of each line: a growth-rate effect, a log relative volume; 0 and 1 where binary.
    values : ndarray, shape (n, p)
        Features; NaN where one is missing.
    lines : sequence of str, length n
        Names of the lines, each once. Their order does not matter.
    features : sequence of str, length p
        Names of the features, each once. Their order does not matter.
    rng : numpy.random.Generator
        Deals folds, grows trees and permutes.
    std_error : ndarray, shape (n,), optional
        Of the response; lines then count by 1/(se² + τ²). Not with a binary response.
    groups : sequence of str, length n, optional
        Lines that must not be split between folds, such as those of one donor.
    response_kind : {"continuous", "binary"}
        What the response is.
    model : {"elastic_net", "forest"}
        Linear with shrinkage, or trees.
    outer : {"leave_one_out"} or int
        Each group is left out alone, or the groups are dealt into so many folds.
    permutations : int
        Permuted responses to predict; 0 for no test.
    settings : PredictionSettings, optional
        What the inner folds choose from.
    executor : concurrent.futures.Executor, optional
        Who runs the permutations; the result does not depend on it.

    Raises
    ------
    InputError
        If an array does not fit, a name comes twice or a choice is unknown.
    DataError
        If there are too few lines, or the response or all features are constant.
    MissingExtraError
        If scikit-learn is not installed.
    """
    check_extra()
    _check_model(model, outer, permutations, lines=len(lines), features=len(features))
    used, line_names, feature_names, group_names = _ordered(
        response, values, std_error, lines, features, groups, response_kind
    )
    n_groups = len(set(group_names))
    _check_lines(used, n_groups)
    if outer != "leave_one_out" and not 2 <= outer <= n_groups:
        expected = f"2 to {n_groups} outer folds, or leave_one_out"
        raise InputError(expected, found=str(outer))
    fold = used.group if outer == "leave_one_out" else deal_folds(used.group, outer, rng=rng)
    options = settings or PredictionSettings()
    seeds = rng.integers(2**63, size=permutations + 1).tolist()
    found = run_nested(
        used, fold, learner=model, settings=options, rng=np.random.default_rng(seeds[0])
    )
    weight = line_weights(used)
    r2 = skill(used.response, found.predicted, found.reference, weight)
    again = partial(_permuted_skill, lines=used, fold=fold, learner=model, settings=options)
    permuted = map_parts(again, seeds[1:], executor=executor)
    beyond = found.predicted - found.reference
    beyond[np.abs(beyond) <= _TIE] = 0.0
    binary = response_kind == "binary"
    return Prediction(
        model=model,
        response_kind=response_kind,
        outer=outer,
        lines=_line_rows(used, found, fold, line_names, group_names),
        features=_feature_rows(found, feature_names, model),
        rmse=float(np.sqrt(weight @ (used.response - found.predicted) ** 2 / weight.sum())),
        r2=r2,
        spearman=_spearman(used.response, beyond),
        auc=_area_under_roc(used.response, beyond) if binary else None,
        brier=float(np.mean((used.response - found.predicted) ** 2)) if binary else None,
        p_value=(
            (sum(value >= r2 - _TIE for value in permuted) + 1) / (permutations + 1)
            if permutations
            else None
        ),
        permuted_r2=tuple(sorted(permuted)),
        tau2=between_line_variance(used.response, used.std_error),
        settings=options,
        chosen=found.chosen,
        remarks=_remarks(used, found, n_groups, permutations),
    )


def _permuted_skill(
    seed: int,
    *,
    lines: TrainingSet,
    fold: IntArray,
    learner: Learner,
    settings: PredictionSettings,
) -> float:
    """R² out of fold once responses, with their errors, have changed places."""
    rng = np.random.default_rng(seed)
    order = permute_within_sizes(lines.group, rng=rng)
    moved = TrainingSet(
        response=lines.response[order],
        std_error=lines.std_error[order],
        features=lines.features,
        group=lines.group,
        kind=lines.kind,
    )
    found = run_nested(moved, fold, learner=learner, settings=settings, rng=rng)
    return skill(moved.response, found.predicted, found.reference, line_weights(moved))


def _check_model(
    model: str, outer: object, permutations: int, *, lines: int, features: int
) -> None:
    """Refuse models without shrinkage, and options outside their domain."""
    if model not in get_args(Learner):
        why = ""
        if model in _LEAST_SQUARES:
            why = (
                f"plain least squares is not offered: {features} features of {lines} lines "
                "without shrinkage fit noise as well as a response"
            )
        raise InputError("model 'elastic_net' or 'forest'", found=repr(model), mend=why)
    if outer != "leave_one_out" and (isinstance(outer, bool) or not isinstance(outer, int)):
        raise InputError("outer 'leave_one_out' or a number of folds", found=repr(outer))
    if permutations < 0:
        raise InputError("0 permutations or more", found=str(permutations))


def _ordered(
    response: FloatArray,
    values: FloatArray,
    std_error: FloatArray | None,
    lines: Sequence[str],
    features: Sequence[str],
    groups: Sequence[str] | None,
    kind: ResponseKind,
) -> tuple[TrainingSet, list[str], list[str], list[str]]:
    """Checked input, lines and features in the order of their names."""
    n, p = len(lines), len(features)
    if response.shape != (n,) or values.shape != (n, p) or not p:
        expected = f"a response of shape ({n},) and features of shape ({n}, {max(p, 1)})"
        raise InputError(expected, found=f"{response.shape} and {values.shape}")
    for what, names in (("line", lines), ("feature", features)):
        twice = [name for name, follower in pairwise(sorted(names)) if name == follower]
        if twice:
            raise InputError(f"each {what} once", found=f"'{twice[0]}' twice")
    if kind not in get_args(ResponseKind):
        raise InputError("response kind 'continuous' or 'binary'", found=repr(kind))
    if not np.isfinite(response).all() or np.isinf(values).any():
        raise InputError("finite responses, and features that are finite or NaN", found="others")
    if kind == "binary" and not np.isin(response, (0.0, 1.0)).all():
        raise InputError("responses of 0 and 1", found="other numbers")
    if std_error is not None:
        if kind == "binary":
            raise InputError("no standard error of a binary response", found="one")
        if std_error.shape != (n,) or not (np.isfinite(std_error) & (std_error > 0)).all():
            raise InputError("a positive standard error for each line", found="another")
    labels = list(lines) if groups is None else list(groups)
    if len(labels) != n:
        raise InputError(f"a group for each of {n} lines", found=str(len(labels)))
    row = sorted(range(n), key=lambda place: lines[place])
    column = sorted(range(p), key=lambda place: features[place])
    label = [labels[place] for place in row]
    return (
        TrainingSet(
            response=response[row].astype(np.float64),
            std_error=np.zeros(n) if std_error is None else std_error[row],
            features=values[np.ix_(row, column)].astype(np.float64),
            group=np.unique(np.array(label, dtype=str), return_inverse=True)[1].astype(np.intp),
            kind=kind,
        ),
        [lines[place] for place in row],
        [features[place] for place in column],
        label,
    )


def _check_lines(lines: TrainingSet, n_groups: int) -> None:
    """Refuse what no cross-validation can carry."""
    if n_groups < FEWEST_GROUPS:
        expected = f"{FEWEST_GROUPS} lines, or groups of lines, or more"
        raise DataError(expected, found=str(n_groups), mend="test one marker at a time instead")
    if np.ptp(lines.response) == 0:
        raise DataError("responses that differ", found="the same for all lines")
    if lines.kind == "binary":
        least = int(min(lines.response.sum(), (1 - lines.response).sum()))
        if least < _FEWEST_OF_A_CLASS:
            expected = f"{_FEWEST_OF_A_CLASS} lines of each class or more"
            raise DataError(expected, found=f"{least} of one")
    known = ~np.isnan(lines.features)
    if not known.any() or not (_spread(lines.features) > 0).any():
        raise DataError("a feature that differs between lines", found="none")


def _spread(features: FloatArray) -> FloatArray:
    """Range of each feature; 0 where none is known."""
    low = np.where(np.isnan(features), np.inf, features).min(axis=0)
    high = np.where(np.isnan(features), -np.inf, features).max(axis=0)
    return np.where(np.isfinite(low), high - low, 0.0)


def _line_rows(
    lines: TrainingSet,
    found: OutOfFold,
    fold: IntArray,
    names: list[str],
    groups: list[str],
) -> tuple[LinePrediction, ...]:
    return tuple(
        LinePrediction(
            line=names[place],
            group=groups[place],
            observed=float(lines.response[place]),
            std_error=float(lines.std_error[place]) if lines.std_error[place] > 0 else None,
            predicted=float(found.predicted[place]),
            training_mean=float(found.reference[place]),
            fold=int(fold[place]) + 1,
        )
        for place in range(len(names))
    )


def _feature_rows(found: OutOfFold, names: list[str], model: Learner) -> tuple[FeaturePart, ...]:
    """Share of the folds that use each feature, and its mean importance."""
    size = np.abs(found.importance)
    used = size > 0
    if model == "forest" and len(names) > _FOREST_TOP:
        least = np.sort(size, axis=1)[:, [-_FOREST_TOP]]
        used &= size >= least
    stability, importance = used.mean(axis=0), found.importance.mean(axis=0)
    parts = [
        FeaturePart(
            feature=name,
            stability=float(stability[place]),
            importance=float(importance[place]),
        )
        for place, name in enumerate(names)
    ]
    return tuple(
        sorted(parts, key=lambda part: (-part.stability, -abs(part.importance), part.feature))
    )


def _spearman(response: FloatArray, beyond: FloatArray) -> float | None:
    """Rank correlation, None where nothing was predicted beyond the training means.

    The training mean without a line is low where the line is high; ranks of the predictions
    themselves would therefore fall with the response where the features tell nothing.
    """
    if np.ptp(beyond) == 0:
        return None
    first, second = scipy.stats.rankdata(response), scipy.stats.rankdata(beyond)
    return float(np.corrcoef(first, second)[0, 1])


def _area_under_roc(response: FloatArray, beyond: FloatArray) -> float:
    """Chance that a line of 1 is predicted above one of 0; ties count half."""
    ranks = scipy.stats.rankdata(beyond)
    ones = response == 1
    n_ones, n_zeros = int(ones.sum()), int((~ones).sum())
    return float((ranks[ones].sum() - n_ones * (n_ones + 1) / 2) / (n_ones * n_zeros))


def _remarks(
    lines: TrainingSet, found: OutOfFold, n_groups: int, permutations: int
) -> tuple[Remark, ...]:
    """What to know about a prediction."""
    remarks: list[Remark] = []
    if n_groups < FEW_GROUPS:
        remarks.append(
            Remark(
                code="few_lines",
                message=f"{n_groups} lines or groups of lines: with fewer than {FEW_GROUPS} the "
                "error out of fold changes much from sample to sample; read the permutation "
                "p-value before R²",
            )
        )
    if not permutations:
        remarks.append(
            Remark(
                code="no_permutations",
                message="no permutations were run: whether the prediction beats chance is not "
                "tested",
            )
        )
    constant = int((_spread(lines.features) == 0).sum())
    if constant:
        remarks.append(
            Remark(
                code="constant_features",
                message=f"{constant} features are the same in all lines, or missing in all: they "
                "tell nothing",
            )
        )
    missing = int(np.isnan(lines.features).sum())
    if missing:
        remarks.append(
            Remark(
                code="gaps_filled",
                message=f"{missing} of {lines.features.size} values are missing and filled by "
                "the median of the training lines",
            )
        )
    if not found.importance.any():
        remarks.append(
            Remark(
                code="no_feature_chosen",
                message="in every outer fold the inner ones chose the model without features",
            )
        )
    return tuple(remarks)
