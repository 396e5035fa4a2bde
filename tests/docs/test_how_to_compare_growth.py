"""The how-to page on growth is true: its commands, output, options and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from oncovivo.cli.growth import growth
from oncovivo.cli.main import app, main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "compare-growth.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.+\n)+", PROSE)]
COMMAND = next(block for block in BLOCKS if block.startswith("oncovivo growth"))


def growth_options() -> list[tuple[list[str], tuple[str, ...]]]:
    """Names of each option of the command, and the words that it takes, if only some."""
    hints = get_type_hints(growth)
    command: Any = get_command(app)
    return [
        (
            parameter.opts,
            get_args(hint) if get_origin(hint := hints[parameter.name]) is Literal else (),
        )
        for parameter in command.commands["growth"].params
        if parameter.param_type_name == "option"
    ]


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def test_the_output_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit) as left:
        main(shlex.split(COMMAND)[1:])
    assert left.value.code == 0
    shown = words(capsys.readouterr().out)
    outputs = [block for block in BLOCKS if not block.startswith("oncovivo")]
    assert len(outputs) == 5
    for line in "\n".join(outputs).splitlines():
        assert words(line) in shown


def test_its_options_are_those_of_the_command() -> None:
    known = {name: choices for names, choices in growth_options() for name in names}
    table = re.findall(r"(?m)^\| .+ \| (.+) \|$", PROSE)
    asked = re.findall(r"(--?[a-z-]+)(?: ([a-z0-9]+))?", " ".join(table).replace("---", ""))
    assert len(asked) > 10
    for option, value in asked:
        assert not known[option] or value in known[option], (option, value)


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "compare-growth.md", "exec"), {"__name__": "page"})
    lines = output.getvalue().splitlines()
    assert lines[0].startswith("-0.0470 per day")
    assert lines[1].startswith("Bliss 0.0005 (")
    assert lines[3] == "no single animal changes a conclusion"
