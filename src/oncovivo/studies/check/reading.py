"""Rows to check, from a study or leniently from a file."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from oncovivo.errors import DataError, FileFormatError, InputError, ProjectError
from oncovivo.studies.check.long_rows import (
    LongRows,
    StatedAnimals,
    array_of_texts,
    first_text,
    last_number,
    long_rows,
    sizes_of,
    stated_animals,
)
from oncovivo.studies.check.model import CheckOptions
from oncovivo.studies.check.rows import (
    BadCell,
    FileRows,
    FloatArray,
    IntArray,
    StudyRows,
    TextArray,
)
from oncovivo.studies.check.selecting import select_rows
from oncovivo.studies.readers import read_with_mapping
from oncovivo.studies.study import Role, Study

__all__ = ["read_file_rows", "rows_of_study"]

STUDY_FILE: Final = "study.toml"
DEATH: Final = re.compile(r"dead|death|died|euthan|sacrific|culled", re.IGNORECASE)
NO_LINE: Final = "not stated"


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
    state = array_of_texts(table["volume_state"].tolist())
    if is_area:
        state = array_of_texts(
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
        animal=array_of_texts(ids),
        arm=array_of_texts(animals[name].arm for name in ids),
        cage=array_of_texts(animals[name].cage or "" for name in ids),
        cohort=array_of_texts([""] * n),
        day=table["day"].to_numpy(dtype=np.float64),
        size=size,
        state=state,
        quantity="area" if is_area else "volume",
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
    tables = long_rows(path, options, several=refusal is not None)
    if tables:
        label = path.stem if path.is_file() else path.resolve().name
        animals = stated_animals(path)
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
    return replace(file, studies=select_rows(file.studies, options, path.name))


def _read_strictly(
    path: Path, options: CheckOptions
) -> tuple[tuple[Study, ...], ProjectError | None]:
    """The studies of a file, or why there are none."""
    try:
        return read_with_mapping(path, options.reading).studies, None
    except (FileFormatError, DataError, InputError) as refusal:
        return (), refusal


def _rows_of_table(
    long: LongRows,
    options: CheckOptions,
    studies: tuple[Study, ...],
    *,
    label: str,
    stated: StatedAnimals | None,
) -> tuple[StudyRows, ...]:
    """Rows of a long table, by study and line."""
    table = long.table
    labels = _filled(long.texts("study"), label)
    lines = _filled(long.texts("model"), NO_LINE)
    animal = long.texts("animal_id", required=True)
    if stated is not None and "treatment" not in table.texts:
        arm = array_of_texts(stated.arm.get(str(name), "") for name in animal)
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
    sizes = sizes_of(long, length, width)
    cage = long.texts("cage")
    if stated is not None and "cage" not in table.texts:
        cage = array_of_texts(stated.cage.get(str(name), "") for name in animal)
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
            end_day=stated.end_day if stated else last_number(names, end_day[at]),
            end_reason=(stated.end_reason if stated else first_text(names, end_reason[at])),
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


def _told_apart(animal: TextArray, arm: TextArray) -> TextArray:
    """Animals with their arm before the number, where numbers restart in every arm.

    As readers do where each row of the file is an animal, so that a number in two arms is two.
    """
    arms: dict[str, set[str]] = {}
    for name, label in zip(animal, arm, strict=True):
        arms.setdefault(str(name), set()).add(str(label))
    if all(len(found) == 1 for found in arms.values()):
        return animal
    return array_of_texts(f"{label}|{name}" for name, label in zip(animal, arm, strict=True))


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


def _bad_cells(at: IntArray, by_row: Mapping[int, list[BadCell]]) -> tuple[BadCell, ...]:
    """Bad cells of some rows, counted within them."""
    if not by_row:
        return ()
    return tuple(
        replace(cell, index=place)
        for place, index in enumerate(at)
        for cell in by_row.get(int(index), ())
    )


def _filled(texts: TextArray, blank: str) -> tuple[str, ...]:
    """Texts, with a word for empty ones."""
    return tuple(str(text) or blank for text in texts)


def _wording(*parts: str | None) -> str:
    """What names a study, as one text."""
    return " ".join(part for part in parts if part)
