"""Panels from files, without a study for each line where none is needed.

A long table whose cells need no reading beyond their numbers goes straight into a panel. All else
(workbooks of several sheets, calendar dates, numbers of animals that restart, reasons for leaving,
zeros that may be padding) takes the way through :class:`Study`, with the same
result.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from oncovivo.errors import DataError
from oncovivo.panels.panel import Panel
from oncovivo.studies.files import read_long_sheets, studies_of_sheets
from oncovivo.studies.folder import STUDY_FILE
from oncovivo.studies.padding import find_padding_zeros
from oncovivo.studies.readers import read_with_mapping
from oncovivo.studies.readings import ReadOptions, take_readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oncovivo.studies import Study
    from oncovivo.studies.readings import Readings

__all__ = ["read_panel"]

# What a line is called where the file does not say it, as in the readers of studies.
_NO_LINE = "not stated"


def read_panel(path: Path | str, options: ReadOptions | None = None) -> Panel:
    """Panel of a file or study folder.

    Parameters
    ----------
    path : path-like
        As for :func:`oncovivo.studies.read_study`.
    options : ReadOptions, optional
        What the user says about the file.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    DataError
        If rows contradict each other, or zeros may be padding.
    """
    path, options = Path(path), options or ReadOptions()
    if path.is_dir() or path.name == STUDY_FILE:
        return _of_studies(read_with_mapping(path, options).studies)
    sheets = read_long_sheets(path, options)
    if len(sheets) == 1:
        readings = take_readings(sheets[0], options)
        if _is_plain(readings):
            frame = readings.frame
            frame = frame.assign(
                study=frame["study"].where(frame["study"] != "", path.stem),
                model=frame["model"].where(frame["model"] != "", _NO_LINE),
            )
            if not _may_be_padded(frame) and not _contradicts(frame):
                return Panel.from_frame(frame)
    return _of_studies(studies_of_sheets(sheets, options, label=path.stem))


def _of_studies(studies: Sequence[Study]) -> Panel:
    """Panel of studies, once no zero of theirs may be padding."""
    for study in studies:
        if study.zeros is not None or not (study.measurements["volume_mm3"] == 0).any():
            continue
        padding = find_padding_zeros(study)
        if padding is not None:
            animal, day = padding.rows[0]
            raise DataError(
                "zeros that are known to be vanished tumors",
                found=f"{len(padding.rows)} that look like padding of a common grid of days",
                where=f"study {study.study_id}, animal {animal}, day {day:g}",
                mend="say whether zeros mean gone or missing",
            )
    return Panel.from_studies(studies)


def _is_plain(readings: Readings) -> bool:
    """Whether nothing but numbers and labels has to be read."""
    frame = readings.frame
    return bool(
        not frame["by_row"].any()
        and frame["ordinal"].isna().all()
        and frame["day"].notna().all()
        and frame["end_day"].isna().all()
        and (frame["end_reason"] == "").all()
        and (frame[["animal_id", "treatment"]] != "").all(axis=None)
    )


def _contradicts(frame: pd.DataFrame) -> bool:
    """Whether rows contradict each other: the readers of studies then say it with its place."""
    animal = ["study", "model", "animal_id"]
    of_animal = frame[[*animal, "treatment"]].drop_duplicates()
    of_line = frame[["study", "model", "tumor_type"]].drop_duplicates()
    return bool(
        of_animal.duplicated(animal).any()
        or of_line.duplicated(["study", "model"]).any()
        or frame.duplicated([*animal, "day"]).any()
    )


def _may_be_padded(frame: pd.DataFrame) -> bool:
    """Whether a line with zeros has an arm, or is as a whole, on one grid of days.

    A cheap look that errs on the side of yes; :func:`find_padding_zeros` then decides.
    """
    line = ["study", "model"]
    with_zeros = frame.loc[frame["volume_mm3"] == 0, line].drop_duplicates()
    if with_zeros.empty:
        return False
    part = frame.merge(with_zeros, on=line)
    part["square"] = np.square(part["day"])
    keys = [*line, "treatment", "animal_id"]
    # Animals with the same days have the same number, sum and sum of squares of days.
    grids = part.groupby(keys).agg(n=("day", "size"), a=("day", "sum"), b=("square", "sum"))
    grids = grids.reset_index()
    for group in ([*line, "treatment"], line):
        animals = grids.groupby(group).size()
        distinct = grids.drop_duplicates([*group, "n", "a", "b"]).groupby(group).size()
        if ((animals > 1) & (distinct == 1)).any():
            return True
    return False
