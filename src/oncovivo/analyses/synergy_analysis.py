"""A combination in the studies of one file: null models on growth and on events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

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
from oncovivo.analyses.survival_input import choose_tables, read_table
from oncovivo.analyses.survival_result import DEFAULT_EVENT, SurvivalOptions
from oncovivo.analyses.synergy_designs import analyse_addition, analyse_grid
from oncovivo.analyses.synergy_fit import animals_by_arm, compared_sequences, fit_arms, once
from oncovivo.analyses.synergy_result import FileSynergy, SynergyAnalysis, SynergyOptions
from oncovivo.combination.area_bootstrap import AreaIndex, area_index
from oncovivo.combination.bands import IndexBand, index_band
from oncovivo.combination.doses import DoseCheck, check_doses
from oncovivo.combination.event_nulls import event_bliss, event_hsa
from oncovivo.combination.event_question import EventScale
from oncovivo.combination.factorial import Interaction, factorial_interactions
from oncovivo.combination.foreseen import ObservedExpected, observed_expected
from oncovivo.combination.nulls import NULLS, Sensitivity, compare_nulls, sensitivity
from oncovivo.combination.quantities import GROWTH_SCALES
from oncovivo.combination.response_additivity import (
    AdditivityBootstrap,
    response_additivity_bootstrap,
)
from oncovivo.combination.result import Null, Scale, SynergyResult
from oncovivo.combination.roles import CombinationArms, combination_arms
from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import growth_data
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.growth.model import GrowthModel
from oncovivo.provenance import seed_of
from oncovivo.studies import Study
from oncovivo.survival.events import SurvivalData, growth_events
from oncovivo.survival.table import is_survival_table

__all__ = ["analyse_survival_synergy", "analyse_synergy", "analyse_synergy_file"]

_EVENT_SCALES: Final[dict[Scale, EventScale]] = {
    "hazard": "hazard",
    "median_survival": "median_survival",
}


def analyse_synergy(
    study: Study, *, control: str, options: SynergyOptions, baseline_day: float | None, seed: int
) -> SynergyAnalysis:
    """A combination of one study against the null models.

    Only the arms that have a role enter the fit, so that arms that nobody asks about change
    nothing.

    Parameters
    ----------
    study : Study
        The study.
    control : str
        Arm without any partner.
    options : SynergyOptions
        Roles, null models, scales, model.
    baseline_day : float, optional
        Study day on which the clock starts; else as the study has it.
    seed : int
        Seed of what is drawn.

    Raises
    ------
    DataError
        If the study cannot carry the model, or the combination gives other doses than the arms of
        its partners and that is refused.
    InputError
        If a role is missing or an option does not fit the study.
    """
    if options.grid:
        return analyse_grid(study, control=control, options=options, baseline_day=baseline_day)
    if options.addition is not None or options.added:
        return analyse_addition(study, control=control, options=options, baseline_day=baseline_day)
    arms = _arms([arm.name for arm in study.arms], control, options)
    checked = check_doses(study.arms, arms, unequal=options.doses)
    growth_scales = tuple(scale for scale in _scales(options) if scale in GROWTH_SCALES)
    event_scales = _event_scales(_scales(options))
    fit = fit_arms(study, arms.arms, options, baseline_day) if growth_scales else None
    results: tuple[SynergyResult, ...] = ()
    if fit is not None:
        results = compare_nulls(
            fit,
            arms,
            nulls=_nulls(options),
            scales=growth_scales,
            day=options.day,
            level=options.level,
        )
    warnings = list(_dose_warnings(checked))
    counts = {} if fit is None else animals_by_arm(fit)
    event = ""
    if event_scales:
        found, event, event_counts, said = _events(
            study, arms, event_scales, options, baseline_day, seed, needed=fit is None
        )
        if options.scales and options.scales[0] in _EVENT_SCALES:
            # The sentence speaks of the first result, with its animals.
            results, counts = (*found, *results), event_counts or counts
        else:
            results, counts = (*results, *found), counts or event_counts
        warnings += said
    return SynergyAnalysis(
        study_id=study.study_id,
        line=study.line.name,
        simulated=study.simulated,
        arms=arms,
        level=options.level,
        model=None if fit is None else fit.model,
        n_by_arm=counts,
        n_observations=0 if fit is None else fit.n_observations,
        n_censored=0 if fit is None else fit.n_censored,
        log_likelihood=None if fit is None else fit.log_likelihood,
        likelihood=None if fit is None else fit.likelihood,
        singular=None if fit is None else fit.singular,
        converged=None if fit is None else fit.converged,
        results=results,
        bands=() if fit is None else _bands(fit, arms, options),
        observed=() if fit is None else _observed(study, fit, arms, options, baseline_day),
        interactions=() if fit is None else _interactions(fit, arms, options),
        sensitivity=() if fit is None else _sensitivity(fit, arms, options, growth_scales),
        areas=() if fit is None else _areas(fit, arms, options, seed),
        additivity=() if fit is None else _additivity(fit, arms, options, seed),
        doses=checked if any(arm.regimens for arm in study.arms) else None,
        sequences=() if fit is None else compared_sequences(study, fit, options),
        surfaces=(),
        addition=None,
        event=event,
        variance=None if fit is None else fit.variance,
        warnings=once((*warnings, *(w for result in results for w in result.warnings))),
    )


def analyse_survival_synergy(
    data: SurvivalData, *, control: str, options: SynergyOptions, seed: int
) -> SynergyAnalysis:
    """A combination of one survival table against the null models of events.

    Raises
    ------
    InputError
        If a role is missing, or an option asks for growth.
    """
    where = data.study_id
    for flag, given in (
        ("grid", options.grid),
        ("addition", options.addition is not None),
        ("added", bool(options.added)),
        ("day", options.day is not None),
        ("bootstrap", options.bootstrap is not None),
        ("below-limit", options.below_limit != "censored"),
        ("doses", options.doses != "refuse"),
    ):
        if given:
            raise InputError(f"growth data for --{flag}", found="a survival table", where=where)
    if options.model != GrowthModel():
        raise InputError(
            "growth data for the options of a growth model", found="a survival table", where=where
        )
    wanted: tuple[Scale, ...] = options.scales or tuple(_EVENT_SCALES)
    scales = _event_scales(wanted)
    if len(scales) < len(wanted):
        raise InputError(
            "scales of events for a survival table: " + ", ".join(_EVENT_SCALES),
            found=", ".join(wanted),
            where=where,
        )
    arms = _arms(data.arms, control, options)
    nulls = _event_nulls(options, needed=True)
    results = _event_results(data, arms, nulls, scales, options.level, seed)
    return SynergyAnalysis(
        study_id=data.study_id,
        line=data.line or "",
        simulated=False,
        arms=arms,
        level=options.level,
        model=None,
        n_by_arm=_event_counts(data, arms),
        n_observations=0,
        n_censored=0,
        log_likelihood=None,
        likelihood=None,
        singular=None,
        converged=None,
        results=results,
        bands=(),
        observed=(),
        interactions=(),
        sensitivity=(),
        areas=(),
        additivity=(),
        doses=None,
        sequences=(),
        surfaces=(),
        addition=None,
        event=data.event_definition,
        variance=None,
        warnings=once((*_data_warnings(data), *(w for r in results for w in r.warnings))),
    )


def analyse_synergy_file(
    path: Path,
    *,
    reading: StudyOptions | None = None,
    options: SynergyOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileSynergy:
    """A combination in every study × line of a growth file or survival table.

    A study that lacks one of the arms, or cannot carry the model, is skipped with its reason.

    Raises
    ------
    InputError
        If a role is missing, or no study has the arms.
    DataError
        If no study can carry the model.
    FileFormatError
        If the file cannot be read.
    """
    reading, options = reading or StudyOptions(), options or SynergyOptions()
    progress("reading")
    source = input_digest(path)
    seed = seed_of(source.sha256) if options.seed is None else options.seed
    refusals = (DataError, InputError)
    if path.is_file() and is_survival_table(path):
        tables = choose_tables(
            read_table(
                path,
                SurvivalOptions(
                    event=options.event, event_time=options.event_time, cause=options.cause
                ),
            ),
            reading,
        )
        names = list(dict.fromkeys(arm for data in tables for arm in data.arms))
        control = check_control(names, options.control, name_as_control(names))

        def of_table(data: SurvivalData) -> SynergyAnalysis:
            return analyse_survival_synergy(data, control=control, options=options, seed=seed)

        results = for_each_study(
            tables,
            control,
            of_table,
            label=lambda data: StudyLabel(data.study_id, data.line or "", data.arms),
            refusals=refusals,
            progress=progress,
        )
    else:
        _check_growth_options(options)
        studies = load_selection(path, reading).studies
        control = find_control(studies, options.control)

        def of_growth(study: Study) -> SynergyAnalysis:
            return analyse_synergy(
                study,
                control=control,
                options=options,
                baseline_day=reading.baseline_day,
                seed=seed,
            )

        results = for_each_study(
            studies,
            control,
            of_growth,
            label=label_study,
            refusals=refusals,
            progress=progress,
        )
    return FileSynergy(source=source, reading=reading, options=options, seed=seed, studies=results)


def _arms(known: Sequence[str], control: str, options: SynergyOptions) -> CombinationArms:
    """Roles, each of them named and an arm of the study."""
    listed = "the arms are: " + ", ".join(known)
    combination = options.combination
    for letter, name in (("a", options.a), ("b", options.b)):
        if name is None:
            raise InputError(
                "the name of the arm of a partner alone",
                found="none",
                where=f"--{letter}",
                mend=listed,
            )
    if combination is None:
        raise InputError(
            "the name of the arm of all partners together",
            found="none",
            where="--combination",
            mend=listed,
        )
    partners = [name for name in (options.a, options.b, options.c) if name is not None]
    letters = dict(zip("abc", partners, strict=False))
    pairs = {}
    for key, arm in options.pairs.items():
        if any(letter not in letters for letter in key):
            raise InputError(
                "three partners for the arm of a pair",
                found=f"{len(partners)} partners",
                where=f"--{key}",
                mend="name the third with --c",
            )
        pairs[letters[key[0]], letters[key[1]]] = arm
    return combination_arms(
        known,
        control=control,
        partners=partners,
        combination=combination,
        pairs=pairs,
    )


def _scales(options: SynergyOptions) -> tuple[Scale, ...]:
    return options.scales or (*GROWTH_SCALES, *_EVENT_SCALES)


def _event_scales(scales: Sequence[Scale]) -> tuple[EventScale, ...]:
    """The scales of events among some, in their order."""
    return tuple(_EVENT_SCALES[scale] for scale in scales if scale in _EVENT_SCALES)


def _check_growth_options(options: SynergyOptions) -> None:
    """Refuse what growth curves, or the scales that were asked for, would leave unused.

    Raises
    ------
    InputError
        If there is any.
    """
    if options.cause is not None:
        raise InputError(
            "a survival table for --cause",
            found="growth data",
            where="--cause",
            mend="leave it out; --event chooses an event of growth",
        )
    if options.grid or options.addition is not None or options.added:
        return
    scales = _scales(options)
    growth = [scale for scale in scales if scale in GROWTH_SCALES]
    unused = [
        *(("day", "bootstrap") if not growth else ()),
        *(("event", "event_time") if len(growth) == len(scales) else ()),
    ]
    for name in unused:
        if getattr(options, name) is not None:
            kind = "events" if growth else "growth"
            raise InputError(
                f"a scale of {kind} for --{name.replace('_', '-')}",
                found=", ".join(scales),
                where="--scale",
            )


def _nulls(options: SynergyOptions) -> tuple[Null, ...]:
    return options.nulls or NULLS


def _event_nulls(options: SynergyOptions, *, needed: bool) -> tuple[Null, ...]:
    """Null models that times to an event have.

    Raises
    ------
    InputError
        If none of those asked for has one, or one has none that no other scale answers.
    """
    found = tuple(null for null in _nulls(options) if null != "response_additivity")
    if not found or (needed and "response_additivity" in options.nulls):
        raise InputError(
            "bliss or hsa for times to an event",
            found="response_additivity",
            where="--null",
            mend="effects on sizes add up, hazards and times do not",
        )
    return found


def _bands(
    fit: GrowthFit, arms: CombinationArms, options: SynergyOptions
) -> tuple[IndexBand, ...]:
    """The index over the days, each null model, the whole combination and each pair."""
    return tuple(
        index_band(fit, question, null=null, level=options.level)
        for question in arms.questions
        for null in _nulls(options)
    )


def _observed(
    study: Study,
    fit: GrowthFit,
    arms: CombinationArms,
    options: SynergyOptions,
    baseline_day: float | None,
) -> tuple[ObservedExpected, ...]:
    """Curves observed and foreseen, with all readings, those below the limit too."""
    data = growth_data(study, baseline_day=baseline_day)
    return tuple(
        observed_expected(fit, question, nulls=_nulls(options), data=data, level=options.level)
        for question in arms.questions
    )


def _interactions(
    fit: GrowthFit, arms: CombinationArms, options: SynergyOptions
) -> tuple[Interaction, ...]:
    """The factorial reading; none where the arms are no full factorial or one has no rate."""
    full = len(arms.partners) == 2 or len(arms.pairs) == len(arms.partners)
    if not full or fit.arms_without_rate & set(arms.arms):
        return ()
    return factorial_interactions(fit, arms, day=options.day, level=options.level)


def _sensitivity(
    fit: GrowthFit, arms: CombinationArms, options: SynergyOptions, scales: tuple[Scale, ...]
) -> tuple[Sensitivity, ...]:
    """The same with cluster-robust errors; none where they cannot be had."""
    if fit.n_censored or fit.model.df == "cr2" or fit.arms_without_rate:
        return ()
    return sensitivity(
        fit,
        arms,
        nulls=_nulls(options),
        scales=scales,
        day=options.day,
        level=options.level,
    )


def _areas(
    fit: GrowthFit, arms: CombinationArms, options: SynergyOptions, seed: int
) -> tuple[AreaIndex, ...]:
    if options.bootstrap is None:
        return ()
    return area_index(
        fit.data,
        arms,
        rng=np.random.default_rng(seed),
        nulls=_nulls(options),
        day=options.day,
        level=options.level,
        draws=options.bootstrap,
    )


def _additivity(
    fit: GrowthFit, arms: CombinationArms, options: SynergyOptions, seed: int
) -> tuple[AdditivityBootstrap, ...]:
    if options.bootstrap is None or "response_additivity" not in _nulls(options):
        return ()
    if fit.arms_without_rate & set(arms.arms):
        return ()
    return tuple(
        response_additivity_bootstrap(
            fit,
            question,
            rng=np.random.default_rng(seed),
            draws=options.bootstrap,
            day=options.day,
            level=options.level,
        )
        for question in arms.questions
    )


def _events(
    study: Study,
    arms: CombinationArms,
    scales: tuple[EventScale, ...],
    options: SynergyOptions,
    baseline_day: float | None,
    seed: int,
    *,
    needed: bool,
) -> tuple[tuple[SynergyResult, ...], str, dict[str, int], list[GrowthWarning]]:
    """Results on times to an event, the event in words, animals by arm; or why there are none."""
    event = options.event or DEFAULT_EVENT
    if not options.scales and set(_nulls(options)) == {"response_additivity"}:
        return (), "", {}, []
    nulls = _event_nulls(options, needed=needed)
    # What nobody asked for may be missing; what somebody did is refused where it is wrong.
    asked = bool(options.scales) or options.event is not None or options.event_time is not None
    try:
        found = growth_events(
            study,
            event,
            event_time=(options.event_time or "interpolated") if event.from_growth else "visit",
            baseline_day=baseline_day,
        )
        # As in the comparison of survival, cages count where they are asked for.
        data = replace(found, cluster=None)
        counts = _event_counts(data, arms)
        for name in arms.arms:
            if not counts.get(name):
                expected = f"animals with a known time in arm '{name}'"
                raise DataError(expected, found="none", where=f"study {data.study_id}")
        results = _event_results(data, arms, nulls, scales, options.level, seed)
    except (DataError, InputError) as err:
        if needed or (asked and isinstance(err, InputError)):
            raise
        return (
            (),
            "",
            {},
            [GrowthWarning(code="no_events", message=f"no times to an event: {err}")],
        )
    return results, data.event_definition, counts, _data_warnings(data)


def _data_warnings(data: SurvivalData) -> list[GrowthWarning]:
    """What the times leave out, or take for granted."""
    return [GrowthWarning(code="data", message=note.rstrip(".")) for note in data.notes]


def _event_results(
    data: SurvivalData,
    arms: CombinationArms,
    nulls: tuple[Null, ...],
    scales: tuple[EventScale, ...],
    level: float,
    seed: int,
) -> tuple[SynergyResult, ...]:
    """The whole combination, then each pair; each answer from the same stream."""
    return tuple(
        (event_bliss if null == "bliss" else event_hsa)(
            data, question, scale=scale, level=level, rng=np.random.default_rng(seed)
        )
        for question in arms.questions
        for null in nulls
        for scale in scales
    )


def _event_counts(data: SurvivalData, arms: CombinationArms) -> dict[str, int]:
    return {
        name: int((data.arm == place).sum())
        for place, name in enumerate(data.arms)
        if name in arms.arms
    }


def _dose_warnings(checked: DoseCheck) -> list[GrowthWarning]:
    """What the comparison of the doses leaves open."""
    if checked.status == "unequal":
        differing = ", ".join(
            f"{one.compound} ({one.kind})" for one in dict.fromkeys(checked.differences)
        )
        message = f"the combination does not give what the arms of the partners give: {differing}"
        return [GrowthWarning(code="doses_differ", message=message)]
    if checked.status == "not_stated":
        return [
            GrowthWarning(
                code="doses_not_stated",
                message="doses or days are not stated for " + ", ".join(checked.not_stated)
                if checked.not_stated
                else "doses are not stated",
            )
        ]
    return []
