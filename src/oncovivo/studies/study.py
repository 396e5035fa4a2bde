"""A study in memory: its line, host, arms and animals, and the tidy table of measurements.

All parts are frozen. The table of measurements is handed out as a copy, so nothing that a caller
does to it reaches the study.
"""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, field
from typing import Final, Literal, TypeAlias, get_args

import pandas as pd

from oncovivo.errors import DataError, InputError
from oncovivo.studies.dosing import Regimen
from oncovivo.tables import check_measurements

__all__ = [
    "Animal",
    "Arm",
    "BaselineDay",
    "GraftType",
    "Host",
    "LeavingReason",
    "Role",
    "Study",
    "XenograftLine",
]

GraftType: TypeAlias = Literal["cdx", "pdx", "syngeneic", "gemm", "allograft", "not_stated"]
Role: TypeAlias = Literal[
    "vehicle", "untreated", "monotherapy", "combination", "reference", "not_stated"
]
LeavingReason: TypeAlias = Literal[
    "scheduled",
    "volume_limit",
    "ulceration",
    "body_weight_loss",
    "toxicity",
    "found_dead",
    "tumor_related",
    "technical",
    "unknown",
]
BaselineRule: TypeAlias = Literal["option", "study file", "first day with enough animals"]

# Share of the animals that a day needs to serve as baseline when nobody named one.
BASELINE_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class XenograftLine:
    """The tumor that grows.

    Parameters
    ----------
    name : str
        Name of the line or model.
    tumor_type : str, optional
        In the words or code of the source.
    tumor_type_id : str, optional
        Identifier in an ontology: an OncoTree code such as ``CCRCC``.
    rrid : str, optional
        Research resource identifier, such as ``CVCL_1051``.
    graft_type : GraftType
        ``not_stated`` where the source does not say.
    site : str, optional
        Where it was implanted.
    """

    name: str
    tumor_type: str | None = None
    tumor_type_id: str | None = None
    rrid: str | None = None
    graft_type: GraftType = "not_stated"
    site: str | None = None

    def __post_init__(self) -> None:
        _check_word(self.graft_type, get_args(GraftType), what="graft type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The animal that carries the tumor; what is None was not stated."""

    species: str | None = None
    strain: str | None = None
    rrid: str | None = None
    sex: str | None = None
    immune_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A treatment group.

    Parameters
    ----------
    name : str
        Label, as in the data.
    role : Role
        ``not_stated`` where the source does not say.
    regimens : tuple of Regimen
        What the arm receives.
    """

    name: str
    role: Role = "not_stated"
    regimens: tuple[Regimen, ...] = ()

    def __post_init__(self) -> None:
        _check_word(self.role, get_args(Role), what="role of an arm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Animal:
    """An animal and how it left.

    Parameters
    ----------
    animal_id : str
        Unique in the study.
    arm : str
        Name of its arm.
    cage : str, optional
        Where it was housed.
    baseline_day : float, optional
        Its own baseline, where it differs from the study's.
    end_day : float
        Last study day on which it was followed.
    end_reason : LeavingReason
        Why it was followed no longer.
    """

    animal_id: str
    arm: str
    cage: str | None = None
    baseline_day: float | None = None
    end_day: float
    end_reason: LeavingReason = "unknown"

    def __post_init__(self) -> None:
        _check_word(self.end_reason, get_args(LeavingReason), what="reason for leaving")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDay:
    """The day that relative volumes refer to, and who chose it.

    Parameters
    ----------
    day : float
        Study day.
    rule : BaselineRule
        ``option``, ``study file``, or ``first day with enough animals``.
    n_measured, n_animals : int
        Animals with a reading on that day, and animals of the study.
    """

    day: float
    rule: BaselineRule
    n_measured: int
    n_animals: int

    def __str__(self) -> str:
        """A line for a table's heading."""
        return f"day {self.day:g} ({self.rule}; {self.n_measured} of {self.n_animals} animals)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One study of one xenograft line.

    Parameters
    ----------
    study_id : str
        Short name, unique in its file or folder.
    title : str
        One line.
    source : str, optional
        Citation key or text.
    licence : str, optional
        Terms of the data.
    simulated : bool
        Whether the numbers come from a simulation; everything shown of such a study says so.
    line : XenograftLine
        The tumor.
    host : Host
        The animal that carries it.
    arms : tuple of Arm
        In the order of the file.
    animals : tuple of Animal
        In the order of the file.
    declared_baseline_day : float, optional
        From the study file.
    limit_mm3 : float, optional
        Smallest volume that can be measured, from the study file.
    notes : tuple of str
        What reading the files left aside or assumed, to be shown.
    table : DataFrame
        Measurements with the columns of ``tables.MEASUREMENT_COLUMNS``; copied.

    Raises
    ------
    DataError
        If animals, arms and measurements do not fit each other or the contract.
    """

    study_id: str
    title: str
    source: str | None = None
    licence: str | None = None
    simulated: bool = False
    line: XenograftLine
    host: Host = field(default_factory=Host)
    arms: tuple[Arm, ...]
    animals: tuple[Animal, ...]
    declared_baseline_day: float | None = None
    limit_mm3: float | None = None
    notes: tuple[str, ...] = ()
    table: InitVar[pd.DataFrame]
    _table: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self, table: pd.DataFrame) -> None:
        where = f"study {self.study_id}"
        names = _each_once([arm.name for arm in self.arms], what="arm", where=where)
        ids = _each_once([a.animal_id for a in self.animals], what="animal", where=where)
        for animal in self.animals:
            if animal.arm not in names:
                expected = "an arm of the study"
                place = f"{where}, animal {animal.animal_id}"
                raise DataError(expected, found=f"'{animal.arm}'", where=place)
        checked = check_measurements(table).reset_index(drop=True)
        strange = sorted(set(checked["animal_id"]) - ids)
        if strange:
            expected = "measurements of animals of the study"
            raise DataError(expected, found=f"'{strange[0]}'", where=where)
        object.__setattr__(self, "_table", checked)

    @property
    def measurements(self) -> pd.DataFrame:
        """Measurements: one row per animal and day; a copy."""
        return self._table.copy()

    def animals_of(self, arm: str) -> tuple[Animal, ...]:
        """Animals of an arm, in the order of the study.

        Raises
        ------
        InputError
            If the study has no such arm.
        """
        names = [a.name for a in self.arms]
        if arm not in names:
            expected = "an arm of the study: " + ", ".join(names)
            raise InputError(expected, found=repr(arm), where=f"study {self.study_id}")
        return tuple(animal for animal in self.animals if animal.arm == arm)

    def find_baseline_day(self, day: float | None = None) -> BaselineDay:
        """The day that relative volumes refer to.

        The `day` given here, else the study file's, else the first day on which at least 80 % of
        all animals have a volume reading (a vanished tumor counts as one).

        Parameters
        ----------
        day : float, optional
            Study day.

        Raises
        ------
        DataError
            If no animal has a reading on the day named, or no day has readings of enough animals.
        """
        read = self._table[self._table["volume_state"] != "not_measured"]
        counts = read.groupby("day").size()
        n_animals = len(self.animals)
        chosen = day if day is not None else self.declared_baseline_day
        if chosen is not None:
            n_measured = int(counts.get(float(chosen), 0))
            if not n_measured:
                measured_days = ", ".join(f"{d:g}" for d in counts.index[:5])
                raise DataError(
                    "a baseline day with readings",
                    found=f"day {chosen:g}",
                    where=f"study {self.study_id}",
                    mend=f"days with readings begin: {measured_days}",
                )
            return BaselineDay(
                day=float(chosen),
                rule="option" if day is not None else "study file",
                n_measured=n_measured,
                n_animals=n_animals,
            )
        enough = counts[counts >= math.ceil(BASELINE_SHARE * n_animals - 1e-9)]
        if enough.empty:
            raise DataError(
                f"a day on which {BASELINE_SHARE:.0%} of the animals are measured",
                found=f"at most {counts.max() if len(counts) else 0} of {n_animals}",
                where=f"study {self.study_id}",
                mend="name the baseline day",
            )
        return BaselineDay(
            day=float(enough.index[0]),
            rule="first day with enough animals",
            n_measured=int(enough.iloc[0]),
            n_animals=n_animals,
        )


def _each_once(names: list[str], *, what: str, where: str) -> set[str]:
    """The names as a set, when none comes twice and there is one."""
    if not names:
        expected = f"at least one {what}"
        raise DataError(expected, where=where)
    seen: set[str] = set()
    for name in names:
        if name in seen:
            expected = f"each {what} once"
            raise DataError(expected, found=f"'{name}' twice", where=where)
        seen.add(name)
    return seen


def _check_word(word: str, allowed: tuple[str, ...], *, what: str) -> None:
    """Refuse a word outside a closed list."""
    if word not in allowed:
        expected = f"a {what}: " + ", ".join(allowed)
        raise InputError(expected, found=repr(word))
