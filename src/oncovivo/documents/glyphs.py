"""Which characters a font has, read from its file: importing a library of fonts takes longer."""

from __future__ import annotations

from struct import unpack_from
from typing import Final

__all__ = ["code_points"]

_DIRECTORY: Final = 12  # bytes before the list of tables
_ENTRY: Final = 16  # bytes of each of its entries
_WINDOWS_ALL: Final = (3, 10)  # platform and encoding of the map of all of Unicode
_GROUPS: Final = 12  # format of that map: groups of following code points


def code_points(font: bytes) -> frozenset[int]:
    """The code points that a TrueType font has glyphs for.

    Parameters
    ----------
    font : bytes
        Content of a ``.ttf`` file with a character map of all of Unicode (platform 3, encoding
        10, format 12).

    Raises
    ------
    ValueError
        If it has no such map.
    """
    (tables,) = unpack_from(">H", font, 4)
    for number in range(tables):
        tag, _, start, _ = unpack_from(">4sIII", font, _DIRECTORY + _ENTRY * number)
        if tag == b"cmap":
            return _mapped(font, start)
    message = "the font has no character map"
    raise ValueError(message)


def _mapped(font: bytes, start: int) -> frozenset[int]:
    """The code points of a character map."""
    _, maps = unpack_from(">HH", font, start)
    for number in range(maps):
        platform, encoding, offset = unpack_from(">HHI", font, start + 4 + 8 * number)
        (kind,) = unpack_from(">H", font, start + offset)
        if (platform, encoding) == _WINDOWS_ALL and kind == _GROUPS:
            (groups,) = unpack_from(">I", font, start + offset + 12)
            return frozenset(
                point
                for group in range(groups)
                for point in _group(font, start + offset + 16 + 12 * group)
            )
    message = "the font has no map of all of Unicode"
    raise ValueError(message)


def _group(font: bytes, start: int) -> range:
    """Code points that follow each other."""
    first, last = unpack_from(">II", font, start)
    return range(first, last + 1)
