"""Mixed models on full covariance matrices: any structure, at the price of its size.

The search runs in parameters without positivity constraints (symmetric root of the random effects'
covariance, logarithms of residual variances, logit of the correlation) by Newton's method with the
exact Hessian, on outcome, time and columns scaled to order one, from several starts where there
can be more than one maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError
from oncovivo.growth.covariance import CovarianceModel, covariance_model
from oncovivo.growth.dense_likelihood import DensePoint, evaluate, variance_derivatives
from oncovivo.growth.engine import EngineFit, Problem, VarianceDerivatives
from oncovivo.growth.model import Residual
from oncovivo.numerics.trust_region import Minimum, minimize

__all__ = ["fit_dense"]

FloatArray: TypeAlias = NDArray[np.float64]

# A residual below this share of the outcome is rounding.
_EXACT: Final = 1e-13
# A standard deviation below this share of the residual's is zero, as lme4 has it.
_SINGULAR: Final = 1e-4
# Likelihood that may be lost by calling a small standard deviation zero.
_SAME_LIKELIHOOD: Final = 1e-8
# Standard deviations of residuals, in units of the least-squares residual.
_LOG_SD_RANGE: Final = (-9.0, 9.0)
# Logit of the correlation of residuals a typical gap apart.
_LOGIT_RANGE: Final = (-25.0, 20.0)
_SD_LIMIT: Final = 1e4
# Correlations to start from: the likelihood can have a maximum at a short and at a long reach.
_CORRELATION_STARTS: Final = (0.15, 0.5, 0.85)
# Starts of the random effects, as shares of the residual.
_SPREAD_STARTS: Final = (0.7, 0.1)
# A likelihood must gain this by a correlation; else there is none.
_CORRELATION_GAIN: Final = 1e-7
_PLAIN: Final[dict[Residual, Residual]] = {"car1": "iid", "arm_car1": "arm"}


def fit_dense(problem: Problem) -> EngineFit:
    """Maximize the likelihood of a mixed model on the covariance matrices of its clusters.

    Parameters
    ----------
    problem : Problem
        Any structure: random effects of the animals, random levels of factors, residual variances
        by arm or animal, residual correlation that falls with time.

    Returns
    -------
    EngineFit
        ``correlation`` is that of two residuals one day apart; the parameter that the derivatives
        and ``values`` refer to is the correlation over the median gap between an animal's
        consecutive readings. Where the likelihood has no maximum above a correlation of 0,
        `correlation` is 0 and the parameters are those of the model without it. With a variance
        for each animal, parameters and derivatives leave these variances out.

    Raises
    ------
    DataError
        If the fixed part explains every reading.
    """
    plain = _PLAIN.get(problem.residual)
    scaling = _scaling(problem)
    if plain is None:
        return _finished(problem, scaling, _searched(problem, scaling, None), correlated=False)
    base = replace(problem, residual=plain)
    without = _searched(base, scaling, None)
    search = _searched(problem, scaling, without)
    if search.model.gap is None or search.best.value > without.best.value - _CORRELATION_GAIN:
        return _finished(base, scaling, without, correlated=True)
    return _finished(problem, scaling, search, correlated=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scaling:
    """Outcome and columns of order one, and the way back."""

    y: FloatArray
    x: FloatArray
    mean: FloatArray
    back: FloatArray
    log_det: float
    sd: float
    time: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """A maximum on scaled data."""

    model: CovarianceModel
    chart: _Chart
    best: Minimum
    singular: bool
    iterations: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chart:
    """Natural parameters as functions of those of the search.

    Parameters
    ----------
    root : bool
        Whether the first three are the symmetric root [[a, b], [b, c]] of the random effects'
        covariance. Unlike a Cholesky factor it treats both effects alike, so that no curved
        valley appears where one of them has no variance.
    n_sd : int
        Standard deviations after that.
    n_residual : int
        Logarithms of residual standard deviations after those.
    correlated : bool
        Whether the last is the logit of a correlation.
    """

    root: bool
    n_sd: int
    n_residual: int
    correlated: bool

    @property
    def first_sd(self) -> int:
        return 3 if self.root else 0

    @property
    def first_residual(self) -> int:
        return self.first_sd + self.n_sd

    @property
    def size(self) -> int:
        return self.first_residual + self.n_residual + int(self.correlated)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        lower = np.full(self.size, -_SD_LIMIT)
        upper = np.full(self.size, _SD_LIMIT)
        residual = slice(self.first_residual, self.first_residual + self.n_residual)
        lower[residual], upper[residual] = _LOG_SD_RANGE
        if self.correlated:
            lower[-1], upper[-1] = _LOGIT_RANGE
        return lower, upper

    def natural(self, eta: FloatArray) -> FloatArray:
        theta = np.empty(self.size)
        if self.root:
            a, b, c = eta[:3]
            theta[:3] = a * a + b * b, b * (a + c), b * b + c * c
        sd = slice(self.first_sd, self.first_residual)
        theta[sd] = eta[sd] ** 2
        residual = slice(self.first_residual, self.first_residual + self.n_residual)
        theta[residual] = np.exp(2 * eta[residual])
        if self.correlated:
            theta[-1] = special.expit(eta[-1])
        return theta

    def chain(
        self, eta: FloatArray, gradient: FloatArray, hessian: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian by the parameters of the search."""
        jacobian = np.zeros((self.size, self.size))
        bend = np.zeros((self.size, self.size))
        if self.root:
            a, b, c = eta[:3]
            jacobian[0, :2] = 2 * a, 2 * b
            jacobian[1, :3] = b, a + c, b
            jacobian[2, 1:3] = 2 * b, 2 * c
            bend[0, 0] = 2 * gradient[0]
            bend[1, 1] = 2 * (gradient[0] + gradient[2])
            bend[2, 2] = 2 * gradient[2]
            bend[0, 1] = bend[1, 0] = bend[1, 2] = bend[2, 1] = gradient[1]
        for place in range(self.first_sd, self.first_residual):
            jacobian[place, place] = 2 * eta[place]
            bend[place, place] = 2 * gradient[place]
        for place in range(self.first_residual, self.first_residual + self.n_residual):
            variance = np.exp(2 * eta[place])
            jacobian[place, place] = 2 * variance
            bend[place, place] = 4 * variance * gradient[place]
        if self.correlated:
            rho = special.expit(eta[-1])
            slope = rho * special.expit(-eta[-1])
            jacobian[-1, -1] = slope
            bend[-1, -1] = slope * (1 - 2 * rho) * gradient[-1]
        return gradient @ jacobian, jacobian.T @ hessian @ jacobian + bend

    def flattened(self, eta: FloatArray) -> list[FloatArray]:
        """The point with one standard deviation after another set to zero that is almost so."""
        residual = eta[self.first_residual : self.first_residual + self.n_residual]
        limit = _SINGULAR * float(np.exp(residual.min(initial=_LOG_SD_RANGE[1])))
        points: list[FloatArray] = []
        current = eta
        if self.root:
            symmetric = np.array([[eta[0], eta[1]], [eta[1], eta[2]]])
            spread, axes = np.linalg.eigh(symmetric)
            for place in np.argsort(np.abs(spread)):
                if abs(spread[place]) >= limit:
                    break
                spread[place] = 0.0
                flat = axes * spread @ axes.T
                current = current.copy()
                current[:3] = flat[0, 0], flat[0, 1], flat[1, 1]
                points.append(current)
        for place in range(self.first_sd, self.first_residual):
            if abs(eta[place]) < limit:
                current = current.copy()
                current[place] = 0.0
                points.append(current)
        return points

    def start(self, spread: float) -> FloatArray:
        """A first guess on data whose residual has standard deviation one."""
        eta = np.zeros(self.size)
        if self.root:
            eta[[0, 2]] = spread
        eta[self.first_sd : self.first_residual] = spread
        return eta


def _scaling(problem: Problem) -> _Scaling:
    q, back = np.linalg.qr(problem.x)
    mean = q @ (q.T @ problem.y)
    rest = problem.y - mean
    sd = float(np.sqrt(rest @ rest / max(rest.size - q.shape[1], 1)))
    if sd <= _EXACT * float(np.abs(problem.y).max(initial=0.0)):
        expected = "readings that the fixed part does not explain without rest"
        raise DataError(expected, found="an exact fit")
    time = float(np.abs(problem.time).max())
    return _Scaling(
        y=rest / sd,
        x=q,
        mean=mean,
        back=back,
        log_det=float(np.log(np.abs(np.diag(back))).sum()),
        sd=sd,
        time=time if time > 0 else 1.0,
    )


def _chart(problem: Problem, model: CovarianceModel) -> _Chart:
    root = problem.random == "intercept_slope"
    n_random = 2 if problem.random == "intercept_slope_independent" else 1
    correlated = model.gap is not None
    n_sd = len(problem.groups) + (0 if root else n_random)
    n_residual = len(model.parameters) - n_sd - 3 * root - correlated
    return _Chart(root=root, n_sd=n_sd, n_residual=n_residual, correlated=correlated)


def _searched(problem: Problem, scaling: _Scaling, without: _Search | None) -> _Search:
    """The best maximum from several starts; from the fit without correlation, where given."""
    model = covariance_model(problem, time_scale=scaling.time)
    chart = _chart(problem, model)
    lower, upper = chart.bounds()

    def objective(eta: FloatArray) -> tuple[float, FloatArray, FloatArray] | None:
        point = evaluate(model, scaling.y, scaling.x, chart.natural(eta), problem.likelihood)
        if point is None or not np.isfinite(point.log_likelihood):
            return None
        gradient, hessian = chart.chain(eta, point.gradient, point.hessian)
        return -point.log_likelihood, -gradient, -hessian

    starts = [chart.start(spread) for spread in _SPREAD_STARTS]
    if without is not None and chart.correlated:
        known = without.best.point.copy()
        spread = slice(0, chart.first_residual)
        known[spread] = np.where(np.abs(known[spread]) < 0.1, 0.1, known[spread])
        starts = [np.append(known, special.logit(rho)) for rho in _CORRELATION_STARTS]
    found: list[Minimum] = []
    for eta in starts:
        found.append(minimize(objective, eta, lower=lower, upper=upper))
        if found[0].converged and not chart.correlated and not chart.flattened(found[0].point):
            break
    best = min(found, key=lambda minimum: minimum.value)
    flattened = chart.flattened(best.point)
    for eta in flattened:
        flat = objective(eta)
        if flat is not None and flat[0] <= best.value + _SAME_LIKELIHOOD:
            best = replace(best, point=eta)
    return _Search(
        model=model,
        chart=chart,
        best=best,
        singular=bool(flattened) or bool((best.point <= lower).any()),
        iterations=sum(minimum.iterations for minimum in found),
    )


def _finished(
    problem: Problem, scaling: _Scaling, search: _Search, *, correlated: bool
) -> EngineFit:
    """The estimates on the scale of the data."""
    chart, model = search.chart, search.model
    scaled = chart.natural(search.best.point)
    point = evaluate(model, scaling.y, scaling.x, scaled, problem.likelihood)
    if point is None:
        message = "the covariance at the estimate is not positive definite"
        raise ArithmeticError(message)
    own = problem.residual == "animal"
    count = chart.first_residual if own else chart.size
    derivatives = variance_derivatives(model, scaling.x, scaled, point, count=count)
    unit = np.array([_unit(name, scaling) for name in model.parameters])
    values = scaled * unit
    unit = unit[:count]
    coefficients, parts = _on_data_scale(scaling, point, derivatives, unit)
    names = model.parameters
    known = dict(zip(names, values.tolist(), strict=True))
    random = np.zeros((2, 2))
    random[0, 0] = known.get("var(intercept)", 0.0)
    random[1, 1] = known.get("var(slope)", 0.0)
    random[0, 1] = random[1, 0] = known.get("cov(intercept,slope)", 0.0)
    groups = {name: known[f"var({name})"] for name in problem.groups}
    weighted = point.weighted_residuals / scaling.sd
    correlation = None
    if correlated:
        correlation = 0.0 if model.gap is None else known["correlation"] ** (1.0 / model.gap)
    moment = len(problem.y) - (problem.x.shape[1] if problem.likelihood == "REML" else 0)
    constant = -moment * np.log(scaling.sd)
    if problem.likelihood == "REML":
        constant -= scaling.log_det
    return EngineFit(
        coefficients=coefficients,
        derivatives=parts,
        observed_information=-point.hessian[:count, :count] / np.outer(unit, unit),
        parameters=names[:count],
        values=values[:count],
        random_covariance=random,
        group_variances=groups,
        residual_variance=residual_variances(problem, model, values),
        correlation=correlation,
        random_effects=_random_effects(problem, random, weighted),
        group_effects={
            name: groups[name]
            * np.bincount(label[problem.animal], weights=weighted, minlength=int(label.max()) + 1)
            for name, label in problem.groups.items()
        },
        log_likelihood=point.log_likelihood + float(constant),
        likelihood=problem.likelihood,
        converged=search.best.converged,
        singular=search.singular,
        iterations=search.iterations,
    )


def _unit(name: str, scaling: _Scaling) -> float:
    """What one of a scaled parameter is on the scale of the data."""
    if name == "correlation":
        return 1.0
    power = {"var(slope)": 2, "cov(intercept,slope)": 1}.get(name, 0)
    return float(scaling.sd**2 / scaling.time**power)


def _on_data_scale(
    scaling: _Scaling, point: DensePoint, scaled: VarianceDerivatives, unit: FloatArray
) -> tuple[FloatArray, VarianceDerivatives]:
    """Coefficients and derivatives for X = QR and y in their own units."""
    back = scipy.linalg.solve_triangular(scaling.back, np.eye(scaling.back.shape[0]))
    mean = scaling.x.T @ scaling.mean
    outer = np.outer(unit, unit)
    precision = 1.0 / scaling.sd**2
    forth = scaling.back
    curvature = scaled.curvature
    seen = precision * (forth.T @ scaled.first @ forth) / unit[:, None, None]
    pairs = precision * (forth.T @ scaled.second @ forth) / outer[:, :, None, None]
    if curvature is not None:
        curvature = precision * (forth.T @ curvature @ forth) / outer[:, :, None, None]
    return back @ (mean + scaling.sd * point.coefficients), VarianceDerivatives(
        covariance=scaling.sd**2 * back @ scaled.covariance @ back.T,
        first=seen,
        second=pairs,
        curvature=curvature,
        information=scaled.information / outer,
    )


def residual_variances(problem: Problem, model: CovarianceModel, values: FloatArray) -> FloatArray:
    """Residual variance of each animal, shape (n,)."""
    known = dict(zip(model.parameters, values.tolist(), strict=True))
    if problem.residual == "animal":
        return np.array([known[f"var(residual:{who})"] for who in range(problem.arm.size)])
    if problem.residual in ("arm", "arm_car1"):
        return np.array([known[f"var(residual:{arm})"] for arm in problem.arm.tolist()])
    return np.full(problem.arm.size, known["var(residual)"])


def _random_effects(problem: Problem, random: FloatArray, weighted: FloatArray) -> FloatArray:
    """Conditional means of the animals' intercepts and slopes, shape (n, 2)."""
    n = problem.arm.size
    sums = np.column_stack(
        (
            np.bincount(problem.animal, weights=weighted, minlength=n),
            np.bincount(problem.animal, weights=weighted * problem.time, minlength=n),
        )
    )
    return np.asarray(sums @ random)
