"""Product-limit estimate: by hand, its median's conventions, and against R's survfit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.numerics import median_survival_limits, median_survival_time, product_limit


def curve(times: list[float], events: list[bool]) -> tuple[float | None, list[float]]:
    made = product_limit(np.array(times, dtype=float), np.array(events))
    return median_survival_time(made), made.survival.round(6).tolist()


def test_survival_falls_by_the_share_of_those_at_risk() -> None:
    # 5 at risk, 1 event at 2; one lost at 3; 3 at risk, 1 event at 5; 2 at risk, 2 events at 7.
    median, survival = curve([2, 3, 5, 7, 7], [True, False, True, True, True])
    assert survival == [0.8, 0.8, pytest.approx(0.8 * 2 / 3, abs=1e-6), 0.0]
    assert median == 7


def test_without_censoring_the_median_is_the_sample_median() -> None:
    assert curve([9, 1, 4], [True] * 3)[0] == 4
    assert curve([9, 1, 4, 6], [True] * 4)[0] == 5


def test_a_median_that_is_not_reached_is_none() -> None:
    assert curve([3, 10, 10, 10], [True, False, False, False])[0] is None


def test_where_half_never_have_the_event_the_median_is_the_last_event() -> None:
    assert curve([3, 5, 10, 10], [True, True, False, False])[0] == 5


def test_times_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="finite times"):
        product_limit(np.array([1.0, np.inf]), np.array([True, False]))
    with pytest.raises(InputError, match="at least one"):
        product_limit(np.array([]), np.array([], dtype=bool))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "genentech_gdc0084_temozolomide",
        "genentech_vismodegib",
        "synergylmm_example.grwth_data",
        "invivosyn_combos.LS_1034",
        "iowa_melanoma_a375",
    ],
)
@pytest.mark.parametrize("multiple", ["2x", "4x"])
def test_medians_and_their_limits_agree_with_r(
    name: str, multiple: str, shared_reference: Callable[[str], dict[str, Any]]
) -> None:
    results = shared_reference(name)["sections"][f"11_time_to_{multiple}"]["results"]
    animals, expected = results["per_animal"], results["medians"]
    times, arms = np.array(animals["time"], dtype=float), np.array(animals["g"])
    reached = np.array(animals["event"]) == 1
    compared = 0
    for row, arm in enumerate(expected["arm"]):
        chosen = arms == arm
        made = product_limit(times[chosen], reached[chosen])
        lower, upper = median_survival_limits(made, level=0.95)
        ours = np.array([median_survival_time(made), lower, upper], dtype=float)
        theirs = [expected[key][row] for key in ("median", "0.95LCL", "0.95UCL")]
        if theirs[0] is not None and theirs[1] is None:
            # R gives no lower limit where all had the event at once; survival of 0 is one.
            theirs[1] = theirs[0]
        assert ours == pytest.approx(np.array(theirs, dtype=float), rel=1e-8, nan_ok=True)
        compared += 1
    assert compared >= 4
