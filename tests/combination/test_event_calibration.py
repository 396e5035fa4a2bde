"""The simulation of event null models keeps its limits, and its tests are the package's."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from oncovivo.combination import event_bliss, event_hsa
from oncovivo.combination.event_question import bliss_design
from validation.combination import events


def rows(**wanted: object) -> list[dict[str, Any]]:
    made = json.loads(events.OUTPUT.read_text(encoding="utf-8"))["rows"]
    found = [row for row in made if all(row[key] == value for key, value in wanted.items())]
    assert found
    return found


def test_every_cell_was_simulated_often_enough() -> None:
    assert [{key: row[key] for key in ("null", "n", "hazard_ratios")} for row in rows()] == [
        cell.labels() for cell in events.cells()
    ]
    assert all(row["studies"] >= 600 for row in rows())


def test_relabeling_holds_its_level_in_each_cell() -> None:
    assert events.outside(rows()) == []
    broken = [{**row, "relabeled_pct": 9.0} for row in rows(null="bliss", n=5)]
    assert len(events.outside(broken)) == len(broken)
    for row in rows(null="bliss"):
        # within 4 to 6 % but for two Monte Carlo errors
        assert row["relabeled_pct"] == pytest.approx(
            5.0, abs=1.0 + 2 * row["relabeled_mc_error_pct"]
        )


def test_the_normal_tests_are_off_on_both_sides() -> None:
    (crowded,) = rows(null="bliss", n=5, hazard_ratios=[1.0, 1.0])
    (sparse,) = rows(null="bliss", n=5, hazard_ratios=[0.3, 0.3])
    assert crowded["wald_z_pct"] > 6
    assert sparse["wald_z_pct"] < 3


def test_the_simulated_tests_are_those_of_the_package() -> None:
    cell = events.Cell(null="bliss", n=5, ratios=(0.5, 0.5))
    time, event = events.simulate(cell, 4, np.random.default_rng(8))
    role = np.tile(np.repeat(np.arange(4), 5), (4, 1))
    roots, arrived = events.roots_of(time, event, role, bliss_design(2))
    assert arrived.all()
    z, _ = events.cox(time, event)
    for row in range(4):
        data = events.study_of(time[row], event[row])
        found = event_bliss(data, events.ARMS, method="penalized")
        assert found.p_value is not None
        assert found.estimate is not None
        assert np.sign(found.estimate) == np.sign(roots[row])
        bliss = event_bliss(data, events.ARMS, method="wald")
        if bliss.df_method == "wald":
            assert bliss.estimate is not None
            assert bliss.std_error is not None
            assert z[row] == pytest.approx(bliss.estimate / bliss.std_error, abs=1e-4)
        else:
            assert z[row] == 0
        # t on 16 degrees of freedom: the smaller p value is the larger root
        assert (found.p_value <= 0.05) == (abs(roots[row]) >= 2.1199)


def test_the_least_favorable_point_of_the_highest_single_agent_is_where_one_is_inert() -> None:
    for n in events.SIZES:
        (one,) = rows(null="hsa", n=n, hazard_ratios=[0.4, 1.0])
        (equal,) = rows(null="hsa", n=n, hazard_ratios=[0.4, 0.4])
        assert one["hsa_relabeled_pct"] > equal["hsa_relabeled_pct"]
    data = events.study_of(
        *(part[0] for part in events.simulate(events.cells()[-1], 1, np.random.default_rng(1)))
    )
    found = event_hsa(data, events.ARMS, method="penalized")
    assert found.p_value == max(agent.p_value for agent in found.single_agents)
