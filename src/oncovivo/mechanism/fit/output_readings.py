"""Readings of outputs beside the volume, such as a phosphorylated protein in percent of baseline.

A table has a row for each reading: ``animal_id`` and ``day`` as in the study, ``output`` as the
plan names it, and ``value``. Animals that are not in the fit are left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError, InputError
from oncovivo.growth.curve_problem import CurveReadings
from oncovivo.growth.data import GrowthData
from oncovivo.mechanism.fit.plan import FitPlan
from oncovivo.studies.delimited import read_delimited

__all__ = ["OutputReading", "read_output_readings", "with_outputs"]

FloatArray: TypeAlias = NDArray[np.float64]

_COLUMNS = ("animal_id", "day", "output", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReading:
    """A reading of an output.

    Parameters
    ----------
    animal_id : str
        As in the study.
    day : float
        Day of the study.
    output : str
        As in the plan.
    value : float
        What was read, in the unit of the model's output times the plan's factor.
    """

    animal_id: str
    day: float
    output: str
    value: float


def read_output_readings(path: Path) -> tuple[OutputReading, ...]:
    """The readings of a table.

    Parameters
    ----------
    path : Path
        Delimited UTF-8 text with the columns ``animal_id``, ``day``, ``output`` and ``value``.

    Raises
    ------
    FileFormatError
        If a column is missing, or a cell does not hold what it should.
    """
    table = read_delimited(path, decimal_columns=("day", "value"))
    for name in _COLUMNS:
        if name not in table.texts:
            found = ", ".join(table.texts)
            raise FileFormatError(f"a column '{name}'", found=found, where=f"{table.place} row 1")
    day = table.numbers("day", required=True).values
    value = table.numbers("value", required=True).values
    names, outputs = table.words("animal_id"), table.words("output")
    rows = zip(names, day, outputs, value, strict=True)
    return tuple(
        OutputReading(animal_id=name, day=float(when), output=output, value=float(what))
        for name, when, output, what in rows
    )


def with_outputs(
    readings: CurveReadings, growth: GrowthData, plan: FitPlan, further: Sequence[OutputReading]
) -> tuple[CurveReadings, tuple[str, ...]]:
    """Readings of volume with those of further outputs behind them, and what was left out.

    Parameters
    ----------
    readings : CurveReadings
        Of volume.
    growth : GrowthData
        Where they are from.
    plan : FitPlan
        Names the further outputs.
    further : sequence of OutputReading
        At least one of each output that the plan names.

    Raises
    ------
    InputError
        If an output is not in the plan, one of the plan has no reading, a reading is before the
        baseline, or one that is not above 0 has a lognormal error.
    """
    names = [one.name for one in plan.outputs]
    animals = {name: number for number, name in enumerate(growth.animal_ids)}
    offset = np.zeros(growth.n_animals)
    offset[growth.animal] = growth.day - growth.time
    rows: list[list[tuple[float, float, int]]] = [[] for _ in growth.animal_ids]
    left_out = 0
    for one in further:
        if one.output not in names[1:]:
            expected = "an output of the plan: " + (", ".join(names[1:]) or "it names none")
            raise InputError(expected, found=repr(one.output), where="readings of outputs")
        if one.animal_id not in animals:
            left_out += 1
            continue
        animal, kind = animals[one.animal_id], names.index(one.output)
        where = f"{one.output} of {one.animal_id} on day {one.day:g}"
        time, value = one.day - offset[animal], one.value
        if time < 0:
            raise InputError("a day from the animal's baseline on", found=f"{time:g}", where=where)
        if plan.outputs[kind].error == "lognormal":
            if value <= 0:
                expected = "a value above 0, as its error is lognormal"
                raise InputError(expected, found=f"{value:g}", where=where)
            value = float(np.log(value))
        rows[animal].append((float(time), value, kind))
    seen = {kind for row in rows for _, _, kind in row}
    missing = [name for kind, name in enumerate(names) if kind and kind not in seen]
    if missing:
        raise InputError("readings of " + ", ".join(missing), found="none of animals in the fit")
    notes = (f"readings of animals that are not in the fit: {left_out}",) if left_out else ()
    most = max(len(row) for row in rows)
    n = growth.n_animals
    time, y = np.zeros((n, most)), np.zeros((n, most))
    used, kind_of = np.zeros((n, most), dtype=bool), np.zeros((n, most), dtype=np.intp)
    for animal, row in enumerate(rows):
        for place, (when, value, kind) in enumerate(sorted(row)):
            time[animal, place], y[animal, place], kind_of[animal, place] = when, value, kind
            used[animal, place] = True
    joined = CurveReadings(
        time=np.concatenate((readings.time, time), axis=1),
        y=np.concatenate((readings.y, y), axis=1),
        used=np.concatenate((readings.used, used), axis=1),
        below=np.concatenate((readings.below, np.zeros_like(used)), axis=1),
        output=np.concatenate((readings.output, kind_of), axis=1),
        n_outputs=len(names),
    )
    return joined, notes
