"""Units: spellings, factors by hand, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import InputError, UnitError
from oncovivo.units import axis_label, convert, known_units, parse_unit, spellings


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("mm^3", "mm³"),
        ("mm3", "mm³"),
        ("mm³", "mm³"),
        (" MM 3 ", "mm³"),
        ("uL", "µL"),
        ("μl", "µL"),
        ("ml", "mL"),
        ("cc", "cm³"),
        ("ug/ml", "µg/mL"),
        ("µg/mL", "µg/mL"),
        ("nM", "nmol/L"),
        ("mM", "mmol/L"),
        ("mm", "mm"),
        ("d", "day"),
        ("days", "day"),
        ("hr", "h"),
        ("wks", "week"),
        ("mg/m^2", "mg/m²"),
        ("MG/KG", "mg/kg"),
        ("mg kg⁻¹", "mg/kg"),
        ("gy", "Gy"),
        ("percent", "%"),
    ],
)
def test_a_spelling_variant_names_its_unit(text: str, symbol: str) -> None:
    assert parse_unit(text).symbol == symbol


@pytest.mark.parametrize("symbol", known_units())
def test_every_symbol_reads_back_as_itself(symbol: str) -> None:
    assert parse_unit(symbol).symbol == symbol


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "mL", "mm³", 1000.0),
        (0.25, "cm3", "mm3", 250.0),
        (1.0, "L", "mL", 1000.0),
        (25.0, "µL", "mm³", 25.0),
        (20_000.0, "mg", "g", 20.0),
        (0.02, "kg", "g", 20.0),
        (36.0, "h", "day", 1.5),
        (3.0, "weeks", "day", 21.0),
        (2.5, "cm", "mm", 25.0),
        (1.0, "µg/mL", "ng/mL", 1000.0),
        (500.0, "cGy", "Gy", 5.0),
        (0.24, "1/day", "1/h", 0.01),
        (45.0, "%", "1", 0.45),
        (1000.0, "µg/kg", "mg/kg", 1.0),
    ],
)
def test_factors_agree_with_hand_calculation(
    value: float, source: str, target: str, expected: float
) -> None:
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12)


def test_an_array_keeps_its_shape_and_its_missing_values() -> None:
    given_values = np.array([[1.0, np.nan], [0.0, 2.0]])
    converted = convert(given_values, "mL", "mm³")
    np.testing.assert_array_equal(converted, [[1000.0, np.nan], [0.0, 2000.0]])
    assert given_values[0, 0] == 1.0


def test_mass_concentration_becomes_molar_only_with_a_molar_mass() -> None:
    # 515.15 ng/mL of a substance of 1030.3 g/mol is half a micromole per liter.
    assert convert(515.15, "ng/mL", "nmol/L", molar_mass=1030.3) == pytest.approx(500.0)
    assert convert(0.5, "µM", "ng/mL", molar_mass=1030.3) == pytest.approx(515.15)
    with pytest.raises(UnitError, match="give molar_mass= in g/mol"):
        convert(515.15, "ng/mL", "nmol/L")


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("mg/kg", "mg/m²", "surface factor Km"),
        ("mg", "mg/kg", "a body weight is needed"),
        ("g", "mm³", "a density is needed"),
        ("mm²", "mm³", "a third diameter is needed"),
        ("day", "mm³", "no factor leads from one to the other"),
    ],
)
def test_what_has_no_factor_is_refused_with_what_is_missing(
    source: str, target: str, why: str
) -> None:
    with pytest.raises(UnitError, match=why):
        convert(1.0, source, target)


def test_an_unknown_unit_lists_the_known_ones() -> None:
    with pytest.raises(UnitError, match=r"found 'furlong'; known units: mm, cm"):
        parse_unit("furlong")


def test_a_spelling_that_only_case_tells_apart_is_refused() -> None:
    with pytest.raises(UnitError, match="write one of mm, mmol/L in its own case"):
        parse_unit("MM")


def test_text_for_a_value_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected numbers in mL, found 'ten'"):
        convert("ten", "mL", "mm³")


@pytest.mark.parametrize("molar_mass", [0.0, -5.0, math.nan, math.inf])
def test_a_molar_mass_must_be_positive(molar_mass: float) -> None:
    with pytest.raises(InputError, match="a positive molar mass"):
        convert(1.0, "ng/mL", "nM", molar_mass=molar_mass)


def test_a_molar_mass_that_is_not_needed_is_refused() -> None:
    with pytest.raises(InputError, match="only between mass and molar concentration"):
        convert(1.0, "mL", "L", molar_mass=300.0)


def test_a_label_carries_the_canonical_symbol() -> None:
    assert axis_label("body weight", "grams") == "body weight (g)"
    assert axis_label("T/C", "fold") == "T/C"


def test_spellings_of_a_dimension_name_units_of_that_dimension() -> None:
    assert {parse_unit(s).dimension for s in spellings("volume")} == {"volume"}


@given(
    value=st.floats(min_value=-1e12, max_value=1e12, allow_nan=False),
    pair=st.tuples(st.sampled_from(known_units()), st.sampled_from(known_units())).filter(
        lambda pair: parse_unit(pair[0]).dimension == parse_unit(pair[1]).dimension
    ),
)
def test_there_and_back_is_the_same_value(value: float, pair: tuple[str, str]) -> None:
    there = convert(value, pair[0], pair[1])
    assert convert(there, pair[1], pair[0]) == pytest.approx(value, rel=1e-12, abs=1e-300)
