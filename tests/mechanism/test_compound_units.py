"""Compound units: reading, printing, converting, and the check of expressions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import UnitError
from oncovivo.mechanism.dimensions import describe, parse_compound_unit
from oncovivo.mechanism.expressions import parse
from oncovivo.mechanism.scaling import per_day, scale_to

UNITS = {
    name: parse_compound_unit(text)
    for name, text in {
        "time": "day",
        "volume": "mm³",
        "volume_ml": "mL",
        "mass": "g",
        "rate": "1/day",
        "rate_h": "1/h",
        "conc": "ng/mL",
        "molar": "nmol/L",
        "molar_u": "µmol/L",
        "share": "1",
        "percent": "%",
        "mw": "g/mol",
        "dose": "Gy",
    }.items()
}


@pytest.mark.parametrize(
    ("text", "symbol", "factor"),
    [
        ("1", "1", 1.0),
        ("%", "%", 0.01),
        ("mm3", "mm³", 1.0),
        ("cm^3", "cm³", 1e3),
        ("mL/(ng*day)", "mL/(ng·day)", 1e12),
        ("mL/ng/day", "mL/(ng·day)", 1e12),
        ("L/h/kg", "L/(h·kg)", 24e3),
        ("L/kg/h", "L/(kg·h)", 24e3),
        ("1/Gy^2", "1/Gy²", 1.0),
        ("1/(Gy^2)", "1/Gy²", 1.0),
        ("Gy**-2", "1/Gy²", 1.0),
        ("h⁻¹", "1/h", 24.0),
        ("h-1", "1/h", 24.0),
        ("nM", "nmol/L", 1e-6),
        ("µM", "µmol/L", 1e-3),
        ("ug/ml", None, None),
        ("g/mol", "g/mol", 1e-9),
        ("mg/kg", "mg/kg", 1e-6),
        ("1/(day*mm^2)", "1/(day·mm²)", 1.0),
        ("mg/m²", "mg/m²", 1e-9),
        ("µg·h/mL", "µg·h/mL", 1e-9 / 24),
        ("1/nM/day", "1/((nmol/L)·day)", 1e6),
        ("mm³*mm³", "(mm³)²", 1.0),
    ],
)
def test_units_are_read_whatever_their_spelling(
    text: str, symbol: str | None, factor: float | None
) -> None:
    if symbol is None:
        # Case is kept apart in compound units; "ml" is not among the spellings.
        with pytest.raises(UnitError):
            parse_compound_unit(text)
        return
    unit = parse_compound_unit(text)
    assert unit.symbol == symbol
    assert unit.factor == pytest.approx(factor, rel=1e-14)
    again = parse_compound_unit(unit.symbol)
    assert (again.exponents, again.scale) == (unit.exponents, unit.scale)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1/",
        "/day",
        "mL/(ng",
        "mL)",
        "furlong",
        "mL ng",
        "2/day",
        "10^3/day",
        "1/0",
        "day^99",
        "mg//kg",
        "((((((g))))))",
        "M2x",
        "g" * 81,
        "1/day; import os",
        "(g)^12",
        "mol^9*mol^9",
    ],
)
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        parse_compound_unit(text)


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("L/h", "mL/day", 24e3),
        ("ng/mL", "µg/L", 1.0),
        ("mL/(ng*day)", "L/(µg*h)", 1 / 24),
        ("nmol/L", "pmol/mL", 1.0),
        ("1/min", "1/day", 1440.0),
        ("mm³/h", "mL/h", 1e-3),
    ],
)
def test_units_of_one_kind_convert_exactly(one: str, other: str, factor: float) -> None:
    assert parse_compound_unit(one).to(parse_compound_unit(other)) == pytest.approx(
        factor, rel=1e-15
    )


@pytest.mark.parametrize(
    ("one", "other", "hint"),
    [
        ("g", "mm³", "a density is needed"),
        ("ng/mL", "nmol/L", "a molar mass is needed"),
        ("mm³/h", "mL", "per time"),
        ("mg", "mg/kg", "a body weight"),
        ("Gy", "day", "correct one"),
    ],
)
def test_units_of_two_kinds_never_convert(one: str, other: str, hint: str) -> None:
    with pytest.raises(UnitError, match=hint):
        parse_compound_unit(one).to(parse_compound_unit(other))


SCRAPS = [
    "g",
    "mm³",
    "mL",
    "nM",
    "day",
    "h",
    "1",
    "%",
    "*",
    "/",
    "(",
    ")",
    "^",
    "2",
    "-1",
    "·",
    " ",
]


@given(text=st.lists(st.sampled_from(SCRAPS), max_size=10).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_text_gives_a_unit_that_reads_back_or_a_unit_error(text: str) -> None:
    try:
        unit = parse_compound_unit(text)
    except UnitError:
        return
    again = parse_compound_unit(unit.symbol)
    assert (again.exponents, again.scale) == (unit.exponents, unit.scale)


def _scaled(text: str, target: str) -> str:
    return str(scale_to(parse(text), UNITS, parse_compound_unit(target), where="test"))


@pytest.mark.parametrize(
    ("text", "target", "scaled"),
    [
        ("rate*volume", "mm³/day", "rate*volume"),
        ("rate_h*volume", "mm³/day", "24*(rate_h*volume)"),
        ("rate + rate_h", "1/day", "rate + 24*rate_h"),
        ("volume + volume_ml", "mL", "0.001*(volume + 1000*volume_ml)"),
        ("volume**(2/3)", "mm²", "volume**(2/3)"),
        ("sqrt(volume*volume)", "mm³", "sqrt(volume*volume)"),
        ("volume_ml**2", "mm^6", "1000000*volume_ml**2"),
        ("exp(rate_h*time)", "1", "exp(24*(rate_h*time))"),
        ("1 + percent", "1", "1 + 0.01*percent"),
        ("log(volume_ml/volume)", "1", "log(1000*(volume_ml/volume))"),
        ("max(0, volume - volume_ml)", "mm³", "max(0, volume - 1000*volume_ml)"),
        ("0", "mm³/day", "0"),
        ("-volume", "mL", "0.001*-volume"),
        (
            "free_ligand(molar, molar_u, molar)",
            "nmol/L",
            "free_ligand(molar, 1000*molar_u, molar)",
        ),
        ("conc/mw", "nmol/L", "1000*(conc/mw)"),
        ("(volume_ml/volume)**share", "1", "(1000*(volume_ml/volume))**share"),
        ("percent*volume", "mm³", "0.01*(percent*volume)"),
    ],
)
def test_factors_between_units_are_written_into_the_tree(
    text: str, target: str, scaled: str
) -> None:
    found = _scaled(text, target)
    if text == "-volume":
        assert parse(found).evaluate({"volume": 3000.0}) == pytest.approx(-3.0)
        return
    assert found == scaled


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [
        ("volume + mass", "mm³", "terms of one kind"),
        ("volume + 1", "mm³", "terms of one kind"),
        ("min(volume, mass)", "mm³", "terms of one kind"),
        ("free_ligand(molar, conc, molar)", "nmol/L", "terms of one kind"),
        ("conc + molar", "ng/mL", "terms of one kind"),
        ("exp(volume)", "1", "pure number"),
        ("log(rate)", "1", "pure number"),
        ("tanh(time)", "1", "pure number"),
        ("volume**share", "mm³", "constant exponent"),
        ("share**volume", "1", "pure number"),
        ("rate*volume", "mm³", "a value in mm³"),
        ("volume", "g", "a value in g"),
        ("conc", "nmol/L", "a value in nmol/L"),
        ("dose", "1", "a value in 1"),
        ("mass/volume", "1", "a value in 1"),
        ("(volume_ml/conc)**50.5", "1", "less than 1e200"),
        ("log(conc**30/mass**30*volume**30)", "1", "less than 1e200"),
    ],
)
def test_units_that_do_not_fit_are_refused(text: str, target: str, said: str) -> None:
    with pytest.raises(UnitError, match=said):
        _scaled(text, target)


def test_a_state_that_changes_per_day_has_its_unit_per_day() -> None:
    assert per_day(parse_compound_unit("1/h")).exponents == parse_compound_unit("h-2").exponents
    assert describe(per_day(parse_compound_unit("mL")).exponents) == "mm³/day"
