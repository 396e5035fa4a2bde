"""Bias of Kaplan-Meier from visits, against interpolated times and interval censoring.

Run it as ``python validation/survival/visits.py [--studies N] [--check]``; it writes
``visits.json`` beside itself, a line for each cell and way. With ``--check`` nothing is written:
the exit status is 1 when the committed file is outside the limits, or a few hundred studies of
each cell come out otherwise.

The generator: one arm of eight animals whose tumors grow log-linearly and are read at visits up to
day 42, with or without error of the log readings; the baseline is read without. The event is four
times the baseline. Its true times, which follow from the rates, are log-normal with a standard
deviation of 0.25; their median is drawn for each study, uniform between days 14 and 28, so that it
falls anywhere between two visits, and so is the day on which survival is asked for.

Ways: ``exact`` Kaplan-Meier from the true times, which no study has, for what is due to few
animals alone; ``visit`` from the first visit at or above the threshold; ``interpolated`` from the
crossing on the log scale; ``interval`` Turnbull's estimate from the brackets, with the middle of
the interval in which the median lies, and of the least and greatest survival.

Bias is the mean over studies of estimate less truth. Medians that are not reached are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.endpoints.delay import EventTimes, crossing_times
from oncovivo.survival.curves import survival_at, survival_curve
from oncovivo.survival.median_ratio import median_times
from oncovivo.survival.turnbull import turnbull, turnbull_at, turnbull_median

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Row: TypeAlias = dict[str, object]
Way: TypeAlias = Literal["exact", "visit", "interpolated", "interval"]

OUTPUT: Final = Path(__file__).with_name("visits.json")
SEED: Final = 20_251_124
MULTIPLE: Final = 4.0
ANIMALS: Final = 8
TIME_SD: Final = 0.25
# Between which days the true median is, and the day of the question: two weeks.
DAYS: Final = (14.0, 28.0)
LAST_DAY: Final = 42.0
EVERY: Final = (7.0, 3.5)
READING_SDS: Final = (0.0, 0.15)
WAYS: Final[tuple[Way, ...]] = get_args(Way)
STUDIES: Final = 6_000
# Studies of each cell that a check simulates again, and the Monte Carlo errors it may be off.
CHECK_STUDIES: Final = 300
CHECK_ERRORS: Final = 4.0
# Days that the median may be off by a way that allows for the visits, beyond Monte Carlo error.
LARGEST_BIAS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design.

    Parameters
    ----------
    every : float
        Days between visits.
    reading_sd : float
        Of the log readings.
    """

    every: float
    reading_sd: float

    def labels(self) -> Row:
        """What the rows of the cell are found by."""
        return {"every_days": self.every, "reading_sd": self.reading_sd}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Studies:
    """Simulated studies.

    Parameters
    ----------
    median, day : ndarray, shape (studies,)
        True median, and the day on which survival is asked for.
    time : ndarray, shape (studies, animals)
        True times.
    known : EventTimes
        What is known of them, study by study.
    """

    median: FloatArray
    day: FloatArray
    time: FloatArray
    known: EventTimes

    @property
    def survival(self) -> FloatArray:
        """True share without the event on the day, shape (studies,)."""
        return np.asarray(special.ndtr(np.log(self.median / self.day) / TIME_SD))


def cells() -> list[Cell]:
    """All of them."""
    return [
        Cell(every=every, reading_sd=reading_sd)
        for every, reading_sd in product(EVERY, READING_SDS)
    ]


def simulate(cell: Cell, studies: int, rng: np.random.Generator) -> Studies:
    """Studies of one cell."""
    median, day = rng.uniform(*DAYS, (2, studies))
    time = median[:, None] * np.exp(TIME_SD * rng.standard_normal((studies, ANIMALS)))
    visits = np.arange(0.0, LAST_DAY + cell.every / 2, cell.every)
    size = math.log(MULTIPLE) / time.reshape(-1, 1) * visits
    size[:, 1:] += cell.reading_sd * rng.standard_normal((size.shape[0], visits.size - 1))
    known = crossing_times(
        np.broadcast_to(visits, size.shape),
        size,
        np.full(size.shape[0], math.log(MULTIPLE)),
        np.ones(size.shape, dtype=np.bool_),
    )
    return Studies(median=median, day=day, time=time, known=known)


def estimates(way: Way, made: Studies) -> tuple[FloatArray, FloatArray]:
    """Median of each study, infinite where not reached, and its survival on its day."""
    shape = made.time.shape
    low, high = made.known.lower.reshape(shape), made.known.upper.reshape(shape)
    if way == "interval":
        found = [_interval(*row) for row in zip(low, high, made.day, strict=True)]
        return np.array([median for median, _ in found]), np.array([at for _, at in found])
    if way == "exact":
        time, event = np.minimum(made.time, LAST_DAY), made.time <= LAST_DAY
    else:
        event = made.known.reached.reshape(shape)
        time = made.known.time.reshape(shape)
        if way == "visit":
            time = np.where(event, high, time)
    survival = [
        float(survival_at(survival_curve(row, had, method="log"), [day])[0][0])
        for row, had, day in zip(time, event, made.day, strict=True)
    ]
    return median_times(time, event), np.array(survival)


def _interval(low: FloatArray, high: FloatArray, day: float) -> tuple[float, float]:
    """Turnbull's median and survival, in the middle of what the estimate allows."""
    curve = turnbull(low, high)
    left, right = turnbull_median(curve)
    least, greatest = turnbull_at(curve, [day])
    middle = math.inf if right is None else (left + right) / 2
    return middle, float(least[0] + greatest[0]) / 2


def run(cell: Cell, studies: int) -> list[Row]:
    """Bias of one cell by every way."""
    rng = np.random.default_rng([SEED, round(10 * cell.every), round(100 * cell.reading_sd)])
    made = simulate(cell, studies, rng)
    rows: list[Row] = []
    for way in WAYS:
        median, survival = estimates(way, made)
        reached = np.isfinite(median)
        off = median[reached] - made.median[reached]
        share = 100 * (survival - made.survival)
        rows.append(
            {
                **cell.labels(),
                "way": way,
                "studies": studies,
                "not_reached_pct": round(100 * float((~reached).mean()), 2),
                **_summary("median", off),
                **_summary("survival_pct", share),
            }
        )
    return rows


def _summary(what: str, off: FloatArray) -> Row:
    """Bias, its Monte Carlo error and the root of the mean squared error."""
    return {
        f"{what}_bias": round(float(off.mean()), 3),
        f"{what}_mc_error": round(float(off.std(ddof=1)) / math.sqrt(off.size), 3),
        f"{what}_rmse": round(float(np.sqrt((off**2).mean())), 2),
    }


def text(rows: Iterable[Row]) -> str:
    """The file: what was simulated, then a line for each cell and way."""
    head = {
        "generator": {
            "animals": ANIMALS,
            "log_time_sd": TIME_SD,
            "median_between_days": list(DAYS),
            "multiple": MULTIPLE,
            "last_day": LAST_DAY,
        },
        "seed": SEED,
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def outside(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells in which a way that allows for the visits is off."""
    return [
        f"{name(row)}: median off by {row['median_bias']} days"
        for row in rows
        if row["way"] != "visit"
        and abs(number(row, "median_bias")) - 2 * number(row, "median_mc_error") > LARGEST_BIAS
    ]


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Rows of which some studies come out otherwise than the committed ones."""
    found: list[str] = []
    again = [row for cell in cells() for row in run(cell, CHECK_STUDIES)]
    for old, new in zip(rows, again, strict=True):
        scale = math.sqrt(number(old, "studies") / CHECK_STUDIES)
        for what in ("median", "survival_pct"):
            before, after = (number(row, f"{what}_bias") for row in (old, new))
            if abs(after - before) > CHECK_ERRORS * scale * number(old, f"{what}_mc_error"):
                found.append(f"{name(old)}: {what} off by {after}, committed {before}")
    return found


def name(row: Mapping[str, object]) -> str:
    """What a row is called."""
    return ", ".join(f"{key} {row[key]}" for key in (*cells()[0].labels(), "way"))


def number(row: Mapping[str, object], key: str) -> float:
    """A number of a row."""
    value = row[key]
    if isinstance(value, float | int):
        return float(value)
    message = f"{key} is no number"
    raise TypeError(message)


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Bias of event times read at visits.")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = [row for cell in cells() for row in run(cell, options.studies)]
        OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
