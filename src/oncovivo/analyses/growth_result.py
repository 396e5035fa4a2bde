"""What a growth analysis holds: options, and results that can be stored and printed as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from oncovivo.analyses.contract import contract
from oncovivo.analyses.study_analysis import SkippedStudy
from oncovivo.analyses.study_input import StudyOptions
from oncovivo.growth.balance import BaselineDifference
from oncovivo.growth.compare import Adjustment, GrowthComparison
from oncovivo.growth.curves import GroupCurves
from oncovivo.growth.data import Measure
from oncovivo.growth.diagnostics import Check, Finding, Outlier
from oncovivo.growth.dropout_result import DropoutAnalysis
from oncovivo.growth.fit import GrowthWarning, VarianceComponents
from oncovivo.growth.influence import InfluenceTable
from oncovivo.growth.model import GrowthModel, Likelihood
from oncovivo.provenance import InputFile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ArmBootstrap", "FileGrowth", "GrowthOptions", "GrowthResult", "LawRow"]

BelowLimit: TypeAlias = Literal["censored", "omitted"]

SCHEMA = "oncovivo.growth/1"


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
