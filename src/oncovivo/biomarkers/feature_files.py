"""Markers of lines from files, wide (a column for each marker) or long (a row for each value).

Cells of mutation calls are read as *mutated* or *none*: any call that begins with ``Mut`` against
none. A copy-number call in such a column (``Amp5``, ``Del0.8``) is no mutation; it is counted as
none and named in a remark. Where cells are separated by semicolon or tab, numbers may have a comma
as decimal mark, the same in the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.features import (
    Feature,
    FeatureKind,
    FeatureTable,
    MeasuredWhen,
    encode_levels,
)
from oncovivo.errors import FileFormatError
from oncovivo.studies.delimited import filled_rows, read_text_sheet, trimmed_header
from oncovivo.studies.sheet import MISSING, Sheet, has_decimal_comma
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook

__all__ = ["MUTATION_LEVELS", "read_features"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

MUTATION_LEVELS: Final = ("none", "mutated")
_LINE_NAMES: Final = ("model", "line", "xenograft_line", "cell_line")
_MARKER_NAMES: Final = ("marker", "feature", "analyte", "gene")
_VALUE_NAME: Final = "value"
_NO_MUTATION: Final = ("0", "wt", "WT", "wild type", "none")
_CALL: Final = re.compile(r"(?:Mut|Amp|Del)[A-Za-z0-9.+-]*")
_BELOW: Final = re.compile(r"[<≤]\s*(.+)")
# Cells that a remark names before it counts the rest.
_MOST_NAMED: Final = 6


def read_features(
    path: Path | str,
    *,
    line_column: str | None = None,
    measured: MeasuredWhen | Mapping[str, MeasuredWhen] = "baseline",
) -> FeatureTable:
    """Table of markers by line from a CSV, TSV or semicolon-separated file, or a worksheet.

    Wide: a column of lines (``model`` or ``line``), every other column a marker. Long: columns
    ``line``, ``marker`` and ``value``, and, where they are known, ``unit`` and ``measured``
    (``baseline`` or ``after_treatment``). A ``<5`` is a value below the limit 5. A column of
    which every cell is a number is numeric, one of mutation calls is *none* or *mutated*, any
    other has categories.

    Parameters
    ----------
    path : path-like
        The file; of a workbook the first worksheet counts.
    line_column : str, optional
        Header of the column of lines, where it has another name.
    measured : {"baseline", "after_treatment"} or mapping of str to such
        When the markers were measured, where the file does not say; a mapping names those that
        were not at baseline.

    Returns
    -------
    FeatureTable
        A marker whose name stands over several columns, that has several units or several values
        for a line, or a cell that says ``nan`` or ``inf``, is kept with its `problem`; its remarks
        name odd cells, and words among numbers.

    Raises
    ------
    FileFormatError
        If the file cannot be read, has no column of lines or no marker, repeats a line, or says
        of a marker that it was measured at neither of the two times.
    """
    path = Path(path)
    book = path.suffix.casefold() in WORKBOOK_SUFFIXES
    sheet = read_workbook(path)[0] if book else read_text_sheet(path)
    header = trimmed_header(sheet.rows[0])
    rows, numbers = filled_rows(sheet, first=1, n_columns=len(header))
    if not rows:
        raise FileFormatError("rows below the header", found="none", where=sheet.place)
    place = _line_place(header, line_column, sheet.place)
    folded = [name.casefold() for name in header]
    marker = next((folded.index(name) for name in _MARKER_NAMES if name in folded), None)
    if marker is not None and _VALUE_NAME in folded and marker != place:
        return _from_long(sheet, folded, rows, numbers, (place, marker), measured)
    return _from_wide(sheet, header, rows, numbers, place, measured)


def _line_place(header: Sequence[str], named: str | None, where: str) -> int:
    """Column of the lines."""
    if named is not None:
        if named in header:
            return header.index(named)
        raise FileFormatError(
            f"a column '{named}' of lines", found=", ".join(header[:8]), where=f"{where} row 1"
        )
    folded = [name.casefold() for name in header]
    found = next((folded.index(name) for name in _LINE_NAMES if name in folded), None)
    if found is None:
        raise FileFormatError(
            f"a column of lines named {' or '.join(_LINE_NAMES[:2])}",
            found=", ".join(header[:8]),
            where=f"{where} row 1",
            mend="rename the column, or name it",
        )
    return found


def _from_wide(
    sheet: Sheet,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int],
    place: int,
    measured: MeasuredWhen | Mapping[str, MeasuredWhen],
) -> FeatureTable:
    """A column for each marker."""
    lines = [row[place] for row in rows]
    _check_lines(lines, numbers, sheet.place)
    columns = [column for column in range(len(header)) if column != place]
    if not columns:
        raise FileFormatError("a column for each marker", found="none", where=sheet.place)
    for column in columns:
        if not header[column]:
            where = f"{sheet.place} row 1, column {column + 1}"
            raise FileFormatError("a name in the header", found="a blank cell", where=where)
    comma = sheet.comma_possible and has_decimal_comma(cell for row in rows for cell in row)
    cells = {column: [row[column] for row in rows] for column in columns}
    names, problems = _told_apart(header, columns, cells)
    parts = []
    for column, name in zip(columns, names, strict=True):
        when = measured if isinstance(measured, str) else measured.get(header[column], "baseline")
        parts.append(
            _column(
                name,
                cells[column],
                lines,
                when=when,
                problem=problems.get(column, ""),
                comma=comma,
            )
        )
    return _assembled(lines, parts)


def _told_apart(
    header: Sequence[str], columns: Sequence[int], cells: Mapping[int, Sequence[str]]
) -> tuple[list[str], dict[int, str]]:
    """Names of the columns, each once, and what is wrong with those that repeat one."""
    at: dict[str, list[int]] = {}
    for column in columns:
        at.setdefault(header[column], []).append(column)
    names, problems = [], {}
    for column in columns:
        same = at[header[column]]
        names.append(
            header[column] if column == same[0] else f"{header[column]} [column {column + 1}]"
        )
        if len(same) == 1:
            continue
        alike = all(cells[other] == cells[same[0]] for other in same)
        if not alike:
            stands = " and ".join(str(other + 1) for other in same)
            problems[column] = f"the name stands over columns {stands}, whose values differ"
        elif column != same[0]:
            problems[column] = f"repeats column {same[0] + 1}, name and values"
    return names, problems


def _from_long(
    sheet: Sheet,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int],
    places: tuple[int, int],
    measured: MeasuredWhen | Mapping[str, MeasuredWhen],
) -> FeatureTable:
    """A row for each value."""
    line_at, marker_at = places
    value_at = header.index(_VALUE_NAME)
    unit_at = header.index("unit") if "unit" in header else None
    when_at = header.index("measured") if "measured" in header else None
    lines: dict[str, None] = {}
    cells: dict[str, dict[str, str]] = {}
    units: dict[str, set[str]] = {}
    times: dict[str, MeasuredWhen] = {}
    problems: dict[str, str] = {}
    for row, number in zip(rows, numbers, strict=True):
        line, name = row[line_at], row[marker_at]
        if not line or not name:
            where = f"{sheet.place} row {number}"
            raise FileFormatError("a line and a marker", found="a blank cell", where=where)
        lines[line] = None
        if line in cells.setdefault(name, {}):
            problems[name] = f"line {line} has several values (row {number}); average them first"
        cells[name][line] = row[value_at]
        if unit_at is not None and row[value_at] not in MISSING:
            units.setdefault(name, set()).add(row[unit_at])
        default = measured if isinstance(measured, str) else measured.get(name, "baseline")
        word = row[when_at] if when_at is not None else ""
        when = _when(word, f"{sheet.place} row {number}") if word else default
        # One value taken after treatment is enough to make the marker one.
        if times.get(name) != "after_treatment":
            times[name] = when
    comma = sheet.comma_possible and has_decimal_comma(row[value_at] for row in rows)
    parts = []
    for name, values in cells.items():
        found = sorted(units.get(name, set()))
        if len(found) > 1:
            shown = ", ".join(unit or "none" for unit in found)
            problems[name] = f"measured in {len(found)} units: {shown}"
        parts.append(
            _column(
                name,
                [values.get(line, "") for line in lines],
                list(lines),
                when=times[name],
                unit=found[0] if len(found) == 1 else "",
                problem=problems.get(name, ""),
                comma=comma,
            )
        )
    return _assembled(list(lines), parts)


def _when(word: str, where: str) -> MeasuredWhen:
    """When a value was measured."""
    folded = word.casefold().replace(" ", "_")
    if folded == "baseline":
        return "baseline"
    if folded == "after_treatment":
        return "after_treatment"
    raise FileFormatError("baseline or after_treatment", found=repr(word), where=where)


def _column(
    name: str,
    cells: Sequence[str],
    lines: Sequence[str],
    *,
    when: MeasuredWhen,
    unit: str = "",
    problem: str = "",
    comma: bool = False,
) -> tuple[Feature, FloatArray, BoolArray]:
    """A marker and its values."""
    endless = [
        f"{line} {cell}" for line, cell in zip(lines, cells, strict=True) if _is_endless(cell)
    ]
    if endless:
        problem = problem or (
            f"no finite number: {_named(endless)}; leave a cell blank where nothing was measured"
        )
        cells = ["" if _is_endless(cell) else cell for cell in cells]
    below = np.zeros(len(cells), dtype=np.bool_)
    values = np.full(len(cells), np.nan)
    given = [cell not in MISSING for cell in cells]
    words = []
    for row, cell in enumerate(cells):
        if not given[row]:
            continue
        limit = _BELOW.fullmatch(cell)
        number = _number(limit[1] if limit else cell, comma=comma)
        if number is None:
            words.append(f"{lines[row]} {cell}")
        else:
            values[row], below[row] = number, limit is not None
    if not words:
        kind: FeatureKind = "censored" if below.any() else "numeric"
        feature = Feature(name=name, kind=kind, measured=when, unit=unit, problem=problem)
        return feature, values, below
    texts = [cell if known else None for cell, known in zip(cells, given, strict=True)]
    nothing = np.zeros(len(cells), dtype=np.bool_)
    if all(text is None or text in _NO_MUTATION or _is_call(text) for text in texts):
        called = [_mutated(text) for text in texts]
        codes, levels = encode_levels(called, MUTATION_LEVELS)
        remark = _copy_number_remark(texts, lines)
    else:
        (codes, levels), remark = encode_levels(texts), ""
        if len(words) < sum(given):
            remark = f"numbers and words, read as categories: {_named(words)}"
    feature = Feature(
        name=name,
        kind="categorical",
        levels=levels,
        measured=when,
        unit=unit,
        problem=problem,
        remark=remark,
    )
    return feature, codes, nothing


def _number(cell: str, *, comma: bool) -> float | None:
    """A finite number, or None; grouped digits are none."""
    if "_" in cell or (comma and "." in cell):
        return None
    try:
        number = float(cell.replace(",", ".") if comma else cell)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _is_endless(cell: str) -> bool:
    """Whether a cell says that it is no number, or one without end."""
    try:
        return not np.isfinite(float(cell))
    except ValueError:
        return False


def _named(cells: Sequence[str]) -> str:
    """Some cells with their lines, and how many more there are."""
    more = f" and {len(cells) - _MOST_NAMED} more" if len(cells) > _MOST_NAMED else ""
    return f"{', '.join(cells[:_MOST_NAMED])}{more}"


def _is_call(cell: str) -> bool:
    """Whether a cell is made of calls only."""
    return all(_CALL.fullmatch(part.strip()) for part in cell.split(";"))


def _mutated(cell: str | None) -> str | None:
    """None where the cell is missing, else *mutated* or *none*."""
    if cell is None:
        return None
    return MUTATION_LEVELS[any(part.strip().startswith("Mut") for part in cell.split(";"))]


def _copy_number_remark(cells: Sequence[str | None], lines: Sequence[str]) -> str:
    """Which cells hold a copy-number call and no mutation."""
    odd = [
        f"{line} {cell}"
        for line, cell in zip(lines, cells, strict=True)
        if cell is not None and _is_call(cell) and _mutated(cell) == MUTATION_LEVELS[0]
    ]
    if not odd:
        return ""
    return f"copy-number calls counted as no mutation: {_named(odd)}"


def _check_lines(lines: Sequence[str], numbers: Sequence[int], where: str) -> None:
    """Refuse a line without a name, and one that comes twice."""
    first: dict[str, int] = {}
    for line, number in zip(lines, numbers, strict=True):
        if not line:
            raise FileFormatError("a line", found="a blank cell", where=f"{where} row {number}")
        if line in first:
            raise FileFormatError(
                "each line once",
                found=f"'{line}' in rows {first[line]} and {number}",
                where=where,
                mend="average its values first",
            )
        first[line] = number


def _assembled(
    lines: Sequence[str], parts: Sequence[tuple[Feature, FloatArray, BoolArray]]
) -> FeatureTable:
    """The table, with the remarks of its markers."""
    features = tuple(feature for feature, _, _ in parts)
    remarks = [
        f"{feature.name}: {words}"
        for feature in features
        for words in (feature.problem, feature.remark)
        if words
    ]
    return FeatureTable(
        lines=tuple(lines),
        features=features,
        values=np.column_stack([values for _, values, _ in parts]),
        below=np.column_stack([below for _, _, below in parts]),
        remarks=tuple(remarks),
    )
