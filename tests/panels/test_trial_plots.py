"""What the pictures of a trial show."""

from __future__ import annotations

import pytest

from oncovivo.errors import InputError
from oncovivo.panels import (
    Panel,
    compare_responses,
    compute_panel,
    fit_trial,
    plot_line_effects,
    plot_response_rates,
    trial_data,
)
from tests.panels.trials import made_frame


def test_lines_stand_below_their_group_by_size_of_effect() -> None:
    data = trial_data(Panel.from_frame(made_frame(2)), control="none", treatments=["drug"])
    fit = fit_trial(data, groups=data.tumor_types)
    ax = plot_line_effects(fit)
    words = [label.get_text() for label in ax.get_yticklabels()]
    order = [
        word
        for group in ("A", "B")
        for word in (
            group,
            *(
                row.line
                for row in sorted(fit.line_effects, key=lambda row: row.shrunken)
                if row.group == group
            ),
        )
    ]
    assert words == order
    assert "drug less none" in ax.get_xlabel()
    with pytest.raises(InputError, match="animals both under none"):
        plot_line_effects(fit, treatment="other")


def test_rates_are_written_as_counts_of_lines() -> None:
    result = compute_panel(made_frame(3, effect=-0.09, days=(0, 3, 7, 10, 14, 17, 21)))
    rows = compare_responses(result, control="none", treatment="drug")
    ax = plot_response_rates(rows)
    words = [label.get_text() for label in ax.get_yticklabels()]
    first = rows[0].first_rate
    assert words[0] == f"none, objective response: {first.k}/{first.n}"
    assert len(words) == 4
    with pytest.raises(InputError, match="a comparison of response rates"):
        plot_response_rates([])
