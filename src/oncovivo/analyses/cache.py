"""Results kept between builds of a guide, by the digest of everything that they follow from.

The key of a result is a SHA-256 over its inputs, the versions of all packages that compute it and
the files of this program, so a change of any of them is a miss. A file that is damaged is a miss
too. Deleting the folder, or building without it, changes no byte of a guide.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from oncovivo.provenance import package_versions

__all__ = ["CACHE_FOLDER", "ResultCache", "program_digest"]

CACHE_FOLDER: Final = ".oncovivo-cache"
"""Name of the folder inside a guide project; it ignores itself in git."""

# Packages that compute results, beside those that a guide prints the version of.
_PACKAGES: Final = ("numba", "scipy", "statsmodels")

_T = TypeVar("_T")


class ResultCache:
    """Results in a folder, one file each.

    Parameters
    ----------
    folder : Path, optional
        Where results are kept; it is made when the first one is. Without a folder, or with one
        that cannot be written, everything is computed anew.
    program : str, optional
        Digest of what computes; that of the running program unless given.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> kept = ResultCache(Path(mkdtemp()) / "cache")
    >>> kept.get("sum", [1, 2], TypeAdapter(int), lambda: 3)
    3
    >>> kept.get("sum", [1, 2], TypeAdapter(int), lambda: 4)
    3
    """

    def __init__(self, folder: Path | None = None, *, program: str | None = None) -> None:
        self._folder = folder
        self._program = program
        self._used: set[str] = set()

    def get(
        self, kind: str, inputs: object, adapter: TypeAdapter[_T], compute: Callable[[], _T]
    ) -> _T:
        """A result, kept or computed; what was computed is read back as a kept one would be.

        Parameters
        ----------
        kind : str
            What is computed, in letters, digits and hyphens.
        inputs : object
            Everything that the result follows from beside the program; what JSON can hold, or
            dataclasses and models of it.
        adapter : TypeAdapter
            Of the result.
        compute : callable
            Computes the result.
        """
        if self._folder is None:
            return compute()
        try:
            name = f"{kind}-{self._key(kind, inputs)}.json"
        except (TypeError, PydanticSerializationError):
            return compute()  # what has no key of its own is never taken from the cache
        self._used.add(name)
        kept = _read(self._folder / name)
        if kept is not None:
            with suppress(ValidationError):
                return adapter.validate_python(kept)
        found = compute()
        tree = adapter.dump_python(found, mode="json", by_alias=True)
        body = json.dumps(tree, ensure_ascii=False, allow_nan=False)
        with suppress(OSError):
            _write(self._folder / name, body)
        return adapter.validate_python(json.loads(body))

    def prune(self) -> None:
        """Forget what was not asked for since the cache was opened."""
        if self._folder is None:
            return
        with suppress(OSError):
            for path in self._folder.glob("*-*.json*"):
                if path.name not in self._used:
                    path.unlink()

    def _key(self, kind: str, inputs: object) -> str:
        """The SHA-256 of a result."""
        if self._program is None:
            self._program = program_digest()
        tree = to_jsonable_python([kind, self._program, inputs], fallback=_plain)
        return hashlib.sha256(json.dumps(tree).encode()).hexdigest()


@cache
def program_digest(root: Path | None = None) -> str:
    """A SHA-256 over the versions of all packages that compute, and the files of this program.

    Of the files it takes name, size and time of change, so that whoever works on the program gets
    no result of an earlier state of it.

    Parameters
    ----------
    root : Path, optional
        Folder of the program; where it is installed unless given.
    """
    versions = dict(package_versions())
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    root = root or Path(__file__).parents[1]
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            state = Path(folder, name).stat()
            place = Path(folder, name).relative_to(root).as_posix()
            files.append([place, state.st_size, state.st_mtime_ns])
    machine = [sys.byteorder, platform.machine(), platform.system()]
    text = json.dumps([versions, machine, files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """What JSON does not know: mappings that cannot be changed.

    Raises
    ------
    TypeError
        For anything else: how it is printed may leave out what matters.
    """
    if isinstance(value, Mapping):
        return dict(value)
    message = f"{type(value).__name__} has no JSON"
    raise TypeError(message)


def _read(path: Path) -> object:
    """The content of a kept file; None where there is none or it is damaged."""
    try:
        digest, body = path.read_text(encoding="utf-8").split("\n", 1)
        if hashlib.sha256(body.encode()).hexdigest() != digest:
            return None
        content: object = json.loads(body)
    except (OSError, ValueError):
        return None
    return content


def _write(path: Path, body: str) -> None:
    """Write beside the place and move there, so that nobody reads half a file."""
    if not path.parent.is_dir():
        path.parent.mkdir()
        (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    digest = hashlib.sha256(body.encode()).hexdigest()
    handle, name = tempfile.mkstemp(prefix=f"{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(f"{digest}\n{body}".encode())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
