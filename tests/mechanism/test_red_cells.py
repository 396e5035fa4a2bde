"""Whole blood from plasma, and the inverse."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.mechanism.doses import DosePath, dose_table, place_doses
from oncovivo.mechanism.linear_pk import linear_pk
from oncovivo.mechanism.red_cells import blood_from_plasma, plasma_from_blood

CELLS = {"hematocrit": 0.45, "bmax": 950.0, "kd": 90.0, "kns": 0.15}


def test_blood_is_plasma_and_cells_by_their_volumes() -> None:
    plasma = 10.0
    cells = 950.0 * 10 / 100 + 0.15 * 10
    found = blood_from_plasma(plasma, **CELLS)
    assert found == pytest.approx(0.55 * plasma + 0.45 * cells, rel=1e-14)


def test_low_concentrations_are_proportional_and_high_ones_are_again() -> None:
    low = float(blood_from_plasma(1e-9, **CELLS)) / 1e-9
    assert low == pytest.approx(0.55 + 0.45 * (950.0 / 90.0 + 0.15), rel=1e-9)
    high = float(blood_from_plasma(2e12, **CELLS) - blood_from_plasma(1e12, **CELLS)) / 1e12
    assert high == pytest.approx(0.55 + 0.45 * 0.15, rel=1e-9)


def test_without_cells_blood_is_plasma() -> None:
    values = np.array([0.0, 1.0, 50.0])
    np.testing.assert_array_equal(
        blood_from_plasma(values, hematocrit=0.0, bmax=950.0, kd=90.0, kns=0.15), values
    )


def test_plasma_from_blood_is_the_inverse_over_twenty_orders() -> None:
    plasma = np.concatenate([[0.0], np.logspace(-10, 10, 201)])
    for bmax in (0.0, 1e-3, 950.0, 1e9):
        cells = {**CELLS, "bmax": bmax}
        found = plasma_from_blood(blood_from_plasma(plasma, **cells), **cells)
        # Where binding holds nearly all drug the inverse is as well conditioned as the problem.
        np.testing.assert_allclose(found, plasma, rtol=1e-6 if bmax == 1e9 else 1e-12)


def test_exposure_in_blood_rises_less_than_the_dose() -> None:
    pk = linear_pk([[-1.0]])
    times = np.linspace(0, 20, 2001)
    areas = []
    for dose in (10.0, 100.0, 1000.0):
        inputs = place_doses(dose_table(0.0, dose), [DosePath(compartment=0)])
        blood = blood_from_plasma(pk.amounts(inputs, times)[0, :, 0], **CELLS)
        areas.append(np.trapezoid(blood, times) / dose)
    assert areas[0] > areas[1] > areas[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hematocrit": 45.0}, "a hematocrit from 0 to below 1, found 45"),
        ({"hematocrit": 1.0}, "a hematocrit from 0 to below 1"),
        ({"kd": 0.0}, "a kd above 0"),
        ({"bmax": -1.0}, "values of bmax that are finite and not negative, found -1"),
        ({"kns": float("nan")}, "values of kns that are finite"),
    ],
)
def test_values_outside_their_range_are_refused(change: dict[str, float], message: str) -> None:
    cells = {**CELLS, **change}
    with pytest.raises(InputError, match=message):
        blood_from_plasma(1.0, **cells)
    with pytest.raises(InputError, match=message):
        plasma_from_blood(1.0, **cells)


def test_concentrations_below_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="values of plasma"):
        blood_from_plasma(-1.0, **CELLS)
    with pytest.raises(InputError, match="values of blood"):
        plasma_from_blood(-1.0, **CELLS)
