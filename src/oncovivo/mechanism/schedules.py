"""Regimens compared: a Pareto front, and how firmly each candidate is on it.

Every candidate is simulated with the same draws of the uncertain numbers, so that candidates are
compared draw by draw. Draws are of what is known about the typical animal; animals do not differ.
There is no best regimen: what is wanted pulls in different directions, so the answer is a front.
Its robustness is the share of the draws in which a candidate is on that draw's own front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fronts import best_at_no_greater_cost, pareto_front
from oncovivo.mechanism.parameters import ResolvedParameters
from oncovivo.mechanism.population import draw_parameters, spread_names, standard_normals
from oncovivo.mechanism.schedule_file import (
    Measure,
    Objective,
    SchedulePlan,
    compound_of,
    cumulative_dose,
    largest_dose,
)
from oncovivo.mechanism.simulate import SimulationWarning, run_arm
from oncovivo.studies.dosing import Regimen

__all__ = [
    "CompoundDose",
    "ObjectiveUse",
    "ObjectiveValue",
    "ScheduleCandidate",
    "ScheduleResult",
    "compare_schedules",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# A volume below that of a cell, (10 µm)³, is that of a cell: logarithms need a floor.
_CELL_MM3: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveUse:
    """An objective, and what its values rest on.

    Parameters
    ----------
    label, unit : str
        In words; the unit, empty for a ratio.
    measure, goal, output, day, over_untreated, compound
        As of :class:`oncovivo.mechanism.schedule_file.Objective`.
    of_output : bool
        Whether it is simulated; else it is the same in all draws.
    relative : bool
        Whether differences and the regret are shares of the value; else they are in its unit.
    assumed, scaled, fixed : tuple of str
        Numbers behind it that are assumed, that are scaled, and that are assumed or scaled and
        do not vary between the draws.
    """

    label: str
    unit: str
    measure: Measure
    goal: Literal["minimize", "maximize"]
    output: str | None
    day: float | None
    over_untreated: bool
    compound: str | None
    of_output: bool
    relative: bool
    assumed: tuple[str, ...]
    scaled: tuple[str, ...]
    fixed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveValue:
    """An objective of a candidate.

    Parameters
    ----------
    typical : float
        With the typical numbers.
    median, lower, upper : float
        Of the draws; all equal to `typical` where nothing varies.
    regret : float or None
        Median over the draws of what is lost to the best candidate of the draw that gives no
        more of any compound in all; a share if the objective is relative. None where the
        objective is no output's, or no candidate within the limits gives as little.
    """

    typical: float
    median: float
    lower: float
    upper: float
    regret: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompoundDose:
    """What a regimen gives of a compound in all, and in its largest dose."""

    compound: str
    cumulative: float
    largest: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCandidate:
    """A regimen among the others.

    Parameters
    ----------
    regimen : str
        In the notation of the field.
    doses : tuple of CompoundDose
        By compound.
    dosing_days : int
        Days with a dose.
    excluded : str
        The limit that it exceeds, empty if none. What doses alone exclude is not simulated.
    values : tuple of ObjectiveValue
        In the order of the objectives; empty where not simulated.
    on_front : bool
        Whether it is on the front of the medians.
    robustness : float or None
        Share of the draws in which it is on the draw's front; None without draws.
    """

    regimen: str
    doses: tuple[CompoundDose, ...]
    dosing_days: int
    excluded: str
    values: tuple[ObjectiveValue, ...]
    on_front: bool
    robustness: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleResult:
    """A comparison of regimens that can be stored.

    Parameters
    ----------
    name, title, note : str
        Of the file.
    simulation, arm : str
        The simulation, and whose numbers were used.
    blocks : tuple of str
        What the model is made of.
    objectives : tuple of ObjectiveUse
        What is wanted.
    candidates : tuple of ScheduleCandidate
        In the order of the plan.
    untreated : tuple of ObjectiveValue
        The same objectives without treatment, which is no candidate.
    draws : int
        Sets of values behind limits and robustness; 0 where no number is uncertain.
    level : float
        Share of them inside the limits.
    negligible : float
        Relative difference of an output that counts as none.
    assumed_cv : float or None
        Uncertainty given to assumed numbers without one.
    varied : tuple of str
        Numbers that differ between the draws.
    assumed, scaled : tuple of str
        Numbers of that status behind the objectives.
    limits : tuple of str
        In words.
    body_weight_output : str or None
        The body weight that was limited; None where tolerability is not judged.
    seed : int
        Of the draws.
    engine : {"numpy", "adaptive", "scipy"}
        How states were integrated.
    warnings : tuple of SimulationWarning
        What to know.
    """

    name: str
    title: str
    note: str
    simulation: str
    arm: str
    blocks: tuple[str, ...]
    objectives: tuple[ObjectiveUse, ...]
    candidates: tuple[ScheduleCandidate, ...]
    untreated: tuple[ObjectiveValue, ...]
    draws: int
    level: float
    negligible: float
    assumed_cv: float | None
    varied: tuple[str, ...]
    assumed: tuple[str, ...]
    scaled: tuple[str, ...]
    limits: tuple[str, ...]
    body_weight_output: str | None
    seed: int
    engine: Engine
    warnings: tuple[SimulationWarning, ...]

    @property
    def front(self) -> tuple[ScheduleCandidate, ...]:
        """Members of the front of the medians, the smallest cost first."""
        costs = [place for place, one in enumerate(self.objectives) if not one.of_output]
        order = costs or range(len(self.objectives))
        signs = [1.0 if one.goal == "minimize" else -1.0 for one in self.objectives]
        return tuple(
            sorted(
                (one for one in self.candidates if one.on_front),
                key=lambda one: (
                    *(signs[at] * one.values[at].median for at in order),
                    one.regimen,
                ),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """A regimen's outputs: the typical animal first, then the draws."""

    days: FloatArray
    outputs: FloatArray
    flagged: int


def compare_schedules(
    plan: SchedulePlan,
    *,
    rng: np.random.Generator,
    seed: int,
    engine: Engine = "adaptive",
    rtol: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> ScheduleResult:
    """Every candidate with its objectives, the front, and how robust it is.

    Parameters
    ----------
    plan : SchedulePlan
        From :func:`oncovivo.mechanism.schedule_file.read_schedules`.
    rng : numpy.random.Generator
        Source of the draws.
    seed : int
        Its seed, to be shown.
    engine : {"numpy", "adaptive", "scipy"}
        How states are integrated.
    rtol : float, optional
        As of :func:`oncovivo.mechanism.engine.simulate_model`.
    progress : callable
        Called with each regimen.

    Raises
    ------
    DataError
        If no candidate stays within the limits, the model is stiff and the engine is not scipy,
        or a number is no longer finite.
    InputError
        If doses do not fit the model.
    """
    spread = _with_assumed_cv(plan.arm.parameters, plan.assumed_cv)
    varied = spread_names(spread)["uncertainty"]
    draws = plan.draws if varied else 0
    parameters = _drawn(spread, draws, rng)
    days = _days(plan)
    exceeded = [_dose_excess(plan, regimen) for regimen in plan.candidates]
    progress("untreated")
    reference = _run(plan, None, parameters, days, engine, rtol)
    unit = _output_measures(plan, reference, None)
    measured: list[FloatArray | None] = []
    flagged = reference.flagged
    for place, regimen in enumerate(plan.candidates):
        if exceeded[place]:
            measured.append(None)
            continue
        progress(str(regimen))
        run = _run(plan, regimen, parameters, days, engine, rtol)
        flagged += run.flagged
        exceeded[place] = _weight_excess(plan, run)
        measured.append(_objective_values(plan, regimen, _output_measures(plan, run, unit)))
    uses = _uses(plan, varied)
    return ScheduleResult(
        name=plan.name,
        title=plan.title,
        note=plan.note,
        simulation=plan.simulation.name,
        arm=plan.arm.name,
        blocks=tuple(block.name for block in plan.simulation.model.blocks),
        objectives=uses,
        candidates=_judged(plan, uses, measured, exceeded),
        untreated=tuple(
            _spread(values, None, plan.level)
            for values in _objective_values(plan, None, _output_measures(plan, reference, unit)).T
        ),
        draws=draws,
        level=plan.level,
        negligible=plan.negligible,
        assumed_cv=plan.assumed_cv,
        varied=varied,
        assumed=_together(use.assumed for use in uses),
        scaled=_together(use.scaled for use in uses),
        limits=_limit_words(plan),
        body_weight_output=(
            None if plan.limits.body_weight is None else plan.limits.body_weight.output
        ),
        seed=seed,
        engine=engine,
        warnings=_warnings(plan, uses, draws, flagged, varied),
    )


def _with_assumed_cv(parameters: ResolvedParameters, cv: float | None) -> ResolvedParameters:
    """Assumed numbers given an uncertainty where they have none."""
    if cv is None:
        return parameters
    return replace(
        parameters,
        entries=tuple(
            replace(entry, uncertainty_cv=cv)
            if entry.status == "assumed" and not entry.uncertainty_cv and _can_vary(entry.value)
            else entry
            for entry in parameters
        ),
    )


def _can_vary(value: float) -> bool:
    """A number that is 0 stays 0 whatever its coefficient of variation."""
    return value != 0.0


def _drawn(parameters: ResolvedParameters, draws: int, rng: np.random.Generator) -> FloatArray:
    """The typical numbers, then the draws of them, shape (1 + d, p)."""
    first = parameters.values[np.newaxis]
    if not draws:
        return first
    typical, animal = standard_normals(draws, parameters, rng=rng)
    drawn = draw_parameters(parameters, typical, animal, kind="uncertainty")
    return np.concatenate((first, drawn))


def _days(plan: SchedulePlan) -> FloatArray:
    """Days that the objectives and limits need."""
    asked = [0.0, *(one.day for one in plan.objectives if one.day is not None)]
    whole = plan.limits.body_weight is not None or any(
        one.measure in ("area", "log_area", "largest") for one in plan.objectives
    )
    grid = plan.simulation.days if whole else np.zeros(0)
    return np.unique(np.concatenate((asked, grid[grid <= plan.last_day])))


def _run(
    plan: SchedulePlan,
    regimen: Regimen | None,
    parameters: FloatArray,
    days: FloatArray,
    engine: Engine,
    rtol: float | None,
) -> _Run:
    """All draws of a regimen in one batch."""
    arm = replace(plan.arm, regimen=regimen, regimen_text="" if regimen is None else str(regimen))
    try:
        found = run_arm(plan.simulation, arm, parameters, days, engine=engine, rtol=rtol)
    except (DataError, InputError) as err:
        where = f"{arm.regimen_text or 'untreated'}: {err.where}".removesuffix(": ")
        raise type(err)(err.expected, found=err.found, where=where, mend=err.mend) from err
    return _Run(days=days, outputs=found.outputs, flagged=int(found.flagged.sum()))


def _output_measures(plan: SchedulePlan, run: _Run, untreated: FloatArray | None) -> FloatArray:
    """Objectives of outputs, shape (1 + d, o); over `untreated`, where asked, if it is given."""
    columns: list[FloatArray] = []
    for objective in plan.objectives:
        if not objective.of_output:
            continue
        values = _measure(plan, objective, run)
        if untreated is not None and objective.over_untreated:
            theirs = untreated[:, len(columns)]
            values = _over(values, theirs, objective)
        columns.append(values)
    return np.column_stack(columns)


def _measure(plan: SchedulePlan, objective: Objective, run: _Run) -> FloatArray:
    """One objective of an output, shape (1 + d,)."""
    names = plan.simulation.model.output_names
    curves = run.outputs[:, :, names.index(objective.output or "")]
    if plan.simulation.model.outputs[names.index(objective.output or "")].kind == "volume":
        curves = np.maximum(curves, _CELL_MM3)
    day = objective.day or 0.0
    until = run.days <= day
    curves, days = curves[:, until], run.days[until]
    if objective.measure == "at_day":
        return curves[:, -1]
    if objective.measure == "largest":
        return np.asarray(curves.max(axis=1))
    if objective.measure == "log_area":
        curves = np.log(curves / curves[:, :1])
    return np.asarray(np.trapezoid(curves, days, axis=1), dtype=np.float64)


def _over(values: FloatArray, untreated: FloatArray, objective: Objective) -> FloatArray:
    """Against no treatment in the same draw."""
    if objective.measure == "log_area":
        return values - untreated
    if not (np.abs(untreated) > 0).all():
        raise InputError(
            "over_untreated only of what is not 0 without treatment",
            found=f"0 for {objective.output}",
            where="[[objectives]]",
        )
    return values / untreated


def _objective_values(
    plan: SchedulePlan, regimen: Regimen | None, outputs: FloatArray
) -> FloatArray:
    """All objectives in order, shape (1 + d, k)."""
    columns, place = [], 0
    for objective in plan.objectives:
        if objective.of_output:
            columns.append(outputs[:, place])
            place += 1
            continue
        value = 0.0
        if regimen is not None and objective.measure == "dosing_days":
            value = float(len(regimen.dosing_days()))
        elif regimen is not None and objective.compound is not None:
            unit = _dose_unit(plan, objective.compound)
            value = cumulative_dose(regimen, objective.compound, unit=unit)
        columns.append(np.full(len(outputs), value))
    return np.column_stack(columns)


def _dose_unit(plan: SchedulePlan, compound: str) -> str:
    """Unit in which the candidates' doses of a compound are counted: that of the first."""
    for regimen in plan.candidates:
        for treatment in regimen.treatments:
            dose = treatment.courses[0].dose
            if compound_of(treatment) == compound.casefold() and dose is not None:
                return dose.unit
    raise InputError("a compound of the candidates", found=repr(compound))


def _dose_excess(plan: SchedulePlan, regimen: Regimen) -> str:
    """The dose limit that a regimen exceeds, empty if none."""
    for compound, most in plan.limits.cumulative_dose:
        given = cumulative_dose(regimen, compound, unit=most.unit)
        if given > most.value * (1 + 1e-9):
            return f"{compound} {given:g} {most.unit} in all, above {most}"
    for compound, most in plan.limits.largest_dose:
        given = largest_dose(regimen, compound, unit=most.unit)
        if given > most.value * (1 + 1e-9):
            return f"{compound} {given:g} {most.unit} at once, above {most}"
    return ""


def _weight_excess(plan: SchedulePlan, run: _Run) -> str:
    """Whether too many draws lose too much body weight."""
    limit = plan.limits.body_weight
    if limit is None:
        return ""
    place = plan.simulation.model.output_names.index(limit.output)
    weight = run.outputs[1:, :, place] if len(run.outputs) > 1 else run.outputs[:, :, place]
    loss = 100 * (1 - weight.min(axis=1) / weight[:, 0])
    share = float((loss <= limit.loss_percent).mean())
    if share >= limit.share:
        return ""
    return (
        f"body weight falls by more than {limit.loss_percent:g} % in {1 - share:.0%} of the draws"
    )


def _uses(plan: SchedulePlan, varied: Sequence[str]) -> tuple[ObjectiveUse, ...]:
    """The objectives with what they rest on."""
    return tuple(_use(plan, objective, varied) for objective in plan.objectives)


def _use(plan: SchedulePlan, objective: Objective, varied: Sequence[str]) -> ObjectiveUse:
    """An objective in words."""
    label, unit, relative = _words(plan, objective)
    behind = (
        plan.simulation.model.parameters_behind(objective.output)
        if objective.output is not None
        else ()
    )
    status = {name: plan.arm.parameters[name].status for name in behind}
    return ObjectiveUse(
        label=label,
        unit=unit,
        measure=objective.measure,
        goal=objective.goal,
        output=objective.output,
        day=objective.day,
        over_untreated=objective.over_untreated,
        compound=objective.compound,
        of_output=objective.of_output,
        relative=relative,
        assumed=tuple(name for name in behind if status[name] == "assumed"),
        scaled=tuple(name for name in behind if status[name] == "scaled"),
        fixed=tuple(
            name for name in behind if status[name] in ("assumed", "scaled") and name not in varied
        ),
    )


def _words(plan: SchedulePlan, objective: Objective) -> tuple[str, str, bool]:
    """Label, unit, and whether differences are relative."""
    if objective.measure == "dosing_days":
        return "days with a dose", "day", False
    if objective.compound is not None:
        return f"{objective.compound} in all", _dose_unit(plan, objective.compound), False
    output = next(one for one in plan.simulation.model.outputs if one.name == objective.output)
    name, day = output.name.replace("_", " "), f"{objective.day or 0.0:g}"
    symbol = "" if output.unit.symbol == "1" else output.unit.symbol
    label, unit = {
        "at_day": (f"{name}, day {day}", symbol),
        "largest": (f"largest {name} to day {day}", symbol),
        "area": (f"area of {name} to day {day}", f"{symbol}·day" if symbol else "day"),
        "log_area": (f"area of ln {name} over day 0, to day {day}", "day"),
    }[objective.measure]
    if objective.over_untreated and objective.measure == "log_area":
        return f"{label}, minus untreated", unit, False
    if objective.over_untreated:
        return f"{label}, over untreated", "", output.kind == "volume"
    return label, unit, output.kind == "volume" and objective.measure != "log_area"


def _judged(
    plan: SchedulePlan,
    uses: Sequence[ObjectiveUse],
    measured: Sequence[FloatArray | None],
    exceeded: Sequence[str],
) -> tuple[ScheduleCandidate, ...]:
    """The candidates with front, robustness and regret."""
    admissible = np.array([not words for words in exceeded])
    if not admissible.any():
        first = f"{plan.candidates[0]}: {exceeded[0]}"
        raise DataError(
            "a candidate within the limits", found=f"none of {len(exceeded)}; {first}",
            where=plan.name, mend="raise the limits or add smaller doses",
        )  # fmt: skip
    simulated = [place for place, values in enumerate(measured) if values is not None]
    kept = [values for values in measured if values is not None]
    values = np.stack(kept, axis=1)
    inside = admissible[simulated]
    drawn = values[1:] if len(values) > 1 else values
    middle = np.median(drawn, axis=0, keepdims=True)
    typical_front = pareto_front(*_comparable(plan, uses, middle, inside), inside)[0]
    shares = pareto_front(*_comparable(plan, uses, drawn, inside), inside).mean(axis=0)
    doses = [_doses(plan, plan.candidates[place]) for place in simulated]
    regrets = _regrets(uses, drawn, _paid(doses), inside)
    found = []
    for place, regimen in enumerate(plan.candidates):
        at = simulated.index(place) if place in simulated else None
        within = at is not None and not exceeded[place]
        found.append(
            ScheduleCandidate(
                regimen=str(regimen),
                doses=_doses(plan, regimen),
                dosing_days=len(regimen.dosing_days()),
                excluded=exceeded[place],
                values=()
                if at is None
                else tuple(
                    _spread(values[:, at, number], regrets[number][at], plan.level)
                    for number in range(len(uses))
                ),
                on_front=bool(at is not None and typical_front[at]),
                robustness=float(shares[at])
                if at is not None and within and len(values) > 1
                else None,
            )
        )
    return tuple(found)


def _comparable(
    plan: SchedulePlan, uses: Sequence[ObjectiveUse], values: FloatArray, inside: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Values (d, c, k) to be small, and the tolerance (d, k) of each.

    Volumes are compared on the log scale. Any other output has a tolerance of a share of its
    largest value among the candidates of the draw; what follows from the regimen has none.
    """
    scaled, tolerance = values.copy(), np.zeros((len(values), len(uses)))
    for place, use in enumerate(uses):
        if use.relative:
            scaled[:, :, place] = np.log(values[:, :, place])
            tolerance[:, place] = math.log1p(plan.negligible)
        elif use.measure == "log_area":
            tolerance[:, place] = math.log1p(plan.negligible) * (use.day or 0.0)
        elif use.of_output:
            largest = np.abs(values[:, inside, place]).max(axis=1)
            tolerance[:, place] = plan.negligible * largest
        if use.goal == "maximize":
            scaled[:, :, place] *= -1
    return scaled, tolerance


def _paid(doses: Sequence[tuple[CompoundDose, ...]]) -> FloatArray:
    """Cumulative doses, shape (c, m), of every compound that a candidate has."""
    names = _together([one.compound for one in given] for given in doses)
    rows = [{one.compound: one.cumulative for one in given} for given in doses]
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def _regrets(
    uses: Sequence[ObjectiveUse], values: FloatArray, paid: FloatArray, inside: BoolArray
) -> list[list[float | None]]:
    """Median loss of each candidate to the draw's best at no greater doses, by objective."""
    found: list[list[float | None]] = []
    for place, use in enumerate(uses):
        if not use.of_output:
            found.append([None] * values.shape[1])
            continue
        own = values[:, :, place] * (1.0 if use.goal == "minimize" else -1.0)
        best = best_at_no_greater_cost(own, paid, inside)
        loss = own - best
        if use.relative:
            loss = loss / np.abs(best)
        # Without a candidate to lose to, the best is infinite.
        found.append(
            [
                float(np.median(loss[:, at])) if np.isfinite(best[:, at]).all() else None
                for at in range(values.shape[1])
            ]
        )
    return found


def _spread(values: FloatArray, regret: float | None, level: float) -> ObjectiveValue:
    """The typical value and the limits of the draws."""
    drawn = values[1:] if len(values) > 1 else values
    tail = (1 - level) / 2
    lower, median, upper = np.quantile(drawn, (tail, 0.5, 1 - tail))
    return ObjectiveValue(
        typical=float(values[0]),
        median=float(median),
        lower=float(lower),
        upper=float(upper),
        regret=regret,
    )


def _doses(plan: SchedulePlan, regimen: Regimen) -> tuple[CompoundDose, ...]:
    """Doses by compound, in the order of the regimen."""
    names = dict.fromkeys(compound_of(treatment) for treatment in regimen.treatments)
    return tuple(
        CompoundDose(
            compound=name,
            cumulative=cumulative_dose(regimen, name, unit=unit),
            largest=largest_dose(regimen, name, unit=unit),
            unit=unit,
        )
        for name in names
        for unit in (_dose_unit(plan, name),)
    )


def _limit_words(plan: SchedulePlan) -> tuple[str, ...]:
    """Limits as sentences."""
    found = [f"{name} at most {dose} in all" for name, dose in plan.limits.cumulative_dose]
    found += [f"{name} at most {dose} at once" for name, dose in plan.limits.largest_dose]
    weight = plan.limits.body_weight
    if weight is not None:
        found.append(
            f"body weight ({weight.output}) falls by at most {weight.loss_percent:g} % in at "
            f"least {weight.share:.0%} of the draws"
        )
    return tuple(found)


def _together(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Names of all groups, each once."""
    return tuple(dict.fromkeys(name for group in groups for name in group))


def _warnings(
    plan: SchedulePlan,
    uses: Sequence[ObjectiveUse],
    draws: int,
    flagged: int,
    varied: Sequence[str],
) -> tuple[SimulationWarning, ...]:
    """What to know."""
    found = {
        "no_body_weight": ""
        if plan.limits.body_weight is not None
        else "no body weight is limited, so tolerability is not judged: the front may hold "
        "regimens that animals would not bear",
        "no_spread": ""
        if draws
        else "no number has an uncertainty: robustness is not known, which does not mean that "
        "the front is certain",
        "fixed_numbers": _fixed_words(uses) if varied else "",
        "error_above_tolerance": f"{flagged} simulated draws: the estimated error of an output "
        "is above the tolerance"
        if flagged
        else "",
    }
    return tuple(
        SimulationWarning(code=code, message=words) for code, words in found.items() if words
    )


def _fixed_words(uses: Sequence[ObjectiveUse]) -> str:
    """How many uncertain numbers the draws leave alone."""
    fixed = _together(use.fixed for use in uses)
    if not fixed:
        return ""
    total = len(_together((*use.assumed, *use.scaled) for use in uses))
    return (
        f"{len(fixed)} of {total} assumed or scaled numbers do not vary between the draws, so "
        "limits and robustness are too favorable: " + ", ".join(fixed)
    )
