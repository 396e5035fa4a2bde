"""A study in a folder of its own: ``study.toml``, the measurements, and the tables beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast, get_args

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies.assembly import Group, group_rows
from oncovivo.studies.caliper import VolumeFormula
from oncovivo.studies.columns import ColumnMapping, shown_headers
from oncovivo.studies.delimited import read_delimited
from oncovivo.studies.files import Reading, read_long_sheets
from oncovivo.studies.leaving import exclude_animals
from oncovivo.studies.readings import ReadOptions, parse_day_zero, take_readings
from oncovivo.studies.regimen import parse_regimen
from oncovivo.studies.sheet import MISSING, LongTable
from oncovivo.studies.study import Animal, Arm, LeavingReason, Study, StudyTables
from oncovivo.studies.studyfile import StudyFile, read_study_file
from oncovivo.tables import (
    CHANGE_COLUMNS,
    DOSE_COLUMNS,
    EVENT_COLUMNS,
    MARKER_COLUMNS,
    MEASUREMENT_COLUMNS,
    CheckedMeasurements,
    TableName,
    check_measurements,
)

__all__ = [
    "ANIMALS_FILE",
    "ANIMAL_COLUMNS",
    "MEASUREMENTS_FILE",
    "STUDY_FILE",
    "TABLE_COLUMNS",
    "read_folder",
]

STUDY_FILE: Final = "study.toml"
MEASUREMENTS_FILE: Final = "measurements.csv"
ANIMALS_FILE: Final = "animals.csv"
ANIMAL_COLUMNS: Final = ("animal_id", "arm", "cage", "baseline_day", "end_day", "end_reason")
TABLE_COLUMNS: Final[Mapping[TableName, tuple[str, ...]]] = {
    "doses": DOSE_COLUMNS,
    "events": EVENT_COLUMNS,
    "markers": MARKER_COLUMNS,
    "changes": CHANGE_COLUMNS,
}
_TABLE_NUMBERS: Final = ("day", "dose_mg_per_kg", "value")


def read_folder(folder: Path, options: ReadOptions) -> Reading:
    """The study of a folder.

    Parameters
    ----------
    folder : Path
        With a ``study.toml``.
    options : ReadOptions
        What the user says; comes before what ``[read]`` says in the study file.

    Raises
    ------
    FileFormatError
        If a file is missing or malformed, or the measurements hold several studies.
    DataError
        If the files contradict each other.
    InputError
        If a regimen cannot be read.
    """
    file = read_study_file(folder / STUDY_FILE)
    options = _options(file, options)
    path = folder / (file.read.file or MEASUREMENTS_FILE)
    label = file.id or folder.absolute().name
    group, mappings = _measurements(path, folder, options, label)
    study = Study(
        study_id=label,
        title=file.title,
        source=file.source,
        licence=file.licence,
        simulated=file.simulated,
        randomized=file.randomized,
        line=file.line.to_line(),
        host=file.host.to_host(),
        arms=_arms(file, folder, group),
        animals=_animals(folder, group),
        declared_baseline_day=file.baseline_day,
        limit_mm3=file.limit_mm3,
        zeros=file.zeros,
        volume_formula=_formula(group) or file.volume_formula,
        notes=tuple(dict.fromkeys((*file.notes, *(group.notes if group else ())))),
        tables=_tables(folder, group),
        table=_no_measurements() if group is None else group.measurements,
    )
    return Reading(studies=(_without_excluded(study, folder),), mappings=mappings)


def _options(file: StudyFile, options: ReadOptions) -> ReadOptions:
    """What the user says, else what the study file says."""
    stated = file.read
    zero = stated.day_zero
    return ReadOptions(
        mapping={**stated.columns, **options.given()},
        formula=options.formula or stated.formula,
        units={**stated.units, **options.units},
        day_zero=options.day_zero or (parse_day_zero(zero) if isinstance(zero, str) else zero),
        date_order=options.date_order or stated.date_order,
        sheets=options.sheets or stated.sheets,
        only_sheets=options.only_sheets or tuple(stated.only_sheets),
    )


def _measurements(
    path: Path, folder: Path, options: ReadOptions, label: str
) -> tuple[Group | None, dict[str, ColumnMapping]]:
    """Rows of the measurements, None where the file of a written study has a header only."""
    if path.name == MEASUREMENTS_FILE and _present(folder / ANIMALS_FILE):
        table = read_delimited(path, decimal_columns=("day",), empty_allowed=True)
        if not table.n:
            return None, {}
    sheets = read_long_sheets(path, options)
    groups = group_rows([take_readings(sheet, options) for sheet in sheets], label=label)
    if len(groups) > 1:
        found = f"{len(groups)}: " + ", ".join(f"{g.label} {g.line}" for g in groups[:4])
        expected = "one study of one line in a study's own folder"
        raise FileFormatError(expected, found=found, where=f"{folder.name}/{path.name}")
    return groups[0], {sheet.table.place: sheet.mapping for sheet in sheets}


def _formula(group: Group | None) -> VolumeFormula | None:
    """Formula by which the volumes were made."""
    sheets = group.sheets if group else ()
    return next((sheet.formula for sheet in sheets if sheet.formula is not None), None)


def _no_measurements() -> CheckedMeasurements:
    """A table without rows."""
    words = ("animal_id", "volume_state")
    empty = {
        name: pd.Series([], dtype=object if name in words else float)
        for name in MEASUREMENT_COLUMNS
    }
    return check_measurements(pd.DataFrame(empty))


def _arms(file: StudyFile, folder: Path, group: Group | None) -> tuple[Arm, ...]:
    """Arms of the study file, their regimens read; those of the data where it has none."""
    if not file.arm:
        names = group.arms() if group else ()
        return tuple(Arm(name=name) for name in names)
    arms: list[Arm] = []
    for entry in file.arm:
        try:
            regimens = tuple(parse_regimen(text) for text in entry.regimen_texts())
        except InputError as error:
            raise InputError(
                error.expected,
                found=error.found,
                where=f"{folder.name}/{STUDY_FILE}, arm '{entry.name}', {error.where}",
            ) from error
        arms.append(Arm(name=entry.name, role=entry.role, regimens=regimens))
    return tuple(arms)


def _present(path: Path) -> bool:
    """Whether anything has the name: a broken link is refused when it is read."""
    return path.exists() or path.is_symlink()


def _animals(folder: Path, group: Group | None) -> tuple[Animal, ...]:
    """Animals of ``animals.csv``, else of the measurements."""
    path = folder / ANIMALS_FILE
    if _present(path):
        return _read_animals(path, group)
    if group is None or not group.has_arms:
        raise FileFormatError(
            f"the arm of each animal: a column 'arm' or 'treatment', or a file {ANIMALS_FILE}",
            found="neither",
            where=f"{folder.name}/{MEASUREMENTS_FILE}",
        )
    group.arms()
    return group.animals()


def _read_animals(path: Path, group: Group | None) -> tuple[Animal, ...]:
    """Animals of ``animals.csv``, which must agree with the measurements."""
    table = read_delimited(path, decimal_columns=("baseline_day", "end_day"))
    for column in ("animal_id", "arm"):
        _require(table, column)
    ids, arms = table.words("animal_id"), table.words("arm")
    stated = {a.animal_id: a.arm for a in group.animals()} if group and group.has_arms else {}
    last_days = group.last_days() if group else {}
    cages, reasons = _words(table, "cage"), _words(table, "end_reason")
    baselines, ends = table.numbers("baseline_day").values, table.numbers("end_day").values
    allowed = get_args(LeavingReason)
    animals: list[Animal] = []
    for index, (animal_id, arm) in enumerate(zip(ids, arms, strict=True)):
        if stated.get(animal_id, arm) != arm:
            expected = f"arm '{stated[animal_id]}' as in {MEASUREMENTS_FILE}"
            raise DataError(expected, found=f"'{arm}'", where=table.where(index, "arm"))
        reason = reasons[index] or "unknown"
        if reason not in allowed:
            expected = "a reason for leaving: " + ", ".join(allowed)
            raise table.error(index, "end_reason", expected)
        end_day = last_days.get(animal_id, 0.0) if np.isnan(ends[index]) else float(ends[index])
        animals.append(
            Animal(
                animal_id=animal_id,
                arm=arm,
                cage=cages[index],
                baseline_day=None if np.isnan(baselines[index]) else float(baselines[index]),
                end_day=end_day,
                end_reason=cast("LeavingReason", reason),
            )
        )
    return tuple(animals)


def _without_excluded(study: Study, folder: Path) -> Study:
    """The study without the animals that ``animals.csv`` gives a reason for leaving out."""
    path = folder / ANIMALS_FILE
    if not path.exists():
        return study
    table = read_delimited(path, decimal_columns=())
    for animal_id, reason in zip(
        table.words("animal_id"), _words(table, "exclusion"), strict=True
    ):
        if reason is not None:
            study = exclude_animals(study, [animal_id], reason)
    return study


def _words(table: LongTable, column: str) -> list[str | None]:
    """Texts of a column, None where one is missing."""
    texts = table.texts.get(column) or [""] * table.n
    return [None if text in MISSING else text for text in texts]


def _tables(folder: Path, group: Group | None) -> StudyTables:
    """The tables beside the measurements, and what reading these changed."""
    frames: dict[TableName, pd.DataFrame] = {}
    for name in get_args(TableName):
        path = folder / f"{name}.csv"
        if _present(path):
            frames[name] = _read_table(path, TABLE_COLUMNS[name])
    tables = StudyTables(**frames)
    return tables if group is None else tables.with_changes(group.changes)


def _read_table(path: Path, names: tuple[str, ...]) -> pd.DataFrame:
    """A tidy table from its file; a column that is not there is blank."""
    numbers = [name for name in names if name in _TABLE_NUMBERS]
    table = read_delimited(path, decimal_columns=numbers, empty_allowed=True)
    for name in ("animal_id", "day"):
        _require(table, name)
    unknown = [name for name in table.texts if name not in names]
    if unknown:
        expected = f"columns {', '.join(names)}"
        raise FileFormatError(expected, found=f"'{unknown[0]}'", where=f"{table.place} row 1")
    columns: dict[str, object] = {}
    for name in names:
        if name in numbers:
            columns[name] = table.numbers(name, required=name == "day").values
        elif name in ("animal_id", "compound", "event", "analyte", "column", "reason"):
            _require(table, name)
            columns[name] = pd.Series(table.words(name), dtype=object)
        else:
            texts = table.texts.get(name) or [""] * table.n
            columns[name] = pd.Series(texts, dtype=object)
    return pd.DataFrame(columns)


def _require(table: LongTable, column: str) -> None:
    """Refuse a table that lacks a column."""
    if column not in table.texts:
        expected = f"a column '{column}'"
        found = shown_headers(list(table.texts))
        raise FileFormatError(expected, found=found, where=f"{table.place} row 1")
