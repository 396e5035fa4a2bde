"""The layout of a sheet: where its header is, and whether its days stand in a column or across.

A header may have two rows (``Day 0`` merged over ``L`` and ``W``, or a row of units), titles above
it in a worksheet, and days across the columns: ``D0``, ``Day 7``, ``7``, ``TV_d14``, a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from oncovivo.errors import FileFormatError, UnitError
from oncovivo.studies.columns import (
    ColumnMapping,
    MappedColumn,
    canonical_name,
    map_columns,
    name_header,
)
from oncovivo.studies.dates import looks_like_date
from oncovivo.studies.delimited import MOST_COLUMNS, check_header, filled_rows, trimmed_header
from oncovivo.studies.diameter_cells import SplitColumns, split_diameters
from oncovivo.studies.sheet import LongTable, Sheet, has_decimal_comma
from oncovivo.units import parse_unit

__all__ = ["MEASURES", "Layout", "LongSheet", "WideColumn", "find_layout", "to_long"]

MEASURES: Final = (
    "volume_mm3",
    "length_mm",
    "width_mm",
    "depth_mm",
    "area_mm2",
    "body_weight_g",
)
"""Columns that may stand once for each day."""

_NUMBERS: Final = ("day", *MEASURES, "end_day")
# Titles that a worksheet may have above its table.
_MOST_TITLE_ROWS: Final = 30
_FEWEST_DAYS: Final = 2
_DAYS_PER_WEEK: Final = 7.0

_NUMBER: Final = r"(?P<number>[+\u2212-]?\d{1,5}(?:[.,]\d{1,4})?)"
_DAY_WORD: Final = r"(?:study\s*|treatment\s*)?(?:days?|d|tag|dpi|t)"
_BARE: Final = re.compile(rf"{_NUMBER}\s*(?:d|days?)?", re.IGNORECASE)
_DAY: Final = re.compile(rf"{_DAY_WORD}[\s_.:#]*{_NUMBER}", re.IGNORECASE)
_WEEK: Final = re.compile(rf"(?:week|wk)[\s_.:#]*{_NUMBER}", re.IGNORECASE)
_MEASURE_DAY: Final = re.compile(
    rf"(?P<what>.*?[^\s_.:/-])[\s_.:/]*?(?:[\s_.:/-](?:{_DAY_WORD})?[\s_.:]*|(?<=[a-z)\]])"
    rf"(?:day|d)?){_NUMBER}",
    re.IGNORECASE,
)
_DAY_MEASURE: Final = re.compile(
    rf"{_DAY_WORD}[\s_.:]*{_NUMBER}[\s_.:/-]+(?P<what>[^\d].*)", re.IGNORECASE
)
# A row that sums up the animals above it is no animal.
_SUMMARY: Final = frozenset(
    {
        "mean",
        "average",
        "avg",
        "median",
        "sd",
        "std",
        "stdev",
        "stddev",
        "standarddeviation",
        "sem",
        "se",
        "stderr",
        "standarderror",
        "meansd",
        "meansem",
        "cv",
        "n",
        "count",
        "sum",
        "total",
        "min",
        "max",
        "tgi",
        "mittelwert",
        "mw",
        "stabw",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WideColumn:
    """A column that holds one measure on one day.

    Parameters
    ----------
    measure : str, optional
        Canonical name, None where the header says the day only.
    day : float, optional
        Study day.
    date : str, optional
        Text of the calendar date, where the header has one instead.
    unit : str, optional
        Symbol of the unit that the header names.
    header : str
        As in the file.
    """

    measure: str | None
    day: float | None
    date: str | None
    unit: str | None
    header: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns of a sheet are.

    Parameters
    ----------
    first_row : int
        Index of the first row below the header.
    headers : tuple of str
        Header of each column, its rows joined.
    columns : dict of int to MappedColumn
        Columns that hold one thing in every row.
    wide : dict of int to WideColumn
        Columns that hold one day each; empty in the long layout.
    """

    first_row: int
    headers: tuple[str, ...]
    columns: dict[int, MappedColumn]
    wide: dict[int, WideColumn]

    @property
    def names(self) -> frozenset[str]:
        """Canonical names there are."""
        days = {"day"} if self.wide else set()
        measures = {column.measure or "volume_mm3" for column in self.wide.values()}
        return frozenset({c.canonical for c in self.columns.values()} | days | measures)

    @property
    def holds_a_study(self) -> bool:
        """Whether there are animals, days and a size or a weight."""
        names = self.names
        return (
            "animal_id" in names
            and bool({"day", "date"} & names)
            and (names >= {"length_mm", "width_mm"} or bool(_SIZES & names))
        )


_SIZES: Final = frozenset({"volume_mm3", "area_mm2", "body_weight_g"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LongSheet:
    """A sheet in the long layout.

    Parameters
    ----------
    table : LongTable
        One row per animal and day.
    mapping : ColumnMapping
        Which column became what.
    units : dict of str to str
        Symbol of the unit that the headers name, by canonical column.
    notes : tuple of str
        What was read as a layout, or left out, in sentences.
    name : str, optional
        Name of the worksheet.
    header_row : int
        Number of the row that the header ends in.
    animal_by_row : bool
        Whether each row of the file was one animal, so that a number that comes twice is two.
    """

    table: LongTable
    mapping: ColumnMapping
    units: dict[str, str]
    notes: tuple[str, ...]
    name: str | None
    header_row: int
    animal_by_row: bool


def find_layout(sheet: Sheet, *, given: Mapping[str, str], measure: str | None = None) -> Layout:
    """Header and columns of a sheet.

    Parameters
    ----------
    sheet : Sheet
        The cells.
    given : mapping of str to str
        Their header by canonical name.
    measure : str, optional
        What day columns without a word for it hold.

    Raises
    ------
    FileFormatError
        If no header can be found, or it has a gap, repeats a name, or could mean two things.
    """
    first_error: FileFormatError | None = None
    fallback: Layout | None = None
    for start in _starts(sheet):
        for place, (header, first_row) in enumerate(_headers_at(sheet, start)):
            try:
                layout = _layout(
                    header, first_row, sheet, start=start, given=given, measure=measure
                )
            except FileFormatError as error:
                first_error = first_error or error
                continue
            if layout.holds_a_study:
                return layout
            if place == 0 and (fallback is None or len(layout.names) > len(fallback.names)):
                fallback = layout
    # No header says enough: what is wrong with the likeliest row is said.
    if fallback is not None:
        return fallback
    expected = "a header and rows"
    raise first_error or FileFormatError(expected, found="none", where=sheet.place)


def to_long(sheet: Sheet, layout: Layout) -> LongSheet:
    """The rows of a sheet, one for each animal and day.

    Parameters
    ----------
    sheet : Sheet
        The cells.
    layout : Layout
        From :func:`find_layout`.

    Raises
    ------
    FileFormatError
        If there are no rows, or a row has more cells than the header.
    """
    notes: list[str] = []
    rows, numbers = filled_rows(sheet, first=layout.first_row, n_columns=len(layout.headers))
    rows = _unmerge(rows, numbers, sheet, layout)
    rows, numbers, arms = _drop_headings(rows, numbers, layout)
    rows, numbers, arms = _drop_summaries(rows, numbers, arms, layout, sheet, notes)
    if not rows:
        expected = "rows below the header"
        raise FileFormatError(expected, found="none", where=sheet.place)
    cells = [list(column) for column in zip(*rows, strict=True)]
    texts = {c.canonical: cells[position] for position, c in layout.columns.items()}
    headers: dict[str, str | list[str]] = {c.canonical: c.theirs for c in layout.columns.values()}
    if arms is not None:
        texts["treatment"] = arms
        headers["treatment"] = "1"
        notes.append("Rows with one cell only were read as the arm of the rows below them.")
    row_numbers = np.array(numbers, dtype=np.int64)
    mapped = list(layout.columns.values())
    units = {c.canonical: c.unit for c in mapped if c.unit is not None}
    if layout.wide:
        texts, headers, row_numbers = _melt(cells, texts, headers, row_numbers, layout, sheet)
        mapped += _mapped_wide(layout)
        units |= _wide_units(layout, sheet)
        days = {(c.day, c.date) for c in layout.wide.values()}
        notes.append(f"Days stand across the columns: {len(days)} days were read.")
    split = split_diameters(
        SplitColumns(texts=texts, headers=headers, units=units, mapped=mapped),
        row_numbers=row_numbers,
        place=sheet.place,
    )
    texts = split.texts
    if split.note:
        notes.append(split.note)
        if layout.wide and sheet.comma_possible and "day" in texts:
            texts["day"] = _same_mark(texts["day"], texts, [m for m in MEASURES if m in texts])
    numeric = [text for name in _NUMBERS if name in texts for text in texts[name]]
    read = {*layout.columns, *layout.wide}
    unread = tuple(h for position, h in enumerate(layout.headers) if position not in read)
    return LongSheet(
        table=LongTable(
            place=sheet.place,
            file=sheet.file,
            texts=texts,
            headers=split.headers,
            row_numbers=row_numbers,
            decimal_comma=sheet.comma_possible and has_decimal_comma(numeric),
        ),
        mapping=ColumnMapping(columns=tuple(split.mapped), unread=unread),
        units=split.units,
        notes=tuple(notes),
        name=sheet.name,
        header_row=layout.first_row,
        animal_by_row=bool(layout.wide),
    )


def _starts(sheet: Sheet) -> list[int]:
    """Rows that may be the first of the header."""
    if not sheet.header_anywhere:
        return [0]
    filled = [i for i, row in enumerate(sheet.rows) if any(row)][:_MOST_TITLE_ROWS]
    if not filled:
        expected = "a header and rows"
        raise FileFormatError(expected, found="an empty sheet", where=sheet.place)
    return filled


def _headers_at(sheet: Sheet, start: int) -> list[tuple[list[tuple[str, ...]], int]]:
    """Headers that may begin at a row, each with the row below it."""
    first = trimmed_header(_with_merges(sheet, start))
    single: list[tuple[str, ...]] = [(cell,) for cell in first]
    below = start + 1
    if below >= len(sheet.rows):
        return [(single, below)]
    second = _with_merges(sheet, below)
    units = _units_row(second)
    if units is not None and len(trimmed_header(second)) <= len(first):
        named: list[tuple[str, ...]] = [
            (f"{name} ({unit})" if unit and not name_has_unit(name) else name,)
            for name, unit in zip(first, [*units, *[""] * len(first)], strict=False)
        ]
        return [(named, below + 1), (single, below)]
    lower = trimmed_header(second)
    # A second row belongs to the header only where it names what the first leaves open.
    upper = sheet.rows[start]
    open_below = [i for i, cell in enumerate(lower) if cell and not (upper[i : i + 1] or [""])[0]]
    if not open_below or _is_data_row(upper, lower):
        return [(single, below)]
    return [(single, below), (_two_rows(first, lower), below + 1)]


def name_has_unit(name: str) -> bool:
    """Whether a header names a unit itself.

    Examples
    --------
    >>> name_has_unit("volume_mm3"), name_has_unit("volume")
    (True, False)
    """
    found = name_header(name)
    return found is not None and found.unit is not None


def _with_merges(sheet: Sheet, row: int) -> list[str]:
    """Cells of a row, merged ones filled."""
    cells = list(sheet.rows[row])
    for first_row, first_column, last_row, last_column in sheet.merges:
        if first_row <= row <= last_row and first_row < len(sheet.rows):
            source = sheet.rows[first_row]
            text = source[first_column] if first_column < len(source) else ""
            for column in range(first_column, min(last_column + 1, len(cells))):
                cells[column] = text
    return cells


def _units_row(cells: Sequence[str]) -> list[str] | None:
    """Units of a row that holds nothing else, None for any other row."""
    units: list[str] = []
    for cell in cells:
        text = cell.strip("()[] ")
        if not text:
            units.append("")
            continue
        if not any(c.isalpha() for c in text):
            return None
        try:
            units.append(parse_unit(text).symbol)
        except UnitError:
            return None
    return units if any(units) else None


def _is_data_row(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether a row holds cells of the columns that the row above names, and no names."""
    for position, (above, below) in enumerate(zip(upper, lower, strict=False)):
        named = name_header(above)
        if named is None or not below or name_header(below) or name_header(f"{above} {below}"):
            continue
        spans = not (upper[position + 1 : position + 2] or ["x"])[0]
        if named.canonical not in MEASURES or not spans:
            return True
    return False


def _two_rows(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, ...]]:
    """Parts of each header of two rows; a blank above a name continues the cell before."""
    parts: list[tuple[str, ...]] = []
    above = ""
    for position in range(max(len(first), len(second))):
        upper = first[position] if position < len(first) else ""
        lower = second[position] if position < len(second) else ""
        above = upper or (above if lower else "")
        pair = (above, lower)
        parts.append(tuple(dict.fromkeys(part for part in pair if part)) or ("",))
    return parts


def _layout(
    header: Sequence[tuple[str, ...]],
    first_row: int,
    sheet: Sheet,
    *,
    start: int,
    given: Mapping[str, str],
    measure: str | None,
) -> Layout:
    """What the columns are when this is the header."""
    if len(header) > MOST_COLUMNS:
        expected = f"at most {MOST_COLUMNS:,} columns"
        raise FileFormatError(
            expected, found=f"{len(header):,}", where=f"{sheet.place} row {start + 1}"
        )
    names = [" ".join(parts) for parts in header]
    check_header([name.casefold() for name in names], sheet.place, row=start + 1)
    where = f"{sheet.place} row {start + 1}"
    simple = [_simple_name(parts) for parts in header]
    chosen = {" ".join(text.casefold().split()) for text in given.values()}
    wide = {
        position: column
        for position, parts in enumerate(header)
        if (column := _wide_column(parts, names[position])) is not None
        and names[position].casefold() not in chosen
    }
    has_day = any(
        (found := name_header(name)) is not None and found.canonical in ("day", "date")
        for position, name in enumerate(simple)
        if position not in wide
    ) or any(canonical_name(name) in ("day", "date") for name in given)
    if has_day or len(wide) < _FEWEST_DAYS:
        wide = {}
    kept = [position for position in range(len(names)) if position not in wide]
    mapped = map_columns([simple[position] for position in kept], given=given, where=where)
    columns = {kept[index]: column for index, column in mapped.items()}
    columns = {
        position: replace(column, theirs=names[position]) for position, column in columns.items()
    }
    wide = _days_across(wide, measure=measure, where=where)
    if wide:
        columns = _without_measures(columns, where=where)
    return Layout(first_row=first_row, headers=tuple(names), columns=columns, wide=wide)


def _without_measures(columns: dict[int, MappedColumn], *, where: str) -> dict[int, MappedColumn]:
    """Columns beside days across; a reading that belongs to no day is not read."""
    for column in columns.values():
        if column.canonical in MEASURES and column.how == "given":
            expected = f"{column.canonical} in columns of days, as the days stand across"
            raise FileFormatError(expected, found=f"one column '{column.theirs}'", where=where)
    return {p: column for p, column in columns.items() if column.canonical not in MEASURES}


def _simple_name(parts: tuple[str, ...]) -> str:
    """The part of a header that names its column."""
    if len(parts) == 1:
        return parts[0]
    lower_first = (parts[-1], parts[0])
    return next((part for part in lower_first if name_header(part)), " ".join(parts))


def _wide_column(parts: tuple[str, ...], header: str) -> WideColumn | None:
    """Measure and day of a header, None where it is no day's."""
    if len(parts) == 1:
        text = parts[0]
        when = _day_of(text)
        if when is not None:
            return WideColumn(measure=None, day=when[0], date=when[1], unit=None, header=header)
        if name_header(text) is not None:
            return None
        for pattern in (_DAY_MEASURE, _MEASURE_DAY):
            match = pattern.fullmatch(text)
            what = name_header(match.group("what").strip()) if match else None
            if match and what is not None and what.canonical in MEASURES:
                return WideColumn(
                    measure=what.canonical,
                    day=_number(match.group("number")),
                    date=None,
                    unit=what.unit,
                    header=header,
                )
        return None
    upper, lower = parts[0], parts[-1]
    for first, second in ((upper, lower), (lower, upper)):
        when, what = _day_of(first), name_header(second)
        if when is not None and what is not None and what.canonical in MEASURES:
            return WideColumn(
                measure=what.canonical,
                day=when[0],
                date=when[1],
                unit=what.unit,
                header=header,
            )
    when = _day_of(lower)
    if when is None:
        return None
    return WideColumn(measure=None, day=when[0], date=when[1], unit=None, header=header)


def _day_of(text: str) -> tuple[float | None, str | None] | None:
    """Study day or calendar date that a header is."""
    for pattern in (_BARE, _DAY):
        if match := pattern.fullmatch(text):
            return _number(match.group("number")), None
    if match := _WEEK.fullmatch(text):
        return _number(match.group("number")) * _DAYS_PER_WEEK, None
    return (None, text) if looks_like_date(text) else None


def _number(text: str) -> float:
    """Number in a header, whose decimal mark may be a comma."""
    return float(text.replace("\u2212", "-").replace(",", "."))


def _days_across(
    wide: dict[int, WideColumn], *, measure: str | None, where: str
) -> dict[int, WideColumn]:
    """Day columns with their measure, each day once."""
    # D-0, D-3, D-7: the stroke parts the letter from the number when day 0 has it, too.
    dashed = any(re.search(r"[a-z]\s*-0+$", c.header, re.IGNORECASE) for c in wide.values())
    seen: dict[tuple[str, float | None, str | None], str] = {}
    found: dict[int, WideColumn] = {}
    for position, column in wide.items():
        day = abs(column.day) if dashed and column.day is not None else column.day
        made = WideColumn(
            measure=column.measure or measure or "volume_mm3",
            day=day,
            date=column.date,
            unit=column.unit,
            header=column.header,
        )
        key = (made.measure or "", made.day, made.date)
        if key in seen:
            expected = "each day once for each measure"
            raise FileFormatError(
                expected, found=f"columns '{seen[key]}' and '{column.header}'", where=where
            )
        seen[key] = column.header
        found[position] = made
    if found and len({c.date is None for c in found.values()}) > 1:
        expected = "days or dates across the columns"
        raise FileFormatError(expected, found="both", where=where)
    return found


def _unmerge(
    rows: list[Sequence[str]], numbers: list[int], sheet: Sheet, layout: Layout
) -> list[Sequence[str]]:
    """Rows with the labels of merged cells in every row they cover; readings stay as they are."""
    labels = {p for p, c in layout.columns.items() if c.canonical not in (*MEASURES, "day")}
    place = {number - 1: index for index, number in enumerate(numbers)}
    end = max(place, default=0)
    for first_row, first_column, last_row, last_column in sheet.merges:
        if first_row < layout.first_row or first_column != last_column:
            continue
        source = place.get(first_row)
        if first_column not in labels or source is None:
            continue
        for row in range(first_row + 1, min(last_row, end) + 1):
            if row in place:
                cells = list(rows[place[row]])
                cells[first_column] = rows[source][first_column]
                rows[place[row]] = cells
    return rows


def _drop_headings(
    rows: list[Sequence[str]], numbers: list[int], layout: Layout
) -> tuple[list[Sequence[str]], list[int], list[str] | None]:
    """Rows without those that hold an arm's name alone, and the arm of each row left."""
    names = {column.canonical for column in layout.columns.values()}
    if "treatment" in names or not rows or not _is_heading(rows[0]):
        return rows, numbers, None
    kept: list[Sequence[str]] = []
    kept_numbers: list[int] = []
    arms: list[str] = []
    arm = ""
    for row, number in zip(rows, numbers, strict=True):
        if _is_heading(row):
            arm = next(cell for cell in row if cell)
            continue
        kept.append(row)
        kept_numbers.append(number)
        arms.append(arm)
    return kept, kept_numbers, arms


def _is_heading(row: Sequence[str]) -> bool:
    """Whether a row holds one cell only, and that among the first."""
    filled = [position for position, cell in enumerate(row) if cell]
    return len(row) > 2 and len(filled) == 1 and filled[0] <= 1


def _drop_summaries(
    rows: list[Sequence[str]],
    numbers: list[int],
    arms: list[str] | None,
    layout: Layout,
    sheet: Sheet,
    notes: list[str],
) -> tuple[list[Sequence[str]], list[int], list[str] | None]:
    """Rows without those of means and their spread below the animals."""
    at = next((p for p, c in layout.columns.items() if c.canonical == "animal_id"), None)
    # Where each day has its row, a word such as N is an animal's name; nobody sums up there.
    if at is None or not layout.wide:
        return rows, numbers, arms
    summaries = {text for text in {row[at] for row in rows} if _sums_up(text)}
    dropped = [index for index, row in enumerate(rows) if row[at] in summaries]
    if not dropped:
        return rows, numbers, arms
    gone = set(dropped)
    shown = ", ".join(str(numbers[index]) for index in dropped[:6])
    more = " …" if len(dropped) > 6 else ""
    notes.append(f"{sheet.place}: rows {shown}{more} sum up animals and were not read.")
    keep = [index for index in range(len(rows)) if index not in gone]
    return (
        [rows[index] for index in keep],
        [numbers[index] for index in keep],
        None if arms is None else [arms[index] for index in keep],
    )


def _sums_up(name: str) -> bool:
    """Whether the name of a row is that of a summary."""
    if any(c.isdigit() for c in name):
        return False
    return "".join(c for c in name.casefold() if c.isalpha()) in _SUMMARY


def _melt(
    cells: Sequence[Sequence[str]],
    texts: dict[str, list[str]],
    headers: dict[str, str | list[str]],
    row_numbers: np.ndarray,
    layout: Layout,
    sheet: Sheet,
) -> tuple[dict[str, list[str]], dict[str, str | list[str]], np.ndarray]:
    """One row for each animal and day; a day on which nothing was measured has no row."""
    whens = list(dict.fromkeys((c.day, c.date) for c in layout.wide.values()))
    at = {(c.measure or "", c.day, c.date): p for p, c in layout.wide.items()}
    measures = list(dict.fromkeys(c.measure or "" for c in layout.wide.values()))
    n = len(row_numbers)
    dated = whens[0][1] is not None
    out: dict[str, list[str]] = {name: [] for name in (*texts, *measures)}
    when_texts: list[str] = []
    out_headers: dict[str, list[str]] = {name: [] for name in measures}
    numbers: list[int] = []
    for row in range(n):
        kept = 0
        for when in whens:
            found = {m: at.get((m, *when)) for m in measures}
            values = {m: "" if p is None else cells[p][row] for m, p in found.items()}
            last = when == whens[-1]
            if not any(values.values()) and not (last and not kept):
                continue
            kept += 1
            for name, column in texts.items():
                out[name].append(column[row])
            for name in measures:
                position = found[name]
                out[name].append(values[name])
                out_headers[name].append("" if position is None else layout.headers[position])
            when_texts.append(when[1] if when[1] is not None else repr(when[0]))
            numbers.append(int(row_numbers[row]))
    out["date" if dated else "day"] = when_texts
    if sheet.comma_possible and not dated:
        out["day"] = _same_mark(when_texts, out, measures)
    long_headers: dict[str, str | list[str]] = {**headers, **out_headers}
    return out, long_headers, np.array(numbers, dtype=np.int64)


def _same_mark(days: list[str], texts: dict[str, list[str]], measures: list[str]) -> list[str]:
    """Days written with the decimal mark that the readings have."""
    comma = has_decimal_comma(text for name in measures for text in texts[name])
    return [day.replace(".", ",") for day in days] if comma else days


def _mapped_wide(layout: Layout) -> list[MappedColumn]:
    """One line of the mapping for each measure that stands across."""
    mapped: list[MappedColumn] = []
    for measure in dict.fromkeys(c.measure or "" for c in layout.wide.values()):
        columns = [c for c in layout.wide.values() if c.measure == measure]
        theirs = columns[0].header
        if len(columns) > 1:
            theirs += f" … {columns[-1].header}"
        mapped.append(
            MappedColumn(canonical=measure, theirs=theirs, how="synonym", unit=columns[0].unit)
        )
    return mapped


def _wide_units(layout: Layout, sheet: Sheet) -> dict[str, str]:
    """Unit of each measure that stands across, one for all its days."""
    units: dict[str, str] = {}
    for column in layout.wide.values():
        if column.measure is None or column.unit is None:
            continue
        if units.setdefault(column.measure, column.unit) != column.unit:
            expected = f"one unit for {column.measure}, {units[column.measure]}"
            raise FileFormatError(
                expected, found=f"{column.unit} in '{column.header}'", where=sheet.place
            )
    return units
