"""Gompertz growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.series import saturation, saturation_bend
from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves

__all__ = ["Gompertz"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gompertz:
    """Growth whose rate falls exponentially: dv/dt = r exp(-q t) v.

    log v = log v0 + r (1 - exp(-q t)) / q, with r the rate at time 0 and q its decay. A decay of
    0 is exponential growth; a negative one lets growth quicken, which the law as its author meant
    it does not. The size approached is v0 exp(r / q). Source: Laird, British Journal of Cancer
    1964;18:490.

    Examples
    --------
    >>> law = Gompertz()
    >>> law.predict(np.array([[np.log(100.0), 0.1, 0.05]]), np.array([0.0, 10.0])).round(3)
    array([[4.605, 5.392]])
    """

    name: ClassVar[str] = "gompertz"
    equation: ClassVar[str] = "log v = log v0 + (r/q) (1 − exp(−q t))"
    source: ClassVar[str] = "Laird, Br J Cancer 1964;18:490"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(name="rate", unit="1/day", meaning="growth rate at time 0", time_power=-1),
        Parameter(
            name="decay",
            unit="1/day",
            meaning="rate at which the growth rate falls",
            lower=0.0,
            time_power=-1,
        ),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t)."""
        reach = time * saturation(phi[..., 2:3] * time)[0]
        return np.asarray(phi[..., :1] + phi[..., 1:2] * reach)

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        value, first = saturation(phi[..., 2:3] * time)
        by_decay = phi[..., 1:2] * time**2 * first
        return np.stack((np.ones_like(by_decay), time * value, by_decay), axis=-1)

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        z = phi[..., 2:3] * time
        first, second = saturation(z)[1], saturation_bend(z)
        both = time**2 * first
        result = np.zeros((*both.shape, 3, 3))
        result[..., 1, 2] = both
        result[..., 2, 1] = both
        result[..., 2, 2] = phi[..., 1:2] * time**3 * second
        return result

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """Exponential growth, and decays that halve or double the rate within the study."""
        half = np.log(2) / curves.span
        return tuple(
            curves.table(curves.level, curves.mean_rates * (1 + decay * curves.span / 2), decay)
            for decay in (0.0, half, -half)
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """A decay below 0."""
        if values[2] < 0:
            return (
                "the decay is negative: growth quickens, which a Gompertz tumor does not; "
                "another law, or an arm that regrows, may describe these readings",
            )
        return ()
