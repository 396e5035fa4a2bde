"""The pages on combinations are true: command, output, options and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import pytest
from typer.main import get_command

from oncovivo.analyses.project import CombinationEntry
from oncovivo.cli.main import app, main
from oncovivo.combination.result import Null, Scale

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "test-a-combination.md").read_text(encoding="utf-8")
BACKGROUND = (ROOT / "docs" / "background" / "combinations.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [
    dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4,6}[^-\s].+\n|^ {6,}.+\n)+", PROSE)
]
COMMAND = next(block for block in BLOCKS if block.startswith("oncovivo synergy"))


def words(text: str) -> str:
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
    outputs = [b for b in BLOCKS if not b.startswith(("oncovivo", "[["))]
    assert len(outputs) == 2
    for line in "\n".join(outputs).splitlines():
        assert words(line) in shown


@pytest.mark.parametrize("page", [PROSE, BACKGROUND])
def test_the_options_are_those_of_the_command(page: str) -> None:
    commands: Any = get_command(app)
    known = {name for part in commands.commands["synergy"].params for name in part.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", page))
    assert len(asked) >= 5
    assert asked <= known


def test_the_background_names_every_null_model_and_scale() -> None:
    for scale in get_args(Scale):
        assert f"| `{scale}` |" in BACKGROUND
    for null in get_args(Null):
        assert null.replace("_", " ").replace("hsa", "highest single agent") in BACKGROUND.lower()


def test_the_table_of_a_guide_is_read() -> None:
    (block,) = [b for b in BLOCKS if b.startswith("[[study.combination]]")]
    (entry,) = tomllib.loads(dedent(block))["study"]["combination"]
    assert CombinationEntry.model_validate(entry).combination == "temsirolimus + perifosine"


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(CODE.split("```")[0], {})
    assert printed.getvalue() == "1.01 not_shown\n"
