"""The one tree of errors and warnings.

::

    Exception
    └── ProjectError                 exit 2 unless said otherwise
        ├── InputError (ValueError)  an argument outside its domain
        │   └── UnitError            a unit that is unknown or not convertible
        ├── FileFormatError          a file that cannot be read as what it should be
        ├── DataError                well-formed input that cannot carry the analysis: exit 3
        ├── FindingsError            checks found something that stops the work: exit 1
        └── MissingExtraError        an optional part is not installed
    Warning
    └── ProjectWarning
        └── DataWarning              input was read, with a remark

A message is one line: what was expected, what came, where, and what to do. It quotes no more of
the input than helps, and nothing that a terminal would obey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = [
    "DataError",
    "DataWarning",
    "FileFormatError",
    "FindingsError",
    "InputError",
    "MissingExtraError",
    "ProjectError",
    "ProjectWarning",
    "UnitError",
]


class ProjectError(Exception):
    """Base of every error that oncovivo raises on purpose.

    Parameters
    ----------
    expected : str
        What would have been right.
    found : str, optional
        What came instead.
    where : str, optional
        File, row and column, arm or animal.
    mend : str, optional
        What the user can do.

    Examples
    --------
    >>> print(ProjectError("a number", found="'ten'", where="records.csv row 3, column n_treated"))
    records.csv row 3, column n_treated: expected a number, found 'ten'
    """

    exit_code: ClassVar[int] = 2
    code: ClassVar[str] = "error"

    longest_part: ClassVar[int] = 1000
    """How many characters of each part are shown; the middle of a longer one is left out."""

    def __init__(self, expected: str, *, found: str = "", where: str = "", mend: str = "") -> None:
        self.expected = self._shown(expected)
        self.found = self._shown(found)
        self.where = self._shown(where)
        self.mend = self._shown(mend)
        super().__init__(self._line())

    def _line(self) -> str:
        """The parts as one line."""
        line = f"expected {self.expected}"
        if self.found:
            line += f", found {self.found}"
        if self.where:
            line = f"{self.where}: {line}"
        if self.mend:
            line += f"; {self.mend}"
        return " ".join(line.split())

    def _shown(self, part: str) -> str:
        """A part without control, format and half characters, and not longer than helps."""
        if len(part) > self.longest_part:
            half = self.longest_part // 2
            part = f"{part[:half]} … {part[-half:]}"
        return "".join(
            sign if sign.isprintable() or sign.isspace() else ascii(sign)[1:-1] for sign in part
        )

    @property
    def details(self) -> Mapping[str, object]:
        """What a script may want to know beside the message; empty unless a class says more."""
        return {}

    def to_dict(self) -> dict[str, str]:
        """The parts under the names that the ``--json`` contract uses."""
        return {
            "code": self.code,
            "expected": self.expected,
            "found": self.found,
            "where": self.where,
            "mend": self.mend,
        }


class InputError(ProjectError, ValueError):
    """An argument or a declared value outside its domain."""

    code = "input"


class UnitError(InputError):
    """A unit that is unknown, or that cannot be converted into the one needed."""

    code = "unit"


class FileFormatError(ProjectError):
    """A file that is missing, broken, or not what it should be."""

    code = "file_format"

    @classmethod
    def from_validation(cls, err: ValidationError, *, what: str, where: str) -> FileFormatError:
        """The most telling of pydantic's complaints as one line.

        Parameters
        ----------
        err : pydantic.ValidationError
            What pydantic found.
        what : str
            What the file declares, with its article: "a claim".
        where : str
            File, and entry where it is known.
        """
        complaints = err.errors(include_url=False, include_context=False, include_input=False)
        # A misspelled key is reported as a missing and an unknown one: the unknown one tells more.
        first = min(complaints, key=lambda complaint: complaint["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        unknown = first["type"] == "extra_forbidden"
        return cls(
            f"{what} as the reference page describes it ({key})",
            found="a key that does not exist" if unknown else first["msg"],
            where=where,
            mend=f"correct {key}",
        )


class DataError(ProjectError):
    """Well-formed input that cannot carry the analysis."""

    exit_code = 3
    code = "data"


class FindingsError(ProjectError):
    """Checks or claims that fell; the work stops with exit code 1."""

    exit_code = 1
    code = "findings"
    longest_part = 1_000_000


class MissingExtraError(ProjectError):
    """An optional part of the package is needed and not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, module: str) -> None:
        super().__init__(
            f"the package {module}",
            found="it is not installed",
            mend=f"run: python -m pip install 'oncovivo[{extra}]'",
        )
        self.extra = extra


class ProjectWarning(UserWarning):
    """Base of every warning that oncovivo gives on purpose."""


class DataWarning(ProjectWarning):
    """Input was read, but something about it should be known."""
