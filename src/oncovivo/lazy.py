"""Public names of a package that are imported when they are first used.

A package lists them as imports under ``if TYPE_CHECKING:``, which type checkers and readers see,
and calls :func:`import_when_used` last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.abc import InspectLoader
from types import ModuleType
from typing import Final

__all__ = ["import_when_used"]

_IMPORT: Final = re.compile(r"(?m)^    from (oncovivo\S*) import (?:\(([^)]*)\)|(.+))$")


class _LazyPackage(ModuleType):
    """A package whose public names are imported when they are first used."""

    def __getattr__(self, name: str) -> object:
        """Import a public name."""
        homes: Mapping[str, str] = self.__dict__["_homes"]
        if name not in homes:
            message = f"module {self.__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        value: object = getattr(import_module(homes[name]), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        """Set a name; a public function keeps its name when the module of that name is loaded."""
        if not (isinstance(value, ModuleType) and name in self.__dict__["_homes"]):
            super().__setattr__(name, value)

    def __dir__(self) -> Iterable[str]:
        """What is there, and what would be imported."""
        return sorted({*self.__dict__, *self.__dict__["_homes"]})


def import_when_used(package: str) -> None:
    """Import the public names of a package when they are first used.

    Parameters
    ----------
    package : str
        The package that calls, ``__name__``. Its names are those that its source imports, one
        level indented, from other modules of this program.
    """
    module = sys.modules[package]
    loader = module.__spec__.loader if module.__spec__ else None
    source = loader.get_source(package) if isinstance(loader, InspectLoader) else None
    homes = {
        name.strip(): found[1]
        for found in _IMPORT.finditer(source or "")
        for name in (found[2] or found[3]).split(",")
        if name.strip()
    }
    module.__dict__["_homes"] = homes
    module.__class__ = _LazyPackage
