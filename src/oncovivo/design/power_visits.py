"""When simulated animals reach an event, how likely, and the tests that follow.

Given an animal's rate, start and baseline reading its later readings are independent, so that the
chance of a first event at each visit is an integral over these three, by quadrature.

The log-rank test's power is that of a normal whose mean is the expected sum of observed less
expected events, Schoenfeld's drift (Biometrika 1981;68:316), visit by visit, for hazards that need
not be proportional (Lakatos E. Biometrics 1988;44:229). Score and estimated variance have the
variances and the covariance that animals give them where hazards differ (delta method). The power
of Fisher's exact test is a sum over both binomial distributions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.design.power_plan import PowerArm, PowerPlan
from oncovivo.design.power_readings import PowerReadings, draw_numbers, power_readings
from oncovivo.endpoints.mrecist import CATEGORIES, best_responses
from oncovivo.survival.rank_tests import log_rank_many

__all__ = [
    "LogRankDrift",
    "Visits",
    "event_tests",
    "event_times",
    "fisher_p_values",
    "fisher_power",
    "log_rank_drift",
    "responders",
    "response_share",
    "response_tests",
    "visit_chances",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# Points of the integral over starts, and in each piece over baseline readings: right to 1e-7.
_START_POINTS: Final = 12
# Largest step between rates, in their standard deviation, and most of the points.
_STEP: Final = 0.5
_MOST_POINTS: Final = 4001
# Standard deviations beyond which nothing is left to integrate.
_FAR: Final = 8.0
# Tables as likely as the one seen, apart from rounding, count as likely; R has the same share.
_AS_LIKELY: Final = 1 + 1e-7
# Animals of an arm from which the chance of an mRECIST category is taken, which has no integral.
_ANIMALS: Final = 100_000
# Readings that equal a threshold apart from rounding have reached it.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visits:
    """Chances of an animal of one arm at each visit, shape (t,) each.

    Parameters
    ----------
    event : ndarray
        That its first event is seen then.
    left : ndarray
        That it is read for the last time then, without one.
    """

    event: FloatArray
    left: FloatArray

    @property
    def at_risk(self) -> FloatArray:
        """Chance of being read without an event before."""
        gone = np.cumsum(self.event + self.left)
        return np.asarray(1.0 - np.concatenate(([0.0], gone[:-1])))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRankDrift:
    """What a log-rank test of two arms is expected to see.

    Parameters
    ----------
    score, variance : float
        Observed less expected events of the second arm, and the variance that the test takes.
    spread : tuple of float
        Variance that the score has, which differs where the hazards do, that of the estimated
        variance, and their covariance.
    events : float
        Expected in both arms together.
    """

    score: float
    variance: float
    spread: tuple[float, float, float]
    events: float

    @property
    def hazard_ratio(self) -> float:
        """Of the second arm to the first, by Peto's one step, exp(score / variance)."""
        return math.exp(self.score / self.variance) if self.variance > 0 else 1.0

    def power(self, level: float) -> float:
        """Chance that the test rejects on either side."""
        if not self.variance > 0:
            return 0.0
        critical = float(special.ndtri(0.5 + level / 2))
        reach, slope = critical * math.sqrt(self.variance), critical / 2 / math.sqrt(self.variance)
        of_score, of_variance, together = self.spread
        found = 0.0
        for side in (1.0, -1.0):
            # Delta method for side * score - critical * root of the estimated variance.
            width = of_score - 2 * side * slope * together + slope**2 * of_variance
            found += float(special.ndtr((side * self.score - reach) / math.sqrt(width)))
        return found


def visit_chances(plan: PowerPlan, place: int) -> Visits:
    """Chances of an event, or of a regression, at each visit.

    Parameters
    ----------
    plan : PowerPlan
        With an event, or a response that is a regression; without cages.
    place : int
        Which arm.
    """
    return _chances(_alone(plan, place))


def _alone(plan: PowerPlan, place: int) -> PowerPlan:
    """A plan of one arm beside another, the same for all that assume the same of its animals."""
    arms = tuple(
        PowerArm(name=name, animals=2, rate=plan.arms[place].rate) for name in ("beside", "own")
    )
    return replace(
        plan, arms=arms, cages=None, allocation="as_given", level=0.5, replicates=2,
        title="", source="",
    )  # fmt: skip


@lru_cache(maxsize=512)
def _chances(plan: PowerPlan) -> Visits:
    """Chances of the animals of a plan whose arms are alike."""
    rate_node, rate_share = _even_nodes(plan.rate_sd * plan.days[-1] / plan.reading_sd)
    node, share = _normal_nodes(_START_POINTS)
    bottom = -math.inf if plan.limit is None else math.log(plan.limit)
    leave = math.inf if plan.size_limit is None else math.log(plan.size_limit)
    rising = plan.event is not None
    relative = plan.event is None or plan.event.kind == "multiple"
    value = math.log((plan.event.value or 1.0) if plan.event is not None else _kept(plan))
    # The baseline reading, in pieces between those at which something sets in, and given it the
    # start without noise.
    center, spread = math.log(plan.start), math.hypot(plan.start_sd, plan.reading_sd)
    steps = (leave, bottom, bottom - value) if relative else (leave, bottom, value)
    seen, seen_share = _pieces([(step - center) / spread for step in steps])
    kept = (plan.start_sd / spread) ** 2
    start = center + kept * spread * seen[:, None]
    start = start + plan.reading_sd * math.sqrt(kept) * node
    rate = plan.rates[0] + plan.rate_sd * rate_node[:, None, None]
    weight = rate_share[:, None, None] * seen_share[:, None] * share
    first = np.maximum(center + spread * seen, bottom)[:, None]
    threshold = first + value if relative else np.full(first.shape, value)
    there = np.zeros(first.shape, dtype=bool) if relative else first >= threshold
    over = (first >= leave) & ~there
    alive = weight * (~there & ~over)
    event = [float((weight * there).sum())]
    left = [float((weight * over).sum())]
    # Below the limit a reading is the limit.
    possible = np.ones(first.shape) if rising else (threshold >= bottom).astype(np.float64)
    for day in plan.days[1:]:
        mean = start + rate * day
        cut = (threshold - mean) / plan.reading_sd
        gone = special.ndtr((mean - leave) / plan.reading_sd) if leave < math.inf else 0.0
        hit = special.ndtr(-cut) if rising else special.ndtr(cut) * possible
        out = np.maximum(gone - hit, 0.0) if rising else gone
        event.append(float((alive * hit).sum()))
        left.append(float((alive * out).sum()))
        alive = alive * np.maximum(1.0 - hit - out, 0.0)
    left[-1] += float(alive.sum())
    return Visits(event=np.array(event), left=np.array(left))


def _kept(plan: PowerPlan) -> float:
    """Share of the baseline that a regression leaves."""
    percent = plan.response.percent if plan.response is not None else None
    return 1 - (percent or 0.0) / 100


def _pieces(steps: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a standard normal, exact to either side of some steps."""
    inside = [step for step in steps if abs(step) < _FAR]
    edges = np.unique([-_FAR, 0.0, *inside, _FAR])
    node, share = np.polynomial.legendre.leggauss(_START_POINTS)
    half = np.diff(edges)[:, None] / 2
    place = (edges[:-1, None] + half * (node + 1)).ravel()
    weight = (half * share).ravel() * np.exp(-(place**2) / 2)
    return place, weight / weight.sum()


def _even_nodes(steepness: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a standard normal at even steps, for functions that rise so steeply."""
    step = min(_STEP, 1.0 / max(steepness, 1.0))
    points = min(2 * math.ceil(_FAR / step) + 1, _MOST_POINTS)
    node = np.linspace(-_FAR, _FAR, points)
    weight = np.exp(-(node**2) / 2)
    return node, weight / weight.sum()


@lru_cache(maxsize=4)
def _normal_nodes(points: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of a standard normal."""
    node, share = np.polynomial.hermite_e.hermegauss(points)
    return node, share / share.sum()


def log_rank_drift(plan: PowerPlan, place: int) -> LogRankDrift:
    """Drift of the log-rank test of an arm against the control.

    Parameters
    ----------
    plan : PowerPlan
        With an event.
    place : int
        Which arm, from 1.
    """
    sizes = plan.sizes
    numbers = (float(sizes[0]), float(sizes[place]))
    arms = (visit_chances(plan, 0), visit_chances(plan, place))
    risk = [number * visits.at_risk for number, visits in zip(numbers, arms, strict=True)]
    events = [number * visits.event for number, visits in zip(numbers, arms, strict=True)]
    both, happened = risk[0] + risk[1], events[0] + events[1]
    some = both > 0
    share = np.where(some, risk[1] / np.where(some, both, 1.0), 0.0)
    hazard = np.where(some, happened / np.where(some, both, 1.0), 0.0)
    parts = np.zeros(3)
    for number, visits, toward in zip(numbers, arms, (-share, 1 - share), strict=True):
        parts += number * _influence(visits, toward, share, hazard)
    return LogRankDrift(
        spread=(float(parts[0]), float(parts[1]), float(parts[2])),
        score=float((events[1] - happened * share).sum()),
        variance=float((happened * share * (1 - share) * (1 - hazard)).sum()),
        events=float(happened.sum()),
    )


def _influence(
    visits: Visits, toward: FloatArray, share: FloatArray, hazard: FloatArray
) -> FloatArray:
    """Variances of what an animal adds to the score and to its variance, and their covariance."""
    chances = np.concatenate((visits.event, visits.left))
    product, change = share * (1 - share), (1 - 2 * share) * hazard * (1 - hazard)
    both = []
    for at_event, at_risk in (
        (toward, -toward * hazard),
        (product * (1 - 2 * hazard), product * hazard**2 + change * toward),
    ):
        until = np.cumsum(at_risk)
        value = np.concatenate((at_event + until, until))
        both.append(value - chances @ value)
    score, variance = both
    return np.array([chances @ score**2, chances @ variance**2, chances @ (score * variance)])


def event_times(plan: PowerPlan, readings: PowerReadings) -> tuple[FloatArray, BoolArray]:
    """First visit at or past the event, else the last, and whether it was; shape (B, n) each.

    Parameters
    ----------
    plan : PowerPlan
        With an event.
    readings : PowerReadings
        An animal that leaves before the event is censored.
    """
    size = readings.log_size
    value = math.log(plan.event.value or 1.0) if plan.event is not None else 0.0
    relative = plan.event is not None and plan.event.kind == "multiple"
    threshold = size[:, :, :1] + value if relative else np.full(size[:, :, :1].shape, value)
    hit = readings.read & (size >= threshold - _ROUNDING)
    event = np.asarray(hit.any(axis=2))
    last = readings.read.sum(axis=2) - 1
    place = np.where(event, hit.argmax(axis=2), last)
    return np.array(plan.days)[place], event


def event_tests(plan: PowerPlan, readings: PowerReadings) -> tuple[BoolArray, FloatArray]:
    """Whether the log-rank tests reject, shape (B, questions), and each arm's share of events."""
    time, event = event_times(plan, readings)
    arm = plan.arm_of
    rejected = []
    for place in range(1, len(plan.arms)):
        rows = (arm == 0) | (arm == place)
        group = (arm[rows] == place).astype(np.int64)
        p_value = log_rank_many(time[:, rows], event[:, rows], group)[2]
        rejected.append(p_value < 1 - plan.level)
    return np.column_stack(rejected), _arm_shares(plan, event)


def responders(plan: PowerPlan, readings: PowerReadings) -> BoolArray:
    """Which animals respond, shape (B, n).

    Parameters
    ----------
    plan : PowerPlan
        With a response.
    readings : PowerReadings
        Those below the limit count as the limit.
    """
    size, rule = readings.log_size, plan.response
    if rule is None or rule.category is None:
        low = size[:, :, :1] + math.log(_kept(plan)) + _ROUNDING
        found = readings.read[:, :, 1:] & (size[:, :, 1:] <= low)
        return np.asarray(found.any(axis=2))
    shape = size.shape
    volume = np.where(readings.read, np.exp(size), np.nan).reshape(-1, shape[2])
    day = np.broadcast_to(np.array(plan.days), volume.shape)
    code = best_responses(day, volume).category
    good = (code >= 0) & (code <= CATEGORIES.index(rule.category))
    return np.asarray(good.reshape(shape[:2]))


def response_tests(plan: PowerPlan, readings: PowerReadings) -> tuple[BoolArray, FloatArray]:
    """Whether Fisher's tests reject, shape (B, questions), and each arm's share of responders."""
    found = responders(plan, readings)
    arm, sizes = plan.arm_of, plan.sizes.tolist()
    number = np.stack([found[:, arm == place].sum(axis=1) for place in range(len(sizes))], axis=1)
    rejected = [
        fisher_p_values(sizes[0], sizes[place])[number[:, 0], number[:, place]] < 1 - plan.level
        for place in range(1, len(sizes))
    ]
    return np.column_stack(rejected), _arm_shares(plan, found)


def _arm_shares(plan: PowerPlan, found: BoolArray) -> FloatArray:
    """Share of the animals of each arm, shape (B, arms)."""
    arm = plan.arm_of
    parts = [found[:, arm == place].mean(axis=1) for place in range(len(plan.arms))]
    return np.stack(parts, axis=1)


@lru_cache(maxsize=64)
def fisher_p_values(first: int, second: int) -> FloatArray:
    """Two-sided p values of Fisher's exact test, for all numbers of responders of two arms.

    Parameters
    ----------
    first, second : int
        Animals.

    Returns
    -------
    ndarray, shape (first + 1, second + 1)
        The probability of all tables that are not likelier than the one seen.

    Examples
    --------
    >>> round(float(fisher_p_values(8, 8)[0, 5]), 4)
    0.0256
    """
    one = _log_choose(first)
    other = _log_choose(second)
    found = np.ones((first + 1, second + 1))
    for total in range(first + second + 1):
        here = np.arange(max(0, total - second), min(first, total) + 1)
        weight = np.exp(one[here] + other[total - here] - _log_choose(first + second)[total])
        likely = weight[:, None] <= weight[None, :] * _AS_LIKELY
        found[here, total - here] = np.minimum((weight[:, None] * likely).sum(axis=0), 1.0)
    return found


def _log_choose(number: int) -> FloatArray:
    """Logs of the binomial coefficients of a number."""
    chosen = np.arange(number + 1.0)
    return np.asarray(
        special.gammaln(number + 1.0)
        - special.gammaln(chosen + 1)
        - special.gammaln(number - chosen + 1)
    )


def fisher_power(
    first: float, second: float, *, animals: tuple[int, int], level: float = 0.95
) -> float:
    """Power of Fisher's two-sided test at two probabilities, by enumeration.

    Parameters
    ----------
    first, second : float
        Probabilities of a response.
    animals : tuple of int
        In both arms.
    level : float
        One less the error of the test.

    Examples
    --------
    >>> round(fisher_power(0.05, 0.7, animals=(10, 10)), 3)
    0.805
    """
    rejected = fisher_p_values(*animals) < 1 - level
    return float(_binomial(animals[0], first) @ rejected @ _binomial(animals[1], second))


def _binomial(number: int, chance: float) -> FloatArray:
    """Chances of each number of responders."""
    of = np.arange(number + 1.0)
    return np.asarray(
        np.exp(
            _log_choose(number)
            + special.xlogy(of, chance)
            + special.xlog1py(number - of, -min(chance, 1.0))
        )
    )


def response_share(plan: PowerPlan, place: int) -> float:
    """Chance that an animal of an arm responds.

    By the integral for a regression; for a category the share of 100,000 simulated animals, the
    same for every plan that assumes the same.

    Parameters
    ----------
    plan : PowerPlan
        With a response; without cages.
    place : int
        Which arm.
    """
    if plan.response is not None and plan.response.kind == "regression":
        return float(min(visit_chances(plan, place).event.sum(), 1.0))
    return _simulated_share(_alone(plan, place))


@lru_cache(maxsize=512)
def _simulated_share(plan: PowerPlan) -> float:
    """Share of responders among many animals of a plan whose arms are alike."""
    many = plan.resized(animals=_ANIMALS // 2)
    readings = power_readings(many, draw_numbers(many, 1, rng=np.random.default_rng(_ANIMALS)))
    return float(responders(many, readings).mean())
