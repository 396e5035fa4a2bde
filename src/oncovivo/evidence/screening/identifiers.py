"""Identifiers, years and pages in one spelling, so that the same work can be recognized."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

__all__ = ["first_page", "normal_doi", "normal_pages", "normal_pmcid", "normal_pmid", "year_of"]

_DOI_BEFORE: Final = re.compile(
    r"(?:https?://)?(?:dx\.)?doi\.org/|doi\s*:\s*|doi\s+", re.IGNORECASE
)
_DOI: Final = re.compile(r"10\.[0-9]{4,9}/\S+")
_PMID: Final = re.compile(r"(?:pmid\s*:?\s*)?0*([1-9][0-9]{0,7})", re.IGNORECASE)
_PMCID: Final = re.compile(r"(?:pmcid\s*:?\s*)?pmc\s*([1-9][0-9]*)", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?<![0-9])(1[5-9][0-9]{2}|2[01][0-9]{2})(?![0-9])")
_DASH: Final = re.compile(r"\s*(?:-{1,3}|[\u2010-\u2015\u2212])\s*")


def normal_doi(text: str) -> str:
    """A DOI without address and prefix, in lower case; empty where there is none.

    Examples
    --------
    >>> normal_doi("https://doi.org/10.9999/FICT.001")
    '10.9999/fict.001'
    >>> normal_doi("doi: 10.9999/fict%2F1.")
    '10.9999/fict/1'
    """
    bare = _DOI_BEFORE.sub("", unquote(text).strip(), count=1).strip()
    found = _DOI.fullmatch(bare.rstrip(".,;"))
    return found.group().lower() if found else ""


def normal_pmid(text: str) -> str:
    """A PubMed number without prefix and leading zeros; empty where there is none.

    Examples
    --------
    >>> normal_pmid("PMID: 00123")
    '123'
    """
    found = _PMID.fullmatch(text.strip())
    return found.group(1) if found else ""


def normal_pmcid(text: str) -> str:
    """A PubMed Central number as ``PMC123``; empty where there is none.

    Examples
    --------
    >>> normal_pmcid("pmc 123")
    'PMC123'
    """
    found = _PMCID.fullmatch(text.strip())
    return f"PMC{found.group(1)}" if found else ""


def year_of(text: str) -> int | None:
    """The first year from 1500 to 2199 that a date names.

    Examples
    --------
    >>> year_of("2019 Mar 3"), year_of("in press")
    (2019, None)
    """
    found = _YEAR.search(text)
    return int(found.group(1)) if found else None


def normal_pages(text: str) -> str:
    """Pages with a plain hyphen between first and last.

    Examples
    --------
    >>> normal_pages("101 -- 9")
    '101-9'
    """
    return _DASH.sub("-", " ".join(text.split())).strip("-")


def first_page(pages: str) -> str:
    """The first page, in lower case and without leading zeros.

    Examples
    --------
    >>> first_page("S101-S109"), first_page("")
    ('s101', '')
    """
    return pages.split("-")[0].strip().casefold().lstrip("0")
