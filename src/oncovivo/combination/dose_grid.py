"""Dose grids: several dose levels of two partners, alone and together.

Every combination cell is held against control and the single-agent arms of its own two doses.
Several cells are several questions: their limits are simultaneous, so that one may look for the
dose pair with the strongest interaction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from oncovivo.combination.roles import CombinationArms
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Arm, Treatment

__all__ = ["DoseGrid", "GridArm", "dose_grid", "doses_from_names"]

DoseTable: TypeAlias = Mapping[str, tuple[float, float]]

RADIATION: Final = "radiation"
"""What a treatment without a compound is called."""

EXPLICIT: Final = "state the grid: the two doses of each arm"
# Spaces, and what stands between a compound and its dose in a label.
_BETWEEN: Final = r"[\s_:=-]*"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridArm:
    """An arm of a grid and its doses.

    Parameters
    ----------
    arm : str
        Name.
    doses : tuple of float, length 2
        Of the two compounds; 0 for none.
    """

    arm: str
    doses: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseGrid:
    """The arms of a grid by their doses.

    Parameters
    ----------
    compounds : tuple of str, length 2
        What the two partners are called.
    units : tuple of str, length 2
        Of their doses; empty where not stated.
    control : str
        Arm without either.
    singles : tuple of two tuples of GridArm
        Arms of the first compound alone and of the second alone, by rising dose.
    cells : tuple of GridArm
        Arms of both, by rising first and then second dose, that have both single-agent arms.
    untested : tuple of GridArm
        Arms of both that lack the arm of one of their doses alone.
    others : tuple of str
        Arms that are no part of the grid.
    """

    compounds: tuple[str, str]
    units: tuple[str, str]
    control: str
    singles: tuple[tuple[GridArm, ...], tuple[GridArm, ...]]
    cells: tuple[GridArm, ...]
    untested: tuple[GridArm, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Doses of each compound above 0 that cells have, rising."""
        pairs = [cell.doses for cell in self.cells]
        first, second = ({pair[place] for pair in pairs} for place in (0, 1))
        return tuple(sorted(first)), tuple(sorted(second))

    def roles(self, cell: GridArm) -> CombinationArms:
        """The combination that a cell is: control, both of its doses alone, the cell.

        Parameters
        ----------
        cell : GridArm
            One of the grid's cells.
        """
        alone = [
            next(single.arm for single in self.singles[place] if single.doses[place] == dose)
            for place, dose in enumerate(cell.doses)
        ]
        return CombinationArms(
            control=self.control, partners=(alone[0], alone[1]), combination=cell.arm
        )

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""

        def entries(arms: Sequence[GridArm]) -> list[dict[str, object]]:
            return [{"arm": arm.arm, "doses": list(arm.doses)} for arm in arms]

        return {
            "compounds": list(self.compounds),
            "units": list(self.units),
            "control": self.control,
            "singles": [entries(single) for single in self.singles],
            "cells": entries(self.cells),
            "untested": entries(self.untested),
            "others": list(self.others),
        }


def dose_grid(
    arms: Sequence[Arm] | DoseTable,
    *,
    compounds: tuple[str, str] | None = None,
    units: tuple[str, str] | None = None,
) -> DoseGrid:
    """The grid that the arms of a study make, from their regimens or from stated doses.

    Parameters
    ----------
    arms : sequence of Arm, or mapping of str to two doses
        Arms with regimens, or the doses of both compounds for each arm of the grid.
    compounds : tuple of str, optional
        The two compounds, in the order wanted. Regimens with just two that vary need none.
    units : tuple of str, optional
        Of stated doses; regimens bring their own.

    Raises
    ------
    InputError
        If the compounds are not two different ones, or units are given beside regimens.
    DataError
        If two arms have the same doses, control or all cells are missing, a dose is below 0 or
        not stated, or a compound is given by several routes or schedules or in several units.

    Notes
    -----
    What the control receives too (a vehicle, radiation of all arms) is no part of the grid. Arms
    with a third treatment are left out and named in ``others``.

    Examples
    --------
    >>> grid = dose_grid(
    ...     {"C": (0, 0), "A5": (5, 0), "A9": (9, 0), "B": (0, 2), "A5B": (5, 2), "A9B": (9, 2)},
    ...     compounds=("a", "b"),
    ... )
    >>> grid.levels
    ((5.0, 9.0), (2.0,))
    >>> grid.roles(grid.cells[1]).arms
    ('C', 'A9', 'B', 'A9B')
    """
    if compounds is not None and (
        len(compounds) != 2 or compounds[0].casefold() == compounds[1].casefold()
    ):
        expected = "two different compounds"
        raise InputError(expected, found=", ".join(compounds))
    if isinstance(arms, Mapping):
        table = {
            name: (_stated_dose(pair[0], name), _stated_dose(pair[1], name))
            for name, pair in arms.items()
        }
        return _assembled(table, compounds or ("A", "B"), units or ("", ""), others=())
    if units is not None:
        expected = "units for stated doses only"
        raise InputError(expected, found=", ".join(units), mend="regimens state their own")
    return _from_regimens(arms, compounds)


def doses_from_names(
    names: Sequence[str], compounds: tuple[str, str]
) -> dict[str, tuple[float, float]]:
    """Doses that the labels of arms carry: a compound, then its number, for both compounds.

    Labels without both are left out.

    Parameters
    ----------
    names : sequence of str
        Labels of arms.
    compounds : tuple of str, length 2
        The compounds as labels spell them, whatever their capitals.

    Raises
    ------
    InputError
        If no label carries both doses, or a label states a compound twice.

    Examples
    --------
    >>> doses_from_names(["gdc0084_00_temo_10", "vehicle"], ("gdc0084", "temo"))
    {'gdc0084_00_temo_10': (0.0, 10.0)}
    """
    # A compound starts a word, and its number ends one: temo_10 is not in temo_100.
    patterns = [
        re.compile(
            rf"(?<![^\W_]){re.escape(compound)}{_BETWEEN}(\d+(?:\.\d+)?)(?![\d.])", re.IGNORECASE
        )
        for compound in compounds
    ]
    table = {}
    for name in names:
        found = [pattern.findall(name) for pattern in patterns]
        if any(len(doses) > 1 for doses in found):
            expected = f"each of {compounds[0]} and {compounds[1]} once in a label"
            raise InputError(expected, found=repr(name), mend=EXPLICIT)
        if all(found):
            table[name] = (float(found[0][0]), float(found[1][0]))
    if not table:
        expected = f"labels that carry a dose of {compounds[0]} and one of {compounds[1]}"
        raise InputError(expected, found=", ".join(names) or "none", mend=EXPLICIT)
    return table


def _stated_dose(dose: float, arm: str) -> float:
    """A stated dose, which may be 0."""
    if not (math.isfinite(dose) and dose >= 0):
        expected = "a dose of 0 or above"
        raise DataError(expected, found=f"{dose:g}", where=f"arm '{arm}'")
    return float(dose)


def _assembled(
    table: Mapping[str, tuple[float, float]],
    compounds: tuple[str, str],
    units: tuple[str, str],
    *,
    others: tuple[str, ...],
) -> DoseGrid:
    """The grid of a table, once no two arms share a place and something can be asked."""
    places: dict[tuple[float, float], str] = {}
    for name, pair in table.items():
        if pair in places:
            expected = "one arm for each pair of doses"
            found = f"'{places[pair]}' and '{name}' at {_pair_words(pair, compounds, units)}"
            raise DataError(expected, found=found, mend=EXPLICIT)
        places[pair] = name
    control = places.get((0.0, 0.0))
    if control is None:
        expected = f"a control without {compounds[0]} and without {compounds[1]}"
        raise DataError(expected, found="none", mend=EXPLICIT)
    arms = [GridArm(arm=places[pair], doses=pair) for pair in sorted(places)]
    first = tuple(arm for arm in arms if arm.doses[0] > 0 and arm.doses[1] == 0)
    second = tuple(arm for arm in arms if arm.doses[0] == 0 and arm.doses[1] > 0)
    both = [arm for arm in arms if min(arm.doses) > 0]
    tested = [
        arm for arm in both if (arm.doses[0], 0.0) in places and (0.0, arm.doses[1]) in places
    ]
    if not tested:
        expected = f"an arm of {compounds[0]} and {compounds[1]} with each of its doses alone"
        found = f"{len(first)} and {len(second)} single-agent arms, {len(both)} of both"
        raise DataError(expected, found=found, mend=EXPLICIT)
    return DoseGrid(
        compounds=compounds,
        units=units,
        control=control,
        singles=(first, second),
        cells=tuple(tested),
        untested=tuple(arm for arm in both if arm not in tested),
        others=others,
    )


def _pair_words(
    pair: tuple[float, float], compounds: tuple[str, str], units: tuple[str, str]
) -> str:
    words = [
        f"{name} {dose:g} {unit}".rstrip()
        for name, dose, unit in zip(compounds, pair, units, strict=True)
    ]
    return " + ".join(words)


def _from_regimens(arms: Sequence[Arm], compounds: tuple[str, str] | None) -> DoseGrid:
    """The grid of arms with regimens."""
    given = {arm.name: _treatments(arm) for arm in arms}
    _check_compounds(given, compounds)
    control = _control(arms, given, compounds)
    background = given[control]
    own = {
        name: {key: one for key, one in treatments.items() if background.get(key) != one}
        for name, treatments in given.items()
    }
    keys = _two_keys(own, compounds)
    table: dict[str, tuple[float, float]] = {}
    others: list[str] = []
    # What arms beside the control receive too is a background; a vehicle is of the control alone.
    shared = {
        key
        for name, treatments in given.items()
        for key in set(treatments) & set(background)
        if name != control
    }
    for arm in arms:
        extra = set(own[arm.name]) - set(keys)
        lacks = shared - set(given[arm.name])
        silent = not arm.regimens and arm.name != control
        if extra or lacks or silent:
            others.append(arm.name)
            continue
        pair = [_dose_of(own[arm.name].get(key), arm.name) for key in keys]
        table[arm.name] = (pair[0], pair[1])
    units = [_one_schedule([own[name].get(key) for name in table], key) for key in keys]
    named = compounds or (_spelled(own, keys[0]), _spelled(own, keys[1]))
    return _assembled(table, named, (units[0], units[1]), others=tuple(others))


def _treatments(arm: Arm) -> dict[str, Treatment]:
    """Treatments of an arm by compound, each once."""
    found: dict[str, Treatment] = {}
    for regimen in arm.regimens:
        for treatment in regimen.treatments:
            key = (treatment.compound or RADIATION).casefold()
            if key in found:
                expected = f"one treatment with {treatment.compound or RADIATION}"
                raise DataError(expected, found="two", where=f"arm '{arm.name}'", mend=EXPLICIT)
            found[key] = treatment
    return found


def _check_compounds(
    given: Mapping[str, Mapping[str, Treatment]], compounds: tuple[str, str] | None
) -> None:
    """Refuse a compound that no regimen has."""
    known = {
        key: treatment.compound or RADIATION
        for treatments in given.values()
        for key, treatment in treatments.items()
    }
    for name in compounds or ():
        if name.casefold() not in known:
            expected = "a compound of the regimens: " + (", ".join(known.values()) or "none")
            raise InputError(expected, found=repr(name))


def _control(
    arms: Sequence[Arm],
    given: Mapping[str, Mapping[str, Treatment]],
    compounds: tuple[str, str] | None,
) -> str:
    """The arm without either compound: by its role, or else by its treatments."""
    wanted = {compound.casefold() for compound in compounds or ()}
    stated = (
        [arm.name for arm in arms if arm.role in ("vehicle", "untreated")]
        or [name for name, treatments in given.items() if not treatments]
        or [name for name, treatments in given.items() if wanted and not wanted & set(treatments)]
    )
    if len(stated) != 1:
        expected = "one control arm"
        found = ", ".join(f"'{name}'" for name in stated) or "none"
        mend = f"state the roles of arms, or {EXPLICIT}"
        raise DataError(expected, found=found, mend=mend)
    return stated[0]


def _two_keys(
    own: Mapping[str, Mapping[str, Treatment]], compounds: tuple[str, str] | None
) -> tuple[str, str]:
    """The two compounds that vary between arms."""
    if compounds is not None:
        return compounds[0].casefold(), compounds[1].casefold()
    keys = list(dict.fromkeys(key for treatments in own.values() for key in treatments))
    if len(keys) != 2:
        expected = "two compounds that differ between arms"
        found = ", ".join(_spelled(own, key) for key in keys) or "no regimens"
        raise DataError(expected, found=found, mend=f"name the two compounds, or {EXPLICIT}")
    return keys[0], keys[1]


def _spelled(own: Mapping[str, Mapping[str, Treatment]], key: str) -> str:
    """A compound as it is first written."""
    found = next(treatments[key] for treatments in own.values() if key in treatments)
    return found.compound or RADIATION


def _dose_of(treatment: Treatment | None, arm: str) -> float:
    """Dose of a treatment that has one; 0 where there is no treatment."""
    if treatment is None:
        return 0.0
    doses = {course.dose for course in treatment.courses}
    dose = doses.pop() if len(doses) == 1 else None
    if dose is None:
        expected = f"one dose of {treatment.compound or RADIATION}"
        raise DataError(expected, found=f"'{treatment}'", where=f"arm '{arm}'", mend=EXPLICIT)
    return dose.value


def _one_schedule(treatments: Sequence[Treatment | None], key: str) -> str:
    """Unit of a compound's doses, once routes, schedules and units agree over the arms."""
    given = [treatment for treatment in treatments if treatment is not None]
    for one in given[1:]:
        if _without_dose(one) != _without_dose(given[0]):
            expected = f"one route, schedule and unit of {key} in all arms"
            found = f"'{given[0]}' and '{one}'"
            mend = f"compare schedules as such, or {EXPLICIT}"
            raise DataError(expected, found=found, mend=mend)
    dose = given[0].courses[0].dose if given else None
    return dose.unit if dose else ""


def _without_dose(treatment: Treatment) -> tuple[object, ...]:
    """What must agree between two levels of a compound."""
    return tuple(
        (
            course.route,
            course.schedule,
            course.times_per_day,
            course.duration,
            course.start_day,
            course.dose.unit if course.dose else None,
        )
        for course in treatment.courses
    )
