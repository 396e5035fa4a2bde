"""``oncovivo evidence``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli import screening
from oncovivo.cli.options import DebugOption, JsonOption

app = typer.Typer(help="Screen literature, and lint its rows.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Screen literature, and lint its rows."""


@app.command("lint")
def lint_folder(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with guide.toml.")],
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Find the defects of a guide project: in its rows, references, claims, texts and figures.

    Exit 1 when a finding stands that no waiver accepts.

    Example: oncovivo evidence lint examples/temsirolimus
    """
    from oncovivo.analyses import lint_project, lint_summary, read_project

    project = read_project(folder)
    findings = lint_project(project)
    if as_json:
        summary = lint_summary(project, findings)
        typer.echo(json.dumps(summary, ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.tables import show_findings

        show_findings(findings)
    if any(not finding.waived for finding in findings):
        raise typer.Exit(1)


app.command("import")(screening.import_files)
app.command("duplicates")(screening.duplicates)
app.command("screen")(screening.screen)
app.command("prisma")(screening.prisma)
