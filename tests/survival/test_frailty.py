"""Cox regression with a gamma frailty: against R, its limits, its derivatives, known truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.survival import cox_fit, frailty_fit
from oncovivo.survival.frailty import _problem

FloatArray: TypeAlias = NDArray[np.float64]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

# Eight lines of two animals under a control and two under a drug; ties, censored at day 30.
TIME = np.array(
    [
        [4, 7, 3, 2, 1, 13, 22, 30, 15, 13, 29, 29, 6, 30, 30, 20],
        [30, 30, 15, 30, 2, 16, 30, 26, 26, 22, 30, 30, 16, 30, 30, 18],
    ],
    dtype=np.float64,
).ravel()
EVENT = TIME < 30
ARM = np.tile([0.0, 0.0, 1.0, 1.0], 8)[:, None]
LINE = np.repeat(np.arange(8), 4)


def test_a_given_variance_agrees_with_r() -> None:
    # R 4.2.2, survival 3.5-3, with the data above as d:
    # coxph(Surv(time, event) ~ arm + frailty(line, theta = 0.5, sparse = FALSE), d,
    #       control = coxph.control(eps = 1e-12, iter.max = 200))
    fit = frailty_fit(TIME, EVENT, ARM, LINE, theta=0.5)
    # Both are Newton's method to rounding; R prints twelve digits.
    assert fit.coefficients[0] == pytest.approx(-0.961810650907, abs=1e-11)
    assert fit.standard_errors[0] == pytest.approx(0.479830940829, abs=1e-11)
    assert fit.log_likelihood == pytest.approx(-62.1328537226, abs=1e-9)
    theirs = [2.1806409237, 1.2556503133, 1.2337675303, 0.6693852813]
    theirs += [0.3866802023, 1.0893055616, 0.5704840427, 0.6140861447]
    np.testing.assert_allclose(fit.frailties, theirs, rtol=1e-9)


def test_the_estimated_variance_agrees_with_r() -> None:
    # As above with frailty(line, eps = 1e-10, sparse = FALSE): theta 0.380718140634.
    fit = frailty_fit(TIME, EVENT, ARM, LINE)
    assert fit.converged
    # The top is flat: R stops by the change of theta, and never above ours.
    assert fit.log_likelihood == pytest.approx(-62.1018375379, abs=1e-9)
    assert fit.theta == pytest.approx(0.380718140634, rel=1e-4)
    assert fit.coefficients[0] == pytest.approx(-0.925019122403, abs=1e-5)
    assert fit.standard_errors[0] == pytest.approx(0.473390658162, abs=1e-5)
    gain = 2 * (fit.log_likelihood - fit.log_likelihood_cox)
    assert fit.theta_p_value == pytest.approx(0.5 * _chi_tail(gain), rel=1e-9)
    assert fit.theta_lower == 0.0
    assert fit.theta_upper is not None
    # At the upper end the likelihood has fallen by half the 95 % point of chi-squared.
    end = frailty_fit(TIME, EVENT, ARM, LINE, theta=fit.theta_upper)
    assert fit.log_likelihood - end.log_likelihood == pytest.approx(3.841459 / 2, abs=1e-3)


def _chi_tail(value: float) -> float:
    from scipy.special import erfc

    return float(erfc(np.sqrt(value / 2)))


@pytest.mark.realdata
def test_doublings_of_the_encyclopedia_agree_with_r(shared_reference: ReadReference) -> None:
    # R 4.2.2, survival 3.5-3: coxph(Surv(time, event) ~ g + frailty(line, theta = 0.5,
    # sparse = FALSE)), line being the part of animal_id before the first bar; then without theta.
    rows = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]["per_animal"]
    arms = ["binimetinib", "BKM120", "BYL719", "everolimus", "LEE011", "LEE011 + everolimus"]
    given = np.array(rows["g"], dtype=object)
    covariates = np.column_stack([(given == arm).astype(np.float64) for arm in arms])
    names = [animal.split("|")[0] for animal in rows["animal_id"]]
    line = np.unique(names, return_inverse=True)[1]
    time, event = np.array(rows["time"], dtype=float), np.array(rows["event"], dtype=bool)
    fit = frailty_fit(time, event, covariates, line, theta=0.5)
    theirs = [-1.694465996205, -1.445835177542, -1.345753013646]
    theirs += [-1.772611046243, -1.230613332665, -2.449797779864]
    np.testing.assert_allclose(fit.coefficients, theirs, atol=1e-9)
    assert fit.standard_errors[0] == pytest.approx(0.1426692932, abs=1e-9)
    free = frailty_fit(time, event, covariates, line)
    assert free.theta == pytest.approx(0.742387193749, rel=1e-4)
    assert free.log_likelihood == pytest.approx(-3941.07148083, abs=1e-6)
    # R's theta is a shade off the top; the coefficients follow it.
    assert free.coefficients[5] == pytest.approx(-2.556060232086, abs=5e-5)


def test_a_vanishing_variance_is_cox() -> None:
    plain = cox_fit(TIME, EVENT, ARM)
    fit = frailty_fit(TIME, EVENT, ARM, LINE, theta=1e-7)
    assert plain.coefficients[0] is not None
    # The distance from Cox is of the order of theta.
    assert fit.coefficients[0] == pytest.approx(plain.coefficients[0], abs=1e-5)
    assert fit.log_likelihood == pytest.approx(plain.log_likelihoods[1], abs=1e-5)
    np.testing.assert_allclose(fit.frailties, 1.0, atol=1e-5)


def test_groups_that_do_not_differ_have_no_variance() -> None:
    # The same four animals in every line: nothing is left between lines.
    line = np.repeat(np.arange(6), 4)
    time = np.tile([5.0, 9.0, 12.0, 20.0], 6)
    arm = np.tile([0.0, 1.0, 0.0, 1.0], 6)[:, None]
    event = np.tile([True, True, True, False], 6)
    fit = frailty_fit(time, event, arm, line)
    plain = cox_fit(time, event, arm)
    assert (fit.theta, fit.theta_lower, fit.theta_p_value) == (0.0, 0.0, 1.0)
    assert fit.coefficients == plain.coefficients
    assert fit.standard_errors == plain.standard_errors
    assert fit.frailties == (1.0,) * 6


def test_the_gradient_and_the_hessian_are_those_of_the_penalized_likelihood() -> None:
    problem = _problem(TIME, EVENT, ARM, LINE, None, None)
    rng = np.random.default_rng(0)
    point = rng.normal(0.0, 0.3, 9)
    _, _, gradient, information = problem.penalized(point, 0.4)
    step = 1e-5
    for place in range(point.size):
        moved = np.zeros_like(point)
        moved[place] = step
        up, down = problem.penalized(point + moved, 0.4), problem.penalized(point - moved, 0.4)
        # Central differences: error of the order of the squared step.
        assert gradient[place] == pytest.approx((up[0] - down[0]) / (2 * step), abs=1e-7)
        np.testing.assert_allclose(-information[place], (up[2] - down[2]) / (2 * step), atol=1e-7)


def test_the_order_of_animals_and_the_names_of_lines_do_not_matter() -> None:
    order = np.random.default_rng(1).permutation(TIME.size)
    fit = frailty_fit(TIME, EVENT, ARM, LINE)
    other = frailty_fit(TIME[order], EVENT[order], ARM[order], 7 - LINE[order])
    # The search for theta ends within its tolerance.
    np.testing.assert_allclose(other.coefficients, fit.coefficients, atol=1e-6)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(other.frailties, fit.frailties[::-1], atol=1e-5)


def test_a_stratum_each_and_late_entry_reach_the_risk_sets() -> None:
    half = (LINE % 2).astype(np.intp)
    fit = frailty_fit(TIME, EVENT, ARM, LINE, strata=half, theta=1e-7)
    plain = cox_fit(TIME, EVENT, ARM, strata=half)
    assert fit.coefficients[0] == pytest.approx(plain.coefficients[0] or 0.0, abs=1e-5)
    entry = np.minimum(0.5 * TIME, 1.5)
    fit = frailty_fit(TIME, EVENT, ARM, LINE, entry=entry, theta=1e-7)
    plain = cox_fit(TIME, EVENT, ARM, entry=entry)
    assert fit.coefficients[0] == pytest.approx(plain.coefficients[0] or 0.0, abs=1e-5)


def test_simulated_trials_give_back_the_effect_and_the_variance() -> None:
    rng = np.random.default_rng(5)
    lines, log_ratio, theta = 100, -1.0, 0.8
    line, arm = np.repeat(np.arange(lines), 4), np.tile([0.0, 0.0, 1.0, 1.0], lines)
    found = []
    for _ in range(6):
        factor = rng.gamma(1 / theta, theta, lines)
        time = rng.exponential(10.0 / (factor[line] * np.exp(log_ratio * arm)))
        end = np.minimum(time, 40.0)
        fit = frailty_fit(end, time < 40.0, arm[:, None], line)
        found.append((fit.coefficients[0], fit.theta))
    mean = np.mean(found, axis=0)
    # Standard error of a trial is near 0.13 and 0.19; of the mean of six 0.05 and 0.08: 3 of them.
    assert mean[0] == pytest.approx(log_ratio, abs=0.16)
    assert mean[1] == pytest.approx(theta, abs=0.24)
    # The marginal ratio is nearer to 1: a fault that forgets the factor would show.
    assert mean[0] < -0.8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"group": LINE[:-1]}, "a group for each animal"),
        ({"group": np.zeros(32, dtype=int)}, "at least two groups"),
        ({"theta": 0.0}, "a variance above 0"),
        ({"level": 1.0}, "a level between 0 and 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"group": LINE, **change}
    with pytest.raises(InputError, match=message):
        frailty_fit(TIME, EVENT, ARM, **arguments)


def test_an_arm_without_events_is_refused() -> None:
    event = EVENT & (ARM[:, 0] == 0)
    with pytest.raises(DataError, match="events that bound every hazard ratio"):
        frailty_fit(TIME, event, ARM, LINE)
