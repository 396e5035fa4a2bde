"""What a parser gives: the fields of one entry of an export, before they are put in one form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Entry", "numbered_lines", "tidy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of an export; a text that is not there is empty.

    ``line`` is where it starts, None where the format has no lines of its own. ``remarks`` say
    what could not be understood and was kept as it stands.
    """

    line: int | None
    type: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    date: str = ""
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    url: str = ""
    language: str = ""
    abstract: str = ""
    database: str = ""
    remarks: tuple[str, ...] = ()


def tidy(text: str) -> str:
    """The text on one line, with single spaces.

    Examples
    --------
    >>> tidy(" a  b ")
    'a b'
    """
    return " ".join(text.split())


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""The lines with their numbers from 1; line ends of any system, and no others.

    ``str.splitlines`` would also break at characters that occur inside abstracts.

    Examples
    --------
    >>> list(numbered_lines("a\r\nb"))
    [(1, 'a'), (2, 'b')]
    """
    yield from enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1)
