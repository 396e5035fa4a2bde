"""Tumor growth inhibition on a day by ways that forget who left, beside the model's.

A mean over the animals that are left compares the smaller tumors; the last observation carried
forward lets a tumor stop growing on the day its animal leaves. Both understate an effect when
large tumors leave (``validation/growth/dropout.py`` measures by how much), and are here for
contrast only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.estimate import EndpointStatus, Quantity
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.tgi import tgi_delta
from oncovivo.growth.data import SAME_DAY
from oncovivo.growth.effects import growth_effects
from oncovivo.growth.fit import GrowthFit

__all__ = ["DayFigure", "DayWay", "carried_forward", "day_figures", "log_change_at"]

DayWay: TypeAlias = Literal["model_arithmetic", "model_geometric", "survivors_only", "locf"]

AREAS_ONLY: Final = "the study has areas only: no volumes to average"
_OF_MODEL: Final[Mapping[str, DayWay]] = {
    "tgi_delta_arithmetic_pct": "model_arithmetic",
    "tgi_delta_geometric_pct": "model_geometric",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigure:
    """Tumor growth inhibition from growth up to a day, one way.

    Parameters
    ----------
    way : {"model_arithmetic", "model_geometric", "survivors_only", "locf"}
        ``model_arithmetic``, ``model_geometric``: means under the fitted model, all animals until
        they left. ``survivors_only``: means of the animals measured on the day. ``locf``: the same
        with the last reading of animals that left carried forward.
    role : {"result", "contrast for sensitivity only"}
        What it may be used for.
    estimate, lower, upper : float or None
        Percent, 100 (1 - growth over the control's growth); None where there is none.
    n_treated, n_control : int
        Animals that entered.
    status : EndpointStatus
        ``ok``, ``flagged``, ``undefined``, ``unbounded`` or ``not_estimable``.
    reason : str
        What is missing or flagged; empty when ``ok``.
    """

    way: DayWay
    role: Literal["result", "contrast for sensitivity only"]
    estimate: float | None
    lower: float | None
    upper: float | None
    n_treated: int
    n_control: int
    status: EndpointStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)

    def excludes_zero(self) -> bool:
        """Whether there is an interval and it does not hold 0."""
        return (
            self.lower is not None and self.upper is not None and not self.lower <= 0 <= self.upper
        )


def carried_forward(arm: ArmCurves, day: float) -> ArmCurves:
    """The arm with each animal's last reading up to a day taken as its reading on the day.

    Parameters
    ----------
    arm : ArmCurves
        Readings of an arm.
    day : float
        Study day.

    Returns
    -------
    ArmCurves
        Baseline and day only; an animal without a reading from its baseline to the day has none.
    """
    shape = (arm.n, 2)
    days, sizes = np.full(shape, np.nan), np.full(shape, np.nan)
    lifted = np.zeros(shape, dtype=bool)
    use = arm.window(day)
    for row in range(arm.n):
        known = np.flatnonzero(use[row])
        if not known.size:
            continue
        first, last = int(known[0]), int(known[-1])
        days[row] = arm.day[row, first], day
        sizes[row] = arm.size[row, first], arm.size[row, last]
        lifted[row] = arm.lifted[row, first], arm.lifted[row, last]
    return replace(arm, day=days, size=sizes, lifted=lifted)


def day_figures(
    fit: GrowthFit,
    curves: Mapping[str, ArmCurves],
    arm: str,
    control: str,
    *,
    time: float,
    level: float,
) -> tuple[DayFigure, ...]:
    """The model's inhibition on a day, that of the survivors, and that of carried readings.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    curves : mapping of str to ArmCurves
        Readings of the study by arm.
    arm, control : str
        The two arms.
    time : float
        Days since baseline.
    level : float
        Confidence of the intervals.
    """
    if fit.data.measure == "area_mm2":
        ways: tuple[DayWay, ...] = (
            "model_arithmetic",
            "model_geometric",
            "survivors_only",
            "locf",
        )
        return tuple(_figure(way, _nothing(AREAS_ONLY)) for way in ways)
    day = fit.data.baseline_day + time
    numbers = fit.data.arm_number(arm), fit.data.arm_number(control)
    sizes = np.bincount(fit.problem.arm, minlength=len(fit.data.arms))
    figures = [
        DayFigure(
            way=_OF_MODEL[effect.effect],
            role="result",
            estimate=effect.estimate,
            lower=effect.lower,
            upper=effect.upper,
            n_treated=int(sizes[numbers[0]]),
            n_control=int(sizes[numbers[1]]),
            status=effect.status,
            reason=effect.reason,
        )
        for effect in growth_effects(fit, *numbers, time=time, level=level)
        if effect.effect in _OF_MODEL
    ]
    figures.sort(key=lambda figure: figure.way)
    # No resampling: limits of a ratio of mean changes are Fieller's.
    settings = IntervalSettings(level=level, draws=1, seed=0)
    treated, against = curves[arm], curves[control]
    survivors = tgi_delta(treated, against, settings, day=day)
    carried = tgi_delta(
        carried_forward(treated, day), carried_forward(against, day), settings, day=day
    )
    return (*figures, _figure("survivors_only", survivors), _figure("locf", carried))


def _figure(way: DayWay, found: Quantity) -> DayFigure:
    """A quantity as percent."""

    def percent(value: float | None) -> float | None:
        return None if value is None else 100 * value

    return DayFigure(
        way=way,
        role="contrast for sensitivity only" if way in ("survivors_only", "locf") else "result",
        estimate=percent(found.estimate),
        lower=percent(found.lower),
        upper=percent(found.upper),
        n_treated=found.n_treated,
        n_control=found.n_control,
        status=found.status,
        reason="; ".join(found.remarks),
    )


def _nothing(reason: str) -> Quantity:
    return Quantity(estimate=None, status="not_estimable", remarks=(reason,))


def log_change_at(arm: ArmCurves, day: float) -> tuple[float | None, ...]:
    """Change of log size from each animal's baseline to a day; None where it is not known.

    On a day without a reading of its own, between two readings, the line between their logs.
    """
    changes: list[float | None] = []
    for row in range(arm.n):
        use = arm.window()[row]
        days, logs = arm.day[row][use], arm.log_size[row][use]
        inside = days.size and days[0] - SAME_DAY <= day <= days[-1] + SAME_DAY
        if not inside or np.isnan(arm.baseline[row]):
            changes.append(None)
            continue
        changes.append(float(np.interp(day, days, logs) - np.log(arm.baseline[row])))
    return tuple(changes)
