"""The projected day of a volume limit: against the mixed model equations, and as it comes true."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from oncovivo.analyses.study_input import load_studies
from oncovivo.design.endpoint_counts import count_reached
from oncovivo.design.endpoint_projection import (
    LimitProjection,
    predict_reading,
    project_limit,
)
from oncovivo.errors import InputError
from oncovivo.growth.data import GrowthData, growth_data, growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape

FloatArray = NDArray[np.float64]
DAYS = np.array([0.0, 3.0, 7.0, 10.0])
RATES = {"vehicle": 0.12, "drug": 0.05, "cures": -0.10}


def simulated(
    *, animals: int, seed: int, rates: dict[str, float] | None = None
) -> tuple[GrowthData, FloatArray]:
    """Lines with spread and scatter, and the true start and slope of each animal."""
    rng = np.random.default_rng(seed)
    rates = rates or RATES
    arms = np.repeat(list(rates), animals)
    lines = np.column_stack(
        (
            rng.normal(math.log(150), 0.25, arms.size),
            np.repeat(list(rates.values()), animals) + rng.normal(0, 0.015, arms.size),
        )
    )
    mean = lines[:, :1] + lines[:, 1:] * DAYS
    size = mean + rng.normal(0, 0.12, mean.shape)
    ids = [f"{arm}{i}" for i, arm in enumerate(arms)]
    data = growth_data_from_arrays(
        arm=np.repeat(arms, DAYS.size).tolist(),
        animal_id=np.repeat(ids, DAYS.size).tolist(),
        time=np.tile(DAYS, arms.size),
        log_size=size.ravel(),
    )
    return data, lines


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    """Satterthwaite, whose covariance of the coefficients is that of the equations."""
    return fit_growth(simulated(animals=8, seed=1)[0], GrowthModel(df="satterthwaite"))


def equations(fit: GrowthFit, number: int, time: float) -> tuple[float, float]:
    """Mean and sd by Henderson's equations for all animals at once, solved by inversion."""
    problem = fit.problem
    n, p = problem.arm.size, problem.x.shape[1]
    z = np.zeros((problem.y.size, 2 * n))
    rows = np.arange(problem.y.size)
    z[rows, 2 * problem.animal] = 1.0
    z[rows, 2 * problem.animal + 1] = problem.time
    weight = 1.0 / fit.residual_variance[problem.animal]
    both = np.hstack((problem.x, z))
    left = both.T @ (weight[:, None] * both)
    left[p:, p:] += np.kron(np.eye(n), np.linalg.inv(fit.random_covariance))
    inverse = np.linalg.inv(left)
    solution = inverse @ both.T @ (weight * problem.y)
    row = np.zeros(p + 2 * n)
    row[:p] = fit.terms.curve(int(fit.data.arm[number]), np.array([time]))[0]
    row[p + 2 * number : p + 2 * number + 2] = 1.0, time
    sd = math.sqrt(row @ inverse @ row + fit.residual_variance[number])
    return float(row @ solution), sd


@pytest.mark.parametrize("number", [0, 9, 20])
@pytest.mark.parametrize("time", [0.0, 10.0, 25.0])
def test_a_reading_is_predicted_as_the_mixed_model_equations_do(
    fit: GrowthFit, number: int, time: float
) -> None:
    mean, sd = predict_reading(fit, fit.data.animal_ids[number], time)
    expected_mean, expected_sd = equations(fit, number, time)
    # Both invert matrices of condition 1e4 or so.
    assert mean == pytest.approx(expected_mean, rel=1e-7)
    assert sd == pytest.approx(expected_sd, rel=1e-6)


def test_the_days_are_where_the_prediction_meets_the_limit(fit: GrowthFit) -> None:
    found = project_limit(fit, 1500)
    assert [p.animal_id for p in found] == list(fit.data.animal_ids)
    finite = 0
    for projection in found:
        number = fit.data.animal_ids.index(projection.animal_id)
        step = fit.terms.rate(int(fit.data.arm[number]))
        reach = special.stdtrit(float(fit.contrasts(step).df[0]), 0.975)
        for day, side in (
            (projection.day, 0.0),
            (projection.lower, reach),
            (projection.upper, -reach),
        ):
            if day is None:
                continue
            mean, sd = predict_reading(fit, projection.animal_id, day)
            assert mean + side * sd == pytest.approx(math.log(1500), abs=1e-8)
            finite += 1
            # It is the first such day: just before, the limit is not met.
            mean, sd = predict_reading(fit, projection.animal_id, day - 0.5)
            assert mean + side * sd < math.log(1500)
    assert finite > 2 * 16


def test_intervals_hold_the_day_and_grow_with_the_level(fit: GrowthFit) -> None:
    for narrow, wide in zip(
        project_limit(fit, 1500, level=0.5), project_limit(fit, 1500, level=0.9), strict=True
    ):
        if narrow.day is None or narrow.upper is None or wide.upper is None:
            continue
        assert wide.lower is not None
        assert narrow.lower is not None
        assert narrow.day == wide.day
        assert wide.lower < narrow.lower < narrow.day < narrow.upper < wide.upper


def test_a_tumor_that_shrinks_has_no_day_and_says_so(fit: GrowthFit) -> None:
    shrinking = [p for p in project_limit(fit, 1500) if p.arm == "cures"]
    assert len(shrinking) == 8
    for projection in shrinking:
        assert (projection.day, projection.upper) == (None, None)
        assert projection.status == "not_reached"
        assert projection.rate is not None
        assert projection.reason == f"the tumor does not grow: {projection.rate:+.3f} per day"


def test_a_day_beyond_the_horizon_is_not_given(fit: GrowthFit) -> None:
    near = {p.animal_id: p for p in project_limit(fit, 1500, horizon=15)}
    for projection in project_limit(fit, 1500):
        short = near[projection.animal_id]
        if projection.day is not None and projection.day > 25:
            assert short.day is None
            assert short.status == "not_reached"
            assert short.reason == "not within 15 days of its last reading"
        elif projection.upper is not None and projection.upper > 25:
            assert (short.day, short.upper) == (projection.day, None)
            assert short.status == "unbounded"
        else:
            assert short == projection


def test_an_animal_that_was_read_at_the_limit_has_the_days_of_its_readings() -> None:
    data, _ = simulated(animals=6, seed=3)
    limit = float(np.exp(data.log_size.max()))
    number = int(data.animal[data.log_size.argmax()])
    own = data.animal == number
    place = int(data.log_size[own].argmax())
    found = project_limit(fit_growth(data), limit)[number]
    assert found.reached
    assert found.day == found.upper == data.day[own][place]
    assert found.lower == data.day[own][place - 1]
    assert sum(p.reached for p in project_limit(fit_growth(data), limit)) == 1


def test_nothing_is_projected_before_the_last_reading() -> None:
    data, _ = simulated(animals=8, seed=5)
    found = project_limit(fit_growth(data), 320)
    open_ = [p for p in found if not p.reached]
    assert any(p.lower == 10.0 for p in open_)
    for projection in open_:
        for day in (projection.day, projection.lower, projection.upper):
            assert day is None or day >= 10.0


def test_study_days_count_from_the_baseline_of_the_study(fit: GrowthFit) -> None:
    data = fit.data
    later = fit_growth(replace(data, day=data.day + 12, baseline_day=12.0), fit.model)
    for first, second in zip(project_limit(fit, 1500), project_limit(later, 1500), strict=True):
        if first.day is not None:
            assert second.day == pytest.approx(first.day + 12)


def test_intervals_and_counts_come_true_as_often_as_they_say() -> None:
    inside = total = held = days = 0
    covered = 0
    expected = arrived = 0.0
    for seed in range(12):
        data, lines = simulated(animals=8, seed=100 + seed)
        fitted = fit_growth(data)
        rng = np.random.default_rng(900 + seed)
        for number, projection in enumerate(project_limit(fitted, 1500)):
            mean, sd = predict_reading(fitted, projection.animal_id, 14.0)
            read = lines[number] @ (1.0, 14.0) + rng.normal(0, 0.12)
            inside += abs(read - mean) <= special.stdtrit(20.0, 0.975) * sd
            total += 1
            start, slope = lines[number]
            if slope > 0.005 and not projection.reached and projection.lower is not None:
                day = (math.log(1500) - start) / slope
                held += projection.lower <= day <= (projection.upper or math.inf)
                days += 1
        later = lines @ (1.0, 17.0) + rng.normal(0, 0.12, len(lines))
        read_before = data.log_size.reshape(-1, DAYS.size).max(axis=1) >= math.log(600)
        arrived += float((read_before | (later >= math.log(600))).sum())
        (count,) = (c for c in count_reached(fitted, 600, [17.0]) if c.arm is None)
        expected += count.expected
        known = int((read_before | (later >= math.log(600))).sum())
        covered += count.lower <= known <= count.upper
    # 288 readings have a standard error of 1.3 %, the days of 190 animals 1.6 %.
    assert total == 288
    assert 0.91 <= inside / total <= 0.99
    assert days > 150
    assert 0.90 <= held / days <= 0.995
    # About 100 arrive, of whom 50 are in doubt: a standard deviation of about 4.
    assert 60 < arrived < 140
    assert expected == pytest.approx(arrived, abs=12)
    # 95 % of 12 or more, whole numbers being wider: 10 or fewer would come in less than 12 %.
    assert covered >= 10


def test_expected_counts_are_sums_of_probabilities(fit: GrowthFit) -> None:
    counts = count_reached(fit, 400, [10.0, 17.0])
    assert [(c.day, c.arm) for c in counts] == [
        (day, arm) for day in (10.0, 17.0) for arm in (*RATES, None)
    ]
    for count in counts:
        if count.arm is None:
            own_arms = [c for c in counts if c.day == count.day and c.arm is not None]
            assert count.expected == pytest.approx(sum(c.expected for c in own_arms))
            assert count.reached == sum(c.reached for c in own_arms)
            assert count.n == 24
            continue
        reached, expected = 0, 0.0
        for number in np.flatnonzero(fit.data.arm == fit.data.arm_number(count.arm)):
            own = fit.data.animal == number
            if fit.data.log_size[own].max() >= math.log(400):
                reached += 1
            elif count.day > 10:
                mean, sd = predict_reading(fit, fit.data.animal_ids[number], count.day)
                df = float(fit.contrasts(fit.terms.rate(int(fit.data.arm[number]))).df[0])
                expected += float(special.stdtr(df, (mean - math.log(400)) / sd))
        assert count.n == 8
        assert count.reached == reached
        # The points are 1024: their mean misses the t distribution by less than this.
        assert count.expected == pytest.approx(reached + expected, abs=0.02)
        assert reached <= count.lower <= math.ceil(count.expected)
        assert math.floor(count.expected) <= count.upper <= 8


def test_an_animal_that_left_is_expected_no_more(fit: GrowthFit) -> None:
    fastest = [p for p in project_limit(fit, 2000) if p.arm == "vehicle" and p.day is not None]
    name = min(fastest, key=lambda p: p.day or 0.0).animal_id
    whole = count_reached(fit, 2000, [21.0])[0]
    less = count_reached(fit, 2000, [21.0], gone=frozenset({name}))[0]
    assert less.n == whole.n
    assert less.expected < whole.expected - 0.05


@pytest.mark.parametrize(
    "model",
    [
        GrowthModel(time=TimeShape(kind="piecewise", knots=(5.0,))),
        GrowthModel(baseline="ratio"),
        GrowthModel(residual="car1"),
    ],
)
def test_a_model_without_these_formulas_is_refused(model: GrowthModel) -> None:
    fitted = fit_growth(simulated(animals=6, seed=2)[0], model)
    with pytest.raises(InputError, match="linear time and random lines"):
        project_limit(fitted, 1500)


@pytest.mark.parametrize(
    ("limit", "level", "horizon", "message"),
    [
        (0.0, 0.95, 10.0, "positive limit"),
        (math.nan, 0.95, 10.0, "positive limit"),
        (1500.0, 1.0, 10.0, "level between 0 and 1"),
        (1500.0, 0.95, 0.0, "positive horizon"),
    ],
)
def test_options_outside_their_domains_are_refused(
    fit: GrowthFit, limit: float, level: float, horizon: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        project_limit(fit, limit, level=level, horizon=horizon)


def test_an_unknown_animal_is_refused(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match="an animal that entered the fit, found 'nobody'"):
        predict_reading(fit, "nobody", 7.0)


@pytest.mark.realdata
def test_days_projected_from_the_first_half_of_a_real_study_come_true(
    shared_data: Callable[[str], Path],
) -> None:
    """Vismodegib, day 0 to 14 fitted; the readings at 600 mm³ of day 17 to 21 looked up."""
    (study,) = load_studies(shared_data("genentech_vismodegib/growth.csv"))
    whole = growth_data(study)
    early = fit_growth(whole.select(whole.time <= 14))
    projected: dict[str, LimitProjection] = {p.animal_id: p for p in project_limit(early, 600)}
    arrived = 0
    for number, name in enumerate(whole.animal_ids):
        own = whole.animal == number
        at = np.flatnonzero(np.exp(whole.log_size[own]) >= 600)
        if not at.size or projected[name].reached:
            continue
        day = whole.day[own][at[0]]
        found = projected[name]
        assert found.lower is not None
        assert found.upper is None or found.lower <= day <= found.upper
        arrived += 1
    assert arrived >= 4
