"""The growth laws by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from oncovivo.errors import InputError
from oncovivo.growth.laws.exponential import Exponential
from oncovivo.growth.laws.exponential_linear import ExponentialLinear
from oncovivo.growth.laws.gompertz import Gompertz
from oncovivo.growth.laws.logistic import Logistic
from oncovivo.growth.laws.power import Power
from oncovivo.growth.laws.regress_regrow import RegressRegrow
from oncovivo.growth.laws.von_bertalanffy import VonBertalanffy
from oncovivo.growth.structural import StructuralModel

__all__ = ["GROWTH_LAWS", "growth_law"]

_LAWS: Final[tuple[StructuralModel, ...]] = (
    Exponential(),
    ExponentialLinear(),
    Logistic(),
    Gompertz(),
    VonBertalanffy(),
    Power(),
    RegressRegrow(),
)
GROWTH_LAWS: Final[Mapping[str, StructuralModel]] = MappingProxyType(
    {law.name: law for law in _LAWS}
)


def growth_law(name: str) -> StructuralModel:
    """The law of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in GROWTH_LAWS:
        expected = "a growth law: " + ", ".join(GROWTH_LAWS)
        raise InputError(expected, found=repr(name))
    return GROWTH_LAWS[name]
