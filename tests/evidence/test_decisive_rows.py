"""Every supported claim has a row whose loss changes its verdict, or says why it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.analyses import GuideProject, read_project
from oncovivo.evidence import ClaimResult, evaluate_claim, evaluate_claims, flatten
from oncovivo.evidence.claims import Claim, Row

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def project() -> GuideProject:
    return read_project(EXAMPLES / "temsirolimus")


@pytest.fixture(scope="module")
def results(project: GuideProject) -> tuple[ClaimResult, ...]:
    claims = [claim for claim in project.claims if claim.source == "evidence"]
    rows = {"evidence": [flatten(record) for record in project.records]}
    return evaluate_claims(claims, rows, works=project.library.works())


def test_deleting_each_row_from_the_file_gives_the_verdicts_that_are_foreseen(
    project: GuideProject, results: tuple[ClaimResult, ...]
) -> None:
    rows = [flatten(record) for record in project.records]
    works = project.library.works()
    foreseen = {
        (result.claim.id, row): verdict for result in results for row, verdict in result.decisive
    }
    found = {}
    for lost in rows:
        rest = [row for row in rows if row is not lost]
        (name,) = lost["row_id"]
        for result in results:
            again = evaluate_claim(result.claim, rest, works=works)
            if again.verdict != result.verdict:
                found[result.claim.id, str(name)] = again.verdict
    assert found == foreseen
    assert len(found) > 30


def test_every_supported_claim_has_such_a_row_or_says_why_not(
    results: tuple[ClaimResult, ...],
) -> None:
    supported = [result for result in results if result.verdict == "supported"]
    assert len(supported) > 20
    for result in supported:
        assert bool(result.decisive) != bool(result.not_decisive), result.claim.id


def claim(**changes: object) -> Claim:
    return Claim.model_validate(
        {
            "id": "C",
            "section": "summary",
            "text": "Tumors shrank.",
            "from": "evidence",
            "where": {"oncotree": ["RCC"]},
            "supports": {"direction": ["benefit"]},
            "contradicts": {"direction": ["harm"]},
            "needs": {"sources": 2},
            "expect": "supported",
            **changes,
        }
    )


def row(name: str, source: str, direction: str = "benefit") -> Row:
    return {
        "row_id": (name,),
        "source": (source,),
        "oncotree": ("RCC",),
        "direction": (direction,),
    }


def test_a_work_with_two_rows_loses_neither_by_one() -> None:
    found = evaluate_claim(claim(), [row("A", "s"), row("B", "s"), row("C", "t")])
    assert found.decisive == (("C", "partly_supported"),)
    both = [row("A", "s"), row("B", "s"), row("C", "t"), row("D", "t")]
    found = evaluate_claim(claim(), both)
    assert found.decisive == ()
    assert found.not_decisive == "each work that supports it does so with several rows"


def test_more_works_than_needed_say_so() -> None:
    found = evaluate_claim(claim(), [row("A", "s"), row("B", "t"), row("C", "u")])
    assert found.not_decisive == "3 works support it and 2 would do"


def test_the_loss_of_a_contradicting_row_can_support_a_claim() -> None:
    rows = [row("A", "s"), row("B", "t"), row("C", "u", "harm")]
    found = evaluate_claim(claim(), rows)
    assert found.verdict == "partly_supported"
    # without one supporting work, one for and one against: contradicted
    assert found.decisive == (("A", "contradicted"), ("B", "contradicted"), ("C", "supported"))


def test_the_last_row_leaves_a_claim_unsupported() -> None:
    found = evaluate_claim(claim(needs={"sources": 1}), [row("A", "s")])
    assert found.decisive == (("A", "unsupported"),)
    assert evaluate_claim(claim(), []).not_decisive == ""
