"""Where other tools of the field go wrong on these endpoints, the right number.

Each test states the peer, what it does, and the value by hand. Sources of the statements are the
peers' own code; docs/background/endpoints.md tells why ours differs.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.endpoints import EndpointOptions
from oncovivo.endpoints.auc import area_growth_rate, auc_ratio, trapezoid_areas
from oncovivo.endpoints.delay import Target, event_times
from oncovivo.endpoints.growth import animal_rates, doubling_time
from oncovivo.endpoints.intervals import difference_limits, fieller_limits
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.relative import relative_mean_of_ratios
from oncovivo.endpoints.t_over_c import t_over_c
from oncovivo.endpoints.tgi import tgi_delta, tgi_rtv
from oncovivo.endpoints.vardi import areas_to
from tests.endpoints.conftest import MakeTable, make_arm, make_study

NAN = math.nan


@pytest.mark.parametrize(("start", "expected"), [(201, 0.801), (199, 0.799), (200, 0.8)])
def test_xeva_tgi_divides_by_the_difference_of_baselines(
    start: float, expected: float, settings: IntervalSettings
) -> None:
    # Control 200 → 1200, treated 199, 200 or 201 → 400: Xeva gives +800, infinity and −800.
    control = make_arm([[200, 1200]], (0.0, 21.0), name="vehicle")
    treated = make_arm([[start, 400]], (0.0, 21.0))
    assert tgi_delta(treated, control, settings, day=21).estimate == pytest.approx(expected)


def test_xeva_slope_in_degrees_depends_on_the_unit_and_the_log_rate_does_not() -> None:
    days = (0.0, 10.0, 20.0, 30.0)
    cubic_mm = [100 + 28.57 * day for day in days]
    for size in (cubic_mm, [volume / 1000 for volume in cubic_mm]):
        through_origin = sum(d * (v - size[0]) for d, v in zip(days, size, strict=True)) / 1400
        degrees = math.degrees(math.atan(through_origin))
        assert degrees == pytest.approx(87.995 if size is cubic_mm else 1.64, abs=5e-3)
    in_mm, in_cm = (
        animal_rates(make_arm([size], days, limit=0.001)).rate[0]
        for size in (cubic_mm, [volume / 1000 for volume in cubic_mm])
    )
    assert in_mm == pytest.approx(in_cm)


def test_drap_has_no_tgi_of_relative_volumes_under_its_documented_name(
    settings: IntervalSettings,
) -> None:
    # DRAP documents "RCV", which errors; the ratio of mean relative volumes is 1 − 1.5/4.
    control = make_arm([[100, 400], [50, 200]], (0.0, 21.0), name="vehicle")
    treated = make_arm([[100, 100], [50, 100]], (0.0, 21.0))
    assert tgi_rtv(treated, control, settings, day=21).estimate == pytest.approx(0.625)


def test_a_control_that_shrank_is_undefined_where_peers_divide_by_it(
    settings: IntervalSettings,
) -> None:
    # invivoSyn and DRAP print 1 − 100/(−50) = 300 %.
    control = make_arm([[100, 50]], (0.0, 21.0), name="vehicle")
    treated = make_arm([[100, 200]], (0.0, 21.0))
    result = tgi_delta(treated, control, settings, day=21)
    assert (result.estimate, result.remarks) == (None, ("the control did not grow",))


def test_invivosyn_percentile_bootstrap_covers_less_than_it_says_at_five_animals() -> None:
    rng = np.random.default_rng(21)
    studies, draws, day = 400, 300, 21.0
    truth = (math.exp(0.07 * day) - math.exp(-0.0882)) / (math.exp(0.11 * day) - math.exp(-0.0882))
    rows = rng.integers(0, 5, (2, draws, 5))
    percentile = fieller = 0
    for _ in range(studies):
        change = []
        for rate in (0.07, 0.11):
            noise = 0.15 * rng.standard_normal((2, 5))
            growth = (rate + 0.02 * rng.standard_normal(5)) * day
            change.append(150 * (np.exp(growth + noise[1]) - np.exp(noise[0])))
        drawn = change[0][rows[0]].mean(axis=1) / change[1][rows[1]].mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        percentile += low <= truth <= high
        limits = fieller_limits(change[0], change[1], level=0.95)
        fieller += bool(limits[0] <= truth <= limits[1])
    assert percentile / studies < 0.91
    assert 0.93 <= fieller / studies <= 0.985


def test_pva_leaves_a_vanished_tumor_at_a_thousandth_on_the_log_scale(
    settings: IntervalSettings,
) -> None:
    # Two of four cured: the ratio of means is 100/400; PVA's geometric one is below 1 %.
    treated = make_arm([[100, 0], [100, 0], [100, 200], [100, 200]], (0.0, 21.0))
    control = make_arm([[100, 400]] * 4, (0.0, 21.0), name="vehicle")
    assert t_over_c(treated, control, settings, day=21).estimate == pytest.approx(0.25)
    geometric = math.exp(np.mean(np.log([0.001, 0.001, 2, 2]))) / 4
    assert geometric < 0.02


def test_pva_delta_error_takes_the_ratio_for_its_square(settings: IntervalSettings) -> None:
    rng = np.random.default_rng(3)
    x, y = 100 + rng.standard_normal(40), 400 + 4 * rng.standard_normal(40)
    treated = make_arm([[100, value] for value in x], (0.0, 21.0))
    control = make_arm([[100, value] for value in y], (0.0, 21.0), name="vehicle")
    result = t_over_c(treated, control, settings, day=21)
    assert result.upper is not None
    assert result.lower is not None
    relative = math.hypot(stats.sem(x) / x.mean(), stats.sem(y) / y.mean())
    right = x.mean() / y.mean() * relative
    half = (result.upper - result.lower) / 2
    assert half / stats.t.ppf(0.975, 78) == pytest.approx(right, rel=1e-2)
    wrong = math.sqrt(x.mean() / y.mean()) * relative
    assert wrong > 1.9 * right


def test_pva_takes_the_visit_for_the_time_and_three_for_four() -> None:
    arm = make_arm([[100, 200, 800]], (0.0, 7.0, 14.0))
    time = event_times(arm, Target(kind="multiple", value=4.0)).time[0]
    assert time == pytest.approx(10.5)  # PVA: day 14
    # +200 % is threefold: PVA's "4x" would be met here.
    grown = make_arm([[100, 200, 310]], (0.0, 7.0, 14.0))
    assert not event_times(grown, Target(kind="multiple", value=4.0)).reached[0]


def test_a_shrinking_tumor_has_no_negative_doubling_time(settings: IntervalSettings) -> None:
    shrinking = make_arm([[400, 200, 100]] * 2, (0.0, 7.0, 14.0))
    result = doubling_time(shrinking, settings)
    assert (result.estimate, result.status) == (None, "undefined")


def test_raw_areas_of_unequal_follow_up_turn_an_effect_around(settings: IntervalSettings) -> None:
    # Xeva's ABC and DRAP's AUC compare the raw areas of a control removed early.
    control = make_arm([[150, 1500, NAN, NAN]] * 3, (0.0, 7.0, 14.0, 21.0), name="vehicle")
    treated = make_arm([[150, 300, 500, 800]] * 3, (0.0, 7.0, 14.0, 21.0))
    raw = [trapezoid_areas(a.elapsed, a.size, a.window())[0] for a in (treated, control)]
    assert raw[0] > raw[1]
    ratio = auc_ratio(treated, control, settings)
    assert ratio.estimate == pytest.approx((7 * (225 + 400 + 650) / 21) / 825)


def test_clinfun_starts_every_curve_from_a_volume_of_zero() -> None:
    day, size = np.array([[3.0, 10.0]]), np.array([[100.0, 100.0]])
    # clinfun adds the triangle 3·100/2 before the first reading.
    assert areas_to(day, size, day >= 0, np.array([10.0]))[0, 0] == pytest.approx(700)


def test_invivosyn_rate_of_a_cured_mouse_is_made_by_the_one_it_adds(
    settings: IntervalSettings,
) -> None:
    days = (0.0, 31.0)
    made_up = 2 * ((math.log(201) + 0) / 2 * 31 - math.log(201) * 31) / 31**2
    assert made_up == pytest.approx(-math.log(201) / 31)
    cured = make_arm([[200, 0]], days, limit=14.0)
    result = area_growth_rate(cured, settings)
    assert result.estimate == pytest.approx(-math.log(200 / 14) / 31)
    assert result.status == "flagged"


def test_invivosyn_rate_exists_from_the_second_reading_on(settings: IntervalSettings) -> None:
    single = make_arm([[200, NAN]], (0.0, 7.0))
    assert area_growth_rate(single, settings).status == "not_estimable"


def test_a_ratio_of_rates_to_a_still_control_is_left_to_their_difference(
    table: MakeTable,
) -> None:
    # invivoSyn's mAUCr divides by a control rate near zero.
    readings = {
        f"{arm}{i}": (arm, {0.0: 100.0, 7.0: 100 + step * i, 14.0: 100.0 + 2 * step * i})
        for arm, step in (("vehicle", -0.5), ("drug", 20.0))
        for i in range(1, 5)
    }
    made = table(make_study(readings))
    assert made.of("drug", "tgi_growth_ratio").status == "undefined"
    assert made.of("drug", "egr_difference").status == "ok"


def test_pykulgap_drops_all_rows_after_the_first_death_and_ours_keeps_the_others(
    table: MakeTable,
) -> None:
    days = (0.0, 5.0, 10.0, 15.0, 20.0)
    readings = {
        f"{arm}{i}": (
            arm,
            {
                d: 100 * math.exp((rate + 0.005 * i) * d)
                for d in days
                if not (arm == "drug" and i == 0 and d > 5)
            },
        )
        for arm, rate in (("vehicle", 0.12), ("drug", 0.06))
        for i in range(6)
    }
    made = table(make_study(readings), options=EndpointOptions(draws=200))
    assert made.day_choice.day == 20
    row = made.of("drug", "tgi_kulgap")
    assert (row.day, row.n_treated, row.n_control) == (20, 5, 6)
    assert row.estimate == pytest.approx(1 - (0.06 + 0.015) / (0.12 + 0.0125), rel=1e-3)


def test_adding_one_to_all_volumes_depends_on_their_unit(settings: IntervalSettings) -> None:
    # Xeva adds 1 to every volume of an animal whose first is 0, SynergyLMM on request.
    gone_first = make_arm([[0, 50], [100, 200]], (0.0, 7.0))
    result = relative_mean_of_ratios(gone_first, settings, day=7)
    assert (result.estimate, result.n_treated) == (2.0, 1)


def test_dropping_zeros_loses_the_best_responders(settings: IntervalSettings) -> None:
    # DRAP and SynergyLMM's default leave the two cured animals out and report 3.
    treated = make_arm([[100, 0], [100, 0], [100, 300]], (0.0, 7.0))
    result = relative_mean_of_ratios(treated, settings, day=7)
    assert (result.estimate, result.n_treated) == (1.0, 3)


def test_differences_of_log_rates_use_t_and_not_the_normal_distribution() -> None:
    x, y = np.array([0.05, 0.07, 0.09]), np.array([0.1, 0.12, 0.11])
    lower, upper = difference_limits(x, y, level=0.95)
    error = math.hypot(stats.sem(x), stats.sem(y))
    assert float(upper - lower) / 2 > 2.7 * error > 1.96 * error
