"""The likelihood of a mixed model with random lines, and all its derivatives, from cross products.

Notation: V_i = Z_i G Z_i' + s I for an animal with residual variance s. With K = s I + S G,
S = Z_i'Z_i and C = G K⁻¹ (symmetric): V_i⁻¹ = (I - Z_i C Z_i') / s, Z_i'V_i⁻¹X_i = K⁻¹ Z_i'X_i and
Z_i'V_i⁻¹Z_i = K⁻¹S. G may be singular. All studies of a batch and all their patterns go
through the same array operations, 2 by 2 matrices by their entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.cross_products import CrossProducts

__all__ = ["Moments", "Statistics", "compute_moments", "compute_statistics", "pair_index"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Cross products weighted by V⁻¹ and its derivatives; A = [X, y], a = p + 1.

    Parameters are the entries (1,1), (1,2), (2,2) of G and then the residual variances.

    Parameters
    ----------
    cross : ndarray, shape (B, a, a)
        A'V⁻¹A.
    first : ndarray, shape (B, r, a, a)
        A'V⁻¹V_kV⁻¹A.
    second : ndarray, shape (B, pairs + 1, a * a)
        A'V⁻¹V_kV⁻¹V_lV⁻¹A, made symmetric, for the pairs of :func:`pair_index`; the last is 0.
    first_trace, second_trace : ndarray, shapes (B, r) and (B, pairs + 1)
        tr(V⁻¹V_k) and tr(V⁻¹V_kV⁻¹V_l).
    log_det : ndarray, shape (B,)
        log |V|.
    """

    cross: FloatArray
    first: FloatArray
    second: FloatArray
    first_trace: FloatArray
    second_trace: FloatArray
    log_det: FloatArray


@lru_cache(maxsize=64)
def pair_index(classes: int) -> IntArray:
    """Where the pair of parameters (k, l) stands, shape (r, r), with r = 3 + classes.

    Residual variances of different animals never meet: such a pair stands last, where zeros are.
    """
    size = 3 + classes
    index = np.full((size, size), 6 + 4 * classes, dtype=np.intp)
    for place, (first, second) in enumerate(combinations_with_replacement(range(3), 2)):
        index[first, second] = index[second, first] = place
    for c in range(classes):
        for k in range(3):
            index[k, 3 + c] = index[3 + c, k] = 6 + k * classes + c
        index[3 + c, 3 + c] = 6 + 3 * classes + c
    return index


def compute_moments(
    data: CrossProducts,
    covariance: FloatArray,
    determinant: FloatArray,
    residual: FloatArray,
    *,
    residual_derivatives: bool,
) -> Moments:
    """Moments of B studies.

    Parameters
    ----------
    data : CrossProducts
        Of B studies.
    covariance : ndarray, shape (B, 3)
        Entries (1,1), (1,2), (2,2) of G.
    determinant : ndarray, shape (B,)
        Of G; given apart, because it is known without cancellation.
    residual : ndarray, shape (B, c)
        Residual variances.
    residual_derivatives : bool
        Whether derivatives by the residual variances are made, too.
    """
    studies, patterns = data.animals.shape
    classes = data.n_classes
    s = residual if classes == 1 else np.take_along_axis(residual, data.variance_class, axis=1)
    g11, g12, g22 = covariance.T[:, :, None]
    det_g = determinant[:, None]
    a, b, c = data.gram
    det_s = data.gram_det
    k11 = s + a * g11 + b * g12
    k22 = s + b * g12 + c * g22
    det = s * (k11 + k22 - s) + det_s * det_g
    scale = 1.0 / det
    # Rows of K⁻¹.
    inverse = np.empty((2, 2, studies, patterns))
    h11, h12, h21, h22 = inverse.reshape(4, studies, patterns)
    np.multiply(k22, scale, out=h11)
    np.multiply(a * g12 + b * g22, -scale, out=h12)
    np.multiply(b * g11 + c * g12, -scale, out=h21)
    np.multiply(k11, scale, out=h22)
    share = s * scale
    det_scale = det_g * scale
    c11 = g11 * share + c * det_scale
    c12 = g12 * share - b * det_scale
    c22 = g22 * share + a * det_scale
    det_scale = det_s * scale
    d11 = a * share + g22 * det_scale
    d12 = b * share - g12 * det_scale
    d22 = c * share + g11 * det_scale
    size = 1 + 3 + 6
    blocks = 5 if residual_derivatives else 0
    rows = np.zeros((size + blocks * classes, 3, studies, patterns))
    over = -1.0 / s
    np.multiply(c11, over, out=rows[0, 0])
    np.multiply(c12, over, out=rows[0, 1])
    np.multiply(c22, over, out=rows[0, 2])
    # Z'V⁻¹ e_j e_k' V⁻¹Z for (1,1), (1,2) made symmetric, (2,2).
    pair = np.empty((3, 3, studies, patterns))
    np.multiply(inverse[0, 0], inverse[0], out=pair[0, :2])
    np.multiply(h12, h12, out=pair[0, 2])
    np.multiply(h11, h21, out=pair[1, 0])
    np.multiply(0.5, h11 * h22 + h12 * h21, out=pair[1, 1])
    np.multiply(h12, h22, out=pair[1, 2])
    np.multiply(h21, inverse[1], out=pair[2, :2])
    np.multiply(h22, h22, out=pair[2, 2])
    rows[1] = pair[0]
    np.multiply(2.0, pair[1], out=rows[2])
    rows[3] = pair[2]
    np.multiply(d11, pair[0], out=rows[4])
    rows[5] = d11 * pair[1] + d12 * pair[0]
    np.multiply(d12, pair[1], out=rows[6])
    rows[7] = d22 * pair[0] + d12 * rows[2] + d11 * pair[2]
    rows[8] = d22 * pair[1] + d12 * pair[2]
    np.multiply(d22, pair[2], out=rows[9])
    weight = data.animals
    first_trace = np.empty((3 + (classes if residual_derivatives else 0), studies))
    second_trace = np.zeros((6 + (4 * classes + 1 if residual_derivatives else 0), studies))
    w11, w12, w22 = weight * d11, weight * d12, weight * d22
    w11.sum(axis=1, out=first_trace[0])
    (2.0 * w12).sum(axis=1, out=first_trace[1])
    w22.sum(axis=1, out=first_trace[2])
    square = w12 * d12
    (w11 * d11).sum(axis=1, out=second_trace[0])
    (2.0 * w11 * d12).sum(axis=1, out=second_trace[1])
    square.sum(axis=1, out=second_trace[2])
    (2.0 * (square + w11 * d22)).sum(axis=1, out=second_trace[3])
    (2.0 * w12 * d22).sum(axis=1, out=second_trace[4])
    (w22 * d22).sum(axis=1, out=second_trace[5])
    if residual_derivatives:
        _residual_rows(
            data,
            np.broadcast_to(s, det.shape),
            inverse,
            (c11, c12, c22),
            rows[size:],
            first_trace[3:],
            second_trace[6:],
        )
    width = data.total.shape[-1]
    flat = rows.transpose(2, 0, 3, 1).reshape(studies, rows.shape[0], 3 * patterns)
    contracted = flat @ data.outer
    total = data.total.reshape(studies, classes, -1)
    if classes == 1:
        contracted[:, 0] += total[:, 0] / residual
    else:
        contracted[:, 0] += (total / residual[:, :, None]).sum(axis=1)
    first = contracted[:, 1:4]
    second = contracted[:, 4:10]
    if residual_derivatives:
        by_class = contracted[:, size:].reshape(studies, 5, classes, -1)
        by_class[:, 0] += total / residual[:, :, None] ** 2
        by_class[:, 4] += total / residual[:, :, None] ** 3
        first = np.concatenate((first, by_class[:, 0]), axis=1)
        nothing = np.zeros((studies, 1, width * width))
        others = by_class[:, 1:].reshape(studies, 4 * classes, -1)
        second = np.concatenate((second, others, nothing), axis=1)
    power = data.readings - 2.0
    log_det = (weight * (np.log(det) + power * np.log(s))).sum(axis=1)
    return Moments(
        cross=contracted[:, 0].reshape(studies, width, width),
        first=first.reshape(studies, -1, width, width),
        second=second,
        first_trace=first_trace.T,
        second_trace=second_trace.T,
        log_det=log_det,
    )


def _residual_rows(
    data: CrossProducts,
    s: FloatArray,
    inverse: FloatArray,
    c: tuple[FloatArray, FloatArray, FloatArray],
    rows: FloatArray,
    first_trace: FloatArray,
    second_trace: FloatArray,
) -> None:
    """Fill in the derivatives by residual variances: five blocks of one row for each class.

    With J = I - S C = s K⁻¹: V⁻² = (I - Z C(I + J) Z')/s², V⁻³ = (I - Z C(I + J + J²) Z')/s³.
    """
    classes = first_trace.shape[0]
    (h11, h12), (h21, h22) = inverse
    c11, c12, c22 = c
    e11 = s * (c11 * h11 + c12 * h21)
    e12 = s * (c11 * h12 + c12 * h22)
    e22 = s * (c12 * h12 + c22 * h22)
    f11 = s * (e11 * h11 + e12 * h21)
    f12 = s * (e11 * h12 + e12 * h22)
    f22 = s * (e12 * h12 + e22 * h22)
    # Rows of K⁻².
    l11 = h11 * h11 + h12 * h21
    l12 = h12 * (h11 + h22)
    l21 = h21 * (h11 + h22)
    l22 = h22 * h22 + h12 * h21
    block = np.empty((5, 3, *s.shape))
    over = -1.0 / s**2
    block[0] = over * (c11 + e11), over * (c12 + e12), over * (c22 + e22)
    block[1] = h11 * l11, 0.5 * (h11 * l12 + h12 * l11), h12 * l12
    block[2] = (
        h11 * l21 + h21 * l11,
        0.5 * (h11 * l22 + h12 * l21 + h21 * l12 + h22 * l11),
        h12 * l22 + h22 * l12,
    )
    block[3] = h21 * l21, 0.5 * (h21 * l22 + h22 * l21), h22 * l22
    over = over / s
    block[4] = over * (c11 + e11 + f11), over * (c12 + e12 + f12), over * (c22 + e22 + f22)
    a, b, d = data.gram
    weight = data.animals
    power = data.readings - 2.0
    traces = np.empty((5, *s.shape))
    traces[0] = power / s + h11 + h22
    traces[1] = l11 * a + l12 * b
    traces[2] = 2.0 * (l11 * b + l12 * d)
    traces[3] = l21 * b + l22 * d
    traces[4] = power / s**2 + l11 + l22
    traces *= weight
    if classes == 1:
        rows[:] = block
        first_trace[0] = traces[0].sum(axis=1)
        second_trace[:4] = traces[1:].sum(axis=2)
        return
    inside = (data.variance_class == np.arange(classes)[:, None, None]).astype(np.float64)
    # Class by class within each block.
    rows.reshape(5, classes, 3, *s.shape)[:] = block[:, None] * inside[:, None]
    summed = np.einsum("kbg,cbg->kcb", traces, inside)
    first_trace[:] = summed[0]
    second_trace[: 4 * classes] = summed[1:].reshape(4 * classes, -1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistics:
    """What derivatives of the likelihood are made of, at given variances.

    Parameters
    ----------
    coefficients : ndarray, shape (B, p)
        Generalized least squares.
    covariance : ndarray, shape (B, p, p)
        Phi = (X'V⁻¹X)⁻¹.
    log_det_information : ndarray, shape (B,)
        log |X'V⁻¹X|.
    quadratic : ndarray, shape (B,)
        y'Py.
    first : ndarray, shape (B, r)
        y'PV_kPy.
    second : ndarray, shape (B, r, r)
        y'PV_kPV_lPy.
    first_trace : ndarray, shape (B, r)
        tr(PV_k); tr(V⁻¹V_k) for ML.
    second_trace : ndarray, shape (B, r, r)
        tr(PV_kPV_l); tr(V⁻¹V_kV⁻¹V_l) for ML.
    """

    coefficients: FloatArray
    covariance: FloatArray
    log_det_information: FloatArray
    quadratic: FloatArray
    first: FloatArray
    second: FloatArray
    first_trace: FloatArray
    second_trace: FloatArray


def compute_statistics(moments: Moments, *, restricted: bool) -> Statistics:
    """Statistics of B studies, by P = V⁻¹ - V⁻¹X Phi X'V⁻¹ where restricted."""
    studies, width = moments.cross.shape[:2]
    p = width - 1
    r = moments.first.shape[1]
    information = moments.cross[:, :p, :p]
    toward = moments.cross[:, :p, p]
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    coefficients = (covariance @ toward[:, :, None])[:, :, 0]
    quadratic = moments.cross[:, p, p] - (toward * coefficients).sum(axis=1)
    rest = np.empty((studies, width, 1))
    rest[:, :p, 0] = -coefficients
    rest[:, p] = 1.0
    # A'V⁻¹V_kPy: the part of X, then that of y.
    pulled = (moments.first.reshape(studies, r * width, width) @ rest).reshape(studies, r, width)
    first = (pulled @ rest)[:, :, 0]
    toward_x = pulled[:, :, :p]
    index = pair_index(r - 3)[:r, :r]
    square = (rest * rest.transpose(0, 2, 1)).reshape(studies, -1, 1)
    pairs = (moments.second @ square)[:, :, 0]
    second = pairs[:, index] - toward_x @ covariance @ toward_x.transpose(0, 2, 1)
    first_trace = moments.first_trace
    second_trace = moments.second_trace[:, index]
    if restricted:
        padded = np.zeros((studies, width, width))
        padded[:, :p, :p] = covariance
        moved = (padded[:, None] @ moments.first).reshape(studies, r, -1)
        turned = (moments.first @ padded[:, None]).reshape(studies, r, -1)
        first_trace = first_trace - moved[:, :, :: width + 1].sum(axis=2)
        flat = padded.reshape(studies, -1, 1)
        crossed = (moments.second @ flat)[:, :, 0]
        second_trace = second_trace - 2.0 * crossed[:, index] + moved @ turned.transpose(0, 2, 1)
    return Statistics(
        coefficients=coefficients,
        covariance=covariance,
        log_det_information=np.linalg.slogdet(information)[1],
        quadratic=quadratic,
        first=first,
        second=second,
        first_trace=first_trace,
        second_trace=second_trace,
    )
