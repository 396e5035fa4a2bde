"""``oncovivo report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    BelowLimitOption,
    ControlOption,
    DateOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    EventOption,
    FileArgument,
    FormulaOption,
    JsonOption,
    LevelOption,
    LimitOption,
    LineOption,
    MapOption,
    SeedOption,
    StudyOption,
    UnitOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages
from oncovivo.cli.study import DayOption, RuleOption


def report(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT.html", help="Page to write.")],
    control: ControlOption = None,
    day: DayOption = None,
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
    rule: RuleOption = "published_text",
    event: EventOption = None,
    level: LevelOption = 0.95,
    seed: SeedOption = None,
    date: DateOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make one page of a study file: checks, curves, endpoints, response, tolerability, leavers.

    Tables (CSV, XLSX) and figures (SVG, PNG) go into a folder beside the page.

    Example: oncovivo report growth.csv --control Vehicle -o report.html
    """
    from oncovivo.analyses import AnalysisOptions
    from oncovivo.guide import build_report
    from oncovivo.provenance import build_date
    from oncovivo.survival.events import parse_event

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
    options = AnalysisOptions(control=control, day=day, rule=rule, level=level, seed=seed)
    with stages(quiet=as_json) as progress:
        made = build_report(
            file,
            out,
            built=build_date(date),
            reading=reading,
            options=options,
            event=None if event is None else parse_event(event),
            progress=progress,
        )
    if as_json:
        content = {**made.analysis.to_dict(), "written": [str(path) for path in made.written]}
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
    else:
        typer.echo(made.checks.summary().split("\n")[0])
        for skipped in made.analysis.skipped:
            typer.echo(f"{skipped.study_id} was not analysed: {skipped.reason}")
        for path in made.written:
            typer.echo(str(path))
    if made.analysis.skipped:
        raise typer.Exit(1)
