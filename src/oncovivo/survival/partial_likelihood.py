"""Cox's partial likelihood with Efron's ties, as one weighted risk set for each event.

Each of d tied events has a risk set of its own: the l-th counts the tied animals by 1 − l/d. What
remains is a sum over events, with strata and late entries in the weights. Animals with the same
covariates are counted together, and leading axes are studies.

References
----------
Cox DR. J R Stat Soc B 1972;34:187. Efron B. J Am Stat Assoc 1977;72:557. Firth D. Biometrika
1993;80:27. Heinze G, Schemper M. Biometrics 2001;57:114.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.survival.risk_sets import RiskSets

__all__ = ["Held", "PartialLikelihood", "Penalized", "efron_weights", "infinite_coefficients"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# A direction in which the likelihood never falls moves a coefficient by more than this.
_MOVES: Final = 1e-7
# Up to this many events for each coefficient the information is no stand-in for the Hessian.
_FEW_EVENTS: Final = 2
# Step of a difference of gradients.
_STEP: Final = 1e-4


def efron_weights(sets: RiskSets) -> FloatArray:
    """Weight of each animal in the risk set of each event.

    Returns
    -------
    ndarray, shape (B, n, n)
        Rows of animals without event are 0.
    """
    ties = sets.tied.sum(axis=2)
    rank = np.tril(sets.tied, -1).sum(axis=2)
    share = rank / np.maximum(ties, 1.0)
    weights: FloatArray = sets.at_risk - share[:, :, None] * sets.tied
    return weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialLikelihood:
    """Minus the log partial likelihood of B studies; an objective of Newton's method.

    Parameters
    ----------
    design : ndarray, shape (u, p)
        Distinct rows of covariates, shared by the studies.
    weights : ndarray, shape (B, m, u)
        Weight of each covariate row in each event's risk set; all 0 where there is no event.
    live : ndarray of bool, shape (B, m)
        Which rows are events.
    observed : ndarray, shape (B, p)
        Sum of the covariates over events.
    """

    design: FloatArray
    weights: FloatArray
    live: BoolArray
    observed: FloatArray

    @classmethod
    def of(cls, sets: RiskSets, rows: IntArray, design: FloatArray) -> PartialLikelihood:
        """From risk sets, the covariate row of each animal (B, n) or (n,), and the rows."""
        rows = np.broadcast_to(np.atleast_2d(rows), sets.event.shape)
        member = (rows[:, :, None] == np.arange(design.shape[0])).astype(np.float64)
        had = sets.event.astype(np.float64)
        return cls(
            design=design,
            weights=efron_weights(sets) @ member,
            live=sets.event,
            observed=(had[:, None, :] @ member)[:, 0] @ design,
        )

    def shares(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Probability of each covariate row at each event, and log sum of hazards (0 if none)."""
        linear = theta @ self.design.T
        top = linear.max(axis=1, keepdims=True)
        part = self.weights * np.exp(linear - top)[:, None, :]
        total = part.sum(axis=2)
        positive = np.where(self.live, total, 1.0)
        with np.errstate(divide="ignore"):
            log_total = np.where(self.live, np.log(positive) + top, 0.0)
        return part / np.maximum(positive, 1e-300)[:, :, None], log_total

    def moments(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Values, gradients and information of −l, and the shares (B, m, u)."""
        share, log_total = self.shares(theta)
        mean = share @ self.design
        value = log_total.sum(axis=1) - (self.observed * theta).sum(axis=1)
        gradient = mean.sum(axis=1) - self.observed
        second = np.einsum("bu,ui,uj->bij", share.sum(axis=1), self.design, self.design)
        return value, gradient, second - mean.swapaxes(1, 2) @ mean, share

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients and Hessians at theta (B, p)."""
        return self.moments(theta)[:3]

    def of_events(self) -> PartialLikelihood:
        """The likelihood of one study without the rows of animals that had no event."""
        return PartialLikelihood(
            design=self.design,
            weights=self.weights[:, self.live[0]],
            live=self.live[:, self.live[0]],
            observed=self.observed,
        )

    def take(self, index: IntArray) -> PartialLikelihood:
        """Some of the studies."""
        return PartialLikelihood(
            design=self.design,
            weights=self.weights[index],
            live=self.live[index],
            observed=self.observed[index],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Penalized:
    """Minus Firth's penalized log likelihood: less half the log determinant of the information.

    The information stands for the Hessian.
    """

    likelihood: PartialLikelihood

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients and information at theta (B, p)."""
        value, gradient, information, share = self.likelihood.moments(theta)
        sign, log_determinant = np.linalg.slogdet(information)
        usable = (sign > 0) & np.isfinite(log_determinant)
        eye = np.eye(theta.shape[1])
        inverse = np.linalg.inv(np.where(usable[:, None, None], information, eye))
        design = self.likelihood.design
        centered = design - (share @ design)[:, :, None, :]
        # Plain matrix products: sums over four indices would look for their order anew each time.
        count, size = theta.shape
        flat = centered.reshape(count, -1, size)
        distance = ((flat @ inverse) * flat).sum(axis=2)
        slope = ((share.reshape(count, -1) * distance)[:, None, :] @ flat)[:, 0]
        penalized = np.where(usable, value - 0.5 * np.where(usable, log_determinant, 0.0), np.inf)
        return penalized, gradient - 0.5 * slope, information

    def take(self, index: IntArray) -> Penalized:
        """Some of the studies."""
        return Penalized(likelihood=self.likelihood.take(index))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """Penalized likelihood of one study with one coefficient held, a function of the others.

    Where events are few the information is far from the Hessian, and searches would be long: then
    the Hessian is worked out, by differences of the gradient.

    Parameters
    ----------
    penalized : Penalized
        Of all coefficients.
    which : int
        The coefficient held.
    at : float
        Its value.
    """

    penalized: Penalized
    which: int
    at: float

    def whole(self, theta: FloatArray) -> FloatArray:
        """All coefficients from the others."""
        return np.insert(theta, self.which, self.at, axis=1)

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, gradient, and Hessian or information, at theta (1, p − 1)."""
        value, gradient, information = self.penalized(self.whole(theta))
        size = theta.shape[1]
        rest = np.delete(np.arange(size + 1), self.which)
        events = int(self.penalized.likelihood.live.sum())
        if size == 0 or events > _FEW_EVENTS * size:
            return value, gradient[:, rest], information[:, rest[:, None], rest]
        steps = _STEP * np.vstack([np.eye(size), -np.eye(size)])
        around = self.penalized.take(np.zeros(2 * size, dtype=np.intp))
        slopes = around(self.whole(theta + steps))[1][:, rest]
        hessian = (slopes[:size] - slopes[size:]) / (2 * _STEP)
        return value, gradient[:, rest], 0.5 * (hessian + hessian.T)[None]

    def take(self, index: IntArray) -> Held:
        """Some of the studies."""
        return Held(penalized=self.penalized.take(index), which=self.which, at=self.at)


def infinite_coefficients(likelihood: PartialLikelihood, rows: IntArray) -> BoolArray:
    """Which coefficients of one study grow without bound (monotone likelihood).

    A linear program looks for a direction along which every event's animal gains on, or keeps up
    with, all others at risk, and some gain.

    Parameters
    ----------
    likelihood : PartialLikelihood
        Of one study, with one row for each animal.
    rows : ndarray of int, shape (n,)
        Covariate row of each animal.

    Returns
    -------
    ndarray of bool, shape (p,)

    Raises
    ------
    DataError
        If the likelihood says nothing on some combination of coefficients.
    """
    n_rows, n_terms = likelihood.design.shape
    reach = np.zeros((n_rows, n_rows), dtype=np.bool_)
    live = likelihood.live[0]
    np.logical_or.at(reach, rows[live], likelihood.weights[0][live] > 0)
    own, other = np.nonzero(reach & ~np.eye(n_rows, dtype=np.bool_))
    pairs = likelihood.design[own] - likelihood.design[other]
    differences = np.unique(pairs, axis=0)
    if not own.size or np.linalg.matrix_rank(differences) < n_terms:
        expected = "events while animals of all arms were under observation"
        raise DataError(expected, found="arms that no event compares")
    size = differences.shape[0]
    parts: Any = [-differences, scipy.sparse.eye_array(size)]
    blocks: Any = scipy.sparse.hstack(parts)
    # Variables: the direction, then the gain of each pair, at most 1.
    bounds: Any = [(None, None)] * n_terms + [(0.0, 1.0)] * size
    solution = scipy.optimize.linprog(
        np.concatenate([np.zeros(n_terms), -np.ones(size)]),
        A_ub=blocks.tocsr(),
        b_ub=np.zeros(size),
        bounds=bounds,
        method="highs",
    )
    direction: FloatArray = np.asarray(solution.x, dtype=np.float64)[:n_terms]
    gains = differences @ direction
    if gains.max() <= _MOVES:
        return np.zeros(n_terms, dtype=np.bool_)
    moved: BoolArray = np.abs(direction) > _MOVES
    return moved
