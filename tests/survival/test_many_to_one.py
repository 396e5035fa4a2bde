"""Each arm against the control: pairs, covariance by hand and by relabeling, adjusted p-values."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oncovivo.errors import InputError
from oncovivo.survival.many_to_one import ManyToOne, many_to_one
from oncovivo.survival.rank_tests import rank_test
from oncovivo.survival.relabeling import relabelings


def _study(
    seed: int, *, per_arm: int = 8, n_arms: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in whole weeks with ties and censoring, later in higher arms."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_arms), per_arm)
    time = np.ceil(rng.exponential(4 + 2 * group))
    end = rng.integers(3, 15, group.size)
    return np.minimum(time, end).astype(float), time <= end, group


def _column(found: ManyToOne, name: str) -> list[Any]:
    """One field of every arm."""
    return [getattr(arm, name) for arm in found.arms]


@pytest.mark.parametrize(("rho", "gamma"), [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)])
def test_each_statistic_is_the_rank_test_of_the_pair(rho: float, gamma: float) -> None:
    time, event, group = _study(1)
    strata = np.arange(time.size) % 3
    found = many_to_one(time, event, group, control=1, strata=strata, rho=rho, gamma=gamma)
    assert _column(found, "arm") == [0, 2, 3]
    for arm in found.arms:
        pair = (group == 1) | (group == arm.arm)
        alone = rank_test(
            time[pair],
            event[pair],
            (group[pair] == arm.arm).astype(int),
            strata=strata[pair],
            rho=rho,
            gamma=gamma,
        )
        assert arm.chi_squared == pytest.approx(alone.statistic)
        assert arm.p_value == pytest.approx(alone.p_value)
        assert arm.z is not None
        assert math.copysign(1, arm.z) == math.copysign(1, alone.observed[1] - alone.expected[1])


def test_one_arm_needs_no_adjustment() -> None:
    time, event, group = _study(2, n_arms=2)
    for method in ("asymptotic", "permutation"):
        (arm,) = many_to_one(time, event, group, method=method).arms
        assert arm.p_adjusted == pytest.approx(arm.p_value, rel=1e-12)
        assert arm.p_holm == pytest.approx(arm.p_value, rel=1e-12)


@pytest.mark.parametrize("method", ["asymptotic", "permutation"])
@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_values_lie_between_unadjusted_ones_and_bonferroni(
    seed: int, method: str
) -> None:
    time, event, group = _study(seed)
    rng = np.random.default_rng(seed)
    found = many_to_one(time, event, group, method=method, rng=rng, draws=2_000)  # type: ignore[arg-type]
    for arm in found.arms:
        assert arm.p_value is not None
        assert arm.p_adjusted is not None
        assert arm.p_holm is not None
        assert arm.p_value <= arm.p_adjusted + 1e-12
        # the relabelings' count of any arm is at most the sum of those of each
        slack = 0.0 if method == "asymptotic" else 4 * arm.monte_carlo_error
        assert arm.p_adjusted <= min(3 * arm.p_value, 1) + slack + 1e-6
        assert arm.p_value <= arm.p_holm <= min(3 * arm.p_value, 1) + 1e-12


def test_the_covariance_by_hand() -> None:
    # Two animals an arm; events at 1 in the control, at 2 in arm 1, at 3 in arm 2.
    time = np.array([1.0, 5, 2, 5, 3, 5])
    event = np.array([True, False, True, False, True, False])
    found = many_to_one(time, event, np.array([0, 0, 1, 1, 2, 2]))
    # At risk (control, arm 1, arm 2): (2, 2, 2), (1, 2, 2), (1, 1, 2); K is 1 / Y.
    joint = 2 * 2 * 2 / (4 * 4) / 6 + 2 * 2 * 1 / (3 * 3) / 5 + 1 * 2 * 1 / (2 * 3) / 4
    first = 2 * 2 / 4 / 6 + 2 * 1 / 3 / 5 + 1 * 1 / 2 / 4
    second = 2 * 2 / 4 / 6 + 2 * 1 / 3 / 5 + 2 * 1 / 3 / 4
    assert found.correlation[0][1] == pytest.approx(joint / math.sqrt(first * second))
    assert found.correlation[0][0] == 1


def test_without_ties_and_censoring_equal_arms_correlate_by_one_half() -> None:
    rng = np.random.default_rng(4)
    group, event = np.arange(300) % 3, np.ones(300, dtype=bool)
    found = [many_to_one(rng.exponential(size=300), event, group) for _ in range(100)]
    values = np.array([study.correlation[0][1] for study in found])
    assert values.std() / 10 < 0.005
    assert values.mean() == pytest.approx(0.5, abs=0.015)


def test_the_correlation_is_that_of_relabeled_statistics() -> None:
    # unequal arms, ties and censoring; over relabelings the scores have this correlation
    rng = np.random.default_rng(5)
    group = np.repeat([0, 1, 2], [30, 15, 15])
    time = np.ceil(rng.exponential(5, 60))
    event = rng.random(60) < 0.7
    rows, exact = relabelings(group, np.zeros(60, dtype=int), draws=1_500, rng=rng)
    assert not exact
    fits = [many_to_one(time, event, row) for row in rows]
    z = np.array([_column(fit, "z") for fit in fits])
    stated = np.mean([fit.correlation[0][1] for fit in fits])
    # standard error of a correlation of a third from 1500 pairs: 0.023
    assert np.corrcoef(z.T)[0, 1] == pytest.approx(stated, abs=0.08)
    assert stated == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize("method", ["asymptotic", "permutation"])
def test_the_order_and_codes_of_arms_do_not_matter(method: str) -> None:
    time, event, group = _study(6, per_arm=3, n_arms=3)
    codes = np.array([7, -2, 4])
    found = many_to_one(time, event, group, method=method)  # type: ignore[arg-type]
    other = many_to_one(time, event, codes[group], control=7, method=method)  # type: ignore[arg-type]
    assert other.control == 7
    assert _column(other, "arm") == [-2, 4]
    for name in ("z", "p_value", "p_adjusted", "p_holm"):
        assert _column(other, name) == pytest.approx(_column(found, name), rel=1e-9)


def test_relabelings_are_all_distinct_arrangements() -> None:
    labels, strata = np.array([0, 1, 2, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
    rows, exact = relabelings(labels, strata, draws=99)
    # six arrangements of three labels, three of two ones and a zero
    expected = {
        first + second
        for first in itertools.permutations((0, 1, 2))
        for second in itertools.permutations((1, 0, 1))
    }
    assert exact
    assert len(rows) == 18
    assert {tuple(row) for row in rows.tolist()} == expected


def test_the_largest_statistic_of_two_and_two_and_two_by_enumeration() -> None:
    time = np.array([1.0, 3, 4, 6, 5, 7])
    event = np.array([True, True, True, True, False, True])
    group = np.array([0, 0, 1, 1, 2, 2])
    found = many_to_one(time, event, group, method="permutation")
    largest = []
    for labels in sorted(set(itertools.permutations(group.tolist()))):
        sizes = []
        for arm in (1, 2):
            pair = np.isin(labels, (0, arm))
            labeled = (np.array(labels)[pair] == arm).astype(int)
            sizes.append(rank_test(time[pair], event[pair], labeled).statistic or 0.0)
        largest.append(max(sizes))
    assert (found.exact, found.n_relabelings) == (True, 90)
    for tested in found.arms:
        assert tested.chi_squared is not None
        far = sum(size >= tested.chi_squared - 1e-8 for size in largest)
        assert tested.p_adjusted == pytest.approx(far / 90)
        assert tested.monte_carlo_error == 0


def test_drawn_relabelings_agree_with_the_normal_limit_and_state_their_error() -> None:
    rng = np.random.default_rng(8)
    group = np.repeat([0, 1, 2], 40)
    time = rng.exponential(np.where(group == 2, 1.5, 1.0))
    event = np.ones(120, dtype=bool)
    drawn = many_to_one(time, event, group, method="permutation", rng=rng, draws=2_000)
    limit = many_to_one(time, event, group)
    for one, other in zip(drawn.arms, limit.arms, strict=True):
        assert one.p_adjusted is not None
        assert one.p_adjusted == pytest.approx(other.p_adjusted, abs=0.04)
        share = one.p_adjusted
        assert one.monte_carlo_error == pytest.approx(math.sqrt(share * (1 - share) / 2_000))
        assert share * 2_001 == pytest.approx(round(share * 2_001))


def test_the_familywise_error_is_held() -> None:
    rng = np.random.default_rng(9)
    group, studies = np.repeat([0, 1, 2, 3], 20), 1_500
    wrong = unadjusted = 0
    for _ in range(studies):
        time, end = rng.exponential(size=80), rng.uniform(0.5, 3, 80)
        found = many_to_one(np.minimum(time, end), time <= end, group)
        wrong += min(_column(found, "p_adjusted")) <= 0.05
        unadjusted += min(_column(found, "p_value")) <= 0.05
    # Monte Carlo standard error 0.006
    assert stats.binomtest(wrong, studies, 0.05).pvalue > 0.001
    assert unadjusted / studies > 0.09


def test_an_arm_that_cannot_be_compared_is_set_apart() -> None:
    # arm 2 left before the first event
    time = np.array([2.0, 3, 4, 5, 1, 1])
    event = np.array([True, True, True, True, False, False])
    group = np.array([0, 0, 1, 1, 2, 2])
    for method in ("asymptotic", "permutation"):
        found = many_to_one(time, event, group, method=method)
        assert found.arms[1].status == "not_estimable"
        assert found.arms[1].p_adjusted is None
        assert found.arms[0].status == "ok"
        assert found.correlation == ((1.0,),)
        plain = json.loads(json.dumps(found.to_dict()))
        assert "no event" in plain["arms"][1]["reason"]
    nothing = many_to_one(time, np.zeros(6, dtype=bool), group)
    assert _column(nothing, "status") == ["not_estimable", "not_estimable"]
    assert nothing.correlation == ()


def test_bad_input_is_refused() -> None:
    time, event, group = _study(1)
    with pytest.raises(InputError, match="animals of the control"):
        many_to_one(time, event, group, control=9)
    with pytest.raises(InputError, match="beside the control"):
        many_to_one(time, event, np.zeros_like(group))
    with pytest.raises(InputError, match="whole number"):
        many_to_one(time, event, group + 0.5)
    with pytest.raises(InputError, match="a stratum for each"):
        many_to_one(time, event, group, strata=[1, 2])
    with pytest.raises(InputError, match="rho and gamma"):
        many_to_one(time, event, group, rho=-1)
    with pytest.raises(InputError, match="asymptotic or permutation"):
        many_to_one(time, event, group, method="exact")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="source of randomness"):
        many_to_one(time, event, group, method="permutation")
    with pytest.raises(InputError, match="99 draws"):
        many_to_one(time, event, group, method="permutation", rng=np.random.default_rng(), draws=9)
    with pytest.raises(InputError, match="0 or later"):
        many_to_one(-time, event, group)
