"""What a guide shows of quality, certainty and screening, with and without their files."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Document, Figure, Note, Paragraph, Section, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError
from oncovivo.evidence.quality import QUALITY_COLUMNS, Rating, tool_named, write_quality
from oncovivo.guide import assemble_guide, build_guide
from oncovivo.guide.build import guide_summary
from tests.guide.conftest import write_rows
from tests.guide.pooled import add_effects

DAY = date(2026, 1, 2)
SCREENING = Path(__file__).parents[2] / "docs" / "examples" / "screening"


def add_quality(project: Path, *, leave_out: tuple[str, ...] = ("random_housing",)) -> Path:
    """Rate the first work with SYRCLE, item by item; the project."""
    words = ("low", "unclear", "high")
    ratings = [
        Rating(
            source="w1",
            study="Author 2001",
            tool="syrcle",
            item=item,
            judgement=words[at % 3],
            reason="made for a test",
            locator="p. 2",
            rater="AB",
        )
        for at, item in enumerate(tool_named("syrcle").item_ids)
        if item not in leave_out
    ]
    (project / "evidence" / "quality.csv").write_text(write_quality(ratings), encoding="utf-8")
    return project


def built(project: Path) -> tuple[Bundle, Document]:
    bundle = run(read_project(project), built=DAY)
    return bundle, assemble_guide(bundle)


def section(document: Document, anchor: str) -> Section:
    return next(part for part in document.sections if part.anchor == anchor)


def table(document: Document, anchor: str) -> list[list[str]]:
    return next(
        [[plain(cell) for cell in row.cells] for row in block.rows]
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Table) and block.anchor == anchor
    )


def anchors(document: Document) -> set[str]:
    return {
        block.anchor
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Table | Figure)
    }


def paragraphs(part: Section) -> str:
    return " ".join(plain(b.content) for b in part.blocks if isinstance(b, Paragraph | Note))


def test_a_tumor_type_with_nothing_pooled_has_no_rating_and_a_reason(project: Path) -> None:
    _, document = built(project)
    assert table(document, "table-certainty") == [
        [
            "renal cell carcinoma",
            "no rating: nothing is pooled",
            "none",
            "none",
            "The 3 rows on the compound give the result without a number.",
        ]
    ]
    said = paragraphs(section(document, "evidence"))
    assert "No study behind these rows was assessed" in said
    assert not [name for name in anchors(document) if name.startswith("figure-quality")]


def test_no_rating_is_undefined_with_its_reason_for_scripts(project: Path) -> None:
    assert guide_summary(run(read_project(project), built=DAY))["certainty"] == [
        {
            "id": "meta:RCC",
            "oncotree": "RCC",
            "level": None,
            "status": "undefined",
            "reason": "the 3 rows on the compound give the result without a number",
        }
    ]


def test_a_pool_has_a_rating_and_every_domain_a_reason(project: Path) -> None:
    add_effects(project)
    _, document = built(project)
    ((name, level, effect, counts, why),) = table(document, "table-certainty")
    assert (name, level, counts) == ("renal cell carcinoma", "moderate", "3, 2, 72")
    assert re.fullmatch(r"temsirolimus, ratio of means 0\.\d+ \(0\.\d+ to 0\.\d+\)", effect)
    assert why == "risk of bias −1: reasons"
    domains = table(document, "table-certainty-RCC-1")
    assert [row[0] for row in domains] == [
        "risk of bias",
        "inconsistency",
        "imprecision",
        "publication bias",
        "indirectness, animals to question",
        "indirectness, animals to patients",
    ]
    assert [row[1] for row in domains][:4] == ["one", "none", "none", "not assessable"]
    assert all(row[2].endswith(".") and len(row[2]) > 20 for row in domains)


def test_ratings_are_drawn_counted_and_what_is_missing_is_listed(project: Path) -> None:
    add_quality(add_effects(project))
    _, document = built(project)
    assert {"figure-quality-syrcle", "figure-quality-shares-syrcle"} <= anchors(document)
    assert "figure-quality-arrive" not in anchors(document)
    assert table(document, "table-assessments") == [
        ["Author 2001", "[1]", "SYRCLE risk of bias", "9 of 10", "random housing"],
        ["1 work that nobody assessed", "[2]", "none", "none", "everything"],
    ]
    (lights,) = (
        block
        for block in section(document, "evidence").blocks
        if isinstance(block, Figure) and block.anchor == "figure-quality-syrcle"
    )
    assert "Author 2001: sequence generation met, baseline characteristics unclear" in (
        lights.description
    )
    assert "random housing not assessed" in lights.description
    assert "No study behind these rows was assessed" not in paragraphs(
        section(document, "evidence")
    )
    # The pool rests on one work at high risk and one that nobody assessed.
    reason = table(document, "table-certainty-RCC-1")[0][2]
    assert reason.endswith("1 of 2 studies not assessed.")


def test_the_forest_names_how_each_experiment_was_made(project: Path) -> None:
    write_rows(
        project / "evidence" / "records.csv",
        {"row_id": "R1", "source": "w1", "allocation": "randomized"},
        {"row_id": "R2", "source": "w1", "host_strain": "athymic nude"},
        {"row_id": "R3", "source": "w2"},
    )
    add_quality(add_effects(project))
    _, document = built(project)
    (forest,) = (
        block
        for block in section(document, "tumor-RCC").blocks
        if isinstance(block, Figure) and block.anchor == "figure-pool-RCC-1"
    )
    for words in ("CDX", "randomized", "athymic nude", "not reported", "measured blind"):
        assert words in forest.svg, words
    # Blinding of w1 was judged low risk, of w2 nobody did.
    assert "yes" in forest.svg
    assert "not assessed" in forest.svg
    assert forest.description.startswith("R1: 0.444, 0.4")
    assert "pooled: 0.44" in forest.description


def test_without_ratings_the_forest_does_not_speak_of_blinding(project: Path) -> None:
    add_effects(project)
    _, document = built(project)
    (forest,) = (b for b in section(document, "tumor-RCC").blocks if isinstance(b, Figure))
    assert "blind" not in forest.svg


def test_a_screening_is_drawn_with_what_is_open(project: Path) -> None:
    copytree(SCREENING, project / "evidence" / "screening")
    bundle, document = built(project)
    assert bundle.screening is not None
    flow = bundle.screening.flow
    part = section(document, "evidence")
    said = paragraphs(part)
    assert "are made up: it is an example, not a review" in said
    found = flow.searched.n_identified + (flow.other.n_identified if flow.other else 0)
    assert f"Of {found} records that were found, {flow.n_reports} reports of" in said
    assert f"open are {flow.n_open} decision" in said
    kappa = bundle.screening.agreement[0]
    assert f"agreed on {kappa.n_agreed} of {kappa.n} records (Cohen's kappa {kappa.kappa:.2f}" in (
        said
    )
    (drawn,) = (b for b in part.blocks if isinstance(b, Figure) and b.anchor == "figure-screening")
    assert f"identified {flow.searched.n_identified}, removed as duplicates" in drawn.description
    names = {file.name for file in bundle.provenance.inputs}
    assert {"evidence/screening/search.csv", "evidence/screening/screening.toml"} <= names


def test_a_guide_without_a_screening_says_nothing_of_one(project: Path) -> None:
    bundle, document = built(project)
    assert bundle.screening is None
    assert "figure-screening" not in anchors(document)


def test_quality_and_screening_survive_the_bundle_and_every_link_leads_somewhere(
    project: Path, tmp_path: Path
) -> None:
    copytree(SCREENING, project / "evidence" / "screening")
    add_quality(add_effects(project))
    bundle = run(read_project(project), built=DAY)
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    stored = read_bundle(tmp_path / "bundle")
    assert stored == bundle
    assert assemble_guide(stored) == assemble_guide(bundle)
    folder = build_guide(project, tmp_path / "out", built=DAY).folder
    (one,) = json.loads((folder / "guide.json").read_bytes())["certainty"]
    assert (one["id"], one["oncotree"], one["level"]) == ("meta:RCC:1", "RCC", "low")
    assert one["reason"].startswith("risk of bias (two levels): ")
    page = (folder / "index.html").read_text(encoding="utf-8")
    known = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= known


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "quality.csv",
            ",".join(QUALITY_COLUMNS) + "\nw9,A,syrcle,other_bias,low,why,p. 1,AB\n",
            r"expected a key of references\.json, found 'w9'",
        ),
        ("screening/search.csv", "record_id\n", r"screening\.toml|search\.csv"),
    ],
)
def test_a_malformed_file_is_refused_when_the_project_is_read(
    project: Path, name: str, content: str, message: str
) -> None:
    path = project / "evidence" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_project(project)


def test_a_quality_file_with_its_header_alone_is_a_guide_that_nobody_rated(project: Path) -> None:
    header = ",".join(QUALITY_COLUMNS) + "\n"
    (project / "evidence" / "quality.csv").write_text(header, encoding="utf-8")
    assert read_project(project).ratings == ()
