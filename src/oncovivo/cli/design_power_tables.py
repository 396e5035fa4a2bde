"""Power as tables that fit a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.text import Text

from oncovivo.analyses.power import PowerResult
from oncovivo.cli.tables import plain, simple_table

__all__ = ["show_power"]

_QUESTIONS = {
    "difference": "differences of rates from the control, each tested on its own",
    "dunnett": "differences of rates from the control, Dunnett-adjusted",
    "bliss": "synergy: the rate of the combination less what both drugs add up to",
}


def show_power(result: PowerResult) -> None:
    """The plan, its power, the grid, and what to know."""
    console = Console(highlight=False)
    plan, simulated = result.plan, result.simulated
    console.print(Text(f"{plan.title} · SIMULATED", style="bold"))
    if plan.source:
        console.print(plain(f"  numbers: {plan.source}"))
    for arm in plan.arms:
        console.print(plain(f"  {arm.name}: {arm.animals} animals, {arm.rate:g} per day"))
    days = ", ".join(f"{day:g}" for day in plan.days)
    console.print(plain(f"  readings on days {days}"))
    console.print(
        f"  SD of rates {plan.rate_sd:g} per day, of log readings {plan.reading_sd:g}, "
        f"of log baselines {plan.start_sd:g}"
    )
    console.print(f"  {_QUESTIONS[plan.question]}")
    console.print()
    table = simple_table(
        "question", "effect", "power ± error", "closed form", "type I", f"{result.target:.0%} for"
    )
    for question, closed, smallest in zip(
        simulated.questions, result.closed_form, result.smallest, strict=True
    ):
        table.add_row(
            plain(question.label),
            f"{question.truth:+.3f}",
            f"{question.power:.1%} ± {question.power_error:.1%}",
            f"{closed.power:.1%}",
            f"{question.type_one:.1%}",
            f"{smallest:.3f}",
        )
    console.print(table)
    if len(simulated.questions) > 1:
        console.print(
            f"any of them {simulated.any_power:.1%}; by chance alone "
            f"{simulated.any_type_one:.1%} ± {simulated.any_type_one_error:.1%}"
        )
    _show_grid(console, result)
    left = ""
    if plan.size_limit is not None:
        left = f"{simulated.left_early:.0%} of animals leave at {plan.size_limit:g} mm³; "
        console.print("closed form and smallest effect are for animals that all stay")
    console.print(
        f"{left}{simulated.singular:.1%} singular fits; {simulated.replicates:,} studies"
    )
    console.print(f"seed {result.seed}")


def _show_grid(console: Console, result: PowerResult) -> None:
    """Power of each cell, a row for each number of animals and question."""
    if not result.grid:
        return
    last_days = dict.fromkeys(cell.last_day for cell in result.grid)
    console.print()
    table = simple_table("animals per arm", "question", *(f"to day {day:g}" for day in last_days))
    for animals, group in groupby(result.grid, key=lambda cell: cell.animals):
        cells = list(group)
        for number, question in enumerate(cells[0].result.questions):
            powers = [f"{cell.result.questions[number].power:.1%}" for cell in cells]
            table.add_row(str(animals) if number == 0 else "", plain(question.label), *powers)
    console.print(table)
