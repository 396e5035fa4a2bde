"""What a guide shows of a simulation, and the rows that claims on it are tested against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from oncovivo.analyses.project import SectionId, SimulationEntry
from oncovivo.analyses.simulation_inputs import source_name
from oncovivo.evidence.claims import Row
from oncovivo.evidence.records import Scalar
from oncovivo.figures import Diagram
from oncovivo.mechanism.pathway_plots import PathwayRow
from oncovivo.mechanism.simulate import Comparison, SimulationResult

__all__ = ["PlacedSimulation", "comparison_id", "run_simulations", "simulation_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSimulation:
    """A simulation, the section it stands in, and the pathway of its model.

    ``diagram`` is None and ``arrows`` empty where the model has no pathway; the numbers behind
    arrows are those of the control. ``tumor`` is an OncoTree code or empty.
    """

    section: SectionId
    tumor: str
    result: SimulationResult
    diagram: Diagram | None
    arrows: tuple[PathwayRow, ...]

    @property
    def source(self) -> str:
        """What a claim writes in ``from``."""
        return source_name(self.result.name)


KeptSimulation: TypeAlias = Callable[
    [SimulationEntry, Callable[[], PlacedSimulation]], PlacedSimulation
]


def run_simulations(
    entries: Sequence[SimulationEntry],
    *,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
    kept: KeptSimulation = lambda _, compute: compute(),
) -> tuple[PlacedSimulation, ...]:
    """Every simulation of a guide, in the order of ``guide.toml``.

    Parameters
    ----------
    entries : sequence of SimulationEntry
        The simulations.
    folder : Path
        Of the guide.
    progress : callable
        Called with the name of each simulation.
    kept : callable, optional
        Given an entry and what runs it, returns its result, run or kept from earlier.

    Raises
    ------
    ProjectError
        If a file is malformed, a number does not fit, or a model cannot be integrated.
    """
    found = []
    for entry in entries:
        progress(f"simulation {entry.name}")
        found.append(kept(entry, partial(_run, entry, folder)))
    return tuple(found)


def _run(entry: SimulationEntry, folder: Path) -> PlacedSimulation:
    """One simulation; its seed is that of ``oncovivo simulate`` on the same file."""
    from oncovivo.analyses.simulation import SimulationOptions, run_simulation_file
    from oncovivo.mechanism.pathway_plots import pathway_diagram, pathway_rows

    run = run_simulation_file(folder / entry.path, options=SimulationOptions(draws=entry.draws))
    model = run.simulation.model
    control = next(arm for arm in run.simulation.arms if arm.name == run.simulation.control)
    drawn = bool(model.edges)
    return PlacedSimulation(
        section=entry.section,
        tumor=entry.tumor or "",
        result=run.result,
        diagram=pathway_diagram(model, control.parameters) if drawn else None,
        arrows=pathway_rows(model, control.parameters) if drawn else (),
    )


def comparison_id(result: SimulationResult, number: int) -> str:
    """Id of the row of a comparison, counted from 1; no evidence row has a colon in its id.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> comparison_id(SimpleNamespace(name="renal_786o"), 3)
    'renal_786o:3'
    """
    return f"{result.name}:{number}"


def simulation_rows(result: SimulationResult) -> tuple[Row, ...]:
    """The comparisons as rows that a claim may query."""
    return tuple(
        _row(result, number, comparison)
        for number, comparison in enumerate(result.comparisons, start=1)
    )


def _row(result: SimulationResult, number: int, found: Comparison) -> Row:
    """One comparison, by the columns of :data:`oncovivo.evidence.SIMULATION_COLUMNS`."""
    cells: dict[str, Scalar | None] = {
        "row_id": comparison_id(result, number),
        "source": source_name(result.name),
        "arm": found.arm,
        "versus": found.versus,
        "output": found.output,
        "unit": found.unit,
        "time_d": found.time_d,
        "median": found.median,
        "lower": found.lower,
        "upper": found.upper,
        "ratio": found.ratio,
        "ratio_lower": found.ratio_lower,
        "ratio_upper": found.ratio_upper,
        "direction": found.direction,
        "assumed_count": found.assumed_count,
        "scaled_count": found.scaled_count,
    }
    return {name: ("not_applicable" if value is None else value,) for name, value in cells.items()}
