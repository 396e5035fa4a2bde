"""Pages to print for the bench, ``.html`` or ``.pdf``, with room to tick and to sign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from oncovivo.documents import (
    Document,
    Inline,
    Table,
    TableColumn,
    TableRow,
    render_html,
    render_pdf,
    text,
)
from oncovivo.errors import InputError

__all__ = ["BOX", "check_sheet_name", "sheet_table", "write_sheet"]

Heading: TypeAlias = tuple[str, float, Literal["left", "right", "center"]]

BOX: Final = "☐"
"""What is ticked by hand."""

_SUFFIXES: Final = (".html", ".pdf")


def check_sheet_name(path: Path, *, option: str = "--sheet") -> None:
    """Refuse a name that no sheet is written to.

    Parameters
    ----------
    path : Path
        The file.
    option : str
        What the user gave it with.

    Raises
    ------
    InputError
        If the name ends in neither ``.html`` nor ``.pdf``.
    """
    if path.suffix.lower() not in _SUFFIXES:
        expected = "a file ending in .html or .pdf"
        raise InputError(expected, found=path.name, where=option, mend="rename it")


def write_sheet(document: Document, path: Path) -> None:
    """Write a sheet as its name ends, ``.html`` or ``.pdf``; a PDF carries the sheet's date.

    Parameters
    ----------
    document : Document
        The sheet.
    path : Path
        The file; its folder is made.

    Raises
    ------
    InputError
        If the name ends otherwise.
    MissingExtraError
        If Jinja2 or typst is not installed.
    OSError
        If the file cannot be written.
    """
    check_sheet_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".pdf":
        printed = date.fromisoformat(document.date)
        midnight = datetime(printed.year, printed.month, printed.day, tzinfo=UTC)
        path.write_bytes(render_pdf(document, timestamp=int(midnight.timestamp())))
    else:
        path.write_text(render_html(document), encoding="utf-8", newline="\n")


def sheet_table(
    anchor: str,
    caption: str,
    headings: Sequence[Heading],
    rows: Iterable[Sequence[str | tuple[Inline, ...]]],
    *,
    note: str = "",
    use: Literal["reading", "writing"] = "reading",
) -> Table:
    """A table whose cells are words or inlines.

    Parameters
    ----------
    anchor, caption : str
        Its name and heading.
    headings : sequence of tuple
        Heading, share of the width and alignment of each column.
    rows : iterable of sequence
        A cell for each column.
    note : str
        What stands under it.
    use : {"reading", "writing"}
        Whether it has room to write by hand.
    """
    return Table(
        anchor=anchor,
        caption=text(caption),
        columns=tuple(
            TableColumn(heading=heading, width=width, align=align)
            for heading, width, align in headings
        ),
        rows=tuple(
            TableRow(
                cells=tuple(text(cell) if isinstance(cell, str) else cell for cell in row),
            )
            for row in rows
        ),
        note=text(note) if note else (),
        use=use,
    )
