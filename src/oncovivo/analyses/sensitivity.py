"""Sensitivities of a simulation's outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from oncovivo.analyses.contract import contract, input_digest
from oncovivo.mechanism.sensitivity import Sensitivity, local_sensitivity, sobol_sensitivity
from oncovivo.mechanism.simulation_file import read_simulation
from oncovivo.provenance import InputFile, seed_of

__all__ = ["FileSensitivity", "run_sensitivity"]

SCHEMA = "oncovivo.sensitivity/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSensitivity:
    """A simulation file, and which numbers one of its outputs hangs on."""

    source: InputFile
    sobol: int | None
    seed: int
    result: Sensitivity

    def to_dict(self) -> dict[str, object]:
        """The JSON contract of ``oncovivo mechanism sensitivity``."""
        return contract(
            SCHEMA,
            source=self.source,
            options={
                "arm": self.result.arm,
                "output": self.result.output,
                "day": self.result.time_d,
                "sobol": self.sobol,
            },
            seed=self.seed,
            content={"simulated": True, **asdict(self.result)},
        )


def run_sensitivity(
    path: Path,
    *,
    output: str,
    arm: str | None = None,
    day: float | None = None,
    sobol: int | None = None,
    seed: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> FileSensitivity:
    """Sensitivities of one output of a simulation file.

    Parameters
    ----------
    path : Path
        The simulation file.
    output : str
        The output.
    arm : str, optional
        The arm; else the last of the file.
    day : float, optional
        The day; else the last.
    sobol : int, optional
        Points of the sequence behind Sobol's indices, a power of 2; none without it.
    seed : int, optional
        Seed; else from the file's digest.
    progress : callable
        Called with the name of each stage.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If the arm, output or day does not exist.
    DataError
        If nothing varies and indices are asked for.
    """
    progress("reading")
    simulation = read_simulation(path)
    source = input_digest(path)
    used = seed_of(source.sha256) if seed is None else seed
    chosen = simulation.arms[-1].name if arm is None else arm
    at = float(simulation.days[-1]) if day is None else day
    progress("running")
    result = (
        local_sensitivity(simulation, arm=chosen, output=output, day=at)
        if sobol is None
        else sobol_sensitivity(
            simulation,
            arm=chosen,
            output=output,
            day=at,
            rng=np.random.default_rng(used),
            base=sobol,
        )
    )
    return FileSensitivity(source=source, sobol=sobol, seed=used, result=result)
