"""Sensitivities against closed forms of exponential growth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.mechanism.sensitivity import local_sensitivity, sobol_sensitivity
from oncovivo.mechanism.simulation_file import Simulation, read_simulation

TEXT = """
schema = "oncovivo.simulation/1"
title = "Exponential tumors"
blocks = ["tumor", "exponential"]
parameters = ["renal_786o"]
[time]
end = 20.0
step = 5.0
[[arms]]
name = "vehicle"
[values.v0]
value = 150.0
unit = "mm³"
status = "assumed"
between_animal_cv = 0.4
[values.growth_rate]
value = 0.1
unit = "1/day"
status = "assumed"
between_animal_cv = 0.15
uncertainty_cv = 0.1
"""


def read(folder: Path, text: str = TEXT) -> Simulation:
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    return read_simulation(path)


@pytest.mark.parametrize("day", [0.0, 5.0, 20.0])
def test_elasticities_of_exponential_growth_are_one_and_rate_times_day(
    tmp_path: Path, day: float
) -> None:
    found = local_sensitivity(read(tmp_path), arm="vehicle", output="tumor_volume", day=day)
    assert found.typical == pytest.approx(150 * math.exp(0.1 * day), rel=1e-6)
    rows = {row.parameter: row.estimate for row in found.elasticities}
    # d log(v0 exp(r t)): 1 by log v0, r t by log r; the difference errs by (step)² / 6 r t.
    assert rows["v0"] == pytest.approx(1, abs=1e-6)
    assert rows["growth_rate"] == pytest.approx(0.1 * day, abs=1e-3)
    assert found.indices == ()


def test_indices_are_shares_of_the_variance_of_the_log_volume(tmp_path: Path) -> None:
    found = sobol_sensitivity(
        read(tmp_path),
        arm="vehicle",
        output="tumor_volume",
        day=20.0,
        rng=np.random.default_rng(4),
        base=1024,
    )
    assert (found.scale, found.runs) == ("log", 1024 * 4)
    size = math.log1p(0.4**2)
    both = math.log1p(0.15**2) + math.log1p(0.1**2)
    # Variance of 20 r with r lognormal of median 0.1.
    rate = (20 * 0.1) ** 2 * math.exp(both) * (math.exp(both) - 1)
    expected = {"v0": size / (size + rate), "growth_rate": rate / (size + rate)}
    for row in found.indices:
        # An additive model: first and total index agree. Limits are half 95 % intervals.
        assert row.first == pytest.approx(expected[row.parameter], abs=2 * row.first_error + 0.01)
        assert row.total == pytest.approx(expected[row.parameter], abs=2 * row.total_error + 0.01)
    totals = [row.total for row in found.indices]
    assert totals == sorted(totals, reverse=True)


def test_what_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    simulation = read(tmp_path)
    for arm, output, day in (
        ("nobody", "tumor_volume", 1.0),
        ("vehicle", "height", 1.0),
        ("vehicle", "tumor_volume", -1.0),
    ):
        with pytest.raises(InputError):
            local_sensitivity(simulation, arm=arm, output=output, day=day)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="power of 2"):
        sobol_sensitivity(
            simulation, arm="vehicle", output="tumor_volume", day=1.0, rng=rng, base=100
        )
    bare = TEXT.replace("between_animal_cv = 0.4\n", "").replace("between_animal_cv = 0.15\n", "")
    still = read(tmp_path, bare.replace("uncertainty_cv = 0.1\n", ""))
    with pytest.raises(DataError, match="numbers that vary"):
        sobol_sensitivity(still, arm="vehicle", output="tumor_volume", day=1.0, rng=rng)
