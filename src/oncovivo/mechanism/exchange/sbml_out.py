"""SBML of the typical animal of one arm: Level 3 Version 2, core alone.

States are parameters with rate rules, what others give is an assignment rule, doses and fractions
of radiation are events with a time. Time is in days. Formulas hold the factors between declared
units as plain numbers, so a program that checks the units of formulas will remark on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from oncovivo.mechanism.dimensions import CompoundUnit, parse_compound_unit
from oncovivo.mechanism.exchange.libraries import Untyped, sbml_library
from oncovivo.mechanism.exchange.sbml_math import FREE_LIGAND, math_tree, uses_function
from oncovivo.mechanism.exchange.typical_animal import Change, TypicalAnimal
from oncovivo.mechanism.expressions import Expression, Number
from oncovivo.mechanism.parameters import ResolvedParameter

__all__ = ["ANNOTATION", "sbml_text"]

ANNOTATION: Final = "urn:oncovivo:parameter:1"
"""Namespace of the annotation that carries status and source of a number."""

_LEVEL, _VERSION = 3, 2
_DAY: Final = parse_compound_unit("day")
# mm, g, day, nmol, Gy and cells: base unit of SBML, power of ten, multiplier.
_BASES: Final = (
    ("metre", -3, 1.0),
    ("gram", 0, 1.0),
    ("second", 0, 86400.0),
    ("mole", -9, 1.0),
    ("gray", 0, 1.0),
    ("item", 0, 1.0),
)


def sbml_text(animal: TypicalAnimal) -> str:
    """The typical animal as a document of SBML.

    Parameters
    ----------
    animal : TypicalAnimal
        See :func:`oncovivo.mechanism.exchange.typical_animal.typical_animal_of`.

    Returns
    -------
    str
        XML; the same animal gives the same text.

    Raises
    ------
    MissingExtraError
        If libSBML is not installed.
    """
    return _Document(animal).text()


class _Document:
    """A document that is being written."""

    def __init__(self, animal: TypicalAnimal) -> None:
        self.library = sbml_library()
        self.animal = animal
        self.document = self.library.SBMLDocument(_LEVEL, _VERSION)
        self.model = self.document.createModel()
        self.units: dict[tuple[object, ...], str] = {}

    def text(self) -> str:
        """The document."""
        animal, model = self.animal, self.model
        model.setId(animal.name)
        if animal.title:
            model.setName(animal.title)
        model.setNotes(_body(_head(animal)))
        model.setTimeUnits(self._unit(_DAY))
        self._functions()
        for parameter in animal.parameters:
            self._parameter(parameter)
        for size in animal.sizes:
            made = self._variable(size.name, size.unit, size.meaning)
            made.setValue(size.value)
            made.setConstant(True)
        for state in animal.states:
            self._variable(state.name, state.unit, state.meaning)
            self._initial(state.name, state.initial)
            self._math(model.createRateRule(), state.name, state.rate)
        for inflow in animal.inflows:
            self._variable(inflow.name, inflow.unit, inflow.meaning).setValue(0.0)
        for one in animal.assignments:
            self._variable(one.name, one.unit, one.meaning)
            self._math(model.createAssignmentRule(), one.name, one.value)
        for place, change in enumerate(animal.changes, start=1):
            self._event(place, change)
        return str(self.library.writeSBMLToString(self.document))

    def _functions(self) -> None:
        """The one function that SBML does not have."""
        if any(uses_function(tree, "free_ligand") for tree in _trees(self.animal)):
            function = self.model.createFunctionDefinition()
            function.setId("free_ligand")
            function.setMath(self.library.parseL3Formula(FREE_LIGAND))

    def _parameter(self, entry: ResolvedParameter) -> None:
        """A number with where it comes from."""
        made = self.model.createParameter()
        made.setId(entry.name)
        made.setConstant(True)
        made.setValue(entry.value)
        made.setUnits(self._unit(entry.unit))
        origin = entry.citation or entry.source
        said = f"{entry.status}; source: {origin}"
        made.setNotes(_body([f"{entry.meaning} ({entry.unit.symbol})", said, entry.note]))
        made.appendAnnotation(
            f"<annotation><number xmlns={quoteattr(ANNOTATION)} "
            f"status={quoteattr(entry.status)} source={quoteattr(_plain(origin))}/></annotation>"
        )

    def _variable(self, name: str, unit: CompoundUnit, meaning: str) -> Untyped:
        """A quantity that moves."""
        made = self.model.createParameter()
        made.setId(name)
        made.setConstant(False)
        made.setUnits(self._unit(unit))
        made.setNotes(_body([f"{meaning} ({unit.symbol})".strip()]))
        return made

    def _initial(self, name: str, tree: Expression) -> None:
        """A state at day 0: a number, or a formula."""
        if isinstance(tree, Number):
            self.model.getParameter(name).setValue(tree.value)
            return
        made = self.model.createInitialAssignment()
        made.setSymbol(name)
        made.setMath(math_tree(self.library, tree))

    def _math(self, rule: Untyped, name: str, tree: Expression) -> None:
        """A rule for a variable."""
        rule.setVariable(name)
        rule.setMath(math_tree(self.library, tree))

    def _event(self, place: int, change: Change) -> None:
        """What happens at a time; one at day 0 happens, as its trigger was false before."""
        event = self.model.createEvent()
        event.setId(f"change_{place}")
        event.setName(change.meaning)
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        condition = self.library.ASTNode(self.library.AST_RELATIONAL_GEQ)
        time = self.library.ASTNode(self.library.AST_NAME_TIME)
        time.setName("time")
        condition.addChild(time)
        condition.addChild(math_tree(self.library, Number(change.time)))
        trigger.setMath(condition)
        for name, tree in change.values.items():
            made = event.createEventAssignment()
            made.setVariable(name)
            made.setMath(math_tree(self.library, tree))

    def _unit(self, unit: CompoundUnit) -> str:
        """Identifier of a unit, which is defined when it is first used."""
        if unit.dimensionless and unit.scale == 1:
            return "dimensionless"
        key = (unit.exponents, unit.scale)
        if key in self.units:
            return self.units[key]
        taken = set(self.units.values())
        word = _unit_word(unit.symbol)
        tries = [word, *(f"{word}_{number}" for number in range(2, 1000))]
        name = next(one for one in tries if one not in taken)
        self.units[key] = name
        definition = self.model.createUnitDefinition()
        definition.setId(name)
        definition.setName(unit.symbol)
        parts = [
            (kind, float(exponent), scale, multiplier)
            for (kind, scale, multiplier), exponent in zip(_BASES, unit.exponents, strict=True)
            if exponent
        ]
        size = float(unit.scale)
        if len(parts) == 1 and abs(parts[0][1]) == 1.0:
            # An hour is 3600 seconds, not a part of a day.
            kind, exponent, scale, multiplier = parts[0]
            self._part(definition, kind, exponent, scale, multiplier * size**exponent)
            return name
        for part in parts:
            self._part(definition, *part)
        if size != 1.0 or not parts:
            self._part(definition, "dimensionless", 1.0, 0, size)
        return name

    def _part(
        self, definition: Untyped, kind: str, exponent: float, scale: int, multiplier: float
    ) -> None:
        """A factor of a unit."""
        part = definition.createUnit()
        part.setKind(self.library.UnitKind_forName(kind))
        part.setExponent(exponent)
        part.setScale(scale)
        part.setMultiplier(multiplier)


def _trees(animal: TypicalAnimal) -> Iterator[Expression]:
    """Every formula."""
    for state in animal.states:
        yield state.initial
        yield state.rate
    for one in animal.assignments:
        yield one.value
    for change in animal.changes:
        yield from change.values.values()


def _head(animal: TypicalAnimal) -> list[str]:
    """What a reader of the file should know."""
    counts = [
        f"{sum(entry.status == status for entry in animal.parameters)} {status}"
        for status in ("measured", "fitted", "scaled", "assumed")
    ]
    return [
        f"Typical animal of arm {animal.arm!r}" if animal.arm else "Typical animal",
        f"Regimen: {animal.regimen or 'none'}. Doses are amounts of this animal, as parameters.",
        f"Of {len(animal.parameters)} numbers: {', '.join(counts)}.",
        "Time is in days. Formulas hold the factors between declared units as plain numbers.",
        animal.note,
    ]


def _body(lines: Sequence[str]) -> str:
    """Paragraphs as SBML wants its notes."""
    paragraphs = "".join(f"<p>{escape(_plain(line))}</p>" for line in lines if line)
    return f'<body xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</body>'


def _plain(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _unit_word(symbol: str) -> str:
    """Symbol of a unit as an identifier."""
    words = symbol.replace("/", "_per_").replace("µ", "u").replace("%", "percent")
    plain = words.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    word = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip("_")
    return word if word[:1].isalpha() else f"unit_{word}"
