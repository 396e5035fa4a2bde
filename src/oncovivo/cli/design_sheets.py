"""What commands that plan write: tables, and sheets to print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oncovivo.errors import FileFormatError, InputError

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from oncovivo.documents import Document

__all__ = ["PlanOutOption", "SheetOption", "check_outputs", "write_outputs"]

PlanOutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Also write the table (.csv, .xlsx) or the sheet to print (.html, .pdf).",
    ),
]
SheetOption = Annotated[
    Path | None,
    typer.Option("--sheet", metavar="FILE", help="Also write the sheet to print: .html or .pdf."),
]

_TABLES = (".csv", ".xlsx")


def check_outputs(out: Path | None, sheet: Path | None) -> None:
    """Refuse names that nothing is written to, before anything is computed.

    Raises
    ------
    InputError
        If `out` ends in none of ``.csv .xlsx .html .pdf``, `sheet` in neither of the last two,
        or both are one file.
    """
    from oncovivo.guide.sheets import check_sheet_name

    if out is not None and out.suffix.lower() not in (*_TABLES, ".html", ".pdf"):
        expected = "a file ending in .csv, .xlsx, .html or .pdf"
        raise InputError(expected, found=out.name, where="--out", mend="rename it")
    if sheet is not None:
        check_sheet_name(sheet)
        if out is not None and out.absolute() == sheet.absolute():
            raise InputError("a file of its own for each of -o and --sheet", found="one twice")


def write_outputs(
    out: Path | None,
    sheet: Path | None,
    *,
    table: Callable[[], pd.DataFrame],
    document: Callable[..., Document],
    date: str | None,
) -> None:
    """Write the table and the sheets that were asked for.

    Parameters
    ----------
    out, sheet : Path, optional
        Files of ``-o`` and ``--sheet``.
    table : callable
        Makes the table.
    document : callable
        Makes the sheet, with the date as `printed`.
    date : str, optional
        What ``--date`` says.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    """
    from oncovivo.cli.files import write_table
    from oncovivo.provenance import build_date

    if out is not None and out.suffix.lower() in _TABLES:
        write_table(table(), out)
        out = None
    for path, option in ((out, "-o"), (sheet, "--sheet")):
        if path is not None:
            _write(document, path, printed=build_date(date), option=option)


def _write(document: Callable[..., Document], path: Path, *, printed: date, option: str) -> None:
    """Write a sheet, a refusal of the system as one line."""
    from oncovivo.guide.sheets import write_sheet

    try:
        write_sheet(document(printed=printed), path)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend=f"choose another file with {option}",
        ) from err
