"""``oncovivo panel``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    FileArgument,
    FormulaOption,
    JsonOption,
    LineOption,
    MapOption,
    StudyOption,
    TableOption,
    UnitOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages
from oncovivo.cli.study import RuleOption

if TYPE_CHECKING:
    from oncovivo.analyses.study_input import StudyOptions


def panel(
    file: FileArgument,
    rule: RuleOption = "published_text",
    study: StudyOption = None,
    line: LineOption = None,
    arms: ArmsOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    formula: FormulaOption = None,
    dates: DatesOption = None,
    day_zero: DayZeroOption = None,
    baseline_day: BaselineDayOption = None,
    zeros: ZerosOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Classify every animal of a panel of xenograft lines by mRECIST, and summarize.

    Example: oncovivo panel growth.csv --rule published_table
    """
    from oncovivo.analyses.contract import contract, input_digest
    from oncovivo.analyses.study_input import load_studies
    from oncovivo.cli.files import check_table_name, write_table
    from oncovivo.panels import compute_panel, read_panel

    reading = study_options(
        study=study,
        line=line,
        arms=arms,
        mapping=mapping,
        units=unit,
        formula=formula,
        dates=dates,
        day_zero=day_zero,
        baseline_day=baseline_day,
        zeros=zeros,
    )
    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        progress("reading")
        # The short way holds no studies, so that thousands of curves are read at once.
        chosen = any((study, line, arms, zeros))
        source = (
            load_studies(file, reading) if chosen else read_panel(file, reading.read_options())
        )
        result = compute_panel(source, rule=rule, baseline_day=baseline_day)
    if out is not None:
        write_table(result.to_frame(), out)
    if as_json:
        content = contract(
            "oncovivo.panel/1",
            source=input_digest(file),
            options={**_options(reading), "rule": rule},
            content=result.to_dict(),
        )
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.study_tables import show_panel

    show_panel(result)


def _options(reading: StudyOptions) -> dict[str, object]:
    """What was said about the file; limits have no say in a response."""
    without = ("limit_mm3", "below_limit")
    return {name: value for name, value in reading.to_dict().items() if name not in without}
