"""``oncovivo survival``: times to an event, from growth files and survival tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    BelowLimitOption,
    ControlOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    EventOption,
    FigureOption,
    FileArgument,
    FormulaOption,
    JsonOption,
    LevelOption,
    LimitOption,
    LineOption,
    MapOption,
    SeedOption,
    StudyOption,
    TableOption,
    UnitOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["survival"]

EventTimeOption = Annotated[
    Literal["visit", "interpolated", "interval"] | None,
    typer.Option(
        "--event-time",
        help="Time of a growth event: the visit, interpolated, or the interval between visits; "
        "by default tests use the interval, curves the interpolated time.",
    ),
]
IntervalOption = Annotated[
    Literal["plain", "log", "loglog", "betaproduct"] | None,
    typer.Option(
        "--interval", help="Limits of curves and medians; else betaproduct below 10 events."
    ),
]
CauseOption = Annotated[
    str | None,
    typer.Option("--cause", metavar="CAUSE", help="The cause of a table that is the event."),
]
StrataOption = Annotated[
    str | None, typer.Option("--strata", metavar="COLUMN", help="Strata of a survival table.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="COLUMN",
        help="Column of the cage or litter of a survival table; cage of a growth file.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="COLUMN=VALUE", help="Only such rows of a survival table; repeatable."
    ),
]
ReasonOption = Annotated[
    list[str] | None,
    typer.Option(
        "--reason",
        metavar="REASON=ROLE",
        help="What leaving for a reason is: event, competing or censored; repeatable.",
    ),
]
TauOption = Annotated[
    float | None,
    typer.Option(
        "--tau", metavar="T", help="Horizon of restricted means; else as far as all is known."
    ),
]
DoseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dose", metavar="ARM=DOSE", help="Dose of an arm, for a test of trend; repeatable."
    ),
]
WeightsOption = Annotated[
    str | None,
    typer.Option("--weights", metavar="RHO,GAMMA", help="Also a Fleming-Harrington test, as 0,1."),
]
DrawsOption = Annotated[
    int,
    typer.Option(
        "--draws", metavar="N", min=99, help="Relabelings drawn where not all can be looked at."
    ),
]


def survival(
    file: FileArgument,
    control: ControlOption = None,
    event: EventOption = None,
    event_time: EventTimeOption = None,
    interval: IntervalOption = None,
    cause: CauseOption = None,
    strata: StrataOption = None,
    cluster: ClusterOption = None,
    only: OnlyOption = None,
    reason: ReasonOption = None,
    tau: TauOption = None,
    dose: DoseOption = None,
    weights: WeightsOption = None,
    draws: DrawsOption = 10_000,
    study: StudyOption = None,
    line: LineOption = None,
    arms: ArmsOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    formula: FormulaOption = None,
    dates: DatesOption = None,
    day_zero: DayZeroOption = None,
    baseline_day: BaselineDayOption = None,
    limit: LimitOption = None,
    zeros: ZerosOption = None,
    below_limit: BelowLimitOption = "censored",
    level: LevelOption = 0.95,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare times to an event: curves, medians, rank tests, hazard ratios, restricted means.

    FILE holds growth curves, from which events are made, or a survival table with the columns
    animal_id, treatment, time (or time_days, time_weeks, start and stop) and event or cause.

    Example: oncovivo survival growth.csv --control Vehicle --event quadrupling
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.survival_analysis import analyse_survival_file
    from oncovivo.analyses.survival_files import write_survival_figures
    from oncovivo.analyses.survival_result import SurvivalOptions
    from oncovivo.cli.files import check_table_name, write_figures, write_table
    from oncovivo.survival.events import parse_event, parse_reasons

    reading = study_options(
        study=study,
        line=line,
        arms=arms,
        mapping=mapping,
        units=unit,
        formula=formula,
        dates=dates,
        day_zero=day_zero,
        baseline_day=baseline_day,
        zeros=zeros,
        limit=limit,
        below_limit=below_limit,
        control=control,
    )
    options = SurvivalOptions(
        control=control,
        event=None if event is None else parse_event(event),
        event_time=event_time,
        interval=interval,
        cause=cause,
        strata=strata,
        cluster=cluster,
        only=_pairs(only or (), "--only", "COLUMN=VALUE"),
        reasons=parse_reasons(_pairs(reason or (), "--reason", "REASON=ROLE")),
        tau=tau,
        doses={
            name: _number(text, "--dose")
            for name, text in _pairs(dose or (), "--dose", "ARM=DOSE").items()
        },
        weights=None if weights is None else _two_numbers(weights),
        level=level,
        seed=seed,
        draws=draws,
    )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    with stages(quiet=as_json) as progress:
        result = analyse_survival_file(file, reading=reading, options=options, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if figure is not None:
        write_figures(write_survival_figures, result, figure)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.survival_tables import show_survival

        show_survival(result)
    if result.skipped:
        raise typer.Exit(1)


def _pairs(given: Sequence[str], where: str, form: str) -> dict[str, str]:
    """``NAME=VALUE`` options as a mapping; names may hold ``=`` but for the last."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.rpartition("=")
        if not (sign and name.strip() and value.strip()):
            raise InputError(form, found=repr(text), where=where)
        if name.strip() in found:
            raise InputError("each name once", found=f"'{name.strip()}' twice", where=where)
        found[name.strip()] = value.strip()
    return found


def _number(text: str, where: str) -> float:
    """A number of the command line."""
    try:
        return float(text)
    except ValueError as error:
        raise InputError("a number", found=repr(text), where=where) from error


def _two_numbers(text: str) -> tuple[float, float]:
    """Rho and gamma."""
    parts = text.split(",")
    if len(parts) != 2:
        raise InputError("two numbers such as 0,1", found=repr(text), where="--weights")
    return _number(parts[0], "--weights"), _number(parts[1], "--weights")
