"""The worked example's rows and claims: complete, lint-free, and tested as the guide says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from oncovivo.analyses import lint_project, read_project
from oncovivo.analyses.project import SECTIONS, GuideProject
from oncovivo.evidence import (
    ClaimResult,
    Record,
    Reported,
    evaluate_claims,
    flatten,
    write_records,
)

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus"


@pytest.fixture(scope="module")
def project() -> GuideProject:
    """The worked example as it lies in the repository."""
    return read_project(FOLDER)


def verdicts(project: GuideProject, records: Sequence[Record]) -> dict[str, ClaimResult]:
    """The example's claims by id, tested against rows."""
    results = evaluate_claims(
        project.claims, [flatten(record) for record in records], works=project.library.works()
    )
    return {result.claim.id: result for result in results}


def mantle_cell_row(project: GuideProject, row_id: str, source: str) -> Record:
    """An animal row on temsirolimus in mantle cell lymphoma, as a reader might add one."""
    pattern = next(record for record in project.records if record.row_id == "P04a")
    return replace(
        pattern,
        row_id=row_id,
        filed_under="MCL",
        tumor_type="mantle cell lymphoma",
        oncotree=Reported("MCL"),
        ncit=Reported("C4337"),
        doid=Reported("DOID:0050746"),
        xenograft_line=Reported("Jeko-1"),
        line_rrid=Reported("CVCL_1865"),
        source=source,
    )


def test_every_claim_has_the_verdict_that_it_expects(project: GuideProject) -> None:
    results = verdicts(project, project.records)
    assert [name for name, result in results.items() if not result.holds] == []


def test_the_linter_finds_nothing_beyond_a_few_reasoned_waivers(project: GuideProject) -> None:
    standing = [f"{f.rule}: {f.message}" for f in lint_project(project) if not f.waived]
    assert standing == []
    assert len(project.waivers) <= 10


def test_all_29_claims_of_the_source_guide_and_all_sections_are_there(
    project: GuideProject,
) -> None:
    numbers = {claim.id[:3] for claim in project.claims}
    assert {f"C{number:02d}" for number in range(1, 30)} <= numbers
    assert {claim.section for claim in project.claims} == set(SECTIONS)


def test_mantle_cell_lymphoma_is_unsupported_until_three_works_test_it_in_animals(
    project: GuideProject,
) -> None:
    rows = project.records
    one, two, three = (
        mantle_cell_row(project, row_id, source)
        for row_id, source in (("X1", "p07"), ("X2", "p08"), ("X3", "p10"))
    )
    again = replace(one, row_id="X4", endpoint="tumor_volume")
    for claim in ("C06b", "C25b"):
        assert verdicts(project, rows)[claim].verdict == "unsupported"
        assert verdicts(project, rows)[claim].rows == ()
        assert verdicts(project, (*rows, one, two, again))[claim].verdict == "partly_supported"
        supported = verdicts(project, (*rows, one, two, three))[claim]
        assert supported.verdict == "supported"
        assert not supported.holds


def test_claims_fall_when_the_renal_rows_are_deleted(project: GuideProject) -> None:
    others = [row for row in project.records if row.oncotree.value not in ("RCC", "CCRCC")]
    assert len(others) < len(project.records)
    fallen = [name for name, result in verdicts(project, others).items() if not result.holds]
    assert fallen == ["C06a", "C04b", "C07a", "C07b", "C15", "C27b", "C25a"]


def test_rows_without_a_primary_source_that_was_read_are_context(project: GuideProject) -> None:
    for record in project.records:
        read = record.reading in ("verified", "partly_verified")
        known = [
            key
            for key in record.sources
            if project.library[key].verification in ("verified", "partly_verified")
            and project.library[key].source_kind != "vendor"
        ]
        assert (record.use == "evidence") == (read and bool(known)), record.row_id


def test_a_context_row_changes_no_verdict(project: GuideProject) -> None:
    counted = [record for record in project.records if record.use == "evidence"]
    assert len(counted) < len(project.records)
    with_context = verdicts(project, project.records)
    without = verdicts(project, counted)
    assert {name: r.text for name, r in with_context.items()} == {
        name: r.text for name, r in without.items()
    }


def test_the_merged_rows_of_the_source_guide_are_split_and_filed_right(
    project: GuideProject,
) -> None:
    by_id = {record.row_id: record for record in project.records}
    assert (by_id["S01a"].xenograft_line.value, by_id["S01b"].xenograft_line.value) == (
        "786-O",
        "Caki-1",
    )
    assert (by_id["S03a"].partners, by_id["S03b"].partners) == (
        ("vorinostat",),
        ("sepantronium",),
    )
    assert by_id["S11"].filed_under == "MEL"
    assert by_id["S02a"].graft_type.value == "syngeneic"
    assert by_id["P10"].compound == "sirolimus"
    assert by_id["S07"].source_compound == "rapamycin"


def test_negative_results_of_the_cited_papers_are_rows_that_count(project: GuideProject) -> None:
    negative = {
        key
        for record in project.records
        if record.use == "evidence" and record.direction in ("none", "mixed")
        for key in record.sources
    }
    assert {"p06", "p08", "p12", "p15", "s16", "s17", "nct00376688"} <= negative


def test_the_file_is_what_the_writer_writes(project: GuideProject) -> None:
    text = (FOLDER / "evidence" / "records.csv").read_text(encoding="utf-8")
    assert write_records(project.records) == text
