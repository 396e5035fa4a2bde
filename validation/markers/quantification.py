"""Coverage of percent inhibition when treated animals lie below the limit of quantification.

Run it as ``python validation/markers/quantification.py [--studies N] [--check]``; it writes
``quantification.json`` beside itself. With ``--check`` nothing is written: the exit status is 1
when the coverage of the likelihood with limits is below 94 % by more than Monte Carlo error.

The generator: log-normal values, standard deviation 1 on the log scale, treated mean e times lower
than the control's, a limit below which the stated share of treated animals lies. Ways: the
likelihood with limits; half of the limit put in the place of what was not quantified, and Welch's
interval; what was not quantified left out, and Welch's interval.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from oncovivo.biomarkers.inhibition import GroupInhibition, percent_inhibition
from oncovivo.biomarkers.marker_table import MarkerTable

FloatArray: TypeAlias = NDArray[np.float64]

OUTPUT: Final = Path(__file__).with_name("quantification.json")
SEED: Final = 20_261_123
TRUTH: Final = 100 * (1 - math.exp(-1.0))
# Animals per arm, share of treated values below the limit.
CELLS: Final = ((5, 0.2), (5, 0.4), (8, 0.2), (8, 0.4), (8, 0.6), (12, 0.4))
WAYS: Final = ("limits", "half the limit", "left out")
LOWEST: Final = 94.0


def draw(rng: np.random.Generator, n: int, share: float) -> tuple[FloatArray, float]:
    """Values of one study, controls first, and its limit."""
    values = np.exp(np.concatenate((rng.normal(0.0, 1.0, n), rng.normal(-1.0, 1.0, n))))
    return values, math.exp(-1.0 + float(special.ndtri(share)))


def table(values: FloatArray, limit: float, way: str) -> MarkerTable:
    """The study as one way of handling limits has it."""
    n = values.size // 2
    below = values < limit
    rows = pd.DataFrame(
        {
            "animal_id": [f"m{index}" for index in range(2 * n)],
            "arm": ["vehicle"] * n + ["drug"] * n,
            "day": 1.0,
            "analyte": "marker",
            "assay": "elisa",
            "value": np.where(below, limit if way == "limits" else limit / 2, values),
            "value_state": np.where(below & (way == "limits"), "below_limit", "measured"),
        }
    )
    return MarkerTable(name=way, rows=rows[~below] if way == "left out" else rows)


def answer(values: FloatArray, limit: float, way: str) -> GroupInhibition | None:
    """Inhibition of one study, None where an arm is empty or no interval can be told."""
    n = values.size // 2
    below = values < limit
    if way == "left out" and (below[:n].sum() > n - 2 or below[n:].sum() > n - 2):
        return None
    found = percent_inhibition(table(values, limit, way), "marker", control="vehicle").groups[0]
    return None if found.lower_pct is None else found


def run(studies: int) -> dict[str, Any]:
    """Coverage in every cell."""
    rows = []
    for n, share in CELLS:
        rng = np.random.default_rng([SEED, n, round(100 * share)])
        drawn = [draw(rng, n, share) for _ in range(studies)]
        for way in WAYS:
            found = [answer(values, limit, way) for values, limit in drawn]
            kept = [one for one in found if one is not None]
            covered = sum(
                one.lower_pct <= TRUTH <= one.upper_pct
                for one in kept
                if one.lower_pct is not None and one.upper_pct is not None
            )
            logs = [one.log_ratio for one in kept if one.log_ratio is not None]
            rate = covered / len(kept)
            rows.append(
                {
                    "n": n,
                    "below_limit_share": share,
                    "way": way,
                    "studies": studies,
                    "not_estimable": studies - len(kept),
                    "log_bias": round(float(np.mean(logs)) + 1.0, 4),
                    "log_bias_mc_error": round(float(np.std(logs)) / math.sqrt(len(logs)), 4),
                    "coverage_pct": round(100 * rate, 2),
                    "coverage_mc_error_pct": round(
                        100 * math.sqrt(rate * (1 - rate) / len(kept)), 2
                    ),
                }
            )
    return {"level": 0.95, "seed": SEED, "inhibition_pct": TRUTH, "rows": rows}


def outside(result: dict[str, Any]) -> list[str]:
    """Rows of the likelihood with limits that cover too little."""
    return [
        f"n = {row['n']}, {row['below_limit_share']:g} below: {row['coverage_pct']} %"
        for row in result["rows"]
        if row["way"] == "limits"
        and row["coverage_pct"] < LOWEST - 2 * row["coverage_mc_error_pct"]
    ]


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Inhibition with values below the limit.")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    result = run(options.studies)
    bad = outside(result)
    if not options.check:
        text = json.dumps(result, indent=1, ensure_ascii=False)
        OUTPUT.write_text(text + "\n", encoding="utf-8")
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
