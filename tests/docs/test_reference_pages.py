"""The generated pages of docs/ are those that the code and the simulations make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "docs"
PAGES = [
    "reference/checks.md",
    "reference/commands.md",
    "reference/lint.md",
    "reference/mechanism-shipped.md",
    "reference/python.md",
    "reference/records.md",
    "validation/combination.md",
    "validation/comparisons.md",
    "validation/design.md",
    "validation/disagreements.md",
    "validation/evidence.md",
    "validation/growth.md",
    "validation/markers.md",
    "validation/mouse-trials.md",
    "validation/survival.md",
]


def test_every_page_is_what_the_code_makes(load_file: Callable[[Path], ModuleType]) -> None:
    made = load_file(FOLDER / "generate.py").pages()
    assert sorted(made) == PAGES
    stale = [
        place for place in PAGES if made[place] != (FOLDER / place).read_text(encoding="utf-8")
    ]
    assert stale == [], "run: python docs/generate.py"
