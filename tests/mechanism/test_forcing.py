"""Concentrations as an integration asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.mechanism.doses import DosePath, dose_table, place_doses
from oncovivo.mechanism.forcing import Concentrations, concentrations_from
from oncovivo.mechanism.linear_pk import Flow, generator_from_flows, linear_pk


def absorbed(
    ka: list[float], *, lag: object = 0.0, duration: float = 0.0, ke: float = 2.0
) -> Concentrations:
    """Gut and blood of animals with absorption of their own; both are shown."""
    n = len(ka)
    flows = [Flow(source=0, target=1, rate=ka), Flow(source=1, target=None, rate=ke)]
    pk = linear_pk(generator_from_flows(2, flows))
    path = DosePath(compartment=0, lag=np.asarray(lag, float), duration=duration)
    inputs = place_doses(dose_table(0.5, 10.0, ii=1.0, addl=3), [path], n_animals=n)
    factors = np.stack((np.linspace(1.0, 2.0, n), np.linspace(3.0, 4.0, n)), axis=1)
    return concentrations_from(pk.segments(inputs).select([1, 0]), factors)


@pytest.mark.parametrize("ka", [[5.0, 9.0, 1.0], [5.0, 2.0, 2.00001]])
@pytest.mark.parametrize("lag", [0.0, [0.0, 0.1, 0.7]])
@pytest.mark.parametrize(("duration", "ke"), [(0.0, 2.0), (0.2, 2.0), (0.2, 0.0)])
def test_segments_show_what_the_closed_form_shows(
    ka: list[float], lag: object, duration: float, ke: float
) -> None:
    shown = absorbed(ka, lag=lag, duration=duration, ke=ke)
    times = np.array([0.2, 0.61, 1.55, 2.3, 3.9, 7.0])
    expected = shown.at_times(times, at_dose="after")
    for place, time in enumerate(times):
        index = (shown.starts <= time).sum(axis=0) - 1
        found = shown.segment(index)(np.full((1, 3), time))[0]
        np.testing.assert_allclose(found.T, expected[:, place], rtol=1e-10, atol=1e-11)
        two = np.array([2, 1])
        fewer = shown.take(two).segment(index[two])(np.full((1, 2), time))[0]
        np.testing.assert_allclose(fewer, found[:, two], rtol=1e-12, atol=1e-12)


def test_equal_rates_stay_in_the_quick_layout() -> None:
    shown = absorbed([5.0, 2.0, 9.0])
    assert shown.plain
    assert shown.confluent.tolist() == [1]
    assert not absorbed([5.0, 2.0, 9.0], duration=0.2).plain
