"""No breach without an alert, for every quantity that a rule may speak of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
import pytest

from oncovivo.design.endpoint_rules import (
    EndpointProfile,
    EndpointRule,
    Quantity,
    evaluate_rules,
)
from oncovivo.studies import Study, StudyTables

# Three tumors, of which the first two are in one animal.
TUMORS = ("m0", "m1", "m2")
HOSTS = {"H": ("m0", "m1")}


class Reading(NamedTuple):
    """What is known of a tumor and its animal on a day."""

    volume: int | None
    weight: float | None
    length: float
    width: float | None
    score: int | None


LIMITS: dict[Quantity, tuple[int, int]] = {
    "volume": (30, 3500),
    "total_volume": (30, 6000),
    "diameter": (3, 24),
    "burden_pct": (1, 30),
    "weight_loss_pct": (1, 40),
    "net_weight_loss_pct": (1, 40),
    "body_condition": (1, 4),
    "ulcer_grade": (1, 4),
}


def series(rng: np.random.Generator) -> list[Reading]:
    """One to five readings with gaps; volume and weight of the first are there."""
    found = []
    for number in range(int(rng.integers(1, 6))):
        known = rng.random(4) < 0.7
        first = number == 0
        found.append(
            Reading(
                volume=int(rng.integers(20, 4000)) if known[0] or first else None,
                weight=round(float(rng.uniform(12, 30)), 1) if known[1] or first else None,
                length=round(float(rng.uniform(2, 25)), 1),
                width=round(float(rng.uniform(2, 25)), 1) if known[2] else None,
                score=int(rng.integers(1, 6)) if known[3] else None,
            )
        )
    return found


def built(quantity: Quantity, animals: Sequence[Sequence[Reading]]) -> Study:
    """The study of the readings, with the columns that the quantity needs."""
    rows, scores = [], []
    for name, readings in zip(TUMORS, animals, strict=True):
        for number, reading in enumerate(readings):
            row: dict[str, object] = {
                "animal_id": name, "treatment": "vehicle", "day": 4.0 * number,
            }  # fmt: skip
            if quantity == "diameter":
                row |= {"length_mm": reading.length, "width_mm": reading.width}
            else:
                row |= {"volume_mm3": reading.volume, "body_weight_g": reading.weight}
            rows.append(row)
            if reading.score is not None:
                scores.append(
                    {
                        "animal_id": name,
                        "day": 4.0 * number,
                        "event": quantity,
                        "detail": str(reading.score),
                    }
                )
    study = Study.from_frame(pd.DataFrame(rows))
    if quantity not in ("body_condition", "ulcer_grade"):
        return study
    columns = ["animal_id", "day", "event", "detail"]
    events = pd.DataFrame(scores, columns=columns).astype(
        {"animal_id": str, "day": float, "event": str, "detail": str}
    )
    return replace(study, tables=StudyTables(events=events), table=study.measurements)


def values(
    quantity: Quantity, animals: Sequence[Sequence[Reading]]
) -> dict[str, list[tuple[float, float]]]:
    """Day and value of each animal, straight from what the quantities are said to be."""
    if quantity not in ("total_volume", "burden_pct"):
        return {name: alone(quantity, own) for name, own in zip(TUMORS, animals, strict=True)}
    return {"H": hosted(quantity, animals[:2]), TUMORS[2]: alone(quantity, animals[2])}


def hosted(quantity: Quantity, tumors: Sequence[Sequence[Reading]]) -> list[tuple[float, float]]:
    """Both tumors of an animal together, each with its latest reading."""
    found: list[tuple[float, float]] = []
    latest: dict[int, int] = {}
    for number in range(max(len(readings) for readings in tumors)):
        read = [
            (tumor, readings[number])
            for tumor, readings in enumerate(tumors)
            if number < len(readings)
        ]
        new = {tumor: r.volume for tumor, r in read if r.volume is not None}
        latest |= new
        # Both rows are of one animal: the second tumor's weight is the one that stays.
        weights = [r.weight for _, r in read if r.weight is not None]
        total = float(sum(latest.values()))
        if new and quantity == "total_volume":
            found.append((4.0 * number, total))
        elif new and weights:
            found.append((4.0 * number, burden(total, weights[-1])))
    return found


def burden(volume: float, weight: float) -> float:
    """Percent of the animal without its tumor; of the whole where nothing would be left."""
    mass = volume / 1000
    return 100 * mass / (weight - mass if weight > mass else weight)


def alone(quantity: Quantity, readings: Sequence[Reading]) -> list[tuple[float, float]]:
    """The only tumor of an animal."""
    first = readings[0]
    assert first.volume is not None
    assert first.weight is not None
    found: list[tuple[float, float]] = []
    for number, r in enumerate(readings):
        value: float | None = None
        if quantity in ("volume", "total_volume"):
            value = r.volume
        elif quantity == "diameter":
            value = max(r.length, r.width or 0.0)
        elif quantity in ("body_condition", "ulcer_grade"):
            value = r.score
        elif r.weight is not None and quantity == "weight_loss_pct" and number:
            value = 100 * (1 - r.weight / first.weight)
        elif r.weight is not None and r.volume is not None and quantity == "burden_pct":
            value = burden(r.volume, r.weight)
        elif (
            quantity == "net_weight_loss_pct"
            and r.weight is not None
            and r.volume is not None
            and number
        ):
            start = first.weight - first.volume / 1000
            value = 100 * (1 - (r.weight - r.volume / 1000) / start)
        if value is not None:
            found.append((4.0 * number, float(value)))
    return found


@pytest.mark.parametrize("quantity", get_args(Quantity))
def test_no_breach_goes_without_an_alert(quantity: Quantity) -> None:
    seen = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        animals = [series(rng) for _ in TUMORS]
        limit, readings = float(rng.integers(*LIMITS[quantity])), 1 + seed % 2
        expected = breaches(quantity, animals, limit=limit, readings=readings)
        watch = evaluate_rules(
            built(quantity, animals),
            EndpointProfile(
                rules=(
                    EndpointRule(name="rule", quantity=quantity, limit=limit, readings=readings),
                ),
                hosts=HOSTS if quantity in ("total_volume", "burden_pct") else {},
            ),
            baseline_day=None if quantity == "diameter" else 0.0,
        )
        found = {(alert.animal_id, alert.day): alert.value for alert in watch.alerts}
        assert found.keys() == expected.keys(), seed
        for key, value in expected.items():
            # Both are a few operations on the same numbers.
            assert math.isclose(found[key], value, rel_tol=1e-9, abs_tol=1e-9)
        seen += len(found)
    assert seen > 10


def breaches(
    quantity: Quantity, animals: Sequence[Sequence[Reading]], *, limit: float, readings: int
) -> dict[tuple[str, float], float]:
    """Value of each reading that ends a run of enough of them at the limit."""
    found = {}
    for name, known in values(quantity, animals).items():
        run = 0
        for day, value in known:
            low = quantity == "body_condition"
            # Rounding of a quotient must not decide whether a value is at the limit.
            at = value <= limit if low else value >= limit * (1 - 1e-9)
            run = run + 1 if at else 0
            if run >= readings:
                found[name, day] = value
    return found
