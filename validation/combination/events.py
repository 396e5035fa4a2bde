"""Type I error of the null models of a combination on the time to an event, in small studies.

Run it as ``python validation/combination/events.py [--studies N] [--check]``; it writes
``events.json`` beside itself, a line for each cell. With ``--check`` nothing is written: the
committed file is held against the limits, fewer studies of each cell are simulated again, and the
exit status is 1 if either fails.

The generator: four arms of n animals (control, A, B, both) with exponential times, the control's
median 20 days, and all animals left at day 60. Bliss cells: the combination's hazard ratio is the
product of the partners'. HSA cells: the combination is as good as the better partner, and the
other one is inert (the least favorable point) or as good.

Bliss tests, two-sided at 5 %: Cox's Wald z (studies without a finite estimate do not reject) and
its likelihood ratio; the penalized likelihood ratio against chi-squared, against t with animals
less arms as degrees of freedom, and against 119 relabelings; the percentile interval of resampled
medians, of the studies in which all medians are reached. HSA tests, one-sided at 5 %: against t,
and against relabelings. Of 300 studies of some cells, the Weibull model against t.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from oncovivo.combination import CombinationArms
from oncovivo.combination.event_hazards import penalized_roots
from oncovivo.combination.event_nulls import event_bliss, event_hsa
from oncovivo.combination.event_question import EventMethod, bliss_design, partner_design
from oncovivo.numerics.newton import minimize_newton
from oncovivo.survival.events import SurvivalData
from oncovivo.survival.partial_likelihood import PartialLikelihood
from oncovivo.survival.risk_sets import risk_sets

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.intp]
Row: TypeAlias = dict[str, object]

OUTPUT: Final = Path(__file__).with_name("events.json")
SEED: Final = 20_261_123
MEDIAN: Final = 20.0
END: Final = 60.0
ERROR: Final = 0.05
SIZES: Final = (5, 8, 10)
BLISS: Final = ((1.0, 1.0), (0.5, 0.5), (0.3, 0.3), (0.2, 1.0))
HSA: Final = ((0.4, 1.0), (0.4, 0.4))
WEIBULL: Final = (0.5, 0.5)
STUDIES: Final = 1_000
CHECK_STUDIES: Final = 200
CHECK_ERRORS: Final = 4.0
# The part of the studies that slow tests get.
HSA_SHARE: Final = 0.6
WEIBULL_SHARE: Final = 0.3
# Most rejections, percent, beyond two Monte Carlo errors: the default tests hold their level, the
# others are shown for what they are.
HIGHEST: Final = {"relabeled_pct": 5.6, "hsa_relabeled_pct": 5.6}
# One more is a multiple of 40, so that a tail of 2.5 % is a whole number of them.
RELABELINGS: Final = 119
FIRST_RELABELINGS: Final = 19
RESAMPLES: Final = 499
_PART: Final = 2_000
_TIE: Final = 1e-6
# Log hazard ratios of Cox beyond this are on their way to infinity.
_INFINITE: Final = 9.0
ARMS: Final = CombinationArms(control="C", partners=("A", "B"), combination="AB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design.

    Parameters
    ----------
    null : {"bliss", "hsa"}
        What is true.
    n : int
        Animals of each arm.
    ratios : tuple of float
        Hazard ratios of the partners.
    """

    null: Literal["bliss", "hsa"]
    n: int
    ratios: tuple[float, float]

    def labels(self) -> Row:
        """What the row of the cell is found by."""
        return {"null": self.null, "n": self.n, "hazard_ratios": list(self.ratios)}


def cells() -> list[Cell]:
    """All of them."""
    bliss = [Cell(null="bliss", n=n, ratios=ratios) for n, ratios in product(SIZES, BLISS)]
    return bliss + [Cell(null="hsa", n=n, ratios=ratios) for n, ratios in product(SIZES, HSA)]


def simulate(cell: Cell, studies: int, rng: np.random.Generator) -> tuple[FloatArray, BoolArray]:
    """Times and events, each of shape (studies, animals), by arms."""
    first, second = cell.ratios
    both = first * second if cell.null == "bliss" else min(first, second)
    hazard = math.log(2) / MEDIAN * np.repeat([1.0, first, second, both], cell.n)
    time = rng.standard_exponential((studies, 4 * cell.n)) / hazard
    return np.minimum(time, END), time <= END


def roots_of(
    time: FloatArray, event: BoolArray, labels: IntArray, design: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Penalized root ratios of many studies, and which arrived."""
    roots, arrived = np.zeros(len(time)), np.zeros(len(time), dtype=np.bool_)
    for low in range(0, len(time), _PART):
        part = slice(low, low + _PART)
        likelihood = PartialLikelihood.of(risk_sets(time[part], event[part]), labels[part], design)
        roots[part], arrived[part] = penalized_roots(likelihood)
    return roots, arrived


def relabeled(
    time: FloatArray,
    event: BoolArray,
    roots: FloatArray,
    design: FloatArray,
    moved: IntArray,
    rng: np.random.Generator,
    *,
    one_sided: bool,
) -> BoolArray:
    """Which studies relabelings of some animals reject, one- or two-sided.

    Relabelings stop where what was drawn already decides.
    """
    role = np.repeat(np.arange(4), time.shape[1] // 4)
    lower, upper = np.zeros(len(time), dtype=np.intp), np.zeros(len(time), dtype=np.intp)
    # p = (1 + count) / (1 + draws), doubled where two-sided
    most = math.floor(ERROR * (RELABELINGS + 1) / (1 if one_sided else 2)) - 1
    open_ = np.arange(len(time))
    for count in (FIRST_RELABELINGS, RELABELINGS - FIRST_RELABELINGS):
        labels = np.tile(role, (open_.size * count, 1))
        labels[:, moved] = rng.permuted(labels[:, moved], axis=1)
        rows = np.repeat(open_, count)
        drawn, _ = roots_of(time[rows], event[rows], labels, design)
        drawn = drawn.reshape(open_.size, count)
        lower[open_] += (drawn <= roots[open_, None] + _TIE).sum(axis=1)
        upper[open_] += (drawn >= roots[open_, None] - _TIE).sum(axis=1)
        least = lower if one_sided else np.minimum(lower, upper)
        open_ = np.flatnonzero(least <= most)
    found = np.zeros(len(time), dtype=np.bool_)
    found[open_] = True
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LastAtZero:
    """Cox's likelihood with the last coefficient at zero."""

    likelihood: PartialLikelihood

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values, gradients and Hessians at the others."""
        whole = np.concatenate((theta, np.zeros((theta.shape[0], 1))), axis=1)
        value, gradient, information = self.likelihood(whole)
        return value, gradient[:, :-1], information[:, :-1, :-1]

    def take(self, index: IntArray) -> _LastAtZero:
        """Some of the studies."""
        return _LastAtZero(likelihood=self.likelihood.take(index))


def cox(time: FloatArray, event: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Wald z of the interaction, 0 where it is infinite, and its likelihood ratio."""
    role = np.repeat(np.arange(4), time.shape[1] // 4)
    likelihood = PartialLikelihood.of(risk_sets(time, event), role, bliss_design(2))
    start = np.zeros_like(likelihood.observed)
    best = minimize_newton(likelihood, start)
    held = minimize_newton(_LastAtZero(likelihood=likelihood), start[:, :-1])
    finite = np.abs(best.theta).max(axis=1) < _INFINITE
    z = np.zeros(len(time))
    information = likelihood(best.theta)[2][finite]
    z[finite] = best.theta[finite, -1] / np.sqrt(np.linalg.inv(information)[:, -1, -1])
    return z, 2 * np.maximum(held.value - best.value, 0.0)


def study_of(time: FloatArray, event: BoolArray) -> SurvivalData:
    """One study as the package has it."""
    n = time.size
    return SurvivalData(
        study_id="simulated",
        arms=("C", "A", "B", "AB"),
        animal_ids=tuple(f"m{i}" for i in range(n)),
        arm=np.repeat(np.arange(4), n // 4),
        entry=np.zeros(n),
        time=time,
        lower=time,
        upper=np.where(event, time, np.inf),
        event=event,
        cause=event.astype(np.int64),
        causes=("event",),
        event_definition="event",
        event_time="visit",
    )


def by_package(
    cell: Cell,
    time: FloatArray,
    event: BoolArray,
    *,
    method: EventMethod,
    rng: np.random.Generator | None,
) -> BoolArray:
    """Which studies a test on medians rejects, of those that it answers."""
    test = event_bliss if cell.null == "bliss" else event_hsa
    found = []
    for row in range(len(time)):
        result = test(
            study_of(time[row], event[row]),
            ARMS,
            scale="median_survival",
            method=method,
            rng=rng,
            draws=RESAMPLES,
        )
        if result.estimate is not None:
            found.append(result.p_value is not None and result.p_value <= ERROR)
    return np.array(found, dtype=np.bool_)


def run(cell: Cell, studies: int) -> Row:
    """Rejections of one cell, percent."""
    ratios = [round(100 * ratio) for ratio in cell.ratios]
    rng = np.random.default_rng([SEED, cell.null == "hsa", cell.n, *ratios])
    if cell.null == "hsa":
        studies = round(HSA_SHARE * studies)
    time, event = simulate(cell, studies, rng)
    row: Row = {**cell.labels(), "studies": studies}
    row["events_pct"] = round(100 * float(event.mean()), 1)
    had = np.any(event.reshape(studies, 4, cell.n), axis=2)
    silent = ~np.all(had, axis=1)
    row["arm_without_event_pct"] = round(100 * float(silent.mean()), 1)
    add = _bliss if cell.null == "bliss" else _hsa
    add(row, cell, time, event, rng)
    resampled = by_package(cell, time, event, method="kaplan_meier", rng=rng)
    row["median_answered_pct"] = round(100 * resampled.size / studies, 1)
    _put(row, "median", resampled)
    return row


def _bliss(
    row: Row, cell: Cell, time: FloatArray, event: BoolArray, rng: np.random.Generator
) -> None:
    role = np.repeat(np.arange(4), cell.n)
    design = bliss_design(2)
    z, ratio = cox(time, event)
    roots, arrived = roots_of(time, event, np.tile(role, (len(time), 1)), design)
    normal = -float(special.ndtri(ERROR / 2))
    few = -float(special.stdtrit(role.size - 4, ERROR / 2))
    _put(row, "wald_z", np.abs(z) > normal)
    _put(row, "cox_lr", ratio > normal**2)
    _put(row, "penalized_chi2", np.abs(roots) > normal)
    _put(row, "penalized_t", np.abs(roots) > few)
    moved = np.arange(role.size)
    _put(
        row,
        "relabeled",
        relabeled(time, event, roots, design, moved, rng, one_sided=False)[arrived],
    )
    if cell.ratios == WEIBULL:
        some = round(WEIBULL_SHARE * len(time))
        _put(
            row,
            "weibull_t",
            by_package(cell, time[:some], event[:some], method="weibull", rng=None),
        )


def _hsa(
    row: Row, cell: Cell, time: FloatArray, event: BoolArray, rng: np.random.Generator
) -> None:
    role = np.repeat(np.arange(4), cell.n)
    reach = float(special.stdtrit(role.size - 4, ERROR))
    by_t, by_labels = np.ones(len(time), dtype=np.bool_), np.ones(len(time), dtype=np.bool_)
    for partner in (0, 1):
        design = partner_design(2, partner)
        roots, _ = roots_of(time, event, np.tile(role, (len(time), 1)), design)
        by_t &= roots < reach
        moved = np.flatnonzero((role == 1 + partner) | (role == 3))
        # the other partner need not be asked where one is not rejected
        left = np.flatnonzero(by_labels)
        by_labels[left] = relabeled(
            time[left], event[left], roots[left], design, moved, rng, one_sided=True
        )
    _put(row, "hsa_penalized_t", by_t)
    _put(row, "hsa_relabeled", by_labels)


def _put(row: Row, test: str, rejected: BoolArray) -> None:
    """A share of rejections with its Monte Carlo error, percent."""
    if rejected.size:
        share = float(rejected.mean())
        row[f"{test}_pct"] = round(100 * share, 2)
        row[f"{test}_mc_error_pct"] = mc_error(share, rejected.size)


def mc_error(share: float, count: int) -> float:
    """Monte Carlo error of a share, percent."""
    return round(100 * math.sqrt(share * (1 - share) / count), 3)


def text(rows: Sequence[Row]) -> str:
    """The file: what was simulated, then a line for each cell."""
    head = {
        "generator": {
            "distribution": "exponential",
            "control_median_days": MEDIAN,
            "end_day": END,
            "relabelings": RELABELINGS,
            "resamples": RESAMPLES,
        },
        "error": ERROR,
        "seed": SEED,
    }
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def outside(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Cells in which a default test rejects too often."""
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
                count = number(again, "studies")
                error = mc_error(number(row, key) / 100, round(count))
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
    parser = argparse.ArgumentParser(description="Type I error of event null models.")
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
