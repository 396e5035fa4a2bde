"""The references of a project: CSL-JSON with the state of their verification.

Beside the fields of CSL, an item's ``custom`` holds what this project needs to know about a
source: ``verification``, ``verified_via``, ``source_kind``, ``same_work_as``, ``subjects``,
``registry`` and ``remark``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from oncovivo.errors import FileFormatError, InputError
from oncovivo.references.items import check_item
from oncovivo.texts import parse_json

__all__ = ["SOURCE_KINDS", "VERIFICATIONS", "Library", "Reference", "read_references"]

VERIFICATIONS: Mapping[str, str] = MappingProxyType(
    {
        "verified": "read in a stored copy of the source",
        "partly_verified": "some of the fields read there",
        "recalled": "from memory; to be checked before it is printed as fact",
        "unresolved": "the work could not be identified",
    }
)
"""How far a reference was checked."""

SOURCE_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "primary_animal": "original work with animals",
        "primary_in_vitro": "original work on cells or proteins only",
        "primary_mixed": "original work with animals and patients",
        "clinical_trial": "trial in people",
        "clinical_cohort": "cohort of patients outside a trial",
        "case_report": "report on single patients",
        "clinical_review": "review of work in people",
        "review": "any other review",
        "regulatory": "summary or decision of an agency",
        "label": "product label",
        "method": "method or guideline",
        "database": "database record",
        "aggregator": "record that collects other people's results",
        "vendor": "supplier or commercial site",
        "press": "trade or general press",
        "social_network": "network where authors share papers",
        "host_only": "name of a web host without a work",
        "study": "an animal-level study of this project",
    }
)
"""What kind of work a reference is."""

_CUSTOM = (
    "verification",
    "verified_via",
    "source_kind",
    "same_work_as",
    "subjects",
    "registry",
    "remark",
)
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]*")
_FORMS = {
    "DOI": re.compile(r"10\.\d{4,9}/\S+"),
    "PMID": re.compile(r"\d{1,8}"),
    "PMCID": re.compile(r"PMC\d+"),
    "ISBN": re.compile(r"[\d-]{9,16}[\dX]"),
    "URL": re.compile(r"https?://\S+"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One work (or what a text cites as one).

    ``csl`` is the item as read. ``same_work_as`` is the key of another item that records the same
    work; ``subjects`` are OncoTree codes of the tumors it speaks of; ``registry`` an id such as
    ``NCT01051557``; ``remark`` what a reader should know.
    """

    key: str
    csl: Mapping[str, object]
    title: str
    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    isbn: str = ""
    url: str = ""
    registry: str = ""
    verification: str = "recalled"
    verified_via: str = ""
    source_kind: str = ""
    same_work_as: str = ""
    subjects: tuple[str, ...] = ()
    remark: str = ""

    @property
    def has_identifier(self) -> bool:
        """Whether an id identifies the work: DOI, PMID, PMCID, ISBN or a registry id."""
        return bool(self.doi or self.pmid or self.pmcid or self.isbn or self.registry)

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Pairs of text and address that resolve the work, best first."""
        found = []
        if self.doi:
            # Some older DOIs hold < and >, which an address may not.
            address = quote(self.doi, safe="/:;(),._-")
            found.append((f"doi:{self.doi}", f"https://doi.org/{address}"))
        if self.pmid:
            found.append((f"PMID {self.pmid}", f"https://pubmed.ncbi.nlm.nih.gov/{self.pmid}/"))
        if self.pmcid:
            found.append((self.pmcid, f"https://pmc.ncbi.nlm.nih.gov/articles/{self.pmcid}/"))
        if self.registry.startswith("NCT"):
            found.append((self.registry, f"https://clinicaltrials.gov/study/{self.registry}"))
        if not found and self.url:
            found.append((self.url, self.url))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Library:
    """The references of a project by key, in the order of the file."""

    references: Mapping[str, Reference] = field(default_factory=lambda: MappingProxyType({}))

    def __iter__(self) -> Iterator[Reference]:
        return iter(self.references.values())

    def __len__(self) -> int:
        return len(self.references)

    def __contains__(self, key: object) -> bool:
        return key in self.references

    def __getitem__(self, key: str) -> Reference:
        """The reference with a key.

        Raises
        ------
        InputError
            If there is none.
        """
        try:
            return self.references[key]
        except KeyError as err:
            raise InputError(
                "a key of references.json", found=repr(key), mend="add the reference"
            ) from err

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys."""
        return tuple(self.references)

    def works(self) -> Mapping[str, str]:
        """From each key to the key of its work.

        Items are the same work when they share a DOI, PMID or PMCID or when ``same_work_as`` says
        so; the work carries the key of the first of them.
        """
        parent = {key: key for key in self.references}

        def root(key: str) -> str:
            while parent[key] != key:
                key = parent[key]
            return key

        def join(one: str, other: str) -> None:
            first, second = sorted((root(one), root(other)), key=order.__getitem__)
            parent[second] = first

        order = {key: position for position, key in enumerate(self.references)}
        seen: dict[tuple[str, str], str] = {}
        for reference in self:
            if reference.same_work_as:
                join(reference.key, reference.same_work_as)
            for name in ("doi", "pmid", "pmcid"):
                value = str(getattr(reference, name)).casefold()
                if value:
                    join(reference.key, seen.setdefault((name, value), reference.key))
        return MappingProxyType({key: root(key) for key in self.references})

    def to_json(self) -> str:
        """The items as CSL-JSON text; reading it gives the same library."""
        items = [dict(reference.csl) for reference in self]
        return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def read_references(path: Path) -> Library:
    """The references of a ``references.json``.

    Raises
    ------
    FileFormatError
        If the file is missing, not UTF-8, not JSON or not a list of CSL items, if a key is
        missing, malformed or repeated, a field or an id has not its form, a key or word of
        ``custom`` is unknown, or ``same_work_as`` names no item.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as err:
        raise FileFormatError(
            "a readable file",
            found=(err.strerror or "no reason given").lower(),
            where=path.name,
            mend=f"check that {path} exists",
        ) from err
    except UnicodeDecodeError as err:
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte 0x{err.object[err.start]:02x} of another encoding",
            where=f"{path.name} byte {err.start + 1}",
            mend="save the file again as UTF-8",
        ) from err
    items = parse_json(text, where=path.name)
    if not isinstance(items, list):
        raise FileFormatError(
            "a list of CSL items",
            found=type(items).__name__,
            where=path.name,
            mend="wrap it in [ ]",
        )
    references: dict[str, Reference] = {}
    for number, item in enumerate(items, start=1):
        reference = _reference(item, where=f"{path.name} item {number}")
        if reference.key in references:
            raise FileFormatError(
                "a key that no other item has",
                found=f"{reference.key!r} twice",
                where=f"{path.name} item {number}",
                mend="rename one of them",
            )
        references[reference.key] = reference
    for reference in references.values():
        if reference.same_work_as and reference.same_work_as not in references:
            raise FileFormatError(
                "the key of another item",
                found=f"{reference.same_work_as!r}",
                where=f"{path.name}, {reference.key}, custom.same_work_as",
                mend="correct the key",
            )
    return Library(MappingProxyType(references))


def _reference(item: object, *, where: str) -> Reference:
    """One CSL item, checked."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str):
        raise FileFormatError(
            "a CSL item with an id", found=type(item).__name__, where=where, mend='add "id"'
        )
    key = item["id"]
    where = f"{where} ({key})"
    if not _KEY.fullmatch(key):
        raise FileFormatError(
            "an id of letters, digits and . _ : -", found=repr(key), where=where, mend="rename it"
        )
    title = item.get("title")
    if not isinstance(title, str) or not title.strip():
        raise FileFormatError("a title", found=repr(title), where=where, mend='add "title"')
    for name, form in _FORMS.items():
        value = item.get(name)
        if value is not None and not (isinstance(value, str) and form.fullmatch(value)):
            raise FileFormatError(
                f"{'an' if name == 'ISBN' else 'a'} {name} of the form {form.pattern}",
                found=repr(value),
                where=where,
                mend="copy it from the source, without address or prefix",
            )
    custom = item.get("custom", {})
    if not isinstance(custom, dict):
        raise FileFormatError(
            "an object under custom", found=type(custom).__name__, where=where, mend="correct it"
        )
    check_item(item, where=where)
    _check_custom(custom, where=where)
    _check_word(custom, "verification", VERIFICATIONS, where=where)
    _check_word(custom, "source_kind", SOURCE_KINDS, where=where)
    return Reference(
        key=key,
        csl=MappingProxyType(item),
        title=title,
        doi=str(item.get("DOI", "")),
        pmid=str(item.get("PMID", "")),
        pmcid=str(item.get("PMCID", "")),
        isbn=str(item.get("ISBN", "")),
        url=str(item.get("URL", "")),
        registry=str(custom.get("registry", "")),
        verification=str(custom["verification"]),
        verified_via=str(custom.get("verified_via", "")),
        source_kind=str(custom["source_kind"]),
        same_work_as=str(custom.get("same_work_as", "")),
        subjects=tuple(custom.get("subjects", ())),
        remark=str(custom.get("remark", "")),
    )


def _check_custom(custom: Mapping[str, object], *, where: str) -> None:
    """Refuse keys that nothing reads, and values of another kind."""
    for name, value in custom.items():
        place = f"{where}, custom.{name}"
        if name not in _CUSTOM:
            raise FileFormatError(
                f"one of {', '.join(_CUSTOM)}",
                found=repr(name),
                where=f"{where}, custom",
                mend="correct the key",
            )
        if name in ("verification", "source_kind"):
            continue
        if name == "subjects":
            if not (isinstance(value, list) and all(isinstance(code, str) for code in value)):
                raise FileFormatError(
                    "a list of OncoTree codes",
                    found=repr(value),
                    where=place,
                    mend='write ["RCC"]',
                )
        elif not isinstance(value, str):
            raise FileFormatError(
                "text", found=repr(value), where=place, mend="write it in quotes"
            )


def _check_word(
    custom: Mapping[str, object], name: str, known: Mapping[str, str], *, where: str
) -> None:
    word = custom.get(name)
    if not isinstance(word, str) or word not in known:
        raise FileFormatError(
            f"custom.{name} as one of {', '.join(known)}",
            found=repr(word),
            where=where,
            mend=f"state the {name.replace('_', ' ')}",
        )
