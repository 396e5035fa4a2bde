"""Correlations of marker and response among animals, within arms and pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.biomarkers.timing import MarkerTiming
from oncovivo.biomarkers.within_study import correlate_marker
from oncovivo.errors import InputError


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


def _trap(n: int = 10) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Treatment lowers marker and response; within arms they are independent."""
    rng = np.random.default_rng(11)
    arm = ["vehicle"] * n + ["drug"] * n
    marker = np.repeat([1.0, 0.2], n) + 0.1 * rng.normal(size=2 * n)
    rate = np.repeat([0.10, 0.04], n) + 0.01 * rng.normal(size=2 * n)
    return marker, rate, arm


def test_a_perfect_order_of_five_animals_has_two_orders_of_120_as_far_out() -> None:
    found = correlate_marker(np.arange(5.0), np.arange(5.0) ** 3, ["a"] * 5, rng=_rng())
    assert found.estimate == pytest.approx(1.0)
    assert found.p_method == "exact"
    # 1 2 3 4 5 and its reverse, of 5! orders.
    assert found.p_value == pytest.approx(2 / 120)
    # No transform of a correlation of 1.
    assert found.lower is None


def test_exact_p_within_arms_counts_orders_of_each_arm() -> None:
    # Two arms of three in perfect order: ends of 3! x 3! orders that reach |sum| = 4.
    found = correlate_marker(
        np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
        np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]),
        ["a"] * 3 + ["b"] * 3,
        method="pearson",
        rng=_rng(),
    )
    assert found.p_value == pytest.approx(2 / 36)
    assert found.p_method == "exact"


def test_the_partial_correlation_is_that_of_the_inverse_correlation_matrix() -> None:
    marker, rate, _ = _trap()
    arm = ["a"] * 6 + ["b"] * 7 + ["c"] * 7
    found = correlate_marker(marker, rate, arm, rng=_rng())
    dummies = [[float(name == other) for name in arm] for other in ("b", "c")]
    columns = np.array([stats.rankdata(marker), stats.rankdata(rate), *dummies])
    inverse = np.linalg.inv(np.corrcoef(columns))
    partial = -inverse[0, 1] / math.sqrt(inverse[0, 0] * inverse[1, 1])
    assert found.estimate == pytest.approx(partial, abs=1e-12)
    # n - 2 - two dummies.
    t = partial * math.sqrt(16 / (1 - partial**2))
    assert found.p_value_t == pytest.approx(2 * stats.t.sf(abs(t), 16), rel=1e-9)


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_pooled_is_the_plain_correlation_of_scipy(method: str) -> None:
    marker, rate, arm = _trap()
    chosen = "spearman" if method == "spearman" else "pearson"
    found = correlate_marker(
        marker,
        rate,
        arm,
        scope="pooled",
        method="spearman" if chosen == "spearman" else "pearson",
        rng=_rng(),
    )
    plain = stats.spearmanr(marker, rate) if chosen == "spearman" else stats.pearsonr(marker, rate)
    assert found.estimate == pytest.approx(plain.statistic, abs=1e-12)
    assert found.p_value_t == pytest.approx(plain.pvalue, rel=1e-9)


def test_limits_are_fishers_and_wider_for_ranks() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    y = np.array([2.0, 1.0, 4.0, 3.0, 6.0, 5.0, 7.0])
    # Both are ranks: r = 1 - 6 * 6 / (7 * 48), n - 3 = 4.
    r = 1 - 36 / 336
    z = stats.norm.ppf(0.975)
    for method, widening in (("pearson", 1.0), ("spearman", 1 + r * r / 2)):
        found = correlate_marker(
            x, y, ["a"] * 7, method="pearson" if method == "pearson" else "spearman", rng=_rng()
        )
        error = math.sqrt(widening / 4)
        assert found.estimate == pytest.approx(r)
        assert found.lower == pytest.approx(math.tanh(math.atanh(r) - z * error))
        assert found.upper == pytest.approx(math.tanh(math.atanh(r) + z * error))
        assert found.std_error == pytest.approx((1 - r * r) * error)


def test_each_arm_beyond_the_first_costs_a_degree_of_freedom_of_the_limits() -> None:
    marker, rate, arm = _trap()
    found = correlate_marker(marker, rate, arm, method="pearson", rng=_rng())
    assert found.estimate is not None
    reach = stats.norm.ppf(0.975) / math.sqrt(20 - 3 - 1)
    assert found.upper == pytest.approx(math.tanh(math.atanh(found.estimate) + reach))


def test_pooling_arms_finds_what_is_not_there_and_says_so() -> None:
    marker, rate, arm = _trap()
    pooled = correlate_marker(marker, rate, arm, scope="pooled", rng=_rng())
    within = correlate_marker(marker, rate, arm, rng=_rng())
    assert pooled.p_value is not None
    assert within.p_value is not None
    assert pooled.p_value < 0.01
    assert pooled.status == "flagged"
    assert "mixes what treatment does" in pooled.reason
    assert [remark.code for remark in pooled.remarks] == ["pooled_over_arms"]
    assert within.p_value > 0.2
    assert within.status == "ok"
    assert within.scope == "within_arm"


def test_the_order_of_animals_and_names_of_arms_do_not_matter() -> None:
    marker, rate, arm = _trap()
    first = correlate_marker(marker, rate, arm, rng=_rng())
    order = np.random.default_rng(3).permutation(20)
    again = correlate_marker(
        marker[order], rate[order], [arm[place] for place in order], rng=_rng()
    )
    assert again == first
    # Other names in the same alphabetical order of arms.
    named = correlate_marker(marker, rate, [f"x {name}" for name in arm], rng=_rng())
    assert named == first


def test_ranks_do_not_see_the_scale_of_the_marker() -> None:
    marker, rate, arm = _trap()
    first = correlate_marker(marker, rate, arm, rng=_rng())
    logs = correlate_marker(np.exp(3 * marker), rate, arm, rng=_rng())
    turned = correlate_marker(-marker, rate, arm, rng=_rng())
    assert logs.estimate == pytest.approx(first.estimate)
    assert logs.p_value == first.p_value
    assert turned.estimate == pytest.approx(-(first.estimate or 0.0))


def test_drawn_orders_agree_with_all_of_them() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=8)
    y = x + rng.normal(size=8)
    exact = correlate_marker(x, y, ["a"] * 8, method="pearson", rng=_rng())
    assert exact.p_method == "exact"
    # The same eight, and a ninth in an arm of its own, which has no order to change but makes
    # one factor of 1: still exact; two more arms of eight make it drawn.
    drawn = correlate_marker(
        np.concatenate((x, x)),
        np.concatenate((y, y)),
        ["a"] * 8 + ["b"] * 8,
        method="pearson",
        draws=999,
        rng=_rng(),
    )
    assert drawn.p_method == "permutation"
    assert drawn.p_value is not None
    assert exact.p_value is not None
    assert 1 / 1000 <= drawn.p_value < exact.p_value


def test_drawn_orders_stay_within_their_arm() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=10)
    y = x + rng.normal(size=10)
    alone = correlate_marker(x, y, ["a"] * 10, method="pearson", rng=_rng())
    # A second arm whose marker does not vary has nothing to exchange, whatever its response.
    both = correlate_marker(
        np.append(x, np.zeros(10)),
        np.append(y, 50 * rng.normal(size=10)),
        ["a"] * 10 + ["b"] * 10,
        method="pearson",
        rng=_rng(),
    )
    assert (alone.p_method, both.p_method) == ("permutation", "permutation")
    assert alone.p_value is not None
    assert alone.p_value < 0.05
    # Both are shares of 9,999 drawn orders: errors of 0.002.
    assert both.p_value == pytest.approx(alone.p_value, abs=0.01)


def test_the_test_within_arms_keeps_its_level_whatever_treatment_does() -> None:
    rng = np.random.default_rng(8)
    arm = ["a"] * 6 + ["b"] * 6
    p_values = []
    for _ in range(300):
        shift = np.repeat([0.0, 5.0], 6)
        x, y = shift + rng.normal(size=12), shift + rng.normal(size=12)
        found = correlate_marker(x, y, arm, draws=99, rng=rng)
        p_values.append(found.p_value or 1.0)
    share = float(np.mean(np.array(p_values) <= 0.05))
    # Binomial of 300 at 5 %: within 3.5 errors.
    assert abs(share - 0.05) < 3.5 * math.sqrt(0.05 * 0.95 / 300)
    assert abs(float(np.mean(p_values)) - 0.5) < 0.06


def test_animals_without_one_of_the_two_do_not_enter() -> None:
    marker, rate, arm = _trap()
    marker[0] = np.nan
    found = correlate_marker(marker, rate, arm, rng=_rng())
    assert found.n_animals == 19
    assert [remark.code for remark in found.remarks] == ["animals_not_used"]
    assert found.estimate == correlate_marker(marker[1:], rate[1:], arm[1:], rng=_rng()).estimate


def test_a_marker_that_is_the_treatment_says_nothing_within_arms() -> None:
    _, rate, arm = _trap()
    found = correlate_marker(np.repeat([1.0, 0.0], 10), rate, arm, rng=_rng())
    assert found.status == "undefined"
    assert found.estimate is None
    assert "does not vary within arms" in found.reason


def test_too_few_animals_are_undefined_not_an_error() -> None:
    found = correlate_marker(np.array([1.0, 2.0]), np.array([1.0, 2.0]), ["a", "b"], rng=_rng())
    assert found.status == "undefined"
    assert "too few" in found.reason
    assert {remark.code for remark in found.remarks} == {"single_animals"}


def test_a_marker_from_after_the_first_dose_is_flagged_with_the_reason() -> None:
    marker, rate, arm = _trap()
    late = MarkerTiming(days=(0.0, 7.0), first_treatment=0.0)
    found = correlate_marker(
        marker, rate, arm, timing=late, names=("pS6", "growth rate"), rng=_rng()
    )
    assert found.status == "flagged"
    assert found.reason.startswith("pS6 was measured on day 7, after treatment began on day 0")
    assert found.to_dict()["warnings"] == [
        {
            "code": "measured_after_treatment",
            "message": found.reason,
            "arm": None,
            "animal_id": None,
            "rows": [],
        }
    ]
    early = MarkerTiming(days=(-1.0, 0.0), first_treatment=0.0)
    assert correlate_marker(marker, rate, arm, timing=early, rng=_rng()).status == "ok"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"arm": ["a"]}, "for each of 1 animals"),
        ({"method": "kendall"}, "spearman"),
        ({"scope": "all"}, "within_arm"),
        ({"level": 1.0}, "between 0 and 1"),
        ({"draws": 0}, "one draw"),
    ],
)
def test_bad_input_is_one_clear_line(change: dict[str, object], match: str) -> None:
    marker, rate, arm = _trap()
    options: dict[str, object] = {"arm": arm, "rng": _rng(), **change}
    with pytest.raises(InputError, match=match):
        correlate_marker(marker, rate, **options)  # type: ignore[arg-type]  # wrong on purpose
