"""Cumulative incidence of competing causes by hand and against R."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.survival.competing import cumulative_incidence, incidence_at
from oncovivo.survival.curves import survival_curve


def test_one_cause_is_one_minus_kaplan_meier_with_greenwood() -> None:
    time = np.array([3.0, 5, 5, 6, 8, 8, 11, 12])
    event = np.array([1, 1, 0, 1, 0, 1, 1, 0])
    found = cumulative_incidence(time, event, causes=("death",))
    curve = survival_curve(time, event)
    assert found.incidence[:, 0] == pytest.approx(1 - curve.survival)
    assert found.std_error[:, 0] == pytest.approx(curve.std_error)


def test_incidences_and_survival_make_one() -> None:
    rng = np.random.default_rng(3)
    found = cumulative_incidence(
        rng.integers(1, 15, 40), rng.integers(0, 4, 40), causes=("a", "b", "c")
    )
    assert found.incidence.sum(axis=1) + found.survival == pytest.approx(np.ones(found.time.size))


def test_by_hand_with_an_animal_that_left() -> None:
    found = cumulative_incidence([2, 4, 6, 8], [1, 0, 2, 1], causes=("tumor", "other"))
    # survival 3/4 after 2; half of it dies of the other cause at 6, the rest of the tumor at 8
    assert found.incidence[:, 0] == pytest.approx([0.25, 0.25, 0.25, 0.625])
    assert found.incidence[:, 1] == pytest.approx([0, 0, 0.375, 0.375])
    assert found.n_events == (2, 1)


def test_without_censoring_the_error_is_that_of_a_share() -> None:
    rng = np.random.default_rng(8)
    time, cause = rng.integers(1, 9, 30), rng.integers(1, 3, 30)
    found = cumulative_incidence(time, cause, causes=("a", "b"))
    share = found.incidence
    assert found.std_error == pytest.approx(np.sqrt(share * (1 - share) / 30), abs=1e-9)


def test_limits_stay_between_zero_and_one_and_are_none_where_nothing_happened() -> None:
    found = cumulative_incidence([2, 4, 6], [1, 1, 0], causes=("tumor", "other"))
    tumor, other = cast("list[dict[str, Any]]", found.to_dict()["causes"])
    assert other["lower"] == [None, None, None]
    assert 0 < tumor["lower"][1] < found.incidence[1, 0] < tumor["upper"][1] < 1
    assert incidence_at(found, [1])[0].tolist() == [[0, 0]]


@pytest.mark.parametrize(("level", "reach"), [(0.95, 1.959963985), (0.9, 1.644853627)])
def test_limits_are_those_of_the_log_log_scale_by_hand(level: float, reach: float) -> None:
    time, cause = [1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 1, 2, 2, 1, 2]
    found = cumulative_incidence(time, cause, causes=("a", "b"), level=level)
    # Without censoring 3 of 8 have had cause a by time 4, with the error of a share.
    share, error = 3 / 8, (3 / 8 * 5 / 8 / 8) ** 0.5
    factor = np.exp(reach * error / (share * -np.log(share)))
    assert found.lower[3, 0] == pytest.approx(share**factor, rel=1e-8)
    assert found.upper[3, 0] == pytest.approx(share ** (1 / factor), rel=1e-8)


def test_late_entry_counts_animals_only_from_then_on() -> None:
    found = cumulative_incidence([4, 6, 8], [1, 2, 0], causes=("a", "b"), entry=[0, 5, 3])
    assert found.incidence[-1] == pytest.approx([0.5, 0.25])


@pytest.mark.parametrize(
    ("cause", "causes", "line"),
    [
        ([1, 3], ("a", "b"), "cause codes 0 to 2"),
        ([1, 0], (), "names of causes"),
        ([1, 0], ("a", "a"), "each once"),
        ([1], ("a",), "as many events"),
    ],
)
def test_codes_without_a_name_are_refused(
    cause: list[int], causes: tuple[str, ...], line: str
) -> None:
    with pytest.raises(InputError, match=line):
        cumulative_incidence([3, 4], cause, causes=causes)


@pytest.mark.realdata
def test_incidences_of_mice_agree_with_r(
    shared_data: Callable[[str], Path], shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    table = pd.read_csv(shared_data("survival_hoel_mice/survival.csv"))
    section = shared_reference("survival_hoel_mice")["sections"]["71_competing_risks"]
    expected = section["results"]
    causes = tuple(expected["states"][1:])
    strata = np.array(expected["strata"])
    for arm, rows in table.groupby("treatment"):
        codes = [causes.index(name) + 1 for name in rows["cause"]]
        found = cumulative_incidence(rows["time_days"], codes, causes=causes)
        chosen = strata == f"treatment={arm}"
        incidence, error, _, _ = incidence_at(found, np.array(expected["times"])[chosen])
        theirs = np.array(expected["pstate"])[chosen][:, 1:]
        assert incidence == pytest.approx(theirs, rel=1e-8, abs=1e-11)
        assert error == pytest.approx(np.array(expected["se"])[chosen][:, 1:], rel=1e-8, abs=1e-9)
