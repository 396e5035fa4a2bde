"""``[[marker]]`` entries in the guide: sections from the bundle, which keeps all they need."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Document, Figure, Note, Paragraph, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError, InputError
from oncovivo.guide import assemble_guide
from tests.guide.conftest import GUIDE
from tests.panels.trials import made_frame

DAY = date(2026, 1, 2)
EXAMPLE = Path(__file__).parents[2] / "examples/temsirolimus/markers/phospho_s6_simulated"
ENTRIES = """
[[marker]]
path = "phospho"

[[marker]]
path = "growth.csv"
features = ["calls.csv"]
control = "none"
source = "a panel made for a test"

[[marker]]
path = "responses.csv"
features = ["calls.csv"]
response = "best_pct"
"""


@pytest.fixture
def folder(project: Path) -> Path:
    shutil.copytree(EXAMPLE, project / "phospho")
    made_frame(21, effect=-0.05).to_csv(project / "growth.csv", index=False)
    lines = [f"L{n}" for n in range(8)]
    calls = {"line": lines, "PIK3CA": ["0", "MutNovel"] * 4, "S6": [3, 1, 4, 1, 5, 9, 2, 6]}
    pd.DataFrame(calls).to_csv(project / "calls.csv", index=False)
    best = {"line": lines, "best_pct": [3.0, -9.0, 12.0, 1.0, 20.0, 40.0, -3.0, 8.0]}
    pd.DataFrame(best).to_csv(project / "responses.csv", index=False)
    (project / "guide.toml").write_text(GUIDE + ENTRIES, encoding="utf-8")
    return project


@pytest.fixture
def bundle(folder: Path) -> Bundle:
    return run(read_project(folder), built=DAY)


def blocks(document: Document, anchor: str) -> list[object]:
    return [block for part in document.sections if part.anchor == anchor for block in part.blocks]


def test_studies_with_markers_are_shown_as_simulated_with_figure_and_table(
    bundle: Bundle,
) -> None:
    shown = blocks(assemble_guide(bundle), "markers-1")
    assert isinstance(shown[0], Note)
    assert "Simulated data" in plain(shown[0].content)
    (figure,) = (block for block in shown if isinstance(block, Figure))
    assert "target" in figure.description
    (table,) = (block for block in shown if isinstance(block, Table))
    assert [plain(row.cells[0]) for row in table.rows] == [
        "simulated resistant line",
        "simulated sensitive line",
    ]


def test_markers_of_lines_stand_by_p_beside_growth_of_controls(bundle: Bundle) -> None:
    shown = blocks(assemble_guide(bundle), "markers-2")
    said = [plain(block.content) for block in shown if isinstance(block, Paragraph)]
    assert said[0] == "Data: a panel made for a test"
    assert said[1].startswith("drug: ")
    (table,) = (block for block in shown if isinstance(block, Table))
    (found,) = bundle.markers[1].treatments
    by_p = sorted(found.associations, key=lambda one: one.p_value or 0)
    assert [plain(row.cells[0]) for row in table.rows] == [one.marker for one in by_p]
    assert plain(table.rows[0].cells[2]).startswith(f"{by_p[0].estimate:.3g}".replace("-", "−"))
    prognostic = {one.marker: one for one in found.prognostic}[by_p[0].marker]
    assert plain(table.rows[0].cells[6]).startswith(f"{prognostic.estimate:.3g}".replace("-", "−"))
    assert plain(table.caption).endswith("against none, 8 lines; the smallest p first.")
    assert "weigh by the precision" in plain(table.note)
    assert "is prognostic, whatever the drug does" in plain(table.note)


def test_a_table_of_responses_says_that_lines_count_alike_and_ranks_nothing(
    bundle: Bundle,
) -> None:
    shown = blocks(assemble_guide(bundle), "markers-3")
    (table,) = (block for block in shown if isinstance(block, Table))
    assert plain(table.note).startswith("All lines count alike")
    assert plain(table.rows[0].cells[6]) == "not asked"
    (conclusion,) = (one for one in bundle.conclusions if one.subject == "marker")
    assert {one.name for one in conclusion.ranked} == {"PIK3CA, drug", "S6, drug"}
    assert len(conclusion.unranked) == 3


def test_markers_survive_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    stored = tmp_path / "bundle"
    stored.mkdir()
    write_bundle(bundle, stored)
    again = read_bundle(stored)
    assert [one.treatments for one in again.markers] == [one.treatments for one in bundle.markers]
    assert assemble_guide(again) == assemble_guide(bundle)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('path = "phospho"\nadjust = ["S6"]', "marker phospho: .* beside 'adjust'"),
        ('path = "phospho"\ncontrol = "z"', "marker phospho: .* found 'z'"),
        (
            'path = "growth.csv"\nfeatures = ["calls.csv"]\ncontrol = "none"\nmarkers = ["z"]',
            "marker growth.csv: .* found 'z'",
        ),
    ],
)
def test_entries_that_do_not_fit_are_refused_with_their_place(
    entry: str, message: str, folder: Path
) -> None:
    (folder / "guide.toml").write_text(f"{GUIDE}\n[[marker]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        run(read_project(folder), built=DAY)


def test_a_missing_file_of_markers_is_refused(folder: Path) -> None:
    text = '[[marker]]\npath = "growth.csv"\nfeatures = ["nothing.csv"]\n'
    (folder / "guide.toml").write_text(f"{GUIDE}\n{text}", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"marker nothing\.csv"):
        read_project(folder)
