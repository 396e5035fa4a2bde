"""What faults planted in pooling, regression, levels, clusters and bias tests would change.

Each of these tests fails for a fault of one line that all other tests let through.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from oncovivo.errors import InputError
from oncovivo.evidence.meta.bias import egger_test, pet_peese
from oncovivo.evidence.meta.effect_sizes import baseline_adjusted_log_ratio, log_ratio_from_tgi
from oncovivo.evidence.meta.known_covariance import independent_covariance
from oncovivo.evidence.meta.mixed_fit import profile_limits
from oncovivo.evidence.meta.multilevel import fit_multilevel, fit_multivariate
from oncovivo.evidence.meta.pooling import pool, pool_many
from oncovivo.evidence.meta.regression import fit_regression, predict_effects
from oncovivo.evidence.meta.robust import cluster_robust
from oncovivo.evidence.meta.two_groups import TwoGroups
from oncovivo.evidence.meta.types import Rows, Test


def rows_of(yi: list[float], vi: list[float]) -> Rows:
    return Rows.of([f"r{number}" for number in range(len(yi))], yi, vi)


AGREEING = rows_of([-0.50, -0.51, -0.49, -0.52, -0.48], [0.02] * 5)
FEW = rows_of([-0.2, -0.5, -0.9], [0.04, 0.05, 0.06])


def test_rows_that_agree_have_no_share_of_heterogeneity_with_equal_effects() -> None:
    result = pool(AGREEING, method="EE")
    assert result.q is not None
    assert result.q < result.q_df
    assert result.i2 == 0


def test_identical_rows_below_zero_lie_infinitely_far_below_it() -> None:
    many = pool_many([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]], np.full((2, 3), 0.1))
    assert many.statistic.tolist() == [-math.inf, math.inf]


def test_the_shortened_error_is_told_as_a_share_of_that_of_z() -> None:
    short, plain = pool(AGREEING), pool(AGREEING, test="z")
    (told,) = [one for one in short.warnings if one.code == "shrunk_error"]
    assert f"to {short.std_error / plain.std_error:.3g} of those of z" in told.message


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("knapp-hartung", "few_df"),
        ("knapp-hartung-floor", "few_df"),
        ("t", "few_df"),
        ("z", "few_rows"),
    ],
)
def test_only_z_takes_the_variance_of_few_rows_as_known(test: Test, code: str) -> None:
    found = {one.code for one in pool(FEW, test=test).warnings}
    assert found & {"few_df", "few_rows"} == {code}


def test_limits_follow_the_level_asked_for() -> None:
    z = float(special.ndtri(0.9))
    single = pool(rows_of([0.3], [0.04]), level=0.8)
    assert single.upper == pytest.approx(0.3 + z * 0.2, rel=1e-12)
    many = pool(FEW, test="z", prediction="test", level=0.8)
    assert many.tau2 is not None
    assert many.pi_upper == pytest.approx(
        many.estimate + z * math.sqrt(many.tau2 + many.std_error**2), rel=1e-12
    )


def line() -> tuple[Rows, dict[str, list[float]]]:
    yi = [0.1, 0.9, -0.2, 0.4, 1.1, 0.3, -0.6, 0.8]
    vi = [0.02, 0.05, 0.03, 0.08, 0.04, 0.02, 0.06, 0.03]
    dose = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    day = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    return rows_of(yi, vi), {"dose": dose, "day": day}


def test_several_moderators_are_tested_by_f() -> None:
    rows, moderators = line()
    result = fit_regression(rows, moderators)
    estimate = np.array([one.estimate for one in result.coefficients[1:]])
    part = np.array(result.covariance)[1:, 1:]
    f = float(estimate @ np.linalg.solve(part, estimate)) / 2
    assert result.qm == pytest.approx(f, rel=1e-9)
    assert (result.qm_df, result.qm_df2) == (2, 5)
    assert result.qm_p_value == pytest.approx(float(special.fdtrc(2, 5, f)), rel=1e-9)


def test_a_regression_with_equal_effects_has_no_share_below_zero() -> None:
    rows = rows_of([0.10, 0.21, 0.29, 0.41, 0.50], [0.05] * 5)
    result = fit_regression(rows, {"dose": [1, 2, 3, 4, 5]}, method="EE")
    assert result.qe < result.qe_df
    assert result.i2 == 0


def test_a_moderator_that_tells_nothing_takes_no_variance_away() -> None:
    rows = rows_of([0.1, 0.9, 0.9, 0.1, 0.1, 0.9], [0.01] * 6)
    result = fit_regression(rows, {"dose": [1, 1, 2, 2, 3, 3]})
    before = pool(rows)
    assert before.tau2 is not None
    assert result.tau2 > before.tau2
    assert result.r2_pct == 0


def test_limits_of_a_regression_follow_the_level_asked_for() -> None:
    rows, moderators = line()
    at = {"dose": moderators["dose"]}
    wide, narrow = (fit_regression(rows, at, test="z", level=level) for level in (0.95, 0.8))
    z = float(special.ndtri(0.9))
    (there,) = predict_effects(narrow, [[1, 4]]).upper - predict_effects(narrow, [[1, 4]]).estimate
    (error,) = predict_effects(narrow, [[1, 4]]).std_error
    assert there == pytest.approx(z * error, rel=1e-12)
    assert wide.tau2_upper is not None
    assert narrow.tau2_upper is not None
    assert narrow.tau2_upper < wide.tau2_upper


def test_weights_of_a_regression_hold_the_variance_between_rows() -> None:
    rows, moderators = line()
    result = fit_regression(rows, {"dose": moderators["dose"]})
    weight = 1 / (rows.vi + result.tau2)
    assert result.tau2 > 0
    assert [one.weight for one in result.rows] == pytest.approx(weight / weight.sum(), rel=1e-12)


@pytest.mark.parametrize(("papers", "codes"), [(4, {"few_df"}), (5, set())])
def test_papers_less_one_below_four_are_flagged(papers: int, codes: set[str]) -> None:
    yi = [0.1 * row + 0.5 * (row // 2 % 2) for row in range(2 * papers)]
    paper = [str(row // 2) for row in range(2 * papers)]
    result = fit_multilevel(rows_of(yi, [0.01] * len(yi)), {"paper": paper}, intervals="none")
    assert result.coefficients[0].df == papers - 1
    assert {one.code for one in result.warnings} == codes


def test_coefficients_count_in_the_information_criterion() -> None:
    yi = [0.1, 0.3, 0.9, 1.1, 0.5, 0.4, 0.2, 0.6]
    paper = ["p", "p", "q", "q", "r", "r", "s", "s"]
    design = np.column_stack((np.ones(8), [0, 1] * 4))
    result = fit_multilevel(
        rows_of(yi, [0.02] * 8),
        {"paper": paper},
        design=design,
        terms=["intercept", "late"],
        intervals="none",
    )
    # One variance and two coefficients.
    assert result.aic == pytest.approx(-2 * result.log_likelihood + 6, rel=1e-12)


def nested() -> tuple[Rows, dict[str, list[str]]]:
    yi = [-1.6, -0.9, -1.9, 0.4, 1.1, 0.2, -0.5, 0.3, -0.2, 1.6, 0.8, 1.9]
    paper = [name for name in "abcd" for _ in range(3)]
    rows = rows_of(yi, [0.02, 0.04, 0.03] * 4)
    return rows, {"paper": paper, "row": list(rows.label)}


def test_predictions_hold_the_variance_of_every_level() -> None:
    rows, levels = nested()
    result = fit_multilevel(rows, levels, intervals="none")
    outer, inner = (one.variance for one in result.components)
    assert min(outer, inner) > 0.05
    (one,) = result.coefficients
    assert result.pi_upper == pytest.approx(
        one.estimate
        + float(special.stdtrit(2, 0.975)) * math.sqrt(one.std_error**2 + outer + inner),
        rel=1e-12,
    )


def test_rows_without_residuals_leave_no_test_of_the_moderators() -> None:
    result = fit_regression(rows_of([0.0] * 5, [0.02] * 5), {"dose": [1, 2, 3, 4, 5]})
    assert (result.qm, result.qm_df2, result.qm_p_value) == (None, None, None)


def test_a_sampling_covariance_with_other_variances_is_refused() -> None:
    rows, levels = nested()
    known = independent_covariance(1.01 * rows.vi)
    with pytest.raises(InputError, match=r"row r0: .*with the rows' own variances"):
        fit_multilevel(rows, levels, covariance=known, intervals="none")


def test_a_constant_that_is_not_the_mean_predicts_nothing() -> None:
    rows, levels = nested()
    design = np.full((len(rows), 1), 2.0)
    result = fit_multilevel(rows, levels, design=design, terms=["twice"], intervals="none")
    assert (result.pi_lower, result.pi_upper) == (None, None)


def test_an_inhibition_of_100_percent_has_no_logarithm() -> None:
    with pytest.raises(InputError, match="below 100 %, found 100"):
        log_ratio_from_tgi([60.0, 100.0], [8.0, 5.0])


def test_limits_of_the_levels_follow_the_level_asked_for() -> None:
    rows, levels = nested()
    wide, narrow = (fit_multilevel(rows, levels, level=level) for level in (0.95, 0.8))
    for far, near in zip(wide.components, narrow.components, strict=True):
        assert far.upper is not None
        assert near.upper is not None
        assert near.variance < near.upper < far.upper


def test_outcomes_and_levels_within_have_groups_and_limits_of_their_own() -> None:
    yi = [-1.5, -0.2, -0.9, 0.6, 0.3, 0.9, -0.4, 0.1, 0.8, 1.4, -0.7, -1.3, 0.5]
    study = ["a", "a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f"]
    outcome = ["size", "time", "size", *["size", "time"] * 4, "size", "size"]
    rows = rows_of(yi, [0.02, 0.05, 0.03] * 4 + [0.04])
    within = {"row": list(rows.label)}
    result = fit_multivariate(rows, study, outcome, structure="CS", within=within)
    size, time, row = result.components
    assert (size.groups, time.groups, row.groups) == (6, 5, 13)
    assert (row.lower, row.upper) == profile_limits(result.fit, 1)
    assert (row.lower, row.upper) != (size.lower, size.upper)


def test_between_three_and_four_robust_degrees_of_freedom_are_few() -> None:
    rows = rows_of([0.1, 0.5, 0.9, 0.2, 0.6], [0.05, 0.05, 0.05, 0.05, 0.01])
    model = fit_multilevel(rows, {"row": list(rows.label)}, test="z", intervals="none")
    robust = cluster_robust(model, list(rows.label))
    assert robust.coefficients[0].df is not None
    assert 3.2 < robust.coefficients[0].df < 3.9
    assert [one.code for one in robust.warnings] == ["few_df"]


def test_directions_that_the_coefficients_take_up_are_left_out_of_the_sandwich() -> None:
    paper = np.array(list("aabbbccdde"))
    yi = [0.3, 0.8, -1.3, 0.9, -0.5, 1.4, 0.4, -0.9, -0.1, 0.7]
    vi = np.array([0.05, 0.21, 0.12, 0.03, 0.28, 0.07, 0.16, 0.09, 0.24, 0.11])
    own = (paper == "b").astype(float)
    x = np.column_stack((np.ones(10), own, own * np.arange(10)))
    model = fit_multilevel(
        rows_of(yi, vi.tolist()),
        {"paper": paper.tolist()},
        design=x,
        terms=["intercept", "own", "slope"],
        test="z",
        intervals="none",
    )
    # By the definition, with whole matrices; paper b has one direction of three left.
    same = paper[:, None] == paper
    c = np.diag(vi) + model.components[0].variance * same
    inner = np.linalg.inv(x.T @ np.linalg.solve(c, x))
    off = np.eye(10) - x @ inner @ np.linalg.solve(c, x).T
    pulls = []
    for name in "abcde":
        at = paper == name
        part = c[np.ix_(at, at)]
        lower = np.linalg.cholesky(part)
        kept = lower.T @ (part - x[at] @ inner @ x[at].T) @ lower
        values, axes = np.linalg.eigh(kept)
        use = values > 1e-10 * np.trace(part @ part)
        adjust = lower @ ((axes[:, use] / np.sqrt(values[use])) @ axes[:, use].T) @ lower.T
        pulls.append(off[at].T @ adjust @ np.linalg.solve(part, x[at]) @ inner)
    robust = cluster_robust(model, paper.tolist())
    for number, one in enumerate(robust.coefficients):
        every = np.column_stack([pull[:, number] for pull in pulls])
        cross = every.T @ c @ every
        assert one.df == pytest.approx(np.trace(cross) ** 2 / np.sum(cross**2), rel=1e-6)


def test_a_ratio_needs_means_above_zero_at_the_start_too() -> None:
    def groups(mean: float) -> TwoGroups:
        return TwoGroups.of(
            n_treated=[8],
            mean_treated=[250.0],
            sd_treated=[100.0],
            n_control=[8],
            mean_control=[mean],
            sd_control=[150.0],
        )

    with pytest.raises(InputError, match="a ratio needs means above 0"):
        baseline_adjusted_log_ratio(groups(500.0), groups(0.0), correlation=0.5)


def test_one_coefficient_has_no_joint_test_to_warn_of() -> None:
    rows, levels = nested()
    design = np.column_stack((np.ones(12), [0, 1, 2] * 4))
    model = fit_multilevel(
        rows, levels, design=design, terms=["intercept", "late"], test="z", intervals="none"
    )
    robust = cluster_robust(model, levels["paper"])
    assert robust.joint is not None
    (told,) = robust.warnings
    assert "late" in told.message
    assert "joint" not in told.message


def test_too_few_clusters_for_a_joint_test_leave_none() -> None:
    paper = list("aabbccdd")
    yi = [1.8, -3.1, 1.0, 0.1, 1.3, 0.4, 1.8, 0.0]
    own = [float(name == "b") for name in paper]
    dose = [-0.5, 0.6, 0.4, -0.4, -0.2, 0.7, 0.7, -0.5]
    model = fit_multilevel(
        rows_of(yi, [0.05] * 8),
        {"paper": paper},
        design=np.column_stack((np.ones(8), own, [0, 1] * 4, dose)),
        terms=["intercept", "b", "late", "dose"],
        test="z",
        intervals="none",
    )
    robust = cluster_robust(model, paper, terms=["intercept", "late", "dose"])
    some = np.array(robust.covariance)[np.ix_([0, 2, 3], [0, 2, 3])]
    assert np.linalg.matrix_rank(some, hermitian=True) == 3
    assert robust.joint is not None
    assert (robust.joint.statistic, robust.joint.df2, robust.joint.p_value) == (None, None, None)


def test_the_square_is_chosen_at_five_percent_of_one_side() -> None:
    rows = rows_of([0.4, -0.1, 1.4, 0.6, 0.7, 0.3], [0.27, 0.27, 0.16, 0.29, 0.27, 0.21])
    result = pet_peese(rows)
    assert 0.05 < result.pet[0].p_value < 0.10
    assert result.chosen == "PEESE"


def test_the_direction_of_standardized_differences_is_weighted_by_animals() -> None:
    n = np.array([14, 23, 14, 29, 12, 22])
    yi = np.array([0.5, -0.8, 1.1, -1.8, 2.1, 1.0])
    vi = np.array([0.147, 0.094, 0.164, 0.097, 0.259, 0.102])
    rows = Rows.of(list("abcdef"), yi, vi, measure="SMD", n_treated=n, n_control=n)
    # By the animals the mean is below 0, by the standard errors above.
    assert (yi * n).sum() < 0 < (yi / vi).sum()
    result = pet_peese(rows)
    assert result.pet[0].p_value < 0.10
    assert result.pet[0].estimate < 0
    assert result.chosen == "PEESE"


def test_limits_of_eggers_test_by_z_follow_the_level_asked_for() -> None:
    rows = rows_of([-0.2, -0.4, -0.5, -0.9], [0.01, 0.04, 0.05, 0.2])
    slope = egger_test(rows, test="z", level=0.8).slope
    reach = float(special.ndtri(0.9)) * slope.std_error
    assert slope.upper == pytest.approx(slope.estimate + reach, rel=1e-12)
