"""What a null model compares: the rate, the size on a day or the area of each arm, as logs.

Model-based inhibition of a day is 100 (1 - R/R_C), R the size relative to the start. Every null
model foresees a size, and the control cancels between it and the size observed: estimate, test and
index on the inhibition are those on the relative size, and only what was observed and foreseen is
told as an inhibition. With straight log curves the rate is the same question for Bliss and for the
highest single agent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.result import Scale
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.effects import last_time
from oncovivo.growth.fit import GrowthFit, GrowthWarning

__all__ = [
    "GROWTH_SCALES",
    "ArmQuantities",
    "Question",
    "arm_quantities",
    "pose",
]

FloatArray: TypeAlias = NDArray[np.float64]

GROWTH_SCALES: Final[tuple[Scale, ...]] = ("growth_rate", "relative_volume", "tgi", "auc")
"""Scales that a growth fit answers on."""

# Exact for the area under exponentials that grow or shrink a millionfold within a piece.
_NODES: Final = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmQuantities:
    """A quantity of k arms with its slopes by the p coefficients.

    Parameters
    ----------
    value : ndarray, shape (k,)
        Rate, log of the relative size, or log of its mean over the days.
    slopes : ndarray, shape (k, p)
        By the coefficients.
    """

    value: FloatArray
    slopes: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A combination, the arms' numbers in a fit, and the day that is asked about.

    Parameters
    ----------
    arms : CombinationArms
        Roles.
    control, combination : int
        Numbers of the arms.
    partners : tuple of int
        Numbers of the partners' arms.
    scale : Scale
        What is compared.
    time, day : float
        Days since baseline, and study day.
    level : float
        Confidence.
    warnings : tuple of GrowthWarning
        Of the fit, and of the control.
    unbounded : bool
        Whether the readings only bound the rate of one of the arms.
    """

    arms: CombinationArms
    control: int
    combination: int
    partners: tuple[int, ...]
    scale: Scale
    time: float
    day: float
    level: float
    warnings: tuple[GrowthWarning, ...]
    unbounded: bool

    @property
    def index_time(self) -> float:
        """What turns an estimate on the scale into the log of an index."""
        return self.time if self.scale == "growth_rate" else 1.0


def pose(
    fit: GrowthFit,
    arms: CombinationArms,
    *,
    scale: Scale,
    day: float | None = None,
    level: float = 0.95,
) -> Question:
    """Check a question against a fit.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arms : CombinationArms
        Roles.
    scale : {"growth_rate", "relative_volume", "tgi", "auc"}
        What is compared.
    day : float, optional
        Study day; else the last on which each of the arms was read.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If an arm is not in the fit, the day is not after the baseline, or scale or level is none.
    """
    if scale not in GROWTH_SCALES:
        expected = "a scale of growth: " + ", ".join(GROWTH_SCALES)
        events = scale in get_args(Scale)
        mend = "hazards and medians are asked of times to an event" if events else ""
        raise InputError(expected, found=repr(scale), mend=mend)
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    data = fit.data
    control = data.arm_number(arms.control)
    partners = tuple(data.arm_number(name) for name in arms.partners)
    combination = data.arm_number(arms.combination)
    numbers = (control, *partners, combination)
    common = min(last_time(fit, number) for number in numbers)
    time = common if day is None else day - data.baseline_day
    if not (math.isfinite(time) and time > 0):
        expected = f"a day after the baseline, day {data.baseline_day:g}"
        found = f"day {data.baseline_day + time:g}"
        raise InputError(expected, found=found, where=f"study {data.study_id}")
    own = (arms.control, *arms.partners, arms.combination)
    warnings = list(fit.warnings)
    unbounded = bool(fit.arms_without_rate & set(own))
    if time > common * (1 + 1e-9):
        message = f"not every arm was read up to day {data.baseline_day + time:g}: curves carry on"
        warnings.append(GrowthWarning(code="beyond_readings", message=message))
    if not unbounded:
        growth = fit.contrasts(fit.terms.rate(control, end=time), level=level)
        if not growth.lower[0] > 0:
            message = "the control's growth does not differ from zero"
            warnings.append(
                GrowthWarning(code="control_not_growing", message=message, arm=arms.control)
            )
    return Question(
        arms=arms,
        control=control,
        combination=combination,
        partners=partners,
        scale=scale,
        time=time,
        day=data.baseline_day + time,
        level=level,
        warnings=tuple(warnings),
        unbounded=unbounded,
    )


def arm_quantities(
    fit: GrowthFit, numbers: Sequence[int], *, scale: Scale, time: float
) -> ArmQuantities:
    """The quantity of some arms on a scale.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    numbers : sequence of int, length k
        Arms.
    scale : {"growth_rate", "relative_volume", "tgi", "auc"}
        Which quantity; that of ``tgi`` is the relative size.
    time : float
        Days since baseline.
    """
    if scale == "auc":
        areas = [_log_mean_size(fit, number, time) for number in numbers]
        return ArmQuantities(
            value=np.array([value for value, _ in areas]),
            slopes=np.stack([slopes for _, slopes in areas]),
        )
    factor = 1.0 if scale == "growth_rate" else time
    slopes = factor * np.stack([fit.terms.rate(number, end=time) for number in numbers])
    return ArmQuantities(value=slopes @ fit.coefficients, slopes=slopes)


def _log_mean_size(fit: GrowthFit, number: int, time: float) -> tuple[float, FloatArray]:
    """Log of the mean relative size from 0 to a time, and its slopes by the coefficients."""
    terms = fit.terms
    inner = [knot for knot in (*terms.shape.knots, terms.end) if 0 < knot < time]
    edges = np.unique([0.0, *inner, time])
    half = np.diff(edges) / 2
    nodes, share = _NODES
    points = (edges[:-1, None] + half[:, None] * (nodes + 1)).ravel()
    weight = (half[:, None] * share).ravel() / time
    rows = terms.curve(number, points) - terms.curve(number, np.zeros(1))
    logs = rows @ fit.coefficients
    shares = weight * np.exp(logs - logs.max())
    total = float(shares.sum())
    return float(logs.max()) + math.log(total), np.asarray(shares @ rows / total)
