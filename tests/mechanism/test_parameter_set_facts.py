"""Shipped numbers against the arithmetic and the sources that they state."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from oncovivo.mechanism.blocks import read_block
from oncovivo.mechanism.derived import (
    allometric_value,
    clearance_of_auc,
    infusion_peak,
    lq_survival,
    metabolite_ratio,
)
from oncovivo.mechanism.dimensions import parse_compound_unit
from oncovivo.mechanism.doses import dose_table
from oncovivo.mechanism.engine import simulate_model
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import ParameterSet, ParameterValue, read_parameter_set, resolve
from oncovivo.mechanism.toml_files import shipped_names

SETS = {name: read_parameter_set(name) for name in shipped_names("parameter_sets")}
HUMAN, MOUSE = SETS["temsirolimus_human"], SETS["temsirolimus_mouse_scaled"]
WEIGHTS = (20.0, 70_000.0)


def _number(numbers: ParameterSet, name: str, unit: str) -> float:
    """A number of a set in a unit."""
    given = numbers.values[name]
    return given.value * parse_compound_unit(given.unit).to(parse_compound_unit(unit))


def _pk(name: str) -> tuple[Model, NDArray[np.float64]]:
    """The model of temsirolimus with a set, its doses at once."""
    model = build_model([read_block("temsirolimus_sirolimus")])
    at_once = ParameterValue(value=0.0, unit="h", status="assumed")
    return model, resolve(model, [SETS[name]], {"infusion_time": at_once}).values


def test_clearance_in_patients_is_dose_over_the_labels_auc() -> None:
    assert _number(HUMAN, "CL_T", "L/h") == pytest.approx(
        clearance_of_auc(25e3, 1627.0), rel=1e-14
    )
    assert HUMAN.values["CL_T"].status == "fitted"
    assert "1627" in HUMAN.sources["label"]


def test_25_mg_in_patients_gives_the_labels_auc() -> None:
    model, values = _pk("temsirolimus_human")
    matrix = model.pk[0].rate_matrix(values)
    dose = np.array([25e3, 0.0, 0.0, 0.0, 0.0])
    areas = np.linalg.solve(-matrix, dose)[[0, 3]] * model.pk[0].concentration_factors(values)
    assert 24.0 * areas[0] == pytest.approx(1627.0, rel=1e-12)
    # The public numbers of children give sirolimus 1.03 times temsirolimus, and no more.
    ratio = metabolite_ratio(0.459, 914.2 / 1030.3, _number(HUMAN, "CL_T", "L/h"), 6.08)
    assert areas[1] / areas[0] == pytest.approx(ratio, rel=1e-12)
    assert ratio == pytest.approx(1.03, abs=0.005)
    assert "1.03" in HUMAN.values["Fm"].note


@pytest.mark.parametrize(("hours", "rounded"), [(0.5, 879), (1.0, 641)])
def test_the_note_on_cmax_is_what_the_model_gives(hours: float, rounded: int) -> None:
    model = build_model([read_block("temsirolimus_sirolimus")])
    infused = ParameterValue(value=hours, unit="h", status="assumed")
    values = resolve(model, [HUMAN], {"infusion_time": infused}).values
    dose = {"temsirolimus": dose_table([0.0], [25e3])}
    found = simulate_model(model, values, dose, [hours / 24.0]).outputs[0, 0]
    cmax = found[model.output_names.index("temsirolimus_blood")]
    closed = infusion_peak(25e3, hours, 25e3 / 1627.0, 18.9, [(10.4, 12.9), (9.15, 140.0)])
    assert cmax == pytest.approx(closed, rel=1e-9)
    assert round(cmax) == rounded
    note = HUMAN.values["CL_T"].note
    assert f"{rounded}" in note
    assert "585" in note
    assert f"{100.0 * (cmax / 585.0 - 1.0):.0f} %" in note


def test_parent_and_metabolite_keep_their_mass() -> None:
    model, values = _pk("temsirolimus_human")
    matrix = model.pk[0].rate_matrix(values)
    at = model.parameter_names.index
    leaving = matrix.sum(axis=0)
    clearance, volume = values[at("CL_T")] * 24.0, values[at("V1")]
    kept = values[at("Fm")] * 914.2 / 1030.3
    assert leaving[0] == pytest.approx(-clearance / volume * (1.0 - kept), rel=1e-12)
    np.testing.assert_allclose(leaving[[1, 2, 4]], 0.0, atol=1e-12)


def test_the_steady_volume_of_patients_is_that_of_the_source() -> None:
    assert sum(_number(HUMAN, name, "L") for name in ("V1", "V2", "V3")) == pytest.approx(171.8)


@pytest.mark.parametrize("name", ["CL_T", "Q2", "Q3", "CL_S", "Q5", "V1", "V2", "V3", "V4", "V5"])
def test_numbers_of_mice_are_scaled_and_say_so(name: str) -> None:
    unit, exponent = ("mL", 1.0) if name[0] == "V" else ("mL/h", 0.75)
    scaled = allometric_value(_number(HUMAN, name, unit), *WEIGHTS, exponent)
    given = MOUSE.values[name]
    assert _number(MOUSE, name, unit) == pytest.approx(scaled, rel=1e-5)
    assert given.status == "scaled"
    assert given.uncertainty_cv is not None
    assert given.uncertainty_cv >= 0.5
    assert "not measured in mice" in given.note


def test_a_cv_of_60_percent_is_an_error_of_three_times() -> None:
    deviation = math.sqrt(math.log1p(0.6**2))
    assert math.exp(1.96 * deviation) == pytest.approx(3.0, abs=0.1)


def test_scaled_kinetics_in_mice_have_the_size_that_scaling_gives() -> None:
    model, values = _pk("temsirolimus_mouse_scaled")
    rates = np.linalg.eigvals(model.pk[0].rate_matrix(values)[:3, :3]).real
    assert 24.0 * math.log(2.0) / -rates.max() == pytest.approx(2.27, abs=0.05)  # hours
    # 20 mg/kg in 20 g: 400 ug over 33.77 mL/h
    assert 400e3 / _number(MOUSE, "CL_T", "mL/h") == pytest.approx(11_846.0, abs=1.0)


def test_nothing_about_temsirolimus_in_mice_passes_for_measured() -> None:
    assert {given.status for given in MOUSE.values.values()} == {"scaled", "assumed"}


def test_binding_constants_are_those_read() -> None:
    target = SETS["rapalog_target"]
    assert _number(target, "K1", "nmol/L") == 0.2
    assert _number(target, "K2", "nmol/L") == 12.0
    for name in ("fkbp_total", "free_tumor_share", "tumor_exchange"):
        assert target.values[name].status == "assumed"
        assert target.values[name].source == "none"


def test_s6k_keeps_the_rates_of_the_deposited_model() -> None:
    core = SETS["mtor_core_default"]
    assert _number(core, "s6k_on", "1/min") == 0.00574
    assert _number(core, "s6k_off", "1/min") == 0.00528
    sourced = {name for name, given in core.values.items() if given.source != "none"}
    assert sourced == {"s6k_on", "s6k_off"}


def test_786o_doubles_in_five_days() -> None:
    line = SETS["renal_786o"]
    rate = _number(line, "growth_rate", "1/day")
    assert rate == pytest.approx(0.1368)
    assert math.log(2.0) / rate == pytest.approx(5.1, abs=0.05)
    cv = line.values["growth_rate"].between_animal_cv
    assert cv == pytest.approx(math.sqrt(math.expm1(0.0276)), abs=5e-4)
    kill = SETS["apitolisib_786o"].values["kill_max"].between_animal_cv
    assert kill == pytest.approx(math.sqrt(math.expm1(0.0529)), abs=5e-4)


def test_fadu_starts_where_untreated_growth_is_its_net_rate() -> None:
    line = SETS["fadu_growth"]
    made, dies = (_number(line, name, "1/day") for name in ("growth_rate", "death_rate"))
    assert made - dies == pytest.approx(0.22)
    assert _number(line, "initial_ratio", "1") == pytest.approx(dies / made, rel=1e-12)
    for name, deviation in (("v0", 0.21), ("capacity", 0.32)):
        cv = line.values[name].between_animal_cv
        assert cv == pytest.approx(math.sqrt(math.expm1(deviation**2)), abs=1e-3)


def test_fadu_has_the_fixed_ratio_of_alpha_and_beta() -> None:
    radiation = SETS["fadu_radiation"]
    alpha, beta = _number(radiation, "lq_alpha", "1/Gy"), _number(radiation, "lq_beta", "1/Gy^2")
    assert alpha / beta == pytest.approx(10.0)
    assert 1.0 - lq_survival(2.0, alpha, beta) == pytest.approx(0.175, abs=5e-4)


def test_rs1_clearance_is_elimination_times_volume() -> None:
    drug = SETS["rs1_fadu"]
    volume = _number(drug, "v", "L/kg")
    assert _number(drug, "cl", "L/h/kg") == pytest.approx(0.21011834 * volume, rel=1e-6)


def test_a2780_is_in_volumes_at_one_gram_per_milliliter_and_says_so() -> None:
    line = SETS["a2780_simeoni"]
    assert _number(line, "lambda1", "mL/day") == pytest.approx(0.814)
    assert _number(line, "v0", "mL") == pytest.approx(0.055)
    for name in ("lambda1", "v0"):
        assert line.values[name].status == "scaled"
        assert "1 g/mL" in line.values[name].note


@pytest.mark.parametrize("name", sorted(SETS))
def test_what_is_assumed_without_a_source_says_why(name: str) -> None:
    for parameter, given in SETS[name].values.items():
        if given.source == "none":
            assert given.note, parameter


@pytest.mark.parametrize("name", sorted(SETS))
def test_no_set_names_an_unchecked_source(name: str) -> None:
    # Known from memory only: they stay out until their papers were read.
    text = " ".join(SETS[name].sources.values())
    for author in ("Shor", "Hahnfeldt", "Claret"):
        assert author not in text
