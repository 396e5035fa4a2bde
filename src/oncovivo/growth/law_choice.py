"""Which growth law describes a study, and whether its growth is log-linear at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.growth.fit import Contrasts, GrowthFit, fit_growth
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.laws import GROWTH_LAWS, growth_law
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.nlme import (
    BelowLimit,
    NonlinearFit,
    animal_log_likelihoods,
    fit_nonlinear,
)
from oncovivo.growth.structural import StructuralModel

__all__ = [
    "LawComparison",
    "LawScore",
    "LogLinearity",
    "compare_laws",
    "log_linearity_test",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

FOLDS: Final = 5
# A smaller gain in log predictive density is no reason to leave the simplest law.
_WORTH: Final = 1.0
# More deciding animals than this are counted, not named.
_FEW: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LawScore:
    """How one law does.

    Parameters
    ----------
    law : StructuralModel
        The law.
    fit : NonlinearFit or None
        Its fit to all animals; None where it failed.
    failure : str or None
        Why it failed.
    predictive_score : float or None
        Sum over left-out animals of the log density of their readings; larger is better.
    by_animal : mapping of str to float
        Log density of each left-out animal's readings.
    predictive_error : float or None
        Root mean square distance of their readings from the arm's curve, log size.
    """

    law: StructuralModel
    fit: NonlinearFit | None
    failure: str | None
    predictive_score: float | None
    predictive_error: float | None
    by_animal: Mapping[str, float]

    def to_dict(self) -> dict[str, object]:
        """All figures, ready for JSON."""
        return {
            "law": self.law.name,
            "failure": self.failure,
            "fit": None if self.fit is None else self.fit.to_dict(),
            "predictive_score": self.predictive_score,
            "predictive_error": self.predictive_error,
            "predictive_score_by_animal": dict(self.by_animal),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LawComparison:
    """Growth laws side by side on one study.

    Parameters
    ----------
    scores : tuple of LawScore
        In the order asked for.
    folds : int
        Parts that the animals were dealt into.
    best_predicting : str or None
        Law with the largest predictive score; the exponential one where no other is better by
        more than the standard error of the difference, and by more than one.
    deciding : mapping of str to str
        Animals without which another law would predict best, and that law.
    best_bic : str or None
        Law with the smallest BIC.
    """

    scores: tuple[LawScore, ...]
    folds: int
    best_predicting: str | None
    deciding: Mapping[str, str]
    best_bic: str | None

    def score(self, law: str) -> LawScore:
        """The score of a law.

        Raises
        ------
        InputError
            If it was not compared.
        """
        for score in self.scores:
            if score.law.name == law:
                return score
        expected = "a law that was compared: " + ", ".join(s.law.name for s in self.scores)
        raise InputError(expected, found=repr(law))

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence."""
        if self.best_predicting is None:
            return "no law could be fitted to enough animals to predict the others"
        words = f"the {_spoken(self.best_predicting)} law predicts left-out animals best"
        if self.best_bic == self.best_predicting:
            words += " and has the smallest BIC"
        elif self.best_bic is not None:
            words += f"; the smallest BIC is that of the {_spoken(self.best_bic)} law"
        if len(self.deciding) > _FEW:
            return words + f"; any of {len(self.deciding)} single animals can change that"
        for animal, law in self.deciding.items():
            words += f"; without animal {animal} the {_spoken(law)} law would predict best"
        return words

    def to_dict(self) -> dict[str, object]:
        """All scores, ready for JSON."""
        return {
            "laws": [score.to_dict() for score in self.scores],
            "folds": self.folds,
            "best_predicting": self.best_predicting,
            "deciding": dict(self.deciding),
            "best_bic": self.best_bic,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogLinearity:
    """A test of whether log size grows along lines.

    Parameters
    ----------
    statistic, df_numerator, df_denominator, p_value : float
        F test that no arm's curve bends.
    change : Contrasts
        By arm: the rate at the end minus the rate at the start, natural log per day.
    fit : GrowthFit
        The model with bends: natural spline with one inner knot.
    comparison : LawComparison or None
        Laws side by side, where asked for.
    level : float
        Error of the test at which the verdict speaks of a bend.
    """

    statistic: float
    df_numerator: float
    df_denominator: float
    p_value: float
    change: Contrasts
    fit: GrowthFit
    comparison: LawComparison | None
    level: float

    @property
    def log_linear(self) -> bool:
        """Whether the test sees no bend."""
        return self.p_value > self.level

    @property
    def verdict(self) -> str:
        """What to make of it, in a sentence."""
        test = (
            f"F({self.df_numerator:.0f}, {self.df_denominator:.1f}) = {self.statistic:.2f}, "
            f"p = {self.p_value:.2g}"
        )
        if self.log_linear:
            return f"no departure from log-linear growth shows ({test})"
        clear = self.change.p_value < self.level
        parts = [
            f"growth {word} in {', '.join(arms)}"
            for word, arms in (
                ("slows", self._arms(clear & (self.change.estimate < 0))),
                ("quickens", self._arms(clear & (self.change.estimate > 0))),
            )
            if arms
        ]
        words = f"growth is not log-linear ({test})"
        if parts:
            words += ": " + "; ".join(parts)
        if self.comparison is not None:
            words += "; " + self.comparison.verdict
        return words

    def to_dict(self) -> dict[str, object]:
        """The test and the changes, ready for JSON."""
        return {
            "statistic": self.statistic,
            "df_numerator": self.df_numerator,
            "df_denominator": self.df_denominator,
            "p_value": self.p_value,
            "change": [
                {"arm": name, "estimate": float(value), "std_error": float(error), "p_value": p}
                for name, value, error, p in zip(
                    self.change.names,
                    self.change.estimate,
                    self.change.std_error,
                    [float(p) if np.isfinite(p) else None for p in self.change.p_value],
                    strict=True,
                )
            ],
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "verdict": self.verdict,
        }

    def _arms(self, which: NDArray[np.bool_]) -> list[str]:
        return [name for name, yes in zip(self.change.names, which, strict=True) if yes]


def compare_laws(
    data: GrowthData,
    laws: Sequence[str] = tuple(GROWTH_LAWS),
    *,
    folds: int = FOLDS,
    below_limit: BelowLimit = "censored",
    rng: np.random.Generator | None = None,
) -> LawComparison:
    """Fit laws to a study, and let each predict animals that it has not seen.

    Animals are dealt into folds within their arms; each fold is predicted by a fit to the others,
    with the random effects integrated out. An arm's only animal is never left out.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    laws : sequence of str
        Names in ``GROWTH_LAWS``.
    folds : int
        2 or more; as many as animals leave out one at a time.
    below_limit : {"censored", "omitted"}
        Readings that are gone or below the limit.
    rng : numpy.random.Generator, optional
        Deals the animals at random; else they are dealt by the order of their mean log sizes.

    Raises
    ------
    InputError
        If a law is unknown or named twice, or there are fewer than 2 folds.
    DataError
        If no law can be fitted.
    """
    chosen = [growth_law(name) for name in laws]
    if not chosen or len(set(laws)) < len(laws):
        expected = "growth laws, each once"
        raise InputError(expected, found=", ".join(laws) or "none")
    if folds < 2:
        expected = "2 folds or more"
        raise InputError(expected, found=str(folds))
    counted = data.without_below_limit() if below_limit == "omitted" else data
    fold = _deal(counted, min(folds, counted.n_animals), rng)
    scores = tuple(_score(counted, law, fold) for law in chosen)
    fitted = [score for score in scores if score.fit is not None]
    if not fitted:
        expected = "readings that one of the laws can describe"
        raise DataError(
            expected, found=scores[0].failure or "none", where=f"study {data.study_id}"
        )
    best, deciding = _best_predicting(fitted)
    return LawComparison(
        scores=scores,
        folds=int(fold.max()) + 1,
        best_predicting=best,
        deciding=deciding,
        best_bic=min((score.fit.bic, score.law.name) for score in fitted if score.fit is not None)[
            1
        ],
    )


def log_linearity_test(
    data: GrowthData,
    *,
    model: GrowthModel | None = None,
    laws: Sequence[str] = (),
    level: float = 0.05,
) -> LogLinearity:
    """Test whether the arms' log sizes grow along lines, and name the law that fits better.

    Each arm's line is given one bend, a natural cubic spline with a knot at the middle of the
    reading times; the Kenward-Roger F test asks whether all bends are zero.

    Parameters
    ----------
    data : GrowthData
        Readings of one study; those below the limit are left out.
    model : GrowthModel, optional
        The linear mixed model that is questioned; its inference must be Kenward-Roger.
    laws : sequence of str
        Laws to compare if the test sees a bend; none saves the time.
    level : float
        Error of the test.

    Raises
    ------
    InputError
        If the model's time is not linear, or its inference is another.
    DataError
        If there are readings at fewer than three times.
    """
    line = model or GrowthModel()
    if line.time.kind != "linear" or line.df != "kr":
        expected = "a model with linear time and Kenward-Roger inference"
        raise InputError(expected, found=f"{line.time.kind} time, {line.df}")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    end = float(data.without_below_limit().time.max())
    knot = _middle(data)
    bent = replace(line, time=TimeShape(kind="spline", knots=(knot,)))
    fit = fit_growth(data, bent)
    weights = np.zeros((len(fit.terms.arms), len(fit.terms.names)))
    for arm, (_, column) in enumerate(fit.terms.time_of):
        weights[arm, column] = 1.0
    if not isinstance(fit.inference, KenwardRoger):
        expected = "Kenward-Roger inference"
        raise InputError(expected, found=fit.inference.method)
    test = fit.inference.f_test(weights, fit.coefficients)
    # A spline coefficient is the change of the rate from start to end times end² / (3 knot).
    change = fit.contrasts(weights * 3 * knot / end**2, fit.terms.arms)
    bends = test.p_value <= level
    return LogLinearity(
        statistic=test.statistic,
        df_numerator=test.df_numerator,
        df_denominator=test.df_denominator,
        p_value=test.p_value,
        change=change,
        fit=fit,
        comparison=compare_laws(data, laws) if bends and laws else None,
        level=level,
    )


def _middle(data: GrowthData) -> float:
    """Median of the reading times after the first and before the last.

    Raises
    ------
    DataError
        If there are fewer than three times.
    """
    time = np.sort(data.without_below_limit().time)
    times = time[np.concatenate(([True], np.diff(time) > SAME_DAY))]
    inner = times[1:-1]
    if not inner.size:
        expected = "readings at three times or more"
        raise DataError(expected, found=str(times.size), where=f"study {data.study_id}")
    return float(np.median(inner))


def _deal(data: GrowthData, folds: int, rng: np.random.Generator | None) -> IntArray:
    """Fold of each animal; -1 for an animal that is its arm."""
    fold = np.full(data.n_animals, -1, dtype=np.intp)
    mean = np.bincount(data.animal, weights=data.log_size) / data.readings
    dealt = 0
    level = [float(mean[data.animals_of(arm)].mean()) for arm in range(len(data.arms))]
    # By size, so that neither names nor the order of the file matter.
    for arm in np.argsort(level, kind="stable").tolist():
        animals = data.animals_of(arm)
        if animals.size < 2:
            continue
        order = (
            animals[np.argsort(mean[animals], kind="stable")]
            if rng is None
            else rng.permutation(animals)
        )
        # Each arm goes on where the last one ended, so that folds are of equal size.
        fold[order] = (dealt + np.arange(order.size)) % folds
        dealt += order.size
    return fold


def _score(data: GrowthData, law: StructuralModel, fold: IntArray) -> LawScore:
    """Fit a law to all animals and predict each fold by the others."""
    try:
        fit = fit_nonlinear(data, law)
    except DataError as error:
        return LawScore(
            law=law,
            fit=None,
            failure=str(error),
            predictive_score=None,
            predictive_error=None,
            by_animal={},
        )
    by_animal: dict[str, float] = {}
    distance: list[FloatArray] = []
    failure: str | None = None
    for number in range(int(fold.max()) + 1):
        out = (fold == number)[data.animal]
        if not out.any():
            continue
        kept, left = data.select(~out), data.select(out)
        if kept.arms != data.arms:
            continue
        try:
            trained = fit_nonlinear(kept, law, start=fit)
        except DataError as error:
            failure = f"without fold {number + 1}: {error}"
            break
        density = animal_log_likelihoods(trained, left).tolist()
        by_animal.update(zip(left.animal_ids, density, strict=True))
        distance.append(_distances(trained, left))
    if failure is not None or not by_animal:
        return LawScore(
            law=law,
            fit=fit,
            failure=failure,
            predictive_score=None,
            predictive_error=None,
            by_animal={},
        )
    rest = np.concatenate(distance)
    score = float(sum(by_animal.values()))
    error_size = float(np.sqrt(np.mean(rest**2))) if rest.size else np.nan
    return LawScore(
        law=law,
        fit=fit,
        failure=None if np.isfinite(score) else "an animal's readings are impossible under it",
        predictive_score=score if np.isfinite(score) else None,
        predictive_error=error_size if np.isfinite(error_size) else None,
        by_animal=by_animal,
    )


def _distances(fit: NonlinearFit, data: GrowthData) -> FloatArray:
    """Measured log sizes minus the curve of their arm."""
    parts = []
    for number, name in enumerate(data.arms):
        rows = (data.arm[data.animal] == number) & ~data.below_limit
        parts.append(data.log_size[rows] - fit.curve(name, data.time[rows]).log_size)
    return np.concatenate(parts)


def _best_predicting(scores: Sequence[LawScore]) -> tuple[str | None, dict[str, str]]:
    """Law that predicts best, and the animals that decide it."""
    known = [score for score in scores if score.predictive_score is not None]
    if not known:
        return None, {}
    # Every law was asked about the same animals.
    animals = list(known[0].by_animal)
    density = np.array([[score.by_animal[name] for name in animals] for score in known])
    names = [score.law.name for score in known]
    best = _best(names, density)
    deciding = {}
    for column, animal in enumerate(animals):
        other = _best(names, np.delete(density, column, axis=1))
        if other != best:
            deciding[animal] = other
    return best, deciding


def _best(names: Sequence[str], density: FloatArray) -> str:
    """Law with the largest sum; the exponential one unless another is clearly better."""
    total = density.sum(axis=1)
    top = int(np.argmax(total))
    if "exponential" in names:
        plain = names.index("exponential")
        gain = density[top] - density[plain]
        noise = float(np.std(gain)) * np.sqrt(gain.size)
        if gain.sum() <= max(_WORTH, noise):
            return names[plain]
    return names[top]


def _spoken(law: str) -> str:
    return law.replace("_", " ")
