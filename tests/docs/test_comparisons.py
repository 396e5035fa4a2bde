"""The record of comparisons is complete: no section of the reference and no test is left out."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "validation" / "comparisons"
AGAIN = "run: python validation/comparisons/record.py, then python docs/generate.py"
# Files whose every test is about a defect of another program.
OF_DEFECTS = ("tests/endpoints/test_peer_defects.py", "tests/combination/test_tool_defects.py")


def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "comparisons.json").read_text(encoding="utf-8"))
    return found


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def functions(path: str) -> dict[str, set[str]]:
    """Test functions of a file with their arguments."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: {argument.arg for argument in node.args.args}
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return (ROOT / path).is_file() and name in functions(path)


def reading_tests() -> set[str]:
    """Every test that asks for reference results itself."""
    paths = (path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
    return {
        f"{path}::{name}"
        for path in paths
        if not path.startswith("tests/docs/")
        for name, arguments in functions(path).items()
        if "shared_reference" in arguments
    }


def test_every_test_of_the_record_is_there() -> None:
    named = {test for section in record()["sections"] for test in section["tests"]}
    assert len(named) > 90
    assert [test for test in sorted(named) if not exists(test)] == [], AGAIN


def test_every_test_that_reads_reference_results_is_in_the_record() -> None:
    found = record()
    named = {test for section in found["sections"] for test in section["tests"]}
    assert reading_tests() <= {*named, *found["read_no_result"]}, AGAIN


def test_a_section_is_compared_or_says_why_not(
    load_file: Callable[[Path], ModuleType],
) -> None:
    is_compared = load_file(ROOT / "docs" / "generate.py")._is_compared
    about = toml("sections.toml")
    sections = record()["sections"]
    assert set(about) == {section["section"] for section in sections}
    left_out = {section["section"] for section in sections if not is_compared(section)}
    assert left_out == {key for key, words in about.items() if "not_compared" in words}
    assert all(words["tool"] and words["what"] for words in about.values())
    assert sum(map(is_compared, sections)) >= 219


@pytest.mark.realdata
def test_the_record_has_every_section_of_every_reference_file(
    shared_data: Callable[[str], Path],
) -> None:
    folder = shared_data("pdxe").parents[1] / "reference"
    there = {
        (path.name.removesuffix(".json"), key): set(section["results"])
        for path in folder.glob("*.json")
        for key, section in json.loads(path.read_text(encoding="utf-8"))["sections"].items()
    }
    recorded = {
        (section["file"], section["section"]): {*section["read"], *section["not_read"]}
        for section in record()["sections"]
    }
    assert recorded == there, AGAIN


def test_a_disagreement_names_tests_that_are_there() -> None:
    every = toml("disagreements.toml")["disagreement"]
    assert [test for one in every for test in one["tests"] if not exists(test)] == []
    assert all(one["tests"] for one in every)
    titles = [(one["tool"], one["function"], one["data"]) for one in every]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("path", OF_DEFECTS)
def test_every_test_of_a_defect_is_a_known_disagreement(path: str) -> None:
    every = toml("disagreements.toml")["disagreement"]
    named = {test for one in every for test in one["tests"]}
    assert [name for name in functions(path) if f"{path}::{name}" not in named] == []
