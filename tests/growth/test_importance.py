"""Importance sampling where everything has a closed form: straight lines with random parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.growth.curve_problem import CurveReadings
from oncovivo.growth.importance import LEAST_SPREAD, PopulationLikelihood, population_likelihood
from oncovivo.growth.saem import SaemRun

Array = NDArray[np.float64]
WIDE = np.full(2, 50.0)
N, T = 12, 6


def _readings() -> CurveReadings:
    rng = np.random.default_rng(8)
    time = np.tile(np.arange(float(T)), (N, 1))
    start = 4.0 + 0.4 * rng.normal(size=(N, 1))
    slope = 0.3 + 0.1 * rng.normal(size=(N, 1))
    y = start + slope * time + 0.2 * rng.normal(size=time.shape)
    used = np.ones(time.shape, dtype=bool)
    used[3, 4:] = used[7, 2:] = False
    return CurveReadings(
        time=time,
        y=y,
        used=used,
        below=np.zeros(time.shape, dtype=bool),
        output=np.zeros(time.shape, dtype=np.intp),
    )


def _exact(readings: CurveReadings, point: Array, random: tuple[int, ...]) -> float:
    """Log-likelihood: readings of an animal are normal, with the spreads in their covariance."""
    q = len(random)
    total = 0.0
    for animal in range(N):
        rows = readings.used[animal]
        design = np.column_stack((np.ones(rows.sum()), readings.time[animal, rows]))
        own = design[:, list(random)] * np.exp(point[2 : 2 + q])
        covariance = own @ own.T + np.exp(2 * point[-1]) * np.eye(len(design))
        left = readings.y[animal, rows] - design @ point[:2]
        total -= 0.5 * float(np.linalg.slogdet(2 * np.pi * covariance)[1])
        total -= 0.5 * float(left @ np.linalg.solve(covariance, left))
    return total


def _sampled(
    readings: CurveReadings,
    point: Array,
    random: tuple[int, ...],
    *,
    draws: int = 512,
    lower: Array = -WIDE,
    upper: Array = WIDE,
) -> PopulationLikelihood:
    spread = np.zeros(2)
    spread[list(random)] = np.exp(point[2:-1])
    run = SaemRun(
        mean=point[:2],
        spread=spread,
        log_sigma=point[-1:],
        animals=np.tile(point[:2], (N, 1)),
        covariance=np.zeros((N, 2, 2)),
        trace=np.zeros((1, 5)),
        acceptance=(0.3, 0.3),
    )
    return population_likelihood(
        readings,
        lambda phi: phi[..., :1] + phi[..., 1:] * readings.time,
        run,
        lower=lower,
        upper=upper,
        rng=np.random.default_rng(2),
        draws=draws,
    )


@pytest.mark.parametrize("random", [(0,), (0, 1), (1,)])
@pytest.mark.parametrize("small", [1.0, 0.1])
def test_value_slope_and_information_of_a_line_are_the_closed_ones(
    random: tuple[int, ...], small: float
) -> None:
    readings = _readings()
    spread = np.log(np.array([0.5, 0.15])[list(random)] * small)
    point = np.concatenate(([3.9, 0.34], spread, [np.log(0.22)]))
    found = _sampled(readings, point, random)
    step = 1e-4

    def exact(change: Array) -> float:
        return _exact(readings, point + change, random)

    unit = np.eye(point.size) * step
    slope = np.array([(exact(one) - exact(-one)) / (2 * step) for one in unit])
    bend = np.array(
        [
            [
                (exact(a + b) - exact(a - b) - exact(b - a) + exact(-a - b)) / (4 * step**2)
                for b in unit[:2]
            ]
            for a in unit[:2]
        ]
    )
    # Of several hundred even draws, by the error that the result states.
    assert found.log_likelihood == pytest.approx(exact(0 * point), abs=3 * found.monte_carlo_error)
    assert found.monte_carlo_error < 0.3
    # Along paths that follow a straight curve there is no noise but that of the differences.
    places = slice(0, point.size - 1)
    assert found.slope[places] == pytest.approx(slope[places], rel=1e-4, abs=1e-3)
    assert found.information[:2, :2] == pytest.approx(-bend, rel=1e-4, abs=1e-2)
    # The error's slope is a mean over draws.
    assert found.slope[-1] == pytest.approx(slope[-1], rel=0.01, abs=0.02 * N * T)
    assert found.covariance[:2, :2] == pytest.approx(np.linalg.inv(-bend), rel=1e-3)
    assert found.known.all()


def test_information_on_spreads_is_the_expected_one() -> None:
    readings = _readings()
    point = np.array([3.9, 0.34, np.log(0.5), np.log(0.15), np.log(0.22)])
    found = _sampled(readings, point, (0, 1), draws=64)
    expected = np.zeros((3, 3))
    for animal in range(N):
        rows = readings.used[animal]
        design = np.column_stack((np.ones(rows.sum()), readings.time[animal, rows]))
        parts = [0.25 * np.outer(design[:, 0], design[:, 0])]
        parts.append(0.15**2 * np.outer(design[:, 1], design[:, 1]))
        parts.append(0.22**2 * np.eye(len(design)))
        inverse = np.linalg.inv(sum(parts))
        # Half the trace of V⁻¹ dV V⁻¹ dV, with dV twice a part by its logarithm.
        expected += 2 * np.array(
            [[np.trace(inverse @ a @ inverse @ b) for b in parts] for a in parts]
        )
    assert found.information[2:, 2:] == pytest.approx(expected, rel=1e-5)
    assert found.information[:2, 2:] == pytest.approx(np.zeros((2, 3)))


def test_what_is_at_the_end_of_its_range_takes_no_step_beyond() -> None:
    readings = _readings()
    # All animals alike, and the slope held a little below where the readings have it.
    readings = CurveReadings(
        time=readings.time,
        y=4.0 + 0.32 * readings.time + 0.01 * np.sin(40 * readings.time),
        used=readings.used,
        below=readings.below,
        output=readings.output,
    )
    point = np.array([4.0, 0.3, np.log(LEAST_SPREAD), np.log(0.3)])
    free = _sampled(readings, point, (0,), draws=64)
    held = _sampled(readings, point, (0,), draws=64, upper=np.array([50.0, 0.3]))
    assert free.step[1] > 0.015
    assert held.step[1] == 0.0
    assert free.step[2] == held.step[2] == 0.0
    assert held.gain < free.gain


def test_a_step_of_a_spread_is_one_of_its_variance() -> None:
    readings = _readings()
    point = np.array([3.9, 0.34, np.log(2.0), np.log(0.22)])
    found = _sampled(readings, point, (0,), draws=64)
    run = SaemRun(
        mean=point[:2],
        spread=np.array([2.0, 0.0]),
        log_sigma=point[-1:],
        animals=np.tile(point[:2], (N, 1)),
        covariance=np.zeros((N, 2, 2)),
        trace=np.zeros((1, 5)),
        acceptance=(0.3, 0.3),
    )

    def spread_after(step: float) -> float:
        steps = replace(found, step=np.array([0.0, 0.0, step, 0.0]))
        moved = steps.moved(run, lower=-WIDE, upper=WIDE)
        assert moved.mean == pytest.approx(run.mean)
        assert moved.spread[1] == 0.0
        return float(moved.spread[0])

    # The share of the variance is twice that of the logarithm, and at most a factor of four.
    assert spread_after(0.3) == pytest.approx(2.0 * np.sqrt(1.6))
    assert spread_after(-0.3) == pytest.approx(2.0 * np.sqrt(0.4))
    assert spread_after(-0.8) == pytest.approx(1.0)
    assert spread_after(90.0) == pytest.approx(4.0)
