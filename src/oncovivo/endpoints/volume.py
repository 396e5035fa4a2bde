"""Tumor volume by day: group means with their n, relative volume, and T/C.

Two ratios are in use under the name T/C and are kept apart here:

- ``t_over_c_volume``: arithmetic mean volume of the treated animals over that of the controls, the
  animals measured on that day in each arm;
- ``t_over_c_relative``: the same ratio of mean relative volumes, where an arm's mean relative
  volume is the arithmetic **mean of each animal's ratio** V(day)/V(baseline), not the ratio of
  means.

Both compare survivors with survivors: animals leave when their tumor is large, so once animals
have left, a mean describes those with the smaller tumors. Each row therefore carries how many
animals are still followed, and is ``flagged`` once fewer than half of the arm, or of the control,
remain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.studies import BaselineDay, Study
from oncovivo.tables import VolumeState

__all__ = [
    "AnimalCurve",
    "ArmDay",
    "GroupMean",
    "Status",
    "VolumeByDay",
    "relative_volume",
    "summarize_group",
    "volume_by_day",
]

Status: TypeAlias = Literal["ok", "flagged", "undefined"]
FloatArray: TypeAlias = NDArray[np.float64]

# Below this share of an arm still followed, its mean speaks of a minority.
REMAINING_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean:
    """Mean and spread of the readings of one group on one day; None where undefined.

    Parameters
    ----------
    n : int
        Number of readings.
    mean, median : float or None
        None without a reading.
    sd, sem : float or None
        Sample standard deviation (n − 1) and standard error; None below two readings.
    geometric_mean : float or None
        None without a reading, or where one is zero.
    """

    n: int
    mean: float | None
    median: float | None
    sd: float | None
    sem: float | None
    geometric_mean: float | None


def summarize_group(values: FloatArray) -> GroupMean:
    """Mean, median, spread and geometric mean of the readings present.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Readings of zero or more; NaN where there is none.

    Examples
    --------
    >>> group = summarize_group(np.array([100.0, 200.0, 400.0, np.nan]))
    >>> group.n, round(group.mean, 2), round(group.geometric_mean, 2)
    (3, 233.33, 200.0)
    """
    present = np.sort(values[~np.isnan(values)])
    n = present.size
    if n == 0:
        return GroupMean(n=0, mean=None, median=None, sd=None, sem=None, geometric_mean=None)
    sd = float(present.std(ddof=1)) if n > 1 else None
    return GroupMean(
        n=n,
        mean=float(present.mean()),
        median=float(np.median(present)),
        sd=sd,
        sem=None if sd is None else sd / math.sqrt(n),
        geometric_mean=float(np.exp(np.log(present).mean())) if present[0] > 0 else None,
    )


def relative_volume(volume: FloatArray, baseline: FloatArray) -> FloatArray:
    """Volume over the same animal's baseline volume.

    Parameters
    ----------
    volume : ndarray, shape (...)
        Volumes, mm³.
    baseline : ndarray, shape broadcastable to that of `volume`
        Baseline volumes, mm³.

    Returns
    -------
    ndarray, shape (...)
        NaN where the volume is missing, or the baseline is missing or zero.

    Examples
    --------
    >>> relative_volume(np.array([300.0, 50.0, 80.0]), np.array([100.0, 100.0, 0.0]))
    array([3. , 0.5, nan])
    """
    usable = np.where(baseline > 0, baseline, np.nan)
    ratio: FloatArray = volume / usable
    return ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalCurve:
    """The readings of one animal, for drawing.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    days : tuple of float
        Study days with a reading, rising.
    volumes : tuple of float
        mm³; 0 where the tumor is gone, the limit where the reading is below it.
    states : tuple of VolumeState
        State of each reading.
    end_day : float
        Last study day on which the animal was followed.
    """

    animal_id: str
    arm: str
    days: tuple[float, ...]
    volumes: tuple[float, ...]
    states: tuple[VolumeState, ...]
    end_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDay:
    """One arm on one day. A number that does not exist is None, and `reason` says why.

    Parameters
    ----------
    arm : str
        Name of the arm.
    day : float
        Study day.
    n_enrolled : int
        Animals of the arm.
    n_at_risk : int
        Of these, animals followed to this day or beyond.
    n_measured : int
        Of these, animals with a volume reading on this day.
    n_control : int
        Control animals with a volume reading on this day.
    share_at_risk, share_measured : float
        `n_at_risk` and `n_measured` over `n_enrolled`.
    mean_volume_mm3, median_volume_mm3, sd_volume_mm3, sem_volume_mm3 : float or None
        Of the readings of the day; spread needs two.
    geometric_mean_volume_mm3 : float or None
        None also where a tumor is gone.
    n_relative : int
        Animals measured on this day whose baseline is known.
    mean_relative_volume, geometric_mean_relative_volume : float or None
        Of V(day)/V(baseline) per animal.
    t_over_c_volume : float or None
        Ratio of arithmetic mean volumes, arm over control.
    t_over_c_relative : float or None
        Ratio of mean relative volumes, arm over control.
    few_remain : bool
        Fewer than half of the arm, or of the control, are still followed.
    few_measured : bool
        Fewer than half of those still followed were measured on this day.
    status : {"ok", "flagged", "undefined"}
        ``undefined`` where a mean or a T/C is None.
    reason : str
        What is undefined or flagged, and why; empty when ``ok``.
    """

    arm: str
    day: float
    n_enrolled: int
    n_at_risk: int
    n_measured: int
    n_control: int
    share_at_risk: float
    share_measured: float
    mean_volume_mm3: float | None
    median_volume_mm3: float | None
    sd_volume_mm3: float | None
    sem_volume_mm3: float | None
    geometric_mean_volume_mm3: float | None
    n_relative: int
    mean_relative_volume: float | None
    geometric_mean_relative_volume: float | None
    t_over_c_volume: float | None
    t_over_c_relative: float | None
    few_remain: bool
    few_measured: bool
    status: Status
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeByDay:
    """Volumes of a study by arm and day, compared with a control arm.

    Parameters
    ----------
    study_id : str
        The study.
    simulated : bool
        Whether the numbers come from a simulation.
    control : str
        Name of the control arm.
    baseline : BaselineDay
        The day relative volumes refer to, and who chose it.
    arms : tuple of str
        Names, in the order of the study.
    rows : tuple of ArmDay
        One for each arm and each day on which an animal of the arm was measured.
    curves : tuple of AnimalCurve
        One for each animal.
    notes : tuple of str
        What holds for the study as a whole.
    """

    study_id: str
    simulated: bool
    control: str
    baseline: BaselineDay
    arms: tuple[str, ...]
    rows: tuple[ArmDay, ...]
    curves: tuple[AnimalCurve, ...]
    notes: tuple[str, ...]

    def of_arm(self, arm: str) -> tuple[ArmDay, ...]:
        """Rows of one arm by day.

        Raises
        ------
        InputError
            If there is no such arm.
        """
        if arm not in self.arms:
            expected = "an arm of the study: " + ", ".join(self.arms)
            raise InputError(expected, found=repr(arm))
        return tuple(row for row in self.rows if row.arm == arm)

    def n_at_risk(self, arm: str, day: float) -> int:
        """Animals of an arm that were followed to a day or beyond."""
        return sum(curve.arm == arm and curve.end_day >= day for curve in self.curves)

    def to_frame(self) -> pd.DataFrame:
        """Rows as a tidy table; a number that does not exist is missing, with its reason."""
        names = [f.name for f in fields(ArmDay)]
        return pd.DataFrame([asdict(row) for row in self.rows], columns=names)

    def to_dict(self) -> dict[str, object]:
        """All but the curves, for JSON."""
        return {
            "study": self.study_id,
            "simulated": self.simulated,
            "control": self.control,
            "baseline": asdict(self.baseline),
            "arms": list(self.arms),
            "rows": [asdict(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The study in a line: arms, control, baseline."""
        simulated = "simulated data; " if self.simulated else ""
        return (
            f"{self.study_id}: {simulated}{len(self.arms)} arms, control '{self.control}', "
            f"baseline {self.baseline}"
        )


def volume_by_day(study: Study, *, control: str, baseline_day: float | None = None) -> VolumeByDay:
    """Mean volume, relative volume and T/C of every arm on every day, with the n behind them.

    A vanished tumor counts with volume 0, a reading below the limit with the limit, and the row
    says so. Days are not pooled: an arm measured on Monday and a control measured on Tuesday have
    no T/C on either day.

    Parameters
    ----------
    study : Study
        The study.
    control : str
        Name of the control arm.
    baseline_day : float, optional
        Study day; without it the study file's, else the first day on which at least 80 % of the
        animals are measured. An animal's own ``baseline_day`` comes first.

    Raises
    ------
    InputError
        If the control is not an arm of the study.
    DataError
        If there is no usable baseline day.
    """
    study.animals_of(control)
    baseline = study.find_baseline_day(baseline_day)
    animals = _animals(study, baseline.day)
    control_group = _Group(tuple(a for a in animals if a.arm == control))
    rows: list[ArmDay] = []
    for arm in study.arms:
        group = _Group(tuple(a for a in animals if a.arm == arm.name))
        rows += [
            _arm_day(group, control_group, arm.name, day, is_control=arm.name == control)
            for day in group.days()
        ]
    without = sum(math.isnan(animal.baseline) for animal in animals)
    notes = list(study.notes)
    if without:
        notes.append(
            f"{without} of {len(animals)} animals have no reading at baseline and are left out of "
            "relative volumes."
        )
    return VolumeByDay(
        study_id=study.study_id,
        simulated=study.simulated,
        control=control,
        baseline=baseline,
        arms=tuple(arm.name for arm in study.arms),
        rows=tuple(rows),
        curves=tuple(animal.curve for animal in animals),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """An animal with its readings by day, and its baseline volume."""

    arm: str
    curve: AnimalCurve
    by_day: Mapping[float, int]
    baseline: float

    def at(self, day: float) -> float:
        """Volume on a day, NaN without a reading."""
        index = self.by_day.get(day)
        return math.nan if index is None else self.curve.volumes[index]

    def state(self, day: float) -> VolumeState:
        """State of the reading on a day."""
        index = self.by_day.get(day)
        return "not_measured" if index is None else self.curve.states[index]


@dataclass(frozen=True, slots=True)
class _Group:
    """Animals of one arm."""

    animals: Sequence[_Followed]

    def days(self) -> list[float]:
        """Days on which one of them was measured."""
        return sorted({day for animal in self.animals for day in animal.curve.days})

    def n_at_risk(self, day: float) -> int:
        """How many were followed to this day or beyond."""
        return sum(animal.curve.end_day >= day for animal in self.animals)

    def volumes(self, day: float) -> FloatArray:
        """Volumes on a day, shape (n,), NaN without a reading."""
        return np.array([animal.at(day) for animal in self.animals], dtype=np.float64)

    def baselines(self) -> FloatArray:
        """Baseline volumes, shape (n,)."""
        return np.array([animal.baseline for animal in self.animals], dtype=np.float64)

    def count(self, state: VolumeState, day: float) -> int:
        """How many readings of a day have a state."""
        return sum(animal.state(day) == state for animal in self.animals)


def _animals(study: Study, baseline_day: float) -> tuple[_Followed, ...]:
    """Animals of a study with their readings."""
    table = study.measurements
    read = table[table["volume_state"] != "not_measured"].sort_values("day", kind="stable")
    by_animal = {str(name): part for name, part in read.groupby("animal_id", sort=False)}
    animals: list[_Followed] = []
    for animal in study.animals:
        part = by_animal.get(animal.animal_id, read.iloc[:0])
        curve = AnimalCurve(
            animal_id=animal.animal_id,
            arm=animal.arm,
            days=tuple(part["day"].tolist()),
            volumes=tuple(part["volume_mm3"].tolist()),
            states=tuple(part["volume_state"].tolist()),
            end_day=max([animal.end_day, *part["day"].tolist()]),
        )
        own_day = baseline_day if animal.baseline_day is None else animal.baseline_day
        by_day = {day: index for index, day in enumerate(curve.days)}
        start = by_day.get(own_day)
        # A baseline below the limit is an upper bound: no ratio can be formed with it.
        known = start is not None and curve.states[start] in ("measured", "gone")
        animals.append(
            _Followed(
                arm=animal.arm,
                curve=curve,
                by_day=by_day,
                baseline=curve.volumes[start] if start is not None and known else math.nan,
            )
        )
    return tuple(animals)


def _arm_day(group: _Group, control: _Group, arm: str, day: float, *, is_control: bool) -> ArmDay:
    """One row."""
    volumes, control_volumes = group.volumes(day), control.volumes(day)
    means, control_means = summarize_group(volumes), summarize_group(control_volumes)
    relative = summarize_group(relative_volume(volumes, group.baselines()))
    control_relative = summarize_group(relative_volume(control_volumes, control.baselines()))
    of_volume, why_volume = _ratio(means, control_means, "control volume", day)
    of_relative, why_relative = _ratio(relative, control_relative, "relative control volume", day)
    n_enrolled, n_at_risk = len(group.animals), group.n_at_risk(day)
    undefined = [why for why in dict.fromkeys((why_volume, why_relative)) if why]
    remarks: list[str] = []
    few_remain = False
    remaining = {"arm": (n_at_risk, n_enrolled)}
    if not is_control:
        remaining["control"] = (control.n_at_risk(day), len(control.animals))
    for label, (left, enrolled) in remaining.items():
        if left < REMAINING_SHARE * enrolled:
            few_remain = True
            remarks.append(f"{left} of {enrolled} animals of the {label} remain")
    few_measured = means.n < REMAINING_SHARE * n_at_risk
    if few_measured:
        remarks.append(f"{means.n} of {n_at_risk} animals followed were measured on this day")
    if means.n == 1:
        remarks.append("one animal measured: no SD or SEM")
    if relative.n < means.n:
        remarks.append(f"{means.n - relative.n} animals measured have no usable baseline")
    if below := group.count("below_limit", day):
        remarks.append(f"{below} readings below the limit count with the limit")
    if gone := group.count("gone", day):
        remarks.append(f"{gone} tumors gone: volume 0, no geometric mean")
    status: Status = "ok"
    if undefined:
        status = "undefined"
    elif remarks:
        status = "flagged"
    return ArmDay(
        arm=arm,
        day=day,
        n_enrolled=n_enrolled,
        n_at_risk=n_at_risk,
        n_measured=means.n,
        n_control=control_means.n,
        share_at_risk=n_at_risk / n_enrolled,
        share_measured=means.n / n_enrolled,
        mean_volume_mm3=means.mean,
        median_volume_mm3=means.median,
        sd_volume_mm3=means.sd,
        sem_volume_mm3=means.sem,
        geometric_mean_volume_mm3=means.geometric_mean,
        n_relative=relative.n,
        mean_relative_volume=relative.mean,
        geometric_mean_relative_volume=relative.geometric_mean,
        t_over_c_volume=of_volume,
        t_over_c_relative=of_relative,
        few_remain=few_remain,
        few_measured=few_measured,
        status=status,
        reason="; ".join([*undefined, *remarks]),
    )


def _ratio(
    treated: GroupMean, control: GroupMean, what: str, day: float
) -> tuple[float | None, str]:
    """Ratio of means, or the reason why there is none."""
    if control.mean is None:
        return None, f"no {what} on day {day:g}"
    if treated.mean is None:
        return None, f"no volume with a usable baseline on day {day:g}"
    if control.mean == 0:
        return None, f"mean {what} is zero on day {day:g}"
    return treated.mean / control.mean, ""
