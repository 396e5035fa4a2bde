"""Doses by body mass and surface: the guidance's factors and its worked ratio."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.design.dose_conversion import (
    KM_FACTORS,
    KM_SOURCE,
    equivalent_dose,
    km_factor,
    to_mg_per_kg,
    to_mg_per_m2,
)
from oncovivo.errors import InputError


@pytest.mark.parametrize(
    ("species", "divisor", "factor"),
    [
        # "To convert an animal dose to the human equivalent": columns of the guidance's table, as
        # reprinted by Nair and Jacob 2016.
        ("mouse", 12.3, 0.081),
        ("hamster", 7.4, 0.135),
        ("rat", 6.2, 0.162),
        ("ferret", 5.3, 0.189),
        ("guinea pig", 4.6, 0.216),
        ("rabbit", 3.1, 0.324),
        ("dog", 1.8, 0.541),
        ("monkey", 3.1, 0.324),
        ("marmoset", 6.2, 0.162),
        ("mini pig", 1.1, 0.946),
    ],
)
def test_human_equivalents_are_those_of_the_table(
    species: str, divisor: float, factor: float
) -> None:
    found = equivalent_dose(1.0, species)
    # The table rounds to one decimal and three.
    assert found.equivalent_mg_per_kg == pytest.approx(factor, abs=0.00051)
    assert 1 / found.equivalent_mg_per_kg == pytest.approx(divisor, abs=0.051)
    assert found.to_km == 37
    assert found.source == KM_SOURCE


def test_twenty_mg_per_kg_in_the_mouse_by_hand() -> None:
    found = equivalent_dose(20.0, "mouse")
    assert found.dose_mg_per_m2 == 60.0
    assert found.equivalent_mg_per_kg == pytest.approx(60 / 37)
    assert equivalent_dose(20.0, "mouse", to_species="rat").equivalent_mg_per_kg == 10.0


@settings(deadline=None)
@given(
    st.sampled_from(sorted(KM_FACTORS)),
    st.sampled_from(sorted(KM_FACTORS)),
    st.floats(1e-3, 1e4),
)
def test_there_and_back_is_the_same_dose(one: str, other: str, dose: float) -> None:
    there = equivalent_dose(dose, one, to_species=other).equivalent_mg_per_kg
    back = equivalent_dose(there, other, to_species=one).equivalent_mg_per_kg
    assert back == pytest.approx(dose)
    assert to_mg_per_kg(to_mg_per_m2(dose, one), one) == pytest.approx(dose)


@pytest.mark.parametrize("dose", [0.0, -1.0, math.inf, math.nan])
def test_a_dose_is_positive(dose: float) -> None:
    with pytest.raises(InputError, match="a positive dose in mg/kg"):
        to_mg_per_m2(dose, "mouse")
    with pytest.raises(InputError, match="a positive dose in mg/m²"):
        to_mg_per_kg(dose, "mouse")


def test_an_unknown_species_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match=r"dog, .*found 'zebrafish'"):
        km_factor("zebrafish")
