"""RIS, the tagged format of most databases and reference managers.

A line is a tag of two signs, two spaces, a hyphen and the value. ``TY`` starts an entry and
``ER`` ends it; a line without a tag continues the field before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening.entries import Entry, numbered_lines, tidy
from oncovivo.evidence.screening.identifiers import normal_doi, normal_pmcid, normal_pmid

__all__ = ["parse_ris"]

# Some programs write one space before the hyphen, and none after that of ER.
_TAG: Final = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*)|)")
# What publishers and Ovid put between entries.
_BETWEEN: Final = re.compile(r"(?:Provider|Database|Content) ?:.*|[0-9]+\.")
_PUBMED: Final = ("pubmed", "medline", "nlm", "national library of medicine")


def parse_ris(text: str, *, where: str) -> tuple[Entry, ...]:
    r"""The entries of a RIS text.

    Parameters
    ----------
    text : str
        The whole file.
    where : str
        Its name, for messages.

    Raises
    ------
    FileFormatError
        If an entry does not start with ``TY`` or is not ended by ``ER``, or a line belongs to no
        entry.

    Examples
    --------
    >>> parse_ris("TY  - JOUR\nTI  - Made up\nER  - \n", where="a.ris")[0].title
    'Made up'
    """
    entries: list[Entry] = []
    values: dict[str, list[str]] = {}
    start, last = 0, ""
    for number, line in numbered_lines(text):
        found = _TAG.fullmatch(line.rstrip())
        tag, value = (found.group(1), found.group(2) or "") if found else ("", line)
        if tag == "TY":
            if start:
                raise _unended(start, where, f"the next entry in line {number}")
            start, last, values = number, tag, {tag: [value]}
        elif not start:
            if line.strip() and not _BETWEEN.fullmatch(line.strip()):
                raise FileFormatError(
                    "an entry that starts with the tag TY",
                    found=repr(line[:60]),
                    where=f"{where} line {number}",
                    mend="export the file again as RIS",
                )
        elif tag == "ER":
            entries.append(_entry(values, start))
            start = 0
        elif tag:
            values.setdefault(tag, []).append(value)
            last = tag
        else:
            values[last][-1] += f" {value}"
    if start:
        raise _unended(start, where, "the end of the file")
    return tuple(entries)


def _unended(start: int, where: str, found: str) -> FileFormatError:
    return FileFormatError(
        "the tag ER at the end of the entry",
        found=found,
        where=f"{where} line {start}",
        mend="export the file again; it may have been cut off",
    )


def _entry(values: Mapping[str, Sequence[str]], line: int) -> Entry:
    """The fields of an entry, each from the first of its tags that is filled."""

    def first(*tags: str) -> str:
        texts = (tidy(text) for tag in tags for text in values.get(tag, ()))
        return next((text for text in texts if text), "")

    def matching(normal: Callable[[str], str], *tags: str) -> str:
        texts = (tidy(text) for tag in tags for text in values.get(tag, ()))
        return next((text for text in texts if normal(text)), "")

    begin, end = first("SP"), first("EP")
    database = first("DB")
    accession = first("AN")
    known = any(name in database.casefold() for name in _PUBMED)
    return Entry(
        line=line,
        type=first("TY"),
        title=first("TI", "T1", "CT", "BT"),
        authors=tuple(tidy(name) for tag in ("AU", "A1") for name in values.get(tag, ())),
        date=first("PY", "Y1", "DA"),
        journal=first("JF", "T2", "JO", "JA", "J2"),
        volume=first("VL"),
        issue=first("IS"),
        pages=f"{begin}-{end}" if begin and end and "-" not in begin else begin or end,
        doi=first("DO") or matching(normal_doi, "UR", "L3", "M3", "N1"),
        pmid=accession if known and normal_pmid(accession) else "",
        pmcid=matching(normal_pmcid, "C2", "AN"),
        url=first("UR"),
        language=first("LA"),
        abstract=first("AB", "N2"),
        database=database,
    )
