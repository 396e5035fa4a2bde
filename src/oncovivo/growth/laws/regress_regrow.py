"""Regression and regrowth at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.series import inverse_or_zero, log_or_gone
from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves, difference_hessian

__all__ = ["RegressRegrow"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RegressRegrow:
    """A part that shrinks and a part that grows: v = v0 (exp(-d t) + exp(g t) - 1).

    With a regression rate d of 0 it is exponential growth at g. Source: Stein et al., Oncologist
    2008;13:1046.

    Examples
    --------
    >>> law = RegressRegrow()
    >>> phi = np.array([[np.log(100.0), 0.05, 0.2]])
    >>> np.exp(law.predict(phi, np.array([0.0, 10.0, 30.0]))).round(1)
    array([[100. ,  78.4, 348.4]])
    """

    name: ClassVar[str] = "regress_regrow"
    equation: ClassVar[str] = "log v = log v0 + log(exp(−d t) + exp(g t) − 1)"
    source: ClassVar[str] = "Stein et al., Oncologist 2008;13:1046"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(name="rate", unit="1/day", meaning="rate of regrowth", time_power=-1),
        Parameter(
            name="regression", unit="1/day", meaning="rate of regression", lower=0.0, time_power=-1
        ),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate", "regression")
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t); minus infinity once a tumor has vanished."""
        grown, kept = np.exp(phi[..., 1:2] * time), np.exp(-phi[..., 2:3] * time)
        return np.asarray(phi[..., :1] + log_or_gone(grown + kept - 1))

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        grown, kept = np.exp(phi[..., 1:2] * time), np.exp(-phi[..., 2:3] * time)
        total = grown + kept - 1
        share = inverse_or_zero(total)
        there = (total > 0).astype(np.float64)
        return np.stack((there, time * grown * share, -time * kept * share), axis=-1)

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        return difference_hessian(self.gradient, phi, time)

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """Lines alone, and an early fall where the parabola begins with one."""
        some = 0.1 / curves.span
        mean = curves.mean_rates
        end = np.maximum(curves.rates + curves.bend * curves.span, some)
        return (
            curves.table(curves.level, np.maximum(mean, 0.0) + some, np.maximum(-mean, 0.0)),
            curves.table(curves.level, end, np.maximum(end - curves.rates, 0.0)),
            curves.table(curves.level, np.maximum(mean, some), 0.0),
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """A regression rate below 0: no regression."""
        if values[2] < 0:
            return ("the regression rate is negative: no part of these tumors shrinks",)
        return ()
