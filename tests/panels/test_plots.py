"""Pictures of a panel say categories in more than color."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from oncovivo.errors import InputError
from oncovivo.figures.theme import to_svg
from oncovivo.panels import (
    PanelResult,
    compute_panel,
    plot_category_counts,
    plot_response_matrix,
    plot_waterfall,
)

ENDS = {"CR": (60.0, 0.0), "PR": (80.0, 60.0), "SD": (205.0, 210.0), "PD": (500.0, 1500.0)}


def panel_of(n_lines: int) -> PanelResult:
    rows = [
        {
            "model": f"L{line:03}",
            "tumor_type": "A" if line % 3 else "B",
            "animal_id": f"{line}{category}",
            "treatment": f"drug {category}",
            "day": day,
            "volume_mm3": volume,
        }
        for line in range(n_lines)
        for category, ends in ENDS.items()
        for day, volume in ((0, 200.0), (10, ends[0]), (20, ends[1]))
    ]
    return compute_panel(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def result() -> PanelResult:
    return panel_of(5)


def test_the_waterfall_has_a_bar_for_each_animal_a_hatch_for_each_category(
    result: PanelResult,
) -> None:
    ax = plot_waterfall(result)
    assert len(ax.patches) == 20
    assert len({patch.get_hatch() for patch in ax.patches}) == 4
    legend = ax.get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[:4] == ["CR (5)", "PR (5)", "SD (5)", "PD (5)"]
    assert texts[4:] == ["gone at the last reading", "above +200 %"]
    assert ax.get_xlabel() == "animals, worst to best (n = 20)"
    assert ax.get_ylabel() == "best response (%)"


def test_one_treatment_shows_its_animals_only(result: PanelResult) -> None:
    ax = plot_waterfall(result, treatment="drug PR", value="best_average_response_pct")
    assert len(ax.patches) == 5
    assert ax.get_title(loc="left").startswith("drug PR")
    assert ax.get_ylabel() == "best average response (%)"


def test_many_bars_have_rows_of_ticks_instead_of_hatches() -> None:
    ax = plot_waterfall(panel_of(20))
    assert {patch.get_hatch() for patch in ax.patches} == {None}
    assert {"CR", "PR", "SD", "PD"} <= {text.get_text() for text in ax.texts}


def test_the_matrix_has_a_symbol_for_each_category(result: PanelResult) -> None:
    figure = plot_response_matrix(result)
    ax = figure.axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "drug CR",
        "drug PD",
        "drug PR",
        "drug SD",
    ]
    assert len(ax.get_xticklabels()) == 5
    assert {text.get_text() for text in ax.texts} == {"A", "B"}
    points = [np.asarray(collection.get_offsets()) for collection in ax.collections]
    assert sum(part.shape[0] for part in points) == 2 * 20


def test_counts_stand_in_the_bars_and_n_beside_them(result: PanelResult) -> None:
    ax = plot_category_counts(result)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["A (n = 12)", "B (n = 8)"]
    assert sorted(text.get_text() for text in ax.texts) == ["2"] * 4 + ["3"] * 4


def test_a_panel_without_responses_has_no_picture() -> None:
    frame = pd.DataFrame(
        {"animal_id": "a", "treatment": "t", "day": [0, 5], "volume_mm3": [100, 90]}
    )
    empty = compute_panel(frame)
    for draw in (plot_waterfall, plot_response_matrix, plot_category_counts):
        with pytest.raises(InputError, match="animals with a response"):
            draw(empty)


def test_the_same_panel_is_the_same_svg(result: PanelResult) -> None:
    first, second = (to_svg(plot_response_matrix(result), title="matrix") for _ in range(2))
    assert first == second
