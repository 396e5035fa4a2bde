"""Meta-regression and subgroups: closed forms, twins, properties, designs that are refused."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import (
    Method,
    RegressionResult,
    Rows,
    Test,
    design_matrix,
    fit_regression,
    pool,
    predict_effects,
    subgroup_test,
)
from oncovivo.evidence.meta.heterogeneity import between_variance
from oncovivo.evidence.meta.residual_variance import residual_variance

FloatArray: TypeAlias = NDArray[np.float64]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
TESTS: Final[tuple[Test, ...]] = get_args(Test)


def example(seed: int, k: int = 14) -> tuple[Rows, list[float], list[str]]:
    """Rows that depend on a dose, and the kind of graft they come from."""
    rng = np.random.default_rng(seed)
    dose = rng.uniform(1, 20, k)
    graft = [str(one) for one in rng.choice(["cdx", "pdx", "gemm"], k)]
    vi = rng.uniform(0.05, 0.6, k)
    yi = rng.normal(-0.2 - 0.05 * dose, np.sqrt(vi + 0.3))
    return Rows.of([str(at) for at in range(k)], yi, vi, measure="ROM"), dose.tolist(), graft


def codes(result: RegressionResult) -> list[str]:
    return [one.code for one in result.warnings]


@pytest.mark.parametrize("method", METHODS)
def test_the_design_of_an_intercept_gives_what_pooling_gives(method: Method) -> None:
    rows, _, _ = example(1)
    for test in TESTS:
        alone = fit_regression(rows, {}, method=method, test=test)
        pooled = pool(rows, method=method, test=test)
        (one,) = alone.coefficients
        assert one.term == "intercept"
        assert one.estimate == pytest.approx(pooled.estimate, rel=1e-9)
        assert one.std_error == pytest.approx(pooled.std_error, rel=1e-9)
        assert one.p_value == pytest.approx(pooled.p_value, rel=1e-8)
        assert (one.lower, one.upper) == pytest.approx((pooled.lower, pooled.upper))
        assert one.df == pooled.df
        assert alone.tau2 == pytest.approx(pooled.tau2, rel=1e-9)
        if method == "EE":
            assert alone.tau2_std_error is None
            assert alone.tau2_upper is None
        else:
            assert alone.tau2_std_error == pytest.approx(pooled.tau2_std_error, rel=1e-9)
            assert alone.tau2_lower == pytest.approx(pooled.tau2_lower, rel=1e-8)
            assert alone.tau2_upper == pytest.approx(pooled.tau2_upper, rel=1e-8)
        assert alone.i2 == pytest.approx(pooled.i2, rel=1e-9)
        assert alone.h2 == pytest.approx(pooled.h2, rel=1e-9)
        assert alone.qe == pytest.approx(pooled.q)
        assert alone.qe_p_value == pytest.approx(pooled.q_p_value)
        assert alone.log_likelihood == pytest.approx(pooled.log_likelihood, rel=1e-12)
        assert [w.weight for w in alone.rows] == pytest.approx([w.weight for w in pooled.rows])
        assert alone.qm is None
        assert alone.r2_pct is None
        assert codes(alone) == [one.code for one in pooled.warnings]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(6))
def test_both_kernels_of_the_variance_agree(method: Method, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 15))
    vi = np.exp(rng.normal(-1, 1, k))
    yi = rng.normal(0, np.sqrt(vi + rng.choice([0.0, 1.0])))
    basis = np.full((k, 1), k**-0.5)
    one = residual_variance(yi, vi, basis, method)
    many = between_variance(yi[None, :], vi[None, :], method)
    assert one.tau2 == pytest.approx(many.tau2[0], rel=1e-8, abs=1e-11)
    assert one.std_error == pytest.approx(many.std_error[0], rel=1e-7, nan_ok=True)
    assert one.converged


def test_with_equal_variances_and_effects_it_is_least_squares() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, 9)
    y = 1 + 0.5 * x + rng.normal(0, 1, 9)
    rows = Rows.of(list("abcdefghi"), y, [0.5] * 9)
    result = fit_regression(rows, {"x": x.tolist()}, method="EE")
    line = stats.linregress(x, y)
    intercept, slope = result.coefficients
    assert slope.estimate == pytest.approx(line.slope)
    assert intercept.estimate == pytest.approx(line.intercept)
    # Knapp and Hartung's factor turns the known variance into that of the residuals.
    assert slope.std_error == pytest.approx(line.stderr)
    assert slope.p_value == pytest.approx(line.pvalue)
    assert result.qm == pytest.approx((line.slope / line.stderr) ** 2)
    assert result.qm_p_value == pytest.approx(line.pvalue)
    assert (result.qm_df, result.qm_df2) == (1, 7)
    assert result.tau2 == 0
    assert result.tau2_lower is None
    residual = y - line.intercept - line.slope * x
    q = float(residual @ residual) / 0.5
    assert result.qe == pytest.approx(q)
    assert result.h2 == pytest.approx(q / 7)
    assert result.i2 == pytest.approx(max(0.0, 100 * (1 - 7 / q)))


def likelihood(tau2: float, rows: Rows, x: FloatArray, *, restricted: bool) -> float:
    """Restricted or full log-likelihood by determinants of whole matrices."""
    v = np.diag(rows.vi + tau2)
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    beta = np.linalg.solve(information, x.T @ inverse @ rows.yi)
    r = rows.yi - x @ beta
    k, p = x.shape
    value = np.linalg.slogdet(v)[1] + r @ inverse @ r
    count = k
    if restricted:
        value += np.linalg.slogdet(information)[1] - np.linalg.slogdet(x.T @ x)[1]
        count = k - p
    return float(-0.5 * (value + count * math.log(2 * math.pi)))


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("seed", range(5))
def test_the_likelihood_is_highest_at_the_residual_variance(method: Method, seed: int) -> None:
    rows, dose, graft = example(seed)
    result = fit_regression(rows, {"dose": dose, "graft": graft}, method=method)
    x = design_matrix({"dose": dose, "graft": graft}, len(rows)).matrix
    restricted = method == "REML"
    top = likelihood(result.tau2, rows, x, restricted=restricted)
    assert result.log_likelihood == pytest.approx(top, rel=1e-10)
    best = optimize.minimize_scalar(
        lambda t: -likelihood(t, rows, x, restricted=restricted),
        bounds=(0, 10),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert top >= -float(best.fun) - 1e-9
    if result.tau2 > 0:
        # The minimizer sees the likelihood to 1e-16: tau² to the root of that.
        assert result.tau2 == pytest.approx(float(best.x), abs=1e-5)


@pytest.mark.parametrize("method", ["DL", "HE", "HS", "SJ"])
def test_moment_estimators_by_whole_matrices(method: Method) -> None:
    rows, dose, graft = example(8)
    x = design_matrix({"dose": dose, "graft": graft}, len(rows)).matrix
    k, p = x.shape
    v = np.diag(rows.vi)
    rough = float(rows.yi.var()) if method == "SJ" else 0.0
    w = np.eye(k) if method == "HE" else np.linalg.inv(v + rough * np.eye(k))
    projection = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    q = float(rows.yi @ projection @ rows.yi)
    if method == "DL":
        tau2, scale = (q - (k - p)) / np.trace(projection), np.trace(projection)
    elif method == "HS":
        tau2, scale = (q - k) / np.trace(w), np.trace(w)
    elif method == "HE":
        tau2, scale = (q - np.trace(projection @ v)) / (k - p), k - p
    else:
        tau2, scale = rough * q / (k - p), (k - p) / rough
    assert tau2 > 0
    # Variance of a quadratic form y'Py at this tau²: for DL and HS the sampling part of PVP is P.
    pv = projection @ v
    spread = 2 * np.trace(pv @ pv) + 4 * tau2 * np.trace(pv @ projection)
    spread += 2 * tau2**2 * np.trace(projection @ projection)
    result = fit_regression(rows, {"dose": dose, "graft": graft}, method=method)
    assert result.tau2 == pytest.approx(float(tau2), rel=1e-9)
    assert result.tau2_std_error == pytest.approx(math.sqrt(spread) / float(scale), rel=1e-9)


def test_levels_are_compared_with_the_reference() -> None:
    rows, _, graft = example(2)
    first = fit_regression(rows, {"graft": graft})
    assert [one.term for one in first.coefficients] == ["intercept", "graft: gemm", "graft: pdx"]
    other = fit_regression(rows, {"graft": graft}, references={"graft": "pdx"})
    assert [one.term for one in other.coefficients] == ["intercept", "graft: cdx", "graft: gemm"]
    assert other.coefficients[1].estimate == pytest.approx(-first.coefficients[2].estimate)
    assert other.qm == pytest.approx(first.qm)
    assert first.tested == ("graft: gemm", "graft: pdx")
    assert first.qm_df == 2
    cells = fit_regression(rows, {"graft": graft}, intercept=False)
    assert [one.term for one in cells.coefficients] == [f"graft: {g}" for g in sorted(set(graft))]
    assert cells.coefficients[0].estimate == pytest.approx(first.coefficients[0].estimate)
    assert cells.tau2 == pytest.approx(first.tau2, rel=1e-8)
    assert cells.r2_pct == pytest.approx(first.r2_pct, rel=1e-6, abs=1e-6)
    assert cells.tested == tuple(one.term for one in cells.coefficients)
    # Without an intercept all averages are tested, and they are independent of each other.
    plain = fit_regression(rows, {"graft": graft}, intercept=False, test="z")
    assert plain.qm_df == 3
    assert plain.qm == pytest.approx(sum(one.statistic**2 for one in plain.coefficients))


def test_the_share_explained_is_that_of_the_variance_between_rows() -> None:
    rng = np.random.default_rng(12)
    dose = rng.uniform(0, 10, 20)
    rows = Rows.of(
        [str(at) for at in range(20)], dose + rng.normal(0, 0.5, 20), rng.uniform(0.05, 0.2, 20)
    )
    before = pool(rows).tau2
    after = fit_regression(rows, {"dose": dose.tolist()})
    assert before is not None
    assert after.r2_pct == pytest.approx(100 * (1 - after.tau2 / before), rel=1e-8)
    through_zero = fit_regression(rows, {"dose": dose.tolist()}, intercept=False)
    assert through_zero.r2_pct is None


def test_the_unit_of_a_moderator_changes_its_slope_alone() -> None:
    rows, dose, _ = example(4)
    one = fit_regression(rows, {"dose": dose})
    other = fit_regression(rows, {"dose": [1e6 * d + 3e6 for d in dose]})
    assert other.coefficients[1].estimate == pytest.approx(one.coefficients[1].estimate / 1e6)
    assert other.coefficients[1].p_value == pytest.approx(one.coefficients[1].p_value, rel=1e-7)
    assert other.tau2 == pytest.approx(one.tau2, rel=1e-8)
    assert other.qm == pytest.approx(one.qm, rel=1e-7)


def test_predictions_along_a_moderator() -> None:
    rows, dose, _ = example(4)
    result = fit_regression(rows, {"dose": dose}, test="z")
    found = predict_effects(result, [[1, 0], [1, 10]])
    a, b = result.coefficients
    assert found.estimate[0] == pytest.approx(a.estimate)
    assert found.std_error[0] == pytest.approx(a.std_error)
    assert found.lower[0] == pytest.approx(a.lower)
    assert found.estimate[1] == pytest.approx(a.estimate + 10 * b.estimate)
    (_, between), (_, second) = result.covariance
    variance = a.std_error**2 + 20 * between + 100 * second
    assert found.std_error[1] == pytest.approx(math.sqrt(variance))
    reach = stats.t.ppf(0.975, len(rows) - 3) * math.sqrt(variance + result.tau2)
    assert found.pi_upper[1] == pytest.approx(found.estimate[1] + reach)
    as_test = predict_effects(result, [[1, 10]], prediction="test")
    reach = stats.norm.ppf(0.975) * math.sqrt(variance + result.tau2)
    assert as_test.pi_lower[0] == pytest.approx(found.estimate[1] - reach)
    equal = fit_regression(rows, {"dose": dose}, method="EE")
    assert np.isnan(predict_effects(equal, [[1, 10]]).pi_lower).all()
    with pytest.raises(InputError, match="2 columns, one for each coefficient, found 1"):
        predict_effects(result, [[1]])


def test_the_floor_and_few_rows_in_a_regression() -> None:
    rows = Rows.of(list("abcde"), [0.1, 0.2, 0.3, 0.4, 0.5], [0.1, 0.2, 0.1, 0.2, 0.15])
    x = {"x": [1, 2, 3, 4, 5.1]}
    plain, floor, z = (fit_regression(rows, x, test=t) for t in TESTS[:3])
    assert "shrunk_error" in codes(plain)
    assert "few_df" in codes(plain)
    assert "empty_profile" in codes(plain)
    assert "shrunk_error" not in codes(floor)
    assert floor.coefficients[1].std_error == pytest.approx(z.coefficients[1].std_error)
    assert plain.coefficients[1].std_error < z.coefficients[1].std_error / 2
    assert z.coefficients[0].df is None
    assert z.qm_df2 is None
    assert z.qm == pytest.approx(z.coefficients[1].statistic ** 2)
    assert z.qm_p_value == pytest.approx(z.coefficients[1].p_value)


def test_a_regression_goes_to_json() -> None:
    rows, dose, _ = example(4)
    shown = fit_regression(rows, {"dose": dose}, method="EE", test="t").to_dict()
    assert shown["tested"] == ["dose"]
    assert shown["tau2_upper"] is None
    assert isinstance(shown["coefficients"], list)
    assert shown["coefficients"][1]["term"] == "dose"


GOOD: Final = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("moderators", "options", "error", "message"),
    [
        ({"x": [2.0] * 6}, {}, DataError, "a moderator x that varies, found 2 in all rows"),
        ({"g": ["a"] * 6}, {}, DataError, "a moderator g that varies, found a in all rows"),
        ({"x": GOOD[:5]}, {}, InputError, "one value of x for each of the 6 rows, found 5"),
        ({"x": [*GOOD[:5], math.nan]}, {}, InputError, "a finite x for each row, found none in r"),
        ({"g": ["a", "b", "", "a", "b", "a"]}, {}, InputError, "a level of g .* none in row 3"),
        ({"g": ["a", "b", None, "a", "b", "a"]}, {}, InputError, "a level of g .* none in row 3"),
        ({"x": GOOD, "y": [2 * v for v in GOOD]}, {}, DataError, "do not determine each other"),
        ({"g": list("abcdef")}, {}, DataError, "more rows than the 6 coefficients, found 6 rows"),
        (
            {"g": list("ababab")},
            {"references": {"g": "c"}},
            InputError,
            "a level of g: a, b, found 'c'",
        ),
        ({"x": GOOD}, {"references": {"x": "1"}}, InputError, "one of the number x"),
        ({"x": GOOD}, {"references": {"y": "1"}}, InputError, "moderators that are used, found y"),
        ({}, {"intercept": False}, InputError, "an intercept or a moderator, found neither"),
        ({"x": GOOD}, {"method": "FE"}, InputError, "an estimator out of"),
        ({"x": GOOD}, {"level": 95}, InputError, "between 0 and 1"),
    ],
)
def test_designs_that_cannot_be_fitted_are_refused(
    moderators: dict[str, Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    rows = Rows.of(list("abcdef"), [0.1, 0.5, 0.2, 0.9, 0.4, 0.7], [0.1] * 6)
    with pytest.raises(error, match=message):
        fit_regression(rows, moderators, **options)


def test_numbers_too_far_apart_are_refused_in_a_regression() -> None:
    rows = Rows.of(list("abcdef"), [0.1, 1e200, 0.2, 0.9, 0.4, 0.7], [1e-200] * 6)
    with np.errstate(all="ignore"), pytest.raises(DataError, match="of comparable size"):
        fit_regression(rows, {"x": GOOD}, method="DL")


def test_truth_values_are_levels() -> None:
    design = design_matrix({"blinded": [True, False, True]}, 3)
    assert design.terms == ("intercept", "blinded: True")
    assert design.matrix[:, 1].tolist() == [1.0, 0.0, 1.0]


def test_subgroups_with_a_common_variance_are_a_regression() -> None:
    rows, _, graft = example(2)
    for test in ("z", "knapp-hartung"):
        found = subgroup_test(rows, "graft", graft, test=test)
        cells = fit_regression(rows, {"graft": graft}, intercept=False, test=test)
        contrast = fit_regression(rows, {"graft": graft}, test=test)
        assert found.levels == ("cdx", "gemm", "pdx")
        assert found.k == tuple(graft.count(one) for one in found.levels)
        assert found.pooled == cells.coefficients
        assert found.statistic == contrast.qm
        assert found.p_value == contrast.qm_p_value
        assert found.df == 2
        assert found.df2 == contrast.qm_df2
        assert set(found.tau2) == {cells.tau2}
        assert found.results == ()


def test_subgroups_with_variances_of_their_own_are_pooled_each() -> None:
    rows, _, graft = example(2)
    found = subgroup_test(rows, "graft", graft, variance="separate", test="z")
    for level, result, one in zip(found.levels, found.results, found.pooled, strict=True):
        alone = pool(rows.take([i for i, g in enumerate(graft) if g == level]), test="z")
        assert result.estimate == alone.estimate == one.estimate
        assert one.term == f"graft: {level}"
    weight = np.array([one.std_error**-2 for one in found.pooled])
    estimate = np.array([one.estimate for one in found.pooled])
    center = np.average(estimate, weights=weight)
    q = float(weight @ (estimate - center) ** 2)
    assert found.statistic == pytest.approx(q)
    assert found.p_value == pytest.approx(float(stats.chi2.sf(q, 2)))
    assert found.df2 is None
    assert found.to_dict()["variance"] == "separate"


def test_a_subgroup_of_one_row_is_flagged() -> None:
    rows = Rows.of(list("abcd"), [0.1, 0.3, 0.5, 2.0], [0.1] * 4)
    found = subgroup_test(rows, "graft", ["x", "x", "x", "y"], variance="separate")
    assert found.tau2[1] is None
    assert any(w.code == "one_row" and w.message.startswith("y: ") for w in found.warnings)


def test_subgroups_that_are_wrong_are_refused() -> None:
    rows = Rows.of(list("abcd"), [0.1, 0.3, 0.5, 2.0], [0.1] * 4)
    for variance in ("common", "separate"):
        with pytest.raises(DataError, match="a moderator graft that varies"):
            subgroup_test(rows, "graft", ["x"] * 4, variance=variance)
        with pytest.raises(InputError, match="one value of graft for each of the 4 rows"):
            subgroup_test(rows, "graft", ["x", "y"], variance=variance)
    with pytest.raises(InputError, match="a variance out of common, separate"):
        subgroup_test(rows, "graft", list("xxyy"), variance="own")  # type: ignore[arg-type]


def test_effects_that_are_all_exactly_nothing_are_no_effect() -> None:
    rows = Rows.of("abcd", [0.0] * 4, [0.1, 0.2, 0.3, 0.1], measure="ROM")
    found = fit_regression(rows, {"dose": [1.0, 2.0, 3.0, 5.0]}, test="knapp-hartung")
    assert [one.statistic for one in found.coefficients] == [0.0, 0.0]
    assert [one.p_value for one in found.coefficients] == [1.0, 1.0]


def test_a_row_that_outweighs_all_others_is_no_error() -> None:
    found = pool(Rows.of("abc", [0.1, 0.2, 0.3], [1e-20, 1.0, 1.0], measure="ROM"))
    assert found.estimate == pytest.approx(0.1)
    assert found.i2 is None or 0 <= found.i2 <= 100
