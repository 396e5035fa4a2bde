"""The how-to page on numbers of animals is true: file, entries, commands, numbers, code."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any, get_args

import pytest
from typer.main import get_command

from oncovivo.cli.main import app, main
from oncovivo.design.power_closed_form import power_closed_form
from oncovivo.design.power_file import read_power_file, read_power_plan
from oncovivo.design.power_plan import PowerArm, PowerPlan, PowerQuestion
from oncovivo.design.power_rules import parse_response
from oncovivo.survival.events import parse_event

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "temsirolimus" / "protocol"
PAGE = (ROOT / "docs" / "how-to" / "plan-animals.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
COMMANDS = re.findall(r"(?m)^ {4}(oncovivo .+)$", PROSE)


def test_the_command_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = COMMANDS
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLE / "power.toml", tmp_path)
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught), pytest.raises(SystemExit) as left:
        main([*shlex.split(line)[1:], "--replicates", "20"])
    assert left.value.code == 0
    for word in ("power ± error", "type I", "80% for", "to day 28"):
        assert word in caught.getvalue()
    assert (tmp_path / "power.csv").exists()
    assert (tmp_path / "power.svg").exists()


def test_the_options_are_those_of_the_command() -> None:
    commands: Any = get_command(app)
    known = {
        name for part in commands.commands["design"].commands["power"].params for name in part.opts
    }
    asked = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", PROSE))
    assert asked == {"--animals", "--last-day", "--figure", "--power"}
    assert asked <= known


def test_the_file_of_the_page_is_the_start_of_the_example() -> None:
    block = re.search(r"(?m)(?:^ {4}[^\n]+\n|\n(?= {4}))+", PAGE)
    assert block is not None
    text = re.sub(r" +#.*", "", (EXAMPLE / "power.toml").read_text(encoding="utf-8"))
    for part in dedent(block.group()).strip().split("\n\n"):
        assert part in text
    plan, seed = read_power_plan(EXAMPLE / "power.toml")
    assert (plan.question, seed, len(plan.arms)) == ("bliss", 20261123, 4)
    assert read_power_file(EXAMPLE / "power_events.toml").reference is not None


def test_every_question_and_entry_is_on_the_page() -> None:
    first, second = re.findall(r"(?s)\| (?:entry|question) \|.*?\n\n", PAGE)
    entries = set(re.findall(r"(?m)^\| `(\w+)` \|", first))
    assert entries == {
        "question", "days", "day", "bound", "event", "response", "size_limit_mm3", "limit_mm3",
        "below_limit", "allocation", "model", "start", "variation", "reference", "cages", "level",
    }  # fmt: skip
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", second)) == set(get_args(PowerQuestion))
    assert parse_event("quadrupling") == parse_event("multiple:4")
    for word in ("regression:30", "CR", "PR", "SD"):
        assert f"`{word}`" in first
        parse_response(word)


def test_the_numbers_beside_synergylmm_are_those_of_its_defaults() -> None:
    # Its defaults: 0.08, 0.07, 0.06, 0.03 per day, readings on days 0, 3, 5, 10 of 8 animals.
    rates = (0.08, 0.07, 0.06, 0.03)
    found = re.search(r'`model = "ratio"`, gives (0\.\d+)', PAGE)
    assert found is not None
    plan = PowerPlan(
        arms=tuple(PowerArm(name=str(n), animals=8, rate=r) for n, r in enumerate(rates)),
        days=(0, 3, 5, 10),
        question="bliss",
        model="ratio",
        start_sd=0.0,
        rate_sd=0.01,
        reading_sd=0.1,
    )
    assert f"{power_closed_form(plan)[0].power:.2f}" == found.group(1)


def test_the_code_of_the_page_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    code = CODE.split("```")[0]
    exec(compile(code, "plan-animals.md", "exec"), {})
    shown = capsys.readouterr().out
    assert re.match(r"synergy under Bliss: \d+% ± [\d.]+%\n0\.\d+ \(0\.0\d+,\)\n", shown)
