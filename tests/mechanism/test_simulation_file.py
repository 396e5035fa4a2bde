"""Simulation files: what they say, and how a slip is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError, UnitError
from oncovivo.mechanism.simulation_file import read_simulation

BASE = """
schema = "oncovivo.simulation/1"
title = "Exponential tumors"
blocks = ["tumor", "exponential"]
parameters = ["renal_786o"]
[time]
end = 10.0
step = 2.5
[[arms]]
name = "vehicle"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sim.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_days_outputs_band_and_control_have_their_defaults(tmp_path: Path) -> None:
    found = read_simulation(write(tmp_path, BASE))
    assert found.days.tolist() == [0, 2.5, 5, 7.5, 10]
    assert found.report_days == (10,)
    assert found.outputs == ("tumor_volume",)
    assert (found.band.kind, found.band.draws, found.band.level) == ("both", 500, 0.9)
    assert (found.control, found.study, found.seed) == ("vehicle", None, None)


@pytest.mark.parametrize(("step", "count"), [(3.0, 5), (10.0, 2), (0.1, 101)])
def test_the_end_is_always_a_day(tmp_path: Path, step: float, count: int) -> None:
    days = read_simulation(write(tmp_path, BASE.replace("2.5", f"{step}"))).days
    assert days[-1] == 10
    assert days.size == count
    assert (np.diff(days) > 0).all()


def test_the_untreated_arm_is_the_control_unless_another_is_marked(tmp_path: Path) -> None:
    arms = '[[arms]]\nname = "a"\n[[arms]]\nname = "b"\ncontrol = true\n'
    assert read_simulation(write(tmp_path, BASE + arms)).control == "b"


def test_numbers_of_all_arms_and_of_one_replace_those_of_the_sets(tmp_path: Path) -> None:
    text = BASE + '[arms.values.v0]\nvalue = 0.2\nunit = "cm³"\nstatus = "assumed"\n'
    text += '[values.growth_rate]\nvalue = 1.4\nunit = "1/week"\nstatus = "assumed"\n'
    (arm,) = read_simulation(write(tmp_path, text)).arms
    assert arm.parameters["v0"].value == pytest.approx(200)
    assert arm.parameters["growth_rate"].value == pytest.approx(0.2)
    assert arm.changed == ("v0",)


def test_files_beside_the_simulation_are_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'schema = "oncovivo.parameters/1"\nname = "mine"\ntitle = "Mine"\n'
        '[parameters.growth_rate]\nvalue = 0.1\nunit = "1/day"\nstatus = "assumed"\n'
        'source = "none"\n'
        '[parameters.v0]\nvalue = 150.0\nunit = "mm³"\nstatus = "assumed"\nsource = "none"\n',
        encoding="utf-8",
    )
    found = read_simulation(write(tmp_path, BASE.replace('"renal_786o"', '"mine.toml"')))
    assert found.arms[0].parameters["v0"].value == 150


def test_names_of_a_block_can_be_changed(tmp_path: Path) -> None:
    text = """
schema = "oncovivo.simulation/1"
title = "Bolus"
blocks = ["animal", { block = "pk_bolus", rename = { drug = "gemcitabine" } }]
parameters = ["mouse_20g"]
[time]
days = [0, 1.0]
[[arms]]
name = "once"
regimen = "gemcitabine 10 mg/kg i.v. once"
"""
    with pytest.raises(InputError, match="a value for each of"):
        read_simulation(write(tmp_path, text))
    with pytest.raises(InputError, match="a compound of the model: "):
        read_simulation(
            write(
                tmp_path, BASE + '[[arms]]\nname = "b"\nregimen = "docetaxel 1 mg/kg i.v. once"\n'
            )
        )


@pytest.mark.parametrize(
    ("old", "new", "kind", "words"),
    [
        ('title = "Exponential tumors"', "", FileFormatError, "title"),
        ("end = 10.0", "end = -1.0", FileFormatError, "end"),
        ("step = 2.5", "days = [0.0, 1.0]\nstep = 2.5", InputError, "end and step, or with days"),
        ("end = 10.0\nstep = 2.5", "days = [3.0]", InputError, "two days or more"),
        ('"exponential"', '"exponentail"', InputError, "exponential"),
        ('"renal_786o"', '"renal_786"', InputError, "renal_786o"),
        ('name = "vehicle"', 'name = "vehicle"\ndose = 3', FileFormatError, "dose"),
        ("end = 10.0", "end = 10.0\nreport = [4.0]", InputError, "among the days"),
        ('title = "E', 'outputs = ["volume"]\ntitle = "E', InputError, "an output of the model"),
        ('"tumor", "exponential"', '"exponential"', InputError, "proliferating"),
    ],
)
def test_a_slip_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, kind: type[InputError], words: str
) -> None:
    assert old in BASE
    with pytest.raises(kind, match=words):
        read_simulation(write(tmp_path, BASE.replace(old, new)))


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ('[values.v0]\nvalue = 1.0\nunit = "day"\nstatus = "assumed"\n', UnitError, "v0"),
        ('[values.v0]\nvalue = 1.0\nunit = "mm³"\n', FileFormatError, "status"),
        ('[values.v0]\nvalue = 1.0\nunit = "mm³"\nstatus = "measured"\n', InputError, "a source"),
        ('[values.v9]\nvalue = 1.0\nunit = "1"\nstatus = "assumed"\n', InputError, "v9"),
        ('[values.v0]\nvalue = -1.0\nunit = "mm³"\nstatus = "assumed"\n', InputError, "v0"),
        ('[[arms]]\nname = "vehicle"\n', InputError, "each arm once"),
        ("[study]\nanimals_per_arm = 5\nlimit_mm3 = 14.0\n", InputError, "days or every"),
        (
            "[study]\nanimals_per_arm = 5\nlimit_mm3 = 14.0\ndays = [0.0]\n",
            InputError,
            "two visits or more",
        ),
        ("[band]\nlevel = 2.0\n", FileFormatError, "level"),
    ],
)
def test_a_number_or_plan_that_does_not_fit_is_refused(
    tmp_path: Path, more: str, kind: type[InputError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_simulation(write(tmp_path, BASE + more))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="a simulation file"):
        read_simulation(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FileFormatError, match="UTF-8"):
        read_simulation(tmp_path / "bytes.toml")


def test_the_plan_of_a_fit_is_told_from_a_simulation(tmp_path: Path) -> None:
    text = BASE.replace("oncovivo.simulation/1", "oncovivo.fit/1")
    with pytest.raises(FileFormatError, match="run oncovivo mechanism fit"):
        read_simulation(write(tmp_path, text))
