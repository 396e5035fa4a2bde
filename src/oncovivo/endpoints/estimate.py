"""The result of one endpoint in one arm, and why a number is missing."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.intervals import IntervalMethod

__all__ = ["EndpointEstimate", "EndpointStatus", "Quantity"]

EndpointStatus: TypeAlias = Literal[
    "ok", "flagged", "undefined", "not_reached", "unbounded", "not_estimable"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number with its interval, before it is filed under an arm and an endpoint.

    Parameters
    ----------
    estimate : float or None
        None where there is no number; `reason` says why.
    lower, upper : float or None
        Interval; None where it has no such limit.
    method : IntervalMethod
        How the interval was made, ``none`` without one.
    status : EndpointStatus
        ``ok`` only without a remark.
    remarks : tuple of str
        Why a number is missing, or what to know about it.
    n_treated, n_control : int
        Animals that entered.
    day : float, optional
        Study day, where the endpoint has one of its own.
    greater_than : float, optional
        What the estimate exceeds, where it was not reached.
    """

    estimate: float | None
    lower: float | None = None
    upper: float | None = None
    method: IntervalMethod = "none"
    status: EndpointStatus = "ok"
    remarks: tuple[str, ...] = ()
    n_treated: int = 0
    n_control: int = 0
    day: float | None = None
    greater_than: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEstimate:
    """One endpoint of one arm.

    Parameters
    ----------
    arm : str
        Name of the arm.
    versus : str or None
        Control arm of a contrast, None for an endpoint of the arm alone.
    endpoint : str
        Name from :data:`oncovivo.endpoints.ENDPOINTS`, with the target for times to an event.
        Names ending in ``_pct`` are percent, all other shares fractions.
    day : float or None
        Study day that the endpoint speaks of; None where it speaks of the whole follow-up or no
        day could be chosen.
    estimate, lower, upper : float or None
        Number and interval; None where there is none, with a `reason`.
    level : float
        Confidence of the interval.
    n_treated, n_control : int
        Animals of the arm and of the control that entered; 0 controls for an arm alone.
    method : IntervalMethod
        How the interval was made.
    status : EndpointStatus
        ``ok``; ``flagged``: a number with something to know about it; ``undefined``: the
        definition does not apply; ``not_reached``: see `greater_than`; ``unbounded``: the interval
        has no limit on at least one side; ``not_estimable``: too few animals or readings.
    reason : str
        What is missing or flagged, and why; empty when ``ok``.
    greater_than : float or None
        What the estimate exceeds, where it was not reached.
    """

    arm: str
    versus: str | None
    endpoint: str
    day: float | None
    estimate: float | None
    lower: float | None
    upper: float | None
    level: float
    n_treated: int
    n_control: int
    method: IntervalMethod
    status: EndpointStatus
    reason: str
    greater_than: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def finite(value: float | NDArray[np.float64]) -> float | None:
    """The number, or None for an infinite one or NaN."""
    number = float(value)
    return number if math.isfinite(number) else None
