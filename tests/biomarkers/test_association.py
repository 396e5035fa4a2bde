"""Associations across lines: closed forms, limits, invariances, and what is refused or flagged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, stats

from oncovivo.biomarkers.association import associate, match_lines
from oncovivo.biomarkers.association_kernels import fit_meta_regressions
from oncovivo.biomarkers.association_result import Association, LineResponse, line_response
from oncovivo.biomarkers.features import Feature, FeatureTable, feature_table
from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import fit_regression, from_std_errors

FloatArray = NDArray[np.float64]
N = 24


def names(count: int = N) -> list[str]:
    return [f"L{number:02d}" for number in range(count)]


def made(seed: int = 3, *, slope: float = 0.5) -> tuple[LineResponse, FeatureTable]:
    """Lines with unequal errors, and markers of several kinds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=N)
    error = rng.uniform(0.05, 0.6, N)
    effect = slope * x + rng.normal(0, 0.2, N) + error * rng.normal(size=N)
    kind = [("GC", "BRCA", "CRC")[number % 3] for number in range(N)]
    table = feature_table(
        names(),
        {
            "x": x,
            "noise": rng.normal(size=N),
            "call": ["mutated" if value > 0.3 else "none" for value in x],
            "kind": kind,
        },
    )
    response = line_response(
        names(), effect, std_error=error, n_animals=[3] * N, label="effect (1/day)"
    )
    return response, table


def only(results: tuple[Association, ...]) -> Association:
    (result,) = results
    return result


def slow_reml(y: FloatArray, v: FloatArray, design: FloatArray) -> tuple[float, FloatArray, Any]:
    """The same by textbook formulas and a general optimizer."""

    def lost(tau2: float) -> float:
        w = np.diag(1 / (v + tau2))
        a = design.T @ w @ design
        beta = np.linalg.solve(a, design.T @ w @ y)
        r = y - design @ beta
        return float(np.log(v + tau2).sum() + np.linalg.slogdet(a)[1] + r @ w @ r)

    grid = np.linspace(0, 4 * y.var(), 400)
    start = int(np.argmin([lost(t) for t in grid]))
    low, high = grid[max(start - 1, 0)], grid[min(start + 1, 399)]
    tau2 = float(
        optimize.minimize_scalar(
            lost, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
        ).x
    )
    w = np.diag(1 / (v + tau2))
    a = np.linalg.inv(design.T @ w @ design)
    beta = a @ design.T @ w @ y
    r = y - design @ beta
    return tau2, beta, a * float(r @ w @ r) / (y.size - design.shape[1])


def test_the_weighted_slope_is_that_of_the_restricted_likelihood() -> None:
    response, table = made()
    assert response.std_error is not None
    result = associate(response, table)[0]
    x = table.values[:, 0]
    tau2, beta, covariance = slow_reml(
        response.effect, response.std_error**2, np.column_stack([np.ones(N), x])
    )
    # A bounded search over a flat top finds the variance to about 1e-6 of itself.
    assert result.tau2 == pytest.approx(tau2, rel=1e-4)
    assert result.estimate == pytest.approx(beta[1], rel=1e-6)
    assert result.std_error == pytest.approx(math.sqrt(covariance[1, 1]), rel=1e-5)
    t = float(beta[1]) / math.sqrt(covariance[1, 1])
    assert result.p_value == pytest.approx(2 * stats.t.sf(abs(t), N - 2), rel=1e-3)
    assert (result.df, result.n_lines, result.n_animals) == (N - 2, N, 3 * N)
    half = stats.t.ppf(0.975, N - 2) * (result.std_error or 0)
    assert result.lower == pytest.approx((result.estimate or 0) - half, rel=1e-9)
    assert result.upper == pytest.approx((result.estimate or 0) + half, rel=1e-9)


def test_the_weighted_slope_agrees_with_meta_regression_of_the_literature() -> None:
    response, table = made(11)
    assert response.std_error is not None
    rows = from_std_errors(response.effect, response.std_error, measure="growth_rate").rows(
        list(response.lines)
    )
    other = fit_regression(rows, {"x": table.values[:, 0]})
    slope = other.coefficients[1]
    result = associate(response, table)[0]
    # Both searches end at about 1e-9 of the likelihood; the variance between lines is flat there.
    assert result.estimate == pytest.approx(slope.estimate, rel=1e-5)
    assert result.std_error == pytest.approx(slope.std_error, rel=1e-5)
    assert result.tau2 == pytest.approx(other.tau2, rel=1e-4)


def test_equal_errors_give_ordinary_least_squares() -> None:
    response, table = made()
    even = replace(response, std_error=np.full(N, 0.2))
    plain = stats.linregress(table.values[:, 0], response.effect)
    for result in (associate(even, table)[0], associate(response, table, method="unweighted")[0]):
        assert result.estimate == pytest.approx(plain.slope, rel=1e-10)
        assert result.std_error == pytest.approx(plain.stderr, rel=1e-9)
        assert result.p_value == pytest.approx(plain.pvalue, rel=1e-8)


def test_a_line_with_a_huge_error_counts_for_nothing() -> None:
    response, table = made()
    assert response.std_error is not None
    errors = response.std_error.copy()
    errors[0] = 1e6
    moved = response.effect.copy()
    moved[0] += 100
    far = associate(replace(response, std_error=errors, effect=moved), table)[0]
    kept = np.arange(N) > 0
    without = associate(response.take(kept), table)[0]
    assert far.estimate == pytest.approx(without.estimate, rel=1e-6)


def test_two_levels_are_a_difference_and_three_an_f_test() -> None:
    response, table = made()
    results = {result.marker: result for result in associate(response, table, method="unweighted")}
    call = table.values[:, table.position("call")]
    gap = response.effect[call == 1].mean() - response.effect[call == 0].mean()
    assert results["call"].estimate == pytest.approx(gap, rel=1e-10)
    assert results["call"].measure == "mutated − none"
    kind = table.values[:, table.position("kind")]
    f = stats.f_oneway(*(response.effect[kind == level] for level in range(3)))
    assert results["kind"].estimate is None
    assert results["kind"].statistic == pytest.approx(f.statistic, rel=1e-9)
    assert results["kind"].p_value == pytest.approx(f.pvalue, rel=1e-9)
    assert results["kind"].measure.startswith("3 levels: F test with 2 and 21 df")


def test_slopes_per_standard_deviation_are_scaled_and_nothing_else() -> None:
    response, table = made()
    unit, sd = (associate(response, table, scale=scale)[0] for scale in ("unit", "sd"))
    spread = table.values[:, 0].std(ddof=1)
    assert sd.estimate == pytest.approx((unit.estimate or 0) * spread, rel=1e-10)
    assert sd.p_value == pytest.approx(unit.p_value, rel=1e-10)
    assert (unit.measure, sd.measure) == ("per unit", "per SD")


def test_covariates_are_taken_out() -> None:
    response, table = made()
    types = table.select(["kind"])
    result = associate(response, table.select(["x"]), adjust=types, method="unweighted")[0]
    kind = table.values[:, table.position("kind")]
    within = [
        v - np.array([v[kind == k].mean() for k in kind])
        for v in (table.values[:, 0], response.effect)
    ]
    slope = float(within[0] @ within[1] / (within[0] @ within[0]))
    assert result.estimate == pytest.approx(slope, rel=1e-10)
    assert result.df == N - 4
    r = only(associate(response, table.select(["x"]), adjust=types, method="pearson"))
    assert r.estimate == pytest.approx(np.corrcoef(*within)[0, 1], rel=1e-10)
    # The partial correlation's t is that of the adjusted slope.
    assert r.p_value == pytest.approx(result.p_value, rel=1e-9)


def test_the_rank_correlation_forgets_the_scale() -> None:
    response, table = made()
    result = associate(response, table, method="spearman")[0]
    peer = stats.spearmanr(table.values[:, 0], response.effect)
    assert result.estimate == pytest.approx(peer.statistic, rel=1e-12)
    assert result.p_value == pytest.approx(peer.pvalue, rel=1e-9)
    bent = replace(response, effect=np.exp(3 * response.effect))
    assert associate(bent, table, method="spearman")[0].estimate == result.estimate


def test_groups_and_outcomes_have_their_tests() -> None:
    response, table = made()
    call = table.select(["call"])
    codes = call.values[:, 0]
    low, high = response.effect[codes == 0], response.effect[codes == 1]
    welch = only(associate(response, call, method="welch"))
    peer = stats.ttest_ind(high, low, equal_var=False)
    assert (welch.statistic, welch.p_value) == pytest.approx((peer.statistic, peer.pvalue))
    ranks = only(associate(response, call, method="wilcoxon"))
    u = stats.mannwhitneyu(high, low, method="asymptotic")
    assert ranks.statistic == u.statistic
    assert ranks.p_value == pytest.approx(u.pvalue, rel=1e-10)
    assert ranks.estimate == pytest.approx(u.statistic / (low.size * high.size))
    outcome = line_response(names(), (response.effect > 0).astype(float))
    exact = only(associate(outcome, call, method="fisher"))
    counts = [[np.sum((codes == a) & (outcome.effect == b)) for b in (0, 1)] for a in (0, 1)]
    assert exact.p_value == pytest.approx(stats.fisher_exact(np.array(counts)).pvalue)
    odds = only(associate(outcome, call, method="firth"))
    half = np.array(counts) + 0.5
    closed = math.log(half[1, 1] * half[0, 0] / half[0, 1] / half[1, 0])
    assert odds.estimate == pytest.approx(closed, abs=1e-8)
    assert odds.measure == "log odds ratio, mutated − none"
    index = only(associate(response, table.select(["x"]), method="concordance"))
    tau = stats.kendalltau(table.values[:, 0], response.effect).statistic
    assert index.estimate == pytest.approx((tau + 1) / 2)


def test_an_empty_cell_is_flagged_and_has_no_odds_ratio() -> None:
    outcome = line_response(names(6), [0, 0, 0, 1, 1, 1])
    table = feature_table(names(6), {"call": ["a", "a", "a", "b", "b", "b"]})
    result = only(associate(outcome, table, method="fisher"))
    assert (result.estimate, result.status) == (None, "flagged")
    assert result.p_value == pytest.approx(0.1)
    assert "see 'firth'" in result.reason


def test_markers_that_say_nothing_keep_their_reason() -> None:
    n = 8
    rng = np.random.default_rng(1)
    response = line_response(names(n), rng.normal(size=n), std_error=np.full(n, 0.1))
    columns: dict[str, Any] = {
        "good": rng.normal(size=n),
        "constant": np.full(n, 2.0),
        "same": ["none"] * n,
        "scarce": [1.0, 2.0] + [None] * 6,
        "nothing": np.full(n, np.nan),
        "gaps": [None, *range(7)],
    }
    table = feature_table(names(n), columns)
    doubled = replace(table.features[0], name="twice", problem="repeats column 2, name and values")
    table = replace(
        table,
        features=(*table.features, doubled),
        values=np.column_stack([table.values, table.values[:, 0]]),
        below=np.column_stack([table.below, table.below[:, 0]]),
    )
    results = {result.marker: result for result in associate(response, table)}
    assert list(results) == [*columns, "twice"]
    assert [result.status for result in results.values()] == [
        "ok",
        "undefined",
        "undefined",
        "undefined",
        "undefined",
        "ok",
        "undefined",
    ]
    assert results["constant"].reason == "constant: 2 in all 8 lines"
    assert results["same"].reason == "constant: none in all 8 lines"
    assert results["scarce"].reason == "2 lines with response and marker"
    assert results["nothing"].reason == "no line with a response has a value"
    assert results["twice"].reason == "repeats column 2, name and values"
    assert (results["gaps"].n_lines, results["gaps"].remark) == (7, "1 line without a value")
    # What has no p-value is not counted among the tests.
    p = [results[name].p_value for name in ("good", "gaps")]
    assert max(r.q_value or 0 for r in results.values()) == pytest.approx(max(p))  # type: ignore[type-var]
    assert all(results[name].q_value is None for name in ("constant", "twice"))
    json.dumps([result.to_dict() for result in results.values()], allow_nan=False)


def test_a_marker_made_of_the_covariates_is_undefined() -> None:
    response, table = made()
    again = feature_table(names(), {"z": table.values[:, 0] * 3 + 1, "x": table.values[:, 0]})
    result = associate(response, again.select(["z"]), adjust=again.select(["x"]))[0]
    assert (result.status, result.reason) == ("undefined", "collinear with the covariates")
    # With a constant marker-of-covariates pair too few lines are named as such.
    few = line_response(names(3), [0.1, 0.3, 0.2], std_error=[0.1] * 3)
    result = associate(few, again.select(["z"]), adjust=table.select(["kind"]))[0]
    assert result.reason == "3 lines for 4 coefficients"


def test_a_perfect_fit_has_no_p_value() -> None:
    x = np.arange(5.0)
    response = line_response(names(5), 2 * x)
    result = only(associate(response, feature_table(names(5), {"x": x}), method="unweighted"))
    assert (result.status, result.p_value) == ("not_estimable", None)
    assert "no residual variation" in result.reason


def test_a_marker_of_after_treatment_is_flagged() -> None:
    response, table = made()
    late = replace(
        table,
        features=(replace(table.features[0], measured="after_treatment"), *table.features[1:]),
    )
    before, after = associate(response, table)[0], associate(response, late)[0]
    assert after.status == "flagged"
    assert after.reason.startswith("measured after treatment")
    assert (after.estimate, after.q_value) == (before.estimate, before.q_value)
    treated = associate(replace(response, outcome="treated"), table)[0]
    assert "cannot tell a marker of the drug's effect from one of growth" in treated.remark


def test_values_below_the_limit_are_flagged_but_not_for_ranks() -> None:
    response, table = made()
    below = table.below.copy()
    below[:2, 0] = True
    kinds = (Feature(name="x", kind="censored"), *table.features[1:])
    table = replace(table, below=below, features=kinds)
    result = associate(response, table)[0]
    assert result.reason == "2 lines below quantification, taken at the limit"
    assert associate(response, table, method="spearman")[0].status == "ok"


def test_lines_in_one_table_only_are_named() -> None:
    response, table = made()
    short = feature_table([*names()[3:], "other"], {"x": np.arange(N - 2.0)})
    match = match_lines(response, short)
    assert match.words == (
        "3 lines without markers: L00, L01, L02; 1 line without a response: other"
    )
    assert associate(response, short)[0].n_lines == N - 3
    missing = response.effect.copy()
    missing[4] = np.nan
    assert associate(replace(response, effect=missing), table)[0].n_lines == N - 1


@settings(max_examples=15, deadline=None)
@given(st.permutations(list(range(N))), st.floats(0.01, 100), st.floats(-50, 50))
def test_order_and_units_change_nothing(order: list[int], scale: float, shift: float) -> None:
    response, table = made()
    assert response.std_error is not None
    turned = line_response(
        [response.lines[row] for row in order],
        scale * response.effect[order] + shift,
        std_error=scale * response.std_error[order],
    )
    moved = feature_table(
        [table.lines[row] for row in reversed(order)],
        {"x": 10 * table.values[list(reversed(order)), 0] - 4},
    )
    base = associate(response, table.select(["x"]), permutations=99, rng=np.random.default_rng(1))
    new = associate(turned, moved, permutations=99, rng=np.random.default_rng(1))
    # The search of τ² ends at 1e-11 of its bound; what follows moves by less than 1e-6.
    assert new[0].p_value == pytest.approx(base[0].p_value, rel=1e-6)
    assert new[0].estimate == pytest.approx((base[0].estimate or 0) * scale / 10, rel=1e-6)
    assert new[0].p_permutation == base[0].p_permutation


def test_many_regressions_are_each_what_one_is() -> None:
    rng = np.random.default_rng(5)
    y, v = rng.normal(size=15), rng.uniform(0.01, 0.5, 15)
    design = np.concatenate([np.ones((40, 15, 1)), rng.normal(size=(40, 15, 2))], axis=2)
    here = rng.random((40, 15)) < 0.9
    many = fit_meta_regressions(y, v, design, here)
    for place in range(40):
        kept = here[place]
        single = fit_meta_regressions(
            y[kept], v[kept], design[place : place + 1, kept], np.ones((1, kept.sum()), bool)
        )
        np.testing.assert_allclose(many.coefficients[place], single.coefficients[0], rtol=1e-8)
        np.testing.assert_allclose(many.covariance[place], single.covariance[0], rtol=1e-7)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "magic"}, "a method: weighted"),
        ({"scale": "mad"}, "a scale: unit or sd"),
        ({"level": 1.0}, "a level between 0 and 1"),
        ({"permutations": 9}, "a generator of random numbers"),
        ({"permutations": -1}, "0 or more permutations"),
        (
            {"permutations": 9, "rng": np.random.default_rng(1), "method": "welch"},
            "permutations with weighted",
        ),
        ({"discovery": "fdr"}, "one of bh, by, storey"),
    ],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, Any], match: str) -> None:
    response, table = made()
    with pytest.raises(InputError, match=match):
        associate(response, table, **options)


def test_data_that_cannot_carry_the_analysis_are_refused() -> None:
    response, table = made()
    with pytest.raises(InputError, match="covariates with weighted"):
        associate(response, table, method="welch", adjust=table)
    with pytest.raises(DataError, match="standard errors of the responses"):
        associate(replace(response, std_error=None), table)
    with pytest.raises(DataError, match=r"3 lines or more .* found 0; 24 lines without markers"):
        associate(response, feature_table(["else"], {"x": [1.0]}))
    with pytest.raises(DataError, match="responses of 0 and 1"):
        associate(response, table, method="fisher")
    with pytest.raises(InputError, match="each line once, found 'L00' twice"):
        line_response(["L00", "L00"], [1, 2])
    with pytest.raises(InputError, match="line L01: expected a positive standard error"):
        line_response(names(2), [1, 2], std_error=[0.1, 0.0])
    with pytest.raises(InputError, match="2 standard errors"):
        line_response(names(2), [1, 2], std_error=[0.1])
    with pytest.raises(InputError, match="an outcome: effect or treated"):
        line_response(names(2), [1, 2], outcome="x")  # type: ignore[arg-type]  # tested


def test_a_level_of_one_line_is_flagged() -> None:
    response, _ = made()
    rare = feature_table(names(), {"call": ["mutated", *["none"] * (N - 1)]})
    result = only(associate(response, rare))
    assert (result.status, result.reason) == ("flagged", "only 1 line with 'mutated'")
    assert result.p_value is not None


def test_degrees_of_freedom_follow_what_is_known_of_the_variance() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=20), rng.normal(0, 0.15, 20)
    error = np.where(np.arange(20) < 4, 0.02, 1.0)
    table = feature_table(names(20), {"x": x})
    # Four lines carry what is known: far fewer than 18 degrees of freedom.
    result = only(associate(line_response(names(20), y, std_error=error), table))
    assert result.tau2 is not None
    v = error**2 + result.tau2
    design = np.column_stack([np.ones(20), x])
    w = np.diag(1 / v)
    phi = np.linalg.inv(design.T @ w @ design)
    p = w - w @ design @ phi @ design.T @ w
    information = np.trace(p @ p) / 2
    slope = (phi @ design.T @ w @ w @ design @ phi)[1, 1]
    assert result.df == pytest.approx(2 * information * (phi[1, 1] / slope) ** 2, rel=1e-6)
    assert (result.df or 18) < 8
