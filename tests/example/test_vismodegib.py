"""The second worked example: another drug, with nothing of the first one left on its page."""

import html
import re
import runpy
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from oncovivo.analyses import lint_project, read_project
from oncovivo.analyses.project import GuideProject
from oncovivo.evidence import (
    ClaimResult,
    Record,
    Reported,
    evaluate_claims,
    flatten,
    write_records,
)
from oncovivo.evidence.lint import lint
from oncovivo.guide import BuiltGuide, build_guide

FOLDER = Path(__file__).parents[2] / "examples" / "vismodegib"
STUDIES = FOLDER / "studies" / "smo_simulated"
OTHER_DRUG = re.compile(r"temsirolimus|sirolimus|rapalog|everolimus|mTOR|phospho-S6|786-O", re.I)


@pytest.fixture(scope="module")
def project() -> GuideProject:
    """The example as it lies in the repository."""
    return read_project(FOLDER)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltGuide:
    """The example built once."""
    return build_guide(
        FOLDER, tmp_path_factory.mktemp("vismodegib") / "out", built=date(2026, 11, 23)
    )


@pytest.fixture(scope="module")
def page(built: BuiltGuide) -> str:
    """What a reader of the built page reads, pictures included."""
    source = (built.folder / "index.html").read_text(encoding="utf-8")
    without = re.sub(r"<style.*?</style>|<script.*?</script>", " ", source, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", without)))


def verdicts(project: GuideProject, records: Sequence[Record]) -> dict[str, ClaimResult]:
    """The claims on the literature by id, tested against rows."""
    results = evaluate_claims(
        [claim for claim in project.claims if claim.source in (None, "evidence")],
        {"evidence": [flatten(record) for record in records]},
        works=project.library.works(),
    )
    return {result.claim.id: result for result in results}


def test_every_claim_gets_its_verdict_and_all_six_verdicts_occur(built: BuiltGuide) -> None:
    found = {result.claim.id: result.verdict for result in built.bundle.claims}
    assert found == {result.claim.id: result.claim.expect for result in built.bundle.claims}
    assert set(found.values()) == {
        "supported",
        "partly_supported",
        "unsupported",
        "contradicted",
        "uncited",
        "opinion",
    }


def test_no_finding_stands_and_both_waivers_accept_one(built: BuiltGuide) -> None:
    findings = built.bundle.findings
    assert [(found.rule, found.waived) for found in findings] == [
        ("LINT-01", True),
        ("LINT-35", True),
    ]


def test_the_page_names_no_other_drug_and_no_other_pathway(page: str) -> None:
    assert "GLI1" in page
    assert "Smoothened" in page
    assert [match.group() for match in OTHER_DRUG.finditer(page)] == []


def test_sentences_on_what_is_simulated_say_so(built: BuiltGuide, page: str) -> None:
    simulated = [
        result.claim.id
        for result in built.bundle.claims
        if result.claim.source not in (None, "evidence")
    ]
    assert simulated == ["C07", "C08", "C15", "C17"]
    assert "4 rest on a simulation or a simulated study" in page


def test_the_marker_falls_where_the_drug_binds_and_not_where_smo_is_mutated(page: str) -> None:
    assert re.search(r"SMO as inherited \(simulated line\) 0\.17 .{0,90} engaged and slowed", page)
    assert re.search(r"SMO mutated \(simulated line\) 0\.77 .{0,90} neither", page)


def test_every_supported_claim_changes_when_a_row_behind_it_is_deleted(
    project: GuideProject,
) -> None:
    before = verdicts(project, project.records)
    unmoved = []
    for name, result in before.items():
        if result.verdict != "supported":
            continue
        changed = False
        for row_id in result.supporting:
            left = [row for row in project.records if row.row_id != row_id]
            after = verdicts(project, left)[name]
            changed |= (after.verdict, after.text) != (result.verdict, result.text)
        if not changed:
            unmoved.append(name)
    assert unmoved == []


def test_two_groups_of_patients_in_one_trial_are_two_results(project: GuideProject) -> None:
    assert [found.rule for found in lint_project(project) if not found.waived] == []
    merged = tuple(
        replace(row, source_tumor="") if row.row_id in ("V01a", "V01b") else row
        for row in project.records
    )
    findings = lint(replace(project.lint_input(), records=merged))
    assert [found.rows for found in findings if found.rule == "LINT-10"] == [("V01a", "V01b")]


def test_one_animal_result_under_two_names_of_its_tumor_is_still_stated_twice(
    project: GuideProject,
) -> None:
    row = next(row for row in project.records if row.row_id == "V12a")
    again = replace(
        row, row_id="V12x", source_tumor="colon cancer", xenograft_line=Reported("D5123")
    )
    findings = lint(replace(project.lint_input(), records=(*project.records, again)))
    assert [found.rows for found in findings if found.rule == "LINT-10"] == [("V12a", "V12x")]


def test_rows_are_short_and_the_file_is_what_the_writer_writes(project: GuideProject) -> None:
    assert [row.row_id for row in project.records if len(row.statement) > 200] == []
    text = (FOLDER / "evidence" / "records.csv").read_text(encoding="utf-8")
    assert write_records(project.records) == text


def test_nothing_was_recalled_or_left_unresolved(project: GuideProject) -> None:
    assert {row.reading for row in project.records} == {"verified", "partly_verified"}
    assert {
        project.library[key].verification for row in project.records for key in row.sources
    } == {"verified", "partly_verified"}


def test_the_script_makes_the_tables_of_the_simulated_studies_again(tmp_path: Path) -> None:
    script = runpy.run_path(str(FOLDER / "studies" / "simulate.py"))
    script["write_studies"](tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
    assert len(made) == 6
    for path in made:
        assert (tmp_path / path).read_bytes() == (STUDIES / path).read_bytes(), path
