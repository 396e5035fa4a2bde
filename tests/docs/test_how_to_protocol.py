"""The how-to page on protocols is true: its commands, files, items and findings."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import get_args

import pytest

from oncovivo.cli.main import main
from oncovivo.design.protocol import FindingCode
from oncovivo.design.protocol_items import PROTOCOL_SECTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-a-protocol.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "examples" / "temsirolimus" / "protocol" / "protocol.toml").read_text("utf-8")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.+\n|^\n(?= {4}))+", PAGE)]
COMMANDS = [block for block in BLOCKS if block.startswith("oncovivo")]


def rows_after(heading: str) -> list[list[str]]:
    """Cells of the table whose first heading it is."""
    block = PAGE.split(f"| {heading} |")[1].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in block.splitlines()[2:]
    ]


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples", target_is_directory=True)
    codes = {}
    for line in COMMANDS:
        # A page takes as long to set as it is long; that it is one is tested with the command.
        words = shlex.split(line.replace("protocol.pdf", "protocol.html"))
        with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as left:
            main(words[1:])
        codes[words[3]] = left.value.code
    assert codes == {"check": 1, "examples/temsirolimus/protocol/protocol.toml": 0}
    assert (tmp_path / "protocol.html").is_file()


def test_what_the_page_shows_is_in_the_example() -> None:
    shown = [block for block in BLOCKS if not block.startswith(("oncovivo", "[protocol]"))]
    assert len(shown) == 4
    for block in shown:
        for line in block.splitlines():
            assert line.strip() in PROTOCOL, line
    guide = (ROOT / "examples" / "temsirolimus" / "guide.toml").read_text(encoding="utf-8")
    assert 'path = "protocol/protocol.toml"' in guide


def test_the_items_of_the_page_are_those_of_the_code() -> None:
    listed = [[re.findall(r"`(\w+)`", cell) for cell in row] for row in rows_after("section")]
    assert listed == [
        [
            [section.section_id],
            [item.key for item in section.items if item.file is None],
            [item.key for item in section.items if item.file is not None],
        ]
        for section in PROTOCOL_SECTIONS
    ]


def test_the_findings_of_the_page_are_those_of_the_code() -> None:
    assert tuple(row[0].strip("`") for row in rows_after("finding")) == get_args(FindingCode)
