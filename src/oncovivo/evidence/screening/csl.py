"""CSL-JSON, as citation managers exchange it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening.entries import Entry, tidy
from oncovivo.texts import parse_json

__all__ = ["parse_csl"]

_TEXTS: Final[Mapping[str, str]] = {
    "type": "type",
    "title": "title",
    "container-title": "journal",
    "volume": "volume",
    "issue": "issue",
    "page": "pages",
    "DOI": "doi",
    "PMID": "pmid",
    "PMCID": "pmcid",
    "URL": "url",
    "language": "language",
    "abstract": "abstract",
    "source": "database",
}


def parse_csl(text: str, *, where: str) -> tuple[Entry, ...]:
    """The items of a CSL-JSON text: a list, or an object that holds one under ``items``.

    Parameters
    ----------
    text : str
        The whole file.
    where : str
        Its name, for messages.

    Raises
    ------
    FileFormatError
        If it is not JSON, not a list of objects, or a field has not its form.

    Examples
    --------
    >>> parse_csl('[{"title": "Made up", "volume": 3}]', where="a.json")[0].volume
    '3'
    """
    content = parse_json(text, where=where)
    items = content.get("items") if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise FileFormatError(
            "a list of CSL items", found=type(items).__name__, where=where, mend="wrap it in [ ]"
        )
    return tuple(
        _entry(item, where=f"{where} item {number}") for number, item in enumerate(items, start=1)
    )


def _entry(item: object, *, where: str) -> Entry:
    """The fields of an item."""
    if not isinstance(item, dict):
        raise FileFormatError(
            "a CSL item in { }", found=type(item).__name__, where=where, mend="correct it"
        )
    texts: dict[str, Any] = {
        field: _text(item[name], where=f"{where}, {name}")
        for name, field in _TEXTS.items()
        if item.get(name) is not None
    }
    return Entry(
        line=None,
        **texts,
        authors=_names(item.get("author") or [], where=f"{where}, author"),
        date=_date(item.get("issued") or {}, where=f"{where}, issued"),
    )


def _text(value: object, *, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise FileFormatError("text", found=repr(value), where=where, mend="write it in quotes")
    return tidy(str(value))


def _names(value: object, *, where: str) -> tuple[str, ...]:
    """Names as ``Family, Given``; a literal name as it stands."""
    if not (isinstance(value, list) and all(isinstance(name, dict) for name in value)):
        raise FileFormatError(
            "a list of names", found=repr(value)[:60], where=where, mend='write [{"family": "…"}]'
        )
    found = []
    for name in value:
        part = {
            key: _text(name.get(key, ""), where=where)
            for key in ("non-dropping-particle", "family", "given", "literal")
        }
        family = tidy(f"{part['non-dropping-particle']} {part['family']}")
        whole = ", ".join(text for text in (family, part["given"]) if text) or part["literal"]
        if whole:
            found.append(whole)
    return tuple(found)


def _date(value: object, *, where: str) -> str:
    """The year of the first date, or the words of a date."""
    if isinstance(value, dict):
        parts = value.get("date-parts")
        if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
            return _text(parts[0][0], where=where)
        if parts is None:
            return _text(value.get("raw") or value.get("literal") or "", where=where)
    raise FileFormatError(
        "a date", found=repr(value)[:60], where=where, mend='write {"date-parts": [[2026]]}'
    )
