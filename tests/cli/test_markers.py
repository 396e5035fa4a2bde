"""``oncovivo markers``: one JSON object, tables of 80 columns, files, and refusals in a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.panels.trials import made_frame

Run = Callable[..., Any]
EXAMPLE = Path(__file__).parents[2] / "examples/temsirolimus/markers/phospho_s6_simulated"
FIELDS = {
    *("marker", "analysis", "estimate", "std_error", "lower", "upper", "p_value", "q_value"),
    *("n_lines", "n_animals", "status", "reason"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve lines with a response, a panel of eight, and markers of both."""
    monkeypatch.setenv("COLUMNS", "80")
    rng = np.random.default_rng(3)
    lines = [f"L{n}" for n in range(12)]
    marker = rng.normal(size=12)
    frame = pd.DataFrame({"model": lines, "effect": 0.05 * marker + 0.02 * rng.normal(size=12)})
    frame.assign(se=0.02).to_csv(tmp_path / "responses.csv", index=False)
    pd.DataFrame(
        {"model": lines, "S6": marker, "HER2/neu β [x]": rng.normal(size=12), "constant": 1}
    ).to_csv(tmp_path / "markers.csv", index=False)
    made_frame(21, effect=-0.05).to_csv(tmp_path / "growth.csv", index=False)
    rows = [
        {"animal_id": f"m{n}", "arm": "drug" if n > 5 else "vehicle", "Ki-67": n * 7 % 11 + 1}
        for n in range(12)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "assay.csv", index=False)
    return tmp_path


def arguments(folder: Path, kind: str) -> list[str | Path]:
    if kind == "response":
        return [
            *("markers", folder / "responses.csv", "--features", folder / "markers.csv"),
            *("--response", "effect"),
        ]
    if kind == "panel":
        return [
            *("markers", folder / "growth.csv", "--features", folder / "markers.csv"),
            *("--control", "none"),
        ]
    return ["markers", folder / "assay.csv" if kind == "arms" else EXAMPLE]


@pytest.mark.parametrize("kind", ["response", "panel", "arms", "studies"])
def test_one_object_a_narrow_table_a_file_and_a_figure(
    kind: str, folder: Path, run_cli: Run
) -> None:
    out, figure = folder / "out.csv", folder / "out.svg"
    words = arguments(folder, kind)
    outcome = run_cli(*words, "--json", "-o", out, "--figure", figure)
    assert (outcome.code, outcome.err) == (0, "")
    content = json.loads(outcome.out)
    assert content["schema"] == "oncovivo.markers/1"
    assert content["prediction"] is None
    assert all(set(row) >= FIELDS for row in content["associations"])
    assert len(pd.read_csv(out)) == len(content["associations"]) > 0
    assert "<svg" in figure.read_text(encoding="utf-8")
    shown = run_cli(*words)
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
    assert content["associations"][0]["marker"] in shown.out
    assert run_cli(*words, "--json").out == outcome.out


def test_the_screen_says_what_a_treated_outcome_cannot(folder: Path, run_cli: Run) -> None:
    words = arguments(folder, "response")
    shown = run_cli(*words, "--permutations", "49").out
    assert "an outcome under treatment alone" in shown
    assert "p perm." in shown
    assert "HER2/neu β [x]" in shown
    assert "without numbers: constant: constant: 1 in all 12 lines" in shown
    assert "animals" not in shown.split("an outcome")[0]
    other = run_cli(*words, "--outcome", "effect", "--std-error", "se").out
    assert "an outcome under treatment alone" not in other
    assert "p perm." not in other


def test_a_panel_shows_prognostic_markers_and_lines_that_are_missing(
    folder: Path, run_cli: Run
) -> None:
    shown = run_cli(*arguments(folder, "panel"), "--interaction").out
    assert "drug: effect on the growth rate, ln per day, against none" in shown
    assert "prognostic, whatever the drug does" in shown
    assert "4 lines without a response: L10, L11, L8, L9" in shown


def test_a_prediction_is_in_the_object_and_in_words(folder: Path, run_cli: Run) -> None:
    words = [*arguments(folder, "response"), "--predict", "elastic_net", "--seed", "1"]
    prediction = json.loads(run_cli(*words, "--json").out)["prediction"]
    assert prediction["model"] == "elastic_net"
    assert len(prediction["lines"]) == 12
    assert f"out-of-fold R² {prediction['r2']:.2f}" in run_cli(*words).out


def test_a_workbook_is_written(folder: Path, run_cli: Run) -> None:
    out = folder / "out.xlsx"
    assert run_cli(*arguments(folder, "response"), "-o", out).code == 0
    assert pd.read_excel(out, engine="calamine")["marker"].tolist() == [
        "S6",
        "HER2/neu β [x]",
        "constant",
    ]


@pytest.mark.parametrize(
    ("kind", "added", "code", "message"),
    [
        ("response", ["--analyte", "S6"], 2, "--analyte only with a table of what assays"),
        ("response", ["--map", "a=b"], 2, "--map only with growth curves"),
        ("response", ["--treatment", "z"], 2, "a treatment of the file, found 'z'"),
        ("response", ["--method", "weighted"], 3, "standard errors of the responses"),
        ("response", ["--method", "fisher"], 3, "responses of 0 and 1"),
        ("response", ["--predict", "linear"], 2, "--predict"),
        ("response", ["--marker", "constant", "--figure", "a.svg"], 2, "that can be drawn"),
        ("panel", ["--std-error", "se"], 2, "found --std-error alone"),
        ("panel", ["--tumor", "z"], 2, "use one of: A, B"),
        ("arms", ["--response", "Ki-67"], 2, "--response only with lines and their markers"),
        ("arms", ["--treatment", "drug"], 2, "--treatment only with lines"),
        ("arms", ["--interaction"], 2, "--interaction only with lines"),
        ("arms", ["--marker", "z"], 2, "a column 'z'"),
        ("studies", ["--predict", "forest"], 2, "--predict only with lines"),
        ("studies", ["--treatment", "a", "--treatment", "b"], 2, "one treated arm"),
    ],
)
def test_what_does_not_fit_is_one_line(
    kind: str, added: list[str], code: int, message: str, folder: Path, run_cli: Run
) -> None:
    outcome = run_cli(*arguments(folder, kind), *added)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 2, "bad.csv: expected a header and rows, found an empty file"),
        ("model,S6\n", 2, "bad.csv: expected rows below the header"),
        ("name,S6\nL1,2\n", 2, "a column of lines named model or line, found name, S6"),
        ("model,\nL1,\n", 2, "a column for each marker"),
        ("model,S6\nL1,1\nL1,2\n", 2, "'L1' in rows 2 and 3"),
        ("model,S6\nL1,1\n", 3, "3 lines or more with a response and markers, found 1"),
        ("model,S6\nM1,1\nM2,3\nM3,4\n", 3, "3 lines without a response: M1, M2, M3"),
    ],
)
def test_tables_of_markers_that_cannot_be_used_are_one_line(
    text: str, code: int, message: str, folder: Path, run_cli: Run
) -> None:
    path = folder / "bad.csv"
    path.write_text(text, encoding="utf-8")
    outcome = run_cli(
        *("markers", folder / "responses.csv", "--features", path, "--response", "effect")
    )
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def test_files_that_are_missing_or_folders_without_markers_are_one_line(
    folder: Path, run_cli: Run
) -> None:
    words = arguments(folder, "response")
    words[1] = folder / "nothing.csv"
    assert "nothing.csv: expected a file that can be read" in run_cli(*words).err
    empty = folder / "empty"
    empty.mkdir()
    outcome = run_cli("markers", empty)
    assert outcome.code == 3
    assert "a study folder with study.toml and markers.csv" in outcome.err


def test_duplicated_names_and_mixed_units_are_results_with_reasons(
    folder: Path, run_cli: Run
) -> None:
    rows = "".join(f"L{n},{n * 3 % 7},{n * 5 % 7}\n" for n in range(12))
    (folder / "twice.csv").write_text("model,S6,S6\n" + rows, encoding="utf-8")
    long = "".join(f"L{n},S6,{n},{'ng' if n % 2 else 'ug'}\n" for n in range(12))
    (folder / "units.csv").write_text("line,marker,value,unit\n" + long, encoding="utf-8")
    for name, reason in (
        ("twice", "stands over columns 2 and 3"),
        ("units", "in 2 units: ng, ug"),
    ):
        words = ["markers", folder / "responses.csv", "--features", folder / f"{name}.csv"]
        content = json.loads(run_cli(*words, "--response", "effect", "--json").out)
        assert {row["status"] for row in content["associations"]} == {"undefined"}
        assert reason in content["associations"][0]["reason"]
        assert reason in content["warnings"][0]["message"]
