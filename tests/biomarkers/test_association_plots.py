"""Pictures of associations: what must be in them, what is refused, the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from oncovivo.biomarkers.association import associate
from oncovivo.biomarkers.association_fits import MarkerView, marker_view
from oncovivo.biomarkers.association_plots import (
    plot_association_volcano,
    plot_marker_levels,
    plot_marker_response,
)
from oncovivo.biomarkers.association_result import Association, LineResponse, line_response
from oncovivo.biomarkers.features import FeatureTable, feature_table
from oncovivo.errors import InputError
from oncovivo.figures.theme import to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N = 16


def made() -> tuple[LineResponse, FeatureTable]:
    rng = np.random.default_rng(4)
    lines = [f"L{number:02d}" for number in range(N)]
    x = rng.normal(size=N)
    columns = {"driver": x, "flat": np.ones(N)} | {f"n{i}": rng.normal(size=N) for i in range(20)}
    table = feature_table(
        lines, {**columns, "call": ["mutated" if value > 0 else "none" for value in x]}
    )
    effect = 2 * x + rng.normal(0, 0.3, N)
    response = line_response(lines, effect, std_error=np.full(N, 0.2), label="effect (1/day)")
    return response, table


def views() -> tuple[MarkerView, MarkerView]:
    response, table = made()
    return marker_view(response, table, "driver"), marker_view(response, table, "call")


def test_the_volcano_names_discoveries_and_counts_what_is_not_drawn() -> None:
    response, table = made()
    results = associate(response, table)
    ax = plot_association_volcano(results)
    hits = [one for one in results if one.q_value is not None and one.q_value <= 0.05]
    assert ax.get_title(loc="left") == (
        f"22 markers, 16 lines: {len(hits)} with q ≤ 0.05, 1 without an estimate not drawn"
    )
    words = [text.get_text() for text in ax.texts]
    assert "driver" in words
    assert "q = 0.05" in words
    # Open symbols, then filled ones: each marker with an estimate is drawn once.
    assert [np.shape(part.get_offsets())[0] for part in ax.collections] == [
        22 - len(hits),
        len(hits),
    ]
    assert ax.get_xlabel() == "slope (mutated − none; per unit)"


def test_names_do_not_cover_each_other() -> None:
    rng = np.random.default_rng(1)
    results = [
        Association(
            marker=f"marker {number}",
            analysis="weighted",
            estimate=float(rng.normal()) / 10,
            q_value=float(rng.uniform(0.01, 0.02)),
            p_value=0.01,
            n_lines=9,
        )
        for number in range(40)
    ]
    ax = plot_association_volcano(results)
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text().startswith("marker")]
    assert len(boxes) > 3
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_a_marker_of_numbers_has_its_band_and_lines() -> None:
    numbers, levels = views()
    ax = plot_marker_response(numbers)
    assert ax.get_xlabel() == "driver"
    assert ax.get_ylabel() == "effect (1/day)"
    title = ax.get_title(loc="left")
    assert "16 lines; p < 0.001" in title
    line = ax.lines[0]
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), numbers.fitted)
    with pytest.raises(InputError, match="a marker of numbers, found categories"):
        plot_marker_response(levels)


def test_levels_have_their_counts_and_means() -> None:
    numbers, levels = views()
    ax = plot_marker_levels(levels)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == [f"{mean.level}\n{mean.n_lines} lines" for mean in levels.means]
    heights = [np.asarray(line.get_ydata(), float) for line in ax.lines]
    for mean in levels.means:
        assert any(y.size == 1 and y[0] == mean.estimate for y in heights)
    with pytest.raises(InputError, match="a categorical marker, found numbers"):
        plot_marker_levels(numbers)


def test_pictures_are_the_same_bytes_each_time() -> None:
    def drawn() -> str:
        return to_svg(cast("Figure", plot_marker_levels(views()[1]).get_figure()), title="levels")

    assert drawn() == drawn()


def test_nothing_to_draw_is_refused() -> None:
    response, table = made()
    results = associate(response, table)
    with pytest.raises(InputError, match="an estimate and a q-value"):
        plot_association_volcano([replace(one, estimate=None) for one in results])
    other = replace(results[0], analysis="spearman")
    with pytest.raises(InputError, match="of one analysis, found spearman, weighted"):
        plot_association_volcano([*results, other])
