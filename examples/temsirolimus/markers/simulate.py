"""Make the simulated study of the trap that ships with the example: target engaged, no response.

Run ``python examples/temsirolimus/markers/simulate.py`` to write the tables of
``phospho_s6_simulated`` again; the same seed gives the same files.

Nothing here was measured, and nothing was fitted to a measurement. EVERY NUMBER BELOW IS AN
ASSUMPTION. Two lines get a vehicle or temsirolimus. In both, the drug lowers phospho-S6 by the
same factor; only in the one called sensitive does it slow growth. Within an arm of a line, how
far phospho-S6 fell and how fast the tumor grows are drawn independently. So phospho-S6 says that
the drug arrived and nothing about who responds, and an analysis that finds otherwise is wrong. The
study shows a pitfall; it is no evidence for anything.

The model: ln V(t) = ln V0 + rate * t; ln pS6(t) = ln level + (ln fall where treated and t > 0),
with V0, rate, level and fall drawn for each animal, and a lognormal error on each reading. Serial
biopsies of one tumor are assumed to leave its growth alone.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import numpy as np

# The pitfall shows in most seeds, not in all: see validation/markers/engagement.py.
SEED = 20_240_504
ANIMALS_PER_ARM = 10
VISIT_DAYS = (0, 3, 7, 10, 14, 17, 21)  # twice a week
BIOPSY_DAYS = (0, 7, 14, 21)  # assumption; on day 0 before the first dose
START_VOLUME_MM3 = 150.0  # assumption
START_SD_LOG = 0.15  # assumption: spread of the first volumes, natural log
RATE_PER_DAY = {  # assumption: mean growth rates, natural log per day, by line and arm
    "sensitive": {"vehicle": 0.100, "temsirolimus": 0.045},
    "resistant": {"vehicle": 0.100, "temsirolimus": 0.100},
}
RATE_SD_PER_DAY = 0.010  # assumption: spread of the rates between animals
READING_SD_LOG = 0.08  # assumption: error of one volume, natural log
MARKER_LEVEL = 1.0  # assumption: phospho-S6 over total S6 without drug, in both lines
MARKER_SD_LOG = 0.15  # assumption: spread of the level between animals, natural log
MARKER_FALL = {"vehicle": 1.0, "temsirolimus": 0.25}  # assumption: factor, the same in both lines
FALL_SD_LOG = 0.20  # assumption: spread of the fall between treated animals, natural log
MARKER_ERROR_LOG = 0.20  # assumption: error of one reading of the marker, natural log

MARKER_COLUMNS = ["animal_id", "day", "analyte", "value", "unit", "assay", "compartment"]


def write_studies(folder: Path) -> None:
    """Write the tables of both lines, and the markers of both in one table."""
    rng = np.random.default_rng(SEED)
    both: list[list[str]] = []
    for letter, (line, rates) in zip("SR", RATE_PER_DAY.items(), strict=True):
        volumes: list[list[str]] = []
        animals: list[list[str]] = []
        markers: list[list[str]] = []
        for arm_number, (arm, mean_rate) in enumerate(rates.items(), start=1):
            for number in range(1, ANIMALS_PER_ARM + 1):
                animal_id = f"{letter}{arm_number}{number:02d}"
                start = math.log(START_VOLUME_MM3) + rng.normal(0.0, START_SD_LOG)
                rate = rng.normal(mean_rate, RATE_SD_PER_DAY)
                level = math.log(MARKER_LEVEL) + rng.normal(0.0, MARKER_SD_LOG)
                treated = 0.0 if arm == "vehicle" else rng.normal(0.0, FALL_SD_LOG)
                fall = math.log(MARKER_FALL[arm]) + treated
                for day in VISIT_DAYS:
                    volume = math.exp(start + rate * day + rng.normal(0.0, READING_SD_LOG))
                    volumes.append([animal_id, arm, str(day), f"{volume:.1f}"])
                for day in BIOPSY_DAYS:
                    mean = level + (fall if day > 0 else 0.0)
                    value = math.exp(mean + rng.normal(0.0, MARKER_ERROR_LOG))
                    markers.append(
                        [
                            animal_id,
                            str(day),
                            "phospho-S6",
                            f"{value:.4f}",
                            "1",
                            "signal_ratio",
                            "tumor",
                        ]
                    )
                    both.append([f"simulated {line} line", arm, *markers[-1]])
                animals.append([animal_id, arm, str(VISIT_DAYS[-1]), "scheduled"])
        header = ["animal_id", "arm", "day", "volume_mm3"]
        _write(folder / line / "measurements.csv", header, volumes)
        header = ["animal_id", "arm", "end_day", "end_reason"]
        _write(folder / line / "animals.csv", header, animals)
        _write(folder / line / "markers.csv", MARKER_COLUMNS, markers)
    _write(folder / "markers_of_both_lines_simulated.csv", ["line", "arm", *MARKER_COLUMNS], both)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file with the same bytes on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    target = (
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "phospho_s6_simulated"
    )
    write_studies(target)
