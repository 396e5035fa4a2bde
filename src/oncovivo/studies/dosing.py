"""Regimens: what an arm receives, and the dosing days and doses that follow from it.

The text of a regimen is read by :mod:`oncovivo.studies.regimen`, whose conventions hold here too.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from oncovivo.errors import DataError, InputError
from oncovivo.studies.schedule import (
    DAILY,
    DAYS_PER_WEEK,
    PER_DAY,
    Duration,
    ListedDays,
    PeriodicDays,
    counts_doses,
)
from oncovivo.units import Dimension, parse_unit

__all__ = [
    "Course",
    "Dose",
    "Regimen",
    "Route",
    "Treatment",
]


DOSE_DIMENSIONS: Final[tuple[Dimension, ...]] = (
    "dose per body mass",
    "dose per body surface",
    "molar dose per body mass",
    "volume per body mass",
    "mass",
    "absorbed dose",
)


# Words that belong to the notation; a name that held one would swallow a slip of the pen.
_NOTATION_WORD: Final = re.compile(
    r"(?:every|each|daily|weekly|days?|weeks?|wks?|for|from|then|plus|loading|once|twice|thrice"
    r"|times|doses?|x|×|\+|and|start|starting|beginning|on|off|per|by|gavage"
    r"|[x×]\d.*|[qbt]\.?i\.?[dw]\.?(?:[x×].*)?|q\.?\d.*|q\.?o?\.?[dw]\.?(?:[x×].*)?|d-?\d+"
    r"|[-+]?[\d.–-]+|\d+/\d+.*|\d[\d.]*(?:[mnuµμ]g|mcg|m?l\b|[mc]?gy|rad).*"
    r"|\d[\d.]*(?:k?g|gm|grams?|grays?)|\d+[x×].*|.*/(?:kg|m2|m²).*"
    r"|i\.?[vpmt]\.?|p\.?o\.?|s\.?c\.?|oral(?:ly)?|topical(?:ly)?"
    r"|(?:intravenous|intraperitoneal|subcutaneous|intramuscular|intratumou?ral)(?:ly)?)",
    re.IGNORECASE,
)


def is_name_word(word: str) -> bool:
    """Whether a word may be part of a compound's name: it is no word of the notation."""
    return bool(word) and not re.search(r"[\s,;]", word) and not _NOTATION_WORD.fullmatch(word)


class Route(StrEnum):
    """Route of administration; the value is how it is printed."""

    INTRAVENOUS = "i.v."
    INTRAPERITONEAL = "i.p."
    ORAL = "p.o."
    SUBCUTANEOUS = "s.c."
    INTRAMUSCULAR = "i.m."
    INTRATUMORAL = "i.t."
    TOPICAL = "topical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """Size of one dose, or of a sum of doses.

    Parameters
    ----------
    value : float
        Positive.
    unit : str
        Canonical symbol of a dose unit: ``mg/kg``, ``mg/m²``, ``mg``, ``µg``, ``Gy`` …
    """

    value: float
    unit: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value > 0):
            expected = "a positive dose"
            raise InputError(expected, found=repr(self.value))
        unit = parse_unit(self.unit)
        if unit.dimension not in DOSE_DIMENSIONS:
            expected = "a unit of dose such as mg/kg"
            raise InputError(expected, found=f"{unit.symbol} ({unit.dimension})")
        object.__setattr__(self, "unit", unit.symbol)
        object.__setattr__(self, "value", float(self.value))

    def __str__(self) -> str:
        """Shortest text that reads back to the same dose."""
        return f"{np.format_float_positional(self.value, trim='-')} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One phase of a treatment: a dose by a route on a schedule.

    Parameters
    ----------
    dose : Dose, optional
        Size of each dose.
    route : Route, optional
        Route of administration.
    schedule : PeriodicDays or ListedDays, optional
        On which days.
    times_per_day : int
        Doses on a dosing day, 1 to 4.
    duration : Duration, optional
        How long; with listed days there is none.
    start_day : int, optional
        Study day of the first dose, where stated.
    loading : bool
        Whether the phase is called a loading phase.
    """

    dose: Dose | None = None
    route: Route | None = None
    schedule: PeriodicDays | ListedDays | None = None
    times_per_day: int = 1
    duration: Duration | None = None
    start_day: int | None = None
    loading: bool = False

    def __post_init__(self) -> None:
        if self.times_per_day not in PER_DAY:
            expected = "1 to 4 doses a day"
            raise InputError(expected, found=repr(self.times_per_day))
        if self.times_per_day > 1 and self.schedule is None:
            expected = "dosing days for doses given several times a day"
            raise InputError(expected)
        listed = isinstance(self.schedule, ListedDays)
        if listed and (self.duration is not None or self.start_day is not None):
            expected = "listed days without a duration and without a start day"
            raise InputError(expected, found=str(self.schedule))
        if self._count_is_ambiguous():
            expected = "a count of doses that fills whole dosing days"
            raise InputError(expected, found=str(self.duration))

    def _count_is_ambiguous(self) -> bool:
        """Whether a count of doses ends within a day."""
        return (
            self.duration is not None
            and self.duration.unit == "doses"
            and self.duration.count % self.times_per_day != 0
        )

    def __str__(self) -> str:
        """Canonical text of the phase."""
        words = ["loading"] if self.loading else []
        fractions = self._fractions()
        if fractions:
            words.append(f"{fractions} x")
        if self.dose:
            words.append(str(self.dose))
        if self.route:
            words.append(self.route.value)
        words += self._schedule_words()
        if self.duration and not fractions:
            words.append(self._duration_word())
        if self.start_day is not None:
            words.append(f"from day {self.start_day}")
        return " ".join(words)

    def _fractions(self) -> int:
        """Number of fractions where radiation is written as ``10 x 2 Gy``, else 0."""
        if self.dose is None or parse_unit(self.dose.unit).dimension != "absorbed dose":
            return 0
        if self.duration is None or self.duration.unit != "doses":
            return 0
        return self.duration.count

    def _schedule_words(self) -> list[str]:
        """Words for the dosing days and the doses per day."""
        if self.schedule is None:
            return []
        if self.times_per_day == 1:
            return [str(self.schedule)]
        word = PER_DAY[self.times_per_day]
        return [word] if self.schedule == DAILY else [word, str(self.schedule)]

    def _duration_word(self) -> str:
        """``x21``, ``x28 d`` or ``x4 wk``; ``x6 doses`` where a bare count would be refused."""
        if self.duration is None:
            return ""
        if self.duration.unit == "doses":
            bare = self.times_per_day == 1 and counts_doses(self.schedule)
            return f"x{self.duration.count}" + ("" if bare else " doses")
        return f"x{self.duration.count} {'d' if self.duration.unit == 'days' else 'wk'}"

    def missing(self) -> tuple[str, ...]:
        """What has to be known before the days and the total can be: dose, schedule, duration."""
        absent = [] if self.dose else ["dose"]
        if self.schedule is None:
            absent.append("schedule")
        if self.duration is None and not isinstance(self.schedule, ListedDays):
            absent.append("duration")
        return tuple(absent)

    def n_doses(self) -> int:
        """Number of doses given.

        Raises
        ------
        DataError
            If the schedule or the duration is not stated.
        """
        if self.duration is not None and self.duration.unit == "doses":
            return self.duration.count
        return len(self.offsets()) * self.times_per_day

    def offsets(self) -> tuple[int, ...]:
        """Dosing days: study days where they are listed, else days since the course began.

        Raises
        ------
        DataError
            If the schedule or the duration is not stated.
        """
        if isinstance(self.schedule, ListedDays):
            return self.schedule.days
        absent = [part for part in self.missing() if part != "dose"]
        if self.schedule is None or self.duration is None:
            raise _incomplete(absent, str(self))
        cycle, on = self.schedule.cycle, self.schedule.on
        length = self.duration.length_days()
        if length is not None:
            every = (start + day for start in range(0, length, cycle) for day in on)
            return tuple(day for day in every if day < length)
        n_days = self.duration.count // self.times_per_day
        return tuple(cycle * (index // len(on)) + on[index % len(on)] for index in range(n_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One compound, or radiation, over its phases.

    Parameters
    ----------
    compound : str, optional
        Name as written. It may not hold words of the notation.
    courses : tuple of Course
        At least one, in the order given.
    """

    compound: str | None = None
    courses: tuple[Course, ...]

    def __post_init__(self) -> None:
        if not self.courses:
            expected = "at least one course in a treatment"
            raise InputError(expected)
        if self.compound is not None and not all(
            is_name_word(word) for word in self.compound.split(" ")
        ):
            expected = "a compound's name that holds no word of the notation"
            raise InputError(expected, found=repr(self.compound))
        if self.compound is None and not any(str(course) for course in self.courses):
            expected = "a compound, a dose or a schedule"
            raise InputError(expected, found="none of them")

    def __str__(self) -> str:
        """Canonical text of the treatment."""
        phases = " then ".join(str(course) for course in self.courses)
        return f"{self.compound or ''} {phases}".strip()

    def missing(self) -> tuple[str, ...]:
        """What the courses leave open, each once."""
        return tuple(dict.fromkeys(part for course in self.courses for part in course.missing()))

    def dosing_days(self) -> tuple[int, ...]:
        """Study days with a dose, rising, each once.

        Raises
        ------
        DataError
            If a schedule, a duration or the start of a phase is not stated.
        """
        days: set[int] = set()
        begin: int | None = 0
        for course in self.courses:
            if isinstance(course.schedule, ListedDays):
                start = 0
            elif course.start_day is not None:
                start = course.start_day
            elif begin is not None:
                start = begin
            else:
                gap = course.schedule.first_gap() if course.schedule else 0
                start = max(days) + gap
            given = [start + offset for offset in course.offsets()]
            days.update(given)
            length = course.duration.length_days() if course.duration else None
            begin = None if length is None else start + length
        return tuple(sorted(days))

    def total_dose(self) -> Dose:
        """Sum of all doses.

        Raises
        ------
        DataError
            If a dose, or the number of doses, is not stated, or if phases differ in their unit.
        """
        parts: list[Dose] = []
        for course in self.courses:
            if course.dose is None:
                raise _incomplete(list(self.missing()), str(self))
            size = _exact_product(course.dose.value, course.n_doses())
            parts.append(Dose(value=size, unit=course.dose.unit))
        if len({part.unit for part in parts}) > 1:
            expected = "phases with doses in one unit"
            raise DataError(
                expected, found=", ".join(part.unit for part in parts), where=str(self)
            )
        return Dose(value=math.fsum(part.value for part in parts), unit=parts[0].unit)

    def dose_per_week(self) -> Dose:
        """Dose of a week on the last phase: the schedule's average over seven days.

        A course that is over within a week gives its total: ``10 mg/kg qd x5`` is 50 mg/kg in a
        week, not 70.

        Raises
        ------
        DataError
            If the dose or the schedule is not stated, or if listed days reach beyond one week.
        """
        course = self.courses[-1]
        if course.dose is None or course.schedule is None:
            raise _incomplete([part for part in course.missing() if part != "duration"], str(self))
        if isinstance(course.schedule, ListedDays):
            if course.schedule.days[-1] - course.schedule.days[0] >= DAYS_PER_WEEK:
                expected = "a schedule that repeats, to give a dose per week"
                raise DataError(expected, found=str(course.schedule), where=str(self))
            doses = float(course.n_doses())
        else:
            on, cycle = len(course.schedule.on), course.schedule.cycle
            doses = on * course.times_per_day * DAYS_PER_WEEK / cycle
            if course.duration is not None:
                doses = min(doses, float(course.n_doses()))
        return Dose(value=_exact_product(course.dose.value, doses), unit=course.dose.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimen:
    """What one arm receives: one or more treatments.

    Parameters
    ----------
    treatments : tuple of Treatment
        At least one.

    Examples
    --------
    >>> from oncovivo.studies.regimen import parse_regimen
    >>> regimen = parse_regimen("temsirolimus 2 mg/kg iv qd x21")
    >>> str(regimen)
    'temsirolimus 2 mg/kg i.v. qd x21'
    >>> regimen.dosing_days()[-1], str(regimen.total_dose()), str(regimen.dose_per_week())
    (20, '42 mg/kg', '14 mg/kg')
    """

    treatments: tuple[Treatment, ...]

    def __post_init__(self) -> None:
        if not self.treatments:
            expected = "at least one treatment in a regimen"
            raise InputError(expected)

    def __str__(self) -> str:
        """Canonical text, which the notation reads back to the same regimen."""
        return " + ".join(str(treatment) for treatment in self.treatments)

    @property
    def compounds(self) -> tuple[str, ...]:
        """Names of the compounds, in the order given."""
        return tuple(t.compound for t in self.treatments if t.compound is not None)

    @property
    def is_complete(self) -> bool:
        """Whether dosing days and total dose follow from what is stated, for every treatment."""
        return not self.missing()

    def missing(self) -> tuple[str, ...]:
        """What the treatments leave open: any of dose, schedule, duration, each once."""
        return tuple(dict.fromkeys(part for t in self.treatments for part in t.missing()))

    def dosing_days(self, compound: str | None = None) -> tuple[int, ...]:
        """Study days with a dose, rising, each once.

        Parameters
        ----------
        compound : str, optional
            Only this compound's days; without it the days of all treatments together.

        Raises
        ------
        DataError
            If a schedule or a duration is not stated.
        InputError
            If the regimen has no such compound.
        """
        chosen = self.treatments if compound is None else (self._only(compound),)
        return tuple(sorted({day for t in chosen for day in t.dosing_days()}))

    def total_dose(self, compound: str | None = None) -> Dose:
        """Sum of all doses of one treatment.

        Parameters
        ----------
        compound : str, optional
            Needed where the regimen has several treatments.

        Raises
        ------
        DataError
            If the dose or the number of doses is not stated.
        InputError
            If the compound is not given and there are several, or is not one of them.
        """
        return self._only(compound).total_dose()

    def dose_per_week(self, compound: str | None = None) -> Dose:
        """Dose of a week of one treatment, see :meth:`Treatment.dose_per_week`.

        Parameters
        ----------
        compound : str, optional
            Needed where the regimen has several treatments.

        Raises
        ------
        DataError
            If the dose or the schedule is not stated, or listed days reach beyond one week.
        InputError
            If the compound is not given and there are several, or is not one of them.
        """
        return self._only(compound).dose_per_week()

    def _only(self, compound: str | None) -> Treatment:
        """The treatment meant."""
        if compound is None and len(self.treatments) == 1:
            return self.treatments[0]
        chosen = [t for t in self.treatments if compound is not None and t.compound == compound]
        if len(chosen) != 1:
            names = ", ".join(t.compound or "(no name)" for t in self.treatments)
            expected = f"the name of one treatment of: {names}"
            raise InputError(expected, found=repr(compound), where=f"regimen '{self}'")
        return chosen[0]


def _incomplete(absent: list[str], text: str) -> DataError:
    """The error for a regimen that leaves something open."""
    return DataError(
        "a regimen that states its " + " and ".join(absent),
        found=f"'{text}'",
        mend="add what is missing, such as 'qd x21'",
    )


def _exact_product(value: float, times: float) -> float:
    """Product without the noise of binary fractions: 0.1 mg/kg three times is 0.3 mg/kg."""
    return float(f"{value * times:.12g}")
