"""Power of a planned study from a file: simulated, in closed form, over a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.design.power import (
    GridCell,
    SimulatedPower,
    power_by_simulation,
    power_grid,
)
from oncovivo.design.power_closed_form import ClosedForm, power_closed_form, smallest_effect
from oncovivo.design.power_plan import PowerPlan, read_power_plan
from oncovivo.provenance import InputFile, seed_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PowerResult", "plan_power_file"]

SCHEMA: Final = "oncovivo.design_power/1"
SeedSource: TypeAlias = Literal["given", "file", "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerResult:
    """Power of a plan, and what it was made from.

    Parameters
    ----------
    source : InputFile
        The file.
    plan : PowerPlan
        Its assumptions, with the replicates that were simulated.
    seed : int
        Of the simulation.
    seed_source : {"given", "file", "digest"}
        Where the seed is from.
    simulated : SimulatedPower
        By simulation.
    closed_form : tuple of ClosedForm
        Where all animals stay.
    target : float
        Power that the smallest effects have.
    smallest : tuple of float
        Smallest effect of each question, natural log per day, where all animals stay.
    grid : tuple of GridCell
        Other numbers of animals and last days; empty unless asked for.
    """

    source: InputFile
    plan: PowerPlan
    seed: int
    seed_source: SeedSource
    simulated: SimulatedPower
    closed_form: tuple[ClosedForm, ...]
    target: float
    smallest: tuple[float, ...]
    grid: tuple[GridCell, ...] = ()

    def rows(self) -> list[dict[str, object]]:
        """A row for each question of the plan and of each cell."""
        plan = self.plan
        sizes = {arm.animals for arm in plan.arms}
        own = GridCell(animals=plan.arms[0].animals, last_day=plan.days[-1], result=self.simulated)
        found: list[dict[str, object]] = []
        for place, cell in enumerate((own, *self.grid)):
            planned = place == 0
            for number, question in enumerate(cell.result.questions):
                closed = self.closed_form[number].power if planned else None
                found.append(
                    {
                        "design": "plan" if planned else "grid",
                        # Arms of different size have no one number.
                        "animals_per_arm": cell.animals
                        if len(sizes) == 1 or not planned
                        else None,
                        "last_day": cell.last_day,
                        **asdict(question),
                        "closed_form": closed,
                        "singular": cell.result.singular,
                        "left_early": cell.result.left_early,
                    }
                )
        return found

    def to_frame(self) -> pd.DataFrame:
        """A row for each question of the plan and of each cell."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design power``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={
                "replicates": self.plan.replicates,
                "power": self.target,
                "seed_source": self.seed_source,
                "animals": list(dict.fromkeys(cell.animals for cell in self.grid)),
                "last_days": list(dict.fromkeys(cell.last_day for cell in self.grid)),
            },
            seed=self.seed,
            content={
                "plan": self.plan.to_dict(),
                "simulated": self.simulated.to_dict(),
                "closed_form": [one.to_dict() for one in self.closed_form],
                "smallest_effect": list(self.smallest),
                "grid": [asdict(cell) for cell in self.grid],
            },
        )


def plan_power_file(
    path: Path,
    *,
    seed: int | None = None,
    replicates: int | None = None,
    target: float = 0.8,
    animals: Sequence[int] = (),
    last_days: Sequence[float] = (),
    progress: Callable[[str], None] | None = None,
) -> PowerResult:
    """Power of the plan of a file.

    Parameters
    ----------
    path : Path
        The plan.
    seed, replicates : int, optional
        Come before those of the file; without any seed it is taken from the file's digest.
    target : float
        Power that the smallest effects have.
    animals : sequence of int
        Numbers per arm of a grid; those of the first arm where only `last_days` are given.
    last_days : sequence of float
        Last days of a grid; that of the plan where only `animals` are given.
    progress : callable, optional
        Called with words on what is done.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If assumptions or options are impossible.
    """
    plan, of_file = read_power_plan(path)
    if replicates is not None:
        plan = replace(plan, replicates=replicates)
    source = input_digest(path)
    chosen: tuple[int, SeedSource]
    if seed is not None:
        chosen = seed, "given"
    elif of_file is not None:
        chosen = of_file, "file"
    else:
        chosen = seed_of(source.sha256), "digest"
    smallest = smallest_effect(plan, power=target)
    rng = np.random.default_rng(chosen[0])
    simulated = power_by_simulation(plan, rng=rng, progress=_counting(progress, "studies"))
    grid: tuple[GridCell, ...] = ()
    if animals or last_days:
        grid = power_grid(
            plan,
            animals=animals or (plan.arms[0].animals,),
            last_days=last_days or (plan.days[-1],),
            seed=chosen[0],
            progress=_counting(progress, "cells of the grid"),
        )
    return PowerResult(
        source=source,
        plan=plan,
        seed=chosen[0],
        seed_source=chosen[1],
        simulated=simulated,
        closed_form=power_closed_form(plan),
        target=target,
        smallest=smallest,
        grid=grid,
    )


def _counting(
    progress: Callable[[str], None] | None, what: str
) -> Callable[[int, int], None] | None:
    """Counts as words."""
    if progress is None:
        return None
    return lambda done, of: progress(f"{done:,} of {of:,} {what}")
