"""The page and the PDF say the same words."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

from pypdf import PdfReader

from oncovivo.documents import render_html, render_pdf
from oncovivo.documents.walk import anchors, inlines, plain, runs_of
from tests.documents.specimen import specimen

# What only the page says: controls, and descriptions that the PDF gives as alternative text.
ONLY_ON_THE_PAGE = {"nav", "svg", "dialog", "details", "style", "script", "footer", "title"}
PICTURES = "pathway workflow ≥ 5 µmol/L"


class _Words(HTMLParser):
    """Words of a page without what only a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ""
        self._skipping: list[str] = []
        self._classes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += " "
        if tag in ONLY_ON_THE_PAGE or ("class", "ov-skip") in attrs:
            self._skipping.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.words += " "
        if self._skipping and self._skipping[-1] == tag:
            self._skipping.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.words += data


def _page_words() -> str:
    parser = _Words()
    parser.feed(render_html(specimen()))
    return parser.words


def _pdf_words() -> str:
    reader = PdfReader(io.BytesIO(render_pdf(specimen(), timestamp=0)))
    return " ".join(page.extract_text() for page in reader.pages)


def _squeezed(words: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", words))


def test_every_line_of_the_document_is_on_the_page_and_in_the_pdf() -> None:
    page, pdf = _squeezed(_page_words()), _squeezed(_pdf_words())
    hidden = {
        block.description
        for section in specimen().sections
        for block in section.blocks
        if hasattr(block, "description")
    }
    lines = [
        plain(run)
        for section in specimen().sections
        for block in section.blocks
        for run in runs_of(block)
        if plain(run) and plain(run) not in hidden
    ]
    assert len(lines) > 500
    # A line that a page break of the PDF cuts has the foot and head of the page in its middle.
    missing_in_pdf = [line for line in lines if _squeezed(line) not in pdf]
    assert [line for line in lines if _squeezed(line) not in page] == []
    assert len(missing_in_pdf) <= 2


def test_the_pdf_says_no_more_than_the_page() -> None:
    page = _squeezed(_page_words()) + "Contents" + specimen().generator + _squeezed(PICTURES)
    words = set(re.findall(r"[^\W_]{2,}", unicodedata.normalize("NFKC", _pdf_words())))
    assert len(words) > 150
    assert {word for word in words if word not in page and not word.isdigit()} == set()


def test_the_walk_sees_every_anchor_and_inline() -> None:
    document = specimen()
    kinds = Counter(kind for _, kind in anchors(document))
    assert kinds == {
        "section": 6,
        "sentence": 6,
        "table": 1,
        "table row": 60,
        "figure": 2,
        "card": 9,
        "reference": 2,
    }
    assert (
        sum(1 for inline, _ in inlines(document) if inline.content == "supported")
        == 60 + 1 + 6 + 1
    )
