"""Mechanism models fitted to study files: a plan and a study in, estimates and checks out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.mechanism_fit_result import (
    AnimalRow,
    FileFit,
    FitNote,
    FitOptions,
    FitRow,
)
from oncovivo.analyses.study_input import StudyOptions, load_studies
from oncovivo.errors import InputError
from oncovivo.mechanism.animal_curves import animal_curves, arm_effects
from oncovivo.mechanism.fit import (
    AnimalFits,
    FitData,
    FitPlan,
    MechanismFit,
    PooledFit,
    fit_animals,
    fit_data,
    fit_mechanism,
    fit_pooled,
    read_fit_plan,
)
from oncovivo.mechanism.fit.curves import MechanismCurves
from oncovivo.mechanism.fit.output_readings import read_output_readings
from oncovivo.mechanism.held_numbers import held_numbers
from oncovivo.mechanism.simulate import run_arm
from oncovivo.mechanism.vpc import VisualCheck, visual_check
from oncovivo.provenance import digest_inputs, seed_of
from oncovivo.studies import Study

__all__ = ["FitOptions", "run_fit_file"]

FloatArray: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[str], None]

_NEAR_BOX: Final = 0.02
# Fewer animals than this that determine a number say nothing of how animals differ.
_FEW_ANIMALS: Final = 2


def run_fit_file(
    plan_path: Path,
    study_path: Path,
    *,
    options: FitOptions | None = None,
    study_options: StudyOptions | None = None,
    readings_path: Path | None = None,
    progress: Progress = lambda _: None,
) -> FileFit:
    """Fit the model of a plan to a study.

    Parameters
    ----------
    plan_path : Path
        The plan; its simulation is relative to it.
    study_path : Path
        A study file or folder, with one study unless one is chosen.
    options : FitOptions, optional
        What is said beside the plan.
    study_options : StudyOptions, optional
        How the study is read.
    readings_path : Path, optional
        Table of the readings of further outputs that the plan names: ``animal_id``, ``day``,
        ``output``, ``value``.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If a file cannot be read or is not what it should be.
    InputError
        If a parameter or an arm does not exist, or there is not one study.
    DataError
        If the study cannot carry the fit, or the model is stiff and the engine is not scipy.
    """
    options, reading = options or FitOptions(), study_options or StudyOptions()
    progress("reading")
    plan = read_fit_plan(plan_path)
    source = input_digest(plan_path)
    study = _one_study(load_studies(study_path, reading), study_path)
    study_source = input_digest(study_path)
    further = () if readings_path is None else read_output_readings(readings_path)
    data = fit_data(study, plan, further=further)
    seed = options.seed if options.seed is not None else plan.seed
    inputs = [source, study_source]
    inputs += [] if readings_path is None else [input_digest(readings_path)]
    seed = seed_of(digest_inputs(inputs)) if seed is None else seed
    progress("trying the model")
    _try_model(plan, data, options)
    if options.estimator == "population":
        fit = fit_mechanism(
            plan,
            data,
            seed=seed,
            engine=options.engine,
            saem=options.saem,
            draws=options.draws,
            limits=options.limits,
            progress=progress,
        )
        pooled, single = fit.pooled, None
        typical, spread, animals = fit.run.mean, fit.run.spread, fit.run.animals
        sigma: float | None = fit.sigma
    else:
        fit, single = None, None
        curve = MechanismCurves.of(plan, data, engine=options.engine)
        progress("pooled fit")
        pooled = fit_pooled(plan, data, curve, limits=options.limits)
        typical, spread = pooled.estimates, np.zeros(pooled.estimates.size)
        animals = np.tile(typical, (data.growth.n_animals, 1))
        sigma = pooled.sigma
        if options.estimator == "animals":
            progress("each animal")
            single = fit_animals(plan, data, curve, typical)
            animals, sigma = single.fit.estimates[0], None
    progress("curves")
    curves = animal_curves(plan, data, animals=animals, typical=typical, engine=options.engine)
    effects = (
        arm_effects(plan, data, typical=typical, engine=options.engine) if single is None else ()
    )
    check: VisualCheck | None = None
    if options.studies and sigma is not None:
        progress(f"visual check: {options.studies} simulated studies")
        check = visual_check(
            plan,
            data,
            mean=typical,
            spread=spread,
            sigma=sigma,
            rng=np.random.default_rng(seed),
            studies=options.studies,
            engine=options.engine,
        )
    rows = _rows(plan, fit, pooled, single)
    converged = _converged(fit, pooled, single)
    likelihood, error, estimated = _likelihood(data, fit, pooled, single)
    return FileFit(
        source=source,
        study_source=study_source,
        options=options,
        study_options=reading.to_dict(),
        simulated=study.simulated,
        plan=plan,
        data=data,
        held=held_numbers(plan),
        rows=rows,
        animals=_animal_rows(plan, data, fit, single),
        typical=typical,
        spread=spread,
        sigma=sigma,
        sigma_error=None if fit is None else fit.sigma_error,
        log_likelihood=likelihood,
        monte_carlo_error=error,
        n_estimated=estimated,
        converged=converged,
        rounds=None if fit is None else fit.rounds,
        level=0.95 if fit is None else fit.level,
        fit=fit,
        pooled=pooled,
        single=single,
        curves=curves,
        effects=effects,
        check=check,
        seed=seed,
        warnings=(
            *_warnings(fit, single, rows, converged=converged),
            *_regimen_notes(plan, study),
        ),
    )


def _one_study(studies: tuple[Study, ...], path: Path) -> Study:
    """The study of a file that has one."""
    if len(studies) != 1:
        names = ", ".join(study.study_id for study in studies[:5])
        more = ", …" if len(studies) > 5 else ""
        raise InputError(
            "one study",
            found=f"{len(studies)}: {names}{more}",
            where=path.name,
            mend="choose one with --study, or with --line",
        )
    return studies[0]


def _try_model(plan: FitPlan, data: FitData, options: FitOptions) -> None:
    """Run each arm where the search starts, so that an engine's refusal is heard."""
    names = plan.simulation.model.parameter_names
    days = np.unique(np.append(data.growth.time, 0.0))
    for name in dict.fromkeys(simulated for _, simulated in plan.arms):
        arm = next(one for one in plan.simulation.arms if one.name == name)
        values = arm.parameters.values
        for one in plan.estimated:
            values[names.index(one.name)] = one.start
        run_arm(plan.simulation, arm, values[None], days, engine=options.engine)


def _rows(
    plan: FitPlan, fit: MechanismFit | None, pooled: PooledFit, single: AnimalFits | None
) -> tuple[FitRow, ...]:
    """The estimates of whichever estimator there was."""
    if fit is not None:
        return tuple(
            FitRow(
                name=one.name,
                unit=one.unit,
                meaning=one.meaning,
                transform=one.transform,
                estimate=one.estimate,
                lower=one.lower,
                upper=one.upper,
                standard_error=one.standard_error,
                between_animal=one.between_animal,
                spread=one.spread,
                spread_error=one.spread_error,
                shrinkage=one.shrinkage,
                identified=one.identified,
                at_bound=one.at_bound,
                pooled=one.pooled,
                pooled_lower=one.pooled_lower,
                pooled_upper=one.pooled_upper,
                open_profile=one.identified
                and pooled.limits is not None
                and (one.pooled_lower is None or one.pooled_upper is None),
            )
            for one in fit.parameters
        )
    if single is not None:
        return tuple(_single_row(plan, place, pooled, single) for place in range(len(plan.start)))
    return tuple(_pooled_row(plan, place, pooled) for place in range(len(plan.start)))


def _pooled_row(plan: FitPlan, place: int, pooled: PooledFit) -> FitRow:
    """An estimate from all animals as one."""
    one, value = plan.estimated[place], pooled.value(place)
    lower, upper = pooled.limit(place, "lower"), pooled.limit(place, "upper")
    low, high = one.box
    at = float(pooled.estimates[place])
    # With profile limits a number is determined where its likelihood falls on both sides.
    known = value is not None and (pooled.limits is None or None not in (lower, upper))
    return FitRow(
        name=one.name,
        unit=one.unit,
        meaning=one.meaning,
        transform=one.transform,
        estimate=value if known else None,
        lower=lower if known else None,
        upper=upper if known else None,
        standard_error=float(pooled.standard_errors[place]) if known else None,
        between_animal=False,
        spread=None,
        spread_error=None,
        shrinkage=None,
        identified=known,
        at_bound=at - low < _NEAR_BOX or high - at < _NEAR_BOX,
        pooled=value,
        pooled_lower=lower,
        pooled_upper=upper,
    )


def _single_row(plan: FitPlan, place: int, pooled: PooledFit, single: AnimalFits) -> FitRow:
    """What animals that determine a number have in the middle, and how they differ."""
    one = plan.estimated[place]
    known = single.identified[:, place]
    values = single.fit.estimates[0, known, place]
    enough = values.size >= _FEW_ANIMALS
    return FitRow(
        name=one.name,
        unit=one.unit,
        meaning=one.meaning,
        transform=one.transform,
        estimate=float(one.natural(float(values.mean()))) if enough else None,
        lower=None,
        upper=None,
        standard_error=None,
        between_animal=True,
        spread=float(values.std(ddof=1)) if enough else None,
        spread_error=None,
        shrinkage=None,
        identified=enough,
        at_bound=False,
        pooled=pooled.value(place),
        pooled_lower=pooled.limit(place, "lower"),
        pooled_upper=pooled.limit(place, "upper"),
        determined_in=int(known.sum()),
    )


def _animal_rows(
    plan: FitPlan, data: FitData, fit: MechanismFit | None, single: AnimalFits | None
) -> tuple[AnimalRow, ...]:
    """Numbers of single animals: conditional means, or each animal's own fit."""
    growth = data.growth
    rows = []
    for number, animal in enumerate(growth.animal_ids):
        for place, one in enumerate(plan.estimated):
            estimate, lower, upper = None, None, None
            if fit is not None:
                if not fit.parameters[place].identified or not one.between_animal:
                    continue
                estimate = float(one.natural(float(fit.run.animals[number, place])))
            elif single is None:
                continue
            elif single.identified[number, place]:
                estimate, lower, upper = (
                    float(one.natural(float(at)))
                    for at in (
                        single.fit.estimates[0, number, place],
                        single.limits.lower[number, place],
                        single.limits.upper[number, place],
                    )
                )
            rows.append(
                AnimalRow(
                    animal_id=animal,
                    arm=growth.arms[growth.arm[number]],
                    name=one.name,
                    unit=one.unit,
                    estimate=estimate,
                    lower=lower,
                    upper=upper,
                )
            )
    return tuple(rows)


def _converged(fit: MechanismFit | None, pooled: PooledFit, single: AnimalFits | None) -> bool:
    """Whether the search, or that of each animal, ended for want of gain."""
    if fit is not None:
        return fit.converged
    return pooled.converged if single is None else bool(single.fit.converged.all())


def _likelihood(
    data: FitData, fit: MechanismFit | None, pooled: PooledFit, single: AnimalFits | None
) -> tuple[float | None, float | None, int]:
    """Log-likelihood, its Monte Carlo error, and how many numbers were estimated."""
    if fit is not None:
        return fit.log_likelihood, fit.monte_carlo_error, fit.n_estimated
    each = pooled.estimates.size + data.readings.n_outputs
    if single is None:
        return pooled.log_likelihood, None, each
    total = float(single.fit.log_likelihood.sum())
    return (total if np.isfinite(total) else None), None, each * len(single.animal_ids)


def _warnings(
    fit: MechanismFit | None,
    single: AnimalFits | None,
    rows: tuple[FitRow, ...],
    *,
    converged: bool,
) -> tuple[FitNote, ...]:
    """What to know of a fit."""
    if fit is not None:
        said = [FitNote(code=one.code, message=one.message) for one in fit.warnings]
        level = [row.name for row in rows if row.open_profile]
        if level:
            message = (
                f"the pooled likelihood of {', '.join(level)} stays level on a side, so that the "
                "limits, which are from curvature, may be far too narrow"
            )
            said.append(FitNote(code="open_profile", message=message))
        return tuple(said)
    said = []
    if single is not None:
        ended = single.fit.converged[0]
        late = [name for name, there in zip(single.animal_ids, ended, strict=True) if not there]
        if late:
            more = ", …" if len(late) > 5 else ""
            message = f"the search did not end for {len(late)} animals: {', '.join(late[:5])}"
            said.append(FitNote(code="not_converged", message=message + more))
    else:
        if not converged:
            said.append(FitNote(code="not_converged", message="the search is not at the maximum"))
        said.append(
            FitNote(
                code="naive",
                message="readings of one animal are taken as independent, so that the limits are "
                "too narrow",
            )
        )
    lost = [row.name for row in rows if not row.identified]
    if lost:
        whose = "readings" if single is None else "readings of single animals"
        said.append(
            FitNote(
                code="not_identified",
                message=f"the {whose} do not determine " + ", ".join(lost),
            )
        )
    ends = [row.name for row in rows if row.at_bound]
    if ends:
        said.append(
            FitNote(code="at_bound", message="at the end of its range: " + ", ".join(ends))
        )
    return tuple(said)


def _regimen_notes(plan: FitPlan, study: Study) -> tuple[FitNote, ...]:
    """Arms whose regimen is not the one that is simulated."""
    said = []
    for name, _ in plan.arms:
        arm = next((one for one in study.arms if one.name == name), None)
        if arm is None or not arm.regimens or arm.role in ("vehicle", "untreated"):
            continue
        ours = plan.simulated_arm(name).regimen_text
        theirs = " / ".join(str(regimen) for regimen in arm.regimens)
        if ours != theirs:
            said.append(
                FitNote(
                    code="other_regimen",
                    message=f"arm {name} received '{theirs}' by the study, and "
                    f"'{ours or 'nothing'}' by the simulation",
                )
            )
    return tuple(said)
