"""Make the simulated four-arm study that ships with the example guide.

Run ``python examples/temsirolimus/studies/simulate.py`` to write ``measurements.csv`` and
``animals.csv`` of ``four_arm_simulated`` again; the same seed gives the same files.

Nothing here was measured, and nothing was fitted to a measurement. EVERY NUMBER BELOW IS AN
ASSUMPTION, chosen so that the example shows what a guide does with a study: tumors that grow, two
arms that slow them, a combination that slows them more, and animals that leave when their tumor
has reached the size limit. The study shows how oncovivo works; it is no evidence for anything.

The model: ln V(t) = ln V0 + rate * t, with V0 and rate drawn for each animal, and a lognormal
error on each reading.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import numpy as np

SEED = 20_240_501
ANIMALS_PER_ARM = 8
VISIT_DAYS = (0, 3, 7, 10, 14, 17, 21, 24, 28)  # twice a week
START_VOLUME_MM3 = 150.0  # assumption
START_SD_LOG = 0.15  # assumption: spread of the first volumes, natural log
RATE_PER_DAY = {  # assumption: mean growth rates, natural log per day
    "vehicle": 0.115,
    "temsirolimus": 0.075,
    "perifosine": 0.090,
    "temsirolimus + perifosine": 0.045,
}
RATE_SD_PER_DAY = 0.012  # assumption: spread of the rates between animals
READING_SD_LOG = 0.10  # assumption: error of one reading, natural log
VOLUME_LIMIT_MM3 = 2000.0  # assumption: an animal leaves at the first reading at or above this
START_WEIGHT_G = 22.0  # assumption
WEIGHT_SD_G = 1.0  # assumption
WEIGHT_ERROR_G = 0.3  # assumption
WEIGHT_TREND_G_PER_DAY = {  # assumption
    "vehicle": 0.03,
    "temsirolimus": 0.0,
    "perifosine": 0.0,
    "temsirolimus + perifosine": -0.03,
}


def write_study(folder: Path) -> None:
    """Write ``measurements.csv`` and ``animals.csv`` into a folder."""
    rng = np.random.default_rng(SEED)
    measurements: list[list[str]] = []
    animals: list[list[str]] = []
    for arm_number, (arm, mean_rate) in enumerate(RATE_PER_DAY.items(), start=1):
        for number in range(1, ANIMALS_PER_ARM + 1):
            animal_id = f"S{arm_number}{number:02d}"
            start = math.log(START_VOLUME_MM3) + rng.normal(0.0, START_SD_LOG)
            rate = rng.normal(mean_rate, RATE_SD_PER_DAY)
            weight = rng.normal(START_WEIGHT_G, WEIGHT_SD_G)
            end_day, reason = VISIT_DAYS[-1], "scheduled"
            for day in VISIT_DAYS:
                volume = math.exp(start + rate * day + rng.normal(0.0, READING_SD_LOG))
                grams = (
                    weight + WEIGHT_TREND_G_PER_DAY[arm] * day + rng.normal(0.0, WEIGHT_ERROR_G)
                )
                measurements.append([animal_id, arm, str(day), f"{volume:.1f}", f"{grams:.1f}"])
                if volume >= VOLUME_LIMIT_MM3 and day < VISIT_DAYS[-1]:
                    end_day, reason = day, "volume_limit"
                    break
            animals.append(
                [animal_id, arm, f"C{arm_number}{(number + 3) // 4}", str(end_day), reason]
            )
    header = ["animal_id", "arm", "day", "volume_mm3", "body_weight_g"]
    _write(folder / "measurements.csv", header, measurements)
    _write(folder / "animals.csv", ["animal_id", "arm", "cage", "end_day", "end_reason"], animals)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file with the same bytes on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    target = (
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "four_arm_simulated"
    )
    write_study(target)
