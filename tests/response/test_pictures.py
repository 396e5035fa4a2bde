"""Pictures of responses and body weight say what they show, in more than color."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from oncovivo.endpoints.event_plots import plot_spider, plot_swimmer
from oncovivo.endpoints.response import ResponseResult, compute_response
from oncovivo.endpoints.tolerability import compute_tolerability
from oncovivo.endpoints.weight_plots import plot_body_weight
from oncovivo.errors import InputError
from oncovivo.figures.theme import to_svg
from oncovivo.studies import Study

if TYPE_CHECKING:
    from matplotlib.text import Text

GROWS = [(0, 200), (7, 400), (14, 1000), (21, 1800)]
CURED = [(0, 200), (7, 90), (14, 0), (21, 0)]


@pytest.fixture
def result(make_study: Callable[..., Study]) -> ResponseResult:
    study = make_study(
        {"vehicle": [GROWS, GROWS[:3]], "drug": [CURED, GROWS[:2]]},
        reasons={"vehicle1": "volume_limit", "drug2": "toxicity", "drug1": "scheduled"},
    )
    return compute_response(study, control="vehicle")


def words(texts: Iterable[Text]) -> set[str]:
    return {text.get_text() for text in texts}


def test_the_swimmer_chart_names_reasons_events_and_categories(result: ResponseResult) -> None:
    figure = plot_swimmer(result)
    ax = figure.axes[0]
    assert words(ax.get_yticklabels()) == {"vehicle", "drug"}
    assert words(ax.texts) == {"PD", "CR", "–"}
    key = words(figure.legends[0].get_texts())
    assert {"4 × baseline", "gone from here on", "tumor too large", "toxicity", "scheduled"} <= key
    assert "ulceration" not in key
    hatches = {patch.get_hatch() for patch in ax.patches}
    assert len(hatches) == 2
    assert ax.get_xlabel() == "time (day)"


def test_bars_reach_from_baseline_to_the_last_day(result: ResponseResult) -> None:
    from matplotlib.patches import Rectangle

    bars = [p for p in plot_swimmer(result).axes[0].patches if isinstance(p, Rectangle)]
    assert sorted(bar.get_width() for bar in bars) == [7.0, 14.0, 21.0, 21.0]


def test_the_spider_plot_has_a_panel_for_each_arm_and_marks_for_categories(
    result: ResponseResult,
) -> None:
    figure = plot_spider(result)
    assert [ax.get_title(loc="left") for ax in figure.axes] == [
        "vehicle\nCR or PR 0 of 2",
        "drug\nCR or PR 1 of 1",
    ]
    assert figure.axes[0].get_ylabel() == "change from baseline (%)"
    markers = {line.get_marker() for ax in figure.axes for line in ax.lines}
    assert {"x", "o", "."} <= markers
    assert words(figure.legends[0].get_texts()) == {"CR", "PR", "SD", "PD", "none"}


def test_a_tumor_that_grew_more_than_fourfold_is_cut(result: ResponseResult) -> None:
    drawn = [np.asarray(line.get_ydata()) for line in plot_spider(result).axes[0].lines]
    assert max(float(heights.max()) for heights in drawn) == 400.0
    longest = next(curve for curve in result.curves if curve.animal_id == "vehicle1")
    assert longest.change_pct[-1] == 800.0


def test_body_weight_shows_raw_net_limits_and_toxic_deaths(
    make_study: Callable[..., Study],
) -> None:
    study = make_study(
        {"vehicle": [GROWS], "drug": [CURED]},
        reasons={"drug1": "body_weight_loss"},
        weights={"vehicle1": [20, 21, 22, 23], "drug1": [20, 18, 17, 15.5]},
    )
    figure = plot_body_weight(compute_tolerability(study))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["vehicle\nn = 1; worst nadir 5 %", "drug\nn = 1; worst nadir -22 %"]
    styles = {line.get_linestyle() for line in figure.axes[1].lines}
    assert {"-", "--", ":", "-."} <= styles
    assert "X" in {line.get_marker() for line in figure.axes[1].lines}
    assert "X" not in {line.get_marker() for line in figure.axes[0].lines}


def test_nothing_to_draw_is_refused(make_study: Callable[..., Study]) -> None:
    study = make_study({"drug": [[(0, 0), (14, 0)]]})
    with pytest.raises(InputError, match="animals with a baseline above zero"):
        plot_spider(compute_response(study))
    with pytest.raises(InputError, match="animals with body weights"):
        plot_body_weight(compute_tolerability(study))


def test_the_same_result_is_the_same_svg(result: ResponseResult) -> None:
    first, second = (to_svg(plot_swimmer(result), title="swimmer") for _ in range(2))
    assert first == second


def test_arms_in_other_scripts_are_named_by_code_points_and_not_by_boxes(
    make_study: Callable[..., Study],
) -> None:
    curve = [(0, 100), (7, 200), (14, 400)]
    study = make_study({"对照组": [curve] * 2, "$5 $drug": [curve] * 2})
    result = compute_response(study, control="对照组")
    for figure in (plot_swimmer(result), plot_spider(result)):
        # A missing glyph would be a warning, and a warning an error.
        svg = to_svg(figure, title="x")
        assert "<!-- (U+5BF9 7167 7EC4)" in svg
        assert "characters not in this font" in svg
        assert "<!-- $5 $drug" in svg
