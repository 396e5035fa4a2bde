"""What a search found: one record of one export, with where it came from, and its file.

``search.csv`` holds every record of every export, duplicates included. It is a file of this
project, so it is read strictly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_rows, write_rows
from oncovivo.evidence.screening.identifiers import normal_doi, normal_pmcid, normal_pmid

__all__ = [
    "SEARCH_COLUMNS",
    "SOURCE_KINDS",
    "FoundRecord",
    "SourceKind",
    "natural_order",
    "read_search",
    "write_search",
]

SourceKind: TypeAlias = Literal[
    "database", "register", "website", "organization", "citation_searching", "other"
]

SOURCE_KINDS: Mapping[SourceKind, str] = MappingProxyType(
    {
        "database": "Databases",
        "register": "Registers",
        "website": "Websites",
        "organization": "Organizations",
        "citation_searching": "Citation searching",
        "other": "Other methods",
    }
)
"""Where records come from; the first two are searched, the others are PRISMA's other methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRecord:
    """One record of an export.

    Parameters
    ----------
    record_id : str
        File and number, as ``pubmed.nbib:12``.
    database : str
        Name of the database or register, or what else was looked through.
    source_kind : str
        A key of ``SOURCE_KINDS``.
    file : str
        Name of the export.
    number : int
        Place in the export, from 1.
    line : int, optional
        Line of the export where the record starts; None in a CSL-JSON file.
    type : str
        The export's own word for what it is.
    title : str
        Of the work.
    authors : tuple of str
        As the export writes them.
    year : int, optional
        Of publication.
    journal, volume, issue, pages : str
        Where it appeared.
    doi, pmid, pmcid : str
        In one spelling; empty where the export has none.
    url, language, abstract : str
        As the export has them.
    """

    record_id: str
    database: str
    source_kind: SourceKind
    file: str
    number: int
    line: int | None = None
    type: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
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

    @property
    def searched(self) -> bool:
        """Whether it comes from a database or register, not from another method."""
        return self.source_kind in ("database", "register")


SEARCH_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(FoundRecord))
"""The columns of ``search.csv``."""


def natural_order(record_id: str) -> tuple[str, int]:
    """File, then number as a number, so that record 2 comes before record 10.

    Examples
    --------
    >>> sorted(["a.ris:10", "a.ris:2"], key=natural_order)
    ['a.ris:2', 'a.ris:10']
    """
    file, _, number = record_id.rpartition(":")
    return file, int(number) if number.isdecimal() else 0


def write_search(records: Iterable[FoundRecord]) -> str:
    """The text of a ``search.csv``, in the order of files and numbers.

    The order in which the records are given does not matter.
    """
    ordered = sorted(records, key=lambda record: natural_order(record.record_id))
    return write_rows(SEARCH_COLUMNS, (_cells(record) for record in ordered))


def _cells(record: FoundRecord) -> list[str]:
    cells: dict[str, str] = {}
    for name in SEARCH_COLUMNS:
        value = getattr(record, name)
        if name == "authors":
            cells[name] = "; ".join(record.authors)
        else:
            cells[name] = "" if value is None else str(value)
    return [cells[name] for name in SEARCH_COLUMNS]


def read_search(path: Path) -> tuple[FoundRecord, ...]:
    """The records of a ``search.csv``.

    Raises
    ------
    FileFormatError
        If the file is missing or malformed, a record comes twice, or a cell has not its form.
    """
    records: dict[str, FoundRecord] = {}
    for line, cells in read_rows(path, columns=SEARCH_COLUMNS):
        record = _record(cells, file=path.name, row=line)
        if record.record_id in records:
            raise FileFormatError(
                "each record once",
                found=f"{record.record_id!r} twice",
                where=f"{path.name} row {line}, column record_id",
                mend="remove one of the rows",
            )
        records[record.record_id] = record
    if not records:
        raise FileFormatError(
            "at least one record",
            found="none",
            where=path.name,
            mend="import the exports of your searches with: oncovivo evidence import",
        )
    return tuple(records.values())


def _record(cells: Mapping[str, str], *, file: str, row: int) -> FoundRecord:
    """One row, checked."""

    def refuse(column: str, expected: str, mend: str = "correct the cell") -> FileFormatError:
        where = f"{file} row {row}, column {column}"
        return FileFormatError(expected, found=repr(cells[column]), where=where, mend=mend)

    def number(column: str) -> int | None:
        if not cells[column]:
            return None
        if not re.fullmatch(r"[1-9][0-9]{0,8}", cells[column]):
            raise refuse(column, "a whole number above 0")
        return int(cells[column])

    place = number("number")
    if place is None:
        raise refuse("number", "the place of the record in its file")
    if cells["record_id"] != f"{cells['file']}:{place}" or not cells["file"]:
        raise refuse("record_id", "file and number, as pubmed.nbib:12")
    if not cells["database"]:
        raise refuse("database", "the name of a database", "name what was searched")
    for kind in get_args(SourceKind):
        if cells["source_kind"] == kind:
            break
    else:
        raise refuse("source_kind", f"one of {', '.join(SOURCE_KINDS)}")
    for column, normal in (("doi", normal_doi), ("pmid", normal_pmid), ("pmcid", normal_pmcid)):
        if cells[column] and normal(cells[column]) != cells[column]:
            mend = "write it without address and prefix, a DOI in lower case"
            raise refuse(column, f"a {column.upper()}", mend)
    texts = {
        name: cells[name]
        for name in SEARCH_COLUMNS
        if name not in ("source_kind", "number", "line", "year", "authors")
    }
    return FoundRecord(
        **texts,
        source_kind=kind,
        number=place,
        line=number("line"),
        year=number("year"),
        authors=tuple(name.strip() for name in cells["authors"].split(";") if name.strip()),
    )
