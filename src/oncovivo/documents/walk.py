"""Every part of a document in reading order: what the checks and both renderers need to know."""

from __future__ import annotations

from collections.abc import Iterator

from oncovivo.documents.model import (
    Badge,
    Bibliography,
    Block,
    Card,
    Document,
    Figure,
    Inline,
    Link,
    Listing,
    Note,
    Paragraph,
    Sentence,
    Table,
    text,
)

__all__ = ["anchors", "inlines", "plain", "poppable", "runs_of", "target_of"]


def plain(content: tuple[Inline, ...]) -> str:
    """The words of a line of text, without style.

    Examples
    --------
    >>> from oncovivo.documents.model import Link, Text
    >>> plain((Text(content="n = "), Link(content="12", target="row:1")))
    'n = 12'
    """
    return "".join(inline.content for inline in content)


def target_of(inline: Inline) -> str:
    """The anchor that an inline leads to, or an empty string."""
    return inline.target if isinstance(inline, Link | Badge) else ""


def anchors(document: Document) -> Iterator[tuple[str, str]]:
    """Each anchor of a document with the kind of thing it names, in reading order."""
    for section in document.sections:
        yield section.anchor, "section"
        for block in section.blocks:
            yield from _anchors_of(block)


def _anchors_of(block: Block) -> Iterator[tuple[str, str]]:
    if isinstance(block, Sentence):
        yield block.anchor, "sentence"
    elif isinstance(block, Figure):
        yield block.anchor, "figure"
    elif isinstance(block, Card):
        yield block.anchor, "card"
    elif isinstance(block, Table):
        yield block.anchor, "table"
        for row in block.rows:
            if row.anchor:
                yield row.anchor, "table row"
    elif isinstance(block, Bibliography):
        for entry in block.entries:
            yield entry.anchor, "reference"


def poppable(document: Document) -> frozenset[str]:
    """The anchors that the page opens as a pop-up: cards and references."""
    return frozenset(anchor for anchor, kind in anchors(document) if kind in {"card", "reference"})


def runs_of(block: Block) -> Iterator[tuple[Inline, ...]]:
    """Each line of text of a block, in reading order."""
    if isinstance(block, Paragraph | Note):
        yield block.content
    elif isinstance(block, Sentence):
        yield (*block.content, block.verdict)
    elif isinstance(block, Listing):
        yield from block.items
    elif isinstance(block, Table):
        yield block.caption
        yield from (text(column.heading) for column in block.columns)
        for row in block.rows:
            yield from row.cells
        yield block.note
    elif isinstance(block, Figure):
        yield block.caption
        yield text(block.description)
    elif isinstance(block, Card):
        yield block.title
        for term, content in block.items:
            yield text(term)
            yield content
    else:
        for entry in block.entries:
            yield text(entry.label)
            yield entry.content
            yield entry.remark


def inlines(document: Document) -> Iterator[tuple[Inline, str]]:
    """Each inline of a document with the section that it stands in."""
    for section in document.sections:
        for block in section.blocks:
            for run in runs_of(block):
                for inline in run:
                    yield inline, section.anchor
