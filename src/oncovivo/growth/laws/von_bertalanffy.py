"""Von Bertalanffy growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.growth.laws.reference_size import check_reference
from oncovivo.growth.laws.series import inverse_or_zero, log_or_gone, saturation
from oncovivo.growth.laws.start_size import LOG_V0
from oncovivo.growth.structural import Parameter, StartCurves, difference_hessian

__all__ = ["VonBertalanffy"]

FloatArray: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VonBertalanffy:
    """Gain at the surface, loss in the whole: dv/dt = a v^(2/3) - b v.

    With r = a s^(-1/3) - b the relative growth rate of a tumor of the reference size s and
    k = (r + b) (s / v0)^(1/3), log v = log v0 + 3 log(exp(-b t / 3) + k (1 - exp(-b t / 3)) / b).
    Without loss it is the power law with exponent 2/3. Source: von Bertalanffy, Quarterly Review
    of Biology 1957;32:217.

    Parameters
    ----------
    reference_size : float
        Size that the rate refers to, mm³.

    Examples
    --------
    >>> law = VonBertalanffy()
    >>> phi = np.array([[np.log(100.0), 0.1, 0.05]])
    >>> law.predict(phi, np.array([0.0, 10.0])).round(3)
    array([[4.605, 5.408]])
    """

    reference_size: float = 100.0

    name: ClassVar[str] = "von_bertalanffy"
    equation: ClassVar[str] = "dv/dt = a v^(2/3) − b v"
    source: ClassVar[str] = "von Bertalanffy, Q Rev Biol 1957;32:217"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        LOG_V0,
        Parameter(
            name="rate", unit="1/day", meaning="net rate at the reference size", time_power=-1
        ),
        Parameter(name="loss", unit="1/day", meaning="rate of loss", lower=0.0, time_power=-1),
    )
    arm_parameters: ClassVar[tuple[str, ...]] = ("rate",)
    random_parameters: ClassVar[tuple[str, ...]] = ("log_v0", "rate")

    def __post_init__(self) -> None:
        check_reference(self.reference_size)

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Log size, shape (..., n, t); minus infinity once a tumor has vanished."""
        gain, kept, grown, _ = self._parts(phi, time)
        return np.asarray(phi[..., :1] + 3 * log_or_gone(kept + gain * grown))

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives, shape (..., n, t, 3)."""
        gain, kept, grown, grown_by_loss = self._parts(phi, time)
        share = inverse_or_zero(kept + gain * grown)
        nearer = self._nearer(phi)
        by_loss = 3 * (nearer * grown + gain * grown_by_loss - time / 3 * kept) * share
        return np.stack((kept * share, 3 * nearer * grown * share, by_loss), axis=-1)

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives, shape (..., n, t, 3, 3)."""
        return difference_hessian(self.gradient, phi, time)

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """Growth at the surface with little, and with much loss."""
        nearer = np.exp((np.log(self.reference_size) - curves.level) / 3)
        # A tumor that shrank faster would be gone before the end.
        mean = np.maximum(curves.mean_rates, -2 / curves.span)
        return tuple(
            curves.table(curves.level, (mean + loss) / nearer - loss, loss)
            for loss in (0.1 / curves.span, 1.0 / curves.span, -1.0 / curves.span)
        )

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """A loss below 0."""
        if values[2] < 0:
            return (
                "the loss is negative: tumors grow faster than at their surface, which this law "
                "does not mean",
            )
        return ()

    def _nearer(self, phi: FloatArray) -> FloatArray:
        """(s / v0)^(1/3)."""
        return np.asarray(np.exp((np.log(self.reference_size) - phi[..., :1]) / 3))

    def _parts(
        self, phi: FloatArray, time: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """k, exp(-b t / 3), (1 - exp(-b t / 3)) / b and its derivative by b."""
        third = time / 3
        value, first = saturation(phi[..., 2:3] * third)
        gain = (phi[..., 1:2] + phi[..., 2:3]) * self._nearer(phi)
        return gain, np.exp(-phi[..., 2:3] * third), third * value, third**2 * first
