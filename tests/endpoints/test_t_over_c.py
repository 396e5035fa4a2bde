"""T/C in its forms, by hand."""

from __future__ import annotations

import math

import pytest

from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.t_over_c import (
    pptp_activity,
    t_over_c,
    t_over_c_median,
    t_over_c_nci,
    t_over_c_optimal,
    t_over_c_pptp,
    t_over_c_rate,
)
from tests.endpoints.conftest import make_arm

DAYS = (0.0, 7.0, 14.0, 21.0, 28.0)
TREATED = make_arm(
    [[100, 90, 120, 200, 500], [100, 80, 100, 180, 400], [200, 190, 200, 220, 900]], DAYS
)
CONTROL = make_arm(
    [[100, 200, 400, 900, 1500], [100, 220, 500, 800, 1200], [200, 300, 600, 1000, 2400]],
    DAYS,
    name="vehicle",
)


def test_means_and_medians_of_the_day(settings: IntervalSettings) -> None:
    assert t_over_c(TREATED, CONTROL, settings, day=21).estimate == pytest.approx(600 / 2700)
    median = t_over_c_median(TREATED, CONTROL, settings, day=21)
    assert median.estimate == pytest.approx(200 / 900)
    # Three animals cannot carry the interval of a median.
    assert (median.lower, median.status) == (None, "flagged")


def test_optimal_is_the_smallest_over_days_and_says_that_it_was_picked(
    settings: IntervalSettings,
) -> None:
    result = t_over_c_optimal(TREATED, CONTROL, settings)
    # Days 7, 14, 21 and 28: 360/720, 420/1500, 600/2700, 1800/5100.
    assert result.estimate == pytest.approx(600 / 2700)
    assert result.day == 21
    assert result.status == "flagged"
    assert "the day is the one with the smallest ratio" in result.remarks


def test_nci_takes_changes_while_the_treated_grow(settings: IntervalSettings) -> None:
    # Day 21: changes 100, 80, 20 and 800, 700, 800.
    result = t_over_c_nci(TREATED, CONTROL, settings, day=21)
    assert result.estimate == pytest.approx(200 / 2300)
    assert result.method == "fieller"


def test_nci_turns_to_regression_when_the_treated_shrink(settings: IntervalSettings) -> None:
    # Day 7: changes −10, −20, −10 of baselines 100, 100, 200.
    result = t_over_c_nci(TREATED, CONTROL, settings, day=7)
    assert result.estimate == pytest.approx(-40 / 400)
    assert result.lower is not None
    assert result.upper is not None
    assert -1 < result.lower < -0.1 < result.upper
    assert "the treated shrank: change over own baseline" in result.remarks


def test_nci_regression_does_not_need_a_control_that_grows(settings: IntervalSettings) -> None:
    idle = make_arm([[100, 90, 80, 70, 60]] * 3, DAYS, name="vehicle")
    assert t_over_c_nci(TREATED, idle, settings, day=7).estimate == pytest.approx(-0.1)
    grown = t_over_c_nci(TREATED, idle, settings, day=21)
    assert (grown.estimate, grown.status) == (None, "undefined")


def test_pptp_compares_relative_volumes_on_day_21(settings: IntervalSettings) -> None:
    result = t_over_c_pptp(TREATED, CONTROL, settings, baseline_day=0)
    # Relative volumes 2, 1.8, 1.1 and 9, 8, 5.
    assert result.estimate == pytest.approx(4.9 / 22)
    assert result.day == 21
    assert result.status == "ok"


def test_pptp_falls_back_to_the_last_day_with_all_controls(settings: IntervalSettings) -> None:
    nan = math.nan
    left = make_arm([[100, 200, 400, nan, nan], [100, 220, 500, 800, 1200]], DAYS, name="vehicle")
    result = t_over_c_pptp(TREATED, left, settings, baseline_day=0)
    assert result.day == 14
    assert "readings of all controls" in result.remarks[0]
    none = make_arm([[100, nan, nan, nan, nan], [100, 220, 500, 800, 1]], DAYS, name="vehicle")
    assert t_over_c_pptp(TREATED, none, settings, baseline_day=0).status == "not_estimable"


def test_rates_are_carried_over_21_days(settings: IntervalSettings) -> None:
    slow = make_arm([[100 * math.exp(0.04 * d) for d in DAYS]] * 2, DAYS)
    fast = make_arm([[90 * math.exp(0.1 * d) for d in DAYS]] * 2, DAYS, name="vehicle")
    result = t_over_c_rate(slow, fast, settings)
    assert result.estimate == pytest.approx(math.exp(-0.06 * 21))


def test_rates_use_what_was_seen_of_an_animal_that_left(settings: IntervalSettings) -> None:
    nan = math.nan
    left = make_arm([[100, 200, 400, nan, nan], [100, 200, 400, 800, 1600]], DAYS, name="vehicle")
    slow = make_arm([[100, 141, 200, 283, 400]] * 2, DAYS)
    result = t_over_c_rate(slow, left, settings)
    assert result.estimate == pytest.approx(2**-1.5, rel=2e-3)
    assert result.n_control == 2


def test_words_of_the_pptp_change_at_15_and_45_percent() -> None:
    assert [pptp_activity(r) for r in (0.15, 0.1500001, 0.45, 0.4500001)] == [
        "high",
        "intermediate",
        "intermediate",
        "low",
    ]
