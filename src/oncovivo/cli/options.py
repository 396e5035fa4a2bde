"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from oncovivo.analyses.study_input import StudyOptions

__all__ = [
    "ArmsOption",
    "BaselineDayOption",
    "BelowLimitOption",
    "ControlOption",
    "DateOption",
    "DebugOption",
    "FileArgument",
    "JsonOption",
    "LevelOption",
    "LimitOption",
    "LineOption",
    "MapOption",
    "SeedOption",
    "StudyOption",
    "TableOption",
    "ZerosOption",
    "study_options",
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
LevelOption = Annotated[
    float,
    typer.Option("--level", metavar="P", min=0.5, max=0.999, help="Confidence of intervals."),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", min=0, help="Seed; else taken from the input's digest."),
]
TableOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Also write the table to a .csv or .xlsx."),
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", help="Date to print, YYYY-MM-DD; else SOURCE_DATE_EPOCH, else today."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def study_options(
    *,
    study: str | None = None,
    line: str | None = None,
    arms: str | None = None,
    mapping: list[str] | None = None,
    baseline_day: float | None = None,
    limit: float | None = None,
    zeros: Literal["gone", "missing"] | None = None,
    below_limit: Literal["censored", "omitted"] = "censored",
    control: str | None = None,
) -> StudyOptions:
    """What the command line says about a study file; the control is kept among chosen arms.

    Raises
    ------
    InputError
        If an option is malformed.
    """
    from oncovivo.analyses.study_input import StudyOptions, parse_mapping

    chosen = tuple(name.strip() for name in (arms or "").split(",") if name.strip())
    if chosen and control is not None and control not in chosen:
        chosen = (control, *chosen)
    return StudyOptions(
        study=study,
        line=line,
        arms=chosen,
        mapping=parse_mapping(mapping or []),
        baseline_day=baseline_day,
        limit_mm3=limit,
        zeros=zeros,
        below_limit=below_limit,
    )
