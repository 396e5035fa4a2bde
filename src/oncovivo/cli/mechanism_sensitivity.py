"""``oncovivo mechanism sensitivity``: which numbers an output hangs on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oncovivo.cli.options import DebugOption, JsonOption, SeedOption
from oncovivo.cli.progress import stages

if TYPE_CHECKING:
    from oncovivo.mechanism.sensitivity import Sensitivity

__all__ = ["sensitivity"]

FileArgument = Annotated[Path, typer.Argument(metavar="FILE.toml", help="Simulation file.")]
ArmOption = Annotated[
    str | None, typer.Option("--arm", metavar="ARM", help="The arm; else the last of the file.")
]
OutputOption = Annotated[
    str, typer.Option("--output", metavar="NAME", help="The output, such as tumor_volume.")
]
DayOption = Annotated[
    float | None, typer.Option("--day", metavar="D", help="The day; else the last.")
]
SobolOption = Annotated[
    int | None,
    typer.Option(
        "--sobol", metavar="N", help="Also Sobol indices, from N points, a power of 2; minutes."
    ),
]


def sensitivity(
    file: FileArgument,
    output: OutputOption,
    arm: ArmOption = None,
    day: DayOption = None,
    sobol: SobolOption = None,
    seed: SeedOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say which numbers an output hangs on, and whether these are assumed.

    The elasticity is the change of the output in percent for one percent of a number. Sobol
    indices share the variance of the output out among all numbers that vary.

    Example: oncovivo mechanism sensitivity renal_786o.toml --output tumor_volume --day 21
    """
    from oncovivo.analyses.sensitivity import run_sensitivity

    with stages(quiet=as_json) as progress:
        found = run_sensitivity(
            file, output=output, arm=arm, day=day, sobol=sobol, seed=seed, progress=progress
        )
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(found.result)
        typer.echo(f"seed {found.seed}")


def _show(result: Sensitivity) -> None:
    """Numbers by their weight, with their status."""
    from rich.console import Console
    from rich.text import Text

    from oncovivo.cli.tables import plain, simple_table
    from oncovivo.endpoints.wording import number_text

    console = Console(highlight=False)
    unit = "" if result.unit == "1" else f" {result.unit}"
    heading = (
        f"{result.output.replace('_', ' ')} of {result.arm} on day {result.time_d:g}: "
        f"{number_text(result.typical)}{unit} · SIMULATED"
    )
    console.print(Text(heading, style="bold"))
    indices = {row.parameter: row for row in result.indices}
    names = ("total index", "first-order index") if indices else ()
    shown = simple_table("number", "status", "elasticity", *names)
    for row in result.elasticities:
        index = indices.get(row.parameter)
        cells = (
            ()
            if not indices
            else ("—", "—")
            if index is None
            else (
                f"{index.total:.3f} ± {index.total_error:.3f}",
                f"{index.first:.3f} ± {index.first_error:.3f}",
            )
        )
        shown.add_row(
            plain(row.parameter),
            row.status,
            "—" if row.estimate is None else f"{row.estimate:+.3f}",
            *cells,
        )
    console.print(shown)
    if indices:
        of = "the logarithm of the output" if result.scale == "log" else "the output"
        console.print(f"indices of {of} from {result.runs} runs; ± half a 95% interval")
