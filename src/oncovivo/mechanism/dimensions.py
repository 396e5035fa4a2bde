"""Compound units: what ``mL/(ng*day)`` measures and how much of the base units it is.

The bases are mm, g, day, nmol, Gy and the count of cells. A factor is an exact fraction, so that a
unit and its inverse cancel without a trace. A tumor's mass (g) and its volume (mm³) are different
dimensions, and so are mass and amount of substance: neither converts into the other in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

from oncovivo.errors import UnitError
from oncovivo.units import Dimension, parse_unit, spellings

__all__ = ["BASES", "CompoundUnit", "Exponents", "describe", "parse_compound_unit"]

Exponents: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction, Fraction, Fraction]
"""Powers of length, mass, time, amount, absorbed dose and count."""

BASES: Final = ("mm", "g", "day", "nmol", "Gy", "cells")

DIMENSIONLESS: Final[Exponents] = (
    Fraction(0),
    Fraction(0),
    Fraction(0),
    Fraction(0),
    Fraction(0),
    Fraction(0),
)

LONGEST_TEXT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class CompoundUnit:
    """A product of powers of units.

    Parameters
    ----------
    symbol : str
        The one way it is printed.
    exponents : tuple of Fraction, shape (6,)
        Powers of mm, g, day, nmol, Gy and cells.
    scale : Fraction
        How many of the product of base units one of this is, exactly.

    Examples
    --------
    >>> unit = parse_compound_unit("mL/(ng*day)")
    >>> unit.symbol, unit.factor
    ('mL/(ng·day)', 1000000000000.0)
    """

    symbol: str
    exponents: Exponents
    scale: Fraction

    @property
    def factor(self) -> float:
        """`scale` as a float."""
        return float(self.scale)

    @property
    def dimensionless(self) -> bool:
        """Whether it is a pure number (1, %, g/kg)."""
        return self.exponents == DIMENSIONLESS

    def to(self, other: CompoundUnit, *, where: str = "") -> float:
        """How many of `other` one of this is.

        Parameters
        ----------
        other : CompoundUnit
            The unit wanted.
        where : str, optional
            The place for the message.

        Raises
        ------
        UnitError
            If the two measure different things; names both.

        Examples
        --------
        >>> parse_compound_unit("1/h").to(parse_compound_unit("1/day"))
        24.0
        """
        if self.exponents != other.exponents:
            raise UnitError(
                f"a unit that converts into {other.symbol}",
                found=f"{self.symbol} ({describe(self.exponents)} is not "
                f"{describe(other.exponents)})",
                where=where,
                mend=_missing_link(self.exponents, other.exponents),
            )
        return float(self.scale / other.scale)


def _vector(**powers: int) -> Exponents:
    """Exponents by the name of the base."""
    length, mass, time, amount, dose, count = (Fraction(powers.get(base, 0)) for base in BASES)
    return (length, mass, time, amount, dose, count)


# Dimensions of oncovivo.units whose units are one word, and what they are made of.
_SIMPLE: Final[dict[Dimension, Exponents]] = {
    "length": _vector(mm=1),
    "area": _vector(mm=2),
    "volume": _vector(mm=3),
    "mass": _vector(g=1),
    "time": _vector(day=1),
    "molar concentration": _vector(nmol=1, mm=-3),
    "absorbed dose": _vector(Gy=1),
    "ratio": DIMENSIONLESS,
}

# The first unit of a dimension in oncovivo.units, in our bases.
_BASE_SCALE: Final[dict[Dimension, Fraction]] = {"molar concentration": Fraction(1, 10**6)}

# What a compound unit needs beside the table of the field's units.
_FURTHER: Final[dict[str, tuple[str, Exponents, Fraction]]] = {
    "m": ("m", _vector(mm=1), Fraction(1000)),
    "dL": ("dL", _vector(mm=3), Fraction(10**5)),
    "nL": ("nL", _vector(mm=3), Fraction(1, 1000)),
    "pg": ("pg", _vector(g=1), Fraction(1, 10**12)),
    "s": ("s", _vector(day=1), Fraction(1, 86400)),
    "mol": ("mol", _vector(nmol=1), Fraction(10**9)),
    "mmol": ("mmol", _vector(nmol=1), Fraction(10**6)),
    "umol": ("µmol", _vector(nmol=1), Fraction(1000)),
    "nmol": ("nmol", _vector(nmol=1), Fraction(1)),
    "pmol": ("pmol", _vector(nmol=1), Fraction(1, 1000)),
    "cells": ("cells", _vector(cells=1), Fraction(1)),
    "cell": ("cells", _vector(cells=1), Fraction(1)),
}


def _atoms() -> dict[str, CompoundUnit]:
    """Every word that a compound unit may hold. Case counts: ``M`` is not ``m``."""
    found: dict[str, CompoundUnit] = {}
    for dimension, exponents in _SIMPLE.items():
        for spelling in spellings(dimension):
            if "/" in spelling:
                continue
            unit = parse_unit(spelling)
            scale = Fraction(unit.factor).limit_denominator(10**12)
            found[spelling] = CompoundUnit(
                symbol=unit.symbol,
                exponents=exponents,
                scale=scale * _BASE_SCALE.get(dimension, Fraction(1)),
            )
    for spelling, (symbol, exponents, scale) in _FURTHER.items():
        found[spelling] = CompoundUnit(symbol=symbol, exponents=exponents, scale=scale)
    return found


_ATOMS: Final[Mapping[str, CompoundUnit]] = _atoms()
_WORD: Final = re.compile(r"(?:([A-Za-z%]+)(-?[0-9]{1,2})?|(1))(?![A-Za-z0-9])")
_EXPONENT: Final = re.compile(r"-?[0-9](?![0-9])")
_SUPERSCRIPTS: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def _fold(text: str) -> str:
    """The text with one spelling of products, powers, the micro sign and the minus."""
    plain = unicodedata.normalize("NFKC", text).replace("\u03bc", "u").replace("\u2212", "-")
    plain = plain.replace("**", "^").replace("\u00b7", "*").replace("\u22c5", "*")
    return "".join(plain.split()).replace("^", "")


@lru_cache(maxsize=512)
def parse_compound_unit(text: str) -> CompoundUnit:
    """Compound unit that a text names.

    Parameters
    ----------
    text : str
        Words of the table of :mod:`oncovivo.units` (and mol, pg, s, m, cells) in their own case,
        powers (``mm³``, ``mm^3``, ``h-1``), ``*``, ``/`` and brackets. ``/`` divides by the next
        word or bracket only: ``L/h/kg`` is ``L/(h*kg)``. ``1`` is a pure number.

    Raises
    ------
    UnitError
        If the text names no unit.

    Examples
    --------
    >>> parse_compound_unit("L/h/kg") == parse_compound_unit("L/(h*kg)")
    True
    >>> parse_compound_unit("1/Gy^2").symbol
    '1/Gy²'
    """
    folded = _fold(text)
    if not folded or len(folded) > LONGEST_TEXT:
        raise UnitError(
            f"a unit of 1 to {LONGEST_TEXT} characters",
            found=repr(text),
            mend='write "1" for none',
        )
    powers, end = _product(folded, 0, text, 0)
    if end != len(folded):
        raise _unreadable(text, folded[end:])
    unit = _assemble(powers)
    if not Fraction(1, 10**60) < unit.scale < 10**60:
        raise UnitError(
            "a unit within 60 powers of ten of mm, g, day, nmol and Gy",
            found=repr(text),
            mend="write smaller powers",
        )
    return unit


def describe(exponents: Exponents) -> str:
    """Base units of a dimension, for messages.

    Examples
    --------
    >>> describe(parse_compound_unit("mL/h").exponents)
    'mm³/day'
    """
    return _printed(list(zip(BASES, exponents, strict=True)))


def _product(text: str, at: int, whole: str, depth: int) -> tuple[dict[str, int], int]:
    """Powers of the words from a place on, and the place behind them."""
    powers: dict[str, int] = {}
    sign = 1
    while True:
        part, at = _factor(text, at, whole, depth)
        for word, exponent in part.items():
            powers[word] = powers.get(word, 0) + sign * exponent
        if at >= len(text) or text[at] not in "*/":
            return powers, at
        sign = 1 if text[at] == "*" else -1
        at += 1


def _factor(text: str, at: int, whole: str, depth: int) -> tuple[dict[str, int], int]:
    """Powers of one word or one bracket."""
    if text[at : at + 1] == "(" and depth < 4:
        powers, at = _product(text, at + 1, whole, depth + 1)
        if text[at : at + 1] != ")":
            raise _unreadable(whole, text[at:])
        outer = _EXPONENT.match(text, at + 1)
        if outer is None:
            return powers, at + 1
        return {w: e * int(outer.group()) for w, e in powers.items()}, outer.end()
    found = _WORD.match(text, at)
    if found is None:
        raise _unreadable(whole, text[at:])
    word, exponent = found.group(1) or "1", found.group(2)
    if found.group() in _ATOMS:  # mm3 is a word of its own
        word, exponent = found.group(), None
    if word not in _ATOMS or abs(int(exponent or 1)) > 9:
        raise _unreadable(whole, found.group())
    return {word: int(exponent or 1)}, found.end()


def _unreadable(whole: str, rest: str) -> UnitError:
    """The error for a text that is no unit."""
    return UnitError(
        "a unit such as 1/day, ng/mL, mL/(ng*day) or nmol/L",
        found=f"{whole!r}, not read from {rest!r} on" if rest else f"{whole!r}, which breaks off",
        mend="write units in their own case, products with *",
    )


def _assemble(powers: Mapping[str, int]) -> CompoundUnit:
    """The unit of powers of words."""
    total = list(DIMENSIONLESS)
    scale = Fraction(1)
    for word, exponent in powers.items():
        atom = _ATOMS[word]
        total = [a + b * exponent for a, b in zip(total, atom.exponents, strict=True)]
        scale *= atom.scale**exponent
    parts = [(_ATOMS[word].symbol, Fraction(exponent)) for word, exponent in powers.items()]
    length, mass, time, amount, dose, count = total
    return CompoundUnit(
        symbol=_printed(parts), exponents=(length, mass, time, amount, dose, count), scale=scale
    )


def _printed(parts: list[tuple[str, Fraction]]) -> str:
    """Words with their powers as one fraction."""
    above = [_powered(word, exponent) for word, exponent in parts if exponent > 0 and word != "1"]
    below = [_powered(word, -exponent) for word, exponent in parts if exponent < 0 and word != "1"]
    if not below:
        return "·".join(above) or "1"
    divisor = "·".join(f"({word})" if "/" in word and word[0] != "(" else word for word in below)
    bracketed = f"({divisor})" if len(below) > 1 else divisor
    return f"{'·'.join(above) or '1'}/{bracketed}"


def _powered(word: str, exponent: Fraction) -> str:
    """A word with its power as superscript."""
    if exponent == 1:
        return word
    if word[-1] in "²³" or "/" in word:
        word = f"({word})"
    if exponent.denominator == 1:
        return word + str(exponent).translate(_SUPERSCRIPTS)
    return f"{word}^({exponent})"


def _missing_link(one: Exponents, other: Exponents) -> str:
    """What would be needed to get from one dimension to the other."""
    gap = tuple(a - b for a, b in zip(one, other, strict=True))
    known = {
        _vector(g=1, mm=-3): "a density is needed and none is assumed",
        _vector(g=1, nmol=-1): "a molar mass is needed: write it as a parameter",
        _vector(day=1): "one of them is per time and the other is not",
        _vector(g=1): "a body weight or another mass is needed",
    }
    for difference, words in known.items():
        if gap in (difference, tuple(-power for power in difference)):
            return words
    return "correct one of the two"
