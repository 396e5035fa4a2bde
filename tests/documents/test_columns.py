"""Columns of printed tables give long words room, and long tokens places to break."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oncovivo.documents import Table, TableColumn, TableRow, text
from oncovivo.documents.columns import (
    TEXT_WIDTH,
    break_token,
    characters_in,
    fit_columns,
    font_size,
    rows_fit,
)


def _table(headings: list[tuple[str, float]], *cells: str) -> Table:
    return Table(
        anchor="t",
        caption=(),
        columns=tuple(TableColumn(heading=name, width=width) for name, width in headings),
        rows=(TableRow(cells=tuple(text(cell) for cell in cells)),) if cells else (),
    )


@given(st.text())
def test_breaking_a_text_loses_nothing(content: str) -> None:
    assert "".join(break_token(content)) == content


@given(st.text(alphabet="ab/-_.:12"))
def test_no_piece_of_a_long_token_is_longer_than_a_token_may_be(token: str) -> None:
    assert all(len(piece) <= 14 or piece.isalpha() for piece in break_token(token))


def test_tokens_are_cut_shorter_in_a_narrow_column() -> None:
    assert break_token("RRID:CVCL_1818") == ["RRID:CVCL_1818"]
    assert characters_in(40.0, 6.5) == 8
    assert break_token("RRID:CVCL_1818", longest=8) == ["RRID:", "CVCL_", "1818"]
    assert (characters_in(1.0, 8.0), characters_in(999.0, 8.0)) == (6, 14)


def test_words_are_not_cut() -> None:
    assert break_token("immunohistochemically, (stained)") == ["immunohistochemically, (stained)"]


def test_shares_are_kept_where_words_fit() -> None:
    widths = fit_columns(_table([("a", 1.0), ("b", 3.0)], "x", "y"), 8.0)
    assert widths == pytest.approx([TEXT_WIDTH / 4, TEXT_WIDTH * 3 / 4])


def test_a_narrow_column_gets_room_for_its_longest_word() -> None:
    narrow, wide = fit_columns(_table([("a", 0.1), ("b", 9.0)], "immunodeficient", "y"), 8.0)
    assert narrow > len("immunodeficient") * 8.0 * 0.55
    assert narrow + wide == pytest.approx(TEXT_WIDTH)


def test_too_many_long_words_share_the_page() -> None:
    headings = [("immunocompromised", 1.0)] * 14
    assert sum(fit_columns(_table(headings), font_size(14))) == pytest.approx(TEXT_WIDTH)


def test_letters_are_smaller_in_tables_with_more_columns() -> None:
    assert font_size(3) > font_size(8) > font_size(9)


def test_only_a_row_of_moderate_height_is_kept_together() -> None:
    low, high = _table([("a", 1.0)], "word " * 20), _table([("a", 1.0)], "word " * 2000)
    assert rows_fit(low, fit_columns(low, 8.0), 8.0)
    assert not rows_fit(high, fit_columns(high, 8.0), 8.0)
    assert rows_fit(_table([("a", 1.0)]), [TEXT_WIDTH], 8.0)
