"""Mechanism: from dose to exposure, target, pathway and tumor, simulated from one description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.mechanism.blocks import Block, read_block
    from oncovivo.mechanism.engine import SimulatedModel, simulate_model
    from oncovivo.mechanism.model import Model, build_model
    from oncovivo.mechanism.parameters import (
        ParameterSet,
        ParameterValue,
        ResolvedParameters,
        read_parameter_set,
        resolve,
    )
    from oncovivo.mechanism.simulate import SimulationResult, simulate
    from oncovivo.mechanism.simulation_file import Simulation, read_simulation
    from oncovivo.mechanism.virtual import VirtualStudies, draw_virtual
    from oncovivo.mechanism.virtual_study import to_study

__all__ = [
    "Block",
    "Model",
    "ParameterSet",
    "ParameterValue",
    "ResolvedParameters",
    "SimulatedModel",
    "Simulation",
    "SimulationResult",
    "VirtualStudies",
    "build_model",
    "draw_virtual",
    "read_block",
    "read_parameter_set",
    "read_simulation",
    "resolve",
    "simulate",
    "simulate_model",
    "to_study",
]

import_when_used(__name__)
