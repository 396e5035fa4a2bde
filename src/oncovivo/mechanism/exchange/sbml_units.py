"""Units of an SBML model as ours, as far as there is one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oncovivo.errors import UnitError
from oncovivo.mechanism.dimensions import BASES, CompoundUnit, parse_compound_unit
from oncovivo.mechanism.exchange.libraries import Untyped

__all__ = ["SbmlUnits"]

# Base units of SBML: the word that we write, and how much of our bases it is.
_KINDS: Final[Mapping[str, tuple[str, dict[str, int], float]]] = {
    "metre": ("m", {"mm": 1}, 1e3),
    "litre": ("L", {"mm": 3}, 1e6),
    "gram": ("g", {"g": 1}, 1.0),
    "kilogram": ("kg", {"g": 1}, 1e3),
    "second": ("s", {"day": 1}, 1.0 / 86400.0),
    "mole": ("mol", {"nmol": 1}, 1e9),
    "gray": ("Gy", {"Gy": 1}, 1.0),
    "item": ("cells", {"cells": 1}, 1.0),
    "dimensionless": ("1", {}, 1.0),
}
_PREFIXES: Final = {0: "", -2: "c", -3: "m", -6: "u", -9: "n", -12: "p", 3: "k"}
_TIMES: Final = {60.0: "min", 3600.0: "h", 86400.0: "day"}
# What words without a definition mean in Level 2.
_BUILT_IN: Final = {"substance": "mole", "volume": "litre", "length": "metre", "time": "second"}
_SAME: Final = 1e-9


class SbmlUnits:
    """Looks units up.

    Parameters
    ----------
    library : module
        libSBML.
    model : object
        The model, as libSBML reads it.
    """

    def __init__(self, library: Untyped, model: Untyped) -> None:
        self._library = library
        self._definitions = {
            model.getUnitDefinition(place).getId(): model.getUnitDefinition(place)
            for place in range(model.getNumUnitDefinitions())
        }
        self._built_in = model.getLevel() < 3

    def get(self, name: str) -> CompoundUnit | None:
        """The unit of that name, None where there is none of ours.

        Parameters
        ----------
        name : str
            Identifier of a definition, or a base unit of SBML; empty for none.
        """
        if name in self._definitions:
            return self._defined(self._definitions[name])
        if self._built_in:
            name = _BUILT_IN.get(name, name)
        return parse_compound_unit(_KINDS[name][0]) if name in _KINDS else None

    def _defined(self, definition: Untyped) -> CompoundUnit | None:
        """The unit of a definition: of its name or identifier where it fits, or of its parts."""
        powers = dict.fromkeys(BASES, 0.0)
        size, words = 1.0, []
        for place in range(definition.getNumUnits()):
            part = definition.getUnit(place)
            kind = self._library.UnitKind_toString(part.getKind())
            if kind not in _KINDS:
                return None
            word, bases, factor = _KINDS[kind]
            exponent = part.getExponentAsDouble()
            size *= (part.getMultiplier() * 10.0 ** part.getScale() * factor) ** exponent
            for base, power in bases.items():
                powers[base] += power * exponent
            words.append(_power(_sized(word, part), exponent))
        for text in (definition.getName(), definition.getId(), "*".join(words)):
            unit = _parsed(text)
            if unit is None or [float(one) for one in unit.exponents] != list(powers.values()):
                continue
            if abs(unit.factor / size - 1.0) < _SAME:
                return unit
        return None


def _sized(word: str, part: Untyped) -> str:
    """The word of a part with its prefix, empty where we have no such word."""
    scale, multiplier = part.getScale(), part.getMultiplier()
    if word == "s" and scale == 0 and multiplier in _TIMES:
        return _TIMES[multiplier]
    if multiplier != 1.0 or scale not in _PREFIXES or (word in ("1", "kg") and scale):
        return ""
    return _PREFIXES[scale] + word


def _power(word: str, exponent: float) -> str:
    """A word with a whole power."""
    if not word or not exponent.is_integer():
        return ""
    return word if exponent == 1.0 or word == "1" else f"({word})^{int(exponent)}"


def _parsed(text: str) -> CompoundUnit | None:
    """The unit of a text, None where it is none."""
    try:
        return parse_compound_unit(text)
    except UnitError:
        return None
