"""The generated pages of docs/reference/ are those that the code makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["commands.md", "lint.md", "python.md", "records.md"])
def test_a_page_is_what_the_code_makes(name: str, load_file: Callable[[Path], ModuleType]) -> None:
    made = load_file(FOLDER / "generate.py").pages()
    written = (FOLDER / "reference" / name).read_text(encoding="utf-8")
    assert made[name] == written, "run: python docs/generate.py"


def test_every_page_is_compared(load_file: Callable[[Path], ModuleType]) -> None:
    made = load_file(FOLDER / "generate.py").pages()
    assert set(made) == {"checks.md", "commands.md", "lint.md", "python.md", "records.md"}
