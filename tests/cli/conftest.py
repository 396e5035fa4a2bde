"""A small guide project, and the command line called in process and as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import oncovivo
from oncovivo.cli import main
from tests.fuzz.project import small_project, write_project


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with every kind of file; its folder has a space and a letter beyond ASCII."""
    return write_project(tmp_path / "a güide", small_project())


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line in process."""

    def call(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        code = left.value.code
        assert isinstance(code, int)
        return Outcome(code, caught.out, caught.err)

    return call


Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_process() -> Process:
    """Run Python with arguments in a process of its own."""
    source = str(Path(oncovivo.__file__).parents[1])

    def call(
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": source, "PYTHONUTF8": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return call
