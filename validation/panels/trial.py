"""Mouse clinical trials with known truth: power, type I error and coverage of the mixed model.

Writes ``trial.json`` beside itself. Run it as ``python validation/panels/trial.py``.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from oncovivo.design.trial_plan import TrialPlan
from oncovivo.design.trial_power import simulate_trial_power, trial_power

REPLICATES = 400
SEED = 20261123
PLAN = TrialPlan(
    effect=-0.02,
    effect_sd=0.02,
    animal_sd=0.012,
    reading_sd=0.15,
    line_sd=0.02,
    days=(0, 4, 7, 11, 14, 18, 21),
    lines=(6, 10, 20),
    animals=(1, 3),
    title="Simulated trials",
    source="assumed",
)


def main() -> None:
    """Simulate every size of the plan and keep closed form and simulation beside each other."""
    cells = []
    for number, cell in enumerate(trial_power(PLAN)):
        simulated = simulate_trial_power(
            PLAN,
            lines=cell.lines,
            animals=cell.animals,
            replicates=REPLICATES,
            rng=np.random.default_rng([SEED, number]),
        )
        cells.append({"closed_form": asdict(cell), "simulated": asdict(simulated)})
    content = {"seed": SEED, "plan": PLAN.to_dict(), "cells": cells}
    text = json.dumps(content, indent=1) + "\n"
    (Path(__file__).parent / "trial.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
