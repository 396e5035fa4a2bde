"""Fit plans, curves under regimens, the pooled fit of a simulated study, and its visual check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves, fit_data_from_growth
from oncovivo.mechanism.fit.plan import FitPlan, read_fit_plan
from oncovivo.mechanism.fit.pooled import fit_pooled
from oncovivo.mechanism.fit.population import fit_mechanism
from oncovivo.mechanism.vpc import visual_check
from oncovivo.mechanism.vpc_plot import plot_visual_check

SIMULATION = """
schema = "oncovivo.simulation/1"
title = "K-PD"
blocks = ["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]
parameters = ["mouse_20g"]
[time]
days = [0.0, 28.0]
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 5.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.1, unit = "1/day", status = "assumed" }
v0 = { value = 200.0, unit = "mm³", status = "assumed" }
[[arms]]
name = "vehicle"
[[arms]]
name = "high"
regimen = "drug 15 mg/kg p.o. q7d x3"
"""
PLAN = """
schema = "oncovivo.fit/1"
title = "K-PD"
simulation = "kpd.toml"
[arms]
control = "vehicle"
treated = "high"
[estimate.v0]
between_animal = true
[estimate.growth_rate]
start = 0.2
[estimate.growth_imax]
"""


@pytest.fixture
def plan(tmp_path: Path) -> FitPlan:
    return _plan(tmp_path, PLAN)


def _plan(folder: Path, text: str) -> FitPlan:
    (folder / "kpd.toml").write_text(SIMULATION, encoding="utf-8")
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return read_fit_plan(folder / "plan.toml")


def _study(plan: FitPlan) -> FitData:
    rng = np.random.default_rng(2)
    arm = ("control",) * 6 + ("treated",) * 6
    time = np.tile(np.arange(0.0, 28.0, 4.0), (12, 1))
    truth = np.array(
        [one.to_scale(value) for one, value in zip(plan.estimated, (200.0, 0.1, 0.8), strict=True)]
    )
    phi = np.tile(truth, (12, 1))
    phi[:, 0] += 0.1 * rng.normal(size=12)
    y = MechanismCurves(plan, arm, time)(phi) + 0.1 * rng.normal(size=time.shape)
    below = y < np.log(190.0)
    data = growth_data_from_arrays(
        arm=[name for name in arm for _ in range(7)],
        animal_id=[f"m{i}" for i in range(12) for _ in range(7)],
        time=time.ravel(),
        log_size=np.where(below, np.log(190.0), y).ravel(),
        below_limit=below.ravel(),
    )
    return fit_data_from_growth(data, plan)


def test_a_control_grows_by_its_law_and_doses_slow_the_other_arm(plan: FitPlan) -> None:
    time = np.tile([0.0, 7.0, 21.0], (2, 1))
    found = MechanismCurves(plan, ("control", "treated"), time)(np.tile(plan.start, (2, 1)))
    assert found[0] == pytest.approx(np.log(200.0) + 0.2 * time[0], abs=1e-4)
    assert (found[1, 1:] < found[0, 1:] - 0.1).all()


def test_one_animal_without_a_number_does_not_take_the_others_with_it(plan: FitPlan) -> None:
    curve = MechanismCurves(plan, ("control", "control"), np.tile([0.0, 20.0], (2, 1)))
    phi = np.tile(plan.start, (2, 1))
    phi[1, 1] = np.log(1e4)
    found = curve(phi)
    assert np.isfinite(found[0]).all()
    assert not np.isfinite(found[1, 1])


def test_the_pooled_fit_finds_the_numbers_behind_a_study_within_its_limits(plan: FitPlan) -> None:
    data = _study(plan)
    assert data.readings.below.any()
    arm = tuple(data.growth.arms[number] for number in data.growth.arm)
    curve = MechanismCurves(plan, arm, data.readings.time)
    fit = fit_pooled(plan, data, curve)
    assert fit.converged
    for place, truth in enumerate((200.0, 0.1, 0.8)):
        value, low, high = fit.value(place), fit.limit(place, "lower"), fit.limit(place, "upper")
        assert value is not None
        assert low is not None
        assert high is not None
        assert low < value < high
        assert abs(np.log(value / truth)) < 3 * max(np.log(high / low) / 4, 0.01)
    check = visual_check(
        plan,
        data,
        mean=fit.estimates,
        spread=np.array([0.1, 0.0, 0.0]),
        sigma=0.1,
        rng=np.random.default_rng(1),
        studies=40,
    )
    assert len(check.visits) == 14
    assert check.share_inside is not None
    assert check.share_inside > 0.7
    wrong = visual_check(
        plan,
        data,
        mean=fit.estimates + np.array([0.7, 0.0, 0.0]),
        spread=np.array([0.1, 0.0, 0.0]),
        sigma=0.1,
        rng=np.random.default_rng(1),
        studies=40,
    )
    assert wrong.share_inside is not None
    assert wrong.share_inside < 0.2
    assert len(plot_visual_check(check).axes) == 2


def test_a_population_fit_finds_the_numbers_and_is_the_same_for_one_seed(plan: FitPlan) -> None:
    data = _study(plan)
    short = SaemPlan(explore=20, settle=20, chains=2)
    fits = [
        fit_mechanism(plan, data, seed=3, saem=short, draws=128, limits=False) for _ in range(2)
    ]
    fit = fits[0]
    assert fit.converged
    assert fit.not_identified == ()
    for one, truth in zip(fit.parameters, (200.0, 0.1, 0.8), strict=True):
        assert one.estimate is not None
        assert one.standard_error is not None
        scale = next(known for known in plan.estimated if known.name == one.name)
        away = float(scale.to_scale(one.estimate) - scale.to_scale(truth))
        assert abs(away) < 3.5 * one.standard_error
    assert fit.sigma == pytest.approx(0.1, rel=0.3)
    assert np.array_equal(fits[1].run.mean, fit.run.mean)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('control = "vehicle"', 'control = "nobody"', "an arm of the simulation"),
        ("[estimate.v0]", "[estimate.v9]", "a parameter of the model"),
        ("start = 0.2", "start = -1.0", "a start between"),
        ('simulation = "kpd.toml"', 'simulation = "kpd.toml"\noutput = "weight"', "as output"),
    ],
)
def test_a_plan_that_does_not_fit_its_simulation_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        _plan(tmp_path, PLAN.replace(old, new))


def test_a_plan_with_an_unknown_key_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError):
        _plan(tmp_path, PLAN + "\nspread_of_all = 1\n")
