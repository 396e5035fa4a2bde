"""The pages about mechanisms hold files that can be read and numbers that the models give."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import get_args

import numpy as np
import pytest

from oncovivo.mechanism.blocks import OutputKind, Role, read_block
from oncovivo.mechanism.derived import free_drug_for_inhibition
from oncovivo.mechanism.expressions import FUNCTIONS
from oncovivo.mechanism.parameters import STATUSES, read_parameter_set
from oncovivo.mechanism.simulate import SimulationResult, simulate
from oncovivo.mechanism.simulation_file import read_simulation
from oncovivo.mechanism.toml_files import shipped_names

DOCS = Path(__file__).parents[2] / "docs"
FILES = (DOCS / "reference" / "mechanism-files.md").read_text(encoding="utf-8")
BACKGROUND = (DOCS / "background" / "mechanism.md").read_text(encoding="utf-8")
EXAMPLES = DOCS.parent / "examples" / "temsirolimus" / "mechanism"


def sample(schema: str) -> str:
    """The file on the page that begins with a schema."""
    blocks = [dedent(part).strip() for part in re.findall(r"(?m)(?:^ {4}.*\n|^\n)+", FILES)]
    return next(block for block in blocks if block.startswith(f'schema = "oncovivo.{schema}/1"'))


def test_the_simulation_on_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sample.toml"
    path.write_text(sample("simulation"), encoding="utf-8")
    simulation = read_simulation(path)
    assert simulation.control == "vehicle"
    assert simulation.report_days == (7.0, 21.0)
    assert "damaged4" in simulation.model.state_names
    assert simulation.arms[1].changed == ("k10",)
    assert simulation.study is not None


def test_the_parameter_set_and_the_block_on_the_page_are_read_and_used(tmp_path: Path) -> None:
    (tmp_path / "numbers.toml").write_text(sample("parameters"), encoding="utf-8")
    (tmp_path / "threshold.toml").write_text(sample("block"), encoding="utf-8")
    assert set(read_parameter_set(tmp_path / "numbers.toml").values) == {"cl", "bioavailability"}
    block = read_block(tmp_path / "threshold.toml")
    assert [one.name for one in block.parameters] == ["k2", "threshold"]
    path = tmp_path / "sample.toml"
    numbers = "".join(
        f'[values.{name}]\nvalue = 1.0\nunit = "{unit}"\nstatus = "assumed"\n'
        for name, unit in {
            "k2": "mL/(ng*day)",
            "threshold": "ng/mL",
            "v": "L/kg",
            "ka": "1/h",
            "lag_time": "h",
            "infusion_time": "h",
        }.items()
    )
    path.write_text(
        'schema = "oncovivo.simulation/1"\ntitle = "All three"\n'
        'blocks = ["animal", "pk_one_compartment", "threshold.toml", "tumor", "exponential"]\n'
        'parameters = ["mouse_20g", "numbers.toml", "renal_786o"]\n'
        "[time]\ndays = [0, 1]\n[[arms]]\nname = 'treated'\nregimen = 'drug 1 mg/kg p.o. once'\n"
        + numbers,
        encoding="utf-8",
    )
    assert "concentration_above" in read_simulation(path).outputs


@pytest.mark.parametrize("words", [STATUSES, FUNCTIONS, get_args(Role), get_args(OutputKind)])
def test_every_word_of_the_formats_is_named(words: tuple[str, ...]) -> None:
    assert [word for word in words if word not in FILES] == []


def run(name: str, *arms: str) -> SimulationResult:
    """Some arms of a simulation of the example, or all; the first is the control."""
    simulation = read_simulation(EXAMPLES / f"{name}.toml")
    chosen = tuple(arm for arm in simulation.arms if not arms or arm.name in arms)
    band = replace(simulation.band, draws=1)
    fewer = replace(simulation, band=band, arms=chosen, control=chosen[0].name)
    return simulate(fewer, rng=np.random.default_rng(1), seed=1, engine="adaptive")


def test_the_table_of_schedules_is_that_of_the_model() -> None:
    found = run("pathway_daily_vs_weekly")
    control = found.arms[0].output("tumor_volume").typical
    made = []
    for arm, total in zip(found.arms, (0, 42, 420, 42, 120), strict=True):
        volume = arm.output("tumor_volume").typical
        occupancy = arm.output("mtorc1_occupancy").typical
        lost = 1 - math.log(volume[-1] / volume[0]) / math.log(control[-1] / control[0])
        on_15 = occupancy[found.days.index(15.0)]
        name = "none" if arm.arm == "vehicle" else arm.arm
        shares = f"{on_15:.0%} | {occupancy[-1]:.0%} | {volume[-1]:.0f} | {lost:.0%}"
        made.append(f"| {name} | {total} | {shares.replace('%', ' %')} |")
    assert made == re.findall(r"(?m)^\| (?:none|\d+ mg/kg \w+) \|.*\|$", BACKGROUND)


def test_the_fall_of_phospho_s6_without_coupling_is_that_of_the_model() -> None:
    arms = run("resistant_genotype", "wild type", "uncoupled").arms
    assert [f"{arm.output('phospho_s6').typical[-1]:.0%}" for arm in arms] == ["36%", "36%"]
    assert "phospho-S6 falls to 36 % with and without" in BACKGROUND


def test_the_numbers_of_the_sets_are_those_of_the_page() -> None:
    words = " ".join(BACKGROUND.split())
    human, target = read_parameter_set("temsirolimus_human"), read_parameter_set("rapalog_target")
    assert f"{human.values['CL_T'].value:.1f} L/h" in words
    assert f"{human.values['Fm'].value:.0%}".replace("%", " %") + " of temsirolimus" in words
    pool, first, second = (target.values[name].value for name in ("fkbp_total", "K1", "K2"))
    assert f"{free_drug_for_inhibition(0.5, pool, first, second):.3f} nmol/L" in words
    assert f"{pool / (pool + second):.0%}".replace("%", " %") in words
    imax = read_parameter_set("rapalog_growth").values["growth_imax"].value
    assert f"1 − {imax:g}·(1 − cyclin D1)" in words
    laws = [name for name in shipped_names("blocks") if read_block(name).provides == "growth"]
    # Wilson's is a tumor of its own.
    assert len(laws) - 1 == 12
    assert "exponential, Gompertz, Simeoni, and [nine more]" in words
