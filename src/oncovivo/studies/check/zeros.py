"""Checks of zeros: cures, tumors not yet there, and padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import StudyRows
from oncovivo.studies.check.wording import counted

__all__ = ["padding_zeros", "sudden_zero", "true_zeros", "zeros_before_tumor"]

# A tumor of 8 × 7 mm or more does not vanish between visits; one of 5 × 5 mm may.
VANISHES_BELOW_MM3: Final = 200.0


@study_check(
    "error",
    mend="say what they are with --zeros gone or --zeros missing; analyses stop until then",
)
def padding_zeros(rows: StudyRows) -> Iterator[Hit]:
    """Zeros fill the rows from an animal's last reading to the end of a common grid of days.

    Such a zero cannot be told from a complete response by its value. Silent once ``--zeros`` says
    what they are.
    """
    padding = rows.padding if rows.zeros is None else frozenset()
    if not padding:
        return
    at = [
        int(index)
        for index in np.flatnonzero(rows.state == "gone")
        if (str(rows.animal[index]), float(rows.day[index])) in padding
    ]
    animals = {name for name, _ in padding}
    arms = sorted({rows.arm_of[name] for name in animals})
    message = f"{counted(len(padding), 'zero')} of {counted(len(animals), 'animal')} in "
    message += f"{counted(len(arms), 'arm')} fill the rows "
    message += "after the last reading: no tumor, or no animal?"
    yield Hit(message=message, arm=arms[0] if len(arms) == 1 else None, at=at)


@study_check(
    "warning",
    mend="0 means that no tumor was found; leave the cell blank when nothing was measured",
)
def sudden_zero(rows: StudyRows) -> Iterator[Hit]:
    """A tumor of 200 mm³ or more is gone on the next visit.

    A zero that stands for "not measured" looks so. Zeros that ``padding_zeros`` names are left to
    it.
    """
    padding = rows.padding
    first, second = rows.pairs
    falls = (rows.bulk[first] >= VANISHES_BELOW_MM3) & (rows.state[second] == "gone")
    for place in np.flatnonzero(falls):
        i, j = int(first[place]), int(second[place])
        if (str(rows.animal[j]), float(rows.day[j])) in padding:
            continue
        message = f"animal '{rows.animal[j]}' has {rows.size[i]:g} {rows.unit} on day "
        yield Hit(
            message=message + f"{rows.day[i]:g} and 0 on day {rows.day[j]:g}",
            arm=str(rows.arm[j]) or None,
            animal_id=str(rows.animal[j]),
            at=(i, j),
        )


@study_check(
    "info", mend="state limit_mm3: vanished tumors are left-censored there, never dropped"
)
def true_zeros(rows: StudyRows) -> Iterator[Hit]:
    """Tumors are gone: cures, some with regrowth.

    Zeros after a reading above zero that do not look like padding; a finding for each arm, with
    the number of animals that stay free of tumor and of those in which it grows back.
    """
    padding = rows.padding if rows.zeros is None else frozenset()
    for arm in rows.arms:
        at: list[int] = []
        stay = back = 0
        for curve in rows.curves_in(arm):
            positive = np.flatnonzero(curve.size > 0)
            if not positive.size:
                continue
            gone = np.flatnonzero(curve.size == 0)
            gone = gone[gone > positive[0]]
            kept = [
                int(curve.at[place])
                for place in gone
                if (curve.animal_id, float(curve.day[place])) not in padding
            ]
            at += kept
            if kept and positive[-1] > gone[0]:
                back += 1
            elif kept:
                stay += 1
        if at:
            message = f"arm '{arm}': {counted(len(at), 'zero')}; the tumor is gone to the end in "
            message += f"{counted(stay, 'animal')} and grows back in {back}"
            yield Hit(message=message, arm=arm, at=at)


@study_check("info", mend="nothing, when zero means that no tumor was there yet")
def zeros_before_tumor(rows: StudyRows) -> Iterator[Hit]:
    """Zeros stand before an animal's first tumor, or the animal never has one.

    In a study of tumor incidence zero means "no tumor yet"; rates and relative volumes begin with
    the first reading above zero.
    """
    at: list[int] = []
    never = appear = 0
    for curve in rows.each_curve():
        positive = np.flatnonzero(curve.size > 0)
        early = curve.at[: positive[0]] if positive.size else curve.at[curve.size == 0]
        if early.size:
            at += early.tolist()
            never += not positive.size
            appear += bool(positive.size)
    if at:
        message = f"{counted(len(at), 'zero')} before a tumor: it appears later in "
        yield Hit(message=message + f"{counted(appear, 'animal')}, never in {never}", at=at)
