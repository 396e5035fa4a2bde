"""A model: blocks merged by name, checked, and made into functions of arrays.

Time is in days, everything else in the unit that its block declares; where blocks declare units of
different size for what they exchange, the factors are in the functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError, UnitError
from oncovivo.mechanism.blocks import (
    RESERVED,
    Accumulator,
    Block,
    Edge,
    Event,
    Output,
    Parameter,
    PkSystem,
    Route,
    State,
)
from oncovivo.mechanism.compiled import CompiledFunction, compile_function
from oncovivo.mechanism.dimensions import CompoundUnit, describe, parse_compound_unit
from oncovivo.mechanism.edges import EdgeFinding, SteadyState, check_edges, find_steady_state
from oncovivo.mechanism.expressions import Expression, Name, Number, over, plus, times
from oncovivo.mechanism.scaling import per_day, ratio_unit, scale_to
from oncovivo.mechanism.sensitivities import total_derivatives
from oncovivo.mechanism.toml_files import nearest

if TYPE_CHECKING:
    from oncovivo.mechanism.parameters import ResolvedParameters

__all__ = ["Model", "PkModel", "PkRoute", "Quantity", "QuantityKind", "build_model"]

Array: TypeAlias = NDArray[np.float64]
QuantityKind: TypeAlias = Literal[
    "parameter", "state", "algebraic", "sum", "product", "concentration", "event dose"
]

_DAY: Final = parse_compound_unit("day")
_PER_DAY: Final = parse_compound_unit("1/day")
_PURE: Final = parse_compound_unit("1")
_MILLIGRAM: Final = parse_compound_unit("mg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A name of the model: its kind, unit, meaning and the block that declares it."""

    name: str
    kind: QuantityKind
    unit: CompoundUnit
    meaning: str
    block: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PkRoute:
    """A route of a compound and the index of the compartment that it reaches."""

    route: Route
    compartment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PkModel:
    """Linear PK of one compound with c compartments, r routes and k concentrations.

    ``functions`` are over parameters alone; use the methods.
    """

    compound: str
    compartments: tuple[str, ...]
    amount_unit: CompoundUnit
    amount_per_mg: float | None
    """How many units of amount 1 mg is; None for molar amounts."""
    routes: tuple[PkRoute, ...]
    concentration_names: tuple[str, ...]
    concentration_compartments: tuple[int, ...]
    flows: tuple[tuple[int, int | None], ...]
    rates: CompiledFunction = field(repr=False)
    dose_values: CompiledFunction = field(repr=False)
    per_amount: CompiledFunction = field(repr=False)

    def rate_matrix(self, parameters: ArrayLike) -> Array:
        """The matrix K of dA/dt = K·A.

        Parameters
        ----------
        parameters : array_like, shape (..., n_parameter)
            In the model's order and units.

        Returns
        -------
        ndarray, shape (..., c, c)
            In 1/day.
        """
        values = _of_parameters(self.rates, parameters)
        size = len(self.compartments)
        matrix = np.zeros((*values.shape[:-1], size, size))
        for at, (source, target) in enumerate(self.flows):
            leaving, arriving = values[..., 2 * at], values[..., 2 * at + 1]
            matrix[..., source, source] -= leaving
            if target is not None:
                matrix[..., target, source] += arriving
        return matrix

    def dose_terms(self, parameters: ArrayLike) -> Array:
        """Bioavailable fraction, lag (days) and duration (days) of each route.

        Parameters
        ----------
        parameters : array_like, shape (..., n_parameter)
            In the model's order and units.

        Returns
        -------
        ndarray, shape (..., r, 3)
            In the order of ``routes``.
        """
        values = _of_parameters(self.dose_values, parameters)
        return values.reshape(*values.shape[:-1], len(self.routes), 3)

    def concentration_factors(self, parameters: ArrayLike) -> Array:
        """What an amount is multiplied by to give each concentration in its unit.

        Parameters
        ----------
        parameters : array_like, shape (..., n_parameter)
            In the model's order and units.

        Returns
        -------
        ndarray, shape (..., k)
            Concentration i is ``amounts[..., concentration_compartments[i]]`` times factor i.
        """
        return _of_parameters(self.per_amount, parameters)


@dataclass(frozen=True, kw_only=True)
class Model:
    """Blocks that fit together; made by :func:`build_model`.

    Sizes: s states, p parameters, k concentrations (of all compounds, in order), o outputs.
    """

    blocks: tuple[Block, ...]
    quantities: Mapping[str, Quantity] = field(repr=False)
    parameters: tuple[Parameter, ...] = field(repr=False)
    states: tuple[State, ...] = field(repr=False)
    outputs: tuple[Output, ...] = field(repr=False)
    edges: tuple[Edge, ...] = field(repr=False)
    events: tuple[Event, ...] = field(repr=False)
    pk: tuple[PkModel, ...] = field(repr=False)
    definitions: Mapping[str, Expression] = field(repr=False)
    """Algebraics, sums and products between declared units, each after what it uses."""
    rates: Mapping[str, Expression] = field(repr=False)
    """Rate of change per day of each state, between declared units."""
    initials: Mapping[str, Expression] = field(repr=False)
    output_values: Mapping[str, Expression] = field(repr=False)
    event_maps: Mapping[str, Mapping[str, Expression]] = field(repr=False)

    @cached_property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states in order."""
        return tuple(state.name for state in self.states)

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def concentration_names(self) -> tuple[str, ...]:
        """Names of the PK concentrations in order."""
        return tuple(name for system in self.pk for name in system.concentration_names)

    @cached_property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs in order."""
        return tuple(output.name for output in self.outputs)

    @cached_property
    def rhs(self) -> CompiledFunction:
        """``rhs(time, state, parameters, concentrations)`` per day, shape (..., s).

        ``rhs.bind(parameters)`` gives ``f(time, state, concentrations)`` for a solver.
        """
        return self._compiled(list(self.rates.values()))

    @cached_property
    def observe(self) -> CompiledFunction:
        """``observe(time, state, parameters, concentrations)``, shape (..., o)."""
        return self._compiled(list(self.output_values.values()))

    @cached_property
    def jacobian_values(self) -> CompiledFunction:
        """Entries of the Jacobian, row by row."""
        rows, definitions = total_derivatives(
            list(self.rates.values()), self.state_names, self.definitions
        )
        return self._compiled([entry for row in rows for entry in row], definitions)

    def jacobian(
        self,
        time: ArrayLike,
        state: ArrayLike,
        parameters: ArrayLike,
        concentrations: ArrayLike | None = None,
    ) -> Array:
        """Derivative of each rate (row) with respect to each state (column), symbolic.

        Parameters
        ----------
        time, state, parameters, concentrations
            As for ``rhs``.

        Returns
        -------
        ndarray, shape (..., s, s)
            Per day.
        """
        values = self.jacobian_values(time, state, parameters, concentrations)
        size = len(self.states)
        return values.reshape(*values.shape[:-1], size, size)

    @cached_property
    def _initial(self) -> CompiledFunction:
        return _parameter_function(
            list(self.initials.values()), self.definitions, self.parameter_names
        )

    def initial(self, parameters: ArrayLike) -> Array:
        """States at time 0.

        Parameters
        ----------
        parameters : array_like, shape (..., p)
            In declared units.

        Returns
        -------
        ndarray, shape (..., s)
            In declared units.
        """
        return _of_parameters(self._initial, parameters)

    def compile_quantities(self, names: Sequence[str]) -> CompiledFunction:
        """Function for any quantities, such as an algebraic that is no output.

        Parameters
        ----------
        names : sequence of str
            States, parameters, algebraics, sums, products or concentrations.

        Raises
        ------
        InputError
            If the model has no such quantity.
        """
        for name in names:
            self._check_known(name)
        return self._compiled([Name(name) for name in names])

    def compile_event(self, kind: str) -> CompiledFunction:
        """Function that gives all states after an event of a kind.

        Its last argument is the concentrations with the event's dose behind them: shape
        (..., k + 1).

        Parameters
        ----------
        kind : str
            A kind of :attr:`events`.

        Raises
        ------
        InputError
            If no block knows events of this kind.
        """
        for event in self.events:
            if event.kind == kind:
                maps = self.event_maps[kind]
                return compile_function(
                    [maps.get(name, Name(name)) for name in self.state_names],
                    definitions=self.definitions,
                    states=self.state_names,
                    parameters=self.parameter_names,
                    concentrations=(*self.concentration_names, event.dose),
                )
        known = [event.kind for event in self.events]
        raise InputError(
            f"a kind of event that a block of the model knows ({', '.join(known) or 'none'})",
            found=repr(kind),
        )

    def dependencies(self) -> dict[str, frozenset[str]]:
        """What each quantity depends on directly.

        A definition on what is in its value, a state on what is in its rate and in what events do
        to it (not on its initial value), a concentration on the parameters of its PK. Outputs come
        as ``output:<name>``.
        """
        found = {name: tree.names() for name, tree in self.definitions.items()}
        found |= {name: tree.names() for name, tree in self.rates.items()}
        for event in self.events:
            for name, tree in self.event_maps[event.kind].items():
                found[name] |= tree.names() - {event.dose}
        for block in self.blocks:
            for system in block.pk:
                flows = frozenset().union(
                    *(flow.rate.names() | flow.factor.names() for flow in system.flows),
                    *(d.fraction.names() | d.lag.names() for d in system.doses),
                    *(dose.duration.names() for dose in system.doses),
                )
                for entry in system.concentrations:
                    found[entry.name] = flows | entry.volume.names()
        found |= {f"output:{name}": tree.names() for name, tree in self.output_values.items()}
        return found

    def parameters_behind(self, output: str) -> tuple[str, ...]:
        """The parameters that an output depends on, however far back, initial values included.

        What turns doses into amounts (the body weight) is not among them unless an equation uses
        it.

        Parameters
        ----------
        output : str
            Name of an output.

        Raises
        ------
        InputError
            If the model has no such output.
        """
        if output not in self.output_values:
            raise InputError(
                "an output of the model",
                found=repr(output),
                mend=nearest(output, self.output_names),
            )
        direct = self.dependencies()
        reached: set[str] = set()
        pending = [f"output:{output}"]
        while pending:
            name = pending.pop()
            if name in reached:
                continue
            reached.add(name)
            pending.extend(direct.get(name, ()))
            if name in self.initials:
                pending.extend(self.initials[name].names())
        return tuple(name for name in self.parameter_names if name in reached)

    def steady_state(self, parameters: ArrayLike, names: Sequence[str]) -> SteadyState:
        """Drug-free steady state of some states, the others at their initial values.

        Parameters
        ----------
        parameters : array_like, shape (p,)
            In declared units.
        names : sequence of str
            The states that are to rest.

        Raises
        ------
        DataError
            If none is found.
        """
        return find_steady_state(self, np.asarray(parameters, dtype=np.float64), names)

    def check_edges(self, resolved: ResolvedParameters) -> tuple[EdgeFinding, ...]:
        """What is wrong between the drawn pathway and the equations; empty if nothing is.

        An edge needs a term: the rate or value of its target changes with its source, in the
        direction of its sign, at the drug-free steady state. A term needs an edge: what the rate
        of a pathway state depends on, directly or through quantities that are not drawn, and what
        is drawn itself, is joined to it.

        Parameters
        ----------
        resolved : ResolvedParameters
            The numbers at which signs are taken.

        Raises
        ------
        DataError
            If the pathway has no drug-free steady state.
        """
        return check_edges(self, resolved.values)

    def _compiled(
        self, targets: list[Expression], definitions: Mapping[str, Expression] | None = None
    ) -> CompiledFunction:
        return compile_function(
            targets,
            definitions=self.definitions if definitions is None else definitions,
            states=self.state_names,
            parameters=self.parameter_names,
            concentrations=self.concentration_names,
        )

    def _check_known(self, name: str) -> None:
        if name not in self.quantities or self.quantities[name].kind == "event dose":
            raise InputError(
                "a quantity of the model",
                found=repr(name),
                mend=nearest(name, list(self.quantities)),
            )


def build_model(blocks: Sequence[Block]) -> Model:
    """Model of blocks, merged by name and checked.

    Parameters
    ----------
    blocks : sequence of Block
        At most one that provides growth and one that provides the pathway. The order decides the
        order of states, parameters, concentrations and outputs.

    Raises
    ------
    InputError
        If a name is missing, declared twice, not supplied or defined in a circle.
    UnitError
        If units do not fit together.
    """
    return _Builder(tuple(blocks)).build()


class _Builder:
    """Merges blocks, one question after the other."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        self._blocks = blocks
        self._quantities: dict[str, Quantity] = {}
        self._parameters: dict[str, Parameter] = {}
        self._accumulators: dict[str, tuple[Accumulator, Block]] = {}

    def build(self) -> Model:
        """All checks, then the model."""
        self._check_roles()
        self._collect()
        self._check_requirements()
        definitions = self._definitions()
        static = _static_names(definitions, self._parameters)
        states = tuple(state for block in self._blocks for state in block.states)
        outputs = tuple(self._outputs())
        return Model(
            blocks=self._blocks,
            quantities=self._quantities,
            parameters=tuple(self._parameters.values()),
            states=states,
            outputs=outputs,
            edges=tuple(self._edges()),
            events=tuple(event for block in self._blocks for event in block.events),
            pk=tuple(self._pk(definitions, static)),
            definitions=definitions,
            rates=self._rates(),
            initials=self._initials(static),
            output_values={
                output.name: self._scaled(
                    output.value, output.unit, block, f"outputs.{output.name}"
                )
                for block in self._blocks
                for output in block.outputs
            },
            event_maps=self._event_maps(),
        )

    def _check_roles(self) -> None:
        """Blocks that differ, and one growth and one pathway at most."""
        if not self._blocks:
            raise InputError("at least one block", found="none")
        for role in ("growth", "pathway"):
            named = [block.name for block in self._blocks if block.provides == role]
            if len(named) > 1:
                raise InputError(
                    f"at most one block that provides {role}",
                    found=" and ".join(named),
                    mend="leave one out",
                )

    def _collect(self) -> None:
        """Every name with its kind, unit and owner."""
        for block, kind, name, unit, meaning in _declared(self._blocks):
            if name in RESERVED:
                raise InputError(
                    "a name without a meaning of its own",
                    found=repr(name),
                    where=f"{block.file} ({kind})",
                    mend="choose another name",
                )
            if name in self._quantities:
                self._check_shared(name, kind, block)
                continue
            self._quantities[name] = Quantity(
                name=name, kind=kind, unit=unit, meaning=meaning, block=block.name
            )
            for parameter in block.parameters:
                if parameter.name == name:
                    self._parameters[name] = parameter
            for accumulator in block.accumulators:
                if accumulator.name == name:
                    self._accumulators[name] = (accumulator, block)
        compounds = [system.compound for block in self._blocks for system in block.pk]
        for compound in compounds:
            if compounds.count(compound) > 1:
                raise InputError("one PK system for each compound", found=f"{compound} twice")

    def _check_shared(self, name: str, kind: QuantityKind, block: Block) -> None:
        """A second declaration is right only for a shared parameter in the same words."""
        first = self._parameters.get(name)
        second = next((p for p in block.parameters if p.name == name), None)
        if kind == "parameter" and first is not None and second == first and first.shared:
            return
        owner = self._quantities[name]
        raise InputError(
            "each name declared once",
            found=f"{name} as {owner.kind} of {owner.block} and as {kind} of {block.name}",
            where=block.file,
            mend="require it in one of them, or rename it",
        )

    def _check_requirements(self) -> None:
        """Each required name is supplied, and measures what is expected."""
        for block in self._blocks:
            for need in block.requires:
                supplied = self._quantities.get(need.name)
                if supplied is None or supplied.kind == "event dose":
                    raise InputError(
                        f"a block that supplies {need.name} ({need.unit.symbol})",
                        found=f"none, but block {block.name} requires it",
                        where=block.file,
                        mend=nearest(need.name, list(self._quantities)) or "add such a block",
                    )
                if supplied.unit.exponents != need.unit.exponents:
                    raise UnitError(
                        f"{need.name} in a unit like {need.unit.symbol} "
                        f"({describe(need.unit.exponents)})",
                        found=f"{supplied.unit.symbol} ({describe(supplied.unit.exponents)}) "
                        f"from block {supplied.block}",
                        where=f"{block.file} requires.{need.name}",
                        mend="rename one of the two, or convert by a parameter",
                    )

    def _scaled(
        self,
        tree: Expression,
        unit: CompoundUnit,
        block: Block,
        place: str,
        further: Mapping[str, CompoundUnit] | None = None,
    ) -> Expression:
        """An expression with every name known, between declared units."""
        where = f"{block.file} {place}"
        units = {"time": _DAY, **(further or {})}
        for name in sorted(tree.names()):
            if name in units:
                continue
            known = self._quantities.get(name)
            if known is None or known.kind == "event dose":
                raise InputError(
                    "names that a block of the model declares",
                    found=repr(name),
                    where=where,
                    mend=nearest(name, list(self._quantities)) or "declare it, or add its block",
                )
            units[name] = known.unit
        return scale_to(tree, units, unit, where=where)

    def _definitions(self) -> dict[str, Expression]:
        """Algebraics, sums and products, ordered so that each uses earlier ones."""
        found: dict[str, Expression] = {}
        for block in self._blocks:
            for entry in block.algebraics:
                found[entry.name] = self._scaled(
                    entry.value, entry.unit, block, f"algebraics.{entry.name}"
                )
        for name, (accumulator, _) in self._accumulators.items():
            found[name] = Number(0.0 if accumulator.kind == "sum" else 1.0)
        for block in self._blocks:
            for term in block.contributions:
                if term.to not in self._accumulators:
                    self._refuse_contribution(term.to, block)
                accumulator = self._accumulators[term.to][0]
                value = self._scaled(
                    term.value, accumulator.unit, block, f"contributes to {term.to}"
                )
                joined = plus if accumulator.kind == "sum" else times
                found[term.to] = joined(found[term.to], value)
        return _ordered(found)

    def _refuse_contribution(self, name: str, block: Block) -> None:
        """A term for what is no sum or product."""
        known = self._quantities.get(name)
        raise InputError(
            "a contribution to a sum or product that a block declares",
            found=f"{name!r}" + (f", which is declared as {known.kind}" if known else ""),
            where=block.file,
            mend=nearest(name, list(self._accumulators)) or "add the block that declares it",
        )

    def _rates(self) -> dict[str, Expression]:
        """Rate per day of each state."""
        return {
            state.name: self._scaled(
                state.rate, per_day(state.unit), block, f"states.{state.name}.rate"
            )
            for block in self._blocks
            for state in block.states
        }

    def _initials(self, static: frozenset[str]) -> dict[str, Expression]:
        """Initial value of each state, from parameters alone."""
        found = {}
        for block in self._blocks:
            for state in block.states:
                place = f"states.{state.name}.initial"
                found[state.name] = self._scaled(state.initial, state.unit, block, place)
                _check_static(state.initial, static, f"{block.file} {place}")
        return found

    def _outputs(self) -> Iterator[Output]:
        """Outputs, each name once."""
        seen: dict[str, Block] = {}
        for block in self._blocks:
            for output in block.outputs:
                if output.name in seen:
                    raise InputError(
                        "each output declared once",
                        found=f"{output.name} of {seen[output.name].name} and of {block.name}",
                        where=block.file,
                        mend="rename one of them",
                    )
                seen[output.name] = block
                yield output

    def _edges(self) -> Iterator[Edge]:
        """Edges between names that exist, each once."""
        seen = set()
        for block in self._blocks:
            for edge in block.edges:
                where = f"{block.file} edge from {edge.source} to {edge.target}"
                for name in (edge.source, edge.target):
                    if name not in self._quantities:
                        raise InputError(
                            "an edge between names of the model",
                            found=repr(name),
                            where=where,
                            mend=nearest(name, list(self._quantities)),
                        )
                if (edge.source, edge.target) in seen:
                    raise InputError("each edge once", found="it twice", where=where)
                seen.add((edge.source, edge.target))
                yield edge

    def _event_maps(self) -> dict[str, dict[str, Expression]]:
        """New values of states, by kind of event."""
        found: dict[str, dict[str, Expression]] = {}
        for block in self._blocks:
            for event in block.events:
                where = f"events.{event.kind}"
                if event.kind in found:
                    raise InputError(
                        "one block for each kind of event",
                        found=f"{event.kind} twice",
                        where=block.file,
                    )
                found[event.kind] = {}
                for name, value in event.maps:
                    known = self._quantities.get(name)
                    if known is None or known.kind != "state":
                        raise InputError(
                            "a state of the model as what an event changes",
                            found=repr(name),
                            where=f"{block.file} {where}",
                            mend=nearest(name, list(self._quantities)),
                        )
                    found[event.kind][name] = self._scaled(
                        value, known.unit, block, where, {event.dose: event.unit}
                    )
        return found

    def _pk(
        self, definitions: Mapping[str, Expression], static: frozenset[str]
    ) -> Iterator[PkModel]:
        """PK systems with their functions of parameters."""
        for block in self._blocks:
            for system in block.pk:
                yield self._pk_model(system, block, definitions, static)

    def _pk_model(
        self,
        system: PkSystem,
        block: Block,
        definitions: Mapping[str, Expression],
        static: frozenset[str],
    ) -> PkModel:
        """One PK system."""
        place = f"pk.{system.compound}"
        amount = system.amount_unit
        if amount.exponents != _MILLIGRAM.exponents and amount.symbol not in _MOLES:
            raise UnitError(
                "a unit of mass or of amount of substance",
                found=f"{amount.symbol} ({describe(amount.exponents)})",
                where=f"{block.file} {place}.amount_unit",
            )

        def tree(expression: Expression, unit: CompoundUnit, what: str) -> Expression:
            scaled = self._scaled(expression, unit, block, f"{place} {what}")
            _check_static(expression, static, f"{block.file} {place} {what}")
            return scaled

        index = {name: i for i, name in enumerate(system.compartments)}
        rates = []
        for flow in system.flows:
            what = f"flow from {flow.source} to {flow.target or 'out'}"
            rate = tree(flow.rate, _PER_DAY, what)
            rates += [rate, times(rate, tree(flow.factor, _PURE, what))]
        doses = [
            tree(expression, unit, f"doses {dose.route}")
            for dose in system.doses
            for expression, unit in (
                (dose.fraction, _PURE),
                (dose.lag, _DAY),
                (dose.duration, _DAY),
            )
        ]
        factors = []
        for entry in system.concentrations:
            volume_unit = ratio_unit(amount, entry.unit)
            volume = tree(entry.volume, volume_unit, f"concentrations {entry.name}")
            factors.append(over(Number(1.0), volume))
        names = tuple(self._parameters)
        mass = amount.exponents == _MILLIGRAM.exponents
        return PkModel(
            compound=system.compound,
            compartments=system.compartments,
            amount_unit=amount,
            amount_per_mg=_MILLIGRAM.to(amount) if mass else None,
            routes=tuple(
                PkRoute(route=d.route, compartment=index[d.compartment]) for d in system.doses
            ),
            concentration_names=tuple(c.name for c in system.concentrations),
            concentration_compartments=tuple(index[c.compartment] for c in system.concentrations),
            flows=tuple(
                (index[f.source], None if f.target is None else index[f.target])
                for f in system.flows
            ),
            rates=_parameter_function(rates, definitions, names),
            dose_values=_parameter_function(doses, definitions, names),
            per_amount=_parameter_function(factors, definitions, names),
        )


_MOLES: Final = frozenset({"nmol", "µmol", "pmol", "mmol", "mol"})

_Declaration: TypeAlias = tuple[Block, QuantityKind, str, CompoundUnit, str]


def _declared(blocks: Sequence[Block]) -> Iterator[_Declaration]:
    """Every declaration of a name, in the order of blocks."""
    for block in blocks:
        for parameter in block.parameters:
            yield block, "parameter", parameter.name, parameter.unit, parameter.meaning
        for state in block.states:
            yield block, "state", state.name, state.unit, state.meaning
        for entry in block.algebraics:
            yield block, "algebraic", entry.name, entry.unit, entry.meaning
        for accumulator in block.accumulators:
            yield block, accumulator.kind, accumulator.name, accumulator.unit, accumulator.meaning
        for system in block.pk:
            for c in system.concentrations:
                yield block, "concentration", c.name, c.unit, c.meaning
        for event in block.events:
            yield block, "event dose", event.dose, event.unit, f"dose of {event.kind}"


def _ordered(found: Mapping[str, Expression]) -> dict[str, Expression]:
    """The definitions, each after those it uses.

    Raises
    ------
    InputError
        If they go round in a circle; names it.
    """
    ordered: dict[str, Expression] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name in path:
            circle = [*path[path.index(name) :], name]
            raise InputError(
                "algebraics, sums and products without a circle",
                found=" → ".join(circle),
                mend="make one of them a state",
            )
        path.append(name)
        for inner in sorted(found[name].names() & found.keys()):
            visit(inner)
        path.pop()
        ordered[name] = found[name]

    for name in found:
        visit(name)
    return ordered


def _static_names(
    definitions: Mapping[str, Expression], parameters: Mapping[str, Parameter]
) -> frozenset[str]:
    """Parameters, and what they alone define."""
    static = set(parameters)
    for name, tree in definitions.items():
        if tree.names() <= static:
            static.add(name)
    return frozenset(static)


def _check_static(tree: Expression, static: frozenset[str], where: str) -> None:
    """Refuse what moves with time where parameters alone may stand."""
    moving = sorted(tree.names() - static)
    if moving:
        raise InputError(
            "an expression of parameters", found=f"{moving[0]}, which moves", where=where
        )


def _parameter_function(
    targets: list[Expression], definitions: Mapping[str, Expression], names: Sequence[str]
) -> CompiledFunction:
    """A function of parameters alone."""
    return compile_function(
        targets, definitions=definitions, states=(), parameters=names, concentrations=()
    )


def _of_parameters(function: CompiledFunction, parameters: ArrayLike) -> Array:
    """Values of such a function, shape (..., width)."""
    return function(0.0, np.empty(0), parameters)
