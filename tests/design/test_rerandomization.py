"""The re-randomization test: exact where all can be counted, and true to its level."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kstest

from oncovivo.design import (
    AllocationDesign,
    AllocationRecord,
    ArmPlan,
    BaselineAnimal,
    allocate,
    rerandomization_test,
)
from oncovivo.design.allocation_problem import state_problem
from oncovivo.errors import DataError, FindingsError, InputError

VOLUMES = (103.0, 118.0, 131.0, 139.0, 148.0, 152.0, 167.0, 171.0, 188.0, 197.0, 124.0, 160.0)


def animals(n: int = 12, *, per_cage: int = 1) -> list[BaselineAnimal]:
    return [
        BaselineAnimal(
            animal_id=f"M{i:02d}",
            volume_mm3=volume,
            cage=f"C{i // per_cage}",
            sex="fm"[i % 2],
        )
        for i, volume in enumerate(VOLUMES[:n])
    ]


def plan(method: str, names: str = "ab", **changes: object) -> AllocationDesign:
    arms = tuple(ArmPlan(name=name) for name in names)
    design = AllocationDesign(arms=arms, method="restricted", candidates=400, quantile=0.2)
    return replace(design, method=method, **changes)  # type: ignore[arg-type]


def every_p(record: AllocationRecord, listed: list[BaselineAnimal], y: dict[str, float]) -> float:
    """The p-value over all allocations of two arms that the threshold accepts."""
    problem = state_problem(listed, record.design)
    names = [animal.animal_id for animal in problem.animals]
    values = np.array([y[name] for name in names])
    half = len(names) // 2
    every = np.ones((math.comb(len(names), half), len(names)), dtype=np.intp)
    for row, chosen in enumerate(combinations(range(len(names)), half)):
        every[row, list(chosen)] = 0
    if problem.imbalance is not None and record.threshold is not None:
        every = every[problem.imbalance(every) <= record.threshold]
    mean_of = [np.where(every == arm, values, 0).sum(axis=1) / half for arm in (0, 1)]
    differences = np.abs(mean_of[0] - mean_of[1])
    of = record.arm_of()
    here = np.array([0 if of[name] == "a" else 1 for name in names])
    observed = abs(values[here == 0].mean() - values[here == 1].mean())
    return float(np.mean(differences >= observed - 1e-9))


@pytest.mark.parametrize("method", ["complete", "restricted"])
def test_drawn_p_values_are_those_of_all_allocations(method: str) -> None:
    listed = animals()
    record = allocate(listed, plan(method), seed=3)
    effect = {name: 1.2 * (arm == "a") for name, arm in record.arm_of().items()}
    y = {a.animal_id: effect[a.animal_id] + math.sin(i * 5.0) for i, a in enumerate(listed)}
    exact = every_p(record, listed, y)
    found = rerandomization_test(
        record, listed, y, arm="a", versus="b", rng=np.random.default_rng(1)
    )
    assert 0.001 < exact < 0.5
    assert found.draws == 9_999
    # Four standard errors of 9,999 draws.
    assert abs(found.p_value - exact) < 4 * math.sqrt(exact * (1 - exact) / 9_999) + 1e-4
    assert found.smallest_p == pytest.approx(1e-4)
    of = record.arm_of()
    sides = [[y[n] for n in y if of[n] == arm] for arm in "ab"]
    assert found.difference == pytest.approx(np.mean(sides[0]) - np.mean(sides[1]))


CASES = {
    "restricted": (plan("restricted"), 1),
    "restricted, three arms": (plan("restricted", "abc"), 1),
    "blocks": (plan("permuted_blocks", "abc"), 1),
    "strata": (plan("complete", strata=("sex",)), 1),
    "whole cages": (plan("cage", quantile=0.5), 2),
}


@pytest.mark.parametrize("case", CASES)
def test_p_is_uniform_where_nothing_has_an_effect(case: str) -> None:
    design, per_cage = CASES[case]
    listed = animals(per_cage=per_cage)
    rng = np.random.default_rng(29)
    n_studies, draws = 300, 199
    p_values = []
    for seed in range(n_studies):
        record = allocate(listed, design, seed=seed)
        # The outcome goes with the baseline that was balanced, with sex and with the third arm.
        y = {
            a.animal_id: math.log(a.volume_mm3 or 0)
            + 0.2 * (a.sex == "f")
            + 5.0 * (record.arm_of()[a.animal_id] == "c")
            + 0.1 * float(rng.standard_normal())
            for a in listed
        }
        found = rerandomization_test(record, listed, y, arm="a", versus="b", draws=draws, rng=rng)
        p_values.append(found.p_value)
    # Never too often below a level: four standard errors of 300 studies.
    for level in (0.05, 0.1, 0.2, 0.5):
        error = math.sqrt(level * (1 - level) / n_studies)
        share = float(np.mean(np.array(p_values) <= level))
        assert share <= level + 4 * error
        # Reference sets of few members make p-values coarse; at 0.5 none of these is.
        if level == 0.5:
            assert share >= level - 4 * error - 0.1


def test_outcomes_of_other_arms_do_not_matter() -> None:
    listed = animals()
    record = allocate(listed, plan("restricted", "abc"), seed=4)
    y = {animal.animal_id: float(i % 5) for i, animal in enumerate(listed)}
    shifted = {name: v + 100 * (record.arm_of()[name] == "c") for name, v in y.items()}
    first, second = (
        rerandomization_test(
            record, listed, values, arm="a", versus="b", draws=500, rng=np.random.default_rng(1)
        )
        for values in (y, shifted)
    )
    assert first == second
    assert first.n_units == 8


def test_whole_cages_exchange_places() -> None:
    listed = animals(per_cage=3)
    record = allocate(listed, plan("cage", quantile=1.0), seed=4)
    y = {n: float(arm == "a") for n, arm in record.arm_of().items()}
    found = rerandomization_test(
        record, listed, y, arm="a", versus="b", rng=np.random.default_rng(1)
    )
    assert found.n_units == 4
    # Two of the six allocations of four cages are this one and its mirror: no effect is larger.
    assert found.p_value == pytest.approx(1 / 3, abs=0.02)
    assert found.difference == 1.0


def test_arms_that_are_no_pair_and_outcomes_that_lack_are_refused() -> None:
    listed = animals()
    record = allocate(listed, plan("complete"), seed=4)
    y = {animal.animal_id: 1.0 for animal in listed}
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="two different arms: a, b"):
        rerandomization_test(record, listed, y, arm="a", versus="a", rng=rng)
    with pytest.raises(InputError, match="two different arms"):
        rerandomization_test(record, listed, y, arm="a", versus="z", rng=rng)
    with pytest.raises(InputError, match="one draw or more"):
        rerandomization_test(record, listed, y, arm="a", versus="b", draws=0, rng=rng)
    with pytest.raises(DataError, match="animal 'M03'"):
        rerandomization_test(record, listed, {**y, "M03": math.nan}, arm="a", versus="b", rng=rng)
    with pytest.raises(FindingsError, match="the animals of the record"):
        rerandomization_test(record, listed[1:], y, arm="a", versus="b", rng=rng)
    alike = rerandomization_test(record, listed, y, arm="a", versus="b", draws=50, rng=rng)
    assert alike.p_value == 1.0


def test_arms_that_share_no_block_cannot_be_compared() -> None:
    listed = animals(4)
    arms = tuple(ArmPlan(name=name) for name in "abcd")
    design = AllocationDesign(arms=arms, method="permuted_blocks", block_size=2)
    for seed in range(20):
        record = allocate(listed, design, seed=seed)
        place = sorted(record.placements, key=lambda p: p.volume_mm3 or 0)
        if {place[0].arm, place[1].arm} == {"a", "b"}:
            break
    y = {animal.animal_id: 1.0 for animal in listed}
    with pytest.raises(DataError, match="both arms in one stratum or block"):
        rerandomization_test(record, listed, y, arm="a", versus="c", rng=np.random.default_rng(1))


def test_animals_exchange_places_within_their_blocks_only() -> None:
    listed = animals(4)
    record = allocate(listed, plan("permuted_blocks"), seed=4)
    y = {name: float(arm == "a") for name, arm in record.arm_of().items()}
    found = rerandomization_test(
        record, listed, y, arm="a", versus="b", rng=np.random.default_rng(1)
    )
    # Two blocks of two: four allocations, of which this one and its mirror are as extreme.
    # Over all four animals it would be two of six; 0.02 is four standard errors.
    assert found.p_value == pytest.approx(0.5, abs=0.02)


def test_p_is_uniform_to_both_sides_where_there_are_many_allocations() -> None:
    listed = [
        BaselineAnimal(
            animal_id=f"M{i:02d}",
            volume_mm3=110 + 80 * ((i * 7) % 24) / 24,
            body_weight_g=20 + 5 * ((i * 5) % 24) / 24,
        )
        for i in range(24)
    ]
    rng = np.random.default_rng(8)
    p_values = []
    for seed in range(300):
        record = allocate(listed, plan("restricted", quantile=0.1), seed=seed)
        y = {a.animal_id: math.log(a.volume_mm3 or 0) + 0.1 * rng.normal() for a in listed}
        found = rerandomization_test(record, listed, y, arm="a", versus="b", draws=199, rng=rng)
        # Between the steps of 1/200 the p-value is spread evenly.
        p_values.append(found.p_value - rng.random() / 200)
    assert kstest(p_values, "uniform").pvalue > 0.01
