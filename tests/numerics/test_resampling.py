"""Resampling kernels: against slow twins, by hand, and seeded."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.numerics import bootstrap_log_ratio_limits, permutation_sum_test, resample_rows


def slow_limits(x: np.ndarray, y: np.ndarray, rows: np.ndarray, level: float) -> list[float]:
    """The same limits by one loop per draw."""

    def log_ratio(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        part = a / a.mean() - b / b.mean()
        error = math.sqrt(sum(value**2 for value in part) / (len(a) - 1) / len(a))
        return math.log(a.mean() / b.mean()), error

    centre, error = log_ratio(x, y)
    pivots = []
    for row in rows:
        drawn, drawn_error = log_ratio(x[row], y[row])
        if drawn_error > 1e-9:
            pivots.append((drawn - centre) / drawn_error)
    low, high = np.quantile(pivots, [(1 - level) / 2, (1 + level) / 2])
    return [math.exp(centre - high * error), math.exp(centre - low * error)]


def test_batched_bootstrap_equals_its_slow_twin() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.lognormal(1, 0.5, (3, 6)), rng.lognormal(0, 0.3, (3, 6))
    limits = bootstrap_log_ratio_limits(x, y, level=0.9, draws=250, rng=np.random.default_rng(5))
    rows = resample_rows(6, 250, rng=np.random.default_rng(5))
    for study in range(3):
        expected = slow_limits(x[study], y[study], rows, 0.9)
        assert [limits[0][study], limits[1][study]] == pytest.approx(expected, rel=1e-9)


def test_animals_that_do_not_differ_have_limits_at_their_ratio() -> None:
    x = np.full(5, 3.0)
    limits = bootstrap_log_ratio_limits(
        x, np.ones(5), level=0.95, draws=50, rng=np.random.default_rng(1)
    )
    assert limits == pytest.approx((3.0, 3.0))


def test_a_mean_of_zero_has_no_limits_on_the_log_scale() -> None:
    limits = bootstrap_log_ratio_limits(
        np.zeros(5), np.ones(5), level=0.95, draws=50, rng=np.random.default_rng(1)
    )
    assert np.isnan(limits).all()


def test_a_permutation_test_looks_at_every_relabeling_where_it_can() -> None:
    scores = np.array([5.0, 3.0, 1.0, -2.0, -3.0, -4.0])
    p_value, looked_at, exact = permutation_sum_test(
        scores, 3, draws=10, rng=np.random.default_rng(1)
    )
    sums = [sum(scores[list(chosen)]) for chosen in combinations(range(6), 3)]
    # The observed sum 9 is the largest, its mirror −9 the smallest.
    assert p_value == sum(abs(value) >= 9 for value in sums) / 20 == 2 / 20
    assert (looked_at, exact) == (20, True)


def test_drawn_relabelings_follow_from_the_seed_and_count_the_observed_one() -> None:
    scores = np.linspace(-1, 1, 40)
    first = permutation_sum_test(scores, 20, draws=300, rng=np.random.default_rng(8))
    again = permutation_sum_test(scores, 20, draws=300, rng=np.random.default_rng(8))
    assert first == again == (1 / 301, 300, False)


def test_a_test_needs_two_groups() -> None:
    with pytest.raises(InputError, match="two groups"):
        permutation_sum_test(np.ones(3), 3, draws=10, rng=np.random.default_rng(1))
