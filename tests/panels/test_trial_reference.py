"""The PDX Encyclopedia as a mouse clinical trial, against lme4 and against itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from oncovivo.panels import Panel, fit_trial, read_panel, trial_data, trial_events, trial_hazards
from oncovivo.panels.trial_reml import Component, fit_slopes

pytestmark = pytest.mark.realdata
ReadData: TypeAlias = Callable[[str], Path]
ReadReference: TypeAlias = Callable[[str], dict[str, Any]]

ARMS = ["binimetinib", "BKM120", "BYL719", "everolimus", "LEE011", "LEE011 + everolimus"]


@pytest.fixture(scope="module")
def pdxe(shared_data: ReadData) -> Panel:
    return read_panel(shared_data("pdxe/growth.csv"))


def test_rates_of_seven_arms_agree_with_lmer(pdxe: Panel, shared_reference: ReadReference) -> None:
    section = shared_reference("pdxe")["sections"]["97_population_lmm"]
    theirs, tolerance = section["results"], section["tolerance"]
    # The reference has no reading of 0.
    data = trial_data(
        pdxe,
        control="untreated",
        treatments=ARMS,
        baseline="ratio",
        lines="all",
        low="omitted",
    )
    components: tuple[Component, ...] = ("line", "animal")
    assert data.n_readings.sum() == theirs["n_rows"]
    assert (len(data.lines), data.n) == (theirs["n_models"], theirs["n_mice"])
    fit = fit_slopes(data, np.eye(7)[data.arm], components)
    assert fit.converged
    fixed, se = tolerance["fixed"], tolerance["se"]["rel"]
    slopes, contrasts = theirs["slopes"], theirs["contrasts"]
    np.testing.assert_allclose(
        fit.coefficients, slopes["estimate"], rtol=fixed["rel"], atol=fixed["abs"]
    )
    error = np.sqrt(np.diag(fit.derivatives.covariance))
    np.testing.assert_allclose(error, slopes["se"], rtol=se)
    # lme4 warns of its gradient here: ours is the higher one, by less than its tolerance.
    assert fit.log_likelihood == pytest.approx(
        theirs["logLik_REML"], abs=tolerance["logLik"]["abs"]
    )
    assert fit.log_likelihood > theirs["logLik_REML"] - 1e-8
    found = [fit.variance("animal"), fit.variance("line"), float(fit.theta[-1])]
    np.testing.assert_allclose(
        found,
        theirs["varcorr"]["vcov"],
        rtol=tolerance["variance"]["rel"],
        atol=tolerance["variance"]["abs"],
    )
    # The command's model object gives the contrasts.
    trial = fit_trial(data, components=components)
    assert [effect.treatment for effect in trial.effects] == contrasts["arm"]
    np.testing.assert_allclose(
        [effect.estimate or 0.0 for effect in trial.effects],
        contrasts["estimate"],
        rtol=fixed["rel"],
        atol=fixed["abs"],
    )
    # Kenward-Roger's adjustment is beyond the reference's asymptotic errors, and small here.
    np.testing.assert_allclose(
        [effect.std_error or 0.0 for effect in trial.effects], contrasts["se"], rtol=3e-3
    )
    lrt = theirs["lrt_tumor_type"]
    small = fit_slopes(data, np.eye(7)[data.arm], components, likelihood="ML")
    large = fit_trial(data, groups=data.tumor_types, components=components, likelihood="ML")
    near = tolerance["logLik"]["abs"]
    assert small.log_likelihood == pytest.approx(lrt["logLik_ML_small"], abs=near)
    assert large.log_likelihood == pytest.approx(lrt["logLik_ML_large"], abs=near)
    chisq = 2 * (large.log_likelihood - small.log_likelihood)
    assert chisq == pytest.approx(lrt["chisq"], abs=4 * near)


def test_kept_effects_are_those_of_the_data(pdxe: Panel) -> None:
    path = Path(__file__).parents[2] / "validation" / "panels" / "pdxe.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["treatments"]
    for one in kept:
        data = trial_data(pdxe, control="untreated", treatments=[one["treatment"]])
        effect, theirs = fit_trial(data).effects[0], one["fit"]["effects"][0]
        for name in ("estimate", "std_error", "df", "n_lines", "n_animals"):
            # The search ends within rounding of the same top.
            assert getattr(effect, name) == pytest.approx(theirs[name], rel=1e-5)


def test_everolimus_and_byl719_have_the_effects_that_are_reported(pdxe: Panel) -> None:
    # No other program's figures: they hold what the guide quotes.
    data = trial_data(pdxe, control="untreated", treatments=["everolimus"])
    effect = fit_trial(data).effects[0]
    assert (effect.n_lines, effect.n_animals) == (29, 64)
    assert set(data.tumor_types) == {"GC"}
    assert effect.estimate == pytest.approx(-0.0222, abs=5e-5)
    assert (effect.lower, effect.upper) == pytest.approx((-0.0298, -0.0146), abs=5e-5)
    data = trial_data(pdxe, control="untreated", treatments=["BYL719"])
    fit = fit_trial(data, groups=data.tumor_types)
    assert [effect.n_lines for effect in fit.effects] == [26, 30, 29, 21, 26]
    test = fit.subgroup_tests[0]
    assert test.p_value == pytest.approx(0.2301, abs=5e-4)


def test_doubling_by_line_agrees_with_the_reference(
    pdxe: Panel, shared_reference: ReadReference
) -> None:
    rows = shared_reference("pdxe")["sections"]["70_time_to_doubling"]["results"]["per_animal"]
    events = trial_events(pdxe, control="untreated", treatments=ARMS)
    assert events.time.size == len(rows["time"])
    assert events.event.sum() == sum(rows["event"])
    arm, time = np.array(rows["g"], dtype=object), np.array(rows["time"], dtype=float)
    # One curve starts on day 29: the reference counts its days from 0, we from its first volume.
    late = rows["animal_id"].index("X-2042|binimetinib|1")
    assert time[late] == 35
    time[late] = 6
    for number, name in enumerate(events.arms):
        own = np.sort(events.time[events.arm == number])
        np.testing.assert_array_equal(own, np.sort(time[arm == name]))
    found = {(h.treatment, h.form): h for h in trial_hazards(events)}
    frailty, marginal = found["everolimus", "frailty"], found["everolimus", "marginal"]
    assert (frailty.n_lines, frailty.n_events) == (29, 54)
    assert frailty.hazard_ratio is not None
    assert marginal.hazard_ratio is not None
    # A ratio within lines is farther from 1 than one over lines that differ.
    assert frailty.hazard_ratio < marginal.hazard_ratio < 1
