"""What a command writes besides its output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from oncovivo.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

__all__ = ["check_table_name", "write_figures", "write_table"]

_Result = TypeVar("_Result")


def check_table_name(path: Path) -> None:
    """Refuse a name that no table is written to, before anything is computed.

    Raises
    ------
    InputError
        If the name ends in neither ``.csv`` nor ``.xlsx``.
    """
    from oncovivo.analyses import table_files

    table_files.check_table_name(path)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as ``.csv`` (UTF-8, commas) or ``.xlsx``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    FileFormatError
        If the file cannot be written.
    """
    from oncovivo.analyses import table_files

    try:
        table_files.write_table(table, path)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend="choose another file with -o",
        ) from err


def write_figures(
    write: Callable[[_Result, Path], tuple[Path, ...]], result: _Result, path: Path
) -> None:
    """Write the figures of a result as ``.svg`` or ``.png``.

    Parameters
    ----------
    write : callable
        What draws and writes them.
    result : object
        What to draw.
    path : Path
        Name of the first figure.

    Raises
    ------
    FileFormatError
        If a file cannot be written.
    """
    try:
        write(result, path)
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(path),
            mend="choose another file with --figure",
        ) from err
