"""What a survival analysis holds: options, and results that can be stored and printed as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from oncovivo.analyses.contract import contract
from oncovivo.analyses.study_analysis import SkippedStudy
from oncovivo.analyses.study_input import StudyOptions
from oncovivo.provenance import InputFile
from oncovivo.studies import LeavingReason
from oncovivo.survival.accelerated import ArmTimeRatio, TimeDistribution
from oncovivo.survival.activity import PptcActivity
from oncovivo.survival.competing import CumulativeIncidence
from oncovivo.survival.curves import LimitsMethod, SurvivalCurve
from oncovivo.survival.events import (
    EventDefinition,
    EventTime,
    ReasonRole,
    ReasonRule,
    SurvivalData,
    parse_event,
)
from oncovivo.survival.hazard_ratios import HazardRow
from oncovivo.survival.median_ratio import MedianRatio
from oncovivo.survival.rmst import RestrictedMeanContrast

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DEFAULT_EVENT",
    "AnimalTime",
    "ArmSurvival",
    "CurveSteps",
    "FileSurvival",
    "IncidenceSteps",
    "MeanContrast",
    "MedianContrast",
    "ProportionalRow",
    "ReasonCheck",
    "SurvivalOptions",
    "SurvivalResult",
    "SurvivalTest",
    "SurvivalWarning",
    "Taken",
    "TimeRatioRow",
]

SCHEMA = "oncovivo.survival/1"

DEFAULT_EVENT: Final[EventDefinition] = parse_event("quadrupling")
"""Event of a growth file where nobody says otherwise: that of the pediatric consortia."""

TimeUnit: TypeAlias = Literal["days", "weeks", "as given"]
TestStatus: TypeAlias = Literal["ok", "not_estimable"]
Taken: TypeAlias = Literal["as stated", "competing as events", "leavers as censored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalOptions:
    """What the user says about the analysis of times to an event.

    Parameters
    ----------
    control : str, optional
        Name of the control arm.
    event : EventDefinition, optional
        Event of a growth file; quadrupling of the baseline where not given. A survival table has
        its own.
    event_time : {"visit", "interpolated", "interval"}, optional
        What the time of a growth event is. Where not given, tests use the interval between the
        visits and curves the interpolated time.
    interval : {"plain", "log", "loglog", "betaproduct"}, optional
        Limits of the curves; else the beta product below ten events, log-log from there.
    cause : str, optional
        The cause of a survival table that is the event.
    strata, cluster : str, optional
        Columns of a survival table; of a growth file ``cage`` may be the cluster.
    only : mapping of str to str
        Rows of a survival table to keep: the value wanted by column.
    reasons : mapping of LeavingReason to ReasonRole
        What leaving for a reason means, where it differs from the rules.
    tau : float, optional
        Horizon of restricted means; else the latest time up to which every curve is known.
    doses : mapping of str to float
        Dose or score of each arm, for a test of trend.
    weights : tuple of float, optional
        Rho and gamma of a further Fleming-Harrington test.
    level : float
        Confidence of every interval.
    seed : int, optional
        Seed; else taken from the input's digest.
    draws : int
        Relabelings or resamples, where not all can be looked at.
    """

    control: str | None = None
    event: EventDefinition | None = None
    event_time: EventTime | None = None
    interval: LimitsMethod | None = None
    cause: str | None = None
    strata: str | None = None
    cluster: str | None = None
    only: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reasons: Mapping[LeavingReason, ReasonRole] = field(
        default_factory=lambda: MappingProxyType({})
    )
    tau: float | None = None
    doses: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    weights: tuple[float, float] | None = None
    level: float = 0.95
    seed: int | None = None
    draws: int = 10_000

    def to_dict(self) -> dict[str, object]:
        """All options but the seed, ready for JSON."""
        return {
            "control": self.control,
            "event": None if self.event is None else str(self.event),
            "event_time": self.event_time,
            "interval": self.interval,
            "cause": self.cause,
            "strata": self.strata,
            "cluster": self.cluster,
            "only": dict(self.only),
            "reasons": dict(self.reasons),
            "tau": self.tau,
            "doses": dict(self.doses),
            "weights": None if self.weights is None else list(self.weights),
            "level": self.level,
            "draws": self.draws,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalWarning:
    """Something to know about an analysis: a stable code, one line, and what it is about."""

    code: str
    message: str
    arm: str | None = None
    animal_id: str | None = None

    def to_dict(self) -> dict[str, object]:
        """The warning as the JSON contract has it."""
        return {**asdict(self), "rows": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSurvival:
    """An arm alone.

    ``median`` is None where it is not reached; ``greater_than`` is then the last time under
    observation. ``interval_median`` holds the visits between which the median of the
    interval-censored times lies, where tests use them; its right end is None beyond the last.
    ``rmst`` is the mean time without event up to ``tau``.
    """

    arm: str
    n: int
    events: int
    competing: int
    censored: int
    median: float | None
    median_lower: float | None
    median_upper: float | None
    greater_than: float | None
    limits: LimitsMethod
    status: Literal["ok", "not_reached"]
    reason: str
    interval_median: tuple[float, float | None] | None
    tau: float
    rmst: float | None
    rmst_lower: float | None
    rmst_upper: float | None
    rmst_status: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalTest:
    """A test of no difference.

    Parameters
    ----------
    test : str
        Name: ``log_rank``, ``peto_peto``, ``fleming_harrington``, ``trend``,
        ``interval_log_rank``, each also ``_permutation``.
    arms : tuple of str
        What is compared; of two, the second is the control.
    statistic : float or None
        Chi-squared; None of a permutation test.
    df : int or None
        Degrees of freedom.
    p_value, p_adjusted : float or None
        Alone, and with the error over all arms held.
    exact : bool
        Whether all relabelings were looked at.
    monte_carlo_error : float or None
        Standard error of a p-value from drawn relabelings.
    stratified : bool
        Whether within strata.
    adjustment : str
        How `p_adjusted` was made; empty without it.
    status, reason
        Why there is no p-value.
    """

    test: str
    arms: tuple[str, ...]
    statistic: float | None
    df: int | None
    p_value: float | None
    p_adjusted: float | None = None
    exact: bool = False
    monte_carlo_error: float | None = None
    stratified: bool = False
    adjustment: str = ""
    status: TestStatus = "ok"
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {**asdict(self), "arms": list(self.arms)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRatioRow:
    """Ratio of times to the event, arm over control, by a parametric model of the intervals."""

    arm: str
    versus: str
    found: ArmTimeRatio

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        values = self.found.to_dict()
        values.pop("group", None)
        return {**values, "arm": self.arm, "versus": self.versus}


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianContrast:
    """Ratio (EFS T/C) and difference of medians, and the consortium's activity call."""

    arm: str
    versus: str
    found: MedianRatio
    activity: PptcActivity | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arm": self.arm,
            "versus": self.versus,
            **self.found.to_dict(),
            "activity": None if self.activity is None else self.activity.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanContrast:
    """Difference and ratio of restricted means."""

    arm: str
    versus: str
    difference: RestrictedMeanContrast
    ratio: RestrictedMeanContrast

    def to_dict(self) -> dict[str, object]:
        """Both contrasts, ready for JSON."""
        return {
            "arm": self.arm,
            "versus": self.versus,
            "difference": self.difference.to_dict(),
            "ratio": self.ratio.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionalRow:
    """Test of a constant hazard ratio; ``arm`` is None for all arms together."""

    arm: str | None
    statistic: float | None
    df: int
    p_value: float | None
    status: TestStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCheck:
    """The comparison of an arm when leavers count otherwise.

    Parameters
    ----------
    taken : {"as stated", "competing as events", "leavers as censored"}
        What leaving before the event was taken to be.
    arm, versus : str
        Arm and control.
    events : int
        Events of the arm.
    changed : int
        Animals of all arms that count otherwise than as stated.
    median : float or None
        Of the arm.
    hazard_ratio, p_value : float or None
        Hazard ratio, and p-value of the log-rank test.
    """

    taken: Taken
    arm: str
    versus: str
    events: int
    changed: int
    median: float | None
    hazard_ratio: float | None
    p_value: float | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalTime:
    """What is known of an animal; ``upper`` is None where the event was not seen."""

    animal_id: str
    arm: str
    entry: float
    time: float
    lower: float
    upper: float | None
    event: bool
    cause: str | None
    ended: str | None
    stratum: str | None
    cluster: str | None

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSteps:
    """The Kaplan-Meier curve of an arm with pointwise and simultaneous limits.

    Rows of one length; None where a limit does not exist. The simultaneous band is that of Hall
    and Wellner; it is empty where it could not be made, and `band_reason` says why.
    """

    arm: str
    n: int
    n_events: int
    time: tuple[float, ...]
    at_risk: tuple[float, ...]
    events: tuple[float, ...]
    censored: tuple[float, ...]
    survival: tuple[float, ...]
    std_error: tuple[float | None, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    start_lower: float
    level: float
    method: LimitsMethod
    early_zero: bool
    band_time: tuple[float, ...]
    band_lower: tuple[float | None, ...]
    band_upper: tuple[float | None, ...]
    band_reason: str

    def curve(self) -> SurvivalCurve:
        """The curve as arrays, for figures."""

        def array(values: tuple[float | None, ...]) -> np.ndarray:
            return np.array([math.nan if value is None else value for value in values])

        return SurvivalCurve(
            n=self.n,
            n_events=self.n_events,
            time=array(self.time),
            at_risk=array(self.at_risk),
            events=array(self.events),
            censored=array(self.censored),
            survival=array(self.survival),
            std_error=array(self.std_error),
            lower=array(self.lower),
            upper=array(self.upper),
            start_lower=self.start_lower,
            level=self.level,
            method=self.method,
            early_zero=self.early_zero,
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceSteps:
    """Cumulative incidence by cause of an arm; one inner row for each time."""

    arm: str
    n: int
    causes: tuple[str, ...]
    n_events: tuple[int, ...]
    time: tuple[float, ...]
    at_risk: tuple[float, ...]
    survival: tuple[float, ...]
    incidence: tuple[tuple[float, ...], ...]
    std_error: tuple[tuple[float, ...], ...]
    lower: tuple[tuple[float | None, ...], ...]
    upper: tuple[tuple[float | None, ...], ...]
    level: float

    def found(self) -> CumulativeIncidence:
        """The incidence as arrays, for figures."""
        shape = (len(self.time), len(self.causes))

        def array(rows: tuple[tuple[float | None, ...], ...]) -> np.ndarray:
            flat = [math.nan if value is None else value for row in rows for value in row]
            return np.array(flat, dtype=np.float64).reshape(shape)

        return CumulativeIncidence(
            n=self.n,
            causes=self.causes,
            n_events=self.n_events,
            time=np.array(self.time),
            at_risk=np.array(self.at_risk),
            survival=np.array(self.survival),
            incidence=array(self.incidence),
            std_error=array(self.std_error),
            lower=array(self.lower),
            upper=array(self.upper),
            level=self.level,
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "arm": self.arm,
            "n": self.n,
            "time": list(self.time),
            "at_risk": list(self.at_risk),
            "survival": list(self.survival),
            "causes": [
                {
                    "cause": cause,
                    "events": self.n_events[place],
                    "incidence": [row[place] for row in self.incidence],
                    "lower": [row[place] for row in self.lower],
                    "upper": [row[place] for row in self.upper],
                }
                for place, cause in enumerate(self.causes)
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalResult:
    """Times to an event in one study, in numbers that can be stored.

    Parameters
    ----------
    study_id : str
        The study.
    line : str or None
        Xenograft line, where known.
    simulated : bool
        Whether the numbers come from a simulation.
    control : str
        Control arm.
    event_definition : str
        The event in words.
    shown_time, tested_time : {"visit", "interpolated", "interval"}
        What the times of curves and hazard ratios are, and what tests use.
    time_unit : {"days", "weeks", "as given"}
        Unit of all times.
    level : float
        Confidence of every interval.
    reasons : tuple of ReasonRule
        What leaving for each reason was taken to mean; empty where no reason was used.
    arms : tuple of ArmSurvival
        Each arm alone, the control first.
    tests : tuple of SurvivalTest
        All arms together, then each against the control.
    hazards : tuple of HazardRow
        Hazard ratios.
    proportional : tuple of ProportionalRow
        Whether these are constant.
    means : tuple of MeanContrast
        Restricted means against the control's.
    medians : tuple of MedianContrast
        Medians against the control's.
    time_ratios : tuple of TimeRatioRow
        Parametric time ratios, where tests use intervals.
    distribution : str or None
        Distribution of these.
    sensitivity : tuple of ReasonCheck
        The comparisons when leavers count otherwise; empty where nobody left before the event.
    curves : tuple of CurveSteps
        Curves.
    incidence : tuple of IncidenceSteps
        Incidence by cause, where causes compete.
    causes : tuple of str
        What can happen.
    animals : tuple of AnimalTime
        What is known of each animal.
    warnings : tuple of SurvivalWarning
        What to know.
    """

    study_id: str
    line: str | None
    simulated: bool
    control: str
    event_definition: str
    shown_time: EventTime
    tested_time: EventTime
    time_unit: TimeUnit
    level: float
    reasons: tuple[ReasonRule, ...]
    arms: tuple[ArmSurvival, ...]
    tests: tuple[SurvivalTest, ...]
    hazards: tuple[HazardRow, ...]
    proportional: tuple[ProportionalRow, ...]
    means: tuple[MeanContrast, ...]
    medians: tuple[MedianContrast, ...]
    time_ratios: tuple[TimeRatioRow, ...]
    distribution: TimeDistribution | None
    sensitivity: tuple[ReasonCheck, ...]
    curves: tuple[CurveSteps, ...]
    incidence: tuple[IncidenceSteps, ...]
    causes: tuple[str, ...]
    animals: tuple[AnimalTime, ...]
    warnings: tuple[SurvivalWarning, ...]

    def data(self) -> SurvivalData:
        """The animals' times as arrays, for figures."""
        names = tuple(arm.arm for arm in self.arms)
        return SurvivalData(
            study_id=self.study_id,
            line=self.line,
            arms=names,
            animal_ids=tuple(animal.animal_id for animal in self.animals),
            arm=np.array([names.index(animal.arm) for animal in self.animals], dtype=np.int64),
            entry=np.array([animal.entry for animal in self.animals]),
            time=np.array([animal.time for animal in self.animals]),
            lower=np.array([animal.lower for animal in self.animals]),
            upper=np.array(
                [math.inf if animal.upper is None else animal.upper for animal in self.animals]
            ),
            event=np.array([animal.event for animal in self.animals], dtype=np.bool_),
            cause=np.array(
                [
                    0 if animal.cause is None else 1 + self.causes.index(animal.cause)
                    for animal in self.animals
                ],
                dtype=np.int64,
            ),
            causes=self.causes,
            ended=None
            if any(animal.ended is None for animal in self.animals)
            else tuple(animal.ended or "" for animal in self.animals),
            event_definition=self.event_definition,
            event_time=self.shown_time,
            time_unit=self.time_unit,
            reasons=self.reasons,
        )

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        return {
            "study": self.study_id,
            "line": self.line,
            "simulated": self.simulated,
            "status": "ok",
            "reason": "",
            "control": self.control,
            "event_definition": self.event_definition,
            "event_time": {"shown": self.shown_time, "tested": self.tested_time},
            "time_unit": self.time_unit,
            "level": self.level,
            "reasons": [rule.to_dict() for rule in self.reasons],
            "arms": [arm.to_dict() for arm in self.arms],
            "tests": [test.to_dict() for test in self.tests],
            "cox": [row.to_dict() for row in self.hazards],
            "proportional_hazards": [row.to_dict() for row in self.proportional],
            "rmst_contrasts": [row.to_dict() for row in self.means],
            "median_contrasts": [row.to_dict() for row in self.medians],
            "accelerated_failure_time": [row.to_dict() for row in self.time_ratios],
            "sensitivity": [row.to_dict() for row in self.sensitivity],
            "curves": [curve.to_dict() for curve in self.curves],
            "cumulative_incidence": [row.to_dict() for row in self.incidence],
            "animals": [animal.to_dict() for animal in self.animals],
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSurvival:
    """The survival analyses of a file's studies, in its order."""

    source: InputFile
    reading: StudyOptions
    options: SurvivalOptions
    seed: int
    studies: tuple[SurvivalResult | SkippedStudy, ...]

    @property
    def analysed(self) -> tuple[SurvivalResult, ...]:
        """The studies with results."""
        return tuple(study for study in self.studies if isinstance(study, SurvivalResult))

    @property
    def skipped(self) -> tuple[SkippedStudy, ...]:
        """The studies without."""
        return tuple(study for study in self.studies if isinstance(study, SkippedStudy))

    def to_frame(self) -> pd.DataFrame:
        """Arms of all studies, with their hazard ratios, as one table."""
        import pandas as pd

        rows = []
        for study in self.analysed:
            ratios = {row.arm: row for row in study.hazards}
            for arm in study.arms:
                row: dict[str, object] = {
                    "study": study.study_id,
                    "line": study.line,
                    "event": study.event_definition,
                    "time_unit": study.time_unit,
                    **arm.to_dict(),
                }
                row.pop("interval_median")
                ratio = ratios.get(arm.arm)
                row["hazard_ratio"] = None if ratio is None else ratio.hazard_ratio
                row["hazard_ratio_lower"] = None if ratio is None else ratio.lower
                row["hazard_ratio_upper"] = None if ratio is None else ratio.upper
                row["hazard_ratio_p"] = None if ratio is None else ratio.p_value
                row["hazard_ratio_method"] = None if ratio is None else ratio.method
                rows.append(row)
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo survival``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={**self.reading.to_dict(), **self.options.to_dict()},
            seed=self.seed,
            content={
                "studies": [
                    study.to_dict() if isinstance(study, SurvivalResult) else _empty(study)
                    for study in self.studies
                ]
            },
        )


def _empty(study: SkippedStudy) -> dict[str, object]:
    """A study that was not analysed, with the keys of one that was."""
    return {
        "study": study.study_id,
        "line": study.line,
        "status": "not_estimable",
        "reason": study.reason,
        "event_definition": None,
        "arms": [],
        "tests": [],
        "cox": [],
        "warnings": [],
    }
