"""Text, TOML and JSON as files of a project may hold them, with errors of one line.

The parsers of the standard library leave with more than their own error: a number of thousands of
digits and tables nested thousands deep are found by Python itself. Characters that no document
can show are refused here, before they reach a page or a PDF.
"""

from __future__ import annotations

import json
import re
import tomllib

from oncovivo.errors import FileFormatError

__all__ = ["check_characters", "parse_json", "parse_toml"]

# The control characters but tab and line ends, lone surrogates, and what XML has no place for.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def check_characters(text: str, *, where: str) -> None:
    """Refuse control characters and what else no document can show.

    Parameters
    ----------
    text : str
        Tabs and line ends are welcome.
    where : str
        The file, or the place in it.

    Raises
    ------
    FileFormatError
        If there is one; names its line when the text has several.

    Examples
    --------
    >>> check_characters("tumor volume, mm³", where="records.csv")
    """
    found = _UNPRINTABLE.search(text)
    if found is None:
        return
    line = f" line {text.count(chr(10), 0, found.start()) + 1}" if "\n" in text else ""
    raise FileFormatError(
        "text without control characters",
        found=f"the character U+{ord(found.group()):04X}",
        where=f"{where}{line}",
        mend="remove the character",
    )


def parse_toml(text: str, *, where: str) -> dict[str, object]:
    """The tables of a TOML text.

    Raises
    ------
    FileFormatError
        If it is not TOML, is nested too deeply, or holds control characters or a number of
        thousands of digits.

    Examples
    --------
    >>> parse_toml("a = 1", where="guide.toml")
    {'a': 1}
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise FileFormatError(
            "TOML", found=str(err), where=where, mend="correct the line that is named"
        ) from err
    except (ValueError, RecursionError) as err:
        raise _beyond_reason(err, "TOML", where=where) from err
    _check_strings(content, where=where)
    return content


def parse_json(text: str, *, where: str) -> object:
    """The value of a JSON text.

    Stricter than Python: ``NaN``, ``Infinity`` and a key that comes twice in one object are
    errors.

    Raises
    ------
    FileFormatError
        If it is not JSON, is nested too deeply, or holds control characters or a number of
        thousands of digits.

    Examples
    --------
    >>> parse_json("[1]", where="references.json")
    [1]
    """

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FileFormatError(
                "each key once in an object",
                found=f"{twice!r} twice",
                where=where,
                mend="remove one of them",
            )
        return content

    def no_number(word: str) -> object:
        raise FileFormatError(
            "JSON", found=f"{word}, which JSON does not have", where=where, mend="write null"
        )

    try:
        content: object = json.loads(text, object_pairs_hook=unique, parse_constant=no_number)
    except json.JSONDecodeError as err:
        raise FileFormatError(
            "JSON", found=err.msg, where=f"{where} line {err.lineno}", mend="correct the line"
        ) from err
    except (ValueError, RecursionError) as err:
        raise _beyond_reason(err, "JSON", where=where) from err
    _check_strings(content, where=where)
    return content


def _check_strings(content: object, *, where: str) -> None:
    """Refuse the same characters where an escape brought them into a value."""
    pending = [content]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            check_characters(value, where=where)
        elif isinstance(value, dict):
            pending += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            pending += value


def _beyond_reason(err: ValueError | RecursionError, what: str, *, where: str) -> FileFormatError:
    """The error for what Python's own limits stop."""
    deep = isinstance(err, RecursionError)
    return FileFormatError(
        what,
        found="brackets nested too deeply" if deep else "a number of thousands of digits",
        where=where,
        mend="correct the file",
    )
