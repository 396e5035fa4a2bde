"""The commands of a literature search: import, duplicates, screen, prisma."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "screening"
EXPORTS = EXAMPLE / "exports"
SOURCES = (
    "--database",
    "pubmed.nbib=PubMed",
    "--database",
    "scopus.bib=Scopus",
    "--other",
    "citations.json=citation_searching",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example; its folder has a space."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "a screening"))


def test_the_search_of_the_example_is_what_an_import_writes(
    tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    out = tmp_path / "new" / "search.csv"
    files = sorted(EXPORTS.iterdir(), reverse=True)
    outcome = run_cli("evidence", "import", *files, *SOURCES, "-o", out, "--json")
    assert outcome.code == 0
    assert out.read_bytes() == (EXAMPLE / "search.csv").read_bytes()
    content = json.loads(outcome.out)
    assert content["schema"] == "oncovivo.search_import/1"
    assert (content["n_records"], content["n_new"], content["n_duplicates"]) == (27, 27, 10)
    assert {one["file"]: one["n"] for one in content["sources"]} == {
        "citations.json": 3,
        "embase.ris": 10,
        "pubmed.nbib": 10,
        "scopus.bib": 4,
    }
    assert list(out.parent.iterdir()) == [out]


def test_exports_are_added_only_when_asked_and_only_once(
    tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    out = tmp_path / "search.csv"
    assert run_cli("evidence", "import", EXPORTS / "pubmed.nbib", "-o", out).code == 0
    before = out.read_bytes()
    again = run_cli("evidence", "import", EXPORTS / "scopus.bib", "-o", out)
    assert again.code == 2
    assert "use --add" in again.err
    assert out.read_bytes() == before
    more = run_cli("evidence", "import", EXPORTS / "scopus.bib", "-o", out, "--add", "--json")
    assert json.loads(more.out)["n_records"] == 14
    assert json.loads(more.out)["n_new"] == 4
    twice = run_cli("evidence", "import", EXPORTS / "scopus.bib", "-o", out, "--add")
    assert twice.code == 2
    assert "expected exports that were not imported before, found scopus.bib" in twice.err


def test_a_table_of_sources_and_what_was_not_understood_is_shown(
    tmp_path: Path, run_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    made = tmp_path / "made_up.bib"
    made.write_text("@misc{x, title = {Made up}, doi = {nowhere}}", encoding="utf-8")
    outcome = run_cli("evidence", "import", made, "-o", tmp_path / "search.csv")
    assert "not a DOI, left out: 'nowhere'" in outcome.out
    assert "1 record, 0 duplicates removed, 1 report left; 0 pairs to decide" in outcome.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--database", "pubmed.nbib"), "--database: expected FILE=NAME"),
        (("--other", "pubmed.nbib=friend"), "FILE=METHOD with one of website, organization"),
        (("--database", "pubmed.nbib=A", "--register", "pubmed.nbib=B"), "--register: .* twice"),
        (("--database", "other.ris=A"), r"the name of one of the files, found 'other\.ris'"),
    ],
)
def test_options_of_an_import_that_say_nothing_are_refused(
    tmp_path: Path, run_cli: Callable[..., Any], options: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "search.csv"
    outcome = run_cli("evidence", "import", EXPORTS / "pubmed.nbib", "-o", out, *options)
    assert outcome.code == 2
    assert re.search(message, outcome.err)
    assert outcome.err.count("\n") == 1
    assert not out.exists()


def test_only_a_csv_is_written(tmp_path: Path, run_cli: Callable[..., Any]) -> None:
    out = tmp_path / "search.xlsx"
    outcome = run_cli("evidence", "import", EXPORTS / "pubmed.nbib", "-o", out)
    assert outcome.code == 2
    assert "a name ending in .csv" in outcome.err


def test_duplicates_are_listed_with_their_reasons(
    folder: Path, run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    table = tmp_path / "duplicates.csv"
    content = json.loads(run_cli("evidence", "duplicates", folder, "-o", table, "--json").out)
    assert content["schema"] == "oncovivo.duplicates/1"
    assert (content["n_records"], content["n_reports"], content["n_duplicates"]) == (27, 16, 11)
    why = {one["record_id"]: one["reason"] for one in content["merges"]}
    assert (why["embase.ris:1"], why["embase.ris:2"], why["scopus.bib:4"]) == (
        "doi",
        "pages",
        "person",
    )
    (folder / "duplicates.csv").unlink()
    undecided = json.loads(run_cli("evidence", "duplicates", folder, "--json").out)
    assert [(one["record_id"], one["other_id"]) for one in undecided["near_duplicates"]] == [
        ("pubmed.nbib:9", "scopus.bib:4")
    ]
    assert "To decide, in duplicates.csv" in run_cli("evidence", "duplicates", folder).out
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["merged"] * 11
    assert rows[0]["title"] == rows[0]["other_title"].rstrip(".")


def test_the_state_of_a_screening_is_shown(
    folder: Path, run_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    table = tmp_path / "states.csv"
    content = json.loads(run_cli("evidence", "screen", folder, "-o", table, "--json").out)
    assert content["states"]["included"] == 6
    assert sum(content["states"].values()) == content["n_reports"] == 16
    assert [one["record_id"] for one in content["conflicts"]] == ["embase.ris:10", "pubmed.nbib:9"]
    assert [one["rater"] for one in content["conflicts"][0]["decisions"]] == ["AB", "CD"]
    agreement = content["agreement"][0]
    # 14 titles: both out 4, both on 8, and two on which only CD said exclude.
    chance = (10 * 8 + 4 * 6) / 14**2
    assert (agreement["n"], agreement["n_agreed"]) == (14, 12)
    assert agreement["kappa"] == pytest.approx((12 / 14 - chance) / (1 - chance))
    with table.open(encoding="utf-8", newline="") as file:
        rows = {row["record_id"]: row for row in csv.DictReader(file)}
    assert len(rows) == 27
    assert sum(row["state"] == "duplicate" for row in rows.values()) == 11
    assert rows["embase.ris:1"]["duplicate_of"] == "pubmed.nbib:1"
    assert rows["pubmed.nbib:5"]["reason"] == "no_animals"
    shown = run_cli("evidence", "screen", folder).out
    assert "AB: include, CD: exclude (no_control)" in shown
    assert "0.32 to 1.00" in shown


def test_a_consensus_settles_a_conflict_and_the_flow_is_complete(
    folder: Path, run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    waiting = run_cli("evidence", "screen", folder, "--rater", "consensus")
    assert "embase.ris:10" in waiting.out
    assert "1 record for consensus on title and abstract, 1 shown" in waiting.out
    first = run_cli(
        "evidence", "screen", folder, "--rater", "consensus", "--decide", "embase.ris:10=exclude"
    )
    assert first.code == 0
    second = run_cli(
        "evidence",
        "screen",
        folder,
        *("--rater", "consensus", "--stage", "full_text", "--decide", "pubmed.nbib:9=include"),
        *("--date", "2026-02-01", "--note", "made up", "--study", "invented-diet", "--json"),
    )
    content = json.loads(second.out)
    assert content["conflicts"] == []
    assert content["states"]["included"] == 7
    last = (folder / "screening.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last == ("pubmed.nbib:9,full_text,include,,consensus,2026-02-01,,invented-diet,made up")
    flow = json.loads(run_cli("evidence", "prisma", folder, "--json").out)
    assert flow["complete"] is True
    assert (flow["n_reports"], flow["n_studies"], flow["searched"]["n_excluded"]) == (7, 5, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--decide", "pubmed.nbib:9=include"), "expected who decides, found no --rater"),
        (("--reason", "no_animals"), "--reason: expected a decision to go with it"),
        (("--rater", "EF", "--decide", "pubmed.nbib:9"), "expected RECORD=DECISION"),
        (("--rater", "EF", "--decide", "x=include"), "expected a record of search.csv"),
        (("--rater", "EF", "--decide", "pubmed.nbib:1=yes"), "expected one of include, maybe"),
        (
            ("--rater", "AB", "--decide", "pubmed.nbib:1=include"),
            "a second of AB on pubmed.nbib:1",
        ),
        (
            ("--rater", "EF", "--decide", "pubmed.nbib:1=include", "--source", "nowhere"),
            "expected a key of references.json",
        ),
    ],
)
def test_a_decision_that_does_not_hold_leaves_the_log_alone(
    folder: Path, run_cli: Callable[..., Any], options: tuple[str, ...], message: str
) -> None:
    (folder / "references.json").write_text("[]", encoding="utf-8")
    before = (folder / "screening.csv").read_bytes()
    outcome = run_cli("evidence", "screen", folder, *options)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert (folder / "screening.csv").read_bytes() == before
    assert not (folder / "screening.csv.new").exists()


def test_the_flow_is_printed_and_drawn(
    folder: Path, run_cli: Callable[..., Any], tmp_path: Path
) -> None:
    figure = tmp_path / "flow.svg"
    outcome = run_cli("evidence", "prisma", folder, "--figure", figure)
    assert outcome.code == 0
    assert "6 reports of 4 studies included" in outcome.out
    assert "in progress: 2 reports and 0 pairs" in outcome.out
    text = figure.read_text(encoding="utf-8")
    assert "PRISMA 2020 flow diagram: Imaginarimab in made-up animal models" in text
    again = tmp_path / "again.svg"
    assert run_cli("evidence", "prisma", folder, "--figure", again).code == 0
    assert again.read_bytes() == figure.read_bytes()
    content = json.loads(run_cli("evidence", "prisma", folder, "--json").out)
    assert content["schema"] == "oncovivo.prisma/1"
    assert content["searched"]["excluded_reports"] == [
        {"reason": "No animals", "n": 1},
        {"reason": "No control arm", "n": 1},
    ]


def test_a_folder_that_is_no_screening_is_said_so(
    tmp_path: Path, run_cli: Callable[..., Any]
) -> None:
    for command in ("duplicates", "screen", "prisma"):
        outcome = run_cli("evidence", command, tmp_path)
        assert outcome.code == 2
        assert "screening.toml: expected a readable file" in outcome.err
    figure = run_cli("evidence", "prisma", EXAMPLE, "--figure", tmp_path / "flow.pdf")
    assert figure.code == 2
    assert "a name ending in .svg or .png" in figure.err
