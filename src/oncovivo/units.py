"""Units of the field: how they are spelled, what each is worth, and which conversions are refused.

Inside oncovivo a quantity has one unit: mm³, g, day, mg/kg, nmol/L. Conversion happens once, at
the edge. Units of one dimension differ by a factor. Between dimensions there is no factor: what
would be needed (a body weight, a surface factor, a molar mass) is named in the refusal, and a
molar mass may be given.

Case is kept apart where it carries meaning (``mM`` is not ``mm``); elsewhere it does not matter.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import InputError, UnitError

__all__ = [
    "Dimension",
    "Unit",
    "axis_label",
    "convert",
    "known_units",
    "parse_unit",
    "spellings",
]

Dimension: TypeAlias = Literal[
    "length",
    "area",
    "volume",
    "mass",
    "time",
    "dose per body mass",
    "dose per body surface",
    "molar dose per body mass",
    "volume per body mass",
    "dose rate per body mass",
    "mass concentration",
    "molar concentration",
    "absorbed dose",
    "rate",
    "ratio",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit.

    Parameters
    ----------
    symbol : str
        The one way it is printed.
    dimension : Dimension
        What it measures; only units of one dimension convert by a factor.
    factor : float
        How many of the dimension's base unit one of this is.

    Examples
    --------
    >>> parse_unit("mL")
    Unit(symbol='mL', dimension='volume', factor=1000.0)
    """

    symbol: str
    dimension: Dimension
    factor: float


# Dimension -> symbol -> (factor to the first unit of the dimension, other spellings).
_TABLE: Final[dict[Dimension, dict[str, tuple[float, tuple[str, ...]]]]] = {
    "length": {
        "mm": (1.0, ("millimeter", "millimeters", "millimetre", "millimetres")),
        "cm": (10.0, ("centimeter", "centimeters", "centimetre", "centimetres")),
        "µm": (1e-3, ("micrometer", "micrometers")),
    },
    "area": {
        "mm²": (1.0, ("sq mm", "square mm")),
        "cm²": (100.0, ("sq cm", "square cm")),
    },
    "volume": {
        "mm³": (1.0, ("cubic mm", "cmm", "cu mm")),
        "µL": (1.0, ("microliter", "microliters")),
        "mL": (1e3, ("milliliter", "milliliters")),
        "cm³": (1e3, ("cc", "ccm", "cubic cm", "cu cm")),
        "L": (1e6, ("liter", "liters", "litre", "litres")),
    },
    "mass": {
        "g": (1.0, ("gram", "grams", "gm")),
        "kg": (1e3, ("kilogram", "kilograms")),
        "mg": (1e-3, ("milligram", "milligrams")),
        "µg": (1e-6, ("mcg", "microgram", "micrograms")),
        "ng": (1e-9, ("nanogram", "nanograms")),
    },
    "time": {
        "day": (1.0, ("d", "days")),
        "h": (1.0 / 24.0, ("hr", "hrs", "hour", "hours")),
        "min": (1.0 / 1440.0, ("minute", "minutes")),
        "week": (7.0, ("wk", "wks", "weeks")),
    },
    "dose per body mass": {
        "mg/kg": (1.0, ("mpk", "mg kg-1")),
        "µg/kg": (1e-3, ("mcg/kg",)),
        "g/kg": (1e3, ()),
    },
    "dose per body surface": {
        "mg/m²": (1.0, ("mg/sqm", "mg m-2")),
        "g/m²": (1e3, ()),
    },
    "molar dose per body mass": {
        "nmol/kg": (1.0, ()),
        "µmol/kg": (1e3, ()),
    },
    "volume per body mass": {
        "mL/kg": (1.0, ()),
        "µL/g": (1.0, ()),
    },
    "dose rate per body mass": {
        "mg/kg/day": (1.0, ("mg/kg/d",)),
    },
    "mass concentration": {
        "ng/mL": (1.0, ("µg/L",)),
        "pg/mL": (1e-3, ("ng/L",)),
        "µg/mL": (1e3, ("mg/L", "mcg/mL")),
        "mg/mL": (1e6, ("g/L",)),
    },
    "molar concentration": {
        "nmol/L": (1.0, ("nM", "pmol/mL")),
        "pmol/L": (1e-3, ("pM",)),
        "µmol/L": (1e3, ("µM", "nmol/mL")),
        "mmol/L": (1e6, ("mM",)),
        "mol/L": (1e9, ("M",)),
    },
    "absorbed dose": {
        "Gy": (1.0, ("gray", "grays")),
        "cGy": (1e-2, ("rad",)),
        "mGy": (1e-3, ()),
    },
    "rate": {
        "1/day": (1.0, ("/day", "/d", "per day", "day-1", "d-1")),
        "1/h": (24.0, ("/h", "per h", "h-1")),
    },
    "ratio": {
        "1": (1.0, ("fold", "ratio", "fraction")),
        "%": (1e-2, ("percent", "pct")),
    },
}

# What would be needed to cross from one dimension to another: a refusal that helps.
_MISSING_LINK: Final[dict[frozenset[str], str]] = {
    frozenset({"dose per body mass", "dose per body surface"}): (
        "the surface factor Km of the species is needed and none is assumed"
    ),
    frozenset({"mass", "dose per body mass"}): "a body weight is needed",
    frozenset({"mass", "dose per body surface"}): "a body surface area is needed",
    frozenset({"mass concentration", "molar concentration"}): (
        "give molar_mass= in g/mol to convert between them"
    ),
    frozenset({"mass", "volume"}): "a density is needed and none is assumed",
    frozenset({"area", "volume"}): "a third diameter is needed",
    frozenset({"dose per body mass", "dose rate per body mass"}): (
        "the number of doses per day is needed"
    ),
}


def _fold(text: str) -> str:
    """Spelling without typography: micro sign, superscripts, carets, dots and inner spaces."""
    plain = unicodedata.normalize("NFKC", text).replace("\u03bc", "u").replace("^", "")
    return "".join(plain.replace("\u2212", "-").split()).removesuffix(".")


def _build_lookup() -> tuple[dict[str, Unit], dict[str, Unit | None]]:
    """Exact and case-blind spellings; a case-blind spelling of two units maps to None."""
    exact: dict[str, Unit] = {}
    blind: dict[str, Unit | None] = {}
    for dimension, units in _TABLE.items():
        for symbol, (factor, others) in units.items():
            unit = Unit(symbol=symbol, dimension=dimension, factor=factor)
            for spelling in (symbol, *others):
                folded = _fold(spelling)
                exact[folded] = unit
                lowered = folded.casefold()
                blind[lowered] = unit if blind.get(lowered, unit) == unit else None
    return exact, blind


_EXACT, _BLIND = _build_lookup()


def known_units() -> tuple[str, ...]:
    """Symbols of all units, in the order of the table.

    Examples
    --------
    >>> "mg/m²" in known_units()
    True
    """
    return tuple(symbol for units in _TABLE.values() for symbol in units)


def spellings(dimension: Dimension) -> tuple[str, ...]:
    """Every accepted spelling of a dimension's units, longest first, typography removed.

    Parameters
    ----------
    dimension : Dimension
        One of the dimensions of the table.

    Examples
    --------
    >>> spellings("dose per body mass")[-3:]
    ('ug/kg', 'g/kg', 'mpk')
    """
    found = {_fold(s) for symbol, (_, o) in _TABLE[dimension].items() for s in (symbol, *o)}
    return tuple(sorted(found, key=lambda spelling: (-len(spelling), spelling)))


def parse_unit(text: str) -> Unit:
    """Unit that a text names, whatever its spelling.

    Parameters
    ----------
    text : str
        ``"mm^3"``, ``"mm3"``, ``"MM³"``, ``"ug/ml"``, ``"nM"``, ``"days"`` and so on.

    Raises
    ------
    UnitError
        If the text names no unit, or more than one when read without regard to case.

    Examples
    --------
    >>> parse_unit("ug/ml").symbol
    'µg/mL'
    >>> parse_unit("nM").symbol
    'nmol/L'
    """
    folded = _fold(text)
    if folded in _EXACT:
        return _EXACT[folded]
    lowered = folded.casefold()
    unit = _BLIND.get(lowered)
    if unit is not None:
        return unit
    mend = "known units: " + ", ".join(known_units())
    if lowered in _BLIND:
        several = sorted({u.symbol for s, u in _EXACT.items() if s.casefold() == lowered})
        mend = "write one of " + ", ".join(several) + " in its own case"
    expected = "a unit that is known"
    raise UnitError(expected, found=repr(text), mend=mend)


@overload
def convert(
    value: float, from_unit: str, to_unit: str, *, molar_mass: float | None = None
) -> float: ...


@overload
def convert(
    value: ArrayLike, from_unit: str, to_unit: str, *, molar_mass: float | None = None
) -> float | NDArray[np.float64]: ...


def convert(
    value: ArrayLike, from_unit: str, to_unit: str, *, molar_mass: float | None = None
) -> float | NDArray[np.float64]:
    """Value expressed in another unit of the same dimension.

    Parameters
    ----------
    value : float or array_like, shape (...)
        One or many values in `from_unit`. Missing values (NaN) stay missing.
    from_unit, to_unit : str
        Any spelling that :func:`parse_unit` reads.
    molar_mass : float, optional
        In g/mol; needed, and only used, between mass and molar concentration.

    Returns
    -------
    float or ndarray, shape (...)
        A float for a scalar, a new array otherwise.

    Raises
    ------
    UnitError
        If a unit is unknown, or if no factor leads from one to the other; the message says what
        is missing.
    InputError
        If a value is not a number, or the molar mass is not positive or not needed.

    Examples
    --------
    >>> convert(0.2, "mL", "mm³")
    200.0
    >>> convert(1030.3, "ng/mL", "nmol/L", molar_mass=1030.3)
    1000.0
    """
    source, target = parse_unit(from_unit), parse_unit(to_unit)
    factor = source.factor / target.factor
    pair = (source.dimension, target.dimension)
    if pair == ("mass concentration", "molar concentration") and molar_mass is not None:
        factor *= 1e3 / _checked_molar_mass(molar_mass)
    elif pair == ("molar concentration", "mass concentration") and molar_mass is not None:
        factor *= _checked_molar_mass(molar_mass) / 1e3
    elif source.dimension != target.dimension:
        raise UnitError(
            f"a unit of {source.dimension} to convert {source.symbol} into",
            found=f"{target.symbol} ({target.dimension})",
            mend=_MISSING_LINK.get(frozenset(pair), "no factor leads from one to the other"),
        )
    elif molar_mass is not None:
        expected = "a molar mass only between mass and molar concentration"
        raise InputError(expected, found=f"{source.symbol} to {target.symbol}")
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        expected = f"numbers in {source.symbol}"
        raise InputError(expected, found=repr(value)) from error
    converted = numbers * factor
    return float(converted) if converted.ndim == 0 else converted


def _checked_molar_mass(molar_mass: float) -> float:
    """The molar mass, when it is one."""
    try:
        number = float(molar_mass)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not (np.isfinite(number) and number > 0):
        expected = "a positive molar mass in g/mol"
        raise InputError(expected, found=repr(molar_mass))
    return number


def axis_label(quantity: str, unit: str) -> str:
    """Label of an axis or a column: the quantity and, in brackets, its unit.

    Parameters
    ----------
    quantity : str
        Name in the field's words.
    unit : str
        Any spelling; a pure ratio adds nothing.

    Raises
    ------
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> axis_label("volume", "mm3")
    'volume (mm³)'
    >>> axis_label("relative volume", "1")
    'relative volume'
    """
    symbol = parse_unit(unit).symbol
    return quantity if symbol == "1" else f"{quantity} ({symbol})"
