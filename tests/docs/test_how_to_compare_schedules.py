"""The how-to page on schedules is true: its file, command, output, options and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import pytest
from typer.main import get_command

from oncovivo.cli.main import app, main
from oncovivo.mechanism.schedule_file import Measure, read_schedules

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "compare-schedules.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.*\n|^\n)+", PROSE)]
EXAMPLE = ROOT / "examples/temsirolimus/mechanism/schedules/temsirolimus_786o.toml"


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def test_the_output_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")
    section = PROSE.split("## 2. Run it")[1].split("## 3.")[0]
    command, *lines = re.findall(r"(?m)^ {4}(.+)$", section)
    with pytest.raises(SystemExit) as left:
        main(shlex.split(command)[1:])
    assert left.value.code == 0
    printed = words(capsys.readouterr().out)
    assert len(lines) == 10
    for line in lines:
        assert words(line) in printed


def test_the_file_on_the_page_compares_what_the_example_compares(tmp_path: Path) -> None:
    text = next(block for block in BLOCKS if block.startswith("schema = "))
    simulation = EXAMPLE.parent.parent / "pathway_daily_vs_weekly.toml"
    path = tmp_path / "schedules" / "sample.toml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    (tmp_path / simulation.name).write_bytes(simulation.read_bytes())
    sample, example = read_schedules(path), read_schedules(EXAMPLE)
    assert sample.candidates == example.candidates
    assert sample.objectives == example.objectives
    assert (sample.draws, sample.negligible) == (example.draws, example.negligible)


def test_every_objective_and_option_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", PROSE.split("Two to four objectives")[1].split("## 2")[0]))
    assert set(get_args(Measure)) <= named
    commands: Any = get_command(app)
    schedule = commands.commands["mechanism"].commands["schedule"]
    known = {name for part in schedule.params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 5
    assert asked <= known


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "compare-schedules.md", "exec"), {"__name__": "page"})
    first, *lines = output.getvalue().splitlines()
    assert first == "12 regimens, 16 assumed numbers"
    assert "temsirolimus 0.1 mg/kg i.v. qw x21 d" in lines[0]
    assert all(re.fullmatch(r"temsirolimus .+ x21 d: 0\.\d\d, \d+%", line) for line in lines)
