"""Curves that null models foresee for a combination, beside the fitted ones.

Every curve starts where the combination's own fitted curve does, so that what differs is growth.

References
----------
Bliss CI. Ann Appl Biol 1939;26:585. Laska EM, Meisner MJ. Biometrics 1989;45:1139 (the better of
two partners).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination.bliss import bliss_signs
from oncovivo.combination.index_day import index_time
from oncovivo.combination.result import Null
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.curves import GroupCurves, group_curves
from oncovivo.growth.data import GrowthData
from oncovivo.growth.fit import GrowthFit

__all__ = ["ForeseenCurve", "ForeseenPoint", "ObservedExpected", "observed_expected"]

FloatArray: TypeAlias = NDArray[np.float64]

_POINTS: Final = 31
# Sizes that floating point holds.
_LARGEST_LOG: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenPoint:
    """What a null model foresees for a day.

    Parameters
    ----------
    day : float
        Study day.
    mean : float or None
        Geometric mean size; None where nothing above zero is foreseen.
    lower, upper : float or None
        Limits of this day alone; a missing lower one is at or below zero.
    """

    day: float
    mean: float | None
    lower: float | None
    upper: float | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"day": self.day, "mean": self.mean, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenCurve:
    """The curve of a null model.

    Parameters
    ----------
    null : {"bliss", "hsa", "response_additivity"}
        Null model.
    points : tuple of ForeseenPoint
        By day; empty where the readings only bound the rate of an arm that it rests on.
    """

    null: Null
    points: tuple[ForeseenPoint, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"null": self.null, "points": [point.to_dict() for point in self.points]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedExpected:
    """Fitted curves of a combination's arms, and what null models foresee.

    Parameters
    ----------
    arms : CombinationArms
        Roles.
    level : float
        Confidence of the bands, on each day alone.
    curves : GroupCurves
        Of all arms of the fit, and the animals.
    foreseen : tuple of ForeseenCurve
        By null model.
    last_day : float
        Last study day on which each of the arms was read: curves are foreseen up to it.
    """

    arms: CombinationArms
    level: float
    curves: GroupCurves
    foreseen: tuple[ForeseenCurve, ...]
    last_day: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arms": self.arms.to_dict(),
            "level": self.level,
            "curves": self.curves.to_dict(),
            "foreseen": [curve.to_dict() for curve in self.foreseen],
            "last_day": self.last_day,
        }


def observed_expected(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    nulls: Sequence[Null] = ("bliss", "hsa", "response_additivity"),
    data: GrowthData | None = None,
    level: float = 0.95,
) -> ObservedExpected:
    """The combination's fitted curve and those that null models foresee for it.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    nulls : sequence of {"bliss", "hsa", "response_additivity"}
        Null models, each once.
    data : GrowthData, optional
        The study's readings with those below the limit, which a fit may have left out.
    level : float
        Confidence of the bands, on each day alone.

    Raises
    ------
    InputError
        If a null model is none or named twice, there is none, an arm is not in the fit, or the
        level is not between 0 and 1.

    Notes
    -----
    The band of the highest single agent holds for the better partner without knowing which one
    it is: the lower limit is the lowest of the partners', the upper one the lowest at half the
    error each. The band of response additivity is symmetric in the size itself, since a sum of
    sizes less the control's may be below zero.
    """
    known = get_args(Null)
    if not nulls or len(set(nulls)) < len(nulls) or not set(nulls) <= set(known):
        expected = "null models, each once: " + ", ".join(known)
        raise InputError(expected, found=", ".join(nulls) or "none")
    own = (arms.control, *arms.partners, arms.combination)
    numbers = [fit.data.arm_number(name) for name in own]
    end, _ = index_time(fit, numbers, None)
    time = np.linspace(0.0, end, _POINTS)
    lost = fit.arms_without_rate & set(own)
    return ObservedExpected(
        arms=arms,
        level=level,
        curves=group_curves(fit, data=data, level=level),
        foreseen=tuple(
            ForeseenCurve(
                null=null,
                points=() if lost else _points(fit, numbers, time, null=null, level=level),
            )
            for null in nulls
        ),
        last_day=fit.data.baseline_day + end,
    )


def _points(
    fit: GrowthFit, numbers: Sequence[int], time: FloatArray, *, null: Null, level: float
) -> tuple[ForeseenPoint, ...]:
    start = fit.terms.curve(numbers[-1], np.zeros(1))
    growth = [
        fit.terms.curve(number, time) - fit.terms.curve(number, np.zeros(1)) for number in numbers
    ]
    control, partners = growth[0], growth[1:-1]
    if null == "bliss":
        # What is foreseen is the combination less (observed less foreseen).
        signs = bliss_signs(len(partners))
        rows = start - sum(sign * own for sign, own in zip(signs[:-1], growth[:-1], strict=True))
        found = fit.contrasts(rows, level=level)
        columns = (found.estimate, *_limits(found.estimate, found.lower, found.upper))
        return _as_points(fit, time, *(_size(column) for column in columns))
    if null == "hsa":
        means, lowers, uppers = [], [], []
        for own in partners:
            found = fit.contrasts(start + own, level=level)
            reach = special.stdtrit(found.df, 1 - (1 - level) / (2 * len(partners)))
            means.append(found.estimate)
            limits = _limits(found.estimate, found.lower, found.estimate + reach * found.std_error)
            lowers.append(limits[0])
            uppers.append(limits[1])
        lowest = [np.min(columns, axis=0) for columns in (means, lowers, uppers)]
        return _as_points(fit, time, *(_size(column) for column in lowest))
    return _additive(fit, time, start, control, partners, level)


def _additive(
    fit: GrowthFit,
    time: FloatArray,
    start: FloatArray,
    control: FloatArray,
    partners: Sequence[FloatArray],
    level: float,
) -> tuple[ForeseenPoint, ...]:
    """Sum of the partners' sizes less the control's, by the delta method on sizes."""
    rows = [start + own for own in partners]
    sizes = [_size(own @ fit.coefficients) for own in rows]
    rest = start + control
    of_control = (len(partners) - 1) * _size(rest @ fit.coefficients)
    mean = np.sum(sizes, axis=0) - of_control
    slopes = sum(size[:, None] * own for size, own in zip(sizes, rows, strict=True))
    slopes = slopes - of_control[:, None] * rest
    found = fit.contrasts(np.asarray(slopes), level=level)
    reach = np.where(
        found.std_error > 0, special.stdtrit(found.df, 0.5 + level / 2) * found.std_error, 0.0
    )
    return _as_points(fit, time, mean, mean - reach, mean + reach)


def _limits(
    estimate: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Limits, or the estimate where nothing is estimated, as at the origin of the ratio model."""
    return (
        np.where(np.isfinite(lower), lower, estimate),
        np.where(np.isfinite(upper), upper, estimate),
    )


def _size(log_size: FloatArray) -> FloatArray:
    return np.exp(np.clip(log_size, -_LARGEST_LOG, _LARGEST_LOG))


def _as_points(
    fit: GrowthFit, time: FloatArray, mean: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[ForeseenPoint, ...]:
    days = fit.data.baseline_day + time
    return tuple(
        ForeseenPoint(
            day=day,
            mean=_above_zero(center),
            lower=_above_zero(low),
            upper=_above_zero(high),
        )
        for day, center, low, high in np.column_stack((days, mean, lower, upper)).tolist()
    )


def _above_zero(size: float) -> float | None:
    return size if size > 0 else None
