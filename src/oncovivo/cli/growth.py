"""``oncovivo growth``: the mixed model of a study's growth curves."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from oncovivo.cli.growth_options import (
    BaselineOption,
    CovariateOption,
    DfOption,
    GroupOption,
    InterceptOption,
    KnotsOption,
    LikelihoodOption,
    RandomOption,
    ResidualOption,
    TimeOption,
)
from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    BelowLimitOption,
    ControlOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    FigureOption,
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

__all__ = ["growth"]

AdjustOption = Annotated[
    Literal["dunnett", "holm", "tukey", "none"],
    typer.Option("--adjust", help="How the error over several arms is held."),
]
EffectDayOption = Annotated[
    float | None,
    typer.Option(
        "--day", metavar="D", help="Study day of inhibition; else the control's last reading."
    ),
]
LawsOption = Annotated[
    bool, typer.Option("--laws", help="Also compare growth laws; takes seconds.")
]
BootstrapOption = Annotated[
    int | None,
    typer.Option(
        "--bootstrap", metavar="N", min=99, help="Also test by N draws of a parametric bootstrap."
    ),
]


def growth(
    file: FileArgument,
    control: ControlOption = None,
    baseline: BaselineOption = "outcome",
    intercept: InterceptOption = "common",
    df: DfOption = "kr",
    residual: ResidualOption = "iid",
    random: RandomOption = "intercept_slope",
    group: GroupOption = None,
    covariate: CovariateOption = None,
    time: TimeOption = "linear",
    knots: KnotsOption = None,
    likelihood: LikelihoodOption = "REML",
    adjust: AdjustOption = "dunnett",
    day: EffectDayOption = None,
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
    level: LevelOption = 0.95,
    seed: SeedOption = None,
    out: TableOption = None,
    figure: FigureOption = None,
    bootstrap: BootstrapOption = None,
    *,
    laws: LawsOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Compare growth rates with a mixed model and small-sample inference.

    Every arm against the control, with Dunnett's simultaneous limits; growth inhibition, doubling
    times, who left and whether it matters, the influence of each animal, and what the residuals
    say. Readings below the limit enter as censored; ``--below-limit omitted`` leaves them out as
    other tools do.

    Example: oncovivo growth growth.csv --control Vehicle
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.growth_analysis import analyse_growth_file, parse_knots
    from oncovivo.analyses.growth_files import write_growth_figures
    from oncovivo.analyses.growth_result import GrowthOptions
    from oncovivo.cli.files import check_table_name, write_figures, write_table
    from oncovivo.growth.model import GrowthModel, TimeShape

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
        control=control,
    )
    options = GrowthOptions(
        control=control,
        model=GrowthModel(
            baseline=baseline,
            intercept=intercept,
            time=TimeShape(kind=time, knots=parse_knots(knots)),
            covariates=tuple(covariate or ()),
            random=random,
            groups=tuple(group or ()),
            residual=residual,
            df=df,
            likelihood=likelihood,
        ),
        below_limit=below_limit,
        adjustment=adjust,
        day=day,
        level=level,
        seed=seed,
        laws=laws,
        bootstrap=bootstrap,
    )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
    with stages(quiet=as_json) as progress:
        result = analyse_growth_file(file, reading=reading, options=options, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if figure is not None:
        write_figures(write_growth_figures, result, figure)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.growth_tables import show_growth

        show_growth(result)
    if result.skipped:
        raise typer.Exit(1)
