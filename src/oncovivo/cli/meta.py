"""``oncovivo meta``: what the rows of several studies say together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from oncovivo.cli.options import (
    DebugOption,
    FigureOption,
    JsonOption,
    LevelOption,
    MapOption,
    TableOption,
)
from oncovivo.cli.progress import stages
from oncovivo.errors import InputError

__all__ = ["meta"]

MetaFileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="Table (CSV, TSV, XLSX) of group summaries, or of label, yi and vi."
    ),
]
MeasureOption = Annotated[
    str | None,
    typer.Option(
        "--measure",
        metavar="MEASURE",
        help="ROM (log ratio of means), SMD, SMDH, MD, NMD, VR, CVR, log_hazard_ratio, "
        "log_median_ratio, log_odds_ratio, risk_difference, growth_rate, given, and others; given "
        "unless said of a table of yi and vi.",
    ),
]
VarianceOption = Annotated[
    str | None,
    typer.Option(
        "--variance",
        metavar="FORM",
        help="Sampling variance: LS, LS2, UB or AV of SMD; LS, LS2, AV or AVHO of ROM.",
    ),
]
BiasCorrectionOption = Annotated[
    bool, typer.Option("--bias-correction", help="Correct the bias of a log ratio of means.")
]
MethodOption = Annotated[
    Literal["EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"],
    typer.Option("--method", help="Equal effects, or estimator of the variance between rows."),
]
TestOption = Annotated[
    Literal["knapp-hartung", "knapp-hartung-floor", "z", "t"] | None,
    typer.Option(
        "--test", help="Test of the effect; else knapp-hartung, and t where rows are nested."
    ),
]
PredictionOption = Annotated[
    Literal["t-k2", "test"],
    typer.Option(
        "--prediction", help="Prediction interval by t with k - 2 df, or by the test's quantile."
    ),
]
ModeratorsOption = Annotated[
    list[str] | None,
    typer.Option("--moderators", metavar="A,B", help="Columns of a meta-regression; repeatable."),
]
ReferenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="COLUMN=LEVEL",
        help="Level that others are compared with; repeatable.",
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="COLUMN", help="Subgroups, as tumor_type.")
]
SubgroupVarianceOption = Annotated[
    Literal["common", "separate"],
    typer.Option("--subgroup-variance", help="One variance between rows, or one per subgroup."),
]
RandomOption = Annotated[
    str | None,
    typer.Option(
        "--random",
        metavar="OUTER/INNER",
        help="Nested rows, outermost first, as study/row; row is each row.",
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", metavar="COLUMN", help="Also robust (CR2) by clusters, as study."),
]
KnownOption = Annotated[
    Literal["shared-control", "same-study"] | None,
    typer.Option("--v", help="Rows whose sampling errors go together; same-study needs --rho."),
]
RhoOption = Annotated[
    float | None,
    typer.Option("--rho", metavar="R", help="Assumed correlation of a study's sampling errors."),
]
DispersionOption = Annotated[
    str | None,
    typer.Option(
        "--dispersion",
        metavar="KIND",
        help="What the columns of dispersion hold: sd, sem, variance, ci, iqr, range.",
    ),
]
FactsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--facts", metavar="A,B", help="Columns shown beside the forest, as blinded; repeatable."
    ),
]
CumulativeOption = Annotated[
    str | None,
    typer.Option("--cumulative", metavar="COLUMN", help="Add rows one by one, as by year."),
]


def meta(
    file: MetaFileArgument,
    measure: MeasureOption = None,
    variance: VarianceOption = None,
    method: MethodOption = "REML",
    test: TestOption = None,
    prediction: PredictionOption = "t-k2",
    moderators: ModeratorsOption = None,
    reference: ReferenceOption = None,
    by: ByOption = None,
    subgroup_variance: SubgroupVarianceOption = "common",
    random: RandomOption = None,
    cluster: ClusterOption = None,
    v: KnownOption = None,
    rho: RhoOption = None,
    dispersion: DispersionOption = None,
    mapping: MapOption = None,
    facts: FactsOption = None,
    cumulative: CumulativeOption = None,
    level: LevelOption = 0.95,
    out: TableOption = None,
    figure: FigureOption = None,
    *,
    bias_correction: BiasCorrectionOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Pool effect sizes of several studies: effect, heterogeneity, prediction, bias, moderators.

    FILE has a row for each comparison: label, n_treated, mean_treated, sd_treated or sem_treated,
    n_control, mean_control, sd_control or sem_control, and where they exist study_id and
    control_id; or label, yi and vi.

    Example: oncovivo meta effects.csv --measure ROM --by tumor_type
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.meta_analysis import analyse_meta_file
    from oncovivo.analyses.meta_effects import parse_measure
    from oncovivo.analyses.meta_files import write_meta_figures
    from oncovivo.analyses.meta_result import MetaOptions
    from oncovivo.analyses.study_input import parse_mapping
    from oncovivo.cli.files import check_table_name, write_figures, write_table

    options = MetaOptions(
        measure=None if measure is None else parse_measure(measure),
        variance=variance,
        bias_correction=bias_correction,
        method=method,
        test=test,
        prediction=prediction,
        moderators=_names(moderators or (), "--moderators"),
        references=parse_mapping(reference or []),
        by=by,
        subgroup_variance=subgroup_variance,
        random=random,
        cluster=cluster,
        known=v,
        rho=rho,
        dispersion=dispersion,
        facts=_names(facts or (), "--facts"),
        order=cumulative,
        mapping=parse_mapping(mapping or []),
        level=level,
    )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    with stages(quiet=as_json) as progress:
        result = analyse_meta_file(file, options, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if figure is not None:
        write_figures(write_meta_figures, result, figure)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.meta_tables import show_meta

        show_meta(result)
    if result.faults:
        raise typer.Exit(1)


def _names(given: Sequence[str], where: str) -> tuple[str, ...]:
    """Names of columns, separated by commas or by repeating the option, each once."""
    found = [name.strip() for text in given for name in text.split(",")]
    if "" in found or len(set(found)) < len(found):
        raise InputError("different names with commas between", found=repr(given), where=where)
    return tuple(found)
