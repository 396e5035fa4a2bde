"""Against lme4, lmerTest, pbkrtest and SynergyLMM, at each file's tolerance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.satterthwaite import Satterthwaite
from tests.growth.problems import line_problem, ratio_problem

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
FloatArray: TypeAlias = NDArray[np.float64]

STUDIES = [
    ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv"),
    ("synergylmm_example.webapp_example", "synergylmm_example/webapp_example.csv"),
    ("genentech_vismodegib", "genentech_vismodegib/growth.csv"),
    ("genentech_gdc0084_temozolomide", "genentech_gdc0084_temozolomide/growth.csv"),
    ("invivosyn_combos.LS_1034", "invivosyn_combos/LS_1034.csv"),
    ("invivosyn_combos.SW837", "invivosyn_combos/SW837.csv"),
    ("iowa_melanoma_a375", "iowa_melanoma_a375/growth.csv"),
    ("kroemer_antibody_genotype", "kroemer_antibody_genotype/growth.csv"),
    ("kroemer_mtx_caloric", "kroemer_mtx_caloric/growth.csv"),
]


def common_intercept(problem: Problem) -> Problem:
    """One intercept for all arms instead of one for each."""
    arms = problem.x.shape[1] // 2
    x = np.column_stack((problem.x[:, :arms].sum(axis=1), problem.x[:, arms:]))
    return Problem(y=problem.y, x=x, time=problem.time, animal=problem.animal, arm=problem.arm)


def reference_rows(terms: list[str], arms: list[str], *, own_intercepts: bool) -> FloatArray:
    """Weights of R's coefficients on ours, a row for each."""
    count = len(arms)
    width = 2 * count if own_intercepts else count + 1
    rows = []
    base = next(iter(arm for arm in arms if f"g{arm}" not in terms), "")
    for term in terms:
        row = np.zeros(width)
        if own_intercepts:
            time = term.startswith("t")
            name = term.removeprefix("t:").removeprefix("t").removeprefix("g")
            shift = count if time else 0
            arm = arms.index(base if name in ("", "(Intercept)") else name)
            row[shift + arm] = 1.0
            if term not in ("(Intercept)", "t"):
                row[shift + arms.index(base)] = -1.0
        elif term == "(Intercept)":
            row[0] = 1.0
        else:
            row[1 + arms.index(term.removeprefix("t:g"))] = 1.0
        rows.append(row)
    return np.array(rows)


def close(ours: FloatArray, theirs: object, tolerance: dict[str, Any]) -> None:
    np.testing.assert_allclose(
        ours,
        np.asarray(theirs, dtype=np.float64),
        rtol=tolerance.get("rel", 0.0),
        atol=tolerance.get("abs", 0.0),
    )


def check_variances(fit: EngineFit, table: dict[str, list[float]], *, singular: bool) -> None:
    """Variances are on a flat likelihood; on the boundary zeros are only nearly zero in lme4."""
    theirs = np.array([table["vcov"][index] for index in (0, 2, 1, 3)])
    scale = np.sqrt(abs(theirs[[0, 2]]).prod())
    absolute = np.array([1e-6, max(1e-6, 0.005 * scale), 1e-6, 1e-6])
    rtol = 0.02 if singular else 0.005
    assert (abs(fit.values - theirs) <= absolute + rtol * abs(theirs)).all()


@pytest.mark.parametrize("section", ["06_lmer_satterthwaite_kr", "06b_lmer_common_intercept"])
@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_fits_and_small_sample_inference_are_those_of_lmer(
    name: str,
    file: str,
    section: str,
    shared_data: ReadData,
    shared_reference: ReadReference,
) -> None:
    reference = shared_reference(name)["sections"][section]
    result, tolerance = reference["results"], reference["tolerance"]
    singular = bool(result["singular"])
    own_intercepts = section.startswith("06_")
    problem, arms = line_problem(shared_data(file))
    fit = fit_reduced(problem if own_intercepts else common_intercept(problem))
    assert problem.y.size == result["n"]
    assert fit.converged
    assert fit.singular == singular
    close(np.array(fit.log_likelihood), result["logLik_REML"], tolerance["logLik"])
    # Ours is the maximum: lme4 never finds a higher one.
    assert fit.log_likelihood > result["logLik_REML"] - 1e-8
    fixed = {"rel": 1e-3, "abs": 1e-6} if singular else tolerance["fixed"]
    check_variances(fit, result["varcorr"], singular=singular)
    for method, inference in (
        ("kenward_roger", KenwardRoger(fit.derivatives)),
        ("satterthwaite", Satterthwaite(fit.derivatives, fit.observed_information)),
    ):
        table = result[method]
        rows = reference_rows(table["term"], arms, own_intercepts=own_intercepts)
        estimate = rows @ fit.coefficients
        error = np.sqrt(np.diag(rows @ inference.covariance @ rows.T))
        close(estimate, table["Estimate"], fixed)
        close(error, table["Std. Error"], tolerance["se"])
        if singular:
            continue
        df = inference.df(rows)
        close(df, table["df"], tolerance["df"])
        statistic = estimate / error
        p_value = 2 * special.stdtr(df, -np.abs(statistic))
        close(p_value, table["Pr(>|t|)"], {"rel": 0.02, "abs": 1e-6})


@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_adjusted_covariance_and_f_tests_are_those_of_pbkrtest(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference(name)["sections"]["06_lmer_satterthwaite_kr"]
    result, tolerance = reference["results"], reference["tolerance"]
    problem, arms = line_problem(shared_data(file))
    fit = fit_reduced(problem)
    kenward_roger = KenwardRoger(fit.derivatives)
    satterthwaite = Satterthwaite(fit.derivatives, fit.observed_information)
    names = result["vcov_kr"]["names"]
    rows = reference_rows(names, arms, own_intercepts=True)
    ours = rows @ kenward_roger.covariance @ rows.T
    theirs = np.array(result["vcov_kr"]["matrix"])
    scale = np.sqrt(np.outer(np.diag(theirs), np.diag(theirs)))
    np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-3)
    slopes = np.repeat([[0.0, 1.0 / len(arms)]], len(arms), axis=1)
    of_effect = {
        "t": slopes,
        "g": rows[[index for index, term in enumerate(names) if term.startswith("g")]],
        "t:g": rows[[index for index, term in enumerate(names) if term.startswith("t:")]],
    }
    for key, inference in (("anova_kr", kenward_roger), ("anova_satterthwaite", satterthwaite)):
        table = result[key]
        for place, effect in enumerate(table["effect"]):
            test = inference.f_test(of_effect[effect], fit.coefficients)
            close(np.array(test.df_numerator), table["NumDF"][place], {"rel": 1e-12})
            close(np.array(test.statistic), table["F value"][place], {"rel": 3e-3})
            if result["singular"] and key == "anova_satterthwaite":
                continue
            close(np.array(test.df_denominator), table["DenDF"][place], tolerance["df"])
            close(np.array(test.p_value), table["Pr(>F)"][place], {"rel": 0.02, "abs": 1e-6})


@pytest.mark.parametrize(("name", "file"), STUDIES)
def test_the_ratio_model_is_that_of_nlme(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference(name)["sections"]["08_lme_rtv"]
    result, tolerance = reference["results"], reference["tolerance"]
    problem, arms = ratio_problem(shared_data(file))
    fit = fit_reduced(problem)
    assert problem.y.size == result["n_obs"]
    assert problem.arm.size == result["n_groups"]
    close(np.array(fit.log_likelihood), result["logLik"], tolerance["logLik"])
    order = [arms.index(term.removeprefix("t:g")) for term in result["fixed"]["term"]]
    close(fit.coefficients[order], result["fixed"]["Value"], tolerance["fixed"])
    close(
        np.sqrt(np.diag(fit.derivatives.covariance))[order],
        result["fixed"]["Std.Error"],
        tolerance["se"],
    )
    close(np.sqrt(fit.values), [result["sd_random"]["t"], result["sigma"]], tolerance["variance"])


COMBINATIONS = [
    *[
        (name, file)
        for name, file in STUDIES
        if name.startswith(("synergylmm", "invivosyn", "iowa"))
    ],
    *[
        (f"genentech_gdc0084_temozolomide.{a}_{b}", "genentech_gdc0084_temozolomide/growth.csv")
        for a in ("01", "10", "18")
        for b in ("10", "40", "80")
    ],
    ("kroemer_mtx_caloric.HC_MTX", "kroemer_mtx_caloric/growth.csv"),
    ("kroemer_mtx_caloric.NF_MTX", "kroemer_mtx_caloric/growth.csv"),
]


@pytest.mark.parametrize(("name", "file"), COMBINATIONS)
def test_the_ratio_model_is_that_of_synergylmm(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference(name)["sections"]["30_lmm"]
    result, tolerance = reference["results"], reference["tolerance"]
    roles = ("control", "drug_a", "drug_b", "combination")
    arms = [result["mapping"][role] for role in roles]
    problem, _ = ratio_problem(shared_data(file), arms)
    fit = fit_reduced(problem)
    assert problem.y.size == result["n_obs"]
    assert problem.arm.size == result["n_animals"]
    close(np.array(fit.log_likelihood), result["logLik"], tolerance["logLik"])
    names = [*arms[:3], "Combination"]
    estimates = result["estimates"]
    close(fit.coefficients, [estimates[arm][0] for arm in names], tolerance["estimates"])
    error = np.sqrt(np.diag(fit.derivatives.covariance))
    close(error, [estimates[f"se_{arm}"][0] for arm in names], tolerance["se"])
    close(np.sqrt(fit.values[1:]), estimates["sd_resid"], tolerance["variance"])


def bliss(arms: list[str], *, intercept: bool) -> FloatArray:
    """Growth rate of the combination beyond the sum of the drugs' effects."""
    sign = {"Combination": 1.0, "DrugA": -1.0, "DrugB": -1.0, "Control": 1.0}
    return np.array([[*[0.0] * intercept, *(sign[arm] for arm in arms)]])


def test_the_bliss_contrast_of_the_demonstration_data(shared_data: ReadData) -> None:
    path = shared_data("synergylmm_example/grwth_data.csv")
    problem, arms = ratio_problem(path)
    fit = fit_reduced(problem)
    inference = KenwardRoger(fit.derivatives)
    row = bliss(arms, intercept=False)
    estimate = float((row @ fit.coefficients)[0])
    error = float(np.sqrt(row @ inference.covariance @ row.T)[0, 0])
    assert estimate == pytest.approx(-0.02455794, abs=5e-9)
    assert error == pytest.approx(0.00645367, abs=2e-8)
    df = float(inference.df(row)[0])
    assert df == pytest.approx(28, abs=1e-6)
    assert 2 * special.stdtr(df, estimate / error) == pytest.approx(0.00071, abs=5e-6)
    lines, arms = line_problem(path)
    fit = fit_reduced(common_intercept(lines))
    inference = KenwardRoger(fit.derivatives)
    row = bliss(arms, intercept=True)
    assert fit.singular
    assert float((row @ fit.coefficients)[0]) == pytest.approx(-0.01350338, abs=5e-9)
    error = float(np.sqrt(row @ inference.covariance @ row.T)[0, 0])
    assert error == pytest.approx(0.002434, abs=5e-7)
    assert inference.df(row) == pytest.approx([28.0], abs=1e-6)
