"""``oncovivo synergy``: a combination against what its partners alone foresee."""

from __future__ import annotations

import json
from typing import Annotated, Literal, TypeVar, get_args

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
    BaselineDayOption,
    BelowLimitOption,
    ControlOption,
    DatesOption,
    DayZeroOption,
    DebugOption,
    EventOption,
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
from oncovivo.cli.survival import CauseOption
from oncovivo.errors import InputError

__all__ = ["synergy"]

_Word = TypeVar("_Word", bound=str)

PartnerAOption = Annotated[
    str | None,
    typer.Option(
        "--a", metavar="ARM", help="Arm of the first partner alone; with --grid its name."
    ),
]
PartnerBOption = Annotated[
    str | None,
    typer.Option(
        "--b", metavar="ARM", help="Arm of the second partner alone; with --grid its name."
    ),
]
PartnerCOption = Annotated[
    str | None, typer.Option("--c", metavar="ARM", help="Arm of a third partner alone.")
]
CombinationOption = Annotated[
    str | None, typer.Option("--combination", metavar="ARM", help="Arm of all partners together.")
]
PairOption = Annotated[
    str | None, typer.Option(metavar="ARM", help="Arm of two of three partners.")
]
NullOption = Annotated[
    list[str] | None,
    typer.Option(
        "--null",
        metavar="NULL",
        help="bliss, hsa or response_additivity, the one you chose before first; repeatable.",
    ),
]
ScaleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scale",
        metavar="SCALE",
        help="growth_rate, relative_volume, tgi, auc, hazard or median_survival, the main one "
        "first; repeatable.",
    ),
]
DosesOption = Annotated[
    Literal["refuse", "accept"],
    typer.Option(
        "--doses", help="What happens where the combination gives other doses than the partners."
    ),
]
IndexDayOption = Annotated[
    float | None,
    typer.Option(
        "--day", metavar="D", help="Study day of the index; else the last that all arms were read."
    ),
]
EventTimeOption = Annotated[
    Literal["visit", "interpolated"] | None,
    typer.Option("--event-time", help="When an event between two readings happened."),
]
ResamplesOption = Annotated[
    int | None,
    typer.Option(
        "--bootstrap",
        metavar="N",
        min=200,
        help="Also indices of areas, and response additivity, from N resamples.",
    ),
]
AdditionOption = Annotated[
    str | None,
    typer.Option(
        "--addition",
        metavar="NAME",
        help="Compound, or radiation, that arms receive on top, whose effect may be one in all.",
    ),
]
AddedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--added",
        metavar="ARM=ARM",
        help="The same by name, arm without = arm with the addition; repeatable.",
    ),
]
GridOption = Annotated[
    bool,
    typer.Option("--grid", help="The arms are a grid of doses of the compounds --a and --b."),
]


def synergy(
    file: FileArgument,
    control: ControlOption = None,
    a: PartnerAOption = None,
    b: PartnerBOption = None,
    c: PartnerCOption = None,
    combination: CombinationOption = None,
    ab: PairOption = None,
    ac: PairOption = None,
    bc: PairOption = None,
    addition: AdditionOption = None,
    added: AddedOption = None,
    null: NullOption = None,
    scale: ScaleOption = None,
    day: IndexDayOption = None,
    doses: DosesOption = "refuse",
    event: EventOption = None,
    event_time: EventTimeOption = None,
    cause: CauseOption = None,
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
    study: StudyOption = None,
    line: LineOption = None,
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
    bootstrap: ResamplesOption = None,
    *,
    grid: GridOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Test a combination against what its partners alone foresee.

    Bliss independence, the highest single agent and response additivity, on growth rates, sizes,
    inhibition, areas and times to an event; the index (observed over foreseen, below 1 is synergy)
    with its interval, and the smallest index that the study could have found. FILE holds growth
    curves, or a survival table. With --grid, every cell of a grid of doses; with --addition, one
    addition to several partners.

    Example: oncovivo synergy growth.csv --control Vehicle --a A --b B --combination A+B
    """
    from oncovivo.analyses.figure_files import check_figure_name
    from oncovivo.analyses.growth_analysis import parse_knots
    from oncovivo.analyses.synergy_analysis import analyse_synergy_file
    from oncovivo.analyses.synergy_files import write_synergy_figures
    from oncovivo.analyses.synergy_result import SynergyOptions
    from oncovivo.cli.files import check_table_name, write_figures, write_table
    from oncovivo.combination.result import Null, Scale
    from oncovivo.growth.model import GrowthModel, TimeShape
    from oncovivo.survival.events import parse_event

    reading = study_options(
        study=study,
        line=line,
        arms=None,
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
    options = SynergyOptions(
        control=control,
        a=a,
        b=b,
        c=c,
        combination=combination,
        pairs={name: arm for name, arm in (("ab", ab), ("ac", ac), ("bc", bc)) if arm is not None},
        grid=grid,
        addition=addition,
        added=_pairs(added),
        nulls=_words(null, get_args(Null), "--null"),
        scales=_words(scale, get_args(Scale), "--scale"),
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
        event=None if event is None else parse_event(event),
        event_time=event_time,
        cause=cause,
        day=day,
        level=level,
        doses=doses,
        bootstrap=bootstrap,
        seed=seed,
    )
    if out is not None:
        check_table_name(out)
    if figure is not None:
        check_figure_name(figure)
        if addition is not None or added:
            raise InputError(
                "a question that has a figure",
                found="an addition to several partners",
                where="--figure",
                mend="leave it out; -o has the numbers",
            )
    with stages(quiet=as_json) as progress:
        result = analyse_synergy_file(file, reading=reading, options=options, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if figure is not None:
        write_figures(write_synergy_figures, result, figure)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        from oncovivo.cli.synergy_tables import show_synergy

        show_synergy(result)
    if result.skipped:
        raise typer.Exit(1)


def _words(given: list[str] | None, known: tuple[_Word, ...], option: str) -> tuple[_Word, ...]:
    """Words of an option that may be repeated, or hold several with commas."""
    found = []
    for text in given or ():
        for part in text.split(","):
            if part.strip() not in known:
                raise InputError(
                    "one of: " + ", ".join(known), found=repr(part.strip()), where=option
                )
            found.append(next(word for word in known if word == part.strip()))
    return tuple(dict.fromkeys(found))


def _pairs(given: list[str] | None) -> dict[str, str]:
    """Arms without and with an addition."""
    found: dict[str, str] = {}
    for text in given or ():
        # With spaces around it, the sign parts names that hold one.
        sign = " = " if " = " in text else "="
        parts = [part.strip() for part in text.split(sign)]
        if len(parts) != len(("without", "with")) or not all(parts) or parts[0] in found:
            raise InputError(
                "arm without = arm with the addition, each once", found=repr(text), where="--added"
            )
        without, added = parts
        found[without] = added
    return found
