"""Growth models of the studies of one file: the fit, its comparison, and what is beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from oncovivo.analyses.contract import input_digest
from oncovivo.analyses.growth_result import (
    ArmBootstrap,
    FileGrowth,
    GrowthOptions,
    GrowthResult,
    LawRow,
)
from oncovivo.analyses.study_analysis import find_control, for_each_study, label_study
from oncovivo.analyses.study_input import StudyOptions, load_selection
from oncovivo.errors import DataError, InputError
from oncovivo.growth.balance import baseline_differences
from oncovivo.growth.bootstrap import bootstrap_test
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.compare import GrowthComparison, compare
from oncovivo.growth.curves import group_curves
from oncovivo.growth.data import GrowthData, growth_data
from oncovivo.growth.diagnostics import (
    GrowthDiagnostics,
    diagnose,
)
from oncovivo.growth.dropout import dropout_analysis
from oncovivo.growth.fit import GrowthFit, GrowthWarning
from oncovivo.growth.influence import influence
from oncovivo.growth.law_choice import compare_laws
from oncovivo.provenance import seed_of
from oncovivo.studies import Study

__all__ = [
    "GrowthAnalysis",
    "analyse_growth",
    "analyse_growth_file",
    "growth_or_reason",
    "parse_knots",
]

# A censored fit takes seconds; one for each animal would take minutes.
_CENSORED_INFLUENCE: Final = (
    "fits without each animal are made of models without censored readings: "
    "--below-limit omitted shows them"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthAnalysis:
    """A result, with the fit and the residuals that it was made from."""

    result: GrowthResult
    fit: GrowthFit
    diagnostics: GrowthDiagnostics


def analyse_growth(
    study: Study, *, control: str, options: GrowthOptions, baseline_day: float | None, seed: int
) -> GrowthAnalysis:
    """The growth model of one study, and what belongs beside it.

    Parameters
    ----------
    study : Study
        The study.
    control : str
        Control arm.
    options : GrowthOptions
        Model and comparison.
    baseline_day : float, optional
        Study day on which the clock starts; else as the study has it.
    seed : int
        Seed of what is drawn.

    Raises
    ------
    DataError
        If the study cannot carry the model.
    InputError
        If an option does not fit the study.
    """
    data = growth_data(study, baseline_day=baseline_day)
    _check_pair(data, control)
    fit = fit_with_limit(data, options.model, below_limit=options.below_limit)
    _check_pair(fit.data, control)
    compared = _compared(fit, control, options)
    balance = baseline_differences(data, control)
    apart = [difference for difference in balance if difference.notable]
    warnings = [*compared.warnings, *_cage_warnings(fit)]
    free = None
    if options.model.baseline == "outcome" and options.model.intercept == "common":
        reasons = [
            GrowthWarning(
                code="baseline_imbalance",
                message=f"arm '{difference.arm}' starts at {difference.ratio:.2f} times the size "
                f"of '{control}' ({difference.standardized:+.1f} SD): see the model with an "
                "intercept for each arm beside this one",
                arm=difference.arm,
            )
            for difference in apart
        ]
        if study.randomized is False:
            reasons.append(
                GrowthWarning(
                    code="not_randomized",
                    message="the study was not randomized: see the model with an intercept for "
                    "each arm beside this one",
                )
            )
        if reasons:
            warnings += reasons
            own = replace(options.model, intercept="arm")
            other = fit_with_limit(data, own, below_limit=options.below_limit)
            free = _compared(other, control, options)
    diagnostics = diagnose(fit)
    laws, law_verdict = _laws(data) if options.laws else ((), "")
    tests = (
        ()
        if options.bootstrap is None
        else _bootstrap(fit, compared, level=options.level, draws=options.bootstrap, seed=seed)
    )
    result = GrowthResult(
        study_id=study.study_id,
        line=study.line.name,
        simulated=study.simulated,
        measure=data.measure,
        baseline_day=data.baseline_day,
        limit=data.limit,
        model=fit.model,
        comparison=compared,
        free_intercepts=free,
        balance=balance,
        variance=fit.variance,
        log_likelihood=fit.log_likelihood,
        likelihood=fit.likelihood,
        converged=fit.converged,
        singular=fit.singular,
        n_animals=fit.n_animals,
        n_observations=fit.n_observations,
        n_censored=fit.n_censored,
        curves=group_curves(fit, data=data, level=options.level),
        dropout=dropout_analysis(
            study,
            fit,
            control,
            day=options.day,
            level=options.level,
            rng=np.random.default_rng(seed),
            draws=max(50, min(200, 800 // (len(data.arms) - 1))),
        ),
        influence=None if fit.n_censored else influence(fit, control, level=options.level),
        influence_reason=_CENSORED_INFLUENCE if fit.n_censored else "",
        checks=diagnostics.checks,
        outliers=diagnostics.outliers,
        findings=diagnostics.findings,
        warnings=tuple(warnings),
        laws=laws,
        law_verdict=law_verdict,
        bootstrap=tests,
    )
    return GrowthAnalysis(result=result, fit=fit, diagnostics=diagnostics)


def _check_pair(data: GrowthData, control: str) -> None:
    """Refuse data without the control, or with nothing beside it."""
    where = f"study {data.study_id}"
    if control not in data.arms:
        expected = f"readings of the control arm '{control}' that can enter the model"
        raise DataError(expected, found="none", where=where)
    if len(data.arms) < 2:
        expected = "another arm beside the control, with readings that can enter the model"
        raise DataError(expected, found="none", where=where)


def _cage_warnings(fit: GrowthFit) -> list[GrowthWarning]:
    """Whether each arm was one cage, which no model can mend."""
    cages = fit.data.factors.get("cage", ())
    pairs = set(zip(cages, fit.data.arm.tolist(), strict=True)) if cages else set()
    if not (len(pairs) == len(set(cages)) == len(fit.data.arms)):
        return []
    return [
        GrowthWarning(
            code="cage_is_arm",
            message="each arm is one cage: the experimental unit is the cage, and an effect of "
            "the treatment cannot be told from one of the cage",
        )
    ]


def _laws(data: GrowthData) -> tuple[tuple[LawRow, ...], str]:
    """All growth laws side by side."""
    found = compare_laws(data)
    rows = tuple(
        LawRow(
            law=score.law.name,
            log_likelihood=None if score.fit is None else score.fit.log_likelihood,
            aic=None if score.fit is None else score.fit.aic,
            bic=None if score.fit is None else score.fit.bic,
            predictive_score=score.predictive_score,
            predictive_error=score.predictive_error,
            failure=score.failure or "",
        )
        for score in found.scores
    )
    return rows, found.verdict


def _bootstrap(
    fit: GrowthFit, compared: GrowthComparison, *, level: float, draws: int, seed: int
) -> tuple[ArmBootstrap, ...]:
    """A test of each arm against the control, each from the same stream."""
    tests = []
    for found in compared.contrasts:
        weights = [
            fit.terms.rate(fit.data.arm_number(name), end=compared.time)
            for name in (found.arm, found.versus)
        ]
        test = bootstrap_test(
            fit,
            weights[0] - weights[1],
            rng=np.random.default_rng(seed),
            draws=draws,
            level=level,
        )
        tests.append(
            ArmBootstrap(
                arm=found.arm,
                versus=found.versus,
                p_value=test.p_value,
                lower=test.lower,
                upper=test.upper,
                draws=test.draws,
            )
        )
    return tuple(tests)


def growth_or_reason(
    study: Study, *, control: str, options: GrowthOptions, baseline_day: float | None, seed: int
) -> tuple[GrowthResult | None, str]:
    """The growth model of one study, or None and why the study cannot carry it.

    Parameters as those of :func:`analyse_growth`.
    """
    try:
        found = analyse_growth(
            study, control=control, options=options, baseline_day=baseline_day, seed=seed
        )
    except DataError as err:
        return None, str(err)
    return found.result, ""


def parse_knots(text: str | None) -> tuple[float, ...]:
    """Knots from a list such as ``7,14``; none without a text.

    Raises
    ------
    InputError
        If a part is no number.

    Examples
    --------
    >>> parse_knots("7, 14")
    (7.0, 14.0)
    """
    knots: list[float] = []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        try:
            knots.append(float(part))
        except ValueError as err:
            expected = "days, separated by commas: 7,14"
            raise InputError(expected, found=repr(part), where="--knots") from err
    return tuple(knots)


def _compared(fit: GrowthFit, control: str, options: GrowthOptions) -> GrowthComparison:
    return compare(
        fit, control, day=options.day, level=options.level, adjustment=options.adjustment
    )


def analyse_growth_file(
    path: Path,
    *,
    reading: StudyOptions | None = None,
    options: GrowthOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileGrowth:
    """The growth model of every study × line of a file, with one control arm.

    A study without the control arm, or that cannot carry the model or an option, is skipped with
    its reason.

    Raises
    ------
    InputError
        If no control is named, or no study has it; or an option fits no study.
    DataError
        If no study can carry the model.
    FileFormatError
        If the file cannot be read.
    """
    reading, options = reading or StudyOptions(), options or GrowthOptions()
    progress("reading")
    selection = load_selection(path, reading)
    control = find_control(selection.studies, options.control)
    source = input_digest(path)
    seed = seed_of(source.sha256) if options.seed is None else options.seed

    def analysed(study: Study) -> GrowthResult:
        return analyse_growth(
            study,
            control=control,
            options=options,
            baseline_day=reading.baseline_day,
            seed=seed,
        ).result

    results = for_each_study(
        selection.studies,
        control,
        analysed,
        label=label_study,
        refusals=(DataError, InputError),
        progress=progress,
    )
    return FileGrowth(source=source, reading=reading, options=options, seed=seed, studies=results)
