"""Results as tables that fit a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oncovivo.analyses import Bundle
from oncovivo.evidence.lint import Finding

__all__ = ["show_build", "show_findings"]


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _plain(words: str) -> Text:
    """Text in which brackets are no markup."""
    return Text(words)


def show_findings(findings: Sequence[Finding]) -> None:
    """Findings that stand, then those that a waiver accepts."""
    console = Console()
    standing = [finding for finding in findings if not finding.waived]
    waived = [finding for finding in findings if finding.waived]
    if standing:
        table = _table("rule", "severity", "where", "what was found", "how to mend it")
        for finding in standing:
            table.add_row(
                finding.rule,
                finding.severity,
                _plain(", ".join((*finding.rows, *finding.claims, *finding.subjects))),
                _plain(finding.message),
                _plain(finding.mend),
            )
        console.print(table)
    if waived:
        table = _table("rule", "where", "what was found", "waived because")
        for finding in waived:
            table.add_row(
                finding.rule,
                _plain(", ".join((*finding.rows, *finding.claims, *finding.subjects))),
                _plain(finding.message),
                _plain(finding.waiver.reason if finding.waiver else ""),
            )
        console.print(table)
    errors = sum(finding.severity == "error" for finding in standing)
    console.print(
        f"{len(standing)} findings ({errors} errors, {len(standing) - errors} warnings), "
        f"{len(waived)} waived",
        highlight=False,
    )


def show_build(bundle: Bundle, *, out: Path, seconds: float) -> None:
    """What was built, from what, with which verdicts."""
    console = Console()
    counts = Counter(result.verdict for result in bundle.claims)
    table = _table("verdict", "sentences")
    for verdict, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(verdict.replace("_", " "), str(count))
    if counts:
        console.print(table)
    standing = sum(not finding.waived for finding in bundle.findings)
    works = len({work for result in bundle.claims for work in result.sources})
    console.print(
        f"{len(bundle.records)} rows, {works} works behind claims, {len(bundle.studies)} studies, "
        f"{standing} lint findings, {len(bundle.findings) - standing} waived",
        highlight=False,
    )
    for name in ("index.html", "guide.pdf"):
        console.print(_plain(f"{out / name}"), soft_wrap=True)
    console.print(f"built in {seconds:.1f} s", highlight=False)
