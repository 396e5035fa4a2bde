"""Choosing among studies, and applying what the user said about zeros and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, InputError
from oncovivo.studies.assembly import COUNTS_AS_GONE
from oncovivo.studies.padding import Zeros, find_padding_zeros, find_trailing_zeros
from oncovivo.studies.study import Animal, Study
from oncovivo.tables import CHANGE_COLUMNS, ChangeReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LARGEST_DEFAULT_LIMIT",
    "BelowLimit",
    "VolumeLimit",
    "find_limit",
    "keep_arms",
    "omit_below_limit",
    "resolve_zeros",
    "select_studies",
]

BelowLimit: TypeAlias = Literal["censored", "omitted"]
LimitRule: TypeAlias = Literal[
    "option", "study file", "smallest positive volume", "largest default"
]

LARGEST_DEFAULT_LIMIT: Final = 14.0
"""Limit of measurement, mm³, that is never exceeded without being told: a sphere of 3 mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLimit:
    """The smallest volume that can be measured, and who said so.

    Parameters
    ----------
    value : float
        In mm³.
    rule : LimitRule
        ``option``, ``study file``, ``smallest positive volume``, or ``largest default`` where that
        would be above 14 mm³.
    """

    value: float
    rule: LimitRule

    def __str__(self) -> str:
        """A line for a table's heading."""
        return f"{self.value:g} mm³ ({self.rule})"


def select_studies(
    studies: Sequence[Study], *, study: str | None = None, line: str | None = None
) -> tuple[Study, ...]:
    """Studies with a name, of a line.

    Parameters
    ----------
    studies : sequence of Study
        As read.
    study : str, optional
        Its id, or its label in a file where each of its lines is one study.
    line : str, optional
        Name of the line.

    Raises
    ------
    InputError
        If there is none; lists what there is.
    """
    chosen = tuple(
        s
        for s in studies
        if (study is None or study in (s.study_id, s.study_id.removesuffix(f"/{s.line.name}")))
        and (line is None or s.line.name == line)
    )
    if not chosen:
        wanted = [f"study '{study}'"] if study is not None else []
        wanted += [f"line '{line}'"] if line is not None else []
        shown = ", ".join(f"{s.study_id} (line {s.line.name})" for s in studies[:6])
        more = f" and {len(studies) - 6} more" if len(studies) > 6 else ""
        expected = "a study of the file"
        raise InputError(expected, found=", ".join(wanted), mend=f"it holds {shown}{more}")
    return chosen


def keep_arms(studies: Sequence[Study], arms: Sequence[str]) -> tuple[Study, ...]:
    """Studies with the arms named only; a study that has none of them is left out.

    Parameters
    ----------
    studies : sequence of Study
        As read.
    arms : sequence of str
        Names of arms; all are kept when empty.

    Raises
    ------
    InputError
        If an arm is in no study.
    """
    if not arms:
        return tuple(studies)
    known = dict.fromkeys(arm.name for study in studies for arm in study.arms)
    for name in arms:
        if name not in known:
            shown = ", ".join(list(known)[:12]) + (" …" if len(known) > 12 else "")
            expected = f"an arm of the file: {shown}"
            raise InputError(expected, found=f"'{name}'")
    return tuple(
        _with_arms(study, set(arms))
        for study in studies
        if any(arm.name in arms for arm in study.arms)
    )


def resolve_zeros(study: Study, zeros: Zeros | None = None) -> Study:
    """The study once zeros at the end of a series are known to be gone or missing.

    ``missing`` makes every zero between an animal's last reading above zero and its last row a
    reading that was not taken, logs each in ``changes``, and ends the animal's follow-up at its
    last reading.

    Parameters
    ----------
    study : Study
        As read.
    zeros : {"gone", "missing"}, optional
        What the user said; else what the study file says.

    Raises
    ------
    DataError
        If zeros look like padding and nobody said what they are.
    """
    said = zeros or study.zeros
    if said is None:
        found = find_padding_zeros(study)
        if found is None:
            return study
        raise DataError(
            "readings of 0 that are known to be vanished tumors or missing readings",
            found=f"{len(found.rows)} zeros at the end of {len(found.animals)} animals' series "
            f"that fill a common grid of days (padding_zeros)",
            where=f"study {study.study_id}",
            mend="say which they are: --zeros gone or --zeros missing",
        )
    if said == "gone":
        return replace(study, zeros="gone", table=study.measurements)
    trailing = find_trailing_zeros(study)
    table = study.measurements
    places = trailing.index.to_numpy()
    size = "area_mm2" if study.area_only else "volume_mm3"
    changes = _changes(table, places, size, "0", "zero_read_as_missing")
    table.loc[places, "volume_mm3"] = np.nan
    table.loc[places, "volume_state"] = "not_measured"
    if study.area_only:
        table.loc[places, "area_mm2"] = np.nan
    return replace(
        study,
        zeros="missing",
        table=table,
        animals=_followed_to_last_reading(study, table, set(trailing["animal_id"])),
        tables=study.tables.with_changes(changes),
        notes=_notes_on_zeros(study, table, n_missing=len(places)),
    )


def _notes_on_zeros(study: Study, table: pd.DataFrame, *, n_missing: int) -> tuple[str, ...]:
    """The study's notes once zeros were read as missing: only the others count as gone."""
    if not n_missing:
        return study.notes
    notes = [note for note in study.notes if COUNTS_AS_GONE not in note]
    gone = int((table["volume_state"] == "gone").sum())
    if gone:
        notes.append(f"{gone} of {len(table)} rows {COUNTS_AS_GONE}.")
    zeros = "zero" if n_missing == 1 else "zeros"
    were = "was" if n_missing == 1 else "were"
    notes.append(f"{n_missing} {zeros} at the end of animals' series {were} read as missing.")
    return tuple(notes)


def omit_below_limit(study: Study) -> Study:
    """The study without readings that are gone or below the limit; each is logged.

    They are the animals that responded best: this is for a sensitivity analysis.
    """
    table = study.measurements
    places = np.flatnonzero(table["volume_state"].isin(["gone", "below_limit"]).to_numpy())
    if not places.size:
        return study
    states = table["volume_state"].to_numpy()[places]
    volumes = table["volume_mm3"].to_numpy()[places]
    found = [
        "0" if state == "gone" else f"<{volume:g}"
        for state, volume in zip(states, volumes, strict=True)
    ]
    changes = _changes(table, places, "volume_mm3", found, "below_limit_omitted")
    table.loc[places, "volume_mm3"] = np.nan
    table.loc[places, "volume_state"] = "not_measured"
    note = f"{places.size} readings that are gone or below the limit were left out (omitted)."
    return replace(
        study,
        table=table,
        tables=study.tables.with_changes(changes),
        notes=(*study.notes, note),
    )


def find_limit(study: Study, limit_mm3: float | None = None) -> VolumeLimit | None:
    """The volume at which ``gone`` and ``below_limit`` are left-censored.

    The option, else the study file's, else the smallest positive volume of the study, at most
    14 mm³; the last two are to be shown as a warning.

    Parameters
    ----------
    study : Study
        As read.
    limit_mm3 : float, optional
        What the user said.

    Returns
    -------
    VolumeLimit or None
        None where the study has no volume above zero and nobody stated a limit.

    Raises
    ------
    InputError
        If the limit is not a positive number.
    """
    if limit_mm3 is not None:
        if not (np.isfinite(limit_mm3) and limit_mm3 > 0):
            expected = "a positive limit in mm³"
            raise InputError(expected, found=repr(limit_mm3))
        return VolumeLimit(value=float(limit_mm3), rule="option")
    if study.limit_mm3 is not None:
        return VolumeLimit(value=study.limit_mm3, rule="study file")
    volumes = study.measurements["volume_mm3"]
    smallest = volumes[volumes > 0].min()
    if np.isnan(smallest):
        return None
    if smallest <= LARGEST_DEFAULT_LIMIT:
        return VolumeLimit(value=float(smallest), rule="smallest positive volume")
    return VolumeLimit(value=LARGEST_DEFAULT_LIMIT, rule="largest default")


def _with_arms(study: Study, arms: set[str]) -> Study:
    """The study with some of its arms."""
    animals = tuple(animal for animal in study.animals if animal.arm in arms)
    ids = {animal.animal_id for animal in animals}
    table = study.measurements
    return replace(
        study,
        arms=tuple(arm for arm in study.arms if arm.name in arms),
        animals=animals,
        tables=study.tables.only(ids),
        table=table[table["animal_id"].isin(ids)],
    )


def _changes(
    table: pd.DataFrame,
    places: NDArray[np.int64],
    column: str,
    found: str | list[str],
    reason: ChangeReason,
) -> pd.DataFrame:
    """Rows of the log for readings that are not measured any more."""
    rows = table.iloc[places]
    columns: Mapping[str, object] = {
        "animal_id": rows["animal_id"].to_numpy(),
        "day": rows["day"].to_numpy(),
        "column": column,
        "found": found,
        "made": "not measured",
        "reason": reason,
    }
    return pd.DataFrame(columns, columns=list(CHANGE_COLUMNS), index=range(len(rows)))


def _followed_to_last_reading(
    study: Study, table: pd.DataFrame, changed: set[str]
) -> tuple[Animal, ...]:
    """Animals whose follow-up ends at their last reading where zeros were taken away."""
    size = "area_mm2" if study.area_only else "volume_mm3"
    read = table[table[size].notna() | table["body_weight_g"].notna()]
    last = read.groupby("animal_id")["day"].max().to_dict()
    return tuple(
        replace(animal, end_day=float(last.get(animal.animal_id, animal.end_day)))
        if animal.animal_id in changed
        else animal
        for animal in study.animals
    )
