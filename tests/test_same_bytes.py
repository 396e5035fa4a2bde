"""A build depends on its input and date alone: not on hash seeds, zones, languages or folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import oncovivo
from tests.fuzz.project import small_project, write_project

SOURCE = Path(oncovivo.__file__).parents[1]


def build(place: Path, *, seed: str, zone: str, language: str) -> dict[str, bytes]:
    """The files of a guide that a process of its own builds from a folder of its own."""
    project = write_project(place / "deep" / "guide", small_project())
    subprocess.run(
        [sys.executable, "-m", "oncovivo", "guide", "build", "deep/guide", "-o", "out"],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LANG": language,
            "LC_ALL": language,
            "SOURCE_DATE_EPOCH": "1767312000",
            "MPLCONFIGDIR": str(place / "matplotlib"),
        },
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    assert project.is_dir()
    out = place / "out"
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_two_processes_that_share_nothing_but_the_input_write_the_same_bytes(
    tmp_path: Path,
) -> None:
    one, other = tmp_path / "one", tmp_path / "another place é"
    first = build(one, seed="1", zone="Pacific/Kiritimati", language="C")
    second = build(other, seed="4242", zone="America/Los_Angeles", language="C.UTF-8")
    assert first.keys() == second.keys()
    assert {"index.html", "guide.pdf", "guide.json", "bundle/claims.json"} <= first.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert b"2026-01-02" in first["guide.json"]
