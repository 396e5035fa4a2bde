"""The table of endpoints: contract, flags, areas, small arms, options, seeds, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest

from oncovivo.endpoints import (
    ENDPOINTS,
    EndpointEstimate,
    EndpointOptions,
    compute_endpoints,
    find_definition,
)
from oncovivo.errors import DataError, InputError
from oncovivo.studies import Study, read_study
from oncovivo.studies.leaving import exclude_animals
from tests.endpoints.conftest import MakeTable, Readings, make_study

DAYS = (0, 4, 8, 12, 16, 20)


def exponential(n: int = 5, *, control: float = 0.12, treated: float = 0.05) -> Readings:
    """Two arms of exponential growth with a little spread."""
    animals: Readings = {
        f"{arm[0]}{i}": (
            arm,
            {day: (140 + 5 * i) * math.exp((rate + 0.004 * (i % 3)) * day) for day in DAYS},
        )
        for arm, rate in (("vehicle", control), ("drug", treated))
        for i in range(n)
    }
    return animals


def leave(readings: Readings, *, limit: float) -> Readings:
    """The readings, each animal last seen with its first volume at or above the limit."""
    result = {}
    for animal, (arm, volumes) in readings.items():
        kept: dict[float, float | str] = {}
        for day, volume in volumes.items():
            kept[day] = volume
            if cast("float", volume) >= limit:
                break
        result[animal] = (arm, kept)
    return result


def test_every_definition_is_in_the_table_once_for_each_arm(table: MakeTable) -> None:
    made = table(make_study(exponential()))
    targets = ("2x", "4x", "1000mm3")
    for scope, arm in (("arm", "vehicle"), ("arm", "drug"), ("contrast", "drug")):
        names = [
            definition.name.replace("{target}", target)
            for definition in ENDPOINTS
            if definition.scope == scope
            for target in (targets if "{target}" in definition.name else ("",))
        ]
        versus = "vehicle" if scope == "contrast" else None
        rows = [r.endpoint for r in made.endpoints if (r.arm, r.versus) == (arm, versus)]
        assert sorted(rows) == sorted(names)
    assert not [r for r in made.endpoints if r.arm == "vehicle" and r.versus]


def test_names_lead_back_to_their_definitions() -> None:
    assert find_definition("growth_delay_4x").unit == "day"
    assert find_definition("growth_delay_1000mm3_pct").unit == "%"
    with pytest.raises(InputError, match="name of an endpoint"):
        find_definition("growth_delay_pct")


def test_the_table_as_json_has_the_keys_of_the_contract(table: MakeTable) -> None:
    made = table(make_study(exponential())).to_dict()
    assert {"study", "baseline_day", "arms", "endpoints", "animals"} <= made.keys()
    text = json.dumps(made, allow_nan=False)
    rows = json.loads(text)["endpoints"]
    keys = {
        "arm",
        "endpoint",
        "day",
        "estimate",
        "lower",
        "upper",
        "level",
        "n_treated",
        "n_control",
        "method",
        "status",
        "reason",
    }
    for row in rows:
        assert keys <= row.keys()
        assert (row["status"] == "ok") == (row["reason"] == "")
        assert (row["estimate"] is None) == (
            row["status"] in ("undefined", "not_reached", "not_estimable")
        )
        assert (row["greater_than"] is not None) == (row["status"] == "not_reached")
        assert (row["method"] == "none") == (row["lower"] is None and row["upper"] is None) or (
            row["status"] == "unbounded"
        )
        if row["lower"] is not None and row["upper"] is not None:
            assert row["lower"] <= row["estimate"] <= row["upper"]


def test_the_frame_and_the_summary_say_the_same(table: MakeTable) -> None:
    made = table(make_study(exponential()))
    frame = made.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == len(made.endpoints)
    assert made.summary() == (
        "data frame: 2 arms, control 'vehicle', baseline day 0 (first day with enough animals; "
        "10 of 10 animals), endpoints on day 20 (last day with enough animals; at least 100% of "
        "each arm measured)"
    )


def test_the_named_day_is_used_and_stored(table: MakeTable) -> None:
    made = table(make_study(exponential()), day=12.0)
    assert (made.day_choice.day, made.day_choice.rule) == (12, "option")
    assert made.of("drug", "tgi_delta").day == 12
    assert made.of("drug", "growth_rate").day == 12
    assert (
        made.of("drug", "tgi_delta").estimate
        != table(make_study(exponential())).of("drug", "tgi_delta").estimate
    )


def test_fixed_day_means_are_flagged_once_animals_have_left(table: MakeTable) -> None:
    nobody = table(make_study(leave(exponential(), limit=900)), day=20.0)
    assert nobody.of("drug", "tgi_volume").status == "not_estimable"
    whole = table(make_study(leave(exponential(), limit=1000)), day=20.0)
    survivor = whole.of("drug", "tgi_volume")
    left = next(share for share in whole.day_choice.shares if share.arm == "vehicle")
    assert 0 < left.n_at_risk < 5
    assert survivor.status == "flagged"
    assert f"{5 - left.n_at_risk} of 5 animals of 'vehicle' left before day 20" in survivor.reason
    # Rates use what was seen of those that left, and are not flagged for it.
    assert whole.of("drug", "tgi_rate").n_control == 5
    assert whole.of("drug", "tgi_rate").status == "ok"


def test_a_minority_that_remains_is_said(table: MakeTable) -> None:
    readings = exponential()
    short = {
        animal: (arm, {d: v for d, v in volumes.items() if d <= (20 if animal == "v0" else 12)})
        for animal, (arm, volumes) in readings.items()
    }
    row = table(make_study(short), day=20.0).of("vehicle", "relative_volume_geometric")
    assert (row.n_treated, row.status) == (1, "flagged")
    assert "fewer than half remain" in row.reason


def test_below_five_animals_only_fieller_and_t_are_used(table: MakeTable) -> None:
    made = table(make_study(exponential(4)))
    methods = {row.method for row in made.endpoints}
    assert methods <= {"fieller", "log_delta_t", "log_t", "t", "welch_t", "none"}
    assert "bootstrap_t" in {row.method for row in table(make_study(exponential(5))).endpoints}


def test_one_animal_per_arm_gives_numbers_without_intervals(table: MakeTable) -> None:
    made = table(make_study(exponential(1)), day=20.0)
    row = made.of("drug", "tgi_delta")
    assert row.estimate is not None
    assert (row.lower, row.upper, row.status) == (None, None, "flagged")
    assert "no interval" in row.reason


def test_without_a_day_the_fixed_day_endpoints_say_so_and_the_rates_exist(
    table: MakeTable,
) -> None:
    made = table(make_study(exponential(2)))
    row = made.of("drug", "tgi_delta")
    assert (row.estimate, row.day, row.status) == (None, None, "undefined")
    assert "name the day" in row.reason
    assert made.of("drug", "tgi_rate").estimate is not None
    assert any("name the day" in note for note in made.notes)


def test_an_arm_that_limits_the_day_is_named(table: MakeTable) -> None:
    readings = dict(exponential())
    for animal in ("d0", "d1"):
        arm, volumes = readings[animal]
        readings[animal] = (arm, {d: v for d, v in volumes.items() if d <= 8})
    made = table(make_study(readings))
    assert made.day_choice.day == 8
    assert any("too few were measured of 'drug' (3 of 5)" in note for note in made.notes)


def test_areas_give_rates_and_leave_volume_endpoints_undefined(table: MakeTable) -> None:
    rows = [
        (animal, arm, day, volume)
        for animal, (arm, volumes) in exponential().items()
        for day, volume in volumes.items()
    ]
    frame = pd.DataFrame(rows, columns=["animal_id", "treatment", "day", "area_mm2"])
    made = table(Study.from_frame(frame))
    for row in made.endpoints:
        if find_definition(row.endpoint).on_areas:
            assert row.estimate is not None
            assert "from areas, not volumes" in row.reason
        else:
            assert (row.estimate, row.status, row.reason) == (None, "undefined", "area only")
    assert not made.tests


def test_the_days_of_treatment_come_from_the_regimen_or_the_option(
    tmp_path: Path, table: MakeTable
) -> None:
    study = make_study(exponential(treated=0.08))
    silent = table(study).of("drug", "log10_cell_kill_net_2x")
    assert (silent.status, silent.reason) == (
        "undefined",
        "the duration of treatment of 'drug' is not stated",
    )
    gross = table(study).of("drug", "log10_cell_kill_gross_2x").estimate
    stated = EndpointOptions(draws=200, treatment_days={"drug": 3.0})
    net = table(study, options=stated).of("drug", "log10_cell_kill_net_2x").estimate
    rate = table(study).of("vehicle", "growth_rate").estimate
    assert gross is not None
    assert net is not None
    assert rate is not None
    assert net == pytest.approx(gross - 3 * rate / math.log(10))
    lines = ["animal_id,arm,day,volume_mm3"]
    for animal, (arm, volumes) in exponential(treated=0.08).items():
        lines += [f"{animal},{arm},{day},{volume}" for day, volume in volumes.items()]
    (tmp_path / "measurements.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "study.toml").write_text(
        'title = "t"\n[line]\nname = "x"\n[[arm]]\nname = "vehicle"\nrole = "vehicle"\n'
        '[[arm]]\nname = "drug"\nrole = "monotherapy"\nregimen = "drug 2 mg/kg iv qd x4"\n',
        encoding="utf-8",
    )
    folder = table(read_study(tmp_path)[0]).of("drug", "log10_cell_kill_net_2x").estimate
    assert folder == pytest.approx(net)


def test_other_targets_are_an_option(table: MakeTable) -> None:
    options = EndpointOptions(draws=200, multiples=(3.0,), volumes_mm3=())
    names = [r.endpoint for r in table(make_study(exponential()), options=options).endpoints]
    assert [name for name in names if name.startswith("time_to")] == ["time_to_3x"] * 2


def test_the_same_seed_gives_the_same_table_and_another_seed_another_bootstrap() -> None:
    readings = dict(exponential())
    readings["d4"] = ("drug", {day: 150 * math.exp(0.15 * day) for day in DAYS})
    study = make_study(readings)
    options = EndpointOptions(draws=200)

    def upper(seed: int) -> float | None:
        made = compute_endpoints(
            study, control="vehicle", rng=np.random.default_rng(seed), options=options
        )
        return made.of("drug", "relative_volume_mean_of_ratios").upper

    assert upper(1) == upper(1) != upper(2)


def test_a_wider_level_gives_wider_intervals(table: MakeTable) -> None:
    study = make_study(exponential(8))
    for endpoint in ("tgi_delta", "t_over_c", "growth_delay_2x", "growth_rate"):
        wide, narrow = (table(study, level=level).of("drug", endpoint) for level in (0.95, 0.8))
        assert width(wide) > width(narrow)


def width(row: EndpointEstimate) -> float:
    assert row.upper is not None
    assert row.lower is not None
    return row.upper - row.lower


def test_animals_carry_their_own_endpoints(table: MakeTable) -> None:
    made = table(make_study(exponential()))
    first = made.animals[0]
    assert (first.animal_id, first.growth, first.n_readings) == ("v0", "growing", 6)
    assert first.growth_rate == pytest.approx(0.12)
    assert first.doubling_time == pytest.approx(math.log(2) / 0.12)
    event = first.events[0]
    assert event.target == "2x"
    assert event.time == pytest.approx(math.log(2) / 0.12)
    assert (event.lower, event.upper) == (4, 8)


@pytest.mark.parametrize(
    ("choices", "error", "match"),
    [
        ({"control": "placebo"}, InputError, "an arm of the study: vehicle, drug"),
        ({"level": 1.0}, InputError, "level of confidence"),
        ({"level": 0.3}, InputError, "level of confidence"),
        ({"day": 3.0}, DataError, "a day with readings after the baseline"),
        ({"baseline_day": 3.0}, DataError, "a baseline day with readings"),
    ],
)
def test_what_cannot_be_computed_is_one_clear_error(
    choices: dict[str, object],
    error: type[Exception],
    match: str,
    table: Callable[..., object],
) -> None:
    with pytest.raises(error, match=match):
        table(make_study(exponential()), **choices)


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="at least 200 draws"):
        EndpointOptions(draws=10)
    with pytest.raises(InputError, match="days of treatment of 0 or more for arm 'drug'"):
        EndpointOptions(treatment_days={"drug": -1.0})


def test_an_unknown_row_of_the_table_is_refused(table: MakeTable) -> None:
    with pytest.raises(InputError, match="an arm and an endpoint of the table"):
        table(make_study(exponential())).of("drug", "tgi")


def test_the_table_carries_who_is_left_on_every_day(table: MakeTable) -> None:
    made = table(make_study(leave(exponential(), limit=1000)), day=12.0)
    control = [row for row in made.at_risk.rows if row.arm == "vehicle"]
    assert [row.day for row in control] == [0, 4, 8, 12, 16, 20]
    assert [row.n_at_risk for row in control][:4] == [5, 5, 5, 5]
    assert control[-1].n_at_risk < 5


def test_excluded_animals_enter_nothing_and_are_named(table: MakeTable) -> None:
    study = exclude_animals(make_study(exponential(6)), ["d0"], "no tumor took")
    made = table(study)
    assert made.of("drug", "tgi_delta").n_treated == 5
    assert "Excluded from every endpoint: d0 (no tumor took)." in made.notes


def test_an_animal_of_a_study_of_areas_has_rates_and_nothing_of_volumes() -> None:
    frame = pd.DataFrame(
        [
            {"animal_id": f"{arm}{n}", "treatment": arm, "day": day, "area_mm2": 50 + 5 * n + day}
            for arm in ("Vehicle", "Drug")
            for n in range(4)
            for day in (0, 7, 14)
        ]
    )
    study = Study.from_frame(frame)
    table = compute_endpoints(study, control="Vehicle", rng=np.random.default_rng(1))
    for animal in table.animals:
        assert animal.growth_rate is not None
        assert animal.egr is not None
        assert animal.events == ()
        assert (animal.doubling_time, animal.auc, animal.best_change_pct) == (None, None, None)
