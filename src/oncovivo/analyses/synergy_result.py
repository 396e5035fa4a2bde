"""An analysis of synergy: options, and results that can be stored and printed as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.analyses.contract import contract
from oncovivo.analyses.study_analysis import SkippedStudy
from oncovivo.analyses.study_input import StudyOptions
from oncovivo.combination.area_bootstrap import AreaIndex
from oncovivo.combination.bands import IndexBand
from oncovivo.combination.doses import DoseCheck, Unequal
from oncovivo.combination.effect_rows import synergy_row
from oncovivo.combination.factorial import Interaction
from oncovivo.combination.fixed_addition import FixedAddition
from oncovivo.combination.foreseen import ObservedExpected
from oncovivo.combination.grid_surface import GridSurface
from oncovivo.combination.nulls import Sensitivity
from oncovivo.combination.response_additivity import AdditivityBootstrap
from oncovivo.combination.result import Null, Scale, SynergyResult
from oncovivo.combination.roles import CombinationArms
from oncovivo.combination.scores import synergylmm_score
from oncovivo.combination.sequence import SequenceComparison
from oncovivo.growth.fit import GrowthWarning, VarianceComponents
from oncovivo.growth.model import GrowthModel, Likelihood
from oncovivo.provenance import InputFile
from oncovivo.studies.check.reading import NO_LINE
from oncovivo.survival.events import EventDefinition, EventTime

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileSynergy", "SynergyAnalysis", "SynergyOptions"]

BelowLimit: TypeAlias = Literal["censored", "omitted"]

SCHEMA: Final = "oncovivo.synergy/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyOptions:
    """What the user says about a combination and how it is tested.

    Parameters
    ----------
    control : str, optional
        Arm without any partner.
    a, b, c : str, optional
        Arms of the partners alone, the third where there are three; of a dose grid the two
        compounds as regimens or labels spell them.
    combination : str, optional
        Arm of all partners together; none of a dose grid, which has many.
    pairs : mapping of str to str
        Arms of two of three partners under ``ab``, ``ac`` and ``bc``.
    grid : bool
        Whether the arms are a grid of dose levels of two compounds.
    addition : str, optional
        Compound, or ``radiation``, that is added to the control and to partners; pairs of arms
        with and without it are found by their regimens.
    added : mapping of str to str
        The same pairs by name: the arm with the addition by the arm without.
    nulls : tuple of {"bliss", "hsa", "response_additivity"}
        Null models, the first of which the sentence speaks of; all when empty.
    scales : tuple of Scale
        Scales, the first of which the sentence speaks of; all when empty.
    model : GrowthModel
        Model of growth.
    below_limit : {"censored", "omitted"}
        What becomes of readings that are gone or below the limit.
    event : EventDefinition, optional
        Event of the scales ``hazard`` and ``median_survival``; quadrupling without it.
    event_time : {"visit", "interpolated"}, optional
        When it happened between two readings.
    cause : str, optional
        The cause of a survival table that is the event.
    day : float, optional
        Study day of the index; else the last on which each of the arms was read.
    level : float
        Confidence of every interval.
    doses : {"refuse", "accept"}
        What happens where the combination gives another dose than the partners' arms.
    bootstrap : int, optional
        Resamples for indices of areas and for response additivity; none without it.
    seed : int, optional
        Seed; else taken from the input's digest.
    """

    control: str | None = None
    a: str | None = None
    b: str | None = None
    c: str | None = None
    combination: str | None = None
    pairs: Mapping[str, str] = field(default_factory=dict)
    grid: bool = False
    addition: str | None = None
    added: Mapping[str, str] = field(default_factory=dict)
    nulls: tuple[Null, ...] = ()
    scales: tuple[Scale, ...] = ()
    model: GrowthModel = field(default_factory=GrowthModel)
    below_limit: BelowLimit = "censored"
    event: EventDefinition | None = None
    event_time: EventTime | None = None
    cause: str | None = None
    day: float | None = None
    level: float = 0.95
    doses: Unequal = "refuse"
    bootstrap: int | None = None
    seed: int | None = None

    def to_dict(self) -> dict[str, object]:
        """All options, ready for JSON."""
        return {
            "control": self.control,
            "a": self.a,
            "b": self.b,
            "c": self.c,
            "combination": self.combination,
            "pairs": dict(self.pairs),
            "grid": self.grid,
            "addition": self.addition,
            "added": dict(self.added),
            "null": list(self.nulls),
            "scale": list(self.scales),
            "model": self.model.to_dict(),
            "below_limit": self.below_limit,
            "event": None if self.event is None else str(self.event),
            "event_time": self.event_time,
            "cause": self.cause,
            "day": self.day,
            "level": self.level,
            "doses": self.doses,
            "bootstrap": self.bootstrap,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyAnalysis:
    """A combination of one study against the null models, in numbers that can be stored.

    Parameters
    ----------
    study_id, line : str
        Study and xenograft line.
    simulated : bool
        Whether the numbers come from a simulation.
    arms : CombinationArms or None
        Roles; None of a dose grid or an addition.
    level : float
        Confidence.
    model : GrowthModel or None
        The model of growth; None for a survival table.
    n_by_arm : mapping of str to int
        Animals that entered, by arm.
    n_observations, n_censored : int
        Readings that entered.
    log_likelihood, likelihood, singular, converged
        Of the fit; None for a survival table.
    results : tuple of SynergyResult
        Every null model on every scale; the first is the one that the sentence speaks of.
    bands : tuple of IndexBand
        The index over the days, by null model.
    observed : tuple of ObservedExpected
        Curves observed and foreseen, of the whole combination and of each pair.
    interactions : tuple of Interaction
        The factorial reading of the same fit.
    sensitivity : tuple of Sensitivity
        The results with cluster-robust errors beside; empty for a censored fit.
    areas : tuple of AreaIndex
        Indices of areas with limits from resamples, where asked for.
    additivity : tuple of AdditivityBootstrap
        Response additivity from draws, where asked for.
    doses : DoseCheck or None
        Whether the combination gives each partner as its own arm does; None without regimens.
    sequences : tuple of SequenceComparison
        Arms that differ in order or timing only.
    surfaces : tuple of GridSurface
        Dose grids by null model.
    addition : FixedAddition or None
        Whether an addition has one effect with every partner.
    event : str
        Event of the scales of events; empty without them.
    variance : VarianceComponents or None
        Of the fit.
    warnings : tuple of GrowthWarning
        What to know, each once.
    """

    study_id: str
    line: str
    simulated: bool
    arms: CombinationArms | None
    level: float
    model: GrowthModel | None
    n_by_arm: Mapping[str, int]
    n_observations: int
    n_censored: int
    log_likelihood: float | None
    likelihood: Likelihood | None
    singular: bool | None
    converged: bool | None
    results: tuple[SynergyResult, ...]
    bands: tuple[IndexBand, ...]
    observed: tuple[ObservedExpected, ...]
    interactions: tuple[Interaction, ...]
    sensitivity: tuple[Sensitivity, ...]
    areas: tuple[AreaIndex, ...]
    additivity: tuple[AdditivityBootstrap, ...]
    doses: DoseCheck | None
    sequences: tuple[SequenceComparison, ...]
    surfaces: tuple[GridSurface, ...]
    addition: FixedAddition | None
    event: str
    variance: VarianceComponents | None
    warnings: tuple[GrowthWarning, ...]

    @property
    def whole(self) -> tuple[SynergyResult, ...]:
        """The results of the combination of all partners, without those of pairs."""
        if self.arms is None:
            return ()
        return tuple(r for r in self.results if r.arms.combination == self.arms.combination)

    @property
    def drawn(self) -> tuple[tuple[str, AdditivityBootstrap], ...]:
        """The draws with the combination that each is of."""
        if self.arms is None or not self.additivity:
            return ()
        names = (question.combination for question in self.arms.questions)
        return tuple(zip(names, self.additivity, strict=True))

    def to_dict(self) -> dict[str, object]:
        """The study as the JSON contract has it."""
        return {
            "study": self.study_id,
            "line": self.line,
            "simulated": self.simulated,
            "status": "ok",
            "reason": "",
            "arms": _roles(self),
            "level": self.level,
            "model": None if self.model is None else self.model.to_dict(),
            "event": self.event or None,
            "n_animals": sum(self.n_by_arm.values()),
            "n_by_arm": dict(self.n_by_arm),
            "n_observations": self.n_observations,
            "n_censored": self.n_censored,
            "log_likelihood": self.log_likelihood,
            "likelihood": self.likelihood,
            "singular": self.singular,
            "converged": self.converged,
            "variance": None if self.variance is None else self.variance.to_dict(),
            "results": [_result(result) for result in self.results],
            "band": [
                {"null": band.null, "combination": band.arms.combination, **day}
                for band in self.bands
                for day in _days(band)
            ],
            "band_tests": [
                {key: value for key, value in band.to_dict().items() if key != "days"}
                for band in self.bands
            ],
            "factorial": [interaction.to_dict() for interaction in self.interactions],
            "sensitivity": [
                {
                    "null": both.result.null,
                    "scale": both.result.scale,
                    "combination": both.result.arms.combination,
                    "std_error": both.robust.std_error,
                    "df": both.robust.df,
                    "p_value": both.robust.p_value,
                    "index_lower": both.robust.index_lower,
                    "index_upper": both.robust.index_upper,
                    "verdict": both.robust.verdict,
                    "agrees": both.agrees,
                }
                for both in self.sensitivity
            ],
            "areas": [area.to_dict() for area in self.areas],
            "additivity_draws": [
                {"combination": name, **draw.to_dict()} for name, draw in self.drawn
            ],
            "doses": None if self.doses is None else self.doses.to_dict(),
            "sequences": [found.to_dict() for found in self.sequences],
            "grid": [surface.to_dict() for surface in self.surfaces],
            "addition": None if self.addition is None else self.addition.to_dict(),
            "warnings": [warning.to_dict() for warning in self.warnings],
        }


def _roles(study: SynergyAnalysis) -> dict[str, object] | None:
    """Arms by the letters of the command line."""
    if study.arms is None:
        return None
    letters = dict(zip("abc", study.arms.partners, strict=False))
    named = {arm: letter for letter, arm in letters.items()}
    return {
        "control": study.arms.control,
        **letters,
        "combination": study.arms.combination,
        **{
            "".join(sorted(named[partner] for partner in pair.partners)): pair.arm
            for pair in study.arms.pairs
        },
    }


def _days(band: IndexBand) -> list[dict[str, object]]:
    days = band.to_dict()["days"]
    return days if isinstance(days, list) else []


def _result(result: SynergyResult) -> dict[str, object]:
    """A result; warnings are those of the study."""
    found = result.to_dict()
    del found["warnings"]
    status = "ok"
    if result.estimate is None and result.p_value is None:
        status = "not_estimable"
    elif result.reason:
        status = "flagged"
    scored = result.null != "response_additivity" and result.scale == "growth_rate"
    return {
        **found,
        "status": status,
        "synergylmm_score": synergylmm_score(result) if scored else None,
    }


def _row(result: SynergyResult, study: SynergyAnalysis) -> dict[str, object]:
    """The columns that a meta-analysis reads; empty where a result is no effect size."""
    if result.alternative != "two_sided" or not result.std_error:
        return {"label": None, "yi": None, "vi": None, "measure": None}
    known = study.line not in ("", NO_LINE, study.study_id)
    row = synergy_row(result, f"{study.study_id} {study.line}" if known else study.study_id)
    return {"label": row.label, "yi": row.yi, "vi": row.vi, "measure": row.measure}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSynergy:
    """The combination in every study of a file, in its order."""

    source: InputFile
    reading: StudyOptions
    options: SynergyOptions
    seed: int
    studies: tuple[SynergyAnalysis | SkippedStudy, ...]

    @property
    def analysed(self) -> tuple[SynergyAnalysis, ...]:
        """The studies with results."""
        return tuple(study for study in self.studies if isinstance(study, SynergyAnalysis))

    @property
    def skipped(self) -> tuple[SkippedStudy, ...]:
        """The studies without."""
        return tuple(study for study in self.studies if isinstance(study, SkippedStudy))

    def to_frame(self) -> pd.DataFrame:
        """All results as one table; of a grid its cells, of an addition its indices."""
        import pandas as pd

        columns = (
            *("null", "scale", "day", "estimate", "std_error", "df", "lower", "upper", "p_value"),
            *("index", "index_lower", "index_upper", "detectable_index", "verdict", "reason"),
        )
        frames = []
        for study in self.analysed:
            labels = {"study": study.study_id, "line": study.line}
            rows = []
            for result in study.results:
                found = result.to_dict()
                arms = {
                    "control": result.arms.control,
                    "partners": " + ".join(result.arms.partners),
                    "combination": result.arms.combination,
                }
                rows.append(
                    {
                        **labels,
                        **arms,
                        **{name: found[name] for name in columns},
                        **_row(result, study),
                    }
                )
            if rows:
                frames.append(pd.DataFrame(rows))
            for surface in study.surfaces:
                frame = surface.to_frame()
                for place, (name, value) in enumerate({**labels, "null": surface.null}.items()):
                    frame.insert(place, name, value)
                frames.append(frame)
            if study.addition is not None:
                frame = pd.DataFrame([asdict(index) for index in study.addition.indices])
                for place, (name, value) in enumerate(labels.items()):
                    frame.insert(place, name, value)
                frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo synergy``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={**self.reading.to_dict(), **self.options.to_dict()},
            seed=self.seed,
            content={
                "studies": [
                    study.to_dict()
                    if isinstance(study, SynergyAnalysis)
                    else {
                        "study": study.study_id,
                        "line": study.line,
                        "status": "not_estimable",
                        "reason": study.reason,
                        "arms": None,
                        "results": [],
                        "band": [],
                        "warnings": [],
                    }
                    for study in self.studies
                ]
            },
        )
