"""Words and numbers that the pictures of combinations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from oncovivo.combination.roles import CombinationArms
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width

__all__ = [
    "NULL_WORDS",
    "SCALE_WORDS",
    "animals_words",
    "day_words",
    "index_words",
    "limits_words",
    "p_words",
    "role_words",
    "shortened",
    "wrapped",
]

NULL_WORDS: Final = {
    "bliss": "Bliss independence",
    "hsa": "highest single agent",
    "response_additivity": "response additivity",
}
"""Null models as people name them."""

SCALE_WORDS: Final = {
    "growth_rate": "growth rate",
    "relative_volume": "relative size",
    "tgi": "model-based inhibition",
    "auc": "area under the curve",
    "hazard": "hazard",
    "median_survival": "median time",
}
"""Scales as people name them."""

_LONGEST_NAME: Final = 32
# Of an index next to 1; closer ones are 1.
_MOST_DIGITS: Final = 6


def shortened(name: str) -> str:
    """A name that fits beside an axis, with code points for characters that the font lacks."""
    name = spelled_out(name)
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def index_words(value: float | None) -> str:
    """An index to two decimals, or two digits where it is small.

    Next to 1, as many as tell on which side it lies.

    Examples
    --------
    >>> index_words(0.0561), index_words(0.62), index_words(12.34), index_words(None)
    ('0.056', '0.62', '12', '–')
    >>> index_words(0.05), index_words(0.996), index_words(1.0004), index_words(1.0)
    ('0.050', '0.996', '1.0004', '1.00')
    """
    if value is None:
        return "–"
    if value >= 9.95:
        return f"{value:.0f}" if value < 1e4 else f"{value:.0e}"
    if value < 0.0995:
        return f"{value:#.2g}" if value > 0 else "0"
    found = (f"{value:.{digits}f}" for digits in range(2, _MOST_DIGITS + 1))
    return next((words for words in found if float(words) != 1), "1.00")


def limits_words(lower: float | None, upper: float | None) -> str:
    """Limits of an index; a missing one is open.

    Examples
    --------
    >>> limits_words(0.5, 1.25), limits_words(0.5, None), limits_words(None, None)
    ('0.50 to 1.25', 'above 0.50', '')
    >>> limits_words(None, 0.93)
    'below 0.93'
    """
    if lower is None:
        return "" if upper is None else f"below {index_words(upper)}"
    return (
        f"above {index_words(lower)}"
        if upper is None
        else (f"{index_words(lower)} to {index_words(upper)}")
    )


def p_words(p_value: float) -> str:
    """A p value with its sign of relation.

    Examples
    --------
    >>> p_words(0.00001), p_words(0.0123), p_words(0.5), p_words(0.9999)
    ('p < 0.0001', 'p = 0.012', 'p = 0.50', 'p > 0.99')
    """
    if p_value < 1e-4:
        return "p < 0.0001"
    if p_value > 0.99:
        return "p > 0.99"
    digits = 4 if p_value < 0.01 else 3 if p_value < 0.1 else 2
    words = f"{p_value:.{digits}f}"
    # A p value just below 5 % is not told as 5 %.
    return f"p = {p_value:.{digits + 1}f}" if words == "0.050" else f"p = {words}"


def day_words(day: float | None) -> str:
    """``on day 21``, or nothing."""
    return "" if day is None else f"on day {day:g}"


def role_words(arms: CombinationArms) -> str:
    """What is held against what."""
    alone = ", ".join(shortened(name) for name in arms.partners)
    return f"{shortened(arms.combination)} against {alone}; control {shortened(arms.control)}"


def animals_words(n_animals: Mapping[str, int], arms: Sequence[str]) -> str:
    """Animals of the arms: one number where all have it, else the smallest and the largest."""
    counts = sorted({n_animals[name] for name in arms})
    if len(counts) == 1:
        return f"n = {counts[0]} animals in each arm"
    return f"n = {counts[0]} to {counts[-1]} animals per arm"


def wrapped(words: str, *, size: float, room: float) -> list[str]:
    """Lines of at most so many inches at a font size; a longer word has a line of its own."""
    lines = [""]
    for word in spelled_out(words).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and text_width(longer, size=size) / 72 > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
