"""One mixed model with a random line for each animal, fitted through small cross products."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.cross_products import Animals, CrossProducts, Scalings, cross_products
from oncovivo.growth.engine import EngineFit, Problem, VarianceDerivatives
from oncovivo.growth.line_fit import LineFits, fit_lines, readings_left
from oncovivo.growth.line_likelihood import compute_statistics, pair_index
from oncovivo.growth.model import Likelihood, RandomEffects

__all__ = [
    "check_reduces",
    "fit_reduced",
    "log_likelihoods",
    "observed_information",
    "parameter_names",
    "parameter_units",
    "relative_derivatives",
    "variance_parameters",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

_NAMES: Final = ("var(intercept)", "cov(intercept,slope)", "var(slope)")


def fit_reduced(problem: Problem) -> EngineFit:
    """Maximized likelihood of one study, without large matrices.

    The Q_kl of its derivatives are made symmetric: only Q_kl + Q_lk ever matters.

    Parameters
    ----------
    problem : Problem
        With residual ``iid`` or ``arm`` and without groups; others need ``fit_dense``.

    Raises
    ------
    InputError
        If the problem does not reduce.
    """
    check_reduces(problem)
    data, scalings, animals = cross_products(problem)
    fits = fit_lines(data, random=problem.random, likelihood=problem.likelihood)
    triangle = scalings.triangle[0]
    time, outcome = float(scalings.time[0]), float(scalings.outcome[0])
    chosen = variance_parameters(problem.random, data.n_classes)
    unit = parameter_units(scalings.time, data.n_classes)[0, chosen]
    # V = whole times the one that statistics and moments are for.
    whole = float(fits.scale[0]) * outcome**2
    beta = fits.statistics.coefficients[0]
    natural = np.concatenate((fits.covariance[0], fits.residual[0]))
    span = np.array([1.0, time])
    g11, g12, g22 = fits.covariance[0]
    variance_class = (
        np.unique(problem.arm, return_inverse=True)[1]
        if problem.residual == "arm"
        else np.zeros(problem.arm.size, dtype=np.intp)
    )
    residual = fits.residual[0][variance_class]
    effects = _random_effects(animals, fits.covariance[0], residual, beta)
    names = parameter_names(problem)
    return EngineFit(
        coefficients=np.linalg.solve(triangle, scalings.start[0] + outcome * beta),
        derivatives=_derivatives(fits, triangle, chosen, unit, whole, problem.likelihood),
        observed_information=observed_information(fits, chosen)[0]
        * (unit[:, None] * unit / whole**2),
        parameters=tuple(names[index] for index in chosen.tolist()),
        values=natural[chosen] * outcome**2 / unit,
        random_covariance=outcome**2 * np.array([[g11, g12], [g12, g22]]) / (span[:, None] * span),
        residual_variance=residual * outcome**2,
        random_effects=outcome * effects / span,
        log_likelihood=float(log_likelihoods(data, fits, scalings, problem.likelihood)[0]),
        likelihood=problem.likelihood,
        converged=bool(fits.converged[0]),
        singular=bool(fits.singular[0]),
        iterations=int(fits.iterations[0]),
    )


def check_reduces(problem: Problem) -> None:
    """Refuse a problem that needs full covariance matrices.

    Raises
    ------
    InputError
        If it has groups, or a residual that is neither iid nor by arm.
    """
    if problem.groups or problem.residual not in ("iid", "arm"):
        expected = "no groups, and a residual that is iid or by arm"
        found = f"{len(problem.groups)} groups, residual '{problem.residual}'"
        raise InputError(expected, found=found, mend="fit_dense takes these")


def log_likelihoods(
    data: CrossProducts, fits: LineFits, scalings: Scalings, likelihood: Likelihood
) -> FloatArray:
    """Log-likelihoods of B studies in the units of their problems, with all constants.

    Parameters
    ----------
    data : CrossProducts
        Of B studies.
    fits : LineFits
        Their fits.
    scalings : Scalings
        How they were scaled.
    likelihood : {"REML", "ML"}
        What was maximized.
    """
    restricted = likelihood == "REML"
    freedom = readings_left(data, restricted=restricted)
    deviance = fits.deviance + freedom * np.log(2 * np.pi * scalings.outcome**2)
    if restricted:
        diagonal = np.abs(np.diagonal(scalings.triangle, axis1=1, axis2=2))
        deviance = deviance + 2.0 * np.log(diagonal).sum(axis=1)
    return -0.5 * deviance


def _derivatives(
    fits: LineFits,
    triangle: FloatArray,
    chosen: IntArray,
    unit: FloatArray,
    whole: float,
    likelihood: Likelihood,
) -> VarianceDerivatives:
    """Derivatives of the first study in the units of its problem."""
    relative = relative_derivatives(fits, chosen, likelihood=likelihood)
    back = np.linalg.inv(triangle)
    covariance = whole * back @ relative.covariance[0] @ back.T
    units = unit[:, None] * unit
    return VarianceDerivatives(
        covariance=0.5 * (covariance + covariance.T),
        first=triangle.T @ relative.first[0] @ triangle * (unit / whole**2)[:, None, None],
        second=triangle.T @ relative.second[0] @ triangle * (units / whole**3)[:, :, None, None],
        information=relative.information[0] * units / whole**2,
    )


def parameter_names(problem: Problem) -> tuple[str, ...]:
    """Names of the entries of G and of the residual variances.

    Parameters
    ----------
    problem : Problem
        With residual ``iid`` or ``arm``.
    """
    if problem.residual == "iid":
        return (*_NAMES, "var(residual)")
    return (*_NAMES, *(f"var(residual:{arm})" for arm in np.unique(problem.arm).tolist()))


def variance_parameters(random: RandomEffects, classes: int) -> IntArray:
    """Places of a model's variance parameters among the entries of G and the residuals'.

    Parameters
    ----------
    random : RandomEffects
        Random effects of the animals.
    classes : int
        Number of residual variances.
    """
    entries = {
        "intercept_slope": [0, 1, 2],
        "intercept_slope_independent": [0, 2],
        "slope": [2],
        "intercept": [0],
    }[random]
    return np.array([*entries, *range(3, 3 + classes)], dtype=np.intp)


def parameter_units(time: FloatArray, classes: int) -> FloatArray:
    """Scaled values of the parameters that are 1 in units of days, shape (B, 3 + classes).

    Parameters
    ----------
    time : ndarray, shape (B,)
        Days in one unit of the scaled time.
    classes : int
        Number of residual variances.
    """
    ones = np.ones((time.size, classes))
    return np.concatenate((np.array([ones[:, 0], time, time**2]).T, ones), axis=1)


def relative_derivatives(
    fits: LineFits, chosen: IntArray, *, likelihood: Likelihood
) -> VarianceDerivatives:
    """Derivatives of B studies in the units of their statistics, for scaled columns.

    Parameters
    ----------
    fits : LineFits
        Of B studies.
    chosen : ndarray of int, shape (r,)
        The parameters that the model has.
    likelihood : {"REML", "ML"}
        What was maximized.
    """
    moments, statistics = fits.moments, fits.statistics
    p = statistics.coefficients.shape[1]
    if likelihood == "ML":
        # The expected information is the restricted one, whatever was maximized.
        statistics = compute_statistics(moments, restricted=True)
    index = pair_index(fits.residual.shape[1])[chosen[:, None], chosen]
    pairs = moments.second.reshape(*moments.second.shape[:2], p + 1, p + 1)[:, :, :p, :p]
    return VarianceDerivatives(
        covariance=statistics.covariance,
        first=-moments.first[:, chosen, :p, :p],
        second=pairs[:, index],
        information=0.5 * statistics.second_trace[:, chosen[:, None], chosen],
    )


def observed_information(fits: LineFits, chosen: IntArray) -> FloatArray:
    """Observed information of B studies in the units of their statistics, shape (B, r, r).

    Parameters
    ----------
    fits : LineFits
        Of B studies.
    chosen : ndarray of int, shape (r,)
        The parameters that the model has.
    """
    rows, columns = chosen[:, None], chosen
    data = fits.statistics.second[:, rows, columns] / fits.scale[:, None, None]
    return np.asarray(data - 0.5 * fits.statistics.second_trace[:, rows, columns])


def _random_effects(
    animals: Animals, covariance: FloatArray, residual: FloatArray, coefficients: FloatArray
) -> FloatArray:
    """G Z'V⁻¹(y - X beta) of each animal, shape (n, 2)."""
    rest = animals.rows @ np.append(-coefficients, 1.0)
    g11, g12, g22 = covariance
    a, b, c = animals.gram
    k11 = residual + a * g11 + b * g12
    k12 = a * g12 + b * g22
    k21 = b * g11 + c * g12
    k22 = residual + b * g12 + c * g22
    det = k11 * k22 - k12 * k21
    pulled = np.array(
        [(k22 * rest[:, 0] - k12 * rest[:, 1]) / det, (k11 * rest[:, 1] - k21 * rest[:, 0]) / det]
    )
    return np.asarray((np.array([[g11, g12], [g12, g22]]) @ pulled).T)
