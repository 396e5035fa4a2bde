"""The committed simulations of survival keep their limits, and some of their studies again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.survival import firth_fit, permutation_rank_test
from validation.survival import median, type_one, visits


def rows(path: Path, **wanted: object) -> list[dict[str, Any]]:
    made = json.loads(path.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def test_every_cell_was_simulated_often_enough() -> None:
    assert [row["studies"] >= 10_000 for row in rows(type_one.OUTPUT)] == [True] * 16
    assert len(rows(median.OUTPUT)) == len(median.cells())
    assert all(row["studies"] >= 2_000 for row in rows(median.OUTPUT))
    assert len(rows(visits.OUTPUT)) == len(visits.cells()) * len(visits.WAYS)


def test_the_committed_files_are_within_their_limits() -> None:
    assert type_one.outside(rows(type_one.OUTPUT)) == []
    assert median.outside(rows(median.OUTPUT)) == []
    assert visits.outside(rows(visits.OUTPUT)) == []


def test_relabeling_holds_the_level_where_chi_squared_does_not() -> None:
    for row in rows(type_one.OUTPUT, visits=False):
        assert row["log_rank_pct"] > 6
        relabeled = row["exact_pct" if row["arms"] == 2 else "relabeled_pct"]
        assert relabeled < 5.5
    for row in rows(type_one.OUTPUT, arms=4, n=5, visits=False):
        assert row["log_rank_pct"] > 10


def test_limits_of_the_curve_by_log_miss_the_median_of_few_animals() -> None:
    for row in rows(median.OUTPUT, question="median", method="log", n=8):
        assert row["coverage_pct"] < 93
    for row in rows(median.OUTPUT, question="median", method="betaproduct"):
        assert row["coverage_pct"] > 94


def test_visits_delay_the_event_by_half_their_distance_and_interpolation_does_not() -> None:
    for row in rows(visits.OUTPUT, way="visit", reading_sd=0.0):
        assert row["median_bias"] == pytest.approx(row["every_days"] / 2, abs=0.4)
        assert row["survival_pct_bias"] > 5
    for row in rows(visits.OUTPUT, way="interpolated"):
        assert abs(row["median_bias"]) < 0.25
        assert abs(row["survival_pct_bias"]) < 2


def test_enumeration_and_firth_of_many_are_those_of_one() -> None:
    cell = type_one.Cell(arms=2, n=5, visits=True, censored=0.25)
    time, event = type_one.simulate(cell, 6, np.random.default_rng(4))
    group = np.repeat([0, 1], 5)
    rng = np.random.default_rng(1)
    exact = type_one.exact_p_values(time, event)
    firth, arrived = type_one.firth_p_values(time, event, 2)
    assert arrived.all()
    for row in range(6):
        one = permutation_rank_test(time[row], event[row], group, rng=rng)
        assert exact[row] == pytest.approx(one.p_value)
        fit = firth_fit(time[row], event[row], group[:, None].astype(float))
        assert firth[row] == pytest.approx(fit.p_values[0], abs=1e-6)


def test_firth_of_four_arms_frees_the_other_coefficients() -> None:
    cell = type_one.Cell(arms=4, n=5, visits=False, censored=0.0)
    time, event = type_one.simulate(cell, 4, np.random.default_rng(4))
    design = np.eye(4)[np.repeat(np.arange(4), 5)][:, 1:]
    found, _ = type_one.firth_p_values(time, event, 4)
    for row in range(4):
        fit = firth_fit(time[row], event[row], design)
        assert found[row] == pytest.approx(fit.p_values[0], abs=1e-6)


def test_relabelings_of_two_arms_are_the_exact_test() -> None:
    cell = type_one.Cell(arms=2, n=5, visits=False, censored=0.0)
    time, event = type_one.simulate(cell, 40, np.random.default_rng(4))
    drawn = type_one.relabeled_p_values(time, event, 2, np.random.default_rng(2))
    assert drawn == pytest.approx(type_one.exact_p_values(time, event), abs=0.07)


def test_a_quarter_leaves_before_the_event() -> None:
    cell = type_one.Cell(arms=2, n=8, visits=False, censored=0.25)
    _, event = type_one.simulate(cell, 4000, np.random.default_rng(5))
    assert event.mean() == pytest.approx(0.75, abs=0.01)
    _, event = median.simulate((4000, 8), 0.25, np.random.default_rng(5))
    assert event.mean() == pytest.approx(0.75, abs=0.01)


def test_an_event_is_seen_at_the_next_visit_and_leavers_at_the_last() -> None:
    cell = type_one.Cell(arms=2, n=8, visits=True, censored=0.25)
    time, _ = type_one.simulate(cell, 50, np.random.default_rng(5))
    assert np.array_equal(time % 7, np.zeros_like(time))


def test_some_tests_of_some_studies_come_out_as_committed() -> None:
    cell = type_one.Cell(arms=4, n=8, visits=False, censored=0.0)
    (row,) = rows(type_one.OUTPUT, **cell.labels())
    again = type_one.run(cell, 1000)
    for key in ("log_rank_pct", "firth_pct", "relabeled_pct"):
        assert again[key] == pytest.approx(row[key], abs=4)


@pytest.mark.parametrize("method", ["betaproduct", "bootstrap", "mover"])
def test_some_intervals_come_out_as_committed(method: str) -> None:
    cell = next(cell for cell in median.cells() if cell.method == method and cell.n == 8)
    (row,) = rows(median.OUTPUT, **cell.labels())
    again = median.run(cell, 120)
    assert again["coverage_pct"] == pytest.approx(row["coverage_pct"], abs=6)


def test_some_visits_come_out_as_committed() -> None:
    cell = visits.Cell(every=7.0, reading_sd=0.15)
    committed = rows(visits.OUTPUT, **cell.labels())
    for old, new in zip(committed, visits.run(cell, 200), strict=True):
        assert new["way"] == old["way"]
        assert new["median_bias"] == pytest.approx(old["median_bias"], abs=1.0)
        assert new["survival_pct_bias"] == pytest.approx(old["survival_pct_bias"], abs=5)
