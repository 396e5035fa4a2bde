"""A study in memory: its line, host, arms and animals, and the tidy table of measurements.

All parts are frozen. The table of measurements is handed out as a copy, so nothing that a caller
does to it reaches the study.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, InputError
from oncovivo.studies.caliper import VolumeFormula, check_formula
from oncovivo.studies.dosing import Regimen
from oncovivo.studies.padding import Zeros
from oncovivo.tables import (
    CHANGE_COLUMNS,
    DOSE_COLUMNS,
    EVENT_COLUMNS,
    MARKER_COLUMNS,
    CheckedMeasurements,
    TableName,
    check_measurements,
    check_table,
)

__all__ = [
    "Animal",
    "Arm",
    "BaselineDay",
    "Exclusion",
    "GraftType",
    "Host",
    "LeavingReason",
    "Role",
    "Study",
    "StudyTables",
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
class StudyTables:
    """The tidy tables beside the measurements; each is copied and handed out as a copy.

    Parameters
    ----------
    doses : DataFrame, optional
        Columns ``animal_id day compound dose_mg_per_kg route``: what was given.
    events : DataFrame, optional
        Columns ``animal_id day event detail``: what happened.
    markers : DataFrame, optional
        Columns ``animal_id day analyte value unit assay compartment``.
    changes : DataFrame, optional
        Columns ``animal_id day column found made reason``: the log of what reading, or a choice,
        made of a cell of the measurements. Nothing is changed or left out without a row here.

    Raises
    ------
    DataError
        If a table breaks its contract.
    """

    doses: InitVar[pd.DataFrame | None] = None
    events: InitVar[pd.DataFrame | None] = None
    markers: InitVar[pd.DataFrame | None] = None
    changes: InitVar[pd.DataFrame | None] = None
    _frames: Mapping[TableName, pd.DataFrame] = field(init=False, repr=False)

    def __post_init__(
        self,
        doses: pd.DataFrame | None,
        events: pd.DataFrame | None,
        markers: pd.DataFrame | None,
        changes: pd.DataFrame | None,
    ) -> None:
        given: dict[TableName, pd.DataFrame | None] = {
            "doses": doses,
            "events": events,
            "markers": markers,
            "changes": changes,
        }
        frames = {
            name: check_table(name, frame)
            for name, frame in given.items()
            if frame is not None and len(frame)
        }
        object.__setattr__(self, "_frames", frames)

    def get(self, name: TableName) -> pd.DataFrame:
        """A table by name; a copy, without rows where the study has none.

        Parameters
        ----------
        name : {"doses", "events", "markers", "changes"}
            Which table.

        Examples
        --------
        >>> list(StudyTables().get("events").columns)
        ['animal_id', 'day', 'event', 'detail']
        """
        if name in self._frames:
            return self._frames[name].copy()
        numbers = ("day", "dose_mg_per_kg", "value")
        return pd.DataFrame(
            {c: pd.Series([], dtype=float if c in numbers else str) for c in _COLUMNS[name]}
        )

    def only(self, animal_ids: set[str]) -> StudyTables:
        """The rows of some animals."""
        return StudyTables(
            **{name: frame[frame["animal_id"].isin(animal_ids)] for name, frame in self.frames()}
        )

    def with_changes(self, changes: pd.DataFrame) -> StudyTables:
        """The tables with more rows in the log of changes."""
        if changes.empty:
            return self
        frames = dict(self.frames())
        old = [frames["changes"]] if "changes" in frames else []
        frames["changes"] = pd.concat([*old, changes], ignore_index=True)
        return StudyTables(**frames)

    def frames(self) -> tuple[tuple[TableName, pd.DataFrame], ...]:
        """The tables that have rows, by name; copies."""
        return tuple((name, frame.copy()) for name, frame in self._frames.items())


_COLUMNS: Final[Mapping[TableName, tuple[str, ...]]] = {
    "doses": DOSE_COLUMNS,
    "events": EVENT_COLUMNS,
    "markers": MARKER_COLUMNS,
    "changes": CHANGE_COLUMNS,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exclusion:
    """An animal that was taken out of the analysis: who, why, and its rows.

    Parameters
    ----------
    animal : Animal
        As it was.
    reason : str
        One line.
    tables : StudyTables
        Its doses, events, markers and changes.
    table : DataFrame
        Its measurements; copied.
    """

    animal: Animal
    reason: str
    tables: StudyTables = field(default_factory=StudyTables)
    table: InitVar[pd.DataFrame]
    _table: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self, table: pd.DataFrame) -> None:
        object.__setattr__(self, "_table", table.reset_index(drop=True))

    @property
    def measurements(self) -> pd.DataFrame:
        """Its measurements; a copy."""
        return self._table.copy()


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
    randomized : bool, optional
        Whether animals were allocated to the arms at random; None where the source does not say.
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
    zeros : {"gone", "missing"}, optional
        What zeros at the end of a series are, once somebody said so; they are then no finding.
    volume_formula : VolumeFormula, optional
        How volumes follow from diameters, where that is known.
    notes : tuple of str
        What reading the files left aside or assumed, to be shown.
    exclusions : tuple of Exclusion
        Animals that were taken out of the analysis, which are then not among `animals`; their
        rows are kept with the reason.
    tables : StudyTables
        Doses, events, markers and the log of changes, where there are any.
    table : DataFrame
        Measurements with the columns of ``tables.MEASUREMENT_COLUMNS``; copied, and ordered as the
        animals are, by day.

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
    randomized: bool | None = None
    line: XenograftLine
    host: Host = field(default_factory=Host)
    arms: tuple[Arm, ...]
    animals: tuple[Animal, ...]
    declared_baseline_day: float | None = None
    limit_mm3: float | None = None
    zeros: Zeros | None = None
    volume_formula: VolumeFormula | None = None
    notes: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    tables: StudyTables = field(default_factory=StudyTables)
    table: InitVar[pd.DataFrame | CheckedMeasurements]
    _table: pd.DataFrame = field(init=False, repr=False)

    def __post_init__(self, table: pd.DataFrame | CheckedMeasurements) -> None:
        where = f"study {self.study_id}"
        names = _each_once([arm.name for arm in self.arms], what="arm", where=where)
        ids = _each_once([a.animal_id for a in self.animals], what="animal", where=where)
        for animal in self.animals:
            if animal.arm not in names:
                expected = "an arm of the study"
                place = f"{where}, animal {animal.animal_id}"
                raise DataError(expected, found=f"'{animal.arm}'", where=place)
        if self.zeros is not None:
            _check_word(self.zeros, get_args(Zeros), what="meaning of zeros")
        if self.volume_formula is not None:
            check_formula(self.volume_formula)
        checked = table if isinstance(table, CheckedMeasurements) else check_measurements(table)
        for exclusion in self.exclusions:
            if exclusion.animal.animal_id in ids:
                expected = f"animal '{exclusion.animal.animal_id}' in the study or excluded"
                raise DataError(expected, found="both", where=where)
        _all_known(checked.table["animal_id"], ids, what="measurements", where=where)
        for name, frame in self.tables.frames():
            _all_known(frame["animal_id"], ids, what=name, where=where)
        places = {animal.animal_id: place for place, animal in enumerate(self.animals)}
        object.__setattr__(self, "_table", _in_order(checked.table, places))

    @classmethod
    def from_frame(
        cls,
        df: object,
        *,
        mapping: Mapping[str, str] | None = None,
        formula: VolumeFormula | None = None,
        units: Mapping[str, str] | None = None,
        day_zero: date | str | None = None,
        name: str = "data frame",
    ) -> Study:
        """The one study that a data frame holds.

        Parameters
        ----------
        df : DataFrame
            In the long or wide layout; any frame that pandas can take (it has ``to_pandas`` or
            ``__dataframe__``), or a mapping of columns.
        mapping : mapping of str to str, optional
            Their column name by canonical name: ``{"volume_mm3": "TV"}``.
        formula : VolumeFormula, optional
            Formula by which volumes are made from diameters.
        units : mapping of str to str, optional
            Unit of a column by canonical name: ``{"volume_mm3": "cm³"}``.
        day_zero : date or str, optional
            Calendar date of day 0, or ``treatment``, ``implant`` or ``first``.
        name : str
            What the study is called where no column says it.

        Raises
        ------
        FileFormatError
            If a column is missing or a cell does not hold what it should.
        DataError
            If rows contradict each other.
        InputError
            If the frame holds several studies; ``studies_from_frame`` gives them.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame(
        ...     {
        ...         "Mouse": [1, 1, 2, 2],
        ...         "Group": ["vehicle", "vehicle", "drug", "drug"],
        ...         "Day": [0, 7, 0, 7],
        ...         "TV (mm3)": [110.0, 420.0, 105.0, 130.0],
        ...     }
        ... )
        >>> [arm.name for arm in Study.from_frame(frame).arms]
        ['vehicle', 'drug']
        """
        from oncovivo.studies.frames import studies_from_frame

        studies = studies_from_frame(
            df, mapping=mapping, formula=formula, units=units, day_zero=day_zero, name=name
        )
        if len(studies) > 1:
            expected = "one study of one line"
            found = f"{len(studies)}: " + ", ".join(s.study_id for s in studies[:5])
            raise InputError(expected, found=found, mend="use studies_from_frame")
        return studies[0]

    @property
    def measurements(self) -> pd.DataFrame:
        """Measurements: one row per animal and day; a copy."""
        return self._table.copy()

    @property
    def area_only(self) -> bool:
        """Whether sizes are areas: no reading is a volume and there are areas."""
        volumes = (self._table["volume_state"] != "not_measured").any()
        return not volumes and bool(self._table["area_mm2"].notna().any())

    @property
    def doses(self) -> pd.DataFrame:
        """Doses given; a copy, without rows where none are known."""
        return self.tables.get("doses")

    @property
    def events(self) -> pd.DataFrame:
        """Events; a copy, without rows where none are known."""
        return self.tables.get("events")

    @property
    def markers(self) -> pd.DataFrame:
        """Markers; a copy, without rows where none are known."""
        return self.tables.get("markers")

    @property
    def changes(self) -> pd.DataFrame:
        """What reading, or a choice, made of cells; a copy."""
        return self.tables.get("changes")

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
        all animals have a volume reading (a vanished tumor counts as one), or an area where the
        study has areas only.

        Parameters
        ----------
        day : float, optional
            Study day.

        Raises
        ------
        DataError
            If no animal has a reading on the day named, or no day has readings of enough animals.
        """
        is_read = self._table["volume_state"] != "not_measured"
        if self.area_only:
            is_read = self._table["area_mm2"].notna()
        read = self._table[is_read]
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


def _all_known(animal_ids: pd.Series[str], known: set[str], *, what: str, where: str) -> None:
    """Refuse rows of an animal that the study does not have."""
    strange = sorted(set(animal_ids) - known)
    if strange:
        expected = f"{what} of animals of the study"
        raise DataError(expected, found=f"'{strange[0]}'", where=where)


def _in_order(table: pd.DataFrame, places: Mapping[str, int]) -> pd.DataFrame:
    """Rows as the animals are ordered, by day."""
    place = np.array([places[name] for name in table["animal_id"].tolist()], dtype=np.int64)
    order = np.lexsort((table["day"].to_numpy(), place))
    if (np.diff(order) != 1).any():
        table = table.iloc[order]
    return table.reset_index(drop=True)


def _check_word(word: str, allowed: tuple[str, ...], *, what: str) -> None:
    """Refuse a word outside a closed list."""
    if word not in allowed:
        expected = f"a {what}: " + ", ".join(allowed)
        raise InputError(expected, found=repr(word))
