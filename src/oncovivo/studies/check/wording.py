"""Counts and sizes in the words of a message."""

from __future__ import annotations

__all__ = ["counted", "short"]


def counted(n: int, word: str, plural: str = "") -> str:
    """A count with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(3, "row"), counted(2, "study", "studies")
    ('1 row', '3 rows', '2 studies')
    """
    return f"{n} {word if n == 1 else plural or word + 's'}"


def short(value: float) -> str:
    """A size to three digits, without an exponent as long as it is one of a tumor or an animal.

    Examples
    --------
    >>> short(2154.3), short(0.01234)
    ('2150', '0.0123')
    """
    return f"{float(f'{value:.3g}'):g}"
