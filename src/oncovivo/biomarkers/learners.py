"""Models that predict a response with shrinkage, fitted to the lines of a training set.

Whatever learns is in here: medians that fill gaps, scales, weights and coefficients come from the
training lines only, so a caller cannot leak what is held out.

References
----------
Zou H, Hastie T. J R Stat Soc B 2005;67:301: elastic net. Breiman L. Machine Learning 2001;45:5:
forest.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from oncovivo.errors import InputError, MissingExtraError

__all__ = [
    "Choice",
    "Learner",
    "PredictionSettings",
    "ResponseKind",
    "TrainingSet",
    "between_line_variance",
    "check_extra",
    "choices",
    "learn",
    "line_weights",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Learner: TypeAlias = Literal["elastic_net", "forest"]
ResponseKind: TypeAlias = Literal["continuous", "binary"]
Choice: TypeAlias = tuple[float, float]
"""Share of the lasso and penalty, or fewest lines in a leaf and share of the features."""

# Features whose spread is rounding are constant.
_NO_SPREAD: Final = 1e-12
# Coordinate descent: scaled features need some hundred sweeps, near-copies of each other more.
_MOST_SWEEPS: Final = 100_000
# Change of a logistic coefficient, relative to the largest, that no longer counts.
_LOGISTIC_TOLERANCE: Final = 1e-4
# The strongest penalty is above the one that leaves no feature by more than rounding.
_ABOVE: Final = 1 + 1e-9
_SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionSettings:
    """What the inner folds choose from.

    Parameters
    ----------
    inner_folds : int
        Parts that the lines of a training set are dealt into, 2 or more.
    l1_ratios : tuple of float
        Share of the lasso in the elastic net's penalty, above 0, at most 1.
    strengths : int
        Penalties tried for each share, from the least that leaves no feature downward.
    weakest : float
        The smallest penalty as a share of the largest, above 0 and below 1.
    trees : int
        Trees of a forest.
    inner_trees : int
        Trees of a forest that is only compared with others in the inner folds.
    leaf_sizes : tuple of int
        Fewest lines in a leaf.
    feature_shares : tuple of float
        Features that a split looks at, as a share of all.

    Raises
    ------
    InputError
        If a setting is outside its domain; a penalty of 0 is plain least squares.
    """

    inner_folds: int = 5
    l1_ratios: tuple[float, ...] = (0.2, 1.0)
    strengths: int = 20
    weakest: float = 0.02
    trees: int = 200
    inner_trees: int = 50
    leaf_sizes: tuple[int, ...] = (1, 5)
    feature_shares: tuple[float, ...] = (0.33,)

    def __post_init__(self) -> None:
        if self.inner_folds < 2:
            expected = "two inner folds or more"
            raise InputError(expected, found=str(self.inner_folds))
        for value in self.l1_ratios:
            if not 0 < value <= 1:
                expected = "shares of the lasso above 0, at most 1"
                raise InputError(expected, found=f"{value:g}")
        if not 0 < self.weakest < 1:
            expected = "a weakest penalty above 0 and below 1 times the strongest"
            mend = "without a penalty it is least squares, which is not offered"
            raise InputError(expected, found=f"{self.weakest:g}", mend=mend)
        for value in self.feature_shares:
            if not 0 < value <= 1:
                expected = "shares of the features above 0, at most 1"
                raise InputError(expected, found=f"{value:g}")
        counts = {"strengths": self.strengths, "trees": self.trees}
        counts["inner trees"] = self.inner_trees
        counts |= {f"leaf size {size}": size for size in self.leaf_sizes}
        for name, count in counts.items():
            if count < 1:
                expected = f"{name}: a count of 1 or more"
                raise InputError(expected, found=str(count))
        if not (self.l1_ratios and self.leaf_sizes and self.feature_shares):
            expected = "at least one value of each setting"
            raise InputError(expected, found="none")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingSet:
    """Lines with their response and features.

    Parameters
    ----------
    response : ndarray, shape (n,)
        Number, or 0 and 1.
    std_error : ndarray, shape (n,)
        Of the response; zeros where all lines count alike.
    features : ndarray, shape (n, p)
        NaN where a feature is missing.
    group : ndarray of int, shape (n,)
        Lines that stay together.
    kind : {"continuous", "binary"}
        What the response is.
    """

    response: FloatArray
    std_error: FloatArray
    features: FloatArray
    group: IntArray
    kind: ResponseKind = "continuous"

    def take(self, rows: NDArray[np.bool_]) -> TrainingSet:
        """Some of the lines."""
        return TrainingSet(
            response=self.response[rows],
            std_error=self.std_error[rows],
            features=self.features[rows],
            group=self.group[rows],
            kind=self.kind,
        )


def check_extra() -> None:
    """Refuse to go on where scikit-learn is not installed.

    Raises
    ------
    MissingExtraError
        With the line that installs it.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise MissingExtraError("markers", "scikit-learn")


def between_line_variance(response: FloatArray, std_error: FloatArray) -> float:
    """Variance of the lines' true responses beyond their standard errors (DerSimonian and Laird).

    Zero where all standard errors are zero, since lines then count alike.

    Parameters
    ----------
    response, std_error : ndarray, shape (n,)
        Of each line.

    Notes
    -----
    Control Clin Trials 1986;7:177, the moment estimator.

    Examples
    --------
    Equal errors: the variance of the responses less that of their error.

    >>> between_line_variance(np.array([0.0, 1.0, 2.0]), np.full(3, 0.5))
    0.75
    """
    if not (std_error > 0).all():
        return 0.0
    weight = std_error**-2.0
    total = float(weight.sum())
    mean = float(weight @ response) / total
    q = float(weight @ (response - mean) ** 2)
    spare = total - float(weight @ weight) / total
    return max(0.0, (q - (response.size - 1)) / spare) if spare > 0 else 0.0


def line_weights(lines: TrainingSet) -> FloatArray:
    """1/(se² + τ²) of each line, divided by their mean; ones where no line has an error."""
    spread = between_line_variance(lines.response, lines.std_error)
    if not (lines.std_error > 0).all():
        return np.ones(lines.response.size)
    weight = 1.0 / (lines.std_error**2 + spread)
    return np.asarray(weight / weight.mean())


def choices(lines: TrainingSet, learner: Learner, settings: PredictionSettings) -> list[Choice]:
    """Settings to try, the strongest shrinkage of each family first."""
    if learner == "forest":
        return [
            (float(size), share)
            for size in sorted(settings.leaf_sizes, reverse=True)
            for share in settings.feature_shares
        ]
    weight = line_weights(lines)
    scaled = _Scaling.of(lines.features).apply(lines.features)
    rest = lines.response - float(weight @ lines.response) / weight.sum()
    centered = scaled - (weight @ scaled) / weight.sum()
    # Friedman, Hastie and Tibshirani, J Stat Softw 2010;33(1), on the path of penalties.
    steepest = _ABOVE * float(np.abs(centered.T @ (weight * rest)).max()) / rest.size
    shares = np.geomspace(1.0, settings.weakest, settings.strengths)
    floor = np.finfo(float).tiny
    return [
        (ratio, max(float(share) * steepest / ratio, floor))
        for ratio in sorted(settings.l1_ratios, reverse=True)
        for share in shares
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Scaling:
    """Medians that fill gaps, and mean and spread, all of the training lines."""

    median: FloatArray
    mean: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, features: FloatArray) -> _Scaling:
        known = ~np.isnan(features).all(axis=0)
        median = np.zeros(features.shape[1])
        median[known] = np.nanmedian(features[:, known], axis=0)
        filled = np.where(np.isnan(features), median, features)
        mean = filled.mean(axis=0)
        spread = filled.std(axis=0)
        constant = spread <= _NO_SPREAD * np.maximum(np.abs(mean), 1.0)
        # A constant feature becomes 0, whatever it is in a line that was held out.
        return cls(median, mean, np.where(constant, np.inf, spread))

    def apply(self, features: FloatArray) -> FloatArray:
        """Features without gaps, in standard deviations."""
        filled = np.where(np.isnan(features), self.median, features)
        return np.asarray((filled - self.mean) / self.spread)


def learn(
    lines: TrainingSet,
    grid: list[Choice],
    held: FloatArray,
    *,
    learner: Learner,
    trees: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """What models of each setting say about lines that were held out.

    Parameters
    ----------
    lines : TrainingSet
        Lines to learn from.
    grid : list of (float, float), length g
        Settings, as :func:`choices` gives them.
    held : ndarray, shape (m, p)
        Features of the lines that were held out.
    learner : {"elastic_net", "forest"}
        Family of models.
    trees : int
        Of a forest.
    rng : numpy.random.Generator
        Grows the trees.

    Returns
    -------
    predicted : ndarray, shape (g, m)
        Response; of a binary one the probability of 1.
    importance : ndarray, shape (g, p)
        Coefficient for a standard deviation of the feature, or the feature's share of the
        forest's gain.
    """
    weight = line_weights(lines)
    scaling = _Scaling.of(lines.features)
    scaled, out = scaling.apply(lines.features), scaling.apply(held)
    if lines.kind == "binary" and np.ptp(lines.response) == 0:
        # One class only: nothing can be told from it but that class.
        said = np.full((len(grid), held.shape[0]), lines.response[0])
        return said, np.zeros((len(grid), held.shape[1]))
    if learner == "forest":
        return _forest(lines, scaled, weight, grid, out, trees, rng)
    if lines.kind == "binary":
        slopes, intercept = _logistic_net(scaled, lines.response, grid, rng)
        return expit(slopes @ out.T + intercept[:, None]), slopes
    slopes, intercept = _elastic_net(scaled, lines.response, weight, grid)
    return slopes @ out.T + intercept[:, None], slopes


def _elastic_net(
    scaled: FloatArray, response: FloatArray, weight: FloatArray, grid: list[Choice]
) -> tuple[FloatArray, FloatArray]:
    """Coefficients (g, p) and intercepts (g,) of weighted elastic nets.

    A weight w multiplies a line's squared error: rows times √w, about the weighted means, are the
    same problem without weights.
    """
    from sklearn.linear_model import enet_path

    total = weight.sum()
    center = weight @ scaled / total
    mean = float(weight @ response) / total
    root = np.sqrt(weight)
    x = np.asfortranarray(root[:, None] * (scaled - center))
    y = root * (response - mean)
    slopes = np.empty((len(grid), scaled.shape[1]))
    for ratio in sorted({ratio for ratio, _ in grid}):
        places = [place for place, choice in enumerate(grid) if choice[0] == ratio]
        places.sort(key=lambda place: -grid[place][1])
        _, path, _ = enet_path(
            x,
            y,
            l1_ratio=ratio,
            alphas=np.array([grid[place][1] for place in places]),
            max_iter=_MOST_SWEEPS,
            # Its checks of each array take most of the time, and these arrays are as they must be.
            check_input=False,
        )
        slopes[places] = path.T
    return slopes, mean - slopes @ center


def _logistic_net(
    scaled: FloatArray, response: FloatArray, grid: list[Choice], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Coefficients (g, p) and intercepts (g,) of elastic nets of the log odds."""
    from sklearn.linear_model import LogisticRegression

    seed = int(rng.integers(_SEEDS))
    slopes, intercept = np.empty((len(grid), scaled.shape[1])), np.empty(len(grid))
    for place, (ratio, penalty) in enumerate(grid):
        model = LogisticRegression(
            solver="saga",
            l1_ratio=ratio,
            C=1.0 / (response.size * penalty),
            max_iter=_MOST_SWEEPS,
            tol=_LOGISTIC_TOLERANCE,
            random_state=seed,
        ).fit(scaled, response)
        slopes[place] = model.coef_[0]
        # Without features it is the share itself, which the search only comes near.
        known = slopes[place].any()
        intercept[place] = model.intercept_[0] if known else logit(response.mean())
    return slopes, intercept


def _forest(
    lines: TrainingSet,
    scaled: FloatArray,
    weight: FloatArray,
    grid: list[Choice],
    out: FloatArray,
    trees: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Predictions (g, m) and shares of the gain (g, p) of forests."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    said, gain = np.empty((len(grid), out.shape[0])), np.empty((len(grid), out.shape[1]))
    kind = RandomForestClassifier if lines.kind == "binary" else RandomForestRegressor
    for place, (leaf, share) in enumerate(grid):
        model = kind(
            n_estimators=trees,
            min_samples_leaf=int(leaf),
            max_features=share,
            n_jobs=1,
            random_state=int(rng.integers(_SEEDS)),
        ).fit(scaled, lines.response, sample_weight=weight)
        said[place] = (
            model.predict_proba(out)[:, 1] if lines.kind == "binary" else model.predict(out)
        )
        gain[place] = model.feature_importances_
    return said, gain
