"""The dose sheet, against sheets worked by hand, and what gives no volume."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.design.dose_volumes import (
    CEILING_SOURCE,
    CEILINGS,
    AnimalWeight,
    DoseSheet,
    Formulation,
    dose_sheet,
)
from oncovivo.errors import InputError
from oncovivo.studies import Route, parse_regimen


def formulation(
    regimen: str = "temsirolimus 20 mg/kg i.v. qw x3", **more: float | str
) -> Formulation:
    given_: dict[str, Any] = {"arm": "drug", "concentration_mg_per_ml": 5.0, **more}
    return Formulation(treatment=parse_regimen(regimen).treatments[0], **given_)


def weighed(name: str, grams: float, *, day: float = 0, arm: str = "drug") -> AnimalWeight:
    return AnimalWeight(animal_id=name, arm=arm, day=day, weight_g=grams)


def sheet(
    *weights: AnimalWeight, of: Formulation | None = None, day: float = 0, age: float = 3
) -> DoseSheet:
    return dose_sheet([of or formulation()], weights, day=day, max_weight_age=age)


def test_a_sheet_worked_by_hand() -> None:
    # 20 mg/kg of 5 mg/mL is 4 mL/kg: 21.3 g take 0.0852 mL, drawn up as 0.09 (21.13 mg/kg);
    # 20.0 g take 0.080 exactly.
    found = sheet(weighed("m1", 21.3), weighed("m2", 20.0))
    first, second = found.rows
    assert first.exact_ml == pytest.approx(0.0852)
    assert first.volume_ml == 0.09
    assert first.given_mg_per_kg == pytest.approx(0.09 * 5 / 0.0213)
    assert first.deviation_pct == pytest.approx(100 * (0.09 / 0.0852 - 1))
    assert first.ml_per_kg == pytest.approx(0.09 / 0.0213)
    assert (first.compound, first.route, first.status) == ("temsirolimus", "i.v.", "ok")
    assert second.volume_ml == 0.08
    assert second.deviation_pct == pytest.approx(0.0)
    # Three doses of 0.17 mL with 10 % more: 0.561 mL, 2.805 mg.
    (total,) = found.totals
    assert (total.n_animals, total.doses_today, total.doses_left) == (2, 1, 3)
    assert total.today_ml == pytest.approx(0.187)
    assert total.course_ml == pytest.approx(0.561)
    assert total.course_mg == pytest.approx(2.805)
    assert (total.stock_ml, total.diluent_ml, total.lots) == (None, None, None)


def test_stock_diluent_and_lots_by_hand() -> None:
    of = formulation(stock_mg_per_ml=25.0, lot_mg=1.0, overage_pct=0)
    (total,) = sheet(weighed("m1", 20.0), of=of).totals
    # 3 × 0.08 mL × 5 mg/mL = 1.2 mg: 0.048 mL of stock in 0.192 mL, two vials of 1 mg.
    assert total.course_mg == pytest.approx(1.2)
    assert total.stock_ml == pytest.approx(0.048)
    assert total.diluent_ml == pytest.approx(0.192)
    assert total.lots == 2
    (exact,) = sheet(weighed("m1", 20.0), of=formulation(lot_mg=0.6, overage_pct=0)).totals
    assert exact.lots == 2


@pytest.mark.parametrize(
    ("rounding", "step", "volume"),
    [
        ("nearest", 0.01, 0.09),
        ("down", 0.01, 0.08),
        ("nearest", 0.005, 0.085),
        ("down", 0.05, 0.05),
    ],
)
def test_volumes_are_whole_steps_of_the_syringe(rounding: str, step: float, volume: float) -> None:
    of = formulation(rounding=rounding, step_ml=step)
    assert sheet(weighed("m1", 21.3), of=of).rows[0].volume_ml == volume


@settings(deadline=None)
@given(
    grams=st.floats(12, 60),
    concentration=st.floats(0.5, 20),
    step=st.sampled_from([0.001, 0.005, 0.01, 0.02, 0.05]),
)
def test_rounding_moves_a_volume_by_half_a_step_at_most_and_never_up_when_down(
    grams: float, concentration: float, step: float
) -> None:
    common: dict[str, Any] = {
        "concentration_mg_per_ml": concentration,
        "step_ml": step,
        "ceiling_ml_per_kg": 1e6,
    }
    nearest = sheet(weighed("m1", grams), of=formulation(**common)).rows[0]
    down = sheet(weighed("m1", grams), of=formulation(rounding="down", **common)).rows[0]
    exact = nearest.exact_ml
    assert exact == pytest.approx(20 * grams / 1000 / concentration)
    assert exact is not None
    if nearest.volume_ml is not None:
        assert abs(nearest.volume_ml - exact) <= step / 2 * (1 + 1e-6)
        assert nearest.volume_ml / step == pytest.approx(round(nearest.volume_ml / step))
    if down.volume_ml is not None:
        assert -step < down.volume_ml - exact <= step * 1e-6


def test_the_latest_weight_until_the_day_counts() -> None:
    found = sheet(
        weighed("m1", 30.0, day=8), weighed("m1", 20.0, day=6), weighed("m1", 25.0, day=2), day=7
    )
    # Not due on day 7 would be an empty sheet; qw x3 is due on 0, 7 and 14.
    (row,) = found.rows
    assert (row.weight_g, row.weight_day, row.weight_age) == (20.0, 6, 1)
    assert found.totals[0].doses_left == 2


def test_a_stale_weight_gives_no_volume_and_counts_for_what_is_made() -> None:
    found = sheet(weighed("m1", 20.0, day=3), weighed("m2", 25.0, day=6), day=7)
    stale, fresh = found.rows
    assert (stale.status, stale.volume_ml, stale.given_mg_per_kg) == ("stale_weight", None, None)
    assert stale.reason == "its weight is 4 days old, 3 are allowed: weigh it"
    assert fresh.status == "ok"
    assert found.n_refused == 1
    assert found.totals[0].n_animals == 2
    assert found.totals[0].today_ml == pytest.approx(2 * 0.10 * 1.1)
    assert sheet(weighed("m1", 20.0, day=4), day=7).rows[0].status == "ok"


def test_an_animal_without_a_weight_until_the_day_has_no_volume() -> None:
    found = sheet(weighed("m1", 20.0, day=9), weighed("m2", 20.0, day=7), day=7)
    assert found.rows[0].status == "not_weighed"
    assert found.rows[0].volume_ml is None


def test_a_volume_beyond_the_ceiling_is_not_given_and_the_cure_is_named() -> None:
    # 20 mg/kg of 2 mg/mL is 10 mL/kg; a bolus may have 5: 4 mg/mL would do.
    (row,) = sheet(weighed("m1", 20.0), of=formulation(concentration_mg_per_ml=2.0)).rows
    assert (row.status, row.volume_ml) == ("over_ceiling", None)
    assert row.reason == "10 mL/kg is beyond 5: 4 mg/mL or more would do"
    by_mouth = formulation("agent 20 mg/kg p.o. qw x3", concentration_mg_per_ml=2.0)
    assert sheet(weighed("m1", 20.0), of=by_mouth).rows[0].volume_ml == 0.2


def test_rounding_up_over_the_ceiling_is_caught() -> None:
    # Exactly 5 mL/kg; 21.3 g take 0.1065 mL, rounded up 0.11, which is 5.16 mL/kg.
    (row,) = sheet(weighed("m1", 21.3), of=formulation(concentration_mg_per_ml=4.0)).rows
    assert row.status == "over_ceiling"
    assert row.reason.endswith("round down")
    down = formulation(concentration_mg_per_ml=4.0, rounding="down")
    assert sheet(weighed("m1", 21.3), of=down).rows[0].volume_ml == 0.1


def test_a_volume_below_the_step_is_not_given() -> None:
    (row,) = sheet(weighed("m1", 20.0), of=formulation(concentration_mg_per_ml=500.0)).rows
    assert (row.status, row.volume_ml) == ("below_step", None)
    assert row.reason == "0.0008 mL is less than the syringe shows: dilute it"


def test_ceilings_are_those_of_the_guide_for_mouse_and_rat() -> None:
    assert {route.value: value for route, value in CEILINGS["mouse"].items()} == {
        "p.o.": 10,
        "s.c.": 10,
        "i.p.": 20,
        "i.v.": 5,
    }
    assert {route.value: value for route, value in CEILINGS["rat"].items()} == {
        "p.o.": 10,
        "s.c.": 5,
        "i.p.": 10,
        "i.v.": 5,
    }
    assert formulation().ceiling() == (5.0, CEILING_SOURCE)


def test_a_ceiling_of_the_file_is_the_studys_own_choice_unless_it_says_whose() -> None:
    assert formulation(ceiling_ml_per_kg=8.0).ceiling() == (8.0, "the study's own choice")
    of = formulation(ceiling_ml_per_kg=8.0, ceiling_source="veterinarian")
    assert of.ceiling() == (8.0, "veterinarian")
    assert sheet(weighed("m1", 20.0), of=of).totals[0].ceiling_source == "veterinarian"


def test_a_dose_by_body_surface_is_converted_with_the_species() -> None:
    of = formulation("agent 60 mg/m² i.v. qw x3")
    assert of.dose_mg_per_kg() == pytest.approx(20.0)
    assert formulation("agent 60 mg/m² i.v. qw x3", species="rat").dose_mg_per_kg() == 10.0
    assert formulation("agent 500 µg/kg i.v. qw x3").dose_mg_per_kg() == pytest.approx(0.5)


def test_doses_several_times_a_day_are_counted_each() -> None:
    of = formulation("agent 20 mg/kg p.o. bid x3", overage_pct=0)
    (total,) = sheet(weighed("m1", 20.0, day=1), of=of, day=1).totals
    assert (total.doses_today, total.doses_left) == (2, 4)
    assert total.course_ml == pytest.approx(4 * 0.08)


def test_a_treatment_without_a_schedule_is_given_once() -> None:
    (total,) = sheet(
        weighed("m1", 20.0, day=5), of=formulation("agent 20 mg/kg i.v."), day=5
    ).totals
    assert (total.doses_today, total.doses_left) == (1, 1)


def test_an_arm_that_is_not_due_and_one_without_a_formulation_are_told() -> None:
    found = sheet(weighed("m1", 20.0), weighed("v1", 20.0, arm="vehicle"), day=3)
    assert not found.rows
    assert found.notes == (
        "drug, temsirolimus 20 mg/kg i.v. qw x3: not due on day 3, next on day 7",
        "vehicle: no formulation is given for this arm",
    )
    assert "no dose is left" in sheet(weighed("m1", 20.0), day=15).notes[0]


def test_an_arm_with_two_formulations_has_a_line_for_each() -> None:
    both = [formulation(), formulation("perifosine 30 mg/kg p.o. qd x5")]
    found = dose_sheet(both, [weighed("m1", 20.0)], day=0, max_weight_age=0)
    assert [row.compound for row in found.rows] == ["temsirolimus", "perifosine"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"concentration_mg_per_ml": 0.0}, r"arm 'drug': .*concentration in mg/mL above zero.* 0"),
        ({"concentration_mg_per_ml": -1.0}, "concentration in mg/mL above zero, found -1"),
        ({"concentration_mg_per_ml": math.nan}, "concentration in mg/mL above zero, found nan"),
        ({"step_ml": 0.0}, "step of the syringe in mL above zero"),
        ({"ceiling_ml_per_kg": 0.0}, "ceiling in mL/kg above zero"),
        ({"stock_mg_per_ml": 0.0}, "stock in mg/mL above zero"),
        ({"stock_mg_per_ml": 4.0}, "a stock not thinner .* found 4 below 5 mg/mL"),
        ({"lot_mg": 0.0}, "content of the lot in mg above zero"),
        ({"overage_pct": -5.0}, "an overage of 0 % or more"),
        ({"rounding": "up"}, "nearest or down, found 'up'"),
        ({"species": "hamster"}, "none known for i.v. in hamster; give ceiling_ml_per_kg"),
        ({"regimen": "agent 20 mg/kg i.m. qw x3"}, "none known for i.m. in mouse"),
        ({"regimen": "agent 20 mg/kg qw x3"}, "expected a route"),
        ({"regimen": "agent i.v. qw x3"}, "expected a dose"),
        ({"regimen": "agent 20 mg i.v. qw x3"}, r"a dose in mg/kg or mg/m², found 20 mg"),
        ({"regimen": "agent 20 mg/kg i.v. qd x3 then 10 mg/kg i.v. qd x3"}, "of one phase"),
    ],
)
def test_a_formulation_that_makes_no_sense_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        formulation(**more)


def test_weights_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="one weight of an animal on a day, found two"):
        sheet(weighed("m1", 20.0), weighed("m1", 21.0))
    with pytest.raises(InputError, match="one arm for an animal, found 'drug' and 'vehicle'"):
        sheet(weighed("m1", 20.0), weighed("m1", 21.0, day=1, arm="vehicle"))
    with pytest.raises(InputError, match="a positive weight in g, found 0"):
        sheet(weighed("m1", 0.0))
    with pytest.raises(InputError, match="an arm with weights: vehicle, found 'drug'"):
        sheet(weighed("m1", 20.0, arm="vehicle"))
    with pytest.raises(InputError, match="at least one weight"):
        sheet()
    with pytest.raises(InputError, match="at least one formulation"):
        dose_sheet([], [weighed("m1", 20.0)], day=0, max_weight_age=1)
    with pytest.raises(InputError, match="0 days or more that a weight may be old, found -1"):
        sheet(weighed("m1", 20.0), age=-1)


def test_the_ceilings_cannot_be_changed_in_place() -> None:
    with pytest.raises(TypeError):
        CEILINGS["mouse"][Route.ORAL] = 100.0  # type: ignore[index]  # that it fails is the test
