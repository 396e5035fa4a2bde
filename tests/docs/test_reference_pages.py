"""The generated pages of docs/ are those that the code and the simulations make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "docs"
PAGES = [
    "reference/checks.md",
    "reference/commands.md",
    "reference/lint.md",
    "reference/mechanism-shipped.md",
    "reference/python.md",
    "reference/records.md",
    "validation/combination.md",
    "validation/evidence.md",
    "validation/growth.md",
    "validation/survival.md",
]


@pytest.mark.parametrize("place", PAGES)
def test_a_page_is_what_the_code_makes(
    place: str, load_file: Callable[[Path], ModuleType]
) -> None:
    made = load_file(FOLDER / "generate.py").pages()
    written = (FOLDER / place).read_text(encoding="utf-8")
    assert made[place] == written, "run: python docs/generate.py"


def test_every_page_is_compared(load_file: Callable[[Path], ModuleType]) -> None:
    assert sorted(load_file(FOLDER / "generate.py").pages()) == PAGES
