"""Effect sizes of animal experiments from means and standard deviations, many rows at once.

Differences are treated minus control, ratios treated over control: with tumor volumes a benefit is
negative. The normalized mean difference runs the other way: a benefit is positive.

References
----------
Hedges LV. J Educ Stat 1981;6:107. Hedges LV, Gurevitch J, Curtis PS. Ecology 1999;80:1150.
Bonett DG. Psychol Methods 2009;14:225. Lajeunesse MJ. Ecology 2015;96:2056. Nakagawa S et al.
Methods Ecol Evol 2015;6:143 (VR, CVR). Vesterinen HM et al. J Neurosci Methods 2014;221:92 (NMD).
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.evidence.meta.columns import above_zero, column, known_choice, numbered, same_length
from oncovivo.evidence.meta.two_groups import TwoGroups, checked_for
from oncovivo.evidence.meta.types import (
    EffectSizes,
    Measure,
    MetaWarning,
    checked_measure,
    read_only,
)

__all__ = [
    "DifferenceVariance",
    "HeteroscedasticVariance",
    "NmdVariance",
    "RatioVariance",
    "baseline_adjusted_log_ratio",
    "coefficient_of_variation_ratio",
    "from_std_errors",
    "hedges_correction",
    "heteroscedastic_mean_difference",
    "log_ratio_from_tgi",
    "log_ratio_of_means",
    "mean_difference",
    "normalized_mean_difference",
    "standardized_mean_difference",
    "tgi_from_log_ratio",
    "variability_ratio",
]

FloatArray: TypeAlias = NDArray[np.float64]

DifferenceVariance: TypeAlias = Literal["LS", "LS2", "UB", "AV"]
"""Variance of Hedges' g: large sample, with d inside, unbiased, or with the average g."""

HeteroscedasticVariance: TypeAlias = Literal["LS-J2", "LS"]
"""Bonett's variance with or without the square of the correction."""

RatioVariance: TypeAlias = Literal["LS", "LS2", "AV", "AVHO"]
"""Variance of a log ratio: first order, second order, average CV of each group or of both."""

NmdVariance: TypeAlias = Literal["fixed", "delta"]
"""Whether the variance takes the distance of control from sham as known."""

# Tumor growth inhibition written as a fraction is not above this.
_LARGEST_FRACTION: Final = 1.0


def _sizes(
    groups: TwoGroups,
    measure: Measure,
    yi: FloatArray,
    vi: FloatArray,
    *,
    formula: str,
    variance_formula: str,
    source: str,
    warnings: tuple[MetaWarning, ...],
) -> EffectSizes:
    """Effect sizes made from group summaries."""
    return EffectSizes(
        label=groups.label,
        measure=measure,
        yi=read_only(yi),
        vi=read_only(vi),
        formula=formula,
        variance_formula=variance_formula,
        source=source,
        n_treated=groups.n_treated,
        n_control=groups.n_control,
        warnings=warnings,
    )


def hedges_correction(df: ArrayLike) -> FloatArray:
    """The factor J that takes the bias from a standardized mean difference, by gamma functions.

    Parameters
    ----------
    df : array_like
        Degrees of freedom of the pooled standard deviation, above 1.

    Examples
    --------
    >>> hedges_correction([4, 14]).round(4).tolist()
    [0.7979, 0.9453]
    """
    m = np.asarray(df, dtype=np.float64)
    if not (m > 1).all():
        raise InputError("more than 1 degree of freedom", found=f"{np.min(m):g}")
    log_ratio = special.gammaln(m / 2.0) - special.gammaln((m - 1.0) / 2.0)
    return np.asarray(np.exp(log_ratio) * np.sqrt(2.0 / m), dtype=np.float64)


def _pooled_sd(groups: TwoGroups) -> FloatArray:
    """Standard deviation within groups."""
    a, b = groups.n_treated - 1.0, groups.n_control - 1.0
    return np.sqrt((a * groups.sd_treated**2 + b * groups.sd_control**2) / (a + b))


def standardized_mean_difference(
    groups: TwoGroups, *, variance: DifferenceVariance = "LS"
) -> EffectSizes:
    """Hedges' g with the exact correction J.

    The standard error grows with the effect, so that funnel tests of g find bias where there is
    none; for those use 1/sqrt(n), or pool log ratios.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries.
    variance : {"LS", "LS2", "UB", "AV"}, default "LS"
        Which estimate of the sampling variance.

    Raises
    ------
    InputError
        Both standard deviations 0, or a variance that does not exist.

    Examples
    --------
    >>> groups = TwoGroups.of(
    ...     n_treated=[8], mean_treated=[300.0], sd_treated=[100.0],
    ...     n_control=[8], mean_control=[500.0], sd_control=[100.0],
    ... )
    >>> sizes = standardized_mean_difference(groups)
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 4)
    (-1.8906, 0.3617)
    """
    known_choice("a variance", variance, get_args(DifferenceVariance))
    warnings = checked_for(groups, "SMD")
    n = groups.n_treated + groups.n_control
    m = n - 2.0
    j = hedges_correction(m)
    d = (groups.mean_treated - groups.mean_control) / _pooled_sd(groups)
    g = j * d
    allocation = 1.0 / groups.n_treated + 1.0 / groups.n_control
    if variance == "LS":
        vi = allocation + g**2 / (2.0 * n)
        formula, source = "1/n_t + 1/n_c + g²/(2N)", "Hedges 1982, equation 8"
    elif variance == "LS2":
        vi = j**2 * (allocation + d**2 / (2.0 * n))
        formula, source = "J²[1/n_t + 1/n_c + d²/(2N)]", "Borenstein 2009, equation 12.17"
    elif variance == "UB":
        vi = allocation + (1.0 - (m - 2.0) / (m * j**2)) * g**2
        formula = "1/n_t + 1/n_c + [1 − (m − 2)/(mJ²)]g²"
        source = "Hedges 1983, equation 9"
    else:
        average = float(n @ g) / float(n.sum())
        vi = allocation + average**2 / (2.0 * n)
        formula = "1/n_t + 1/n_c + ḡ²/(2N), ḡ the mean of g weighted by N"
        source = "as LS, taking the rows to have one effect"
    return _sizes(
        groups,
        "SMD",
        g,
        vi,
        formula="g = J(m)(x_t − x_c)/s_p, m = n_t + n_c − 2, J by gamma functions",
        variance_formula=f"{variance}: {formula}",
        source=f"Hedges 1981; {source}",
        warnings=warnings,
    )


def heteroscedastic_mean_difference(
    groups: TwoGroups, *, variance: HeteroscedasticVariance = "LS-J2"
) -> EffectSizes:
    """Standardized mean difference of groups that differ in spread.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries.
    variance : {"LS-J2", "LS"}, default "LS-J2"
        Bonett's variance at the corrected g, times J² as in metafor up to 4.4, or without as in
        metafor from 4.6 on (some 5 % larger with 10 animals in each group).

    Raises
    ------
    InputError
        Both standard deviations 0, or a variance that does not exist.
    """
    known_choice("a variance", variance, get_args(HeteroscedasticVariance))
    warnings = checked_for(groups, "SMDH")
    a, b = groups.n_treated - 1.0, groups.n_control - 1.0
    vt, vc = groups.sd_treated**2, groups.sd_control**2
    s2 = 0.5 * (vt + vc)
    j = hedges_correction(a + b)
    g = j * (groups.mean_treated - groups.mean_control) / np.sqrt(s2)
    vi = g**2 * (vt**2 / a + vc**2 / b) / (8.0 * s2**2) + (vt / a + vc / b) / s2
    named = "g²[s_t⁴/(n_t − 1) + s_c⁴/(n_c − 1)]/(8s⁴) + [s_t²/(n_t − 1) + s_c²/(n_c − 1)]/s²"
    if variance == "LS-J2":
        vi, named = j**2 * vi, f"J²{{{named}}}"
    return _sizes(
        groups,
        "SMDH",
        g,
        vi,
        formula="g = J(n_t + n_c − 2)(x_t − x_c)/s, s² = (s_t² + s_c²)/2",
        variance_formula=f"{variance}: {named}",
        source="Bonett 2009, equation 5",
        warnings=warnings,
    )


def mean_difference(groups: TwoGroups) -> EffectSizes:
    """Difference of the means, in their own unit.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries, all in one unit.
    """
    warnings = checked_for(groups, "MD")
    vi = groups.sd_treated**2 / groups.n_treated + groups.sd_control**2 / groups.n_control
    return _sizes(
        groups,
        "MD",
        groups.mean_treated - groups.mean_control,
        vi,
        formula="x_t − x_c",
        variance_formula="s_t²/n_t + s_c²/n_c",
        source="variance of a difference of independent means",
        warnings=warnings,
    )


def log_ratio_of_means(
    groups: TwoGroups, *, variance: RatioVariance = "LS", bias_correction: bool = False
) -> EffectSizes:
    """Log of the ratio of means, the natural scale of tumor volumes: T/C is its exponential.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries with means above 0.
    variance : {"LS", "LS2", "AV", "AVHO"}, default "LS"
        First order; second order; with the average coefficient of variation of each group over
        the rows, or of both groups together. The averages help where 5 to 8 animals estimate
        each standard deviation badly, and take rows to have one coefficient of variation.
    bias_correction : bool, default False
        Add the second-order correction of the estimate. Differs from metafor 5.0 and later,
        which correct unless told otherwise; metafor 3.8 does not correct.

    Raises
    ------
    InputError
        A mean of 0 or below, both standard deviations 0, or a variance that does not exist.

    Examples
    --------
    >>> groups = TwoGroups.of(
    ...     n_treated=[8], mean_treated=[250.0], sd_treated=[100.0],
    ...     n_control=[8], mean_control=[500.0], sd_control=[150.0],
    ... )
    >>> sizes = log_ratio_of_means(groups)
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 5)
    (-0.6931, 0.03125)
    """
    known_choice("a variance", variance, get_args(RatioVariance))
    warnings = checked_for(groups, "ROM")
    nt, nc = groups.n_treated, groups.n_control
    cvt = groups.sd_treated / groups.mean_treated
    cvc = groups.sd_control / groups.mean_control
    yi = np.log(groups.mean_treated / groups.mean_control)
    formula = "ln(x_t/x_c)"
    source = "Hedges, Gurevitch and Curtis 1999, equation 1"
    if bias_correction:
        yi = yi + 0.5 * (cvt**2 / nt - cvc**2 / nc)
        formula += " + ½[s_t²/(n_t x_t²) − s_c²/(n_c x_c²)]"
        source += "; Lajeunesse 2015, equation 8"
    first = cvt**2 / nt + cvc**2 / nc
    if variance == "LS":
        vi = first
        named = "s_t²/(n_t x_t²) + s_c²/(n_c x_c²)"
    elif variance == "LS2":
        vi = first + 0.5 * (cvt**4 / nt**2 + cvc**4 / nc**2)
        named = "s_t²/(n_t x_t²) + s_c²/(n_c x_c²) + ½[s_t⁴/(n_t² x_t⁴) + s_c⁴/(n_c² x_c⁴)]"
        source += "; Lajeunesse 2015, equation 9"
    else:
        mean_t, mean_c = float(np.average(cvt, weights=nt)), float(np.average(cvc, weights=nc))
        if variance == "AVHO":
            total = float(nt.sum() + nc.sum())
            mean_t = mean_c = (float(nt @ cvt) + float(nc @ cvc)) / total
            named = "CV²(1/n_t + 1/n_c), CV the mean of both groups' s/x weighted by n"
        else:
            named = "CV_t²/n_t + CV_c²/n_c, CV the mean of each group's s/x weighted by n"
        vi = mean_t**2 / nt + mean_c**2 / nc
        source += "; average coefficients of variation: Nakagawa et al. 2023"
    return _sizes(
        groups,
        "ROM",
        yi,
        vi,
        formula=formula,
        variance_formula=f"{variance}: {named}",
        source=source,
        warnings=warnings,
    )


def variability_ratio(groups: TwoGroups) -> EffectSizes:
    """Log of the ratio of standard deviations, corrected for small groups.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries with standard deviations above 0.
    """
    warnings = checked_for(groups, "VR")
    a, b = 0.5 / (groups.n_treated - 1.0), 0.5 / (groups.n_control - 1.0)
    return _sizes(
        groups,
        "VR",
        np.log(groups.sd_treated / groups.sd_control) + a - b,
        a + b,
        formula="ln(s_t/s_c) + 1/[2(n_t − 1)] − 1/[2(n_c − 1)]",
        variance_formula="1/[2(n_t − 1)] + 1/[2(n_c − 1)]",
        source="Nakagawa et al. 2015",
        warnings=warnings,
    )


def coefficient_of_variation_ratio(groups: TwoGroups) -> EffectSizes:
    """Log of the ratio of coefficients of variation, corrected for small groups.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries with means and standard deviations above 0.
    """
    warnings = checked_for(groups, "CVR")
    a, b = 0.5 / (groups.n_treated - 1.0), 0.5 / (groups.n_control - 1.0)
    cvt = groups.sd_treated / groups.mean_treated
    cvc = groups.sd_control / groups.mean_control
    return _sizes(
        groups,
        "CVR",
        np.log(cvt / cvc) + a - b,
        a + b + cvt**2 / groups.n_treated + cvc**2 / groups.n_control,
        formula="ln[(s_t/x_t)/(s_c/x_c)] + 1/[2(n_t − 1)] − 1/[2(n_c − 1)]",
        variance_formula=("1/[2(n_t − 1)] + 1/[2(n_c − 1)] + s_t²/(n_t x_t²) + s_c²/(n_c x_c²)"),
        source="Nakagawa et al. 2015; mean and standard deviation taken as uncorrelated",
        warnings=warnings,
    )


def normalized_mean_difference(
    groups: TwoGroups,
    *,
    sham: ArrayLike = 0.0,
    treated_per_control: ArrayLike = 1,
    variance: NmdVariance = "fixed",
) -> EffectSizes:
    """Share of the distance between control and healthy animals that treatment closes.

    A fraction: 0.6 where treatment takes 60 % of the difference away. A benefit is positive. With
    no tumor as the healthy state it is the tumor growth inhibition.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries.
    sham : array_like, default 0
        Mean of healthy (sham) animals, taken as known: of each row, or one for all.
    treated_per_control : array_like, default 1
        How many treated groups each control serves; its animals are shared out among them.
    variance : {"fixed", "delta"}, default "fixed"
        As the field does it, with the distance of control from sham taken as known, or with its
        error (which makes the variance smaller below a fraction of 1 and larger above 2).

    Raises
    ------
    InputError
        A control mean equal to sham, fewer than 1 treated group per control, or a variance that
        does not exist.

    Examples
    --------
    >>> groups = TwoGroups.of(
    ...     n_treated=[10], mean_treated=[300.0], sd_treated=[100.0],
    ...     n_control=[10], mean_control=[500.0], sd_control=[100.0],
    ... )
    >>> sizes = normalized_mean_difference(groups, treated_per_control=2)
    >>> round(float(sizes.yi[0]), 3), round(float(sizes.vi[0]), 4)
    (0.4, 0.012)
    """
    known_choice("a variance", variance, get_args(NmdVariance))
    warnings = checked_for(groups, "NMD")
    healthy = np.broadcast_to(np.asarray(sham, dtype=np.float64), groups.mean_control.shape)
    served = np.asarray(treated_per_control, dtype=np.float64)
    if not (served >= 1).all():
        raise InputError("1 or more treated groups per control", found=f"{np.min(served):g}")
    distance = groups.mean_control - healthy
    if not (np.isfinite(distance).all() and (distance != 0).all()):
        at = int(np.argmax(~np.isfinite(distance) | (distance == 0)))
        raise InputError(
            "a control mean that differs from that of healthy animals",
            found=f"{groups.mean_control[at]:g} and {healthy[at]:g}",
            where=f"row {groups.label[at]}",
        )
    left = (groups.mean_treated - healthy) / distance
    vt = groups.sd_treated**2 / (groups.n_treated * distance**2)
    vc = groups.sd_control**2 * served / (groups.n_control * distance**2)
    named = "[s_t²/n_t + s_c²/n_c′]/(x_c − x_s)², n_c′ = n_c/treated groups per control"
    if variance == "delta":
        vc = vc * left**2
        named = "[s_t²/n_t + ((x_t − x_s)/(x_c − x_s))² s_c²/n_c′]/(x_c − x_s)²"
    return _sizes(
        groups,
        "NMD",
        1.0 - left,
        vt + vc,
        formula="[(x_c − x_s) − (x_t − x_s)]/(x_c − x_s), a fraction",
        variance_formula=f"{variance}: {named}",
        source="Vesterinen et al. 2014",
        warnings=warnings,
    )


def baseline_adjusted_log_ratio(
    end: TwoGroups, start: TwoGroups, *, correlation: ArrayLike
) -> EffectSizes:
    """Log ratio of the relative volumes: what the end says beyond where the groups began.

    Parameters
    ----------
    end, start : TwoGroups
        Group summaries of the same rows at the end and at the start.
    correlation : array_like
        Correlation of start and end within animals, between −1 and 1: of each row, or one for
        all. Papers rarely report it; show what another value does.

    Raises
    ------
    InputError
        Other rows or numbers of animals at start and end, a mean of 0 or below, or a correlation
        outside −1 to 1.
    """
    warnings = checked_for(end, "ROM") + checked_for(start, "ROM")
    same = np.array_equal(end.n_treated, start.n_treated) and np.array_equal(
        end.n_control, start.n_control
    )
    if end.label != start.label or not same:
        raise InputError(
            "the same rows and animals at start and end", found="other labels or numbers"
        )
    r = np.asarray(correlation, dtype=np.float64)
    if not (np.abs(r) < 1).all():
        raise InputError("a correlation between -1 and 1", found=f"{np.max(np.abs(r)):g}")
    yi = np.log(end.mean_treated / end.mean_control)
    yi = yi - np.log(start.mean_treated / start.mean_control)
    vi = np.zeros_like(yi)
    for n, late_sd, late, early_sd, early in (
        (end.n_treated, end.sd_treated, end.mean_treated, start.sd_treated, start.mean_treated),
        (end.n_control, end.sd_control, end.mean_control, start.sd_control, start.mean_control),
    ):
        a, b = late_sd / late, early_sd / early
        vi = vi + (a**2 + b**2 - 2.0 * r * a * b) / n
    return _sizes(
        end,
        "ROM",
        yi,
        vi,
        formula="ln(x_t1/x_t0) − ln(x_c1/x_c0)",
        variance_formula="sum over groups of [CV_1² + CV_0² − 2r CV_1 CV_0]/n, CV = s/x",
        source="delta method",
        warnings=warnings,
    )


def from_std_errors(
    yi: ArrayLike, std_error: ArrayLike, *, measure: str, source: str = "as reported"
) -> EffectSizes:
    """Effect sizes that come with their standard errors, as from a fit of ours.

    Parameters
    ----------
    yi, std_error : array_like, shape (k,)
        Estimates, arm minus control, and their standard errors, above 0.
    measure : str
        What the numbers are, for instance ``growth_rate`` (per day).
    source : str, optional
        Where they come from.

    Raises
    ------
    InputError
        Arrays of different lengths, or a standard error that is not above 0.

    Examples
    --------
    >>> sizes = from_std_errors([-0.05], [0.01], measure="growth_rate")
    >>> round(float(sizes.vi[0]), 6)
    0.0001
    """
    estimates = np.atleast_1d(np.asarray(yi, dtype=np.float64))
    errors = np.atleast_1d(np.asarray(std_error, dtype=np.float64))
    same_length(("yi", estimates), ("std_error", errors))
    above_zero("a standard error", errors)
    return EffectSizes(
        label=numbered(estimates.size),
        measure=checked_measure(measure),
        yi=read_only(estimates),
        vi=read_only(errors**2),
        formula="as given",
        variance_formula="square of the standard error",
        source=source,
    )


def log_ratio_from_tgi(tgi_pct: ArrayLike, std_error_pct: ArrayLike) -> EffectSizes:
    """Log ratio of means from tumor growth inhibition, 100(1 − x_t/x_c).

    Not for inhibition of the change from baseline, which can exceed 100 %.

    Parameters
    ----------
    tgi_pct, std_error_pct : array_like, shape (k,)
        Tumor growth inhibition below 100, and its standard error, both in percent.

    Raises
    ------
    InputError
        100 % or more, or a standard error that is not above 0.

    Examples
    --------
    >>> sizes = log_ratio_from_tgi([60.0], [8.0])
    >>> round(float(sizes.yi[0]), 4), round(float(sizes.vi[0]), 4)
    (-0.9163, 0.04)
    """
    tgi, std_error = column(tgi_pct), column(std_error_pct)
    same_length(("values of TGI", tgi), ("standard error", std_error))
    above_zero("a standard error", std_error)
    if not (tgi < 100).all():
        at = int(np.argmax(~(tgi < 100)))
        raise InputError(
            "a tumor growth inhibition below 100 %",
            found=f"{tgi[at]:g}",
            where=f"row {at + 1}",
            mend="pool inhibition of the change from baseline as it is, not as a log ratio",
        )
    found: tuple[MetaWarning, ...] = ()
    if (np.abs(tgi) <= _LARGEST_FRACTION).all() and (tgi != 0).any():
        message = "every TGI is within ±1 %: are they fractions? write 60 for 60 %"
        found = (MetaWarning(code="suspect", message=message),)
    share = 1.0 - tgi / 100.0
    return EffectSizes(
        label=numbered(tgi.size),
        measure="ROM",
        yi=read_only(np.log(share)),
        vi=read_only((std_error / 100.0 / share) ** 2),
        formula="ln(1 − TGI/100)",
        variance_formula="[SE/(100 − TGI)]²",
        source="delta method",
        warnings=found,
    )


def tgi_from_log_ratio(log_ratio: ArrayLike) -> FloatArray:
    """Tumor growth inhibition in percent from log ratios; limits change places.

    Parameters
    ----------
    log_ratio : array_like
        Estimates or limits. The upper limit of the log ratio gives the lower limit of TGI.

    Examples
    --------
    >>> tgi_from_log_ratio([0.0, -0.6931471805599453]).round(6).tolist()
    [0.0, 50.0]
    """
    return np.asarray(100.0 - 100.0 * np.exp(np.asarray(log_ratio, dtype=np.float64)))
