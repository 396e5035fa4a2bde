"""The PDF is tagged, the same each time, fits its pages and takes no text for markup."""

from __future__ import annotations

import dataclasses
import io
import re
import sys

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from oncovivo.documents import (
    Badge,
    Card,
    Document,
    Figure,
    Link,
    Paragraph,
    Section,
    Table,
    TableColumn,
    TableRow,
    Text,
    render_pdf,
    render_typst,
    text,
)
from oncovivo.documents.pdf import _name
from oncovivo.errors import InputError, MissingExtraError, ProjectError
from tests.documents.specimen import HOSTILE, LONG_TOKENS, SYMBOLS, picture, specimen

NEW_YEAR = 1767225600  # 2026-01-01T00:00:00Z


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_pdf(specimen(), timestamp=NEW_YEAR)


@pytest.fixture(scope="module")
def reader(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


@pytest.fixture(scope="module")
def printed(reader: PdfReader) -> str:
    return "".join(page.extract_text() for page in reader.pages)


def _squeeze(words: str) -> str:
    return re.sub(r"\s", "", words)


def _document(*blocks: Paragraph | Table | Figure | Card) -> Document:
    section = Section(anchor="s", title="S", blocks=blocks)
    return Document(title="T", subtitle="", date="2026-01-02", sections=(section,))


def test_same_document_and_time_give_same_bytes(pdf: bytes) -> None:
    assert render_pdf(specimen(), timestamp=NEW_YEAR) == pdf


def test_the_time_is_the_one_given(reader: PdfReader) -> None:
    assert reader.metadata is not None
    assert str(reader.metadata["/CreationDate"]).startswith("D:20260101000000")


def test_it_is_tagged_and_says_its_language_and_title(pdf: bytes, reader: PdfReader) -> None:
    root = reader.trailer["/Root"]
    assert isinstance(root, DictionaryObject)
    marks = root["/MarkInfo"]
    assert isinstance(marks, DictionaryObject)
    assert marks["/Marked"]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]) == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Temsirolimus in animal models of cancer"
    assert "Åsa Müller" in str(reader.metadata.author)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf


def test_a_language_with_a_region_is_kept() -> None:
    document = dataclasses.replace(specimen(), language="en-GB")
    root = PdfReader(io.BytesIO(render_pdf(document, timestamp=0))).trailer["/Root"]
    assert isinstance(root, DictionaryObject)
    assert str(root["/Lang"]).lower() == "en-gb"


def test_every_page_but_the_first_has_the_title_and_every_page_its_number(
    reader: PdfReader,
) -> None:
    pages = [page.extract_text() for page in reader.pages]
    for number, words in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in words
        assert "Temsirolimus in animal models of cancer" in " ".join(words.split())


def test_a_long_table_repeats_its_header_on_each_page(reader: PdfReader) -> None:
    pages = [page.extract_text() for page in reader.pages]
    with_rows = [words for words in pages if re.search(r"786-O subline \d", words)]
    assert len(with_rows) >= 2
    assert all("Regimen" in words and "Direction" in words for words in with_rows)
    rows = [int(n) for words in with_rows for n in re.findall(r"786-O subline (\d+)", words)]
    assert rows == list(range(1, 61))


def test_text_of_users_is_printed_as_it_is(printed: str) -> None:
    assert _squeeze(HOSTILE) in _squeeze(printed)
    assert _squeeze('Characters <b>&</b> "marks" #1 $2 *3*') in _squeeze(printed)


def test_text_of_users_stands_only_in_string_literals() -> None:
    document = _document(Paragraph(content=text('") #panic("out') + text("\\")))
    source, _ = render_typst(document)
    assert '#par[#"\\") #panic(\\"out";#"\\\\";]' in source
    assert (
        "out" in PdfReader(io.BytesIO(render_pdf(document, timestamp=0))).pages[0].extract_text()
    )


def test_signs_of_the_field_are_printed(printed: str) -> None:
    for sign in SYMBOLS.split():
        assert sign in printed


def test_long_tokens_break_and_are_copied_without_added_characters(printed: str) -> None:
    for token in LONG_TOKENS:
        assert token in _squeeze(printed)
    assert "\u200b" not in printed


def test_nothing_reaches_over_the_edge_of_the_page() -> None:
    table = Table(
        anchor="t",
        caption=text("Twelve columns"),
        columns=tuple(TableColumn(heading=f"Heading{n} of a column") for n in range(12)),
        rows=(
            TableRow(cells=tuple(text(LONG_TOKENS[n % 4]) for n in range(12))),
            TableRow(cells=tuple(text("immunocompromised") for _ in range(12))),
        ),
    )
    wide = Card(anchor="c", title=text("C"), items=(("A term " * 9, text(LONG_TOKENS[0] * 3)),))
    long = Paragraph(content=text(LONG_TOKENS[2] * 9))
    reader = PdfReader(io.BytesIO(render_pdf(_document(table, wide, long), timestamp=0)))
    right_edges: list[float] = []

    def visit(words: str, cm: list[float], tm: list[float], _font: object, size: float) -> None:
        if words.strip():
            half_an_em_each = 0.5 * size * len(words.strip())
            right_edges.append(cm[4] + tm[4] + half_an_em_each)

    for page in reader.pages:
        page.extract_text(visitor_text=visit)
    assert 400 < max(right_edges) < 595


def test_links_lead_to_pages_of_the_same_file_and_to_addresses(reader: PdfReader) -> None:
    inside, outside = 0, set()
    for page in reader.pages:
        for reference in page.get("/Annots", ()):
            note = reference.get_object()
            action = note.get("/A", {})
            if "/URI" in action:
                outside.add(str(action["/URI"]))
            else:
                inside += 1
    assert outside == {"https://doi.org/10.1000/182"}
    assert inside > 60 * 2


def test_the_table_of_contents_is_also_the_outline(reader: PdfReader) -> None:
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert titles == ["Summary", "Evidence per tumor type", "Claims and rows", "References"]


def test_two_anchors_never_get_the_same_label() -> None:
    anchors = ["a:b", "a_b", "a/b", "a.b", "a_3a_b", "a-b", "å", "a b", "_3a_", ":"]
    assert len({_name(anchor) for anchor in anchors}) == len(anchors)


def test_pictures_are_given_with_the_source_and_keep_their_size() -> None:
    figure = Figure(anchor="f", svg=picture("small", "#000"), caption=(), description="A box.")
    tall = dataclasses.replace(
        figure, anchor="g", svg='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 9000"/>'
    )
    source, pictures = render_typst(_document(figure, tall))
    assert pictures == {
        "figure-1.svg": figure.svg.encode(),
        "figure-2.svg": tall.svg.encode(),
    }
    assert '#picture("figure-1.svg", 460.00pt, false, "A box.", none)' in source
    assert '#picture("figure-2.svg", 6.67pt, true,' in source  # a high one floats


def test_a_long_list_in_a_card_leads_on_from_its_first_links_only() -> None:
    rows = tuple(Link(content=f"row {number}", target="s") for number in range(9))
    source, _ = render_typst(_document(Card(anchor="c", title=text("C"), items=(("rows", rows),))))
    assert source.count('#go("a-s"') == 6
    assert '#"row 8"' in source


def test_a_brief_card_has_no_heading_of_its_own() -> None:
    long = Card(anchor="c", title=text("Long"), items=(("term", text("value")),))
    brief = dataclasses.replace(long, anchor="d", title=text("Short"), brief=True)
    source, _ = render_typst(_document(long, brief))
    assert '#card(2, false, [#"Long";], [#term("term")#"value";])#label("a-c")' in source
    assert '#brief([#"Short";], [#term("term")#"value";])#label("a-d")' in source


def test_a_description_reaches_the_reader_who_cannot_see_the_picture(pdf: bytes) -> None:
    alternatives = _alternatives(pdf)
    assert "Two boxes; an arrow leads from the pathway to at least 5 µmol/L." in alternatives


def _alternatives(pdf: bytes) -> set[str]:
    reader = PdfReader(io.BytesIO(pdf))
    found = set()
    for number in range(1, int(str(reader.trailer["/Size"]))):
        thing = reader.get_object(number)
        if isinstance(thing, DictionaryObject) and "/Alt" in thing:
            found.add(str(thing["/Alt"]))
    return found


def test_a_character_without_a_glyph_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match=r"section s: .*'癌' \(U\+764C\)"):
        render_pdf(_document(Paragraph(content=text("a 癌"))), timestamp=0)


def test_a_character_without_a_glyph_in_a_picture_is_an_error() -> None:
    figure = Figure(anchor="f", svg=picture("癌", "#000"), caption=(), description="A box.")
    with pytest.raises(InputError, match=r"figure f: .*U\+764C"):
        render_pdf(_document(figure), timestamp=0)


def test_an_error_of_typst_is_an_error_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    from typst import TypstError

    monkeypatch.setattr("oncovivo.documents.pdf.render_typst", lambda _document: ("#panic()", {}))
    with pytest.raises(ProjectError, match="T: expected a document that typst can set") as caught:
        render_pdf(_document(), timestamp=0)
    assert isinstance(caught.value.__cause__, TypstError)


def test_a_missing_renderer_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"typst.*oncovivo\[guide\]"):
        render_pdf(_document(), timestamp=0)


def test_every_style_and_kind_of_inline_is_set() -> None:
    content = (
        Text(content="a", style="strong"),
        Text(content="b", style="subscript"),
        Link(content="c", url="mailto:a@b.org"),
        Badge(content="d", kind="simulated", target="s"),
    )
    source, _ = render_typst(_document(Paragraph(content=content)))
    assert (
        '#par[#strong[#"a";];#sub[#"b";];#out("mailto:a@b.org", [#"c";]);'
        '#link(label("a-s"), badge("simulated", [#"d";]));]'
    ) in source
