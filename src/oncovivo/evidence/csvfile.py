"""Strict reading and writing of the comma-separated files of an evidence folder.

These files are this project's own format, so nothing about them is guessed: UTF-8 without a byte
order mark, commas, one header row, every row as long as the header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from oncovivo.errors import FileFormatError
from oncovivo.texts import check_characters

__all__ = ["read_rows", "read_text", "write_rows"]

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises
    ------
    FileFormatError
        If the file is missing, starts with a byte order mark, is not UTF-8, or holds control
        characters.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        reason = err.strerror or "no reason given"
        raise FileFormatError(
            "a readable file",
            found=reason.lower(),
            where=path.name,
            mend=f"check that {path} exists and is a file",
        ) from err
    if data.startswith(_BYTE_ORDER_MARKS):
        raise FileFormatError(
            "UTF-8 text without a byte order mark",
            found="a byte order mark",
            where=f"{path.name} byte 1",
            mend="save the file again as UTF-8 without BOM",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte 0x{data[err.start]:02x} of Latin-1 or another encoding",
            where=f"{path.name} line {line}",
            mend="save the file again as UTF-8 without BOM",
        ) from err
    check_characters(text, where=path.name)
    return text


def read_rows(
    path: Path, *, columns: Sequence[str], required: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """The data rows of a CSV file as (line number in the file, cells by column name).

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Every column that may be there; any other is an error.
    required : sequence of str, optional
        Columns that must be there; all of `columns` by default.

    Raises
    ------
    FileFormatError
        If the file is not UTF-8, empty, not separated by commas, has an unknown, missing or
        repeated column, or a row with too few or too many cells.
    """
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None or not any(cell.strip() for cell in header):
            raise FileFormatError(
                f"a header row with the columns {', '.join(columns[:3])}, …",
                found="an empty file",
                where=path.name,
                mend="start the file with the header row that the reference page lists",
            )
        _check_header(header, path=path, columns=columns, required=required or columns)
        for cells in reader:
            line = reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                raise FileFormatError(
                    f"{len(header)} cells, as in the header",
                    found=f"{len(cells)}",
                    where=f"{path.name} row {line}",
                    mend="quote cells that contain a comma",
                )
            yield line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    except csv.Error as err:
        raise FileFormatError(
            "comma-separated values with closed quotes",
            found=str(err),
            where=f"{path.name} row {reader.line_num}",
            mend='write a quote inside a cell as ""',
        ) from err


def _check_header(
    header: Sequence[str], *, path: Path, columns: Sequence[str], required: Sequence[str]
) -> None:
    """Refuse a header that is not separated by commas or does not hold the right columns."""
    if len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in header[0]:
                raise FileFormatError(
                    "columns separated by commas",
                    found=name,
                    where=f"{path.name} row 1",
                    mend="save the file as comma-separated UTF-8",
                )
    for position, name in enumerate(header, start=1):
        if name not in columns:
            raise FileFormatError(
                "a known column",
                found=f"{name!r}",
                where=f"{path.name} row 1, column {position}",
                mend=f"use one of: {', '.join(columns)}",
            )
        if name in header[: position - 1]:
            raise FileFormatError(
                "each column once",
                found=f"{name!r} twice",
                where=f"{path.name} row 1, column {position}",
                mend="remove one of them",
            )
    missing = [name for name in required if name not in header]
    if missing:
        raise FileFormatError(
            f"the column {missing[0]!r}",
            found="it is missing",
            where=f"{path.name} row 1",
            mend=f"add: {', '.join(missing)}",
        )


def write_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV text with Unix line ends, the same for the same cells."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
