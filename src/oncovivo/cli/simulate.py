"""``oncovivo simulate``: a mechanism model under a regimen, with what it rests on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli.options import DebugOption, FigureOption, JsonOption, SeedOption, TableOption
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

__all__ = ["simulate"]

SimulationArgument = Annotated[
    Path, typer.Argument(metavar="FILE.toml", help="Simulation: blocks, numbers, arms, days.")
]
EngineOption = Annotated[
    Literal["numpy", "adaptive", "generated", "scipy"],
    typer.Option(
        help="How equations are solved: generated compiles them for many animals, scipy takes "
        "stiff ones, an animal at a time."
    ),
]
ToleranceOption = Annotated[
    float | None,
    typer.Option("--rtol", metavar="E", help="Relative tolerance; else the engine's own."),
]
DrawsOption = Annotated[
    int | None,
    typer.Option("--draws", metavar="N", min=1, help="Draws behind the limits; else the file's."),
]
VirtualOption = Annotated[
    int | None,
    typer.Option("--virtual", metavar="N", min=1, help="Also write N virtual studies."),
]
StudyOutOption = Annotated[
    Path | None,
    typer.Option("--study-out", metavar="DIR", help="Folder of the virtual studies."),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace virtual studies that are there already.")
]


def simulate(
    file: SimulationArgument,
    engine: EngineOption = "adaptive",
    rtol: ToleranceOption = None,
    draws: DrawsOption = None,
    virtual: VirtualOption = None,
    study_out: StudyOutOption = None,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Simulate exposure, target, pathway and tumor under the regimens of a file.

    Every number that was used is listed with its source; how many of them are assumed or scaled
    stands beside each output. With ``--virtual`` the file's ``[study]`` makes studies of animals,
    which every other command reads.

    Example: oncovivo simulate mechanism/renal_786o.toml --figure renal.svg
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.simulation import (
        SimulationOptions,
        run_simulation_file,
        write_simulation_figure,
        write_virtual_studies,
    )
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    options = SimulationOptions(engine=engine, rtol=rtol, draws=draws, seed=seed)
    if (virtual is None) != (study_out is None):
        raise InputError(
            "--virtual and --study-out together",
            found="one of them",
            mend="name the number of studies and their folder",
        )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    folders: tuple[Path, ...] = ()
    with stages(quiet=as_json) as progress:
        found = run_simulation_file(file, options=options, progress=progress)
        if virtual is not None and study_out is not None:
            folders = write_virtual_studies(
                found, study_out, n_studies=virtual, overwrite=overwrite, progress=progress
            )
    if out is not None:
        write_table(found.to_frame(), out)
    if figure is not None:
        write_figures(write_simulation_figure, found, figure)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.simulation_tables import show_simulation

        show_simulation(found.result, folders)
