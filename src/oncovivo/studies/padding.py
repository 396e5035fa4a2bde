"""Zeros that may be missing readings: a table padded to a common grid of days.

Some sources store every animal on one grid of days and write 0 after its last measurement. Such a
zero cannot be told from a vanished tumor by its value, so nothing is guessed here: what looks like
padding is found, and the user says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from oncovivo.studies.study import Study

__all__ = ["PaddingZeros", "Zeros", "find_padding_zeros", "find_trailing_zeros"]

Zeros: TypeAlias = Literal["gone", "missing"]

# Several arms that end in zeros are padding even where their tumors had shrunk before.
_SEVERAL_ARMS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddingZeros:
    """Zeros at the end of animals' series that look like padding.

    Parameters
    ----------
    study_id : str
        The study.
    rows : tuple of (str, float)
        Animal and day of each zero, in the order of the measurements.
    arms : tuple of str
        Arms that hold them, in the order of the study.
    n_sudden : int
        Animals whose last reading before the zeros is no smaller than their first one.
    """

    study_id: str
    rows: tuple[tuple[str, float], ...]
    arms: tuple[str, ...]
    n_sudden: int

    @property
    def animals(self) -> tuple[str, ...]:
        """Animals that hold such zeros, each once."""
        return tuple(dict.fromkeys(animal for animal, _ in self.rows))


def find_trailing_zeros(study: Study) -> pd.DataFrame:
    """Zeros between an animal's last reading above zero and its last row.

    Parameters
    ----------
    study : Study
        Volumes, or areas where it has no volumes.

    Returns
    -------
    DataFrame
        Columns ``animal_id``, ``day`` and ``sudden``: whether the last reading before the zeros is
        no smaller than the animal's first one above zero. An animal that was never above zero has
        no such rows.
    """
    table = study.measurements.sort_values(["animal_id", "day"], kind="stable")
    size = table["area_mm2"] if study.area_only else table["volume_mm3"]
    animal = table["animal_id"]
    positive = size.where(size > 0)
    # A blank between zeros is part of the run; a positive reading ends it.
    after = positive.groupby(animal).bfill().isna()
    last = positive.groupby(animal).ffill()
    first = positive.groupby(animal).transform("first")
    trailing = (size == 0) & after & last.notna()
    rows = table.loc[trailing, ["animal_id", "day"]]
    rows["sudden"] = (last >= first)[trailing]
    return rows.sort_index()


def find_padding_zeros(study: Study) -> PaddingZeros | None:
    """Zeros that look like padding, None where there are none.

    A trailing zero looks like padding when all animals of its arm have rows on the same days, so
    that nobody ever left (an arm of one animal is compared with the whole study), and either such
    zeros stand in two or more arms, or a tumor that had not shrunk is gone from one visit to the
    next.

    Parameters
    ----------
    study : Study
        Volumes, or areas where it has no volumes.

    Examples
    --------
    >>> import pandas as pd
    >>> from oncovivo.studies import Study
    >>> study = Study.from_frame(
    ...     pd.DataFrame(
    ...         {
    ...             "animal_id": ["a", "a", "a", "b", "b", "b"],
    ...             "treatment": ["vehicle"] * 3 + ["drug"] * 3,
    ...             "day": [0, 7, 14] * 2,
    ...             "volume_mm3": [100, 1200, 0, 110, 400, 900],
    ...         }
    ...     )
    ... )
    >>> find_padding_zeros(study).rows
    (('a', 14.0),)
    """
    trailing = find_trailing_zeros(study)
    if trailing.empty:
        return None
    arm_of = {animal.animal_id: animal.arm for animal in study.animals}
    on_grid = _arms_on_a_grid(study, arm_of)
    arm = trailing["animal_id"].map(arm_of)
    padded = trailing[arm.isin(on_grid)]
    arms = set(arm[padded.index])
    if padded.empty or (len(arms) < _SEVERAL_ARMS and not padded["sudden"].any()):
        return None
    sudden = padded.loc[padded["sudden"], "animal_id"].nunique()
    return PaddingZeros(
        study_id=study.study_id,
        rows=tuple(zip(padded["animal_id"], padded["day"].astype(float), strict=True)),
        arms=tuple(a.name for a in study.arms if a.name in arms),
        n_sudden=int(sudden),
    )


def _arms_on_a_grid(study: Study, arm_of: dict[str, str]) -> set[str]:
    """Arms whose animals all have rows on the same days."""
    table = study.measurements
    days = {
        str(animal): tuple(np.sort(rows.to_numpy()))
        for animal, rows in table.groupby("animal_id", sort=False)["day"]
    }
    grids: dict[str, set[tuple[float, ...]]] = {}
    counts: dict[str, int] = {}
    for animal, grid in days.items():
        arm = arm_of[animal]
        grids.setdefault(arm, set()).add(grid)
        counts[arm] = counts.get(arm, 0) + 1
    whole_study = len(days) > 1 and len(set(days.values())) == 1
    return {arm for arm in grids if len(grids[arm]) == 1 and (counts[arm] > 1 or whole_study)}
