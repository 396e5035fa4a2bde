"""Humane endpoints of the studies of one file: alerts, projections, and how many to expect."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.design.endpoint_bend import GrowthBend, find_bends, flag_bends
from oncovivo.design.endpoint_counts import ReachedCount, count_reached
from oncovivo.design.endpoint_projection import HORIZON, LimitProjection, project_limit
from oncovivo.design.endpoint_rules import (
    EndpointProfile,
    EndpointRule,
    Watch,
    evaluate_rules,
    read_profile,
)
from oncovivo.design.endpoint_totals import project_total
from oncovivo.errors import DataError, InputError
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.data import growth_data
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.provenance import InputFile
from oncovivo.studies import Study

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "EndpointOptions",
    "FileEndpoints",
    "StudyEndpoints",
    "watch_endpoints_file",
    "watch_study",
]

SCHEMA: Final = "oncovivo.design_endpoints/1"
# Weeks after the readings that animals are counted for when no day is asked for.
_WEEKS: Final = 4
_LEFT: Final = ("unknown", "scheduled")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """What the user says about humane endpoints.

    Parameters
    ----------
    profile : EndpointProfile
        The rules.
    profile_name : str, optional
        Name of the file they come from.
    by_days : tuple of float
        Study days for which animals at the limit are counted; else the day up to which half of
        the animals were read, and each of four weeks after it.
    level : float
        Confidence of the projected days.
    horizon : float
        Days after an animal's last reading beyond which nothing is projected.

    Raises
    ------
    InputError
        If a number is outside its domain.
    """

    profile: EndpointProfile
    profile_name: str | None = None
    by_days: tuple[float, ...] = ()
    level: float = 0.95
    horizon: float = HORIZON

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            expected = "a level between 0 and 1"
            raise InputError(expected, found=f"{self.level:g}")
        if not 0 < self.horizon < math.inf:
            expected = "a positive horizon in days"
            raise InputError(expected, found=f"{self.horizon:g}", where="--horizon")
        if not all(math.isfinite(day) for day in self.by_days):
            expected = "study days"
            raise InputError(expected, found="a day without end", where="--by-day")

    @classmethod
    def from_limits(
        cls,
        *,
        max_volume: float | None,
        profile: Path | None,
        by_days: Sequence[float] = (),
        level: float = 0.95,
        horizon: float = HORIZON,
    ) -> EndpointOptions:
        """The options that a volume limit, a profile, or both make.

        Raises
        ------
        InputError
            If there is neither, or the two contradict each other.
        FileFormatError
            If the profile cannot be read.
        """
        if max_volume is None and profile is None:
            raise InputError(
                "a limit",
                found="none",
                where="command line",
                mend="give --max-volume 1500 or --profile FILE.toml",
            )
        if profile is None:
            limit = math.nan if max_volume is None else max_volume
            rules = EndpointProfile(
                rules=(EndpointRule(name="volume", quantity="volume", limit=limit),)
            )
        else:
            rules = read_profile(profile)
            rules = rules if max_volume is None else rules.with_max_volume(max_volume)
        return cls(
            profile=rules,
            profile_name=None if profile is None else profile.name,
            by_days=tuple(sorted(set(by_days))),
            level=level,
            horizon=horizon,
        )

    def to_dict(self) -> dict[str, object]:
        """The options under the names of the ``--json`` contract, defaults included."""
        return {
            "max_volume": self.profile.volume_limit,
            "profile": self.profile_name,
            "rules": self.profile.to_dict(),
            "by_day": list(self.by_days),
            "level": self.level,
            "horizon": self.horizon,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEndpoints:
    """Alerts and projections of one study.

    Parameters
    ----------
    study_id, line : str
        Study and xenograft line.
    simulated : bool
        Whether the numbers come from a simulation.
    n_animals : int
        Animals, those excluded from analyses among them.
    limit, total_limit : float or None
        Volumes that days are projected to, mm³: of a tumor, and of all tumors of an animal.
    watch : Watch
        Alerts, and rules without readings.
    projections : tuple of LimitProjection
        In the order of the study, then hosts of several tumors; empty where no rule limits the
        volume.
    bends : tuple of GrowthBend
        Whether the growth of each arm is exponential, as projections have it.
    counts : tuple of ReachedCount
        By day and arm, after the arms of a day all of them together.
    reason : str
        Why there are no projections.
    warnings : tuple of GrowthWarning
        Of the fit behind the projections.
    """

    study_id: str
    line: str
    simulated: bool
    n_animals: int
    limit: float | None
    total_limit: float | None
    watch: Watch
    projections: tuple[LimitProjection, ...]
    bends: tuple[GrowthBend, ...]
    counts: tuple[ReachedCount, ...]
    reason: str
    warnings: tuple[GrowthWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        return {
            "study": self.study_id,
            "line": self.line,
            "simulated": self.simulated,
            "status": "ok" if not self.reason else "not_estimable",
            "reason": self.reason,
            "n_animals": self.n_animals,
            "limit_mm3": self.limit,
            "total_limit_mm3": self.total_limit,
            "alerts": [alert.to_dict() for alert in self.watch.alerts],
            "rules_without_readings": [rule.to_dict() for rule in self.watch.unread],
            "projections": [projection.to_dict() for projection in self.projections],
            "growth": [bend.to_dict() for bend in self.bends],
            "counts": [count.to_dict() for count in self.counts],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEndpoints:
    """The studies of a file, in its order."""

    source: InputFile
    reading: StudyOptions
    options: EndpointOptions
    studies: tuple[StudyEndpoints, ...]

    @property
    def n_at_limit(self) -> int:
        """Animals with an alert of a rule that is a limit."""
        return sum(
            alert.first and alert.action == "limit"
            for study in self.studies
            for alert in study.watch.alerts
        )

    def to_frame(self) -> pd.DataFrame:
        """Alerts and projections of all studies, a row each; `kind` tells them apart."""
        import pandas as pd

        rows: list[dict[str, object]] = []
        for study in self.studies:
            head = {"study": study.study_id, "line": study.line}
            rows += [
                {
                    **head,
                    "kind": alert.action,
                    "animal_id": alert.animal_id,
                    "arm": alert.arm,
                    "rule": alert.rule,
                    "day": alert.day,
                    "value": alert.value,
                    "limit": alert.limit,
                }
                for alert in study.watch.alerts
            ]
            rows += [
                {
                    **head,
                    "kind": "projection",
                    "animal_id": found.animal_id,
                    "arm": found.arm,
                    "rule": found.quantity,
                    "day": found.day,
                    "lower": found.lower,
                    "upper": found.upper,
                    "value": found.last_volume,
                    "limit": found.limit,
                    "reason": "reached" if found.reached else found.reason,
                }
                for found in study.projections
            ]
        names = ["study", "line", "kind", "animal_id", "arm", "rule", "day", "lower", "upper"]
        return pd.DataFrame(rows, columns=[*names, "value", "limit", "reason"])

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design endpoints``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={**self.reading.to_dict(), **self.options.to_dict()},
            content={"studies": [study.to_dict() for study in self.studies]},
        )


def watch_study(
    study: Study, options: EndpointOptions, *, reading: StudyOptions | None = None
) -> StudyEndpoints:
    """Alerts and projections of one study.

    A study that cannot carry a growth model still has its alerts; its projections then say why
    there is no day.

    Raises
    ------
    InputError, DataError
        As :func:`oncovivo.design.endpoint_rules.evaluate_rules`.
    """
    reading = reading or StudyOptions()
    profile = options.profile
    limit, total = profile.volume_limit, profile.total_limit
    watch = evaluate_rules(study, profile, baseline_day=reading.baseline_day)
    projections: tuple[LimitProjection, ...] = ()
    counts: tuple[ReachedCount, ...] = ()
    warnings: tuple[GrowthWarning, ...] = ()
    reason = ""
    bends: tuple[GrowthBend, ...] = ()
    if limit is not None or total is not None:
        try:
            fit = _fit(study, reading)
        except DataError as error:
            reason = str(error)
            projections = _every_animal(study, (), options, reason)
        else:
            bends = find_bends(fit.data)
            projections = _every_animal(
                study,
                flag_bends(fit.data, _projected(fit, options), bends, horizon=options.horizon),
                options,
                "no reading of it enters the growth model",
            )
            counts = count_reached(
                fit,
                limit,
                options.by_days or _weeks(fit),
                gone=_left_otherwise(study),
                total_limit=total,
                hosts=_hosts_of(study, profile),
                level=options.level,
            )
            warnings = fit.warnings
    return StudyEndpoints(
        study_id=study.study_id,
        line=study.line.name,
        simulated=study.simulated,
        n_animals=len(study.animals) + len(study.exclusions),
        limit=limit,
        total_limit=total,
        watch=watch,
        projections=projections,
        bends=bends,
        counts=counts,
        reason=reason,
        warnings=warnings,
    )


def watch_endpoints_file(
    path: Path,
    *,
    options: EndpointOptions,
    reading: StudyOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileEndpoints:
    """Humane endpoints of every study × line of a file.

    Parameters
    ----------
    path : Path
        A study file or folder.
    options : EndpointOptions
        The rules and the projection.
    reading : StudyOptions, optional
        How the file is read, and which studies, lines and arms are taken.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError, DataError
        If an option does not fit the file, or its rows contradict each other.
    """
    reading = reading or StudyOptions()
    progress("reading")
    studies = load_studies(path, reading)
    results: list[StudyEndpoints] = []
    for study in studies:
        progress(study.study_id)
        results.append(watch_study(study, options, reading=reading))
    return FileEndpoints(
        source=input_digest(path), reading=reading, options=options, studies=tuple(results)
    )


def _fit(study: Study, reading: StudyOptions) -> GrowthFit:
    """The growth model of ``oncovivo growth`` with its defaults."""
    if study.area_only:
        raise DataError(
            "volumes to project to a volume limit",
            found="areas",
            where=f"study {study.study_id}",
        )
    data = growth_data(study, baseline_day=reading.baseline_day)
    return fit_with_limit(data, below_limit=reading.below_limit)


def _weeks(fit: GrowthFit) -> tuple[float, ...]:
    """The day up to which half of the animals were read, and each week after it."""
    last = np.full(fit.data.n_animals, -np.inf)
    np.maximum.at(last, fit.data.animal, fit.data.day)
    half = float(np.sort(last)[fit.data.n_animals // 2])
    return tuple(half + 7.0 * week for week in range(_WEEKS + 1))


def _left_otherwise(study: Study) -> frozenset[str]:
    """Animals that left for a stated reason which is not the plan's end."""
    return frozenset(
        animal.animal_id for animal in study.animals if animal.end_reason not in _LEFT
    )


def _hosts_of(study: Study, profile: EndpointProfile) -> dict[str, tuple[str, ...]]:
    """Hosts whose tumors are analyzed; evaluating the rules refused strangers."""
    known = {animal.animal_id for animal in study.animals}
    found = {
        host: tuple(name for name in tumors if name in known)
        for host, tumors in profile.hosts.items()
    }
    return {host: tumors for host, tumors in found.items() if tumors}


def _single_limit(name: str, profile: EndpointProfile) -> float | None:
    """Limit of the volume of one tumor; that of the total where it is the animal's only one."""
    hosted = any(name in tumors for tumors in profile.hosts.values())
    limits = [profile.volume_limit, None if hosted else profile.total_limit]
    return min((limit for limit in limits if limit is not None), default=None)


def _projected(fit: GrowthFit, options: EndpointOptions) -> list[LimitProjection]:
    """Days of tumors at their own limit, then of hosts at that of the total."""
    profile = options.profile
    asked = {name: _single_limit(name, profile) for name in fit.data.animal_ids}
    found: list[LimitProjection] = []
    for limit in sorted({limit for limit in asked.values() if limit is not None}):
        found += [
            one
            for one in project_limit(fit, limit, level=options.level, horizon=options.horizon)
            if asked[one.animal_id] == limit
        ]
    if profile.total_limit is not None and profile.hosts:
        found += project_total(
            fit,
            profile.total_limit,
            profile.hosts,
            level=options.level,
            horizon=options.horizon,
        )
    return found


def _every_animal(
    study: Study,
    projections: Sequence[LimitProjection],
    options: EndpointOptions,
    reason: str,
) -> tuple[LimitProjection, ...]:
    """The projections, and of the other animals what was read and why there is no day."""
    profile = options.profile
    known = {(found.animal_id, found.quantity): found for found in projections}
    found: list[LimitProjection] = []
    for animal in study.animals:
        limit = _single_limit(animal.animal_id, profile)
        if limit is not None:
            found.append(
                known.get((animal.animal_id, "volume"))
                or _without_line(study, animal.animal_id, animal.arm, limit, options, reason)
            )
    found += [one for one in projections if one.quantity == "total_volume"]
    return tuple(found)


def _without_line(
    study: Study, name: str, arm: str, limit: float, options: EndpointOptions, reason: str
) -> LimitProjection:
    """An animal that no line was found for."""
    table = study.measurements
    own = table[(table["animal_id"] == name) & table["volume_mm3"].notna()]
    days = own["day"].to_numpy(dtype=float)
    sizes = own["volume_mm3"].to_numpy(dtype=float)
    at = np.flatnonzero(sizes >= limit * (1 - 1e-9))
    reached = bool(at.size)
    return LimitProjection(
        animal_id=name,
        arm=arm,
        reached=reached,
        day=float(days[at[0]]) if reached else None,
        lower=float(days[max(at[0] - 1, 0)]) if reached else None,
        upper=float(days[at[0]]) if reached else None,
        level=options.level,
        last_day=float(days[-1]) if days.size else None,
        last_volume=float(sizes[-1]) if days.size else None,
        rate=None,
        status="ok" if reached else "not_estimable",
        reason="" if reached else reason,
        limit=limit,
    )
