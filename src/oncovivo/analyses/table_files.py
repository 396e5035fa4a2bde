"""Tables as files that a spreadsheet program opens; the same table gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from oncovivo.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["check_table_name", "write_csv", "write_table", "write_workbook"]

# The earliest date that a zip archive can hold, in place of the time of writing.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def check_table_name(path: Path) -> None:
    """Refuse a name that no table is written to, before anything is computed.

    Raises
    ------
    InputError
        If the name ends in neither ``.csv`` nor ``.xlsx``.
    """
    if path.suffix.lower() not in (".csv", ".xlsx"):
        expected = "a file ending in .csv or .xlsx"
        raise InputError(expected, found=path.name, where="--out", mend="rename it")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file, as its name ends: ``.csv`` or ``.xlsx``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If the file cannot be written.
    """
    check_table_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        write_csv(table, path)
    else:
        write_workbook({"table": table}, path)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 with commas and full precision; what is missing is empty.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as the worksheets of one workbook.

    Text stays text, also where it begins with an equals sign.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By the name of the worksheet.
    path : Path
        Ending in ``.xlsx``.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "oncovivo"
    book.properties.created = datetime(*_DATE)
    for name, table in tables.items():
        _fill(book.create_sheet(name), table)
    written = io.BytesIO()
    book.save(written)
    path.write_bytes(_undated(written))


def _fill(sheet: Worksheet, table: pd.DataFrame) -> None:
    """Header and rows of a worksheet."""
    columns = [[str(name), *table[name].tolist()] for name in table.columns]
    for column, values in enumerate(columns, start=1):
        for row, value in enumerate(values, start=1):
            if value is None or value != value:
                continue
            if isinstance(value, str):
                cell = sheet.cell(row, column, _NOT_IN_XML.sub("", value))
                cell.data_type = "s"
            elif isinstance(value, bool | int | float):
                sheet.cell(row, column, value)
            else:
                sheet.cell(row, column, str(value))
    sheet.freeze_panes = "A2"


def _undated(book: io.BytesIO) -> bytes:
    """A workbook without the time of its writing."""
    out = io.BytesIO()
    with ZipFile(book) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            info = ZipInfo(name, date_time=_DATE)
            info.compress_type = ZIP_DEFLATED
            new.writestr(info, _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z", old.read(name)))
    return out.getvalue()
