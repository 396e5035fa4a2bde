"""Mechanism models of published studies: what was found is found again, and said as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.fit import fit_mechanism, fit_pooled, read_fit_plan
from oncovivo.mechanism.fit.curves import MechanismCurves
from oncovivo.mechanism.simulate import simulate
from validation.mechanism import real_data

PAGE = real_data.ROOT / "docs" / "validation" / "mechanism_real_data.md"
MAIN = {fit.study: fit for fit in reversed(real_data.FITS)}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The committed fits."""
    return real_data.read_rows()


def row(rows: list[dict[str, Any]], study: str, law: str, effect: str) -> dict[str, Any]:
    (found,) = [
        one for one in rows if (one["study"], one["law"], one["effect"]) == (study, law, effect)
    ]
    return found


def value(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [one for one in found["parameters"] if one["name"] == name]
    return dict(one)


def test_every_fit_was_made_and_nothing_else(rows: list[dict[str, Any]]) -> None:
    made = [(one["study"], one["law"], one["effect"]) for one in rows]
    assert made == [(fit.study, fit.law, fit.effect) for fit in real_data.FITS]


def test_what_the_page_says_of_laws_effects_and_potency(rows: list[dict[str, Any]]) -> None:
    held = {one["law"]: one["aic"] for one in rows if one["effect"] == "slowed, kde held"}
    assert min(held, key=lambda law: held[law]) == "logistic"
    assert held["exponential"] - held["logistic"] > 55
    assert held["gompertz"] - held["logistic"] > 10
    none = row(rows, "gdc0084", "logistic", "none")
    assert none["aic"] - row(rows, "gdc0084", "logistic", "slowed")["aic"] > 50
    asked = row(rows, "gdc0084", "logistic", "slowed, potency estimated")
    assert asked["not_identified"] == ["inhibition_ed50"]
    assert value(asked, "inhibition_ed50")["estimate"] is None
    staged = row(rows, "temozolomide", "logistic", "kill, saturating, in stages")
    for other, behind in (
        ("kill, proportional, in stages", 15),
        ("kill, saturating, at once", 80),
    ):
        assert row(rows, "temozolomide", "logistic", other)["aic"] - staged["aic"] > behind
    whole = row(rows, "temozolomide", "logistic", "kill, saturating, in stages, all estimated")
    assert whole["not_identified"] == ["kde", "kill_max"]
    for fit in (row(rows, study, MAIN[study].law, MAIN[study].effect) for study in MAIN):
        assert fit["converged"]
        assert fit["not_identified"] == []


def test_which_bands_hold_and_which_do_not(rows: list[dict[str, Any]]) -> None:
    gdc0084 = row(rows, "gdc0084", "logistic", "slowed")
    assert real_data.share_inside(gdc0084) > 90
    assert real_data.share_inside(gdc0084, "gdc0084_00_temo_00") == 100
    panel = row(rows, "everolimus_panel", "exponential", "kill, lines alike")
    assert real_data.share_inside(panel, "everolimus") > 90
    assert real_data.share_inside(panel, "untreated") < 60


@pytest.mark.parametrize("study", real_data.WINDOW_D)
def test_the_page_has_the_committed_numbers(rows: list[dict[str, Any]], study: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "\n".join(real_data.table(study, rows)) in page


@pytest.mark.parametrize("study", real_data.WINDOW_D)
def test_the_plan_of_the_example_is_the_main_fit(study: str) -> None:
    example = read_fit_plan(real_data.PLANS / f"{study}_fit.toml")
    made = real_data.plan_of(MAIN[study])
    assert sorted(one.name for one in example.estimated) == sorted(
        one.name for one in made.estimated
    )
    assert {one.name for one in example.estimated if one.between_animal} == {
        one.name for one in made.estimated if one.between_animal
    }
    assert example.arms == made.arms
    assert example.leaves_at_mm3 == made.leaves_at_mm3
    assert example.simulation.model.state_names == made.simulation.model.state_names


@pytest.mark.parametrize("study", real_data.WINDOW_D)
def test_the_simulation_of_the_example_runs_and_rests_on_assumed_numbers(study: str) -> None:
    simulation = read_fit_plan(real_data.PLANS / f"{study}_fit.toml").simulation
    found = simulate(simulation, rng=np.random.default_rng(1), seed=1, engine="adaptive")
    for arm in found.arms:
        assert np.isfinite(arm.output("tumor_volume").typical).all()
    treated = [arm for arm in found.arms if arm.arm not in {"control", "untreated"}]
    (control,) = [arm for arm in found.arms if arm.arm in {"control", "untreated"}]
    for arm in treated:
        own, other = arm.output("tumor_volume").typical, control.output("tumor_volume").typical
        assert own[len(own) // 3] < 0.9 * other[len(own) // 3]


def test_readings_of_one_visit_stand_on_the_mean_day_of_their_window() -> None:
    data = growth_data_from_arrays(
        arm=["a"] * 7 + ["b"],
        animal_id=["m1", "m1", "m1", "m2", "m2", "m2", "m2", "m3"],
        time=np.array([0.0, 6.0, 8.0, 0.0, 7.0, 7.5, 8.0, 6.0]),
        log_size=np.arange(8.0) + 3.0,
    )
    found = real_data.by_visit(data, 1.0)
    # Windows of arm a: 0; 6 to 7; 7.5 to 8, in which m2 was read twice. Arm b has its own.
    by_animal = {
        name: found.time[found.animal == place].tolist()
        for place, name in enumerate(found.animal_ids)
    }
    late = (8.0 + 7.5) / 2
    assert by_animal["m1"] == pytest.approx([0.0, 6.5, late])
    assert by_animal["m2"] == pytest.approx([0.0, 6.5, late])
    assert by_animal["m3"] == pytest.approx([6.0])
    assert found.log_size.tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0]


@pytest.mark.realdata
def test_the_population_fit_of_gdc0084_is_found_again(
    rows: list[dict[str, Any]], shared_data: Callable[[str], Path]
) -> None:
    committed = row(rows, "gdc0084", "logistic", "slowed")
    plan = real_data.plan_of(MAIN["gdc0084"])
    data = real_data.data_of(MAIN["gdc0084"], plan, shared_data("."))
    assert (data.growth.n_animals, data.growth.n_observations) == (
        committed["animals"],
        committed["readings"],
    )
    fit = fit_mechanism(
        plan,
        data,
        seed=5,
        engine=real_data.ENGINE,
        saem=SaemPlan(explore=30, settle=30, chains=2),
        draws=256,
        limits=False,
    )
    assert fit.converged
    # Other draws: Monte Carlo error of the likelihood, and a search that ends within 0.1.
    assert fit.log_likelihood == pytest.approx(committed["log_likelihood"], abs=0.5)
    for one in fit.parameters:
        scale = next(known for known in plan.estimated if known.name == one.name)
        before = float(scale.to_scale(value(committed, one.name)["estimate"]))
        assert one.estimate is not None
        assert one.standard_error is not None
        assert abs(float(scale.to_scale(one.estimate)) - before) < 0.3 * one.standard_error


@pytest.mark.realdata
@pytest.mark.parametrize("study", ["gdc0084", "temozolomide"])
def test_a_pooled_fit_of_the_same_readings_has_a_larger_error(
    rows: list[dict[str, Any]], shared_data: Callable[[str], Path], study: str
) -> None:
    committed = row(rows, study, MAIN[study].law, MAIN[study].effect)
    plan = real_data.plan_of(MAIN[study])
    data = real_data.data_of(MAIN[study], plan, shared_data("."))
    assert int(data.growth.below_limit.sum()) == committed["below_limit"]
    arm = tuple(data.growth.arms[number] for number in data.growth.arm)
    curve = MechanismCurves(plan, arm, data.readings.time, engine=real_data.ENGINE)
    pooled = fit_pooled(plan, data, curve, limits=False)
    assert pooled.converged
    # What animals have of their own is error there.
    assert pooled.sigma > 1.5 * committed["sigma"]
    assert pooled.log_likelihood < committed["log_likelihood"] - 20
    place = [one.name for one in plan.estimated].index("v0")
    start = pooled.value(place)
    assert start is not None
    assert abs(np.log(start / value(committed, "v0")["estimate"])) < 0.3
