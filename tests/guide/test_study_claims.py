"""Claims on a study of the guide: verdicts from its results, marks, links, and slips refused."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Card, Document, Section, Sentence, Table
from oncovivo.documents.walk import plain, target_of
from oncovivo.errors import FileFormatError
from oncovivo.evidence import ClaimResult
from oncovivo.guide import FallenClaimsError, assemble_guide, build_guide
from tests.guide.conftest import reference, write_rows
from tests.guide.simulated import add_simulation

DAY = date(2026, 1, 2)
STUDY = Path(__file__).parents[2] / "examples" / "temsirolimus" / "studies" / "four_arm_simulated"

ENTRY = """
[[study]]
path = "studies/four"
id = "four"
control = "vehicle"
section = "endpoints"
source = "w2"

[[study.combination]]
a = "temsirolimus"
b = "perifosine"
combination = "temsirolimus + perifosine"
null = ["bliss"]
scale = ["relative_volume", "growth_rate"]
"""

CLAIMS = """
[[claim]]
id = "E1"
section = "combinations"
text = "On day {day} both together leave {index} of what Bliss independence foresees."
from = "study:four"
where = { analysis = ["synergy"], null_model = ["bliss"], scale = ["relative_volume"] }
slots = { day = "median day", index = "median index" }
supports = { verdict = ["not_shown"] }
contradicts = { verdict = ["synergy", "antagonism"] }
expect = "supported"

[[claim]]
id = "E2"
section = "endpoints"
text = "Growth was slower in {share} arms."
from = "study:four"
where = { analysis = ["growth_rate"], scale = ["growth_rate"], versus = ["vehicle"] }
slots = { share = "share direction=lower" }
supports = { direction = ["lower"] }
contradicts = { direction = ["none", "higher"] }
expect = "supported"
"""


def add_study(
    project: Path, *, claims: str = CLAIMS, entry: str = ENTRY, simulated: bool = True
) -> Path:
    """Put the four-arm study and claims on it into a project; the project."""
    copytree(STUDY, project / "studies" / "four")
    path = project / "studies" / "four" / "study.toml"
    said = f"simulated = {str(simulated).lower()}"
    path.write_text(path.read_text("utf-8").replace("simulated = true", said), "utf-8")
    for name, more in (("guide.toml", entry), ("claims.toml", claims)):
        path = project / name
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return project


@pytest.fixture
def bundle(project: Path) -> Bundle:
    return run(read_project(add_study(project)), built=DAY)


@pytest.fixture
def document(bundle: Bundle) -> Document:
    return assemble_guide(bundle)


def section(document: Document, anchor: str) -> Section:
    return next(part for part in document.sections if part.anchor == anchor)


def claim(bundle: Bundle, name: str) -> ClaimResult:
    return next(result for result in bundle.claims if result.claim.id == name)


def sentence(document: Document, name: str) -> Sentence:
    return next(
        block
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Sentence) and block.anchor == f"sentence-{name}"
    )


def card(document: Document, name: str) -> dict[str, str]:
    return next(
        {label: plain(content) for label, content in block.items}
        for block in section(document, "claims").blocks
        if isinstance(block, Card) and plain(block.title) == f"Claim {name}"
    )


def targets(found: Sentence) -> list[str]:
    return [target_of(inline) for inline in found.content if target_of(inline)]


def test_claims_on_a_study_get_verdicts_from_its_results(bundle: Bundle) -> None:
    result = bundle.studies[0].combinations[0].result
    assert result is not None
    volume = claim(bundle, "E1")
    assert volume.verdict == "supported"
    assert volume.sources == ("study:four",)
    assert result.results[0].index is not None
    index = f"{float(f'{result.results[0].index:.3g}'):g}"
    assert volume.text == (
        f"On day 28 both together leave {index} of what Bliss independence foresees."
    )
    assert claim(bundle, "E2").text == "Growth was slower in 3 of 3 arms."
    assert claim(bundle, "E2").holds


def test_a_claim_on_a_simulated_study_is_marked_and_one_on_animals_is_not(
    bundle: Bundle, document: Document, tmp_path: Path, project: Path
) -> None:
    assert claim(bundle, "E1").simulated
    assert plain(sentence(document, "E1").content).startswith("simulated On day 28")
    tested = card(document, "E1")["tested against"]
    assert tested == "[study four, 2]: one work, however many rows; no animal was involved."
    assert "needs" not in card(document, "E1")
    words = " ".join(
        plain(block.content)
        for block in section(document, "summary").blocks
        if hasattr(block, "content")
    )
    assert "Of these, 2 rest on a simulated study and not on evidence" in words

    path = project / "studies" / "four" / "study.toml"
    path.write_text(path.read_text("utf-8").replace("simulated = true", ""), "utf-8")
    real = run(read_project(project), built=DAY)
    assert not any(result.simulated for result in real.claims)
    page = assemble_guide(real)
    assert plain(sentence(page, "E1").content).startswith("On day 28")
    assert card(page, "E1")["tested against"] == "[study four, 2]: one work, however many rows."
    assert "rest on a simulated" not in str(section(page, "summary"))


def test_a_sentence_leads_to_its_section_its_rows_and_the_reference_of_the_study(
    document: Document,
) -> None:
    assert targets(sentence(document, "E1"))[-2:] == ["combination-four-1", "ref-w2"]
    assert targets(sentence(document, "E2"))[-2:] == ["study-four", "ref-w2"]
    rows = {
        row.anchor
        for block in section(document, "study-rows").blocks
        if isinstance(block, Table)
        for row in block.rows
    }
    behind = card(document, "E1")["supporting"]
    (named,) = re.findall(r"four:\d+", behind)
    assert f"row-{named}" in rows
    assert behind.endswith("from 1 study")


def test_the_table_of_results_prints_what_a_row_says(document: Document) -> None:
    (table,) = (b for b in section(document, "study-rows").blocks if isinstance(b, Table))
    assert plain(table.caption).startswith("simulated Results of ")
    cells = [[plain(cell) for cell in row.cells] for row in table.rows]
    assert [row[0] for row in cells] == [str(number) for number in range(1, len(cells) + 1)]
    bliss = next(row for row in cells if row[1] == "Bliss independence, relative size")
    assert bliss[2:6] == [
        "temsirolimus + perifosine",
        "temsirolimus, perifosine",
        "28",
        "32",
    ]
    assert re.fullmatch(r"1\.01 \(0\.551 to 1\.87\)", bliss[7])
    assert bliss[9] == "not shown"
    median = next(row for row in cells if row[1:3] == ["median time", bliss[2]])
    assert re.fullmatch(r"— \(1\.\d\d to ∞\)", median[7])
    assert median[9] == "higher"
    rate = next(row for row in cells if row[1] == "growth rate")
    assert re.fullmatch(r"−0\.0\d+ \(−0\.\d+ to −0\.\d+\)", rate[6])
    assert re.fullmatch(r"\S+ \(\S+\)", rate[8])


def test_a_study_that_no_claim_queries_has_no_table_of_rows(project: Path) -> None:
    document = assemble_guide(run(read_project(add_study(project, claims="")), built=DAY))
    assert "study-rows" not in {part.anchor for part in document.sections}


def test_claims_on_a_study_survive_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    stored = read_bundle(tmp_path / "bundle")
    assert stored.claims == bundle.claims
    assert assemble_guide(stored) == assemble_guide(bundle)


def test_a_guide_with_claims_on_a_study_is_built_and_every_link_leads_somewhere(
    project: Path,
) -> None:
    folder = build_guide(add_study(project), project.parent / "out", built=DAY).folder
    page = (folder / "index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    by_id = {one["id"]: one for one in json.loads((folder / "guide.json").read_bytes())["claims"]}
    assert (by_id["E1"]["simulated"], by_id["E1"]["from"]) == (True, "study:four")
    assert by_id["C1"]["simulated"] is False


def test_a_claim_that_the_study_contradicts_stops_the_build(project: Path) -> None:
    spoiled = CLAIMS.replace('["not_shown"]', '["synergy"]').replace(
        '["synergy", "antagonism"]', '["not_shown"]'
    )
    with pytest.raises(FallenClaimsError, match=r"E1 was supported, is contradicted .*four:\d"):
        build_guide(add_study(project, claims=spoiled), project.parent / "out", built=DAY)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"study:four"',
            '"study:fore"',
            r"claim E1: expected a study of the guide: four, found from = 'study:fore'; .*\[\[s",
        ),
        (
            'versus = ["vehicle"]',
            'versus = ["Vehicle"]',
            r"E2, where\.versus: .* of the study can",
        ),
        (
            'scale = ["growth_rate"], ',
            'arm = ["both"], ',
            r"where\.arm: .*found 'both'; use one of: temsirolimus, perifosine, temsir",
        ),
        ('["bliss"]', '["hsa"]', r"E1, where\.null_model: .*found 'hsa'; use one of: bliss"),
        ('["relative_volume"]', '["auc"]', r"where\.scale: .*'auc'; use one of: growth_rate, a"),
    ],
)
def test_a_slip_in_a_claim_on_a_study_is_refused(
    project: Path, old: str, new: str, message: str
) -> None:
    assert old in CLAIMS
    with pytest.raises(FileFormatError, match=message):
        read_project(add_study(project, claims=CLAIMS.replace(old, new, 1)))


def test_a_null_model_of_a_study_without_combinations_is_refused(project: Path) -> None:
    entry = ENTRY.split("[[study.combination]]")[0]
    claims = CLAIMS.replace('analysis = ["synergy"], ', "")
    with pytest.raises(FileFormatError, match=r"'bliss'; use one of: .*not_applicable"):
        read_project(add_study(project, entry=entry, claims=claims))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "four"', 'id = "four arms"', r"study\.0\.id"),
        ('id = "four"', 'id = "four_arms"', r"study\.0\.id"),
        (
            "[[study.combination]]",
            '[[study]]\npath = "studies/four"\nid = "four"\n[[study.combination]]',
            r"expected an id that no other study has, found 'four'",
        ),
    ],
)
def test_a_slip_in_the_id_of_a_study_is_refused(
    project: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_project(add_study(project, entry=ENTRY.replace(old, new, 1)))


def test_a_study_with_the_name_of_a_simulation_is_refused(project: Path) -> None:
    add_simulation(project, claims="")
    entry, claims = (said.replace("four", "small") for said in (ENTRY, CLAIMS))
    entry = entry.replace("studies/small", "studies/four")
    with pytest.raises(
        FileFormatError, match=r"expected a study id that no simulation has as its"
    ):
        read_project(add_study(project, entry=entry, claims=claims))


def test_the_rows_of_evidence_and_of_a_study_stay_apart(project: Path) -> None:
    write_rows(
        project / "evidence" / "records.csv",
        {"row_id": "R1", "source": "w1"},
        {"row_id": "R3", "source": "w2"},
    )
    bundle = run(read_project(add_study(project, simulated=False)), built=DAY)
    assert claim(bundle, "C1").sources == ("w1", "w2")
    assert claim(bundle, "E2").sources == ("study:four",)
    assert reference("w2", 2)["id"] == bundle.studies[0].source


def test_a_sentence_on_results_of_several_kinds_leads_to_the_study(project: Path) -> None:
    wider = CLAIMS.replace(
        'where = { analysis = ["synergy"], null_model = ["bliss"], scale = ["relative_volume"] }',
        'where = { arm = ["temsirolimus + perifosine"] }',
    )
    document = assemble_guide(run(read_project(add_study(project, claims=wider)), built=DAY))
    assert targets(sentence(document, "E1"))[-2:] == ["study-four", "ref-w2"]


def test_the_summary_names_every_kind_of_what_is_simulated(project: Path) -> None:
    document = assemble_guide(run(read_project(add_study(add_simulation(project))), built=DAY))
    words = " ".join(
        plain(block.content)
        for block in section(document, "summary").blocks
        if hasattr(block, "content")
    )
    assert "Of these, 4 rest on a simulation or a simulated study and not on evidence" in words
    assert card(document, "D1")["tested against"].startswith("[simulation small]: one work")
    assert "the simulation supports it" in card(document, "D1")["verdict"]
    assert "the study supports it" in card(document, "E1")["verdict"]
