"""Survival tables: one row per animal with its time, and whether and of what it had the event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError, InputError
from oncovivo.studies import LeavingReason
from oncovivo.studies.delimited import read_text_sheet, sheet_columns, trimmed_header
from oncovivo.studies.sheet import MISSING, LongTable, Sheet
from oncovivo.studies.spreadsheet import read_workbook
from oncovivo.survival.events import (
    EventDefinition,
    ReasonRole,
    ReasonRule,
    SurvivalData,
    reason_rules,
)

__all__ = ["is_survival_table", "read_survival_table"]

FloatArray: TypeAlias = NDArray[np.float64]
TimeUnit: TypeAlias = Literal["days", "weeks", "as given"]

_TIMES: Final[Mapping[str, TimeUnit]] = {
    "time": "as given",
    "time_days": "days",
    "time_weeks": "weeks",
}
# What a cause says where nothing happened.
CENSORED_CAUSES: Final = ("censor", "censored", "none", "alive", "0")
_CODES: Final[Mapping[str, bool]] = {"0": False, "1": True}
ANY_CAUSE: Final = "event of any cause"
RECORDED_EVENT: Final = "event as recorded"


def is_survival_table(path: Path) -> bool:
    """Whether a file is a table of times to an event, and not one of readings.

    It is when its header has a time, or a start and a stop, and an event or a cause, and no day of
    readings.

    Parameters
    ----------
    path : Path
        Delimited text or a workbook, whose first worksheet counts.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    """
    sheet = _sheet(path)
    header = {name.casefold() for name in trimmed_header(sheet.rows[0])} if sheet.rows else set()
    timed = bool(header & set(_TIMES)) or {"start", "stop"} <= header
    return timed and bool(header & {"event", "cause"}) and "day" not in header


def read_survival_table(
    path: Path,
    *,
    strata: str | None = None,
    cluster: str | None = None,
    cause: str | None = None,
    reasons: Mapping[LeavingReason, ReasonRole] | None = None,
    only: Mapping[str, str] | None = None,
) -> tuple[SurvivalData, ...]:
    """Studies of a survival table.

    Columns ``animal_id``, ``treatment``; ``time``, ``time_days`` or ``time_weeks``, or ``start``
    and ``stop`` for animals that came late under observation; ``event`` (0 or 1), ``cause``, or
    both; where wanted ``strata``, ``cluster``, ``study``, ``model``. Other columns are left unread
    and noted. Without ``event`` a cause of ``censor``, ``censored``, ``none``, ``alive`` or ``0``
    says that nothing happened. Causes that are reasons for leaving mean what
    :func:`reason_rules` says for a death; otherwise every cause is the event.

    Parameters
    ----------
    path : Path
        Delimited UTF-8 text, or a workbook whose first worksheet is the table.
    strata, cluster : str, optional
        Columns of the strata, and of the cage or litter; by default those of these names.
    cause : str, optional
        The cause that is the event, all others competing.
    reasons : mapping of LeavingReason to {"event", "competing", "censored"}, optional
        What this table's reasons for leaving mean instead.
    only : mapping of str to str, optional
        Rows to keep: the value wanted by column.

    Returns
    -------
    tuple of SurvivalData
        One for each study and model, in the order of their first rows.

    Raises
    ------
    FileFormatError
        If a column is missing, or a cell does not hold what it should; names row and column.
    InputError
        If `strata`, `cluster`, `cause` or what `only` names is not in the table.
    """
    whole = sheet_columns(_sheet(path), decimal_columns=[*_TIMES, "start", "stop"])
    table = _rows_with(whole, only or {})
    for name in ("animal_id", "treatment"):
        if name not in table.texts:
            expected = f"a column '{name}'"
            raise FileFormatError(
                expected, found=", ".join(table.texts), where=f"{table.place} row 1"
            )
        _no_blanks(table, name)
    _check_animals(table)
    labels = {
        "strata": _label_column(table, strata, "strata"),
        "cluster": _label_column(table, cluster, "cluster"),
    }
    entry, time, unit, time_columns = _times(table)
    outcome = _outcome(table, cause, reasons)
    read = {"animal_id", "treatment", "event", "cause", "study", "model", *time_columns}
    read |= {column for column in labels.values() if column is not None}
    unread = [name for name in table.texts if name not in read | {*(only or {})}]
    notes = [f"Columns not read: {', '.join(unread)}."] if unread else []
    if table.n < whole.n:
        wanted = ", ".join(f"{name} {value}" for name, value in (only or {}).items())
        notes.append(f"{whole.n - table.n} of {whole.n} animals left out: only {wanted}.")
    result = []
    for (study, model), rows in _groups(table, path.stem).items():
        names = [table.texts["treatment"][i] for i in rows]
        arms = tuple(dict.fromkeys(names))
        chosen = np.array(rows, dtype=np.intp)
        event = outcome.event[chosen]
        result.append(
            SurvivalData(
                study_id=study,
                line=model,
                arms=arms,
                animal_ids=tuple(table.texts["animal_id"][i] for i in rows),
                arm=np.array([arms.index(name) for name in names], dtype=np.int64),
                entry=entry[chosen],
                time=time[chosen],
                lower=time[chosen],
                upper=np.where(event, time[chosen], np.inf),
                event=event,
                cause=outcome.cause[chosen],
                causes=outcome.causes,
                ended=tuple(outcome.ended[i] for i in rows) if outcome.ended else None,
                strata=_labels(table, labels["strata"], rows),
                cluster=_labels(table, labels["cluster"], rows),
                event_definition=outcome.definition,
                event_time="visit",
                time_unit=unit,
                reasons=outcome.rules,
                notes=tuple(notes),
            )
        )
    return tuple(result)


def _sheet(path: Path) -> Sheet:
    """The cells of a text file, or of a workbook's first worksheet."""
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return read_workbook(path)[0]
    return read_text_sheet(path)


def _rows_with(table: LongTable, only: Mapping[str, str]) -> LongTable:
    """The rows that have the values wanted."""
    kept = list(range(table.n))
    for name, value in only.items():
        column = name.casefold()
        if column not in table.texts:
            expected = "a column of the table: " + ", ".join(table.texts)
            raise InputError(expected, found=f"'{name}'", where=table.place)
        kept = [i for i in kept if table.texts[column][i].casefold() == value.casefold()]
        if not kept:
            values = ", ".join(list(dict.fromkeys(table.texts[column]))[:8])
            expected = f"a value of column '{column}': {values}"
            raise InputError(expected, found=f"'{value}'", where=table.place)
    if len(kept) == table.n:
        return table
    texts = {name: [cells[i] for i in kept] for name, cells in table.texts.items()}
    return replace(table, texts=texts, row_numbers=table.row_numbers[kept])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outcome:
    """What happened to the animals of a table: arrays of shape (n,)."""

    event: NDArray[np.bool_]
    cause: NDArray[np.int64]
    causes: tuple[str, ...]
    definition: str
    rules: tuple[ReasonRule, ...] = ()
    ended: tuple[str, ...] = ()


def _times(table: LongTable) -> tuple[FloatArray, FloatArray, TimeUnit, tuple[str, ...]]:
    """Entries, times, their unit, and the columns they came from."""
    present = [name for name in _TIMES if name in table.texts]
    spans = [name for name in ("start", "stop") if name in table.texts]
    if len(present) + bool(spans) != 1 or len(spans) == 1:
        found = ", ".join([*present, *spans]) or "none of them"
        expected = "one of the columns time, time_days, time_weeks, or both start and stop"
        raise FileFormatError(expected, found=found, where=f"{table.place} row 1")
    last = present[0] if present else "stop"
    time = table.numbers(last, required=True).values
    if (bad := np.flatnonzero(time <= 0)).size:
        expected = "a time above 0"
        raise table.error(int(bad[0]), last, expected)
    if present:
        return np.zeros(table.n), time, _TIMES[last], (last,)
    start = table.numbers("start", required=True).values
    if (bad := np.flatnonzero(start < 0)).size:
        expected = "a start of 0 or later"
        raise table.error(int(bad[0]), "start", expected)
    if (bad := np.flatnonzero(start >= time)).size:
        expected = f"a stop after the start ({table.texts['start'][int(bad[0])]})"
        raise table.error(int(bad[0]), "stop", expected)
    return start, time, "as given", ("start", "stop")


def _outcome(
    table: LongTable, chosen: str | None, reasons: Mapping[LeavingReason, ReasonRole] | None
) -> _Outcome:
    """Events and causes of the rows."""
    texts = table.texts
    if "event" not in texts and "cause" not in texts:
        expected = "a column 'event' (0 or 1) or 'cause'"
        raise FileFormatError(expected, found=", ".join(texts), where=f"{table.place} row 1")
    happened = np.zeros(table.n, dtype=np.bool_)
    if "event" in texts:
        for i, code in enumerate(texts["event"]):
            if code not in _CODES:
                expected = "1 (event) or 0 (censored)"
                raise table.error(i, "event", expected)
            happened[i] = _CODES[code]
    if "cause" not in texts:
        if chosen is not None:
            expected = "a column 'cause' to choose a cause from"
            raise InputError(expected, found=f"'{chosen}'", where=f"{table.place} row 1")
        return _Outcome(
            event=happened,
            cause=happened.astype(np.int64),
            causes=("event",),
            definition=RECORDED_EVENT,
        )
    words = texts["cause"]
    nothing = np.array([word.casefold() in CENSORED_CAUSES for word in words], dtype=np.bool_)
    blank = np.array([word in MISSING for word in words], dtype=np.bool_)
    if "event" in texts:
        _check_agreement(table, happened, nothing | blank)
    else:
        if blank.any():
            expected = f"a cause, or '{CENSORED_CAUSES[0]}' where nothing happened"
            raise table.error(int(np.argmax(blank)), "cause", expected)
        happened = ~nothing
    named = tuple(dict.fromkeys(words[i] for i in np.flatnonzero(happened)))
    rules: tuple[ReasonRule, ...] = ()
    if named and set(named) <= set(get_args(LeavingReason)):
        rules = reason_rules("death", reasons)
    elif reasons:
        expected = "causes that are reasons for leaving, to say what they mean"
        raise InputError(expected, found=", ".join(named[:5]), where=f"{table.place} column cause")
    roles: dict[str, ReasonRole] = {rule.reason: rule.role for rule in rules}
    causes = tuple(name for name in named if roles.get(name) != "censored")
    number = {name: index for index, name in enumerate(causes, start=1)}
    cause = np.array(
        [number.get(w, 0) if known else 0 for w, known in zip(words, happened, strict=True)],
        dtype=np.int64,
    )
    if chosen is not None:
        if chosen not in number:
            expected = "a cause of the table: " + ", ".join(causes)
            raise InputError(expected, found=f"'{chosen}'", where=table.place)
        event = cause == number[chosen]
    else:
        event = np.array(
            [i > 0 and roles.get(causes[i - 1], "event") == "event" for i in cause.tolist()],
            dtype=np.bool_,
        )
    definition = chosen or ANY_CAUSE
    if rules and chosen is None:
        definition = " or ".join(name for name in causes if roles[name] == "event")
    return _Outcome(
        event=np.asarray(event, dtype=np.bool_),
        cause=cause,
        causes=causes,
        definition=definition or EventDefinition(kind="death").describe(),
        rules=rules,
        ended=tuple(word if word in get_args(LeavingReason) else "" for word in words)
        if rules
        else (),
    )


def _check_agreement(
    table: LongTable, happened: NDArray[np.bool_], nothing: NDArray[np.bool_]
) -> None:
    """Refuse an event without a cause, and a cause without an event."""
    if (bad := np.flatnonzero(happened & nothing)).size:
        expected = "a cause for an animal with event 1"
        raise table.error(int(bad[0]), "cause", expected)
    rules = reason_rules("death")
    idle: list[str] = [rule.reason for rule in rules if rule.role == "censored"]
    for i in np.flatnonzero(~happened & ~nothing).tolist():
        if table.texts["cause"][i] not in idle:
            expected = f"a blank or '{CENSORED_CAUSES[0]}' for an animal with event 0"
            mend = "leave the column event out where causes compete"
            raise table.error(i, "cause", expected, mend=mend)


def _check_animals(table: LongTable) -> None:
    """Refuse an animal that has two rows in one study of one model."""
    seen: dict[tuple[str, str, str], int] = {}
    blank = [""] * table.n
    studies, models = table.texts.get("study", blank), table.texts.get("model", blank)
    for i, animal in enumerate(table.texts["animal_id"]):
        key = (studies[i], models[i], animal)
        if key in seen:
            expected = f"each animal once (row {table.row_numbers[seen[key]]} has it too)"
            raise table.error(i, "animal_id", expected)
        seen[key] = i


def _groups(table: LongTable, stem: str) -> dict[tuple[str, str | None], list[int]]:
    """Rows of each study and model; a study of several models is one study for each."""
    blank = [""] * table.n
    studies = [name or stem for name in table.texts.get("study", blank)]
    models = [name or None for name in table.texts.get("model", blank)]
    lines: dict[str, set[str | None]] = {}
    for study, model in zip(studies, models, strict=True):
        lines.setdefault(study, set()).add(model)
    result: dict[tuple[str, str | None], list[int]] = {}
    for i, (study, model) in enumerate(zip(studies, models, strict=True)):
        several = len(lines[study]) > 1 and model is not None
        label = f"{study}/{model}" if several else study
        result.setdefault((label, model), []).append(i)
    return result


def _label_column(table: LongTable, named: str | None, default: str) -> str | None:
    """The column of a label, in lower case as the headers are."""
    if named is None:
        column = default if default in table.texts else None
    else:
        column = named.casefold()
        if column not in table.texts:
            expected = f"a column of the table for {default}: " + ", ".join(table.texts)
            raise InputError(expected, found=f"'{named}'", where=table.place)
    if column is not None:
        _no_blanks(table, column)
    return column


def _labels(table: LongTable, column: str | None, rows: list[int]) -> tuple[str, ...] | None:
    """Labels of some rows."""
    return None if column is None else tuple(table.texts[column][i] for i in rows)


def _no_blanks(table: LongTable, column: str) -> None:
    """Refuse a blank cell or NA."""
    for i, text in enumerate(table.texts[column]):
        if text in MISSING:
            expected = "a value"
            raise table.error(i, column, expected)
