"""Shares of animals with their exact intervals."""

from __future__ import annotations

from dataclasses import dataclass

from oncovivo.errors import InputError

__all__ = ["Rate", "clopper_pearson"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share with its exact (Clopper-Pearson) interval.

    Parameters
    ----------
    k, n : int
        Animals with the property, and evaluable animals.
    estimate, lower, upper : float or None
        Fractions; None without evaluable animals.
    level : float
        Coverage of the interval.
    """

    k: int
    n: int
    estimate: float | None
    lower: float | None
    upper: float | None
    level: float


def clopper_pearson(k: int, n: int, *, level: float = 0.95) -> Rate:
    """A share with its exact interval.

    Parameters
    ----------
    k, n : int
        ``0 <= k <= n``.
    level : float
        Between 0 and 1.

    Raises
    ------
    InputError
        If the numbers are outside their range.

    Examples
    --------
    >>> rate = clopper_pearson(0, 8)
    >>> rate.lower, round(rate.upper, 4)
    (0.0, 0.3694)
    """
    if not 0 <= k <= n:
        expected = "0 <= k <= n"
        raise InputError(expected, found=f"k = {k}, n = {n}")
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")
    if n == 0:
        return Rate(k=k, n=n, estimate=None, lower=None, upper=None, level=level)
    # From here and not from scipy.stats, which takes half a second to import.
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    lower = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    upper = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return Rate(k=k, n=n, estimate=k / n, lower=lower, upper=upper, level=level)
