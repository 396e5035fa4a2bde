"""Studies out of readings: rows told apart by study and line, animals, arms and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast, get_args

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, FileFormatError
from oncovivo.studies.columns import shown_headers
from oncovivo.studies.layout import MEASURES
from oncovivo.studies.readings import Readings
from oncovivo.studies.sheet import MISSING
from oncovivo.studies.study import Animal, Arm, LeavingReason, Study, StudyTables, XenograftLine
from oncovivo.tables import (
    CHANGE_COLUMNS,
    MEASUREMENT_COLUMNS,
    CheckedMeasurements,
    check_measurements,
)

__all__ = ["COUNTS_AS_GONE", "Group", "assemble", "group_rows"]

COUNTS_AS_GONE: Final = "have volume 0 and count as tumor gone"
"""What a study's note says of its zeros."""

_NO_LINE: Final = "not stated"
_LABELS: Final = ("study", "model", "tumor_type", "treatment", "cage", "end_reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one study of one line.

    Parameters
    ----------
    label : str
        Its label in the file.
    line : str
        Name of the line.
    rows : DataFrame
        Readings, with ``sheet`` and ``index`` for their place.
    measurements : CheckedMeasurements
        The tidy table.
    changes : DataFrame
        The log of changes.
    notes : tuple of str
        What reading left aside or assumed.
    sheets : tuple of Readings
        All sheets, to which ``sheet`` refers.
    """

    label: str
    line: str
    rows: pd.DataFrame
    measurements: CheckedMeasurements
    changes: pd.DataFrame
    notes: tuple[str, ...]
    sheets: tuple[Readings, ...]

    @property
    def has_arms(self) -> bool:
        """Whether a row says its arm."""
        return any(self.rows["treatment"].tolist())

    def where(self, place: int, column: str) -> str:
        """Place of a cell in words; `place` counts the rows of the group from 0."""
        sheet, index = self.rows["sheet"].iloc[place], self.rows["index"].iloc[place]
        return self.sheets[int(sheet)].table.where(int(index), column)

    def only(self, column: str) -> str | None:
        """The one text that a column has; None where all cells are blank.

        Raises
        ------
        FileFormatError
            If there are two.
        """
        texts = self.rows[column].tolist()
        distinct = [text for text in dict.fromkeys(texts) if text]
        if len(distinct) > 1:
            expected = f"'{distinct[0]}' as in the other rows of the study"
            where = self.where(texts.index(distinct[1]), column)
            raise FileFormatError(expected, found=f"'{distinct[1]}'", where=where)
        return distinct[0] if distinct else None

    def last_days(self) -> dict[str, float]:
        """Last day with a reading by animal, else the day of its first row."""
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        columns = (self.rows[name].tolist() for name in ("animal_id", "day", "followed"))
        for animal, day, followed in zip(*columns, strict=True):
            first.setdefault(animal, day)
            if followed and day > last.get(animal, -np.inf):
                last[animal] = day
        return first | last

    def animals(self) -> tuple[Animal, ...]:
        """Animals in the order of the file; each is followed to its last reading."""
        arms: dict[str, str] = {}
        ids = self.rows["animal_id"].tolist()
        for animal, arm in zip(ids, self.rows["treatment"].tolist(), strict=True):
            arms.setdefault(animal, arm)
        last = self.last_days()
        cages = _first_texts(ids, self.rows["cage"].tolist())
        reasons = _first_texts(ids, self.rows["end_reason"].tolist())
        ends = self.rows["end_day"].tolist()
        last |= {animal: end for animal, end in zip(ids, ends, strict=True) if not np.isnan(end)}
        return tuple(
            Animal(
                animal_id=animal,
                arm=arm,
                cage=cages.get(animal),
                end_day=last[animal],
                end_reason=self._reason(reasons.get(animal, "unknown")),
            )
            for animal, arm in arms.items()
        )

    def _reason(self, word: str) -> LeavingReason:
        """Reason for leaving, when it is one."""
        allowed = get_args(LeavingReason)
        if word not in allowed:
            place = int(np.flatnonzero((self.rows["end_reason"] == word).to_numpy())[0])
            expected = "a reason for leaving: " + ", ".join(allowed)
            raise FileFormatError(
                expected, found=f"'{word}'", where=self.where(place, "end_reason")
            )
        return cast("LeavingReason", word)

    def arms(self) -> tuple[str, ...]:
        """Names of the arms in the order of the file.

        Raises
        ------
        FileFormatError
            If there is no column for the arm, or a cell of it is blank.
        """
        texts = self.rows["treatment"].tolist()
        if not self.has_arms:
            sheet = self.sheets[int(self.rows["sheet"].iloc[0])]
            blank = "treatment" in sheet.table.texts
            raise FileFormatError(
                "a column 'treatment' or 'arm'",
                found="blank cells only" if blank else shown_headers(sheet.headers),
                where=f"{sheet.table.place} row {sheet.header_row}",
                mend="if it has another name, say which: --map treatment=NAME",
            )
        if "" in texts:
            expected = "a value"
            where = self.where(texts.index(""), "treatment")
            raise FileFormatError(expected, found="a blank cell", where=where)
        return tuple(dict.fromkeys(texts))


def assemble(
    readings: Sequence[Readings], *, label: str, join_measures: bool = False
) -> tuple[Study, ...]:
    """Studies that sheets hold, in the order in which they first appear.

    Parameters
    ----------
    readings : sequence of Readings
        One for each sheet, in order.
    label : str
        What a study is called where no cell says it.
    join_measures : bool
        Whether the sheets hold one measure each, of the same animals.

    Raises
    ------
    FileFormatError
        If a cell does not hold what it should.
    DataError
        If rows contradict each other.
    """
    groups = group_rows(readings, label=label, join_measures=join_measures)
    labels = [group.label for group in groups]
    formula = next((r.formula for r in readings if r.formula is not None), None)
    return tuple(
        Study(
            study_id=group.label
            if labels.count(group.label) == 1
            else f"{group.label}/{group.line}",
            title=group.label if group.line == _NO_LINE else f"{group.label}, {group.line}",
            line=XenograftLine(name=group.line, tumor_type=group.only("tumor_type")),
            arms=tuple(Arm(name=name) for name in group.arms()),
            animals=group.animals(),
            volume_formula=formula,
            notes=group.notes,
            tables=StudyTables(changes=group.changes),
            table=group.measurements,
        )
        for group in groups
    )


def group_rows(
    readings: Sequence[Readings], *, label: str, join_measures: bool = False
) -> tuple[Group, ...]:
    """Rows of each study of each line, checked once for all.

    Parameters
    ----------
    readings : sequence of Readings
        One for each sheet, in order.
    label : str
        What a study is called where no cell says it.
    join_measures : bool
        Whether the sheets hold one measure each, of the same animals.

    Raises
    ------
    FileFormatError
        If two sheets hold the same measure and are to be joined.
    DataError
        If an animal is in two arms, or twice on a day.
    """
    sheets = tuple(readings)
    rows = _joined(sheets)
    if join_measures:
        _check_measures(sheets)
        _labels_from_other_sheets(rows)
    rows["study"] = rows["study"].where(rows["study"] != "", label)
    rows["model"] = rows["model"].where(rows["model"] != "", _NO_LINE)
    rows["group"] = rows.groupby(["study", "model"], sort=False).ngroup()
    dated = rows["ordinal"].notna()
    first_date = rows.groupby("group")["ordinal"].transform("min")
    rows["day"] = rows["day"].where(~dated, rows["ordinal"] - first_date)
    restarted = _tell_restarted_numbers_apart(rows)
    _refuse_two_arms(rows, sheets)
    changes = _placed_changes(rows, sheets)
    if join_measures:
        rows = _join_measures(rows)
    _refuse_repeats(rows, sheets)
    rows = rows.sort_values("group", kind="stable").reset_index(drop=True)
    checked = check_measurements(
        rows.loc[:, list(MEASUREMENT_COLUMNS)], group=rows["group"].to_numpy(dtype=np.int64)
    )
    changed_in = {number: changes[changes["group"] == number] for number in set(changes["group"])}
    starts = np.flatnonzero(np.diff(rows["group"].to_numpy(), prepend=-1))
    stops = [*starts[1:], len(rows)]
    groups: list[Group] = []
    for number, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        part = rows.iloc[start:stop]
        changed = changed_in.get(number, changes.iloc[:0])
        groups.append(
            Group(
                label=str(part["study"].iloc[0]),
                line=str(part["model"].iloc[0]),
                rows=part,
                measurements=CheckedMeasurements(checked.table.iloc[start:stop]),
                changes=changed.loc[:, list(CHANGE_COLUMNS)],
                notes=_notes(part, changed, sheets, restarted=number in restarted),
                sheets=sheets,
            )
        )
    return tuple(groups)


def _check_measures(readings: Sequence[Readings]) -> None:
    """Refuse sheets of measures of which two hold the same."""
    seen: dict[str, str] = {}
    for reading in readings:
        for name in MEASURES:
            if name not in reading.table.texts:
                continue
            if name in seen:
                expected = "each measure in one sheet"
                found = f"{name} in {seen[name]} and {reading.table.place}"
                raise FileFormatError(expected, found=found, where=reading.table.file)
            seen[name] = reading.table.place


def _labels_from_other_sheets(rows: pd.DataFrame) -> None:
    """Fill the labels of an animal that another sheet says."""
    for name in _LABELS:
        filled = rows[name].where(rows[name] != "")
        known = filled.groupby(rows["animal_id"]).transform("first")
        rows[name] = filled.fillna(known).fillna("")


def _join_measures(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each animal and day out of the rows of several sheets."""
    rows = rows.copy()
    rows["volume_state"] = rows["volume_state"].where(rows["volume_state"] != "not_measured")
    rows["followed"] = rows.groupby(["group", "animal_id", "day"])["followed"].transform("any")
    joined = rows.groupby(["group", "animal_id", "day"], sort=False, as_index=False).first()
    joined["volume_state"] = joined["volume_state"].fillna("not_measured")
    return joined.loc[:, list(rows.columns)]


def _joined(sheets: Sequence[Readings]) -> pd.DataFrame:
    """Rows of all sheets, below each other, with their places."""
    frames = [
        reading.frame.assign(sheet=number, index=np.arange(len(reading.frame)))
        for number, reading in enumerate(sheets)
    ]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _tell_restarted_numbers_apart(rows: pd.DataFrame) -> set[int]:
    """Give animals whose numbers restart in every arm the arm in their name.

    Only where each row of the file was an animal, so that a number in two arms is two animals;
    says in which groups it was done.
    """
    if not rows["by_row"].any():
        return set()
    arms = rows[rows["by_row"]].groupby(["group", "animal_id"])["treatment"].nunique()
    numbers = arms[arms > 1].index.get_level_values("group")
    restarted = {int(number) for number in numbers}
    renamed = rows["group"].isin(restarted) & rows["by_row"]
    rows["animal_id"] = rows["animal_id"].where(
        ~renamed, rows["treatment"] + "|" + rows["animal_id"]
    )
    return restarted


def _refuse_two_arms(rows: pd.DataFrame, sheets: Sequence[Readings]) -> None:
    """Refuse an animal that stands in two arms."""
    first = rows.groupby(["group", "animal_id"], sort=False)["treatment"].transform("first")
    wrong = np.flatnonzero((rows["treatment"] != first).to_numpy())
    if wrong.size:
        place = int(wrong[0])
        found = rows["treatment"].iloc[place]
        if not found:
            expected = "a value"
            where = _where(rows, place, "treatment", sheets)
            raise FileFormatError(expected, found="a blank cell", where=where)
        raise DataError(
            f"animal '{rows['animal_id'].iloc[place]}' in one arm, '{first.iloc[place]}'",
            found=f"'{found}'",
            where=_where(rows, place, "treatment", sheets),
            mend="give each animal a name of its own where numbers restart in every arm",
        )


def _refuse_repeats(rows: pd.DataFrame, sheets: Sequence[Readings]) -> None:
    """Refuse a second row of an animal on a day."""
    key = ["group", "animal_id", "day"]
    repeated = np.flatnonzero(rows.duplicated(key).to_numpy())
    if not repeated.size:
        return
    place = int(repeated[0])
    same = np.logical_and.reduce([(rows[c] == rows[c].iloc[place]).to_numpy() for c in key])
    first = int(np.flatnonzero(same)[0])
    first_sheet = sheets[int(rows["sheet"].iloc[first])].table
    first_row = first_sheet.row_numbers[int(rows["index"].iloc[first])]
    other = "" if rows["sheet"].iloc[first] == rows["sheet"].iloc[place] else first_sheet.place
    raise DataError(
        f"animal '{rows['animal_id'].iloc[place]}' once on day {rows['day'].iloc[place]:g}",
        found=f"a second row, the first is {other} row {first_row}".replace("  ", " "),
        where=_where(rows, place, "day", sheets),
    )


def _where(rows: pd.DataFrame, place: int, column: str, sheets: Sequence[Readings]) -> str:
    """Place of a cell in words."""
    table = sheets[int(rows["sheet"].iloc[place])].table
    name = column if column in table.texts or column != "day" else "date"
    return table.where(int(rows["index"].iloc[place]), name)


def _first_texts(animals: list[str], texts: list[str]) -> dict[str, str]:
    """First text by animal, where one is not missing."""
    found: dict[str, str] = {}
    if any(texts):
        for animal, text in zip(animals, texts, strict=True):
            if text not in MISSING:
                found.setdefault(animal, text)
    return found


def _placed_changes(rows: pd.DataFrame, sheets: Sequence[Readings]) -> pd.DataFrame:
    """The log of all sheets, with group, animal and day as they are now."""
    logs = [
        reading.changes.assign(sheet=number)
        for number, reading in enumerate(sheets)
        if len(reading.changes)
    ]
    if not logs:
        return pd.DataFrame(columns=[*CHANGE_COLUMNS, "index", "sheet", "group"])
    log = pd.concat(logs, ignore_index=True).drop(columns=["animal_id", "day"])
    placed = rows.loc[:, ["sheet", "index", "group", "animal_id", "day"]]
    return log.merge(placed, on=["sheet", "index"], how="inner")


def _notes(
    rows: pd.DataFrame, changes: pd.DataFrame, sheets: Sequence[Readings], *, restarted: bool
) -> tuple[str, ...]:
    """What was left aside, in sentences."""
    numbers = [int(number) for number in rows["sheet"].unique()]
    notes = list(dict.fromkeys(note for number in numbers for note in sheets[number].notes))
    n = len(rows)
    state = rows["volume_state"].to_numpy()
    if rows["ordinal"].notna().any():
        ordinal = int(rows["ordinal"].min())
        first = pd.Timestamp.fromordinal(ordinal).date().isoformat()
        notes.append(f"Day 0 is {first}, the study's first date; no start was stated.")
    if restarted:
        notes.append("Animal numbers restart in every arm; each name was given its arm.")
    areas = rows["area_mm2"].notna().to_numpy()
    if areas.any() and (state == "not_measured").all():
        notes.append("Sizes are areas, not volumes; endpoints of volume are undefined.")
    else:
        notes += _counted("have no volume and count as not measured", state == "not_measured", n)
    notes += _counted(COUNTS_AS_GONE, state == "gone", n)
    notes += _counted("have a volume below a limit", state == "below_limit", n)
    if len(changes):
        reasons = changes["reason"].to_numpy()
        swapped = int((reasons == "length_below_width").sum())
        if swapped:
            notes.append(
                f"{swapped} of {n} rows have a length below the width; the two were exchanged."
            )
        halves = int((reasons == "one_diameter_zero").sum())
        if halves:
            notes.append(
                f"{halves} of {n} rows have one diameter of 0 only and count as not measured."
            )
        for _, row in changes[reasons == "not_a_body_weight"].iterrows():
            table = sheets[int(row["sheet"])].table
            place = table.where(int(row["index"]), "body_weight_g")
            notes.append(f"{place}: {row['found']} g is no body weight; not measured.")
    return tuple(notes)


def _counted(what: str, where: np.ndarray, n: int) -> Iterable[str]:
    """A sentence on how many rows there are, none where there is none."""
    count = int(where.sum())
    return [f"{count} of {n} rows {what}."] if count else []
