"""``oncovivo mechanism fit``: the numbers of a mechanism model from the readings of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli.options import (
    DatesOption,
    DayZeroOption,
    DebugOption,
    FigureOption,
    FormulaOption,
    JsonOption,
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

__all__ = ["fit"]

PlanArgument = Annotated[
    Path, typer.Argument(metavar="PLAN.toml", help="Fit: simulation, arms, what is estimated.")
]
StudyArgument = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Study file (CSV, TSV, XLSX) or study folder.")
]
EstimatorOption = Annotated[
    Literal["population", "pooled", "animals"],
    typer.Option(
        "--estimator",
        help="All animals with what differs between them; all as one, a quick look; each alone.",
    ),
]
EngineOption = Annotated[
    Literal["numpy", "adaptive", "generated", "scipy"],
    typer.Option(
        help="How equations are solved: generated is the fastest and needs the extra mechanism; "
        "scipy takes stiff ones, an animal at a time."
    ),
]
LimitsOption = Annotated[
    bool,
    typer.Option("--limits/--no-limits", help="Profile limits of the pooled fit; take seconds."),
]
CheckOption = Annotated[
    int,
    typer.Option(
        "--vpc",
        metavar="N",
        min=0,
        help="Simulated studies of the visual predictive check, 20 or more; 0 for none.",
    ),
]
SaveOption = Annotated[
    Path | None,
    typer.Option(
        "--save-simulation",
        metavar="FILE.toml",
        help="Also write the simulation with the fitted numbers, for oncovivo simulate.",
    ),
]


ReadingsOption = Annotated[
    Path | None,
    typer.Option(
        "--readings",
        metavar="TABLE",
        help="Readings of further outputs that the plan names: animal_id, day, output, value.",
    ),
]


def fit(
    plan: PlanArgument,
    study_file: StudyArgument,
    estimator: EstimatorOption = "population",
    engine: EngineOption = "adaptive",
    vpc: CheckOption = 200,
    study: StudyOption = None,
    line: LineOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    formula: FormulaOption = None,
    dates: DatesOption = None,
    day_zero: DayZeroOption = None,
    limit: LimitOption = None,
    zeros: ZerosOption = None,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    readings: ReadingsOption = None,
    save_simulation: SaveOption = None,
    *,
    limits: LimitsOption = True,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fit a mechanism model to the volumes of a study, with what differs between animals.

    What the readings do not determine is named and gets no value. The exit code is 1 where the
    search did not converge, or a number is not determined or at the end of its range.

    Example: oncovivo mechanism fit mechanism/fit/plan.toml study.csv --figure fit.png
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.mechanism_fit import FitOptions, run_fit_file
    from oncovivo.analyses.mechanism_fit_files import (
        check_simulation_name,
        write_fit_figures,
        write_simulation,
    )
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    options = FitOptions(estimator=estimator, engine=engine, limits=limits, studies=vpc, seed=seed)
    reading = study_options(
        study=study,
        line=line,
        mapping=mapping,
        units=unit,
        formula=formula,
        dates=dates,
        day_zero=day_zero,
        limit=limit,
        zeros=zeros,
    )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    if save_simulation is not None:
        check_simulation_name(save_simulation, plan, estimator=estimator)
    with stages(quiet=as_json) as progress:
        found = run_fit_file(
            plan,
            study_file,
            options=options,
            study_options=reading,
            readings_path=readings,
            progress=progress,
        )
        if figure is not None:
            progress("drawing")
            write_figures(write_fit_figures, found, figure)
    if out is not None:
        write_table(found.to_frame(), out)
    saved = save_simulation
    if saved is not None and found.converged:
        write_simulation(found, plan, saved)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.fit_tables import show_fit

        show_fit(found, saved=saved)
    if not found.sound:
        raise typer.Exit(1)
