"""Power with cages, with readings below the limit, and with the variation of a finished study."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oncovivo.design.power import SimulatedPower, power_by_simulation
from oncovivo.design.power_cages import cage_tests
from oncovivo.design.power_closed_form import power_closed_form, smallest_effect
from oncovivo.design.power_file import read_power_file
from oncovivo.design.power_growth import GrowthDesign
from oncovivo.design.power_plan import PowerArm, PowerPlan
from oncovivo.design.power_readings import PowerReadings, draw_numbers, power_readings
from oncovivo.design.power_reference import read_reference, reference_variation
from oncovivo.design.power_rules import PowerCages, parse_response
from oncovivo.errors import DataError, FileFormatError, InputError
from oncovivo.growth.censored import fit_with_limit
from oncovivo.growth.data import growth_data, growth_data_from_arrays
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel
from oncovivo.studies import Study

EXAMPLES = Path(__file__).parents[2] / "examples" / "temsirolimus"
STUDY = EXAMPLES / "studies" / "four_arm_simulated" / "study.toml"
# Monte Carlo errors that a simulated share may be off.
ERRORS = 4.0
BY_CAGE = PowerCages(animals=4, rate_sd=0.02)
MIXED = PowerCages(animals=4, rate_sd=0.02, arms="mixed")


def plan_of(
    rates: tuple[float, ...] = (0.11, 0.08), animals: int = 8, **changes: object
) -> PowerPlan:
    known: dict[str, Any] = {
        "days": (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0),
        "start_sd": 0.3,
        "rate_sd": 0.02,
        "reading_sd": 0.15,
        "model": "arm",
        "replicates": 1000,
    }
    known.update(changes)
    arms = tuple(
        PowerArm(name=f"arm {number}", animals=animals, rate=rate)
        for number, rate in enumerate(rates)
    )
    return PowerPlan(arms=arms, **known)


def simulated(plan: PowerPlan) -> SimulatedPower:
    return power_by_simulation(plan, rng=np.random.default_rng(1))


def readings_of(plan: PowerPlan, count: int = 10) -> PowerReadings:
    return power_readings(plan, draw_numbers(plan, count, rng=np.random.default_rng(4)))


def number(value: float | None) -> float:
    """A number that must be there."""
    assert value is not None
    return value


def test_animals_are_dealt_to_cages() -> None:
    by_cage = plan_of((0.1, 0.1), 5, cages=PowerCages(animals=2, rate_sd=0.0))
    assert by_cage.cage_of.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]
    mixed = plan_of((0.1, 0.1), 3, cages=PowerCages(animals=2, rate_sd=0.0, arms="mixed"))
    assert mixed.cage_of.tolist() == [0, 1, 2, 0, 1, 2]
    turned = plan_of((0.1,) * 4, 2, cages=PowerCages(animals=2, rate_sd=0.0, arms="mixed"))
    assert turned.cage_of.tolist() == [0, 3, 0, 2, 1, 2, 1, 3]
    assert plan_of().cage_of.size == 0


def test_animals_of_a_cage_share_its_effects() -> None:
    cages = PowerCages(animals=4, rate_sd=0.5, start_sd=0.4)
    plan = plan_of((0.1, 0.1), 8, cages=cages, start_sd=0.0, rate_sd=0.0, reading_sd=1e-9)
    size = readings_of(plan, 400).log_size
    rate = (size[:, :, -1] - size[:, :, 0]) / 21
    start = size[:, :, 0] - math.log(150)
    for values, center, sd in ((rate, 0.1, 0.5), (start, 0.0, 0.4)):
        assert np.ptp(values[:, :4], axis=1).max() < 1e-8
        # 1,600 cages: 4 standard errors of a mean and of a standard deviation.
        assert abs(values.mean() - center) < 4 * sd / 40
        assert values.std() == pytest.approx(sd, rel=4 / math.sqrt(2 * 1600))
    # Without a deviation between cages the readings are those without cages.
    none = plan_of((0.1, 0.1), 8)
    one = readings_of(replace(none, cages=PowerCages(animals=4, rate_sd=0.0)), 1)
    assert one.log_size == pytest.approx(readings_of(none, 1).log_size)


def test_the_test_by_cage_is_the_t_test_of_mean_rates() -> None:
    plan = plan_of(cages=PowerCages(animals=3, rate_sd=0.02), animals=8, size_limit=700.0)
    readings = readings_of(plan)
    found = cage_tests(plan, readings)
    days = np.array(plan.days)
    for study in range(10):
        means: list[list[float]] = [[], []]
        for cage in range(6):
            own = np.flatnonzero(plan.cage_of == cage)
            slopes = [
                np.polyfit(days[there], readings.log_size[study, animal][there], 1)[0]
                for animal in own.tolist()
                for there in (readings.read[study, animal],)
                if there.sum() >= 2
            ]
            means[int(plan.arm_of[own[0]])].append(float(np.mean(slopes)))
        expected = stats.ttest_ind(means[1], means[0])
        assert found.df[study, 0] == expected.df == 4
        estimate, error = found.estimate[study, 0], found.std_error[study, 0]
        assert estimate == pytest.approx(np.mean(means[1]) - np.mean(means[0]), rel=1e-9)
        assert estimate / error == pytest.approx(expected.statistic, rel=1e-9)


def test_an_animal_that_left_at_once_has_no_rate() -> None:
    plan = plan_of(cages=PowerCages(animals=2, rate_sd=0.0), animals=4)
    readings = readings_of(plan, 2)
    readings.read[0, :2, 1:] = False
    readings.read[1, 0, 1:] = False
    found = cage_tests(plan, readings)
    # A cage is lost with both of its animals, not with one.
    assert found.df[:, 0].tolist() == [1.0, 2.0]
    assert np.isfinite(found.std_error).all()
    mixed = replace(plan, cages=PowerCages(animals=2, rate_sd=0.0, arms="mixed"))
    # Without the two first animals of 8 in 4 cages, two cages are left to compare within.
    assert cage_tests(mixed, readings).df[:, 0].tolist() == [1.0, 2.0]
    readings.read[0, :3, 1:] = False
    readings.read[1, :4, 1:] = False
    lost = cage_tests(mixed, readings)
    assert lost.lost.tolist() == [True, True]
    assert not GrowthDesign(mixed).rejects(lost)[0].any()


def test_the_test_within_cages_is_that_of_pairs() -> None:
    plan = plan_of(cages=PowerCages(animals=2, rate_sd=0.03, arms="mixed"), animals=7)
    readings = readings_of(plan)
    found = cage_tests(plan, readings)
    days = np.array(plan.days)
    slopes = np.polyfit(days, readings.log_size.reshape(-1, days.size).T, 1)[0].reshape(10, 14)
    for study in range(10):
        expected = stats.ttest_rel(slopes[study, 7:], slopes[study, :7])
        assert found.df[study, 0] == 6
        assert found.estimate[study, 0] / found.std_error[study, 0] == pytest.approx(
            expected.statistic, rel=1e-9
        )


@pytest.mark.parametrize("question", ["difference", "hsa", "additivity"])
@pytest.mark.parametrize("cages", [BY_CAGE, MIXED], ids=["by_cage", "mixed"])
def test_counting_cages_agrees_with_the_closed_form(cages: PowerCages, question: str) -> None:
    rates = (0.11, 0.07) if question == "difference" else (0.11, 0.10, 0.10, 0.05)
    day = 10.0 if question == "additivity" else None
    plan = plan_of(rates, 12, cages=replace(cages, animals=4), question=question, day=day)
    (found,), (closed,) = simulated(plan).questions, power_closed_form(plan)
    # Two points for the curvature of the logs of sums.
    more = 0.02 if question == "additivity" else 0.0
    error = number(found.power_cages_error)
    assert abs(number(found.power_cages) - closed.power) < ERRORS * error + more
    assert number(found.type_one_cages) < 0.05 + ERRORS * math.sqrt(0.05 * 0.95 / 1000) + more / 2
    if question == "difference":
        # One arm to a cage: errors that ignore the cage are too small; arms mixed: too large.
        off = number(found.type_one) - 0.05
        assert off > 0.07 if cages is BY_CAGE else off < -0.01


def test_cages_that_do_not_fill_have_no_closed_form() -> None:
    for cages in (PowerCages(animals=3, rate_sd=0.01), replace(MIXED, animals=3)):
        plan = plan_of(cages=cages, replicates=10)
        assert power_closed_form(plan) == ()
        assert smallest_effect(plan) == (None,)
        assert 0 <= number(simulated(plan).questions[0].power_cages) <= 1
    plan = plan_of(question="response", response=parse_response("PR"), cages=BY_CAGE, animals=12)
    assert power_closed_form(plan) == ()
    assert simulated(replace(plan, replicates=10)).questions[0].power_cages is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"animals": 0}, "at least 1 animal in a cage, found 0"),
        ({"animals": 1, "arms": "mixed"}, "at least 2 animals in a cage, found 1"),
        ({"rate_sd": -0.1}, "cages.rate_sd: expected a standard deviation of 0 or more"),
        ({"start_sd": math.nan}, "cages.log_sd: expected a standard deviation of 0 or more"),
        ({"arms": "all"}, "one of by_cage, mixed, found 'all'"),
    ],
)
def test_impossible_cages_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PowerCages(**{"animals": 4, "rate_sd": 0.01, **changes})


def test_cages_without_degrees_of_freedom_are_refused() -> None:
    with pytest.raises(InputError, match="two cages in each arm, 9 animals or more, found 8 ani"):
        plan_of(cages=PowerCages(animals=8, rate_sd=0.01))


def test_cages_that_hold_few_of_the_arms_still_tie_them_all_together() -> None:
    for arms, size in ((4, 2), (6, 3), (5, 4)):
        cages = PowerCages(animals=size, rate_sd=0.01, arms="mixed")
        plan = plan_of((0.1,) * arms, 2, cages=cages, question="dunnett")
        found = cage_tests(plan, readings_of(plan, 2))
        assert not found.lost.any()
        assert found.df.min() >= 1


def test_readings_below_the_limit_are_known_to_be_below() -> None:
    plan = plan_of((0.1, -0.1), 4, limit=60.0)
    found, free = readings_of(plan), readings_of(replace(plan, limit=None))
    assert found.below[:, 4:].any()
    assert (found.below == (free.log_size < math.log(60))).all()
    assert (found.log_size[found.below] == math.log(60)).all()
    assert (found.log_size[~found.below] == free.log_size[~found.below]).all()


@pytest.mark.parametrize("below", ["omitted", "censored"])
def test_a_fit_does_with_such_readings_what_growth_does(below: str) -> None:
    plan = plan_of((0.1, -0.04), 6, limit=90.0, below_limit=below, size_limit=900.0)
    readings = readings_of(plan, 6)
    tests = GrowthDesign(plan).fit(readings)
    names = np.repeat(["arm 0", "arm 1"], 6 * 7)
    for study in range(6):
        there = readings.read[study].ravel()
        data = growth_data_from_arrays(
            arm=names[there].tolist(),
            animal_id=np.repeat([f"m{n}" for n in range(12)], 7)[there].tolist(),
            time=np.tile(plan.days, 12)[there],
            log_size=readings.log_size[study].ravel()[there],
            below_limit=readings.below[study].ravel()[there],
        )
        model = GrowthModel(intercept="arm")
        fit = (
            fit_with_limit(data, model)
            if below == "censored"
            else fit_growth(data.without_below_limit(), model)
        )
        found = fit.contrasts(fit.terms.rate(1) - fit.terms.rate(0))
        for own, expected in (
            (tests.estimate, found.estimate),
            (tests.std_error, found.std_error),
            (tests.df, found.df),
        ):
            # Two engines for the omitted ones; for the others a coarser rule, whose estimates are
            # within 1e-5 and degrees of freedom within 1e-3 of those of the command.
            assert own[study, 0] == pytest.approx(expected[0], rel=1e-3)


def test_omitting_readings_below_the_limit_hides_what_a_drug_does() -> None:
    plan = plan_of((0.1, -0.06), 6, limit=70.0, reading_sd=0.2)
    omitted = GrowthDesign(plan).fit(readings_of(plan, 6)).estimate.mean()
    censored = replace(plan, below_limit="censored")
    assert GrowthDesign(censored).fit(readings_of(plan, 6)).estimate.mean() < omitted - 0.01


def test_a_study_that_cannot_be_fitted_finds_nothing() -> None:
    plan = plan_of((0.1, 0.0), 2, days=(0.0, 1.0, 2.0), limit=100.0, below_limit="censored")
    readings = readings_of(plan, 3)
    readings.below[:, 2:] = True
    design = GrowthDesign(plan)
    tests = design.fit(readings)
    assert tests.lost.all()
    assert not design.rejects(tests)[0].any()


def test_a_reference_has_the_variation_of_its_growth_model() -> None:
    found = read_reference(STUDY, control="vehicle")
    from oncovivo.studies import read_study

    (study,) = read_study(STUDY)
    fit = fit_growth(growth_data(study).without_below_limit(), GrowthModel())
    spread = fit.variance
    assert (found.rate_sd, found.reading_sd, found.start_sd) == pytest.approx(
        (spread.sd_slope, spread.sd_residual, spread.sd_intercept)
    )
    names = list(fit.terms.names)
    assert found.start == pytest.approx(math.exp(fit.coefficients[names.index("(intercept)")]))
    assert found.rate == pytest.approx(fit.coefficients[names.index("time:vehicle")])
    assert (found.animals, found.arms, found.study_id) == (32, 4, "four_arm_simulated")
    assert read_reference(STUDY, control="vehicle", study="four_arm_simulated") == found


def test_a_reference_finds_the_variation_that_made_it() -> None:
    import pandas as pd

    plan = plan_of((0.1, 0.05), 60, start_sd=0.25, rate_sd=0.03, reading_sd=0.1)
    size = np.exp(readings_of(plan, 1).log_size[0])
    frame = pd.DataFrame(
        {
            "animal_id": np.repeat([f"m{n}" for n in range(120)], 7),
            "treatment": np.repeat(["vehicle", "drug"], 60 * 7),
            "day": np.tile(plan.days, 120),
            "volume_mm3": size.ravel(),
        }
    )
    found = reference_variation(Study.from_frame(frame), control="vehicle")
    # Deviations of 120 animals are right to 6.5 %, of 600 residuals to 3 %: three times that.
    assert found.rate_sd == pytest.approx(0.03, rel=0.2)
    assert found.start_sd == pytest.approx(0.25, rel=0.2)
    assert found.reading_sd == pytest.approx(0.1, rel=0.09)
    assert found.rate == pytest.approx(0.1, abs=3 * 0.03 / math.sqrt(60))
    areas = frame.rename(columns={"volume_mm3": "area_mm2"})
    with pytest.raises(DataError, match="a reference with volumes, found areas"):
        reference_variation(Study.from_frame(areas), control="vehicle")


TEXT = """
question = "event"
event = "quadrupling"
days = [0, 7, 14]
allocation = "sqrt_k"
limit_mm3 = 20
below_limit = "censored"

[reference]
file = "study.csv"
control = "vehicle"

[cages]
animals = 2
rate_sd = 0.01
log_sd = 0.1
arms = "mixed"

[[arm]]
name = "vehicle"
animals = 4

[[arm]]
name = "a"
animals = 4
rate_per_day = 0.05

[[arm]]
name = "b"
animals = 4
rate_per_day = 0.04
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["study_id,animal_id,treatment,day,volume_mm3"]
    for arm, rate in (("vehicle", 0.1), ("drug", 0.05)):
        for animal in range(4):
            for place, day in enumerate((0, 4, 8, 12)):
                wobble = 0.05 * (-1) ** (place + animal)
                size = 120 * math.exp((rate + 0.01 * animal) * day + wobble + 0.1 * animal)
                rows.append(f"P1,{arm}{animal},{arm},{day},{size:.3f}")
    (tmp_path / "study.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "power.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path


def test_a_plan_takes_its_variation_from_a_reference_beside_it(folder: Path) -> None:
    file = read_power_file(folder / "power.toml")
    reference = read_reference(folder / "study.csv", control="vehicle")
    plan = file.plan
    assert file.reference == reference
    assert file.reference_path == folder / "study.csv"
    assert file.seed is None
    assert (plan.start, plan.start_sd, plan.rate_sd, plan.reading_sd) == (
        reference.start, reference.start_sd, reference.rate_sd, reference.reading_sd,
    )  # fmt: skip
    assert [(arm.name, arm.animals, arm.rate) for arm in plan.arms] == [
        ("vehicle", 6, reference.rate), ("a", 4, 0.05), ("b", 4, 0.04),
    ]  # fmt: skip
    assert plan.cages == PowerCages(animals=2, rate_sd=0.01, start_sd=0.1, arms="mixed")
    assert (str(plan.event), plan.limit, plan.below_limit) == ("multiple:4", 20.0, "censored")
    assert plan.to_dict()["event"] == "multiple:4"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate_per_day = 0.05", "", "arm 'a': expected rate_per_day, found none"),
        ('control = "vehicle"', 'control = "placebo"', "an arm with readings: vehicle, drug"),
        ('control = "vehicle"', 'control = "vehicle"\nstudy = "X"', "one of P1, found 'X'"),
        ("[cages]", "[start]\nlog_sd = 0.1\n[cages]", "a reference, or start and variation"),
        (
            '[reference]\nfile = "study.csv"\ncontrol = "vehicle"',
            "[start]\nlog_sd = 0.1",
            r"\[start\] and \[variation\], or a \[reference\], found no \[variation\]",
        ),
        (
            '[reference]\nfile = "study.csv"\ncontrol = "vehicle"',
            "[variation]\nrate_sd = 0.1\nreading_sd = 0.1",
            r"found no \[start\]",
        ),
        ("quadrupling", "tripling", "an event: doubling"),
        ("animals = 2\nrate_sd", "animals = 0\nrate_sd", "at least 2 animals in a cage, found 0"),
    ],
)
def test_a_plan_that_says_too_little_or_too_much_is_refused(
    folder: Path, old: str, new: str, message: str
) -> None:
    path = folder / "power.toml"
    assert TEXT.count(old) == 1
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message) as refused:
        read_power_file(path)
    assert "\n" not in str(refused.value)


def test_a_file_with_several_studies_needs_a_name(folder: Path) -> None:
    study = folder / "study.csv"
    rows = study.read_text(encoding="utf-8").splitlines()
    more = [row.replace("P1,", "P2,", 1) for row in rows[1:]]
    study.write_text("\n".join([*rows, *more]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"reference study\.csv: .*P1, P2, found none"):
        read_power_file(folder / "power.toml")
    assert read_reference(study, control="drug", study="P2").study_id == "P2"


def test_a_reference_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "study.csv").unlink()
    with pytest.raises(FileFormatError, match=r"study\.csv"):
        read_power_file(folder / "power.toml")
