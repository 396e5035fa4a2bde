"""Numbering of references in the order in which a document cites them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from oncovivo.documents import Bibliography, Inline, Link, Reference, Text
from oncovivo.guide.pictures import kept_part
from oncovivo.references import SOURCE_KINDS, VERIFICATIONS, Library, Run, format_bibliography

__all__ = ["Citations"]


class Citations:
    """Gives each reference its number at its first citation.

    Sections are built in the order of the document, so numbers rise through the text. A source
    that the document itself holds (a study, a simulation) is cited by a link to its place,
    `inside`, followed by the reference that it was taken from, `taken`, where there is one.
    """

    def __init__(
        self,
        library: Library,
        inside: Mapping[str, Link] = MappingProxyType({}),
        taken: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._library = library
        self._inside = inside
        self._taken = taken
        self._numbers: dict[str, int] = {}

    def cite(self, keys: Iterable[str], *, place: Link | None = None) -> tuple[Inline, ...]:
        """Keys as a bracket of links, ``[1, 4]``; nothing for no keys.

        `place` stands for a source inside the document, where not all of it is meant.
        """
        inlines: list[Inline] = []
        for key in dict.fromkeys(self._with_taken(keys)):
            inlines.append(Text(content=", " if inlines else "["))
            if key in self._inside:
                inlines.append(self._inside[key] if place is None else place)
            else:
                inlines.append(self._numbered(key))
        if inlines:
            inlines.append(Text(content="]"))
        return tuple(inlines)

    def _with_taken(self, keys: Iterable[str]) -> Iterator[str]:
        """Keys, each with the reference behind it."""
        for key in keys:
            yield key
            if key in self._taken:
                yield self._taken[key]

    def _numbered(self, key: str) -> Link:
        """A reference of the library, which gets its number here."""
        number = self._numbers.setdefault(self._library[key].key, len(self._numbers) + 1)
        return Link(content=str(number), target=f"ref-{key}")

    def knows(self, key: str) -> bool:
        """Whether a key is one of the library's, or a source inside the document."""
        return key in self._library or key in self._inside

    def bibliography(self) -> Bibliography:
        """Every cited reference with the state of its verification."""
        cited = [self._library[key] for key in self._numbers]
        return kept_part("bibliography", cited, make=self._bibliography)

    def _bibliography(self) -> Bibliography:
        """The same, formatted anew."""
        formatted = format_bibliography(self._library, tuple(self._numbers))
        return Bibliography(
            entries=tuple(
                Reference(
                    anchor=f"ref-{entry.key}",
                    label=entry.label,
                    content=self._content(entry.key, entry.runs),
                    remark=self._remark(entry.key),
                )
                for entry in formatted.entries
            )
        )

    def _content(self, key: str, runs: Iterable[Run]) -> tuple[Inline, ...]:
        """The text of an entry, followed by the links that resolve it."""
        inlines: list[Inline] = [Text(content=run.content, style=run.style) for run in runs]
        for shown, address in self._library[key].links:
            inlines.append(Text(content=" "))
            inlines.append(Link(content=shown, url=address))
        return tuple(inlines)

    def _remark(self, key: str) -> tuple[Inline, ...]:
        """How far the reference was checked, and what else to know about it."""
        reference = self._library[key]
        kind = SOURCE_KINDS[reference.source_kind]
        words = f"{kind[0].upper()}{kind[1:]}; "
        state = reference.verification
        words += f"{state.replace('_', ' ')}: {VERIFICATIONS[state]}"
        if reference.verified_via:
            words += f" ({reference.verified_via})"
        if reference.remark:
            words += f". {reference.remark}"
        return (Text(content=words + "."),)
