"""Check of the size that a rate refers to."""

from __future__ import annotations

import math

from oncovivo.errors import InputError

__all__ = ["check_reference"]


def check_reference(size: float) -> None:
    """Refuse a reference size that is no size.

    Raises
    ------
    InputError
        If it is not positive and finite.
    """
    if not (math.isfinite(size) and size > 0):
        expected = "a reference size above 0"
        raise InputError(expected, found=f"{size:g}")
