"""Hazard ratios of arms against a control: Cox, and Firth where Cox has no finite answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.survival.cox import cox_fit
from oncovivo.survival.firth import FirthFit, firth_fit

__all__ = ["HazardRatio", "HazardRow", "hazard_ratios", "hazard_rows"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Standard error of a log hazard ratio that says that the likelihood is flat.
_FLAT: Final = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRatio:
    """Hazard of an arm over the control's.

    Parameters
    ----------
    group, versus : int
        Arm and control.
    hazard_ratio, lower, upper, p_value : float or None
        Estimate, limits (None where not reached) and p-value of no difference.
    log_standard_error : float or None
        Of the logarithm; cluster-robust for method "cox_robust".
    method : {"cox", "cox_robust", "firth"}
        Cox with Wald limits, the same with clusters, or Firth with profile limits.
    status : {"ok", "not_estimable"}
        Whether there is an answer.
    reason : str
        Why Firth was used, or why there is no answer; empty otherwise.
    """

    group: int
    versus: int
    hazard_ratio: float | None
    lower: float | None
    upper: float | None
    log_standard_error: float | None
    p_value: float | None
    method: Literal["cox", "cox_robust", "firth"]
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRow:
    """Hazard ratio of a named arm over a named control.

    Parameters
    ----------
    arm, versus : str
        Names of the arm and of the one it is compared with.
    hazard_ratio, lower, upper, p_value : float or None
        Estimate, limits (None where open) and p-value; an estimate of None is not estimable.
    method : str
        ``cox``, ``cox_robust``, ``firth``, or words of another model.
    status : {"ok", "not_estimable"}
        Whether there is an estimate.
    reason : str
        Why the model is this one, or why there is no estimate; empty otherwise.
    """

    arm: str
    versus: str
    hazard_ratio: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    method: str
    status: Literal["ok", "not_estimable"] = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def hazard_rows(found: Sequence[HazardRatio], arms: Sequence[str]) -> tuple[HazardRow, ...]:
    """Rows of hazard ratios, with the names of their arms.

    Parameters
    ----------
    found : sequence of HazardRatio
        From :func:`hazard_ratios`.
    arms : sequence of str
        Names by the numbers of the arms.
    """
    return tuple(
        HazardRow(
            arm=arms[row.group],
            versus=arms[row.versus],
            hazard_ratio=row.hazard_ratio,
            lower=row.lower,
            upper=row.upper,
            p_value=row.p_value,
            method=row.method,
            status=row.status,
            reason=row.reason,
        )
        for row in found
    )


def hazard_ratios(
    time: FloatArray,
    event: BoolArray,
    group: IntArray,
    *,
    control: int = 0,
    entry: FloatArray | None = None,
    strata: IntArray | None = None,
    cluster: IntArray | None = None,
    level: float = 0.95,
    limits: bool = True,
) -> tuple[HazardRatio, ...]:
    """Hazard ratio of every other arm against the control, from one model of all arms.

    Where the likelihood is monotone for an arm, as for one without events, that arm's ratio is
    Firth's, from the penalized model of all arms, without cluster-robust errors; the others keep
    Cox's, whose limit as the infinite estimates grow is finite. Each says what it is.

    Parameters
    ----------
    time, event, entry, strata, cluster
        As in `oncovivo.survival.cox.cox_fit`.
    group : ndarray of int, shape (n,)
        Arm of each animal.
    control : int
        The arm that others are compared with.
    level : float
        Confidence of the limits, between 0 and 1.
    limits : bool
        Whether limits of Firth's ratios are looked for, which takes most of the time.

    Raises
    ------
    InputError
        If arrays do not match or the control has no animal.
    """
    if not 0 < level < 1:
        raise InputError("a level between 0 and 1", found=f"{level:g}")
    arms = [int(arm) for arm in np.unique(group) if arm != control]
    if not (group == control).any() or not arms:
        raise InputError("animals of the control and of another arm", found="one arm only")
    covariates = (group[:, None] == np.array(arms)).astype(np.float64)
    without = [arm for arm in (control, *arms) if not event[group == arm].any()]
    if len(without) == len(arms) + 1:
        return tuple(_missing(arm, control, "no animal had the event") for arm in arms)
    try:
        fit = cox_fit(time, event, covariates, entry=entry, strata=strata, cluster=cluster)
    except DataError:
        reason = "no event happened while the arms were under observation together"
        return tuple(_missing(arm, control, reason) for arm in arms)
    errors = fit.robust_standard_errors or fit.standard_errors
    open_ = [
        infinite or (error is not None and error > _FLAT)
        for infinite, error in zip(fit.infinite, errors, strict=True)
    ]
    penalized = (
        firth_fit(time, event, covariates, entry=entry, strata=strata, level=level, limits=limits)
        if any(open_)
        else None
    )
    what = "an arm has no events" if without else "one arm's events all precede another's"
    reason = f"{what}, so the Cox estimate is not finite; Firth's penalized likelihood is used"
    if cluster is not None:
        reason += ", without cluster-robust errors"
    reach = float(special.ndtri(0.5 + level / 2))
    ratios = []
    for place, (arm, estimate, error) in enumerate(
        zip(arms, fit.coefficients, errors, strict=True)
    ):
        if penalized is not None and open_[place]:
            ratios.append(_of_firth(penalized, place, arm, control, reason))
            continue
        if estimate is None or error is None or error == 0:
            ratios.append(_missing(arm, control, "the estimate has no standard error"))
            continue
        ratios.append(
            HazardRatio(
                group=arm,
                versus=control,
                hazard_ratio=math.exp(estimate),
                lower=math.exp(estimate - reach * error),
                upper=math.exp(estimate + reach * error),
                log_standard_error=error,
                p_value=float(2 * special.ndtr(-abs(estimate) / error)),
                method="cox" if cluster is None else "cox_robust",
            )
        )
    return tuple(ratios)


def _of_firth(fit: FirthFit, place: int, arm: int, control: int, reason: str) -> HazardRatio:
    """An arm's ratio from the penalized model."""
    return HazardRatio(
        group=arm,
        versus=control,
        hazard_ratio=math.exp(fit.coefficients[place]),
        lower=_exp(fit.lower[place]),
        upper=_exp(fit.upper[place]),
        log_standard_error=fit.standard_errors[place],
        p_value=fit.p_values[place],
        method="firth",
        reason=reason,
    )


def _exp(value: float | None) -> float | None:
    return None if value is None else math.exp(value)


def _missing(arm: int, control: int, reason: str) -> HazardRatio:
    return HazardRatio(
        group=arm,
        versus=control,
        hazard_ratio=None,
        lower=None,
        upper=None,
        log_standard_error=None,
        p_value=None,
        method="cox",
        status="not_estimable",
        reason=reason,
    )
