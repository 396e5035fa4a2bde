"""Blocks: the parts of a model as their files describe them.

A block declares states, algebraics, parameters, outputs, and a linear PK system, all with units.
It says which names it needs from others, and contributes terms to sums and products that another
block declares. Reading checks the form of a block; whether blocks fit together is the matter of
:mod:`oncovivo.mechanism.model`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictStr, StringConstraints, ValidationError

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.mechanism.dimensions import CompoundUnit, parse_compound_unit
from oncovivo.mechanism.expressions import FUNCTIONS, Expression, Name, parse
from oncovivo.mechanism.toml_files import read_named

__all__ = [
    "Accumulator",
    "Algebraic",
    "Block",
    "Contribution",
    "Edge",
    "Event",
    "Output",
    "OutputKind",
    "Parameter",
    "PkConcentration",
    "PkDose",
    "PkFlow",
    "PkSystem",
    "Requirement",
    "Role",
    "Route",
    "Sign",
    "State",
    "Transform",
    "read_block",
]

Role: TypeAlias = Literal["pk", "target", "pathway", "growth", "effect", "host"]
Transform: TypeAlias = Literal["log", "identity", "logit"]
OutputKind: TypeAlias = Literal["concentration", "occupancy", "marker", "volume", "rate", "other"]
Route: TypeAlias = Literal["i.v.", "i.p.", "p.o.", "s.c.", "any"]
Sign: TypeAlias = Literal["activates", "inhibits"]

RESERVED: Final = frozenset({"time", "out", "select", *FUNCTIONS})
"""Words with a meaning of their own, which no quantity can bear."""

MOST_REPEATS: Final = 50
_NAME_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9_]{0,63}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that a parameter set gives.

    ``lower`` and ``upper`` are bounds in ``unit``, inclusive unless ``open``; ``transform`` is the
    scale on which animals vary and fits move.
    """

    name: str
    unit: CompoundUnit
    meaning: str
    lower: float | None
    upper: float | None
    open: bool
    transform: Transform
    shared: bool
    """Whether another block may declare it too, in the same words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A quantity that a differential equation moves; ``rate`` is per day."""

    name: str
    unit: CompoundUnit
    meaning: str
    initial: Expression
    rate: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Algebraic:
    """A quantity that others give at each moment."""

    name: str
    unit: CompoundUnit
    meaning: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulator:
    """A sum or product of the terms that blocks contribute; 0 or 1 without any."""

    name: str
    unit: CompoundUnit
    meaning: str
    kind: Literal["sum", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A term for a sum, or a factor for a product."""

    to: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A quantity that is shown."""

    name: str
    unit: CompoundUnit
    meaning: str
    kind: OutputKind
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A name that another block supplies, and the kind of unit that is expected of it."""

    name: str
    unit: CompoundUnit
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow of the pathway figure."""

    source: str
    target: str
    sign: Sign
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PkFlow:
    """A first-order flow; ``target`` None leaves the body, ``factor`` scales what arrives."""

    source: str
    target: str | None
    rate: Expression
    factor: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class PkDose:
    """Where a dose by a route goes; ``lag`` and ``duration`` are times, 0 if none."""

    route: Route
    compartment: str
    fraction: Expression
    lag: Expression
    duration: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class PkConcentration:
    """A concentration that other blocks see: amount over volume."""

    name: str
    compartment: str
    volume: Expression
    unit: CompoundUnit
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PkSystem:
    """Linear PK of one compound; ``compound`` is its name in regimens."""

    compound: str
    compartments: tuple[str, ...]
    amount_unit: CompoundUnit
    flows: tuple[PkFlow, ...]
    doses: tuple[PkDose, ...]
    concentrations: tuple[PkConcentration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A sudden change of states, such as a fraction of radiation.

    ``kind`` is its name in regimens, ``dose`` the name of its size in ``maps``, which give the new
    value of each state that changes, all from the values before.
    """

    kind: str
    dose: str
    unit: CompoundUnit
    maps: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One part of a model; see the module."""

    name: str
    title: str
    source: str
    provides: Role
    file: str
    parameters: tuple[Parameter, ...] = ()
    states: tuple[State, ...] = ()
    algebraics: tuple[Algebraic, ...] = ()
    accumulators: tuple[Accumulator, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    outputs: tuple[Output, ...] = ()
    requires: tuple[Requirement, ...] = ()
    edges: tuple[Edge, ...] = ()
    events: tuple[Event, ...] = ()
    pk: tuple[PkSystem, ...] = ()

    def renamed(self, names: Mapping[str, str]) -> Block:
        """The block with other names, so that it can be used twice or be joined to a driver.

        Parameters
        ----------
        names : mapping of str to str
            Old names (of anything in the block) and new ones; compounds are names here, too.

        Raises
        ------
        InputError
            If the block has no such name, or a new one is not a name.

        Notes
        -----
        An example: ``read_block("kill_linear").renamed({"drug_conc": "c_temsirolimus"})``.
        """
        return _renamed(self, names)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
_Identifier = Annotated[str, StringConstraints(strict=True, pattern=_NAME_PATTERN)]
_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_RecordT = TypeVar("_RecordT", bound=_Strict)


class _ParameterRecord(_Strict):
    unit: _Text
    meaning: _Text
    lower: _Real | None = None
    upper: _Real | None = None
    open: bool = False
    transform: Transform | None = None
    shared: bool = False


class _StateRecord(_Strict):
    unit: _Text
    meaning: _Text
    initial: _Text
    rate: _Text


class _AlgebraicRecord(_Strict):
    unit: _Text
    value: _Text
    meaning: StrictStr = ""


class _NamedUnitRecord(_Strict):
    unit: _Text
    meaning: StrictStr = ""


class _ContributionRecord(_Strict):
    to: _Identifier
    value: _Text


class _OutputRecord(_Strict):
    unit: _Text
    value: _Text
    meaning: _Text
    kind: OutputKind


class _EdgeRecord(_Strict):
    source: _Identifier = Field(alias="from")
    target: _Identifier = Field(alias="to")
    sign: Sign
    label: StrictStr = ""


class _EventRecord(_Strict):
    dose: _Identifier
    unit: _Text
    states: Annotated[dict[_Identifier, _Text], Field(min_length=1)]


class _FlowRecord(_Strict):
    source: _Identifier = Field(alias="from")
    target: _Identifier = Field(alias="to")
    rate: _Text
    factor: _Text = "1"


class _DoseRecord(_Strict):
    route: Route
    compartment: _Identifier
    fraction: _Text = "1"
    lag: _Text = "0"
    duration: _Text = "0"


class _ConcentrationRecord(_Strict):
    name: _Identifier
    compartment: _Identifier
    volume: _Text = "1"
    unit: _Text
    meaning: StrictStr = ""


class _PkRecord(_Strict):
    compartments: Annotated[tuple[_Identifier, ...], Field(min_length=1)]
    amount_unit: _Text
    flows: tuple[_FlowRecord, ...] = ()
    doses: tuple[_DoseRecord, ...] = ()
    concentrations: tuple[_ConcentrationRecord, ...] = ()


class _RepeatRecord(_Strict):
    first: Annotated[int, Field(strict=True, ge=0, le=MOST_REPEATS)] = 1
    last: Annotated[int, Field(strict=True, ge=0, le=MOST_REPEATS)]


class _BlockRecord(_Strict):
    schema_: Literal["oncovivo.block/1"] = Field(alias="schema")
    name: _Identifier
    title: _Text
    source: _Text
    provides: Role
    parameters: dict[_Identifier, _ParameterRecord] = {}
    states: dict[_Identifier, _StateRecord] = {}
    algebraics: dict[_Identifier, _AlgebraicRecord] = {}
    sums: dict[_Identifier, _NamedUnitRecord] = {}
    products: dict[_Identifier, _NamedUnitRecord] = {}
    contributes: tuple[_ContributionRecord, ...] = ()
    outputs: dict[_Identifier, _OutputRecord] = {}
    requires: dict[_Identifier, _NamedUnitRecord] = {}
    edges: tuple[_EdgeRecord, ...] = ()
    events: dict[_Identifier, _EventRecord] = {}
    pk: dict[_Text, _PkRecord] = {}


def read_block(name_or_path: str | Path, *, last: int | None = None) -> Block:
    """Block from a file.

    A table ``[repeat]`` with ``first`` and ``last`` unrolls every entry whose name or text holds
    ``{i}`` (``{i-1}``, ``{i+1}``): a chain of transits, ``[states."x{i}"]`` with the quotes.
    ``{first}`` and ``{last}`` stand for the two numbers anywhere.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped block, or a path (text that ends in ``.toml``, or a Path).
    last : int, optional
        Another last number for the block's ``[repeat]``; one less than its first means none.

    Raises
    ------
    FileFormatError
        If the file is not a block as the reference page describes it.
    InputError
        If no block of that name is shipped, or an expression cannot be read.
    UnitError
        If a unit is unknown.
    """
    content, file = read_named(name_or_path, "blocks", what="a block")
    return block_from_content(content, file=file, last=last)


def block_from_content(
    content: Mapping[str, object], *, file: str, last: int | None = None
) -> Block:
    """Block from the tables of its TOML; raises as :func:`read_block`.

    Parameters
    ----------
    content : mapping
        What TOML holds.
    file : str
        Its name for messages.
    last : int, optional
        See :func:`read_block`.
    """
    record = _validated(_BlockRecord, _unrolled(content, file, last), "a block", file)
    return _assembled(record, file)


def _validated(
    kind: type[_RecordT], content: Mapping[str, object], what: str, where: str
) -> _RecordT:
    """A record, or the one complaint that tells most."""
    try:
        return kind.model_validate(content)
    except ValidationError as err:
        raise FileFormatError.from_validation(err, what=what, where=where) from err


_TEMPLATE: Final = re.compile(r"\{(i|first|last)([+-][0-9]{1,2})?\}")


def _unrolled(content: Mapping[str, object], file: str, last: int | None) -> dict[str, object]:
    """The tables with ``[repeat]`` carried out."""
    plain = dict(content)
    if "repeat" not in plain:
        if last is not None:
            raise InputError(
                "a block with [repeat] to give it another length", found="none", where=file
            )
        return plain
    table = plain.pop("repeat")
    if not isinstance(table, dict):
        raise FileFormatError("[repeat] as a table", found=repr(table), where=file)
    if last is not None:
        table = {**table, "last": last}
    record = _validated(_RepeatRecord, table, "a table [repeat]", file)
    if record.last < record.first - 1:
        raise InputError(
            f"a last number of at least {record.first - 1}",
            found=str(record.last),
            where=f"{file} repeat",
        )
    ends = {"first": record.first, "last": record.last}
    try:
        unrolled = _unroll(plain, ends, range(record.first, record.last + 1), file)
    except RecursionError as err:
        raise FileFormatError("a block", found="nesting too deep", where=file) from err
    if not isinstance(unrolled, dict):  # a table stays one
        raise FileFormatError("a table", where=file)
    return unrolled


def _unroll(node: object, numbers: Mapping[str, int], repeats: range, file: str) -> object:
    """A value with its templates filled and its repeated entries written out."""
    if isinstance(node, str):
        return _filled(node, numbers, file)
    if isinstance(node, dict):
        table: dict[str, object] = {}
        for key, value in node.items():
            for inner in _bindings(key, numbers, repeats):
                name = _filled(key, inner, file)
                if name in table:
                    raise FileFormatError(
                        "each name once", found=f"{name!r} twice", where=f"{file} {key}"
                    )
                table[name] = _unroll(value, inner, repeats, file)
        return table
    if isinstance(node, list):
        return [
            _unroll(entry, inner, repeats, file)
            for entry in node
            for inner in _bindings(_own_text(entry), numbers, repeats)
        ]
    return node


def _own_text(entry: object) -> str:
    """The texts of a list's entry, where its index may stand."""
    if isinstance(entry, dict):
        return " ".join(value for value in entry.values() if isinstance(value, str))
    return entry if isinstance(entry, str) else ""


def _bindings(text: str, numbers: Mapping[str, int], repeats: range) -> list[Mapping[str, int]]:
    """The numbers for each copy of an entry: one copy unless the index is free in it."""
    free = any(found.group(1) == "i" for found in _TEMPLATE.finditer(text))
    if not free or "i" in numbers:
        return [numbers]
    return [{**numbers, "i": value} for value in repeats]


def _filled(text: str, numbers: Mapping[str, int], file: str) -> str:
    """The text with numbers for templates."""

    def fill(found: re.Match[str]) -> str:
        word = found.group(1)
        if word not in numbers:
            raise FileFormatError(
                "{i} only in an entry whose name holds it",
                found=repr(text),
                where=file,
                mend="use a sum to which each repeated entry contributes",
            )
        return str(numbers[word] + int(found.group(2) or 0))

    return _TEMPLATE.sub(fill, text)


def _assembled(record: _BlockRecord, file: str) -> Block:
    """The block with its units and expressions read."""

    def unit(text: str, where: str) -> CompoundUnit:
        try:
            return parse_compound_unit(text)
        except UnitError as err:
            raise UnitError(
                err.expected, found=err.found, where=f"{file} {where}", mend=err.mend
            ) from err

    def tree(text: str, where: str) -> Expression:
        return parse(text, f"{file} {where}")

    accumulators = [("sum", "sums", record.sums), ("product", "products", record.products)]
    block = Block(
        name=record.name,
        title=record.title,
        source=record.source,
        provides=record.provides,
        file=file,
        parameters=tuple(
            _parameter(name, entry, unit(entry.unit, f"parameters.{name}"), file)
            for name, entry in record.parameters.items()
        ),
        states=tuple(
            State(
                name=name,
                unit=unit(entry.unit, f"states.{name}"),
                meaning=entry.meaning,
                initial=tree(entry.initial, f"states.{name}.initial"),
                rate=tree(entry.rate, f"states.{name}.rate"),
            )
            for name, entry in record.states.items()
        ),
        algebraics=tuple(
            Algebraic(
                name=name,
                unit=unit(entry.unit, f"algebraics.{name}"),
                meaning=entry.meaning,
                value=tree(entry.value, f"algebraics.{name}.value"),
            )
            for name, entry in record.algebraics.items()
        ),
        accumulators=tuple(
            Accumulator(
                name=name,
                unit=unit(entry.unit, f"{table}.{name}"),
                meaning=entry.meaning,
                kind="sum" if kind == "sum" else "product",
            )
            for kind, table, entries in accumulators
            for name, entry in entries.items()
        ),
        contributions=tuple(
            Contribution(to=entry.to, value=tree(entry.value, f"contributes to {entry.to}"))
            for entry in record.contributes
        ),
        outputs=tuple(
            Output(
                name=name,
                unit=unit(entry.unit, f"outputs.{name}"),
                meaning=entry.meaning,
                kind=entry.kind,
                value=tree(entry.value, f"outputs.{name}.value"),
            )
            for name, entry in record.outputs.items()
        ),
        requires=tuple(
            Requirement(
                name=name, unit=unit(entry.unit, f"requires.{name}"), meaning=entry.meaning
            )
            for name, entry in record.requires.items()
        ),
        edges=tuple(
            Edge(source=e.source, target=e.target, sign=e.sign, label=e.label)
            for e in record.edges
        ),
        events=tuple(
            Event(
                kind=kind,
                dose=event.dose,
                unit=unit(event.unit, f"events.{kind}"),
                maps=tuple(
                    (name, tree(text, f"events.{kind}.states.{name}"))
                    for name, text in event.states.items()
                ),
            )
            for kind, event in record.events.items()
        ),
        pk=tuple(
            PkSystem(
                compound=compound,
                compartments=entry.compartments,
                amount_unit=unit(entry.amount_unit, f"pk.{compound}"),
                flows=tuple(
                    PkFlow(
                        source=flow.source,
                        target=None if flow.target == "out" else flow.target,
                        rate=tree(flow.rate, f"pk.{compound}.flows from {flow.source}"),
                        factor=tree(flow.factor, f"pk.{compound}.flows from {flow.source}"),
                    )
                    for flow in entry.flows
                ),
                doses=tuple(
                    PkDose(
                        route=dose.route,
                        compartment=dose.compartment,
                        fraction=tree(dose.fraction, f"pk.{compound}.doses {dose.route}"),
                        lag=tree(dose.lag, f"pk.{compound}.doses {dose.route}"),
                        duration=tree(dose.duration, f"pk.{compound}.doses {dose.route}"),
                    )
                    for dose in entry.doses
                ),
                concentrations=tuple(
                    PkConcentration(
                        name=c.name,
                        compartment=c.compartment,
                        volume=tree(c.volume, f"pk.{compound}.concentrations {c.name}"),
                        unit=unit(c.unit, f"pk.{compound}.concentrations {c.name}"),
                        meaning=c.meaning,
                    )
                    for c in entry.concentrations
                ),
            )
            for compound, entry in record.pk.items()
        ),
    )
    _check_pk(block)
    return block


def _parameter(name: str, entry: _ParameterRecord, unit: CompoundUnit, file: str) -> Parameter:
    """A parameter whose bounds and transform agree."""
    where = f"{file} parameters.{name}"
    lower, upper = entry.lower, entry.upper
    if lower is not None and upper is not None and not lower < upper:
        raise InputError("lower below upper", found=f"{lower:g} and {upper:g}", where=where)
    transform = entry.transform or ("log" if lower == 0.0 else "identity")
    if transform == "log" and (lower is None or lower < 0.0):
        raise InputError(
            "a lower bound of 0 or more for the log scale", found=str(lower), where=where
        )
    if transform == "logit" and (lower is None or upper is None):
        raise InputError("lower and upper for the logit scale", found="one missing", where=where)
    return Parameter(
        name=name,
        unit=unit,
        meaning=entry.meaning,
        lower=lower,
        upper=upper,
        open=entry.open,
        transform=transform,
        shared=entry.shared,
    )


def _check_pk(block: Block) -> None:
    """Every compartment that is named exists, and each route goes to one place."""
    for system in block.pk:
        where = f"{block.file} pk.{system.compound}"
        known = set(system.compartments)
        if len(known) < len(system.compartments):
            raise InputError("each compartment once", found="one twice", where=where)
        used = [flow.source for flow in system.flows]
        used += [flow.target for flow in system.flows if flow.target is not None]
        used += [dose.compartment for dose in system.doses]
        used += [concentration.compartment for concentration in system.concentrations]
        for name in used:
            if name not in known:
                raise InputError(
                    f"one of the compartments {', '.join(system.compartments)}",
                    found=repr(name),
                    where=where,
                )
        for flow in system.flows:
            if flow.source == flow.target:
                raise InputError(
                    "a flow between two compartments", found=f"{flow.source} twice", where=where
                )
        routes = [dose.route for dose in system.doses]
        if len(set(routes)) < len(routes):
            raise InputError("each route once", found=", ".join(routes), where=where)


def _renamed(block: Block, names: Mapping[str, str]) -> Block:
    """See :meth:`Block.renamed`."""
    compounds = {system.compound for system in block.pk}
    for old, name in names.items():
        if old not in compounds and not re.fullmatch(_NAME_PATTERN, name):
            raise InputError("a name of letters, digits and underscores", found=repr(name))
    seen: set[str] = set()
    trees = {old: Name(new) for old, new in names.items()}

    def word(name: str) -> str:
        seen.add(name)
        return names.get(name, name)

    def tree(expression: Expression) -> Expression:
        seen.update(expression.names())
        return expression.substitute(trees)

    result = replace(
        block,
        parameters=tuple(replace(p, name=word(p.name)) for p in block.parameters),
        states=tuple(
            replace(s, name=word(s.name), initial=tree(s.initial), rate=tree(s.rate))
            for s in block.states
        ),
        algebraics=tuple(
            replace(a, name=word(a.name), value=tree(a.value)) for a in block.algebraics
        ),
        accumulators=tuple(replace(a, name=word(a.name)) for a in block.accumulators),
        contributions=tuple(
            replace(c, to=word(c.to), value=tree(c.value)) for c in block.contributions
        ),
        outputs=tuple(replace(o, name=word(o.name), value=tree(o.value)) for o in block.outputs),
        requires=tuple(replace(r, name=word(r.name)) for r in block.requires),
        edges=tuple(replace(e, source=word(e.source), target=word(e.target)) for e in block.edges),
        events=tuple(
            replace(
                event,
                kind=word(event.kind),
                dose=word(event.dose),
                maps=tuple((word(name), tree(value)) for name, value in event.maps),
            )
            for event in block.events
        ),
        pk=tuple(
            replace(
                system,
                compound=word(system.compound),
                compartments=tuple(word(name) for name in system.compartments),
                flows=tuple(
                    replace(
                        f,
                        source=word(f.source),
                        target=None if f.target is None else word(f.target),
                        rate=tree(f.rate),
                        factor=tree(f.factor),
                    )
                    for f in system.flows
                ),
                doses=tuple(
                    replace(
                        d,
                        compartment=word(d.compartment),
                        fraction=tree(d.fraction),
                        lag=tree(d.lag),
                        duration=tree(d.duration),
                    )
                    for d in system.doses
                ),
                concentrations=tuple(
                    replace(
                        c,
                        name=word(c.name),
                        compartment=word(c.compartment),
                        volume=tree(c.volume),
                    )
                    for c in system.concentrations
                ),
            )
            for system in block.pk
        ),
    )
    unknown = sorted(names.keys() - seen)
    if unknown:
        raise InputError(f"names of the block {block.name}", found=repr(unknown[0]))
    return result
