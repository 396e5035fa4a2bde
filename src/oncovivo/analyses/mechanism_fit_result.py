"""Fits of mechanism models as rows and as JSON, whichever estimator made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.analyses.contract import contract
from oncovivo.errors import InputError
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.animal_curves import AnimalCurve, ArmEffect
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit import AnimalFits, FitData, FitPlan, MechanismFit, PooledFit
from oncovivo.mechanism.held_numbers import HeldNumbers
from oncovivo.mechanism.vpc import LEAST_STUDIES, PERCENTILES, VisualCheck
from oncovivo.provenance import InputFile

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AnimalRow", "Estimator", "FileFit", "FitNote", "FitOptions", "FitRow"]

FloatArray: TypeAlias = NDArray[np.float64]
Estimator: TypeAlias = Literal["population", "pooled", "animals"]

SCHEMA = "oncovivo.mechanism_fit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """What the user says beside the plan.

    Parameters
    ----------
    estimator : {"population", "pooled", "animals"}
        All animals with what differs between them; all as one; each by itself.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    limits : bool
        Whether the naive pooled fit gets profile limits.
    studies : int
        Simulated studies of the visual check, 20 or more; 0 for no check.
    seed : int, optional
        Seed; else the plan's, else from the digests of plan and study.
    saem : SaemPlan, optional
        Length of the population's search.
    draws : int
        Draws of each animal for the likelihood, a power of two.

    Raises
    ------
    InputError
        If from 1 to 19 studies are to be simulated.
    """

    estimator: Estimator = "population"
    engine: Engine = "adaptive"
    limits: bool = True
    studies: int = 200
    seed: int | None = None
    saem: SaemPlan | None = None
    draws: int = 512

    def __post_init__(self) -> None:
        if self.studies and self.studies < LEAST_STUDIES:
            expected = f"{LEAST_STUDIES} simulated studies or more, or 0 for no visual check"
            raise InputError(expected, found=str(self.studies), where="--vpc")

    def to_dict(self) -> dict[str, object]:
        """All options but the seed, ready for JSON."""
        saem = self.saem or SaemPlan()
        return {
            "estimator": self.estimator,
            "engine": self.engine,
            "limits": self.limits,
            "studies": self.studies,
            "explore": saem.explore,
            "settle": saem.settle,
            "chains": saem.chains,
            "draws": self.draws,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FitNote:
    """Something to know about a fit: a stable code and one line."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRow:
    """An estimated number.

    Parameters
    ----------
    name, unit, meaning, transform : str
        Of the model.
    estimate, lower, upper : float or None
        Typical value with its limits; None where the readings do not determine it, and limits
        None where there are none.
    standard_error : float or None
        On the transformed scale: of a logarithm, the relative one.
    between_animal : bool
        Whether animals differ.
    spread, spread_error : float or None
        Standard deviation between animals on the transformed scale, and its standard error.
    shrinkage : float or None
        One minus the standard deviation of the animals' means over the spread.
    identified, at_bound : bool
        Whether the readings determine it; whether it lies at an end of its range.
    pooled, pooled_lower, pooled_upper : float or None
        Of the naive pooled fit, with profile limits.
    open_profile : bool
        Whether the pooled likelihood stays level on a side although the population's curvature
        gives limits: these may then be far too narrow.
    determined_in : int or None
        Animals whose readings alone determine it; None but for single animals.
    """

    name: str
    unit: str
    meaning: str
    transform: str
    estimate: float | None
    lower: float | None
    upper: float | None
    standard_error: float | None
    between_animal: bool
    spread: float | None
    spread_error: float | None
    shrinkage: float | None
    identified: bool
    at_bound: bool
    pooled: float | None
    pooled_lower: float | None
    pooled_upper: float | None
    open_profile: bool = False
    determined_in: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalRow:
    """A number of one animal: with limits where it was fitted alone."""

    animal_id: str
    arm: str
    name: str
    unit: str
    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileFit:
    """A plan and a study, what was said beside them, and what came out.

    Parameters
    ----------
    source, study_source : InputFile
        Plan, and study.
    options : FitOptions
        What was said.
    study_options : mapping
        How the study was read.
    simulated : bool
        Whether the study is simulated.
    plan : FitPlan
        What was asked.
    data : FitData
        What it was fitted to.
    held : HeldNumbers
        What was taken as given.
    rows : tuple of FitRow
        Estimates.
    animals : tuple of AnimalRow
        Of single animals, where they have numbers of their own.
    typical, spread : ndarray, shape (k,)
        Of the population, estimation scale, determined or not.
    sigma, sigma_error : float or None
        Standard deviation of a log reading, and its standard error.
    log_likelihood, monte_carlo_error : float or None
        Error None where nothing was drawn.
    n_estimated : int
        How many numbers were estimated.
    converged : bool
        Whether the search is at the maximum, for each animal where they are fitted alone.
    rounds : int or None
        How often SAEM was run.
    level : float
        Of the limits.
    fit : MechanismFit or None
        Of the population.
    pooled : PooledFit
        All animals as one.
    single : AnimalFits or None
        Each animal by itself.
    curves : tuple of AnimalCurve
        Readings and curves of the animals.
    effects : tuple of ArmEffect
        Typical tumors against the control's.
    check : VisualCheck or None
        None where none was asked for, or animals were fitted alone.
    seed : int
        Of all draws.
    warnings : tuple of FitNote
        What to know.
    """

    source: InputFile
    study_source: InputFile
    options: FitOptions
    study_options: Mapping[str, object]
    simulated: bool
    plan: FitPlan
    data: FitData
    held: HeldNumbers
    rows: tuple[FitRow, ...]
    animals: tuple[AnimalRow, ...]
    typical: FloatArray
    spread: FloatArray
    sigma: float | None
    sigma_error: float | None
    log_likelihood: float | None
    monte_carlo_error: float | None
    n_estimated: int
    converged: bool
    rounds: int | None
    level: float
    fit: MechanismFit | None
    pooled: PooledFit
    single: AnimalFits | None
    curves: tuple[AnimalCurve, ...]
    effects: tuple[ArmEffect, ...]
    check: VisualCheck | None
    seed: int
    warnings: tuple[FitNote, ...]

    @property
    def not_identified(self) -> tuple[str, ...]:
        """Numbers that the readings do not determine."""
        return tuple(row.name for row in self.rows if not row.identified)

    @property
    def sound(self) -> bool:
        """Whether it converged, determines and bounds all it estimates, and is on no bound."""
        doubtful = any(row.at_bound or row.open_profile for row in self.rows)
        return self.converged and not self.not_identified and not doubtful

    @property
    def aic(self) -> float | None:
        """Akaike's criterion; None for animals that were fitted alone."""
        if self.log_likelihood is None or self.single is not None:
            return None
        return 2.0 * self.n_estimated - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float | None:
        """Schwarz's criterion, of animals, or of readings where they are pooled; else None."""
        if self.log_likelihood is None or self.single is not None:
            return None
        growth = self.data.growth
        count = growth.n_animals if self.fit is not None else growth.n_observations
        return float(np.log(count)) * self.n_estimated - 2.0 * self.log_likelihood

    @property
    def control(self) -> str | None:
        """The arm of the study that the simulation takes as control, if it has readings."""
        for study_arm, simulated_arm in self.plan.arms:
            if simulated_arm == self.plan.simulation.control:
                return study_arm
        return None

    @property
    def numbers_sentence(self) -> str:
        """What the curves rest on."""
        held = self.held
        return (
            f"behind the curves: {len(self.rows)} estimated, {len(held.assumed)} assumed, "
            f"{len(held.scaled)} scaled and {len(held.fitted) + len(held.measured)} other numbers"
        )

    def to_frame(self) -> pd.DataFrame:
        """One row for each estimated number; of single animals, one for each of theirs."""
        import pandas as pd

        if self.single is not None:
            return pd.DataFrame([asdict(row) for row in self.animals])
        frame = pd.DataFrame([asdict(row) for row in self.rows])
        return frame.drop(columns="determined_in")

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo mechanism fit``."""
        plan, growth, simulation = self.plan, self.data.growth, self.plan.simulation
        return contract(
            SCHEMA,
            source=self.source,
            options={**self.options.to_dict(), "reading": dict(self.study_options)},
            seed=self.seed,
            content={
                "plan": {
                    "name": plan.name,
                    "title": plan.title,
                    "arms": dict(plan.arms),
                    "output": plan.output,
                    "leaves_at_mm3": plan.leaves_at_mm3,
                    "baseline_day": plan.baseline_day,
                },
                "study": {
                    "name": self.study_source.name,
                    "sha256": self.study_source.sha256,
                    "study_id": growth.study_id,
                    "line": growth.line,
                    "simulated": self.simulated,
                    "animals": growth.n_animals,
                    "readings": growth.n_observations,
                    "below_limit": int(growth.below_limit.sum()),
                    "baseline_day": growth.baseline_day,
                    "notes": list(self.data.notes),
                },
                "model": {
                    "simulation": simulation.name,
                    "title": simulation.title,
                    "blocks": [block.name for block in simulation.model.blocks],
                    "states": list(simulation.model.state_names),
                    "engine": self.options.engine,
                },
                "simulated": self.simulated,
                "estimator": self.options.estimator,
                "assumed_count": len(self.held.assumed),
                "scaled_count": len(self.held.scaled),
                "assumed": list(self.held.assumed),
                "scaled": list(self.held.scaled),
                "level": self.level,
                "parameters": [asdict(row) for row in self.rows],
                "sigma": self.sigma,
                "sigma_error": self.sigma_error,
                "errors": [] if self.fit is None else [asdict(one) for one in self.fit.errors],
                "log_likelihood": self.log_likelihood,
                "monte_carlo_error": self.monte_carlo_error,
                "n_estimated": self.n_estimated,
                "aic": self.aic,
                "bic": self.bic,
                "converged": self.converged,
                "rounds": self.rounds,
                "not_identified": list(self.not_identified),
                "sound": self.sound,
                "effects": [asdict(effect) for effect in self.effects],
                "animals": [asdict(row) for row in self.animals],
                "predictive_check": None if self.check is None else _check(self.check),
            },
            warnings=tuple(asdict(note) for note in self.warnings),
        )


def _check(check: VisualCheck) -> dict[str, object]:
    """The visual check as JSON; lists in the order of the percentiles."""
    return {
        "percentiles": list(PERCENTILES),
        "studies": check.studies,
        "level": check.level,
        "limit_mm3": check.limit_mm3,
        "leaves_at_mm3": check.leaves_at_mm3,
        "share_inside": check.share_inside,
        "visits": [
            {
                "arm": visit.arm,
                "time_d": visit.time_d,
                "animals": visit.animals,
                "below_limit": visit.below_limit,
                "observed": list(visit.observed),
                "median": None if visit.median is None else list(visit.median),
                "lower": None if visit.lower is None else list(visit.lower),
                "upper": None if visit.upper is None else list(visit.upper),
            }
            for visit in check.visits
        ],
    }
