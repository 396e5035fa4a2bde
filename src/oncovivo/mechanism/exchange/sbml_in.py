"""A block from SBML: a declared subset, and one clear line for what is outside.

Read are Level 2 and 3: parameters, compartments of constant size, species, function definitions,
initial assignments, assignment rules, rate rules, reactions with kinetic laws, and events whose
trigger compares the time with a constant. Not read are delays, priorities, algebraic rules, fast
reactions, constraints, conversion factors other than 1, stoichiometries that are computed, and
packages that a reader must know.

Names are kept. Units are kept where every formula holds between them as it is written; else all
quantities are pure numbers, and the meaning of each says in which unit the file has it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.mechanism.blocks import (
    RESERVED,
    Algebraic,
    Block,
    Event,
    Output,
    Parameter,
    Role,
    State,
)
from oncovivo.mechanism.dimensions import CompoundUnit, parse_compound_unit
from oncovivo.mechanism.engine import EventTable
from oncovivo.mechanism.exchange.libraries import Untyped, sbml_library
from oncovivo.mechanism.exchange.sbml_math import MathReader
from oncovivo.mechanism.exchange.sbml_out import ANNOTATION
from oncovivo.mechanism.exchange.sbml_units import SbmlUnits
from oncovivo.mechanism.expressions import Expression, Name, Number, number, over, plus, times
from oncovivo.mechanism.model import build_model
from oncovivo.mechanism.parameters import (
    NO_SOURCE,
    STATUSES,
    ParameterSet,
    ParameterValue,
    Status,
)
from oncovivo.mechanism.scaling import ratio_unit

__all__ = ["ImportedModel", "model_from_sbml", "read_sbml"]

_PURE: Final = parse_compound_unit("1")
_DAY: Final = parse_compound_unit("day")
_PER_DAY: Final = parse_compound_unit("1/day")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_LARGEST: Final = 20_000_000
_SUBSET: Final = "SBML within the subset that is read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    """A model that came from a file.

    Parameters
    ----------
    block : Block
        Its equations; every state and assigned quantity is an output of the same name.
    parameters : ParameterSet
        Its numbers, with status and source where the file states them.
    events : mapping of str to EventTable
        When its events happen, for :func:`oncovivo.mechanism.engine.simulate_model`.
    notes : tuple of str
        What a reader should know: names that were changed, units, the unit of time.
    """

    block: Block
    parameters: ParameterSet
    events: Mapping[str, EventTable]
    notes: tuple[str, ...]


def read_sbml(
    path: Path, *, time_unit: str | None = None, provides: Role = "effect"
) -> ImportedModel:
    """The model of an SBML file.

    Parameters
    ----------
    path : Path
        XML.
    time_unit : str, optional
        Unit of its time, where the file does not state one; days unless given.
    provides : Role
        What the block is in a model of several blocks.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is no valid SBML.
    InputError
        If it is outside the subset of the module; the message names the element.
    MissingExtraError
        If libSBML is not installed.
    """
    try:
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= _LARGEST else ""
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("an SBML file", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=path.name) from err
    if size > _LARGEST:
        raise FileFormatError(f"at most {_LARGEST} bytes", found=str(size), where=path.name)
    return model_from_sbml(text, where=path.name, time_unit=time_unit, provides=provides)


def model_from_sbml(
    text: str, *, where: str = "SBML", time_unit: str | None = None, provides: Role = "effect"
) -> ImportedModel:
    """The model of a document of SBML.

    Parameters
    ----------
    text : str
        XML.
    where : str
        Name for messages.
    time_unit, provides
        As for :func:`read_sbml`.

    Raises
    ------
    FileFormatError, InputError, MissingExtraError
        As for :func:`read_sbml`.
    """
    library = sbml_library()
    document = library.readSBMLFromString(text)
    _check_document(library, document, where)
    try:
        draft = _Reader(library, document.getModel(), where, time_unit).read()
        return _imported(draft, provides)
    except RecursionError as err:
        raise InputError(_SUBSET, found="formulas that are nested too deep", where=where) from err


def _check_document(library: Untyped, document: Untyped, where: str) -> None:
    """Refuse what is no valid SBML, or needs a package."""
    _check_errors(library, document, where)
    for place in range(document.getNumPlugins() if document.getLevel() >= 3 else 0):
        package = document.getPlugin(place).getPackageName()
        # libSBML handles the functions that Level 3 Version 2 added as a package of their own.
        if package != "l3v2extendedmath" and document.getPackageRequired(package):
            _refuse(f"the package {package}", where)
    if document.getModel() is None:
        raise FileFormatError("a model", found="none", where=where)
    if document.getLevel() < 2:
        _refuse(f"level {document.getLevel()}", where)
    checked = False
    for category in (
        library.LIBSBML_CAT_UNITS_CONSISTENCY,
        library.LIBSBML_CAT_MODELING_PRACTICE,
        library.LIBSBML_CAT_SBO_CONSISTENCY,
    ):
        document.setConsistencyChecks(category, checked)
    document.checkConsistency()
    _check_errors(library, document, where)


def _check_errors(library: Untyped, document: Untyped, where: str) -> None:
    """The first error of the library as ours."""
    for place in range(document.getNumErrors()):
        error = document.getError(place)
        if error.getSeverity() >= library.LIBSBML_SEV_ERROR:
            raise FileFormatError(
                "valid SBML",
                found=" ".join(error.getMessage().split())[:300],
                where=f"{where} line {error.getLine()}",
            )


def _refuse(found: str, where: str, mend: str = "") -> NoReturn:
    """What is outside the subset."""
    raise InputError(_SUBSET, found=found, where=where, mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Constant:
    """A number of the file."""

    value: float
    unit: CompoundUnit | None
    stated: str
    meaning: str
    status: Status = "assumed"
    source: str = NO_SOURCE


@dataclass(slots=True, kw_only=True)
class _Variable:
    """A state: its value at first, and its rate per unit of the file's time."""

    unit: CompoundUnit | None
    stated: str
    meaning: str
    initial: Expression
    rate: Expression = field(default_factory=lambda: Number(0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """An algebraic."""

    unit: CompoundUnit | None
    stated: str
    meaning: str
    value: Expression
    shown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happening:
    """An event: its day, and the new values."""

    name: str
    day: float
    values: Mapping[str, Expression]


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What a file holds, before units are looked at."""

    name: str
    title: str
    where: str
    per_day: float
    """How many of the file's units of time a day is."""
    time_unit: CompoundUnit
    constants: dict[str, _Constant] = field(default_factory=dict)
    variables: dict[str, _Variable] = field(default_factory=dict)
    given: dict[str, _Given] = field(default_factory=dict)
    happenings: list[_Happening] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Reader:
    """Walks a model of libSBML."""

    def __init__(
        self, library: Untyped, model: Untyped, where: str, time_unit: str | None
    ) -> None:
        self.library = library
        self.model = model
        self.where = where
        self.units = SbmlUnits(library, model)
        unit, note = self._time_unit(time_unit)
        self.draft = _Draft(
            name=_identifier(model.getId() or "imported"),
            title=model.getName() or model.getId() or "imported model",
            where=where,
            per_day=_DAY.to(unit, where=where),
            time_unit=unit,
        )
        if note:
            self.draft.notes.append(note)
        self.safe = self._safe_names()
        functions = {one.getId(): one.getMath() for one in _each(model, "FunctionDefinition")}
        self.math = MathReader(
            library=library,
            functions=functions,
            names={old: Name(new) for old, new in self.safe.items()},
            where=where,
        )
        self.initials = {one.getSymbol(): one for one in _each(model, "InitialAssignment")}
        self.rules: dict[str, Untyped] = {}
        self.switched: set[str] = set()

    def read(self) -> _Draft:
        """Everything, in an order in which each part finds what it needs."""
        self._refuse_what_is_not_read()
        self.rules = {one.getVariable(): one for one in _each(self.model, "Rule")}
        self.switched = {
            assignment.getVariable()
            for event in _each(self.model, "Event")
            for assignment in _each(event, "EventAssignment")
        }
        for compartment in _each(self.model, "Compartment"):
            self._compartment(compartment)
        for parameter in _each(self.model, "Parameter"):
            unit = self.units.get(parameter.getUnits())
            value = parameter.getValue() if parameter.isSetValue() else None
            self._quantity(parameter, value, unit, parameter.getUnits())
        for species in _each(self.model, "Species"):
            self._species(species)
        for reaction in _each(self.model, "Reaction"):
            self._reaction(reaction)
        for name in [*self.rules, *self.initials, *self.switched]:
            if name not in self.known:
                _refuse(f"{name}, which is assigned", self.where, "only quantities can be")
        self._fix_initials()
        for event in _each(self.model, "Event"):
            self._event(event)
        self._check_order()
        self._check_names()
        if not (self.draft.variables or self.draft.given):
            raise FileFormatError(
                "a model in which something moves", found="none", where=self.where
            )
        return self.draft

    @property
    def known(self) -> set[str]:
        """Identifiers of quantities that a rule may change."""
        model = self.model
        kinds = ("Compartment", "Parameter", "Species")
        return {one.getId() for kind in kinds for one in _each(model, kind)}

    def _time_unit(self, given: str | None) -> tuple[CompoundUnit, str]:
        """The unit of time, and a note where the file does not state it."""
        if given is not None:
            return parse_compound_unit(given), ""
        level_3 = self.model.getLevel() >= 3
        stated = self.model.getTimeUnits() if level_3 else "time"
        unit = self.units.get(stated)
        if unit is not None and unit.exponents == _DAY.exponents:
            return unit, ""
        return _DAY, "The file states no unit of time that is known here; days are assumed."

    def _safe_names(self) -> dict[str, str]:
        """Our names for identifiers that cannot be kept."""
        kinds = ("Compartment", "Parameter", "Species", "Reaction")
        names = [one.getId() for kind in kinds for one in _each(self.model, kind)]
        taken = set(names)
        found = {}
        for name in names:
            if _NAME.fullmatch(name) and name not in RESERVED:
                continue
            word = _free(_identifier(name), taken)
            taken.add(word)
            found[name] = word
            self.draft.notes.append(f"{name} is called {word} here.")
        return found

    def _refuse_what_is_not_read(self) -> None:
        """The elements that the module names."""
        model, where = self.model, self.where
        if model.getNumConstraints():
            _refuse("a constraint", where)
        for rule in _each(model, "Rule"):
            if rule.isAlgebraic():
                _refuse("an algebraic rule", where, "solve it for one of its quantities")
        factors = [("the model", model)] if model.getLevel() >= 3 else []
        factors += [(one.getId(), one) for one in _each(model, "Species")]
        for name, holder in factors:
            if model.getLevel() >= 3 and holder.isSetConversionFactor():
                parameter = model.getParameter(holder.getConversionFactor())
                if parameter is None or parameter.getValue() != 1.0:
                    _refuse(f"a conversion factor of {name} that is not 1", where)
        for reaction in _each(model, "Reaction"):
            if reaction.isSetFast() and reaction.getFast():
                _refuse(f"the fast reaction {reaction.getId()}", where)

    def _name(self, identifier: str) -> str:
        """Our name for an identifier."""
        return self.safe.get(identifier, identifier)

    def _place(self, what: str) -> MathReader:
        """The reader of formulas for an element."""
        return self.math.within(what)

    def _compartment(self, compartment: Untyped) -> None:
        """A size that stays."""
        name = compartment.getId()
        if name in self.rules or name in self.switched:
            _refuse(f"compartment {name}, whose size changes", self.where)
        size = compartment.getSize() if compartment.isSetSize() else None
        if size is None and name not in self.initials:
            size = 1.0
        stated = self._compartment_unit(compartment)
        self._quantity(compartment, size, self.units.get(stated), stated)

    def _compartment_unit(self, compartment: Untyped) -> str:
        """Identifier of a compartment's unit."""
        if compartment.getUnits():
            return str(compartment.getUnits())
        return str(self.model.getVolumeUnits()) if self.model.getLevel() >= 3 else "volume"

    def _substance_unit(self, species: Untyped) -> str:
        """Identifier of the unit of a species' amount."""
        if species.getSubstanceUnits():
            return str(species.getSubstanceUnits())
        return str(self.model.getSubstanceUnits()) if self.model.getLevel() >= 3 else "substance"

    def _quantity(
        self,
        holder: Untyped,
        value: float | None,
        unit: CompoundUnit | None,
        stated: str,
        initial: Expression | None = None,
    ) -> None:
        """A number, a state or an algebraic, as what changes it says."""
        identifier = holder.getId()
        name = self._name(identifier)
        meaning = holder.getName() or identifier
        rule = self.rules.get(identifier)
        if rule is not None and rule.isAssignment():
            tree = self._place(f"rule for {identifier}").read(rule.getMath())
            self.draft.given[name] = _Given(
                unit=unit, stated=stated, meaning=meaning, value=tree, shown=True
            )
            return
        first = initial
        if identifier in self.initials:
            place = self._place(f"initial assignment of {identifier}")
            first = place.read(self.initials[identifier].getMath())
        if first is None and (value is None or not math.isfinite(value)):
            raise InputError("a value", found="none", where=f"{self.where} {identifier}")
        moves = rule is not None or identifier in self.switched
        if not moves and first is None and value is not None:
            status, source = _origin(holder)
            self.draft.constants[name] = _Constant(
                value=value,
                unit=unit,
                stated=stated,
                meaning=meaning,
                status=status,
                source=source,
            )
            return
        start = self._first(name, value or 0.0, unit, stated) if first is None else first
        if not moves:
            self.draft.given[name] = _Given(
                unit=unit, stated=stated, meaning=meaning, value=start, shown=False
            )
            return
        variable = _Variable(unit=unit, stated=stated, meaning=meaning, initial=start)
        if rule is not None:
            variable.rate = self._place(f"rate rule for {identifier}").read(rule.getMath())
        self.draft.variables[name] = variable

    def _first(
        self, name: str, value: float, unit: CompoundUnit | None, stated: str
    ) -> Expression:
        """A value at first: 0, or a parameter of its own."""
        if value == 0.0:
            return Number(0.0)
        word = self._fresh(f"initial_{name}")
        self.draft.constants[word] = _Constant(
            value=value, unit=unit, stated=stated, meaning=f"{name} at first"
        )
        return Name(word)

    def _fresh(self, wanted: str) -> str:
        """A name that no quantity has."""
        taken = {self._name(one) for one in self.known} | set(self.draft.constants)
        taken |= {one.getId() for one in _each(self.model, "Reaction")}
        return _free(wanted[:60], taken)

    def _species(self, species: Untyped) -> None:
        """A species: its symbol is an amount, or a concentration in a compartment."""
        identifier = species.getId()
        compartment = self.model.getCompartment(species.getCompartment())
        as_amount = self._is_amount(species)
        substance = self._substance_unit(species)
        size = self._compartment_unit(compartment)
        unit, stated = self.units.get(substance), substance
        if not as_amount:
            volume = self.units.get(size)
            both = unit is not None and volume is not None
            unit = ratio_unit(unit, volume) if both and unit and volume else None
            stated = f"{substance}/{size}"
        value, initial = None, None
        if species.isSetInitialAmount():
            value = species.getInitialAmount()
            if not as_amount:
                initial = over(self._start(species, value, substance), self._volume(species))
        elif species.isSetInitialConcentration():
            value = species.getInitialConcentration()
            if as_amount:
                start = self._start(species, value, f"{substance}/{size}")
                initial = times(start, self._volume(species))
        self._quantity(species, value, unit, stated, initial)
        if self._reacts(species):
            self._make_variable(identifier)

    def _start(self, species: Untyped, value: float, stated: str) -> Expression:
        """An initial amount or concentration as a parameter."""
        if not math.isfinite(value):
            raise InputError("a finite value", found=str(value), where=species.getId())
        if species.getId() in self.initials:
            return Number(0.0)
        return self._first(self._name(species.getId()), value, self.units.get(stated), stated)

    def _volume(self, species: Untyped) -> Expression:
        """Size of the compartment of a species."""
        return Name(self._name(species.getCompartment()))

    def _is_amount(self, species: Untyped) -> bool:
        """Whether the symbol of a species is its amount."""
        compartment = self.model.getCompartment(species.getCompartment())
        return bool(species.getHasOnlySubstanceUnits() or compartment.getSpatialDimensions() == 0)

    def _reacts(self, species: Untyped) -> bool:
        """Whether reactions change a species."""
        if species.getBoundaryCondition() or species.getConstant():
            return False
        name = species.getId()
        return any(
            reference.getSpecies() == name
            for reaction in _each(self.model, "Reaction")
            for kind in ("Reactant", "Product")
            for reference in _each(reaction, kind)
        )

    def _make_variable(self, identifier: str) -> None:
        """A species that reactions change, as a state."""
        draft, name = self.draft, self._name(identifier)
        if name in draft.variables:
            return
        if name in draft.constants:
            one = draft.constants.pop(name)
            draft.variables[name] = _Variable(
                unit=one.unit,
                stated=one.stated,
                meaning=one.meaning,
                initial=self._first(name, one.value, one.unit, one.stated),
            )
            return
        start = draft.given.pop(name)
        draft.variables[name] = _Variable(
            unit=start.unit, stated=start.stated, meaning=start.meaning, initial=start.value
        )

    def _reaction(self, reaction: Untyped) -> None:
        """A flux, and what it does to species."""
        identifier = reaction.getId()
        law = reaction.getKineticLaw()
        if law is None or law.getMath() is None:
            _refuse(f"reaction {identifier} without a kinetic law", self.where)
        place = f"reaction {identifier}"
        flux = self._place(place).within("", self._locals(reaction, law)).read(law.getMath())
        level_3 = self.model.getLevel() >= 3
        extent = self.model.getExtentUnits() if level_3 else "substance"
        unit = self.units.get(extent)
        self.draft.given[self._name(identifier)] = _Given(
            unit=None if unit is None else ratio_unit(unit, self.draft.time_unit),
            stated=f"{extent}/time",
            meaning=reaction.getName() or identifier,
            value=flux,
            shown=False,
        )
        for kind, sign in (("Reactant", -1.0), ("Product", 1.0)):
            for reference in _each(reaction, kind):
                self._moved(reference, identifier, sign)

    def _locals(self, reaction: Untyped, law: Untyped) -> dict[str, Expression]:
        """Parameters of a kinetic law's own."""
        kind = "LocalParameter" if self.model.getLevel() >= 3 else "Parameter"
        found: dict[str, Expression] = {}
        for one in _each(law, kind):
            name = self._fresh(_identifier(f"{reaction.getId()}_{one.getId()}"))
            if not one.isSetValue() or not math.isfinite(one.getValue()):
                raise InputError("a value", found="none", where=f"{self.where} {name}")
            status, source = _origin(one)
            self.draft.constants[name] = _Constant(
                value=one.getValue(),
                unit=self.units.get(one.getUnits()),
                stated=one.getUnits(),
                meaning=one.getName() or one.getId(),
                status=status,
                source=source,
            )
            found[one.getId()] = Name(name)
        return found

    def _moved(self, reference: Untyped, reaction: str, sign: float) -> None:
        """A species that a reaction takes or makes."""
        where = f"{self.where} reaction {reaction}"
        species = self.model.getSpecies(reference.getSpecies())
        named = reference.getId()
        computed = reference.isSetStoichiometryMath() or (
            named and (named in self.rules or named in self.initials or named in self.switched)
        )
        count = reference.getStoichiometry()
        if computed or not math.isfinite(count):
            _refuse(f"a stoichiometry of {species.getId()} that is computed", where)
        if not self._reacts(species):
            return
        if species.getId() in self.rules:
            _refuse(f"{species.getId()}, which a rule and a reaction change", where)
        flux: Expression = times(number(sign * count), Name(self._name(reaction)))
        if not self._is_amount(species):
            flux = over(flux, self._volume(species))
        variable = self.draft.variables[self._name(species.getId())]
        variable.rate = plus(variable.rate, flux)

    def _fix_initials(self) -> None:
        """Values at first as formulas of constants, so that they need no other value at first."""
        draft = self.draft
        moving = _moving(draft)

        def fixed(tree: Expression, path: tuple[str, ...]) -> Expression:
            found: dict[str, Expression] = {"time": Number(0.0)}
            for name in sorted(tree.names() & moving):
                if name in path:
                    _refuse(
                        f"values at first in a circle: {' → '.join((*path, name))}", self.where
                    )
                inner = (
                    draft.variables[name].initial
                    if name in draft.variables
                    else draft.given[name].value
                )
                found[name] = fixed(inner, (*path, name))
            return tree.substitute(found)

        for name, one in draft.variables.items():
            one.initial = fixed(one.initial, (name,))
        for identifier in self.initials:
            name = self._name(identifier)
            if name in moving and name in draft.given:
                one_given = draft.given[name]
                draft.given[name] = _Given(
                    unit=one_given.unit,
                    stated=one_given.stated,
                    meaning=one_given.meaning,
                    value=fixed(one_given.value, (name,)),
                    shown=False,
                )

    def _event(self, event: Untyped) -> None:
        """New values at a time."""
        name = event.getId() or event.getName() or "an event"
        where = f"{self.where} event {name}"
        if event.isSetDelay():
            _refuse("an event with a delay", where)
        if self.model.getLevel() >= 3 and event.isSetPriority():
            _refuse("an event with a priority", where)
        trigger = event.getTrigger()
        if trigger is None or trigger.getMath() is None:
            _refuse("an event without a trigger", where)
        starts_true = trigger.getInitialValue() if self.model.getLevel() >= 3 else True
        day, strict = self._trigger_day(trigger.getMath(), where)
        if day < 0.0 or (day == 0.0 and not strict):
            if starts_true:
                note = f"Event {name} is true from the start, so that it does not happen in SBML."
                self.draft.notes.append(note)
                return
            day = 0.0
        values = {}
        for assignment in _each(event, "EventAssignment"):
            target = self._name(assignment.getVariable())
            if target not in self.draft.variables:
                _refuse(f"an event that changes {target}, which a rule gives", where)
            place = self._place(f"event {name}")
            values[target] = place.read(assignment.getMath())
        if values:
            self.draft.happenings.append(_Happening(name=name, day=day, values=values))

    def _trigger_day(self, math_of_trigger: Untyped, where: str) -> tuple[float, bool]:
        """The day of a trigger such as ``time >= 7``, and whether it is ``>``."""
        library = self.library
        kinds = {
            library.AST_RELATIONAL_GEQ: (0, 1),
            library.AST_RELATIONAL_GT: (0, 1),
            library.AST_RELATIONAL_LEQ: (1, 0),
            library.AST_RELATIONAL_LT: (1, 0),
        }
        kind = math_of_trigger.getType()
        text = library.formulaToL3String(math_of_trigger)
        if kind not in kinds or math_of_trigger.getNumChildren() != 2:
            _refuse(f"the trigger {text}", where, "write time >= a constant")
        first, second = kinds[kind]
        time = math_of_trigger.getChild(first)
        if time.getType() != library.AST_NAME_TIME:
            _refuse(f"the trigger {text}", where, "write time >= a constant")
        tree = self._place("trigger").read(math_of_trigger.getChild(second))
        if "time" in tree.names() or tree.names() & _moving(self.draft):
            _refuse(f"the trigger {text}", where, "write time >= a constant")
        while tree.names() & self.draft.given.keys():
            tree = tree.substitute({name: one.value for name, one in self.draft.given.items()})
        values = {name: one.value for name, one in self.draft.constants.items()}
        day = float(tree.evaluate(values)) / self.draft.per_day
        if not math.isfinite(day):
            raise InputError("a finite time", found=text, where=where)
        strict = kind in (library.AST_RELATIONAL_GT, library.AST_RELATIONAL_LT)
        return day, strict

    def _check_order(self) -> None:
        """Refuse events at one time whose order would matter, which nothing states."""
        defined = {name: one.value for name, one in self.draft.given.items()}
        by_day: dict[float, list[_Happening]] = {}
        for one in self.draft.happenings:
            by_day.setdefault(one.day, []).append(one)
        for day, events in by_day.items():
            for place, one in enumerate(events):
                for other in events[place + 1 :]:
                    both = (one, other), (other, one)
                    if any(_meets(a, b, defined) for a, b in both):
                        _refuse(
                            f"events {one.name} and {other.name} at one time, {day:g} d, whose "
                            "order would matter",
                            self.where,
                            "write them as one event",
                        )

    def _check_names(self) -> None:
        """Every name in a formula is a quantity."""
        draft = self.draft
        known = {"time", *draft.constants, *draft.variables, *draft.given}
        for tree in _formulas(draft):
            unknown = sorted(tree.names() - known)
            if unknown:
                _refuse(f"{unknown[0]} in a formula, which is no quantity", self.where)


def _each(holder: Untyped, kind: str) -> Iterator[Untyped]:
    """The elements of a list of libSBML."""
    plural = {"Species": "Species"}.get(kind, f"{kind}s")
    for place in range(getattr(holder, f"getNum{plural}")()):
        yield getattr(holder, f"get{kind}")(place)


def _formulas(draft: _Draft) -> Iterator[Expression]:
    """Every formula of a draft."""
    for variable in draft.variables.values():
        yield variable.initial
        yield variable.rate
    for given in draft.given.values():
        yield given.value
    for happening in draft.happenings:
        yield from happening.values.values()


def _moving(draft: _Draft) -> set[str]:
    """Names whose values change with time."""
    moving = {"time", *draft.variables}
    while True:
        more = {
            name
            for name, one in draft.given.items()
            if name not in moving and one.value.names() & moving
        }
        if not more:
            return moving - {"time"}
        moving |= more


def _meets(one: _Happening, other: _Happening, defined: Mapping[str, Expression]) -> bool:
    """Whether an event reads or sets what another sets."""
    reached: set[str] = set(one.values)
    pending = [name for tree in one.values.values() for name in tree.names()]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += defined[name].names() if name in defined else ()
    return bool(reached & other.values.keys())


def _identifier(text: str) -> str:
    """Text as a name that a block may have."""
    word = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")[:60]
    plain = word if word[:1].isalpha() else f"x_{word}"
    return f"{plain}_" if plain in RESERVED else plain


def _free(wanted: str, taken: set[str]) -> str:
    """The name, with a number where it is taken."""
    tries = [wanted, *(f"{wanted}_{number}" for number in range(2, 1000))]
    return next(one for one in tries if one not in taken)


def _origin(holder: Untyped) -> tuple[Status, str]:
    """Status and source that our own annotation states; assumed where there is none."""
    node = holder.getAnnotation()
    for place in range(0 if node is None else node.getNumChildren()):
        child = node.getChild(place)
        if child.getURI() != ANNOTATION:
            continue
        stated = child.getAttrValue("status")
        source = child.getAttrValue("source") or NO_SOURCE
        for status in STATUSES:
            if stated == status and (source != NO_SOURCE or status == "assumed"):
                return status, source
    return "assumed", NO_SOURCE


def _imported(draft: _Draft, provides: Role) -> ImportedModel:
    """Block and numbers, with units where they hold."""
    reason = _no_units(draft)
    if not reason:
        block = _block(draft, provides, with_units=True)
        reason = _factors(draft, block)
    if reason:
        block = _block(draft, provides, with_units=False)
        draft.notes.append(f"All quantities are pure numbers here, because {reason}.")
    events = {
        event.kind: EventTable(time=np.array(days), dose=np.ones(len(days)))
        for event, days in zip(block.events, _kinds(draft).values(), strict=True)
    }
    return ImportedModel(
        block=block,
        parameters=_numbers(draft, block, with_units=not reason),
        events=events,
        notes=tuple(draft.notes),
    )


def _no_units(draft: _Draft) -> str:
    """Why units cannot be kept, as far as they alone tell."""
    everything: list[tuple[str, _Constant | _Variable | _Given]] = [
        *draft.constants.items(),
        *draft.variables.items(),
        *draft.given.items(),
    ]
    for name, one in everything:
        if one.unit is None:
            stated = f"the unit {one.stated!r} of {name}" if one.stated else f"{name} has no unit"
            return f"{stated} is not known" if one.stated else stated
    uses_time = any("time" in tree.names() for tree in _formulas(draft))
    if uses_time and draft.per_day != 1.0:
        return f"formulas hold the time in {draft.time_unit.symbol}"
    return ""


def _factors(draft: _Draft, block: Block) -> str:
    """Why units cannot be kept: the formula that holds no longer, or fits no units."""
    try:
        model = build_model([block])
    except UnitError as err:
        return f"units do not fit: {err}"
    expected = {
        **{name: one.value for name, one in draft.given.items()},
        **{name: times(number(draft.per_day), one.rate) for name, one in draft.variables.items()},
    }
    made = {**model.definitions, **model.rates}
    for name, tree in expected.items():
        if made[name] != tree:
            return f"the formula of {name} holds between numbers, not between their units"
    kept = all(model.event_maps[event.kind] == dict(event.maps) for event in block.events) and all(
        model.initials[name] == one.initial for name, one in draft.variables.items()
    )
    if not kept:
        return "formulas of events or first values hold between numbers, not between their units"
    return ""


def _kinds(draft: _Draft) -> dict[tuple[tuple[str, Expression], ...], list[float]]:
    """Days of the events that do the same, rising, by what they do."""
    found: dict[tuple[tuple[str, Expression], ...], list[float]] = {}
    for one in sorted(draft.happenings, key=lambda happening: happening.day):
        found.setdefault(tuple(sorted(one.values.items(), key=lambda item: item[0])), []).append(
            one.day
        )
    return found


def _block(draft: _Draft, provides: Role, *, with_units: bool) -> Block:
    """The block of a draft."""
    taken = {"time", *draft.constants, *draft.variables, *draft.given}
    per_day = _free("per_day", taken)
    in_file = Name("time")

    def unit(one: _Constant | _Variable | _Given) -> CompoundUnit:
        return one.unit if with_units and one.unit is not None else _PURE

    def meaning(one: _Constant | _Variable | _Given) -> str:
        bare = with_units or not one.stated or one.stated == "dimensionless"
        return one.meaning if bare else f"{one.meaning} ({one.stated} in the file)"

    def tree(formula: Expression) -> Expression:
        """A formula whose time is the file's, as a pure number where units are dropped."""
        if with_units or "time" not in formula.names():
            return formula
        scaled = times(number(draft.per_day), times(in_file, Name(per_day)))
        return formula.substitute({"time": scaled})

    def rate(formula: Expression) -> Expression:
        if with_units:
            return formula
        return times(times(number(draft.per_day), Name(per_day)), tree(formula))

    parameters = [
        _parameter(name, unit(one), meaning(one)) for name, one in draft.constants.items()
    ]
    if not with_units:
        parameters.append(_parameter(per_day, _PER_DAY, "one per day, as rates are pure numbers"))
    shown: dict[str, _Variable | _Given] = {
        **draft.variables,
        **{name: one for name, one in draft.given.items() if one.shown},
    }
    taken.add(per_day)
    events = []
    for number_of, maps in enumerate(_kinds(draft), start=1):
        kind = _free(f"event_{number_of}", taken)
        dose = _free(f"size_of_{kind}", taken)
        taken |= {kind, dose}
        events.append(
            Event(
                kind=kind,
                dose=dose,
                unit=_PURE,
                maps=tuple((name, tree(formula)) for name, formula in maps),
            )
        )
    return Block(
        name=draft.name,
        title=draft.title,
        source=f"imported from {draft.where}",
        provides=provides,
        file=draft.where,
        parameters=tuple(parameters),
        states=tuple(
            State(
                name=name,
                unit=unit(one),
                meaning=meaning(one),
                initial=tree(one.initial),
                rate=rate(one.rate),
            )
            for name, one in draft.variables.items()
        ),
        algebraics=tuple(
            Algebraic(name=name, unit=unit(one), meaning=meaning(one), value=tree(one.value))
            for name, one in draft.given.items()
        ),
        outputs=tuple(
            Output(name=name, unit=unit(one), meaning=meaning(one), kind="other", value=Name(name))
            for name, one in shown.items()
        ),
        events=tuple(events),
    )


def _parameter(name: str, unit: CompoundUnit, meaning: str) -> Parameter:
    """A parameter without bounds, as a file states none."""
    return Parameter(
        name=name,
        unit=unit,
        meaning=meaning,
        lower=None,
        upper=None,
        open=False,
        transform="identity",
        shared=False,
    )


def _numbers(draft: _Draft, block: Block, *, with_units: bool) -> ParameterSet:
    """Values of the block's parameters."""
    citations = dict.fromkeys(
        one.source for one in draft.constants.values() if one.source != NO_SOURCE
    )
    keys = {citation: f"source_{place}" for place, citation in enumerate(citations, start=1)}
    values = {
        name: ParameterValue(
            value=one.value,
            unit=one.unit.symbol if with_units and one.unit is not None else "1",
            status=one.status,
            source=keys.get(one.source, NO_SOURCE),
            note="" if one.source != NO_SOURCE else f"As in {draft.where}.",
        )
        for name, one in draft.constants.items()
    }
    for parameter in block.parameters:
        if parameter.name not in values:
            values[parameter.name] = ParameterValue(
                value=1.0, unit="1/day", status="assumed", note="A unit, not a number."
            )
    return ParameterSet(
        name=draft.name,
        title=draft.title,
        file=draft.where,
        sources={key: citation for citation, key in keys.items()},
        values=values,
    )
