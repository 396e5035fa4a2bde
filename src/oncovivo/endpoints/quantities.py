"""From the values of a few animals to a number with an interval, or to the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.estimate import EndpointStatus, Quantity, finite
from oncovivo.endpoints.intervals import (
    FEWEST_FOR_RESAMPLING,
    IntervalMethod,
    bootstrap_limits,
    difference_limits,
    fieller_limits,
    log_delta_limits,
    log_delta_paired_limits,
    mean_limits,
    median_limits,
    mover_difference,
    part_level,
)

__all__ = [
    "IntervalSettings",
    "difference_of_means",
    "logarithmic_mean",
    "mean_of",
    "median_of",
    "positive_mean",
    "ratio_of_means",
    "ratio_of_medians",
    "rename",
    "with_remarks",
    "without_number",
]

FloatArray: TypeAlias = NDArray[np.float64]

UNBOUNDED: Final = (
    "the control's denominator does not differ from zero at this level: no bounded interval"
)
NO_ANIMAL: Final = "no animal has the readings this needs"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSettings:
    """What every interval of a table shares.

    Parameters
    ----------
    level : float
        Confidence, between 0 and 1.
    draws : int
        Resamples and relabelings.
    seed : int
        Every resampling starts from it, so a result does not depend on which arm came first.
    """

    level: float
    draws: int
    seed: int

    def rng(self) -> np.random.Generator:
        """A generator at its start."""
        return np.random.default_rng(self.seed)


def without_number(
    status: EndpointStatus,
    reason: str,
    *,
    n_treated: int = 0,
    n_control: int = 0,
    greater_than: float | None = None,
) -> Quantity:
    """A quantity that does not exist, with the reason."""
    return Quantity(
        estimate=None,
        status=status,
        remarks=(reason,),
        n_treated=n_treated,
        n_control=n_control,
        greater_than=greater_than,
    )


def with_remarks(quantity: Quantity, remarks: tuple[str, ...]) -> Quantity:
    """The quantity with more to know about it; one that was ``ok`` is now ``flagged``."""
    if not remarks:
        return quantity
    status: EndpointStatus = "flagged" if quantity.status == "ok" else quantity.status
    return replace(quantity, status=status, remarks=(*quantity.remarks, *remarks))


def rename(
    quantity: Quantity, transform: Callable[[float], float], *, rising: bool = True
) -> Quantity:
    """The quantity on another scale, by a monotone function.

    Parameters
    ----------
    quantity : Quantity
        On the first scale.
    transform : callable
        From a number to a number.
    rising : bool
        Whether `transform` rises; otherwise the limits change places.
    """

    def apply(value: float | None) -> float | None:
        return None if value is None else transform(value)

    lower, upper = apply(quantity.lower), apply(quantity.upper)
    return replace(
        quantity,
        estimate=apply(quantity.estimate),
        lower=lower if rising else upper,
        upper=upper if rising else lower,
    )


def ratio_of_means(
    x: FloatArray,
    y: FloatArray,
    settings: IntervalSettings,
    *,
    method: Literal["fieller", "log_delta_t"],
) -> Quantity:
    """Mean of the treated over mean of the control; the control's mean must be positive.

    Parameters
    ----------
    x, y : ndarray, shape (n,) and (m,)
        One value per animal, each with at least one animal.
    settings : IntervalSettings
        Level.
    method : {"fieller", "log_delta_t"}
        ``fieller`` where the treated mean may be zero or negative.
    """
    estimate = float(x.mean() / y.mean())
    bare = Quantity(estimate=estimate, n_treated=x.size, n_control=y.size)
    if min(x.size, y.size) < 2:
        return with_remarks(bare, ("one animal in an arm: no interval",))
    if method == "log_delta_t" and estimate <= 0:
        return with_remarks(bare, ("every treated value is zero: no interval",))
    limits = fieller_limits if method == "fieller" else log_delta_limits
    lower, upper = limits(x, y, level=settings.level)
    if np.isinf(lower):
        return replace(bare, method=method, status="unbounded", remarks=(UNBOUNDED,))
    return replace(bare, lower=finite(lower), upper=finite(upper), method=method)


def difference_of_means(x: FloatArray, y: FloatArray, settings: IntervalSettings) -> Quantity:
    """Mean of the treated less mean of the control, with Welch's t interval.

    Parameters
    ----------
    x, y : ndarray, shape (n,) and (m,)
        One value per animal, each with at least one animal.
    settings : IntervalSettings
        Level.
    """
    bare = Quantity(estimate=float(x.mean() - y.mean()), n_treated=x.size, n_control=y.size)
    if min(x.size, y.size) < 2:
        return with_remarks(bare, ("one animal in an arm: no interval",))
    lower, upper = difference_limits(x, y, level=settings.level)
    return replace(bare, lower=finite(lower), upper=finite(upper), method="welch_t")


def mean_of(
    x: FloatArray, settings: IntervalSettings, *, method: IntervalMethod = "t"
) -> Quantity:
    """Mean with Student's t interval.

    Parameters
    ----------
    x : ndarray, shape (n,)
        One value per animal, on a scale on which they scatter evenly, such as a logarithm.
    settings : IntervalSettings
        Level.
    method : IntervalMethod
        Name to file the interval under.
    """
    bare = Quantity(estimate=float(x.mean()), n_treated=x.size)
    if x.size < 2:
        return with_remarks(bare, ("one animal: no interval",))
    lower, upper = mean_limits(x, level=settings.level)
    return replace(bare, lower=finite(lower), upper=finite(upper), method=method)


def logarithmic_mean(logs: FloatArray, settings: IntervalSettings) -> Quantity:
    """Geometric mean with its t interval, from the logarithms of the animals' values."""
    return rename(mean_of(logs, settings, method="log_t"), lambda value: float(np.exp(value)))


def positive_mean(
    x: FloatArray, settings: IntervalSettings, *, over: FloatArray | None = None
) -> Quantity:
    """Mean of a skewed positive quantity, or a ratio of two means of the same animals.

    Studentized bootstrap on the log scale from five animals on, log-delta t below.

    Parameters
    ----------
    x : ndarray, shape (n,)
        One value of zero or more per animal.
    settings : IntervalSettings
        Level, draws and seed.
    over : ndarray, shape (n,), optional
        Denominator of each animal.
    """
    bottom = np.ones_like(x) if over is None else over
    # Sorted, so that the order in which animals come does not reach the resamples.
    order = np.lexsort((bottom, x))
    x, bottom = x[order], bottom[order]
    bare = Quantity(estimate=float(x.mean() / bottom.mean()), n_treated=x.size)
    if x.size < 2:
        return with_remarks(bare, ("one animal: no interval",))
    if x.mean() <= 0:
        return with_remarks(bare, ("every value is zero: no interval",))
    if x.size < FEWEST_FOR_RESAMPLING:
        lower, upper = log_delta_paired_limits(x, bottom, level=settings.level)
        return replace(bare, lower=finite(lower), upper=finite(upper), method="log_delta_t")
    lower, upper = bootstrap_limits(
        x, bottom, level=settings.level, draws=settings.draws, rng=settings.rng()
    )
    return replace(bare, lower=finite(lower), upper=finite(upper), method="bootstrap_t")


def median_of(x: FloatArray, settings: IntervalSettings) -> Quantity:
    """Median with interpolated order-statistic limits.

    Parameters
    ----------
    x : ndarray, shape (n,)
        One value per animal.
    settings : IntervalSettings
        Level.
    """
    bare = Quantity(estimate=float(np.median(x)), n_treated=x.size)
    lower, upper = median_limits(np.sort(x), level=settings.level)
    if np.isnan(lower):
        return with_remarks(bare, (too_few(x.size),))
    return replace(bare, lower=finite(lower), upper=finite(upper), method="order_statistics")


def ratio_of_medians(x: FloatArray, y: FloatArray, settings: IntervalSettings) -> Quantity:
    """Median of the treated over median of the control, limits combined on the log scale.

    Parameters
    ----------
    x, y : ndarray, shape (n,) and (m,)
        One value of zero or more per animal; the control's median positive.
    settings : IntervalSettings
        Level.
    """
    bare = Quantity(
        estimate=float(np.median(x) / np.median(y)), n_treated=x.size, n_control=y.size
    )
    part = part_level(settings.level)
    limits = median_limits(np.sort(x), level=part), median_limits(np.sort(y), level=part)
    if np.isnan(limits[0][0]) or np.isnan(limits[1][0]):
        return with_remarks(bare, (too_few(min(x.size, y.size)),))
    if min(limits[0][0], limits[1][0]) <= 0:
        return with_remarks(bare, ("a limit of an arm's median is zero: no interval",))
    lower, upper = mover_difference(
        np.log(np.median(x)),
        (np.log(limits[0][0]), np.log(limits[0][1])),
        np.log(np.median(y)),
        (np.log(limits[1][0]), np.log(limits[1][1])),
    )
    return replace(bare, lower=finite(np.exp(lower)), upper=finite(np.exp(upper)), method="mover")


def too_few(n: int) -> str:
    """Why a median of a few animals has no interval."""
    return f"{n} animals are too few for the interval of a median at this level"
