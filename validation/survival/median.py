"""Coverage of the intervals of a Kaplan-Meier median, and of the ratio of two of them.

Run it as ``python validation/survival/median.py [--studies N] [--check]``; it writes
``median.json`` beside itself, a line for each cell. With ``--check`` nothing is written: the
committed file is held against the limits, a few hundred studies of each cell are simulated again,
and the exit status is 1 if either fails.

The generator: n animals whose event times are Weibull with shape 3 and a median of 30 days. With
censoring animals leave, independently, on a day uniform up to four times the mean event time,
which is before the event for a quarter of them. Ratios are those of an arm and a control of n
animals each; the arm's median is that of the control, or twice that while all follow-up ends on
day 70, so that the arm's median is not always reached.

Intervals are 95 %: of the median by the limits of the curve (``log``, ``loglog``,
``betaproduct``); of the ratio by the bootstrap within arms, and, for comparison, combined from
the beta-product limits of both medians (MOVER; each at 92 %, which is what gives 95 % together).
A limit that does not exist counts as zero or infinite. Studies without a median of the control
have no ratio and are left out there.
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
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.endpoints.intervals import mover_difference, part_level
from oncovivo.survival.curves import LimitsMethod, survival_curve, survival_quantile
from oncovivo.survival.median_ratio import median_ratio, median_times

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
Row: TypeAlias = dict[str, object]
Interval: TypeAlias = tuple[float, float]

OUTPUT: Final = Path(__file__).with_name("median.json")
SEED: Final = 20_251_123
SHAPE: Final = 3.0
MEDIAN: Final = 30.0
SCALE: Final = MEDIAN / math.log(2) ** (1 / SHAPE)
MEAN: Final = SCALE * math.gamma(1 + 1 / SHAPE)
LEVEL: Final = 0.95
SIZES: Final = (5, 8, 10, 20)
CENSORED: Final = (0.0, 0.25)
METHODS: Final[tuple[LimitsMethod, ...]] = ("log", "loglog", "betaproduct")
# True ratio of the medians, and the day on which follow-up ends.
RATIOS: Final = ((1.0, math.inf), (2.0, 70.0))
DRAWS: Final = 999
STUDIES: Final = 5_000
# Studies with a ratio, for each with a median.
RATIO_PART: Final = 0.4
# Studies of each cell that a check simulates again, and the Monte Carlo errors it may be off.
CHECK_STUDIES: Final = 200
CHECK_ERRORS: Final = 4.0
# Least coverage, percent, of the default limits of a median and of the ratio.
LOWEST_MEDIAN: Final = 93.0
LOWEST_RATIO: Final = 93.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design and one interval.

    Parameters
    ----------
    question : {"median", "ratio"}
        What the interval is of.
    method : str
        How it is made.
    n : int
        Animals of each arm.
    censored : float
        Share of animals that leave before the event.
    ratio, end : float
        Of a ratio: the true one, and the last day of follow-up.
    """

    question: Literal["median", "ratio"]
    method: str
    n: int
    censored: float
    ratio: float = 1.0
    end: float = math.inf

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {
            "question": self.question,
            "method": self.method,
            "n": self.n,
            "censored_pct": 100 * self.censored,
            "true": MEDIAN if self.question == "median" else self.ratio,
            "last_day": self.end if math.isfinite(self.end) else None,
        }

    def rng(self) -> np.random.Generator:
        """Random numbers of the design, the same for every method."""
        key = [int(self.question == "ratio"), self.n, round(100 * self.censored)]
        return np.random.default_rng([SEED, *key, round(10 * self.ratio)])


def cells() -> list[Cell]:
    """All of them."""
    designs = list(product(SIZES, CENSORED))
    medians = [
        Cell(question="median", method=method, n=n, censored=censored)
        for method in METHODS
        for n, censored in designs
    ]
    ratios = [
        Cell(question="ratio", method=method, n=n, censored=censored, ratio=ratio, end=end)
        for ratio, end in RATIOS
        for method in ("bootstrap", "mover")
        for n, censored in designs
    ]
    return [*medians, *ratios]


def simulate(
    shape: tuple[int, ...],
    censored: float,
    rng: np.random.Generator,
    *,
    ratio: float = 1.0,
    end: float = math.inf,
) -> tuple[FloatArray, BoolArray]:
    """Times and events."""
    time = ratio * SCALE * rng.weibull(SHAPE, shape)
    leave = np.full(shape, end)
    if censored:
        leave = np.minimum(leave, rng.uniform(0.0, MEAN / censored, shape))
    return np.minimum(time, leave), time <= leave


def median_interval(
    time: FloatArray, event: BoolArray, method: LimitsMethod, level: float = LEVEL
) -> Interval:
    """Limits of the median of one group."""
    found = survival_quantile(survival_curve(time, event, level=level, method=method))
    return found.lower or 0.0, math.inf if found.upper is None else found.upper


def bootstrap_interval(
    arm: tuple[FloatArray, BoolArray],
    control: tuple[FloatArray, BoolArray],
    rng: np.random.Generator,
) -> Interval | None:
    """Limits of the ratio as the package makes them."""
    n = arm[0].size
    found = median_ratio(
        np.concatenate((arm[0], control[0])),
        np.concatenate((arm[1], control[1])),
        np.repeat([1, 0], n),
        arm=1,
        control=0,
        rng=rng,
        draws=DRAWS,
        level=LEVEL,
    )
    if found.status == "not_estimable":
        return None
    return found.ratio_lower or 0.0, math.inf if found.ratio_upper is None else found.ratio_upper


def mover_interval(
    arm: tuple[FloatArray, BoolArray], control: tuple[FloatArray, BoolArray]
) -> Interval | None:
    """Limits of the ratio from those of both medians, on the log scale."""
    top, bottom = float(median_times(*arm)), float(median_times(*control))
    if not math.isfinite(bottom):
        return None
    reached = math.isfinite(top)
    level = part_level(LEVEL)
    with np.errstate(divide="ignore"):
        x, y = (
            np.log(np.array(median_interval(*each, "betaproduct", level)))
            for each in (arm, control)
        )
    # the lower limit rises with the median: that of the last day is a safe one
    middle = np.log(np.array(top if reached else float(arm[0].max())))
    lower, upper = mover_difference(
        middle,
        (x[:1], x[1:] if reached else np.array([np.inf])),
        np.log(np.array(bottom)),
        (y[:1], y[1:]),
    )
    return float(np.exp(lower[0])), float(np.exp(upper[0]))


def run(cell: Cell, studies: int) -> Row:
    """Coverage of one cell, percent."""
    rng = cell.rng()
    truth = MEDIAN if cell.question == "median" else cell.ratio
    intervals = list(_intervals(cell, studies, rng))
    known = np.array([found for found in intervals if found is not None])
    low, high = known[:, 0], known[:, 1]
    covered = float(((low <= truth) & (truth <= high)).mean())
    both = (low > 0) & np.isfinite(high)
    width = np.log(high[both] / low[both])
    return {
        **cell.labels(),
        "studies": studies,
        "without_pct": _percent(1 - len(known) / studies),
        "coverage_pct": _percent(covered),
        "mc_error_pct": round(100 * math.sqrt(covered * (1 - covered) / len(known)), 2),
        "too_high_pct": _percent(float((low > truth).mean())),
        "too_low_pct": _percent(float((high < truth).mean())),
        "no_lower_pct": _percent(float((low <= 0).mean())),
        "no_upper_pct": _percent(float(np.isinf(high).mean())),
        "median_fold_width": round(float(np.exp(np.median(width))), 2) if both.any() else None,
    }


def _intervals(cell: Cell, studies: int, rng: np.random.Generator) -> Iterable[Interval | None]:
    """The interval of each study."""
    shape = (studies, cell.n)
    if cell.question == "median":
        time, event = simulate(shape, cell.censored, rng)
        (method,) = (name for name in METHODS if name == cell.method)
        for row in range(studies):
            yield median_interval(time[row], event[row], method)
        return
    x = simulate(shape, cell.censored, rng, ratio=cell.ratio, end=cell.end)
    y = simulate(shape, cell.censored, rng, end=cell.end)
    for row in range(studies):
        arm, control = (x[0][row], x[1][row]), (y[0][row], y[1][row])
        if cell.method == "mover":
            yield mover_interval(arm, control)
        else:
            yield bootstrap_interval(arm, control, rng)


def studies_of(cell: Cell, studies: int) -> int:
    """Studies of a cell."""
    return studies if cell.question == "median" else round(RATIO_PART * studies)


def _percent(share: float) -> float:
    return round(100 * share, 2)


def text(rows: Iterable[Row]) -> str:
    """The file: what was simulated, then a line for each cell."""
    head = {
        "generator": {"distribution": "Weibull", "shape": SHAPE, "median_days": MEDIAN},
        "level": LEVEL,
        "draws": DRAWS,
        "seed": SEED,
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def outside(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of the default intervals that cover too little."""
    least = {"betaproduct": LOWEST_MEDIAN, "bootstrap": LOWEST_RATIO}
    return [
        f"{name(row)}: covers {row['coverage_pct']} %"
        for row in rows
        if number(row, "coverage_pct") + 2 * number(row, "mc_error_pct")
        < least.get(str(row["method"]), 0.0)
    ]


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of which some studies come out otherwise than the committed ones."""
    found: list[str] = []
    for cell, row in zip(cells(), rows, strict=True):
        again = run(cell, CHECK_STUDIES)
        share = number(row, "coverage_pct") / 100
        error = 100 * math.sqrt(share * (1 - share) / CHECK_STUDIES)
        # one study more or less is no difference
        off = abs(number(again, "coverage_pct") - number(row, "coverage_pct"))
        if off > CHECK_ERRORS * error + 100 / CHECK_STUDIES:
            found.append(f"{name(row)}: {again['coverage_pct']}, committed {row['coverage_pct']}")
    return found


def name(row: Mapping[str, object]) -> str:
    """What a cell is called."""
    return ", ".join(f"{key} {row[key]}" for key in cells()[0].labels())


def number(row: Mapping[str, object], key: str) -> float:
    """A number of a row."""
    value = row[key]
    if isinstance(value, float | int):
        return float(value)
    message = f"{key} is no number"
    raise TypeError(message)


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Coverage of intervals of median times.")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = [run(cell, studies_of(cell, options.studies)) for cell in cells()]
        OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
