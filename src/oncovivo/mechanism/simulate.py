"""A simulation, run: every arm's animals as arrays, and medians with limits by day.

The same animals are in every arm: draw i has the same luck everywhere, so that arms are compared
animal by animal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.mechanism.blocks import Output
from oncovivo.mechanism.doses import DoseTable
from oncovivo.mechanism.engine import (
    Engine,
    EventTable,
    SimulatedModel,
    dose_paths,
    simulate_model,
)
from oncovivo.mechanism.model import Model
from oncovivo.mechanism.parameters import ResolvedParameters, Status
from oncovivo.mechanism.population import draw_parameters, spread_names, standard_normals
from oncovivo.mechanism.regimen_doses import doses_of_compound, radiation_fractions
from oncovivo.mechanism.simulation_file import BandKind, SimulatedArm, Simulation

__all__ = [
    "ArmResult",
    "Comparison",
    "Direction",
    "OutputCurve",
    "ParameterUse",
    "SimulationResult",
    "SimulationWarning",
    "arm_doses",
    "run_arm",
    "simulate",
]

FloatArray: TypeAlias = NDArray[np.float64]
Direction: TypeAlias = Literal["lower", "higher", "none"]

_RADIATION = "radiation"
# Relative difference that two runs of the same equations may show.
_SOLVER_ERROR = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterUse:
    """A number behind a simulation, in the unit of the model; ``arms`` where it is theirs only."""

    name: str
    value: float
    unit: str
    status: Status
    source: str
    citation: str
    origin: str
    meaning: str
    between_animal_cv: float | None
    between_animal_sd: float | None
    uncertainty_cv: float | None
    note: str
    arms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputCurve:
    """An output of an arm by day, all tuples as long as the simulation's days.

    Parameters
    ----------
    name, unit, meaning, kind : str
        What it is; kind is concentration, occupancy, marker, volume, rate or other.
    typical : tuple of float
        Of the animal with the typical values.
    median, lower, upper : tuple of float
        Of the draws, with the limits of the band; all equal to `typical` where nothing varies.
    assumed, scaled : tuple of str
        Parameters behind it that are assumed, and that are scaled.
    """

    name: str
    unit: str
    meaning: str
    kind: str
    typical: tuple[float, ...]
    median: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    assumed: tuple[str, ...]
    scaled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """An arm: its regimen, what is its own, the days of its doses, and its outputs."""

    arm: str
    regimen: str
    changed: tuple[str, ...]
    dose_days: tuple[float, ...]
    outputs: tuple[OutputCurve, ...]

    def output(self, name: str) -> OutputCurve:
        """An output by name.

        Raises
        ------
        KeyError
            If the arm does not have it.
        """
        for curve in self.outputs:
            if curve.name == name:
                return curve
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An arm against the control on a day, animal by animal.

    Parameters
    ----------
    arm, versus, output, unit : str
        What is compared.
    time_d : float
        The day.
    median, lower, upper : float
        Of the arm's output.
    ratio, ratio_lower, ratio_upper : float or None
        Arm over control of the same animal; None where the control is 0.
    direction : {"lower", "higher", "none"}
        Of the arm against the control; none where the limits of their difference hold 0.
    assumed_count, scaled_count : int
        Parameters of that status behind the output.
    """

    arm: str
    versus: str
    output: str
    unit: str
    time_d: float
    median: float
    lower: float
    upper: float
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None
    direction: Direction
    assumed_count: int
    scaled_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationWarning:
    """Something to know about a simulation: a stable code, one line, and which arm."""

    code: str
    message: str
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """A simulation in numbers that can be stored.

    Parameters
    ----------
    name, title, note : str
        Of the file.
    blocks : tuple of str
        What the model is made of.
    parameters : tuple of ParameterUse
        Every number; one that differs by arm comes once for each value.
    control : str
        Arm that others are compared with.
    days : tuple of float
        Days of the outputs.
    band : {"between_animal", "uncertainty", "both"}
        What limits hold.
    draws : int
        Draws behind them; 0 where no parameter varies.
    level : float
        Share of draws inside them.
    seed : int
        Of the draws.
    engine : {"numpy", "adaptive", "scipy"}
        How states were integrated.
    arms : tuple of ArmResult
        The arms.
    comparisons : tuple of Comparison
        Every arm against the control on the report days.
    warnings : tuple of SimulationWarning
        What to know.
    """

    name: str
    title: str
    note: str
    blocks: tuple[str, ...]
    parameters: tuple[ParameterUse, ...]
    control: str
    days: tuple[float, ...]
    band: BandKind
    draws: int
    level: float
    seed: int
    engine: Engine
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Comparison, ...]
    warnings: tuple[SimulationWarning, ...]

    def count(self, status: Status) -> int:
        """Parameters of a status, by name."""
        return len({use.name for use in self.parameters if use.status == status})


def arm_doses(
    model: Model, arm: SimulatedArm
) -> tuple[dict[str, DoseTable], dict[str, EventTable]]:
    """Doses of an arm by compound, and its events by kind.

    Raises
    ------
    DataError
        If the regimen leaves its doses open.
    InputError
        If a route or unit does not fit the model, or a dose is before day 0.
    """
    if arm.regimen is None:
        return {}, {}
    values = arm.parameters.values
    doses = {
        pk.compound: doses_of_compound(
            arm.regimen,
            pk.compound,
            dose_paths(pk, values),
            amount_unit=pk.amount_unit.symbol,
        )
        for pk in model.pk
    }
    fractions = radiation_fractions(arm.regimen)
    events = (
        {_RADIATION: EventTable(time=fractions.time, dose=fractions.dose)}
        if fractions.time.size
        else {}
    )
    return {name: table for name, table in doses.items() if len(table)}, events


def run_arm(
    simulation: Simulation,
    arm: SimulatedArm,
    parameters: FloatArray,
    days: FloatArray,
    *,
    engine: Engine = "adaptive",
    rtol: float | None = None,
) -> SimulatedModel:
    """The outputs of animals of an arm.

    Parameters
    ----------
    simulation : Simulation
        With the model.
    arm : SimulatedArm
        What they receive.
    parameters : ndarray, shape (n, p)
        Of each animal.
    days : ndarray, shape (t,)
        Days of the outputs.
    engine, rtol
        As of :func:`oncovivo.mechanism.engine.simulate_model`.
    """
    doses, events = arm_doses(simulation.model, arm)
    return simulate_model(
        simulation.model,
        parameters,
        doses,
        days,
        events=events,
        engine=engine,
        rtol=rtol,
    )


def simulate(
    simulation: Simulation,
    *,
    rng: np.random.Generator,
    seed: int,
    engine: Engine = "adaptive",
    rtol: float | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> SimulationResult:
    """Every arm of a simulation, with limits by day and comparisons on the report days.

    Parameters
    ----------
    simulation : Simulation
        What to run.
    rng : numpy.random.Generator
        Source of the draws.
    seed : int
        Its seed, to be shown.
    engine : {"numpy", "adaptive", "scipy"}
        How states are integrated.
    rtol : float, optional
        As of :func:`oncovivo.mechanism.engine.simulate_model`.
    progress : callable
        Called with the name of each arm.

    Raises
    ------
    DataError
        If the model is stiff and the engine is not scipy, or a number is no longer finite.
    InputError
        If doses do not fit the model.
    """
    band, model = simulation.band, simulation.model
    varying = {name for arm in simulation.arms for name in _varying(arm.parameters, band.kind)}
    draws = band.draws if varying else 0
    typical, animal = standard_normals(max(draws, 1), simulation.arms[0].parameters, rng=rng)
    places = [model.output_names.index(name) for name in simulation.outputs]
    behind = {name: model.parameters_behind(name) for name in simulation.outputs}
    runs: dict[str, tuple[FloatArray, FloatArray]] = {}
    warnings = _warnings(simulation, draws)
    for arm in simulation.arms:
        progress(arm.name)
        first = arm.parameters.values[np.newaxis]
        drawn = (
            draw_parameters(arm.parameters, typical, animal, kind=band.kind)
            if draws
            else first[:0]
        )
        found = run_arm(
            simulation,
            arm,
            np.concatenate((first, drawn)),
            simulation.days,
            engine=engine,
            rtol=rtol,
        )
        outputs = found.outputs[:, :, places]
        runs[arm.name] = outputs[0], outputs[1:] if draws else outputs
        if (count := int(found.flagged.sum())) > 0:
            message = (
                f"{count} of {len(found.flagged)} animals: the estimated error of an output is "
                "above the tolerance; take --engine adaptive or scipy"
            )
            warnings.append(
                SimulationWarning(code="error_above_tolerance", message=message, arm=arm.name)
            )
    return SimulationResult(
        name=simulation.name,
        title=simulation.title,
        note=simulation.note,
        blocks=tuple(block.name for block in model.blocks),
        parameters=_uses(simulation),
        control=simulation.control,
        days=tuple(simulation.days.tolist()),
        band=band.kind,
        draws=draws,
        level=band.level,
        seed=seed,
        engine=engine,
        arms=tuple(
            _arm_result(simulation, arm, *runs[arm.name], behind) for arm in simulation.arms
        ),
        comparisons=_comparisons(simulation, runs, behind),
        warnings=tuple(warnings),
    )


def _varying(parameters: ResolvedParameters, kind: BandKind) -> set[str]:
    """Parameters that a band of this kind moves."""
    spread = spread_names(parameters)
    if kind == "both":
        return {*spread["between_animal"], *spread["uncertainty"]}
    return set(spread[kind])


def _limits(draws: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Median and limits over the first axis."""
    tail = (1 - level) / 2
    lower, median, upper = np.quantile(draws, (tail, 0.5, 1 - tail), axis=0)
    return median, lower, upper


def _arm_result(
    simulation: Simulation,
    arm: SimulatedArm,
    typical: FloatArray,
    draws: FloatArray,
    behind: dict[str, tuple[str, ...]],
) -> ArmResult:
    """An arm's curves."""
    median, lower, upper = _limits(draws, simulation.band.level)
    doses, events = arm_doses(simulation.model, arm)
    given = [*(table.time for table in doses.values()), *(event.time for event in events.values())]
    dose_days = np.unique(np.concatenate(given)) if given else np.zeros(0)
    outputs = {output.name: output for output in simulation.model.outputs}
    return ArmResult(
        arm=arm.name,
        regimen=arm.regimen_text,
        changed=arm.changed,
        dose_days=tuple(dose_days.tolist()),
        outputs=tuple(
            _curve(
                outputs[name],
                typical[:, place],
                median[:, place],
                lower[:, place],
                upper[:, place],
                arm.parameters,
                behind[name],
            )
            for place, name in enumerate(simulation.outputs)
        ),
    )


def _curve(
    output: Output,
    typical: FloatArray,
    median: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    parameters: ResolvedParameters,
    behind: tuple[str, ...],
) -> OutputCurve:
    """An output's curve."""
    return OutputCurve(
        name=output.name,
        unit=output.unit.symbol,
        meaning=output.meaning,
        kind=output.kind,
        typical=tuple(typical.tolist()),
        median=tuple(median.tolist()),
        lower=tuple(lower.tolist()),
        upper=tuple(upper.tolist()),
        assumed=tuple(name for name in behind if parameters[name].status == "assumed"),
        scaled=tuple(name for name in behind if parameters[name].status == "scaled"),
    )


def _comparisons(
    simulation: Simulation,
    runs: dict[str, tuple[FloatArray, FloatArray]],
    behind: dict[str, tuple[str, ...]],
) -> tuple[Comparison, ...]:
    """Every arm against the control on the report days."""
    rows = []
    outputs = {output.name: output for output in simulation.model.outputs}
    reference = runs[simulation.control][1]
    for arm in simulation.arms:
        if arm.name == simulation.control:
            continue
        own = runs[arm.name][1]
        for day in simulation.report_days:
            at = int(np.argmin(np.abs(simulation.days - day)))
            for place, name in enumerate(simulation.outputs):
                mine, theirs = own[:, at, place], reference[:, at, place]
                median, lower, upper = _limits(mine, simulation.band.level)
                ratio = _ratio(mine, theirs, simulation.band.level)
                statuses = [arm.parameters[parameter].status for parameter in behind[name]]
                rows.append(
                    Comparison(
                        arm=arm.name,
                        versus=simulation.control,
                        output=name,
                        unit=outputs[name].unit.symbol,
                        time_d=float(day),
                        median=float(median),
                        lower=float(lower),
                        upper=float(upper),
                        ratio=ratio[0],
                        ratio_lower=ratio[1],
                        ratio_upper=ratio[2],
                        direction=_direction(mine - theirs, theirs, simulation.band.level),
                        assumed_count=statuses.count("assumed"),
                        scaled_count=statuses.count("scaled"),
                    )
                )
    return tuple(rows)


def _ratio(
    mine: FloatArray, theirs: FloatArray, level: float
) -> tuple[float | None, float | None, float | None]:
    """Median and limits of arm over control; None where the control is 0 in any draw."""
    if not (np.abs(theirs) > 0).all():
        return None, None, None
    median, lower, upper = _limits(mine / theirs, level)
    return float(median), float(lower), float(upper)


def _direction(difference: FloatArray, theirs: FloatArray, level: float) -> Direction:
    """Where the limits of the difference lie; what the solver may err by is no difference."""
    _, lower, upper = _limits(difference, level)
    largest = max(float(np.abs(theirs).max()), float(np.abs(theirs + difference).max()))
    least = max(_SOLVER_ERROR * largest, math.ulp(0.0))
    if upper < -least:
        return "lower"
    return "higher" if lower > least else "none"


def _uses(simulation: Simulation) -> tuple[ParameterUse, ...]:
    """Every number, once for each value that it has among the arms."""
    rows = []
    for name in simulation.model.parameter_names:
        values: dict[tuple[float, str, str], list[str]] = {}
        for arm in simulation.arms:
            entry = arm.parameters[name]
            values.setdefault((entry.value, entry.status, entry.origin), []).append(arm.name)
        for arms in values.values():
            entry = next(arm.parameters[name] for arm in simulation.arms if arm.name == arms[0])
            rows.append(
                ParameterUse(
                    name=name,
                    value=entry.value,
                    unit=entry.unit.symbol,
                    status=entry.status,
                    source=entry.source,
                    citation=entry.citation,
                    origin=entry.origin,
                    meaning=entry.meaning,
                    between_animal_cv=entry.between_animal_cv,
                    between_animal_sd=entry.between_animal_sd,
                    uncertainty_cv=entry.uncertainty_cv,
                    note=entry.note,
                    arms=tuple(arms) if len(values) > 1 else (),
                )
            )
    return tuple(rows)


def _warnings(simulation: Simulation, draws: int) -> list[SimulationWarning]:
    """What to know before anything has run."""
    found = []
    if not draws:
        what = {
            "between_animal": "no parameter differs between animals",
            "uncertainty": "no parameter has an uncertainty",
            "both": "no parameter differs between animals or is uncertain",
        }[simulation.band.kind]
        message = f"{what}: curves have no limits, which does not mean that they are certain"
        found.append(SimulationWarning(code="no_spread", message=message))
    return found
