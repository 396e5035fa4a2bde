"""Array kernels: many random-effects regressions at once, and their permutation.

Kernels take arrays, know no names and give NaN nowhere that their callers have not looked for.

References
----------
Knapp G, Hartung J. Stat Med 2003;22:2693 (the variance of coefficients). Satterthwaite FE.
Biometrics Bull 1946;2:110 (degrees of freedom of an estimated variance). Freedman D,
Lane D. J Bus Econ Stat 1983;1:292 (permuting residuals of the model without the marker). Westfall
PH, Young SS. Resampling-Based Multiple Testing, 1993 (the most extreme of all statistics).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "MetaRegressions",
    "NullResiduals",
    "PermutationCounts",
    "fit_meta_regressions",
    "null_residuals",
    "null_weight_p",
    "permute_markers",
]

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]

_MOST_STEPS: Final = 100
# A step of the variance below this share of its upper bound is the last.
_LAST_STEP: Final = 1e-11
# Statistics that are equal but for rounding count as equal.
_TIE: Final = 1e-9
# Share of a column's length that must be left once the other columns are taken out.
_COLLINEAR: Final = 1e-10
# Numbers held in one block of markers × permutations.
_BLOCK: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaRegressions:
    """Weighted regressions of B problems with q coefficients each.

    Parameters
    ----------
    coefficients : ndarray, shape (B, q)
        Estimates.
    covariance : ndarray, shape (B, q, q)
        By Knapp and Hartung: the inverse of the weighted cross products times the mean weighted
        squared residual.
    tau2 : ndarray, shape (B,)
        Variance between lines beyond their standard errors, by REML.
    df : ndarray, shape (B,)
        Lines less coefficients.
    inverse, moved : ndarray, shape (B, q, q)
        Inverse of the weighted cross products, and its slope along the variance between lines.
    information : ndarray, shape (B,)
        Expected, of the variance between lines.
    """

    coefficients: FloatArray
    covariance: FloatArray
    tau2: FloatArray
    df: FloatArray
    inverse: FloatArray
    moved: FloatArray
    information: FloatArray

    def contrast_df(self, contrast: FloatArray) -> FloatArray:
        """Satterthwaite's degrees of freedom of contrasts, shape (q,) or (B, q).

        With weights that depend much on a variance between lines that is known badly, t of the
        residual degrees of freedom is too narrow. With equal standard errors they are the same.
        From 1 to the residual ones.
        """
        row = np.broadcast_to(contrast, self.coefficients.shape)
        size = np.einsum("bi,bij,bj->b", row, self.inverse, row)
        slope = np.einsum("bi,bij,bj->b", row, self.moved, row)
        with np.errstate(over="ignore"):
            df = 2 * self.information * (size / slope) ** 2
        # Rounding does not take a whole number of degrees of freedom apart.
        return np.asarray(np.where(df > self.df * (1 - 1e-9), self.df, np.maximum(df, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pieces:
    """What the likelihood's slope is made of at given variances."""

    inverse: FloatArray
    coefficients: FloatArray
    moved: FloatArray
    residual: FloatArray
    weights: FloatArray
    score: FloatArray
    information: FloatArray


def fit_meta_regressions(
    effect: FloatArray, variance: FloatArray | None, design: FloatArray, present: BoolArray
) -> MetaRegressions:
    """Random-effects regressions, one for each marker, with weights 1/(variance + τ²).

    Parameters
    ----------
    effect : ndarray, shape (n,) or (B, n)
        Response of the lines, the same for all regressions or of each.
    variance : ndarray, shape (n,) or (B, n), or None
        Their squared standard errors; without them all lines weigh the same, which is ordinary
        least squares.
    design : ndarray, shape (B, n, q)
        Columns of each regression, of full rank over the lines that are present.
    present : ndarray of bool, shape (B, n)
        Lines that each regression has; more of them than columns.
    """
    count, n, q = design.shape
    held = np.where(present[:, :, None], design, 0.0)
    known = np.where(present, effect, 0.0)
    spread = np.broadcast_to(np.ones(n) if variance is None else variance, (count, n))
    tau2 = np.zeros(count)
    if variance is not None:
        tau2 = _reml(held, known, spread, present)
    pieces = _pieces(held, known, spread, present, tau2)
    df = present.sum(axis=1) - float(q)
    scale = (pieces.weights * pieces.residual**2).sum(axis=1) / df
    return MetaRegressions(
        coefficients=pieces.coefficients,
        covariance=pieces.inverse * scale[:, None, None],
        tau2=tau2,
        df=df,
        inverse=pieces.inverse,
        moved=pieces.moved,
        information=pieces.information,
    )


def _reml(
    design: FloatArray, effect: FloatArray, variance: FloatArray, present: BoolArray
) -> FloatArray:
    """Variances between lines at which the slope of the restricted likelihood is zero.

    Fisher's steps within a bracket that every look at the slope narrows; a slope that falls at
    zero leaves the variance there.
    """
    count = effect.shape[0]
    zero = np.zeros(count)
    even = _pieces(design, effect, np.ones_like(variance), present, zero)
    df = np.maximum(present.sum(axis=1) - design.shape[2], 1)
    high = (even.residual**2).sum(axis=1) / df + 1e-300
    # With variances of lines that differ much the slope can still rise there.
    for _ in range(60):
        rising = _pieces(design, effect, variance, present, high).score > 0
        if not rising.any():
            break
        high = np.where(rising, 4 * high, high)
    top = high.copy()
    tau2 = np.zeros(count)
    low = np.zeros(count)
    slope = _score_at_zero(design, effect, variance, present)
    open_ = np.flatnonzero(slope > 0)
    mean = (variance * present).sum(axis=1) / present.sum(axis=1)
    tau2[open_] = np.maximum(high - mean, 0.1 * high)[open_]
    for _ in range(_MOST_STEPS):
        if not open_.size:
            break
        pieces = _pieces(
            design[open_], effect[open_], variance[open_], present[open_], tau2[open_]
        )
        rising = pieces.score > 0
        low[open_] = np.where(rising, tau2[open_], low[open_])
        high[open_] = np.where(rising, high[open_], tau2[open_])
        new = tau2[open_] + pieces.score / pieces.information
        inside = (new > low[open_]) & (new < high[open_])
        new = np.where(inside, new, (low[open_] + high[open_]) / 2)
        done = np.abs(new - tau2[open_]) <= _LAST_STEP * top[open_]
        tau2[open_] = new
        open_ = open_[~done]
    return tau2


def _score_at_zero(
    design: FloatArray, effect: FloatArray, variance: FloatArray, present: BoolArray
) -> FloatArray:
    """Slope at no variance; a line without error of its own makes it infinite."""
    exact = ((variance <= 0) & present).any(axis=1)
    floor = np.where(variance > 0, variance, 1.0)
    slope = _pieces(design, effect, floor, present, np.zeros(effect.shape[0])).score
    return np.where(exact, np.inf, slope)


def _pieces(
    design: FloatArray,
    effect: FloatArray,
    variance: FloatArray,
    present: BoolArray,
    tau2: FloatArray,
) -> _Pieces:
    """Weighted fits, slope and expected information of the restricted likelihood."""
    total = variance + tau2[:, None]
    weights = np.where(present, 1.0 / np.where(total > 0, total, 1.0), 0.0)
    turned = design.transpose(0, 2, 1)
    once = turned * weights[:, None, :]
    twice = once * weights[:, None, :]
    inverse = np.asarray(np.linalg.inv(once @ design), dtype=np.float64)
    coefficients = (inverse @ (once @ effect[:, :, None]))[:, :, 0]
    residual = effect - (design @ coefficients[:, :, None])[:, :, 0]
    second = inverse @ (twice @ design)
    moved = second @ inverse
    third = inverse @ ((twice * weights[:, None, :]) @ design)
    trace = weights.sum(axis=1) - np.trace(second, axis1=1, axis2=2)
    square = (
        (weights**2).sum(axis=1)
        - 2 * np.trace(third, axis1=1, axis2=2)
        + np.trace(second @ second, axis1=1, axis2=2)
    )
    return _Pieces(
        inverse=inverse,
        coefficients=coefficients,
        moved=moved,
        residual=residual,
        weights=weights,
        score=(((weights * residual) ** 2).sum(axis=1) - trace) / 2,
        information=np.maximum(square, 1e-300) / 2,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NullResiduals:
    """The model without a marker, its lines brought to equal variance.

    Parameters
    ----------
    root_weights : ndarray, shape (n,)
        Square roots of the weights 1/(variance + τ²), with the null model's τ².
    covariates : ndarray, shape (n, c)
        Weighted columns of that model, the constant among them.
    residual : ndarray, shape (n,)
        Weighted residuals.
    tau2 : float
        The null model's.
    """

    root_weights: FloatArray
    covariates: FloatArray
    residual: FloatArray
    tau2: float


def null_residuals(
    effect: FloatArray, variance: FloatArray | None, covariates: FloatArray
) -> NullResiduals:
    """The model of the covariates alone, shape (n, c)."""
    n = effect.size
    present = np.ones((1, n), dtype=np.bool_)
    fit = fit_meta_regressions(effect, variance, covariates[None], present)
    tau2 = float(fit.tau2[0])
    roots = np.ones(n) if variance is None else 1 / np.sqrt(variance + tau2)
    scaled = covariates * roots[:, None]
    residual = roots * effect - scaled @ fit.coefficients[0]
    return NullResiduals(root_weights=roots, covariates=scaled, residual=residual, tau2=tau2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PermutationCounts:
    """What the permutations say of each marker.

    Parameters
    ----------
    p_value : ndarray, shape (p,)
        (b + 1)/(B + 1), where b permutations have a statistic at least as large.
    p_family : ndarray, shape (p,)
        The same with the most extreme statistic of all markers in each permutation, which holds
        the error over all of them.
    """

    p_value: FloatArray
    p_family: FloatArray


def null_weight_p(
    null: NullResiduals,
    markers: FloatArray,
    present: BoolArray,
    *,
    groups: Iterable[tuple[FloatArray, BoolArray]] = (),
) -> FloatArray:
    """p-values of markers by F, with the weights of the model without a marker.

    Parameters
    ----------
    null : NullResiduals
        The model without a marker.
    markers, present, groups
        As of :func:`permute_markers`.

    Returns
    -------
    ndarray, shape (p + groups,)
    """
    seen = null.residual[:, None]
    found = [
        _tail(shares[:, 0], width, df)
        for shares, width, df in _all_shares(null, markers, present, seen, groups)
    ]
    return np.concatenate(found) if found else np.empty(0)


def permute_markers(
    null: NullResiduals,
    markers: FloatArray,
    present: BoolArray,
    *,
    permutations: int,
    rng: np.random.Generator,
    groups: Iterable[tuple[FloatArray, BoolArray]] = (),
) -> PermutationCounts:
    """Permutation p-values of markers, by relabeling the null model's residuals.

    The statistic is that of the regression with the null model's weights: weights are held, so
    that all markers and permutations are one product of matrices.

    Parameters
    ----------
    null : NullResiduals
        The model without a marker.
    markers : ndarray, shape (n, p)
        A column for each marker, anything where it is missing.
    present : ndarray of bool, shape (n, p)
        Where it is not.
    permutations : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.
    groups : iterable of (ndarray of shape (n, k), ndarray of bool, shape (n,))
        Markers with k + 1 levels each, after the others in the result.
    """
    n = null.residual.size
    order = np.argsort(rng.random((permutations, n)), axis=1)
    # The first column is what was observed; no permutation is treated otherwise.
    drawn = np.column_stack([null.residual, null.residual[order].T])
    largest: dict[tuple[int, int], FloatArray] = {}
    observed, exceeding = [], []
    for shares, width, df in _all_shares(null, markers, present, drawn, groups):
        seen, made = shares[:, :1], shares[:, 1:]
        exceeding.append((made >= seen * (1 - _TIE)).sum(axis=1))
        observed.append(_tail(seen[:, 0], width, df))
        for value in np.unique(df).tolist():
            top = made[df == value].max(axis=0, initial=0.0)
            key = (width, int(value))
            largest[key] = np.maximum(largest.get(key, top), top)
    p_seen = np.concatenate(observed) if observed else np.empty(0)
    least = np.ones(permutations)
    for (width, rest), top in largest.items():
        least = np.minimum(least, _tail(top, width, rest))
    least.sort()
    family = np.searchsorted(least, p_seen * (1 + _TIE), side="right")
    b = np.concatenate(exceeding) if exceeding else np.empty(0)
    return PermutationCounts(
        p_value=(b + 1.0) / (permutations + 1), p_family=(family + 1.0) / (permutations + 1)
    )


def _tail(share: FloatArray, width: int, df: IntArray | int) -> FloatArray:
    """p-value of the F test of an explained share with `width` and `df` degrees of freedom."""
    rest = np.clip(1 - share, 0.0, 1.0)
    return np.asarray(special.betainc(df / 2, width / 2, rest), dtype=np.float64)


def _all_shares(
    null: NullResiduals,
    markers: FloatArray,
    present: BoolArray,
    drawn: FloatArray,
    groups: Iterable[tuple[FloatArray, BoolArray]],
) -> Iterator[tuple[FloatArray, int, IntArray]]:
    """Shares of the residual sum of squares that markers explain, block by block.

    Yields shares (m, 1 + B), columns of a marker, and residual degrees of freedom (m,).
    """
    step = max(1, _BLOCK // drawn.shape[1])
    for start in range(0, markers.shape[1], step):
        part = slice(start, start + step)
        yield _block_shares(null, markers[:, part], present[:, part], drawn)
    for columns, here in groups:
        yield _group_shares(null, columns, here, drawn)


def _block_shares(
    null: NullResiduals, markers: FloatArray, present: BoolArray, drawn: FloatArray
) -> tuple[FloatArray, int, IntArray]:
    """Shares of markers of one column each."""
    base = null.covariates
    mask = present.T.astype(np.float64)
    columns = np.where(present.T, markers.T * null.root_weights, 0.0)
    c = base.shape[1]
    df = (present.sum(axis=0) - c - 1).astype(np.intp)
    whole = present.all(axis=0)
    explained = np.empty((columns.shape[0], drawn.shape[1]))
    total = np.empty_like(explained)
    if whole.any():
        basis, _ = np.linalg.qr(base)
        left = columns[whole] - (columns[whole] @ basis) @ basis.T
        explained[whole] = left @ drawn / np.linalg.norm(left, axis=1)[:, None]
        rest = drawn - basis @ (basis.T @ drawn)
        total[whole] = (rest**2).sum(axis=0)
    some = np.flatnonzero(~whole)
    if some.size:
        part = mask[some]
        cross = np.linalg.inv(np.einsum("mn,ni,nj->mij", part, base, base, optimize=True))
        along = (cross @ (columns[some] @ base)[:, :, None])[:, :, 0]
        left = part * (columns[some] - along @ base.T)
        explained[some] = left @ drawn / np.linalg.norm(left, axis=1)[:, None]
        inner = np.stack([(part * base[:, j]) @ drawn for j in range(c)])
        fitted = np.einsum("imb,mij,jmb->mb", inner, cross, inner, optimize=True)
        total[some] = part @ drawn**2 - fitted
    return np.minimum(explained**2 / total, 1.0), 1, df


def _group_shares(
    null: NullResiduals, columns: FloatArray, here: BoolArray, drawn: FloatArray
) -> tuple[FloatArray, int, IntArray]:
    """Share of one marker of several columns."""
    basis, _ = np.linalg.qr(null.covariates[here])
    scaled = columns[here] * null.root_weights[here, None]
    marker, _ = np.linalg.qr(scaled - basis @ (basis.T @ scaled))
    seen = drawn[here]
    rest = seen - basis @ (basis.T @ seen)
    share = ((marker.T @ seen) ** 2).sum(axis=0) / (rest**2).sum(axis=0)
    df = np.array([here.sum() - basis.shape[1] - columns.shape[1]], dtype=np.intp)
    return np.minimum(share, 1.0)[None], columns.shape[1], df


def is_collinear(column: FloatArray, others: FloatArray) -> bool:
    """Whether nothing of a column is left once others, shape (n, c), are taken out."""
    basis, _ = np.linalg.qr(others)
    left = column - basis @ (basis.T @ column)
    return bool(np.linalg.norm(left) <= _COLLINEAR * np.linalg.norm(column))
