"""Endpoints: what a study's readings say about growth and its inhibition."""

from __future__ import annotations

from oncovivo.endpoints.plots import plot_growth, plot_growth_panels
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
    "AnimalCurve",
    "ArmDay",
    "GroupMean",
    "Status",
    "VolumeByDay",
    "plot_growth",
    "plot_growth_panels",
    "relative_volume",
    "summarize_group",
    "volume_by_day",
]
