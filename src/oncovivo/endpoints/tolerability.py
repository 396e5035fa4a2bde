"""How animals bore treatment: body weight, raw and net of the tumor, toxic deaths, missed doses.

The net weight takes the tumor off at 1 mg for each mm³. It matters in both directions: a growing
tumor hides a loss of body weight, and a vanishing one looks like a loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.endpoints.curves import DAY_TOLERANCE
from oncovivo.endpoints.rates import Rate, clopper_pearson
from oncovivo.errors import DataError
from oncovivo.studies import Animal, BaselineDay, LeavingReason, Study

__all__ = [
    "AnimalTolerability",
    "ArmTolerability",
    "DosingHoliday",
    "TolerabilityResult",
    "ToleranceStatus",
    "WeightCurve",
    "WeightLoss",
    "compute_tolerability",
]

FloatArray: TypeAlias = NDArray[np.float64]
ToleranceStatus: TypeAlias = Literal["ok", "flagged", "not_estimable"]

GRAM_PER_MM3: Final = 0.001
# Losses in percent of the baseline weight at which animals are watched, and usually put down.
WATCH_LOSS: Final = 15.0
LIMIT_LOSS: Final = 20.0
_LOSS_TOLERANCE: Final = 1e-9
TOXIC: Final[tuple[LeavingReason, ...]] = ("toxicity", "body_weight_loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLoss:
    """Largest loss of one animal, raw or net. None where nothing was weighed.

    Parameters
    ----------
    nadir_pct : float or None
        Lowest change from baseline after it, percent; positive where weight only rose.
    nadir_day : float or None
        First study day that has it.
    end_pct : float or None
        Change at the last reading.
    loss_15_day, loss_20_day : float or None
        First study day on which the loss was at least 15 %, and 20 %.
    n_weights : int
        Readings after baseline.
    """

    nadir_pct: float | None = None
    nadir_day: float | None = None
    end_pct: float | None = None
    loss_15_day: float | None = None
    loss_20_day: float | None = None
    n_weights: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DosingHoliday:
    """Consecutive dosing days of an arm on which one of its animals, still followed, got nothing.

    Parameters
    ----------
    compound : str
        What was left out.
    first_day, last_day : float
        Study days.
    n_doses : int
        Doses left out.
    """

    compound: str
    first_day: float
    last_day: float
    n_doses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCurve:
    """Change of body weight of one animal, for drawing.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    days : tuple of float
        Study days, rising.
    raw_pct : tuple of float
        Change from baseline.
    net_pct : tuple of float or None
        The same net of the tumor; None where the tumor was not measured on the day.
    end_reason : LeavingReason
        Why the animal was followed no longer.
    """

    animal_id: str
    arm: str
    days: tuple[float, ...]
    raw_pct: tuple[float, ...]
    net_pct: tuple[float | None, ...]
    end_reason: LeavingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalTolerability:
    """How one animal bore treatment.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    baseline_weight_g : float or None
        Body weight on the baseline day, tumor included.
    raw, net : WeightLoss
        With the tumor, and without it.
    end_day : float
        Last study day on which the animal was followed.
    end_reason : LeavingReason
        Why it was followed no longer.
    toxic : bool
        Whether it left for toxicity or loss of body weight.
    holidays : tuple of DosingHoliday
        Doses left out; empty where no doses were recorded.
    status : ToleranceStatus
        ``flagged`` at a loss of 15 %, a toxic death, a holiday, or a loss without that reason.
    reason : str
        Why.
    """

    animal_id: str
    arm: str
    baseline_weight_g: float | None
    raw: WeightLoss
    net: WeightLoss
    end_day: float
    end_reason: LeavingReason
    toxic: bool
    holidays: tuple[DosingHoliday, ...]
    status: ToleranceStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmTolerability:
    """How an arm bore treatment.

    Parameters
    ----------
    arm : str
        Its name.
    n, n_weighed : int
        Animals, and those with a baseline weight and a later one.
    median_nadir_pct, worst_nadir_pct : float or None
        Over the animals weighed, raw.
    median_net_nadir_pct, worst_net_nadir_pct : float or None
        Likewise, net of the tumor.
    n_loss_15, n_loss_20 : int
        Animals that lost at least 15 %, and 20 %, raw or net.
    toxic_deaths : Rate
        Animals that left for toxicity or loss of body weight, of all animals.
    n_holidays : int
        Animals with a dosing holiday.
    left : dict of str to int
        Animals by reason for leaving.
    status : ToleranceStatus
        ``not_estimable`` where no animal was weighed and none left for toxicity.
    reason : str
        Why.
    """

    arm: str
    n: int
    n_weighed: int
    median_nadir_pct: float | None
    worst_nadir_pct: float | None
    median_net_nadir_pct: float | None
    worst_net_nadir_pct: float | None
    n_loss_15: int
    n_loss_20: int
    toxic_deaths: Rate
    n_holidays: int
    left: dict[str, int]
    status: ToleranceStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TolerabilityResult:
    """Tolerability of a study.

    Parameters
    ----------
    study_id : str
        The study.
    simulated : bool
        Whether the numbers come from a simulation.
    baseline : BaselineDay
        The day changes refer to, and who chose it.
    animals : tuple of AnimalTolerability
        In the order of the study.
    arms : tuple of ArmTolerability
        In the order of the study.
    curves : tuple of WeightCurve
        Of the animals weighed at baseline.
    notes : tuple of str
        What holds for the study as a whole.
    """

    study_id: str
    simulated: bool
    baseline: BaselineDay
    animals: tuple[AnimalTolerability, ...]
    arms: tuple[ArmTolerability, ...]
    curves: tuple[WeightCurve, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each animal; raw and net as columns of their own."""
        rows = []
        for animal in self.animals:
            row: dict[str, object] = {
                "animal_id": animal.animal_id,
                "arm": animal.arm,
                "baseline_weight_g": animal.baseline_weight_g,
            }
            for name, loss in (("raw", animal.raw), ("net", animal.net)):
                row |= {f"{name}_{key}": value for key, value in asdict(loss).items()}
            row |= {
                "end_day": animal.end_day,
                "end_reason": animal.end_reason,
                "toxic": animal.toxic,
                "doses_left_out": sum(h.n_doses for h in animal.holidays),
                "status": animal.status,
                "reason": animal.reason,
            }
            rows.append(row)
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """All but the curves, for JSON."""
        return {
            "study": self.study_id,
            "simulated": self.simulated,
            "baseline": asdict(self.baseline),
            "animals": [
                {**asdict(animal), "holidays": [asdict(h) for h in animal.holidays]}
                for animal in self.animals
            ],
            "arms": [asdict(arm) for arm in self.arms],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The study in a line."""
        toxic = sum(arm.toxic_deaths.k for arm in self.arms)
        losses = sum(arm.n_loss_20 for arm in self.arms)
        return (
            f"{self.study_id}: {len(self.animals)} animals, {losses} lost 20 % of body weight or "
            f"more, {toxic} left for toxicity or loss of body weight"
        )


def compute_tolerability(
    study: Study,
    *,
    baseline_day: float | None = None,
    doses: pd.DataFrame | None = None,
    level: float = 0.95,
) -> TolerabilityResult:
    """Body weight, toxic deaths and dosing holidays of a study.

    The baseline weight is that of the animal's baseline day, else its last one before that day,
    else its first one after.

    Parameters
    ----------
    study : Study
        The study.
    baseline_day : float, optional
        Study day; without it as :meth:`Study.find_baseline_day` says.
    doses : DataFrame, optional
        Doses given, with columns ``animal_id``, ``day``, ``compound`` and ``dose_mg_per_kg``; a
        dose of zero is one left out. Without it the study's own table.
    level : float
        Coverage of the intervals.

    Raises
    ------
    DataError
        If there is no usable baseline day, or the doses lack a column or name unknown animals.
    """
    baseline = study.find_baseline_day(baseline_day)
    given = study.doses if doses is None else doses
    table = study.measurements.sort_values(["animal_id", "day"], kind="stable")
    by_animal = {str(name): part for name, part in table.groupby("animal_id", sort=False)}
    holidays = {} if given.empty else _holidays(study, given)
    animals: list[AnimalTolerability] = []
    curves: list[WeightCurve] = []
    for animal in study.animals:
        part = by_animal.get(animal.animal_id, table.iloc[:0])
        start = baseline.day if animal.baseline_day is None else animal.baseline_day
        row, curve = _animal(animal, part, start, holidays.get(animal.animal_id, ()))
        animals.append(row)
        if curve is not None:
            curves.append(curve)
    notes = [] if curves else ["No body weight was recorded."]
    if given.empty:
        notes.append("No doses were recorded animal by animal: dosing holidays are not known.")
    return TolerabilityResult(
        study_id=study.study_id,
        simulated=study.simulated,
        baseline=baseline,
        animals=tuple(animals),
        arms=tuple(
            _arm(arm.name, [a for a in animals if a.arm == arm.name], level=level)
            for arm in study.arms
        ),
        curves=tuple(curves),
        notes=tuple(notes),
    )


def _animal(
    animal: Animal, part: pd.DataFrame, start: float, holidays: tuple[DosingHoliday, ...]
) -> tuple[AnimalTolerability, WeightCurve | None]:
    """The row of one animal, and its curve where it was weighed."""
    weighed = part[part["body_weight_g"].notna()]
    day = weighed["day"].to_numpy(dtype=np.float64)
    weight = weighed["body_weight_g"].to_numpy(dtype=np.float64)
    net = weight - GRAM_PER_MM3 * weighed["volume_mm3"].to_numpy(dtype=np.float64)
    raw_change = _change(day, weight, start)
    net_change = _change(day, net, start)
    raw, net_loss = _loss(day, raw_change), _loss(day, net_change)
    toxic = animal.end_reason in TOXIC
    remarks = _remarks(animal, raw, net_loss, holidays)
    status: ToleranceStatus = "flagged" if remarks else "ok"
    if not raw.n_weights:
        remarks.append("no body weight at baseline with a later one")
        status = "flagged" if toxic or holidays else "not_estimable"
    at_baseline = _baseline_index(day, start)
    row = AnimalTolerability(
        animal_id=animal.animal_id,
        arm=animal.arm,
        baseline_weight_g=float(weight[at_baseline]) if day.size else None,
        raw=raw,
        net=net_loss,
        end_day=animal.end_day,
        end_reason=animal.end_reason,
        toxic=toxic,
        holidays=holidays,
        status=status,
        reason="; ".join(remarks),
    )
    if not day.size:
        return row, None
    shown = slice(at_baseline, None)
    net_shown = net_change if net_change.size else np.full(day.size, np.nan)
    return row, WeightCurve(
        animal_id=animal.animal_id,
        arm=animal.arm,
        days=tuple(day[shown].tolist()),
        raw_pct=tuple(raw_change[shown].tolist()),
        net_pct=tuple(None if math.isnan(net) else net for net in net_shown[shown].tolist()),
        end_reason=animal.end_reason,
    )


def _baseline_index(day: FloatArray, start: float) -> int:
    """Place of the baseline reading: the last on or before the baseline day, else the first."""
    return max(int(np.count_nonzero(day <= start + DAY_TOLERANCE)) - 1, 0)


def _change(day: FloatArray, weight: FloatArray, start: float) -> FloatArray:
    """Change from baseline in percent, NaN before it and where weight or baseline is missing."""
    known = np.flatnonzero(~np.isnan(weight))
    change = np.full(weight.shape, np.nan)
    if known.size:
        at = known[_baseline_index(day[known], start)]
        if weight[at] > 0:
            change[at:] = 100.0 * (weight[at:] - weight[at]) / weight[at]
    return change


def _loss(day: FloatArray, change: FloatArray) -> WeightLoss:
    """Nadir, end and first days of losses after baseline."""
    known = np.flatnonzero(~np.isnan(change))[1:]
    if not known.size:
        return WeightLoss()
    days, changes = day[known], change[known]
    lowest = int(np.argmin(changes))
    return WeightLoss(
        nadir_pct=float(changes[lowest]),
        nadir_day=float(days[lowest]),
        end_pct=float(changes[-1]),
        loss_15_day=_first_day(days, changes, WATCH_LOSS),
        loss_20_day=_first_day(days, changes, LIMIT_LOSS),
        n_weights=int(known.size),
    )


def _first_day(days: FloatArray, changes: FloatArray, loss: float) -> float | None:
    """First day of a loss of at least so many percent."""
    at = np.flatnonzero(changes <= -loss + _LOSS_TOLERANCE)
    return float(days[at[0]]) if at.size else None


def _remarks(
    animal: Animal, raw: WeightLoss, net: WeightLoss, holidays: tuple[DosingHoliday, ...]
) -> list[str]:
    """What is flagged of one animal, joined to why it left."""
    remarks: list[str] = []
    for name, loss in (("", raw), (" net of the tumor", net)):
        limit, watch = loss.loss_20_day, loss.loss_15_day
        first, cut = (limit, LIMIT_LOSS) if limit is not None else (watch, WATCH_LOSS)
        if first is not None and loss.nadir_pct is not None and loss.nadir_day is not None:
            remarks.append(
                f"lost {cut:g} % of body weight{name} by day {first:g} (nadir "
                f"{loss.nadir_pct:.1f} % on day {loss.nadir_day:g})"
            )
    if animal.end_reason in TOXIC:
        remarks.append(f"left on day {animal.end_day:g}: {animal.end_reason}")
    elif raw.loss_20_day is not None or net.loss_20_day is not None:
        remarks.append(f"left on day {animal.end_day:g} for another reason: {animal.end_reason}")
    remarks += [
        f"{h.n_doses} doses of {h.compound} left out from day {h.first_day:g} to {h.last_day:g}"
        for h in holidays
    ]
    return remarks


def _holidays(study: Study, doses: pd.DataFrame) -> dict[str, tuple[DosingHoliday, ...]]:
    """Dosing holidays by animal."""
    where = f"doses of study {study.study_id}"
    for column in ("animal_id", "day", "compound", "dose_mg_per_kg"):
        if column not in doses.columns:
            expected = f"a column {column}"
            raise DataError(expected, found=", ".join(map(str, doses.columns)), where=where)
    known = {animal.animal_id for animal in study.animals}
    strange = sorted(set(doses["animal_id"].astype(str)) - known)
    if strange:
        expected = "doses of animals of the study"
        raise DataError(expected, found=f"'{strange[0]}'", where=where)
    given = doses[doses["dose_mg_per_kg"].fillna(0) > 0]
    found: dict[str, tuple[DosingHoliday, ...]] = {}
    for arm in study.arms:
        members = study.animals_of(arm.name)
        own = given[given["animal_id"].isin([animal.animal_id for animal in members])]
        planned = {
            str(compound): sorted({float(d) for d in part["day"]})
            for compound, part in own.groupby("compound", sort=True)
        }
        for animal in members:
            of_animal = own[own["animal_id"] == animal.animal_id]
            found[animal.animal_id] = tuple(
                holiday
                for compound, days in planned.items()
                for holiday in _gaps(
                    compound,
                    [day for day in days if day <= animal.end_day],
                    set(of_animal.loc[of_animal["compound"] == compound, "day"].astype(float)),
                )
            )
    return found


def _gaps(compound: str, planned: Sequence[float], got: set[float]) -> list[DosingHoliday]:
    """Runs of an arm's dosing days without a dose."""
    gaps: list[DosingHoliday] = []
    run: list[float] = []
    for day in [*planned, math.inf]:
        if day not in got and day < math.inf:
            run.append(day)
        elif run:
            gaps.append(
                DosingHoliday(
                    compound=compound, first_day=run[0], last_day=run[-1], n_doses=len(run)
                )
            )
            run = []
    return gaps


def _arm(name: str, animals: Sequence[AnimalTolerability], *, level: float) -> ArmTolerability:
    """The row of one arm."""
    raw = [a.raw.nadir_pct for a in animals if a.raw.nadir_pct is not None]
    net = [a.net.nadir_pct for a in animals if a.net.nadir_pct is not None]
    toxic = sum(a.toxic for a in animals)
    loss_15 = sum(_reached(a.raw.loss_15_day, a.net.loss_15_day) for a in animals)
    loss_20 = sum(_reached(a.raw.loss_20_day, a.net.loss_20_day) for a in animals)
    on_holiday = sum(bool(a.holidays) for a in animals)
    remarks: list[str] = []
    if len(raw) < len(animals):
        remarks.append(f"{len(raw)} of {len(animals)} animals weighed")
    flags = (
        (loss_20, "lost 20 % of body weight or more"),
        (toxic, "left for toxicity or loss of body weight"),
        (on_holiday, "had a dosing holiday"),
    )
    remarks += [f"{count} of {len(animals)} {what}" for count, what in flags if count]
    return ArmTolerability(
        arm=name,
        n=len(animals),
        n_weighed=len(raw),
        median_nadir_pct=float(np.median(raw)) if raw else None,
        worst_nadir_pct=min(raw, default=None),
        median_net_nadir_pct=float(np.median(net)) if net else None,
        worst_net_nadir_pct=min(net, default=None),
        n_loss_15=loss_15,
        n_loss_20=loss_20,
        toxic_deaths=clopper_pearson(toxic, len(animals), level=level),
        n_holidays=on_holiday,
        left={
            reason: sum(a.end_reason == reason for a in animals)
            for reason in sorted({a.end_reason for a in animals})
        },
        status="not_estimable" if not raw and not toxic else "flagged" if remarks else "ok",
        reason="; ".join(remarks),
    )


def _reached(*days: float | None) -> bool:
    """Whether a loss was reached, raw or net."""
    return any(day is not None for day in days)
