"""Results of studies as tables that fit a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.study_analysis import FileAnalysis, StudyAnalysis
from oncovivo.cli.tables import plain, simple_table
from oncovivo.endpoints import EndpointEstimate, EndpointTable
from oncovivo.endpoints.wording import (
    endpoint_unit,
    interval_text,
    list_remarks,
    number_text,
    value_text,
)
from oncovivo.panels import PanelResult
from oncovivo.studies.check import CheckReport, StudyFinding

__all__ = ["show_endpoints", "show_panel", "show_report"]

# Messages of one check that a person reads; all are in the JSON.
MOST_MESSAGES: Final = 10
SEVERITY_WORDS: Final = {"error": "error", "warning": "warning", "info": "remark"}


def show_report(report: CheckReport) -> None:
    """Findings by check, the gravest first, each check with its messages and how to mend it."""
    console = Console(highlight=False)
    console.print(plain(report.summary().split("\n")[0]))
    several = len(report.studies) > 1
    found = [("", finding) for finding in report.findings]
    found += [
        (f"{study.study}, {study.line}: " if several else "", finding)
        for study in report.studies
        for finding in study.findings
    ]
    for severity, word in SEVERITY_WORDS.items():
        codes: dict[str, list[tuple[str, StudyFinding]]] = {}
        for named in found:
            if named[1].severity == severity:
                codes.setdefault(named[1].code, []).append(named)
        for code, findings in codes.items():
            _show_check(console, word, code, findings)


def _show_check(
    console: Console, word: str, code: str, findings: Sequence[tuple[str, StudyFinding]]
) -> None:
    """What one check found."""
    console.print()
    count = f" ({len(findings)})" if len(findings) > 1 else ""
    console.print(Text(f"{word} ", style="bold") + Text(f"{code}{count}"))
    for study, finding in findings[:MOST_MESSAGES]:
        _indented(console, Text(f"{study}{finding.message}"))
    if len(findings) > MOST_MESSAGES:
        _indented(console, Text(f"and {len(findings) - MOST_MESSAGES} more; --json has all"))
    for mend in dict.fromkeys(finding.mend for _, finding in findings):
        _indented(console, Text(f"mend: {mend}", style="italic"))


def _indented(console: Console, words: Text) -> None:
    """A paragraph whose lines all begin below the heading."""
    console.print(Padding(words, (0, 0, 0, 2), expand=False))


def show_endpoints(result: FileAnalysis) -> None:
    """Study by study: the arms, then the endpoints of each; then the studies that were skipped."""
    console = Console(highlight=False)
    for study in result.analysed:
        _show_study(console, study)
    for skipped in result.skipped:
        console.print(plain(f"{skipped.study_id} was not analysed: {skipped.reason}"))
    console.print(f"seed {result.seed}")


def _show_study(console: Console, study: StudyAnalysis) -> None:
    """The arms of a study, what holds for all of them, and the endpoints arm by arm."""
    table = study.endpoints
    console.print(Text(table.summary(), style="bold"))
    for note in table.notes:
        _indented(console, plain(note))
    day = table.day_choice.day
    console.print()
    console.print(
        "Animals on " + ("the last day" if day is None else f"day {day:g}") + ", responses"
    )
    console.print(_arms(study))
    for arm in table.arms:
        console.print(Text(arm, style="bold"))
        _show_arm(console, table, [row for row in table.endpoints if row.arm == arm])
        console.print()


def _arms(study: StudyAnalysis) -> Table:
    """Who is left on the day of the endpoints, and the response of each arm."""
    choice = study.endpoints.day_choice
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    shown.add_column("  arm", overflow="fold")
    headings = ("n", "followed", "measured", "CR/PR/SD/PD", "PPTC", "lost ≥15/≥20 %")
    for heading in headings if study.tolerability else headings[:-1]:
        shown.add_column(heading, no_wrap=True)
    responses = {arm.arm: arm for arm in study.response.arms} if study.response else {}
    weights = {arm.arm: arm for arm in study.tolerability.arms} if study.tolerability else {}
    for share in choice.shares:
        response, weight = responses.get(share.arm), weights.get(share.arm)
        cells = [str(n) for n in (share.n_enrolled, share.n_at_risk, share.n_measured)]
        if response is None:
            cells += ["—", "—"]
        else:
            counts = (response.n_cr, response.n_pr, response.n_sd, response.n_pd)
            cells += ["/".join(map(str, counts)), response.pptc_group or "—"]
        if study.tolerability is not None:
            cells.append("—" if weight is None else f"{weight.n_loss_15}/{weight.n_loss_20}")
        shown.add_row(plain(f"  {share.arm}"), *cells)
    return shown


def _show_arm(console: Console, table: EndpointTable, rows: Sequence[EndpointEstimate]) -> None:
    """The endpoints of one arm, and below them what is remarked."""
    shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("  endpoint", "unit", "estimate", f"{table.level:.0%} interval", "n"):
        shown.add_column(heading, no_wrap=True)
    shown.add_column("", overflow="fold")
    numbers: dict[str, int] = {}
    for row in rows:
        marks = [numbers.setdefault(words, len(numbers) + 1) for words in _remarks(table, row)]
        shown.add_row(
            f"  {row.endpoint}",
            endpoint_unit(row.endpoint),
            value_text(row),
            interval_text(row),
            f"{row.n_treated}/{row.n_control}" if row.versus else str(row.n_treated),
            " ".join(f"[{mark}]" for mark in sorted(marks)),
        )
    console.print(shown)
    for words, number in numbers.items():
        _indented(console, plain(f"[{number}] {words}"))
    for test in table.tests:
        if rows and test.arm == rows[0].arm:
            _indented(
                console,
                plain(
                    f"permutation test of areas of {test.scale} against {test.versus}: "
                    f"p = {number_text(test.p_value)} ({test.n_treated}/{test.n_control} animals)"
                ),
            )


def _remarks(table: EndpointTable, row: EndpointEstimate) -> Iterable[str]:
    """Remarks of an endpoint; first its day, where it is not the day of the study."""
    remarks = list_remarks(row)
    named = any(remark.startswith("day ") for remark in remarks)
    if row.day not in (None, table.day_choice.day) and not named:
        yield f"day {row.day:g}"
    yield from remarks


def show_panel(result: PanelResult) -> None:
    """The summaries of a panel by treatment."""
    console = Console(highlight=False)
    console.print(plain(result.summary()))
    shown = simple_table("treatment", "lines", "animals", "CR", "PR", "SD", "PD", "median best %")
    for column in shown.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    for row in result.summaries("treatment"):
        median = row.median_best_response_pct
        shown.add_row(
            plain(row.treatment or ""),
            str(row.n_lines),
            str(row.n_animals),
            *(str(count) for count in (row.n_cr, row.n_pr, row.n_sd, row.n_pd)),
            "—" if median is None else f"{median:.1f}".replace("-", "−"),
        )
    console.print(shown)
