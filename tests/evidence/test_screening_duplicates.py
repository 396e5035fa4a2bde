"""Duplicates are merged for a stated reason, different works never, and doubt goes to a person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening import (
    DUPLICATE_COLUMNS,
    Deduplication,
    FoundRecord,
    PairDecision,
    deduplicate,
    read_pair_decisions,
    title_similarity,
)
from oncovivo.evidence.screening.identifiers import normal_doi, normal_pages, normal_pmid
from oncovivo.evidence.screening.similarity import (
    compare,
    fingerprint,
    normal_words,
    pairs_of_like_titles,
)
from tests.evidence.screening_records import record, same_work_records

LONG = "Imaginarimab slows the growth of made-up xenografts in invented mice of nobody"


def reasons(records: Sequence[FoundRecord]) -> list[str]:
    return [merge.reason for merge in deduplicate(records).merges]


def near(records: Sequence[FoundRecord]) -> list[str]:
    return [pair.reason for pair in deduplicate(records).near]


@pytest.mark.parametrize(
    "text",
    [
        "10.9999/A",
        "DOI:10.9999/a",
        "https://dx.doi.org/10.9999/a",
        " doi 10.9999/A. ",
        "doi.org/10.9999%2fa",
    ],
)
def test_a_doi_has_one_spelling(text: str) -> None:
    assert normal_doi(text) == "10.9999/a"


def test_what_is_no_identifier_is_none() -> None:
    assert normal_doi("10.99/a") == normal_doi("see text") == normal_doi("") == ""
    assert normal_pmid("0") == normal_pmid("123456789") == normal_pmid("PMC1") == ""
    assert normal_pages(" S1 – S9 ") == "S1-S9"


def test_the_similarity_of_titles_is_dices_coefficient_of_their_pieces() -> None:
    # ' abcd ' has the pieces ' ab', 'abc', 'bcd', 'cd '; of ' abce ' two of four are the same.
    assert title_similarity("abcd", "abce") == pytest.approx(2 * 2 / (4 + 4))
    assert title_similarity("abcd", "abcde") == pytest.approx(2 * 3 / (4 + 5))
    assert title_similarity("", "abc") == 0.0
    assert title_similarity("Für β-Actin: <i>in vivo</i>", "fur beta actin in vivo") == 1.0


def test_the_score_is_the_weighted_mean_of_what_both_have() -> None:
    one = fingerprint(record(year=2019, journal="", pages="7-9"))
    other = fingerprint(record(year=2020, journal="Anything", pages="8"))
    found = compare(one, other)
    assert (found.title, found.author, found.year, found.journal, found.pages) == (
        1.0,
        1.0,
        0.5,
        None,
        0.0,
    )
    assert found.score == pytest.approx((0.5 + 0.15 + 0.05) / (0.5 + 0.15 + 0.10 + 0.15))
    assert compare(other, one) == found


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Fictus, Ada", "Fictus A.", 1.0),
        ("van Niemand, Bo", "Bo van Niemand", 1.0),
        ("Özfiktiv, D.", "D. Ozfiktiv", 1.0),
        ("Smith-Nobody, X", "Nobody, X", 1.0),
        ("Fictus, Ada", "Nemo, Ada", 0.0),
        ("Fictus AB", "Inventor AB", 0.0),
    ],
)
def test_first_authors_are_compared_by_their_family_names(
    one: str, other: str, same: float
) -> None:
    prints = [fingerprint(record(authors=(name,))) for name in (one, other)]
    assert compare(*prints).author == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Journal of Invented Results", "J. Invent. Results", 1.0),
        ("Annals of Made-up Oncology", "Ann Made-up Oncol", 1.0),
        ("Fictitious Cancer Letters", "Fictitious Cancer Research", 0.0),
        ("Fictitious Letters", "Fictitious Letters B", 0.0),
    ],
)
def test_a_journal_is_known_by_its_abbreviation(one: str, other: str, same: float) -> None:
    prints = [fingerprint(record(journal=name)) for name in (one, other)]
    assert compare(*prints).journal == same


def test_the_same_identifier_merges() -> None:
    doi, pmid = "10.9999/made.1", "99999901"
    assert reasons([record(1, doi=doi, pmid=pmid), record(2, doi=doi, pmid=pmid)]) == [
        "doi_and_pmid"
    ]
    assert reasons([record(1, doi=doi, year=2001), record(2, doi=doi)]) == ["doi"]
    assert reasons([record(1, pmid=pmid, year=2001), record(2, pmid=pmid, doi=doi)]) == ["pmid"]


def test_the_same_identifier_with_another_title_is_for_a_person() -> None:
    doi = "10.9999/supplement.1"
    records = [record(1, doi=doi), record(2, doi=doi, title="Nobody knows this poster")]
    assert (reasons(records), near(records)) == ([], ["id_same_title_differs"])
    assert reasons([record(1, doi=doi), record(2, doi=doi, title="")]) == ["doi"]


def test_without_identifiers_a_title_needs_author_year_and_journal() -> None:
    bare = {"pages": "", "volume": ""}
    assert reasons([record(1, **bare), record(2, year=2020, **bare)]) == ["title_journal"]
    changes: tuple[dict[str, Any], ...] = (
        {"year": 2021},
        {"year": None},
        {"authors": ()},
        {"authors": ("Nemo, C",)},
        {"journal": ""},
        {"journal": "Annals of Made-up Oncology"},
        {"title": "Imaginarimab slows growth of made-up xenografts"},
    )
    for change in changes:
        assert reasons([record(1, **bare), record(2, **{**bare, **change})]) == [], change


def test_a_title_that_is_only_alike_needs_volume_and_page() -> None:
    alike = LONG.replace("slows the", "slows")
    assert 0.9 < title_similarity(LONG, alike) < 1
    one = record(1, title=LONG)
    assert reasons([one, record(2, title=alike, journal="", pages="101")]) == ["pages"]
    for change in ({"pages": "102"}, {"volume": "13"}, {"volume": ""}, {"pages": ""}):
        found = [one, record(2, title=alike, **change)]
        assert reasons(found) == [], change
        assert near(found) == ["alike"], change


def test_parts_of_a_series_are_not_merged() -> None:
    for first, second in (("part I", "part II"), ("at 5 mg/kg", "at 25 mg/kg")):
        records = [record(1, title=f"{LONG}, {first}"), record(2, title=f"{LONG}, {second}")]
        assert title_similarity(records[0].title, records[1].title) > 0.9
        assert (reasons(records), near(records)) == ([], ["alike"])


def test_short_titles_are_never_merged_by_title() -> None:
    bare = {"title": "Reply to invented", "pages": ""}
    records = [record(1, **bare), record(2, **bare)]
    assert (reasons(records), near(records)) == ([], ["alike"])


def test_different_identifiers_are_never_merged_also_not_by_way_of_a_third() -> None:
    first = record(1, doi="10.9999/made.1")
    second = record(2, doi="10.9999/made.2")
    assert (reasons([first, second]), near([first, second])) == ([], ["doi_differs"])
    pmids = [record(1, pmid="99999901"), record(2, pmid="99999902")]
    assert (reasons(pmids), near(pmids)) == ([], ["pmid_differs"])
    between = deduplicate([first, record(3), second])
    assert between.merges == ()
    assert {(pair.record_id, pair.other_id): pair.reason for pair in between.near} == {
        ("made_up.ris:1", "made_up.ris:2"): "doi_differs",
        ("made_up.ris:1", "made_up.ris:3"): "by_way_of_another",
        ("made_up.ris:2", "made_up.ris:3"): "by_way_of_another",
    }


def test_the_same_doi_with_two_pubmed_numbers_is_for_a_person() -> None:
    doi = "10.9999/made.1"
    records = [record(1, doi=doi, pmid="99999901"), record(2, doi=doi, pmid="99999902")]
    assert (reasons(records), near(records)) == ([], ["pmid_differs"])


def test_what_is_kept_is_searched_then_fullest_then_first() -> None:
    doi = "10.9999/made.1"
    cited = record(1, doi=doi, pmid="99999901", abstract="x", source_kind="website")
    bare = record(2, doi=doi)
    full = record(3, doi=doi, abstract="x")
    also = record(10, doi=doi, abstract="y")
    found = deduplicate([also, cited, bare, full])
    assert set(found.kept.values()) == {"made_up.ris:3"}
    assert found.groups == {
        "made_up.ris:3": ("made_up.ris:3", "made_up.ris:1", "made_up.ris:2", "made_up.ris:10")
    }
    assert [(one.record_id, one.kept, one.by_way_of) for one in found.merges] == [
        (f"made_up.ris:{number}", "made_up.ris:3", "made_up.ris:3") for number in (1, 2, 10)
    ]


def said(one: int, other: int, decision: str) -> PairDecision:
    return PairDecision(
        record_id=f"made_up.ris:{one}",
        other_id=f"made_up.ris:{other}",
        decision="same" if decision == "same" else "different",
        by="AB",
    )


def test_a_person_joins_and_separates() -> None:
    records = [record(1, doi="10.9999/made.1"), record(2, doi="10.9999/made.2"), record(3)]
    joined = deduplicate(records, decisions=[said(1, 2, "same")])
    assert [merge.reason for merge in joined.merges] == ["person", "pages"]
    assert joined.near == ()
    twins = [record(1), record(2)]
    apart = deduplicate(twins, decisions=[said(1, 2, "different")])
    assert (apart.merges, apart.near) == ((), ())
    with pytest.raises(
        FileFormatError, match=r"made_up\.ris:1 and made_up\.ris:2 are called diff"
    ):
        deduplicate(
            records, decisions=[said(1, 3, "same"), said(2, 3, "same"), said(1, 2, "different")]
        )


@given(records=same_work_records(), data=st.data())
def test_the_order_of_records_makes_no_difference(
    records: list[FoundRecord], data: st.DataObject
) -> None:
    assert deduplicate(data.draw(st.permutations(records))) == deduplicate(records)


@given(records=same_work_records())
def test_every_record_is_in_one_group_and_no_group_mixes_identifiers(
    records: list[FoundRecord],
) -> None:
    found: Deduplication = deduplicate(records)
    members = [name for group in found.groups.values() for name in group]
    assert sorted(members) == sorted(one.record_id for one in records)
    assert len(found.merges) == len(records) - len(found.groups)
    by_id = {one.record_id: one for one in records}
    for kept, group in found.groups.items():
        assert group[0] == kept
        assert all(found.kept[name] == kept for name in group)
        assert len({by_id[name].doi for name in group} - {""}) <= 1
        assert len({by_id[name].pmid for name in group} - {""}) <= 1
    for merge in found.merges:
        assert found.kept[merge.record_id] == found.kept[merge.by_way_of] == merge.kept
    for pair in found.near:
        assert found.kept[pair.record_id] != found.kept[pair.other_id]


@given(
    titles=st.lists(st.text("abcd ", max_size=14), max_size=8),
    at_least=st.sampled_from([0.3, 0.5, 0.8, 1.0]),
)
def test_all_pairs_of_like_titles_are_found(titles: list[str], at_least: float) -> None:
    prints = [fingerprint(record(number, title=title)) for number, title in enumerate(titles, 1)]
    every = {
        (one, other)
        for one, other in combinations(range(len(titles)), 2)
        if title_similarity(titles[one], titles[other]) >= at_least and normal_words(titles[one])
    }
    found = list(pairs_of_like_titles(prints, at_least=at_least))
    assert len(found) == len(set(found))
    assert set(found) == every


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x:1,made_up.ris:2,same,AB,", "column record_id: expected a record of search.csv"),
        ("made_up.ris:1,made_up.ris:1,same,AB,", "column other_id: expected another record"),
        ("made_up.ris:1,made_up.ris:2,perhaps,AB,", "column decision: expected same or different"),
        ("made_up.ris:1,made_up.ris:2,same,,", "column by: expected who decided"),
        (
            "made_up.ris:1,made_up.ris:2,same,AB,\nmade_up.ris:2,made_up.ris:1,different,CD,",
            "expected each pair once",
        ),
    ],
)
def test_a_row_of_decisions_that_says_nothing_is_refused(
    tmp_path: Path, row: str, message: str
) -> None:
    path = tmp_path / "duplicates.csv"
    path.write_text(",".join(DUPLICATE_COLUMNS) + f"\n{row}\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_pair_decisions(path, record_ids=["made_up.ris:1", "made_up.ris:2"])
