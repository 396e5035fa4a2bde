"""What the estimators of the mixed model take and return.

An engine sees arrays only. Two of them maximize the same likelihood: ``reduced`` works on small
cross products of each animal and on many studies at once; ``dense`` on full covariance matrices,
for structures that do not reduce. Tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.model import Likelihood, RandomEffects, Residual

__all__ = ["EngineFit", "Inference", "Problem", "VarianceDerivatives"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One study as an engine fits it: y = X beta + random effects + residual.

    Parameters
    ----------
    y : ndarray, shape (m,)
        Outcome.
    x : ndarray, shape (m, p)
        Columns of the fixed part, of full rank.
    time : ndarray, shape (m,)
        Days; what the random slope and the residual correlation refer to.
    animal : ndarray of int, shape (m,)
        Number of the animal, rising from 0.
    arm : ndarray of int, shape (n,)
        Number of each animal's arm, for variances by arm.
    groups : mapping of str to ndarray of int, shape (n,)
        Number of each animal's group, for factors with a random level.
    random : RandomEffects
        Random effects of the animal.
    residual : Residual
        Structure of the residual.
    likelihood : {"REML", "ML"}
        What is maximized.
    """

    y: FloatArray
    x: FloatArray
    time: FloatArray
    animal: IntArray
    arm: IntArray
    groups: Mapping[str, IntArray] = field(default_factory=dict)
    random: RandomEffects = "intercept_slope"
    residual: Residual = "iid"
    likelihood: Likelihood = "REML"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VarianceDerivatives:
    """How the covariance of y moves with its r parameters, seen through X.

    Leading axes, if any, are separate studies. V_k is the derivative of V = cov(y) by parameter k,
    in the natural parameters (variances and covariances, then correlations); notation and equation
    numbers of Kenward and Roger, Biometrics 1997;53:983.

    Parameters
    ----------
    covariance : ndarray, shape (..., p, p)
        Phi = (X'V⁻¹X)⁻¹.
    first : ndarray, shape (..., r, p, p)
        P_k = -X'V⁻¹ V_k V⁻¹X.
    second : ndarray, shape (..., r, r, p, p)
        Q_kl = X'V⁻¹ V_k V⁻¹ V_l V⁻¹X.
    curvature : ndarray, shape (..., r, r, p, p), optional
        R_kl = X'V⁻¹ V_kl V⁻¹X with V_kl the second derivative; None where V is linear in its
        parameters.
    information : ndarray, shape (..., r, r)
        Expected information of the restricted likelihood, ½ tr(P V_k P V_l) with
        P = V⁻¹ - V⁻¹X Phi X'V⁻¹.
    """

    covariance: FloatArray
    first: FloatArray
    second: FloatArray
    curvature: FloatArray | None = None
    information: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineFit:
    """A maximized likelihood.

    Parameters
    ----------
    coefficients : ndarray, shape (p,)
        Generalized least squares at the estimated covariance.
    derivatives : VarianceDerivatives
        At the estimate.
    observed_information : ndarray, shape (r, r)
        Minus the second derivatives of the maximized log-likelihood by the natural parameters.
    parameters : tuple of str, length r
        Names of the natural parameters: ``var(intercept)``, ``cov(intercept,slope)``,
        ``var(slope)``, ``var(GROUP)``, ``var(residual)`` or ``var(residual:NUMBER OF ARM)``,
        ``correlation``.
    values : ndarray, shape (r,)
        Their estimates.
    random_covariance : ndarray, shape (2, 2)
        Covariance of the animals' intercepts and slopes; zero where the model has none.
    group_variances : mapping of str to float
        Variance of each factor's level.
    residual_variance : ndarray, shape (n,)
        Residual variance of each animal.
    correlation : float or None
        Correlation of two residuals one day apart.
    random_effects : ndarray, shape (n, 2)
        Predicted intercept and slope deviations of the animals (conditional means), without the
        groups' levels.
    group_effects : mapping of str to ndarray
        Predicted levels of the groups.
    log_likelihood : float
        At the maximum, with all constants, as nlme and lme4 print it.
    likelihood : {"REML", "ML"}
        Which.
    converged : bool
        Whether the gradient vanished.
    singular : bool
        Whether a variance is zero or a correlation of random effects is one.
    iterations : int
        Steps taken.
    """

    coefficients: FloatArray
    derivatives: VarianceDerivatives
    observed_information: FloatArray
    parameters: tuple[str, ...]
    values: FloatArray
    random_covariance: FloatArray
    group_variances: Mapping[str, float] = field(default_factory=dict)
    residual_variance: FloatArray
    correlation: float | None = None
    random_effects: FloatArray
    group_effects: Mapping[str, FloatArray] = field(default_factory=dict)
    log_likelihood: float
    likelihood: Likelihood
    converged: bool
    singular: bool
    iterations: int


class Inference(Protocol):
    """Covariance of the coefficients and degrees of freedom of a question about them."""

    @property
    def method(self) -> str:
        """How it was made, in words that a table can print."""
        ...

    @property
    def covariance(self) -> FloatArray:
        """Covariance of the coefficients, shape (p, p)."""
        ...

    def df(self, weights: FloatArray) -> FloatArray:
        """Degrees of freedom of each row of weights, shape (k, p) to shape (k,)."""
        ...
