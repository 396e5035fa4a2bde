"""How wide a text is in the font of the figures."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from oncovivo.figures.glyphs import font_file, has_glyph

__all__ = ["FONT_FAMILY", "text_width"]

FONT_FAMILY = "'DejaVu Sans', 'Verdana', sans-serif"
"""Written into the pictures: the font that is measured, then one of the same width."""

# Width of a character that another font has to lend, as a share of the font size.
_BORROWED = 1.0
_LOADED_SIZE = 64.0


def text_width(text: str, *, size: float, weight: Literal["normal", "bold"] = "normal") -> float:
    """The advance width of one line in DejaVu Sans, px.

    Parameters
    ----------
    text : str
        One line.
    size : float
        Font size, px.
    weight : {"normal", "bold"}
        Font weight.

    Examples
    --------
    >>> round(text_width("mTORC1", size=14), 1)
    61.6
    """
    return size * sum(_advance(character, weight) for character in text)


@lru_cache(maxsize=4096)
def _advance(character: str, weight: str) -> float:
    """The width of one character as a share of the font size."""
    from matplotlib.ft2font import LoadFlags

    if not has_glyph(character):
        return _BORROWED
    font = font_file(weight)
    font.set_size(_LOADED_SIZE, 72)
    glyph = font.load_char(ord(character), flags=LoadFlags.NO_HINTING | LoadFlags.NO_BITMAP)
    return glyph.linearHoriAdvance / 65536 / _LOADED_SIZE
