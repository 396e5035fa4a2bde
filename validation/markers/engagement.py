"""How often the trap of the shipped example snaps, over many seeds of its simulation.

Run it as ``python validation/markers/engagement.py [--sets N] [--check]``; it writes
``engagement.json`` beside itself. With ``--check`` nothing is written: the committed file is held
against the limits, and the exit status is 1 if it breaks one.

Each set is the simulated study of ``examples/temsirolimus/markers/simulate.py`` with another seed:
two lines, the target engaged in both, growth slowed in one, and no relation of marker and growth
among the animals of an arm. Counted are sets in which the pooled correlation is significant at
5 % (it should not be believed), in which that within arms of a line is (5 % is right), and in
which the lines are told apart.
"""

from __future__ import annotations

import argparse
import json
import math
import runpy
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from oncovivo.biomarkers.engagement import compare_engagement
from oncovivo.studies import read_study

Row: TypeAlias = dict[str, float | int]

OUTPUT: Final = Path(__file__).with_name("engagement.json")
EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "temsirolimus" / "markers"
FOLDER: Final = EXAMPLE / "phospho_s6_simulated"
LINES: Final = ("sensitive", "resistant")
FIRST_SEED: Final = 1
SETS: Final = 200
ALPHA: Final = 0.05
ERRORS: Final = 3.0


def run(sets: int) -> Row:
    """Shares over the sets, percent."""
    counts = {"pooled": 0, "within": 0, "both_engaged": 0, "resistant_slowed": 0, "told_apart": 0}
    pooled, within = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + sets):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            script = runpy.run_path(str(EXAMPLE / "simulate.py"))
            script["write_studies"].__globals__["SEED"] = seed
            script["write_studies"](folder)
            for line in LINES:
                shutil.copy(FOLDER / line / "study.toml", folder / line)
            studies = [read_study(folder / line)[0] for line in LINES]
        found = compare_engagement(
            studies,
            "phospho-S6",
            control="vehicle",
            treated="temsirolimus",
            rng=np.random.default_rng(seed),
        )
        resistant, sensitive = found.lines
        pooled.append(found.pooled.estimate or 0.0)
        within.append(found.within.estimate or 0.0)
        counts["pooled"] += (found.pooled.p_value or 1.0) <= ALPHA
        counts["within"] += (found.within.p_value or 1.0) <= ALPHA
        counts["both_engaged"] += resistant.ratio_upper < 1 and sensitive.ratio_upper < 1
        counts["resistant_slowed"] += resistant.rate_upper < 0
        counts["told_apart"] += (
            resistant.verdict == "engaged_not_slowed" and sensitive.verdict == "engaged_and_slowed"
        )
    shares: Row = {f"{name}_pct": round(100 * n / sets, 2) for name, n in counts.items()}
    return {
        "first_seed": FIRST_SEED,
        "sets": sets,
        "mean_pooled": round(float(np.mean(pooled)), 3),
        "mean_within": round(float(np.mean(within)), 3),
        **shares,
    }


def outside(row: Row) -> list[str]:
    """What breaks a limit."""
    found: list[str] = []
    reach = ERRORS * 100 * math.sqrt(ALPHA * (1 - ALPHA) / row["sets"])
    if abs(row["within_pct"] - 100 * ALPHA) > reach:
        found.append(f"within arms {row['within_pct']} % are significant")
    # The interval of the resistant line lies below 0 in half of 5 %.
    if row["resistant_slowed_pct"] > 100 * ALPHA / 2 + reach:
        found.append(f"the resistant line is slowed in {row['resistant_slowed_pct']} %")
    if row["pooled_pct"] < 50 or row["both_engaged_pct"] < 100:
        found.append("the example does not show the trap")
    return found


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="How often target engagement misleads.")
    parser.add_argument("--sets", type=int, default=SETS)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    if options.check:
        row = json.loads(OUTPUT.read_text(encoding="utf-8"))
    else:
        row = run(options.sets)
        OUTPUT.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    bad = outside(row)
    for line in bad:
        sys.stdout.write(line + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
