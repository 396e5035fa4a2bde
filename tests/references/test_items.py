"""What citeproc-py would take on trust is checked when references.json is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncovivo.errors import FileFormatError
from oncovivo.references import Library, format_bibliography, read_references

CUSTOM = {"verification": "verified", "source_kind": "primary_animal"}


def item(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # CSL-JSON of any shape
    return {
        "id": "a",
        "type": "article-journal",
        "title": "Growth of tumors",
        "custom": CUSTOM,
        **fields,
    }


def library(folder: Path, *items: Any) -> Library:  # noqa: ANN401
    path = folder / "references.json"
    path.write_text(json.dumps(list(items)), encoding="utf-8")
    return read_references(path)


def printed(folder: Path, **fields: Any) -> str:  # noqa: ANN401
    return format_bibliography(library(folder, item(**fields)), ["a"]).entries[0].text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "journal-article"}, "type: expected a type of CSL .* found 'journal-article'"),
        ({"type": None}, "type: expected a type of CSL"),
        ({"type": {}}, "type: expected a type of CSL"),
        ({"author": "Doe, J."}, "author: expected a list of names, found 'Doe, J.'"),
        ({"author": ["Doe"]}, "author 1: expected a name as"),
        ({"author": [{"family": 3}]}, "author 1, family: expected text, found 3"),
        ({"author": [{"family": " "}]}, "author 1: expected a family name or a literal name"),
        ({"author": [{}]}, "author 1: expected a family name or a literal name"),
        ({"author": [{"name": "Doe"}]}, "author 1: expected one of family, given, .* 'name'"),
        ({"editor": [{"family": "A"}, None]}, "editor 2: expected a name as"),
        ({"issued": "2001"}, "issued: expected a date, found '2001'"),
        ({"issued": {}}, "issued: expected date-parts"),
        ({"issued": {"date-parts": []}}, "date-parts: expected one date or two"),
        ({"issued": {"date-parts": [[None]]}}, "date-parts: expected one date or two"),
        ({"issued": {"date-parts": [[2001, 13]]}}, "date-parts: expected one date or two"),
        ({"issued": {"date-parts": [["MMI"]]}}, "date-parts: expected one date or two"),
        ({"issued": {"date-parts": [[True]]}}, "date-parts: expected one date or two"),
        ({"issued": {"date-parts": [[1], [2], [3]]}}, "date-parts: expected one date or two"),
        ({"issued": {"literal": ""}}, "issued.literal: expected text"),
        ({"volume": 1.5}, "volume: expected text, found 1.5"),
        ({"volume": True}, "volume: expected text, found True"),
        ({"container-title": ["PNAS"]}, "container-title: expected text, found"),
        ({"doi": "10.1000/x"}, "expected the key 'DOI', found 'doi'"),
        ({"URL": "javascript:alert(1)"}, "expected a URL of the form"),
        ({"ISBN": "x"}, "expected an ISBN of the form"),
        ({"custom": {**CUSTOM, "subject": ["RCC"]}}, "custom: expected one of verification"),
        ({"custom": {**CUSTOM, "subjects": "RCC"}}, "subjects: expected a list of OncoTree codes"),
        ({"custom": {**CUSTOM, "subjects": [["RCC"]]}}, "subjects: expected a list"),
        ({"custom": {**CUSTOM, "registry": 3}}, "custom.registry: expected text, found 3"),
        ({"custom": {**CUSTOM, "verification": []}}, "custom.verification as one of"),
        ({"custom": []}, "expected an object under custom, found list"),
        ({"title": "half \ud800"}, r"control characters, found the character U\+D800"),
        ({"title": "bell \x07"}, r"control characters, found the character U\+0007"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_a_field_without_its_form_is_refused_with_its_place(
    fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(FileFormatError, match=message) as caught:
        library(tmp_path, item(**fields))
    assert str(caught.value).startswith("references.json")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"issued": {"date-parts": [["2001", "3", 2]]}}, "2001"),
        ({"issued": {"date-parts": [[2001], [2003]]}}, "2001–2003"),
        ({"issued": {"date-parts": [[2001, 2], [2001, 5]]}}, "2001"),
        ({"issued": {"literal": "in press"}}, "in press"),
        ({"issued": {"raw": "spring 2001"}}, "spring 2001"),
        ({"author": [{"literal": "The Group"}]}, "The Group"),
        ({"author": [{"given": "Hippocrates"}]}, "Hippocrates"),
        ({"author": [{"family": "Doe", "given": ""}]}, "Doe"),
        ({"author": [{"family": "Doe", "parse-names": True}]}, "Doe"),
        ({"author": []}, "Growth of tumors"),
        ({"volume": 98}, "98"),
        ({"citation-key": "a", "event-title": "Meeting", "score": 1.0}, "Growth of tumors"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_what_exports_hold_is_printed(fields: dict[str, Any], words: str, tmp_path: Path) -> None:
    fields = {"container-title": "PNAS", **fields}
    assert words in printed(tmp_path, **fields)


def test_a_key_twice_in_an_item_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "references.json"
    path.write_text('[{"id": "a", "title": "x", "title": "y"}]', encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"expected each key once .* found 'title' twice"):
        read_references(path)


def test_a_doi_with_signs_that_no_address_has_is_linked(tmp_path: Path) -> None:
    doi = "10.1002/(SICI)1097-0142(19970501)79:9<1777::AID-CNCR20>3.0.CO;2-0"
    (link,) = library(tmp_path, item(DOI=doi))["a"].links
    address = doi.replace("<", "%3C").replace(">", "%3E")
    assert link == (f"doi:{doi}", f"https://doi.org/{address}")


def test_keys_that_csl_does_not_have_stay_in_the_file(tmp_path: Path) -> None:
    found = library(tmp_path, item(score=1.0))
    assert json.loads(found.to_json())[0]["score"] == 1.0


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=list(HealthCheck),
)
@given(
    title=st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=30),
    family=st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=12),
    year=st.integers(-9999, 9999),
)
def test_any_text_that_is_read_is_printed_without_a_warning(
    title: str, family: str, year: int, tmp_path: Path
) -> None:
    fields = {
        "title": f"T{title}",
        "author": [{"family": f"F{family}"}],
        "issued": {"date-parts": [[year]]},
    }
    assert printed(tmp_path, **fields)
