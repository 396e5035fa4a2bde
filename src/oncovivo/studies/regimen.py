"""The notation of the field for regimens, and how it is read.

One treatment is ``[compound] [dose] [route] [schedule] [xN] [from day D]``; phases of one
treatment are joined by ``then``, treatments of one regimen by ``+``::

    temsirolimus 2 mg/kg i.v. qd x21 + perifosine 30 mg/kg p.o. qd x21
    cetuximab loading 40 mg/kg i.v. day 0 then 20 mg/kg i.v. qw x3
    10 x 2 Gy qd

How the notation is read, where the field leaves room:

- Day 0 is the day of the first dose unless ``from day D`` or ``days …`` says otherwise; numbers
  after ``days`` are study days as they stand.
- ``biw`` means days 0 and 3 of each week, ``tiw`` days 0, 2 and 4, ``5/2`` five days on and two
  off.
- ``bid``, ``tid``, ``qid`` dose the same day two, three or four times: ``dosing_days`` names
  the day once, ``total_dose`` counts every dose.
- ``x21`` counts doses after ``qd``, ``q3d``, ``qw``, and dosing days after ``bid``; ``x4 wk`` and
  ``x28 d`` are the length of the course. ``biw x3`` and ``5/2 x4`` can be read in two ways and are
  refused: write ``x3 wk`` or ``x3 doses``.
- A phase after ``then`` begins when the stated length of the phase before is over, or else one
  interval of its own schedule after the last dose before it.
- ``mg/kg/day`` is mg/kg given qd. ``i.t.`` is intratumoral.

A text that cannot be read is an error that marks where reading stopped. A text that can be read
may still leave things open (``5 mg/kg i.p.``): ``missing`` lists them, and what cannot be
computed without them raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from oncovivo.errors import InputError
from oncovivo.studies.dosing import (
    DOSE_DIMENSIONS,
    Course,
    Dose,
    Regimen,
    Route,
    Treatment,
    is_name_word,
)
from oncovivo.studies.schedule import (
    DAILY,
    DAYS_PER_WEEK,
    MOST_DAYS,
    Duration,
    DurationUnit,
    ListedDays,
    PeriodicDays,
    counts_doses,
)
from oncovivo.units import parse_unit, spellings

__all__ = ["Regimen", "parse_regimen"]

_HOURS_PER_DAY: Final = 24
_LONGEST: Final = 1000

_DOSE_WANTED: Final = "a positive number with a unit of dose such as mg/kg, mg/m², mg or Gy"
_EDGE: Final = r"(?=\s|[,;]|$)"
# A schedule word may touch the count that follows it: q3dx4.
_SCHEDULE_EDGE: Final = r"(?=\s|[,;]|$|[x×]\s*\d)"
_NUMBER: Final = r"\d+(?:\.\d+)?"


def _spelled_units() -> str:
    """Alternation of every spelling of a dose unit, longest first."""
    found = [s for dimension in DOSE_DIMENSIONS for s in spellings(dimension)]
    escaped = [re.escape(s) for s in sorted(found, key=lambda s: (-len(s), s))]
    flexible = [s.replace("u", "[uµμ]", 1) if s.startswith("u") else s for s in escaped]
    return "|".join(s.replace("m2", r"m(?:2|²|\^2)") for s in flexible)


_DOSE: Final = re.compile(
    rf"({_NUMBER})\s*({_spelled_units()})(/(?:day|d)|/(?:mouse|animal|rat))?{_EDGE}", re.IGNORECASE
)
_FRACTIONS: Final = re.compile(rf"(\d+)\s*[x×]\s*(?={_NUMBER}\s*c?gy\b)", re.IGNORECASE)

_ROUTES: Final[tuple[tuple[Route, str], ...]] = (
    (Route.INTRAVENOUS, r"i\.?v\.?|intravenous(?:ly)?"),
    (Route.INTRAPERITONEAL, r"i\.?p\.?|intraperitoneal(?:ly)?"),
    (Route.ORAL, r"p\.?o\.?|per os|oral gavage|by gavage|gavage|oral(?:ly)?"),
    (Route.SUBCUTANEOUS, r"s\.?c\.?|subcutaneous(?:ly)?"),
    (Route.INTRAMUSCULAR, r"i\.?m\.?|intramuscular(?:ly)?"),
    (Route.INTRATUMORAL, r"i\.?t\.?|intratumou?ral(?:ly)?"),
    (Route.TOPICAL, r"topical(?:ly)?"),
)
_ROUTE_PATTERNS: Final = tuple(
    (route, re.compile(rf"(?:{words}){_EDGE}", re.IGNORECASE)) for route, words in _ROUTES
)


def _pattern(words: str) -> re.Pattern[str]:
    """A schedule word with its edge."""
    return re.compile(rf"(?:{words}){_SCHEDULE_EDGE}", re.IGNORECASE)


_TIMES_PER_DAY: Final[tuple[tuple[int, re.Pattern[str]], ...]] = (
    (1, _pattern(r"q\.?d\.?|once (?:daily|a day)|daily|every day")),
    (2, _pattern(r"b\.?i\.?d\.?|twice (?:daily|a day)")),
    (3, _pattern(r"t\.?i\.?d\.?|(?:three times|thrice) (?:daily|a day)")),
    (4, _pattern(r"q\.?i\.?d\.?|four times (?:daily|a day)")),
)
_FIXED: Final[tuple[tuple[PeriodicDays, re.Pattern[str]], ...]] = (
    (PeriodicDays(cycle=2, on=(0,)), _pattern(r"q\.?o\.?d\.?|every (?:other|second) day")),
    (
        PeriodicDays(cycle=7, on=(0,)),
        _pattern(r"q\.?w\.?|(?:once )?weekly|once a week|every week"),
    ),
    (
        PeriodicDays(cycle=7, on=(0, 3)),
        _pattern(r"b\.?i\.?w\.?|twice (?:weekly|a week|per week)"),
    ),
    (
        PeriodicDays(cycle=7, on=(0, 2, 4)),
        _pattern(r"t\.?i\.?w\.?|(?:three times|thrice) (?:weekly|a week|per week)"),
    ),
)
_EVERY_DAYS: Final = _pattern(r"q(\d+)d|every (\d+) days")
_EVERY_WEEKS: Final = _pattern(r"q(\d+)wk?|every (\d+) weeks")
_EVERY_HOURS: Final = _pattern(r"q(\d+)h|every (\d+) hours")
_ON_OFF: Final = _pattern(r"(\d+)\s*(?:days?\s*)?on\s*[,/]?\s*(\d+)\s*(?:days?\s*)?off")
_SLASH: Final = _pattern(r"(\d+)/(\d+)")
_ONCE: Final = _pattern(r"once|single dose")
_DAY_LIST: Final = re.compile(
    rf"d(?:ays?\s*)?(-?\d+)((?:\s*(?:,|and|&)\s*(?:and\s+)?d?-?\d+)*){_EDGE}", re.IGNORECASE
)
_DURATION: Final = re.compile(
    r"(?:[x×]\s*|for\s+)(\d+)\s*"
    r"(days?|d|weeks?|wks?|w|doses?|times|administrations?)?" + _EDGE,
    re.IGNORECASE,
)
_START: Final = re.compile(
    rf"(?:starting|beginning|start|from)\s+(?:on\s+)?d(?:ay\s*)?(-?\d+){_EDGE}", re.IGNORECASE
)
_THEN: Final = re.compile(r"then(?=\s|$)", re.IGNORECASE)
_PLUS: Final = re.compile(r"(?:\+|plus)(?=\s|$)", re.IGNORECASE)
_LOADING: Final = re.compile(r"loading(?: dose)?(?=\s)", re.IGNORECASE)
_GAP: Final = re.compile(r"[\s,;]*")
_WORD: Final = re.compile(r"[^\s,;]+")


def parse_regimen(text: str) -> Regimen:
    """Regimen that a text in the field's notation states.

    Parameters
    ----------
    text : str
        Such as ``2 mg/kg i.v. qd x21``, ``20 mg/kg ip 5/2 x4 wk``, ``q3dx4``, ``biw x3 wk``.

    Raises
    ------
    InputError
        If the text cannot be read; the message marks with ``|`` where reading stopped, and gives
        the character (counted from 1) and what was expected there.

    Examples
    --------
    >>> parse_regimen("10 x 2 Gy qd").total_dose()
    Dose(value=20.0, unit='Gy')
    >>> parse_regimen("2 mg/kg i.v. every blue moon")
    Traceback (most recent call last):
        ...
    oncovivo.errors.InputError: regimen '2 mg/kg i.v. |every blue moon': expected a schedule such \
as qd, q3d, biw or 5/2, found 'every blue moon' at character 14
    """
    if len(text) > _LONGEST:
        expected = f"a regimen of at most {_LONGEST} characters"
        raise InputError(expected, found=f"{len(text)} characters")
    return _Reader(text).read()


class _Reader:
    """A scanner over one text; `at` is the place up to which it is understood."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> Regimen:
        """The whole text."""
        treatments = [self._treatment()]
        while self._take(_PLUS):
            treatments.append(self._treatment())
        if self.at < len(self.text):
            raise self._error("a schedule such as qd, q3d, biw or 5/2")
        return Regimen(treatments=tuple(treatments))

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The next words if they fit the pattern, and step behind them."""
        match = pattern.match(self.text, self.at)
        if match:
            gap = _GAP.match(self.text, match.end())
            self.at = gap.end() if gap else match.end()
        return match

    def _error(self, expected: str, *, at: int | None = None) -> InputError:
        """The error for a text that cannot be read on."""
        at = self.at if at is None else at
        rest = self.text[at:]
        return InputError(
            expected,
            found=(f"'{rest}'" if rest.strip() else "the end") + f" at character {at + 1}",
            where=f"regimen '{self.text[:at]}|{rest}'",
        )

    def _treatment(self) -> Treatment:
        """A compound and its phases."""
        self._take(_GAP)
        begin = self.at
        compound = self._compound()
        courses = [self._course()]
        while self._take(_THEN):
            before = self.at
            courses.append(self._course())
            if self.at == before:
                raise self._error("a dose or a schedule after 'then'")
        if compound is None and self.at == begin:
            raise self._error("a compound, a dose such as 2 mg/kg, or a schedule such as qd x21")
        return Treatment(compound=compound, courses=tuple(courses))

    def _compound(self) -> str | None:
        """Words up to the first that belongs to a course."""
        words: list[str] = []
        while self.at < len(self.text) and not self._course_begins():
            match = _WORD.match(self.text, self.at)
            if match is None:
                break
            if not is_name_word(match.group()):
                number = re.match(_NUMBER, match.group())
                if number:
                    raise self._error(_DOSE_WANTED, at=match.start() + number.end())
                raise self._error("a dose such as 2 mg/kg, or a schedule such as qd, q3d or 5/2")
            words.append(match.group())
            self._take(_WORD)
        return " ".join(words) or None

    def _course_begins(self) -> bool:
        """Whether the next words are part of a course, or end the treatment."""
        kept = self.at
        draft = _Draft()
        begins = self._step(draft) or any(
            self._take(pattern) for pattern in (_PLUS, _THEN, _LOADING, _FRACTIONS)
        )
        self.at = kept
        return begins

    def _course(self) -> Course:
        """One phase, its parts in any order after the dose."""
        draft = _Draft(loading=self._take(_LOADING) is not None)
        fractions = self._take(_FRACTIONS)
        if fractions:
            draft.duration = self._duration(fractions, "doses")
        while self._step(draft):
            pass
        if self.at < len(self.text) and not (
            _PLUS.match(self.text, self.at) or _THEN.match(self.text, self.at)
        ):
            raise self._error(draft.expected())
        return draft.course(self)

    def _step(self, draft: _Draft) -> bool:
        """Read one part into the draft; False when the next words are none that it lacks."""
        return (
            self._dose(draft)
            or self._route(draft)
            or self._start(draft)
            or self._duration_part(draft)
            or self._days(draft)
        )

    def _dose(self, draft: _Draft) -> bool:
        begin = self.at
        match = None if draft.dose else self._take(_DOSE)
        if match is None:
            return False
        unit = parse_unit(match.group(2))
        suffix = (match.group(3) or "").casefold()
        per_animal = suffix in ("/mouse", "/animal", "/rat")
        if suffix and per_animal != (unit.dimension == "mass"):
            raise self._error(_DOSE_WANTED, at=match.start(3))
        if float(match.group(1)) <= 0:
            raise self._error(_DOSE_WANTED, at=begin)
        draft.dose = Dose(value=float(match.group(1)), unit=unit.symbol)
        if suffix and not per_animal:
            draft.times_per_day = 1
        return True

    def _route(self, draft: _Draft) -> bool:
        if draft.route is not None:
            return False
        for route, pattern in _ROUTE_PATTERNS:
            if self._take(pattern):
                draft.route = route
                return True
        return False

    def _start(self, draft: _Draft) -> bool:
        match = None if draft.start_day is not None else self._take(_START)
        if match is None:
            return False
        draft.start_day = int(match.group(1))
        return True

    def _duration_part(self, draft: _Draft) -> bool:
        if draft.duration is not None:
            return False
        match = self._take(_DURATION)
        if match is None:
            return False
        word = (match.group(2) or "").casefold()
        unit: DurationUnit = "doses"
        if word.startswith("d") and not word.startswith("dose"):
            unit = "days"
        elif word.startswith("w"):
            unit = "weeks"
        draft.bare_count = not word
        draft.duration_at = match.end()
        draft.duration = self._duration(match, unit)
        return True

    def _duration(self, match: re.Match[str], unit: DurationUnit) -> Duration:
        """The duration, refused where the count is nothing or absurd."""
        try:
            return Duration(count=int(match.group(1)), unit=unit)
        except InputError as error:
            raise self._error(error.expected, at=match.start(1)) from error

    def _days(self, draft: _Draft) -> bool:
        if draft.times_per_day is None:
            for times, pattern in _TIMES_PER_DAY:
                if (times > 1 or _plain_daily_fits(draft.schedule)) and self._take(pattern):
                    draft.times_per_day = times
                    return True
        if draft.schedule is not None:
            return False
        begin = self.at
        try:
            draft.schedule = self._schedule(draft)
        except InputError as error:
            if error.where:
                raise
            raise self._error(error.expected, at=begin) from error
        return draft.schedule is not None

    def _schedule(self, draft: _Draft) -> PeriodicDays | ListedDays | None:
        """Dosing days, if the next words state them."""
        if draft.times_per_day is None or draft.times_per_day > 1:
            for fixed, pattern in _FIXED:
                if self._take(pattern):
                    return fixed
            if match := self._take(_EVERY_DAYS):
                return PeriodicDays(cycle=_first_int(match), on=(0,))
            if match := self._take(_EVERY_WEEKS):
                return PeriodicDays(cycle=DAYS_PER_WEEK * _first_int(match), on=(0,))
        if draft.times_per_day is None:
            if match := self._take(_EVERY_HOURS):
                return self._hours(match, draft)
            if self._take(_ONCE):
                draft.duration = Duration(count=1, unit="doses")
                return DAILY
        if match := self._take(_SLASH) or self._take(_ON_OFF):
            on, off = int(match.group(1)), int(match.group(2))
            if on < 1 or off < 1 or on + off > MOST_DAYS:
                raise self._error("days on and days off such as 5/2", at=match.start())
            return PeriodicDays(cycle=on + off, on=tuple(range(on)))
        if match := self._take(_DAY_LIST):
            days = tuple(int(day) for day in re.findall(r"-?\d+", match.group()))
            return ListedDays(days=days)
        return None

    def _hours(self, match: re.Match[str], draft: _Draft) -> PeriodicDays:
        """``q12h`` and its like."""
        hours = _first_int(match)
        if hours in (6, 8, 12, 24):
            draft.times_per_day = _HOURS_PER_DAY // hours
            return DAILY
        if hours and hours % _HOURS_PER_DAY == 0:
            return PeriodicDays(cycle=hours // _HOURS_PER_DAY, on=(0,))
        raise self._error("hours that make whole doses a day, such as q12h", at=match.start())


@dataclass(slots=True)
class _Draft:
    """The parts of a phase while it is read."""

    dose: Dose | None = None
    route: Route | None = None
    schedule: PeriodicDays | ListedDays | None = None
    times_per_day: int | None = None
    duration: Duration | None = None
    start_day: int | None = None
    loading: bool = False
    bare_count: bool = False
    duration_at: int = 0

    def expected(self) -> str:
        """What could have come next."""
        if self.schedule is None and self.times_per_day is None:
            routes = "" if self.route else "a route such as i.v., or "
            return f"{routes}a schedule such as qd, q3d, biw or 5/2"
        if self.duration is None and not isinstance(self.schedule, ListedDays):
            return "a duration such as x21 or x4 wk, 'from day 7', 'then' or '+'"
        return "'then', '+' or the end"

    def course(self, reader: _Reader) -> Course:
        """The phase, once its parts agree."""
        times = self.times_per_day or 1
        schedule = self.schedule
        if schedule is None and self.times_per_day is not None:
            schedule = DAILY
        duration = self.duration
        if duration is not None and self.bare_count and not counts_doses(schedule):
            count = f"x{duration.count}"
            raise reader._error(
                f"a unit after {count}: '{count} wk' or '{count} doses'", at=self.duration_at
            )
        try:
            if self.bare_count and duration is not None:
                duration = Duration(count=duration.count * times, unit="doses")
            return Course(
                dose=self.dose,
                route=self.route,
                schedule=schedule,
                times_per_day=times,
                duration=duration,
                start_day=self.start_day,
                loading=self.loading,
            )
        except InputError as error:
            raise reader._error(error.expected) from error


def _first_int(match: re.Match[str]) -> int:
    """The one group of several that took part."""
    return int(next(group for group in match.groups() if group is not None))


def _plain_daily_fits(schedule: PeriodicDays | ListedDays | None) -> bool:
    """Whether ``qd`` beside this schedule is no contradiction: 5/2 and listed days."""
    return schedule is None or isinstance(schedule, ListedDays) or len(schedule.on) > 2
