"""Readings out of the cells of a sheet: numbers with their units, volumes with their states.

Each sheet in the long layout becomes one frame of readings. What had to be changed on the way
(diameters exchanged, a body weight that is none) is logged, and what cannot be told from the file
(a unit, the order of day and month) is refused with the option that tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.studies.caliper import (
    FORMULA_TEXT,
    VolumeFormula,
    caliper_volume,
    check_formula,
    diameters_needed,
)
from oncovivo.studies.columns import CANONICAL, canonical_name, shown_headers
from oncovivo.studies.dates import DateOrder, find_date_order, looks_like_date, parse_date
from oncovivo.studies.layout import LongSheet
from oncovivo.studies.sheet import MISSING, LongTable, Numbers
from oncovivo.tables import CHANGE_COLUMNS, ChangeReason
from oncovivo.units import convert, parse_unit

__all__ = ["DayZero", "ReadOptions", "Readings", "SheetMeaning", "parse_day_zero", "take_readings"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
DayZero: TypeAlias = "date | Literal['treatment', 'implant', 'first']"
SheetMeaning: TypeAlias = Literal["studies", "arms", "measures"]

DEFAULT_FORMULA: Final[VolumeFormula] = "half_l_w2"
# Medians that a column without a stated unit may have; outside them the unit is asked for.
_PLAUSIBLE: Final[Mapping[str, tuple[float, float]]] = {
    "volume_mm3": (5.0, 1e5),
    "length_mm": (2.0, 100.0),
    "width_mm": (1.5, 100.0),
    "depth_mm": (1.5, 100.0),
    "area_mm2": (3.0, 5e3),
    "body_weight_g": (5.0, 2e3),
}
_OTHER_UNIT: Final[Mapping[str, tuple[str, str]]] = {
    "volume_mm3": ("cm³", "mm³ or something smaller"),
    "length_mm": ("cm", "µm"),
    "width_mm": ("cm", "µm"),
    "depth_mm": ("cm", "µm"),
    "area_mm2": ("cm²", "mm² or something smaller"),
    "body_weight_g": ("kg", "mg"),
}
# Beyond these nothing of an animal can lie; they also keep every later square and ratio finite.
_LARGEST: Final[Mapping[str, float]] = {
    "day": 1e5,
    "end_day": 1e5,
    "length_mm": 1e4,
    "width_mm": 1e4,
    "depth_mm": 1e4,
    "area_mm2": 1e8,
    "volume_mm3": 1e12,
    "body_weight_g": 1e8,
}
_SMALLEST: Final = 1e-9
_DIAMETERS: Final = ("length_mm", "width_mm", "depth_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says about a file, where the file does not say it.

    Parameters
    ----------
    mapping : mapping of str to str
        Their column name by canonical name.
    formula : VolumeFormula, optional
        Make volumes from diameters by this formula, also where the file has volumes.
    units : mapping of str to str
        Unit of a column by canonical name.
    day_zero : date, "treatment", "implant" or "first", optional
        What day 0 is where the file has calendar dates: a date, the animal's start of treatment,
        its implantation, or the study's first date.
    date_order : {"day_first", "month_first"}, optional
        Order in dates such as 3/4/2024.
    sheets : {"studies", "arms", "measures"}, optional
        What each worksheet is.
    only_sheets : tuple of str
        Names of the worksheets to read; all when empty.

    Raises
    ------
    InputError
        If a word is not one of those allowed, or a column does not exist.
    UnitError
        If a unit is unknown or does not fit its column.
    """

    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    formula: VolumeFormula | None = None
    units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    day_zero: DayZero | None = None
    date_order: DateOrder | None = None
    sheets: SheetMeaning | None = None
    only_sheets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [canonical_name(name) for name in self.mapping]
        if len(set(names)) < len(names):
            expected = "each canonical column mapped once"
            raise InputError(expected, found=", ".join(self.mapping))
        if self.formula is not None:
            check_formula(self.formula)
        if self.sheets not in (None, "studies", "arms", "measures"):
            expected = "what a sheet is: studies, arms or measures"
            raise InputError(expected, found=repr(self.sheets))
        if self.date_order not in (None, "day_first", "month_first"):
            expected = "an order of dates: day_first or month_first"
            raise InputError(expected, found=repr(self.date_order))
        if isinstance(self.day_zero, str):
            object.__setattr__(self, "day_zero", parse_day_zero(self.day_zero))
        units = {}
        for name, unit in self.units.items():
            canonical = canonical_name(name)
            kind = CANONICAL[canonical]
            symbol = parse_unit(unit)
            if kind is None or symbol.dimension != kind[0]:
                expected = f"a unit of {canonical}" if kind else f"no unit for {canonical}"
                raise UnitError(expected, found=f"{symbol.symbol} ({symbol.dimension})")
            units[canonical] = symbol.symbol
        object.__setattr__(self, "units", MappingProxyType(units))

    def given(self) -> dict[str, str]:
        """The mapping under canonical names."""
        return {canonical_name(ours): theirs for ours, theirs in self.mapping.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Readings of one sheet.

    Parameters
    ----------
    table : LongTable
        The cells they were taken from.
    frame : DataFrame
        One row per row of the table: ``study model tumor_type animal_id treatment cage day
        ordinal`` (calendar day, where there is no study day yet), the measurements but
        ``animal_id``, ``followed``, ``by_row`` (each row of the file was one animal) and
        ``end_day end_reason``.
    changes : DataFrame
        As ``tables.CHANGE_COLUMNS``, with ``index``, the row of the table.
    notes : tuple of str
        What was assumed for the whole sheet.
    formula : VolumeFormula, optional
        By which the volumes were made.
    headers : tuple of str
        Headers of the sheet.
    header_row : int
        Number of the row that the header ends in.
    """

    table: LongTable
    frame: pd.DataFrame
    changes: pd.DataFrame
    notes: tuple[str, ...]
    formula: VolumeFormula | None
    headers: tuple[str, ...]
    header_row: int


class _Changes:
    """Rows of the log, gathered."""

    def __init__(self, table: LongTable) -> None:
        self._table = table
        self._rows: list[tuple[int, str, str, str, ChangeReason]] = []

    def add(self, index: int, column: str, found: str, made: str, reason: ChangeReason) -> None:
        """One cell that was changed."""
        self._rows.append((index, column, found, made, reason))

    def frame(self, animal: list[str], day: FloatArray) -> pd.DataFrame:
        """The log with its animals and days."""
        made = pd.DataFrame(
            [(animal[i], day[i], *rest, i) for i, *rest in self._rows],
            columns=[*CHANGE_COLUMNS, "index"],
        )
        return made.astype({"day": float, "index": np.int64})


def take_readings(
    sheet: LongSheet, options: ReadOptions, *, weights_suffice: bool = False
) -> Readings:
    """Numbers of a sheet in canonical units.

    Parameters
    ----------
    sheet : LongSheet
        Rows in the long layout.
    options : ReadOptions
        What the user says.
    weights_suffice : bool
        Whether a sheet of body weights, without tumors, will do.

    Raises
    ------
    FileFormatError
        If a column is missing, a cell does not hold what it should, or a unit cannot be told.
    """
    table = sheet.table
    _require_columns(sheet, weights_suffice=weights_suffice)
    animals = table.words("animal_id")
    frame = pd.DataFrame({"animal_id": pd.Series(animals, dtype=object)})
    for name in ("study", "model", "tumor_type", "treatment", "cage", "end_reason"):
        texts = table.texts.get(name)
        frame[name] = pd.Series(texts if texts is not None else [""] * table.n, dtype=object)
    notes = _mapping_notes(sheet)
    changes = _Changes(table)
    frame["day"], frame["ordinal"] = _days(sheet, options, notes)
    numbers = {name: _numbers(sheet, name, options, notes) for name in _DIAMETERS}
    length, width = _exchange(numbers["length_mm"], numbers["width_mm"], changes)
    numbers["length_mm"], numbers["width_mm"] = length, width
    volume = _numbers(sheet, "volume_mm3", options, notes)
    formula = _formula(table, options)
    if formula is not None:
        notes.append(_formula_note(table, formula))
        volume = _volumes(numbers, formula, changes)
    state = np.full(table.n, "measured", dtype=object)
    state[volume.values == 0] = "gone"
    state[volume.missing] = "not_measured"
    state[volume.below] = "below_limit"
    area = _numbers(sheet, "area_mm2", options, notes).values
    weight = _body_weights(sheet, options, changes, notes)
    for name in _DIAMETERS:
        values = numbers[name].values
        frame[name] = np.where(values > 0, values, np.nan)
    frame["area_mm2"] = area
    frame["volume_mm3"] = volume.values
    frame["volume_state"] = pd.Series(state, dtype=object)
    frame["body_weight_g"] = weight
    frame["by_row"] = sheet.animal_by_row
    frame["followed"] = ~volume.missing | ~np.isnan(area) | _present(table, "body_weight_g")
    frame["end_day"] = _numbers(sheet, "end_day", options, notes).values
    day = frame["day"].to_numpy()
    day = np.where(np.isnan(day), frame["ordinal"].to_numpy(), day)
    return Readings(
        table=table,
        frame=frame,
        changes=changes.frame(animals, day),
        notes=tuple(notes),
        formula=formula,
        headers=_headers(sheet),
        header_row=sheet.header_row,
    )


def _mapping_notes(sheet: LongSheet) -> list[str]:
    """What is said about the columns."""
    notes: list[str] = []
    if sheet.mapping.unread:
        notes.append(f"Columns not read: {', '.join(sheet.mapping.unread)}.")
    renamed = [
        f"{column.canonical} from '{column.theirs}'"
        for column in sheet.mapping.columns
        if column.how != "exact"
    ]
    if renamed:
        notes.append(f"Columns read under another name: {', '.join(renamed)}.")
    return [*notes, *sheet.notes]


def parse_day_zero(text: str) -> DayZero:
    """What day 0 is, from a word or the text of a date.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text == "treatment":
        return "treatment"
    if text == "implant":
        return "implant"
    if text == "first":
        return "first"
    found = parse_date(text)
    if found is None:
        expected = "day 0 as a date such as 2024-03-01, or treatment, implant or first"
        raise InputError(expected, found=repr(text))
    return found


def _require_columns(sheet: LongSheet, *, weights_suffice: bool) -> None:
    """Refuse a sheet that lacks a column without which there is no study."""
    names = sheet.table.texts.keys()
    sized = bool({"volume_mm3", "area_mm2"} & names) or {"length_mm", "width_mm"} <= names
    weighed = weights_suffice and "body_weight_g" in names
    missing = [
        name
        for name, there in (
            ("animal_id", "animal_id" in names),
            ("day", bool({"day", "date"} & names)),
            ("volume_mm3", sized or weighed),
        )
        if not there
    ]
    if missing:
        raise FileFormatError(
            f"a column '{missing[0]}'",
            found=shown_headers(_headers(sheet)),
            where=f"{sheet.table.place} row {sheet.header_row}",
            mend=f"if it has another name, say which: --map {missing[0]}=NAME",
        )


def _headers(sheet: LongSheet) -> tuple[str, ...]:
    """Headers of a sheet, those that were read before the others."""
    return (*(column.theirs for column in sheet.mapping.columns), *sheet.mapping.unread)


def _present(table: LongTable, column: str) -> BoolArray:
    """Where a cell holds something, whatever became of it."""
    if column not in table.texts:
        return np.zeros(table.n, dtype=bool)
    return np.array([text not in MISSING for text in table.texts[column]], dtype=bool)


def _numbers(sheet: LongSheet, column: str, options: ReadOptions, notes: list[str]) -> Numbers:
    """Numbers of a column in its canonical unit; none may be negative but the end day."""
    table = sheet.table
    limits = column in ("volume_mm3", *_DIAMETERS)
    numbers = table.numbers(column, limits=limits)
    if column not in table.texts:
        return numbers
    if column != "end_day" and (numbers.values < 0).any():
        index = int(np.flatnonzero(numbers.values < 0)[0])
        what = {"volume_mm3": "a volume", "area_mm2": "an area"}.get(column, "a diameter")
        raise table.error(index, column, f"{what} of 0 or more")
    return _converted(sheet, column, numbers, options, notes)


def _converted(
    sheet: LongSheet, column: str, numbers: Numbers, options: ReadOptions, notes: list[str]
) -> Numbers:
    """Numbers in the canonical unit, which the header or the user states."""
    kind = CANONICAL[column]
    if kind is None or column not in sheet.table.texts:
        return numbers
    size = np.abs(numbers.values)
    beyond = size > _LARGEST[column]
    if kind[0] != "time":
        beyond |= (size > 0) & (size < _SMALLEST)
    if beyond.any():
        index = int(np.flatnonzero(beyond)[0])
        raise sheet.table.error(index, column, f"a number that {column} can be")
    unit = options.units.get(column) or sheet.units.get(column)
    if unit is None:
        _check_magnitude(sheet.table, column, numbers.values)
        if column in _PLAUSIBLE:
            notes.append(f"No unit is stated for {column}; its numbers were read as {kind[1]}.")
        return numbers
    if unit == kind[1]:
        return numbers
    try:
        values = np.asarray(convert(numbers.values, unit, kind[1]), dtype=np.float64)
    except UnitError as error:
        raise FileFormatError(
            f"a unit of {kind[0]} for {column}", found=unit, where=sheet.table.place
        ) from error
    notes.append(f"{column} was converted from {unit} to {kind[1]}.")
    return Numbers(values=values, below=numbers.below)


def _check_magnitude(table: LongTable, column: str, values: FloatArray) -> None:
    """Ask for the unit where numbers without one cannot well be in the canonical unit."""
    if column not in _PLAUSIBLE:
        return
    positive = values[values > 0]
    if not positive.size:
        return
    low, high = _PLAUSIBLE[column]
    median = float(np.median(positive))
    if low <= median <= high:
        return
    canonical = (CANONICAL[column] or ("", ""))[1]
    guess = _OTHER_UNIT[column][0 if median < low else 1]
    header = table.headers[column]
    name = header if isinstance(header, str) else next((h for h in header if h), column)
    raise FileFormatError(
        f"the unit of '{name}', which is read as {column}",
        found=f"no unit and a median of {median:.3g}, which may be {guess}",
        where=table.place,
        mend=f"confirm it: --unit {column}={canonical} (or another unit), or [read.units] in "
        "study.toml",
    )


def _days(
    sheet: LongSheet, options: ReadOptions, notes: list[str]
) -> tuple[FloatArray, FloatArray]:
    """Study days, or calendar days where the study's first date is still to be found."""
    table = sheet.table
    none = np.full(table.n, np.nan)
    column = "day"
    if "day" in table.texts:
        first = next((text for text in table.texts["day"] if text), "")
        if not looks_like_date(first):
            numbers = table.numbers("day", required=True)
            return _converted(sheet, "day", numbers, options, notes).values, none
    else:
        column = "date"
    dates = _ordinals(table, column, options)
    zero = options.day_zero
    if isinstance(zero, date):
        notes.append(f"Days were counted from {zero.isoformat()} (given).")
        return dates - zero.toordinal(), none
    starts = {
        word: name
        for word, name in (("treatment", "treatment_start"), ("implant", "implant_date"))
        if name in table.texts
    }
    if zero in ("treatment", "implant") and zero not in starts:
        expected = f"a column with the date of {zero}, from which days are counted"
        raise FileFormatError(expected, found="none", where=table.place)
    chosen = None if zero == "first" else zero if zero else next(iter(starts), None)
    if chosen is None:
        return none, dates
    start = _ordinals(table, starts[chosen], options)
    words = "start of treatment" if chosen == "treatment" else "implantation"
    notes.append(f"Days were counted from each animal's {words}.")
    return dates - start, none


def _ordinals(table: LongTable, column: str, options: ReadOptions) -> FloatArray:
    """Calendar days of a column of dates, as day numbers."""
    texts = table.texts[column]
    columns = ("day", "date", "treatment_start", "implant_date")
    every = [text for name in columns for text in table.texts.get(name, ())]
    order = options.date_order or find_date_order(every)
    known: dict[str, float] = {}
    for index, text in enumerate(texts):
        if text in known:
            continue
        found = parse_date(text, order=order)
        if found is None:
            if order is None and looks_like_date(text) and parse_date(text, order="day_first"):
                raise table.error(
                    index,
                    column,
                    "a date that can be read in one way only",
                    mend="say --dates day_first or month_first, or write dates as 2024-03-01",
                )
            expected = "a calendar date"
            mend = "format the cells as dates, or write them as 2024-03-01"
            raise table.error(index, column, expected, mend=mend)
        known[text] = float(found.toordinal())
    return np.array([known[text] for text in texts])


def _exchange(length: Numbers, width: Numbers, changes: _Changes) -> tuple[Numbers, Numbers]:
    """Length and width with the longer one first."""
    wrong = length.values < width.values
    if not wrong.any():
        return length, width
    for index in np.flatnonzero(wrong):
        found = f"{length.values[index]:g} × {width.values[index]:g}"
        made = f"{width.values[index]:g} × {length.values[index]:g}"
        changes.add(int(index), "length_mm", found, made, "length_below_width")
    long = np.where(wrong, width.values, length.values)
    short = np.where(wrong, length.values, width.values)
    return (
        Numbers(values=long, below=np.where(wrong, width.below, length.below)),
        Numbers(values=short, below=np.where(wrong, length.below, width.below)),
    )


def _formula(table: LongTable, options: ReadOptions) -> VolumeFormula | None:
    """Formula by which volumes are made, None where the file's own sizes are taken."""
    names = table.texts.keys()
    have_diameters = {"length_mm", "width_mm"} <= names
    if options.formula is None:
        # A file that states areas was analysed as areas; volumes are made of it when asked for.
        sized = {"volume_mm3", "area_mm2"} & names
        return DEFAULT_FORMULA if have_diameters and not sized else None
    lacking = [name for name in diameters_needed(options.formula) if name not in names]
    if lacking:
        expected = f"a column '{lacking[0]}', which the formula {options.formula} needs"
        raise FileFormatError(expected, found="none", where=table.place)
    return options.formula


def _formula_note(table: LongTable, formula: VolumeFormula) -> str:
    """What is said about the volumes that were made."""
    note = f"Volumes were made from diameters by {formula} ({FORMULA_TEXT[formula]})."
    if "volume_mm3" in table.texts:
        note += f" The volumes of column {table.headers['volume_mm3']} were not read."
    return note


def _volumes(numbers: Mapping[str, Numbers], formula: VolumeFormula, changes: _Changes) -> Numbers:
    """Volumes from diameters: gone where all are 0, below a limit where one is."""
    needed = [numbers[name] for name in diameters_needed(formula)]
    length, width, depth = (numbers[name] for name in _DIAMETERS)
    volume = caliper_volume(length.values, width.values, depth.values, formula=formula)
    below = np.any([number.below for number in needed], axis=0)
    zero = np.array([number.values == 0 for number in needed])
    gone = (length.values == 0) & (width.values == 0)
    # One diameter of 0 beside another that is not: nobody can say which is right.
    for index in np.flatnonzero(zero.any(axis=0) & ~gone):
        found = " × ".join(f"{number.values[index]:g}" for number in needed)
        changes.add(int(index), "volume_mm3", found, "not measured", "one_diameter_zero")
        volume[index] = np.nan
    volume[gone] = 0.0
    return Numbers(values=volume, below=below & (volume > 0))


def _body_weights(
    sheet: LongSheet, options: ReadOptions, changes: _Changes, notes: list[str]
) -> FloatArray:
    """Body weights; one that is not above zero is not measured."""
    name = "body_weight_g"
    table = sheet.table
    numbers = table.numbers(name)
    wrong = numbers.values <= 0
    for index in np.flatnonzero(wrong):
        changes.add(
            int(index), name, table.texts[name][index], "not measured", "not_a_body_weight"
        )
    kept = Numbers(values=np.where(wrong, np.nan, numbers.values), below=numbers.below)
    return _converted(sheet, name, kept, options, notes).values
