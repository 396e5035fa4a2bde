"""The exponentials of a linear system: its rates, and what each takes of a state.

The amounts of a linear system y' = G y + r are a sum of terms exp(-rate t), found once from the
eigenvalues of G. Where two rates are equal or nearly so, their terms cannot be told apart by
arithmetic: a bolus with ka = ke is t exp(-ke t), and close to it the difference of two terms
loses its digits. Such rates are taken together. With mu their mean, the block of G that belongs
to them is -mu I + N, and exp(N t) is written as a short power series; the terms are
(mu t)^m / m! exp(-mu t), none of which is above 1. As N holds only the small differences and the
strictly triangular part, the error of the series, at its largest over all t, falls like a power
of (spread / mu).

References
----------
The block is set apart by an ordered Schur form and Sylvester equations (Bavely and Stewart,
SIAM J. Numer. Anal. 1979;16:359-367).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError

__all__ = ["ExponentialSum", "Modes", "find_modes"]

FloatArray: TypeAlias = NDArray[np.float64]
ComplexArray: TypeAlias = NDArray[np.complex128]
IntArray: TypeAlias = NDArray[np.int64]

# Rates closer than this, relative to the larger, are not left apart: each digit of closeness costs
# one of the result.
_NEAR: Final = 1e-4
# Once some are to be taken together, all are that are this close: one power of t more for two
# digits. Long chains lose a digit at each link, so what does not add up is tried again with wider
# groups.
_CLOSE: Final = (0.02, 0.1, 0.3)
_WIDEST: Final = 0.6
# A rate below this part of the fastest is round-off of an exact 0.
_ZERO: Final = 1e-13
# What the terms at t = 0 may miss of the identity and of G.
_CHECKED: Final = 1e-11
_SERIES_END: Final = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExponentialSum:
    """Amounts over the time t since a start: terms exp(-rate t), for n systems at once.

    Amount i is the sum over k of amplitudes[i, k] exp(-rates[k] t) plus
    inflow[i, k] (1 - exp(-rates[k] t)) / rates[k], the latter while an infusion runs. The systems
    listed in `confluent` have besides terms (rate t)^m / m! exp(-rate t), m = 1, 2 ….

    Parameters
    ----------
    rates : ndarray, shape (n, k)
        1/day, not negative.
    amplitudes : ndarray, shape (n, c, k)
        Amplitudes of the c amounts.
    inflow : ndarray, shape (n, c, k), optional
        Amounts per day; None where nothing flows in.
    confluent : ndarray of int, shape (f,)
        Systems with rates that are taken together.
    higher : ndarray, shape (f, m, c, k)
        Their amplitudes of the powers 1 … m.
    higher_inflow : ndarray, shape (f, m, c, k), optional
        Their inflow of the same powers.
    """

    rates: FloatArray
    amplitudes: FloatArray
    inflow: FloatArray | None = None
    confluent: IntArray
    higher: FloatArray
    higher_inflow: FloatArray | None = None

    def at(self, elapsed: FloatArray) -> FloatArray:
        """Amounts after a time.

        Parameters
        ----------
        elapsed : ndarray, shape (1,), (n,), (1, t) or (n, t)
            Days since the start, not negative; a leading 1 is one for all systems.

        Returns
        -------
        ndarray, shape (n, c) or (n, t, c)
            The latter for `elapsed` with times.
        """
        single = elapsed.ndim == 1
        days = elapsed[:, None] if single else elapsed
        decay = np.exp(-days[:, :, None] * self.rates[:, None, :])
        amounts = decay @ self.amplitudes.swapaxes(1, 2)
        if self.inflow is not None:
            amounts += _held(self.rates, days) @ self.inflow.swapaxes(1, 2)
        if self.confluent.size:
            amounts[self.confluent] += self._higher_terms(days, decay[self.confluent])
        return amounts[:, 0, :] if single else amounts

    def _higher_terms(self, days: FloatArray, decay: FloatArray) -> FloatArray:
        """Terms with powers of the time, for the confluent systems."""
        rates = self.rates[self.confluent]
        here = days if len(days) == 1 else days[self.confluent]
        turns = here[:, :, None] * rates[:, None, :]
        total = np.zeros((*decay.shape[:2], self.amplitudes.shape[1]))
        for m in range(1, self.higher.shape[1] + 1):
            decay = decay * turns / m
            total += decay @ self.higher[:, m - 1].swapaxes(1, 2)
            if self.higher_inflow is not None:
                held = _held_power(rates, here, m)
                total += held @ self.higher_inflow[:, m - 1].swapaxes(1, 2)
        return total

    def select(self, amounts: IntArray) -> ExponentialSum:
        """The same with only some of the amounts, in the order given."""
        return ExponentialSum(
            rates=self.rates,
            amplitudes=np.ascontiguousarray(self.amplitudes[:, amounts]),
            inflow=None if self.inflow is None else self.inflow[:, amounts],
            confluent=self.confluent,
            higher=self.higher[:, :, amounts],
            higher_inflow=None
            if self.higher_inflow is None
            else self.higher_inflow[:, :, amounts],
        )

    def take(self, systems: IntArray) -> ExponentialSum:
        """The same for some of the systems, each at most once, in the order given."""
        place = np.full(len(self.rates), -1)
        place[systems] = np.arange(len(systems))
        kept = place[self.confluent] >= 0
        return ExponentialSum(
            rates=self.rates[systems],
            amplitudes=self.amplitudes[systems],
            inflow=None if self.inflow is None else self.inflow[systems],
            confluent=place[self.confluent[kept]],
            higher=self.higher[kept],
            higher_inflow=None if self.higher_inflow is None else self.higher_inflow[kept],
        )


def _held(rates: FloatArray, days: FloatArray) -> FloatArray:
    """Integral of exp(-rate s) over s from 0 to t, shape (n, t, k)."""
    safe = np.where(rates > 0, rates, 1.0)[:, None, :]
    gone = -np.expm1(-days[:, :, None] * safe) / safe
    return np.where(rates[:, None, :] > 0, gone, days[:, :, None])


def _held_power(rates: FloatArray, days: FloatArray, m: int) -> FloatArray:
    """Integral of (rate s)^m / m! exp(-rate s) over s from 0 to t, shape (n, t, k).

    A rate of 0 has no power of the time: what comes back for it meets a weight of 0.
    """
    from scipy.special import gammainc

    safe = np.where(rates > 0, rates, 1.0)[:, None, :]
    return np.asarray(gammainc(m + 1, days[:, :, None] * safe) / safe, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Modes:
    """Rates of n linear systems, and the matrix by which each term takes its part of a state.

    Parameters
    ----------
    rates : ndarray, shape (n, c)
        1/day.
    weights : ndarray, shape (n, c, c, c)
        System, amount, term, amount at the start.
    confluent : ndarray of int, shape (f,)
        Systems with rates that are taken together.
    higher : ndarray, shape (f, m, c, c, c)
        Their weights for the powers 1 … m.
    """

    rates: FloatArray
    weights: FloatArray
    confluent: IntArray
    higher: FloatArray

    def trajectory(self, state: FloatArray, inflow: FloatArray | None = None) -> ExponentialSum:
        """Amounts from a state on, with a constant inflow or none.

        Parameters
        ----------
        state : ndarray, shape (n, c)
            Amounts at the start.
        inflow : ndarray, shape (n, c), optional
            Amounts per day.
        """
        some = self.confluent
        held = higher_held = None
        if inflow is not None:
            held = _applied(self.weights, inflow)
            higher_held = _applied(self.higher, inflow[some])
        return ExponentialSum(
            rates=self.rates,
            amplitudes=_applied(self.weights, state),
            inflow=held,
            confluent=some,
            higher=_applied(self.higher, state[some]),
            higher_inflow=higher_held,
        )

    def repeated(self, n: int) -> Modes:
        """One system's modes for n animals, or these as they are."""
        if len(self.rates) == n:
            return self
        return Modes(
            rates=np.repeat(self.rates, n, axis=0),
            weights=np.repeat(self.weights, n, axis=0),
            confluent=np.arange(n) if self.confluent.size else self.confluent,
            higher=np.repeat(self.higher, n, axis=0),
        )


def _applied(weights: FloatArray, state: FloatArray) -> FloatArray:
    """Weights (n, ..., c) of each system times its state (n, c), as one product for each."""
    n, c = state.shape
    rows = weights.reshape(n, math.prod(weights.shape[1:-1]), c)
    return (rows @ state[:, :, None]).reshape(weights.shape[:-1])


def find_modes(generator: FloatArray) -> Modes:
    """Rates and weights of y' = G y.

    Parameters
    ----------
    generator : ndarray, shape (n, c, c)
        G of each system, 1/day; its eigenvalues are real and not positive.

    Raises
    ------
    DataError
        If the amounts of a system would oscillate or grow by themselves.
    """
    n, c, _ = generator.shape
    values, vectors = np.linalg.eig(generator)
    values = np.asarray(values, dtype=np.complex128)
    scale = np.abs(values).max(axis=1, keepdims=True)
    level = np.where(scale > 0, scale, 1.0)
    real = np.where(np.abs(values.real) < _ZERO * level, 0.0, values.real)
    plain = (np.abs(values.imag) == 0).all(axis=1) & ~_any_close(real)
    weights = np.zeros((n, c, c, c))
    rates = -real
    right = np.asarray(vectors[plain].real, dtype=np.float64)
    left = np.linalg.inv(right)
    weights[plain] = np.einsum("nik,nkj->nikj", right, left)
    exact = _is_exact(generator, rates, weights, level[:, 0])
    confluent = np.flatnonzero(~(plain & exact))
    powers: list[FloatArray] = []
    for index in confluent:
        rates[index], terms = _grouped(generator[index], int(index))
        weights[index] = terms[0]
        powers.append(terms[1:])
    higher = np.zeros((len(confluent), max((len(p) for p in powers), default=0), c, c, c))
    for row, power in enumerate(powers):
        higher[row, : len(power)] = power
    if (rates < 0).any():
        raise _refusal("grow by themselves", int(np.argmax((rates < 0).any(axis=1))))
    # + 0.0 turns the -0.0 of a rate that is nothing into 0.0.
    return Modes(rates=rates + 0.0, weights=weights, confluent=confluent, higher=higher)


def _refusal(what: str, index: int) -> DataError:
    """The error for a system that is none of compartments."""
    return DataError(
        "flows between compartments under which amounts settle",
        found=f"flows under which they {what}",
        where=f"pharmacokinetics of animal {index + 1}",
        mend="write the compartments as states of the model, which are integrated",
    )


def _any_close(real: FloatArray) -> NDArray[np.bool_]:
    """Systems in which two rates are equal or nearly so."""
    ordered = np.sort(real, axis=1)
    size = np.maximum(np.abs(ordered[:, 1:]), np.abs(ordered[:, :-1]))
    return np.asarray((np.diff(ordered, axis=1) <= _NEAR * size).any(axis=1))


def _is_exact(
    generator: FloatArray, rates: FloatArray, weights: FloatArray, level: FloatArray
) -> NDArray[np.bool_]:
    """Whether the terms make the identity at t = 0, and G as their slope."""
    identity = np.eye(generator.shape[1])
    value = np.abs(weights.sum(axis=2) - identity).max(axis=(1, 2))
    slope = -np.einsum("nikj,nk->nij", weights, rates) - generator
    return np.asarray((value <= _CHECKED) & (np.abs(slope).max(axis=(1, 2)) <= _CHECKED * level))


def _adds_up(generator: FloatArray, rates: FloatArray, terms: FloatArray) -> bool:
    """Whether terms with powers of t make the identity at t = 0, and G as their slope."""
    level = float(np.abs(generator).max()) or 1.0
    slope = -np.einsum("ikj,k->ij", terms[0], rates)
    if len(terms) > 1:
        slope += np.einsum("ikj,k->ij", terms[1], rates)
    value = terms[0].sum(axis=1) - np.eye(len(rates))
    worst = max(float(np.abs(value).max()), float(np.abs(slope - generator).max()) / level)
    return worst <= _CHECKED


def _grouped(generator: FloatArray, index: int) -> tuple[FloatArray, FloatArray]:
    """Rates, shape (c,), and weights of the powers of t, shape (m, c, c, c), of one system."""
    for close in _CLOSE:
        found = _with_groups(generator, index, close)
        if found is not None and _adds_up(generator, *found):
            return found
    expected = "rates that arithmetic can tell apart or take together"
    where = f"pharmacokinetics of animal {index + 1}"
    raise DataError(expected, found="rates that it cannot", where=where)


def _with_groups(
    generator: FloatArray, index: int, close: float
) -> tuple[FloatArray, FloatArray] | None:
    """The same with rates taken together that are so close; None where a group is too wide."""
    from scipy.linalg import schur

    c = len(generator)
    triangle, basis = schur(generator.astype(np.complex128), output="complex")
    values = np.diag(triangle)
    scale = float(np.abs(values).max()) or 1.0
    triangle, basis, sizes = _ordered(triangle, basis, scale, close)
    columns, rows = _set_apart(triangle, basis, sizes)
    rates = np.zeros(c)
    terms: list[FloatArray] = []
    begin = 0
    for size in sizes:
        block = slice(begin, begin + size)
        mean = np.diag(triangle)[block].mean()
        if abs(mean.imag) > 1e-9 * scale:
            raise _refusal("oscillate", index)
        level = 0.0 if abs(mean.real) < _ZERO * scale else float(mean.real)
        rest = triangle[block, block] - level * np.eye(size)
        spread = float(np.abs(np.diag(rest)).max()) / (abs(level) or scale)
        if spread > _WIDEST:
            return None
        power: ComplexArray = np.eye(size, dtype=np.complex128)
        # Compartments that nothing leaves keep what they have: no power of the time.
        for m in range(_series_length(size, spread) if level else 1):
            if m == len(terms):
                terms.append(np.zeros((c, c, c)))
            terms[m][:, begin, :] = (columns[:, block] @ power @ rows[block]).real
            power = power @ rest / (abs(level) or 1.0)
        # The group's terms are in its first place; the others have its rate and no weight.
        rates[block] = -level
        begin += size
    return rates, np.array(terms)


def _series_length(size: int, spread: float) -> int:
    """Terms of the series of exp(N t): as many as rates, and more where they are not all equal.

    The m-th term is largest, over all t, where it is a sum of comb(m, size - 1) products, each
    with all but size - 1 factors from the diagonal, which are at most the spread.
    """
    length = size
    while math.comb(length, size - 1) * spread ** (length - size + 1) > _SERIES_END:
        length += 1
    return length


def _ordered(
    triangle: ComplexArray, basis: ComplexArray, scale: float, closeness: float
) -> tuple[ComplexArray, ComplexArray, list[int]]:
    """Schur form with close rates side by side, and how many each group has."""
    from scipy.linalg.lapack import ztrexc

    values = np.diag(triangle)
    values = np.where(np.abs(values) < _ZERO * scale, 0.0, values)
    close = np.abs(values[:, None] - values) <= closeness * np.maximum(
        np.abs(values[:, None]), np.abs(values)
    )
    group = [int(np.argmax(row)) for row in _chained(close)]
    sizes: list[int] = []
    at = 0
    while at < len(group):
        size = 1
        for other in range(at + 1, len(group)):
            if group[other] == group[at]:
                triangle, basis, _ = ztrexc(triangle, basis, other + 1, at + size + 1)
                group.insert(at + size, group.pop(other))
                size += 1
        sizes.append(size)
        at += size
    return triangle, basis, sizes


def _chained(close: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Closeness passed on: what is close to what is close belongs together."""
    reach = close
    for _ in range(len(close)):
        reach = reach @ close
    return reach


def _set_apart(
    triangle: ComplexArray, basis: ComplexArray, sizes: list[int]
) -> tuple[ComplexArray, ComplexArray]:
    """Columns that span each group's amounts, and rows that read its part of a state."""
    from scipy.linalg import solve_sylvester

    edges = np.concatenate([[0], np.cumsum(sizes)])
    blocks = [slice(edges[i], edges[i + 1]) for i in range(len(sizes))]
    mixing: ComplexArray = np.eye(len(triangle), dtype=np.complex128)
    for j, here in enumerate(blocks):
        for above in reversed(blocks[:j]):
            between = slice(above.stop, here.stop)
            known = triangle[above, between] @ mixing[between, here]
            mixing[above, here] = solve_sylvester(
                triangle[above, above], -triangle[here, here], -known
            )
    return basis @ mixing, np.linalg.inv(mixing) @ basis.conj().T
