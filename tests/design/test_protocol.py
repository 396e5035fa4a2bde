"""Items, checklists and statements of a protocol."""

from __future__ import annotations

import pytest

from oncovivo.design.protocol import Computed, Stated, complete_statements, open_items
from oncovivo.design.protocol_checklist import CHECKLISTS, fill_checklists
from oncovivo.design.protocol_items import PROTOCOL_FILES, PROTOCOL_ITEMS, PROTOCOL_SECTIONS
from oncovivo.design.protocol_statements import day_list
from oncovivo.evidence.quality import TOOLS

ENTRIES = [entry for entries in CHECKLISTS.values() for entry in entries]


def test_every_item_answers_an_entry_and_every_entry_names_items() -> None:
    assert {item for entry in ENTRIES for item in entry.items} == set(PROTOCOL_ITEMS)
    n_items = sum(len(section.items) for section in PROTOCOL_SECTIONS)
    assert len(PROTOCOL_ITEMS) == n_items


def test_every_file_answers_something_but_the_list_of_animals() -> None:
    answered = {item.file for item in PROTOCOL_ITEMS.values() if item.file is not None}
    assert answered == set(PROTOCOL_FILES) - {"animals"}


def test_the_essential_10_have_their_parts() -> None:
    # Percie du Sert and others 2020, table 1.
    assert [entry.number for entry in CHECKLISTS["arrive"]] == [
        "1a", "1b", "2a", "2b", "3a", "3b", "3c", "4a", "4b", "5", "6a", "6b", "7a", "7b",
        "8a", "8b", "9a", "9b", "9c", "9d", "10a", "10b",
    ]  # fmt: skip
    labels = list(dict.fromkeys(entry.label for entry in CHECKLISTS["arrive"]))
    assert labels == [item.label for item in TOOLS["arrive"].items]
    later = [entry.number for entry in CHECKLISTS["arrive"] if not entry.items]
    assert later == ["3b", "3c", "10a", "10b"]


def test_prepare_has_its_15_topics() -> None:
    # Smith and others 2018, the checklist.
    topics = [entry.label for entry in CHECKLISTS["prepare"]]
    assert len(topics) == 15
    assert [entry.number for entry in CHECKLISTS["prepare"]] == [str(n) for n in range(1, 16)]
    assert (topics[0], topics[8], topics[14]) == (
        "literature searches",
        "test substances and procedures",
        "necropsy",
    )


def test_an_entry_is_open_while_one_of_its_items_is() -> None:
    chosen = Stated(origin="choice", text="decided")
    stated: dict[str, tuple[Stated, ...]] = dict.fromkeys(PROTOCOL_ITEMS, (chosen,))
    statements = complete_statements(stated, {}, {})
    assert {row.status for row in fill_checklists(statements)} == {"filled", "after_study"}
    undecided = Stated(origin="open", text="the facility decides")
    stated["hosts.health"] = (chosen, undecided)
    rows = fill_checklists(complete_statements(stated, {}, {}))
    opened = {(row.checklist, row.number): row.missing for row in rows if row.status == "open"}
    assert opened == {
        ("arrive", "8b"): ("hosts.health",),
        ("prepare", "11"): ("hosts.health",),
    }


def test_nothing_is_made_up_for_what_nobody_states() -> None:
    statements = complete_statements({}, {}, {})
    assert [one.item_id for one in statements] == list(PROTOCOL_ITEMS)
    assert {one.origin for one in statements} == {"open"}
    opened = {one.item_id: one for one in open_items(statements)}
    assert len(opened) == len(PROTOCOL_ITEMS)
    assert opened["hosts.sex"].text == "not stated: sex, and why if only one"
    assert opened["hosts.sex"].section == "Hosts"
    assert "files.power" in opened["statistics.sample_size"].text


def test_a_file_answers_and_says_what_it_lacks() -> None:
    computed = {
        "randomization.numbers": Computed(text="", files=("a.toml",), missing="no sizes"),
        "randomization.unit": Computed(text="The animal.", files=("a.toml",)),
    }
    statements = complete_statements({}, computed, {"allocation": "a.toml"})
    found = {one.item_id: one for one in statements}
    assert (found["randomization.numbers"].origin, found["randomization.numbers"].text) == (
        "open",
        "no sizes",
    )
    assert found["randomization.unit"].origin == "file"
    assert found["randomization.unit"].files == ("a.toml",)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([], ""),
        ([3], "3"),
        ([3, 4], "3, 4"),
        ([3, 4, 5], "3 to 5"),
        ([0, 2, 3, 4, 5, 9], "0, 2 to 5, 9"),
    ],
)
def test_runs_of_days_are_ranges(days: list[int], words: str) -> None:
    assert day_list(days) == words
