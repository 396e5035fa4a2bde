"""What must not change an endpoint: order, labels, units, the day on which the clock starts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oncovivo.endpoints import EndpointOptions, EndpointTable, compute_endpoints
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.endpoints.tgi import tgi_delta
from oncovivo.studies import Study
from tests.endpoints.conftest import make_arm

SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAYS = (0.0, 5.0, 9.0, 15.0)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Long tables of two arms, with leavers."""
    rows = []
    for arm in ("vehicle", "drug"):
        for i in range(draw(st.integers(3, 6))):
            last = draw(st.integers(2, 4))
            rate = draw(st.floats(-0.05, 0.2))
            for day in DAYS[:last]:
                noise = draw(st.floats(0.8, 1.25))
                rows.append((f"{arm}{i}", arm, day, round(120 * math.exp(rate * day) * noise, 3)))
    return pd.DataFrame(rows, columns=["animal_id", "treatment", "day", "volume_mm3"])


def compute(frame: pd.DataFrame, control: str = "vehicle", **units: str) -> EndpointTable:
    return compute_endpoints(
        Study.from_frame(frame, units=units or None),
        control=control,
        rng=np.random.default_rng(5),
        options=EndpointOptions(draws=200),
    )


def numbers(
    table: EndpointTable, arms: dict[str, str] | None = None
) -> dict[tuple[str, str], list[float]]:
    names = arms or {}
    return {
        (names.get(row.arm, row.arm), row.endpoint): [
            math.nan if value is None else value
            for value in (row.estimate, row.lower, row.upper, row.greater_than)
        ]
        for row in table.endpoints
    }


def assert_same(first: EndpointTable, second: EndpointTable, **names: str) -> None:
    ours, theirs = numbers(first), numbers(second, names)
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        assert theirs[key] == pytest.approx(values, rel=1e-6, abs=1e-9, nan_ok=True), key


@SLOW
@given(frames(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(frame: pd.DataFrame, random: object) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)  # type: ignore[attr-defined]  # a random.Random
    shuffled = frame.iloc[order].reset_index(drop=True)
    first, second = compute(frame), compute(shuffled)
    assert_same(first, second)
    assert first.tests[0].p_value == second.tests[0].p_value
    assert first.tests[0].statistic == pytest.approx(second.tests[0].statistic)


@SLOW
@given(frames())
def test_the_labels_of_arms_and_animals_change_nothing(frame: pd.DataFrame) -> None:
    renamed = frame.assign(
        treatment=frame["treatment"].map({"vehicle": "zz", "drug": "aa"}),
        animal_id="x" + frame["animal_id"].str[::-1],
    )
    assert_same(compute(frame), compute(renamed, control="zz"), zz="vehicle", aa="drug")


@SLOW
@given(frames())
def test_cubic_centimeters_change_nothing(frame: pd.DataFrame) -> None:
    small = frame.assign(volume_mm3=frame["volume_mm3"] / 1000)
    assert_same(compute(frame), compute(small, volume_mm3="cm³"))


@SLOW
@given(frames(), st.integers(-30, 30))
def test_another_first_day_moves_days_and_changes_no_number(
    frame: pd.DataFrame, offset: int
) -> None:
    moved = compute(frame.assign(day=frame["day"] + offset))
    here = compute(frame)
    assert_same(here, moved)
    for first, second in zip(here.endpoints, moved.endpoints, strict=True):
        assert (first.day is None) == (second.day is None)
        if first.day is not None and second.day is not None:
            assert second.day == first.day + offset


@SLOW
@given(frames(), st.floats(0.01, 50))
def test_a_common_factor_changes_no_ratio_and_no_rate(frame: pd.DataFrame, factor: float) -> None:
    here = numbers(compute(frame))
    there = numbers(compute(frame.assign(volume_mm3=frame["volume_mm3"] * factor)))
    # Absolute volumes scale, targets in mm³ do not, and KuLGaP's offset has a unit.
    fixed = [
        key
        for key in here
        if "mm3" not in key[1] and key[1] not in ("auc", "normalized_auc", "tgi_kulgap")
    ]
    assert len(fixed) > 30
    for key in fixed:
        assert there[key] == pytest.approx(here[key], rel=1e-6, abs=1e-9, nan_ok=True), key


@given(st.lists(st.floats(50, 500), min_size=2, max_size=8), st.floats(-0.5, 0.5))
def test_tgi_delta_is_full_exactly_when_the_treated_mean_returns_to_its_baseline(
    starts: list[float], shift: float
) -> None:
    control = make_arm([[100, 400], [120, 500], [90, 300]], (0.0, 9.0), name="vehicle")
    options = IntervalSettings(level=0.95, draws=200, seed=1)

    def inhibition(factor: float) -> float:
        # The animals change places, so each changes and their mean changes by the factor.
        pairs = zip(starts, reversed(starts), strict=True)
        treated = make_arm([[start, end * factor] for start, end in pairs], (0.0, 9.0))
        estimate = tgi_delta(treated, control, options, day=9).estimate
        assert estimate is not None
        return estimate

    assert inhibition(1.0) == pytest.approx(1.0, abs=1e-12)
    if abs(shift) > 1e-6:
        assert (inhibition(1 + shift) < 1) == (shift > 0)
