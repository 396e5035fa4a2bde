"""Input and output in places of every kind: links, spaces, other folders, no rights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses.cache import CACHE_FOLDER

GUIDE = {"index.html", "guide.pdf", "guide.json", "bundle"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}


def test_relative_paths_are_those_of_the_current_folder(
    project: Path, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "deep").mkdir()
    monkeypatch.chdir(project / "deep")
    outcome = run_cli("guide", "build", "..", "-o", "../../two words/öut")
    assert outcome.code == 0
    assert names(project.parent / "two words" / "öut") == GUIDE
    assert "../../two words/öut/index.html" in outcome.out


def test_a_project_and_an_output_behind_links_are_used(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    link, place, out = (project.parent / name for name in ("link", "place", "out"))
    link.symlink_to(project)
    place.mkdir()
    out.symlink_to(place)
    for _ in range(2):
        assert run_cli("guide", "build", link, "-o", out).code == 0
    assert out.is_symlink()
    assert names(place) == GUIDE
    assert names(project.parent) == {"link", "place", "out", project.name}


def test_the_current_folder_can_be_the_output(
    project: Path, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = project.parent / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    assert run_cli("guide", "build", project, "-o", ".").code == 0
    assert names(place) == GUIDE


def test_output_inside_the_project_is_no_input_of_the_next_build(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    out = project / "build"
    assert run_cli("guide", "build", project, "-o", out, "--date", "2026-01-02").code == 0
    first = (out / "index.html").read_bytes()
    assert run_cli("guide", "build", project, "-o", out, "--date", "2026-01-02").code == 0
    assert (out / "index.html").read_bytes() == first
    hidden = [path.name for path in project.iterdir() if path.name.startswith(".")]
    assert hidden == [CACHE_FOLDER]


@pytest.mark.parametrize("place", [".", "evidence", "studies/mini"])
def test_the_project_itself_is_never_the_output(
    place: str, project: Path, run_cli: Callable[..., Any]
) -> None:
    before = state(project)
    outcome = run_cli("guide", "build", project, "-o", project / place)
    assert outcome.code == 2
    assert "an earlier guide, as output" in outcome.err
    assert state(project) == before


def test_an_output_below_a_file_is_refused(project: Path, run_cli: Callable[..., Any]) -> None:
    (project.parent / "file").write_bytes(b"mine")
    outcome = run_cli("guide", "build", project, "-o", project.parent / "file" / "out")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert (project.parent / "file").read_bytes() == b"mine"


def test_an_output_with_a_name_too_long_is_refused(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    outcome = run_cli("guide", "build", project, "-o", project.parent / ("x" * 300))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1


def test_a_build_leaves_the_project_as_it_is(project: Path, run_cli: Callable[..., Any]) -> None:
    before = state(project)
    for path in (*project.rglob("*"), project):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        out = project.parent / "out"
        assert run_cli("guide", "build", project, "-o", out, "--no-cache").code == 0
        assert run_cli("evidence", "lint", project).code == 1
    finally:
        for path in (project, *project.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert state(project) == before
    assert run_cli("guide", "build", project, "-o", project.parent / "out").code == 0
    after = {name: now for name, now in state(project).items() if CACHE_FOLDER not in name}
    assert after == before


@pytest.mark.parametrize("place", ["nowhere", "guide.toml", "studies", "", "\udcff"])
def test_a_place_without_a_project_is_refused(
    place: str,
    project: Path,
    run_cli: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run_cli("evidence", "lint", project / place if place else "")
    assert outcome.code == 2
    assert "expected a guide project with a guide.toml" in outcome.err
    assert outcome.err.count("\n") == 1
    outcome.err.encode("ascii", "backslashreplace")
