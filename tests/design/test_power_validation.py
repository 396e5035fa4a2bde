"""The committed simulations of planned studies keep their limits, and some are done again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from validation.design import power


def rows(**wanted: object) -> list[dict[str, Any]]:
    made = json.loads(power.OUTPUT.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def test_every_cell_was_simulated_often_enough() -> None:
    made = rows()
    assert all(row["studies"] >= 10_000 for row in made)
    assert [(row["question"], row["n"], row["leaving"]) for row in made] == [
        (name, plan.arms[0].animals, leaving) for name, _, plan, leaving in power.cells()
    ]


def test_the_committed_file_is_within_its_limits() -> None:
    assert power.outside(rows()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type_one_pct": 6.5}, "difference, n = 6: type I 6.5 %"),
        ({"type_one_pct": 3.5}, "difference, n = 6: type I 3.5 %"),
        ({"power_pct": 80.0}, "difference, n = 6: power"),
    ],
)
def test_a_number_beyond_its_limit_is_told(change: dict[str, float], message: str) -> None:
    (row,) = rows(question="difference", n=6, leaving=False)
    assert [message in line for line in power.outside([row | change])] == [True]


def test_ignoring_cages_rejects_too_often_where_each_has_one_arm() -> None:
    for row in rows(question="cages, one arm each"):
        assert row["type_one_pct"] > 10
    for row in rows(question="cages, arms mixed"):
        assert row["type_one_pct"] < 4


@pytest.mark.parametrize("name", ["bliss", "event", "response", "cages, one arm each"])
def test_some_studies_again(name: str) -> None:
    cell = next(cell for cell in power.cells() if cell[0] == name)
    (row,) = rows(question=name, n=cell[2].arms[0].animals, leaving=cell[3])
    again = power.run(name, cell[1], cell[2], power.AGAIN, leaving=cell[3])
    # Four errors of a share of 400 studies.
    assert again["power_pct"] == pytest.approx(row["power_pct"], abs=100 * 4 * 0.5 / 20)
