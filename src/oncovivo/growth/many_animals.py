"""Log densities of single animals' readings under a line with random effects, many at once.

Each function gives the logarithm and its derivatives by the animal's own six parameters:
intercept and rate of its arm, three entries of the root of the effects' covariance (or of the
covariance itself) and the log residual standard deviation (or the variance). ``many_tobit`` adds
them up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.numerics.quadrature import GaussHermiteGrid

__all__ = [
    "MOST_CENSORED",
    "PARAMETERS",
    "AnimalParameters",
    "CensoredAnimals",
    "MeasuredAnimals",
    "censored_densities",
    "find_modes",
    "measured_densities",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

PARAMETERS: Final = 6
"""An animal's own: intercept, rate, three for the effects, one for the residual."""
MOST_CENSORED: Final = 20
"""Censored readings of one animal: exp(_SILENT² / 2) to this power is still a number."""

_LOG_2PI: Final = float(np.log(2 * np.pi))
_SQRT_HALF: Final = float(np.sqrt(0.5))
_SQRT_TWO_OVER_PI: Final = float(np.sqrt(2 / np.pi))
# Bounds so many standard deviations above the mean are without news: Phi is 1 to rounding.
_SILENT: Final = 8.0
_MODE_STEPS: Final = 40
_LONGEST_MODE_STEP: Final = 5.0
# Twice the rise that is left before the last step, which squares it; the nodes' scale is that of
# the place before, near enough for differences of the information to see none of it.
_MODE_RISE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredAnimals:
    """G groups of animals of one study and arm, read on the same days, nothing below the limit.

    Parameters
    ----------
    cell : ndarray of int, shape (G,)
        Study times arms plus arm, rising.
    animals : ndarray, shape (G,)
        How many.
    design : ndarray, shape (3, G)
        Sums of 1, t and t² over the readings of one animal.
    outcome : ndarray, shape (2, G)
        Sums over the animals of their own sums of y and t y.
    products : ndarray, shape (3, G)
        Sums over the animals of the products of these: first with first, with second, second.
    squares : ndarray, shape (G,)
        Sums of y².
    """

    cell: IntArray
    animals: FloatArray
    design: FloatArray
    outcome: FloatArray
    products: FloatArray
    squares: FloatArray

    def take(self, chosen: BoolArray, cell: IntArray) -> MeasuredAnimals:
        """Some groups, with new numbers of their cells."""
        return MeasuredAnimals(
            cell=cell,
            animals=self.animals[chosen],
            design=self.design[:, chosen],
            outcome=self.outcome[:, chosen],
            products=self.products[:, chosen],
            squares=self.squares[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CensoredAnimals:
    """N animals with a censored reading or more, those with most of them first.

    Parameters
    ----------
    cell : ndarray of int, shape (N,)
        Study times arms plus arm.
    count : ndarray of int, shape (N,)
        Censored readings, falling.
    design, outcome, squares : ndarray, shape (3, N), (2, N) and (N,)
        Sums of 1, t, t²; of y, t y; and of y² over the measured readings.
    time, bound : ndarray, shape (N, c)
        Time and limit of the censored readings, filled up with anything finite.
    """

    cell: IntArray
    count: IntArray
    design: FloatArray
    outcome: FloatArray
    squares: FloatArray
    time: FloatArray
    bound: FloatArray

    def take(self, chosen: BoolArray | slice, cell: IntArray) -> CensoredAnimals:
        """Some animals, with new numbers of their cells."""
        count = self.count[chosen]
        width = int(count[0]) if count.size else 0
        return CensoredAnimals(
            cell=cell,
            count=count,
            design=self.design[:, chosen],
            outcome=self.outcome[:, chosen],
            squares=self.squares[chosen],
            time=self.time[chosen, :width],
            bound=self.bound[chosen, :width],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnimalParameters:
    """Parameters of each of some animals or groups."""

    intercept: FloatArray
    rate: FloatArray
    first: FloatArray
    cross: FloatArray
    second: FloatArray
    log_sd: FloatArray

    def take(self, chosen: IntArray | slice) -> AnimalParameters:
        """Those of some of them."""
        return AnimalParameters(
            intercept=self.intercept[chosen],
            rate=self.rate[chosen],
            first=self.first[chosen],
            cross=self.cross[chosen],
            second=self.second[chosen],
            log_sd=self.log_sd[chosen],
        )


def measured_densities(groups: MeasuredAnimals, own: AnimalParameters) -> FloatArray:
    """Log density and its derivatives by line, covariance and variance of groups, shape (G, 43).

    With V = s I + Z W Z' the covariance of an animal's readings, W that of its line, Z'V⁻¹ is
    (s I + Z'Z W)⁻¹ Z', so that all of it is made of matrices of two rows.
    """
    count = groups.animals
    k0, k1, k2 = groups.design
    s = np.exp(2 * own.log_sd)
    w11, w12 = own.first**2, own.first * own.cross
    w22 = own.cross**2 + own.second**2
    # Products of Z and the residuals about the line: sums, and sums of their outer products.
    shift0 = k0 * own.intercept + k1 * own.rate
    shift1 = k1 * own.intercept + k2 * own.rate
    y0, y1 = groups.outcome
    q0, q1 = y0 - count * shift0, y1 - count * shift1
    p00, p01, p11 = groups.products
    o00 = p00 - 2 * y0 * shift0 + count * shift0**2
    o01 = p01 - y0 * shift1 - y1 * shift0 + count * shift0 * shift1
    o11 = p11 - 2 * y1 * shift1 + count * shift1**2
    rest = groups.squares - own.intercept * (y0 + q0) - own.rate * (y1 + q1)
    # T = (s I + K W)⁻¹.
    m00, m01 = s + k0 * w11 + k1 * w12, k0 * w12 + k1 * w22
    m10, m11 = k1 * w11 + k2 * w12, s + k1 * w12 + k2 * w22
    det = m00 * m11 - m01 * m10
    t00, t01, t10, t11 = m11 / det, -m01 / det, -m10 / det, m00 / det
    # A = Z'V⁻¹Z, B = Z'V⁻²Z.
    a00, a01, a11 = t00 * k0 + t01 * k1, t00 * k1 + t01 * k2, t10 * k1 + t11 * k2
    b00, b01 = t00 * a00 + t01 * a01, t00 * a01 + t01 * a11
    b11 = t10 * a01 + t11 * a11
    # e = Z'V⁻¹r and f = Z'V⁻²r: sums, and sums of their products.
    e0, e1 = t00 * q0 + t01 * q1, t10 * q0 + t11 * q1
    f0, f1 = t00 * e0 + t01 * e1, t10 * e0 + t11 * e1
    c00, c01 = t00 * o00 + t01 * o01, t00 * o01 + t01 * o11
    c10, c11 = t10 * o00 + t11 * o01, t10 * o01 + t11 * o11
    ee00, ee01, ee11 = c00 * t00 + c01 * t01, c00 * t10 + c01 * t11, c10 * t10 + c11 * t11
    ef00, ef01 = ee00 * t00 + ee01 * t01, ee00 * t10 + ee01 * t11
    ef10, ef11 = ee01 * t00 + ee11 * t01, ee01 * t10 + ee11 * t11
    one = (rest - (w11 * c00 + w12 * (c10 + c01) + w22 * c11)) / s
    two = (one - (w11 * ee00 + 2 * w12 * ee01 + w22 * ee11)) / s
    three = (two - (w11 * ef00 + w12 * (ef10 + ef01) + w22 * ef11)) / s
    trace1 = count * (k0 - (w11 * a00 + 2 * w12 * a01 + w22 * a11)) / s
    trace2 = (trace1 - count * (w11 * b00 + 2 * w12 * b01 + w22 * b11)) / s
    found = np.zeros((count.size, 1 + PARAMETERS + PARAMETERS * PARAMETERS))
    found[:, 0] = -0.5 * (count * (k0 * _LOG_2PI + 2 * (k0 - 2) * own.log_sd + np.log(det)) + one)
    slope = found[:, 1 : 1 + PARAMETERS]
    slope[:, 0], slope[:, 1] = e0, e1
    slope[:, 2] = 0.5 * (ee00 - count * a00)
    slope[:, 3] = ee01 - count * a01
    slope[:, 4] = 0.5 * (ee11 - count * a11)
    slope[:, 5] = 0.5 * (two - trace1)
    bend = found[:, 1 + PARAMETERS :].reshape(-1, PARAMETERS, PARAMETERS)
    bend[:, 0, 0], bend[:, 0, 1], bend[:, 1, 1] = -count * a00, -count * a01, -count * a11
    bend[:, 0, 2], bend[:, 1, 2] = -a00 * e0, -a01 * e0
    bend[:, 0, 3], bend[:, 1, 3] = -(a00 * e1 + a01 * e0), -(a01 * e1 + a11 * e0)
    bend[:, 0, 4], bend[:, 1, 4] = -a01 * e1, -a11 * e1
    bend[:, 0, 5], bend[:, 1, 5] = -f0, -f1
    # tr(Ba A Bb (n A - 2 E)) / 2, Ba and Bb the derivatives of W by its entries.
    d00, d01, d11 = count * a00 - 2 * ee00, count * a01 - 2 * ee01, count * a11 - 2 * ee11
    bend[:, 2, 2] = 0.5 * a00 * d00
    bend[:, 2, 3] = 0.5 * (a00 * d01 + a01 * d00)
    bend[:, 2, 4] = 0.5 * a01 * d01
    bend[:, 3, 3] = 0.5 * (2 * a01 * d01 + a11 * d00 + a00 * d11)
    bend[:, 3, 4] = 0.5 * (a11 * d01 + a01 * d11)
    bend[:, 4, 4] = 0.5 * a11 * d11
    bend[:, 2, 5] = 0.5 * count * b00 - ef00
    bend[:, 3, 5] = count * b01 - ef01 - ef10
    bend[:, 4, 5] = 0.5 * count * b11 - ef11
    bend[:, 5, 5] = 0.5 * trace2 - three
    _fill_below(bend)
    return found


def _fill_below(matrices: FloatArray) -> None:
    """The entries below the diagonal from those above."""
    for row in range(1, PARAMETERS):
        matrices[:, row, :row] = matrices[:, :row, row]


def _residuals(
    animals: CensoredAnimals, own: AnimalParameters
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Products of Z and of itself with the measured residuals about the arm's line."""
    k0, k1, k2 = animals.design
    y0, y1 = animals.outcome
    q0 = y0 - k0 * own.intercept - k1 * own.rate
    q1 = y1 - k1 * own.intercept - k2 * own.rate
    rest = animals.squares - own.intercept * (y0 + q0) - own.rate * (y1 + q1)
    return q0, q1, rest


def find_modes(
    animals: CensoredAnimals, own: AnimalParameters, start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Modes (2, N) and factors (3, N) by Newton's method; the log integrands are concave."""
    modes, factors = start.copy(), np.empty((3, start.shape[1]))
    left = np.arange(start.shape[1])
    rate = np.exp(-own.log_sd)
    k0, k1, k2 = animals.design * rate**2
    q0, q1, _ = _residuals(animals, own)
    first, cross, second = own.first, own.cross, own.second
    # Of the Gaussian part: its slope at 0, and minus its second derivatives.
    pull0 = (first * q0 + cross * q1) * rate**2
    pull1 = second * q1 * rate**2
    h00 = 1.0 + first * (first * k0 + 2 * cross * k1) + cross**2 * k2
    h01 = second * (first * k1 + cross * k2)
    h11 = 1.0 + second**2 * k2
    place0 = (first[:, None] + cross[:, None] * animals.time) * rate[:, None]
    place1 = second[:, None] * animals.time * rate[:, None]
    off = (animals.bound - own.intercept[:, None] - own.rate[:, None] * animals.time) * rate[
        :, None
    ]
    for _ in range(_MODE_STEPS):
        u0, u1 = modes[:, left]
        rise0 = pull0[left] - h00[left] * u0 - h01[left] * u1
        rise1 = pull1[left] - h01[left] * u0 - h11[left] * u1
        p00, p01, p11 = h00[left], h01[left], h11[left]
        for column, reach in enumerate(_reach(animals.count[left])):
            some = left[:reach]
            d0, d1 = place0[some, column], place1[some, column]
            a = np.minimum(off[some, column] - d0 * u0[:reach] - d1 * u1[:reach], _SILENT)
            ratio = _SQRT_TWO_OVER_PI / special.erfcx(a * -_SQRT_HALF)
            bend = ratio * (ratio + a)
            rise0[:reach] -= ratio * d0
            rise1[:reach] -= ratio * d1
            p00[:reach] += bend * d0 * d0
            p01[:reach] += bend * d0 * d1
            p11[:reach] += bend * d1 * d1
        det = p00 * p11 - p01 * p01
        step0, step1 = (p11 * rise0 - p01 * rise1) / det, (p00 * rise1 - p01 * rise0) / det
        gain = rise0 * step0 + rise1 * step1
        length = np.sqrt(step0**2 + step1**2)
        share = np.minimum(1.0, _LONGEST_MODE_STEP / np.maximum(length, _LONGEST_MODE_STEP))
        modes[0, left] = u0 + share * step0
        modes[1, left] = u1 + share * step1
        # Upper triangular F with F F' = P⁻¹.
        root = np.sqrt(p00)
        last = np.sqrt(det) / root
        factors[0, left], factors[1, left] = 1.0 / root, -p01 / (p00 * last)
        factors[2, left] = 1.0 / last
        left = left[~(gain < _MODE_RISE)]
        if not left.size:
            break
    return modes, factors


def _reach(count: IntArray) -> list[int]:
    """How many of falling counts are more than 0, 1, ..."""
    width = int(count[0]) if count.size else 0
    return [int(np.searchsorted(-count, -place)) for place in range(width)]


def censored_densities(
    animals: CensoredAnimals,
    own: AnimalParameters,
    modes: FloatArray,
    factors: FloatArray,
    grid: GaussHermiteGrid,
) -> FloatArray:
    """Log integral, score and information of some animals, shape (N, 43)."""
    size, nodes = animals.cell.size, len(grid.nodes)
    g0, g1 = grid.nodes.T
    plane = np.stack((np.ones(nodes), g0, g1))
    curved = np.concatenate((plane, np.stack((g0 * g0, g0 * g1, g1 * g1))))
    rate = np.exp(-own.log_sd)
    s_inverse = rate**2
    k0, k1, k2 = animals.design
    q0, q1, rest = _residuals(animals, own)
    u0, u1 = modes
    f00, f01, f11 = factors
    # Deviation L u of intercept and slope at the node: at the mode, and along the grid's axes.
    b0, b1 = own.first * u0, own.cross * u0 + own.second * u1
    b00, b01 = own.first * f00, own.first * f01
    b10, b11 = own.cross * f00, own.cross * f01 + own.second * f11
    # Products of Z with what is left of the measured readings there: planes.
    v0, v1 = q0 - k0 * b0 - k1 * b1, q1 - k1 * b0 - k2 * b1
    v00, v01 = k0 * b00 + k1 * b10, k0 * b01 + k1 * b11
    v10, v11 = k1 * b00 + k2 * b10, k1 * b01 + k2 * b11
    along0 = np.stack((v0, -v00, -v01), axis=1) @ plane * s_inverse[:, None]
    along1 = np.stack((v1, -v10, -v11), axis=1) @ plane * s_inverse[:, None]
    # The sum of its squares: a paraboloid.
    left = rest - b0 * (q0 + v0) - b1 * (q1 + v1)
    bowl = np.stack(
        (
            left,
            -2 * (b00 * v0 + b10 * v1),
            -2 * (b01 * v0 + b11 * v1),
            b00 * v00 + b10 * v10,
            2 * (b00 * v01 + b10 * v11),
            b01 * v01 + b11 * v11,
        ),
        axis=1,
    )
    bowl *= s_inverse[:, None]
    squares = bowl @ curved
    effect0 = np.stack((u0, f00, f01), axis=1) @ plane
    effect1 = np.stack((u1, np.zeros(size), f11), axis=1) @ plane
    monomials = np.empty((6, size, nodes))
    monomials[0] = 1.0
    monomials[1], monomials[2] = effect0, effect1
    monomials[3], monomials[4] = effect0 * effect0, effect0 * effect1
    monomials[5] = effect1 * effect1
    # Sums over the censored readings, of a = (bound - mean) / sd and its Mills ratio.
    product = np.ones((size, nodes))
    half, fall0, fall1, drop = np.zeros((4, size, nodes))
    parts = np.zeros((6, size, nodes))
    time = animals.time
    off = animals.bound - (own.intercept + b0)[:, None] - (own.rate + b1)[:, None] * time
    lines = np.stack(
        (off, -(b00[:, None] + b10[:, None] * time), -(b01[:, None] + b11[:, None] * time)), axis=2
    )
    lines *= rate[:, None, None]
    top = np.zeros(size)
    for column, reach in enumerate(_reach(animals.count)):
        t = time[:reach, column, None]
        a = lines[:reach, column] @ plane
        np.minimum(a, _SILENT, out=a)
        scaled = special.erfcx(a * -_SQRT_HALF)
        ratio = _SQRT_TWO_OVER_PI / scaled
        bend = ratio + a
        bend *= ratio
        turn = bend * a
        turn -= ratio
        product[:reach] *= scaled
        half[:reach] += a * a
        fall0[:reach] += ratio
        drop[:reach] += ratio * a
        parts[0, :reach] += bend
        parts[3, :reach] += turn
        parts[5, :reach] += turn * a
        ratio *= t
        turn *= t
        bend *= t
        fall1[:reach] += ratio
        parts[1, :reach] += bend
        parts[4, :reach] += turn
        bend *= t
        parts[2, :reach] += bend
        top[:reach] += special.log_ndtr(lines[:reach, column, 0])
    exponent = squares + monomials[3]
    exponent += monomials[5]
    exponent += half
    exponent *= -0.5
    exponent += grid.log_weights
    # At the mode the exponent is known: no node is far above it.
    highest = top - 0.5 * (bowl[:, 0] + u0**2 + u1**2)
    exponent -= highest[:, None]
    weights = np.exp(exponent, out=exponent)
    weights *= product
    total = weights.sum(axis=1)
    weights /= total[:, None]
    scores = np.empty((PARAMETERS, size, nodes))
    scores[0] = along0 - fall0 * rate[:, None]
    scores[1] = along1 - fall1 * rate[:, None]
    scores[2] = scores[0] * effect0
    scores[3] = scores[1] * effect0
    scores[4] = scores[1] * effect1
    scores[5] = squares - k0[:, None] - drop
    # Minus the complete data's second derivatives by the mean's line and the log deviation.
    parts[:3] += animals.design[:, :, None]
    parts[:3] *= s_inverse[:, None]
    parts[3:5] *= rate[:, None]
    parts[3] += 2 * along0
    parts[4] += 2 * along1
    parts[5] += 2 * squares
    parts *= weights
    moments = parts.transpose(1, 0, 2) @ monomials.transpose(1, 2, 0)
    weighted = scores * weights
    mean = weighted.sum(axis=2).T
    found = np.empty((size, 1 + PARAMETERS + PARAMETERS * PARAMETERS))
    found[:, 0] = (
        np.log(total)
        + highest
        + np.log(f00 * f11)
        - animals.count * np.log(2.0)
        - k0 * own.log_sd
        - (0.5 * k0 + 1.0) * _LOG_2PI
    )
    found[:, 1 : 1 + PARAMETERS] = mean
    information = _complete(moments)
    information -= weighted.transpose(1, 0, 2) @ scores.transpose(1, 2, 0)
    information += mean[:, :, None] * mean[:, None, :]
    found[:, 1 + PARAMETERS :] = information.reshape(size, -1)
    return found


def _complete(moments: FloatArray) -> FloatArray:
    """Mean information of the complete data from moments with 1, u, v, u², uv, v², (N, 6, 6)."""
    found = np.empty(moments.shape)
    c00, c01, c11, x0, x1, w = np.moveaxis(moments, 1, 0)
    found[:, 0, 0], found[:, 0, 1], found[:, 1, 1] = c00[:, 0], c01[:, 0], c11[:, 0]
    found[:, 0, 2], found[:, 0, 3], found[:, 0, 4] = c00[:, 1], c01[:, 1], c01[:, 2]
    found[:, 1, 2], found[:, 1, 3], found[:, 1, 4] = c01[:, 1], c11[:, 1], c11[:, 2]
    found[:, 2, 2], found[:, 2, 3], found[:, 2, 4] = c00[:, 3], c01[:, 3], c01[:, 4]
    found[:, 3, 3], found[:, 3, 4], found[:, 4, 4] = c11[:, 3], c11[:, 4], c11[:, 5]
    found[:, 0, 5], found[:, 1, 5] = x0[:, 0], x1[:, 0]
    found[:, 2, 5], found[:, 3, 5], found[:, 4, 5] = x0[:, 1], x1[:, 1], x1[:, 2]
    found[:, 5, 5] = w[:, 0]
    _fill_below(found)
    return found
