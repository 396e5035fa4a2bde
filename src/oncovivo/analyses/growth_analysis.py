"""Growth models of the studies of one file: the fit, its comparison, and what is beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.study_analysis import SkippedStudy, find_control
from oncovivo.analyses.study_input import StudyOptions, load_selection
from oncovivo.errors import DataError, InputError, ProjectError
from oncovivo.growth.balance import BaselineDifference, baseline_differences
from oncovivo.growth.bootstrap import bootstrap_test
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.compare import Adjustment, GrowthComparison, compare
from oncovivo.growth.curves import GroupCurves, group_curves
from oncovivo.growth.data import GrowthData, Measure, growth_data
from oncovivo.growth.diagnostics import (
    Check,
    Finding,
    GrowthDiagnostics,
    Outlier,
    diagnose,
)
from oncovivo.growth.dropout import DropoutAnalysis, dropout_analysis
from oncovivo.growth.fit import GrowthFit, GrowthWarning, VarianceComponents
from oncovivo.growth.influence import InfluenceTable, influence
from oncovivo.growth.law_choice import compare_laws
from oncovivo.growth.model import GrowthModel, Likelihood
from oncovivo.provenance import InputFile, seed_of
from oncovivo.studies import Study

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ArmBootstrap",
    "FileGrowth",
    "GrowthAnalysis",
    "GrowthOptions",
    "GrowthResult",
    "LawRow",
    "analyse_growth",
    "analyse_growth_file",
    "growth_or_reason",
    "parse_knots",
]

BelowLimit: TypeAlias = Literal["censored", "omitted"]

SCHEMA = "oncovivo.growth/1"
# A censored fit takes seconds; one for each animal would take minutes.
_CENSORED_INFLUENCE: Final = (
    "fits without each animal are made of models without censored readings: "
    "--below-limit omitted shows them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthOptions:
    """What the user says about the growth model of a study.

    Parameters
    ----------
    control : str, optional
        Name of the control arm.
    model : GrowthModel
        The model.
    below_limit : {"censored", "omitted"}
        What becomes of readings that are gone or below the limit.
    adjustment : {"dunnett", "holm", "tukey", "none"}
        How the error over several arms is held.
    day : float, optional
        Study day of effects that speak of a day; else the last on which the control was read.
    level : float
        Confidence of every interval.
    seed : int, optional
        Seed; else taken from the input's digest.
    laws : bool
        Whether growth laws are compared.
    bootstrap : int, optional
        Draws of a parametric bootstrap test of each contrast; none without it.
    """

    control: str | None = None
    model: GrowthModel = field(default_factory=GrowthModel)
    below_limit: BelowLimit = "censored"
    adjustment: Adjustment = "dunnett"
    day: float | None = None
    level: float = 0.95
    seed: int | None = None
    laws: bool = False
    bootstrap: int | None = None

    def to_dict(self) -> dict[str, object]:
        """All options, ready for JSON."""
        return {
            "control": self.control,
            "model": self.model.to_dict(),
            "below_limit": self.below_limit,
            "adjustment": self.adjustment,
            "day": self.day,
            "level": self.level,
            "laws": self.laws,
            "bootstrap": self.bootstrap,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LawRow:
    """A growth law's fit; numbers are None, with a `failure`, where it could not be fitted.

    ``predictive_score`` is the sum of the log densities of left-out animals' readings,
    ``predictive_error`` the root mean square distance from their arm's curve on the log scale.
    """

    law: str
    log_likelihood: float | None
    aic: float | None
    bic: float | None
    predictive_score: float | None
    predictive_error: float | None
    failure: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmBootstrap:
    """The parametric bootstrap test of an arm's difference in rates from the control."""

    arm: str
    versus: str
    p_value: float
    lower: float
    upper: float
    draws: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthResult:
    """The growth model of one study, in numbers that can be stored.

    Parameters
    ----------
    study_id, line : str
        Study and xenograft line.
    simulated : bool
        Whether the numbers come from a simulation.
    measure : {"volume_mm3", "area_mm2"}
        What was measured.
    baseline_day, limit : float
        Study day on which the clock starts; smallest size that can be measured.
    model : GrowthModel
        The model that was fitted.
    comparison : GrowthComparison
        Rates, contrasts and effects.
    free_intercepts : GrowthComparison or None
        The same with an intercept for each arm, where arms start apart or were not randomized.
    balance : tuple of BaselineDifference
        How the arms start.
    variance : VarianceComponents
        Standard deviations.
    log_likelihood, likelihood
        At the maximum, and which.
    converged, singular : bool
        Of the fit.
    n_animals, n_observations, n_censored : int
        What entered.
    curves : GroupCurves
        Group curves and animals, for the figure.
    dropout : DropoutAnalysis
        Who left, and whether it matters.
    influence : InfluenceTable or None
        Every contrast without each animal; None for a censored fit.
    influence_reason : str
        Why there is none.
    checks : tuple of Check
        What the residuals say, in numbers.
    outliers : tuple of Outlier
        Readings far from their animal's line; they stay in.
    findings : tuple of Finding
        What the residuals say, in words, and what to try.
    warnings : tuple of GrowthWarning
        What to know.
    laws : tuple of LawRow
        Growth laws side by side, where asked for; `law_verdict` says which to take.
    law_verdict : str
        A sentence.
    bootstrap : tuple of ArmBootstrap
        Bootstrap tests, where asked for.
    """

    study_id: str
    line: str
    simulated: bool
    measure: Measure
    baseline_day: float
    limit: float
    model: GrowthModel
    comparison: GrowthComparison
    free_intercepts: GrowthComparison | None
    balance: tuple[BaselineDifference, ...]
    variance: VarianceComponents
    log_likelihood: float
    likelihood: Likelihood
    converged: bool
    singular: bool
    n_animals: int
    n_observations: int
    n_censored: int
    curves: GroupCurves
    dropout: DropoutAnalysis
    influence: InfluenceTable | None
    influence_reason: str
    checks: tuple[Check, ...]
    outliers: tuple[Outlier, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[GrowthWarning, ...]
    laws: tuple[LawRow, ...] = ()
    law_verdict: str = ""
    bootstrap: tuple[ArmBootstrap, ...] = ()

    @property
    def n_by_arm(self) -> dict[str, int]:
        """Animals of each arm."""
        return {curve.arm: curve.n_animals for curve in self.curves.arms}

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        compared = self.comparison.to_dict()
        return {
            "study": self.study_id,
            "line": self.line,
            "simulated": self.simulated,
            "status": "ok",
            "reason": "",
            "control": self.comparison.control,
            "measure": self.measure,
            "baseline_day": self.baseline_day,
            "limit": self.limit,
            "model": {
                **self.model.to_dict(),
                "inference": self.comparison.df_method,
                "rate": self.comparison.rate_meaning,
            },
            "n_animals": self.n_animals,
            "n_observations": self.n_observations,
            "n_censored": self.n_censored,
            "n_by_arm": self.n_by_arm,
            "level": self.comparison.level,
            "day": self.comparison.day,
            "rates": compared["rates"],
            "contrasts": compared["contrasts"],
            "family": compared["family"],
            "effects": compared["effects"],
            "variance": self.variance.to_dict(),
            "log_likelihood": self.log_likelihood,
            "likelihood": self.likelihood,
            "converged": self.converged,
            "singular": self.singular,
            "balance": [difference.to_dict() for difference in self.balance],
            "free_intercepts": None
            if self.free_intercepts is None
            else {
                key: self.free_intercepts.to_dict()[key]
                for key in ("rates", "contrasts", "effects")
            },
            "dropout": self.dropout.to_dict(),
            "influence": None if self.influence is None else self.influence.to_dict(),
            "influence_reason": self.influence_reason,
            "diagnostics": {
                "checks": [check.to_dict() for check in self.checks],
                "outliers": [outlier.to_dict() for outlier in self.outliers],
                "findings": [finding.to_dict() for finding in self.findings],
            },
            "laws": {
                "scores": [row.to_dict() for row in self.laws],
                "verdict": self.law_verdict,
            }
            if self.laws
            else None,
            "bootstrap": [test.to_dict() for test in self.bootstrap] or None,
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrowthAnalysis:
    """A result, with the fit and the residuals that it was made from."""

    result: GrowthResult
    fit: GrowthFit
    diagnostics: GrowthDiagnostics


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrowth:
    """The growth models of a file's studies, in its order."""

    source: InputFile
    reading: StudyOptions
    options: GrowthOptions
    seed: int
    studies: tuple[GrowthResult | SkippedStudy, ...]

    @property
    def analysed(self) -> tuple[GrowthResult, ...]:
        """The studies with results."""
        return tuple(study for study in self.studies if isinstance(study, GrowthResult))

    @property
    def skipped(self) -> tuple[SkippedStudy, ...]:
        """The studies without."""
        return tuple(study for study in self.studies if isinstance(study, SkippedStudy))

    def to_frame(self) -> pd.DataFrame:
        """Contrasts of all studies as one table."""
        import pandas as pd

        frames = []
        for study in self.analysed:
            frame = study.comparison.to_frame()
            frame.insert(0, "study", study.study_id)
            frame.insert(1, "line", study.line)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo growth``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={**self.reading.to_dict(), **self.options.to_dict()},
            seed=self.seed,
            content={
                "studies": [
                    study.to_dict()
                    if isinstance(study, GrowthResult)
                    else {**_without_numbers(study), "warnings": []}
                    for study in self.studies
                ]
            },
        )


def _without_numbers(study: SkippedStudy) -> dict[str, object]:
    """A study that was not analysed, with the keys of one that was."""
    return {
        "study": study.study_id,
        "line": study.line,
        "status": "not_estimable",
        "reason": study.reason,
        "baseline_day": None,
        "model": None,
        "rates": [],
        "contrasts": [],
        "effects": [],
        "variance": None,
        "log_likelihood": None,
        "likelihood": None,
        "converged": None,
        "singular": None,
        "n_animals": None,
        "n_observations": None,
    }


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
    results: list[GrowthResult | SkippedStudy] = []
    first_error: ProjectError | None = None
    for study in selection.studies:
        progress(study.study_id)
        names = tuple(arm.name for arm in study.arms)
        try:
            if control not in names:
                raise DataError(f"the control arm {control!r}", found=", ".join(names))
            results.append(
                analyse_growth(
                    study,
                    control=control,
                    options=options,
                    baseline_day=reading.baseline_day,
                    seed=seed,
                ).result
            )
        except (DataError, InputError) as err:
            first_error = first_error or err
            results.append(
                SkippedStudy(
                    study_id=study.study_id, line=study.line.name, arms=names, reason=str(err)
                )
            )
    if first_error is not None and all(isinstance(result, SkippedStudy) for result in results):
        raise first_error
    return FileGrowth(
        source=source, reading=reading, options=options, seed=seed, studies=tuple(results)
    )
