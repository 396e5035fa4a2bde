"""The rank test in which leaving is the worst outcome."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from oncovivo.growth.worst_rank import Outcome, WorstRank, worst_rank_test


def rank(treated: list[Outcome], control: list[Outcome], *, seed: int = 1) -> WorstRank:
    return worst_rank_test(treated, control, draws=5000, rng=np.random.default_rng(seed))


def stayed(*changes: float) -> list[Outcome]:
    return [Outcome(change=change) for change in changes]


def left(*days: float) -> list[Outcome]:
    return [Outcome(left=day) for day in days]


def test_three_and_three_by_hand() -> None:
    # From best: T 0.2, C 0.5, T 0.9, then left on day 20 (T), 15 (C), 10 (C).
    # Treated do better in 3 + 2 + 2 = 7 of 9 pairs.
    found = rank([*stayed(0.2, 0.9), *left(20.0)], [*stayed(0.5), *left(15.0, 10.0)])
    assert found.superiority == pytest.approx(7 / 9)
    # Sums of ranks as far from 10.5 as 1 + 3 + 4 = 8: counted over all 20 relabelings.
    far = sum(abs(sum(chosen) - 10.5) >= 2.5 for chosen in combinations(range(1, 7), 3))
    assert found.p_value == pytest.approx(far / 20)
    assert found.smallest_p == pytest.approx(0.1)
    assert (found.n_treated_left, found.n_control_left) == (1, 2)


def test_leaving_is_worse_than_any_growth_and_earlier_is_worse() -> None:
    assert rank(left(20.0), stayed(50.0)).superiority == 0.0
    assert rank(left(20.0), left(10.0)).superiority == 1.0


def test_ties_count_half_and_all_relabelings_are_looked_at() -> None:
    found = rank(left(10.0, 10.0), left(10.0, 10.0))
    assert (found.superiority, found.p_value, found.method) == (0.5, 1.0, "exact_permutation")


def test_many_tied_animals_are_sampled_from_the_seed() -> None:
    treated, control = [*stayed(*np.arange(10.0)), *left(7.0, 7.0)], left(*[14.0] * 12)
    found = rank(treated, control)
    assert found.method == "permutation"
    assert found == rank(treated, control)
    assert found.p_value is not None
    assert 0 < found.p_value < 0.01


def test_an_arm_without_animals_has_no_test() -> None:
    found = rank([], stayed(1.0))
    assert (found.p_value, found.superiority, found.method) == (None, None, "none")
    assert "no animal" in found.reason


def test_exchanging_the_arms_turns_the_superiority_only() -> None:
    one = rank(stayed(0.1, 0.7, 1.3), [*stayed(0.9, 2.0), *left(9.0)])
    two = rank([*stayed(0.9, 2.0), *left(9.0)], stayed(0.1, 0.7, 1.3))
    assert one.p_value == two.p_value
    assert one.superiority is not None
    assert two.superiority == pytest.approx(1 - one.superiority)
