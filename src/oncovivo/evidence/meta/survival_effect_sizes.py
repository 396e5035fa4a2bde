"""Log hazard ratios and ratios of median survival as papers report them, many rows at once.

A hazard ratio is treated over control: a benefit is negative on the log scale. The ratio of median
survival times runs the other way.

References
----------
Parmar MKB, Torri V, Stewart L. Stat Med 1998;17:2815. Tierney JF et al. Trials 2007;8:16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.evidence.meta.columns import above_zero, column, known_choice, numbered, same_length
from oncovivo.evidence.meta.intervals import two_sided_quantile
from oncovivo.evidence.meta.types import EffectSizes, MetaWarning, checked_level, read_only

__all__ = [
    "SurvivalVariance",
    "log_hazard_ratio",
    "log_hazard_ratio_from_events",
    "log_hazard_ratio_from_log_rank",
    "log_hazard_ratio_from_medians",
    "log_hazard_ratio_from_p",
    "median_survival_ratio",
]

FloatArray: TypeAlias = NDArray[np.float64]

SurvivalVariance: TypeAlias = Literal["medians", "events"]
"""Variance from two exponential medians as such, or as if from all the survival times."""

# A log hazard ratio this share of half its interval off the middle is not what the limits are of.
_OFF_CENTER: Final = 0.1


def log_hazard_ratio(
    hazard_ratio: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float = 0.95
) -> EffectSizes:
    """Log hazard ratio from a reported ratio and its confidence limits.

    Parameters
    ----------
    hazard_ratio, lower, upper : array_like, shape (k,)
        Treated over control, and the limits, all above 0.
    level : float, default 0.95
        Confidence of the limits.

    Raises
    ------
    InputError
        Limits that do not enclose the ratio, numbers of 0 or below, or a level that is not a
        fraction.

    Examples
    --------
    >>> sizes = log_hazard_ratio([0.5], [0.25], [1.0])
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 4)
    (-0.6931, 0.1251)
    """
    ratio, low, high = column(hazard_ratio), column(lower), column(upper)
    same_length(("hazard ratios", ratio), ("lower limit", low), ("upper limit", high))
    above_zero("a hazard ratio", ratio)
    above_zero("a limit of a hazard ratio", low)
    above_zero("a limit of a hazard ratio", high)
    wrong = ~((low < high) & (low <= ratio) & (ratio <= high))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(
            "limits that enclose the hazard ratio",
            found=f"{ratio[at]:g} ({low[at]:g} to {high[at]:g})",
            where=f"row {at + 1}",
        )
    half = 0.5 * np.log(high / low)
    std_error = half / two_sided_quantile(checked_level(level), None)
    off = np.abs(np.log(ratio) - 0.5 * np.log(high * low)) > _OFF_CENTER * half
    message = "the ratio is not in the middle of its limits on the log scale: check the numbers"
    found = tuple(
        MetaWarning(code="suspect", message=message, rows=(str(at + 1),))
        for at in np.flatnonzero(off)
    )
    return EffectSizes(
        label=numbered(ratio.size),
        measure="log_hazard_ratio",
        yi=read_only(np.log(ratio)),
        vi=read_only(std_error**2),
        formula="ln(HR)",
        variance_formula="[(ln upper − ln lower)/(2z)]²",
        source="Parmar, Torri and Stewart 1998",
        warnings=found,
    )


def log_hazard_ratio_from_log_rank(
    observed: ArrayLike, expected: ArrayLike, variance: ArrayLike
) -> EffectSizes:
    """Log hazard ratio from the log-rank test's observed and expected events (Peto's).

    Parameters
    ----------
    observed, expected : array_like, shape (k,)
        Events of the treated group.
    variance : array_like, shape (k,)
        Hypergeometric variance of observed less expected, above 0.

    Raises
    ------
    InputError
        Arrays of different lengths or a variance of 0 or less.

    Examples
    --------
    >>> sizes = log_hazard_ratio_from_log_rank([10], [15], [6.25])
    >>> sizes.yi.tolist(), sizes.vi.tolist()
    ([-0.8], [0.16])
    """
    o, e, v = column(observed), column(expected), column(variance)
    same_length(("observed events", o), ("expected events", e), ("variance", v))
    above_zero("a variance", v)
    return EffectSizes(
        label=numbered(o.size),
        measure="log_hazard_ratio",
        yi=read_only((o - e) / v),
        vi=read_only(1.0 / v),
        formula="(O − E)/V",
        variance_formula="1/V",
        source="Parmar, Torri and Stewart 1998; close to Cox's only while the effect is not large",
    )


def log_hazard_ratio_from_events(
    observed_treated: ArrayLike,
    expected_treated: ArrayLike,
    observed_control: ArrayLike,
    expected_control: ArrayLike,
) -> EffectSizes:
    """Log hazard ratio from both groups' observed and expected events of a log-rank test.

    For papers that give no variance; with it, Peto's ratio is closer to Cox's where effects are
    small, and this one where they are large.

    Parameters
    ----------
    observed_treated, expected_treated, observed_control, expected_control : array_like
        Events, shape (k,), above 0.

    Raises
    ------
    InputError
        Arrays of different lengths or numbers of 0 or below: a group without events has no ratio.

    Examples
    --------
    >>> sizes = log_hazard_ratio_from_events([10], [15], [14], [9])
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 4)
    (-0.8473, 0.1778)
    """
    ot, et = column(observed_treated), column(expected_treated)
    oc, ec = column(observed_control), column(expected_control)
    same_length(
        ("observed events", ot),
        ("expected events", et),
        ("observed control events", oc),
        ("expected control events", ec),
    )
    for values in (ot, et, oc, ec):
        above_zero("a number of events", values)
    return EffectSizes(
        label=numbered(ot.size),
        measure="log_hazard_ratio",
        yi=read_only(np.log(ot / et) - np.log(oc / ec)),
        vi=read_only(1.0 / et + 1.0 / ec),
        formula="ln[(O_t/E_t)/(O_c/E_c)]",
        variance_formula="1/E_t + 1/E_c",
        source="ratio of the relative hazards of a log-rank test",
    )


def log_hazard_ratio_from_p(
    p_value: ArrayLike,
    *,
    events: ArrayLike,
    n_treated: ArrayLike,
    n_control: ArrayLike,
    favors: Sequence[str],
) -> EffectSizes:
    """Log hazard ratio from a log-rank p-value and the number of events.

    Parameters
    ----------
    p_value : array_like, shape (k,)
        Two-sided, between 0 and 1.
    events : array_like, shape (k,)
        Events of both groups together.
    n_treated, n_control : array_like, shape (k,)
        Animals of each group.
    favors : sequence of {"treated", "control"}, shape (k,)
        Which group did better.

    Raises
    ------
    InputError
        A p-value outside 0 to 1, numbers of 0 or below, or a group that does not exist.

    Examples
    --------
    >>> sizes = log_hazard_ratio_from_p(
    ...     [0.05], events=[16], n_treated=[8], n_control=[8], favors=["treated"]
    ... )
    >>> round(float(sizes.yi[0]), 3), float(sizes.vi[0])
    (-0.98, 0.25)
    """
    p, d = column(p_value), column(events)
    nt, nc = column(n_treated), column(n_control)
    same_length(("p-values", p), ("number of events", d), ("n_treated", nt), ("n_control", nc))
    if not ((p > 0) & (p <= 1)).all():
        at = int(np.argmax(~((p > 0) & (p <= 1))))
        raise InputError("a p-value above 0 and up to 1", found=f"{p[at]:g}")
    above_zero("a number of events", d)
    above_zero("a number of animals", np.minimum(nt, nc))
    for side in favors:
        known_choice("the group that did better", side, ("treated", "control"))
    if len(favors) != p.size:
        raise InputError(f"one favors for each of the {p.size} p-values", found=f"{len(favors)}")
    sign = np.array([-1.0 if side == "treated" else 1.0 for side in favors])
    v = d * nt * nc / (nt + nc) ** 2
    z = -special.ndtri(0.5 * p)
    message = "the variance rests on the number of events and equal hazards"
    return EffectSizes(
        label=numbered(p.size),
        measure="log_hazard_ratio",
        yi=read_only(sign * z / np.sqrt(v)),
        vi=read_only(1.0 / v),
        formula="±z(p/2)/√V",
        variance_formula="1/V, V = d n_t n_c/(n_t + n_c)²",
        source="Parmar, Torri and Stewart 1998; Tierney et al. 2007",
        n_treated=read_only(nt),
        n_control=read_only(nc),
        warnings=(MetaWarning(code="assumption", message=message),),
    )


def _exponential_variance(
    events_treated: FloatArray, events_control: FloatArray, variance: SurvivalVariance
) -> tuple[FloatArray, str]:
    """Variance of a log ratio of medians of exponential survival, and its formula."""
    total = 1.0 / events_treated + 1.0 / events_control
    if variance == "events":
        return total, "events: 1/d_t + 1/d_c, as if all survival times had been used"
    # The median of n exponential times has the asymptotic variance 1/(n rate²); over the squared
    # median, (ln 2/rate)², that is 1/(n ln²2).
    return total / np.log(2.0) ** 2, "medians: (1/d_t + 1/d_c)/ln²2"


def _median_columns(
    median_treated: ArrayLike,
    median_control: ArrayLike,
    events_treated: ArrayLike,
    events_control: ArrayLike,
    variance: SurvivalVariance,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Checked medians and numbers of events."""
    known_choice("a variance", variance, get_args(SurvivalVariance))
    mt, mc = column(median_treated), column(median_control)
    dt, dc = column(events_treated), column(events_control)
    same_length(
        ("treated medians", mt),
        ("control median", mc),
        ("number of treated events", dt),
        ("number of control events", dc),
    )
    for values in (mt, mc):
        above_zero("a median survival", values)
    for values in (dt, dc):
        above_zero("a number of events", values)
    return mt, mc, dt, dc


_EXPONENTIAL: Final = MetaWarning(
    code="assumption",
    message="the variance takes survival times as exponential; animals die closer together",
)


def median_survival_ratio(
    median_treated: ArrayLike,
    median_control: ArrayLike,
    *,
    events_treated: ArrayLike,
    events_control: ArrayLike,
    variance: SurvivalVariance = "medians",
) -> EffectSizes:
    """Log of the ratio of median survival times; a benefit is positive.

    Without the animals' times the variance is an assumption: with exponential times it is that
    of two sample medians, 1/ln²2 = 2.08 times that of a hazard ratio from as many events. Where
    the times are at hand use the bootstrap of `oncovivo.survival`.

    Parameters
    ----------
    median_treated, median_control : array_like, shape (k,)
        Days, above 0.
    events_treated, events_control : array_like, shape (k,)
        Deaths (or animals that reached the endpoint) of each group.
    variance : {"medians", "events"}, default "medians"
        (1/d_t + 1/d_c)/ln²2, or 1/d_t + 1/d_c.

    Raises
    ------
    InputError
        Medians or events of 0 or below, columns of different lengths, or a variance that does
        not exist.

    Examples
    --------
    >>> sizes = median_survival_ratio([40], [20], events_treated=[10], events_control=[10])
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 4)
    (0.6931, 0.4163)
    """
    mt, mc, dt, dc = _median_columns(
        median_treated, median_control, events_treated, events_control, variance
    )
    vi, named = _exponential_variance(dt, dc, variance)
    return EffectSizes(
        label=numbered(mt.size),
        measure="log_median_ratio",
        yi=read_only(np.log(mt / mc)),
        vi=read_only(vi),
        formula="ln(median_t/median_c)",
        variance_formula=named,
        source="exponential survival, delta method",
        n_treated=read_only(dt),
        n_control=read_only(dc),
        warnings=(_EXPONENTIAL,),
    )


def log_hazard_ratio_from_medians(
    median_treated: ArrayLike,
    median_control: ArrayLike,
    *,
    events_treated: ArrayLike,
    events_control: ArrayLike,
    variance: SurvivalVariance = "medians",
) -> EffectSizes:
    """Log hazard ratio from two median survival times, if survival is exponential.

    Parameters
    ----------
    median_treated, median_control, events_treated, events_control, variance
        As in `median_survival_ratio`, of which this is the negative.

    Raises
    ------
    InputError
        As `median_survival_ratio`.
    """
    ratio = median_survival_ratio(
        median_treated,
        median_control,
        events_treated=events_treated,
        events_control=events_control,
        variance=variance,
    )
    return replace(
        ratio,
        measure="log_hazard_ratio",
        yi=read_only(-ratio.yi),
        formula="ln(median_c/median_t)",
    )
