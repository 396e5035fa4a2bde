"""The how-to page on allocation is true: its design, commands, output, options and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.main import get_command

from oncovivo.analyses.allocation import read_record
from oncovivo.cli.main import app, main
from oncovivo.design import AllocationDesign, ArmPlan, read_allocation_design
from oncovivo.design.allocation_input import ANIMAL_COLUMNS
from oncovivo.design.allocation_plan import METHODS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "temsirolimus" / "protocol"
PAGE = (ROOT / "docs" / "how-to" / "allocate-animals.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [
    dedent(part).strip("\n") for part in re.findall(r"(?m)(?:^ {4}.+\n|^\n(?= {4}))+", PROSE)
]
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("oncovivo")]


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def test_the_commands_run_and_give_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("animals.csv", "allocation.toml"):
        shutil.copy(EXAMPLE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert len(COMMANDS) == 4
    for command in COMMANDS:
        if "rerandomize" in command:
            _write_growth(tmp_path)
        with pytest.raises(SystemExit) as left:
            main(shlex.split(command)[1:])
        assert left.value.code == 0, command
    shown = words(capsys.readouterr().out)
    block = next(block for block in BLOCKS if "not allocated" in block)
    outputs = [line for line in block.splitlines() if line and line not in COMMANDS]
    assert len(outputs) == 7
    for line in outputs:
        assert words(line) in shown
    names = sorted(path.name for path in tmp_path.iterdir())
    written = ["allocation.csv", "blinded.csv", "growth.csv", "key.csv", "record.json"]
    assert names == sorted([*written, "allocation.toml", "animals.csv"])


def _write_growth(folder: Path) -> None:
    """A made-up study of the animals of the record."""
    rows = ["animal_id,treatment,day,volume_mm3"]
    for number, (name, arm) in enumerate(read_record(folder / "record.json").arm_of().items()):
        rows += [f"{name},{arm},{day},{150 * 1.1**day + number % 7}" for day in (0, 3, 7, 14)]
    (folder / "growth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_the_design_is_that_of_the_example(tmp_path: Path) -> None:
    shown = next(block for block in BLOCKS if block.startswith("title = "))
    path = tmp_path / "allocation.toml"
    path.write_text(shown, encoding="utf-8")
    page, example = (
        read_allocation_design(file).design for file in (path, EXAMPLE / "allocation.toml")
    )
    assert [name for name, _ in page.excluded] == [name for name, _ in example.excluded]
    assert replace(page, title="", excluded=()) == replace(example, title="", excluded=())


def test_its_options_methods_columns_and_defaults_are_those_of_the_code() -> None:
    tree: Any = get_command(app)
    commands = tree.commands["design"].commands
    known = {
        name
        for command in ("allocate", "rerandomize")
        for option in commands[command].params
        for name in option.opts
    }
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 6
    assert asked <= known
    methods = PROSE.split("| `method` |")[1].split("\n\n")[0]
    assert tuple(re.findall(r"(?m)^\| `([a-z_]+)` \|", methods)) == METHODS
    columns = PROSE.split("| column |")[1].split("\n\n")[0]
    first = " ".join(line.split("|")[1] for line in columns.splitlines()[2:])
    assert tuple(re.findall(r"`([a-z_0-9]+)`", first)) == ANIMAL_COLUMNS
    design = AllocationDesign(arms=(ArmPlan(name="a"), ArmPlan(name="b")), method="restricted")
    assert design.volume_window == (100.0, 200.0)
    assert "`volume_mm3` is 100 to 200 unless you say otherwise" in PROSE
    assert f"`variance_weight = {design.variance_weight}`" in PROSE


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "allocate-animals.md", "exec"), {"__name__": "page"})
    lines = output.getvalue().splitlines()
    assert lines[:2] == ["vehicle: 14, 139 mm³", "temsirolimus 2 mg/kg: 8, 134 mm³"]
    assert re.fullmatch(r"difference -0\.0\d\d per day, p = 0\.00\d\d", lines[4])
