"""A small study in a file: a control that grows, a drug that slows, one that cures, one toxic."""

from __future__ import annotations

import math
from pathlib import Path

ARMS = {"Vehicle": 0.11, "slow": 0.07, "cures": -0.12, "toxic": 0.02}
DAYS = (0, 3, 7, 10, 14, 17, 21)


def rows() -> list[list[object]]:
    """Header and readings; animals of the second arm leave early, the third has zeros."""
    found: list[list[object]] = [["animal_id", "treatment", "day", "volume_mm3", "body_weight_g"]]
    for arm, rate in ARMS.items():
        for animal in range(1, 6):
            for day in DAYS:
                if arm == "slow" and animal == 5 and day > 14:
                    continue
                volume = (140 + 7 * animal) * math.exp((rate + 0.004 * animal) * day)
                volume = 0.0 if arm == "cures" and day >= 17 else round(volume, 1)
                weight = 22 + 0.3 * animal - (0.28 * day if arm == "toxic" else 0)
                found.append([f"{arm[0]}{animal}", arm, day, volume, round(weight, 2)])
    return found


def write_growth(path: Path) -> Path:
    """The study as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(map(str, row)) for row in rows()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_padded(path: Path) -> Path:
    """The same grid of days for all, with zeros where an animal was no longer read."""
    lines = ["animal_id,treatment,day,volume_mm3"]
    for arm, rate in (("Vehicle", 0.11), ("slow", 0.07)):
        for animal in range(1, 6):
            for day in DAYS:
                left = arm == "Vehicle" and animal > 2 and day > 14
                volume = 0.0 if left else round((140 + 7 * animal) * math.exp(rate * day), 1)
                lines.append(f"{arm[0]}{animal},{arm},{day},{volume}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
