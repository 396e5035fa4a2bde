"""A mouse clinical trial as its model sees it: a growth rate for each animal, and its weight.

Readings of an animal differ from its own line by independent errors of one variance, so the
animal's rate and the squares about it hold all that its readings say on rates. A model of ten
thousand readings is then one of a thousand rates, and the likelihood is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError

if TYPE_CHECKING:
    from oncovivo.endpoints.curves import Readings
    from oncovivo.panels.panel import Panel

__all__ = [
    "LIMIT_MM3",
    "LowReadings",
    "TrialBaseline",
    "TrialData",
    "TrialLines",
    "panel_lines",
    "trial_data",
]

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
BoolArray: TypeAlias = NDArray[np.bool_]

TrialBaseline: TypeAlias = Literal["own_intercept", "ratio"]
LowReadings: TypeAlias = Literal["at_limit", "omitted"]
TrialLines: TypeAlias = Literal["paired", "all"]

# A sphere of 3 mm: about the smallest tumor that calipers can tell.
LIMIT_MM3: Final = 14.0
_LISTED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrialData:
    """Rates of n animals of several lines under a control and treatments.

    Parameters
    ----------
    arms : tuple of str
        The control, then the treatments.
    lines : tuple of str
        Names of the lines, sorted; with the study before them where names alone are not unique.
    tumor_types : tuple of str
        Of each line; empty where the file does not say.
    line, arm : ndarray of int, shape (n,)
        Numbers of each animal's line and arm.
    rate : ndarray, shape (n,)
        Least-squares growth rate, natural log per day.
    information : ndarray, shape (n,)
        Squared days that the rate rests on; its variance is the readings' variance over these.
    rest_squares : ndarray, shape (n,)
        Squares of the readings about the animal's own line, summed.
    rest_df : ndarray of int, shape (n,)
        Their degrees of freedom.
    n_readings : ndarray of int, shape (n,)
        Readings that entered.
    log_constant : ndarray, shape (n,)
        What the log-likelihood of the readings has beside that of rates and squares.
    baseline : {"own_intercept", "ratio"}
        How the line of an animal starts.
    simulated : bool
        Whether numbers come from a simulation.
    notes : tuple of str
        What was left out or changed, and why.
    """

    arms: tuple[str, ...]
    lines: tuple[str, ...]
    tumor_types: tuple[str, ...]
    line: IntArray
    arm: IntArray
    rate: FloatArray
    information: FloatArray
    rest_squares: FloatArray
    rest_df: IntArray
    n_readings: IntArray
    log_constant: FloatArray
    baseline: TrialBaseline
    simulated: bool
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of animals."""
        return int(self.rate.size)

    @property
    def cell(self) -> IntArray:
        """Number of each animal's line × arm, shape (n,)."""
        return np.asarray(self.line * len(self.arms) + self.arm)

    @property
    def replicates(self) -> int:
        """Animals beyond the first of their line × arm."""
        return self.n - int(np.unique(self.cell).size)

    def of_lines(self, wanted: BoolArray, *, note: str = "") -> TrialData:
        """The animals of some lines.

        Parameters
        ----------
        wanted : ndarray of bool, shape (number of lines,)
            Lines to keep.
        note : str
            What is said of the others.

        Raises
        ------
        DataError
            If fewer than two are left.
        """
        taken = np.flatnonzero(wanted)
        if taken.size < 2:
            raise DataError("at least two lines", found=_count(taken.size, "line"), where="panel")
        number = np.full(len(self.lines), -1, dtype=np.intp)
        number[taken] = np.arange(taken.size)
        kept = wanted[self.line]
        return replace(
            self,
            lines=tuple(self.lines[place] for place in taken),
            tumor_types=tuple(self.tumor_types[place] for place in taken),
            line=number[self.line[kept]],
            arm=self.arm[kept],
            rate=self.rate[kept],
            information=self.information[kept],
            rest_squares=self.rest_squares[kept],
            rest_df=self.rest_df[kept],
            n_readings=self.n_readings[kept],
            log_constant=self.log_constant[kept],
            notes=(*self.notes, note) if note else self.notes,
        )

    def lines_with(self, *arms: int) -> BoolArray:
        """Which lines have animals in all of these arms, shape (number of lines,)."""
        counts = np.bincount(self.cell, minlength=len(self.lines) * len(self.arms))
        table = counts.reshape(len(self.lines), len(self.arms))
        return np.asarray((table[:, list(arms)] > 0).all(axis=1))


def trial_data(
    panel: Panel,
    *,
    control: str,
    treatments: Sequence[str],
    baseline: TrialBaseline = "own_intercept",
    lines: TrialLines = "paired",
    low: LowReadings = "at_limit",
    limit_mm3: float = LIMIT_MM3,
    last_day: float | None = None,
    baseline_day: float | None = None,
) -> TrialData:
    """Rates of the animals of some arms of a panel.

    Parameters
    ----------
    panel : Panel
        From :func:`oncovivo.panels.read_panel`.
    control : str
        Arm that the others are compared with.
    treatments : sequence of str
        The others, in the order wanted.
    baseline : {"own_intercept", "ratio"}
        ``own_intercept``: log volume on a line with its own start, the baseline being a reading
        like the others. ``ratio``: log volume relative to the animal's first reading, on a line
        through 0; its noise then passes as noise of the rate.
    lines : {"paired", "all"}
        ``paired``: lines with animals under the control and under at least one treatment.
    low : {"at_limit", "omitted"}
        Tumors that are gone, and readings below the limit, stand at the limit or are left out.
        Leaving them out leaves out what the best responders show.
    limit_mm3 : float
        The limit, mm³.
    last_day : float, optional
        Last day since baseline that counts; all without it.
    baseline_day : float, optional
        As in :func:`oncovivo.panels.compute_panel`.

    Raises
    ------
    InputError
        If an arm is named twice or not in the panel, or a choice is unknown.
    DataError
        If fewer than two lines are left, an arm has no animal, or no animal has a reading beyond
        what its line needs.
    """
    _check_choices(baseline, lines, low, limit_mm3)
    arms = _checked_arms(panel, control, treatments)
    start, _ = panel.baseline_days(baseline_day)
    readings = panel.readings(start)
    notes: list[str] = []
    arm = np.full(panel.n, -1, dtype=np.intp)
    for place, name in enumerate(arms):
        arm[panel.labels["treatment"] == name] = place
    line, names, kinds = panel_lines(panel)
    animal = np.repeat(np.arange(panel.n), readings.length)
    day, log_volume, used = _usable(readings, animal, arm, low, limit_mm3, last_day, notes)
    reduce = _by_ratio if baseline == "ratio" else _by_own_line
    reduced = reduce(animal[used], day[used], log_volume[used], panel.n)
    alone = (reduced.information <= 0) & (arm >= 0)
    if alone.any():
        notes.append(f"{_count(int(alone.sum()), 'animal')} without two readings left out")
    kept = (reduced.information > 0) & (arm >= 0)
    in_arm = np.zeros((len(names), len(arms)), dtype=bool)
    in_arm[line[kept], arm[kept]] = True
    both = in_arm[:, 0] & in_arm[:, 1:].any(axis=1)
    left = in_arm.any(axis=1) & ~both
    if left.any():
        listed = ", ".join(names[place] for place in np.flatnonzero(left)[:_LISTED])
        more = ", …" if int(left.sum()) > _LISTED else ""
        what = f"without animals both under {control} and under a treatment ({listed}{more})"
        verb = "left out" if lines == "paired" else "kept; they say nothing on an effect by itself"
        notes.append(f"{_count(int(left.sum()), 'line')} {what} {verb}")
    if lines == "paired":
        kept &= both[line]
    present = np.flatnonzero(np.bincount(line[kept], minlength=len(names)) > 0)
    _check_enough(present.size, in_arm[present], arms, paired=lines == "paired")
    number = np.full(len(names), -1, dtype=np.intp)
    number[present] = np.arange(present.size)
    if not reduced.rest_df[kept].any():
        expected = "animals with more readings than their growth line needs"
        raise DataError(expected, found="none", where="panel")
    return TrialData(
        arms=arms,
        lines=tuple(names[place] for place in present),
        tumor_types=tuple(kinds[place] for place in present),
        line=number[line[kept]],
        arm=arm[kept],
        rate=reduced.rate[kept],
        information=reduced.information[kept],
        rest_squares=reduced.rest_squares[kept],
        rest_df=reduced.rest_df[kept],
        n_readings=reduced.n_readings[kept],
        log_constant=reduced.log_constant[kept],
        baseline=baseline,
        simulated=panel.simulated,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reduced:
    """Of each animal: rate, squared days, squares about the line with their df, readings."""

    rate: FloatArray
    information: FloatArray
    rest_squares: FloatArray
    rest_df: IntArray
    n_readings: IntArray
    log_constant: FloatArray


def _by_ratio(animal: IntArray, day: FloatArray, log_volume: FloatArray, n: int) -> _Reduced:
    """Lines through the origin of log volume relative to the first reading."""
    count = np.bincount(animal, minlength=n)
    first = np.concatenate(([0], np.cumsum(count)[:-1]))
    has = np.flatnonzero(count)
    start, begin = np.zeros(n), np.zeros(n)
    start[has], begin[has] = log_volume[first[has]], day[first[has]]
    later = np.ones(animal.size, dtype=bool)
    later[first[has]] = False
    animal, day, log_volume = animal[later], day[later], log_volume[later]
    # The line starts at the reading it is relative to, also where that is a late one.
    day, ratio = day - begin[animal], log_volume - start[animal]
    n_readings = np.bincount(animal, minlength=n)
    information = _sums(animal, day**2, n)
    product = _sums(animal, day * ratio, n)
    squares = _sums(animal, ratio**2, n)
    return _reduced(information, product, squares, n_readings, used_up=1, level=np.zeros(n))


def _by_own_line(animal: IntArray, day: FloatArray, log_volume: FloatArray, n: int) -> _Reduced:
    """Lines with a start of their own."""
    count = np.bincount(animal, minlength=n)
    size = np.maximum(count, 1)
    day = day - (_sums(animal, day, n) / size)[animal]
    value = log_volume - (_sums(animal, log_volume, n) / size)[animal]
    information = _sums(animal, day**2, n)
    product = _sums(animal, day * value, n)
    squares = _sums(animal, value**2, n)
    level = -0.5 * np.log(size)
    return _reduced(information, product, squares, count, used_up=2, level=level)


def _sums(animal: IntArray, values: FloatArray, n: int) -> FloatArray:
    """Sum of the values of each animal."""
    return np.bincount(animal, weights=values, minlength=n).astype(np.float64)


def _reduced(
    information: FloatArray,
    product: FloatArray,
    squares: FloatArray,
    n_readings: IntArray,
    *,
    used_up: int,
    level: FloatArray,
) -> _Reduced:
    usable = np.where(information > 0, information, 1.0)
    rate = product / usable
    return _Reduced(
        rate=rate,
        information=information,
        # A difference of squares, not below 0 by rounding.
        rest_squares=np.maximum(squares - usable * rate**2, 0.0),
        rest_df=np.maximum(n_readings - used_up, 0),
        n_readings=n_readings,
        log_constant=level - 0.5 * np.log(usable),
    )


def _usable(
    readings: Readings,
    animal: IntArray,
    arm: IntArray,
    low: LowReadings,
    limit_mm3: float,
    last_day: float | None,
    notes: list[str],
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Days and log volumes of the readings, and which of them count."""
    used = arm[animal] >= 0
    day, volume = readings.day, readings.volume
    if last_day is not None:
        used &= day <= last_day
        notes.append(f"readings up to day {last_day:g} after baseline")
    gone = (volume <= 0) | readings.below
    if low == "omitted":
        count = int((gone & used).sum())
        used &= ~gone
        if count:
            notes.append(f"{_count(count, 'reading')} gone or below a limit left out")
        return day, np.log(np.where(volume > 0, volume, 1.0)), used
    short = gone | (volume < limit_mm3)
    count = int((short & used).sum())
    if count:
        verb = "stands" if count == 1 else "stand"
        notes.append(
            f"{_count(count, 'reading')} gone or below {limit_mm3:g} mm³ {verb} at that limit"
        )
    return day, np.log(np.where(short, limit_mm3, np.maximum(volume, limit_mm3))), used


def panel_lines(panel: Panel) -> tuple[IntArray, list[str], list[str]]:
    """Number of each animal's line in the order of names, the names, and their tumor types.

    Parameters
    ----------
    panel : Panel
        Where one name stands for lines of several studies, names have the study before them.
    """
    number, n_lines = panel.line()
    first = np.full(n_lines, -1, dtype=np.intp)
    first[number[::-1]] = np.arange(number.size)[::-1]
    own = [str(name) for name in panel.labels["model"][first]]
    if len(set(own)) < n_lines:
        studies = panel.labels["study"][first]
        own = [f"{study}/{name}" for study, name in zip(studies, own, strict=True)]
    order = np.array(sorted(range(n_lines), key=own.__getitem__), dtype=np.intp)
    place = np.empty(n_lines, dtype=np.intp)
    place[order] = np.arange(n_lines)
    kinds = [str(kind) for kind in panel.labels["tumor_type"][first[order]]]
    return place[number], [own[index] for index in order], kinds


def _checked_arms(panel: Panel, control: str, treatments: Sequence[str]) -> tuple[str, ...]:
    """The control and the treatments, all different and all in the panel."""
    arms = (control, *treatments)
    if not treatments:
        raise InputError("at least one treatment", found="none", where="panel")
    known = sorted(set(panel.labels["treatment"]))
    for name in arms:
        if arms.count(name) > 1:
            raise InputError("each treatment once", found=f"{name!r} twice", where="panel")
        if name not in known:
            listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
            raise InputError(f"a treatment of the panel: {listed}", found=repr(name))
    return arms


def _check_choices(
    baseline: TrialBaseline, lines: TrialLines, low: LowReadings, limit_mm3: float
) -> None:
    for word, kind, what in (
        (baseline, TrialBaseline, "baseline"),
        (lines, TrialLines, "choice of lines"),
        (low, LowReadings, "treatment of low readings"),
    ):
        if word not in get_args(kind):
            raise InputError(f"a {what}: {', '.join(get_args(kind))}", found=repr(word))
    if not (math.isfinite(limit_mm3) and limit_mm3 > 0):
        raise InputError("a limit above 0 mm³", found=f"{limit_mm3:g}")


def _check_enough(n_lines: int, in_arm: BoolArray, arms: tuple[str, ...], *, paired: bool) -> None:
    """At least two lines, and animals in every arm."""
    if n_lines < 2:
        words = "animals with two readings under the control and a treatment"
        raise DataError(
            f"at least two lines with {words}" if paired else "at least two lines",
            found=_count(n_lines, "line"),
            where="panel",
            mend="one line is a study: see oncovivo growth",
        )
    for place, name in enumerate(arms):
        if not in_arm[:, place].any():
            expected = "a line with animals under it" + (" and the control" if paired else "")
            raise DataError(expected, found="none", where=f"treatment {name}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
