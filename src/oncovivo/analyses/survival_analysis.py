"""Times to an event in the studies of one file, growth files and survival tables alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.study_analysis import (
    StudyLabel,
    check_control,
    find_control,
    for_each_study,
    label_study,
    name_as_control,
)
from oncovivo.analyses.study_input import StudyOptions, load_selection
from oncovivo.analyses.survival_comparisons import (
    arm_hazards,
    interval_tests,
    late_entry,
    mean_contrasts,
    median_contrasts,
    proportional_rows,
    rank_tests,
    reason_checks,
    time_ratios,
)
from oncovivo.analyses.survival_input import (
    choose_tables,
    control_first,
    read_table,
    take_arms,
)
from oncovivo.analyses.survival_result import (
    DEFAULT_EVENT,
    AnimalTime,
    ArmSurvival,
    CurveSteps,
    FileSurvival,
    IncidenceSteps,
    SurvivalOptions,
    SurvivalResult,
    SurvivalWarning,
)
from oncovivo.endpoints.arms import arm_curves
from oncovivo.errors import DataError, InputError
from oncovivo.provenance import seed_of
from oncovivo.studies import Study
from oncovivo.survival.bands import simultaneous_band
from oncovivo.survival.competing import cumulative_incidence
from oncovivo.survival.curves import (
    SurvivalCurve,
    SurvivalQuantile,
    survival_curve,
    survival_quantile,
)
from oncovivo.survival.events import (
    EventTime,
    SurvivalData,
    growth_events,
)
from oncovivo.survival.rmst import RestrictedMean, common_horizon, restricted_mean
from oncovivo.survival.table import is_survival_table
from oncovivo.survival.turnbull import turnbull, turnbull_median

__all__ = [
    "analyse_growth_survival",
    "analyse_survival",
    "analyse_survival_file",
    "survival_or_reason",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

# Below this many events of an arm, chi-squared and normal limits are rough.
_FEW: Final = 5
_NOT_CONSTANT: Final = 0.05
# Cluster-robust standard errors rest on many clusters.
_FEW_CLUSTERS: Final = 20


def analyse_survival(
    shown: SurvivalData,
    tested: SurvivalData,
    *,
    control: str,
    options: SurvivalOptions,
    seed: int,
    simulated: bool = False,
    final_ratio: FloatArray | None = None,
    toxic: BoolArray | None = None,
) -> SurvivalResult:
    """Curves, tests, hazard ratios, means and medians of one study.

    Parameters
    ----------
    shown : SurvivalData
        Times for curves and hazard ratios.
    tested : SurvivalData
        Times for tests, of the same animals; the same object, or with intervals.
    control : str
        Control arm.
    options : SurvivalOptions
        Limits, horizon, doses, level.
    seed : int
        Seed of relabelings and resamples.
    simulated : bool
        Whether the numbers come from a simulation.
    final_ratio, toxic : ndarray, shape (n,), optional
        Last volume over baseline, and toxic deaths, in the order of the animals; with them the
        consortium's activity is called.

    Raises
    ------
    DataError
        If there is no arm beside the control with a known time.
    InputError
        If an option does not fit the study.
    """
    order = control_first(shown, control)
    shown, tested = take_arms(shown, order), take_arms(tested, order)
    rng = np.random.default_rng(seed)
    by_interval = tested.event_time == "interval"
    curves = {name: _curve(shown, place, options) for place, name in enumerate(shown.arms)}
    tau = _horizon(shown) if options.tau is None else options.tau
    means = [_mean(shown, place, tau, options.level) for place in range(len(shown.arms))]
    warnings = _warnings(shown, tested, tau if options.tau is None else None)
    tests = (
        interval_tests(tested, options, rng=rng)
        if by_interval
        else rank_tests(tested, options, rng=rng)
    )
    proportional = proportional_rows(shown)
    medians = (
        median_contrasts(shown, level=options.level, rng=rng, final_ratio=final_ratio, toxic=toxic)
        if late_entry(shown) is None
        else ()
    )
    arms = tuple(
        _arm(shown, tested if by_interval else None, place, curves[name], means[place])
        for place, name in enumerate(shown.arms)
    )
    fits_intervals = by_interval and not (tested.upper == 0).any()
    return SurvivalResult(
        study_id=shown.study_id,
        line=shown.line,
        simulated=simulated,
        control=control,
        event_definition=shown.event_definition,
        shown_time=shown.event_time,
        tested_time=tested.event_time,
        time_unit=shown.time_unit,
        level=options.level,
        reasons=shown.reasons,
        arms=arms,
        tests=tests,
        hazards=arm_hazards(shown, level=options.level),
        proportional=proportional,
        means=mean_contrasts(shown, means),
        medians=medians,
        time_ratios=time_ratios(tested, level=options.level) if fits_intervals else (),
        distribution="weibull" if fits_intervals else None,
        sensitivity=reason_checks(shown, level=options.level),
        curves=tuple(_steps(name, curve, options.level) for name, curve in curves.items()),
        incidence=_incidence(shown, options.level) if shown.competing.any() else (),
        causes=shown.causes,
        animals=_animals(shown, tested),
        warnings=(
            *warnings,
            *_unlimited(arms, options.level),
            *(
                SurvivalWarning(
                    code="hazards_not_proportional",
                    message="the hazard ratio changes with time: restricted means compare the "
                    "arms without assuming otherwise",
                    arm=row.arm,
                )
                for row in proportional
                if row.p_value is not None and row.p_value < _NOT_CONSTANT
            ),
        ),
    )


def analyse_growth_survival(
    study: Study,
    *,
    control: str,
    options: SurvivalOptions,
    baseline_day: float | None,
    seed: int,
) -> SurvivalResult:
    """Times to an event that the readings of a study, or reasons for leaving, define.

    Raises
    ------
    DataError
        If the study cannot carry the analysis.
    InputError
        If an option does not fit the study, or belongs to survival tables.
    """
    for name, value in (
        ("cause", options.cause),
        ("strata", options.strata),
        ("only", options.only or None),
    ):
        if value is not None:
            raise InputError(
                f"a survival table for --{name}", found="growth data", where=study.study_id
            )
    if options.cluster not in (None, "cage"):
        raise InputError(
            "--cluster cage, the one that a study of growth has",
            found=repr(options.cluster),
            where=study.study_id,
        )
    event = options.event or DEFAULT_EVENT
    asked = options.event_time if event.from_growth else "visit"

    def times(event_time: EventTime) -> SurvivalData:
        found = growth_events(
            study,
            event,
            event_time=event_time,
            baseline_day=baseline_day,
            reasons=options.reasons,
        )
        return found if options.cluster == "cage" else replace(found, cluster=None)

    if options.cluster == "cage" and any(animal.cage is None for animal in study.animals):
        raise DataError(
            "the cage of each animal for --cluster cage",
            found="animals without one",
            where=f"study {study.study_id}",
        )
    shown = times("visit" if asked == "visit" else "interpolated")
    tested = shown if asked in ("visit", "interpolated") else times("interval")
    called = event.kind == "multiple" and not study.area_only
    final = _final_ratios(study, baseline_day) if called else {}
    ended = {animal.animal_id: animal.end_reason for animal in study.animals}
    return analyse_survival(
        shown,
        tested,
        control=control,
        options=options,
        seed=seed,
        simulated=study.simulated,
        final_ratio=np.array([final.get(name, math.nan) for name in shown.animal_ids])
        if called
        else None,
        toxic=np.array([ended[name] == "toxicity" for name in shown.animal_ids])
        if called
        else None,
    )


def survival_or_reason(
    study: Study,
    *,
    control: str,
    options: SurvivalOptions,
    baseline_day: float | None,
    seed: int,
) -> tuple[SurvivalResult | None, str]:
    """The analysis of a study, or why it cannot carry one."""
    try:
        result = analyse_growth_survival(
            study, control=control, options=options, baseline_day=baseline_day, seed=seed
        )
    except (DataError, InputError) as err:
        return None, str(err)
    return result, ""


def analyse_survival_file(
    path: Path,
    *,
    reading: StudyOptions | None = None,
    options: SurvivalOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileSurvival:
    """Every study of a growth file or survival table, analysed with one control arm.

    Parameters
    ----------
    path : Path
        A study file or folder, or a survival table.
    reading : StudyOptions, optional
        How a growth file is read, and which studies, lines and arms are taken.
    options : SurvivalOptions, optional
        The event and its analysis.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    InputError
        If no control is named, or no study has it; the arms are listed and one is suggested.
    DataError
        If no study can carry the analysis.
    FileFormatError
        If the file cannot be read.
    """
    reading, options = reading or StudyOptions(), options or SurvivalOptions()
    progress("reading")
    source = input_digest(path)
    seed = seed_of(source.sha256) if options.seed is None else options.seed
    if path.is_file() and is_survival_table(path):
        tables = choose_tables(read_table(path, options), reading)
        names = list(dict.fromkeys(arm for data in tables for arm in data.arms))
        control = check_control(names, options.control, name_as_control(names))

        def of_table(data: SurvivalData) -> SurvivalResult:
            return analyse_survival(data, data, control=control, options=options, seed=seed)

        results = for_each_study(
            tables,
            control,
            of_table,
            label=lambda data: StudyLabel(data.study_id, data.line or "", data.arms),
            progress=progress,
        )
    else:
        studies = load_selection(path, reading).studies
        control = find_control(studies, options.control)

        def of_growth(study: Study) -> SurvivalResult:
            return analyse_growth_survival(
                study,
                control=control,
                options=options,
                baseline_day=reading.baseline_day,
                seed=seed,
            )

        results = for_each_study(studies, control, of_growth, label=label_study, progress=progress)
    return FileSurvival(
        source=source, reading=reading, options=options, seed=seed, studies=results
    )


def _curve(data: SurvivalData, place: int, options: SurvivalOptions) -> SurvivalCurve:
    """Kaplan-Meier curve of an arm; competing events end the observation."""
    here = data.arm == place
    entry = late_entry(data)
    return survival_curve(
        data.time[here],
        data.event[here],
        entry=None if entry is None else entry[here],
        level=options.level,
        method=options.interval,
    )


def _horizon(data: SurvivalData) -> float:
    """The horizon of restricted means: the latest time up to which every curve is known."""
    return common_horizon(data.time, data.event, data.arm)


def _mean(data: SurvivalData, place: int, tau: float, level: float) -> RestrictedMean:
    """Restricted mean of an arm; unknown where no time has passed."""
    here = data.arm == place
    if tau == 0:
        return RestrictedMean(
            tau=0.0,
            n=int(here.sum()),
            n_events=0,
            estimate=None,
            std_error=None,
            lower=None,
            upper=None,
            level=level,
            status="beyond_follow_up",
        )
    entry = late_entry(data)
    return restricted_mean(
        data.time[here],
        data.event[here],
        tau=tau,
        entry=None if entry is None else entry[here],
        level=level,
    )


def _arm(
    data: SurvivalData,
    intervals: SurvivalData | None,
    place: int,
    curve: SurvivalCurve,
    mean: RestrictedMean,
) -> ArmSurvival:
    """An arm alone."""
    counts = data.counts()[data.arms[place]]
    median: SurvivalQuantile = survival_quantile(curve)
    between = None
    if intervals is not None:
        here = intervals.arm == place
        between = turnbull_median(turnbull(intervals.lower[here], intervals.upper[here]))
    reached = median.estimate is not None
    return ArmSurvival(
        arm=data.arms[place],
        n=counts["n"],
        events=counts["events"],
        competing=counts["competing"],
        censored=counts["censored"],
        median=median.estimate,
        median_lower=median.lower,
        median_upper=median.upper,
        greater_than=median.greater_than,
        limits=curve.method,
        status="ok" if reached else "not_reached",
        reason="" if reached else "more than half of the animals were without event at the end",
        interval_median=between,
        tau=mean.tau,
        rmst=mean.estimate,
        rmst_lower=mean.lower,
        rmst_upper=mean.upper,
        rmst_status=mean.status,
    )


def _steps(arm: str, curve: SurvivalCurve, level: float) -> CurveSteps:
    """A curve with its band, in plain values."""
    band = simultaneous_band(curve, kind="hall_wellner", level=level)
    return CurveSteps(
        arm=arm,
        n=curve.n,
        n_events=curve.n_events,
        time=_numbers(curve.time),
        at_risk=_numbers(curve.at_risk),
        events=_numbers(curve.events),
        censored=_numbers(curve.censored),
        survival=_numbers(curve.survival),
        std_error=_optional(curve.std_error),
        lower=_optional(curve.lower),
        upper=_optional(curve.upper),
        start_lower=curve.start_lower,
        level=curve.level,
        method=curve.method,
        early_zero=curve.early_zero,
        band_time=_numbers(band.time),
        band_lower=_optional(band.lower),
        band_upper=_optional(band.upper),
        band_reason=band.reason,
    )


def _incidence(data: SurvivalData, level: float) -> tuple[IncidenceSteps, ...]:
    """Cumulative incidence of each cause in each arm."""
    entry = late_entry(data)
    rows = []
    for place, arm in enumerate(data.arms):
        here = data.arm == place
        found = cumulative_incidence(
            data.time[here],
            data.cause[here],
            causes=data.causes,
            entry=None if entry is None else entry[here],
            level=level,
        )
        rows.append(
            IncidenceSteps(
                arm=arm,
                n=found.n,
                causes=found.causes,
                n_events=found.n_events,
                time=_numbers(found.time),
                at_risk=_numbers(found.at_risk),
                survival=_numbers(found.survival),
                incidence=tuple(_numbers(row) for row in found.incidence),
                std_error=tuple(_numbers(row) for row in found.std_error),
                lower=tuple(_optional(row) for row in found.lower),
                upper=tuple(_optional(row) for row in found.upper),
                level=level,
            )
        )
    return tuple(rows)


def _animals(shown: SurvivalData, tested: SurvivalData) -> tuple[AnimalTime, ...]:
    """What is known of each animal: the time for curves, the interval for tests."""
    return tuple(
        AnimalTime(
            animal_id=name,
            arm=shown.arms[shown.arm[i]],
            entry=float(shown.entry[i]),
            time=float(shown.time[i]),
            lower=float(tested.lower[i]),
            upper=float(tested.upper[i]) if np.isfinite(tested.upper[i]) else None,
            event=bool(shown.event[i]),
            cause=shown.causes[shown.cause[i] - 1] if shown.cause[i] else None,
            ended=None if shown.ended is None else shown.ended[i],
            stratum=None if shown.strata is None else shown.strata[i],
            cluster=None if shown.cluster is None else shown.cluster[i],
        )
        for i, name in enumerate(shown.animal_ids)
    )


def _warnings(
    shown: SurvivalData, tested: SurvivalData, tau: float | None
) -> tuple[SurvivalWarning, ...]:
    """What to know before the numbers are read."""
    found = [SurvivalWarning(code="data", message=note) for note in shown.notes]
    if not shown.event.any():
        found.append(
            SurvivalWarning(code="no_event", message="no animal had the event: nothing to compare")
        )
    for arm, counts in shown.counts().items():
        if counts["events"] == 0 and shown.event.any():
            message = "no animal of the arm had the event: its hazard ratio is Firth's"
            found.append(SurvivalWarning(code="arm_without_event", message=message, arm=arm))
        elif 0 < counts["events"] < _FEW:
            noun = "event" if counts["events"] == 1 else "events"
            message = (
                f"{counts['events']} {noun}: chi-squared p-values and normal limits are rough, "
                "those by relabeling are not"
            )
            found.append(SurvivalWarning(code="few_events", message=message, arm=arm))
    if tau is not None and tau == 0:
        message = "an arm was not observed beyond time 0: no restricted means"
        found.append(SurvivalWarning(code="no_follow_up", message=message))
    if tested.event_time == "interval" and (tested.upper == 0).any():
        message = (
            "an animal is at the target on the baseline day: no time ratios, which need times "
            "above 0"
        )
        found.append(SurvivalWarning(code="event_at_baseline", message=message))
    clusters = None if shown.cluster is None else len(set(shown.cluster))
    if clusters is not None and clusters < _FEW_CLUSTERS:
        message = f"{clusters} cages or litters are few: cluster-robust limits come out too narrow"
        found.append(SurvivalWarning(code="few_clusters", message=message))
    if late_entry(shown) is not None:
        message = (
            "animals came late under observation: no relabeling, and no limits of the ratio of "
            "medians, which would need all from time 0"
        )
        found.append(SurvivalWarning(code="late_entry", message=message))
    return tuple(found)


def _unlimited(arms: tuple[ArmSurvival, ...], level: float) -> tuple[SurvivalWarning, ...]:
    """Arms with too few animals for exact limits of the median at this level."""
    return tuple(
        SurvivalWarning(
            code="median_without_limits",
            message=f"{arm.n} animals cannot give {level:.0%} limits of a median: from 0 to "
            "not reached",
            arm=arm.arm,
        )
        for arm in arms
        if arm.limits == "betaproduct" and 2 * 0.5**arm.n > 1 - level
    )


def _final_ratios(study: Study, baseline_day: float | None) -> dict[str, float]:
    """Last volume over baseline by animal."""
    start = study.find_baseline_day(baseline_day).day
    found: dict[str, float] = {}
    for arm in arm_curves(study, baseline_day=start).values():
        window = arm.window()
        last = np.where(window, arm.day, -np.inf).argmax(axis=1)
        for i, name in enumerate(arm.animal_ids):
            if window[i].any():
                found[name] = float(arm.size[i, last[i]] / arm.baseline[i])
    return found


def _numbers(values: FloatArray) -> tuple[float, ...]:
    """Numbers as they are."""
    return tuple(float(value) for value in values)


def _optional(values: FloatArray) -> tuple[float | None, ...]:
    """Numbers with None for nan."""
    return tuple(None if math.isnan(value) else float(value) for value in values)
