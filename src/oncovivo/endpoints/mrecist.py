"""mRECIST of single animals after Gao et al. 2015, for many curves at once.

The change of an animal's volume is followed from its baseline; the *best response* is its lowest
value and the *best average response* the lowest value of its running mean (baseline included,
every reading with the same weight), both once treatment has had time to act. Two rules for "had
time" exist and are kept apart by name:

``published_text``
    what the paper's text says: readings on day 10 or later.
``published_table``
    what reproduces the numbers that the paper's supplementary table prints. Best average
    response: readings after day 10; the last running mean when there are none. Best response:
    among readings from day 9 on, find the last one before day 20 that is above +30 %; the lowest
    reading after it counts. When none follows, the lowest of those that are at most +30 % counts,
    else the last reading. Without such an excursion the lowest from day 9 on counts.

References
----------
Gao H et al. Nat Med 2015;21:1318-1325. doi:10.1038/nm.3954
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.curves import DAY_TOLERANCE, BoolArray, FloatArray
from oncovivo.errors import InputError

__all__ = [
    "CATEGORIES",
    "BestResponses",
    "Category",
    "Rule",
    "best_responses",
    "classify_mrecist",
    "other_schedules",
]

Rule: TypeAlias = Literal["published_text", "published_table"]
Category: TypeAlias = Literal["CR", "PR", "SD", "PD"]
CodeArray: TypeAlias = NDArray[np.int8]

# From best to worst; a category's place is its code, and -1 stands for none.
CATEGORIES: Final[tuple[Category, ...]] = ("CR", "PR", "SD", "PD")
NO_CATEGORY: Final = -1
# Best response and best average response have to be below these, in percent.
CUTS: Final[tuple[tuple[float, float], ...]] = ((-95.0, -40.0), (-50.0, -20.0), (35.0, 30.0))
# The cuts are strict. A value that equals one apart from rounding is not below it, in mm³ or cm³.
CUT_TOLERANCE: Final = 1e-9

TEXT_FROM_DAY: Final = 10.0
TABLE_AVERAGE_AFTER_DAY: Final = 10.0
TABLE_BEST_FROM_DAY: Final = 9.0
TABLE_EXCURSION_BEFORE_DAY: Final = 20.0
TABLE_EXCURSION_ABOVE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BestResponses:
    """Best responses of n curves; NaN and code -1 where the rule gives none.

    Parameters
    ----------
    best_pct, best_day : ndarray, shape (n,)
        Best response, percent, and the first day that has it.
    average_pct, average_day : ndarray, shape (n,)
        Best average response, percent, and the first day that has it.
    n_late : ndarray of int, shape (n,)
        Readings from day 10 on; below two the categories rest on one reading or on none.
    category : ndarray of int8, shape (n,)
        Place in ``CATEGORIES``.
    """

    best_pct: FloatArray
    best_day: FloatArray
    average_pct: FloatArray
    average_day: FloatArray
    n_late: NDArray[np.intp]
    category: CodeArray


def classify_mrecist(best_pct: FloatArray, average_pct: FloatArray) -> CodeArray:
    """Places in ``CATEGORIES`` of best and best average responses.

    Tried in this order, strictly below: CR (-95 and -40), PR (-50 and -20), SD (35 and 30), else
    PD.

    Parameters
    ----------
    best_pct, average_pct : ndarray, shape (n,)
        Percent; NaN where there is none.

    Returns
    -------
    ndarray of int8, shape (n,)
        -1 where either is NaN.

    Examples
    --------
    >>> codes = classify_mrecist(np.array([-100.0, -95.0, 33.0]), np.array([-41.0, -41.0, 31.0]))
    >>> [CATEGORIES[code] for code in codes]
    ['CR', 'PR', 'PD']
    """
    code = np.full(best_pct.shape, len(CUTS), dtype=np.int8)
    for place in reversed(range(len(CUTS))):
        best_cut, average_cut = CUTS[place]
        below = (best_pct < best_cut - CUT_TOLERANCE) & (average_pct < average_cut - CUT_TOLERANCE)
        code[below] = place
    code[np.isnan(best_pct) | np.isnan(average_pct)] = NO_CATEGORY
    return code


def best_responses(
    day: FloatArray, volume: FloatArray, *, rule: Rule = "published_text"
) -> BestResponses:
    """Best response, best average response and mRECIST category of each curve.

    Parameters
    ----------
    day : ndarray, shape (n, t)
        Days since the start of treatment, rising along a row. Not days since implantation.
    volume : ndarray, shape (n, t)
        Any unit of volume; 0 where the tumor is gone. The first column is the baseline. NaN where
        nothing was read: such a cell counts for nothing, wherever it stands.
    rule : {"published_text", "published_table"}
        Which readings count.

    Returns
    -------
    BestResponses
        NaN and -1 where the baseline is missing or zero, where nothing was read after it, and
        under ``published_text`` where nothing was read from day 10 on.

    Raises
    ------
    InputError
        If the shapes differ or the rule is unknown.

    Notes
    -----
    The rule of the text needs no least number of readings. Xeva gives none below two readings
    from day 10 on, and adds 1 to all volumes of a curve that begins with 0.

    Examples
    --------
    >>> day = np.array([[0.0, 7.0, 14.0, 21.0]])
    >>> result = best_responses(day, np.array([[200.0, 100.0, 0.0, 0.0]]))
    >>> result.best_pct, result.average_pct, CATEGORIES[result.category[0]]
    (array([-100.]), array([-62.5]), 'CR')
    """
    if day.shape != volume.shape or day.ndim != 2 or not day.shape[1]:
        expected = "days and volumes of one shape, curves × times"
        raise InputError(expected, found=f"{day.shape} and {volume.shape}")
    if rule not in get_args(Rule):
        expected = "a rule: " + ", ".join(get_args(Rule))
        raise InputError(expected, found=repr(rule))
    read = ~np.isnan(volume)
    baseline = volume[:, :1]
    change = np.subtract(volume, baseline, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        change *= 100.0
        change /= baseline
    count = np.cumsum(read, axis=1, dtype=np.int32)
    # A zero baseline makes NaN and infinities here; those rows are blanked at the end.
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.where(read, change, 0.0)
        np.cumsum(average, axis=1, out=average)
        average /= count
    n_late = np.count_nonzero(read & (day >= TEXT_FROM_DAY - DAY_TOLERANCE), axis=1)
    if rule == "published_text":
        from_ten = read & (day >= TEXT_FROM_DAY - DAY_TOLERANCE)
        at_best, has_best = _lowest(change, from_ten)
        at_average, has_average = _lowest(average, from_ten)
    else:
        last = read.shape[1] - 1 - np.argmax(read[:, ::-1], axis=1)
        at_average, has_average = _lowest(average, read & (day > _after(TABLE_AVERAGE_AFTER_DAY)))
        at_average = np.where(has_average, at_average, last)
        at_best = _table_best(day, change, read, last)
        has_best = has_average = np.ones(last.shape, dtype=bool)
    usable = (count[:, -1] > 1) & read[:, 0] & (baseline[:, 0] > 0)
    best_pct, best_day = _picked(change, day, at_best, has_best & usable)
    average_pct, average_day = _picked(average, day, at_average, has_average & usable)
    return BestResponses(
        best_pct=best_pct,
        best_day=best_day,
        average_pct=average_pct,
        average_day=average_day,
        n_late=n_late,
        category=classify_mrecist(best_pct, average_pct),
    )


def other_schedules(
    day: FloatArray, volume: FloatArray, *, rule: Rule = "published_text"
) -> CodeArray:
    """Categories that the same animals would have had, had they been measured half as often.

    The baseline stays; of the later readings the first, third, ... are kept, then the second,
    fourth, ....

    Parameters
    ----------
    day, volume : ndarray, shape (n, t)
        As for :func:`best_responses`.
    rule : {"published_text", "published_table"}
        Which readings count.

    Returns
    -------
    ndarray of int8, shape (n, 2)
        Places in ``CATEGORIES``; -1 where the thinned curve has no category.

    Examples
    --------
    >>> day = np.array([[0.0, 3.5, 7.0, 10.5, 14.0, 17.5, 21.0]])
    >>> volume = np.array([[100.0, 70.0, 50.0, 39.0, 55.0, 90.0, 140.0]])
    >>> CATEGORIES[best_responses(day, volume).category[0]]
    'PR'
    >>> [CATEGORIES[code] for code in other_schedules(day, volume)[0]]
    ['PR', 'SD']
    """
    read = ~np.isnan(volume)
    number = np.cumsum(read, axis=1)
    codes = [
        best_responses(
            day, np.where(read & ((number == 1) | (number % 2 == rest)), volume, np.nan), rule=rule
        ).category
        for rest in (0, 1)
    ]
    return np.stack(codes, axis=1)


def _after(day: float) -> float:
    """A bound that a day has to exceed by more than a rounding error."""
    return day + DAY_TOLERANCE


def _lowest(values: FloatArray, counted: BoolArray) -> tuple[NDArray[np.intp], BoolArray]:
    """Column of the first lowest counted value of each row, and whether there is one."""
    masked = np.where(counted, values, np.inf)
    return np.argmin(masked, axis=1), np.logical_or.reduce(counted, axis=1)


def _table_best(
    day: FloatArray, change: FloatArray, read: BoolArray, last: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Column of the best response under the rule that the published table follows."""
    from_nine = read & (day >= TABLE_BEST_FROM_DAY - DAY_TOLERANCE)
    high = change > TABLE_EXCURSION_ABOVE + CUT_TOLERANCE
    excursion = from_nine & high & (day < TABLE_EXCURSION_BEFORE_DAY - DAY_TOLERANCE)
    has_excursion = excursion.any(axis=1)
    columns = read.shape[1]
    last_excursion = np.where(
        has_excursion, columns - 1 - np.argmax(excursion[:, ::-1], axis=1), -1
    )
    after = from_nine & (np.arange(columns) > last_excursion[:, None])
    at_after, has_after = _lowest(change, after)
    at_low, has_low = _lowest(change, from_nine & ~high)
    return np.where(has_after, at_after, np.where(has_low, at_low, last))


def _picked(
    values: FloatArray, day: FloatArray, at: NDArray[np.intp], usable: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Values and days of one column of each row, NaN where not usable."""
    rows = np.arange(at.size)
    return (
        np.where(usable, values[rows, at], np.nan),
        np.where(usable, day[rows, at], np.nan),
    )
