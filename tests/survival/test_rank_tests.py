"""Rank tests: closed form by hand, exact relabeling, batches, and against R's survdiff."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.permutation import log_rank_animal_scores, permutation_rank_test
from oncovivo.survival.rank_tests import log_rank_many, rank_test, trend_test

ALL = np.ones(6, dtype=bool)
SIX = np.array([2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
APART = np.array([0, 0, 0, 1, 1, 1])


def test_two_sample_log_rank_by_hand() -> None:
    # Control at risk 3 of 6, 2 of 5, 1 of 4, then none: expected 0.5 + 0.4 + 0.25.
    test = rank_test(SIX, ALL, APART)
    variance = 0.25 + 0.24 + 0.1875
    assert test.expected[0] == pytest.approx(1.15)
    assert test.statistic == pytest.approx((3 - 1.15) ** 2 / variance)
    assert test.df == 1


def test_ties_enter_with_the_hypergeometric_variance() -> None:
    # One time with 2 events among 4, of which 2 are controls, both of the events.
    time = np.array([1.0, 1.0, 2.0, 2.0])
    test = rank_test(time, np.array([True, True, False, False]), np.array([0, 0, 1, 1]))
    assert test.statistic == pytest.approx((2 - 1) ** 2 / (2 * 0.5 * 0.5 * (4 - 2) / (4 - 1)))


def test_weights_are_powers_of_survival_just_before_the_event() -> None:
    # Survival before the events is 1, 5/6, 4/6, ...: the control's weighted events by hand.
    test = rank_test(SIX, ALL, APART, rho=1)
    assert test.observed[0] == pytest.approx(1 + 5 / 6 + 4 / 6)
    late = rank_test(SIX, ALL, APART, gamma=1)
    assert late.observed[0] == pytest.approx(0 + 1 / 6 + 2 / 6)


def test_strata_add_scores_and_compare_only_within() -> None:
    twice = np.concatenate([SIX, SIX + 0.5])
    strata = np.repeat([0, 1], 6)
    once = rank_test(SIX, ALL, APART)
    both = rank_test(twice, np.ones(12, dtype=bool), np.tile(APART, 2), strata=strata)
    assert once.statistic is not None
    assert both.statistic == pytest.approx(2 * once.statistic)


def test_late_entry_takes_an_animal_out_of_earlier_risk_sets() -> None:
    entry = np.array([0.0, 0, 0, 2.5, 0, 0])
    test = rank_test(SIX, ALL, APART, entry=entry)
    assert test.expected[0] == pytest.approx(3 / 5 + 2 / 5 + 1 / 4)


def test_trend_of_two_groups_is_the_log_rank_test() -> None:
    two = rank_test(SIX, ALL, APART)
    trend = trend_test(SIX, ALL, APART, np.array([0.0, 10.0]))
    assert trend.statistic == pytest.approx(two.statistic)
    assert trend.direction is not None
    assert trend.direction < 0


def test_trend_is_larger_where_hazards_are_ordered_by_dose() -> None:
    time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    group = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    ordered = trend_test(time, np.ones(9, dtype=bool), group, np.array([0.0, 1, 2]))
    mixed = trend_test(time, np.ones(9, dtype=bool), group, np.array([1.0, 0, 2]))
    assert ordered.statistic is not None
    assert mixed.statistic is not None
    assert ordered.statistic > mixed.statistic


def test_without_events_there_is_no_statistic_and_a_reason() -> None:
    test = rank_test(SIX, ~ALL, APART)
    assert (test.statistic, test.p_value, test.status) == (None, None, "not_estimable")
    assert test.to_dict()["reason"]


def test_batches_agree_with_single_tests() -> None:
    rng = np.random.default_rng(1)
    time = rng.integers(1, 9, size=(40, 12)).astype(float)
    event = rng.random((40, 12)) < 0.7
    group = np.repeat([0, 1, 2], 4)
    statistic, df, p_value = log_rank_many(time, event, group)
    for row in range(40):
        single = rank_test(time[row], event[row], group)
        assert df[row] == single.df
        assert statistic[row] == pytest.approx(single.statistic or 0.0, rel=1e-9, abs=1e-12)
        assert p_value[row] == pytest.approx(1.0 if single.p_value is None else single.p_value)


def test_animal_scores_sum_to_observed_minus_expected() -> None:
    time = np.array([1.0, 1, 2, 3, 3, 5])
    event = np.array([True, True, False, True, False, True])
    scores = log_rank_animal_scores(time, event, rho=1)
    test = rank_test(time, event, APART, rho=1)
    assert scores.sum() == pytest.approx(0)
    assert scores[:3].sum() == pytest.approx(test.observed[0] - test.expected[0])


def test_permutation_of_three_and_three_by_enumeration() -> None:
    event = np.array([True, True, True, True, False, True])
    found = permutation_rank_test(SIX, event, APART, rng=np.random.default_rng(0))
    # Observed minus expected of each of the 20 labelings, from the test itself.
    sizes = []
    for chosen in itertools.combinations(range(6), 3):
        group = np.zeros(6, dtype=int)
        group[list(chosen)] = 1
        test = rank_test(SIX, event, group)
        sizes.append(abs(test.observed[1] - test.expected[1]))
    observed = rank_test(SIX, event, APART)
    distance = abs(observed.observed[1] - observed.expected[1])
    far = sum(size >= distance - 1e-9 for size in sizes)
    assert found.exact
    assert found.n_relabelings == 20
    assert found.p_value == far / 20


def test_groups_that_do_not_overlap_have_the_smallest_two_sided_p_value() -> None:
    found = permutation_rank_test(SIX, ALL, APART, rng=np.random.default_rng(0))
    assert found.p_value == 2 / 20


def test_eight_and_eight_are_enumerated() -> None:
    rng = np.random.default_rng(2)
    time, event = rng.exponential(size=16), np.ones(16, dtype=bool)
    found = permutation_rank_test(time, event, np.repeat([0, 1], 8), rng=rng)
    assert (found.exact, found.n_relabelings) == (True, 12_870)


def test_three_groups_are_compared_by_all_their_relabelings() -> None:
    group = np.array([0, 0, 1, 1, 2, 2])
    found = permutation_rank_test(SIX, ALL, group, rng=np.random.default_rng(0))
    assert (found.exact, found.n_relabelings, found.score) == (True, 90, None)
    scores = log_rank_animal_scores(SIX, ALL)
    sums = [
        sum(scores[np.array(labels) == code].sum() ** 2 for code in range(3))
        for labels in set(itertools.permutations(group.tolist()))
    ]
    seen = sum(scores[group == code].sum() ** 2 for code in range(3))
    assert found.p_value == np.mean([value >= seen - 1e-12 for value in sums])


def test_animals_with_one_time_are_all_alike() -> None:
    found = permutation_rank_test(
        np.full(10, 7.0),
        np.ones(10, dtype=bool),
        np.repeat([0, 1], 5),
        rng=np.random.default_rng(0),
    )
    assert found.p_value == 1


def test_many_animals_are_drawn_and_the_error_is_stated() -> None:
    rng = np.random.default_rng(3)
    time, event = rng.exponential(size=40), np.ones(40, dtype=bool)
    group = np.repeat([0, 1], 20)
    found = permutation_rank_test(time, event, group, rng=np.random.default_rng(4), draws=4_999)
    log_rank = rank_test(time, event, group).p_value
    assert not found.exact
    assert found.monte_carlo_error == pytest.approx(
        math.sqrt(found.p_value * (1 - found.p_value) / 4_999)
    )
    assert found.p_value * 5_000 == pytest.approx(round(found.p_value * 5_000))
    assert found.p_value == pytest.approx(log_rank, abs=0.05)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="two groups or more"):
        rank_test(SIX, ALL, np.zeros(6, dtype=int))
    with pytest.raises(InputError, match="finite times"):
        rank_test(np.array([-1.0, 2, 3, 4, 5, 6]), ALL, APART)
    with pytest.raises(InputError, match="entry before"):
        rank_test(SIX, ALL, APART, entry=SIX)
    with pytest.raises(InputError, match="doses that differ"):
        trend_test(SIX, ALL, APART, np.array([1.0, 1.0]))
    with pytest.raises(InputError, match="rho and gamma"):
        rank_test(SIX, ALL, APART, rho=-1)
    with pytest.raises(InputError, match="two or more"):
        permutation_rank_test(SIX, ALL, np.zeros(6, dtype=int), rng=np.random.default_rng(0))
    with pytest.raises(InputError, match="99 draws"):
        permutation_rank_test(SIX, ALL, APART, rng=np.random.default_rng(0), draws=9)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "keep", "column"),
    [("mantel_rats", "f", "time_weeks"), ("hoel_mice", None, "time_days")],
)
def test_log_rank_and_peto_peto_agree_with_r_on_survival_tables(
    name: str,
    keep: str | None,
    column: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    table = pd.read_csv(shared_data(f"survival_{name}/survival.csv"))
    sections = shared_reference(f"survival_{name}")["sections"]
    section = sections["70_females" if keep else "70_all_causes"]["results"]["tests"]
    if keep:
        table = table[table["sex"] == keep]
    group = pd.factorize(table["treatment"], sort=True)[0]
    time, event = table[column].to_numpy(float), table["event"].to_numpy() == 1
    for test, rho in (("logrank", 0.0), ("peto_peto", 1.0)):
        found = rank_test(time, event, group, rho=rho)
        assert found.statistic == pytest.approx(section[test]["chisq"], rel=1e-8)
        assert found.p_value == pytest.approx(section[test]["p"], rel=1e-7)
        assert found.observed == pytest.approx(section[test]["obs"], rel=1e-8)
        assert found.expected == pytest.approx(section[test]["exp"], rel=1e-8)


GROWTH = [
    "genentech_gdc0084_temozolomide",
    "genentech_vismodegib",
    "invivosyn_combos.LS_1034",
    "invivosyn_combos.SW837",
    "iowa_melanoma_a375",
    "kroemer_antibody_genotype",
    "kroemer_mtx_caloric",
    "synergylmm_example.grwth_data",
    "synergylmm_example.webapp_example",
]


@pytest.mark.realdata
@pytest.mark.parametrize("name", GROWTH)
@pytest.mark.parametrize("multiple", ["2x", "4x"])
def test_log_rank_and_peto_peto_agree_with_r_on_visit_times(
    name: str, multiple: str, shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    result = shared_reference(name)["sections"][f"11_time_to_{multiple}"]["results"]
    animals = result["per_animal"]
    arms = result["medians"]["arm"]
    group = np.array([arms.index(arm) for arm in animals["g"]])
    time, event = np.array(animals["time"], dtype=float), np.array(animals["event"]) == 1
    for test, rho in (("logrank", 0.0), ("peto_peto", 1.0)):
        found = rank_test(time, event, group, rho=rho)
        assert found.statistic == pytest.approx(result[test]["chisq"], rel=1e-8)
        assert found.p_value == pytest.approx(result[test]["p"], rel=1e-6)


@pytest.mark.realdata
def test_log_rank_of_seven_arms_of_many_models_agrees_with_r(
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    result = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    animals = result["per_animal"]
    key = "g" if "g" in animals else "treatment"
    group = pd.factorize(pd.Series(animals[key]), sort=True)[0]
    time, event = np.array(animals["time"], dtype=float), np.array(animals["event"]) == 1
    for test, rho in (("logrank", 0.0), ("peto_peto", 1.0)):
        found = rank_test(time, event, group, rho=rho)
        assert found.statistic == pytest.approx(result["tests"][test]["chisq"], rel=1e-8)
        assert found.df == 6


def test_the_observed_labels_count_among_drawn_ones_of_three_groups() -> None:
    time, event = np.arange(1.0, 31.0), np.ones(30, dtype=bool)
    group = np.repeat([0, 1, 2], 10)
    found = permutation_rank_test(time, event, group, rng=np.random.default_rng(1), draws=99)
    # Groups that do not overlap: no drawn labels are as far, so that 1 of 100 is left.
    assert (found.exact, found.p_value) == (False, 1 / 100)
