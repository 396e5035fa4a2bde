"""The how-to page on exchange is true: its command, formats and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from oncovivo.analyses.exchange import ExportFormat
from oncovivo.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "exchange-a-model.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")


def test_the_command_writes_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"(?m)^ {4}(oncovivo .+)$", PROSE)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(shlex.split(command)[1:])
    assert left.value.code == 0
    assert (tmp_path / "renal.xml").read_text(encoding="utf-8").startswith("<?xml")


def test_the_formats_are_those_of_the_command() -> None:
    table = PROSE.split("| --- | --- | --- |\n")[1]
    assert re.findall(r"(?m)^\| `(\w+)`", table) == list(get_args(ExportFormat))


def test_the_example_runs() -> None:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        exec(compile(CODE.split("```")[0], "exchange-a-model.md", "exec"), {"__name__": "page"})
    # 12 days of growth after 2, less the area of the drug: 10/0.7 (1 - e^(-0.7*12))
    assert shown.getvalue().startswith("{'tumor': 613.")
    assert "days are assumed" in shown.getvalue()
