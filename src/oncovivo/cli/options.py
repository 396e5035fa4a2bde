"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from oncovivo.analyses.study_input import StudyOptions
    from oncovivo.studies.caliper import VolumeFormula
    from oncovivo.studies.dates import DateOrder

__all__ = [
    "ArmsOption",
    "BaselineDayOption",
    "BelowLimitOption",
    "ControlOption",
    "DateOption",
    "DatesOption",
    "DayZeroOption",
    "DebugOption",
    "EventOption",
    "FigureOption",
    "FileArgument",
    "FormulaOption",
    "JsonOption",
    "LevelOption",
    "LimitOption",
    "LineOption",
    "MapOption",
    "SeedOption",
    "StudyOption",
    "TableOption",
    "UnitOption",
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
UnitOption = Annotated[
    list[str] | None,
    typer.Option(
        "--unit", metavar="COLUMN=UNIT", help="Unit of a column, as length_mm=cm; repeatable."
    ),
]
FormulaOption = Annotated[
    Literal["half_l_w2", "pi_6_l_w2", "pi_6_l_w_h", "half_l_w_h", "pi_6_d3", "pi_6_l_w_mean"]
    | None,
    typer.Option("--formula", help="Formula by which volumes are made from diameters."),
]
DatesOption = Annotated[
    Literal["day_first", "month_first"] | None,
    typer.Option("--dates", help="Order of day and month in dates such as 3/4/2024."),
]
DayZeroOption = Annotated[
    str | None,
    typer.Option(
        "--day-zero", metavar="DATE", help="Date of day 0, or: treatment, implant, first."
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
EventOption = Annotated[
    str | None,
    typer.Option(
        "--event",
        metavar="EVENT",
        help="doubling, quadrupling, multiple:K, volume:MM3, progression, nadir, death, "
        "humane_endpoint; quadrupling unless given.",
    ),
]
FigureOption = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Also draw the result: .svg or .png."),
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
    units: list[str] | None = None,
    formula: VolumeFormula | None = None,
    dates: DateOrder | None = None,
    day_zero: str | None = None,
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
        units=parse_mapping(units or []),
        formula=formula,
        date_order=dates,
        day_zero=day_zero,
        baseline_day=baseline_day,
        limit_mm3=limit,
        zeros=zeros,
        below_limit=below_limit,
    )
