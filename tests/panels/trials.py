"""Made trials that several tests share."""

from __future__ import annotations

import numpy as np
import pandas as pd


def made_frame(
    seed: int = 1,
    *,
    lines: int = 8,
    animals: int = 1,
    days: tuple[float, ...] = (0, 3, 7, 10, 14, 17, 21),
    effect: float = -0.03,
    spread: float = 0.015,
    reading: float = 0.12,
) -> pd.DataFrame:
    """Readings of some lines, with animals under ``none`` and ``drug``."""
    rng = np.random.default_rng(seed)
    rows = []
    for line in range(lines):
        own = 0.07 + rng.normal(0, 0.02)
        for arm, mean in (("none", 0.0), ("drug", effect)):
            cell = rng.normal(0, spread)
            for number in range(animals):
                rate = own + mean + cell + rng.normal(0, 0.01)
                start = np.log(200) + rng.normal(0, 0.2)
                for day in days:
                    volume = np.exp(start + rate * day + rng.normal(0, reading))
                    name = f"L{line}-{arm}-{number}"
                    rows.append((f"L{line}", "AB"[line % 2], name, arm, day, volume))
    columns = ["model", "tumor_type", "animal_id", "treatment", "day", "volume_mm3"]
    return pd.DataFrame(rows, columns=columns)
