"""The README is true: its commands exist, its example runs, its links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MARKER = "<!-- tested by tests/docs/test_readme.py -->\n```python\n"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)


def targets() -> dict[str, str]:
    """The rules of the Makefile with their recipes."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^([a-z]+):.*\n((?:\t.*\n)*)", text))


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    code = README.split(MARKER)[1].split("```")[0]
    assert len(code.splitlines()) <= 12
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    lines = output.getvalue().splitlines()
    assert lines[-1].endswith("lint findings, waived ones included")
    assert len(lines) > 10


def test_its_two_commands_are_rules_of_the_makefile() -> None:
    commands = re.findall(r"(?m)^ {4}make (\w+)", README)
    assert commands == ["guide", "test"]
    assert "guide build examples/temsirolimus -o build/temsirolimus" in targets()["guide"]
    assert "pytest" in targets()["test"]


def test_what_runs_before_main_moves_is_what_the_readme_says() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"make test", "make check", "make guide", "make browser"} <= set(lines)


def test_every_make_that_a_page_names_is_a_rule() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        named = set(re.findall(r"(?m)(?:^ {4}|`)make ([a-z]+)", text))
        assert named <= targets().keys(), page


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_to_files(page: str) -> None:
    place = ROOT / page
    text = place.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (place.parent / path) if path else place
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            headings = re.findall(r"(?m)^#+ (.+)$", target.read_text(encoding="utf-8"))
            slugs = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
            assert anchor in slugs, link


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:src|docs|tests|examples|benchmarks)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), name
