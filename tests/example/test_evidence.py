"""The worked example's rows and claims: complete, lint-free, and tested as the guide says."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from oncovivo.analyses import lint_project, read_project
from oncovivo.analyses.project import SECTIONS, GuideProject
from oncovivo.cli.main import main
from oncovivo.evidence import (
    ClaimResult,
    Record,
    Reported,
    evaluate_claims,
    flatten,
    write_records,
)
from oncovivo.guide import FallenClaimsError, build_guide

FOLDER = Path(__file__).parents[2] / "examples" / "temsirolimus"


@pytest.fixture(scope="module")
def project() -> GuideProject:
    """The worked example as it lies in the repository."""
    return read_project(FOLDER)


def verdicts(project: GuideProject, records: Sequence[Record]) -> dict[str, ClaimResult]:
    """The example's claims on the literature by id, tested against rows."""
    results = evaluate_claims(
        [claim for claim in project.claims if claim.source in (None, "evidence")],
        {"evidence": [flatten(record) for record in records]},
        works=project.library.works(),
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


RENAL_CLAIMS = ["C06a", "C04b", "C07a", "C07b", "C27b", "C25a"]
"""The claims that rest on the renal rows, in the order of claims.toml."""


def without_renal(project: GuideProject) -> list[Record]:
    """The rows that are not on renal cell carcinoma."""
    others = [row for row in project.records if row.oncotree.value not in ("RCC", "CCRCC")]
    assert len(others) < len(project.records)
    return others


def copy_with(records: Sequence[Record], folder: Path) -> Path:
    """A copy of the example that holds other rows."""
    shutil.copytree(FOLDER, folder)
    (folder / "evidence" / "records.csv").write_text(write_records(records), encoding="utf-8")
    return folder


def without_one_row(
    project: GuideProject, row_ids: Sequence[str]
) -> Iterator[dict[str, ClaimResult]]:
    """The claims' results after each row in turn is deleted."""
    for row_id in row_ids:
        yield verdicts(project, [row for row in project.records if row.row_id != row_id])


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
    fallen = [
        name
        for name, result in verdicts(project, without_renal(project)).items()
        if not result.holds
    ]
    assert fallen == RENAL_CLAIMS


def test_a_build_without_the_renal_rows_names_the_claims_that_fell(
    project: GuideProject, tmp_path: Path
) -> None:
    folder = copy_with(without_renal(project), tmp_path / "project")
    with pytest.raises(FallenClaimsError) as caught:
        build_guide(folder, tmp_path / "out", built=date(2026, 11, 22))
    assert [result.claim.id for result in caught.value.claims] == RENAL_CLAIMS
    assert not (tmp_path / "out").exists()


def test_the_command_line_leaves_with_1_and_names_the_claims_that_fell(
    project: GuideProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_with(without_renal(project), tmp_path / "project")
    with pytest.raises(SystemExit) as caught:
        main(["guide", "build", str(folder), "-o", str(tmp_path / "out")])
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert [name for name in RENAL_CLAIMS if f"{name} was" not in said] == []
    assert not (tmp_path / "out").exists()


def test_every_supported_claim_changes_when_a_row_behind_it_is_deleted(
    project: GuideProject,
) -> None:
    before = verdicts(project, project.records)
    unmoved = {
        name
        for name, result in before.items()
        if result.verdict == "supported"
        and all(
            (after[name].verdict, after[name].text) == (result.verdict, result.text)
            for after in without_one_row(project, result.supporting)
        )
    }
    assert unmoved == set()


def test_every_supported_claim_falls_with_the_works_behind_it(project: GuideProject) -> None:
    before = verdicts(project, project.records)
    held = {}
    for name, result in before.items():
        if result.verdict != "supported":
            continue
        spare = len(result.supporting_sources) - result.claim.needs.sources
        lost = result.supporting_sources[: spare + 1]
        rows = [row for row in project.records if not set(row.sources) & set(lost)]
        held[name] = verdicts(project, rows)[name].verdict
    assert [name for name, verdict in held.items() if verdict == "supported"] == []


def test_no_claim_is_partly_supported_by_nothing(project: GuideProject) -> None:
    assert [
        name
        for name, result in verdicts(project, project.records).items()
        if result.verdict == "partly_supported" and not result.supporting_sources
    ] == []


def test_ids_that_were_recalled_and_never_checked_are_not_in_the_rows(
    project: GuideProject,
) -> None:
    recalled = {"RENCA": "CVCL_2174", "B16": "CVCL_F936"}
    lines = {row.xenograft_line.value: row.line_rrid for row in project.records}
    for line, rrid in recalled.items():
        assert lines[line].state == "not_extracted"
        assert all(row.line_rrid.value != rrid for row in project.records)


def test_what_only_the_source_guide_says_is_read_as_unresolved(project: GuideProject) -> None:
    for record in project.records:
        if "sourceguide" in record.sources:
            assert (record.use, record.reading) == ("context", "unresolved"), record.row_id
            assert record.statement.startswith("The source guide"), record.row_id


def test_no_statement_is_longer_than_200_characters(project: GuideProject) -> None:
    assert [row.row_id for row in project.records if len(row.statement) > 200] == []


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
    assert {"p06", "p08", "p12", "p15", "s16", "s17", "wick2016", "wolff2013"} <= negative


def test_the_file_is_what_the_writer_writes(project: GuideProject) -> None:
    text = (FOLDER / "evidence" / "records.csv").read_text(encoding="utf-8")
    assert write_records(project.records) == text
