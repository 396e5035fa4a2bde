"""Covariance of the readings as a function of its parameters, cluster by cluster.

A cluster is what is independent of all else: an animal, or the animals that the levels of a factor
tie together. Clusters of like size lie in one padded array; padding has variance one, covariance
zero and no derivative, so that it adds nothing to a determinant or a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from oncovivo.growth.engine import EngineFit, Problem

__all__ = [
    "ClusterBlock",
    "CovarianceModel",
    "Curvature",
    "cluster_numbers",
    "covariance_model",
    "covariance_values",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]
# Second derivatives that do not vanish: two slots, and the matrices of all clusters.
Curvature: TypeAlias = list[tuple[int, int, FloatArray]]

# Clusters share an array while the largest is less than this many times the smallest.
_PADDING: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterBlock:
    """Clusters of like size: c clusters, n places for readings, s parameters that reach one.

    Parameters
    ----------
    rows : ndarray of int, shape (c, n)
        Number of the reading at each place; 0 where there is none.
    present : ndarray of bool, shape (c, n)
        Whether there is one.
    slots : ndarray of int, shape (c, s)
        Parameter behind each slot of a cluster; a cluster with fewer has slots whose matrices
        are zero.
    linear : ndarray, shape (c, l, n, n)
        Derivatives by the first l slots, which do not depend on the parameters.
    shared : ndarray, shape (c, j, n, n)
        Where a correlation ties residuals: 1 for two readings of one animal whose variance is
        residual slot l + j. Empty without.
    lag : ndarray, shape (c, n, n)
        Time between two readings of one animal, in typical gaps; 0 across animals, where `shared`
        is 0. Empty without a correlation.
    """

    rows: IntArray
    present: BoolArray
    slots: IntArray
    linear: FloatArray
    shared: FloatArray
    lag: FloatArray

    def padded(self, values: FloatArray) -> FloatArray:
        """Values of the readings, shape (m, ...), at their places, shape (c, n, ...)."""
        placed = values[self.rows]
        placed[~self.present] = 0.0
        return placed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovarianceModel:
    """Covariance of all readings.

    Parameters
    ----------
    parameters : tuple of str, length r
        Names, as :class:`oncovivo.growth.engine.EngineFit` has them.
    blocks : tuple of ClusterBlock
        All clusters.
    time_scale : float
        Days that the unit of the random slope stands for.
    gap : float or None
        Days that the parameter ``correlation`` refers to: the median between an animal's
        consecutive readings. Inference that is not indifferent to the choice of parameters, such
        as Kenward-Roger with a nonlinear covariance, so does not depend on the unit of time. None
        without a correlation.
    """

    parameters: tuple[str, ...]
    blocks: tuple[ClusterBlock, ...]
    time_scale: float
    gap: float | None

    def at(
        self, block: ClusterBlock, values: FloatArray
    ) -> tuple[FloatArray, FloatArray, Curvature]:
        """Covariance of a block's clusters and its derivatives.

        Parameters
        ----------
        block : ClusterBlock
            One of the model's.
        values : ndarray, shape (r,)
            Parameters.

        Returns
        -------
        covariance : ndarray, shape (c, n, n)
        first : ndarray, shape (c, s, n, n)
            By the parameter in each slot.
        second : list of (slot, slot, ndarray of shape (c, n, n))
            What is not zero of the second derivatives.
        """
        covariance = self.covariance(block, values)
        if self.gap is None:
            return covariance, block.linear, []
        n_linear = block.linear.shape[1]
        corr, slope, bend = _power_correlation(block.lag, float(values[-1]))
        shape = np.einsum("cj,cjkl->ckl", values[block.slots[:, n_linear:-1]], block.shared)
        residual = block.shared * corr[:, None]
        by_rho = shape * slope
        first = np.concatenate((block.linear, residual, by_rho[:, None]), axis=1)
        last = first.shape[1] - 1
        second: Curvature = [
            (n_linear + j, last, block.shared[:, j] * slope) for j in range(block.shared.shape[1])
        ]
        second.append((last, last, shape * bend))
        return covariance, first, second

    def covariance(self, block: ClusterBlock, values: FloatArray) -> FloatArray:
        """Covariance of a block's clusters, shape (c, n, n).

        Parameters
        ----------
        block : ClusterBlock
            One of the model's.
        values : ndarray, shape (r,)
            Parameters; a correlation may be 0.
        """
        n_linear = block.linear.shape[1]
        total = np.einsum("cs,csij->cij", values[block.slots[:, :n_linear]], block.linear)
        places = np.arange(block.rows.shape[1])
        total[:, places, places] += ~block.present
        if self.gap is not None:
            shape = np.einsum("cj,cjkl->ckl", values[block.slots[:, n_linear:-1]], block.shared)
            total += shape * float(values[-1]) ** block.lag
        return np.asarray(total)


def _power_correlation(lag: FloatArray, rho: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Correlation rho**lag with its first and second derivative by rho > 0."""
    corr = rho**lag
    slope = lag * corr / rho
    return corr, slope, (lag - 1.0) * slope / rho


def cluster_numbers(problem: Problem) -> IntArray:
    """Number of each animal's cluster, shape (n,): animals tied by a level of any factor.

    With nested factors these are the levels of the topmost one.
    """
    n = problem.arm.size
    if not problem.groups:
        return np.arange(n)
    left: list[IntArray] = []
    right: list[IntArray] = []
    offset = n
    for group in problem.groups.values():
        left.append(np.arange(n))
        right.append(group + offset)
        offset += int(group.max()) + 1
    ones = np.ones(n * len(left))
    ties = scipy.sparse.coo_array(
        (ones, (np.concatenate(left), np.concatenate(right))), (offset,) * 2
    )
    labels = scipy.sparse.csgraph.connected_components(ties, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def covariance_model(problem: Problem, *, time_scale: float = 1.0) -> CovarianceModel:
    """The covariance structure of a problem.

    Parameters
    ----------
    problem : Problem
        Times, animals, groups and the choice of random effects and residual.
    time_scale : float
        Days that the unit of the random slope stands for; variances of slopes are then per that
        unit.
    """
    names: list[str] = []
    if problem.random != "slope":
        names.append("var(intercept)")
    if problem.random == "intercept_slope":
        names.append("cov(intercept,slope)")
    if problem.random != "intercept":
        names.append("var(slope)")
    names.extend(f"var({name})" for name in problem.groups)
    residual_of, residual_names = _residual_parameters(problem)
    first_residual = len(names)
    names.extend(residual_names)
    gap = typical_gap(problem) if problem.residual in ("car1", "arm_car1") else None
    if gap is not None:
        names.append("correlation")
    cluster = cluster_numbers(problem)[problem.animal]
    blocks = [
        _block(
            problem,
            members,
            residual=residual_of + first_residual,
            n_before=first_residual,
            n_parameters=len(names),
            time_scale=time_scale,
            gap=gap,
        )
        for members in _like_size(cluster)
    ]
    return CovarianceModel(
        parameters=tuple(names), blocks=tuple(blocks), time_scale=time_scale, gap=gap
    )


def covariance_values(model: CovarianceModel, problem: Problem, engine: EngineFit) -> FloatArray:
    """Parameters of a model with ``time_scale`` 1 at the estimates of an engine, shape (r,)."""
    random = engine.random_covariance
    known = {
        "var(intercept)": random[0, 0],
        "cov(intercept,slope)": random[0, 1],
        "var(slope)": random[1, 1],
        **{f"var({name})": value for name, value in engine.group_variances.items()},
    }
    residual_of, residual_names = _residual_parameters(problem)
    first = np.unique(residual_of, return_index=True)[1]
    known.update(zip(residual_names, engine.residual_variance[first].tolist(), strict=True))
    if model.gap is not None:
        known["correlation"] = (engine.correlation or 0.0) ** model.gap
    return np.array([known[name] for name in model.parameters])


def typical_gap(problem: Problem) -> float | None:
    """Median time between consecutive readings of an animal; None where none has two."""
    order = np.lexsort((problem.time, problem.animal))
    step = np.diff(problem.time[order])[np.diff(problem.animal[order]) == 0]
    step = step[step > 0]
    return float(np.median(step)) if step.size else None


def _residual_parameters(problem: Problem) -> tuple[IntArray, list[str]]:
    """Number of each animal's residual variance, shape (n,), and the variances' names."""
    if problem.residual == "animal":
        count = problem.arm.size
        return np.arange(count), [f"var(residual:{number})" for number in range(count)]
    if problem.residual in ("arm", "arm_car1"):
        arms, number = np.unique(problem.arm, return_inverse=True)
        return number.astype(np.intp), [f"var(residual:{arm})" for arm in arms.tolist()]
    return np.zeros(problem.arm.size, dtype=np.intp), ["var(residual)"]


def _like_size(cluster: IntArray) -> list[list[IntArray]]:
    """Readings of each cluster, clusters of like size together."""
    order = np.argsort(cluster, kind="stable")
    ends = np.flatnonzero(np.diff(cluster[order])) + 1
    members = sorted(np.split(order, ends), key=len)
    batches: list[list[IntArray]] = []
    for rows in members:
        if not batches or len(rows) > _PADDING * len(batches[-1][0]):
            batches.append([])
        batches[-1].append(rows)
    return batches


def _block(
    problem: Problem,
    members: list[IntArray],
    *,
    residual: IntArray,
    n_before: int,
    n_parameters: int,
    time_scale: float,
    gap: float | None,
) -> ClusterBlock:
    size = max(len(rows) for rows in members)
    count = len(members)
    rows = np.zeros((count, size), dtype=np.intp)
    present = np.zeros((count, size), dtype=bool)
    for number, own in enumerate(members):
        rows[number, : own.size] = own
        present[number, : own.size] = True
    both = present[:, :, None] & present[:, None, :]
    animal = problem.animal[rows]
    same = _equal(animal) & both
    time = problem.time[rows]
    unit = time / time_scale
    parts: list[FloatArray] = []
    if problem.random != "slope":
        parts.append(same.astype(np.float64))
    if problem.random == "intercept_slope":
        parts.append(same * (unit[:, :, None] + unit[:, None, :]))
    if problem.random != "intercept":
        parts.append(same * unit[:, :, None] * unit[:, None, :])
    parts.extend(
        (_equal(group[animal]) & both).astype(np.float64) for group in problem.groups.values()
    )
    own_residual = residual[animal]
    listed = [np.unique(own_residual[number, present[number]]) for number in range(count)]
    width = max(numbers.size for numbers in listed)
    residual_slots = np.zeros((count, width), dtype=np.intp)
    shared = np.zeros((count, width, size, size))
    for number, numbers in enumerate(listed):
        residual_slots[number, : numbers.size] = numbers
        for place, parameter in enumerate(numbers.tolist()):
            mine = own_residual[number] == parameter
            shared[number, place] = same[number] & mine[:, None]
    before = np.broadcast_to(np.arange(n_before), (count, n_before))
    if gap is None:
        diagonal = shared * np.eye(size)
        linear = np.concatenate((*(part[:, None] for part in parts), diagonal), axis=1)
        slots = np.concatenate((before, residual_slots), axis=1)
        empty = np.zeros((count, 0, size, size))
        return ClusterBlock(
            rows=rows,
            present=present,
            slots=slots,
            linear=linear,
            shared=empty,
            lag=np.zeros((count, 0, 0)),
        )
    last = np.full((count, 1), n_parameters - 1)
    return ClusterBlock(
        rows=rows,
        present=present,
        slots=np.concatenate((before, residual_slots, last), axis=1),
        linear=np.stack(parts, axis=1),
        shared=shared,
        lag=np.where(same, np.abs(time[:, :, None] - time[:, None, :]) / gap, 0.0),
    )


def _equal(label: IntArray) -> BoolArray:
    """Which two places of a cluster have one label, shape (c, n, n)."""
    return np.asarray(label[:, :, None] == label[:, None, :])
