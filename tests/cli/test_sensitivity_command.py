"""``oncovivo mechanism sensitivity``: its JSON, its table, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

TEXT = """
schema = "oncovivo.simulation/1"
title = "Exponential tumors"
blocks = ["tumor", "exponential"]
parameters = ["renal_786o"]
[time]
end = 10.0
step = 5.0
[[arms]]
name = "vehicle"
"""


@pytest.fixture
def simulation(tmp_path: Path) -> Path:
    path = tmp_path / "growth.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_json_holds_elasticities_and_indices(run_cli: RunCli, simulation: Path) -> None:
    outcome = run_cli(
        "mechanism", "sensitivity", simulation, "--output", "tumor_volume", "--sobol", "64",
        "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["schema"] == "oncovivo.sensitivity/1"
    assert (found["arm"], found["time_d"], found["simulated"]) == ("vehicle", 10, True)
    rows = {row["parameter"]: row for row in found["elasticities"]}
    # Growth of 0.0057 an hour over ten days.
    assert rows["growth_rate"]["estimate"] == pytest.approx(0.0057 * 240, abs=1e-3)
    assert rows["v0"]["estimate"] == pytest.approx(1, abs=1e-6)
    # Only the rate varies, and carries all of the variance.
    (index,) = found["indices"]
    assert index["total"] == pytest.approx(1, abs=0.05)


def test_the_table_names_the_status_and_the_seed(run_cli: RunCli, simulation: Path) -> None:
    outcome = run_cli("mechanism", "sensitivity", simulation, "--output", "tumor_volume")
    assert outcome.code == 0, outcome.err
    assert "fitted" in outcome.out
    assert "SIMULATED" in outcome.out
    assert "seed " in outcome.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--output", "height"], "an output of the model"),
        (["--output", "tumor_volume", "--arm", "b"], "an arm: vehicle"),
        (["--output", "tumor_volume", "--day", "-1"], "a day from 0 on"),
        (["--output", "tumor_volume", "--sobol", "100"], "a power of 2"),
    ],
)
def test_a_slip_is_one_line(
    run_cli: RunCli, simulation: Path, more: list[str], words: str
) -> None:
    outcome = run_cli("mechanism", "sensitivity", simulation, *more)
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.err.count("\n") == 1
