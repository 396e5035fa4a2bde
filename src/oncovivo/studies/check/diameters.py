"""Checks of length, width and depth, and of the volumes that go with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

import numpy as np

from oncovivo.studies.caliper import FORMULA_TEXT, VolumeFormula, caliper_volume, diameters_needed
from oncovivo.studies.check.model import Hit, study_check
from oncovivo.studies.check.rows import BoolArray, StudyRows
from oncovivo.studies.check.wording import counted

__all__ = [
    "length_below_width",
    "mixed_volume_formulas",
    "one_diameter",
    "volume_contradicts_diameters",
]

# Diameters are written to 0.01 or 0.1 mm: half a unit in the last place of a 5 mm width moves
# ½LW² by up to 2 %. The formulas are 4.7 % apart or more.
FORMULA_TOLERANCE: Final = 0.02
# With round tumors half of all pairs are the wrong way round by chance; a step by this share of
# the rows is a change of the columns.
SWAPPED_BY: Final = 0.25


@study_check(
    "warning", mend="exchange them where the columns were swapped; the longer one counts as length"
)
def length_below_width(rows: StudyRows) -> Iterator[Hit]:
    """The length is smaller than the width.

    Length is the longer diameter by definition. Readers exchange the two; the finding says how
    often, and from which day on when the columns look swapped from there.
    """
    wrong = rows.length < rows.width
    if not wrong.any():
        return
    known = np.isfinite(rows.length) & np.isfinite(rows.width)
    message = f"length is below width in {wrong.sum()} of {known.sum()} rows"
    days = np.unique(rows.day[wrong])
    shares = {}
    for day in days[days > np.nanmin(rows.day)]:
        after, before = known & (rows.day >= day), known & (rows.day < day)
        shares[float(day)] = (float(wrong[after].mean()), float(wrong[before].mean()))
    for day, (late, early) in shares.items():
        apart = late - early
        if (
            late > 0.5 > early
            and apart >= SWAPPED_BY
            and apart == max(b - a for b, a in shares.values())
        ):
            message += (
                f"; from day {day:g} on the two look swapped ({late:.0%} against {early:.0%})"
            )
            break
    yield Hit(message=message, at=np.flatnonzero(wrong).tolist())


@study_check("warning", mend="give both diameters, or leave both blank")
def one_diameter(rows: StudyRows) -> Iterator[Hit]:
    """Only one of length and width is there, or one of them is zero or negative."""
    length, width = rows.length > 0, rows.width > 0
    negative = (rows.length < 0) | (rows.width < 0)
    wrong = np.flatnonzero((length != width) | negative)
    if wrong.size:
        message = f"{counted(wrong.size, 'row')} with one diameter, or one that is not above zero"
        yield Hit(message=message, at=wrong.tolist())


def _matching(rows: StudyRows) -> tuple[dict[VolumeFormula, BoolArray], BoolArray]:
    """By formula, which rows it explains; and the rows with diameters and a volume."""
    known = (rows.length > 0) & (rows.width > 0) & (rows.state == "measured")
    known &= rows.size > 0
    found: dict[VolumeFormula, BoolArray] = {}
    for formula in get_args(VolumeFormula):
        if "depth_mm" in diameters_needed(formula) and not (rows.depth > 0).any():
            continue
        volume = caliper_volume(rows.length, rows.width, rows.depth, formula=formula)
        fits = np.abs(rows.size / volume - 1) <= FORMULA_TOLERANCE
        found[formula] = known & fits
    return found, known


def _main_formula(found: dict[VolumeFormula, BoolArray]) -> VolumeFormula:
    """The formula that explains most rows; the first of those that explain as many."""
    return max(found, key=lambda formula: int(found[formula].sum()))


@study_check("warning", mend="compute all volumes anew from the diameters with one formula")
def mixed_volume_formulas(rows: StudyRows) -> Iterator[Hit]:
    """The volumes of one study were computed by more than one formula.

    Where length and width stand beside the volume: rows that a formula other than the study's
    main one explains within 2 %, and the main one does not.
    """
    if rows.quantity == "area" or rows.from_diameters:
        return
    found, known = _matching(rows)
    main = _main_formula(found)
    if found[main].sum() <= 1 or not known.any():
        return
    rest = known & ~found[main]
    for formula, fits in found.items():
        other = np.flatnonzero(rest & fits)
        if formula != main and other.size:
            message = f"{other.size} volumes are {FORMULA_TEXT[formula]}, "
            message += f"{found[main].sum()} are {FORMULA_TEXT[main]}"
            rest = rest & ~fits
            yield Hit(message=message, at=other.tolist())


@study_check("error", mend="correct the volume or the diameters, or leave the volume out")
def volume_contradicts_diameters(rows: StudyRows) -> Iterator[Hit]:
    """A volume fits its own length and width by no formula.

    Only where one formula explains most rows of the study within 2 %; the rest are then slips.
    """
    if rows.quantity == "area" or rows.from_diameters:
        return
    found, known = _matching(rows)
    explained = np.logical_or.reduce(list(found.values()))
    if found[_main_formula(found)].sum() <= 0.5 * known.sum():
        return
    for index in np.flatnonzero(known & ~explained):
        diameters = f"{rows.length[index]:g} × {rows.width[index]:g} mm"
        message = f"animal '{rows.animal[index]}' on day {rows.day[index]:g}: "
        message += f"{rows.size[index]:g} mm³ does not fit {diameters}"
        yield Hit(
            message=message,
            arm=str(rows.arm[index]) or None,
            animal_id=str(rows.animal[index]) or None,
            at=(int(index),),
        )
