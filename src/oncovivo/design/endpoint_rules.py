"""Humane endpoints as rules, and which readings of a study they speak of.

A profile is a TOML file::

    title = "Limits of the project licence"

    [[rule]]
    name = "tumor volume"
    quantity = "volume"
    limit = 1500

    [[rule]]
    name = "weight loss, twice"
    quantity = "weight_loss_pct"
    limit = 15
    readings = 2
    action = "watch"
    source = "the study's own choice"

    [hosts]
    mouse12 = ["12-left", "12-right"]

How a rule is read:

- A value **at** the limit counts as one beyond it: who plans with 1500 mm³ wants to know of 1500.
- ``readings = n`` asks for n consecutive readings of the quantity, at whatever distance in days;
  a day without a reading neither counts nor interrupts. Each reading from the nth on is an alert.
- ``weight_loss_pct`` is the loss since baseline in percent of the baseline weight;
  ``net_weight_loss_pct`` the same of the weight without the tumor, whose mass is its volume at
  1 mg/mm³. A growing tumor hides a loss of weight from the first and not from the second.
- ``burden_pct`` is the mass of the tumors in percent of the weight of the animal without them.
- ``total_volume`` and ``burden_pct`` add up the tumors of a host that ``[hosts]`` names, each
  with its latest reading.
- ``body_condition`` (low is bad) and ``ulcer_grade`` are events or markers of these names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.endpoints.tolerability import GRAM_PER_MM3, compute_tolerability
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.studies import Study, StudyTables
from oncovivo.texts import parse_toml

__all__ = [
    "OWN_CHOICE",
    "Action",
    "Alert",
    "EndpointProfile",
    "EndpointRule",
    "Quantity",
    "RuleWithoutReadings",
    "Watch",
    "evaluate_rules",
    "read_profile",
]

Quantity: TypeAlias = Literal[
    "volume",
    "total_volume",
    "diameter",
    "burden_pct",
    "weight_loss_pct",
    "net_weight_loss_pct",
    "body_condition",
    "ulcer_grade",
]
Action: TypeAlias = Literal["limit", "watch"]
_Readings: TypeAlias = dict[str, list[tuple[float, float]]]

OWN_CHOICE: Final = "the study's own choice"
"""Source of a number that nobody else is named for."""

# A loss that is a limit on paper may come out a rounding below it.
_ROUNDING: Final = 1e-9
_LOW_IS_BAD: Final[tuple[Quantity, ...]] = ("body_condition",)
_LABELS: Final[Mapping[Quantity, str]] = {
    "volume": "mm³",
    "total_volume": "mm³",
    "diameter": "mm",
    "burden_pct": "%",
    "weight_loss_pct": "%",
    "net_weight_loss_pct": "%",
    "body_condition": "",
    "ulcer_grade": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRule:
    """One rule: a quantity and the value from which on something has to be done.

    Parameters
    ----------
    name : str
        How it is called in alerts.
    quantity : Quantity
        ``volume`` and ``total_volume`` (mm³), ``diameter`` (mm, the largest), ``burden_pct``,
        ``weight_loss_pct`` and ``net_weight_loss_pct`` (percent), ``body_condition``,
        ``ulcer_grade`` (scores).
    limit : float
        Positive; reached from below, but from above by ``body_condition``.
    readings : int
        Consecutive readings at or beyond the limit that make an alert, 1 or more.
    action : {"limit", "watch"}
        ``limit``: the animal's endpoint; ``watch``: look more often.
    source : str
        Who says so.

    Raises
    ------
    InputError
        If a part is outside its domain.

    Examples
    --------
    >>> EndpointRule(name="volume", quantity="volume", limit=1500).breached(1500.0)
    True
    """

    name: str
    quantity: Quantity
    limit: float
    readings: int = 1
    action: Action = "limit"
    source: str = OWN_CHOICE

    def __post_init__(self) -> None:
        where = f"rule '{self.name}'"
        if self.quantity not in get_args(Quantity):
            expected = "a quantity: " + ", ".join(get_args(Quantity))
            raise InputError(expected, found=repr(self.quantity), where=where)
        if self.action not in get_args(Action):
            expected = "an action: " + ", ".join(get_args(Action))
            raise InputError(expected, found=repr(self.action), where=where)
        if not 0 < self.limit < math.inf:
            expected = "a positive limit"
            raise InputError(expected, found=f"{self.limit:g}", where=where)
        if self.unit == "%" and self.limit >= 100:
            expected = "a share of the body weight below 100 %"
            raise InputError(expected, found=f"{self.limit:g} %", where=where)
        if self.readings < 1:
            expected = "1 consecutive reading or more"
            raise InputError(expected, found=str(self.readings), where=where)

    @property
    def unit(self) -> str:
        """Unit of the limit; empty for a score."""
        return _LABELS[self.quantity]

    def breached(self, value: float) -> bool:
        """Whether a value is at the limit or beyond it."""
        if self.quantity in _LOW_IS_BAD:
            return value <= self.limit
        return value >= self.limit - _ROUNDING * self.limit

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {**asdict(self), "unit": self.unit}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointProfile:
    """The rules of a study.

    Parameters
    ----------
    rules : tuple of EndpointRule
        At least one, each name once.
    title : str
        What the profile is.
    hosts : mapping of str to tuple of str
        The tumors (`animal_id` of the study) of an animal that has several.

    Raises
    ------
    InputError
        If rules contradict each other or a tumor has two hosts.
    """

    rules: tuple[EndpointRule, ...]
    title: str = ""
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not self.rules:
            expected = "at least one rule"
            raise InputError(expected, found="none", mend="give --max-volume or a profile")
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                expected = "each name of a rule once"
                raise InputError(expected, found=f"'{name}' twice")
        self._check_pairs()
        tumors = [tumor for group in self.hosts.values() for tumor in group]
        for tumor in tumors:
            if tumors.count(tumor) > 1:
                expected = "each tumor in one host"
                raise InputError(expected, found=f"'{tumor}' twice", where="[hosts]")

    def _check_pairs(self) -> None:
        """Refuse limits of which one makes another one senseless."""
        for rule in self.rules:
            for other in self.rules:
                if rule is other:
                    continue
                self._check_same(rule, other)
                if (
                    rule.quantity == "total_volume"
                    and other.quantity == "volume"
                    and rule.action == other.action
                    and rule.limit < other.limit
                ):
                    raise InputError(
                        "a limit of the total volume that is not below that of a single tumor",
                        found=f"{rule.limit:g} ('{rule.name}') below {other.limit:g} "
                        f"('{other.name}')",
                        mend="raise the one or lower the other",
                    )

    @staticmethod
    def _check_same(rule: EndpointRule, other: EndpointRule) -> None:
        """Refuse two limits of one quantity, and a watch that begins behind the limit."""
        if rule.quantity != other.quantity or rule.readings != other.readings:
            return
        if rule.action == other.action and rule.limit != other.limit:
            raise InputError(
                f"one {rule.action} of {rule.quantity} with readings = {rule.readings}",
                found=f"{rule.limit:g} ('{rule.name}') and {other.limit:g} ('{other.name}')",
                mend="remove one of the rules",
            )
        if rule.action == "watch" and other.action == "limit" and other.breached(rule.limit):
            raise InputError(
                f"a watch of {rule.quantity} that begins before its limit",
                found=f"watch at {rule.limit:g} ('{rule.name}'), limit at {other.limit:g} "
                f"('{other.name}')",
                mend="exchange or correct them",
            )

    @property
    def volume_limit(self) -> float | None:
        """Limit of the volume of a tumor that is the endpoint; None where no rule has one."""
        limits = [
            rule.limit
            for rule in self.rules
            if rule.quantity == "volume" and rule.action == "limit"
        ]
        return min(limits, default=None)

    @property
    def total_limit(self) -> float | None:
        """Limit of the volume of all tumors of an animal; None where no rule has one."""
        limits = [
            rule.limit
            for rule in self.rules
            if rule.quantity == "total_volume" and rule.action == "limit"
        ]
        return min(limits, default=None)

    def with_max_volume(self, limit: float) -> EndpointProfile:
        """The profile with a limit of the volume besides its other rules.

        Raises
        ------
        InputError
            If the profile has another one.
        """
        if self.volume_limit == limit:
            return self
        if self.volume_limit is not None:
            raise InputError(
                "one limit of the volume",
                found=f"{limit:g} from --max-volume, {self.volume_limit:g} from the profile",
                mend="leave one of them out",
            )
        rule = EndpointRule(name="volume", quantity="volume", limit=limit)
        return replace(self, rules=(rule, *self.rules))

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "title": self.title,
            "rules": [rule.to_dict() for rule in self.rules],
            "hosts": {host: list(tumors) for host, tumors in self.hosts.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A reading at which a rule is broken.

    Parameters
    ----------
    animal_id : str
        The animal, or the host of several tumors.
    arm : str
        Its arm.
    day : float
        Study day of the reading.
    rule : str
        Name of the rule.
    value, limit : float
        What was read, and the limit, in `unit`.
    unit : str
        Unit of both.
    action : {"limit", "watch"}
        What the rule asks for.
    first : bool
        Whether it is the first of the animal by this rule.
    """

    animal_id: str
    arm: str
    day: float
    rule: str
    value: float
    limit: float
    unit: str
    action: Action
    first: bool

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWithoutReadings:
    """A rule that could not be looked at, and why.

    Parameters
    ----------
    rule : str
        Its name.
    reason : str
        One line.
    """

    rule: str
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the rules say of a study.

    Parameters
    ----------
    alerts : tuple of Alert
        By day, then as the animals and the rules are ordered.
    unread : tuple of RuleWithoutReadings
        Rules that nothing was recorded for: silence of these means nothing.
    """

    alerts: tuple[Alert, ...]
    unread: tuple[RuleWithoutReadings, ...]


def evaluate_rules(
    study: Study, profile: EndpointProfile, *, baseline_day: float | None = None
) -> Watch:
    """Every reading of a study that breaks a rule.

    Animals that were excluded from the analysis are looked at too: they were alive.

    Parameters
    ----------
    study : Study
        The study.
    profile : EndpointProfile
        The rules.
    baseline_day : float, optional
        Day that losses of weight refer to; else as :meth:`Study.find_baseline_day` has it.

    Raises
    ------
    InputError
        If a tumor of a host is no animal of the study, or a host's tumors are in several arms.
    DataError
        If a score is not a number.
    """
    whole = _with_excluded(study)
    arm_of = {animal.animal_id: animal.arm for animal in whole.animals}
    for host, tumors in profile.hosts.items():
        arm_of[host] = _arm_of_host(host, tumors, arm_of, study.study_id)
    order = {name: place for place, name in enumerate(arm_of)}
    found: list[tuple[float, int, int, Alert]] = []
    unread: list[RuleWithoutReadings] = []
    for place, rule in enumerate(profile.rules):
        readings, reason = _readings(whole, rule.quantity, profile.hosts, baseline_day)
        if not any(readings.values()):
            unread.append(RuleWithoutReadings(rule=rule.name, reason=reason))
            continue
        for name, series in readings.items():
            for day, value, first in _alerts(series, rule):
                alert = Alert(
                    animal_id=name,
                    arm=arm_of[name],
                    day=day,
                    rule=rule.name,
                    value=value,
                    limit=rule.limit,
                    unit=rule.unit,
                    action=rule.action,
                    first=first,
                )
                found.append((day, order[name], place, alert))
    return Watch(
        alerts=tuple(alert for _, _, _, alert in sorted(found, key=lambda row: row[:3])),
        unread=tuple(unread),
    )


def _alerts(
    series: Sequence[tuple[float, float]], rule: EndpointRule
) -> list[tuple[float, float, bool]]:
    """Readings that end a run of enough breaches: day, value, whether it is the first."""
    alerts: list[tuple[float, float, bool]] = []
    run = 0
    for day, value in series:
        run = run + 1 if rule.breached(value) else 0
        if run >= rule.readings:
            alerts.append((day, value, not alerts))
    return alerts


def _readings(
    study: Study,
    quantity: Quantity,
    hosts: Mapping[str, tuple[str, ...]],
    baseline_day: float | None,
) -> tuple[_Readings, str]:
    """Day and value of each animal, and why there is none where there is none."""
    if quantity in ("body_condition", "ulcer_grade"):
        return _scores(study, quantity), f"no event or marker '{quantity}' is recorded"
    if quantity in ("weight_loss_pct", "net_weight_loss_pct"):
        return _losses(study, baseline_day, net=quantity.startswith("net"))
    table = study.measurements
    if quantity == "diameter":
        largest = table[["length_mm", "width_mm", "depth_mm"]].max(axis=1)
        return _series(table, largest), "no diameter is recorded"
    if quantity == "volume":
        return _series(table, table["volume_mm3"]), "no volume is recorded"
    total = _totals(_series(table, table["volume_mm3"]), hosts)
    if quantity == "total_volume":
        return total, "no volume is recorded"
    return _burdens(table, total, hosts), "no volume with a body weight of the day is recorded"


def _series(table: pd.DataFrame, values: pd.Series[float]) -> _Readings:
    """The values that exist, by animal and day."""
    known = values.notna().to_numpy()
    found: _Readings = {}
    for name, day, value in zip(
        table.loc[known, "animal_id"].tolist(),
        table.loc[known, "day"].tolist(),
        values[known].tolist(),
        strict=True,
    ):
        found.setdefault(str(name), []).append((float(day), float(value)))
    return {name: sorted(series) for name, series in found.items()}


def _totals(volumes: _Readings, hosts: Mapping[str, tuple[str, ...]]) -> _Readings:
    """Volumes of the tumors of a host together, each with its latest reading."""
    of_host = {tumor for tumors in hosts.values() for tumor in tumors}
    found = {name: series for name, series in volumes.items() if name not in of_host}
    for host, tumors in hosts.items():
        steps = sorted(
            (day, tumor, value) for tumor in tumors for day, value in volumes.get(tumor, ())
        )
        latest: dict[str, float] = {}
        by_day: dict[float, float] = {}
        for day, tumor, value in steps:
            latest[tumor] = value
            by_day[day] = math.fsum(latest.values())
        found[host] = sorted(by_day.items())
    return found


def _burdens(
    table: pd.DataFrame, totals: _Readings, hosts: Mapping[str, tuple[str, ...]]
) -> _Readings:
    """Mass of the tumors in percent of the weight of the animal without them."""
    weights = _series(table, table["body_weight_g"])
    found: _Readings = {}
    for name, series in totals.items():
        on_day = {
            day: weight
            for carrier in (*hosts.get(name, ()), name)
            for day, weight in weights.get(carrier, ())
        }
        rows = []
        for day, volume in series:
            if day not in on_day:
                continue
            mass = GRAM_PER_MM3 * volume
            rest = on_day[day] - mass
            # A tumor that outweighs the animal is beyond any limit, in percent of the whole too.
            rows.append((day, 100.0 * mass / (rest if rest > 0 else on_day[day])))
        found[name] = rows
    return found


def _losses(study: Study, baseline_day: float | None, *, net: bool) -> tuple[_Readings, str]:
    """Loss of weight since baseline in percent, after the baseline reading."""
    reason = "no body weight is recorded"
    if net:
        reason = "no body weight with a volume of the day is recorded"
    try:
        curves = compute_tolerability(study, baseline_day=baseline_day).curves
    except DataError as error:
        return {}, str(error)
    found: _Readings = {}
    for curve in curves:
        changes = curve.net_pct if net else curve.raw_pct
        known = [
            (day, -change)
            for day, change in zip(curve.days, changes, strict=True)
            if change is not None and not math.isnan(change)
        ]
        found[curve.animal_id] = known[1:]
    return found, reason


def _scores(study: Study, name: str) -> _Readings:
    """Scores from the events (number in the detail) and the markers of a name."""
    events, markers = study.events, study.markers
    events, markers = events[events["event"] == name], markers[markers["analyte"] == name]
    rows = [
        (str(who), float(day), detail)
        for who, day, detail in zip(
            events["animal_id"], events["day"], events["detail"], strict=True
        )
    ]
    found: _Readings = {}
    for who, day, detail in rows:
        try:
            value = float(detail)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(
                f"a number as the detail of the event {name}",
                found=repr(detail),
                where=f"study {study.study_id}, animal {who}, day {day:g}",
            )
        found.setdefault(who, []).append((day, value))
    for who, day, value in zip(
        markers["animal_id"], markers["day"], markers["value"], strict=True
    ):
        if np.isfinite(value):
            found.setdefault(str(who), []).append((float(day), float(value)))
    return {who: sorted(series) for who, series in found.items()}


def _with_excluded(study: Study) -> Study:
    """The study with the animals that an analysis leaves out."""
    if not study.exclusions:
        return study
    parts: dict[str, list[pd.DataFrame]] = {}
    for tables in (study.tables, *(gone.tables for gone in study.exclusions)):
        for name, frame in tables.frames():
            parts.setdefault(name, []).append(frame)
    joined = {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}
    return replace(
        study,
        animals=(*study.animals, *(gone.animal for gone in study.exclusions)),
        exclusions=(),
        tables=StudyTables(**joined),
        table=pd.concat(
            [study.measurements, *(gone.measurements for gone in study.exclusions)],
            ignore_index=True,
        ),
    )


def _arm_of_host(
    host: str, tumors: Sequence[str], arm_of: Mapping[str, str], study_id: str
) -> str:
    """Arm of the tumors of a host; all in one."""
    where = f"study {study_id}, host '{host}'"
    for tumor in tumors:
        if tumor not in arm_of:
            expected = "tumors that are animals of the study"
            raise InputError(expected, found=repr(tumor), where=where)
    arms = sorted({arm_of[tumor] for tumor in tumors})
    if len(arms) != 1:
        expected = "tumors of one arm"
        raise InputError(expected, found=", ".join(arms) or "no tumor", where=where)
    return arms[0]


_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


class _RuleEntry(BaseModel):
    """A rule as the file has it."""

    model_config = _STRICT

    name: _Name | None = None
    quantity: Quantity
    limit: float
    readings: int = 1
    action: Action = "limit"
    source: _Name = OWN_CHOICE


class _ProfileFile(BaseModel):
    """A profile as the file has it."""

    model_config = _STRICT

    title: str = ""
    rule: Annotated[list[_RuleEntry], Field(min_length=1)]
    hosts: dict[str, list[str]] = Field(default_factory=dict)


def read_profile(path: Path) -> EndpointProfile:
    """The rules that a file declares.

    Parameters
    ----------
    path : Path
        A TOML file as the module describes it. A rule without a name is called as its quantity.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or has an entry that it should not.
    InputError
        If limits are outside their domain or contradict each other.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    try:
        file = _ProfileFile.model_validate(parse_toml(text, where=path.name))
    except ValidationError as error:
        what = "a profile of humane endpoints"
        raise FileFormatError.from_validation(error, what=what, where=path.name) from error
    return EndpointProfile(
        title=file.title,
        rules=tuple(
            EndpointRule(
                name=entry.name or entry.quantity,
                quantity=entry.quantity,
                limit=entry.limit,
                readings=entry.readings,
                action=entry.action,
                source=entry.source,
            )
            for entry in file.rule
        ),
        hosts={host: tuple(tumors) for host, tumors in file.hosts.items()},
    )
