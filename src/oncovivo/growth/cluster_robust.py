"""Cluster-robust covariance of the coefficients with few clusters: CR2 and its degrees of freedom.

The sandwich of Liang and Zeger is too small with few clusters. CR2 multiplies the residuals of
cluster i by the symmetric matrix A_i that makes the sandwich unbiased when the working covariance
V is right: A_i (V_i - X_i M X_i') A_i = V_i with M = (X'V⁻¹X)⁻¹ (Bell and McCaffrey, Surv Methodol
2002;28:169; Pustejovsky and Tipton, J Bus Econ Stat 2018;36:672). Tests take Satterthwaite degrees
of freedom from the distribution of the sandwich under V.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError
from oncovivo.growth.covariance import (
    ClusterBlock,
    cluster_numbers,
    covariance_model,
    covariance_values,
)
from oncovivo.growth.engine import EngineFit, Problem

__all__ = ["ClusterRobust", "cluster_robust"]

FloatArray: TypeAlias = NDArray[np.float64]

# A direction of a cluster that keeps less than this share of its variance after the fit of the
# coefficients keeps none.
_SATURATED: Final = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterRobust:
    """CR2 covariance of the coefficients.

    Parameters
    ----------
    method : str
        What the clusters are.
    covariance : ndarray, shape (p, p)
        The sandwich.
    model_covariance : ndarray, shape (p, p)
        M, the covariance if V is right.
    spread : ndarray, shape (c, p, p)
        What each cluster adds to the sandwich's expectation, before the coefficients' own share.
    pull : ndarray, shape (c, p, p)
        How each cluster's part of the sandwich moves with the coefficients.
    """

    method: str
    covariance: FloatArray
    model_covariance: FloatArray
    spread: FloatArray
    pull: FloatArray

    @property
    def n_clusters(self) -> int:
        """Number of independent clusters."""
        return len(self.spread)

    def df(self, weights: FloatArray) -> FloatArray:
        """Satterthwaite degrees of freedom under the working covariance, shape (k,).

        The sandwich's variance of a question is a sum of squares of normal variables with a
        covariance matrix P under V, one entry for each cluster; it has (tr P)² / tr P² degrees of
        freedom. NaN where the sandwich is zero.

        Parameters
        ----------
        weights : ndarray, shape (k, p)
            Questions.
        """
        rows = np.atleast_2d(weights)
        root = np.linalg.cholesky(self.model_covariance)
        own = np.einsum("kp,cpq,kq->kc", rows, self.spread, rows, optimize=True)
        shared = np.einsum("kp,cpq->kcq", rows, self.pull) @ root
        diagonal = own - (shared**2).sum(axis=2)
        trace = diagonal.sum(axis=1)
        cross = shared.transpose(0, 2, 1) @ shared
        squares = (own * (2 * diagonal - own)).sum(axis=1) + (cross**2).sum(axis=(1, 2))
        some = trace > 0
        return np.where(some, trace**2 / np.where(some, squares, 1.0), np.nan)


def cluster_robust(problem: Problem, engine: EngineFit) -> ClusterRobust:
    """CR2 covariance with the fitted model's covariance of the readings as working covariance.

    Clusters are the animals, or the levels of the topmost factor where the model has factors
    (whatever their levels tie together, where they cross).

    Where the coefficients take up all of a direction of a cluster (V_i - X_i M X_i' singular: an
    arm with one animal, for example), no matrix A_i can restore its variance, and A_i leaves that
    direction out (pseudo-inverse, as Pustejovsky and Tipton have it). The sandwich is then too
    small for questions about that direction, and zero where it is all they rest on.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    engine : EngineFit
        The fit; its covariance of the readings is both the weight and the working covariance.

    Raises
    ------
    DataError
        If all animals are tied together: there is nothing to compare.
    """
    clusters = int(cluster_numbers(problem).max()) + 1
    factors = " and ".join(problem.groups)
    if clusters < 2:
        expected = "two or more independent clusters for a cluster-robust covariance"
        raise DataError(expected, found="one", mend=f"leave out the factor {factors}")
    model = covariance_model(problem)
    values = covariance_values(model, problem, engine)
    inner = engine.derivatives.covariance
    rest = problem.y - problem.x @ engine.coefficients
    parts = [
        _block_parts(block, model.covariance(block, values), problem.x, rest, inner)
        for block in model.blocks
    ]
    scores = np.concatenate([part[0] for part in parts])
    kind = f"clusters of {factors}" if factors else "animals"
    return ClusterRobust(
        method=f"CR2, {clusters} {kind}, Satterthwaite",
        covariance=scores.T @ scores,
        model_covariance=inner,
        spread=np.concatenate([part[1] for part in parts]),
        pull=np.concatenate([part[2] for part in parts]),
    )


def _block_parts(
    block: ClusterBlock, covariance: FloatArray, x: FloatArray, rest: FloatArray, inner: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores (c, p), spread (c, p, p) and pull (c, p, p) of a block's clusters."""
    columns = block.padded(x)
    factor = np.linalg.cholesky(covariance)
    upper = factor.transpose(0, 2, 1)
    whitened = np.linalg.solve(factor, columns)
    kept = np.eye(covariance.shape[1]) - whitened @ inner @ whitened.transpose(0, 2, 1)
    rank = (np.linalg.eigvalsh(kept) > _SATURATED).sum(axis=1)
    both = upper @ factor
    values, axes = np.linalg.eigh(both @ kept @ both)
    size = values.shape[1]
    used = np.arange(size) >= size - rank[:, None]
    inverse_root = np.where(used, 1.0 / np.sqrt(np.where(used, values, 1.0)), 0.0)
    adjust = factor @ ((axes * inverse_root[:, None, :]) @ axes.transpose(0, 2, 1)) @ upper
    weighted = np.linalg.solve(upper, whitened)
    lever = adjust @ weighted @ inner
    scores = np.einsum("cip,ci->cp", lever, block.padded(rest))
    turned = lever.transpose(0, 2, 1)
    return scores, turned @ covariance @ lever, turned @ columns
