"""The parameter that every growth law begins with."""

from __future__ import annotations

from typing import Final

from oncovivo.growth.structural import Parameter

__all__ = ["LOG_V0"]

LOG_V0: Final = Parameter(
    name="log_v0", unit="mm³", meaning="size at time 0", transform="log", lower=0.0
)
