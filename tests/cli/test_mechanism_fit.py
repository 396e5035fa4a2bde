"""``oncovivo mechanism fit``: its JSON, its table and files, its exit codes, how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.cli.fit_files import PLAN, TOO_MUCH, TRUTH, FitFiles, write_fit_files

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

KEYS = {
    "schema", "input", "options", "seed", "plan", "study", "model", "simulated", "estimator",
    "assumed_count", "scaled_count", "assumed", "scaled", "level", "parameters", "sigma",
    "sigma_error", "errors", "log_likelihood", "monte_carlo_error", "n_estimated", "aic", "bic",
    "converged", "rounds", "not_identified", "sound", "effects", "animals", "predictive_check",
    "warnings",
}  # fmt: skip
ROW_KEYS = {
    "name", "unit", "meaning", "transform", "estimate", "lower", "upper", "standard_error",
    "between_animal", "spread", "spread_error", "shrinkage", "identified", "at_bound", "pooled",
    "pooled_lower", "pooled_upper", "open_profile", "determined_in",
}  # fmt: skip
STIFF = """
schema = "oncovivo.simulation/1"
title = "Stiff"
blocks = [
  "animal", "temsirolimus_sirolimus", "fkbp_mtorc1", "mtor_core", "inhibition_pathway",
  "growth_inhibition", "tumor", "exponential",
]
parameters = [
  "mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default",
  "rapalog_growth", "renal_786o",
]
[time]
days = [0.0, 18.0]
[values.tumor_exchange]
value = 1e9
unit = "1/day"
status = "assumed"
[[arms]]
name = "vehicle"
[[arms]]
name = "high"
regimen = "temsirolimus 2 mg/kg i.v. qd x3"
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> FitFiles:
    return write_fit_files(tmp_path_factory.mktemp("fit"))


@pytest.fixture
def run_fit(run_cli: RunCli, files: FitFiles) -> RunCli:
    """The pooled fit without what takes time."""

    def call(*more: str | Path, plan: Path = files.plan, study: Path = files.study) -> Outcome:
        quick = ("--estimator", "pooled", "--no-limits", "--vpc", "0")
        return run_cli("mechanism", "fit", plan, study, *quick, *more)

    return call


def test_a_population_fit_as_json_holds_all_that_was_found(
    run_cli: RunCli, files: FitFiles
) -> None:
    outcome = run_cli(
        "mechanism", "fit", files.plan, files.study, "--no-limits", "--vpc", "20", "--seed", "5",
        "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    found = json.loads(outcome.out)
    assert set(found) == KEYS
    assert found["schema"] == "oncovivo.mechanism_fit/1"
    assert (found["seed"], found["simulated"], found["estimator"]) == (5, True, "population")
    assert (found["assumed_count"], found["scaled_count"]) == (3, 0)
    assert found["study"]["animals"] == 10
    assert found["study"]["below_limit"] > 0
    assert found["plan"]["arms"] == {"vehicle": "vehicle", "high": "high"}
    for row in found["parameters"]:
        assert set(row) == ROW_KEYS
        assert row["lower"] < TRUTH[row["name"]] < row["upper"]
        assert row["pooled_lower"] is None
    check = found["predictive_check"]
    assert check["studies"] == 20
    assert {visit["arm"] for visit in check["visits"]} == {"vehicle", "high"}
    assert all(len(visit["observed"]) == 3 for visit in check["visits"])
    assert (found["converged"], found["sound"], found["not_identified"]) == (True, True, [])


def test_the_table_begins_with_the_effect_and_fits_the_terminal(
    run_cli: RunCli, files: FitFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run_cli(
        "mechanism", "fit", files.plan, files.study, "--estimator", "pooled", "--vpc", "20"
    )
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].rstrip() == "Doses alone [fitted] · SIMULATED DATA"
    assert lines[1].startswith("  high: on day 18 the typical tumor is 0.4")
    words = " ".join(outcome.out.split())
    assert "the readings determine all 3 numbers" in words
    assert "behind the curves: 3 estimated, 3 assumed, 0 scaled" in words
    assert "visual check: " in words
    assert "note: readings of one animal are taken as independent" in words
    assert lines[-1].startswith("seed ")


def test_what_is_not_determined_is_printed_as_such_and_the_code_is_1(
    run_cli: RunCli, files: FitFiles
) -> None:
    plan = files.write_plan(TOO_MUCH)
    arguments = ("mechanism", "fit", plan, files.study, "--estimator", "pooled", "--vpc", "0")
    outcome = run_cli(*arguments)
    assert outcome.code == 1
    assert outcome.err == ""
    assert "NOT DETERMINED by the readings: growth_imax, inhibition_ed50" in outcome.out
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  growth_imax")]
    assert line.split() == ["growth_imax", "—", "not", "determined", "1"]
    found = run_cli(*arguments, "--json")
    assert found.code == 1
    content = json.loads(found.out)
    assert content["not_identified"] == ["growth_imax", "inhibition_ed50"]
    assert [row["estimate"] is None for row in content["parameters"]] == [False] * 2 + [True] * 2
    assert "not_identified" in [warning["code"] for warning in content["warnings"]]


def test_single_animals_are_listed(run_cli: RunCli, files: FitFiles) -> None:
    text = PLAN.split("[estimate.growth_imax]")[0] + "\n"
    plan = files.write_plan(text, "single.toml")
    outcome = run_cli("mechanism", "fit", plan, files.study, "--estimator", "animals")
    assert outcome.code in (0, 1)
    assert "determined in" in outcome.out
    assert len([line for line in outcome.out.splitlines() if line.startswith("  m")]) == 10


def test_table_figures_and_simulation_are_written(
    run_cli: RunCli, run_fit: RunCli, tmp_path: Path
) -> None:
    table, figure, saved = tmp_path / "fit.csv", tmp_path / "fit.png", tmp_path / "fitted.toml"
    outcome = run_fit("-o", table, "--figure", figure, "--save-simulation", saved, "--vpc", "20")
    assert outcome.code == 0, outcome.err
    assert list(pd.read_csv(table)["name"]) == list(TRUTH)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["fit-animals.png", "fit.png"]
    assert f"simulation: {saved}" in outcome.out
    again = json.loads(run_cli("simulate", saved, "--json").out)
    statuses = {row["name"]: row["status"] for row in again["parameters"]}
    assert {name for name, status in statuses.items() if status == "fitted"} == set(TRUTH)


def test_the_engines_agree(run_fit: RunCli) -> None:
    found = [
        [row["estimate"] for row in json.loads(outcome.out)["parameters"]]
        for outcome in (run_fit("--json", "--engine", name) for name in ("adaptive", "numpy"))
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-3)
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("oncovivo.fit/1", "oncovivo.simulation/1", "schema"),
        ('vehicle = "vehicle"', 'placebo = "vehicle"', "an arm with readings: vehicle, high"),
        ('high = "high"', 'high = "hihg"', "did you mean high?"),
        ("[estimate.v0]", "[estimate.v1]", "a parameter of the model"),
        ("start = 150.0", 'start = "150 apples"', "estimate.v0.start"),
        ("doses.toml", "gone.toml", "gone.toml"),
        ("[leaving]", "[leaving", "plan"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_line(
    run_fit: RunCli, files: FitFiles, old: str, new: str, says: str
) -> None:
    assert old in PLAN
    outcome = run_fit(plan=files.write_plan(PLAN.replace(old, new), "bad_plan.toml"))
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    assert says in outcome.err


def test_a_unit_of_the_simulation_that_is_unknown_is_one_line(
    run_fit: RunCli, files: FitFiles
) -> None:
    text = files.simulation.read_text(encoding="utf-8").replace('unit = "mg/kg"', 'unit = "mgg"')
    (files.folder / "unit.toml").write_text(text, encoding="utf-8")
    outcome = run_fit(plan=files.write_plan(PLAN.replace("doses.toml", "unit.toml")))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "mgg" in outcome.err


def test_a_stiff_model_is_refused_with_the_engine_that_takes_it(
    run_fit: RunCli, files: FitFiles
) -> None:
    (files.folder / "stiff.toml").write_text(STIFF, encoding="utf-8")
    plan = PLAN.replace("doses.toml", "stiff.toml").replace("start = 0.06", "")
    outcome = run_fit(plan=files.write_plan(plan, "stiff_plan.toml"))
    assert outcome.code == 3
    assert outcome.err.count("\n") == 1
    assert "stiff" in outcome.err


def test_names_of_files_are_refused_before_anything_runs(run_fit: RunCli, files: FitFiles) -> None:
    for more in (
        ("--figure", "fit.doc"),
        ("-o", "fit.doc"),
        ("--save-simulation", "fit.doc"),
        ("--save-simulation", files.plan),
        ("--save-simulation", files.simulation),
    ):
        outcome = run_fit(*more)
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1
        assert Path(more[1]).name in outcome.err
    assert run_fit(plan=files.folder / "no.toml").code == 2
    assert run_fit(study=files.folder / "no.csv").code == 2
    assert run_fit("--vpc", "5").code == 2
    assert files.plan.read_text(encoding="utf-8") == PLAN


def test_readings_of_a_further_output_are_fitted_with_the_volumes(
    run_cli: RunCli, files: FitFiles, tmp_path: Path
) -> None:
    folder = files.plan.parent
    plan = folder / "with_amounts.toml"
    plan.write_text(PLAN + '\n[outputs.virtual_amount]\nerror = "additive"\n', encoding="utf-8")
    animals = pd.read_csv(files.study / "animals.csv")
    treated = animals.loc[animals["arm"] == "high", "animal_id"]
    table = tmp_path / "amounts.csv"
    # 15 mg/kg, half-life ln 2 / 0.5 d, with half a unit of error in turn.
    rows = [
        f"{animal},{day},virtual_amount,{15 * 2.718281828 ** (-0.5 * day) + (-1) ** day * 0.5}"
        for animal in treated
        for day in (1, 2)
    ]
    table.write_text("\n".join(["animal_id,day,output,value", *rows]) + "\n", encoding="utf-8")
    refused = run_cli("mechanism", "fit", str(plan), str(files.study), "--vpc", "0")
    assert refused.code in (2, 3)
    assert "virtual_amount" in refused.err
    given = ("--readings", str(table), "--vpc", "0", "--no-limits", "--json")
    found = run_cli("mechanism", "fit", str(plan), str(files.study), *given)
    assert found.code in (0, 1), found.err
    errors = {row["output"]: row for row in json.loads(found.out)["errors"]}
    assert set(errors) == {"tumor_volume", "virtual_amount"}
    assert errors["virtual_amount"]["sigma"] == pytest.approx(0.5, rel=0.2)
