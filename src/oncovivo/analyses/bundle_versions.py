"""Versions of the bundle's schema, and how a bundle of an earlier one is read.

A change of what a bundle holds takes a new version, a line of :data:`UPGRADES`, and a function
that brings one file of the version before to the new one. A file that an earlier version did not
write is empty in the later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from oncovivo.errors import FileFormatError

__all__ = ["READABLE", "SCHEMA", "UPGRADES", "check_schema", "upgrade"]

SCHEMA: Final = "oncovivo.bundle/2"

Upgrade: TypeAlias = Callable[[str, Any], Any]
"""From the name of a file and its content to the content of the next version."""


def _to_2(name: str, content: Any) -> Any:  # noqa: ANN401  # JSON of any shape
    """Simulations name the tumor type that they stand for."""
    if name == "simulations.json" and isinstance(content, list):
        return [{"tumor": "", **placed} for placed in content if isinstance(placed, dict)]
    return content


UPGRADES: Final[Mapping[str, tuple[str, Upgrade]]] = MappingProxyType(
    {"oncovivo.bundle/1": (SCHEMA, _to_2)}
)
"""By version the next one, and what leads to it."""

READABLE: Final = (SCHEMA, *UPGRADES)
"""The versions that can be read, the current one first."""


def check_schema(schema: object, *, where: str) -> str:
    """The version, if it is one that can be read.

    Parameters
    ----------
    schema : object
        What the bundle says.
    where : str
        The file that says so, for the message.

    Raises
    ------
    FileFormatError
        If it is no version that can be read; the message names those that can.

    Examples
    --------
    >>> check_schema("oncovivo.bundle/2", where="bundle/guide.json")
    'oncovivo.bundle/2'
    """
    if not isinstance(schema, str) or schema not in READABLE:
        raise FileFormatError(
            f"a bundle of a schema that can be read: {', '.join(READABLE)}",
            found=repr(schema),
            where=where,
            mend="build the guide again with this version",
        )
    return schema


def upgrade(name: str, content: Any, *, schema: str) -> Any:  # noqa: ANN401  # JSON of any shape
    """A file of a bundle as the current version would have written it.

    Parameters
    ----------
    name : str
        Of the file, as ``simulations.json``.
    content : object
        What was read from it.
    schema : str
        The version that wrote it, one of :data:`READABLE`.

    Examples
    --------
    >>> upgrade("simulations.json", [{"section": "mechanism"}], schema="oncovivo.bundle/1")
    [{'tumor': '', 'section': 'mechanism'}]
    """
    while schema != SCHEMA:
        schema, step = UPGRADES[schema]
        content = step(name, content)
    return content
