"""A document that contradicts itself is refused by both renderers, in one line that says where."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from oncovivo.documents import (
    Badge,
    Block,
    Card,
    Document,
    Figure,
    Link,
    Paragraph,
    Section,
    Sentence,
    Table,
    TableColumn,
    TableRow,
    check_document,
    render_html,
    render_pdf,
    text,
)
from oncovivo.errors import InputError
from tests.documents.specimen import picture, specimen


def _with(*blocks: Block) -> Document:
    section = Section(anchor="s", title="S", blocks=blocks)
    return Document(title="T", subtitle="", date="2026-01-02", sections=(section,))


def _card(anchor: str) -> Card:
    return Card(anchor=anchor, title=text("A card"), items=())


def _table(*cells: str) -> Table:
    return Table(
        anchor="tab",
        caption=text("A table"),
        columns=(TableColumn(heading="a"), TableColumn(heading="b")),
        rows=(TableRow(cells=tuple(text(cell) for cell in cells)),),
    )


def _sentence(detail: str) -> Sentence:
    return Sentence(
        anchor="sentence",
        content=text("A sentence."),
        verdict=Badge(content="opinion", kind="opinion"),
        detail=detail,
    )


BROKEN: dict[str, tuple[Document, str]] = {
    "anchor twice": (_with(_card("c"), _card("c")), "unique, found 'c' twice"),
    "anchor of a block that a section has": (_with(_card("s")), "found 's' twice"),
    "empty anchor": (_with(_card("")), "anchor of a card: .* found ''"),
    "anchor with a space": (_with(_card("a b")), "without white space"),
    "anchor of the page": (_with(_card("ov--main")), "does not begin with 'ov--'"),
    "lost target of a link": (
        _with(Paragraph(content=(Link(content="x", target="gone"),))),
        "section 's': expected targets that are anchors of the document, found 'gone'",
    ),
    "lost target of a badge": (
        _with(Paragraph(content=(Badge(content="x", kind="info", target="gone"),))),
        "found 'gone'",
    ),
    "lost detail of a sentence": (_with(_sentence("gone")), "found 'gone'"),
    "link to nowhere": (_with(Paragraph(content=(Link(content="x"),))), "a target or a url"),
    "link to two places": (
        _with(_card("c"), Paragraph(content=(Link(content="x", target="c", url="https://a.b"),))),
        "a target or a url, not both",
    ),
    "link that runs a script": (
        _with(Paragraph(content=(Link(content="x", url="javascript:alert(1)"),))),
        "an address that begins with https://",
    ),
    "row with a cell too few": (_with(_table("1")), "table tab, row 1: expected 2 cells, found 1"),
    "row with a cell too many": (_with(_table("1", "2", "3")), "found 3"),
    "table without columns": (
        _with(Table(anchor="t", caption=(), columns=(), rows=())),
        "at least one column",
    ),
    "column without width": (
        _with(
            Table(anchor="t", caption=(), columns=(TableColumn(heading="a", width=0.0),), rows=())
        ),
        "column a: expected a column width above 0",
    ),
    "picture that is not XML": (
        _with(Figure(anchor="f", svg="<svg", caption=(), description="d")),
        "figure f: expected a picture as SVG, found XML error",
    ),
    "picture that is not SVG": (
        _with(Figure(anchor="f", svg="<html/>", caption=(), description="d")),
        "root element html",
    ),
    "picture without a size": (
        _with(Figure(anchor="f", svg="<svg/>", caption=(), description="d")),
        "a viewBox",
    ),
    "picture without a description": (
        _with(Figure(anchor="f", svg=picture("a", "red"), caption=(), description=" ")),
        "figure f: expected a description",
    ),
    "control character": (_with(Paragraph(content=text("a\x00b"))), r"found U\+0000"),
    "half a character": (_with(Paragraph(content=text("a\ud800b"))), r"found U\+D800"),
    "control character in a heading": (
        dataclasses.replace(_with(), sections=(Section(anchor="s", title="a\x1b"),)),
        r"section s: .* found U\+001B",
    ),
    "skipped level": (
        dataclasses.replace(
            _with(),
            sections=(
                Section(anchor="a", title="A"),
                Section(anchor="b", title="B", level=3),
            ),
        ),
        "section b: expected level 2 or above, found level 3",
    ),
    "empty heading": (
        dataclasses.replace(_with(), sections=(Section(anchor="a", title=" "),)),
        "section a: expected a heading",
    ),
    "empty title": (dataclasses.replace(_with(), title=""), "expected a title"),
    "date in words": (dataclasses.replace(_with(), date="2 January"), "YYYY-MM-DD"),
    "language in words": (dataclasses.replace(_with(), language="US English"), "BCP 47"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_document_is_refused_in_one_line_that_says_where(case: str) -> None:
    document, message = BROKEN[case]
    with pytest.raises(InputError, match=message) as caught:
        check_document(document)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "render",
    [render_html, lambda document: render_pdf(document, timestamp=0)],
    ids=["page", "pdf"],
)
def test_both_renderers_check_first(render: Callable[[Document], object]) -> None:
    with pytest.raises(InputError, match="unique"):
        render(_with(_card("c"), _card("c")))


def test_more_lost_targets_than_fit_in_a_line_are_counted() -> None:
    links = tuple(Link(content="x", target=f"gone{number}") for number in range(8))
    with pytest.raises(InputError, match="'gone4' and 3 more"):
        check_document(_with(Paragraph(content=links)))


def test_the_specimen_is_sound() -> None:
    check_document(specimen())
