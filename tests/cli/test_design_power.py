"""``oncovivo design power``: its JSON, table and screen, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from oncovivo.analyses.power import plan_power_file, power_figure
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
    assert table["closed_form"].notna().tolist() == [True] * 6


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


def test_a_figure_is_drawn_under_either_name(
    design_power: Callable[..., Result], plan: Path, tmp_path: Path
) -> None:
    drawn = tmp_path / "power.svg"
    assert design_power(plan, "-o", drawn, "--animals", "4,8").exit_code == 0
    text = drawn.read_text(encoding="utf-8")
    assert "Power: Power" in text
    assert design_power(plan, "-o", tmp_path / "b.svg", "--animals", "4,8").exit_code == 0
    # Same input, same bytes.
    assert (tmp_path / "b.svg").read_text(encoding="utf-8") == text
    both = design_power(
        plan, "-o", tmp_path / "power.csv", "--figure", tmp_path / "power.png", "--json"
    )
    assert both.exit_code == 0
    assert (tmp_path / "power.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "power.csv").exists()
    assert "one name for the figure" in str(
        refusal(design_power(plan, "-o", drawn, "--figure", drawn))
    )
    assert ".svg or .png" in str(refusal(design_power(plan, "--figure", tmp_path / "power.pdf")))
    nowhere = tmp_path / "no" / "power.svg"
    assert "a place where files can be written" in str(refusal(design_power(plan, "-o", nowhere)))


def test_the_figure_has_what_the_grid_has(plan: Path) -> None:
    result = plan_power_file(plan, animals=(4, 8), last_days=(8.0, 12.0))
    low, high = power_figure(result).axes
    assert low.get_title(loc="left") == "low [1] - vehicle"
    lines = {line.get_label(): np.asarray(line.get_xydata()) for line in high.get_lines()}
    closed = lines["to day 12, closed form"]
    assert closed[:, 0].tolist() == [4, 5, 6, 7, 8]
    cells = {(cell.animals, cell.last_day): cell for cell in result.grid}
    assert closed[-1, 1] == cells[8, 12.0].closed_form[1]
    assert closed[0, 1] == cells[4, 12.0].closed_form[1]


def test_events_of_the_example_are_shown(design_power: Callable[..., Result]) -> None:
    path = EXAMPLE.with_name("power_events.toml")
    outcome = design_power(path, "--replicates", "200")
    assert outcome.exit_code == 0
    words = " ".join(outcome.stdout.split())
    assert "variation: study four_arm_simulated, 32 animals" in words
    assert "vehicle: 11 animals" in words
    assert "log-rank tests against the control" in words
    assert "control √k times as large (11, 8, 8)" in words
    assert "animals with an event, by arm: 100%" in words
    assert "singular" not in words
    content = json.loads(design_power(path, "--replicates", "20", "--json").stdout)
    assert content["plan"]["event"] == "multiple:4"
    assert content["reference"]["study_id"] == "four_arm_simulated"
    assert len(content["reference"]["sha256"]) == 64
    assert content["simulated"]["questions"][0]["unit"] == "hazard ratio"
    assert content["closed_form"][0]["std_error"] is None
    assert [one["allocation"] for one in content["allocations"]] == ["equal", "sqrt_k"]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ('question = "tgi"\nbound = 20.0', ["against 20 %", "low [1]: TGI on day 12", "21 %"]),
        ('question = "response"\nresponse = "SD"', ["animals with a response, by arm", "Fisher"]),
        ("limit_mm3 = 100", ["of readings below 100 mm³ and omitted by the fit"]),
        ("bound = 0.01", ["against 0.01 per day"]),
    ],
)
def test_each_question_is_said_in_words(
    design_power: Callable[..., Result], plan: Path, head: str, words: list[str]
) -> None:
    plan.write_text(f"{head}\n{PLAN}", encoding="utf-8")
    shown = " ".join(design_power(plan).stdout.split())
    for word in words:
        assert word in shown


def test_cages_are_said_in_words(design_power: Callable[..., Result], plan: Path) -> None:
    plan.write_text(f"{PLAN}\n[cages]\nanimals = 2\nrate_sd = 0.02\n", encoding="utf-8")
    shown = " ".join(design_power(plan).stdout.split())
    assert "cages of 2, one arm each; SD between cages 0.02 per day" in shown
    assert "counting cages: power" in shown
    # Five animals do not fill cages of two.
    assert "–" in shown
    question = json.loads(design_power(plan, "--json").stdout)["simulated"]["questions"][0]
    assert question["power_cages"] is not None


def test_drugs_that_leave_nothing_are_shown_without_a_null(
    design_power: Callable[..., Result], plan: Path
) -> None:
    fourth = '\n[[arm]]\nname = "both"\nanimals = 5\nrate_per_day = -0.1\n'
    text = f'question = "additivity"\n{PLAN.replace("0.08", "0.00")}{fourth}'
    plan.write_text(text, encoding="utf-8")
    outcome = design_power(plan, "--json")
    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout)["simulated"]["questions"][0]["type_one"] is None
    assert "response additivity" in design_power(plan).stdout
