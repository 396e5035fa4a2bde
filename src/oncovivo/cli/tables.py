"""Results as tables that fit a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oncovivo.analyses import Bundle
from oncovivo.evidence.lint import RULES, Finding
from oncovivo.guide.wording import counted

__all__ = ["plain", "show_build", "show_findings", "simple_table"]


def simple_table(*headings: str) -> Table:
    """A table without frames whose cells fold."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def plain(words: str) -> Text:
    """Text in which brackets are no markup."""
    return Text(words)


def show_findings(findings: Sequence[Finding]) -> None:
    """Findings that stand, by rule, then those that a waiver accepts."""
    console = Console()
    standing = [finding for finding in findings if not finding.waived]
    waived = [finding for finding in findings if finding.waived]
    for rule, found in groupby(standing, key=lambda finding: finding.rule):
        _show_rule(console, rule, list(found))
    if waived:
        table = simple_table("waived", "where", "what was found", "why it is accepted")
        for finding in waived:
            reason = finding.waiver.reason if finding.waiver else ""
            table.add_row(
                finding.rule, plain(_places(finding)), plain(finding.message), plain(reason)
            )
        console.print(table)
    errors = sum(finding.severity == "error" for finding in standing)
    console.print(
        f"{len(standing)} findings ({errors} errors, {len(standing) - errors} warnings), "
        f"{len(waived)} waived",
        highlight=False,
    )


def _show_rule(console: Console, rule: str, findings: Sequence[Finding]) -> None:
    """The findings of one rule under its title, with each way to mend them once."""
    title = next((known.title for known in RULES if known.id == rule), "")
    heading = Text(f"{rule} {findings[0].severity}: ", style="bold")
    console.print(heading + Text(title))
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=3, overflow="fold")
    for finding in findings:
        table.add_row(plain(_places(finding)), plain(finding.message))
    console.print(table)
    for mend in dict.fromkeys(finding.mend for finding in findings):
        console.print(Text(f"  mend: {mend}", style="italic"))
    console.print()


def _places(finding: Finding) -> str:
    """Rows, claims and whatever else a finding points to, each once."""
    return ", ".join(dict.fromkeys((*finding.rows, *finding.claims, *finding.subjects)))


def show_build(bundle: Bundle, *, out: Path, seconds: float) -> None:
    """What was built, from what, with which verdicts."""
    console = Console()
    counts = Counter(result.verdict for result in bundle.claims)
    table = simple_table("verdict", "sentences")
    for verdict, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(verdict.replace("_", " "), str(count))
    if counts:
        console.print(table)
    standing = sum(not finding.waived for finding in bundle.findings)
    works = len({work for result in bundle.claims for work in result.sources})
    n_studies = len(bundle.studies)
    said = (
        counted(len(bundle.records), "row"),
        f"{counted(works, 'work')} behind claims",
        f"{n_studies} {'study' if n_studies == 1 else 'studies'}",
        counted(standing, "lint finding"),
        f"{len(bundle.findings) - standing} waived",
    )
    console.print(", ".join(said), highlight=False)
    for name in ("index.html", "guide.pdf"):
        console.print(plain(f"{out / name}"), soft_wrap=True)
    console.print(f"built in {seconds:.1f} s", highlight=False)
