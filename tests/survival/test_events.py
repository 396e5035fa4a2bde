"""Times to events that growth or reasons for leaving define: by hand, and against R's peers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.studies import LeavingReason, Study, keep_arms, read_study
from oncovivo.survival.events import (
    REASONS,
    EventDefinition,
    SurvivalData,
    growth_events,
    parse_event,
    reason_rules,
)

DAYS = [0.0, 7.0, 14.0, 21.0]
Volumes = dict[str, list[float | None]]


def study_of(
    volumes: Volumes,
    *,
    reasons: dict[str, LeavingReason] | None = None,
    end_days: dict[str, float] | None = None,
    size: str = "volume_mm3",
) -> Study:
    """A study with readings on days 0, 7, 14, 21; None where nothing was read."""
    rows = [
        {"animal_id": name, "treatment": name[0], "day": day, size: value}
        for name, values in volumes.items()
        for day, value in zip(DAYS, values, strict=False)
        if value is not None
    ]
    study = Study.from_frame(pd.DataFrame(rows))
    animals = tuple(
        replace(
            animal,
            end_reason=(reasons or {}).get(animal.animal_id, "unknown"),
            end_day=(end_days or {}).get(animal.animal_id, animal.end_day),
        )
        for animal in study.animals
    )
    return replace(study, animals=animals, table=study.measurements)


def row(data: SurvivalData, animal: str) -> tuple[float, float, float, bool]:
    i = data.animal_ids.index(animal)
    return float(data.time[i]), float(data.lower[i]), float(data.upper[i]), bool(data.event[i])


GROWING: Volumes = {
    "v1": [100.0, 200.0, 800.0, 1600.0],
    "v2": [100.0, 110.0, 120.0, 130.0],
}


def test_a_crossing_is_a_visit_a_point_or_a_bracket() -> None:
    study = study_of(GROWING)
    event = parse_event("quadrupling")
    assert row(growth_events(study, event, event_time="visit"), "v1") == (14.0, 14.0, 14.0, True)
    # 200 to 800 in a week: 400 is half way on the log scale.
    found = growth_events(study, event, event_time="interpolated")
    assert row(found, "v1") == pytest.approx((10.5, 10.5, 10.5, True))
    found = growth_events(study, event, event_time="interval")
    assert row(found, "v1") == pytest.approx((10.5, 7.0, 14.0, True))
    assert row(found, "v2") == (21.0, 21.0, math.inf, False)
    assert found.counts() == {"v": {"n": 2, "events": 1, "competing": 0, "censored": 1}}


def test_a_volume_is_reached_by_its_number_and_a_target_met_at_the_baseline_is_noted() -> None:
    study = study_of({"v1": [100.0, 500.0, 1500.0, 1600.0], "v2": [2000.0, 2100.0, 2200.0]})
    data = growth_events(study, parse_event("volume:1500"), event_time="visit")
    assert row(data, "v1") == (14.0, 14.0, 14.0, True)
    assert row(data, "v2") == (0.0, 0.0, 0.0, True)
    assert any("1 animal (v2) at the target from the baseline on" in note for note in data.notes)


def test_progression_counts_from_the_lowest_reading_so_far() -> None:
    volumes: Volumes = {
        "d1": [1000.0, 100.0, 110.0, 140.0],
        "d2": [1000.0, 500.0, 400.0, 300.0],
        "d3": [100.0, 130.0, 90.0, 80.0],
    }
    data = growth_events(study_of(volumes), parse_event("progression"), event_time="interval")
    time, lower, upper, event = row(data, "d1")
    # 125 mm³ between 110 on day 14 and 140 on day 21.
    assert time == pytest.approx(14 + 7 * math.log(125 / 110) / math.log(140 / 110))
    assert (lower, upper, event) == (14.0, 21.0, True)
    assert row(data, "d2") == (21.0, 21.0, math.inf, False)
    assert row(data, "d3")[2:] == (7.0, True)


def test_a_nadir_is_seen_once_a_higher_reading_follows() -> None:
    volumes: Volumes = {
        "d1": [1000.0, 400.0, 200.0, 300.0],
        "d2": [1000.0, 500.0, 400.0, 300.0],
        "d3": [100.0, 200.0, 300.0, 400.0],
    }
    data = growth_events(study_of(volumes), parse_event("nadir"), event_time="interval")
    assert row(data, "d1") == (14.0, 7.0, 21.0, True)
    assert row(data, "d2") == (21.0, 21.0, math.inf, False)
    assert row(data, "d3") == (0.0, 0.0, 7.0, True)


def test_animals_without_a_baseline_are_left_out_and_named() -> None:
    volumes: Volumes = {**GROWING, "v3": [None, 100.0, 300.0], "v4": [0.0, 50.0, 90.0]}
    for number in range(5, 13):
        volumes[f"v{number}"] = [100.0, 120.0]
    data = growth_events(study_of(volumes), parse_event("doubling"), event_time="visit")
    assert data.n == len(volumes) - 2
    assert any(
        note.startswith("2 animals (v3, v4) without a usable baseline") for note in data.notes
    )
    first = growth_events(
        study_of(volumes), parse_event("doubling"), event_time="visit", baseline_day="first"
    )
    # Its clock starts with its first reading, on day 7.
    assert row(first, "v3") == (7.0, 7.0, 7.0, True)


def test_an_animal_read_at_the_baseline_only_is_censored_at_time_0_and_named() -> None:
    volumes: Volumes = {**GROWING, "v3": [100.0]}
    data = growth_events(study_of(volumes), parse_event("doubling"))
    assert row(data, "v3") == (0.0, 0.0, math.inf, False)
    assert any("(v3) not followed beyond the baseline" in note for note in data.notes)


def test_a_reason_for_leaving_competes_with_an_event_not_seen_yet() -> None:
    volumes: Volumes = {"v1": GROWING["v1"], "v2": [100.0, 150.0], "v3": [100.0, 150.0]}
    study = study_of(
        volumes,
        reasons={"v1": "found_dead", "v2": "found_dead", "v3": "volume_limit"},
        end_days={"v1": 22.0, "v2": 9.0, "v3": 9.0},
    )
    data = growth_events(study, parse_event("quadrupling"))
    assert data.causes == ("volume at least 4 times the baseline", "found_dead")
    assert data.cause.tolist() == [1, 2, 0]
    assert data.competing.tolist() == [False, True, False]
    # Known without the event on day 7, dead on day 9; the limit censors at the last reading.
    assert row(data, "v2") == (9.0, 7.0, math.inf, False)
    assert row(data, "v3") == (7.0, 7.0, math.inf, False)
    assert "1 animal left for found_dead before the event: a competing event." in data.notes


def test_a_study_may_say_that_leaving_is_the_event() -> None:
    volumes: Volumes = {"v1": GROWING["v1"], "v3": [100.0, 150.0]}
    study = study_of(volumes, reasons={"v3": "volume_limit"}, end_days={"v3": 9.0})
    said: dict[LeavingReason, Any] = {"volume_limit": "event"}
    data = growth_events(study, parse_event("quadrupling"), reasons=said)
    assert row(data, "v3") == (9.0, 7.0, 9.0, True)
    rule = next(rule for rule in data.reasons if rule.reason == "volume_limit")
    assert (rule.role, rule.why) == ("event", "as stated for this analysis")
    visit = growth_events(study, parse_event("quadrupling"), reasons=said, event_time="visit")
    assert row(visit, "v3") == (9.0, 9.0, 9.0, True)


def test_death_follows_from_the_reasons_for_leaving() -> None:
    volumes: Volumes = {f"v{i}": [100.0, 200.0] for i in range(1, 6)}
    study = study_of(
        volumes,
        reasons={
            "v1": "volume_limit",
            "v2": "tumor_related",
            "v3": "toxicity",
            "v4": "found_dead",
            "v5": "scheduled",
        },
        end_days={f"v{i}": 10.0 + i for i in range(1, 6)},
    )
    data = growth_events(study, parse_event("death"))
    assert data.event.tolist() == [True, True, False, False, False]
    assert data.competing.tolist() == [False, False, True, True, False]
    assert data.time.tolist() == [11.0, 12.0, 13.0, 14.0, 15.0]
    assert data.upper.tolist() == [11.0, 12.0, math.inf, math.inf, math.inf]
    assert data.causes == ("volume_limit", "toxicity", "found_dead", "tumor_related")
    toxic = data.of_cause("toxicity")
    assert toxic.event.tolist() == [False, False, True, False, False]
    assert toxic.competing.tolist() == [True, True, False, True, False]
    assert toxic.upper.tolist() == [math.inf, math.inf, 13.0, math.inf, math.inf]
    humane = growth_events(study, parse_event("humane_endpoint"))
    assert humane.event.tolist() == [True, True, True, False, False]


def test_death_without_a_stated_reason_is_flagged() -> None:
    data = growth_events(study_of(GROWING), parse_event("death"))
    assert not data.event.any()
    assert "No reason for leaving is stated: every animal is censored." in data.notes


def test_areas_have_multiples_and_no_volume() -> None:
    study = study_of(GROWING, size="area_mm2")
    data = growth_events(study, parse_event("doubling"), event_time="visit")
    assert row(data, "v1") == (7.0, 7.0, 7.0, True)
    assert data.event_definition == "area at least 2 times the baseline"
    assert any("areas" in note for note in data.notes)
    with pytest.raises(DataError, match=r"expected volumes .*found areas only"):
        growth_events(study, parse_event("volume:1500"))


def test_a_study_without_a_usable_baseline_is_refused() -> None:
    with pytest.raises(DataError, match="at least one animal with a known time"):
        growth_events(study_of({"v1": [0.0, 10.0], "v2": [0.0, 0.0]}), parse_event("doubling"))


def test_the_dictionary_holds_plain_values() -> None:
    found = growth_events(study_of(GROWING), parse_event("quadrupling")).to_dict()
    animals = found["animals"]
    assert isinstance(animals, list)
    assert animals[1]["upper"] is None
    assert animals[0]["cause"] == "volume at least 4 times the baseline"
    assert found["event_time"] == "interval"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("doubling", "multiple", 2.0),
        ("Quadrupling", "multiple", 4.0),
        ("multiple:3", "multiple", 3.0),
        ("volume:1500", "volume", 1500.0),
        ("progression", "progression", 1.25),
        ("progression:1.73", "progression", 1.73),
        ("nadir", "nadir", None),
        ("death", "death", None),
        ("humane_endpoint", "humane_endpoint", None),
    ],
)
def test_words_for_events_are_read_and_written(text: str, kind: str, value: float | None) -> None:
    event = parse_event(text)
    assert (event.kind, event.value) == (kind, value)
    assert parse_event(str(event)) == event


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tripling", "expected an event: doubling, quadrupling"),
        ("", "expected an event: doubling, quadrupling"),
        ("multiple", r"a number behind 'multiple'.*write multiple:NUMBER"),
        ("volume:", "expected an event: doubling"),
        ("volume:big", "a number behind 'volume:', found 'big'"),
        ("volume:0", "volume in mm³ above 0"),
        ("volume:nan", "volume in mm³ above 0"),
        ("multiple:1", "multiple above 1"),
        ("multiple:inf", "multiple above 1"),
        ("death:3", "expected an event"),
    ],
)
def test_other_words_are_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_event(text)
    assert "\n" not in str(caught.value)


def test_choices_outside_the_closed_lists_are_refused() -> None:
    with pytest.raises(InputError, match="'nadir' without a number"):
        EventDefinition(kind="nadir", value=2.0)
    wrong: dict[Any, Any] = {"bored": "event"}
    with pytest.raises(InputError, match="a reason for leaving"):
        reason_rules("death", wrong)
    wrong = {"toxicity": "maybe"}
    with pytest.raises(InputError, match="what leaving for 'toxicity' means"):
        reason_rules("death", wrong)
    when: Any = "sometimes"
    with pytest.raises(InputError, match="what the time of an event is"):
        growth_events(study_of(GROWING), parse_event("doubling"), event_time=when)
    with pytest.raises(InputError, match="expected a cause"):
        growth_events(study_of(GROWING), parse_event("doubling")).of_cause("rain")


def test_every_kind_of_event_knows_every_reason() -> None:
    for rules in REASONS.values():
        assert [rule.reason for rule in rules] == list(get_args(LeavingReason))


def test_data_that_do_not_fit_each_other_are_refused() -> None:
    data = growth_events(study_of(GROWING), parse_event("doubling"))
    with pytest.raises(DataError, match="animal v1: expected 0 ≤ entry ≤ time"):
        replace(data, entry=data.time + 1)
    with pytest.raises(DataError, match=r"as many values as animals \(2\)"):
        replace(data, time=np.array([1.0]))
    with pytest.raises(DataError, match="lower ≤ upper"):
        replace(data, lower=data.upper + 1)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("genentech_gdc0084_temozolomide", "genentech_gdc0084_temozolomide/growth.csv"),
        ("genentech_vismodegib", "genentech_vismodegib/growth.csv"),
        ("invivosyn_combos.LS_1034", "invivosyn_combos/LS_1034.csv"),
        ("invivosyn_combos.SW837", "invivosyn_combos/SW837.csv"),
        ("iowa_melanoma_a375", "iowa_melanoma_a375/growth.csv"),
        ("kroemer_antibody_genotype", "kroemer_antibody_genotype/growth.csv"),
        ("kroemer_mtx_caloric", "kroemer_mtx_caloric/growth.csv"),
        ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv"),
        ("synergylmm_example.webapp_example", "synergylmm_example/webapp_example.csv"),
    ],
)
def test_visits_counts_and_arms_of_every_animal_agree_with_the_reference(
    name: str,
    file: str,
    shared_data: Callable[[str], Path],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    (study,) = read_study(shared_data(file))
    for multiple in (2.0, 4.0):
        section = shared_reference(name)["sections"][f"11_time_to_{multiple:g}x"]
        expected = section["results"]["per_animal"]
        event = EventDefinition(kind="multiple", value=multiple)
        data = growth_events(study, event, event_time="visit", baseline_day="first")
        place = {animal: i for i, animal in enumerate(expected["animal_id"])}
        assert set(place) == set(data.animal_ids)
        order = [place[animal] for animal in data.animal_ids]
        assert data.time == pytest.approx(np.array(expected["time"], dtype=float)[order])
        assert data.event.tolist() == [expected["event"][i] == 1 for i in order]
        assert [data.arms[i] for i in data.arm] == [expected["g"][i] for i in order]
        # The bracket holds the point, and ends with the visit.
        bracket = growth_events(study, event, baseline_day="first")
        seen = bracket.event
        assert bracket.upper[seen] == pytest.approx(data.time[seen])
        assert (bracket.lower <= bracket.time).all()
        assert (bracket.time <= bracket.upper).all()


@pytest.mark.realdata
def test_doublings_of_the_encyclopedia_agree_with_the_reference(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    results = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]
    expected = results["per_animal"]
    ours: dict[str, tuple[float, bool]] = {}
    for study in keep_arms(read_study(shared_data("pdxe/growth.csv")), sorted({*expected["g"]})):
        data = growth_events(
            study, parse_event("doubling"), event_time="visit", baseline_day="first"
        )
        ours |= {
            name: (float(time), bool(event))
            for name, time, event in zip(data.animal_ids, data.time, data.event, strict=True)
        }
    theirs = {
        name: (float(time), event == 1)
        for name, time, event in zip(
            expected["animal_id"], expected["time"], expected["event"], strict=True
        )
    }
    assert ours.keys() == theirs.keys()
    # One animal was first read on day 29: our clock starts there, theirs on day 0.
    assert ours.pop("X-2042|binimetinib|1") == (6.0, False)
    assert theirs.pop("X-2042|binimetinib|1") == (29.0 + 6.0, False)
    assert ours == theirs
    assert len(ours) == 940
