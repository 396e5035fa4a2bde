"""Results of studies as tables that fit a terminal."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.study_analysis import FileAnalysis, StudyAnalysis
from oncovivo.cli.tables import plain, simple_table
from oncovivo.endpoints.estimate import EndpointEstimate
from oncovivo.panels import PanelResult
from oncovivo.studies.check import CheckReport, StudyFinding

__all__ = ["show_endpoints", "show_panel", "show_report"]


def show_report(report: CheckReport) -> None:
    """Findings by study and code, each with its rows and how to mend it."""
    console = Console()
    console.print(plain(report.summary().split("\n")[0]))
    if report.findings:
        _show_findings(console, report.findings)
    for study in report.studies:
        if study.findings:
            console.print(Text(f"{study.study}, {study.line}", style="bold"))
            _show_findings(console, study.findings)


def _show_findings(console: Console, findings: tuple[StudyFinding, ...]) -> None:
    """One line for each finding; the way to mend it once for each code."""
    for code, found in groupby(findings, key=lambda finding: finding.code):
        group = list(found)
        heading = Text(f"  {group[0].severity} ", style="bold")
        console.print(heading + Text(code))
        for finding in group:
            console.print(Text(f"    {finding.message}"))
        for mend in dict.fromkeys(finding.mend for finding in group):
            console.print(Text(f"    mend: {mend}", style="italic"))


def show_endpoints(result: FileAnalysis) -> None:
    """One table for each study; then the studies that were skipped, and why."""
    console = Console()
    for study in result.analysed:
        _show_study(console, study)
    for skipped in result.skipped:
        console.print(plain(f"{skipped.study_id} was not analysed: {skipped.reason}"))
    console.print(f"seed {result.seed}", highlight=False)


def _show_study(console: Console, study: StudyAnalysis) -> None:
    """The endpoints of a study, arm by arm, and its responses."""
    table = study.endpoints
    console.print(plain(table.summary()))
    shown = simple_table("arm", "endpoint", "estimate", "interval", "n", "remark")
    for row in table.endpoints:
        shown.add_row(
            plain(row.arm),
            row.endpoint,
            _estimate(row),
            _interval(row),
            f"{row.n_treated}/{row.n_control}" if row.versus else str(row.n_treated),
            plain(row.reason),
        )
    console.print(shown)
    if study.response is not None:
        console.print(_responses(study))
    for note in table.notes:
        console.print(plain(note))


def _responses(study: StudyAnalysis) -> Table:
    """MRECIST and PPTC by arm."""
    shown = simple_table("arm", "evaluable", "objective responses", "disease control", "PPTC")
    for arm in study.response.arms if study.response else ():
        shown.add_row(
            plain(arm.arm),
            str(arm.objective_response.n),
            f"{arm.objective_response.k}/{arm.objective_response.n}",
            f"{arm.disease_control.k}/{arm.disease_control.n}",
            arm.pptc_group or "—",
        )
    return shown


def _estimate(row: EndpointEstimate) -> str:
    if row.estimate is None:
        return f"> {row.greater_than:.4g}" if row.greater_than is not None else "—"
    return f"{row.estimate:.4g}"


def _interval(row: EndpointEstimate) -> str:
    if row.lower is None and row.upper is None:
        return ""
    lower = "−∞" if row.lower is None else f"{row.lower:.4g}"
    upper = "∞" if row.upper is None else f"{row.upper:.4g}"
    return f"{lower} to {upper}"


def show_panel(result: PanelResult) -> None:
    """The summaries of a panel by treatment."""
    console = Console()
    console.print(plain(result.summary()))
    shown = simple_table("treatment", "lines", "animals", "CR", "PR", "SD", "PD", "median best %")
    for row in result.summaries("treatment"):
        shown.add_row(
            plain(row.treatment or ""),
            str(row.n_lines),
            str(row.n_animals),
            *(str(count) for count in (row.n_cr, row.n_pr, row.n_sd, row.n_pd)),
            "—" if row.median_best_response_pct is None else f"{row.median_best_response_pct:.1f}",
        )
    console.print(shown)
