"""The tutorial is true: its files build as it says, and its page shows what they hold."""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oncovivo.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial" / "first-guide.md").read_text(encoding="utf-8")
BLOCKS = [
    textwrap.dedent(block)
    for block in re.findall(r"(?m)(?:^(?: {4}.*)?\n)+", PAGE)
    if block.strip()
]


@pytest.fixture
def example(load_file: Callable[[Path], ModuleType]) -> ModuleType:
    return load_file(ROOT / "docs" / "examples" / "first_guide.py")


@pytest.fixture
def guide(example: ModuleType, tmp_path: Path) -> Path:
    folder = tmp_path / "my-guide"
    example.write_guide(folder)
    return folder


def command(*line: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in line])
    assert isinstance(left.value.code, int)
    return left.value.code


def block_with(words: str) -> str:
    (block,) = [block for block in BLOCKS if words in block]
    return block


def test_the_first_build_fails_and_the_second_holds(
    guide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert command("guide", "build", guide, "-o", out) == 1
    shown = block_with("guide build").split("oncovivo: ", 1)[1].split(" …")[0]
    assert shown in capsys.readouterr().err
    assert not out.exists()
    claims = guide / "claims.toml"
    text = claims.read_text(encoding="utf-8")
    claims.write_text(
        text.replace('expect = "supported"', block_with('partly_supported"').strip()),
        encoding="utf-8",
    )
    assert command("guide", "build", guide, "-o", out) == 0
    assert (out / "index.html").is_file()


def test_the_lint_finds_nothing_until_the_paper_is_called_a_trial(guide: Path) -> None:
    assert command("evidence", "lint", guide) == 0
    references = guide / "evidence" / "references.json"
    text = references.read_text(encoding="utf-8")
    assert "`clinical_trial` instead of `primary_mixed`" in PAGE
    references.write_text(text.replace("primary_mixed", "clinical_trial"), encoding="utf-8")
    assert command("evidence", "lint", guide) == 1


def test_the_page_shows_the_files(example: ModuleType) -> None:
    assert tomllib.loads(block_with("[guide]")) == tomllib.loads(example.GUIDE)
    assert tomllib.loads(block_with("[[claim]]")) == tomllib.loads(example.CLAIMS)
    assert json.loads(block_with('"DOI"')) == example.REFERENCES


def test_the_table_of_the_page_shows_the_row(example: ModuleType) -> None:
    shown: dict[str, Any] = dict(re.findall(r"(?m)^\| `(\w+)` \| `(.+)` \|$", PAGE))
    assert len(shown) > 10
    assert shown.items() <= example.ROW.items()
