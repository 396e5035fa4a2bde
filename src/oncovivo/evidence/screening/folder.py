"""A screening as it lies in its folder, read and put together.

::

    screening.toml    raters and reasons
    search.csv        every record found, made by the import
    duplicates.csv    what a person said of near-duplicates; may be missing
    screening.csv     the decisions; may be missing
    references.json   here or in the folder above; may be missing
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oncovivo.evidence.screening.agreement import Agreement, rater_agreement
from oncovivo.evidence.screening.decisions import (
    CONSENSUS,
    Stage,
    StageDecision,
    read_decisions,
)
from oncovivo.evidence.screening.duplicates import (
    Deduplication,
    deduplicate,
    read_pair_decisions,
)
from oncovivo.evidence.screening.flow import Flow, compute_flow
from oncovivo.evidence.screening.found import FoundRecord, read_search
from oncovivo.evidence.screening.settings import ScreeningSettings, read_settings
from oncovivo.evidence.screening.states import ReportState, kept_decisions, report_states
from oncovivo.references import Library, read_references

__all__ = ["Screening", "assemble_screening", "read_screening"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """A screening: what was found, what was decided, and what follows.

    Parameters
    ----------
    settings : ScreeningSettings
        Raters and reasons.
    records : tuple of FoundRecord
        Every record, duplicates included.
    duplicates : Deduplication
        Their groups.
    decisions : tuple of StageDecision
        The log, in the order of the file.
    states : tuple of ReportState
        Where every report stands.
    agreement : tuple of Agreement
        Of every two raters at every stage.
    flow : Flow
        The numbers of the flow diagram.
    library : Library, optional
        The references, where there are any.
    """

    settings: ScreeningSettings
    records: tuple[FoundRecord, ...]
    duplicates: Deduplication
    decisions: tuple[StageDecision, ...]
    states: tuple[ReportState, ...]
    agreement: tuple[Agreement, ...]
    flow: Flow
    library: Library | None = None

    def waiting(self, stage: Stage, *, rater: str) -> tuple[ReportState, ...]:
        """Reports on which a rater may still decide at a stage, in order.

        What others decided is not part of it, so that ratings stay independent. The rater
        ``consensus`` is asked about what raters disagree on.
        """
        conflict, waits = (
            ("title_abstract_conflict", ("title_abstract_waiting",))
            if stage == "title_abstract"
            else ("full_text_conflict", ("retrieval_waiting", "full_text_waiting"))
        )
        asked = (conflict,) if rater == CONSENSUS else waits
        return tuple(
            report
            for report in self.states
            if report.state in asked and (rater == CONSENSUS or rater not in report.raters)
        )


def read_screening(folder: Path, *, references: Path | None = None) -> Screening:
    """The screening of a folder.

    Parameters
    ----------
    folder : Path
        Holds ``screening.toml`` and ``search.csv``, and perhaps ``duplicates.csv`` and
        ``screening.csv``.
    references : Path, optional
        CSL-JSON; else ``references.json`` in the folder or the one above, where there is one.

    Raises
    ------
    FileFormatError
        If a file is missing or malformed, or decisions contradict each other.
    """
    settings = read_settings(folder / "screening.toml")
    records = read_search(folder / "search.csv")
    ids = [record.record_id for record in records]
    beside = (folder / "references.json", folder.resolve().parent / "references.json")
    place = references or next((path for path in beside if path.is_file()), None)
    library = None if place is None else read_references(place)
    pairs, log = folder / "duplicates.csv", folder / "screening.csv"
    duplicates = deduplicate(
        records, decisions=read_pair_decisions(pairs, record_ids=ids) if pairs.exists() else ()
    )
    decisions = (
        read_decisions(log, settings=settings, record_ids=ids, library=library)
        if log.exists()
        else ()
    )
    return assemble_screening(
        settings=settings,
        records=records,
        duplicates=duplicates,
        decisions=decisions,
        library=library,
    )


def assemble_screening(
    *,
    settings: ScreeningSettings,
    records: tuple[FoundRecord, ...],
    duplicates: Deduplication,
    decisions: tuple[StageDecision, ...],
    library: Library | None = None,
) -> Screening:
    """What follows from records, groups and decisions.

    Raises
    ------
    FileFormatError
        If decisions contradict each other.
    """
    states = report_states(records, duplicates, decisions, settings=settings, library=library)
    return Screening(
        settings=settings,
        records=records,
        duplicates=duplicates,
        decisions=decisions,
        states=states,
        agreement=rater_agreement(kept_decisions(decisions, duplicates)),
        flow=compute_flow(records, duplicates, states, settings=settings),
        library=library,
    )
