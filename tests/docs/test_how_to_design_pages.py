"""The how-to pages on doses and humane endpoints are true: commands, files, tables, numbers."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import get_args

import pytest

from oncovivo.analyses.design_doses import read_dose_plan
from oncovivo.cli.main import main
from oncovivo.design.dose_volumes import CEILINGS
from oncovivo.design.endpoint_rules import Quantity, read_profile

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "temsirolimus" / "protocol"
DOSES = (ROOT / "docs" / "how-to" / "plan-doses.md").read_text(encoding="utf-8")
ENDPOINTS = (ROOT / "docs" / "how-to" / "watch-endpoints.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^ {4}(oncovivo .+)$", DOSES + ENDPOINTS)


def output(line: str) -> tuple[int | str | None, str]:
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught), pytest.raises(SystemExit) as left:
        main(shlex.split(line)[1:])
    return left.value.code, caught.getvalue()


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_pages_runs(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    code, shown = output(line)
    # One animal of the example has to be weighed again.
    assert code == (1 if "design doses" in line else 0)
    assert shown


def test_the_pages_have_their_three_commands() -> None:
    assert [line.split()[2] for line in COMMANDS] == ["doses", "schedule", "endpoints"]


def test_lines_of_the_projections_are_those_of_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "80")
    _, shown = output(next(line for line in COMMANDS if "endpoints" in line))
    rows = re.findall(r"(?m)^ {5}(S\d+ .+?)\s*$", ENDPOINTS)
    assert len(rows) == 2
    found = [" ".join(row.split()) for row in shown.splitlines()]
    for row in rows:
        assert " ".join(row.split()) in found


def test_the_files_of_the_pages_are_parts_of_the_example() -> None:
    for page, name in ((DOSES, "doses.toml"), (ENDPOINTS, "endpoints.toml")):
        block = re.search(r"(?m)(?:^ {4}[^\n]+\n|\n(?= {4}))+", page)
        assert block is not None
        entries = (EXAMPLE / name).read_text(encoding="utf-8").split("\n\n")
        for part in dedent(block.group()).strip().split("\n\n"):
            assert any(part in entry for entry in entries), part
    assert read_profile(EXAMPLE / "endpoints.toml").volume_limit == 1500
    assert len(read_dose_plan(EXAMPLE / "doses.toml").formulations) == 4


def test_every_quantity_is_on_the_page() -> None:
    listed = re.findall(r"(?m)^\| (`[^|]+`) \|", ENDPOINTS)
    assert {name for cell in listed for name in re.findall(r"`(\w+)`", cell)} == set(
        get_args(Quantity)
    )


@pytest.mark.parametrize("species", ["mouse", "rat"])
def test_the_ceilings_of_the_page_are_those_of_the_code(species: str) -> None:
    row = re.search(rf"(?m)^\| {species} \|(.+)\|$", DOSES)
    assert row is not None
    values = [float(cell) for cell in row.group(1).split("|")]
    ceilings: Mapping[str, float] = {
        route.value: limit for route, limit in CEILINGS[species].items()
    }
    assert values == [ceilings[route] for route in ("p.o.", "s.c.", "i.p.", "i.v.")]


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = DOSES.split("```python\n")[1].split("```")[0]
    exec(compile(code, "plan-doses.md", "exec"), {})
    assert capsys.readouterr().out == "60 mg/m², 1.6 mg/kg in humans\n"
