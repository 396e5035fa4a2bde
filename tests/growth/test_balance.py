"""How alike the arms start, against numbers by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.growth.balance import baseline_differences
from oncovivo.growth.data import GrowthData, growth_data_from_arrays


def starting_at(starts: dict[str, list[float]], *, at: float = 0.0) -> GrowthData:
    """One reading for each animal, the log of its size given."""
    values = [value for own in starts.values() for value in own]
    return growth_data_from_arrays(
        arm=[arm for arm, own in starts.items() for _ in own],
        animal_id=[f"m{number}" for number in range(len(values))],
        time=np.full(len(values), at),
        log_size=np.array(values),
    )


def test_ratio_and_standardized_difference_have_their_closed_form() -> None:
    data = starting_at({"drug": [4.0, 5.0, 6.0], "control": [3.0, 4.0, 5.0, 4.0]})
    (found,) = baseline_differences(data, "control")
    assert (found.arm, found.versus, found.n, found.n_control) == ("drug", "control", 3, 4)
    assert found.ratio == pytest.approx(math.e)
    # Squares about the means are 2 and 2, over 5 degrees of freedom.
    assert found.standardized == pytest.approx(1 / math.sqrt(4 / 5))
    assert not found.notable


@pytest.mark.parametrize(("shift", "animals", "said"), [
    (1.5, 3, "small"), (1.5, 20, "notable"), (-1.5, 20, "notable"), (0.7, 200, "small"),
])  # fmt: skip
def test_a_difference_is_notable_when_it_is_large_and_rare(
    shift: float, animals: int, said: str
) -> None:
    spread = np.linspace(-1.0, 1.0, animals)
    spread /= np.sqrt(2 * (spread**2).sum() / (2 * animals - 2))
    data = starting_at({"control": spread.tolist(), "drug": (spread + shift).tolist()})
    (found,) = baseline_differences(data, "control")
    assert found.standardized == pytest.approx(shift)
    assert found.notable is (said == "notable")


def test_one_animal_against_one_and_arms_without_spread_have_a_ratio_only() -> None:
    for starts in ({"control": [4.0], "drug": [5.0]}, {"control": [4.0] * 3, "drug": [5.0] * 3}):
        (found,) = baseline_differences(starting_at(starts), "control")
        assert found.ratio == pytest.approx(math.e)
        assert (found.standardized, found.notable) == (None, False)


def test_arms_without_a_measured_baseline_have_no_numbers() -> None:
    (found,) = baseline_differences(
        starting_at({"control": [4.0, 4.1], "drug": [5.0, 5.2]}, at=3.0), "control"
    )
    assert (found.n, found.n_control) == (0, 0)
    assert json.dumps(found.to_dict(), allow_nan=False).count("null") == 2
    assert not found.notable


def test_every_arm_but_the_control_has_a_line_in_their_order() -> None:
    data = starting_at({"b": [4.0, 5.0], "control": [4.0, 5.0], "a": [3.0, 4.0]})
    assert [found.arm for found in baseline_differences(data, "control")] == ["b", "a"]
    with pytest.raises(InputError, match=r"an arm with readings: b, control, a.*'c'"):
        baseline_differences(data, "c")
