"""Time to a multiple of the first volume in a mouse clinical trial, with lines as groups.

Three forms of one question: a gamma frailty that animals of a line share and a baseline hazard of
each line's own compare animals of the same line; the marginal form compares all animals, with
standard errors that know the lines, and its hazard ratio is nearer to 1 where lines differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.panels.trial_data import panel_lines
from oncovivo.survival.cox import cox_fit
from oncovivo.survival.frailty import frailty_fit

if TYPE_CHECKING:
    from oncovivo.panels.panel import Panel

__all__ = ["HazardForm", "TrialEvents", "TrialHazard", "trial_events", "trial_hazards"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
HazardForm: TypeAlias = Literal["frailty", "stratified", "marginal"]

_FORMS: Final[tuple[HazardForm, ...]] = ("frailty", "stratified", "marginal")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialEvents:
    """Times of n animals to a multiple of their first volume.

    Parameters
    ----------
    arms : tuple of str
        The control, then the treatments.
    line, arm : ndarray of int, shape (n,)
        Numbers of each animal's line and arm.
    time : ndarray, shape (n,)
        Days since the first reading to the visit that showed the event, or to the last.
    event : ndarray of bool, shape (n,)
        Whether it happened.
    multiple : float
        Of the first volume.
    """

    arms: tuple[str, ...]
    line: IntArray
    arm: IntArray
    time: FloatArray
    event: BoolArray
    multiple: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialHazard:
    """Hazard ratio of a treatment against the control.

    Parameters
    ----------
    treatment : str
        The arm compared with the control.
    form : {"frailty", "stratified", "marginal"}
        How lines enter.
    n_lines, n_animals, n_events : int
        Lines with animals in both arms, their animals and events.
    log_hazard_ratio, std_error : float or None
        Natural logarithm; below 0 where the treatment delays the event.
    hazard_ratio, lower, upper, p_value : float or None
        With the normal interval.
    theta, theta_p_value : float or None
        Variance of the factor that animals of a line share, and whether it is 0; None in the other
        forms.
    status : {"ok", "not_estimable"}
        Whether there is an estimate.
    reason : str
        Why not.
    """

    treatment: str
    form: HazardForm
    n_lines: int
    n_animals: int
    n_events: int
    log_hazard_ratio: float | None
    std_error: float | None
    hazard_ratio: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    theta: float | None
    theta_p_value: float | None
    status: Literal["ok", "not_estimable"]
    reason: str


def trial_events(
    panel: Panel,
    *,
    control: str,
    treatments: Sequence[str],
    multiple: float = 2.0,
    baseline_day: float | None = None,
) -> TrialEvents:
    """Times to a multiple of the first volume, by visit.

    Animals without a second reading, or whose first volume is 0 or only a limit, are left out.

    Parameters
    ----------
    panel : Panel
        From :func:`oncovivo.panels.read_panel`.
    control : str
        First arm.
    treatments : sequence of str
        The others.
    multiple : float
        Above 1; 2 is doubling.
    baseline_day : float, optional
        As in :func:`oncovivo.panels.compute_panel`.

    Raises
    ------
    InputError
        If the multiple is not above 1.
    """
    if not (math.isfinite(multiple) and multiple > 1):
        raise InputError("a multiple above 1", found=f"{multiple:g}")
    arms = (control, *treatments)
    arm = np.full(panel.n, -1, dtype=np.intp)
    for place, name in enumerate(arms):
        arm[panel.labels["treatment"] == name] = place
    line = panel_lines(panel)[0]
    readings = panel.readings(panel.baseline_days(baseline_day)[0])
    length = readings.length
    first = np.minimum(readings.start[:-1], max(readings.volume.size - 1, 0))
    begin = readings.volume[first]
    usable = (length > 1) & (begin > 0) & ~readings.below[first] & (arm >= 0)
    animal = np.repeat(np.arange(panel.n), length)
    reached = readings.volume >= multiple * begin[animal]
    reached[first[length > 0]] = False
    hits = np.flatnonzero(reached & ~readings.below)
    time = readings.day[np.maximum(readings.start[1:] - 1, 0)] - readings.day[first]
    event = np.zeros(panel.n, dtype=bool)
    # Written backwards, so that each animal keeps its first.
    time[animal[hits[::-1]]] = (readings.day[hits] - readings.day[first[animal[hits]]])[::-1]
    event[animal[hits]] = True
    return TrialEvents(
        arms=arms,
        line=line[usable],
        arm=arm[usable],
        time=time[usable],
        event=event[usable],
        multiple=multiple,
    )


def trial_hazards(events: TrialEvents, *, level: float = 0.95) -> tuple[TrialHazard, ...]:
    """Hazard ratios of each treatment, in lines with animals under it and under the control.

    Parameters
    ----------
    events : TrialEvents
        From :func:`trial_events`.
    level : float
        Of intervals.
    """
    found: list[TrialHazard] = []
    for arm, treatment in enumerate(events.arms[1:], start=1):
        both = np.intersect1d(events.line[events.arm == 0], events.line[events.arm == arm])
        rows = np.isin(events.arm, (0, arm)) & np.isin(events.line, both)
        found.extend(
            _hazard(events, rows, treatment, form, int(both.size), level) for form in _FORMS
        )
    return tuple(found)


def _hazard(
    events: TrialEvents,
    rows: BoolArray,
    treatment: str,
    form: HazardForm,
    n_lines: int,
    level: float,
) -> TrialHazard:
    time, event, line = events.time[rows], events.event[rows], events.line[rows]
    treated = (events.arm[rows] > 0).astype(np.float64)[:, None]
    estimate = error = theta = theta_p = None
    reason = ""
    try:
        if n_lines < 2:
            reason = "fewer than two lines with animals in both arms"
        elif form == "frailty":
            fit = frailty_fit(time, event, treated, line, level=level)
            estimate, error = fit.coefficients[0], fit.standard_errors[0]
            theta, theta_p = fit.theta, fit.theta_p_value
        else:
            strata = line if form == "stratified" else None
            cox = cox_fit(time, event, treated, strata=strata, cluster=line)
            errors = cox.robust_standard_errors if form == "marginal" else cox.standard_errors
            estimate, error = cox.coefficients[0], (errors or (None,))[0]
            if estimate is None:
                reason = "the events leave the hazard ratio without bound"
    except DataError as problem:
        reason = f"expected {problem.expected}"
    numbers: dict[str, float | None] = dict.fromkeys(
        ("hazard_ratio", "lower", "upper", "p_value"), None
    )
    if estimate is not None and error is not None:
        half = float(special.ndtri(0.5 + level / 2)) * error
        numbers = {
            "hazard_ratio": math.exp(estimate),
            "lower": math.exp(estimate - half),
            "upper": math.exp(estimate + half),
            "p_value": float(2 * special.ndtr(-abs(estimate / error))),
        }
    return TrialHazard(
        treatment=treatment,
        form=form,
        n_lines=n_lines,
        n_animals=int(rows.sum()),
        n_events=int(event.sum()),
        log_hazard_ratio=estimate,
        std_error=error,
        **numbers,
        theta=theta,
        theta_p_value=theta_p,
        status="not_estimable" if reason else "ok",
        reason=reason,
    )
