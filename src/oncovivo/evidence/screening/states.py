"""Where every report stands: what its decisions make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from oncovivo.errors import FileFormatError
from oncovivo.evidence.screening.decisions import CONSENSUS, STAGES, Stage, StageDecision
from oncovivo.evidence.screening.duplicates import Deduplication
from oncovivo.evidence.screening.found import FoundRecord
from oncovivo.evidence.screening.settings import ScreeningSettings
from oncovivo.references import Library

__all__ = ["OPEN_STATES", "STATES", "ReportState", "State", "kept_decisions", "report_states"]

State: TypeAlias = Literal[
    "title_abstract_waiting",
    "title_abstract_conflict",
    "excluded_title_abstract",
    "retrieval_waiting",
    "not_retrieved",
    "full_text_waiting",
    "full_text_conflict",
    "excluded_full_text",
    "included",
]

STATES: Mapping[State, str] = MappingProxyType(
    {
        "title_abstract_waiting": "waits for a decision on title and abstract",
        "title_abstract_conflict": "raters disagree on title and abstract",
        "excluded_title_abstract": "excluded on title and abstract",
        "retrieval_waiting": "full text sought",
        "not_retrieved": "full text not retrieved",
        "full_text_waiting": "waits for a decision on the full text",
        "full_text_conflict": "raters disagree on the full text",
        "excluded_full_text": "excluded on the full text",
        "included": "included",
    }
)
"""What can have become of a report that is no duplicate, in order."""

OPEN_STATES: tuple[State, ...] = (
    "title_abstract_waiting",
    "title_abstract_conflict",
    "retrieval_waiting",
    "full_text_waiting",
    "full_text_conflict",
)
"""States in which something remains to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportState:
    """One report: a group of records, and where it stands.

    Parameters
    ----------
    record_id : str
        The kept record.
    members : tuple of str
        All records of the group, the kept one first.
    state : str
        A key of ``STATES``.
    searched : bool
        Whether any of them comes from a database or register.
    raters : tuple of str
        Who decided at the stage that the report has reached, in alphabetical order.
    reason : str
        Why it was excluded; empty where it was not, or no reason was given.
    source : str
        Key of ``references.json``, where it is known.
    study : str
        The study that it reports, where it is named.
    """

    record_id: str
    members: tuple[str, ...]
    state: State
    searched: bool
    raters: tuple[str, ...] = ()
    reason: str = ""
    source: str = ""
    study: str = ""


def kept_decisions(
    decisions: Sequence[StageDecision], duplicates: Deduplication
) -> tuple[StageDecision, ...]:
    """The decisions, each with the record that stands for its group.

    Raises
    ------
    FileFormatError
        If a rater decided twice on a report at one stage.
    """
    first: dict[tuple[str, Stage, str], StageDecision] = {}
    for one in decisions:
        kept = duplicates.kept[one.record_id]
        before = first.setdefault((kept, one.stage, one.rater), one)
        if before is not one:
            same = before.record_id == one.record_id
            raise FileFormatError(
                "one decision of a rater on a report at each stage",
                found=f"a second of {one.rater} on {one.record_id}"
                + ("" if same else f", a duplicate of {before.record_id}"),
                where=_place(one),
                mend=f"remove it, or that of row {before.row}" if before.row else "remove one",
            )
    return tuple(replace(one, record_id=duplicates.kept[one.record_id]) for one in decisions)


def _place(one: StageDecision) -> str:
    return f"screening.csv row {one.row}" if one.row else "screening.csv"


def report_states(
    records: Sequence[FoundRecord],
    duplicates: Deduplication,
    decisions: Sequence[StageDecision],
    *,
    settings: ScreeningSettings,
    library: Library | None = None,
) -> tuple[ReportState, ...]:
    """Where every report stands, in natural order of the kept records.

    A stage is settled by a row of ``consensus``, or when as many raters as the settings ask for
    decided alike: at title and abstract *maybe* is like *include*; exclusions at the full text
    are alike when their reasons are. One rater is enough to say that a full text could not be
    had. Reports found by other methods alone need no decision on title and abstract.

    Parameters
    ----------
    records : sequence of FoundRecord
        All records.
    duplicates : Deduplication
        Their groups.
    decisions : sequence of StageDecision
        In any order.
    settings : ScreeningSettings
        How many raters decide.
    library : Library, optional
        Where sources are looked up by DOI and PubMed number.

    Raises
    ------
    FileFormatError
        If a rater decided twice on a report, a report has a decision on its full text that has
        not passed title and abstract, or two decisions name different sources or studies.
    """
    by_id = {record.record_id: record for record in records}
    given: dict[str, dict[Stage, list[StageDecision]]] = {
        kept: {stage: [] for stage in STAGES} for kept in duplicates.groups
    }
    for one in kept_decisions(decisions, duplicates):
        given[one.record_id][one.stage].append(one)
    keys = _keys_by_identifier(library)
    return tuple(
        _report(kept, [by_id[name] for name in members], given[kept], settings, keys)
        for kept, members in duplicates.groups.items()
    )


def _keys_by_identifier(library: Library | None) -> Mapping[str, str]:
    """From DOIs and PubMed numbers to the first reference that has them."""
    keys: dict[str, str] = {}
    for reference in library or ():
        for name in (reference.doi.lower(), reference.pmid):
            if name:
                keys.setdefault(name, reference.key)
    return keys


def _report(
    kept: str,
    members: Sequence[FoundRecord],
    given: Mapping[Stage, Sequence[StageDecision]],
    settings: ScreeningSettings,
    keys: Mapping[str, str],
) -> ReportState:
    """One report."""
    searched = any(record.searched for record in members)
    titles, texts = given["title_abstract"], given["full_text"]
    every = (*titles, *texts)
    known = (keys.get(name) for record in members for name in (record.doi, record.pmid) if name)
    state = _title_state(titles, settings.raters, searched=searched)
    if state is not None:
        if texts:
            raise FileFormatError(
                "a decision on the full text only of a report that passed title and abstract",
                found=f"{texts[0].record_id}: {STATES[state]}",
                where=_place(texts[0]),
                mend="settle title and abstract first, by a row of consensus if raters disagree",
            )
    else:
        state = _text_state(texts, settings.raters)
    reached = texts if state not in _TITLE_STATES else titles
    return ReportState(
        record_id=kept,
        members=tuple(record.record_id for record in members),
        state=state,
        searched=searched,
        raters=tuple(sorted({one.rater for one in reached})),
        reason=_reason(reached) if state.startswith("excluded") else "",
        source=_one("source", every) or next((key for key in known if key), ""),
        study=_one("study", every),
    )


_TITLE_STATES = ("title_abstract_waiting", "title_abstract_conflict", "excluded_title_abstract")


def _title_state(given: Sequence[StageDecision], raters: int, *, searched: bool) -> State | None:
    """Where a report stands at title and abstract; None once it has passed."""
    if not given and not searched:
        return None
    votes = _votes(given)
    outs = {one.decision == "exclude" for one in votes}
    if len(outs) > 1:
        return "title_abstract_conflict"
    if len(votes) < raters and not _settled(given):
        return "title_abstract_waiting"
    return "excluded_title_abstract" if outs == {True} else None


def _text_state(given: Sequence[StageDecision], raters: int) -> State:
    """Where a report stands at the full text."""
    votes = _votes(given)
    words = {one.decision for one in votes}
    if not votes:
        return "retrieval_waiting"
    if words == {"not_retrieved"}:
        return "not_retrieved"
    reasons = {one.reason for one in votes if one.decision == "exclude"}
    if len(words - {"maybe"}) > 1 or len(reasons) > 1:
        return "full_text_conflict"
    if "maybe" in words or (len(votes) < raters and not _settled(given)):
        return "full_text_waiting"
    return "included" if words == {"include"} else "excluded_full_text"


def _settled(given: Sequence[StageDecision]) -> bool:
    return any(one.rater == CONSENSUS for one in given)


def _votes(given: Sequence[StageDecision]) -> Sequence[StageDecision]:
    """The row of consensus where there is one, else all."""
    return [one for one in given if one.rater == CONSENSUS] or given


def _reason(given: Sequence[StageDecision]) -> str:
    """The reason that the votes share; empty where they give none or several."""
    reasons = {one.reason for one in _votes(given)}
    return reasons.pop() if len(reasons) == 1 else ""


def _one(name: Literal["source", "study"], given: Sequence[StageDecision]) -> str:
    """The only value that the rows of a report have in a column."""
    value = ""
    for one in given:
        found: str = getattr(one, name)
        if found and value and found != value:
            raise FileFormatError(
                f"one {name} of a report",
                found=f"{value!r} and {found!r} for {one.record_id}",
                where=f"{_place(one)}, column {name}",
                mend="correct one of them",
            )
        value = value or found
    return value
