"""The maximum of the likelihood of mixed models with random lines, many studies at once.

The covariance of the random effects is sought by its Cholesky factor, G = L L': all L are allowed,
a variance of zero or a correlation of one is an ordinary stationary point, and one that is not the
maximum has a negative curvature which Newton's method leaves. Gradient and Hessian are exact. With
one residual variance, the others are sought relative to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.cross_products import CrossProducts
from oncovivo.growth.line_likelihood import (
    Moments,
    Statistics,
    compute_moments,
    compute_statistics,
)
from oncovivo.growth.model import Likelihood, RandomEffects
from oncovivo.numerics.newton import minimize_newton

__all__ = ["LineDeviance", "LineFits", "fit_lines", "readings_left"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

# Entries of the Cholesky factor, (1,1), (2,1), (2,2), that a model has.
_FACTOR: Final[dict[RandomEffects, tuple[int, ...]]] = {
    "intercept_slope": (0, 1, 2),
    "intercept_slope_independent": (0, 2),
    "slope": (2,),
    "intercept": (0,),
}
_UNSTRUCTURED: Final = 3
# Standard deviation, relative to the residual's and over the whole time, that counts as zero.
_ZERO_SD: Final = 1e-4
# What is smaller than this is made zero; the search is far more exact.
_SNAP: Final = 1e-7
# The search begins with standard deviations of at least this, where it can see which way to go.
_LEAST_SD: Final = 0.07
_LEAST_RESIDUAL: Final = 0.02
# A second search begins from here.
_FAR_SD: Final = 1.0
_LARGEST_CORRELATION: Final = 0.9
_SCORING_STEPS: Final = 2
# Where nothing but zero is in sight, the search begins beside it.
_ALMOST_NONE: Final = 1e-6
# Share of the information that is added where parameters cannot be told apart.
_RIDGE: Final = 1e-8
_NO_INFORMATION: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineFits:
    """Maximized likelihoods of B studies in the scaled units of their cross products.

    Parameters
    ----------
    covariance : ndarray, shape (B, 3)
        Entries (1,1), (1,2), (2,2) of G.
    residual : ndarray, shape (B, c)
        Residual variances.
    statistics : Statistics
        With covariance 1/scale times the true one; see `scale`.
    moments : Moments
        At variances divided by `scale`.
    scale : ndarray, shape (B,)
        What statistics and moments left out: V = scale times theirs.
    deviance : ndarray, shape (B,)
        log |V| + log |X'V⁻¹X| + y'Py (without the middle for ML).
    converged, singular : ndarray of bool, shape (B,)
        Whether the maximum was reached, and whether it is on the boundary.
    iterations : ndarray of int, shape (B,)
        Evaluations.
    """

    covariance: FloatArray
    residual: FloatArray
    statistics: Statistics
    moments: Moments
    scale: FloatArray
    deviance: FloatArray
    converged: BoolArray
    singular: BoolArray
    iterations: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineDeviance:
    """Minus twice the log-likelihood as a function of Cholesky factor and log residual variances.

    With one residual variance this is the profile over it, of the factor relative to it.
    """

    data: CrossProducts
    factor: IntArray
    restricted: bool

    def take(self, index: IntArray) -> LineDeviance:
        """Some of the studies."""
        return LineDeviance(
            data=self.data.take(index), factor=self.factor, restricted=self.restricted
        )

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values (B,), gradients (B, r) and Hessians (B, r, r) at theta (B, r)."""
        data = self.data
        profiled = data.n_classes == 1
        length = self.factor.size
        root = _roots(theta, self.factor)
        residual = np.ones((theta.shape[0], 1)) if profiled else np.exp(theta[:, length:])
        moments = compute_moments(
            data,
            _products(root),
            (root[:, 0] * root[:, 2]) ** 2,
            residual,
            residual_derivatives=not profiled,
        )
        statistics = compute_statistics(moments, restricted=self.restricted)
        value = moments.log_det
        if self.restricted:
            value = value + statistics.log_det_information
        quadratic = statistics.quadratic
        second = 2.0 * statistics.second
        if profiled:
            freedom = readings_left(data, restricted=self.restricted)
            weight = (freedom / quadratic)[:, None]
            value = value + freedom * np.log(quadratic)
            pull = weight * statistics.first
            hessian = (
                weight[:, :, None] * second
                - statistics.second_trace
                - pull[:, :, None] * (pull / freedom[:, None])[:, None, :]
            )
        else:
            value = value + quadratic
            pull = statistics.first
            hessian = second - statistics.second_trace
        slope = statistics.first_trace - pull
        return value, *self._chain(root, residual, slope, hessian)

    def _chain(
        self, root: FloatArray, residual: FloatArray, slope: FloatArray, hessian: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian by the factor and log variances from those by the variances."""
        studies, r = slope.shape
        change = np.zeros((studies, r, r))
        l11, l21, l22 = root.T
        change[:, 0, 0] = 2.0 * l11
        change[:, 0, 1] = l21
        change[:, 1, 1] = l11
        change[:, 1, 2] = 2.0 * l21
        change[:, 2, 2] = 2.0 * l22
        bend = np.zeros((studies, r, r))
        bend[:, 0, 0] = 2.0 * slope[:, 0]
        bend[:, 0, 1] = bend[:, 1, 0] = slope[:, 1]
        bend[:, 1, 1] = bend[:, 2, 2] = 2.0 * slope[:, 2]
        if r > 3:
            rest = np.arange(3, r)
            change[:, rest, rest] = residual
            bend[:, rest, rest] = slope[:, 3:] * residual
        gradient = (change @ slope[:, :, None])[:, :, 0]
        curved = change @ hessian @ change.transpose(0, 2, 1) + bend
        if self.factor.size == 3:
            return gradient, curved
        keep = np.concatenate((self.factor, np.arange(3, r)))
        return gradient[:, keep], curved[:, keep[:, None], keep]


def fit_lines(data: CrossProducts, *, random: RandomEffects, likelihood: Likelihood) -> LineFits:
    """Maximum of the likelihood of each study of a batch.

    With leavers a small study's likelihood may have a second, lower maximum on the boundary:
    searches that end there are repeated from afar, and the better end counts.

    Parameters
    ----------
    data : CrossProducts
        Of B studies.
    random : RandomEffects
        Random effects of the animals.
    likelihood : {"REML", "ML"}
        What is maximized.
    """
    restricted = likelihood == "REML"
    factor = np.array(_FACTOR[random], dtype=np.intp)
    found = _search(
        data, factor, _start(data, factor, restricted=restricted), restricted=restricted
    )
    doubtful = found.singular
    if restricted and data.n_classes == 1:
        # Animals that are all measured on the same days leave one maximum.
        doubtful = doubtful & ((data.animals > 0).sum(axis=1) > 1)
    again = np.flatnonzero(doubtful)
    if again.size:
        part = data.take(again)
        start = _far_start(found.residual[again], factor)
        found = _better(found, again, _search(part, factor, start, restricted=restricted))
    return _evaluated(data, found, restricted=restricted)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """Ends of B searches; with one residual variance, the others are relative to it."""

    covariance: FloatArray
    determinant: FloatArray
    residual: FloatArray
    value: FloatArray
    converged: BoolArray
    singular: BoolArray
    iterations: IntArray


def _search(
    data: CrossProducts,
    factor: IntArray,
    start: tuple[FloatArray, FloatArray],
    *,
    restricted: bool,
) -> _Found:
    """Newton's method from given variances."""
    covariance, residual = start
    # The larger of two variances comes first: a correlation of one is then a last entry of zero.
    turned = np.zeros(data.n_studies, dtype=bool)
    if factor.size == _UNSTRUCTURED:
        turned = covariance[:, 2] > covariance[:, 0]
    some = bool(turned.any())
    if some:
        covariance = np.where(turned[:, None], covariance[:, ::-1], covariance)
    deviance = LineDeviance(
        data=data.turned(turned) if some else data, factor=factor, restricted=restricted
    )
    end = minimize_newton(deviance, _parameters(covariance, residual, factor, data.n_classes))
    root = _roots(end.theta, factor)
    residual = np.ones((data.n_studies, 1))
    if data.n_classes > 1:
        residual = np.exp(end.theta[:, factor.size :])
    level = np.sqrt(residual.mean(axis=1))
    # A first entry of zero leaves the second to the third.
    none = np.abs(root[:, 0]) < _SNAP * level
    root[none, 2] = np.hypot(root[none, 1], root[none, 2])
    root[none, 1] = 0.0
    size = np.abs(root) / level[:, None]
    root = np.where((size < _SNAP) & (np.arange(3) != 1), 0.0, root)
    covariance = _products(root)
    if some:
        covariance = np.where(turned[:, None], covariance[:, ::-1], covariance)
    return _Found(
        covariance=covariance,
        determinant=(root[:, 0] * root[:, 2]) ** 2,
        residual=residual,
        value=end.value,
        converged=end.converged,
        singular=(size < _ZERO_SD)[:, factor[factor != 1]].any(axis=1),
        iterations=end.iterations,
    )


def _better(found: _Found, rows: IntArray, other: _Found) -> _Found:
    """The ends of a second search of some studies where they are lower."""
    lower = other.converged & ~(found.converged[rows] & (found.value[rows] <= other.value))
    place, use = rows[lower], np.flatnonzero(lower)
    iterations = found.iterations.copy()
    iterations[rows] += other.iterations

    def merged(one: FloatArray, two: FloatArray) -> FloatArray:
        both = one.copy()
        both[place] = two[use]
        return both

    def marked(one: BoolArray, two: BoolArray) -> BoolArray:
        both = one.copy()
        both[place] = two[use]
        return both

    return _Found(
        covariance=merged(found.covariance, other.covariance),
        determinant=merged(found.determinant, other.determinant),
        residual=merged(found.residual, other.residual),
        value=merged(found.value, other.value),
        converged=marked(found.converged, other.converged),
        singular=marked(found.singular, other.singular),
        iterations=iterations,
    )


def _evaluated(data: CrossProducts, found: _Found, *, restricted: bool) -> LineFits:
    """All derivatives at the ends of the searches."""
    profiled = data.n_classes == 1
    level = found.residual.mean(axis=1)
    covariance = found.covariance / level[:, None]
    residual = found.residual / level[:, None]
    moments = compute_moments(
        data,
        covariance,
        found.determinant / level**2,
        residual,
        residual_derivatives=True,
    )
    statistics = compute_statistics(moments, restricted=restricted)
    freedom = readings_left(data, restricted=restricted)
    scale = statistics.quadratic / freedom if profiled else level
    value = moments.log_det + freedom * np.log(scale) + statistics.quadratic / scale
    if restricted:
        value = value + statistics.log_det_information
    return LineFits(
        covariance=covariance * scale[:, None],
        residual=residual * scale[:, None],
        statistics=statistics,
        moments=moments,
        scale=scale,
        deviance=value,
        converged=found.converged & np.isfinite(value),
        singular=found.singular,
        iterations=found.iterations,
    )


def _roots(theta: FloatArray, factor: IntArray) -> FloatArray:
    """Cholesky factors (1,1), (2,1), (2,2) of the parameters, shape (B, 3)."""
    root = np.zeros((theta.shape[0], 3))
    root[:, factor] = theta[:, : factor.size]
    return root


def _products(root: FloatArray) -> FloatArray:
    """Entries (1,1), (1,2), (2,2) of L L'."""
    l11, l21, l22 = root.T
    return np.array([l11 * l11, l11 * l21, l21 * l21 + l22 * l22]).T


def readings_left(data: CrossProducts, *, restricted: bool) -> FloatArray:
    """Readings, less the coefficients where restricted, shape (B,).

    Parameters
    ----------
    data : CrossProducts
        Of B studies.
    restricted : bool
        Whether the likelihood is the restricted one.
    """
    lost = data.n_coefficients if restricted else 0
    return np.asarray(data.class_readings.sum(axis=1) - lost)


def _far_start(residual: FloatArray, factor: IntArray) -> tuple[FloatArray, FloatArray]:
    """Spread between animals as large as that of the residuals."""
    level = residual.mean(axis=1, keepdims=True)
    ends = factor[factor != 1]
    covariance = np.zeros((residual.shape[0], 3))
    covariance[:, ends] = _FAR_SD**2 * level
    return covariance, residual


def _start(
    data: CrossProducts, factor: IntArray, *, restricted: bool
) -> tuple[FloatArray, FloatArray]:
    """Variances to begin with: moment estimates, by scoring steps that start from independence.

    Shapes (B, 3) and (B, c); with one residual variance the others are relative to it.
    """
    classes = data.n_classes
    entries = np.arange(3) if factor.size == 3 else factor
    chosen = np.concatenate((entries, np.arange(3, 3 + classes)))
    covariance = np.zeros((data.n_studies, 3))
    residual = np.ones((data.n_studies, classes))
    flat = np.zeros(data.n_studies, dtype=bool)
    for step in range(_SCORING_STEPS):
        determinant = covariance[:, 0] * covariance[:, 2] - covariance[:, 1] ** 2
        moments = compute_moments(
            data, covariance, determinant, residual, residual_derivatives=True
        )
        statistics = compute_statistics(moments, restricted=restricted)
        matrix = statistics.second_trace[:, chosen[:, None], chosen]
        size = np.sqrt(np.maximum(np.diagonal(matrix, axis1=1, axis2=2), _NO_INFORMATION))
        matrix = matrix / (size[:, :, None] * size[:, None, :]) + _RIDGE * np.eye(chosen.size)
        toward = (statistics.first[:, chosen] / size)[:, :, None]
        estimate = np.linalg.solve(matrix, toward)[:, :, 0] / size
        residual = np.maximum(estimate[:, entries.size :], _LEAST_RESIDUAL * residual)
        level = residual.mean(axis=1, keepdims=True)
        found = np.zeros_like(covariance)
        found[:, entries] = estimate[:, : entries.size]
        least = _LEAST_SD**2 * level[:, 0]
        if step == 0 and classes == 1:
            flat = _no_spread(statistics, readings_left(data, restricted=restricted), entries)
            flat &= (found[:, [0, 2]] <= least[:, None]).all(axis=1)
        for entry in factor[factor != 1]:
            found[:, entry] = np.maximum(found[:, entry], least)
        most = _LARGEST_CORRELATION * np.sqrt(found[:, 0] * found[:, 2])
        found[:, 1] = np.clip(found[:, 1], -most, most)
        if classes == 1:
            found, residual = found / level, np.ones_like(residual)
        covariance = found
        if flat.all():
            break
    covariance[flat] = _ALMOST_NONE * np.isin(np.arange(3), factor[factor != 1])
    return covariance, residual


def _no_spread(statistics: Statistics, freedom: FloatArray, entries: IntArray) -> BoolArray:
    """Whether no direction away from G = 0 raises the likelihood, shape (B,)."""
    scale = (statistics.quadratic / freedom)[:, None]
    slope = np.zeros((freedom.size, 3))
    slope[:, entries] = (statistics.first_trace - statistics.first / scale)[:, entries]
    inside = slope[:, 0] * slope[:, 2] >= 0.25 * slope[:, 1] ** 2
    return np.asarray(inside & (slope[:, 0] >= 0) & (slope[:, 2] >= 0))


def _parameters(
    covariance: FloatArray, residual: FloatArray, factor: IntArray, classes: int
) -> FloatArray:
    """Cholesky factors and, where they are sought, log residual variances."""
    g11, g12, g22 = covariance.T
    l11 = np.sqrt(g11)
    # Without an intercept nothing is correlated with it.
    l21 = np.divide(g12, l11, out=np.zeros_like(l11), where=l11 > 0)
    root = np.array([l11, l21, np.sqrt(g22 - l21**2)]).T[:, factor]
    if classes == 1:
        return np.ascontiguousarray(root)
    return np.concatenate((root, np.log(residual)), axis=1)
