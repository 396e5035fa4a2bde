"""Cluster-robust variances with few clusters: CR2, Satterthwaite's degrees of freedom, and AHT.

A multilevel model is a guess of how rows of one paper depend on each other. The sandwich variance
stays right when the guess is wrong, but the plain one is too small with few papers. CR2 multiplies
the residuals eᵢ of cluster i by the symmetric matrix Aᵢ that makes the sandwich unbiased if the
working covariance C is right, Aᵢ (Cᵢ - Xᵢ M Xᵢ') Aᵢ = Cᵢ with M = (X'C⁻¹X)⁻¹, and tests take
degrees of freedom from the distribution of the sandwich under C (Pustejovsky and Tipton, J Bus
Econ Stat 2018;36:672). Several coefficients are tested together by the approximate Hotelling
statistic of the same paper. With fewer than 4 degrees of freedom the p-values are not to be
relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.mixed_fit import MixedFit
from oncovivo.evidence.meta.mixed_likelihood import Stack, mixed_model
from oncovivo.evidence.meta.multilevel import MultilevelResult
from oncovivo.evidence.meta.types import Coefficient, MetaWarning, plain_fields

__all__ = ["JointTest", "RobustResult", "cluster_robust"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

# Satterthwaite's approximation is poor below this.
_FEW_DF: Final = 4.0
# A direction of a cluster that keeps less than this share of its variance after the fit of the
# coefficients keeps none: no matrix A restores it, and it is left out.
_SATURATED: Final = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest:
    """Several coefficients tested together.

    Parameters
    ----------
    terms : tuple of str
        Which ones.
    statistic : float or None
        F; None where there are too few clusters for so many coefficients.
    df : int
        Numerator degrees of freedom.
    df2 : float or None
        Denominator degrees of freedom.
    p_value : float or None
        Of the F distribution.
    """

    terms: tuple[str, ...]
    statistic: float | None
    df: int
    df2: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustResult:
    """Coefficients with a cluster-robust variance.

    Parameters
    ----------
    method : str
        "CR2".
    clusters : int
        Independent clusters.
    coefficients : tuple of Coefficient
        With robust standard errors and Satterthwaite degrees of freedom.
    covariance : tuple of tuple of float
        The sandwich.
    joint : JointTest or None
        Test of all coefficients but the intercept; None where there is nothing but an intercept.
    level : float
        Confidence of all limits.
    warnings : tuple of MetaWarning
        What should be known.
    """

    method: str
    clusters: int
    coefficients: tuple[Coefficient, ...]
    covariance: tuple[tuple[float, ...], ...]
    joint: JointTest | None
    level: float
    warnings: tuple[MetaWarning, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sandwich:
    """CR2 and what its distribution is computed from.

    Parameters
    ----------
    covariance : ndarray, shape (p, p)
        The sandwich.
    working : ndarray, shape (p, p)
        M, its expectation if the working covariance is right.
    spread : ndarray, shape (c, p, p)
        Variance of each cluster's score before the coefficients are fitted.
    pull : ndarray, shape (c, p, p)
        How each cluster's score moves with the coefficients.
    """

    covariance: FloatArray
    working: FloatArray
    spread: FloatArray
    pull: FloatArray

    def cross(self, contrast: FloatArray) -> FloatArray:
        """Covariances of the clusters' scores, shape (c, c, q, q), for a contrast (q, p)."""
        own = contrast @ self.spread @ contrast.T
        moved = contrast @ self.pull
        shared = np.einsum("isp,pr,jtr->ijst", moved, self.working, moved, optimize=True)
        every = np.arange(len(own))
        shared *= -1.0
        shared[every, every] += own
        return np.asarray(shared)


def cluster_robust(
    result: MultilevelResult, cluster: Sequence[str], *, terms: Sequence[str] | None = None
) -> RobustResult:
    """CR2 variance of a multilevel or multivariate model, with the model as working covariance.

    Parameters
    ----------
    result : MultilevelResult
        The fitted model.
    cluster : sequence of str, shape (k,)
        Cluster of each row, usually the paper. Rows that the model ties together, by a random
        effect or by a sampling covariance, must be of one cluster.
    terms : sequence of str, optional
        Coefficients of the joint test; all but the intercept by default.

    Raises
    ------
    InputError
        Clusters of another length, or a term that is not in the model.
    DataError
        A single cluster, or clusters that cut through what the model ties together.

    Examples
    --------
    >>> from oncovivo.evidence.meta.multilevel import fit_multilevel
    >>> from oncovivo.evidence.meta.types import Rows
    >>> rows = Rows.of(list("abcdef"), [0.1, 0.3, 0.9, 1.1, 0.5, 0.4], [0.02] * 6)
    >>> paper = ["p", "p", "q", "q", "r", "r"]
    >>> fitted = fit_multilevel(rows, {"paper": paper}, intervals="none")
    >>> round(cluster_robust(fitted, paper).coefficients[0].df, 6)
    2.0
    """
    fit = result.fit
    group = _clusters(cluster, fit)
    sandwich = _sandwich(fit, group)
    names = tuple(one.term for one in result.coefficients)
    estimates = fit.coefficients
    found: list[Coefficient] = []
    for number, name in enumerate(names):
        row = np.zeros((1, len(names)))
        row[0, number] = 1.0
        df = _satterthwaite(sandwich.cross(row)[:, :, 0, 0])
        error = float(np.sqrt(sandwich.covariance[number, number]))
        found.append(_coefficient(name, float(estimates[number]), error, df, result.level))
    tested = result.tested if terms is None else tuple(terms)
    unknown = [term for term in tested if term not in names]
    if unknown:
        raise InputError(f"terms out of {', '.join(names)}", found=", ".join(unknown))
    joint = None
    if tested:
        joint = _joint(sandwich, estimates, [names.index(term) for term in tested], tested)
    return RobustResult(
        method="CR2",
        clusters=int(group.max()) + 1,
        coefficients=tuple(found),
        covariance=tuple(tuple(float(v) for v in row) for row in sandwich.covariance),
        joint=joint,
        level=result.level,
        warnings=_warnings(found, joint),
    )


def _sandwich(fit: MixedFit, group: IntArray) -> _Sandwich:
    """CR2 in the rows' own units."""
    model = mixed_model(
        fit.model.y, fit.model.x, fit.known_scaled, fit.structure.components, joined=(group,)
    )
    inner = fit.at.covariance
    p = model.p
    meat = np.zeros((p, p))
    spread: list[FloatArray] = []
    pull: list[FloatArray] = []
    for stack in model.stacks:
        scores, own, moved = _stack_parts(stack, fit.phi, fit.at.coefficients, inner)
        meat += scores.T @ scores
        spread.append(own)
        pull.append(moved)
    return _Sandwich(
        covariance=meat * fit.scale**2,
        working=inner * fit.scale**2,
        spread=np.concatenate(spread) * fit.scale**2,
        pull=np.concatenate(pull),
    )


def _stack_parts(
    stack: Stack, phi: FloatArray, coefficients: FloatArray, inner: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores (c, p), spread and pull (c, p, p) of clusters of one size."""
    covariance = stack.v + np.tensordot(phi, stack.kernels, axes=1)
    lower = np.linalg.cholesky(covariance)
    upper = np.swapaxes(lower, 1, 2)
    kept = covariance - stack.x @ inner @ np.swapaxes(stack.x, 1, 2)
    # Residuals whitened by C have variances between 0 and 1: what is left of each direction.
    whitened = np.linalg.solve(lower, stack.x)
    share = np.eye(kept.shape[1]) - whitened @ inner @ np.swapaxes(whitened, 1, 2)
    rank = (np.linalg.eigvalsh(share) > _SATURATED).sum(axis=1)
    values, axes = np.linalg.eigh(upper @ kept @ lower)
    size = values.shape[1]
    used = np.arange(size) >= size - rank[:, None]
    root = np.where(used, 1 / np.sqrt(np.where(used, values, 1.0)), 0.0)
    adjust = lower @ ((axes * root[:, None, :]) @ np.swapaxes(axes, 1, 2)) @ upper
    lever = adjust @ np.linalg.solve(covariance, stack.x) @ inner
    rest = stack.y - stack.x @ coefficients
    turned = np.swapaxes(lever, 1, 2)
    return np.einsum("cip,ci->cp", lever, rest), turned @ covariance @ lever, turned @ stack.x


def _satterthwaite(cross: FloatArray) -> float | None:
    """Degrees of freedom of a sum of squares with these covariances; None for a sum of zeros."""
    trace = float(np.trace(cross))
    return trace**2 / float((cross**2).sum()) if trace > 0 else None


def _joint(
    sandwich: _Sandwich, estimates: FloatArray, chosen: list[int], terms: tuple[str, ...]
) -> JointTest:
    """Approximate Hotelling test of some coefficients."""
    q = len(chosen)
    working = sandwich.working[np.ix_(chosen, chosen)]
    contrast = np.zeros((q, estimates.size))
    contrast[np.arange(q), chosen] = 1.0
    white = np.linalg.solve(np.linalg.cholesky(working), contrast)
    cross = sandwich.cross(white)
    traces = np.trace(cross, axis1=2, axis2=3)
    variance = float((traces**2).sum() + np.einsum("ijst,ijts->", cross, cross))
    eta = q * (q + 1) / variance
    below = eta - q + 1
    robust = sandwich.covariance[np.ix_(chosen, chosen)]
    if below <= 0 or np.linalg.matrix_rank(robust, hermitian=True) < q:
        return JointTest(terms=terms, statistic=None, df=q, df2=None, p_value=None)
    some = estimates[chosen]
    square = float(some @ np.linalg.solve(robust, some))
    statistic = below / (eta * q) * square
    return JointTest(
        terms=terms,
        statistic=statistic,
        df=q,
        df2=below,
        p_value=float(special.fdtrc(q, below, statistic)),
    )


def _coefficient(
    name: str, estimate: float, error: float, df: float | None, level: float
) -> Coefficient:
    statistic = estimate / error if error > 0 else float("nan")
    if df is None or not error > 0:
        nan = float("nan")
        return Coefficient(
            term=name,
            estimate=estimate,
            std_error=error,
            statistic=nan,
            df=df,
            p_value=nan,
            lower=nan,
            upper=nan,
        )
    reach = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return Coefficient(
        term=name,
        estimate=estimate,
        std_error=error,
        statistic=statistic,
        df=df,
        p_value=2 * float(special.stdtr(df, -abs(statistic))),
        lower=estimate - reach,
        upper=estimate + reach,
    )


def _clusters(cluster: Sequence[str], fit: MixedFit) -> IntArray:
    k = fit.model.k
    if len(cluster) != k:
        raise InputError(f"one cluster for each of the {k} rows", found=str(len(cluster)))
    group = np.unique(np.array(cluster, dtype=str), return_inverse=True)[1].astype(np.intp)
    if int(group.max()) == 0:
        raise DataError("two or more clusters", found="one", mend="name clusters of rows")
    low = np.full(int(fit.model.cluster.max()) + 1, k, dtype=np.intp)
    high = np.full(low.size, -1, dtype=np.intp)
    np.minimum.at(low, fit.model.cluster, group)
    np.maximum.at(high, fit.model.cluster, group)
    cut = np.flatnonzero(low != high)
    if cut.size:
        rows = np.flatnonzero(fit.model.cluster == cut[0])
        raise DataError(
            "clusters that hold together what the model ties together",
            found=f"rows {rows[0] + 1} and {rows[group[rows] != group[rows[0]]][0] + 1} apart",
            mend="take the outermost level as the cluster",
        )
    return group


def _warnings(
    coefficients: Sequence[Coefficient], joint: JointTest | None
) -> tuple[MetaWarning, ...]:
    few = [
        f"{one.term} ({one.df:.1f})" if one.df is not None else f"{one.term} (none)"
        for one in coefficients
        if one.df is None or one.df < _FEW_DF
    ]
    if joint is not None and len(joint.terms) > 1 and (joint.df2 is None or joint.df2 < _FEW_DF):
        few.append("the joint test" + ("" if joint.df2 is None else f" ({joint.df2:.1f})"))
    if not few:
        return ()
    message = (
        f"fewer than 4 degrees of freedom, p-values are not to be relied on: {', '.join(few)}"
    )
    return (MetaWarning(code="few_df", message=message),)
