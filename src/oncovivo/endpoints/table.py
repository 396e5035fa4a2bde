"""Every endpoint of a study in one table: number, interval, n, and why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from oncovivo.endpoints.arms import ArmCurves, arm_curves
from oncovivo.endpoints.auc import area_growth_rates, normalized_areas, trapezoid_areas
from oncovivo.endpoints.comparison import NO_DAY, Comparison, EndpointOptions
from oncovivo.endpoints.days import DayChoice, choose_day, has_enough, last_rate_day
from oncovivo.endpoints.definitions import find_definition
from oncovivo.endpoints.delay import Target, event_times
from oncovivo.endpoints.estimate import EndpointEstimate, finite
from oncovivo.endpoints.growth import GrowthKind, animal_rates, growth_kind
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.relative import best_changes
from oncovivo.endpoints.vardi import VardiTest
from oncovivo.errors import DataError, InputError
from oncovivo.studies import BaselineDay, Study
from oncovivo.studies.leaving import NumberAtRisk, number_at_risk

__all__ = ["AnimalEndpoints", "AnimalEvent", "EndpointTable", "compute_endpoints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalEvent:
    """When one animal reached one target, days since its baseline.

    Parameters
    ----------
    target : str
        ``4x`` or ``1000mm3``.
    reached : bool
        Whether it did.
    time : float or None
        Interpolated time; the last reading where it was not reached; None without a baseline.
    lower, upper : float or None
        Last day seen below the target and first day seen at or above it; no `upper` where it was
        not reached.
    """

    target: str
    reached: bool
    time: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalEndpoints:
    """Endpoints of one animal; None where it lacks the readings.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    baseline : float or None
        mm³ at its baseline day (mm² where only areas were measured).
    n_readings : int
        Readings from its baseline through the table's last day of rates.
    growth_rate, growth_rate_se : float or None
        Slope of log size on day and its standard error, natural log per day.
    growth : GrowthKind or None
        ``growing``, ``shrinking`` or ``none``.
    doubling_time : float or None
        Days; only where growing.
    auc, normalized_auc : float or None
        mm³·day and mm³, over its own follow-up through the table's last day of rates.
    egr : float or None
        Growth rate from the area on the log scale, natural log per day.
    best_change_pct, best_change_day : float or None
        Smallest change from baseline and its first study day.
    events : tuple of AnimalEvent
        One for each target.
    """

    animal_id: str
    arm: str
    baseline: float | None
    n_readings: int
    growth_rate: float | None
    growth_rate_se: float | None
    growth: GrowthKind | None
    doubling_time: float | None
    auc: float | None
    normalized_auc: float | None
    egr: float | None
    best_change_pct: float | None
    best_change_day: float | None
    events: tuple[AnimalEvent, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTable:
    """All endpoints of a study.

    Parameters
    ----------
    study_id : str
        The study.
    simulated : bool
        Whether the numbers come from a simulation.
    control : str
        Name of the control arm.
    baseline : BaselineDay
        The day that changes refer to, and who chose it.
    day_choice : DayChoice
        The day of fixed-day endpoints, how it was chosen, and who is left on it.
    at_risk : NumberAtRisk
        Who is left of every arm on every day on which an animal was measured.
    rates_through : float
        Last study day that rates and normalized areas see.
    arms : tuple of str
        Arms with animals, in the order of the study.
    level : float
        Confidence of every interval.
    endpoints : tuple of EndpointEstimate
        Arm by arm, in the order of :data:`oncovivo.endpoints.ENDPOINTS`.
    tests : tuple of VardiTest
        Permutation test of areas for each treated arm that allows it.
    animals : tuple of AnimalEndpoints
        One for each animal.
    notes : tuple of str
        What holds for the study as a whole.
    """

    study_id: str
    simulated: bool
    control: str
    baseline: BaselineDay
    day_choice: DayChoice
    at_risk: NumberAtRisk
    rates_through: float
    arms: tuple[str, ...]
    level: float
    endpoints: tuple[EndpointEstimate, ...]
    tests: tuple[VardiTest, ...]
    animals: tuple[AnimalEndpoints, ...]
    notes: tuple[str, ...]

    def of(self, arm: str, endpoint: str) -> EndpointEstimate:
        """One endpoint of one arm.

        Raises
        ------
        InputError
            If the table has no such arm or endpoint.
        """
        for row in self.endpoints:
            if (row.arm, row.endpoint) == (arm, endpoint):
                return row
        expected = f"an arm and an endpoint of the table; arms: {', '.join(self.arms)}"
        raise InputError(expected, found=f"'{arm}', '{endpoint}'")

    def to_frame(self) -> pd.DataFrame:
        """Endpoints as a tidy table; a number that does not exist is missing, with its reason."""
        rows = [
            {**row.to_dict(), "unit": find_definition(row.endpoint).unit} for row in self.endpoints
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """The table for JSON."""
        return {
            "study": self.study_id,
            "simulated": self.simulated,
            "control": self.control,
            "baseline_day": self.baseline.day,
            "baseline": asdict(self.baseline),
            "day": self.day_choice.day,
            "day_choice": asdict(self.day_choice),
            "at_risk": [asdict(row) for row in self.at_risk.rows],
            "rates_through": self.rates_through,
            "arms": list(self.arms),
            "level": self.level,
            "endpoints": [
                {**row.to_dict(), "unit": find_definition(row.endpoint).unit}
                for row in self.endpoints
            ],
            "tests": [test.to_dict() for test in self.tests],
            "animals": [animal.to_dict() for animal in self.animals],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """The study in a line: arms, control, baseline, day."""
        simulated = "simulated data; " if self.simulated else ""
        return (
            f"{self.study_id}: {simulated}{len(self.arms)} arms, control '{self.control}', "
            f"baseline {self.baseline}, endpoints on {self.day_choice}"
        )


def compute_endpoints(
    study: Study,
    *,
    control: str,
    day: float | None = None,
    baseline_day: float | None = None,
    level: float = 0.95,
    rng: np.random.Generator,
    options: EndpointOptions | None = None,
) -> EndpointTable:
    """Every endpoint of every arm, under its own name, with interval, n, status and reason.

    Rates and normalized areas see the readings from the baseline through the day named, else
    through the last day on which half of the control was followed, also of animals that left
    before; endpoints of the day see the animals measured on it; times to a target and the best
    change see the whole follow-up.

    Parameters
    ----------
    study : Study
        Volumes, or areas: then only the growth rates on the log scale and what follows from them.
    control : str
        Name of the control arm.
    day : float, optional
        Study day of the fixed-day endpoints; without it the last day on which at least 80 % and 3
        of the animals of every arm were measured.
    baseline_day : float, optional
        Study day; see :meth:`Study.find_baseline_day`.
    level : float
        Confidence, between 0.5 and 1.
    rng : numpy.random.Generator
        Source of randomness; one number is drawn from it and every resampling starts there.
    options : EndpointOptions, optional
        Targets, treatment days, draws.

    Raises
    ------
    InputError
        If the control is not an arm of the study, or the level is no confidence.
    DataError
        If the control has no animal, there is no usable baseline day, or no reading on the day
        named.

    Examples
    --------
    >>> import pandas as pd
    >>> from oncovivo.studies import Study
    >>> animals = {"c1": 0.10, "c2": 0.12, "c3": 0.11, "t1": 0.06, "t2": 0.07, "t3": 0.05}
    >>> study = Study.from_frame(
    ...     pd.DataFrame(
    ...         [
    ...             (name, "vehicle" if name[0] == "c" else "drug", day, 150 * np.exp(rate * day))
    ...             for name, rate in animals.items()
    ...             for day in (0, 7, 14, 21)
    ...         ],
    ...         columns=["animal_id", "treatment", "day", "volume_mm3"],
    ...     )
    ... )
    >>> table = compute_endpoints(study, control="vehicle", rng=np.random.default_rng(1))
    >>> tgi = table.of("drug", "tgi_delta")
    >>> tgi.day, round(tgi.estimate, 3), tgi.method
    (21.0, 0.721, 'fieller')
    """
    options = options or EndpointOptions()
    if not 0.5 <= level < 1:
        expected = "a level of confidence from 0.5 to below 1"
        raise InputError(expected, found=repr(level))
    study.animals_of(control)
    baseline = study.find_baseline_day(baseline_day)
    every = arm_curves(study, baseline_day=baseline.day)
    curves = {name: arm for name, arm in every.items() if arm.n}
    if control not in curves:
        expected = "animals in the control arm"
        raise DataError(expected, found="none", where=f"study {study.study_id}, arm {control}")
    choice = choose_day(tuple(curves.values()), baseline_day=baseline.day, day=day)
    through = last_rate_day(curves[control], choice)
    settings = IntervalSettings(
        level=level, draws=options.draws, seed=int(rng.integers(2**63, dtype=np.int64))
    )
    arms = {arm.name: arm for arm in study.arms}
    rows: list[EndpointEstimate] = []
    tests: list[VardiTest] = []
    for name, curve in curves.items():
        case = Comparison(
            treated=curve,
            control=curves[control],
            arm=arms[name],
            day=choice.day,
            rates_through=through,
            baseline_day=baseline.day,
            settings=settings,
            options=options,
            area_only=study.area_only,
        )
        rows += case.arm_rows()
        if name != control:
            rows += case.contrast_rows()
            tests += case.tests()
    return EndpointTable(
        study_id=study.study_id,
        simulated=study.simulated,
        control=control,
        baseline=baseline,
        day_choice=choice,
        at_risk=number_at_risk(study),
        rates_through=through,
        arms=tuple(curves),
        level=level,
        endpoints=tuple(rows),
        tests=tuple(tests),
        animals=tuple(
            animal
            for curve in curves.values()
            for animal in _animals(curve, through, options.targets(), area_only=study.area_only)
        ),
        notes=(*study.notes, *_notes(every, choice, study, control)),
    )


def _animals(
    arm: ArmCurves, last_day: float, targets: Sequence[Target], *, area_only: bool
) -> Iterator[AnimalEndpoints]:
    """Endpoints of the animals of an arm; of areas only the rates on the log scale."""
    rates = animal_rates(arm, last_day=last_day)
    use = arm.window(last_day) & ~np.isnan(arm.baseline)[:, None]
    areas = trapezoid_areas(arm.elapsed, arm.size, use)
    normalized = normalized_areas(arm.elapsed, arm.size, use)
    egr = area_growth_rates(arm.elapsed, arm.log_size, use)
    change, change_day = best_changes(arm)
    times = [(str(target), event_times(arm, target)) for target in targets if not area_only]
    for row, animal_id in enumerate(arm.animal_ids):
        rate = finite(rates.rate[row])
        kind = None if rate is None else growth_kind(rate)
        yield AnimalEndpoints(
            animal_id=animal_id,
            arm=arm.arm,
            baseline=finite(arm.baseline[row]),
            n_readings=int(rates.n_readings[row]),
            growth_rate=rate,
            growth_rate_se=finite(rates.std_error[row]),
            growth=kind,
            doubling_time=math.log(2) / rate
            if rate is not None and kind == "growing" and not area_only
            else None,
            auc=None if area_only else finite(areas[row]),
            normalized_auc=None if area_only else finite(normalized[row]),
            egr=finite(egr[row]),
            best_change_pct=None if area_only else finite(change[row]),
            best_change_day=None if area_only else finite(change_day[row]),
            events=tuple(
                AnimalEvent(
                    target=name,
                    reached=bool(time.reached[row]),
                    time=finite(time.time[row]),
                    lower=finite(time.lower[row]),
                    upper=finite(time.upper[row]),
                )
                for name, time in times
            ),
        )


def _notes(
    curves: Mapping[str, ArmCurves], choice: DayChoice, study: Study, control: str
) -> Iterator[str]:
    """What holds for the study as a whole."""
    for name, arm in curves.items():
        if arm.n == 0:
            yield f"Arm '{name}' has no animals and is left out."
    if study.exclusions:
        who = "; ".join(f"{e.animal.animal_id} ({e.reason})" for e in study.exclusions)
        yield f"Excluded from every endpoint: {who}."
    if choice.day is None:
        short = ", ".join(
            f"'{share.arm}' {share.n_measured} of {share.n_enrolled}" for share in choice.shares
        )
        yield f"{NO_DAY}; on the last day: {short}."
    if choice.rule == "last day with enough animals" and choice.day is not None:
        yield from _limiting_arms(curves, choice.day, control)
    lifted = sum(int(arm.lifted.sum()) for arm in curves.values())
    if lifted and not study.area_only and study.limit_mm3 is None:
        limit = next(iter(curves.values())).limit
        yield (
            f"{lifted} readings are gone or below the limit, and no limit is stated: on the log "
            f"scale they count with {limit:.3g} mm³."
        )


def _limiting_arms(curves: Mapping[str, ArmCurves], day: float, control: str) -> Iterator[str]:
    """Arms for whose sake the day is earlier than the control would allow."""
    later = [float(other) for other in curves[control].days() if other > day]
    allowed = [other for other in later if has_enough(curves[control], other)]
    if not allowed:
        return
    last = allowed[-1]
    short = [
        f"'{arm.arm}' ({int(arm.measured_at(last).sum())} of {arm.n})"
        for arm in curves.values()
        if arm.n and not has_enough(arm, last)
    ]
    yield (
        f"Day {day:g} was chosen because later days lack animals; on day {last:g}, where the "
        f"control has enough, too few were measured of {', '.join(short)}: name the day or leave "
        "arms out."
    )
