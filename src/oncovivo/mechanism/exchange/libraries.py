"""Libraries of the extra ``mechanism`` that exchange needs, loaded when they are used."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

from oncovivo.errors import MissingExtraError

__all__ = ["Untyped", "antimony_library", "sbml_library"]

Untyped: TypeAlias = Any
"""What a library without types hands out."""


def sbml_library() -> Untyped:
    """The library of SBML.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return _loaded("libsbml", "python-libsbml")


def antimony_library() -> Untyped:
    """The library of Antimony.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    return _loaded("antimony", "antimony")


def _loaded(module: str, package: str) -> Untyped:
    """A module, which has no types."""
    try:
        return importlib.import_module(module)
    except ImportError as err:
        raise MissingExtraError("mechanism", package) from err
