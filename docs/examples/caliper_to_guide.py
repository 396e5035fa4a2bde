"""Write the caliper file of the tutorial: a SIMULATED study, no animal was measured.

Run it as ``python docs/examples/caliper_to_guide.py calipers.csv``; with ``--exchanged`` behind it
the labels of vehicle and of the higher dose are exchanged, and the slip is mended.

Twenty-four imagined mice in three groups, measured twice a week with a caliper. Log volumes grow
on a line; groups, growth rates and spreads are assumptions that stand for no publication. One
reading has a slip of the kind that people make: a decimal point is missing.
"""

from __future__ import annotations

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

SEED = 20
FIRST_DAY = date(2026, 3, 2)
VISITS = (0, 3, 7, 10, 14, 17, 21)
ANIMALS = 8
# Growth of log volume per day; assumed.
RATES = {"Vehicle": 0.095, "Temsirolimus 5": 0.070, "Temsirolimus 20": 0.045}
RATE_SD = 0.008
START_MM3, START_LOG_SD = 130.0, 0.15
READING_SD = 0.06
LENGTH_OVER_WIDTH = 1.25
SLIP = ("T20-3", 14)
EXCHANGED = {"Vehicle": "Temsirolimus 20", "Temsirolimus 20": "Vehicle"}
COLUMNS = ("Mouse", "Group", "Date", "Length (mm)", "Width (mm)")


def rows(*, exchanged: bool = False) -> list[tuple[str, str, str, str, str]]:
    """A row for each mouse and visit, as a spreadsheet would hold it."""
    rng = np.random.default_rng(SEED)
    made = []
    for group, rate in RATES.items():
        prefix = {"Vehicle": "V", "Temsirolimus 5": "T5"}.get(group, "T20")
        for number in range(1, ANIMALS + 1):
            start = START_MM3 * np.exp(START_LOG_SD * rng.standard_normal())
            own = rate + RATE_SD * rng.standard_normal()
            for visit in VISITS:
                volume = start * np.exp(own * visit + READING_SD * rng.standard_normal())
                # Half of length times width squared is the volume.
                width = (2 * volume / LENGTH_OVER_WIDTH) ** (1 / 3)
                mouse = f"{prefix}-{number}"
                length = f"{LENGTH_OVER_WIDTH * width:.1f}"
                if (mouse, visit) == SLIP and not exchanged:
                    length = length.replace(".", "")
                day = FIRST_DAY + timedelta(days=visit)
                label = EXCHANGED.get(group, group) if exchanged else group
                made.append((mouse, label, day.isoformat(), length, f"{width:.1f}"))
    return made


def write_calipers(path: Path, *, exchanged: bool = False) -> None:
    """Write the file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(exchanged=exchanged))


if __name__ == "__main__":
    write_calipers(Path(sys.argv[1]), exchanged="--exchanged" in sys.argv[2:])
