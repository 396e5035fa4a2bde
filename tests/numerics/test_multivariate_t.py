"""The largest of correlated t statistics: closed forms, a table, two ways to one number."""

from __future__ import annotations

from itertools import combinations
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from oncovivo.errors import InputError
from oncovivo.numerics import multivariate_t
from oncovivo.numerics.multivariate_t import max_t, max_t_p_values, max_t_quantile

FloatArray: TypeAlias = NDArray[np.float64]

# Dunnett CW. Biometrics 1964;20:482, two-sided, equal groups, by number of treatments.
DUNNETT_5 = {
    10.0: {2: 2.57, 3: 2.76, 4: 2.89, 5: 2.99, 9: 3.24},
    20.0: {2: 2.38, 3: 2.54, 4: 2.65, 5: 2.73, 9: 2.95},
    np.inf: {2: 2.21, 3: 2.35, 4: 2.44, 5: 2.51, 9: 2.69},
}


def equal(k: int, rho: float = 0.5) -> FloatArray:
    return np.full((k, k), rho) + (1 - rho) * np.eye(k)


def against_control(sizes: list[int]) -> FloatArray:
    """Correlation of the differences from the first group's mean."""
    n = np.array(sizes, dtype=np.float64)
    share = np.sqrt(n[1:] / (n[1:] + n[0]))
    matrix = np.outer(share, share)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def all_pairs(groups: int) -> FloatArray:
    rows = np.zeros((groups * (groups - 1) // 2, groups))
    for row, (first, second) in enumerate(combinations(range(groups), 2)):
        rows[row, first], rows[row, second] = 1.0, -1.0
    return rows @ rows.T / 2


@pytest.mark.parametrize("df", [1.0, 5.5, 200.0, np.inf])
def test_one_statistic_is_a_t_test(df: float) -> None:
    test = max_t(np.array([-2.3]), np.eye(1), df)
    assert test.p_values[0] == pytest.approx(2 * stats.t.sf(2.3, df), rel=1e-12)
    assert test.critical == pytest.approx(stats.t.ppf(0.975, df), rel=1e-12)
    assert test.method == "t"


def test_independent_normal_statistics_multiply() -> None:
    c = np.array([0.05, 0.8, 2.0, 5.0, 9.0])
    alone = 2 * special.ndtr(-c)
    expected = -np.expm1(5 * np.log1p(-alone))
    assert max_t_p_values(c, np.eye(5), np.inf) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("df", [4.0, 30.0, np.inf])
def test_statistics_that_repeat_each_other_are_one(df: float) -> None:
    signs = np.array([1.0, -1.0, 1.0])
    c = np.array([0.3, 1.7, 4.0])
    p_values = max_t_p_values(c, np.outer(signs, signs), df)
    assert p_values == pytest.approx(2 * stats.t.sf(c, df), rel=1e-10)


def test_correlation_near_one_comes_near_one_statistic() -> None:
    alone = float(stats.t.ppf(0.975, 12.0))
    critical = [max_t_quantile(equal(4, rho), 12.0) for rho in (0.9, 0.99, 0.999)]
    assert critical[0] > critical[1] > critical[2] > alone
    assert critical[2] == pytest.approx(alone, abs=0.05)


@pytest.mark.parametrize(("df", "k"), [(df, k) for df, row in DUNNETT_5.items() for k in row])
def test_quantiles_meet_the_published_table_at_five_percent(df: float, k: int) -> None:
    assert max_t_quantile(equal(k), df) == pytest.approx(DUNNETT_5[df][k], abs=0.0051)


def test_another_program_finds_the_same_probability() -> None:
    matrix = against_control([5, 12, 3, 7])
    box = np.full(3, 2.3)
    inside = stats.multivariate_t(shape=matrix, df=11, seed=1).cdf(
        box, lower_limit=-box, maxpts=200_000
    )
    assert max_t_p_values(box, matrix, 11.0)[0] == pytest.approx(1 - inside, abs=1e-4)


@pytest.mark.parametrize("groups", [3, 4])
def test_all_pairs_are_the_studentized_range(groups: int) -> None:
    matrix = all_pairs(groups)
    c = np.linspace(0.5, 6.0, len(matrix))
    test = max_t(c, matrix, 28.0)
    expected = stats.studentized_range.sf(c * np.sqrt(2), groups, 28.0)
    assert test.method == "sphere"
    assert test.p_values == pytest.approx(expected, abs=5e-6)


def test_a_singular_correlation_of_higher_rank_goes_through_the_lattice() -> None:
    matrix = all_pairs(5)
    c = np.linspace(0.5, 5.0, len(matrix))
    test = max_t(c, matrix, 40.0)
    expected = stats.studentized_range.sf(c * np.sqrt(2), 5, 40.0)
    assert test.method == "quasi_monte_carlo"
    assert test.error < 1e-4
    assert np.abs(test.p_values - expected).max() < test.error


@pytest.mark.parametrize("sizes", [[8, 8, 8, 8], [5, 12, 3, 7], [20, 4, 4, 4]])
@pytest.mark.parametrize("df", [6.0, 31.5])
def test_factors_and_lattice_agree(sizes: list[int], df: float) -> None:
    matrix = against_control(sizes)
    c = np.linspace(0.2, 6.0, 12)
    quadrature = multivariate_t._tail(matrix, df)
    lattice = multivariate_t._Tail(matrix, df, "quasi_monte_carlo")
    assert quadrature.method == "one_factor"
    assert quadrature(c) == pytest.approx(lattice(c), abs=lattice.error)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_two_factors_and_lattice_agree(k: int) -> None:
    rng = np.random.default_rng(k)
    loadings = np.column_stack((rng.uniform(0.5, 0.8, k), rng.uniform(-0.35, 0.35, k)))
    matrix = loadings @ loadings.T
    np.fill_diagonal(matrix, 1.0)
    c = np.linspace(0.2, 6.0, 12)
    quadrature = multivariate_t._tail(matrix, 20.0)
    lattice = multivariate_t._Tail(matrix, 20.0, "quasi_monte_carlo")
    assert quadrature.method in ("one_factor", "two_factors")
    assert quadrature(c) == pytest.approx(lattice(c), abs=lattice.error + quadrature.error)


def test_what_factors_leave_of_a_correlation_moves_p_by_less_than_is_said() -> None:
    rng = np.random.default_rng(7)
    c = np.linspace(0.05, 6.0, 60)
    for _ in range(12):
        k = int(rng.integers(4, 9))
        loadings = np.column_stack((rng.uniform(0.5, 0.85, k), rng.uniform(-0.03, 0.03, k)))
        matrix = loadings @ loadings.T
        np.fill_diagonal(matrix, 1.0)
        near = multivariate_t._tail(matrix, np.inf)
        exact = multivariate_t._Tail(loadings, np.inf, "two_factors")
        assert near.method == "one_factor"
        assert np.abs(near(c) - exact(c)).max() < near.error < 1e-4


def test_the_quantile_has_the_probability_that_it_was_asked_for() -> None:
    for matrix in (against_control([6, 9, 4, 5]), all_pairs(4), equal(15)):
        for level in (0.8, 0.95, 0.999):
            critical = max_t_quantile(matrix, 17.0, level)
            p_values = max_t_p_values(np.full(len(matrix), critical), matrix, 17.0)
            assert p_values == pytest.approx(np.full(len(matrix), 1 - level), rel=1e-6)


def test_adjusted_p_lies_between_its_own_and_the_bound_of_bonferroni() -> None:
    matrix = against_control([7, 3, 11, 8, 5])
    c = np.array([0.0, 0.9, 8.0, 40.0])
    p_values = max_t_p_values(c, matrix, 9.0)
    alone = 2 * stats.t.sf(c, 9.0)
    assert (p_values >= alone).all()
    assert (p_values <= np.minimum(1.0, 4 * alone)).all()
    assert p_values[0] == 1.0


def test_order_and_sign_of_the_statistics_do_not_matter() -> None:
    matrix = against_control([6, 9, 4, 5, 8])
    statistic = np.array([2.1, -1.3, 0.4, 3.3])
    order = [2, 0, 3, 1]
    turned = matrix * np.outer([1, -1, 1, -1], [1, -1, 1, -1])
    expected = max_t_p_values(statistic, matrix, 21.0)
    assert max_t_p_values(-statistic, turned, 21.0) == pytest.approx(expected, abs=1e-9)
    shuffled = max_t_p_values(statistic[order], matrix[np.ix_(order, order)], 21.0)
    assert shuffled == pytest.approx(expected[order], abs=1e-9)


def test_a_lattice_result_is_the_same_at_every_call() -> None:
    matrix = all_pairs(5)
    c = np.linspace(1.0, 3.0, 10)
    assert max_t_p_values(c, matrix, 12.0).tolist() == max_t_p_values(c, matrix, 12.0).tolist()


def test_many_degrees_of_freedom_are_normal() -> None:
    c = np.array([1.0, 2.5])
    t = max_t_p_values(c, equal(2), 1e7)
    assert t == pytest.approx(max_t_p_values(c, equal(2), np.inf), abs=1e-6)


def test_a_statistic_without_a_number_stays_without() -> None:
    p_values = max_t_p_values(np.array([np.nan, 2.0]), equal(2), 10.0)
    assert np.isnan(p_values[0])
    assert 0 < p_values[1] < 1


@pytest.mark.parametrize(
    ("matrix", "df", "level", "match"),
    [
        (np.ones((2, 3)), 5.0, 0.95, "a correlation of shape"),
        (np.array([[1.0, 1.2], [1.2, 1.0]]), 5.0, 0.95, "entries from -1 to 1"),
        (np.array([[1.0, 0.2], [0.3, 1.0]]), 5.0, 0.95, "a symmetric correlation"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), 5.0, 0.95, "entries from -1 to 1"),
        (equal(3, -0.9), 5.0, 0.95, "without negative eigenvalues"),
        (np.eye(2), 0.0, 0.95, "degrees of freedom above 0"),
        (np.eye(2), np.nan, 0.95, "degrees of freedom above 0"),
        (np.eye(2), 5.0, 1.0, "a level between 0 and 1"),
    ],
)
def test_what_is_no_family_is_refused(
    matrix: FloatArray, df: float, level: float, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        max_t_quantile(matrix, df, level)
