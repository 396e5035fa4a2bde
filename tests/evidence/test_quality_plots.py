"""Traffic lights and shares: every judgement has a symbol, and nothing overlaps or is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.evidence.quality import (
    TOOLS,
    Rating,
    assess,
    item_shares,
    plot_item_shares,
    plot_traffic_lights,
)
from oncovivo.figures.theme import new_figure, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from oncovivo.evidence.quality import Assessment

SYMBOLS = {"good": "+", "partly": "±", "unclear": "?", "poor": "–", "not_applicable": "/"}


def table(tool: str, n_studies: int = 6, *, label: str = "Author {} 2010") -> Assessment:
    """Every judgement in turn, every seventh item left out, every fifth disagreed on."""
    checklist = TOOLS[tool]  # type: ignore[index]  # the names of the three checklists
    words = list(checklist.judgements)
    ratings = []
    for study in range(n_studies):
        for place, item in enumerate(checklist.item_ids):
            turn = study * 3 + place
            if turn % 7 == 6:
                continue
            ratings += [
                Rating(
                    source=f"s{study}",
                    study=label.format(study),
                    tool=checklist.name,
                    item=item,
                    judgement=words[(turn + (rater == "CD")) % len(words)],
                    reason="x",
                    locator="p. 1",
                    rater=rater,
                )
                for rater in (("AB", "CD") if turn % 5 == 4 else ("AB",))
            ]
    return assess(ratings, tool)


def symbols(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_every_standing_has_its_symbol_and_an_empty_circle_none(tool: str) -> None:
    assessment = table(tool)
    standings = [one for study in assessment.studies for one in study.standings]
    ax = plot_traffic_lights(assessment)
    expected = [{**SYMBOLS, "unresolved": "≠"}[one] for one in standings if one != "not_assessed"]
    assert symbols(ax) == expected
    circles = [mark for mark in ax.collections if np.asarray(mark.get_offsets()).size]
    assert len(circles) == len(standings)
    assert "not_assessed" in standings
    assert "unresolved" in standings


def test_meanings_differ_in_symbol_and_in_lightness() -> None:
    from matplotlib.colors import to_rgb

    from oncovivo.evidence.quality.plots import _MARKS

    marks = list(_MARKS.values())
    assert len({mark.symbol for mark in marks}) == len(marks)

    def luminance(color: str) -> float:
        # WCAG 2: relative luminance
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in to_rgb(color)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for mark in marks:
        light, dark = sorted((luminance(mark.color), luminance(mark.ink)), reverse=True)
        # 4.5 is WCAG's limit for text of this size
        assert (light + 0.05) / (dark + 0.05) > 4.5, mark


def test_headings_are_the_items_in_their_order_and_rows_the_studies() -> None:
    ax = plot_traffic_lights(table("syrcle", 2))
    assert [tick.get_text() for tick in ax.get_xticklabels()][:2] == [
        "1 sequence generation",
        "2 baseline characteristics",
    ]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Author 0 2010", "Author 1 2010"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def legend_of(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def test_the_legend_speaks_the_checklists_words_and_names_only_what_occurs() -> None:
    assert legend_of(plot_traffic_lights(table("syrcle"))) == [
        "low risk of bias",
        "unclear",
        "high risk of bias",
        "raters disagree",
        "not assessed",
    ]
    assert legend_of(plot_traffic_lights(table("arrive", 1)))[:2] == ["reported", "partly"]
    only = assess([], "syrcle", studies=["a"])
    assert legend_of(plot_traffic_lights(only)) == ["not assessed"]
    assert legend_of(plot_item_shares(item_shares(only), "syrcle")) == ["not assessed"]


def bars(ax: Axes) -> list[tuple[float, float]]:
    from matplotlib.patches import Rectangle

    return [
        (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in ax.patches
        if isinstance(patch, Rectangle)
    ]


@pytest.mark.parametrize(
    ("weight", "label"),
    [(None, "share of 6 studies, %"), (1.5, "share of the weight of 6 studies, %")],
)
def test_bars_are_the_shares_end_to_end(weight: float | None, label: str) -> None:
    assessment = table("arrive")
    weights = (
        None if weight is None else {one: weight**n for n, one in enumerate(assessment.labels)}
    )
    rows = item_shares(assessment, weights=weights)
    ax = plot_item_shares(rows, "arrive")
    expected = []
    for row in rows:
        ends = np.cumsum([0.0, *row.shares.values()]) * 100
        expected += list(pairwise(ends))
    assert np.allclose(bars(ax), expected, atol=1e-9)
    assert ax.get_xlabel() == label
    assert f"+  {100 * rows[0].shares['good']:.0f} %" in symbols(ax)


def test_narrow_parts_have_a_symbol_or_nothing_and_wide_ones_a_percentage() -> None:
    ratings = [
        Rating(
            source=word,
            study=word,
            tool="syrcle",
            item="sequence_generation",
            judgement=word,
            reason="x",
            locator="p. 1",
            rater="AB",
        )
        for word in ("low", "unclear", "high")
    ]
    weights = {"low": 90.0, "unclear": 8.0, "high": 2.0}
    shares = item_shares(assess(ratings, "syrcle"), weights=weights)
    assert symbols(plot_item_shares(shares, "syrcle"))[:2] == ["+  90 %", "?"]
    assert "–" not in symbols(plot_item_shares(shares, "syrcle"))


def test_shares_of_another_checklist_are_an_error() -> None:
    shares = item_shares(table("syrcle"))
    with pytest.raises(InputError, match="the items of arrive in their order, found sequence_gen"):
        plot_item_shares(shares, "arrive")
    with pytest.raises(InputError, match="found none"):
        plot_item_shares([], "arrive")


@pytest.mark.parametrize("tool", sorted(TOOLS))
@pytest.mark.parametrize("n_studies", [1, 30])
def test_no_text_leaves_the_figure_and_no_level_text_overlaps(tool: str, n_studies: int) -> None:
    long = "A very long study label {} of many words, second experiment"
    assessment = table(tool, n_studies, label=long)
    for ax in (
        plot_traffic_lights(assessment),
        plot_item_shares(item_shares(assessment), tool),
    ):
        figure = ax.get_figure(root=True)
        assert figure is not None
        figure.draw_without_rendering()
        legend = ax.get_legend()
        assert legend is not None
        level = [*ax.texts, *ax.get_yticklabels(), *legend.get_texts()]
        every = [*level, *ax.get_xticklabels(), ax.xaxis.label]
        for text in every:
            box = text.get_window_extent()
            assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text
            assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text
        boxes = [text.get_window_extent() for text in level if text.get_text()]
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_figures_go_into_given_axes_and_are_the_same_twice() -> None:
    assessment = table("syrcle", 3)
    pictures = []
    for _ in range(2):
        figure = new_figure()
        first, second = figure.subplots(2, 1)
        assert plot_traffic_lights(assessment, ax=first) is first
        assert plot_item_shares(item_shares(assessment), "syrcle", ax=second) is second
        pictures.append(to_svg(figure, title="quality"))
    assert pictures[0] == pictures[1]
