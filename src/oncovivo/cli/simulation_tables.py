"""Simulations as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.cli.tables import plain
from oncovivo.endpoints.wording import number_text
from oncovivo.mechanism.simulate import ParameterUse, SimulationResult

__all__ = ["show_simulation"]

_BANDS = {
    "between_animal": "animals around the typical values",
    "uncertainty": "typical values around their estimates",
    "both": "animals and uncertain values",
}


def show_simulation(result: SimulationResult, folders: Sequence[Path] = ()) -> None:
    """The arms on the report days, the numbers behind them, and what to know."""
    console = Console(highlight=False)
    console.print(Text(f"{result.title} · SIMULATED", style="bold"))
    if result.note:
        _indented(console, result.note)
    _indented(console, f"blocks: {', '.join(result.blocks)}")
    counts = ", ".join(
        f"{result.count(status)} {status}"
        for status in ("measured", "fitted", "scaled", "assumed")
        if result.count(status)
    )
    names = len({use.name for use in result.parameters})
    _indented(console, f"{names} numbers: {counts}")
    if result.draws:
        _indented(
            console,
            f"limits: {result.level:.0%} of {result.draws} draws of {_BANDS[result.band]}",
        )
    console.print()
    console.print("Arms")
    for arm in result.arms:
        own = f"; its own: {', '.join(arm.changed)}" if arm.changed else ""
        _indented(console, f"{arm.arm}: {arm.regimen or 'no treatment'}{own}")
    console.print()
    _show_days(console, result)
    console.print("Numbers")
    console.print(_numbers(result.parameters))
    for warning in result.warnings:
        about = f"{warning.arm}: " if warning.arm else ""
        _indented(console, f"note: {about}{warning.message}")
    for folder in folders[:10]:
        console.print(plain(f"virtual study: {folder}"), soft_wrap=True)
    if len(folders) > 10:
        console.print(f"… and {len(folders) - 10} more")
    console.print(f"seed {result.seed}")


def _show_days(console: Console, result: SimulationResult) -> None:
    """Each output of each arm on the report days, and against the control."""
    days = sorted({row.time_d for row in result.comparisons}) or [result.days[-1]]
    rows = {(row.arm, row.output, row.time_d): row for row in result.comparisons}
    for day in days:
        at = min(range(len(result.days)), key=lambda place: abs(result.days[place] - day))
        console.print(f"Day {day:g}, against {result.control}")
        shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for number, heading in enumerate(
            ("  output", "median", "limits", "over control", "limits", "assumed", "scaled")
        ):
            shown.add_column(heading, overflow="fold", no_wrap=number > 0)
        for arm in result.arms:
            shown.add_row(Text(f"  {arm.arm}", style="bold"))
            for curve in arm.outputs:
                row = rows.get((arm.arm, curve.name, day))
                unit = "" if curve.unit == "1" else f", {curve.unit}"
                shown.add_row(
                    plain(f"    {curve.name.replace('_', ' ')}{unit}"),
                    number_text(curve.median[at]),
                    _limits(curve.lower[at], curve.upper[at]) if result.draws else "—",
                    "—" if row is None or row.ratio is None else number_text(row.ratio),
                    "—"
                    if row is None or row.ratio_lower is None or not result.draws
                    else _limits(row.ratio_lower, row.ratio_upper),
                    str(len(curve.assumed)),
                    str(len(curve.scaled)),
                )
        console.print(shown)
        console.print()


def _numbers(uses: Sequence[ParameterUse]) -> Table:
    """Every number with its unit, status and source."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, heading in enumerate(("  name", "value", "unit", "status", "source")):
        shown.add_column(heading, overflow="fold", no_wrap=0 < number < 4)
    for use in uses:
        own = f" [{', '.join(use.arms)}]" if use.arms else ""
        shown.add_row(
            plain(f"  {use.name}{own}"),
            number_text(use.value),
            use.unit,
            use.status,
            plain("—" if use.source == "none" else use.source),
        )
    return shown


def _limits(lower: float, upper: float | None) -> str:
    return f"{number_text(lower)} to {'—' if upper is None else number_text(upper)}"


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))
