"""Every growth law keeps the contract: its equation, derivatives, limits, starts and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from oncovivo.errors import InputError
from oncovivo.growth.laws import (
    GROWTH_LAWS,
    Exponential,
    Gompertz,
    Power,
    VonBertalanffy,
    growth_law,
)
from oncovivo.growth.structural import StructuralModel, difference_hessian, start_curves

FloatArray: TypeAlias = NDArray[np.float64]

LAWS = list(GROWTH_LAWS.values())
DAYS = np.linspace(0.0, 30.0, 16)

# Parameters on the estimation scale: growing, shrinking, and near a limit.
POINTS: dict[str, list[list[float]]] = {
    "exponential": [[4.5, 0.1], [4.5, -0.08], [4.5, 0.0]],
    "exponential_linear": [
        [4.5, 0.15, np.log(40.0)],
        [4.5, -0.05, np.log(40.0)],
        [4.5, 0.1, np.log(5.0)],
    ],
    "logistic": [[4.5, 0.2, np.log(900.0)], [4.5, -0.1, np.log(900.0)], [6.0, 0.1, np.log(200.0)]],
    "gompertz": [[4.5, 0.2, 0.07], [4.5, -0.1, 0.05], [4.5, 0.1, -0.03], [4.5, 0.1, 1e-9]],
    "von_bertalanffy": [[4.5, 0.15, 0.1], [4.5, -0.05, 0.2], [4.5, 0.1, 1e-9], [4.5, 0.1, -0.05]],
    "power": [[4.5, 0.15, 0.75], [4.5, -0.05, 0.9], [4.5, 0.05, 1.1], [4.5, 0.1, 1 - 1e-9]],
    "regress_regrow": [[4.5, 0.05, 0.2], [4.5, 0.1, 0.0], [4.5, 0.02, 0.4]],
}
CASES = [
    pytest.param(law, np.array(point), id=f"{law.name}-{number}")
    for law in LAWS
    for number, point in enumerate(POINTS[law.name])
]


def relative_speed(law: str, phi: FloatArray) -> Callable[[float, FloatArray], list[float]]:
    """The differential equation of each law, in log size, written a second time."""
    u0, r = float(phi[0]), float(phi[1])
    if law == "exponential":
        return lambda t, u: [r]
    last = float(phi[2])
    if law == "exponential_linear":
        return lambda t, u: [min(r, float(np.exp(last - u[0])))]
    if law == "logistic":
        return lambda t, u: [r * (1 - float(np.exp(u[0] - last)))]
    if law == "gompertz":
        return lambda t, u: [r * float(np.exp(-last * t))]
    if law == "von_bertalanffy":
        gain = (r + last) * 100 ** (1 / 3)
        return lambda t, u: [gain * float(np.exp(-u[0] / 3)) - last]
    if law == "power":
        gain = r * 100 ** (1 - last)
        return lambda t, u: [gain * float(np.exp((last - 1) * u[0]))]

    def two_parts(t: float, u: FloatArray) -> list[float]:
        grown, kept = np.exp(r * t), np.exp(-last * t)
        return [float((r * grown - last * kept) * np.exp(u0 - u[0]))]

    return two_parts


@pytest.mark.parametrize(("law", "phi"), CASES)
def test_closed_form_solves_the_differential_equation(
    law: StructuralModel, phi: FloatArray
) -> None:
    # The sharp switch is not smooth: short steps carry the solver over it.
    longest = 0.01 if law.name == "exponential_linear" else np.inf
    solved = solve_ivp(
        relative_speed(law.name, phi),
        (0.0, 30.0),
        [phi[0]],
        method="DOP853",
        t_eval=DAYS,
        rtol=1e-12,
        atol=1e-12,
        max_step=longest,
    )
    tolerance = 1e-6 if law.name == "exponential_linear" else 1e-8
    np.testing.assert_allclose(law.predict(phi[None], DAYS)[0], solved.y[0], atol=tolerance)


@pytest.mark.parametrize(("law", "phi"), CASES)
def test_derivatives_match_differences(law: StructuralModel, phi: FloatArray) -> None:
    slopes = law.gradient(phi[None], DAYS)[0]
    assert slopes.shape == (DAYS.size, phi.size)
    for index in range(phi.size):
        step = np.zeros(phi.size)
        step[index] = 1e-6
        up, down = law.predict((phi + step)[None], DAYS), law.predict((phi - step)[None], DAYS)
        np.testing.assert_allclose(slopes[:, index], (up - down)[0] / 2e-6, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        law.hessian(phi[None], DAYS),
        difference_hessian(law.gradient, phi[None], DAYS),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_parameter_is_described_and_the_first_is_the_start(law: StructuralModel) -> None:
    names = [parameter.name for parameter in law.parameters]
    assert names[0] == "log_v0"
    assert set(law.arm_parameters) <= set(names)
    assert set(law.random_parameters) <= set(names)
    for parameter in law.parameters:
        assert parameter.name.startswith("log_") == (parameter.transform == "log")
        assert parameter.lower < parameter.upper
        assert parameter.meaning
        assert parameter.time_power == (-1 if "day" in parameter.unit else 0)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_prediction_starts_at_the_first_parameter_and_broadcasts(law: StructuralModel) -> None:
    point = np.array(POINTS[law.name][0])
    phi = np.broadcast_to(point, (4, 3, point.size))
    time = np.tile(DAYS, (3, 1))
    size = law.predict(phi, time)
    assert size.shape == (4, 3, DAYS.size)
    assert law.gradient(phi, time).shape == (4, 3, DAYS.size, point.size)
    assert law.hessian(phi, time).shape == (4, 3, DAYS.size, point.size, point.size)
    np.testing.assert_array_equal(size[0, 0], law.predict(point[None], DAYS)[0])
    np.testing.assert_allclose(size[..., 0], point[0], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("gompertz", [0.0]),
        ("gompertz", [1e-11]),
        ("logistic", [60.0]),
        ("exponential_linear", [60.0]),
        ("power", [1.0]),
        ("power", [1 + 1e-11]),
        ("regress_regrow", [0.0]),
    ],
)
def test_laws_become_exponential_in_their_limits(name: str, limit: list[float]) -> None:
    plain = np.array([[4.5, 0.12]])
    phi = np.concatenate((plain, [limit]), axis=1)
    np.testing.assert_allclose(
        growth_law(name).predict(phi, DAYS), Exponential().predict(plain, DAYS), atol=1e-8
    )


def test_von_bertalanffy_without_loss_is_the_power_law_of_the_surface() -> None:
    surface = Power().predict(np.array([[4.5, 0.12, 2 / 3]]), DAYS)
    for loss in (0.0, 1e-12):
        phi = np.array([[4.5, 0.12, loss]])
        np.testing.assert_allclose(VonBertalanffy().predict(phi, DAYS), surface, atol=1e-9)


def test_gompertz_approaches_its_plateau() -> None:
    far = Gompertz().predict(np.array([[4.5, 0.2, 0.1]]), np.array([1e4]))
    assert far[0, 0] == pytest.approx(4.5 + 2.0, abs=1e-12)


@pytest.mark.parametrize(("law", "phi"), CASES)
def test_a_unit_of_time_changes_nothing(law: StructuralModel, phi: FloatArray) -> None:
    in_weeks = np.array(
        [
            float(parameter.in_days(np.array(value), 1 / 7))
            for parameter, value in zip(law.parameters, phi, strict=True)
        ]
    )
    np.testing.assert_allclose(
        law.predict(in_weeks[None], DAYS / 7), law.predict(phi[None], DAYS), rtol=1e-10
    )


@pytest.mark.parametrize(("law", "phi"), CASES)
def test_a_unit_of_size_shifts_the_curve(law: StructuralModel, phi: FloatArray) -> None:
    smaller = law
    if isinstance(law, (Power, VonBertalanffy)):
        smaller = replace(law, reference_size=law.reference_size / 1000)
    moved = np.array(
        [
            value - np.log(1000) if "mm³" in parameter.unit else value
            for parameter, value in zip(law.parameters, phi, strict=True)
        ]
    )
    np.testing.assert_allclose(
        smaller.predict(moved[None], DAYS), law.predict(phi[None], DAYS) - np.log(1000), rtol=1e-10
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("rates", [(0.2, 0.05), (0.1, -0.3), (-0.2, -0.4), (0.0, 0.0)])
def test_starts_are_finite_and_keep_every_tumor_alive(
    law: StructuralModel, rates: tuple[float, float]
) -> None:
    arm = np.repeat([0, 1], DAYS.size)
    time = np.tile(DAYS, 2)
    size = 5 + np.repeat(rates, DAYS.size) * time - 0.002 * time**2
    curves = start_curves(time, size, arm, 2)
    found = law.start(curves)
    assert found
    alive = 0
    for table in found:
        assert table.shape == (2, len(law.parameters))
        assert np.isfinite(table).all()
        alive += int(np.isfinite(law.predict(table, DAYS)).all())
    assert alive


def test_starts_need_readings_after_the_baseline() -> None:
    with pytest.raises(InputError, match="readings after the baseline"):
        start_curves(np.zeros(3), np.ones(3), np.zeros(3, dtype=np.intp), 1)


@pytest.mark.parametrize(
    ("name", "phi", "end"),
    [
        ("power", [4.5, -0.3, 0.5], -np.inf),
        ("power", [4.5, 0.3, 1.5], np.inf),
        ("von_bertalanffy", [4.5, -0.5, 0.1], -np.inf),
        ("regress_regrow", [4.5, -0.5, 0.5], -np.inf),
        ("logistic", [7.0, -0.5, 5.0], np.inf),
    ],
)
def test_a_vanished_or_burst_tumor_is_infinite_and_does_not_move(
    name: str, phi: list[float], end: float
) -> None:
    law = growth_law(name)
    assert law.predict(np.array([phi]), np.array([30.0]))[0, 0] == end
    assert (law.gradient(np.array([phi]), np.array([30.0])) == 0).all()


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("gompertz", [4.5, 0.1, -0.01], "decay is negative"),
        ("von_bertalanffy", [4.5, 0.1, -0.01], "loss is negative"),
        ("power", [4.5, 0.1, 1.2], "exponent is above 1"),
        ("logistic", [4.5, 0.1, 12.0], "no plateau shows"),
        ("exponential_linear", [4.5, 0.1, 12.0], "no tumor of this arm reaches"),
        ("regress_regrow", [4.5, 0.1, -0.1], "regression rate is negative"),
    ],
)
def test_estimates_outside_a_laws_meaning_are_remarked(
    name: str, values: list[float], words: str
) -> None:
    (remark,) = growth_law(name).remarks(values, highest=7.0)
    assert words in remark
    plain = POINTS[name][0]
    assert growth_law(name).remarks(plain, highest=7.0) == ()


def test_natural_values_undo_the_logarithm() -> None:
    start, rate = Exponential().parameters
    assert start.natural(np.log(120.0)) == pytest.approx(120.0)
    assert rate.natural(0.1) == 0.1


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("law", [Power, VonBertalanffy])
def test_a_reference_size_is_a_size(law: type[Power] | type[VonBertalanffy], size: float) -> None:
    with pytest.raises(InputError, match="a reference size above 0"):
        law(reference_size=size)


def test_an_unknown_law_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"a growth law: exponential, .*found 'gompers'"):
        growth_law("gompers")
