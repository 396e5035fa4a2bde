"""Fit a growth model to readings of which some are only known to lie below the limit.

A tumor that is gone or too small to measure stays in the model as what it is: smaller than the
limit. Leaving such readings out, setting them to the limit or adding 1 to every volume moves the
rates of arms that respond; ``validation/growth/censored.py`` measures by how much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.growth.engine import Problem
from oncovivo.growth.fit import (
    GrowthFit,
    GrowthWarning,
    VarianceComponents,
    check_arms,
    fit_growth,
    growth_problem,
    with_warnings,
)
from oncovivo.growth.model import GrowthModel, RandomEffects
from oncovivo.growth.terms import FixedTerms, fixed_terms
from oncovivo.growth.tobit import Integration, TobitProblem
from oncovivo.growth.tobit_search import (
    TobitOptimum,
    covariance_slopes,
    inverse_information,
    maximize_tobit,
    profile_upper_limit,
    unbounded_coefficients,
)

__all__ = ["BelowLimit", "CensoredInference", "fit_censored", "fit_with_limit", "upper_limit"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
BelowLimit: TypeAlias = Literal["censored", "omitted"]

# A root entry this small beside the residual is zero.
_ZERO_SPREAD: Final = 1e-4
# A line through fewer readings leaves no rest.
_LINE_AND_REST: Final = 3
# Scatter with the censored readings this many times that without them is told.
_SCATTER: Final = 2.0
# Readings that move by less about their curve are without error.
_EXACT: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CensoredInference:
    """Covariance and degrees of freedom of a censored fit.

    Maximum likelihood takes the spread of n animals about the means of a arms over n, not over
    n - a. The covariance, from the observed information, is therefore enlarged by n / (n - a). The
    degrees of freedom of a question are Satterthwaite's, less by the same factor, and never more
    than n - a: where one arm is mostly below the limit, the spread between animals is known from
    the others alone, and the t distribution must say so. With balanced readings, all measured, and
    an intercept for each arm this is the exact t test of the animals' slopes, n - a degrees of
    freedom.

    Parameters
    ----------
    covariance : ndarray, shape (p, p)
        Of the coefficients, enlarged.
    between : int
        Animals minus arms.
    animals : int
        Animals.
    slopes : ndarray, shape (r, p, p)
        Derivatives of the covariance by the parameters of the variances.
    uncertainty : ndarray, shape (r, r)
        Covariance of these parameters.
    method : str
        In words.

    Notes
    -----
    In ``validation/growth/censored.py`` 95 % intervals of rates and their difference cover 93.7
    to 96.5 % with 5 or 8 animals in each of two arms and 32 % of the readings below the limit;
    without the enlargement 90 to 96 % by t and 84 to 91 % by z.
    """

    covariance: FloatArray
    between: int
    animals: int
    slopes: FloatArray
    uncertainty: FloatArray
    method: str = "censored maximum likelihood, t with at most animals - arms df"

    def df(self, weights: FloatArray) -> FloatArray:
        """Degrees of freedom of each question, shape (k, p) to shape (k,), 1 or more."""
        rows = np.atleast_2d(weights)
        variance = np.einsum("kp,pq,kq->k", rows, self.covariance, rows)
        change = np.einsum("kp,rpq,kq->kr", rows, self.slopes, rows)
        spread = np.einsum("kr,rs,ks->k", change, self.uncertainty, change)
        share = self.between / self.animals
        with np.errstate(divide="ignore", invalid="ignore"):
            satterthwaite = np.where(spread > 0, share * 2 * variance**2 / spread, np.inf)
        return np.clip(satterthwaite, 1.0, float(self.between))


def fit_with_limit(
    data: GrowthData, model: GrowthModel | None = None, *, below_limit: BelowLimit = "censored"
) -> GrowthFit:
    """Fit a growth model, readings below the limit entering as such or not at all.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    model : GrowthModel, optional
        As in :func:`fit_growth`.
    below_limit : {"censored", "omitted"}
        ``censored``: :func:`fit_censored` where there are such readings; ``omitted``: leave them
        out, as other tools do, which makes responding arms grow too fast.

    Raises
    ------
    InputError, DataError
        As :func:`fit_growth` and :func:`fit_censored`; or if the choice is unknown.
    """
    if below_limit not in get_args(BelowLimit):
        expected = "readings below the limit as one of: " + ", ".join(get_args(BelowLimit))
        raise InputError(expected, found=repr(below_limit))
    if below_limit == "censored" and data.below_limit.any():
        return fit_censored(data, model)
    return fit_growth(data, model)


def fit_censored(
    data: GrowthData,
    model: GrowthModel | None = None,
    *,
    method: Integration = "quadrature",
    points: int | None = None,
) -> GrowthFit:
    """Fit a linear mixed model in which readings below the limit are censored.

    Maximum likelihood of the Tobit mixed model, integrated over the animals' random effects. The
    variances are those of maximum likelihood, low in small studies; the standard errors make up
    for it (see :class:`CensoredInference`).

    Parameters
    ----------
    data : GrowthData
        Readings of one study; with none below the limit the fit is that of maximum likelihood.
    model : GrowthModel, optional
        Residuals ``iid`` or ``arm``, no groups. Its `likelihood` is set to ML; its `df` must be
        the default, in whose place those of :class:`CensoredInference` stand.
    method : {"quadrature", "laplace"}
        Adaptive Gauss-Hermite, or Laplace's approximation, as a check.
    points : int, optional
        Points of the quadrature in each dimension; else as many as it takes for more to change
        nothing.

    Raises
    ------
    DataError
        If the measured readings cannot carry the model.
    InputError
        If the model has a part that is not fitted to censored readings.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> day = np.tile([0.0, 3.0, 6.0, 9.0], 6)
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02, 0.08], 4)[:24]
    >>> size = 5 + np.repeat([0.1, -0.3], 12) * day + wobble
    >>> below = size < 3
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=day,
    ...     log_size=np.where(below, 3.0, size),
    ...     below_limit=below,
    ... )
    >>> fit = fit_censored(data)
    >>> fit.n_censored, fit.likelihood
    (3, 'ML')
    """
    chosen = replace(model or GrowthModel(), likelihood="ML")
    _check_choices(chosen, method)
    _check_data(data)
    terms = fixed_terms(data, chosen)
    problem = growth_problem(data, chosen, terms)
    below = data.below_limit[terms.rows]
    _check_measured(data, problem, below)
    scale, span = _scales(problem)
    tobit = _tobit_problem(problem, below)
    endless = unbounded_coefficients(tobit)
    optimum, likelihood = maximize_tobit(
        tobit, method=method, points=points, endless=bool(endless)
    )
    p = scale.size
    beta, lower, log_sd = tobit.split(optimum.theta)
    root = _full_root(lower, problem.random)
    unit = np.array([1.0, 1.0 / span])
    covariance = np.outer(unit, unit) * (root @ root.T)
    effects = np.zeros((tobit.n_animals, 2))
    effects[:, _effect_columns(problem.random)] = likelihood.effects(optimum.theta)
    residual = np.exp(2 * log_sd)[_strata(problem)]
    n, arms = problem.arm.size, len(data.arms)
    singular = _is_singular(root, problem.random, float(np.exp(log_sd).min()))
    enlarge = n / (n - arms) / np.outer(scale, scale)
    inverse = inverse_information(optimum.information)
    fit = GrowthFit(
        data=data,
        model=chosen,
        terms=terms,
        problem=problem,
        coefficients=beta / scale,
        inference=CensoredInference(
            covariance=inverse[:p, :p] * enlarge,
            between=n - arms,
            animals=n,
            slopes=covariance_slopes(likelihood, optimum.theta, p) * enlarge,
            uncertainty=inverse[p:, p:],
        ),
        derivatives=None,
        variance=_components(data, problem, covariance, residual),
        random_covariance=covariance,
        residual_variance=residual,
        random_effects=effects * unit,
        group_effects={},
        log_likelihood=optimum.value,
        likelihood="ML",
        converged=optimum.converged,
        singular=singular,
        df_limit=float(n - arms),
        n_censored=int(below.sum()),
        warnings=(
            *_data_warnings(data, terms, problem, below),
            *_fit_warnings(optimum, singular=singular),
            *_scatter_warning(problem, below, float(np.exp(log_sd).max())),
        ),
    )
    return with_warnings(fit, _bound_warnings(fit, endless))


def upper_limit(fit: GrowthFit, weights: FloatArray, *, level: float = 0.95) -> float | None:
    """Upper confidence limit of a question by the profile likelihood of a censored fit.

    One-sided, and there also where the estimate is not: an arm that is below the limit from its
    first later reading on has no largest likelihood, but rates that are too slow to be believed.
    Values are excluded where twice the loss of log-likelihood, taken (n - a) / n times for n
    animals in a arms, exceeds the squared t quantile of n - a degrees of freedom.

    Parameters
    ----------
    fit : GrowthFit
        Of :func:`fit_censored`.
    weights : ndarray, shape (p,)
        Weights of the coefficients, such as ``fit.terms.rate(arm)`` or the difference of two.
    level : float
        Confidence, above one half.

    Returns
    -------
    float or None
        None where the readings exclude no value, however large.

    Raises
    ------
    InputError
        If the fit is not a censored one, or weights or level cannot be used.
    """
    if not isinstance(fit.inference, CensoredInference):
        expected = "a fit of fit_censored"
        raise InputError(expected, found=fit.inference.method)
    if weights.shape != fit.coefficients.shape or not weights.any():
        expected = f"{fit.coefficients.size} weights, not all 0"
        raise InputError(expected, found=f"shape {weights.shape}")
    if not 0.5 < level < 1:
        expected = "a level between 0.5 and 1"
        raise InputError(expected, found=f"{level:g}")
    problem = fit.problem
    scale, span = _scales(problem)
    below = fit.data.below_limit[fit.terms.rows]
    tobit = _tobit_problem(problem, below)
    unit = np.array([1.0, span])
    root = _safe_root(np.outer(unit, unit) * fit.random_covariance, problem.random)
    first = np.unique(_strata(problem), return_index=True)[1]
    log_sd = 0.5 * np.log(fit.residual_variance[first])
    theta = np.array(
        [*(fit.coefficients * scale), *[root[place] for place in tobit.root], *log_sd]
    )
    n, between = problem.arm.size, fit.inference.between
    drop = 0.5 * float(special.stdtrit(between, level)) ** 2 * n / between
    return profile_upper_limit(tobit, weights / scale, theta, lowest=fit.log_likelihood - drop)


def _check_choices(model: GrowthModel, method: str) -> None:
    """Refuse parts of a model that are not fitted to censored readings."""
    mend = "or leave the readings below the limit out"
    if model.groups:
        expected = "no groups where readings are censored: animals' intercepts and slopes only"
        raise InputError(expected, found=", ".join(model.groups), mend=mend)
    if model.residual not in ("iid", "arm"):
        expected = "residual 'iid' or 'arm' where readings are censored"
        raise InputError(expected, found=repr(model.residual), mend=mend)
    if model.df != "kr":
        expected = "the default df: a censored fit has its own"
        raise InputError(expected, found=repr(model.df), mend=mend)
    if method not in get_args(Integration):
        expected = "an integration: " + ", ".join(get_args(Integration))
        raise InputError(expected, found=repr(method))


def _check_data(data: GrowthData) -> None:
    """Refuse studies without a measured reading, and those that no mixed model can take."""
    if data.below_limit.all():
        expected = "a tumor that was measured"
        found = f"all {data.n_observations} readings gone or below {data.limit:.3g}"
        raise DataError(expected, found=found, where=f"study {data.study_id}")
    check_arms(data)


def _check_measured(data: GrowthData, problem: Problem, below: BoolArray) -> None:
    """Refuse measured readings that cannot tell the spread within animals."""
    where = f"study {data.study_id}"
    if np.bincount(problem.animal[~below]).max() < 2:
        expected = "an animal with two measured readings or more"
        found = f"{int(below.sum())} of {below.size} readings below the limit"
        raise DataError(expected, found=found, where=where)
    y, x = problem.y[~below], problem.x[~below]
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    if np.abs(rest).max() < _EXACT * max(1.0, float(np.abs(y).max())):
        expected = "measured readings that differ from their arm's curve"
        raise DataError(expected, found="none: the fit would be exact", where=where)
    if problem.residual == "arm":
        known = np.unique(problem.arm[problem.animal[~below]])
        for number in np.unique(problem.arm):
            if number not in known:
                expected = "a measured reading in each arm, for a residual variance of its own"
                raise DataError(expected, found=f"none in '{data.arms[number]}'", where=where)


def _scales(problem: Problem) -> tuple[FloatArray, float]:
    """Largest value of each column, and largest time."""
    return np.abs(problem.x).max(axis=0), float(np.abs(problem.time).max())


def _tobit_problem(problem: Problem, below: BoolArray) -> TobitProblem:
    """The arrays with columns and times of order one."""
    scale, span = _scales(problem)
    columns = np.column_stack((np.ones(problem.y.size), problem.time / span))
    roots: dict[RandomEffects, tuple[tuple[int, int], ...]] = {
        "intercept_slope": ((0, 0), (1, 0), (1, 1)),
        "intercept_slope_independent": ((0, 0), (1, 1)),
        "slope": ((0, 0),),
        "intercept": ((0, 0),),
    }
    return TobitProblem(
        y=problem.y,
        below=below,
        x=problem.x / scale,
        z=columns[:, _effect_columns(problem.random)],
        animal=problem.animal,
        stratum=_strata(problem)[problem.animal],
        root=roots[problem.random],
    )


def _effect_columns(random: RandomEffects) -> list[int]:
    """Which of intercept and slope vary."""
    return {"intercept": [0], "slope": [1]}.get(random, [0, 1])


def _strata(problem: Problem) -> NDArray[np.intp]:
    """Number of each animal's residual variance."""
    if problem.residual == "arm":
        return np.unique(problem.arm, return_inverse=True)[1].astype(np.intp)
    return np.zeros(problem.arm.size, dtype=np.intp)


def _full_root(lower: FloatArray, random: RandomEffects) -> FloatArray:
    """Root of the covariance of intercept and slope, shape (2, 2)."""
    root = np.zeros((2, 2))
    places = _effect_columns(random)
    root[np.ix_(places, places)] = lower
    return root


def _safe_root(covariance: FloatArray, random: RandomEffects) -> FloatArray:
    """Root of a covariance that may be singular, nowhere at the level place 0."""
    places = _effect_columns(random)
    inner = covariance[np.ix_(places, places)]
    root = np.zeros_like(inner)
    root[0, 0] = np.sqrt(max(inner[0, 0], _ZERO_SPREAD))
    if len(places) > 1:
        root[1, 0] = inner[0, 1] / root[0, 0]
        root[1, 1] = np.sqrt(max(inner[1, 1] - root[1, 0] ** 2, _ZERO_SPREAD))
    return root


def _is_singular(root: FloatArray, random: RandomEffects, residual: float) -> bool:
    """Whether a variance is zero or the correlation one."""
    if random == "intercept":
        return bool(abs(root[0, 0]) < _ZERO_SPREAD * residual)
    spread = root @ root.T
    if random == "slope":
        return bool(abs(root[1, 1]) < _ZERO_SPREAD * residual)
    smallest = float(np.linalg.eigvalsh(spread)[0])
    return smallest < (_ZERO_SPREAD * residual) ** 2


def _components(
    data: GrowthData, problem: Problem, covariance: FloatArray, residual: FloatArray
) -> VarianceComponents:
    """Standard deviations under the names of the contract."""
    sd = np.sqrt(np.diag(covariance))
    both = float(sd[0] * sd[1])
    by_arm = problem.residual == "arm"
    return VarianceComponents(
        sd_intercept=None if problem.random == "slope" else float(sd[0]),
        sd_slope=None if problem.random == "intercept" else float(sd[1]),
        correlation=float(np.clip(covariance[0, 1] / both, -1.0, 1.0))
        if problem.random == "intercept_slope" and both > 0
        else None,
        sd_residual=None if by_arm else float(np.sqrt(residual[0])),
        sd_residual_by_arm={
            data.arms[number]: float(np.sqrt(residual[np.flatnonzero(problem.arm == number)[0]]))
            for number in np.unique(problem.arm).tolist()
            if by_arm
        },
        sd_groups={},
    )


def _data_warnings(
    data: GrowthData, terms: FixedTerms, problem: Problem, below: BoolArray
) -> list[GrowthWarning]:
    """What to know about the readings that entered."""
    found = [GrowthWarning(code="readings_not_used", message=note) for note in data.notes]
    if below.any():
        found.append(_censoring_note(data, terms, below))
    lost = data.n_animals - problem.arm.size
    if lost:
        message = f"{lost} animals have no measured baseline with a later reading"
        found.append(GrowthWarning(code="animals_not_used", message=message))
    sizes = np.bincount(problem.arm, minlength=len(data.arms))
    for name, size in zip(data.arms, sizes.tolist(), strict=True):
        if size < 2:
            message = f"arm '{name}' has {size} animal: its rate rests on the other arms' spread"
            found.append(GrowthWarning(code="few_animals", message=message, arm=name))
    return found


def _bound_warnings(fit: GrowthFit, endless: frozenset[int]) -> list[GrowthWarning]:
    """The arms whose rate the readings only bound from above, and the bound."""
    found = []
    for number, name in enumerate(fit.data.arms):
        if not endless & set(fit.terms.time_of[number]):
            continue
        bound = upper_limit(fit, fit.terms.rate(number))
        told = "" if bound is None else f" (below {bound:.3g} per day, 95 %, profile likelihood)"
        message = (
            f"arm '{name}': the readings that would show its rate are all below the limit; the "
            f"data only bound it from above{told}, its estimate and standard error say nothing"
        )
        found.append(GrowthWarning(code="rate_not_bounded", message=message, arm=name))
    return found


def _fit_warnings(optimum: TobitOptimum, *, singular: bool) -> list[GrowthWarning]:
    """What to know about the optimum."""
    found = []
    if not optimum.converged:
        message = f"the likelihood was not maximized in {optimum.steps} steps"
        found.append(GrowthWarning(code="not_converged", message=message))
    if singular:
        message = (
            "the data show no spread between animals in one direction: a variance is zero or a "
            "correlation one"
        )
        found.append(GrowthWarning(code="singular_fit", message=message))
    return found


def _scatter_warning(problem: Problem, below: BoolArray, sd: float) -> list[GrowthWarning]:
    """Whether the censored readings lie far off the lines of the measured ones."""
    squares, freedom = 0.0, 0
    for animal in range(problem.arm.size):
        rows = (problem.animal == animal) & ~below
        if rows.sum() < _LINE_AND_REST:
            continue
        time = problem.time[rows] - problem.time[rows].mean()
        size = problem.y[rows] - problem.y[rows].mean()
        rest = size - time * float(time @ size) / float(time @ time)
        squares += float(rest @ rest)
        freedom += int(rows.sum()) - 2
    if not freedom or sd < _SCATTER * np.sqrt(squares / freedom):
        return []
    message = (
        f"readings scatter about their curves with a standard deviation of {sd:.2g} (log), the "
        f"measured ones about their animals' lines with {np.sqrt(squares / freedom):.2g}: tumors "
        "vanish faster than a line can fall, or zeros stand for readings that were not taken"
    )
    return [GrowthWarning(code="zeros_off_the_line", message=message)]


def _censoring_note(data: GrowthData, terms: FixedTerms, below: BoolArray) -> GrowthWarning:
    """How many readings entered as bounds, and the animals that have nothing else later on."""
    animal = data.animal[terms.rows]
    later = data.time[terms.rows] > SAME_DAY
    seen = np.bincount(animal, weights=later & ~below, minlength=data.n_animals)
    hidden = np.bincount(animal, weights=later & below, minlength=data.n_animals)
    gone = [data.animal_ids[index] for index in np.flatnonzero((seen == 0) & (hidden > 0))]
    whole = f"; animals below it at every later reading: {', '.join(gone)}" if gone else ""
    message = f"{int(below.sum())} of {below.size} readings are censored at the limit{whole}"
    return GrowthWarning(code="below_limit_censored", message=message)
