"""A mechanism model fitted to a study: all animals at once, with what differs between them.

In turn: the naive pooled fit, from several starts; iterated two-stage; SAEM, as often as it takes
to be at the maximum; the likelihood by importance sampling, and standard errors from its
curvature. What the readings do not determine is named and has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.growth.importance import PopulationLikelihood, population_likelihood
from oncovivo.growth.saem import PopulationStart, SaemPlan, SaemRun, run_saem
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves
from oncovivo.mechanism.fit.least_squares import UNKNOWN
from oncovivo.mechanism.fit.plan import EstimatedParameter, FitPlan, OutputError
from oncovivo.mechanism.fit.pooled import PooledFit, fit_pooled
from oncovivo.mechanism.fit.two_stage import TwoStage, iterated_two_stage

__all__ = ["FitWarning", "FittedError", "FittedParameter", "MechanismFit", "fit_mechanism"]

FloatArray: TypeAlias = NDArray[np.float64]

# The likelihood may rise no more than this to its maximum.
_GAIN: Final = 0.1
# Newton steps end when the likelihood can rise no more than this; most of them.
_ENOUGH: Final = 0.01
_POLISH: Final = 12
_LAST: Final = 3
# Draws around other centers give other noise.
_NOISE: Final = 0.05
_ROUNDS: Final = 3
_FEW_DRAWS: Final = 20.0
_NO_SPREAD: Final = 0.02
_NEAR_BOX: Final = 0.02
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class FitWarning:
    """Something to know about a fit: a stable code and one line."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedParameter:
    """An estimated parameter.

    Parameters
    ----------
    name, unit, meaning, transform : str
        Of the model.
    estimate, lower, upper : float or None
        Value of the typical animal with its limits; None where the readings do not determine it.
    standard_error : float or None
        On the transformed scale: of a logarithm, the relative one.
    between_animal : bool
        Whether animals differ.
    spread, spread_error : float or None
        Standard deviation between animals on the transformed scale, and its standard error.
    shrinkage : float or None
        One minus the standard deviation of the animals' means over the spread.
    pooled, pooled_lower, pooled_upper : float or None
        Of the naive pooled fit, with profile limits; None where the likelihood stays level.
    identified : bool
        Whether the readings determine it.
    at_bound : bool
        Whether it lies at the end of its range, or its spread at zero.
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
    pooled: float | None
    pooled_lower: float | None
    pooled_upper: float | None
    identified: bool
    at_bound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedError:
    """The error of an output's readings.

    Parameters
    ----------
    output : str
        Of the model.
    error : {"lognormal", "additive"}
        Of the logarithm, or of the reading itself.
    sigma : float
        Standard deviation.
    sigma_error : float or None
        Its standard error.
    """

    output: str
    error: OutputError
    sigma: float
    sigma_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MechanismFit:
    """A mechanism model fitted to a study.

    Parameters
    ----------
    plan : FitPlan
        What was asked.
    data : FitData
        What it was fitted to.
    parameters : tuple of FittedParameter
        Estimates.
    sigma, sigma_error : float
        Standard deviation of a log volume, and its standard error.
    errors : tuple of FittedError
        The same of every output, volume first.
    log_likelihood, monte_carlo_error : float
        By importance sampling.
    n_estimated : int
        Means, spreads and errors that were estimated.
    gain : float
        By how much the log-likelihood would still rise to its maximum.
    effective_draws : float
        Of the animal that has the fewest.
    rounds : int
        How often SAEM was run.
    converged : bool
        Whether the search is at the maximum.
    run : SaemRun
        Population, animals and trace.
    pooled : PooledFit
        The naive pooled fit.
    degrees : int
        Degrees of freedom of the t distribution behind the limits: animals less typical values.
    level : float
        Of the limits.
    seed : int
        Of all draws.
    warnings : tuple of FitWarning
        What to know.
    """

    plan: FitPlan
    data: FitData
    parameters: tuple[FittedParameter, ...]
    sigma: float
    sigma_error: float | None
    errors: tuple[FittedError, ...]
    log_likelihood: float
    monte_carlo_error: float
    n_estimated: int
    gain: float
    effective_draws: float
    rounds: int
    converged: bool
    run: SaemRun
    pooled: PooledFit
    degrees: int
    level: float
    seed: int
    warnings: tuple[FitWarning, ...]

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2.0 * self.n_estimated - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's criterion, animals counted."""
        count = self.data.growth.n_animals
        return float(np.log(count)) * self.n_estimated - 2.0 * self.log_likelihood

    @property
    def not_identified(self) -> tuple[str, ...]:
        """Parameters that the readings do not determine."""
        return tuple(one.name for one in self.parameters if not one.identified)

    @property
    def sound(self) -> bool:
        """Whether it converged, determines all it estimates and is on no bound."""
        on_bound = any(one.at_bound for one in self.parameters)
        return self.converged and not self.not_identified and not on_bound


def fit_mechanism(
    plan: FitPlan,
    data: FitData,
    *,
    seed: int,
    engine: Engine = "adaptive",
    saem: SaemPlan | None = None,
    draws: int = 256,
    limits: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> MechanismFit:
    """Fit a plan to the readings of a study.

    Parameters
    ----------
    plan : FitPlan
        Model, arms, what is estimated.
    data : FitData
        Readings.
    seed : int
        Of all draws.
    engine : {"adaptive", "generated", "numpy", "scipy"}
        How states are integrated.
    saem : SaemPlan, optional
        Length of the search.
    draws : int
        Draws of each animal for the likelihood, a power of two.
    limits : bool
        Whether the pooled fit gets profile limits.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    InputError
        If no parameter differs between animals.
    DataError
        If the model has no numbers at the start, or is stiff.
    """
    curve = MechanismCurves.of(plan, data, engine=engine)
    walk = np.random.default_rng(seed)
    sample = int(walk.integers(2**32))
    progress("pooled fit")
    pooled = fit_pooled(plan, data, curve, limits=limits)
    lower, upper = plan.box
    progress("two-stage start")
    start = _start(plan, data, curve, pooled)
    begin = PopulationStart(
        mean=start.mean,
        spread=start.spread,
        log_sigma=start.log_sigma,
        animals=start.animals,
        covariance=start.covariance,
    )
    schedule = saem or SaemPlan()
    rounds = 0
    while True:
        rounds += 1
        total = schedule.explore + schedule.settle

        def report(number: int, words: str = f"SAEM {rounds}", of: int = total) -> None:
            if number % 20 == 0:
                progress(f"{words}: iteration {number} of {of}")

        progress(f"SAEM {rounds}")
        run = run_saem(
            data.readings,
            curve,
            begin,
            lower=lower,
            upper=upper,
            rng=walk,
            plan=schedule,
            progress=report,
        )
        run, found = _maximum(data, curve, run, plan, luck=sample, draws=draws, progress=progress)
        settled = found.gain <= _GAIN
        if settled or rounds == _ROUNDS:
            break
        begin = run.restart()
    return _result(plan, data, pooled, run, found, rounds, seed, settled=settled)


def _start(plan: FitPlan, data: FitData, curve: MechanismCurves, pooled: PooledFit) -> TwoStage:
    """The better of two starts: where the pooled fit ended, and where the plan begins.

    A pooled fit can end far out in a direction that it does not see and the population does.
    """
    lower, upper = plan.box
    spread = np.array([one.spread if one.between_animal else 0.0 for one in plan.estimated])
    if not (spread > 0).any():
        raise InputError("a parameter that differs between animals", found="none")
    found = []
    reason = None
    for mean in (pooled.estimates, plan.start):
        try:
            found.append(
                iterated_two_stage(
                    data.readings,
                    curve,
                    mean=mean,
                    spread=spread,
                    log_sigma=np.log(np.maximum(pooled.sigmas / 2, 0.05)),
                    lower=lower,
                    upper=upper,
                )
            )
        except DataError as err:
            reason = err
    if reason is not None and not found:
        raise reason
    return max(found, key=lambda one: one.log_likelihood)


def _maximum(
    data: FitData,
    curve: MechanismCurves,
    run: SaemRun,
    plan: FitPlan,
    *,
    luck: int,
    draws: int,
    progress: Callable[[str], None],
) -> tuple[SaemRun, PopulationLikelihood]:
    """The maximum of the sampled likelihood near the end of the chains.

    What SAEM leaves is the noise of its chains; steps of Newton's method with the same draws at
    every step take it away.
    """
    lower, upper = plan.box

    def likelihood(at: SaemRun, number: int) -> PopulationLikelihood:
        return population_likelihood(
            data.readings,
            curve,
            at,
            lower=lower,
            upper=upper,
            rng=np.random.default_rng(luck),
            draws=number,
        )

    # Few draws lead near to the maximum; all of them decide.
    for number, most in ((max(draws // 4, 32), _POLISH), (draws, _LAST)):
        progress(f"likelihood with {number} draws")
        found = likelihood(run, number)
        for step in range(most):
            if found.gain <= _ENOUGH:
                break
            progress(f"likelihood with {number} draws: step {step + 1}")
            for share in (1.0, 0.5, 0.2):
                trial = found.moved(run, lower=lower, upper=upper, share=share)
                new = likelihood(trial, number)
                if new.gain < found.gain or new.log_likelihood > found.log_likelihood - _NOISE:
                    break
            else:
                break
            run, found = trial, new
    return run, found


def _result(
    plan: FitPlan,
    data: FitData,
    pooled: PooledFit,
    run: SaemRun,
    found: PopulationLikelihood,
    rounds: int,
    seed: int,
    *,
    settled: bool,
) -> MechanismFit:
    """The fit with limits, marks and warnings."""
    k = run.mean.size
    degrees = max(data.growth.n_animals - k, 1)
    random = np.flatnonzero(run.spread > 0)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.diag(found.covariance))
    parameters = []
    for place, one in enumerate(plan.estimated):
        spread_place = k + int(np.searchsorted(random, place)) if run.spread[place] > 0 else None
        parameters.append(
            _parameter(
                one,
                place,
                run,
                pooled,
                float(error[place]),
                degrees,
                None if spread_place is None else float(error[spread_place]),
            )
        )
    errors = tuple(
        FittedError(
            output=one.name,
            error=one.error,
            sigma=float(np.exp(log_sigma)),
            sigma_error=float(off * np.exp(log_sigma)) if np.isfinite(off) else None,
        )
        for one, log_sigma, off in zip(
            plan.outputs, run.log_sigma, error[k + random.size :], strict=True
        )
    )
    converged = settled and found.effective_draws >= _FEW_DRAWS
    return MechanismFit(
        plan=plan,
        data=data,
        parameters=tuple(parameters),
        sigma=errors[0].sigma,
        sigma_error=errors[0].sigma_error,
        errors=errors,
        log_likelihood=found.log_likelihood,
        monte_carlo_error=found.monte_carlo_error,
        n_estimated=run.mean.size + random.size + run.log_sigma.size,
        gain=found.gain,
        effective_draws=found.effective_draws,
        rounds=rounds,
        converged=converged,
        run=run,
        pooled=pooled,
        degrees=degrees,
        level=_LEVEL,
        seed=seed,
        warnings=_warnings(plan, tuple(parameters), found, converged=converged),
    )


def _parameter(
    one: EstimatedParameter,
    place: int,
    run: SaemRun,
    pooled: PooledFit,
    error: float,
    degrees: int,
    log_spread_error: float | None,
) -> FittedParameter:
    """One estimate."""
    mean, spread = float(run.mean[place]), float(run.spread[place])
    low, high = one.box
    at_end = mean - low < _NEAR_BOX or high - mean < _NEAR_BOX
    limit = UNKNOWN if one.transform != "identity" else UNKNOWN * max(abs(mean), 1e-300)
    identified = bool(np.isfinite(error) and error < limit)
    width = float(scipy.stats.t.ppf(0.5 + _LEVEL / 2, degrees)) * error
    spread_error = None
    if spread >= _NO_SPREAD and log_spread_error is not None and np.isfinite(log_spread_error):
        spread_error = log_spread_error * spread
    shrinkage = None
    if one.between_animal and identified:
        shrinkage = 1.0 - float(run.animals[:, place].std(ddof=1)) / spread
    return FittedParameter(
        name=one.name,
        unit=one.unit,
        meaning=one.meaning,
        transform=one.transform,
        estimate=float(one.natural(mean)) if identified else None,
        lower=float(one.natural(mean - width)) if identified else None,
        upper=float(one.natural(mean + width)) if identified else None,
        standard_error=error if identified else None,
        between_animal=one.between_animal,
        spread=spread if one.between_animal and identified else None,
        spread_error=spread_error if identified else None,
        shrinkage=shrinkage,
        pooled=pooled.value(place),
        pooled_lower=pooled.limit(place, "lower"),
        pooled_upper=pooled.limit(place, "upper"),
        identified=identified,
        at_bound=at_end or (one.between_animal and spread < _NO_SPREAD),
    )


def _warnings(
    plan: FitPlan,
    parameters: tuple[FittedParameter, ...],
    found: PopulationLikelihood,
    *,
    converged: bool,
) -> tuple[FitWarning, ...]:
    """What to know of a fit."""
    said = []
    if not converged:
        said.append(
            FitWarning(
                code="not_converged",
                message=f"the search is not at the maximum: the log-likelihood would rise by "
                f"{found.gain:.2g}, and {found.effective_draws:.0f} draws count for the animal "
                "that has the fewest",
            )
        )
    lost = [one.name for one in parameters if not one.identified]
    if lost:
        said.append(
            FitWarning(
                code="not_identified",
                message="the readings do not determine " + ", ".join(lost),
            )
        )
    ends = [one.name for one in parameters if one.at_bound]
    if ends:
        said.append(
            FitWarning(
                code="at_bound",
                message="at the end of its range, or without spread between animals: "
                + ", ".join(ends),
            )
        )
    if plan.further:
        said.append(
            FitWarning(
                code="outputs_by_simulation",
                message="fits of volume together with "
                + ", ".join(one.name for one in plan.further)
                + " have been tried on simulated readings only",
            )
        )
    return tuple(said)
