"""Nonlinear mixed models of log size: a growth law with random effects of the animal."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.growth.fit import GrowthWarning, check_arms
from oncovivo.growth.laws import growth_law
from oncovivo.growth.marginal import CurveProblem, Integration, Structure, curve_problem
from oncovivo.growth.nlme_search import (
    LikelihoodSearch,
    coefficient_covariance,
    is_degenerate,
    without_empty_effects,
)
from oncovivo.growth.nlme_start import start_points
from oncovivo.growth.nonlinear_fit import ArmCurve, NonlinearFit, animal_log_likelihoods
from oncovivo.growth.structural import StructuralModel, start_curves

__all__ = [
    "ArmCurve",
    "BelowLimit",
    "NonlinearFit",
    "animal_log_likelihoods",
    "fit_nonlinear",
]

FloatArray: TypeAlias = NDArray[np.float64]
BelowLimit: TypeAlias = Literal["censored", "omitted"]

# Quadrature points in each dimension.
POINTS: Final = 9
# Readings nearer to their animals' curves than this are no measurements.
_LEAST_LOG_SIGMA: Final = float(np.log(1e-6))


def fit_nonlinear(
    data: GrowthData,
    law: StructuralModel | str,
    *,
    arm_parameters: tuple[str, ...] | None = None,
    random: tuple[str, ...] | None = None,
    covariance: Structure = "diagonal",
    method: Integration = "laplace",
    points: int = POINTS,
    below_limit: BelowLimit = "censored",
    start: NonlinearFit | None = None,
    most: int = 100,
) -> NonlinearFit:
    """Fit a growth law with random effects of the animal by maximum likelihood.

    Log size is normal around the law's curve; the parameters that have a random effect are
    normal around their arm's value on the estimation scale. Start values are found from the
    readings.

    Parameters
    ----------
    data : GrowthData
        Readings of one study.
    law : StructuralModel or str
        A law, or its name in ``GROWTH_LAWS``.
    arm_parameters, random : tuple of str, optional
        Parameters that differ by arm and by animal; else as the law has them.
    covariance : {"diagonal", "unstructured"}
        Of the random effects.
    method : {"laplace", "quadrature"}
        Laplace's approximation with the Gauss-Newton curvature, exact where the random effects
        enter the law linearly; or adaptive Gauss-Hermite quadrature.
    points : int
        Quadrature points in each dimension.
    below_limit : {"censored", "omitted"}
        Whether readings that are gone or below the limit count as upper bounds or are left out.
    start : NonlinearFit, optional
        A fit of the same model to begin from.
    most : int
        Points the search may look at.

    Raises
    ------
    InputError
        If a law, a parameter or a choice is unknown.
    DataError
        If the readings cannot carry the model.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> day = np.tile([0.0, 4.0, 8.0, 12.0, 16.0], 6)
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02, 0.07], 5)[:30]
    >>> shift = np.repeat([-0.2, 0.1, 0.1, 0.2, -0.1, -0.1], 5)
    >>> speed = np.repeat([0.12, 0.06], 15)
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle"] * 15 + ["drug"] * 15,
    ...     animal_id=[f"m{i // 5}" for i in range(30)],
    ...     time=day,
    ...     log_size=5 + shift + speed * (1 - np.exp(-0.05 * day)) / 0.05 + wobble,
    ... )
    >>> fit = fit_nonlinear(data, "gompertz")
    >>> fit.names
    ('log_v0', 'rate:vehicle', 'rate:drug', 'decay')
    >>> fit.converged
    True
    """
    model = growth_law(law) if isinstance(law, str) else law
    by_arm = model.arm_parameters if arm_parameters is None else arm_parameters
    effects = model.random_parameters if random is None else random
    _check_choices(model, by_arm, effects, covariance, method, below_limit)
    counted = data.without_below_limit() if below_limit == "omitted" else data
    check_arms(counted)
    _check_times(counted, model, by_arm)
    span = float(counted.time.max())
    problem = curve_problem(
        counted,
        model,
        arms=counted.arms,
        arm_parameters=by_arm,
        random=effects,
        structure=covariance,
        integration=method,
        points=points,
        span=span,
    )
    where = f"study {counted.study_id}"
    first = _scaled_start(start, problem, span, by_arm, effects)
    if first is None:
        arm = counted.arm[counted.animal]
        curves = start_curves(counted.time / span, counted.log_size, arm, len(counted.arms))
        starts = start_points(problem, curves, where=where)
    else:
        starts = [first]
    search = LikelihoodSearch(problem)
    theta, converged, used = search.maximum(starts, most=most, where=where)
    if theta[-1] < _LEAST_LOG_SIGMA:
        expected = "readings that differ from their animal's curve"
        raise DataError(expected, found="none: the fit would be exact", where=where)
    theta, flat = without_empty_effects(problem, search, theta)
    singular = bool(flat.any()) or is_degenerate(problem, theta)
    scaled_covariance, known = coefficient_covariance(problem, search, theta, flat)
    value = search.value(theta)
    return _result(
        data=counted,
        lost=data.n_observations - counted.n_observations,
        problem=problem,
        span=span,
        by_arm=by_arm,
        effects=effects,
        theta=theta,
        eta=search.eta[0],
        log_likelihood=value,
        covariance=scaled_covariance,
        known=known,
        converged=converged,
        singular=singular,
        iterations=used,
    )


def _check_choices(
    model: StructuralModel,
    by_arm: tuple[str, ...],
    effects: tuple[str, ...],
    covariance: str,
    method: str,
    below_limit: str,
) -> None:
    """Refuse names and words that the model does not have."""
    names = [parameter.name for parameter in model.parameters]
    for chosen in (by_arm, effects):
        for name in chosen:
            if name not in names or chosen.count(name) > 1:
                expected = "parameters of the law, each once: " + ", ".join(names)
                raise InputError(expected, found=", ".join(chosen), where=f"law {model.name}")
    if not effects:
        expected = "a parameter with a random effect, such as log_v0"
        raise InputError(expected, found="none", where=f"law {model.name}")
    for word, known in (
        (covariance, get_args(Structure)),
        (method, get_args(Integration)),
        (below_limit, get_args(BelowLimit)),
    ):
        if word not in known:
            expected = "one of " + ", ".join(known)
            raise InputError(expected, found=repr(word))


def _check_times(data: GrowthData, model: StructuralModel, by_arm: tuple[str, ...]) -> None:
    """Refuse arms whose readings lie at fewer times than their curve needs.

    Raises
    ------
    DataError
        With the arm.
    """
    where = f"study {data.study_id}"
    shared_start = model.parameters[0].name not in by_arm
    for number, name in enumerate(data.arms):
        time = data.time[data.arm[data.animal] == number]
        times = 1 + int((np.diff(np.sort(time)) > SAME_DAY).sum())
        needed = max(2, len(by_arm) + shared_start) if by_arm else 1
        if times < needed:
            expected = f"readings at {needed} times or more in every arm"
            raise DataError(
                expected,
                found=f"{times} in arm '{name}'",
                where=where,
                mend="leave out the arm, or let arms share more parameters",
            )
    times = 1 + int((np.diff(np.sort(data.time)) > SAME_DAY).sum())
    if times < len(model.parameters):
        expected = f"readings at {len(model.parameters)} times or more for law '{model.name}'"
        raise DataError(expected, found=str(times), where=where)


def _scaled_start(
    start: NonlinearFit | None,
    problem: CurveProblem,
    span: float,
    by_arm: tuple[str, ...],
    effects: tuple[str, ...],
) -> FloatArray | None:
    """Parameters of an earlier fit in the units of this search, if it is of the same model."""
    if start is None:
        return None
    same = (
        start.law.name == problem.model.name
        and start.arm_parameters == by_arm
        and start.random == effects
        and start.coefficients.size == problem.p
    )
    if not same:
        expected = "a start that is a fit of the same law, arms and random effects"
        raise InputError(expected, found=f"{start.law.name} with {len(start.names)} coefficients")
    scaled = start.coefficients.copy()
    for column, parameter in enumerate(problem.model.parameters):
        index = np.unique(problem.place[:, column])
        scaled[index] = parameter.in_days(scaled[index], 1 / span)
    scale = _effect_scale(problem, 1 / span)
    omega = start.omega * np.outer(scale, scale)
    # Away from the boundary, where the gradient by a standard deviation is always 0.
    least = (0.05 * start.sigma) ** 2
    factor = np.linalg.cholesky(omega + least * np.eye(problem.q))
    rows, columns = problem.entries
    return np.concatenate((scaled, factor[rows, columns], [np.log(start.sigma)]))


def _effect_scale(problem: CurveProblem, span: float) -> FloatArray:
    """Factors from random effects of the search to those in days."""
    parameters = problem.model.parameters
    return np.array([parameters[index].deviation_in_days(span) for index in problem.random])


def _result(
    *,
    data: GrowthData,
    lost: int,
    problem: CurveProblem,
    span: float,
    by_arm: tuple[str, ...],
    effects: tuple[str, ...],
    theta: FloatArray,
    eta: FloatArray,
    log_likelihood: float,
    covariance: FloatArray,
    known: NDArray[np.bool_],
    converged: bool,
    singular: bool,
    iterations: int,
) -> NonlinearFit:
    """The fit in days."""
    model = problem.model
    names: list[str] = []
    parts: list[FloatArray] = []
    scale: list[float] = []
    coefficients = theta[: problem.p]
    for parameter in model.parameters:
        labels = (
            [f"{parameter.name}:{arm}" for arm in data.arms]
            if parameter.name in by_arm
            else [parameter.name]
        )
        own = coefficients[len(names) : len(names) + len(labels)]
        parts.append(parameter.in_days(own, span))
        scale.extend([parameter.deviation_in_days(span)] * len(labels))
        names.extend(labels)
    in_days = covariance * np.outer(scale, scale)
    errors = np.sqrt(np.maximum(np.diag(in_days), 0.0))
    reach = _effect_scale(problem, span)
    factor = reach[:, None] * problem.factor(theta)
    values = np.concatenate(parts)
    fit = NonlinearFit(
        data=data,
        law=model,
        arm_parameters=by_arm,
        random=effects,
        names=tuple(names),
        coefficients=values,
        std_errors=tuple(
            float(error) if determined else None
            for error, determined in zip(errors, known, strict=True)
        ),
        covariance=in_days,
        omega=np.asarray(factor @ factor.T),
        sigma=float(np.exp(theta[-1])),
        random_effects=np.asarray(eta @ factor.T),
        log_likelihood=log_likelihood,
        n_parameters=problem.n_parameters,
        converged=converged,
        singular=singular,
        iterations=iterations,
        structure=problem.structure,
        integration=problem.integration,
        points=problem.points,
    )
    return _with_warnings(fit, lost=lost, known=known)


def _with_warnings(fit: NonlinearFit, *, lost: int, known: NDArray[np.bool_]) -> NonlinearFit:
    """The fit with what should be known of it."""
    found = [GrowthWarning(code="readings_not_used", message=note) for note in fit.data.notes]
    below = int(fit.data.below_limit.sum())
    if below:
        found.append(
            GrowthWarning(
                code="below_limit_censored",
                message=f"{below} readings that are gone or below the limit count as upper bounds",
            )
        )
    if lost:
        found.append(
            GrowthWarning(
                code="below_limit_omitted",
                message=f"{lost} readings that are gone or below the limit were left out",
            )
        )
    if not fit.converged:
        found.append(
            GrowthWarning(
                code="not_converged",
                message=f"the likelihood was not maximized in {fit.iterations} steps",
            )
        )
    if fit.singular:
        found.append(
            GrowthWarning(
                code="singular_fit",
                message="the data show no spread between animals in one direction: a variance is "
                "zero or a correlation one",
            )
        )
    if not known.all():
        lacking = ", ".join(
            name for name, determined in zip(fit.names, known, strict=True) if not determined
        )
        found.append(
            GrowthWarning(
                code="not_determined", message=f"the readings do not determine {lacking}"
            )
        )
    found.extend(_remarks(fit))
    return replace(fit, warnings=tuple(found))


def _remarks(fit: NonlinearFit) -> list[GrowthWarning]:
    """What the law says of its estimates: once where all arms share it."""
    highest = float(fit.data.log_size.max())
    by_text: dict[str, list[str]] = {}
    for arm in fit.data.arms:
        values = fit.coefficients[list(fit.place(arm))].tolist()
        for text in fit.law.remarks(values, highest=highest):
            by_text.setdefault(text, []).append(arm)
    found = []
    for text, arms in by_text.items():
        if len(arms) == len(fit.data.arms):
            found.append(GrowthWarning(code="law_at_limit", message=text))
            continue
        found.extend(GrowthWarning(code="law_at_limit", message=text, arm=arm) for arm in arms)
    return found
