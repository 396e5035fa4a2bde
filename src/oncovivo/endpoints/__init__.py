"""Endpoints: what a study's readings say about growth and its inhibition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.lazy import import_when_used

if TYPE_CHECKING:
    from oncovivo.endpoints.comparison import EndpointOptions
    from oncovivo.endpoints.days import DayChoice, DayShare
    from oncovivo.endpoints.definitions import ENDPOINTS, EndpointDefinition, find_definition
    from oncovivo.endpoints.estimate import EndpointEstimate
    from oncovivo.endpoints.event_plots import plot_spider, plot_swimmer
    from oncovivo.endpoints.plots import plot_growth, plot_growth_panels
    from oncovivo.endpoints.response import ResponseResult, compute_response
    from oncovivo.endpoints.table import (
        AnimalEndpoints,
        AnimalEvent,
        EndpointTable,
        compute_endpoints,
    )
    from oncovivo.endpoints.tolerability import TolerabilityResult, compute_tolerability
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
    from oncovivo.endpoints.weight_plots import plot_body_weight

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
    "ResponseResult",
    "Status",
    "TolerabilityResult",
    "VardiTest",
    "VolumeByDay",
    "compute_endpoints",
    "compute_response",
    "compute_tolerability",
    "find_definition",
    "plot_body_weight",
    "plot_growth",
    "plot_growth_panels",
    "plot_spider",
    "plot_swimmer",
    "relative_volume",
    "summarize_group",
    "volume_by_day",
]

import_when_used(__name__)
