"""``oncovivo design endpoints``: alerts of humane endpoints, and the days to expect them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oncovivo.cli.options import (
    ArmsOption,
    BaselineDayOption,
    BelowLimitOption,
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
    StudyOption,
    TableOption,
    UnitOption,
    ZerosOption,
    study_options,
)
from oncovivo.cli.progress import stages

if TYPE_CHECKING:
    from rich.console import Console

    from oncovivo.analyses.design_endpoints import FileEndpoints, StudyEndpoints

__all__ = ["endpoints"]

# More rows than this are for a file, not for a terminal.
_SHOWN = 30

MaxVolumeOption = Annotated[
    float | None,
    typer.Option("--max-volume", metavar="MM3", help="Volume that is the endpoint, mm³."),
]
ProfileOption = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", help="Rules of humane endpoints, a TOML file."),
]
ByDayOption = Annotated[
    list[float] | None,
    typer.Option(
        "--by-day",
        metavar="D",
        help="Study day to count animals at the limit for; repeatable; else by week.",
    ),
]
HorizonOption = Annotated[
    float,
    typer.Option(
        "--horizon", metavar="DAYS", help="How long after its last reading to look for the day."
    ),
]


def endpoints(
    file: FileArgument,
    max_volume: MaxVolumeOption = None,
    profile: ProfileOption = None,
    by_day: ByDayOption = None,
    horizon: HorizonOption = 365.0,
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
    out: TableOption = None,
    *,
    fail: Annotated[
        bool, typer.Option("--fail", help="Leave with exit code 1 when an animal is at a limit.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say which readings break a humane endpoint, and when each animal will reach its volume.

    Example: oncovivo design endpoints growth.csv --max-volume 1500
    """
    from oncovivo.analyses.design_endpoints import EndpointOptions, watch_endpoints_file
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
    )
    options = EndpointOptions.from_limits(
        max_volume=max_volume,
        profile=profile,
        by_days=by_day or (),
        level=level,
        horizon=horizon,
    )
    if out is not None:
        check_table_name(out)
    with stages(quiet=as_json) as progress:
        result = watch_endpoints_file(file, options=options, reading=reading, progress=progress)
    if out is not None:
        write_table(result.to_frame(), out)
    if as_json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False))
    else:
        _show(result)
    if fail and result.n_at_limit:
        raise typer.Exit(1)


def _show(result: FileEndpoints) -> None:
    """Study by study: alerts, projections, counts."""
    from rich.console import Console

    console = Console(highlight=False)
    for study in result.studies:
        _show_study(console, study)


def _show_study(console: Console, study: StudyEndpoints) -> None:
    from rich.text import Text

    from oncovivo.cli.tables import plain

    simulated = " · SIMULATED" if study.simulated else ""
    line = "" if study.line in study.study_id else f", line {study.line}"
    console.print(
        Text(f"{study.study_id}{line}: {study.n_animals} animals{simulated}", style="bold")
    )
    _show_alerts(console, study)
    for rule in study.watch.unread:
        console.print(plain(f"  not looked at: {rule.rule}: {rule.reason}"))
    if study.limit is not None or study.total_limit is not None:
        _show_projections(console, study)
        _show_bends(console, study)
        _show_counts(console, study)
    for warning in study.warnings:
        about = f"{warning.arm}: " if warning.arm else ""
        console.print(plain(f"  note: {about}{warning.message}"))
    console.print()


def _show_alerts(console: Console, study: StudyEndpoints) -> None:
    """The first alert of each animal by each rule."""
    from oncovivo.cli.tables import plain, simple_table

    first = [alert for alert in study.watch.alerts if alert.first]
    if not first:
        console.print("  no alert")
        return
    table = simple_table("first alert", "arm", "day", "rule", "value", "limit", "")
    for alert in first[:_SHOWN]:
        table.add_row(
            plain(alert.animal_id),
            plain(alert.arm),
            f"{alert.day:g}",
            plain(alert.rule),
            plain(f"{alert.value:.4g} {alert.unit}".strip()),
            plain(f"{alert.limit:g} {alert.unit}".strip()),
            alert.action,
        )
    console.print(table)
    rest = len(first) - _SHOWN
    if rest > 0:
        console.print(f"  … and {rest} more: --json or -o FILE.csv has them all")
    console.print(f"  {len(study.watch.alerts)} readings break a rule")


def _show_projections(console: Console, study: StudyEndpoints) -> None:
    """The days to come, soonest first."""
    from oncovivo.cli.tables import plain, simple_table

    if study.reason:
        console.print(plain(f"  no projection: {study.reason}"))
        return
    open_ = [found for found in study.projections if not found.reached]
    timed = sorted((f for f in open_ if f.day is not None), key=lambda f: f.day or 0.0)
    reached = len(study.projections) - len(open_)
    limits = [
        words
        for words, limit in (("", study.limit), (" in all", study.total_limit))
        if limit is not None
        for words in (f"{limit:g} mm³{words}",)
    ]
    console.print(
        f"  {' or '.join(limits)}: {reached} were there, {len(timed)} are projected to be, "
        f"{len(open_) - len(timed)} are not"
    )
    if not timed:
        return
    interval = f"{study.projections[0].level:.0%} interval"
    table = simple_table("projected", "arm", "last read", "mm³", "per day", "day", interval)
    for found in timed[:_SHOWN]:
        upper = "beyond" if found.upper is None else f"{found.upper:.0f}"
        total = " (in all)" if found.quantity == "total_volume" else ""
        table.add_row(
            plain(found.animal_id + total),
            plain(found.arm),
            "" if found.last_day is None else f"{found.last_day:g}",
            "" if found.last_volume is None else f"{found.last_volume:.0f}",
            "" if found.rate is None else f"{found.rate:+.3f}",
            "" if found.day is None else f"{found.day:.0f}",
            "" if found.lower is None else f"{found.lower:.0f} to {upper}",
        )
    console.print(table)
    if len(timed) > _SHOWN:
        rest = len(timed) - _SHOWN
        console.print(f"  … and {rest} later ones: --json or -o FILE.csv has them all")


def _show_bends(console: Console, study: StudyEndpoints) -> None:
    """Arms whose growth is not exponential."""
    from oncovivo.cli.tables import plain

    for bend in study.bends:
        if bend.growth == "steady" or bend.rate is None or bend.rate_last is None:
            continue
        when = "later" if bend.growth == "slowing" else "sooner"
        console.print(
            plain(
                f"  note: {bend.arm}: growth is {bend.growth}, from {bend.rate:+.3f} per day on "
                f"average to {bend.rate_last:+.3f} at the last reading (p = {bend.p_value:.2g}): "
                f"its animals may be there {when}; --json has the days at the last rate"
            )
        )


def _show_counts(console: Console, study: StudyEndpoints) -> None:
    """Animals expected at the limit by day, all arms together."""
    from oncovivo.cli.tables import simple_table

    if not study.counts:
        return
    interval = f"{study.counts[0].level:.0%} interval"
    table = simple_table("by day", "animals", "were at the limit", "expected", interval)
    for count in study.counts:
        if count.arm is None:
            table.add_row(
                f"{count.day:g}",
                str(count.n),
                str(count.reached),
                f"{count.expected:.1f}",
                f"{count.lower} to {count.upper}",
            )
    console.print(table)
    console.print("  expected: if every animal is kept until that day, its growth unchanged")
