"""Effects on one scale in the chapters of tumor types, and the rankings of the conclusions."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from pathlib import Path

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Document, Figure, Paragraph, Table
from oncovivo.documents.walk import plain
from oncovivo.guide import assemble_guide
from tests.guide.conftest import reference, write_rows
from tests.guide.pooled import add_effects

DAY = date(2026, 1, 2)
EFFECTS = """\
row_id,yi,vi
R1,-1.0,0.01
R2,-2.0,0.01
R3,-0.2,0.01
R4,-3.0,0.01
"""


@pytest.fixture
def bundle(project: Path) -> Bundle:
    """Renal tumors shrink most; everolimus, which is another compound, would win."""
    folder = add_effects(project, claims="", effects=EFFECTS)
    works = [reference(key, number) for number, key in enumerate(("w1", "w2", "w3", "w4"), 1)]
    (folder / "evidence" / "references.json").write_text(json.dumps(works), encoding="utf-8")
    mcl = {
        "filed_under": "MCL",
        "tumor_type": "mantle cell lymphoma",
        "oncotree": "MCL",
        "ncit": "C4337",
        "doid": "DOID:0050746",
    }
    write_rows(
        folder / "evidence" / "records.csv",
        {"row_id": "R1", "source": "w1", "day": "10"},
        {"row_id": "R2", "source": "w2", "day": "20"},
        {"row_id": "R3", "source": "w3", "day": "10", **mcl},
        {"row_id": "R4", "source": "w4", "day": "10", "compound": "everolimus", **mcl},
    )
    (folder / "claims.toml").write_text("", encoding="utf-8")
    return run(read_project(folder), built=DAY)


def section(document: Document, anchor: str) -> list[object]:
    return [block for part in document.sections if part.anchor == anchor for block in part.blocks]


def test_rows_stand_on_one_scale_whatever_their_day(bundle: Bundle) -> None:
    rows = {row.row_id: row for found in bundle.estimands for row in found.rows}
    assert rows["R1"].rate == rows["R2"].rate == -0.1
    # z limits of a standard error of .1 on day 10
    assert rows["R1"].rate_lower == pytest.approx((-1 - 1.959964 * 0.1) / 10, abs=1e-7)
    assert (rows["R4"].compound, rows["R4"].of_class) == (False, True)


def test_a_chapter_shows_the_class_and_says_that_it_is_not_counted(bundle: Bundle) -> None:
    blocks = section(assemble_guide(bundle), "tumor-MCL")
    (table,) = (b for b in blocks if isinstance(b, Table) and b.anchor == "table-effects-MCL")
    cells = [[plain(cell) for cell in row.cells] for row in table.rows]
    assert cells[0][1:5] == ["temsirolimus", "vehicle", "10", "0.82 (0.67 to 1)"]
    assert cells[0][5] == "−0.0200 (−0.0396 to −0.0004)"
    assert (cells[0][-1], cells[1][1], cells[1][-1]) == ("yes", "everolimus", "class: no")
    (figure,) = (b for b in blocks if isinstance(b, Figure) and b.anchor == "figure-effects-MCL")
    assert "row w4: −0.3000" in figure.description


def test_the_conclusion_names_the_tumor_type_that_is_ahead(bundle: Bundle) -> None:
    conclusion, combinations, _ = bundle.conclusions
    assert [one.name for one in conclusion.ranked] == ["RCC", "MCL"]
    assert (combinations.ranked, combinations.unranked) == ((), ())
    blocks = section(assemble_guide(bundle), "conclusions")
    said = [plain(b.content) for b in blocks if isinstance(b, Paragraph)]
    assert said == [
        "Where is efficacy strongest? Renal cell carcinoma, ahead of all others beyond their "
        "uncertainty."
    ]
    (table,) = (b for b in blocks if isinstance(b, Table))
    assert [plain(row.cells[1]) for row in table.rows] == ["1", "2"]
    assert plain(table.rows[0].cells[4]) == "rows R1, R2"


def test_effects_and_conclusions_survive_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    write_bundle(bundle, folder)
    stored = read_bundle(folder)
    assert stored.estimands == bundle.estimands
    assert stored.conclusions == bundle.conclusions
    assert math.isclose(stored.conclusions[0].ranked[0].estimate, -0.1)


def test_a_guide_without_numbers_says_that_it_cannot_rank(project: Path) -> None:
    document = assemble_guide(run(read_project(project), built=DAY))
    said = [
        plain(block.content)
        for block in section(document, "conclusions")
        if isinstance(block, Paragraph)
    ]
    assert len(said) == 1
    assert re.search(r"cannot rank: there is 1 tumor type, without an effect", said[0])
