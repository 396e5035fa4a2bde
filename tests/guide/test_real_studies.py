"""Studies of other authors, read as they are: the guide's numbers are those of their own code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from oncovivo.analyses import read_bundle, read_project, run, write_bundle
from oncovivo.documents import Card, Document, Figure, Paragraph, Section, Sentence, Table
from oncovivo.documents.walk import plain
from oncovivo.guide import assemble_guide
from tests.guide.real_studies import write_project

pytestmark = pytest.mark.realdata

DAY = date(2026, 1, 2)
REAL, SIMULATED = "study-genentech-21348", "study-synergylmm-grwth-data"


@pytest.fixture(scope="module")
def document(
    tmp_path_factory: pytest.TempPathFactory, shared_data: Callable[[str], Path]
) -> Document:
    project = write_project(tmp_path_factory.mktemp("real") / "project", shared_data)
    return assemble_guide(run(read_project(project), built=DAY))


def test_the_results_of_real_studies_survive_the_bundle(
    tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    bundle = run(read_project(write_project(tmp_path / "project", shared_data)), built=DAY)
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle").studies == bundle.studies


def test_no_two_tables_of_a_guide_have_the_same_caption(document: Document) -> None:
    captions = [
        plain(block.caption)
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Table)
    ]
    assert len(set(captions)) == len(captions)


def _section(document: Document, anchor: str) -> Section:
    (found,) = (part for part in document.sections if part.anchor.startswith(anchor))
    return found


def _volume_rows(section: Section) -> dict[tuple[str, float], list[str]]:
    """The cells of the table of volumes by arm and day."""
    (table,) = (
        block
        for block in section.blocks
        if isinstance(block, Table) and block.anchor.startswith("table-volume-")
    )
    cells = [[plain(cell) for cell in row.cells] for row in table.rows]
    return {(row[0], float(row[1])): row for row in cells}


@pytest.mark.parametrize(
    ("anchor", "name", "n_rows"),
    [
        (REAL, "genentech_gdc0084_temozolomide", 515),
        (SIMULATED, "synergylmm_example.grwth_data", 44),
    ],
)
def test_the_printed_table_agrees_with_the_authors_code(
    document: Document,
    shared_reference: Callable[[str], dict[str, object]],
    anchor: str,
    name: str,
    n_rows: int,
) -> None:
    sections = cast("dict[str, dict[str, object]]", shared_reference(name)["sections"])
    expected = cast("dict[str, list[float | None]]", sections["01_by_day"]["results"])
    rows = _volume_rows(_section(document, anchor))
    assert len(rows) == len(expected["g"]) == n_rows
    for at, (arm, day) in enumerate(zip(expected["g"], expected["t"], strict=True)):
        printed = rows[cast("str", arm), cast("float", day)]
        inhibition = expected["TGI_pct"][at]
        assert printed[2].split(" / ")[0] == str(expected["n"][at])
        assert printed[4] == f"{expected['mean'][at]:.0f}"
        if inhibition is None:
            assert printed[6] == "—"
            assert "a" in printed[8].split(", ")  # no animal of the control on that day
        else:
            assert float(printed[6]) == pytest.approx(1 - inhibition / 100, abs=0.0051)


def test_what_is_simulated_says_so_everywhere_and_nothing_else_does(document: Document) -> None:
    said = {REAL: [], SIMULATED: []}  # type: dict[str, list[bool]]
    for anchor, found in said.items():
        for block in _section(document, anchor).blocks:
            if isinstance(block, Figure):
                found.append("SIMULATED DATA" in block.svg)
                found.append("Simulated" in block.description)
                found.append("simulated" in plain(block.caption))
            elif isinstance(block, Table):
                found.append("simulated" in plain(block.caption))
            elif isinstance(block, Sentence):
                found.append("simulated" in plain(block.content).lower())
                found.append("simulated" in block.verdict.content)
            elif isinstance(block, Card):
                found.append("simulated" in plain(block.title))
            elif isinstance(block, Paragraph):
                found.append("simulated" in plain(block.content))
    assert len(said[REAL]) > 2 * 15
    assert not any(said[REAL])
    assert len(said[SIMULATED]) > 2 * 3
    assert all(said[SIMULATED])


def test_a_sentence_states_the_table_s_number(document: Document) -> None:
    section = _section(document, REAL)
    rows = _volume_rows(section)
    sentences = [plain(block.content) for block in section.blocks if isinstance(block, Sentence)]
    assert len(sentences) == 15
    number = rows["gdc0084_01_temo_80", 3.0][6]
    assert any(
        f"gdc0084_01_temo_80 was {number} of the control's on day 3" in s for s in sentences
    )


def test_remarks_that_return_are_letters_explained_below_the_table(document: Document) -> None:
    section = _section(document, REAL)
    assert max(len(row[8]) for row in _volume_rows(section).values()) <= len("a, b, c, d, e")
    (note,) = (
        plain(block.note)
        for block in section.blocks
        if isinstance(block, Table) and block.anchor.startswith("table-volume-")
    )
    for letter in "abcde":
        assert f"{letter}: " in note
