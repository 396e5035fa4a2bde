"""Times to an event: what is known of each animal, and events that growth defines.

An event between two visits was seen at the later one; when it happened is known to the bracket
only. Data therefore keep a time and an interval, and say which of them the times are.

An animal that leaves before its event was lost for a reason. The reason decides whether leaving is
the event itself, precludes it (a competing event), or tells nothing (censoring): see
:func:`reason_rules`.

References
----------
Houghton PJ et al. Pediatr Blood Cancer 2007;49:928-940. doi:10.1002/pbc.21078
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.arms import ArmCurves, arm_curves
from oncovivo.endpoints.delay import EventTimes, crossing_times
from oncovivo.errors import DataError, InputError
from oncovivo.studies import LeavingReason, Study

__all__ = [
    "REASONS",
    "EventDefinition",
    "EventKind",
    "EventTime",
    "ReasonRole",
    "ReasonRule",
    "SurvivalData",
    "growth_events",
    "parse_event",
    "parse_reasons",
    "reason_rules",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

EventTime: TypeAlias = Literal["visit", "interpolated", "interval"]
EventKind: TypeAlias = Literal[
    "multiple", "volume", "progression", "nadir", "death", "humane_endpoint"
]
ReasonRole: TypeAlias = Literal["event", "competing", "censored"]

PROGRESSION_MULTIPLE: Final = 1.25
"""Growth over the lowest reading so far that is progression: 25 %, as in the consortium's PD."""
# A difference of days that is below zero by rounding only.
_SAME_DAY: Final = 1e-9
_MOST_NAMED: Final = 8


def _check_word(word: str, allowed: tuple[str, ...], what: str) -> None:
    """Refuse a word outside a closed list."""
    if word not in allowed:
        expected = f"{what}: " + ", ".join(allowed)
        raise InputError(expected, found=repr(word))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRule:
    """What leaving for a reason means for an event.

    Parameters
    ----------
    reason : LeavingReason
        Why an animal was followed no longer.
    role : {"event", "competing", "censored"}
        It is the event, precludes the event, or tells nothing about it.
    why : str
        One line.
    """

    reason: LeavingReason
    role: ReasonRole
    why: str

    def to_dict(self) -> dict[str, str]:
        """The rule under the names of its fields."""
        return {"reason": self.reason, "role": self.role, "why": self.why}


def _rule(reason: LeavingReason, role: ReasonRole, why: str) -> ReasonRule:
    return ReasonRule(reason=reason, role=role, why=why)


_SURVIVAL_RULES: Final = (
    _rule("scheduled", "censored", "the plan ended the follow-up, not the animal"),
    _rule("volume_limit", "event", "the tumor forced the humane endpoint"),
    _rule("ulceration", "competing", "removed for the skin, whatever the burden of the tumor"),
    _rule("body_weight_loss", "competing", "counted with toxicity"),
    _rule("toxicity", "competing", "the treatment, not the tumor, ended the life"),
    _rule("found_dead", "competing", "dead of a cause that nobody stated"),
    _rule("tumor_related", "event", "the tumor ended the life"),
    _rule("technical", "censored", "lost for a reason unrelated to tumor and treatment"),
    _rule("unknown", "censored", "no reason is stated"),
)
_GROWTH_RULES: Final = (
    _rule("scheduled", "censored", "the plan ended the follow-up"),
    _rule("volume_limit", "censored", "removed for a size that was read: a large baseline"),
    _rule("ulceration", "competing", "removed before the tumor could reach the target"),
    _rule("body_weight_loss", "competing", "removed before the tumor could reach the target"),
    _rule("toxicity", "competing", "gone before the tumor could reach the target"),
    _rule("found_dead", "competing", "dead before the tumor reached the target"),
    _rule("tumor_related", "competing", "removed for the tumor before it reached the target"),
    _rule("technical", "censored", "lost for a reason unrelated to tumor and treatment"),
    _rule("unknown", "censored", "no reason is stated"),
)
_HUMANE_RULES: Final = (
    _rule("scheduled", "censored", "the plan ended the follow-up"),
    _rule("volume_limit", "event", "a humane endpoint"),
    _rule("ulceration", "event", "a humane endpoint"),
    _rule("body_weight_loss", "event", "a humane endpoint"),
    _rule("toxicity", "event", "a humane endpoint"),
    _rule("found_dead", "competing", "dead before a humane endpoint was called"),
    _rule("tumor_related", "event", "a humane endpoint"),
    _rule("technical", "censored", "lost for a reason unrelated to tumor and treatment"),
    _rule("unknown", "censored", "no reason is stated"),
)

REASONS: Final[Mapping[EventKind, tuple[ReasonRule, ...]]] = {
    "multiple": _GROWTH_RULES,
    "volume": _GROWTH_RULES,
    "progression": _GROWTH_RULES,
    "nadir": _GROWTH_RULES,
    "death": _SURVIVAL_RULES,
    "humane_endpoint": _HUMANE_RULES,
}
"""What every reason for leaving means, by kind of event, where nobody says otherwise."""


def reason_rules(
    kind: EventKind, overrides: Mapping[LeavingReason, ReasonRole] | None = None
) -> tuple[ReasonRule, ...]:
    """What every reason for leaving means for a kind of event.

    Parameters
    ----------
    kind : EventKind
        Kind of event.
    overrides : mapping of LeavingReason to {"event", "competing", "censored"}, optional
        What this study or analysis says instead.

    Raises
    ------
    InputError
        If a reason or a role is not one of the closed lists.

    Examples
    --------
    >>> rules = reason_rules("death", {"found_dead": "event"})
    >>> [rule.reason for rule in rules if rule.role == "event"]
    ['volume_limit', 'found_dead', 'tumor_related']
    """
    said = dict(overrides or {})
    for reason, role in said.items():
        _check_word(reason, get_args(LeavingReason), "a reason for leaving")
        _check_word(role, get_args(ReasonRole), f"what leaving for '{reason}' means")
    return tuple(
        replace(rule, role=said[rule.reason], why="as stated for this analysis")
        if rule.reason in said and said[rule.reason] != rule.role
        else rule
        for rule in REASONS[kind]
    )


def parse_reasons(given: Mapping[str, str]) -> dict[LeavingReason, ReasonRole]:
    """Roles by reason for leaving, from words.

    Parameters
    ----------
    given : mapping of str to str
        Role by reason.

    Raises
    ------
    InputError
        If a reason or a role is not one of the closed lists.

    Examples
    --------
    >>> parse_reasons({"found_dead": "event"})
    {'found_dead': 'event'}
    """
    reasons: dict[str, LeavingReason] = {word: word for word in get_args(LeavingReason)}
    roles: dict[str, ReasonRole] = {word: word for word in get_args(ReasonRole)}
    for reason, role in given.items():
        _check_word(reason, tuple(reasons), "a reason for leaving")
        _check_word(role, tuple(roles), f"what leaving for '{reason}' means")
    return {reasons[reason]: roles[role] for reason, role in given.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDefinition:
    """What counts as the event.

    Parameters
    ----------
    kind : EventKind
        ``multiple`` of the baseline, absolute ``volume`` in mm³, ``progression`` (a multiple of
        the lowest reading so far), ``nadir`` (the lowest reading, once a higher one follows), or
        by the reason for leaving: ``death`` (of the tumor), ``humane_endpoint``.
    value : float, optional
        Above 1 for ``multiple`` and ``progression``, above 0 for ``volume``; None otherwise.

    Raises
    ------
    InputError
        If `value` is missing, out of its domain, or given where there is none.
    """

    kind: EventKind
    value: float | None = None

    def __post_init__(self) -> None:
        _check_word(self.kind, get_args(EventKind), "a kind of event")
        least = {"multiple": 1.0, "progression": 1.0, "volume": 0.0}.get(self.kind)
        if least is None:
            if self.value is not None:
                expected = f"'{self.kind}' without a number"
                raise InputError(expected, found=f"{self.value:g}")
        elif self.value is None or not (math.isfinite(self.value) and self.value > least):
            unit = "volume in mm³" if self.kind == "volume" else "multiple"
            expected = f"a {unit} above {least:g} for '{self.kind}'"
            raise InputError(expected, found="none" if self.value is None else f"{self.value:g}")

    @property
    def from_growth(self) -> bool:
        """Whether readings, not reasons for leaving, decide."""
        return self.kind not in ("death", "humane_endpoint")

    def __str__(self) -> str:
        """As :func:`parse_event` reads it."""
        return self.kind if self.value is None else f"{self.kind}:{self.value:g}"

    def describe(self, *, size: str = "volume") -> str:
        """The event in words, such as ``volume at least 4 times the baseline``.

        Parameters
        ----------
        size : str
            What was measured: ``volume`` or ``area``.
        """
        number = "" if self.value is None else f"{self.value:g}"
        return {
            "multiple": f"{size} at least {number} times the baseline",
            "volume": f"volume at least {number} mm³",
            "progression": f"{size} at least {number} times the lowest reading so far",
            "nadir": f"lowest {size}, with a higher reading after it",
            "death": "death of the tumor, or removal that the tumor forced",
            "humane_endpoint": "humane endpoint",
        }[self.kind]


_WORDS: Final[Mapping[str, EventDefinition]] = {
    "doubling": EventDefinition(kind="multiple", value=2.0),
    "quadrupling": EventDefinition(kind="multiple", value=4.0),
    "progression": EventDefinition(kind="progression", value=PROGRESSION_MULTIPLE),
    "nadir": EventDefinition(kind="nadir"),
    "death": EventDefinition(kind="death"),
    "humane_endpoint": EventDefinition(kind="humane_endpoint"),
}
_WITH_NUMBER: Final[Mapping[str, EventKind]] = {
    "multiple": "multiple",
    "volume": "volume",
    "progression": "progression",
}


def parse_event(text: str) -> EventDefinition:
    """The event that a word stands for.

    Parameters
    ----------
    text : str
        ``doubling``, ``quadrupling``, ``multiple:3``, ``volume:1500`` (mm³), ``progression``,
        ``progression:1.5``, ``nadir``, ``death`` or ``humane_endpoint``.

    Raises
    ------
    InputError
        If it is none of them, or the number is missing or out of its domain.

    Examples
    --------
    >>> parse_event("quadrupling")
    EventDefinition(kind='multiple', value=4.0)
    >>> str(parse_event("volume:1500"))
    'volume:1500'
    """
    word = text.strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    name, colon, number = word.partition(":")
    if name not in _WITH_NUMBER or (colon and not number.strip()):
        known = [*_WORDS, "multiple:3", "volume:1500", "progression:1.5"]
        expected = "an event: " + ", ".join(known)
        raise InputError(expected, found=repr(text))
    if not colon:
        expected = f"a number behind '{name}'"
        raise InputError(expected, found=repr(text), mend=f"write {name}:NUMBER")
    try:
        value = float(number)
    except ValueError as error:
        expected = f"a number behind '{name}:'"
        raise InputError(expected, found=repr(number)) from error
    return EventDefinition(kind=_WITH_NUMBER[name], value=value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurvivalData:
    """What is known of the time to an event of the n animals of a study.

    Parameters
    ----------
    study_id : str
        Name of the study.
    line : str or None
        Name of the xenograft line, where it is known.
    arms : tuple of str
        Names of the arms, in the order of the study.
    animal_ids : tuple of str
        The n animals.
    arm : ndarray of int, shape (n,)
        Place of each animal's arm in `arms`.
    entry : ndarray, shape (n,)
        When each animal came under observation; 0 unless it entered late.
    time : ndarray, shape (n,)
        Time of the event, of a competing event, or of the end of observation.
    lower, upper : ndarray, shape (n,)
        Last time known to be without the event, and first known to be with it. Equal where the
        time is taken as exact, infinite `upper` where the event was not seen.
    event : ndarray of bool, shape (n,)
        Whether the event happened.
    cause : ndarray of int, shape (n,)
        0 where censored, else 1 + place of what happened in `causes`; a cause without `event` is
        a competing one.
    causes : tuple of str
        What can happen.
    ended : tuple of str or None
        Why each animal was followed no longer, where that is stated; for figures.
    strata, cluster : tuple of str or None
        Label of each animal's stratum, and of the cage or litter it shares.
    event_definition : str
        The event in words.
    event_time : {"visit", "interpolated", "interval"}
        What `time` of an event is: the visit at which it was seen, or log-linear interpolation;
        with ``interval`` the bracket is kept too, and `time` serves for display.
    time_unit : {"days", "weeks", "as given"}
        Unit of all times.
    reasons : tuple of ReasonRule
        What reasons for leaving were taken to mean; empty where none were used.
    notes : tuple of str
        What to know about the data, to be shown.

    Raises
    ------
    DataError
        If the parts do not fit each other.
    """

    study_id: str
    line: str | None = None
    arms: tuple[str, ...]
    animal_ids: tuple[str, ...]
    arm: IntArray
    entry: FloatArray
    time: FloatArray
    lower: FloatArray
    upper: FloatArray
    event: BoolArray
    cause: IntArray
    causes: tuple[str, ...]
    ended: tuple[str, ...] | None = None
    strata: tuple[str, ...] | None = None
    cluster: tuple[str, ...] | None = None
    event_definition: str
    event_time: EventTime
    time_unit: Literal["days", "weeks", "as given"] = "days"
    reasons: tuple[ReasonRule, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"study {self.study_id}"
        n = len(self.animal_ids)
        columns = (self.arm, self.entry, self.time, self.lower, self.upper, self.event, self.cause)
        labels = [
            labels for labels in (self.ended, self.strata, self.cluster) if labels is not None
        ]
        if any(c.shape != (n,) for c in columns) or any(len(part) != n for part in labels):
            expected = f"as many values as animals ({n}) in every column"
            raise DataError(expected, where=where)
        if n == 0:
            expected = "at least one animal with a known time"
            raise DataError(expected, where=where, mend="; ".join(self.notes[:1]))
        bad = ~(np.isfinite(self.time) & (self.entry >= 0) & (self.entry <= self.time))
        bad |= ~((self.lower <= self.upper) & np.isfinite(self.lower))
        bad |= self.event & ~((self.cause > 0) & np.isfinite(self.upper))
        bad |= (self.cause < 0) | (self.cause > len(self.causes))
        bad |= (self.arm < 0) | (self.arm >= len(self.arms))
        if bad.any():
            i = int(np.argmax(bad))
            expected = "0 ≤ entry ≤ time, lower ≤ upper, a known arm, a cause for each event"
            found = f"entry {self.entry[i]:g}, time {self.time[i]:g}, cause {self.cause[i]}"
            place = f"{where}, animal {self.animal_ids[i]}"
            raise DataError(expected, found=found, where=place)

    @property
    def n(self) -> int:
        """Number of animals."""
        return len(self.animal_ids)

    @property
    def competing(self) -> BoolArray:
        """Whether something else happened that precludes the event, shape (n,)."""
        other: BoolArray = (self.cause > 0) & ~self.event
        return other

    def counts(self) -> dict[str, dict[str, int]]:
        """Animals, events, competing events and censored animals by arm."""
        result = {}
        for place, name in enumerate(self.arms):
            here = self.arm == place
            result[name] = {
                "n": int(here.sum()),
                "events": int((here & self.event).sum()),
                "competing": int((here & self.competing).sum()),
                "censored": int((here & (self.cause == 0)).sum()),
            }
        return result

    def of_cause(self, cause: str) -> SurvivalData:
        """The data with one cause as the event; every other one competes.

        Parameters
        ----------
        cause : str
            One of `causes`.

        Raises
        ------
        InputError
            If it is not.
        """
        _check_word(cause, self.causes, "a cause")
        event = np.asarray(self.cause == 1 + self.causes.index(cause), dtype=np.bool_)
        return replace(
            self,
            event=event,
            # A competing event does not say when the event would have happened.
            lower=np.where(event | ~self.event, self.lower, self.time),
            upper=np.where(event, np.where(self.event, self.upper, self.time), np.inf),
            event_definition=cause,
        )

    def to_dict(self) -> dict[str, object]:
        """The data as plain values; an open upper end is None."""
        return {
            "study": self.study_id,
            "line": self.line,
            "event_definition": self.event_definition,
            "event_time": self.event_time,
            "time_unit": self.time_unit,
            "counts": self.counts(),
            "reasons": [rule.to_dict() for rule in self.reasons],
            "animals": [
                {
                    "animal_id": name,
                    "arm": self.arms[self.arm[i]],
                    "entry": float(self.entry[i]),
                    "time": float(self.time[i]),
                    "lower": float(self.lower[i]),
                    "upper": float(self.upper[i]) if np.isfinite(self.upper[i]) else None,
                    "event": bool(self.event[i]),
                    "cause": self.causes[self.cause[i] - 1] if self.cause[i] else None,
                    "ended": None if self.ended is None else self.ended[i],
                    "stratum": None if self.strata is None else self.strata[i],
                    "cluster": None if self.cluster is None else self.cluster[i],
                }
                for i, name in enumerate(self.animal_ids)
            ],
            "notes": list(self.notes),
        }


def growth_events(
    study: Study,
    event: EventDefinition,
    *,
    event_time: EventTime = "interval",
    baseline_day: float | Literal["first"] | None = None,
    reasons: Mapping[LeavingReason, ReasonRole] | None = None,
) -> SurvivalData:
    """Times to an event that readings, or reasons for leaving, define.

    Days count from each animal's baseline. An animal that did not reach a growth event is censored
    at its last reading, or has a competing event on its last day, by its reason for leaving.

    Parameters
    ----------
    study : Study
        Volumes, or areas where it has no volumes.
    event : EventDefinition
        What counts as the event.
    event_time : {"visit", "interpolated", "interval"}
        First visit at or past the threshold, log-linear interpolation between the readings around
        it, or the bracket of these two readings. Leaving is on the last day.
    baseline_day : float or "first", optional
        Study day of the baseline (an animal's own comes first), or each animal's first reading;
        by default as :meth:`Study.find_baseline_day`.
    reasons : mapping of LeavingReason to {"event", "competing", "censored"}, optional
        What this analysis says other than :data:`REASONS`.

    Raises
    ------
    InputError
        If a choice is not one of the closed lists.
    DataError
        If a volume is asked of areas, or no animal has a usable baseline.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "animal_id": ["a"] * 3 + ["b"] * 3, "treatment": ["vehicle"] * 6,
    ...     "day": [0, 7, 14] * 2, "volume_mm3": [100, 200, 800, 100, 110, 120],
    ... })
    >>> data = growth_events(Study.from_frame(frame), parse_event("quadrupling"))
    >>> data.time, data.lower, data.upper
    (array([10.5, 14. ]), array([ 7., 14.]), array([14., inf]))
    """
    _check_word(event_time, get_args(EventTime), "what the time of an event is")
    rules = reason_rules(event.kind, reasons)
    where = f"study {study.study_id}"
    if event.kind == "volume" and study.area_only:
        expected = "volumes for an event at a volume"
        raise DataError(expected, found="areas only", where=where, mend="use a multiple")
    if baseline_day == "first":
        study, start = _from_first_reading(study), 0.0
    else:
        start = study.find_baseline_day(baseline_day).day
    curves = arm_curves(study, baseline_day=start)
    words = event.describe(size="area" if study.area_only else "volume")
    known = _Known.empty()
    for place, arm in enumerate(curves.values()):
        known = known.joined(_known_of(place, arm, event, event_time))
    roles = {rule.reason: rule.role for rule in rules}
    animals = {animal.animal_id: animal for animal in study.animals}
    why = [animals[name].end_reason for name in known.animal_ids]
    has_time = ~np.isnan(known.time)
    role = np.array([roles[reason] for reason in why], dtype=object)
    # Leaving decides only where the event was not seen before.
    left = has_time & ~known.reached & np.isin(role, ("event", "competing"))
    by_reason = [reason if out else "" for reason, out in zip(why, left, strict=True)]
    first = (words,) if event.from_growth else ()
    order = [rule.reason for rule in rules if rule.reason in by_reason]
    causes = (*first, *order)
    number = {name: index for index, name in enumerate(causes, start=1)}
    cause = np.array([number.get(reason, 0) for reason in by_reason], dtype=np.int64)
    cause = np.where(known.reached, 1, cause)
    happened = known.reached | (left & (role == "event"))
    time = np.where(left, known.end, known.time)
    lower, upper = known.lower.copy(), known.upper.copy()
    gone = left & happened
    # A growth event that leaving stands for came after the last reading.
    bracketed = gone if event.from_growth and event_time == "interval" else np.zeros_like(gone)
    lower = np.where(gone & ~bracketed, time, lower)
    upper = np.where(gone, time, upper)
    if event_time != "interval":
        lower = np.where(left, time, lower)
    notes = [*_notes(study, event, known, why), *_reason_notes(rules, why, left, happened)]
    cages = [animals[name].cage for name in known.animal_ids]
    stated = [cage for cage in cages if cage is not None]
    kept = np.flatnonzero(has_time)
    return SurvivalData(
        study_id=study.study_id,
        line=study.line.name,
        arms=tuple(curves),
        animal_ids=tuple(known.animal_ids[i] for i in kept),
        arm=known.arm[kept],
        entry=np.zeros(kept.size),
        time=time[kept],
        lower=lower[kept],
        upper=upper[kept],
        event=np.asarray(happened[kept], dtype=np.bool_),
        cause=np.asarray(cause[kept], dtype=np.int64),
        causes=causes,
        ended=tuple(why[i] for i in kept),
        cluster=tuple(cages[i] or "" for i in kept) if len(stated) == len(cages) else None,
        event_definition=words,
        event_time=event_time,
        reasons=rules,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    """What readings say of each animal: all arrays of shape (n,)."""

    animal_ids: tuple[str, ...]
    arm: IntArray
    time: FloatArray
    lower: FloatArray
    upper: FloatArray
    reached: BoolArray
    end: FloatArray

    @classmethod
    def empty(cls) -> _Known:
        none = np.zeros(0)
        return cls(
            animal_ids=(),
            arm=none.astype(np.int64),
            time=none,
            lower=none,
            upper=none,
            reached=none.astype(np.bool_),
            end=none,
        )

    def joined(self, other: _Known) -> _Known:
        """These animals and those of another arm."""
        return _Known(
            animal_ids=self.animal_ids + other.animal_ids,
            arm=np.concatenate((self.arm, other.arm)),
            time=np.concatenate((self.time, other.time)),
            lower=np.concatenate((self.lower, other.lower)),
            upper=np.concatenate((self.upper, other.upper)),
            reached=np.concatenate((self.reached, other.reached)),
            end=np.concatenate((self.end, other.end)),
        )


def _known_of(place: int, arm: ArmCurves, event: EventDefinition, event_time: EventTime) -> _Known:
    """What the readings of an arm say; NaN time where an animal cannot take part."""
    end = arm.end_day - arm.baseline_day
    if not event.from_growth:
        time = np.where(end >= -_SAME_DAY, np.maximum(end, 0.0), np.nan)
        times = EventTimes(
            time=time,
            reached=np.zeros(arm.n, dtype=np.bool_),
            lower=time,
            upper=np.where(np.isnan(time), np.nan, np.inf),
        )
    elif event.kind == "nadir":
        times = _nadir_times(arm)
    else:
        times = _threshold_times(arm, event)
    time, lower, upper = times.time, times.lower, times.upper
    if event_time == "visit" and event.kind != "nadir":
        time = np.where(times.reached, upper, time)
    if event_time != "interval":
        lower, upper = time, np.where(times.reached, time, upper)
    return _Known(
        animal_ids=arm.animal_ids,
        arm=np.full(arm.n, place, dtype=np.int64),
        time=time,
        lower=lower,
        upper=upper,
        reached=times.reached,
        end=np.fmax(end, time),
    )


def _threshold_times(arm: ArmCurves, event: EventDefinition) -> EventTimes:
    """When sizes pass a multiple of the baseline or of the lowest reading, or a volume."""
    value = math.log(event.value) if event.value is not None else 0.0
    with np.errstate(invalid="ignore"):
        start = np.log(arm.baseline)
    window = arm.window()
    if event.kind == "multiple":
        return crossing_times(arm.elapsed, arm.log_size, start + value, window)
    if event.kind == "volume":
        threshold = np.where(np.isnan(start), np.nan, value)
        return crossing_times(arm.elapsed, arm.log_size, threshold, window)
    size = np.where(window, arm.log_size, np.inf)
    lowest = np.minimum.accumulate(size, axis=1)
    before = np.concatenate((np.full((arm.n, 1), np.inf), lowest[:, :-1]), axis=1)
    with np.errstate(invalid="ignore"):
        grown = window & np.isfinite(before) & (size >= before + value - 1e-12)
    rows, at = np.arange(arm.n), np.argmax(grown, axis=1)
    ever = grown[rows, at]
    nadir = np.where(ever, before[rows, at], np.inf)
    # From the lowest reading on: the tumor may have been larger before it shrank.
    low = np.argmax(size == nadir[:, None], axis=1)
    use = window & (~ever[:, None] | (np.arange(size.shape[1]) >= low[:, None]))
    threshold = np.where(np.isnan(start), np.nan, nadir + value)
    return crossing_times(arm.elapsed, arm.log_size, threshold, use)


def _nadir_times(arm: ArmCurves) -> EventTimes:
    """When sizes are lowest; seen only once a higher reading follows."""
    window = arm.window() & ~np.isnan(arm.baseline)[:, None]
    rows = np.arange(arm.n)
    size = np.where(window, arm.log_size, np.inf)
    at = np.argmin(size, axis=1)
    columns = np.arange(size.shape[1])
    later = window & (columns > at[:, None])
    reached = np.asarray((later & (size > size[rows, at][:, None])).any(axis=1), dtype=np.bool_)
    day = np.where(window, arm.elapsed, -np.inf)
    last = day.max(axis=1)
    known = window.any(axis=1)
    earlier = np.where(columns < at[:, None], day, -np.inf).max(axis=1)
    following = np.where(later, arm.elapsed, np.inf).min(axis=1)
    at_day = day[rows, at]
    lower = np.where(np.isfinite(earlier), earlier, at_day)
    blank = np.where(known, 0.0, np.nan)
    with np.errstate(invalid="ignore"):
        return EventTimes(
            time=np.where(reached, at_day, last) + blank,
            reached=reached,
            # Without a rise the lowest reading may still be to come.
            lower=np.where(reached, lower, last) + blank,
            upper=np.where(reached, following, np.inf) + blank,
        )


def _from_first_reading(study: Study) -> Study:
    """The study with every animal's baseline on the day of its first reading."""
    table = study.measurements
    read = table["area_mm2"] if study.area_only else table["volume_mm3"]
    first = table[read.notna()].groupby("animal_id")["day"].min().to_dict()
    animals = tuple(
        replace(animal, baseline_day=float(first.get(animal.animal_id, animal.end_day)))
        for animal in study.animals
    )
    return replace(study, animals=animals, table=table)


def _notes(
    study: Study, event: EventDefinition, known: _Known, why: list[LeavingReason]
) -> list[str]:
    """What to know about animals without a time, at time 0, and about the sizes."""
    notes = []
    out = [name for name, time in zip(known.animal_ids, known.time, strict=True) if time != time]
    if out:
        missing = (
            "a usable baseline (missing, gone or below the limit)"
            if event.from_growth
            else "a day of follow-up from the baseline on"
        )
        notes.append(f"{_animals(out)} without {missing}: left out.")
    zero = (known.time == 0) & ~known.reached
    if zero.any():
        names = [known.animal_ids[i] for i in np.flatnonzero(zero)]
        notes.append(f"{_animals(names)} not followed beyond the baseline: censored at time 0.")
    if event.kind != "nadir" and (at_start := known.reached & (known.upper == 0)).any():
        names = [known.animal_ids[i] for i in np.flatnonzero(at_start)]
        notes.append(f"{_animals(names)} at the target from the baseline on: event at time 0.")
    if event.from_growth and study.area_only:
        notes.append("Sizes are areas: a multiple of an area is not one of a volume.")
    if not event.from_growth and all(reason == "unknown" for reason in why):
        notes.append("No reason for leaving is stated: every animal is censored.")
    return notes


def _reason_notes(
    rules: tuple[ReasonRule, ...],
    why: list[LeavingReason],
    left: BoolArray,
    happened: BoolArray,
) -> list[str]:
    """How many animals each reason took out before the event, and as what they count."""
    notes = []
    for rule in rules:
        here = np.array([reason == rule.reason for reason in why], dtype=np.bool_) & left
        if count := int(here.sum()):
            role = "the event" if (here & happened).any() else "a competing event"
            noun = "animal" if count == 1 else "animals"
            notes.append(f"{count} {noun} left for {rule.reason} before the event: {role}.")
    return notes


def _animals(names: list[str]) -> str:
    """Names of animals in a line, the first of them where they are many."""
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    noun = "animal" if len(names) == 1 else "animals"
    return f"{len(names)} {noun} ({shown}{f' and {more} more' if more > 0 else ''})"
