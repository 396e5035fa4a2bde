"""Coverage and survivorship: the committed simulation keeps its promises, and still holds.

The long run is ``validation/endpoints/simulate.py``; its output is committed, and a few cells are
run again here with few studies.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from oncovivo.endpoints import ENDPOINTS
from oncovivo.endpoints.intervals import difference_limits, fieller_limits, log_delta_limits
from validation.endpoints import simulate


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The committed output."""
    made: dict[str, Any] = json.loads(simulate.OUTPUT.read_text(encoding="utf-8"))
    return made


def test_every_endpoint_with_an_interval_was_simulated(committed: dict[str, Any]) -> None:
    for n in simulate.SIZES:
        for day in simulate.DAYS:
            names = {
                cell["endpoint"]
                for cell in committed["coverage"]
                if (cell["n"], cell["day"]) == (n, day)
                or (cell["n"] == n and cell["scenario"] == "shrinking")
            }
            for definition in ENDPOINTS:
                name = definition.name.replace("{target}", "4x")
                assert name in names, (name, n, day)


def test_coverage_is_between_93_and_97_percent(committed: dict[str, Any]) -> None:
    assert simulate.outside(committed) == []
    assert min(cell["studies"] for cell in committed["coverage"]) >= 2000


def test_the_interval_kernels_still_cover_what_they_claim() -> None:
    rng = np.random.default_rng(77)
    studies, day = 3000, 21.0
    for n in simulate.SIZES:
        change, slope = [], []
        for rate in (0.07, 0.11):
            rates = rate + 0.02 * rng.standard_normal((studies, n))
            start = 0.15 * rng.standard_normal((studies, n))
            noise = 0.15 * rng.standard_normal((studies, n))
            change.append((np.exp(start), np.exp(rates * day + noise)))
            slope.append(rates + 0.007 * rng.standard_normal((studies, n)))
        mean = {rate: math.exp(rate * day + (0.02 * day) ** 2 / 2) for rate in (0.07, 0.11)}
        cases = {
            "ratio": (
                log_delta_limits(change[0][1], change[1][1], level=0.95),
                mean[0.07] / mean[0.11],
            ),
            "change": (
                fieller_limits(
                    change[0][1] - change[0][0], change[1][1] - change[1][0], level=0.95
                ),
                (mean[0.07] - 1) / (mean[0.11] - 1),
            ),
            "rate": (difference_limits(slope[0], slope[1], level=0.95), -0.04),
        }
        for name, ((lower, upper), truth) in cases.items():
            covered = float(((lower <= truth) & (truth <= upper)).mean())
            error = math.sqrt(0.05 * 0.95 / studies)
            assert 0.93 - 2 * error <= covered <= 0.97 + 2 * error, (name, n, covered)


def test_a_few_studies_through_the_whole_table_cover_as_committed(
    committed: dict[str, Any],
) -> None:
    truth = {
        f"{cell['arm']} {cell['endpoint']}": cell["truth"]
        for cell in committed["coverage"]
        if (cell["scenario"], cell["n"], cell["day"]) == ("growing", 8, 28.0)
    }
    rng = np.random.default_rng(5)
    studies = 100
    missed = dict.fromkeys(truth, 0)
    by_method: dict[str, list[bool]] = {}
    for study in range(studies):
        treated, control = (
            simulate.make_arm(name, simulate.simulate_volumes(8, rate, rng))
            for name, rate in (("treated", 0.07), ("control", 0.11))
        )
        for row in simulate.all_rows(treated, control, 28.0, seed=study, draws=200):
            name = f"{row.arm} {row.endpoint}"
            if row.estimate is None or name not in truth:
                continue
            below = row.lower is not None and row.lower > truth[name]
            above = row.upper is not None and row.upper < truth[name]
            missed[name] += below or above
            by_method.setdefault(row.method, []).append(below or above)
    # Fifteen misses of 100 happen once in 10 000 at 5 %.
    assert max(missed.values()) <= 15, missed
    # All intervals of a method together tell a level that is off. They share their studies: the
    # bounds are those of a hundred independent intervals, and of a few hundred for all methods.
    shares = {method: float(np.mean(misses)) for method, misses in by_method.items()}
    assert set(shares) == {m for cell in committed["coverage"] for m in cell["methods"]}
    assert max(shares.values()) <= 0.115, shares
    assert 0.02 <= float(np.concatenate(list(by_method.values())).mean()) <= 0.08, shares


def test_the_two_lowest_cells_lie_inside_the_range_in_a_long_run(
    committed: dict[str, Any],
) -> None:
    def draw(n: int, scenario: simulate.Scenario, day: float) -> tuple[Any, ...]:
        rng = np.random.default_rng([31, n])
        place = round(day / simulate.STEP)
        volumes = {
            name: np.stack([simulate.simulate_volumes(n, rate, rng) for _ in range(20_000)])
            for name, rate in simulate.rates_of(scenario).items()
        }
        return volumes["treated"], volumes["control"], place

    def cell(**wanted: object) -> float:
        found = [c for c in committed["coverage"] if all(c[k] == v for k, v in wanted.items())]
        assert len(found) == 1
        return float(found[0]["truth"])

    treated, control, last = draw(10, "shrinking", 28.0)
    truth = cell(endpoint="tgi_delta", scenario="shrinking", n=10, day=28.0)
    lower, upper = fieller_limits(
        treated[:, :, last] - treated[:, :, 0], control[:, :, last] - control[:, :, 0], level=0.95
    )
    # The endpoint is one minus the ratio.
    assert 0.93 <= float(((lower <= 1 - truth) & (1 - truth <= upper)).mean()) <= 0.97

    treated, control, last = draw(8, "growing", 28.0)
    truth = cell(endpoint="t_over_c_optimal", scenario="growing", n=8, day=28.0)
    ratio = treated.mean(axis=1)[:, 1 : last + 1] / control.mean(axis=1)[:, 1 : last + 1]
    best = (1 + np.argmin(ratio, axis=1))[:, None, None]
    x, y = (np.take_along_axis(arm, best, axis=2)[:, :, 0] for arm in (treated, control))
    lower, upper = log_delta_limits(x, y, level=0.95)
    assert 0.93 <= float(((lower <= truth) & (truth <= upper)).mean()) <= 0.97


def test_the_table_of_survivorship_is_reproduced(committed: dict[str, Any]) -> None:
    # Limit, day: share alive; true, survivors-only and carried-forward TGI of changes; rate.
    published = {
        (1500, 14): ((100, 100), 54.0, 54.3, 54.3, 42.9),
        (1500, 21): ((81, 99), 62.4, 54.7, 57.0, 56.8),
        (1500, 28): ((23, 85), 70.1, 40.6, 42.2, 67.4),
        (2000, 21): ((94, 100), 62.4, 59.5, 61.0, 56.8),
        (2000, 28): ((43, 95), 70.1, 47.5, 51.7, 67.4),
    }
    cells = {(cell["limit_mm3"], cell["day"]): cell for cell in committed["survivorship"]}
    for key, (alive, true, survivors, carried, rate) in published.items():
        cell = cells[key]
        assert cell["alive_control_pct"] == pytest.approx(alive[0], abs=2)
        assert cell["alive_treated_pct"] == pytest.approx(alive[1], abs=2)
        assert 100 * cell["true_tgi_delta"] == pytest.approx(true, abs=0.2)
        assert 100 * cell["no_leavers"] == pytest.approx(true, abs=1.0)
        assert 100 * cell["survivors_only"] == pytest.approx(survivors, abs=2.5)
        assert 100 * cell["last_carried_forward"] == pytest.approx(carried, abs=2.5)
        assert 100 * cell["true_tgi_rate"] == pytest.approx(rate, abs=0.1)
        assert 100 * cell["tgi_rate_to_leaving"] == pytest.approx(rate, abs=1.0)


def test_the_flags_fire_where_survivors_mislead(committed: dict[str, Any]) -> None:
    for cell in committed["survivorship"]:
        if cell["alive_control_pct"] < 50:
            assert cell["flagged_pct"] > 99
        if cell["alive_control_pct"] > 99.9 and cell["alive_treated_pct"] > 99.9:
            assert cell["flagged_pct"] < 1


def test_survivorship_is_found_again_in_a_small_run() -> None:
    cell = simulate.survivorship(1500.0, 28.0, 300)
    assert float(str(cell["survivors_only"])) < 0.5 < float(str(cell["no_leavers"]))
    assert float(str(cell["flagged_pct"])) > 98
