"""Who is eligible, how many an arm gets, what a design may not say, and what cages mean."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.design import (
    AllocationDesign,
    ArmPlan,
    BaselineAnimal,
    advise_on_cages,
    allocate,
    arm_counts,
    repeat,
)
from oncovivo.design.allocation import digest_animals
from oncovivo.errors import DataError, FindingsError, InputError, ProjectError

TWO = (ArmPlan(name="vehicle"), ArmPlan(name="drug"))
SIMPLE = AllocationDesign(arms=TWO, method="complete")


def animals(*volumes: float, per_cage: int = 1) -> list[BaselineAnimal]:
    return [
        BaselineAnimal(animal_id=f"M{i}", volume_mm3=volume, cage=f"C{i // per_cage}")
        for i, volume in enumerate(volumes)
    ]


def test_animals_outside_the_windows_stay_out_with_a_reason() -> None:
    listed = [
        replace(animal, body_weight_g=weight)
        for animal, weight in zip(
            animals(99.9, 100, 200, 200.1, 150, 150), (20, 20, 25, 20, 17.9, 20), strict=True
        )
    ]
    design = replace(SIMPLE, weight_window=(18, 25), excluded=(("M5", "ulcerated"),))
    record = allocate(listed, design, seed=1)
    assert [place.animal_id for place in record.placements] == ["M1", "M2"]
    assert [(animal.animal_id, animal.reason) for animal in record.excluded] == [
        ("M0", "baseline volume 99.9 mm³ below 100 mm³"),
        ("M3", "baseline volume 200.1 mm³ above 200 mm³"),
        ("M4", "body weight 17.9 g below 18 g"),
        ("M5", "ulcerated"),
    ]


def test_an_animal_excluded_by_name_needs_no_volume() -> None:
    listed = [*animals(150, 150), BaselineAnimal(animal_id="X")]
    with pytest.raises(DataError, match="animal 'X': expected a baseline volume, found none"):
        allocate(listed, SIMPLE, seed=1)
    record = allocate(listed, replace(SIMPLE, excluded=(("X", "escaped"),)), seed=1)
    assert len(record.placements) == 2


def test_a_list_without_volumes_is_allocated_where_none_are_asked_for() -> None:
    listed = [BaselineAnimal(animal_id=name) for name in "abcd"]
    record = allocate(listed, replace(SIMPLE, volume_window=None), seed=1)
    assert [arm.n for arm in record.balance()] == [2, 2]
    assert record.balance()[0].geometric_mean_volume is None
    with pytest.raises(DataError, match="baseline volume"):
        allocate(listed, SIMPLE, seed=1)


def test_surplus_animals_are_drawn_or_the_farthest_from_the_median() -> None:
    listed = animals(101, 140, 145, 150, 155, 199)
    sized = (ArmPlan(name="vehicle", size=2), ArmPlan(name="drug", size=2))
    far = allocate(listed, replace(SIMPLE, arms=sized, surplus="farthest"), seed=1)
    assert [animal.animal_id for animal in far.excluded] == ["M0", "M5"]
    assert far.excluded[0].reason.endswith("volume farthest from the median")
    drawn = [
        tuple(e.animal_id for e in allocate(listed, replace(SIMPLE, arms=sized), seed=s).excluded)
        for s in range(40)
    ]
    assert all(len(pair) == 2 for pair in drawn)
    assert {name for pair in drawn for name in pair} == {f"M{i}" for i in range(6)}


def test_the_control_gets_the_square_root_of_the_number_of_other_arms() -> None:
    names = ("vehicle", "a", "b", "c", "d")
    design = AllocationDesign(
        arms=tuple(ArmPlan(name=name) for name in names),
        method="complete",
        control="vehicle",
        sqrt_control=True,
    )
    assert arm_counts(design, 60) == (20, 10, 10, 10, 10)
    # The variance of a contrast, 1/n0 + 1/n, is smallest there.
    best = min(range(4, 57, 4), key=lambda n0: 1 / n0 + 1 / ((60 - n0) / 4))
    assert best == 20


@given(ratios=st.lists(st.floats(0.2, 5), min_size=2, max_size=6), extra=st.integers(30, 300))
def test_ratios_are_kept_to_less_than_one_animal(ratios: list[float], extra: int) -> None:
    arms = tuple(ArmPlan(name=f"arm {i}", ratio=ratio) for i, ratio in enumerate(ratios))
    n = extra * len(arms)
    counts = arm_counts(AllocationDesign(arms=arms, method="complete"), n)
    assert sum(counts) == n
    for count, ratio in zip(counts, ratios, strict=True):
        assert abs(count - n * ratio / math.fsum(ratios)) < 1 + 1e-6


CONTRADICTIONS: dict[str, tuple[dict[str, object], str]] = {
    "one arm": ({"arms": TWO[:1]}, "2 to 26 arms, found 1"),
    "an arm twice": ({"arms": (*TWO, TWO[0])}, "'vehicle' twice"),
    "an unknown control": ({"control": "placebo"}, "found 'placebo'"),
    "sqrt without control": ({"sqrt_control": True}, "a control"),
    "sqrt and sizes": (
        {
            "sqrt_control": True,
            "control": "a",
            "arms": (ArmPlan(name="a", size=2), ArmPlan(name="b", size=2)),
        },
        "where control_ratio is 'sqrt'",
    ),
    "size and ratio": ({"arms": (*TWO, ArmPlan(name="c", size=2, ratio=1.0))}, "size and ratio"),
    "some sizes": ({"arms": (*TWO, ArmPlan(name="c", size=2))}, "size of every arm or of none"),
    "size zero": ({"arms": (*TWO, ArmPlan(name="c", size=0))}, "size of 1 or more"),
    "an endless ratio": ({"arms": (*TWO, ArmPlan(name="c", ratio=1e308))}, "at most 1,000"),
    "a negative ratio": ({"arms": (*TWO, ArmPlan(name="c", ratio=-1.0))}, "a positive ratio"),
    "cages of animals": (
        {"arms": (ArmPlan(name="a", cages=2), ArmPlan(name="b", cages=2))},
        "size or ratio, found cages",
    ),
    "sizes of cages": (
        {"method": "cage", "arms": (ArmPlan(name="a", size=2), ArmPlan(name="b", size=2))},
        "cages are not split",
    ),
    "cages in strata of cages": ({"method": "cage", "strata": ("cage",)}, "whole cages"),
    "a window upside down": (
        {"volume_window": (200.0, 100.0)},
        "eligibility.volume_mm3: expected a smallest value below the largest, found 200 to 100",
    ),
    "an empty weight window": ({"weight_window": (20.0, 20.0)}, "eligibility.body_weight_g"),
    "no reason": ({"excluded": (("M1", " "),)}, "a reason"),
    "excluded twice": ({"excluded": (("M1", "a"), ("M1", "b"))}, "each excluded animal once"),
    "blocks of another method": ({"block_size": 4}, "permuted_blocks only"),
    "blocks of one": ({"block_size": 1, "method": "permuted_blocks"}, "blocks of 2 or more"),
    "a quantile of zero": ({"quantile": 0.0}, "a quantile above 0"),
    "a choice": ({"quantile": 0.001}, "leave 20 allocations or more, found 0.001 of 10000"),
    "too many candidates": ({"candidates": 10**9}, "at most 100,000 candidates"),
    "a negative weight": ({"variance_weight": -1.0}, "a weight from 0 to 100"),
    "no covariates": ({"covariates": ()}, "one or more"),
    "no sessions": ({"sessions": 0}, "1 to 100 sessions"),
    "a stratum twice": ({"strata": ("sex", "sex")}, "each stratum once"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_design_that_contradicts_itself_is_refused(case: str) -> None:
    changes, message = CONTRADICTIONS[case]
    with pytest.raises(InputError) as caught:
        replace(SIMPLE, **changes)  # type: ignore[arg-type]
    assert message in str(caught.value)


CAGES = AllocationDesign(arms=TWO, method="cage")


@pytest.mark.parametrize(
    ("listed", "design", "message"),
    [
        (animals(150), SIMPLE, "at least 2 eligible animals for 2 arms, found 1"),
        (animals(10, 20), SIMPLE, "animals that are eligible, found none of 2"),
        (
            animals(150, 150, 150),
            replace(SIMPLE, arms=(ArmPlan(name="a", ratio=9), ArmPlan(name="b", ratio=1.0))),
            "none of 3 for 'b'",
        ),
        (animals(150, 160, 170, per_cage=3), CAGES, "at least 2 cages for 2 arms, found 1"),
        ([BaselineAnimal(animal_id="M0", volume_mm3=150)], CAGES, "a cage, found none"),
        (
            [
                replace(animal, sex=sex)
                for animal, sex in zip(
                    [
                        *animals(150, 160, per_cage=2),
                        BaselineAnimal(animal_id="N", volume_mm3=120, cage="D"),
                    ],
                    "fmf",
                    strict=True,
                )
            ],
            replace(CAGES, strata=("sex",)),
            "cage 'C0': expected cages whose animals are of one stratum",
        ),
        (animals(150, 160), replace(SIMPLE, strata=("donor",)), "the donor"),
        (animals(150, 1e300), SIMPLE, "that an animal can have, found 1e+300"),
        (
            [replace(a, body_weight_g=1e-300) for a in animals(150, 160)],
            SIMPLE,
            "a body weight above 0 that an animal can have, found 1e-300",
        ),
        (animals(150, -1), SIMPLE, "a baseline volume above 0 that an animal can have, found -1"),
        (animals(150, 160), replace(SIMPLE, excluded=(("M9", "x"),)), "found 'M9'"),
        (animals(150, 160) * 2, SIMPLE, "'M0' twice"),
    ],
)
def test_animals_that_cannot_carry_the_design_are_refused(
    listed: list[BaselineAnimal], design: AllocationDesign, message: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        allocate(listed, design, seed=1)
    assert message in str(caught.value)


def test_more_candidates_than_memory_holds_are_refused() -> None:
    many = [BaselineAnimal(animal_id=f"M{i}", volume_mm3=101 + i % 98) for i in range(501)]
    design = replace(SIMPLE, method="restricted", candidates=100_000)
    with pytest.raises(InputError, match="at most 99,800 candidates for 501 animals"):
        allocate(many, design, seed=1)


def test_a_whole_number_is_the_same_volume() -> None:
    whole = [
        replace(animal, volume_mm3=int(animal.volume_mm3 or 0)) for animal in animals(150, 160)
    ]
    assert digest_animals(whole) == digest_animals(animals(150.0, 160.0))
    assert digest_animals(whole) != digest_animals(animals(150.0, 161.0))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="a seed of 0 or more"):
        allocate(animals(150, 160), SIMPLE, seed=-1)


def test_a_record_repeats_and_tells_what_differs() -> None:
    listed = animals(*range(120, 144))
    record = allocate(listed, replace(SIMPLE, method="restricted"), seed=5)
    assert repeat(record, listed[::-1]) == record
    with pytest.raises(FindingsError, match="the animals of the record"):
        repeat(record, [replace(listed[0], volume_mm3=121.5), *listed[1:]])
    other = {"vehicle": "drug", "drug": "vehicle"}[record.placements[0].arm]
    changed = replace(record.placements[0], arm=other)
    with pytest.raises(FindingsError, match="record, animal 'M0', arm"):
        repeat(replace(record, placements=(changed, *record.placements[1:])), listed)
    with pytest.raises(FindingsError, match="record, threshold"):
        repeat(replace(record, threshold=(record.threshold or 0) / 2), listed)
    with pytest.raises(FindingsError, match="record, placements"):
        repeat(replace(record, placements=record.placements[:-1]), listed)
    assert repeat(replace(record, version="0.0.0"), listed).placements == record.placements


def test_cages_decide_what_the_experimental_unit_is() -> None:
    listed = animals(*range(120, 136), per_cage=4)
    whole = advise_on_cages(allocate(listed, CAGES, seed=1))
    assert (whole.unit, whole.n_units, whole.n_cages, whole.n_shared) == ("cage", 4, 4, 0)
    assert "n is 4 cages and not 16 animals" in whole.advice[0]
    within = advise_on_cages(allocate(listed, replace(SIMPLE, strata=("cage",)), seed=1))
    assert (within.unit, within.n_units, within.n_shared) == ("animal", 16, 4)
    assert "4 of 4 cages hold several arms" in within.advice[0]
    single = advise_on_cages(allocate(animals(*range(120, 136)), SIMPLE, seed=1))
    assert (single.unit, single.n_units) == ("animal", 16)
    unknown = [replace(listed[0], cage=None), *listed[1:]]
    unstated = advise_on_cages(allocate(unknown, SIMPLE, seed=1))
    assert (unstated.unit, unstated.n_units) == ("not_known", None)
    assert "The cage of 1 of 16 animals" in unstated.advice[0]


def test_cages_that_chance_filled_with_one_arm_each_are_the_unit() -> None:
    listed = animals(150, 151, 152, 153, per_cage=2)
    for seed in range(50):
        record = allocate(listed, SIMPLE, seed=seed)
        found = advise_on_cages(record)
        if found.n_shared == 0:
            break
    assert found.unit == "cage"
    assert found.n_units == 2
    assert "treatment and cage go together" in found.advice[0]
