"""Cells that hold two or three diameters at once: ``10x8``, ``10.5 × 8``, ``10*8*7``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError
from oncovivo.studies.columns import MappedColumn
from oncovivo.studies.sheet import MISSING
from oncovivo.units import parse_unit

__all__ = ["SplitColumns", "split_diameters"]

# Columns whose cells may be diameters instead of one number.
_SIZES: Final = ("volume_mm3", "area_mm2")
_DIAMETERS: Final = ("length_mm", "width_mm", "depth_mm")
_ONE: Final = r"[<≤]?\s*\d+(?:[.,]\d+)?"
_CELL: Final = re.compile(
    rf"({_ONE})\s*[x×*]\s*({_ONE})(?:\s*[x×*]\s*({_ONE}))?(?:\s*(?P<unit>mm|cm))?", re.IGNORECASE
)
_ZERO: Final = re.compile(r"0+(?:[.,]0*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitColumns:
    """Columns of a sheet once cells of diameters have columns of their own.

    Parameters
    ----------
    texts : dict of str to list of str
        Text of the cells by canonical name.
    headers : dict of str to str or list of str
        Header of each column, or of each cell.
    units : dict of str to str
        Symbol of the unit by canonical name.
    mapped : list of MappedColumn
        Which column became what.
    note : str
        What was read, in a sentence; empty where nothing was split.
    """

    texts: dict[str, list[str]]
    headers: dict[str, str | list[str]]
    units: dict[str, str]
    mapped: list[MappedColumn]
    note: str = ""


def split_diameters(
    columns: SplitColumns, *, row_numbers: NDArray[np.int64], place: str
) -> SplitColumns:
    """The columns, with a column of sizes whose cells are diameters as length, width and depth.

    A column is one of diameters when most of its cells are; every other cell then has to be, or
    be blank, or 0 for a tumor that is gone. Columns that have a length or a width already stay as
    they are, and so does a file without such cells.

    Parameters
    ----------
    columns : SplitColumns
        As read.
    row_numbers : ndarray, shape (n,)
        Number of each row in the file.
    place : str
        File and worksheet, for a refusal.

    Raises
    ------
    FileFormatError
        If cells with and without two diameters stand in one column, or with two and three, or in
        mm and cm.
    """
    if {"length_mm", "width_mm"} & columns.texts.keys():
        return columns
    for name in _SIZES:
        filled = [c for c in columns.texts.get(name, ()) if not (c in MISSING or _is_zero(c))]
        if 2 * sum(_CELL.fullmatch(cell) is not None for cell in filled) > len(filled):
            return _split(name, columns, row_numbers=row_numbers, place=place)
    return columns


def _split(
    name: str, columns: SplitColumns, *, row_numbers: NDArray[np.int64], place: str
) -> SplitColumns:
    """The columns with one of them split."""
    cells, header = columns.texts[name], columns.headers[name]
    parts: list[tuple[str, ...]] = []
    first: tuple[int, str] | None = None
    for index, cell in enumerate(cells):
        if cell in MISSING or _is_zero(cell):
            parts.append((cell,) * len(_DIAMETERS))
            continue
        match = _CELL.fullmatch(cell)
        found = tuple(part for part in match.groups()[:3] if part) if match else ()
        kind = (len(found), ((match["unit"] if match else None) or "").casefold())
        first = first or (kind if found else None)
        if not found or kind != first:
            expected = "two diameters such as 10x8 in every cell of the column"
            if first is not None and found:
                expected = "the same diameters and unit in every cell of the column"
            head = header if isinstance(header, str) else header[index]
            raise FileFormatError(
                expected,
                found=f"'{cell[:60]}'",
                where=f"{place} row {row_numbers[index]}, column {head}",
                mend="give volumes a column of their own; leave blank what was not measured",
            )
        parts.append((*found, *[""] * (len(_DIAMETERS) - len(found))))
    n_diameters, unit = first or (2, "")
    made = _DIAMETERS[:n_diameters]
    texts = {key: column for key, column in columns.texts.items() if key != name}
    texts |= {key: [part[at] for part in parts] for at, key in enumerate(made)}
    headers = {key: head for key, head in columns.headers.items() if key != name}
    headers |= dict.fromkeys(made, header)
    units = {key: symbol for key, symbol in columns.units.items() if key != name}
    units |= dict.fromkeys(made, unit) if unit else _header_unit(columns.units, name, made)
    return SplitColumns(
        texts=texts,
        headers=headers,
        units=units,
        mapped=[
            MappedColumn(canonical=key, theirs=column.theirs, how="synonym")
            for column in columns.mapped
            if column.canonical == name
            for key in made
        ]
        + [column for column in columns.mapped if column.canonical != name],
        note=f"Cells such as '{next(c for c in cells if _CELL.fullmatch(c))}' were read as "
        + ("length × width." if n_diameters == 2 else "length × width × depth."),
    )


def _is_zero(cell: str) -> bool:
    """Whether a cell says that there is no tumor."""
    return _ZERO.fullmatch(cell) is not None


def _header_unit(units: Mapping[str, str], name: str, made: Sequence[str]) -> dict[str, str]:
    """Unit of the diameters, where the header names one of length."""
    unit = units.get(name)
    if unit is None or parse_unit(unit).dimension != "length":
        return {}
    return dict.fromkeys(made, unit)
