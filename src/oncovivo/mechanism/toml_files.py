"""TOML files of the mechanism package: those that are shipped, and those of a project."""

from __future__ import annotations

import difflib
import re
from importlib import resources
from pathlib import Path
from typing import Literal

from oncovivo.errors import FileFormatError, InputError
from oncovivo.texts import parse_toml

__all__ = ["nearest", "read_named", "shipped_names"]

_SHIPPED_NAME = re.compile(r"[A-Za-z0-9_]+")


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """A hint with the most similar known words, empty if none is similar.

    Examples
    --------
    >>> nearest("lamda0", ["lambda0", "lambda1", "psi"])
    'did you mean lambda0 or lambda1?'
    """
    close = difflib.get_close_matches(word, sorted(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else ""


def shipped_names(folder: Literal["blocks", "parameter_sets"]) -> tuple[str, ...]:
    """Names of the files that the package brings, sorted.

    Parameters
    ----------
    folder : {"blocks", "parameter_sets"}
        What is asked for.
    """
    place = resources.files("oncovivo.mechanism") / folder
    if not place.is_dir():
        return ()
    return tuple(
        sorted(
            entry.name.removesuffix(".toml")
            for entry in place.iterdir()
            if entry.name.endswith(".toml")
        )
    )


def read_named(
    name_or_path: str | Path, folder: Literal["blocks", "parameter_sets"], *, what: str
) -> tuple[dict[str, object], str]:
    """Content and name of a file that is shipped or lies in a project.

    Parameters
    ----------
    name_or_path : str or Path
        A shipped name, or the path of a file: a Path, or text that ends in ``.toml``.
    folder : {"blocks", "parameter_sets"}
        Where shipped ones lie.
    what : str
        What the file holds, with its article.

    Raises
    ------
    FileFormatError
        If the file is missing, is not UTF-8 or not TOML.
    InputError
        If no file of that name is shipped.
    """
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return parse_toml(_text(path), where=path.name), path.name
    known = shipped_names(folder)
    if not _SHIPPED_NAME.fullmatch(name_or_path) or name_or_path not in known:
        raise InputError(
            f"the name of {what} that is shipped, or a path that ends in .toml",
            found=repr(name_or_path),
            mend=nearest(name_or_path, known) or f"shipped: {', '.join(known) or 'none'}",
        )
    file = f"{name_or_path}.toml"
    text = (resources.files("oncovivo.mechanism") / folder / file).read_text(encoding="utf-8")
    return parse_toml(text, where=file), file


def _text(path: Path) -> str:
    """Text of a file that a user names."""
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as err:
        raise FileFormatError(
            "a readable file",
            found=(err.strerror or "no reason given").lower(),
            where=path.name,
            mend=f"check that {path} exists and is a file",
        ) from err
    except UnicodeDecodeError as err:
        raise FileFormatError(
            "UTF-8 text",
            found=f"byte {err.start + 1} that is not",
            where=path.name,
            mend="save the file as UTF-8",
        ) from err
