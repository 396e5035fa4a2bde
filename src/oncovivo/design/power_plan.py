"""What a power calculation assumes: arms, days, growth, differences between animals, the question.

:mod:`oncovivo.design.power_file` reads it from a file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.design.power_rules import PowerCages, ResponseRule
from oncovivo.errors import InputError
from oncovivo.survival.events import EventDefinition

__all__ = [
    "FACTORIAL",
    "BelowPowerLimit",
    "PowerAllocation",
    "PowerArm",
    "PowerModel",
    "PowerPlan",
    "PowerQuestion",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
PowerQuestion: TypeAlias = Literal[
    "difference", "dunnett", "tgi", "bliss", "hsa", "additivity", "event", "response"
]
PowerModel: TypeAlias = Literal["common", "arm", "ratio"]
PowerAllocation: TypeAlias = Literal["as_given", "sqrt_k"]
BelowPowerLimit: TypeAlias = Literal["omitted", "censored"]

FACTORIAL: Final = ("bliss", "hsa", "additivity")
"""Questions about two drugs and their combination."""

_FACTORIAL_ARMS: Final = 4
_LEAST_ANIMALS: Final = 2
# Questions whose answer can be held against something else than no effect.
_WITH_BOUND: Final = ("difference", "dunnett", "tgi", "bliss", "hsa", "additivity")
_ON_A_DAY: Final = ("tgi", "additivity")


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerArm:
    """An arm as it is assumed to grow.

    Parameters
    ----------
    name : str
        Its name.
    animals : int
        How many, at least 2.
    rate : float
        Mean growth rate, natural log per day.
    """

    name: str
    animals: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPlan:
    """Assumptions of a power calculation.

    Parameters
    ----------
    arms : tuple of PowerArm
        The first is the control; for ``bliss``, ``hsa`` and ``additivity`` then both drugs alone
        and the combination.
    days : tuple of float
        Of the readings, rising from 0.
    question : PowerQuestion
        ``difference``, ``dunnett``: rate of each other arm less that of the control, each on its
        own or with the family-wise error held; ``tgi``: inhibition on a day, from the fitted
        rates; ``bliss``: rate of the combination less what both drugs add up to; ``hsa``: whether
        it is below both, one-sided; ``additivity``: size on a day against response additivity;
        ``event``: log-rank test of each other arm against the control; ``response``: Fisher's
        exact test of each other arm against the control.
    day : float or None
        Of ``tgi`` and ``additivity``; None: that of the last reading.
    bound : float or None
        What the interval must exclude, in the unit of the question; None: no effect.
    event : EventDefinition or None
        ``multiple`` or ``volume``, for ``event``; seen at the first visit.
    response : ResponseRule or None
        For ``response``.
    start : float
        Median baseline volume, mm³.
    start_sd : float
        Between animals, of its natural log.
    rate_sd : float
        Of rates between animals, per day; independent of the baseline.
    reading_sd : float
        Of natural log readings about an animal's line.
    cages : PowerCages or None
        None: no animal is like another.
    size_limit : float or None
        An animal's first reading of so many mm³ or more is its last; None: all stay.
    limit : float or None
        Smallest volume that can be read, mm³; None: all can.
    below_limit : {"omitted", "censored"}
        What the fit does with smaller ones. Events and responses take them as the limit.
    allocation : {"as_given", "sqrt_k"}
        ``sqrt_k``: the control has √k times as many animals as each of the k other arms.
    model : {"common", "arm", "ratio"}
        What is fitted: random intercept and slope with a common intercept or one for each arm;
        or log size relative to the baseline with random slopes.
    level : float
        One less the two-sided error of the test; of ``hsa`` the one-sided error.
    replicates : int
        Simulated studies, at least 2.
    title, source : str
        Heading; where the numbers are from.

    Raises
    ------
    InputError
        If the assumptions are impossible.
    """

    arms: tuple[PowerArm, ...]
    days: tuple[float, ...]
    question: PowerQuestion = "difference"
    day: float | None = None
    bound: float | None = None
    event: EventDefinition | None = None
    response: ResponseRule | None = None
    start: float = 150.0
    start_sd: float
    rate_sd: float
    reading_sd: float
    cages: PowerCages | None = None
    size_limit: float | None = None
    limit: float | None = None
    below_limit: BelowPowerLimit = "omitted"
    allocation: PowerAllocation = "as_given"
    model: PowerModel = "common"
    level: float = 0.95
    replicates: int = 1000
    title: str = "Power"
    source: str = ""

    def __post_init__(self) -> None:
        for where, word, known in (
            ("question", self.question, get_args(PowerQuestion)),
            ("model", self.model, get_args(PowerModel)),
            ("allocation", self.allocation, get_args(PowerAllocation)),
            ("below_limit", self.below_limit, get_args(BelowPowerLimit)),
        ):
            _check_word(word, known, where=where)
        self._check_arms()
        self._allocate()
        self._check_days()
        self._check_numbers()
        self._check_question()
        self._check_cages()

    def _check_arms(self) -> None:
        """Arms that differ in name and have animals."""
        names = [arm.name for arm in self.arms]
        if len(names) < 2:
            raise InputError("at least two arms", found=str(len(names)), where="arm")
        for arm in self.arms:
            if names.count(arm.name) > 1:
                raise InputError("each arm once", found=f"'{arm.name}' twice", where="arm")
            if arm.animals < _LEAST_ANIMALS:
                expected = f"at least {_LEAST_ANIMALS} animals"
                raise InputError(expected, found=str(arm.animals), where=f"arm '{arm.name}'")
            if not math.isfinite(arm.rate):
                expected = "a finite rate per day"
                raise InputError(expected, found=f"{arm.rate:g}", where=f"arm '{arm.name}'")
        if self.question in FACTORIAL and len(names) != _FACTORIAL_ARMS:
            expected = f"four arms for {self.question}: control, two drugs, their combination"
            raise InputError(expected, found=str(len(names)), where="arm")

    def _allocate(self) -> None:
        """Give the control its share."""
        if self.allocation == "as_given":
            return
        if self.question in FACTORIAL:
            expected = "as_given where the control is not what all arms are compared with"
            found = f"sqrt_k with {self.question}"
            raise InputError(expected, found=found, where="allocation")
        control, *others = self.arms
        sizes = {arm.animals for arm in others}
        if len(sizes) > 1:
            expected = "as many animals in each arm but the control for sqrt_k"
            raise InputError(expected, found=", ".join(map(str, sorted(sizes))), where="arm")
        own = round(math.sqrt(len(others)) * others[0].animals)
        object.__setattr__(self, "arms", (replace(control, animals=own), *others))

    def _check_days(self) -> None:
        """Days that rise from 0, and one that can be asked about."""
        days = np.array(self.days, dtype=np.float64)
        rising = bool(np.isfinite(days).all() and (np.diff(days) > 0).all())
        if days.size < 3 or days[0] != 0 or not rising:
            expected = "at least three days that rise from 0"
            found = ", ".join(f"{day:g}" for day in self.days) or "none"
            raise InputError(expected, found=found, where="days")
        if self.day is None:
            return
        if self.question not in _ON_A_DAY:
            expected = f"no day for {self.question}: only tgi and additivity are of a day"
            raise InputError(expected, found=f"{self.day:g}", where="day")
        if not 0 < self.day <= self.days[-1]:
            expected = f"a day above 0 and up to the last reading, day {self.days[-1]:g}"
            raise InputError(expected, found=f"{self.day:g}", where="day")

    def _check_numbers(self) -> None:
        """Deviations, sizes, limits, level."""
        for where, value in (("start.log_sd", self.start_sd), ("rate_sd", self.rate_sd)):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(
                    "a standard deviation of 0 or more", found=f"{value:g}", where=where
                )
        for where, value in (
            ("reading_sd", self.reading_sd),
            ("start.mean_mm3", self.start),
            ("size_limit_mm3", 1.0 if self.size_limit is None else self.size_limit),
            ("limit_mm3", 1.0 if self.limit is None else self.limit),
        ):
            if not (math.isfinite(value) and value > 0):
                raise InputError("a number above 0", found=f"{value:g}", where=where)
        if self.size_limit is not None and self.size_limit <= self.start:
            expected = f"a limit above the baseline volume of {self.start:g} mm³"
            raise InputError(expected, found=f"{self.size_limit:g}", where="size_limit_mm3")
        if self.limit is not None and self.limit >= self.start:
            expected = f"a limit below the baseline volume of {self.start:g} mm³"
            raise InputError(expected, found=f"{self.limit:g}", where="limit_mm3")
        if self.limit is not None and self.below_limit == "censored" and self.model == "ratio":
            expected = "model common or arm where readings are censored"
            raise InputError(expected, found="ratio", where="model")
        if not 0 < self.level < 1:
            raise InputError("a level between 0 and 1", found=f"{self.level:g}", where="level")
        if self.replicates < 2:
            expected = "at least 2 replicates"
            raise InputError(expected, found=str(self.replicates), where="replicates")

    def _check_question(self) -> None:
        """The rule that a question needs, and a bound that it can have."""
        for where, rule in (("event", self.event), ("response", self.response)):
            if rule is None and self.question == where:
                mend = 'event = "multiple:4"' if where == "event" else 'response = "regression:30"'
                expected = f"a rule of what counts as {where}"
                raise InputError(expected, found="none", where=where, mend=f"write {mend}")
            if rule is not None and self.question != where:
                expected = f"no {where} with question {self.question}"
                raise InputError(expected, found=str(rule), where=where)
        if self.event is not None:
            if self.event.kind not in ("multiple", "volume"):
                expected = "an event of growth: doubling, quadrupling, multiple:K or volume:MM3"
                raise InputError(expected, found=str(self.event), where="event")
            value = self.event.value or 0.0
            if self.event.kind == "volume" and value <= self.start:
                expected = f"a volume above that of the baseline, {self.start:g} mm³"
                raise InputError(expected, found=f"{value:g}", where="event")
            limit = math.inf if self.size_limit is None else self.size_limit
            if self.event.kind == "volume" and value > limit:
                expected = (
                    f"a volume up to the size limit of {limit:g} mm³, at which animals leave"
                )
                raise InputError(expected, found=f"{value:g}", where="event")
        if self.bound is None:
            return
        if self.question not in _WITH_BOUND:
            expected = f"no bound for {self.question}: its test is of no effect"
            raise InputError(expected, found=f"{self.bound:g}", where="bound")
        if not math.isfinite(self.bound):
            raise InputError("a finite bound", found=f"{self.bound:g}", where="bound")
        if self.question == "tgi" and self.bound >= 100:
            expected = "an inhibition below 100 percent"
            raise InputError(expected, found=f"{self.bound:g}", where="bound")
        if self.question == "additivity" and self.bound <= 0:
            expected = "an index of observed over foreseen size above 0"
            raise InputError(expected, found=f"{self.bound:g}", where="bound")

    def _check_cages(self) -> None:
        """Cages that leave degrees of freedom."""
        # Arms that take turns in a cage leave at least one: each has two animals.
        if self.cages is None or self.cages.arms == "mixed":
            return
        size = self.cages.animals
        for arm in self.arms:
            if arm.animals <= size:
                expected = f"at least two cages in each arm, {size + 1} animals or more"
                found = f"{arm.animals} animals in cages of {size}"
                raise InputError(expected, found=found, where=f"arm '{arm.name}'")

    @property
    def rates(self) -> FloatArray:
        """Mean rates, shape (arms,)."""
        return np.array([arm.rate for arm in self.arms])

    @property
    def sizes(self) -> IntArray:
        """Animals, shape (arms,)."""
        return np.array([arm.animals for arm in self.arms], dtype=np.intp)

    @property
    def arm_of(self) -> IntArray:
        """Arm of each animal, shape (animals,)."""
        return np.repeat(np.arange(len(self.arms)), self.sizes)

    @property
    def cage_of(self) -> IntArray:
        """Cage of each animal, counted from 0, shape (animals,); empty without cages."""
        if self.cages is None:
            return np.zeros(0, dtype=np.intp)
        within = np.concatenate([np.arange(size) for size in self.sizes])
        if self.cages.arms == "mixed":
            # Another arm begins each round, so that all arms are tied to each other.
            order = np.lexsort(((self.arm_of - within) % len(self.arms), within))
            found = np.empty(order.size, dtype=np.intp)
            found[order] = np.arange(order.size) // self.cages.animals
            return found
        own = within // self.cages.animals
        new = np.diff(own, prepend=-1) != 0
        return np.asarray(np.cumsum(new | (within == 0)) - 1, dtype=np.intp)

    @property
    def index_day(self) -> float:
        """Day that ``tgi`` and ``additivity`` are of."""
        return self.days[-1] if self.day is None else self.day

    @property
    def of_growth(self) -> bool:
        """Whether a growth model is fitted."""
        return self.question not in ("event", "response")

    @property
    def contrasts(self) -> FloatArray:
        """What is asked of the arms' rates, shape (questions, arms).

        For ``hsa`` the differences from either drug; for ``additivity`` those that its answer is
        made from are in :mod:`oncovivo.design.power_growth`, and for ``event`` and ``response``
        these say whom each question compares.
        """
        if self.question in ("bliss", "additivity"):
            return np.array([[1.0, -1.0, -1.0, 1.0]])
        if self.question == "hsa":
            return np.array([[0.0, -1.0, 0.0, 1.0], [0.0, 0.0, -1.0, 1.0]])
        others = len(self.arms) - 1
        return np.column_stack((-np.ones(others), np.eye(others)))

    @property
    def labels(self) -> tuple[str, ...]:
        """What the questions are called."""
        names = [arm.name for arm in self.arms]
        if self.question == "bliss":
            return ("synergy under Bliss",)
        if self.question == "hsa":
            return ("combination below both drugs",)
        if self.question == "additivity":
            return (f"response additivity, day {self.index_day:g}",)
        if self.question == "tgi":
            return tuple(f"{name}: TGI on day {self.index_day:g}" for name in names[1:])
        if self.question == "event":
            return tuple(f"{name} / {names[0]}: {self.event}" for name in names[1:])
        if self.question == "response":
            return tuple(f"{name} - {names[0]}: {self.response}" for name in names[1:])
        return tuple(f"{name} - {names[0]}" for name in names[1:])

    @property
    def unit(self) -> str:
        """Of the answers."""
        return {
            "tgi": "percent",
            "additivity": "index",
            "event": "hazard ratio",
            "response": "share",
        }.get(self.question, "per day")

    @property
    def target(self) -> float:
        """What the answers are held against, in their unit."""
        no_effect = 1.0 if self.question == "additivity" else 0.0
        return no_effect if self.bound is None else self.bound

    @property
    def rate_bound(self) -> float:
        """The same as a difference of rates per day; for ``additivity`` the log of the index."""
        if self.question == "tgi":
            return math.log1p(-self.target / 100) / self.index_day
        return math.log(self.target) if self.question == "additivity" else self.target

    @property
    def rate_answers(self) -> FloatArray:
        """Assumed answers as differences of rates, of questions that are linear in the rates.

        For ``hsa`` the difference from the better drug.
        """
        found = np.asarray(self.contrasts @ self.rates, dtype=np.float64)
        return found.max(keepdims=True) if self.question == "hsa" else found

    @property
    def log_additivity(self) -> float:
        """ln(R_AB / I + R_C) - ln(R_A + R_B), I the bound and R sizes relative to the start."""
        control, one, other, both = (self.rates * self.index_day).tolist()
        left = np.logaddexp(control, both - self.rate_bound)
        return float(left - np.logaddexp(one, other))

    @property
    def foreseen_share(self) -> float:
        """Relative size that response additivity foresees, as a share of the control's."""
        control, one, other, _ = (self.rates * self.index_day).tolist()
        return math.exp(one - control) + math.exp(other - control) - 1

    @property
    def has_null(self) -> bool:
        """Whether rates exist at which the answer is the bound."""
        return self.question != "additivity" or self.foreseen_share > 0

    def at_null(self) -> PowerPlan:
        """The same with all answers at the bound, without one at no effect.

        The treated arms take the control's rate, or the combination the one that is foreseen; for
        ``hsa`` that of the better drug.

        Raises
        ------
        InputError
            If no combination is at the bound: the drugs alone do more than all there is.
        """
        first, *others = self.arms
        if self.question in FACTORIAL:
            one, other = others[0].rate, others[1].rate
            if self.question == "bliss":
                rate = one + other - first.rate + self.rate_bound
            elif self.question == "hsa":
                rate = min(one, other) + self.rate_bound
            elif self.has_null:
                log_size = math.log(self.foreseen_share) + self.rate_bound
                rate = first.rate + log_size / self.index_day
            else:
                expected = "drugs whose effects leave something when they are added"
                raise InputError(expected, found="nothing left", where="arm")
            arms = (first, *others[:2], replace(others[2], rate=rate))
        else:
            rate = first.rate + self.rate_bound
            arms = (first, *(replace(arm, rate=rate) for arm in others))
        return replace(self, arms=arms)

    def resized(self, *, animals: int | None = None, last_day: float | None = None) -> PowerPlan:
        """The same with other numbers of animals, or readings up to a day only.

        Parameters
        ----------
        animals : int, optional
            In every arm; with ``sqrt_k`` in every arm but the control.
        last_day : float, optional
            Of the readings, and the latest that can be asked about.

        Raises
        ------
        InputError
            If fewer than two animals or three days are left.
        """
        arms = self.arms
        if animals is not None:
            arms = tuple(replace(arm, animals=animals) for arm in arms)
        days, day = self.days, self.day
        if last_day is not None:
            days = tuple(one for one in days if one <= last_day)
            day = None if day is None else min(day, last_day)
        return replace(self, arms=arms, days=days, day=day)

    def with_rate(self, place: int, rate: float) -> PowerPlan:
        """The same with another rate of one arm."""
        arms = list(self.arms)
        arms[place] = replace(arms[place], rate=rate)
        return replace(self, arms=tuple(arms))

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON; rules in the words of the file."""
        found = asdict(self)
        found["event"] = None if self.event is None else str(self.event)
        found["response"] = None if self.response is None else str(self.response)
        return found


def _check_word(word: str, known: Sequence[str], *, where: str) -> None:
    """Refuse what is no choice."""
    if word not in known:
        raise InputError(f"one of {', '.join(known)}", found=repr(word), where=where)
