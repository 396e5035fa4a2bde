"""``oncovivo study``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    BelowLimitOption,
    ControlOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    FileArgument,
    FormulaOption,
    JsonOption,
    LevelOption,
    LimitOption,
    LineOption,
    MapOption,
    SeedOption,
    StudyOption,
    TableOption,
    UnitOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oncovivo.studies import Study

app = typer.Typer(help="Read, check and analyse animal-level studies.", no_args_is_help=True)

DayOption = Annotated[
    float | None,
    typer.Option(
        "--day",
        metavar="D",
        help="Study day of fixed-day endpoints; else the last with 80 % and 3 animals per arm.",
    ),
]
RuleOption = Annotated[
    Literal["published_text", "published_table"],
    typer.Option("--rule", help="Which readings mRECIST counts."),
]


@app.command()
def check(
    file: FileArgument,
    control: ControlOption = None,
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
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what is wrong with a study file, with code, rows and how to mend it.

    Exit 1 when there is an error or a warning; a remark does not fail.

    Example: oncovivo study check growth.csv --control Vehicle
    """
    from oncovivo.studies.check import CheckOptions, check_file

    given = study_options(
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
    options = CheckOptions(
        study=given.study,
        line=given.line,
        arms=given.arms,
        control=control,
        reading=given.read_options(),
        baseline_day=given.baseline_day,
        zeros=given.zeros,
    )
    with stages(quiet=as_json) as progress:
        progress("checking")
        report = check_file(file, options=options)
    if as_json:
        content = {**report.to_dict(), "seed": None, "warnings": []}
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.study_tables import show_report

        show_report(report)
    if report.failed:
        raise typer.Exit(1)


@app.command()
def endpoints(
    file: FileArgument,
    control: ControlOption = None,
    day: DayOption = None,
    study: StudyOption = None,
    line: LineOption = None,
    arms: ArmsOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    formula: FormulaOption = None,
    dates: DatesOption = None,
    day_zero: DayZeroOption = None,
    baseline_day: BaselineDayOption = None,
    limit: LimitOption = None,
    zeros: ZerosOption = None,
    below_limit: BelowLimitOption = "censored",
    rule: RuleOption = "published_text",
    level: LevelOption = 0.95,
    seed: SeedOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compute every endpoint of the field by its name, with interval, n and reason.

    Every study and line of the file is analysed. One without the control arm, or that cannot carry
    the analysis, is reported and makes the exit code 1.

    Example: oncovivo study endpoints growth.csv --control Vehicle
    """
    from oncovivo.analyses.study_analysis import AnalysisOptions, analyse_file
    from oncovivo.cli.files import check_table_name, write_table

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
        limit=limit,
        below_limit=below_limit,
        control=control,
    )
    options = AnalysisOptions(control=control, day=day, rule=rule, level=level, seed=seed)
    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        result = analyse_file(file, reading=reading, options=options, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.study_tables import show_endpoints

        show_endpoints(result)
    if result.skipped:
        raise typer.Exit(1)


@app.command()
def convert(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write study folders to.")],
    study: StudyOption = None,
    line: LineOption = None,
    arms: ArmsOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    formula: FormulaOption = None,
    dates: DatesOption = None,
    day_zero: DayZeroOption = None,
    zeros: ZerosOption = None,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of a study that is there.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Read a study file and write each study as a folder that reads back without loss.

    Zeros stay as undecided as they are in the file unless --zeros says what they are.

    Example: oncovivo study convert growth.xlsx -o studies
    """
    from oncovivo.analyses.contract import contract, input_digest
    from oncovivo.analyses.study_input import read_selection
    from oncovivo.studies import write_study

    reading = study_options(
        study=study,
        line=line,
        arms=arms,
        mapping=mapping,
        units=unit,
        formula=formula,
        dates=dates,
        day_zero=day_zero,
        zeros=zeros,
    )
    with stages(quiet=as_json) as progress:
        progress("reading")
        studies = read_selection(file, reading).studies
        folders = [out] if len(studies) == 1 else [out / name for name in _folder_names(studies)]
        written: list[tuple[str, str, list[str]]] = []
        for found, folder in zip(studies, folders, strict=True):
            progress(found.study_id)
            files = [str(path) for path in write_study(found, folder, overwrite=overwrite)]
            written.append((found.study_id, found.line.name, files))
    if as_json:
        content = contract(
            "oncovivo.study_convert/1",
            source=input_digest(file),
            options={**reading.to_dict(), "out": str(out), "overwrite": overwrite},
            content={
                "studies": [
                    {"study": name, "line": line_name, "files": files}
                    for name, line_name, files in written
                ]
            },
        )
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    for _, _, files in written:
        for name in files:
            typer.echo(name)


def _folder_names(studies: Sequence[Study]) -> list[str]:
    """A folder for each study, named after its id; no two alike on any system."""
    names: list[str] = []
    for study in studies:
        plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in study.study_id)
        base = plain.strip(".") or "study"
        name, number = base, 2
        while name.casefold() in map(str.casefold, names):
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names
