"""Small studies and arms for the tests of endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from oncovivo.endpoints import EndpointOptions, EndpointTable, compute_endpoints
from oncovivo.endpoints.arms import ArmCurves
from oncovivo.endpoints.quantities import IntervalSettings
from oncovivo.studies import Study

Readings: TypeAlias = Mapping[str, tuple[str, Mapping[float, float | str]]]
MakeArm: TypeAlias = Callable[..., ArmCurves]
MakeTable: TypeAlias = Callable[..., EndpointTable]


def make_study(readings: Readings) -> Study:
    """A study from the arm and the volumes by day of each animal."""
    rows = [
        (animal, arm, day, volume)
        for animal, (arm, volumes) in readings.items()
        for day, volume in volumes.items()
    ]
    columns = ["animal_id", "treatment", "day", "volume_mm3"]
    return Study.from_frame(pd.DataFrame(rows, columns=columns))


def make_arm(
    volumes: Sequence[Sequence[float]],
    days: Sequence[float] | NDArray[np.float64],
    *,
    name: str = "drug",
    lifted: Sequence[tuple[int, int]] = (),
    limit: float = 10.0,
) -> ArmCurves:
    """An arm from volumes by animal and day; NaN is no reading."""
    size = np.array(volumes, dtype=np.float64)
    day = np.broadcast_to(np.asarray(days, dtype=np.float64), size.shape)
    order = np.argsort(np.isnan(size), axis=1, kind="stable")
    day = np.where(np.isnan(size), np.nan, day)
    below = np.zeros(size.shape, dtype=bool)
    for place in lifted:
        below[place] = True
    below |= size == 0
    day = np.take_along_axis(day, order, axis=1)
    return ArmCurves(
        arm=name,
        animal_ids=tuple(f"{name}{row}" for row in range(size.shape[0])),
        day=day,
        size=np.take_along_axis(size, order, axis=1),
        lifted=np.take_along_axis(below, order, axis=1),
        limit=limit,
        baseline_day=np.full(size.shape[0], float(days[0])),
        end_day=np.nanmax(day, axis=1),
    )


@pytest.fixture(scope="session")
def arm() -> MakeArm:
    """Maker of arms from matrices of volumes."""
    return make_arm


@pytest.fixture(scope="session")
def study() -> Callable[[Readings], Study]:
    """Maker of studies from readings."""
    return make_study


@pytest.fixture(scope="session")
def settings() -> IntervalSettings:
    """95 % intervals, few draws."""
    return IntervalSettings(level=0.95, draws=400, seed=7)


@pytest.fixture(scope="session")
def table() -> MakeTable:
    """Maker of endpoint tables with few draws."""

    def compute(study: Study, *, control: str = "vehicle", **choices: object) -> EndpointTable:
        options = choices.pop("options", EndpointOptions(draws=200))
        return compute_endpoints(
            study,
            control=control,
            rng=np.random.default_rng(11),
            options=options,  # type: ignore[arg-type]  # passed through as it came
            **choices,  # type: ignore[arg-type]  # passed through as they came
        )

    return compute
