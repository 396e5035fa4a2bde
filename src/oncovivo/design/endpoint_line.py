"""The line of an animal in a fitted growth model, with what is not known of it.

The line is the arm's line plus the animal's own deviations, predicted from its readings (BLUP). A
reading on day t is then predicted with the variance

    (w - zAX) Phi (w - zAX)' + z (G - A Z G) z' + sigma²,   A = G Z' V⁻¹,

w the weights of the arm's mean on day t, z = (1, t), X and Z the animal's rows of the fixed and
random part, V = Z G Z' + sigma² I, Phi the covariance of the coefficients: what is not known of
the arm, of the animal, and of the reading itself (Henderson's mixed model equations, written for
one animal). Readings of two animals share the first part only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.growth.fit import GrowthFit

__all__ = ["AnimalLine", "animal_line", "animal_places", "check_model", "start_day"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnimalLine:
    """Mean and spread of a reading t days after the animal's baseline, log mm³.

    Parameters
    ----------
    start, slope : float
        Of the mean.
    weights : ndarray, shape (2, p)
        Of the coefficients in start and slope.
    shared : ndarray, shape (2, 2)
        Covariance of start and slope that comes from the coefficients.
    own : ndarray, shape (2, 2)
        Covariance of start and slope that is the animal's own.
    residual : float
        Variance of a reading about the line.
    df : float
        Degrees of freedom of the arm's rate.
    """

    start: float
    slope: float
    weights: FloatArray
    shared: FloatArray
    own: FloatArray
    residual: float
    df: float

    @property
    def variance(self) -> FloatArray:
        """Variance of a reading as a polynomial of the time, constant first."""
        spread = self.shared + self.own
        return np.array([spread[0, 0] + self.residual, 2 * spread[0, 1], spread[1, 1]])

    def mean(self, time: float) -> float:
        """Expected log size."""
        return self.start + self.slope * time

    def sd(self, time: float) -> float:
        """Standard deviation of the prediction."""
        return math.sqrt(max(float(np.polyval(self.variance[::-1], time)), 0.0))

    def own_sd(self, time: float) -> float:
        """Standard deviation of the prediction if the coefficients were known."""
        z = np.array([1.0, time])
        return math.sqrt(max(float(z @ self.own @ z) + self.residual, 0.0))

    def quantile(self, level: float) -> float:
        """How many standard deviations an interval reaches."""
        return float(special.stdtrit(self.df, 0.5 + level / 2))

    def first(self, target: float, reach: float, begin: float) -> float | None:
        """First time from `begin` on at which mean + reach × sd meets the target."""
        if self.mean(begin) + reach * self.sd(begin) >= target:
            return begin
        if reach == 0:
            return (target - self.start) / self.slope if self.slope > 0 else None
        # (target - mean)² = reach² variance, of whose roots those on the right branch count.
        gap = np.array([(target - self.start) ** 2, 2 * (self.start - target) * self.slope, 0.0])
        gap[2] = self.slope**2
        roots = np.roots((gap - reach**2 * self.variance)[::-1])
        times = sorted(
            float(root.real)
            for root in roots
            if abs(root.imag) <= 1e-9 * max(1.0, abs(root.real)) and root.real > begin
        )
        for time in times:
            if (target - self.mean(time)) * reach >= 0:
                return time
        return None


def animal_line(fit: GrowthFit, place: int, number: int) -> AnimalLine:
    """The line of an animal.

    Parameters
    ----------
    fit : GrowthFit
        A fit that :func:`check_model` accepts.
    place, number : int
        Place among the fitted animals, and number in the data; see :func:`animal_places`.
    """
    problem, data = fit.problem, fit.data
    own = problem.animal == place
    arm = int(data.arm[number])
    z = np.column_stack((np.ones(int(own.sum())), problem.time[own]))
    cov, sigma2 = fit.random_covariance, float(fit.residual_variance[place])
    # Columns: level and slope of the arm's mean, so that the weights on a day are start + t step.
    ends = fit.terms.curve(arm, np.array([0.0, 1.0]))
    start, step = ends[0], ends[1] - ends[0]
    gain = np.linalg.solve(z @ cov @ z.T + sigma2 * np.eye(len(z)), z @ cov).T
    rest = cov - gain @ z @ cov
    carry = gain @ problem.x[own]
    weights = np.vstack((start - carry[0], step - carry[1]))
    shared = weights @ fit.inference.covariance @ weights.T
    effect = fit.random_effects[place]
    return AnimalLine(
        start=float(start @ fit.coefficients + effect[0]),
        slope=float(step @ fit.coefficients + effect[1]),
        weights=weights,
        shared=(shared + shared.T) / 2,
        own=(rest + rest.T) / 2,
        residual=sigma2,
        df=float(fit.contrasts(step).df[0]),
    )


def animal_places(fit: GrowthFit) -> dict[str, tuple[int, int]]:
    """Place among the fitted animals and number in the data of each animal that entered.

    Parameters
    ----------
    fit : GrowthFit
        The fit.
    """
    entered = np.unique(fit.data.animal[fit.terms.rows])
    return {
        fit.data.animal_ids[number]: (place, int(number)) for place, number in enumerate(entered)
    }


def start_day(fit: GrowthFit, number: int) -> float:
    """Study day on which the clock of an animal starts.

    Parameters
    ----------
    fit : GrowthFit
        The fit.
    number : int
        The animal's number in the data.
    """
    first = int(np.flatnonzero(fit.data.animal == number)[0])
    return float(fit.data.day[first] - fit.data.time[first])


def check_model(fit: GrowthFit) -> None:
    """Refuse models whose predictions these formulas do not hold for.

    Parameters
    ----------
    fit : GrowthFit
        The fit.

    Raises
    ------
    InputError
        If time is not linear, there are groups, covariates or correlated residuals, or areas.
    """
    model = fit.model
    fits = (
        model.baseline == "outcome"
        and model.time.kind == "linear"
        and not model.groups
        and not model.covariates
        and model.residual in ("iid", "arm")
    )
    if not fits:
        expected = "a growth model with linear time and random lines of the animals only"
        raise InputError(expected, found=f"{model.time.kind} time, residual {model.residual}")
    if fit.data.measure != "volume_mm3":
        expected = "volumes to project to a volume limit"
        raise InputError(expected, found="areas", where=f"study {fit.data.study_id}")
