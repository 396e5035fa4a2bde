"""Fits from a plan and a study file: estimates, what is not determined, figures, simulations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oncovivo.analyses.mechanism_fit import FitOptions, run_fit_file
from oncovivo.analyses.mechanism_fit_files import write_fit_figures, write_simulation
from oncovivo.analyses.mechanism_fit_result import FileFit
from oncovivo.analyses.simulation import run_simulation_file
from oncovivo.errors import InputError
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.parameters import ResolvedParameters
from oncovivo.mechanism.population import draw_parameters
from oncovivo.mechanism.simulation_file import read_simulation
from tests.cli.fit_files import PLAN, SIMULATION, TOO_MUCH, TRUTH, FitFiles, write_fit_files

POOLED = FitOptions(estimator="pooled", studies=0)
QUICK = replace(POOLED, limits=False)
SHORT = FitOptions(
    limits=False, studies=20, saem=SaemPlan(explore=20, settle=20, chains=2), draws=128
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> FitFiles:
    return write_fit_files(tmp_path_factory.mktemp("fit"))


@pytest.fixture(scope="module")
def population(files: FitFiles) -> FileFit:
    return run_fit_file(files.plan, files.study, options=SHORT)


@pytest.fixture(scope="module")
def pooled(files: FitFiles) -> FileFit:
    return run_fit_file(files.plan, files.study, options=replace(POOLED, studies=20))


@pytest.fixture(scope="module")
def too_much(files: FitFiles) -> FileFit:
    return run_fit_file(files.write_plan(TOO_MUCH), files.study, options=POOLED)


@pytest.fixture(scope="module")
def single(files: FitFiles) -> FileFit:
    text = PLAN.split("[estimate.growth_imax]")[0] + "\n"
    return run_fit_file(
        files.write_plan(text, "single.toml"), files.study, options=FitOptions(estimator="animals")
    )


def test_a_population_fit_holds_the_numbers_of_the_study_within_its_limits(
    population: FileFit,
) -> None:
    assert population.sound
    for row in population.rows:
        assert row.lower is not None
        assert row.upper is not None
        assert row.lower < TRUTH[row.name] < row.upper
    v0 = population.rows[0]
    assert v0.between_animal
    assert v0.spread is not None
    assert v0.spread_error is not None
    # Ten animals drawn with a CV of 0.1.
    assert abs(v0.spread - 0.1) < 3 * v0.spread_error
    assert population.rows[1].spread is None
    # An animal has a number of its own where animals differ.
    assert {row.name for row in population.animals} == {"v0"}
    assert len(population.animals) == 10
    assert sorted(population.held.assumed) == ["body_weight", "inhibition_ed50", "kde"]
    assert population.held.scaled == ()


def test_the_likelihood_is_counted_for_its_criteria(
    population: FileFit, pooled: FileFit, single: FileFit
) -> None:
    # Three typical values, one spread, one error; ten animals.
    value = population.log_likelihood
    assert value is not None
    assert population.n_estimated == 5
    assert population.aic == pytest.approx(10 - 2 * value)
    assert population.bic == pytest.approx(5 * math.log(10) - 2 * value)
    readings = pooled.data.growth.n_observations
    assert pooled.log_likelihood is not None
    assert pooled.bic == pytest.approx(4 * math.log(readings) - 2 * pooled.log_likelihood)
    assert single.n_estimated == 10 * 3
    assert single.aic is None
    assert single.bic is None


def test_the_pooled_fit_says_that_it_is_naive(pooled: FileFit) -> None:
    assert pooled.sound
    assert [note.code for note in pooled.warnings] == ["naive"]
    for row in pooled.rows:
        assert (row.estimate, row.lower, row.upper) == (
            row.pooled,
            row.pooled_lower,
            row.pooled_upper,
        )
        assert row.spread is None
    assert pooled.animals == ()


def test_what_is_not_determined_is_named_and_has_no_value(too_much: FileFit) -> None:
    assert not too_much.sound
    assert too_much.converged
    assert too_much.not_identified == ("growth_imax", "inhibition_ed50")
    for row in too_much.rows[2:]:
        assert (row.estimate, row.lower, row.upper, row.standard_error) == (None,) * 4
    (note,) = [note for note in too_much.warnings if note.code == "not_identified"]
    assert "growth_imax, inhibition_ed50" in note.message
    assert too_much.rows[0].estimate is not None


def test_a_population_fit_whose_pooled_likelihood_stays_level_is_not_sound(
    tmp_path: Path,
) -> None:
    # Animals that differ much are noise to the pooled fit, and it cannot bound the effect.
    text = SIMULATION.replace("between_animal_cv = 0.1", "between_animal_cv = 0.6")
    files = write_fit_files(tmp_path, simulation=text)
    found = run_fit_file(files.plan, files.study, options=replace(SHORT, limits=True, studies=0))
    assert found.converged
    assert found.not_identified == ()
    assert [row.name for row in found.rows if row.open_profile] == ["growth_imax"]
    assert not found.sound
    (note,) = found.warnings
    assert note.code == "open_profile"
    assert "growth_imax" in note.message


def test_without_profiles_nothing_is_said_of_them(population: FileFit) -> None:
    assert population.pooled.limits is None
    assert all(row.pooled is not None and row.pooled_lower is None for row in population.rows)
    assert not any(row.open_profile for row in population.rows)
    assert population.warnings == ()


def test_single_animals_are_counted_where_their_readings_determine_a_number(
    single: FileFit,
) -> None:
    assert single.check is None
    assert single.sigma is None
    assert single.effects == ()
    for row in single.rows:
        own = [one.estimate for one in single.animals if one.name == row.name]
        known = [value for value in own if value is not None]
        assert row.determined_in == len(known)
        # Both are on the log scale: the mean is the geometric one.
        assert row.estimate == pytest.approx(math.exp(np.log(known).mean()))
        assert row.spread == pytest.approx(np.log(known).std(ddof=1))
    for one in single.animals:
        if one.estimate is not None:
            assert one.lower is not None
            assert one.upper is not None
            assert one.lower < one.estimate < one.upper
    assert list(single.to_frame().columns[:3]) == ["animal_id", "arm", "name"]


def test_typical_tumors_are_compared_with_the_controls_on_a_common_day(pooled: FileFit) -> None:
    (effect,) = pooled.effects
    assert (effect.arm, effect.versus, effect.time_d) == ("high", "vehicle", 18.0)
    v0, rate = (row.estimate for row in pooled.rows[:2])
    assert v0 is not None
    assert rate is not None
    # The control grows exponentially; equations are solved to 1e-5 of the logarithm.
    assert effect.versus_mm3 == pytest.approx(v0 * math.exp(rate * 18.0), rel=1e-3)
    assert effect.typical_mm3 is not None
    assert effect.versus_mm3 is not None
    assert effect.ratio == pytest.approx(effect.typical_mm3 / effect.versus_mm3)
    growth = pooled.data.growth
    medians = [
        float(np.median(np.exp(growth.log_size[(arm == number) & (growth.time == 18.0)])))
        for number in range(2)
        for arm in [growth.arm[growth.animal]]
    ]
    assert effect.observed_ratio == pytest.approx(medians[1] / medians[0])


def test_curves_of_animals_begin_at_their_own_volume(population: FileFit) -> None:
    own = {row.animal_id: row.estimate for row in population.animals}
    typical = population.rows[0].estimate
    for curve in population.curves:
        assert curve.own[0] == pytest.approx(own[curve.animal_id], rel=1e-6)
        assert curve.typical[0] == pytest.approx(typical, rel=1e-6)
        assert curve.days[-1] <= curve.time_d[-1] + 1e-9
    below = sum(sum(curve.below_limit) for curve in population.curves)
    assert below == population.data.growth.below_limit.sum() > 0


def test_the_same_seed_gives_the_same_object_and_another_moves_the_check(
    files: FitFiles,
) -> None:
    options = replace(QUICK, studies=20)

    def made(seed: int | None) -> dict[str, object]:
        found = run_fit_file(files.plan, files.study, options=replace(options, seed=seed))
        return json.loads(json.dumps(found.to_dict(), allow_nan=False))  # type: ignore[no-any-return]

    first, second, other = made(None), made(None), made(3)
    assert first == second
    assert other["seed"] == 3
    assert other["parameters"] == first["parameters"]
    assert other["predictive_check"] != first["predictive_check"]


def test_a_check_counts_who_is_read_and_who_is_below_the_limit(pooled: FileFit) -> None:
    check = pooled.check
    assert check is not None
    assert check.animals == (("vehicle", 5), ("high", 5))
    growth = pooled.data.growth
    assert sum(visit.animals for visit in check.visits) == growth.n_observations
    assert sum(visit.below_limit for visit in check.visits) == growth.below_limit.sum()
    for visit in check.visits:
        assert len(visit.readings) == visit.animals - visit.below_limit
        assert list(visit.readings) == sorted(visit.readings)
        assert all(value >= check.limit_mm3 for value in visit.readings)


def test_figures_are_the_check_the_animals_and_the_search(
    population: FileFit, single: FileFit, tmp_path: Path
) -> None:
    names = [path.name for path in write_fit_figures(population, tmp_path / "fit.svg")]
    assert names == ["fit.svg", "fit-animals.svg", "fit-search.svg"]
    for name in names:
        assert "Fit: Doses alone [fitted]" in (tmp_path / name).read_text(encoding="utf-8")
    alone = write_fit_figures(single, tmp_path / "single.png")
    assert [path.name for path in alone] == ["single.png"]
    assert alone[0].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="svg or"):
        write_fit_figures(single, tmp_path / "fit.doc")


def _numbers(path: Path) -> ResolvedParameters:
    return read_simulation(path).arms[1].parameters


def test_a_saved_simulation_has_the_fitted_numbers_and_runs(
    files: FitFiles, population: FileFit, tmp_path: Path
) -> None:
    out = tmp_path / "other place" / "fitted.toml"
    assert write_simulation(population, files.plan, out) == tuple(TRUTH)
    numbers = _numbers(out)
    for row in population.rows:
        entry = numbers[row.name]
        assert entry.value == pytest.approx(row.estimate, rel=1e-12)
        assert entry.status == "fitted"
        assert entry.source.startswith("SIMULATED study doses-1")
    assert numbers["kde"].status == "assumed"
    study = read_simulation(out).study
    assert study is not None
    assert population.sigma is not None
    assert math.log1p(study.caliper_cv**2) == pytest.approx(population.sigma**2)
    assert read_simulation(out).arms[1].regimen_text == "drug 15 mg/kg p.o. q3d x6"
    volume = run_simulation_file(out).result.arms[0].outputs[0].typical
    v0, rate = (row.estimate for row in population.rows[:2])
    assert v0 is not None
    assert rate is not None
    assert volume[-1] == pytest.approx(v0 * math.exp(18 * rate), rel=1e-3)


def test_simulations_draw_saved_numbers_with_the_spread_and_error_of_the_fit(
    files: FitFiles, population: FileFit, tmp_path: Path
) -> None:
    out = tmp_path / "fitted.toml"
    write_simulation(population, files.plan, out)
    numbers = _numbers(out)
    names = [entry.name for entry in numbers]
    one, none = np.ones((1, len(names))), np.zeros((1, len(names)))
    moved = draw_parameters(numbers, one, none, kind="uncertainty")[0]
    apart = draw_parameters(numbers, none, one, kind="between_animal")[0]
    for row, scale in zip(population.rows, population.plan.estimated, strict=True):
        place = names.index(row.name)
        assert row.estimate is not None
        assert row.standard_error is not None
        at = float(scale.to_scale(row.estimate))
        expected = float(scale.natural(at + row.standard_error))
        assert moved[place] == pytest.approx(expected, rel=1e-9)
        expected = float(scale.natural(at + (row.spread or 0.0)))
        assert apart[place] == pytest.approx(expected, rel=1e-9)


def test_a_number_that_is_not_determined_keeps_what_it_was(
    files: FitFiles, too_much: FileFit, tmp_path: Path
) -> None:
    out = tmp_path / "fitted.toml"
    assert write_simulation(too_much, files.folder / "other.toml", out) == ("v0", "growth_rate")
    numbers = _numbers(out)
    assert (numbers["growth_imax"].value, numbers["growth_imax"].status) == (0.8, "assumed")
    assert "kept as they were: growth_imax, inhibition_ed50" in read_simulation(out).note
    # Errors of a pooled fit are too small to be carried on.
    assert numbers["v0"].uncertainty_cv is None


def _same_plan(files: FitFiles, folder: Path) -> Path:
    return files.plan


def _same_simulation(files: FitFiles, folder: Path) -> Path:
    return files.simulation


def _no_toml(files: FitFiles, folder: Path) -> Path:
    return folder / "fitted.txt"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (_same_plan, "another file than the plan"),
        (_same_simulation, "another file than the simulation"),
        (_no_toml, r"ending in \.toml"),
    ],
)
def test_a_saved_simulation_does_not_take_the_place_of_what_it_is_made_of(
    files: FitFiles,
    pooled: FileFit,
    tmp_path: Path,
    place: Callable[[FitFiles, Path], Path],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        write_simulation(pooled, files.plan, place(files, tmp_path))
    assert files.simulation.read_text(encoding="utf-8") == SIMULATION


def test_numbers_of_a_search_that_did_not_converge_are_not_saved(
    files: FitFiles, pooled: FileFit, single: FileFit, tmp_path: Path
) -> None:
    lost = replace(pooled, converged=False)
    assert not lost.sound
    with pytest.raises(InputError, match="a fit that converged"):
        write_simulation(lost, files.plan, tmp_path / "fitted.toml")
    with pytest.raises(InputError, match="single animals"):
        write_simulation(single, files.plan, tmp_path / "fitted.toml")
    assert list(tmp_path.iterdir()) == []


def test_an_arm_that_got_something_else_than_is_simulated_is_noted(files: FitFiles) -> None:
    other = files.folder / "less.toml"
    other.write_text(SIMULATION.replace("q3d x6", "q3d x5"), encoding="utf-8")
    plan = files.write_plan(PLAN.replace("doses.toml", "less.toml"), "less_plan.toml")
    found = run_fit_file(plan, files.study, options=QUICK)
    (note,) = [note for note in found.warnings if note.code == "other_regimen"]
    assert "q3d x6" in note.message
    assert "q3d x5" in note.message


def test_a_file_with_two_studies_needs_a_choice(files: FitFiles, tmp_path: Path) -> None:
    rows = ["study_id,animal_id,arm,day,volume_mm3"]
    rows += [
        f"{study},{arm}{animal},{arm},{day},{150 + 9 * day + animal}"
        for study in ("A", "B")
        for arm in ("vehicle", "high")
        for animal in range(3)
        for day in (0, 4, 8)
    ]
    path = tmp_path / "two.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError, match=r"one study, found 2: A, B"):
        run_fit_file(files.plan, path, options=QUICK)
