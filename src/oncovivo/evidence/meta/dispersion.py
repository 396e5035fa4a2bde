"""Standard deviations from whatever a paper reports, each with a record of what was done.

References
----------
Wan X, Wang W, Liu J, Tong T. BMC Med Res Methodol 2014;14:135 (standard deviation from range or
quartiles). Luo D, Wan X, Liu J, Tong T. Stat Methods Med Res 2018;27:1785 (mean from median).
Shi J et al. Res Synth Methods 2020;11:641 (standard deviation from the five-number summary).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.columns import column, known_choice, numbered, same_length
from oncovivo.evidence.meta.effect_sizes import hedges_correction
from oncovivo.evidence.meta.two_groups import TwoGroups
from oncovivo.evidence.meta.types import EffectSizes, checked_level, read_only

__all__ = [
    "Conversion",
    "DispersionKind",
    "MeanAndSd",
    "SemSuspicion",
    "mean_and_sd",
    "sd_from",
    "sd_of_change",
    "suspected_sem",
    "with_reading_error",
]

FloatArray: TypeAlias = NDArray[np.float64]

DispersionKind: TypeAlias = Literal["sd", "sem", "variance", "ci", "iqr", "range"]
"""What a paper calls its dispersion: ``iqr`` and ``range`` are widths, ``ci`` half a width."""

# Fewer animals than this have no quartiles worth the name.
_FEWEST_FOR_QUANTILES: Final = 5
# Rows below which the usual coefficient of variation of the others is not known.
_FEWEST_OTHERS: Final = 4
# The median absolute deviation of a normal distribution is this share of its SD.
_MAD: Final = 0.6744897501960817
# Spread of the log coefficient of variation between experiments where nothing else is known.
_USUAL_SPREAD: Final = 0.5
# Exponentials of more than this are infinite.
_LARGEST_LOG: Final = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What was done to get a standard deviation: one line of the audit trail.

    Parameters
    ----------
    label : str
        Row and group.
    kind : str
        What was reported.
    reported : tuple of float
        The numbers as reported.
    n : float
        Animals.
    formula, source : str
        How they were converted, and where the formula comes from.
    sd : float
        Standard deviation.
    mean : float or None
        Mean, where it was made from a median.
    """

    label: str
    kind: str
    reported: tuple[float, ...]
    n: float
    formula: str
    source: str
    sd: float
    mean: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanAndSd:
    """Means and standard deviations with their record.

    Parameters
    ----------
    mean : ndarray, shape (k,), or None
        Means made from medians; None where only the dispersion was converted.
    sd : ndarray, shape (k,)
        Standard deviations.
    trail : tuple of Conversion
        What was done, a line for each row.
    """

    mean: FloatArray | None
    sd: FloatArray
    trail: tuple[Conversion, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "mean": None if self.mean is None else self.mean.tolist(),
            "sd": self.sd.tolist(),
            "trail": [one.to_dict() for one in self.trail],
        }


def _labels(label: Sequence[str] | None, rows: int) -> tuple[str, ...]:
    """Labels of the rows; their numbers where none are given."""
    if label is None:
        return numbered(rows)
    if len(label) != rows:
        raise InputError(f"one label for each of the {rows} rows", found=f"{len(label)}")
    return tuple(str(one) for one in label)


def _check_dispersion(values: FloatArray, n: FloatArray, labels: tuple[str, ...]) -> None:
    """Stop at a dispersion below 0 or not a number, or a group of fewer than 2."""
    same_length(("numbers of animals", n), ("dispersion", values))
    for bad, expected, shown in (
        (~(np.isfinite(n) & (n >= 2)), "2 animals or more", n),
        (~(np.isfinite(values) & (values >= 0)), "a dispersion of 0 or more", values),
    ):
        if bad.any():
            at = int(np.argmax(bad))
            raise InputError(expected, found=f"{shown[at]:g}", where=f"row {labels[at]}")


def _range_units(n: FloatArray) -> FloatArray:
    """Expected range of n normal values, in standard deviations, by Blom's approximation."""
    return np.asarray(2.0 * special.ndtri((n - 0.375) / (n + 0.25)))


def _quartile_units(n: FloatArray) -> FloatArray:
    """Expected distance of the quartiles of n normal values, in standard deviations."""
    return np.asarray(2.0 * special.ndtri((0.75 * n - 0.125) / (n + 0.25)))


def sd_from(
    value: ArrayLike,
    kind: str,
    n: ArrayLike,
    *,
    level: float = 0.95,
    label: Sequence[str] | None = None,
) -> MeanAndSd:
    """Standard deviation from a reported dispersion.

    Parameters
    ----------
    value : array_like, shape (k,)
        The dispersion: for ``ci`` half the width of the interval of the mean, for ``iqr`` and
        ``range`` the whole width.
    kind : {"sd", "sem", "variance", "ci", "iqr", "range"}
        What it is.
    n : array_like, shape (k,)
        Animals, 2 or more; 5 or more for quartiles.
    level : float, default 0.95
        Confidence of the interval, a fraction; used by ``ci`` alone.
    label : sequence of str, shape (k,), optional
        Names for the record.

    Returns
    -------
    MeanAndSd
        Without means.

    Raises
    ------
    InputError
        A kind that is not known, a dispersion below 0, too few animals, or a level that is not a
        fraction.

    Notes
    -----
    The interval of a mean is taken as the usual t interval with n − 1 degrees of freedom. The
    divisors of range and quartiles hold for normal values: volumes are skewed, and a mean that
    came with a standard deviation is to be preferred.

    Examples
    --------
    >>> sd_from([10.0], "sem", [9]).sd.tolist()
    [30.0]
    >>> sd_from([10.0], "ci", [9]).trail[0].formula
    'half width × √n/t(0.975; n − 1)'
    """
    known_choice("a kind of dispersion", kind, get_args(DispersionKind))
    values, animals = column(value), column(n)
    labels = _labels(label, values.size)
    _check_dispersion(values, animals, labels)
    if kind == "iqr" and (animals < _FEWEST_FOR_QUANTILES).any():
        at = int(np.argmax(animals < _FEWEST_FOR_QUANTILES))
        raise InputError(
            f"{_FEWEST_FOR_QUANTILES} animals or more for quartiles",
            found=f"{animals[at]:g}",
            where=f"row {labels[at]}",
        )
    sd, formula, source = _converted(values, kind, animals, checked_level(level))
    trail = tuple(
        Conversion(
            label=labels[at],
            kind=kind,
            reported=(float(values[at]),),
            n=float(animals[at]),
            formula=formula,
            source=source,
            sd=float(sd[at]),
        )
        for at in range(sd.size)
    )
    return MeanAndSd(mean=None, sd=read_only(sd), trail=trail)


def _converted(
    values: FloatArray, kind: str, n: FloatArray, level: float
) -> tuple[FloatArray, str, str]:
    """Standard deviations, and how they were made."""
    if kind == "sd":
        return values, "as reported", "reported standard deviation"
    if kind == "variance":
        return np.sqrt(values), "√variance", "definition"
    if kind == "sem":
        return values * np.sqrt(n), "SEM × √n", "definition"
    if kind == "ci":
        quantile = special.stdtrit(n - 1.0, 0.5 + 0.5 * level)
        tail = f"{0.5 + 0.5 * level:g}"
        return (
            values * np.sqrt(n) / quantile,
            f"half width × √n/t({tail}; n − 1)",
            "t interval of a mean",
        )
    if kind == "iqr":
        named = "(q3 − q1)/[2Φ⁻¹((0.75n − 0.125)/(n + 0.25))]"
        return values / _quartile_units(n), named, "Wan et al. 2014, equation 16"
    named = "(max − min)/[2Φ⁻¹((n − 0.375)/(n + 0.25))]"
    return values / _range_units(n), named, "Wan et al. 2014, equation 9"


def mean_and_sd(
    median: ArrayLike,
    n: ArrayLike,
    *,
    quartiles: tuple[ArrayLike, ArrayLike] | None = None,
    extremes: tuple[ArrayLike, ArrayLike] | None = None,
    label: Sequence[str] | None = None,
) -> MeanAndSd:
    """Mean and standard deviation from a median with quartiles, extremes, or both.

    Parameters
    ----------
    median : array_like, shape (k,)
        Medians.
    n : array_like, shape (k,)
        Animals, 5 or more.
    quartiles : pair of array_like, shape (k,), optional
        First and third quartile.
    extremes : pair of array_like, shape (k,), optional
        Smallest and largest value.
    label : sequence of str, shape (k,), optional
        Names for the record.

    Raises
    ------
    InputError
        Neither quartiles nor extremes, numbers out of order, or fewer than 5 animals.

    Notes
    -----
    All formulas take the values as normal. A median in the middle neither proves nor needs that;
    one far from the middle of its quartiles says that they are skewed, and then the mean of the
    values is not what comes out here.

    Examples
    --------
    >>> found = mean_and_sd([50.0], [10], quartiles=([40.0], [64.0]))
    >>> found.mean.round(3).tolist(), found.sd.round(2).tolist()
    ([51.478], [20.64])
    """
    middle, animals = column(median), column(n)
    labels = _labels(label, middle.size)
    if quartiles is None and extremes is None:
        raise InputError("quartiles, extremes or both beside the median", found="neither")
    inner = None if quartiles is None else (column(quartiles[0]), column(quartiles[1]))
    outer = None if extremes is None else (column(extremes[0]), column(extremes[1]))
    _check_order(middle, animals, inner, outer, labels)
    if inner is not None and outer is not None:
        kind = "five numbers"
        mean, sd, formula, source = _from_five(middle, animals, inner, outer)
        reported = np.column_stack((outer[0], inner[0], middle, inner[1], outer[1]))
    elif inner is not None:
        kind = "median and quartiles"
        weight = 0.7 + 0.39 / animals
        mean = weight * 0.5 * (inner[0] + inner[1]) + (1.0 - weight) * middle
        sd = (inner[1] - inner[0]) / _quartile_units(animals)
        formula = (
            "mean w(q1 + q3)/2 + (1 − w)·median, w = 0.7 + 0.39/n; "
            "SD (q3 − q1)/[2Φ⁻¹((0.75n − 0.125)/(n + 0.25))]"
        )
        source = "Luo et al. 2018; Wan et al. 2014, equation 16"
        reported = np.column_stack((inner[0], middle, inner[1]))
    elif outer is not None:
        kind = "median and range"
        weight = 4.0 / (4.0 + animals**0.75)
        mean = weight * 0.5 * (outer[0] + outer[1]) + (1.0 - weight) * middle
        sd = (outer[1] - outer[0]) / _range_units(animals)
        formula = (
            "mean w(min + max)/2 + (1 − w)·median, w = 4/(4 + n^0.75); "
            "SD (max − min)/[2Φ⁻¹((n − 0.375)/(n + 0.25))]"
        )
        source = "Luo et al. 2018; Wan et al. 2014, equation 9"
        reported = np.column_stack((outer[0], middle, outer[1]))
    trail = tuple(
        Conversion(
            label=labels[at],
            kind=kind,
            reported=tuple(reported[at].tolist()),
            n=float(animals[at]),
            formula=formula,
            source=source,
            sd=float(sd[at]),
            mean=float(mean[at]),
        )
        for at in range(sd.size)
    )
    return MeanAndSd(mean=read_only(mean), sd=read_only(sd), trail=trail)


def _from_five(
    median: FloatArray,
    n: FloatArray,
    inner: tuple[FloatArray, FloatArray],
    outer: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray, str, str]:
    """Mean and standard deviation from the five-number summary."""
    at_ends = 2.2 / (2.2 + n**0.75)
    at_quartiles = 0.7 - 0.72 / n**0.55
    mean = (
        at_ends * 0.5 * (outer[0] + outer[1])
        + at_quartiles * 0.5 * (inner[0] + inner[1])
        + (1.0 - at_ends - at_quartiles) * median
    )
    share = 1.0 / (1.0 + 0.07 * n**0.6)
    sd = share * (outer[1] - outer[0]) / _range_units(n)
    sd = sd + (1.0 - share) * (inner[1] - inner[0]) / _quartile_units(n)
    formula = (
        "mean v(min + max)/2 + w(q1 + q3)/2 + (1 − v − w)·median, v = 2.2/(2.2 + n^0.75), "
        "w = 0.7 − 0.72/n^0.55; SD u·SD(range) + (1 − u)·SD(quartiles), u = 1/(1 + 0.07n^0.6)"
    )
    return mean, sd, formula, "Luo et al. 2018; Shi et al. 2020"


def _check_order(
    median: FloatArray,
    n: FloatArray,
    inner: tuple[FloatArray, FloatArray] | None,
    outer: tuple[FloatArray, FloatArray] | None,
    labels: tuple[str, ...],
) -> None:
    """Stop where a summary is not in order, or is of too few animals."""
    chain: list[tuple[str, FloatArray]] = [("median", median)]
    if inner is not None:
        chain = [("first quartile", inner[0]), *chain, ("third quartile", inner[1])]
    if outer is not None:
        chain = [("smallest value", outer[0]), *chain, ("largest value", outer[1])]
    same_length(("medians", median), ("number of animals", n), *chain)
    few = ~(np.isfinite(n) & (n >= _FEWEST_FOR_QUANTILES))
    if few.any():
        at = int(np.argmax(few))
        raise InputError(
            f"{_FEWEST_FOR_QUANTILES} animals or more behind quartiles and extremes",
            found=f"{n[at]:g}",
            where=f"row {labels[at]}",
        )
    for (low_name, low), (high_name, high) in pairwise(chain):
        wrong = ~(low <= high)
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InputError(
                f"a {low_name} not above the {high_name}",
                found=f"{low[at]:g} and {high[at]:g}",
                where=f"row {labels[at]}",
            )


def sd_of_change(sd_start: ArrayLike, sd_end: ArrayLike, *, correlation: ArrayLike) -> FloatArray:
    """Standard deviation of the change from baseline within animals.

    Parameters
    ----------
    sd_start, sd_end : array_like, shape (k,)
        Standard deviations at the start and at the end, 0 or more.
    correlation : array_like
        Correlation of the two within animals, from −1 to 1.

    Raises
    ------
    InputError
        A standard deviation below 0 or a correlation outside −1 to 1.

    Examples
    --------
    >>> sd_of_change([3.0], [4.0], correlation=0.0).tolist()
    [5.0]
    """
    start, end, r = column(sd_start), column(sd_end), column(correlation)
    if not ((start >= 0).all() and (end >= 0).all()):
        raise InputError("standard deviations of 0 or more", found="one below 0")
    if not (np.abs(r) <= 1).all():
        raise InputError("a correlation between -1 and 1", found=f"{r[np.argmax(np.abs(r))]:g}")
    return np.sqrt(start**2 + end**2 - 2.0 * r * start * end)


@dataclass(frozen=True, slots=True, kw_only=True)
class SemSuspicion:
    """A row whose standard deviations look like standard errors of the mean.

    Parameters
    ----------
    label : str
        Row.
    cv_treated, cv_control : float
        Coefficients of variation as reported.
    usual_cv_treated, usual_cv_control : float
        Those to expect.
    likelihood_ratio : float
        How many times likelier both numbers are as standard errors than as standard deviations.
    """

    label: str
    cv_treated: float
    cv_control: float
    usual_cv_treated: float
    usual_cv_control: float
    likelihood_ratio: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def suspected_sem(
    groups: TwoGroups,
    *,
    usual_cv: float | None = None,
    spread: float | None = None,
    ratio: float = 10.0,
) -> tuple[SemSuspicion, ...]:
    """Rows whose standard deviations are likelier to be standard errors of the mean.

    The logs of both groups' coefficients of variation are compared with those of the same group
    in the other rows, as they stand and times √n; a paper is taken to report both groups alike.
    Rows that are all standard errors do not give themselves away: for that name the usual
    coefficient of variation. A suspicion, not a correction: simulated with 8 animals a group and
    2 such rows among 12 it finds 85 % of them and suspects 1 % of the others.

    Parameters
    ----------
    groups : TwoGroups
        Group summaries with means above 0.
    usual_cv : float, optional
        Coefficient of variation to expect; from the other rows where not given, for which there
        must be at least 5 rows.
    spread : float, optional
        Standard deviation of its log between experiments, apart from sampling error; from the
        other rows where not given, or 0.5 where only ``usual_cv`` is.
    ratio : float, default 10
        Report a row from this likelihood ratio on.

    Returns
    -------
    tuple of SemSuspicion
        In the order of the rows.

    Raises
    ------
    DataError
        Fewer than 5 rows and no ``usual_cv``.
    InputError
        A mean of 0 or below, or an option that is not above 0.

    Examples
    --------
    >>> groups = TwoGroups.of(
    ...     n_treated=[10] * 6, mean_treated=[100.0] * 6, sd_treated=[45, 50, 55, 48, 52, 16],
    ...     n_control=[10] * 6, mean_control=[100.0] * 6, sd_control=[45, 50, 55, 48, 52, 14],
    ... )
    >>> [one.label for one in suspected_sem(groups)]
    ['6']
    """
    for name, value in (("usual_cv", usual_cv), ("spread", spread), ("ratio", ratio)):
        if value is not None and not value > 0:
            raise InputError(f"{name} above 0", found=f"{value:g}")
    if usual_cv is None and len(groups.label) <= _FEWEST_OTHERS:
        raise DataError(
            f"{_FEWEST_OTHERS + 1} rows or more to know the usual coefficient of variation",
            found=f"{len(groups.label)}",
            mend="name it with usual_cv",
        )
    if not ((groups.mean_treated > 0).all() and (groups.mean_control > 0).all()):
        raise InputError("means above 0", found="one of 0 or below")
    cv_treated = groups.sd_treated / groups.mean_treated
    cv_control = groups.sd_control / groups.mean_control
    treated, usual_treated = _sem_log_ratios(cv_treated, groups.n_treated, usual_cv, spread)
    control, usual_control = _sem_log_ratios(cv_control, groups.n_control, usual_cv, spread)
    together = treated + control
    return tuple(
        SemSuspicion(
            label=groups.label[at],
            cv_treated=float(cv_treated[at]),
            cv_control=float(cv_control[at]),
            usual_cv_treated=float(usual_treated[at]),
            usual_cv_control=float(usual_control[at]),
            likelihood_ratio=float(np.exp(min(together[at], _LARGEST_LOG))),
        )
        for at in np.flatnonzero(together >= np.log(ratio)).tolist()
    )


def _sem_log_ratios(
    cv: FloatArray, n: FloatArray, usual_cv: float | None, spread: float | None
) -> tuple[FloatArray, FloatArray]:
    """Log likelihood of each coefficient as a standard error's over that as an SD's."""
    log_ratio, usual = np.zeros_like(cv), np.full_like(cv, np.nan)
    logs = np.log(np.where(cv > 0, cv, 1.0))
    for at in range(cv.size):
        others = logs[(cv > 0) & (np.arange(cv.size) != at)]
        if usual_cv is None and others.size == 0:
            continue
        center = float(np.median(others)) if usual_cv is None else float(np.log(usual_cv))
        usual[at] = np.exp(center)
        # Sampling variance of the log of a coefficient of variation of the usual size.
        sampling = 0.5 / (n[at] - 1.0) + usual[at] ** 2 / n[at]
        if spread is not None or usual_cv is not None:
            variance = sampling + (_USUAL_SPREAD if spread is None else spread) ** 2
        else:
            # The spread of the others holds their sampling error already.
            seen = float(np.median(np.abs(others - center))) / _MAD
            variance = max(sampling, seen**2)
        if cv[at] > 0:
            as_sem = logs[at] + 0.5 * np.log(n[at]) - center
            log_ratio[at] = 0.5 * ((logs[at] - center) ** 2 - as_sem**2) / variance
    return log_ratio, usual


def with_reading_error(
    sizes: EffectSizes,
    groups: TwoGroups,
    *,
    mean_treated: ArrayLike = 0.0,
    mean_control: ArrayLike = 0.0,
    sd_treated: ArrayLike = 0.0,
    sd_control: ArrayLike = 0.0,
) -> EffectSizes:
    """Effect sizes whose variance holds the error of reading their numbers off a figure.

    Parameters
    ----------
    sizes : EffectSizes
        Made from ``groups``: SMD, ROM, MD or NMD with no tumor as the healthy state.
    groups : TwoGroups
        What was read.
    mean_treated, mean_control, sd_treated, sd_control : array_like
        Standard deviations of the readings, in the unit of the figure: of each row or one for
        all, 0 or more. Twice reading a figure gives them as difference/√2.

    Returns
    -------
    EffectSizes
        The same estimates with larger variances, and a formula that says so.

    Raises
    ------
    InputError
        Another measure, other rows, or an error below 0.

    Notes
    -----
    First-order error propagation, with readings independent of each other. An error of the
    axis' scale moves both groups alike: it cancels in a log ratio and in a standardized
    difference, and is not meant here.

    Examples
    --------
    >>> groups = TwoGroups.of(
    ...     n_treated=[8], mean_treated=[250.0], sd_treated=[100.0],
    ...     n_control=[8], mean_control=[500.0], sd_control=[150.0],
    ... )
    >>> from oncovivo.evidence.meta.effect_sizes import log_ratio_of_means
    >>> read = with_reading_error(log_ratio_of_means(groups), groups, mean_treated=25.0)
    >>> round(float(read.vi[0]), 5)
    0.04125
    """
    if len(groups.label) != sizes.yi.size:
        raise InputError(
            f"the {sizes.yi.size} rows the effect sizes were made from",
            found=f"{len(groups.label)}",
        )
    errors = [
        np.broadcast_to(np.asarray(e, dtype=np.float64), sizes.yi.shape)
        for e in (mean_treated, mean_control, sd_treated, sd_control)
    ]
    if not all((error >= 0).all() for error in errors):
        raise InputError("errors of reading of 0 or more", found="one below 0")
    added = sum(
        (slope * error) ** 2 for slope, error in zip(_slopes(sizes, groups), errors, strict=True)
    )
    return replace(
        sizes,
        vi=read_only(sizes.vi + added),
        variance_formula=f"{sizes.variance_formula}; plus the squared errors of reading, "
        "each times the effect's slope in that number",
    )


def _slopes(sizes: EffectSizes, groups: TwoGroups) -> tuple[FloatArray, ...]:
    """Slopes of the effect size in both means and both standard deviations."""
    none = np.zeros_like(sizes.yi)
    if sizes.measure == "MD":
        return none + 1.0, none - 1.0, none, none
    if sizes.measure == "ROM":
        return 1.0 / groups.mean_treated, -1.0 / groups.mean_control, none, none
    if sizes.measure == "NMD":
        c = groups.mean_control
        return -1.0 / c, groups.mean_treated / c**2, none, none
    if sizes.measure == "SMD":
        a, b = groups.n_treated - 1.0, groups.n_control - 1.0
        squared = (a * groups.sd_treated**2 + b * groups.sd_control**2) / (a + b)
        per_unit = hedges_correction(a + b) / np.sqrt(squared)
        shrink = -sizes.yi / ((a + b) * squared)
        return per_unit, -per_unit, shrink * a * groups.sd_treated, shrink * b * groups.sd_control
    raise InputError("effect sizes of SMD, ROM, MD or NMD", found=sizes.measure)
