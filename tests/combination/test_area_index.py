"""The index of areas under the animals' curves, and its bootstrap."""

from __future__ import annotations

import csv
import json
import math
import time as clock
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias, TypedDict, Unpack

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.combination import AreaIndex, CombinationArms, PairArm, area_index
from oncovivo.combination.area_bootstrap import AreaMeasure, FollowUp, Limits
from oncovivo.combination.result import Null
from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from tests.combination.studies import TWO
from tests.growth.studies import made_up_growth, with_limit

ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]
FloatArray: TypeAlias = NDArray[np.float64]
DAY: Final = np.array([0.0, 5.0, 10.0, 20.0])
RATES: Final = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.03}
NULLS: Final[tuple[Null, ...]] = ("bliss", "hsa", "response_additivity")


def lines(rates: dict[str, list[float]], days: dict[str, FloatArray] | None = None) -> GrowthData:
    """Straight log curves, one for each rate."""
    arm: list[str] = []
    who: list[str] = []
    time: list[float] = []
    size: list[float] = []
    for name, own in rates.items():
        for number, rate in enumerate(own):
            read = DAY if days is None else days.get(name, DAY)
            arm += [name] * read.size
            who += [f"{name} {number}"] * read.size
            time += read.tolist()
            size += (5.0 + 0.1 * number + rate * read).tolist()
    return growth_data_from_arrays(
        arm=arm, animal_id=who, time=np.array(time), log_size=np.array(size)
    )


def spread(rates: dict[str, float], *, animals: int = 6, width: float = 0.01) -> GrowthData:
    steps = width * np.linspace(-1, 1, animals)
    return lines({name: (rate + steps).tolist() for name, rate in rates.items()})


class Choices(TypedDict, total=False):
    """What a test may choose."""

    measure: AreaMeasure
    follow_up: FollowUp
    day: float
    level: float
    limits: Limits
    draws: int


def one(data: GrowthData, null: Null = "bliss", **choices: Unpack[Choices]) -> AreaIndex:
    (found,) = area_index(data, TWO, rng=np.random.default_rng(1), nulls=[null], **choices)
    return found


def test_straight_curves_have_the_index_of_their_rates() -> None:
    data = spread(RATES)
    s = {name: math.exp(20 * (rate - 0.10)) for name, rate in RATES.items()}
    foreseen = {
        "bliss": s["A"] * s["B"],
        "hsa": s["B"],
        "response_additivity": s["A"] + s["B"] - 1,
    }
    found = area_index(data, TWO, rng=np.random.default_rng(1))
    assert [result.null for result in found] == list(NULLS)
    for result in found:
        assert result.observed == pytest.approx(s["AB"], rel=1e-9)
        assert result.foreseen == pytest.approx(foreseen[result.null], rel=1e-9)
        assert result.index == pytest.approx(s["AB"] / foreseen[result.null], rel=1e-9)
        assert (result.day, result.time, result.n_animals) == (20.0, 20.0, (6, 6, 6, 6))
        assert (result.n_short, result.reason) == (0, "")


def test_mean_sizes_are_trapezoids_over_the_days() -> None:
    data = spread(RATES)
    steps = 0.01 * np.linspace(-1, 1, 6)
    mean = {
        name: np.mean([np.trapezoid(np.exp((rate + d) * DAY), DAY) / 20 for d in steps])
        for name, rate in RATES.items()
    }
    found = one(data, measure="mean_size")
    assert found.observed == pytest.approx(mean["AB"] / mean["C"], rel=1e-9)
    assert found.index == pytest.approx(mean["AB"] * mean["C"] / mean["A"] / mean["B"], rel=1e-9)


def test_three_partners_and_their_pairs() -> None:
    rates = {**RATES, "Z": 0.09, "AZ": 0.06, "ABZ": 0.01}
    arms = CombinationArms(
        control="C",
        partners=("A", "B", "Z"),
        combination="ABZ",
        pairs=(PairArm(partners=("A", "Z"), arm="AZ"),),
    )
    found = area_index(spread(rates), arms, rng=np.random.default_rng(1))
    s = {name: math.exp(20 * (rate - 0.10)) for name, rate in rates.items()}
    assert [result.foreseen for result in found] == pytest.approx(
        [
            s["A"] * s["B"] * s["Z"],
            s["B"],
            s["A"] + s["B"] + s["Z"] - 2,
            s["A"] * s["Z"],
            s["A"],
            s["A"] + s["Z"] - 1,
        ]
    )
    assert [result.arms.combination for result in found] == ["ABZ"] * 3 + ["AZ"] * 3


@pytest.mark.parametrize("limits", ["bootstrap_t", "percentile"])
def test_limits_of_bliss_come_from_the_resampled_means(limits: Limits) -> None:
    rng = np.random.default_rng(4)
    own = {name: (rate + 0.02 * rng.standard_normal(7)) for name, rate in RATES.items()}
    data = lines({name: rates.tolist() for name, rates in own.items()})
    found = one(data, limits=limits, draws=500)
    # By hand: the same draws, arm by arm in the order control, partners, combination.
    draw = np.random.default_rng(1)
    signs = {"C": 1, "A": -1, "B": -1, "AB": 1}
    value, variance = np.zeros(500), np.zeros(500)
    estimate, error = 0.0, 0.0
    for name, sign in signs.items():
        rates = own[name][draw.integers(0, 7, size=(500, 7), dtype=np.intp)]
        value += sign * 20 * rates.mean(axis=1)
        variance += 400 * rates.var(axis=1, ddof=1) / 7
        estimate += sign * 20 * own[name].mean()
        error += 400 * own[name].var(ddof=1) / 7
    if limits == "percentile":
        low, high = np.quantile(value, [0.025, 0.975])
    else:
        pivot = np.quantile((value - estimate) / np.sqrt(variance), [0.975, 0.025])
        low, high = estimate - pivot * math.sqrt(error)
    assert found.lower == pytest.approx(low)
    assert found.upper == pytest.approx(high)
    assert found.index_lower == pytest.approx(math.exp(low))
    assert found.index_upper == pytest.approx(math.exp(high))
    assert found.estimate == pytest.approx(estimate)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("limits", ["bootstrap_t", "percentile"])
@pytest.mark.parametrize("together", [-0.04, 0.05, 0.12])
def test_verdict_and_limits_of_estimate_and_index_agree(
    seed: int, null: Null, limits: Limits, together: float
) -> None:
    data = made_up_growth({**RATES, "AB": together}, seed=seed, sd_slope=0.01)
    found = one(data, null, limits=limits)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < found.upper
    assert (found.upper < 0) == (found.verdict == "synergy")
    assert (found.lower > 0) == (found.verdict == "antagonism")
    upper = math.inf if found.index_upper is None else found.index_upper
    assert (upper < 1) == (found.verdict == "synergy")
    assert ((found.index_lower or 0.0) > 1) == (found.verdict == "antagonism")
    assert found.p_value is not None
    assert 0 < found.p_value <= 1
    if found.verdict == "synergy":
        # A quantile lies between two draws, a p value counts them.
        assert found.p_value < 0.05 + 0.004


def test_partners_that_are_swapped_change_nothing_but_the_draws() -> None:
    data = made_up_growth(RATES, seed=3)
    arms = replace(TWO, partners=("B", "A"))
    for mine, theirs in zip(
        area_index(data, TWO, rng=np.random.default_rng(1), draws=4000),
        area_index(data, arms, rng=np.random.default_rng(1), draws=4000),
        strict=True,
    ):
        assert mine.index == pytest.approx(theirs.index)
        assert mine.lower == pytest.approx(theirs.lower, abs=0.15)


def test_the_highest_single_agent_counts_the_doubt_about_which_it_is() -> None:
    equal = spread({**RATES, "A": 0.07})
    found = one(equal, "hsa", draws=4000)
    alone = spread({**RATES, "A": 0.20})
    sure = one(alone, "hsa", draws=4000)
    assert found.index == pytest.approx(sure.index)
    assert found.alternative == "less"
    assert found.upper is not None
    assert sure.upper is not None
    # Both have to be beaten: the upper limit is the larger one.
    assert found.upper >= sure.upper - 0.02


def test_nothing_foreseen_above_zero_has_no_index_and_no_upper_limit() -> None:
    strong = {"C": 0.2, "A": 0.02, "B": 0.02, "AB": 0.0}
    for limits in ("bootstrap_t", "percentile"):
        found = one(spread(strong), "response_additivity", limits=limits)
        assert (found.index, found.index_upper) == (None, None)
        assert found.foreseen == pytest.approx(2 * math.exp(-3.6) - 1)
        assert "not above zero" in found.reason
        assert found.verdict == "antagonism"


@pytest.mark.parametrize("measure", ["growth_rate", "mean_size"])
def test_areas_end_on_the_last_day_to_which_every_animal_was_followed(
    measure: AreaMeasure,
) -> None:
    rates = {name: [rate, rate + 0.01, rate - 0.01] for name, rate in RATES.items()}
    data = lines(rates, days={"C": np.array([0.0, 5.0, 10.0, 12.0])})
    cut = {name: np.array([0.0, 5.0, 10.0, 12.0]) for name in RATES}
    found, wanted = one(data, measure=measure), one(lines(rates, days=cut), measure=measure)
    # Curves that run on are read off on day 12, between two readings.
    assert (found.day, found.n_short, found.reason) == (12.0, 0, "")
    assert found.index == pytest.approx(wanted.index, rel=1e-9)
    assert found.lower == pytest.approx(wanted.lower, rel=1e-9)


def test_unequal_follow_up_is_said_and_harms_means_but_not_rates_of_straight_curves() -> None:
    rates = {name: [rate, rate + 0.01, rate - 0.01] for name, rate in RATES.items()}
    data = lines(rates, days={"C": np.array([0.0, 5.0, 10.0])})
    full = lines(rates)
    rate = one(data, day=20.0)
    assert rate.n_short == 3
    assert "3 of 12 animals were followed less long: their rates rest on early" in rate.reason
    assert rate.index == pytest.approx(one(full).index, rel=1e-9)
    mean = one(data, measure="mean_size", day=20.0)
    assert "their means lack the largest sizes" in mean.reason
    assert mean.index is not None
    # The control looks small, and what both leave looks good.
    assert mean.index < 0.8 * (one(full, measure="mean_size").index or 0.0)


def test_rates_of_leavers_are_too_high_where_growth_slows_down() -> None:
    read = np.array([0.0, 5.0, 10.0, 15.0, 20.0])

    def study(last: float) -> GrowthData:
        arm, who, time, size = [], [], [], []
        for name, rate in RATES.items():
            for number in range(4):
                own = read[read <= (last if name == "C" else 20.0)]
                arm += [name] * own.size
                who += [f"{name} {number}"] * own.size
                time += own.tolist()
                size += (5 + rate * own - 0.001 * own**2 + 0.01 * number * own).tolist()
        return growth_data_from_arrays(
            arm=arm, animal_id=who, time=np.array(time), log_size=np.array(size)
        )

    full, left = one(study(20.0)), one(study(10.0), day=20.0)
    assert full.observed is not None
    assert left.observed is not None
    # The control's rate is that of ten days: the others seem to keep less of its size.
    assert left.observed < 0.9 * full.observed


def test_own_follow_up_uses_readings_after_the_day() -> None:
    bent = {name: [rate, rate + 0.01] for name, rate in RATES.items()}
    data = lines(bent)
    size = data.log_size - 0.001 * data.time**2 * (data.arm[data.animal] == 3)
    data = replace(data, log_size=size)
    early = one(data, day=10.0)
    whole = one(data, day=10.0, follow_up="own")
    assert early.observed is not None
    assert whole.observed is not None
    assert whole.observed < early.observed
    assert (whole.day, whole.follow_up) == (10.0, "own")


def test_animals_without_an_area_and_readings_below_the_limit_are_told() -> None:
    data = spread(RATES)
    last = np.flatnonzero(data.animal == 0)[1:]
    short = data.select(~np.isin(np.arange(data.n_observations), last))
    found = one(short)
    assert found.n_animals == (5, 6, 6, 6)
    assert "1 animals have no area and are left out" in found.reason
    limited = one(with_limit(made_up_growth(RATES, seed=1), 150.0))
    assert "readings below the limit count as the limit" in limited.reason
    no_start = spread(RATES)
    keep = ~((no_start.animal == 0) & (no_start.time == 0))
    assert one(no_start.select(keep), measure="mean_size").n_animals == (5, 6, 6, 6)
    assert one(no_start.select(keep)).n_animals == (6, 6, 6, 6)


def test_animals_that_do_not_differ_have_no_limits() -> None:
    found = one(spread(RATES, width=0.0))
    assert found.index == pytest.approx(math.exp(-0.4), rel=1e-9)
    assert (found.lower, found.p_value, found.verdict) == (None, None, "not_shown")
    assert "no standard error" in found.reason


def test_the_same_seed_gives_the_same_answer_which_goes_to_json() -> None:
    data = made_up_growth(RATES, seed=2)
    first, second = one(data), one(data)
    assert first == second
    made = json.loads(json.dumps(first.to_dict(), allow_nan=False))
    assert made["n_animals"] == [6, 6, 6, 6]
    assert made["arms"]["partners"] == ["A", "B"]
    assert first.p_value is not None
    assert first.p_value >= 2 / 1001


def test_a_thousand_draws_take_a_moment() -> None:
    data = made_up_growth(RATES, animals=8)
    one(data)
    begin = clock.perf_counter()
    area_index(data, TWO, rng=np.random.default_rng(1))
    # About 3 ms; ten times the room that the contract leaves on a busy machine.
    assert clock.perf_counter() - begin < 3.0


def test_bad_questions_are_refused() -> None:
    data = spread(RATES)
    with pytest.raises(InputError, match=r"a null model: bliss.*'loewe'"):
        one(data, "loewe")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a null model.*none"):
        area_index(data, TWO, rng=np.random.default_rng(1), nulls=[])
    with pytest.raises(InputError, match=r"a measure of the area: growth_rate, mean_size"):
        one(data, measure="auc")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a follow-up: common, own"):
        one(data, follow_up="all")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a kind of limits: bootstrap_t, percentile"):
        one(data, limits="bca")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a level between 0 and 1"):
        one(data, level=95.0)
    with pytest.raises(InputError, match="at least 200 draws"):
        one(data, draws=10)
    with pytest.raises(InputError, match="a day after the baseline, day 0, found day 0"):
        one(data, day=0.0)
    with pytest.raises(InputError, match=r"an arm with readings.*'both'"):
        area_index(data, replace(TWO, combination="both"), rng=np.random.default_rng(1))
    lone = lines({**{name: [rate, 0.1] for name, rate in RATES.items()}, "AB": [0.03]})
    with pytest.raises(DataError, match=r"two animals or more with an area in arm 'AB', found 1"):
        one(lone)
    once = lines({name: [0.1, 0.1] for name in RATES}, days=dict.fromkeys(RATES, np.zeros(1)))
    with pytest.raises(DataError, match="animals with two readings or more"):
        one(once)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["LS_1034", "SW837"])
def test_the_figures_of_invivosyn_are_reproduced_where_they_follow_the_definition(
    name: str, shared_data: ReadData, shared_reference: ReadReference
) -> None:
    section = shared_reference(f"invivosyn_combos.{name}")["sections"]["60_invivosyn"]
    path = shared_data(section["data_file"].removeprefix("shared/data/"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["volume_mm3"] not in ("", "NA")]
    # It takes the log of the volume plus 1, whatever the unit.
    data = growth_data_from_arrays(
        arm=[row["treatment"] for row in rows],
        animal_id=[row["animal_id"] for row in rows],
        time=np.array([float(row["day_from_first"]) for row in rows]),
        log_size=np.log1p([float(row["volume_mm3"]) for row in rows]),
    )
    results = section["results"]
    control, first, second, both = results["order"]
    arms = CombinationArms(control=control, partners=(first, second), combination=both)
    own: FollowUp = "own"
    found = {
        result.null: result
        for result in area_index(
            data,
            arms,
            rng=np.random.default_rng(1),
            follow_up=own,
            day=data.baseline_day + 21.0,
            limits="percentile",
            draws=10_000,
        )
    }
    for null, title in (("bliss", "Bliss"), ("hsa", "HSA")):
        theirs = results[title]["AUC_synergy_t21"]
        mine = found[null]  # type: ignore[index]
        assert mine.index == pytest.approx(theirs["Value"][0], rel=1e-8)
        assert mine.observed is not None
        assert mine.foreseen is not None
        score = 100 * (mine.foreseen - mine.observed)
        assert score == pytest.approx(theirs["Value"][1], rel=1e-8)
    bliss = results["Bliss"]["AUC_synergy_t21"]
    # Two sets of draws, theirs of 1,000: percentiles move by a tenth.
    assert found["bliss"].index_lower == pytest.approx(bliss["lb"][0], rel=0.1)
    assert found["bliss"].index_upper == pytest.approx(bliss["ub"][0], rel=0.2)
    # Response additivity: it expects the sum of the effects, where what is left adds up.
    sums = found["response_additivity"]
    kept = {arm: math.exp(21 * rate) for arm, rate in mean_rates(data, arms).items()}
    effects = sum(1 - kept[arm] / kept[control] for arm in (first, second))
    theirs = results["RA"]["AUC_synergy_t21"]["Value"][0]
    assert kept[both] / kept[control] / effects == pytest.approx(theirs, rel=1e-8)
    assert sums.foreseen == pytest.approx(1 - effects, rel=1e-8)


def mean_rates(data: GrowthData, arms: CombinationArms) -> dict[str, float]:
    """Mean of the animals' rates by arm, from trapezoids over all their readings."""
    found = {}
    for name in (arms.control, *arms.partners, arms.combination):
        rates = []
        for animal in data.animals_of(data.arm_number(name)).tolist():
            mine = data.animal == animal
            t, y = data.time[mine], data.log_size[mine]
            rates.append(2 * np.trapezoid(y - y[0], t) / (t[-1] - t[0]) ** 2)
        found[name] = float(np.mean(rates))
    return found
