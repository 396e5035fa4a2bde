"""A question about a combination and the time to an event: its animals, arms and designs.

Only the animals of the arms of the question are looked at. A design codes the arms so that its
last column is what is asked about, in a Cox model and in an accelerated one alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.combination.result import Scale
from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthWarning
from oncovivo.survival.events import SurvivalData

__all__ = [
    "METHODS",
    "Contrast",
    "EventMethod",
    "EventQuestion",
    "EventScale",
    "bliss_design",
    "partner_design",
    "pose_event",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
EventScale: TypeAlias = Literal["hazard", "median_survival"]
EventMethod: TypeAlias = Literal[
    "relabeled", "penalized", "wald", "kaplan_meier", "weibull", "lognormal", "loglogistic"
]

METHODS: Final[dict[EventScale, tuple[EventMethod, ...]]] = {
    "hazard": ("relabeled", "penalized", "wald"),
    "median_survival": ("kaplan_meier", "weibull", "lognormal", "loglogistic"),
}
"""How the null models on each scale can be tested; the first is taken unless one is asked for."""

# Below one half a one-sided limit would lie on the wrong side of the estimate.
_LEAST_LEVEL: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """A log ratio with its tests, from any of the methods; below 0 is synergy.

    Parameters
    ----------
    estimate, std_error, df : float or None
        None where there is none.
    two_sided, less : float or None
        P values: of 0, and of 0 or more.
    limits : callable
        Lower and upper limit from the error that each of them has; infinite where open.
    detectable : callable
        From the confidence of a two-sided test, the difference that it finds with 80 % power;
        None where unknown.
    method : str
        How it was made.
    reason : str
        What is missing or flagged; empty otherwise.
    """

    estimate: float | None
    std_error: float | None
    df: float | None
    two_sided: float | None
    less: float | None
    limits: Callable[[float], tuple[float, float]]
    detectable: Callable[[float], float | None]
    method: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventQuestion:
    """The animals of a question, with the role of each one's arm.

    Parameters
    ----------
    arms : CombinationArms
        Roles.
    scale : {"hazard", "median_survival"}
        What is compared.
    method : EventMethod
        How.
    level : float
        Confidence.
    role : ndarray of int, shape (n,)
        0 for the control, 1 to k for the partners, k + 1 for the combination.
    order : tuple of int
        Roles in the order of the study's arms: what is drawn follows it, so that partners can be
        named in any order.
    time, lower, upper : ndarray, shape (n,)
        Time of the event or of the end of observation, and the interval it lies in.
    event : ndarray of bool, shape (n,)
        Whether the event happened.
    entry : ndarray, shape (n,), or None
        When each animal came under observation, where one came late.
    strata, cluster : ndarray of int, shape (n,), or None
        Stratum of each animal, and the cage or litter it shares.
    warnings : tuple of GrowthWarning
        What to know about the animals.
    """

    arms: CombinationArms
    scale: EventScale
    method: EventMethod
    level: float
    role: IntArray
    order: tuple[int, ...]
    time: FloatArray
    lower: FloatArray
    upper: FloatArray
    event: BoolArray
    entry: FloatArray | None
    strata: IntArray | None
    cluster: IntArray | None
    warnings: tuple[GrowthWarning, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Arms by their roles."""
        return (self.arms.control, *self.arms.partners, self.arms.combination)

    @property
    def n_partners(self) -> int:
        """Two or three."""
        return len(self.arms.partners)

    @property
    def spare(self) -> int:
        """Animals less arms."""
        return self.role.size - len(self.names)


def bliss_design(n_partners: int) -> FloatArray:
    """Rows of the roles whose last column is combination less partners plus control.

    Parameters
    ----------
    n_partners : int
        Two or three.

    Returns
    -------
    ndarray, shape (k + 2, k + 1)

    Examples
    --------
    >>> bliss_design(2).astype(int)
    array([[0, 0, 0],
           [1, 0, 0],
           [0, 1, 0],
           [1, 1, 1]])
    """
    rows = np.eye(n_partners + 2)[:, 1:]
    rows[-1] = 1.0
    return rows


def partner_design(n_partners: int, partner: int) -> FloatArray:
    """Rows of the roles whose last column is combination less one partner.

    Parameters
    ----------
    n_partners : int
        Two or three.
    partner : int
        Place of the partner, from 0.

    Returns
    -------
    ndarray, shape (k + 2, k + 1)

    Examples
    --------
    >>> partner_design(2, 0).astype(int)
    array([[1, 0, 0],
           [0, 0, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    return np.delete(np.eye(n_partners + 2), 1 + partner, axis=1)


def pose_event(
    data: SurvivalData,
    arms: CombinationArms,
    *,
    scale: EventScale,
    method: EventMethod | None,
    level: float,
) -> EventQuestion:
    """Check a question against the times of a study.

    Parameters
    ----------
    data : SurvivalData
        Times to an event.
    arms : CombinationArms
        Roles.
    scale : {"hazard", "median_survival"}
        What is compared.
    method : EventMethod, optional
        How; else the first of :data:`METHODS`, with clusters robust Wald limits of the hazard.
    level : float
        Confidence.

    Raises
    ------
    InputError
        If an arm is not in the study or has no animal, or scale, method or level is none.
    """
    if scale not in METHODS:
        known = ", ".join(get_args(EventScale))
        other = "scales of growth need a growth model" if scale in get_args(Scale) else ""
        expected = f"a scale of times to an event: {known}"
        raise InputError(expected, found=repr(scale), mend=other)
    if method is None:
        clustered = scale == "hazard" and data.cluster is not None
        method = "wald" if clustered else METHODS[scale][0]
    if method not in METHODS[scale]:
        expected = f"a method of the scale {scale}: " + ", ".join(METHODS[scale])
        raise InputError(expected, found=repr(method))
    if not _LEAST_LEVEL < level < 1:
        expected = f"a level above {_LEAST_LEVEL:g} and below 1"
        raise InputError(expected, found=f"{level:g}")
    names = (arms.control, *arms.partners, arms.combination)
    role_of = np.full(len(data.arms), -1, dtype=np.intp)
    for place, name in enumerate(names):
        if name not in data.arms or not (data.arm == data.arms.index(name)).any():
            expected = f"animals with a known time in arm '{name}'"
            raise InputError(expected, found="none", where=f"study {data.study_id}")
        role_of[data.arms.index(name)] = place
    role = role_of[data.arm]
    own: BoolArray = role >= 0
    entry = data.entry[own]
    return EventQuestion(
        arms=CombinationArms(
            control=arms.control, partners=arms.partners, combination=arms.combination
        ),
        scale=scale,
        method=method,
        level=level,
        role=role[own],
        order=tuple(int(code) for code in role_of if code >= 0),
        time=data.time[own],
        lower=data.lower[own],
        # A competing event does not say when the event would have happened.
        upper=np.where(data.event, data.upper, np.inf)[own],
        event=data.event[own],
        entry=entry if (entry > 0).any() else None,
        strata=_codes(data.strata, own),
        cluster=_codes(data.cluster, own),
        warnings=_warnings(data, own, role, names, scale=scale, method=method),
    )


def _codes(labels: tuple[str, ...] | None, own: BoolArray) -> IntArray | None:
    """Labels of the animals of the question as numbers."""
    if labels is None:
        return None
    return np.unique(np.array(labels)[own], return_inverse=True)[1].astype(np.intp)


def _warnings(
    data: SurvivalData,
    own: BoolArray,
    role: IntArray,
    names: tuple[str, ...],
    *,
    scale: EventScale,
    method: EventMethod,
) -> tuple[GrowthWarning, ...]:
    """What the animals are that the answer leaves aside, or cannot count."""
    found = [
        GrowthWarning(code="no_events", message="no animal of the arm had the event", arm=name)
        for code, name in enumerate(names)
        if not data.event[role == code].any()
    ]
    competing = int((own & data.competing).sum())
    if competing:
        noun = "animal" if competing == 1 else "animals"
        message = f"{competing} {noun} with a competing event counted as leaving without the event"
        found.append(GrowthWarning(code="competing_events", message=message))
    parametric = scale == "median_survival" and method != "kaplan_meier"
    if data.event_time == "interval" and not parametric:
        message = "events between two visits are taken to be at one time"
        found.append(GrowthWarning(code="interval_times", message=message))
    if data.strata is not None and scale == "median_survival":
        message = "medians are those of all strata together"
        found.append(GrowthWarning(code="strata_not_used", message=message))
    if data.cluster is not None and method != "wald":
        message = "animals are counted as independent, those of one cage or litter too"
        found.append(GrowthWarning(code="clusters_not_used", message=message))
    return tuple(found)
