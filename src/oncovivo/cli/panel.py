"""``oncovivo panel``."""

from __future__ import annotations

import json

import typer

from oncovivo.cli.options import (
    BaselineDayOption,
    DebugOption,
    FileArgument,
    JsonOption,
    TableOption,
)
from oncovivo.cli.progress import stages
from oncovivo.cli.study import RuleOption


def panel(
    file: FileArgument,
    rule: RuleOption = "published_text",
    baseline_day: BaselineDayOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Classify every animal of a panel of xenograft lines by mRECIST, and summarize.

    Example: oncovivo panel growth.csv --rule published_table
    """
    from oncovivo.analyses.contract import contract, input_digest
    from oncovivo.panels import compute_panel

    with stages(quiet=as_json) as progress:
        progress("reading")
        result = compute_panel(file, rule=rule, baseline_day=baseline_day)
    if out is not None:
        from oncovivo.cli.files import write_table

        write_table(result.to_frame(), out)
    if as_json:
        content = contract(
            "oncovivo.panel/1",
            source=input_digest(file),
            options={"rule": rule, "baseline_day": baseline_day},
            content=result.to_dict(),
        )
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.study_tables import show_panel

    show_panel(result)
