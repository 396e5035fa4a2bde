"""How wide the columns of a printed table are, and where long tokens may break."""

from __future__ import annotations

import math
import re
from itertools import pairwise

from oncovivo.documents.model import Badge, Inline, Table
from oncovivo.documents.walk import plain

__all__ = [
    "LONGEST",
    "TEXT_WIDTH",
    "break_token",
    "characters_in",
    "fit_columns",
    "font_size",
    "rows_fit",
]

TEXT_WIDTH = 170 / 25.4 * 72
"""Width of the text on a page, pt: A4 less 20 mm on each side."""

LONGEST = 14
"""A token of at most this many characters stays whole where there is room."""

_FEWEST = 6  # not even in a very narrow column are pieces shorter than this
_PIECE = 10  # longest piece without a separator between two places where a token may break
_INSET = 7.0  # pt, left and right of a cell together
_EM_PER_CHARACTER = 0.62  # DejaVu Sans, mixed text; a little more than measured, so that words fit
_ROW_HEIGHT = 250.0  # pt; a row estimated higher may break over pages

_TOKEN = re.compile(r"\S+")
# After a separator; never before one, so that a line does not begin with it.
_AFTER = re.compile(r"(?<=[/._:;,=&?@+|\-])(?=[^/._:;,=&?@+|\-\s])")
_WORD = re.compile(r"[^\W\d_]+[.,;:!?)\]\u201d\u2019]*")
_BADGE_ROOM = 7.0  # pt, the padding of a badge
_BADGE_SIZE = 7.0  # pt, its bold letters


def break_token(content: str, *, longest: int = LONGEST) -> list[str]:
    """The pieces of a text between which a line may break although there is no space.

    Only tokens longer than ``longest`` that are not plain words are cut: after separators, and
    within long runs of letters and digits.

    Parameters
    ----------
    content : str
        A text of any length.
    longest : int
        A token of at most so many characters stays whole.

    Returns
    -------
    list of str
        The pieces; joined, they are the text.

    Examples
    --------
    >>> break_token("see doi:10.1158/1535-7163 now")
    ['see doi:', '10.', '1158/', '1535-', '7163 now']
    >>> break_token("immunocompromised mice")
    ['immunocompromised mice']
    """
    cuts = [0]
    for token in _TOKEN.finditer(content):
        if token.end() - token.start() <= longest or _WORD.fullmatch(token.group()):
            continue
        inner = [0, *(match.start() for match in _AFTER.finditer(token.group()))]
        inner.append(token.end() - token.start())
        for start, end in pairwise(inner):
            step = min(_PIECE, longest)
            cuts.extend(token.start() + at for at in range(start, end, step) if at)
    cuts.append(len(content))
    return [content[start:end] for start, end in pairwise(cuts) if end > start]


def font_size(columns: int) -> float:
    """Size of the letters in a table, pt: smaller with more columns."""
    return 8.0 if columns <= 5 else 7.25 if columns <= 8 else 6.5


def fit_columns(table: Table, size: float) -> list[float]:
    """Column widths that keep words whole where the page allows it.

    Starts from the shares that the columns ask for, and takes room from the wide ones for those
    whose longest word would not fit.

    Parameters
    ----------
    table : Table
        With at least one column.
    size : float
        Size of the letters, pt.

    Returns
    -------
    list of float
        Widths, pt, whose sum is the width of the text.
    """
    needs = [
        max(
            _longest(column.heading) * 1.15 * size * _EM_PER_CHARACTER,
            *(_need(row.cells[at], size) for row in table.rows),
            1.0,
        )
        + _INSET
        for at, column in enumerate(table.columns)
    ]
    if sum(needs) >= TEXT_WIDTH:
        return [TEXT_WIDTH * need / sum(needs) for need in needs]
    fixed: set[int] = set()
    while True:
        room = TEXT_WIDTH - sum(needs[at] for at in fixed)
        shares = sum(c.width for at, c in enumerate(table.columns) if at not in fixed)
        widths = [
            needs[at] if at in fixed else room * column.width / shares
            for at, column in enumerate(table.columns)
        ]
        short = {at for at, width in enumerate(widths) if width < needs[at]} - fixed
        if not short:
            return widths
        fixed |= short


def characters_in(width: float, size: float) -> int:
    """How many characters of a token surely stand in a column, at most :data:`LONGEST`."""
    room = int((width - _INSET) / (size * _EM_PER_CHARACTER))
    return max(_FEWEST, min(LONGEST, room))


def rows_fit(table: Table, widths: list[float], size: float) -> bool:
    """Whether every row is low enough to stand on one page without leaving much of it empty."""
    lines = max(
        (
            math.ceil(len(plain(cell)) * size * _EM_PER_CHARACTER / max(width - _INSET, size))
            for row in table.rows
            for cell, width in zip(row.cells, widths, strict=True)
        ),
        default=0,
    )
    return lines * size * 1.35 < _ROW_HEIGHT


def _need(cell: tuple[Inline, ...], size: float) -> float:
    """Width of what cannot break in a cell, pt: its longest piece, or a whole badge."""
    badges = max((len(part.content) for part in cell if isinstance(part, Badge)), default=0)
    return max(
        _longest(plain(tuple(part for part in cell if not isinstance(part, Badge))))
        * size
        * _EM_PER_CHARACTER,
        badges * _BADGE_SIZE * _EM_PER_CHARACTER * 1.1 + _BADGE_ROOM if badges else 0.0,
    )


def _longest(content: str) -> int:
    """Length of the longest piece that cannot break."""
    return max((len(word) for piece in break_token(content) for word in piece.split()), default=0)
