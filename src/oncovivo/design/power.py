"""Power of a planned study, simulated with the analysis that will be used.

Simulated studies are fitted by the engine of ``oncovivo growth`` and tested with Kenward-Roger, or
tested by log-rank and Fisher's exact test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.design.power_cages import cage_tests
from oncovivo.design.power_closed_form import closed_powers
from oncovivo.design.power_growth import GrowthDesign, RateTests, question_rows
from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_readings import PowerReadings, draw_numbers, power_readings
from oncovivo.design.power_truth import assumed_answers
from oncovivo.design.power_visits import event_tests, response_tests
from oncovivo.errors import InputError
from oncovivo.numerics.mapping import map_parts

__all__ = [
    "GridCell",
    "Progress",
    "QuestionPower",
    "SimulatedPower",
    "power_by_simulation",
    "power_grid",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Progress: TypeAlias = Callable[[int, int], None]

# Studies that are held in memory at once.
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPower:
    """Power of one question by simulation.

    Parameters
    ----------
    label : str
        The question.
    truth : float or None
        Assumed answer, in `unit`; None where response additivity foresees no size above zero.
    unit : str
        ``per day`` (natural log), ``percent``, ``index``, ``hazard ratio`` or ``share``.
    power, power_error : float
        Share of studies whose interval excludes the bound, without one no effect, and its Monte
        Carlo standard error.
    type_one, type_one_error : float or None
        The same where the answer is the bound; None where no rates make it so.
    std_error : float or None
        Median standard error of the estimate on the scale of the test, rates or logs of sizes;
        None for events and responses.
    power_cages, power_cages_error, type_one_cages, type_one_cages_error : float or None
        Of the test that counts cages; None without cages, and for events and responses.
    """

    label: str
    truth: float | None
    unit: str
    power: float
    power_error: float
    type_one: float | None
    type_one_error: float | None
    std_error: float | None
    power_cages: float | None = None
    power_cages_error: float | None = None
    type_one_cages: float | None = None
    type_one_cages_error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower:
    """Power of a plan by simulation.

    Parameters
    ----------
    questions : tuple of QuestionPower
        One after the other.
    any_power, any_power_error : float
        Share of studies in which at least one question is answered, and its error.
    any_type_one, any_type_one_error : float or None
        The same where all answers are the bound: the family-wise error.
    singular, left_early, below_limit : float
        Shares: of fits on the boundary, of animals that leave before the last day, of readings
        below the limit.
    arm_shares : tuple of float
        Share of the animals of each arm with the event or the response; empty otherwise.
    not_converged : int
        Studies without an optimum; they reject nothing where there is no estimate.
    replicates : int
        Simulated studies.
    """

    questions: tuple[QuestionPower, ...]
    any_power: float
    any_power_error: float
    any_type_one: float | None
    any_type_one_error: float | None
    singular: float
    left_early: float
    below_limit: float = 0.0
    arm_shares: tuple[float, ...] = ()
    not_converged: int
    replicates: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """Power of a plan with other numbers of animals and another last day.

    Parameters
    ----------
    animals : int
        In every arm; where the control has √k times as many, in every other arm.
    last_day : float
        Day of the last reading.
    result : SimulatedPower
        What comes out.
    closed_form : tuple of float
        Power of each question in closed form; empty where there is none.
    """

    animals: int
    last_day: float
    result: SimulatedPower
    closed_form: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outcome:
    """What B studies say; arrays of shape (B, questions), (B, arms) and (B,)."""

    rejected: BoolArray
    falsely: BoolArray | None
    std_error: FloatArray | None
    counted: BoolArray | None
    counted_falsely: BoolArray | None
    arm_shares: FloatArray
    singular: BoolArray
    lost: BoolArray
    left: FloatArray
    below: FloatArray


def power_by_simulation(
    plan: PowerPlan,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    executor: Executor | None = None,
    chunk: int = _CHUNK,
) -> SimulatedPower:
    """Power and type I error from simulated studies, fitted and tested as real ones.

    Where readings depend on sizes (a size limit, a smallest size, events, responses), the studies
    at the null are simulated with the same random numbers; else a difference is added to the
    readings of a fit that it does not change, and one fit serves both.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions.
    rng : numpy.random.Generator
        Normal numbers, study after study.
    progress : callable, optional
        Called with the studies done and all studies.
    executor : concurrent.futures.Executor, optional
        Who fits.
    chunk : int
        Studies that are held in memory at once; the numbers do not depend on it.
    """
    work = _Simulation(plan)
    parts: list[_Outcome] = []
    for low in range(0, plan.replicates, chunk):
        count = min(chunk, plan.replicates - low)
        parts.append(work.outcome(draw_numbers(plan, count, rng=rng), executor))
        if progress is not None:
            progress(low + count, plan.replicates)
    return _summary(plan, parts)


def power_grid(
    plan: PowerPlan,
    *,
    animals: Sequence[int],
    last_days: Sequence[float],
    seed: int,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> tuple[GridCell, ...]:
    """Power with other numbers of animals per arm and other last days.

    Each cell has random numbers of its own, so that it is the same in any grid.

    Parameters
    ----------
    plan : PowerPlan
        The assumptions; its readings after the last day are left out.
    animals : sequence of int
        In every arm; with ``sqrt_k`` in every arm but the control.
    last_days : sequence of float
        Among the plan's days.
    seed : int
        Of all cells.
    progress : callable, optional
        Called with the cells done and all cells, where there is no executor.
    executor : concurrent.futures.Executor, optional
        Who does the cells; the result does not depend on it.

    Raises
    ------
    InputError
        If a last day is none of the plan's days, or too little is left.
    """
    for day in last_days:
        if day not in plan.days:
            expected = f"a day with readings: {', '.join(f'{known:g}' for known in plan.days)}"
            raise InputError(expected, found=f"{day:g}", where="last day")
    cells = [
        (plan.resized(animals=count, last_day=day), [seed, count, len(plan.days), place])
        for count in animals
        for place, day in ((plan.days.index(day), day) for day in last_days)
    ]
    if executor is None and progress is not None:
        results = []
        for done, cell in enumerate(cells, start=1):
            results.append(_cell(cell))
            progress(done, len(cells))
    else:
        results = map_parts(_cell, cells, executor=executor)
    return tuple(
        GridCell(
            animals=own.arms[-1].animals,
            last_day=own.days[-1],
            result=result,
            closed_form=closed_powers(own),
        )
        for (own, _), result in zip(cells, results, strict=True)
    )


def _cell(part: tuple[PowerPlan, list[int]]) -> SimulatedPower:
    """One cell of a grid."""
    plan, seed = part
    return power_by_simulation(plan, rng=np.random.default_rng(seed))


class _Simulation:
    """Studies of a plan and of its null, and the tests of both."""

    def __init__(self, plan: PowerPlan) -> None:
        self._plan = plan
        self._null = plan.at_null() if plan.has_null else None
        self._growth = GrowthDesign(plan) if plan.of_growth else None
        self._offset: FloatArray | None = None
        if self._null is not None and plan.size_limit is None and plan.limit is None:
            self._offset = question_rows(plan) @ (self._null.rates - plan.rates)

    def outcome(self, drawn: FloatArray, executor: Executor | None) -> _Outcome:
        """What studies made of some normal numbers say."""
        plan = self._plan
        readings = power_readings(plan, drawn)
        null = None
        if self._null is not None and (self._growth is None or self._offset is None):
            null = power_readings(self._null, drawn)
        read = readings.read
        shared = {
            "left": (~read[:, :, -1]).mean(axis=1),
            "below": (readings.below.sum(axis=(1, 2)) / read.sum(axis=(1, 2))),
        }
        if self._growth is None:
            return self._of_visits(readings, null, shared)
        tests = self._growth.fit(readings, executor)
        rejected, errors = self._growth.rejects(tests)
        falsely = self._falsely(tests, None if null is None else self._growth.fit(null, executor))
        counted = counted_falsely = None
        if plan.cages is not None:
            by_cage = cage_tests(plan, readings)
            counted = self._growth.rejects(by_cage)[0]
            counted_falsely = self._falsely(
                by_cage, None if null is None else cage_tests(plan, null)
            )
        return _Outcome(
            rejected=rejected,
            falsely=falsely,
            std_error=errors,
            counted=counted,
            counted_falsely=counted_falsely,
            arm_shares=np.zeros((len(drawn), 0)),
            singular=tests.singular,
            lost=tests.lost,
            **shared,
        )

    def _falsely(self, tests: RateTests, at_null: RateTests | None) -> BoolArray | None:
        """Rejections at the null, from its own studies or from those of the plan."""
        if self._growth is None or self._null is None:
            return None
        if at_null is not None:
            return self._growth.rejects(at_null)[0]
        return self._growth.rejects(tests, self._offset)[0]

    def _of_visits(
        self, readings: PowerReadings, null: PowerReadings | None, shared: dict[str, FloatArray]
    ) -> _Outcome:
        """Events or responses."""
        plan = self._plan
        test = event_tests if plan.question == "event" else response_tests
        rejected, shares = test(plan, readings)
        nothing = np.zeros(len(rejected), dtype=bool)
        return _Outcome(
            rejected=rejected,
            falsely=None if null is None else test(plan, null)[0],
            std_error=None,
            counted=None,
            counted_falsely=None,
            arm_shares=shares,
            singular=nothing,
            lost=nothing,
            **shared,
        )


def _summary(plan: PowerPlan, parts: Sequence[_Outcome]) -> SimulatedPower:
    """Shares and their Monte Carlo errors."""

    def whole(name: str) -> NDArray[np.generic] | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays)

    rejected, falsely = whole("rejected"), whole("falsely")
    counted, counted_falsely = whole("counted"), whole("counted_falsely")
    errors = whole("std_error")
    questions = []
    for place, (label, truth) in enumerate(zip(plan.labels, assumed_answers(plan), strict=True)):
        power, power_error = _share(rejected, place)
        type_one, type_one_error = _share(falsely, place)
        power_cages, power_cages_error = _share(counted, place)
        type_one_cages, type_one_cages_error = _share(counted_falsely, place)
        own = None if errors is None else errors[:, place].astype(np.float64)
        questions.append(
            QuestionPower(
                label=label,
                truth=truth,
                unit=plan.unit,
                power=power or 0.0,
                power_error=power_error or 0.0,
                type_one=type_one,
                type_one_error=type_one_error,
                std_error=None if own is None or np.isnan(own).all() else float(np.nanmedian(own)),
                power_cages=power_cages,
                power_cages_error=power_cages_error,
                type_one_cages=type_one_cages,
                type_one_cages_error=type_one_cages_error,
            )
        )
    any_power, any_power_error = _share(rejected)
    any_type_one, any_type_one_error = _share(falsely)

    def mean(name: str) -> float:
        return sum(float(getattr(part, name).sum()) for part in parts) / plan.replicates

    shares = sum(part.arm_shares.sum(axis=0) for part in parts) / plan.replicates
    return SimulatedPower(
        questions=tuple(questions),
        any_power=any_power or 0.0,
        any_power_error=any_power_error or 0.0,
        any_type_one=any_type_one,
        any_type_one_error=any_type_one_error,
        singular=mean("singular"),
        left_early=mean("left"),
        below_limit=mean("below"),
        arm_shares=tuple(np.asarray(shares).tolist()),
        not_converged=int(sum(int(part.lost.sum()) for part in parts)),
        replicates=plan.replicates,
    )


def _share(
    found: NDArray[np.generic] | None, place: int | None = None
) -> tuple[float | None, float | None]:
    """A share and its standard error, which is not 0 where all or none are found."""
    if found is None:
        return None, None
    own = found.any(axis=1) if place is None else found[:, place]
    count = own.size
    shrunk = (float(own.sum()) + 1) / (count + 2)
    return float(own.mean()), math.sqrt(shrunk * (1 - shrunk) / count)
