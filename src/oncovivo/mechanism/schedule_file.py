"""Regimens to be compared, as a file: which simulation, which candidates, limits, objectives.

::

    schema = "oncovivo.schedules/1"
    title = "Temsirolimus in 786-O: how much, how often"
    simulation = "../pathway_daily_vs_weekly.toml"
    draws = 100
    negligible = 0.05

    [[treatments]]
    compound = "temsirolimus"
    route = "i.v."
    unit = "mg/kg"
    doses = [2.0, 20.0]
    patterns = ["qd", "biw", "qw"]
    start_days = [0]

    [limits.cumulative_dose]
    temsirolimus = "150 mg/kg"

    [[objectives]]
    minimize = "at_day"
    output = "tumor_volume"
    day = 21.0

    [[objectives]]
    minimize = "cumulative_dose"
    compound = "temsirolimus"

Every dose is combined with every pattern and start day, and every treatment with every other one;
different start days of two treatments are their order. ``regimens`` lists further candidates in
the notation of the field. The simulation is a path relative to the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.mechanism.blocks import Output
from oncovivo.mechanism.simulation_file import SimulatedArm, Simulation, read_simulation
from oncovivo.mechanism.toml_files import nearest
from oncovivo.studies.dosing import Course, Dose, Regimen, Route, Treatment
from oncovivo.studies.regimen import parse_regimen
from oncovivo.studies.schedule import Duration, ListedDays
from oncovivo.texts import parse_toml
from oncovivo.units import convert

__all__ = [
    "RADIATION",
    "BodyWeightLimit",
    "Measure",
    "Objective",
    "ScheduleLimits",
    "SchedulePlan",
    "compound_of",
    "cumulative_dose",
    "largest_dose",
    "read_schedules",
]

Measure: TypeAlias = Literal[
    "at_day", "area", "log_area", "largest", "cumulative_dose", "dosing_days"
]
Goal: TypeAlias = Literal["minimize", "maximize"]

RADIATION: Final = "radiation"
"""How a treatment without a compound is named in limits and objectives."""

_OF_OUTPUT: Final = ("at_day", "area", "log_area", "largest")
_MOST_CANDIDATES: Final = 2000
# Dominance with tolerances has no circles only up to here.
_MOST_OUTPUTS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What is wanted small or large.

    Parameters
    ----------
    measure : {"at_day", "area", "log_area", "largest", "cumulative_dose", "dosing_days"}
        An output on a day; its area until a day; the area of the logarithm of its ratio to day
        0; its largest value until a day; all doses of a compound; days with a dose.
    goal : {"minimize", "maximize"}
        Which way is better.
    output : str or None
        Of the first four.
    day : float or None
        The day, or the last day; of the first four.
    over_untreated : bool
        Whether the value is taken over that without treatment of the same draw; a difference
        with ``log_area``.
    compound : str or None
        Of a cumulative dose.
    """

    measure: Measure
    goal: Goal = "minimize"
    output: str | None = None
    day: float | None = None
    over_untreated: bool = False
    compound: str | None = None

    @property
    def of_output(self) -> bool:
        """Whether it is simulated; else it follows from the regimen alone."""
        return self.measure in _OF_OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyWeightLimit:
    """Loss of body weight that a regimen may cause, where a model has such an output.

    Parameters
    ----------
    output : str
        The body weight.
    loss_percent : float
        Largest loss against day 0, in percent.
    share : float
        Share of the draws that must stay within.
    """

    output: str
    loss_percent: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLimits:
    """What a candidate may not exceed.

    Parameters
    ----------
    cumulative_dose, largest_dose : tuple of (str, Dose)
        By compound.
    body_weight : BodyWeightLimit or None
        None where tolerability is not judged.
    """

    cumulative_dose: tuple[tuple[str, Dose], ...] = ()
    largest_dose: tuple[tuple[str, Dose], ...] = ()
    body_weight: BodyWeightLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlan:
    """Regimens and how they are to be compared.

    Parameters
    ----------
    name, title, note : str
        Name of the file without its ending; one line; what a reader should know.
    simulation : Simulation
        The model and its days.
    arm : SimulatedArm
        Whose numbers are used; its own regimen is not.
    candidates : tuple of Regimen
        Each once.
    limits : ScheduleLimits
        What they may not exceed.
    objectives : tuple of Objective
        Two to four, one or two of an output.
    draws : int
        Sets of values drawn from the uncertainty of the numbers.
    level : float
        Share of them inside the limits that are shown.
    negligible : float
        Relative difference of an output that counts as none.
    assumed_cv : float or None
        Uncertainty of assumed numbers that have none of their own; None to leave them as they
        are.
    seed : int or None
        Seed of the draws; None to take it from the file's digest.
    """

    name: str
    title: str
    note: str
    simulation: Simulation
    arm: SimulatedArm
    candidates: tuple[Regimen, ...]
    limits: ScheduleLimits
    objectives: tuple[Objective, ...]
    draws: int
    level: float
    negligible: float
    assumed_cv: float | None
    seed: int | None

    @property
    def last_day(self) -> float:
        """Last day that an objective looks at."""
        return max(one.day for one in self.objectives if one.day is not None)


def compound_of(treatment: Treatment) -> str:
    """Name of what a treatment gives, in lower case; ``radiation`` where it names nothing."""
    return (treatment.compound or RADIATION).casefold()


def cumulative_dose(regimen: Regimen, compound: str, *, unit: str) -> float:
    """All doses of a compound together; 0 where the regimen does not have it.

    Raises
    ------
    UnitError
        If a dose cannot be counted in the unit.

    Examples
    --------
    >>> cumulative_dose(parse_regimen("temsirolimus 2 mg/kg i.v. qd x21"), "temsirolimus",
    ...                 unit="mg/kg")
    42.0
    """
    parts = [
        convert(course.dose.value, course.dose.unit, unit) * course.n_doses()
        for treatment in regimen.treatments
        if compound_of(treatment) == compound.casefold()
        for course in treatment.courses
        if course.dose is not None
    ]
    # Without the noise of binary fractions: 21 times 0.1 is 2.1.
    return float(f"{sum(parts):.12g}")


def largest_dose(regimen: Regimen, compound: str, *, unit: str) -> float:
    """The largest single dose of a compound; 0 where the regimen does not have it.

    Raises
    ------
    UnitError
        If a dose cannot be counted in the unit.
    """
    return max(
        (
            convert(course.dose.value, course.dose.unit, unit)
            for treatment in regimen.treatments
            if compound_of(treatment) == compound.casefold()
            for course in treatment.courses
            if course.dose is not None
        ),
        default=0.0,
    )


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, StringConstraints(strict=True, min_length=1, strip_whitespace=True)]
_NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
_Day = Annotated[int, Field(strict=True, ge=0)]


class _TreatmentRecord(_Strict):
    compound: _Text | None = None
    route: Route | None = None
    unit: _Text
    doses: Annotated[list[_Positive], Field(min_length=1)]
    patterns: Annotated[list[_Text], Field(min_length=1)]
    start_days: Annotated[list[_Day], Field(min_length=1)] = Field(default_factory=lambda: [0])
    end_day: _Day | None = None
    optional: bool = False


class _BodyWeightRecord(_Strict):
    output: _Text
    loss_percent: Annotated[float, Field(strict=True, gt=0, le=100)]
    share: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.9


class _LimitsRecord(_Strict):
    cumulative_dose: dict[_Text, _Text] = Field(default_factory=dict)
    largest_dose: dict[_Text, _Text] = Field(default_factory=dict)
    body_weight: _BodyWeightRecord | None = None


class _ObjectiveRecord(_Strict):
    minimize: Measure | None = None
    maximize: Measure | None = None
    output: _Text | None = None
    day: _Positive | None = None
    over_untreated: bool = False
    compound: _Text | None = None


class _PlanRecord(_Strict):
    schema_: Literal["oncovivo.schedules/1"] = Field(alias="schema")
    title: _Text
    note: str = ""
    simulation: _Text
    arm: _Text | None = None
    draws: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 200
    level: _Share = 0.9
    negligible: Annotated[float, Field(strict=True, ge=0, lt=1)] = 0.05
    assumed_cv: _Positive | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None
    treatments: list[_TreatmentRecord] = Field(default_factory=list)
    regimens: list[_Text] = Field(default_factory=list)
    limits: _LimitsRecord = Field(default_factory=_LimitsRecord)
    objectives: Annotated[list[_ObjectiveRecord], Field(min_length=2, max_length=4)]


def read_schedules(path: Path) -> SchedulePlan:
    """The comparison that a file describes.

    Parameters
    ----------
    path : Path
        A ``.toml`` file as the head of this module describes it.

    Raises
    ------
    FileFormatError
        If the file or its simulation cannot be read.
    InputError
        If a dose, pattern, limit or objective does not fit the model or the days, if a dose
        comes when nothing is looked at any more, or if there are fewer than two candidates.
    DataError
        If a regimen leaves its doses open.
    UnitError
        If doses of one compound cannot be counted in one unit.
    """
    where = path.name
    record = _record(path, where)
    simulation = read_simulation(path.parent / record.simulation)
    objectives = tuple(_objective(one, simulation, where) for one in record.objectives)
    simulated = [one.day for one in objectives if one.day is not None]
    if not 1 <= len(simulated) <= _MOST_OUTPUTS:
        raise InputError(
            f"one objective of an output, {_MOST_OUTPUTS} at most, and another one",
            found=f"{len(simulated)} of an output",
            where=where,
        )
    candidates = _candidates(record, simulation, max(simulated), where)
    given = sorted({compound_of(one) for regimen in candidates for one in regimen.treatments})
    for one in objectives:
        if one.compound is not None:
            _known(one.compound, given, f"{where} [[objectives]]")
    return SchedulePlan(
        name=path.stem,
        title=record.title,
        note=record.note.strip(),
        simulation=simulation,
        arm=_arm(record.arm, simulation, where),
        candidates=candidates,
        limits=_limits(record.limits, simulation, given, where),
        objectives=objectives,
        draws=record.draws,
        level=record.level,
        negligible=record.negligible,
        assumed_cv=record.assumed_cv,
        seed=record.seed,
    )


def _record(path: Path, where: str) -> _PlanRecord:
    """What the file says."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("a file of schedules", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=where) from err
    content = parse_toml(text, where=where)
    try:
        return _PlanRecord.model_validate(content)
    except ValidationError as err:
        what = "a comparison of schedules"
        raise FileFormatError.from_validation(err, what=what, where=where) from err


def _arm(name: str | None, simulation: Simulation, where: str) -> SimulatedArm:
    """The arm whose numbers are used, without its regimen."""
    wanted = simulation.control if name is None else name
    for arm in simulation.arms:
        if arm.name == wanted:
            return replace(arm, regimen=None, regimen_text="")
    names = [arm.name for arm in simulation.arms]
    raise InputError(
        "an arm of the simulation: " + ", ".join(names),
        found=repr(wanted),
        where=where,
        mend=nearest(wanted, names),
    )


def _known(compound: str, given: Sequence[str], where: str) -> None:
    """Refuse a compound that no candidate has."""
    if compound.casefold() not in given:
        raise InputError(
            "a compound of the candidates: " + ", ".join(given),
            found=repr(compound),
            where=where,
            mend=nearest(compound.casefold(), list(given)),
        )


def _output(name: str, simulation: Simulation, where: str) -> Output:
    """An output of the model."""
    for output in simulation.model.outputs:
        if output.name == name:
            return output
    names = list(simulation.model.output_names)
    raise InputError(
        "an output of the model: " + ", ".join(names),
        found=repr(name),
        where=where,
        mend=nearest(name, names),
    )


def _objective(record: _ObjectiveRecord, simulation: Simulation, where: str) -> Objective:
    """An objective that fits the model."""
    place = f"{where} [[objectives]]"
    measure = record.minimize or record.maximize
    if measure is None or (record.minimize and record.maximize):
        raise InputError("minimize or maximize", found="neither or both", where=place)
    found = Objective(
        measure=measure,
        goal="minimize" if record.minimize else "maximize",
        output=record.output,
        day=record.day,
        over_untreated=record.over_untreated,
        compound=record.compound,
    )
    extra = [record.compound is not None] if found.of_output else [record.output is not None]
    if any(extra) or (not found.of_output and (record.day is not None or record.over_untreated)):
        raise InputError(
            "output, day and over_untreated for what is simulated, compound for a dose",
            found=f"others beside {measure!r}",
            where=place,
        )
    if measure == "cumulative_dose" and record.compound is None:
        raise InputError("the compound of a cumulative dose", found="none", where=place)
    if measure == "dosing_days" and record.compound is not None:
        raise InputError("dosing days of the whole regimen", found=record.compound, where=place)
    return _dated(found, simulation, place) if found.of_output else found


def _dated(objective: Objective, simulation: Simulation, place: str) -> Objective:
    """An objective of an output, with its day."""
    if objective.output is None:
        raise InputError(f"the output of {objective.measure!r}", found="none", where=place)
    output = _output(objective.output, simulation, place)
    last = float(simulation.days[-1])
    day = last if objective.day is None else objective.day
    if day > last:
        raise InputError(
            f"a day up to the simulation's last, {last:g}", found=f"{day:g}", where=place
        )
    if objective.measure == "log_area" and output.kind != "volume":
        raise InputError(
            "log_area of a volume, which is above 0", found=f"{output.name} ({output.kind})",
            where=place,
        )  # fmt: skip
    return replace(objective, day=day)


def _candidates(
    record: _PlanRecord, simulation: Simulation, horizon: float, where: str
) -> tuple[Regimen, ...]:
    """The grid and the listed regimens, each once, in order."""
    options = [
        _options(entry, horizon, f"{where} [[treatments]] {number}")
        for number, entry in enumerate(record.treatments, start=1)
    ]
    count = 1
    for option in options:
        count *= len(option)
    if count + len(record.regimens) > _MOST_CANDIDATES:
        raise InputError(
            f"at most {_MOST_CANDIDATES} candidates",
            found=str(count + len(record.regimens)),
            where=where,
            mend="take fewer doses, patterns or start days",
        )
    found: dict[str, Regimen] = {}
    for parts in itertools.product(*options) if options else ():
        chosen = tuple(part for part in parts if part is not None)
        if chosen:
            regimen = Regimen(treatments=chosen)
            found.setdefault(str(regimen), regimen)
    for text in record.regimens:
        regimen = _parsed(text, where)
        found.setdefault(str(regimen), regimen)
    if len(found) < 2:
        raise InputError("two candidates or more", found=str(len(found)), where=where)
    for regimen in found.values():
        _check_regimen(regimen, simulation, horizon, where)
    return tuple(found.values())


def _options(
    record: _TreatmentRecord, horizon: float, where: str
) -> list[Treatment] | list[Treatment | None]:
    """Every dose, pattern and start day of a treatment; None for leaving it out."""
    end = int(horizon) if record.end_day is None else record.end_day
    found: list[Treatment | None] = [None] if record.optional else []
    for value, pattern, start in itertools.product(
        record.doses, record.patterns, record.start_days
    ):
        course = _course(pattern, start, end, where)
        dose = Dose(value=value, unit=record.unit)
        found.append(
            Treatment(
                compound=record.compound,
                courses=(replace(course, dose=dose, route=record.route),),
            )
        )
    return found


def _course(pattern: str, start: int, end: int, where: str) -> Course:
    """A pattern from a day up to, but without, another one."""
    regimen = _parsed(pattern, where)
    treatment = regimen.treatments[0]
    course = treatment.courses[0]
    phases = sum(len(one.courses) for one in regimen.treatments)
    more = treatment.compound or course.dose or course.route or course.loading
    if phases > 1 or more or course.schedule is None or course.start_day is not None:
        raise InputError(
            "a pattern of days alone, such as qd, 5/2, q3d, once or days 0,7",
            found=repr(pattern),
            where=where,
            mend="write a regimen of several phases under regimens",
        )
    if isinstance(course.schedule, ListedDays):
        days = tuple(day + start for day in course.schedule.days)
        return replace(course, schedule=ListedDays(days=days))
    if start >= end:
        raise InputError(f"a start before day {end}, the end", found=f"day {start}", where=where)
    duration = course.duration or Duration(count=end - start, unit="days")
    return replace(course, duration=duration, start_day=start or None)


def _parsed(text: str, where: str) -> Regimen:
    """A regimen, with its place in the file where it cannot be read."""
    try:
        return parse_regimen(text)
    except InputError as err:
        place = f"{where}, {err.where}".removesuffix(", ")
        raise type(err)(err.expected, found=err.found, where=place, mend=err.mend) from err


def _check_regimen(regimen: Regimen, simulation: Simulation, horizon: float, where: str) -> None:
    """Refuse what the model does not know, what is left open, and doses that nothing sees."""
    text = str(regimen)
    if not regimen.is_complete:
        raise DataError(
            "regimens that state their " + ", ".join(regimen.missing()), found=text, where=where
        )
    compounds = {pk.compound.casefold() for pk in simulation.model.pk}
    for treatment in regimen.treatments:
        if treatment.compound is not None and treatment.compound.casefold() not in compounds:
            raise InputError(
                "a compound of the model: " + (", ".join(sorted(compounds)) or "none"),
                found=repr(treatment.compound),
                where=where,
                mend=nearest(treatment.compound.casefold(), sorted(compounds)),
            )
    days = regimen.dosing_days()
    if days[0] < 0 or days[-1] >= horizon:
        raise InputError(
            f"doses from day 0 to before day {horizon:g}, the last that an objective looks at",
            found=f"{text}, with a dose on day {days[0] if days[0] < 0 else days[-1]}",
            where=where,
        )


def _limits(
    record: _LimitsRecord, simulation: Simulation, given: Sequence[str], where: str
) -> ScheduleLimits:
    """Limits that can be applied."""
    place = f"{where} [limits]"
    weight = record.body_weight
    if weight is not None and weight.output not in simulation.model.output_names:
        raise InputError(
            "an output of the model that is a body weight",
            found=repr(weight.output),
            where=place,
            mend="without such a block leave the limit out; tolerability is then not judged",
        )
    return ScheduleLimits(
        cumulative_dose=_doses(record.cumulative_dose, given, place),
        largest_dose=_doses(record.largest_dose, given, place),
        body_weight=None if weight is None else BodyWeightLimit(**weight.model_dump()),
    )


def _doses(
    limits: dict[str, str], given: Sequence[str], place: str
) -> tuple[tuple[str, Dose], ...]:
    """Doses by compound."""
    found = []
    for compound, text in limits.items():
        _known(compound, given, place)
        regimen = _parsed(text, place)
        dose = regimen.treatments[0].courses[0].dose
        if dose is None or str(regimen) != str(dose):
            raise InputError("a dose such as 150 mg/kg", found=repr(text), where=place)
        found.append((compound.casefold(), dose))
    return tuple(found)
