"""Sampling covariances of rows that are not independent: shared controls, repeated outcomes.

Two treated arms that are compared with the same control animals share the control's sampling
error; several days or lines of one paper are seen in the same animals or the same hands. Their
effect sizes then have a known, or assumed, sampling covariance. It is kept in blocks of rows,
since rows of different papers have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.evidence.meta.types import read_only

__all__ = [
    "CovarianceBlock",
    "KnownCovariance",
    "Standardizer",
    "correlated_covariance",
    "independent_covariance",
    "shared_control_covariance",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

Standardizer: TypeAlias = Literal["all_arms", "pair"]
"""Whose standard deviation a difference is divided by: all arms' together, or the pair's own."""

# A correlation matrix whose smallest eigenvalue is below this is singular: rounding alone leaves
# about 1e-16 per row.
_SINGULAR: Final = 1e-10
# Control groups whose numbers agree to this share are the same group, written differently.
_SAME_CONTROL: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CovarianceBlock:
    """Rows that depend on each other.

    Parameters
    ----------
    name : str
        What they share: the control group, or the paper.
    rows : ndarray of int, shape (n,)
        Their positions, ascending.
    matrix : ndarray, shape (n, n)
        Their sampling covariance.
    """

    name: str
    rows: IntArray
    matrix: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownCovariance:
    """Sampling covariance of k rows; rows outside the blocks are independent of all others.

    Parameters
    ----------
    vi : ndarray, shape (k,)
        Sampling variances.
    blocks : tuple of CovarianceBlock
        Rows that depend on each other, two or more in each block.
    formula : str
        How the covariances were computed.
    """

    vi: FloatArray
    blocks: tuple[CovarianceBlock, ...]
    formula: str

    def __len__(self) -> int:
        return self.vi.size

    def matrix(self) -> FloatArray:
        """All of it, shape (k, k)."""
        whole = np.diag(self.vi)
        for block in self.blocks:
            whole[np.ix_(block.rows, block.rows)] = block.matrix
        return whole


def independent_covariance(vi: ArrayLike) -> KnownCovariance:
    """Sampling covariance of rows that share nothing.

    Parameters
    ----------
    vi : array_like, shape (k,)
        Sampling variances, above 0.

    Raises
    ------
    InputError
        A variance that is not above 0 or not finite.
    """
    return KnownCovariance(vi=_variances(vi), blocks=(), formula="independent rows")


def shared_control_covariance(
    measure: Literal["ROM", "SMD", "MD"],
    control_id: Sequence[str],
    *,
    vi: ArrayLike,
    n_control: ArrayLike,
    mean_control: ArrayLike | None = None,
    sd_control: ArrayLike | None = None,
    yi: ArrayLike | None = None,
    n_treated: ArrayLike | None = None,
    standardizer: Standardizer = "all_arms",
) -> KnownCovariance:
    """Sampling covariance of rows that were compared with the same control animals.

    With n, x̄ and s of the control group c, and g the effect sizes, the covariance of rows i and j
    is s²/(n x̄²) for log ratios of means (ROM; Lajeunesse, Ecology 2011;92:2049), s²/n for mean
    differences (MD), and 1/n + gᵢ gⱼ/(2N) for standardized mean differences (SMD; Gleser and
    Olkin), where N counts the control animals and all arms compared with them, whose common
    standard deviation the differences are divided by. With ``standardizer="pair"`` each difference
    was divided by the standard deviation of its own two arms, which share the control's part only:
    1/n + gᵢ gⱼ n/(2 Nᵢ Nⱼ), N of the two arms.

    Parameters
    ----------
    measure : {"ROM", "SMD", "MD"}
        What the rows are.
    control_id : sequence of str, shape (k,)
        Control group of each row; empty text for a row whose control serves it alone.
    vi : array_like, shape (k,)
        Sampling variances.
    n_control : array_like, shape (k,)
        Control animals.
    mean_control, sd_control : array_like, shape (k,), optional
        Needed for ROM (both) and MD (sd_control).
    yi, n_treated : array_like, shape (k,), optional
        Effect sizes and treated animals, needed for SMD.
    standardizer : {"all_arms", "pair"}, default "all_arms"
        For SMD, what the differences were divided by.

    Raises
    ------
    InputError
        A column that the measure needs is missing or has another length, or a number outside its
        domain.
    DataError
        Rows that name one control group but tell different things about it, or a covariance matrix
        that is singular.

    Examples
    --------
    >>> v = shared_control_covariance("ROM", ["c1", "c1", ""], vi=[0.04, 0.05, 0.02],
    ...     n_control=[10, 10, 8], mean_control=[900, 900, 500], sd_control=[300, 300, 90])
    >>> v.matrix().round(6).tolist()
    [[0.04, 0.011111, 0.0], [0.011111, 0.05, 0.0], [0.0, 0.0, 0.02]]
    """
    variances = _variances(vi)
    k = variances.size
    n = _column("n_control", n_control, k, positive=True)
    facts = {"n_control": n}
    if measure == "ROM":
        mean = _column("mean_control", mean_control, k, positive=True)
        sd = _column("sd_control", sd_control, k)
        facts |= {"mean_control": mean, "sd_control": sd}
        formula = "sd_c²/(n_c mean_c²)"
    elif measure == "MD":
        sd = _column("sd_control", sd_control, k)
        facts |= {"sd_control": sd}
        formula = "sd_c²/n_c"
    elif measure == "SMD":
        effect = _column("yi", yi, k)
        treated = _column("n_treated", n_treated, k, positive=True)
        both = treated + n
        every = standardizer == "all_arms"
        formula = "1/n_c + g_i g_j/(2 N)" if every else "1/n_c + g_i g_j n_c/(2 N_i N_j)"
    else:
        expected = "ROM, SMD or MD, whose covariance by a shared control is known"
        raise InputError(expected, found=repr(measure))
    blocks: list[CovarianceBlock] = []
    for name, rows in _shared_rows(control_id, k, "control_id"):
        _check_one_control(name, rows, facts)
        first = rows[0]
        if measure == "ROM":
            shared = np.full(
                (rows.size, rows.size), sd[first] ** 2 / (n[first] * mean[first] ** 2)
            )
        elif measure == "MD":
            shared = np.full((rows.size, rows.size), sd[first] ** 2 / n[first])
        else:
            product = np.outer(effect[rows], effect[rows])
            if every:
                spread = product / (2 * (n[first] + treated[rows].sum()))
            else:
                spread = product * n[first] / (2 * np.outer(both[rows], both[rows]))
            shared = 1 / n[first] + spread
        np.fill_diagonal(shared, variances[rows])
        blocks.append(_block(f"control {name}", rows, shared))
    return KnownCovariance(vi=variances, blocks=tuple(blocks), formula=formula)


def correlated_covariance(
    vi: ArrayLike,
    group: Sequence[str],
    *,
    rho: float,
    time: ArrayLike | None = None,
) -> KnownCovariance:
    """Sampling covariance of a paper's rows from an assumed correlation.

    Rows of the same group have covariance rho √(vᵢ vⱼ); with times, rho to the power of their
    distance, so that rho is the correlation of rows one unit of time apart. The correlation is an
    assumption: vary it, and prefer cluster-robust intervals.

    Parameters
    ----------
    vi : array_like, shape (k,)
        Sampling variances.
    group : sequence of str, shape (k,)
        Rows of the same group depend on each other; empty text for a row that stands alone.
    rho : float
        Correlation, 0 to below 1; without times it may be negative as long as a covariance matrix
        exists.
    time : array_like, shape (k,), optional
        When each row was read.

    Raises
    ------
    InputError
        A correlation outside its domain, or columns of different lengths.
    DataError
        A covariance matrix that is singular: two rows of a group at the same time, for example.
    """
    variances = _variances(vi)
    lowest = -1.0 if time is None else 0.0
    if not lowest < rho < 1 and rho != 0:
        raise InputError(
            "an assumed correlation below 1" + (", 0 or above" if time is not None else ""),
            found=f"{rho:g}",
            mend="write 0.5 for 50 %" if 1 < rho <= 100 else "",
        )
    when = None if time is None else _column("time", time, variances.size)
    blocks: list[CovarianceBlock] = []
    for name, rows in _shared_rows(group, variances.size, "group"):
        root = np.sqrt(variances[rows])
        if when is None:
            correlation = np.full((rows.size, rows.size), float(rho))
        else:
            correlation = np.power(float(rho), np.abs(when[rows][:, None] - when[rows]))
        covariance = correlation * np.outer(root, root)
        np.fill_diagonal(covariance, variances[rows])
        blocks.append(_block(f"group {name}", rows, covariance))
    formula = f"{rho:g} √(v_i v_j)" if when is None else f"{rho:g}^|t_i - t_j| √(v_i v_j)"
    return KnownCovariance(vi=variances, blocks=tuple(blocks), formula=formula)


def _block(name: str, rows: IntArray, matrix: FloatArray) -> CovarianceBlock:
    """A block, if its covariance is one."""
    root = np.sqrt(np.diag(matrix))
    if np.linalg.eigvalsh(matrix / np.outer(root, root))[0] < _SINGULAR:
        numbers = ", ".join(str(row + 1) for row in rows[:6]) + (" …" if rows.size > 6 else "")
        raise DataError(
            "sampling covariances that leave every row something of its own",
            found="a singular covariance matrix",
            where=f"{name}, rows {numbers}",
            mend="leave out rows that say the same, or lower the assumed correlation",
        )
    rows.setflags(write=False)
    return CovarianceBlock(name=name, rows=rows, matrix=read_only(matrix))


def _check_one_control(name: str, rows: IntArray, facts: dict[str, FloatArray]) -> None:
    for what, values in facts.items():
        first = values[rows[0]]
        other = np.flatnonzero(np.abs(values[rows] - first) > _SAME_CONTROL * abs(first))
        if other.size:
            raise DataError(
                f"one {what} for all rows of control group {name}",
                found=f"{first:g} and {values[rows[other[0]]]:g}",
                where=f"rows {rows[0] + 1} and {rows[other[0]] + 1}",
                mend="give control groups that differ their own control_id",
            )


def _shared_rows(labels: Sequence[str], k: int, what: str) -> list[tuple[str, IntArray]]:
    """Positions of each label that two or more rows have, by first appearance."""
    if len(labels) != k:
        raise InputError(f"one {what} for each of the {k} rows", found=str(len(labels)))
    found: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label:
            found.setdefault(label, []).append(row)
    return [
        (label, np.array(rows, dtype=np.intp)) for label, rows in found.items() if len(rows) > 1
    ]


def _variances(vi: ArrayLike) -> FloatArray:
    variances = np.atleast_1d(np.asarray(vi, dtype=np.float64))
    wrong = np.flatnonzero(~(np.isfinite(variances) & (variances > 0)))
    if wrong.size:
        raise InputError(
            "a sampling variance above 0",
            found=f"{variances[wrong[0]]:g}",
            where=f"row {wrong[0] + 1}",
        )
    return read_only(variances)


def _column(name: str, values: ArrayLike | None, k: int, *, positive: bool = False) -> FloatArray:
    if values is None:
        raise InputError(f"{name} for the covariance by shared controls", found="none")
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (k,):
        raise InputError(f"one {name} for each of the {k} rows", found=str(array.size))
    wrong = np.flatnonzero(~np.isfinite(array) | ((array <= 0) if positive else (array != array)))
    if wrong.size:
        raise InputError(
            f"a {name} above 0" if positive else f"a finite {name}",
            found=f"{array[wrong[0]]:g}",
            where=f"row {wrong[0] + 1}",
        )
    return array
