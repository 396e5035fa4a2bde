"""Accelerated failure time regression: closed forms, brute force, invariances, R's survreg."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import optimize, stats

from oncovivo.errors import DataError, InputError
from oncovivo.survival.accelerated import (
    AcceleratedFit,
    TimeDistribution,
    accelerated_aic,
    accelerated_fit,
    arm_time_ratios,
)

Floats = npt.NDArray[np.float64]

DISTRIBUTIONS: tuple[TimeDistribution, ...] = get_args(TimeDistribution)
NEVER = math.inf
DROP = 3.841458820694124

# Every way of being observed, two covariates.
LOWER = np.array([0, 3, 7, 7, 10.5, 14, 21, 28, 0, 7, 14, 14, 17.25, 21, 28, 28])
UPPER = np.array([7, 3, 14, 14, 10.5, 21, 28, NEVER, 7, 14, 21, NEVER, 17.25, 28, NEVER, NEVER])
GROUP = np.repeat([0, 1], 8)
COVARIATES = np.column_stack([GROUP, np.sin(np.arange(16.0))])


def minus_log_likelihood(
    theta: Floats,
    distribution: str,
    lower: Floats,
    upper: Floats,
    columns: Floats,
) -> float:
    """With scipy's distributions of time; theta is intercept, coefficients, log σ."""
    place = np.exp(theta[0] + columns @ theta[1:-1])
    scale = 1.0 if distribution == "exponential" else math.exp(theta[-1])
    law: Any
    shape: tuple[float, ...]
    law, shape = {
        "weibull": (stats.weibull_min, (1 / scale,)),
        "exponential": (stats.expon, ()),
        "lognormal": (stats.lognorm, (scale,)),
        "loglogistic": (stats.fisk, (1 / scale,)),
    }[distribution]
    exact = lower == upper
    values = law.logpdf(lower[exact], *shape, scale=place[exact]).sum()
    low, high, place = lower[~exact], upper[~exact], place[~exact]
    between = law.sf(low, *shape, scale=place) - law.sf(high, *shape, scale=place)
    return -float(values + np.log(between).sum())


def parameters(fit: AcceleratedFit) -> Floats:
    assert fit.scale is not None
    values = [fit.intercept, *fit.coefficients, math.log(fit.scale)]
    return np.array([math.nan if value is None else value for value in values])


def numerical_hessian(function: Callable[[Floats], float], at: Floats) -> Floats:
    e = 2e-3 * np.eye(at.size)
    return np.array(
        [
            [
                function(at + a + b)
                - function(at + a - b)
                - function(at - a + b)
                + function(at - a - b)
                for a in e
            ]
            for b in e
        ]
    ) / (4 * 2e-3**2)


def test_exponential_rates_are_events_over_time() -> None:
    time = np.array([3.0, 5, 8, 9, 9, 4, 12, 20, 20, 20])
    event = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0], dtype=bool)
    group = np.repeat([0, 1], 5)
    fit = accelerated_fit(
        time, np.where(event, time, NEVER), group[:, None], distribution="exponential"
    )
    means = [time[group == arm].sum() / event[group == arm].sum() for arm in (0, 1)]
    assert fit.intercept == pytest.approx(math.log(means[0]), rel=1e-9)
    assert fit.coefficients == pytest.approx((math.log(means[1] / means[0]),), rel=1e-9)
    assert fit.standard_errors == pytest.approx((math.sqrt(1 / 4 + 1 / 2),), rel=1e-8)
    assert fit.log_likelihoods[1] == pytest.approx(
        sum(-d * math.log(mean) - d for d, mean in zip((4, 2), means, strict=True))
    )
    assert fit.log_hazard_ratios == pytest.approx((-math.log(means[1] / means[0]),))
    assert (fit.scale, fit.log_scale_standard_error) == (1.0, 0.0)


def test_uncensored_log_normal_times_are_least_squares() -> None:
    rng = np.random.default_rng(2)
    time = rng.lognormal(2.0, 0.7, size=16)
    columns = np.column_stack([np.ones(16), COVARIATES])
    beta, residual, _, _ = np.linalg.lstsq(columns, np.log(time), rcond=None)
    fit = accelerated_fit(time, time, COVARIATES, distribution="lognormal")
    assert fit.intercept == pytest.approx(beta[0], rel=1e-8)
    assert fit.coefficients == pytest.approx(tuple(beta[1:]), rel=1e-7)
    assert fit.scale == pytest.approx(math.sqrt(residual[0] / 16), rel=1e-8)
    errors = fit.scale * np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))
    assert fit.standard_errors == pytest.approx(tuple(errors[1:]), rel=1e-7)
    # The profile limits are those of a ratio of sums of squares.
    half = errors[1] * math.sqrt(16 * math.expm1(DROP / 16))
    assert fit.upper[0] == pytest.approx(beta[1] + half, rel=1e-6)
    assert fit.lower[0] == pytest.approx(beta[1] - half, rel=1e-6)


def test_uncensored_weibull_times_agree_with_a_search_of_another_kind() -> None:
    time = np.random.default_rng(4).weibull(1.7, size=16) * 20

    def minus(theta: Floats) -> float:
        return minus_log_likelihood(theta, "weibull", time, time, COVARIATES)

    fit = accelerated_fit(time, time, COVARIATES)
    found: Any = optimize.minimize(
        minus,
        np.array([2.0, 0, 0, 0]),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000},
    )
    assert parameters(fit) == pytest.approx(found.x, abs=1e-5)
    assert fit.log_likelihoods[1] == pytest.approx(-found.fun, rel=1e-9)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_all_kinds_of_censoring_agree_with_the_likelihood_written_out(
    distribution: TimeDistribution,
) -> None:
    def minus(theta: Floats) -> float:
        return minus_log_likelihood(theta, distribution, LOWER, UPPER, COVARIATES)

    fit = accelerated_fit(LOWER, UPPER, COVARIATES, distribution=distribution)
    at = parameters(fit)
    free = 3 if distribution == "exponential" else 4
    assert fit.converged
    assert (fit.exact, fit.interval, fit.left, fit.right) == (3, 7, 2, 4)
    assert fit.log_likelihoods[1] == pytest.approx(-minus(at), rel=1e-10)
    for step in 1e-4 * np.eye(4)[:free]:
        assert (minus(at + step) - minus(at - step)) / 2e-4 == pytest.approx(0, abs=1e-5)
    information = numerical_hessian(minus, at)[:free, :free]
    covariance = np.linalg.inv(information)
    assert (np.linalg.eigvalsh(information) > 0).all()
    errors = np.sqrt(np.diag(covariance))
    assert fit.intercept_standard_error == pytest.approx(errors[0], rel=1e-4)
    assert fit.standard_errors == pytest.approx(tuple(errors[1:3]), rel=1e-4)
    assert fit.aic == pytest.approx(2 * free + 2 * minus(at))
    if distribution == "weibull":
        assert fit.scale is not None
        assert fit.log_scale_standard_error == pytest.approx(errors[3], rel=1e-4)
        by = np.array([0, -1 / fit.scale, 0, at[1] / fit.scale])
        assert fit.log_hazard_ratios is not None
        assert fit.log_hazard_standard_errors is not None
        assert fit.log_hazard_ratios[0] == pytest.approx(-at[1] / fit.scale)
        assert fit.log_hazard_standard_errors[0] == pytest.approx(
            math.sqrt(by @ covariance @ by), rel=1e-4
        )


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_profile_limits_are_where_the_likelihood_has_dropped(
    distribution: TimeDistribution,
) -> None:
    fit = accelerated_fit(LOWER, UPPER, GROUP[:, None], distribution=distribution)
    start = parameters(fit)[[0, 2]]

    def deviance(beta: float) -> float:
        def minus(theta: Floats) -> float:
            whole = np.array([theta[0], beta, theta[1]])
            return minus_log_likelihood(whole, distribution, LOWER, UPPER, GROUP[:, None])

        found: Any = optimize.minimize(minus, start, method="BFGS")
        return 2 * (float(found.fun) + fit.log_likelihoods[1])

    for limit in (fit.lower[0], fit.upper[0]):
        assert limit is not None
        assert deviance(limit) == pytest.approx(DROP, abs=1e-4)
    assert fit.p_values[0] == pytest.approx(float(stats.chi2.sf(deviance(0.0), 1)), abs=1e-5)
    # With one covariate the test against no covariates is the same one.
    rise = 2 * (fit.log_likelihoods[1] - fit.log_likelihoods[0])
    assert fit.p_values[0] == pytest.approx(float(stats.chi2.sf(rise, 1)), abs=1e-8)
    narrow = accelerated_fit(LOWER, UPPER, GROUP[:, None], distribution=distribution, level=0.5)
    assert narrow.upper[0] is not None
    assert fit.upper[0] is not None
    assert narrow.upper[0] < fit.upper[0]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_intervals_that_shrink_become_exact_times(distribution: TimeDistribution) -> None:
    time = np.random.default_rng(8).gamma(3.0, 5.0, size=16)
    event = np.arange(16) % 4 != 0
    after = np.where(event, time, NEVER)
    exact = accelerated_fit(time, after, COVARIATES, distribution=distribution)
    close = accelerated_fit(
        np.where(event, time - 5e-5, time), after + 5e-5, COVARIATES, distribution=distribution
    )
    assert close.interval == exact.exact == 12
    assert parameters(close) == pytest.approx(parameters(exact), abs=1e-6)
    assert close.lower == pytest.approx(exact.lower, abs=1e-5)
    # A probability is a density times a width.
    assert close.log_likelihoods[1] - 12 * math.log(1e-4) == pytest.approx(
        exact.log_likelihoods[1], abs=1e-5
    )


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_units_of_time_shift_the_intercept_only(distribution: TimeDistribution) -> None:
    days = accelerated_fit(LOWER, UPPER, COVARIATES, distribution=distribution)
    weeks = accelerated_fit(LOWER / 7, UPPER / 7, COVARIATES, distribution=distribution)
    assert parameters(weeks) == pytest.approx(
        parameters(days) - np.array([math.log(7), 0, 0, 0]), abs=1e-7
    )
    assert weeks.lower == pytest.approx(days.lower, abs=1e-6)
    assert weeks.p_values == pytest.approx(days.p_values, abs=1e-9)
    # Densities of the exact times change with their unit.
    assert weeks.aic == pytest.approx(days.aic - 2 * 3 * math.log(7))


def test_order_of_animals_and_units_of_covariates_change_nothing_else() -> None:
    plain = accelerated_fit(LOWER, UPPER, COVARIATES)
    order = np.random.default_rng(1).permutation(16)
    mixed = accelerated_fit(LOWER[order], UPPER[order], COVARIATES[order])
    assert parameters(mixed) == pytest.approx(parameters(plain), abs=1e-8)
    units = np.array([1.0, 1e6])
    other = accelerated_fit(LOWER, UPPER, COVARIATES * units)
    for one, two in ((plain.upper, other.upper), (plain.coefficients, other.coefficients)):
        assert one[0] == pytest.approx(two[0], abs=1e-6)
        assert two[1] is not None
        assert one[1] == pytest.approx(two[1] * 1e6, abs=1e-6)


def test_swapped_arms_give_the_inverse_ratio() -> None:
    (one,) = arm_time_ratios(LOWER, UPPER, GROUP)
    (other,) = arm_time_ratios(LOWER, UPPER, GROUP, control=1)
    assert None not in {one.time_ratio, one.lower, one.upper, one.hazard_ratio}
    assert one.time_ratio == pytest.approx(1 / (other.time_ratio or math.nan), rel=1e-7)
    assert one.lower == pytest.approx(1 / (other.upper or math.nan), rel=1e-6)
    assert one.hazard_lower == pytest.approx(1 / (other.hazard_upper or math.nan), rel=1e-6)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-9)
    assert (one.status, one.reason, one.group, one.versus) == ("ok", "", 1, 0)
    assert arm_time_ratios(LOWER, UPPER, GROUP, distribution="lognormal")[0].hazard_ratio is None


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_an_arm_without_events_has_a_least_time_ratio(distribution: TimeDistribution) -> None:
    lower = np.array([0, 7, 7, 14, 14, 21, 42, 42, 42, 42.0])
    upper = np.array([7, 14, 14, 21, 21, 28, NEVER, NEVER, NEVER, NEVER])
    group = np.repeat([0, 1], [6, 4])
    (ratio,) = arm_time_ratios(lower, upper, group, distribution=distribution)
    assert (ratio.time_ratio, ratio.upper, ratio.status) == (None, None, "unbounded")
    assert ratio.reason == "no animal of the arm had the event"
    assert ratio.lower is not None

    # In the limit the arm is certain, so the controls alone are fitted.
    def minus_controls(theta: Floats) -> float:
        part = np.zeros((6, 0))
        return minus_log_likelihood(theta, distribution, lower[:6], upper[:6], part)

    alone: Any = optimize.minimize(minus_controls, np.array([2.5, -0.5]), method="BFGS")

    def deviance(beta: float) -> float:
        def minus(theta: Floats) -> float:
            whole = np.array([theta[0], beta, theta[1]])
            return minus_log_likelihood(whole, distribution, lower, upper, group[:, None])

        found: Any = optimize.minimize(minus, np.array(alone.x), method="BFGS")
        return 2 * float(found.fun - alone.fun)

    assert deviance(math.log(ratio.lower)) == pytest.approx(DROP, abs=1e-4)
    assert ratio.p_value == pytest.approx(float(stats.chi2.sf(deviance(0.0), 1)), abs=1e-5)
    # Seen from that arm, the control has a greatest ratio.
    (inverse,) = arm_time_ratios(lower, upper, group, control=1, distribution=distribution)
    assert (inverse.time_ratio, inverse.lower, inverse.status) == (None, None, "unbounded")
    assert inverse.upper == pytest.approx(1 / ratio.lower, rel=1e-6)
    assert inverse.reason == "no animal of the control had the event"


def test_an_arm_without_events_leaves_the_others_as_they_are() -> None:
    group = np.concatenate([GROUP, [2, 2, 2]])
    lower, upper = np.append(LOWER, [28.0] * 3), np.append(UPPER, [NEVER] * 3)
    first, second = arm_time_ratios(lower, upper, group)
    (alone,) = arm_time_ratios(LOWER, UPPER, GROUP)
    assert first.status == "ok"
    assert first.time_ratio == pytest.approx(alone.time_ratio, rel=1e-7)
    assert first.log_standard_error == pytest.approx(alone.log_standard_error, rel=1e-6)
    assert first.lower == pytest.approx(alone.lower, rel=1e-6)
    assert (second.status, second.time_ratio) == ("unbounded", None)
    # Held at a ratio, the arm is back in the likelihood.
    assert second.lower is not None


def test_an_arm_with_all_events_before_its_first_visit_has_a_greatest_time_ratio() -> None:
    lower = np.array([0, 7, 7, 14, 14, 21, 0, 0, 0, 0.0])
    upper = np.array([7, 14, 14, 21, 21, NEVER, 7, 7, 7, 7])
    (ratio,) = arm_time_ratios(lower, upper, np.repeat([0, 1], [6, 4]))
    assert (ratio.time_ratio, ratio.lower, ratio.status) == (None, None, "unbounded")
    assert ratio.upper is not None
    assert 0 < ratio.upper < 1
    assert "before its first visit" in ratio.reason


def test_events_of_each_arm_between_the_same_visits_leave_limits_only() -> None:
    lower, upper = np.repeat([7.0, 21.0], 4), np.repeat([14.0, 28.0], 4)
    group = np.repeat([0, 1], 4)
    (ratio,) = arm_time_ratios(lower, upper, group)
    assert (ratio.time_ratio, ratio.hazard_ratio, ratio.status) == (None, None, "undefined")
    assert "do not show how far apart" in ratio.reason
    # Any ratio from 21/14 to 28/7 is certain; one a little outside costs a spread at once.
    assert ratio.lower == pytest.approx(21 / 14, rel=1e-6)
    assert ratio.upper == pytest.approx(28 / 7, rel=1e-6)
    fit = accelerated_fit(lower, upper, group[:, None])
    assert (fit.scale, fit.intercept, fit.coefficients) == (None, None, (None,))
    assert (fit.infinite, fit.converged) == ((0,), True)
    assert fit.log_likelihoods[1] == pytest.approx(0, abs=1e-8)
    # Where the intervals of arms meet, no difference is the edge: all events are at day 14.
    met = accelerated_fit(np.repeat([7.0, 14.0], 4), np.repeat([14.0, 21.0], 4), group[:, None])
    assert met.log_likelihoods[0] == pytest.approx(-8 * math.log(2), abs=1e-6)
    assert met.p_values[0] == pytest.approx(float(stats.chi2.sf(16 * math.log(2), 1)), rel=1e-5)


@pytest.mark.parametrize("distribution", ["weibull", "lognormal", "loglogistic"])
def test_limits_without_a_spread_are_where_the_likelihood_has_dropped(
    distribution: TimeDistribution,
) -> None:
    lower = np.array([7.0, 7, 7, 14, 21, 21, 28, 28])
    group = np.repeat([0, 1], 4)
    fit = accelerated_fit(lower, lower + 7, group[:, None], distribution=distribution)
    # All events are at days 14 and 28, with the shares observed before and after.
    best = 3 * math.log(3 / 4) + math.log(1 / 4) + 4 * math.log(1 / 2)
    assert fit.log_likelihoods[1] == pytest.approx(best, abs=1e-6)
    assert fit.converged

    def deviance(beta: float) -> float:
        def minus(theta: Floats) -> float:
            whole = np.array([theta[0], beta, theta[1]])
            return minus_log_likelihood(whole, distribution, lower, lower + 7, group[:, None])

        found: Any = optimize.minimize(minus, np.array([2.6, -2.0]), method="Nelder-Mead")
        return 2 * (float(found.fun) + best)

    for limit in (fit.lower[0], fit.upper[0]):
        assert limit is not None
        assert deviance(limit) == pytest.approx(DROP, abs=1e-3)


def test_an_arm_without_events_beside_one_without_spread_has_a_least_ratio() -> None:
    lower, upper = np.repeat([7.0, 28.0], 4), np.repeat([14.0, NEVER], 4)
    (ratio,) = arm_time_ratios(lower, upper, np.repeat([0, 1], 4))
    assert (ratio.status, ratio.time_ratio, ratio.upper) == ("unbounded", None, None)
    assert ratio.lower == pytest.approx(2.0, rel=1e-6)


def test_exact_times_without_spread_and_no_events_have_no_answer_and_say_why() -> None:
    group = np.array([0, 0, 1, 1])
    with pytest.raises(DataError, match="exact times that need no spread"):
        accelerated_fit([3.0, 3, 5, 5], [3.0, 3, 5, 5], group[:, None])
    (ratio,) = arm_time_ratios([3.0, 3, 5, 5], [3.0, 3, 5, 5], group)
    assert (ratio.status, ratio.time_ratio) == ("not_estimable", None)
    assert ratio.reason == "exact times that need no spread within arms"
    (ratio,) = arm_time_ratios([3.0, 3, 5, 5], [3.0, 3, 5, 5], group, distribution="exponential")
    assert ratio.time_ratio == pytest.approx(5 / 3)
    (ratio,) = arm_time_ratios([7.0] * 4, [NEVER] * 4, group)
    assert ratio.reason == "no animal had the event"
    (ratio,) = arm_time_ratios([0, 14.0, 0, 14], [7.0, NEVER, 7, NEVER], group)
    assert ratio.reason == "events before a first visit only, which do not show a spread"
    # An arm of which nothing was seen.
    (ratio,) = arm_time_ratios([0, 3, 7, 0.0], [7, 3, 14, NEVER], np.array([0, 0, 0, 1]))
    assert "do not tell apart" in ratio.reason


def test_two_animals_are_too_few_for_a_limit() -> None:
    (ratio,) = arm_time_ratios([0.0, 28.0], [7.0, NEVER], np.array([0, 1]))
    assert (ratio.time_ratio, ratio.lower, ratio.upper) == (None, None, None)
    # At best a half each: twice log 4.
    assert ratio.p_value == pytest.approx(float(stats.chi2.sf(4 * math.log(2), 1)), abs=1e-3)


def test_akaike_finds_the_distribution_of_many_times() -> None:
    rng = np.random.default_rng(12)
    time = rng.lognormal(2.0, 0.8, size=400)
    ranked = accelerated_aic(time, time, rng.normal(size=(400, 1)))
    assert ranked[0][0] == "lognormal"
    values = [value for _, value in ranked]
    assert values == sorted(values)
    fit = accelerated_fit(LOWER, UPPER, COVARIATES, distribution="loglogistic")
    assert dict(accelerated_aic(LOWER, UPPER, COVARIATES))["loglogistic"] == pytest.approx(fit.aic)


def test_results_are_ready_for_json() -> None:
    fit = accelerated_fit(LOWER, UPPER, COVARIATES)
    assert json.loads(json.dumps(fit.to_dict(), allow_nan=False))["distribution"] == "weibull"
    (ratio,) = arm_time_ratios(LOWER, UPPER, GROUP)
    assert json.loads(json.dumps(ratio.to_dict(), allow_nan=False))["status"] == "ok"


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="animal 2: expected an event after time 0"):
        accelerated_fit([1.0, 0.0], [2.0, 0.0], [[0.0], [1.0]])
    with pytest.raises(InputError, match="animal 1: expected a finite lower time"):
        accelerated_fit([3.0, 0.0], [2.0, 1.0], [[0.0], [1.0]])
    with pytest.raises(InputError, match="a lower and an upper time"):
        accelerated_fit([3.0], [2.0, 1.0], [[0.0], [1.0]])
    with pytest.raises(InputError, match="one row of covariates"):
        accelerated_fit(LOWER, UPPER, GROUP)
    with pytest.raises(InputError, match="finite covariates"):
        accelerated_fit(LOWER, UPPER, COVARIATES * math.nan)
    with pytest.raises(InputError, match="level between 0 and 1"):
        accelerated_fit(LOWER, UPPER, COVARIATES, level=95)
    with pytest.raises(InputError, match="loglogistic times, found 'gamma'"):
        accelerated_fit(LOWER, UPPER, COVARIATES, distribution="gamma")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="another arm"):
        arm_time_ratios(LOWER, UPPER, np.zeros(16, dtype=int))


def test_limits_of_weekly_seen_arms_of_eight_cover_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(20)
    group = np.repeat([0, 1], 8)
    truth = 1.6
    covered = []
    for _ in range(100):
        time = 16 * rng.weibull(2.5, size=16) * truth**group
        lower = 7 * np.floor(time / 7)
        upper = lower + 7
        late = lower >= 42
        lower[late], upper[late] = 42, NEVER
        (ratio,) = arm_time_ratios(lower, upper, group)
        assert ratio.status in {"ok", "unbounded"}
        covered.append((ratio.lower or 0) <= truth <= (ratio.upper or NEVER))
    # At 95 % the standard error of 100 replicates is 2.2 points.
    assert 0.87 < np.mean(covered) < 0.99


def agrees(fit: AcceleratedFit, reference: dict[str, Any]) -> None:
    """Coefficients, errors, scale and likelihoods at the reference's tolerance."""
    names, values = reference["coef"]["term"], reference["coef"]["Value"]
    assert names[-1] == "Log(scale)"
    assert parameters(fit) == pytest.approx(values, rel=1e-4, abs=1e-6)
    errors = (fit.intercept_standard_error, *fit.standard_errors, fit.log_scale_standard_error)
    assert errors == pytest.approx(tuple(reference["coef"]["Std. Error"]), rel=1e-4)
    assert fit.log_likelihoods == pytest.approx(tuple(reference["loglik"]), rel=1e-8)


@pytest.mark.realdata
def test_weibull_times_of_rats_and_mice_agree_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    rats = pd.read_csv(shared_data("survival_mantel_rats/survival.csv"))
    rats = rats[rats["sex"] == "f"]
    result = shared_reference("survival_mantel_rats")["sections"]["70_females"]["results"]
    drug = (rats["treatment"] == "drug").to_numpy().astype(float)
    time, event = rats["time_weeks"].to_numpy(float), rats["event"].to_numpy() == 1
    agrees(
        accelerated_fit(time, np.where(event, time, NEVER), drug[:, None]), result["weibull_aft"]
    )
    mice = pd.read_csv(shared_data("survival_hoel_mice/survival.csv"))
    result = shared_reference("survival_hoel_mice")["sections"]["70_all_causes"]["results"]
    free = (mice["treatment"] == "germ_free").to_numpy().astype(float)
    time, event = mice["time_days"].to_numpy(float), mice["event"].to_numpy() == 1
    agrees(
        accelerated_fit(time, np.where(event, time, NEVER), free[:, None]), result["weibull_aft"]
    )


@pytest.mark.realdata
def test_weibull_times_of_seven_arms_agree_with_r(
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    animals = pd.DataFrame(result["per_animal"])
    arms = [term[1:] for term in result["weibull_aft"]["coef"]["term"][1:-1]]
    dummies = np.column_stack([animals["g"] == arm for arm in arms]).astype(float)
    time, event = animals["time"].to_numpy(float), animals["event"].to_numpy() == 1
    agrees(accelerated_fit(time, np.where(event, time, NEVER), dummies), result["weibull_aft"])
