"""Power of a planned growth study, simulated with the analysis that will be used.

Simulated studies are fitted by the engine of ``oncovivo growth`` and tested with Kenward-Roger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.design.power_closed_form import critical_value
from oncovivo.design.power_plan import PowerPlan
from oncovivo.errors import InputError
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import growth_problem
from oncovivo.growth.many import ManyFits, fit_many
from oncovivo.growth.model import GrowthModel
from oncovivo.growth.replicates import Replicates
from oncovivo.growth.terms import fixed_terms
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

_MODELS: Final = {
    "common": GrowthModel(),
    "arm": GrowthModel(intercept="arm"),
    "ratio": GrowthModel(baseline="ratio"),
}
# Studies that are held in memory at once.
_CHUNK: Final = 1000
# Degrees of freedom at which the critical value of the largest |t| is found; between them it is
# interpolated along 1 / df, where it is nearly straight.
_NODES: Final = 33
# With more degrees of freedom t is normal to the digits that are shown.
_MANY: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPower:
    """Power of one question by simulation.

    Parameters
    ----------
    label : str
        The question.
    truth : float
        Assumed answer, natural log per day.
    power, power_error : float
        Share of studies that reject 0, and its Monte Carlo standard error.
    type_one, type_one_error : float
        The same where the answer is 0.
    std_error : float
        Median standard error of the estimate.
    """

    label: str
    truth: float
    power: float
    power_error: float
    type_one: float
    type_one_error: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower:
    """Power of a plan by simulation.

    Parameters
    ----------
    questions : tuple of QuestionPower
        One after the other.
    any_power, any_power_error : float
        Share of studies in which at least one question is answered, and its error.
    any_type_one, any_type_one_error : float
        The same where all answers are 0: the family-wise error.
    singular, left_early : float
        Shares: of fits on the boundary, of animals that leave before the last day.
    not_converged : int
        Studies without an optimum; they reject nothing where there is no estimate.
    replicates : int
        Simulated studies.
    """

    questions: tuple[QuestionPower, ...]
    any_power: float
    any_power_error: float
    any_type_one: float
    any_type_one_error: float
    singular: float
    left_early: float
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
        In every arm.
    last_day : float
        Day of the last reading.
    result : SimulatedPower
        What comes out.
    """

    animals: int
    last_day: float
    result: SimulatedPower


def power_by_simulation(
    plan: PowerPlan,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    executor: Executor | None = None,
    chunk: int = _CHUNK,
) -> SimulatedPower:
    """Power and type I error from simulated studies, fitted and tested as real ones.

    Where an animal leaves at the size limit, the studies at the null are simulated with the same
    random numbers; else a difference is added to the readings of a fit that it does not change,
    and one fit serves both.

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
    design = _Design(plan)
    rejected: list[BoolArray] = []
    falsely: list[BoolArray] = []
    errors: list[FloatArray] = []
    singular = left = lost = 0.0
    for low in range(0, plan.replicates, chunk):
        count = min(chunk, plan.replicates - low)
        drawn = rng.standard_normal((count, int(plan.sizes.sum()), 2 + len(plan.days)))
        size, read = _readings(plan, drawn)
        fits = design.fit(size, read, executor)
        rejected.append(design.rejects(fits, 0.0))
        if plan.size_limit is None:
            falsely.append(design.rejects(fits, plan.truth))
        else:
            at_null = design.fit(*_readings(plan.at_null(), drawn), executor)
            falsely.append(design.rejects(at_null, 0.0))
        errors.append(fits.std_error)
        singular += float(fits.singular.sum())
        lost += float((~fits.converged).sum())
        left += float((~read[:, :, -1]).mean(axis=1).sum())
        if progress is not None:
            progress(low + count, plan.replicates)
    return _summary(
        plan,
        np.concatenate(rejected),
        np.concatenate(falsely),
        np.concatenate(errors),
        singular=singular / plan.replicates,
        left=left / plan.replicates,
        lost=int(lost),
    )


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
        In every arm.
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
        GridCell(animals=own.arms[0].animals, last_day=own.days[-1], result=result)
        for (own, _), result in zip(cells, results, strict=True)
    )


def _cell(part: tuple[PowerPlan, list[int]]) -> SimulatedPower:
    """One cell of a grid."""
    plan, seed = part
    return power_by_simulation(plan, rng=np.random.default_rng(seed))


def _readings(plan: PowerPlan, drawn: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Log sizes and which of them are there, each of shape (studies, animals, days)."""
    days = np.array(plan.days)
    rates = np.repeat(plan.rates, plan.sizes) + plan.rate_sd * drawn[:, :, 0]
    start = math.log(plan.start) + plan.start_sd * drawn[:, :, 1]
    size = start[..., None] + rates[..., None] * days + plan.reading_sd * drawn[:, :, 2:]
    if plan.size_limit is None:
        return size, np.ones(size.shape, dtype=bool)
    over = size >= math.log(plan.size_limit)
    return size, np.cumsum(over, axis=2) - over < 1


class _Design:
    """The planned study as the engine takes it."""

    def __init__(self, plan: PowerPlan) -> None:
        self._plan = plan
        readings = len(plan.days)
        animals = int(plan.sizes.sum())
        names = [arm.name for arm in plan.arms]
        data = growth_data_from_arrays(
            arm=np.repeat(names, plan.sizes * readings).tolist(),
            animal_id=[f"m{number}" for number in range(animals) for _ in plan.days],
            time=np.tile(np.array(plan.days, dtype=np.float64), animals),
            log_size=np.zeros(animals * readings),
        )
        model = _MODELS[plan.model]
        terms = fixed_terms(data, model)
        self._rows = terms.rows
        self._problem = growth_problem(data, model, terms)
        rates = np.array([terms.rate(place) for place in range(len(names))])
        self._weights = plan.contrasts @ rates
        # Closest where 1 / df is small, as it is in all but the smallest studies.
        nodes = np.linspace(0.0, 1.0, _NODES) ** 2
        values = np.zeros(_NODES)
        if plan.question == "dunnett":
            values[:] = [
                critical_value(plan, 1 / node if node > 0 else math.inf) for node in nodes.tolist()
            ]
        self._nodes = (nodes, values)

    def fit(self, size: FloatArray, read: BoolArray, executor: Executor | None) -> ManyFits:
        """Fits of simulated studies."""
        plan = self._plan
        outcomes = size - size[:, :, :1] if plan.model == "ratio" else size
        count = len(size)
        complete = plan.size_limit is None
        studies = Replicates(
            design=self._problem,
            outcomes=outcomes.reshape(count, -1)[:, self._rows],
            observed=None if complete else read.reshape(count, -1)[:, self._rows],
        )
        return fit_many(studies, self._weights, executor=executor)

    def rejects(self, fits: ManyFits, truth: FloatArray | float) -> BoolArray:
        """Whether each study rejects that the answers are these, shape (studies, questions)."""
        off = np.abs(fits.estimate - truth)
        return np.asarray(off > self._critical(fits.df) * fits.std_error, dtype=bool)

    def _critical(self, df: FloatArray) -> FloatArray:
        """Critical values at the degrees of freedom of each fit."""
        plan = self._plan
        if plan.question != "dunnett" or len(plan.arms) == 2:
            return np.asarray(special.stdtrit(df, 0.5 + plan.level / 2), dtype=np.float64)
        # The family's degrees of freedom are the smallest of its questions, as in the analysis.
        smallest = np.minimum(df.min(axis=1, keepdims=True), _MANY)
        return np.asarray(np.interp(1 / smallest, *self._nodes), dtype=np.float64)


def _summary(
    plan: PowerPlan,
    rejected: BoolArray,
    falsely: BoolArray,
    errors: FloatArray,
    *,
    singular: float,
    left: float,
    lost: int,
) -> SimulatedPower:
    """Shares and their Monte Carlo errors."""
    questions = []
    for place, (label, truth) in enumerate(zip(plan.labels, plan.truth.tolist(), strict=True)):
        power, power_error = _share(rejected[:, place])
        type_one, type_one_error = _share(falsely[:, place])
        questions.append(
            QuestionPower(
                label=label,
                truth=truth,
                power=power,
                power_error=power_error,
                type_one=type_one,
                type_one_error=type_one_error,
                std_error=float(np.nanmedian(errors[:, place])),
            )
        )
    any_power, any_power_error = _share(np.asarray(rejected.any(axis=1)))
    any_type_one, any_type_one_error = _share(np.asarray(falsely.any(axis=1)))
    return SimulatedPower(
        questions=tuple(questions),
        any_power=any_power,
        any_power_error=any_power_error,
        any_type_one=any_type_one,
        any_type_one_error=any_type_one_error,
        singular=singular,
        left_early=left,
        not_converged=lost,
        replicates=plan.replicates,
    )


def _share(found: BoolArray) -> tuple[float, float]:
    """A share and its standard error, which is not 0 where all or none are found."""
    count = found.size
    shrunk = (float(found.sum()) + 1) / (count + 2)
    return float(found.mean()), math.sqrt(shrunk * (1 - shrunk) / count)
