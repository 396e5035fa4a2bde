"""What the small-sample methods share: inverse information, and the test of several questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["FTest", "contrast_gradients", "f_test_result", "invert_information"]

FloatArray: TypeAlias = NDArray[np.float64]

# Of the largest eigenvalue: what the data say less about than this they do not tell at all.
_UNTOLD: Final = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class FTest:
    """A test of several linear questions at once.

    Parameters
    ----------
    statistic : float
        Scaled F.
    df_numerator, df_denominator : float
        Degrees of freedom.
    p_value : float
        Chance of a larger one.
    scale : float
        What the Wald F was multiplied by.
    """

    statistic: float
    df_numerator: float
    df_denominator: float
    p_value: float
    scale: float


def f_test_result(wald: float, rank: int, df: float, *, scale: float = 1.0) -> FTest:
    """Test of a Wald F statistic.

    Parameters
    ----------
    wald : float
        Quadratic form over its rank.
    rank : int
        Numerator degrees of freedom.
    df : float
        Denominator degrees of freedom.
    scale : float
        Factor of the statistic.
    """
    statistic = wald * scale
    return FTest(
        statistic=statistic,
        df_numerator=float(rank),
        df_denominator=df,
        p_value=float(special.fdtrc(rank, df, max(statistic, 0.0))),
        scale=scale,
    )


def invert_information(information: FloatArray) -> FloatArray:
    """Inverse of the information on variance parameters, shape (..., r, r).

    Parameters that the data do not tell apart (and, for observed information on the boundary,
    directions in which the likelihood still rises) get no variance: the inverse is taken on the
    others.

    Parameters
    ----------
    information : ndarray, shape (..., r, r)
        Symmetric.
    """
    size = np.sqrt(np.abs(np.diagonal(information, axis1=-2, axis2=-1)))
    size = np.where(size > 0, size, 1.0)
    scaled = information / (size[..., :, None] * size[..., None, :])
    value, vector = np.linalg.eigh(scaled)
    told = value > _UNTOLD * value[..., -1:]
    inverse = np.where(told, 1.0 / np.where(told, value, 1.0), 0.0)
    vector = vector / size[..., :, None]
    return np.asarray((vector * inverse[..., None, :]) @ np.swapaxes(vector, -1, -2))


def contrast_gradients(
    covariance: FloatArray, first: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Variance of each contrast and its derivatives by the variance parameters.

    Parameters
    ----------
    covariance : ndarray, shape (..., p, p)
        Phi.
    first : ndarray, shape (..., r, p, p)
        P_k.
    weights : ndarray, shape (..., k, p)
        Contrasts.

    Returns
    -------
    variance : ndarray, shape (..., k)
        l'Phi l.
    gradient : ndarray, shape (..., k, r)
        -l'Phi P_k Phi l.
    """
    moved = weights @ covariance
    variance = (moved * weights).sum(axis=-1)
    pulled = (moved[..., None, :, :] @ first * moved[..., None, :, :]).sum(axis=-1)
    return variance, -np.swapaxes(pulled, -1, -2)
