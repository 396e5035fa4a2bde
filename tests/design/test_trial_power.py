"""Power of a mouse clinical trial: closed form, simulation, what a plan may say."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from oncovivo.design.trial_plan import TrialPlan, read_trial_plan
from oncovivo.design.trial_power import advice, simulate_trial_power, trial_power
from oncovivo.errors import FileFormatError, InputError

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol" / "trial.toml"
PLAN = TrialPlan(
    effect=-0.02,
    effect_sd=0.02,
    animal_sd=0.01,
    reading_sd=0.15,
    days=(0, 7, 14, 21),
    lines=(6, 12),
    animals=(1, 4),
    marker_share=0.5,
    marker_difference=-0.03,
)


def test_the_variance_of_an_effect_is_the_sum_of_its_sources() -> None:
    # Squared days of 0, 7, 14, 21 about 10.5: 245.
    for cell in trial_power(PLAN):
        within = 2 * (0.01**2 + 0.15**2 / 245) / cell.animals
        variance = (0.02**2 + within) / cell.lines
        assert cell.std_error == pytest.approx(math.sqrt(variance), rel=1e-12)
        assert cell.share_among_lines == pytest.approx(0.02**2 / (0.02**2 + within))
        assert cell.total_animals == 2 * cell.lines * cell.animals
        t = stats.nct(cell.lines - 1, 0.02 / cell.std_error)
        bar = stats.t.ppf(0.975, cell.lines - 1)
        assert cell.power == pytest.approx(t.sf(bar) + t.cdf(-bar), rel=1e-6)


def test_the_smallest_effect_has_the_power_asked_for() -> None:
    for place, cell in enumerate(trial_power(PLAN)):
        again = trial_power(replace(PLAN, effect=cell.smallest_effect))[place]
        assert again.power == pytest.approx(0.8, abs=1e-6)
        difference = cell.smallest_marker_difference
        assert difference is not None
        marked = trial_power(replace(PLAN, marker_difference=difference))[place]
        assert marked.marker_power == pytest.approx(0.8, abs=1e-6)


def test_power_without_an_effect_is_the_level_of_the_test() -> None:
    for cell in trial_power(replace(PLAN, effect=0.0, marker_difference=0.0)):
        assert cell.power == pytest.approx(0.05, abs=1e-9)
        assert cell.marker_power == pytest.approx(0.05, abs=1e-9)
    assert trial_power(replace(PLAN, effect=-10.0))[0].power == 1.0


def test_a_marker_needs_twice_the_error() -> None:
    cell = trial_power(replace(PLAN, marker_difference=PLAN.effect))[2]
    t = stats.nct(10, 0.02 / (2 * cell.std_error))
    bar = stats.t.ppf(0.975, 10)
    assert cell.marker_power == pytest.approx(t.sf(bar) + t.cdf(-bar), rel=1e-6)


def test_twice_the_lines_beat_twice_the_animals() -> None:
    one, more, lines = trial_power(
        replace(PLAN, lines=(8, 16), animals=(1, 2), marker_share=None, marker_difference=None)
    )[:3]
    assert more.total_animals == lines.total_animals == 2 * one.total_animals
    assert lines.power > more.power > one.power
    assert one.marker_power is None


def test_simulated_trials_agree_with_the_closed_form() -> None:
    plan = replace(PLAN, lines=(10,), animals=(1,), effect=-0.025)
    cell = trial_power(plan)[0]
    found = simulate_trial_power(
        plan, lines=10, animals=1, replicates=150, rng=np.random.default_rng(4)
    )
    # Three Monte Carlo standard errors; larger sets are in validation/panels.
    assert found.power == pytest.approx(cell.power, abs=3 * found.power_error)
    assert found.type_one == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 150))
    assert found.mean_std_error == pytest.approx(cell.std_error, rel=0.08)
    again = simulate_trial_power(
        plan, lines=10, animals=1, replicates=5, rng=np.random.default_rng(4)
    )
    assert again == simulate_trial_power(
        plan, lines=10, animals=1, replicates=5, rng=np.random.default_rng(4)
    )
    with pytest.raises(InputError, match="at least 2 replicates"):
        simulate_trial_power(plan, lines=10, animals=1, replicates=1, rng=np.random.default_rng(4))


def test_kept_simulations_agree_with_the_closed_form_and_are_what_the_page_shows() -> None:
    root = Path(__file__).parents[2]
    kept = json.loads((root / "validation" / "panels" / "trial.json").read_text(encoding="utf-8"))
    page = (root / "docs" / "background" / "mouse_trials.md").read_text(encoding="utf-8")
    plan = TypeAdapter(TrialPlan).validate_json(json.dumps(kept["plan"]))
    for cell, own in zip(kept["cells"], trial_power(plan), strict=True):
        assert cell["closed_form"] == pytest.approx(asdict(own))
        simulated = cell["simulated"]
        # Three Monte Carlo standard errors, for each of twelve numbers.
        assert simulated["power"] == pytest.approx(own.power, abs=3 * simulated["power_error"])
        assert simulated["type_one"] == pytest.approx(0.05, abs=3 * 0.0109)
        assert simulated["mean_std_error"] == pytest.approx(own.std_error, rel=0.03)
        shown = f"| {own.lines} | {own.animals} | {own.power:.1%} | {simulated['power']:.1%} ±"
        assert shown in page


def test_advice_names_the_fewest_animals_that_are_enough() -> None:
    plan = read_trial_plan(EXAMPLE)
    cells = trial_power(plan)
    enough = [cell for cell in cells if cell.power >= 0.8]
    fewest = min(cell.total_animals for cell in enough)
    assert f"{fewest} in all" in advice(cells, plan)
    assert "spend animals on lines first" in advice(cells, plan)
    none = replace(plan, effect=-0.0001)
    assert "No size looked at has a power of 80%" in advice(trial_power(none), none)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": math.nan}, "a finite effect"),
        ({"effect_sd": -0.1}, "effect_sd: expected a standard deviation of 0 or more"),
        ({"reading_sd": 0.0}, "reading_sd: expected a standard deviation above 0"),
        ({"days": (0, 7)}, "at least three days"),
        ({"days": (0, 7, 7)}, "at least three days"),
        ({"days": (1, 7, 14)}, "at least three days"),
        ({"lines": (2,)}, "lines: expected numbers of 3 or more"),
        ({"lines": ()}, "lines: expected numbers of 3 or more"),
        ({"animals": (0,)}, "animals: expected numbers of 1 or more"),
        ({"level": 1.0}, "a level between 0 and 1"),
        ({"power": 0.0}, "a power between 0 and 1"),
        ({"marker_share": None}, "marker_share and marker_difference together"),
        ({"marker_share": 0.1}, "two of 6 lines"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(PLAN, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("effect = ", "a TOML file in UTF-8"),
        ("effects = 1", "keys among effect"),
        ("effect = 1", "a value for effect_sd"),
        ('effect = "fast"', "a number, found 'fast'"),
        ("lines = [6.5]", "a whole number, found 6.5"),
    ],
)
def test_files_that_are_no_plan_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    kept = EXAMPLE.read_text(encoding="utf-8").splitlines()
    name = text.split(" ")[0]
    whole = "\n".join([text, *(line for line in kept if not line.startswith(name + " "))])
    path.write_text("effect = 1" if "effect_sd" in message else whole, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_trial_plan(path)
