"""A guide is built from a bundle, the same bytes each time, and fails when a claim falls."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses import read_bundle, read_project, run, write_bundle
from oncovivo.errors import FileFormatError
from oncovivo.guide import FallenClaimsError, assemble_guide, build_guide, render_guide

DAY = date(2026, 1, 2)


def delete_rows(project: Path, *row_ids: str) -> None:
    path = project / "evidence" / "records.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(tuple(f"{i}," for i in row_ids))]
    path.write_text("".join(kept), encoding="utf-8")


def test_a_build_writes_page_pdf_summary_and_bundle(project: Path) -> None:
    built = build_guide(project, project.parent / "out", built=DAY)
    names = {path.name for path in built.folder.iterdir()}
    assert names == {"index.html", "guide.pdf", "guide.json", "bundle"}
    page = (built.folder / "index.html").read_text(encoding="utf-8")
    assert "Growth of renal tumors was slower in" in page
    assert "Mantle cell lymphoma has" in page
    assert (built.folder / "guide.pdf").read_bytes().startswith(b"%PDF")


def test_building_twice_gives_the_same_bytes(project: Path) -> None:
    one = build_guide(project, project.parent / "one", built=DAY).folder
    two = build_guide(project, project.parent / "two", built=DAY).folder
    for name in ("index.html", "guide.pdf", "guide.json", "bundle/claims.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_guide_is_rebuilt_from_its_bundle_byte_for_byte(project: Path, tmp_path: Path) -> None:
    folder = build_guide(project, project.parent / "out", built=DAY).folder
    again = tmp_path / "again"
    again.mkdir()
    render_guide(read_bundle(folder / "bundle"), again)
    for name in ("index.html", "guide.pdf", "guide.json"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_bundle_survives_writing_and_reading(project: Path, tmp_path: Path) -> None:
    bundle = run(read_project(project), built=DAY)
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    assert assemble_guide(read_bundle(tmp_path / "bundle")) == assemble_guide(bundle)


def test_a_bundle_of_another_version_is_refused_by_name(project: Path) -> None:
    folder = build_guide(project, project.parent / "out", built=DAY).folder / "bundle"
    guide = json.loads((folder / "guide.json").read_bytes())
    guide["schema"] = "oncovivo.bundle/0"
    (folder / "guide.json").write_text(json.dumps(guide), encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"bundle/2, oncovivo\.bundle/1, found.*/0"):
        read_bundle(folder)


def test_deleting_rows_names_the_claims_that_fall(
    project: Path, run_cli: Callable[..., Any]
) -> None:
    delete_rows(project, "R3")
    out = project.parent / "out"
    outcome = run_cli("guide", "build", project, "-o", out)
    assert outcome.code == 1
    assert "C1 was supported, is partly_supported (supporting: R1, R2;" in outcome.err
    assert "C2" not in outcome.err
    assert not out.exists()


def test_with_json_fallen_claims_are_listed(project: Path, run_cli: Callable[..., Any]) -> None:
    delete_rows(project, "R3")
    outcome = run_cli("guide", "build", project, "-o", project.parent / "out", "--json")
    (fallen,) = json.loads(outcome.out)["claims"]
    assert (fallen["id"], fallen["expect"], fallen["verdict"]) == (
        "C1",
        "supported",
        "partly_supported",
    )
    assert fallen["rows"] == ["R1", "R2"]


def test_a_slot_that_cannot_be_filled_stops_the_build(project: Path) -> None:
    claims = project / "claims.toml"
    text = claims.read_text(encoding="utf-8").replace(
        'works = "distinct source"', 'works = "min value"'
    )
    claims.write_text(text, encoding="utf-8")
    with pytest.raises(FallenClaimsError, match=r"C1 slot \{works\} cannot be filled"):
        build_guide(project, project.parent / "out", built=DAY)


def test_every_number_leads_to_rows_and_every_row_to_its_locator_and_reference(
    project: Path,
) -> None:
    folder = build_guide(project, project.parent / "out", built=DAY).folder
    page = (folder / "index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'\bid="([^"]+)"', page))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= anchors
    assert {"number-C1-n", "claim-C1", "row-R1", "row-R3", "ref-w1", "ref-w2"} <= targets


def test_the_date_comes_from_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., Any]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    out = project.parent / "out"
    assert run_cli("guide", "build", project, "-o", out).code == 0
    assert json.loads((out / "guide.json").read_bytes())["date"] == "1970-01-02"


def test_the_order_of_rows_does_not_change_a_verdict(project: Path) -> None:
    path = project / "evidence" / "records.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    before = run(read_project(project), built=DAY).claims
    path.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    after = run(read_project(project), built=DAY).claims
    assert [c.verdict for c in before] == [c.verdict for c in after]
    assert [c.text for c in before] == [c.text for c in after]


def test_a_guide_without_any_row_still_builds(project: Path) -> None:
    (project / "evidence" / "records.csv").unlink()
    (project / "claims.toml").unlink()
    folder = build_guide(project, project.parent / "out", built=DAY).folder
    assert "Made for a test." in (folder / "index.html").read_text(encoding="utf-8")
