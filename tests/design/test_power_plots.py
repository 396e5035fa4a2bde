"""The figure of power against animals shows what it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from oncovivo.design.power_plots import PowerPoint, PowerSeries, plot_power
from oncovivo.errors import InputError
from oncovivo.figures import to_png

POINTS = (
    PowerPoint(animals=6, power=0.5, error=0.02),
    PowerPoint(animals=12, power=0.995, error=0.005),
)
SERIES = PowerSeries(
    question="drug - vehicle", last_day=21.0, points=POINTS, line=((6, 0.48), (12, 0.99))
)


def test_points_have_intervals_and_the_closed_form_is_a_line() -> None:
    figure = plot_power([SERIES], title="Plan", target=0.8, level=0.95)
    (axes,) = figure.axes
    bars: Any = axes.containers[0]
    assert np.column_stack(bars.lines[0].get_data()).tolist() == [[6, 0.5], [12, 0.995]]
    ends = [segment[:, 1].tolist() for segment in bars.lines[2][0].get_segments()]
    # 1.96 errors to either side, not above 1.
    assert np.array(ends) == pytest.approx(np.array([[0.4608, 0.5392], [0.9852, 1.0]]))
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert np.asarray(lines["to day 21, closed form"].get_xydata()).tolist() == [
        [6, 0.48],
        [12, 0.99],
    ]
    heights = [
        np.asarray(line.get_ydata())[0] for line in axes.get_lines() if line.get_linestyle() == ":"
    ]
    assert heights == pytest.approx([0.8, 0.05])
    assert axes.get_xlabel() == "animals per arm"
    words = [text.get_text() for text in figure.texts]
    assert {"Plan", "SIMULATED DATA"} <= set(words)
    assert to_png(figure).startswith(b"\x89PNG")


def test_each_question_has_a_panel_and_each_day_a_color() -> None:
    others = [
        replace(SERIES, question=question, last_day=day)
        for question in ("a", "b", "c", "d")
        for day in (14.0, 21.0)
    ]
    figure = plot_power(others, title="Plan " * 40, target=0.8, level=0.9, arm_words="animals")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b", "c", "d"]
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert sorted(labels) == [
        "80% and 10%",
        "to day 14, closed form",
        "to day 14, simulated",
        "to day 21, closed form",
        "to day 21, simulated",
    ]
    colors = {line.get_color() for line in figure.axes[0].get_lines() if "closed" in str(line)}
    assert len(colors) == 2
    assert any(text.get_text().endswith("…") for text in figure.texts)
    # The last row and the panel above the empty place have the axis' words.
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "animals", "animals", "animals"]


def test_one_number_of_animals_without_a_closed_form_is_a_point() -> None:
    one = replace(SERIES, points=POINTS[:1], line=())
    figure = plot_power([one], title="Plan", target=0.8, level=0.95)
    assert figure.axes[0].get_xlim() == (4.5, 7.5)


def test_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="power of at least one question, found none"):
        plot_power([], title="Plan", target=0.8, level=0.95)
