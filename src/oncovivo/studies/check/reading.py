"""Rows to check, from a study or leniently from a file."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, cast

import numpy as np

from oncovivo.errors import DataError, FileFormatError, InputError, ProjectError
from oncovivo.studies.caliper import caliper_volume
from oncovivo.studies.check.model import CheckOptions
from oncovivo.studies.check.rows import (
    BadCell,
    FileRows,
    FloatArray,
    IntArray,
    StudyRows,
    TextArray,
)
from oncovivo.studies.columns import CANONICAL, ColumnMapping
from oncovivo.studies.dates import looks_like_date
from oncovivo.studies.delimited import read_delimited, read_text_sheet
from oncovivo.studies.layout import Layout, LongSheet, find_layout, to_long
from oncovivo.studies.readers import TEXT_SUFFIXES, read_long_sheets, read_with_mapping
from oncovivo.studies.sheet import MISSING, LongTable, Sheet
from oncovivo.studies.study import Role, Study
from oncovivo.units import convert

__all__ = ["read_file_rows", "rows_of_study"]

STUDY_FILE: Final = "study.toml"
MEASUREMENTS_FILE: Final = "measurements.csv"
ANIMALS_FILE: Final = "animals.csv"
DEATH: Final = re.compile(r"dead|death|died|euthan|sacrific|culled", re.IGNORECASE)
NO_LINE: Final = "not stated"
NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def rows_of_study(study: Study, options: CheckOptions | None = None) -> StudyRows:
    """The measurements of a study as rows to check.

    Parameters
    ----------
    study : Study
        Whole: its own selection has been made.
    options : CheckOptions, optional
        Control, baseline day and the meaning of zeros are taken from it.
    """
    options = options or CheckOptions()
    table = study.measurements
    n = len(table)
    animals = {animal.animal_id: animal for animal in study.animals}
    ids = table["animal_id"].tolist()
    volume = table["volume_mm3"].to_numpy(dtype=np.float64)
    area = (
        table["area_mm2"].to_numpy(dtype=np.float64)
        if "area_mm2" in table.columns
        else np.full(n, np.nan)
    )
    is_area = bool(np.isnan(volume).all() and not np.isnan(area).all())
    size = area if is_area else volume
    state = _texts(table["volume_state"].tolist())
    if is_area:
        state = _texts(
            ["not_measured" if np.isnan(v) else "gone" if v == 0 else "measured" for v in size]
        )
    ends = {name: animal.end_day for name, animal in animals.items()}
    length, width, weight = _as_found(study)
    baseline = options.baseline_day
    return StudyRows(
        study=study.study_id,
        line=study.line.name,
        wording=_wording(study.study_id, study.title, study.line.name, study.line.tumor_type),
        row=None,
        position=np.arange(n, dtype=np.int64),
        animal=_texts(ids),
        arm=_texts(animals[name].arm for name in ids),
        cage=_texts(animals[name].cage or "" for name in ids),
        cohort=_texts([""] * n),
        day=table["day"].to_numpy(dtype=np.float64),
        size=size,
        state=state,
        quantity="area" if is_area else "volume",
        has_area=bool(np.isfinite(area).any()),
        from_diameters=study.volume_formula is not None,
        length=length,
        width=width,
        depth=table["depth_mm"].to_numpy(dtype=np.float64),
        weight=weight,
        dosing_start=np.full(n, np.nan),
        end_day=_with_deaths(ends, study),
        end_reason=MappingProxyType(
            {a.animal_id: a.end_reason for a in study.animals if a.end_reason != "unknown"}
        ),
        roles=_roles(study),
        species=study.host.species,
        simulated=study.simulated,
        control=options.control,
        baseline_day_stated=study.declared_baseline_day if baseline is None else baseline,
        zeros=options.zeros or study.zeros,
        study_object=study,
    )


def _as_found(study: Study) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Length, width and body weight as the file had them, before a reader set them right."""
    table = study.measurements
    found = [
        table[name].to_numpy(dtype=np.float64, copy=True)
        for name in ("length_mm", "width_mm", "body_weight_g")
    ]
    changes = study.changes
    place = {
        key: index for index, key in enumerate(zip(table["animal_id"], table["day"], strict=True))
    }
    for animal, day, text, reason in zip(
        changes["animal_id"], changes["day"], changes["found"], changes["reason"], strict=True
    ):
        index = place.get((animal, day))
        if index is None:
            continue
        if reason == "length_below_width":
            found[0][index], found[1][index] = found[1][index], found[0][index]
        elif reason == "not_a_body_weight":
            found[2][index] = float(text.replace(",", "."))
    return found[0], found[1], found[2]


def _with_deaths(ends: Mapping[str, float], study: Study) -> Mapping[str, float]:
    """Last days of follow-up, cut at a death among the study's events."""
    events = study.events
    days = dict(ends)
    for animal, day, event in zip(
        events["animal_id"], events["day"], events["event"], strict=True
    ):
        if DEATH.search(str(event)):
            days[str(animal)] = min(float(day), days.get(str(animal), math.inf))
    return MappingProxyType(days)


def read_file_rows(path: Path, options: CheckOptions) -> FileRows:
    """Rows of a file as they stand; what no study can hold is kept.

    Raises
    ------
    FileFormatError
        If the file as a whole cannot be read, or is no table of tumor sizes by animal and day.
    InputError
        If the options name a study, a line or an arm that the file does not have.
    """
    if path.name == STUDY_FILE:
        path = path.parent
    studies, refusal = _read_strictly(path, options)
    tables = _long_rows(path, options, several=refusal is not None)
    if tables:
        label = path.stem if path.is_file() else path.resolve().name
        animals = _stated_animals(path)
        parts = [
            _rows_of_table(table, options, studies, label=label, stated=animals)
            for table in tables
        ]
        file = FileRows(
            file=path.name,
            unread=tuple(dict.fromkeys(h for table in tables for h in table.long.mapping.unread)),
            studies=tuple(rows for part in parts for rows in part),
            refusal="" if refusal is None else str(refusal),
        )
    elif refusal is not None:
        raise refusal
    else:
        made = tuple(rows_of_study(study, options) for study in studies)
        file = FileRows(file=path.name, unread=(), studies=made)
    return replace(file, studies=_selected(file.studies, options, path.name))


def _read_strictly(
    path: Path, options: CheckOptions
) -> tuple[tuple[Study, ...], ProjectError | None]:
    """The studies of a file, or why there are none."""
    try:
        return read_with_mapping(path, options.reading).studies, None
    except (FileFormatError, DataError, InputError) as refusal:
        return (), refusal


def _long_rows(path: Path, options: CheckOptions, *, several: bool) -> tuple[_LongRows, ...]:
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
        tables = [_LongRows(long=to_long(sheet, layout), options=options, extra=(sheet, layout))]
    else:
        sheets = read_long_sheets(path, options.reading)
        if len(sheets) > 1 and not several:
            return ()
        tables = [_LongRows(long=long, options=options) for long in sheets]
    sized = ({"volume_mm3"}, {"area_mm2"}, {"length_mm", "width_mm"})
    return tuple(
        table
        for table in tables
        if {"animal_id", "day"} <= table.table.texts.keys()
        and any(names <= table.table.texts.keys() for names in sized)
        and not any(looks_like_date(text) for text in table.table.texts["day"][:1])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _StatedAnimals:
    """What ``animals.csv`` of a study folder says."""

    arm: Mapping[str, str]
    cage: Mapping[str, str]
    end_day: Mapping[str, float]
    end_reason: Mapping[str, str]


def _stated_animals(path: Path) -> _StatedAnimals | None:
    """Animals of a study folder, None when there is no list of them."""
    file = path / ANIMALS_FILE
    if not path.is_dir() or not file.is_file():
        return None
    table = _LongRows.of_columns(read_delimited(file, decimal_columns=("end_day",)))
    animal = table.texts("animal_id")
    return _StatedAnimals(
        arm=_first_text(animal, table.texts("arm")),
        cage=_first_text(animal, table.texts("cage")),
        end_day=_last_number(animal, table.numbers("end_day")),
        end_reason=_first_text(animal, table.texts("end_reason")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LongRows:
    """A table with one row per animal and day, its cells read one by one."""

    long: LongSheet
    options: CheckOptions
    extra: tuple[Sheet, Layout] | None = None
    bad: list[BadCell] = field(default_factory=list)

    @classmethod
    def of_columns(cls, table: LongTable) -> _LongRows:
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
            return _texts([""] * self.n)
        if required:
            self.bad.extend(
                BadCell(index=index, column=name, text="", kind="blank")
                for index, cell in enumerate(cells)
                if not cell
            )
        return _texts(cells)

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
        states = _texts(["not_measured"] * self.n)
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


def _rows_of_table(
    long: _LongRows,
    options: CheckOptions,
    studies: tuple[Study, ...],
    *,
    label: str,
    stated: _StatedAnimals | None,
) -> tuple[StudyRows, ...]:
    """Rows of a long table, by study and line."""
    table = long.table
    labels = _filled(long.texts("study"), label)
    lines = _filled(long.texts("model"), NO_LINE)
    animal = long.texts("animal_id", required=True)
    if stated is not None and "treatment" not in table.texts:
        arm = _texts(stated.arm.get(str(name), "") for name in animal)
    elif "treatment" in table.texts:
        arm = long.texts("treatment", required=True)
    else:
        expected = "a column 'treatment' or 'arm'"
        raise FileFormatError(expected, found="neither", where=table.place)
    end_reason = long.texts("end_reason")
    tumor_type = long.texts("tumor_type")
    day = long.numbers("day", required=True)
    length, width = long.numbers("length_mm"), long.numbers("width_mm")
    depth, weight = long.numbers("depth_mm"), long.numbers("body_weight_g")
    dosing_start = long.numbers("drug_start_day")
    end_day = long.numbers("end_day")
    sizes = _sizes(long, length, width)
    cage = long.texts("cage")
    if stated is not None and "cage" not in table.texts:
        cage = _texts(stated.cage.get(str(name), "") for name in animal)
    cohort = long.texts("cohort")
    bad = _by_row(long.bad)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(zip(labels, lines, strict=True)):
        groups.setdefault(key, []).append(index)
    per_label = Counter(name for name, _ in groups)
    by_key = {(_label(study), study.line.name): study for study in studies}
    made: list[StudyRows] = []
    for (name, line), members in groups.items():
        at = np.array(members, dtype=np.int64)
        study = by_key.get((name, line))
        if study is None and stated is not None and len(studies) == 1:
            study = studies[0]
        names = animal[at]
        if long.long.animal_by_row:
            names = _told_apart(names, arm[at])
        rows = StudyRows(
            study=name if per_label[name] == 1 else f"{name}/{line}",
            line=line,
            wording=_wording(name, line, *sorted(set(tumor_type[at]))),
            row=table.row_numbers[at],
            position=np.arange(len(at), dtype=np.int64),
            size=sizes.size[at],
            state=sizes.state[at],
            quantity=sizes.quantity,
            from_diameters=sizes.from_diameters,
            has_area="area_mm2" in table.texts,
            animal=names,
            arm=arm[at],
            cage=cage[at],
            cohort=cohort[at],
            day=day[at],
            length=length[at],
            width=width[at],
            depth=depth[at],
            weight=weight[at],
            dosing_start=dosing_start[at],
            end_day=stated.end_day if stated else _last_number(names, end_day[at]),
            end_reason=(stated.end_reason if stated else _first_text(names, end_reason[at])),
            control=options.control,
            baseline_day_stated=options.baseline_day,
            zeros=options.zeros,
            bad_cells=_bad_cells(at, bad),
        )
        made.append(rows if study is None else _with_study(rows, study))
    return tuple(made)


def _with_study(rows: StudyRows, study: Study) -> StudyRows:
    """The rows with what the study itself says."""
    stated = study.declared_baseline_day
    return replace(
        rows,
        study=study.study_id,
        line=study.line.name,
        wording=_wording(rows.wording, study.study_id, study.title, study.line.name),
        roles=_roles(study),
        species=study.host.species,
        simulated=study.simulated,
        end_day=_with_deaths(
            {animal.animal_id: animal.end_day for animal in study.animals} | dict(rows.end_day),
            study,
        ),
        baseline_day_stated=(
            stated if rows.baseline_day_stated is None else rows.baseline_day_stated
        ),
        zeros=rows.zeros or study.zeros,
        study_object=study,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """Volumes or areas, what they are, and their states."""

    size: FloatArray
    state: TextArray
    quantity: Literal["volume", "area"]
    from_diameters: bool = False


def _sizes(long: _LongRows, length: FloatArray, width: FloatArray) -> _Sizes:
    """Volumes, else ½LW² of the diameters, else areas."""
    if "volume_mm3" in long.table.texts:
        size, state = long.sizes("volume_mm3")
        return _Sizes(size=size, state=state, quantity="volume")
    if np.isfinite(length + width).any():
        with np.errstate(over="ignore", under="ignore"):
            size = caliper_volume(length, width)
        state = _texts("not_measured" if np.isnan(v) else "measured" for v in size)
        state[size == 0] = "gone"
        return _Sizes(size=size, state=state, quantity="volume", from_diameters=True)
    size, state = long.sizes("area_mm2")
    return _Sizes(size=size, state=state, quantity="area")


def _told_apart(animal: TextArray, arm: TextArray) -> TextArray:
    """Animals with their arm before the number, where numbers restart in every arm.

    As readers do where each row of the file is an animal, so that a number in two arms is two.
    """
    arms: dict[str, set[str]] = {}
    for name, label in zip(animal, arm, strict=True):
        arms.setdefault(str(name), set()).add(str(label))
    if all(len(found) == 1 for found in arms.values()):
        return animal
    return _texts(f"{label}|{name}" for name, label in zip(animal, arm, strict=True))


def _roles(study: Study) -> Mapping[str, Role]:
    """Roles of the arms that state one."""
    return MappingProxyType({a.name: a.role for a in study.arms if a.role != "not_stated"})


def _by_row(bad: list[BadCell]) -> dict[int, list[BadCell]]:
    """Bad cells by row."""
    found: dict[int, list[BadCell]] = {}
    for cell in bad:
        found.setdefault(cell.index, []).append(cell)
    return found


def _label(study: Study) -> str:
    """Label of a study without its line."""
    return study.study_id.removesuffix(f"/{study.line.name}")


def _selected(
    studies: tuple[StudyRows, ...], options: CheckOptions, file: str
) -> tuple[StudyRows, ...]:
    """Studies and arms that the options ask for."""
    for what, wanted, have in (
        ("study", options.study, [s.study for s in studies]),
        ("line", options.line, [s.line for s in studies]),
    ):
        plain = [label.split("/", maxsplit=1)[0] for label in have] if what == "study" else []
        if wanted is not None and wanted not in (*have, *plain):
            shown = ", ".join(list(dict.fromkeys(have))[:8])
            raise InputError(f"a {what} of the file: {shown}", found=repr(wanted), where=file)
    chosen = [
        rows
        for rows in studies
        if options.study in (None, rows.study, rows.study.removesuffix(f"/{rows.line}"))
        and options.line in (None, rows.line)
    ]
    if not options.arms:
        return tuple(chosen)
    known = {arm for rows in chosen for arm in rows.arms}
    for arm in options.arms:
        if arm not in known:
            shown = ", ".join(sorted(known)[:8])
            raise InputError(f"an arm of the file: {shown}", found=repr(arm), where=file)
    kept = (_with_arms(rows, options.arms) for rows in chosen)
    return tuple(rows for rows in kept if rows.n)


def _with_arms(rows: StudyRows, arms: tuple[str, ...]) -> StudyRows:
    """The rows of some arms."""
    keep = np.flatnonzero(np.isin(rows.arm, arms))
    place = {int(old): new for new, old in enumerate(keep)}
    arrays = {
        name: getattr(rows, name)[keep]
        for name in (
            "animal",
            "arm",
            "cage",
            "cohort",
            "day",
            "size",
            "state",
            "length",
            "width",
            "depth",
            "weight",
            "dosing_start",
            "position",
        )
    }
    return replace(
        rows,
        **arrays,
        row=None if rows.row is None else rows.row[keep],
        bad_cells=tuple(
            replace(cell, index=place[cell.index])
            for cell in rows.bad_cells
            if cell.index in place
        ),
        study_object=None,
    )


def _bad_cells(at: IntArray, by_row: Mapping[int, list[BadCell]]) -> tuple[BadCell, ...]:
    """Bad cells of some rows, counted within them."""
    if not by_row:
        return ()
    return tuple(
        replace(cell, index=place)
        for place, index in enumerate(at)
        for cell in by_row.get(int(index), ())
    )


def _last_number(animal: TextArray, values: FloatArray) -> Mapping[str, float]:
    """Largest of an animal's numbers; animals without one are left out."""
    found: dict[str, float] = {}
    for name, value in zip(animal, values, strict=True):
        if not np.isnan(value):
            found[str(name)] = max(float(value), found.get(str(name), -np.inf))
    return MappingProxyType(found)


def _first_text(animal: TextArray, values: TextArray) -> Mapping[str, str]:
    """First in alphabetical order of an animal's texts; animals without one are left out."""
    found: dict[str, str] = {}
    for name, text in zip(animal, values, strict=True):
        if text:
            found[str(name)] = min(str(text), found.get(str(name), str(text)))
    return MappingProxyType(found)


def _filled(texts: TextArray, blank: str) -> tuple[str, ...]:
    """Texts, with a word for empty ones."""
    return tuple(str(text) or blank for text in texts)


def _texts(texts: Iterable[str]) -> TextArray:
    """An array of texts."""
    return cast("TextArray", np.array(list(texts), dtype=object))


def _wording(*parts: str | None) -> str:
    """What names a study, as one text."""
    return " ".join(part for part in parts if part)
