"""``oncovivo mechanism``: what a mechanism model is asked beside its simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli import mechanism_export, mechanism_fit
from oncovivo.cli.options import DebugOption, FigureOption, JsonOption, SeedOption, TableOption
from oncovivo.cli.progress import stages

__all__ = ["app"]

app = typer.Typer(
    help="Ask a mechanism model: fits, schedules, sensitivities, text for other programs.",
    no_args_is_help=True,
)

ScheduleArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE.toml", help="Schedules: simulation, candidates, objectives."),
]
EngineOption = Annotated[
    Literal["numpy", "adaptive", "scipy"],
    typer.Option(help="How equations are solved; scipy for stiff ones, an animal at a time."),
]
DrawsOption = Annotated[
    int | None,
    typer.Option(
        "--draws", metavar="N", min=1, help="Draws of the uncertain numbers; else the file's."
    ),
]


@app.callback()
def group() -> None:
    """Ask a mechanism model: fits, schedules, sensitivities, text for other programs."""


@app.command("schedule")
def schedule(
    file: ScheduleArgument,
    engine: EngineOption = "adaptive",
    draws: DrawsOption = None,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare regimens: which are on the Pareto front, and in what share of the draws.

    Doses, intervals and start days of a file are combined, simulated with the same draws of the
    uncertain numbers, and held against its objectives. The answer is a front, not a regimen.

    Example: oncovivo mechanism schedule mechanism/schedules/daily.toml --figure front.svg
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.schedules import (
        ScheduleOptions,
        run_schedule_file,
        write_schedule_figure,
    )
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    options = ScheduleOptions(engine=engine, draws=draws, seed=seed)
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    with stages(quiet=as_json) as progress:
        found = run_schedule_file(file, options=options, progress=progress)
    if out is not None:
        write_table(found.to_frame(), out)
    if figure is not None:
        write_figures(write_schedule_figure, found, figure)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.schedule_tables import show_schedules

        show_schedules(found.result)


app.command("fit")(mechanism_fit.fit)
app.command("export")(mechanism_export.export)
