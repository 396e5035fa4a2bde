"""``oncovivo mechanism export``: files for other programs, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from oncovivo.mechanism.exchange.antimony_text import read_antimony
from oncovivo.mechanism.exchange.nonmem import read_nonmem
from oncovivo.mechanism.exchange.sbml_in import read_sbml
from tests.cli.conftest import Outcome

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus" / "mechanism"
RENAL = FOLDER / "renal_786o.toml"
STUDY = FOLDER.parent / "studies" / "four_arm_simulated"

Command = Callable[..., Outcome]


def _export(run: Command, file: Path, out: Path, *more: str | Path) -> Outcome:
    return run("mechanism", "export", file, "-o", out, *more)


def test_sbml_of_an_arm_is_written_and_reads_back(run_cli: Command, tmp_path: Path) -> None:
    out = tmp_path / "new" / "renal.xml"
    found = _export(run_cli, RENAL, out, "--format", "sbml", "--arm", "temsirolimus")
    assert (found.code, found.err) == (0, "")
    assert found.out.strip() == str(out)
    assert read_sbml(out).block.name == "renal_786o"


def test_antimony_is_written_and_reads_back(run_cli: Command, tmp_path: Path) -> None:
    out = tmp_path / "human.ant"
    arm = "infused in 30 min"
    found = _export(run_cli, FOLDER / "pk_human.toml", out, "--format", "antimony", "--arm", arm)
    assert found.code == 0
    assert len(read_antimony(out).events) == 2


def test_text_for_rxode2_says_that_it_was_not_executed(run_cli: Command, tmp_path: Path) -> None:
    out = tmp_path / "renal.R"
    found = _export(run_cli, RENAL, out, "--format", "rxode2", "--arm", "temsirolimus")
    assert found.code == 0
    assert "The text was not executed here." in found.out
    assert out.read_text(encoding="utf-8").startswith("# not executed here")


def test_a_dataset_comes_with_its_key_and_the_same_bytes(run_cli: Command, tmp_path: Path) -> None:
    for name in ("one", "other"):
        out = tmp_path / f"{name}.csv"
        found = _export(run_cli, RENAL, out, "--format", "nonmem", "--seed", "3", "--json")
        assert found.code == 0
        said = json.loads(found.out)
        assert said["schema"] == "oncovivo.mechanism_export/1"
        assert said["seed"] == 3
        assert said["written"] == [f"{name}.csv", f"{name}_key.csv"]
        assert said["notes"] == ["The animals are virtual."]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert len(read_nonmem(tmp_path / "one.csv").subjects) == 32
    assert (tmp_path / "one_key.csv").read_text(encoding="utf-8").startswith("column,number,name")


def test_a_study_of_one_arm_is_written(run_cli: Command, tmp_path: Path) -> None:
    studies = tmp_path / "study"
    drawn = run_cli(
        "simulate", FOLDER / "paclitaxel_a2780.toml", "--virtual", "1", "--study-out", studies
    )
    assert drawn.code == 0
    out = tmp_path / "data.csv"
    found = _export(
        run_cli,
        FOLDER / "paclitaxel_a2780.toml",
        out,
        "--format",
        "nonmem",
        "--study",
        studies,
        "--arm",
        "paclitaxel",
    )
    assert found.code == 0
    assert len(read_nonmem(out).subjects) == 8


@pytest.mark.parametrize(
    ("file", "out", "more", "code", "line"),
    [
        (RENAL, "m.xml", ["--format", "sbml"], 2, "name it with --arm"),
        (RENAL, "m.xml", ["--format", "sbml", "--arm", "x"], 2, "an arm of the simulation"),
        (RENAL, "m.txt", ["--format", "sbml", "--arm", "vehicle"], 2, "ending in .xml or .sbml"),
        (RENAL, "m.xml", ["--format", "pdf"], 2, "--format"),
        (RENAL, "m.xml", ["--format", "sbml", "--study", "s"], 2, "--study with --format nonmem"),
        (FOLDER / "none.toml", "m.xml", ["--format", "sbml"], 2, "a simulation file"),
        (FOLDER / "pk_human.toml", "m.csv", ["--format", "nonmem"], 3, "--study"),
        (RENAL, "m.csv", ["--format", "nonmem", "--study", STUDY], 2, "arms of the simulation"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_an_exit_code(
    run_cli: Command,
    tmp_path: Path,
    file: Path,
    out: str,
    more: list[str | Path],
    code: int,
    line: str,
) -> None:
    found = _export(run_cli, file, tmp_path / out, *more)
    assert found.code == code
    assert line in found.err
    assert len(found.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_exit_2(run_cli: Command, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file", encoding="utf-8")
    out = tmp_path / "folder" / "m.xml"
    found = _export(run_cli, RENAL, out, "--format", "sbml", "--arm", "vehicle")
    assert found.code == 2
    assert len(found.err.strip().splitlines()) == 1
