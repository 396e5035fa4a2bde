"""Control and treated growth rates of each line, as markers are held against them."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.analyses.marker_responses import ResponseOptions, panel_responses
from oncovivo.panels import Panel
from oncovivo.panels.trial_data import trial_data
from oncovivo.panels.trial_model import fit_trial
from tests.panels.trials import made_frame


def test_animals_of_a_cell_weigh_by_the_precision_of_their_rates() -> None:
    frame = made_frame(lines=6, animals=2)
    # the first animal of each cell is read for a week only, so its rate says less
    short = frame["animal_id"].str.endswith("-0") & (frame["day"] > 7)
    panel = Panel.from_frame(frame[~short])
    options = ResponseOptions(control="none", treatments=("drug",))
    (asked,), types = panel_responses(panel, "none", [], options)
    pairs = asked.pairs
    assert pairs is not None
    assert set(types.values()) == {"A", "B"}

    data = trial_data(panel, control="none", treatments=["drug"])
    variance = {one.component: one.variance for one in fit_trial(data).variances}
    for place, line in enumerate(pairs.lines):
        for arm, mean, error in (
            (0, pairs.control[place], pairs.control_error[place]),
            (1, pairs.treated[place], pairs.treated_error[place]),
        ):
            own = (data.line == data.lines.index(line)) & (data.arm == arm)
            assert own.sum() == 2
            spread = variance.get("animal", 0.0) + variance["reading"] / data.information[own]
            weight = 1 / spread
            # one weighted mean, by hand
            assert mean == pytest.approx((weight * data.rate[own]).sum() / weight.sum(), rel=1e-12)
            assert error == pytest.approx(1 / np.sqrt(weight.sum()), rel=1e-12)
            assert np.ptp(weight) > 0
    assert pairs.n_animals == (4,) * 6
