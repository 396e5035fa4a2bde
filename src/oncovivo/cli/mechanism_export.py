"""``oncovivo mechanism export``: a simulation for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli.options import DebugOption, JsonOption, SeedOption

__all__ = ["export"]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="Simulation to write.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="File to write.")],
    file_format: Annotated[
        Literal["sbml", "antimony", "rxode2", "nonmem"],
        typer.Option("--format", help="What to write."),
    ],
    arm: Annotated[
        str | None,
        typer.Option("--arm", metavar="NAME", help="The arm; a dataset has all unless told."),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(
            "--study", metavar="STUDY", help="Animals of a dataset; else one virtual study."
        ),
    ] = None,
    seed: SeedOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write one arm's typical animal as SBML, Antimony or rxode2 text, or animals as a dataset.

    SBML is Level 3 Version 2 with time in days. The text for rxode2 is not executed here. A
    dataset in the manner of NONMEM comes with a key of its numbers.

    Example: oncovivo mechanism export renal_786o.toml --format sbml --arm temsirolimus -o m.xml
    """
    from oncovivo.analyses.exchange import export_simulation_file

    made = export_simulation_file(
        file, out, file_format=file_format, arm=arm, study=study, seed=seed
    )
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    for path in made.written:
        typer.echo(str(path))
    for note in made.notes:
        typer.echo(note)
