"""Time population fits of mechanism models: 60 animals, 14 readings each, four arms.

Run it as ``python benchmarks/mechanism_fit.py``. Two problems, each simulated once from a seed:

- Simeoni's model (four states, psi 20) under three dose levels of a drug with two compartments,
  five parameters that differ between animals, an error of 12 %: the size and the typical values of
  the problem whose times with nlmixr2est 5.0.2 are quoted;
- a drug without concentrations (K-PD) that slows exponential growth: five typical values, two of
  which differ between animals.

CPU seconds of one thread of the two-stage start (with the pooled fit before it), of SAEM with its
first likelihood, and of the whole fit with standard errors, by the engine that is always there and
by the compiled one where numba can be imported; compilation is not counted. The quoted times were
measured on another simulated study of that size, one thread, without standard errors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit import FitPlan, MechanismFit, fit_mechanism, read_fit_plan
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves, fit_data_from_growth

THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
PER_ARM: Final = 15
DAYS: Final = np.arange(0.0, 27.0, 2.0)
SIGMA: Final = 0.12
SEED: Final = 20_260_101
QUOTED: Final = (
    ("nlmixr2est 5.0.2 SAEM, 300 + 150 iterations", 579.0),
    ("nlmixr2est 5.0.2 FOCEI", 891.0),
)
SIMEONI: Final = """
schema = "oncovivo.simulation/1"
title = "Simeoni's model"
blocks = [
  "animal", { block = "pk_two_compartment", rename = { drug = "paclitaxel" } }, "kill_linear",
  "tumor_transits", "simeoni",
]
parameters = ["mouse_20g", "paclitaxel_a2780", "a2780_simeoni"]
[time]
days = [0.0, 26.0]
[values]
lambda0 = { value = 0.2, unit = "1/day", status = "assumed" }
lambda1 = { value = 450.0, unit = "mm³/day", status = "assumed" }
k1 = { value = 0.6, unit = "1/day", status = "assumed" }
k2 = { value = 6e-4, unit = "mL/(ng*day)", status = "assumed" }
v0 = { value = 50.0, unit = "mm³", status = "assumed" }
[[arms]]
name = "vehicle"
[[arms]]
name = "low"
regimen = "paclitaxel 10 mg/kg i.v. q4d x3"
[[arms]]
name = "middle"
regimen = "paclitaxel 20 mg/kg i.v. q4d x3"
[[arms]]
name = "high"
regimen = "paclitaxel 30 mg/kg i.v. q4d x3"
"""
KPD: Final = """
schema = "oncovivo.simulation/1"
title = "A drug without concentrations that slows growth"
blocks = ["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]
parameters = ["mouse_20g"]
[time]
days = [0.0, 26.0]
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 3.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.12, unit = "1/day", status = "assumed" }
v0 = { value = 150.0, unit = "mm³", status = "assumed" }
[[arms]]
name = "vehicle"
[[arms]]
name = "low"
regimen = "drug 2 mg/kg p.o. q2d x7"
[[arms]]
name = "middle"
regimen = "drug 8 mg/kg p.o. q2d x7"
[[arms]]
name = "high"
regimen = "drug 100 mg/kg p.o. q2d x7"
"""
PLAN: Final = """
schema = "oncovivo.fit/1"
title = "Population"
simulation = "model.toml"
[arms]
vehicle = "vehicle"
low = "low"
middle = "middle"
high = "high"
"""
# Standard deviations between animals on the logarithm; 0 where all share a value.
SPREADS: Final = {
    "simeoni": {"lambda0": 0.25, "lambda1": 0.25, "k1": 0.2, "k2": 0.3, "v0": 0.2},
    "kpd": {
        "v0": 0.25,
        "growth_rate": 0.2,
        "inhibition_ed50": 0.0,
        "growth_imax": 0.0,
        "kde": 0.0,
    },
}


def fit_plan(problem: str) -> FitPlan:
    """The plan of a problem; searches begin a third off."""
    lines = [PLAN]
    with tempfile.TemporaryDirectory() as folder:
        text = SIMEONI if problem == "simeoni" else KPD
        (Path(folder) / "model.toml").write_text(text, encoding="utf-8")
        for name, spread in SPREADS[problem].items():
            between = "true" if spread else "false"
            lines.append(f"[estimate.{name}]\nbetween_animal = {between}\n")
        (Path(folder) / "plan.toml").write_text("".join(lines), encoding="utf-8")
        return read_fit_plan(Path(folder) / "plan.toml")


def study(plan: FitPlan, spreads: dict[str, float]) -> FitData:
    """A simulated study."""
    rng = np.random.default_rng(SEED)
    arm = [name for name, _ in plan.arms for _ in range(PER_ARM)]
    spread = np.array([spreads[one.name] for one in plan.estimated])
    phi = plan.start + spread * rng.standard_normal((len(arm), spread.size))
    y = MechanismCurves(plan, arm, np.tile(DAYS, (len(arm), 1)), rtol=1e-7)(phi)
    y = y + SIGMA * rng.standard_normal(y.shape)
    return fit_data_from_growth(
        growth_data_from_arrays(
            arm=[name for name in arm for _ in DAYS],
            animal_id=[f"m{i:02d}" for i in range(len(arm)) for _ in DAYS],
            time=np.tile(DAYS, len(arm)),
            log_size=y.ravel(),
            below_limit=np.zeros(y.size, dtype=bool),
        ),
        plan,
    )


def timed(plan: FitPlan, data: FitData, engine: Engine) -> tuple[MechanismFit, list[float]]:
    """A fit, and CPU seconds of its start, of SAEM, and of all."""
    marks: dict[str, float] = {}

    def note(stage: str) -> None:
        marks.setdefault(stage.split(":")[0], time.process_time())

    begun = time.process_time()
    found = fit_mechanism(plan, data, seed=1, engine=engine, limits=False, progress=note)
    ended = time.process_time()
    saem = next(at for stage, at in marks.items() if stage.startswith("likelihood"))
    start = marks["SAEM 1"]
    return found, [start - begun, saem - start, ended - begun]


def main(arguments: list[str]) -> int:
    """Print the table."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read these when they are loaded.
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        command = [sys.executable, __file__, *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
    engines: list[Engine] = ["adaptive"]
    engines += ["generated"] if find_spec("numba") else []
    out = sys.stdout.write
    out(f"{'problem':<10}{'engine':<12}{'start s':>9}{'SAEM s':>9}{'all s':>9}  converged\n")
    for problem, spreads in SPREADS.items():
        plan = fit_plan(problem)
        data = study(plan, spreads)
        for engine in engines:
            MechanismCurves.of(plan, data, engine=engine)(
                np.tile(plan.start, (data.growth.n_animals, 1))
            )
            found, seconds = timed(plan, data, engine)
            parts = "".join(f"{part:>9.1f}" for part in seconds)
            out(f"{problem:<10}{engine:<12}{parts}  {found.converged}\n")
            for one in found.parameters:
                limits = "not determined"
                if one.lower is not None and one.upper is not None:
                    limits = f"{one.lower:.4g} to {one.upper:.4g}"
                estimate = "" if one.estimate is None else f"{one.estimate:.4g}"
                spread = "" if one.spread is None else f"spread {one.spread:.3f}"
                out(f"    {one.name:<18}{estimate:>9}  {limits:<24}{spread}\n")
    for what, cpu in QUOTED:
        out(f"{what:<50}{cpu:>9.0f} s  quoted, Simeoni\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
