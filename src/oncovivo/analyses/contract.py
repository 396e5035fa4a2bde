"""The one JSON object that a command prints: schema, input, options, seed, content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oncovivo.provenance import InputFile, digest_file, digest_inputs

__all__ = ["contract", "input_digest"]


def input_digest(path: Path) -> InputFile:
    """The digest of a file, or of all files of a folder.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if not path.is_dir():
        return digest_file(path, name=path.name)
    files = sorted(part for part in path.iterdir() if part.is_file())
    digests = [digest_file(part, name=part.name) for part in files]
    return InputFile(name=path.name, sha256=digest_inputs(digests))


def contract(
    schema: str,
    *,
    source: InputFile,
    options: Mapping[str, object],
    seed: int | None = None,
    content: Mapping[str, object],
    warnings: tuple[Mapping[str, object], ...] = (),
) -> dict[str, object]:
    """The object in the order in which a person reads it.

    Parameters
    ----------
    schema : str
        Name and version, as ``oncovivo.lint/1``.
    source : InputFile
        What was read.
    options : mapping
        Every option with its value, defaults included.
    seed : int, optional
        None when nothing was drawn at random.
    content : mapping
        The results.
    warnings : tuple of mapping
        Each with code, message and what it points to.
    """
    return {
        "schema": schema,
        "input": {"name": source.name, "sha256": source.sha256},
        "options": dict(options),
        "seed": seed,
        **content,
        "warnings": [dict(warning) for warning in warnings],
    }
