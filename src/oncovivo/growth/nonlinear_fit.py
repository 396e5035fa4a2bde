"""The result of a nonlinear mixed model, and what it says of arms and animals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthWarning
from oncovivo.growth.marginal import Integration, Structure, curve_problem
from oncovivo.growth.structural import StructuralModel

__all__ = ["ArmCurve", "NonlinearFit", "animal_log_likelihoods"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmCurve:
    """Log size of an arm's typical animal.

    Parameters
    ----------
    arm : str
        Which.
    time : ndarray, shape (t,)
        Days since baseline.
    log_size, std_error : ndarray, shape (t,)
        Curve at random effects of 0, and its standard error; NaN where a coefficient that
        matters has none.
    """

    arm: str
    time: FloatArray
    log_size: FloatArray
    std_error: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonlinearFit:
    """A fitted nonlinear mixed model.

    Parameters
    ----------
    data : GrowthData
        What was fitted.
    law : StructuralModel
        The law.
    arm_parameters, random : tuple of str
        Parameters that differ by arm, and by animal.
    names : tuple of str, length p
        Coefficients: ``decay``, or ``rate:ARM`` where arms differ; estimation scale.
    coefficients : ndarray, shape (p,)
        Estimates.
    std_errors : tuple of float or None, length p
        From the observed information; None where the readings do not determine a coefficient.
    covariance : ndarray, shape (p, p)
        Of the estimates; NaN where a standard error is None.
    omega : ndarray, shape (q, q)
        Covariance of the random effects.
    sigma : float
        Standard deviation of a reading.
    random_effects : ndarray, shape (n, q)
        Modes of the animals' random effects.
    log_likelihood : float
        At the maximum, with all constants.
    n_parameters : int
        Coefficients and variances.
    converged, singular : bool
        Whether the optimum was reached; whether a variance is 0 or a correlation 1.
    iterations : int
        Points the search looked at.
    structure : {"diagonal", "unstructured"}
        Of the covariance of the random effects.
    integration : {"laplace", "quadrature"}
        How the random effects were integrated out.
    points : int
        Quadrature points in each dimension.
    warnings : tuple of GrowthWarning
        What to know.
    """

    data: GrowthData
    law: StructuralModel
    arm_parameters: tuple[str, ...]
    random: tuple[str, ...]
    names: tuple[str, ...]
    coefficients: FloatArray
    std_errors: tuple[float | None, ...]
    covariance: FloatArray
    omega: FloatArray
    sigma: float
    random_effects: FloatArray
    log_likelihood: float
    n_parameters: int
    converged: bool
    singular: bool
    iterations: int
    structure: Structure
    integration: Integration
    points: int
    warnings: tuple[GrowthWarning, ...] = ()

    @property
    def method(self) -> str:
        """How it was fitted, in words that a table can print."""
        if self.integration == "laplace":
            return "maximum likelihood, Laplace approximation with Gauss-Newton curvature"
        return f"maximum likelihood, adaptive Gauss-Hermite quadrature, {self.points} points"

    @property
    def aic(self) -> float:
        """Akaike's criterion: smaller is better."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of readings: smaller is better."""
        penalty = float(np.log(self.data.n_observations)) * self.n_parameters
        return -2 * self.log_likelihood + penalty

    def place(self, arm: str) -> tuple[int, ...]:
        """Numbers of the coefficients that are the parameters of an arm.

        Raises
        ------
        InputError
            If the fit has no such arm.
        """
        self.data.arm_number(arm)
        return tuple(
            self.names.index(
                f"{parameter.name}:{arm}"
                if parameter.name in self.arm_parameters
                else parameter.name
            )
            for parameter in self.law.parameters
        )

    def natural(self, arm: str) -> dict[str, float]:
        """The parameters of an arm on their natural scale, by name without ``log_``."""
        values = self.coefficients[list(self.place(arm))]
        return {
            parameter.name.removeprefix("log_")
            if parameter.transform == "log"
            else parameter.name: parameter.natural(float(value))
            for parameter, value in zip(self.law.parameters, values, strict=True)
        }

    def curve(self, arm: str, time: FloatArray) -> ArmCurve:
        """Log size of an arm's typical animal.

        Parameters
        ----------
        arm : str
            Which.
        time : ndarray, shape (t,)
            Days since baseline.
        """
        place = list(self.place(arm))
        phi = self.coefficients[place][None]
        slopes = self.law.gradient(phi, time)[0]
        covariance = self.covariance[np.ix_(place, place)]
        # A coefficient without a standard error does not matter where the curve ignores it.
        known = np.isfinite(covariance)
        used = (slopes[:, :, None] != 0) & (slopes[:, None, :] != 0)
        parts = slopes[:, :, None] * np.where(known, covariance, 0.0) * slopes[:, None, :]
        variance = np.where((used & ~known).any(axis=(1, 2)), np.nan, parts.sum(axis=(1, 2)))
        return ArmCurve(
            arm=arm,
            time=time,
            log_size=self.law.predict(phi, time)[0],
            std_error=np.sqrt(np.maximum(variance, 0.0)),
        )

    def animal_curve(self, animal_id: str, time: FloatArray) -> FloatArray:
        """Log size of one animal, at the mode of its random effects, shape (t,).

        Raises
        ------
        InputError
            If no such animal was fitted.
        """
        if animal_id not in self.data.animal_ids:
            expected = "an animal that was fitted"
            raise InputError(expected, found=repr(animal_id))
        number = self.data.animal_ids.index(animal_id)
        arm = self.data.arms[int(self.data.arm[number])]
        phi = self.coefficients[list(self.place(arm))].copy()
        names = [parameter.name for parameter in self.law.parameters]
        phi[[names.index(name) for name in self.random]] += self.random_effects[number]
        return np.asarray(self.law.predict(phi[None], time)[0])

    def to_dict(self) -> dict[str, object]:
        """Estimates, ready for JSON."""
        return {
            "law": self.law.name,
            "equation": self.law.equation,
            "source": self.law.source,
            "coefficients": [
                {"name": name, "estimate": float(value), "std_error": error}
                for name, value, error in zip(
                    self.names, self.coefficients, self.std_errors, strict=True
                )
            ],
            "random": list(self.random),
            "omega": self.omega.tolist(),
            "sd_residual": self.sigma,
            "log_likelihood": self.log_likelihood,
            "aic": self.aic,
            "bic": self.bic,
            "n_parameters": self.n_parameters,
            "n_animals": self.data.n_animals,
            "n_observations": self.data.n_observations,
            "converged": self.converged,
            "singular": self.singular,
            "method": self.method,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


def animal_log_likelihoods(fit: NonlinearFit, data: GrowthData) -> FloatArray:
    """Log-likelihood of the readings of animals, fitted or new, under a fit.

    The random effects are integrated out: for an animal that was left out of the fit this is the
    logarithm of its predictive density.

    Parameters
    ----------
    fit : NonlinearFit
        A fit.
    data : GrowthData
        Animals of the fit's arms.

    Returns
    -------
    ndarray, shape (n,)
        Minus infinity where the fit holds an animal's readings for impossible.

    Raises
    ------
    InputError
        If an arm was not fitted.
    """
    for name in data.arms:
        fit.data.arm_number(name)
    problem = curve_problem(
        data,
        fit.law,
        arms=fit.data.arms,
        arm_parameters=fit.arm_parameters,
        random=fit.random,
        structure="unstructured",
        integration=fit.integration,
        points=fit.points,
        span=1.0,
    )
    # The triangular root of a covariance that may be singular.
    size, axes = np.linalg.eigh(fit.omega)
    root = np.asarray(np.linalg.qr((axes * np.sqrt(np.maximum(size, 0.0))).T, mode="r")).T
    rows, columns = problem.entries
    theta = np.concatenate((fit.coefficients, root[rows, columns], [np.log(fit.sigma)]))
    value = problem.evaluate(theta[None]).by_animal[0]
    return np.where(np.isfinite(value), value, -np.inf)
