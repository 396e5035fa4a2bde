"""Worksheets of a workbook: bytes in, cells with their place out.

The archive is looked through before a library opens it, so that one that would unpack to more than
a study can hold is refused. Two things that a cell reader shows as blank are kept apart from
blank: a formula without a stored value, and a formula that ended in an error.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from oncovivo.errors import FileFormatError
from oncovivo.studies.sheet import Sheet
from oncovivo.texts import check_characters

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

__all__ = ["MOST_BYTES", "MOST_CELLS", "WORKBOOK_SUFFIXES", "read_workbook"]

WORKBOOK_SUFFIXES: Final = (".xlsx", ".xlsm")
MOST_BYTES: Final = 200_000_000
"""Unpacked size beyond which a workbook is refused."""
MOST_CELLS: Final = 5_000_000
"""Cells of the rectangle that a worksheet spans, beyond which it is refused."""

_CELL: Final = re.compile(rb"<(?:\w+:)?c(?=[\s>])")
_ROW: Final = re.compile(rb"<(?:\w+:)?row(?=[\s>])")
_ROW_NUMBER: Final = re.compile(rb"""\sr\s*=\s*["']\s*(\d{1,12})""")
_PLACE: Final = re.compile(rb"""\sr\s*=\s*["']\s*\$?([A-Za-z]{1,9})\$?(\d{1,12})""")
_ERROR: Final = re.compile(rb"""\st\s*=\s*["']e["']""")
_TEXT: Final = re.compile(rb"""\st\s*=\s*["']str["']""")
_FORMULA: Final = re.compile(rb"<(?:\w+:)?f[\s/>]")
_VALUE: Final = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]+)<")
_INLINE: Final = re.compile(rb"<(?:\w+:)?is[\s>]")
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_ONE: Final = 1.0
_LARGEST_WHOLE: Final = 1e15


@dataclass(frozen=True, slots=True)
class _Part:
    """What the XML of a worksheet says beside the values.

    ``odd`` holds a text for each cell that would be shown as blank and is not.
    """

    odd: dict[tuple[int, int], str]


def read_workbook(path: Path) -> tuple[Sheet, ...]:
    """Visible worksheets that hold something, in the order of the workbook.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` or ``.xlsm`` file.

    Raises
    ------
    FileFormatError
        If the file is missing, is no workbook, is broken, or is too large.
    """
    from python_calamine import (
        CalamineError,
        CalamineWorkbook,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    data, parts = _look_through(path)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        sheets = [sheet for name in names if (sheet := _sheet(workbook, name, path.name, parts))]
    except (CalamineError, ValueError, OverflowError) as error:
        raise _broken(path.name, str(error)) from error
    if not sheets:
        expected = "a worksheet with a header and rows"
        raise FileFormatError(expected, found="none", where=path.name)
    return tuple(sheets)


def _sheet(
    workbook: CalamineWorkbook, name: str, file: str, parts: dict[str, _Part]
) -> Sheet | None:
    """One worksheet, None where it holds nothing."""
    worksheet = workbook.get_sheet_by_name(name)
    rows = [
        [_cell_text(value) for value in row] for row in worksheet.to_python(skip_empty_area=False)
    ]
    for (row, column), text in parts[name].odd.items() if name in parts else ():
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text
        else:
            _extend(rows, row, column, text)
    if not any(any(row) for row in rows):
        return None
    check_characters(name, where=file)
    check_characters("\n".join("\t".join(row) for row in rows), where=f"{file} sheet '{name}'")
    merges = worksheet.merged_cell_ranges or []
    return Sheet(
        file=file,
        name=name,
        rows=rows,
        merges=tuple((*first, *last) for first, last in merges),
        comma_possible=True,
        header_anywhere=True,
    )


def _extend(rows: list[list[str]], row: int, column: int, text: str) -> None:
    """Put a text outside the rectangle of the values."""
    width = max([len(cells) for cells in rows] + [column + 1])
    while len(rows) <= row:
        rows.append([""] * width)
    for cells in rows:
        cells.extend([""] * (width - len(cells)))
    rows[row][column] = text


def _cell_text(value: object) -> str:
    """Text of a cell; numbers as the shortest text that reads back to them."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        if value % _ONE == 0 and abs(value) < _LARGEST_WHOLE:
            return str(int(value))
        return repr(value)
    if isinstance(value, datetime):
        midnight = value.time().isoformat() == "00:00:00"
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _look_through(path: Path) -> tuple[bytes, dict[str, _Part]]:
    """Bytes of the archive, and what its worksheets say, by the name of the sheet."""
    try:
        data = path.read_bytes()
    except OSError as error:
        expected = "a file that can be read"
        raise FileFormatError(expected, found=error.strerror or "", where=path.name) from error
    if not data:
        expected = "a workbook"
        raise FileFormatError(expected, found="an empty file", where=path.name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_sizes(archive, path.name)
            # Reading every part to its end also proves that its declared size is its size.
            content = {
                info.filename: archive.read(info)
                for info in archive.infolist()
                if not info.is_dir()
            }
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # raised by zipfile for a compression it does not know
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise _broken(path.name, str(error)) from error
    parts: dict[str, _Part] = {}
    for name, part in _sheet_parts(content, path.name):
        parts[name] = _scan(content.get(part, b""), f"{path.name} sheet '{name}'")
    return data, parts


def _check_sizes(archive: zipfile.ZipFile, file: str) -> None:
    """Refuse an archive that unpacks to too much, or has a part twice."""
    infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        raise FileFormatError(
            f"a workbook of at most {MOST_BYTES // 1_000_000} MB unpacked",
            found=f"{total // 1_000_000} MB",
            where=file,
            mend="save the sheet as CSV UTF-8",
        )
    if len({info.filename for info in infos}) < len(infos):
        raise _broken(file, "a part that comes twice")


def _sheet_parts(content: dict[str, bytes], file: str) -> Iterator[tuple[str, str]]:
    """Name of each sheet and of the part that holds it."""
    try:
        book = ElementTree.fromstring(content["xl/workbook.xml"])
        relations = ElementTree.fromstring(content[_RELATIONS])
    except (KeyError, ElementTree.ParseError) as error:
        raise _broken(file, "no list of worksheets") from error
    targets = {node.get("Id"): node.get("Target") or "" for node in relations}
    for node in book.iter(f"{_MAIN}sheet"):
        target = targets.get(node.get(_RELATION)) or ""
        part = PurePosixPath("xl", target)
        yield node.get("name") or "", str(part).removeprefix("/")


def _scan(xml: bytes, sheet: str) -> _Part:
    """Extent of a worksheet, and its cells that only look blank."""
    if b"\x00" in xml:
        expected = "a worksheet in UTF-8"
        raise FileFormatError(expected, found="another encoding", where=sheet)
    row, last_row, last_column = -1, 0, 0
    odd: dict[tuple[int, int], str] = {}
    for row_xml in _ROW.split(xml)[1:]:
        number = _ROW_NUMBER.search(row_xml, 0, row_xml.find(b">") + 1)
        row = int(number.group(1)) - 1 if number else row + 1
        column = -1
        for piece in _CELL.split(row_xml)[1:]:
            attributes = piece[: piece.find(b">")]
            place = _PLACE.search(attributes)
            column = _column_index(place.group(1)) if place else column + 1
            # A cell may name another row than the one it stands in, and is then read there.
            row = int(place.group(2)) - 1 if place else row
            value = _VALUE.search(piece)
            formula = _FORMULA.search(piece)
            if value is None and formula is None and _INLINE.search(piece) is None:
                continue
            last_row, last_column = max(last_row, row), max(last_column, column)
            if _ERROR.search(attributes):
                text = value.group(1).decode("utf-8", "replace") if value else ""
                odd[row, column] = text if text.startswith("#") else "#ERROR"
            elif formula is not None and value is None and not _TEXT.search(attributes):
                odd[row, column] = "=formula without a stored value"
    if (last_row + 1) * (last_column + 1) > MOST_CELLS:
        raise FileFormatError(
            f"a sheet of at most {MOST_CELLS:,} cells",
            found=f"{last_row + 1:,} rows × {last_column + 1:,} columns",
            where=sheet,
            mend="delete what stands far from the table",
        )
    return _Part(odd)


def _column_index(letters: bytes) -> int:
    """Column from its letters, counted from 0."""
    index = 0
    for letter in letters.upper():
        index = index * 26 + letter - 64
    return index - 1


def _broken(file: str, what: str) -> FileFormatError:
    """The refusal of an archive that is no workbook."""
    return FileFormatError(
        "a workbook (.xlsx)",
        found=what[:100] or "something else",
        where=file,
        mend="open it in a spreadsheet program and save it again, or as CSV UTF-8",
    )
