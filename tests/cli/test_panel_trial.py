"""``oncovivo panel FILE --treatments`` and ``oncovivo design trial``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from oncovivo.analyses.panel_trial import (
    PanelTrial,
    PanelTrialOptions,
    marker_groups,
    panel_trial,
    read_marker_groups,
)
from oncovivo.cli.design_trial import trial
from oncovivo.cli.panel import panel
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.panels import Panel
from tests.panels.trials import made_frame

EXAMPLE = Path(__file__).parents[2] / "examples" / "temsirolimus" / "protocol" / "trial.toml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A panel of eight lines with two drugs, and its markers."""
    frame = made_frame(21, effect=-0.05)
    other = made_frame(22, effect=-0.01)
    other = other[other["treatment"] == "drug"].assign(treatment="second")
    other["animal_id"] = other["animal_id"] + "-second"
    whole = pd.concat([frame, other[other["model"] != "L7"]])
    whole.to_csv(tmp_path / "growth.csv", index=False)
    calls = ["0", "MutNovel", "0", "Amp5;MutKnownFunctional", "Amp5", "MutNovel", "0", ""]
    markers = pd.DataFrame({"model": [f"L{n}" for n in range(8)], "PIK3CA": calls, "one": "0"})
    markers.to_csv(tmp_path / "markers.csv", index=False)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A command on its own."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(command: Callable[..., None], *arguments: object) -> Result:
        app = typer.Typer()
        app.command()(command)
        result = CliRunner().invoke(app, [str(part) for part in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_effects_subgroups_events_and_responses_are_one_object(
    files: Path, run: Callable[..., Result]
) -> None:
    arguments = ["--control", "none", "--treatments", "drug,second", "--by", "tumor_type"]
    arguments += ["--features", str(files / "markers.csv"), "--feature", "PIK3CA", "--json"]
    content = json.loads(run(panel, files / "growth.csv", *arguments).stdout)
    assert content["schema"] == "oncovivo.panel_trial/1"
    assert content["control"] == "none"
    assert content["options"]["by_tumor_type"] is True
    assert content["options"]["markers"] == ["PIK3CA"]
    assert content["options"]["features"]["name"] == "markers.csv"
    first, second = content["treatments"]
    assert [first["treatment"], second["treatment"]] == ["drug", "second"]
    assert [one["fit"]["n_lines"] for one in (first, second)] == [8, 7]
    effect = first["fit"]["effects"][0]
    # Holm over two treatments: the smaller p-value counts twice.
    smaller = min(one["fit"]["effects"][0]["p_value"] for one in (first, second))
    assert effect["p_value"] == smaller
    assert effect["p_holm"] == pytest.approx(2 * smaller)
    assert [part["by"] for part in first["subgroups"]] == ["tumor_type", "PIK3CA"]
    marker = first["subgroups"][1]["fit"]
    assert [row["group"] for row in marker["effects"]] == ["mutated", "not mutated"]
    assert [row["n_lines"] for row in marker["effects"]] == [3, 4]
    assert marker["subgroup_tests"][0]["df_denominator"] > 3
    assert {row["form"] for row in first["hazards"]} == {"frailty", "stratified", "marginal"}
    assert [row["paired"] for row in first["responses"]] == [True, True]
    assert [row["second"] for row in first["subgroups"][0]["responses"]] == ["B", "B"]


def test_the_screen_and_the_files_carry_the_same_numbers(
    files: Path, run: Callable[..., Result]
) -> None:
    out, figure = files / "effects.csv", files / "lines.svg"
    shown = run(
        panel,
        files / "growth.csv",
        *("--control", "none", "--treatments", "drug", "--by", "tumor_type"),
        *("-o", out, "--figure", figure),
    ).stdout
    table = pd.read_csv(out)
    row = table[(table["kind"] == "effect") & table["by"].isna()].iloc[0]
    assert f"{row['estimate']:+.4f}" in shown
    assert "does the effect differ?" in shown
    assert "lines share a factor" in shown
    assert len(table[table["kind"] == "line"]) == 8
    for name in ("lines.svg", "lines-tumor_type.svg", "lines-responses.svg"):
        assert "<svg" in (files / name).read_text(encoding="utf-8")


def test_without_treatments_animals_are_classified_as_before(
    files: Path, run: Callable[..., Result]
) -> None:
    content = json.loads(run(panel, files / "growth.csv", "--json").stdout)
    assert content["schema"] == "oncovivo.panel/1"
    assert len(content["animals"]) == 23


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--control", "none"], "--control and --treatments together"),
        (["--treatments", "drug"], "--control and --treatments together"),
        (["--by", "tumor_type"], "--control and --treatments with options"),
        (
            ["--control", "none", "--treatments", "drug", "--feature", "PIK3CA"],
            "--features and --feature together",
        ),
        (["--control", "none", "--treatments", "drug,third"], "a treatment of the panel"),
        (["--control", "none", "--treatments", "drug,drug"], "treatments, each once"),
        (["--control", "none", "--treatments", "none"], "treatments other than the control"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments: list[str], message: str, files: Path, run: Callable[..., Result]
) -> None:
    with pytest.raises(InputError, match=message):
        run(panel, files / "growth.csv", *arguments)


def test_a_treatment_that_shares_no_line_is_a_result_with_its_reason() -> None:
    frame = made_frame(23)
    lonely = frame[(frame["model"] != "L0") | (frame["treatment"] == "drug")]
    lonely = lonely.assign(
        treatment=lonely["treatment"].where(
            (lonely["model"] != "L0") | (lonely["treatment"] != "drug"), "lonely"
        )
    )
    options = PanelTrialOptions(control="none", treatments=("drug", "lonely"))
    result = panel_trial(Panel.from_frame(lonely), options)
    first, second = result.treatments
    assert first.fit is not None
    assert second.fit is None
    assert "at least two lines" in second.reason
    assert {hazard.status for hazard in second.hazards} == {"not_estimable"}
    adapter = TypeAdapter(PanelTrial)
    assert adapter.validate_json(adapter.dump_json(result)) == result


def test_markers_are_groups_or_are_refused(files: Path) -> None:
    path = files / "markers.csv"
    groups = read_marker_groups(path, ["PIK3CA"])["PIK3CA"]
    # A copy-number call alone is no mutation; a blank is no group.
    assert [groups.get(f"L{n}") for n in (0, 1, 3, 4, 7)] == [
        "not mutated",
        "mutated",
        "mutated",
        "not mutated",
        None,
    ]
    assert marker_groups({"a": "high", "b": "low"}, marker="x") == {"a": "high", "b": "low"}
    with pytest.raises(DataError, match="a marker that differs among lines"):
        read_marker_groups(path, ["one"])
    with pytest.raises(DataError, match="at most 8 different values"):
        marker_groups({str(n): n for n in range(9)}, marker="x")
    with pytest.raises(FileFormatError, match="a column KRAS"):
        read_marker_groups(path, ["KRAS"])
    again = files / "twice.csv"
    again.write_text("model,x\nL1,0\nL1,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="one row for each line, found L1 twice"):
        read_marker_groups(again, ["x"])
    again.write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="a table with a header"):
        read_marker_groups(again, ["x"])


def test_numbers_of_lines_and_animals_are_shown(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    out = tmp_path / "trial.csv"
    shown = run(trial, EXAMPLE, "-o", out).stdout
    assert "spend animals" in shown
    table = pd.read_csv(out)
    assert len(table) == 28
    assert f"{table['power'][0]:.1%}" in shown
    content = json.loads(run(trial, EXAMPLE, "--json").stdout)
    assert content["schema"] == "oncovivo.design_trial/1"
    assert content["seed"] is None
    assert content["cells"][0]["power"] == pytest.approx(table["power"][0])


def test_simulated_trials_stand_beside_the_closed_form(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    plan = tmp_path / "trial.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    text = text.replace("[6, 8, 10, 12, 16, 20, 30]", "[6]").replace("[1, 2, 3, 5]", "[1]")
    plan.write_text(text, encoding="utf-8")
    arguments = (plan, "--replicates", "3", "--seed", "7")
    content = json.loads(run(trial, *arguments, "--json").stdout)
    assert content["seed"] == 7
    assert content["simulated"][0]["replicates"] == 3
    assert content == json.loads(run(trial, *arguments, "--json").stdout)
    assert "seed 7" in run(trial, *arguments).stdout
