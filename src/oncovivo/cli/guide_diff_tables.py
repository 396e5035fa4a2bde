"""What changed between two guides as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from oncovivo.analyses.guide_diff import PARTS, Change, ClaimChange, GuideDiff, NumberChange
from oncovivo.cli.tables import plain, simple_table
from oncovivo.guide.diff_words import field_words, result_words
from oncovivo.guide.wording import counted

__all__ = ["show_diff"]


def show_diff(diff: GuideDiff, *, out: Path | None = None) -> None:
    """Claims, numbers, then every other part that changed."""
    console = Console(highlight=False)
    for name, side in (("old", diff.old), ("new", diff.new)):
        console.print(plain(f"{name}: {side.title}, {side.date}, {side.program}"))
    if not diff.n_changes:
        console.print("nothing changed")
    _show_claims(console, diff.claims)
    _show_numbers(console, diff.numbers)
    for part, heading in PARTS.items():
        _show_part(console, heading, diff.parts.get(part, ()))
    if diff.n_changes:
        weaker = ", ".join(claim.id for claim in diff.weaker)
        said = f"became weaker: {weaker}" if weaker else "no verdict became weaker"
        console.print(plain(f"{counted(diff.n_changes, 'change')}; {said}"))
    if out is not None:
        console.print(plain(str(out)), soft_wrap=True)


def _show_claims(console: Console, claims: Sequence[ClaimChange]) -> None:
    if not claims:
        return
    table = simple_table("claim", "old", "new", "what differs")
    for claim in claims:
        if claim.change == "changed":
            differs = [*map(field_words, claim.slots), *map(field_words, claim.fields)]
        else:
            differs = [claim.new_text or claim.old_text or ""]
        table.add_row(
            claim.id,
            _verdict(claim.old),
            Text(_verdict(claim.new), style="bold red" if claim.weaker else ""),
            plain("; ".join(differs)),
        )
    console.print(table)


def _verdict(verdict: str | None) -> str:
    return "not there" if verdict is None else verdict.replace("_", " ")


def _show_numbers(console: Console, numbers: Sequence[NumberChange]) -> None:
    if not numbers:
        return
    table = simple_table("result", "old → new (relative change)")
    for result, words in result_words(numbers):
        table.add_row(plain(result), plain(words))
    console.print(table)


def _show_part(console: Console, heading: str, changes: Sequence[Change]) -> None:
    if not changes:
        return
    table = simple_table(heading.lower(), "change", "what differs")
    for change in changes:
        table.add_row(
            plain(change.id), change.change, plain("; ".join(map(field_words, change.fields)))
        )
    console.print(table)
