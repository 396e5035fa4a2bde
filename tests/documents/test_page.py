"""The page is one file that loads nothing, escapes everything and can be read by machines."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from oncovivo.documents import Document, Paragraph, Section, render_html, text
from oncovivo.errors import MissingExtraError
from tests.documents.specimen import HOSTILE, specimen

VOID = {"meta", "link", "col", "br", "img", "input"}


class Page(HTMLParser):
    """Elements with their attributes and text, in order; complains about unbalanced tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
            self.words.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add text to every open element."""
        for tag in set(self._open):
            self.words[tag][-1] += data

    def named(self, tag: str) -> list[dict[str, str]]:
        """Attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(specimen())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_same_document_gives_same_bytes(html: str) -> None:
    assert render_html(specimen()) == html


def test_nothing_is_loaded(page: Page, html: str) -> None:
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in {"src", "srcset", "poster", "data", "action", "background"}:
                pytest.fail(f"{tag} has {name}")
            if name in {"href", "xlink:href"} and not value.startswith(("#", "data:")):
                assert tag == "a"
                assert value == "https://doi.org/10.1000/182"
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    assert "example.org" not in html  # metadata of a picture stays outside


def test_the_page_forbids_its_own_requests_and_foreign_scripts(page: Page, html: str) -> None:
    policy = next(
        meta["content"]
        for meta in page.named("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    script = html.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert len(page.named("script")) == 1


def test_text_of_users_never_becomes_markup(html: str, page: Page) -> None:
    assert "<script>alert" not in html
    assert any(HOSTILE in words for words in page.words["p"])
    assert any('Characters <b>&</b> "marks" #1 $2 *3*' in words for words in page.words["h4"])
    assert "b" not in page.words


def test_a_quote_in_a_title_does_not_leave_its_attribute() -> None:
    document = dataclasses.replace(specimen(), subtitle='x" onload="alert(1)')
    description = next(
        meta
        for meta in Page(render_html(document)).named("meta")
        if meta.get("name") == "description"
    )
    assert description == {"name": "description", "content": 'x" onload="alert(1)'}


def test_ids_are_unique_and_every_link_arrives(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        target = attributes.get("href", attributes.get("xlink:href", ""))
        if target.startswith("#"):
            assert target[1:] in ids, tag
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids


def test_anchors_with_signs_of_addresses_arrive() -> None:
    section = Section(anchor='a%20b"c<d', title="A", blocks=(Paragraph(content=text("x")),))
    document = Document(title="T", subtitle="", date="2026-01-02", sections=(section,))
    page = Page(render_html(document))
    assert {"id": 'a%20b"c<d', "class": "ov-section ov-level-1"} in page.named("section")
    assert {"href": "#a%2520b%22c%3Cd"} in page.named("a")


def test_ids_of_two_pictures_do_not_collide(html: str) -> None:
    assert "url(#ov--figure1-tip)" in html
    assert "url(#ov--figure2-tip)" in html
    assert 'xlink:href="#ov--figure2-tip"' in html
    assert "#ov--figure1-tip:where(#ov--figure1-root, #ov--figure1-root *)" in html


def test_landmarks_headings_and_language(page: Page) -> None:
    assert page.named("html") == [{"lang": "en"}]
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(page.named(landmark)) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_scopes_and_a_region_that_can_be_focused(page: Page) -> None:
    assert page.words["caption"] == ["Table 1. Sixty rows of one made-up line."]
    scopes = [attributes.get("scope") for attributes in page.named("th")]
    assert scopes == ["col"] * 8 + ["row"] * 60
    region = next(a for a in page.named("div") if a.get("role") == "region")
    assert region["tabindex"] == "0"
    assert region["aria-label"] == "Table: Table 1. Sixty rows of one made-up line."


def test_rows_that_stack_on_a_narrow_screen_keep_their_roles(page: Page) -> None:
    assert page.named("table")[0]["role"] == "table"
    roles = [attributes["role"] for tag, attributes in page.elements if tag in {"th", "td"}]
    assert roles == ["columnheader"] * 8 + (["rowheader"] + ["cell"] * 7) * 60
    labels = [attributes["data-label"] for attributes in page.named("td")]
    assert labels[:2] == ["Host", "Graft"]


def test_pictures_have_a_name_and_a_description(page: Page) -> None:
    pictures = page.named("svg")
    assert [picture["role"] for picture in pictures] == ["img", "img"]
    assert pictures[0]["aria-label"] == "Figure. The pathway as two boxes."
    described = pictures[0]["aria-describedby"]
    assert any(attributes.get("id") == described for attributes in page.named("p"))
    assert "Two boxes; an arrow leads from the pathway" in page.words["details"][1]


def test_only_links_to_cards_and_references_open_a_pop_up(page: Page) -> None:
    pops = {a["href"] for a in page.named("a") if "data-pop" in a}
    assert {"#claim:1", "#row:1", "#ref:1"} <= pops
    assert "#tab:rows" not in pops
    assert "#summary" not in pops


def test_a_verdict_is_a_word_that_leads_to_its_card(page: Page) -> None:
    badge = next(a for a in page.named("a") if "ov-contradicted" in a.get("class", ""))
    assert badge["href"] == "#claim:4"
    assert "contradicted" in page.words["a"]


def test_a_missing_renderer_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"jinja2.*oncovivo\[guide\]"):
        render_html(specimen())


def test_importing_the_package_loads_no_renderer() -> None:
    code = (
        "import sys, oncovivo.documents;"
        "print(sorted({'jinja2', 'typst', 'matplotlib', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
