"""Power of studies with censored readings: fitted together as one by one."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.design.power_growth import GrowthDesign
from oncovivo.design.power_plan import PowerArm, PowerModel, PowerPlan
from oncovivo.design.power_readings import PowerReadings, draw_numbers, power_readings
from oncovivo.growth import many_censored

DAYS = (0.0, 3.0, 7.0, 10.0, 14.0)


def plan_of(model: PowerModel = "common", size_limit: float | None = None) -> PowerPlan:
    """Three arms of five, one that shrinks."""
    return PowerPlan(
        arms=tuple(
            PowerArm(name=f"arm {number}", animals=5, rate=rate)
            for number, rate in enumerate((0.12, 0.04, -0.06))
        ),
        days=DAYS,
        start_sd=0.3,
        rate_sd=0.03,
        reading_sd=0.15,
        model=model,
        limit=70.0,
        size_limit=size_limit,
        below_limit="censored",
        question="dunnett",
    )


def readings_of(plan: PowerPlan, count: int) -> PowerReadings:
    return power_readings(plan, draw_numbers(plan, count, rng=np.random.default_rng(3)))


@pytest.mark.parametrize(("model", "size_limit"), [("common", None), ("arm", 600.0)])
def test_studies_that_are_fitted_together_are_the_single_ones(
    monkeypatch: pytest.MonkeyPatch, model: PowerModel, size_limit: float | None
) -> None:
    plan = plan_of(model, size_limit)
    readings = readings_of(plan, 4)
    assert readings.below.any(axis=(1, 2)).all()
    design = GrowthDesign(plan)
    together = design.fit(readings)
    # No step is enough: each is left to the fit of one study.
    monkeypatch.setattr(many_censored, "_STEPS", 1)
    alone = design.fit(readings)
    assert (together.estimate != alone.estimate).any()
    assert np.abs((together.estimate - alone.estimate) / alone.std_error).max() < 1e-4
    np.testing.assert_allclose(together.std_error, alone.std_error, rtol=1e-4)
    # One-sided differences here, central ones there.
    np.testing.assert_allclose(together.df, alone.df, rtol=2e-3)
    assert together.lost.tolist() == alone.lost.tolist() == [False] * 4
    assert together.singular.tolist() == alone.singular.tolist()
    assert (design.rejects(together)[0] == design.rejects(alone)[0]).all()


def test_a_study_that_cannot_be_fitted_leaves_the_others_where_they_are() -> None:
    plan = plan_of()
    readings, design = readings_of(plan, 4), GrowthDesign(plan)
    known = design.fit(readings)
    readings.below[2, 10:, 1:] = True
    tests = design.fit(readings)
    assert tests.lost.tolist() == [False, False, True, False]
    assert np.isnan(tests.estimate[2]).all()
    others = [0, 1, 3]
    np.testing.assert_allclose(tests.estimate[others], known.estimate[others], rtol=1e-9)
    np.testing.assert_allclose(tests.df[others], known.df[others], rtol=1e-6)
    assert not design.rejects(tests)[0][2].any()


def test_studies_with_all_readings_measured_are_fitted_as_ever() -> None:
    plan = plan_of()
    readings, design = readings_of(plan, 4), GrowthDesign(plan)
    readings.below[1] = False
    mixed = design.fit(readings)
    alone = design.fit(readings.take(np.array([False, True, False, False])))
    np.testing.assert_allclose(mixed.estimate[1], alone.estimate[0], rtol=1e-9)
    assert mixed.clipped.tolist() == [True, bool(alone.clipped[0]), True, True]
