"""Growth laws in closed form, on the logarithm of the size; one law a file.

A new law is a class that satisfies :class:`~oncovivo.growth.structural.StructuralModel` and an
entry in ``registry``; the contract tests then run over it.
"""

from __future__ import annotations

from oncovivo.growth.laws.exponential import Exponential
from oncovivo.growth.laws.exponential_linear import ExponentialLinear
from oncovivo.growth.laws.gompertz import Gompertz
from oncovivo.growth.laws.logistic import Logistic
from oncovivo.growth.laws.power import Power
from oncovivo.growth.laws.registry import GROWTH_LAWS, growth_law
from oncovivo.growth.laws.regress_regrow import RegressRegrow
from oncovivo.growth.laws.von_bertalanffy import VonBertalanffy

__all__ = [
    "GROWTH_LAWS",
    "Exponential",
    "ExponentialLinear",
    "Gompertz",
    "Logistic",
    "Power",
    "RegressRegrow",
    "VonBertalanffy",
    "growth_law",
]
