"""Likelihood of a linear mixed model from full covariance matrices, with exact derivatives.

With P = V⁻¹ - V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹ the restricted log-likelihood has the first derivatives
-½[tr(P V_k) - y'P V_k P y] and the second derivatives
-½[tr(P V_kl) - tr(P V_k P V_l) + 2 y'P V_k P V_l P y - y'P V_kl P y]; the full likelihood,
maximized over the coefficients, has V⁻¹ for P in the traces. All is summed over clusters, whose
matrices lie in padded arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.covariance import ClusterBlock, CovarianceModel, Curvature
from oncovivo.growth.engine import VarianceDerivatives
from oncovivo.growth.model import Likelihood

__all__ = ["DensePoint", "evaluate", "variance_derivatives"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DensePoint:
    """The likelihood at given parameters.

    Parameters
    ----------
    log_likelihood : float
        With all constants.
    gradient : ndarray, shape (r,)
        By the natural parameters.
    hessian : ndarray, shape (r, r)
        Second derivatives.
    information : ndarray, shape (r, r)
        Expected information of the restricted likelihood.
    coefficients : ndarray, shape (p,)
        Generalized least squares.
    covariance : ndarray, shape (p, p)
        (X'V⁻¹X)⁻¹.
    weighted_residuals : ndarray, shape (m,)
        V⁻¹(y - X beta).
    """

    log_likelihood: float
    gradient: FloatArray
    hessian: FloatArray
    information: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    weighted_residuals: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """A block at given parameters: V⁻¹, V⁻¹X, derivatives of V."""

    block: ClusterBlock
    inverse: FloatArray
    weighted: FloatArray
    first: FloatArray
    second: Curvature


def _parts(
    model: CovarianceModel, x: FloatArray, values: FloatArray
) -> tuple[list[_Part], float] | None:
    """Blocks at given parameters and log|V|; None where V is not positive definite."""
    parts: list[_Part] = []
    log_det = 0.0
    for block in model.blocks:
        covariance, first, second = model.at(block, values)
        try:
            factor = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            return None
        log_det += 2.0 * float(np.log(np.diagonal(factor, axis1=1, axis2=2)).sum())
        half = np.linalg.inv(factor)
        inverse = half.transpose(0, 2, 1) @ half
        parts.append(
            _Part(
                block=block,
                inverse=inverse,
                weighted=inverse @ block.padded(x),
                first=first,
                second=second,
            )
        )
    return parts, log_det


def evaluate(
    model: CovarianceModel, y: FloatArray, x: FloatArray, values: FloatArray, kind: Likelihood
) -> DensePoint | None:
    """The likelihood and its derivatives; None where the covariance is not positive definite.

    Parameters
    ----------
    model : CovarianceModel
        Structure.
    y : ndarray, shape (m,)
        Outcome.
    x : ndarray, shape (m, p)
        Columns of the fixed part, of full rank.
    values : ndarray, shape (r,)
        Natural parameters.
    kind : {"REML", "ML"}
        Which likelihood.
    """
    made = _parts(model, x, values)
    if made is None:
        return None
    parts, log_det = made
    p = x.shape[1]
    r = len(model.parameters)
    precision = np.zeros((p, p))
    right = np.zeros(p)
    for part in parts:
        long = part.weighted.reshape(-1, p)
        precision += part.block.padded(x).reshape(-1, p).T @ long
        right += long.T @ part.block.padded(y).ravel()
    try:
        root = np.linalg.inv(np.linalg.cholesky((precision + precision.T) / 2)).T
    except np.linalg.LinAlgError:
        return None
    covariance = root @ root.T
    beta = covariance @ right
    rest = y - x @ beta
    weighted = np.empty_like(y)
    traces = np.zeros(r)
    fixed_traces = np.zeros(r)
    squares = np.zeros(r)
    pair_traces = np.zeros((r, r))
    fixed_pairs = np.zeros((r, r))
    pair_squares = np.zeros((r, r))
    curved = np.zeros((r, r))
    seen = np.zeros((r, p, p))
    pulled = np.zeros((r, p))
    for part in parts:
        block = part.block
        slots = block.slots
        count, size = block.rows.shape
        width = slots.shape[1]
        own = block.padded(rest)
        pull = np.einsum("cij,cj->ci", part.inverse, own)
        weighted[block.rows[block.present]] = pull[block.present]
        basis = part.weighted @ root
        product = part.inverse[:, None] @ part.first
        moved = part.first @ basis[:, None]
        bent = np.einsum("csij,cj->csi", part.first, pull)
        local_seen = np.einsum("cip,csiq->cspq", basis, moved)
        _add(traces, slots, np.einsum("csii->cs", product))
        _add(fixed_traces, slots, np.einsum("cspp->cs", local_seen))
        _add(squares, slots, np.einsum("csi,ci->cs", bent, pull))
        flat = product.reshape(count, width, -1)
        turned = product.transpose(0, 1, 3, 2).reshape(count, width, -1)
        _add_pairs(pair_traces, slots, flat @ turned.transpose(0, 2, 1))
        whitened = (part.inverse[:, None] @ moved).reshape(count, width, size * p)
        _add_pairs(
            fixed_pairs, slots, moved.reshape(count, width, -1) @ whitened.transpose(0, 2, 1)
        )
        _add_pairs(pair_squares, slots, bent @ part.inverse @ bent.transpose(0, 2, 1))
        np.add.at(seen, slots, local_seen)
        np.add.at(pulled, slots, np.einsum("cip,csi->csp", basis, bent))
        for left, right_slot, matrix in part.second:
            total = np.einsum("cij,cij->c", part.inverse, matrix)
            total -= np.einsum("ci,cij,cj->c", pull, matrix, pull)
            if kind == "REML":
                total -= np.einsum("cip,cij,cjp->c", basis, matrix, basis, optimize=True)
            np.add.at(curved, (slots[:, left], slots[:, right_slot]), total)
            if left != right_slot:
                np.add.at(curved, (slots[:, right_slot], slots[:, left]), total)
    squared = pair_squares - pulled @ pulled.T
    flat_seen = seen.reshape(r, -1)
    restricted = pair_traces - 2 * fixed_pairs + flat_seen @ flat_seen.T
    reml = kind == "REML"
    freedom = y.size - p if reml else y.size
    quadratic = float(rest @ weighted)
    log_likelihood = -0.5 * (freedom * np.log(2 * np.pi) + log_det + quadratic)
    if reml:
        log_likelihood += float(np.log(np.abs(np.diag(root))).sum())
    return DensePoint(
        log_likelihood=float(log_likelihood),
        gradient=-0.5 * (traces - (fixed_traces if reml else 0.0) - squares),
        hessian=0.5 * (restricted if reml else pair_traces) - squared - 0.5 * curved,
        information=0.5 * restricted,
        coefficients=beta,
        covariance=covariance,
        weighted_residuals=weighted,
    )


def variance_derivatives(
    model: CovarianceModel,
    x: FloatArray,
    values: FloatArray,
    point: DensePoint,
    *,
    count: int,
) -> VarianceDerivatives:
    """How the covariance moves with its first parameters, seen through X.

    Parameters
    ----------
    model : CovarianceModel
        Structure.
    x : ndarray, shape (m, p)
        Columns of the fixed part.
    values : ndarray, shape (r,)
        Natural parameters.
    point : DensePoint
        The likelihood there.
    count : int
        Parameters that are given; the others count as known.
    """
    made = _parts(model, x, values)
    p = x.shape[1]
    r = len(model.parameters)
    first = np.zeros((r, p, p))
    second = np.zeros((count, count, p, p))
    curvature = np.zeros((count, count, p, p)) if model.gap is not None else None
    for part in made[0] if made is not None else []:
        slots = part.block.slots
        use = np.flatnonzero((slots < count).all(axis=0))
        moved = part.first @ part.weighted[:, None]
        np.add.at(first, slots, -np.einsum("cip,csiq->cspq", part.weighted, moved))
        moved = moved[:, use]
        turned = part.inverse[:, None] @ moved
        for left in range(use.size):
            local = np.einsum("cip,csiq->cspq", moved[:, left], turned, optimize=True)
            places = slots[:, use]
            np.add.at(second, (places[:, left][:, None], places), local)
        if curvature is None:
            continue
        for left, right, matrix in part.second:
            local = part.weighted.transpose(0, 2, 1) @ matrix @ part.weighted
            np.add.at(curvature, (slots[:, left], slots[:, right]), local)
            if left != right:
                np.add.at(curvature, (slots[:, right], slots[:, left]), local)
    return VarianceDerivatives(
        covariance=point.covariance,
        first=first[:count],
        second=second,
        curvature=curvature,
        information=point.information[:count, :count],
    )


def _add(total: FloatArray, slots: IntArray, local: FloatArray) -> None:
    """Sum what belongs to one parameter."""
    total += np.bincount(slots.ravel(), weights=local.ravel(), minlength=total.size)


def _add_pairs(total: FloatArray, slots: IntArray, local: FloatArray) -> None:
    """Sum what belongs to one pair of parameters."""
    r = total.shape[0]
    place = (slots[:, :, None] * r + slots[:, None, :]).ravel()
    total += np.bincount(place, weights=local.ravel(), minlength=r * r).reshape(r, r)
