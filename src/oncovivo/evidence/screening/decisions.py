"""``screening.csv``: who decided what on which record, at which stage and why.

One row for one rater's decision on one record at one stage; a changed mind changes the row. Where
raters disagree, a row of the rater ``consensus`` settles it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from oncovivo.errors import FileFormatError
from oncovivo.evidence.csvfile import read_rows, write_rows
from oncovivo.evidence.screening.settings import ScreeningSettings
from oncovivo.references import Library

__all__ = [
    "CONSENSUS",
    "DECISIONS",
    "DECISION_COLUMNS",
    "STAGES",
    "Decision",
    "Stage",
    "StageDecision",
    "parse_decision",
    "read_decisions",
    "write_decisions",
]

Stage: TypeAlias = Literal["title_abstract", "full_text"]
Decision: TypeAlias = Literal["include", "exclude", "maybe", "not_retrieved"]

STAGES: Mapping[Stage, str] = MappingProxyType(
    {"title_abstract": "title and abstract", "full_text": "full text"}
)
"""The stages of a screening, in order."""

DECISIONS: Mapping[Decision, str] = MappingProxyType(
    {
        "include": "goes on to the full text; at the full text: into the review",
        "maybe": "goes on to the full text; at the full text: still open",
        "exclude": "out; at the full text with a reason",
        "not_retrieved": "the full text could not be had; only at that stage",
    }
)
"""What may be decided."""

CONSENSUS: Final = "consensus"
"""The rater whose row settles a disagreement."""

DECISION_COLUMNS: tuple[str, ...] = (
    "record_id",
    "stage",
    "decision",
    "reason",
    "rater",
    "date",
    "source",
    "study",
    "note",
)
"""The columns of ``screening.csv``; those from ``date`` on may be left out."""

_REQUIRED: Final = DECISION_COLUMNS[:5]
_STAGES: Final[Mapping[str, Stage]] = {name: name for name in STAGES}
_DECISIONS: Final[Mapping[str, Decision]] = {name: name for name in DECISIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDecision:
    """One rater's decision on one record at one stage.

    Parameters
    ----------
    record_id : str
        A record of ``search.csv``; also one that is not kept speaks for its group.
    stage : {"title_abstract", "full_text"}
        Where it was decided.
    decision : {"include", "maybe", "exclude", "not_retrieved"}
        What was decided.
    rater : str
        Who decided.
    reason : str
        A word of ``screening.toml``; empty unless excluded.
    date : str
        ISO 8601, or empty.
    source : str
        Key of ``references.json``, or empty.
    study : str
        A name that reports of one study share, or empty.
    note : str
        Free text.
    row : int
        Line of the file, 0 for a decision that is not in one.
    """

    record_id: str
    stage: Stage
    decision: Decision
    rater: str
    reason: str = ""
    date: str = ""
    source: str = ""
    study: str = ""
    note: str = ""
    row: int = 0


def write_decisions(decisions: Iterable[StageDecision]) -> str:
    """The text of a ``screening.csv`` with all columns, in the given order."""
    return write_rows(
        DECISION_COLUMNS,
        ([getattr(one, name) for name in DECISION_COLUMNS] for one in decisions),
    )


def read_decisions(
    path: Path,
    *,
    settings: ScreeningSettings,
    record_ids: Iterable[str],
    library: Library | None = None,
) -> tuple[StageDecision, ...]:
    """The decisions of a ``screening.csv``, in the order of the file.

    Parameters
    ----------
    path : Path
        The file.
    settings : ScreeningSettings
        Declares the reasons.
    record_ids : iterable of str
        The records that exist.
    library : Library, optional
        The references; without them keys of sources are not checked.

    Raises
    ------
    FileFormatError
        If a record, stage, decision, reason, date or source is not known, an exclusion at the
        full text has no reason, a reason stands without an exclusion, or nobody is named.
    """
    known = frozenset(record_ids)
    return tuple(
        parse_decision(
            cells,
            where=f"{path.name} row {line}",
            row=line,
            settings=settings,
            record_ids=known,
            library=library,
        )
        for line, cells in read_rows(path, columns=DECISION_COLUMNS, required=_REQUIRED)
    )


def parse_decision(
    cells: Mapping[str, str],
    *,
    where: str,
    settings: ScreeningSettings,
    record_ids: Container[str],
    library: Library | None = None,
    row: int = 0,
) -> StageDecision:
    """One decision from its cells.

    Parameters
    ----------
    cells : mapping of str to str
        By column; those from ``date`` on may be missing.
    where : str
        The place, for messages.
    settings : ScreeningSettings
        Declares the reasons.
    record_ids : container of str
        The records that exist.
    library : Library, optional
        The references; without them keys of sources are not checked.
    row : int
        Line of the file.

    Raises
    ------
    FileFormatError
        As :func:`read_decisions`.
    """

    def refuse(column: str, expected: str, mend: str = "correct the cell") -> FileFormatError:
        return FileFormatError(
            expected,
            found=repr(cells[column]) if cells.get(column) else "an empty cell",
            where=f"{where}, column {column}",
            mend=mend,
        )

    if cells["record_id"] not in record_ids:
        raise refuse("record_id", "a record of search.csv")
    stage, decision = _STAGES.get(cells["stage"]), _DECISIONS.get(cells["decision"])
    if stage is None:
        raise refuse("stage", f"one of {', '.join(STAGES)}")
    if decision is None:
        raise refuse("decision", f"one of {', '.join(DECISIONS)}")
    if decision == "not_retrieved" and stage != "full_text":
        raise refuse("decision", "include, maybe or exclude at title and abstract")
    _check_reason(cells["reason"], stage, decision, settings, refuse)
    if not cells["rater"]:
        raise refuse("rater", "who decided", "name the rater, by initials")
    if cells.get("date"):
        try:
            date.fromisoformat(cells["date"])
        except ValueError as err:
            raise refuse("date", "a date as 2026-03-31") from err
    if library is not None and cells.get("source") and cells["source"] not in library:
        raise refuse("source", "a key of references.json", "add the reference, or correct it")
    return StageDecision(
        record_id=cells["record_id"],
        stage=stage,
        decision=decision,
        rater=cells["rater"],
        reason=cells["reason"],
        date=cells.get("date", ""),
        source=cells.get("source", ""),
        study=cells.get("study", ""),
        note=cells.get("note", ""),
        row=row,
    )


def _check_reason(
    reason: str,
    stage: Stage,
    decision: Decision,
    settings: ScreeningSettings,
    refuse: Callable[..., FileFormatError],
) -> None:
    """A declared reason where one belongs, and none elsewhere."""
    declared = ", ".join(settings.reasons) or "none declared in screening.toml"
    if reason and decision != "exclude":
        raise refuse("reason", "no reason, which only an exclusion has", "use the column note")
    if reason and reason not in settings.reasons:
        raise refuse("reason", f"a reason of screening.toml ({declared})")
    if not reason and decision == "exclude" and stage == "full_text":
        raise refuse(
            "reason", f"why the report is excluded ({declared})", "give one of the reasons"
        )
