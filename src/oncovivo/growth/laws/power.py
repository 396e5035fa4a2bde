"""Power-law growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.reference_size import check_reference
from oncovivo.growth.laws.series import inverse_or_zero, log_quotient
from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves, difference_hessian

__all__ = ["Power"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Power:
    """Growth in proportion to a power of the size: dv/dt = a v^g.

    With r = a s^(g - 1) the relative growth rate of a tumor of the reference size s,
    log v = log v0 + log(1 + (1 - g) r (v0 / s)^(g - 1) t) / (1 - g). An exponent of 1 is
    exponential growth, 2/3 growth at the surface only. Source: Hart, Shochat and Agur, British
    Journal of Cancer 1998;78:382.

    Parameters
    ----------
    reference_size : float
        Size that the rate refers to, mm³.

    Examples
    --------
    >>> law = Power()
    >>> phi = np.array([[np.log(100.0), 0.1, 0.75]])
    >>> law.predict(phi, np.array([0.0, 10.0])).round(3)
    array([[4.605, 5.498]])
    """

    reference_size: float = 100.0

    name: ClassVar[str] = "power"
    equation: ClassVar[str] = "log v = log v0 + log(1 + (1−g) r (v0/s)^(g−1) t) / (1−g)"
    source: ClassVar[str] = "Hart, Shochat and Agur, Br J Cancer 1998;78:382"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(name="rate", unit="1/day", meaning="rate at the reference size", time_power=-1),
        Parameter(name="exponent", unit="", meaning="power of the size", lower=0.0, upper=1.0),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def __post_init__(self) -> None:
        check_reference(self.reference_size)

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t); infinite once a tumor has vanished or burst."""
        pace, _, short = self._parts(phi)
        z = short * pace * time
        value, _ = log_quotient(z)
        # With 1 + z at 0 the size is 0, or infinite where growth quickens.
        return np.where(z > -1, phi[..., :1] + pace * time * value, np.copysign(np.inf, pace))

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        pace, distance, short = self._parts(phi)
        z = short * pace * time
        _, first = log_quotient(z)
        share = inverse_or_zero(1 + z)
        by_exponent = pace * distance * time * share - (pace * time) ** 2 * first
        return np.stack(
            (
                share,
                np.exp(-short * distance) * time * share,
                np.where(z > -1, by_exponent, 0.0),
            ),
            axis=-1,
        )

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        return difference_hessian(self.gradient, phi, time)

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """Exponential growth, and exponents on both sides of it."""
        near = np.log(self.reference_size) - curves.level
        # Within these, no tumor of the start values vanishes or bursts before the end.
        mean = np.clip(curves.mean_rates, -3 / curves.span, 4 / curves.span)
        return tuple(
            curves.table(curves.level, mean * np.exp(-(1 - power) * near), power)
            for power in (1.0, 0.7, 1.2)
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """An exponent above 1."""
        if values[2] > 1:
            return (
                "the exponent is above 1: growth quickens with size and has no bound, which no "
                "tumor keeps up",
            )
        return ()

    def _parts(self, phi: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Relative rate at the start, log distance to the reference, 1 - exponent."""
        distance = phi[..., :1] - np.log(self.reference_size)
        short = 1 - phi[..., 2:3]
        return phi[..., 1:2] * np.exp(-short * distance), distance, short
