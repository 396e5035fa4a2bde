"""Estimators without derivatives against growth.nlme's quadrature, and least squares of curves."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.curve_problem import CurveReadings, readings_from_growth
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.importance import population_likelihood
from oncovivo.growth.laws import growth_law
from oncovivo.growth.nlme import fit_nonlinear
from oncovivo.growth.saem import PopulationStart, SaemPlan, run_saem
from oncovivo.mechanism.fit.least_squares import GroupProblem, fit_groups, profile_limits
from oncovivo.mechanism.fit.two_stage import iterated_two_stage

LOWER, UPPER = np.array([-10.0, -5.0, -5.0]), np.array([20.0, 5.0, 5.0])
FIRST = np.array([5.0, 0.1, 0.02])


def _gompertz_study(n: int = 30) -> GrowthData:
    rng = np.random.default_rng(3)
    day = np.arange(0, 28, 2.0)
    start = 5 + 0.25 * rng.normal(size=n)
    rate = 0.15 + 0.03 * rng.normal(size=n)
    curve = start[:, None] + rate[:, None] * (1 - np.exp(-0.04 * day)) / 0.04
    y = (curve + 0.12 * rng.normal(size=curve.shape)).ravel()
    below = y < 5.0
    return growth_data_from_arrays(
        arm=["vehicle"] * y.size,
        animal_id=[f"m{i}" for i in range(n) for _ in day],
        time=np.tile(day, n),
        log_size=np.where(below, 5.0, y),
        below_limit=below,
    )


def test_saem_and_importance_sampling_agree_with_quadrature_and_its_standard_errors() -> None:
    data = _gompertz_study()
    assert data.below_limit.sum() > 10
    exact = fit_nonlinear(data, "gompertz", random=("log_v0", "rate"), method="quadrature")
    law, readings = growth_law("gompertz"), readings_from_growth(data)

    def curve(phi: np.ndarray) -> np.ndarray:
        return law.predict(phi, readings.time)

    start = iterated_two_stage(
        readings,
        curve,
        mean=FIRST,
        spread=np.array([0.3, 0.05, 0.0]),
        log_sigma=np.array([-1.5]),
        lower=LOWER,
        upper=UPPER,
    )
    begin = PopulationStart(
        mean=start.mean,
        spread=start.spread,
        log_sigma=start.log_sigma,
        animals=start.animals,
        covariance=start.covariance,
    )
    run = run_saem(readings, curve, begin, lower=LOWER, upper=UPPER, rng=np.random.default_rng(1))
    for number in range(3):
        found = population_likelihood(
            readings, curve, run, lower=LOWER, upper=UPPER, rng=np.random.default_rng(number)
        )
        if found.gain < 0.01:
            break
        run = found.moved(run, lower=LOWER, upper=UPPER)
    error = np.sqrt(np.diag(exact.covariance))
    assert np.abs((run.mean - exact.coefficients) / error).max() < 0.25
    assert run.spread[:2] == pytest.approx(np.sqrt(np.diag(exact.omega)), rel=0.05)
    assert np.exp(run.log_sigma[0]) == pytest.approx(exact.sigma, rel=0.02)
    assert found.log_likelihood == pytest.approx(exact.log_likelihood, abs=0.3)
    assert np.sqrt(np.diag(found.covariance))[:3] == pytest.approx(error, rel=0.08)
    assert found.gain < 0.1
    assert found.known.all()


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    data = _gompertz_study(6)
    law, readings = growth_law("gompertz"), readings_from_growth(data)
    begin = PopulationStart(
        mean=np.array([5.0, 0.15, 0.04]),
        spread=np.array([0.3, 0.03, 0.0]),
        log_sigma=np.array([-2.0]),
        animals=np.tile([5.0, 0.15, 0.04], (6, 1)),
        covariance=np.tile(np.diag([0.01, 0.0004, 0.0004]), (6, 1, 1)),
    )
    runs = [
        run_saem(
            readings,
            lambda phi: law.predict(phi, readings.time),
            begin,
            lower=LOWER,
            upper=UPPER,
            rng=np.random.default_rng(seed),
            plan=SaemPlan(explore=20, settle=20),
        )
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(runs[0].trace, runs[1].trace)
    assert not np.array_equal(runs[0].trace, runs[2].trace)


def test_saem_refuses_a_model_without_anything_that_differs_between_animals() -> None:
    readings = readings_from_growth(_gompertz_study(3))
    begin = PopulationStart(
        mean=FIRST,
        spread=np.zeros(3),
        log_sigma=np.array([-2.0]),
        animals=np.tile(FIRST, (3, 1)),
        covariance=np.tile(np.eye(3), (3, 1, 1)),
    )
    with pytest.raises(InputError, match="differs between animals"):
        run_saem(
            readings,
            lambda phi: phi[..., :1] + 0.0 * readings.time,
            begin,
            lower=LOWER,
            upper=UPPER,
            rng=np.random.default_rng(0),
        )


def _line() -> tuple[CurveReadings, np.ndarray]:
    rng = np.random.default_rng(4)
    time = np.tile(np.arange(8.0), (5, 1))
    y = 4.0 + 0.3 * time + 0.2 * rng.normal(size=time.shape)
    nothing = np.zeros(time.shape, dtype=bool)
    readings = CurveReadings(
        time=time, y=y, used=~nothing, below=nothing, output=np.zeros(time.shape, dtype=np.intp)
    )
    return readings, y


def test_pooled_and_per_animal_fits_of_a_line_are_ordinary_least_squares() -> None:
    readings, y = _line()
    wide = np.array([50.0, 50.0])
    for group in (np.zeros(5, dtype=np.intp), np.arange(5)):
        problem = GroupProblem(
            readings=readings,
            curve=lambda phi: phi[..., :1] + phi[..., 1:] * readings.time,
            group=group,
            lower=-wide,
            upper=wide,
        )
        fit = fit_groups(problem, np.zeros((1, group.max() + 1, 2)))
        assert fit.converged.all()
        for number in range(group.max() + 1):
            rows = group == number
            slope, start = np.polyfit(readings.time[rows].ravel(), y[rows].ravel(), 1)
            assert fit.estimates[0, number] == pytest.approx([start, slope], abs=1e-5)
            left = y[rows] - start - slope * readings.time[rows]
            assert np.exp(fit.log_sigma[0, number, 0]) == pytest.approx(left.std(), rel=1e-4)


def test_profile_limits_of_a_line_have_the_closed_form_of_the_likelihood_ratio() -> None:
    readings, y = _line()
    wide = np.array([50.0, 50.0])
    problem = GroupProblem(
        readings=readings,
        curve=lambda phi: phi[..., :1] + phi[..., 1:] * readings.time,
        group=np.zeros(5, dtype=np.intp),
        lower=-wide,
        upper=wide,
    )
    fit = fit_groups(problem, np.zeros((1, 1, 2)))
    limits = profile_limits(problem, fit)
    count = y.size
    design = np.column_stack((np.ones(count), readings.time.ravel()))
    inverse = np.linalg.inv(design.T @ design)
    variance = np.exp(2 * fit.log_sigma[0, 0, 0])
    # n log(1 + d²/(n s² v)) = 3.841
    reach = np.sqrt(count * np.expm1(3.841459 / count) * variance * np.diag(inverse))
    assert limits.upper[0] - fit.estimates[0, 0] == pytest.approx(reach, rel=0.02)
    assert fit.estimates[0, 0] - limits.lower[0] == pytest.approx(reach, rel=0.02)


def test_a_parameter_that_moves_no_reading_has_no_limit_and_no_error() -> None:
    readings, _ = _line()
    wide = np.full(3, 20.0)
    problem = GroupProblem(
        readings=readings,
        curve=lambda phi: phi[..., :1] + phi[..., 1:2] * readings.time + 0.0 * phi[..., 2:],
        group=np.zeros(5, dtype=np.intp),
        lower=-wide,
        upper=wide,
    )
    fit = fit_groups(problem, np.zeros((1, 1, 3)))
    limits = profile_limits(problem, fit)
    assert np.isinf(fit.standard_errors()[0, 0, 2])
    assert np.isinf(limits.lower[0, 2])
    assert np.isinf(limits.upper[0, 2])
    assert np.isfinite(limits.upper[0, :2]).all()


def test_a_curve_without_numbers_at_the_start_is_refused() -> None:
    readings, _ = _line()
    problem = GroupProblem(
        readings=readings,
        curve=lambda phi: np.nan * phi[..., :1] + readings.time,
        group=np.zeros(5, dtype=np.intp),
        lower=np.array([-1.0]),
        upper=np.array([1.0]),
    )
    with pytest.raises(DataError, match="start of the search"):
        fit_groups(problem, np.zeros((1, 1, 1)))


def test_two_stages_of_straight_lines_are_a_linear_mixed_model_at_its_maximum() -> None:
    rng = np.random.default_rng(9)
    n, time = 14, np.tile(np.arange(7.0), (14, 1))
    animals = np.array([4.0, 0.3]) + np.array([0.4, 0.1]) * rng.standard_normal((n, 2))
    y = animals[:, :1] + animals[:, 1:] * time + 0.2 * rng.standard_normal(time.shape)
    used = np.ones(time.shape, dtype=bool)
    used[2, 3:] = False
    readings = CurveReadings(
        time=time,
        y=y,
        used=used,
        below=np.zeros(time.shape, dtype=bool),
        output=np.zeros(time.shape, dtype=np.intp),
    )
    wide = np.full(2, 50.0)
    found = iterated_two_stage(
        readings,
        lambda phi: phi[..., :1] + phi[..., 1:] * time,
        mean=np.array([3.0, 0.0]),
        spread=np.array([0.2, 0.2]),
        log_sigma=np.array([0.0]),
        lower=-wide,
        upper=wide,
    )

    def likelihood(point: np.ndarray) -> float:
        total = 0.0
        for animal in range(n):
            rows = used[animal]
            design = np.column_stack((np.ones(rows.sum()), time[animal, rows]))
            covariance = design @ np.diag(np.exp(2 * point[2:4])) @ design.T
            covariance += np.exp(2 * point[4]) * np.eye(len(design))
            left = y[animal, rows] - design @ point[:2]
            total -= 0.5 * float(np.linalg.slogdet(2 * np.pi * covariance)[1])
            total -= 0.5 * float(left @ np.linalg.solve(covariance, left))
        return total

    best = np.concatenate((found.mean, np.log(found.spread), found.log_sigma))
    assert found.log_likelihood == pytest.approx(likelihood(best), abs=1e-6)
    for unit in np.eye(5):
        # The rounds end when the likelihood rises by less than a hundredth.
        up, down = likelihood(best + 1e-3 * unit), likelihood(best - 1e-3 * unit)
        curvature = (2 * likelihood(best) - up - down) / 1e-6
        assert ((up - down) / 2e-3) ** 2 / (2 * curvature) < 0.01
    # Each animal's line lies between its own and that of all, nearer its own.
    own = np.array([np.polyfit(time[i, used[i]], y[i, used[i]], 1)[::-1] for i in range(n)])
    spread = np.std(found.animals, axis=0)
    assert (spread < np.std(own, axis=0)).all()
    assert np.abs(found.animals - own)[:, 0].max() < 0.3


def test_two_stages_find_what_a_far_start_does_not_show() -> None:
    # Upper bounds and a rate that all share, from means that are e and 3 times off.
    data = _gompertz_study(12)
    law, readings = growth_law("gompertz"), readings_from_growth(data)

    def curve(phi: np.ndarray) -> np.ndarray:
        return law.predict(phi, readings.time)

    ends = [
        iterated_two_stage(
            readings,
            curve,
            mean=mean,
            spread=np.array([0.3, 0.05, 0.0]),
            log_sigma=np.array([-1.5]),
            lower=LOWER,
            upper=UPPER,
        )
        for mean in (FIRST, np.array([4.0, 0.3, 0.06]))
    ]
    assert ends[0].mean == pytest.approx(ends[1].mean, abs=0.01)
    assert ends[0].spread == pytest.approx(ends[1].spread, rel=0.05, abs=0.01)
    assert ends[0].spread[2] == 0.0
    assert ends[0].mean[1] == pytest.approx(0.15, abs=0.04)
