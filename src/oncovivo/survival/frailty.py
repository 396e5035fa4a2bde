"""Cox regression with a gamma frailty that animals of one group share.

Animals of one xenograft line (cage, litter, donor) have a common factor on their hazard, of mean 1
and variance theta. Hazard ratios then compare animals of the same line. For each theta the
penalized partial likelihood is maximized over coefficients and log factors, which is where the EM
algorithm ends; theta maximizes the likelihood with the factors integrated out.

References
----------
Therneau TM, Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175. Nielsen GG et al. Scand
J Stat 1992;19:25-43. Self SG, Liang KY. J Am Stat Assoc 1987;82:605-610 (test on the boundary).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.survival.cox import cox_fit
from oncovivo.survival.risk_sets import risk_sets

__all__ = ["FrailtyFit", "FrailtyProblem", "frailty_fit"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Variances of the factor that are searched; outside, the likelihood is flat or has no use.
_LEAST_THETA: Final = 1e-5
_MOST_THETA: Final = 20.0
_GRID: Final = 9
_MOST_STEPS: Final = 60
_MOST_HALVINGS: Final = 30
_ARRIVED: Final = 1e-12
_THETA_TOLERANCE: Final = 1e-6
# Gain in log-likelihood below which theta is said to be 0.
_NO_GAIN: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class FrailtyFit:
    """A Cox model with a shared gamma frailty.

    Parameters
    ----------
    coefficients, standard_errors : tuple of float
        Log hazard ratios within a group, at the estimated `theta`, whose own uncertainty the
        standard errors leave out.
    theta : float
        Variance of the factor; 0 where the groups do not differ.
    theta_lower, theta_upper : float or None
        Profile-likelihood interval; 0 where the lower end is not told from 0, None where the
        upper end is beyond what was searched.
    theta_p_value : float
        Of the hypothesis that the groups do not differ: half a chi-squared tail.
    log_likelihood : float
        With the factors integrated out, on the scale of Cox's partial likelihood.
    log_likelihood_cox : float
        At theta 0.
    frailties : tuple of float
        Estimated factor of each group, in the order of their numbers.
    n, events, n_groups : int
        Animals, events and groups.
    level : float
        Of the interval.
    converged : bool
        Whether the searches arrived.
    """

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]
    theta: float
    theta_lower: float
    theta_upper: float | None
    theta_p_value: float
    log_likelihood: float
    log_likelihood_cox: float
    frailties: tuple[float, ...]
    n: int
    events: int
    n_groups: int
    level: float
    converged: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrailtyProblem:
    """Risk sets of one study whose n animals lie group by group, at k distinct event times.

    Parameters
    ----------
    at_risk, tied : ndarray, shape (k, n)
        1 where the animal was at risk at the time, or had the event then.
    row : ndarray of int, shape (m,)
        Time of each event.
    fraction : ndarray, shape (m,)
        Efron's share of the tied animals that the event's risk set leaves out.
    covariates : ndarray, shape (n, p)
        Of the animals.
    group : ndarray of int, shape (n,)
        Rising from 0 without gaps.
    starts : ndarray of int, shape (g,)
        First animal of each group.
    observed : ndarray, shape (p,)
        Sum of the covariates over events.
    events : ndarray, shape (g,)
        Events of each group.
    """

    at_risk: FloatArray
    tied: FloatArray
    row: IntArray
    fraction: FloatArray
    covariates: FloatArray
    group: IntArray
    starts: IntArray
    observed: FloatArray
    events: FloatArray

    def penalized(
        self, point: FloatArray, theta: float
    ) -> tuple[float, float, FloatArray, FloatArray]:
        """Penalized and plain log partial likelihood, gradient and minus the Hessian.

        A tied event's risk set is the sum A over all at risk less a share f of the sum B over the
        tied, so sums over events are sums over times of 1, f and f squared over the totals.

        Parameters
        ----------
        point : ndarray, shape (p + g,)
            Coefficients, then log factors.
        theta : float
            Variance of the factor, above 0.
        """
        p = self.covariates.shape[1]
        beta, log_factor = point[:p], point[p:]
        linear = self.covariates @ beta + log_factor[self.group]
        top = float(linear.max())
        hazard = np.exp(linear - top)
        f, count = self.fraction, self.at_risk.shape[0]
        total = (self.at_risk @ hazard)[self.row] - f * (self.tied @ hazard)[self.row]
        partial = float(
            self.observed @ beta + self.events @ log_factor - np.log(total).sum() - top * f.size
        )
        one, one_f = (np.bincount(self.row, v / total, minlength=count) for v in (f**0, f))
        two, two_f, two_ff = (
            np.bincount(self.row, v / total**2, minlength=count) for v in (f**0, f, f**2)
        )
        a, b = self._sums(self.at_risk * hazard), self._sums(self.tied * hazard)
        factor = np.exp(log_factor)
        nu = 1.0 / theta
        gradient = np.concatenate((self.observed, self.events)) - (one @ a - one_f @ b)
        gradient[p:] += nu * (1.0 - factor)
        crossed = (a.T * two_f) @ b
        information = crossed + crossed.T - (a.T * two) @ a - (b.T * two_ff) @ b
        rate = hazard * (one @ self.at_risk - one_f @ self.tied)
        information[:p, :p] += (self.covariates.T * rate) @ self.covariates
        across = np.add.reduceat(rate[:, None] * self.covariates, self.starts, axis=0)
        information[p:, :p] += across
        information[:p, p:] += across.T
        diagonal = np.arange(p, point.size)
        information[diagonal, diagonal] += np.add.reduceat(rate, self.starts) + nu * factor
        # Up to a constant that vanishes at factors of 1.
        penalty = nu * float((log_factor - factor + 1.0).sum())
        return partial + penalty, partial, gradient, information

    def _sums(self, hazards: FloatArray) -> FloatArray:
        """Sums at each time of the covariates and of the groups' indicators, shape (k, p + g)."""
        of_group = np.add.reduceat(hazards, self.starts, axis=1)
        return np.concatenate((hazards @ self.covariates, of_group), axis=1)

    def integrated(self, partial: float, log_factor: FloatArray, theta: float) -> float:
        """Log-likelihood with the factors integrated out, at its maximum for one theta.

        With nu = 1 / theta and d events in a group of factor w: the partial likelihood, plus the
        sum over groups of d + nu log w + nu log nu - (nu + d) log(nu + d)
        + log Gamma(nu + d) - log Gamma(nu). It tends to Cox's partial likelihood for theta to 0.
        """
        nu, d = 1.0 / theta, self.events
        # (nu + d) log(nu + d) - nu log nu, written so that large nu do not cancel.
        grown = nu * np.log1p(d / nu) + d * np.log(nu + d)
        gamma = _rising(nu, d)
        return partial + float((d + nu * log_factor - grown + gamma).sum())


def _rising(nu: float, d: FloatArray) -> FloatArray:
    """Log of Gamma(nu + d) over Gamma(nu) for whole d, as a sum that does not cancel."""
    steps = np.arange(int(d.max())) if d.size and d.max() > 0 else np.zeros(0)
    sums = np.concatenate(([0.0], np.cumsum(np.log(nu + steps))))
    return np.asarray(sums[d.astype(np.intp)])


def frailty_fit(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    group: IntArray,
    *,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    theta: float | None = None,
    level: float = 0.95,
) -> FrailtyFit:
    """Cox regression with Efron's ties and a gamma factor on the hazard of each group.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
        Time and whether the event happened then.
    covariates : ndarray, shape (n, p)
        For example indicators of the treated arms.
    group : ndarray of int, shape (n,)
        Line, cage or litter of each animal.
    entry : ndarray, shape (n,), optional
        When observation began.
    strata : ndarray of int, shape (n,), optional
        Each stratum has a baseline hazard of its own.
    theta : float, optional
        A variance of the factor to be held, above 0; estimated without it.
    level : float
        Of the interval of theta.

    Raises
    ------
    InputError
        If arrays do not match, there is one group only, or `theta` or `level` is impossible.
    DataError
        If the likelihood has no finite maximum.

    Examples
    --------
    >>> fit = frailty_fit(
    ...     np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0]),
    ...     np.array([True, True, True, True, True, False]),
    ...     np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]]),
    ...     np.array([0, 0, 1, 1, 2, 2]),
    ...     theta=0.5,
    ... )
    >>> fit.theta, fit.coefficients[0] < 0
    (0.5, True)
    """
    group = np.asarray(group)
    if group.shape != np.shape(time):
        raise InputError("a group for each animal", found=f"{group.size} groups")
    names, number = np.unique(group, return_inverse=True)
    if names.size < 2:
        raise InputError("at least two groups", found=f"{names.size}")
    if theta is not None and not (math.isfinite(theta) and theta > 0):
        raise InputError("a variance above 0", found=f"{theta:g}")
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    cox = cox_fit(time, event, covariates, entry=entry, strata=strata)
    if any(cox.infinite):
        expected = "events that bound every hazard ratio"
        raise DataError(expected, found="an arm without events, or whose events are all the last")
    problem = _problem(time, event, covariates, number.astype(np.intp), entry, strata)
    plain = np.array([value for value in cox.coefficients if value is not None])
    search = _Search(problem, plain)
    cox_value = cox.log_likelihoods[1]
    if theta is not None:
        best, lower, upper = theta, theta, theta
    else:
        best, lower, upper_ = _best_theta(search, cox_value, level)
        upper = upper_ if upper_ is not None else math.nan
    if best == 0.0:
        point, value = np.concatenate((plain, np.zeros(names.size))), cox_value
        errors = np.array([value for value in cox.standard_errors if value is not None])
        converged = cox.converged
    else:
        point, value, converged = search.at(best)
        information = problem.penalized(point, best)[3]
        errors = np.sqrt(np.diag(np.linalg.inv(information))[: plain.size])
    gain = max(2.0 * (value - cox_value), 0.0)
    return FrailtyFit(
        coefficients=tuple(point[: plain.size].tolist()),
        standard_errors=tuple(errors.tolist()),
        theta=best,
        theta_lower=lower,
        theta_upper=None if math.isnan(upper) else upper,
        theta_p_value=0.5 * float(special.chdtrc(1, gain)) if gain > 0 else 1.0,
        log_likelihood=value,
        log_likelihood_cox=cox_value,
        frailties=tuple(np.exp(point[plain.size :]).tolist()),
        n=cox.n,
        events=cox.events,
        n_groups=int(names.size),
        level=level,
        converged=converged,
    )


def _problem(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    group: IntArray,
    entry: FloatArray | None,
    strata: IntArray | None,
) -> FrailtyProblem:
    """Animals sorted by group, and the risk sets of those with an event."""
    order = np.argsort(group, kind="stable")
    event = np.asarray(event, dtype=np.bool_)[order]
    covariates = np.asarray(covariates, dtype=np.float64)[order]
    sets = risk_sets(
        np.asarray(time, dtype=np.float64)[order],
        event,
        entry=None if entry is None else np.asarray(entry)[order],
        strata=None if strata is None else np.asarray(strata)[order],
    )
    group = group[order]
    tied = sets.tied[0]
    rank = np.tril(tied, -1).sum(axis=1)
    first = np.flatnonzero(event & (rank == 0))
    return FrailtyProblem(
        at_risk=sets.at_risk[0][first],
        tied=tied[first],
        # The first of the tied animals stands for their time.
        row=np.searchsorted(first, tied[event].argmax(axis=1)),
        fraction=(rank / np.maximum(tied.sum(axis=1), 1.0))[event],
        covariates=covariates,
        group=group,
        starts=np.flatnonzero(np.diff(group, prepend=-1)),
        observed=covariates[event].sum(axis=0),
        events=np.bincount(group, weights=event).astype(np.float64),
    )


class _Search:
    """Maxima of the penalized likelihood for one theta after another, each from the last."""

    def __init__(self, problem: FrailtyProblem, coefficients: FloatArray) -> None:
        self.problem = problem
        self.point = np.concatenate((coefficients, np.zeros(problem.events.size)))

    def at(self, theta: float) -> tuple[FloatArray, float, bool]:
        """Coefficients and log factors, the integrated log-likelihood, whether it arrived."""
        problem, point = self.problem, self.point
        value, partial, gradient, information = problem.penalized(point, theta)
        arrived = False
        for _ in range(_MOST_STEPS):
            step = np.linalg.solve(information, gradient)
            if float(gradient @ step) < _ARRIVED:
                # One full step more: the integrated likelihood, unlike the penalized one, feels
                # errors of the factors to first order.
                arrived, point = True, point + step
                partial = problem.penalized(point, theta)[1]
                break
            for halving in range(_MOST_HALVINGS):
                trial = point + 0.5**halving * step
                found = problem.penalized(trial, theta)
                if found[0] > value:
                    break
            else:
                # No higher point along an ascent direction: rounding, this is the top.
                arrived = float(gradient @ step) < math.sqrt(_ARRIVED)
                break
            point = trial
            value, partial, gradient, information = found
        self.point = point
        own = point[problem.covariates.shape[1] :]
        return point, problem.integrated(partial, own, theta), arrived

    def value(self, log_theta: float) -> float:
        """Integrated log-likelihood."""
        return self.at(math.exp(log_theta))[1]


def _best_theta(
    search: _Search, cox_value: float, level: float
) -> tuple[float, float, float | None]:
    """Theta that maximizes the integrated likelihood, with its profile interval."""
    grid = np.linspace(math.log(_LEAST_THETA), math.log(_MOST_THETA), _GRID)
    values = [search.value(float(place)) for place in grid]
    top = int(np.argmax(values))
    low, high = grid[max(top - 1, 0)], grid[min(top + 1, _GRID - 1)]
    found = scipy.optimize.minimize_scalar(
        lambda place: -search.value(float(place)),
        bounds=(float(low), float(high)),
        method="bounded",
        options={"xatol": _THETA_TOLERANCE},
    )
    best, value = float(found.x), -float(found.fun)
    at_zero = value < cox_value + _NO_GAIN
    if at_zero:
        best, value = math.log(_LEAST_THETA), cox_value
    bar = value - 0.5 * float(special.chdtri(1, 1 - level))

    def above(place: float) -> float:
        return search.value(place) - bar

    lower = 0.0
    if not at_zero and cox_value < bar:
        lower = math.exp(_root(above, float(grid[0]), best))
    upper = None
    if above(float(grid[-1])) < 0:
        upper = math.exp(_root(above, best, float(grid[-1])))
    return (0.0 if at_zero else math.exp(best)), lower, upper


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where the likelihood crosses the bar."""
    found = scipy.optimize.brentq(function, low, high, xtol=1e-4, rtol=1e-6)
    return float(found)
