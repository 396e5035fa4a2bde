"""Animals of several regimens together against each regimen by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.mechanism.cohort import Cohort, Regimen
from oncovivo.mechanism.engine import Engine, simulate_model
from oncovivo.mechanism.simulate import arm_doses
from oncovivo.mechanism.simulation_file import Simulation, read_simulation

DAYS = {"vehicle": [0.0, 7.0, 14.0], "oral": [0.0, 3.0, 9.0], "both": [1.0, 3.0, 20.0]}
HEAD = """
schema = "oncovivo.simulation/1"
title = "Two arms and a vehicle"
parameters = ["mouse_20g"]
[time]
days = [0.0, 20.0]
"""
KPD = (
    HEAD
    + """
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 5.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.1, unit = "1/day", status = "assumed" }
v0 = { value = 200.0, unit = "mm³", status = "assumed" }
"""
)
BLOCKS = {
    "kpd": '["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]',
    "radiation": '["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", '
    '"tumor", "radiation_lq"]',
}
RADIATION = """
lq_alpha = { value = 0.1, unit = "1/Gy", status = "assumed" }
lq_beta = { value = 0.01, unit = "1/Gy^2", status = "assumed" }
radiation_death = { value = 0.4, unit = "1/day", status = "assumed" }
"""
ARMS = """
[[arms]]
name = "vehicle"
[[arms]]
name = "oral"
regimen = "drug 15 mg/kg p.o. q7d x3"
[[arms]]
name = "both"
regimen = "{both}"
"""


def _simulation(folder: Path, blocks: str, both: str, more: str = "") -> Simulation:
    text = KPD.replace("parameters =", f"blocks = {BLOCKS[blocks]}\nparameters =") + more
    (folder / "one.toml").write_text(text + ARMS.replace("{both}", both), encoding="utf-8")
    return read_simulation(folder / "one.toml")


def _compared(simulation: Simulation, varied: tuple[str, ...], engine: Engine) -> Cohort:
    rng = np.random.default_rng(1)
    model = simulation.model
    regimens = []
    for arm in simulation.arms:
        doses, events = arm_doses(model, arm)
        regimens.append(Regimen(doses=doses, events=events, days=np.array(DAYS[arm.name])))
    cohort = Cohort(model=model, regimens=tuple(regimens), engine=engine, rtol=1e-8)
    regimen = np.array([2, 0, 1, 1, 2, 0, 1, 2])
    values = np.tile(simulation.arms[0].parameters.values, (regimen.size, 1))
    for name in varied:
        values[:, model.parameter_names.index(name)] *= np.exp(0.3 * rng.normal(size=8))
    found = cohort.outputs(values, regimen)
    for animal, number in enumerate(regimen):
        own = regimens[number]
        alone = simulate_model(
            model,
            values[animal],
            own.doses,
            own.days,
            events=own.events,
            engine="adaptive",
            rtol=1e-9,
        )
        # Steps are shared in one of them: both are within some tens of their tolerances.
        assert found[animal] == pytest.approx(alone.outputs[0], rel=1e-6, abs=1e-9)
    return cohort


@pytest.mark.parametrize("engine", ["adaptive", "generated", "scipy"])
@pytest.mark.parametrize("varied", [("v0", "growth_rate"), ("v0", "kde"), ("kde", "body_weight")])
def test_arms_together_are_the_arms_one_by_one(
    tmp_path: Path, varied: tuple[str, ...], engine: Engine
) -> None:
    if engine == "generated":
        pytest.importorskip("numba")
    _compared(_simulation(tmp_path, "kpd", "drug 3 mg/kg p.o. qd x12"), varied, engine)


def test_fractions_of_radiation_are_those_of_the_animals_own_arm(tmp_path: Path) -> None:
    both = "drug 3 mg/kg p.o. qd x3 + 5 x 2 Gy qd"
    simulation = _simulation(tmp_path, "radiation", both, RADIATION)
    _compared(simulation, ("v0", "lq_alpha"), "adaptive")


def test_concentrations_are_kept_where_nothing_behind_them_differs(tmp_path: Path) -> None:
    simulation = _simulation(tmp_path, "kpd", "drug 3 mg/kg p.o. qd x12")
    cohort = _compared(simulation, ("v0", "growth_rate"), "adaptive")
    values = np.tile(simulation.arms[0].parameters.values, (3, 1))
    regimen = np.arange(3)
    before = cohort.outputs(values, regimen)
    place = simulation.model.parameter_names.index("kde")
    values[:, place] *= 2.0
    faster = cohort.outputs(values, regimen)
    # The vehicle has no drug; the others lose it sooner, and grow more.
    output = simulation.model.output_names.index("tumor_volume")
    assert faster[0, :, output] == pytest.approx(before[0, :, output], rel=1e-7)
    assert (faster[1:, -1, output] > 1.02 * before[1:, -1, output]).all()
    values[:, place] /= 2.0
    assert cohort.outputs(values, regimen) == pytest.approx(before, rel=1e-12)


PK = """
[values]
cl = { value = 0.05, unit = "L/h/kg", status = "assumed" }
v = { value = 0.5, unit = "L/kg", status = "assumed" }
ka = { value = 0.1, unit = "1/h", status = "assumed" }
bioavailability = { value = 0.6, unit = "1", status = "assumed" }
lag_time = { value = 3.0, unit = "h", status = "assumed" }
infusion_time = { value = 6.0, unit = "h", status = "assumed" }
k2 = { value = 1e-4, unit = "mL/(ng*day)", status = "assumed" }
growth_rate = { value = 0.1, unit = "1/day", status = "assumed" }
v0 = { value = 200.0, unit = "mm³", status = "assumed" }
"""


@pytest.mark.parametrize("varied", [("v0",), ("v0", "cl"), ("v0", "lag_time")])
@pytest.mark.parametrize(
    "both",
    [
        # Absorption as fast as elimination: exponentials with powers of the time.
        "drug 3 mg/kg p.o. qd x12",
        # Infusions, which such a pair does not lay out beside other arms.
        "drug 3 mg/kg i.v. qd x5",
    ],
)
def test_equal_rates_lags_and_infusions_are_the_same_in_a_cohort(
    tmp_path: Path, both: str, varied: tuple[str, ...]
) -> None:
    blocks = '["animal", "pk_one_compartment", "kill_linear", "exponential", "tumor"]'
    head = HEAD.replace("parameters =", f"blocks = {blocks}\nparameters =")
    (tmp_path / "pk.toml").write_text(head + PK + ARMS.replace("{both}", both), encoding="utf-8")
    _compared(read_simulation(tmp_path / "pk.toml"), varied, "adaptive")
