"""``oncovivo panel``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    ControlOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    FigureOption,
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
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from oncovivo.analyses.panel_trial import PanelTrial
    from oncovivo.analyses.study_input import StudyOptions

TreatmentsOption = Annotated[
    str | None,
    typer.Option(
        "--treatments", metavar="A,B,C", help="Compare these with the control over lines."
    ),
]
ByOption = Annotated[
    Literal["tumor_type"] | None, typer.Option("--by", help="Also in subgroups of lines.")
]
FeaturesOption = Annotated[
    Path | None,
    typer.Option("--features", metavar="CSV", help="Markers: a row for each line (model)."),
]
FeatureOption = Annotated[
    list[str] | None,
    typer.Option("--feature", metavar="NAME", help="A column of --features; repeatable."),
]
StartOption = Annotated[
    Literal["own_intercept", "ratio"],
    typer.Option("--start", help="Growth lines with their own start, or through the baseline."),
]
LastDayOption = Annotated[
    float | None,
    typer.Option("--last-day", metavar="DAY", help="Readings of growth up to this day only."),
]


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
    control: ControlOption = None,
    treatments: TreatmentsOption = None,
    by: ByOption = None,
    features: FeaturesOption = None,
    feature: FeatureOption = None,
    start: StartOption = "own_intercept",
    last_day: LastDayOption = None,
    figure: FigureOption = None,
    out: TableOption = None,
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Classify every animal of a panel by mRECIST, or compare treatments over lines.

    Example: oncovivo panel growth.csv --control untreated --treatments everolimus,BYL719
    """
    from oncovivo.analyses.contract import contract, input_digest
    from oncovivo.analyses.panel_trial import PanelTrialOptions, panel_trial, read_marker_groups
    from oncovivo.analyses.study_input import load_studies
    from oncovivo.cli.files import check_table_name, write_table
    from oncovivo.panels import Panel, compute_panel, read_panel

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
    _check_trial(
        control=control,
        treatments=treatments,
        others=(by, features, feature, last_day, figure),
        features=features,
        feature=feature,
    )
    with stages(quiet=as_json) as progress:
        progress("reading")
        # The short way holds no studies, so that thousands of curves are read at once.
        chosen = any((study, line, arms, zeros))
        source = (
            load_studies(file, reading) if chosen else read_panel(file, reading.read_options())
        )
        if control is not None and treatments is not None:
            options = PanelTrialOptions(
                control=control,
                treatments=tuple(name.strip() for name in treatments.split(",")),
                by_tumor_type=by is not None,
                baseline=start,
                last_day=last_day,
                baseline_day=baseline_day,
                rule=rule,
            )
            markers = None if features is None else read_marker_groups(features, feature or ())
            whole = source if isinstance(source, Panel) else Panel.from_studies(source)
            trial = panel_trial(whole, options, markers=markers, progress=progress)
            progress("writing")
        else:
            trial = None
            result = compute_panel(source, rule=rule, baseline_day=baseline_day)
    if trial is not None:
        _give_trial(trial, file, features=features, figure=figure, out=out, as_json=as_json)
        return
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


def _give_trial(
    trial: PanelTrial,
    file: Path,
    *,
    features: Path | None,
    figure: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write and print a comparison of treatments."""
    from oncovivo.analyses.panel_trial import panel_trial_contract, trial_frame
    from oncovivo.analyses.panel_trial_files import write_trial_figures
    from oncovivo.cli.files import write_figures, write_table
    from oncovivo.cli.panel_tables import show_trial

    if out is not None:
        write_table(trial_frame(trial), out)
    if figure is not None:
        write_figures(write_trial_figures, trial, figure)
    if as_json:
        content = panel_trial_contract(trial, file, features)
        typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
        return
    show_trial(trial)


def _check_trial(
    *,
    control: str | None,
    treatments: str | None,
    others: tuple[object, ...],
    features: Path | None,
    feature: list[str] | None,
) -> None:
    """Options that go together."""
    if (control is None) != (treatments is None):
        given = "--control" if treatments is None else "--treatments"
        raise InputError("--control and --treatments together", found=f"{given} alone")
    if control is None and any(one is not None for one in others):
        expected = "--control and --treatments with options that compare treatments"
        raise InputError(expected, found="neither")
    if (features is None) != (not feature):
        given = "--feature" if features is None else "--features"
        raise InputError("--features and --feature together", found=f"{given} alone")


def _options(reading: StudyOptions) -> dict[str, object]:
    """What was said about the file; limits have no say in a response."""
    without = ("limit_mm3", "below_limit")
    return {name: value for name, value in reading.to_dict().items() if name not in without}
