"""Dose records and radiation fractions from a regimen.

A regimen states days. The first dose of a day is given at the day's number, so day 0 is time 0;
``bid``, ``tid`` and ``qid`` give the others 12, 8 or 6 hours apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError, UnitError
from oncovivo.mechanism.doses import DosePath, DoseTable, dose_table
from oncovivo.studies.dosing import Course, Dose, Regimen, Route, Treatment
from oncovivo.studies.schedule import ListedDays
from oncovivo.units import parse_unit

__all__ = ["RadiationFractions", "doses_of_compound", "radiation_fractions"]

FloatArray: TypeAlias = NDArray[np.float64]

_RADIATION: Final = "absorbed dose"
_NMOL: Final[dict[str, float]] = {"pmol": 1e-3, "nmol": 1.0, "µmol": 1e3, "mmol": 1e6, "mol": 1e9}
_NEEDED: Final[dict[str, str]] = {
    "dose per body surface": "a body surface, and no factor for one is assumed",
    "volume per body mass": "the concentration of what is injected",
    _RADIATION: "no compartment: radiation is an event of its own",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadiationFractions:
    """Fractions of radiation, rising in time.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Days.
    dose : ndarray, shape (m,)
        Gy.
    """

    time: FloatArray
    dose: FloatArray


def doses_of_compound(
    regimen: Regimen,
    compound: str,
    paths: Sequence[DosePath],
    *,
    amount_unit: str = "µg",
    start: float = 0.0,
) -> DoseTable:
    """Dose records of one compound of a regimen.

    Parameters
    ----------
    regimen : Regimen
        What the arm receives.
    compound : str
        Name as in the regimen, without regard to case. The table is empty where the regimen does
        not have it.
    paths : sequence of DosePath
        Where its doses go, each for a route; one for ``any`` route serves the rest.
    amount_unit : str
        Mass (``µg``) or amount of substance (``nmol``) in which compartments are counted.
    start : float
        First day of the simulation, before which no dose may be.

    Returns
    -------
    DoseTable
        Doses per body mass are amounts per gram of body weight.

    Raises
    ------
    DataError
        If the regimen leaves the dose, the schedule or the duration open.
    InputError
        If no path serves the route, if the route is not stated and there are several paths, or if
        a dose is before the start.
    UnitError
        If the dose's unit does not make an amount in `amount_unit`.

    Examples
    --------
    >>> from oncovivo.studies.regimen import parse_regimen
    >>> regimen = parse_regimen("temsirolimus 2 mg/kg i.v. qd x3")
    >>> table = doses_of_compound(regimen, "temsirolimus", [DosePath(compartment=0)])
    >>> table.time.tolist(), table.amount.tolist(), bool(table.per_gram.all())
    ([0.0, 1.0, 2.0], [2.0, 2.0, 2.0], True)
    """
    time: list[float] = []
    amount: list[float] = []
    per_gram: list[bool] = []
    path: list[int] = []
    for treatment in regimen.treatments:
        if (treatment.compound or "").casefold() != compound.casefold():
            continue
        for course, days in zip(treatment.courses, _course_days(treatment), strict=True):
            dose = _stated_dose(course, treatment)
            size, scaled = _amount(dose, amount_unit, str(treatment))
            taken = _path_for(course.route, paths, str(treatment))
            moments = _moments(days, course.times_per_day)
            time += moments
            amount += [size] * len(moments)
            per_gram += [scaled] * len(moments)
            path += [taken] * len(moments)
    _after_start(time, start, regimen)
    return dose_table(time, amount, per_gram=per_gram, path=path)


def radiation_fractions(regimen: Regimen, *, start: float = 0.0) -> RadiationFractions:
    """Fractions of radiation that a regimen states in Gy or its parts; empty where none.

    Parameters
    ----------
    regimen : Regimen
        What the arm receives.
    start : float
        First day of the simulation, before which no fraction may be.

    Raises
    ------
    DataError
        If the schedule or the number of fractions is left open.
    InputError
        If a fraction is before the start.

    Examples
    --------
    >>> from oncovivo.studies.regimen import parse_regimen
    >>> radiation_fractions(parse_regimen("3 x 2 Gy qd")).time.tolist()
    [0.0, 1.0, 2.0]
    """
    time: list[float] = []
    gray: list[float] = []
    for treatment in regimen.treatments:
        doses = [course.dose for course in treatment.courses]
        if not any(dose and parse_unit(dose.unit).dimension == _RADIATION for dose in doses):
            continue
        for course, days in zip(treatment.courses, _course_days(treatment), strict=True):
            dose = _stated_dose(course, treatment)
            unit = parse_unit(dose.unit)
            if unit.dimension != _RADIATION:
                expected = "phases of radiation in Gy"
                raise UnitError(expected, found=str(dose), where=f"'{treatment}'")
            moments = _moments(days, course.times_per_day)
            time += moments
            gray += [dose.value * unit.factor] * len(moments)
    _after_start(time, start, regimen)
    order = np.argsort(time, kind="stable")
    return RadiationFractions(
        time=np.array(time, dtype=np.float64)[order], dose=np.array(gray, dtype=np.float64)[order]
    )


def _course_days(treatment: Treatment) -> list[list[int]]:
    """Study days of each phase, as :meth:`Treatment.dosing_days` puts them together."""
    found: list[list[int]] = []
    begin: int | None = 0
    for course in treatment.courses:
        if isinstance(course.schedule, ListedDays):
            start = 0
        elif course.start_day is not None:
            start = course.start_day
        elif begin is not None:
            start = begin
        else:
            gap = course.schedule.first_gap() if course.schedule else 0
            start = max(day for days in found for day in days) + gap
        found.append([start + offset for offset in course.offsets()])
        length = course.duration.length_days() if course.duration else None
        begin = None if length is None else start + length
    return found


def _moments(days: list[int], times_per_day: int) -> list[float]:
    """Times of the doses of some days."""
    return [day + nth / times_per_day for day in days for nth in range(times_per_day)]


def _stated_dose(course: Course, treatment: Treatment) -> Dose:
    """The dose of a phase."""
    if course.dose is None:
        expected = "a regimen that states its dose"
        raise DataError(expected, found=f"'{treatment}'", mend="add the dose, such as '2 mg/kg'")
    return course.dose


def _amount(dose: Dose, amount_unit: str, text: str) -> tuple[float, bool]:
    """Amount in the unit wanted, and whether it is per gram of body weight."""
    unit = parse_unit(dose.unit)
    molar = amount_unit in _NMOL
    if not molar and parse_unit(amount_unit).dimension != "mass":
        expected = "a unit of mass or of amount of substance, such as µg or nmol"
        raise UnitError(expected, found=amount_unit)
    if unit.dimension in ("mass", "dose per body mass") and not molar:
        per_kg = unit.dimension == "dose per body mass"
        # mg/kg is 1e-6 g per g; masses are counted in g.
        grams = unit.factor * (1e-6 if per_kg else 1.0)
        return float(f"{dose.value * grams / parse_unit(amount_unit).factor:.15g}"), per_kg
    if unit.dimension == "molar dose per body mass" and molar:
        return float(f"{dose.value * unit.factor * 1e-3 / _NMOL[amount_unit]:.15g}"), True
    needed = _NEEDED.get(unit.dimension, "a molar mass; write the dose in the unit of the amounts")
    expected = f"a dose that makes an amount in {amount_unit}"
    raise UnitError(expected, found=f"{dose}: it needs {needed}", where=f"'{text}'")


def _path_for(route: Route | None, paths: Sequence[DosePath], text: str) -> int:
    """The path that serves a route: its own before the one for any."""
    where = f"'{text}'"
    if route is None:
        if len(paths) == 1:
            return 0
        expected = "a route, as the drug's kinetics differ by route"
        raise InputError(expected, found="none", where=where)
    for wanted in (route, "any"):
        for index, path in enumerate(paths):
            if path.route == wanted:
                return index
    known = ", ".join(str(path.route) for path in paths) or "none"
    expected = f"a route that the drug's kinetics describe ({known})"
    raise InputError(expected, found=route.value, where=where)


def _after_start(time: list[float], start: float, regimen: Regimen) -> None:
    """Refuse doses before the start of the simulation."""
    if time and min(time) < start:
        expected = f"doses from day {start:g} on, where the simulation starts"
        raise InputError(expected, found=f"a dose on day {min(time):g}", where=f"'{regimen}'")
