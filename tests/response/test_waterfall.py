"""The waterfall of a study: every animal, arm beside arm, categories in more than color."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oncovivo.endpoints.response import ResponseResult, compute_response
from oncovivo.endpoints.waterfall_plots import CATEGORY_STYLES, plot_best_responses
from oncovivo.errors import InputError
from oncovivo.figures import to_png, to_svg
from oncovivo.studies import Study

GROWS = [(0, 200), (7, 400), (14, 1000), (21, 1800)]
CURED = [(0, 200), (7, 90), (14, 0), (21, 0)]


@pytest.fixture
def result(make_study: Callable[..., Study]) -> ResponseResult:
    arms = {"vehicle": [GROWS, GROWS, GROWS[:2]], "drug_10_mg_per_kg_twice": [CURED, GROWS]}
    return compute_response(make_study(arms), control="vehicle")


def test_each_evaluable_animal_is_a_bar_with_its_category_below(result: ResponseResult) -> None:
    figure = plot_best_responses(result)
    (ax,) = figure.axes
    evaluable = [a for a in result.animals if a.best_response_pct is not None]
    assert len(ax.patches) == len(evaluable) == 4
    hatches = sorted(str(patch.get_hatch() or "") for patch in ax.patches)
    assert hatches == sorted(
        CATEGORY_STYLES[a.response].hatch for a in evaluable if a.response is not None
    )
    words = [text.get_text() for text in ax.texts]
    assert words.count("PD") == 3
    assert words.count("CR") == 1
    assert "vehicle\nn = 2" in words
    assert "drug_10_mg_\nper_kg_twice\nn = 2" in words


def test_the_key_counts_categories_and_names_marks_that_occur(result: ResponseResult) -> None:
    (legend,) = plot_best_responses(result).legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == [
        "CR (1)",
        "PR (0)",
        "SD (0)",
        "PD (3)",
        "gone at the end",
        "above +200 %",
    ]


def test_many_arms_fill_several_rows(make_study: Callable[..., Study]) -> None:
    arms = {f"arm {number}": [GROWS, CURED] for number in range(14)}
    figure = plot_best_responses(compute_response(make_study(arms), control="arm 0"))
    assert len(figure.axes) == 3
    assert sum(len(ax.patches) for ax in figure.axes) == 28


def test_it_is_drawn_alike_each_time(result: ResponseResult) -> None:
    one, two = plot_best_responses(result), plot_best_responses(result)
    assert to_svg(one, title="x") == to_svg(two, title="x")
    assert to_png(one) == to_png(two)


def test_without_responses_there_is_nothing_to_draw(make_study: Callable[..., Study]) -> None:
    result = compute_response(make_study({"vehicle": [[(0, 200)]]}), control="vehicle")
    with pytest.raises(InputError, match="animals with a best response"):
        plot_best_responses(result)
