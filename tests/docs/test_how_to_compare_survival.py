"""The how-to page on survival is true: its commands, output, options and example."""

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
from oncovivo.survival import parse_event
from oncovivo.survival.events import parse_reasons

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "compare-survival.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.+\n)+", PROSE)]
COMMAND = next(block for block in BLOCKS if block.startswith("oncovivo survival"))


def command(*line: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(line))
    assert isinstance(left.value.code, int)
    return left.value.code


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def test_the_output_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "160")
    assert command(*shlex.split(COMMAND)[1:]) == 0
    shown = words(capsys.readouterr().out)
    outputs = [block for block in BLOCKS if not block.startswith("oncovivo")]
    assert len(outputs) == 5
    for line in "\n".join(outputs).splitlines():
        assert words(line) in shown


def test_its_options_are_those_of_the_command() -> None:
    commands: Any = get_command(app)
    known = {name for part in commands.commands["survival"].params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 10
    assert asked <= known


def test_the_events_and_reasons_that_it_names_are_read() -> None:
    listed = PAGE.split("Choose the event before looking:")[1].split("Write in")[0]
    named = re.findall(r"`([a-z_]+(?::\d+)?)`", listed)
    assert len({parse_event(word) for word in named}) == len(named) == 8
    for reason, role in re.findall(r"--reason (\w+)=(\w+)", PAGE):
        assert parse_reasons({reason: role})


def test_a_table_as_it_says_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "survival.csv"
    table.write_text(
        "animal_id,treatment,time_days,cause,cluster,strata,study,model\n"
        "1,c,5,tumor_related,a,x,s,m\n2,c,7,tumor_related,a,y,s,m\n3,c,8,censored,b,x,s,m\n"
        "4,t,9,tumor_related,b,y,s,m\n5,t,12,alive,c,x,s,m\n6,t,6,toxicity,c,y,s,m\n",
        encoding="utf-8",
    )
    assert command("survival", str(table), "--control", "c", "--json") == 0
    assert '"Columns not read' not in capsys.readouterr().out


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "compare-survival.md", "exec"), {"__name__": "page"})
    lines = output.getvalue().splitlines()
    assert lines == [
        "p 0.0016, 12870 relabelings, all: True",
        "temsirolimus: 0.0722 by cox",
        "perifosine: 0.1564 by cox",
        "temsirolimus + perifosine: 0.0024 by firth",
    ]
