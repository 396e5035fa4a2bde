"""Calendar dates in study files, and the study days that follow from them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, Literal, TypeAlias

__all__ = ["DateOrder", "find_date_order", "looks_like_date", "parse_date"]

DateOrder: TypeAlias = Literal["day_first", "month_first"]

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_TIME: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_ISO: Final = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")
# A point between the numbers is the day-first style; a stroke or hyphen is either.
_POINTS: Final = re.compile(rf"(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}|\d{{2}}){_TIME}")
_STROKES: Final = re.compile(rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}|\d{{2}}){_TIME}")
_NAMED_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})[-/. ]\s?([A-Za-z]{3,9})\.?[-/., ]\s?(\d{4}|\d{2})"
)
_NAMED_MONTH_FIRST: Final = re.compile(r"([A-Za-z]{3,9})\.?[- ](\d{1,2}),?[- ](\d{4}|\d{2})")
_CENTURY: Final = 2000


def looks_like_date(text: str) -> bool:
    """Whether a text has the form of a calendar date, whatever the order of its parts.

    Examples
    --------
    >>> [looks_like_date(text) for text in ("2024-03-01", "1/3/24", "3.5", "Day 7")]
    [True, True, False, False]
    """
    patterns = (_ISO, _POINTS, _STROKES)
    if any(pattern.fullmatch(text) for pattern in patterns):
        return True
    day_first, month_first = _NAMED_DAY_FIRST.fullmatch(text), _NAMED_MONTH_FIRST.fullmatch(text)
    word = day_first.group(2) if day_first else month_first.group(1) if month_first else ""
    return word[:3].casefold() in _MONTHS


def find_date_order(texts: Iterable[str]) -> DateOrder | None:
    """Order of day and month in dates such as ``3/14/2024``, None where no date decides it.

    Parameters
    ----------
    texts : iterable of str
        Cells of the file.

    Examples
    --------
    >>> find_date_order(["3/4/2024", "3/14/2024"])
    'month_first'
    """
    for text in texts:
        match = _STROKES.fullmatch(text)
        if match is None:
            continue
        first, second = int(match.group(1)), int(match.group(2))
        if first > 12 >= second:
            return "day_first"
        if second > 12 >= first:
            return "month_first"
    return None


def parse_date(text: str, *, order: DateOrder | None = None) -> date | None:
    """Date that a text names, None where it names none.

    Parameters
    ----------
    text : str
        ``2024-03-01``, ``1.3.2024``, ``01/03/2024``, ``1-Mar-24``, ``Mar 1, 2024``; a time of day
        behind it is not read.
    order : DateOrder, optional
        Order of day and month between strokes; without it such a date is not read unless both
        orders mean the same day.

    Examples
    --------
    >>> parse_date("1.3.2024")
    datetime.date(2024, 3, 1)
    >>> parse_date("1/3/2024") is None
    True
    """
    if match := _ISO.fullmatch(text):
        return _make(match.group(1), match.group(2), match.group(3))
    if match := _POINTS.fullmatch(text):
        return _make(match.group(3), match.group(2), match.group(1))
    if match := _STROKES.fullmatch(text):
        first, second, year = match.groups()
        if order == "day_first" or first == second:
            return _make(year, second, first)
        return _make(year, first, second) if order == "month_first" else None
    if match := _NAMED_DAY_FIRST.fullmatch(text):
        return _make(match.group(3), match.group(2), match.group(1))
    if match := _NAMED_MONTH_FIRST.fullmatch(text):
        return _make(match.group(3), match.group(1), match.group(2))
    return None


def _make(year: str, month: str, day: str) -> date | None:
    """The date, None where there is no such day."""
    if month.isdigit():
        number = int(month)
    else:
        word = month[:3].casefold()
        number = _MONTHS.index(word) + 1 if word in _MONTHS else 0
    full_year = int(year) + (_CENTURY if len(year) <= 2 else 0)
    try:
        return date(full_year, number, int(day))
    except ValueError:
        return None
