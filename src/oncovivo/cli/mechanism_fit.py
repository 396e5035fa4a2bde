"""``oncovivo mechanism fit``: the numbers of a mechanism model from the readings of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    DebugOption,
    FigureOption,
    JsonOption,
    LimitOption,
    LineOption,
    SeedOption,
    StudyOption,
    TableOption,
)
from oncovivo.cli.progress import stages

if TYPE_CHECKING:
    from oncovivo.analyses.mechanism_fit import FileFit

__all__ = ["fit"]

PlanArgument = Annotated[
    Path, typer.Argument(metavar="PLAN.toml", help="Fit: simulation, arms, what is estimated.")
]
StudyArgument = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Study with volumes, as every command reads it.")
]
EngineOption = Annotated[
    Literal["numpy", "adaptive", "generated", "scipy"],
    typer.Option(help="How equations are solved; generated is fastest and needs an extra."),
]
StudiesOption = Annotated[
    int,
    typer.Option("--vpc", metavar="N", min=20, help="Simulated studies of the visual check."),
]


def fit(
    plan: PlanArgument,
    study_file: StudyArgument,
    engine: EngineOption = "adaptive",
    studies: StudiesOption = 200,
    study: StudyOption = None,
    line: LineOption = None,
    limit: LimitOption = None,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Fit a mechanism model to the volumes of a study, with what differs between animals.

    What the readings do not determine is named and gets no value. The exit code is 1 where the
    search did not converge, or a parameter is not determined or at the end of its range.

    Example: oncovivo mechanism fit mechanism/fit.toml study.csv --figure vpc.png
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.mechanism_fit import FitOptions, run_fit_file, write_fit_figure
    from oncovivo.analyses.study_input import StudyOptions
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    with stages(quiet=as_json) as progress:
        found = run_fit_file(
            plan,
            study_file,
            options=FitOptions(engine=engine, studies=studies, seed=seed),
            study_options=StudyOptions(study=study, line=line, limit_mm3=limit),
            progress=progress,
        )
    if out is not None:
        write_table(found.to_frame(), out)
    if figure is not None:
        write_figures(write_fit_figure, found, figure)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(found)
    if not found.fit.sound:
        raise typer.Exit(1)


def _show(found: FileFit) -> None:
    """The fit as text."""
    from rich.console import Console

    from oncovivo.cli.tables import plain, simple_table

    fit, console = found.fit, Console()
    console.print(plain(fit.plan.title))
    growth = fit.data.growth
    console.print(
        plain(
            f"  {growth.n_animals} animals, {growth.n_observations} readings, "
            f"{int(growth.below_limit.sum())} below the limit"
        )
    )
    for note in fit.data.notes:
        console.print(plain(f"  {note}"))
    table = simple_table(
        "parameter", "unit", "estimate", "95% limits", "between animals", "pooled"
    )
    for one in fit.parameters:
        table.add_row(
            one.name,
            plain(one.unit),
            _number(one.estimate) if one.identified else "not determined",
            f"{_number(one.lower)} to {_number(one.upper)}" if one.identified else "",
            "" if one.spread is None else f"sd {one.spread:.2g}",
            _number(one.pooled),
        )
    console.print(table)
    error = 2.0 * fit.monte_carlo_error
    console.print(
        plain(
            f"  error of a log reading {fit.sigma:.3g}; -2 log likelihood "
            f"{-2 * fit.log_likelihood:.1f} ± {error:.1f}; AIC {fit.aic:.1f}"
        )
    )
    share = found.check.share_inside
    if share is not None:
        console.print(
            plain(f"  visual check: {100 * share:.0f}% of the percentiles are inside their bands")
        )
    for warning in fit.warnings:
        console.print(plain(f"  {warning.code}: {warning.message}"))


def _number(value: float | None) -> str:
    """A number with three digits; empty for none."""
    return "" if value is None else f"{value:.3g}"
