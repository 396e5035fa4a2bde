"""The how-to page on screening is true: its settings, commands, output, numbers and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.main import get_command

from oncovivo.cli.main import app, main
from oncovivo.evidence.screening import (
    DECISION_COLUMNS,
    DECISIONS,
    MERGE_REASONS,
    SCORE_WEIGHTS,
    SOURCE_KINDS,
    read_settings,
)
from oncovivo.evidence.screening.duplicates import (
    NEAR_SCORE,
    NEAR_TITLE,
    PAGES_TITLE,
    SAME_ID_TITLE,
)

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "screening"
PAGE = (ROOT / "docs" / "how-to" / "screen-a-search.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [
    dedent(part).strip("\n") for part in re.findall(r"(?m)(?:^ {4}.+\n|^\n(?= {4}))+", PROSE)
]


def command(*line: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(line))
    assert isinstance(left.value.code, int)
    return left.value.code


def words(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def commands() -> list[list[str]]:
    lines = [line for block in BLOCKS for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("oncovivo evidence")]


def test_the_commands_run_and_give_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (EXAMPLE / "exports").iterdir():
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "screening").mkdir()
    for name in ("screening.toml", "duplicates.csv", "screening.csv"):
        shutil.copy(EXAMPLE / name, tmp_path / "screening" / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    asked = commands()
    assert [line[1] for line in asked] == [
        "import",
        "duplicates",
        "screen",
        "screen",
        "screen",
        "screen",
        "prisma",
    ]
    deciding = [line for line in asked if "--decide" in line]
    for line in asked:
        if line not in deciding:
            assert command(*line) == 0, line
    shown = words(capsys.readouterr().out)
    outputs = [
        line.strip()
        for block in BLOCKS
        for line in block.splitlines()
        if re.match(r" *(?:\d+ rec|\w+ disagree|raters  |embase|pubmed\.nbib:9  |AB and)", line)
        or re.match(r"(?:records|duplicates|6 reports|in progress)", line)
    ]
    assert len(outputs) == 11
    for output in outputs:
        assert words(output) in shown
    # The decisions of the page are those that the example's log begins with.
    (tmp_path / "screening" / "screening.csv").unlink()
    assert command(*deciding[0]) == 0
    assert command(*deciding[1]) == 2
    assert "passed title and abstract" in capsys.readouterr().err


def test_the_settings_and_pairs_are_those_of_the_example(tmp_path: Path) -> None:
    shown = next(block for block in BLOCKS if block.startswith("title = "))
    (tmp_path / "screening.toml").write_text(shown, encoding="utf-8")
    assert read_settings(tmp_path / "screening.toml") == read_settings(EXAMPLE / "screening.toml")
    pairs = next(block for block in BLOCKS if block.startswith("record_id,other_id"))
    assert pairs + "\n" == (EXAMPLE / "duplicates.csv").read_text(encoding="utf-8")


def test_words_and_thresholds_are_those_of_the_code() -> None:
    table = PROSE.split("| reason |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", table)) - {"same"} == set(MERGE_REASONS)
    columns = PROSE.split("| column |")[1].split("\n\n")[0]
    first = "".join(line.split("|")[1] for line in columns.splitlines()[2:])
    assert tuple(re.findall(r"`([a-z_]+)`", first)) == DECISION_COLUMNS
    assert set(DECISIONS) <= set(re.findall(r"`([a-z_]+)`", columns))
    assert set(list(SOURCE_KINDS)[2:]) <= set(re.findall(r"[a-z_]+", PROSE))
    for words_before, value in (
        ("not less than", SAME_ID_TITLE),
        ("apart; titles", PAGES_TITLE),
        ("titles", NEAR_TITLE),
        ("a score of", NEAR_SCORE),
        ("title (weight", SCORE_WEIGHTS["title"]),
        ("pages (", SCORE_WEIGHTS["pages"]),
        ("author (", SCORE_WEIGHTS["author"]),
        ("year (", SCORE_WEIGHTS["year"]),
        ("journal (", SCORE_WEIGHTS["journal"]),
    ):
        assert f"{words_before} {value:.2f}".replace("( ", "(") in words(PROSE)


def test_its_options_are_those_of_the_commands() -> None:
    tree: Any = get_command(app)
    evidence = tree.commands["evidence"].commands
    known = {name for part in evidence.values() for option in part.params for name in option.opts}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 8
    assert asked <= known


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "screen-a-search.md", "exec"), {"__name__": "page"})
    assert output.getvalue().splitlines() == [
        "citations.json:1 is pubmed.nbib:8: doi",
        "embase.ris:1 is pubmed.nbib:1: doi",
        "citations.json:3 no_control",
        "embase.ris:8 no_control",
        "pubmed.nbib:5 no_animals",
        "6 reports of 4 studies",
    ]
