"""``oncovivo design power``: its JSON, table and screen, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from oncovivo.cli.design_power import power
from oncovivo.errors import FileFormatError, InputError, ProjectError

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol" / "power.toml"

PLAN = """
days = [0, 4, 8, 12]
replicates = 60

[start]
log_sd = 0.2

[variation]
rate_sd = 0.02
reading_sd = 0.1

[[arm]]
name = "vehicle"
animals = 5
rate_per_day = 0.10

[[arm]]
name = "low [1]"
animals = 5
rate_per_day = 0.08

[[arm]]
name = "high"
animals = 5
rate_per_day = 0.00
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "power.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture
def design_power(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command on its own."""
    monkeypatch.setenv("COLUMNS", "100")
    app = typer.Typer()
    app.command()(power)

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


def refusal(outcome: Result) -> ProjectError:
    assert isinstance(outcome.exception, ProjectError)
    assert "\n" not in str(outcome.exception)
    return outcome.exception


def test_the_json_has_all_numbers(design_power: Callable[..., Result], plan: Path) -> None:
    outcome = design_power(plan, "--json", "--animals", "4,8", "--last-day", "8,12,8")
    assert outcome.exit_code == 0
    content = json.loads(outcome.stdout)
    assert content["schema"] == "oncovivo.design_power/1"
    assert content["options"] == {
        "replicates": 60,
        "power": 0.8,
        "seed_source": "digest",
        "animals": [4, 8],
        "last_days": [8.0, 12.0],
    }
    low, high = content["simulated"]["questions"]
    assert (low["label"], high["label"]) == ("low [1] - vehicle", "high - vehicle")
    assert low["power"] < 0.6 < 0.95 < high["power"]
    assert [round(one["truth"], 6) for one in content["closed_form"]] == [-0.02, -0.1]
    assert len(content["smallest_effect"]) == 2
    assert len(content["grid"]) == 4
    again = json.loads(design_power(plan, "--json", "--seed", str(content["seed"])).stdout)
    assert again["options"]["seed_source"] == "given"
    assert again["simulated"] == content["simulated"]
    other = json.loads(design_power(plan, "--json", "--seed", "1").stdout)
    assert other["simulated"] != content["simulated"]


def test_replicates_and_target_come_from_the_command_line(
    design_power: Callable[..., Result], plan: Path
) -> None:
    less = json.loads(design_power(plan, "--json", "--power", "0.5").stdout)
    more = json.loads(design_power(plan, "--json", "--power", "0.9", "--replicates", "20").stdout)
    assert more["simulated"]["replicates"] == 20
    assert less["smallest_effect"][0] < more["smallest_effect"][0]


def test_the_screen_and_the_table(
    design_power: Callable[..., Result], plan: Path, tmp_path: Path
) -> None:
    out = tmp_path / "power.csv"
    outcome = design_power(plan, "-o", out, "--animals", "4,6", "--seed", "2")
    assert outcome.exit_code == 0
    assert "low [1] - vehicle" in outcome.stdout
    assert "SIMULATED" in outcome.stdout
    assert "to day 12" in outcome.stdout
    assert "any of them" in outcome.stdout
    assert "leave at" not in outcome.stdout
    assert outcome.stdout.endswith("seed 2\n")
    table = pd.read_csv(out)
    assert table["design"].tolist() == ["plan", "plan", "grid", "grid", "grid", "grid"]
    assert table["animals_per_arm"].tolist() == [5, 5, 4, 4, 6, 6]
    assert table["closed_form"].notna().tolist() == [True, True, False, False, False, False]


def test_arms_of_different_size_have_no_one_number(
    design_power: Callable[..., Result], plan: Path, tmp_path: Path
) -> None:
    plan.write_text(PLAN.replace("animals = 5", "animals = 8", 1), encoding="utf-8")
    out = tmp_path / "power.csv"
    assert design_power(plan, "-o", out).exit_code == 0
    assert pd.read_csv(out)["animals_per_arm"].isna().all()


def test_the_example_is_shown(design_power: Callable[..., Result]) -> None:
    outcome = design_power(EXAMPLE, "--replicates", "200")
    assert outcome.exit_code == 0
    assert "synergy under Bliss" in outcome.stdout
    assert "assumed for the example, from no study" in outcome.stdout
    assert "of animals leave at 1500 mm³" in outcome.stdout
    assert "seed 20261123" in outcome.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--power", "0.05"], "a power between 0.05, the error of the test, and 1, found 0.05"),
        (["--power", "1"], "a power between 0.05"),
        (["--animals", "4,x"], "--animals: expected numbers between commas, found '4,x'"),
        (["--animals", "1"], "at least 2 animals, found 1"),
        (["--last-day", "9"], "a day with readings: 0, 4, 8, 12, found 9"),
        (["--replicates", "1"], "at least 2 replicates, found 1"),
    ],
)
def test_impossible_options_are_refused_in_one_line(
    design_power: Callable[..., Result], plan: Path, options: list[str], message: str
) -> None:
    found = refusal(design_power(plan, *options))
    assert isinstance(found, InputError)
    assert message in str(found)


def test_what_is_no_plan_is_refused_in_one_line(
    design_power: Callable[..., Result], plan: Path
) -> None:
    plan.write_text(PLAN.replace("log_sd", "sd_log"), encoding="utf-8")
    assert isinstance(refusal(design_power(plan)), FileFormatError)
    plan.write_text(PLAN.replace("0.02", "-0.02"), encoding="utf-8")
    assert "rate_sd: expected a standard deviation of 0 or more" in str(
        refusal(design_power(plan))
    )
