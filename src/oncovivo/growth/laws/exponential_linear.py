"""Exponential, then linear growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves

__all__ = ["ExponentialLinear"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExponentialLinear:
    """Exponential growth up to a size, linear growth of the volume from there on.

    dv/dt = min(r v, c): the limit of the law of Simeoni and colleagues for a sharp switch (their
    psi is 20, near it). The switch is at v = c / r, where the two speeds are equal, so that the
    curve and its derivatives by time and parameters are continuous. A tumor that starts above the
    switch grows linearly; with a rate of 0 or less the switch is never reached. Source: Simeoni
    et al., Cancer Research 2004;64:1094.

    Examples
    --------
    >>> law = ExponentialLinear()
    >>> phi = np.array([[np.log(100.0), 0.1, np.log(20.0)]])
    >>> np.exp(law.predict(phi, np.array([0.0, 5.0, 10.0]))).round(1)
    array([[100. , 164.9, 261.4]])
    """

    name: ClassVar[str] = "exponential_linear"
    equation: ClassVar[str] = "dv/dt = min(r v, c)"
    source: ClassVar[str] = "Simeoni et al., Cancer Res 2004;64:1094"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(
            name="rate", unit="1/day", meaning="rate of the exponential phase", time_power=-1
        ),
        Parameter(
            name="log_speed",
            unit="mm³/day",
            meaning="speed of the linear phase",
            transform="log",
            lower=0.0,
            time_power=-1,
        ),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t)."""
        begin, switch, gain, late = _parts(phi, time)
        return np.where(
            late > 0, np.maximum(begin, switch) + np.log1p(np.maximum(late, 0.0)), begin + gain
        )

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        begin, switch, _, late = _parts(phi, time)
        rate = np.broadcast_to(phi[..., 1:2], late.shape)
        linear, above = late > 0, np.broadcast_to(begin > switch, late.shape)
        share = 1 / (1 + np.maximum(late, 0.0))
        # Below the switch the speed enters through log(c / r), above it directly.
        by_speed = np.where(linear, 1 - share, 0.0)
        safe = np.where(linear & ~above, rate, 1.0)
        by_rate = np.where(above, 0.0, share * time - (1 - share) / safe)
        return np.stack(
            (
                np.where(linear, share, 1.0),
                np.where(linear, by_rate, np.broadcast_to(time, late.shape)),
                by_speed,
            ),
            axis=-1,
        )

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        begin, switch, _, late = _parts(phi, time)
        linear, above = late > 0, np.broadcast_to(begin > switch, late.shape)
        below = linear & ~above
        share = 1 / (1 + np.maximum(late, 0.0))
        result = np.zeros((*late.shape, 3, 3))
        # Above the switch only the ratio of speed and start counts.
        curved = np.where(linear, np.where(above, share * (1 - share), -(share**2)), 0.0)
        rate = np.where(below, np.broadcast_to(phi[..., 1:2], late.shape), 1.0)
        along = np.where(below, time + 1 / rate, 0.0)
        result[..., 0, 0] = result[..., 2, 2] = curved
        result[..., 0, 2] = result[..., 2, 0] = -curved
        result[..., 0, 1] = result[..., 1, 0] = curved * along
        result[..., 1, 2] = result[..., 2, 1] = -curved * along
        result[..., 1, 1] = np.where(below, curved * along**2 + (1 - share) / rate**2, 0.0)
        return result

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """A switch in the middle of the sizes, one near the largest, and one out of reach."""
        fastest = np.log(max(float(curves.mean_rates.max()), 0.1 / curves.span))
        middle = (curves.level + curves.highest) / 2
        return (
            curves.table(curves.level, 1.5 * curves.mean_rates, fastest + middle),
            curves.table(curves.level, curves.mean_rates, fastest + curves.highest - 0.5),
            curves.table(curves.level, curves.mean_rates, fastest + curves.highest + 1.0),
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """A linear phase that no tumor reaches."""
        if values[1] <= 0 or values[2] - np.log(values[1]) > highest:
            return ("no tumor of this arm reaches the linear phase",)
        return ()


def _parts(
    phi: FloatArray, time: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Log start, log switch, r t, and the linear growth in units of the size where it begins."""
    begin, rate, speed = phi[..., :1], phi[..., 1:2], phi[..., 2:3]
    switch = np.where(rate > 0, speed - np.log(np.where(rate > 0, rate, 1.0)), np.inf)
    gain = rate * time
    late = np.where(begin > switch, time * np.exp(speed - begin), begin + gain - switch)
    return begin, switch, gain, late
