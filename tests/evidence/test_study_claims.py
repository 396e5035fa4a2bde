"""Claims on a study are checked against its columns and tested as one work."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from oncovivo.combination.result import Null, Scale, Verdict
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import (
    STUDY_COLUMNS,
    Claim,
    ClaimResult,
    evaluate_claim,
    evaluate_claims,
    read_claims,
)
from oncovivo.evidence.claims import Row
from oncovivo.evidence.records import Scalar
from oncovivo.evidence.vocabulary import words
from oncovivo.growth.effects import EFFECTS

CLAIM = """
[[claim]]
id = "C1"
section = "combinations"
text = "The index is {index}; in {share} tests neither synergy nor antagonism is shown."
from = "study:four-arm"
where = { analysis = ["synergy"], null_model = ["bliss"] }
slots = { index = "range index", share = "share verdict=not_shown" }
supports = { verdict = ["not_shown"] }
contradicts = { verdict = ["synergy", "antagonism"] }
expect = "supported"
"""


def read(folder: Path, old: str = "", new: str = "") -> Claim:
    assert old in CLAIM
    path = folder / "claims.toml"
    path.write_text(CLAIM.replace(old, new), encoding="utf-8")
    (claim,) = read_claims(path)
    return claim


def row(number: int, **cells: Scalar) -> Row:
    """A result of Bliss independence that shows nothing."""
    given: dict[str, Scalar] = dict.fromkeys((c.name for c in STUDY_COLUMNS), "not_applicable")
    given |= {
        "row_id": f"four-arm:{number}",
        "source": "study:four-arm",
        "analysis": "synergy",
        "arm": "A + B",
        "null_model": "bliss",
        "scale": "growth_rate",
        "n": 32,
        "index": 1.014982,
        "p_value": 0.96,
        "verdict": "not_shown",
        "level": 0.95,
        **cells,
    }
    return {**{name: (value,) for name, value in given.items()}, "versus": ("A", "B")}


def verdict(claim: Claim, *rows: Row, simulated: bool = False) -> ClaimResult:
    named = {"study:four-arm"} if simulated else set()
    sources = {"evidence": (), "study:four-arm": rows}
    (result,) = evaluate_claims([claim], sources, simulated=named)
    return result


def test_the_rows_of_these_tests_have_the_declared_columns() -> None:
    assert set(row(1)) == {column.name for column in STUDY_COLUMNS}


def test_every_scale_null_model_and_verdict_of_the_analyses_is_a_word_of_a_claim() -> None:
    assert set(get_args(Verdict)) == set(words("study_verdict"))
    assert set(get_args(Null)) <= set(words("null_model"))
    assert set(words("study_scale")) == {*get_args(Scale), *EFFECTS} - {"rate_ratio"}


def test_a_study_is_one_work_and_its_numbers_have_three_digits(tmp_path: Path) -> None:
    result = verdict(read(tmp_path), row(1), row(2, index=0.8714), row(3, null_model="hsa"))
    assert result.text == (
        "The index is 0.871–1.01; in 2 of 2 tests neither synergy nor antagonism is shown."
    )
    assert (result.verdict, result.supporting) == ("supported", ("four-arm:1", "four-arm:2"))
    assert result.supporting_sources == ("study:four-arm",)
    assert (result.assumed_count, result.scaled_count) == (None, None)


def test_one_row_with_another_verdict_contradicts(tmp_path: Path) -> None:
    assert verdict(read(tmp_path), row(1), row(2, verdict="synergy")).verdict == "contradicted"


def test_a_test_that_could_not_be_made_does_not_show_that_there_is_nothing(
    tmp_path: Path,
) -> None:
    untested = row(1, verdict="not_applicable", p_value="not_applicable", index="not_applicable")
    result = verdict(read(tmp_path), untested)
    assert result.verdict == "partly_supported"
    assert "has a number in index" in result.unfilled[0].reason


def test_every_arm_that_a_result_is_held_against_is_found(tmp_path: Path) -> None:
    for arms, found in (('["A"]', 1), ('["B"]', 1), ('["A", "C"]', 1), ('["C"]', 0)):
        claim = read(tmp_path, "analysis =", f"versus = {arms}, analysis =")
        assert len(verdict(claim, row(1)).rows) == found


def test_only_a_simulated_study_makes_a_claim_simulated(tmp_path: Path) -> None:
    claim = read(tmp_path)
    assert not claim.simulated
    assert verdict(claim, row(1), simulated=True).simulated
    assert not verdict(claim, row(1)).simulated
    assert evaluate_claim(claim, (), simulated=True).simulated


def test_a_study_that_is_not_there_is_refused_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"C1: expected a source that exists: evidence, found"):
        evaluate_claims([read(tmp_path)], {"evidence": ()})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("analysis =", "endpoint =", r"where: expected a column of the rows of a study, found"),
        ('["synergy"], null', '["bliss"], null', r"where\.analysis: expected a word of the list"),
        ('["bliss"]', '["Bliss"]', r"where\.null_model: .* list null_model, found 'Bliss'"),
        ('verdict = ["not_shown"]', 'verdict = ["none"]', r"supports\.verdict: .*study_verdict"),
        ('"range index"', '"range arm"', r"slots\.index: expected a column of numbers for range"),
        ("share verdict=not_shown", "share verdict=no", r"slots\.share: .*list study_verdict"),
        (
            "expect",
            "needs = { sources = 2 }\nexpect",
            r"needs: expected needs = \{ sources = 1 \} for a claim from a study, found 2",
        ),
        ("study:four-arm", "study:", r"C1: expected a claim from evidence, pooled or not, or fr"),
        ("study:four-arm", "model:four-arm", r"found from = 'model:four-arm'; write from = \"ev"),
    ],
)
def test_a_slip_is_refused_with_the_columns_of_a_study(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(tmp_path, old, new)
