"""Datasets in the manner of NONMEM: animals with their doses and readings, out and in.

Columns are ID TIME AMT RATE II ADDL EVID CMT DV MDV SS and covariates, one row for each record,
comma-separated, ``.`` where there is nothing. Time is in days from day 0, amounts are in the unit
of the compound's compartments. At one time doses come before readings. F, lag and the like belong
to the model: AMT is what was given, RATE the amount that arrives per day of an infusion.

Covariates that are written: CENS (1 where DV is the limit and the tumor was below it), WT (body
weight, g), ARM (number of the arm) and, where there is radiation, GY (Gy of a fraction, on a row
of EVID 2). The key says what ID, ARM and CMT stand for.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.mechanism.doses import DoseTable, dose_table
from oncovivo.mechanism.engine import EventTable, dose_paths
from oncovivo.mechanism.exchange.typical_animal import body_weight_grams
from oncovivo.mechanism.model import Model, PkModel
from oncovivo.mechanism.simulate import arm_doses
from oncovivo.mechanism.simulation_file import SimulatedArm, Simulation
from oncovivo.studies.study import Animal, Study

__all__ = [
    "NonmemDataset",
    "NonmemRecords",
    "NonmemSubject",
    "compound_doses",
    "nonmem_dataset",
    "nonmem_text",
    "read_nonmem",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

COLUMNS: Final = (
    "ID", "TIME", "AMT", "RATE", "II", "ADDL", "EVID", "CMT", "DV", "MDV", "SS",
)  # fmt: skip
_COVARIATES: Final = ("CENS", "WT", "ARM")
_NEEDED: Final = ("ID", "TIME", "AMT", "DV")
_MISSING: Final = "."
_LARGEST: Final = 100_000_000
_OBSERVATION, _DOSE, _OTHER, _RESET, _RESET_AND_DOSE = 0, 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonmemDataset:
    """A dataset and what its numbers stand for.

    Parameters
    ----------
    table : DataFrame
        The columns of the module; NaN where there is nothing.
    key : DataFrame
        Columns ``column number name unit``.
    notes : tuple of str
        What was left out.
    """

    table: pd.DataFrame
    key: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonmemSubject:
    """One animal of a dataset.

    Parameters
    ----------
    subject : int
        Its ID.
    doses : DoseTable
        Its doses, resets included; `path` is CMT - 1.
    time, value : ndarray, shape (r,)
        Days and DV of its readings.
    compartment : ndarray of int, shape (r,)
        CMT of its readings.
    censored : ndarray of bool, shape (r,)
        Whether DV is a limit.
    covariates : mapping of str to float
        First value of every further column; NaN where there is none.
    """

    subject: int
    doses: DoseTable
    time: FloatArray
    value: FloatArray
    compartment: IntArray
    censored: NDArray[np.bool_]
    covariates: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonmemRecords:
    """What a dataset holds."""

    name: str
    subjects: tuple[NonmemSubject, ...]


def nonmem_dataset(
    simulation: Simulation, study: Study, *, arm: str | None = None
) -> NonmemDataset:
    """Doses and volumes of a study's animals, as the model of a simulation takes them.

    Doses are those of the study's table of doses where it has one, else those of the simulation's
    arm of the same name; none after an animal has left. The body weight is the first that was
    measured, else that of the model: where virtual animals differ in weight, a dataset has the
    typical one for all. Readings before day 0 are left out.

    Parameters
    ----------
    simulation : Simulation
        Its arms have the names of the study's.
    study : Study
        Virtual or real.
    arm : str, optional
        Only this arm; all of the study's unless given.

    Raises
    ------
    DataError
        If doses are per body weight and none is known, a dose is before day 0, or a regimen leaves
        doses open.
    InputError
        If an arm of the study is none of the simulation, or the model has no volume.
    """
    return _Dataset(simulation, study, arm).written()


def nonmem_text(dataset: NonmemDataset) -> str:
    """The table as text: commas, shortest digits that read back, ``.`` for nothing."""
    rows = dataset.table.to_numpy(dtype=np.float64).tolist()
    lines = [",".join(_cell(value) for value in row) for row in rows]
    return "\n".join([",".join(dataset.table.columns), *lines]) + "\n"


def _cell(value: float) -> str:
    """A number as a cell."""
    if math.isnan(value):
        return _MISSING
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


class _Dataset:
    """A dataset that is being written."""

    def __init__(self, simulation: Simulation, study: Study, only: str | None) -> None:
        self.simulation = simulation
        self.study = study
        self.model = simulation.model
        self.arms = {arm.name: arm for arm in simulation.arms}
        self.volume = _volume_output(self.model)
        known = {arm.name for arm in study.arms}
        for name in sorted(known) if only is None else (only,):
            if name not in self.arms or name not in known:
                raise InputError(
                    f"arms of the simulation ({', '.join(self.arms)}) that the study has",
                    found=repr(name),
                    where=f"study {study.study_id}",
                )
        self.animals = tuple(a for a in study.animals if only is None or a.arm == only)
        self.given = study.tables.get("doses")
        self.radiated = any(
            "radiation" in arm_doses(self.model, arm)[1] for arm in self.arms.values()
        )

    def written(self) -> NonmemDataset:
        """All animals."""
        columns = [*COLUMNS, *_COVARIATES, *(["GY"] if self.radiated else [])]
        rows: list[dict[str, float]] = []
        for number, animal in enumerate(self.animals, start=1):
            rows += self._animal(number, animal)
        table = pd.DataFrame(rows, columns=columns, dtype=np.float64)
        early = int((self.study.measurements["day"] < 0).sum())
        notes = (f"{early} readings before day 0 were left out",) if early else ()
        return NonmemDataset(table=table, key=self._key(), notes=notes)

    def _animal(self, number: int, animal: Animal) -> list[dict[str, float]]:
        """Rows of an animal, rising in time, doses first."""
        arm = self.arms[animal.arm]
        frame = self.study.measurements
        own = frame[frame["animal_id"] == animal.animal_id]
        weight = self._weight(own, arm)
        common = {
            "ID": float(number),
            "WT": math.nan if weight is None else weight,
            "ARM": 1.0 + list(self.arms).index(arm.name),
            "CENS": 0.0,
            "SS": 0.0,
            "II": 0.0,
            "ADDL": 0.0,
            "RATE": 0.0,
            "AMT": 0.0,
        } | ({"GY": 0.0} if self.radiated else {})
        rows: list[dict[str, float]] = []
        doses, events = self._received(animal, arm)
        for pk, first in _numbered(self.model):
            if pk.compound in doses:
                table = doses[pk.compound]
                rows += [
                    {**common, **row, "EVID": float(_DOSE), "DV": math.nan, "MDV": 1.0}
                    for row in self._doses(pk, first, table, arm, weight, animal)
                ]
        for fractions in events.values():
            rows += [
                {**common, "TIME": time, "EVID": float(_OTHER), "CMT": 0.0, "DV": math.nan}
                | {"MDV": 1.0, "GY": dose}
                for time, dose in zip(
                    fractions.time.tolist(), fractions.dose.tolist(), strict=True
                )
                if time <= animal.end_day
            ]
        read = own[(own["volume_state"] != "not_measured") & (own["day"] >= 0)]
        for day, volume, state in zip(
            read["day"].tolist(),
            read["volume_mm3"].tolist(),
            read["volume_state"].tolist(),
            strict=True,
        ):
            rows.append(
                {**common, "TIME": day, "EVID": 0.0, "CMT": float(self.volume), "DV": volume}
                | {"MDV": 0.0, "CENS": float(state == "below_limit")}
            )
        order = {float(_DOSE): 0, float(_OTHER): 1, 0.0: 2}
        return sorted(rows, key=lambda row: (row["TIME"], order[row["EVID"]]))

    def _weight(self, own: pd.DataFrame, arm: SimulatedArm) -> float | None:
        """Body weight in grams."""
        measured = own["body_weight_g"].dropna()
        if len(measured):
            return float(measured.iloc[0])
        return body_weight_grams(self.model, arm.parameters)

    def _received(
        self, animal: Animal, arm: SimulatedArm
    ) -> tuple[dict[str, DoseTable], dict[str, EventTable]]:
        """Doses by compound and events by kind."""
        planned, events = arm_doses(self.model, arm)
        if not len(self.given):
            return planned, events
        own = self.given[self.given["animal_id"] == animal.animal_id]
        doses = {}
        for pk in self.model.pk:
            rows = own[own["compound"].str.casefold() == pk.compound.casefold()]
            if len(rows):
                doses[pk.compound] = _of_table(pk, rows, animal)
        return doses, events

    def _doses(
        self,
        pk: PkModel,
        first: int,
        table: DoseTable,
        arm: SimulatedArm,
        weight: float | None,
        animal: Animal,
    ) -> Iterator[dict[str, float]]:
        """Rows of doses; evenly spaced ones that are alike are one row with II and ADDL."""
        if table.per_gram.any() and weight is None:
            raise DataError(
                "a body weight, as doses are per body weight",
                found="none",
                where=f"animal {animal.animal_id}",
            )
        paths = dose_paths(pk, arm.parameters.values)
        records: list[tuple[float, float, float, float]] = []
        for row in range(len(table)):
            amount = float(table.amount[row]) * ((weight or 0.0) if table.per_gram[row] else 1.0)
            path = paths[int(table.path[row])]
            length = float(np.asarray(path.duration).ravel()[0])
            rate = amount * float(np.asarray(path.fraction).ravel()[0]) / length if length else 0.0
            compartment = float(first + path.compartment)
            if table.time[row] < 0.0:
                raise DataError(
                    "doses from day 0 on",
                    found=f"one on day {table.time[row]:g}",
                    where=f"animal {animal.animal_id}",
                )
            if table.time[row] <= animal.end_day:
                records.append((float(table.time[row]), amount, rate, compartment))
        for (time, amount, rate, compartment), interval, more in _runs(records):
            yield {
                "TIME": time,
                "AMT": amount,
                "RATE": rate,
                "II": interval,
                "ADDL": float(more),
                "CMT": compartment,
            }

    def _key(self) -> pd.DataFrame:
        """What numbers stand for."""
        rows: list[tuple[str, int, str, str]] = []
        for pk, first in _numbered(self.model):
            rows += [
                ("CMT", first + place, f"{pk.compound}: {name}", pk.amount_unit.symbol)
                for place, name in enumerate(pk.compartments)
            ]
        output = next(one for one in self.model.outputs if one.kind == "volume")
        rows.append(("CMT", self.volume, output.name, "mm³"))
        rows += [("ARM", place, name, "") for place, name in enumerate(self.arms, start=1)]
        rows += [
            ("ID", place, animal.animal_id, "")
            for place, animal in enumerate(self.animals, start=1)
        ]
        rows += [("TIME", 0, "days from day 0", "day"), ("WT", 0, "body weight", "g")]
        return pd.DataFrame(rows, columns=["column", "number", "name", "unit"])


def _numbered(model: Model) -> Iterator[tuple[PkModel, int]]:
    """PK with the number of its first compartment, from 1."""
    first = 1
    for pk in model.pk:
        yield pk, first
        first += len(pk.compartments)


def _volume_output(model: Model) -> int:
    """Number of the compartment of readings: behind those of PK and the states."""
    if not any(output.kind == "volume" for output in model.outputs):
        raise InputError("a model with a tumor volume", found="none")
    return 1 + sum(len(pk.compartments) for pk in model.pk) + len(model.states)


def _of_table(pk: PkModel, rows: pd.DataFrame, animal: Animal) -> DoseTable:
    """Doses that a study's table states, in mg/kg."""
    if pk.amount_per_mg is None:
        raise DataError(
            f"doses of {pk.compound} in a unit of amount", found="mg/kg", where=animal.animal_id
        )
    known = [route.route for route in pk.routes]
    paths = []
    for route in rows["route"].tolist():
        stated = isinstance(route, str) and route
        wanted = [route, "any"] if stated else (known if len(known) == 1 else [])
        found = next((known.index(one) for one in wanted if one in known), None)
        if found is None:
            raise DataError(
                f"a route that the kinetics of {pk.compound} describe ({', '.join(known)})",
                found=repr(route) if stated else "none",
                where=f"doses of animal {animal.animal_id}",
            )
        paths.append(found)
    per_gram = rows["dose_mg_per_kg"].to_numpy(dtype=np.float64) * pk.amount_per_mg * 1e-3
    return dose_table(rows["day"].to_numpy(), per_gram, per_gram=True, path=paths)


def _runs(
    records: Sequence[tuple[float, float, float, float]],
) -> Iterator[tuple[tuple[float, float, float, float], float, int]]:
    """Records that are alike and evenly spaced as the first, the interval and how many more."""
    at = 0
    while at < len(records):
        first, more, interval = records[at], 0, 0.0
        for following in records[at + 1 :]:
            gap = following[0] - records[at + more][0]
            if following[1:] != first[1:] or gap <= 0 or (more and gap != interval):
                break
            interval, more = gap, more + 1
        yield first, interval, more
        at += more + 1


def read_nonmem(path: Path) -> NonmemRecords:
    """Animals with their doses and readings from a dataset.

    Parameters
    ----------
    path : Path
        Comma-separated, with a header that names at least ID, TIME, AMT and DV; times are days.
        Without EVID a row with an amount is a dose. Columns that are not known are covariates.

    Returns
    -------
    NonmemRecords
        Animals in the order of the file.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or a row is no record; names row and column.
    """
    header, rows = _cells(path)
    subjects: list[NonmemSubject] = []
    records: list[_Record] = []
    seen: set[int] = set()
    for number, cells in rows:
        record = _record(header, cells, f"{path.name} row {number}")
        if records and record.subject != records[0].subject:
            subjects.append(_subject(records))
            records = []
        if not records:
            if record.subject in seen:
                raise _bad(record.where, "ID", "rows of one animal together", f"{record.subject}")
            seen.add(record.subject)
        elif record.time < records[-1].time and record.evid not in (_RESET, _RESET_AND_DOSE):
            raise _bad(record.where, "TIME", "times that rise", f"{record.time:g}")
        records.append(record)
    if records:
        subjects.append(_subject(records))
    if not subjects:
        raise FileFormatError("rows below the header", found="none", where=path.name)
    return NonmemRecords(name=path.name, subjects=tuple(subjects))


def compound_doses(model: Model, subject: NonmemSubject) -> dict[str, DoseTable]:
    """Doses of an animal by compound, for :func:`oncovivo.mechanism.engine.simulate_model`.

    Parameters
    ----------
    model : Model
        Its compartments of PK are numbered from 1, compound after compound. A dose takes the
        first route into its compartment.
    subject : NonmemSubject
        As read.

    Raises
    ------
    InputError
        If no route leads into the compartment of a dose.
    """
    table = subject.doses
    found = {}
    for pk, first in _numbered(model):
        inside = (table.path >= first - 1) & (table.path < first - 1 + len(pk.compartments))
        here = inside | (table.evid == _RESET)
        if not inside.any():
            continue
        targets = [route.compartment for route in pk.routes]
        paths = np.zeros(int(here.sum()), dtype=np.int64)
        for place, (compartment, evid) in enumerate(
            zip((table.path[here] - first + 1).tolist(), table.evid[here].tolist(), strict=True)
        ):
            if evid == _RESET:
                continue
            if compartment not in targets:
                raise InputError(
                    f"a dose into a compartment that a route of {pk.compound} reaches",
                    found=f"CMT {compartment + first}",
                    where=f"ID {subject.subject}",
                )
            paths[place] = targets.index(compartment)
        found[pk.compound] = dose_table(
            table.time[here],
            table.amount[here],
            path=paths,
            rate=table.rate[here],
            ii=table.ii[here],
            addl=table.addl[here],
            ss=table.ss[here],
            evid=table.evid[here],
        )
    known = sum(len(pk.compartments) for pk in model.pk)
    beyond = table.path[(table.evid != _RESET) & (table.path >= known)]
    if len(beyond):
        raise InputError(
            f"doses into compartments 1 to {known}",
            found=f"CMT {beyond[0] + 1}",
            where=f"ID {subject.subject}",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A row."""

    where: str
    subject: int
    time: float
    amount: float
    rate: float
    interval: float
    more: int
    evid: int
    compartment: int
    value: float
    missing: bool
    ss: int
    covariates: Mapping[str, float]


def _cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and rows with their numbers in the file."""
    try:
        if path.stat().st_size > _LARGEST:
            raise FileFormatError(f"at most {_LARGEST} bytes", found="more", where=path.name)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as err:
        reason = (err.strerror or "no reason given").lower()
        raise FileFormatError("a dataset", found=reason, where=str(path)) from err
    except UnicodeDecodeError as err:
        raise FileFormatError("UTF-8 text", found="other bytes", where=path.name) from err
    try:
        lines = list(csv.reader(text.splitlines()))
    except csv.Error as err:
        raise FileFormatError("comma-separated text", found=str(err), where=path.name) from err
    if not lines:
        raise FileFormatError("a header", found="an empty file", where=path.name)
    header = [word.strip().upper() for word in lines[0]]
    for name in _NEEDED:
        if name not in header:
            raise FileFormatError(
                f"a column {name}", found=", ".join(header), where=f"{path.name} row 1"
            )
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise FileFormatError("each column once", found=f"{twice} twice", where=path.name)
    rows = [(number, row) for number, row in enumerate(lines[1:], start=2) if any(row)]
    for number, row in rows:
        if len(row) != len(header):
            raise FileFormatError(
                f"{len(header)} cells", found=str(len(row)), where=f"{path.name} row {number}"
            )
    return header, rows


def _bad(where: str, column: str, expected: str, found: str) -> FileFormatError:
    """The error for a cell."""
    return FileFormatError(expected, found=found, where=f"{where}, column {column}")


def _record(header: Sequence[str], cells: Sequence[str], where: str) -> _Record:
    """A row, checked by itself."""
    values = {
        name: _number(cell.strip(), f"{where}, column {name}")
        for name, cell in zip(header, cells, strict=True)
    }

    def get(name: str) -> float:
        value = values.get(name, math.nan)
        return 0.0 if math.isnan(value) else value

    def whole(name: str, low: int, high: int) -> int:
        value = get(name)
        if not value.is_integer() or not low <= value <= high:
            expected = f"a whole number from {low} to {high}"
            raise _bad(where, name, expected, f"{value:g}")
        return int(value)

    if math.isnan(values["ID"]):
        raise _bad(where, "ID", "a number", _MISSING)
    if math.isnan(values["TIME"]) or values["TIME"] < 0.0:
        found = _MISSING if math.isnan(values["TIME"]) else f"{values['TIME']:g}"
        raise _bad(where, "TIME", "a day from 0 on", found)
    amount, rate, interval = get("AMT"), get("RATE"), get("II")
    for name, value in (("AMT", amount), ("II", interval)):
        if value < 0.0:
            raise _bad(where, name, "a number that is not negative", f"{value:g}")
    if rate < 0.0:
        raise _bad(where, "RATE", "a rate; modeled rates and durations are not read", f"{rate:g}")
    inferred = _DOSE if amount > 0.0 else _OBSERVATION
    evid = whole("EVID", 0, 4) if "EVID" in values else inferred
    more, ss = whole("ADDL", 0, 100_000), whole("SS", 0, 2)
    given = evid in (_DOSE, _RESET_AND_DOSE)
    if given and amount == 0.0:
        raise _bad(where, "AMT", f"an amount above 0 for a dose (EVID {evid})", f"{amount:g}")
    if not given and amount > 0.0:
        raise _bad(where, "AMT", f"no amount beside EVID {evid}", f"{amount:g}")
    if (more or ss) and (not given or interval == 0.0):
        raise _bad(where, "II", "a dose with an interval beside ADDL or SS", f"{interval:g}")
    missing = bool(whole("MDV", 0, 1)) if "MDV" in values else evid != _OBSERVATION
    if evid == _OBSERVATION and not missing and math.isnan(values["DV"]):
        raise _bad(where, "DV", "a number where MDV is 0", _MISSING)
    return _Record(
        where=where,
        subject=whole("ID", 0, 10**9),
        time=values["TIME"],
        amount=amount,
        rate=rate,
        interval=interval,
        more=more,
        evid=evid,
        compartment=whole("CMT", 0, 10_000),
        value=values["DV"],
        missing=missing,
        ss=ss,
        covariates={name: value for name, value in values.items() if name not in COLUMNS},
    )


def _number(cell: str, where: str) -> float:
    """The number of a cell; NaN for nothing."""
    if cell in ("", _MISSING):
        return math.nan
    try:
        value = float(cell)
    except ValueError as err:
        raise FileFormatError("a number or .", found=repr(cell), where=where) from err
    if not math.isfinite(value):
        raise FileFormatError("a finite number or .", found=repr(cell), where=where)
    return value


def _subject(records: Sequence[_Record]) -> NonmemSubject:
    """An animal of its rows."""
    given = [one for one in records if one.evid in (_DOSE, _RESET, _RESET_AND_DOSE)]
    read = [one for one in records if one.evid == _OBSERVATION and not one.missing]
    return NonmemSubject(
        subject=records[0].subject,
        doses=dose_table(
            [one.time for one in given],
            [one.amount for one in given],
            # Compartment 0 is the first one.
            path=[max(one.compartment, 1) - 1 for one in given],
            rate=[one.rate for one in given],
            ii=[one.interval for one in given],
            addl=[one.more for one in given],
            ss=[one.ss for one in given],
            evid=[one.evid for one in given],
        ),
        time=np.array([one.time for one in read], dtype=np.float64),
        value=np.array([one.value for one in read], dtype=np.float64),
        compartment=np.array([one.compartment for one in read], dtype=np.int64),
        censored=np.array(
            [one.covariates.get("CENS", 0.0) == 1.0 for one in read], dtype=np.bool_
        ),
        covariates={
            name: next(
                (one.covariates[name] for one in records if not math.isnan(one.covariates[name])),
                math.nan,
            )
            for name in records[0].covariates
        },
    )
