"""Files of studies: from a path to tables in the long layout, and from those to studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError
from oncovivo.studies.assembly import assemble
from oncovivo.studies.columns import ColumnMapping, name_header, shown_headers
from oncovivo.studies.delimited import read_text_sheet
from oncovivo.studies.layout import MEASURES, Layout, LongSheet, find_layout, to_long
from oncovivo.studies.readings import Readings, ReadOptions, SheetMeaning, take_readings
from oncovivo.studies.sheet import Sheet
from oncovivo.studies.spreadsheet import WORKBOOK_SUFFIXES, read_workbook
from oncovivo.studies.study import Study

__all__ = ["TEXT_SUFFIXES", "Reading", "read_long_sheets", "studies_of_sheets"]

TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file holds and how its columns were read.

    Parameters
    ----------
    studies : tuple of Study
        In the order in which they first appear.
    mappings : dict of str to ColumnMapping
        Which column was read as what, by file, or by file and worksheet.
    """

    studies: tuple[Study, ...]
    mappings: dict[str, ColumnMapping]


def read_long_sheets(path: Path, options: ReadOptions) -> tuple[LongSheet, ...]:
    """Tables of a file in the long layout, cells still as text.

    Parameters
    ----------
    path : Path
        A text file or a workbook.
    options : ReadOptions
        What the user says about the file.

    Raises
    ------
    FileFormatError
        If the file is missing or malformed, or no sheet holds a study.
    """
    if not path.is_file():
        expected = "a study file or folder"
        raise FileFormatError(expected, found="nothing there", where=path.name)
    suffix = path.suffix.casefold()
    if suffix in TEXT_SUFFIXES:
        sheet = read_text_sheet(path)
        layout = find_layout(sheet, given=options.given())
        return (to_long(sheet, layout),)
    if suffix not in WORKBOOK_SUFFIXES:
        raise FileFormatError(
            "a study folder, or a file ending in .csv, .tsv, .txt or .xlsx",
            found=f"'{path.name}'",
            mend="save it as .xlsx or as CSV UTF-8",
        )
    return _long_sheets_of(read_workbook(path), options)


def studies_of_sheets(
    sheets: Sequence[LongSheet], options: ReadOptions, *, label: str
) -> tuple[Study, ...]:
    """Studies that tables in the long layout hold.

    Parameters
    ----------
    sheets : sequence of LongSheet
        One for each worksheet.
    options : ReadOptions
        What the user says about the file.
    label : str
        What a study is called where no cell says it.

    Raises
    ------
    FileFormatError, DataError
        As :func:`read_study`.
    """
    if len(sheets) == 1:
        return assemble([take_readings(sheets[0], options)], label=label)
    meaning = options.sheets or _meaning(sheets)
    what = {"studies": "a study", "arms": "an arm", "measures": "a measure"}[meaning]
    said = f"Each of {len(sheets)} worksheets was read as {what}."
    readings = [
        _named(
            take_readings(sheet, options, weights_suffice=meaning == "measures"),
            sheet,
            meaning,
            said,
        )
        for sheet in sheets
    ]
    return assemble(readings, label=label, join_measures=meaning == "measures")


def _long_sheets_of(sheets: Sequence[Sheet], options: ReadOptions) -> tuple[LongSheet, ...]:
    """Worksheets that hold a study, or those that were named."""
    file = sheets[0].file
    names = [sheet.name or "" for sheet in sheets]
    for name in options.only_sheets:
        if name not in names:
            expected = "a worksheet of the file: " + ", ".join(names)
            raise FileFormatError(expected, found=f"'{name}'", where=file)
    found: list[LongSheet] = []
    skipped: list[str] = []
    first_error: FileFormatError | None = None
    for sheet in sheets:
        name = sheet.name or ""
        if options.only_sheets and name not in options.only_sheets:
            skipped.append(name)
            continue
        try:
            layout = find_layout(sheet, given=options.given(), measure=_measure_of(name))
        except FileFormatError as error:
            if options.only_sheets or len(sheets) == 1:
                raise
            first_error = first_error or error
            skipped.append(name)
            continue
        if options.only_sheets or layout.holds_a_study or len(sheets) == 1:
            found.append(to_long(sheet, layout))
        else:
            first_error = first_error or _no_study(sheet, layout)
            skipped.append(name)
    if not found:
        raise first_error or FileFormatError("a worksheet with a study", where=file)
    if skipped:
        note = f"Worksheets not read: {', '.join(skipped)}."
        found = [replace(sheet, notes=(note, *sheet.notes)) for sheet in found]
    return tuple(found)


def _measure_of(name: str) -> str | None:
    """Measure that the name of a worksheet stands for."""
    said = name_header(name)
    return said.canonical if said is not None and said.canonical in MEASURES else None


def _no_study(sheet: Sheet, layout: Layout) -> FileFormatError:
    """The refusal of a worksheet in which no study was recognized."""
    return FileFormatError(
        "an animal, a day and a size in the columns",
        found=shown_headers(layout.headers),
        where=f"{sheet.place} row {layout.first_row}",
        mend="say which column is which: --map animal_id=NAME, --map volume_mm3=NAME",
    )


def _meaning(sheets: Sequence[LongSheet]) -> SheetMeaning:
    """What each worksheet is, from what they hold."""
    held = [{name for name in MEASURES if name in sheet.table.texts} for sheet in sheets]
    if sum(len(names) for names in held) == len(set[str]().union(*held)):
        return "measures"
    if not any("treatment" in sheet.table.texts for sheet in sheets):
        return "arms"
    return "studies"


def _named(reading: Readings, sheet: LongSheet, meaning: SheetMeaning, said: str) -> Readings:
    """Readings that know what their worksheet is."""
    frame = reading.frame.copy()
    name = sheet.name or ""
    if meaning == "arms":
        if "treatment" in sheet.table.texts:
            expected = "worksheets without a column for the arm, when each is an arm"
            raise FileFormatError(
                expected,
                found=f"'{sheet.table.headers['treatment']}'",
                where=sheet.table.place,
                mend="read them as studies",
            )
        frame["treatment"] = name
        frame["by_row"] = True
    elif meaning == "studies":
        frame["study"] = frame["study"].where(frame["study"] != "", name)
    return replace(reading, frame=frame, notes=(said, *reading.notes))
