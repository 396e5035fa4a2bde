"""NBIB, the MEDLINE format that PubMed exports.

A line is a tag of up to four signs, padded to four, a hyphen, a space and the value; six spaces
continue a field. An entry starts with its ``PMID``, and a blank line stands between entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening.entries import Entry, numbered_lines, tidy

__all__ = ["parse_nbib"]

_TAG: Final = re.compile(r"(?=.{4}-)([A-Z][A-Z0-9]{1,3}) {0,2}-(?: (.*)|)")
_DOI: Final = re.compile(r"(\S+) \[doi\]")


def parse_nbib(text: str, *, where: str) -> tuple[Entry, ...]:
    r"""The entries of a text in PubMed's format.

    Parameters
    ----------
    text : str
        The whole file.
    where : str
        Its name, for messages.

    Raises
    ------
    FileFormatError
        If an entry does not start with its PMID, or a line is neither tagged nor a continuation.

    Examples
    --------
    >>> parse_nbib("PMID- 1\nTI  - Made\n      up\n", where="a.nbib")[0].title
    'Made up'
    """
    entries: list[Entry] = []
    values: dict[str, list[str]] = {}
    start, last = 0, ""
    for number, line in numbered_lines(text):
        found = _TAG.fullmatch(line.rstrip())
        tag, value = (found.group(1), found.group(2) or "") if found else ("", line)
        if start and (tag == "PMID" or not line.strip()):
            entries.append(_entry(values, start))
            start = 0
        if not line.strip():
            continue
        if tag == "PMID":
            start, last, values = number, tag, {tag: [value]}
        elif not start:
            raise FileFormatError(
                "an entry that starts with the tag PMID",
                found=repr(line[:60]),
                where=f"{where} line {number}",
                mend="export the file again from PubMed as 'PubMed'",
            )
        elif tag:
            values.setdefault(tag, []).append(value)
            last = tag
        elif line.startswith(" "):
            values[last][-1] += f" {value}"
        else:
            raise FileFormatError(
                "a tag such as TI, or a line that starts with spaces",
                found=repr(line[:60]),
                where=f"{where} line {number}",
                mend="export the file again from PubMed as 'PubMed'",
            )
    if start:
        entries.append(_entry(values, start))
    return tuple(entries)


def _entry(values: Mapping[str, Sequence[str]], line: int) -> Entry:
    """The fields of an entry."""

    def every(tag: str) -> tuple[str, ...]:
        return tuple(text for text in map(tidy, values.get(tag, ())) if text)

    def first(*tags: str) -> str:
        return next((text for tag in tags for text in every(tag)), "")

    dois = (_DOI.fullmatch(text) for tag in ("LID", "AID") for text in every(tag))
    return Entry(
        line=line,
        type=first("PT"),
        title=first("TI", "BTI", "CTI"),
        authors=(every("FAU") or every("AU")) + every("CN"),
        date=first("DP", "DEP"),
        journal=first("JT", "TA"),
        volume=first("VI"),
        issue=first("IP"),
        pages=first("PG"),
        doi=next((found.group(1) for found in dois if found), ""),
        pmid=first("PMID"),
        pmcid=first("PMC"),
        language=first("LA"),
        abstract=first("AB"),
    )
