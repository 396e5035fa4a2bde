"""``oncovivo guide``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli import guide_diff, guide_new
from oncovivo.cli.options import DebugOption, JsonOption
from oncovivo.cli.progress import stages

app = typer.Typer(help="Start, build and compare guides.", no_args_is_help=True)


@app.command()
def build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with guide.toml.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write the guide to.")],
    date: Annotated[
        str | None,
        typer.Option(
            help="Date that the guide prints, YYYY-MM-DD; else SOURCE_DATE_EPOCH, else today."
        ),
    ] = None,
    *,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything anew, and keep nothing.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Build a guide: index.html, guide.pdf, guide.json and the bundle they are rendered from.

    Exit 1 when a claim does not get the verdict that it expects; nothing is written then. Results
    and pictures are kept in DIR/.oncovivo-cache, which is safe to delete.

    Example: oncovivo guide build examples/temsirolimus -o build/temsirolimus
    """
    from oncovivo.guide import build_guide, guide_summary
    from oncovivo.provenance import build_date

    with stages(quiet=as_json) as progress:
        # A link or '.' stands for the folder behind it, which is what is replaced.
        built = build_guide(
            folder, out.resolve(), built=build_date(date), progress=progress, cached=not no_cache
        )
    summary = guide_summary(built.bundle)
    if as_json:
        written = {name: str(out / name) for name in ("index.html", "guide.pdf", "guide.json")}
        options = {
            "folder": str(folder),
            "out": str(out),
            "date": built.bundle.provenance.date,
            "cache": not no_cache,
        }
        typer.echo(
            json.dumps(
                {**summary, "options": options, "written": written, "seconds": built.seconds},
                ensure_ascii=False,
                allow_nan=False,
            )
        )
        return
    from oncovivo.cli.tables import show_build

    show_build(built.bundle, out=out, seconds=sum(built.seconds.values()))


app.command("new")(guide_new.new)
app.command("diff")(guide_diff.diff)
