"""Antimony, the short text for SBML: written and read through SBML by the library of Antimony."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from oncovivo.errors import FileFormatError, InputError
from oncovivo.mechanism.blocks import Role
from oncovivo.mechanism.exchange.libraries import antimony_library
from oncovivo.mechanism.exchange.sbml_in import ImportedModel, model_from_sbml
from oncovivo.mechanism.exchange.sbml_out import sbml_text
from oncovivo.mechanism.exchange.typical_animal import TypicalAnimal

__all__ = ["antimony_of", "model_from_antimony", "read_antimony", "sbml_from_antimony"]

_LARGEST: Final = 2_000_000
# The library would read other files, or fetch them.
_IMPORT: Final = re.compile(r"(?:^|[;\n])\s*import\b")
_FAILED: Final = -1


def antimony_of(animal: TypicalAnimal) -> str:
    """The typical animal as Antimony.

    Parameters
    ----------
    animal : TypicalAnimal
        See :func:`oncovivo.mechanism.exchange.typical_animal.typical_animal_of`.

    Raises
    ------
    MissingExtraError
        If Antimony or libSBML is not installed.
    FileFormatError
        If the library cannot write the model.
    """
    library = antimony_library()
    library.clearPreviousLoads()
    if library.loadSBMLString(sbml_text(animal)) == _FAILED:
        raise FileFormatError(
            "a model that Antimony can hold", found=_said(library.getLastError())
        )
    text = str(library.getAntimonyString(library.getMainModuleName()))
    library.clearPreviousLoads()
    # The first line names the version of the library.
    lines = [line.rstrip() for line in text.splitlines()]
    body = lines[1:] if lines and lines[0].startswith("// Created by") else lines
    return "\n".join(body).strip() + "\n"


def sbml_from_antimony(text: str, *, where: str = "Antimony") -> str:
    """SBML of a text of Antimony.

    Parameters
    ----------
    text : str
        One model, without ``import``.
    where : str
        Name for messages.

    Raises
    ------
    FileFormatError
        If it cannot be read.
    InputError
        If it is too long, or imports other files.
    MissingExtraError
        If Antimony is not installed.
    """
    if len(text) > _LARGEST:
        raise InputError(f"at most {_LARGEST} characters", found=str(len(text)), where=where)
    if _IMPORT.search(text):
        raise InputError(
            "Antimony without import",
            found="an import",
            where=where,
            mend="write what it imports into the file",
        )
    library = antimony_library()
    library.clearPreviousLoads()
    if library.loadAntimonyString(text) == _FAILED:
        raise FileFormatError("Antimony", found=_said(library.getLastError()), where=where)
    sbml = str(library.getSBMLString(library.getMainModuleName()))
    library.clearPreviousLoads()
    return sbml


def model_from_antimony(
    text: str,
    *,
    where: str = "Antimony",
    time_unit: str | None = None,
    provides: Role = "effect",
) -> ImportedModel:
    """The model of a text of Antimony.

    Parameters
    ----------
    text : str
        One model, without ``import``.
    where : str
        Name for messages.
    time_unit, provides
        As for :func:`oncovivo.mechanism.exchange.sbml_in.read_sbml`.

    Raises
    ------
    FileFormatError, InputError, MissingExtraError
        As for :func:`sbml_from_antimony` and ``read_sbml``.
    """
    sbml = sbml_from_antimony(text, where=where)
    return model_from_sbml(sbml, where=where, time_unit=time_unit, provides=provides)


def read_antimony(
    path: Path, *, time_unit: str | None = None, provides: Role = "effect"
) -> ImportedModel:
    """The model of a file of Antimony.

    Parameters
    ----------
    path : Path
        Text.
    time_unit, provides
        As for :func:`oncovivo.mechanism.exchange.sbml_in.read_sbml`.

    Raises
    ------
    FileFormatError, InputError, MissingExtraError
        As for :func:`model_from_antimony`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("an Antimony file", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=path.name) from err
    return model_from_antimony(text, where=path.name, time_unit=time_unit, provides=provides)


def _said(message: object) -> str:
    """What the library said, shortened."""
    return " ".join(str(message).split())[:300]
