"""Group curves of a fitted growth model with their bands, beside the readings they describe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.data import SAME_DAY, GrowthData, Measure
from oncovivo.growth.fit import GrowthFit

__all__ = ["AnimalTrack", "ArmCurve", "CurvePoint", "GroupCurves", "group_curves"]

FloatArray: TypeAlias = NDArray[np.float64]

# Days on which a curve is drawn, unless others are asked for.
_POINTS: Final = 31
# Limits of few degrees of freedom reach beyond all numbers.
_LARGEST_LOG: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A group curve on one day.

    Parameters
    ----------
    day : float
        Study day.
    mean : float
        Geometric mean size of the group under the model.
    lower, upper : float
        Interval of this day alone.
    """

    day: float
    mean: float
    lower: float
    upper: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCurve:
    """The curve of one arm, over the days on which it was observed.

    Parameters
    ----------
    arm : str
        Arm.
    n_animals : int
        Animals with a reading that can enter the model, or one below the limit.
    points : tuple of CurvePoint
        By day.
    at_risk : tuple of (float, int)
        Days of the study's readings, and how many animals of the arm were still measured: their
        first reading was not later, and their last not earlier.
    """

    arm: str
    n_animals: int
    points: tuple[CurvePoint, ...]
    at_risk: tuple[tuple[float, int], ...]

    @property
    def half_day(self) -> float:
        """Last study day on which at least half of the arm were still measured."""
        return max(day for day, count in self.at_risk if 2 * count >= self.n_animals)

    def n_at_risk(self, day: float) -> int:
        """Animals still measured on a day.

        Raises
        ------
        InputError
            If nothing was read in the study on that day.
        """
        for known, count in self.at_risk:
            if abs(known - day) <= SAME_DAY:
                return count
        raise InputError("a day with a reading in the study", found=f"{day:g}")

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalTrack:
    """The readings of one animal.

    Parameters
    ----------
    animal_id, arm : str
        Animal and its arm.
    days, sizes : tuple of float
        Study days and sizes; a size below the limit is the limit.
    below_limit : tuple of bool
        Whether a size is only an upper bound.
    left_early : bool
        Whether the last reading is before the study's last.
    """

    animal_id: str
    arm: str
    days: tuple[float, ...]
    sizes: tuple[float, ...]
    below_limit: tuple[bool, ...]
    left_early: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCurves:
    """All group curves of a fit, and the animals.

    Parameters
    ----------
    study_id : str
        Study.
    measure : {"volume_mm3", "area_mm2"}
        What was measured.
    relative : bool
        Whether sizes are multiples of the animal's own baseline, as the ratio model has them.
    level : float
        Confidence of the bands, on each day alone.
    last_day : float
        Study day of the last reading.
    arms : tuple of ArmCurve
        In the order of the study.
    animals : tuple of AnimalTrack
        In the order of the study.
    """

    study_id: str
    measure: Measure
    relative: bool
    level: float
    last_day: float
    arms: tuple[ArmCurve, ...]
    animals: tuple[AnimalTrack, ...]

    def of_arm(self, arm: str) -> ArmCurve:
        """The curve of an arm.

        Raises
        ------
        InputError
            If there is none.
        """
        for curve in self.arms:
            if curve.arm == arm:
                return curve
        expected = "an arm of the fit: " + ", ".join(curve.arm for curve in self.arms)
        raise InputError(expected, found=repr(arm), where=f"study {self.study_id}")

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def group_curves(
    fit: GrowthFit,
    *,
    data: GrowthData | None = None,
    days: FloatArray | None = None,
    level: float = 0.95,
) -> GroupCurves:
    """Group curves on the scale of sizes, with bands from the fit's covariance.

    Covariates are held at their means. A curve is drawn from its arm's first to its last reading
    in the fit, not beyond.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    data : GrowthData, optional
        The study's readings with those below the limit, which a fit may have left out; else the
        readings of the fit.
    days : ndarray, shape (k,), optional
        Study days to draw at, rising; else evenly spread ones. Days on which an arm was not
        observed are left out of its curve.
    level : float
        Confidence of the band on each day alone.

    Raises
    ------
    InputError
        If the data lack an arm of the fit, days do not rise, or the level is not between 0 and 1.

    Examples
    --------
    >>> from oncovivo.growth.data import growth_data_from_arrays
    >>> from oncovivo.growth.fit import fit_growth
    >>> wobble = np.tile([0.1, -0.1, -0.05, 0.05, 0.02, -0.02], 4)
    >>> study = growth_data_from_arrays(
    ...     arm=["vehicle"] * 12 + ["drug"] * 12,
    ...     animal_id=[f"m{i // 4}" for i in range(24)],
    ...     time=(day := np.tile([0.0, 3.0, 6.0, 9.0], 6)),
    ...     log_size=5 + np.repeat([0.1, 0.05], 12) * day + wobble,
    ... )
    >>> curve = group_curves(fit_growth(study)).of_arm("drug")
    >>> curve.points[0].day, curve.points[-1].day, curve.n_at_risk(9.0)
    (0.0, 9.0, 3)
    """
    shown = data if data is not None else fit.data
    for name in fit.data.arms:
        shown.arm_number(name)
    if days is not None and not (days.size and (np.diff(days) > 0).all()):
        expected = "days that rise"
        raise InputError(expected, found=", ".join(f"{day:g}" for day in days) or "none")
    relative = fit.model.baseline == "ratio"
    if relative:
        known = ~np.isnan(shown.log_baseline)
        shown = shown.select(known[shown.animal])
    return GroupCurves(
        study_id=fit.data.study_id,
        measure=fit.data.measure,
        relative=relative,
        level=level,
        last_day=float(shown.day.max()),
        arms=tuple(
            _arm_curve(fit, shown, number, days, level) for number in range(len(fit.data.arms))
        ),
        animals=_tracks(shown, relative=relative),
    )


def _arm_curve(
    fit: GrowthFit, shown: GrowthData, number: int, days: FloatArray | None, level: float
) -> ArmCurve:
    """Curve of an arm and who was still measured."""
    name = fit.data.arms[number]
    start, end = _observed(fit, number)
    if days is None:
        inner = np.array([knot for knot in fit.terms.shape.knots if start < knot < end])
        time = np.unique(np.concatenate((np.linspace(start, end, _POINTS), inner)))
    else:
        time = days - fit.data.baseline_day
        time = time[(time >= start - SAME_DAY) & (time <= end + SAME_DAY)]
    points: tuple[CurvePoint, ...] = ()
    if time.size and name not in fit.arms_without_rate:
        found = fit.contrasts(fit.terms.curve(number, time), level=level)
        columns = np.column_stack(
            (
                fit.data.baseline_day + time,
                _size(found.estimate),
                # At the origin of the ratio model nothing is estimated.
                _size(np.where(found.std_error > 0, found.lower, found.estimate)),
                _size(np.where(found.std_error > 0, found.upper, found.estimate)),
            )
        )
        points = tuple(
            CurvePoint(day=day, mean=mean, lower=lower, upper=upper)
            for day, mean, lower, upper in columns.tolist()
        )
    animals = shown.animals_of(shown.arm_number(name))
    return ArmCurve(
        arm=name, n_animals=animals.size, points=points, at_risk=_at_risk(shown, animals)
    )


def _size(log_size: FloatArray) -> FloatArray:
    """Sizes from logs, within what a number can hold."""
    return np.exp(np.clip(log_size, -_LARGEST_LOG, _LARGEST_LOG))


def _observed(fit: GrowthFit, number: int) -> tuple[float, float]:
    """First and last time of an arm's readings in the fit; the ratio model starts at baseline."""
    own = fit.problem.arm[fit.problem.animal] == number
    time = fit.problem.time[own]
    start = 0.0 if fit.model.baseline == "ratio" else float(time.min(initial=np.inf))
    return start, float(time.max(initial=-np.inf))


def _at_risk(data: GrowthData, animals: NDArray[np.intp]) -> tuple[tuple[float, int], ...]:
    """Days of the study's readings, and how many animals of an arm were still measured."""
    days = np.unique(data.day)
    spans = [data.day[data.animal == animal] for animal in animals.tolist()]
    first = np.array([span.min() for span in spans])
    last = np.array([span.max() for span in spans])
    counts = [int(((first <= day) & (last >= day)).sum()) for day in days]
    return tuple(zip(days.tolist(), counts, strict=True))


def _tracks(data: GrowthData, *, relative: bool) -> tuple[AnimalTrack, ...]:
    """Readings of each animal."""
    log_size = data.log_size - data.log_baseline[data.animal] if relative else data.log_size
    end = float(data.day.max())
    tracks = []
    for number, name in enumerate(data.animal_ids):
        rows = data.animal == number
        day = data.day[rows]
        tracks.append(
            AnimalTrack(
                animal_id=name,
                arm=data.arms[data.arm[number]],
                days=tuple(day.tolist()),
                sizes=tuple(np.exp(log_size[rows]).tolist()),
                below_limit=tuple(data.below_limit[rows].tolist()),
                left_early=bool(day[-1] < end - SAME_DAY),
            )
        )
    return tuple(tracks)
