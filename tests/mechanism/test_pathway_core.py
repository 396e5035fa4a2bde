"""Target and pathway: at rest without drug, and what is known of rapalogs under it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from oncovivo.mechanism.blocks import read_block
from oncovivo.mechanism.derived import free_drug_for_inhibition
from oncovivo.mechanism.doses import dose_table
from oncovivo.mechanism.engine import simulate_model
from oncovivo.mechanism.model import Model, build_model
from oncovivo.mechanism.parameters import (
    ParameterValue,
    ResolvedParameters,
    read_parameter_set,
    resolve,
)

Array = NDArray[np.float64]

GROWTH = (
    "animal",
    "temsirolimus_sirolimus",
    "fkbp_mtorc1",
    "mtor_core",
    "inhibition_pathway",
    "growth_inhibition",
    "tumor",
    "exponential",
)
VESSELS = (
    "animal",
    "temsirolimus_sirolimus",
    "fkbp_mtorc1",
    "mtor_core",
    "vegf_vessels",
    "tumor",
    "hahnfeldt",
)
TARGET_SETS = ("mouse_20g", "temsirolimus_mouse_scaled", "rapalog_target", "mtor_core_default")
SETS = {
    GROWTH: (*TARGET_SETS, "rapalog_growth", "renal_786o"),
    VESSELS: (*TARGET_SETS, "renal_vessels"),
}
PATHWAY = ("drug_tumor", "ps6k", "ps6", "p4ebp1", "cyclin_d1", "hif", "vegf")
SATURATING = np.array([1e5, 1e5])

Changes = Mapping[str, float]


def _resolved(
    blocks: tuple[str, ...], changes: Changes | None = None
) -> tuple[Model, ResolvedParameters]:
    """A model with its numbers, some of them changed (in the blocks' units)."""
    model = build_model([read_block(name) for name in blocks])
    overrides = {
        name: ParameterValue(
            value=value, unit=model.quantities[name].unit.symbol, status="assumed"
        )
        for name, value in (changes or {}).items()
    }
    sets = [read_parameter_set(name) for name in SETS[blocks]]
    return model, resolve(model, sets, overrides)


def _run(
    mg_per_kg: float,
    days: Sequence[float],
    times: Sequence[float],
    changes: Changes | None = None,
    blocks: tuple[str, ...] = GROWTH,
) -> dict[str, Array]:
    """Outputs of the typical mouse at the times, after doses on the days."""
    model, resolved = _resolved(blocks, changes)
    doses = {}
    if mg_per_kg:
        amounts = [mg_per_kg] * len(days)
        doses = {"temsirolimus": dose_table(days, amounts, per_gram=True)}
    found = simulate_model(model, resolved.values, doses, times, engine="adaptive")
    return dict(zip(model.output_names, found.outputs[0].T, strict=True))


GENOTYPES: tuple[dict[str, float], ...] = (
    {},
    {"pi3k": 3.0},
    {"cyclin_coupling": 0.0},
    {"feedback": 0.0, "rapamycin_share": 1.0},
)


@pytest.mark.parametrize("changes", GENOTYPES)
@pytest.mark.parametrize("blocks", [GROWTH, VESSELS])
def test_initial_values_are_the_drug_free_steady_state(
    blocks: tuple[str, ...], changes: dict[str, float]
) -> None:
    model, resolved = _resolved(blocks, changes)
    values = resolved.values
    initial = model.initial(values)
    rates = model.rhs(0.0, initial, values, np.zeros(2))
    at = [model.state_names.index(name) for name in PATHWAY]
    assert np.abs(rates[at]).max() < 1e-10
    found = model.steady_state(values, PATHWAY)
    np.testing.assert_allclose(found.state, initial, rtol=1e-9)


@pytest.mark.parametrize("changes", GENOTYPES[:2])
@pytest.mark.parametrize("blocks", [GROWTH, VESSELS])
def test_drawn_edges_and_equations_agree(
    blocks: tuple[str, ...], changes: dict[str, float]
) -> None:
    model, resolved = _resolved(blocks, changes)
    assert len(model.edges) >= 13
    assert model.check_edges(resolved) == ()


def test_without_drug_every_marker_stays_where_it_is() -> None:
    outputs = _run(0.0, [], [0.0, 7.0, 28.0])
    for name in ("phospho_akt", "phospho_s6k", "phospho_s6", "cyclin_d1_level", "vegf_level"):
        np.testing.assert_allclose(outputs[name], 1.0, atol=1e-9)
    grown = outputs["tumor_volume"][1] / outputs["tumor_volume"][0]
    assert math.log(grown) == pytest.approx(0.0057 * 24.0 * 7.0, rel=1e-5)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_free_drug_of_the_occupancy_arithmetic_inhibits_its_share(share: float) -> None:
    model, resolved = _resolved(GROWTH)
    free = free_drug_for_inhibition(share, 100.0, 0.2, 12.0)
    state = model.initial(resolved.values)
    state[model.state_names.index("drug_tumor")] = free + 100.0 * free / (0.2 + free)
    read = model.compile_quantities(["free_drug", "mtorc1_inhibition"])
    found = read(0.0, state, resolved.values, np.zeros(2))
    np.testing.assert_allclose(found, [free, share], rtol=1e-9)


def test_temsirolimus_and_sirolimus_share_one_pool() -> None:
    model, resolved = _resolved(GROWTH)
    state = model.initial(resolved.values)
    # The same number of molecules: 100 nmol/L of either, or half and half.
    mixes = [(103.03, 0.0), (0.0, 91.42), (51.515, 45.71)]
    rates = [model.rhs(0.0, state, resolved.values, np.array(mix)) for mix in mixes]
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-12)
    np.testing.assert_allclose(rates[2], rates[0], rtol=1e-12)


def test_drug_leaves_the_tumor_only_as_far_as_it_is_free() -> None:
    model, resolved = _resolved(GROWTH)
    state = model.initial(resolved.values)
    at = model.state_names.index("drug_tumor")
    state[at] = 50.0
    read = model.compile_quantities(["free_drug"])
    free = read(0.0, state, resolved.values, np.zeros(2))[0]
    rate = model.rhs(0.0, state, resolved.values, np.zeros(2))[at]
    assert rate == pytest.approx(-240.0 * free)
    assert free < 0.01 * 50.0


@pytest.mark.parametrize("mg_per_kg", [2.0, 20.0])
def test_s6k_inhibition_outlasts_exposure(mg_per_kg: float) -> None:
    # Everolimus in a rat tumor: inactive for 72 h at least after one dose (Boulay 2004).
    outputs = _run(mg_per_kg, [0.0], [1 / 24, 1.5, 2.0, 3.0])
    blood = outputs["temsirolimus_blood"] + outputs["sirolimus_blood"]
    assert blood[1] < 0.005 * blood[0]
    assert outputs["phospho_s6k"][2] < 0.60
    assert outputs["phospho_s6k"][3] < 0.75


def test_phospho_akt_rises_under_the_drug_by_the_feedback() -> None:
    times = [0.5, 1.0, 2.0]
    assert (_run(2.0, [0.0], times)["phospho_akt"] > 1.1).all()
    without = _run(2.0, [0.0], times, {"feedback": 0.0})
    np.testing.assert_allclose(without["phospho_akt"], 1.0, rtol=1e-12)


def test_4ebp1_keeps_what_resists_rapamycin() -> None:
    outputs = _run(20.0, [0.0], [0.5, 1.0])
    assert (outputs["phospho_4ebp1"] > outputs["phospho_s6k"] + 0.2).all()
    reached = _run(20.0, [0.0], [0.5, 1.0], {"rapamycin_share": 1.0})
    assert (reached["phospho_4ebp1"] < outputs["phospho_4ebp1"] - 0.2).all()


def test_cyclin_d1_hif_and_vegf_fall() -> None:
    outputs = _run(2.0, [0.0], [1.0])
    for name in ("cyclin_d1_level", "hif_level", "vegf_level"):
        assert outputs[name][0] < 0.85, name


def _lost_growth(mg_per_kg: float, every: int) -> float:
    """Log of control over treated volume on day 21."""
    days = [float(day) for day in range(0, 21, every)]
    treated = _run(mg_per_kg, days, [21.0])["tumor_volume"][0]
    return math.log(173.5) + 0.0057 * 24.0 * 21.0 - math.log(treated)


def test_dose_above_saturation_adds_little_and_interval_much() -> None:
    daily = _lost_growth(2.0, 1)
    tenfold = _lost_growth(20.0, 1)
    weekly = _lost_growth(20.0, 7)
    same_total_weekly = _lost_growth(14.0, 7)
    assert 1.0 < tenfold / daily < 1.10
    assert daily / weekly > 1.5
    assert daily / same_total_weekly > 1.5


def test_below_saturation_dose_matters() -> None:
    assert _lost_growth(2.0, 1) > 1.2 * _lost_growth(0.2, 1)


def test_phospho_s6_falls_in_a_resistant_genotype_without_response() -> None:
    days = [float(day) for day in range(21)]
    times = [0.0, 0.5, 7.0, 21.0]
    sensitive = _run(2.0, days, times)
    resistant = _run(2.0, days, times, {"cyclin_coupling": 0.0})
    control = _run(0.0, [], times)
    np.testing.assert_allclose(resistant["phospho_s6"], sensitive["phospho_s6"], rtol=1e-4)
    assert resistant["phospho_s6"][1] < 0.5
    np.testing.assert_allclose(resistant["tumor_volume"], control["tumor_volume"], rtol=1e-4)
    assert sensitive["tumor_volume"][-1] < 0.6 * control["tumor_volume"][-1]


def test_phospho_s6_falls_with_pten_lost() -> None:
    outputs = _run(2.0, [0.0], [0.5], {"pi3k": 3.0})
    assert outputs["phospho_s6"][0] < 0.6


def test_an_akt_inhibitor_adds_to_the_drug() -> None:
    alone = _run(2.0, [0.0], [0.5, 2.0])
    partner = _run(2.0, [0.0], [0.5, 2.0], {"akt_inhibition": 0.7})
    for name in ("phospho_akt", "phospho_s6", "phospho_4ebp1", "cyclin_d1_level"):
        assert (partner[name] < alone[name]).all(), name


def test_growth_falls_by_the_plateau_of_the_source_under_saturation() -> None:
    model, resolved = _resolved(GROWTH)
    values = resolved.values
    rhs = model.rhs.bind(values)
    solved = solve_ivp(
        lambda time, now: rhs(time, now, SATURATING), (0.0, 30.0), model.initial(values), "LSODA"
    )
    state = solved.y[:, -1]
    at = model.state_names.index("proliferating")
    state[at] = 100.0
    rates = model.rhs(0.0, state, values, SATURATING)
    assert 1.0 - rates[at] / 100.0 / (0.0057 * 24.0) == pytest.approx(0.40, abs=0.01)


def test_vessels_follow_vegf_and_a_vegfr_inhibitor_stops_them() -> None:
    days = [float(day) for day in range(21)]
    control = _run(0.0, [], [21.0], blocks=VESSELS)
    treated = _run(2.0, days, [21.0], blocks=VESSELS)
    both = _run(2.0, days, [21.0], {"vegfr_inhibition": 0.8}, blocks=VESSELS)
    for name in ("vessel_capacity", "tumor_volume"):
        assert both[name][0] < treated[name][0] < control[name][0]


def test_most_numbers_behind_the_pathway_are_assumed_and_counted() -> None:
    _, resolved = _resolved(GROWTH)
    assert resolved.assumed_count > len(resolved) / 3
    assert resolved.scaled_count >= 12
    assert resolved["s6k_off"].status == "fitted"
