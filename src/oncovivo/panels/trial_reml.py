"""Restricted likelihood of rates of animals within lines: variances, coefficients, derivatives.

The covariance is linear in its parameters: variances of lines, of treatments within lines, of
animals, and of the readings. The search takes Newton steps on the variances themselves, kept at 0
or more, so that a variance that is 0 is found as 0.

References
----------
Searle SR, Casella G, McCulloch CE. Variance Components. Wiley; 1992, chapter 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.engine import VarianceDerivatives

if TYPE_CHECKING:
    from oncovivo.panels.trial_data import TrialData

__all__ = ["Component", "LineBlocks", "SlopeFit", "fit_slopes", "line_blocks"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
Component: TypeAlias = Literal["line", "line_treatment", "animal"]

_MOST_STEPS: Final = 100
_MOST_HALVINGS: Final = 40
# Gain in log-likelihood that another step would still bring, below which the search ends.
_ARRIVED: Final = 1e-11
# Of the start value of the variance of readings; it never becomes 0.
_LEAST_RESIDUAL: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineBlocks:
    """Animals of c lines in padded arrays of w places.

    Parameters
    ----------
    rows : ndarray of int, shape (c, w)
        Number of the animal at each place; 0 where there is none.
    present : ndarray of bool, shape (c, w)
        Whether there is one.
    matrices : ndarray, shape (r, c, w, w)
        Derivative of the covariance by each variance, that of the readings last.
    """

    rows: IntArray
    present: BoolArray
    matrices: FloatArray

    def padded(self, values: FloatArray) -> FloatArray:
        """Values of the animals, shape (n, ...), at their places, 0 elsewhere."""
        placed = values[self.rows]
        placed[~self.present] = 0.0
        return np.asarray(placed)

    def covariance(self, theta: FloatArray) -> FloatArray:
        """Covariance of each line's rates, shape (c, w, w); 1 on the diagonal of empty places."""
        total = np.tensordot(theta, self.matrices, axes=1)
        places = np.arange(self.rows.shape[1])
        total[:, places, places] += ~self.present
        return np.asarray(total)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlopeFit:
    """A maximized likelihood.

    Parameters
    ----------
    components : tuple of str
        Of the variances, in order; that of the readings comes after them.
    theta : ndarray, shape (r,)
        Variances: of rates, per day squared; of log readings last.
    coefficients : ndarray, shape (p,)
        Mean rates.
    derivatives : VarianceDerivatives
        For small-sample inference.
    log_likelihood : float
        Of the readings, with all constants.
    likelihood : {"REML", "ML"}
        Which.
    converged : bool
        Whether the search arrived.
    iterations : int
        Steps taken.
    blocks : LineBlocks
        Where the animals are.
    inverse : ndarray, shape (c, w, w)
        Inverse covariance of each line.
    weighted_x : ndarray, shape (c, w, p)
        Inverse covariance times design.
    weighted_residual : ndarray, shape (c, w)
        Inverse covariance times residuals.
    """

    components: tuple[Component, ...]
    theta: FloatArray
    coefficients: FloatArray
    derivatives: VarianceDerivatives
    log_likelihood: float
    likelihood: Literal["REML", "ML"]
    converged: bool
    iterations: int
    blocks: LineBlocks
    inverse: FloatArray
    weighted_x: FloatArray
    weighted_residual: FloatArray

    def variance(self, component: Component) -> float:
        """Variance of a component; 0 where the model has none."""
        if component not in self.components:
            return 0.0
        return float(self.theta[self.components.index(component)])


def line_blocks(data: TrialData, components: tuple[Component, ...]) -> LineBlocks:
    """Animals line by line, with the derivatives of their covariance.

    Parameters
    ----------
    data : TrialData
        Rates.
    components : tuple of {"line", "line_treatment", "animal"}
        What varies.
    """
    n_lines = len(data.lines)
    size = np.bincount(data.line, minlength=n_lines)
    order = np.argsort(data.line, kind="stable")
    first = np.concatenate(([0], np.cumsum(size)[:-1]))
    place = np.arange(data.n) - first[data.line[order]]
    rows = np.zeros((n_lines, int(size.max())), dtype=np.intp)
    present = np.zeros(rows.shape, dtype=bool)
    rows[data.line[order], place] = order
    present[data.line[order], place] = True
    both = present[:, :, None] & present[:, None, :]
    cell = data.cell[rows]
    eye = np.eye(rows.shape[1], dtype=bool) & both
    shapes: dict[Component, BoolArray] = {
        "line": both,
        "line_treatment": (cell[:, :, None] == cell[:, None, :]) & both,
        "animal": eye,
    }
    readings = eye / data.information[rows][:, :, None]
    matrices = np.stack([*(shapes[name].astype(np.float64) for name in components), readings])
    return LineBlocks(rows=rows, present=present, matrices=matrices)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _State:
    """The likelihood at one point, and what its derivatives need."""

    value: float
    inverse: FloatArray
    weighted_x: FloatArray
    weighted_residual: FloatArray
    coefficients: FloatArray
    covariance: FloatArray


def fit_slopes(
    data: TrialData,
    x: FloatArray,
    components: tuple[Component, ...],
    *,
    likelihood: Literal["REML", "ML"] = "REML",
) -> SlopeFit:
    """Maximize the likelihood of the readings over all variances.

    Parameters
    ----------
    data : TrialData
        Rates.
    x : ndarray, shape (n, p)
        Design of the mean rates.
    components : tuple of {"line", "line_treatment", "animal"}
        What varies.
    likelihood : {"REML", "ML"}
        Which.

    Raises
    ------
    DataError
        If the design is not of full rank, or there are no more animals than coefficients.
    """
    if np.linalg.matrix_rank(x) < x.shape[1] or data.n <= x.shape[1]:
        expected = "more animals than mean rates, and each mean rate with its own animals"
        raise DataError(expected, found=f"{data.n} animals for {x.shape[1]} mean rates")
    blocks = line_blocks(data, components)
    px, py = blocks.padded(x), blocks.padded(data.rate)
    theta = _start(data, x, len(components))
    least = _LEAST_RESIDUAL * theta[-1]
    restricted = likelihood == "REML"
    state = _state(data, blocks, px, py, theta, restricted=restricted)
    converged, steps = False, 0
    while not converged and steps < _MOST_STEPS:
        steps += 1
        gradient, observed, expected_ = _slopes(data, blocks, theta, state, restricted=restricted)
        free = (theta > 0) | (gradient > 0)
        step = np.zeros_like(theta)
        step[free] = _direction(gradient[free], observed, expected_, free)
        if float(gradient @ step) < _ARRIVED:
            converged = True
            break
        moved = False
        for halving in range(_MOST_HALVINGS):
            trial = np.maximum(theta + 0.5**halving * step, 0.0)
            trial[-1] = max(trial[-1], least)
            found = _state(data, blocks, px, py, trial, restricted=restricted)
            if found.value > state.value:
                theta, state, moved = trial, found, True
                break
        if not moved:
            # Rounding leaves no higher point along an ascent direction: this is the top.
            converged = float(gradient @ step) < math.sqrt(_ARRIVED)
            break
    return SlopeFit(
        components=components,
        theta=theta,
        coefficients=state.coefficients,
        derivatives=_derivatives(data, blocks, theta, state),
        log_likelihood=state.value,
        likelihood=likelihood,
        converged=converged,
        iterations=steps,
        blocks=blocks,
        inverse=state.inverse,
        weighted_x=state.weighted_x,
        weighted_residual=state.weighted_residual,
    )


def _start(data: TrialData, x: FloatArray, n_components: int) -> FloatArray:
    """Readings by their squares about own lines, the rest of the rates' variance shared out."""
    residual = max(float(data.rest_squares.sum()) / int(data.rest_df.sum()), 1e-10)
    coefficients = np.linalg.lstsq(x, data.rate, rcond=None)[0]
    spread = float(np.mean((data.rate - x @ coefficients) ** 2))
    between = max(spread - residual * float(np.mean(1.0 / data.information)), 0.05 * spread, 1e-12)
    return np.array([*([between / n_components] * n_components), residual])


def _state(
    data: TrialData,
    blocks: LineBlocks,
    x: FloatArray,
    y: FloatArray,
    theta: FloatArray,
    *,
    restricted: bool,
) -> _State:
    covariance = blocks.covariance(theta)
    inverse: FloatArray = np.linalg.inv(covariance).astype(np.float64)
    log_det = float(np.linalg.slogdet(covariance)[1].sum())
    weighted = inverse @ x
    information = np.einsum("cwi,cwj->ij", x, weighted)
    phi = np.linalg.inv(information)
    coefficients = phi @ np.einsum("cwi,cw->i", weighted, y)
    residual = y - x @ coefficients
    weighted_residual = np.einsum("cij,cj->ci", inverse, residual)
    sigma, rest_df = float(theta[-1]), int(data.rest_df.sum())
    count = data.n + rest_df
    value = (
        log_det
        + float((residual * weighted_residual).sum())
        + rest_df * math.log(sigma)
        + float(data.rest_squares.sum()) / sigma
    )
    if restricted:
        value += float(np.linalg.slogdet(information)[1])
        count -= x.shape[2]
    return _State(
        value=-0.5 * (value + count * math.log(2 * math.pi)) + float(data.log_constant.sum()),
        inverse=inverse,
        weighted_x=weighted,
        weighted_residual=weighted_residual,
        coefficients=coefficients,
        covariance=phi,
    )


def _pulled(blocks: LineBlocks, state: _State) -> tuple[FloatArray, FloatArray, FloatArray]:
    """V⁻¹A, X'V⁻¹AV⁻¹X and X'V⁻¹AV⁻¹BV⁻¹X of all pairs of matrices A and B."""
    turned = np.einsum("cij,kcjl->kcil", state.inverse, blocks.matrices)
    moved = np.einsum("kcij,cjp->kcip", blocks.matrices, state.weighted_x)
    first = np.einsum("cip,kciq->kpq", state.weighted_x, moved)
    inner = np.einsum("cij,kcjq->kciq", state.inverse, moved)
    second = np.einsum("kcip,lciq->klpq", moved, inner)
    return turned, first, second


def _slopes(
    data: TrialData, blocks: LineBlocks, theta: FloatArray, state: _State, *, restricted: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradient of the log-likelihood, and its observed and expected information."""
    turned, first, second = _pulled(blocks, state)
    r, phi = state.weighted_residual, state.covariance
    trace = np.einsum("kcii->k", turned)
    traces = np.einsum("kcij,lcji->kl", turned, turned)
    if restricted:
        trace = trace - np.einsum("pq,kqp->k", phi, first)
        traces = (
            traces
            - 2 * np.einsum("pq,klqp->kl", phi, second)
            + np.einsum("pq,kqs,st,ltp->kl", phi, first, phi, first)
        )
    pushed = np.einsum("kcij,cj->kci", blocks.matrices, r)
    squares = np.einsum("ci,kci->k", r, pushed)
    along = np.einsum("cip,kci->kp", state.weighted_x, pushed)
    bent = np.einsum("kci,cij,lcj->kl", pushed, state.inverse, pushed) - along @ phi @ along.T
    gradient = 0.5 * (squares - trace)
    expected = 0.5 * traces
    observed = bent - expected
    sigma, df = float(theta[-1]), int(data.rest_df.sum())
    squares_left = float(data.rest_squares.sum()) / sigma
    gradient[-1] += 0.5 * (squares_left - df) / sigma
    expected[-1, -1] += 0.5 * df / sigma**2
    observed[-1, -1] += (squares_left - 0.5 * df) / sigma**2
    return gradient, observed, expected


def _direction(
    gradient: FloatArray, observed: FloatArray, expected: FloatArray, free: BoolArray
) -> FloatArray:
    """Newton's step where the likelihood bends downward, else the scoring step."""
    for information in (observed, expected):
        own = information[np.ix_(free, free)]
        if (np.diag(own) <= 0).any():
            continue
        size = np.sqrt(np.diag(own))
        value, vector = np.linalg.eigh(own / np.outer(size, size))
        if value[0] > 1e-8:
            turned = vector.T @ (gradient / size)
            return np.asarray(vector @ (turned / value) / size)
    # Two variances that the data cannot tell apart: along the directions that they can.
    told = value > 1e-8
    return np.asarray(
        vector[:, told] @ ((vector.T @ (gradient / size))[told] / value[told]) / size
    )


def _derivatives(
    data: TrialData, blocks: LineBlocks, theta: FloatArray, state: _State
) -> VarianceDerivatives:
    """What small-sample inference needs."""
    _, first, second = _pulled(blocks, state)
    _, _, expected = _slopes(data, blocks, theta, state, restricted=True)
    return VarianceDerivatives(
        covariance=state.covariance, first=-first, second=second, information=expected
    )
