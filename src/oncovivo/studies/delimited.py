"""Delimited text as people save it: bytes in, cells with their place out.

What can be told from the file itself is told (comma, semicolon or tab from the header; comma or
point as decimal mark); what would be a guess is refused with the place and the remedy.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError

__all__ = ["DelimitedTable", "read_delimited"]

_MARKS_OF_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_NUMBER_COMMA: Final = re.compile(r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?")
_BELOW: Final = re.compile(r"[<≤]\s*(.+)")
# R writes NA for a missing value; other words are errors.
_MISSING: Final = ("", "NA")


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedTable:
    """A header and the columns below it.

    Parameters
    ----------
    file : str
        Name of the file.
    columns : dict of str to tuple of str
        Text of the cells, without outer white space, by header in lower case, in the order of the
        file; rows without any content are left out.
    row_numbers : tuple of int
        As a spreadsheet counts them: the header is row 1.
    decimal_comma : bool
        Whether numbers of the file have a comma as decimal mark.
    """

    file: str
    columns: dict[str, tuple[str, ...]]
    row_numbers: tuple[int, ...]
    decimal_comma: bool

    def where(self, index: int, column: str) -> str:
        """Place of a cell in words; `index` counts from 0."""
        return f"{self.file} row {self.row_numbers[index]}, column {column}"

    def error(self, index: int, column: str, expected: str, *, mend: str = "") -> FileFormatError:
        """The error for a cell; `index` counts from 0."""
        text = self.columns[column][index]
        found = f"'{text}'" if text else "a blank cell"
        return FileFormatError(expected, found=found, where=self.where(index, column), mend=mend)

    def is_missing(self, index: int, column: str) -> bool:
        """Whether a cell is blank or R's NA."""
        return self.columns[column][index] in _MISSING

    def word(self, index: int, column: str) -> str:
        """Text of a cell that must not be blank.

        Raises
        ------
        FileFormatError
            If the cell is blank.
        """
        text = self.columns[column][index]
        if not text:
            expected = "a value"
            raise self.error(index, column, expected)
        return text

    def number(self, index: int, column: str) -> float:
        """Number in a cell.

        Raises
        ------
        FileFormatError
            If the cell holds anything but a finite number.
        """
        return self._number(index, column, self.columns[column][index])

    def positive(self, index: int, column: str) -> float:
        """Number above zero in a cell, or NaN where it is blank or NA.

        Raises
        ------
        FileFormatError
            If the cell holds anything else.
        """
        if self.is_missing(index, column):
            return math.nan
        value = self.number(index, column)
        if value <= 0:
            expected = "a positive number"
            raise self.error(index, column, expected)
        return value

    def below(self, index: int, column: str) -> float | None:
        """The limit where a cell says ``<14``, else None.

        Raises
        ------
        FileFormatError
            If no positive number follows the sign.
        """
        match = _BELOW.fullmatch(self.columns[column][index])
        if match is None:
            return None
        limit = self._number(index, column, match.group(1))
        if limit <= 0:
            expected = "a positive number after '<'"
            raise self.error(index, column, expected)
        return limit

    def _number(self, index: int, column: str, text: str) -> float:
        """Number that a text holds, with the cell's place in the refusal."""
        pattern = _NUMBER_COMMA if self.decimal_comma else _NUMBER
        if pattern.fullmatch(text):
            value = float(text.replace(",", "."))
            if math.isfinite(value):
                return value
        mend = "leave the cell blank where nothing was measured"
        if _NUMBER.fullmatch(text) or _NUMBER_COMMA.fullmatch(text):
            mend = "use one decimal mark in the whole file; a comma needs ';' or tab between cells"
        expected = "a number"
        raise self.error(index, column, expected, mend=mend)


def read_delimited(path: Path, *, decimal_columns: Iterable[str]) -> DelimitedTable:
    """Cells of a delimited text file.

    Parameters
    ----------
    path : Path
        UTF-8, with or without byte order mark; comma, semicolon or tab between cells.
    decimal_columns : iterable of str
        Columns of numbers, whose cells decide the decimal mark.

    Raises
    ------
    FileFormatError
        If the file is missing, is not UTF-8, has no header or no rows, repeats a header, or has a
        row of another length than the header.
    """
    text = _decode(path)
    delimiter = _find_delimiter(text, path.name)
    records = _records(text, delimiter, path.name)
    header = [name.strip().casefold() for name in records[0]]
    while header and not header[-1]:
        header.pop()
    _check_header(header, path.name)
    filled: list[tuple[int, list[str]]] = []
    for number, record in enumerate(records[1:], start=2):
        cells = [cell.strip() for cell in record]
        if not any(cells):
            continue
        while len(cells) > len(header) and not cells[-1]:
            cells.pop()
        if len(cells) != len(header):
            raise FileFormatError(
                f"{len(header)} cells as in the header",
                found=f"{len(cells)}",
                where=f"{path.name} row {number}",
            )
        filled.append((number, cells))
    if not filled:
        expected = "rows below the header"
        raise FileFormatError(expected, found="none", where=path.name)
    columns = {
        name: tuple(cells[position] for _, cells in filled) for position, name in enumerate(header)
    }
    numeric = [cell for name in decimal_columns if name in columns for cell in columns[name]]
    return DelimitedTable(
        file=path.name,
        columns=columns,
        row_numbers=tuple(number for number, _ in filled),
        decimal_comma=delimiter != "," and _has_decimal_comma(numeric),
    )


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
    if not text.strip():
        expected = "a header and rows"
        raise FileFormatError(expected, found="an empty file", where=path.name)
    return text


def _find_delimiter(text: str, file: str) -> str:
    """The delimiter: the one that splits the header."""
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").splitlines()[0])
    counts = {mark: header.count(mark) for mark in (",", ";", "\t")}
    best = max(counts, key=lambda mark: counts[mark])
    others = [mark for mark in counts if mark != best and counts[mark]]
    if not counts[best] or others:
        raise FileFormatError(
            "a header row whose names are separated by comma, semicolon or tab",
            found=f"'{header[:60]}'",
            where=f"{file} row 1",
        )
    return best


def _records(text: str, delimiter: str, file: str) -> list[list[str]]:
    """Rows as the csv module splits them, blank ones kept so that the others count right."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = list(reader)
    except csv.Error as error:
        expected = "quotes that open and close"
        where = f"{file} line {reader.line_num}"
        raise FileFormatError(expected, found=str(error), where=where) from error
    first = next((i for i, record in enumerate(records) if any(record)), 0)
    if first:
        expected = "the header in row 1"
        raise FileFormatError(expected, found=f"{first} blank rows before it", where=file)
    return records


def _check_header(header: list[str], file: str) -> None:
    """Refuse a header with a gap or a name that comes twice."""
    for position, name in enumerate(header, start=1):
        place = f"{file} row 1, column {position}"
        if not name:
            expected = "a name in the header"
            raise FileFormatError(expected, found="a blank cell", where=place)
        if name in header[: position - 1]:
            expected = "each column once"
            raise FileFormatError(expected, found=f"'{name}' twice", where=place)


def _has_decimal_comma(cells: Iterable[str]) -> bool:
    """Whether the first number with a decimal mark has a comma."""
    for cell in cells:
        text = cell.lstrip("<≤ ")
        if "." in text and _NUMBER.fullmatch(text):
            return False
        if "," in text and _NUMBER_COMMA.fullmatch(text):
            return True
    return False
