"""Marker tables: what assays measured, by line, arm, animal and day, every reading kept.

A reading below or above what the assay can quantify is kept as its limit with its state; it is
never replaced by half of it. Technical replicates and fields of a section stay rows of their own
until :func:`oncovivo.biomarkers.animal_values` averages them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.assays import Assay, find_assay, unit_symbol
from oncovivo.errors import DataError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from oncovivo.studies import Study

__all__ = [
    "MARKER_TABLE_COLUMNS",
    "MarkerSelection",
    "MarkerTable",
    "ValueState",
    "markers_of_study",
]

FloatArray: TypeAlias = NDArray[np.float64]
_Place: TypeAlias = Callable[[int, str], str]
ValueState: TypeAlias = Literal["measured", "below_limit", "above_limit", "not_measured"]

MARKER_TABLE_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "line": "",
        "arm": "",
        "animal_id": "",
        "tumor_id": "",
        "day": "number",
        "analyte": "",
        "assay": "",
        "compartment": "",
        "value": "number",
        "value_state": "",
        "unit": "",
        "replicate": "",
        "field": "",
        "plate": "",
        "weight": "number",
    }
)
"""Columns of a marker table; those of numbers say so. ``analyte`` and ``value`` are needed."""

_STATES: Final = ("measured", "below_limit", "above_limit", "not_measured")
_KEY: Final = (
    "line",
    "arm",
    "animal_id",
    "tumor_id",
    "day",
    "analyte",
    "assay",
    "compartment",
    "plate",
    "field",
    "replicate",
)
NO_ANIMAL: Final = (
    "no animal id: each field or row is taken as one unit, and fields of one animal are "
    "pseudo-replicates, so that intervals are too narrow and p values too small"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerSelection:
    """Which readings of a table belong together.

    Parameters
    ----------
    analyte : str
        What was measured.
    assay : Assay
        How.
    compartment : str
        Where; empty where the table does not say.
    unit : str
        Unit of all.
    """

    analyte: str
    assay: Assay
    compartment: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarkerTable:
    """Readings of assays.

    Parameters
    ----------
    name : str
        Of the file or study, for messages.
    rows : DataFrame
        Columns of ``MARKER_TABLE_COLUMNS``; ``analyte`` and ``value`` are needed, any other may be
        left out. ``value_state`` is ``measured`` where a value is given, ``not_measured`` where
        none is; behind ``below_limit`` and ``above_limit`` the value is the limit. ``weight`` is
        that of a field in the mean of its section: counted cells, or area.
    row_numbers : sequence of int, optional
        Number of each row in its file, for messages; else counted from 0.
    notes : tuple of str
        What was assumed when the table was read.

    Raises
    ------
    InputError
        If a column is not one of a marker table, or an assay is unknown.
    DataError
        If a value cannot be one of its assay, one analyte has several units, a reading is there
        twice, or an animal is in several arms; names the row.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame(
    ...     {"animal_id": ["m1", "m2"], "arm": ["vehicle", "drug"], "day": [21.0, 21.0],
    ...      "analyte": "Ki-67", "assay": "labeling_index", "value": [60.0, 30.0]}
    ... )
    >>> table = MarkerTable(name="example", rows=rows)
    >>> table.analytes, table.n
    (('Ki-67',), 2)
    """

    name: str
    rows: InitVar[pd.DataFrame]
    row_numbers: InitVar[Sequence[int] | None] = None
    notes: tuple[str, ...] = ()
    _frame: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self, rows: pd.DataFrame, row_numbers: Sequence[int] | None) -> None:
        frame = _complete(rows, self.name)
        numbers = range(len(frame)) if row_numbers is None else row_numbers
        frame = _checked(frame, self.name, list(numbers))
        order = list(_KEY)
        frame = frame.sort_values([*order, "value"], kind="stable").reset_index(drop=True)
        object.__setattr__(self, "_frame", frame)
        notes = list(self.notes)
        if (frame["animal_id"] == "").any():
            notes.append(NO_ANIMAL)
        if frame["day"].isna().any():
            notes.append("no day recorded for some readings: they are taken as of one day")
        object.__setattr__(self, "notes", tuple(dict.fromkeys(notes)))

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, in an order that does not depend on the file's; a copy."""
        return self._frame.copy()

    @property
    def n(self) -> int:
        """Number of readings."""
        return len(self._frame)

    @property
    def analytes(self) -> tuple[str, ...]:
        """What was measured, sorted."""
        return tuple(sorted(set(self._frame["analyte"])))

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, sorted."""
        return tuple(sorted(set(self._frame["arm"]) - {""}))

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the lines, sorted."""
        return tuple(sorted(set(self._frame["line"]) - {""}))

    def find(
        self, analyte: str, *, assay: str | None = None, compartment: str | None = None
    ) -> MarkerSelection:
        """The one kind of reading that is meant.

        Raises
        ------
        InputError
            If there is none, or the table has the analyte by several assays or in several
            compartments and they are not told apart.
        """
        frame = self._frame[self._frame["analyte"] == analyte]
        if frame.empty:
            expected = "an analyte of the table: " + ", ".join(self.analytes)
            raise InputError(expected, found=repr(analyte), where=self.name)
        if assay is not None:
            frame = frame[frame["assay"] == find_assay(assay).name]
        if compartment is not None:
            frame = frame[frame["compartment"] == compartment]
        kinds = frame[["assay", "compartment", "unit"]].drop_duplicates()
        if kinds.empty:
            found = f"none by {assay or 'any assay'} in {compartment or 'any compartment'}"
            raise InputError(f"readings of {analyte}", found=found, where=self.name)
        if len(kinds) > 1:
            found = "; ".join(" ".join(filter(None, kind)) for kind in kinds.to_numpy().tolist())
            raise InputError(
                f"one kind of reading of {analyte}",
                found=found,
                where=self.name,
                mend="say which assay and compartment",
            )
        kind = kinds.iloc[0]
        return MarkerSelection(
            analyte=analyte,
            assay=find_assay(str(kind["assay"])),
            compartment=str(kind["compartment"]),
            unit=str(kind["unit"]),
        )

    def readings(self, selection: MarkerSelection) -> pd.DataFrame:
        """Rows of one kind of reading; a copy."""
        frame = self._frame
        chosen = (
            (frame["analyte"] == selection.analyte)
            & (frame["assay"] == selection.assay.name)
            & (frame["compartment"] == selection.compartment)
        )
        return frame[chosen].reset_index(drop=True)


def markers_of_study(study: Study) -> MarkerTable:
    """The markers of a study as a marker table, with line and arms.

    Parameters
    ----------
    study : Study
        With a table of markers.

    Raises
    ------
    DataError
        If the study has no markers, or one cannot be a value of its assay.
    """
    rows = study.markers
    if rows.empty:
        expected = "a study with markers"
        raise DataError(expected, found="none", where=study.study_id)
    arms = {animal.animal_id: animal.arm for animal in study.animals}
    rows["arm"] = [arms.get(animal, "") for animal in rows["animal_id"]]
    rows["line"] = study.line.name
    return MarkerTable(name=f"{study.study_id} markers", rows=rows)


def _complete(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """All columns in their order, texts as texts and numbers as numbers."""
    import pandas as pd

    unknown = [str(c) for c in rows.columns if c not in MARKER_TABLE_COLUMNS]
    if unknown:
        expected = "columns of a marker table: " + ", ".join(MARKER_TABLE_COLUMNS)
        raise InputError(expected, found=", ".join(unknown[:6]), where=name)
    for needed in ("analyte", "value"):
        if needed not in rows.columns:
            raise InputError(f"a column '{needed}'", found="none", where=name)
    if rows.empty:
        raise DataError("readings", found="none", where=name)
    made: dict[str, FloatArray | list[str]] = {}
    for column, kind in MARKER_TABLE_COLUMNS.items():
        given = rows[column].tolist() if column in rows.columns else [None] * len(rows)
        if kind == "number":
            cells = [np.nan if _blank(cell) else cell for cell in given]
            try:
                made[column] = np.array(cells, dtype=object).astype(np.float64)
            except (TypeError, ValueError, OverflowError) as error:
                expected = f"numbers in column {column}"
                raise InputError(expected, found=str(error), where=name) from error
        else:
            made[column] = ["" if _blank(cell) else str(cell).strip() for cell in given]
    return pd.DataFrame(made)


def _blank(cell: object) -> bool:
    """Whether a cell holds nothing."""
    return cell is None or (isinstance(cell, float) and cell != cell)


def _checked(frame: pd.DataFrame, name: str, numbers: list[int]) -> pd.DataFrame:
    """The table, once each row can be what it says."""

    def place(index: int, column: str) -> str:
        return f"{name} row {numbers[index]}, column {column}"

    blank = np.flatnonzero(frame["analyte"].to_numpy() == "")
    if blank.size:
        raise DataError("an analyte", found="a blank cell", where=place(blank[0], "analyte"))
    day = frame["day"].to_numpy()
    if np.isinf(day).any():
        index = int(np.flatnonzero(np.isinf(day))[0])
        raise DataError("a finite day", found=str(day[index]), where=place(index, "day"))
    frame = _with_states(frame, place)
    frame = _with_assays(frame, place)
    _check_domains(frame, place)
    weight = frame["weight"].to_numpy()
    if (weight <= 0).any() or np.isinf(weight).any():
        index = int(np.flatnonzero((weight <= 0) | np.isinf(weight))[0])
        found = f"{weight[index]:g}"
        raise DataError("a weight above 0", found=found, where=place(index, "weight"))
    _check_keys(frame, name, numbers)
    return frame


def _with_states(frame: pd.DataFrame, place: _Place) -> pd.DataFrame:
    """States filled in where they follow from the values."""
    value = frame["value"].to_numpy()
    if np.isinf(value).any():
        index = int(np.flatnonzero(np.isinf(value))[0])
        raise DataError("a finite value", found=str(value[index]), where=place(index, "value"))
    states = frame["value_state"].tolist()
    missing = np.isnan(value)
    for index, state in enumerate(states):
        if not state:
            states[index] = "not_measured" if missing[index] else "measured"
        elif state not in _STATES:
            expected = "a state: " + ", ".join(_STATES)
            raise DataError(expected, found=f"'{state}'", where=place(index, "value_state"))
        elif missing[index] != (state == "not_measured"):
            expected = "a value with the state 'measured', a limit with 'below_limit' or "
            expected += "'above_limit', nothing with 'not_measured'"
            found = f"{'nothing' if missing[index] else f'{value[index]:g}'} with '{state}'"
            raise DataError(expected, found=found, where=place(index, "value"))
    return frame.assign(value_state=states)


def _with_assays(frame: pd.DataFrame, place: _Place) -> pd.DataFrame:
    """Assays and units under one spelling; one unit for each kind of reading."""
    pairs = list(zip(frame["assay"], frame["unit"], strict=True))
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for index, pair in enumerate(pairs):
        if pair in known:
            continue
        try:
            assay = find_assay(*pair)
        except InputError as error:
            raise InputError(
                error.expected, found=error.found, where=place(index, "assay"), mend=error.mend
            ) from error
        known[pair] = (assay.name, unit_symbol(pair[1], assay))
    made = frame.assign(
        assay=[known[pair][0] for pair in pairs], unit=[known[pair][1] for pair in pairs]
    )
    seen: dict[tuple[str, str, str], str] = {}
    kinds = zip(made["analyte"], made["assay"], made["compartment"], made["unit"], strict=True)
    for index, (analyte, name, compartment, unit) in enumerate(kinds):
        first = seen.setdefault((analyte, name, compartment), unit)
        if unit != first:
            raise DataError(
                f"one unit for {analyte} ({first or 'none'})",
                found=f"'{unit or 'none'}'",
                where=place(index, "unit"),
                mend="convert the values, or name the readings apart",
            )
    return made


def _check_domains(frame: pd.DataFrame, place: _Place) -> None:
    """Refuse a value that its assay cannot have."""
    value = frame["value"].to_numpy()
    assays = frame["assay"].to_numpy()
    for name in sorted(set(assays)):
        assay = find_assay(name)
        own = (assays == name) & ~np.isnan(value)
        wrong = own & ((value < assay.lower) | (value > assay.upper))
        if assay.steps:
            wrong |= own & ~np.isin(value, assay.steps)
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            expected = f"a value of {assay.words}: {assay.domain}"
            raise DataError(expected, found=f"{value[index]:g}", where=place(index, "value"))


def _check_keys(frame: pd.DataFrame, name: str, numbers: list[int]) -> None:
    """Each reading once, each animal in one arm."""
    first: dict[tuple[object, ...], int] = {}
    arms: dict[tuple[str, str], tuple[str, int]] = {}
    keys = zip(*(_hashable(frame[column]) for column in _KEY), strict=True)
    for index, key in enumerate(keys):
        line, arm, animal = str(key[0]), str(key[1]), str(key[2])
        # Rows without an animal and a field are units of their own: nothing tells them apart.
        if (animal or key[9] or key[10]) and first.setdefault(key, index) != index:
            raise DataError(
                "each reading once",
                found=f"row {numbers[index]} repeats row {numbers[first[key]]}",
                where=name,
                mend="number the same sample measured again in a column 'replicate', fields of "
                "one section in a column 'field'",
            )
        known = arms.setdefault((line, animal), (arm, index))
        if animal and known[0] != arm:
            raise DataError(
                f"animal '{animal}' in one arm",
                found=f"'{known[0]}' in row {numbers[known[1]]}, '{arm}' in row {numbers[index]}",
                where=name,
            )


def _hashable(column: pd.Series) -> list[object]:
    """Cells with one value for all that are missing."""
    return [None if cell != cell else cell for cell in column.tolist()]
