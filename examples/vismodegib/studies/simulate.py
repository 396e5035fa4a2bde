"""Make the simulated study of two lines that ships with the example on vismodegib.

Run ``python examples/vismodegib/studies/simulate.py`` to write the tables of ``smo_simulated``
again; the same seed gives the same files.

Nothing here was measured, and nothing was fitted to a measurement. EVERY NUMBER BELOW IS AN
ASSUMPTION, chosen so that the example shows what a guide does with tumors that shrink and come
back. Two lines get a vehicle or vismodegib. In the one with SMO as inherited the drug lowers GLI1
and kills sensitive cells; a small share of its cells is resistant from the start and grows on. In
the one with a mutated SMO the drug does neither. The study is no evidence for anything.

The model: V(t) = V0 ((1 - share) exp(rate_sensitive t) + share exp(rate_resistant t)), with V0
and the rates drawn for each animal, and a lognormal error on each reading; log2 GLI1(t) = level +
(fall where the drug binds and t > 0), with level and fall drawn for each animal, and a normal
error. Serial biopsies of one tumor are assumed to leave its growth alone.
"""

from __future__ import annotations

import csv
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20_261_123
ANIMALS_PER_ARM = 8
VISIT_DAYS = (0, 3, 7, 10, 14, 17, 21, 24, 28, 31, 35, 38, 42)  # twice a week
BIOPSY_DAYS = (0, 7, 14)  # assumption; on day 0 before the first dose
ARMS = ("vehicle", "vismodegib")
START_VOLUME_MM3 = 200.0  # assumption
START_SD_LOG = 0.15  # assumption: spread of the first volumes, natural log
GROWTH_PER_DAY = 0.10  # assumption: growth without drug in both lines, natural log per day
RATE_SD_PER_DAY = 0.010  # assumption: spread of the rates between animals
READING_SD_LOG = 0.08  # assumption: error of one volume, natural log
VOLUME_LIMIT_MM3 = 2000.0  # assumption: an animal leaves at the first reading at or above this
GLI1_SD_LOG2 = 0.3  # assumption: spread of the level between animals
GLI1_FALL_SD_LOG2 = 0.3  # assumption: spread of the fall between treated animals
GLI1_ERROR_LOG2 = 0.3  # assumption: error of one reading

MARKER_COLUMNS = ["animal_id", "day", "analyte", "value", "unit", "assay", "compartment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: what the drug does to it; all numbers assumed.

    ``rate_under_drug`` is that of sensitive cells, natural log per day; ``resistant_share`` that
    of the cells on which the drug does nothing; ``gli1_fall`` the change of GLI1 in log2.
    """

    letter: str
    folder: str
    rate_under_drug: float
    resistant_share: float
    gli1_fall: float


LINES = (
    Line(
        letter="W",
        folder="wild_type",
        rate_under_drug=-0.12,
        resistant_share=0.01,
        gli1_fall=-3.0,
    ),
    Line(
        letter="M",
        folder="mutated",
        rate_under_drug=GROWTH_PER_DAY,
        resistant_share=0.0,
        gli1_fall=0.0,
    ),
)


def write_studies(folder: Path) -> None:
    """Write the tables of both lines."""
    rng = np.random.default_rng(SEED)
    for line in LINES:
        volumes: list[list[str]] = []
        animals: list[list[str]] = []
        markers: list[list[str]] = []
        for arm_number, arm in enumerate(ARMS, start=1):
            treated = arm != ARMS[0]
            for number in range(1, ANIMALS_PER_ARM + 1):
                animal_id = f"{line.letter}{arm_number}{number:02d}"
                start = START_VOLUME_MM3 * math.exp(rng.normal(0.0, START_SD_LOG))
                spread = rng.normal(0.0, RATE_SD_PER_DAY)
                resistant = GROWTH_PER_DAY + spread
                sensitive = line.rate_under_drug + spread if treated else resistant
                end_day, reason = VISIT_DAYS[-1], "scheduled"
                for day in VISIT_DAYS:
                    size = start * (
                        (1 - line.resistant_share) * math.exp(sensitive * day)
                        + line.resistant_share * math.exp(resistant * day)
                    )
                    volume = size * math.exp(rng.normal(0.0, READING_SD_LOG))
                    volumes.append([animal_id, arm, str(day), f"{volume:.1f}"])
                    if volume >= VOLUME_LIMIT_MM3 and day < VISIT_DAYS[-1]:
                        end_day, reason = day, "volume_limit"
                        break
                level = rng.normal(0.0, GLI1_SD_LOG2)
                fall = line.gli1_fall + rng.normal(0.0, GLI1_FALL_SD_LOG2) if treated else 0.0
                for day in BIOPSY_DAYS:
                    value = level + (fall if day > 0 else 0.0) + rng.normal(0.0, GLI1_ERROR_LOG2)
                    if day <= end_day:
                        markers.append(
                            [
                                animal_id,
                                str(day),
                                "GLI1",
                                f"{value:.3f}",
                                "log2",
                                "qpcr_log2",
                                "tumor",
                            ]
                        )
                animals.append([animal_id, arm, str(end_day), reason])
        place = folder / line.folder
        _write(place / "measurements.csv", ["animal_id", "arm", "day", "volume_mm3"], volumes)
        _write(place / "animals.csv", ["animal_id", "arm", "end_day", "end_reason"], animals)
        _write(place / "markers.csv", MARKER_COLUMNS, markers)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a CSV file with the same bytes on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    write_studies(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "smo_simulated"
    )
