"""Dose records: how they are read, written out and placed in animals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.errors import DataError, InputError, UnitError
from oncovivo.mechanism.doses import DosePath, dose_table, place_doses
from oncovivo.mechanism.regimen_doses import doses_of_compound, radiation_fractions
from oncovivo.studies.dosing import Route
from oncovivo.studies.regimen import parse_regimen

ANY = [DosePath(compartment=0)]


def test_records_are_put_in_order_of_time_and_keep_their_order_at_one_time() -> None:
    table = dose_table([3.0, 0.0, 3.0, 1.0], [1.0, 2.0, 3.0, 4.0], path=[1, 0, 0, 1])
    assert table.time.tolist() == [0.0, 1.0, 3.0, 3.0]
    assert table.amount.tolist() == [2.0, 4.0, 1.0, 3.0]
    assert table.path.tolist() == [0, 1, 1, 0]
    assert len(table) == 4


def test_many_records_at_one_time_keep_their_order() -> None:
    amounts = np.arange(1.0, 101.0)
    table = dose_table(np.repeat([5.0, 1.0], 50), amounts)
    assert table.amount.tolist() == [*range(51, 101), *range(1, 51)]


def test_times_that_all_animals_share_are_kept_once() -> None:
    table = dose_table([0.0, 1.0], 5.0)
    for lag, rows in (([0.2, 0.2, 0.2], 1), ([0.2, 0.2, 0.3], 3)):
        inputs = place_doses(table, [DosePath(compartment=0, lag=lag)], n_animals=3)
        assert inputs.arrival.shape == (rows, 2)
        assert inputs.amount.shape == (3, 2)


def test_additional_doses_are_written_out_without_adding_up_rounding() -> None:
    inputs = place_doses(dose_table(0.3, 1.0, ii=0.1, addl=200), ANY)
    assert inputs.n_doses == 201
    assert inputs.arrival[0].tolist() == [0.3 + nth * 0.1 for nth in range(201)]


def test_only_the_first_dose_of_a_record_is_at_steady_state() -> None:
    inputs = place_doses(dose_table(0.0, 1.0, ii=1.0, addl=2, ss=1), ANY)
    assert inputs.ss.tolist() == [1, 0, 0]
    assert inputs.resets.tolist() == [0.0]


def test_a_dose_ends_at_the_first_reset_behind_it() -> None:
    table = dose_table([0.0, 2.0, 2.0, 5.0], [1.0, 0.0, 1.0, 1.0], evid=[1, 3, 1, 4])
    inputs = place_doses(table, ANY)
    assert inputs.ends.tolist() == [2.0, 5.0, np.inf]
    assert inputs.resets.tolist() == [2.0, 5.0]


def test_body_weight_fraction_and_lag_are_the_animals_own() -> None:
    path = DosePath(compartment=2, fraction=[0.5, 1.0], lag=[0.0, 0.25])
    inputs = place_doses(
        dose_table(1.0, 3.0, per_gram=True), [path], n_animals=2, body_weight=[20.0, 30.0]
    )
    assert inputs.amount.tolist() == [[30.0], [90.0]]
    assert inputs.arrival.tolist() == [[1.0], [1.25]]
    assert inputs.compartment.tolist() == [2]


def test_amounts_not_per_gram_do_not_need_a_body_weight() -> None:
    inputs = place_doses(dose_table([0.0, 1.0], 5.0), ANY, n_animals=3)
    assert inputs.amount.tolist() == [[5.0, 5.0]] * 3
    mixed = dose_table([0.0, 1.0], 5.0, per_gram=[True, False])
    assert place_doses(mixed, ANY, body_weight=20.0).amount.tolist() == [[100.0, 5.0]]


def test_a_rate_per_gram_lasts_as_long_in_every_animal() -> None:
    table = dose_table(0.0, 6.0, rate=3.0, per_gram=True)
    inputs = place_doses(table, ANY, n_animals=2, body_weight=[20.0, 30.0])
    assert inputs.duration.tolist() == [[2.0]]
    assert inputs.amount.tolist() == [[120.0], [180.0]]


def test_the_paths_duration_serves_records_that_state_none() -> None:
    path = [DosePath(compartment=0, duration=0.02)]
    inputs = place_doses(dose_table([0.0, 1.0], 6.0, duration=[0.0, 0.5]), path)
    assert inputs.duration.tolist() == [[0.02, 0.5]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"time": [0.0, np.nan]}, "dose record 2: expected a time in days, found nan"),
        ({"amount": -1.0}, "dose record 1: expected an amount that is not negative"),
        ({"evid": 2}, "evid 1, 3 or 4, found 2"),
        ({"evid": 3}, "no amount beside a reset"),
        ({"evid": 3, "amount": 0.0, "ii": 1.0, "addl": 1}, "without addl and ss"),
        ({"rate": -2.0}, "a rate that is not negative"),
        ({"duration": np.inf}, "a duration that is not negative"),
        ({"rate": 1.0, "duration": 1.0}, "a rate or a duration, not both"),
        ({"addl": 1.5, "ii": 1.0}, "a whole number of additional doses"),
        ({"addl": 1}, "an interval ii above 0"),
        ({"ss": 1}, "an interval ii above 0"),
        ({"ss": 3, "ii": 1.0}, "ss 0, 1 or 2"),
        ({"path": 0.5}, "the index of a dose path"),
        ({"per_gram": 2}, "yes or no"),
        ({"amount": [1.0, 2.0, 3.0]}, "columns of numbers of one length"),
        ({"time": [[0.0, 1.0]]}, "columns of one dimension"),
        ({"time": np.zeros(30), "addl": 9999, "ii": 1.0}, "at most 100000 doses"),
    ],
)
def test_records_that_cannot_be_read_are_refused(columns: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dose_table(**{"time": [0.0, 1.0], "amount": 1.0, **columns})  # type: ignore[arg-type]


def test_doses_that_cannot_be_placed_are_refused() -> None:
    with pytest.raises(InputError, match="a dose path from 0 to 0, found 1"):
        place_doses(dose_table(0.0, 1.0, path=1), ANY)
    with pytest.raises(InputError, match="a body weight in grams for doses per body mass"):
        place_doses(dose_table(0.0, 1.0, per_gram=True), ANY)
    for weight in (0.0, -1.0, [20.0, 21.0]):
        with pytest.raises(InputError, match="a positive body weight"):
            place_doses(dose_table(0.0, 1.0, per_gram=True), ANY, body_weight=weight)
    with pytest.raises(InputError, match="a lag for one or for 2 animals, found 3 values"):
        place_doses(
            dose_table(0.0, 1.0), [DosePath(compartment=0, lag=[0.0, 0.1, 0.2])], n_animals=2
        )
    with pytest.raises(InputError, match="at least one animal"):
        place_doses(dose_table(0.0, 1.0), ANY, n_animals=0)
    with pytest.raises(InputError, match="a fraction that is finite and not negative"):
        DosePath(compartment=0, fraction=-0.1)
    with pytest.raises(InputError, match=r"one of the routes i\.v\., .* or any, found rectal"):
        DosePath(compartment=0, route="rectal")
    assert DosePath(compartment=0, route="s.c.").route == Route.SUBCUTANEOUS
    with pytest.raises(InputError, match="the index of a compartment"):
        DosePath(compartment=-1)


def test_a_regimen_becomes_one_record_for_each_dose() -> None:
    regimen = parse_regimen("temsirolimus 20 mg/kg i.v. qw x3 + perifosine 30 mg/kg p.o. qd x21")
    table = doses_of_compound(regimen, "Temsirolimus", ANY)
    assert table.time.tolist() == [0.0, 7.0, 14.0]
    assert table.amount.tolist() == [20.0] * 3
    inputs = place_doses(table, ANY, body_weight=20.0)
    # 20 mg/kg in 20 g are 0.4 mg.
    assert inputs.amount.tolist() == [[400.0] * 3]
    assert len(doses_of_compound(regimen, "erlotinib", ANY)) == 0


def test_phases_keep_their_own_dose() -> None:
    regimen = parse_regimen("cetuximab loading 40 mg/kg i.p. day 0 then 20 mg/kg i.p. qw x3")
    table = doses_of_compound(regimen, "cetuximab", ANY)
    assert table.time.tolist() == [0.0, 7.0, 14.0, 21.0]
    assert table.amount.tolist() == [40.0, 20.0, 20.0, 20.0]


def test_doses_of_a_day_are_spread_over_its_hours() -> None:
    regimen = parse_regimen("drug 1 mg/kg p.o. tid x2 d")
    table = doses_of_compound(regimen, "drug", ANY)
    np.testing.assert_allclose(table.time * 24, [0, 8, 16, 24, 32, 40])


@pytest.mark.parametrize(
    ("dose", "unit", "amount", "per_gram"),
    [
        ("2 mg/kg", "µg", 2.0, True),
        ("2 mg/kg", "mg", 0.002, True),
        ("500 ug/kg", "µg", 0.5, True),
        ("0.1 mg", "µg", 100.0, False),
        ("25 mg", "mg", 25.0, False),
        ("300 nmol/kg", "nmol", 0.3, True),
        ("3 µmol/kg", "nmol", 3.0, True),
    ],
)
def test_doses_become_amounts_in_the_unit_of_the_compartments(
    dose: str, unit: str, amount: float, per_gram: object
) -> None:
    regimen = parse_regimen(f"drug {dose} i.v. day 0")
    table = doses_of_compound(regimen, "drug", ANY, amount_unit=unit)
    assert table.amount.tolist() == [amount]
    assert table.per_gram.tolist() == [per_gram]


@pytest.mark.parametrize(
    ("dose", "unit", "message"),
    [
        ("2 mg/kg", "nmol", "it needs a molar mass"),
        ("2 nmol/kg", "µg", "it needs a molar mass"),
        ("60 mg/m2", "µg", "it needs a body surface"),
        ("10 mL/kg", "µg", "it needs the concentration of what is injected"),
        ("2 Gy", "µg", "radiation is an event of its own"),
        ("2 mg/kg", "mL", "a unit of mass or of amount of substance"),
    ],
)
def test_doses_that_make_no_amount_are_refused(dose: str, unit: str, message: str) -> None:
    regimen = parse_regimen(f"drug {dose} day 0")
    with pytest.raises(UnitError, match=message):
        doses_of_compound(regimen, "drug", ANY, amount_unit=unit)


def test_each_route_takes_its_own_path_and_any_takes_the_rest() -> None:
    paths = [
        DosePath(compartment=1, route="any"),
        DosePath(compartment=0, route=Route.ORAL),
    ]
    for text, path in (("p.o.", 1), ("i.p.", 0)):
        regimen = parse_regimen(f"drug 2 mg/kg {text} qd x2")
        assert doses_of_compound(regimen, "drug", paths).path.tolist() == [path, path]


def test_routes_without_a_path_are_refused() -> None:
    oral = [DosePath(compartment=0, route=Route.ORAL)]
    given = parse_regimen("drug 2 mg/kg s.c. qd x2")
    with pytest.raises(InputError, match=r"kinetics describe \(p\.o\.\), found s\.c\."):
        doses_of_compound(given, "drug", oral)
    unsaid = parse_regimen("drug 2 mg/kg qd x2")
    assert doses_of_compound(unsaid, "drug", oral).path.tolist() == [0, 0]
    with pytest.raises(InputError, match="a route, as the drug's kinetics differ by route"):
        doses_of_compound(unsaid, "drug", [*oral, *ANY])


def test_doses_before_the_start_are_refused() -> None:
    regimen = parse_regimen("drug 2 mg/kg i.v. days -2,0,3")
    with pytest.raises(InputError, match=r"doses from day 0 on, .* a dose on day -2"):
        doses_of_compound(regimen, "drug", ANY)
    table = doses_of_compound(regimen, "drug", ANY, start=-2.0)
    assert table.time.tolist() == [-2.0, 0.0, 3.0]


def test_what_a_regimen_leaves_open_is_named() -> None:
    with pytest.raises(DataError, match="a regimen that states its dose"):
        doses_of_compound(parse_regimen("drug i.v. qd x3"), "drug", ANY)
    with pytest.raises(DataError, match="schedule and duration"):
        doses_of_compound(parse_regimen("drug 2 mg/kg i.v."), "drug", ANY)


def test_radiation_is_a_kind_of_its_own() -> None:
    regimen = parse_regimen("drug 2 mg/kg i.v. qd x2 + radiation 3 x 200 cGy qd from day 1")
    fractions = radiation_fractions(regimen)
    assert fractions.time.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(fractions.dose, 2.0)
    assert radiation_fractions(parse_regimen("drug 2 mg/kg i.v. qd x2")).time.tolist() == []
    with pytest.raises(InputError, match="doses from day 2 on"):
        radiation_fractions(regimen, start=2.0)


DOSES = st.sampled_from(["1 mg/kg", "2.5 mg/kg"])
SCHEDULES = st.sampled_from(
    [
        "qd x3",
        "q3dx4",
        "biw x3 wk",
        "5/2 x10 doses",
        "bid x4 d",
        "qw x2",
        "tiw x2 wk",
        "days 0,3,9",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    phases=st.lists(
        st.tuples(DOSES, SCHEDULES, st.sampled_from(["", " from day 4"])), min_size=1, max_size=3
    )
)
def test_records_fall_on_the_regimens_days_and_add_up_to_its_total(
    phases: list[tuple[str, str, str]],
) -> None:
    text = " then ".join(
        f"{dose} i.v. {schedule}{'' if schedule.startswith('days') else start}"
        for dose, schedule, start in phases
    )
    regimen = parse_regimen(f"drug {text}")
    table = doses_of_compound(regimen, "drug", ANY)
    assert sorted(set(np.floor(table.time).astype(int).tolist())) == list(regimen.dosing_days())
    assert table.amount.sum() == pytest.approx(regimen.total_dose().value)
