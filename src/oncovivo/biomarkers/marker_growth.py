"""A marker in the growth model of a study: log volume by day, arm and marker, animals as units.

The marker enters as its distance from the mean of its arm, so that what treatment does to it on
average is in no coefficient. A marker that is followed over time is split in two: the animal's own
mean (between animals), and what is left of a reading once its animal's mean and the course of its
arm are taken away (within animals). The two answer different questions and are not averaged
(Neuhaus JM, Kalbfleisch JD. Biometrics 1998;54:638).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.biomarkers.remarks import Remark
from oncovivo.biomarkers.timing import MEASURED_AFTER_TREATMENT, MarkerTiming
from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import SAME_DAY, GrowthData
from oncovivo.growth.engine import EngineFit, Problem
from oncovivo.growth.fit import check_arms, check_problem, growth_problem
from oncovivo.growth.kenward_roger import KenwardRoger
from oncovivo.growth.model import GrowthModel, RandomEffects
from oncovivo.growth.reduced import fit_reduced
from oncovivo.growth.terms import FixedTerms, fixed_terms

__all__ = [
    "MarkerEffect",
    "MarkerEffectName",
    "MarkerGrowth",
    "MarkerKind",
    "MarkerScale",
    "fit_marker_growth",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
MarkerKind: TypeAlias = Literal["fixed", "time_varying"]
MarkerScale: TypeAlias = Literal["raw", "log"]
MarkerEffectName: TypeAlias = Literal["level", "prognostic", "within_arm", "predictive", "within"]

# A slope of growth on the marker within an arm needs so many animals.
FEWEST_PER_ARM: Final = 3
# A column that the others explain to this share of its length cannot be told apart.
_COLLINEAR: Final = 1e-9
_NO_SPREAD: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerEffect:
    """One question about a marker in a growth model.

    Parameters
    ----------
    effect : MarkerEffectName
        ``level``: log volume at the baseline. ``prognostic``: growth rate in the control arm;
        ``within_arm``: in another arm. ``predictive``: the latter less the former, the marker ×
        treatment interaction. ``within``: log volume when an animal's marker is off its own mean
        and the course of its arm.
    arm, versus : str or None
        Arm, and control of a difference.
    estimate : float or None
        For a unit of the marker (of its natural logarithm with scale ``log``): natural log of
        volume, per day where it is about rates.
    std_error, df, lower, upper, p_value : float or None
        Kenward-Roger; two-sided.
    status : {"ok", "not_estimable"}
        Whether there is a number.
    reason : str
        Why not.
    """

    effect: MarkerEffectName
    arm: str | None = None
    versus: str | None = None
    estimate: float | None
    std_error: float | None
    df: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerGrowth:
    """A marker's part in the growth of a study.

    Parameters
    ----------
    marker, control : str
        Names of the marker and the control arm.
    kind : {"fixed", "time_varying"}
        One value for each animal, or several.
    scale : {"raw", "log"}
        How the marker entered.
    effects : tuple of MarkerEffect
        Level, rate by arm, interaction by arm, and the within-animal part where there is one.
    level : float
        Confidence of the intervals.
    method : str
        How errors and degrees of freedom were made.
    n_animals, n_readings : int
        That entered.
    converged, singular : bool
        Of the fit.
    status : {"ok", "flagged"}
        ``flagged`` where the marker was measured after treatment.
    reason : str
        Why.
    remarks : tuple of Remark
        What to know.
    """

    marker: str
    control: str
    kind: MarkerKind
    scale: MarkerScale
    effects: tuple[MarkerEffect, ...]
    level: float
    method: str
    n_animals: int
    n_readings: int
    converged: bool
    singular: bool
    status: Literal["ok", "flagged"]
    reason: str
    remarks: tuple[Remark, ...] = ()

    def of(self, effect: MarkerEffectName, arm: str | None = None) -> MarkerEffect:
        """One of the effects.

        Raises
        ------
        InputError
            If there is no such effect, or several and no arm is named.
        """
        found = [e for e in self.effects if e.effect == effect and arm in (None, e.arm)]
        if len(found) != 1:
            expected = "an effect of the fit, with its arm where there are several"
            raise InputError(expected, found=f"{effect} {arm or ''}")
        return found[0]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        shown = asdict(self)
        del shown["remarks"]
        return {**shown, "warnings": [remark.to_dict() for remark in self.remarks]}


def fit_marker_growth(
    data: GrowthData,
    animal_id: Sequence[str],
    values: FloatArray,
    *,
    control: str,
    day: FloatArray | None = None,
    scale: MarkerScale = "raw",
    random: RandomEffects = "intercept_slope",
    timing: MarkerTiming | None = None,
    marker: str = "marker",
    level: float = 0.95,
) -> MarkerGrowth:
    """Mixed model of log volume by day, arm and marker.

    Parameters
    ----------
    data : GrowthData
        Readings of one study; those gone or below the limit are left out.
    animal_id : sequence of str, length k
        Animal of each marker value.
    values : ndarray, shape (k,)
        Marker; NaN where it is missing.
    control : str
        Arm without the treatment in question: the marker's slope there is prognostic.
    day : ndarray, shape (k,), optional
        Study day of each value. With it the marker varies with time, and readings enter that have
        a value on their day; without it each animal has one value, and all its readings enter.
    scale : {"raw", "log"}
        Whether the marker enters as its natural logarithm.
    random : RandomEffects
        What varies between animals, as in :class:`oncovivo.growth.GrowthModel`.
    timing : MarkerTiming, optional
        When the marker was measured; one from after the first treatment is flagged.
    marker : str
        Its name.
    level : float
        Confidence of the intervals.

    Raises
    ------
    InputError
        If arrays do not fit, an animal without `day` has two values, or a choice is unknown.
    DataError
        If no arm has enough animals with a marker that varies, or the growth model cannot be
        fitted.
    """
    _check(animal_id, values, day, scale, level)
    counted = data.without_below_limit()
    counted.arm_number(control)
    known, lost = _known(animal_id, values, scale, counted, marker)
    kind: MarkerKind = "fixed" if day is None else "time_varying"
    if day is None:
        used, reading = _fixed(counted, animal_id, known, marker)
    else:
        used, reading = _varying(counted, animal_id, known, day, marker)
    if control not in used.arms:
        expected = f"animals of the control '{control}' with {marker}"
        raise DataError(expected, found="none", where=f"study {used.study_id}")
    check_arms(used)
    model = GrowthModel(random=random)
    terms = fixed_terms(used, model)
    problem = growth_problem(used, model, terms)
    own = np.bincount(used.animal, weights=reading) / used.readings
    columns, slopes, without = _columns(used, own, reading, time=problem.time, kind=kind)
    if not slopes:
        expected = f"an arm with {FEWEST_PER_ARM} animals or more whose {marker} differs"
        raise DataError(expected, found="none", where=f"study {used.study_id}")
    design = np.column_stack((terms.matrix, *columns.values()))
    _check_rank(design, (*terms.names, *columns), where=f"study {used.study_id}")
    problem = replace(problem, x=design)
    check_problem(used, problem)
    engine = fit_reduced(problem)
    places = {name: len(terms.names) + index for index, name in enumerate(columns)}
    inference = KenwardRoger(engine.derivatives)
    limit = float(used.n_animals - len(used.arms) - len(slopes)) if engine.singular else None
    asker = _Asker(engine, inference, places, limit, level)
    reason = _reason(timing, marker, kind)
    return MarkerGrowth(
        marker=marker,
        control=control,
        kind=kind,
        scale=scale,
        effects=_effects(asker, used, terms, control, slopes, without, places),
        level=level,
        method=inference.method,
        n_animals=used.n_animals,
        n_readings=used.n_observations,
        converged=engine.converged,
        singular=engine.singular,
        status="flagged" if reason else "ok",
        reason=reason,
        remarks=_remarks(data, used, problem, engine, lost, reason),
    )


def _check(
    animal_id: Sequence[str],
    values: FloatArray,
    day: FloatArray | None,
    scale: str,
    level: float,
) -> None:
    k = len(animal_id)
    if values.shape != (k,) or (day is not None and day.shape != (k,)):
        expected = f"a value (and a day, if any) for each of {k} animals named"
        raise InputError(expected, found=f"shapes {values.shape}")
    if np.isinf(values).any() or (day is not None and not np.isfinite(day).all()):
        raise InputError("finite values, or NaN, and finite days", found="others")
    if scale not in get_args(MarkerScale):
        raise InputError("scale 'raw' or 'log'", found=repr(scale))
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")


def _known(
    animal_id: Sequence[str], values: FloatArray, scale: MarkerScale, data: GrowthData, marker: str
) -> tuple[FloatArray, int]:
    """Values on their scale, and how many are of no animal with readings."""
    strange = sum(name not in data.animal_ids for name in animal_id)
    if scale == "raw":
        return values, strange
    low = np.flatnonzero(values <= 0)
    if low.size:
        expected = f"positive values of {marker}, for their logarithms"
        raise InputError(
            expected, found=f"{values[low[0]]:g}", where=f"animal {animal_id[low[0]]}"
        )
    return np.log(values), strange


def _fixed(
    data: GrowthData, animal_id: Sequence[str], values: FloatArray, marker: str
) -> tuple[GrowthData, FloatArray]:
    """Readings of animals with a value, and the value of each reading."""
    own: dict[str, float] = {}
    for name, value in zip(animal_id, values.tolist(), strict=True):
        if name in own:
            expected = f"one value of {marker} for each animal, or their days"
            raise InputError(expected, found="two", where=f"animal {name}")
        own[name] = value
    by_animal = np.array([own.get(name, np.nan) for name in data.animal_ids])
    return _with_marker(data, by_animal[data.animal], marker)


def _varying(
    data: GrowthData,
    animal_id: Sequence[str],
    values: FloatArray,
    day: FloatArray,
    marker: str,
) -> tuple[GrowthData, FloatArray]:
    """Readings with a value on their day, and that value."""
    by_animal: dict[str, list[tuple[float, float]]] = {}
    for name, when, value in zip(animal_id, day.tolist(), values.tolist(), strict=True):
        seen = by_animal.setdefault(name, [])
        if any(abs(other - when) <= SAME_DAY for other, _ in seen):
            expected = f"one value of {marker} for each animal and day"
            raise InputError(expected, found="two", where=f"animal {name}, day {when:g}")
        seen.append((when, value))
    reading = np.full(data.n_observations, np.nan)
    for row, (animal, when) in enumerate(zip(data.animal, data.day, strict=True)):
        for other, value in by_animal.get(data.animal_ids[animal], []):
            if abs(other - when) <= SAME_DAY:
                reading[row] = value
    return _with_marker(data, reading, marker)


def _with_marker(
    data: GrowthData, reading: FloatArray, marker: str
) -> tuple[GrowthData, FloatArray]:
    keep = np.isfinite(reading)
    if not keep.any():
        expected = f"readings of animals with {marker}"
        raise DataError(expected, found="none", where=f"study {data.study_id}")
    return data.select(keep), reading[keep]


def _columns(
    data: GrowthData,
    own: FloatArray,
    reading: FloatArray,
    *,
    time: FloatArray,
    kind: MarkerKind,
) -> tuple[dict[str, FloatArray], list[int], dict[int, str]]:
    """Columns of the marker by name, arms with a slope, and why others have none."""
    centered = own.copy()
    slopes: list[int] = []
    without: dict[int, str] = {}
    for arm in range(len(data.arms)):
        animals = data.animals_of(arm)
        centered[animals] -= own[animals].mean()
        if animals.size < FEWEST_PER_ARM:
            without[arm] = f"{animals.size} animals with the marker in {data.arms[arm]}"
        elif np.ptp(own[animals]) <= _NO_SPREAD * max(1.0, float(np.abs(own).max())):
            without[arm] = f"the marker is the same in all animals of {data.arms[arm]}"
        else:
            slopes.append(arm)
    at_reading = centered[data.animal]
    arm_of = data.arm[data.animal]
    columns = {"level": at_reading}
    for arm in slopes:
        columns[f"rate:{data.arms[arm]}"] = np.where(arm_of == arm, time * at_reading, 0.0)
    if kind == "time_varying":
        within = _within(data, reading)
        if np.abs(within).max() > _NO_SPREAD * max(1.0, float(np.abs(reading).max())):
            columns["within"] = within
    return columns, slopes, without


def _within(data: GrowthData, reading: FloatArray) -> FloatArray:
    """What is left of each value without its animal's mean and its arm's course over the days."""
    left = np.zeros(reading.size)
    arm_of = data.arm[data.animal]
    for arm in range(len(data.arms)):
        rows = np.flatnonzero(arm_of == arm)
        animal = np.unique(data.animal[rows], return_inverse=True)[1]
        day = np.unique(data.day[rows], return_inverse=True)[1]
        design = np.hstack(
            (np.eye(int(animal.max()) + 1)[animal], np.eye(int(day.max()) + 1)[day])
        )
        fitted = design @ np.linalg.lstsq(design, reading[rows], rcond=None)[0]
        left[rows] = reading[rows] - fitted
    return left


def _check_rank(design: FloatArray, names: Sequence[str], *, where: str) -> None:
    """Refuse columns that the ones before them explain."""
    if design.shape[0] < design.shape[1]:
        expected = f"more readings than coefficients ({design.shape[1]})"
        raise DataError(expected, found=f"{design.shape[0]} readings", where=where)
    scaled = design / np.linalg.norm(design, axis=0)
    triangle = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    lost = np.flatnonzero(triangle < _COLLINEAR)
    if lost.size:
        expected = "a marker that the readings can tell from time and arm"
        raise DataError(
            expected, found=f"'{names[lost[0]]}' is explained by the other columns", where=where
        )


@dataclass(frozen=True, slots=True)
class _Asker:
    """Questions to a fit."""

    engine: EngineFit
    inference: KenwardRoger
    places: dict[str, int]
    df_limit: float | None
    level: float

    def ask(
        self,
        effect: MarkerEffectName,
        weights: dict[str, float],
        *,
        arm: str | None = None,
        versus: str | None = None,
    ) -> MarkerEffect:
        """A linear question about the marker's coefficients."""
        row = np.zeros((1, self.engine.coefficients.size))
        for name, weight in weights.items():
            row[0, self.places[name]] = weight
        estimate = float(row[0] @ self.engine.coefficients)
        error = float(np.sqrt(row[0] @ self.inference.covariance @ row[0]))
        df = float(self.inference.df(row)[0])
        if self.df_limit is not None:
            df = min(df, self.df_limit)
        reach = float(special.stdtrit(df, 0.5 + self.level / 2)) * error
        return MarkerEffect(
            effect=effect,
            arm=arm,
            versus=versus,
            estimate=estimate,
            std_error=error,
            df=df,
            lower=estimate - reach,
            upper=estimate + reach,
            p_value=float(2 * special.stdtr(df, -abs(estimate) / error)),
        )


def _effects(
    asker: _Asker,
    data: GrowthData,
    terms: FixedTerms,
    control: str,
    slopes: list[int],
    without: dict[int, str],
    places: dict[str, int],
) -> tuple[MarkerEffect, ...]:
    found = [asker.ask("level", {"level": 1.0})]
    own = data.arms.index(control)
    for arm in (own, *(a for a in range(len(terms.arms)) if a != own)):
        name = data.arms[arm]
        effect: MarkerEffectName = "prognostic" if arm == own else "within_arm"
        if arm in slopes:
            found.append(asker.ask(effect, {f"rate:{name}": 1.0}, arm=name))
        else:
            found.append(_missing(effect, name, None, without[arm]))
    for arm in range(len(data.arms)):
        if arm == own:
            continue
        name = data.arms[arm]
        if arm in slopes and own in slopes:
            weights = {f"rate:{name}": 1.0, f"rate:{control}": -1.0}
            found.append(asker.ask("predictive", weights, arm=name, versus=control))
        else:
            why = without.get(arm) or without[own]
            found.append(_missing("predictive", name, control, why))
    if "within" in places:
        found.append(asker.ask("within", {"within": 1.0}))
    return tuple(found)


def _missing(effect: MarkerEffectName, arm: str, versus: str | None, reason: str) -> MarkerEffect:
    return MarkerEffect(
        effect=effect,
        arm=arm,
        versus=versus,
        estimate=None,
        std_error=None,
        df=None,
        lower=None,
        upper=None,
        p_value=None,
        status="not_estimable",
        reason=reason,
    )


def _reason(timing: MarkerTiming | None, marker: str, kind: MarkerKind) -> str:
    """Why the marker is no predictor; empty where it may be one."""
    reason = timing.reason(marker) if timing else ""
    if reason and kind == "time_varying":
        reason += "; its effects here are associations over time"
    return reason


def _remarks(
    data: GrowthData,
    used: GrowthData,
    problem: Problem,
    engine: EngineFit,
    lost: int,
    reason: str,
) -> tuple[Remark, ...]:
    remarks: list[Remark] = []
    if reason:
        remarks.append(Remark(code=MEASURED_AFTER_TREATMENT, message=reason))
    below = int(data.below_limit.sum())
    if below:
        message = f"{below} readings that are gone or below the limit were left out"
        remarks.append(Remark(code="below_limit_omitted", message=message))
    if data.n_animals > used.n_animals:
        message = f"{data.n_animals - used.n_animals} of {data.n_animals} animals lack the marker"
        remarks.append(Remark(code="animals_not_used", message=message))
    if lost:
        message = f"{lost} values of the marker are of animals without readings"
        remarks.append(Remark(code="values_not_used", message=message))
    if not engine.converged:
        message = f"the likelihood was not maximized in {engine.iterations} steps"
        remarks.append(Remark(code="not_converged", message=message))
    if engine.singular:
        message = "a variance between animals is zero or a correlation one; degrees of freedom "
        message += "are at most animals minus arms minus slopes of the marker"
        remarks.append(Remark(code="singular_fit", message=message))
    if problem.arm.size and np.bincount(problem.animal).max() <= 2:
        message = "no animal has more than two readings: the spread between and within animals "
        message += "cannot be told apart"
        remarks.append(Remark(code="variances_not_separate", message=message))
    return tuple(remarks)
