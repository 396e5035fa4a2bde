"""What the command line prints where: pipes, narrow terminals, other encodings, closed streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIXTURE = Path(__file__).parents[1] / "fixtures" / "source_guide"
HEAVY = ("jinja2", "lxml", "matplotlib", "numpy", "pandas", "pandera", "pydantic", "typst")
LINT = ("-m", "oncovivo", "evidence", "lint")
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_version_needs_no_heavy_module(run_process: Process) -> None:
    code = f"import sys, oncovivo.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run_process("-c", code).stdout == "[]\n"


def test_the_version_is_printed(run_cli: Callable[..., Any]) -> None:
    from oncovivo.version import __version__

    outcome = run_cli("--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"oncovivo {__version__}\n", "")


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize(
    "line",
    [
        ["evidence", "lint", str(FIXTURE)],
        ["guide", "build", "--help"],
        ["evidence", "lint", "--help"],
        ["guide", "--help"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_output_fits_the_terminal(
    line: list[str], width: int, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = run_cli(*line).out
    assert out
    assert max(len(words) for words in out.splitlines()) <= width


def test_a_build_fits_a_narrow_terminal_but_for_its_paths(
    project: Path, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = run_cli("guide", "build", project, "-o", project.parent / "out").out
    long = [line for line in out.splitlines() if len(line) > 60]
    assert all(line.endswith(("index.html", "guide.pdf")) for line in long)


def test_a_pipe_gets_no_codes_of_a_terminal(run_process: Process) -> None:
    outcome = run_process(*LINT, FIXTURE, env={"TERM": "xterm-256color"})
    assert outcome.returncode == 1
    assert "LINT-01" in outcome.stdout
    assert "\x1b" not in outcome.stdout + outcome.stderr


def test_json_is_utf_8_whatever_the_encoding_of_the_stream(
    project: Path, run_process: Process
) -> None:
    outcome = run_process(*LINT, project, "--json", env={"PYTHONIOENCODING": "latin-1"})
    assert outcome.returncode == 1
    assert '"name": "a güide"' in outcome.stdout


def test_a_name_that_the_locale_cannot_read_is_escaped(
    project: Path, run_process: Process
) -> None:
    outcome = run_process(*LINT, project, "--json", env={"PYTHONUTF8": "0", "LC_ALL": "C"})
    assert outcome.returncode == 1
    assert not outcome.stderr
    assert json.loads(outcome.stdout)["input"]["name"].startswith("a g")


def test_text_that_an_encoding_lacks_is_escaped(run_process: Process) -> None:
    outcome = run_process(*LINT, FIXTURE, env={"PYTHONIOENCODING": "ascii"})
    assert outcome.returncode == 1
    assert outcome.stdout.isascii()
    assert not outcome.stderr


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_a_reader_that_stops_early_gets_no_traceback(json_option: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, *LINT, str(FIXTURE), *json_option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout
    assert process.stderr
    process.stdout.read(1)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in (1, 2)
    assert b"Traceback" not in errors
    assert b"Exception" not in errors


@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_output_that_cannot_be_written_is_2_and_one_line(
    json_option: tuple[str, ...], run_process: Process, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    read_only = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        outcome = run_process(*LINT, FIXTURE, *json_option, stdout=read_only)
    finally:
        os.close(read_only)
    assert outcome.returncode == 2
    assert outcome.stderr.count("\n") == 1
    assert "expected files that can be read and written" in outcome.stderr


@pytest.mark.parametrize("stream", [0, 1])
def test_a_closed_stream_is_no_reason_to_fail(stream: int, run_process: Process) -> None:
    lines = (
        "import os, runpy, sys",
        f"os.close({stream})",
        f"sys.{'stdin' if stream == 0 else 'stdout'} = None",
        f"sys.argv = ['oncovivo', 'evidence', 'lint', {str(FIXTURE)!r}]",
        "runpy.run_module('oncovivo', run_name='__main__')",
    )
    outcome = run_process("-c", "\n".join(lines))
    assert (outcome.returncode, outcome.stderr) == (1, "")
