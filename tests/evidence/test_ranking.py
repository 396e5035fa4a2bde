"""Ranks of effects with the ranks that the data do not exclude."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.evidence.meta.ranking import rank_effects


def test_two_effects_change_places_unless_their_difference_is_sure() -> None:
    # z = 1 / sqrt(.125 + .125) = 2.0 is beyond 1.96, and z = .9798 / .5 = 1.9596 is not
    sure = rank_effects(["a", "b"], [0.0, 1.0], [0.125, 0.125])
    assert [(one.best_rank, one.worst_rank) for one in sure] == [(1, 1), (2, 2)]
    open_ = rank_effects(["a", "b"], [0.0, 0.9798], [0.125, 0.125])
    assert [(one.best_rank, one.worst_rank) for one in open_] == [(1, 2), (1, 2)]


def test_three_effects_pay_for_three_comparisons() -> None:
    # Bonferroni over 3 pairs: 2.3940 instead of 1.9600
    critical = float(stats.norm.isf(0.025 / 3))
    assert critical == pytest.approx(2.39398, abs=1e-5)
    just = math.sqrt(2.0) * critical
    ranked = rank_effects(["a", "b", "c"], [0.0, just + 1e-9, 100.0], [1.0, 1.0, 1.0])
    assert [(one.best_rank, one.worst_rank) for one in ranked] == [(1, 1), (2, 2), (3, 3)]
    ranked = rank_effects(["a", "b", "c"], [0.0, just - 1e-9, 100.0], [1.0, 1.0, 1.0])
    assert [(one.best_rank, one.worst_rank) for one in ranked] == [(1, 2), (1, 2), (3, 3)]


def test_ties_share_a_rank_and_order_does_not_matter() -> None:
    one = rank_effects(["b", "a", "c"], [0.1, 0.1, 0.0], [0.5, 0.2, 0.1])
    assert [(found.name, found.rank) for found in one] == [("c", 1), ("a", 2), ("b", 2)]
    assert one == rank_effects(["c", "a", "b"], [0.0, 0.1, 0.1], [0.1, 0.2, 0.5])


def test_all_sets_of_ranks_hold_the_true_ranks_together_at_the_level() -> None:
    rng = np.random.default_rng(20261123)
    truth = np.array([0.0, 0.0, 0.2, 0.5, 0.5])
    variance = np.array([0.04, 0.01, 0.04, 0.02, 0.05])
    # Of tied effects every rank of the tie is a true one.
    low = [1, 1, 3, 4, 4]
    high = [2, 2, 3, 5, 5]
    names = list("abcde")
    n, held = 4000, 0
    for _ in range(n):
        drawn = truth + rng.normal(size=5) * np.sqrt(variance)
        found = {one.name: one for one in rank_effects(names, drawn.tolist(), variance.tolist())}
        held += all(
            found[name].best_rank <= low[i] and found[name].worst_rank >= high[i]
            for i, name in enumerate(names)
        )
    # At least the level, less three Monte Carlo errors of .0034.
    assert held / n >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / n)


def test_one_effect_is_first_and_none_are_nothing() -> None:
    only = rank_effects(["a"], [0.3], [1.0])
    assert (only[0].rank, only[0].best_rank, only[0].worst_rank) == (1, 1, 1)
    assert rank_effects([], [], []) == ()


@pytest.mark.parametrize(
    ("names", "estimates", "variances", "match"),
    [
        (["a", "a"], [0.0, 1.0], [1.0, 1.0], "each name once"),
        (["a", "b"], [0.0], [1.0, 1.0], "one estimate"),
        (["a"], [math.nan], [1.0], "finite estimate"),
        (["a"], [0.0], [0.0], "variance above 0"),
    ],
)
def test_what_cannot_be_ranked_is_one_line(
    names: list[str], estimates: list[float], variances: list[float], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        rank_effects(names, estimates, variances)


def test_a_level_lies_between_0_and_1() -> None:
    with pytest.raises(InputError, match="level between 0 and 1"):
        rank_effects(["a"], [0.0], [1.0], level=1.0)
