"""Two arms of a panel as one study, whose animals are of different xenograft lines.

Such a study serves a population model: animals of an arm differ as lines do. Animals of one line
in both arms are not tied to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from oncovivo.errors import DataError, InputError
from oncovivo.studies import Animal, Arm, Study, XenograftLine
from oncovivo.tables import MEASUREMENT_COLUMNS

if TYPE_CHECKING:
    from oncovivo.endpoints.curves import BoolArray, IntArray
    from oncovivo.panels.panel import Panel

__all__ = ["panel_study"]

# Columns that a panel does not keep.
_NOT_KEPT: Final[tuple[str, ...]] = (
    "length_mm",
    "width_mm",
    "depth_mm",
    "area_mm2",
    "body_weight_g",
)


def panel_study(panel: Panel, *, treatment: str, control: str, both: bool = True) -> Study:
    """The animals of two treatments of a panel, of all its lines, as a study of two arms.

    Each animal keeps the baseline day of its line. It keeps its name where no other of the study
    has it; else all are called study/line/animal.

    Parameters
    ----------
    panel : Panel
        From :func:`oncovivo.panels.read_panel`.
    treatment, control : str
        Two treatments of the panel; the control becomes the first arm.
    both : bool
        Whether only lines that have animals in both arms are taken.

    Raises
    ------
    InputError
        If the two are one, or the panel has no such treatment.
    DataError
        If no line has animals in both arms where that is asked for, or nothing was read.

    Examples
    --------
    >>> import pandas as pd
    >>> from oncovivo.panels import Panel
    >>> frame = pd.DataFrame(
    ...     {
    ...         "model": ["L1", "L1", "L1", "L1", "L2", "L2"],
    ...         "animal_id": ["a", "a", "b", "b", "c", "c"],
    ...         "treatment": ["none", "none", "drug", "drug", "none", "none"],
    ...         "day": [0, 12] * 3,
    ...         "volume_mm3": [200, 900, 210, 400, 190, 800],
    ...     }
    ... )
    >>> study = panel_study(Panel.from_frame(frame), treatment="drug", control="none")
    >>> [(animal.animal_id, animal.arm) for animal in study.animals]
    [('a', 'none'), ('b', 'drug')]
    >>> study.notes
    ('animals of 1 line; 1 line without animals in both arms was left out',)
    """
    arms = (control, treatment)
    _check_arms(panel, arms)
    line, n_lines = panel.line()
    of_arm = np.array([panel.labels["treatment"] == name for name in arms], dtype=bool)
    has = np.array([np.bincount(line[one], minlength=n_lines) > 0 for one in of_arm])
    wanted = np.asarray(has.all(axis=0) if both else has.any(axis=0))
    if not wanted.any():
        raise DataError(f"a line with animals under both {control} and {treatment}", where="panel")
    keep = of_arm.any(axis=0) & wanted[line]
    place = np.flatnonzero(keep)
    names = _names(panel, place)
    table = _table(panel, keep, names)
    if not (table["volume_state"] != "not_measured").any():
        raise DataError("a reading under one of the two treatments", where="panel")
    last = table.groupby("animal_id")["day"].max()
    baseline, _ = panel.baseline_days()
    left = int((has.any(axis=0) & ~wanted).sum())
    kinds = sorted(set(panel.labels["tumor_type"][keep]) - {""})
    studies = sorted(set(panel.labels["study"][keep]) - {""})
    return Study(
        study_id=f"{'+'.join(studies) or 'panel'}/{treatment}",
        title=f"{treatment} against {control} in {_lines(int(wanted.sum()))}",
        simulated=panel.simulated,
        line=XenograftLine(
            name=_lines(int(wanted.sum())), tumor_type=kinds[0] if len(kinds) == 1 else None
        ),
        arms=tuple(Arm(name=name) for name in arms),
        animals=tuple(
            Animal(
                animal_id=name,
                arm=str(panel.labels["treatment"][number]),
                baseline_day=None if np.isnan(baseline[number]) else float(baseline[number]),
                end_day=float(last[name]),
                end_reason=panel.end_reason[number],
            )
            for name, number in zip(names, place, strict=True)
        ),
        notes=(_note(int(wanted.sum()), left),),
        table=table,
    )


def _check_arms(panel: Panel, arms: tuple[str, str]) -> None:
    """Two treatments that the panel has."""
    if arms[0] == arms[1]:
        raise InputError("two different treatments", found=repr(arms[0]), where="panel")
    known = sorted(set(panel.labels["treatment"]))
    for name in arms:
        if name not in known:
            listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
            raise InputError(f"a treatment of the panel: {listed}", found=repr(name))


def _names(panel: Panel, place: IntArray) -> list[str]:
    """A name for each animal, unique in the study."""
    own = [str(panel.labels["animal_id"][number]) for number in place]
    if len(set(own)) == len(own):
        return own
    return [
        "/".join(
            str(panel.labels[label][number])
            for label in ("study", "model", "animal_id")
            if panel.labels[label][number]
        )
        for number in place
    ]


def _table(panel: Panel, keep: BoolArray, names: list[str]) -> pd.DataFrame:
    """Measurements of the animals kept."""
    number = np.cumsum(keep) - 1
    rows = keep[panel.animal]
    volume = panel.volume[rows]
    state = np.full(volume.size, "measured", dtype=object)
    state[np.isnan(volume)] = "not_measured"
    state[panel.below[rows]] = "below_limit"
    state[volume == 0] = "gone"
    who = np.array(names, dtype=object)[number[panel.animal[rows]]]
    columns: dict[str, object] = {
        "animal_id": who,
        "day": panel.day[rows],
        "volume_mm3": volume,
        "volume_state": state,
    }
    columns.update(dict.fromkeys(_NOT_KEPT, np.nan))
    return pd.DataFrame(columns)[list(MEASUREMENT_COLUMNS)]


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _note(taken: int, left: int) -> str:
    """How many lines there are and how many were left out."""
    words = f"animals of {_lines(taken)}"
    if not left:
        return words
    verb = "was" if left == 1 else "were"
    return f"{words}; {_lines(left)} without animals in both arms {verb} left out"
