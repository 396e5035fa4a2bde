"""``protocol.toml``: what people state about a study, and which files of its design it names.

::

    [protocol]
    title = "Temsirolimus and perifosine in 786-O"
    version = "0.1"
    references = "../evidence/references.json"

    [files]
    allocation = "allocation.toml"
    power = "power.toml"

    [[arm]]                       # only where a file calls an arm otherwise
    name = "temsirolimus + perifosine"
    schedule = "combination"

    [measuring]
    formula = { text = "length × width² / 2", source = ["tomayko1989"] }
    method = [                    # several statements, each with where it is from
        { text = "calipers", choice = true },
        { open = "who measures: the study director decides" },
    ]

    [ethics]
    licence = { open = "the licence holder applies for it" }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from oncovivo.design.protocol import Stated
from oncovivo.design.protocol_items import (
    PROTOCOL_FILES,
    PROTOCOL_ITEMS,
    PROTOCOL_SECTIONS,
    ProtocolFileKind,
)
from oncovivo.design.protocol_parts import ArmNames
from oncovivo.errors import FileFormatError
from oncovivo.references import Library, read_references
from oncovivo.texts import check_characters, parse_toml

__all__ = ["ProtocolFile", "read_protocol_file"]

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_STRICT: Final = ConfigDict(extra="forbid", strict=True)
_WITH_ARMS: Final[tuple[ProtocolFileKind, ...]] = ("allocation", "doses", "schedule", "power")


class _Head(BaseModel):
    """The table ``[protocol]``."""

    model_config = _STRICT

    title: _Text
    version: str = ""
    authors: list[_Text] = Field(default_factory=list)
    remark: str = ""
    references: _Text | None = None


class _Files(BaseModel):
    """The table ``[files]``."""

    model_config = _STRICT

    allocation: _Text | None = None
    animals: _Text | None = None
    doses: _Text | None = None
    schedule: _Text | None = None
    endpoints: _Text | None = None
    power: _Text | None = None


class _Arm(BaseModel):
    """A table ``[[arm]]``."""

    model_config = _STRICT

    name: _Text
    allocation: _Text | None = None
    doses: _Text | None = None
    schedule: _Text | None = None
    power: _Text | None = None


class _Frame(BaseModel):
    """What is not a section."""

    model_config = _STRICT

    protocol: _Head
    files: _Files = Field(default_factory=_Files)
    arm: list[_Arm] = Field(default_factory=list)


class _Entry(BaseModel):
    """A statement."""

    model_config = _STRICT

    text: _Text | None = None
    source: list[_Text] | None = None
    choice: bool | None = None
    open: _Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFile:
    """A protocol as its file declares it.

    Parameters
    ----------
    path : Path
        The file; the files that it names lie relative to it.
    title, version, remark : str
        What it is called; what a reader must know first.
    authors : tuple of str
        Who wrote it.
    files : mapping of str to str
        Files of the design that it names.
    references : str or None
        Its file of references; None where a guide's come in its place.
    library : Library
        What statements cite.
    declared_arms : tuple of str
        Arms that it lists.
    arm_names : ArmNames
        Names that they have in the files.
    stated : mapping of str to tuple of Stated
        By id of the item, which may have several.
    """

    path: Path
    title: str
    version: str
    remark: str
    authors: tuple[str, ...]
    files: Mapping[ProtocolFileKind, str]
    references: str | None
    library: Library
    declared_arms: tuple[str, ...]
    arm_names: ArmNames
    stated: Mapping[str, tuple[Stated, ...]]

    @property
    def _all(self) -> tuple[Stated, ...]:
        """Every statement."""
        return tuple(said for several in self.stated.values() for said in several)

    @property
    def cited(self) -> tuple[str, ...]:
        """Keys of references that statements name, each once."""
        return tuple(dict.fromkeys(key for said in self._all for key in said.sources))

    @property
    def places(self) -> tuple[str, ...]:
        """Every file that the protocol is made of, relative to its own.

        The reference study of the power plan is one, or the files of its folder.
        """
        named = [self.path.name, *self.files.values(), *self._reference_study()]
        return tuple(
            dict.fromkeys(named if self.references is None else [*named, self.references])
        )

    def _reference_study(self) -> list[str]:
        """Files of the study that the power plan takes its variation from."""
        power = self.files.get("power")
        if power is None or not (self.path.parent / power).is_file():
            return []
        plan = self.path.parent / power
        reference = parse_toml(_read_text(plan), where=power).get("reference")
        name = reference.get("file") if isinstance(reference, dict) else None
        if not isinstance(name, str):
            return []
        study = plan.parent / name
        inside = sorted(study.iterdir()) if study.is_dir() else [study]
        own = PurePosixPath(power).parent / PurePosixPath(name)
        return [
            (own / one.name).as_posix() if study.is_dir() else own.as_posix()
            for one in inside
            if one.is_file() and not one.name.startswith(".")
        ]


def read_protocol_file(path: Path, *, library: Library | None = None) -> ProtocolFile:
    """A protocol as its file declares it; the files that it names are not read yet.

    Parameters
    ----------
    path : Path
        ``protocol.toml``.
    library : Library, optional
        References of a guide that shows the protocol; they come in place of the file's own.

    Raises
    ------
    FileFormatError
        If a file is missing or malformed, has a table, item or reference key that does not exist,
        or states what is computed from a file.
    """
    where = path.name
    content = parse_toml(_read_text(path), where=where)
    tables = {name: value for name, value in content.items() if name in _Frame.model_fields}
    try:
        frame = _Frame.model_validate(tables)
    except ValidationError as error:
        raise FileFormatError.from_validation(error, what="a protocol", where=where) from error
    stated = _stated(
        {name: value for name, value in content.items() if name not in tables}, where=where
    )
    given = frame.files.model_dump(exclude_none=True)
    files: dict[ProtocolFileKind, str] = {
        kind: given[kind] for kind in PROTOCOL_FILES if kind in given
    }
    _check_files(path, files)
    references = frame.protocol.references if library is None else None
    if library is None:
        library = Library() if references is None else _library(path, references)
    _check_keys(stated, library, where=where)
    names = [arm.name for arm in frame.arm]
    for name in names:
        if names.count(name) > 1:
            raise FileFormatError("each arm once", found=f"'{name}' twice", where=where)
    return ProtocolFile(
        path=path,
        title=frame.protocol.title,
        version=frame.protocol.version,
        remark=frame.protocol.remark,
        authors=tuple(frame.protocol.authors),
        files=MappingProxyType(files),
        references=references,
        library=library,
        declared_arms=tuple(names),
        arm_names=_arm_names(frame.arm, where=where),
        stated=MappingProxyType(stated),
    )


def _read_text(path: Path) -> str:
    """The text of the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FileFormatError(
            "a protocol that can be read",
            found=(error.strerror or str(error)).lower(),
            where=str(path),
        ) from error
    except UnicodeDecodeError as error:
        raise FileFormatError("a UTF-8 text file", where=path.name) from error
    check_characters(text, where=path.name)
    return text


def _stated(tables: Mapping[str, object], *, where: str) -> dict[str, tuple[Stated, ...]]:
    """The statements of all sections by id of their item."""
    sections = {section.section_id: section for section in PROTOCOL_SECTIONS}
    found: dict[str, tuple[Stated, ...]] = {}
    for name, table in tables.items():
        if name not in sections or not isinstance(table, dict):
            raise FileFormatError(
                "tables of a protocol: protocol, files, arm, " + ", ".join(sections),
                found=repr(name),
                where=where,
                mend="correct the name of the table",
            )
        keys = [item.key for item in sections[name].items if item.file is None]
        for key, value in table.items():
            item = PROTOCOL_ITEMS.get(f"{name}.{key}")
            if item is None:
                raise FileFormatError(
                    f"items of [{name}]: {', '.join(keys)}",
                    found=repr(key),
                    where=where,
                    mend="correct the name of the item",
                )
            if item.file is not None:
                raise FileFormatError(
                    f"{item.item_id} computed from files.{item.file}",
                    found="it typed again",
                    where=where,
                    mend=f"remove it, and name the file under [files] as {item.file}",
                )
            several = value if isinstance(value, list) and value else [value]
            place = f"{where}, {item.item_id}"
            found[item.item_id] = tuple(_said(one, where=place) for one in several)
    return found


def _said(value: object, *, where: str) -> Stated:
    """One statement: exactly one of source, choice and open."""
    shape = "{ text = …, source = [keys] }, { text = …, choice = true } or { open = who decides }"
    if not isinstance(value, dict):
        raise FileFormatError(shape, found="another kind of entry", where=where)
    try:
        entry = _Entry.model_validate(value)
    except ValidationError as error:
        raise FileFormatError.from_validation(error, what="a statement", where=where) from error
    given = [name for name in ("source", "choice", "open") if getattr(entry, name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise FileFormatError("one of source, choice and open", found=found, where=where)
    if entry.open is not None:
        if entry.text is not None:
            raise FileFormatError(
                "no text beside open",
                found="both",
                where=where,
                mend="write what is missing and who decides in open",
            )
        return Stated(origin="open", text=entry.open)
    if entry.text is None:
        raise FileFormatError(f"a text beside {given[0]}", found="none", where=where)
    if entry.source is not None:
        if not entry.source:
            raise FileFormatError("one key of a reference or more", found="none", where=where)
        return Stated(origin="source", text=entry.text, sources=tuple(entry.source))
    if not entry.choice:
        raise FileFormatError("choice = true", found="false", where=where, mend="or name a source")
    return Stated(origin="choice", text=entry.text)


def _check_files(path: Path, files: Mapping[ProtocolFileKind, str]) -> None:
    """Every file that is named exists; a list of animals needs the design of its allocation."""
    for kind, name in files.items():
        if not (path.parent / name).is_file():
            raise FileFormatError(
                f"a file at files.{kind}",
                found=f"no such file: {name}",
                where=path.name,
                mend="correct the path; it is relative to the protocol",
            )
    if "animals" in files and "allocation" not in files:
        raise FileFormatError(
            "files.allocation beside files.animals", found="none", where=path.name
        )


def _library(path: Path, name: str) -> Library:
    """The references that the protocol names."""
    if not (path.parent / name).is_file():
        raise FileFormatError(
            "a file at protocol.references",
            found=f"no such file: {name}",
            where=path.name,
            mend="correct the path; it is relative to the protocol",
        )
    return read_references(path.parent / name)


def _check_keys(stated: Mapping[str, tuple[Stated, ...]], library: Library, *, where: str) -> None:
    """Every source is a reference."""
    for item_id, several in stated.items():
        for key in (key for said in several for key in said.sources):
            if key not in library:
                raise FileFormatError(
                    "a key of the references",
                    found=repr(key),
                    where=f"{where}, {item_id}",
                    mend="add the reference, correct the key, or name protocol.references",
                )


def _arm_names(arms: list[_Arm], *, where: str) -> ArmNames:
    """Names of the protocol by file and name there."""
    found: dict[ProtocolFileKind, Mapping[str, str]] = {}
    for kind in _WITH_ARMS:
        names: dict[str, str] = {}
        for arm in arms:
            there = getattr(arm, kind) or arm.name
            if there in names:
                raise FileFormatError(
                    f"each arm of the file {kind} once",
                    found=f"'{there}' for '{names[there]}' and '{arm.name}'",
                    where=where,
                )
            names[there] = arm.name
        found[kind] = MappingProxyType(names)
    return MappingProxyType(found)
