"""Every page of the site can be reached from its first one, and links lead to files."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
PAGES = sorted(DOCS.rglob("*.md"))


def listed() -> set[Path]:
    """Pages of the index's tables of contents, whose lines are patterns."""
    trees = re.findall(r"(?s)```\{toctree\}\n(.+?)```", INDEX)
    lines = [
        line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")
    ]
    return {page for line in lines for page in DOCS.glob(f"{line}.md")}


def test_every_page_is_in_a_table_of_contents() -> None:
    left_out = set(PAGES) - listed() - {DOCS / "index.md"}
    assert [page.relative_to(DOCS).as_posix() for page in sorted(left_out)] == []
    assert len(PAGES) > 50


def test_every_kind_of_page_has_a_table_of_contents() -> None:
    folders = {page.parent.name for page in PAGES if page.parent != DOCS}
    assert folders == {
        "background", "decisions", "how-to", "reference", "tutorial", "validation",
    }  # fmt: skip
    assert {page.parent.name for page in listed()} == folders


def test_links_between_pages_lead_to_files() -> None:
    broken = []
    for page in PAGES:
        # What stands in code is an example of text and no link.
        text = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"))
        text = re.sub(r"(?m)^ {4}.*$", "", text)
        broken += [
            f"{page.relative_to(DOCS)}: {target}"
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", text)
            if "://" not in target and not (page.parent / target).exists()
        ]
    assert broken == []


def test_pages_begin_with_one_heading_each_of_their_own() -> None:
    found: dict[str, str] = {}
    for page in PAGES:
        text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
        headings = re.findall(r"(?m)^# (.+)$", text)
        place = page.relative_to(DOCS).as_posix()
        assert len(headings) == 1, place
        assert headings[0] not in found, f"{place} and {found.get(headings[0])}"
        found[headings[0]] = place
