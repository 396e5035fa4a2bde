"""Power of the other questions: against slow twins, closed forms and hand calculations."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from oncovivo.combination import CombinationArms, hsa, response_additivity
from oncovivo.design.power import SimulatedPower, power_by_simulation, power_grid
from oncovivo.design.power_allocation import compare_allocations
from oncovivo.design.power_closed_form import closed_powers, power_closed_form, smallest_effect
from oncovivo.design.power_growth import GrowthDesign
from oncovivo.design.power_plan import PowerArm, PowerPlan
from oncovivo.design.power_readings import PowerReadings, draw_numbers, power_readings
from oncovivo.design.power_rules import parse_response
from oncovivo.design.power_visits import (
    LogRankDrift,
    event_tests,
    event_times,
    fisher_p_values,
    fisher_power,
    log_rank_drift,
    responders,
    response_share,
    visit_chances,
)
from oncovivo.endpoints.mrecist import CATEGORIES, best_responses
from oncovivo.errors import InputError
from oncovivo.growth.data import growth_data_from_arrays
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel
from oncovivo.survival.events import parse_event
from oncovivo.survival.rank_tests import rank_test

FloatArray: TypeAlias = NDArray[np.float64]

# Monte Carlo errors that a simulated share may be off.
ERRORS = 4.0
FACTORIAL = (0.10, 0.09, 0.09, 0.03)


def plan_of(
    rates: tuple[float, ...] = (0.11, 0.08), animals: int = 8, **changes: object
) -> PowerPlan:
    known: dict[str, Any] = {
        "days": (0.0, 3.0, 7.0, 10.0, 14.0, 17.0, 21.0),
        "start_sd": 0.3,
        "rate_sd": 0.02,
        "reading_sd": 0.15,
        "model": "arm",
        "replicates": 1500,
    }
    known.update(changes)
    arms = tuple(
        PowerArm(name=f"arm {number}", animals=animals, rate=rate)
        for number, rate in enumerate(rates)
    )
    return PowerPlan(arms=arms, **known)


def simulated(plan: PowerPlan, seed: int = 1) -> SimulatedPower:
    return power_by_simulation(plan, rng=np.random.default_rng(seed))


def readings_of(plan: PowerPlan, count: int = 12, seed: int = 4) -> PowerReadings:
    return power_readings(plan, draw_numbers(plan, count, rng=np.random.default_rng(seed)))


def fitted(plan: PowerPlan, readings: PowerReadings, study: int) -> GrowthFit:
    """A simulated study fitted on its own, as a study file would be."""
    names = [arm.name for arm in plan.arms]
    there = readings.read[study].ravel() & ~readings.below[study].ravel()
    data = growth_data_from_arrays(
        arm=np.repeat(np.repeat(names, plan.sizes), len(plan.days))[there].tolist(),
        animal_id=np.repeat([f"m{n}" for n in range(len(plan.arm_of))], len(plan.days))[
            there
        ].tolist(),
        time=np.tile(np.array(plan.days), int(plan.sizes.sum()))[there],
        log_size=readings.log_size[study].ravel()[there],
    )
    return fit_growth(data, GrowthModel(intercept="arm" if plan.model == "arm" else "common"))


@pytest.mark.parametrize("limit", [None, 800.0])
@pytest.mark.parametrize("index", [1.0, 0.7])
def test_additivity_is_the_test_of_synergy_study_by_study(
    limit: float | None, index: float
) -> None:
    plan = plan_of(
        FACTORIAL, question="additivity", size_limit=limit, day=14.0, bound=index, level=0.8
    )
    readings = readings_of(plan)
    design = GrowthDesign(plan)
    tests = design.fit(readings)
    rejected, errors = design.rejects(tests)
    arms = CombinationArms(control="arm 0", partners=("arm 1", "arm 2"), combination="arm 3")
    decided = []
    for study in range(len(rejected)):
        fit = fitted(plan, readings, study)
        found = response_additivity(fit, arms, scale="relative_volume", day=14.0, level=0.8)
        if index == 1.0:
            assert found.p_value is not None
            # Error and degrees of freedom both enter: the two engines agree to 6 digits.
            assert found.std_error == pytest.approx(float(errors[study, 0]), rel=1e-5)
            decided.append(found.p_value < 0.2)
        else:
            lower = found.index_lower if found.index_lower is not None else 0.0
            upper = found.index_upper if found.index_upper is not None else math.inf
            decided.append(not lower <= index <= upper)
    assert rejected[:, 0].tolist() == decided
    assert 0 < sum(decided) < len(decided)


def test_additivity_has_the_degrees_of_freedom_of_its_own_contrast() -> None:
    # At a level at which t with those of Bliss' contrast would decide otherwise in some studies.
    plan = plan_of(FACTORIAL, 4, question="additivity", size_limit=500.0, model="common")
    readings = readings_of(plan, 8)
    arms = CombinationArms(control="arm 0", partners=("arm 1", "arm 2"), combination="arm 3")
    for study in range(8):
        fit = fitted(plan, readings, study)
        found = response_additivity(fit, arms, scale="relative_volume", day=21.0)
        assert found.p_value is not None
        one = readings.take(np.arange(8) == study)
        for level, expected in (
            (1 - found.p_value * 1.001, True),
            (1 - found.p_value * 0.999, False),
        ):
            design = GrowthDesign(replace(plan, level=level))
            assert design.rejects(design.fit(one))[0].item() is expected


@pytest.mark.parametrize("limit", [None, 800.0])
def test_hsa_is_the_test_of_synergy_study_by_study(limit: float | None) -> None:
    plan = plan_of((0.11, 0.09, 0.085, 0.06), question="hsa", size_limit=limit)
    readings = readings_of(plan, 16)
    design = GrowthDesign(plan)
    rejected, errors = design.rejects(design.fit(readings))
    arms = CombinationArms(control="arm 0", partners=("arm 1", "arm 2"), combination="arm 3")
    for study in range(len(rejected)):
        found = hsa(fitted(plan, readings, study), arms)
        assert rejected[study, 0] == (found.verdict == "synergy")
        assert found.std_error == pytest.approx(float(errors[study, 0]), rel=1e-5)
    assert 0 < rejected.sum() < len(rejected)


@pytest.mark.parametrize(
    "plan",
    [
        plan_of((0.11, 0.09, 0.085, 0.055), question="hsa"),
        plan_of((0.11, 0.085, 0.085, 0.055), question="hsa", bound=-0.005),
        plan_of(FACTORIAL, question="additivity", day=14.0),
        plan_of((0.11, 0.08, 0.07), question="tgi", bound=20.0, day=14.0),
        plan_of((-0.01, -0.04), 12, question="response", response=parse_response("PR")),
        plan_of(
            (0.08, -0.01, -0.03), 10, question="response", size_limit=300.0, limit=80.0,
            response=parse_response("regression:30"),
        ),
        plan_of((0.11, 0.09), 20, question="event", event=parse_event("quadrupling")),
        plan_of(
            (0.12, 0.10, 0.09), 20, question="event", event=parse_event("volume:600"),
            size_limit=900.0,
        ),
    ],
    ids=lambda plan: f"{plan.question}",
)  # fmt: skip
def test_simulation_and_closed_form_agree(plan: PowerPlan) -> None:
    found = simulated(plan)
    # Large-sample forms: 2 points with 20 animals per arm for events, of the same order for the
    # curvature of logs of sums (validation/design/power.json).
    more = 0.02 if plan.question in ("event", "additivity") else 0.0
    for one, closed in zip(found.questions, power_closed_form(plan), strict=True):
        assert 0.1 < closed.power < 0.995
        assert abs(one.power - closed.power) < ERRORS * one.power_error + more
        assert one.truth == closed.truth


def test_inhibition_is_the_difference_of_rates_on_another_scale() -> None:
    rates = simulated(plan_of(replicates=400))
    plan = plan_of(question="tgi", day=14.0, replicates=400)
    inhibition = simulated(plan)
    one, other = rates.questions[0], inhibition.questions[0]
    assert (one.power, one.type_one) == (other.power, other.type_one)
    # 0.03 per day over 14 days: 1 - exp(-0.42).
    assert other.truth == pytest.approx(100 * (1 - math.exp(-0.42)))
    assert other.std_error == pytest.approx(14 * (one.std_error or 0.0))
    # Against 20 %: the difference of rates against ln(0.8) / 14.
    low = simulated(plan_of(question="tgi", day=14.0, bound=20.0, replicates=400))
    same = simulated(plan_of(bound=math.log(0.8) / 14, replicates=400))
    assert low.questions[0].power == same.questions[0].power < one.power
    shift = smallest_effect(plan_of())[0]
    assert smallest_effect(plan)[0] == pytest.approx(-100 * math.expm1(-14 * (shift or 0.0)))


@pytest.mark.parametrize("question", ["difference", "bliss", "hsa", "tgi", "additivity"])
def test_a_bound_that_is_the_truth_is_rejected_as_often_as_the_error(question: str) -> None:
    rates = FACTORIAL if question in ("bliss", "hsa", "additivity") else (0.11, 0.08)
    day = 14.0 if question in ("tgi", "additivity") else None
    plan = plan_of(rates, question=question, day=day)
    truth = simulated(replace(plan, replicates=2)).questions[0].truth
    found = simulated(replace(plan, bound=truth, replicates=1000)).questions[0]
    assert found.power == pytest.approx(found.type_one, abs=1.5e-3)
    # Power with the truth at the bound is the level, one-sided and cautious for both drugs.
    assert found.power < 0.05 + ERRORS * math.sqrt(0.05 * 0.95 / 1000)
    null = replace(plan, bound=truth).at_null()
    assert null.rates == pytest.approx(plan.rates)


def test_schoenfelds_formula_is_the_drift_of_proportional_rare_hazards() -> None:
    # Hazards near each other: events d, allocation p: power Φ(|ln HR| √(d p (1 - p)) - 1.96).
    plan = plan_of(
        (0.100, 0.098), 200, question="event", event=parse_event("quadrupling"),
        days=tuple(float(day) for day in range(0, 60)), rate_sd=0.03,
    )  # fmt: skip
    drift = log_rank_drift(plan, 1)
    assert drift.events == pytest.approx(400, rel=0.01)
    shift = abs(math.log(drift.hazard_ratio)) * math.sqrt(drift.events / 4)
    expected = stats.norm.cdf(shift - 1.959964) + stats.norm.cdf(-shift - 1.959964)
    # Events tied on a day make the variance smaller than d / 4 by 3 %.
    assert drift.power(0.95) == pytest.approx(expected, abs=0.01)
    nothing = LogRankDrift(score=0.0, variance=0.0, spread=(0.0, 0.0, 0.0), events=0.0)
    assert (nothing.power(0.95), nothing.hazard_ratio) == (0.0, 1.0)


@pytest.mark.parametrize("event", ["multiple:3", "volume:500"])
def test_chances_at_visits_are_those_of_many_animals(event: str) -> None:
    plan = plan_of(
        (0.09, 0.05), 8000, question="event", event=parse_event(event), size_limit=600.0,
        limit=100.0,
    )  # fmt: skip
    time, seen = event_times(plan, readings_of(plan, 1))
    for arm in (0, 1):
        own = plan.arm_of == arm
        chances = visit_chances(plan, arm)
        assert chances.event.sum() + chances.left.sum() == pytest.approx(1.0)
        for place, day in enumerate(plan.days):
            for share, marks in ((chances.event[place], seen), (chances.left[place], ~seen)):
                error = math.sqrt(max(share * (1 - share), 1e-4) / 8000)
                found = ((time[0] == day) & marks[0])[own].mean()
                assert abs(found - share) < ERRORS * error


def test_log_rank_tests_are_those_of_each_study() -> None:
    plan = plan_of(
        (0.12, 0.09, 0.06), 6, question="event", event=parse_event("quadrupling"),
        size_limit=700.0,
    )  # fmt: skip
    readings = readings_of(plan, 25)
    rejected, shares = event_tests(plan, readings)
    time, event = event_times(plan, readings)
    for study in range(25):
        for place in (1, 2):
            rows = (plan.arm_of == 0) | (plan.arm_of == place)
            group = (plan.arm_of[rows] == place).astype(np.int64)
            found = rank_test(time[study, rows], event[study, rows], group)
            assert found.p_value is not None
            assert rejected[study, place - 1] == (found.p_value < 0.05)
        assert shares[study, 0] == event[study, :6].mean()
    assert 0 < rejected.sum() < rejected.size


def test_event_times_by_hand() -> None:
    plan = plan_of(
        (0.1, 0.1), 2, days=(0.0, 5.0, 10.0), question="event", event=parse_event("multiple:2")
    )
    size = np.log(
        np.array([[[100, 150, 250], [100, 110, 120], [100, 200, 90], [100, 190, 250]]], float)
    )
    read = np.ones(size.shape, dtype=bool)
    read[0, 3, 2] = False
    readings = PowerReadings(log_size=size, read=read, below=~read & False)
    time, event = event_times(plan, readings)
    # The last animal left after day 5, censored there; 200 is twice 100.
    assert time.tolist() == [[10.0, 10.0, 5.0, 5.0]]
    assert event.tolist() == [[True, False, True, False]]
    by_volume = event_times(replace(plan, event=parse_event("volume:240")), readings)
    assert by_volume[0].tolist() == [[10.0, 10.0, 10.0, 5.0]]
    assert by_volume[1].tolist() == [[True, False, False, False]]


@pytest.mark.parametrize("sizes", [(5, 5), (8, 11), (2, 3)])
def test_fishers_test_is_scipys(sizes: tuple[int, int]) -> None:
    table = fisher_p_values(*sizes)
    for one in range(sizes[0] + 1):
        for other in range(sizes[1] + 1):
            counts = np.array([[one, sizes[0] - one], [other, sizes[1] - other]])
            assert table[one, other] == pytest.approx(stats.fisher_exact(counts).pvalue, rel=1e-9)


def test_fishers_power_by_hand() -> None:
    # 4 and 4 animals: p < 0.05 only where all of one arm and none of the other respond, 2 / 70.
    power = fisher_power(0.1, 0.8, animals=(4, 4))
    assert power == pytest.approx(0.9**4 * 0.8**4 + 0.1**4 * 0.2**4, rel=1e-12)
    assert fisher_power(0.0, 1.0, animals=(4, 4)) == pytest.approx(1.0)
    assert fisher_power(0.5, 0.5, animals=(3, 3)) == 0.0


@pytest.mark.parametrize("word", ["regression:30", "CR", "PR", "SD"])
def test_responders_are_those_of_each_curve(word: str) -> None:
    plan = plan_of((-0.02, -0.25), 6, question="response", response=parse_response(word))
    plan = replace(plan, size_limit=200.0)
    readings = readings_of(plan, 10)
    found = responders(plan, readings)
    days = np.array(plan.days)
    for study in range(10):
        for animal in range(12):
            there = readings.read[study, animal]
            volume = np.exp(readings.log_size[study, animal])[there]
            if word == "regression:30":
                expected = bool((volume[1:] <= 0.7 * volume[0]).any())
            else:
                code = best_responses(days[there][None], volume[None]).category[0]
                expected = bool(0 <= code <= CATEGORIES.index(parse_response(word).category))
            assert found[study, animal] == expected
    assert 0 < found.sum() < found.size


def test_more_animals_respond_to_a_weaker_rule() -> None:
    shares = [
        response_share(plan_of((0.0, -0.04), question="response", response=parse_response(w)), 1)
        for w in ("CR", "PR", "SD")
    ]
    assert shares[0] < shares[1] < shares[2]
    by_size = [
        response_share(
            plan_of((0.0, -0.04), question="response", response=parse_response(f"regression:{p}")),
            1,
        )
        for p in (60, 30, 10)
    ]
    assert by_size == sorted(by_size)
    # What lies below the smallest size cannot be told from it.
    unread = plan_of(
        (0.0, -0.04), question="response", response=parse_response("regression:60"), limit=100.0
    )
    assert response_share(unread, 1) < by_size[0]


@pytest.mark.parametrize(
    "plan",
    [
        plan_of((0.11, 0.09, 0.085, 0.055), question="hsa"),
        plan_of(FACTORIAL, 14, question="additivity", day=14.0),
        plan_of(question="event", event=parse_event("quadrupling")),
        plan_of(question="response", response=parse_response("regression:30")),
    ],
    ids=lambda plan: plan.question,
)
def test_the_smallest_effect_has_its_power(plan: PowerPlan) -> None:
    for power in (0.5, 0.8):
        (effect,) = smallest_effect(plan, power=power)
        assert effect is not None
        null = plan.at_null()
        arm = 1 if plan.question in ("event", "response") else 3
        # The rate with this power, by bisection over plans.
        low, high = 0.0, 0.5
        for _ in range(22):
            middle = (low + high) / 2
            tried = null.with_rate(arm, null.rates[arm] - middle)
            low, high = (middle, high) if closed_powers(tried)[0] < power else (low, middle)
        tried = null.with_rate(arm, null.rates[arm] - high)
        truth = high if plan.question == "hsa" else power_closed_form(tried)[0].truth
        assert effect == pytest.approx(truth, rel=1e-4)


def test_where_no_rate_is_enough_there_is_no_smallest_effect() -> None:
    # The size foreseen is a twentieth of the control's: little is left to be seen below it.
    plan = plan_of((0.10, 0.065, 0.065, 0.03), 4, question="additivity")
    assert plan.foreseen_share < 0.05
    assert smallest_effect(plan) == (None,)
    assert smallest_effect(plan_of((0.1, 0.02, 0.02, 0.0), question="additivity")) == (None,)


def test_drugs_that_leave_nothing_have_no_null_of_additivity() -> None:
    plan = plan_of((0.10, 0.02, 0.02, 0.0), question="additivity", replicates=50)
    found = simulated(plan)
    assert not plan.has_null
    assert (found.questions[0].type_one, found.any_type_one, found.questions[0].truth) == (
        None, None, None,
    )  # fmt: skip
    with pytest.raises(InputError, match="leave something when they are added, found nothing"):
        plan.at_null()


def test_the_control_gets_the_root_of_k_times_as_many() -> None:
    plan = plan_of((0.11, 0.09, 0.09, 0.09), 9, question="dunnett", allocation="sqrt_k")
    # √3 times 9 is 15.6.
    assert plan.sizes.tolist() == [16, 9, 9, 9]
    assert plan.resized(animals=4).sizes.tolist() == [7, 4, 4, 4]
    cells = power_grid(replace(plan, replicates=20), animals=(4,), last_days=(21.0,), seed=1)
    assert cells[0].animals == 4
    equal, root = compare_allocations(plan_of((0.11, 0.09, 0.09, 0.09), 11, question="dunnett"))
    assert (equal.animals, root.animals) == ((11, 11, 11, 11), (17, 9, 9, 9))
    assert sum(root.power) > sum(equal.power)
    # With one treated arm or no common control there is nothing to choose.
    assert compare_allocations(plan_of()) == ()
    assert compare_allocations(plan_of(FACTORIAL, question="bliss")) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "hsa"},
        {"question": "additivity", "size_limit": 800.0},
        {"question": "tgi", "limit": 60.0},
        {"question": "event", "event": parse_event("quadrupling")},
        {"question": "response", "response": parse_response("regression:20")},
    ],
    ids=lambda changes: str(changes["question"]),
)
def test_numbers_do_not_depend_on_chunks_or_on_names_of_arms(changes: dict[str, Any]) -> None:
    rates = FACTORIAL if changes["question"] in ("hsa", "additivity") else (0.03, 0.0)
    plan = plan_of(rates, replicates=90, **changes)
    whole = simulated(plan)
    parts = power_by_simulation(plan, rng=np.random.default_rng(1), chunk=37)
    renamed = replace(plan, arms=tuple(replace(arm, name=arm.name * 2) for arm in plan.arms))
    for other in (parts, simulated(renamed)):
        for one, again in zip(whole.questions, other.questions, strict=True):
            assert (one.power, one.type_one) == (again.power, again.type_one)
        assert whole.arm_shares == pytest.approx(other.arm_shares)
        assert whole.below_limit == pytest.approx(other.below_limit)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": "event"}, "event: expected a rule of what counts as event, found none"),
        ({"question": "response"}, 'response: .*found none.*write response = "regression:30"'),
        ({"event": parse_event("doubling")}, "event: expected no event with question difference"),
        ({"question": "event", "event": parse_event("death")}, "an event of growth.*found death"),
        ({"question": "event", "event": parse_event("volume:100")}, "above that of the baseline"),
        (
            {"question": "event", "event": parse_event("volume:2000"), "size_limit": 1000.0},
            "a volume up to the size limit of 1000 mm³, at which animals leave, found 2000",
        ),
        (
            {"question": "event", "event": parse_event("doubling"), "bound": 0.5},
            "bound: expected no bound for event: its test is of no effect, found 0.5",
        ),
        ({"bound": math.nan}, "bound: expected a finite bound, found nan"),
        ({"question": "tgi", "bound": 100.0}, "an inhibition below 100 percent, found 100"),
        ({"day": 7.0}, "day: expected no day for difference"),
        ({"question": "tgi", "day": 22.0}, "above 0 and up to the last reading, day 21, found 22"),
        ({"question": "tgi", "day": 0.0}, "above 0 and up to the last reading, day 21, found 0"),
        ({"limit": 0.0}, "limit_mm3: expected a number above 0, found 0"),
        ({"limit": 150.0}, "a limit below the baseline volume of 150 mm³, found 150"),
        (
            {"limit": 20.0, "below_limit": "censored", "model": "ratio"},
            "model common or arm where readings are censored, found ratio",
        ),
        ({"allocation": "half"}, "one of as_given, sqrt_k, found 'half'"),
    ],
)
def test_impossible_questions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_of(**changes)


def test_what_fits_no_factorial_is_refused() -> None:
    with pytest.raises(InputError, match="four arms for hsa: control, two drugs"):
        plan_of(question="hsa")
    with pytest.raises(InputError, match="index of observed over foreseen size above 0, found 0"):
        plan_of(FACTORIAL, question="additivity", bound=0.0)
    with pytest.raises(InputError, match=r"allocation: .*found sqrt_k with bliss"):
        plan_of(FACTORIAL, question="bliss", allocation="sqrt_k")
    arms = (*plan_of().arms, PowerArm(name="more", animals=3, rate=0.1))
    with pytest.raises(InputError, match=r"as many animals in each arm but the control.*3, 8"):
        replace(plan_of(), arms=arms, allocation="sqrt_k")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("regression", "a response: regression:PERCENT, CR, PR or SD, found 'regression'"),
        ("regression:x", "a number behind 'regression:', found 'x'"),
        ("regression:0", "a regression above 0 and below 100 percent, found 0"),
        ("regression:100", "a regression above 0 and below 100 percent, found 100"),
        ("PD", "a response: regression:PERCENT, CR, PR or SD, found 'PD'"),
    ],
)
def test_no_response_is_refused_in_one_line(word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_response(word)
