"""The power of a mouse clinical trial as tables that fit a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from oncovivo.analyses.trial_power import TrialPowerResult
from oncovivo.cli.tables import plain, simple_table

__all__ = ["show_trial"]


def show_trial(result: TrialPowerResult) -> None:
    """The plan, the grid, the advice."""
    console = Console(highlight=False)
    plan = result.plan
    console.print(Text(plan.title, style="bold"))
    if plan.source:
        console.print(plain(f"  numbers: {plan.source}"))
    console.print(
        f"  effect {plan.effect:+.3f} per day, SD among lines {plan.effect_sd:g}, among animals "
        f"{plan.animal_sd:g}; SD of log readings {plan.reading_sd:g}"
    )
    headings = ["lines", "animals per arm", "in all", "power", f"{plan.power:.0%} for", "among"]
    if plan.marker_share is not None:
        headings.append("marker power")
    if result.simulated:
        headings.append("simulated")
    table = simple_table(*headings)
    for number, cell in enumerate(result.cells):
        row = [
            str(cell.lines),
            str(cell.animals),
            str(cell.total_animals),
            f"{cell.power:.1%}",
            f"{cell.smallest_effect:.4f}",
            f"{cell.share_among_lines:.0%}",
        ]
        if cell.marker_power is not None:
            row.append(f"{cell.marker_power:.1%}")
        if result.simulated:
            own = result.simulated[number]
            row.append(f"{own.power:.1%} ± {own.power_error:.1%}")
        table.add_row(*row)
    console.print(table)
    console.print(plain(result.advice))
    if result.seed is not None:
        console.print(f"seed {result.seed}")
