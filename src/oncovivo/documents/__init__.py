"""One content model, two renderers: a self-contained page and a tagged PDF.

Jinja2 and typst are imported when a document is rendered, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.documents.check import check_document
    from oncovivo.documents.html import render_html
    from oncovivo.documents.model import (
        Badge,
        BadgeKind,
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
        Reference,
        Section,
        Sentence,
        Table,
        TableColumn,
        TableRow,
        Text,
        text,
    )
    from oncovivo.documents.pdf import render_pdf, render_typst

__all__ = [
    "Badge",
    "BadgeKind",
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
    "check_document",
    "render_html",
    "render_pdf",
    "render_typst",
    "text",
]

import_when_used(__name__)
