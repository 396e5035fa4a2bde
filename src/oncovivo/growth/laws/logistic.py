"""Logistic growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.series import inverse_or_zero, log_or_gone
from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves, difference_hessian

__all__ = ["Logistic"]

FloatArray: TypeAlias = NDArray[np.float64]

# A capacity so far above the largest tumor does not bend its curve.
_OUT_OF_SIGHT: Final = np.log(20.0)


@dataclass(frozen=True, slots=True)
class Logistic:
    """Growth that slows in proportion to the size: dv/dt = r v (1 - v / K).

    log v = log v0 + r t - log(1 + (v0 / K) (exp(r t) - 1)), with r the rate of a small tumor and
    K the capacity. A capacity beyond all bounds is exponential growth. Source: Verhulst,
    Correspondance mathématique et physique 1838;10:113.

    Examples
    --------
    >>> law = Logistic()
    >>> phi = np.array([[np.log(100.0), 0.1, np.log(1000.0)]])
    >>> law.predict(phi, np.array([0.0, 10.0])).round(3)
    array([[4.605, 5.447]])
    """

    name: ClassVar[str] = "logistic"
    equation: ClassVar[str] = "log v = log v0 + r t − log(1 + (v0/K) (exp(r t) − 1))"
    source: ClassVar[str] = "Verhulst, Correspondance mathématique et physique 1838;10:113"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(name="rate", unit="1/day", meaning="rate of a small tumor", time_power=-1),
        Parameter(
            name="log_capacity",
            unit="mm³",
            meaning="size approached as time grows",
            transform="log",
            lower=0.0,
        ),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t); infinite where one above capacity has burst."""
        gain, share, rest, fall = _parts(phi, time)
        return phi[..., :1] + np.minimum(gain, 0.0) - log_or_gone(fall + share * rest)

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        gain, share, rest, fall = _parts(phi, time)
        over = inverse_or_zero(fall + share * rest)
        by_rate = time * np.exp(np.minimum(-gain, 0.0)) * (1 - share) * over
        return np.stack((fall * over, by_rate, share * rest * over), axis=-1)

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        return difference_hessian(self.gradient, phi, time)

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """A plateau just above the largest reading, and one far away."""
        return (
            curves.table(curves.level, 1.5 * curves.mean_rates, curves.highest + np.log(2.0)),
            curves.table(curves.level, curves.mean_rates, curves.highest + np.log(10.0)),
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """A capacity that no tumor comes near."""
        if values[2] > highest + _OUT_OF_SIGHT:
            return (
                "no plateau shows: the capacity lies more than 20 times above the largest "
                "reading, and the law is exponential here",
            )
        return ()


def _parts(
    phi: FloatArray, time: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Gain r t, share v0 / K, and the two terms below the fraction, over exp(r t) if r > 0."""
    gain = phi[..., 1:2] * time
    share = np.exp(phi[..., :1] - phi[..., 2:3])
    grows = gain > 0
    rest = np.where(grows, -np.expm1(-np.abs(gain)), np.expm1(-np.abs(gain)))
    fall = np.where(grows, np.exp(-np.abs(gain)), 1.0)
    return gain, share, rest, fall
