"""The how-to page on fits is true: its plan, commands, output, options and example."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.main import get_command

from oncovivo.cli.main import app, main
from oncovivo.mechanism.fit import read_fit_plan

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "fit-a-mechanism.md").read_text(encoding="utf-8")
PROSE, CODE = PAGE.split("```python\n")
BLOCKS = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.*\n|^\n)+", PROSE)]
EXAMPLE = ROOT / "examples" / "temsirolimus" / "mechanism" / "fit"
COMMANDS = re.findall(r"(?m)^ {4}(oncovivo .+)$", PROSE)
NUMBER = re.compile(r"(?:(?<=\s)-)?\d[\d,]*\.?\d*")


def section(number: int) -> str:
    """A section of the page."""
    return PROSE.split(f"\n## {number}. ")[1].split("\n## ")[0]


def same(line: str, printed: str) -> bool:
    """Whether the printed text has the line, with numbers that are about as large.

    A search ends where steps are no longer worth a hundredth of the log-likelihood: the last
    digits are not the same on every machine, and limits less so than estimates.
    """
    text = " ".join(printed.split())
    wanted, pattern = " ".join(line.split()), NUMBER.sub("#", text)
    numbers, expected = NUMBER.findall(text), NUMBER.findall(wanted)
    for match in re.finditer(re.escape(NUMBER.sub("#", wanted)), pattern):
        first = pattern[: match.start()].count("#")
        found = numbers[first : first + len(expected)]
        if all(_near(one, two) for one, two in zip(found, expected, strict=True)):
            return True
    return False


def _near(word: str, expected: str) -> bool:
    """Whole numbers, among them percentages, to within 3; others to within a tenth."""
    one, two = (float(text.replace(",", "")) for text in (word, expected))
    return one == pytest.approx(two, abs=3) if "." not in expected else abs(one / two - 1) < 0.1


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of the page, made by its first command."""
    folder = tmp_path_factory.mktemp("page")
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(io.StringIO()):
        assert _left(COMMANDS[0], folder) == 0
    return folder


def _left(command: str, folder: Path) -> int:
    """Exit code of a command of the page, with its files in another folder."""
    words = [word.replace("build/", f"{folder}/") for word in shlex.split(command)]
    with pytest.raises(SystemExit) as left:
        main(words[1:])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_the_fit_prints_what_the_page_says_and_its_numbers_go_on(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")
    # One run stands for three: the same command, with its options for files.
    options = " --save-simulation build/fitted.toml"
    assert [command for command in COMMANDS if options in command] == [COMMANDS[1] + options]
    assert _left(COMMANDS[1] + options, study) == 0
    printed = capsys.readouterr().out
    _, *lines = re.findall(r"(?m)^ {4}(.+)$", section(2))
    assert len(lines) == 9
    for line in lines:
        assert same(line, printed), line
    assert _left(COMMANDS[-1], study) == 0
    assert "fitted" in capsys.readouterr().out


def test_what_is_not_determined_is_printed_as_the_page_says(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")
    command, *lines = re.findall(r"(?m)^ {4}(.+)$", section(3))
    assert _left(command, study) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert len(lines) == 3
    for line in lines:
        assert " ".join(line.split()) in printed


def test_the_plan_on_the_page_is_that_of_the_example(tmp_path: Path) -> None:
    text = next(block for block in BLOCKS if block.startswith("schema = "))
    (tmp_path / "sample.toml").write_text(text, encoding="utf-8")
    simulation = EXAMPLE / "dose_ranging.toml"
    (tmp_path / simulation.name).write_bytes(simulation.read_bytes())
    sample, example = (
        read_fit_plan(path)
        for path in (tmp_path / "sample.toml", EXAMPLE / "dose_ranging_fit.toml")
    )
    assert sample.estimated == example.estimated
    assert (sample.arms, sample.title) == (example.arms, example.title)
    assert (sample.seed, sample.leaves_at_mm3) == (example.seed, example.leaves_at_mm3)


def test_its_options_are_those_of_the_command_and_what_was_put_in_is_true() -> None:
    commands: Any = get_command(app)
    known = {
        name
        for part in commands.commands["mechanism"].commands["fit"].params
        for name in part.opts
    }
    known |= {name for part in commands.commands["simulate"].params for name in part.opts}
    known |= {"--no-limits"}
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PROSE))
    assert len(asked) > 15
    assert asked <= known
    simulation = (EXAMPLE / "dose_ranging.toml").read_text(encoding="utf-8")
    assert "v0 = { value = 180.0" in simulation
    assert "growth_rate = { value = 0.1, unit" in simulation
    assert "inhibition_ed50 = { value = 4.0" in simulation


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(CODE.split("```")[0], "fit-a-mechanism.md", "exec"), {"__name__": "page"})
    lines = output.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["v0", "growth_rate", "inhibition_ed50"]
    assert re.fullmatch(r"v0: 1\d\d mm³, 1\d\d to 2\d\d", lines[0])
