"""Whether growth bends away from the exponential: seen where it is, seldom where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from oncovivo.design.endpoint_bend import find_bends, flag_bends
from oncovivo.design.endpoint_projection import project_limit
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth

DAYS = np.array([0.0, 3.0, 7.0, 10.0, 14.0, 17.0])


def readings(
    *curves: Callable[[np.ndarray], np.ndarray], seed: int, noise: float = 0.1, animals: int = 8
) -> GrowthData:
    """An arm for each curve of log size since baseline."""
    rng = np.random.default_rng(seed)
    arms = [f"arm{k}" for k in range(len(curves)) for _ in range(animals)]
    names = [f"{arm}-{i % animals}" for i, arm in enumerate(arms)]
    sizes = np.concatenate(
        [
            math.log(150) + rng.normal(0, 0.2) + curve(DAYS) * (1 + rng.normal(0, 0.05))
            + rng.normal(0, noise, DAYS.size)
            for curve in curves
            for _ in range(animals)
        ]
    )  # fmt: skip
    return growth_data_from_arrays(
        arm=np.repeat(arms, DAYS.size).tolist(),
        animal_id=np.repeat(names, DAYS.size).tolist(),
        time=np.tile(DAYS, len(arms)),
        log_size=sizes,
    )


def steady(days: np.ndarray) -> np.ndarray:
    return 0.1 * days


def gompertz(days: np.ndarray) -> np.ndarray:
    """From 0.2 per day to 0.037 on day 17: capacity exp(2) of the start."""
    return np.asarray(2.0 * (1 - np.exp(-0.1 * days)))


def regrowth(days: np.ndarray) -> np.ndarray:
    return np.where(days < 7, -0.08 * days, -0.56 + 0.12 * (days - 7))


def test_growth_that_slows_and_growth_that_comes_back_are_seen() -> None:
    bends = find_bends(readings(steady, gompertz, regrowth, seed=1))
    assert [bend.growth for bend in bends] == ["steady", "slowing", "quickening"]
    slowing = bends[1]
    assert slowing.rate == pytest.approx(2 * (1 - math.exp(-1.7)) / 17, abs=0.02)
    assert slowing.rate_last is not None
    # The parabola's end is steeper or flatter than the curve's by a few hundredths.
    assert slowing.rate_last == pytest.approx(0.2 * math.exp(-1.7), abs=0.03)
    assert (slowing.curvature or 0) < 0 < (bends[2].curvature or 0)


def test_the_test_is_a_t_test_of_the_animals_curvatures() -> None:
    data = readings(gompertz, seed=3, animals=6)
    (bend,) = find_bends(data)
    curves = [np.polyfit(DAYS, data.log_size[data.animal == n], 2)[0] for n in range(6)]
    # All animals have the same days and so the same weight.
    assert bend.p_value == pytest.approx(ttest_1samp(curves, 0).pvalue)
    assert bend.curvature == pytest.approx(2 * np.mean(curves))


def test_exponential_growth_is_seldom_said_to_bend() -> None:
    said = sum(
        bend.growth != "steady"
        for seed in range(40)
        for bend in find_bends(readings(steady, steady, seed=100 + seed, noise=0.15))
    )
    # 80 arms at 5 %: 4 expected at most, 10 or more in less than 1 %.
    assert said <= 9


def test_a_bend_too_small_to_see_is_left_unsaid() -> None:
    def hardly(days: np.ndarray) -> np.ndarray:
        return np.asarray(0.1 * days - 0.0002 * days**2)

    (bend,) = find_bends(readings(hardly, seed=2, noise=0.001))
    assert bend.p_value is not None
    assert bend.p_value < 0.001
    assert bend.growth == "steady"


def test_too_few_animals_or_days_tell_nothing() -> None:
    (bend,) = find_bends(readings(gompertz, seed=2, animals=2))
    assert (bend.growth, bend.p_value, bend.curvature) == ("steady", None, None)


def test_a_projection_is_flagged_with_the_rate_and_the_day_of_the_last_reading() -> None:
    data = readings(steady, gompertz, regrowth, seed=1, noise=0.02)
    plain = project_limit(fit_growth(data), 3000)
    flagged = flag_bends(data, plain, find_bends(data))
    for before, after in zip(plain, flagged, strict=True):
        if before.arm == "arm0":
            assert after == before
            assert after.growth == "steady"
            continue
        assert (after.day, after.lower, after.upper) == (before.day, before.lower, before.upper)
        assert after.rate_last is not None
        assert before.rate is not None
        if before.status == "ok":
            assert after.status == "flagged"
        if after.growth == "slowing":
            assert after.rate_last < before.rate
            assert "may be later" in after.reason
            assert before.day is not None
            assert after.day_at_last_rate is None or after.day_at_last_rate > before.day
        else:
            assert after.rate_last > before.rate
            assert "may be sooner" in after.reason
            assert after.last_volume is not None
            assert after.last_day is not None
            assert after.day_at_last_rate == pytest.approx(
                # From the last reading at the last rate; the parabola smooths the reading.
                after.last_day + math.log(3000 / after.last_volume) / after.rate_last,
                abs=4,
            )


def test_a_day_beyond_the_horizon_is_left_out() -> None:
    data = readings(regrowth, seed=1, noise=0.02)
    flagged = flag_bends(
        data, project_limit(fit_growth(data), 3000), find_bends(data), horizon=1.0
    )
    assert {found.day_at_last_rate for found in flagged} == {None}
    assert all(found.rate_last is not None for found in flagged)
