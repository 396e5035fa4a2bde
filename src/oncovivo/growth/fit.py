"""Fit a growth model to a study, and answer questions about it with the right uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.growth.cluster_robust import cluster_robust
from oncovivo.growth.data import GrowthData
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import EngineFit, Inference, Problem, VarianceDerivatives
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.model import GrowthModel, Likelihood
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.satterthwaite import Satterthwaite
from oncovivo.growth.terms import LABELS, FixedTerms, fixed_terms

__all__ = [
    "Contrasts",
    "GrowthFit",
    "GrowthWarning",
    "VarianceComponents",
    "fit_growth",
    "growth_problem",
]

FloatArray: TypeAlias = NDArray[np.float64]

# With fewer animals an arm has no spread to compare with.
FEWEST_ANIMALS: Final = 2
# With so small an arm, or so few animals beyond one for each arm, tests of the common intercept
# reject more than they say: up to 6.6 %, and 9 % with half as many (see validation/growth).
SMALL_ARM: Final = 4
FEW_BETWEEN: Final = 8
# An outcome that moves by less than rounding is constant.
_NO_SPREAD: Final = 1e-10
# Sizes that are measured scatter more than their seventh digit; where the likelihood rises without
# end, it is stopped before it gets there.
_NO_SCATTER: Final = 1e-7
_LITTLE_SCATTER: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthWarning:
    """Something to know about a fit.

    Parameters
    ----------
    code : str
        Stable name, such as ``singular_fit``.
    message : str
        One line.
    arm, animal_id : str, optional
        What it is about.
    """

    code: str
    message: str
    arm: str | None = None
    animal_id: str | None = None

    def to_dict(self) -> dict[str, object]:
        """The warning as the JSON contract has it."""
        return {
            "code": self.code,
            "message": self.message,
            "arm": self.arm,
            "animal_id": self.animal_id,
            "rows": [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceComponents:
    """Standard deviations of a fit, log size and log size per day.

    Parameters
    ----------
    sd_intercept, sd_slope : float or None
        Between animals; None where the model has no such effect.
    correlation : float or None
        Between the two; None where one is missing or zero.
    sd_residual : float or None
        Within animals; None where it differs by arm or animal.
    sd_residual_by_arm : mapping of str to float
        Where it differs by arm.
    sd_groups : mapping of str to float
        Of each factor's level.
    autocorrelation : float or None
        Correlation of two residuals one day apart, where the model has one.
    """

    sd_intercept: float | None
    sd_slope: float | None
    correlation: float | None
    sd_residual: float | None
    sd_residual_by_arm: Mapping[str, float]
    sd_groups: Mapping[str, float]
    autocorrelation: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "sd_intercept": self.sd_intercept,
            "sd_slope": self.sd_slope,
            "correlation": self.correlation,
            "sd_residual": self.sd_residual,
            "sd_residual_by_arm": dict(self.sd_residual_by_arm),
            "sd_groups": dict(self.sd_groups),
            "autocorrelation": self.autocorrelation,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrasts:
    """Linear questions about the coefficients, each with its t test.

    Parameters
    ----------
    names : tuple of str, length k
        What each is called.
    estimate, std_error, df, statistic, p_value, lower, upper : ndarray, shape (k,)
        Two-sided t test and interval; NaN where the standard error is 0.
    covariance : ndarray, shape (k, k)
        Of the estimates.
    level : float
        Confidence of the intervals, each alone.
    method : str
        How covariance and degrees of freedom were made.
    """

    names: tuple[str, ...]
    estimate: FloatArray
    std_error: FloatArray
    df: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    lower: FloatArray
    upper: FloatArray
    covariance: FloatArray
    level: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthFit:
    """A fitted growth model.

    Parameters
    ----------
    data : GrowthData
        What was fitted.
    model : GrowthModel
        The model.
    terms : FixedTerms
        Its fixed part, which makes the weights of a question.
    problem : Problem
        The arrays that were fitted.
    coefficients : ndarray, shape (p,)
        In the order of ``terms.names``.
    inference : Inference
        Covariance of the coefficients and degrees of freedom.
    derivatives : VarianceDerivatives or None
        What Kenward-Roger needs; None for a censored fit.
    variance : VarianceComponents
        Standard deviations.
    random_covariance : ndarray, shape (2, 2)
        Covariance of the animals' intercepts and slopes.
    residual_variance : ndarray, shape (n,)
        Of each animal.
    random_effects : ndarray, shape (n, 2)
        Predicted intercept and slope deviations.
    group_effects : mapping of str to ndarray
        Predicted levels of the groups.
    log_likelihood : float
        At the maximum, with all constants.
    likelihood : {"REML", "ML"}
        Which.
    converged, singular : bool
        Whether the optimum was reached, and whether it lies on the boundary.
    df_limit : float or None
        Most degrees of freedom, animals minus arms, where the fit is singular.
    n_censored : int
        Readings that entered as censored.
    warnings : tuple of GrowthWarning
        What to know.
    """

    data: GrowthData
    model: GrowthModel
    terms: FixedTerms
    problem: Problem
    coefficients: FloatArray
    inference: Inference
    derivatives: VarianceDerivatives | None
    variance: VarianceComponents
    random_covariance: FloatArray
    residual_variance: FloatArray
    random_effects: FloatArray
    group_effects: Mapping[str, FloatArray]
    log_likelihood: float
    likelihood: Likelihood
    converged: bool
    singular: bool
    df_limit: float | None
    n_censored: int = 0
    warnings: tuple[GrowthWarning, ...] = ()

    @property
    def n_animals(self) -> int:
        """Animals that entered."""
        return int(np.unique(self.problem.animal).size)

    @property
    def n_observations(self) -> int:
        """Readings that entered."""
        return self.problem.y.size

    @property
    def arms_without_rate(self) -> frozenset[str]:
        """Arms whose rate the readings only bound from above; a censored fit may have some."""
        return frozenset(
            warning.arm
            for warning in self.warnings
            if warning.code == "rate_not_bounded" and warning.arm is not None
        )

    def contrasts(
        self, weights: FloatArray, names: Sequence[str] | None = None, *, level: float = 0.95
    ) -> Contrasts:
        """Estimate, t test and interval of linear questions.

        Parameters
        ----------
        weights : ndarray, shape (k, p) or (p,)
            A row for each question.
        names : sequence of str, optional
            What they are called.
        level : float
            Confidence of each interval.

        Raises
        ------
        InputError
            If weights do not fit the coefficients, or the level is not between 0 and 1.
        """
        rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        if rows.shape[1] != self.coefficients.size:
            expected = f"{self.coefficients.size} weights for each question"
            raise InputError(expected, found=str(rows.shape[1]))
        if not 0 < level < 1:
            expected = "a level between 0 and 1"
            raise InputError(expected, found=f"{level:g}")
        estimate = rows @ self.coefficients
        covariance = rows @ self.inference.covariance @ rows.T
        error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        df = self.inference.df(rows)
        if self.df_limit is not None:
            df = np.minimum(df, self.df_limit)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(error > 0, estimate / error, np.nan)
        reach = special.stdtrit(df, 0.5 + level / 2) * error
        labels = tuple(names) if names is not None else tuple(str(i) for i in range(len(rows)))
        return Contrasts(
            names=labels,
            estimate=estimate,
            std_error=error,
            df=df,
            statistic=statistic,
            p_value=2 * special.stdtr(df, -np.abs(statistic)),
            lower=estimate - reach,
            upper=estimate + reach,
            covariance=covariance,
            level=level,
            method=self.inference.method,
        )

    def fitted(self) -> FloatArray:
        """Conditional means of the readings that entered, shape (m,): each animal's own line."""
        problem = self.problem
        effect = self.random_effects[problem.animal]
        own = problem.x @ self.coefficients + effect[:, 0] + effect[:, 1] * problem.time
        for name, level in self.group_effects.items():
            own = own + level[problem.groups[name][problem.animal]]
        return own


def growth_problem(data: GrowthData, model: GrowthModel, terms: FixedTerms) -> Problem:
    """The arrays of a study under a model.

    Raises
    ------
    InputError
        If a group is no factor of the data.
    DataError
        If a group cannot be told from the arms.
    """
    rows = terms.rows
    animals, animal = np.unique(data.animal[rows], return_inverse=True)
    groups = {}
    for name in model.groups:
        if name not in data.factors:
            known = ", ".join(data.factors) or "none"
            expected = f"a factor of the animals: {known}"
            where = f"study {data.study_id}"
            raise InputError(expected, found=repr(name), where=where, mend=LABELS)
        labels = np.array(data.factors[name], dtype=object)[animals].astype(str)
        groups[name] = np.unique(labels, return_inverse=True)[1].astype(np.intp)
    return Problem(
        y=terms.outcome,
        x=terms.matrix,
        time=data.time[rows],
        animal=animal.astype(np.intp),
        arm=data.arm[animals],
        groups=groups,
        random=model.random,
        residual=model.residual,
        likelihood=model.likelihood,
    )


def fit_growth(data: GrowthData, model: GrowthModel | None = None) -> GrowthFit:
    """Fit a linear mixed model of log size by restricted or full maximum likelihood.

    Readings that are gone or below the limit are left out, with a warning; ``fit_censored`` keeps
    them as what they are.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    model : GrowthModel, optional
        Common intercept, a slope for each arm, random intercept and slope, Kenward-Roger.

    Raises
    ------
    DataError
        If the readings cannot carry the model.
    InputError
        If the model asks for a factor or covariate that the data lack.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> day = np.tile([0.0, 3.0, 6.0, 9.0], 6)
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=day,
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> fit = fit_growth(data)
    >>> fit.terms.names
    ('(intercept)', 'time:vehicle', 'time:drug')
    """
    chosen = model or GrowthModel()
    counted = data.without_below_limit()
    check_arms(counted)
    terms = fixed_terms(counted, chosen)
    problem = growth_problem(counted, chosen, terms)
    check_problem(counted, problem)
    reduces = not problem.groups and chosen.residual in ("iid", "arm")
    engine = fit_reduced(problem) if reduces else fit_dense(problem)
    _check_rest(counted, problem, engine)
    return GrowthFit(
        data=counted,
        model=chosen,
        terms=terms,
        problem=problem,
        coefficients=engine.coefficients,
        inference=_inference(chosen, problem, engine),
        derivatives=engine.derivatives,
        variance=_components(counted, problem, engine),
        random_covariance=engine.random_covariance,
        residual_variance=engine.residual_variance,
        random_effects=engine.random_effects,
        group_effects=engine.group_effects,
        log_likelihood=engine.log_likelihood,
        likelihood=engine.likelihood,
        converged=engine.converged,
        singular=engine.singular,
        df_limit=float(problem.arm.size - len(counted.arms)) if engine.singular else None,
        warnings=_warnings(data, counted, chosen, problem, engine),
    )


def check_arms(data: GrowthData) -> None:
    """Refuse a study whose arms, animals or readings cannot carry a mixed model.

    Raises
    ------
    DataError
        If all arms have one animal, or no animal has two readings, or the size never changes.
    """
    where = f"study {data.study_id}"
    animals = np.bincount(data.arm, minlength=len(data.arms))
    if animals.max() < FEWEST_ANIMALS or data.n_animals <= len(data.arms):
        expected = "an arm with two animals or more"
        found = f"{data.n_animals} animals in {len(data.arms)} arms"
        mend = "the spread between animals is what an effect is held against"
        raise DataError(expected, found=found, where=where, mend=mend)
    if data.readings.max() < 2:
        expected = "animals with two readings or more"
        raise DataError(expected, found="one reading per animal", where=where)
    if np.ptp(data.log_size) < _NO_SPREAD:
        expected = "sizes that differ"
        found = f"{data.n_observations} equal readings"
        raise DataError(expected, found=found, where=where)


def check_problem(data: GrowthData, problem: Problem) -> None:
    """Refuse groups that are the arms, and data that the fixed part explains without rest.

    Raises
    ------
    DataError
        With the reason.
    """
    where = f"study {data.study_id}"
    n_arms = len(data.arms)
    for name, group in problem.groups.items():
        pairs = np.unique(np.column_stack((group, problem.arm)), axis=0)
        n_groups = int(group.max()) + 1
        if len(pairs) == n_groups and n_groups <= n_arms:
            expected = f"arms that hold more than one {name} each, or share them"
            raise DataError(
                expected,
                found=f"each arm is one {name}",
                where=where,
                mend=f"the experimental unit is the {name}: an effect of the treatment cannot be "
                f"told from one of the {name}",
            )
        if n_groups == 1:
            expected = f"more than one {name}"
            raise DataError(expected, found="one for all animals", where=where)
        if n_groups == problem.arm.size:
            expected = f"a {name} with more than one animal"
            raise DataError(expected, found=f"{n_groups} for as many animals", where=where)
    rest = problem.y - problem.x @ np.linalg.lstsq(problem.x, problem.y, rcond=None)[0]
    if np.abs(rest).max() < _NO_SPREAD * max(1.0, float(np.abs(problem.y).max())):
        expected = "readings that differ from their arm's curve"
        raise DataError(expected, found="none: the fit would be exact", where=where)


def _check_rest(data: GrowthData, problem: Problem, engine: EngineFit) -> None:
    """Refuse readings that lie on their animals' curves: no error is left to test against."""
    effects = 2 if problem.random.startswith("intercept_slope") else 1
    scatters = np.bincount(problem.animal).max() > effects
    least = _NO_SCATTER if engine.converged else _LITTLE_SCATTER
    if scatters and float(engine.residual_variance.max()) < least**2:
        expected = "readings that scatter about their animals' curves"
        raise DataError(
            expected,
            found="none: each animal's fit would be exact",
            where=f"study {data.study_id}",
            mend="were the readings measured, or computed from a formula?",
        )


def _inference(model: GrowthModel, problem: Problem, engine: EngineFit) -> Inference:
    if model.df == "cr2":
        return cluster_robust(problem, engine)
    if model.df == "satterthwaite":
        return Satterthwaite(engine.derivatives, engine.observed_information)
    # With a correlation among the parameters the second-order term of the covariance inflates
    # standard errors of small studies several times over; without it tests stay near their level.
    linear = replace(engine.derivatives, curvature=None)
    return KenwardRoger(linear, first_order=engine.derivatives.curvature is not None)


def _components(data: GrowthData, problem: Problem, engine: EngineFit) -> VarianceComponents:
    """Standard deviations under the names of the contract."""
    sd = np.sqrt(np.maximum(np.diag(engine.random_covariance), 0.0))
    both = sd[0] * sd[1]
    covariance = float(engine.random_covariance[0, 1])
    has_intercept = problem.random != "slope"
    has_slope = problem.random != "intercept"
    residual = np.sqrt(engine.residual_variance)
    by_arm = problem.residual in ("arm", "arm_car1")
    return VarianceComponents(
        sd_intercept=float(sd[0]) if has_intercept else None,
        sd_slope=float(sd[1]) if has_slope else None,
        correlation=float(np.clip(covariance / both, -1.0, 1.0))
        if problem.random == "intercept_slope" and both > 0
        else None,
        sd_residual=None if by_arm or problem.residual == "animal" else float(residual[0]),
        sd_residual_by_arm={
            name: float(residual[np.flatnonzero(problem.arm == number)[0]])
            for number, name in enumerate(data.arms)
            if by_arm and (problem.arm == number).any()
        },
        sd_groups={name: float(np.sqrt(value)) for name, value in engine.group_variances.items()},
        autocorrelation=engine.correlation,
    )


def _warnings(
    data: GrowthData,
    counted: GrowthData,
    model: GrowthModel,
    problem: Problem,
    engine: EngineFit,
) -> tuple[GrowthWarning, ...]:
    """What to know about a fit."""
    found: list[GrowthWarning] = [
        GrowthWarning(code="readings_not_used", message=note) for note in data.notes
    ]
    below = int(data.below_limit.sum())
    if below:
        gone = [name for name in data.animal_ids if name not in counted.animal_ids]
        whole = f"; animals that lose every reading: {', '.join(gone)}" if gone else ""
        found.append(
            GrowthWarning(
                code="below_limit_omitted",
                message=f"{below} readings that are gone or below the limit were left out{whole}",
            )
        )
    lost = counted.n_animals - problem.arm.size
    if lost:
        found.append(
            GrowthWarning(
                code="animals_not_used",
                message=f"{lost} animals have no measured baseline with a later reading",
            )
        )
    if not engine.converged:
        found.append(
            GrowthWarning(
                code="not_converged",
                message=f"the likelihood was not maximized in {engine.iterations} steps",
            )
        )
    if engine.singular:
        found.append(
            GrowthWarning(
                code="singular_fit",
                message="the data show no spread between animals in one direction: a variance is "
                "zero or a correlation one; degrees of freedom are at most animals minus arms",
            )
        )
    effects = 2 if problem.random.startswith("intercept_slope") else 1
    if np.bincount(problem.animal).max() <= effects:
        found.append(
            GrowthWarning(
                code="variances_not_separate",
                message="no animal has more readings than random effects: the spread between and "
                "within animals cannot be told apart, only tests and limits of rates hold",
            )
        )
    sizes = np.bincount(problem.arm, minlength=len(counted.arms))
    found.extend(
        GrowthWarning(
            code="few_animals",
            message=f"arm '{name}' has {size} "
            + ("animal: its rate rests on the other arms' spread" if size == 1 else "animals"),
            arm=name,
        )
        for name, size in zip(counted.arms, sizes.tolist(), strict=True)
        if size < FEWEST_ANIMALS
    )
    between = int(problem.arm.size) - len(counted.arms)
    if (
        (sizes.min() < SMALL_ARM or between <= FEW_BETWEEN)
        and problem.random == "intercept_slope"
        and model.intercept == "common"
        and model.baseline == "outcome"
        and model.df != "cr2"
    ):
        most = "9 %" if between <= FEW_BETWEEN // 2 else "6.6 %"
        found.append(
            GrowthWarning(
                code="small_arms",
                message=f"{problem.arm.size} animals in {len(counted.arms)} arms: a test at 5 % "
                f"rejects up to {most} of true nulls with the common intercept; --intercept arm "
                "is exact, the parametric bootstrap nearly so",
            )
        )
    return tuple(found)


def with_warnings(fit: GrowthFit, warnings: Sequence[GrowthWarning]) -> GrowthFit:
    """The fit with more warnings."""
    return replace(fit, warnings=(*fit.warnings, *warnings))
