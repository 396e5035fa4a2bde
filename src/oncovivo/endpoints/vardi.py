"""Permutation test of areas under curves that end at different times.

Each treated animal is compared with each control animal up to the shorter of their two
follow-ups. The curve between readings is linear; nothing is put before the first reading. The
labels are exchangeable only if leaving depends on the arm through the tumor alone.

References
----------
Vardi Y, Ying Z, Zhang CH. Biometrika 2001;88:949.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves
from oncovivo.errors import DataError, InputError
from oncovivo.numerics import permutation_sum_test

__all__ = ["VardiTest", "area_scores", "areas_to", "vardi_auc_test"]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
VardiScale: TypeAlias = Literal["volume", "log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VardiTest:
    """Result of the permutation test of areas.

    Parameters
    ----------
    arm, versus : str
        Arm and control.
    scale : {"volume", "log"}
        Areas of volume, or of its natural logarithm.
    statistic : float
        Mean over pairs of the treated area less the control area, mm³·day or day.
    p_value : float
        Two-sided.
    n_treated, n_control : int
        Animals that entered.
    n_relabelings : int
        Relabelings looked at.
    exact : bool
        Whether these were all.
    """

    arm: str
    versus: str
    scale: VardiScale
    statistic: float
    p_value: float
    n_treated: int
    n_control: int
    n_relabelings: int
    exact: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"test": "vardi_auc", **asdict(self)}


def vardi_auc_test(
    treated: ArmCurves,
    control: ArmCurves,
    *,
    rng: np.random.Generator,
    draws: int = 5000,
    scale: VardiScale = "volume",
) -> VardiTest:
    """Two-sided permutation test of the areas under the curves from the baseline on.

    Parameters
    ----------
    treated, control : ArmCurves
        Curves of the two arms; animals with two readings from their baseline on enter.
    rng : numpy.random.Generator
        Source of randomness; not used when all relabelings can be looked at.
    draws : int
        Relabelings to draw otherwise.
    scale : {"volume", "log"}
        Areas of volume, or of its natural logarithm.

    Raises
    ------
    DataError
        If an arm has no animal with two readings.
    InputError
        If the scale is another word.
    """
    if scale not in ("volume", "log"):
        expected = "a scale: volume or log"
        raise InputError(expected, found=repr(scale))
    day, value, use = _stack(treated, control, scale)
    usable = use.sum(axis=1) >= 2
    n_treated = int(usable[: treated.n].sum())
    n_control = int(usable[treated.n :].sum())
    if min(n_treated, n_control) == 0:
        raise DataError(
            "animals with two readings from the baseline on in both arms",
            found=f"{n_treated} in '{treated.arm}', {n_control} in '{control.arm}'",
        )
    scores = area_scores(day[usable], value[usable], use[usable])
    # Sorted within each group, so that the order of the animals does not reach the draws.
    scores = np.concatenate((np.sort(scores[:n_treated]), np.sort(scores[n_treated:])))
    p_value, n_relabelings, exact = permutation_sum_test(scores, n_treated, draws=draws, rng=rng)
    return VardiTest(
        arm=treated.arm,
        versus=control.arm,
        scale=scale,
        statistic=float(scores[:n_treated].sum() / (n_treated * n_control)),
        p_value=p_value,
        n_treated=n_treated,
        n_control=n_control,
        n_relabelings=n_relabelings,
        exact=exact,
    )


def areas_to(day: FloatArray, value: FloatArray, use: BoolArray, end: FloatArray) -> FloatArray:
    """Area under each curve from its first reading to each of several days.

    Parameters
    ----------
    day, value : ndarray, shape (n, t)
        Rising days and values.
    use : ndarray of bool, shape (n, t)
        Readings that enter: one unbroken run in each row.
    end : ndarray, shape (k,)
        Days; the curve is linear between readings and ends with its last one.

    Returns
    -------
    ndarray, shape (n, k)
    """
    both = use[:, 1:] & use[:, :-1]
    t1, t2 = np.where(both, day[:, :-1], 0.0), np.where(both, day[:, 1:], 1.0)
    v1, v2 = np.where(both, value[:, :-1], 0.0), np.where(both, value[:, 1:], 0.0)
    reach = np.clip(end[None, None, :] - t1[:, :, None], 0.0, (t2 - t1)[:, :, None])
    slope = ((v2 - v1) / (t2 - t1))[:, :, None]
    pieces = np.where(both[:, :, None], reach * (v1[:, :, None] + slope * reach / 2), 0.0)
    area: FloatArray = pieces.sum(axis=1)
    return area


def area_scores(day: FloatArray, value: FloatArray, use: BoolArray) -> FloatArray:
    """Sum over all other animals of the difference in area up to the shorter follow-up.

    Their sum over one group is Vardi's statistic for that group against the rest, for any
    labels, since differences within a group cancel.

    Parameters
    ----------
    day, value : ndarray, shape (n, t)
        Rising days since the baseline, and values; the first reading in use is on day 0.
    use : ndarray of bool, shape (n, t)
        Readings that enter: one unbroken run of at least two in each row.

    Returns
    -------
    ndarray, shape (n,)
    """
    last = np.where(use, day, -np.inf).max(axis=1)
    own = areas_to(day, value, use, last)
    # own[i, k] stops by itself at the end of i: it is the area to the shorter of i and k.
    scores: FloatArray = (own - own.T).sum(axis=1)
    return scores


def _stack(
    treated: ArmCurves, control: ArmCurves, scale: VardiScale
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Curves of both arms in one matrix, the treated first."""
    width = max(treated.day.shape[1], control.day.shape[1])

    def padded(matrix: FloatArray) -> FloatArray:
        gap = width - matrix.shape[1]
        return np.pad(matrix, ((0, 0), (0, gap)), constant_values=np.nan)

    arms = (treated, control)
    day = np.concatenate([padded(arm.elapsed) for arm in arms])
    value = np.concatenate(
        [padded(arm.size if scale == "volume" else arm.log_size) for arm in arms]
    )
    known = np.concatenate([~np.isnan(arm.baseline) for arm in arms])
    use = (day >= -1e-9) & known[:, None]
    return day, value, use
