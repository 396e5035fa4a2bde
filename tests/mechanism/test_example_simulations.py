"""The simulations of the example: they run, say what they rest on, and show what is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oncovivo.mechanism.derived import growth_delay, relative_misfit
from oncovivo.mechanism.parameters import STATUSES
from oncovivo.mechanism.simulate import Comparison, SimulationResult, simulate
from oncovivo.mechanism.simulation_file import Simulation, read_simulation

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus" / "mechanism"
NAMES = (
    "mouse_exposure",
    "paclitaxel_a2780",
    "pathway_daily_vs_weekly",
    "pk_human",
    "renal_786o",
    "resistant_genotype",
)
DRAWS = 6


@cache
def read(name: str) -> Simulation:
    return read_simulation(FOLDER / f"{name}.toml")


def run(name: str, seed: int = 1, arms: slice = slice(None)) -> SimulationResult:
    simulation = read(name)
    fewer = replace(
        simulation,
        band=replace(simulation.band, draws=DRAWS),
        arms=simulation.arms[arms],
        control=simulation.arms[arms][0].name,
    )
    return simulate(fewer, rng=np.random.default_rng(seed), seed=seed, engine="adaptive")


@cache
def result(name: str) -> SimulationResult:
    return run(name)


def typical(name: str, arm: str, output: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """An output of the animal with the typical values, by day."""
    (found,) = [one for one in result(name).arms if one.arm == arm]
    return np.asarray(found.output(output).typical)


def on_day(name: str, arm: str, output: str, day: float) -> float:
    at = int(np.argmin(np.abs(np.asarray(result(name).days) - day)))
    return float(typical(name, arm, output)[at])


def compared(name: str, arm: str, output: str, day: float) -> Comparison:
    """The arm against the control of the file."""
    (row,) = [
        one
        for one in result(name).comparisons
        if (one.arm, one.output, one.time_d) == (arm, output, day)
    ]
    return row


def test_the_files_are_those_that_are_tested() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.toml"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_file_runs_and_gives_the_same_numbers_again(name: str) -> None:
    # Without the other arms, which have no part in it.
    assert run(name, arms=slice(1, 2)).arms == result(name).arms[1:2]
    days = len(result(name).days)
    for arm in result(name).arms:
        for curve in arm.outputs:
            assert {len(curve.median), len(curve.lower), len(curve.upper)} == {days}
            assert np.isfinite(curve.upper).all(), (arm.arm, curve.name)
            assert (np.asarray(curve.lower) <= np.asarray(curve.upper)).all()


@pytest.mark.parametrize("name", ["mouse_exposure", "pk_human"])
def test_another_seed_moves_the_limits_and_not_the_typical_animal(name: str) -> None:
    moved = 0
    for one, two in zip(result(name).arms, run(name, seed=2).arms, strict=True):
        for first, other in zip(one.outputs, two.outputs, strict=True):
            # A batch shares its steps, so that other draws move the last digits.
            np.testing.assert_allclose(first.typical, other.typical, rtol=1e-4, atol=1e-9)
            moved += first.upper != other.upper
    assert moved > 0


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("mouse_exposure", {"measured": 2, "scaled": 14, "fitted": 1, "assumed": 20}),
        ("paclitaxel_a2780", {"measured": 0, "scaled": 2, "fitted": 7, "assumed": 3}),
        ("pathway_daily_vs_weekly", {"measured": 3, "scaled": 15, "fitted": 2, "assumed": 20}),
        ("pk_human", {"measured": 0, "scaled": 0, "fitted": 11, "assumed": 1}),
        ("renal_786o", {"measured": 3, "scaled": 15, "fitted": 2, "assumed": 20}),
        ("resistant_genotype", {"measured": 3, "scaled": 15, "fitted": 2, "assumed": 20}),
    ],
)
def test_what_is_assumed_and_scaled_is_counted(name: str, counts: dict[str, int]) -> None:
    found = result(name)
    assert {status: found.count(status) for status in STATUSES} == counts
    assert sum(counts.values()) == len(read(name).model.parameter_names)


@pytest.mark.parametrize("name", NAMES)
def test_an_output_names_no_more_than_the_file_holds(name: str) -> None:
    found = result(name)
    for arm in found.arms:
        for curve in arm.outputs:
            assert len(curve.assumed) <= found.count("assumed")
            assert len(curve.scaled) <= found.count("scaled")
    for use in found.parameters:
        assert (use.source == "none") <= (use.status == "assumed"), use.name


@pytest.mark.parametrize(
    ("name", "output", "assumed", "scaled"),
    [
        ("pk_human", "temsirolimus_blood", 1, 0),
        ("mouse_exposure", "temsirolimus_blood", 1, 11),
        ("mouse_exposure", "mtorc1_occupancy", 4, 13),
        ("pathway_daily_vs_weekly", "phospho_s6", 10, 14),
        ("pathway_daily_vs_weekly", "tumor_volume", 16, 15),
        ("paclitaxel_a2780", "tumor_volume", 3, 2),
    ],
)
def test_an_output_counts_only_what_is_behind_it(
    name: str, output: str, assumed: int, scaled: int
) -> None:
    curve = result(name).arms[0].output(output)
    assert (len(curve.assumed), len(curve.scaled)) == (assumed, scaled)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_a_tumor_says_how_a_virtual_study_is_read(name: str) -> None:
    simulation = read(name)
    assert (simulation.study is not None) == ("tumor_volume" in simulation.outputs)
    assert simulation.note


@pytest.mark.parametrize("name", NAMES)
def test_only_what_has_no_published_spread_is_without_limits(name: str) -> None:
    codes = [warning.code for warning in result(name).warnings]
    assert codes == (["no_spread"] if name == "paclitaxel_a2780" else [])


@pytest.mark.parametrize(
    ("arm", "hours", "cmax", "percent"),
    [("infused in 30 min", 0.5, 879, 50), ("infused in 60 min", 1.0, 641, 10)],
)
def test_cmax_in_patients_is_off_by_what_the_note_says(
    arm: str, hours: float, cmax: int, percent: int
) -> None:
    blood = typical("pk_human", arm, "temsirolimus_blood")
    assert on_day("pk_human", arm, "temsirolimus_blood", hours / 24) == blood.max()
    assert round(blood.max()) == cmax
    assert relative_misfit(float(blood.max()), 585.0) == pytest.approx(percent / 100, abs=0.005)
    note = read("pk_human").note
    assert f"{cmax}" in note
    assert f"+{percent} %" in note


@pytest.mark.parametrize("arm", ["infused in 30 min", "infused in 60 min"])
def test_auc_in_patients_is_that_of_the_label(arm: str) -> None:
    hours = np.asarray(result("pk_human").days) * 24
    area = np.trapezoid(typical("pk_human", arm, "temsirolimus_blood"), hours)
    # Lines between half hours stand in for curves.
    assert area == pytest.approx(1627.0, rel=0.02)


def test_exposure_is_linear_and_the_target_saturates() -> None:
    doses = ("0.2 mg/kg", "2 mg/kg", "20 mg/kg")
    blood = [typical("mouse_exposure", dose, "temsirolimus_blood")[0] for dose in doses]
    np.testing.assert_allclose(blood, blood[0] * np.array([1, 10, 100]), rtol=1e-9)
    low, middle, high = (
        typical("mouse_exposure", dose, "mtorc1_occupancy").max() for dose in doses
    )
    assert low < 0.7 < middle < high
    assert high - middle < 0.02


@pytest.mark.parametrize("dose", ["2 mg/kg", "20 mg/kg"])
def test_s6k_inhibition_outlasts_exposure(dose: str) -> None:
    blood = typical("mouse_exposure", dose, "temsirolimus_blood")
    assert on_day("mouse_exposure", dose, "temsirolimus_blood", 1.0) < 1e-3 * blood[0]
    assert on_day("mouse_exposure", dose, "phospho_s6k", 1.0) < 0.4
    assert on_day("mouse_exposure", dose, "phospho_s6k", 3.0) < 0.75
    row = compared("mouse_exposure", dose, "phospho_s6k", 3.0)
    assert row.direction == "lower"
    assert row.upper < 1
    assert on_day("mouse_exposure", dose, "phospho_s6k", 14.0) > 0.99


@pytest.mark.parametrize("dose", ["0.2 mg/kg", "2 mg/kg", "20 mg/kg"])
def test_phospho_akt_rises_under_the_drug(dose: str) -> None:
    for day in (1.0, 3.0):
        assert compared("mouse_exposure", dose, "phospho_akt", day).direction == "higher"


def lost_growth(arm: str) -> float:
    """Log of control over treated volume on day 21, typical animal."""
    volume = [
        on_day("pathway_daily_vs_weekly", name, "tumor_volume", 21.0) for name in ("vehicle", arm)
    ]
    return math.log(volume[0] / volume[1])


def test_dose_above_saturation_adds_little_and_interval_much() -> None:
    assert 1.0 < lost_growth("20 mg/kg daily") / lost_growth("2 mg/kg daily") < 1.1
    assert 1.0 < lost_growth("40 mg/kg weekly") / lost_growth("14 mg/kg weekly") < 1.1
    # The same total dose.
    assert lost_growth("2 mg/kg daily") / lost_growth("14 mg/kg weekly") > 1.5
    # A third of it: 42 against 120 mg/kg.
    assert lost_growth("2 mg/kg daily") / lost_growth("40 mg/kg weekly") > 1.5


def test_weekly_doses_let_the_target_go_before_the_next() -> None:
    name = "pathway_daily_vs_weekly"
    for arm in ("14 mg/kg weekly", "40 mg/kg weekly"):
        assert on_day(name, arm, "mtorc1_occupancy", 15.0) > 0.8
        assert on_day(name, arm, "mtorc1_occupancy", 21.0) < 0.25
    assert (typical(name, "2 mg/kg daily", "mtorc1_occupancy")[4:] > 0.75).all()


@pytest.mark.parametrize(
    "arm", ["2 mg/kg daily", "20 mg/kg daily", "14 mg/kg weekly", "40 mg/kg weekly"]
)
def test_every_schedule_slows_growth_and_none_stops_it(arm: str) -> None:
    row = compared("pathway_daily_vs_weekly", arm, "tumor_volume", 21.0)
    assert row.direction == "lower"
    volume = typical("pathway_daily_vs_weekly", arm, "tumor_volume")
    assert (np.diff(volume) > 0).all()


def test_an_akt_inhibitor_undoes_the_rise_of_phospho_akt_and_adds_to_the_drug() -> None:
    drug, partner, both = "temsirolimus", "AKT inhibitor", "temsirolimus + AKT inhibitor"
    level = {arm: on_day("renal_786o", arm, "phospho_akt", 21.0) for arm in (drug, partner, both)}
    assert level[drug] > 1.1
    assert 0.5 < level[partner] < level[both] < 1.0
    volume = [on_day("renal_786o", arm, "tumor_volume", 21.0) for arm in (both, drug, partner)]
    assert volume == sorted(volume)


@pytest.mark.parametrize("output", ["hif_level", "vegf_level", "cyclin_d1_level", "phospho_s6"])
def test_what_follows_from_mtorc1_falls_in_every_treated_arm(output: str) -> None:
    for arm in ("temsirolimus", "AKT inhibitor", "temsirolimus + AKT inhibitor"):
        assert compared("renal_786o", arm, output, 21.0).direction == "lower", arm


def test_phospho_s6_falls_in_a_resistant_genotype_without_an_effect_on_volume() -> None:
    name = "resistant_genotype"
    engaged = compared(name, "uncoupled", "phospho_s6", 21.0)
    assert engaged.direction == "lower"
    assert on_day(name, "uncoupled", "phospho_s6", 21.0) < 0.5
    volume = compared(name, "uncoupled", "tumor_volume", 21.0)
    assert volume.ratio == pytest.approx(1.0, abs=1e-4)
    assert compared(name, "wild type", "tumor_volume", 21.0).direction == "lower"


def test_phospho_s6_and_growth_fall_with_active_pi3k() -> None:
    for output in ("phospho_s6", "cyclin_d1_level", "tumor_volume"):
        row = compared("resistant_genotype", "PI3K active", output, 21.0)
        assert row.direction == "lower", output
    less = [
        on_day("resistant_genotype", arm, "phospho_s6", 21.0)
        for arm in ("wild type", "PI3K active")
    ]
    assert less[0] < less[1] < 0.5


@pytest.mark.parametrize("arm", ["uncoupled, untreated", "PI3K active, untreated"])
def test_untreated_tumors_of_all_genotypes_are_alike(arm: str) -> None:
    for output in ("phospho_s6", "phospho_akt", "cyclin_d1_level", "tumor_volume"):
        row = compared("resistant_genotype", arm, output, 21.0)
        assert row.ratio == pytest.approx(1.0, abs=1e-4), output


def days_to(volume: float, curve: Sequence[float], days: Sequence[float]) -> float:
    """Day at which a rising curve reaches a volume, between its days on the log scale."""
    logs = np.log(np.asarray(curve))
    lowest = int(np.argmin(logs))
    return float(np.interp(math.log(volume), logs[lowest:], np.asarray(days)[lowest:]))


def test_growth_delay_of_paclitaxel_is_its_closed_form() -> None:
    name = "paclitaxel_a2780"
    days = result(name).days
    control, treated = (
        days_to(1000.0, typical(name, arm, "tumor_volume").tolist(), days)
        for arm in ("vehicle", "paclitaxel")
    )
    numbers = {use.name: use.value for use in result(name).parameters}
    # ng/mL times days of 30 mg/kg.
    area = 30e3 / (numbers["v1"] * numbers["k10"] * 24.0)
    closed = growth_delay(numbers["k2"], area, numbers["lambda0"])
    assert closed == pytest.approx(4.09631, abs=5e-6)
    assert f"{closed:.5f}" in read(name).note
    # A few damaged cells are left, and the readings lie three hours apart.
    assert treated - control == pytest.approx(closed, abs=0.005)
