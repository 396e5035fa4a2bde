"""Phospho-S6 in percent of its level without drug, fitted together with volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.fit import OutputReading, fit_mechanism, read_fit_plan
from oncovivo.mechanism.fit.curves import MechanismCurves, fit_data_from_growth

SIMULATION = (
    Path(__file__).parents[2]
    / "examples"
    / "temsirolimus"
    / "mechanism"
    / "pathway_daily_vs_weekly.toml"
)
PLAN = """
schema = "oncovivo.fit/1"
title = "Phospho-S6 and volume"
simulation = "{simulation}"
[arms]
vehicle = "vehicle"
weekly = "14 mg/kg weekly"
[estimate.v0]
between_animal = true
[estimate.growth_rate]
between_animal = true
[estimate.s6_turnover]
start = 4.0
[outputs.phospho_s6]
error = "additive"
factor = 100.0
"""


def test_phospho_s6_beside_volume_gives_its_turnover(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    text = PLAN.replace("{simulation}", SIMULATION.as_posix())
    (tmp_path / "s6.toml").write_text(text, encoding="utf-8")
    plan = read_fit_plan(tmp_path / "s6.toml")
    rng = np.random.default_rng(5)
    arm = ["vehicle"] * 4 + ["weekly"] * 4
    days, marker_days = np.arange(0.0, 15.0, 3.0), np.array([0.1, 0.25, 1.0, 4.0, 6.0])
    truth = plan.start.copy()
    turnover = float(plan.simulation.arms[0].parameters["s6_turnover"].value)
    truth[2] = np.log(turnover)
    phi = truth + np.array([0.2, 0.2, 0.0]) * rng.standard_normal((8, 3))
    time = np.tile(np.concatenate((days, marker_days)), (8, 1))
    kind = np.tile(np.repeat([0, 1], [days.size, marker_days.size]), (8, 1))
    shown = MechanismCurves(plan, arm, time, kind, engine="generated")(phi)
    assert shown[:4, days.size :] == pytest.approx(100.0, rel=1e-3)
    assert shown[4:, days.size :].min() < 70.0
    volume = shown[:, : days.size] + 0.1 * rng.standard_normal((8, days.size))
    marker = shown[:, days.size :] + 5.0 * rng.standard_normal((8, marker_days.size))
    names = [f"m{animal}" for animal in range(8)]
    growth = growth_data_from_arrays(
        arm=[name for name in arm for _ in days],
        animal_id=[name for name in names for _ in days],
        time=np.tile(days, 8),
        log_size=volume.ravel(),
        below_limit=np.zeros(volume.size, dtype=bool),
    )
    further = [
        OutputReading(animal_id=name, day=float(day), output="phospho_s6", value=float(value))
        for name, row in zip(names, marker, strict=True)
        for day, value in zip(marker_days, row, strict=True)
    ]
    fit = fit_mechanism(
        plan,
        fit_data_from_growth(growth, plan, further=further),
        seed=1,
        engine="generated",
        saem=SaemPlan(explore=20, settle=20, chains=2),
        draws=64,
        limits=False,
    )
    assert fit.converged
    rate = fit.parameters[2]
    assert rate.estimate is not None
    assert rate.standard_error is not None
    # The readings tell it to a few tens of percent, from a start that is a third of it.
    assert rate.standard_error < 0.4
    assert abs(np.log(rate.estimate / turnover)) < 3 * rate.standard_error
    assert fit.errors[1].sigma == pytest.approx(5.0, rel=0.4)
    (warning,) = [one for one in fit.warnings if one.code == "outputs_by_simulation"]
    assert warning.message == (
        "fits of volume together with phospho_s6 have been tried on simulated readings only"
    )
