"""Checks of arms: their size, control, cages, days and how long they are followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import StudyRows
from oncovivo.studies.check.wording import short

__all__ = [
    "arm_stops_at_once",
    "cage_is_arm",
    "few_animals",
    "fewer_than_half_remain",
    "irregular_visits",
    "leaves_at_large_volume",
    "leaves_without_reason",
    "no_common_day",
    "no_control_arm",
    "one_animal_per_arm",
    "small_arm",
    "staggered_days",
    "uneven_follow_up",
]

# Below three animals an arm has no spread worth the name; below five only Fieller and log-delta
# intervals keep their level.
FEWEST_ANIMALS: Final = 3
FEW_ANIMALS: Final = 5
# An arm followed for less than this share of the longest follow-up compares early with late.
SHORT_FOLLOW_UP: Final = 0.8
REMAINING_SHARE: Final = 0.5
# Of the animals that leave early, this share at their largest volume means: cut by size.
AT_LARGEST_SHARE: Final = 0.8
FEWEST_LEAVERS: Final = 3
# More names than this do not fit a line.
MOST_NAMED: Final = 3
# On so many days less than half of the animals are measured: the days are the animals' own.
COMMON_DAY_SHARE: Final = 0.5
OWN_DAYS_SHARE: Final = 1 / 3
# Twice a week means gaps of 3 and 4 days, three times 2 and 3; beyond 1 to 3 means are weighted
# by the calendar.
GAPS_APART: Final = 3.0
# One gap out of many that is so much longer than another leaves the percentiles alone.
EXTREMES_APART: Final = 4.0
FEWEST_GAPS: Final = 4


@study_check(
    "warning", mend="name the control with --control, or give arms their role in study.toml"
)
def no_control_arm(rows: StudyRows) -> Iterator[Hit]:
    """No arm can be told to be the control.

    A control is the arm named with ``--control``, else one whose role is vehicle or untreated,
    else one whose label says control, vehicle, untreated, PBS, isotype and the like and nothing
    else, or differs from other labels by doses of zero.
    """
    if rows.controls or not rows.arms:
        return
    shown = ", ".join(f"'{arm}'" for arm in rows.arms[:8]) + (" …" if len(rows.arms) > 8 else "")
    named = f"'{rows.control}' is not among" if rows.control else "none looks like a control of"
    yield Hit(message=f"{named} the {len(rows.arms)} arms {shown}")


@study_check("warning", mend="show its animals one by one; no interval or test can rest on them")
def small_arm(rows: StudyRows) -> Iterator[Hit]:
    """An arm has fewer than three animals.

    The design of one animal per arm is ``one_animal_per_arm`` instead.
    """
    if not rows.is_panel:
        for arm, names in rows.animals_in.items():
            if len(names) < FEWEST_ANIMALS:
                message = f"arm '{arm}' has {len(names)} animal{'s' if len(names) > 1 else ''}"
                yield Hit(message=message, arm=arm)


@study_check(
    "info", mend="intervals come from Fieller or the log-delta method; report every animal"
)
def few_animals(rows: StudyRows) -> Iterator[Hit]:
    """Arms have three or four animals, too few for bootstrap intervals."""
    few = {
        arm: len(names)
        for arm, names in rows.animals_in.items()
        if FEWEST_ANIMALS <= len(names) < FEW_ANIMALS
    }
    if few:
        listed = ", ".join(f"'{arm}' ({n})" for arm, n in few.items())
        yield Hit(message=f"fewer than {FEW_ANIMALS} animals in {listed}")


@study_check(
    "info", mend="read it with `oncovivo panel`; arms of one line cannot be compared by test"
)
def one_animal_per_arm(rows: StudyRows) -> Iterator[Hit]:
    """Most arms hold a single animal: the design of a panel of lines."""
    if rows.is_panel:
        n = sum(len(names) == 1 for names in rows.animals_in.values())
        yield Hit(message=f"{n} of {len(rows.arms)} arms have one animal")


@study_check(
    "warning", mend="the cage is the experimental unit: analyze cage means, or a model with cages"
)
def cage_is_arm(rows: StudyRows) -> Iterator[Hit]:
    """All animals of a cage got the same treatment, so that cage and arm cannot be told apart.

    Needs cages in the file, two arms and a cage with two animals; silent as soon as one cage holds
    animals of two arms.
    """
    arms: dict[str, set[str]] = {}
    animals: dict[str, set[str]] = {}
    for name, at in rows.rows_of.items():
        for cage in {str(c) for c in rows.cage[at] if c}:
            arms.setdefault(cage, set()).add(rows.arm_of[name])
            animals.setdefault(cage, set()).add(name)
    one_each = all(len(found) == 1 for found in arms.values())
    shared = any(len(names) > 1 for names in animals.values())
    n_arms = len({arm for found in arms.values() for arm in found})
    if one_each and shared and n_arms > 1:
        message = f"each of {len(arms)} cages lies inside one arm; {n_arms} arms"
        yield Hit(message=message)


@study_check("warning", mend="compare rates or curves instead of volumes on a day")
def no_common_day(rows: StudyRows) -> Iterator[Hit]:
    """An arm shares no day with the control after baseline.

    Without a control: no day on which all arms have a reading. The design of one animal per arm
    passes.
    """
    if rows.is_panel or len(rows.arms) < 2:
        return
    start = -np.inf if rows.baseline_day is None else rows.baseline_day
    days = {
        arm: {float(day) for curve in rows.curves_in(arm) for day in curve.day if day > start}
        for arm in rows.arms
    }
    if rows.controls:
        control = set().union(*(days[arm] for arm in rows.controls))
        for arm in rows.arms:
            if arm not in rows.controls and days[arm] and control and not days[arm] & control:
                message = f"arm '{arm}' shares no day with the control '{rows.controls[0]}'"
                yield Hit(message=message, arm=arm)
    elif all(days.values()) and not set.intersection(*days.values()):
        yield Hit(message=f"there is no day on which all {len(rows.arms)} arms have a reading")


@study_check("info", mend="use what does not need common days: rates, AUC, time to an event")
def staggered_days(rows: StudyRows) -> Iterator[Hit]:
    """The animals are measured on days of their own.

    On a third of the days or more, fewer than half of the animals then in follow-up are measured.
    """
    curves = tuple(rows.each_curve())
    if rows.is_panel or len(curves) < 2:
        return
    days, measured = np.unique(np.concatenate([curve.day for curve in curves]), return_counts=True)
    first = np.sort([curve.day[0] for curve in curves])
    last = np.sort([curve.day[-1] for curve in curves])
    followed = np.searchsorted(first, days, "right") - np.searchsorted(last, days, "left")
    share = measured / followed
    if days.size > 2 and (share < COMMON_DAY_SHARE).mean() >= OWN_DAYS_SHARE:
        message = (
            f"on {int((share < COMMON_DAY_SHARE).sum())} of {days.size} days fewer than half "
        )
        yield Hit(message=message + "of the animals in follow-up are measured")


@study_check("info", mend="weight by time where visits are averaged; state the days")
def irregular_visits(rows: StudyRows) -> Iterator[Hit]:
    """The gaps between visits differ by a factor of three or more.

    The 10th and the 90th percentile of all gaps between an animal's readings; or the shortest and
    the longest gap of the typical animal, by a factor of four. A best average response is a mean
    over visits, so that a dense stretch weighs more.
    """
    first, second = rows.pairs
    gaps = rows.day[second] - rows.day[first]
    if gaps.size < 5:
        return
    low, high = np.quantile(gaps, (0.1, 0.9), method="nearest")
    if high < GAPS_APART * low:
        own = [np.diff(curve.day) for curve in rows.each_curve() if curve.day.size > FEWEST_GAPS]
        if not own:
            return
        low = np.median([gap.min() for gap in own])
        high = np.median([gap.max() for gap in own])
        if high < EXTREMES_APART * low:
            return
    yield Hit(message=f"visits lie {low:g} to {high:g} days apart")


def _last_days(rows: StudyRows) -> dict[str, dict[str, float]]:
    """Last day of follow-up of each animal with readings, by arm."""
    return {
        arm: {
            curve.animal_id: max(float(curve.day[-1]), rows.end_day.get(curve.animal_id, -np.inf))
            for curve in rows.curves_in(arm)
        }
        for arm in rows.arms
    }


@study_check(
    "warning",
    mend="choose a day when all arms are still there, or a likelihood that uses all readings",
)
def uneven_follow_up(rows: StudyRows) -> Iterator[Hit]:
    """Arms are followed for less than 80 % as long as the longest one.

    One finding for a study: medians over the animals' last days, in arms of two animals or
    more. Usually the control ends first,
    whose tumors reach the limit first: later means compare those that are left.
    """
    last = {
        arm: float(np.median(list(days.values())))
        for arm, days in _last_days(rows).items()
        if len(days) > 1
    }
    if len(last) < 2:
        return
    start = min(float(curve.day[0]) for curve in rows.each_curve())
    longest = max(last.values())
    early = {
        arm: day for arm, day in last.items() if day - start < SHORT_FOLLOW_UP * (longest - start)
    }
    if early:
        arm = min(early, key=lambda name: (early[name], name))
        others = f" and {len(early) - 1} more" if len(early) > 1 else ""
        message = (
            f"arm '{arm}'{others} of {len(last)} arms end early: day {early[arm]:g} (median) "
        )
        message += f"against day {longest:g} of the longest arm"
        yield Hit(message=message, arm=arm if len(early) == 1 else None)


@study_check("info", mend="means after this day are drawn differently and flagged")
def fewer_than_half_remain(rows: StudyRows) -> Iterator[Hit]:
    """Fewer than half of an arm remain before the study ends.

    A finding for each arm of two animals or more, with the first day on which it is so.
    """
    days = np.unique([float(day) for curve in rows.each_curve() for day in curve.day])
    for arm, last in _last_days(rows).items():
        if len(last) < 2:
            continue
        left = [
            day
            for day in days
            if sum(e >= day for e in last.values()) < REMAINING_SHARE * len(last)
        ]
        if left:
            n = sum(end >= left[0] for end in last.values())
            message = f"arm '{arm}': from day {left[0]:g} on {n} of {len(last)} animals remain"
            yield Hit(message=message, arm=arm)


@study_check(
    "info",
    mend="state in study.toml whether it was planned; no animal of it left for its own reason",
)
def arm_stops_at_once(rows: StudyRows) -> Iterator[Hit]:
    """All animals of an arm leave on one day, before the study ends.

    Arms of three animals or more: the arm was stopped, not its animals.
    """
    for arm, last in _last_days(rows).items():
        days = set(last.values())
        if len(last) >= FEWEST_ANIMALS and len(days) == 1 and (day := days.pop()) < rows.last_day:
            message = (
                f"all {len(last)} animals of arm '{arm}' end on day {day:g}, the study on day "
            )
            yield Hit(message=message + f"{rows.last_day:g}", arm=arm)


@study_check(
    "info", mend="use a model of all readings up to removal, or time to an event; state the limit"
)
def leaves_at_large_volume(rows: StudyRows) -> Iterator[Hit]:
    """Animals leave when their tumor is large: follow-up is cut by a volume limit.

    Of three or more animals that leave before the study ends, 80 % do so at the largest volume
    that they ever had, and their median is above that of the animals that stay to the end.
    """
    last = {name: day for days in _last_days(rows).values() for name, day in days.items()}
    ends = {name: float(rows.curves[name].bulk[-1]) for name in last}
    leavers = [name for name, day in last.items() if day < rows.last_day]
    stayers = [name for name, day in last.items() if day >= rows.last_day]
    if len(leavers) < FEWEST_LEAVERS or not stayers or rows.is_panel:
        return
    largest = [n for n in leavers if ends[n] >= rows.curves[n].bulk.max() and ends[n] > 0]
    out = float(np.median([ends[name] for name in leavers]))
    if len(largest) >= AT_LARGEST_SHARE * len(leavers) and out > float(
        np.median([ends[name] for name in stayers])
    ):
        at = [int(rows.curves[name].at[-1]) for name in largest]
        sizes = float(np.median([rows.curves[name].size[-1] for name in largest]))
        message = f"{len(largest)} of {len(leavers)} animals that leave before day "
        message += (
            f"{rows.last_day:g} do so at their largest {rows.quantity}, median {short(sizes)} "
        )
        yield Hit(message=message + rows.unit, at=at)


@study_check(
    "info",
    mend="give end_day and end_reason in animals.csv; until then the reason counts as unknown",
)
def leaves_without_reason(rows: StudyRows) -> Iterator[Hit]:
    """Animals leave before the rest of their arm, and nothing says why.

    Animals whose last reading, or stated last day, comes before the last one of their arm, and
    that have no reason for leaving. Where they left because of their tumor, a mean of those that
    remain describes the smaller tumors.
    """
    early: list[tuple[float, str]] = []
    for last in _last_days(rows).values():
        early += [
            (day, name)
            for name, day in last.items()
            if day < max(last.values()) and rows.end_reason.get(name, "unknown") == "unknown"
        ]
    if not early:
        return
    early.sort()
    shown = ", ".join(f"'{name}' (day {day:g})" for day, name in early[:MOST_NAMED])
    more = " …" if len(early) > MOST_NAMED else ""
    n = sum(len(last) for last in _last_days(rows).values())
    message = f"{len(early)} of {n} animals leave before the last day of their arm: {shown}{more}"
    yield Hit(message=message, at=[int(rows.curves[name].at[-1]) for _, name in early])
