"""Comparative efficacy guides for preclinical oncology, built from things that can be checked.

``Study`` and ``read_study`` are animal-level data; ``read_project`` and ``run`` are a guide
project and its results. They are imported when first used, so that ``import oncovivo`` stays
light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oncovivo.version import __version__

if TYPE_CHECKING:
    from oncovivo.analyses import read_project, run
    from oncovivo.studies import Study, read_study

__all__ = ["Study", "__version__", "read_project", "read_study", "run"]

_HOMES = {
    "Study": "oncovivo.studies",
    "read_project": "oncovivo.analyses",
    "read_study": "oncovivo.studies",
    "run": "oncovivo.analyses",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        message = f"module 'oncovivo' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
