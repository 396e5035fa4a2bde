"""Refuses a document that cannot be rendered faithfully."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable

from oncovivo.documents.model import Document, Figure, Link, Sentence, Table
from oncovivo.documents.svg import read_size
from oncovivo.documents.walk import anchors, inlines, target_of
from oncovivo.errors import InputError

__all__ = ["RESERVED_PREFIX", "check_document"]

RESERVED_PREFIX = "ov--"
"""Ids that the page makes for itself begin so; an anchor may not."""

_SHOWN = 5
_ADDRESS = re.compile(r"(https?://|mailto:)[^\s\"'<>\\]+", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# Control characters have no glyph, are not allowed in HTML, and half a surrogate pair is not text.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def check_document(document: Document) -> None:
    """Raise if a document contradicts itself.

    Parameters
    ----------
    document : Document
        What is about to be rendered.

    Raises
    ------
    InputError
        If an anchor is empty, holds white space, is reserved or is used twice; if a link or badge
        names an anchor that does not exist, or a link has both or neither of target and url; if an
        address does not begin with http://, https:// or mailto:; if a table row has another number
        of cells than the table has columns; if section levels are skipped; if a picture is not SVG
        or has no description; if the date or the language is not one; if a text holds control
        characters.

    Examples
    --------
    >>> from oncovivo.documents.model import Document, Section
    >>> check_document(
    ...     Document(
    ...         title="T",
    ...         subtitle="",
    ...         date="2026-01-02",
    ...         sections=(Section(anchor="a", title="A"), Section(anchor="a", title="B")),
    ...     )
    ... )
    Traceback (most recent call last):
    oncovivo.errors.InputError: document: expected anchors that are unique, found 'a' twice...
    """
    _check_frame(document)
    known = _check_anchors(document)
    _check_links(document, known)
    _check_levels(document)
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                _check_table(block)
            elif isinstance(block, Figure):
                _check_figure(block)
    _check_text(document)


def _check_frame(document: Document) -> None:
    """The title, the date and the language."""
    if not document.title.strip():
        raise InputError("a title", found="an empty one", where="document")
    try:
        datetime.date.fromisoformat(document.date)
    except ValueError as err:
        raise InputError(
            "a date as YYYY-MM-DD", found=repr(document.date), where="document, field date"
        ) from err
    if not _LANGUAGE.fullmatch(document.language):
        raise InputError(
            "a BCP 47 language tag such as 'en'",
            found=repr(document.language),
            where="document, field language",
        )


def _check_anchors(document: Document) -> frozenset[str]:
    """Anchors are unique and can be written as an id; returns them."""
    counts = Counter(anchor for anchor, _ in anchors(document))
    for anchor, kind in anchors(document):
        if not anchor or re.search(r"\s", anchor) or anchor.startswith(RESERVED_PREFIX):
            raise InputError(
                f"an anchor without white space that does not begin with {RESERVED_PREFIX!r}",
                found=repr(anchor),
                where=f"anchor of a {kind}",
            )
    twice = sorted(anchor for anchor, count in counts.items() if count > 1)
    if twice:
        raise InputError(
            "anchors that are unique",
            found=f"{_some(twice)} twice or more",
            where="document",
            mend="give each section, sentence, table, row, figure, card and reference its own",
        )
    return frozenset(counts)


def _check_links(document: Document, known: frozenset[str]) -> None:
    """Targets exist; addresses are addresses."""
    lost: dict[str, str] = {}
    for inline, section in inlines(document):
        target = target_of(inline)
        if target and target not in known:
            lost.setdefault(target, section)
        if isinstance(inline, Link):
            if bool(inline.target) == bool(inline.url):
                raise InputError(
                    "a link with a target or a url, not both",
                    found=f"target {inline.target!r} and url {inline.url!r}",
                    where=f"section {section}, link {inline.content!r}",
                )
            if inline.url and not _ADDRESS.fullmatch(inline.url):
                raise InputError(
                    "an address that begins with https://, http:// or mailto:",
                    found=repr(inline.url),
                    where=f"section {section}, link {inline.content!r}",
                )
    for section_ in document.sections:
        for block in section_.blocks:
            if isinstance(block, Sentence) and block.detail not in known:
                lost.setdefault(block.detail, section_.anchor)
    if lost:
        raise InputError(
            "targets that are anchors of the document",
            found=_some(sorted(lost)),
            where="section " + _some(sorted(set(lost.values()))),
            mend="add what they name, or remove the link",
        )


def _check_levels(document: Document) -> None:
    """A section lies at most one level below the one before it."""
    before = 0
    for section in document.sections:
        if not section.title.strip():
            raise InputError("a heading", found="an empty one", where=f"section {section.anchor}")
        if section.level > before + 1:
            raise InputError(
                f"level {before + 1} or above",
                found=f"level {section.level}",
                where=f"section {section.anchor}",
                mend="levels must not be skipped",
            )
        before = section.level


def _check_table(table: Table) -> None:
    """Every row has a cell for each column."""
    if not table.columns:
        raise InputError("at least one column", found="none", where=f"table {table.anchor}")
    for column in table.columns:
        if not 0 < column.width < float("inf"):
            raise InputError(
                "a column width above 0",
                found=str(column.width),
                where=f"table {table.anchor}, column {column.heading}",
            )
    for number, row in enumerate(table.rows, start=1):
        if len(row.cells) != len(table.columns):
            raise InputError(
                f"{len(table.columns)} cells",
                found=str(len(row.cells)),
                where=f"table {table.anchor}, row {number}",
            )


def _check_figure(figure: Figure) -> None:
    """A picture is SVG and says in words what it shows."""
    if not figure.description.strip():
        raise InputError(
            "a description for those who cannot see the picture",
            found="an empty one",
            where=f"figure {figure.anchor}",
        )
    read_size(figure.svg, where=f"figure {figure.anchor}")


def _check_text(document: Document) -> None:
    """No control characters anywhere."""
    lines = [
        (document.title, "title"),
        (document.subtitle, "subtitle"),
        (document.generator, "generator"),
        *((author, "authors") for author in document.authors),
        *((word, "keywords") for word in document.keywords),
        *((section.title, f"section {section.anchor}") for section in document.sections),
        *((inline.content, f"section {section}") for inline, section in inlines(document)),
    ]
    for line, where in lines:
        match = _NOT_TEXT.search(line)
        if match:
            raise InputError(
                "text without control characters",
                found=f"U+{ord(match.group()):04X}",
                where=where,
            )


def _some(names: Iterable[str]) -> str:
    """A few names, and how many more there are."""
    listed = list(names)
    line = ", ".join(repr(name) for name in listed[:_SHOWN])
    more = len(listed) - _SHOWN
    return f"{line} and {more} more" if more > 0 else line
