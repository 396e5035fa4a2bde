"""One value for each animal, day and plate: technical replicates and fields averaged away.

Averages are taken from the inside out, each level with equal shares: replicates of a field, fields
of a tumor (with the weights of the table where it has them), tumors of an animal. Biological
replicates, the animals, are never averaged here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.marker_table import MarkerSelection, MarkerTable, ValueState
from oncovivo.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AnimalValue", "AnimalValues", "Averaging", "animal_values"]

FloatArray: TypeAlias = NDArray[np.float64]
Averaging: TypeAlias = Literal["arithmetic", "geometric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalValue:
    """What an assay says of one animal on one day.

    Parameters
    ----------
    line, arm, animal_id : str
        Whose; where the table has no animal id, the name of the field or row.
    day : float or None
        Study day; None where none is recorded.
    plate : str
        Plate, blot or batch; empty where none is recorded.
    value : float or None
        Mean, or the limit that the mean is known to lie below or above.
    value_state : ValueState
        Which.
    n_readings, n_fields, n_tumors : int
        What was averaged.
    technical_sd : float or None
        Standard deviation of replicates of one field, pooled; on the log scale for geometric
        means.
    """

    line: str
    arm: str
    animal_id: str
    day: float | None
    plate: str
    value: float | None
    value_state: ValueState
    n_readings: int
    n_fields: int
    n_tumors: int
    technical_sd: float | None

    @property
    def sample(self) -> tuple[str, str, str, float | None, str]:
        """Line, arm, animal, day and plate: what tells samples apart."""
        return self.line, self.arm, self.animal_id, self.day, self.plate


@dataclass(frozen=True, slots=True, kw_only=True)
class AnimalValues:
    """One analyte of a table with animals as rows.

    Parameters
    ----------
    selection : MarkerSelection
        Analyte, assay, compartment and unit.
    averaging : {"arithmetic", "geometric"}
        How replicates and fields were averaged.
    units : {"animals", "fields"}
        What a row is: an animal, or a field where the table has no animal ids.
    rows : tuple of AnimalValue
        By line, arm, animal, day and plate.
    notes : tuple of str
        What to know about them.
    """

    selection: MarkerSelection
    averaging: Averaging
    units: Literal["animals", "fields"]
    rows: tuple[AnimalValue, ...]
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each animal, day and plate."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])


def animal_values(
    table: MarkerTable,
    analyte: str,
    *,
    assay: str | None = None,
    compartment: str | None = None,
    averaging: Averaging = "arithmetic",
) -> AnimalValues:
    """Values of an analyte, one for each animal, day and plate.

    Parameters
    ----------
    table : MarkerTable
        Readings.
    analyte : str
        What was measured.
    assay, compartment : str, optional
        Needed where the table has the analyte by several assays or in several compartments.
    averaging : {"arithmetic", "geometric"}
        How replicates and fields are averaged; assays on a log scale and threshold cycles are
        averaged as they are.

    Raises
    ------
    InputError
        If the analyte is not there, or a value has no logarithm.

    Notes
    -----
    A mean over readings some of which lie below their limit lies itself below the mean of values
    and limits: it becomes ``below_limit`` with that limit, and nothing is put in the place of what
    was not quantified. Readings below and above a limit in one mean leave it unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame(
    ...     {"animal_id": "m1", "arm": "drug", "day": 3.0, "analyte": "pS6", "assay": "elisa",
    ...      "unit": "ng/mL", "replicate": ["a", "b"], "value": [2.0, 4.0]}
    ... )
    >>> found = animal_values(MarkerTable(name="example", rows=rows), "pS6").rows[0]
    >>> found.value, found.n_readings, round(found.technical_sd, 3)
    (3.0, 2, 1.414)
    """
    if averaging not in ("arithmetic", "geometric"):
        expected = "averaging: arithmetic or geometric"
        raise InputError(expected, found=repr(averaging))
    selection = table.find(analyte, assay=assay, compartment=compartment)
    frame = table.readings(selection)
    logs = averaging == "geometric" and selection.assay.scale == "ratio"
    if logs:
        _check_positive(frame, table, analyte)
    groups: dict[tuple[str, str, str, float | None, str], list[_Reading]] = {}
    nameless = False
    for index, row in enumerate(frame.to_dict("records")):
        animal, field = str(row["animal_id"]), str(row["field"])
        if not animal:
            nameless = True
            # Rows of the sorted table: the name does not depend on the file's order.
            animal = f"field {field}" if field else f"row {index + 1}"
        day = float(row["day"])
        key = (
            str(row["line"]),
            str(row["arm"]),
            animal,
            None if math.isnan(day) else day,
            str(row["plate"]),
        )
        value = float(row["value"])
        weight = float(row["weight"])
        groups.setdefault(key, []).append(
            _Reading(
                tumor=str(row["tumor_id"]),
                field=field,
                value=math.log(value) if logs and not math.isnan(value) else value,
                given=value,
                state=row["value_state"],
                weight=weight,
            )
        )
    order = sorted(groups, key=lambda k: (*k[:3], -math.inf if k[3] is None else k[3], k[4]))
    notes = list(table.notes)
    rows = tuple(_animal(key, groups[key], logs=logs) for key in order)
    if any(row.value_state == "not_measured" for row in rows):
        count = sum(row.value_state == "not_measured" for row in rows)
        notes.append(f"{count} of {len(rows)} values of {analyte} are not known and left out")
    return AnimalValues(
        selection=selection,
        averaging="geometric" if logs else "arithmetic",
        units="fields" if nameless else "animals",
        rows=rows,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    """One row of the table, on the scale of averaging."""

    tumor: str
    field: str
    value: float
    given: float
    state: ValueState
    weight: float


def _check_positive(frame: pd.DataFrame, table: MarkerTable, analyte: str) -> None:
    """Refuse a geometric mean of what has no logarithm."""
    wrong = frame[frame["value"] <= 0]
    if len(wrong):
        raise InputError(
            f"values of {analyte} above 0 for a geometric mean",
            found=f"{wrong['value'].iloc[0]:g} in animal '{wrong['animal_id'].iloc[0]}'",
            where=table.name,
            mend="use arithmetic means",
        )


def _animal(
    key: tuple[str, str, str, float | None, str], readings: Sequence[_Reading], *, logs: bool
) -> AnimalValue:
    """Mean over tumors of means over fields of means over replicates."""
    known = [reading for reading in readings if reading.state != "not_measured"]
    tumors = sorted({reading.tumor for reading in known})
    levels = []
    squares, freedom, n_fields = 0.0, 0, 0
    for tumor in tumors:
        own = [reading for reading in known if reading.tumor == tumor]
        fields = []
        for name in sorted({reading.field for reading in own}):
            parts = [reading for reading in own if reading.field == name]
            weights = [part.weight for part in parts if not math.isnan(part.weight)]
            fields.append(
                (*_mean([(p.value, p.state, 1.0) for p in parts]), _weight(weights, len(parts)))
            )
            measured = np.array([part.value for part in parts if part.state == "measured"])
            if measured.size > 1:
                squares += float(((measured - measured.mean()) ** 2).sum())
                freedom += measured.size - 1
        n_fields += len(fields)
        weighted = all(not math.isnan(part[2]) for part in fields)
        levels.append((*_mean([(v, s, w if weighted else 1.0) for v, s, w in fields]), 1.0))
    value, state = _mean(levels) if levels else (math.nan, "not_measured")
    if len(known) == 1:
        value = known[0].given
    elif logs:
        value = math.exp(value)
    line, arm, animal, day, plate = key
    return AnimalValue(
        line=line,
        arm=arm,
        animal_id=animal,
        day=day,
        plate=plate,
        value=None if state == "not_measured" else value,
        value_state=state,
        n_readings=len(known),
        n_fields=n_fields,
        n_tumors=len(tumors),
        technical_sd=math.sqrt(squares / freedom) if freedom else None,
    )


def _weight(weights: Sequence[float], count: int) -> float:
    """Mean weight of the replicates of a field; NaN unless all have one."""
    return sum(weights) / count if len(weights) == count else math.nan


def _mean(parts: Sequence[tuple[float, ValueState, float]]) -> tuple[float, ValueState]:
    """Weighted mean of values and limits, and on which side of it the truth lies."""
    states = {state for _, state, _ in parts}
    if "not_measured" in states or {"below_limit", "above_limit"} <= states:
        return math.nan, "not_measured"
    total = math.fsum(weight for _, _, weight in parts)
    mean = math.fsum(value * weight for value, _, weight in parts) / total
    if "below_limit" in states:
        return mean, "below_limit"
    return mean, "above_limit" if "above_limit" in states else "measured"
