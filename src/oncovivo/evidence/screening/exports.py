"""Exports of searches as records: which format a file has, and one form for all of them.

An export is an outside file: UTF-8 with or without byte order mark is read, any other encoding is
refused with its line, because a wrong guess would change names and titles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence.screening.bibtex import parse_bibtex
from oncovivo.evidence.screening.csl import parse_csl
from oncovivo.evidence.screening.entries import Entry, tidy
from oncovivo.evidence.screening.found import SOURCE_KINDS, FoundRecord, SourceKind
from oncovivo.evidence.screening.identifiers import (
    normal_doi,
    normal_pages,
    normal_pmcid,
    normal_pmid,
    year_of,
)
from oncovivo.evidence.screening.nbib import parse_nbib
from oncovivo.evidence.screening.ris import parse_ris
from oncovivo.texts import check_characters

__all__ = ["ExportFormat", "ImportRemark", "ImportedSearch", "Source", "read_exports"]

ExportFormat: TypeAlias = Literal["ris", "nbib", "bibtex", "csl"]

_PARSERS: Final[Mapping[ExportFormat, Callable[..., tuple[Entry, ...]]]] = MappingProxyType(
    {"ris": parse_ris, "nbib": parse_nbib, "bibtex": parse_bibtex, "csl": parse_csl}
)
_ENDINGS: Final[Mapping[str, ExportFormat]] = MappingProxyType(
    {".ris": "ris", ".nbib": "nbib", ".bib": "bibtex", ".json": "csl", ".csljson": "csl"}
)
# How a file of another ending, as .txt, begins.
_BEGINNINGS: Final[Sequence[tuple[re.Pattern[str], ExportFormat]]] = (
    (re.compile(r"\s*PMID- "), "nbib"),
    (re.compile(r"\s*(?:TY {1,2}- |Provider ?:)"), "ris"),
    (re.compile(r"\s*@[A-Za-z]+\s*[{(]"), "bibtex"),
    (re.compile(r"\s*[\[{]"), "csl"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was searched: the kind, and the name of the database or register."""

    kind: SourceKind = "database"
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRemark:
    """Something in a record that was not understood; the record is kept."""

    record_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSearch:
    """The records of all exports, in the order of file names, and remarks on them."""

    records: tuple[FoundRecord, ...]
    remarks: tuple[ImportRemark, ...]


def read_exports(
    paths: Sequence[Path], *, sources: Mapping[str, Source] = MappingProxyType({})
) -> ImportedSearch:
    """The records of exports in RIS, BibTeX, PubMed's format or CSL-JSON.

    The order in which the files are given does not matter.

    Parameters
    ----------
    paths : sequence of Path
        Files of different names.
    sources : mapping of str to Source, optional
        What was searched, by name of the file. Without a name it is the database that a record of
        the file names, else the file's name without ending.

    Raises
    ------
    InputError
        If no file is given, two have one name, or a source belongs to none of them.
    FileFormatError
        If a file cannot be read, has no known format, or holds no record.
    """
    if not paths:
        raise InputError("at least one export", found="none")
    by_name: dict[str, Path] = {}
    for path in paths:
        if path.name in by_name:
            raise InputError(
                "exports of different names",
                found=f"{path.name} twice",
                mend="rename one: records are known by file name and number",
            )
        by_name[path.name] = path
    for name in sources:
        if name not in by_name:
            raise InputError(
                "the name of one of the files",
                found=repr(name),
                mend=f"use one of: {', '.join(sorted(by_name))}",
            )
    records: list[FoundRecord] = []
    remarks: list[ImportRemark] = []
    for name in sorted(by_name):
        entries = _read(by_name[name])
        for number, entry in enumerate(entries, start=1):
            record, found = _record(entry, name, number, sources.get(name, Source()))
            records.append(record)
            remarks += (ImportRemark(record_id=record.record_id, message=one) for one in found)
    return ImportedSearch(records=tuple(records), remarks=tuple(remarks))


def _read(path: Path) -> tuple[Entry, ...]:
    """The entries of a file."""
    text = _decode(path)
    ending = _ENDINGS.get(path.suffix.lower())
    begun = next((kind for form, kind in _BEGINNINGS if form.match(text)), None)
    export = ending or begun
    if export is None:
        raise FileFormatError(
            "an export as RIS, BibTeX, NBIB or CSL-JSON",
            found=repr(text.strip()[:40]) if text.strip() else "an empty file",
            where=path.name,
            mend="export again in one of these formats",
        )
    entries = _PARSERS[export](text, where=path.name)
    if not entries:
        raise FileFormatError(
            "at least one record",
            found="none",
            where=path.name,
            mend="leave the file out, or export again",
        )
    return entries


def _decode(path: Path) -> str:
    """The text of an export."""
    try:
        data = path.read_bytes()
    except OSError as err:
        raise FileFormatError(
            "a readable file",
            found=(err.strerror or "no reason given").lower(),
            where=path.name,
            mend=f"check that {path} exists and is a file",
        ) from err
    mend = "export or save the file again as UTF-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileFormatError("UTF-8 text", found="UTF-16", where=f"{path.name} line 1", mend=mend)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte 0x{data[err.start]:02x} of Latin-1 or another encoding",
            where=f"{path.name} line {line}",
            mend=mend,
        ) from err
    check_characters(text, where=path.name)
    return text


def _record(
    entry: Entry, file: str, number: int, source: Source
) -> tuple[FoundRecord, tuple[str, ...]]:
    """An entry in the one form, and what of it was not understood."""
    remarks = list(entry.remarks)

    def read(name: str, text: str, normal: Callable[[str], str]) -> str:
        value = normal(text)
        if text.strip() and not value:
            remarks.append(f"not a {name}, left out: {text[:60]!r}")
        return value

    if not entry.title:
        remarks.append("no title")
    year = year_of(entry.date)
    if entry.date and year is None:
        remarks.append(f"no year in the date {entry.date[:60]!r}")
    name = source.name or (SOURCE_KINDS[source.kind] if _unsearched(source) else "")
    record = FoundRecord(
        record_id=f"{file}:{number}",
        database=tidy(name or entry.database or Path(file).stem),
        source_kind=source.kind,
        file=file,
        number=number,
        line=entry.line,
        type=tidy(entry.type),
        title=tidy(entry.title),
        # Names are kept apart by semicolons.
        authors=tuple(one for text in entry.authors if (one := tidy(text.replace(";", " ")))),
        year=year,
        journal=tidy(entry.journal),
        volume=tidy(entry.volume),
        issue=tidy(entry.issue),
        pages=normal_pages(entry.pages),
        doi=read("DOI", entry.doi, normal_doi),
        pmid=read("PMID", entry.pmid, normal_pmid),
        pmcid=read("PMCID", entry.pmcid, normal_pmcid),
        url=tidy(entry.url),
        language=tidy(entry.language),
        abstract=tidy(entry.abstract),
    )
    return record, tuple(remarks)


def _unsearched(source: Source) -> bool:
    return source.kind not in ("database", "register")
