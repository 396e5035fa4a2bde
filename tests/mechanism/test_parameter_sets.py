"""Parameter sets: status and source of each number, and how they fill a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oncovivo.errors import FileFormatError, InputError, ProjectError, UnitError
from oncovivo.mechanism.blocks import block_from_content
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterSet,
    ParameterValue,
    parameter_set_from_content,
    read_parameter_set,
    resolve,
)
from oncovivo.mechanism.toml_files import shipped_names
from oncovivo.texts import parse_toml

MODEL = """
schema = "oncovivo.block/1"
name = "linear_growth"
title = "Growth that becomes linear"
source = "none"
provides = "growth"
[parameters.lambda0]
unit = "1/day"
meaning = "growth rate"
lower = 0.0
open = true
[parameters.lambda1]
unit = "mm³/day"
meaning = "linear growth"
lower = 0.0
[parameters.share]
unit = "1"
meaning = "share that grows"
lower = 0.0
upper = 1.0
transform = "logit"
[parameters.shift]
unit = "mm³"
meaning = "offset"
[states.x]
unit = "mm³"
meaning = "tumor"
initial = "shift"
rate = "share*min(lambda0*x, lambda1)"
"""

SET = """
schema = "oncovivo.parameters/1"
name = "line"
title = "A tumor line"
[sources.simeoni2004]
citation = "Simeoni M, et al. Cancer Res 2004;64:1094-1101"
[parameters.lambda0]
value = 0.01
unit = "1/h"
status = "fitted"
source = "simeoni2004: Table 1"
between_animal_cv = 0.3
[parameters.lambda1]
value = 0.8
unit = "mL/day"
status = "scaled"
source = "simeoni2004"
uncertainty_cv = 0.5
note = "scaled by volume"
[parameters.share]
value = 90
unit = "%"
status = "assumed"
source = "none"
between_animal_sd = 0.5
[parameters.shift]
value = -3
unit = "mm³"
status = "measured"
source = "simeoni2004: text"
"""


@pytest.fixture
def model() -> Model:
    return build_model([block_from_content(parse_toml(MODEL, where="b"), file="b.toml")])


def parameter_set(text: str, file: str = "s.toml") -> ParameterSet:
    return parameter_set_from_content(parse_toml(text, where=file), file=file)


def test_numbers_come_in_the_units_of_the_model(model: Model) -> None:
    resolved = resolve(model, [parameter_set(SET)])
    np.testing.assert_allclose(resolved.values, [0.24, 800.0, 0.9, -3.0], rtol=1e-15)
    assert [entry.name for entry in resolved] == list(model.parameter_names)
    assert len(resolved) == 4


def test_status_and_source_travel_with_the_number(model: Model) -> None:
    resolved = resolve(model, [parameter_set(SET)])
    entry = resolved["lambda1"]
    assert (entry.status, entry.origin, entry.source) == ("scaled", "line", "simeoni2004")
    assert entry.citation.startswith("Simeoni")
    assert (entry.given.value, entry.given.unit) == (0.8, "mL/day")
    assert entry.unit.symbol == "mm³/day"
    assert entry.uncertainty_cv == 0.5
    assert entry.note == "scaled by volume"
    assert resolved["share"].between_animal_sd == 0.5
    assert (resolved.assumed_count, resolved.scaled_count) == (1, 1)
    assert resolved.count("measured") == resolved.count("fitted") == 1
    assert resolved.count("fitted", ["lambda1", "share"]) == 0
    assert resolved.count("assumed", ["lambda1", "share"]) == 1


def test_an_unknown_name_of_a_resolved_parameter_is_suggested(model: Model) -> None:
    with pytest.raises(InputError, match="did you mean lambda"):
        resolve(model, [parameter_set(SET)])["lamda0"]


def test_a_volume_where_a_volume_per_time_belongs_names_both_units(model: Model) -> None:
    # Mukker 2026 prints the linear growth rate as 6.4 mm³/h beside volumes that are 1000 times
    # off. A set that drops the time is refused; one that says mL/h is 1000 times as much as mm³/h
    # and shows it, because nothing is read without its unit.
    with pytest.raises(UnitError, match=r"unit like mm³/day \(mm³/day\), found 6\.4 mL \(mm³\)"):
        resolve(model, [parameter_set(_linear(6.4, "mL"))])
    printed = resolve(model, [parameter_set(_linear(6.4, "mm³/h"))])["lambda1"].value
    wrong = resolve(model, [parameter_set(_linear(6.4, "mL/h"))])["lambda1"].value
    assert printed == pytest.approx(6.4 * 24)
    assert wrong == pytest.approx(1000 * printed)


def test_a_tumor_mass_is_no_tumor_volume(model: Model) -> None:
    # Simeoni 2004 states lambda1 in g/day, Reig-Lopez 2020 fits volumes: no density is assumed.
    with pytest.raises(UnitError, match=r"lambda1 in a unit like mm³/day .* found 0\.814 g/day"):
        resolve(model, [parameter_set(_linear(0.814, "g/day"))])


def _linear(value: float, unit: str) -> str:
    return SET.replace('value = 0.8\nunit = "mL/day"', f'value = {value}\nunit = "{unit}"')


def test_a_missing_number_is_named(model: Model) -> None:
    with pytest.raises(InputError, match=r"\(none\).*none for lambda0, lambda1, share, shift;"):
        resolve(model, [])
    with pytest.raises(InputError, match=r"line: .*none for shift;"):
        resolve(model, [parameter_set(SET[: SET.index("[parameters.shift]")])])


def test_an_unused_number_is_named_with_a_suggestion(model: Model) -> None:
    with pytest.raises(InputError, match=r"s\.toml: .*'lambda00'.*did you mean lambda0"):
        resolve(
            model, [parameter_set(SET.replace("[parameters.lambda0]", "[parameters.lambda00]"))]
        )


def test_a_number_in_two_sets_is_named_with_both(model: Model) -> None:
    other = SET.replace('name = "line"', 'name = "other"')
    with pytest.raises(InputError, match="lambda0 in line and in other"):
        resolve(model, [parameter_set(SET), parameter_set(other)])


def test_an_override_replaces_or_adds_a_number_with_its_own_status(model: Model) -> None:
    part = SET[: SET.index("[parameters.shift]")]
    overrides = {
        "lambda0": ParameterValue(value=1.0, unit="1/day", status="measured", source="study 12"),
        "shift": ParameterValue(value=0.1, unit="mL", status="assumed"),
    }
    resolved = resolve(model, [parameter_set(part)], overrides)
    assert resolved["lambda0"].value == 1.0
    assert resolved["lambda0"].origin == "override"
    assert resolved["lambda0"].status == "measured"
    assert resolved["lambda0"].between_animal_cv is None
    assert resolved["shift"].value == pytest.approx(100.0)
    assert resolved.assumed_count == 2


def test_an_override_of_what_the_model_lacks_is_refused(model: Model) -> None:
    value = ParameterValue(value=1.0, unit="1/day", status="assumed")
    with pytest.raises(InputError, match="as override, found 'lambda3'; did you mean lambda"):
        resolve(model, [parameter_set(SET)], {"lambda3": value})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value = 0.01", "value = 0.0", "lambda0 of at least 0 1/day .not at it."),
        ("value = 0.01", "value = -0.01", "lambda0 of at least"),
        ("value = 0.8", "value = -1", "lambda1 of at least 0 mm³/day"),
        ("value = 90", "value = 120", "share of at most 1"),
        ("between_animal_sd = 0.5", "between_animal_cv = 0.5", "between_animal_sd on the logit"),
        ("between_animal_cv = 0.3", "between_animal_sd = 0.3", "between_animal_cv, because"),
        ("value = 90", "value = 100", "lies on a bound of its scale"),
    ],
)
def test_numbers_keep_to_bounds_and_scale(model: Model, old: str, new: str, said: str) -> None:
    assert old in SET
    with pytest.raises(InputError, match=said):
        resolve(model, [parameter_set(SET.replace(old, new))])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('status = "fitted"\n', "", "status"),
        ('status = "fitted"', 'status = "known"', "status"),
        ('source = "simeoni2004: Table 1"\n', "", "source"),
        ('source = "simeoni2004: Table 1"', 'source = "none"', "a source for what is fitted"),
        ('"simeoni2004: Table 1"', '"simeoni2005"', "did you mean simeoni2004"),
        ("value = 0.01", "value = inf", "value"),
        ("value = 0.01", 'value = "0.01"', "value"),
        ("between_animal_cv = 0.3", "between_animal_cv = -0.3", "not negative"),
        ("uncertainty_cv = 0.5", "uncertainty_cv = -1", "not negative"),
        ("uncertainty_cv = 0.5", "uncertainty = 0.5", "a key that does not exist"),
        ('unit = "1/h"', 'unit = "per hour"', "lambda0"),
        ('unit = "1/h"\n', "", "unit"),
        ("between_animal_sd = 0.5", "between_animal_sd=0.5\nbetween_animal_cv=0.5", "both"),
        ("oncovivo.parameters/1", "oncovivo.parameters/9", "schema"),
        ("[sources.simeoni2004]", "[sources.x]\ncitation = 'x'\n[sources.simeoni2004]", "'x'"),
    ],
)
def test_a_file_that_is_no_parameter_set_is_refused(old: str, new: str, said: str) -> None:
    assert old in SET
    with pytest.raises(ProjectError, match=said) as caught:
        parameter_set(SET.replace(old, new))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"value": float("nan")},
        {"status": "measured"},
        {"status": "guessed"},
        {"source": " "},
        {"unit": "furlong"},
        {"uncertainty_cv": float("inf")},
    ],
)
def test_a_value_made_in_python_is_checked_alike(fields: dict[str, object]) -> None:
    given: dict[str, object] = {"value": 1.0, "unit": "1/day", "status": "assumed", **fields}
    with pytest.raises(InputError):
        ParameterValue(**given)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("name", shipped_names("parameter_sets"))
def test_every_shipped_set_is_read_under_its_own_name(name: str) -> None:
    found = read_parameter_set(name)
    assert found.name == name
    assert all(v.source != "none" or v.status == "assumed" for v in found.values.values())


def test_a_set_of_a_project_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SET, encoding="utf-8")
    assert read_parameter_set(path).name == "line"
    with pytest.raises(FileFormatError, match="a readable file"):
        read_parameter_set(tmp_path / "other.toml")
    with pytest.raises(InputError, match="a parameter set that is shipped"):
        read_parameter_set("no_such_set")
