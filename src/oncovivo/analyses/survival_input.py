"""Survival tables for an analysis: read, and the studies, lines and arms that are wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from oncovivo.analyses.study_input import StudyOptions
from oncovivo.analyses.survival_result import SurvivalOptions
from oncovivo.errors import DataError, InputError
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.table import read_survival_table

__all__ = ["choose_tables", "control_first", "read_table", "take_arms"]


def read_table(path: Path, options: SurvivalOptions) -> tuple[SurvivalData, ...]:
    """The studies of a survival table, once no option asks for growth.

    Raises
    ------
    InputError
        If an option belongs to growth data, or names a column or cause that the table lacks.
    FileFormatError
        If the table cannot be read; names row and column.
    """
    for name, value in (("event", options.event), ("event-time", options.event_time)):
        if value is not None:
            raise InputError(
                f"growth data for --{name}",
                found="a survival table, which has its own events",
                where=path.name,
                mend=f"leave --{name} out; --cause chooses a cause",
            )
    return read_survival_table(
        path,
        strata=options.strata,
        cluster=options.cluster,
        cause=options.cause,
        reasons=options.reasons or None,
        only=options.only,
    )


def choose_tables(
    tables: tuple[SurvivalData, ...], reading: StudyOptions
) -> tuple[SurvivalData, ...]:
    """The studies, lines and arms that the user wants of a survival table.

    Raises
    ------
    InputError
        If the table has no such study, line or arm; what it has is listed.
    """
    found = tuple(
        data
        for data in tables
        if (reading.study is None or data.study_id.split("/")[0] == reading.study)
        and (reading.line is None or data.line == reading.line)
    )
    if not found:
        listed = ", ".join(data.study_id for data in tables[:6])
        raise InputError(
            "a study of the table",
            found=f"study {reading.study!r}, line {reading.line!r}",
            mend=f"it holds: {listed}",
        )
    if not reading.arms:
        return found
    names = {arm for data in found for arm in data.arms}
    for arm in reading.arms:
        if arm not in names:
            raise InputError(
                "arms of the table: " + ", ".join(sorted(names)), found=repr(arm), where="--arms"
            )
    return tuple(
        take_arms(data, [place for place, arm in enumerate(data.arms) if arm in reading.arms])
        for data in found
    )


def control_first(data: SurvivalData, control: str) -> list[int]:
    """Places of the arms that have animals, the control first.

    Raises
    ------
    DataError
        If the control, or every other arm, has no animal with a known time.
    """
    counts = np.bincount(data.arm, minlength=len(data.arms))
    if control not in data.arms or counts[data.arms.index(control)] == 0:
        expected = "animals with a known time in the control arm"
        raise DataError(expected, found="none", where=f"study {data.study_id}, arm {control}")
    first = data.arms.index(control)
    others = [place for place in range(len(data.arms)) if place != first and counts[place]]
    if not others:
        expected = "animals with a known time in an arm beside the control"
        raise DataError(expected, found="none", where=f"study {data.study_id}")
    return [first, *others]


def take_arms(data: SurvivalData, places: list[int]) -> SurvivalData:
    """The data of some arms, in the order given."""
    kept = np.flatnonzero(np.isin(data.arm, places))
    new = {old: place for place, old in enumerate(places)}

    def labels(values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if values is None else tuple(values[i] for i in kept)

    return replace(
        data,
        arms=tuple(data.arms[place] for place in places),
        animal_ids=tuple(data.animal_ids[i] for i in kept),
        arm=np.array([new[place] for place in data.arm[kept].tolist()], dtype=np.int64),
        entry=data.entry[kept],
        time=data.time[kept],
        lower=data.lower[kept],
        upper=data.upper[kept],
        event=data.event[kept],
        cause=data.cause[kept],
        ended=labels(data.ended),
        strata=labels(data.strata),
        cluster=labels(data.cluster),
    )
