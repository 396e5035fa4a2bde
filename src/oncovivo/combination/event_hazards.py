"""Log hazard ratios of a combination: Cox, the penalized likelihood, and relabeling.

With few animals the normal limits of a Cox model are off, and an arm without an event has no
finite estimate. The penalized likelihood has one. Its root ratio is held against what relabeled
animals give: for Bliss independence all of them, for a partner those of the two arms, for which
alone that is exact.

Simulated at 5, 8 and 10 animals an arm (1,000 studies a cell, exponential times, 12 to 51 %
censored), tests of Bliss independence at 5 % reject, where it is true, in 3.2 to 6.3 % of the
studies by relabeling, in 3.3 to 8.4 % of them by t, in 4.1 to 10.7 % by chi-squared and in 1.5 to
9.6 % by Wald's z. All reject most where nothing works, for which relabeling is exact, and least
where half of the animals stay without the event: ``validation/combination/events.json``.

References
----------
Heinze G, Schemper M. Biometrics 2001;57:114 (penalized likelihood). Phipson B, Smyth GK. Stat Appl
Genet Mol Biol 2010;9:39 (a drawn p-value counts the observed labels).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination.answers import NO_ERROR
from oncovivo.combination.detectable import POWER, detectable_difference
from oncovivo.combination.event_question import Contrast, EventQuestion, bliss_design
from oncovivo.errors import DataError, InputError
from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.cox import CoxProblem, cox_fit, cox_problem
from oncovivo.survival.partial_likelihood import (
    Held,
    PartialLikelihood,
    Penalized,
    efron_weights,
)
from oncovivo.survival.risk_sets import risk_sets

__all__ = [
    "DRAWS",
    "bliss_hazard",
    "hazard_levels",
    "partner_hazard",
    "penalized_roots",
    "relabeled_roots",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

DRAWS: Final = 999
"""Relabelings unless asked otherwise."""

NO_EVENTS: Final = "no event happened while the arms were under observation together"
NOT_FINITE: Final = "an estimate without penalty would not be finite: the likelihood is penalized"
NO_SPARE: Final = "no more animals than arms: no test"
NOT_ARRIVED: Final = "a search for the estimate or its limits did not arrive"
FEW_CLUSTERS: Final = "no more clusters than arms: no test"

_FEWEST_DRAWS: Final = 99
_MOST_STEPS: Final = 200
# Log hazard ratios further than this from the estimate are not looked at for a limit.
_FARTHEST: Final = 50.0
# Roots closer than this are the same; searches stop at about the square root of rounding.
_TIE: Final = 1e-6
# Standard error of a log hazard ratio that says that the likelihood is flat.
_FLAT: Final = 1e3


def bliss_hazard(
    question: EventQuestion, *, draws: int, rng: np.random.Generator | None
) -> Contrast:
    """Log hazard of the combination less what Bliss independence foresees.

    Parameters
    ----------
    question : EventQuestion
        On the scale of hazards.
    draws : int
        Relabelings.
    rng : numpy.random.Generator, optional
        Source of randomness; needed where the method relabels.

    Raises
    ------
    InputError
        If relabelings must be drawn and there is no source of randomness, or too few draws.
    """
    return _contrast(question, bliss_design(question.n_partners), moved=None, draws=draws, rng=rng)


def partner_hazard(
    question: EventQuestion,
    design: FloatArray,
    *,
    partner: int,
    draws: int,
    rng: np.random.Generator | None,
) -> Contrast:
    """Log hazard of the combination less that of one partner.

    Parameters
    ----------
    question : EventQuestion
        On the scale of hazards.
    design : ndarray, shape (k + 2, k + 1)
        Of the partner.
    partner : int
        Its place, from 0.
    draws, rng
        As for `bliss_hazard`.
    """
    pair = (1 + partner, question.n_partners + 1)
    moved = np.flatnonzero(np.isin(question.role, pair))
    return _contrast(question, design, moved=moved, draws=draws, rng=rng)


def hazard_levels(question: EventQuestion) -> FloatArray | None:
    """Log hazards of the roles over the control's, of the model of the method.

    Parameters
    ----------
    question : EventQuestion
        On the scale of hazards.

    Returns
    -------
    ndarray, shape (k + 2,), or None
        None where no event compares the arms.
    """
    design = bliss_design(question.n_partners)
    problem = _problem(question, design)
    if problem is None:
        return None
    if question.method == "wald" and not problem.infinite.any():
        found = minimize_newton(
            problem.likelihood,
            np.zeros_like(problem.likelihood.observed),
            max_iterations=_MOST_STEPS,
        )
        return np.asarray(design @ found.theta[0])
    return np.asarray(design @ _Profile.of(problem).theta)


def _problem(question: EventQuestion, design: FloatArray) -> CoxProblem | None:
    """Risk sets and likelihood; None where no event compares the arms."""
    try:
        return cox_problem(
            question.time,
            question.event,
            design[question.role],
            entry=question.entry,
            strata=question.strata,
        )
    except DataError:
        return None


def _contrast(
    question: EventQuestion,
    design: FloatArray,
    *,
    moved: IntArray | None,
    draws: int,
    rng: np.random.Generator | None,
) -> Contrast:
    problem = _problem(question, design)
    if problem is None:
        return _nothing(question.method, NO_EVENTS)
    asked = np.full(question.role.size, fill_value=moved is None)
    asked[[] if moved is None else moved] = True
    had = set(question.role[asked & question.event].tolist())
    endless = bool(problem.infinite[-1]) or had != set(question.role[asked].tolist())
    if question.method == "wald":
        # one model for all that is asked, so that index and levels agree
        endless = bool(problem.infinite.any())
        if not endless:
            return _wald(question, design)
    profile = _Profile.of(problem)
    reason = NOT_FINITE if endless else ""
    by_t = _by_t(profile, float(question.spare), reason)
    if question.method != "relabeled":
        return by_t
    if rng is None:
        raise InputError("a source of randomness", found="none", mend="give rng")
    if draws < _FEWEST_DRAWS:
        raise InputError(f"{_FEWEST_DRAWS} draws or more", found=str(draws))
    labels = _relabelings(question, asked, draws=draws, rng=rng)
    return _by_relabeling(profile, relabeled_roots(question, design, labels), by_t, reason)


def _nothing(method: str, reason: str) -> Contrast:
    """No answer."""
    return Contrast(
        estimate=None,
        std_error=None,
        df=None,
        two_sided=None,
        less=None,
        limits=_open,
        detectable=_unknown,
        method=method,
        reason=reason,
    )


def _open(_tail: float) -> tuple[float, float]:
    return -math.inf, math.inf


def _unknown(_level: float) -> None:
    return None


# --- Cox and Wald ----------------------------------------------------------------------------


def _wald(question: EventQuestion, design: FloatArray) -> Contrast:
    """Cox's estimate with its standard error, robust where animals share cages or litters."""
    fit = cox_fit(
        question.time,
        question.event,
        design[question.role],
        entry=question.entry,
        strata=question.strata,
        cluster=question.cluster,
    )
    estimate = fit.coefficients[-1]
    robust = fit.robust_standard_errors is not None
    error = (fit.robust_standard_errors or fit.standard_errors)[-1]
    df = float(question.spare)
    method, few = "wald", NO_SPARE
    if robust and fit.n_clusters is not None:
        df, method, few = float(fit.n_clusters - len(question.names)), "wald_robust", FEW_CLUSTERS
    bare = replace(_nothing(method, NO_ERROR), estimate=estimate)
    if estimate is None or error is None or not 0 < error < _FLAT:
        return bare
    if df < 1:
        return replace(bare, std_error=error, reason=few)

    def limits(tail: float) -> tuple[float, float]:
        reach = -float(special.stdtrit(df, tail)) * error
        return estimate - reach, estimate + reach

    return replace(
        bare,
        std_error=error,
        df=df,
        two_sided=float(2 * special.stdtr(df, -abs(estimate) / error)),
        less=float(special.stdtr(df, estimate / error)),
        limits=limits,
        detectable=lambda level: detectable_difference(error, df, level=level),
        reason="" if fit.converged else NOT_ARRIVED,
    )


# --- the penalized likelihood ----------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Profile:
    """Penalized likelihood of one study along its last coefficient.

    Each search for the other coefficients begins where the last one ended.
    """

    penalized: Penalized
    theta: FloatArray
    lowest: float
    error: float
    rest: FloatArray
    arrived: bool

    @classmethod
    def of(cls, problem: CoxProblem) -> _Profile:
        """At its maximum."""
        penalized = Penalized(likelihood=problem.likelihood.of_events())
        start = np.zeros_like(problem.likelihood.observed)
        found = minimize_newton(penalized, start, max_iterations=_MOST_STEPS)
        value, _, information = penalized(found.theta)
        return cls(
            penalized=penalized,
            theta=found.theta[0],
            lowest=float(value[0]),
            error=math.sqrt(float(np.linalg.inv(information[0])[-1, -1])),
            rest=found.theta[:, :-1],
            arrived=bool(found.converged[0]),
        )

    @property
    def estimate(self) -> float:
        """The last coefficient."""
        return float(self.theta[-1])

    def root(self, at: float) -> float:
        """Root of the likelihood ratio of a value, positive where the estimate is above it."""
        held = Held(penalized=self.penalized, which=self.theta.size - 1, at=at)
        found = minimize_newton(held, self.rest, max_iterations=_MOST_STEPS)
        self.rest = found.theta
        self.arrived &= bool(found.converged[0])
        rise = max(float(held(found.theta)[0][0]) - self.lowest, 0.0)
        return math.copysign(math.sqrt(2 * rise), self.estimate - at)

    def limit(self, root: float) -> float:
        """Value whose root this is; infinite where there is none within reach."""
        if root == 0 or not math.isfinite(root):
            return self.estimate if root == 0 else math.copysign(math.inf, -root)
        side = -math.copysign(1.0, root)

        def short(at: float) -> float:
            # Far out the information is singular, and the likelihood as low as can be.
            return min(abs(self.root(at)), 10 * abs(root)) - abs(root)

        near, step = self.estimate, self.error
        while short(near + side * step) < 0:
            near, step = near + side * step, 2 * step
            if abs(near - self.estimate) > _FARTHEST:
                return side * math.inf
        self.rest = self.theta[None, :-1]
        return float(scipy.optimize.brentq(short, near, near + side * step, xtol=1e-9, rtol=1e-9))


def _by_t(profile: _Profile, df: float, reason: str) -> Contrast:
    """The root ratio held against t with animals less arms as degrees of freedom."""
    bare = replace(
        _nothing("penalized", reason), estimate=profile.estimate, std_error=profile.error
    )
    if df < 1:
        return replace(bare, reason=NO_SPARE)
    root = profile.root(0.0)

    def limits(tail: float) -> tuple[float, float]:
        reach = -float(special.stdtrit(df, tail))
        return profile.limit(reach), profile.limit(-reach)

    return replace(
        bare,
        df=df,
        two_sided=float(2 * special.stdtr(df, -abs(root))),
        less=float(special.stdtr(df, root)),
        limits=limits,
        detectable=lambda level: detectable_difference(profile.error, df, level=level),
        reason=reason if profile.arrived else NOT_ARRIVED,
    )


# --- relabeling ------------------------------------------------------------------------------


def _relabelings(
    question: EventQuestion,
    chosen: BoolArray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> IntArray:
    """Roles moved among chosen animals within their strata, shape (draws, n).

    Animals are put in an order of their own first, so that the order of rows does not matter.
    """
    role = question.role
    strata = np.zeros(role.size, dtype=np.intp) if question.strata is None else question.strata
    entry = np.zeros(role.size) if question.entry is None else question.entry
    place = np.array(question.order).argsort()[role]
    sorted_ = np.lexsort((place, entry, question.event, question.time, strata))
    labels = np.tile(role, (draws, 1))
    for code in np.unique(strata):
        member = sorted_[(strata[sorted_] == code) & chosen[sorted_]]
        labels[:, member] = rng.permuted(labels[:, member], axis=1)
    return labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _WithoutLast:
    """Penalized likelihood of many studies with the last coefficient at zero."""

    penalized: Penalized

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients and information at the others."""
        whole = np.concatenate((theta, np.zeros((theta.shape[0], 1))), axis=1)
        value, gradient, information = self.penalized(whole)
        return value, gradient[:, :-1], information[:, :-1, :-1]

    def take(self, index: IntArray) -> _WithoutLast:
        """Some of the studies."""
        return _WithoutLast(penalized=self.penalized.take(index))


def relabeled_roots(question: EventQuestion, design: FloatArray, labels: IntArray) -> FloatArray:
    """Root ratios of the last coefficient at zero, of the animals with other labels.

    Parameters
    ----------
    question : EventQuestion
        The animals.
    design : ndarray, shape (k + 2, k + 1)
        Of what is asked.
    labels : ndarray of int, shape (B, n)
        Roles.

    Returns
    -------
    ndarray, shape (m,)
        Of the labelings whose arms some event compares and whose search arrived.
    """
    sets = risk_sets(question.time, question.event, entry=question.entry, strata=question.strata)
    live = sets.event[0]
    member = (labels[:, :, None] == np.arange(design.shape[0])).astype(np.float64)
    likelihood = PartialLikelihood(
        design=design,
        weights=efron_weights(sets)[0][live] @ member,
        live=np.ones((len(labels), int(live.sum())), dtype=np.bool_),
        observed=member[:, live].sum(axis=1) @ design,
    )
    roots, arrived = penalized_roots(likelihood)
    return roots[arrived]


def penalized_roots(likelihood: PartialLikelihood) -> tuple[FloatArray, BoolArray]:
    """Root ratios of the last coefficient at zero in many studies, and which searches arrived.

    Parameters
    ----------
    likelihood : PartialLikelihood
        Of B studies.

    Returns
    -------
    roots : ndarray, shape (B,)
        With the sign of the estimate; 0 where no event compares the arms.
    arrived : ndarray of bool, shape (B,)
        False there too.
    """
    zero = np.zeros_like(likelihood.observed)
    usable = np.flatnonzero(np.linalg.matrix_rank(likelihood(zero)[2]) == zero.shape[1])
    roots, arrived = np.zeros(len(zero)), np.zeros(len(zero), dtype=np.bool_)
    if usable.size:
        penalized = Penalized(likelihood=likelihood.take(usable))
        start = zero[usable]
        best = minimize_newton(penalized, start, max_iterations=_MOST_STEPS)
        held = minimize_newton(
            _WithoutLast(penalized=penalized), start[:, :-1], max_iterations=_MOST_STEPS
        )
        rise = np.maximum(held.value - best.value, 0.0)
        roots[usable] = np.copysign(np.sqrt(2 * rise), best.theta[:, -1])
        arrived[usable] = best.converged & held.converged
    return roots, arrived


def _by_relabeling(profile: _Profile, roots: FloatArray, by_t: Contrast, reason: str) -> Contrast:
    """The root ratio held against those of relabeled animals.

    Where so few events tell the arms apart that no relabeling would be rejected, the relabelings
    say nothing of other values either, and limits are no closer than those by t.
    """
    root = profile.root(0.0)
    size = np.sort(np.abs(roots))
    signed = np.sort(roots)
    count = roots.size + 1
    less = (1 + int(np.count_nonzero(signed <= root + _TIE))) / count
    more = (1 + int(np.count_nonzero(signed >= root - _TIE))) / count

    def limits(tail: float) -> tuple[float, float]:
        rank = _rank(tail, count)
        if not 1 <= rank <= signed.size:
            return -math.inf, math.inf
        high, low = max(float(signed[-rank]), 0.0), min(float(signed[rank - 1]), 0.0)
        lower, upper = profile.limit(high), profile.limit(low)
        all_low, all_high = low - signed[0] <= _TIE, signed[-1] - high <= _TIE
        if all_low or all_high:
            wide_lower, wide_upper = by_t.limits(tail)
            lower = min(lower, wide_lower) if all_high else lower
            upper = max(upper, wide_upper) if all_low else upper
        return lower, upper

    def detectable(level: float) -> float | None:
        rank = _rank(1 - level, count)
        if not 1 <= rank <= size.size or size[-1] - size[-rank] <= _TIE:
            return None
        return (float(size[-rank]) + float(special.ndtri(POWER))) * profile.error

    return replace(
        by_t,
        df=None,
        two_sided=min(2 * min(less, more), 1.0),
        less=less,
        limits=limits,
        detectable=detectable,
        method="relabeled",
        reason=reason if profile.arrived else NOT_ARRIVED,
    )


def _rank(tail: float, count: int) -> int:
    """Which of the relabeled roots in the tail a test at this error must pass."""
    return math.floor(tail * count + 1e-9)
