"""Simulations against closed forms: growth, spread of the draws, comparisons, doses."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.population import draw_parameters, spread_names, standard_normals
from oncovivo.mechanism.simulate import SimulationResult, arm_doses, simulate
from oncovivo.mechanism.simulation_file import BandKind, Simulation, read_simulation

GROWTH = """
schema = "oncovivo.simulation/1"
title = "Exponential tumors"
blocks = ["tumor", "exponential"]
parameters = ["renal_786o"]
[time]
end = 20.0
step = 5.0
report = [10.0, 20.0]
[band]
draws = 4000
[[arms]]
name = "slow"
[arms.values.growth_rate]
value = 0.05
unit = "1/day"
status = "assumed"
between_animal_cv = 0.2
uncertainty_cv = 0.1
[[arms]]
name = "as fitted"
control = true
"""


def read(folder: Path, text: str = GROWTH) -> Simulation:
    path = folder / "growth.toml"
    path.write_text(text, encoding="utf-8")
    return read_simulation(path)


def run(simulation: Simulation, *, seed: int = 1, engine: Engine = "adaptive") -> SimulationResult:
    return simulate(simulation, rng=np.random.default_rng(seed), seed=seed, engine=engine)


@pytest.mark.parametrize("engine", ["adaptive", "numpy", "scipy"])
def test_the_typical_animal_follows_the_closed_form(tmp_path: Path, engine: Engine) -> None:
    simulation = read(tmp_path)
    few = dataclasses.replace(simulation, band=dataclasses.replace(simulation.band, draws=3))
    result = run(few, engine=engine)
    volume = result.arms[0].output("tumor_volume")
    for day, value in zip(result.days, volume.typical, strict=True):
        # The engines promise 1e-4; they keep 1e-6 on growth as smooth as this.
        assert value == pytest.approx(173.5 * math.exp(0.05 * day), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "spread"),
    [
        ("between_animal", math.log1p(0.2**2)),
        ("uncertainty", math.log1p(0.1**2)),
        ("both", math.log1p(0.2**2) + math.log1p(0.1**2)),
    ],
)
def test_limits_are_those_of_the_lognormal_growth_rate(
    tmp_path: Path, kind: BandKind, spread: float
) -> None:
    simulation = read(tmp_path)
    band = dataclasses.replace(simulation.band, kind=kind)
    result = run(dataclasses.replace(simulation, band=band))
    volume = result.arms[0].output("tumor_volume")
    rates = [math.log(value[-1] / 173.5) / 20 for value in (volume.lower, volume.upper)]
    expected = [0.05 * math.exp(sign * 1.6449 * math.sqrt(spread)) for sign in (-1, 1)]
    # A 5 % quantile of 4,000 draws has a relative error of 2.1 sd / sqrt(4000), here 0.7 %.
    assert rates == pytest.approx(expected, rel=0.025)
    assert volume.median[-1] == pytest.approx(volume.typical[-1], rel=0.02)


def test_arms_are_compared_animal_by_animal(tmp_path: Path) -> None:
    result = run(read(tmp_path))
    rows = {row.time_d: row for row in result.comparisons}
    assert set(rows) == {10, 20}
    assert {row.versus for row in result.comparisons} == {"as fitted"}
    late = rows[20]
    assert late.direction == "lower"
    assert late.ratio == pytest.approx(math.exp((0.05 - 0.1368) * 20), rel=0.1)
    # Two parameters of the arm's own status: the rate is assumed here, v0 is measured.
    assert (late.assumed_count, late.scaled_count) == (1, 0)


def test_an_arm_like_the_control_has_no_direction(tmp_path: Path) -> None:
    text = GROWTH.split('name = "slow"')[0] + 'name = "same"\n[[arms]]\nname = "as fitted"\n'
    result = run(read(tmp_path, text.replace("4000", "200")))
    assert {row.direction for row in result.comparisons} == {"none"}
    assert {row.ratio for row in result.comparisons} == {1.0}


def test_without_spread_nothing_is_drawn_and_it_is_said(tmp_path: Path) -> None:
    simulation = read(tmp_path)
    values = simulation.arms[0].parameters
    bare = dataclasses.replace(
        values,
        entries=tuple(
            dataclasses.replace(entry, between_animal_cv=None, uncertainty_cv=None)
            for entry in values
        ),
    )
    arm = dataclasses.replace(simulation.arms[0], parameters=bare)
    result = run(dataclasses.replace(simulation, arms=(arm,), control=arm.name))
    assert result.draws == 0
    assert [warning.code for warning in result.warnings] == ["no_spread"]
    volume = result.arms[0].output("tumor_volume")
    assert volume.lower == volume.typical == volume.upper


def test_the_same_seed_gives_the_same_draws(tmp_path: Path) -> None:
    simulation = read(tmp_path, GROWTH.replace("4000", "50"))
    assert run(simulation) == run(simulation)
    assert run(simulation).arms != run(simulation, seed=2).arms


def test_animals_are_the_same_in_every_arm_and_layers_stay_apart(tmp_path: Path) -> None:
    parameters = read(tmp_path).arms[0].parameters
    assert spread_names(parameters) == {
        "between_animal": ("growth_rate",),
        "uncertainty": ("growth_rate",),
    }
    typical, animal = standard_normals(3, parameters, rng=np.random.default_rng(0))
    place = [entry.name for entry in parameters].index("growth_rate")
    drawn = draw_parameters(parameters, typical, animal, kind="between_animal")
    sd = math.sqrt(math.log1p(0.04))
    assert drawn[:, place] == pytest.approx(0.05 * np.exp(sd * animal[:, place]))
    other = [index for index in range(len(parameters)) if index != place]
    assert (drawn[:, other] == parameters.values[other]).all()


DOSES = """
schema = "oncovivo.simulation/1"
title = "Paclitaxel once"
blocks = ["animal", { block = "pk_two_compartment", rename = { drug = "paclitaxel" } },
          "kill_linear", "tumor_transits", "simeoni"]
parameters = ["mouse_20g", "paclitaxel_a2780", "a2780_simeoni"]
[time]
end = 40.0
step = 0.5
[[arms]]
name = "control"
[[arms]]
name = "treated"
regimen = "paclitaxel 30 mg/kg i.v. once"
"""


def test_doses_are_placed_on_their_days(tmp_path: Path) -> None:
    simulation = read(tmp_path, DOSES)
    doses, events = arm_doses(simulation.model, simulation.arms[1])
    assert list(doses) == ["paclitaxel"]
    assert events == {}
    result = run(simulation)
    assert result.arms[1].dose_days == (0.0,)
    assert result.arms[0].dose_days == ()
    treated, control = (arm.output("tumor_volume").typical for arm in result.arms[::-1])
    assert treated[20] < control[20]
