"""``oncovivo markers``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from oncovivo.cli.options import (
    BaselineDayOption,
    ControlOption,
    DebugOption,
    FigureOption,
    JsonOption,
    LevelOption,
    MapOption,
    SeedOption,
    TableOption,
    UnitOption,
    study_options,
)
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oncovivo.analyses.marker_analysis import MarkerAnalysis, MarkerOptions
    from oncovivo.analyses.marker_arms import MarkerArms
    from oncovivo.analyses.marker_engagement import MarkerEngagement
    from oncovivo.biomarkers.association_task import AssociationMethod, MarkerScale
    from oncovivo.biomarkers.discovery import DiscoveryMethod
    from oncovivo.biomarkers.learners import Learner

__all__ = ["markers"]

MarkersArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="With --features: a panel of growth curves, or a table of responses. Without: a "
        "table of what assays measured, or a folder of studies with markers.csv.",
    ),
]
FeaturesOption = Annotated[
    list[Path] | None,
    typer.Option("--features", metavar="CSV", help="Table of markers by line; repeatable."),
]
TreatmentOption = Annotated[
    list[str] | None,
    typer.Option("--treatment", metavar="NAME", help="Only this treatment; repeatable."),
]
TumorOption = Annotated[
    list[str] | None,
    typer.Option("--tumor", metavar="TYPE", help="Lines of this tumor type; repeatable."),
]
MarkerOption = Annotated[
    list[str] | None,
    typer.Option("--marker", metavar="NAME", help="Only this marker; repeatable."),
]
ResponseOption = Annotated[
    str | None,
    typer.Option(
        "--response", metavar="COLUMN", help="FILE is a table of lines with this response."
    ),
]
StdErrorOption = Annotated[
    str | None,
    typer.Option("--std-error", metavar="COLUMN", help="Standard errors of that response."),
]
OutcomeOption = Annotated[
    Literal["effect", "treated"],
    typer.Option(
        "--outcome", help="Whether that response is against controls, or of the treated alone."
    ),
]
MethodOption = Annotated[
    Literal[
        "weighted",
        "unweighted",
        "pearson",
        "spearman",
        "concordance",
        "wilcoxon",
        "welch",
        "fisher",
        "firth",
    ]
    | None,
    typer.Option("--method", help="weighted where responses have standard errors."),
]
ScaleOption = Annotated[
    Literal["unit", "sd"],
    typer.Option("--scale", help="Slopes per unit of a marker or per its standard deviation."),
]
AdjustOption = Annotated[
    list[str] | None,
    typer.Option(
        "--adjust", metavar="NAME", help="Marker or tumor_type to compare within; repeatable."
    ),
]
AfterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--measured-after", metavar="NAME", help="Marker measured after treatment; repeatable."
    ),
]
PermutationsOption = Annotated[
    int,
    typer.Option("--permutations", metavar="N", min=0, help="Relabelings for p-values."),
]
DiscoveryOption = Annotated[
    Literal["bh", "by", "storey"], typer.Option("--fdr", help="How q-values are made.")
]
InteractionOption = Annotated[
    bool,
    typer.Option("--interaction", help="Tell prognostic from predictive markers."),
]
PredictOption = Annotated[
    Literal["elastic_net", "forest"] | None,
    typer.Option("--predict", help="Predict response from all markers, cross-validated."),
]
AnalyteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--analyte",
        metavar="NAME[:ASSAY]",
        help="Marker of a table of assays; in a wide table its column; repeatable.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="What all rows share: analyte, assay, unit; repeatable.",
    ),
]


def markers(
    file: MarkersArgument,
    features: FeaturesOption = None,
    control: ControlOption = None,
    treatment: TreatmentOption = None,
    tumor: TumorOption = None,
    marker: MarkerOption = None,
    response: ResponseOption = None,
    std_error: StdErrorOption = None,
    outcome: OutcomeOption = "treated",
    method: MethodOption = None,
    scale: ScaleOption = "unit",
    adjust: AdjustOption = None,
    measured_after: AfterOption = None,
    permutations: PermutationsOption = 0,
    fdr: DiscoveryOption = "bh",
    predict: PredictOption = None,
    analyte: AnalyteOption = None,
    shared: SetOption = None,
    mapping: MapOption = None,
    unit: UnitOption = None,
    baseline_day: BaselineDayOption = None,
    level: LevelOption = 0.95,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    interaction: InteractionOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say how markers go with response: across lines, between arms, or within studies.

    Example: oncovivo markers growth.csv --features mutations.csv --treatment BYL719
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.marker_engagement import EngagementOptions, analyse_engagement
    from oncovivo.analyses.marker_files import marker_frame, write_marker_figures
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    of_lines = {
        "--tumor": tumor,
        "--response": response,
        "--std-error": std_error,
        "--method": method,
        "--adjust": adjust,
        "--measured-after": measured_after,
        "--permutations": permutations,
        "--interaction": interaction,
        "--predict": predict,
        "--unit": unit,
        "--baseline-day": baseline_day,
    }
    of_tables = {"--analyte": analyte, "--set": shared}
    of_curves = {"--map": mapping, "--unit": unit, "--baseline-day": baseline_day}
    result: MarkerAnalysis | MarkerArms | MarkerEngagement
    with stages(quiet=as_json) as progress:
        if features:
            _refuse(of_tables, "a table of what assays measured, which takes no --features")
            if response is not None:
                _refuse(of_curves, "growth curves, and not with --response")
            result = _across_lines(
                file,
                features,
                _options(
                    control=control,
                    treatment=treatment,
                    tumor=tumor,
                    marker=marker,
                    response=response,
                    std_error=std_error,
                    outcome=outcome,
                    method=method,
                    scale=scale,
                    adjust=adjust,
                    measured_after=measured_after,
                    permutations=permutations,
                    fdr=fdr,
                    interaction=interaction,
                    predict=predict,
                    level=level,
                    seed=seed,
                    baseline_day=baseline_day,
                ),
                mapping=mapping,
                unit=unit,
                progress=progress,
            )
        elif file.is_dir():
            _refuse(of_lines | of_tables | {"--map": mapping}, _WITH_FEATURES)
            progress("studies")
            result = analyse_engagement(
                file,
                EngagementOptions(
                    control=control,
                    treated=_one(treatment),
                    markers=tuple(marker or ()),
                    level=level,
                    seed=seed,
                ),
            )
        else:
            _refuse(of_lines | {"--treatment": treatment, "--seed": seed}, _WITH_FEATURES)
            progress("arms")
            result = _between_arms(file, control, analyte, marker, mapping, shared, level)
        if figure is not None:
            progress("figures")
            write_figures(write_marker_figures, result, figure)
    if out is not None:
        write_table(marker_frame(result), out)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    from oncovivo.cli.marker_tables import show_markers

    show_markers(result)


_WITH_FEATURES = "lines and their markers, given with --features"


def _refuse(options: Mapping[str, object], what: str) -> None:
    """Refuse options that would say nothing of this kind of file."""
    # 0 and False are what they are where nobody gave them.
    named = [name for name, value in options.items() if value is not None and value not in (0, "")]
    if named:
        raise InputError(f"{named[0]} only with {what}", found="another kind of file")


def _one(treatment: list[str] | None) -> str | None:
    """The one treated arm of studies."""
    if treatment is not None and len(treatment) > 1:
        raise InputError(
            "one treated arm for studies with markers",
            found=f"{len(treatment)}",
            where="--treatment",
        )
    return treatment[0] if treatment else None


def _options(
    *,
    control: str | None,
    treatment: list[str] | None,
    tumor: list[str] | None,
    marker: list[str] | None,
    response: str | None,
    std_error: str | None,
    outcome: Literal["effect", "treated"],
    method: AssociationMethod | None,
    scale: MarkerScale,
    adjust: list[str] | None,
    measured_after: list[str] | None,
    permutations: int,
    fdr: DiscoveryMethod,
    interaction: bool,
    predict: Learner | None,
    level: float,
    seed: int | None,
    baseline_day: float | None,
) -> MarkerOptions:
    """What the command line asks of markers of lines."""
    from oncovivo.analyses.marker_analysis import MarkerOptions
    from oncovivo.analyses.marker_responses import ResponseOptions

    return MarkerOptions(
        responses=ResponseOptions(
            control=control,
            treatments=tuple(treatment or ()),
            tumor_types=tuple(tumor or ()),
            response=response,
            std_error=std_error,
            outcome=outcome,
            level=level,
            baseline_day=baseline_day,
        ),
        markers=tuple(marker or ()),
        method=method,
        scale=scale,
        adjust=tuple(adjust or ()),
        measured_after=tuple(measured_after or ()),
        permutations=permutations,
        discovery=fdr,
        interaction=interaction,
        predict=predict,
        prediction_permutations=permutations if predict is not None else 0,
        seed=seed,
    )


def _across_lines(
    file: Path,
    features: list[Path],
    options: MarkerOptions,
    *,
    mapping: list[str] | None,
    unit: list[str] | None,
    progress: Callable[[str], None],
) -> MarkerAnalysis:
    from oncovivo.analyses.marker_analysis import analyse_markers
    from oncovivo.panels import read_panel

    reading = study_options(mapping=mapping, units=unit)
    return analyse_markers(
        file,
        features,
        options,
        panel=lambda: read_panel(file, reading.read_options()),
        progress=progress,
    )


def _between_arms(
    file: Path,
    control: str | None,
    analyte: list[str] | None,
    marker: list[str] | None,
    mapping: list[str] | None,
    shared: list[str] | None,
    level: float,
) -> MarkerArms:
    from oncovivo.analyses.marker_arms import MarkerArmsOptions, compare_marker_arms
    from oncovivo.analyses.study_input import parse_mapping

    return compare_marker_arms(
        file,
        MarkerArmsOptions(
            control=control,
            analytes=(*(analyte or ()), *(marker or ())),
            mapping=tuple(parse_mapping(mapping or []).items()),
            constants=tuple(parse_mapping(shared or []).items()),
            level=level,
        ),
    )
