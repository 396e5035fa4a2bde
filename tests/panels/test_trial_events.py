"""Time to a multiple of the first volume, and its hazard ratios over lines."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.panels import Panel, trial_events, trial_hazards
from oncovivo.survival import cox_fit, frailty_fit
from tests.panels.trials import made_frame


def curves(**volumes: list[float]) -> Panel:
    """Animals of one line with readings on days 0, 5, 10."""
    rows = [
        ("L", name, "drug" if name.startswith("d") else "none", 5.0 * place, volume)
        for name, own in volumes.items()
        for place, volume in enumerate(own)
    ]
    columns = ["model", "animal_id", "treatment", "day", "volume_mm3"]
    return Panel.from_frame(pd.DataFrame(rows, columns=columns))


def test_the_event_is_the_first_visit_at_the_multiple() -> None:
    panel = curves(
        n1=[100, 199, 200], n2=[100, 250, 150], d1=[100, 120, 199.9], d2=[0, 50, 90], d3=[100]
    )
    events = trial_events(panel, control="none", treatments=["drug"])
    # n1 on day 10, n2 on day 5 though it falls again; d2 starts from nothing, d3 has one reading.
    assert events.time.tolist() == [10.0, 5.0, 10.0]
    assert events.event.tolist() == [True, True, False]
    assert events.arm.tolist() == [0, 0, 1]
    three = trial_events(panel, control="none", treatments=["drug"], multiple=2.5)
    assert three.event.tolist() == [False, True, False]


def test_each_form_is_its_own_regression_on_the_lines_with_both_arms() -> None:
    frame = made_frame(3, lines=10, effect=-0.04, reading=0.05)
    frame = frame[~((frame["model"] == "L9") & (frame["treatment"] == "none"))]
    events = trial_events(Panel.from_frame(frame), control="none", treatments=["drug"])
    found = {hazard.form: hazard for hazard in trial_hazards(events)}
    assert {hazard.n_lines for hazard in found.values()} == {9}
    assert {hazard.n_animals for hazard in found.values()} == {18}
    rows = events.line < 9
    x = events.arm[rows][:, None].astype(float)
    time, event, line = events.time[rows], events.event[rows], events.line[rows]
    marginal = cox_fit(time, event, x, cluster=line)
    assert found["marginal"].log_hazard_ratio == marginal.coefficients[0]
    assert marginal.robust_standard_errors is not None
    assert found["marginal"].std_error == marginal.robust_standard_errors[0]
    stratified = cox_fit(time, event, x, strata=line)
    assert found["stratified"].log_hazard_ratio == stratified.coefficients[0]
    shared = frailty_fit(time, event, x, line)
    frailty = found["frailty"]
    assert frailty.log_hazard_ratio == shared.coefficients[0]
    assert frailty.theta == shared.theta
    half = 1.959963984540054 * shared.standard_errors[0]
    assert frailty.hazard_ratio == pytest.approx(math.exp(shared.coefficients[0]))
    assert frailty.upper == pytest.approx(math.exp(shared.coefficients[0] + half))


def test_a_ratio_without_bound_and_too_few_lines_are_said() -> None:
    frame = made_frame(4, lines=6, effect=-0.2, reading=0.02)
    events = trial_events(Panel.from_frame(frame), control="none", treatments=["drug"])
    assert not events.event[events.arm == 1].any()
    for hazard in trial_hazards(events):
        assert (hazard.status, hazard.hazard_ratio) == ("not_estimable", None)
        assert hazard.reason
    one = trial_events(curves(n1=[1, 2, 3], d1=[1, 1, 1]), control="none", treatments=["drug"])
    assert trial_hazards(one)[0].reason == "fewer than two lines with animals in both arms"


def test_a_multiple_of_one_is_refused() -> None:
    panel = curves(n1=[1, 2], d1=[1, 2])
    for multiple in (1.0, np.nan):
        with pytest.raises(InputError, match="a multiple above 1"):
            trial_events(panel, control="none", treatments=["drug"], multiple=multiple)
