"""The readings of one study as the growth models see them: log sizes in arrays.

Times count from the baseline day. Tumors that are gone and readings below the limit are upper
bounds: they carry the limit and a mark, and a model either treats them as censored or leaves them
out, which its result says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import arm_curves
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study

__all__ = ["GrowthData", "Measure", "growth_data", "growth_data_from_arrays"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Measure: TypeAlias = Literal["volume_mm3", "area_mm2"]

# Days come from files and from differences; closer than this they are the same day.
SAME_DAY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthData:
    """Log sizes of n animals with m readings in all, animal by animal and by day.

    Parameters
    ----------
    study_id, line : str
        Names of the study and of its xenograft line.
    measure : {"volume_mm3", "area_mm2"}
        What was measured.
    baseline_day : float
        Study day on which the clock starts.
    limit : float
        Smallest size that can be measured, in the unit of `measure`.
    arms : tuple of str
        In the order of the study; each has an animal.
    animal_ids : tuple of str
        In the order of the study; each has a reading.
    arm : ndarray of int, shape (n,)
        Number of each animal's arm.
    factors : mapping of str to tuple of str
        Labels of each animal by factor, such as ``cage``, ``batch`` or ``donor``.
    animal : ndarray of int, shape (m,)
        Number of each reading's animal, rising.
    day : ndarray, shape (m,)
        Study day.
    time : ndarray, shape (m,)
        Days since the animal's baseline, 0 or more.
    log_size : ndarray, shape (m,)
        Natural logarithm of the size; of the limit where the reading is below it.
    below_limit : ndarray of bool, shape (m,)
        Whether the reading is only an upper bound.
    notes : tuple of str
        What was left out, and why.
    """

    study_id: str
    line: str
    measure: Measure
    baseline_day: float
    limit: float
    arms: tuple[str, ...]
    animal_ids: tuple[str, ...]
    arm: IntArray
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    animal: IntArray
    day: FloatArray
    time: FloatArray
    log_size: FloatArray
    below_limit: BoolArray
    notes: tuple[str, ...] = ()

    @property
    def n_animals(self) -> int:
        """Number of animals."""
        return len(self.animal_ids)

    @property
    def n_observations(self) -> int:
        """Number of readings."""
        return self.time.size

    @property
    def readings(self) -> IntArray:
        """Readings of each animal, shape (n,)."""
        return np.bincount(self.animal, minlength=self.n_animals)

    @property
    def log_baseline(self) -> FloatArray:
        """Log size at time 0, shape (n,); NaN where it is missing or below the limit."""
        start = np.full(self.n_animals, np.nan)
        known = (self.time <= SAME_DAY) & ~self.below_limit
        start[self.animal[known]] = self.log_size[known]
        return start

    def arm_number(self, name: str) -> int:
        """Number of an arm.

        Raises
        ------
        InputError
            If no animal is in such an arm.
        """
        if name not in self.arms:
            expected = "an arm with readings: " + ", ".join(self.arms)
            raise InputError(expected, found=repr(name), where=f"study {self.study_id}")
        return self.arms.index(name)

    def animals_of(self, arm: int) -> IntArray:
        """Numbers of the animals of an arm."""
        return np.flatnonzero(self.arm == arm)

    def select(self, rows: BoolArray, *, note: str = "") -> GrowthData:
        """Some of the readings; animals and arms without one are left out.

        Parameters
        ----------
        rows : ndarray of bool, shape (m,)
            Readings to keep.
        note : str
            What is said of the others.

        Raises
        ------
        DataError
            If none is left.
        """
        if not rows.any():
            expected = "a reading that can enter the model"
            raise DataError(expected, found="none", where=f"study {self.study_id}")
        animals, animal = np.unique(self.animal[rows], return_inverse=True)
        arms, arm = np.unique(self.arm[animals], return_inverse=True)
        return replace(
            self,
            arms=tuple(self.arms[index] for index in arms),
            animal_ids=tuple(self.animal_ids[index] for index in animals),
            arm=arm,
            factors={
                name: tuple(labels[index] for index in animals)
                for name, labels in self.factors.items()
            },
            animal=animal,
            day=self.day[rows],
            time=self.time[rows],
            log_size=self.log_size[rows],
            below_limit=self.below_limit[rows],
            notes=(*self.notes, note) if note else self.notes,
        )

    def without_animals(self, animal_ids: Sequence[str]) -> GrowthData:
        """The readings of all other animals.

        Raises
        ------
        InputError
            If a name is no animal's.
        """
        for name in animal_ids:
            if name not in self.animal_ids:
                expected = "an animal with readings"
                raise InputError(expected, found=repr(name), where=f"study {self.study_id}")
        gone = np.isin(np.array(self.animal_ids, dtype=object), list(animal_ids))
        return self.select(~gone[self.animal])

    def without_below_limit(self) -> GrowthData:
        """The readings that are numbers; what is gone or below the limit is left out."""
        count = int(self.below_limit.sum())
        if not count:
            return self
        note = f"{count} readings that are gone or below {self.limit:.3g} were left out"
        return self.select(~self.below_limit, note=note)


def growth_data(
    study: Study,
    *,
    baseline_day: float | None = None,
    factors: Mapping[str, Mapping[str, str]] | None = None,
) -> GrowthData:
    """The readings of a study from the baseline on.

    Parameters
    ----------
    study : Study
        Volumes, or areas where it has no volumes.
    baseline_day : float, optional
        Study day on which the clock starts; else as :meth:`Study.find_baseline_day` has it. An
        animal's own baseline day comes first.
    factors : mapping of str to mapping, optional
        More factors of the animals: name of the factor, then label by animal. ``cage`` is known
        from the study.

    Raises
    ------
    DataError
        If no reading can enter.
    InputError
        If a factor lacks an animal.
    """
    start = study.find_baseline_day(baseline_day).day
    curves = arm_curves(study, baseline_day=start)
    ids: list[str] = []
    arm: list[int] = []
    parts: list[tuple[IntArray, FloatArray, FloatArray, FloatArray, BoolArray]] = []
    early = 0
    empty: list[str] = []
    limit = min((c.limit for c in curves.values() if math.isfinite(c.limit)), default=math.inf)
    for number, curve in enumerate(curves.values()):
        inside = curve.window()
        early += int((~np.isnan(curve.day) & ~inside).sum())
        for row, name in enumerate(curve.animal_ids):
            use = inside[row]
            if not use.any():
                empty.append(name)
                continue
            index = np.full(int(use.sum()), len(ids), dtype=np.intp)
            size = np.where(curve.lifted[row], curve.limit, curve.size[row])[use]
            parts.append(
                (
                    index,
                    curve.day[row][use],
                    np.maximum(curve.elapsed[row][use], 0.0),
                    np.log(size),
                    curve.lifted[row][use],
                )
            )
            ids.append(name)
            arm.append(number)
    if not parts:
        expected = f"a reading on or after day {start:g}, the baseline"
        raise DataError(expected, found="none", where=f"study {study.study_id}")
    notes = []
    if early:
        notes.append(f"{early} readings before day {start:g}, the baseline, are not used")
    if empty:
        listed = ", ".join(empty[:5]) + (", …" if len(empty) > 5 else "")
        notes.append(f"{len(empty)} animals have no reading from the baseline on: {listed}")
    labels = _labels(ids, {**_cages(study), **(factors or {})}, where=f"study {study.study_id}")
    used = sorted(set(arm))
    names = list(curves)
    if len(used) < len(names):
        missing = ", ".join(name for index, name in enumerate(names) if index not in used)
        notes.append(f"arms without readings from the baseline on: {missing}")
    return GrowthData(
        study_id=study.study_id,
        line=study.line.name,
        measure="area_mm2" if study.area_only else "volume_mm3",
        baseline_day=start,
        limit=limit,
        arms=tuple(names[index] for index in used),
        animal_ids=tuple(ids),
        arm=np.searchsorted(used, arm).astype(np.intp),
        factors=labels,
        animal=np.concatenate([part[0] for part in parts]),
        day=np.concatenate([part[1] for part in parts]),
        time=np.concatenate([part[2] for part in parts]),
        log_size=np.concatenate([part[3] for part in parts]),
        below_limit=np.concatenate([part[4] for part in parts]),
        notes=tuple(notes),
    )


def growth_data_from_arrays(
    *,
    arm: Sequence[str],
    animal_id: Sequence[str],
    time: FloatArray,
    log_size: FloatArray,
    below_limit: BoolArray | None = None,
    limit: float | None = None,
    factors: Mapping[str, Mapping[str, str]] | None = None,
    name: str = "arrays",
) -> GrowthData:
    """Readings that come as arrays, one entry each, in any order.

    Parameters
    ----------
    arm, animal_id : sequence of str, length m
        Arm and animal of each reading.
    time : ndarray, shape (m,)
        Days since the baseline.
    log_size : ndarray, shape (m,)
        Natural logarithm of the size, mm³; of the limit where below it.
    below_limit : ndarray of bool, shape (m,), optional
        Readings that are upper bounds; none without it.
    limit : float, optional
        Smallest size that can be measured; else the smallest of the readings.
    factors : mapping of str to mapping, optional
        Label by animal, for each factor.
    name : str
        What the study is called.

    Raises
    ------
    InputError
        If the arrays do not fit each other, or a number is not finite.
    DataError
        If an animal is in two arms, or has two readings at one time.

    Examples
    --------
    >>> data = growth_data_from_arrays(
    ...     arm=["vehicle", "vehicle"],
    ...     animal_id=["m1", "m1"],
    ...     time=np.array([0.0, 7.0]),
    ...     log_size=np.log([100.0, 200.0]),
    ... )
    >>> data.n_animals, data.n_observations
    (1, 2)
    """
    size = len(arm)
    if not size or len(animal_id) != size or time.shape != (size,) or log_size.shape != (size,):
        expected = "as many arms, animals, times and log sizes as there are readings, at least one"
        found = (
            f"{size} arms, {len(animal_id)} animals, times {time.shape}, sizes {log_size.shape}"
        )
        raise InputError(expected, found=found)
    if not (np.isfinite(time).all() and np.isfinite(log_size).all()):
        expected = "finite times and log sizes"
        raise InputError(expected, found="NaN or infinite")
    below = np.zeros(size, dtype=bool) if below_limit is None else below_limit
    ids = tuple(dict.fromkeys(animal_id))
    arms = tuple(dict.fromkeys(arm))
    arm_of: dict[str, str] = {}
    for who, group in zip(animal_id, arm, strict=True):
        if arm_of.setdefault(who, group) != group:
            expected = "each animal in one arm"
            raise DataError(
                expected, found=f"'{arm_of[who]}' and '{group}'", where=f"animal {who}"
            )
    place = {who: index for index, who in enumerate(ids)}
    animal = np.array([place[who] for who in animal_id], dtype=np.intp)
    order = np.lexsort((time, animal))
    animal, time = animal[order], time[order]
    twice = np.flatnonzero((np.diff(animal) == 0) & (np.diff(time) <= SAME_DAY))
    if twice.size:
        expected = "one reading per animal and time"
        found = f"two at time {time[twice[0]]:g}"
        raise DataError(expected, found=found, where=f"animal {ids[animal[twice[0]]]}")
    return GrowthData(
        study_id=name,
        line=name,
        measure="volume_mm3",
        baseline_day=0.0,
        limit=float(np.exp(log_size.min())) if limit is None else limit,
        arms=arms,
        animal_ids=ids,
        arm=np.array([arms.index(arm_of[who]) for who in ids], dtype=np.intp),
        factors=_labels(ids, factors or {}, where=name),
        animal=animal,
        day=time.copy(),
        time=time,
        log_size=log_size[order],
        below_limit=below[order],
    )


def _cages(study: Study) -> dict[str, dict[str, str]]:
    """Cages by animal, where all animals have one."""
    if any(animal.cage is None for animal in study.animals):
        return {}
    return {"cage": {animal.animal_id: str(animal.cage) for animal in study.animals}}


def _labels(
    ids: Sequence[str], factors: Mapping[str, Mapping[str, str]], *, where: str
) -> dict[str, tuple[str, ...]]:
    """Labels of the animals in their order."""
    labels: dict[str, tuple[str, ...]] = {}
    for name, by_animal in factors.items():
        for who in ids:
            if who not in by_animal:
                expected = f"a label of factor '{name}' for every animal"
                raise InputError(expected, found=f"none for '{who}'", where=where)
        labels[name] = tuple(str(by_animal[who]) for who in ids)
    return labels
