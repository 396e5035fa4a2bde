"""Maximum of the likelihood of nested or multivariate random effects, and its profiles.

The variances are found by Newton's method in a trust region, with exact first and second
derivatives. Variances of levels are bounded by 0 and may end there. Covariance matrices of
outcomes are parameterized so that they stay one: compound symmetry by its two eigenvalues, an
unstructured matrix by its Cholesky factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError
from oncovivo.evidence.meta.known_covariance import KnownCovariance
from oncovivo.evidence.meta.mixed_likelihood import (
    Component,
    Evaluation,
    MixedMethod,
    MixedModel,
    evaluate,
    log_likelihood,
    mixed_model,
)
from oncovivo.numerics.trust_region import Minimum, minimize

__all__ = ["MixedFit", "Shape", "Structure", "fit_mixed", "profile_limits"]

FloatArray: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = Literal["level", "CS", "UN"]

# Variances, as shares of the residual variance, that the search may start from.
_STARTS: Final = (0.03, 0.2, 0.8)
# With more parameters than this the grid of starts is left for one start.
_GRID_PARAMETERS: Final = 3
_START: Final = 0.3
# A variance below this share of the residual variance is 0.
_NOTHING: Final = 1e-10
# A profile that has not fallen enough at so many times the residual variance has no upper limit.
_LARGEST: Final = 1e6
# Newton steps of the logarithm of a limit: shorter than the first is the last, whose error is its
# square; none is longer than the second.
_LIMIT_STEP: Final = 1e-5
_LONGEST_STEP: Final = 1.5
_MOST_STEPS: Final = 60
# Numbers, and their ratios to the smallest variance, whose fourth powers can be computed with.
_FARTHEST: Final = 1e70


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """Groupings of the rows, and what shape the covariance of each one's effects has.

    Parameters
    ----------
    components : tuple of Component
        The groupings.
    shapes : tuple of {"level", "CS", "UN"}
        One variance; one variance and one covariance of several outcomes; all of them.
    """

    components: tuple[Component, ...]
    shapes: tuple[Shape, ...]

    def sizes(self) -> list[int]:
        """Variances and covariances of each component."""
        return [len(one.tables) for one in self.components]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedFit:
    """Maximum of the likelihood.

    Parameters
    ----------
    model : MixedModel
        Rows, in units of ``scale``.
    known : KnownCovariance
        Sampling covariance in the rows' own units.
    structure : Structure
        What the variances belong to.
    method : {"REML", "ML"}
        Which likelihood.
    scale : float
        The rows were divided by it.
    phi : ndarray, shape (m,)
        Variances and covariances, in units of scale².
    at : Evaluation
        The likelihood there, in units of scale.
    converged : bool
        Whether the search arrived.
    evaluations : int
        Times the likelihood was computed.
    """

    model: MixedModel
    known: KnownCovariance
    structure: Structure
    method: MixedMethod
    scale: float
    phi: FloatArray
    at: Evaluation
    converged: bool
    evaluations: int

    @property
    def variances(self) -> FloatArray:
        """Variances and covariances in the rows' own units, shape (m,)."""
        return self.phi * self.scale**2

    @property
    def coefficients(self) -> FloatArray:
        """In the rows' own units, shape (p,)."""
        return self.at.coefficients * self.scale

    @property
    def covariance(self) -> FloatArray:
        """Of the coefficients, shape (p, p)."""
        return self.at.covariance * self.scale**2

    def sampling_only(self) -> Evaluation:
        """The rows weighted by their sampling covariance alone, in units of scale.

        Raises
        ------
        DataError
            Numbers so far apart that the likelihood cannot be computed.
        """
        at = evaluate(self.model, np.zeros_like(self.phi), self.method)
        if at is None:
            raise _too_far_apart()
        return at

    @property
    def known_scaled(self) -> KnownCovariance:
        """Sampling covariance in units of scale²."""
        return _scaled(self.known, self.scale)

    @property
    def log_likelihood(self) -> float:
        """In the rows' own units, with metafor's constant: ½ log |X'X| is added with REML."""
        if self.method == "ML":
            return self.at.value - self.model.k * float(np.log(self.scale))
        free = self.model.k - self.model.p
        own = 0.5 * float(np.linalg.slogdet(self.model.x.T @ self.model.x)[1])
        return self.at.value + own - free * float(np.log(self.scale))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parameters:
    """φ = A θ + ½ θ'Qθ, with bounds on θ."""

    linear: FloatArray
    quadratic: FloatArray
    lower: FloatArray
    upper: FloatArray
    start: FloatArray

    def phi(self, theta: FloatArray) -> FloatArray:
        curved = 0.5 * np.einsum("mij,i,j->m", self.quadratic, theta, theta)
        return np.asarray(self.linear @ theta + curved)

    def slope(self, theta: FloatArray) -> FloatArray:
        return np.asarray(self.linear + self.quadratic @ theta)


class _Objective:
    """Minus the log-likelihood of θ; counts how often it is computed."""

    def __init__(self, model: MixedModel, method: MixedMethod, parameters: _Parameters) -> None:
        self.model = model
        self.method = method
        self.parameters = parameters
        self.count = 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
        self.count += 1
        at = evaluate(self.model, self.parameters.phi(theta), self.method)
        if at is None:
            return None
        slope = self.parameters.slope(theta)
        bend = np.einsum("m,mij->ij", at.gradient, self.parameters.quadratic)
        return -at.value, -slope.T @ at.gradient, -(slope.T @ at.hessian @ slope + bend)


def fit_mixed(
    y: FloatArray,
    x: FloatArray,
    known: KnownCovariance,
    structure: Structure,
    *,
    method: MixedMethod = "REML",
) -> MixedFit:
    """Variances at which the likelihood is largest.

    Parameters
    ----------
    y : ndarray, shape (k,)
        Effect sizes.
    x : ndarray, shape (k, p)
        Design of full column rank, p < k.
    known : KnownCovariance
        Sampling covariance of the rows.
    structure : Structure
        Random effects.
    method : {"REML", "ML"}, default "REML"
        Which likelihood.

    Raises
    ------
    DataError
        Numbers so far apart that the likelihood cannot be computed.
    """
    largest = max(float(np.abs(y).max()), float(known.vi.max()))
    if largest > _FARTHEST or largest > _FARTHEST * known.vi.min():
        raise _too_far_apart()
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    scale = float(np.sqrt(max(rest @ rest / (y.size - x.shape[1]), known.vi.min())))
    model = mixed_model(y / scale, x, _scaled(known, scale), structure.components)
    parameters = _parameters(structure)
    objective = _Objective(model, method, parameters)
    best = _search(objective, parameters)
    phi = parameters.phi(best.point)
    at = evaluate(model, phi, method)
    if at is None:
        raise _too_far_apart()
    return MixedFit(
        model=model,
        known=known,
        structure=structure,
        method=method,
        scale=scale,
        phi=np.where(np.abs(phi) < _NOTHING, 0.0, phi),
        at=at,
        converged=best.converged,
        evaluations=objective.count,
    )


def profile_limits(
    fit: MixedFit, component: int, outcome: int = 0, *, level: float = 0.95
) -> tuple[float | None, float | None]:
    """Profile-likelihood limits of one variance; None where the profile never falls enough.

    Parameters
    ----------
    fit : MixedFit
        The fit.
    component, outcome : int
        Which variance.
    level : float, default 0.95
        Confidence.
    """
    profile = _Profile(fit, component, outcome)
    reach = float(np.sqrt(special.chdtri(1, 1 - level)))
    lower: float | None = 0.0
    if profile.estimate > 0 and profile.at(0.0)[0] > reach:
        lower = profile.limit(reach, up=False)
    upper = profile.limit(reach, up=True)
    square = fit.scale**2
    return lower and lower * square, upper and upper * square


class _Profile:
    """Likelihood with one variance held, and the other parameters at their best."""

    def __init__(self, fit: MixedFit, component: int, outcome: int) -> None:
        components, self.shape = fit.structure.components, fit.structure.shapes[component]
        self.parameters = _parameters(fit.structure, component, outcome)
        self.objective = _Objective(fit.model, fit.method, self.parameters)
        self.index = sum(fit.structure.sizes()[:component])
        self.outcomes = len(components[component].tables[0])
        entry = 0
        if self.shape == "UN":
            entry = _un_pairs(self.outcomes).index((outcome, outcome))
        self.estimate = float(fit.phi[self.index + entry])
        self.top = fit.at.value
        self.best = _theta(fit, component, outcome, self.parameters)
        self.warm = self.best

    def _guess(self, reach: float, *, up: bool) -> float:
        """Limit of the logarithm of the variance if the likelihood were a parabola."""
        there = self.objective(self.best)
        if there is not None and self.estimate > 0 and self.shape != "UN":
            spread = float(np.linalg.pinv(there[2], hermitian=True)[self.index, self.index])
            if spread > 0:
                share = min(reach * np.sqrt(spread) / self.estimate, _LONGEST_STEP)
                return self.estimate * float(np.exp(share if up else -share))
        return 2 * self.estimate + _START if up else self.estimate / 2

    def at(self, variance: float) -> tuple[float, float]:
        """Signed root of twice the fall of the profile at a variance, and its slope."""
        lower, upper = self.parameters.lower.copy(), self.parameters.upper.copy()
        root = self.shape == "UN"
        held = np.sqrt(variance) if root else variance
        lower[self.index] = upper[self.index] = held
        if self.shape == "CS":
            upper[self.index + 1] = self.outcomes * variance
        start = np.clip(self.warm, lower, upper)
        found = minimize(self.objective, start, lower=lower, upper=upper)
        self.warm = found.point
        fall = float(np.sqrt(max(0.0, 2 * (found.value + self.top))))
        there = self.objective(found.point)
        if there is None or fall == 0 or held == 0:
            return fall, float("nan")
        slope = float(there[1][self.index])
        if self.shape == "CS" and found.point[self.index + 1] >= upper[self.index + 1]:
            # The other eigenvalue is held by a bound that moves with the variance.
            slope += self.outcomes * float(there[1][self.index + 1])
        return fall, slope / fall / (2 * held if root else 1.0)

    def limit(self, reach: float, *, up: bool) -> float | None:
        """Variance at which the root of the fall is the reach, by Newton steps of its log."""
        low, high = (self.estimate, np.inf) if up else (0.0, self.estimate)
        self.warm = self.best
        guess = self._guess(reach, up=up)
        for _ in range(_MOST_STEPS):
            fall, slope = self.at(guess)
            if (fall < reach) == up:
                low = guess
            else:
                high = guess
            rise = slope * guess
            step = (reach - fall) / rise if np.isfinite(rise) and rise != 0 else np.inf
            if abs(step) < _LIMIT_STEP:
                return guess * float(np.exp(step))
            wanted = guess * float(np.exp(np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)))
            if not low < wanted < high:
                wanted = 3 * guess if np.isinf(high) else (low + high) / 2
            guess = wanted
            if guess > _LARGEST:
                return None
        return guess


def _search(objective: _Objective, parameters: _Parameters) -> Minimum:
    """The lowest minimum from the best start of a grid."""
    bounded = np.isfinite(parameters.lower)
    starts = [parameters.start]
    if bounded.all() and bounded.size <= _GRID_PARAMETERS:
        starts = [np.array(one) for one in product(_STARTS, repeat=bounded.size)]
    values = [
        log_likelihood(objective.model, parameters.phi(one), objective.method) for one in starts
    ]
    known = [(value, -number) for number, value in enumerate(values) if value is not None]
    if not known:
        raise _too_far_apart()
    best = max(known)[1]
    return minimize(objective, starts[-best], lower=parameters.lower, upper=parameters.upper)


def _too_far_apart() -> DataError:
    return DataError(
        "effect sizes, variances and moderators of comparable size",
        found="numbers too far apart to be added",
    )


def _scaled(known: KnownCovariance, scale: float) -> KnownCovariance:
    blocks = tuple(replace(block, matrix=block.matrix / scale**2) for block in known.blocks)
    return replace(known, vi=known.vi / scale**2, blocks=blocks)


def _un_pairs(q: int) -> list[tuple[int, int]]:
    """Outcomes of each entry of an unstructured matrix, row by row of its lower triangle."""
    return [(i, j) for i in range(q) for j in range(i + 1)]


def _theta(fit: MixedFit, component: int, outcome: int, parameters: _Parameters) -> FloatArray:
    """Parameters of the fitted variances, in a profile's order."""
    theta = parameters.start.copy()
    at = 0
    for number, (one, shape) in enumerate(
        zip(fit.structure.components, fit.structure.shapes, strict=True)
    ):
        here = slice(at, at + len(one.tables))
        if shape == "UN":
            q = len(one.tables[0])
            order = _order(q, outcome if number == component else 0)
            between = np.tensordot(fit.phi[here], one.tables, axes=1)[np.ix_(order, order)]
            # A singular matrix has a root too, but no Cholesky factor by the usual way.
            values, axes = np.linalg.eigh(between)
            root = axes * np.sqrt(np.maximum(values, 0.0))
            lower = np.linalg.qr(root.T)[1].T
            lower = lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
            theta[here] = [lower[i, j] for i, j in _un_pairs(q)]
        else:
            theta[here] = np.linalg.solve(parameters.linear[here, here], fit.phi[here])
        at += len(one.tables)
    return theta


def _order(q: int, ahead: int) -> list[int]:
    """Outcomes with one of them put first."""
    return [ahead, *(i for i in range(q) if i != ahead)]


def _parameters(
    structure: Structure, component: int | None = None, outcome: int = 0
) -> _Parameters:
    """How φ comes from θ; with a component, its first parameter is the variance of an outcome."""
    total = sum(structure.sizes())
    linear = np.zeros((total, total))
    quadratic = np.zeros((total, total, total))
    lower = np.zeros(total)
    upper = np.full(total, np.inf)
    start = np.full(total, _START)
    at = 0
    for number, (one, shape) in enumerate(
        zip(structure.components, structure.shapes, strict=True)
    ):
        q, size = len(one.tables[0]), len(one.tables)
        here = slice(at, at + size)
        if shape == "level":
            linear[at, at] = 1.0
        elif shape == "CS" and number == component:
            # The variance, and the eigenvalue of the mean of the outcomes.
            linear[here, here] = [[1.0, 0.0], [-1 / (q - 1), 1 / (q - 1)]]
        elif shape == "CS":
            # The eigenvalues of differences of outcomes and of their mean.
            linear[here, here] = [[(q - 1) / q, 1 / q], [-1 / q, 1 / q]]
        else:
            order = _order(q, outcome if number == component else 0)
            pairs = _un_pairs(q)
            for entry, (i, j) in enumerate(pairs):
                first, second = order.index(i), order.index(j)
                for column in range(min(first, second) + 1):
                    a = at + pairs.index((first, column))
                    b = at + pairs.index((second, column))
                    quadratic[at + entry, a, b] += 1.0
                    quadratic[at + entry, b, a] += 1.0
            for entry, (i, j) in enumerate(pairs):
                start[at + entry] = np.sqrt(_START) if i == j else 0.0
            lower[here] = -np.inf
        at += size
    return _Parameters(linear=linear, quadratic=quadratic, lower=lower, upper=upper, start=start)
