"""Test of proportional hazards after a Cox fit, and the residuals to plot beside it.

Each covariate x is given a second coefficient, of x·g(t). The score test that it is 0 is exact in
the extended model's information, as in R's survival from version 3.0 on; earlier versions used an
approximation.

References
----------
Grambsch PM, Therneau TM. Biometrika 1994;81:515. Therneau TM, Grambsch PM. Modeling Survival
Data, 2000, chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.cox import CoxFit, CoxProblem, cox_problem

__all__ = [
    "ProportionalityTerm",
    "ProportionalityTest",
    "TimeTransform",
    "arm_proportionality",
    "proportionality_test",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

TimeTransform: TypeAlias = Literal["km", "rank", "identity", "log"]

_MOST_STEPS: Final = 100
# A given fit is one of other data if its score differs from 0 by more than this share of the
# largest sum that covariates over events can have.
_NOT_A_MAXIMUM: Final = 1e-4
# Below this share of its size without the other coefficients, information is rounding.
_NO_INFORMATION: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalityTerm:
    """Whether the effect of one covariate, or of all, stays the same over time.

    Parameters
    ----------
    name : str
        Of the covariate; "global" for all together.
    statistic, p_value : float or None
        Chi-squared score test and its p-value.
    df : int
        Degrees of freedom; 0 where nothing is tested.
    status : {"ok", "not_estimable"}
        Whether there is a test.
    reason : str
        Why there is none, or what a test leaves out.
    """

    name: str
    statistic: float | None
    df: int
    p_value: float | None
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalityTest:
    """Tests of proportional hazards, and scaled Schoenfeld residuals.

    Parameters
    ----------
    transform : {"km", "rank", "identity", "log"}
        Function g of time in which effects may change.
    terms : tuple of ProportionalityTerm
        One for each covariate, given the others' constant effects.
    overall : ProportionalityTerm
        All covariates together.
    time, transformed : tuple of float, length events
        Event times, rising within strata that come one after another, and g of them.
    stratum : tuple of int, length events
        Stratum of each event, as it was given; 0 without strata.
    residuals : tuple of (tuple of float or None), one for each covariate
        Scaled Schoenfeld residual of each event, plus the coefficient: their smooth over time
        estimates the log hazard ratio. None where the estimate is infinite.
    n, events : int
        Animals, and how many had the event.
    """

    transform: TimeTransform
    terms: tuple[ProportionalityTerm, ...]
    overall: ProportionalityTerm
    time: tuple[float, ...]
    transformed: tuple[float, ...]
    stratum: tuple[int, ...]
    residuals: tuple[tuple[float, ...] | None, ...]
    n: int
    events: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def proportionality_test(
    time: FloatArray,
    event: BoolArray,
    covariates: FloatArray,
    *,
    fit: CoxFit | None = None,
    transform: TimeTransform = "km",
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    names: Sequence[str] | None = None,
) -> ProportionalityTest:
    """Score test that hazard ratios do not change over time, by covariate and global.

    Parameters
    ----------
    time, event, covariates, entry, strata
        As in `oncovivo.survival.cox.cox_fit`; ties are Efron's.
    fit : CoxFit, optional
        Of the same data, where there is one; its coefficients are used.
    transform : {"km", "rank", "identity", "log"}, default "km"
        g(t): one minus the Kaplan-Meier estimate just before t of all animals together, the rank
        of t among all times, t itself, or its logarithm.
    names : sequence of str, optional
        Of the covariates; "x1", "x2" and so on if not given.

    Raises
    ------
    InputError
        If arrays do not match, an option is unknown, the logarithm meets a time of 0, or the fit
        is not of these data.
    DataError
        If no event tells some coefficients apart, or the fit did not arrive.

    Examples
    --------
    >>> found = proportionality_test(
    ...     np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    ...     np.array([True, True, True, False, True, True]),
    ...     np.array([[1.0], [0.0], [1.0], [0.0], [1.0], [0.0]]),
    ...     transform="identity",
    ... )
    >>> found.overall.df, round(found.overall.p_value, 2)
    (1, 0.58)
    """
    problem = cox_problem(time, event, covariates, entry=entry, strata=strata)
    time, event = np.asarray(time, dtype=np.float64), problem.sets.event[0]
    n_terms = problem.likelihood.design.shape[1]
    labels = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(n_terms))
    if len(labels) != n_terms:
        raise InputError(f"a name for each of {n_terms} covariates", found=f"{len(labels)}")
    g = _transformed(time, event, entry, transform)
    theta = _coefficients(problem, fit)
    strip = np.zeros(time.size, dtype=np.int64) if strata is None else np.asarray(strata)
    order = np.lexsort((time, strip))
    order = order[event[order]]
    mean, spread = _event_moments(problem, theta)
    finite = ~problem.infinite
    kept = np.flatnonzero(finite)
    own = problem.likelihood.design[problem.rows]
    slope = g - g[event].mean()
    tested = _Extended.of(own[order][:, kept], mean[order][:, kept], spread, order, kept, slope)
    terms = []
    place = {int(which): position for position, which in enumerate(kept)}
    for which, label in enumerate(labels):
        if which in place:
            terms.append(tested.term(label, [place[which]]))
        else:
            terms.append(_untested(label, "the estimate is infinite"))
    everything = list(range(kept.size))
    overall = tested.term("global", everything) if everything else _untested("global", "")
    if not finite.all():
        reason = "covariates with an infinite estimate are left out"
        overall = _with_reason(overall, reason)
    scaled = tested.scaled_residuals(theta[kept])
    return ProportionalityTest(
        transform=transform,
        terms=tuple(terms),
        overall=overall,
        time=tuple(time[order].tolist()),
        transformed=tuple(g[order].tolist()),
        stratum=tuple(int(stratum) for stratum in strip[order]),
        residuals=tuple(
            tuple(scaled[:, place[which]].tolist()) if which in place else None
            for which in range(n_terms)
        ),
        n=time.size,
        events=int(event.sum()),
    )


def arm_proportionality(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    *,
    control: int = 0,
    transform: TimeTransform = "km",
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    names: Sequence[str] | None = None,
) -> ProportionalityTest:
    """Score test that each arm's hazard ratio against the control does not change over time.

    Parameters
    ----------
    time, event, transform, entry, strata
        As in `proportionality_test`.
    group : ndarray of int, shape (n,)
        Arm of each animal.
    control : int
        The arm that others are compared with.
    names : sequence of str, optional
        Of the other arms, in the order of their numbers; "arm 1" and so on if not given.

    Raises
    ------
    InputError
        If arrays do not match or the control or other arms have no animal.
    DataError
        If no event tells arms apart.

    Examples
    --------
    >>> found = arm_proportionality(
    ...     np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, dtype=bool), np.array([0, 1, 0, 1])
    ... )
    >>> [term.name for term in found.terms]
    ['arm 1']
    """
    group = np.asarray(group)
    arms = [int(arm) for arm in np.unique(group) if arm != control]
    if not (group == control).any() or not arms:
        raise InputError("animals of the control and of another arm", found="one arm only")
    return proportionality_test(
        time,
        event,
        (group[:, None] == np.array(arms)).astype(np.float64),
        transform=transform,
        entry=entry,
        strata=strata,
        names=[f"arm {arm}" for arm in arms] if names is None else names,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Extended:
    """Score and information of the model with x and x·g(t), at 0 for the latter.

    Parameters
    ----------
    schoenfeld : ndarray, shape (m, p)
        Covariates of each event less their mean over its risk set.
    score : ndarray, shape (p,)
        For the coefficients of x·g(t).
    information : ndarray, shape (2p, 2p)
        Of both kinds of coefficients.
    """

    schoenfeld: FloatArray
    score: FloatArray
    information: FloatArray

    @classmethod
    def of(
        cls,
        own: FloatArray,
        mean: FloatArray,
        spread: FloatArray,
        order: IntArray,
        kept: IntArray,
        slope: FloatArray,
    ) -> _Extended:
        """From covariates and moments at events in order; only some covariates are kept."""
        schoenfeld = own - mean
        by = slope[order]
        part = spread[order][:, kept[:, None], kept]
        plain = part.sum(axis=0)
        once = np.einsum("m,mij->ij", by, part)
        twice = np.einsum("m,mij->ij", by * by, part)
        return cls(
            schoenfeld=schoenfeld,
            score=by @ schoenfeld,
            information=np.block([[plain, once], [once, twice]]),
        )

    def term(self, name: str, which: list[int]) -> ProportionalityTerm:
        """Test of some covariates' second coefficients, all first ones being estimated."""
        size = self.score.size
        first, second = np.arange(size), size + np.array(which)
        cross = self.information[np.ix_(first, second)]
        whole = self.information[np.ix_(second, second)]
        left = whole - cross.T @ np.linalg.solve(self.information[:size, :size], cross)
        scale = np.sqrt(np.maximum(np.diag(whole), 0.0))
        if (scale <= 0).any() or (
            np.linalg.eigvalsh(left / np.outer(scale, scale))[0] < _NO_INFORMATION
        ):
            return _untested(name, "events at too few times to tell a change from a constant")
        u = self.score[which]
        statistic = max(float(u @ np.linalg.solve(left, u)), 0.0)
        df = len(which)
        p_value = float(special.chdtrc(df, statistic))
        return ProportionalityTerm(name=name, statistic=statistic, df=df, p_value=p_value)

    def scaled_residuals(self, theta: FloatArray) -> FloatArray:
        """Schoenfeld residuals over the mean information of an event, plus the coefficients."""
        size = self.score.size
        events = self.schoenfeld.shape[0]
        inverse = np.linalg.inv(self.information[:size, :size])
        return np.asarray(theta + events * self.schoenfeld @ inverse, dtype=np.float64)


def _coefficients(problem: CoxProblem, fit: CoxFit | None) -> FloatArray:
    """Where the likelihood is greatest, or has all but reached its limit."""
    n_terms = problem.likelihood.design.shape[1]
    if fit is None or problem.infinite.any():
        start = np.zeros_like(problem.likelihood.observed)
        found = minimize_newton(problem.likelihood, start, max_iterations=_MOST_STEPS)
        if not found.converged[0]:
            raise DataError("a Cox fit that converges", found="one that does not")
        return np.asarray(found.theta[0], dtype=np.float64)
    given = [value for value in fit.coefficients if value is not None]
    same = len(given) == n_terms and fit.n == problem.rows.size
    if same:
        theta = np.array(given)
        _, gradient, _ = problem.likelihood(theta[None])
        reach = np.abs(problem.likelihood.design).max(axis=0) * problem.sets.event.sum()
        same = bool((np.abs(gradient[0]) <= _NOT_A_MAXIMUM * reach).all())
    if not same:
        raise InputError("a fit of these data", found="a fit of others")
    return theta


def _event_moments(problem: CoxProblem, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean (n, p) and covariance (n, p, p) of covariates at each event, means over tied ones.

    Tied events share their time, so sums over them are what score and information need.
    """
    likelihood = problem.likelihood
    design = likelihood.design - likelihood.design.mean(axis=0)
    share = likelihood.shares(theta[None])[0][0]
    mean = share @ design
    n_rows, n_terms = design.shape
    pairs = (design[:, :, None] * design[:, None, :]).reshape(n_rows, -1)
    spread = (share @ pairs).reshape(-1, n_terms, n_terms) - mean[:, :, None] * mean[:, None, :]
    tied = problem.sets.tied[0]
    number = np.maximum(tied.sum(axis=1, keepdims=True), 1.0)
    return tied @ mean / number + likelihood.design.mean(axis=0), spread


def _transformed(
    time: FloatArray, event: BoolArray, entry: FloatArray | None, transform: TimeTransform
) -> FloatArray:
    """The function g of all times."""
    if transform not in get_args(TimeTransform):
        expected = "km, rank, identity or log as the function of time"
        raise InputError(expected, found=repr(transform))
    if transform == "identity":
        return time
    if transform == "rank":
        # Here and not above: scipy.stats takes half a second to import.
        from scipy import stats

        return np.asarray(stats.rankdata(time), dtype=np.float64)
    if transform == "log":
        if (time <= 0).any():
            raise InputError("times above 0 for their logarithm", found="a time of 0")
        return np.log(time)
    begin = np.full(time.shape, -np.inf) if entry is None else np.asarray(entry, dtype=np.float64)
    marks, number = np.unique(time[event], return_counts=True)
    risk = ((begin < marks[:, None]) & (time >= marks[:, None])).sum(axis=1)
    survival = np.concatenate(([1.0], np.cumprod(1 - number / risk)))
    return np.asarray(1 - survival[np.searchsorted(marks, time, side="left")], dtype=np.float64)


def _untested(name: str, reason: str) -> ProportionalityTerm:
    return ProportionalityTerm(
        name=name, statistic=None, df=0, p_value=None, status="not_estimable", reason=reason
    )


def _with_reason(term: ProportionalityTerm, reason: str) -> ProportionalityTerm:
    shown = f"{term.reason}; {reason}" if term.reason else reason
    return ProportionalityTerm(
        name=term.name,
        statistic=term.statistic,
        df=term.df,
        p_value=term.p_value,
        status=term.status,
        reason=shown,
    )
