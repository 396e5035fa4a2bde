"""The committed errors and powers keep their limits, and some of the studies again."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oncovivo.combination import bliss, hsa, response_additivity
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel
from validation.combination import type_one as simulation
from validation.combination.type_one import Cell

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The committed rows."""
    made: list[Row] = json.loads(simulation.OUTPUT.read_text(encoding="utf-8"))["rows"]
    return made


def find(rows: list[Row], **wanted: object) -> list[Row]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_no_cell_is_missing_and_rows_say_what_was_simulated(rows: list[Row]) -> None:
    assert [
        {key: row[key] for key in cell.labels()}
        for cell, row in zip(simulation.cells(), rows, strict=True)
    ] == [cell.labels() for cell in simulation.cells()]
    made = json.loads(simulation.OUTPUT.read_text(encoding="utf-8"))
    assert json.loads(simulation.text(made["rows"])) == made
    for cell, row in zip(simulation.cells(), rows, strict=True):
        assert row["studies"] == simulation.studies_of(cell, simulation.STUDIES)
        assert row["studies"] >= (4_000 if cell.test == "area" else 10_000)


def test_no_cell_breaks_its_limits(rows: list[Row]) -> None:
    assert simulation.outside(rows) == []


@pytest.mark.parametrize("test", ["bliss", "response_additivity"])
def test_two_sided_tests_keep_the_level_in_cells_that_are_not_singular(
    rows: list[Row], test: str
) -> None:
    found = find(rows, test=test)
    assert {(row["n"], row["sd_reading"], row["size_limit"]) for row in found} == {
        (n, sd, limited) for n in (5, 8, 10) for sd in (0.1, 0.2) for limited in (False, True)
    }
    for row in found:
        assert row["singular_pct"] < 1
        assert row["not_converged"] == 0
        assert 4.4 <= row["rejected_pct"] <= 5.6, row
        assert row["z_pct"] > row["rejected_pct"]
    assert min(row["z_pct"] for row in find(found, n=5)) > 6


def test_the_best_agent_is_claimed_beaten_no_more_often_than_said_wherever_the_other_is(
    rows: list[Row],
) -> None:
    for n in (5, 8, 10):
        curve = [row["rejected_pct"] for row in find(rows, test="hsa", n=n)]
        assert len(curve) == len(simulation.GAPS)
        assert curve[0] == pytest.approx(1.3, abs=0.3)
        assert 4.4 <= curve[-1] <= 5.6
        assert max(curve) <= 5.6
        # Monte Carlo errors of 0.16 do not hide that it rises until A does not matter.
        assert curve[:4] == sorted(curve[:4])


def test_bands_hold_the_family_and_tests_of_each_day_do_not(rows: list[Row]) -> None:
    for row in find(rows, test="band"):
        assert row["rejected_pct"] <= 5.5, row
        if row["null"] == "hsa":
            assert row["rejected_pct"] < 2.5
        else:
            assert row["rejected_pct"] > 4.4
            assert row["each_day_pct"] > 6


def test_at_equal_size_more_synergy_is_found_than_by_the_z_test(rows: list[Row]) -> None:
    for row in find(rows, test="power"):
        assert row["z_type_one_pct"] > 5.5
        assert row["power_pct"] > row["z_equal_size_power_pct"], row
        # Over-rejection is what the nominal z test has instead.
        assert row["z_power_pct"] > row["z_equal_size_power_pct"]
    eight = [row["power_pct"] for row in find(rows, test="power", n=8)]
    assert eight == sorted(eight)


def test_percentiles_of_resampled_areas_are_too_narrow(rows: list[Row]) -> None:
    for n in (5, 8, 10):
        (studentized,) = find(rows, test="area", n=n, limits="bootstrap_t")
        (percentile,) = find(rows, test="area", n=n, limits="percentile")
        assert studentized["rejected_pct"] < percentile["rejected_pct"]
        assert studentized["rejected_pct"] < 6.5
        assert percentile["rejected_pct"] > 6


@pytest.mark.parametrize(
    ("cell", "studies"),
    [
        (Cell(test="bliss", n=5, limited=True), 1000),
        (Cell(test="response_additivity", null="response_additivity", n=5), 500),
        (Cell(test="hsa", null="hsa", n=8, gap=0.01), 2000),
        (Cell(test="band", n=5), 300),
        (Cell(test="power", n=8, shift=-0.03), 1000),
        (Cell(test="area", n=5, limits="percentile"), 200),
    ],
)
def test_a_few_studies_come_out_as_committed(rows: list[Row], cell: Cell, studies: int) -> None:
    (row,) = find(rows, **cell.labels())
    again = simulation.run(cell, studies)
    for key in ("rejected_pct", "z_pct", "power_pct", "each_day_pct"):
        if key in row:
            share = max(row[key] / 100, 1 / studies)
            error = 100 * math.sqrt(share * (1 - share) / studies)
            assert again[key] == pytest.approx(row[key], abs=4 * error), key


def test_the_batched_tests_are_those_of_single_studies() -> None:
    for cell in (
        Cell(test="bliss", n=5),
        Cell(test="response_additivity", null="response_additivity", n=5),
    ):
        size, read = simulation.simulate(cell, 4, cell.rng())
        made, terms = simulation.replicates(cell, size, read, GrowthModel())
        value, fits = simulation.additivity_fits(made, terms, [simulation.INDEX_DAY])
        for number in range(4):
            fit = fit_growth(simulation.study(cell, size[number]))
            alone = response_additivity(fit, simulation.ARMS, day=simulation.INDEX_DAY)
            assert value[number, 0] == pytest.approx(alone.estimate, rel=1e-6)
            # Two engines, each to the tolerance of its search.
            assert fits.std_error[number, 0] == pytest.approx(alone.std_error, rel=1e-4)
            assert fits.df[number, 0] == pytest.approx(alone.df, rel=1e-3)


@pytest.mark.parametrize("null", ["bliss", "hsa", "response_additivity"])
def test_studies_are_drawn_where_their_null_model_is_true(null: str) -> None:
    cells = [c for c in simulation.cells() if c.null == null and not c.shift]
    for cell in {replace(cell, n=5, limits="", limited=False) for cell in cells}:
        c, a, b, both = cell.rates
        if null == "bliss":
            assert both == pytest.approx(a + b - c)
        elif null == "hsa":
            assert both == pytest.approx(min(a, b))
        else:
            days = simulation.BAND_DAYS if cell.test == "band" else (simulation.INDEX_DAY,)
            for day in days:
                sums = np.exp(day * np.array([both, c, a, b]))
                assert sums[0] + sums[1] == pytest.approx(sums[2] + sums[3])


def test_a_clear_study_is_found_so_by_bliss_and_the_best_agent() -> None:
    # The generator's arms are in the order that the roles have.
    cell = Cell(test="power", n=5, shift=-0.15)
    size, _ = simulation.simulate(cell, 1, cell.rng())
    fit = fit_growth(simulation.study(cell, size[0]))
    for test in (bliss, hsa):
        assert test(fit, simulation.ARMS).verdict == "synergy"


def test_breaches_of_the_limits_are_found(rows: list[Row]) -> None:
    (row,) = find(rows, test="bliss", n=8, sd_reading=0.1, size_limit=False)
    (equal,) = find(rows, test="hsa", n=8, gap=0.0)
    (band,) = find(rows, test="band", n=8, null="bliss")
    (power,) = find(rows, test="power", n=8, shift=-0.03)
    worse = [
        {**row, "rejected_pct": 5.7},
        {**row, "rejected_pct": 4.3},
        {**equal, "rejected_pct": 2.6},
        {**equal, "gap": 0.08, "rejected_pct": 4.0},
        {**band, "rejected_pct": 5.6},
    ]
    kept = [row, equal, band, power, {**row, "singular_pct": 20.0, "rejected_pct": 3.0}]
    found = simulation.outside([*kept, *worse])
    assert len(found) == len(worse)
    assert "rejects 5.7 %" in found[0]


def test_a_run_writes_what_a_check_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [Cell(test="bliss", n=8), Cell(test="hsa", null="hsa", n=8, gap=0.02)]
    monkeypatch.setattr(simulation, "cells", lambda: cells)
    monkeypatch.setattr(simulation, "outside", lambda _: [])
    monkeypatch.setattr(simulation, "OUTPUT", tmp_path / "rows.json")
    assert simulation.main(["--studies", "800"]) == 0
    assert simulation.main(["--check"]) == 0
    assert not capsys.readouterr().out
    path = tmp_path / "rows.json"
    made = json.loads(path.read_text(encoding="utf-8"))
    made["rows"][1]["rejected_pct"] = 30.0
    path.write_text(json.dumps(made), encoding="utf-8")
    assert simulation.main(["--check"]) == 1
    assert "committed 30.0" in capsys.readouterr().out
