"""``oncovivo mechanism schedule``: its JSON, its table and files, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

SIMULATION = """
schema = "oncovivo.simulation/1"
title = "Linear kill"
blocks = ["animal", "pk_bolus", "kill_linear", "tumor", "exponential"]
parameters = ["mouse_20g", "renal_786o"]
[time]
end = 14.0
step = 0.5
[[arms]]
name = "vehicle"
[values.cl]
value = 1.0
unit = "L/h/kg"
status = "assumed"
[values.v]
value = 1.0
unit = "L/kg"
status = "assumed"
[values.k2]
value = 0.0024
unit = "mL/(ng*day)"
status = "assumed"
uncertainty_cv = 0.5
"""

SCHEDULES = """
schema = "oncovivo.schedules/1"
title = "How much, how often [so far]"
simulation = "kill.toml"
draws = 40
[[treatments]]
compound = "drug"
unit = "mg/kg"
route = "i.v."
doses = [0.5, 1.0, 4.0]
patterns = ["qd", "5/2", "qw"]
[limits.cumulative_dose]
drug = "40 mg/kg"
[[objectives]]
minimize = "at_day"
output = "tumor_volume"
[[objectives]]
minimize = "cumulative_dose"
compound = "drug"
"""

KEYS = {
    "schema", "input", "options", "seed", "model", "simulated", "assumed_count", "scaled_count",
    "band", "draws", "level", "negligible", "assumed_cv", "varied", "limits",
    "body_weight_output", "objectives", "untreated", "front", "candidates", "warnings",
}  # fmt: skip
CANDIDATE_KEYS = {
    "regimen", "doses", "dosing_days", "excluded", "values", "on_front", "robustness",
}  # fmt: skip


@pytest.fixture
def schedules(tmp_path: Path) -> Path:
    """A file of schedules beside its simulation."""
    (tmp_path / "kill.toml").write_text(SIMULATION, encoding="utf-8")
    path = tmp_path / "schedules.toml"
    path.write_text(SCHEDULES, encoding="utf-8")
    return path


def test_json_holds_candidates_front_and_what_they_rest_on(
    run_cli: RunCli, schedules: Path
) -> None:
    outcome = run_cli("mechanism", "schedule", schedules, "--json")
    assert outcome.code == 0
    content = json.loads(outcome.out)
    assert set(content) == KEYS
    assert content["schema"] == "oncovivo.schedule_result/1"
    assert content["simulated"] is True
    assert content["band"] == "uncertainty"
    assert content["draws"] == 40
    assert len(content["candidates"]) == 9
    assert all(set(one) == CANDIDATE_KEYS for one in content["candidates"])
    excluded = [one for one in content["candidates"] if one["excluded"]]
    assert [one["regimen"] for one in excluded] == ["drug 4 mg/kg i.v. qd x14 d"]
    assert set(content["front"]) == {
        one["regimen"] for one in content["candidates"] if one["on_front"]
    }
    assert len(content["front"]) > 1
    assert "no_body_weight" in [one["code"] for one in content["warnings"]]
    assumed = content["objectives"][0]["assumed"]
    assert content["assumed_count"] == len(assumed)
    assert {"cl", "v", "k2"} <= set(assumed)


def test_the_same_command_gives_the_same_bytes_and_another_seed_others(
    run_cli: RunCli, schedules: Path
) -> None:
    first, second, other = (
        run_cli("mechanism", "schedule", schedules, "--json", *more).out
        for more in ((), (), ("--seed", "3"))
    )
    assert first == second
    assert json.loads(other)["seed"] == 3
    assert json.loads(other)["candidates"] != json.loads(first)["candidates"]


def test_the_table_speaks_of_a_front_and_fits_the_terminal(
    run_cli: RunCli, schedules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run_cli("mechanism", "schedule", schedules, "--draws", "10")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80
    words = " ".join(outcome.out.split())
    assert "How much, how often [so far] · SIMULATED" in words
    assert "Front of the medians" in words
    assert "90% of 10 draws" in words
    assert "Beyond a limit: 1" in words
    assert "tolerability is not judged" in words
    assert "optimal" not in words
    assert "best regimen is" not in words


def test_table_and_figure_are_written(run_cli: RunCli, schedules: Path, tmp_path: Path) -> None:
    table, figure = tmp_path / "front.csv", tmp_path / "front.png"
    outcome = run_cli("mechanism", "schedule", schedules, "-o", table, "--figure", figure)
    assert outcome.code == 0
    frame = pd.read_csv(table)
    assert len(frame) == 8 * 2 + 1
    assert frame["excluded"].notna().sum() == 1
    assert figure.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("oncovivo.schedules/1", "oncovivo.simulation/1", 2, "schema"),
        ('"tumor_volume"', '"volume"', 2, "an output of the model"),
        ('["qd", "5/2", "qw"]', '["now and then"]', 2, "[[treatments]] 1, regimen 'now"),
        ('"40 mg/kg"', '"40 mL"', 2, "[limits], regimen '40"),
        ('"40 mg/kg"', '"0.1 mg/kg"', 3, "within the limits"),
        ("kill.toml", "gone.toml", 2, "gone.toml"),
    ],
)
def test_refusals_are_one_line(
    run_cli: RunCli, schedules: Path, old: str, new: str, code: int, says: str
) -> None:
    assert old in SCHEDULES
    schedules.write_text(SCHEDULES.replace(old, new), encoding="utf-8")
    outcome = run_cli("mechanism", "schedule", schedules)
    assert outcome.code == code
    assert outcome.err.count("\n") == 1
    assert says in outcome.err


def test_names_of_files_are_refused_before_anything_runs(run_cli: RunCli, schedules: Path) -> None:
    for more in (("--figure", "front.doc"), ("-o", "front.doc")):
        outcome = run_cli("mechanism", "schedule", schedules, *more)
        assert outcome.code == 2
        assert "front.doc" in outcome.err
    assert run_cli("mechanism", "schedule", schedules.with_name("no.toml")).code == 2
