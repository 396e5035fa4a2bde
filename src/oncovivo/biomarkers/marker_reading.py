"""Marker tables from files: long or wide, delimited text or a workbook's first worksheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.biomarkers.assays import find_assay
from oncovivo.biomarkers.marker_table import MARKER_TABLE_COLUMNS, MarkerTable
from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import LongTable, Sheet
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook
from oncovivo.units import convert

__all__ = ["read_markers"]

FloatArray: TypeAlias = NDArray[np.float64]

_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "line": ("model", "xenograft_line", "cell_line"),
        "arm": ("treatment", "group"),
        "animal_id": ("animal", "mouse", "mouse_id", "animal id", "mouse id"),
        "tumor_id": ("tumor", "tumour", "tumour_id"),
        "day": ("week", "weeks", "days"),
        "analyte": ("marker", "protein", "gene", "target"),
        "replicate": ("technical_replicate", "well", "lane"),
        "field": ("roi", "section", "image", "region"),
        "plate": ("batch", "blot", "gel"),
    }
)
_ABOVE_MARKS: Final = (">", "≥")
_UNDETERMINED: Final = ("undetermined", "undet", "undet.", "n.d.")


def read_markers(
    path: Path,
    *,
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    wide: Mapping[str, str] | None = None,
    undetermined_at: float | None = None,
) -> MarkerTable:
    """The marker table of a file.

    A long file has a row for each reading and the columns of ``MARKER_TABLE_COLUMNS``, or other
    common names for them; a column ``week`` is converted to days. A wide file has a column for
    each analyte. A cell ``<0.5`` is a reading below the limit of quantification 0.5, ``>40`` one
    above 40; a blank cell is a reading that was not taken.

    Parameters
    ----------
    path : Path
        UTF-8 text with comma, semicolon or tab, or an ``.xlsx`` whose first worksheet counts.
    columns : mapping of str to str, optional
        Header in the file by our name, where it has another.
    constants : mapping of str to str, optional
        What all rows have in common and no column says: assay, unit, analyte, line.
    wide : mapping of str to str, optional
        For a wide file: the assay by header of each analyte's column. Other columns are left.
    undetermined_at : float, optional
        Last cycle of the PCR: a threshold cycle ``Undetermined`` is then above it.

    Raises
    ------
    FileFormatError
        If the file is missing or malformed, a column is missing, or a cell holds no number; names
        row and column.
    InputError
        If a name is not one of a marker table's columns, or an assay is unknown.
    DataError
        If a value cannot be one of its assay, units are mixed, a reading is there twice, or an
        animal is in several arms.
    """
    given, fixed = dict(columns or {}), dict(constants or {})
    for name in (*given, *fixed):
        if name not in MARKER_TABLE_COLUMNS:
            expected = "a column of a marker table: " + ", ".join(MARKER_TABLE_COLUMNS)
            raise InputError(expected, found=f"'{name}'")
    sheet = _sheet(path)
    if not sheet.rows:
        raise FileFormatError("a header and rows", found="none", where=sheet.place)
    shown = {name.casefold(): name for name in trimmed_header(sheet.rows[0])}
    ours = _ours(shown, given, sheet.place)
    clash = [name for name in fixed if name in ours]
    if clash:
        found = f"column '{ours[clash[0]]}' and '{fixed[clash[0]]}' for all"
        raise InputError(f"{clash[0]} once", found=found, where=sheet.place)
    values = {name.casefold(): assay for name, assay in (wide or {}).items()}
    for name in values:
        if name not in shown:
            expected = f"a column '{name}'"
            raise FileFormatError(expected, found=", ".join(shown.values()), where=sheet.place)
    stated = set(ours) | (set(fixed) - {"value"})
    for name in () if wide else ("value", "analyte"):
        if name in stated:
            continue
        raise FileFormatError(
            f"a column '{name}'",
            found=", ".join(shown.values()),
            where=f"{sheet.place} row 1",
            mend=f"if it has another name, say which with columns: {name}",
        )
    numeric = [ours[n].casefold() for n in ("day", "value", "weight") if n in ours]
    table = sheet_columns(sheet, decimal_columns=[*numeric, *values])
    table = replace(table, headers={name: shown.get(name, name) for name in table.texts})
    return _assembled(table, ours, fixed, values, undetermined_at)


def _sheet(path: Path) -> Sheet:
    """Cells of the file."""
    if not path.is_file():
        raise FileFormatError("a file of markers", found="nothing there", where=path.name)
    if path.suffix.casefold() in WORKBOOK_SUFFIXES:
        return read_workbook(path)[0]
    return read_text_sheet(path)


def _ours(shown: Mapping[str, str], given: Mapping[str, str], place: str) -> dict[str, str]:
    """Header in the file, as it is written there, by our name."""
    found: dict[str, str] = {}
    for name, theirs in given.items():
        if theirs.casefold() not in shown:
            expected = f"a column '{theirs}' for {name}"
            raise FileFormatError(expected, found=", ".join(shown.values()), where=place)
        found[name] = shown[theirs.casefold()]
    taken = {theirs.casefold() for theirs in found.values()}
    for name in MARKER_TABLE_COLUMNS:
        options = [n for n in (name, *_OTHER_NAMES.get(name, ())) if n in shown]
        options = [option for option in options if option not in taken]
        if name not in found and options:
            found[name] = shown[options[0]]
            taken.add(options[0])
    return found


def _assembled(
    table: LongTable,
    ours: Mapping[str, str],
    fixed: Mapping[str, str],
    wide: Mapping[str, str],
    undetermined_at: float | None,
) -> MarkerTable:
    """The table under our names, one row for each reading."""
    made: dict[str, object] = dict(fixed)
    notes: list[str] = []
    for name, theirs in ours.items():
        column = theirs.casefold()
        if name == "day":
            made[name] = _days(table, column, notes)
        elif name == "weight":
            made[name] = table.numbers(column).values
        elif name != "value":
            made[name] = table.texts[column]
    if not wide:
        numbers, states = _values(table, ours["value"].casefold(), undetermined_at)
        stated = made.get("value_state")
        if isinstance(stated, list):
            states = [own or state for own, state in zip(stated, states, strict=True)]
        rows = pd.DataFrame({**made, "value": numbers, "value_state": states})
        return MarkerTable(
            name=table.place, rows=rows, row_numbers=table.row_numbers.tolist(), notes=tuple(notes)
        )
    parts = []
    for column, assay in wide.items():
        numbers, states = _values(table, column, undetermined_at)
        own = {"analyte": table.headers[column], "assay": find_assay(assay).name}
        parts.append(pd.DataFrame({**made, **own, "value": numbers, "value_state": states}))
    return MarkerTable(
        name=table.place,
        rows=pd.concat(parts, ignore_index=True),
        row_numbers=table.row_numbers.tolist() * len(parts),
        notes=tuple(notes),
    )


def _days(table: LongTable, column: str, notes: list[str]) -> FloatArray:
    """Days, converted from weeks where the header says so."""
    days = table.numbers(column).values
    if column.startswith("week"):
        notes.append(f"'{table.headers[column]}' was converted from weeks to days.")
        return np.asarray(convert(days, "week", "day"), dtype=np.float64)
    return days


def _values(
    table: LongTable, column: str, undetermined_at: float | None
) -> tuple[FloatArray, list[str]]:
    """Numbers or limits of a column, and what each is."""
    texts = list(table.texts[column])
    above = np.zeros(table.n, dtype=bool)
    for index, text in enumerate(texts):
        if text[:1] in _ABOVE_MARKS and text:
            above[index] = True
            texts[index] = text[1:].lstrip() or text
        elif text.casefold() in _UNDETERMINED:
            if undetermined_at is None:
                raise table.error(
                    index, column, "a number", mend="give the last cycle as undetermined_at"
                )
            above[index] = True
            texts[index] = f"{undetermined_at:g}"
    plain = replace(table, texts={**table.texts, column: texts})
    numbers = plain.numbers(column, limits=True)
    if (above & numbers.missing).any():
        index = int(np.flatnonzero(above & numbers.missing)[0])
        raise table.error(index, column, "a number after '>'")
    states = np.where(numbers.missing, "not_measured", "measured").astype(object)
    states[numbers.below] = "below_limit"
    states[above] = "above_limit"
    return numbers.values, states.tolist()
