"""Checks of animals: who they are, when they were seen, and their curves as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Final

import numpy as np

from oncovivo.studies.check.entries import floor_of
from oncovivo.studies.check.labels import plain_label
from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import Curve, StudyRows

__all__ = [
    "animal_in_two_arms",
    "animal_without_reading",
    "constant_curve",
    "duplicate_animal_day",
    "duplicate_curves",
    "reading_after_end",
    "shared_runs",
    "single_reading",
    "time_goes_backwards",
]

# Equal readings in a row: callipers repeat a value by chance twice, seldom three times.
EQUAL_READINGS: Final = 4
# Two animals that share so many readings in a row, to so many digits, were not measured twice: in
# a thousand curves of 1 % resolution chance makes fewer than one such pair.
SHARED_READINGS: Final = 5
FEWEST_SHARED: Final = 4
DISTINCT_SHARED: Final = 3
SHARED_DIGITS: Final = 5
# When most animals' rows go back in time the file is simply not sorted by day.
SORTED_SHARE: Final = 0.5


@study_check(
    "error",
    mend="correct the label; if numbers restart in every arm, put the arm before the number",
)
def animal_in_two_arms(rows: StudyRows) -> Iterator[Hit]:
    """One animal is listed in two arms.

    Arms whose labels are variants of one another are left to ``treatment_label_variants``. The
    finding names the arm of most of the animal's rows, and holds the rows of the others.
    """
    for name, at in rows.rows_of.items():
        main = rows.arm_of[name]
        arms = sorted({str(arm) for arm in rows.arm[at] if arm})
        if len({plain_label(arm) for arm in arms}) > 1:
            listed = ", ".join(f"'{arm}'" for arm in arms)
            other = [int(index) for index in at if rows.arm[index] not in (main, "")]
            message = f"animal '{name}' is in {len(arms)} arms: {listed}"
            yield Hit(message=message, arm=main, animal_id=name, at=other)


@study_check(
    "error", mend="keep one row; for several tumors of an animal give each its own animal_id"
)
def duplicate_animal_day(rows: StudyRows) -> Iterator[Hit]:
    """One animal has two rows on one day."""
    for name, at in rows.rows_of.items():
        day = rows.day[at]
        repeated = [
            value for value in np.unique(day[np.isfinite(day)]) if (day == value).sum() > 1
        ]
        for value in repeated:
            chosen = at[day == value]
            sizes = {float(size) for size in rows.size[chosen] if np.isfinite(size)}
            same = "with the same size" if len(sizes) < 2 else "with different sizes"
            message = f"animal '{name}' has {chosen.size} rows on day {value:g}, {same}"
            arm = rows.arm_of[name] or None
            yield Hit(message=message, arm=arm, animal_id=name, at=chosen.tolist())


@study_check("warning", mend="look whether two animals share a label, or a day was mistyped")
def time_goes_backwards(rows: StudyRows) -> Iterator[Hit]:
    """The days of one animal go back, in the order of the file.

    This is the one check that reads the order of the rows: two animals under one label, one after
    the other, look so. Animals listed from the last day to the first pass, and so does a file in
    which most animals' rows are in no order of time.
    """
    back: list[Hit] = []
    for name, at in rows.rows_of.items():
        in_file = at[np.argsort(rows.position[at], kind="stable")]
        in_file = in_file[np.isfinite(rows.day[in_file])]
        step = np.diff(rows.day[in_file])
        if not (step < 0).any() or (step <= 0).all():
            continue
        place = int(np.flatnonzero(step < 0)[0])
        i, j = int(in_file[place]), int(in_file[place + 1])
        message = f"animal '{name}': day {rows.day[j]:g} stands below day {rows.day[i]:g}"
        arm = rows.arm_of[name] or None
        back.append(Hit(message=message, arm=arm, animal_id=name, at=(i, j)))
    if len(back) <= max(1, SORTED_SHARE * len(rows.names)):
        yield from back


@study_check("error", mend="correct the day of the end or that of the reading")
def reading_after_end(rows: StudyRows) -> Iterator[Hit]:
    """An animal is measured after its death or the end of its follow-up.

    The end is what ``animals.csv`` or a column ``end_day`` states.
    """
    for name, end in rows.end_day.items():
        at = rows.rows_of.get(name, np.empty(0, dtype=np.int64))
        seen = at[rows.is_read[at] | (rows.weight[at] > 0)]
        late = seen[rows.day[seen] > end]
        if late.size:
            reason = rows.end_reason.get(name)
            left = f"left on day {end:g}" + (f" ({reason})" if reason else "")
            message = f"animal '{name}' {left}, but was measured on day {rows.day[late[0]]:g}"
            arm = rows.arm_of[name] or None
            yield Hit(message=message, arm=arm, animal_id=name, at=late.tolist())


@study_check(
    "warning", mend="it takes part in no rate, no response and no delay; keep it and say so"
)
def single_reading(rows: StudyRows) -> Iterator[Hit]:
    """An animal has a single reading."""
    for curve in rows.each_curve():
        if curve.at.size == 1:
            message = f"animal '{curve.animal_id}' has one reading, on day {curve.day[0]:g}"
            yield _of(curve, message)


@study_check("warning", mend="give its readings, or exclude it with a reason")
def animal_without_reading(rows: StudyRows) -> Iterator[Hit]:
    """An animal has no reading at all."""
    for name, at in rows.rows_of.items():
        if name not in rows.curves:
            arm = rows.arm_of[name] or None
            message = f"animal '{name}' has no reading of its tumor"
            yield Hit(message=message, arm=arm, animal_id=name, at=at.tolist())


@study_check("warning", mend="look which of the animals the readings belong to")
def duplicate_curves(rows: StudyRows) -> Iterator[Hit]:
    """Two animals have the same readings.

    Five sizes above zero in a row (all, where an animal has four), three of them different, that
    agree to five digits; days may differ. A series that was copied to another animal looks so.
    """
    for (one, other), n in shared_runs({(name,): c for name, c in rows.curves.items()}).items():
        curves = (rows.curves[one[0]], rows.curves[other[0]])
        yield Hit(
            message=f"animals '{one[0]}' and '{other[0]}' have the same {n} readings",
            arm=curves[0].arm if curves[0].arm == curves[1].arm else None,
            animal_id=one[0],
            at=[int(index) for curve in curves for index in curve.at],
        )


def shared_runs(
    curves: Mapping[tuple[str, ...], Curve],
) -> dict[tuple[tuple[str, ...], tuple[str, ...]], int]:
    """Pairs of curves that share readings in a row, and how many; keys in sorted order."""
    holders: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for key, curve in curves.items():
        sizes = [f"{size:.{SHARED_DIGITS}g}" for size in curve.size if size > 0]
        if len(sizes) < FEWEST_SHARED:
            continue
        length = min(SHARED_READINGS, len(sizes))
        for start in range(len(sizes) - length + 1):
            run = tuple(sizes[start : start + length])
            if len(set(run)) >= DISTINCT_SHARED:
                holders.setdefault(run, set()).add(key)
    pairs: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for run, keys in holders.items():
        for pair in combinations(sorted(keys), 2):
            pairs[pair] = pairs.get(pair, len(run) - 1) + 1
    return {pair: pairs[pair] for pair in sorted(pairs)}


@study_check(
    "warning", mend="leave days without a measurement blank; do not carry readings forward"
)
def constant_curve(rows: StudyRows) -> Iterator[Hit]:
    """An animal has the same size on four or more visits in a row.

    Sizes above zero. Readings carried forward after an animal left look so, and bias every mean;
    a stable tumor varies with the callipers. The size that ``floor_value`` names passes.
    """
    floor = floor_of(rows)
    for curve in rows.each_curve():
        equal = np.concatenate(([0], (np.diff(curve.size) == 0) & (curve.size[1:] > 0), [0]))
        edges = np.flatnonzero(np.diff(equal))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if stop - start + 1 >= EQUAL_READINGS and curve.size[start] != floor:
                at = curve.at[start : stop + 1]
                days = f"days {curve.day[start]:g} to {curve.day[stop]:g}"
                message = f"animal '{curve.animal_id}' has {curve.size[start]:g} {rows.unit} on "
                yield Hit(
                    message=message + f"{at.size} visits in a row, {days}",
                    arm=curve.arm or None,
                    animal_id=curve.animal_id,
                    at=at.tolist(),
                )


def _of(curve: Curve, message: str) -> Hit:
    """A hit about all readings of an animal."""
    return Hit(
        message=message, arm=curve.arm or None, animal_id=curve.animal_id, at=curve.at.tolist()
    )
