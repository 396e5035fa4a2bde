"""Type I error of the log-rank test, its exact form and Firth's Cox regression in small studies.

Run it as ``python validation/survival/type_one.py [--studies N] [--check]``; it writes
``type_one.json`` beside itself, a line for each cell. With ``--check`` nothing is written: the
committed file is held against the limits, a few thousand studies of each cell are simulated
again, and the exit status is 1 if either fails.

The generator: arms of n animals whose event times are all Weibull with shape 3 and a median of 30
days. With censoring animals leave, independently, on a day uniform up to four times the mean
event time, which is before the event for a quarter of them. Times are exact, or there are weekly
visits: an event is seen at the visit after it, an animal that left was last seen at the visit
before.

Tests at 5 %: the log-rank test of all arms by chi-squared; with two arms the exact permutation
test of all relabelings, and the penalized likelihood-ratio test of Firth's regression; with four
arms that test for the first treated arm against the control, with the other coefficients free,
and a permutation test of all arms by 999 drawn relabelings.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.partial_likelihood import PartialLikelihood, Penalized
from oncovivo.survival.permutation import log_rank_animal_scores
from oncovivo.survival.rank_tests import log_rank_many
from oncovivo.survival.risk_sets import risk_sets

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]
Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("type_one.json")
SEED: Final = 20_251_122
SHAPE: Final = 3.0
MEDIAN: Final = 30.0
SCALE: Final = MEDIAN / math.log(2) ** (1 / SHAPE)
MEAN: Final = SCALE * math.gamma(1 + 1 / SHAPE)
VISIT: Final = 7.0
LEVEL: Final = 0.05
SIZES: Final = (5, 8)
ARMS: Final = (2, 4)
CENSORED: Final = (0.0, 0.25)
STUDIES: Final = 20_000
# Studies of each cell that a check simulates again, and the Monte Carlo errors it may be off.
CHECK_STUDIES: Final = 1_000
CHECK_ERRORS: Final = 4.0
# Most rejections, percent, beyond two Monte Carlo errors; the chi-squared test and Firth's of
# few animals do not hold their level, and are shown for what they are.
HIGHEST: Final = {"exact_pct": 5.0, "relabeled_pct": 5.0, "log_rank_pct": 13.0, "firth_pct": 10.0}
# Studies that are held in memory at once, and in the enumeration.
_PART: Final = 5_000
_EXACT_PART: Final = 100
_RELABELED_PART: Final = 200
# Relabelings drawn where there are four arms.
DRAWS: Final = 999
# Sums of the same scores in another order differ by rounding.
_TIE: Final = 1e-9
_MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design.

    Parameters
    ----------
    arms, n : int
        Arms, and animals of each.
    visits : bool
        Whether events are seen at weekly visits only.
    censored : float
        Share of animals that leave before the event.
    """

    arms: int
    n: int
    visits: bool
    censored: float

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {
            "arms": self.arms,
            "n": self.n,
            "visits": self.visits,
            "censored_pct": 100 * self.censored,
        }


def cells() -> list[Cell]:
    """All of them."""
    return [
        Cell(arms=arms, n=n, visits=visits, censored=censored)
        for arms, n, visits, censored in product(ARMS, SIZES, (False, True), CENSORED)
    ]


def simulate(cell: Cell, studies: int, rng: np.random.Generator) -> tuple[FloatArray, BoolArray]:
    """Times and events, each of shape (studies, animals), the control first."""
    shape = (studies, cell.arms * cell.n)
    time = SCALE * rng.weibull(SHAPE, shape)
    leave = rng.uniform(0.0, MEAN / max(cell.censored, 1e-9), shape)
    if not cell.censored:
        leave = np.full(shape, np.inf)
    if not cell.visits:
        return np.minimum(time, leave), time <= leave
    seen = VISIT * np.ceil(time / VISIT)
    event = seen <= leave
    last = VISIT * np.floor(np.where(event, 0.0, leave) / VISIT)
    return np.where(event, seen, last), event


def exact_p_values(time: FloatArray, event: BoolArray) -> FloatArray:
    """Permutation p-value of each study of two arms of one size, over all relabelings."""
    count, animals = time.shape
    half = animals // 2
    chosen = np.array(list(combinations(range(animals), half)), dtype=np.intp)
    member = np.zeros((chosen.shape[0], animals))
    np.put_along_axis(member, chosen, 1.0, axis=1)
    scores = np.stack([log_rank_animal_scores(time[row], event[row]) for row in range(count)])
    found = np.empty(count)
    for low in range(0, count, _EXACT_PART):
        part = scores[low : low + _EXACT_PART]
        observed = np.abs(part[:, half:].sum(axis=1)) - _TIE * np.abs(part).sum(axis=1)
        far = np.abs(part @ member.T) >= observed[:, None]
        found[low : low + _EXACT_PART] = far.mean(axis=1)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _FirstAtZero:
    """Penalized likelihood of many studies with the first coefficient at zero."""

    penalized: Penalized

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients and information at the others."""
        whole = np.concatenate((np.zeros((theta.shape[0], 1)), theta), axis=1)
        value, gradient, information = self.penalized(whole)
        return value, gradient[:, 1:], information[:, 1:, 1:]

    def take(self, index: IntArray) -> _FirstAtZero:
        """Some of the studies."""
        return _FirstAtZero(penalized=self.penalized.take(index))


def firth_p_values(time: FloatArray, event: BoolArray, arms: int) -> tuple[FloatArray, BoolArray]:
    """Penalized likelihood-ratio p-values of the first treated arm, and which searches arrived."""
    group = np.repeat(np.arange(arms), time.shape[1] // arms)
    design = np.eye(arms)[:, 1:]
    likelihood = PartialLikelihood.of(risk_sets(time, event), group, design)
    penalized = Penalized(likelihood=likelihood)
    start = np.zeros_like(likelihood.observed)
    best = minimize_newton(penalized, start, max_iterations=_MOST_STEPS)
    arrived = best.converged
    held = _FirstAtZero(penalized=penalized)
    rest = start[:, 1:]
    if arms > 2:
        other = minimize_newton(held, rest, max_iterations=_MOST_STEPS)
        rest, arrived = other.theta, arrived & other.converged
    at_zero, at_best = held(rest)[0], penalized(best.theta)[0]
    # infinite where no event compares an arm
    arrived = arrived & np.isfinite(at_zero) & np.isfinite(at_best)
    rise = np.subtract(at_zero, at_best, where=arrived, out=np.zeros_like(at_zero))
    p_values = special.chdtrc(1, 2 * np.maximum(rise, 0.0))
    return np.asarray(p_values, dtype=np.float64), arrived


def relabeled_p_values(
    time: FloatArray, event: BoolArray, arms: int, rng: np.random.Generator
) -> FloatArray:
    """P-values of all arms by drawn relabelings, the same ones for a part of the studies.

    The statistic is the sum over arms of the squared sum of the animals' log-rank scores, by the
    animals: arms are of one size, so that is the log-rank statistic with the variance that
    relabeling gives it.
    """
    count, animals = time.shape
    group = np.repeat(np.arange(arms), animals // arms)
    found = np.empty(count)
    for low in range(0, count, _RELABELED_PART):
        rows = range(low, min(low + _RELABELED_PART, count))
        scores = np.stack([log_rank_animal_scores(time[row], event[row]) for row in rows])
        labels = rng.permuted(np.tile(group, (DRAWS, 1)), axis=1)
        labels = np.concatenate((group[None], labels))
        statistic = np.zeros((len(rows), DRAWS + 1))
        for arm in range(arms):
            statistic += (scores @ (labels == arm).T.astype(np.float64)) ** 2
        far = statistic >= statistic[:, :1] * (1 - _TIE)
        found[low : low + len(rows)] = far.mean(axis=1)
    return found


def run(cell: Cell, studies: int) -> Row:
    """Rejections of one cell, percent."""
    key = [cell.arms, cell.n, int(cell.visits), round(100 * cell.censored)]
    rng = np.random.default_rng([SEED, *key])
    p_values: dict[str, list[FloatArray]] = {
        "log_rank": [],
        "firth": [],
        "exact": [],
        "relabeled": [],
    }
    lost, events = 0, 0
    group = np.repeat(np.arange(cell.arms), cell.n)
    for low in range(0, studies, _PART):
        time, event = simulate(cell, min(_PART, studies - low), rng)
        events += int(event.sum())
        p_values["log_rank"].append(log_rank_many(time, event, group)[2])
        firth, arrived = firth_p_values(time, event, cell.arms)
        p_values["firth"].append(firth[arrived])
        lost += int((~arrived).sum())
        if cell.arms == 2:
            p_values["exact"].append(exact_p_values(time, event))
        else:
            p_values["relabeled"].append(relabeled_p_values(time, event, cell.arms, rng))
    row: Row = {
        **cell.labels(),
        "studies": studies,
        "events_pct": round(100 * events / (studies * group.size), 1),
        "firth_not_converged": lost,
    }
    for test, parts in p_values.items():
        if parts:
            rejected = np.concatenate(parts) <= LEVEL
            row[f"{test}_pct"] = round(100 * float(rejected.mean()), 2)
            row[f"{test}_mc_error_pct"] = mc_error(float(rejected.mean()), rejected.size)
    return row


def mc_error(share: float, count: int) -> float:
    """Monte Carlo error of a share, percent."""
    return round(100 * math.sqrt(share * (1 - share) / count), 3)


def text(rows: Iterable[Row]) -> str:
    """The file: what was simulated, then a line for each cell."""
    head = {
        "generator": {
            "distribution": "Weibull",
            "shape": SHAPE,
            "median_days": MEDIAN,
            "visit_every_days": VISIT,
        },
        "level": LEVEL,
        "seed": SEED,
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def outside(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells that reject too often."""
    return [
        f"{name(row)}: {key} {row[key]}"
        for row in rows
        for key, most in HIGHEST.items()
        if key in row and number(row, key) - 2 * number(row, error_of(key)) > most
    ]


def repeated(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells of which some studies come out otherwise than the committed ones."""
    found: list[str] = []
    for cell, row in zip(cells(), rows, strict=True):
        again = run(cell, CHECK_STUDIES)
        for key in HIGHEST:
            if key in row:
                error = mc_error(number(row, key) / 100, CHECK_STUDIES)
                if abs(number(again, key) - number(row, key)) > CHECK_ERRORS * error:
                    found.append(f"{name(row)}: {key} {again[key]}, committed {row[key]}")
    return found


def error_of(key: str) -> str:
    """Name of the Monte Carlo error of a rejection rate."""
    return key.replace("_pct", "_mc_error_pct")


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
    parser = argparse.ArgumentParser(description="Type I error of tests of event times.")
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
        bad = [*outside(rows), *repeated(rows)]
    else:
        rows = [run(cell, options.studies) for cell in cells()]
        OUTPUT.write_text(text(rows), encoding="utf-8")
        bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
