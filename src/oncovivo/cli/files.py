"""Tables as files that a spreadsheet program opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oncovivo.errors import FileFormatError, InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_table"]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as ``.csv`` (UTF-8, commas) or ``.xlsx``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    FileFormatError
        If the file cannot be written.
    """
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError(
            "a file ending in .csv or .xlsx", found=path.name, where="--out", mend="rename it"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".csv":
            table.to_csv(path, index=False, lineterminator="\n")
        else:
            table.to_excel(path, index=False)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend="choose another file with -o",
        ) from err
