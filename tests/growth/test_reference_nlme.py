"""Against nlme: restricted and full likelihood, variances by arm, correlated residuals.

nlme's figures count where it reached the optimum; where it stopped short, ours must be higher.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.growth.covariance import covariance_model
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.dense_likelihood import evaluate
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.model import Likelihood, Residual
from tests.growth.problems import line_problem, ratio_problem

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

STUDIES = [
    ("genentech_gdc0084_temozolomide", "genentech_gdc0084_temozolomide/growth.csv"),
    ("genentech_vismodegib", "genentech_vismodegib/growth.csv"),
    ("invivosyn_combos.LS_1034", "invivosyn_combos/LS_1034.csv"),
    ("invivosyn_combos.SW837", "invivosyn_combos/SW837.csv"),
    ("iowa_melanoma_a375", "iowa_melanoma_a375/growth.csv"),
    ("kroemer_antibody_genotype", "kroemer_antibody_genotype/growth.csv"),
    ("kroemer_mtx_caloric", "kroemer_mtx_caloric/growth.csv"),
    ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv"),
    ("synergylmm_example.webapp_example", "synergylmm_example/webapp_example.csv"),
]
CASES: list[tuple[str, Residual, Likelihood]] = [
    ("02_lme_reml", "iid", "REML"),
    ("03_lme_ml", "iid", "ML"),
    ("04_lme_varident", "arm", "REML"),
    ("05_lme_corcar1", "car1", "REML"),
]
# An optimum that nlme stopped short of by less than this is the same.
SAME_OPTIMUM = 1e-5


def close(found: float, expected: float, tolerance: dict[str, float]) -> bool:
    gap = abs(found - expected)
    return gap <= max(tolerance.get("rel", 0.0) * abs(expected), tolerance.get("abs", 0.0))


def line_questions(terms: list[str], arms: list[str]) -> NDArray[np.float64]:
    """Weights on our coefficients that make nlme's, which are differences from its first arm."""
    first = next(arm for arm in arms if f"g{arm}" not in terms)
    rows = []
    for term in terms:
        row = np.zeros(2 * len(arms))
        shift = len(arms) if term.startswith("t") and term.partition(":")[0] == "t" else 0
        arm = term.partition("g")[2] if term not in ("(Intercept)", "t") else first
        row[arms.index(arm) + shift] = 1.0
        if arm != first:
            row[arms.index(first) + shift] = -1.0
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(("section", "residual", "likelihood"), CASES)
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_fits_reach_or_pass_those_of_nlme(
    name: str,
    file: str,
    section: str,
    residual: Residual,
    likelihood: Likelihood,
    shared_data: ReadData,
    shared_reference: ReadReference,
) -> None:
    reference = shared_reference(name)["sections"][section]
    theirs, tolerance = reference["results"], reference["tolerance"]
    problem, arms = line_problem(shared_data(file), residual=residual, likelihood=likelihood)
    assert problem.y.size == theirs["n_obs"]
    fit = fit_dense(problem)
    assert fit.converged
    if theirs.get("phi", 0.0) > 1 - 1e-8:
        # A correlation of one: nlme's likelihood is no longer that of its own estimates.
        assert likelihood_there(problem, theirs) < fit.log_likelihood - 100
        return
    gap = fit.log_likelihood - theirs["logLik"]
    assert gap >= -tolerance["logLik"]["abs"]
    if abs(gap) > SAME_OPTIMUM:
        return
    weights = line_questions(theirs["fixed"]["term"], arms)
    estimate = weights @ fit.coefficients
    error = np.sqrt(np.diag(weights @ fit.derivatives.covariance @ weights.T))
    # nlme's standard errors of ML fits are those of REML: it divides by n - p.
    scale = np.sqrt(problem.y.size / (problem.y.size - len(weights))) if likelihood == "ML" else 1
    for place in range(len(weights)):
        assert close(estimate[place], theirs["fixed"]["Value"][place], tolerance["fixed"])
        assert close(error[place] * scale, theirs["fixed"]["Std.Error"][place], tolerance["se"])
    if not fit.singular:
        check_variances(problem, fit, theirs, tolerance["variance"], arms)


def check_variances(
    problem: Problem,
    fit: EngineFit,
    theirs: dict[str, Any],
    tolerance: dict[str, float],
    arms: list[str],
) -> None:
    sd = theirs["sd_random"]
    assert close(float(np.sqrt(fit.random_covariance[0, 0])), sd["(Intercept)"], tolerance)
    assert close(float(np.sqrt(fit.random_covariance[1, 1])), sd["t"], tolerance)
    ratios = theirs.get("varident", dict.fromkeys(arms, 1.0))
    for who, arm in enumerate(problem.arm.tolist()):
        expected = theirs["sigma"] * ratios[arms[arm]]
        assert close(float(np.sqrt(fit.residual_variance[who])), expected, tolerance)
    if fit.correlation is not None:
        assert close(fit.correlation, theirs["phi"], tolerance)


def likelihood_there(problem: Problem, theirs: dict[str, Any]) -> float:
    """Our likelihood at nlme's estimates, the correlation brought just below one."""
    model = covariance_model(problem)
    (intercept, covariance), (_, slope) = theirs["G"]["matrix"]
    values = np.array([intercept, covariance, slope, theirs["sigma"] ** 2, 1 - 1e-6])
    point = evaluate(model, problem.y, problem.x, values, "REML")
    return -np.inf if point is None else point.log_likelihood


@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_ratio_model_reaches_the_likelihood_of_nlme(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference(name)["sections"]["08_lme_rtv"]
    theirs, tolerance = reference["results"], reference["tolerance"]
    problem, arms = ratio_problem(shared_data(file))
    fit = fit_dense(problem)
    assert problem.y.size == theirs["n_obs"]
    assert fit.log_likelihood == pytest.approx(theirs["logLik"], abs=tolerance["logLik"]["abs"])
    fixed = theirs["fixed"]
    error = np.sqrt(np.diag(fit.derivatives.covariance))
    for term, value, se in zip(fixed["term"], fixed["Value"], fixed["Std.Error"], strict=True):
        place = arms.index(term.removeprefix("t:g"))
        assert close(fit.coefficients[place], value, tolerance["fixed"])
        assert close(error[place], se, tolerance["se"])
