"""The seven definitions of TGI by hand, where they do not exist, and how they differ."""

from __future__ import annotations

import math

import pytest

from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.tgi import (
    tgi_auc,
    tgi_delta,
    tgi_growth_ratio,
    tgi_kulgap,
    tgi_rate,
    tgi_rtv,
    tgi_volume,
)
from tests.endpoints.conftest import make_arm

DAYS = (0.0, 4.0, 10.0)
TREATED = make_arm([[100, 150, 200], [200, 200, 300]], DAYS)
CONTROL = make_arm([[100, 300, 700], [200, 300, 1000]], DAYS, name="vehicle")


def test_changes_of_means(settings: IntervalSettings) -> None:
    # Changes: treated 100 and 100, control 600 and 800.
    result = tgi_delta(TREATED, CONTROL, settings, day=10)
    assert result.estimate == pytest.approx(1 - 100 / 700)
    assert (result.method, result.n_treated, result.n_control) == ("fieller", 2, 2)


def test_relative_volumes_are_means_of_ratios(settings: IntervalSettings) -> None:
    # Ratios: treated 2 and 1.5, control 7 and 5.
    result = tgi_rtv(TREATED, CONTROL, settings, day=10)
    assert result.estimate == pytest.approx(1 - 1.75 / 6)


def test_volumes_of_the_day(settings: IntervalSettings) -> None:
    assert tgi_volume(TREATED, CONTROL, settings, day=10).estimate == pytest.approx(1 - 250 / 850)


def test_areas_above_the_baseline(settings: IntervalSettings) -> None:
    # Treated: 4·25 + 6·75 = 550 and 6·50 = 300; control: 4·100 + 6·400 = 2800 and
    # 4·50 + 6·450 = 2900.
    result = tgi_auc(TREATED, CONTROL, settings, day=10)
    assert result.estimate == pytest.approx(1 - 425 / 2850)


def test_rates_carried_over_days(settings: IntervalSettings) -> None:
    slow = make_arm([[100 * math.exp(0.05 * d) for d in DAYS]] * 2, DAYS)
    fast = make_arm([[80 * math.exp(0.15 * d) for d in DAYS]] * 2, DAYS, name="vehicle")
    assert tgi_rate(slow, fast, settings, days=10).estimate == pytest.approx(1 - math.exp(-1))
    assert tgi_growth_ratio(slow, fast, settings).estimate == pytest.approx(1 - 0.05 / 0.15)


def test_the_kulgap_scale_is_a_ratio_of_changes_of_the_logarithm(
    settings: IntervalSettings,
) -> None:
    def change(start: float, end: float) -> float:
        return math.log((end + 0.01) / (start + 0.01))

    treated = (change(100, 200) + change(200, 300)) / 2
    control = (change(100, 700) + change(200, 1000)) / 2
    result = tgi_kulgap(TREATED, CONTROL, settings, day=10)
    assert result.estimate == pytest.approx(1 - treated / control)


def test_inhibition_above_one_is_regression(settings: IntervalSettings) -> None:
    shrunk = make_arm([[100, 80, 50], [200, 150, 100]], DAYS)
    result = tgi_delta(shrunk, CONTROL, settings, day=10)
    assert result.estimate == pytest.approx(1 + 75 / 700)


@pytest.mark.parametrize("endpoint", [tgi_delta, tgi_auc, tgi_kulgap])
def test_a_control_that_did_not_grow_leaves_changes_undefined(
    endpoint: type[object], settings: IntervalSettings
) -> None:
    idle = make_arm([[100, 100, 100], [200, 150, 200]], DAYS, name="vehicle")
    result = endpoint(TREATED, idle, settings, day=10)  # type: ignore[call-arg]
    assert (result.estimate, result.status) == (None, "undefined")  # type: ignore[attr-defined]
    assert result.remarks == ("the control did not grow",)  # type: ignore[attr-defined]


def test_a_shrinking_control_leaves_the_ratio_of_rates_undefined(
    settings: IntervalSettings,
) -> None:
    shrinking = make_arm([[100, 80, 60], [200, 150, 100]], DAYS, name="vehicle")
    result = tgi_growth_ratio(TREATED, shrinking, settings)
    assert (result.estimate, result.status) == (None, "undefined")
    # The difference of rates exists all the same.
    assert tgi_rate(TREATED, shrinking, settings, days=10).estimate is not None


def test_a_control_whose_tumors_vanished_leaves_volumes_undefined(
    settings: IntervalSettings,
) -> None:
    gone = make_arm([[100, 50, 0], [200, 50, 0]], DAYS, name="vehicle")
    for endpoint in (tgi_volume, tgi_rtv):
        result = endpoint(TREATED, gone, settings, day=10)
        assert (result.estimate, result.status) == (None, "undefined")


def test_a_day_without_readings_is_not_estimable(settings: IntervalSettings) -> None:
    for endpoint in (tgi_delta, tgi_volume, tgi_rtv, tgi_auc, tgi_kulgap):
        result = endpoint(TREATED, CONTROL, settings, day=7)
        assert (result.estimate, result.status) == (None, "not_estimable")


def test_a_control_of_uncertain_growth_has_an_unbounded_interval(
    settings: IntervalSettings,
) -> None:
    erratic = make_arm(
        [[100, 90, 50], [100, 300, 600], [100, 100, 90], [100, 90, 110]], DAYS, name="vehicle"
    )
    treated = make_arm([[100, 110, 120], [100, 120, 140], [100, 100, 130]], DAYS)
    result = tgi_delta(treated, erratic, settings, day=10)
    assert result.estimate is not None
    assert (result.lower, result.upper, result.status) == (None, None, "unbounded")
    assert "no bounded interval" in result.remarks[0]


def test_all_treated_tumors_gone_is_full_inhibition_without_a_log_interval(
    settings: IntervalSettings,
) -> None:
    gone = make_arm([[100, 50, 0], [200, 50, 0]], DAYS)
    result = tgi_volume(gone, CONTROL, settings, day=10)
    assert (result.estimate, result.lower, result.upper) == (1.0, None, None)
    assert result.status == "flagged"


def test_readings_that_are_gone_count_with_the_limit_on_the_log_scale(
    settings: IntervalSettings,
) -> None:
    gone = make_arm([[100, 50, 0], [100, 50, 0]], DAYS, limit=10.0)
    control = make_arm([[100, 200, 1000], [100, 300, 1000]], DAYS, name="vehicle")
    result = tgi_kulgap(gone, control, settings, day=10)
    expected = 1 - math.log(10.01 / 100.01) / math.log(1000.01 / 100.01)
    assert result.estimate == pytest.approx(expected)
    assert result.status == "flagged"
    assert "count with 10 on the log scale" in " ".join(result.remarks)
