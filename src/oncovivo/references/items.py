"""What a CSL-JSON item may hold, and the part of it that a citation processor is given.

Exports hold more than CSL names; such keys are kept in the file and never printed. What CSL does
name must have its form, because the processor takes it on trust.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from oncovivo.errors import FileFormatError

__all__ = ["check_item", "processor_item"]


def _words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_TYPES: Final = _words(
    "article article-journal article-magazine article-newspaper bill book broadcast chapter "
    "classic collection dataset document entry entry-dictionary entry-encyclopedia event "
    "figure graphic hearing interview legal_case legislation manuscript map motion_picture "
    "musical_score pamphlet paper-conference patent performance periodical "
    "personal_communication post post-weblog regulation report review review-book software "
    "song speech standard thesis treaty webpage"
)
_NAMES: Final = _words(
    "author chair collection-editor compiler composer container-author contributor curator "
    "director editor editor-translator editorial-director executive-producer guest host "
    "illustrator interviewer narrator organizer original-author performer producer recipient "
    "reviewed-author script-writer series-creator translator"
)
_DATES: Final = _words("accessed available-date event-date issued original-date submitted")
_TEXTS: Final = _words(
    "abstract annote archive archive-place archive_collection archive_location authority "
    "call-number chapter-number citation-key citation-label citation-number "
    "collection-number collection-title container-title container-title-short dimensions "
    "division DOI edition event event-place event-title first-reference-note-number genre "
    "ISBN ISSN issue journalAbbreviation jurisdiction keyword language locator medium note "
    "number number-of-pages number-of-volumes original-publisher original-publisher-place "
    "original-title page page-first part-number part-title PMCID PMID printing-number "
    "publisher publisher-place references reviewed-genre reviewed-title scale section "
    "shortTitle source status supplement-number title title-short URL version volume "
    "volume-title volume-title-short year-suffix"
)
_NAME_PARTS: Final = ("family", "given", "dropping-particle", "non-dropping-particle", "suffix")
_NAME_FLAGS: Final = ("comma-suffix", "static-ordering", "parse-names")
_KNOWN: Final = {
    name.casefold(): name
    for name in (*_NAMES, *_DATES, *_TEXTS, "id", "type", "categories", "custom")
}
_LATEST_YEAR: Final = 9999
_YEAR: Final = re.compile(r"-?[0-9]{1,4}")
_PART: Final = re.compile(r"[0-9]{1,2}")
_LONGEST: Final = 20_000

# What citeproc-py reads; a name that it does not know would make it warn.
_PROCESSED_NAMES: Final = _words(
    "author collection-editor composer container-author editor editorial-director "
    "illustrator interviewer original-author recipient translator"
)
_PROCESSED_DATES: Final = _words("accessed event-date issued original-date submitted")
_PROCESSED_TEXTS: Final = _words(
    "archive archive-place archive_location authority chapter-number collection-number "
    "collection-title container-title container-title-short edition event event-place genre "
    "issue jurisdiction medium number number-of-pages number-of-volumes original-publisher "
    "original-publisher-place original-title page page-first publisher publisher-place "
    "section source status title title-short version volume"
)


def check_item(item: Mapping[str, object], *, where: str) -> None:
    """Refuse an item in which a field of CSL has not its form.

    Parameters
    ----------
    item : mapping
        A CSL-JSON item.
    where : str
        File and item, for the message.

    Raises
    ------
    FileFormatError
        If the type is none of CSL's, a name, date or text is malformed, or a key differs from one
        of CSL's in case alone.
    """
    for key, value in item.items():
        known = _KNOWN.get(key.casefold(), key)
        if known != key:
            raise FileFormatError(
                f"the key {known!r}", found=repr(key), where=where, mend="correct its case"
            )
        check = (
            _check_names
            if key in _NAMES
            else _check_date
            if key in _DATES
            else _check_text
            if key in _TEXTS
            else None
        )
        if check is not None:
            check(value, where=f"{where}, {key}")
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise FileFormatError(
            "a type of CSL such as article-journal, chapter, report or webpage",
            found=repr(kind),
            where=f"{where}, type",
            mend="correct it",
        )


def _check_text(value: object, *, where: str) -> None:
    """Text, or a whole number."""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9
    if not whole and not (isinstance(value, str) and len(value) <= _LONGEST):
        raise _refusal("text", value, where=where, mend="write it in quotes")


def _check_names(value: object, *, where: str) -> None:
    """A list of names, each with a part that is not blank."""
    if not isinstance(value, list):
        raise _refusal("a list of names", value, where=where, mend='write [{"family": "…"}]')
    for number, name in enumerate(value, start=1):
        place = f"{where} {number}"
        if not isinstance(name, dict):
            raise _refusal('a name as {"family": "…", "given": "…"}', name, where=place)
        for key, part in name.items():
            if key in _NAME_FLAGS:
                continue
            if key != "literal" and key not in _NAME_PARTS:
                raise _refusal(f"one of {', '.join((*_NAME_PARTS, 'literal'))}", key, where=place)
            if not isinstance(part, str):
                raise _refusal("text", part, where=f"{place}, {key}", mend="write it in quotes")
        if not any(str(name.get(key, "")).strip() for key in ("family", "given", "literal")):
            raise _refusal("a family name or a literal name", name, where=place, mend="fill it in")


def _check_date(value: object, *, where: str) -> None:
    """One date or two, or words."""
    if not isinstance(value, dict):
        raise _refusal("a date", value, where=where, mend='write {"date-parts": [[2026, 11, 22]]}')
    for key in ("literal", "raw"):
        if key in value and not (isinstance(value[key], str) and value[key].strip()):
            raise _refusal("text", value[key], where=f"{where}.{key}", mend="write it in quotes")
    parts = value.get("date-parts")
    if parts is None:
        if "literal" not in value and "raw" not in value:
            raise _refusal("date-parts", value, where=where, mend='write {"date-parts": [[2026]]}')
        return
    if not (isinstance(parts, list) and 1 <= len(parts) <= 2 and all(map(_is_date, parts))):
        raise _refusal(
            "one date or two, each as [year, month, day]",
            parts,
            where=f"{where}.date-parts",
            mend="write [[2026, 11, 22]], or leave out what is not known",
        )


def _is_date(parts: object) -> bool:
    """Whether a list is a year, and perhaps a month and a day."""
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3:
        return False
    forms = (_YEAR, _PART, _PART)
    bounds = (_LATEST_YEAR, 12, 31)
    return all(
        isinstance(part, int | str)
        and not isinstance(part, bool)
        and form.fullmatch(str(part)) is not None
        and (form is _YEAR or 1 <= int(part) <= bound)
        for part, form, bound in zip(parts, forms, bounds, strict=False)
    )


def _refusal(
    expected: str, value: object, *, where: str, mend: str = "correct it"
) -> FileFormatError:
    return FileFormatError(expected, found=repr(value), where=where, mend=mend)


def processor_item(item: Mapping[str, object], *, name: str) -> dict[str, object]:
    """The fields of a checked item that a citation processor reads, under a name of ours.

    Identifiers and addresses are left out: our own links print them.

    Parameters
    ----------
    item : mapping
        A CSL-JSON item that :func:`check_item` has passed.
    name : str
        The id that the processor is to know it by.
    """
    chosen: dict[str, object] = {"id": name, "type": item["type"]}
    convert: dict[str, Callable[[Any], object]] = {
        **dict.fromkeys(_PROCESSED_NAMES, _names),
        **dict.fromkeys(_PROCESSED_DATES, _date),
        **dict.fromkeys(_PROCESSED_TEXTS, str),
    }
    for key, value in item.items():
        if key in convert:
            chosen[key] = convert[key](value)
    return chosen


def _names(value: list[dict[str, object]]) -> list[dict[str, object]]:
    """Names without flags; a given name that stands alone is the name."""
    found: list[dict[str, object]] = []
    for name in value:
        literal = str(name.get("literal", "")).strip()
        parts: dict[str, object] = {
            part: name[part] for part in _NAME_PARTS if str(name.get(part, "")).strip()
        }
        if "family" not in parts and "given" in parts:
            literal = literal or str(parts["given"])
        found.append({"literal": literal} if literal and "family" not in parts else parts)
    return found


def _date(value: dict[str, Any]) -> dict[str, object]:
    """A date that citeproc-py prints: of two in one year the first, else their years."""
    if "date-parts" not in value:
        return {"literal": value.get("literal") or value["raw"]}
    dates = [[int(part) for part in parts] for parts in value["date-parts"]]
    years = [parts[0] for parts in dates]
    if years[0] != years[-1]:
        return {"literal": f"{years[0]}–{years[-1]}"}
    return {"date-parts": dates[:1]}
