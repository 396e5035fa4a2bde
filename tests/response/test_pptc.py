"""PPTC categories, events and group responses by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oncovivo.endpoints.pptc import (
    PptcCategory,
    classify_pptc,
    event_days,
    group_category,
    pptc_courses,
)
from oncovivo.errors import InputError


def category(
    volumes: Sequence[float], *, median: float | None = 14.0, beyond: float = math.nan
) -> PptcCategory | None:
    day = 7.0 * np.arange(len(volumes), dtype=np.float64)[None, :]
    course = pptc_courses(day, np.array([volumes], dtype=np.float64))
    return classify_pptc(course, control_median=median, control_beyond=beyond)[0]


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ([300, 500, 1200, 2400], "PD1"),
        ([300, 400, 500, 700, 1300], "PD2"),
        ([300, 350, 380], "PD2"),
        ([300, 350, 375], "SD"),
        ([300, 200, 320], "SD"),
        ([300, 150, 900], "PR"),
        ([300, 99, 900], "CR"),
        ([300, 100, 900], "PR"),
        ([300, 150, 99], "MCR"),
        ([300, 0, 0], "MCR"),
        ([300, 0, 200], "CR"),
    ],
)
def test_each_category_by_hand(volumes: list[float], expected: str) -> None:
    assert category(volumes) == expected


def test_drap_never_assigns_a_complete_response_and_we_do() -> None:
    # A tumor down to 10 mm³ is "PR" there.
    assert category([300, 120, 10, 150]) == "CR"
    assert category([300, 120, 10, 10]) == "MCR"


def test_a_tumor_that_begins_below_the_limit_is_complete_only_when_it_vanishes() -> None:
    assert category([60, 55, 58]) == "SD"
    assert category([60, 20, 50]) == "PR"
    assert category([60, 0, 50]) == "CR"


def test_without_controls_an_event_cannot_be_told_apart() -> None:
    assert category([300, 500, 1200], median=None) == "PD"
    assert category([300, 350, 380], median=None) == "PD2"


def test_a_control_median_beyond_the_last_day_still_tells_an_early_event() -> None:
    assert category([300, 500, 1200], median=None, beyond=21.0) == "PD1"
    late = [300, 310, 320, 330, 400, 500, 1200]
    assert category(late, median=None, beyond=21.0) == "PD"


def test_no_baseline_or_no_later_reading_has_no_category() -> None:
    assert category([0, 0, 50]) is None
    assert category([300]) is None
    assert category([math.nan, 300, 400]) is None


def test_the_event_is_interpolated_on_the_log_scale() -> None:
    day, volume = np.array([[0.0, 7, 14, 21]]), np.array([[100.0, 200, 800, 100]])
    assert event_days(day, volume)[0] == pytest.approx(10.5)
    assert event_days(day, volume, multiple=2.0)[0] == pytest.approx(7.0)


def test_an_event_after_a_vanished_tumor_is_on_the_day_it_was_seen() -> None:
    assert event_days(np.array([[0.0, 7, 14]]), np.array([[100.0, 0, 900]]))[0] == 14.0


def test_an_event_skips_missing_readings_and_may_not_come() -> None:
    day = np.array([[0.0, 7, 14, 21]])
    gap = event_days(day, np.array([[100.0, 200, math.nan, 800]]))
    assert gap[0] == pytest.approx(14.0)
    assert np.isnan(event_days(day, np.array([[100.0, 200, 300, 399]]))[0])
    assert np.isnan(event_days(day, np.array([[0.0, 200, 300, 399]]))[0])
    with pytest.raises(InputError, match="above 1"):
        event_days(day, day, multiple=1.0)


@pytest.mark.parametrize(
    ("members", "score", "group"),
    [
        (["PD1", "PD1", "PD2"], 0.0, "PD1"),
        (["PD1", "PD2"], 1.0, "PD1"),
        (["PD2", "SD"], 3.0, "PD2"),
        (["SD", "PR"], 5.0, "SD"),
        (["CR", "MCR"], 9.0, "CR"),
        (["MCR", "MCR", "PD1"], 10.0, "MCR"),
        (["PD", "CR", "CR"], 8.0, "CR"),
        (["PD", "PD", "CR"], None, None),
    ],
)
def test_the_group_is_the_median_score(
    members: list[PptcCategory], score: float | None, group: str | None
) -> None:
    assert group_category(members) == (score, group)


def test_a_group_of_nobody_has_no_category() -> None:
    assert group_category([]) == (None, None)


# A loaded machine is no failure.
@settings(deadline=None)
@given(
    st.lists(st.floats(0.0, 4000.0), min_size=1, max_size=8),
    st.floats(100.0, 400.0),
)
def test_a_tumor_gone_at_the_end_is_a_maintained_complete_response(
    later: list[float], baseline: float
) -> None:
    assert category([baseline, *later, 0.0]) == "MCR"
