"""Simulate the list of animals of the example; nothing in it was measured.

Run it as ``python examples/temsirolimus/protocol/simulate_animals.py``. Volumes are log-normal
around 140 mm³, weights normal around 21 g and 26 g: choices of this example, of no source.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from statistics import NormalDist

import numpy as np

FOLDER = Path(__file__).parent
CAGES = 10
PER_CAGE = 4


def simulated_animals() -> str:
    """The text of animals.csv."""
    # Uniform numbers of a named generator, so that every version of numpy makes the same list.
    rng = np.random.Generator(np.random.PCG64(786))
    normal = NormalDist().inv_cdf
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["animal_id", "cage", "sex", "volume_mm3", "body_weight_g", "simulated"])
    for number in range(CAGES * PER_CAGE):
        cage = number // PER_CAGE
        sex = "female" if cage < CAGES // 2 else "male"
        volume = 140 * math.exp(0.2 * normal(rng.random()))
        weight = (21 if sex == "female" else 26) + 1.5 * normal(rng.random())
        row = [f"M{number + 1:02d}", f"C{cage + 1:02d}", sex, f"{volume:.0f}", f"{weight:.1f}"]
        table.writerow([*row, "yes"])
    return out.getvalue()


if __name__ == "__main__":
    (FOLDER / "animals.csv").write_bytes(simulated_animals().encode())
