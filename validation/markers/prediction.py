"""Prediction of a response from features that tell nothing, and from some that tell something.

Run it as ``python validation/markers/prediction.py [--sets N] [--check]``; it writes
``prediction.json`` beside itself. With ``--check`` nothing is written: the committed file is held
against the limits, and the exit status is 1 if it breaks one.

The generator: n lines with p independent normal features; the response is normal and, in the rows
with a signal, half of its variance comes from two of the features.

Rows: ``noise`` and ``signal`` are the nested procedure as `predict_line_response` runs it, five
outer folds, with permutations where they are asked for. ``leak`` is the mistake it guards against:
the features that go best with the response are picked over all lines, and only the fit of those
few is cross-validated; the response is noise. ``in_sample`` is the fit's R² on the lines that it
was fitted to. Where there is no signal, R² out of fold of an honest procedure is 0 or below on
average and its p-value is at or below 5 % in 5 % of the sets.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from oncovivo.biomarkers.learners import Learner, PredictionSettings, TrainingSet, choices, learn
from oncovivo.biomarkers.nested_validation import deal_folds, skill
from oncovivo.biomarkers.prediction import predict_line_response

FloatArray: TypeAlias = NDArray[np.float64]
Row: TypeAlias = dict[str, object]
Kind: TypeAlias = Literal["noise", "signal", "leak", "in_sample"]

OUTPUT: Final = Path(__file__).with_name("prediction.json")
SEED: Final = 20_261_123
FOLDS: Final = 5
PICKED: Final = 10
SIGNAL_SHARE: Final = 0.5
ALPHA: Final = 0.05
SETS: Final = 200
FOREST: Final = PredictionSettings(trees=20, inner_trees=10, inner_folds=3)
# Monte Carlo errors that a mean or a share may be off its limit.
ERRORS: Final = 3.0
BINS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One design."""

    kind: Kind
    model: Learner = "elastic_net"
    n: int = 30
    p: int = 50
    permutations: int = 0
    sets: int = SETS

    def rng(self, number: int) -> np.random.Generator:
        """Random numbers of one set."""
        return np.random.default_rng([SEED, self.n, self.p, len(self.kind), number])


def cells() -> list[Cell]:
    """All of them."""
    net = [
        Cell(kind="noise", p=50, permutations=39),
        Cell(kind="noise", p=200),
        Cell(kind="noise", n=100, p=50),
        Cell(kind="signal", p=50),
        Cell(kind="signal", n=100, p=50),
        Cell(kind="leak", p=50),
        Cell(kind="leak", p=1000),
        Cell(kind="in_sample", p=50),
    ]
    forest = [
        Cell(kind="noise", model="forest", p=20, sets=SETS // 2),
        Cell(kind="signal", model="forest", p=20, sets=SETS // 2),
    ]
    return net + forest


def draw(cell: Cell, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Response (n,) and features (n, p) of a set."""
    x = rng.standard_normal((cell.n, cell.p))
    y = rng.standard_normal(cell.n)
    if cell.kind == "signal":
        y *= np.sqrt(1 - SIGNAL_SHARE)
        y += np.sqrt(SIGNAL_SHARE / 2) * (x[:, 0] - x[:, 1])
    return y, x


def run(cell: Cell) -> Row:
    """One row of the table."""
    r2: list[float] = []
    p_values: list[float] = []
    for number in range(cell.sets):
        rng = cell.rng(number)
        y, x = draw(cell, rng)
        if cell.kind == "leak":
            r2.append(leaking(y, x, rng))
        elif cell.kind == "in_sample":
            r2.append(fitted(y, x, rng))
        else:
            found = predict_line_response(
                y,
                x,
                lines=[f"L{place:03d}" for place in range(cell.n)],
                features=[f"f{place:04d}" for place in range(cell.p)],
                model=cell.model,
                outer=FOLDS,
                permutations=cell.permutations,
                settings=FOREST if cell.model == "forest" else None,
                rng=rng,
            )
            r2.append(found.r2)
            if found.p_value is not None:
                p_values.append(found.p_value)
    row: Row = {
        "kind": cell.kind,
        "model": cell.model,
        "n_lines": cell.n,
        "n_features": cell.p,
        "sets": cell.sets,
        "permutations": cell.permutations,
        "mean_r2": round(float(np.mean(r2)), 4),
        "mc_error_r2": round(float(np.std(r2, ddof=1) / np.sqrt(cell.sets)), 4),
        "lower_r2": round(float(np.quantile(r2, 0.05)), 4),
        "upper_r2": round(float(np.quantile(r2, 0.95)), 4),
    }
    if p_values:
        p = np.array(p_values)
        edges = np.linspace(0, 1, BINS + 1)
        row["rejected_pct"] = round(100 * float((p <= ALPHA).mean()), 2)
        # p = 1/(B+1), …, 1: a quarter of the values lies in each quarter, its upper end included.
        row["quarters_pct"] = [
            round(100 * float(((p > low) & (p <= high)).mean()), 2)
            for low, high in pairwise(edges)
        ]
    return row


def leaking(y: FloatArray, x: FloatArray, rng: np.random.Generator) -> float:
    """R² once features were picked over all lines: what a paper must not print."""
    apart = (x - x.mean(axis=0)) / x.std(axis=0)
    picked = np.argsort(-np.abs(apart.T @ (y - y.mean())))[:PICKED]
    found = predict_line_response(
        y,
        x[:, picked],
        lines=[f"L{place:03d}" for place in range(y.size)],
        features=[f"f{place:04d}" for place in picked],
        outer=FOLDS,
        rng=rng,
    )
    return found.r2


def fitted(y: FloatArray, x: FloatArray, rng: np.random.Generator) -> float:
    """R² on the lines fitted, the penalty chosen by five folds."""
    lines = TrainingSet(
        response=y, std_error=np.zeros(y.size), features=x, group=np.arange(y.size)
    )
    settings = PredictionSettings()
    grid = choices(lines, "elastic_net", settings)
    fold = deal_folds(lines.group, FOLDS, rng=rng)
    error = np.zeros(len(grid))
    for number in range(FOLDS):
        held = fold == number
        said, _ = learn(lines.take(~held), grid, x[held], learner="elastic_net", trees=1, rng=rng)
        error += ((y[held] - said) ** 2).sum(axis=1)
    best = grid[int(np.argmin(error))]
    said, _ = learn(lines, [best], x, learner="elastic_net", trees=1, rng=rng)
    return skill(y, said[0], np.full(y.size, y.mean()), np.ones(y.size))


def outside(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Rows that break what is claimed."""
    found: list[str] = []
    for row in rows:
        name = f"{row['kind']}, {row['model']}, {row['n_lines']} lines, {row['n_features']}"
        mean, error = number(row, "mean_r2"), number(row, "mc_error_r2")
        if row["kind"] == "noise":
            if mean > ERRORS * error:
                found.append(f"{name}: mean R² {mean} of noise")
            if "rejected_pct" in row:
                spread = 100 * np.sqrt(ALPHA * (1 - ALPHA) / number(row, "sets"))
                if abs(number(row, "rejected_pct") - 100 * ALPHA) > ERRORS * spread:
                    found.append(f"{name}: rejects {row['rejected_pct']} %")
        elif row["kind"] in ("leak", "in_sample", "signal") and mean <= ERRORS * error:
            found.append(f"{name}: mean R² {mean}")
    return found


def number(row: Mapping[str, object], key: str) -> float:
    """A number of a row."""
    value = row[key]
    if isinstance(value, float | int):
        return float(value)
    message = f"{key} is no number"
    raise TypeError(message)


def text(rows: Sequence[Row]) -> str:
    """The file: what was simulated, then a line for each row."""
    head = {
        "seed": SEED,
        "outer_folds": FOLDS,
        "picked_by_leak": PICKED,
        "signal_share": SIGNAL_SHARE,
        "alpha": ALPHA,
    }
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    return f'{opening},\n "rows": [\n{lines}\n ]\n}}\n'


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Honest errors of prediction.")
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        rows = json.loads(OUTPUT.read_text(encoding="utf-8"))["rows"]
    else:
        rows = []
        for cell in cells():
            rows.append(run(replace(cell, sets=max(2, cell.sets * options.sets // SETS))))
            OUTPUT.write_text(text(rows), encoding="utf-8")
    bad = outside(rows)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
