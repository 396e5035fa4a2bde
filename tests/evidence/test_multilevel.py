"""Multilevel models against metafor, closed forms, dense matrices, and under rearrangement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import mixed_fit
from oncovivo.evidence.meta.known_covariance import (
    KnownCovariance,
    correlated_covariance,
    independent_covariance,
    shared_control_covariance,
)
from oncovivo.evidence.meta.mixed_likelihood import (
    Component,
    MixedMethod,
    evaluate,
    log_likelihood,
    mixed_model,
)
from oncovivo.evidence.meta.multilevel import fit_multilevel, random_levels
from oncovivo.evidence.meta.pooling import pool
from oncovivo.evidence.meta.types import Rows
from oncovivo.numerics.trust_region import minimize
from tests.evidence.meta_references import CART_SECTIONS, besson, cart_rows, close

FloatArray: TypeAlias = NDArray[np.float64]
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

PAPER = ["p1", "p1", "p1", "p2", "p3", "p3", "p4", "p4", "p4", "p4", "p5", "p6", "p6"]
ROW = [f"r{i}" for i in range(13)]
Y = np.array([-0.9, -0.7, -1.1, 0.2, -0.4, -0.1, -1.3, -0.8, -1.9, -1.2, -0.6, 0.1, -0.2])
V = np.array([0.09, 0.05, 0.11, 0.2, 0.07, 0.08, 0.15, 0.04, 0.3, 0.12, 0.06, 0.09, 0.1])
DOSE = np.array([1.0, 2, 4, 1, 1, 2, 2, 3, 5, 4, 2, 1, 1])


small = partial(fit_multilevel, Rows.of(ROW, Y, V), {"paper": PAPER, "row": ROW})


def known_blocks() -> KnownCovariance:
    return correlated_covariance(V, PAPER, rho=0.4)


def dense_likelihood(
    covariance: FloatArray, y: FloatArray, x: FloatArray, method: MixedMethod
) -> float:
    """Log-likelihood by its definition, with the matrix of all rows."""
    inverse = np.linalg.inv(covariance)
    information = x.T @ inverse @ x
    rest = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    value = np.linalg.slogdet(covariance)[1] + rest @ inverse @ rest
    free = y.size
    if method == "REML":
        free -= x.shape[1]
        value += np.linalg.slogdet(information)[1]
    return -0.5 * float(value + free * np.log(2 * np.pi))


@pytest.mark.realdata
def test_besson_is_pooled_as_by_metafor(
    shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference("meta_besson2016")["sections"]["80_multilevel"]
    tolerance, expected = section["tolerance"]["mv"], section["results"]["main"]
    rows, table = besson(shared_data("meta_besson2016/dat_besson2016.csv"))
    assert len(rows) == section["results"]["n"]
    levels = {name: [row[f"{name}_ID"] for row in table] for name in ("study", "comp")}
    result = fit_multilevel(rows, levels, test="z", intervals="none")
    (one,) = result.coefficients
    for value, name in (
        (one.estimate, "estimate"),
        (one.std_error, "se"),
        (one.statistic, "zval"),
        (one.p_value, "pval"),
        (one.lower, "ci.lb"),
        (one.upper, "ci.ub"),
    ):
        assert close(value, expected["coef"][name][0], tolerance)
    for component, variance, groups in zip(
        result.components, expected["sigma2"], expected["levels"], strict=True
    ):
        assert close(component.variance, variance, tolerance)
        assert component.groups == groups
    # Closed form, and a maximum: both agree far better than the variances.
    assert result.qe == pytest.approx(expected["QE"], rel=1e-10)
    assert result.log_likelihood == pytest.approx(expected["logLik"], abs=1e-7)
    assert result.aic == pytest.approx(expected["AIC"], abs=1e-6)
    # Newton steps arrive in a few evaluations, and no matrix is larger than a study.
    assert result.fit.evaluations <= 12
    assert max(stack.rows.shape[1] for stack in result.fit.model.stacks) <= 48


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("section", "column", "first"),
    [
        ("by_behaviour", "our_behaviour_classification", "ACTIVITY"),
        ("by_manipulation", "manip_type", "intercept"),
    ],
)
def test_moderators_of_besson_are_those_of_metafor(
    section: str, column: str, first: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    reference = shared_reference("meta_besson2016")["sections"]["80_multilevel"]
    tolerance, expected = reference["tolerance"]["mv"], reference["results"][section]
    rows, table = besson(shared_data("meta_besson2016/dat_besson2016.csv"))
    values = sorted({row[column] for row in table})
    design = np.array([[float(row[column] == value) for value in values] for row in table])
    if first == "intercept":
        design[:, 0] = 1.0
    result = fit_multilevel(
        rows,
        {name: [row[f"{name}_ID"] for row in table] for name in ("study", "comp")},
        design=design,
        terms=[first, *values[1:]],
        test="z",
        intervals="none",
    )
    for number, one in enumerate(result.coefficients):
        assert close(one.estimate, expected["coef"]["estimate"][number], tolerance)
        assert close(one.std_error, expected["coef"]["se"][number], tolerance)
        assert close(one.p_value, expected["coef"]["pval"][number], tolerance)
    assert close(result.qm, expected["QM"], tolerance)
    assert close(result.qm_p_value, expected["QMp"], tolerance)
    assert result.qe == pytest.approx(expected["QE"], rel=1e-10)
    assert result.log_likelihood == pytest.approx(expected["logLik"], abs=1e-7)


@pytest.mark.realdata
def test_shared_controls_of_besson_take_variance_from_the_rows(shared_data: ReadData) -> None:
    rows, table = besson(shared_data("meta_besson2016/dat_besson2016.csv"))
    facts = ("con_ID", "response_test", "measure", "con_mean", "con_n")
    animals = {name: [float(row[name]) for row in table] for name in ("exp_n", "con_n")}
    known = shared_control_covariance(
        "SMD",
        ["|".join(row[name] for name in facts) for row in table],
        vi=rows.vi,
        yi=rows.yi,
        n_treated=animals["exp_n"],
        n_control=animals["con_n"],
    )
    # 45 controls of three rows, 21 of two, 13 of four and one of eight.
    assert sorted(block.rows.size for block in known.blocks) == [2] * 21 + [3] * 45 + [4] * 13 + [
        8
    ]
    study = [row["study_ID"] for row in table]
    levels = {"study": study, "comp": list(rows.label)}
    result = fit_multilevel(rows, levels, covariance=known, intervals="none")
    alone = fit_multilevel(rows, levels, intervals="none")
    assert result.components[1].variance < 0.7 * alone.components[1].variance
    same = np.array(study)[:, None] == np.array(study)
    outer, inner = (one.variance for one in result.components)
    whole = known.matrix() + outer * same + inner * np.eye(len(rows))
    x = np.ones((len(rows), 1))
    dense = dense_likelihood(whole, rows.yi, x, "REML") + 0.5 * np.log(len(rows))
    assert result.log_likelihood == pytest.approx(dense, rel=1e-11)


@pytest.mark.realdata
@pytest.mark.parametrize("section", CART_SECTIONS)
def test_papers_of_the_cart_review_are_nested_as_by_metafor(
    section: str, shared_reference: ReadReference
) -> None:
    reference = shared_reference("meta_modular_cart")["sections"][section]
    tolerance, expected = reference["tolerance"]["iterative"], reference["results"]["multilevel"]
    rows, paper = cart_rows(reference)
    result = fit_multilevel(rows, {"paper": paper, "row": rows.label}, intervals="none")
    assert close(result.coefficients[0].estimate, expected["estimate"], tolerance)
    assert close(result.coefficients[0].std_error, expected["se"], tolerance)
    for component, variance in zip(result.components, expected["sigma2"], strict=True):
        assert close(component.variance, variance, tolerance)
    assert result.log_likelihood == pytest.approx(expected["logLik"], abs=1e-7)
    assert result.qe == pytest.approx(expected["QE"], rel=1e-10)


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_blocks_give_the_likelihood_and_derivatives_of_the_whole_matrix(
    method: MixedMethod,
) -> None:
    known = known_blocks()
    group = np.unique(PAPER, return_inverse=True)[1].astype(np.intp)
    outcome = np.array([0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1], dtype=np.intp)
    tables = np.array([[[1.0, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]])
    alone = Component(
        group=np.arange(13), outcome=np.zeros(13, dtype=np.intp), tables=np.ones((1, 1, 1))
    )
    x = np.column_stack([np.ones(13), DOSE])
    model = mixed_model(
        Y, x, known, [Component(group=group, outcome=outcome, tables=tables), alone]
    )
    phi = np.array([0.3, 0.1, 0.25, 0.05])

    def dense(at: FloatArray) -> float:
        between = np.array([[at[0], at[1]], [at[1], at[2]]])
        same = group[:, None] == group
        whole = known.matrix() + same * between[np.ix_(outcome, outcome)] + at[3] * np.eye(13)
        return dense_likelihood(whole, Y, x, method)

    found = evaluate(model, phi, method)
    assert found is not None
    assert found.value == pytest.approx(dense(phi), rel=1e-12)
    assert log_likelihood(model, phi, method) == pytest.approx(dense(phi), rel=1e-12)
    # Central differences with steps of 1e-4 are good to about 1e-7 of numbers up to 100.
    step = 1e-4 * np.eye(4)
    slope = [(dense(phi + one) - dense(phi - one)) / 2e-4 for one in step]
    assert found.gradient == pytest.approx(np.array(slope), rel=1e-5, abs=1e-6)
    bend = [
        [
            (dense(phi + a + b) - dense(phi + a - b) - dense(phi - a + b) + dense(phi - a - b))
            / 4e-8
            for a in step
        ]
        for b in step
    ]
    assert found.hessian == pytest.approx(np.array(bend), rel=1e-4, abs=1e-4)


def test_large_papers_have_the_likelihood_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(9)
    group = np.repeat([0, 1, 2], [140, 3, 37]).astype(np.intp)
    y, v = rng.standard_normal(180), rng.uniform(0.1, 1, 180)
    x = np.column_stack([np.ones(180), rng.standard_normal(180)])
    paper = Component(group=group, outcome=np.zeros(180, dtype=np.intp), tables=np.ones((1, 1, 1)))
    model = mixed_model(y, x, independent_covariance(v), [paper])
    assert sorted(stack.rows.shape[1] for stack in model.stacks) == [3, 48, 140]
    found = evaluate(model, np.array([0.4]), "REML")
    assert found is not None
    whole = np.diag(v) + 0.4 * (group[:, None] == group)
    assert found.value == pytest.approx(dense_likelihood(whole, y, x, "REML"), rel=1e-12)
    inverse = np.linalg.inv(whole)
    inner = np.linalg.inv(x.T @ inverse @ x)
    assert found.covariance == pytest.approx(inner, rel=1e-9)
    off = inverse - inverse @ x @ inner @ x.T @ inverse
    assert found.projected_trace == pytest.approx(np.trace(off), rel=1e-11)


def test_a_search_that_does_not_arrive_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed_fit, "minimize", partial(minimize, most=1))
    result = small(intervals="none")
    assert not result.converged
    assert "not_converged" in [warning.code for warning in result.warnings]


def test_numbers_too_far_apart_are_refused() -> None:
    levels = {"paper": ["p", "p", "q", "q"], "row": list("abcd")}
    y, v = np.array([0.1, 0.2, 0.3, 0.5]), np.array([0.1, 0.2, 0.1, 0.3])
    for yi, vi in (
        (y, v * [1e-250, 1, 1e250, 1]),
        (y * 1e200, v * 1e200),
        (y, v * 1e-90),
    ):
        with pytest.raises(DataError, match="numbers too far apart"):
            fit_multilevel(Rows.of(list("abcd"), yi, vi), levels)
    wide = Rows.of(list("abcd"), y, v * [1e-20, 1, 1e20, 1])
    assert fit_multilevel(wide, levels, intervals="none").converged
    # A moderator whose columns differ by rounding only is nearly collinear.
    design = np.column_stack([np.ones(13), np.ones(13) + 2e-15 * np.arange(13)])
    with pytest.raises((DataError, InputError)):
        small(design=design, terms=["intercept", "dose"])


def test_a_variance_that_a_moderator_takes_up_has_no_upper_limit() -> None:
    half = ["a"] * 6 + ["b"] * 7
    result = fit_multilevel(
        Rows.of(ROW, Y, V),
        {"half": half, "row": ROW},
        design=np.column_stack([np.ones(13), np.arange(13) < 6]),
        terms=["intercept", "half"],
        test="z",
    )
    assert (result.components[0].lower, result.components[0].upper) == (0, None)
    assert result.components[1].upper is not None


def test_no_covariance_has_no_likelihood() -> None:
    alone = Component(
        group=np.arange(13), outcome=np.zeros(13, dtype=np.intp), tables=np.ones((1, 1, 1))
    )
    model = mixed_model(Y, np.ones((13, 1)), independent_covariance(V), [alone])
    assert evaluate(model, np.array([-0.05]), "REML") is None
    assert log_likelihood(model, np.array([-0.05]), "REML") is None


def test_a_balanced_design_gives_the_estimators_of_the_analysis_of_variance() -> None:
    y = np.array([[-1.2, -0.8, -1.5], [0.1, 0.5, -0.3], [-0.9, 0.2, -0.4], [-2.0, -1.1, -1.4]])
    v = 0.02
    within = y.var(axis=1, ddof=1).mean()
    between = 3 * y.mean(axis=1).var(ddof=1)
    paper = [f"p{i}" for i in range(4) for _ in range(3)]
    label = [f"r{i}" for i in range(12)]
    rows = Rows.of(label, y.ravel(), np.full(12, v))
    result = fit_multilevel(rows, {"paper": paper, "row": label}, intervals="none")
    outer, inner = result.components
    # Newton's last step leaves an error of about the square of 1e-5.
    assert inner.variance == pytest.approx(within - v, rel=1e-8)
    assert outer.variance == pytest.approx((between - within) / 3, rel=1e-8)
    (one,) = result.coefficients
    assert one.estimate == pytest.approx(y.mean(), rel=1e-12)
    assert one.std_error == pytest.approx((between / 12) ** 0.5, rel=1e-8)
    assert one.df == 3
    # The t test is then that of the four papers' means.
    reach = special.stdtrit(3, 0.975) * (y.mean(axis=1).var(ddof=1) / 4) ** 0.5
    assert one.upper - one.estimate == pytest.approx(reach, rel=1e-8)
    by_ml = fit_multilevel(rows, {"paper": paper, "row": label}, method="ML", intervals="none")
    assert by_ml.components[0].variance == pytest.approx((between * 3 / 4 - within) / 3, rel=1e-8)


def test_one_level_of_single_rows_is_the_random_effects_model() -> None:
    rows = Rows.of(ROW, Y, V)
    result = fit_multilevel(rows, {"row": ROW}, intervals="none")
    pooled = pool(rows, test="t")
    (one,) = result.coefficients
    assert one.estimate == pytest.approx(pooled.estimate, rel=1e-8)
    assert one.std_error == pytest.approx(pooled.std_error, rel=1e-8)
    assert one.p_value == pytest.approx(pooled.p_value, rel=1e-7)
    assert result.components[0].variance == pytest.approx(pooled.tau2, rel=1e-7)
    assert result.i2 == pytest.approx(pooled.i2, rel=1e-7)
    assert result.qe == pytest.approx(pooled.q, rel=1e-12)
    assert result.qe_p_value == pytest.approx(pooled.q_p_value, rel=1e-10)
    assert result.log_likelihood == pytest.approx(pooled.log_likelihood, abs=1e-10)
    assert (result.pi_lower, result.pi_upper) == pytest.approx(
        (pooled.pi_lower, pooled.pi_upper), rel=1e-7
    )


def test_profile_limits_are_where_the_profile_has_fallen_by_half_the_quantile() -> None:
    result = small(
        covariance=known_blocks(),
        design=np.column_stack([np.ones(13), DOSE]),
        terms=["intercept", "dose"],
    )
    group = np.unique(PAPER, return_inverse=True)[1]
    x = np.column_stack([np.ones(13), DOSE])

    def profile(which: int, fixed: float) -> float:
        """Highest likelihood with one variance fixed, by a search over dense matrices."""

        def negative(other: float) -> float:
            outer, inner = (fixed, other) if which == 0 else (other, fixed)
            whole = known_blocks().matrix() + outer * (group[:, None] == group)
            return -dense_likelihood(whole + inner * np.eye(13), Y, x, "REML")

        found = optimize.minimize_scalar(
            negative, bounds=(0, 5), method="bounded", options={"xatol": 1e-10}
        )
        return -min(float(found.fun), negative(0.0))

    top = max(profile(0, one.variance) for one in result.components[:1])
    for which, one in enumerate(result.components):
        assert one.lower is not None
        assert one.upper is not None
        assert one.lower <= one.variance < one.upper
        assert top - profile(which, one.upper) == pytest.approx(1.920729410347062, abs=1e-5)
        if one.lower > 0:
            assert top - profile(which, one.lower) == pytest.approx(1.920729410347062, abs=1e-5)
        else:
            assert top - profile(which, 0.0) < 1.9207294


def test_shares_of_the_levels_sum_to_the_heterogeneity() -> None:
    result = small(intervals="none")
    weight = 1 / V
    typical = 12 / (weight.sum() - (weight**2).sum() / weight.sum())
    total = sum(one.variance for one in result.components) + typical
    for one in result.components:
        assert one.i2 == pytest.approx(100 * one.variance / total, rel=1e-10)
    assert result.i2 == pytest.approx(sum(one.i2 or 0 for one in result.components), rel=1e-12)


def test_prediction_intervals_hold_all_levels() -> None:
    for result, quantile in (
        (small(intervals="none"), special.stdtrit(4, 0.975)),
        (small(intervals="none", prediction="test"), special.stdtrit(5, 0.975)),
        (small(intervals="none", prediction="test", test="z"), special.ndtri(0.975)),
    ):
        (one,) = result.coefficients
        total = one.std_error**2 + sum(part.variance for part in result.components)
        assert result.pi_upper == pytest.approx(one.estimate + quantile * total**0.5, rel=1e-12)
        assert result.pi_lower == pytest.approx(one.estimate - quantile * total**0.5, rel=1e-12)


def test_two_groups_leave_no_prediction_by_t_of_the_groups_less_two() -> None:
    half = ["a"] * 6 + ["b"] * 7
    result = fit_multilevel(Rows.of(ROW, Y, V), {"half": half, "row": ROW}, intervals="none")
    assert (result.pi_lower, result.pi_upper) == (None, None)
    assert result.coefficients[0].df == 1
    assert [one.code for one in result.warnings if one.code == "few_df"] == ["few_df"]


def test_degrees_of_freedom_are_the_groups_within_which_a_column_does_not_vary() -> None:
    host = np.array([{"p1": 0.0, "p2": 0, "p3": 1, "p4": 1, "p5": 0, "p6": 1}[p] for p in PAPER])
    design = np.column_stack([np.ones(13), host, DOSE])
    result = small(design=design, terms=["intercept", "host", "dose"], intervals="none")
    # Six papers for the first two, 13 rows for the dose, less three coefficients.
    assert [one.df for one in result.coefficients] == [3, 3, 10]
    assert result.tested == ("host", "dose")
    assert (result.qm_df, result.qm_df2) == (2, 3)
    covariance = np.array(result.covariance)[1:, 1:]
    some = np.array([one.estimate for one in result.coefficients[1:]])
    ratio = some @ np.linalg.solve(covariance, some) / 2
    assert result.qm == pytest.approx(ratio, rel=1e-10)
    assert result.qm_p_value == pytest.approx(special.fdtrc(2, 3, ratio), rel=1e-10)
    assert (result.pi_lower, result.pi_upper) == (None, None)


def test_a_column_that_varies_within_no_grouping_counts_rows() -> None:
    """Without a level of rows, the degrees of freedom are those of the residuals."""
    design = np.column_stack([np.ones(13), DOSE])
    result = fit_multilevel(
        Rows.of(ROW, Y, V),
        {"paper": PAPER},
        design=design,
        terms=["intercept", "dose"],
        intervals="none",
    )
    assert [one.df for one in result.coefficients] == [4, 11]


def test_the_order_and_names_of_rows_and_papers_do_not_matter() -> None:
    known = known_blocks()
    order = np.random.default_rng(3).permutation(13)
    first = fit_multilevel(Rows.of(ROW, Y, V), {"paper": PAPER, "row": ROW}, covariance=known)
    renamed = [f"study {ord(PAPER[i][1]) * 7 % 11}" for i in order]
    second = fit_multilevel(
        Rows.of([f"x{i}" for i in order], Y[order], V[order]),
        {"paper": renamed, "row": [f"x{i}" for i in order]},
        covariance=correlated_covariance(V[order], renamed, rho=0.4),
    )
    assert second.coefficients[0].estimate == pytest.approx(
        first.coefficients[0].estimate, rel=1e-9
    )
    assert second.log_likelihood == pytest.approx(first.log_likelihood, rel=1e-11)
    for a, b in zip(first.components, second.components, strict=True):
        assert (a.groups, a.name) == (b.groups, b.name)
        assert (b.variance, b.lower, b.upper) == pytest.approx(
            (a.variance, a.lower, a.upper), rel=1e-5, abs=1e-6
        )


@pytest.mark.parametrize("factor", [1e-4, 7.0, 1e5])
def test_units_scale_everything(factor: float) -> None:
    first = small()
    second = fit_multilevel(
        Rows.of(ROW, factor * Y + 3 * factor, factor**2 * V), {"paper": PAPER, "row": ROW}
    )
    a, b = first.coefficients[0], second.coefficients[0]
    assert b.estimate / factor - 3 == pytest.approx(a.estimate, rel=1e-8)
    assert b.std_error / factor == pytest.approx(a.std_error, rel=1e-8)
    for one, other in zip(first.components, second.components, strict=True):
        assert other.variance / factor**2 == pytest.approx(one.variance, rel=1e-7)
        assert other.upper is not None
        assert other.upper / factor**2 == pytest.approx(one.upper, rel=1e-5)


def test_inner_groups_of_one_name_in_two_papers_are_two() -> None:
    twice = ["a", "b", "c"] * 4 + ["a"]
    result = fit_multilevel(Rows.of(ROW, Y, V), {"paper": PAPER, "line": twice}, intervals="none")
    assert [one.groups for one in result.components] == [6, 12]


def test_known_covariance_changes_the_result() -> None:
    alone, shared = small(intervals="none"), small(intervals="none", covariance=known_blocks())
    assert shared.coefficients[0].std_error != pytest.approx(
        alone.coefficients[0].std_error, rel=1e-3
    )
    assert "0.4" in shared.covariance_formula
    assert alone.covariance_formula == "independent rows"


def test_rows_that_agree_better_than_expected_have_no_variance() -> None:
    rows = Rows.of(ROW, 0.01 * Y, V)
    result = fit_multilevel(rows, {"paper": PAPER, "row": ROW})
    assert [one.variance for one in result.components] == [0, 0]
    assert [one.lower for one in result.components] == [0, 0]
    assert [warning.code for warning in result.warnings] == ["zero_variance"]
    assert result.coefficients[0].std_error == pytest.approx((1 / V).sum() ** -0.5, rel=1e-10)


def test_a_result_becomes_plain_fields() -> None:
    made = small(intervals="none").to_dict()
    assert "fit" not in made
    assert made["k"] == 13
    components = made["components"]
    assert isinstance(components, list)
    assert components[0]["name"] == "paper"


def test_levels_are_read_from_the_outermost_inward() -> None:
    columns = {"row": ROW, "lab": ["x"] * 13, "paper": PAPER}
    assert list(random_levels("paper / row", columns).items()) == [("paper", PAPER), ("row", ROW)]
    assert list(random_levels("row", columns)) == ["row"]
    for wrong in ("paper/line", "paper/paper", "", "paper/", "paper+row"):
        with pytest.raises(InputError, match="different columns out of row, lab, paper"):
            random_levels(wrong, columns)


def test_what_cannot_be_fitted_is_refused() -> None:
    rows = Rows.of(ROW, Y, V)
    with pytest.raises(InputError, match="at least one level"):
        fit_multilevel(rows, {})
    with pytest.raises(InputError, match="one paper for each of the 13 rows"):
        fit_multilevel(rows, {"paper": PAPER[1:]})
    with pytest.raises(DataError, match="two or more groups of the level lab"):
        fit_multilevel(rows, {"lab": ["x"] * 13, "row": ROW})
    with pytest.raises(DataError, match="study and row with the same 13 groups"):
        fit_multilevel(rows, {"study": ROW, "row": ROW})
    with pytest.raises(DataError, match="more rows than the 1 coefficients"):
        fit_multilevel(Rows.of(["a"], [1.0], [1.0]), {"row": ["a"]})
    with pytest.raises(InputError, match="columns a, b that repeat each other or never change"):
        small(design=np.ones((13, 2)), terms=["a", "b"])
    with pytest.raises(InputError, match="one name for each of the 2 columns"):
        small(design=np.column_stack([np.ones(13), DOSE]))
    with pytest.raises(InputError, match="a design of 13 rows"):
        small(design=np.ones((12, 1)))
    with pytest.raises(InputError, match=r"r4: expected a finite design"):
        small(design=np.where(np.arange(13) == 4, np.nan, 1.0)[:, None])
    with pytest.raises(InputError, match="a sampling covariance of the 13 rows"):
        small(covariance=independent_covariance(V[1:]))
    with pytest.raises(InputError, match=r"row r2: expected .* the rows' own variances"):
        small(covariance=independent_covariance(np.where(np.arange(13) == 2, 9.0, V)))
    with pytest.raises(DataError, match="more groups than the 2 coefficients"):
        fit_multilevel(
            rows,
            {"half": ["a"] * 6 + ["b"] * 7, "row": ROW},
            design=np.column_stack([np.ones(13), np.arange(13) < 6]),
            terms=["intercept", "half"],
        )
