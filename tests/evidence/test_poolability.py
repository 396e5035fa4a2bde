"""Why rows can be pooled or cannot: the first thing in a row's way, and the sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oncovivo.evidence.poolability import OBSTACLES, Obstacle, poolability
from oncovivo.evidence.records import Record

MakeRecord = Callable[..., Record]
MISSING = "not_accessible"
GIVEN: dict[str, object] = {
    "use": "evidence",
    "evidence_kind": "animal_efficacy",
    "comparator": "vehicle",
    "value": 0.4,
    "n_treated": 8,
    "n_control": 8,
    "dispersion": 0.1,
}


@pytest.mark.parametrize(
    ("changed", "obstacle"),
    [
        ({"use": "context"}, "context"),
        ({"evidence_kind": "in_vitro"}, "no_animal_efficacy"),
        ({"comparator": "partner_alone"}, "no_control"),
        ({"comparator": "not_applicable"}, "no_control"),
        ({"value": MISSING}, "no_number"),
        ({"n_control": MISSING}, "no_group_size"),
        ({"dispersion": MISSING}, "no_dispersion"),
        ({}, "no_effect_size"),
    ],
)
def test_a_row_is_told_by_the_first_thing_in_its_way(
    changed: dict[str, object], obstacle: Obstacle, make_record: MakeRecord
) -> None:
    record = make_record(row_id="a", **{**GIVEN, **changed})
    assert poolability([record], set()).obstacles == (("a", obstacle),)
    # An effect size mends missing numbers, and nothing else.
    mended = obstacle in ("no_number", "no_group_size", "no_dispersion", "no_effect_size")
    assert bool(poolability([record], {"a"}).rows) is mended


def test_every_obstacle_has_words_for_one_row_and_for_several() -> None:
    assert all(one != several for one, several in OBSTACLES.values())


def test_the_sentence_counts_what_is_in_the_way(make_record: MakeRecord) -> None:
    records = [
        make_record(row_id="a", **GIVEN),
        make_record(row_id="b", **{**GIVEN, "evidence_kind": "patient"}),
        make_record(row_id="c", **{**GIVEN, "evidence_kind": "review"}),
        make_record(row_id="d", **{**GIVEN, "value": MISSING}),
    ]
    found = poolability(records, {"a"})
    assert found.rows == ("a",)
    assert found.count("no_animal_efficacy") == 2
    assert found.sentence("melanoma") == (
        "Nothing is pooled for melanoma: of 4 rows on the compound, 2 are not of efficacy in "
        "animals, 1 gives the result without a number and 1 alone has an effect size."
    )


def test_rows_that_cannot_be_pooled_together_are_said_and_so_is_that_there_are_none(
    make_record: MakeRecord,
) -> None:
    records = [make_record(row_id=name, **GIVEN) for name in "ab"]
    assert poolability(records, {"a", "b"}).reason == (
        "of 2 rows on the compound, 2 have effect sizes that cannot be pooled together"
    )
    assert poolability([], set()).reason == "no row is on the compound"


def test_one_obstacle_of_all_rows_is_said_of_all(make_record: MakeRecord) -> None:
    records = [make_record(row_id=name, **{**GIVEN, "use": "context"}) for name in "ab"]
    assert poolability(records, set()).sentence("melanoma") == (
        "Nothing is pooled for melanoma: the 2 rows on the compound are context that carries no "
        "sentence."
    )
    assert "the only row on the compound is context" in poolability(records[:1], set()).sentence(
        "x"
    )
