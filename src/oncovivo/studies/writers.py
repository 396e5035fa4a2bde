"""A study into a folder of its own, from which it reads back as it was."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from oncovivo.errors import InputError
from oncovivo.studies.folder import (
    ANIMAL_COLUMNS,
    ANIMALS_FILE,
    MEASUREMENTS_FILE,
    STUDY_FILE,
    TABLE_COLUMNS,
)
from oncovivo.studies.leaving import restore_animals
from oncovivo.studies.sheet import MISSING
from oncovivo.studies.study import Study
from oncovivo.tables import MEASUREMENT_COLUMNS
from oncovivo.texts import check_characters

__all__ = ["study_toml", "write_study"]

# Columns of measurements that a file always has; the others only where they hold something.
_ALWAYS: Final = ("animal_id", "day", "volume_mm3")


def write_study(study: Study, folder: Path | str, *, overwrite: bool = False) -> tuple[Path, ...]:
    """Write a study into a folder: ``study.toml``, its measurements, animals and other tables.

    Parameters
    ----------
    study : Study
        Any study; reading the folder back gives an equal one.
    folder : path-like
        Made where it does not exist.
    overwrite : bool
        Whether files of a study that are there already may be replaced.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InputError
        If the folder holds a study already, or a name of the study cannot stand in a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        expected = "a folder to write to"
        raise InputError(expected, found="a file", where=folder.name)
    files = {STUDY_FILE: study_toml(study), **_tables(study)}
    every = [STUDY_FILE, MEASUREMENTS_FILE, ANIMALS_FILE, *(f"{n}.csv" for n in TABLE_COLUMNS)]
    there = [name for name in every if (folder / name).exists()]
    if there and not overwrite:
        raise InputError(
            "a folder without a study",
            found=f"{there[0]} there already",
            where=folder.name,
            mend="name another folder, or allow its files to be replaced: --overwrite",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in there:
        if name not in files:
            (folder / name).unlink()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    return tuple(folder / name for name in files)


def study_toml(study: Study) -> str:
    """Text of the ``study.toml`` of a study.

    Parameters
    ----------
    study : Study
        Any study.

    Raises
    ------
    InputError
        If a text of the study cannot stand in a file.
    """
    needed = {
        "an id": (study.study_id,),
        "a title": (study.title,),
        "a name of its line": (study.line.name,),
        "a name of each arm": tuple(arm.name for arm in study.arms),
    }
    for what, texts in needed.items():
        if "" in texts:
            raise InputError(what, found="an empty text", where=f"study {study.study_id}")
    blocks = [
        _block(
            "",
            {
                "id": study.study_id,
                "title": study.title,
                "simulated": study.simulated or None,
                "randomized": study.randomized,
                "source": study.source,
                "licence": study.licence,
                "baseline_day": study.declared_baseline_day,
                "limit_mm3": study.limit_mm3,
                "zeros": study.zeros,
                "volume_formula": study.volume_formula,
                "notes": study.notes or None,
            },
        ),
        _block(
            "[line]",
            {
                "name": study.line.name,
                "tumor_type": study.line.tumor_type,
                "tumor_type_id": study.line.tumor_type_id,
                "rrid": study.line.rrid,
                "graft_type": study.line.graft_type,
                "site": study.line.site,
            },
        ),
    ]
    host = {
        name: getattr(study.host, name)
        for name in ("species", "strain", "rrid", "sex", "immune_status")
    }
    if any(value is not None for value in host.values()):
        blocks.append(_block("[host]", host))
    blocks += [
        _block(
            "[[arm]]",
            {
                "name": arm.name,
                "role": arm.role,
                "regimen": tuple(str(regimen) for regimen in arm.regimens) or None,
            },
        )
        for arm in study.arms
    ]
    return "\n".join(blocks)


def _block(heading: str, values: Mapping[str, object]) -> str:
    """A table of TOML; what is None is left out."""
    lines = [heading] if heading else []
    lines += [f"{key} = {_toml(value)}" for key, value in values.items() if value is not None]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value of TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        _check_text(value)
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float | int):
        return repr(float(value))
    if isinstance(value, Sequence):
        if len(value) == 1:
            return f"[{_toml(value[0])}]"
        return "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
    expected = "a text, a number or a list"
    raise InputError(expected, found=type(value).__name__)


def _tables(study: Study) -> dict[str, str]:
    """Text of each CSV file by its name; excluded animals stand there with their reason."""
    reasons = {e.animal.animal_id: e.reason for e in study.exclusions}
    study = restore_animals(study)
    table = study.measurements
    volumes = [
        _volume(volume, state)
        for volume, state in zip(table["volume_mm3"], table["volume_state"], strict=True)
    ]
    columns: dict[str, list[str]] = {}
    for name in MEASUREMENT_COLUMNS:
        if name == "volume_state":
            continue
        if name == "volume_mm3":
            columns[name] = volumes
        elif name in _ALWAYS or table[name].notna().any():
            columns[name] = _cells(table[name])
    animals = {
        name: [_cell(getattr(animal, name)) for animal in study.animals] for name in ANIMAL_COLUMNS
    }
    if reasons:
        animals["exclusion"] = [_cell(reasons.get(a.animal_id)) for a in study.animals]
    files = {MEASUREMENTS_FILE: _csv(columns), ANIMALS_FILE: _csv(animals)}
    for name, frame in study.tables.frames():
        files[f"{name}.csv"] = _csv({column: _cells(frame[column]) for column in frame.columns})
    return files


def _volume(volume: float, state: str) -> str:
    """A volume as a file has it."""
    if state == "below_limit":
        return f"<{_number(volume)}"
    return _number(volume)


def _cells(column: pd.Series) -> list[str]:
    """Cells of a column."""
    return [_cell(value) for value in column.tolist()]


def _cell(value: object) -> str:
    """Text of a cell: numbers as the shortest text that reads back to them."""
    if value is None:
        return ""
    if isinstance(value, float | int):
        return _number(float(value))
    text = str(value)
    _check_text(text)
    if text in MISSING and text:
        expected = "a text other than NA, which a file has for what is missing"
        raise InputError(expected, found=repr(text))
    if text != text.strip():
        expected = "a text without outer white space"
        raise InputError(expected, found=repr(text))
    return text


def _number(value: float) -> str:
    """A number as the shortest text that reads back to it, blank where it is missing."""
    return "" if math.isnan(value) else repr(value).removesuffix(".0")


def _check_text(text: str) -> None:
    """Refuse characters that no file of a study may hold."""
    check_characters(text, where="a text of the study")


def _csv(columns: Mapping[str, list[str]]) -> str:
    """Comma-separated text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    rows: Iterable[tuple[str, ...]] = zip(*columns.values(), strict=True)
    writer.writerows(rows)
    return text.getvalue()
