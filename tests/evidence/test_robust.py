"""CR2 against clubSandwich, by its definition with dense matrices, and with few clusters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.known_covariance import correlated_covariance
from oncovivo.evidence.meta.multilevel import MultilevelResult, fit_multilevel
from oncovivo.evidence.meta.robust import cluster_robust
from oncovivo.evidence.meta.types import Rows
from tests.evidence.meta_references import CART_SECTIONS, besson, cart_rows, close
from tests.evidence.test_multilevel import DOSE, PAPER, ROW, V, Y

FloatArray: TypeAlias = NDArray[np.float64]
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

HOST = np.array([{"p1": 0.0, "p2": 0, "p3": 1, "p4": 1, "p5": 0, "p6": 1}[p] for p in PAPER])
GROUP = np.unique(PAPER, return_inverse=True)[1]
X = np.column_stack([np.ones(13), DOSE, HOST])
TERMS = ["intercept", "dose", "host"]


def fitted() -> MultilevelResult:
    return fit_multilevel(
        Rows.of(ROW, Y, V),
        {"paper": PAPER, "row": ROW},
        covariance=correlated_covariance(V, PAPER, rho=0.3),
        design=X,
        terms=TERMS,
        test="z",
        intervals="none",
    )


def working(result: MultilevelResult) -> FloatArray:
    """Covariance of all rows under the model."""
    outer, inner = (one.variance for one in result.components)
    sampled = correlated_covariance(V, PAPER, rho=0.3).matrix()
    return np.asarray(sampled + outer * (GROUP[:, None] == GROUP) + inner * np.eye(13))


def levers(covariance: FloatArray) -> list[FloatArray]:
    """For each cluster, the matrix (p, k) that makes its score from all rows."""
    inverse = np.linalg.inv(covariance)
    inner = np.linalg.inv(X.T @ inverse @ X)
    off = np.eye(13) - X @ inner @ X.T @ inverse
    found = []
    for number in range(6):
        here = np.flatnonzero(np.equal(GROUP, number))
        own = covariance[np.ix_(here, here)]
        kept = own - X[here] @ inner @ X[here].T
        root = np.real(linalg.sqrtm(own))
        middle = root @ kept @ root
        values, axes = np.linalg.eigh(middle)
        use = values > 1e-12 * values.max()
        half = (axes[:, use] / np.sqrt(values[use])) @ axes[:, use].T
        adjust = root @ half @ root
        found.append(inner @ X[here].T @ np.linalg.inv(own) @ adjust @ off[here])
    return found


@pytest.mark.realdata
def test_besson_has_the_robust_error_of_clubsandwich(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference("meta_besson2016")["sections"]["80_multilevel"]
    expected, tolerance = section["results"]["CR2"], section["tolerance"]["mv"]
    rows, table = besson(shared_data("meta_besson2016/dat_besson2016.csv"))
    study = [row["study_ID"] for row in table]
    levels = {"study": study, "row": list(rows.label)}
    robust = cluster_robust(fit_multilevel(rows, levels, intervals="none"), study)
    (one,) = robust.coefficients
    assert robust.clusters == 46
    assert close(one.std_error, expected["se"], tolerance)
    assert close(one.df, expected["df"], tolerance)
    assert close(one.p_value, expected["p"], tolerance)
    assert robust.warnings == ()


@pytest.mark.realdata
@pytest.mark.parametrize("section", CART_SECTIONS)
def test_papers_of_the_cart_review_have_the_robust_error_of_clubsandwich(
    section: str, shared_reference: ReadReference
) -> None:
    reference = shared_reference("meta_modular_cart")["sections"][section]
    expected = reference["results"]["multilevel"]["CR2"]
    tolerance = reference["tolerance"]["iterative"]
    rows, paper = cart_rows(reference)
    levels = {"paper": paper, "row": list(rows.label)}
    (one,) = cluster_robust(fit_multilevel(rows, levels, intervals="none"), paper).coefficients
    assert close(one.std_error, expected["se"], tolerance)
    assert close(one.df, expected["df"], tolerance)
    assert close(one.p_value, expected["p"], tolerance)


def test_the_sandwich_is_its_definition() -> None:
    result = fitted()
    robust = cluster_robust(result, PAPER)
    scores = np.array([lever @ Y for lever in levers(working(result))])
    assert np.array(robust.covariance) == pytest.approx(scores.T @ scores, rel=1e-8)


def test_the_sandwich_is_unbiased_under_its_working_covariance() -> None:
    """Where no cluster is exhausted: with the intercept alone."""
    result = fit_multilevel(Rows.of(ROW, Y, V), {"paper": PAPER, "row": ROW}, intervals="none")
    outer, inner = (one.variance for one in result.components)
    covariance = outer * (GROUP[:, None] == GROUP) + np.diag(V + inner)
    rng = np.random.default_rng(5)
    root = np.linalg.cholesky(covariance)
    weight = np.linalg.inv(covariance).sum(axis=0)
    variance = 1 / weight.sum()
    forms = []
    for number in range(6):
        here = np.flatnonzero(np.equal(GROUP, number))
        own = covariance[np.ix_(here, here)]
        half = np.real(linalg.sqrtm(own))
        kept = half @ (own - variance) @ half
        adjust = half @ np.real(linalg.inv(linalg.sqrtm(kept))) @ half
        pull = np.zeros(13)
        pull[here] = variance * np.linalg.inv(own).sum(axis=0) @ adjust
        forms.append(pull - pull.sum() * variance * weight)
    draws = rng.standard_normal((20_000, 13)) @ root.T
    found = ((draws @ np.array(forms).T) ** 2).sum(axis=1)
    error = np.std(found) / len(found) ** 0.5
    assert np.mean(found) == pytest.approx(variance, abs=4 * error)
    robust = cluster_robust(result, PAPER).coefficients[0]
    # Satterthwaite: twice the squared mean over the variance of the sandwich.
    assert robust.df == pytest.approx(2 * np.mean(found) ** 2 / np.var(found), rel=0.05)


def test_degrees_of_freedom_come_from_the_variance_of_the_sandwich() -> None:
    result = fitted()
    covariance = working(result)
    parts = levers(covariance)
    robust = cluster_robust(result, PAPER)
    for number, one in enumerate(robust.coefficients):
        form = np.sum([np.outer(lever[number], lever[number]) for lever in parts], axis=0)
        product = form @ covariance
        # Mean and variance of a quadratic form of normal variables.
        expected = np.trace(product) ** 2 / np.trace(product @ product)
        assert one.df == pytest.approx(expected, rel=1e-8)
        assert one.std_error**2 == pytest.approx(Y @ form @ Y, rel=1e-8)
        tail = 2 * special.stdtr(expected, -abs(one.statistic))
        assert one.p_value == pytest.approx(tail, rel=1e-7)
        reach = special.stdtrit(expected, 0.975) * one.std_error
        assert (one.lower, one.upper) == pytest.approx(
            (one.estimate - reach, one.estimate + reach), rel=1e-7
        )


def test_several_coefficients_are_tested_by_the_approximate_hotelling_statistic() -> None:
    result = fitted()
    covariance = working(result)
    inner = np.linalg.inv(X.T @ np.linalg.inv(covariance) @ X)
    white = np.linalg.inv(np.linalg.cholesky(inner[1:, 1:]))
    parts = [white @ lever[1:] for lever in levers(covariance)]
    variance = 0.0
    for s in range(2):
        for t in range(2):
            form = np.sum([np.outer(part[s], part[t]) for part in parts], axis=0)
            product = (form + form.T) / 2 @ covariance
            variance += 2 * float(np.trace(product @ product))
    eta = 6 / variance
    joint = cluster_robust(result, PAPER).joint
    assert joint is not None
    assert joint.statistic is not None
    assert joint.terms == ("dose", "host")
    assert joint.df2 == pytest.approx(eta - 1, rel=1e-8)
    robust = np.array(cluster_robust(result, PAPER).covariance)[1:, 1:]
    some = np.array([one.estimate for one in result.coefficients[1:]])
    square = some @ np.linalg.solve(robust, some)
    assert joint.statistic == pytest.approx((eta - 1) / (2 * eta) * square, rel=1e-8)
    assert joint.p_value == pytest.approx(special.fdtrc(2, eta - 1, joint.statistic), rel=1e-8)


def test_one_coefficient_tested_jointly_is_its_t_test() -> None:
    robust = cluster_robust(fitted(), PAPER, terms=["dose"])
    dose = robust.coefficients[1]
    assert robust.joint is not None
    assert robust.joint.statistic == pytest.approx(dose.statistic**2, rel=1e-9)
    assert robust.joint.df2 == pytest.approx(dose.df, rel=1e-9)
    assert robust.joint.p_value == pytest.approx(dose.p_value, rel=1e-8)


def test_a_joint_test_does_not_depend_on_the_coding() -> None:
    lab = np.arange(13) % 3
    rows = Rows.of(ROW, Y, V)
    found = []
    for left_out in range(3):
        others = [one for one in range(3) if one != left_out]
        design = np.column_stack([np.ones(13), *(lab == one for one in others)])
        result = fit_multilevel(
            rows,
            {"paper": PAPER, "row": ROW},
            design=design,
            terms=["intercept", *(f"lab {one}" for one in others)],
            test="z",
            intervals="none",
        )
        joint = cluster_robust(result, PAPER).joint
        assert joint is not None
        found.append((joint.statistic, joint.df2, joint.p_value))
    assert found[1] == pytest.approx(found[0], rel=1e-5)
    assert found[2] == pytest.approx(found[0], rel=1e-5)


def test_equal_single_rows_give_the_t_test_of_a_mean() -> None:
    rows = Rows.of(ROW, Y, np.full(13, 0.05))
    robust = cluster_robust(fit_multilevel(rows, {"row": ROW}, intervals="none"), ROW)
    (one,) = robust.coefficients
    assert one.std_error == pytest.approx(Y.std(ddof=1) / 13**0.5, rel=1e-10)
    assert one.df == pytest.approx(12, rel=1e-10)


def test_order_and_names_do_not_matter() -> None:
    order = np.random.default_rng(8).permutation(13)
    first = cluster_robust(fitted(), PAPER)
    paper = [f"{PAPER[i][1]}x" for i in order]
    result = fit_multilevel(
        Rows.of([ROW[i] for i in order], Y[order], V[order]),
        {"paper": paper, "row": [ROW[i] for i in order]},
        covariance=correlated_covariance(V[order], paper, rho=0.3),
        design=X[order],
        terms=TERMS,
        test="z",
        intervals="none",
    )
    for a, b in zip(first.coefficients, cluster_robust(result, paper).coefficients, strict=True):
        assert (b.estimate, b.std_error, b.df) == pytest.approx(
            (a.estimate, a.std_error, a.df), rel=1e-6
        )


def test_clusters_may_hold_more_than_the_model_ties_together() -> None:
    result = fit_multilevel(Rows.of(ROW, Y, V), {"row": ROW}, intervals="none")
    wide = cluster_robust(result, PAPER)
    assert wide.clusters == 6
    assert wide.coefficients[0].estimate == result.coefficients[0].estimate
    narrow = cluster_robust(result, ROW)
    assert wide.coefficients[0].std_error > narrow.coefficients[0].std_error


def test_few_degrees_of_freedom_are_told() -> None:
    robust = cluster_robust(fitted(), PAPER)
    assert all((one.df or 0) < 4 for one in robust.coefficients)
    (warning,) = robust.warnings
    assert warning.code == "few_df"
    assert "intercept (" in warning.message
    assert "the joint test" in warning.message


def test_a_coefficient_that_rests_on_one_row_has_no_robust_error() -> None:
    alone = np.array([float(paper == "p2") for paper in PAPER])
    result = fit_multilevel(
        Rows.of(ROW, Y, V),
        {"paper": PAPER},
        design=np.column_stack([alone, 1 - alone]),
        terms=["p2", "others"],
        test="z",
        intervals="none",
    )
    robust = cluster_robust(result, PAPER)
    first, second = robust.coefficients
    assert first.std_error == pytest.approx(0, abs=1e-7)
    assert first.df is None
    assert np.isnan(first.p_value)
    assert second.df is not None
    assert second.df > 2
    (warning,) = robust.warnings
    assert "p2 (none)" in warning.message
    assert robust.joint is not None
    assert robust.joint.p_value is None


def test_clusters_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(DataError, match="two or more clusters"):
        cluster_robust(fitted(), ["all"] * 13)
    with pytest.raises(DataError, match=r"rows 1 and 2 apart"):
        cluster_robust(fitted(), ROW)
    with pytest.raises(InputError, match="one cluster for each of the 13 rows"):
        cluster_robust(fitted(), PAPER[1:])
    with pytest.raises(InputError, match=r"terms out of intercept, dose, host.*lab"):
        cluster_robust(fitted(), PAPER, terms=["lab"])


def test_a_result_becomes_plain_fields() -> None:
    made = cluster_robust(fitted(), PAPER).to_dict()
    joint = made["joint"]
    assert isinstance(joint, dict)
    assert joint["terms"] == ["dose", "host"]
