"""Combinations: what was seen against what null models foresee from the partners alone."""

from __future__ import annotations

from oncovivo.combination.bands import IndexBand, index_band
from oncovivo.combination.bliss import bliss
from oncovivo.combination.detectable import detectable_difference
from oncovivo.combination.doses import DoseCheck, check_doses
from oncovivo.combination.factorial import Interaction, factorial_interactions
from oncovivo.combination.hsa import hsa
from oncovivo.combination.nulls import compare_nulls
from oncovivo.combination.response_additivity import (
    AdditivityBootstrap,
    response_additivity,
    response_additivity_bootstrap,
)
from oncovivo.combination.result import SynergyResult
from oncovivo.combination.roles import CombinationArms, PairArm, combination_arms

__all__ = [
    "AdditivityBootstrap",
    "CombinationArms",
    "DoseCheck",
    "IndexBand",
    "Interaction",
    "PairArm",
    "SynergyResult",
    "bliss",
    "check_doses",
    "combination_arms",
    "compare_nulls",
    "detectable_difference",
    "factorial_interactions",
    "hsa",
    "index_band",
    "response_additivity",
    "response_additivity_bootstrap",
]
