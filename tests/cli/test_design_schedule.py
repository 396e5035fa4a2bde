"""``oncovivo design schedule``: its JSON, table and file, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.cli.study_files import write_growth

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol" / "schedule.toml"

PLAN = """
start = 2026-03-02
last_day = 14
on_closed = "keep"

[measuring]
weekdays = ["Mon", "Thu"]
closer_weekdays = ["Mon", "Wed", "Fri"]

[[arm]]
name = "drug"
regimen = "temsirolimus 20 mg/kg i.v. q3d x4"
"""


@pytest.fixture
def plan(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "schedule.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_calendar_of_a_file_by_hand(run_cli: RunCli, plan: Callable[[str], Path]) -> None:
    outcome = run_cli("design", "schedule", plan(PLAN), "--json")
    assert outcome.code == 0, outcome.err
    content = json.loads(outcome.out)
    assert content["schema"] == "oncovivo.design_schedule/1"
    assert [(e["day"], e["task"]) for e in content["calendar"]] == [
        (0, "measure"), (0, "dose"), (3, "measure"), (3, "dose"), (6, "dose"),
        (7, "measure"), (9, "dose"), (10, "measure"), (14, "measure"),
    ]  # fmt: skip
    assert content["calendar"][-1]["date"] == "2026-03-16"
    assert content["options"]["closer_from"] is None


def test_projections_bring_the_closer_weekdays_into_force(
    run_cli: RunCli, plan: Callable[[str], Path], tmp_path: Path
) -> None:
    study = write_growth(tmp_path / "growth.csv")
    seen = run_cli(
        "design", "endpoints", study, "--max-volume", "300", "--zeros", "gone", "--json"
    )
    path = tmp_path / "endpoints.json"
    path.write_text(seen.out, encoding="utf-8")
    rows = json.loads(seen.out)["studies"][0]["projections"]
    first = int(min(row["lower"] for row in rows if row["lower"] is not None))
    outcome = run_cli("design", "schedule", plan(PLAN), "--projections", path, "--json")
    content = json.loads(outcome.out)
    assert content["options"]["closer_from"] == first
    assert 0 < first < 14
    near = [e["day"] for e in content["calendar"] if e["detail"] == "near the limit"]
    assert near == [day for day in (2, 4, 7, 9, 11) if day >= first]


def test_the_example_is_shown_and_written(run_cli: RunCli, tmp_path: Path) -> None:
    out = tmp_path / "calendar.csv"
    outcome = run_cli("design", "schedule", EXAMPLE, "-o", out)
    assert outcome.code == 0
    assert "2026-03-30" in outcome.out
    table = pd.read_csv(out)
    assert list(table.columns) == [
        "day", "date", "weekday", "task", "arm", "detail", "planned_day", "times",
    ]  # fmt: skip
    # 4 and 20 doses alone, both in the combination; 11 measurements.
    assert (table["task"] == "dose").sum() == 48
    assert table.loc[table["task"] == "measure", "day"].tolist() == [
        0, 3, 7, 10, 14, 17, 18, 21, 23, 25, 28,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ('"keep"', '"refuse"', 2, "doses on days on which people work, found one on day 6, Sun"),
        ("last_day = 14", "last_day = 7", 2, "doses from day 0 to day 7, found one on day 9"),
        ("last_day = 14", "last_day = 13", 2, "found day 13, Sun 2026-03-15"),
        ("2026-03-02", "2026-02-30", 2, "schedule.toml"),
        ("2026-03-02", '"soon"', 2, "a calendar as the reference page describes it (start)"),
        ("weekdays = [", "weakdays = [", 2, "weakdays"),
        ("q3d x4", "every blue moon", 2, "regimen 'temsirolimus 20 mg/kg i.v. |every blue moon'"),
        ("q3d x4", "q3d", 3, "duration"),
    ],
)
def test_an_impossible_calendar_is_refused_in_one_line(
    run_cli: RunCli, plan: Callable[[str], Path], old: str, new: str, code: int, message: str
) -> None:
    outcome = run_cli("design", "schedule", plan(PLAN.replace(old, new, 1)))
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("text", ["[]", "{}", '{"studies": [1]}', "no json"])
def test_projections_that_are_none_are_refused(
    run_cli: RunCli, plan: Callable[[str], Path], tmp_path: Path, text: str
) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    outcome = run_cli("design", "schedule", plan(PLAN), "--projections", path)
    assert outcome.code == 2
    assert "other.json" in outcome.err


def test_projections_need_weekdays_to_bring_into_force(
    run_cli: RunCli, plan: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text('{"studies": []}', encoding="utf-8")
    without = plan(PLAN.replace('closer_weekdays = ["Mon", "Wed", "Fri"]\n', ""))
    outcome = run_cli("design", "schedule", without, "--projections", path)
    assert outcome.code == 2
    assert "closer_weekdays in the plan" in outcome.err
