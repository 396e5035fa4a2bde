"""Difference of each arm's curve from the control's over days, with a band that holds as a whole.

Testing every day separately finds a difference somewhere far too often. Here the largest of the
days' t statistics is what must stay inside, so one may look along the band for a first day.

References
----------
Hothorn T, et al. Biom J 2008;50:346 (simultaneous inference in a fitted model).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import Contrasts, GrowthFit
from oncovivo.numerics.multivariate_t import max_t_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BandFamily",
    "CurveDifference",
    "DifferenceBand",
    "DifferenceBands",
    "difference_bands",
]

FloatArray: TypeAlias = NDArray[np.float64]
BandFamily: TypeAlias = Literal["arm", "all"]

# A difference whose standard error is below this share of the largest is fixed by the model.
_FIXED: Final = 1e-9
# Days whose differences are correlated beyond this ask one question.
_ONE_QUESTION: Final = 1 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveDifference:
    """Difference of two group curves on one day.

    Parameters
    ----------
    day : float
        Study day.
    estimate : float
        Log of the ratio of the geometric mean sizes, arm over control.
    std_error : float
        Of the estimate.
    lower, upper : float
        Interval of this day alone.
    lower_simultaneous, upper_simultaneous : float
        Of the band.
    """

    day: float
    estimate: float
    std_error: float
    lower: float
    upper: float
    lower_simultaneous: float
    upper_simultaneous: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceBand:
    """The band of one arm against the control.

    Parameters
    ----------
    arm, versus : str
        Arm and control.
    days : tuple of CurveDifference
        By day, those on which the model leaves the difference open.
    first_day : float or None
        First of the days whose band excludes no difference; None where none does, or where the
        model makes all days one question.
    reason : str
        Why there is no first day.
    df : float or None
        Degrees of freedom, the smallest of the days.
    critical : float or None
        Multiple of the standard error that the band reaches; None without a day.
    """

    arm: str
    versus: str
    days: tuple[CurveDifference, ...]
    first_day: float | None
    reason: str
    df: float | None
    critical: float | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceBands:
    """The bands of all arms against the control.

    Parameters
    ----------
    study_id, line, control : str
        Study, xenograft line and control arm.
    level : float
        Confidence of each interval, and of each band as a whole.
    family : {"arm", "all"}
        Whether each arm's band holds over its days, or all bands hold together.
    bands : tuple of DifferenceBand
        By arm.
    """

    study_id: str
    line: str
    control: str
    level: float
    family: BandFamily
    bands: tuple[DifferenceBand, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)

    def to_frame(self) -> pd.DataFrame:
        """A row for each arm and day."""
        import pandas as pd

        return pd.DataFrame(
            [
                {"arm": band.arm, "versus": band.versus, **found.to_dict()}
                for band in self.bands
                for found in band.days
            ]
        )


def difference_bands(
    fit: GrowthFit,
    control: str,
    *,
    days: Sequence[float] | None = None,
    level: float = 0.95,
    family: BandFamily = "arm",
) -> DifferenceBands:
    """Bands of the difference of each arm's curve from the control's.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    control : str
        Control arm.
    days : sequence of float, optional
        Study days, from the baseline on; else those on which an animal of the arm or of the
        control was read, up to the day on which the first of the two was read last.
    level : float
        Confidence.
    family : {"arm", "all"}
        Over what the error is held: the days of each arm, or those of all arms.

    Raises
    ------
    InputError
        If the control is no arm or there is no other, a day is before the baseline, or the level
        or the family is none.
    """
    data = fit.data
    reference = data.arm_number(control)
    where = f"study {data.study_id}"
    if len(data.arms) < 2:
        expected = "an arm beside the control"
        raise InputError(expected, found="none", where=where)
    if family not in get_args(BandFamily):
        expected = "a family: " + ", ".join(get_args(BandFamily))
        raise InputError(expected, found=repr(family))
    others = [number for number in range(len(data.arms)) if number != reference]
    times = [_times(fit, number, reference, days) for number in others]
    weights = [
        fit.terms.curve(number, time) - fit.terms.curve(reference, time)
        for number, time in zip(others, times, strict=True)
    ]
    open_ = [_left_open(fit, rows) for rows in weights]
    times = [time[use] for time, use in zip(times, open_, strict=True)]
    weights = [rows[use] for rows, use in zip(weights, open_, strict=True)]
    joint = _joint(fit, np.vstack(weights), level) if family == "all" else None
    return DifferenceBands(
        study_id=data.study_id,
        line=data.line,
        control=control,
        level=level,
        family=family,
        bands=tuple(
            _band(fit, (number, reference), time, rows, level=level, joint=joint)
            for number, time, rows in zip(others, times, weights, strict=True)
        ),
    )


def _times(fit: GrowthFit, arm: int, control: int, days: Sequence[float] | None) -> FloatArray:
    """Times of a band, rising, days since baseline."""
    data = fit.data
    if days is None:
        of_pair = np.isin(data.arm[data.animal], (arm, control))
        end = min(last_time(fit, arm), last_time(fit, control))
        time = np.unique(data.time[of_pair])
        return np.asarray(time[time <= end])
    time = np.unique(np.asarray(days, dtype=np.float64)) - data.baseline_day
    if not (time.size and np.isfinite(time).all() and time[0] >= 0):
        expected = f"days from the baseline on, day {data.baseline_day:g}"
        found = ", ".join(f"{day:g}" for day in days) or "none"
        raise InputError(expected, found=found, where=f"study {data.study_id}")
    return np.asarray(time)


def _left_open(fit: GrowthFit, weights: FloatArray) -> NDArray[np.bool_]:
    """Days on which the difference is not fixed, as it is at a baseline that arms share."""
    covariance = fit.inference.covariance
    error = np.sqrt(np.maximum(np.einsum("ip,pq,iq->i", weights, covariance, weights), 0.0))
    return np.asarray(error > _FIXED * error.max(initial=0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Joint:
    """How far the days of a family reach together."""

    critical: float
    df: float


def _joint(fit: GrowthFit, weights: FloatArray, level: float) -> _Joint | None:
    """What the largest |t| of some days stays below; None without a day."""
    if not len(weights):
        return None
    found = fit.contrasts(weights, level=level)
    df = float(found.df.min())
    return _Joint(critical=max_t_quantile(_correlation(found), df, level), df=df)


def _correlation(found: Contrasts) -> FloatArray:
    scaled = found.covariance / np.outer(found.std_error, found.std_error)
    correlation = np.clip((scaled + scaled.T) / 2, -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(correlation)


def _band(
    fit: GrowthFit,
    pair: tuple[int, int],
    time: FloatArray,
    weights: FloatArray,
    *,
    level: float,
    joint: _Joint | None,
) -> DifferenceBand:
    """The band of one arm, its own or that of a wider family."""
    names = [fit.data.arms[number] for number in pair]
    held = joint or _joint(fit, weights, level)
    if held is None or not time.size:
        return DifferenceBand(
            arm=names[0],
            versus=names[1],
            days=(),
            first_day=None,
            reason="no day on which the model leaves the difference open",
            df=None,
            critical=None,
        )
    found = fit.contrasts(weights, level=level)
    reach = held.critical * found.std_error
    columns = np.column_stack(
        (
            fit.data.baseline_day + time,
            found.estimate,
            found.std_error,
            found.lower,
            found.upper,
            found.estimate - reach,
            found.estimate + reach,
        )
    )
    rows = tuple(
        CurveDifference(
            day=day,
            estimate=estimate,
            std_error=error,
            lower=lower,
            upper=upper,
            lower_simultaneous=low,
            upper_simultaneous=high,
        )
        for day, estimate, error, lower, upper, low, high in columns.tolist()
    )
    first, reason = _first_day(rows, np.abs(_correlation(found)))
    return DifferenceBand(
        arm=names[0],
        versus=names[1],
        days=rows,
        first_day=first,
        reason=reason,
        df=held.df if math.isfinite(held.df) else None,
        critical=held.critical,
    )


def _first_day(
    rows: tuple[CurveDifference, ...], strength: FloatArray
) -> tuple[float | None, str]:
    """First day whose band excludes no difference, or why there is none."""
    outside = [row.day for row in rows if row.lower_simultaneous > 0 or row.upper_simultaneous < 0]
    if len(rows) > 1 and strength.min() > _ONE_QUESTION:
        return None, "straight lines from one start differ on every day or on none"
    if not outside:
        return None, "the band includes no difference on every day"
    return outside[0], ""
