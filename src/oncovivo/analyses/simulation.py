"""Simulations from files: run, as JSON, as tables, as figures, and as virtual studies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.analyses.figure_files import check_figure_name, write_named_figures
from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.simulate import SimulationResult, simulate
from oncovivo.mechanism.simulation_file import Simulation, read_simulation
from oncovivo.mechanism.trajectory_plots import plot_simulation
from oncovivo.mechanism.virtual import draw_virtual
from oncovivo.mechanism.virtual_study import to_study
from oncovivo.provenance import InputFile, seed_of
from oncovivo.studies.writers import write_study

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FileSimulation",
    "SimulationOptions",
    "run_simulation_file",
    "write_simulation_figure",
    "write_virtual_studies",
]

SCHEMA = "oncovivo.simulation_result/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationOptions:
    """What the user says beside the file.

    Parameters
    ----------
    engine : {"numpy", "adaptive", "scipy"}
        How states are integrated.
    rtol : float, optional
        Relative tolerance; else the engine's own.
    draws : int, optional
        Draws behind the limits; else as the file says.
    seed : int, optional
        Seed; else the file's, else from its digest.
    """

    engine: Engine = "adaptive"
    rtol: float | None = None
    draws: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.draws is not None and self.draws < 1:
            raise InputError("one draw or more", found=str(self.draws), where="--draws")

    def to_dict(self) -> dict[str, object]:
        """All options but the seed, ready for JSON."""
        return {"engine": self.engine, "rtol": self.rtol, "draws": self.draws}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSimulation:
    """A simulation file, what was said beside it, and what it gave."""

    source: InputFile
    options: SimulationOptions
    simulation: Simulation
    result: SimulationResult

    def to_frame(self) -> pd.DataFrame:
        """One row for each arm, output and day."""
        import pandas as pd

        rows = [
            {
                "arm": arm.arm,
                "regimen": arm.regimen,
                "output": curve.name,
                "unit": curve.unit,
                "time_d": day,
                "typical": curve.typical[place],
                "median": curve.median[place],
                "lower": curve.lower[place],
                "upper": curve.upper[place],
                "assumed_count": len(curve.assumed),
                "scaled_count": len(curve.scaled),
            }
            for arm in self.result.arms
            for curve in arm.outputs
            for place, day in enumerate(self.result.days)
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo simulate``."""
        result = self.result
        return contract(
            SCHEMA,
            source=self.source,
            options=self.options.to_dict(),
            seed=result.seed,
            content={
                "model": {
                    "name": result.name,
                    "title": result.title,
                    "note": result.note,
                    "blocks": list(result.blocks),
                    "states": list(self.simulation.model.state_names),
                    "engine": result.engine,
                },
                "simulated": True,
                "control": result.control,
                "parameters": [
                    {**asdict(use), "arms": list(use.arms)} for use in result.parameters
                ],
                "assumed_count": result.count("assumed"),
                "scaled_count": result.count("scaled"),
                "band": result.band,
                "draws": result.draws,
                "level": result.level,
                "arms": [
                    {
                        "arm": arm.arm,
                        "regimen": arm.regimen,
                        "changed": list(arm.changed),
                        "dose_days": list(arm.dose_days),
                        "time_d": list(result.days),
                        "outputs": {
                            curve.name: {
                                "median": list(curve.median),
                                "lower": list(curve.lower),
                                "upper": list(curve.upper),
                                "typical": list(curve.typical),
                                "unit": curve.unit,
                                "meaning": curve.meaning,
                                "kind": curve.kind,
                                "level": result.level,
                                "band": result.band,
                                "assumed_count": len(curve.assumed),
                                "scaled_count": len(curve.scaled),
                                "assumed": list(curve.assumed),
                                "scaled": list(curve.scaled),
                            }
                            for curve in arm.outputs
                        },
                    }
                    for arm in result.arms
                ],
                "comparisons": [asdict(row) for row in result.comparisons],
            },
            warnings=tuple(
                {**asdict(warning), "animal_id": None, "rows": []} for warning in result.warnings
            ),
        )


def run_simulation_file(
    path: Path,
    *,
    options: SimulationOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileSimulation:
    """Read a simulation file and run it.

    Parameters
    ----------
    path : Path
        The file.
    options : SimulationOptions, optional
        What is said beside it.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If the file cannot be read or is no simulation.
    InputError
        If a block, a number, an output or a regimen does not fit.
    DataError
        If the model is stiff and the engine is not scipy, or a number is no longer finite.
    """
    options = options or SimulationOptions()
    progress("reading")
    simulation = read_simulation(path)
    if options.draws is not None:
        simulation = replace(simulation, band=replace(simulation.band, draws=options.draws))
    source = input_digest(path)
    seed = _seed(options, simulation, source)
    result = simulate(
        simulation,
        rng=np.random.default_rng(seed),
        seed=seed,
        engine=options.engine,
        rtol=options.rtol,
        progress=progress,
    )
    return FileSimulation(source=source, options=options, simulation=simulation, result=result)


def write_simulation_figure(found: FileSimulation, path: Path) -> tuple[Path, ...]:
    """Draw the outputs by day, as ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If the file cannot be written.
    """
    check_figure_name(path)
    return write_named_figures(
        {path.stem: plot_simulation(found.result)}, path, title=found.result.title
    )


def write_virtual_studies(
    found: FileSimulation,
    folder: Path,
    *,
    n_studies: int,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:
    """Virtual studies as folders that every other command reads.

    Parameters
    ----------
    found : FileSimulation
        A simulation whose file has a ``[study]``.
    folder : Path
        Where a single study goes; several go into its folders ``1``, ``2`` …
    n_studies : int
        How many, 1 or more.
    overwrite : bool
        Whether studies that are there already may be replaced.
    progress : callable
        Called with the name of each stage.

    Returns
    -------
    tuple of Path
        The folders of the studies.

    Raises
    ------
    DataError
        If the simulation has no ``[study]``.
    InputError
        If a folder holds a study already, or `n_studies` is below 1.
    """
    if found.simulation.study is None:
        raise DataError(
            "a [study] in the simulation file: animals, visits, measurement error",
            found="none",
            where=found.source.name,
        )
    if n_studies < 1:
        raise InputError("one virtual study or more", found=str(n_studies), where="--virtual")
    progress(f"drawing {n_studies} virtual studies")
    drawn = draw_virtual(
        found.simulation,
        n_studies=n_studies,
        rng=np.random.default_rng(found.result.seed),
        engine=found.options.engine,
        rtol=found.options.rtol,
    )
    width = len(str(n_studies))
    folders = []
    for number in range(n_studies):
        place = folder if n_studies == 1 else folder / f"{number + 1:0{width}d}"
        progress(f"writing study {number + 1}")
        write_study(to_study(drawn, number), place, overwrite=overwrite)
        folders.append(place)
    return tuple(folders)


def _seed(options: SimulationOptions, simulation: Simulation, source: InputFile) -> int:
    """Seed of the draws."""
    if options.seed is not None:
        return options.seed
    return seed_of(source.sha256) if simulation.seed is None else simulation.seed
