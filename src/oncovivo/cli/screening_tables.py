"""A screening as tables that fit a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oncovivo.analyses.screening import SearchImport, last_decisions
from oncovivo.cli.tables import plain, simple_table
from oncovivo.evidence.screening import (
    MERGE_REASONS,
    NEAR_REASONS,
    SOURCE_KINDS,
    STAGES,
    STATES,
    Agreement,
    Deduplication,
    FlowColumn,
    FoundRecord,
    ReportState,
    Screening,
)

if TYPE_CHECKING:
    from oncovivo.evidence.screening.decisions import Stage

__all__ = ["show_duplicates", "show_flow", "show_import", "show_screening", "show_waiting"]


def show_import(result: SearchImport) -> None:
    """What was read from where, what was not understood, and how many records are the same."""
    console = Console(highlight=False)
    table = simple_table("kind", "source", "file", "records")
    found = Counter(
        (record.source_kind, record.database, record.file) for record in result.records
    )
    for (kind, database, file), n in sorted(found.items()):
        table.add_row(SOURCE_KINDS[kind].lower(), plain(database), plain(file), str(n))
    console.print(table)
    if result.remarks:
        remarks = simple_table("record", "not understood")
        for remark in result.remarks:
            remarks.add_row(plain(remark.record_id), plain(remark.message))
        console.print(remarks)
    console.print(_duplicate_line(len(result.records), result.duplicates))


def _duplicate_line(n: int, found: Deduplication) -> str:
    return (
        f"{_counted(n, 'record')}, {_counted(len(found.merges), 'duplicate')} removed, "
        f"{_counted(len(found.groups), 'report')} left; "
        f"{_counted(len(found.near), 'pair')} to decide"
    )


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"


def show_duplicates(screening: Screening) -> None:
    """Every merge with its reason and score, and the pairs that wait for a person."""
    console = Console(highlight=False)
    titles = {record.record_id: record.title for record in screening.records}
    found = screening.duplicates
    if found.merges:
        table = simple_table("removed", "kept", "why", "score")
        for merge in found.merges:
            why = MERGE_REASONS[merge.reason]
            if merge.by_way_of != merge.kept:
                why += f" as {merge.by_way_of}"
            table.add_row(
                plain(merge.record_id), plain(merge.kept), plain(why), f"{merge.score:.2f}"
            )
        console.print(table)
    if found.near:
        console.print(Text("To decide, in duplicates.csv", style="bold"))
        table = simple_table("record", "title", "why", "score")
        for near in found.near:
            why, score = NEAR_REASONS[near.reason], f"{near.score:.2f}"
            table.add_row(plain(near.record_id), plain(titles[near.record_id]), why, score)
            table.add_row(plain(near.other_id), plain(titles[near.other_id]), "", "")
        console.print(table)
    console.print(_duplicate_line(len(screening.records), found))


def show_screening(screening: Screening) -> None:
    """How many reports stand where, what raters disagree on, and how far they agree."""
    console = Console(highlight=False)
    found = screening.duplicates
    console.print(_duplicate_line(len(screening.records), found))
    table = simple_table("report", "number")
    count = Counter(report.state for report in screening.states)
    for state, words in STATES.items():
        if count[state]:
            table.add_row(words, str(count[state]))
    console.print(table)
    conflicts = [report for report in screening.states if report.state.endswith("_conflict")]
    if conflicts:
        _show_conflicts(console, screening, conflicts)
    if screening.agreement:
        _show_agreement(console, screening.agreement)
    included = [report for report in screening.states if report.state == "included"]
    if included:
        table = simple_table("included", "key of references.json", "study")
        for report in included:
            table.add_row(
                plain(report.record_id), plain(report.source or "—"), plain(report.study or "—")
            )
        console.print(table)


def _show_conflicts(
    console: Console, screening: Screening, conflicts: Sequence[ReportState]
) -> None:
    titles = {record.record_id: record.title for record in screening.records}
    table = simple_table("raters disagree on", "title", "decisions")
    for report in conflicts:
        decisions = ", ".join(
            f"{one.rater}: {one.decision.replace('_', ' ')}"
            + (f" ({one.reason})" if one.reason else "")
            for one in last_decisions(screening, report.record_id)
        )
        table.add_row(plain(report.record_id), plain(titles[report.record_id]), plain(decisions))
    console.print(table)


def _show_agreement(console: Console, agreement: Sequence[Agreement]) -> None:
    table = simple_table("raters", "stage", "both decided", "alike", "kappa", "95 % interval")
    for one in agreement:
        kappa, limits = "undefined", "—"
        if one.kappa is not None and one.lower is not None and one.upper is not None:
            kappa = f"{one.kappa:.2f}"
            limits = f"{one.lower:.2f} to {one.upper:.2f}"
        table.add_row(
            plain(" and ".join(one.raters)),
            STAGES[one.stage],
            str(one.n),
            str(one.n_agreed),
            kappa.replace("-", "−"),
            limits.replace("-", "−"),
        )
    console.print(table)


def show_waiting(screening: Screening, *, rater: str, stage: Stage, most: int) -> None:
    """The next records on which a rater may decide, with their abstracts."""
    console = Console(highlight=False)
    waiting = screening.waiting(stage, rater=rater)
    by_id = {record.record_id: record for record in screening.records}
    for report in waiting[:most]:
        _show_record(console, by_id[report.record_id])
    shown = min(most, len(waiting))
    words = f"{_counted(len(waiting), 'record')} for {rater} on {STAGES[stage]}"
    console.print(plain(f"{words}, {shown} shown" if waiting else words))


def _show_record(console: Console, record: FoundRecord) -> None:
    console.print(Text(record.record_id, style="bold") + Text(f"  {record.title}"))
    place = [record.journal, record.volume, record.pages]
    cited = " ".join(text for text in place if text)
    names = ", ".join(record.authors[:3]) + (" et al." if len(record.authors) > 3 else "")
    ids = [f"doi:{record.doi}" if record.doi else "", f"PMID {record.pmid}" if record.pmid else ""]
    line = " · ".join(text for text in (names, str(record.year or ""), cited, *ids) if text)
    console.print(plain(f"  {line}"))
    if record.abstract:
        console.print(plain(f"  {record.abstract}"))
    console.print()


def show_flow(screening: Screening) -> None:
    """The numbers of the flow diagram, column by column."""
    console = Console(highlight=False)
    flow = screening.flow
    if flow.title:
        console.print(Text(flow.title, style="bold"))
    if flow.fictitious:
        console.print("MADE-UP RECORDS: an example, not a review")
    columns = [flow.searched] + ([flow.other] if flow.other is not None else [])
    table = Table.grid(padding=(0, 2))
    for place in range(len(columns) + 1):
        table.add_column(justify="right" if place else "left", overflow="fold")
    table.add_row("", *("searched", "other methods")[: len(columns)])
    identified = {(one.kind, one.name): None for column in columns for one in column.identified}
    table.add_row("records identified", *(str(column.n_identified) for column in columns))
    for kind, name in identified:
        table.add_row(
            plain(f"  {name}"),
            *(
                next(
                    (
                        str(one.n)
                        for one in column.identified
                        if (one.kind, one.name) == (kind, name)
                    ),
                    "",
                )
                for column in columns
            ),
        )
    for words, name in _ROWS:
        values = [getattr(column, name) for column in columns]
        if any(values) or not words.endswith("in progress"):
            table.add_row(words, *map(str, values))
        if name == "n_excluded_reports":
            _add_reasons(table, columns)
    console.print(table)
    console.print(
        f"{_counted(flow.n_reports, 'report')} of {flow.n_studies:,} "
        f"{'study' if flow.n_studies == 1 else 'studies'} included"
    )
    if not flow.complete:
        console.print(
            f"in progress: {_counted(flow.n_open, 'report')} and "
            f"{_counted(flow.n_near_duplicates, 'pair')} of possible duplicates wait for a "
            "decision"
        )


_ROWS = (
    ("duplicates removed", "n_duplicates"),
    ("records screened", "n_screened"),
    ("  in progress", "n_screening_open"),
    ("records excluded", "n_excluded"),
    ("reports sought", "n_sought"),
    ("reports not retrieved", "n_not_retrieved"),
    ("  retrieval in progress", "n_retrieval_open"),
    ("reports assessed", "n_assessed"),
    ("  assessment in progress", "n_assessment_open"),
    ("reports excluded", "n_excluded_reports"),
    ("reports included", "n_included"),
)


def _add_reasons(table: Table, columns: Sequence[FlowColumn]) -> None:
    found = [dict(column.excluded_reports) for column in columns]
    for label in dict.fromkeys(label for reasons in found for label in reasons):
        table.add_row(plain(f"  {label}"), *(str(reasons.get(label, 0)) for reasons in found))
