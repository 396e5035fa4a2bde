"""The committed simulation of limits keeps its coverage, and a few of its studies again."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from validation.markers import quantification as simulation


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(simulation.OUTPUT.read_text(encoding="utf-8"))
    return made


def row(committed: dict[str, Any], n: int, share: float, way: str) -> dict[str, Any]:
    (found,) = [
        row
        for row in committed["rows"]
        if (row["n"], row["below_limit_share"], row["way"]) == (n, share, way)
    ]
    return dict(found)


def test_every_cell_was_simulated_and_the_likelihood_with_limits_covers(
    committed: dict[str, Any],
) -> None:
    for n, share in simulation.CELLS:
        for way in simulation.WAYS:
            assert row(committed, n, share, way)["studies"] >= 400
    assert simulation.outside(committed) == []


def test_leaving_out_what_was_not_quantified_is_biased(committed: dict[str, Any]) -> None:
    for n, share in simulation.CELLS:
        limits, left_out = (row(committed, n, share, way) for way in ("limits", "left out"))
        # The lowest are gone: less inhibition than there is, and more so the more are gone.
        assert left_out["log_bias"] > 0.2
        assert left_out["log_bias"] > abs(limits["log_bias"]) + 0.1


def test_a_few_studies_come_out_in_each_way() -> None:
    n, share = simulation.CELLS[1]
    values, limit = simulation.draw(np.random.default_rng(5), n, share)
    below = int((values < limit).sum())
    assert below
    found = {way: simulation.answer(values, limit, way) for way in simulation.WAYS}
    limits, half = found["limits"], found["half the limit"]
    assert limits is not None
    assert half is not None
    assert limits.n_limits == below
    assert half.n_limits == 0
    assert math.isclose(simulation.TRUTH, 63.212, abs_tol=1e-3)
