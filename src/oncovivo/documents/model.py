"""The content of a document, free of any output format.

A :class:`Document` is sections of blocks; a block is made of inlines. Every renderer walks the
same tree, so the page and the PDF cannot say different things. An ``anchor`` is unique in its
document; a ``target`` names an anchor of the same document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = [
    "Badge",
    "Bibliography",
    "Block",
    "Card",
    "Document",
    "Figure",
    "Inline",
    "Link",
    "Listing",
    "Note",
    "Paragraph",
    "Reference",
    "Section",
    "Sentence",
    "Table",
    "TableColumn",
    "TableRow",
    "Text",
    "text",
]

_MOST_WHOLE: Final = 16

BadgeKind: TypeAlias = Literal[
    "supported",
    "partly_supported",
    "unsupported",
    "contradicted",
    "uncited",
    "opinion",
    "error",
    "warning",
    "info",
    "waived",
    "simulated",
    "context",
    "neutral",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A run of text."""

    content: str
    style: Literal["plain", "strong", "emphasis", "code", "subscript", "superscript"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to an anchor of the document (``target``) or to an address (``url``), never both."""

    content: str
    target: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word with a fixed meaning (a verdict, a severity, *simulated*), shown as a label.

    Never colour alone: the word is always printed.
    """

    content: str
    kind: BadgeKind
    target: str = ""


Inline: TypeAlias = Text | Link | Badge
"""What a line of text is made of."""


def text(content: str) -> tuple[Inline, ...]:
    """Plain text as inlines."""
    return (Text(content=content),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph without a claim: framing, explanations."""

    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence that is tested: a compiled claim or a sentence computed from a study.

    ``detail`` is the anchor of the :class:`Card` that shows what stands behind it.
    """

    anchor: str
    content: tuple[Inline, ...]
    verdict: Badge
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of points."""

    items: tuple[tuple[Inline, ...], ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column: its heading, share of the width (relative to the other columns) and alignment."""

    heading: str
    width: float = 1.0
    align: Literal["left", "right", "center"] = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row: a cell for each column; the first cell is the row's header."""

    cells: tuple[tuple[Inline, ...], ...]
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a caption; ``note`` is printed under it.

    One for ``writing`` has room to write by hand: high rows, and lines between the columns.
    """

    anchor: str
    caption: tuple[Inline, ...]
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    note: tuple[Inline, ...] = ()
    use: Literal["reading", "writing"] = "reading"

    @property
    def whole(self) -> bool:
        """Whether all of its rows stay on one page: a short one to write into."""
        return self.use == "writing" and len(self.rows) <= _MOST_WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture as SVG text, with a caption and a description for those who cannot see it."""

    anchor: str
    svg: str
    caption: tuple[Inline, ...]
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A box that must not be overlooked."""

    kind: Literal["info", "warning", "error", "simulated"]
    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything known about one thing (a claim, a row, a study): term and content.

    On the page, a link to a card's anchor opens it as a pop-up. A ``brief`` card adds to the one
    before it and is set below it in a line or two.
    """

    anchor: str
    title: tuple[Inline, ...]
    items: tuple[tuple[str, tuple[Inline, ...]], ...]
    brief: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One entry of the bibliography: its label ("1"), text, and links that resolve it."""

    anchor: str
    label: str
    content: tuple[Inline, ...]
    remark: tuple[Inline, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bibliography:
    """The references, in the order of their labels."""

    entries: tuple[Reference, ...]


Block: TypeAlias = Paragraph | Sentence | Listing | Table | Figure | Note | Card | Bibliography
"""What a section is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the document with a heading; ``level`` 1 is a chapter, 2 and 3 lie below it.

    In print one that begins a ``page`` can be handed out by itself.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...] = ()
    level: Literal[1, 2, 3] = 1
    begins: Literal["here", "page"] = "here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document: ``date`` in ISO 8601, ``language`` as BCP 47 tag."""

    title: str
    subtitle: str
    date: str
    sections: tuple[Section, ...]
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    language: str = "en"
    generator: str = "oncovivo"
