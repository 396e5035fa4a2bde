"""The curves of one arm as padded matrices, with what each animal started from.

Tumors that are gone count with volume 0 and readings below the limit with the limit, as in the
tables by day. On the log scale, which knows no zero, both count with the smallest size that can be
measured, and every number made of such readings says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.studies import Study

__all__ = ["ArmCurves", "arm_curves"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# Days come from files and from differences; closer than this they are the same day.
SAME_DAY: Final = 1e-9
# Without a stated limit: the smallest volume of the study, at most a sphere of 3 mm diameter.
MOST_LIMIT_MM3: Final = 14.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmCurves:
    """Readings of the n animals of one arm, at most t each.

    Parameters
    ----------
    arm : str
        Name of the arm.
    animal_ids : tuple of str
        In the order of the rows.
    day : ndarray, shape (n, t)
        Study days, rising; NaN after the last reading.
    size : ndarray, shape (n, t)
        Volume in mm³ (area in mm² where the study has areas only), 0 where the tumor is gone.
    lifted : ndarray of bool, shape (n, t)
        Readings gone or below the limit.
    limit : float
        Size that stands for a lifted reading on the log scale.
    baseline_day : ndarray, shape (n,)
        Study day on which each animal's clock starts.
    end_day : ndarray, shape (n,)
        Last study day on which each animal was followed.

    Attributes
    ----------
    elapsed : ndarray, shape (n, t)
        Days since each animal's baseline.
    log_size : ndarray, shape (n, t)
        Natural logarithm of size, lifted readings at the limit.
    baseline : ndarray, shape (n,)
        Size on the baseline day; NaN where it is missing, gone or below the limit.
    """

    arm: str
    animal_ids: tuple[str, ...]
    day: FloatArray
    size: FloatArray
    lifted: BoolArray
    limit: float
    baseline_day: FloatArray
    end_day: FloatArray
    elapsed: FloatArray = field(init=False)
    log_size: FloatArray = field(init=False)
    baseline: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        floor = np.where(self.lifted, np.maximum(self.size, self.limit), self.size)
        object.__setattr__(self, "elapsed", self.day - self.baseline_day[:, None])
        object.__setattr__(self, "log_size", np.log(floor))
        start = self.size_at(self.baseline_day)
        # A baseline that is gone or below the limit is no number to divide by.
        known = (start > 0) & ~self._lifted_at(self.baseline_day)
        object.__setattr__(self, "baseline", np.where(known, start, np.nan))

    @property
    def n(self) -> int:
        """Animals of the arm."""
        return len(self.animal_ids)

    def at(self, day: float | FloatArray) -> BoolArray:
        """Which reading was taken on a day, or on each animal's day, shape (n, t)."""
        wanted = np.broadcast_to(np.asarray(day, dtype=np.float64), (self.n,))
        return np.less_equal(np.abs(self.day - wanted[:, None]), SAME_DAY)

    def size_at(self, day: float | FloatArray) -> FloatArray:
        """Size on a day, NaN without a reading, shape (n,)."""
        hit = self.at(day)
        return np.where(hit.any(axis=1), np.where(hit, self.size, 0.0).sum(axis=1), np.nan)

    def log_size_at(self, day: float | FloatArray) -> FloatArray:
        """Log size on a day, NaN without a reading, shape (n,)."""
        hit = self.at(day)
        return np.where(hit.any(axis=1), np.where(hit, self.log_size, 0.0).sum(axis=1), np.nan)

    def measured_at(self, day: float) -> BoolArray:
        """Which animals have a reading on a day, shape (n,)."""
        return np.asarray(self.at(day).any(axis=1), dtype=np.bool_)

    def followed_to(self, day: float) -> BoolArray:
        """Which animals were still followed on a day, shape (n,)."""
        followed: BoolArray = self.end_day >= day - SAME_DAY
        return followed

    def days(self) -> FloatArray:
        """Study days on which an animal of the arm was measured, rising."""
        return np.unique(self.day[~np.isnan(self.day)])

    def window(self, last_day: float | None = None) -> BoolArray:
        """Readings from each animal's baseline through a study day, shape (n, t)."""
        upper = math.inf if last_day is None else last_day + SAME_DAY
        from_baseline: BoolArray = self.elapsed >= -SAME_DAY
        return np.logical_and(from_baseline, self.day <= upper)

    def n_lifted(self, where: BoolArray) -> int:
        """Readings gone or below the limit among those chosen."""
        return int((self.lifted & where).sum())

    def _lifted_at(self, day: FloatArray) -> BoolArray:
        return np.asarray((self.at(day) & self.lifted).any(axis=1), dtype=np.bool_)


def arm_curves(study: Study, *, baseline_day: float) -> dict[str, ArmCurves]:
    """Curves of every arm of a study, in the order of its arms.

    Parameters
    ----------
    study : Study
        Volumes, or areas where it has no volumes.
    baseline_day : float
        Study day of the baseline; an animal's own comes first.
    """
    table = study.measurements
    if study.area_only:
        sizes = table["area_mm2"].to_numpy(dtype=np.float64)
        lifted = sizes == 0
    else:
        sizes = table["volume_mm3"].to_numpy(dtype=np.float64)
        lifted = table["volume_state"].isin(["gone", "below_limit"]).to_numpy(dtype=bool)
    read = ~np.isnan(sizes)
    days = table["day"].to_numpy(dtype=np.float64)
    limit = _limit(study, sizes[read & ~lifted])
    rows_of: dict[str, list[int]] = {animal.animal_id: [] for animal in study.animals}
    for row, name in enumerate(table["animal_id"]):
        if read[row]:
            rows_of[str(name)].append(row)
    result: dict[str, ArmCurves] = {}
    for arm in study.arms:
        animals = study.animals_of(arm.name)
        rows = [
            np.array(sorted(rows_of[animal.animal_id], key=lambda row: days[row]), dtype=np.intp)
            for animal in animals
        ]
        width = max([1, *(part.size for part in rows)])
        day, size = np.full((len(rows), width), np.nan), np.full((len(rows), width), np.nan)
        below = np.zeros((len(rows), width), dtype=bool)
        for index, part in enumerate(rows):
            day[index, : part.size] = days[part]
            size[index, : part.size] = sizes[part]
            below[index, : part.size] = lifted[part]
        starts = [baseline_day if a.baseline_day is None else a.baseline_day for a in animals]
        last = np.fmax.reduce(np.column_stack((np.full(len(rows), -np.inf), day)), axis=1)
        ends = np.array([animal.end_day for animal in animals], dtype=np.float64)
        result[arm.name] = ArmCurves(
            arm=arm.name,
            animal_ids=tuple(animal.animal_id for animal in animals),
            day=day,
            size=size,
            lifted=below,
            limit=limit,
            baseline_day=np.array(starts, dtype=np.float64),
            end_day=np.fmax(ends, last),
        )
    return result


def _limit(study: Study, positive: FloatArray) -> float:
    """Smallest size that can be measured: stated, else the smallest seen."""
    if study.area_only:
        return float(positive.min(initial=math.inf))
    if study.limit_mm3 is not None:
        return study.limit_mm3
    return min(float(positive.min(initial=math.inf)), MOST_LIMIT_MM3)
