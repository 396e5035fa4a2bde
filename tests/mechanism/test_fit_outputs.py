"""Fits of volume together with further outputs, and of what readings do not determine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import FileFormatError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.saem import SaemPlan
from oncovivo.mechanism.engine import Engine
from oncovivo.mechanism.fit import OutputReading, read_output_readings
from oncovivo.mechanism.fit.curves import FitData, MechanismCurves, fit_data_from_growth
from oncovivo.mechanism.fit.plan import FitPlan, read_fit_plan
from oncovivo.mechanism.fit.population import fit_mechanism

SIMULATION = """
schema = "oncovivo.simulation/1"
title = "K-PD"
blocks = ["animal", "kpd", "inhibition_kpd", "growth_inhibition", "exponential", "tumor"]
parameters = ["mouse_20g"]
[time]
days = [0.0, 28.0]
[values]
kde = { value = 0.5, unit = "1/day", status = "assumed" }
inhibition_ed50 = { value = 5.0, unit = "mg/kg", status = "assumed" }
growth_imax = { value = 0.8, unit = "1", status = "assumed" }
growth_rate = { value = 0.1, unit = "1/day", status = "assumed" }
v0 = { value = 200.0, unit = "mm³", status = "assumed" }
[[arms]]
name = "vehicle"
[[arms]]
name = "treated"
regimen = "drug {dose} mg/kg p.o. q7d x3"
"""
PLAN = """
schema = "oncovivo.fit/1"
title = "K-PD"
simulation = "kpd.toml"
[arms]
vehicle = "vehicle"
treated = "treated"
[estimate.v0]
between_animal = true
[estimate.growth_rate]
between_animal = true
"""
OUTPUTS = """
[outputs.virtual_amount]
error = "additive"
factor = 100.0
"""
TRUTH: Mapping[str, float] = {
    "v0": 200.0,
    "growth_rate": 0.1,
    "kde": 0.5,
    "inhibition_ed50": 5.0,
    "growth_imax": 0.8,
}
SHORT = SaemPlan(explore=20, settle=20, chains=2)
DAYS = np.arange(0.0, 28.0, 3.0)
SIGMA, SIGMA_OUTPUT = 0.1, 40.0


def _plan(folder: Path, text: str, dose: float = 15.0) -> FitPlan:
    simulation = SIMULATION.replace("{dose}", f"{dose:g}")
    (folder / "kpd.toml").write_text(simulation, encoding="utf-8")
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return read_fit_plan(folder / "plan.toml")


def _truth(plan: FitPlan) -> NDArray[np.float64]:
    return np.array([float(one.to_scale(TRUTH[one.name])) for one in plan.estimated])


def _volumes(plan: FitPlan, n: int = 16) -> tuple[GrowthData, NDArray[np.float64]]:
    """A simulated study and its animals' parameters."""
    rng = np.random.default_rng(3)
    arm = ["vehicle"] * (n // 2) + ["treated"] * (n // 2)
    spread = np.array([0.15 if one.between_animal else 0.0 for one in plan.estimated])
    phi = _truth(plan) + spread * rng.standard_normal((n, spread.size))
    y = MechanismCurves(plan, arm, np.tile(DAYS, (n, 1)))(phi)
    y = y + SIGMA * rng.standard_normal(y.shape)
    data = growth_data_from_arrays(
        arm=[name for name in arm for _ in DAYS],
        animal_id=[f"m{i:02d}" for i in range(n) for _ in DAYS],
        time=np.tile(DAYS, n),
        log_size=y.ravel(),
        below_limit=np.zeros(y.size, dtype=bool),
    )
    return data, phi


def _with_amounts(plan: FitPlan) -> FitData:
    """The study with readings of the virtual amount in treated animals."""
    data, phi = _volumes(plan)
    rng = np.random.default_rng(4)
    further = []
    days = np.array([1.0, 3.0, 5.0, 8.0])
    arm = [data.arms[number] for number in data.arm]
    time = np.tile(days, (len(arm), 1))
    shown = MechanismCurves(plan, arm, time, np.ones(time.shape, dtype=np.intp))(phi)
    for animal in np.flatnonzero(np.array(arm) == "treated"):
        for day, value in zip(days, shown[animal], strict=True):
            further.append(
                OutputReading(
                    animal_id=data.animal_ids[animal],
                    day=float(day),
                    output="virtual_amount",
                    value=float(value + SIGMA_OUTPUT * rng.standard_normal()),
                )
            )
    return fit_data_from_growth(data, plan, further=further)


def test_an_output_is_read_on_its_own_scale_at_its_own_times(tmp_path: Path) -> None:
    plan = _plan(tmp_path, PLAN + "[estimate.kde]\n" + OUTPUTS)
    time = np.array([[0.0, 7.0, 3.0], [0.0, 7.0, 3.0]])
    kind = np.array([[0, 0, 1], [0, 0, 1]])
    found = MechanismCurves(plan, ("vehicle", "treated"), time, kind)(
        np.tile(_truth(plan), (2, 1))
    )
    assert found[0] == pytest.approx([np.log(200), np.log(200) + 0.7, 0.0], abs=1e-5)
    # 15 mg/kg after three days at 0.5 per day, in hundredths.
    assert found[1, 2] == pytest.approx(1500 * np.exp(-1.5), rel=1e-6)


def test_volume_and_an_output_are_fitted_together_with_an_error_each(tmp_path: Path) -> None:
    text = PLAN + "[estimate.kde]\nstart = 0.8\n[estimate.growth_imax]\nstart = 0.6\n" + OUTPUTS
    plan = _plan(tmp_path, text)
    data = _with_amounts(plan)
    assert data.readings.n_outputs == 2
    assert data.readings.counts.tolist() == [160, 32]
    fit = fit_mechanism(plan, data, seed=1, saem=SHORT, draws=128, limits=False)
    assert fit.converged
    # 16 animals less four typical values: t of 12 degrees of freedom, 2.178813.
    rate = next(one for one in fit.parameters if one.name == "growth_rate")
    assert rate.estimate is not None
    assert rate.upper is not None
    assert rate.standard_error is not None
    reach = np.log(rate.upper / rate.estimate)
    assert reach == pytest.approx(2.178813 * rate.standard_error, rel=1e-5)
    for one, truth, known in zip(fit.parameters, _truth(plan), plan.estimated, strict=True):
        assert one.estimate is not None
        assert one.standard_error is not None
        assert abs(float(known.to_scale(one.estimate)) - truth) < 3.5 * one.standard_error
    volume, amount = fit.errors
    assert (volume.output, volume.error) == ("tumor_volume", "lognormal")
    assert (amount.output, amount.error) == ("virtual_amount", "additive")
    assert volume.sigma == fit.sigma == pytest.approx(SIGMA, rel=0.2)
    # 32 readings: 12 % of relative standard error.
    assert amount.sigma == pytest.approx(SIGMA_OUTPUT, rel=0.4)
    assert amount.sigma_error == pytest.approx(amount.sigma / np.sqrt(64), rel=0.1)
    assert fit.n_estimated == 4 + 2 + 2
    assert [one.code for one in fit.warnings] == ["outputs_by_simulation"]
    # Concentrations pin down the elimination: volumes alone leave it far wider.
    alone = _plan(tmp_path, text.replace(OUTPUTS, ""))
    wide = fit_mechanism(
        alone,
        fit_data_from_growth(data.growth, alone),
        seed=1,
        saem=SHORT,
        draws=128,
        limits=False,
    )
    kde = [one.standard_error for one in (fit.parameters[2], wide.parameters[2])]
    assert kde[0] is not None
    assert kde[1] is None or kde[1] > 2 * kde[0]


def test_a_low_dose_names_the_pair_that_it_cannot_tell_apart(tmp_path: Path) -> None:
    # Far below half of the inhibition the effect is imax/ed50 times the amount: one number.
    text = PLAN + "[estimate.inhibition_ed50]\n[estimate.growth_imax]\n"
    plan = _plan(tmp_path, text, dose=1.0)
    data, _ = _volumes(plan)
    fit = fit_mechanism(
        plan, fit_data_from_growth(data, plan), seed=1, saem=SHORT, draws=128, limits=False
    )
    assert set(fit.not_identified) >= {"inhibition_ed50", "growth_imax"}
    assert not fit.sound
    by_name = {one.name: one for one in fit.parameters}
    for name in ("inhibition_ed50", "growth_imax"):
        assert by_name[name].estimate is None
        assert by_name[name].lower is None
        assert by_name[name].standard_error is None
    for name in ("v0", "growth_rate"):
        assert by_name[name].identified
        assert by_name[name].estimate == pytest.approx(TRUTH[name], rel=0.25)
    assert "not_identified" in [one.code for one in fit.warnings]


def test_limits_are_those_of_t_with_animals_less_typical_values(tmp_path: Path) -> None:
    plan = _plan(tmp_path, PLAN)
    data, _ = _volumes(plan, 8)
    fit = fit_mechanism(
        plan, fit_data_from_growth(data, plan), seed=1, saem=SHORT, draws=64, limits=False
    )
    assert fit.degrees == 6
    one = fit.parameters[0]
    assert one.upper is not None
    assert one.lower is not None
    assert one.standard_error is not None
    # The 97.5 % point of t with 6 degrees of freedom.
    assert np.log(one.upper / one.lower) == pytest.approx(2 * 2.446912 * one.standard_error)


def test_estimates_do_not_hang_on_how_states_are_integrated(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    plan = _plan(tmp_path, PLAN)
    growth, _ = _volumes(plan, 6)
    data = fit_data_from_growth(growth, plan)
    engines: tuple[Engine, ...] = ("adaptive", "generated")
    fits = [
        fit_mechanism(plan, data, seed=1, engine=engine, saem=SHORT, draws=64, limits=False)
        for engine in engines
    ]
    for one, other in zip(fits[0].parameters, fits[1].parameters, strict=True):
        assert one.standard_error is not None
        # Both are solved to 1e-5 a step, by steps of their own.
        assert one.estimate == pytest.approx(other.estimate, rel=1e-3 * one.standard_error)


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"output": "tumor_volume"}, "an output of the plan"),
        ({"day": -1.0}, "from the animal's baseline on"),
        ({"animal_id": "nobody"}, "readings of virtual_amount"),
    ],
)
def test_a_reading_that_does_not_fit_the_plan_is_refused(
    tmp_path: Path, reading: Mapping[str, str | float], message: str
) -> None:
    plan = _plan(tmp_path, PLAN + OUTPUTS)
    data, _ = _volumes(plan, 4)
    given = {"animal_id": "m03", "day": 2.0, "output": "virtual_amount", **reading}
    one = OutputReading(
        animal_id=str(given["animal_id"]),
        day=float(given["day"]),
        output=str(given["output"]),
        value=3.0,
    )
    with pytest.raises(InputError, match=message):
        fit_data_from_growth(data, plan, further=[one])


def test_a_lognormal_output_is_above_zero_and_kept_as_its_logarithm(tmp_path: Path) -> None:
    plan = _plan(tmp_path, PLAN + OUTPUTS.replace("additive", "lognormal"))
    data, _ = _volumes(plan, 4)

    def fitted(value: float) -> FitData:
        one = OutputReading(animal_id="m03", day=2.0, output="virtual_amount", value=value)
        other = OutputReading(animal_id="m77", day=2.0, output="virtual_amount", value=1.0)
        return fit_data_from_growth(data, plan, further=[one, other])

    found = fitted(20.0)
    assert found.readings.y[3, -1] == pytest.approx(np.log(20.0))
    assert found.readings.used[:, -1].tolist() == [False, False, False, True]
    assert found.notes[-1] == "readings of animals that are not in the fit: 1"
    with pytest.raises(InputError, match="above 0"):
        fitted(0.0)


def test_a_plan_with_an_output_that_is_not_the_models_is_refused(tmp_path: Path) -> None:
    for name in ("virtual_amuont", "tumor_volume"):
        with pytest.raises(InputError, match="besides the volume"):
            _plan(tmp_path, PLAN + OUTPUTS.replace("virtual_amount", name))
    with pytest.raises(FileFormatError):
        _plan(tmp_path, PLAN + OUTPUTS.replace("additive", "constant"))


def test_a_table_of_output_readings_is_read_and_its_gaps_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "ps6.csv"
    table.write_text("animal_id,day,output,value\nm1,2,ps6,40.5\n", encoding="utf-8")
    one = OutputReading(animal_id="m1", day=2.0, output="ps6", value=40.5)
    assert read_output_readings(table) == (one,)
    table.write_text("animal_id,day,value\nm1,2,40.5\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="a column 'output'"):
        read_output_readings(table)
    table.write_text("animal_id,day,output,value\nm1,2,ps6,\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="row 2"):
        read_output_readings(table)
