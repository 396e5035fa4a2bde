"""The curves of a panel in memory: labels of animals, and their readings as flat arrays.

A panel is not a study of studies: it holds what response needs and nothing else, so that a
million curves fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.endpoints.curves import BoolArray, FloatArray, IntArray, Readings, anchor
from oncovivo.errors import DataError

if TYPE_CHECKING:
    from oncovivo.studies import Study

__all__ = ["LABELS", "Panel"]

TextArray: TypeAlias = NDArray[np.object_]

# Study, xenograft line ("model" in the files of the field), its tumor type, arm and animal.
LABELS: Final[tuple[str, ...]] = ("study", "model", "tumor_type", "treatment", "animal_id")
_NEEDED: Final[tuple[str, ...]] = ("animal_id", "treatment", "day", "volume_mm3")
# Share of a line's animals that a day needs to serve as baseline when nobody named one.
BASELINE_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Curves of n animals of many lines.

    Parameters
    ----------
    labels : dict of str to ndarray of str, shape (n,)
        By the names in ``LABELS``.
    end_reason : ndarray of str, shape (n,)
        Why each animal was followed no longer.
    own_baseline_day : ndarray, shape (n,)
        Baseline day that a study declares for the animal, NaN where it does not.
    animal : ndarray of int, shape (m,)
        Number of the animal of each reading.
    day, volume : ndarray, shape (m,)
        Study day and volume, mm³; 0 where the tumor is gone, NaN where it was not measured.
    below : ndarray of bool, shape (m,)
        Whether a volume is only an upper bound.
    simulated : bool
        Whether numbers come from a simulation.
    """

    labels: dict[str, TextArray]
    end_reason: TextArray
    own_baseline_day: FloatArray
    animal: IntArray
    day: FloatArray
    volume: FloatArray
    below: BoolArray
    simulated: bool = False

    @property
    def n(self) -> int:
        """Number of animals."""
        return int(self.end_reason.size)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Panel:
        """Panel of a data frame in the long layout.

        Parameters
        ----------
        frame : DataFrame
            One row for each animal and day, in any order: ``animal_id``, ``treatment``, ``day``,
            ``volume_mm3`` (0 where the tumor is gone, missing where it was not measured), and
            where there are several ``study``, ``model``, ``tumor_type``; ``volume_state`` may say
            which volumes are limits.

        Raises
        ------
        DataError
            If a column is missing, a number cannot be used, an animal has two rows on a day, or is
            in two arms or of two tumor types.

        Examples
        --------
        >>> frame = pd.DataFrame(
        ...     {"animal_id": "a", "treatment": "drug", "day": [0, 12], "volume_mm3": [200, 90]}
        ... )
        >>> Panel.from_frame(frame).n
        1
        """
        missing = [name for name in _NEEDED if name not in frame.columns]
        if missing:
            expected = "the columns " + ", ".join(_NEEDED)
            raise DataError(expected, found=f"no {missing[0]}", where="panel")
        if frame.empty:
            expected = "rows"
            raise DataError(expected, found="none", where="panel")
        day, volume = _numbers(frame, "day"), _numbers(frame, "volume_mm3")
        _refuse(np.isnan(day), "a day", frame, "day")
        _refuse(volume < 0, "a volume of zero or more", frame, "volume_mm3")
        text = {name: _text(frame, name) for name in LABELS}
        animal, _ = _numbered(text["study"], text["model"], text["animal_id"])
        first = np.full(int(animal.max()) + 1, -1, dtype=np.intp)
        first[animal[::-1]] = np.arange(animal.size)[::-1]
        for name in ("treatment", "tumor_type"):
            strange = text[name] != text[name][first][animal]
            _refuse(strange, f"one {name} for each animal", frame, name)
        order = np.lexsort((day, animal))
        again = np.zeros(animal.size, dtype=bool)
        again[order[1:]] = (np.diff(animal[order]) == 0) & (np.diff(day[order]) == 0)
        _refuse(again, "each animal once on a day", frame, "day")
        state = frame["volume_state"] if "volume_state" in frame.columns else None
        return cls(
            labels={name: values[first] for name, values in text.items()},
            end_reason=np.full(first.size, "unknown", dtype=object),
            own_baseline_day=np.full(first.size, np.nan),
            animal=animal.astype(np.intp),
            day=day,
            volume=volume,
            below=np.zeros(animal.size, dtype=bool)
            if state is None
            else (state == "below_limit").to_numpy(dtype=bool),
        )

    @classmethod
    def from_studies(cls, studies: Sequence[Study]) -> Panel:
        """Panel of studies, each of one xenograft line.

        Parameters
        ----------
        studies : sequence of Study
            At least one.

        Raises
        ------
        DataError
            If there is none.
        """
        if not studies:
            expected = "at least one study"
            raise DataError(expected, where="panel")
        members = [(study, animal) for study in studies for animal in study.animals]
        labels = {
            "study": [_study_label(study) for study, _ in members],
            "model": [study.line.name for study, _ in members],
            "tumor_type": [study.line.tumor_type or "" for study, _ in members],
            "treatment": [animal.arm for _, animal in members],
            "animal_id": [animal.animal_id for _, animal in members],
        }
        numbers: list[IntArray] = []
        days: list[FloatArray] = []
        volumes: list[FloatArray] = []
        below: list[BoolArray] = []
        begin = 0
        for study in studies:
            number = {a.animal_id: begin + i for i, a in enumerate(study.animals)}
            begin += len(number)
            table = study.measurements
            numbers.append(np.array([number[name] for name in table["animal_id"]], dtype=np.intp))
            days.append(table["day"].to_numpy(dtype=np.float64))
            volumes.append(table["volume_mm3"].to_numpy(dtype=np.float64))
            below.append((table["volume_state"] == "below_limit").to_numpy(dtype=bool))
        return cls(
            labels={name: np.array(values, dtype=object) for name, values in labels.items()},
            end_reason=np.array([animal.end_reason for _, animal in members], dtype=object),
            own_baseline_day=np.array(
                [_declared_day(study, animal.baseline_day) for study, animal in members]
            ),
            animal=np.concatenate(numbers),
            day=np.concatenate(days),
            volume=np.concatenate(volumes),
            below=np.concatenate(below),
            simulated=any(study.simulated for study in studies),
        )

    def line(self) -> tuple[IntArray, int]:
        """Number of each animal's line within its study, shape (n,), and how many lines."""
        return _numbered(self.labels["study"], self.labels["model"])

    def baseline_days(self, day: float | None = None) -> tuple[FloatArray, BoolArray]:
        """Study day that each animal's changes refer to, and whether it had to be guessed.

        What the study declares for the animal or as a whole comes after `day`, and before the
        first day on which at least 80 % of the line's animals have a reading. Where a line has no
        such day, the first of those with the most readings is taken.

        Parameters
        ----------
        day : float, optional
            Study day on which treatment began, for all lines.

        Returns
        -------
        day : ndarray, shape (n,)
            Study days.
        guessed : ndarray of bool, shape (n,)
            Whether the line has no day with readings of 80 % of its animals.
        """
        if day is not None:
            return np.full(self.n, float(day)), np.zeros(self.n, dtype=bool)
        line, n_lines = self.line()
        read = ~np.isnan(self.volume)
        days, place = np.unique(self.day[read], return_inverse=True)
        cell = line[self.animal[read]] * days.size + place
        cells, count = np.unique(cell, return_counts=True)
        of_line, at = np.divmod(cells, max(days.size, 1))
        size = np.bincount(line, minlength=n_lines)
        enough = count >= np.ceil(BASELINE_SHARE * size[of_line] - 1e-9)
        most = np.zeros(n_lines, dtype=count.dtype)
        np.maximum.at(most, of_line, count)
        guessed = np.ones(n_lines, dtype=bool)
        guessed[of_line[enough]] = False
        usable = np.where(guessed[of_line], count == most[of_line], enough)
        # Cells rise by line and day; writing them backwards leaves each line's first one.
        chosen = np.full(n_lines, np.nan)
        chosen[of_line[usable][::-1]] = days[at[usable]][::-1]
        own = self.own_baseline_day
        declared = ~np.isnan(own)
        return np.where(declared, own, chosen[line]), guessed[line] & ~declared

    def readings(self, baseline_day: FloatArray) -> Readings:
        """Readings from each animal's baseline on, days counted from its baseline day.

        Parameters
        ----------
        baseline_day : ndarray, shape (n,)
            From :meth:`baseline_days`.
        """
        return anchor(
            self.animal,
            self.day,
            self.volume,
            self.below,
            n=self.n,
            baseline_day=np.where(np.isnan(baseline_day), 0.0, baseline_day),
        )


def _numbered(*labels: TextArray) -> tuple[IntArray, int]:
    """Number of each combination of labels, in the order of their first appearance."""
    number = np.zeros(labels[0].size, dtype=np.int64)
    n = 1
    for values in labels:
        codes, names = pd.factorize(values)
        number, distinct = pd.factorize(number * max(len(names), 1) + codes)
        n = len(distinct)
    return number.astype(np.intp), n


def _study_label(study: Study) -> str:
    """Name of the study without the line, which readers add where a study has several."""
    return study.study_id.removesuffix(f"/{study.line.name}")


def _declared_day(study: Study, own: float | None) -> float:
    """Baseline day that the study or the animal states, NaN where neither does."""
    day = own if own is not None else study.declared_baseline_day
    return math.nan if day is None else float(day)


def _numbers(frame: pd.DataFrame, column: str) -> FloatArray:
    """A column of finite numbers, NaN where missing."""
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
    lost = np.isnan(values) & frame[column].notna().to_numpy(dtype=bool)
    _refuse(lost | np.isinf(values), "a finite number", frame, column)
    return values


def _text(frame: pd.DataFrame, column: str) -> TextArray:
    """A column of labels, empty where missing or absent."""
    if column not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    values = frame[column].astype(object)
    if pd.api.types.infer_dtype(values, skipna=False) != "string":
        values = values.where(values.notna(), "").map(str)
    text: TextArray = values.to_numpy(dtype=object)
    if column in _NEEDED:
        _refuse(text == "", f"a value in {column}", frame, column)
    return text


def _refuse(bad: BoolArray, expected: str, frame: pd.DataFrame, column: str) -> None:
    """Raise for the first bad row."""
    rows = np.flatnonzero(bad)
    if rows.size:
        at = int(rows[0])
        raise DataError(
            expected,
            found=f"'{frame[column].iloc[at]}'",
            where=f"panel row {at + 1} (counted from 1, without the header), column {column}",
        )
