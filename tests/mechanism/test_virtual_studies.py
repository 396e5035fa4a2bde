"""Virtual studies: what varies, what is read, who leaves, and what others make of them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from oncovivo.errors import InputError, UnitError
from oncovivo.growth import compare, fit_growth, fit_many, growth_data
from oncovivo.mechanism import virtual as drawing
from oncovivo.mechanism.simulation_file import Simulation, read_simulation
from oncovivo.mechanism.virtual import VOLUME_STATES, VirtualStudies, draw_virtual
from oncovivo.mechanism.virtual_study import growth_replicates, to_study
from oncovivo.studies import Study, read_study, write_study
from tests.studies.test_writing_studies import assert_lossless, assert_same

FloatArray = NDArray[np.float64]
RATE, SLOW, V0 = 0.2, 0.12, 100.0
# The numpy engine aims at 5e-5, by an estimate.
SOLVER = 2e-4

EXPONENTIAL = """
schema = "oncovivo.simulation/1"
title = "Two rates"
blocks = ["tumor", "exponential"]
parameters = ["set.toml"]
[time]
end = 12.0
step = 3.0
[[arms]]
name = "vehicle"
[[arms]]
name = "slow"
[arms.values.growth_rate]
value = 0.12
unit = "1/day"
status = "assumed"
{rate_spread}
[study]
animals_per_arm = {animals}
days = [0.0, 3.0, 6.0, 9.0, 12.0]
caliper_cv = {caliper}
limit_mm3 = {limit}
{volume_limit}
"""
EXPONENTIAL_SET = """
schema = "oncovivo.parameters/1"
name = "own"
title = "Made up"
[parameters.v0]
value = 100.0
unit = "mm³"
status = "assumed"
source = "none"
{start_spread}
[parameters.growth_rate]
value = 0.2
unit = "1/day"
status = "assumed"
source = "none"
{rate_spread}
"""
KILL = """
schema = "oncovivo.simulation/1"
title = "Paclitaxel in mice with A2780"
blocks = ["animal", "pk_two_compartment", "tumor_transits", "simeoni", "kill_linear"]
parameters = ["mouse_20g", "a2780_simeoni", "paclitaxel_a2780"]
[time]
end = 14.0
step = 7.0
[[arms]]
name = "vehicle"
[[arms]]
name = "once"
regimen = "drug 30 mg/kg i.v. once"
[[arms]]
name = "every four days"
regimen = "drug 30 mg/kg i.v. q4d x3"
[values.lambda0]
value = 0.273
unit = "1/day"
status = "assumed"
between_animal_cv = 0.2
uncertainty_cv = 0.1
[values.k2]
value = 6.29e-4
unit = "mL/(ng*day)"
status = "assumed"
between_animal_cv = 0.3
[study]
animals_per_arm = 6
every = 2.0
caliper_cv = 0.1
limit_mm3 = 20.0
volume_limit_mm3 = 600.0
"""
# A tumor that shrinks in a straight line and is gone on day 5.
SHRINKING_BLOCK = """
schema = "oncovivo.block/1"
name = "shrinking"
title = "A straight line down to nothing"
source = "none"
provides = "growth"
[parameters.v0]
unit = "mm³"
meaning = "volume at time 0"
lower = 0.0
[parameters.loss]
unit = "1/day"
meaning = "share lost per day"
[outputs.tumor_volume]
unit = "{unit}"
value = "max({value}*(1 - loss*time), 0*{value})"
meaning = "tumor volume"
kind = "volume"
"""
SHRINKING = """
schema = "oncovivo.simulation/1"
title = "Gone"
blocks = ["block.toml"]
parameters = ["set.toml"]
[time]
end = 6.0
step = 1.0
[[arms]]
name = "treated"
[study]
animals_per_arm = 2
every = 1.0
limit_mm3 = 30.0
"""
SHRINKING_SET = """
schema = "oncovivo.parameters/1"
name = "own"
title = "Made up"
[parameters.v0]
value = 100.0
unit = "mm³"
status = "assumed"
source = "none"
[parameters.loss]
value = 0.2
unit = "1/day"
status = "assumed"
source = "none"
"""


def exponential(
    folder: Path,
    *,
    animals: int = 6,
    caliper: float = 0.1,
    limit: float = 10.0,
    volume_limit: float | None = None,
    between: float = 0.0,
    uncertain: float = 0.0,
    start: float = 0.0,
) -> Simulation:
    """Two arms that grow at two rates."""
    rates = f"between_animal_cv = {between}\nuncertainty_cv = {uncertain}"
    leaving = "" if volume_limit is None else f"volume_limit_mm3 = {volume_limit}"
    (folder / "set.toml").write_text(
        EXPONENTIAL_SET.format(start_spread=f"between_animal_cv = {start}", rate_spread=rates)
    )
    path = folder / "rates.toml"
    path.write_text(
        EXPONENTIAL.format(
            rate_spread=rates,
            animals=animals,
            caliper=caliper,
            limit=limit,
            volume_limit=leaving,
        )
    )
    return read_simulation(path)


def killed(folder: Path) -> Simulation:
    """Three arms of a tumor that a drug kills."""
    path = folder / "kill.toml"
    path.write_text(KILL)
    return read_simulation(path)


def shrinking(folder: Path, *, unit: str = "mm³", value: str = "v0") -> Simulation:
    """One arm whose tumors are gone on day 5."""
    (folder / "block.toml").write_text(SHRINKING_BLOCK.format(unit=unit, value=value))
    (folder / "set.toml").write_text(SHRINKING_SET)
    path = folder / "gone.toml"
    path.write_text(SHRINKING)
    return read_simulation(path)


def rates_of(virtual: VirtualStudies) -> FloatArray:
    """True growth rates of animals that grow exponentially, shape (B, a, n)."""
    first, last = virtual.true_volume[..., 0], virtual.true_volume[..., -1]
    return np.asarray(np.log(last / first) / (virtual.days[-1] - virtual.days[0]))


def assert_equal(one: VirtualStudies, other: VirtualStudies, studies: int | None = None) -> None:
    """The arrays of the first studies are the same to the last bit."""
    for name in ("true_volume", "reading", "state", "end_day", "at_volume_limit", "typical"):
        mine, theirs = getattr(one, name)[:studies], getattr(other, name)[:studies]
        np.testing.assert_array_equal(mine, theirs, err_msg=name)


def assert_reads_back(study: Study, folder: Path) -> None:
    """The folder holds the study; reading adds only a count of what is not a number."""
    write_study(study, folder)
    (again,) = read_study(folder)
    assert again.notes[: len(study.notes)] == study.notes
    assert_same(replace(study, notes=again.notes, table=study.measurements), again)
    assert_lossless(again, folder)


def test_readings_err_by_the_coefficient_of_variation_of_the_caliper(tmp_path: Path) -> None:
    virtual = draw_virtual(
        exponential(tmp_path, animals=40, caliper=0.25),
        n_studies=100,
        rng=np.random.default_rng(1),
    )
    ratio = virtual.reading / virtual.true_volume
    count, mean = ratio.size, np.sqrt(1 + 0.25**2)
    assert count == 40_000
    assert ratio.mean() == pytest.approx(mean, abs=4 * 0.25 * mean / np.sqrt(count))
    assert ratio.std() / ratio.mean() == pytest.approx(0.25, rel=0.03)
    assert np.log(ratio).mean() == pytest.approx(0.0, abs=4 * 0.25 / np.sqrt(count))
    exact = draw_virtual(
        exponential(tmp_path, caliper=0.0), n_studies=1, rng=np.random.default_rng(1)
    )
    np.testing.assert_array_equal(exact.reading, exact.true_volume)


def test_animals_of_an_arm_have_one_true_curve_where_nothing_varies(tmp_path: Path) -> None:
    virtual = draw_virtual(exponential(tmp_path), n_studies=3, rng=np.random.default_rng(2))
    for arm, rate in enumerate((RATE, SLOW)):
        curve = V0 * np.exp(rate * virtual.days)
        shown = virtual.true_volume[:, arm]
        np.testing.assert_allclose(shown, np.broadcast_to(curve, shown.shape), rtol=1e-6)
    assert np.ptp(virtual.true_volume, axis=(0, 2)).max() == 0.0
    assert np.ptp(virtual.reading, axis=2).min() > 0.0


def test_uncertainty_moves_all_animals_of_a_study_together(tmp_path: Path) -> None:
    simulation = exponential(tmp_path, animals=3, uncertain=0.3)
    virtual = draw_virtual(simulation, n_studies=2000, rng=np.random.default_rng(3))
    rates = rates_of(virtual)
    place = simulation.model.parameter_names.index("growth_rate")
    typical = virtual.typical[:, :, place]
    np.testing.assert_allclose(rates, np.broadcast_to(typical[:, :, None], rates.shape), rtol=1e-5)
    # The arms' own numbers are as wrong as the common ones: by the same draw.
    np.testing.assert_allclose(typical[:, 1] / typical[:, 0], SLOW / RATE, rtol=1e-12)
    moved = np.log(typical[:, 0] / RATE)
    assert moved.std() == pytest.approx(np.sqrt(np.log(1.09)), rel=0.07)
    assert moved.mean() == pytest.approx(0.0, abs=4 * 0.3 / np.sqrt(2000))
    known = draw_virtual(
        simulation, n_studies=5, rng=np.random.default_rng(3), include_uncertainty=False
    )
    np.testing.assert_array_equal(known.typical[:, :, place], [[RATE, SLOW]] * 5)
    np.testing.assert_allclose(rates_of(known)[:, 0], RATE, rtol=1e-6)


def test_no_two_animals_have_the_same_luck_within_or_between_arms(tmp_path: Path) -> None:
    simulation = exponential(tmp_path, animals=10, between=0.2)
    virtual = draw_virtual(simulation, n_studies=400, rng=np.random.default_rng(4))
    luck = np.log(rates_of(virtual) / np.array([RATE, SLOW])[:, None])
    assert luck.std() == pytest.approx(np.sqrt(np.log(1.04)), rel=0.04)
    bound = 4 / np.sqrt(luck[:, 0].size)
    errors = np.log(virtual.reading / virtual.true_volume)
    for first, second in (
        (luck[:, 0], luck[:, 1]),
        (luck[:, :, :5], luck[:, :, 5:]),
        (luck[:200], luck[200:]),
        (errors[:, 0], errors[:, 1]),
        (errors[..., 0], luck),
    ):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < bound
    assert np.unique(luck).size == luck.size


def test_animals_leave_at_the_first_reading_at_or_past_the_limit(tmp_path: Path) -> None:
    simulation = exponential(tmp_path, between=0.3, start=0.3, caliper=0.2, volume_limit=400.0)
    virtual = draw_virtual(simulation, n_studies=30, rng=np.random.default_rng(5))
    free = draw_virtual(
        exponential(tmp_path, between=0.3, start=0.3, caliper=0.2),
        n_studies=30,
        rng=np.random.default_rng(5),
    )
    assert not free.at_volume_limit.any()
    assert set(free.end_reason.ravel().tolist()) == {"scheduled"}
    np.testing.assert_array_equal(free.true_volume, virtual.true_volume)
    left = 0
    for place in np.ndindex(virtual.end_day.shape):
        whole, seen = free.reading[place], virtual.reading[place]
        past = [day for day, size in zip(virtual.days, whole, strict=True) if size >= 400.0]
        end = past[0] if past else virtual.days[-1]
        there = virtual.days <= end
        assert virtual.end_day[place] == end
        assert virtual.end_reason[place] == ("volume_limit" if past else "scheduled")
        np.testing.assert_array_equal(seen[there], whole[there])
        assert np.isnan(seen[~there]).all()
        assert (virtual.state[place] == VOLUME_STATES.index("not_measured")).tolist() == (
            ~there
        ).tolist()
        left += bool(past)
    assert 100 < left < virtual.end_day.size
    study = to_study(virtual, 7)
    ends = [(animal.end_day, animal.end_reason) for animal in study.animals]
    assert [day for day, _ in ends] == virtual.end_day[7].ravel().tolist()
    assert [why for _, why in ends] == virtual.end_reason[7].ravel().tolist()
    last = study.measurements.groupby("animal_id")["day"].max().tolist()
    assert last == [day for day, _ in ends]


def test_a_reading_that_equals_the_limit_makes_an_animal_leave(tmp_path: Path) -> None:
    simulation = shrinking(tmp_path)
    assert simulation.study is not None
    virtual = draw_virtual(
        replace(simulation, study=replace(simulation.study, volume_limit_mm3=100.0)),
        n_studies=1,
        rng=np.random.default_rng(6),
    )
    assert virtual.end_day.tolist() == [[[0.0, 0.0]]]
    assert len(to_study(virtual, 0).measurements) == 2


def test_small_and_vanished_tumors_are_recorded_with_their_state(tmp_path: Path) -> None:
    virtual = draw_virtual(shrinking(tmp_path), n_studies=1, rng=np.random.default_rng(7))
    table = to_study(virtual, 0).measurements
    first = table[table["animal_id"] == "m1"]
    assert first["volume_state"].tolist() == ["measured"] * 4 + ["below_limit", "gone", "gone"]
    np.testing.assert_allclose(first["volume_mm3"], [100.0, 80.0, 60.0, 40.0, 30.0, 0.0, 0.0])
    np.testing.assert_array_equal(virtual.true_volume[0, 0, 0, 4], 100 * (1 - 0.2 * 4))
    assert_reads_back(to_study(virtual, 0), tmp_path / "gone")
    data = growth_data(to_study(virtual, 0))
    assert data.below_limit.sum() == 6


def test_a_written_study_reads_back_with_regimens_and_reasons(tmp_path: Path) -> None:
    virtual = draw_virtual(killed(tmp_path), n_studies=2, rng=np.random.default_rng(8))
    study = to_study(virtual, 1)
    assert virtual.at_volume_limit[1].any()
    assert not virtual.at_volume_limit[1].all()
    assert_reads_back(study, tmp_path / "study")
    assert study.simulated
    assert study.randomized
    assert study.title == "Virtual study 2 of simulation kill: Paclitaxel in mice with A2780"
    assert study.study_id == "kill-2"
    assert study.limit_mm3 == 20.0
    assert study.find_baseline_day().day == 0.0
    assert [(arm.name, arm.role) for arm in study.arms] == [
        ("vehicle", "vehicle"),
        ("once", "monotherapy"),
        ("every four days", "monotherapy"),
    ]
    assert [str(r) for arm in study.arms for r in arm.regimens] == [
        "drug 30 mg/kg i.v. qd x1",
        "drug 30 mg/kg i.v. q4d x3",
    ]
    assert all(animal.cage is None for animal in study.animals)
    assert study.notes == (
        "No animal was measured: of the 12 numbers of the model 5 are assumed and 2 scaled",
    )


def test_roles_follow_from_what_an_arm_receives(tmp_path: Path) -> None:
    simulation = killed(tmp_path)
    vehicle, once, repeated = simulation.arms
    virtual = draw_virtual(
        replace(
            simulation,
            control="once",
            arms=(replace(vehicle, name="nothing", changed=("lambda0",)), once, repeated),
        ),
        n_studies=1,
        rng=np.random.default_rng(9),
    )
    study = to_study(virtual, 0)
    assert [arm.role for arm in study.arms] == ["untreated", "reference", "monotherapy"]
    assert study.randomized is None


def test_the_drug_shrinks_tumors_and_leaves_the_baseline_alone(tmp_path: Path) -> None:
    virtual = draw_virtual(killed(tmp_path), n_studies=40, rng=np.random.default_rng(10))
    np.testing.assert_allclose(virtual.true_volume[..., 0], 55.0, rtol=1e-12)
    vehicle, once, repeated = virtual.true_volume[..., -1].mean(axis=(0, 2))
    assert vehicle > 1.3 * once > 1.3 * 1.3 * repeated
    assert not virtual.warnings


def test_numbers_do_not_depend_on_workers_or_on_how_many_studies_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_BATCH", 18)
    simulation = killed(tmp_path)

    def drawn(studies: int, executor: ThreadPoolExecutor | None = None) -> VirtualStudies:
        rng = np.random.default_rng(11)
        return draw_virtual(simulation, n_studies=studies, rng=rng, executor=executor)

    alone = drawn(7)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            assert_equal(drawn(7, executor), alone)
    # Three studies are a batch: the last of seven stands alone.
    assert_equal(drawn(9), alone, studies=6)


def test_other_processes_give_the_same_numbers(tmp_path: Path) -> None:
    simulation = killed(tmp_path)
    alone = draw_virtual(simulation, n_studies=2, rng=np.random.default_rng(12))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        other = draw_virtual(
            simulation, n_studies=2, rng=np.random.default_rng(12), executor=executor
        )
    assert_equal(other, alone)


def test_the_size_of_a_batch_moves_curves_by_the_error_of_the_solver_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = exponential(tmp_path, between=0.2, uncertain=0.2, volume_limit=500.0)
    driven = killed(tmp_path)
    whole = [draw_virtual(s, n_studies=5, rng=np.random.default_rng(13)) for s in (steady, driven)]
    monkeypatch.setattr(drawing, "_BATCH", 1)
    single = [
        draw_virtual(s, n_studies=5, rng=np.random.default_rng(13)) for s in (steady, driven)
    ]
    assert_equal(single[0], whole[0])
    np.testing.assert_array_equal(single[1].typical, whole[1].typical)
    np.testing.assert_allclose(single[1].true_volume, whole[1].true_volume, rtol=SOLVER)
    errors = [np.log(v.reading / v.true_volume)[v.measured] for v in (single[1], whole[1])]
    np.testing.assert_allclose(errors[0], errors[1], atol=1e-12)


def test_another_seed_gives_other_animals_and_the_same_seed_the_same(tmp_path: Path) -> None:
    simulation = exponential(tmp_path, between=0.2)
    rng = np.random.default_rng(14)
    first = draw_virtual(simulation, n_studies=2, rng=rng)
    second = draw_virtual(simulation, n_studies=2, rng=rng)
    assert not np.isin(first.reading, second.reading).any()
    assert_equal(draw_virtual(simulation, n_studies=2, rng=np.random.default_rng(14)), first)


def test_engines_agree_and_doubtful_animals_are_reported(tmp_path: Path) -> None:
    simulation = killed(tmp_path)
    found = draw_virtual(simulation, n_studies=1, rng=np.random.default_rng(15))
    other = draw_virtual(simulation, n_studies=1, rng=np.random.default_rng(15), engine="adaptive")
    assert (found.true_volume != other.true_volume).any()
    np.testing.assert_allclose(found.true_volume, other.true_volume, rtol=SOLVER)
    strict = draw_virtual(simulation, n_studies=1, rng=np.random.default_rng(15), rtol=1e-13)
    assert {warning.code for warning in strict.warnings} == {"error_above_tolerance"}
    assert strict.warnings[0].message.split(":")[0] in {f"{n} of 6 animals" for n in range(1, 7)}


def test_progress_is_told_up_to_the_last_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_BATCH", 12)
    told: list[int] = []
    draw_virtual(
        exponential(tmp_path), n_studies=5, rng=np.random.default_rng(16), progress=told.append
    )
    assert told == [2, 4, 5]


def test_the_growth_analysis_of_one_study_finds_its_rates(tmp_path: Path) -> None:
    simulation = exponential(tmp_path, animals=10, between=0.1, start=0.2)
    virtual = draw_virtual(simulation, n_studies=1, rng=np.random.default_rng(17))
    result = compare(fit_growth(growth_data(to_study(virtual, 0))), "vehicle")
    for rate, truth in zip(result.rates, (RATE, SLOW), strict=True):
        assert rate.lower is not None
        assert rate.upper is not None
        assert rate.lower < truth * np.sqrt(1.01) < rate.upper
        assert rate.estimate == pytest.approx(truth, rel=0.15)


def test_many_studies_are_fitted_at_once_as_each_is_alone(tmp_path: Path) -> None:
    simulation = exponential(
        tmp_path, between=0.2, start=0.2, caliper=0.2, limit=80.0, volume_limit=500.0
    )
    virtual = draw_virtual(simulation, n_studies=4, rng=np.random.default_rng(18))
    assert (virtual.state[3] == VOLUME_STATES.index("below_limit")).any()
    assert virtual.at_volume_limit[3].any()
    growth = growth_replicates(virtual)
    assert (growth.arms, growth.versus) == (("slow",), "vehicle")
    fits = fit_many(growth.studies, growth.weights)
    for place in range(4):
        fit = fit_growth(growth_data(to_study(virtual, place)))
        alone = fit.contrasts(growth.weights)
        assert fits.estimate[place, 0] == pytest.approx(alone.estimate[0], rel=1e-6)
        assert fits.std_error[place, 0] == pytest.approx(alone.std_error[0], rel=1e-5)
        assert fits.df[place, 0] == pytest.approx(alone.df[0], rel=1e-3)


def test_intervals_of_many_studies_hold_the_true_difference_as_often_as_they_say(
    tmp_path: Path,
) -> None:
    simulation = exponential(tmp_path, animals=8, between=0.1, start=0.2, volume_limit=1000.0)
    virtual = draw_virtual(simulation, n_studies=1000, rng=np.random.default_rng(19))
    growth = growth_replicates(virtual)
    fits = fit_many(growth.studies, growth.weights)
    assert fits.converged.all()
    truth = (SLOW - RATE) * np.sqrt(1.01)
    reach = special.stdtrit(fits.df, 0.975) * fits.std_error
    coverage = float((np.abs(fits.estimate - truth) < reach).mean())
    # Four Monte Carlo errors around 95 %.
    assert coverage == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 1000))
    error = fits.estimate.std() / np.sqrt(1000)
    assert fits.estimate.mean() == pytest.approx(truth, abs=4 * error)


def test_what_cannot_be_a_virtual_study_is_refused(tmp_path: Path) -> None:
    simulation = exponential(tmp_path)
    rng = np.random.default_rng(20)
    with pytest.raises(InputError, match="a study or more"):
        draw_virtual(simulation, n_studies=0, rng=rng)
    with pytest.raises(InputError, match="at most 833333 studies of 60 readings"):
        draw_virtual(simulation, n_studies=833_334, rng=rng)
    with pytest.raises(InputError, match=r"a table \[study\]"):
        draw_virtual(replace(simulation, study=None), n_studies=1, rng=rng)
    assert simulation.study is not None
    low = replace(simulation.study, volume_limit_mm3=10.0)
    with pytest.raises(InputError, match="volume_limit_mm3 above limit_mm3, 10"):
        draw_virtual(replace(simulation, study=low), n_studies=1, rng=rng)
    with pytest.raises(InputError, match="a study from 0 to 0"):
        to_study(draw_virtual(simulation, n_studies=1, rng=rng), 1)
    one_arm = draw_virtual(replace(simulation, arms=simulation.arms[:1]), n_studies=1, rng=rng)
    with pytest.raises(InputError, match="two arms or more"):
        growth_replicates(one_arm)


def test_a_volume_in_another_unit_is_converted_and_what_is_none_is_refused(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(21)
    cubic = draw_virtual(shrinking(tmp_path, unit="cm³", value="v0"), n_studies=1, rng=rng)
    assert cubic.true_volume[0, 0, 0, 0] == pytest.approx(100.0, rel=1e-12)
    with pytest.raises(UnitError, match="converts into mm³"):
        draw_virtual(shrinking(tmp_path, unit="1/day", value="loss"), n_studies=1, rng=rng)
    none = shrinking(tmp_path)
    block = none.model.outputs[0]
    model = replace(none.model, outputs=(replace(block, kind="other"),))
    with pytest.raises(InputError, match="a model with one tumor volume"):
        draw_virtual(replace(none, model=model), n_studies=1, rng=rng)
