"""``oncovivo simulate``: its JSON, virtual studies, tables, figures, and how it refuses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Outcome

    RunCli = Callable[..., Outcome]

TEXT = """
schema = "oncovivo.simulation/1"
title = "Tumors that a drug slows"
blocks = ["tumor", "exponential"]
parameters = ["renal_786o"]
[time]
end = 21.0
step = 3.0
[band]
draws = 60
[[arms]]
name = "vehicle"
[[arms]]
name = "slowed"
[arms.values.growth_rate]
value = 0.05
unit = "1/day"
status = "assumed"
between_animal_cv = 0.1
[study]
animals_per_arm = 6
every = 3.0
caliper_cv = 0.1
limit_mm3 = 14.0
volume_limit_mm3 = 2500.0
"""

OUTPUT_KEYS = {"median", "lower", "upper", "unit", "level", "band"}


@pytest.fixture
def simulation(tmp_path: Path) -> Path:
    path = tmp_path / "a place" / "slow.toml"
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return path


def content(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    return dict(json.loads(outcome.out))


def test_the_json_has_the_keys_of_the_contract(run_cli: RunCli, simulation: Path) -> None:
    found = content(run_cli("simulate", simulation, "--json"))
    assert found["schema"] == "oncovivo.simulation_result/1"
    assert found["simulated"] is True
    assert found["model"]["blocks"] == ["tumor", "exponential"]
    for entry in found["parameters"]:
        assert {"name", "value", "unit", "source", "status"} <= set(entry)
    # The slowed rate is assumed; that of the vehicle is fitted and the start measured.
    assert found["assumed_count"] == 1
    assert [arm["arm"] for arm in found["arms"]] == ["vehicle", "slowed"]
    for arm in found["arms"]:
        assert arm["time_d"] == [0, 3, 6, 9, 12, 15, 18, 21]
        for output in arm["outputs"].values():
            assert set(output) >= OUTPUT_KEYS
            assert output["band"] == "both"
            assert all(len(output[key]) == 8 for key in ("median", "lower", "upper"))
    slowed = found["arms"][1]["outputs"]["tumor_volume"]
    assert slowed["typical"][-1] == pytest.approx(173.5 * math.exp(0.05 * 21), rel=1e-6)
    assert (slowed["assumed_count"], slowed["assumed"]) == (1, ["growth_rate"])


def test_the_seed_comes_from_the_file_and_the_option_overrides(
    run_cli: RunCli, simulation: Path
) -> None:
    one = content(run_cli("simulate", simulation, "--json"))
    assert one == content(run_cli("simulate", simulation, "--json"))
    other = content(run_cli("simulate", simulation, "--json", "--seed", "3"))
    assert other["seed"] == 3
    assert other["arms"] != one["arms"]


@pytest.mark.parametrize("engine", ["numpy", "adaptive", "scipy"])
def test_engines_agree(run_cli: RunCli, simulation: Path, engine: str) -> None:
    arguments = ("simulate", simulation, "--json", "--draws", "3", "--seed", "1", "--engine")
    found = content(run_cli(*arguments, engine))["arms"]
    reference = content(run_cli(*arguments, "scipy"))["arms"]
    for mine, theirs in zip(found, reference, strict=True):
        assert mine["outputs"]["tumor_volume"]["upper"] == pytest.approx(
            theirs["outputs"]["tumor_volume"]["upper"], rel=1e-4
        )


def test_a_virtual_study_is_read_by_growth_and_survival(
    run_cli: RunCli, simulation: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "virtual"
    outcome = run_cli("simulate", simulation, "--virtual", "1", "--study-out", folder)
    assert outcome.code == 0, outcome.err
    assert "virtual study: " in outcome.out
    (study,) = content(run_cli("growth", folder, "--control", "vehicle", "--json"))["studies"]
    assert study["simulated"] is True
    rates = {row["arm"]: row for row in study["rates"]}
    # Truth: 0.1368 and 0.05 a day.
    assert rates["vehicle"]["lower"] < 0.1368 < rates["vehicle"]["upper"]
    assert rates["slowed"]["lower"] < 0.05 < rates["slowed"]["upper"]
    (times,) = content(
        run_cli("survival", folder, "--control", "vehicle", "--event", "doubling", "--json")
    )["studies"]
    medians = {arm["arm"]: arm["median"] for arm in times["arms"]}
    assert medians["vehicle"] == pytest.approx(math.log(2) / 0.1368, rel=0.5)
    again = run_cli("simulate", simulation, "--virtual", "1", "--study-out", folder)
    assert again.code == 2
    assert "--overwrite" in again.err
    assert run_cli(
        "simulate", simulation, "--virtual", "1", "--study-out", folder, "--overwrite"
    ).code == 0  # fmt: skip


def test_several_virtual_studies_differ_and_have_folders_of_their_own(
    run_cli: RunCli, simulation: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    assert run_cli("simulate", simulation, "--virtual", "3", "--study-out", folder).code == 0
    tables = [
        (folder / name / "measurements.csv").read_text(encoding="utf-8")
        for name in ("1", "2", "3")
    ]
    assert len(set(tables)) == 3


def test_the_table_and_figure_are_written_and_the_text_fits(
    run_cli: RunCli, simulation: Path, tmp_path: Path
) -> None:
    outcome = run_cli(
        "simulate", simulation, "-o", tmp_path / "s.csv", "--figure", tmp_path / "s.svg"
    )
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 130
    assert "SIMULATED" in outcome.out
    assert "1 assumed" in outcome.out
    frame = pd.read_csv(tmp_path / "s.csv")
    assert len(frame) == 2 * 8
    assert "SIMULATED" in (tmp_path / "s.svg").read_text(encoding="utf-8").upper()


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ('unit = "1/day"', 'unit = "1/dya"', 2, "1/dya"),
        ('unit = "1/day"', 'unit = "g"', 2, "growth_rate"),
        ('status = "assumed"', "", 2, "status"),
        ("value = 0.05", "value = -0.05", 2, "growth_rate"),
        ('name = "slowed"', 'name = "slowed"\nregimen = "2 mg/kg qd x3"', 2, "found no name"),
        (
            'name = "slowed"',
            'name = "slowed"\nregimen = "docetaxel 2 mg/kg qd x3"',
            2,
            "docetaxel",
        ),
        ('name = "slowed"', 'name = "slowed"\nregimen = "3 x 2 Gy qd"', 2, "radiation_lq"),
        ("step = 3.0", "step = 3.0\nreport = [4.0]", 2, "among the days"),
        ('"tumor", "exponential"', '"tumor", "hahnfeldt"', 2, "which it does not use"),
        ("schema", "scheme", 2, "scheme"),
    ],
)
def test_a_slip_is_one_line(
    run_cli: RunCli, simulation: Path, old: str, new: str, code: int, words: str
) -> None:
    simulation.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    outcome = run_cli("simulate", simulation)
    assert outcome.code == code, outcome.err
    assert words in outcome.err
    assert outcome.err.count("\n") == (1 if code else 0)


def test_options_that_do_not_fit_are_one_line(
    run_cli: RunCli, simulation: Path, tmp_path: Path
) -> None:
    alone = run_cli("simulate", simulation, "--virtual", "2")
    assert (alone.code, alone.err.count("\n")) == (2, 1)
    simulation.write_text(TEXT.split("[study]")[0], encoding="utf-8")
    none = run_cli("simulate", simulation, "--virtual", "1", "--study-out", tmp_path / "x")
    assert none.code == 3
    assert "[study]" in none.err
    assert run_cli("simulate", tmp_path / "no.toml").code == 2
    assert run_cli("simulate", simulation, "--figure", tmp_path / "x.pdf").code == 2


DOSED = """
schema = "oncovivo.simulation/1"
title = "Exposure"
blocks = ["animal", "temsirolimus_sirolimus", "fkbp_mtorc1"]
parameters = ["mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target"]
[time]
end = 1.0
step = 0.25
[[arms]]
name = "dosed"
regimen = "temsirolimus 2 mg/kg i.v. once"
"""


def test_a_stiff_model_is_refused_by_the_explicit_engine(
    run_cli: RunCli, simulation: Path
) -> None:
    text = DOSED + '[values.tumor_exchange]\nvalue = 1e9\nunit = "1/day"\nstatus = "assumed"\n'
    simulation.write_text(text, encoding="utf-8")
    refused = run_cli("simulate", simulation, "--draws", "1")
    assert refused.code == 3
    assert "stiff" in refused.err
    assert refused.err.count("\n") == 1
    solved = run_cli("simulate", simulation, "--draws", "1", "--engine", "scipy", "--json")
    assert content(solved)["arms"][0]["dose_days"] == [0]


def test_a_regimen_without_its_dose_cannot_be_simulated(run_cli: RunCli, simulation: Path) -> None:
    simulation.write_text(DOSED.replace("2 mg/kg i.v. once", "i.v. once"), encoding="utf-8")
    outcome = run_cli("simulate", simulation)
    assert outcome.code == 3
    assert outcome.err.count("\n") == 1
