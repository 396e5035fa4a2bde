"""Residuals of a fit against their definitions and SynergyLMM's, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.diagnostics import GrowthDiagnostics, diagnose, residuals
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel, Residual, TimeShape
from tests.growth.studies import made_up_growth, read_growth, with_limit


@pytest.fixture(scope="module")
def study() -> GrowthData:
    """A study that the standard model describes."""
    return made_up_growth({"vehicle": 0.09, "drug": 0.05}, animals=8)


def codes(found: GrowthDiagnostics) -> list[str]:
    """Codes of the findings."""
    return [finding.code for finding in found.findings]


def whole_covariance(fit: GrowthFit) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Covariance of all readings, from its definition."""
    problem = fit.problem
    z = np.column_stack((np.ones(problem.time.size), problem.time))
    same = problem.animal[:, None] == problem.animal
    lag = np.abs(problem.time[:, None] - problem.time)
    noise = np.sqrt(fit.residual_variance[problem.animal])
    rho = fit.variance.autocorrelation
    shape = np.eye(problem.time.size) if rho is None else rho**lag
    return np.where(same, z @ fit.random_covariance @ z.T + np.outer(noise, noise) * shape, 0.0)


@pytest.mark.parametrize("residual", ["iid", "arm", "car1"])
def test_residuals_are_what_their_definitions_say(study: GrowthData, residual: Residual) -> None:
    fit = fit_growth(study, GrowthModel(residual=residual))
    found = residuals(fit)
    y, x = fit.problem.y, fit.problem.x
    whole = whole_covariance(fit)
    rest = y - x @ fit.coefficients
    np.testing.assert_allclose(found.marginal, rest)
    np.testing.assert_allclose(
        found.normalized, np.linalg.solve(np.linalg.cholesky(whole), rest), rtol=1e-7, atol=1e-9
    )
    inverse = np.linalg.inv(whole)
    hat = inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    p = inverse - hat
    np.testing.assert_allclose(found.deletion, p @ y / np.sqrt(np.diag(p)), rtol=1e-6, atol=1e-8)
    if residual != "car1":
        noise = np.sqrt(fit.residual_variance[fit.problem.animal])
        np.testing.assert_allclose(found.standardized, found.conditional / noise)


def test_a_deletion_residual_predicts_the_reading_from_all_others(study: GrowthData) -> None:
    fit = fit_growth(study)
    whole, x, y = whole_covariance(fit), fit.problem.x, fit.problem.y
    row = 17
    others = np.arange(y.size) != row
    inverse = np.linalg.inv(whole[np.ix_(others, others)])
    spread = np.linalg.inv(x[others].T @ inverse @ x[others])
    beta = spread @ x[others].T @ inverse @ y[others]
    pull = inverse @ whole[others, row]
    expected = x[row] @ beta + pull @ (y[others] - x[others] @ beta)
    left = x[row] - x[others].T @ pull
    variance = whole[row, row] - whole[row, others] @ pull + left @ spread @ left
    assert residuals(fit).deletion[row] == pytest.approx((y[row] - expected) / np.sqrt(variance))


def test_nothing_is_found_where_the_model_holds(study: GrowthData) -> None:
    found = diagnose(fit_growth(study))
    assert codes(found) == []
    assert found.verdict == "nothing speaks against the model"
    assert [check.reason for check in found.checks] == ["", "", ""]


def test_a_slip_of_the_pen_is_named_and_kept(study: GrowthData) -> None:
    log_size = study.log_size.copy()
    log_size[24] += np.log(10)
    slipped = replace(study, log_size=log_size)
    found = diagnose(fit_growth(slipped), refit=False)
    top = found.outliers[0]
    animal = study.animal_ids[study.animal[24]]
    assert (top.animal_id, top.day) == (animal, study.day[24])
    assert top.p_adjusted < 1e-6
    assert codes(found)[0] == "outlying_readings"
    assert f"{animal} day {study.day[24]:g}" in found.verdict
    assert found.residuals.day.size == study.n_observations


def test_arms_that_scatter_differently_suggest_a_variance_for_each(study: GrowthData) -> None:
    quiet = residuals(fit_growth(study))
    noisy = study.log_size + np.where(quiet.arm == 1, 3 * quiet.conditional, 0.0)
    found = diagnose(fit_growth(replace(study, log_size=noisy)))
    (finding,) = [own for own in found.findings if own.code == "spread_differs"]
    assert finding.remedy == "try --residual arm"
    assert "'drug'" in finding.message
    ratio = found.check("spread_by_arm").estimate
    assert ratio is not None
    assert ratio > 2
    assert found.levene_p is not None
    assert found.levene_p < 0.01
    again = diagnose(fit_growth(replace(study, log_size=noisy), GrowthModel(residual="arm")))
    assert again.check("spread_by_arm").reason == "the model has it already"
    assert "spread_differs" not in codes(again)


def test_readings_that_follow_each_other_suggest_a_correlation() -> None:
    rng = np.random.default_rng(3)
    days = np.arange(0.0, 30.0, 2.0)
    noise = np.zeros((12, days.size))
    noise[:, 0] = rng.standard_normal(12)
    for step in range(1, days.size):
        noise[:, step] = 0.8 * noise[:, step - 1] + 0.6 * rng.standard_normal(12)
    found = diagnose(
        fit_growth(
            growth_data_from_arrays(
                arm=["vehicle"] * (6 * days.size) + ["drug"] * (6 * days.size),
                animal_id=[f"m{row // days.size}" for row in range(12 * days.size)],
                time=np.tile(days, 12),
                log_size=5 + 0.06 * np.tile(days, 12) + 0.2 * noise.ravel(),
            )
        )
    )
    assert "residuals_correlated" in codes(found)
    estimate = found.check("autocorrelation").estimate
    assert estimate is not None
    assert estimate > 0.2


def test_curves_that_bend_suggest_a_spline(study: GrowthData) -> None:
    bent = replace(study, log_size=study.log_size - 0.003 * study.time**2)
    found = diagnose(fit_growth(bent))
    assert "not_log_linear" in codes(found)
    assert "--time spline" in found.verdict
    spline = GrowthModel(time=TimeShape(kind="spline", knots=(10.0,)))
    again = diagnose(fit_growth(bent, spline))
    assert again.check("log_linearity").reason == "the model's curves bend already"


def test_readings_at_two_times_say_why_bends_were_not_tested() -> None:
    data = made_up_growth({"vehicle": 0.09, "drug": 0.05}, days=(0.0, 10.0))
    found = diagnose(fit_growth(data, GrowthModel(random="intercept")))
    assert "three times or more" in found.check("log_linearity").reason
    assert found.check("log_linearity").p_value is None


def test_a_variance_for_each_animal_leaves_checks_undone_with_a_reason(study: GrowthData) -> None:
    found = diagnose(fit_growth(study, GrowthModel(residual="animal", df="cr2")))
    reasons = [check.reason for check in found.checks]
    assert reasons[0] == "the model has it already"
    assert "no correlation" in reasons[1]
    assert "Kenward-Roger" in reasons[2]


def test_a_censored_fit_has_no_residuals_that_mean_something(study: GrowthData) -> None:
    data = with_limit(study, 120.0)
    fit = fit_censored(data, method="laplace")
    found = diagnose(fit)
    assert np.array_equal(np.isnan(found.residuals.conditional), data.below_limit)
    assert np.isnan(found.residuals.normalized).all()
    assert codes(found) == ["not_checked"]
    assert all("have no residual" in check.reason for check in found.checks)
    assert [own.name for own in found.quantiles] == ["random intercepts", "random slopes"]
    json.dumps(found.to_dict(), allow_nan=False)


def test_diagnostics_are_json(study: GrowthData) -> None:
    found = json.loads(
        json.dumps(diagnose(fit_growth(study), refit=False).to_dict(), allow_nan=False)
    )
    assert len(found["residuals"]) == study.n_observations
    assert found["checks"][0]["reason"] == "no larger model was fitted"


def test_unknown_names_and_levels_are_refused(study: GrowthData) -> None:
    fit = fit_growth(study)
    with pytest.raises(InputError, match="between 0 and 1"):
        diagnose(fit, level=1.0)
    with pytest.raises(InputError, match="a check: spread_by_arm"):
        diagnose(fit, refit=False).check("luck")


@pytest.mark.realdata
def test_tests_of_residuals_are_synergylmms(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    data = read_growth(shared_data("synergylmm_example") / "grwth_data.csv")
    section = shared_reference("synergylmm_example.grwth_data")["sections"]["34_diagnostics"]
    exact = section["results"]
    found = diagnose(fit_growth(data, GrowthModel(baseline="ratio")), refit=False)
    normal = {own.name: (own.statistic, own.p_value) for own in found.quantiles}
    tolerance = section["tolerance"]["tests"]["rel"]
    for name, key in (("standardized residuals", "resid"), ("random slopes", "ranef")):
        reference = exact[f"shapiro_{key}"]
        assert normal[name] == pytest.approx((reference["W"], reference["p"]), rel=tolerance)
    levene = exact["levene"]["Treatment"]["Pr(>F)"][0]
    assert found.levene_p == pytest.approx(levene, rel=tolerance)
    assert found.fligner_p == pytest.approx(exact["fligner"]["Treatment"]["p"], rel=tolerance)
    # The same residuals by day.
    by_day = [
        found.residuals.standardized[found.residuals.day == day]
        for day in np.unique(found.residuals.day)
    ]
    flat = exact["levene"]["Time"]["F value"][0]
    assert stats.levene(*by_day).statistic == pytest.approx(flat, rel=tolerance)
