"""Delimited text as people save it: bytes in, cells with their place out.

What can be told from the file itself is told (comma, semicolon or tab from the header; comma or
point as decimal mark); what would be a guess is refused with the place and the remedy.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from oncovivo.errors import FileFormatError
from oncovivo.studies.sheet import LongTable, Sheet, has_decimal_comma
from oncovivo.texts import check_characters

__all__ = ["MOST_COLUMNS", "read_delimited", "read_text_sheet", "sheet_columns"]

_MARKS_OF_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
MOST_COLUMNS: Final = 16_384
"""As many columns as a spreadsheet has; a line with more is no row of a study."""
# Lines below the header that are asked which delimiter splits them as it splits the header.
_LINES_ASKED: Final = 5


def read_text_sheet(path: Path) -> Sheet:
    """Cells of a delimited text file.

    Parameters
    ----------
    path : Path
        UTF-8, with or without byte order mark; comma, semicolon or tab between cells.

    Raises
    ------
    FileFormatError
        If the file is missing, is not UTF-8, or is not a table.
    """
    text = _decode(path)
    delimiter = _find_delimiter(text, path.name)
    rows = _records(text, delimiter, path.name)
    return Sheet(file=path.name, rows=rows, comma_possible=delimiter != ",")


def read_delimited(
    path: Path, *, decimal_columns: Iterable[str], empty_allowed: bool = False
) -> LongTable:
    """Columns of a delimited text file by their own headers, in lower case.

    Parameters
    ----------
    path : Path
        As for :func:`read_text_sheet`.
    decimal_columns : iterable of str
        Columns of numbers, whose cells decide the decimal mark.
    empty_allowed : bool
        Whether the file may have no rows.

    Raises
    ------
    FileFormatError
        If the file is missing, is not UTF-8, has no header or no rows, repeats a header, or has a
        row of another length than the header.
    """
    return sheet_columns(
        read_text_sheet(path), decimal_columns=decimal_columns, empty_allowed=empty_allowed
    )


def sheet_columns(
    sheet: Sheet, *, decimal_columns: Iterable[str], empty_allowed: bool = False
) -> LongTable:
    """Columns of a sheet whose first row is the header, by their headers in lower case.

    Parameters
    ----------
    sheet : Sheet
        Cells.
    decimal_columns : iterable of str
        Columns of numbers, whose cells decide the decimal mark.
    empty_allowed : bool
        Whether the sheet may have no rows.

    Raises
    ------
    FileFormatError
        If it has no header or no rows, repeats a header, or has a row of another length.
    """
    header = [name.casefold() for name in trimmed_header(sheet.rows[0])]
    check_header(header, sheet.place, row=1)
    rows, numbers = filled_rows(sheet, first=1, n_columns=len(header))
    if not rows and not empty_allowed:
        expected = "rows below the header"
        raise FileFormatError(expected, found="none", where=sheet.place)
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    texts = {name: list(column) for name, column in zip(header, cells, strict=True)}
    numeric = [cell for name in decimal_columns if name in texts for cell in texts[name]]
    return LongTable(
        place=sheet.place,
        file=sheet.file,
        texts=texts,
        headers={name: name for name in header},
        row_numbers=np.array(numbers, dtype=np.int64),
        decimal_comma=sheet.comma_possible and has_decimal_comma(numeric),
    )


def trimmed_header(cells: Iterable[str]) -> list[str]:
    """A header without the blank cells at its end."""
    header = list(cells)
    while header and not header[-1]:
        header.pop()
    return header


def check_header(header: list[str], place: str, *, row: int) -> None:
    """Refuse a header with a gap, or with a name that comes twice.

    Raises
    ------
    FileFormatError
        Naming the column.
    """
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        where = f"{place} row {row}, column {position}"
        if not name:
            expected = "a name in the header"
            raise FileFormatError(expected, found="a blank cell", where=where)
        if name in seen:
            expected = "each column once"
            raise FileFormatError(expected, found=f"'{name}' twice", where=where)
        seen.add(name)


def filled_rows(
    sheet: Sheet, *, first: int, n_columns: int
) -> tuple[list[Sequence[str]], list[int]]:
    """Rows that hold something, from row index `first` on, and their numbers from 1.

    Raises
    ------
    FileFormatError
        If a row has another number of cells than the header.
    """
    rows: list[Sequence[str]] = []
    numbers: list[int] = []
    for number, record in enumerate(sheet.rows[first:], start=first + 1):
        if not any(record):
            continue
        cells = record
        if len(cells) > n_columns and not any(record[n_columns:]):
            cells = record[:n_columns]
        if len(cells) != n_columns:
            raise FileFormatError(
                f"{n_columns} cells as in the header",
                found=f"{len(cells)}",
                where=f"{sheet.place} row {number}",
            )
        rows.append(cells)
        numbers.append(number)
    return rows, numbers


def _decode(path: Path) -> str:
    """Text of the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        expected = "a file that can be read"
        raise FileFormatError(expected, found=error.strerror or "", where=path.name) from error
    mend = "save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    if data.startswith(_MARKS_OF_UTF16):
        expected = "UTF-8 text"
        raise FileFormatError(expected, found="UTF-16", where=f"{path.name} byte 0", mend=mend)
    if data.startswith(b"PK\x03\x04"):
        expected = "delimited text"
        mend = "give it its ending .xlsx"
        raise FileFormatError(expected, found="a workbook", where=path.name, mend=mend)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The offset counts from the first byte after a byte order mark; put the mark back.
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte 0x{data[offset]:02x}",
            where=f"{path.name} byte {offset}, line {1 + data[:offset].count(10)}",
            mend=mend,
        ) from error
    if "\x00" in text:
        place = f"{path.name} line {text.count(chr(10), 0, text.index(chr(0))) + 1}"
        raise FileFormatError("UTF-8 text", found="a NUL character", where=place, mend=mend)
    check_characters(text, where=path.name)
    if not text.strip():
        expected = "a header and rows"
        raise FileFormatError(expected, found="an empty file", where=path.name)
    return text


def _find_delimiter(text: str, file: str) -> str:
    """The delimiter: the one that splits the header, and the rows below alike."""
    lines = re.split(r"\r\n|\r|\n", text.lstrip("\r\n")[:200_000])[: _LINES_ASKED + 1]
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
    counts = {mark: bare[0].count(mark) for mark in (",", ";", "\t") if bare[0].count(mark)}
    below = [line for line in bare[1:] if line.strip()]
    if len(counts) > 1:
        alike = [m for m in counts if below and all(r.count(m) == counts[m] for r in below)]
        counts = {mark: counts[mark] for mark in alike} if len(alike) == 1 else counts
    if len(counts) != 1:
        raise FileFormatError(
            "a header row whose names are separated by comma, semicolon or tab",
            found=f"'{bare[0][:60]}'",
            where=f"{file} row 1",
        )
    (delimiter, count), *_ = counts.items()
    if count >= MOST_COLUMNS:
        expected = f"at most {MOST_COLUMNS:,} columns"
        raise FileFormatError(expected, found=f"{count + 1:,}", where=f"{file} row 1")
    return delimiter


def _records(text: str, delimiter: str, file: str) -> list[list[str]]:
    """Rows as the csv module splits them, blank ones kept so that the others count right."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = [list(map(str.strip, record)) for record in reader]
    except csv.Error as error:
        expected = "quotes that open and close"
        where = f"{file} line {reader.line_num}"
        raise FileFormatError(expected, found=str(error), where=where) from error
    first = next((i for i, record in enumerate(records) if any(record)), 0)
    if first:
        expected = "the header in row 1"
        raise FileFormatError(expected, found=f"{first} blank rows before it", where=file)
    return records
