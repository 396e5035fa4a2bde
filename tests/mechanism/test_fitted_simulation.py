"""A simulation file with fitted numbers means what the original meant, but for these numbers."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import pytest

from oncovivo.errors import FileFormatError
from oncovivo.mechanism.fitted_simulation import FittedNumber, fitted_simulation_text
from oncovivo.mechanism.simulation_file import read_simulation

SET = """
schema = "oncovivo.parameters/1"
name = "mine"
title = "Mine"
[parameters.growth_rate]
value = 0.1
unit = "1/day"
status = "assumed"
source = "none"
"""
ORIGINAL = """
# a comment
schema = "oncovivo.simulation/1"
title = 'A "quoted" title'
note = "First line.\\nSecond."
blocks = [
  { block = "pk_bolus", rename = { drug = "taxane" } }, "animal", "kill_linear", "tumor",
  "exponential",
]
parameters = ["mouse_20g", "sets/mine.toml"]
transits = 3
[time]
days = [0.0, 1e-3, 7]
[values]
v0 = { value = 150.0, unit = "mm³", status = "assumed", note = "as \\t was" }
cl = { value = 1.0, unit = "L/h/kg", status = "assumed" }
v = { value = 1.0, unit = "L/kg", status = "assumed" }
k2 = { value = 0.0024, unit = "mL/(ng*day)", status = "assumed" }
[[arms]]
name = "vehicle"
control = true
[[arms]]
name = "10 mg/kg, k2 doubled"
regimen = "taxane 10 mg/kg i.v. once"
[arms.values.k2]
value = 0.0048
unit = "mL/(ng*day)"
status = "assumed"
"""


def number(**changes: object) -> FittedNumber:
    """A growth rate that was fitted."""
    values: dict[str, object] = {
        "name": "growth_rate", "unit": "1/day", "transform": "log", "value": 0.123,
        "lower": 0.0, "upper": math.inf, "spread": 0.2, "standard_error": 0.05,
    }  # fmt: skip
    return FittedNumber(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "original.toml"
    (path.parent / "sets").mkdir(parents=True)
    (path.parent / "sets" / "mine.toml").write_text(SET, encoding="utf-8")
    path.write_text(ORIGINAL, encoding="utf-8")
    return path


def written(original: Path, out: Path, *numbers: FittedNumber) -> str:
    """The text in its place."""
    out.parent.mkdir(parents=True, exist_ok=True)
    text = fitted_simulation_text(
        original, out, numbers=numbers, source="study S, fit F", note="Fitted.", sigma=0.1
    )
    out.write_text(text, encoding="utf-8")
    return text


def test_all_else_is_as_it_was(original: Path, tmp_path: Path) -> None:
    text = written(original, original.parent / "fitted.toml", number())
    before, after = tomllib.loads(ORIGINAL), tomllib.loads(text)
    assert after["values"].pop("growth_rate")["value"] == 0.123
    assert after.pop("title") == before.pop("title") + " · fitted"
    assert after.pop("note") == "Fitted. " + before.pop("note")
    assert after == before


def test_it_reads_in_another_folder_with_the_sets_of_the_original(
    original: Path, tmp_path: Path
) -> None:
    out = tmp_path / "other" / "place" / "fitted.toml"
    written(original, out, number(name="v0", unit="mm³", value=99.5))
    simulation = read_simulation(out)
    vehicle, treated = (arm.parameters for arm in simulation.arms)
    assert (vehicle["v0"].value, vehicle["v0"].status) == (99.5, "fitted")
    assert vehicle["growth_rate"].origin == "mine"
    assert treated["k2"].value == 2 * vehicle["k2"].value
    assert simulation.study is None


def test_variation_is_written_on_the_scale_of_the_number() -> None:
    assert number().entry("S") == {
        "value": 0.123,
        "unit": "1/day",
        "status": "fitted",
        "source": "S",
        "between_animal_cv": pytest.approx(math.sqrt(math.exp(0.04) - 1)),
        "uncertainty_cv": pytest.approx(math.sqrt(math.exp(0.0025) - 1)),
    }
    share = number(transform="logit", value=0.8, upper=1.0, spread=0.5).entry("S")
    assert share["between_animal_sd"] == 0.5
    # To first order a step of 0.05 on the logit scale moves 0.8 by 0.05 * 0.8 * 0.2.
    assert share["uncertainty_cv"] == pytest.approx(0.05 * 0.2)
    plain = number(transform="identity", value=-2.0, spread=0.5, standard_error=None).entry("S")
    assert plain["between_animal_cv"] == 0.25
    assert "uncertainty_cv" not in plain


def test_a_simulation_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"gone\.toml: expected a simulation file"):
        written(tmp_path / "gone.toml", tmp_path / "fitted.toml", number())
