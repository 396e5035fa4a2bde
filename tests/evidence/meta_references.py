"""Effect sizes of the real reviews, and the reference numbers for them."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from oncovivo.evidence.meta.types import Rows

CART_SECTIONS = [
    f"80_tumor_volume_{measure}" for measure in ("CVR", "MD", "ROM", "SMD", "SMDH", "VR")
]
BODY_WEIGHT_SECTIONS = ["81_body_weight_ROM", "81_body_weight_SMD"]


def close(value: float | None, expected: float, tolerance: dict[str, float]) -> bool:
    """Whether a number is within a reference's tolerance; it passes when either part holds."""
    assert value is not None
    off = abs(value - expected)
    relative = off <= tolerance.get("rel", 0.0) * abs(expected)
    return bool(relative or off <= tolerance.get("abs", 0.0))


def besson(file: Path) -> tuple[Rows, list[dict[str, str]]]:
    """Hedges' g of the rows of Besson 2016 that have all of their numbers."""
    with file.open(encoding="utf-8", newline="") as lines:
        every = list(csv.DictReader(lines))

    def column(name: str) -> NDArray[np.float64]:
        return np.array([float(row[name] or "nan") for row in every])

    n1, n2 = column("exp_n"), column("con_n")
    sd1, sd2 = column("exp_se") * np.sqrt(n1), column("con_se") * np.sqrt(n2)
    free = n1 + n2 - 2
    pooled = np.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / free)
    exact = np.exp(gammaln(free / 2) - gammaln((free - 1) / 2)) / np.sqrt(free / 2)
    yi = exact * (column("exp_mean") - column("con_mean")) / pooled
    vi = 1 / n1 + 1 / n2 + yi**2 / (2 * (n1 + n2))
    there = np.flatnonzero(np.isfinite(yi) & np.isfinite(vi))
    rows = [every[i] for i in there]
    return Rows.of([row["comp_ID"] for row in rows], yi[there], vi[there], measure="SMD"), rows


def cart_rows(section: dict[str, Any]) -> tuple[Rows, list[str]]:
    """Effects of a section of the CAR T review, and the paper of each."""
    effects = section["results"]["effects"]
    rows = Rows.of(effects["study"], effects["yi"], effects["vi"])
    return rows, [re.sub(r"\s*\(\d+\)\s*$", "", study) for study in effects["study"]]
