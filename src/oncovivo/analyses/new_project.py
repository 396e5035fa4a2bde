"""A new guide project: a folder of commented files that builds at once and holds no row yet."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from oncovivo.analyses.contract import contract
from oncovivo.analyses.project import SECTIONS
from oncovivo.errors import FileFormatError, InputError
from oncovivo.evidence import COLUMNS, Identifiers, read_identifiers
from oncovivo.evidence.csvfile import write_rows
from oncovivo.evidence.quality import QUALITY_COLUMNS
from oncovivo.evidence.vocabulary import WORD_LISTS
from oncovivo.provenance import InputFile, digest_file, digest_inputs

__all__ = ["NewProject", "start_project"]

SCHEMA: Final = "oncovivo.guide_new/1"

_COMPOUND_COLUMNS: Final = (
    "compound",
    "name",
    "kind",
    "synonyms",
    "inchikey",
    "drugbank",
    "chebi",
    "chembl",
)
_WAIVER_COLUMNS: Final = ("rule", "subject", "reason", "date", "by")
_KEY = re.compile(r"[a-z0-9][a-z0-9_+-]*")
_FORBIDDEN: Final = frozenset('<>:"|?*\\')
# Names that Windows keeps for devices, whatever ending follows.
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """What was made: the folder, the compound's key and name, and every file written.

    `known` says whether the compound ships with oncovivo; `group` is the key of its class, or
    empty.
    """

    folder: Path
    title: str
    compound: str
    name: str
    known: bool
    group: str
    written: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo guide new``."""
        made = [digest_file(self.folder / name, name=name) for name in self.written]
        return contract(
            SCHEMA,
            source=InputFile(name=self.folder.name, sha256=digest_inputs(made)),
            options={"folder": str(self.folder), "compound": self.name, "title": self.title},
            content={
                "compound": {"key": self.compound, "name": self.name, "ships": self.known},
                "class": self.group or None,
                "written": [str(self.folder / name) for name in self.written],
            },
        )


def start_project(
    folder: Path, *, compound: str, group: str | None = None, title: str | None = None
) -> NewProject:
    """Write the files of a new guide project.

    Parameters
    ----------
    folder : Path
        A folder that does not exist, or is empty.
    compound : str
        Name, synonym or key of a compound that ships, or the name of any other; that one is added
        to the project's ``compounds.csv``.
    group : str, optional
        The class that the compound belongs to, as ``PI3K inhibitors``: rows on other members of
        it can then be filed under it, and are never counted as the compound.
    title : str, optional
        Of the guide; else made of the compound's name.

    Raises
    ------
    InputError
        If the folder's name, the compound or the class cannot be used.
    FileFormatError
        If the folder holds anything, or cannot be written.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> made = start_project(Path(mkdtemp()) / "my guide", compound="Imaginarimab")
    >>> made.compound, made.known, made.written[0]
    ('imaginarimab', False, 'guide.toml')
    """
    folder = folder.resolve()
    _check_name(folder.name)
    known = read_identifiers()
    key, name = _compound(compound, known, where="--compound")
    group_key, group_name = ("", "") if group is None else _compound(group, known, where="--class")
    if group_key == key:
        raise InputError(
            "a class that is not the compound itself", found=repr(group), where="--class"
        )
    heading = f"{_capital(name)} in animal models: a comparative efficacy guide"
    if title is not None:
        heading = _line(title, where="--title")
    _check_empty(folder)
    added = [
        (one, called, kind)
        for one, called, kind in ((key, name, "drug"), (group_key, group_name, "class"))
        if one and one not in known.compounds
    ]
    content = dict(_files(heading, key, added))
    try:
        for place, text in content.items():
            path = folder / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
    except OSError as err:
        raise FileFormatError(
            "a place where files can be written",
            found=(err.strerror or "no reason given").lower(),
            where=str(folder),
            mend="choose another folder",
        ) from err
    return NewProject(
        folder=folder,
        title=heading,
        compound=key,
        name=name,
        known=key in known.compounds,
        group=group_key,
        written=tuple(content),
    )


def _files(title: str, key: str, added: list[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
    """Every file of the project with its text."""
    words = {
        "{title}": json.dumps(title, ensure_ascii=False),
        "{compound}": json.dumps(key),
        "{key}": key,
        "{sections}": ", ".join(SECTIONS),
        "{columns}": _columns(),
        "{words}": _words(),
    }
    yield "guide.toml", _template("guide.toml", words)
    yield "claims.toml", _template("claims.toml", words)
    yield "evidence/README.md", _template("evidence.md", words)
    yield "evidence/records.csv", write_rows([column.name for column in COLUMNS], [])
    yield "evidence/references.json", "[]\n"
    yield "evidence/quality.csv", write_rows(QUALITY_COLUMNS, [])
    yield "evidence/waivers.csv", write_rows(_WAIVER_COLUMNS, [])
    if added:
        blank = [""] * (len(_COMPOUND_COLUMNS) - 3)
        yield (
            "evidence/compounds.csv",
            write_rows(_COMPOUND_COLUMNS, [[*entry, *blank] for entry in added]),
        )
    yield "studies/README.md", _template("studies.md", words)
    yield "mechanism/README.md", _template("mechanism.md", words)


def _template(name: str, words: dict[str, str]) -> str:
    """A file of the templates with its words filled in; other braces stay."""
    text = files("oncovivo.analyses").joinpath("guide_template", name).read_text(encoding="utf-8")
    pattern = re.compile("|".join(re.escape(word) for word in words))
    return pattern.sub(lambda found: words[found[0]], text)


def _columns() -> str:
    """The columns of ``records.csv`` as lines of a table."""
    lines = []
    for column in COLUMNS:
        kind = f"a word of the list {column.words}" if column.words else column.kind
        may = ", ".join(
            word for word, holds in (("state", column.states), ("blank", column.blank)) if holds
        )
        said = " ".join(column.text.split()).replace("|", "\\|")
        lines.append(f"| `{column.name}` | {said} | {kind} | {may} |")
    return "\n".join(lines)


def _words() -> str:
    """The word lists of the columns, an item each."""
    used = dict.fromkeys(column.words for column in COLUMNS if column.words)
    return "\n".join(f"- {name}: {', '.join(WORD_LISTS[name])}" for name in used)


def _compound(given: str, known: Identifiers, *, where: str) -> tuple[str, str]:
    """Key and name of a compound that ships, or of one that is made from its name.

    Raises
    ------
    InputError
        If no key can be made of the name.
    """
    name = _line(given, where=where)
    key = known.resolve_compound(name)
    if key:
        return key, known.compounds[key].name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9+_]+", "-", plain).strip("-")
    if not _KEY.fullmatch(key) or ";" in name:
        raise InputError(
            "a name with letters or digits of the Latin alphabet, without a semicolon",
            found=repr(given),
            where=where,
            mend="write the name as papers in English do",
        )
    if key in known.compounds:
        raise InputError(
            f"a name of its own; {key} is {known.compounds[key].name}",
            found=repr(given),
            where=where,
            mend=f"say {key}, or another name",
        )
    return key, name


def _line(given: str, *, where: str) -> str:
    """One line of text, trimmed."""
    line = given.strip()
    if not line or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in line):
        raise InputError("one line of text", found=repr(given), where=where)
    return line


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _check_name(name: str) -> None:
    """Refuse a folder name that is none on one of the systems that this runs on."""
    bad = (
        not name
        or name[0] in "-."
        or name[-1] in " ."
        or bool(_FORBIDDEN & set(name))
        or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in name)
        or name.split(".")[0].casefold() in _DEVICES
    )
    if bad:
        raise InputError(
            "a folder name that every system takes: no < > : \" | ? * or \\, no '-' or '.' first",
            found=repr(name),
            where="NAME",
            mend="choose another name",
        )


def _check_empty(folder: Path) -> None:
    """Refuse a folder that holds anything, and what is no folder."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise FileFormatError(
            "a new or empty folder",
            found="a folder that holds files" if folder.is_dir() else "a file",
            where=str(folder),
            mend="choose another name; nothing is overwritten",
        )
