"""Simulations in a guide: run once, stored without loss, shown as simulated, and claimed on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.analyses.simulation import SimulationOptions, run_simulation_file
from oncovivo.analyses.simulation_results import comparison_id, simulation_rows
from oncovivo.documents import Card, Document, Figure, Section, Sentence, Table
from oncovivo.documents.walk import plain
from oncovivo.errors import FileFormatError
from oncovivo.evidence import SIMULATION_COLUMNS, ClaimResult
from oncovivo.guide import FallenClaimsError, assemble_guide, build_guide
from tests.guide.simulated import CLAIMS, ENTRY, SIMULATION, add_simulation

DAY = date(2026, 1, 2)


@pytest.fixture
def simulated(project: Path) -> Path:
    """The small project with a simulation."""
    return add_simulation(project)


@pytest.fixture
def bundle(simulated: Path) -> Bundle:
    return run(read_project(simulated), built=DAY)


@pytest.fixture
def document(bundle: Bundle) -> Document:
    return assemble_guide(bundle)


def section(document: Document, anchor: str) -> Section:
    return next(part for part in document.sections if part.anchor == anchor)


def table(document: Document, anchor: str) -> Table:
    return next(
        block
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Table) and block.anchor == anchor
    )


def claim(bundle: Bundle, name: str) -> ClaimResult:
    return next(result for result in bundle.claims if result.claim.id == name)


def test_the_guide_and_the_command_compute_the_same_numbers(
    simulated: Path, bundle: Bundle
) -> None:
    (placed,) = bundle.simulations
    assert placed.result == run_simulation_file(simulated / "mechanism" / "small.toml").result
    assert placed.section == "mechanism"


def test_draws_in_the_guide_replace_those_of_the_file(project: Path) -> None:
    folder = add_simulation(project, entry=f"{ENTRY}draws = 7\n", claims="")
    (placed,) = run(read_project(folder), built=DAY).simulations
    path = folder / "mechanism" / "small.toml"
    assert placed.result.draws == 7
    assert placed.result == run_simulation_file(path, options=SimulationOptions(draws=7)).result


def test_a_simulation_survives_writing_and_reading(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    stored = read_bundle(tmp_path / "bundle")
    assert stored.simulations == bundle.simulations
    assert stored.claims == bundle.claims


def test_the_digests_hold_the_simulation_and_the_files_beside_it(simulated: Path) -> None:
    before = read_project(simulated)
    names = {file.name for file in before.inputs}
    assert {"mechanism/small.toml", "mechanism/parameters/small.toml"} <= names
    numbers = simulated / "mechanism" / "parameters" / "small.toml"
    numbers.write_text(numbers.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert read_project(simulated).digest != before.digest


def test_rows_of_a_simulation_have_every_declared_column(bundle: Bundle) -> None:
    (placed,) = bundle.simulations
    rows = simulation_rows(placed.result)
    assert [set(row) for row in rows] == [{c.name for c in SIMULATION_COLUMNS}] * 8
    assert len({row["row_id"] for row in rows}) == len(rows)
    concentration = next(row for row in rows if row["output"] == ("concentration",))
    assert concentration["ratio"] == ("not_applicable",)  # the vehicle has none of the drug


def test_claims_on_a_simulation_get_verdicts_from_its_rows(bundle: Bundle) -> None:
    volume = claim(bundle, "D1")
    (comparison,) = (
        row
        for row in bundle.simulations[0].result.comparisons
        if (row.arm, row.output, row.time_d) == ("drug", "tumor_volume", 6.0)
    )
    assert volume.verdict == "supported"
    assert volume.sources == ("simulation:small",)
    assert comparison.ratio is not None
    assert volume.text == (
        "In the model the drug brings volume on day 6 to "
        f"{float(f'{comparison.ratio:.3g}'):g} of the vehicle's (1 row)."
    )
    assert volume.assumed_count == comparison.assumed_count == 8
    assert volume.scaled_count == comparison.scaled_count == 2
    assert claim(bundle, "D2").verdict == "supported"
    assert len(claim(bundle, "D2").rows) == 2


def test_a_claim_that_the_simulation_contradicts_stops_the_build(project: Path) -> None:
    spoiled = CLAIMS.replace('arm = ["drug"]', 'arm = ["resistant"]')
    folder = add_simulation(project, claims=spoiled)
    with pytest.raises(FallenClaimsError, match=r"D1 was supported, is contradicted .*small:8"):
        build_guide(folder, folder.parent / "out", built=DAY)


def test_a_sentence_on_a_simulation_says_so_and_shows_what_is_assumed(document: Document) -> None:
    said = next(
        block
        for block in section(document, "mechanism").blocks
        if isinstance(block, Sentence) and block.anchor == "sentence-D1"
    )
    assert plain(said.content).startswith("simulated In the model the drug")
    assert plain(said.content).endswith("[simulation small]")
    cards = {
        plain(block.title): dict(block.items)
        for block in section(document, "claims").blocks
        if isinstance(block, Card)
    }
    tested = plain(cards["Claim D1"]["tested against"])
    assert "up to 8 numbers are assumed and up to 2 scaled" in tested
    assert "no animal was involved" in tested
    assert "needs" not in cards["Claim D1"]
    assert "needs" in cards["Claim C1"]


def test_the_summary_says_how_many_sentences_rest_on_simulations(document: Document) -> None:
    words = " ".join(
        plain(block.content)
        for block in section(document, "summary").blocks
        if hasattr(block, "content")
    )
    assert "Of these, 2 rest on a simulation and not on evidence" in words


def test_every_picture_and_table_of_a_simulation_is_marked(document: Document) -> None:
    blocks = section(document, "simulation:small").blocks
    marked = [block for block in blocks if isinstance(block, Figure | Table)]
    assert len(marked) == 6
    assert [plain(block.caption)[:9] for block in marked] == ["simulated"] * 6
    curves = next(b for b in marked if b.anchor == "figure-simulation:small")
    assert "8 numbers behind it are assumed, 2 scaled" in plain(curves.caption)
    assert isinstance(curves, Figure)
    assert "SIMULATED" in curves.svg


def test_the_rows_that_claims_lead_to_are_rows_of_the_table(
    bundle: Bundle, document: Document
) -> None:
    rows = table(document, "table-comparisons:small").rows
    result = bundle.simulations[0].result
    assert [row.anchor for row in rows] == [f"row-{comparison_id(result, n)}" for n in range(1, 9)]
    assert {f"row-{row}" for row in claim(bundle, "D2").rows} <= {row.anchor for row in rows}


def test_the_numbers_stand_with_the_least_known_first(document: Document) -> None:
    shown = table(document, "table-numbers:small")
    statuses = [plain(row.cells[-2]).split(";")[0] for row in shown.rows]
    assert statuses == ["assumed"] * 9 + ["fitted"] + ["scaled"] * 2 + ["measured"]
    assert "9 assumed, 1 fitted, 2 scaled and 1 measured" in plain(shown.caption)
    words = " ".join(plain(row.cells[-1]) for row in shown.rows)
    assert "In the arms vehicle; drug" in words


def test_what_an_earlier_simulation_shows_is_not_repeated(project: Path) -> None:
    folder = add_simulation(
        project, entry=f'{ENTRY}\n[[simulation]]\npath = "mechanism/again.toml"\n'
    )
    (folder / "mechanism" / "again.toml").write_text(SIMULATION, encoding="utf-8")
    document = assemble_guide(run(read_project(folder), built=DAY))
    second = section(document, "simulation:again")
    words = " ".join(plain(block.content) for block in second.blocks if hasattr(block, "content"))
    assert "Every arrow of this model's pathway is one of those of small." in words
    assert "All numbers behind this simulation are those of small." in words
    tables = [block.anchor for block in second.blocks if isinstance(block, Table)]
    assert tables == ["table-arms:again", "table-comparisons:again"]


def test_a_guide_with_a_simulation_is_built_and_every_link_leads_somewhere(
    simulated: Path,
) -> None:
    folder = build_guide(simulated, simulated.parent / "out", built=DAY).folder
    page = (folder / "index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'\bid="([^"]+)"', page))
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= anchors
    assert {"row-small:8", "simulation:small"} <= targets
    summary = json.loads((folder / "guide.json").read_bytes())
    (stated,) = summary["simulations"]
    assert (stated["name"], stated["assumed_count"], stated["simulated"]) == ("small", 8, True)
    by_id = {entry["id"]: entry for entry in summary["claims"]}
    assert (by_id["D1"]["simulated"], by_id["D1"]["assumed_count"]) == (True, 8)
    assert (by_id["C1"]["simulated"], by_id["C1"]["assumed_count"]) == (False, None)
    assert f"{stated['seed']} for the simulation small" in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"simulation:small"',
            '"simulation:smal"',
            r"claim D1: expected a simulation of the guide: small, found from = 'simulation:smal'",
        ),
        ('["drug"]', '["Drug"]', r"D1, where\.arm: expected an entry .*one of: drug, resistant"),
        (
            '["tumor_volume"], time',
            '["volume"], time',
            r"where\.output: .*: concentration, tumor_volume",
        ),
        ("[6]", "[5]", r"where\.time_d: .*found 5; use one of: 3\.0, 6\.0"),
        ('["drug"]', '["not_reported"]', r"where\.arm: expected an entry .*found 'not_reported'"),
    ],
)
def test_a_slip_in_a_claim_on_a_simulation_is_refused(
    project: Path, old: str, new: str, message: str
) -> None:
    assert old in CLAIMS
    folder = add_simulation(project, claims=CLAIMS.replace(old, new, 1))
    with pytest.raises(FileFormatError, match=message):
        read_project(folder)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (ENTRY + ENTRY, r"expected a file name that no other simulation has, found 'small'"),
        (ENTRY + "draws = 0\n", r"simulation\.0\.draws"),
        (ENTRY + 'section = "mechanics"\n', r"simulation\.0\.section"),
        (ENTRY.replace("small", "a b"), "expected a file whose name is letters, digits"),
    ],
)
def test_a_slip_in_the_entry_of_a_simulation_is_refused(
    project: Path, entry: str, message: str
) -> None:
    folder = add_simulation(project, entry=entry, claims="")
    (folder / "mechanism" / "a b.toml").write_text(SIMULATION, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_project(folder)


def test_a_malformed_simulation_is_one_line_of_the_command(
    simulated: Path, run_cli: Callable[..., Any]
) -> None:
    path = simulated / "mechanism" / "small.toml"
    path.write_text(SIMULATION.replace('"tumor_volume"', '"tumour_volume"'), encoding="utf-8")
    outcome = run_cli("guide", "build", simulated, "-o", simulated.parent / "out")
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "small.toml: expected an output of the model" in outcome.err
