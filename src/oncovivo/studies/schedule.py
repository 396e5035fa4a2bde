"""Schedules: on which days a course gives its doses, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from oncovivo.errors import InputError

__all__ = [
    "DAILY",
    "DAYS_PER_WEEK",
    "MOST_DAYS",
    "PER_DAY",
    "Duration",
    "DurationUnit",
    "ListedDays",
    "PeriodicDays",
    "counts_doses",
]

DurationUnit: TypeAlias = Literal["doses", "days", "weeks"]

DAYS_PER_WEEK: Final = 7
# A count beyond this is a slip of the pen, and would make a list of days that nobody wants.
MOST_DAYS: Final = 10_000
PER_DAY: Final[dict[int, str]] = {1: "qd", 2: "bid", 3: "tid", 4: "qid"}
_WEEKLY: Final[dict[tuple[int, tuple[int, ...]], str]] = {
    (7, (0, 3)): "biw",
    (7, (0, 2, 4)): "tiw",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicDays:
    """Dosing days that repeat.

    Parameters
    ----------
    cycle : int
        Days until the pattern repeats.
    on : tuple of int
        Dosing days within the cycle, counted from 0. Patterns of the notation only: the first day
        (``qNd``), the first days (``5/2``), or days 0 and 3 or 0, 2 and 4 of a week.
    """

    cycle: int
    on: tuple[int, ...]

    def __post_init__(self) -> None:
        run = tuple(range(len(self.on)))
        written = bool(self.on) and (self.on == run or (self.cycle, self.on) in _WEEKLY)
        dense = len(self.on) > 1 and len(self.on) >= self.cycle
        if not written or dense or not 1 <= self.cycle <= MOST_DAYS:
            expected = "dosing days that the notation can write, such as qd, q3d, biw, tiw or 5/2"
            raise InputError(expected, found=f"days {self.on} of a cycle of {self.cycle}")

    def __str__(self) -> str:
        """The word of the field for it."""
        if (self.cycle, self.on) in _WEEKLY:
            return _WEEKLY[self.cycle, self.on]
        if len(self.on) > 1:
            return f"{len(self.on)}/{self.cycle - len(self.on)}"
        if self.cycle == 1:
            return "qd"
        weeks, rest = divmod(self.cycle, DAYS_PER_WEEK)
        if rest:
            return f"q{self.cycle}d"
        return "qw" if weeks == 1 else f"q{weeks}w"

    def first_gap(self) -> int:
        """Days between the first two dosing days."""
        return self.on[1] if len(self.on) > 1 else self.cycle


DAILY: Final = PeriodicDays(cycle=1, on=(0,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDays:
    """Dosing days that are listed.

    Parameters
    ----------
    days : tuple of int
        Study days, rising, each once.
    """

    days: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.days or list(self.days) != sorted(set(self.days)):
            expected = "study days in rising order, each once"
            raise InputError(expected, found=repr(self.days))

    def __str__(self) -> str:
        """``day 0`` or ``days 0,3,6``."""
        word = "day" if len(self.days) == 1 else "days"
        return f"{word} {','.join(map(str, self.days))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """How long a course runs.

    Parameters
    ----------
    count : int
        At least 1.
    unit : {"doses", "days", "weeks"}
        What is counted.
    """

    count: int
    unit: DurationUnit

    def __post_init__(self) -> None:
        if self.unit not in get_args(DurationUnit):
            expected = "a duration in doses, days or weeks"
            raise InputError(expected, found=repr(self.unit))
        if not 1 <= self.count * (DAYS_PER_WEEK if self.unit == "weeks" else 1) <= MOST_DAYS:
            expected = f"a duration of 1 to {MOST_DAYS} days"
            raise InputError(expected, found=f"{self.count} {self.unit}")

    def length_days(self) -> int | None:
        """Length in days, when it is stated in time and not in doses."""
        if self.unit == "doses":
            return None
        return self.count * (DAYS_PER_WEEK if self.unit == "weeks" else 1)


def counts_doses(schedule: PeriodicDays | ListedDays | None) -> bool:
    """Whether a bare ``xN`` means N doses; after ``biw`` or ``5/2`` it could mean N weeks."""
    return not (isinstance(schedule, PeriodicDays) and len(schedule.on) > 1)
