"""The typical animal of one arm as one system of equations, for programs that know no blocks.

Linear PK, which is solved in closed form here, is written out as equations of amounts; doses,
infusions and fractions of radiation become changes at times. What happens at one time is one
change, in the order of :mod:`oncovivo.mechanism.engine`: doses first, then events that see the
concentrations behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.blocks import PkSystem
from oncovivo.mechanism.dimensions import CompoundUnit, parse_compound_unit
from oncovivo.mechanism.doses import DoseInputs, DoseTable, place_doses
from oncovivo.mechanism.engine import EventTable, dose_paths
from oncovivo.mechanism.expressions import Expression, Name, Number, number, over, plus, times
from oncovivo.mechanism.model import Model, PkModel
from oncovivo.mechanism.parameters import ResolvedParameter, ResolvedParameters
from oncovivo.mechanism.scaling import per_day, ratio_unit, scale_to
from oncovivo.mechanism.simulate import arm_doses
from oncovivo.mechanism.simulation_file import SimulatedArm, Simulation

__all__ = [
    "Assignment",
    "Change",
    "DoseSize",
    "FlatState",
    "Inflow",
    "TypicalAnimal",
    "body_weight_grams",
    "chosen_arm",
    "typical_animal",
    "typical_animal_of",
]

_DAY: Final = parse_compound_unit("day")
_PER_DAY: Final = parse_compound_unit("1/day")
_PURE: Final = parse_compound_unit("1")
_GRAM: Final = parse_compound_unit("g")
_SAME_TIME: Final = 1e-9
"""Days; what is closer happens at one time, as in the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatState:
    """A state, its value at day 0 and its rate per day; amounts of PK are states here."""

    name: str
    unit: CompoundUnit
    meaning: str
    initial: Expression
    rate: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflow:
    """Amount per day that infusions bring into a compartment; 0 at first, then as changes say."""

    name: str
    unit: CompoundUnit
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSize:
    """What a dose, a running infusion or a fraction of radiation brings, as a number by name."""

    name: str
    unit: CompoundUnit
    meaning: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A quantity that others give at each moment."""

    name: str
    unit: CompoundUnit
    meaning: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New values of states and inflows at a time, all from the values before."""

    time: float
    meaning: str
    values: Mapping[str, Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalAnimal:
    """One arm as equations.

    Parameters
    ----------
    name, title, note : str
        Of the model; `name` is an identifier.
    arm, regimen : str
        Whose doses these are, and as written.
    parameters : tuple of ResolvedParameter
        The arm's numbers in the units of the model.
    states : tuple of FlatState
        Amounts of PK first.
    inflows : tuple of Inflow
        One for each compartment that is infused.
    sizes : tuple of DoseSize
        Numbers that `changes` name.
    assignments : tuple of Assignment
        Each after what it uses.
    changes : tuple of Change
        Rising in time.
    outputs : mapping of str to str
        Name that stands for each output of the model.
    """

    name: str
    title: str
    note: str
    arm: str
    regimen: str
    parameters: tuple[ResolvedParameter, ...]
    states: tuple[FlatState, ...]
    inflows: tuple[Inflow, ...]
    sizes: tuple[DoseSize, ...]
    assignments: tuple[Assignment, ...]
    changes: tuple[Change, ...]
    outputs: Mapping[str, str]


def chosen_arm(simulation: Simulation, arm: str | None) -> SimulatedArm:
    """The arm of that name, or the only one.

    Raises
    ------
    InputError
        If there is no such arm, or several and none is named.
    """
    names = ", ".join(repr(one.name) for one in simulation.arms)
    if arm is None:
        if len(simulation.arms) > 1:
            raise InputError(
                f"the name of one arm: {names}",
                found="none",
                where=simulation.name,
                mend="name it with --arm",
            )
        return simulation.arms[0]
    for one in simulation.arms:
        if one.name == arm:
            return one
    raise InputError(f"an arm of the simulation: {names}", found=repr(arm), where=simulation.name)


def typical_animal_of(simulation: Simulation, arm: str | None = None) -> TypicalAnimal:
    """The typical animal of one arm of a simulation.

    Parameters
    ----------
    simulation : Simulation
        As read from its file.
    arm : str, optional
        Which arm; may be left out where there is one only.

    Raises
    ------
    InputError
        If the arm is not there, or its doses do not fit the model.
    DataError
        If the regimen leaves its doses open.
    """
    one = chosen_arm(simulation, arm)
    doses, events = arm_doses(simulation.model, one)
    return typical_animal(
        simulation.model,
        one.parameters,
        doses,
        events=events,
        name=simulation.name,
        title=simulation.title,
        note=simulation.note,
        arm=one.name,
        regimen=one.regimen_text,
    )


def typical_animal(
    model: Model,
    parameters: ResolvedParameters,
    doses: Mapping[str, DoseTable],
    *,
    events: Mapping[str, EventTable] | None = None,
    name: str = "model",
    title: str = "",
    note: str = "",
    arm: str = "",
    regimen: str = "",
) -> TypicalAnimal:
    """A model under doses as equations of one animal.

    Parameters
    ----------
    model : Model
        The equations.
    parameters : ResolvedParameters
        Its numbers.
    doses : mapping of str to DoseTable
        By compound, as for :func:`oncovivo.mechanism.engine.simulate_model`.
    events : mapping of str to EventTable, optional
        By kind.
    name, title, note, arm, regimen : str
        For the head of the file; `name` becomes an identifier.

    Raises
    ------
    DataError
        If a dose begins at a steady state or compartments are reset, which has no equation.
    InputError
        If doses are per body weight and the model has none, or a kind of event is unknown.
    """
    writer = _Writer(model, parameters)
    return writer.written(doses, {} if events is None else events, name, title, note, arm, regimen)


def body_weight_grams(model: Model, parameters: ResolvedParameters) -> float | None:
    """The body weight in grams, None where the model has none."""
    if "body_weight" not in model.parameter_names:
        return None
    return parameters["body_weight"].value * model.quantities["body_weight"].unit.to(_GRAM)


class _Writer:
    """Puts the parts together; names of compartments and outputs are made unique on the way."""

    def __init__(self, model: Model, parameters: ResolvedParameters) -> None:
        self.model = model
        self.parameters = parameters
        self.taken = set(model.quantities)
        self.compartments: dict[tuple[str, str], str] = {}
        self.sizes: dict[tuple[str, float], DoseSize] = {}
        for system, _ in _systems(model):
            for compartment in system.compartments:
                wanted = (compartment, f"{_word(system.compound)}_{compartment}")
                self.compartments[system.compound, compartment] = self._unique(*wanted)

    def _unique(self, *wanted: str) -> str:
        """The first of the names that is free, else the last with a number."""
        tries = [*wanted, *(f"{wanted[-1]}_{number}" for number in range(2, 1000))]
        name = next(one for one in tries if one not in self.taken)
        self.taken.add(name)
        return name

    def _size(self, target: str, value: float, unit: CompoundUnit, meaning: str) -> Expression:
        """A size as a name; 0 stays a number."""
        if not value:
            return Number(0.0)
        key = (target, value)
        if key not in self.sizes:
            count = 1 + sum(one == target for one, _ in self.sizes)
            name = self._unique(f"{target}_{count}")
            self.sizes[key] = DoseSize(name=name, unit=unit, meaning=meaning, value=value)
        return Name(self.sizes[key].name)

    def written(
        self,
        doses: Mapping[str, DoseTable],
        events: Mapping[str, EventTable],
        name: str,
        title: str,
        note: str,
        arm: str,
        regimen: str,
    ) -> TypicalAnimal:
        """Everything."""
        placed = {
            system.compound: self._placed(pk, doses[system.compound])
            for system, pk in _systems(self.model)
            if system.compound in doses
        }
        inflows = self._inflows(placed)
        states = [*self._amounts(inflows), *self._states()]
        assignments, outputs = self._assignments()
        happenings = [*self._arrivals(placed, inflows), *self._events(events)]
        changes = tuple(self._changes(happenings, assignments))
        return TypicalAnimal(
            name=_word(name),
            title=title,
            note=note,
            arm=arm,
            regimen=regimen,
            parameters=tuple(self.parameters),
            states=tuple(states),
            inflows=tuple(inflows.values()),
            sizes=tuple(self.sizes.values()),
            assignments=tuple(assignments),
            changes=changes,
            outputs=outputs,
        )

    def _placed(self, pk: PkModel, table: DoseTable) -> DoseInputs:
        """Doses of a compound, written out for the typical animal."""
        values = self.parameters.values
        weight = body_weight_grams(self.model, self.parameters)
        if weight is None and table.per_gram.any():
            raise InputError("a parameter body_weight, as doses are per body weight", found="none")
        inputs = place_doses(table, dose_paths(pk, values), body_weight=weight)
        if (inputs.ss > 0).any() or len(inputs.resets):
            raise DataError(
                "doses without resets and steady states, which have no equation",
                found="one of them",
                where=pk.compound,
                mend="write the doses out",
            )
        return inputs

    def _inflows(self, placed: Mapping[str, DoseInputs]) -> dict[tuple[str, str], Inflow]:
        """An inflow for each compartment that is infused."""
        found = {}
        for system, pk in _systems(self.model):
            inputs = placed.get(system.compound)
            for place, compartment in enumerate(system.compartments):
                if inputs is None or not inputs.duration[0][inputs.compartment == place].any():
                    continue
                name = self.compartments[system.compound, compartment]
                found[system.compound, compartment] = Inflow(
                    name=self._unique(f"inflow_{name}"),
                    unit=per_day(pk.amount_unit),
                    meaning=f"infusion of {system.compound} into {name}",
                )
        return found

    def _amounts(self, inflows: Mapping[tuple[str, str], Inflow]) -> Iterator[FlatState]:
        """Amounts in the compartments of PK."""
        for system, pk in _systems(self.model):
            rates: dict[str, Expression] = {}
            for compartment in system.compartments:
                inflow = inflows.get((system.compound, compartment))
                rates[compartment] = Number(0.0) if inflow is None else Name(inflow.name)
            for flow in system.flows:
                source = Name(self.compartments[system.compound, flow.source])
                leaving = times(self._scaled(flow.rate, _PER_DAY), source)
                rates[flow.source] = plus(rates[flow.source], times(number(-1.0), leaving))
                if flow.target is not None:
                    arriving = times(self._scaled(flow.factor, _PURE), leaving)
                    rates[flow.target] = plus(rates[flow.target], arriving)
            for compartment in system.compartments:
                yield FlatState(
                    name=self.compartments[system.compound, compartment],
                    unit=pk.amount_unit,
                    meaning=f"amount of {system.compound} in {compartment}",
                    initial=Number(0.0),
                    rate=rates[compartment],
                )

    def _states(self) -> Iterator[FlatState]:
        """The states of the blocks."""
        for state in self.model.states:
            yield FlatState(
                name=state.name,
                unit=state.unit,
                meaning=state.meaning,
                initial=self.model.initials[state.name],
                rate=self.model.rates[state.name],
            )

    def _assignments(self) -> tuple[list[Assignment], dict[str, str]]:
        """Definitions, concentrations and outputs, in an order that can be computed."""
        model = self.model
        found = [self._defined(name, tree) for name, tree in [*model.definitions.items()]]
        fixed, known = [], set(model.parameter_names)
        for one in found:
            if one.value.names() <= known:
                fixed.append(one)
                known.add(one.name)
        moving = [one for one in found if one.name not in known]
        outputs: dict[str, str] = {}
        shown = []
        for output in model.outputs:
            tree = model.output_values[output.name]
            if tree == Name(output.name):
                outputs[output.name] = output.name
                continue
            outputs[output.name] = self._unique(output.name, f"output_{output.name}")
            shown.append(
                Assignment(
                    name=outputs[output.name],
                    unit=output.unit,
                    meaning=output.meaning,
                    value=tree,
                )
            )
        return [*fixed, *self._concentrations(), *moving, *shown], outputs

    def _defined(self, name: str, tree: Expression) -> Assignment:
        """A definition of the model."""
        quantity = self.model.quantities[name]
        return Assignment(name=name, unit=quantity.unit, meaning=quantity.meaning, value=tree)

    def _concentrations(self) -> Iterator[Assignment]:
        """Concentrations as amounts over volumes."""
        for system, pk in _systems(self.model):
            for entry in system.concentrations:
                amount = Name(self.compartments[system.compound, entry.compartment])
                volume = self._scaled(entry.volume, ratio_unit(pk.amount_unit, entry.unit))
                yield Assignment(
                    name=entry.name,
                    unit=entry.unit,
                    meaning=entry.meaning or f"concentration of {system.compound}",
                    value=over(amount, volume),
                )

    def _scaled(self, tree: Expression, unit: CompoundUnit) -> Expression:
        """An expression of parameters between declared units."""
        units = {name: self.model.quantities[name].unit for name in tree.names()}
        return scale_to(tree, units, unit, where="pk")

    def _arrivals(
        self, placed: Mapping[str, DoseInputs], inflows: Mapping[tuple[str, str], Inflow]
    ) -> Iterator[Change]:
        """Doses, and beginnings and ends of infusions."""
        for system, pk in _systems(self.model):
            inputs = placed.get(system.compound)
            if inputs is None:
                continue
            for place, compartment in enumerate(system.compartments):
                name = self.compartments[system.compound, compartment]
                here = inputs.compartment == place
                columns = (inputs.arrival[0], inputs.duration[0], inputs.amount[0])
                given = [
                    (float(start), float(length), float(amount))
                    for start, length, amount in zip(*(one[here] for one in columns), strict=True)
                ]
                for start, length, amount in given:
                    if not length:
                        meaning = f"dose of {system.compound}"
                        size = self._size(f"dose_{name}", amount, pk.amount_unit, meaning)
                        yield Change(
                            time=start, meaning=meaning, values={name: plus(Name(name), size)}
                        )
                infused = [one for one in given if one[1]]
                if infused:
                    inflow = inflows[system.compound, compartment]
                    yield from self._switches(infused, inflow)

    def _switches(
        self, infused: Sequence[tuple[float, float, float]], inflow: Inflow
    ) -> Iterator[Change]:
        """The inflow between beginnings and ends of infusions; exactly 0 when none runs."""
        starts = np.array([start for start, _, _ in infused])
        ends = np.array([start + length for start, length, _ in infused])
        flow = np.array([amount / length for _, length, amount in infused])
        for time in np.unique([*starts, *ends]).tolist():
            runs = (starts <= time + _SAME_TIME) & (ends > time + _SAME_TIME)
            total = float(flow[runs].sum())
            size = self._size(f"rate_of_{inflow.name}", total, inflow.unit, inflow.meaning)
            meaning = inflow.meaning + ("" if total else " ends")
            yield Change(time=time, meaning=meaning, values={inflow.name: size})

    def _events(self, events: Mapping[str, EventTable]) -> Iterator[Change]:
        """Events of the blocks, such as fractions of radiation."""
        kinds = {event.kind: event for event in self.model.events}
        for kind, table in events.items():
            if kind not in kinds:
                raise InputError(
                    f"a kind of event that the model knows ({', '.join(kinds) or 'none'})",
                    found=repr(kind),
                )
            maps = self.model.event_maps[kind]
            for time, dose in zip(table.time.tolist(), table.dose.tolist(), strict=True):
                event = kinds[kind]
                size = {event.dose: self._size(event.dose, dose, event.unit, f"dose of {kind}")}
                yield Change(
                    time=time,
                    meaning=f"{kind} ({dose:g} {event.unit.symbol})",
                    values={name: tree.substitute(size) for name, tree in maps.items()},
                )

    def _changes(
        self, happenings: Sequence[Change], assignments: Sequence[Assignment]
    ) -> Iterator[Change]:
        """What happens at one time as one change; what comes later sees what came before."""
        defined = {one.name: one.value for one in assignments}
        ordered = sorted(happenings, key=lambda one: one.time)
        at = 0
        while at < len(ordered):
            first = ordered[at]
            values: dict[str, Expression] = {}
            meanings: list[str] = []
            while at < len(ordered) and ordered[at].time - first.time <= _SAME_TIME:
                one = ordered[at]
                values |= {
                    name: _seen_after(tree, values, defined) for name, tree in one.values.items()
                }
                meanings += [] if one.meaning in meanings else [one.meaning]
                at += 1
            yield Change(time=first.time, meaning="; ".join(meanings), values=values)


def _systems(model: Model) -> list[tuple[PkSystem, PkModel]]:
    """PK as declared and as merged."""
    systems = [system for block in model.blocks for system in block.pk]
    return list(zip(systems, model.pk, strict=True))


def _seen_after(
    tree: Expression, earlier: Mapping[str, Expression], defined: Mapping[str, Expression]
) -> Expression:
    """An expression of the values before all changes of a time, where some came earlier."""
    if not earlier or not _reached(tree, defined) & earlier.keys():
        return tree
    touched = {
        name: inner for name, inner in defined.items() if _reached(inner, defined) & earlier.keys()
    }
    while tree.names() & touched.keys():
        tree = tree.substitute(touched)
    return tree.substitute(earlier)


def _reached(tree: Expression, defined: Mapping[str, Expression]) -> set[str]:
    """Every name that an expression depends on."""
    reached: set[str] = set()
    pending = list(tree.names())
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += defined[name].names() if name in defined else ()
    return reached


def _word(text: str) -> str:
    """Text as an identifier."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return plain if plain[:1].isalpha() else f"m_{plain}".rstrip("_")
