"""CR2 against clubSandwich, by its definition, and where clusters are exhausted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.cluster_robust import cluster_robust
from oncovivo.growth.dense import fit_dense
from oncovivo.growth.engine import Problem
from tests.growth.problems import made_problem, ratio_problem
from tests.growth.test_dense import CAGES, fitted_covariance

ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
BLISS = np.array([[1.0, -1.0, -1.0, 1.0]])
# Two-sided 95 % of the normal distribution, which SynergyLMM's bounds take.
REACH = 1.959963984540054

RATIO_STUDIES = [
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
BLISS_STUDIES = [
    (name, file)
    for name, file in RATIO_STUDIES
    if name.startswith(("invivosyn", "iowa", "synergylmm"))
] + [
    *(
        (f"genentech_gdc0084_temozolomide.{dose}", "genentech_gdc0084_temozolomide/growth.csv")
        for dose in ("01_10", "01_80", "10_40", "18_80")
    ),
    ("kroemer_mtx_caloric.HC_MTX", "kroemer_mtx_caloric/growth.csv"),
    ("kroemer_mtx_caloric.NF_MTX", "kroemer_mtx_caloric/growth.csv"),
]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "file"), RATIO_STUDIES)
def test_standard_errors_are_those_of_clubsandwich(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference(name)["sections"]["08_lme_rtv"]
    theirs = reference["results"]["robust_CR2"]["vcov"]
    problem, arms = ratio_problem(shared_data(file))
    robust = cluster_robust(problem, fit_dense(problem))
    order = [arms.index(term.removeprefix("t:g")) for term in theirs["names"]]
    found = robust.covariance[np.ix_(order, order)]
    expected = np.array(theirs["matrix"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9 * expected.max())


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "file"), BLISS_STUDIES)
def test_bliss_bounds_of_every_day_have_our_standard_errors(
    name: str, file: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    sections = shared_reference(name)["sections"]
    mapping = sections["30_lmm"]["results"]["mapping"]
    arms = [mapping[key] for key in ("control", "drug_a", "drug_b", "combination")]
    table = sections["31_bliss_CR2"]["results"]["synergy"]
    tolerance = sections["31_bliss_CR2"]["tolerance"]["bounds"]["rel"]
    columns = (table[key] for key in ("Metric", "Time", "Estimate", "lwr", "upr"))
    by_day = [row[1:] for row in zip(*columns, strict=True) if row[0] == "CI"]
    # The last days hold all readings; early ones differ most in design.
    for day, estimate, low, high in by_day[:3] + by_day[-3:]:
        problem, _ = ratio_problem(shared_data(file), arms, last=day)
        fit = fit_dense(problem)
        robust = cluster_robust(problem, fit)
        error = np.sqrt((BLISS @ robust.covariance @ BLISS.T)[0, 0])
        expected = np.log(high / low) / (2 * REACH * day)
        assert error == pytest.approx(expected, rel=tolerance)
        found = float((BLISS @ fit.coefficients)[0])
        assert found == pytest.approx(np.log(estimate) / day, rel=1e-3, abs=1e-6)


@pytest.mark.realdata
def test_oracle_of_the_bliss_contrast_in_the_ratio_model(shared_data: ReadData) -> None:
    arms = ["Control", "DrugA", "DrugB", "Combination"]
    problem, _ = ratio_problem(shared_data("synergylmm_example/grwth_data.csv"), arms)
    fit = fit_dense(problem)
    robust = cluster_robust(problem, fit)
    assert (BLISS @ fit.coefficients)[0] == pytest.approx(-0.02455794, abs=5e-9)
    # Balanced: the sandwich equals the model's covariance for contrasts of all arms.
    error = np.sqrt((BLISS @ robust.covariance @ BLISS.T)[0, 0])
    model = np.sqrt((BLISS @ fit.derivatives.covariance @ BLISS.T)[0, 0])
    assert error == pytest.approx(0.00645367, abs=2e-8)
    assert error == pytest.approx(model, rel=1e-9)
    assert robust.df(BLISS)[0] == pytest.approx(28.0, abs=1e-8)
    assert "32 animals" in robust.method


@pytest.mark.parametrize(
    ("problem", "label"),
    [
        (made_problem(21, residual="arm_car1", correlation=0.7), np.arange(12)),
        (made_problem(21, residual="arm", groups={"cage": CAGES}), CAGES),
    ],
    ids=["animals", "cages"],
)
def test_sandwich_and_degrees_of_freedom_follow_their_definitions(
    problem: Problem, label: NDArray[np.intp]
) -> None:
    fit = fit_dense(problem)
    robust = cluster_robust(problem, fit)
    cluster = label[problem.animal]
    v = fitted_covariance(problem, fit)
    x, weight = problem.x, np.linalg.inv(v)
    inner = np.linalg.inv(x.T @ weight @ x)
    rest = problem.y - x @ fit.coefficients
    hat = np.eye(rest.size) - x @ inner @ x.T @ weight
    levers = []
    for number in range(cluster.max() + 1):
        own = cluster == number
        upper = np.linalg.cholesky(v[np.ix_(own, own)]).T
        kept = (hat @ v @ hat.T)[np.ix_(own, own)]
        values, axes = np.linalg.eigh(upper @ kept @ upper.T)
        adjust = upper.T @ (axes / np.sqrt(values)) @ axes.T @ upper
        # The adjustment restores the cluster's variance.
        target = v[np.ix_(own, own)]
        np.testing.assert_allclose(adjust @ kept @ adjust, target, rtol=1e-7, atol=1e-11)
        block = weight[np.ix_(own, own)]
        levers.append((own, adjust @ block @ x[own] @ inner))
    sandwich = sum(np.outer(a.T @ rest[own], a.T @ rest[own]) for own, a in levers)
    np.testing.assert_allclose(robust.covariance, sandwich, rtol=1e-7, atol=1e-14)
    question = np.array([0.0, -1.0, 1.0, 0.0])
    g = np.column_stack([hat[own].T @ (a @ question) for own, a in levers])
    p = g.T @ v @ g
    assert np.trace(p) == pytest.approx(question @ inner @ question, rel=1e-9)
    expected = np.trace(p) ** 2 / (p**2).sum()
    assert robust.df(question)[0] == pytest.approx(expected, rel=1e-8)
    # A question's degrees of freedom do not depend on its scale or its company.
    both = np.vstack((5 * question, np.eye(4)[0]))
    assert robust.df(both)[0] == pytest.approx(expected, rel=1e-8)


def test_clusters_are_the_cages_where_cages_are() -> None:
    problem = made_problem(22, groups={"cage": CAGES, "room": np.repeat([0, 1, 2], 4)})
    robust = cluster_robust(problem, fit_dense(problem))
    assert robust.n_clusters == 3
    assert robust.method == "CR2, 3 clusters of cage and room, Satterthwaite"


def test_factors_that_tie_all_animals_together_are_refused() -> None:
    problem = made_problem(23, groups={"cage": CAGES, "batch": np.tile([0, 1], 6)})
    fit = fit_dense(problem)
    with pytest.raises(DataError, match="found one; leave out"):
        cluster_robust(problem, fit)


def test_an_arm_of_one_animal_leaves_the_other_arms_a_finite_answer() -> None:
    problem = made_problem(24, random="slope", n_arms=3, per_arm=4)
    keep = problem.animal < 9
    small = replace(
        problem,
        y=problem.y[keep] - 5.0,
        x=problem.x[keep][:, 1:],
        time=problem.time[keep],
        animal=problem.animal[keep],
        arm=problem.arm[:9],
    )
    robust = cluster_robust(small, fit_dense(small))
    df = robust.df(np.array([[-1.0, 1.0, 0.0]]))
    assert 1 < df[0] <= 6 + 1e-9
    assert np.isfinite(robust.covariance).all()
    # Its own slope rests on nothing but itself: no spread is left to judge it by.
    assert robust.covariance[2, 2] < 1e-12 * robust.covariance[0, 0] + 1e-20


def test_a_variance_for_each_animal_is_a_working_covariance() -> None:
    problem = made_problem(25, residual="animal", per_arm=6)
    fit = fit_dense(problem)
    robust = cluster_robust(problem, fit)
    df = robust.df(np.array([[0.0, -1.0, 1.0, 0.0]]))
    assert 1 < df[0] < 18
    error = np.sqrt(np.diag(robust.covariance))
    ratio = error / np.sqrt(np.diag(fit.derivatives.covariance))
    assert (ratio > 0.3).all()
    assert (ratio < 3).all()
