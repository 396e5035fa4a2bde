"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.errors import InputError

__all__ = [
    "ArmsOption",
    "BaselineDayOption",
    "BelowLimitOption",
    "ControlOption",
    "DebugOption",
    "FileArgument",
    "JsonOption",
    "LimitOption",
    "LineOption",
    "MapOption",
    "SeedOption",
    "StudyOption",
    "TableOption",
    "ZerosOption",
    "read_mapping",
]

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Study file (CSV, TSV, XLSX) or study folder.")
]
ControlOption = Annotated[
    str | None,
    typer.Option("--control", metavar="ARM", help="The arm that the others are compared with."),
]
StudyOption = Annotated[
    str | None, typer.Option("--study", metavar="ID", help="Only this study of the file.")
]
LineOption = Annotated[
    str | None, typer.Option("--line", metavar="ID", help="Only this xenograft line.")
]
ArmsOption = Annotated[
    str | None, typer.Option("--arms", metavar="A,B,C", help="Only these arms, and the control.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="CANONICAL=THEIRS", help="Name of a column in the file; repeatable."
    ),
]
BaselineDayOption = Annotated[
    float | None,
    typer.Option("--baseline-day", metavar="D", help="Study day that volumes are relative to."),
]
LimitOption = Annotated[
    float | None,
    typer.Option("--limit", metavar="MM3", help="Smallest volume that can be measured, mm³."),
]
ZerosOption = Annotated[
    Literal["gone", "missing"] | None,
    typer.Option("--zeros", help="What zeros at the end of a common grid mean."),
]
BelowLimitOption = Annotated[
    Literal["censored", "omitted"],
    typer.Option("--below-limit", help="What becomes of readings below the limit."),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="Seed; else taken from the input's digest."),
]
TableOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Also write the table to a .csv or .xlsx."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def read_mapping(pairs: list[str] | None) -> dict[str, str]:
    """The column names that ``--map`` gives.

    Raises
    ------
    InputError
        If an entry is not ``canonical=theirs``, or a column is given twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs or ():
        canonical, equals, theirs = pair.partition("=")
        if not equals or not canonical.strip() or not theirs.strip():
            raise InputError(
                "canonical=theirs", found=repr(pair), where="--map", mend="as volume_mm3=TV"
            )
        if canonical.strip() in mapping:
            raise InputError("each column once", found=repr(pair), where="--map")
        mapping[canonical.strip()] = theirs.strip()
    return mapping
