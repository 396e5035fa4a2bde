"""``oncovivo guide new``: start a guide project."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli.options import DebugOption, JsonOption

__all__ = ["new"]

NameArgument = Annotated[Path, typer.Argument(metavar="NAME", help="Folder to make.")]
CompoundOption = Annotated[
    str, typer.Option("--compound", metavar="NAME", help="The compound that the guide is about.")
]
ClassOption = Annotated[
    str | None,
    typer.Option("--class", metavar="NAME", help="Its class, as 'PI3K inhibitors'."),
]
TitleOption = Annotated[str | None, typer.Option("--title", help="Title; else from the compound.")]


def new(
    name: NameArgument,
    compound: CompoundOption,
    group: ClassOption = None,
    title: TitleOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Start a guide project for any compound: commented files that build at once.

    Example: oncovivo guide new my-guide --compound alpelisib --class "PI3K inhibitors"
    """
    from oncovivo.analyses.new_project import start_project

    made = start_project(name, compound=compound, group=group, title=title)
    if as_json:
        typer.echo(json.dumps(made.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    for file in made.written:
        typer.echo(str(name / file))
    if not made.known:
        typer.echo(
            f"{made.name} does not ship with oncovivo and was added to evidence/compounds.csv as "
            f"{made.compound}; add its identifiers there"
        )
    out = Path("build") / name.resolve().name
    typer.echo(f"next: {shlex.join(['oncovivo', 'guide', 'build', str(name), '-o', str(out)])}")
