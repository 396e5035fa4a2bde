"""Identifiers of tumor types and compounds: what ships, and what a guide project adds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import as_file, files
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_rows

__all__ = ["Compound", "Identifiers", "TumorType", "read_identifiers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TumorType:
    """A tumor type with its ids and the releases in which they were read.

    ``oncotree`` is the key; ``parent`` is the code of the wider type; ``ncit`` an NCI Thesaurus
    code; ``doid`` a Disease Ontology id; an empty id was not read in any source.
    """

    oncotree: str
    name: str
    parent: str = ""
    ncit: str = ""
    doid: str = ""
    mesh: str = ""
    oncotree_version: str = ""
    doid_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compound:
    """A substance or treatment with its identity key.

    Two substances never share a key: temsirolimus and its metabolite sirolimus are two. ``kind``
    is ``drug``, ``radiation``, ``vaccine`` or ``class``; ``synonyms`` are separated by semicolons
    in the file.
    """

    compound: str
    name: str
    kind: str = "drug"
    synonyms: tuple[str, ...] = ()
    inchikey: str = ""
    drugbank: str = ""
    chebi: str = ""
    chembl: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """The tumor types by OncoTree code and the compounds by key that rows may use."""

    tumor_types: Mapping[str, TumorType] = field(default_factory=lambda: MappingProxyType({}))
    compounds: Mapping[str, Compound] = field(default_factory=lambda: MappingProxyType({}))

    def lineage(self, oncotree: str) -> tuple[str, ...]:
        """A code and the codes of all wider types, narrowest first."""
        found: list[str] = []
        code = oncotree
        while code in self.tumor_types and code not in found:
            found.append(code)
            code = self.tumor_types[code].parent
        return tuple(found)

    def resolve_compound(self, name: str) -> str:
        """The key of a compound from its key, name or a synonym; empty when unknown."""
        wanted = name.strip().casefold()
        for key, compound in self.compounds.items():
            if wanted in {
                key,
                compound.name.casefold(),
                *(s.casefold() for s in compound.synonyms),
            }:
                return key
        return ""


_PATTERNS = {
    "oncotree": re.compile(r"[A-Z][A-Z0-9_]*"),
    "ncit": re.compile(r"C\d+"),
    "doid": re.compile(r"DOID:\d+"),
    "compound": re.compile(r"[a-z0-9][a-z0-9_+-]*"),
    "inchikey": re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]"),
}
_KINDS = ("drug", "radiation", "vaccine", "class")

_T = TypeVar("_T", TumorType, Compound)


def read_identifiers(folder: Path | None = None) -> Identifiers:
    """The identifiers that ship with oncovivo and those that a project adds.

    Parameters
    ----------
    folder : Path, optional
        An evidence folder; its ``tumor_types.csv`` and ``compounds.csv``, where they exist, add to
        the shipped ones. A code that ships may not be redefined there.

    Raises
    ------
    FileFormatError
        If a file is malformed, an id has not the form of its source, or a key occurs twice.
    """
    tumor_types: dict[str, TumorType] = {}
    compounds: dict[str, Compound] = {}
    with as_file(files("oncovivo.evidence.vocabulary")) as shipped:
        folders = [Path(shipped)] if folder is None else [Path(shipped), folder]
        for place in folders:
            _add(tumor_types, place / "tumor_types.csv", TumorType)
            _add(compounds, place / "compounds.csv", Compound)
    for code, tumor in tumor_types.items():
        if tumor.parent and tumor.parent not in tumor_types:
            raise FileFormatError(
                "a parent that is a known OncoTree code",
                found=f"{tumor.parent!r}",
                where=f"tumor_types.csv, {code}",
                mend="add the parent, or leave the cell empty",
            )
    return Identifiers(
        tumor_types=MappingProxyType(tumor_types), compounds=MappingProxyType(compounds)
    )


def _add(known: dict[str, _T], path: Path, kind: type[_T]) -> None:
    """Read one file of identifiers into `known`."""
    if not (path.exists() or path.is_symlink()):
        return
    names = tuple(f.name for f in fields(kind))
    for line, cells in read_rows(path, columns=names, required=names[:2]):
        for column, pattern in _PATTERNS.items():
            cell = cells.get(column, "")
            if cell and not pattern.fullmatch(cell):
                raise FileFormatError(
                    f"an id of the form {pattern.pattern}",
                    found=f"{cell!r}",
                    where=f"{path.name} row {line}, column {column}",
                    mend="copy the id from its source",
                )
        key = cells[names[0]]
        if not key or key in known:
            raise FileFormatError(
                "a new key",
                found=f"{key!r} again" if key else "an empty cell",
                where=f"{path.name} row {line}, column {names[0]}",
                mend="give every entry one row and a key of its own",
            )
        values: dict[str, object] = dict(cells)
        if kind is Compound:
            values["synonyms"] = tuple(
                s.strip() for s in cells.get("synonyms", "").split(";") if s
            )
            values["kind"] = cells.get("kind") or "drug"
            if values["kind"] not in _KINDS:
                raise FileFormatError(
                    f"one of {', '.join(_KINDS)}",
                    found=f"{cells.get('kind')!r}",
                    where=f"{path.name} row {line}, column kind",
                    mend="use a word of the list",
                )
        known[key] = kind(**values)  # type: ignore[arg-type]  # checked against the fields above
