"""A clean study as rows of a sheet, and ways to soil it."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

Row: TypeAlias = dict[str, str]
Rows: TypeAlias = list[Row]
Change: TypeAlias = Callable[[Rows], Rows]

DAYS = (0, 3, 7, 10, 14, 17, 21)
ARMS = {"vehicle": 0.11, "drug A": 0.05, "drug B": 0.03}
N_PER_ARM = 6


def clean_rows() -> Rows:
    """Three arms of six animals on seven common days; cages mix the arms; nothing to find."""
    rows: Rows = []
    for place, (arm, rate) in enumerate(ARMS.items()):
        for number in range(N_PER_ARM):
            start = 120.0 + 9.0 * ((number * 5 + place * 2) % 7)
            for visit, day in enumerate(DAYS):
                wobble = 1.0 + 0.03 * math.sin(3.0 * visit + 2.0 * number + place)
                rows.append(
                    {
                        "study": "S1",
                        "model": "M1",
                        "tumor_type": "RCC",
                        "animal_id": f"{arm[-1]}{number + 1}",
                        "cage": f"c{number + 1}",
                        "treatment": arm,
                        "day": str(day),
                        "volume_mm3": f"{start * math.exp(rate * day) * wobble:.1f}",
                        "body_weight_g": f"{21.5 + 0.02 * day + 0.3 * number:.1f}",
                    }
                )
    return rows


def with_diameters(rows: Rows, *, factor: float = 0.5) -> Rows:
    """The rows with length and width, and volumes as factor · L · W²."""
    made = []
    for row in rows:
        volume = float(row["volume_mm3"])
        width = round((volume / 0.6) ** (1 / 3), 2)
        length = round(1.2 * width, 2)
        sizes = {"length_mm": f"{length:g}", "width_mm": f"{width:g}"}
        made.append(row | sizes | {"volume_mm3": f"{factor * length * width**2:.2f}"})
    return made


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    """The rows as a CSV file."""
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def at(rows: Rows, animal: str, day: int | None = None) -> list[int]:
    """Places of an animal's rows, or of its row on a day."""
    return [
        place
        for place, row in enumerate(rows)
        if row["animal_id"] == animal and (day is None or row["day"] == str(day))
    ]


def put(animal: str, when: int | None, /, **cells: str) -> Change:
    """Write cells into an animal's row on a day, or into all of its rows."""

    def change(rows: Rows) -> Rows:
        chosen = set(at(rows, animal, when))
        return [row | cells if place in chosen else row for place, row in enumerate(rows)]

    return change


def put_all(column: str, text: Callable[[Row], str]) -> Change:
    """Write a column anew."""
    return lambda rows: [row | {column: text(row)} for row in rows]


def keep(wanted: Callable[[Row], bool]) -> Change:
    """Keep some rows."""
    return lambda rows: [row for row in rows if wanted(row)]


def chain(*changes: Change) -> Change:
    """One change after the other."""

    def change(rows: Rows) -> Rows:
        for step in changes:
            rows = step(rows)
        return rows

    return change


def number(row: Row, column: str = "volume_mm3") -> float:
    """Number of a cell."""
    return float(row[column])


def day(row: Row) -> int:
    """Day of a row."""
    return int(row["day"])
