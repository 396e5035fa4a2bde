"""Which characters a font has."""

from __future__ import annotations

from pathlib import Path
from struct import pack

import pytest

from oncovivo.documents.glyphs import code_points
from oncovivo.documents.pdf import _font_files


def fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path(), "fonts", "ttf")


def test_the_fonts_of_the_pdf_are_those_that_matplotlib_ships() -> None:
    assert _font_files() == sorted(fonts().glob("DejaVuSans*.ttf"))


def test_code_points_are_those_that_freetype_finds() -> None:
    from matplotlib.ft2font import FT2Font

    path = fonts() / "DejaVuSans.ttf"
    assert code_points(path.read_bytes()) == frozenset(FT2Font(path).get_charmap())


def test_a_font_without_a_map_of_unicode_is_refused() -> None:
    table = pack(">HHHHI", 0, 1, 3, 1, 12) + pack(">H", 4)
    font = pack(">IHHHH", 0x00010000, 1, 0, 0, 0) + pack(">4sIII", b"cmap", 0, 28, len(table))
    with pytest.raises(ValueError, match="no map of all of Unicode"):
        code_points(font + table)
    with pytest.raises(ValueError, match="no character map"):
        code_points(pack(">IHHHH", 0x00010000, 0, 0, 0, 0))
