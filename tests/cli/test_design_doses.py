"""``oncovivo design doses``: its JSON, table and page, and how it refuses."""

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

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol"

PLAN = """
title = "Doses"
species = "mouse"
day = 0
max_weight_age = 2

[[dose]]
arm = "drug"
regimen = "temsirolimus 20 mg/kg i.v. qw x3"
concentration_mg_per_ml = 5.0
"""
WEIGHTS = "animal_id,arm,day,body_weight_g\nm1,drug,0,21.3\nm2,drug,0,20.0\n"


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def write(plan: str = PLAN, weights: str = WEIGHTS) -> tuple[Path, Path]:
        first, second = tmp_path / "doses.toml", tmp_path / "weights.csv"
        first.write_text(plan, encoding="utf-8")
        second.write_text(weights, encoding="utf-8")
        return first, second

    return write


Files = Callable[..., tuple[Path, Path]]


def test_the_sheet_is_the_one_worked_by_hand(run_cli: RunCli, files: Files) -> None:
    plan, weights = files()
    outcome = run_cli("design", "doses", plan, "--weights", weights, "--json")
    assert outcome.code == 0, outcome.err
    content = json.loads(outcome.out)
    assert content["schema"] == "oncovivo.design_doses/1"
    assert [(r["animal_id"], r["volume_ml"], r["status"]) for r in content["sheet"]] == [
        ("m1", 0.09, "ok"),
        ("m2", 0.08, "ok"),
    ]
    (total,) = content["totals"]
    assert total["course_ml"] == pytest.approx(3 * 0.17 * 1.1)
    assert "Diehl" in total["ceiling_source"]
    (dose,) = content["equivalents"]
    assert dose["dose_mg_per_m2"] == 60
    assert dose["equivalent_mg_per_kg"] == pytest.approx(60 / 37)
    assert "FDA" in dose["source"]
    assert content["options"]["weights"]["name"] == "weights.csv"


def test_the_example_has_one_animal_to_weigh_again(run_cli: RunCli, tmp_path: Path) -> None:
    out, page = tmp_path / "sheet.csv", tmp_path / "a place" / "sheet.html"
    outcome = run_cli(
        "design", "doses", EXAMPLE / "doses.toml", "--weights", EXAMPLE / "weights.csv",
        "-o", out, "--sheet", page, "--date", "2026-01-05",
    )  # fmt: skip
    assert outcome.code == 1
    table = pd.read_csv(out)
    assert len(table) == 16
    assert table.loc[table["status"] != "ok", "animal_id"].tolist() == ["p4"]
    # Perifosine, 30 mg/kg of 3 mg/mL rounded down: 21.1 g take 0.211 mL.
    assert table.loc[table["animal_id"] == "p1", "volume_ml"].tolist() == [0.21]
    html = page.read_text(encoding="utf-8")
    assert "do not dose: its weight is 7 days old, 3 are allowed: weigh it" in html
    assert "1 of 16 lines have no volume." in html
    assert "given, at" in html
    assert "Diehl" in html
    again = tmp_path / "again.html"
    run_cli(
        "design", "doses", EXAMPLE / "doses.toml", "--weights", EXAMPLE / "weights.csv",
        "--sheet", again, "--date", "2026-01-05",
    )  # fmt: skip
    assert again.read_bytes() == page.read_bytes()
    pdf = tmp_path / "sheet.pdf"
    run_cli(
        "design", "doses", EXAMPLE / "doses.toml", "--weights", EXAMPLE / "weights.csv",
        "--sheet", pdf, "--date", "2026-01-05",
    )  # fmt: skip
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "lots to open: 1" in outcome.out
    assert "vehicle: no formulation is given for this arm" in outcome.out


def test_a_day_of_the_command_line_comes_before_that_of_the_file(
    run_cli: RunCli, files: Files
) -> None:
    plan, weights = files()
    outcome = run_cli("design", "doses", plan, "--weights", weights, "--day", "3")
    assert outcome.code == 0
    assert "not due on day 3, next on day 7" in " ".join(outcome.out.split())
    late = run_cli("design", "doses", plan, "--weights", weights, "--day", "7", "--json")
    assert late.code == 1
    assert {row["status"] for row in json.loads(late.out)["sheet"]} == {"stale_weight"}


def test_a_blank_weight_is_an_animal_that_was_not_weighed(run_cli: RunCli, files: Files) -> None:
    plan, weights = files(weights=WEIGHTS + "m2,drug,1,\n")
    outcome = run_cli("design", "doses", plan, "--weights", weights, "--json")
    assert [r["weight_day"] for r in json.loads(outcome.out)["sheet"]] == [0, 0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("5.0", "0.0", "concentration in mg/mL above zero, found 0"),
        ("i.v.", "i.x.", "regimen 'temsirolimus 20 mg/kg |i.x. qw x3'"),
        ("mouse", "unicorn", "a species with a factor"),
        ('arm = "drug"', 'arm = "cure"', "an arm with weights: drug, found 'cure'"),
        ("species", "spezies", "a file of doses as the reference page describes it"),
        ("qw x3", "qw x3 + perifosine 30 mg/kg p.o. qd x3", "a regimen of one compound"),
        ("max_weight_age = 2", "max_weight_age = -2", "0 days or more"),
        ("day = 0", "day = nan", "a study day, found nan"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_one_line(
    run_cli: RunCli, files: Files, old: str, new: str, message: str
) -> None:
    plan, weights = files(plan=PLAN.replace(old, new, 1))
    outcome = run_cli("design", "doses", plan, "--weights", weights)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_sheet_of_another_kind_is_refused(run_cli: RunCli, files: Files) -> None:
    plan, weights = files()
    outcome = run_cli("design", "doses", plan, "--weights", weights, "--sheet", "sheet.doc")
    assert outcome.code == 2
    assert "a file ending in .html or .pdf, found sheet.doc" in outcome.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("animal_id,day,body_weight_g\nm1,0,20\n", "the columns animal_id, arm, day"),
        ("animal_id,arm,day,body_weight_g\nm1,drug,0,0\n", "row 2, column body_weight_g"),
        ("animal_id,arm,day,body_weight_g\nm1,drug,,20\n", "row 2, column day"),
        ("animal_id,arm,day,body_weight_g\nm1,drug,0,fat\n", "row 2, column body_weight_g"),
        ("animal_id,arm,day,body_weight_g\nm1,,0,20\n", "row 2, column arm"),
        ("animal_id,arm,day,body_weight_g\nm1,drug,0,\n", "at least one weight"),
    ],
)
def test_weights_that_cannot_be_read_are_refused_with_their_place(
    run_cli: RunCli, files: Files, text: str, message: str
) -> None:
    plan, weights = files(weights=text)
    outcome = run_cli("design", "doses", plan, "--weights", weights)
    assert outcome.code == 2
    assert message in outcome.err
