"""Cox regression of one study: strata, late entry, cluster-robust standard errors.

References
----------
Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074. Therneau TM, Grambsch PM. Modeling Survival Data,
2000, chapters 3 and 8.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.partial_likelihood import (
    PartialLikelihood,
    efron_weights,
    infinite_coefficients,
)
from oncovivo.survival.risk_sets import RiskSets, risk_sets

__all__ = ["ChiSquaredTest", "CoxFit", "CoxProblem", "cox_fit", "cox_problem"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

_MOST_STEPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquaredTest:
    """A chi-squared statistic.

    Parameters
    ----------
    statistic, p_value : float
        Chi-squared and its p-value.
    df : int
        Degrees of freedom.
    """

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxFit:
    """A fitted Cox model.

    Parameters
    ----------
    coefficients, standard_errors : tuple of float or None
        Log hazard ratios; None where the likelihood is monotone and the estimate is infinite.
    robust_standard_errors : tuple of float or None, optional
        Cluster-robust; None without clusters.
    infinite : tuple of bool
        Which estimates are infinite.
    log_likelihoods : tuple of float
        At zero, and at the maximum (or its limit).
    likelihood_ratio, score : ChiSquaredTest
        Tests of all coefficients.
    wald : ChiSquaredTest or None
        From robust standard errors where there are clusters, as far as these outnumber the
        coefficients; None where an estimate is infinite.
    n, events : int
        Animals, and how many had the event.
    n_clusters : int or None
        Clusters, where given.
    converged : bool
        Whether the search arrived.
    """

    coefficients: tuple[float | None, ...]
    standard_errors: tuple[float | None, ...]
    robust_standard_errors: tuple[float | None, ...] | None
    infinite: tuple[bool, ...]
    log_likelihoods: tuple[float, float]
    likelihood_ratio: ChiSquaredTest
    score: ChiSquaredTest
    wald: ChiSquaredTest | None
    n: int
    events: int
    n_clusters: int | None
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoxProblem:
    """Risk sets and likelihood of one study.

    Parameters
    ----------
    sets : RiskSets
        Who was at risk when.
    rows : ndarray of int, shape (n,)
        Covariate row of each animal.
    likelihood : PartialLikelihood
        Of the study.
    infinite : ndarray of bool, shape (p,)
        Which coefficients the likelihood sends to infinity.
    """

    sets: RiskSets
    rows: IntArray
    likelihood: PartialLikelihood
    infinite: BoolArray


def cox_problem(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
) -> CoxProblem:
    """Prepare a study for Cox or Firth regression; parameters as in `cox_fit`."""
    time = np.asarray(time, dtype=np.float64)
    covariates = np.asarray(covariates, dtype=np.float64)
    if time.ndim != 1 or covariates.ndim != 2 or covariates.shape[0] != time.size:
        expected = "one row of covariates for each animal"
        raise InputError(expected, found=f"shape {covariates.shape}")
    if not np.isfinite(covariates).all() or covariates.shape[1] == 0:
        raise InputError("finite covariates, at least one", found="others")
    design, rows = np.unique(covariates, axis=0, return_inverse=True)
    rows = np.asarray(rows, dtype=np.intp).ravel()
    sets = risk_sets(time, event, entry=entry, strata=strata)
    likelihood = PartialLikelihood.of(sets, rows, design)
    infinite = infinite_coefficients(likelihood, rows)
    return CoxProblem(sets=sets, rows=rows, likelihood=likelihood, infinite=infinite)


def cox_fit(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    cluster: IntArray | None = None,
) -> CoxFit:
    """Cox regression with Efron's ties.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time and whether the event happened then.
    covariates : ndarray, shape (n, p)
        For example indicators of the treated arms.
    entry : ndarray, shape (n,), optional
        When observation began.
    strata : ndarray of int, shape (n,), optional
        Each stratum has a baseline hazard of its own.
    cluster : ndarray of int, shape (n,), optional
        Animals of one cage, litter or model; gives robust standard errors.

    Raises
    ------
    InputError
        If arrays do not match.
    DataError
        If no event tells some coefficients apart.

    Examples
    --------
    >>> fit = cox_fit(
    ...     np.array([1.0, 2.0, 3.0, 4.0]),
    ...     np.array([True, True, True, True]),
    ...     np.array([[1.0], [0.0], [1.0], [0.0]]),
    ... )
    >>> round(fit.coefficients[0], 4)
    0.9406
    """
    problem = cox_problem(time, event, covariates, entry=entry, strata=strata)
    found = minimize_newton(
        problem.likelihood,
        np.zeros_like(problem.likelihood.observed),
        max_iterations=_MOST_STEPS,
    )
    zero = np.zeros_like(found.theta)
    null_value, null_gradient, null_information = problem.likelihood(zero)
    value, _, information = problem.likelihood(found.theta)
    df = zero.shape[1]
    score = float(null_gradient[0] @ np.linalg.solve(null_information[0], null_gradient[0]))
    finite = ~problem.infinite
    # Where some estimates are infinite, the others' information is what remains in the limit.
    inner = np.linalg.inv(information[0][np.ix_(finite, finite)])
    errors = np.sqrt(np.diag(inner))
    covariance = inner
    robust: tuple[float | None, ...] | None = None
    n_clusters = None
    if cluster is not None:
        n_clusters = int(np.unique(cluster).size)
        covariance = _robust(problem, found.theta, inner, finite, np.asarray(cluster))
        robust = _spread(np.sqrt(np.diag(covariance)), finite)
    estimate = found.theta[0, finite]
    wald = None
    if finite.all() and np.linalg.matrix_rank(covariance) == df:
        wald = _test(float(estimate @ np.linalg.solve(covariance, estimate)), df)
    return CoxFit(
        coefficients=_spread(estimate, finite),
        standard_errors=_spread(errors, finite),
        robust_standard_errors=robust,
        infinite=tuple(bool(flag) for flag in problem.infinite),
        log_likelihoods=(-float(null_value[0]), -float(value[0])),
        likelihood_ratio=_test(2 * float(null_value[0] - value[0]), df),
        score=_test(score, df),
        wald=wald,
        n=problem.rows.size,
        events=int(problem.sets.event.sum()),
        n_clusters=n_clusters,
        converged=bool(found.converged[0]),
    )


def _robust(
    problem: CoxProblem,
    theta: FloatArray,
    inner: FloatArray,
    finite: BoolArray,
    cluster: NDArray[np.generic],
) -> FloatArray:
    """Sandwich covariance from what each cluster moves the estimates by."""
    if cluster.shape != problem.rows.shape:
        raise InputError("a cluster for each animal", found=f"{cluster.size} clusters")
    likelihood = problem.likelihood
    design, own = likelihood.design[:, finite], likelihood.design[problem.rows][:, finite]
    weights = efron_weights(problem.sets)[0]
    linear = likelihood.design @ theta[0]
    hazard = np.exp(linear - linear.max())[problem.rows]
    live = problem.sets.event[0]
    total = np.where(live, weights @ hazard, 1.0)
    share = likelihood.shares(theta)[0][0]
    mean = share @ design
    # Tied events share their risk sets, so each has the mean over them.
    tied = problem.sets.tied[0]
    ties = np.maximum(tied.sum(axis=1, keepdims=True), 1.0)
    event_part = np.where(live[:, None], own - tied @ mean / ties, 0.0)
    rate = weights / total[:, None] * hazard
    risk_part = rate.sum(axis=0)[:, None] * own - rate.T @ mean
    moved = (event_part - risk_part) @ inner
    _, index = np.unique(cluster, return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, moved.shape[1]))
    np.add.at(sums, index, moved)
    return sums.T @ sums


def _spread(values: FloatArray, finite: BoolArray) -> tuple[float | None, ...]:
    """Values at their places, None where the estimate is infinite."""
    left = iter(values)
    return tuple(float(next(left)) if flag else None for flag in finite)


def _test(statistic: float, df: int) -> ChiSquaredTest:
    """Chi-squared statistic, not below 0 by rounding, with its p-value."""
    shown = max(statistic, 0.0)
    return ChiSquaredTest(statistic=shown, df=df, p_value=float(special.chdtrc(df, shown)))
