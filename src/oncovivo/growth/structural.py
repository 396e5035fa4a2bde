"""What a model of one tumor's course must supply to be fitted.

The estimator of nonlinear mixed models sees a structural model only through this contract. A
growth law is the simplest one; a model of drug action is another.

A structural model is written on the estimation scale: each parameter may take any real value
there, through a logarithm where it must be positive. It supplies

- ``parameters``: names, units and scales;
- ``arm_parameters`` and ``random_parameters``: which of them differ by arm and by animal unless
  the user says otherwise;
- ``predict``: log size at given times, and its first and second derivatives by the parameters;
- ``start``: values from which the search begins, found from the readings alone;
- ``remarks``: what a reader should know of estimates that lie in a limit of the model.

A tumor that the model lets vanish or burst has a prediction of minus or plus infinity and zero
derivatives. No measured reading can come from it, and the search turns back; a reading that is
gone can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import InputError

__all__ = ["Parameter", "StartCurves", "StructuralModel", "difference_hessian", "start_curves"]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Transform: TypeAlias = Literal["identity", "log"]

# Central differences of an exact gradient: the error of the rule equals that of rounding.
_STEP: Final = 6e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a structural model.

    Parameters
    ----------
    name : str
        Name on the estimation scale; of a logarithm it begins with ``log_``.
    unit : str
        Unit of the natural value.
    meaning : str
        What it is, in words.
    transform : {"identity", "log"}
        What is estimated: the value, or its natural logarithm (the value is then above 0).
    lower, upper : float
        Values that make sense, on the natural scale; an estimate outside is kept and remarked.
    time_power : int
        Power of the day in the unit: -1 for a rate.
    """

    name: str
    unit: str
    meaning: str
    transform: Transform = "identity"
    lower: float = -np.inf
    upper: float = np.inf
    time_power: int = 0

    def natural(self, value: float) -> float:
        """The natural value of an estimate."""
        return float(np.exp(value)) if self.transform == "log" else float(value)

    def in_days(self, value: FloatArray, span: float) -> FloatArray:
        """Estimates made with time in units of `span` days, with time in days."""
        if self.transform == "log":
            return np.asarray(value + self.time_power * np.log(span))
        return np.asarray(value * float(span) ** self.time_power)

    def deviation_in_days(self, span: float) -> float:
        """By how much a difference of two estimates changes when time is given in days."""
        return 1.0 if self.transform == "log" else float(span**self.time_power)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StartCurves:
    """Readings and a parabola through each arm's, for start values.

    Parameters
    ----------
    span : float
        Last time.
    level : float
        Log size at time 0, all arms.
    rates : ndarray, shape (arms,)
        Slope of log size at time 0.
    mean_rates : ndarray, shape (arms,)
        Slope of a line.
    bend : float
        Second derivative of log size, all arms.
    lowest, highest : float
        Of the log sizes.
    """

    span: float
    level: float
    rates: FloatArray
    mean_rates: FloatArray
    bend: float
    lowest: float
    highest: float

    def table(self, *columns: float | FloatArray) -> FloatArray:
        """Columns of parameters, one value or one for each arm, as an array (arms, k)."""
        size = self.rates.size
        return np.asarray(
            np.column_stack([np.broadcast_to(column, (size,)) for column in columns])
        )


class StructuralModel(Protocol):
    """A model of one tumor's log size; arrays may have any leading axes."""

    @property
    def name(self) -> str:
        """Stable name."""
        ...

    @property
    def equation(self) -> str:
        """The equation, for a reader."""
        ...

    @property
    def source(self) -> str:
        """Primary paper."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The k parameters; the first is the log size at time 0."""
        ...

    @property
    def arm_parameters(self) -> tuple[str, ...]:
        """Names of those that differ by arm unless the user says otherwise."""
        ...

    @property
    def random_parameters(self) -> tuple[str, ...]:
        """Names of those that differ by animal unless the user says otherwise."""
        ...

    def predict(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Natural log size.

        Parameters
        ----------
        phi : ndarray, shape (..., n, k)
            Parameters on the estimation scale, for each animal.
        time : ndarray, shape (n, t) or (t,)
            Times of each animal.

        Returns
        -------
        ndarray, shape (..., n, t)
            Infinite for a tumor that has vanished or burst.
        """
        ...

    def gradient(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """First derivatives of the prediction by the parameters, shape (..., n, t, k)."""
        ...

    def hessian(self, phi: FloatArray, time: FloatArray) -> FloatArray:
        """Second derivatives of the prediction, shape (..., n, t, k, k)."""
        ...

    def start(self, curves: StartCurves) -> tuple[FloatArray, ...]:
        """Points where a search may begin, each of shape (arms, k)."""
        ...

    def remarks(self, values: Sequence[float], *, highest: float) -> tuple[str, ...]:
        """What to know of estimates (estimation scale) where `highest` is the largest log size."""
        ...


def difference_hessian(
    gradient: Callable[[FloatArray, FloatArray], FloatArray], phi: FloatArray, time: FloatArray
) -> FloatArray:
    """Second derivatives as central differences of an exact gradient, accurate to about 1e-9.

    Parameters
    ----------
    gradient : callable
        First derivatives, of a parameter array and times.
    phi : ndarray, shape (..., n, k)
        Parameters.
    time : ndarray, shape (n, t) or (t,)
        Times.
    """
    columns = []
    for index in range(phi.shape[-1]):
        step = np.zeros_like(phi)
        step[..., index] = _STEP * np.maximum(1.0, np.abs(phi[..., index]))
        width = 2 * step[..., index][..., None, None]
        columns.append((gradient(phi + step, time) - gradient(phi - step, time)) / width)
    raw = np.stack(columns, axis=-1)
    return np.asarray((raw + np.swapaxes(raw, -1, -2)) / 2)


def start_curves(
    time: FloatArray, log_size: FloatArray, arm: IntArray, n_arms: int
) -> StartCurves:
    """A line and a parabola with one start and one bend through the readings of all arms.

    Parameters
    ----------
    time, log_size : ndarray, shape (m,)
        Readings.
    arm : ndarray of int, shape (m,)
        Number of the arm.
    n_arms : int
        Number of arms.

    Raises
    ------
    InputError
        If all readings are at one time.
    """
    span = float(time.max())
    if not span > 0:
        expected = "readings after the baseline"
        raise InputError(expected, found="none")
    scaled = time / span
    slopes = np.zeros((time.size, n_arms))
    slopes[np.arange(time.size), arm] = scaled
    line = np.column_stack((np.ones(time.size), slopes))
    straight = np.asarray(np.linalg.lstsq(line, log_size, rcond=None)[0], dtype=np.float64)
    parabola = np.column_stack((line, scaled**2 / 2))
    bent = np.asarray(np.linalg.lstsq(parabola, log_size, rcond=None)[0], dtype=np.float64)
    return StartCurves(
        span=span,
        level=float(bent[0]),
        rates=bent[1:-1] / span,
        mean_rates=straight[1:] / span,
        bend=float(bent[-1]) / span**2,
        lowest=float(log_size.min()),
        highest=float(log_size.max()),
    )
