"""``oncovivo design rerandomize``: test a study by the draw that allocated its animals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    DebugOption,
    FileArgument,
    JsonOption,
    LimitOption,
    LineOption,
    MapOption,
    SeedOption,
    StudyOption,
    TableOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from oncovivo.analyses.rerandomization import FileRerandomization

__all__ = ["rerandomize"]

RecordArgument = Annotated[
    Path,
    typer.Argument(metavar="RECORD.json", help="What design allocate --record wrote."),
]
AnimalsOption = Annotated[
    Path,
    typer.Option("--animals", metavar="FILE", help="The list of animals that was allocated."),
]
ControlArmOption = Annotated[
    str | None,
    typer.Option("--control", metavar="ARM", help="Arm to compare with; else as recorded."),
]
OutcomeOption = Annotated[
    Literal["rate", "log_volume"],
    typer.Option("--outcome", help="Growth rate of each animal, or log volume on --day."),
]
OutcomeDayOption = Annotated[
    float | None,
    typer.Option("--day", metavar="D", help="Study day of the outcome log_volume."),
]
ColumnOption = Annotated[
    str | None,
    typer.Option(
        "--column",
        metavar="NAME",
        help="FILE is a table with animal_id and this column: the outcome.",
    ),
]
DrawsOption = Annotated[
    int, typer.Option("--draws", metavar="N", help="Allocations to draw for each test.")
]


def rerandomize(
    record: RecordArgument,
    file: FileArgument,
    animals: AnimalsOption,
    control: ControlArmOption = None,
    outcome: OutcomeOption = "rate",
    day: OutcomeDayOption = None,
    column: ColumnOption = None,
    draws: DrawsOption = 9_999,
    study: StudyOption = None,
    line: LineOption = None,
    arms: ArmsOption = None,
    mapping: MapOption = None,
    baseline_day: BaselineDayOption = None,
    limit: LimitOption = None,
    zeros: ZerosOption = None,
    seed: SeedOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Test each arm against the control by the allocations that could have come instead.

    Needs no distribution of the outcome: the recorded draw is all it rests on.

    Example: oncovivo design rerandomize record.json growth.csv --animals animals.csv
    """
    from oncovivo.analyses.rerandomization import RerandomizationOptions, rerandomize_file
    from oncovivo.cli.files import check_table_name, write_table

    reading = study_options(
        study=study,
        line=line,
        mapping=mapping,
        baseline_day=baseline_day,
        zeros=zeros,
        limit=limit,
    )
    if column is not None and outcome != "rate":
        raise InputError("--outcome or --column", found="both", where="command line")
    options = RerandomizationOptions(
        control=control,
        arms=_names(arms),
        outcome=outcome if column is None else "column",
        day=day,
        column=column,
        draws=draws,
        seed=seed,
    )
    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        found = rerandomize_file(
            record, file, animals, options=options, reading=reading, progress=progress
        )
    if out is not None:
        write_table(found.to_frame(), out)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(found)


def _names(listed: str | None) -> tuple[str, ...]:
    """Arms between commas."""
    return tuple(name.strip() for name in (listed or "").split(",") if name.strip())


def _show(found: FileRerandomization) -> None:
    """A row for each test."""
    from rich.console import Console
    from rich.text import Text

    from oncovivo.cli.tables import plain, simple_table

    console = Console(highlight=False)
    options, design = found.options, found.record.design
    what = {
        "rate": "growth rate, per day",
        "log_volume": f"log volume on day {options.day or 0:g}",
        "column": options.column or "",
    }[options.outcome]
    console.print(Text(f"{found.study or found.source.name}: {what}", style="bold"))
    table = simple_table("arm", "n", "versus", "n", "difference", "p", "p (Holm)", "draws")
    for one in found.tests:
        test = one.test
        table.add_row(
            plain(one.arm),
            str(one.n),
            plain(one.versus),
            str(one.n_versus),
            "" if test is None else f"{test.difference:+.3g}",
            "" if test is None else f"{test.p_value:.4f}",
            "" if one.p_holm is None else f"{one.p_holm:.4f}",
            "" if test is None else f"{test.draws:,}",
        )
    console.print(table)
    for one in found.tests:
        if one.reason:
            console.print(plain(f"  {one.arm}: no test: {one.reason}"))
    units = "whole cages" if design.by_cage else "animals"
    kept = "" if found.record.threshold is None else ", balanced as the recorded one was"
    within = f" within {' and '.join(design.strata)}" if design.strata else ""
    console.print(
        plain(
            f"p: how often {units} that exchange places between the two arms{within}{kept}, give "
            f"a difference as far from zero; seed {found.seed}"
        )
    )
