"""The how-to page on markers is true: its commands run, and print what it shows."""

from __future__ import annotations

import csv
import re
import shlex
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from oncovivo.analyses.project import MarkerEntry
from oncovivo.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "ask-a-marker.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^    (oncovivo markers .+)$", PAGE)
EXAMPLE = ROOT / "examples" / "temsirolimus" / "markers" / "phospho_s6_simulated"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def shown(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints on a wide terminal."""
    with pytest.raises(SystemExit) as left:
        main(shlex.split(line)[1:])
    printed = capsys.readouterr()
    assert left.value.code == 0, printed.err
    return squeezed(printed.out)


@pytest.fixture
def folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_file: Callable[[Path], ModuleType]
) -> Path:
    """A folder with the files that the commands name."""
    (script, place) = re.findall(r"(?m)^    python (\S+) (\S+)$", PAGE)[0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    load_file(ROOT / script).write_panel(Path(place))
    return tmp_path


def test_the_panel_prints_what_the_page_shows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [squeezed(row) for row in re.findall(r"(?m)^    (PIK3CA  .+)$", PAGE)]
    across, interaction, prediction = COMMANDS[:3]
    assert rows[0] in shown(across, capsys)
    assert all(row.split(" 0.0001 ")[0] in shown(interaction, capsys) for row in rows)
    assert "p 0.050 by permutation" in shown(prediction, capsys)
    header = (folder / "features.csv").read_text(encoding="utf-8").splitlines()[:2]
    assert textwrap.indent("\n".join(header), "    ") in PAGE


def test_the_arms_of_a_table_of_assays_are_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (EXAMPLE / "markers_of_both_lines_simulated.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    with Path("assays.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if "sensitive" in row[0])])
    named = re.search(r"assay values with (.+) of one line", squeezed(PAGE))
    assert named is not None
    assert set(re.findall(r"`(\w+)`", named.group(1))) <= set(header)
    (command,) = [line for line in COMMANDS if "assays.csv" in line]
    assert "phospho-S6 temsirolimus" in shown(command, capsys)


def test_the_trap_is_the_one_that_the_page_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "160")
    (command,) = [line for line in COMMANDS if "phospho_s6" in line]
    text = shown(command, capsys)
    for told in ("28 % of the control's", "21 % of the control's", "correlation of 0.44"):
        assert told in text
    assert "within arms of a line it is −0.01 (p = 0.95)" in text
    assert "to 28 % and 21 % of the control's" in squeezed(PAGE)
    assert "(Spearman 0.44, p 0.0051)" in PAGE
    assert "(−0.01, p 0.95)" in PAGE


def test_the_entry_of_the_guide_is_one() -> None:
    block = re.search(r"(?m)^    \[\[marker\]\]\n(?:    .+\n)+", PAGE)
    assert block is not None
    (entry,) = tomllib.loads(textwrap.dedent(block.group()))["marker"]
    assert MarkerEntry.model_validate(entry).simulated
    last = squeezed(PAGE).split("Without `features`")[1]
    keys = {word.split(" ")[0] for word in re.findall(r"`([^`]+)`", last)} - {
        "path",
        "markers.csv",
    }
    assert keys <= set(MarkerEntry.model_fields)
