"""A small simulated study, the simulation it was drawn from, and a plan that fits it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oncovivo.analyses.simulation import run_simulation_file, write_virtual_studies

SIMULATION = """
schema = "oncovivo.simulation/1"
title = "Doses alone"
blocks = ["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]
parameters = ["mouse_20g"]
outputs = ["tumor_volume"]
seed = 5
[time]
days = [0.0, 18.0]
[band]
draws = 1
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 5.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.1, unit = "1/day", status = "assumed" }
v0 = { value = 200.0, unit = "mm³", status = "assumed", between_animal_cv = 0.1 }
[[arms]]
name = "vehicle"
control = true
[[arms]]
name = "high"
regimen = "drug 15 mg/kg p.o. q3d x6"
[study]
animals_per_arm = 5
every = 3.0
caliper_cv = 0.06
limit_mm3 = 195.0
volume_limit_mm3 = 1500.0
"""

PLAN = """
schema = "oncovivo.fit/1"
title = "Doses alone [fitted]"
simulation = "doses.toml"
[arms]
vehicle = "vehicle"
high = "high"
[estimate.v0]
start = 150.0
between_animal = true
[estimate.growth_rate]
start = 0.06
[estimate.growth_imax]
start = 0.5
[leaving]
volume_mm3 = 1500.0
"""

TRUTH = {"v0": 200.0, "growth_rate": 0.1, "growth_imax": 0.8}

# One dose level and few readings do not tell potency and the largest effect apart.
TOO_MUCH = PLAN + "[estimate.inhibition_ed50]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class FitFiles:
    """Where the files lie."""

    folder: Path
    simulation: Path
    plan: Path
    study: Path

    def write_plan(self, text: str, name: str = "other.toml") -> Path:
        """Another plan beside the simulation."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


def write_fit_files(folder: Path, *, simulation: str = SIMULATION) -> FitFiles:
    """The files of a fit in a folder."""
    files = FitFiles(
        folder=folder,
        simulation=folder / "doses.toml",
        plan=folder / "plan.toml",
        study=folder / "study",
    )
    files.simulation.write_text(simulation, encoding="utf-8")
    files.plan.write_text(PLAN, encoding="utf-8")
    write_virtual_studies(run_simulation_file(files.simulation), files.study, n_studies=1)
    return files
