"""The committed simulation of pooling keeps its limits, and some of its pools again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from validation.evidence import meta


def rows(**wanted: object) -> list[dict[str, Any]]:
    made = json.loads(meta.OUTPUT.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def test_every_cell_was_simulated_often_enough() -> None:
    assert [
        {key: row[key] for key in cell.labels()}
        for cell, row in zip(meta.cells(), rows(), strict=True)
    ] == [cell.labels() for cell in meta.cells()]
    assert all(row["pools"] >= 20_000 for row in rows(question="coverage"))
    assert all(row["pools"] >= 10_000 for row in rows(question="asymmetry"))
    assert all(row["pools"] >= 2_000 for row in rows(question="nested"))


def test_the_committed_file_is_within_its_limits() -> None:
    assert meta.outside(rows()) == []


def test_knapp_hartung_covers_where_z_does_not() -> None:
    for row in rows(question="coverage", tau=0.4):
        assert row["kh_pct"] == pytest.approx(95, abs=1)
        if row["k"] <= 7:
            assert row["z_pct"] < 91
    for row in rows(question="coverage"):
        assert row["kh_known_pct"] == pytest.approx(95, abs=0.8)
        assert row["kh_floor_pct"] >= row["kh_pct"]


def test_prediction_by_fewer_degrees_of_freedom_is_wider() -> None:
    for row in rows(question="coverage"):
        assert row["pi_k2_pct"] >= row["pi_test_pct"]
    for row in rows(question="coverage", k=3, tau=0.4):
        assert row["pi_z_pct"] < 80


def test_the_standard_error_of_g_shows_asymmetry_where_nothing_is_missing() -> None:
    for row in rows(question="asymmetry", measure="SMD", mean=-2.0):
        assert row["weighted_se_pct"] > 40
        assert row["pet_se_bias"] > 2
    for row in rows(question="asymmetry", measure="SMD", selected=False):
        assert row["weighted_size_pct"] == pytest.approx(5, abs=1)
        assert row["mixed_size_pct"] == pytest.approx(5, abs=1)
        assert abs(row["pet_size_bias"]) < 5 * row["pet_size_bias_mc_error"]


def test_log_ratios_hold_the_level_with_their_standard_error() -> None:
    for row in rows(question="asymmetry", measure="ROM", selected=False):
        assert 3.5 < row["mixed_se_pct"] < 6.5
        assert row["weighted_se_pct"] < 8.5


def test_missing_experiments_show_more_with_more_rows() -> None:
    for measure in ("ROM", "SMD"):
        found = rows(question="asymmetry", measure=measure, selected=True, largest_arm=40, tau=0.0)
        power = [row["weighted_size_pct"] for row in found]
        assert power == sorted(power)
        assert power[-1] > 40


def test_rows_of_one_paper_are_not_independent() -> None:
    for row in rows(question="nested"):
        assert row["independent_pct"] < 85
        assert row["cr2_pct"] > 92


@pytest.mark.parametrize(
    "number", [2, 12, 20, 38, 55, 70, len(meta.cells()) - 3], ids=lambda number: f"cell {number}"
)
def test_a_cell_comes_out_the_same_again(number: int) -> None:
    cell = meta.cells()[number]
    committed = rows()[number]
    count = meta.CHECK_NESTED_POOLS if cell.question == "nested" else meta.CHECK_POOLS
    again = meta.run(cell, count)
    for key in [key for key in committed if key.endswith("_mc_error_pct")]:
        what = key.replace("_mc_error", "")
        error = meta.number(committed, key) * (committed["pools"] / count) ** 0.5
        # Four errors of the smaller simulation, and one pool where all or none are counted.
        slack = 4.5 * error + 100 / count
        assert meta.number(again, what) == pytest.approx(meta.number(committed, what), abs=slack)


def test_log_normal_arms_have_the_mean_and_spread_they_should() -> None:
    rng = np.random.default_rng(1)
    n = np.full((200_000, 1), 10)
    mean, variation = meta.log_normal_means(np.zeros((200_000, 1)), n, rng)
    assert float(mean.mean()) == pytest.approx(1, abs=4 * 0.4 / 10**0.5 / 200_000**0.5)
    # The sample's variation is a little below the population's, by its bias of order 1/n.
    assert float(variation.mean()) == pytest.approx(0.16, rel=0.1)


def test_g_is_unbiased_and_has_its_sampling_variance() -> None:
    rng = np.random.default_rng(2)
    n = (np.full((200_000, 1), 6), np.full((200_000, 1), 8))
    made = meta.standardized(np.full((200_000, 1), -1.5), n, rng)
    spread = float(made.yi.std())
    assert float(made.yi.mean()) == pytest.approx(-1.5, abs=4 * spread / 200_000**0.5)
    assert float(made.vi.mean()) == pytest.approx(spread**2, rel=0.1)


def test_limits_and_repetitions_find_what_is_wrong() -> None:
    found = rows()
    found[0] = {**found[0], "kh_pct": 60.0}
    assert len(meta.outside(found)) == 1
    assert "kh_pct covers 60.0 %" in meta.outside(found)[0]
