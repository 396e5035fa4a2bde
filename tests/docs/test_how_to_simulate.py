"""The how-to page on simulations is true: its commands, output, options, regimens and examples."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.main import get_command

from oncovivo.cli.main import app, main
from oncovivo.mechanism.simulation_file import read_simulation
from oncovivo.studies.regimen import parse_regimen

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "simulate-a-regimen.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.*\n|^\n)+", PROSE)]
BLOCKS = [block for block in BLOCKS if block]
COMMANDS = [block for block in BLOCKS if block.startswith("oncovivo simulate")]
SAMPLE = next(block for block in BLOCKS if block.startswith("schema = "))


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def shown(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints."""
    with pytest.raises(SystemExit) as left:
        main(shlex.split(line)[1:])
    assert left.value.code == 0
    return words(capsys.readouterr().out)


def test_the_output_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "160")
    printed = shown(COMMANDS[0], capsys)
    section = PROSE.split("## 2. Run it")[1].split("## 3.")[0]
    lines = [line for line in re.findall(r"(?m)^ {4}(.+)$", section) if "oncovivo" not in line]
    assert len(lines) > 12
    for line in lines:
        assert words(line) in printed


def test_a_virtual_study_is_written_and_read_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    section = PROSE.split("## 4. Make a virtual study")[1].split("## 5.")[0]
    made, *read = re.findall(r"(?m)^ {4}(oncovivo .+)$", section)
    assert len(read) == 2
    assert "virtual study" in shown(made.replace("build/virtual", str(tmp_path)), capsys)
    for line in read:
        assert "SIMULATED" in shown(line.replace("build/virtual", str(tmp_path)), capsys)


def test_its_options_are_those_of_the_command() -> None:
    commands: Any = get_command(app)
    known = {name for part in commands.commands["simulate"].params for name in part.opts}
    other = {name for part in commands.commands["growth"].params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 8
    assert asked <= known | other
    table = PROSE.split("## 5. Which option when")[1]
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", table)) <= known


def test_the_regimens_that_it_names_are_read() -> None:
    section = PROSE.split("## Regimens")[1].split("Days count")[0]
    named = re.findall(r"`([^`]+)`", section)
    for text in named:
        if text not in ("compound dose route schedule", "then", "+"):
            assert parse_regimen(text).treatments, text
    assert len(named) > 8


def test_its_sample_file_is_a_simulation(tmp_path: Path) -> None:
    path = tmp_path / "sample.toml"
    path.write_text(SAMPLE, encoding="utf-8")
    assert [arm.name for arm in read_simulation(path).arms] == ["untreated", "once", "three times"]


def test_every_file_of_the_example_is_listed() -> None:
    folder = ROOT / "examples" / "temsirolimus" / "mechanism"
    listed = re.findall(r"(?m)^\| `(\w+\.toml)` \|", PROSE)
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.toml"))


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "simulate-a-regimen.md", "exec"), {"__name__": "page"})
    assert output.getvalue().splitlines() == [
        "3 of 12 numbers are assumed",
        "day 7: paclitaxel 123 mm³, 0.33 of vehicle",
        "day 14: paclitaxel 821 mm³, 0.33 of vehicle",
    ]
