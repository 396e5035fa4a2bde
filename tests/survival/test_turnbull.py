"""Interval-censored survival against plain self-consistency and against Kaplan-Meier."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.curves import survival_at, survival_curve
from oncovivo.survival.turnbull import turnbull, turnbull_at, turnbull_median


def _by_plain_steps(
    left: np.ndarray, right: np.ndarray, cells: np.ndarray, *, steps: int
) -> tuple[np.ndarray, float]:
    """Self-consistency on all cells between visits, with no reduction of the cells.

    A cell is named by a time inside it.
    """
    covers = (left[:, None] < cells) & (cells < right[:, None])
    mass = np.full(cells.size, 1 / cells.size)
    for _ in range(steps):
        share = covers * mass
        mass = (share / share.sum(axis=1, keepdims=True)).mean(axis=0)
    return mass, float(np.log(covers @ mass).sum())


@pytest.mark.parametrize("seed", range(6))
def test_mass_agrees_with_plain_self_consistency(seed: int) -> None:
    rng = np.random.default_rng(seed)
    visits = 7.0 * np.arange(6)
    first = rng.integers(0, 5, 12)
    last = np.minimum(first + rng.integers(1, 4, 12), 6)
    left = visits[first]
    right = np.where(last == 6, math.inf, 7.0 * last)
    mass, likelihood = _by_plain_steps(left, right, visits + 3.5, steps=20_000)
    found = turnbull(left, right)
    assert found.converged
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-6)
    assert found.log_likelihood >= likelihood - 1e-9
    # the slow masses lie between the bounds; self-consistency alone is still short of its limit
    least, greatest = turnbull_at(found, visits[1:])
    slow = 1 - np.cumsum(mass)[:-1]
    assert (slow >= least - 1e-3).all()
    assert (slow <= greatest + 1e-3).all()


def test_points_and_right_censoring_give_kaplan_meier() -> None:
    time = np.array([3.0, 5, 5, 6, 8, 8, 11, 12])
    event = np.array([1, 1, 0, 1, 0, 1, 1, 0])
    found = turnbull(time, np.where(event == 1, time, math.inf))
    curve = survival_curve(time, event)
    marks = np.array([1.0, 3, 4, 5, 6, 7, 8, 11, 12])
    least, greatest = turnbull_at(found, marks)
    assert least == pytest.approx(survival_at(curve, marks)[0], abs=1e-9)
    assert greatest == pytest.approx(least)


def test_intervals_that_shrink_come_near_kaplan_meier() -> None:
    time = np.array([3.0, 5, 6, 8, 8.5, 11])
    event = np.array([1, 1, 0, 1, 0, 1])
    found = turnbull(time - 1e-6 * event, np.where(event == 1, time, math.inf))
    assert turnbull_at(found, time)[1] == pytest.approx(
        survival_at(survival_curve(time, event), time)[0], abs=1e-9
    )


def test_intervals_that_touch_do_not_share_a_time() -> None:
    found = turnbull([0, 7], [7, 14])
    assert (found.left.tolist(), found.right.tolist()) == ([0, 7], [7, 14])
    assert found.mass == pytest.approx([0.5, 0.5])
    # an exact time at a visit lies in the interval that ends there
    assert turnbull([0, 7], [7, 7]).mass == pytest.approx([1.0])


def test_the_median_is_an_interval_and_open_when_not_reached() -> None:
    assert turnbull_median(turnbull([0, 7, 7], [7, 14, 14])) == (7.0, 14.0)
    assert turnbull_median(turnbull([14, 14, 0], [math.inf, math.inf, 7])) == (14.0, None)
    assert turnbull([14, 0], [math.inf, 7]).to_dict()["right"] == [7.0, None]


def test_all_censored_keeps_all_mass_beyond_the_last_visit() -> None:
    found = turnbull([21, 28], [math.inf, math.inf])
    assert (found.left.tolist(), found.mass.tolist()) == ([28.0], [1.0])
    assert turnbull_at(found, [28])[0].tolist() == [1.0]


@pytest.mark.parametrize(
    ("left", "right", "line"),
    [
        ([7, 14], [14, 7], "a left end not after the right one.*animal 2|animal 2"),
        ([-1], [3], "a finite left end, 0 or later"),
        ([math.inf], [math.inf], "a finite left end"),
        ([1], [math.nan], "and a right end"),
        ([], [], "at least one"),
        ([1, 2], [3], "for each animal"),
    ],
)
def test_crossed_or_missing_ends_are_refused(
    left: list[float], right: list[float], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        turnbull(left, right)


def test_bounds_at_an_infinite_time_are_refused() -> None:
    with pytest.raises(InputError, match="finite times"):
        turnbull_at(turnbull([0], [7]), [math.inf])
