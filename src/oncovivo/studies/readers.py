"""Studies from files: the long layout, and a study's own folder.

The long layout has one row per animal and day and at least the columns ``animal_id``,
``treatment`` (or ``arm``), ``day`` and ``volume_mm3``; ``study``, ``model``, ``tumor_type``,
``cage``, ``length_mm``, ``width_mm``, ``depth_mm`` and ``body_weight_g`` are read where they are.
A file with several studies or several models gives one :class:`Study` for each study and model.

A folder holds ``study.toml`` and ``measurements.csv``, and may hold ``animals.csv`` (``animal_id
arm cage baseline_day end_day end_reason``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies.delimited import DelimitedTable, read_delimited
from oncovivo.studies.regimen import parse_regimen
from oncovivo.studies.study import Animal, Arm, LeavingReason, Study, XenograftLine
from oncovivo.tables import MEASUREMENT_COLUMNS

if TYPE_CHECKING:
    from oncovivo.studies.studyfile import StudyFile

__all__ = ["read_study"]

STUDY_FILE: Final = "study.toml"
MEASUREMENTS_FILE: Final = "measurements.csv"
ANIMALS_FILE: Final = "animals.csv"

# Headers that an error shows before it breaks off.
_MOST_HEADERS: Final = 12
_TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
_DIAMETERS: Final = ("length_mm", "width_mm", "depth_mm")
_NUMBERS: Final = ("day", "volume_mm3", *_DIAMETERS, "body_weight_g")
_READ: Final = frozenset(
    {"study", "model", "tumor_type", "animal_id", "treatment", "arm", "cage", *_NUMBERS}
)


def read_study(path: Path | str) -> tuple[Study, ...]:
    """Studies that a file or a study folder holds, in the order in which they first appear.

    Parameters
    ----------
    path : path-like
        A ``.csv``, ``.tsv`` or ``.txt`` file in the long layout, a study folder, or its
        ``study.toml``.

    Raises
    ------
    FileFormatError
        If a file is missing or malformed, or a cell does not hold what its column says; names the
        file, row and column.
    DataError
        If the rows contradict each other: an animal twice on a day or in two arms.
    InputError
        If a regimen or a word of a closed list in the study file cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return (_read_folder(path),)
    if path.name == STUDY_FILE:
        return (_read_folder(path.parent),)
    if not path.is_file():
        expected = "a study file or folder"
        raise FileFormatError(expected, found="nothing there", where=path.name)
    if path.suffix.casefold() not in _TEXT_SUFFIXES:
        raise FileFormatError(
            "a study folder, or a file ending in .csv, .tsv or .txt",
            found=f"'{path.name}'",
            mend="save the sheet as CSV UTF-8",
        )
    return _read_long(path)


def _read_long(path: Path) -> tuple[Study, ...]:
    """Studies of one file in the long layout."""
    rows = _Rows(read_delimited(path, decimal_columns=_NUMBERS))
    labels = rows.labels("study", blank=path.stem)
    lines = rows.labels("model", blank="not stated")
    groups: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(zip(labels, lines, strict=True)):
        groups.setdefault(key, []).append(index)
    studies_with_lines = [label for label, _ in groups]
    return tuple(
        Study(
            study_id=label if studies_with_lines.count(label) == 1 else f"{label}/{line}",
            title=label if line == "not stated" else f"{label}, {line}",
            line=XenograftLine(name=line, tumor_type=rows.only("tumor_type", group)),
            arms=tuple(Arm(name=name) for name in rows.arms(group)),
            animals=rows.animals(group),
            notes=rows.notes(group),
            table=rows.measurements(group),
        )
        for (label, line), group in groups.items()
    )


def _read_folder(folder: Path) -> Study:
    """The study of a folder."""
    from oncovivo.studies.studyfile import read_study_file

    file = read_study_file(folder / STUDY_FILE)
    rows = _Rows(read_delimited(folder / MEASUREMENTS_FILE, decimal_columns=_NUMBERS))
    group = range(rows.n)
    animals_path = folder / ANIMALS_FILE
    if animals_path.exists():
        animals = _read_animals(animals_path, rows)
    elif rows.arm_column is None:
        raise FileFormatError(
            f"the arm of each animal: a column 'arm' or 'treatment', or a file {ANIMALS_FILE}",
            found="neither",
            where=f"{folder.name}/{MEASUREMENTS_FILE}",
        )
    else:
        animals = rows.animals(group)
    return Study(
        study_id=file.id or folder.resolve().name,
        title=file.title,
        source=file.source,
        licence=file.licence,
        simulated=file.simulated,
        line=file.line.to_line(),
        host=file.host.to_host(),
        arms=_arms(file, folder),
        animals=animals,
        declared_baseline_day=file.baseline_day,
        limit_mm3=file.limit_mm3,
        notes=rows.notes(group),
        table=rows.measurements(group),
    )


def _arms(file: StudyFile, folder: Path) -> tuple[Arm, ...]:
    """Arms of the study file, their regimens read."""
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


def _read_animals(path: Path, rows: _Rows) -> tuple[Animal, ...]:
    """Animals of ``animals.csv``, which must agree with the measurements."""
    table = read_delimited(path, decimal_columns=("baseline_day", "end_day"))
    for column in ("animal_id", "arm"):
        _require(table, column)
    stated = {a.animal_id: a.arm for a in rows.animals(range(rows.n))} if rows.arm_column else {}
    last_days = rows.last_days(range(rows.n))
    animals: list[Animal] = []
    for index in range(len(table.row_numbers)):
        animal_id, arm = table.word(index, "animal_id"), table.word(index, "arm")
        if stated.get(animal_id, arm) != arm:
            expected = f"arm '{stated[animal_id]}' as in {MEASUREMENTS_FILE}"
            raise DataError(expected, found=f"'{arm}'", where=table.where(index, "arm"))
        end_day = _optional_number(table, index, "end_day")
        animals.append(
            Animal(
                animal_id=animal_id,
                arm=arm,
                cage=_optional_word(table, index, "cage"),
                baseline_day=_optional_number(table, index, "baseline_day"),
                end_day=last_days.get(animal_id, 0.0) if end_day is None else end_day,
                end_reason=_reason(table, index),
            )
        )
    return tuple(animals)


def _reason(table: DelimitedTable, index: int) -> LeavingReason:
    """Reason for leaving, ``unknown`` where the cell or the column is missing."""
    word = _optional_word(table, index, "end_reason") or "unknown"
    allowed = get_args(LeavingReason)
    if word not in allowed:
        raise table.error(index, "end_reason", "a reason for leaving: " + ", ".join(allowed))
    return cast("LeavingReason", word)


def _optional_word(table: DelimitedTable, index: int, column: str) -> str | None:
    """Text of a cell, None where it is missing."""
    if column not in table.columns or table.is_missing(index, column):
        return None
    return table.word(index, column)


def _optional_number(table: DelimitedTable, index: int, column: str) -> float | None:
    """Number of a cell, None where it is missing."""
    if column not in table.columns or table.is_missing(index, column):
        return None
    return table.number(index, column)


def _require(table: DelimitedTable, column: str) -> None:
    """Refuse a table that lacks a column."""
    if column not in table.columns:
        expected = f"a column '{column}'"
        raise FileFormatError(expected, found=_headers(table), where=f"{table.file} row 1")


def _headers(table: DelimitedTable) -> str:
    """The first headers, for a message."""
    shown = ", ".join(list(table.columns)[:_MOST_HEADERS])
    return f"columns {shown}" + (" …" if len(table.columns) > _MOST_HEADERS else "")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows in the long layout."""

    table: DelimitedTable

    def __post_init__(self) -> None:
        columns = self.table.columns
        if "volume_mm3" not in columns and "area_mm2" in columns:
            raise FileFormatError(
                "a column 'volume_mm3'",
                found="areas ('area_mm2')",
                where=f"{self.table.file} row 1",
                mend="an area is no volume and is not turned into one; give volumes",
            )
        for column in ("animal_id", "day", "volume_mm3"):
            _require(self.table, column)
        if "arm" in columns and "treatment" in columns:
            expected = "one column for the arm"
            where = f"{self.table.file} row 1"
            raise FileFormatError(expected, found="both 'arm' and 'treatment'", where=where)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.table.row_numbers)

    @property
    def arm_column(self) -> str | None:
        """Header of the column that holds the arm."""
        return next((name for name in ("arm", "treatment") if name in self.table.columns), None)

    def labels(self, column: str, *, blank: str) -> tuple[str, ...]:
        """Texts of a column, with a word for blank cells or a column that is not there."""
        if column not in self.table.columns:
            return (blank,) * self.n
        return tuple(text or blank for text in self.table.columns[column])

    def only(self, column: str, group: Iterable[int]) -> str | None:
        """The one text that a column has in a group of rows; None where all are blank."""
        if column not in self.table.columns:
            return None
        first: str | None = None
        for index in group:
            text = self.table.columns[column][index]
            first = first or text or None
            if text and text != first:
                expected = f"'{first}' as in the other rows of the study"
                raise self.table.error(index, column, expected)
        return first

    def arms(self, group: Iterable[int]) -> tuple[str, ...]:
        """Names of the arms in the order of the file."""
        if self.arm_column is None:
            expected = "a column 'treatment' or 'arm'"
            where = f"{self.table.file} row 1"
            raise FileFormatError(expected, found=_headers(self.table), where=where)
        return tuple(dict.fromkeys(self.table.word(index, self.arm_column) for index in group))

    def last_days(self, group: Iterable[int]) -> dict[str, float]:
        """Last day with a volume or a weight by animal, else the day of its first row."""
        last: dict[str, float] = {}
        for index in group:
            animal_id = self.table.word(index, "animal_id")
            day = self.table.number(index, "day")
            followed = any(
                not self.table.is_missing(index, column)
                for column in ("volume_mm3", "body_weight_g")
                if column in self.table.columns
            )
            if animal_id not in last or (followed and day > last[animal_id]):
                last[animal_id] = day
        return last

    def animals(self, group: Iterable[int]) -> tuple[Animal, ...]:
        """Animals of the rows; each is followed to its last reading, for a reason not known."""
        group = list(group)
        arm_column = self.arm_column or ""
        arms: dict[str, str] = {}
        cages: dict[str, str | None] = {}
        for index in group:
            animal_id = self.table.word(index, "animal_id")
            arm = self.table.word(index, arm_column)
            if arms.setdefault(animal_id, arm) != arm:
                raise DataError(
                    f"animal '{animal_id}' in one arm, '{arms[animal_id]}'",
                    found=f"'{arm}'",
                    where=self.table.where(index, arm_column),
                )
            cage = _optional_word(self.table, index, "cage")
            cages[animal_id] = cages.get(animal_id) or cage
        last = self.last_days(group)
        return tuple(
            Animal(animal_id=name, arm=arm, cage=cages[name], end_day=last[name])
            for name, arm in arms.items()
        )

    def measurements(self, group: Iterable[int]) -> pd.DataFrame:
        """Tidy measurements, ordered by animal as in the file and by day."""
        group = list(group)
        table = self.table
        ids = [table.word(index, "animal_id") for index in group]
        days = [table.number(index, "day") for index in group]
        seen: dict[tuple[str, float], int] = {}
        for index, key in zip(group, zip(ids, days, strict=True), strict=True):
            if key in seen:
                raise DataError(
                    f"animal '{key[0]}' once on day {key[1]:g}",
                    found=f"a second row, the first is row {seen[key]}",
                    where=table.where(index, "day"),
                )
            seen[key] = table.row_numbers[index]
        volumes = [self._volume(index) for index in group]
        columns: dict[str, list[str] | list[float]] = {
            "animal_id": ids,
            "day": days,
            "volume_mm3": [volume for volume, _ in volumes],
            "volume_state": [state for _, state in volumes],
        }
        for name in _DIAMETERS:
            columns[name] = (
                [table.positive(index, name) for index in group]
                if name in table.columns
                else [np.nan] * len(group)
            )
        weights = self._body_weights(group)
        columns["body_weight_g"] = [w if w > 0 else np.nan for w in weights]
        frame = pd.DataFrame(columns).loc[:, list(MEASUREMENT_COLUMNS)]
        order = {name: place for place, name in enumerate(dict.fromkeys(ids))}
        frame["place"] = frame["animal_id"].map(order)
        frame = frame.sort_values(["place", "day"], kind="stable").drop(columns="place")
        return frame.reset_index(drop=True)

    def _volume(self, index: int) -> tuple[float, str]:
        """Volume and its state: blank, 0, ``<14`` or a positive number."""
        if self.table.is_missing(index, "volume_mm3"):
            return np.nan, "not_measured"
        limit = self.table.below(index, "volume_mm3")
        if limit is not None:
            return limit, "below_limit"
        volume = self.table.number(index, "volume_mm3")
        if volume < 0:
            expected = "a volume of 0 or more"
            raise self.table.error(index, "volume_mm3", expected)
        return volume, "measured" if volume > 0 else "gone"

    def _body_weights(self, group: Iterable[int]) -> list[float]:
        """Body weights as written, NaN where blank."""
        name = "body_weight_g"
        return [
            self.table.number(index, name)
            if name in self.table.columns and not self.table.is_missing(index, name)
            else np.nan
            for index in group
        ]

    def notes(self, group: Iterable[int]) -> tuple[str, ...]:
        """What was left aside, in sentences."""
        group = list(group)
        notes: list[str] = []
        ignored = [name for name in self.table.columns if name not in _READ]
        if ignored:
            notes.append(f"Columns not read: {', '.join(ignored)}.")
        blank = sum(self.table.is_missing(index, "volume_mm3") for index in group)
        if blank:
            notes.append(f"{blank} of {len(group)} rows have no volume and count as not measured.")
        gone = sum(self._volume(index)[1] == "gone" for index in group)
        if gone:
            notes.append(f"{gone} of {len(group)} rows have volume 0 and count as tumor gone.")
        for index, weight in zip(group, self._body_weights(group), strict=True):
            if weight <= 0:
                place = self.table.where(index, "body_weight_g")
                notes.append(f"{place}: {weight:g} g is no body weight; not measured.")
        return tuple(notes)
