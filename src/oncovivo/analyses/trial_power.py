"""Power of a planned mouse clinical trial from a file: closed form, and simulated if asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.design.trial_plan import TrialPlan, read_trial_plan
from oncovivo.design.trial_power import (
    SimulatedTrialPower,
    TrialPower,
    advice,
    simulate_trial_power,
    trial_power,
)
from oncovivo.provenance import InputFile, seed_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrialPowerResult", "plan_trial_file"]

SCHEMA: Final = "oncovivo.design_trial/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPowerResult:
    """Power of a plan.

    Parameters
    ----------
    source : InputFile
        The file.
    plan : TrialPlan
        Its assumptions.
    cells : tuple of TrialPower
        For each number of lines and of animals.
    advice : str
        Lines or animals first, and the smallest size that is enough.
    simulated : tuple of SimulatedTrialPower
        As `cells`; empty unless asked for.
    seed : int or None
        Of the simulation.
    """

    source: InputFile
    plan: TrialPlan
    cells: tuple[TrialPower, ...]
    advice: str
    simulated: tuple[SimulatedTrialPower, ...]
    seed: int | None

    def to_frame(self) -> pd.DataFrame:
        """A row for each number of lines and of animals."""
        import pandas as pd

        frame = pd.DataFrame([asdict(cell) for cell in self.cells])
        if self.simulated:
            frame["simulated_power"] = [one.power for one in self.simulated]
            frame["simulated_power_error"] = [one.power_error for one in self.simulated]
            frame["simulated_type_one"] = [one.type_one for one in self.simulated]
        return frame

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design trial``."""
        replicates = self.simulated[0].replicates if self.simulated else 0
        return contract(
            SCHEMA,
            source=self.source,
            options={"replicates": replicates},
            seed=self.seed,
            content={
                "plan": self.plan.to_dict(),
                "cells": [asdict(cell) for cell in self.cells],
                "simulated": [asdict(one) for one in self.simulated],
                "advice": self.advice,
            },
        )


def plan_trial_file(
    path: Path,
    *,
    replicates: int = 0,
    seed: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> TrialPowerResult:
    """Power of the plan of a file.

    Parameters
    ----------
    path : Path
        The plan.
    replicates : int
        Trials to simulate of each size; 0 for none.
    seed : int, optional
        Of the simulation; from the file's digest without it.
    progress : callable, optional
        Called with words on what is done.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If assumptions or options are impossible.
    """
    plan = read_trial_plan(path)
    source = input_digest(path)
    cells = trial_power(plan)
    simulated: list[SimulatedTrialPower] = []
    chosen = None
    if replicates:
        chosen = seed_of(source.sha256) if seed is None else seed
        for number, cell in enumerate(cells):
            if progress is not None:
                progress(f"{cell.lines} lines with {cell.animals} of each arm")
            simulated.append(
                simulate_trial_power(
                    plan,
                    lines=cell.lines,
                    animals=cell.animals,
                    replicates=replicates,
                    # A stream of its own for each place of the grid.
                    rng=np.random.default_rng([chosen, number]),
                )
            )
    return TrialPowerResult(
        source=source,
        plan=plan,
        cells=cells,
        advice=advice(cells, plan),
        simulated=tuple(simulated),
        seed=chosen,
    )
