"""Checks of single entries: cells, volumes, diameters, body weights and their units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import FloatArray, StudyRows
from oncovivo.studies.check.wording import counted, short

__all__ = [
    "area_not_volume",
    "body_weight_jump",
    "floor_of",
    "floor_value",
    "impossible_body_weight",
    "impossible_volume",
    "missing_body_weight",
    "missing_cell",
    "missing_volume",
    "mixed_empty_marks",
    "rounded_volumes",
    "unit_doubtful",
    "unit_slip",
    "unreadable_cell",
    "unrounded_volumes",
    "volume_falls",
    "volume_jumps",
]

# Between visits; the limits that the field uses when it looks for slips of the pen.
FALL_TO: Final = 0.25
GROWTH_BY: Final = 4.0
# ×4 in a week is a doubling every 3.5 days, faster than established xenografts grow; over longer
# gaps ×4 is ordinary growth and a fall to a quarter is an ordinary response.
LONGEST_GAP_DAYS: Final = 7.0
# Below 5 mm × 5 mm an error of 1 mm in each diameter alone changes a volume fourfold.
SMALL_MM3: Final = 62.5

# What a mouse weighs, generously; a tumor cannot weigh more (1 mm³ = 1 mg). A rat weighs more.
HEAVIEST_G: Final = {"mouse": 40.0, "rat": 600.0}
# Tumor-bearing adults; a mouse below 8 g or above 60 g would be a pup or a slip of the pen.
WEIGHTS_G: Final = {"mouse": (8.0, 60.0), "rat": (60.0, 900.0)}
# Between visits a week apart or less: animals are put down at 20 % loss, so that a change by more
# than a quarter is either a slip or an event that needs a word.
WEIGHT_CHANGE: Final = 0.25

# Powers of ten that unit slips make: a digit too many; width in cm; mm³ for cm³.
SLIP_POWERS: Final = (1, 2, 3)
# How far from the power of ten: readings vary by about ±20 % (0.08 in log10) against the course.
SLIP_TOLERANCE: Final = 0.15
# The readings before and after must fit each other, or there is no course to leave (log10).
SLIP_NEIGHBORS: Final = 0.5
# Beyond the last reading a course is drawn on with a doubling in three days at most (log10/day).
STEEPEST: Final = 0.1
# A whole animal in another unit: its first reading against the others', in log10. Tumors at the
# start of a study differ by a factor of ten, not of three hundred.
WHOLE_ANIMAL: Final = 2.5
# A study whose largest sizes stay below these was written in cm: nobody palpates 5 mm³ or 3 mm.
SMALLEST_TOP: Final = {"volume": 5.0, "area": 5.0, "diameter": 3.0, "weight": 1.0}
HEAVIEST_MEDIAN_G: Final = 1500.0

# A value that comes back so often, in so many animals, is no measurement.
FLOOR_READINGS: Final = 10
FLOOR_ANIMALS: Final = 3
# Digit preference needs enough readings; by chance one in ten ends in a given digit.
ENOUGH_FOR_DIGITS: Final = 30
ROUND_SHARE: Final = 0.5
# Callipers give tenths of a millimetre: ½LW² then has four decimals, π/6 more, never ten.
CALIPER_DECIMALS: Final = 9


def species_of(rows: StudyRows) -> str:
    """Species, from the host or the study's labels; a mouse where nothing says rat."""
    words = f"{rows.species or ''} {rows.wording}".casefold()
    return "rat" if re.search(r"(?<![a-z])(?:rats?|rattus)(?![a-z])", words) else "mouse"


def _at(rows: StudyRows, index: int) -> str:
    """Place of a row in words."""
    return f"animal '{rows.animal[index]}' on day {rows.day[index]:g}"


def _hit(rows: StudyRows, index: int, message: str, *more: int) -> Hit:
    """A hit about one reading."""
    return Hit(
        message=message,
        arm=str(rows.arm[index]) or None,
        animal_id=str(rows.animal[index]) or None,
        at=(index, *more),
    )


@study_check(
    "error",
    mend="leave the cell blank where nothing was measured; keep words in a column of notes",
)
def unreadable_cell(rows: StudyRows) -> Iterator[Hit]:
    """A cell of a column of numbers holds something else.

    Blank, ``NA`` and ``<14`` are understood; "n.d.", "dead" or "1.2.3" are not, and no reader
    guesses what they mean.
    """
    for cell in rows.bad_cells:
        if cell.kind == "text":
            message = f"'{cell.text}' in column {cell.column} is no number"
            yield _hit(rows, cell.index, message)


@study_check("error", mend="fill the cell, or take the row out")
def missing_cell(rows: StudyRows) -> Iterator[Hit]:
    """A row does not say which animal, which arm or which day it is about."""
    for cell in rows.bad_cells:
        if cell.kind == "blank":
            yield _hit(rows, cell.index, f"a row without {cell.column}")


@study_check(
    "error", mend="correct the entry; a tumor that cannot be found is 0, one not measured is blank"
)
def impossible_volume(rows: StudyRows) -> Iterator[Hit]:
    """A size that no tumor has: negative, or heavier than the animal.

    A volume is set against the body weight of that row, else the animal's largest weight, else
    40 g for a mouse and 600 g for a rat (1 mm³ weighs 1 mg). The species comes from the host, else
    from a "rat" in the study's labels.
    """
    limit = HEAVIEST_G[species_of(rows)]
    heaviest = {
        name: float(np.nanmax(rows.weight[at])) if np.isfinite(rows.weight[at]).any() else np.nan
        for name, at in rows.rows_of.items()
    }
    for index in np.flatnonzero(rows.size < 0):
        size = f"{rows.size[index]:g} {rows.unit}"
        yield _hit(rows, int(index), f"{_at(rows, int(index))}: {size} is no {rows.quantity}")
    grams = rows.bulk / 1000.0
    low = min([limit, *(w for w in heaviest.values() if w > 0)])
    for index in np.flatnonzero(grams > low):
        own = rows.weight[index]
        host = own if own > 0 else heaviest.get(str(rows.animal[index]), np.nan)
        host = host if host > 0 else limit
        if grams[index] > host:
            message = f"{_at(rows, int(index))}: {rows.size[index]:g} {rows.unit} outweighs "
            yield _hit(rows, int(index), message + f"the animal ({host:g} g)")


@study_check("error", mend="correct the entry, or leave it blank: it counts as not measured")
def impossible_body_weight(rows: StudyRows) -> Iterator[Hit]:
    """A body weight that no animal has.

    Zero or less, or outside 8–60 g for a mouse and 60–900 g for a rat. When the file's median
    weight lies outside, the limits or the unit do not fit, and ``unit_doubtful`` speaks instead.
    """
    known = rows.weight[np.isfinite(rows.weight)]
    if not known.size:
        return
    low, high = WEIGHTS_G[species_of(rows)]
    if not low <= np.median(known) <= high:
        low, high = 0.0, np.inf
    wrong = np.flatnonzero((rows.weight <= 0) | (rows.weight < low) | (rows.weight > high))
    for index in wrong:
        message = f"{_at(rows, int(index))}: {rows.weight[index]:g} g is no body weight"
        yield _hit(rows, int(index), message)


@study_check(
    "warning", mend="compare with the notebook; note the reason in events when it is true"
)
def body_weight_jump(rows: StudyRows) -> Iterator[Hit]:
    """A body weight changes by more than a quarter between visits.

    Visits a week apart or less. Weights that no animal has are left to
    ``impossible_body_weight``.
    """
    first, second = rows.weight_pairs
    low, high = WEIGHTS_G[species_of(rows)]
    old, new = rows.weight[first], rows.weight[second]
    near = rows.day[second] - rows.day[first] <= LONGEST_GAP_DAYS
    median = float(np.median(rows.weight[rows.weight > 0])) if first.size else 0.0
    if low <= median <= high:
        near &= (old >= low) & (old <= high) & (new >= low) & (new <= high)
    ratio = np.log(new / old)
    limit = -np.log1p(-WEIGHT_CHANGE)
    for place in np.flatnonzero(near & (np.abs(ratio) > limit)):
        i, j = int(first[place]), int(second[place])
        change = f"from {old[place]:g} to {new[place]:g} g since day {rows.day[i]:g}"
        yield _hit(rows, j, f"{_at(rows, j)}: body weight {change}", i)


@study_check("warning", mend="compare with the notebook: a slip of the pen, or a true response")
def volume_falls(rows: StudyRows) -> Iterator[Hit]:
    """A volume falls by more than 75 % between visits.

    Visits a week apart or less, from at least 62.5 mm³ (5 × 5 mm, below which the error of the
    callipers alone makes such changes) to a volume above zero; a fall to zero is ``sudden_zero``,
    a step by a power of ten ``unit_slip``. Areas are compared as volumes, area^1.5.
    """
    slips = {index for index, _, _ in _slips(rows)}
    first, second = rows.pairs
    old, new = rows.bulk[first], rows.bulk[second]
    measured = (rows.state[first] == "measured") & (rows.state[second] == "measured")
    near = rows.day[second] - rows.day[first] <= LONGEST_GAP_DAYS
    for place in np.flatnonzero(measured & near & (old >= SMALL_MM3) & (new < FALL_TO * old)):
        yield from _step(rows, int(first[place]), int(second[place]), slips)


@study_check(
    "warning", mend="compare with the notebook: a slip of the pen, or a reading too low before"
)
def volume_jumps(rows: StudyRows) -> Iterator[Hit]:
    """A volume grows more than fourfold between visits.

    Visits a week apart or less (that is a doubling in less than 3.5 days), from at least
    62.5 mm³; tumors that appear grow faster and are measured worse. A step by a power of ten is
    ``unit_slip``. Areas are compared as volumes, area^1.5.
    """
    slips = {index for index, _, _ in _slips(rows)}
    first, second = rows.pairs
    old, new = rows.bulk[first], rows.bulk[second]
    measured = (rows.state[first] == "measured") & (rows.state[second] == "measured")
    near = rows.day[second] - rows.day[first] <= LONGEST_GAP_DAYS
    for place in np.flatnonzero(measured & near & (old >= SMALL_MM3) & (new > GROWTH_BY * old)):
        yield from _step(rows, int(first[place]), int(second[place]), slips)


def _step(rows: StudyRows, i: int, j: int, slips: set[int]) -> Iterator[Hit]:
    """The hit of a step between two readings, unless a slip explains it."""
    if i in slips or j in slips:
        return
    sizes = f"{rows.size[i]:g} to {rows.size[j]:g} {rows.unit}"
    yield _hit(rows, j, f"{_at(rows, j)}: from {sizes} since day {rows.day[i]:g}", i)


@study_check("warning", mend="compare with the notebook; give one unit to the whole column")
def unit_slip(rows: StudyRows) -> Iterator[Hit]:
    """A reading is off by a power of ten: a digit too many, or another unit.

    A reading that lies a factor of 10, 100 or 1000 (within 10^0.15) above or below the course of
    the readings before and after it, when those fit each other. The first and the last reading of
    an animal count only when they are too high: too low is a tumor that appears or responds.
    Also a whole animal whose first reading is more than 300 times above or below the others'.
    Body weights likewise, against the visits around.
    """
    for index, power, expected in _slips(rows):
        factor = f"{10 ** abs(power)} times too {'high' if power > 0 else 'low'}"
        size = f"{rows.size[index]:g} {rows.unit}"
        course = f"against {short(expected)} {rows.unit} by the readings around"
        yield _hit(rows, index, f"{_at(rows, index)}: {size} looks {factor}, {course}")
    firsts = {
        name: float(positive[0])
        for name, curve in rows.curves.items()
        if (positive := curve.size[curve.size > 0]).size
    }
    if len(firsts) > 2:
        middle = float(np.median(np.log10(list(firsts.values()))))
        for name, value in firsts.items():
            if abs(np.log10(value) - middle) > WHOLE_ANIMAL:
                curve = rows.curves[name]
                message = f"animal '{name}' starts at {value:g} {rows.unit}, the others at about "
                message += f"{short(_tenfold(middle))} {rows.unit}: another unit?"
                arm = curve.arm or None
                yield Hit(message=message, arm=arm, animal_id=name, at=curve.at.tolist())
    for rows_of_animal in rows.rows_of.values():
        at = rows_of_animal[
            (rows.weight[rows_of_animal] > 0) & np.isfinite(rows.day[rows_of_animal])
        ]
        for place, power, expected in _leaps(rows.day[at], np.log10(rows.weight[at])):
            index = int(at[place])
            times = f"{10 ** abs(power)} times too {'high' if power > 0 else 'low'}"
            message = f"{_at(rows, index)}: body weight {rows.weight[index]:g} g looks {times}, "
            yield _hit(
                rows,
                index,
                message + f"against {short(_tenfold(expected))} g on the visits around",
            )


def _slips(rows: StudyRows) -> Iterator[tuple[int, int, float]]:
    """Row, power of ten and expected size of the readings that leave their animal's course."""
    small = SMALL_MM3 if rows.quantity == "volume" else (2 * SMALL_MM3) ** (2 / 3)
    for curve in rows.each_curve():
        keep = (rows.state[curve.at] == "measured") & (curve.size > 0)
        if keep.sum() > 2:
            at, size = curve.at[keep], curve.size[keep]
            for place, power, expected in _leaps(curve.day[keep], np.log10(size)):
                # Tumors so small that the error of the callipers explains the step pass.
                if max(size[place], _tenfold(expected)) >= small:
                    yield int(at[place]), power, _tenfold(expected)


def _tenfold(log: float) -> float:
    """The number with this logarithm; infinite beyond what a number can hold."""
    return float(np.power(10.0, log))


def _leaps(day: FloatArray, log: FloatArray) -> Iterator[tuple[int, int, float]]:
    """Place, power of ten and expected log10 of values that leave the course of their neighbors.

    Inside a curve the course is the line between the neighbors; at an end the line through the
    two nearest ones, no steeper than a tumor grows. A first value far below the course is a tumor
    that appears, a last one a response, so that an end counts only when it is too high.
    """
    n = len(log)
    if n < 3 or np.ptp(log) < SLIP_POWERS[0] - SLIP_TOLERANCE - SLIP_NEIGHBORS:
        return
    for place in range(n):
        at_end = place in (0, n - 1)
        near, far = (place - 1, place + 1)
        if at_end:
            near, far = (1, 2) if place == 0 else (n - 2, n - 3)
        if abs(log[far] - log[near]) > SLIP_NEIGHBORS:
            continue
        slope = (log[far] - log[near]) / (day[far] - day[near])
        if at_end:
            if abs(day[place] - day[near]) > LONGEST_GAP_DAYS:
                continue
            slope = float(np.clip(slope, -STEEPEST, STEEPEST))
        expected = float(log[near] + slope * (day[place] - day[near]))
        off = float(log[place] - expected)
        for power in SLIP_POWERS:
            if abs(abs(off) - power) <= SLIP_TOLERANCE and (off > 0 or not at_end):
                yield place, power if off > 0 else -power, expected


@study_check(
    "warning", mend="confirm the unit with --map or in study.toml; cm³ × 1000 = mm³, cm × 10 = mm"
)
def unit_doubtful(rows: StudyRows) -> Iterator[Hit]:
    """A whole column looks as if it were in another unit.

    Nineteen of twenty volumes or areas below 5, diameters below 3 mm, or body weights below 1 g
    or with a median above 1500 g.
    """
    columns = {
        rows.quantity: (rows.size[rows.is_read], rows.unit),
        "diameter": (np.fmax(rows.length, rows.width), "mm"),
        "weight": (rows.weight, "g"),
    }
    for name, (values, unit) in columns.items():
        positive = values[values > 0]
        if positive.size < 3:
            continue
        top, middle = float(np.quantile(positive, 0.95)), float(np.median(positive))
        too_large = name == "weight" and middle > HEAVIEST_MEDIAN_G
        if top < SMALLEST_TOP[name] or too_large:
            message = (
                f"{name}s have a median of {short(middle)} and reach {short(top)}: not {unit}?"
            )
            yield Hit(message=message)


@study_check(
    "warning", mend="read areas as areas, or give length and width and name a volume formula"
)
def area_not_volume(rows: StudyRows) -> Iterator[Hit]:
    """The file holds areas, not volumes.

    Areas are analyzed as areas on the log scale; volume endpoints are then undefined. Where length
    and width stand beside the areas, ``--formula`` makes volumes of them. Also a volume column
    that equals length × width.
    """
    if rows.quantity == "area":
        yield Hit(message="sizes are areas in mm², not volumes")
        return
    if rows.from_diameters:
        return
    known = (rows.length > 1.5) & (rows.width > 1.5) & (rows.size > 0)
    same = known & (np.abs(rows.size / (rows.length * rows.width) - 1) < 0.01)
    if known.sum() >= 3 and same.sum() > 0.9 * known.sum():
        yield Hit(
            message="the volumes are length × width: areas", at=np.flatnonzero(same).tolist()
        )


@study_check(
    "warning",
    mend="write 0 for a tumor that is gone, '<14' below the limit, blank when not measured",
)
def mixed_empty_marks(rows: StudyRows) -> Iterator[Hit]:
    """Zero, blank and "<" stand side by side, and may mean one thing.

    An animal that has a blank next to a zero, or a study that uses both 0 and "<": each mark has
    its own meaning here, and the file may not mean it.
    """
    for name, at in rows.rows_of.items():
        state = rows.state[at]
        blank, zero = state == "not_measured", state == "gone"
        touching = (blank[:-1] & zero[1:]) | (zero[:-1] & blank[1:])
        if touching.any():
            places = np.flatnonzero(touching)
            chosen = sorted({int(at[p]) for place in places for p in (place, place + 1)})
            arm = rows.arm_of[name] or None
            message = f"animal '{name}' has a blank next to a zero"
            yield Hit(message=message, arm=arm, animal_id=name, at=chosen)
    counts = Counter(str(state) for state in rows.state)
    if counts["gone"] and counts["below_limit"]:
        message = f"{counts['gone']} zeros and {counts['below_limit']} readings with '<'"
        at = np.flatnonzero(np.isin(rows.state, ("gone", "below_limit")))
        yield Hit(message=message, at=at.tolist())


@study_check(
    "info", mend="state it as limit_mm3, or write '<' before it: such readings are censored"
)
def floor_value(rows: StudyRows) -> Iterator[Hit]:
    """The smallest size stands for many readings: it is written for whatever lies below.

    The smallest size above zero makes up ten readings or more, of three animals or more, and is
    at most 62.5 mm³.
    """
    floor = floor_of(rows)
    if floor is not None:
        at = np.flatnonzero((rows.state == "measured") & (rows.size == floor))
        n = len({str(name) for name in rows.animal[at]})
        message = f"{at.size} readings of {n} animals are {floor:g} {rows.unit}, the smallest size"
        yield Hit(message=message, at=at.tolist())


def floor_of(rows: StudyRows) -> float | None:
    """The size that is written for whatever lies below it; None when there is none."""
    measured = (rows.state == "measured") & (rows.size > 0)
    if not measured.any():
        return None
    smallest = int(np.flatnonzero(measured)[np.argmin(rows.size[measured])])
    at = np.flatnonzero(measured & (rows.size == rows.size[smallest]))
    animals = {str(name) for name in rows.animal[at]}
    small = rows.bulk[smallest] <= SMALL_MM3
    many = at.size >= FLOOR_READINGS and len(animals) >= FLOOR_ANIMALS
    return float(rows.size[smallest]) if small and many else None


@study_check("warning", mend="fill in what was measured; a blank counts as not measured")
def missing_volume(rows: StudyRows) -> Iterator[Hit]:
    """An animal's size is blank between two of its readings, or a row has no size at all.

    Blanks after the last reading of an animal count too: the file has a row, so that somebody may
    have looked. One finding for a study, with all rows.
    """
    blank = np.flatnonzero((rows.state == "not_measured") & (rows.animal != ""))
    if not blank.size:
        return
    spans = {name: (curve.day[0], curve.day[-1]) for name, curve in rows.curves.items()}
    inside = sum(
        1
        for index in blank
        if str(rows.animal[index]) in spans
        and spans[str(rows.animal[index])][0] < rows.day[index] < spans[str(rows.animal[index])][1]
    )
    n = len({str(name) for name in rows.animal[blank]})
    message = f"no {rows.quantity} in {counted(blank.size, 'row')} of {counted(n, 'animal')}, "
    yield Hit(message=message + f"{inside} between two readings", at=blank.tolist())


@study_check("info", mend="nothing, if the animals were not weighed on these days")
def missing_body_weight(rows: StudyRows) -> Iterator[Hit]:
    """Body weights are blank in rows of animals that were weighed on other days."""
    known = np.isfinite(rows.weight)
    if not known.any():
        return
    missing = [
        int(index) for at in rows.rows_of.values() if known[at].any() for index in at[~known[at]]
    ]
    if missing:
        message = f"no body weight in {len(missing)} of {rows.n} rows"
        yield Hit(message=message, at=missing)


@study_check("info", mend="nothing; small changes are not resolved")
def rounded_volumes(rows: StudyRows) -> Iterator[Hit]:
    """The sizes were rounded to tens, fifties or hundreds.

    At least half of 30 or more readings are multiples of 10; by chance one in ten would be.
    """
    size = rows.size[(rows.state == "measured") & (rows.size > 0)]
    if size.size < ENOUGH_FOR_DIGITS:
        return
    for step in (100, 50, 10):
        share = float((np.mod(size, step) == 0).mean())
        if share >= ROUND_SHARE:
            yield Hit(message=f"{share:.0%} of the sizes are multiples of {step} {rows.unit}")
            return


@study_check("info", mend="nothing, if the sizes were computed; a reading has no such precision")
def unrounded_volumes(rows: StudyRows) -> Iterator[Hit]:
    """The sizes have more decimals than callipers can give.

    At least half of 30 or more sizes carry nine decimals or more: they were computed from fits,
    converted, or simulated.
    """
    if rows.from_diameters:
        return
    size = rows.size[(rows.state == "measured") & (rows.size > 0)]
    if size.size < ENOUGH_FOR_DIGITS:
        return
    long = np.abs(size - np.round(size, CALIPER_DECIMALS - 1)) > 10.0 ** -(CALIPER_DECIMALS + 3)
    if long.mean() >= ROUND_SHARE:
        yield Hit(
            message=f"{long.mean():.0%} of the sizes have {CALIPER_DECIMALS} decimals or more"
        )
