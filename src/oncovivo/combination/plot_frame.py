"""What the pictures of combinations share: words above, words beside, ticks of an index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from oncovivo.combination.plot_words import wrapped
from oncovivo.figures.theme import TEXT_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = ["CHARACTER", "KEY_SIZE", "MOST_FACTOR", "heads", "index_ticks", "say", "write_heads"]

KEY_SIZE: Final = 7.5
"""Points: letters of sentences and numbers."""

CHARACTER: Final = 0.068
"""Inches: a character of this size, on the wide side."""

MOST_FACTOR: Final = 100.0
"""Indices farther from 1 than this are beyond the axis."""

_TITLE: Final = 9.5
_MARK: Final = 1.5
"""Inches that the mark of simulated data takes."""
# Inches: a line of text per point of its size.
_LINE: Final = 1.34 / 72
# Ticks of an index, for axes that reach up to a factor from 1.
_TICKS: Final[tuple[tuple[float, tuple[float, ...]], ...]] = (
    (2.0, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)),
    (6.0, (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)),
    (25.0, (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)),
    (math.inf, (0.01, 0.1, 1.0, 10.0, 100.0)),
)


def index_ticks(low: float, high: float) -> list[float]:
    """Ticks of an axis of indices: round numbers, neither few nor many.

    Examples
    --------
    >>> index_ticks(0.6, 1.6)
    [0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5]
    >>> index_ticks(0.3, 1.6), index_ticks(0.09, 3.0), index_ticks(0.02, 100.0)
    ([0.3, 0.5, 0.7, 1.0, 1.5], [0.1, 0.2, 0.5, 1.0, 2.0], [0.1, 1.0, 10.0, 100.0])
    """
    reach = max(1 / low, high)
    ticks = next(known for factor, known in _TICKS if reach <= factor)
    return [value for value in ticks if low <= value <= high]


def heads(
    width: float, title: str, sentences: Sequence[str], *, simulated: bool
) -> tuple[list[tuple[str, float]], float]:
    """Lines above a figure with their sizes, and how far down they reach, inches.

    Parameters
    ----------
    width : float
        Of the figure, inches.
    title : str
        First line.
    sentences : sequence of str
        Smaller, each on lines of its own.
    simulated : bool
        Whether the corner at the right of the title is taken by the mark of simulated data.
    """
    room = 0.97 * width - 0.2 - (_MARK if simulated else 0.0)
    lines = [(line, _TITLE) for line in wrapped(title, size=_TITLE, room=room)]
    for words in sentences:
        lines += [
            (line, KEY_SIZE) for line in wrapped(words, size=KEY_SIZE, room=0.97 * width - 0.2)
        ]
    return lines, 0.1 + sum(_LINE * size for _, size in lines)


def write_heads(figure: Figure, lines: Sequence[tuple[str, float]]) -> None:
    """Write the lines of :func:`heads` above a figure."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    down = 0.1
    for line, size in lines:
        figure.text(
            0.1 / width,
            1 - (down + 0.5 * _LINE * size) / height,
            line,
            fontsize=size,
            color=TEXT_COLOR,
            va="center_baseline",
        )
        down += _LINE * size


def say(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    *,
    align: Literal["left", "right", "center"] = "left",
    transform: Transform,
) -> None:
    """A small text beside the axes."""
    ax.text(
        x,
        y,
        words,
        ha=align,
        va="center",
        fontsize=KEY_SIZE,
        color=TEXT_COLOR,
        transform=transform,
    )
