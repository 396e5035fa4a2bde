"""Times to a target, growth delay, cell kill: by hand, brackets, censoring, not reached."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.endpoints.delay import (
    Target,
    crossing_times,
    event_times,
    growth_delay,
    growth_delay_pct,
    log10_cell_kill,
    median_time,
)
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.errors import InputError
from tests.endpoints.conftest import make_arm

NAN = math.nan
DAYS = (0.0, 7.0, 14.0, 21.0)
FOURFOLD = Target(kind="multiple", value=4.0)
TWOFOLD = Target(kind="multiple", value=2.0)


def test_times_are_interpolated_on_the_log_scale_and_keep_their_bracket() -> None:
    times = event_times(make_arm([[100, 200, 800, 900]], DAYS), FOURFOLD)
    assert times.time.tolist() == [pytest.approx(7 + 7 * math.log(2) / math.log(4))]
    assert (times.lower[0], times.upper[0], bool(times.reached[0])) == (7, 14, True)


def test_threefold_is_not_fourfold() -> None:
    times = event_times(make_arm([[100, 200, 300, 390]], DAYS), FOURFOLD)
    assert not times.reached[0]
    assert (times.time[0], times.upper[0]) == (21, math.inf)


def test_a_reading_exactly_at_the_target_is_its_time() -> None:
    times = event_times(make_arm([[150, 300, 600, 1200]], DAYS), FOURFOLD)
    assert (times.time[0], times.upper[0]) == (pytest.approx(14), 14)


def test_the_first_crossing_counts_even_if_the_tumor_falls_back() -> None:
    times = event_times(make_arm([[100, 450, 90, 500]], DAYS), FOURFOLD)
    assert times.upper[0] == 7


def test_a_tumor_that_was_gone_before_is_interpolated_from_the_limit() -> None:
    times = event_times(make_arm([[100, 0, 1000, 1000]], DAYS, limit=10.0), FOURFOLD)
    share = math.log(400 / 10) / math.log(1000 / 10)
    assert times.time[0] == pytest.approx(7 + 7 * share)


def test_an_absolute_volume_may_be_reached_from_the_start() -> None:
    times = event_times(
        make_arm([[600, 700, 800, 900], [100, 200, 700, 900]], DAYS),
        Target(kind="volume", value=500),
    )
    assert times.time[0] == 0
    assert (times.lower[0], times.upper[0]) == (0, 0)
    assert 7 < times.time[1] < 14


def test_an_animal_without_a_baseline_has_no_time() -> None:
    times = event_times(make_arm([[NAN, 200, 800, 900], [100, 200, 300, 500]], DAYS), FOURFOLD)
    assert np.isnan(times.time[0])
    assert not np.isnan(times.time[1])


@given(
    st.lists(st.lists(st.floats(1, 5000), min_size=4, max_size=4), min_size=1, max_size=6),
    st.floats(1.1, 8),
)
def test_batched_times_equal_their_slow_twin(sizes: list[list[float]], multiple: float) -> None:
    day = np.broadcast_to(np.array(DAYS), (len(sizes), 4))
    logs = np.log(np.array(sizes))
    made = crossing_times(day, logs, logs[:, 0] + math.log(multiple), day >= 0)
    for row, volumes in enumerate(sizes):
        goal = volumes[0] * multiple
        hits = [k for k, volume in enumerate(volumes) if volume >= goal * (1 - 1e-12)]
        if not hits:
            assert not made.reached[row]
            continue
        k = hits[0]
        v1, v2 = volumes[k - 1], max(volumes[k], goal)
        share = math.log(goal / v1) / math.log(v2 / v1)
        assert made.time[row] == pytest.approx(DAYS[k - 1] + 7 * share, abs=1e-6)


def arm_with_times(times: list[float]) -> list[list[float]]:
    """Exponential curves that double in so many days."""
    return [[100 * 2 ** (day / time) for day in DAYS] for time in times]


def test_delay_is_the_difference_of_median_times(settings: IntervalSettings) -> None:
    treated = make_arm(arm_with_times([8, 10, 12]), DAYS)
    control = make_arm(arm_with_times([4, 5, 6]), DAYS, name="vehicle")
    delay = growth_delay(treated, control, settings, target=TWOFOLD)
    assert delay.estimate == pytest.approx(5)
    percent = growth_delay_pct(treated, control, settings, target=TWOFOLD)
    assert percent.estimate == pytest.approx(100)
    # Three animals cannot carry the interval of a median.
    assert (delay.method, delay.status) == ("none", "flagged")


def test_delay_has_limits_from_the_order_of_the_times(settings: IntervalSettings) -> None:
    treated = make_arm(arm_with_times([8, 9, 10, 11, 13]), DAYS)
    control = make_arm(arm_with_times([4, 4.5, 5, 5.5, 6.5]), DAYS, name="vehicle")
    delay = growth_delay(treated, control, settings, target=TWOFOLD)
    assert delay.method == "mover"
    assert delay.lower is not None
    assert delay.upper is not None
    assert 5 - math.hypot(2, 1.5) < delay.lower < 5 < delay.upper < 5 + math.hypot(3, 1)
    percent = growth_delay_pct(treated, control, settings, target=TWOFOLD)
    assert percent.lower is not None
    assert percent.upper is not None
    assert 0 < percent.lower < 100 < percent.upper


def test_a_treated_median_that_is_not_reached_gives_what_it_exceeds(
    settings: IntervalSettings,
) -> None:
    treated = make_arm([[100, 90, 80, 70]] * 5, DAYS)
    control = make_arm(arm_with_times([4, 4.5, 5, 5.5, 6.5]), DAYS, name="vehicle")
    delay = growth_delay(treated, control, settings, target=TWOFOLD)
    assert (delay.estimate, delay.status) == (None, "not_reached")
    assert delay.greater_than == pytest.approx(21 - 5)
    percent = growth_delay_pct(treated, control, settings, target=TWOFOLD)
    assert percent.greater_than == pytest.approx(100 * 16 / 5)
    kill = log10_cell_kill(treated, control, settings, target=TWOFOLD)
    assert kill.status == "not_reached"
    assert kill.greater_than is not None


def test_a_control_median_that_is_not_reached_leaves_the_delay_undefined(
    settings: IntervalSettings,
) -> None:
    idle = make_arm([[100, 100, 100, 100]] * 5, DAYS, name="vehicle")
    treated = make_arm(arm_with_times([4, 5, 6]), DAYS)
    delay = growth_delay(treated, idle, settings, target=TWOFOLD)
    assert (delay.estimate, delay.status) == (None, "undefined")
    assert delay.remarks == ("the control's median time to 2x was not reached",)


def test_few_events_leave_the_upper_limit_open(settings: IntervalSettings) -> None:
    sizes = [*arm_with_times([8, 9, 10]), [100.0] * 4, [90.0] * 4]
    result = median_time(make_arm(sizes, DAYS), settings, target=TWOFOLD)
    assert result.estimate == pytest.approx(10)
    assert (result.upper, result.status) == (None, "unbounded")
    assert result.lower == pytest.approx(8)
    assert "2 of 5 animals of 'drug' did not reach 2x" in result.remarks[0]


def test_an_animal_lost_before_others_had_their_event_goes_through_the_product_limit(
    settings: IntervalSettings,
) -> None:
    sizes = [*arm_with_times([8, 9, 10, 11, 12, 13]), [100, 110, NAN, NAN]]
    result = median_time(make_arm(sizes, DAYS), settings, target=TWOFOLD)
    # Six animals remain after the loss on day 7: half of them by day 10.5.
    assert result.estimate == pytest.approx(10.5)
    assert result.method == "product_limit"


def test_cell_kill_is_the_delay_in_tenfold_times_of_the_control(
    settings: IntervalSettings,
) -> None:
    treated = make_arm(arm_with_times([9, 9, 10, 11, 11]), DAYS)
    control = make_arm(arm_with_times([5] * 5), DAYS, name="vehicle")
    gross = log10_cell_kill(treated, control, settings, target=TWOFOLD)
    assert gross.estimate == pytest.approx(5 / (math.log2(10) * 5))
    net = log10_cell_kill(treated, control, settings, target=TWOFOLD, treatment_days=4)
    assert net.estimate == pytest.approx((5 - 4) / (math.log2(10) * 5))
    assert net.estimate is not None
    assert net.lower is not None
    assert net.upper is not None
    assert net.lower < net.estimate < net.upper


def test_cell_kill_needs_a_control_that_grows(settings: IntervalSettings) -> None:
    shrinking = make_arm([[100, 250, 60, 40]] * 5, DAYS, name="vehicle")
    result = log10_cell_kill(
        make_arm(arm_with_times([9, 9, 10]), DAYS), shrinking, settings, target=TWOFOLD
    )
    assert (result.status, result.remarks) == ("undefined", ("the control did not grow",))


@pytest.mark.parametrize(("kind", "value"), [("multiple", 1.0), ("volume", 0.0)])
def test_a_target_lies_beyond_the_start(kind: str, value: float) -> None:
    with pytest.raises(InputError, match=f"a target {kind} above"):
        Target(kind=kind, value=value)  # type: ignore[arg-type]
