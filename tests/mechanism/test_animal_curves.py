"""Arms are compared on a day on which enough of them is there, and bounds are no medians."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.mechanism.animal_curves import animal_curves, arm_effects
from oncovivo.mechanism.fit.curves import FitData, fit_data_from_growth
from oncovivo.mechanism.fit.plan import FitPlan, read_fit_plan
from oncovivo.mechanism.held_numbers import held_numbers
from tests.cli.fit_files import PLAN, SIMULATION

# Arm, animal, day, volume; the limit is 100.
ROWS = (
    *(("vehicle", f"v{n}", day, 200.0 + day + n) for n in range(3) for day in (0, 6, 12)),
    ("vehicle", "v0", 18, 400.0),
    *(("high", f"h{n}", day, 150.0 + day + n) for n in range(3) for day in (0, 6, 12, 18)),
)


def plan_of(folder: Path, text: str = PLAN, simulation: str = SIMULATION) -> FitPlan:
    """A plan beside its simulation."""
    (folder / "doses.toml").write_text(simulation, encoding="utf-8")
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return read_fit_plan(folder / "plan.toml")


def data_of(plan: FitPlan, *, below: tuple[str, ...] = ()) -> FitData:
    """The readings; those of some animals on day 12 are below the limit."""
    low = [name in below and day == 12 for _, name, day, _ in ROWS]
    sizes = [100.0 if is_low else size for is_low, (*_, size) in zip(low, ROWS, strict=True)]
    growth = growth_data_from_arrays(
        arm=[row[0] for row in ROWS],
        animal_id=[row[1] for row in ROWS],
        time=np.array([row[2] for row in ROWS], dtype=float),
        log_size=np.log(sizes),
        below_limit=np.array(low),
    )
    return fit_data_from_growth(growth, plan)


def test_arms_are_compared_on_the_last_day_with_half_of_each(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    (effect,) = arm_effects(plan, data_of(plan), typical=plan.start)
    # One of three controls is there on day 18.
    assert effect.time_d == 12.0
    assert effect.observed_ratio == pytest.approx(163.0 / 213.0)
    assert effect.versus_mm3 == pytest.approx(150.0 * np.exp(0.06 * 12.0), rel=1e-3)
    assert effect.ratio is not None
    assert 0.5 < effect.ratio < 1.0


def test_a_median_below_the_limit_has_no_ratio(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    one = data_of(plan, below=("h0",))
    assert arm_effects(plan, one, typical=plan.start)[0].observed_ratio is not None
    two = data_of(plan, below=("h0", "h1"))
    assert arm_effects(plan, two, typical=plan.start)[0].observed_ratio is None


def test_without_the_control_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    text = SIMULATION + '[[arms]]\nname = "third"\n'
    plan = plan_of(tmp_path, PLAN.replace('= "vehicle"', '= "third"'), text)
    assert arm_effects(plan, data_of(plan), typical=plan.start) == ()


def test_an_animals_curve_ends_with_its_readings(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    data = data_of(plan)
    own = np.tile(plan.start, (6, 1))
    own[1, 0] += 0.5
    curves = {
        one.animal_id: one for one in animal_curves(plan, data, animals=own, typical=plan.start)
    }
    assert {name: one.days[-1] for name, one in curves.items()} == {
        "v0": 18.0, "v1": 12.0, "v2": 12.0, "h0": 18.0, "h1": 18.0, "h2": 18.0,
    }  # fmt: skip
    shifted = curves[data.growth.animal_ids[1]]
    # What is shared by all volumes is a factor: growth is exponential.
    assert np.asarray(shifted.own) / np.asarray(shifted.typical) == pytest.approx(
        np.exp(0.5), rel=1e-3
    )


def test_what_is_held_counts_by_its_weakest_arm(tmp_path: Path) -> None:
    own = '[arms.values.kde]\nvalue = 0.4\nunit = "1/day"\nstatus = "measured"\nsource = "S"\n'
    text = SIMULATION.replace("[study]", own + "[study]")
    held = held_numbers(plan_of(tmp_path, simulation=text))
    # The control still has the assumed one.
    assert sorted(held.assumed) == ["body_weight", "inhibition_ed50", "kde"]
    only = PLAN.replace('vehicle = "vehicle"\n', "")
    held = held_numbers(plan_of(tmp_path, only, text))
    assert sorted(held.assumed) == ["body_weight", "inhibition_ed50"]
    assert held.measured == ("kde",)
    assert (held.scaled, held.fitted) == ((), ())
