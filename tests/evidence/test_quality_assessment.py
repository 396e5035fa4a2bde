"""One word for each item of each study: what is not known is never taken for good."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.evidence.quality import (
    STANDINGS,
    TOOLS,
    Rating,
    assess,
    item_shares,
)

ITEM = "sequence_generation"


def rating(study: str, judgement: str, *, rater: str = "AB", item: str = ITEM) -> Rating:
    return Rating(
        source=f"key-{study}",
        study=study,
        tool="syrcle",
        item=item,
        judgement=judgement,
        reason="x",
        locator="p. 1",
        rater=rater,
    )


def standing(*ratings: Rating) -> tuple[str | None, str]:
    (study,) = assess(ratings, "syrcle").studies
    return study.judgements[0], study.standings[0]


def test_raters_who_agree_give_their_word() -> None:
    assert standing(rating("a", "low"), rating("a", "low", rater="CD")) == ("low", "good")
    assert standing(rating("a", "high")) == ("high", "poor")
    assert standing(rating("a", "unclear")) == ("unclear", "unclear")


def test_raters_who_differ_leave_it_open_until_they_settle_it() -> None:
    rows = (rating("a", "low"), rating("a", "high", rater="CD"))
    assert standing(*rows) == (None, "unresolved")
    assert standing(*rows, rating("a", "unclear", rater="consensus")) == ("unclear", "unclear")
    assert standing(rating("a", "high", rater="consensus"), *rows) == ("high", "poor")


def test_an_item_without_a_row_and_a_study_without_rows_are_not_assessed() -> None:
    table = assess([rating("b", "low")], "syrcle", studies=["a", "b"])
    assert table.labels == ("a", "b")
    assert set(table.studies[0].standings) == {"not_assessed"}
    assert table.studies[0].source is None
    assert table.studies[1].standings.count("not_assessed") == 9
    assert table.studies[1].source == "key-b"


def test_nothing_to_assess_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one study rated with arrive, found none"):
        assess([rating("a", "low")], "arrive")


FOUR = [
    rating("a", "low"),
    rating("b", "low"),
    rating("c", "high"),
    rating("d", "low"),
    rating("d", "high", rater="CD"),
]


def test_shares_count_studies_and_order_them_best_first() -> None:
    first = item_shares(assess(FOUR, "syrcle", studies=["e"]))[0]
    assert first.item == ITEM
    assert list(first.counts.items()) == [
        ("good", 2),
        ("poor", 1),
        ("unresolved", 1),
        ("not_assessed", 1),
    ]
    assert dict(first.shares) == pytest.approx(
        {"good": 0.4, "poor": 0.2, "unresolved": 0.2, "not_assessed": 0.2}
    )
    assert not first.weighted


def test_shares_of_weight_follow_the_weights_in_any_unit() -> None:
    table = assess(FOUR, "syrcle", studies=["e"])
    weights = {"a": 1.0, "b": 0.0, "c": 6.0, "d": 2.0, "e": 1.0}
    first = item_shares(table, weights=weights)[0]
    assert dict(first.shares) == pytest.approx(
        {"good": 0.1, "poor": 0.6, "unresolved": 0.2, "not_assessed": 0.1}
    )
    assert dict(first.counts)["good"] == 2
    assert first.weighted
    percent = {study: 10 * weight for study, weight in weights.items()}
    again = item_shares(table, weights=percent)[0]
    assert dict(again.shares) == pytest.approx(dict(first.shares))


@given(
    words=st.lists(st.sampled_from(sorted(TOOLS["syrcle"].judgements)), min_size=1, max_size=8),
    seed=st.lists(st.floats(0.01, 5), min_size=8, max_size=8),
)
def test_shares_add_up_to_one_and_standings_are_known(words: list[str], seed: list[float]) -> None:
    table = assess([rating(f"s{n}", word) for n, word in enumerate(words)], "syrcle")
    for row in item_shares(table, weights=dict(zip(table.labels, seed, strict=False))):
        # ten rounded quotients at most
        assert sum(row.shares.values()) == pytest.approx(1, abs=1e-14)
        assert set(row.shares) <= set(STANDINGS)
        assert sum(row.counts.values()) == len(words)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "a weight for every study, found none for 'd'"),
        (dict.fromkeys("abcde", 1.0), "weights of studies in the table, found a weight for 'e'"),
        ({"a": -1.0, "b": 1.0, "c": 1.0, "d": 1.0}, "not negative, found -1.0 for 'a'"),
        ({"a": float("nan"), "b": 1.0, "c": 1.0, "d": 1.0}, "finite .* nan for 'a'"),
        (dict.fromkeys("abcd", 0.0), "at least one weight above zero"),
    ],
)
def test_bad_weights_are_errors(weights: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        item_shares(assess(FOUR, "syrcle"), weights=weights)


def test_an_assessment_goes_to_json_and_to_a_frame_and_forgets_the_order() -> None:
    table = assess(FOUR, "syrcle")
    assert assess(FOUR[::-1], "syrcle") == table
    found = json.loads(json.dumps(table.to_dict()))
    assert found["studies"][3]["standings"][ITEM] == "unresolved"
    assert found["studies"][3]["judgements"][ITEM] is None
    frame = table.to_frame()
    assert len(frame) == 40
    first = frame.iloc[0]
    assert (first["study"], first["judgement"], first["standing"]) == ("a", "low", "good")
    shares = json.loads(json.dumps([row.to_dict() for row in item_shares(table)]))
    assert shares[0]["counts"] == {"good": 2, "poor": 1, "unresolved": 1}
