"""Closed-form pharmacokinetics against textbook formulas and matrix exponentials."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import block_diag

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.doses import DoseInputs, DosePath, dose_table, place_doses
from oncovivo.mechanism.linear_pk import Flow, LinearPK, generator_from_flows, linear_pk
from tests.mechanism.pk_reference import (
    Given,
    catenary,
    exponential,
    infused,
    mammillary,
    summed_doses,
)

FloatArray = NDArray[np.float64]

TIMES = np.array([0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 3.7, 10.0, 40.0])


def one_dose(
    amount: float = 100.0, *, into: int = 0, duration: float = 0.0, n_animals: int = 1
) -> DoseInputs:
    table = dose_table(0.0, amount, duration=duration)
    return place_doses(table, [DosePath(compartment=into)], n_animals=n_animals)


def two_compartments(k10: float, k12: float, k21: float) -> LinearPK:
    return linear_pk([[-k10 - k12, k21], [k12, -k21]])


def test_bolus_into_one_compartment_is_an_exponential() -> None:
    pk = linear_pk([[-0.7]])
    found = pk.amounts(one_dose(), TIMES)[0, :, 0]
    np.testing.assert_allclose(found, 100 * np.exp(-0.7 * TIMES), rtol=1e-14)


def test_bolus_into_two_compartments_is_the_textbook_biexponential() -> None:
    k10, k12, k21 = 2.1, 1.3, 0.4
    half_sum = (k10 + k12 + k21) / 2
    root = math.sqrt(half_sum**2 - k10 * k21)
    alpha, beta = half_sum + root, half_sum - root
    a = 100 * (alpha - k21) / (alpha - beta)
    b = 100 * (k21 - beta) / (alpha - beta)
    central = a * np.exp(-alpha * TIMES) + b * np.exp(-beta * TIMES)
    peripheral = 100 * k12 / (alpha - beta) * (np.exp(-beta * TIMES) - np.exp(-alpha * TIMES))
    found = two_compartments(k10, k12, k21).amounts(one_dose(), TIMES)[0]
    np.testing.assert_allclose(found[:, 0], central, rtol=1e-11)
    np.testing.assert_allclose(found[:, 1], peripheral, rtol=1e-11, atol=1e-12)


def test_bolus_into_three_compartments_is_the_textbook_triexponential() -> None:
    k10, k12, k21, k13, k31 = 2.0, 1.5, 0.9, 0.6, 0.05
    flows = [
        Flow(source=0, target=None, rate=k10),
        Flow(source=0, target=1, rate=k12),
        Flow(source=1, target=0, rate=k21),
        Flow(source=0, target=2, rate=k13),
        Flow(source=2, target=0, rate=k31),
    ]
    # Gibaldi and Perrier: the rates are the roots of this cubic.
    alpha, beta, gamma = sorted(
        -np.roots(
            [
                1.0,
                k10 + k12 + k13 + k21 + k31,
                k10 * k21 + k10 * k31 + k12 * k31 + k13 * k21 + k21 * k31,
                k10 * k21 * k31,
            ]
        ).real
    )
    central = np.zeros_like(TIMES)
    for rate, others in ((alpha, (beta, gamma)), (beta, (alpha, gamma)), (gamma, (alpha, beta))):
        part = (k21 - rate) * (k31 - rate) / ((others[0] - rate) * (others[1] - rate))
        central += 100 * part * np.exp(-rate * TIMES)
    pk = linear_pk(generator_from_flows(3, flows))
    np.testing.assert_allclose(pk.amounts(one_dose(), TIMES)[0, :, 0], central, rtol=1e-10)


def test_infusion_into_one_compartment_rises_to_a_plateau_and_falls() -> None:
    ke, length = 0.7, 2.0
    rate = 100 / length
    during = rate / ke * -np.expm1(-ke * np.minimum(TIMES, length))
    expected = during * np.exp(-ke * np.maximum(TIMES - length, 0))
    found = linear_pk([[-ke]]).amounts(one_dose(duration=length), TIMES)[0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_infusion_into_two_compartments_is_the_integral_of_the_biexponential() -> None:
    k10, k12, k21, length = 2.1, 1.3, 0.4, 0.5
    half_sum = (k10 + k12 + k21) / 2
    root = math.sqrt(half_sum**2 - k10 * k21)
    alpha, beta = half_sum + root, half_sum - root
    expected = np.zeros_like(TIMES)
    for rate, weight in (
        (alpha, (alpha - k21) / (alpha - beta)),
        (beta, (k21 - beta) / (alpha - beta)),
    ):
        risen = -np.expm1(-rate * np.minimum(TIMES, length)) / rate
        expected += 100 / length * weight * risen * np.exp(-rate * np.maximum(TIMES - length, 0))
    found = two_compartments(k10, k12, k21).amounts(one_dose(duration=length), TIMES)[0, :, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_compartments_that_nothing_leaves_keep_all_they_get() -> None:
    rng = np.random.default_rng(13)
    for c in (2, 3, 5):
        closed = mammillary(rng, c)
        closed[0, 0] = -closed[1:, 0].sum()
        pk = linear_pk(closed)
        assert pk.modes.rates.min() == 0.0
        found = pk.amounts(one_dose(duration=2.0), [1.0, 2.0, 1e9])[0]
        np.testing.assert_allclose(found.sum(axis=1), [50.0, 100.0, 100.0], rtol=1e-12)
        twice = linear_pk(block_diag(closed, closed))
        assert twice.modes.rates.min() == 0.0
        found = twice.amounts(one_dose(duration=2.0), [1.0, 2.0, 1e9])[0]
        np.testing.assert_allclose(found.sum(axis=1), [50.0, 100.0, 100.0], rtol=1e-12)


def test_two_traps_fill_by_their_shares() -> None:
    flows = [Flow(source=0, target=target, rate=rate) for target, rate in ((1, 1.0), (2, 3.0))]
    pk = linear_pk(generator_from_flows(3, flows))
    found = pk.amounts(one_dose(duration=2.0), [0.7, 1e6])[0]
    np.testing.assert_allclose(found[1], [0.0, 25.0, 75.0], atol=1e-10)
    np.testing.assert_allclose(found[0, 2], 3 * found[0, 1], rtol=1e-12)
    np.testing.assert_allclose(found[0].sum(), 35.0, rtol=1e-12)


def test_infusion_without_any_loss_adds_up_to_the_dose() -> None:
    found = linear_pk([[0.0]]).amounts(one_dose(duration=4.0), TIMES)[0, :, 0]
    np.testing.assert_allclose(found, 25 * np.minimum(TIMES, 4), rtol=1e-14)


@pytest.mark.parametrize(
    "apart", [0.0, 1e-16, 1e-14, 1e-12, 1e-9, 1e-6, 9e-5, 1.1e-4, 1e-3, 0.01, 0.1, 2.0]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_absorption_is_exact_however_close_ka_is_to_ke(apart: float, sign: int) -> None:
    ke = 1.3
    ka = ke * (1 + apart) ** sign
    gap = (ka - ke) * TIMES
    # ka (exp(-ke t) - exp(-ka t)) / (ka - ke), without the difference.
    mean = np.where(gap == 0, 1.0, -np.expm1(-gap) / np.where(gap == 0, 1.0, gap))
    expected = 100 * ka * TIMES * np.exp(-ke * TIMES) * mean
    pk = linear_pk([[-ka, 0], [ka, -ke]])
    found = pk.amounts(one_dose(), TIMES)[0, :, 1]
    # Rates that are left apart cost a digit of the result for each digit of closeness.
    lost = 3e-14 / apart if apart > 1e-4 else 1e-12
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=lost)


@pytest.mark.parametrize("apart", [0.0, 1e-10, 1e-3, 0.015])
def test_infusion_into_a_depot_is_exact_for_equal_and_close_rates(apart: float) -> None:
    ke = 1.3
    generator = np.array([[-ke * (1 + apart), 0], [ke * (1 + apart), -ke]])
    pk = linear_pk(generator)
    for length in (0.01, 2.0, 30.0):
        found = pk.amounts(one_dose(duration=length), TIMES)[0]
        expected = summed_doses(generator, [(0.0, 100.0, 0, length)], TIMES)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("n_equal", [2, 3, 5, 8, 12])
def test_chain_of_equal_transits_gives_erlang_terms(n_equal: int) -> None:
    rate = 3.0
    flows = [
        Flow(source=i, target=i + 1 if i + 1 < n_equal else None, rate=rate)
        for i in range(n_equal)
    ]
    pk = linear_pk(generator_from_flows(n_equal, flows))
    last = (rate * TIMES) ** (n_equal - 1) * np.exp(-rate * TIMES) / math.factorial(n_equal - 1)
    found = pk.amounts(one_dose(), TIMES)[0, :, -1]
    np.testing.assert_allclose(found, 100 * last, rtol=1e-11, atol=1e-11)


def test_rates_that_are_close_one_by_one_are_taken_together() -> None:
    pk = chain(1.019, 6)
    assert np.ptp(pk.modes.rates) == 0.0
    found = pk.amounts(one_dose(), TIMES)[0]
    expected = summed_doses(pk.generator[0], [(0.0, 100.0, 0, 0.0)], TIMES)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


def chain(ratio: float, n_links: int, *, scale: float = 1.0) -> LinearPK:
    rates = [ratio**link / scale for link in range(n_links)]
    last = n_links - 1
    flows = [
        Flow(source=i, target=i + 1 if i < last else None, rate=rate)
        for i, rate in enumerate(rates)
    ]
    return linear_pk(generator_from_flows(len(rates), flows))


@pytest.mark.parametrize("ratio", [1.001, 1.021, 1.03, 1.05, 1.1, 1.2])
@pytest.mark.parametrize("n_links", [5, 8, 10])
def test_long_chains_of_near_rates_are_exact(ratio: float, n_links: int) -> None:
    # Apart, each link costs a digit or two: wider groups take over.
    pk = chain(ratio, n_links)
    for duration in (0.0, 0.7):
        found = pk.amounts(one_dose(duration=duration), TIMES)[0]
        expected = summed_doses(pk.generator[0], [(0.0, 100.0, 0, duration)], TIMES)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4, 1e9])
def test_terms_neither_overflow_nor_lose_digits_at_any_scale_of_time(scale: float) -> None:
    pk = chain(1.1, 10, scale=scale)
    plain = chain(1.1, 10)
    for duration in (0.0, 0.5):
        scaled = pk.amounts(one_dose(duration=duration * scale), TIMES * scale)
        expected = plain.amounts(one_dose(duration=duration), TIMES)
        np.testing.assert_allclose(scaled, expected, rtol=0, atol=1e-8)
    assert (pk.amounts(one_dose(), [1e5 * scale, 1e12 * scale]) == 0).all()


def test_amounts_are_never_below_nothing() -> None:
    early = np.logspace(-8, 0, 50)
    rng = np.random.default_rng(17)
    for _ in range(20):
        pk = linear_pk(catenary(rng, 6))
        assert (pk.amounts(one_dose(), early) >= 0).all()
        assert (pk.segments(one_dose())[0].amounts(early) >= 0).all()


def test_random_systems_agree_with_matrix_exponentials() -> None:
    rng = np.random.default_rng(7)
    for make in (mammillary, catenary):
        for c in (2, 3, 4, 6):
            for _ in range(10):
                generator = make(rng, c)
                into = int(rng.integers(c))
                length = float(rng.choice([0.0, 0.3, 3.0]))
                found = linear_pk(generator).amounts(one_dose(into=into, duration=length), TIMES)
                expected = summed_doses(generator, [(0.0, 100.0, into, length)], TIMES)
                np.testing.assert_allclose(found[0], expected, rtol=0, atol=1e-9)


def test_random_systems_with_rates_rounded_together_agree_with_matrix_exponentials() -> None:
    rng = np.random.default_rng(11)
    grouped = 0
    for make in (mammillary, catenary):
        for c in (3, 4, 5):
            for _ in range(15):
                generator = np.round(make(rng, c))
                np.fill_diagonal(generator, 0.0)
                generator -= np.diag(generator.sum(axis=0) + 1.0)
                pk = linear_pk(generator)
                grouped += pk.modes.confluent.size
                found = pk.amounts(one_dose(duration=0.5), TIMES)[0]
                expected = summed_doses(generator, [(0.0, 100.0, 0, 0.5)], TIMES)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert grouped > 20


def parent_and_metabolite(factor: float = 0.8) -> LinearPK:
    flows = [
        Flow(source=0, target=1, rate=3.0),
        Flow(source=1, target=0, rate=0.5),
        Flow(source=0, target=2, rate=1.2, factor=factor),
        Flow(source=0, target=3, rate=0.7),
        Flow(source=2, target=3, rate=0.4),
    ]
    return linear_pk(generator_from_flows(4, flows))


def test_parent_metabolite_and_what_left_add_up_to_the_dose() -> None:
    # A fourth compartment that nothing leaves collects what is excreted: a rate of 0.
    found = parent_and_metabolite(factor=1.0).amounts(one_dose(), TIMES)[0]
    np.testing.assert_allclose(found.sum(axis=1), 100.0, rtol=1e-12)
    dripped = parent_and_metabolite(factor=1.0).amounts(one_dose(duration=5.0), TIMES)[0]
    np.testing.assert_allclose(dripped.sum(axis=1), 20 * np.minimum(TIMES, 5.0), rtol=1e-12)


def test_metabolite_arrives_by_the_ratio_of_molar_masses() -> None:
    found = parent_and_metabolite(factor=0.8).amounts(one_dose(), [1e4])[0, 0]
    kept = (1.2 * 0.8 + 0.7) / (1.2 + 0.7)
    np.testing.assert_allclose(found, [0, 0, 0, 100 * kept], atol=1e-9)


@pytest.mark.parametrize("duration", [0.0, 0.3])
def test_area_is_dose_by_clearance(duration: float) -> None:
    clearance, volume, q, volume_2 = 16.2, 18.9, 10.4, 12.9
    pk = two_compartments(clearance / volume, q / volume, q / volume_2)
    area = pk.area_to_infinity(one_dose(25.0, duration=duration))[0] / [volume, volume_2]
    np.testing.assert_allclose(area, 25.0 / clearance, rtol=1e-13)


def test_area_agrees_with_a_fine_sum_over_several_doses() -> None:
    pk = parent_and_metabolite().generator[0, :3, :3]
    inputs = place_doses(dose_table([0.0, 1.0, 1.5], [10.0, 20.0, 5.0]), [DosePath(compartment=0)])
    times = np.linspace(0, 60, 200_001)
    values = linear_pk(pk).segments(inputs).amounts(times)[0]
    expected = np.trapezoid(values, times, axis=0)
    np.testing.assert_allclose(linear_pk(pk).area_to_infinity(inputs)[0], expected, rtol=1e-3)


def overlapping(rng: np.random.Generator, n_doses: int) -> list[Given]:
    return [
        (
            float(rng.uniform(0, 8)),
            float(rng.uniform(1, 50)),
            int(rng.integers(2)),
            float(rng.choice([0.0, 0.2, 3.0])),
        )
        for _ in range(n_doses)
    ]


def test_overlapping_doses_and_infusions_superpose() -> None:
    rng = np.random.default_rng(3)
    generator = mammillary(rng, 3)
    for _ in range(5):
        given = overlapping(rng, 6)
        table = dose_table(
            [one[0] for one in given],
            [one[1] for one in given],
            path=[one[2] for one in given],
            duration=[one[3] for one in given],
        )
        inputs = place_doses(table, [DosePath(compartment=0), DosePath(compartment=1)])
        times = np.linspace(0, 12, 25)
        found = linear_pk(generator).amounts(inputs, times)[0]
        np.testing.assert_allclose(found, summed_doses(generator, given, times), atol=1e-10)


def test_an_infusion_may_outlast_the_next_dose() -> None:
    generator = np.array([[-1.1]])
    inputs = place_doses(
        dose_table(0.0, 10.0, duration=1.7, ii=1.0, addl=3), [DosePath(compartment=0)]
    )
    times = np.linspace(0, 8, 33)
    given = [(float(day), 10.0, 0, 1.7) for day in range(4)]
    found = linear_pk(generator).amounts(inputs, times)[0]
    np.testing.assert_allclose(found, summed_doses(generator, given, times), atol=1e-12)


def test_after_an_infusion_nothing_flows_in() -> None:
    inputs = place_doses(
        dose_table([0.0, 0.05], [0.1, 0.3], duration=[0.7, 0.3]), [DosePath(compartment=0)]
    )
    found = linear_pk([[-50.0]]).segments(inputs)
    assert found[-1].terms.inflow is None
    assert found.amounts([100.0])[0, 0, 0] == 0.0


def test_lag_shifts_the_curve_of_each_animal_by_its_own_time() -> None:
    lag = np.array([0.0, 0.3, 1.4])
    generator = mammillary(np.random.default_rng(5), 2)
    inputs = place_doses(
        dose_table(0.0, 10.0, ii=1.0, addl=2), [DosePath(compartment=0, lag=lag)], n_animals=3
    )
    times = np.linspace(0, 6, 25)
    found = linear_pk(generator).amounts(inputs, times)
    for animal in range(3):
        given = [(day + lag[animal], 10.0, 0, 0.0) for day in range(3)]
        expected = summed_doses(generator, given, times)
        np.testing.assert_allclose(found[animal], expected, atol=1e-11)


def test_bioavailability_scales_a_bolus_and_lengthens_an_infusion_at_a_rate() -> None:
    path = [DosePath(compartment=0, fraction=0.4)]
    pk = linear_pk([[-1.0]])
    bolus = pk.amounts(place_doses(dose_table(0.0, 10.0), path), TIMES)
    np.testing.assert_allclose(bolus[0, :, 0], 4 * np.exp(-TIMES), rtol=1e-13)
    by_rate = place_doses(dose_table(0.0, 10.0, rate=5.0), path)
    assert by_rate.duration.tolist() == [[0.8]]
    by_length = place_doses(dose_table(0.0, 10.0, duration=2.0), path)
    assert by_length.duration.tolist() == [[2.0]]
    for inputs, length in ((by_rate, 0.8), (by_length, 2.0)):
        expected = summed_doses(np.array([[-1.0]]), [(0.0, 4.0, 0, length)], TIMES)
        np.testing.assert_allclose(pk.amounts(inputs, TIMES)[0], expected, atol=1e-13)


@pytest.mark.parametrize("duration", [0.0, 0.2, 0.5, 0.9, 2.3])
@pytest.mark.parametrize("lag", [0.0, 0.1, 0.4])
def test_steady_state_is_the_limit_of_many_doses(duration: float, lag: float) -> None:
    generator = np.array([[-2.0, 0.8], [1.5, -0.8]])
    path = [DosePath(compartment=0, lag=lag)]
    pk = linear_pk(generator)
    times = np.linspace(0, 4, 81)
    steady = dose_table(0.0, 10.0, duration=duration, ii=0.5, ss=1, addl=3)
    # The slower rate is 0.15 per day: what came before is e^-30 of what was.
    many = dose_table(-200.0, 10.0, duration=duration, ii=0.5, addl=403)
    found = pk.amounts(place_doses(steady, path), times)
    expected = pk.amounts(place_doses(many, path), times)
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_steady_state_of_a_chain_with_equal_rates_is_the_limit_too() -> None:
    pk = linear_pk([[-2.0, 0.0], [2.0, -2.0]])
    path = [DosePath(compartment=0)]
    times = np.linspace(0, 2, 21)
    found = pk.amounts(place_doses(dose_table(0.0, 10.0, ii=1.0, ss=1), path), times)
    many = place_doses(dose_table(-50.0, 10.0, ii=1.0, addl=50), path)
    np.testing.assert_allclose(found, pk.amounts(many, times), atol=1e-10)


def test_steady_state_forgets_or_adds_to_what_was_there() -> None:
    pk = linear_pk([[-0.5]])
    path = [DosePath(compartment=0)]
    times = np.array([3.0, 4.0])
    alone = pk.amounts(place_doses(dose_table(3.0, 10.0, ii=1.0, ss=1), path), times)
    for ss, kept in ((1, 0.0), (2, 1.0)):
        table = dose_table([0.0, 3.0], [40.0, 10.0], ii=1.0, ss=[0, ss])
        found = pk.amounts(place_doses(table, path), times)
        before = 40 * np.exp(-0.5 * times)[None, :, None]
        np.testing.assert_allclose(found, alone + kept * before, rtol=1e-13)


def test_reset_empties_and_ends_what_was_ordered_before() -> None:
    pk = linear_pk([[-0.5]])
    path = [DosePath(compartment=0), DosePath(compartment=0, lag=1.5)]
    table = dose_table(
        [0.0, 0.0, 1.0, 2.0, 2.0],
        [10.0, 5.0, 7.0, 0.0, 3.0],
        path=[0, 0, 1, 0, 0],
        duration=[0.0, 4.0, 0.0, 0.0, 0.0],
        ii=[1.0, 0.0, 0.0, 0.0, 0.0],
        addl=[9, 0, 0, 0, 0],
        evid=[1, 1, 1, 3, 1],
    )
    times = np.array([1.9, 2.0, 2.5, 3.0, 6.0])
    found = pk.amounts(place_doses(table, path), times)[0, :, 0]
    given = [(0.0, 10.0, 0, 0.0), (1.0, 10.0, 0, 0.0), (0.0, 5.0, 0, 4.0)]
    expected = summed_doses(np.array([[-0.5]]), given, times[:1])[:, 0]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1:], 3 * np.exp(-0.5 * (times[1:] - 2)), rtol=1e-13)


def test_an_infusion_after_a_reset_is_not_ended_by_one_before_it() -> None:
    table = dose_table([0.0, 2.0, 3.0], [8.0, 0.0, 6.0], duration=[4.0, 0.0, 3.0], evid=[1, 3, 1])
    inputs = place_doses(table, [DosePath(compartment=0)])
    times = np.array([2.5, 3.5, 4.5, 5.9, 8.0])
    found = linear_pk([[-0.5]]).amounts(inputs, times)[0]
    expected = summed_doses(np.array([[-0.5]]), [(3.0, 6.0, 0, 3.0)], times)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_infusion_that_has_ended_leaves_no_trace_beside_one_that_runs() -> None:
    # 0.1 + 0.2 - 0.1 - 0.2 is not 0 in binary.
    inputs = place_doses(
        dose_table([0.0, 0.5, 50.0], [0.1, 0.2, 0.1]),
        [DosePath(compartment=0, duration=[1.0, 80.0])],
        n_animals=2,
    )
    found = linear_pk([[-50.0]]).amounts(inputs, [40.0])[:, 0, 0]
    assert found[0] == 0.0
    assert found[1] > 0.0


def test_a_reset_behind_a_steady_state_empties_it() -> None:
    table = dose_table([1.0, 1.0], [10.0, 0.0], ii=[1.0, 0.0], ss=[2, 0], evid=[1, 3])
    found = linear_pk([[-0.5]]).amounts(place_doses(table, [DosePath(compartment=0)]), TIMES)
    assert (found == 0).all()


def test_reset_and_dose_is_a_reset_followed_by_a_dose() -> None:
    pk = linear_pk([[-0.5]])
    path = [DosePath(compartment=0)]
    joined = dose_table([0.0, 1.0], [10.0, 3.0], evid=[1, 4])
    apart = dose_table([0.0, 1.0, 1.0], [10.0, 0.0, 3.0], evid=[1, 3, 1])
    found = pk.amounts(place_doses(joined, path), TIMES)
    np.testing.assert_array_equal(found, pk.amounts(place_doses(apart, path), TIMES))
    assert found[0, 4, 0] == 3.0


def test_a_reading_at_a_dose_is_after_it_unless_asked_before() -> None:
    pk = linear_pk([[-1.0]])
    inputs = place_doses(dose_table(0.0, 10.0, ii=0.1, addl=3), [DosePath(compartment=0)])
    after = pk.amounts(inputs, [0.0, 0.3])[0, :, 0]
    before = pk.amounts(inputs, [0.0, 0.3], at_dose="before")[0, :, 0]
    assert before[0] == 0.0
    # The last dose is at 3 * 0.1, which is not 0.3 in binary.
    np.testing.assert_allclose(after - before, 10.0, rtol=1e-9)
    late = place_doses(dose_table(0.3, 10.0), [DosePath(compartment=0)])
    assert pk.amounts(late, [0.1 * 3], at_dose="before")[0, 0, 0] == 0.0


def test_amounts_before_the_first_dose_are_nothing() -> None:
    inputs = place_doses(dose_table(2.0, 10.0), [DosePath(compartment=0)])
    found = linear_pk([[-1.0]]).amounts(inputs, [-5.0, 0.0, 1.999, 2.0])
    assert found[0, :, 0].tolist() == [0.0, 0.0, 0.0, 10.0]


def test_no_dose_leaves_every_compartment_empty() -> None:
    inputs = place_doses(dose_table([], []), [DosePath(compartment=0)], n_animals=2)
    assert (linear_pk([[-1.0]]).amounts(inputs, TIMES) == 0).all()


def test_times_may_come_in_any_order() -> None:
    inputs = place_doses(dose_table(0.0, 10.0, ii=1.0, addl=5), [DosePath(compartment=0)])
    pk = parent_and_metabolite()
    forth = pk.amounts(inputs, TIMES)
    np.testing.assert_array_equal(pk.amounts(inputs, TIMES[::-1]), forth[:, ::-1])


def test_the_unit_of_time_is_of_no_account() -> None:
    generator = mammillary(np.random.default_rng(9), 3)
    table = {"ii": 1.0, "duration": 0.25}
    by_day = place_doses(
        dose_table(0.0, 10.0, addl=4, **table), [DosePath(compartment=0, lag=0.1)]
    )
    by_hour = place_doses(
        dose_table(0.0, 10.0, addl=4, ii=24.0, duration=6.0), [DosePath(compartment=0, lag=2.4)]
    )
    in_days = linear_pk(generator).amounts(by_day, TIMES)
    in_hours = linear_pk(generator / 24).amounts(by_hour, TIMES * 24)
    np.testing.assert_allclose(in_days, in_hours, rtol=1e-9, atol=1e-12)


def test_a_batch_is_its_animals_one_by_one() -> None:
    rng = np.random.default_rng(21)
    generators = np.stack([mammillary(rng, 3) for _ in range(6)])
    ke = 0.8
    # Two animals with rates taken together among others without.
    generators[2] = [[-ke, 0, 0], [ke, -ke, 0], [0, 0, -2.0]]
    generators[4] = [[-ke, 0, 0], [ke, -ke * 1.001, 0], [0, ke, -ke]]
    lag, weight = rng.uniform(0, 0.5, 6), rng.uniform(18, 25, 6)
    duration = np.array([0.0, 0.2, 0.0, 1.6, 0.4, 0.0])
    table = dose_table([0.0, 2.0, 5.0], 2.0, per_gram=True, ii=0.7, addl=[2, 0, 1], ss=[0, 2, 0])

    def placed(animals: slice, n: int) -> DoseInputs:
        path = DosePath(compartment=0, lag=lag[animals], duration=duration[animals])
        return place_doses(table, [path], n_animals=n, body_weight=weight[animals])

    times = np.linspace(0, 9, 31)
    together = linear_pk(generators).amounts(placed(slice(None), 6), times)
    for animal in range(6):
        here = slice(animal, animal + 1)
        alone = linear_pk(generators[here]).amounts(placed(here, 1), times)
        np.testing.assert_allclose(together[animal], alone[0], rtol=1e-10, atol=1e-11)


def test_one_system_stands_for_all_animals() -> None:
    weight = np.array([18.0, 20.0, 25.0])
    inputs = place_doses(
        dose_table(0.0, 1.0, per_gram=True),
        [DosePath(compartment=0)],
        n_animals=3,
        body_weight=weight,
    )
    for pk in (linear_pk([[-1.0]]), linear_pk([[-1.0, 0.0], [1.0, -1.0]])):
        alone = pk.amounts(one_dose(1.0), TIMES)
        expected = alone * weight[:, None, None]
        np.testing.assert_allclose(pk.amounts(inputs, TIMES), expected, rtol=1e-13)


def test_segments_cover_the_time_between_events_and_agree_with_the_amounts() -> None:
    pk = parent_and_metabolite()
    inputs = place_doses(
        dose_table([1.0, 2.0], 10.0, duration=[0.0, 0.5]), [DosePath(compartment=0)], n_animals=2
    )
    segments = pk.segments(inputs)
    assert segments.has_common_times
    assert segments.starts.tolist() == [[0.0, 1.0, 2.0, 2.5]]
    assert [one.end.tolist() for one in segments.segments] == [[1.0], [2.0], [2.5], [np.inf]]
    for number, inside in enumerate((0.3, 1.3, 2.3, 7.0)):
        expected = pk.amounts(inputs, [inside])
        alone = segments[number].amounts(inside)
        assert alone.shape == (2, 4)
        np.testing.assert_allclose(alone, expected[:, 0], rtol=1e-14)
        np.testing.assert_allclose(segments[number].amounts([inside, inside]), expected[:, [0, 0]])
        own = segments[number].amounts(np.array([[inside], [inside]]))
        np.testing.assert_allclose(own[:, 0], alone, rtol=1e-14)
    chosen = segments.select([2, 0]).amounts([0.5, 1.5, 2.2, 5.0])
    np.testing.assert_allclose(chosen, pk.amounts(inputs, [0.5, 1.5, 2.2, 5.0])[:, :, [2, 0]])


def test_segments_state_their_terms_so_that_others_can_evaluate_them() -> None:
    pk = two_compartments(2.1, 1.3, 0.4)
    segment = pk.segments(one_dose())[0]
    terms = segment.terms
    decay = np.exp(-terms.rates * 0.8)
    by_hand = (terms.amplitudes * decay[:, None, :]).sum(axis=2)
    np.testing.assert_allclose(by_hand, segment.amounts(0.8), rtol=1e-13)
    assert terms.inflow is None
    assert terms.confluent.size == 0


def test_segments_may_start_before_the_first_dose() -> None:
    segments = linear_pk([[-1.0]]).segments(one_dose(), origin=-3.0)
    assert segments.starts.tolist() == [[-3.0, 0.0]]
    assert segments[0].amounts(-1.0).tolist() == [[0.0]]


def test_animals_with_own_times_have_own_segments() -> None:
    lag = np.array([0.1, 0.4])
    inputs = place_doses(
        dose_table([0.0, 0.2], 10.0), [DosePath(compartment=0, lag=lag)], n_animals=2
    )
    segments = linear_pk([[-1.0]]).segments(inputs)
    assert not segments.has_common_times
    np.testing.assert_allclose(segments.starts, [[0.0, 0.1, 0.3], [0.0, 0.4, 0.6]])
    found = segments[1].amounts([[0.2, 0.3], [0.5, 0.6]])
    np.testing.assert_allclose(found[:, :, 0], [10 * np.exp([-0.1, -0.2])] * 2)


def test_a_virtual_compartment_drives_an_effect_without_concentrations() -> None:
    ke = 0.4
    inputs = place_doses(dose_table([0.0, 2.0], [1.0, 0.5]), [DosePath(compartment=0)])
    found = linear_pk(generator_from_flows(1, [Flow(source=0, target=None, rate=ke)])).amounts(
        inputs, [3.0]
    )
    np.testing.assert_allclose(found[0, 0, 0], np.exp(-3 * ke) + 0.5 * np.exp(-ke), rtol=1e-14)


def test_terms_of_a_segment_are_those_of_the_matrix_exponential() -> None:
    generator = catenary(np.random.default_rng(2), 4)
    state = np.array([[1.0, 2.0, 0.5, 0.0]])
    terms = linear_pk(generator).modes.trajectory(state, np.array([[0.0, 3.0, 0.0, 0.0]]))
    found = terms.at(np.array([1.7]))
    expected = exponential(generator * 1.7) @ state[0] + infused(generator, 1, 3.0, 1.7)
    np.testing.assert_allclose(found[0], expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (Flow(source=0, target=None, rate=-1.0), "a rate that is finite and not negative"),
        (Flow(source=0, target=1, rate=np.nan), "a rate that is finite and not negative"),
        (Flow(source=0, target=1, rate=1.0, factor=-0.5), "a factor that is finite"),
        (Flow(source=0, target=2, rate=1.0), "compartments from 0 to 1"),
        (Flow(source=1, target=1, rate=1.0), "a flow that leads elsewhere"),
        (Flow(source=0, target=1, rate=[1.0, 2.0, 3.0]), "flows of one number of animals"),
    ],
)
def test_flows_that_cannot_be_are_refused(flow: Flow, message: str) -> None:
    other = Flow(source=0, target=None, rate=[1.0, 2.0])
    with pytest.raises(InputError, match=message):
        generator_from_flows(2, [other, flow])


def test_flows_between_the_same_compartments_add_up() -> None:
    flows = [Flow(source=0, target=1, rate=1.0), Flow(source=0, target=1, rate=2.0, factor=0.5)]
    assert generator_from_flows(2, flows).tolist() == [[[-3.0, 0.0], [2.0, 0.0]]]


def test_matrices_that_no_flows_make_are_refused() -> None:
    with pytest.raises(InputError, match="a matrix that no flows make"):
        linear_pk([[1.0]])
    with pytest.raises(InputError, match="a matrix that no flows make"):
        linear_pk([[-1.0, -0.1], [0.5, -1.0]])
    with pytest.raises(InputError, match="a square matrix"):
        linear_pk([[-1.0, 0.0]])
    with pytest.raises(InputError, match="finite flows"):
        linear_pk([[-np.inf]])


def test_flows_in_a_circle_that_make_amounts_oscillate_are_refused() -> None:
    circle = [[-1.0, 0.0, 1.0], [1.0, -1.0, 0.0], [0.0, 1.0, -1.1]]
    with pytest.raises(DataError, match=r"animal 2: .* oscillate"):
        linear_pk(np.stack([np.diag([-1.0, -2.0, -3.0]), np.array(circle)]))


def test_amounts_that_grow_by_themselves_are_refused() -> None:
    with pytest.raises(DataError, match="grow by themselves"):
        linear_pk([[-1.0, 2.0], [2.0, -1.0]])


def test_steady_states_that_are_never_reached_are_refused() -> None:
    table = dose_table(0.0, 10.0, ii=1.0, ss=1)
    with pytest.raises(DataError, match=r"steady-state dose on day 0: .* nothing leaves"):
        linear_pk([[0.0]]).amounts(place_doses(table, [DosePath(compartment=0)]), [1.0])
    late = place_doses(table, [DosePath(compartment=0, lag=1.0)])
    with pytest.raises(DataError, match="a lag below the interval"):
        linear_pk([[-1.0]]).amounts(late, [1.0])
    endless = place_doses(table, [DosePath(compartment=0, duration=2000.0)])
    with pytest.raises(DataError, match="at most 1000 intervals"):
        linear_pk([[-1.0]]).amounts(endless, [1.0])


def test_areas_that_are_not_defined_are_refused() -> None:
    with pytest.raises(DataError, match="compartments that empty"):
        linear_pk([[0.0]]).area_to_infinity(one_dose())
    steady = place_doses(dose_table(0.0, 10.0, ii=1.0, ss=2), [DosePath(compartment=0)])
    with pytest.raises(DataError, match="without resets and steady states"):
        linear_pk([[-1.0]]).area_to_infinity(steady)


def test_doses_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="doses of 2 animals, found 3"):
        linear_pk([[[-1.0]], [[-2.0]]]).amounts(one_dose(n_animals=3), [1.0])
    with pytest.raises(InputError, match="compartments from 0 to 0, found 1"):
        linear_pk([[-1.0]]).amounts(one_dose(into=1), [1.0])
    with pytest.raises(InputError, match="finite times"):
        linear_pk([[-1.0]]).amounts(one_dose(), [np.nan])
