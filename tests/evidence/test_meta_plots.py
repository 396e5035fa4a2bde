"""Pictures of pooled effects: what is drawn, what is cut, what is written."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.evidence.meta.bubble_plot import plot_bubbles
from oncovivo.evidence.meta.forest_plot import ForestRow, ForestSummary, plot_forest
from oncovivo.evidence.meta.funnel import funnel_data
from oncovivo.evidence.meta.funnel_plot import plot_funnel
from oncovivo.evidence.meta.plot_frame import cut_limits, effect_text
from oncovivo.evidence.meta.regression import fit_regression, predict_effects
from oncovivo.evidence.meta.types import Rows

ROWS = [
    ForestRow(label="Ames 2011", estimate=-1.0, lower=-1.4, upper=-0.6, weight=0.6, group="a",
              facts={"graft_type": "pdx"}),
    ForestRow(label="Bell 2014", estimate=-0.5, lower=-1.2, upper=0.2, weight=0.3, group="a",
              facts={"graft_type": ""}),
    ForestRow(label="Cole 2009", estimate=-0.2, lower=-9.0, upper=8.0, weight=0.1, group="b"),
]  # fmt: skip
ALL = ForestSummary(
    label="all", k=3, estimate=-0.8, lower=-1.2, upper=-0.4, pi_lower=-1.6, pi_upper=0.0,
    robust_lower=-1.3, robust_upper=-0.3, words="REML",
)  # fmt: skip
GROUPS = {
    "a": ForestSummary(label="a", k=2, estimate=-0.9, lower=-1.3, upper=-0.5),
    "b": ForestSummary(label="b", k=1, estimate=-0.2, lower=-9.0, upper=8.0),
}
POOLED = Rows.of(
    list("abcd"), [-0.2, -0.4, -0.5, -0.9], [0.01, 0.04, 0.05, 0.2], measure="ROM",
    n_treated=[9, 8, 7, 6], n_control=[9, 8, 7, 6],
)  # fmt: skip


def texts(figure: object) -> list[str]:
    """All words of a figure."""
    from matplotlib.text import Text

    return [one.get_text() for one in figure.findobj(Text)]  # type: ignore[attr-defined]


def test_a_forest_names_rows_facts_weights_and_what_all_say() -> None:
    figure = plot_forest(ROWS, ALL, measure="ROM")
    said = texts(figure)
    for words in ("Ames 2011", "pdx", "graft type", "60.0 %", "all, 3 rows", "REML"):
        assert words in said
    # A ratio, and its limits.
    assert "0.368 (0.247, 0.549)" in said
    assert "0.449 (0.301, 0.670)" in said
    assert "prediction interval" in said
    assert "(0.202, 1.00)" in said
    assert "cluster-robust limits" in said
    # What the table does not say is a dash.
    assert said.count("–") == 2


def test_subgroups_order_rows_and_a_group_of_one_row_is_not_pooled() -> None:
    said = texts(plot_forest(ROWS, ALL, subgroups=GROUPS, measure="ROM"))
    assert said.index("a") < said.index("Ames 2011") < said.index("b") < said.index("Cole 2009")
    assert "pooled, 2 rows" in said
    assert "pooled, 1 row" not in said
    with pytest.raises(InputError, match="none of 'b'"):
        plot_forest(ROWS, ALL, subgroups={"a": GROUPS["a"]}, measure="ROM")


def test_a_forest_without_rows_shows_each_pooled_effect_whole() -> None:
    figure = plot_forest([], ALL, subgroups=GROUPS, measure="SMD", note="too many rows")
    said = texts(figure)
    assert "a: pooled, 2 rows" in said
    assert "b: pooled, 1 row" in said
    assert "too many rows" in said
    low, high = figure.axes[0].get_xlim()
    assert low < -9.0
    assert high > 8.0


def test_a_limit_far_from_every_effect_is_cut_and_has_an_arrow() -> None:
    ax = plot_forest(ROWS, ALL, measure="ROM").axes[0]
    low, high = ax.get_xlim()
    assert low > -9.0
    assert high < 8.0
    assert low < -1.6
    markers = [line.get_marker() for line in ax.lines]
    assert markers.count("<") == 1
    assert markers.count(">") == 1


def test_ends_hold_every_effect_and_no_difference() -> None:
    low, high = cut_limits([-2.0, -1.0], [-2.5, -0.5, 40.0])
    # No difference at 0, the limit -2.5, and 40 cut at three quarters of the span of 2.
    assert low == pytest.approx(-2.5 - 0.03 * 4.0)
    assert high == pytest.approx(1.5 + 0.03 * 4.0)
    assert cut_limits([0.0], [0.0])[0] < 0 < cut_limits([0.0], [0.0])[1]


def test_effects_are_written_with_three_figures() -> None:
    assert effect_text(math.log(0.05), log=True) == "0.0500"
    assert effect_text(math.log(1e-5), log=True) == "< 0.001"
    assert effect_text(1000.0, log=True) == "> 9999"
    assert effect_text(-1234.5, log=False) == "−1234"
    assert effect_text(0.001234, log=False) == "0.0012"
    assert effect_text(0.0, log=False) == "0"
    assert effect_text(math.nan, log=False) == "–"


@pytest.mark.parametrize("width", [0.3, 1.0, 3.0, 9.0, 40.0])
def test_axes_of_ratios_have_a_few_plain_marks(width: float) -> None:
    rows = [ForestRow(label="r", estimate=-width, lower=-1.1 * width, upper=-0.9 * width)]
    one = ForestSummary(label="all", k=1, estimate=-width, lower=-1.1 * width, upper=-0.9 * width)
    ax = plot_forest(rows, one, measure="ROM").axes[0]
    marks = [float(label.get_text()) for label in ax.get_xticklabels()]
    assert 3 <= len(marks) <= 10
    assert ax.get_xticks() == pytest.approx(np.log(marks), rel=1e-9, abs=1e-9)


def test_the_funnel_says_what_its_depth_is() -> None:
    figure = plot_funnel(funnel_data(POOLED, 0.0), -0.3, measure="ROM", egger_p=0.04)
    ax = figure.axes[0]
    assert ax.get_ylabel() == "standard error"
    assert ax.get_ylim()[1] == 0.0
    assert any("p = 0.04" in one for one in texts(figure))
    animals = plot_funnel(
        funnel_data(POOLED, 0.0, precision="size"), -0.3, measure="SMD", egger_p=1e-9
    )
    assert animals.axes[0].get_ylabel() == "√(1/n treated + 1/n control)"
    assert any("p < 0.0001" in one for one in texts(animals))
    points = next(line for line in ax.lines if line.get_label() == "row")
    assert np.asarray(points.get_xdata()).tolist() == POOLED.yi.tolist()
    assert np.asarray(points.get_ydata()) == pytest.approx(np.sqrt(POOLED.vi))


def test_filled_rows_of_a_funnel_are_hollow() -> None:
    ax = plot_funnel(funnel_data(POOLED, 0.0, filled=1), -0.3, measure="ROM").axes[0]
    filled = next(line for line in ax.lines if line.get_label() == "filled in")
    assert np.asarray(filled.get_xdata()).tolist() == [-0.9]
    assert filled.get_markerfacecolor() == "white"


def test_bubbles_grow_with_weight_about_the_line() -> None:
    from matplotlib.collections import PathCollection

    found = fit_regression(POOLED, {"dose": [1.0, 2.0, 3.0, 4.0]})
    grid = [1.0, 2.5, 4.0]
    line = predict_effects(found, [[1.0, one] for one in grid])
    figure = plot_bubbles(
        [1.0, 2.0, 3.0, 4.0], POOLED.yi.tolist(), [0.5, 0.25, 0.2, 0.05], grid, line,
        slope=found.coefficients[1], moderator="dose_mg_per_kg", measure="ROM",
    )  # fmt: skip
    ax = figure.axes[0]
    assert ax.get_xlabel() == "dose mg per kg"
    (bubbles,) = [one for one in ax.collections if isinstance(one, PathCollection)]
    areas = bubbles.get_sizes()
    assert list(areas) == sorted(areas, reverse=True)
    drawn = next(one for one in ax.lines if len(np.asarray(one.get_xdata())) == 3)
    assert np.asarray(drawn.get_ydata()) == pytest.approx(line.estimate)
    factor = math.exp(found.coefficients[1].estimate)
    assert any(f"{factor:.3g}" in one for one in texts(figure))
    with pytest.raises(InputError, match="at least one row"):
        plot_bubbles([], [], [], grid, line, slope=found.coefficients[1], moderator="d",
                     measure="ROM")  # fmt: skip
