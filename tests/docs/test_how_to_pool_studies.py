"""The how-to page on pooling is true: its table, commands, output, options and example."""

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

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "pool-studies.md").read_text(encoding="utf-8")
TABLE = PAGE.split("```text\n")[1].split("```")[0]
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.+\n)+", PROSE)]
COMMANDS = [block for block in BLOCKS if block.startswith("oncovivo meta")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table, where the commands are run."""
    (tmp_path / "effects.csv").write_text(TABLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def test_the_outputs_are_those_of_the_commands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(COMMANDS) == 2
    for command in COMMANDS:
        with pytest.raises(SystemExit) as left:
            main(shlex.split(command)[1:])
        assert left.value.code == 0
    shown = words(capsys.readouterr().out)
    outputs = [block for block in BLOCKS if block not in COMMANDS]
    assert len(outputs) == 5
    for line in "\n".join(outputs).splitlines():
        assert words(line) in shown
    assert sorted(path.name for path in folder.glob("*.svg")) == ["pool-funnel.svg", "pool.svg"]


def test_its_options_are_those_of_the_command() -> None:
    commands: Any = get_command(app)
    known = {name for part in commands.commands["meta"].params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 10
    assert asked <= known


@pytest.mark.usefixtures("folder")
def test_the_options_of_its_table_run(capsys: pytest.CaptureFixture[str]) -> None:
    asked = re.findall(r"(?m)^\| .+ \| `(--[^`]+)`", PROSE)
    # No year and no column of dispersions in the table of the page.
    asked = [one for one in asked if "year" not in one and "subgroup" not in one]
    assert len(asked) == 7
    for option in asked:
        with pytest.raises(SystemExit) as left:
            main(["meta", "effects.csv", "--measure", "ROM", *shlex.split(option), "--json"])
        assert left.value.code == 0, option
        assert capsys.readouterr().out.startswith("{")


@pytest.mark.usefixtures("folder")
def test_the_python_example_runs() -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "pool-studies.md", "exec"), {"__name__": "page"})
    lines = output.getvalue().splitlines()
    assert lines[0].startswith("The mean of treated animals is 0.431 times that of controls")
    assert lines[1:] == [
        "breast: -0.681 (-1.311 to -0.050)",
        "glioma: -1.107 (-1.751 to -0.463)",
        "kidney: -0.711 (-1.466 to 0.043)",
    ]
