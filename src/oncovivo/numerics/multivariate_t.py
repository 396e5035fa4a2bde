"""The largest of several correlated t statistics: adjusted p values and critical values.

T_j = Z_j / S with Z normal of correlation R and S² chi-squared over its degrees of freedom, one S
for all. Where R is a diagonal plus one or two factors, as for many arms against one control, the
Z_j are independent given the factors and the probability is a short quadrature; where R has rank 2
or 3, as for the days of a band, it is one over directions; any other R goes through a
quasi-Monte-Carlo lattice with a fixed stream, so that a result never changes.

References
----------
Dunnett CW. J Am Stat Assoc 1955;50:1096. Genz A, Bretz F. J Comput Graph Stat 2002;11:950
(separated variables). Genz A, Kwong KS. J Stat Comput Simul 2000;68:1 (singular correlation).
Somerville PN. J Comput Graph Stat 1998;7:529 (directions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError

__all__ = ["MaxT", "MaxTMethod", "max_t", "max_t_p_values", "max_t_quantile"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
MaxTMethod: TypeAlias = Literal["t", "one_factor", "two_factors", "sphere", "quasi_monte_carlo"]

# A correlation counts as factors when what they leave of it has a norm below this, ...
_MOST_MISFIT: Final = 2e-3
# ... and this times the norm bounds what a probability moves by (tests hold it to that).
_PER_MISFIT: Final = 0.03
_QUADRATURE_ERROR: Final = 1e-7
# Below this own standard deviation a comparison is so near the factors that steps get too short.
_LEAST_OWN: Final = 0.02
# Directions of two or three variables: angles, and heights and turns of the sphere.
_FEW_DIRECTIONS: Final = 3
_ANGLES: Final = 4096
_HEIGHTS: Final = 96
_TURNS: Final = 256
_SPHERE_ERROR: Final = 1e-5
# Eigenvalues below this are rounding.
_NO_VARIANCE: Final = 1e-9
# Comparisons correlated to this are one comparison.
_SAME: Final = 1e-10
# The tail is tabulated on 0 to this number of standard deviations, where it is below 1e-32.
_FAR: Final = 12.0
# The table's two panels meet here; nodes of the near one (few or many comparisons), of the far.
_NEAR: Final = 4.0
_NEAR_NODES: Final = (24, 40)
_FAR_NODES: Final = 14
# With more comparisons than this the near panel needs its many nodes.
_FEW: Final = 5
# A standard normal ends here for all that double precision sees of a tail's leading digits.
_SPREAD: Final = 6.5
# Normal probabilities worked out in one array.
_BLOCK: Final = 60_000
# Nodes over log S: steps of half its spread or less, from 1 to 10⁷ degrees of freedom.
_CHI: Final = 128
# Beyond, a t statistic is normal to 1e-7.
_NORMAL_DF: Final = 1e7
# Drop of a log density that double precision no longer sees.
_DROP: Final = 38.0
# Bonferroni's bound is given where it is smaller than this.
_NEGLIGIBLE: Final = 1e-7
# Quasi-Monte-Carlo: shifts of the lattice, points of each at first and at most, error aimed at,
# and where it is looked at.
_SHIFTS: Final = 8
_FIRST_POINTS: Final = 512
_MOST_POINTS: Final = 16384
_ERROR: Final = 1e-4
_STREAM: Final = 20_250_601
_LOOK: Final = (1.5, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxT:
    """Adjusted p values and the critical value of a family of t statistics.

    Parameters
    ----------
    p_values : ndarray, shape (k,)
        P(max |T| >= |statistic|); NaN where the statistic is.
    critical : float
        What max |T| stays below with probability `level`.
    level : float
        Confidence held over the family.
    df : float
        Degrees of freedom of all.
    error : float
        Largest estimated absolute error of a probability.
    method : {"t", "one_factor", "two_factors", "sphere", "quasi_monte_carlo"}
        How the probabilities were computed; ``t`` for a single question, ``sphere`` where all
        depend on two or three variables.
    """

    p_values: FloatArray
    critical: float
    level: float
    df: float
    error: float
    method: MaxTMethod


def max_t(
    statistic: FloatArray, correlation: FloatArray, df: float, *, level: float = 0.95
) -> MaxT:
    """Single-step adjusted p values of a family, and its critical value.

    Parameters
    ----------
    statistic : ndarray, shape (k,)
        t statistics.
    correlation : ndarray, shape (k, k)
        Of their numerators; may be singular.
    df : float
        Degrees of freedom, above 0; may be infinite.
    level : float
        Confidence held over the family.

    Raises
    ------
    InputError
        If the correlation is none, the degrees of freedom are not positive, or the level is not
        between 0 and 1.

    Examples
    --------
    >>> test = max_t(np.array([2.5, 1.0]), np.array([[1.0, 0.5], [0.5, 1.0]]), 12.0)
    >>> test.p_values.round(4)
    array([0.0502, 0.5212])
    >>> round(test.critical, 3)
    2.502
    """
    values = np.asarray(statistic, dtype=np.float64)
    matrix = _checked(np.asarray(correlation, dtype=np.float64), values.size, df)
    _check_level(level)
    tail = _tail(matrix, df)
    p_values = _p_values(values, tail, values.size, df)
    critical = _quantile(tail, values.size, df, level)
    return MaxT(
        p_values=p_values,
        critical=critical,
        level=level,
        df=df,
        error=tail.error,
        method=tail.method,
    )


def max_t_p_values(statistic: FloatArray, correlation: FloatArray, df: float) -> FloatArray:
    """P(max |T| >= |statistic|) for each statistic, shape (k,); see :func:`max_t`."""
    values = np.asarray(statistic, dtype=np.float64)
    matrix = _checked(np.asarray(correlation, dtype=np.float64), values.size, df)
    return _p_values(values, _tail(matrix, df), values.size, df)


def max_t_quantile(correlation: FloatArray, df: float, level: float = 0.95) -> float:
    """What max |T| stays below with probability `level`; see :func:`max_t`.

    Examples
    --------
    >>> round(max_t_quantile(np.full((3, 3), 0.5) + 0.5 * np.eye(3), 20.0), 2)
    2.54
    """
    matrix = np.asarray(correlation, dtype=np.float64)
    matrix = _checked(matrix, len(matrix), df)
    _check_level(level)
    return _quantile(_tail(matrix, df), len(matrix), df, level)


def _checked(matrix: FloatArray, size: int, df: float) -> FloatArray:
    if size < 1 or matrix.shape != (size, size):
        expected = f"a correlation of shape ({size}, {size}), at least (1, 1)"
        raise InputError(expected, found=f"shape {matrix.shape}")
    far = ~(np.abs(matrix) <= 1 + 1e-9) | ~(np.abs(matrix - matrix.T) <= 1e-9)
    if far.any() or np.abs(np.diag(matrix) - 1).max() > 1e-9:
        expected = "a symmetric correlation with 1 on its diagonal and entries from -1 to 1"
        raise InputError(expected, found="another matrix")
    if float(np.linalg.eigvalsh(matrix)[0]) < -1e-8 * size:
        expected = "a correlation without negative eigenvalues"
        raise InputError(expected, found="a negative one")
    if not df > 0:
        expected = "degrees of freedom above 0"
        raise InputError(expected, found=f"{df:g}")
    return matrix


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        expected = "a level between 0 and 1"
        raise InputError(expected, found=f"{level:g}")


def _p_values(statistic: FloatArray, tail: _Tail, size: int, df: float) -> FloatArray:
    """Adjusted p values, each between its own p and Bonferroni's."""
    c = np.abs(statistic)
    alone = 2 * special.stdtr(df, -c)
    bound = np.minimum(1.0, size * alone)
    p_values = bound.copy()
    open_ = bound > _NEGLIGIBLE
    if open_.any():
        p_values[open_] = tail(c[open_])
    return np.asarray(np.clip(p_values, alone, bound))


def _quantile(tail: _Tail, size: int, df: float, level: float) -> float:
    """Root of the tail between the quantile of one question and Bonferroni's."""
    low = float(special.stdtrit(df, 0.5 + level / 2))
    high = float(special.stdtrit(df, 1 - (1 - level) / (2 * size)))

    def excess(c: float) -> float:
        return float(tail(np.array([c]))[0]) - (1 - level)

    if high - low < 1e-12 or excess(low) <= 0:
        return low
    if excess(high) >= 0:
        return high
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-9 * high, rtol=1e-12))


def _tail(matrix: FloatArray, df: float) -> _Tail:
    """The cheapest way to a family's tail that is right."""
    matrix = _distinct(matrix)
    if len(matrix) == 1:
        return _Tail(np.zeros((1, 1)), df, "t")
    loadings = _one_factor(matrix)
    if loadings is not None:
        return _Tail(loadings, df, "one_factor", misfit=_misfit(loadings, matrix))
    loadings = _two_factors(matrix)
    if loadings is not None:
        return _Tail(loadings, df, "two_factors", misfit=_misfit(loadings, matrix))
    values, vectors = np.linalg.eigh(matrix)
    used = values > _NO_VARIANCE
    if int(used.sum()) <= _FEW_DIRECTIONS:
        return _Tail(vectors[:, used] * np.sqrt(values[used]), df, "sphere")
    return _Tail(matrix, df, "quasi_monte_carlo")


def _distinct(matrix: FloatArray) -> FloatArray:
    """The correlation without comparisons that repeat an earlier one."""
    repeats = np.triu(np.abs(matrix) >= 1 - _SAME, k=1).any(axis=0)
    return matrix[np.ix_(~repeats, ~repeats)]


def _one_factor(matrix: FloatArray) -> FloatArray | None:
    """Loadings lambda with R_ij = lambda_i lambda_j as near as can be, shape (k, 1), or None."""
    if len(matrix) == 2:
        value = float(matrix[0, 1])
        return _admitted(np.sqrt(np.abs([[value], [value]])) * [[1.0], [np.sign(value)]], matrix)
    share = np.full(len(matrix), 0.5)
    for _ in range(5):
        values, vectors = np.linalg.eigh(matrix - np.diag(1 - share))
        loadings = vectors[:, -1:] * np.sqrt(max(float(values[-1]), 0.0))
        share = np.minimum(loadings[:, 0] ** 2, 1 - _LEAST_OWN**2)
    return _admitted(_polished(loadings, matrix), matrix)


def _two_factors(matrix: FloatArray) -> FloatArray | None:
    """Loadings L, shape (k, 2), with R = L L' off the diagonal as near as can be, or None."""
    least = max(float(np.linalg.eigvalsh(matrix)[0]), 0.0)
    values, vectors = np.linalg.eigh(matrix - least * np.eye(len(matrix)))
    loadings = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0))
    loadings = _polished(loadings, matrix)
    # The first factor carries most, so that the second needs few nodes.
    return _admitted(loadings @ np.linalg.svd(loadings, full_matrices=False)[2].T, matrix)


def _polished(loadings: FloatArray, matrix: FloatArray) -> FloatArray:
    """Least squares over the entries above the diagonal, by Gauss-Newton.

    The misfits of a least-squares solution cancel in the probability to first order, so that one
    factor often does where it does not meet every entry.
    """
    k, factors = loadings.shape
    row, column = np.triu_indices(k, 1)
    pair = np.arange(row.size)
    for _ in range(12):
        rest = matrix[row, column] - (loadings[row] * loadings[column]).sum(axis=1)
        slope = np.zeros((row.size, k, factors))
        slope[pair, row] = loadings[column]
        slope[pair, column] = loadings[row]
        step = np.linalg.lstsq(slope.reshape(row.size, -1), rest, rcond=1e-6)[0]
        loadings = loadings + step.reshape(k, factors)
        if np.abs(step).max() < 1e-9 or not np.abs(loadings).max() < 2:
            break
    return loadings


def _admitted(loadings: FloatArray, matrix: FloatArray) -> FloatArray | None:
    """The loadings, if they meet the correlation and leave each comparison a part of its own."""
    own = 1 - (loadings**2).sum(axis=1)
    if own.min() < _LEAST_OWN**2 or _misfit(loadings, matrix) > _MOST_MISFIT:
        return None
    return loadings


def _misfit(loadings: FloatArray, matrix: FloatArray) -> float:
    """Root of the summed squares of what the loadings leave above the diagonal."""
    return float(np.linalg.norm(np.triu(matrix - loadings @ loadings.T, k=1)))


class _Panel:
    """A function on an interval, interpolated from its values at Chebyshev's nodes."""

    def __init__(self, low: float, high: float, size: int) -> None:
        angle = np.pi * (np.arange(size) + 0.5) / size
        self.nodes = low + (high - low) / 2 * (1 - np.cos(angle))
        self._weights = np.where(np.arange(size) % 2 == 0, 1.0, -1.0) * np.sin(angle)

    def between(self, x: FloatArray, values: FloatArray) -> FloatArray:
        """Barycentric interpolation of the values at the nodes."""
        gap = x[..., None] - self.nodes
        share = self._weights / np.where(np.abs(gap) < 1e-13, 1e-13, gap)
        return np.asarray((share @ values) / share.sum(axis=-1))


class _Tail:
    """P(max |T| > c) of one family.

    P(max |Z| > a) is tabulated over P(|Z_1| > a), a ratio that runs from 1 to the number of
    comparisons, so that small p values keep their leading digits; S is integrated out on top.
    """

    def __init__(
        self, structure: FloatArray, df: float, method: MaxTMethod, *, misfit: float = 0.0
    ) -> None:
        self._df = df
        self.method: MaxTMethod = method
        many = len(structure) > _FEW and method in ("one_factor", "two_factors")
        self._near = _Panel(0.0, _NEAR, _NEAR_NODES[int(many)])
        self._far = _Panel(_NEAR, _FAR, _FAR_NODES)
        nodes = np.concatenate((self._near.nodes, self._far.nodes))
        if method == "quasi_monte_carlo":
            lattice = _Lattice(structure)
            self.error = lattice.error
            tail = lattice.tail(nodes)
        elif method == "sphere":
            self.error = _SPHERE_ERROR
            tail = _tail_by_direction(nodes, structure)
        else:
            self.error = _QUADRATURE_ERROR + _PER_MISFIT * misfit
            tail = _normal_tail(nodes, structure)
        self._ratio = np.split(tail / (2 * special.ndtr(-nodes)), [self._near.nodes.size])

    def _normal(self, a: FloatArray) -> FloatArray:
        """P(max |Z| > a), by interpolation in the table."""
        ratio = np.empty_like(a)
        near = a <= _NEAR
        ratio[near] = self._near.between(a[near], self._ratio[0])
        ratio[~near] = self._far.between(np.minimum(a[~near], _FAR), self._ratio[1])
        return np.asarray(ratio * 2 * special.ndtr(-a))

    def __call__(self, c: FloatArray) -> FloatArray:
        if self._df > _NORMAL_DF:
            return self._normal(c)
        df = self._df
        # log S from where the tail of the largest c still counts to where S ends.
        fall = _DROP / df
        low = -0.5 * np.log1p(c**2 / df) - np.sqrt(fall) - fall
        log_s = low[:, None] + (np.sqrt(fall) - low)[:, None] * np.linspace(0.0, 1.0, _CHI)
        height = df * (log_s - 0.5 * np.expm1(2 * log_s))
        step = (np.sqrt(fall) - low) / (_CHI - 1)
        half = df / 2
        scale = 2 * np.exp(half * np.log(half) - special.gammaln(half) - half)
        inside = np.exp(height) * self._normal(c[:, None] * np.exp(log_s))
        return np.asarray(scale * step * inside.sum(axis=1))


def _normal_tail(a: FloatArray, loadings: FloatArray) -> FloatArray:
    """P(max |Z| > a) for Z = loadings @ u + own part; `a` rises; small ones keep their digits."""
    # |Z_j| does not change with the sign of a single factor's loading.
    plain = np.abs(loadings) if loadings.shape[1] == 1 else loadings
    rows, count = np.unique(plain, axis=0, return_counts=True)
    own = np.sqrt(1 - (rows**2).sum(axis=1))
    nodes, weights = _factor_nodes(rows, own)
    shift = nodes @ rows.T
    reach = float(np.abs(rows[:, 0]).max())
    total = np.zeros(a.size)
    block = max(1, _BLOCK // shift.size)
    for first in range(0, a.size, block):
        limit = a[first : first + block, None, None]
        # Nodes rise with the first factor; beyond this one they add nothing at these limits.
        used = int(np.searchsorted(nodes[:, 0], reach * float(limit[-1, 0, 0]) + _SPREAD)) + 1
        part = shift[:used]
        outside = special.ndtr((part - limit) / own) + special.ndtr((-part - limit) / own)
        with np.errstate(divide="ignore"):
            inside = np.log1p(-np.minimum(outside, 1.0)) @ count
        total[first : first + block] = -np.expm1(inside) @ weights[:used]
    return total


def _factor_nodes(rows: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights over one or two standard normal factors; half of the first is enough."""
    step = 0.4 * min(1.0, float((own / np.maximum(np.abs(rows[:, 0]), 1e-300)).min()))
    reach = _FAR * float(np.abs(rows[:, 0]).max()) + _SPREAD
    first = np.arange(0.0, reach + step, step)
    weight = 2 * step * np.exp(-0.5 * first**2) / np.sqrt(2 * np.pi)
    weight[0] /= 2
    if rows.shape[1] == 1:
        return first[:, None], weight
    bend = float((np.abs(rows[:, 1]) / own).max())
    size = next((n for limit, n in ((0.25, 10), (0.6, 20), (1.2, 40)) if bend < limit), 80)
    second, share = np.polynomial.hermite_e.hermegauss(size)
    share = share / share.sum()
    nodes = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    return nodes, np.outer(weight, share).ravel()


def _tail_by_direction(a: FloatArray, loadings: FloatArray) -> FloatArray:
    """P(max |Z| > a) for Z = loadings @ u with two or three standard normal u.

    In a direction of u, max |Z| is the length of u times what the loadings reach there, and the
    length is independent of the direction.
    """
    rank = loadings.shape[1]
    angle = np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES
    if rank == 2:
        directions = np.column_stack((np.cos(angle), np.sin(angle)))
        share = np.full(_ANGLES, 1 / _ANGLES)
    else:
        height, weight = np.polynomial.legendre.leggauss(_HEIGHTS)
        ring = np.sqrt(1 - height**2)[:, None]
        turns = angle[:: _ANGLES // _TURNS]
        directions = np.column_stack(
            (
                (ring * np.cos(turns)).ravel(),
                (ring * np.sin(turns)).ravel(),
                np.repeat(height, turns.size),
            )
        )
        share = np.repeat(weight / 2 / turns.size, turns.size)
    reach = np.abs(directions @ loadings.T).max(axis=1)
    return np.array(
        [float(special.gammaincc(rank / 2, (x / reach) ** 2 / 2) @ share) for x in a.tolist()]
    )


class _Lattice:
    """P(max |Z| > a) by separated variables on a shifted lattice, the same at every call."""

    def __init__(self, matrix: FloatArray) -> None:
        self._rows = _echelon(matrix)
        self._points = _FIRST_POINTS
        self.error = self._spread()
        while self.error > _ERROR and self._points < _MOST_POINTS:
            self._points *= 2
            self.error = self._spread()

    def _spread(self) -> float:
        """Three standard errors of the mean over the shifts, where p values are moderate."""
        self._grid = self._lattice()
        means = np.array([self._by_shift(a) for a in _LOOK])
        return float(3 * means.std(axis=1, ddof=1).max() / np.sqrt(_SHIFTS))

    def _lattice(self) -> FloatArray:
        """Points of each shift, folded so that the integrand is periodic."""
        width = len(self._rows) - 1
        shifts = np.random.default_rng(_STREAM).random((_SHIFTS, 1, width))
        raw = np.arange(1, self._points + 1)[:, None] * _generators(width)
        return np.asarray(np.abs(2 * ((raw + shifts) % 1.0) - 1))

    def tail(self, a: FloatArray) -> FloatArray:
        """Mean over all shifts, for each limit."""
        return np.array([float(self._by_shift(limit).mean()) for limit in a.tolist()])

    def _by_shift(self, limit: float) -> FloatArray:
        """P(max |Z| > limit) by each shift."""
        rank = len(self._rows)
        inside = np.zeros((_SHIFTS, self._points))
        drawn = np.zeros((_SHIFTS, self._points, rank))
        for index, rows in enumerate(self._rows):
            # A comparison and its mirror image have the same limits: each closes with a plus.
            turned = rows * np.sign(rows[:, index : index + 1])
            shift = drawn[..., :index] @ turned[:, :index].T
            upper = ((limit - shift) / turned[:, index]).min(axis=-1)
            lower = np.minimum(((-limit - shift) / turned[:, index]).max(axis=-1), upper)
            below, above = special.ndtr(lower), special.ndtr(-upper)
            with np.errstate(divide="ignore"):
                inside += np.log1p(-np.minimum(below + above, 1.0))
            if index < rank - 1:
                share = below + self._grid[..., index] * (1 - above - below)
                drawn[..., index] = special.ndtri(np.clip(share, 1e-300, 1 - 1e-16))
        return np.asarray(-np.expm1(inside).mean(axis=1))


def _echelon(matrix: FloatArray) -> list[FloatArray]:
    """Rows of a pivoted Cholesky factor, by the last variable that each depends on.

    A comparison that the earlier ones determine gives a second limit to the variable that closes
    it.
    """
    rest = matrix.copy()
    columns: list[FloatArray] = []
    for _ in range(len(matrix)):
        pivot = int(np.argmax(np.diag(rest)))
        if rest[pivot, pivot] <= _NO_VARIANCE:
            break
        column = rest[:, pivot] / np.sqrt(rest[pivot, pivot])
        columns.append(column)
        rest = rest - np.outer(column, column)
    factor = np.stack(columns, axis=1)
    factor[np.abs(factor) < 1e-8] = 0.0
    last = np.array([int(np.flatnonzero(row)[-1]) for row in factor])
    return [factor[last == index] for index in range(factor.shape[1])]


def _generators(width: int) -> FloatArray:
    """Square roots of the first primes, the steps of a Richtmyer lattice."""
    primes: list[int] = []
    number = 2
    while len(primes) < width:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return np.sqrt(np.array(primes, dtype=np.float64))
