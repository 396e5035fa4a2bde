"""``oncovivo design power``: how likely a planned study finds what is assumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from oncovivo.cli.options import DebugOption, FigureOption, JsonOption, SeedOption
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

__all__ = ["power"]

Number = TypeVar("Number", int, float)
PlanArgument = Annotated[
    Path, typer.Argument(metavar="POWER.toml", help="Arms, days, variation, question.")
]
AnimalsOption = Annotated[
    str | None,
    typer.Option("--animals", metavar="N,N,…", help="Also with so many animals in every arm."),
]
LastDaysOption = Annotated[
    str | None,
    typer.Option("--last-day", metavar="DAY,DAY,…", help="Also with readings up to these days."),
]
TargetOption = Annotated[
    float, typer.Option("--power", metavar="P", help="Power of the smallest effect.")
]
ReplicatesOption = Annotated[
    int | None,
    typer.Option("--replicates", metavar="N", help="Simulated studies; else those of the plan."),
]

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Also write the table (.csv, .xlsx) or figure (.svg, .png).",
    ),
]


def power(
    file: PlanArgument,
    animals: AnimalsOption = None,
    last_day: LastDaysOption = None,
    target: TargetOption = 0.8,
    replicates: ReplicatesOption = None,
    seed: SeedOption = None,
    out: OutOption = None,
    figure: FigureOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say how likely a planned study finds the assumed effect.

    Studies are simulated and fitted as `oncovivo growth` does, beside the closed form.

    Example: oncovivo design power power.toml --animals 6,8,10 -o power.svg
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.power import plan_power_file, write_power_figure
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    if figure is not None:
        check_figure_name(figure)
    if out is not None and out.suffix.lower() in (".svg", ".png"):
        if figure is not None:
            raise InputError(
                "one name for the figure", found=f"{figure.name} and {out.name}", where="-o"
            )
        figure, out = out, None
    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        result = plan_power_file(
            file,
            seed=seed,
            replicates=replicates,
            target=target,
            animals=_numbers(animals, int, option="--animals"),
            last_days=_numbers(last_day, float, option="--last-day"),
            progress=progress,
        )
    if out is not None:
        write_table(result.to_frame(), out)
    if figure is not None:
        write_figures(write_power_figure, result, figure)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.design_power_tables import show_power

    show_power(result)


def _numbers(text: str | None, kind: Callable[[str], Number], *, option: str) -> list[Number]:
    """Numbers between commas, each once."""
    try:
        found = [kind(part) for part in text.split(",")] if text is not None else []
    except ValueError:
        raise InputError("numbers between commas", found=repr(text), where=option) from None
    return list(dict.fromkeys(found))
