"""The committed simulation of censored fits keeps its limits, and a few of its studies again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from validation.growth import censored as simulation


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The committed output."""
    made: dict[str, Any] = json.loads(simulation.OUTPUT.read_text(encoding="utf-8"))
    return made


def _rows(committed: dict[str, Any], **wanted: object) -> list[dict[str, Any]]:
    rows = committed["rows"]
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_every_way_and_question_was_simulated_in_every_cell(committed: dict[str, Any]) -> None:
    for scenario, n in simulation.CELLS:
        for way in simulation.WAYS:
            rows = _rows(committed, scenario=scenario, n=n, way=way)
            assert {row["question"] for row in rows} == set(simulation.QUESTIONS)
            assert all(row["studies"] >= 400 for row in rows)
            assert all(28 <= row["below_limit_pct"] <= 35 for row in rows)


def test_the_censored_fit_is_unbiased_and_covers(committed: dict[str, Any]) -> None:
    assert simulation.outside(committed) == []


def test_the_other_ways_are_biased_for_the_arm_that_shrinks(committed: dict[str, Any]) -> None:
    lowest = {"omitted": 0.03, "limit as value": 0.4, "log(V + 1)": 0.06}
    for way, share in lowest.items():
        for row in _rows(committed, way=way, question="treated"):
            assert abs(row["bias"]) > share * abs(row["truth"]), row
            assert abs(row["bias"]) > 8 * row["bias_mc_error"], row


def test_plain_maximum_likelihood_intervals_are_too_short(committed: dict[str, Any]) -> None:
    for question in simulation.QUESTIONS:
        for scenario, n in simulation.CELLS:
            cell = {"scenario": scenario, "n": n, "question": question}
            (full,) = _rows(committed, way="censored", **cell)
            (plain,) = _rows(committed, way="censored, not enlarged, z", **cell)
            assert plain["coverage_pct"] < full["coverage_pct"]
            assert plain["coverage_pct"] < 93


def test_a_few_studies_come_out_as_committed(committed: dict[str, Any]) -> None:
    rng = np.random.default_rng(6)
    scenario, n = simulation.CELLS[0]
    control, treated = simulation.SCENARIOS[scenario]
    off, missed = [], 0
    for _ in range(40):
        data = simulation.simulate_study(scenario, n, rng)
        fit = simulation.fit_way(data, "censored")
        assert fit.converged
        answer = fit.contrasts(simulation.weights()[2])
        off.append(float(answer.estimate[0]) - (treated - control))
        missed += not answer.lower[0] <= treated - control <= answer.upper[0]
    (row,) = _rows(committed, scenario=scenario, n=n, way="censored", question="treated - control")
    assert abs(np.mean(off) - row["bias"]) < 3.5 * np.std(off, ddof=1) / np.sqrt(len(off))
    # Eight misses of 40 happen once in 4000 at 5 %.
    assert missed <= 7


def test_a_breach_of_the_limits_is_found(committed: dict[str, Any]) -> None:
    (row,) = _rows(committed, scenario="one arm shrinks", n=8, way="censored", question="treated")
    worse = [
        {**row, "bias": row["bias"] + 0.02},
        {**row, "coverage_pct": 88.0},
        {**row, "not_converged": 2},
    ]
    found = simulation.outside({"rows": worse})
    assert ["bias" in found[0], "coverage" in found[1], "without" in found[2]] == [True] * 3
