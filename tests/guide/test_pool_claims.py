"""Claims on what is pooled for a tumor type: verdicts, works, links, and slips refused."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path

import pytest

from oncovivo.analyses import Bundle, read_bundle, read_project, run, write_bundle
from oncovivo.documents import Card, Document, Sentence, Table
from oncovivo.documents.walk import plain, target_of
from oncovivo.errors import FileFormatError
from oncovivo.evidence import ClaimResult
from oncovivo.evidence.meta import Rows, pool
from oncovivo.guide import FallenClaimsError, assemble_guide, build_guide
from oncovivo.guide.enforce import enforce_claims
from tests.guide.conftest import write_rows
from tests.guide.pooled import CLAIMS, EFFECTS, add_effects

DAY = date(2026, 1, 2)


@pytest.fixture
def bundle(project: Path) -> Bundle:
    return run(read_project(add_effects(project)), built=DAY)


def claim(bundle: Bundle, name: str) -> ClaimResult:
    return next(result for result in bundle.claims if result.claim.id == name)


def sentence(document: Document, name: str) -> Sentence:
    return next(
        block
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Sentence) and block.anchor == f"sentence-{name}"
    )


def targets(found: Sentence) -> list[str]:
    return [target_of(inline) for inline in found.content if target_of(inline)]


def card(document: Document, name: str) -> dict[str, str]:
    return next(
        {label: plain(content) for label, content in block.items}
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Card) and plain(block.title) == f"Claim {name}"
    )


def test_a_claim_on_a_pool_gets_its_numbers_and_counts_independent_works(bundle: Bundle) -> None:
    (found,) = bundle.pools
    (ours,) = found.pools
    result = claim(bundle, "P1")
    assert result.rows == ("meta:RCC:1",)
    # R1 and R2 are of one work.
    assert result.supporting_sources == ("w1", "w2")
    ratio = float(f"{math.exp(ours.estimate):.3g}")
    assert result.text == (
        f"Volume under treatment was {ratio:g} of the control's (3 rows of 2 works)."
    )
    assert result.holds
    assert not result.simulated


def test_more_works_than_were_pooled_do_not_support(project: Path) -> None:
    claims = CLAIMS.replace("sources = 2", "sources = 3")
    bundle = run(read_project(add_effects(project, claims=claims)), built=DAY)
    assert claim(bundle, "P1").verdict == "partly_supported"


def test_limits_that_hold_no_difference_contradict(project: Path) -> None:
    effects = "row_id,yi,vi\nR1,-0.3,0.04\nR2,0.3,0.04\nR3,0.1,0.04\n"
    bundle = run(read_project(add_effects(project, effects=effects)), built=DAY)
    assert claim(bundle, "P1").verdict == "contradicted"
    with pytest.raises(FallenClaimsError, match=r"P1 was supported, is contradicted"):
        enforce_claims(bundle.claims)


def test_the_slot_pooled_is_filled_from_the_rows_that_the_claim_matches(project: Path) -> None:
    claims = CLAIMS.replace(
        'where = { oncotree = ["RCC"] }', 'where = { xenograft_line = ["786-O"] }'
    )
    result = claim(run(read_project(add_effects(project, claims=claims)), built=DAY), "P2")
    yi = [math.log(400 / 900), math.log(390 / 860)]
    vi = [
        (sd / mean) ** 2 / 12 + (control_sd / control) ** 2 / 12
        for mean, sd, control, control_sd in ((400, 40, 900, 60), (390, 40, 860, 60))
    ]
    kernel = pool(Rows.of(["R1", "R3"], yi, vi, measure="ROM"))
    shown = [f"{math.exp(x):.3g}" for x in (kernel.estimate, kernel.lower, kernel.upper)]
    assert result.text == (
        f"Pooled, volume was {shown[0]} (95 % limits {shown[1]} to {shown[2]})."
    )
    assert result.slots[0].rows == ("R1", "R3")


@pytest.mark.parametrize(
    ("effects", "reason"),
    [
        ("row_id,yi,vi\nR1,-0.3,0.04\n", r"1 of the 3 matching rows can be pooled, and it ta"),
        (
            "row_id,measure,yi,vi\nR1,ROM,-0.3,0.04\nR2,ROM,-0.4,0.04\nR3,SMD,-0.4,0.04\n",
            r"several tumor types, treatments, outcomes or measures are not pooled together",
        ),
    ],
)
def test_a_slot_that_cannot_be_pooled_says_why(project: Path, effects: str, reason: str) -> None:
    bundle = run(read_project(add_effects(project, effects=effects)), built=DAY)
    assert re.search(reason, claim(bundle, "P2").unfilled[0].reason)


def test_without_effect_sizes_nothing_fills_the_slot(project: Path) -> None:
    add_effects(project)
    (project / "evidence" / "effects.csv").unlink()
    result = claim(run(read_project(project), built=DAY), "P2")
    assert result.unfilled[0].reason.startswith("none of the 3 matching rows can be pooled")
    assert result.text == "Pooled, volume was —."


def test_a_tumor_type_with_nothing_pooled_leaves_a_claim_unsupported(project: Path) -> None:
    claims = CLAIMS.split("[[claim]]")[1]
    claims = "\n[[claim]]" + re.sub(r"text = .*|slots = .*", "", claims).replace(
        'id = "P1"', 'id = "P1"\ntext = "Volume was smaller."'
    ).replace('expect = "supported"', 'expect = "unsupported"')
    add_effects(project, claims=claims, effects="row_id,yi,vi\nR1,-0.3,0.04\n")
    bundle = run(read_project(project), built=DAY)
    assert claim(bundle, "P1").holds
    document = assemble_guide(bundle)
    assert "tumor-RCC" in targets(sentence(document, "P1"))
    assert "nothing that its query asks for is pooled" in card(document, "P1")["verdict"]
    assert card(document, "P1")["tested against"] == "[pooled, RCC]"
    assert card(document, "P1")["rows"] == "none"


def test_a_sentence_leads_to_the_pool_its_row_and_its_works(bundle: Bundle) -> None:
    document = assemble_guide(bundle)
    assert targets(sentence(document, "P1"))[-3:] == ["table-pool-RCC-1", "ref-w1", "ref-w2"]
    shown = card(document, "P1")
    assert shown["tested against"] == "[pooled, RCC]: pooled from 2 independent works"
    assert shown["needs"] == "2 independent works"
    assert shown["supporting"].endswith("meta:RCC:1, from 2 works")
    anchors = {
        row.anchor
        for part in document.sections
        for block in part.blocks
        if isinstance(block, Table) and block.anchor == "table-pool-RCC-1"
        for row in block.rows
    }
    assert "row-meta:RCC:1" in anchors


def test_claims_on_a_pool_survive_the_bundle_and_every_link_leads_somewhere(
    project: Path, tmp_path: Path
) -> None:
    bundle = run(read_project(add_effects(project)), built=DAY)
    (tmp_path / "bundle").mkdir()
    write_bundle(bundle, tmp_path / "bundle")
    assert read_bundle(tmp_path / "bundle") == bundle
    folder = build_guide(project, tmp_path / "out", built=DAY).folder
    page = (folder / "index.html").read_text(encoding="utf-8")
    anchors = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


def test_a_volume_and_a_time_are_not_pooled_together(project: Path) -> None:
    write_rows(
        project / "evidence" / "records.csv",
        {"row_id": "R1", "source": "w1"},
        {"row_id": "R2", "source": "w1", "endpoint": "tumor_weight"},
        {"row_id": "R3", "source": "w2", "endpoint": "growth_delay"},
    )
    add_effects(project, claims="")
    (found,) = run(read_project(project), built=DAY).pools
    assert [pool.endpoints for pool in found.pools] == [("tumor_volume", "tumor_weight")]
    assert [row.row_id for row in found.alone] == ["R3"]
    # A difference of means has a unit, which volume and weight do not share.
    (project / "evidence" / "effects.csv").write_text(EFFECTS.replace("ROM", "MD"), "utf-8")
    (found,) = run(read_project(project), built=DAY).pools
    assert (found.pools, len(found.alone)) == ((), 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "meta:RCC",
            "meta:MCL",
            r"claim P1: expected a tumor type of records.csv: RCC, found from = 'meta:MCL'",
        ),
        ('["temsirolimus"]', '["everolimus"]', r"where\.treatment: .*use one of: temsirolimus"),
        ('["ROM"]', '["RoM"]', r"where\.measure: expected a word of the list pool_measure"),
        (
            'treatment = ["temsirolimus"]',
            'endpoint = ["survival"]',
            r"where\.endpoint: .* row of the tumor type can have, found 'survival'; .*tumor_vol",
        ),
        (
            'treatment = ["temsirolimus"]',
            'oncotree = ["RCC"]',
            r"expected a column of the pooled rows of a tumor type, found 'oncotree'",
        ),
        (
            'treatment = ["temsirolimus"]',
            'source = ["w9"]',
            r"where\.source: expected an id that a row can have, found 'w9'",
        ),
        ('"median ratio"', '"pooled value"', r"slots\.ratio: expected 'pooled value' of evid"),
        ('"pooled value"', '"pooled day"', r"slots\.pooled: expected 'pooled value' of evid"),
    ],
)
def test_a_slip_in_a_claim_on_a_pool_is_refused(
    project: Path, old: str, new: str, message: str
) -> None:
    assert old in CLAIMS
    with pytest.raises(FileFormatError, match=message):
        read_project(add_effects(project, claims=CLAIMS.replace(old, new, 1)))
