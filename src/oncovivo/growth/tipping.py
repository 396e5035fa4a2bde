"""How much faster animals that left must have grown for the conclusion to change.

The model takes animals that left to go on as their own readings and the model say (missing at
random). Here the readings that a treated arm's leavers would have had on later days are imputed
many times under that assumption, their growth after leaving is made faster by delta per day, and
each completed study is fitted again. The tipping point is the smallest delta at which the interval
of the difference in rates holds 0. The same is asked of the control's leavers, whose growth after
leaving is made slower.

References
----------
Little RJA. J Am Stat Assoc 1993;88:125 (pattern mixtures). Rubin DB. Multiple Imputation for
Nonresponse in Surveys, 1987. Barnard J, Rubin DB. Biometrika 1999;86:948 (degrees of freedom).
Cro S, et al. Stat Med 2020;39:2815 (delta adjustment in practice).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.growth.data import SAME_DAY
from oncovivo.growth.fit import GrowthFit
from oncovivo.growth.many import Method, fit_many
from oncovivo.growth.replicates import Replicates

__all__ = [
    "DeltaStudies",
    "ImputedContrast",
    "Side",
    "TippingPoint",
    "TippingStatus",
    "delta_studies",
    "tipping_point",
    "why_not_available",
]

FloatArray: TypeAlias = NDArray[np.float64]
Side: TypeAlias = Literal["arm", "control"]
TippingStatus: TypeAlias = Literal[
    "ok", "nobody_left", "no_difference", "wrong_direction", "not_reached", "not_available"
]

# Multiples of the difference in rates at which the search looks first, the last at most: growth
# that changes by eight times the effect on the day an animal leaves is past believing.
_STEPS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
# The tipping point is found to this share of itself; Monte Carlo error is larger.
_SHARP: Final = 5e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class ImputedContrast:
    """Difference of two rates over the completed studies, by Rubin's rules.

    Parameters
    ----------
    delta : float
        Change of the rate after leaving to the worse, natural log per day.
    estimate, std_error, df, lower, upper : float
        Rate of the arm less the control's, natural log per day; Barnard-Rubin degrees of freedom.
    missing_share : float
        Share of the variance that lies between the imputations.
    monte_carlo_error : float
        Of the estimate, from the finite number of imputations.
    """

    delta: float
    estimate: float
    std_error: float
    df: float
    lower: float
    upper: float
    missing_share: float
    monte_carlo_error: float

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingPoint:
    """The growth after leaving that changes the conclusion about an arm.

    Parameters
    ----------
    side : {"arm", "control"}
        Whose leavers were changed: the arm's grow faster by `delta`, the control's slower.
    delta : float or None
        Smallest change of the leavers' rate after leaving at which the interval holds 0, natural
        log per day; None where there is none, with a `reason`.
    multiple : float or None
        The same in units of the difference between the control's and the arm's rate. At 1 an
        animal of the arm that left goes on as much faster as the control grows than the arm.
    monte_carlo_error : float or None
        Of `delta`, from the finite number of imputations.
    n_leavers : int
        Animals of the side whose later readings were imputed.
    n_imputed : int
        Readings that were.
    draws : int
        Imputations.
    at_random : ImputedContrast or None
        At delta 0, which agrees with the model up to Monte Carlo error.
    at_tipping : ImputedContrast or None
        At the tipping point.
    status : TippingStatus
        ``ok``; ``nobody_left``: no reading to impute; ``no_difference``: the interval holds 0 to
        begin with; ``wrong_direction``: the arm grows faster than the control, and such a change
        can only confirm that; ``not_reached``: not up to 8 differences; ``not_available``: the
        fit has no such analysis.
    reason : str
        In words; empty when ``ok``.
    """

    side: Side
    delta: float | None
    multiple: float | None
    monte_carlo_error: float | None
    n_leavers: int
    n_imputed: int
    draws: int
    at_random: ImputedContrast | None
    at_tipping: ImputedContrast | None
    status: TippingStatus
    reason: str

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {
            "side": self.side,
            "delta": self.delta,
            "multiple": self.multiple,
            "monte_carlo_error": self.monte_carlo_error,
            "n_leavers": self.n_leavers,
            "n_imputed": self.n_imputed,
            "draws": self.draws,
            "at_random": None if self.at_random is None else self.at_random.to_dict(),
            "at_tipping": None if self.at_tipping is None else self.at_tipping.to_dict(),
            "status": self.status,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeltaStudies:
    """The completed studies at every delta.

    Parameters
    ----------
    studies : Replicates
        Completed at delta 0.
    shift : ndarray, shape (m,)
        Days since leaving of the imputed readings, negative for the control's, 0 for those that
        were read: outcomes move by delta times this.
    weights : ndarray, shape (p,)
        The difference in rates.
    method : {"kr", "satterthwaite"}
        Inference in each completed study.
    n_leavers, n_imputed : int
        Animals and readings that were imputed.
    """

    studies: Replicates
    shift: FloatArray
    weights: FloatArray
    method: Method
    n_leavers: int
    n_imputed: int

    def contrast(self, delta: float, *, level: float) -> ImputedContrast:
        """The difference in rates at a delta.

        Parameters
        ----------
        delta : float
            Natural log per day.
        level : float
            Confidence of the interval.
        """
        moved = replace(self.studies, outcomes=self.studies.outcomes + delta * self.shift)
        fits = fit_many(moved, self.weights[None, :], method=self.method)
        estimate, error = fits.estimate[:, 0], fits.std_error[:, 0]
        draws = estimate.size
        within = float((error**2).mean())
        between = float(estimate.var(ddof=1)) * (1 + 1 / draws)
        total = within + between
        share = between / total
        complete = float(fits.df[:, 0].mean())
        # Barnard and Rubin 1999, eq. 3.
        observed = (complete + 1) / (complete + 3) * complete * (1 - share)
        df = 1 / (1 / observed + share**2 / (draws - 1))
        reach = float(special.stdtrit(df, 0.5 + level / 2)) * total**0.5
        middle = float(estimate.mean())
        return ImputedContrast(
            delta=delta,
            estimate=middle,
            std_error=total**0.5,
            df=df,
            lower=middle - reach,
            upper=middle + reach,
            missing_share=share,
            monte_carlo_error=float(estimate.std(ddof=1)) / draws**0.5,
        )


def why_not_available(fit: GrowthFit) -> str:
    """Why the imputation has no answer for a fit; empty where it has."""
    if fit.terms.shape.kind != "linear":
        return f"{fit.terms.shape.kind} time has no single rate to change; fit linear time"
    if fit.derivatives is None or fit.n_censored:
        return "a censored fit; fit with readings below the limit omitted"
    if fit.problem.groups:
        return "levels above the animal are not imputed; fit without groups"
    if fit.problem.residual not in ("iid", "arm"):
        return f"residual '{fit.problem.residual}' is not imputed; fit 'iid' or 'arm'"
    if fit.model.df == "cr2":
        return "cluster-robust inference of completed studies; fit with 'kr' or 'satterthwaite'"
    if fit.problem.likelihood != "REML":
        return "full maximum likelihood of completed studies; fit by REML"
    return ""


def delta_studies(
    fit: GrowthFit,
    arm: int,
    control: int,
    *,
    side: Side,
    left: Mapping[str, float],
    schedule: FloatArray,
    draws: int,
    rng: np.random.Generator,
) -> DeltaStudies:
    """Impute what the animals that left would have had on later days, many times.

    Each imputation draws the side's coefficients from their sampling distribution, then each
    animal's random effects given its own readings and these coefficients, then the readings. The
    variances are those of the fit.

    Parameters
    ----------
    fit : GrowthFit
        For which :func:`why_not_available` is empty.
    arm, control : int
        Numbers of the two arms.
    side : {"arm", "control"}
        Whose leavers are imputed.
    left : mapping of str to float
        Days since baseline of the last reading, by animal of that side that left.
    schedule : ndarray
        Days since baseline on which there would have been a reading, rising.
    draws : int
        Imputations.
    rng : numpy.random.Generator
        Source of randomness.
    """
    problem = fit.problem
    own_arm, sign = (arm, 1.0) if side == "arm" else (control, -1.0)
    numbers = np.unique(fit.data.animal[fit.terms.rows])
    place = {fit.data.animal_ids[number]: index for index, number in enumerate(numbers.tolist())}
    # By name, so that the draws do not depend on the order of the file.
    leavers = [
        (place[name], last, schedule[schedule > last + SAME_DAY])
        for name, last in sorted(left.items())
        if name in place
    ]
    leavers = [one for one in leavers if one[2].size]
    columns = np.flatnonzero((problem.x[problem.arm[problem.animal] == own_arm] != 0).any(axis=0))
    spread = fit.inference.covariance[np.ix_(columns, columns)]
    beta = fit.coefficients[columns] + rng.standard_normal((draws, columns.size)) @ _root(spread)
    x, time, animal, shift = [problem.x], [problem.time], [problem.animal], [0.0 * problem.time]
    outcomes = [np.tile(problem.y, (draws, 1))]
    for index, last, later in leavers:
        own = problem.animal == index
        x_later = np.tile(problem.x[own][0], (later.size, 1))
        x_later[:, fit.terms.time_of[own_arm]] = later[:, None]
        effects = _random_effects(fit, index, columns, beta, rng)
        noise = np.sqrt(fit.residual_variance[index]) * rng.standard_normal((draws, later.size))
        outcomes.append(
            beta @ x_later[:, columns].T + effects[:, :1] + effects[:, 1:] * later + noise
        )
        x.append(x_later)
        time.append(later)
        animal.append(np.full(later.size, index, dtype=np.intp))
        shift.append(sign * (later - last))
    completed = np.concatenate(outcomes, axis=1)
    design = replace(
        problem,
        y=completed[0],
        x=np.concatenate(x),
        time=np.concatenate(time),
        animal=np.concatenate(animal),
    )
    return DeltaStudies(
        studies=Replicates(design=design, outcomes=completed),
        shift=np.concatenate(shift),
        weights=fit.terms.rate(arm) - fit.terms.rate(control),
        method="satterthwaite" if fit.model.df == "satterthwaite" else "kr",
        n_leavers=len(leavers),
        n_imputed=completed.shape[1] - problem.y.size,
    )


def _random_effects(
    fit: GrowthFit,
    index: int,
    columns: NDArray[np.intp],
    beta: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Intercept and slope deviations of an animal given its readings, shape (draws, 2)."""
    problem = fit.problem
    own = problem.animal == index
    z = np.column_stack((np.ones(int(own.sum())), problem.time[own]))
    between = fit.random_covariance
    covariance = z @ between @ z.T + fit.residual_variance[index] * np.eye(z.shape[0])
    gain = np.linalg.solve(covariance, z @ between).T
    rest = problem.y[own] - beta @ problem.x[own][:, columns].T
    left_over = between - gain @ z @ between
    return np.asarray(rest @ gain.T + rng.standard_normal((beta.shape[0], 2)) @ _root(left_over))


def _root(covariance: FloatArray) -> FloatArray:
    """A root R with R'R = covariance, of a matrix that may be singular."""
    symmetric = (covariance + covariance.T) / 2
    scale = np.sqrt(np.maximum(np.diag(symmetric), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    value, vector = np.linalg.eigh(symmetric / np.outer(safe, safe))
    # The symmetric root, which does not depend on the signs of the vectors.
    root = (vector * np.sqrt(np.maximum(value, 0.0))) @ vector.T
    return np.asarray(root * safe)


def tipping_point(
    fit: GrowthFit,
    arm: int,
    control: int,
    *,
    side: Side,
    left: Mapping[str, float],
    schedule: FloatArray,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> TippingPoint:
    """The smallest delta at which the interval of the difference in rates holds 0.

    Parameters
    ----------
    fit : GrowthFit
        Fitted model.
    arm, control : int
        Numbers of the two arms.
    side, left, schedule
        As in :func:`delta_studies`.
    level : float
        Confidence of the interval.
    draws : int
        Imputations, two or more.
    rng : numpy.random.Generator
        Source of randomness.
    """
    why = why_not_available(fit)
    if why:
        return _none(side, "not_available", why, draws=draws)
    model = fit.contrasts(fit.terms.rate(arm) - fit.terms.rate(control), level=level)
    made = delta_studies(
        fit, arm, control, side=side, left=left, schedule=schedule, draws=draws, rng=rng
    )
    if not made.n_imputed:
        whose = "the arm" if side == "arm" else "the control"
        reason = f"no animal of {whose} left with readings to come"
        return _none(side, "nobody_left", reason, draws=draws)
    difference = float(model.estimate[0])
    start = made.contrast(0.0, level=level)
    if not (model.upper[0] < 0 or model.lower[0] > 0):
        reason = "the difference in rates does not exclude 0 to begin with"
        return _none(side, "no_difference", reason, draws=draws, made=made, start=start)
    if difference > 0:
        reason = "the arm grows faster than the control: such a change only confirms that"
        return _none(side, "wrong_direction", reason, draws=draws, made=made, start=start)
    unit = -difference
    seen = {0.0: start}

    def upper(delta: float) -> float:
        if delta not in seen:
            seen[delta] = made.contrast(delta, level=level)
        return seen[delta].upper

    low = high = 0.0
    for step in _STEPS:
        low, high = high, step * unit
        if upper(high) >= 0:
            break
    else:
        reason = f"the interval excludes 0 up to {_STEPS[-1]:g} times the difference in rates"
        return _none(side, "not_reached", reason, draws=draws, made=made, start=start)
    delta = high
    if high > low:
        delta = float(
            scipy.optimize.brentq(upper, low, high, xtol=_SHARP * high / 10, rtol=_SHARP)
        )
    upper(delta)
    end = seen[delta]
    near = min((other for other in seen if other != delta), key=lambda other: abs(other - delta))
    rise = (seen[near].upper - end.upper) / (near - delta)
    return TippingPoint(
        side=side,
        delta=delta,
        multiple=delta / unit,
        monte_carlo_error=end.monte_carlo_error / rise if rise > 0 else None,
        n_leavers=made.n_leavers,
        n_imputed=made.n_imputed,
        draws=draws,
        at_random=start,
        at_tipping=end,
        status="ok",
        reason="",
    )


def _none(
    side: Side,
    status: TippingStatus,
    reason: str,
    *,
    draws: int,
    made: DeltaStudies | None = None,
    start: ImputedContrast | None = None,
) -> TippingPoint:
    """No tipping point, and why."""
    return TippingPoint(
        side=side,
        delta=None,
        multiple=None,
        monte_carlo_error=None,
        n_leavers=0 if made is None else made.n_leavers,
        n_imputed=0 if made is None else made.n_imputed,
        draws=draws,
        at_random=start,
        at_tipping=None,
        status=status,
        reason=reason,
    )
