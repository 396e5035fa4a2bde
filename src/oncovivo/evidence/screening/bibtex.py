"""BibTeX: entries, ``@string`` abbreviations, and values joined by ``#``.

Read by BibTeX's own rules: braces must balance, also those after a backslash; text between
entries is comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening.entries import Entry, tidy
from oncovivo.evidence.screening.identifiers import normal_doi
from oncovivo.evidence.screening.latex import plain_latex

__all__ = ["parse_bibtex"]

_START: Final = re.compile(r"@\s*([A-Za-z]+)\s*([{(])")
_NAME: Final = re.compile(r"[^\s\"#%'(),={}]+")
_BLANK: Final = re.compile(r"\s*")
_KEY: Final = re.compile(r"[^\s,{}]*")
_BRACE: Final = re.compile(r"[{}]")
_BRACE_OR_QUOTE: Final = re.compile(r'[{}"]')
_AND: Final = re.compile(r"[{}]|(?<=\s)and(?=\s)", re.IGNORECASE)
_DEEPEST: Final = 200
# fmt: off
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)
# fmt: on


def parse_bibtex(text: str, *, where: str) -> tuple[Entry, ...]:
    r"""The entries of a BibTeX text.

    Parameters
    ----------
    text : str
        The whole file.
    where : str
        Its name, for messages.

    Raises
    ------
    FileFormatError
        If braces or quotes are not closed, an abbreviation is not defined, a field comes twice in
        an entry, or a sign is not where the format has it.

    Examples
    --------
    >>> made = '@string{j = "Made up"} @article{a, title = {B {\\"o}}, journal = j # " Journal"}'
    >>> entry = parse_bibtex(made, where="a.bib")[0]
    >>> entry.title, entry.journal
    ('B ö', 'Made up Journal')
    """
    return _Reader(text, where).entries()


@dataclass(slots=True)
class _Reader:
    """A place in the text, and the abbreviations so far."""

    text: str
    where: str
    place: int = 0
    macros: dict[str, str] = field(default_factory=lambda: {name: name for name in _MONTHS})

    def entries(self) -> tuple[Entry, ...]:
        """All entries."""
        found: list[Entry] = []
        while start := _START.search(self.text, self.place):
            kind, self.place = start.group(1).lower(), start.end()
            close = "}" if start.group(2) == "{" else ")"
            if kind == "comment":
                self._skip_comment(start, close)
            elif kind == "preamble":
                self._value(start.start())
                self._expect(close, start.start())
            elif kind == "string":
                name = self._field_name(start.start())
                self.macros[name] = self._value(start.start())
                self._expect(close, start.start())
            else:
                found.append(self._entry(kind, close, start.start()))
        return tuple(found)

    def _skip_comment(self, start: re.Match[str], close: str) -> None:
        """Past a comment in braces; in parentheses it ends with its line."""
        if close == "}":
            self._braced(start.start())
        else:
            end = self.text.find("\n", self.place)
            self.place = len(self.text) if end < 0 else end

    def _entry(self, kind: str, close: str, start: int) -> Entry:
        """One entry, from after its opening brace."""
        self._blank()
        key = _KEY.match(self.text, self.place)
        self.place = key.end() if key else self.place
        values: dict[str, str] = {}
        self._blank()
        while self._sign() == ",":
            self.place += 1
            self._blank()
            if self._sign() == close:
                break
            at = self.place
            name = self._field_name(start)
            if name in values:
                raise self._error("each field once in an entry", f"{name!r} twice", at)
            values[name] = self._value(start)
        self._expect(close, start)
        return _entry(kind, values, line=self._line(start))

    def _field_name(self, start: int) -> str:
        """The name before an equals sign, in lower case."""
        self._blank()
        found = _NAME.match(self.text, self.place)
        if not found:
            raise self._unexpected("the name of a field", start)
        self.place = found.end()
        self._expect("=", start)
        return found.group().lower()

    def _value(self, start: int) -> str:
        """Pieces joined by ``#``."""
        pieces = [self._piece(start)]
        self._blank()
        while self._sign() == "#":
            self.place += 1
            pieces.append(self._piece(start))
            self._blank()
        return "".join(pieces)

    def _piece(self, start: int) -> str:
        """Text in braces or quotes, a number, or an abbreviation."""
        self._blank()
        sign = self._sign()
        if sign == "{":
            self.place += 1
            return self._braced(start)
        if sign == '"':
            self.place += 1
            return self._quoted(start)
        found = _NAME.match(self.text, self.place)
        if not found:
            raise self._unexpected("a value in braces or quotes", start)
        at, self.place = self.place, found.end()
        word = found.group()
        if word.isdecimal():
            return word
        if word.lower() not in self.macros:
            raise self._error(
                "an abbreviation that @string defines above", repr(word), at, mend="put { } around"
            )
        return self.macros[word.lower()]

    def _braced(self, start: int) -> str:
        """The text up to the brace that closes the one before this place."""
        begin, depth = self.place, 1
        for found in _BRACE.finditer(self.text, self.place):
            depth += 1 if found.group() == "{" else -1
            if depth == 0:
                self.place = found.end()
                return self.text[begin : found.start()]
            if depth > _DEEPEST:
                raise self._error("braces at most 200 deep", "more", found.start())
        raise self._unclosed("a closing brace", start)

    def _quoted(self, start: int) -> str:
        """The text up to a quote outside of braces."""
        begin, depth = self.place, 0
        for found in _BRACE_OR_QUOTE.finditer(self.text, self.place):
            sign = found.group()
            if sign == '"' and depth == 0:
                self.place = found.end()
                return self.text[begin : found.start()]
            if sign != '"':
                depth += 1 if sign == "{" else -1
            if depth < 0:
                raise self._error("a closing quote", "a closing brace", found.start())
        raise self._unclosed("a closing quote", start)

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.place)
        self.place = found.end() if found else self.place

    def _sign(self) -> str:
        return self.text[self.place : self.place + 1]

    def _expect(self, sign: str, start: int) -> None:
        """Past a sign that has to come."""
        self._blank()
        if self._sign() != sign:
            raise self._unexpected(repr(sign), start)
        self.place += 1

    def _line(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def _error(
        self, expected: str, found: str, place: int, *, mend: str = "correct the entry"
    ) -> FileFormatError:
        where = f"{self.where} line {self._line(place)}"
        return FileFormatError(expected, found=found, where=where, mend=mend)

    def _unexpected(self, expected: str, start: int) -> FileFormatError:
        sign = self._sign()
        if not sign:
            return self._unclosed(expected, start)
        return self._error(expected, repr(sign), self.place)

    def _unclosed(self, expected: str, start: int) -> FileFormatError:
        return self._error(
            expected, "the end of the file", start, mend="close the entry that starts there"
        )


def _entry(kind: str, values: Mapping[str, str], *, line: int) -> Entry:
    """The fields of an entry as plain text."""
    unknown: list[str] = []

    def plain(text: str) -> str:
        found, commands = plain_latex(text)
        unknown.extend(commands)
        return found

    def first(*names: str) -> str:
        texts = (plain(values[name]) for name in names if name in values)
        return next((text for text in texts if text), "")

    url = tidy(values.get("url", ""))
    fields = {
        "title": first("title"),
        "date": first("year", "date"),
        "journal": first("journal", "journaltitle", "booktitle"),
        "volume": first("volume"),
        "issue": first("number", "issue"),
        "pages": first("pages"),
        "doi": tidy(values.get("doi", "").replace("\\", "")) or (url if normal_doi(url) else ""),
        "pmid": first("pmid"),
        "pmcid": first("pmcid", "pmc"),
        "language": first("language", "langid"),
        "abstract": first("abstract"),
    }
    authors = tuple(name for text in _names(values.get("author", "")) if (name := plain(text)))
    commands = ", ".join(dict.fromkeys(unknown))
    return Entry(
        line=line,
        type=kind,
        authors=authors,
        url=url,
        remarks=(f"LaTeX that is not known was left as it stands: {commands}",)
        if commands
        else (),
        **fields,
    )


def _names(text: str) -> list[str]:
    """The names between ``and`` outside of braces; ``others`` is no name."""
    names, depth, begin = [], 0, 0
    for found in _AND.finditer(text):
        sign = found.group()
        if sign in "{}":
            depth += 1 if sign == "{" else -1
        elif depth == 0:
            names.append(text[begin : found.start()])
            begin = found.end()
    names.append(text[begin:])
    return [name for name in names if name.strip() and name.strip().casefold() != "others"]
