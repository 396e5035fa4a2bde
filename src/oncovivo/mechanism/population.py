"""Animals and uncertain values drawn around the numbers of a model.

Two layers are kept apart. The value that is typical of all animals is known to its uncertainty;
animals differ around it. A draw of both is a world in which the typical values are other ones,
and an animal of that world.

A coefficient of variation c of a parameter that must be positive is that of a lognormal value
whose median is the typical one: the logarithm has the variance log(1 + c²). On the identity scale
it is the standard deviation over the value; on the logit scale a standard deviation is given.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError
from oncovivo.mechanism.parameters import ResolvedParameter, ResolvedParameters
from oncovivo.mechanism.simulation_file import BandKind

__all__ = ["draw_parameters", "spread_names", "standard_normals"]

FloatArray: TypeAlias = NDArray[np.float64]


def standard_normals(
    n: int, parameters: ResolvedParameters, *, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Standard normal numbers for the typical values and for the animals, (n, p) each.

    The same numbers make the same animals in every arm, so that arms are compared animal by
    animal.

    Parameters
    ----------
    n : int
        Draws.
    parameters : ResolvedParameters
        Of the model.
    rng : numpy.random.Generator
        Source of randomness.
    """
    shape = (n, len(parameters))
    return rng.standard_normal(shape), rng.standard_normal(shape)


def draw_parameters(
    parameters: ResolvedParameters,
    typical: FloatArray,
    animal: FloatArray,
    *,
    kind: BandKind,
) -> FloatArray:
    """Parameters of n draws, shape (n, p), in the order and units of the model.

    Parameters
    ----------
    parameters : ResolvedParameters
        Typical values with their spreads.
    typical, animal : ndarray, shape (n, p)
        Standard normal numbers of the uncertainty and of the animals.
    kind : {"between_animal", "uncertainty", "both"}
        Which of the two vary.

    Raises
    ------
    InputError
        If a spread cannot be applied: a coefficient of variation on the logit scale.
    """
    columns = []
    for place, entry in enumerate(parameters):
        shift = np.zeros(len(typical))
        if kind in ("uncertainty", "both"):
            shift = shift + _deviation(entry, entry.uncertainty_cv, None) * typical[:, place]
        if kind in ("between_animal", "both"):
            spread = _deviation(entry, entry.between_animal_cv, entry.between_animal_sd)
            shift = shift + spread * animal[:, place]
        columns.append(_moved(entry, shift))
    return np.column_stack(columns)


def spread_names(parameters: ResolvedParameters) -> dict[str, tuple[str, ...]]:
    """Which parameters differ between animals, and which are uncertain."""
    return {
        "between_animal": tuple(
            entry.name
            for entry in parameters
            if entry.between_animal_cv or entry.between_animal_sd
        ),
        "uncertainty": tuple(entry.name for entry in parameters if entry.uncertainty_cv),
    }


def _deviation(entry: ResolvedParameter, cv: float | None, sd: float | None) -> float:
    """Standard deviation on the scale of the parameter's transform."""
    if entry.transform == "logit":
        if cv:
            # To first order, the same spread of the value itself.
            inside = _share(entry)
            return cv / max(1.0 - inside, 1e-12)
        return sd or 0.0
    if sd:
        raise InputError(
            "between_animal_cv, not _sd, but for a parameter on the logit scale",
            found=entry.name,
        )
    if not cv:
        return 0.0
    if entry.transform == "log":
        return float(np.sqrt(np.log1p(cv**2)))
    return cv * abs(entry.value)


def _share(entry: ResolvedParameter) -> float:
    """Where a value lies between its bounds."""
    low, high = entry.lower or 0.0, 1.0 if entry.upper is None else entry.upper
    return (entry.value - low) / (high - low)


def _moved(entry: ResolvedParameter, shift: FloatArray) -> FloatArray:
    """The value moved on its scale; one on a bound or at 0 stays where it is."""
    if entry.transform == "log":
        return np.asarray(entry.value * np.exp(shift), dtype=np.float64)
    if entry.transform == "logit":
        low, high = entry.lower or 0.0, 1.0 if entry.upper is None else entry.upper
        inside = _share(entry)
        if not 0 < inside < 1:
            return np.full(shift.shape, entry.value)
        moved = special.expit(special.logit(inside) + shift)
        return np.asarray(low + (high - low) * moved, dtype=np.float64)
    values = entry.value + shift
    if entry.lower is not None:
        values = np.maximum(values, entry.lower)
    if entry.upper is not None:
        values = np.minimum(values, entry.upper)
    return np.asarray(values, dtype=np.float64)
