"""Every column and word of the rows has a form for readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from oncovivo.documents.walk import plain
from oncovivo.evidence import (
    COLUMNS,
    META_COLUMNS,
    SIMULATION_COLUMNS,
    STUDY_COLUMNS,
    read_identifiers,
)
from oncovivo.evidence.claims import Query
from oncovivo.evidence.vocabulary import words
from oncovivo.guide.citing import Citations
from oncovivo.guide.wording import COLUMN_LABELS, computed_as, plain_word, query_words
from oncovivo.references import Library

IDENTIFIERS = read_identifiers(Path("no folder"))


def test_every_column_has_one_label_of_its_own() -> None:
    columns = (*COLUMNS, *SIMULATION_COLUMNS, *STUDY_COLUMNS, *META_COLUMNS)
    assert list(COLUMN_LABELS) == list(dict.fromkeys(column.name for column in columns))
    assert len(set(COLUMN_LABELS.values())) == len(COLUMN_LABELS)


def test_no_word_of_a_list_is_printed_with_an_underscore() -> None:
    printed = [
        plain_word(column.name, word)
        for column in (*COLUMNS, *STUDY_COLUMNS, *META_COLUMNS)
        if column.words
        for word in words(column.words)
    ]
    assert len(printed) > 80
    assert [word for word in printed if "_" in word] == []


def test_two_words_of_a_list_are_never_printed_alike() -> None:
    for column in (*COLUMNS, *STUDY_COLUMNS, *META_COLUMNS):
        if column.words:
            printed = [plain_word(column.name, word) for word in words(column.words)]
            assert len(set(printed)) == len(printed), column.name


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("count", "number of rows"),
        ("distinct source", "number of independent works"),
        ("distinct oncotree", "number of different entries in: tumor type (OncoTree)"),
        ("share partner=not_applicable", "share of rows whose partner is none"),
        ("share oncotree=MCL", "share of rows whose tumor type (OncoTree) is MCL "),
        ("min value", "smallest value"),
        ("range n_treated", "smallest to largest number treated"),
    ],
)
def test_a_slot_function_is_said_in_words(function: str, said: str) -> None:
    assert computed_as(function, IDENTIFIERS).startswith(said)


def test_a_query_names_compounds_and_numbers_as_a_reader_would() -> None:
    query: Query = {"compound": ["temsirolimus"], "day": [21, 28.5], "partner": ["not_applicable"]}
    said = plain(query_words(query, IDENTIFIERS, Citations(Library())))
    assert said == "compound is temsirolimus; day is 21 or 28.5; partner is none"
