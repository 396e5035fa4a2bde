"""The committed simulation of a volume limit keeps its limits, and a few of its studies again."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from oncovivo.growth.effects import growth_effects
from oncovivo.growth.fit import fit_growth
from validation.growth import dropout as simulation


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The committed output."""
    made: dict[str, Any] = json.loads(simulation.OUTPUT.read_text(encoding="utf-8"))
    return made


def _row(committed: dict[str, Any], limit: float, day: float, way: str) -> dict[str, Any]:
    (row,) = [
        row
        for row in committed["rows"]
        if (row["limit_mm3"], row["day"], row["way"]) == (limit, day, way)
    ]
    return dict(row)


def test_every_way_was_simulated_in_every_cell(committed: dict[str, Any]) -> None:
    for limit, day in simulation.CELLS:
        for way in simulation.WAYS:
            assert _row(committed, limit, day, way)["studies"] >= 2000


def test_the_models_median_is_within_two_points(committed: dict[str, Any]) -> None:
    assert simulation.outside(committed) == []


def test_survivors_and_carried_readings_understate_the_effect(committed: dict[str, Any]) -> None:
    for limit, survivors, carried in ((1500.0, -28.0, -25.0), (2000.0, -20.0, -15.0)):
        assert _row(committed, limit, 28.0, "survivors_only")["bias_points"] < survivors
        assert _row(committed, limit, 28.0, "locf")["bias_points"] < carried
        assert abs(_row(committed, limit, 14.0, "survivors_only")["bias_points"]) < 1


def test_the_generator_is_that_of_the_table(committed: dict[str, Any]) -> None:
    # True inhibition, and what is left of the control at 1500 mm³ on day 28.
    assert [round(simulation.true_inhibition(day), 1) for day in (14.0, 28.0)] == [54.0, 70.1]
    assert _row(committed, 1500.0, 28.0, "model")["read_control_pct"] == pytest.approx(23, abs=2)
    assert _row(committed, 1500.0, 28.0, "model")["read_treated_pct"] == pytest.approx(86, abs=2)


def test_a_few_studies_come_out_as_committed(committed: dict[str, Any]) -> None:
    rng = np.random.default_rng(8)
    log_size, read = simulation.simulate_studies(1500.0, 28.0, 300, rng)
    found = simulation.all_ways(log_size, read, 28.0)
    for way in simulation.WAYS:
        known = found[way][np.isfinite(found[way])]
        row = _row(committed, 1500.0, 28.0, way)
        error = simulation.median_error(known)
        assert abs(np.median(known) - row["median_pct"]) < 4 * error


def test_the_batch_gives_what_the_package_gives_for_one_study() -> None:
    rng = np.random.default_rng(9)
    log_size, read = simulation.simulate_studies(1500.0, 28.0, 4, rng)
    batch = simulation.all_ways(log_size, read, 28.0)["model"]
    for study in range(4):
        fit = fit_growth(simulation.study_data(log_size[study], read[study], 28.0))
        effects = {e.effect: e.estimate for e in growth_effects(fit, 1, 0, time=28.0)}
        assert batch[study] == pytest.approx(effects["tgi_delta_arithmetic_pct"], rel=1e-4)


def test_a_breach_of_the_limit_is_found(committed: dict[str, Any]) -> None:
    row = _row(committed, 1500.0, 28.0, "model")
    (line,) = simulation.outside({"rows": [{**row, "bias_points": -2.4}]})
    assert "off by -2.4 points" in line
