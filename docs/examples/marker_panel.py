"""Write a SIMULATED panel of lines and their markers: no animal was measured, all is assumed.

Run it as ``python docs/examples/marker_panel.py DIR``: ``panel.csv`` and ``features.csv``.

Sixteen imagined lines, three animals in each of two arms. Half of the lines carry a mutation, and
in these the drug slows growth by 0.03 more per day. The other two markers go with nothing.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

SEED = 3
LINES, ANIMALS = 16, 3
DAYS = (0, 4, 7, 11, 14, 18, 21)
ARMS = ("untreated", "drug")
RATE, RATE_SD = 0.09, 0.015
SLOWED, SLOWED_IF_MUTATED, SLOWED_SD = 0.015, 0.03, 0.008
ANIMAL_SD, READING_SD = 0.006, 0.08
START_MM3, START_LOG_SD = 180.0, 0.2
MUTATED = frozenset({1, 3, 4, 6, 9, 10, 13, 15})


def write_panel(folder: Path) -> None:
    """Write both tables into a folder."""
    rng = np.random.default_rng(SEED)
    curves, features = [], []
    for line in range(LINES):
        name = f"line {line + 1:02}"
        own = RATE + RATE_SD * rng.standard_normal()
        effect = SLOWED + SLOWED_SD * rng.standard_normal()
        effect += SLOWED_IF_MUTATED if line in MUTATED else 0.0
        expression, infiltrate = rng.normal(6.0, 1.0), rng.uniform(1.0, 20.0)
        mutation = "mutated" if line in MUTATED else "wild type"
        features.append((name, mutation, f"{expression:.2f}", f"{infiltrate:.1f}"))
        for arm in ARMS:
            for animal in range(ANIMALS):
                rate = own - (effect if arm == "drug" else 0.0) + ANIMAL_SD * rng.standard_normal()
                start = START_MM3 * np.exp(START_LOG_SD * rng.standard_normal())
                for day in DAYS:
                    volume = start * np.exp(rate * day + READING_SD * rng.standard_normal())
                    ident = f"{name} {arm} {animal + 1}"
                    curves.append((name, ident, arm, str(day), f"{volume:.1f}"))
    _write(folder / "panel.csv", ("model", "animal_id", "treatment", "day", "volume_mm3"), curves)
    _write(folder / "features.csv", ("model", "PIK3CA", "PTEN expression", "infiltrate"), features)


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    write_panel(Path(sys.argv[1]))
