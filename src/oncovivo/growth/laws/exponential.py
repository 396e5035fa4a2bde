"""Exponential growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves

__all__ = ["Exponential"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Exponential:
    """Growth at one rate: dv/dt = r v, so log v = log v0 + r t.

    The linear mixed model of log size is this law. Source: Collins, Loeffler and Tivey, American
    Journal of Roentgenology 1956;76:988.

    Examples
    --------
    >>> law = Exponential()
    >>> law.predict(np.array([[np.log(100.0), 0.1]]), np.array([0.0, 10.0])).round(3)
    array([[4.605, 5.605]])
    """

    name: ClassVar[str] = "exponential"
    equation: ClassVar[str] = "log v = log v0 + r t"
    source: ClassVar[str] = "Collins, Loeffler and Tivey, Am J Roentgenol 1956;76:988"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(name="rate", unit="1/day", meaning="growth rate", time_power=-1),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t)."""
        return phi[..., :1] + phi[..., 1:2] * time

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 2)."""
        by_rate = np.broadcast_to(time, np.broadcast_shapes(phi[..., :1].shape, time.shape))
        return np.stack((np.ones_like(by_rate), by_rate), axis=-1)

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives: none."""
        shape = np.broadcast_shapes(phi[..., :1].shape, time.shape)
        return np.zeros((*shape, 2, 2))

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """The line through each arm."""
        return (curves.table(curves.level, curves.mean_rates),)

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """Nothing: the law has no limit."""
        return ()
