"""``oncovivo design schedule``: the calendar of doses and measurements."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oncovivo.cli.design_sheets import PlanOutOption, SheetOption
from oncovivo.cli.options import DateOption, DebugOption, JsonOption

if TYPE_CHECKING:
    from oncovivo.analyses.design_schedule import ScheduleResult

__all__ = ["schedule"]

ScheduleArgument = Annotated[
    Path, typer.Argument(metavar="SCHEDULE.toml", help="Start, arms, measuring rule, closed days.")
]
ProjectionsOption = Annotated[
    Path | None,
    typer.Option(
        "--projections",
        metavar="FILE.json",
        help="JSON of design endpoints: measure closer from its first projected day on.",
    ),
]


def schedule(
    file: ScheduleArgument,
    projections: ProjectionsOption = None,
    out: PlanOutOption = None,
    sheet: SheetOption = None,
    date: DateOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what is done on which day: doses and measurements, with dates.

    Example: oncovivo design schedule schedule.toml -o calendar.pdf
    """
    from functools import partial

    from oncovivo.analyses.design_schedule import plan_schedule_file
    from oncovivo.cli.design_sheets import check_outputs, write_outputs
    from oncovivo.guide.calendar_sheet import calendar_document

    check_outputs(out, sheet)
    result = plan_schedule_file(file, projections=projections)
    document = partial(calendar_document, result)
    write_outputs(out, sheet, table=result.to_frame, document=document, date=date)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(result)


def _show(result: ScheduleResult) -> None:
    """A line for each day with something to do."""
    from rich.console import Console
    from rich.text import Text

    from oncovivo.cli.tables import plain, simple_table

    console = Console(highlight=False)
    console.print(Text(result.title, style="bold"))
    table = simple_table("day", "date", "", "measure", "dose")
    for day, group in groupby(result.entries, key=lambda entry: entry.day):
        entries = list(group)
        doses = [
            entry.arm + (f" (of day {entry.planned_day})" if entry.planned_day != day else "")
            for entry in entries
            if entry.task == "dose"
        ]
        measured = [entry.detail for entry in entries if entry.task == "measure"]
        table.add_row(
            str(day),
            entries[0].date,
            entries[0].weekday,
            plain(", ".join(measured)),
            plain(", ".join(dict.fromkeys(doses))),
        )
    console.print(table)
    for arm in result.plan.arms:
        what = "nothing" if arm.regimen is None else str(arm.regimen)
        console.print(plain(f"  {arm.name}: {what}"))
