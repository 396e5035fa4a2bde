"""Body weight with and without the tumor, toxic deaths, and doses left out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest

from oncovivo.endpoints.tolerability import compute_tolerability
from oncovivo.errors import DataError
from oncovivo.studies import Study

CURVE = [(0, 200), (7, 1000), (14, 2200)]


def test_a_growing_tumor_hides_a_loss_of_body_weight(make_study: Callable[..., Study]) -> None:
    study = make_study({"drug": [CURVE]}, weights={"drug1": [20.2, 18.5, 18.2]})
    animal = compute_tolerability(study).animals[0]
    # With the tumor 18.2/20.2; without it 16.0/20.0.
    assert animal.raw.nadir_pct == pytest.approx(100 * (18.2 / 20.2 - 1))
    assert animal.net.nadir_pct == pytest.approx(-20.0)
    assert (animal.raw.loss_15_day, animal.net.loss_15_day, animal.net.loss_20_day) == (
        None,
        14.0,
        14.0,
    )
    assert "lost 20 % of body weight net of the tumor by day 14" in animal.reason
    assert "left on day 14 for another reason: unknown" in animal.reason


def test_a_vanishing_tumor_is_no_loss_of_body_weight(make_study: Callable[..., Study]) -> None:
    study = make_study(
        {"drug": [[(0, 2000), (7, 100), (14, 0)]]}, weights={"drug1": [22.0, 20.1, 20.0]}
    )
    animal = compute_tolerability(study).animals[0]
    assert animal.raw.nadir_pct == pytest.approx(100 * (20 / 22 - 1))
    assert animal.net.nadir_pct == pytest.approx(0.0)


def test_losses_have_their_first_day_and_the_nadir_its_own(
    make_study: Callable[..., Study],
) -> None:
    curve = [(0, 200), (3, 210), (7, 220), (10, 200), (14, 190)]
    study = make_study({"drug": [curve]}, weights={"drug1": [20, 17, 15.9, 16, 19]})
    raw = compute_tolerability(study).animals[0].raw
    assert (raw.loss_15_day, raw.loss_20_day, raw.nadir_day) == (3.0, 7.0, 7.0)
    assert raw.nadir_pct == pytest.approx(-20.5)
    assert raw.end_pct == pytest.approx(-5.0)


def test_toxic_deaths_are_joined_to_the_reasons_for_leaving(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(
        {"drug": [CURVE, CURVE, CURVE, CURVE], "vehicle": [CURVE]},
        reasons={"drug1": "toxicity", "drug2": "body_weight_loss", "drug3": "volume_limit"},
        weights={"drug2": [20, 17, 15]},
    )
    result = compute_tolerability(study)
    drug = result.arms[0]
    assert (drug.toxic_deaths.k, drug.toxic_deaths.n) == (2, 4)
    assert drug.left == {"body_weight_loss": 1, "toxicity": 1, "unknown": 1, "volume_limit": 1}
    assert (drug.n_weighed, drug.n_loss_20, drug.status) == (1, 1, "flagged")
    assert result.arms[1].status == "not_estimable"
    assert [a.toxic for a in result.animals] == [True, True, False, False, False]


def test_doses_of_the_arm_that_an_animal_did_not_get_are_a_holiday(
    make_study: Callable[..., Study],
) -> None:
    study = make_study({"drug": [CURVE, CURVE]})
    given = [("drug1", d, 10.0) for d in range(15)]
    given += [("drug2", d, 0.0 if d == 6 else 10.0) for d in range(15) if d not in (7, 8, 12)]
    doses = pd.DataFrame(given, columns=["animal_id", "day", "dose_mg_per_kg"])
    doses["compound"] = "A"
    full, missed = compute_tolerability(study, doses=doses).animals
    assert full.holidays == ()
    assert [(h.first_day, h.last_day, h.n_doses) for h in missed.holidays] == [
        (6, 8, 3),
        (12, 12, 1),
    ]
    assert "3 doses of A left out from day 6 to 8" in missed.reason


def test_doses_after_an_animal_left_are_no_holiday(make_study: Callable[..., Study]) -> None:
    study = make_study({"drug": [CURVE, CURVE[:2]]})
    rows = [(f"drug{i}", float(d), "A", 5.0) for i in (1, 2) for d in range(0, 15, 7) if d < 8]
    rows.append(("drug1", 14.0, "A", 5.0))
    doses = pd.DataFrame(rows, columns=["animal_id", "day", "compound", "dose_mg_per_kg"])
    assert all(not a.holidays for a in compute_tolerability(study, doses=doses).animals)


def test_doses_without_a_column_or_of_strangers_are_refused(
    make_study: Callable[..., Study],
) -> None:
    study = make_study({"drug": [CURVE]})
    doses = pd.DataFrame({"animal_id": ["x"], "day": [0.0], "compound": ["A"]})
    with pytest.raises(DataError, match="a column dose_mg_per_kg"):
        compute_tolerability(study, doses=doses)
    with pytest.raises(DataError, match="doses of animals of the study"):
        compute_tolerability(study, doses=doses.assign(dose_mg_per_kg=1.0))


def test_a_study_without_weights_says_so(make_study: Callable[..., Study]) -> None:
    result = compute_tolerability(make_study({"drug": [CURVE]}))
    assert result.notes[0] == "No body weight was recorded."
    assert result.animals[0].status == "not_estimable"
    json.dumps(result.to_dict(), allow_nan=False)
    assert {"raw_nadir_pct", "net_nadir_pct"} <= set(result.to_frame().columns)
    assert "1 animals, 0 lost 20 %" in result.summary()
