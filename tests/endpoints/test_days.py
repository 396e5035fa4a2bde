"""The day of fixed-day endpoints: chosen by who is left, never by what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from oncovivo.endpoints.arms import arm_curves
from oncovivo.endpoints.days import choose_day, last_rate_day
from oncovivo.errors import DataError
from oncovivo.studies import read_study
from tests.endpoints.conftest import make_arm

NAN = math.nan
DAYS = (0.0, 7.0, 14.0, 21.0)
FULL = make_arm([[100, 200, 300, 400]] * 5, DAYS, name="vehicle")


def test_the_last_day_with_four_of_five_animals_of_every_arm_is_chosen() -> None:
    leaving = make_arm([[100, 200, 300, NAN]] + [[100, 200, 300, 400]] * 4, DAYS)
    choice = choose_day([FULL, leaving], baseline_day=0)
    assert (choice.day, choice.rule) == (21, "last day with enough animals")
    shares = [(s.arm, s.n_enrolled, s.n_at_risk, s.n_measured, s.share) for s in choice.shares]
    assert shares == [("vehicle", 5, 5, 5, 1.0), ("drug", 5, 4, 4, 0.8)]


def test_one_arm_that_lost_too_many_moves_the_day_for_all() -> None:
    leaving = make_arm([[100, 200, 300, NAN]] * 2 + [[100, 200, 300, 400]] * 3, DAYS)
    assert choose_day([FULL, leaving], baseline_day=0).day == 14


def test_animals_followed_but_not_measured_are_absent_too() -> None:
    unread = make_arm([[100, 200, NAN, 400]] * 2 + [[100, 200, 300, 400]] * 3, DAYS)
    choice = choose_day([FULL, unread], baseline_day=0)
    assert choice.day == 21
    assert choose_day([unread], baseline_day=0, day=14).shares[0].n_at_risk == 5
    assert choose_day([unread], baseline_day=0, day=14).shares[0].n_measured == 3


def test_two_animals_are_too_few_whatever_their_share() -> None:
    choice = choose_day([FULL, make_arm([[100, 200, 300, 400]] * 2, DAYS)], baseline_day=0)
    assert (choice.day, choice.rule) == (None, "no day has enough animals")
    assert [share.n_measured for share in choice.shares] == [5, 2]


def test_the_volumes_do_not_move_the_day() -> None:
    other = make_arm([[100, 20, 30, 4000]] * 5, DAYS, name="vehicle")
    assert choose_day([FULL], baseline_day=0) == choose_day([other], baseline_day=0)


def test_a_named_day_is_taken_with_whoever_is_left() -> None:
    leaving = make_arm([[100, 200, NAN, NAN]] * 4 + [[100, 200, 300, 400]], DAYS)
    choice = choose_day([FULL, leaving], baseline_day=0, day=21)
    assert (choice.day, choice.rule, choice.shares[1].share) == (21, "option", 0.2)
    assert str(choice) == "day 21 (option; at least 20% of each arm measured)"


@pytest.mark.parametrize("day", [0.0, 10.0, 28.0])
def test_a_named_day_has_readings_and_lies_after_the_baseline(day: float) -> None:
    with pytest.raises(DataError, match="days with readings: 7, 14, 21"):
        choose_day([FULL], baseline_day=0, day=day)


def test_rates_see_as_long_as_half_of_the_control_is_followed() -> None:
    leaving = make_arm([[100, 200, NAN, NAN]] * 2 + [[100, 200, 300, NAN]] * 2, DAYS)
    choice = choose_day([leaving], baseline_day=0)
    assert (choice.day, last_rate_day(leaving, choice)) == (7, 14)
    named = choose_day([leaving], baseline_day=0, day=7)
    assert last_rate_day(leaving, named) == 7


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file", "control"),
    [
        ("genentech_vismodegib", "genentech_vismodegib/growth.csv", "dose_0.0"),
        (
            "genentech_gdc0084_temozolomide",
            "genentech_gdc0084_temozolomide/growth.csv",
            "gdc0084_00_temo_00",
        ),
        ("synergylmm_example.grwth_data", "synergylmm_example/grwth_data.csv", "Control"),
    ],
)
def test_on_the_control_alone_the_rule_gives_the_day_of_the_reference(
    name: str,
    file: str,
    control: str,
    shared_data: Callable[[str], Any],
    shared_reference: Callable[[str], dict[str, Any]],
) -> None:
    study = read_study(shared_data(file))[0]
    arm = arm_curves(study, baseline_day=0)[control]
    reference = shared_reference(name)["sections"]["10_endpoint_day"]["results"]
    assert choose_day([arm], baseline_day=0).day == reference["t"]


def test_a_choice_of_no_day_says_so_and_nothing_of_shares() -> None:
    lonely = make_arm([[100, NAN], [100, 200], [100, NAN]], (0.0, 7.0))
    choice = choose_day([lonely], baseline_day=0)
    assert str(choice) == "no day (no day has enough animals in every arm)"
    assert str(choose_day([FULL], baseline_day=0)).endswith("at least 100% of each arm measured)")
