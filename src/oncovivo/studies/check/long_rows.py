"""Rows of a file read leniently: cells one by one, so that what no study can hold is kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, cast

import numpy as np

from oncovivo.studies.caliper import caliper_volume
from oncovivo.studies.check.model import CheckOptions
from oncovivo.studies.check.rows import BadCell, FloatArray, TextArray
from oncovivo.studies.columns import CANONICAL, ColumnMapping
from oncovivo.studies.dates import looks_like_date
from oncovivo.studies.delimited import read_delimited, read_text_sheet
from oncovivo.studies.layout import Layout, LongSheet, find_layout, to_long
from oncovivo.studies.readers import TEXT_SUFFIXES, read_long_sheets
from oncovivo.studies.sheet import MISSING, LongTable, Sheet
from oncovivo.units import convert

__all__ = [
    "LongRows",
    "Sizes",
    "StatedAnimals",
    "array_of_texts",
    "first_text",
    "last_number",
    "long_rows",
    "sizes_of",
    "stated_animals",
]

MEASUREMENTS_FILE: Final = "measurements.csv"
ANIMALS_FILE: Final = "animals.csv"
NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRows:
    """A table with one row per animal and day, its cells read one by one."""

    long: LongSheet
    options: CheckOptions
    extra: tuple[Sheet, Layout] | None = None
    bad: list[BadCell] = field(default_factory=list)

    @classmethod
    def of_columns(cls, table: LongTable) -> LongRows:
        """A table whose columns need no mapping."""
        mapping = ColumnMapping(columns=(), unread=())
        long = LongSheet(
            table=table,
            name=None,
            header_row=1,
            mapping=mapping,
            units={},
            animal_by_row=False,
            notes=(),
        )
        return cls(long=long, options=CheckOptions())

    @property
    def table(self) -> LongTable:
        """The cells by canonical column."""
        return self.long.table

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.table.n

    def cells(self, name: str) -> Sequence[str] | None:
        """Cells of a column; of a text file also one that no reader uses, by its own header."""
        if name in self.table.texts:
            return self.table.texts[name]
        if self.extra is None:
            return None
        sheet, layout = self.extra
        headers = [header.casefold() for header in layout.headers]
        if name not in headers:
            return None
        position = headers.index(name)
        rows = (sheet.rows[number - 1] for number in self.table.row_numbers)
        return [row[position] if position < len(row) else "" for row in rows]

    def texts(self, name: str, *, required: bool = False) -> TextArray:
        """Cells of a column of labels; empty where the file has none."""
        cells = self.cells(name)
        if cells is None:
            return array_of_texts([""] * self.n)
        if required:
            self.bad.extend(
                BadCell(index=index, column=name, text="", kind="blank")
                for index, cell in enumerate(cells)
                if not cell
            )
        return array_of_texts(cells)

    def numbers(self, name: str, *, required: bool = False) -> FloatArray:
        """Numbers of a column, NaN where blank or unreadable; bad cells are put on the list."""
        cells = self.cells(name)
        values = np.full(self.n, np.nan)
        if cells is None:
            return values
        for index, cell in enumerate(cells):
            if cell in MISSING:
                if required:
                    self.bad.append(BadCell(index=index, column=name, text=cell, kind="blank"))
                continue
            values[index] = self._number(index, name, cell)
        return self._in_canonical_unit(name, values)

    def _number(self, index: int, name: str, cell: str) -> float:
        """Number of a cell, NaN when it holds none."""
        text = cell.replace(",", ".") if self.table.decimal_comma and "." not in cell else cell
        if NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
            return value
        self.bad.append(BadCell(index=index, column=name, text=cell, kind="text"))
        return math.nan

    def _in_canonical_unit(self, name: str, values: FloatArray) -> FloatArray:
        """Numbers in the column's canonical unit, where the header names another."""
        unit = self.options.reading.units.get(name) or self.long.units.get(name)
        canonical = CANONICAL.get(name)
        if unit is None or canonical is None:
            return values
        return np.asarray(convert(values, unit, canonical[1]), dtype=np.float64)

    def sizes(self, name: str) -> tuple[FloatArray, TextArray]:
        """Volumes or areas with their states."""
        values = np.full(self.n, np.nan)
        states = array_of_texts(["not_measured"] * self.n)
        for index, cell in enumerate(self.table.texts[name]):
            if cell in MISSING:
                continue
            below = cell[0] in "<≤"
            value = self._number(index, name, cell[1:].lstrip() if below else cell)
            values[index] = value
            if np.isnan(value) or (below and value <= 0):
                states[index] = "unreadable"
            else:
                states[index] = "below_limit" if below else "measured" if value else "gone"
        return self._in_canonical_unit(name, values), states


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAnimals:
    """What ``animals.csv`` of a study folder says."""

    arm: Mapping[str, str]
    cage: Mapping[str, str]
    end_day: Mapping[str, float]
    end_reason: Mapping[str, str]


def long_rows(path: Path, options: CheckOptions, *, several: bool) -> tuple[LongRows, ...]:
    """Tables whose rows can be checked one by one, with their numbers in the file.

    No table when days are calendar dates, or when several worksheets make up a study: only a
    reader can tell them apart. When the reader gave up (`several`) each worksheet is looked at by
    itself.
    """
    if path.is_dir():
        path = path / MEASUREMENTS_FILE
    if not path.is_file():
        return ()
    if path.suffix.casefold() in TEXT_SUFFIXES:
        sheet = read_text_sheet(path)
        layout = find_layout(sheet, given=options.reading.given())
        if not layout.holds_a_study:
            return ()
        tables = [LongRows(long=to_long(sheet, layout), options=options, extra=(sheet, layout))]
    else:
        sheets = read_long_sheets(path, options.reading)
        if len(sheets) > 1 and not several:
            return ()
        tables = [LongRows(long=long, options=options) for long in sheets]
    sized = ({"volume_mm3"}, {"area_mm2"}, {"length_mm", "width_mm"})
    return tuple(
        table
        for table in tables
        if {"animal_id", "day"} <= table.table.texts.keys()
        and any(names <= table.table.texts.keys() for names in sized)
        and not any(looks_like_date(text) for text in table.table.texts["day"][:1])
    )


def stated_animals(path: Path) -> StatedAnimals | None:
    """Animals of a study folder, None when there is no list of them."""
    file = path / ANIMALS_FILE
    if not path.is_dir() or not file.is_file():
        return None
    table = LongRows.of_columns(read_delimited(file, decimal_columns=("end_day",)))
    animal = table.texts("animal_id")
    return StatedAnimals(
        arm=first_text(animal, table.texts("arm")),
        cage=first_text(animal, table.texts("cage")),
        end_day=last_number(animal, table.numbers("end_day")),
        end_reason=first_text(animal, table.texts("end_reason")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Volumes or areas, what they are, and their states."""

    size: FloatArray
    state: TextArray
    quantity: Literal["volume", "area"]
    from_diameters: bool = False


def sizes_of(long: LongRows, length: FloatArray, width: FloatArray) -> Sizes:
    """Volumes, else the file's areas, else ½LW² of the diameters, as the readers take them."""
    if "volume_mm3" in long.table.texts:
        size, state = long.sizes("volume_mm3")
        return Sizes(size=size, state=state, quantity="volume")
    if "area_mm2" not in long.table.texts and np.isfinite(length + width).any():
        with np.errstate(over="ignore", under="ignore"):
            size = caliper_volume(length, width)
        state = array_of_texts("not_measured" if np.isnan(v) else "measured" for v in size)
        state[size == 0] = "gone"
        return Sizes(size=size, state=state, quantity="volume", from_diameters=True)
    size, state = long.sizes("area_mm2")
    return Sizes(size=size, state=state, quantity="area")


def last_number(animal: TextArray, values: FloatArray) -> Mapping[str, float]:
    """Largest of an animal's numbers; animals without one are left out."""
    found: dict[str, float] = {}
    for name, value in zip(animal, values, strict=True):
        if not np.isnan(value):
            found[str(name)] = max(float(value), found.get(str(name), -np.inf))
    return MappingProxyType(found)


def first_text(animal: TextArray, values: TextArray) -> Mapping[str, str]:
    """First in alphabetical order of an animal's texts; animals without one are left out."""
    found: dict[str, str] = {}
    for name, text in zip(animal, values, strict=True):
        if text:
            found[str(name)] = min(str(text), found.get(str(name), str(text)))
    return MappingProxyType(found)


def array_of_texts(texts: Iterable[str]) -> TextArray:
    """An array of texts."""
    return cast("TextArray", np.array(list(texts), dtype=object))
