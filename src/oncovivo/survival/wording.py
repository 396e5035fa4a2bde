"""Survival results as a reader sees them: numbers, intervals, tests and reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oncovivo.endpoints.wording import number_text as _number_text
from oncovivo.survival.events import EventTime, ReasonRule

__all__ = [
    "TEST_TEXT",
    "adjusted_text",
    "interval_text",
    "median_ratio_text",
    "median_text",
    "number_text",
    "p_text",
    "reason_lines",
    "time_in_words",
]

TEST_TEXT: Final[Mapping[str, str]] = {
    "log_rank": "log-rank",
    "peto_peto": "Peto–Peto",
    "fleming_harrington": "Fleming–Harrington",
    "trend": "trend over doses",
    "log_rank_permutation": "log-rank by relabeling",
    "interval_log_rank": "interval log-rank",
    "interval_log_rank_permutation": "interval log-rank by relabeling",
    "interval_trend": "interval trend over doses",
    "interval_trend_permutation": "interval trend by relabeling",
}
"""Each test as it is printed."""

_NONE: Final = "—"


def number_text(value: float | None) -> str:
    """A number to three digits, a dash where there is none.

    Examples
    --------
    >>> number_text(12.345), number_text(None)
    ('12.3', '—')
    """
    return _NONE if value is None else _number_text(value)


def p_text(value: float | None) -> str:
    """A p-value to two digits, a bound below 0.0001, a dash where there is none.

    Examples
    --------
    >>> p_text(0.0414), p_text(3e-9), p_text(None)
    ('0.041', '<0.0001', '—')
    """
    if value is None:
        return _NONE
    if value < 1e-4:
        return "<0.0001"
    return f"{value:.3f}" if value >= 0.01 else f"{value:.4f}"


def adjusted_text(value: float | None, adjustment: str) -> str:
    """An adjusted p-value, with its method where it is not Dunnett's.

    Examples
    --------
    >>> adjusted_text(0.04, "holm"), adjusted_text(0.04, "dunnett")
    ('0.040 (Holm)', '0.040')
    """
    return f"{p_text(value)} (Holm)" if adjustment == "holm" else p_text(value)


def interval_text(lower: float | None, upper: float | None, *, open_ends: bool = True) -> str:
    """An interval; an open end in words, a dash where there is no interval.

    Parameters
    ----------
    lower, upper : float or None
        Limits.
    open_ends : bool
        Whether a missing limit means that it was not reached.

    Examples
    --------
    >>> interval_text(12.0, None), interval_text(None, None), interval_text(1.5, 2.5)
    ('12.0 to not reached', '—', '1.50 to 2.50')
    """
    if (lower is None and upper is None) or (not open_ends and None in (lower, upper)):
        return _NONE
    low = "below" if lower is None else number_text(lower)
    high = "not reached" if upper is None else number_text(upper)
    return f"{low} to {high}"


def median_text(median: float | None, greater_than: float | None) -> str:
    """A median, or the time that it exceeds.

    Examples
    --------
    >>> median_text(21.0, None), median_text(None, 104.0)
    ('21.0', '> 104')
    """
    if median is None:
        return _NONE if greater_than is None else f"> {number_text(greater_than)}"
    return number_text(median)


def median_ratio_text(ratio: float | None, greater_than: float | None) -> str:
    """A ratio of medians, or what it exceeds.

    Examples
    --------
    >>> median_ratio_text(None, 3.8)
    '> 3.80'
    """
    return median_text(ratio, greater_than)


def time_in_words(shown: EventTime, tested: EventTime) -> str:
    """What the times of curves and tests are.

    Examples
    --------
    >>> time_in_words("visit", "visit")
    'times: as recorded'
    """
    words = {
        "visit": "as recorded",
        "interpolated": "interpolated between visits",
        "interval": "known to the interval between visits",
    }
    if shown == tested:
        return f"times: {words[shown]}"
    return f"times: {words[shown]} in curves and hazard ratios, {words[tested]} in tests"


def reason_lines(reasons: tuple[ReasonRule, ...], causes: tuple[str, ...]) -> list[str]:
    """What leaving before the event was taken to be, for the reasons that occur.

    Parameters
    ----------
    reasons : tuple of ReasonRule
        The rules.
    causes : tuple of str
        What happened to the animals.
    """
    return [
        f"left for {rule.reason.replace('_', ' ')}: {_ROLES[rule.role]} ({rule.why})"
        for rule in reasons
        if rule.reason in causes
    ]


_ROLES: Final = {"event": "the event", "competing": "a competing event", "censored": "censored"}
