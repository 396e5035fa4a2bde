"""Power of a planned study from a file: simulated, in closed form, over a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.figure_files import check_figure_name, write_named_figures
from oncovivo.design.power import (
    GridCell,
    SimulatedPower,
    power_by_simulation,
    power_grid,
)
from oncovivo.design.power_allocation import AllocationPower, compare_allocations
from oncovivo.design.power_closed_form import (
    ClosedForm,
    closed_powers,
    power_closed_form,
    smallest_effect,
)
from oncovivo.design.power_file import read_power_file
from oncovivo.design.power_plan import PowerPlan
from oncovivo.design.power_plots import PowerPoint, PowerSeries, plot_power
from oncovivo.design.power_reference import ReferenceVariation
from oncovivo.provenance import InputFile, seed_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["PowerResult", "plan_power_file", "power_figure", "write_power_figure"]

SCHEMA: Final = "oncovivo.design_power/1"
SeedSource: TypeAlias = Literal["given", "file", "digest"]
# Numbers of animals at which the line of a figure is worked out.
_LINE_POINTS: Final = 40


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
        Of each question, where there is one.
    target : float
        Power that the smallest effects have.
    smallest : tuple of float or None
        Smallest effect of each question, as
        :func:`oncovivo.design.power_closed_form.smallest_effect` has them.
    allocations : tuple of AllocationPower
        Equal arms and a larger control, with as many animals; empty where there is no choice.
    reference : ReferenceVariation or None
        Study that the variation is from.
    reference_source : InputFile or None
        Its file; None where it is a folder.
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
    smallest: tuple[float | None, ...]
    allocations: tuple[AllocationPower, ...] = ()
    reference: ReferenceVariation | None = None
    reference_source: InputFile | None = None
    grid: tuple[GridCell, ...] = ()

    @property
    def own_cell(self) -> GridCell:
        """The plan itself as a cell."""
        return GridCell(
            animals=self.plan.arms[-1].animals,
            last_day=self.plan.days[-1],
            result=self.simulated,
            closed_form=tuple(one.power for one in self.closed_form),
        )

    @property
    def one_number(self) -> bool:
        """Whether the plan's animals per arm are one number, the control apart with ``sqrt_k``."""
        arms = self.plan.arms[1:] if self.plan.allocation == "sqrt_k" else self.plan.arms
        return len({arm.animals for arm in arms}) == 1

    def rows(self) -> list[dict[str, object]]:
        """A row for each question of the plan and of each cell."""
        found: list[dict[str, object]] = []
        for place, cell in enumerate((self.own_cell, *self.grid)):
            planned = place == 0
            for number, question in enumerate(cell.result.questions):
                found.append(
                    {
                        "design": "plan" if planned else "grid",
                        # Arms of different size have no one number.
                        "animals_per_arm": cell.animals
                        if self.one_number or not planned
                        else None,
                        "last_day": cell.last_day,
                        **asdict(question),
                        "closed_form": cell.closed_form[number] if cell.closed_form else None,
                        "singular": cell.result.singular,
                        "left_early": cell.result.left_early,
                        "below_limit": cell.result.below_limit,
                    }
                )
        return found

    def to_frame(self) -> pd.DataFrame:
        """A row for each question of the plan and of each cell."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo design power``."""
        reference = None
        if self.reference is not None:
            own = self.reference_source
            reference = {
                **self.reference.to_dict(),
                "file": None if own is None else own.name,
                "sha256": None if own is None else own.sha256,
            }
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
                "reference": reference,
                "simulated": self.simulated.to_dict(),
                "closed_form": [one.to_dict() for one in self.closed_form],
                "smallest_effect": list(self.smallest),
                "allocations": [asdict(one) for one in self.allocations],
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
        Numbers per arm of a grid; those of the last arm where only `last_days` are given.
    last_days : sequence of float
        Last days of a grid; that of the plan where only `animals` are given.
    progress : callable, optional
        Called with words on what is done.

    Raises
    ------
    FileFormatError
        If a file cannot be read.
    InputError
        If assumptions or options are impossible.
    DataError
        If the reference cannot be fitted.
    """
    file = read_power_file(path)
    plan = file.plan
    if replicates is not None:
        plan = replace(plan, replicates=replicates)
    source = input_digest(path)
    chosen: tuple[int, SeedSource]
    if seed is not None:
        chosen = seed, "given"
    elif file.seed is not None:
        chosen = file.seed, "file"
    else:
        chosen = seed_of(source.sha256), "digest"
    smallest = smallest_effect(plan, power=target)
    rng = np.random.default_rng(chosen[0])
    simulated = power_by_simulation(plan, rng=rng, progress=_counting(progress, "studies"))
    grid: tuple[GridCell, ...] = ()
    if animals or last_days:
        grid = power_grid(
            plan,
            animals=animals or (plan.arms[-1].animals,),
            last_days=last_days or (plan.days[-1],),
            seed=chosen[0],
            progress=_counting(progress, "cells of the grid"),
        )
    beside = file.reference_path
    return PowerResult(
        source=source,
        plan=plan,
        seed=chosen[0],
        seed_source=chosen[1],
        simulated=simulated,
        closed_form=power_closed_form(plan),
        target=target,
        smallest=smallest,
        allocations=compare_allocations(plan),
        reference=file.reference,
        reference_source=input_digest(beside) if beside is not None and beside.is_file() else None,
        grid=grid,
    )


def power_figure(result: PowerResult) -> Figure:
    """Power against the number of animals, of the grid or of the plan alone.

    Parameters
    ----------
    result : PowerResult
        What to draw.
    """
    plan = result.plan
    cells = result.grid or (result.own_cell,)
    numbers = sorted({cell.animals for cell in cells})
    series = []
    for number, label in enumerate(plan.labels):
        for day in sorted({cell.last_day for cell in cells}):
            own = sorted(
                (cell for cell in cells if cell.last_day == day), key=lambda cell: cell.animals
            )
            points = tuple(
                PowerPoint(
                    animals=cell.animals,
                    power=cell.result.questions[number].power,
                    error=cell.result.questions[number].power_error,
                )
                for cell in own
            )
            line = _line(plan, number, day, numbers) if result.grid else ()
            series.append(PowerSeries(question=label, last_day=day, points=points, line=line))
    per_arm = plan.allocation != "sqrt_k"
    return plot_power(
        series,
        title=plan.title,
        target=result.target,
        level=plan.level,
        arm_words="animals per arm" if per_arm else "animals per treated arm",
    )


def _line(
    plan: PowerPlan, number: int, day: float, animals: Sequence[int]
) -> tuple[tuple[int, float], ...]:
    """The closed form between the smallest and the largest number of animals."""
    step = max(1, (animals[-1] - animals[0]) // _LINE_POINTS)
    found = []
    for count in sorted({*range(animals[0], animals[-1] + 1, step), *animals}):
        if plan.cages is not None and count not in animals:
            # Cages that do not fill have no closed form, or no cages enough.
            continue
        powers = closed_powers(plan.resized(animals=count, last_day=day))
        if powers:
            found.append((count, powers[number]))
    return tuple(found)


def write_power_figure(result: PowerResult, path: Path) -> tuple[Path, ...]:
    """Draw power against the number of animals.

    Parameters
    ----------
    result : PowerResult
        What to draw.
    path : Path
        Ends in ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If the file cannot be written.
    """
    check_figure_name(path)
    return write_named_figures(
        {path.stem: power_figure(result)}, path, title=f"Power: {result.plan.title}"
    )


def _counting(
    progress: Callable[[str], None] | None, what: str
) -> Callable[[int, int], None] | None:
    """Counts as words."""
    if progress is None:
        return None
    return lambda done, of: progress(f"{done:,} of {of:,} {what}")
