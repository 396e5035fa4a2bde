"""Characters that the font of the figures lacks are named, never drawn as empty boxes."""

from __future__ import annotations

import warnings

import pytest

from oncovivo.figures import new_figure, themed, to_png, to_svg
from oncovivo.figures.glyphs import has_glyph, spelled_out
from oncovivo.figures.text_width import text_width

CONTROL, TREATED = "对照组", "ยา A"


@pytest.mark.parametrize("name", ["Drug µ (½)", "Контроль", "Größe ≥ 5 mm³", "a\nb", ""])
def test_a_text_that_the_font_has_stays_as_it_is(name: str) -> None:
    assert spelled_out(name) == name


def test_two_names_that_differ_stay_different_and_keep_what_can_be_drawn() -> None:
    assert spelled_out(CONTROL) == "(U+5BF9 7167 7EC4)"
    assert spelled_out(TREATED) == "(U+0E22 0E32) A"
    assert spelled_out("中" * 20).endswith(" …)")
    assert all(has_glyph(c) for c in spelled_out(CONTROL + TREATED) if not c.isspace())


def test_a_figure_names_them_everywhere_and_says_so_once() -> None:
    with themed():
        figure = new_figure()
        ax = figure.add_axes((0.3, 0.2, 0.6, 0.6))
        ax.plot([0, 1], [0, 1], label=CONTROL)
        ax.set_title(TREATED)
        ax.set_yticks([0, 1], [CONTROL, TREATED])
        ax.annotate(CONTROL, (0.5, 0.5))
        figure.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = to_svg(figure, title=CONTROL)
        assert to_png(figure)[:4] == b"\x89PNG"
        again = to_svg(figure, title=CONTROL)
    # The letters are outlines; the comment before each says what it is.
    assert svg.count("<!-- (U+5BF9 7167 7EC4) -->") == 3
    assert svg.count("<!-- (U+0E22 0E32) A -->") == 2
    assert svg.count("<!-- (U+…): characters not in this font -->") == 1
    assert again == svg
    # The name for those who cannot see it needs no font.
    assert f'aria-label="{CONTROL}"' in svg


def test_a_figure_without_them_has_no_such_note() -> None:
    figure = new_figure()
    with themed():
        figure.text(0.5, 0.5, "Größe")
    assert "(U+" not in to_svg(figure, title="x")


@pytest.mark.parametrize("name", ["$5 drug", "a $x$ b", r"$\frac{$", "$$"])
def test_a_dollar_sign_is_no_formula(name: str) -> None:
    figure = new_figure()
    with themed():
        figure.text(0.5, 0.5, name)
    assert f"<!-- {name} -->" in to_svg(figure, title="x")


def test_a_character_of_another_font_is_as_wide_as_it_is_high() -> None:
    assert text_width(CONTROL, size=10) == 30
