"""``oncovivo guide diff``: what changed between two built guides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli.options import DebugOption, JsonOption

__all__ = ["diff"]

OldArgument = Annotated[Path, typer.Argument(metavar="OLD", help="Built guide, or its bundle.")]
NewArgument = Annotated[Path, typer.Argument(metavar="NEW", help="Built guide, or its bundle.")]
PageOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="OUT.html", help="Also write a page.")
]
ToleranceOption = Annotated[
    float,
    typer.Option(
        "--tolerance",
        metavar="SHARE",
        help="Relative difference up to which numbers are the same.",
    ),
]


def diff(
    old: OldArgument,
    new: NewArgument,
    out: PageOption = None,
    tolerance: ToleranceOption = 1e-9,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what changed from one built guide to another: claims, numbers, rows, waivers, inputs.

    Exit 1 when a verdict became weaker; any other change, or none, is exit 0.

    Example: oncovivo guide diff build/last build/temsirolimus -o changes.html
    """
    from oncovivo.guide.diff import check_diff_name, diff_guides, write_diff

    if out is not None:
        check_diff_name(out)
    found = diff_guides(old, new, tolerance=tolerance)
    if out is not None:
        write_diff(found, out)
    if as_json:
        content = found.to_dict(old=str(old), new=str(new))
        content["written"] = [] if out is None else [str(out)]
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.guide_diff_tables import show_diff

        show_diff(found, out=out)
    if found.weaker:
        raise typer.Exit(1)
