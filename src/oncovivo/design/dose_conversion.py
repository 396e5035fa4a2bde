"""Doses per body mass and per body surface, and the equivalent dose of another species.

A dose in mg/kg times the factor Km (kg/m²) of a species is one in mg/m²; the doses of two species
are equivalent when they are the same in mg/m². The factors are those of the FDA's guidance of
July 2005 on the starting dose in first trials, for each species at a reference body weight. They
are of one digit or two: more digits of an equivalent dose mean nothing. The guidance itself names
substances for which mg/kg, or neither, is the better scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final

from oncovivo.errors import InputError

__all__ = [
    "KM_FACTORS",
    "KM_SOURCE",
    "EquivalentDose",
    "equivalent_dose",
    "km_factor",
    "to_mg_per_kg",
    "to_mg_per_m2",
]

KM_FACTORS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "mouse": 3.0,
        "hamster": 5.0,
        "rat": 6.0,
        "ferret": 7.0,
        "guinea pig": 8.0,
        "rabbit": 12.0,
        "dog": 20.0,
        "monkey": 12.0,
        "marmoset": 6.0,
        "mini pig": 35.0,
        "human": 37.0,
    }
)
"""Km in kg/m² by species; ``human`` is an adult of 60 kg."""

KM_SOURCE: Final = (
    "FDA, Guidance for Industry: Estimating the Maximum Safe Starting Dose in Initial Clinical "
    "Trials for Therapeutics in Adult Healthy Volunteers, July 2005; as tabulated by Nair and "
    "Jacob, J Basic Clin Pharm 2016;7:27-31"
)
"""Where the factors come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalentDose:
    """A dose of one species and the one of another that is equivalent by body surface.

    Parameters
    ----------
    species, to_species : str
        From which species to which.
    dose_mg_per_kg, dose_mg_per_m2 : float
        The dose of the first.
    equivalent_mg_per_kg : float
        Of the second.
    km, to_km : float
        Their factors, kg/m².
    source : str
        Where the factors come from.
    """

    species: str
    to_species: str
    dose_mg_per_kg: float
    dose_mg_per_m2: float
    equivalent_mg_per_kg: float
    km: float
    to_km: float
    source: str = KM_SOURCE

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return asdict(self)


def km_factor(species: str) -> float:
    """Km of a species, kg/m².

    Raises
    ------
    InputError
        If the guidance's table, as far as it is kept here, lacks the species.

    Examples
    --------
    >>> km_factor("mouse")
    3.0
    """
    if species not in KM_FACTORS:
        expected = "a species with a factor: " + ", ".join(sorted(KM_FACTORS))
        raise InputError(expected, found=repr(species))
    return KM_FACTORS[species]


def to_mg_per_m2(dose_mg_per_kg: float, species: str) -> float:
    """Dose per body surface of a dose per body mass, mg/m².

    Raises
    ------
    InputError
        If the dose is not positive or the species has no factor.

    Examples
    --------
    >>> to_mg_per_m2(20.0, "mouse")
    60.0
    """
    return _checked(dose_mg_per_kg, "mg/kg") * km_factor(species)


def to_mg_per_kg(dose_mg_per_m2: float, species: str) -> float:
    """Dose per body mass of a dose per body surface, mg/kg.

    Raises
    ------
    InputError
        If the dose is not positive or the species has no factor.

    Examples
    --------
    >>> to_mg_per_kg(60.0, "mouse")
    20.0
    """
    return _checked(dose_mg_per_m2, "mg/m²") / km_factor(species)


def equivalent_dose(
    dose_mg_per_kg: float, species: str, *, to_species: str = "human"
) -> EquivalentDose:
    """The dose of another species that is the same per body surface.

    Parameters
    ----------
    dose_mg_per_kg : float
        Dose of `species`.
    species, to_species : str
        Names in ``KM_FACTORS``; by default to humans.

    Raises
    ------
    InputError
        If the dose is not positive or a species has no factor.

    Examples
    --------
    >>> round(equivalent_dose(20.0, "mouse").equivalent_mg_per_kg, 2)
    1.62
    """
    surface = to_mg_per_m2(dose_mg_per_kg, species)
    return EquivalentDose(
        species=species,
        to_species=to_species,
        dose_mg_per_kg=float(dose_mg_per_kg),
        dose_mg_per_m2=surface,
        equivalent_mg_per_kg=to_mg_per_kg(surface, to_species),
        km=km_factor(species),
        to_km=km_factor(to_species),
    )


def _checked(dose: float, unit: str) -> float:
    """The dose, when it is one."""
    if not 0 < dose < math.inf:
        expected = f"a positive dose in {unit}"
        raise InputError(expected, found=f"{dose:g}")
    return float(dose)
