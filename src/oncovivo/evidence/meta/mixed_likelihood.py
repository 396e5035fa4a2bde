"""Likelihood of rows with known sampling covariance and random effects, cluster by cluster.

y = X b + random effects + sampling error. The covariance of the rows is C = V + Σ φ_m K_m, with V
known and each K_m a matrix of zeros and ones: for the variance of a level, one where two rows are
of the same group; for a covariance between outcomes, one where two rows of a group have these two
outcomes. Since C is linear in φ, value, gradient and Hessian of both likelihoods are sums over
clusters (rows that share anything) of products of small matrices. Clusters of about the same size
are stacked, so the work is that of small matrices, and numpy's loops run over clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.evidence.meta.known_covariance import KnownCovariance

__all__ = [
    "Component",
    "Evaluation",
    "MixedMethod",
    "MixedModel",
    "Stack",
    "evaluate",
    "log_likelihood",
    "mixed_model",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
MixedMethod: TypeAlias = Literal["REML", "ML"]

# Clusters are padded to the next of these sizes: few stacks, with little padding.
_SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Component:
    """Random effects of one grouping of the rows.

    Parameters
    ----------
    group : ndarray of int, shape (k,)
        Group of each row; rows of different groups are independent.
    outcome : ndarray of int, shape (k,)
        Outcome of each row; zeros where a group has one effect on all of its rows.
    tables : ndarray, shape (m, q, q)
        For each variance or covariance, the pairs of outcomes it holds for.
    """

    group: IntArray
    outcome: IntArray
    tables: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stack:
    """Clusters of about the same size.

    Parameters
    ----------
    rows : ndarray of int, shape (c, n)
        Positions of the rows; -1 for padding.
    y : ndarray, shape (c, n)
        Effect sizes, 0 in the padding.
    x : ndarray, shape (c, n, p)
        Design, 0 in the padding.
    v : ndarray, shape (c, n, n)
        Sampling covariance, the identity in the padding.
    kernels : ndarray, shape (m, c, n, n)
        Where each variance or covariance holds.
    """

    rows: IntArray
    y: FloatArray
    x: FloatArray
    v: FloatArray
    kernels: FloatArray

    @property
    def padding(self) -> int:
        """Rows that are none."""
        return int((self.rows < 0).sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedModel:
    """Rows, design and covariance structure.

    Parameters
    ----------
    k, p : int
        Rows, coefficients.
    y : ndarray, shape (k,)
        Effect sizes.
    x : ndarray, shape (k, p)
        Design.
    cluster : ndarray of int, shape (k,)
        Rows of different clusters are independent.
    stacks : tuple of Stack
        The clusters.
    """

    k: int
    p: int
    y: FloatArray
    x: FloatArray
    cluster: IntArray
    stacks: tuple[Stack, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Likelihood at one φ, with what it was computed from.

    Parameters
    ----------
    value : float
        Log-likelihood, restricted with REML, with all constants of the normal density.
    gradient : ndarray, shape (m,)
        With respect to φ.
    hessian : ndarray, shape (m, m)
        With respect to φ.
    coefficients : ndarray, shape (p,)
        Generalized least squares.
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    quadratic : float
        Residual sum of squares, weighted by the inverse of C.
    projected_trace : float
        Trace of C⁻¹ - C⁻¹ X (X'C⁻¹X)⁻¹ X'C⁻¹.
    """

    value: float
    gradient: FloatArray
    hessian: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    quadratic: float
    projected_trace: float


def mixed_model(
    y: FloatArray,
    x: FloatArray,
    known: KnownCovariance,
    components: Sequence[Component],
    *,
    joined: Sequence[IntArray] = (),
) -> MixedModel:
    """Rows sorted into clusters, and the clusters into stacks.

    Rows of a group of ``joined`` are kept in one cluster though nothing ties them.
    """
    k, p = x.shape
    ties = [*(one.group for one in components), *joined]
    tied = np.full(k, -1, dtype=np.intp)
    for number, block in enumerate(known.blocks):
        tied[block.rows] = number
    alone = tied < 0
    tied[alone] = len(known.blocks) + np.arange(int(alone.sum()))
    cluster = _joined([*ties, tied], k)
    inside = np.zeros(k, dtype=np.intp)
    order = np.argsort(cluster, kind="stable")
    sizes = np.bincount(cluster)
    ends = np.cumsum(sizes)
    inside[order] = np.arange(k) - np.repeat(ends - sizes, sizes)
    padded = np.array([_padded_size(int(size)) for size in sizes])
    stacks: list[Stack] = []
    for n in np.unique(padded):
        members = np.flatnonzero(padded == n)
        place = np.full(sizes.size, -1, dtype=np.intp)
        place[members] = np.arange(members.size)
        here = np.flatnonzero(place[cluster] >= 0)
        rows = np.full((members.size, int(n)), -1, dtype=np.intp)
        rows[place[cluster[here]], inside[here]] = here
        stacks.append(_stack(rows, y, x, known, components, place[cluster], inside))
    return MixedModel(k=k, p=p, y=y, x=x, cluster=cluster, stacks=tuple(stacks))


def evaluate(model: MixedModel, phi: FloatArray, method: MixedMethod) -> Evaluation | None:
    """The likelihood at φ; None where C is no covariance, or the design is nearly collinear."""
    start = _weigh(model, phi)
    if start is None:
        return None
    sums, inverses = start
    try:
        root = np.linalg.cholesky(sums.information)
    except np.linalg.LinAlgError:
        return None
    half = np.linalg.inv(root)
    spread = half.T @ half
    coefficients = spread @ sums.scores
    restricted = method == "REML"
    pieces = [
        _derivative_parts(stack, inverse, columns, coefficients, spread, restricted=restricted)
        for stack, (inverse, columns) in zip(model.stacks, inverses, strict=True)
    ]
    quadratic = sum(one.quadratic for one in pieces)
    push = _total([one.push for one in pieces])
    gradient = 0.5 * _total([one.pulled - one.trace for one in pieces])
    hessian = _total([0.5 * one.both - one.inner for one in pieces]) + push @ spread @ push.T
    constant = (model.k - (model.p if restricted else 0)) * math.log(2 * math.pi)
    value = -0.5 * (constant + sums.log_det + quadratic)
    if restricted:
        value -= float(np.log(np.diag(root)).sum())
        owned = spread @ _total([one.fixed for one in pieces])
        gradient += 0.5 * np.trace(owned, axis1=1, axis2=2)
        m = phi.size
        flat, turned = owned.reshape(m, -1), np.swapaxes(owned, 1, 2).reshape(m, -1)
        hessian += 0.5 * flat @ turned.T - _total([one.crossed for one in pieces])
    return Evaluation(
        value=value,
        gradient=gradient,
        hessian=hessian,
        coefficients=coefficients,
        covariance=spread,
        quadratic=quadratic,
        projected_trace=sums.trace - float((spread * sums.squares).sum()),
    )


def log_likelihood(model: MixedModel, phi: FloatArray, method: MixedMethod) -> float | None:
    """The likelihood at φ alone, as a search for a start needs it; None where C is none."""
    start = _weigh(model, phi)
    if start is None:
        return None
    sums, _ = start
    try:
        root = np.linalg.cholesky(sums.information)
    except np.linalg.LinAlgError:
        return None
    explained = np.linalg.solve(root, sums.scores)
    free = model.k
    value = sums.log_det + sums.square - float(explained @ explained)
    if method == "REML":
        free -= model.p
        value += 2 * float(np.log(np.diag(root)).sum())
    return -0.5 * (free * math.log(2 * math.pi) + value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """Sums over clusters that the coefficients are computed from."""

    information: FloatArray
    scores: FloatArray
    square: float
    squares: FloatArray
    log_det: float
    trace: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """What the clusters of one stack add to the derivatives, with one entry for each φ."""

    quadratic: float
    pulled: FloatArray
    trace: FloatArray
    both: FloatArray
    inner: FloatArray
    push: FloatArray
    fixed: FloatArray
    crossed: FloatArray


def _total(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _weigh(
    model: MixedModel, phi: FloatArray
) -> tuple[_Sums, list[tuple[FloatArray, FloatArray]]] | None:
    """Sums, and for each stack C⁻¹ and C⁻¹X; None where C is no covariance."""
    p = model.p
    information, squares, scores = np.zeros((p, p)), np.zeros((p, p)), np.zeros(p)
    log_det = square = trace = 0.0
    inverses: list[tuple[FloatArray, FloatArray]] = []
    for stack in model.stacks:
        c, n = stack.rows.shape
        covariance = stack.v + (phi @ stack.kernels.reshape(phi.size, -1)).reshape(c, n, n)
        try:
            lower = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            return None
        log_det += 2 * float(np.log(np.diagonal(lower, axis1=1, axis2=2)).sum())
        inverse: FloatArray = np.linalg.inv(covariance).astype(np.float64, copy=False)
        columns = inverse @ stack.x
        flat, weighted = stack.x.reshape(-1, p), columns.reshape(-1, p)
        information += flat.T @ weighted
        squares += weighted.T @ weighted
        scores += weighted.T @ stack.y.ravel()
        square += float((stack.y * (inverse @ stack.y[:, :, None])[:, :, 0]).sum())
        # The padding has the identity as covariance.
        trace += float(np.trace(inverse, axis1=1, axis2=2).sum()) - stack.padding
        inverses.append((inverse, columns))
    sums = _Sums(
        information=information,
        scores=scores,
        square=square,
        squares=squares,
        log_det=log_det,
        trace=trace,
    )
    return sums, inverses


def _derivative_parts(
    stack: Stack,
    inverse: FloatArray,
    columns: FloatArray,
    coefficients: FloatArray,
    spread: FloatArray,
    *,
    restricted: bool,
) -> _Parts:
    m, p = len(stack.kernels), spread.shape[0]
    rest = stack.y - stack.x @ coefficients
    weighted = inverse @ rest[:, :, None]
    pulled = stack.kernels @ weighted
    again = inverse @ pulled
    flat = pulled.reshape(m, -1)
    moved = inverse @ stack.kernels
    turned = np.swapaxes(moved, 2, 3)
    fixed, crossed = np.zeros((m, p, p)), np.zeros((m, m))
    if restricted:
        held = stack.kernels @ columns
        tall = held.reshape(m, -1, p)
        fixed = columns.reshape(-1, p).T @ tall
        deeper = (inverse @ held) @ spread
        crossed = tall.reshape(m, -1) @ deeper.reshape(m, -1).T
    return _Parts(
        quadratic=float((rest * weighted[:, :, 0]).sum()),
        pulled=flat @ weighted.ravel(),
        trace=np.trace(moved, axis1=2, axis2=3).sum(axis=1),
        both=moved.reshape(m, -1) @ turned.reshape(m, -1).T,
        inner=flat @ again.reshape(m, -1).T,
        push=flat @ columns.reshape(-1, p),
        fixed=fixed,
        crossed=crossed,
    )


def _stack(
    rows: IntArray,
    y: FloatArray,
    x: FloatArray,
    known: KnownCovariance,
    components: Sequence[Component],
    place: IntArray,
    inside: IntArray,
) -> Stack:
    count, n = rows.shape
    real = rows >= 0
    v = np.zeros((count, n, n))
    every = np.arange(n)
    v[:, every, every] = np.where(real, known.vi[rows], 1.0)
    for block in known.blocks:
        where = place[block.rows]
        if where[0] >= 0:
            v[where[0]][np.ix_(inside[block.rows], inside[block.rows])] = block.matrix
    kernels: list[FloatArray] = []
    pair = real[:, :, None] & real[:, None, :]
    for one in components:
        group, outcome = one.group[rows], one.outcome[rows]
        same = pair & (group[:, :, None] == group[:, None, :])
        kernels.extend(
            same * table[outcome[:, :, None], outcome[:, None, :]] for table in one.tables
        )
    return Stack(
        rows=rows,
        y=np.where(real, y[rows], 0.0),
        x=np.where(real[:, :, None], x[rows], 0.0),
        v=v,
        kernels=np.array(kernels).reshape(-1, count, n, n),
    )


def _padded_size(size: int) -> int:
    for padded in _SIZES:
        if size <= padded:
            return padded
    return size


def _joined(groupings: Sequence[IntArray], k: int) -> IntArray:
    """Rows that share a group in any grouping, directly or through others, get one number."""
    label = np.arange(k)
    while True:
        before = label
        for group in groupings:
            lowest = np.full(int(group.max()) + 1, k, dtype=np.intp)
            np.minimum.at(lowest, group, label)
            label = lowest[group]
        if np.array_equal(before, label):
            return np.unique(label, return_inverse=True)[1].astype(np.intp)
