"""Comparisons of regimens as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.cli.tables import plain
from oncovivo.endpoints.wording import number_text
from oncovivo.mechanism.schedules import (
    ObjectiveUse,
    ObjectiveValue,
    ScheduleCandidate,
    ScheduleResult,
)

__all__ = ["show_schedules"]

# Candidates off the front, and beyond a limit, that are shown.
_MOST_OTHERS = 12
_MOST_EXCLUDED = 5


def show_schedules(result: ScheduleResult) -> None:
    """The front, the most robust of the others, what is excluded, and what to know."""
    console = Console(highlight=False)
    console.print(Text(f"{result.title} · SIMULATED", style="bold"))
    if result.note:
        _indented(console, result.note)
    _indented(console, f"model: {result.simulation}, numbers of {result.arm!r}")
    _indented(
        console,
        f"behind the objectives: {len(result.assumed)} assumed and {len(result.scaled)} scaled "
        "numbers",
    )
    if result.draws:
        cv = result.assumed_cv
        given = "" if cv is None else f"; assumed numbers with a CV of {cv:g}"
        _indented(
            console,
            f"limits: {result.level:.0%} of {result.draws} draws of {len(result.varied)} "
            f"uncertain numbers, the same for all regimens{given}",
        )
    for number, (use, untreated) in enumerate(
        zip(result.objectives, result.untreated, strict=True), start=1
    ):
        without = f"; untreated {_number(use, untreated.median)}" if use.of_output else ""
        _indented(console, f"{number}  {use.goal} {use.label}{_unit(use)}{without}")
    for limit in result.limits:
        _indented(console, f"limit: {limit}")
    console.print()
    front = result.front
    console.print(f"Front of the medians: {len(front)} of {len(result.candidates)} regimens")
    console.print(_table(result, front))
    others = sorted(
        (one for one in result.candidates if not one.on_front and not one.excluded),
        key=lambda one: -(one.robustness or 0.0),
    )
    if others:
        console.print()
        console.print("Not on the front")
        console.print(_table(result, others[:_MOST_OTHERS]))
        if len(others) > _MOST_OTHERS:
            _indented(console, f"… and {len(others) - _MOST_OTHERS} more, all with --out")
    excluded = [one for one in result.candidates if one.excluded]
    if excluded:
        console.print()
        console.print(f"Beyond a limit: {len(excluded)}")
        for one in excluded[:_MOST_EXCLUDED]:
            _indented(console, f"{one.regimen}: {one.excluded}")
        if len(excluded) > _MOST_EXCLUDED:
            _indented(console, f"… and {len(excluded) - _MOST_EXCLUDED} more, all with --out")
    console.print()
    for warning in result.warnings:
        _indented(console, f"note: {warning.message}")
    _indented(
        console,
        "regret: median loss to the best regimen of the draw that gives no more of any compound "
        f"in all; differences up to {result.negligible:.0%} count as none for the front",
    )
    console.print(f"seed {result.seed}")


def _table(result: ScheduleResult, candidates: Sequence[ScheduleCandidate]) -> Padding:
    """Candidates with their objectives, numbered as above."""
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("regimen", overflow="fold")
    shown.add_column("on front in", no_wrap=True)
    for number, use in enumerate(result.objectives, start=1):
        shown.add_column(str(number), no_wrap=True)
        if use.of_output:
            if result.draws:
                shown.add_column("limits", overflow="fold")
            shown.add_column("regret", no_wrap=True)
    for one in candidates:
        cells = ["—" if one.robustness is None else f"{one.robustness:.0%}"]
        for use, value in zip(result.objectives, one.values, strict=True):
            cells.append(_number(use, value.median))
            if use.of_output:
                if result.draws:
                    cells.append(f"{_number(use, value.lower)} to {_number(use, value.upper)}")
                cells.append(_regret(use, value))
        shown.add_row(plain(one.regimen), *cells)
    return Padding(shown, (0, 0, 0, 2), expand=False)


def _number(use: ObjectiveUse, value: float) -> str:
    """A value; whole days stay whole."""
    return f"{value:g}" if use.measure == "dosing_days" else number_text(value)


def _regret(use: ObjectiveUse, value: ObjectiveValue) -> str:
    """A share, or a difference in the unit of the objective."""
    if value.regret is None:
        return "—"
    return f"{value.regret:.0%}" if use.relative else number_text(value.regret)


def _unit(use: ObjectiveUse) -> str:
    return f" ({use.unit})" if use.unit and use.measure != "dosing_days" else ""


def _indented(console: Console, words: str) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(plain(words), (0, 0, 0, 2), expand=False))
