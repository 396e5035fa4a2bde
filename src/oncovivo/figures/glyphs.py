"""Texts of figures as they are meant: no empty boxes, and no formulas by accident."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

__all__ = ["FONT_FILES", "font_file", "has_glyph", "settle_texts", "spelled_out"]

FONT_FILES: Final = {"normal": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}
# More characters in a row than this would fill the figure.
_MOST_IN_A_ROW: Final = 8
_NOTE: Final = "(U+…): characters not in this font"
_NOTE_SIZE: Final = 6.0
_SPELLED: Final = re.compile(r"\(U\+[0-9A-F]{4}")


@lru_cache(maxsize=2)
def font_file(weight: str) -> FT2Font:
    """The font that comes with matplotlib, so that every machine has the same."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / FONT_FILES[weight]))


@lru_cache(maxsize=4096)
def has_glyph(character: str) -> bool:
    """Whether the font of the figures can draw a character.

    Examples
    --------
    >>> has_glyph("µ"), has_glyph("Ж"), has_glyph("中")
    (True, True, False)
    """
    return bool(font_file("normal").get_char_index(ord(character)))


def spelled_out(words: str) -> str:
    """A text with the code points of the characters that the font lacks in their place.

    White space stays. Of more than eight such characters in a row the first eight are spelled out.

    Examples
    --------
    >>> spelled_out("Drug µ"), spelled_out("中A")
    ('Drug µ', '(U+4E2D)A')
    """
    lacking = {c for c in words if not (c.isspace() or has_glyph(c))}
    if not lacking:
        return words
    run = f"[{re.escape(''.join(sorted(lacking)))}]+"
    return re.sub(run, lambda match: _code_points(match[0]), words)


def _code_points(run: str) -> str:
    """Code points of a run of characters in brackets."""
    shown = [f"{ord(character):04X}" for character in run[:_MOST_IN_A_ROW]]
    return f"(U+{' '.join(shown)}{' …' if len(run) > _MOST_IN_A_ROW else ''})"


def settle_texts(figure: Figure) -> None:
    """Make the texts of a figure ready to be drawn.

    Characters that the font lacks are replaced by their code points, and a line at the edge says
    so. A dollar sign in the name of an arm is a dollar sign, not the start of a formula.

    Parameters
    ----------
    figure : Figure
        Changed in place.
    """
    from matplotlib.text import Text

    for ax in figure.axes:
        # Ticks are lettered again whenever they are drawn: their names have a place of their own.
        _spell_out_ticks(ax.xaxis)
        _spell_out_ticks(ax.yaxis)
    said = spelled = False
    for artist in figure.findobj(Text):
        if not isinstance(artist, Text):
            continue
        artist.set_parse_math(False)
        old = artist.get_text()
        new = spelled_out(old)
        if new != old:
            artist.set_text(new)
        said |= new == _NOTE
        spelled |= _SPELLED.search(new) is not None
    if spelled and not said:
        # Up the right edge, where no figure has letters.
        figure.text(
            1 - 0.02 / figure.get_figwidth(),
            0.05 / figure.get_figheight(),
            _NOTE,
            fontsize=_NOTE_SIZE,
            rotation=90,
            ha="right",
            va="bottom",
        )


def _spell_out_ticks(axis: Axis) -> None:
    """The code points in the named ticks of an axis."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    if not isinstance(axis.get_major_locator(), FixedLocator):
        return
    names = [label.get_text() for label in axis.get_majorticklabels()]
    spelled = [spelled_out(name) for name in names]
    if spelled != names:
        axis.set_major_formatter(FixedFormatter(spelled))
