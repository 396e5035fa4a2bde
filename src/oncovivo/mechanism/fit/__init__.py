"""Models of a mechanism fitted to the readings of a study.

The pooled and per-animal fits are maximum likelihood with profile limits. The population fit
(stochastic EM, importance-sampled likelihood) agrees with quadrature where both can be had, but
how often its limits cover the truth has not been measured: take its intervals as provisional.
"""

from __future__ import annotations

from oncovivo.mechanism.fit.curves import FitData, fit_data
from oncovivo.mechanism.fit.output_readings import OutputReading, read_output_readings
from oncovivo.mechanism.fit.plan import FitPlan, read_fit_plan
from oncovivo.mechanism.fit.pooled import AnimalFits, PooledFit, fit_animals, fit_pooled
from oncovivo.mechanism.fit.population import MechanismFit, fit_mechanism

__all__ = [
    "AnimalFits",
    "FitData",
    "FitPlan",
    "MechanismFit",
    "OutputReading",
    "PooledFit",
    "fit_animals",
    "fit_data",
    "fit_mechanism",
    "fit_pooled",
    "read_fit_plan",
    "read_output_readings",
]
