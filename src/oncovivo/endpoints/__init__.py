"""Endpoints: what a study's readings say about growth and its inhibition."""

from __future__ import annotations

from oncovivo.endpoints.comparison import EndpointOptions
from oncovivo.endpoints.days import DayChoice, DayShare
from oncovivo.endpoints.definitions import ENDPOINTS, EndpointDefinition, find_definition
from oncovivo.endpoints.estimate import EndpointEstimate
from oncovivo.endpoints.plots import plot_growth, plot_growth_panels
from oncovivo.endpoints.table import (
    AnimalEndpoints,
    AnimalEvent,
    EndpointTable,
    compute_endpoints,
)
from oncovivo.endpoints.vardi import VardiTest
from oncovivo.endpoints.volume import (
    AnimalCurve,
    ArmDay,
    GroupMean,
    Status,
    VolumeByDay,
    relative_volume,
    summarize_group,
    volume_by_day,
)

__all__ = [
    "ENDPOINTS",
    "AnimalCurve",
    "AnimalEndpoints",
    "AnimalEvent",
    "ArmDay",
    "DayChoice",
    "DayShare",
    "EndpointDefinition",
    "EndpointEstimate",
    "EndpointOptions",
    "EndpointTable",
    "GroupMean",
    "Status",
    "VardiTest",
    "VolumeByDay",
    "compute_endpoints",
    "find_definition",
    "plot_growth",
    "plot_growth_panels",
    "relative_volume",
    "summarize_group",
    "volume_by_day",
]
