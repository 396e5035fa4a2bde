"""Power as tables that fit a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.text import Text

from oncovivo.analyses.power import PowerResult
from oncovivo.cli.tables import plain, simple_table
from oncovivo.design.power_plan import PowerPlan

__all__ = ["show_power"]

_QUESTIONS = {
    "difference": "differences of rates from the control, each tested on its own",
    "dunnett": "differences of rates from the control, Dunnett-adjusted",
    "tgi": "inhibition from the fitted rates, each arm tested on its own",
    "bliss": "synergy: the rate of the combination less what both drugs add up to",
    "hsa": "the combination grows less than either drug, one-sided",
    "additivity": "size of the combination over what response additivity foresees",
    "event": "log-rank tests against the control, each on its own",
    "response": "Fisher's exact tests against the control, each on its own",
}


def show_power(result: PowerResult) -> None:
    """The plan, its power, the grid, and what to know."""
    console = Console(highlight=False)
    plan, simulated = result.plan, result.simulated
    _show_plan(console, result)
    table = simple_table(
        "question", "effect", "power ± error", "closed form", "type I", f"{result.target:.0%} for"
    )
    closed_form: list[float | None] = [one.power for one in result.closed_form]
    for question, closed, smallest in zip(
        simulated.questions,
        closed_form or [None for _ in plan.labels],
        result.smallest,
        strict=True,
    ):
        table.add_row(
            plain(question.label),
            _effect(plan, question.truth),
            f"{question.power:.1%} ± {question.power_error:.1%}",
            _percent(closed),
            _percent(question.type_one),
            _effect(plan, smallest).lstrip("+"),
        )
    console.print(table)
    if plan.cages is not None and plan.of_growth:
        for question in simulated.questions:
            console.print(
                f"counting cages: power {_percent(question.power_cages)}, "
                f"type I {_percent(question.type_one_cages)} · {question.label}",
                markup=False,
            )
        console.print("power and type I of the table ignore cages; its closed form counts them")
    if len(simulated.questions) > 1:
        console.print(
            f"any of them {simulated.any_power:.1%}; by chance alone "
            f"{_percent(simulated.any_type_one)}"
            + (
                ""
                if simulated.any_type_one_error is None
                else f" ± {simulated.any_type_one_error:.1%}"
            )
        )
    for one in result.allocations:
        powers = ", ".join(f"{power:.1%}" for power in one.power)
        sizes = ", ".join(str(size) for size in one.animals)
        words = "equal arms" if one.allocation == "equal" else "control √k times as large"
        console.print(f"{words} ({sizes}): closed form {powers}")
    _show_grid(console, result)
    _show_notes(console, result)
    console.print(f"seed {result.seed}")


def _show_plan(console: Console, result: PowerResult) -> None:
    """What is assumed."""
    plan, reference = result.plan, result.reference
    console.print(Text(f"{plan.title} · SIMULATED", style="bold"))
    if plan.source:
        console.print(plain(f"  numbers: {plan.source}"))
    if reference is not None:
        console.print(
            plain(f"  variation: study {reference.study_id}, {reference.animals} animals")
        )
    for arm in plan.arms:
        console.print(plain(f"  {arm.name}: {arm.animals} animals, {arm.rate:.4g} per day"))
    days = ", ".join(f"{day:g}" for day in plan.days)
    console.print(plain(f"  readings on days {days}"))
    console.print(
        f"  SD of rates {plan.rate_sd:.3g} per day, of log readings {plan.reading_sd:.3g}, "
        f"of log baselines {plan.start_sd:.3g}"
    )
    if plan.cages is not None:
        arms = "one arm each" if plan.cages.arms == "by_cage" else "arms mixed"
        console.print(
            f"  cages of {plan.cages.animals}, {arms}; SD between cages "
            f"{plan.cages.rate_sd:.3g} per day"
        )
    bound = "" if plan.bound is None else f", against {plan.bound:g} {_WORDS[plan.unit]}"
    console.print(f"  {_QUESTIONS[plan.question]}{bound}")
    console.print()


_WORDS = {"per day": "per day", "percent": "%", "index": "as index"}


def _percent(share: float | None) -> str:
    """A share, or that there is none."""
    return "–" if share is None else f"{share:.1%}"


def _effect(plan: PowerPlan, value: float | None) -> str:
    """An answer in its unit."""
    if value is None:
        return "–"
    if plan.unit == "percent":
        return f"{value:.0f} %"
    if plan.unit in ("index", "hazard ratio"):
        return f"{value:.2f}"
    return f"{value:+.0%}" if plan.unit == "share" else f"{value:+.3f}"


def _show_notes(console: Console, result: PowerResult) -> None:
    """Who left, what could not be read, and what the closed form leaves out."""
    plan, simulated = result.plan, result.simulated
    notes = []
    if simulated.arm_shares:
        what = "an event" if plan.question == "event" else "a response"
        shares = ", ".join(f"{share:.0%}" for share in simulated.arm_shares)
        notes.append(f"animals with {what}, by arm: {shares}")
    if plan.of_growth and plan.size_limit is not None:
        notes.append("closed form and smallest effect are for animals that all stay")
    if plan.limit is not None:
        what = f" and {plan.below_limit} by the fit" if plan.of_growth else ""
        notes.append(f"{simulated.below_limit:.1%} of readings below {plan.limit:g} mm³{what}")
    left = ""
    if plan.size_limit is not None:
        left = f"{simulated.left_early:.0%} of animals leave at {plan.size_limit:g} mm³; "
    singular = f"{simulated.singular:.1%} singular fits; " if plan.of_growth else ""
    notes.append(f"{left}{singular}{simulated.replicates:,} studies")
    if simulated.not_converged:
        notes.append(f"{simulated.not_converged:,} studies without an estimate")
    for note in notes:
        console.print(note)


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
