"""Closed forms beside hand calculations, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from oncovivo.errors import InputError
from oncovivo.mechanism import derived

FADU = {"dose": 2.0, "alpha": 0.08, "beta": 0.008}
SENSITIZATION = 0.45


def test_static_concentration_is_where_kill_and_growth_balance() -> None:
    concentration = derived.static_concentration(0.273, 6.29e-4)
    assert 6.29e-4 * concentration == pytest.approx(0.273, rel=1e-15)
    assert concentration == pytest.approx(434.02, abs=0.01)


def test_growth_delay_of_simeonis_paclitaxel() -> None:
    # 30 mg/kg over 0.81 L/kg is 37.037 mg/L; over 0.868/h an AUC of 1777.86 ng day/mL.
    auc = 30.0 / 0.81 * 1000.0 / (0.868 * 24.0)
    assert auc == pytest.approx(1777.89, abs=0.05)
    assert derived.growth_delay(6.29e-4, auc, 0.273) == pytest.approx(4.09631, abs=5e-6)


def test_mean_death_time_counts_stages() -> None:
    assert derived.mean_death_time(0.968) == pytest.approx(3.0 / 0.968)
    assert derived.mean_death_time(0.5, stages=1) == 2.0


def test_radiation_survival_by_hand() -> None:
    # 0.08*2 + 0.008*4 = 0.192
    assert derived.lq_survival(**FADU) == pytest.approx(math.exp(-0.192), rel=1e-15)
    assert derived.lq_survival(**FADU, factor=2.0) == pytest.approx(math.exp(-0.384), rel=1e-15)
    assert derived.lq_survival(0.0, 0.08, 0.008) == 1.0


@pytest.mark.parametrize(("mg_per_kg", "percent"), [(10.0, 24), (50.0, 46), (200.0, 85)])
def test_cardilins_kill_follows_from_one_dose(mg_per_kg: float, percent: int) -> None:
    at_200 = derived.sensitizer_concentration(0.85, **FADU, sensitization=SENSITIZATION)
    # -ln(0.15) = 1.89712; / 0.192 = 9.88083; - 1 = 8.88083; / 0.45 = 19.7352
    assert at_200 == pytest.approx(19.7352, abs=1e-3)
    factor = 1.0 + SENSITIZATION * at_200 * mg_per_kg / 200.0
    killed = 1.0 - derived.lq_survival(**FADU, factor=factor)
    assert round(100.0 * killed) == percent


def test_no_sensitizer_is_needed_for_what_radiation_kills_alone() -> None:
    alone = 1.0 - derived.lq_survival(**FADU)
    needed = derived.sensitizer_concentration(alone, **FADU, sensitization=SENSITIZATION)
    assert needed == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("fkbp", "free"), [(100.0, 0.2 * 12.0 / 88.0), (1000.0, 0.2 * 12.0 / 988.0)]
)
def test_free_drug_for_half_occupancy(fkbp: float, free: float) -> None:
    found = derived.free_drug_for_inhibition(0.5, fkbp, 0.2, 12.0)
    assert found == pytest.approx(free, rel=1e-14)
    assert found == pytest.approx(0.027 if fkbp == 100.0 else 0.0024, rel=0.02)


@pytest.mark.parametrize("inhibition", [0.1, 0.5, 0.85])
def test_free_drug_gives_the_inhibition_back(inhibition: float) -> None:
    free = derived.free_drug_for_inhibition(inhibition, 100.0, 0.2, 12.0)
    bound = 100.0 * free / (0.2 + free)
    assert bound / (bound + 12.0) == pytest.approx(inhibition, rel=1e-13)


def test_clearance_of_the_label() -> None:
    # 25 mg = 25000 ug; 25000 ug / 1627 ug h/L
    assert derived.clearance_of_auc(25e3, 1627.0) == pytest.approx(15.3657, abs=5e-5)


@pytest.mark.parametrize(("hours", "peak", "misfit"), [(0.5, 878.8, 0.502), (1.0, 640.7, 0.095)])
def test_misfit_of_the_labels_cmax_is_stated(hours: float, peak: float, misfit: float) -> None:
    clearance = derived.clearance_of_auc(25e3, 1627.0)
    found = derived.infusion_peak(25e3, hours, clearance, 18.9, [(10.4, 12.9), (9.15, 140.0)])
    assert found == pytest.approx(peak, abs=0.05)
    assert derived.relative_misfit(found, 585.0) == pytest.approx(misfit, abs=5e-4)


def test_infusion_into_one_compartment_has_its_closed_form() -> None:
    found = derived.infusion_peak(100.0, 2.0, 5.0, 10.0)
    assert found == pytest.approx(100.0 / (2.0 * 5.0) * (1.0 - math.exp(-0.5 * 2.0)), rel=1e-14)


def test_a_short_infusion_peaks_like_a_bolus() -> None:
    found = derived.infusion_peak(100.0, 1e-9, 5.0, 10.0, [(3.0, 20.0)])
    assert found == pytest.approx(10.0, rel=1e-8)


def test_metabolite_ratio_with_the_fitted_clearance_is_about_one() -> None:
    clearance = derived.clearance_of_auc(25e3, 1627.0)
    ratio = derived.metabolite_ratio(0.459, 914.2 / 1030.3, clearance, 6.08)
    assert ratio == pytest.approx(1.0293, abs=1e-4)


def test_allometry_leaves_the_reference_alone() -> None:
    assert derived.allometric_value(15.0, 70.0, 70.0, 0.75) == 15.0
    assert derived.allometric_value(16.0, 1.0, 16.0, 0.75) == pytest.approx(2.0)


def test_vessels_rest_where_gain_and_loss_balance() -> None:
    volume = derived.vessel_equilibrium(5.0, 0.02)
    assert 5.0 * volume == pytest.approx(0.02 * volume ** (2.0 / 3.0) * volume)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: derived.static_concentration(0.2, 0.0), "potency above 0"),
        (lambda: derived.static_concentration(-0.2, 1.0), "growth rate of 0 or more"),
        (lambda: derived.growth_delay(1.0, math.inf, 1.0), "AUC of 0 or more"),
        (lambda: derived.growth_delay(1.0, 1.0, 0.0), "growth rate above 0"),
        (lambda: derived.mean_death_time(1.0, stages=0), "one stage or more"),
        (lambda: derived.lq_survival(-1.0, 0.1, 0.0), "dose of 0 or more"),
        (lambda: derived.lq_survival(1.0, 0.1, 0.0, factor=math.nan), "factor of 0 or more"),
        (
            lambda: derived.sensitizer_concentration(0.1, **FADU, sensitization=0.45),
            "from 0.175, which radiation alone kills",
        ),
        (
            lambda: derived.sensitizer_concentration(1.0, **FADU, sensitization=0.45),
            "to below 1",
        ),
        (lambda: derived.free_drug_for_inhibition(1.0, 100.0, 0.2, 12.0), "between 0 and 1"),
        (lambda: derived.free_drug_for_inhibition(0.9, 100.0, 0.2, 12.0), "below 0.893"),
        (lambda: derived.clearance_of_auc(0.0, 1.0), "dose above 0"),
        (lambda: derived.metabolite_ratio(1.5, 1.0, 1.0, 1.0), "fraction from 0 to 1"),
        (lambda: derived.infusion_peak(1.0, 0.0, 1.0, 1.0), "duration above 0"),
        (lambda: derived.infusion_peak(1.0, 1.0, 1.0, 1.0, [(0.0, 1.0)]), "flow above 0"),
        (lambda: derived.relative_misfit(1.0, 0.0), "printed value above 0"),
        (lambda: derived.allometric_value(1.0, 0.0, 1.0, 1.0), "body weight above 0"),
        (lambda: derived.vessel_equilibrium(1.0, 0.0), "loss above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(call: Callable[[], float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
