"""The page: one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from oncovivo.documents.check import RESERVED_PREFIX, check_document
from oncovivo.documents.model import Block, Document, Figure, Inline, Section, Table, TableColumn
from oncovivo.documents.svg import embed_svg, read_size
from oncovivo.documents.walk import plain, poppable
from oncovivo.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_html"]

_ANCHOR_SAFE = "!$&'()*+,;=:@/?-._~"
_WORD_COLUMN_REM = 6.5
_NUMBER_COLUMN_REM = 4.5
_FEWEST_STACKED = 3  # columns; fewer fit

Contents: TypeAlias = list[tuple[Section, list["Section"]]]


def render_html(document: Document) -> str:
    """The document as one HTML file that loads nothing.

    Style, script and pictures stand in the file; a content security policy in it forbids any
    request. Without scripts every link jumps to its anchor; with them, links to cards and
    references open a pop-up.

    Parameters
    ----------
    document : Document
        What to render. All text is escaped; SVG of figures is embedded as it is.

    Returns
    -------
    str
        The same text for the same document.

    Raises
    ------
    InputError
        If the document contradicts itself, see :func:`~oncovivo.documents.check.check_document`.
    MissingExtraError
        If Jinja2 is not installed.

    Examples
    --------
    >>> from oncovivo.documents.model import Document, Paragraph, Section, text
    >>> page = render_html(
    ...     Document(
    ...         title="A guide",
    ...         subtitle="",
    ...         date="2026-01-02",
    ...         sections=(
    ...             Section(anchor="s", title="S", blocks=(Paragraph(content=text("a < b")),)),
    ...         ),
    ...     )
    ... )
    >>> "<p>a &lt; b</p>" in page
    True
    """
    check_document(document)
    environment = _environment()
    script = _asset("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        document=document,
        contents=_contents(document.sections),
        pops=poppable(document),
        pictures=_pictures(document),
        style=_asset("style.css"),
        script=script,
        script_digest=digest,
        prefix=RESERVED_PREFIX,
    )


def _environment() -> Environment:
    """Jinja2 with escaping on, and an error for a name that does not exist."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as err:
        raise MissingExtraError("guide", "jinja2") from err
    environment = Environment(
        loader=PackageLoader("oncovivo.documents", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = plain
    environment.filters["fragment"] = _fragment
    environment.tests["a"] = _is_a
    environment.tests["stacked"] = _stacks
    environment.globals["table_width"] = _table_width
    return environment


def _asset(name: str) -> str:
    """A file of the templates folder."""
    return files("oncovivo.documents").joinpath("templates", name).read_text(encoding="utf-8")


def _is_a(part: Block | Inline, kind: str) -> bool:
    """Whether a part of the content model is of a kind, by the name of its class."""
    return type(part).__name__ == kind


def _stacks(table: Table) -> bool:
    """Whether rows stand cell below cell on a narrow screen: tables of words, not of numbers."""
    right = sum(column.align == "right" for column in table.columns)
    return len(table.columns) >= _FEWEST_STACKED and 2 * right <= len(table.columns)


def _fragment(anchor: str) -> str:
    """An anchor as the fragment of an address."""
    return quote(anchor, safe=_ANCHOR_SAFE)


def _table_width(columns: tuple[TableColumn, ...]) -> str:
    """The width below which a table scrolls instead of shrinking."""
    numbers = sum(column.align == "right" for column in columns)
    rem = numbers * _NUMBER_COLUMN_REM + (len(columns) - numbers) * _WORD_COLUMN_REM
    return f"{rem:g}rem"


def _contents(sections: tuple[Section, ...]) -> Contents:
    """Chapters, each with the sections one level below it."""
    chapters: Contents = []
    for section in sections:
        if section.level == 1:
            chapters.append((section, []))
        elif section.level == 2:
            chapters[-1][1].append(section)
    return chapters


def _pictures(document: Document) -> dict[str, dict[str, str]]:
    """Per figure anchor: embeddable SVG, id of the description, natural width in CSS pixels."""
    from markupsafe import Markup

    pictures: dict[str, dict[str, str]] = {}
    for section in document.sections:
        for block in section.blocks:
            if not isinstance(block, Figure):
                continue
            name = f"{RESERVED_PREFIX}figure{len(pictures) + 1}"
            svg = embed_svg(
                block.svg,
                prefix=f"{name}-",
                label=plain(block.caption),
                described_by=f"{name}-description",
            )
            size = read_size(block.svg, where=f"figure {block.anchor}")
            pictures[block.anchor] = {
                "svg": Markup(
                    svg
                ),  # project code draws the pictures; nothing in them is user markup
                "description_id": f"{name}-description",
                "width": f"{size.width / 0.75:.0f}",
            }
    return pictures
