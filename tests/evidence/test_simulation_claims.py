"""Claims on a simulation are checked against its columns and tested like those on evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import (
    SIMULATION_COLUMNS,
    Claim,
    ClaimResult,
    evaluate_claims,
    read_claims,
)
from oncovivo.evidence.claims import Row
from oncovivo.evidence.records import Scalar

CLAIM = """
[[claim]]
id = "C1"
section = "mechanism"
text = "In the model volume falls to {ratio} of the vehicle's, {share} rows are lower."
from = "simulation:renal"
where = { output = ["tumor_volume"] }
slots = { ratio = "range ratio", share = "share direction=lower" }
supports = { direction = ["lower"] }
contradicts = { direction = ["higher"] }
expect = "supported"
"""


def read(folder: Path, old: str = "", new: str = "") -> tuple[Claim, ...]:
    assert old in CLAIM
    path = folder / "claims.toml"
    path.write_text(CLAIM.replace(old, new), encoding="utf-8")
    return read_claims(path)


def row(number: int, **cells: Scalar) -> Row:
    """A row of a simulation in which the volume is lower."""
    given: dict[str, Scalar] = {
        "row_id": f"renal:{number}",
        "source": "simulation:renal",
        "arm": "drug",
        "versus": "vehicle",
        "output": "tumor_volume",
        "unit": "mm³",
        "time_d": 21.0,
        "median": 1107.3845,
        "lower": 800.0,
        "upper": 1400.0,
        "ratio": 0.352613,
        "ratio_lower": 0.243,
        "ratio_upper": 0.435,
        "direction": "lower",
        "assumed_count": 16,
        "scaled_count": 15,
        **cells,
    }
    return {name: (value,) for name, value in given.items()}


def verdict(folder: Path, *rows: Row) -> ClaimResult:
    (result,) = evaluate_claims(read(folder), {"evidence": (), "simulation:renal": rows})
    return result


def test_the_rows_of_these_tests_have_the_declared_columns() -> None:
    assert list(row(1)) == [column.name for column in SIMULATION_COLUMNS]


def test_numbers_are_printed_to_three_digits(tmp_path: Path) -> None:
    result = verdict(tmp_path, row(1), row(2, ratio=0.3526132), row(3, ratio=0.71234))
    assert result.text == (
        "In the model volume falls to 0.353–0.712 of the vehicle's, 3 of 3 rows are lower."
    )


def test_rows_of_a_simulation_are_one_work_however_many(tmp_path: Path) -> None:
    result = verdict(tmp_path, row(1), row(2), row(3, direction="none"))
    assert result.verdict == "supported"
    assert result.supporting == ("renal:1", "renal:2")
    assert result.supporting_sources == ("simulation:renal",)


def test_a_row_against_it_contradicts_a_claim(tmp_path: Path) -> None:
    assert verdict(tmp_path, row(1), row(2, direction="higher")).verdict == "contradicted"


def test_a_result_carries_the_most_assumed_numbers_behind_a_row(tmp_path: Path) -> None:
    result = verdict(tmp_path, row(1), row(2, assumed_count=18, scaled_count=3))
    assert (result.assumed_count, result.scaled_count) == (18, 15)
    assert result.simulated


def test_without_a_row_a_claim_is_unsupported_and_counts_nothing(tmp_path: Path) -> None:
    result = verdict(tmp_path, row(1, output="phospho_s6"))
    assert (result.verdict, result.assumed_count) == ("unsupported", None)


def test_a_ratio_that_is_not_defined_fills_no_slot(tmp_path: Path) -> None:
    result = verdict(tmp_path, row(1, ratio="not_applicable"))
    assert not result.holds
    assert "has a number in ratio" in result.unfilled[0].reason


def test_a_simulation_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"C1: expected a source that exists: evidence, found"):
        evaluate_claims(read(tmp_path), {"evidence": ()})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "output =",
            "oncotree =",
            r"where: expected a column of the rows of a simulation, found 'oncotree'",
        ),
        ('"lower"', '"benefit"', r"supports\.direction: expected a word of the list simulated_"),
        ('["tumor_volume"]', "[3]", r"where\.output: expected words, found 3"),
        ('"range ratio"', '"range arm"', r"slots\.ratio: expected a column of numbers for range"),
        ('"range ratio"', '"min value"', r"slots\.ratio: expected a column of the rows of a sim"),
        ("direction=lower", "direction=benefit", r"slots\.share: expected a word of the list"),
        (
            "expect",
            "needs = { sources = 2 }\nexpect",
            r"needs: expected needs = \{ sources = 1 \} for a claim from a simulation, found 2",
        ),
        (
            "simulation:renal",
            "model:renal",
            r"found from = 'model:renal'; write from = \"evidence\"",
        ),
        (
            "simulation:renal",
            "study:",
            r"claim C1: expected a claim from evidence, pooled or not",
        ),
        ("simulation:renal", "simulation:", r"claim C1: expected a claim from evidence, pooled"),
        ("simulation:renal", "simulations", r"claim C1: expected a claim from evidence, pooled"),
    ],
)
def test_a_slip_is_refused_with_the_columns_of_a_simulation(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(tmp_path, old, new)
