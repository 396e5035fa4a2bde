"""Who is left: animals at risk by day and arm, why animals left, and who was excluded.

Animals leave a study when their tumor is large, so that a mean over those that are left describes
the smaller tumors. Every table and figure of group means therefore carries the number at risk, and
nobody is dropped in silence: an excluded animal keeps its rows, with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, get_args

import numpy as np
import pandas as pd

from oncovivo.errors import InputError
from oncovivo.studies.study import Exclusion, LeavingReason, Study, StudyTables
from oncovivo.tables import TableName

__all__ = [
    "ArmAtRisk",
    "Leaver",
    "LeavingTable",
    "NumberAtRisk",
    "exclude_animals",
    "excluded_measurements",
    "find_leavers",
    "number_at_risk",
    "restore_animals",
]

REMAINING_SHARE: Final = 0.5
"""Below this share of an arm still followed, its mean speaks of a minority and is flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmAtRisk:
    """How many animals of an arm are left on a day.

    Parameters
    ----------
    arm : str
        The arm.
    day : float
        Study day.
    n_animals : int
        Animals of the arm.
    n_at_risk : int
        Animals still followed: those whose last day of follow-up is this day or later.
    n_measured : int
        Animals with a reading on this day.
    flagged : bool
        Whether fewer than half of the arm remain.
    """

    arm: str
    day: float
    n_animals: int
    n_at_risk: int
    n_measured: int
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAtRisk:
    """Animals at risk by day and arm.

    ``study`` is the study's label; ``rows`` go by arm as in the study, and by day.
    """

    study: str
    rows: tuple[ArmAtRisk, ...]

    @property
    def days(self) -> tuple[float, ...]:
        """Days, rising."""
        return tuple(sorted({row.day for row in self.rows}))

    def of(self, arm: str, day: float) -> ArmAtRisk:
        """The row of an arm and day.

        Raises
        ------
        InputError
            If there is none.
        """
        for row in self.rows:
            if row.arm == arm and row.day == day:
                return row
        expected = "an arm and a day of the table"
        raise InputError(expected, found=f"arm {arm!r}, day {day:g}")

    def to_frame(self) -> pd.DataFrame:
        """One row per arm and day, columns as the fields of :class:`ArmAtRisk`."""
        names = ("arm", "day", "n_animals", "n_at_risk", "n_measured", "flagged")
        return pd.DataFrame({name: [getattr(row, name) for row in self.rows] for name in names})

    def to_dict(self) -> dict[str, object]:
        """The table as the ``--json`` contract has it."""
        return {
            "study": self.study,
            "at_risk": [
                {
                    "arm": row.arm,
                    "day": row.day,
                    "n_animals": row.n_animals,
                    "n_at_risk": row.n_at_risk,
                    "n_measured": row.n_measured,
                    "flagged": row.flagged,
                }
                for row in self.rows
            ],
        }


def number_at_risk(study: Study, *, days: Iterable[float] | None = None) -> NumberAtRisk:
    """Animals at risk by day and arm.

    An animal is at risk until its last day of follow-up: the stated end, or its last reading where
    that is later. Excluded animals are not counted.

    Parameters
    ----------
    study : Study
        The study.
    days : iterable of float, optional
        Study days; all days with a reading when absent.

    Examples
    --------
    >>> frame = pd.DataFrame({
    ...     "animal_id": ["a", "a", "b"], "treatment": ["vehicle"] * 3,
    ...     "day": [0, 7, 0], "volume_mm3": [100, 300, 110],
    ... })
    >>> table = number_at_risk(Study.from_frame(frame))
    >>> [(row.day, row.n_at_risk, row.n_animals) for row in table.rows]
    [(0.0, 2, 2), (7.0, 1, 2)]
    """
    read = _readings(study)
    chosen = sorted({float(day) for day in (read["day"] if days is None else days)})
    last = _last_days(study, read)
    measured = set(zip(read["animal_id"], read["day"].astype(float), strict=True))
    rows = []
    for arm in study.arms:
        animals = [animal.animal_id for animal in study.animals if animal.arm == arm.name]
        for day in chosen:
            left = sum(last[name] >= day for name in animals)
            rows.append(
                ArmAtRisk(
                    arm=arm.name,
                    day=day,
                    n_animals=len(animals),
                    n_at_risk=left,
                    n_measured=sum((name, day) in measured for name in animals),
                    flagged=left < REMAINING_SHARE * len(animals),
                )
            )
    return NumberAtRisk(study=study.study_id, rows=tuple(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """How an animal left.

    Parameters
    ----------
    animal_id, arm : str
        The animal and its arm.
    day : float
        Last day of follow-up.
    reason : LeavingReason
        ``unknown`` where nothing was stated.
    last_size : float, optional
        Its last reading, mm³ (mm² where the study has areas).
    before_end : bool
        Whether it left before the last day of the study.
    """

    animal_id: str
    arm: str
    day: float
    reason: LeavingReason
    last_size: float | None
    before_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingTable:
    """Every animal with its last day and its reason, and everybody who was excluded.

    Parameters
    ----------
    study : str
        The study's label.
    last_day : float
        Last day on which any animal was followed.
    leavers : tuple of Leaver
        All animals of the study, by arm and day; those followed to the last day among them.
    exclusions : tuple of Exclusion
        Animals taken out of the analysis, with the reason.
    """

    study: str
    last_day: float
    leavers: tuple[Leaver, ...]
    exclusions: tuple[Exclusion, ...]

    def counts(self) -> pd.DataFrame:
        """Number of animals by arm (rows) and reason (columns, the whole closed list).

        A column ``to_the_end`` counts the animals that were followed to the last day of the study
        and have no other reason, a column ``excluded`` those taken out of the analysis.
        """
        reasons = [*get_args(LeavingReason), "to_the_end", "excluded"]
        arms = dict.fromkeys(
            [leaver.arm for leaver in self.leavers] + [e.animal.arm for e in self.exclusions]
        )
        counts = {reason: dict.fromkeys(arms, 0) for reason in reasons}
        for leaver in self.leavers:
            stayed = leaver.reason == "unknown" and not leaver.before_end
            counts["to_the_end" if stayed else leaver.reason][leaver.arm] += 1
        for exclusion in self.exclusions:
            counts["excluded"][exclusion.animal.arm] += 1
        return pd.DataFrame(counts, index=pd.Index(list(arms), name="arm"))

    def to_dict(self) -> dict[str, object]:
        """The table as the ``--json`` contract has it."""
        return {
            "study": self.study,
            "last_day": self.last_day,
            "leavers": [
                {
                    "animal_id": leaver.animal_id,
                    "arm": leaver.arm,
                    "day": leaver.day,
                    "reason": leaver.reason,
                    "last_size": leaver.last_size,
                    "before_end": leaver.before_end,
                }
                for leaver in self.leavers
            ],
            "excluded": [
                {
                    "animal_id": exclusion.animal.animal_id,
                    "arm": exclusion.animal.arm,
                    "reason": exclusion.reason,
                    "n_rows": len(exclusion.measurements),
                }
                for exclusion in self.exclusions
            ],
        }


def find_leavers(study: Study) -> LeavingTable:
    """When and why each animal left.

    Parameters
    ----------
    study : Study
        The study.
    """
    read = _readings(study)
    last = _last_days(study, read)
    end = max(last.values())
    sizes = dict(zip(read["animal_id"], read["size"].astype(float), strict=True))
    place = {arm.name: index for index, arm in enumerate(study.arms)}
    leavers = [
        Leaver(
            animal_id=animal.animal_id,
            arm=animal.arm,
            day=last[animal.animal_id],
            reason=animal.end_reason,
            last_size=sizes.get(animal.animal_id),
            before_end=last[animal.animal_id] < end,
        )
        for animal in study.animals
    ]
    leavers.sort(key=lambda leaver: (place[leaver.arm], leaver.day, leaver.animal_id))
    return LeavingTable(
        study=study.study_id,
        last_day=end,
        leavers=tuple(leavers),
        exclusions=study.exclusions,
    )


def exclude_animals(study: Study, animal_ids: Iterable[str], reason: str) -> Study:
    """The study without some animals, which stay in its log with their rows and the reason.

    Parameters
    ----------
    study : Study
        Not changed.
    animal_ids : iterable of str
        Animals of the study.
    reason : str
        One line, shown wherever the study is.

    Returns
    -------
    Study
        With the animals moved from `animals` and `measurements` to `exclusions`.

    Raises
    ------
    InputError
        If there is no reason, an animal is not in the study, or none would be left.

    Examples
    --------
    >>> frame = pd.DataFrame({
    ...     "animal_id": ["a", "b"], "treatment": ["vehicle", "vehicle"],
    ...     "day": [0, 0], "volume_mm3": [100, 110],
    ... })
    >>> study = exclude_animals(Study.from_frame(frame), ["b"], "no tumor took")
    >>> [animal.animal_id for animal in study.animals], study.exclusions[0].reason
    (['a'], 'no tumor took')
    """
    line = " ".join(reason.split())
    where = f"study {study.study_id}"
    if not line:
        expected = "a reason for the exclusion"
        raise InputError(expected, found="none", where=where)
    wanted = set(animal_ids)
    strange = sorted(wanted - {animal.animal_id for animal in study.animals})
    if strange:
        expected = "animals of the study that are not excluded yet"
        raise InputError(expected, found=f"'{strange[0]}'", where=where)
    kept = tuple(animal for animal in study.animals if animal.animal_id not in wanted)
    if not kept:
        expected = "at least one animal that stays"
        raise InputError(expected, found=f"all {len(wanted)} excluded", where=where)
    table = study.measurements
    out = table["animal_id"].isin(wanted)
    log = tuple(
        Exclusion(
            animal=animal,
            reason=line,
            tables=study.tables.only({animal.animal_id}),
            table=table[table["animal_id"] == animal.animal_id],
        )
        for animal in study.animals
        if animal.animal_id in wanted
    )
    return replace(
        study,
        animals=kept,
        exclusions=study.exclusions + log,
        tables=study.tables.only({animal.animal_id for animal in kept}),
        table=table[~out],
    )


def restore_animals(study: Study) -> Study:
    """The study with all excluded animals back, behind the others, and an empty log.

    Parameters
    ----------
    study : Study
        Not changed.
    """
    if not study.exclusions:
        return study
    parts = [study.measurements, *(e.measurements for e in study.exclusions)]
    frames: dict[TableName, list[pd.DataFrame]] = {}
    for tables in (study.tables, *(e.tables for e in study.exclusions)):
        for name, frame in tables.frames():
            frames.setdefault(name, []).append(frame)
    return replace(
        study,
        animals=study.animals + tuple(e.animal for e in study.exclusions),
        exclusions=(),
        tables=StudyTables(
            **{name: pd.concat(found, ignore_index=True) for name, found in frames.items()}
        ),
        table=pd.concat(parts, ignore_index=True),
    )


def excluded_measurements(study: Study) -> pd.DataFrame:
    """Rows of everybody, the excluded ones with the reason in a column ``exclusion``.

    Returns
    -------
    DataFrame
        The measurements, then those of the excluded animals; ``exclusion`` is empty for animals
        that take part.
    """
    parts = [study.measurements.assign(exclusion="")]
    parts += [e.measurements.assign(exclusion=e.reason) for e in study.exclusions]
    return pd.concat(parts, ignore_index=True)


def _readings(study: Study) -> pd.DataFrame:
    """Rows with a reading, by animal and day; column ``size`` holds volume or area."""
    table = study.measurements
    size = table["area_mm2"] if study.area_only else table["volume_mm3"]
    table = table.assign(size=size)[size.notna()]
    return table.sort_values(["animal_id", "day"], kind="stable")


def _last_days(study: Study, read: pd.DataFrame) -> dict[str, float]:
    """Last day of follow-up by animal: the stated end, or the last reading where it is later."""
    seen = read.groupby("animal_id")["day"].max().to_dict()
    return {
        animal.animal_id: float(np.fmax(animal.end_day, seen.get(animal.animal_id, np.nan)))
        for animal in study.animals
    }
