"""Agreement of raters: published values of kappa and AC1, and who differs where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import InputError
from oncovivo.evidence.quality import Rating, cohen_kappa, gwet_ac1, rater_agreement

WORDS = ("low", "unclear", "high")

# Two raters, rows × columns; the data sets and values printed in the README of irrCAC 1.3, the R
# package of AC1's author, at commit 7fb7509.
ABSTRACTORS = ((13, 0, 0), (0, 20, 7), (0, 4, 56))
SIX_RATERS = (
    (0, 0, 0, 6, 0),
    (0, 3, 0, 0, 3),
    (0, 1, 4, 0, 1),
    (0, 0, 0, 0, 6),
    (0, 3, 0, 3, 0),
    (2, 0, 4, 0, 0),
    (0, 0, 4, 0, 2),
    (2, 0, 3, 1, 0),
    (2, 0, 0, 4, 0),
    (0, 0, 0, 0, 6),
    (1, 0, 0, 5, 0),
    (1, 1, 0, 4, 0),
    (0, 3, 3, 0, 0),
    (1, 0, 0, 5, 0),
    (0, 2, 0, 3, 1),
)
FOUR_RATERS = (
    "11-1",
    "2232",
    "3333",
    "3333",
    "2222",
    "1234",
    "4444",
    "1121",
    "2222",
    "-555",
    "--11",
    "--3-",
)


def abstractors() -> tuple[list[str], list[str]]:
    first, second = [], []
    for row, counts in enumerate(ABSTRACTORS):
        for column, count in enumerate(counts):
            first += [str(row)] * count
            second += [str(column)] * count
    return first, second


def test_kappa_of_two_raters_is_the_published_one() -> None:
    # printed with seven digits
    assert cohen_kappa(*abstractors()) == pytest.approx(0.7964094, abs=5e-8)


def test_ac1_of_two_raters_is_the_published_one() -> None:
    pairs = list(zip(*abstractors(), strict=True))
    assert gwet_ac1(pairs, categories="012") == pytest.approx(0.8493305, abs=5e-8)


def test_ac1_of_six_raters_is_the_published_one() -> None:
    rows = [
        [str(category) for category, count in enumerate(counts) for _ in range(count)]
        for counts in SIX_RATERS
    ]
    assert gwet_ac1(rows, categories="01234") == pytest.approx(0.4448007, abs=5e-8)


def test_ac1_with_missing_judgements_is_the_published_one() -> None:
    rows = [[None if word == "-" else word for word in row] for row in FOUR_RATERS]
    # printed with five digits
    assert gwet_ac1(rows, categories="12345") == pytest.approx(0.77544, abs=5e-6)


def test_kappa_falls_where_nearly_all_is_one_word_and_ac1_does_not() -> None:
    # 18 of 20 unclear for both, the two raters differ on 2: p_o = 0.9
    first = ["unclear"] * 19 + ["low"]
    second = ["low", *["unclear"] * 19]
    # p_e = 0.95² + 0.05² = 0.905, kappa = (0.9 − 0.905)/0.095
    assert cohen_kappa(first, second) == pytest.approx(-0.005 / 0.095, rel=1e-12)
    # π = 0.95, 0.05, 0: p_e = 0.095/2
    pairs = list(zip(first, second, strict=True))
    expected = (0.9 - 0.0475) / (1 - 0.0475)
    assert gwet_ac1(pairs, categories=WORDS) == pytest.approx(expected, rel=1e-12)


def test_kappa_is_undefined_when_both_always_use_the_same_word() -> None:
    assert cohen_kappa(["low"] * 7, ["low"] * 7) is None
    assert gwet_ac1([("low", "low")] * 7, categories=WORDS) == 1.0
    assert cohen_kappa(["low"] * 7, ["high"] * 7) == 0.0


@given(words=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), min_size=1))
def test_agreement_does_not_depend_on_who_is_first_or_on_the_order(
    words: list[tuple[str, str]],
) -> None:
    swapped = [(other, one) for one, other in reversed(words)]
    one, other = zip(*words, strict=True)
    kappa, again = cohen_kappa(one, other), cohen_kappa(other, one)
    assert kappa == pytest.approx(again)
    assert gwet_ac1(words, categories=WORDS) == pytest.approx(
        gwet_ac1(swapped, categories=WORDS[::-1])
    )
    # rounding of the ratio
    assert kappa is None or kappa <= 1 + 1e-12
    assert gwet_ac1(words, categories=WORDS) <= 1 + 1e-12


def test_bad_judgements_are_errors() -> None:
    with pytest.raises(InputError, match=r"same number of judgements .* found 2 and 1"):
        cohen_kappa(["low", "low"], ["low"])
    with pytest.raises(InputError, match="found 0 and 0"):
        cohen_kappa([], [])
    with pytest.raises(InputError, match="at least two categories, found 1"):
        gwet_ac1([("low", "low")], categories=["low", "low"])
    with pytest.raises(InputError, match=r"one of the categories .* found 'some'"):
        gwet_ac1([("low", "some")], categories=WORDS)
    with pytest.raises(InputError, match="at least one thing that two raters judged, found none"):
        gwet_ac1([("low", None)], categories=WORDS)


def rating(rater: str, judgement: str, *, study: str = "Smith", item: int = 0) -> Rating:
    ids = ("sequence_generation", "baseline_characteristics", "allocation_concealment")
    return Rating(
        source=study.lower(),
        study=study,
        tool="syrcle",
        item=ids[item],
        judgement=judgement,
        reason="x",
        locator="p. 1",
        rater=rater,
    )


RATINGS = (
    rating("CD", "low"),
    rating("AB", "low"),
    rating("AB", "unclear", item=1),
    rating("CD", "high", item=1),
    rating("consensus", "unclear", item=1),
    rating("AB", "unclear", study="Jones"),
    rating("CD", "low", study="Jones"),
    rating("AB", "unclear", item=2),
    rating("EF", "unclear", study="Jones"),
)


def test_a_report_counts_pairs_and_lists_who_differs_where() -> None:
    report = rater_agreement(RATINGS, "syrcle")
    assert report.raters == ("AB", "CD", "EF")
    assert (report.n_judged, report.n_shared) == (4, 3)
    # 1 for the first, 0 for the second, one of three pairs for the third
    assert report.agreement == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert [(p.first, p.second, p.n, p.agreed) for p in report.pairs] == [
        ("AB", "CD", 3, 1),
        ("AB", "EF", 1, 1),
        ("CD", "EF", 1, 0),
    ]
    assert [p.agreement for p in report.pairs] == pytest.approx([1 / 3, 1, 0])
    assert [(d.study, d.item, d.judgements, d.settled) for d in report.disagreements] == [
        (
            "Jones",
            "sequence_generation",
            (("AB", "unclear"), ("CD", "low"), ("EF", "unclear")),
            None,
        ),
        (
            "Smith",
            "baseline_characteristics",
            (("AB", "unclear"), ("CD", "high")),
            "unclear",
        ),
    ]
    assert report.disagreements[0].source == "jones"
    rows: list[list[str | None]] = [
        ["low", "low", None],
        ["unclear", "high", None],
        ["unclear", "low", "unclear"],
        ["unclear", None, None],
    ]
    assert report.ac1 == pytest.approx(gwet_ac1(rows, categories=WORDS))


def test_the_order_of_the_rows_does_not_change_the_report() -> None:
    assert rater_agreement(RATINGS[::-1], "syrcle") == rater_agreement(RATINGS, "syrcle")


def test_one_rater_has_no_agreement_and_other_checklists_do_not_count() -> None:
    report = rater_agreement([rating("AB", "low")], "syrcle")
    assert (report.agreement, report.ac1, report.pairs, report.n_judged) == (None, None, (), 1)
    assert rater_agreement([rating("AB", "low")], "arrive").n_judged == 0


def test_an_item_judged_twice_by_one_rater_is_an_error() -> None:
    with pytest.raises(InputError, match="sequence_generation of Smith by AB twice"):
        rater_agreement([rating("AB", "low"), rating("AB", "high")], "syrcle")


def test_a_report_goes_to_json_and_to_a_frame() -> None:
    report = rater_agreement(RATINGS, "syrcle")
    found = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert found["pairs"][0]["kappa"] == report.pairs[0].kappa
    assert found["disagreements"][1]["judgements"] == {"AB": "unclear", "CD": "high"}
    assert list(report.to_frame()["n"]) == [3, 1, 1]
    assert list(rater_agreement([], "syrcle").to_frame().columns)[:3] == ["first", "second", "n"]
