"""Models simulated: doses in, outputs out."""

from __future__ import annotations

import tomllib
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.blocks import block_from_content, read_block
from oncovivo.mechanism.doses import DoseTable, dose_table
from oncovivo.mechanism.engine import Engine, EventTable, dose_paths, simulate_model
from oncovivo.mechanism.model import Model, build_model

FloatArray = NDArray[np.float64]
ENGINES: tuple[Engine, ...] = ("numpy", "adaptive", "scipy")

DRUG = """
schema = "oncovivo.block/1"
name = "drug"
title = "Absorbed, distributed in one volume, eliminated"
source = "none"
provides = "pk"
[parameters.body_weight]
unit = "g"
meaning = "body weight"
[parameters.ka]
unit = "1/day"
meaning = "absorption"
[parameters.ke]
unit = "1/h"
meaning = "elimination"
[parameters.volume]
unit = "mL"
meaning = "volume of distribution"
[parameters.lag]
unit = "h"
meaning = "lag of absorption"
[parameters.infusion]
unit = "h"
meaning = "duration of infusion"
[pk.drug]
compartments = ["gut", "central"]
amount_unit = "µg"
[[pk.drug.flows]]
from = "gut"
to = "central"
rate = "ka"
[[pk.drug.flows]]
from = "central"
to = "out"
rate = "ke"
[[pk.drug.doses]]
route = "p.o."
compartment = "gut"
lag = "lag"
[[pk.drug.doses]]
route = "i.v."
compartment = "central"
duration = "infusion"
[[pk.drug.concentrations]]
name = "c_drug"
compartment = "central"
volume = "volume"
unit = "ng/mL"
[outputs.concentration]
unit = "ng/mL"
value = "c_drug"
meaning = "concentration"
kind = "concentration"
"""

TUMOR = """
schema = "oncovivo.block/1"
name = "growing"
title = "Exponential growth, killed in proportion to the concentration, or by radiation"
source = "none"
provides = "growth"
[requires.c_drug]
unit = "ng/mL"
[parameters.growth]
unit = "1/day"
meaning = "growth rate"
[parameters.kill]
unit = "mL/(ng*day)"
meaning = "kill per concentration"
[parameters.v0]
unit = "mm³"
meaning = "volume at the beginning"
[parameters.alpha]
unit = "1/Gy"
meaning = "radiation damage"
[parameters.boost]
unit = "mL/ng"
meaning = "what a concentration adds to it"
[states.tumor]
unit = "mm³"
meaning = "tumor"
initial = "v0"
rate = "(growth - kill*c_drug)*tumor"
[outputs.tumor_volume]
unit = "mm³"
value = "tumor"
meaning = "tumor volume"
kind = "volume"
[outputs.log_volume]
unit = "1"
value = "log(tumor/v0)"
meaning = "logarithm of the relative volume"
kind = "other"
[events.radiation]
dose = "fraction_dose"
unit = "Gy"
[events.radiation.states]
tumor = "tumor*exp(-alpha*(1 + boost*c_drug)*fraction_dose)"
"""

BINDING = """
schema = "oncovivo.block/1"
name = "binding"
title = "Fast binding"
source = "none"
provides = "target"
[parameters.on]
unit = "1/day"
meaning = "rate of binding"
[states.bound]
unit = "1"
meaning = "bound share"
initial = "0"
rate = "on*(0.5 - bound)"
[outputs.bound_share]
unit = "1"
value = "bound"
meaning = "bound share"
kind = "occupancy"
"""

TYPICAL = {
    "body_weight": 20.0,
    "ka": 6.0,
    "ke": 0.1,
    "volume": 30.0,
    "lag": 0.0,
    "infusion": 0.0,
    "growth": 0.2,
    "kill": 1e-3,
    "v0": 150.0,
    "alpha": 0.1,
    "boost": 0.0,
    "on": 1e6,
}
DAYS = np.linspace(0.0, 15.0, 16)


@cache
def model(*texts: str) -> Model:
    """Model of blocks."""
    return build_model(
        [block_from_content(tomllib.loads(text), file="block.toml") for text in texts]
    )


def numbers(of: Model, n: int = 1, **values: object) -> FloatArray:
    """Parameters of n animals."""
    table = {name: np.broadcast_to(TYPICAL[name], n) for name in of.parameter_names}
    given = {name: np.broadcast_to(np.asarray(value, float), n) for name, value in values.items()}
    return np.stack([{**table, **given}[name] for name in of.parameter_names], axis=1)


def daily(path: int = 1, *, amount: float = 400.0) -> dict[str, DoseTable]:
    """Ten daily doses from day 1 on; path 0 is p.o., path 1 i.v."""
    return {"drug": dose_table(1.0, amount, path=path, ii=1.0, addl=9)}


def area_of_boluses(parameters: dict[str, FloatArray], times: FloatArray) -> FloatArray:
    """Area (n, t) under the concentration of ten daily boluses of 400 µg, in closed form."""
    rate = 24.0 * parameters["ke"][:, None, None]
    since = np.maximum(times[None, :, None] - np.arange(1.0, 11.0), 0.0)
    # µg in mL: 1000 ng/mL each.
    level = 400.0 / parameters["volume"][:, None, None] * 1000.0
    result: FloatArray = (level / rate * -np.expm1(-rate * since)).sum(axis=2)
    return result


def spread(n: int) -> dict[str, FloatArray]:
    """Parameters that differ."""
    rng = np.random.default_rng(3)
    return {
        "ke": rng.uniform(0.05, 0.5, n),
        "volume": rng.uniform(20.0, 40.0, n),
        "growth": rng.uniform(0.1, 0.3, n),
        "kill": rng.uniform(1e-5, 1e-4, n),
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_exponential_growth_with_linear_kill_is_its_closed_form(engine: Engine) -> None:
    of = model(DRUG, TUMOR)
    values = spread(8)
    result = simulate_model(of, numbers(of, 8, **values), daily(), DAYS, engine=engine)
    log_volume = values["growth"][:, None] * DAYS - values["kill"][:, None] * area_of_boluses(
        values, DAYS
    )
    place = of.output_names.index("tumor_volume")
    np.testing.assert_allclose(result.outputs[:, :, place], 150.0 * np.exp(log_volume), rtol=2e-5)
    assert not result.flagged.any()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("path", "values"),
    [
        (0, {"lag": [0.0, 3.0, 30.0]}),
        (0, {"ka": 2.4, "ke": 0.1}),
        (1, {"infusion": [1.0, 6.0, 30.0]}),
        (1, {"ke": 0.0, "infusion": 4.0}),
    ],
)
def test_lag_equal_rates_and_infusion_agree_with_mass_balance(
    engine: Engine, path: int, values: dict[str, object]
) -> None:
    of = model(DRUG, TUMOR)
    parameters = numbers(of, 3, kill=5e-6, growth=0.0, **values)
    times = np.array([0.7, 3.0, 8.3, 12.0, 200.0])
    result = simulate_model(of, parameters, daily(path), times, engine=engine)
    fall = -result.outputs[:, :, of.output_names.index("log_volume")] / 5e-6
    # The area under the concentration by a fine sum of what the closed-form PK says.
    ends = np.linspace(0.0, 12.0, 12_001)
    middle = (ends[1:] + ends[:-1]) / 2.0
    fine = simulate_model(model(DRUG), parameters[:, :6], daily(path), middle)
    area = np.concatenate(
        (np.zeros((3, 1)), fine.outputs[:, :, 0].cumsum(axis=1) * (ends[1] - ends[0])), axis=1
    )
    at = np.searchsorted(ends, times[:4] - 1e-9)
    np.testing.assert_allclose(fall[:, :4], area[:, at], rtol=2e-3, atol=1.0)
    if "ke" not in values or values["ke"]:
        total = 10 * 400.0 / 30.0 * 1000.0 / 2.4
        np.testing.assert_allclose(fall[:, 4], total, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_radiation_sees_the_dose_given_at_the_same_time(engine: Engine) -> None:
    of = model(DRUG, TUMOR)
    parameters = numbers(of, 2, kill=0.0, boost=[0.0, 1e-4])
    events = {"radiation": EventTable(time=np.array([1.0, 2.0]), dose=np.array([2.0, 3.0]))}
    doses = {"drug": dose_table(2.0, 600.0, path=1)}
    place = of.output_names.index("log_volume")
    after, before = (
        simulate_model(of, parameters, doses, [2.0], events=events, engine=engine, at_dose=side)
        for side in ("after", "before")
    )
    level = 600.0 / 30.0 * 1000.0
    lost = np.array([0.5, 0.2 + 0.3 * (1.0 + 1e-4 * level)])
    np.testing.assert_allclose(after.outputs[:, 0, place], 0.4 - lost, rtol=1e-5)
    np.testing.assert_allclose(before.outputs[:, 0, place], 0.2, rtol=1e-5)
    np.testing.assert_allclose(after.concentrations[:, 0, 0], level)
    np.testing.assert_allclose(before.concentrations[:, 0, 0], 0.0)


def test_an_output_at_a_dose_time_that_rounding_misses_is_still_at_it() -> None:
    of = model(DRUG, TUMOR)
    events = {"radiation": EventTable(time=np.array([3 * 0.1]), dose=np.array([2.0]))}
    result = simulate_model(of, numbers(of, growth=0.0), {}, [0.3], events=events)
    np.testing.assert_allclose(result.outputs[0, 0, 2], -0.2, rtol=1e-6)


def test_doses_per_body_weight_grow_with_it() -> None:
    of = model(DRUG, TUMOR)
    doses = {"drug": dose_table(1.0, 2.0, per_gram=True, path=1)}
    result = simulate_model(of, numbers(of, 2, body_weight=[20.0, 30.0]), doses, [1.0])
    np.testing.assert_allclose(result.concentrations[:, 0, 0], [4e4 / 30.0, 6e4 / 30.0])


def test_a_model_without_states_shows_its_concentrations() -> None:
    of = model(DRUG)
    result = simulate_model(of, numbers(of), daily(), [0.5, 1.0, 1.5])
    level = 400.0 / 30.0 * 1000.0
    np.testing.assert_allclose(
        result.outputs[0, :, 0], [0.0, level, level * np.exp(-1.2)], rtol=1e-12
    )
    assert result.states.shape == (1, 3, 0)


def test_many_animals_are_what_each_is_alone_and_are_named_by_number() -> None:
    of = model(DRUG, TUMOR)
    parameters = numbers(of, 1203, **spread(1203))
    together = simulate_model(of, parameters, daily(), DAYS)
    for animal in (0, 999, 1000, 1202):
        alone = simulate_model(of, parameters[animal], daily(), DAYS)
        np.testing.assert_allclose(alone.outputs[0], together.outputs[animal], rtol=1e-9)
    parameters[1100, of.parameter_names.index("growth")] = 200.0
    with pytest.raises(DataError, match="animal 1101"):
        simulate_model(of, parameters, daily(), DAYS)


def test_animals_above_the_tolerance_are_solved_again_and_flagged_where_they_stay() -> None:
    of = model(DRUG, TUMOR)
    values = {**spread(5), "ke": np.array([0.05, 0.1, 0.5, 5.0, 20.0])}
    values["kill"] = 1e-4 * values["ke"]
    parameters = numbers(of, 5, **values)
    once = simulate_model(of, parameters, daily(), DAYS, rtol=0.5, step=1.0)
    strict = simulate_model(of, parameters, daily(), DAYS, rtol=1e-9, step=1.0)
    assert not once.flagged.any()
    assert strict.steps > once.steps
    assert (strict.error_estimate[:3] < 0.05 * once.error_estimate[:3]).all()
    assert strict.flagged.any()
    np.testing.assert_array_equal(strict.flagged, strict.error_estimate > 1e-9)


@pytest.mark.parametrize("engine", ["numpy", "adaptive"])
def test_a_stiff_model_is_sent_to_scipy(engine: Engine) -> None:
    of = model(BINDING)
    with pytest.raises(DataError, match=r"m7: .*stiff: use the scipy engine"):
        simulate_model(of, numbers(of), {}, DAYS, engine=engine, names=("m7",))
    result = simulate_model(of, numbers(of), {}, DAYS, engine="scipy")
    np.testing.assert_allclose(result.outputs[0, 1:, 0], 0.5, rtol=1e-6)


def test_an_output_that_is_no_number_is_an_error() -> None:
    of = model(DRUG, TUMOR)
    with pytest.raises(DataError, match=r"m2: .*log_volume is .*day 0"):
        simulate_model(of, numbers(of, 2, v0=[1.0, 0.0]), {}, [0.0, 1.0], names=("m1", "m2"))


def test_shipped_growth_and_pk_agree_between_engines() -> None:
    of = build_model(
        [
            read_block(name)
            for name in (
                "animal",
                "pk_two_compartment",
                "tumor_transits",
                "simeoni",
                "kill_linear",
            )
        ]
    )
    known = {
        "body_weight": 20.0,
        "v1": 0.81,
        "k10": 0.868,
        "k12": 0.006,
        "k21": 0.0838,
        "infusion_time": 0.0,
        "v0": 55.0,
        "k1": 0.968,
        "lambda0": 0.273,
        "lambda1": 814.0,
        "psi": 20.0,
        "k2": 6.29e-4,
    }
    parameters = np.array([known[name] for name in of.parameter_names])
    doses = {"drug": dose_table(9.0, 30.0, per_gram=True, ii=4.0, addl=2)}
    times = np.linspace(0.0, 30.0, 21)
    results = [
        simulate_model(of, parameters, doses, times, engine=engine).outputs for engine in ENGINES
    ]
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, rtol=5e-5, atol=1e-9)
    np.testing.assert_allclose(results[1], results[2], rtol=5e-6, atol=1e-9)


def test_paths_of_doses_are_the_models_routes() -> None:
    of = model(DRUG)
    oral, vein = dose_paths(of.pk[0], numbers(of, 2, lag=[0.0, 6.0]))
    assert (oral.route, oral.compartment, vein.route, vein.compartment) == ("p.o.", 0, "i.v.", 1)
    assert np.asarray(oral.lag).tolist() == [0.0, 0.25]


def test_what_does_not_fit_the_model_is_refused() -> None:
    of = model(DRUG, TUMOR)
    good = numbers(of)
    with pytest.raises(InputError, match="parameters of each animal"):
        simulate_model(of, good[:, :3], {}, DAYS)
    with pytest.raises(InputError, match="growth = nan"):
        simulate_model(of, numbers(of, growth=np.nan), {}, DAYS)
    with pytest.raises(InputError, match=r"compound of the model \(drug\)"):
        simulate_model(of, good, {"drog": daily()["drug"]}, DAYS)
    with pytest.raises(InputError, match=r"drug: .*doses from day 0"):
        simulate_model(of, good, {"drug": dose_table(-1.0, 1.0)}, DAYS)
    with pytest.raises(InputError, match="dose path"):
        simulate_model(of, good, {"drug": dose_table(1.0, 1.0, path=2)}, DAYS)
    with pytest.raises(InputError, match="output times from day 0"):
        simulate_model(of, good, {}, [-1.0])
    with pytest.raises(InputError, match="output times"):
        simulate_model(of, good, {}, [np.nan])
    with pytest.raises(InputError, match="tolerance"):
        simulate_model(of, good, {}, DAYS, rtol=2.0)
    with pytest.raises(InputError, match="names of 1"):
        simulate_model(of, good, {}, DAYS, names=("a", "b"))
    early = EventTable(time=np.array([2.0, 1.0]), dose=np.ones(2))
    with pytest.raises(InputError, match=r"radiation: .*order"):
        simulate_model(of, good, {}, DAYS, events={"radiation": early})
    with pytest.raises(InputError, match="kind of event"):
        simulate_model(
            of, good, {}, DAYS, events={"heat": EventTable(time=np.ones(1), dose=np.ones(1))}
        )
    short = EventTable(time=np.ones(2), dose=np.ones(1))
    with pytest.raises(InputError, match="a time and a dose"):
        simulate_model(of, good, {}, DAYS, events={"radiation": short})
