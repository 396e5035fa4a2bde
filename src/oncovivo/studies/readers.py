"""Studies from files as they come: text and workbooks, long and wide, and a study's own folder.

A file in the long layout has one row per animal and day, with at least an animal, an arm, a day
(or date) and a size; one in the wide layout has one row per animal and a column for each day.
Headers are recognized by their canonical names or by the table of synonyms
(:mod:`oncovivo.studies.columns`), or are given. A file with several studies or lines gives one
:class:`Study` for each study and line.

A folder holds ``study.toml`` and ``measurements.csv``, and may hold ``animals.csv`` (``animal_id
arm cage baseline_day end_day end_reason``), ``doses.csv``, ``events.csv``, ``markers.csv`` and
``changes.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from oncovivo.studies.caliper import VolumeFormula
from oncovivo.studies.dates import DateOrder
from oncovivo.studies.files import (
    TEXT_SUFFIXES,
    Reading,
    read_long_sheets,
    studies_of_sheets,
)
from oncovivo.studies.folder import STUDY_FILE, read_folder
from oncovivo.studies.readings import DayZero, ReadOptions, SheetMeaning, parse_day_zero
from oncovivo.studies.study import Study

__all__ = ["TEXT_SUFFIXES", "read_long_sheets", "read_study", "read_with_mapping"]


def read_study(
    path: Path | str,
    *,
    mapping: Mapping[str, str] | None = None,
    formula: VolumeFormula | None = None,
    units: Mapping[str, str] | None = None,
    day_zero: DayZero | str | None = None,
    date_order: DateOrder | None = None,
    sheets: SheetMeaning | None = None,
    only_sheets: Sequence[str] = (),
) -> tuple[Study, ...]:
    """Studies that a file or a study folder holds, in the order in which they first appear.

    Parameters
    ----------
    path : path-like
        A ``.csv``, ``.tsv``, ``.txt`` or ``.xlsx`` file, a study folder, or its ``study.toml``.
    mapping : mapping of str to str, optional
        Their column name by canonical name: ``{"volume_mm3": "TV"}``.
    formula : VolumeFormula, optional
        Make volumes from diameters by this formula; where a file has diameters and no volumes
        it is ``half_l_w2``.
    units : mapping of str to str, optional
        Unit of a column by canonical name: ``{"volume_mm3": "cm³"}``.
    day_zero : date or str, optional
        What day 0 is in a file with calendar dates: a date, ``treatment`` or ``implant`` (columns
        of the file), or ``first``; else the start of treatment or the implantation where a column
        has it, else the study's first date.
    date_order : {"day_first", "month_first"}, optional
        Order in dates such as 3/4/2024, where no date of the file decides it.
    sheets : {"studies", "arms", "measures"}, optional
        What each worksheet is. Else: measures where no two sheets hold the same; arms where no
        sheet has a column for the arm; studies otherwise.
    only_sheets : sequence of str, optional
        Worksheets to read.

    Raises
    ------
    FileFormatError
        If a file is missing or malformed, or a cell does not hold what its column says; names the
        file, row and column.
    DataError
        If the rows contradict each other: an animal twice on a day or in two arms.
    InputError
        If an option, a regimen or a word of a closed list in the study file cannot be read.
    """
    options = ReadOptions(
        mapping=dict(mapping or {}),
        formula=formula,
        units=dict(units or {}),
        day_zero=_as_day_zero(day_zero),
        date_order=date_order,
        sheets=sheets,
        only_sheets=tuple(only_sheets),
    )
    return read_with_mapping(path, options).studies


def read_with_mapping(path: Path | str, options: ReadOptions | None = None) -> Reading:
    """Studies of a file, and which of its columns were read as what.

    Parameters
    ----------
    path : path-like
        As for :func:`read_study`.
    options : ReadOptions, optional
        What the user says about the file.

    Raises
    ------
    FileFormatError, DataError, InputError
        As :func:`read_study`.
    """
    path, options = Path(path), options or ReadOptions()
    if path.is_dir() or path.name == STUDY_FILE:
        return read_folder(path if path.is_dir() else path.parent, options)
    long_sheets = read_long_sheets(path, options)
    return Reading(
        studies=studies_of_sheets(long_sheets, options, label=path.stem),
        mappings={sheet.table.place: sheet.mapping for sheet in long_sheets},
    )


def _as_day_zero(day_zero: DayZero | str | None) -> DayZero | None:
    """Day 0 as the options take it, who read the text of a date."""
    if day_zero is None or isinstance(day_zero, date):
        return day_zero
    return parse_day_zero(day_zero)
