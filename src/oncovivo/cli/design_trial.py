"""``oncovivo design trial``: how many lines, and how many animals of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from oncovivo.cli.options import DebugOption, JsonOption, SeedOption, TableOption
from oncovivo.cli.progress import stages

__all__ = ["trial"]

PlanArgument = Annotated[
    Path, typer.Argument(metavar="TRIAL.toml", help="Effect, variation, days, lines, animals.")
]
ReplicatesOption = Annotated[
    int,
    typer.Option(
        "--replicates", min=0, metavar="N", help="Simulate N trials of each size and fit them."
    ),
]


def trial(
    file: PlanArgument,
    replicates: ReplicatesOption = 0,
    seed: SeedOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say how many lines and animals a mouse clinical trial needs.

    Example: oncovivo design trial trial.toml -o trial.csv
    """
    from oncovivo.analyses.trial_power import plan_trial_file
    from oncovivo.cli.files import check_table_name, write_table

    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        result = plan_trial_file(file, replicates=replicates, seed=seed, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.trial_tables import show_trial

    show_trial(result)
