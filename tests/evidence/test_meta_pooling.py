"""Pooling: closed forms, slow twins, properties, and input that cannot be pooled."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta import (
    Method,
    PooledResult,
    Rows,
    Test,
    fit_regression,
    pool,
    pool_many,
)
from oncovivo.evidence.meta.heterogeneity import between_variance, q_at
from oncovivo.evidence.meta.intervals import prediction_quantile, q_profile

FloatArray: TypeAlias = NDArray[np.float64]

METHODS: Final[tuple[Method, ...]] = get_args(Method)
TESTS: Final[tuple[Test, ...]] = get_args(Test)
RANDOM: Final = tuple(m for m in METHODS if m != "EE")


def make(yi: ArrayLike, vi: ArrayLike) -> Rows:
    values = np.asarray(yi, dtype=np.float64)
    labels = [chr(97 + at) if values.size <= 26 else str(at) for at in range(values.size)]
    return Rows.of(labels, values, np.broadcast_to(np.asarray(vi), values.shape))


def codes(result: PooledResult) -> list[str]:
    return [one.code for one in result.warnings]


EVEN: Final = make([0.0, 1.0, 2.0], 0.25)


@pytest.mark.parametrize(
    ("method", "tau2"),
    [
        # With equal variances v = 1/4 and a variance of the rows of 1 (2/3 over k):
        ("DL", 0.75),
        ("HE", 0.75),
        ("PM", 0.75),
        ("EB", 0.75),
        ("REML", 0.75),
        ("ML", 2 / 3 - 0.25),
        # (Q - 3)/sum of weights = (8 - 3)/12
        ("HS", 5 / 12),
        # 2/3 times Q/(k - 1) with weights 1/(1/4 + 2/3)
        ("SJ", 2 / 3 / (0.25 + 2 / 3)),
        ("EE", 0.0),
    ],
)
def test_rows_of_equal_variance_have_closed_forms(method: Method, tau2: float) -> None:
    result = pool(EVEN, method=method, test="z")
    assert result.tau2 == pytest.approx(tau2, rel=1e-10)
    assert result.estimate == pytest.approx(1.0)
    assert result.std_error == pytest.approx(math.sqrt((0.25 + tau2) / 3))
    assert result.q == pytest.approx(8.0)
    assert result.q_df == 2
    assert result.q_p_value == pytest.approx(math.exp(-4.0))
    expected = 75.0 if method == "EE" else 100 * tau2 / (0.25 + tau2)
    assert result.i2 == pytest.approx(expected)
    assert result.h2 == pytest.approx(4.0 if method == "EE" else 1 + tau2 / 0.25)
    assert [one.weight for one in result.rows] == pytest.approx([1 / 3] * 3)


def test_the_moment_estimator_by_hand() -> None:
    # Weights 10, 5 and 2: mean 8.6/17, Q = 1 - 8.6²/... worked out below without the code.
    yi, vi = np.array([0.1, 0.8, 1.8]), np.array([0.1, 0.2, 0.5])
    w = 1 / vi
    mean = (10 * 0.1 + 5 * 0.8 + 2 * 1.8) / 17
    q = 10 * (0.1 - mean) ** 2 + 5 * (0.8 - mean) ** 2 + 2 * (1.8 - mean) ** 2
    tau2 = (q - 2) / (17 - (100 + 25 + 4) / 17)
    assert tau2 > 0
    star = 1 / (vi + tau2)
    result = pool(make(yi, vi), method="DL", test="z")
    assert result.q == pytest.approx(q, rel=1e-12)
    assert result.tau2 == pytest.approx(tau2, rel=1e-12)
    assert result.estimate == pytest.approx(float(star @ yi / np.sum(star)), rel=1e-12)
    assert result.std_error == pytest.approx(float(np.sum(star)) ** -0.5, rel=1e-12)
    typical = 2 * w.sum() / (w.sum() ** 2 - (w**2).sum())
    assert result.i2 == pytest.approx(100 * tau2 / (tau2 + typical), rel=1e-12)


def test_knapp_and_hartung_with_equal_variances_is_the_t_test_of_the_rows() -> None:
    result = pool(EVEN, method="DL")
    reference = stats.ttest_1samp([0.0, 1.0, 2.0], 0.0)
    assert result.std_error == pytest.approx(math.sqrt(1 / 3))
    assert result.statistic == pytest.approx(reference.statistic)
    assert result.p_value == pytest.approx(reference.pvalue)
    limits = reference.confidence_interval(0.95)
    assert (result.lower, result.upper) == pytest.approx((limits.low, limits.high))


def test_limits_of_the_variance_with_equal_variances_are_those_of_chi_squared() -> None:
    result = pool(EVEN, level=0.9)
    lower, upper = (2 / stats.chi2.ppf(p, 2) - 0.25 for p in (0.95, 0.05))
    assert result.tau2_lower == pytest.approx(lower)
    assert result.tau2_upper == pytest.approx(upper)
    assert result.i2_lower == pytest.approx(100 * lower / (lower + 0.25))
    assert result.h2_upper == pytest.approx(1 + upper / 0.25)


def test_the_prediction_interval_has_one_degree_of_freedom_less_than_the_test() -> None:
    rows = make([0.0, 1.0, 2.0, 3.0], 0.25)
    default = pool(rows)
    reach = math.sqrt(default.std_error**2 + float(default.tau2 or 0))
    assert default.pi_upper == pytest.approx(default.estimate + stats.t.ppf(0.975, 2) * reach)
    assert default.pi_lower == pytest.approx(default.estimate - stats.t.ppf(0.975, 2) * reach)
    as_test = pool(rows, prediction="test")
    assert as_test.pi_upper == pytest.approx(default.estimate + stats.t.ppf(0.975, 3) * reach)
    plain = pool(rows, prediction="test", test="z")
    reach = math.sqrt(plain.std_error**2 + float(plain.tau2 or 0))
    assert plain.pi_upper == pytest.approx(plain.estimate + stats.norm.ppf(0.975) * reach)


def test_equal_effects_predict_nothing() -> None:
    result = pool(EVEN, method="EE")
    assert result.pi_lower is None
    assert result.tau2_lower is None
    assert result.tau2_std_error is None


def log_likelihood(tau2: float, yi: FloatArray, vi: FloatArray, *, restricted: bool) -> float:
    """Log-likelihood from the normal density, and the integral over the mean for REML."""
    variance = vi + tau2
    mean = float(np.average(yi, weights=1 / variance))
    value = float(np.sum(stats.norm.logpdf(yi, mean, np.sqrt(variance))))
    if restricted:
        # Integrating the mean out of a normal likelihood multiplies by √(2π/information); the
        # constant ½ ln k is that of the design, as in nlme and metafor.
        information = float(np.sum(1 / variance))
        value += 0.5 * math.log(2 * math.pi / information) + 0.5 * math.log(yi.size)
    return value


@pytest.mark.parametrize("method", ["ML", "REML"])
@pytest.mark.parametrize("seed", range(12))
def test_the_likelihood_is_highest_at_the_estimate(method: Method, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 25))
    vi = np.exp(rng.normal(-1, 1.5, k))
    yi = rng.normal(0, np.sqrt(vi + rng.choice([0.0, 0.5, 4.0])))
    restricted = method == "REML"
    result = pool(make(yi, vi), method=method, test="z")
    assert result.tau2 is not None
    top = log_likelihood(result.tau2, yi, vi, restricted=restricted)
    assert result.log_likelihood == pytest.approx(top, rel=1e-12, abs=1e-12)
    grid = np.concatenate(([0.0], np.geomspace(1e-5, 1e3, 400)))
    values = [log_likelihood(t, yi, vi, restricted=restricted) for t in grid]
    at = int(np.argmax(values))
    assert top >= max(values) - 1e-10
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)]
    best = optimize.minimize_scalar(
        lambda t: -log_likelihood(t, yi, vi, restricted=restricted),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-12},
    )
    # The minimizer sees the likelihood to 1e-16: tau² to the root of that.
    assert result.tau2 == pytest.approx(best.x if values[0] < max(values) else 0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("yi", "vi", "tau2"),
    [
        # A minimum lies between 0 and the higher maximum ...
        ([-0.02, -1.26, 1.66, 0.05], [0.001, 0.147, 1.68, 0.01], 0.409),
        # ... 0 is the higher one of two ...
        ([-0.24, -1.19, 0.28, -0.47, -0.48], [0.321, 10.453, 0.101, 0.016, 0.004], 0.0),
        # ... and here there are two above 0.
        ([-0.09, 11.94, -1.62, 0.98], [0.139, 15.55, 2.835, 0.257], 14.94),
    ],
)
def test_of_two_maxima_of_the_likelihood_the_higher_is_found(
    yi: list[float], vi: list[float], tau2: float
) -> None:
    result = pool(make(yi, vi), test="z")
    assert result.tau2 == pytest.approx(tau2, rel=0.01, abs=1e-12)


ROWS: Final = st.integers(2, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-3, 3), min_size=k, max_size=k),
        st.lists(st.floats(0.02, 3), min_size=k, max_size=k),
    )
)


@given(ROWS, st.sampled_from(RANDOM))
def test_the_order_of_rows_does_not_matter(
    rows: tuple[list[float], list[float]], method: Method
) -> None:
    yi, vi = rows
    one = pool(make(yi, vi), method=method)
    back = pool(make(yi[::-1], vi[::-1]), method=method)
    assert back.estimate == pytest.approx(one.estimate, rel=1e-7, abs=1e-9)
    assert back.tau2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-8)
    assert [w.weight for w in back.rows][::-1] == pytest.approx(
        [w.weight for w in one.rows], rel=1e-6
    )


@given(ROWS, st.sampled_from(METHODS), st.sampled_from(TESTS), st.floats(0.01, 100))
def test_a_change_of_unit_changes_the_unit_of_the_result(
    rows: tuple[list[float], list[float]], method: Method, test: Test, unit: float
) -> None:
    yi, vi = np.array(rows[0]), np.array(rows[1])
    one = pool(make(yi, vi), method=method, test=test)
    other = pool(make(unit * yi + 5.0, unit**2 * vi), method=method, test=test)
    scale = unit * (1 + abs(one.estimate) + one.std_error)
    assert other.estimate == pytest.approx(unit * one.estimate + 5.0, abs=1e-6 * scale + 1e-9)
    assert one.tau2 is not None
    assert other.tau2 == pytest.approx(unit**2 * one.tau2, rel=1e-5, abs=1e-6 * unit**2)
    assert other.std_error == pytest.approx(unit * one.std_error, rel=1e-5, abs=1e-6 * scale)


@given(ROWS)
def test_paule_and_mandel_solve_their_equation(rows: tuple[list[float], list[float]]) -> None:
    yi, vi = np.array([rows[0]]), np.array([rows[1]])
    found = between_variance(yi, vi, "PM")
    assert found.converged.all()
    q = float(q_at(yi, vi, found.tau2)[0][0])
    k = yi.shape[1]
    if found.tau2[0] > 0:
        assert q == pytest.approx(k - 1, rel=1e-8)
    else:
        assert q <= k - 1
    assert between_variance(yi, vi, "EB").tau2[0] == found.tau2[0]


@given(ROWS, st.floats(0.5, 0.99))
def test_q_meets_the_quantiles_at_the_limits(
    rows: tuple[list[float], list[float]], level: float
) -> None:
    yi, vi = np.array([rows[0]]), np.array([rows[1]])
    lower, upper = q_profile(yi, vi, level=level)
    assert 0 <= lower[0] <= upper[0]
    for tau2, tail in ((lower, 0.5 + level / 2), (upper, 0.5 - level / 2)):
        target = stats.chi2.ppf(tail, yi.shape[1] - 1)
        q = float(q_at(yi, vi, tau2)[0][0])
        if tau2[0] > 0:
            assert q == pytest.approx(target, rel=1e-7)
        else:
            assert q <= target * (1 + 1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("test", TESTS)
def test_many_sets_at_once_are_each_pooled_as_alone(method: Method, test: Test) -> None:
    rng = np.random.default_rng(7)
    vi = rng.uniform(0.05, 1, (40, 6))
    yi = rng.normal(0.3, np.sqrt(vi + 0.2))
    many = pool_many(yi, vi, method=method, test=test)
    assert many.k == 6
    for at in (0, 17, 39):
        one = pool(make(yi[at], vi[at]), method=method, test=test)
        assert many.estimate[at] == pytest.approx(one.estimate, rel=1e-9)
        assert many.std_error[at] == pytest.approx(one.std_error, rel=1e-8)
        assert many.p_value[at] == pytest.approx(one.p_value, rel=1e-7)
        assert many.tau2[at] == pytest.approx(one.tau2, rel=1e-8, abs=1e-12)
        assert many.q[at] == pytest.approx(one.q)
        assert many.i2[at] == pytest.approx(one.i2, rel=1e-8, abs=1e-8)
        assert (many.lower[at], many.upper[at]) == pytest.approx((one.lower, one.upper))
        if method == "EE":
            assert math.isnan(many.pi_lower[at])
        else:
            assert many.pi_lower[at] == pytest.approx(one.pi_lower)
            assert many.pi_upper[at] == pytest.approx(one.pi_upper)


def test_sets_in_several_chunks_are_those_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    yi, vi = rng.normal(0, 1, (25, 4)), rng.uniform(0.1, 1, (25, 4))
    whole = pool_many(yi, vi)
    monkeypatch.setattr("oncovivo.evidence.meta.heterogeneity._CHUNK", 200)
    assert pool_many(yi, vi).tau2.tolist() == whole.tau2.tolist()


@pytest.mark.parametrize("method", ["REML", "ML", "PM"])
def test_a_search_that_does_not_arrive_is_flagged(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make([0.1, 0.9, 2.5, -1.0, 0.4], [0.1, 0.2, 0.5, 0.3, 0.1])
    assert "not_converged" not in codes(pool(rows, method=method))
    monkeypatch.setattr("oncovivo.evidence.meta.heterogeneity._MOST_STEPS", 1)
    assert "not_converged" in codes(pool(rows, method=method))
    slow = fit_regression(rows, {}, method=method)
    assert "not_converged" in [one.code for one in slow.warnings]


def test_the_floor_keeps_knapp_and_hartung_from_shortening_the_interval() -> None:
    rows = make([0.50, 0.52, 0.48, 0.51, 0.49, 0.5], [0.04, 0.05, 0.04, 0.05, 0.06, 0.07])
    plain, floor, z = (pool(rows, test=t) for t in ("knapp-hartung", "knapp-hartung-floor", "z"))
    assert plain.std_error < z.std_error / 4
    assert "shrunk_error" in codes(plain)
    assert floor.std_error == pytest.approx(z.std_error)
    assert "shrunk_error" not in codes(floor)
    assert floor.df == 5
    spread = make([0.0, 1.0, 2.0, 3.0, 4.0], [0.04, 0.05, 0.04, 0.05, 0.06])
    wide = pool(spread, test="knapp-hartung-floor", method="EE")
    assert wide.std_error > pool(spread, test="z", method="EE").std_error
    assert wide.std_error == pool(spread, test="knapp-hartung", method="EE").std_error


def test_t_has_the_error_of_z_and_the_quantile_of_t() -> None:
    z, t = pool(EVEN, test="z"), pool(EVEN, test="t")
    assert t.std_error == z.std_error
    assert t.df == 2
    assert z.df is None
    assert t.upper - t.estimate == pytest.approx(stats.t.ppf(0.975, 2) * z.std_error)
    assert t.p_value == pytest.approx(2 * stats.t.sf(abs(z.statistic), 2))


def test_rows_that_agree_too_well_have_an_empty_profile() -> None:
    result = pool(make([0.5, 0.5001, 0.4999, 0.5, 0.5], 1.0))
    assert (result.tau2_lower, result.tau2_upper) == (0.0, 0.0)
    assert "empty_profile" in codes(result)


def test_one_row_is_returned_as_it_is_and_flagged() -> None:
    result = pool(make([0.3], 0.04), test="knapp-hartung")
    assert codes(result) == ["one_row"]
    assert result.k == 1
    assert result.estimate == 0.3
    assert result.std_error == pytest.approx(0.2)
    assert result.upper == pytest.approx(0.3 + 1.959963984540054 * 0.2)
    assert result.p_value == pytest.approx(2 * stats.norm.sf(1.5))
    assert result.tau2 is None
    assert result.q is None
    assert result.pi_lower is None
    assert result.df is None
    assert result.rows[0].weight == 1.0


def test_few_rows_are_flagged() -> None:
    assert "few_df" in codes(pool(make([0.0, 1.0, 2.0, 2.5], 0.2)))
    assert "few_df" not in codes(pool(make([0.0, 1.0, 2.0, 2.5, 2.6], 0.2)))
    assert "few_rows" in codes(pool(EVEN, test="z"))
    two = pool(make([0.0, 1.0], 0.2))
    assert two.pi_lower is None
    assert codes(two) == ["few_df", "few_rows"]
    assert pool(make([0.0, 1.0], 0.2), prediction="test").pi_lower is not None


def test_rows_that_repeat_each_other_are_named() -> None:
    found = pool(make([0.1, 0.4, 0.1, 0.1, 0.7], [0.2, 0.2, 0.2, 0.3, 0.2])).warnings
    repeated = [one for one in found if one.code == "identical_rows"]
    assert [one.rows for one in repeated] == [("a", "c")]


def test_identical_rows_leave_knapp_and_hartung_no_error() -> None:
    result = pool(make([0.5, 0.5, 0.5], 0.1), method="DL")
    assert result.std_error == 0
    assert result.p_value == 0
    assert result.to_dict()["statistic"] is None
    none = pool(make([0.0, 0.0, 0.0], 0.1), method="DL")
    assert none.statistic == 0
    assert none.p_value == 1


def test_a_result_goes_to_json_without_infinities() -> None:
    shown = pool(EVEN, method="EE").to_dict()
    assert shown["rows"] == [
        {"label": label, "yi": y, "vi": 0.25, "weight": pytest.approx(1 / 3)}
        for label, y in zip("abc", (0.0, 1.0, 2.0), strict=True)
    ]
    assert shown["tau2_lower"] is None
    assert shown["method"] == "EE"


def test_a_far_origin_costs_no_digits() -> None:
    rng = np.random.default_rng(2)
    yi, vi = rng.normal(0, 1, 12), rng.uniform(0.1, 1, 12)
    for method in RANDOM:
        near, far = pool(make(yi, vi), method=method), pool(make(yi + 1e6, vi), method=method)
        # 1e6 leaves 1e-10 of each row.
        assert far.tau2 == pytest.approx(near.tau2, rel=1e-8)


def test_intervals_cover_as_they_say() -> None:
    rng = np.random.default_rng(20261123)
    sets = 4000
    error = 3 * math.sqrt(0.95 * 0.05 / sets)
    for k in (4, 10):
        vi = rng.uniform(0.05, 0.5, (sets, k))
        truth = rng.normal(0.0, math.sqrt(0.2), (sets, k))
        yi = rng.normal(truth, np.sqrt(vi))
        hartung = pool_many(yi, vi)
        covered = float(np.mean((hartung.lower <= 0) & (hartung.upper >= 0)))
        # Exact with equal variances; 1 % is for these, which differ tenfold.
        assert covered == pytest.approx(0.95, abs=error + 0.01)
        normal = pool_many(yi, vi, test="z")
        assert float(np.mean((normal.lower <= 0) & (normal.upper >= 0))) < 0.945


def test_a_prediction_interval_covers_once_rows_differ_by_more_than_chance() -> None:
    rng = np.random.default_rng(20261124)
    sets, covered = 4000, []
    for tau2 in (0.1, 4.0):
        vi = rng.uniform(0.05, 0.5, (sets, 10))
        yi = rng.normal(rng.normal(0.0, math.sqrt(tau2), (sets, 10)), np.sqrt(vi))
        new = rng.normal(0.0, math.sqrt(tau2), sets)
        many = pool_many(yi, vi)
        covered.append(float(np.mean((many.pi_lower <= new) & (many.pi_upper >= new))))
    # With little between the rows tau² is often estimated as 0, and the interval is too short.
    assert covered[0] < 0.9
    assert covered[1] == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / sets) + 0.005)


def test_a_quantile_needs_a_degree_of_freedom() -> None:
    assert prediction_quantile("t-k2", k=2, df=1, level=0.95) is None
    assert prediction_quantile("t-k2", k=5, df=3, level=0.95, coefficients=2) == pytest.approx(
        float(stats.t.ppf(0.975, 2))
    )


def test_a_level_in_percent_is_refused() -> None:
    with pytest.raises(InputError, match=r"between 0 and 1, found 95; write 0.95 for 95 %"):
        pool(EVEN, level=95)
    with pytest.raises(InputError, match="between 0 and 1, found 0"):
        pool_many([[0, 1]], [[1, 1]], level=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "FE"}, "an estimator out of EE, DL"),
        ({"test": "knha"}, "a test out of knapp-hartung"),
        ({"prediction": "normal"}, "a prediction interval out of t-k2, test"),
    ],
)
def test_choices_that_do_not_exist_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pool(EVEN, **options)


def test_an_estimator_must_exist_for_the_kernel_too() -> None:
    with pytest.raises(InputError, match="an estimator out of"):
        between_variance(np.zeros((1, 2)), np.ones((1, 2)), "FE")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("yi", "vi", "message"),
    [
        ([[0.0, 1.0]], [[0.1, 0.0]], "variances above 0"),
        ([[0.0, np.nan]], [[0.1, 0.1]], "finite effect sizes"),
        ([0.0, 1.0], [0.1, 0.1], "arrays of one shape"),
        ([[0.0]], [[0.1]], "rows of 2 or more"),
        ([[0.0, 1.0]], [[0.1, 0.1, 0.1]], "arrays of one shape"),
    ],
)
def test_sets_that_cannot_be_pooled_are_refused(
    yi: ArrayLike, vi: ArrayLike, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pool_many(yi, vi)


def test_numbers_too_far_apart_are_refused() -> None:
    with pytest.raises(DataError, match="of comparable size"):
        pool(make([0.0, 1e200, 1.0], 1e-200))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"vi": [0.1, 0.0]}, r"row b: expected a sampling variance above 0, found 0"),
        ({"vi": [0.1, -1.0]}, r"row b: expected a sampling variance above 0, found -1"),
        ({"yi": [np.nan, 0.0]}, r"row a: expected a finite yi"),
        ({"yi": [0.0]}, "one yi for each of the 2 labels, found 1"),
        ({"measure": "RR"}, "a measure out of SMD"),
        ({"study": ["x"]}, "one study for each of the 2 labels"),
        ({"n_treated": [3.0]}, "one n_treated for each"),
    ],
)
def test_rows_that_are_wrong_are_refused(values: dict[str, Any], message: str) -> None:
    columns: dict[str, Any] = {"label": ["a", "b"], "yi": [0.0, 1.0], "vi": [0.1, 0.1]}
    with pytest.raises(InputError, match=message):
        Rows.of(**{**columns, **values})


def test_rows_of_different_measures_and_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match=r"rows of one measure, found ROM, SMD"):
        Rows.of(["a", "b"], [0, 1], [1, 1], measure=["SMD", "ROM"])
    with pytest.raises(DataError, match="at least one row"):
        Rows.of([], [], [])


def test_some_rows_keep_what_they_have() -> None:
    rows = Rows.of(
        ["a", "b", "c"],
        [1, 2, 3],
        [4, 5, 6],
        measure="ROM",
        study=["x", "y", "x"],
        n_treated=[7, 8, 9],
    )
    some = rows.take([2, 0])
    assert some.label == ("c", "a")
    assert some.study == ("x", "x")
    assert some.yi.tolist() == [3, 1]
    assert some.vi.tolist() == [6, 4]
    assert some.n_treated is not None
    assert some.n_treated.tolist() == [9, 7]
    assert some.n_control is None
    assert not some.yi.flags.writeable
    assert rows.to_dict()["yi"] == [1.0, 2.0, 3.0]
