"""The flow of a review by PRISMA 2020: how many records and reports went which way.

Nothing is counted by hand: every number follows from the records, their groups and the log. What
is not yet decided is counted as in progress, so that the numbers of a running review add up too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from oncovivo.errors import DataError
from oncovivo.evidence.screening.duplicates import Deduplication
from oncovivo.evidence.screening.found import SOURCE_KINDS, FoundRecord, SourceKind
from oncovivo.evidence.screening.settings import ScreeningSettings
from oncovivo.evidence.screening.states import ReportState, State

__all__ = ["Flow", "FlowColumn", "Identified", "check_flow", "compute_flow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """How many records one database, register or other method gave."""

    kind: SourceKind
    name: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowColumn:
    """The numbers of one column of the diagram.

    Parameters
    ----------
    identified : tuple of Identified
        By kind and name.
    n_duplicates : int
        Records removed as duplicates before screening.
    n_screened : int
        Records on whose title and abstract a decision stands; in the column of other methods
        those that went on or were excluded.
    n_excluded : int
        Of these, excluded.
    n_screening_open : int
        Records that still wait for a decision on title and abstract, or raters disagree.
    n_sought : int
        Reports sought for retrieval.
    n_not_retrieved : int
        Reports that could not be had.
    n_retrieval_open : int
        Reports that are still sought, or wait for their first reading.
    n_assessed : int
        Reports of which the full text was read.
    excluded_reports : tuple of tuple of str and int
        Reason as the settings print it, and number, in the order of the settings.
    n_assessment_open : int
        Reports that were read and are not decided.
    n_included : int
        Reports included.
    """

    identified: tuple[Identified, ...]
    n_duplicates: int
    n_screened: int
    n_excluded: int
    n_screening_open: int
    n_sought: int
    n_not_retrieved: int
    n_retrieval_open: int
    n_assessed: int
    excluded_reports: tuple[tuple[str, int], ...]
    n_assessment_open: int
    n_included: int

    @property
    def n_identified(self) -> int:
        """Records of all sources of the column."""
        return sum(source.n for source in self.identified)

    @property
    def n_excluded_reports(self) -> int:
        """Reports excluded for any reason."""
        return sum(n for _, n in self.excluded_reports)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The numbers of a flow diagram.

    Parameters
    ----------
    title : str
        Of the review.
    searched : FlowColumn
        Databases and registers.
    other : FlowColumn, optional
        Other methods; None where none was used.
    n_studies : int
        Studies included: reports that share the name of a study are one.
    n_reports : int
        Reports of these.
    n_near_duplicates : int
        Pairs of records that may be one and wait for a person.
    fictitious : bool
        Whether the records are made up.
    """

    title: str
    searched: FlowColumn
    other: FlowColumn | None
    n_studies: int
    n_reports: int
    n_near_duplicates: int
    fictitious: bool

    @property
    def n_open(self) -> int:
        """Records and reports on which something remains to be decided."""
        return sum(
            column.n_screening_open + column.n_retrieval_open + column.n_assessment_open
            for column in (self.searched, self.other)
            if column is not None
        )

    @property
    def complete(self) -> bool:
        """Whether nothing remains to be decided."""
        return self.n_open == 0 and self.n_near_duplicates == 0


def compute_flow(
    records: Sequence[FoundRecord],
    duplicates: Deduplication,
    states: Sequence[ReportState],
    *,
    settings: ScreeningSettings,
) -> Flow:
    """The numbers of the diagram.

    A report that a database or register gave is counted there, also when another method found it
    too; the records of the other method are then its duplicates.

    Raises
    ------
    DataError
        If a record is in no report or in two, or the numbers do not add up.
    """
    members = sorted(name for state in states for name in state.members)
    if members != sorted(record.record_id for record in records):
        raise DataError(
            "every record in one report",
            found=f"{len(members)} in reports, {len(set(members))} different, of {len(records)}",
            where="flow",
        )
    included = [state for state in states if state.state == "included"]
    others = _column(records, states, settings, searched=False)
    flow = Flow(
        title=settings.title,
        searched=_column(records, states, settings, searched=True),
        other=others if others.identified else None,
        n_studies=len({("study", s.study) if s.study else ("", s.record_id) for s in included}),
        n_reports=len(included),
        n_near_duplicates=len(duplicates.near),
        fictitious=settings.fictitious,
    )
    check_flow(flow)
    return flow


def _column(
    records: Sequence[FoundRecord],
    states: Sequence[ReportState],
    settings: ScreeningSettings,
    *,
    searched: bool,
) -> FlowColumn:
    """The numbers of one column."""
    mine = [record for record in records if record.searched == searched]
    reports = [state for state in states if state.searched == searched]
    count: Counter[State] = Counter(state.state for state in reports)
    found = Counter((record.source_kind, record.database) for record in mine)
    kinds = list(SOURCE_KINDS)
    reasons = Counter(state.reason for state in reports if state.state == "excluded_full_text")
    screening_open = count["title_abstract_waiting"] + count["title_abstract_conflict"]
    assessment_open = count["full_text_waiting"] + count["full_text_conflict"]
    excluded = count["excluded_title_abstract"]
    assessed = assessment_open + count["excluded_full_text"] + count["included"]
    sought = assessed + count["not_retrieved"] + count["retrieval_waiting"]
    return FlowColumn(
        identified=tuple(
            Identified(kind=kind, name=name, n=n)
            for (kind, name), n in sorted(
                found.items(), key=lambda item: (kinds.index(item[0][0]), item[0][1])
            )
        ),
        n_duplicates=len(mine) - len(reports),
        n_screened=sought + excluded,
        n_excluded=excluded,
        n_screening_open=screening_open,
        n_sought=sought,
        n_not_retrieved=count["not_retrieved"],
        n_retrieval_open=count["retrieval_waiting"],
        n_assessed=assessed,
        excluded_reports=tuple(
            (label, reasons[word]) for word, label in settings.reasons.items() if reasons[word]
        ),
        n_assessment_open=assessment_open,
        n_included=count["included"],
    )


def check_flow(flow: Flow) -> None:
    """Refuse numbers that do not add up from box to box.

    Raises
    ------
    DataError
        If they do not; names the first box.
    """
    for name, column in (("databases and registers", flow.searched), ("other", flow.other)):
        if column is None:
            continue
        sums = {
            "identified": (
                column.n_identified,
                column.n_duplicates + column.n_screened + column.n_screening_open,
            ),
            "screened": (column.n_screened, column.n_excluded + column.n_sought),
            "sought": (
                column.n_sought,
                column.n_not_retrieved + column.n_retrieval_open + column.n_assessed,
            ),
            "assessed": (
                column.n_assessed,
                column.n_excluded_reports + column.n_assessment_open + column.n_included,
            ),
        }
        for box, (n, parts) in sums.items():
            if n != parts:
                raise DataError(
                    f"{n} {box}, as the boxes after it", found=str(parts), where=f"flow, {name}"
                )
    columns = [column for column in (flow.searched, flow.other) if column is not None]
    total = sum(column.n_included for column in columns)
    if flow.n_reports != total or not min(total, 1) <= flow.n_studies <= total:
        raise DataError(
            f"{total} included reports of as many studies or fewer",
            found=f"{flow.n_reports} reports of {flow.n_studies} studies",
            where="flow, included",
        )
    if any(n < 0 for column in columns for n in _numbers(column)):
        raise DataError("numbers of 0 or more", found="a negative number", where="flow")


def _numbers(column: FlowColumn) -> tuple[int, ...]:
    return (
        column.n_duplicates,
        column.n_screened,
        column.n_excluded,
        column.n_screening_open,
        column.n_sought,
        column.n_not_retrieved,
        column.n_retrieval_open,
        column.n_assessed,
        column.n_assessment_open,
        column.n_included,
        *(n for _, n in column.excluded_reports),
    )
