"""Figures of a fit show what their data hold: panels, counts, readings below the limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oncovivo.mechanism.animal_curves import AnimalCurve
from oncovivo.mechanism.fit_plots import SearchTrace, plot_animals, plot_search
from oncovivo.mechanism.vpc import VisitCheck, VisualCheck
from oncovivo.mechanism.vpc_plot import plot_visual_check


def visit(arm: str, day: float, *, animals: int = 5, below: int = 0) -> VisitCheck:
    """A visit whose band is wide."""
    return VisitCheck(
        arm=arm,
        time_d=day,
        animals=animals,
        below_limit=below,
        readings=(100.0, 150.0, 200.0),
        observed=(90.0, 150.0, 210.0),
        median=(92.0, 148.0, 212.0),
        lower=(70.0, 120.0, 170.0),
        upper=(110.0, 180.0, 260.0),
    )


def check() -> VisualCheck:
    """Two arms of three visits; the second has readings below the limit."""
    return VisualCheck(
        title="A fit",
        animals=(("vehicle", 7), ("treated", 6)),
        visits=(
            *(visit("vehicle", day, animals=7 - day // 4) for day in (0, 4, 8)),
            *(visit("treated", day, animals=6, below=day // 4) for day in (0, 4, 8)),
        ),
        limit_mm3=50.0,
        leaves_at_mm3=1500.0,
        studies=200,
        level=0.9,
    )


def test_a_panel_counts_who_was_read_and_who_was_below_the_limit() -> None:
    figure = plot_visual_check(check(), numbers="behind the curves: 3 assumed", simulated=True)
    first, second = figure.axes
    assert first.get_title(loc="left") == "vehicle (n = 7)"
    assert [text.get_text() for text in first.texts] == ["n", "7", "6", "5"]
    assert [text.get_text() for text in second.texts] == [
        "n", "6", "6", "6", "< limit", "0", "1", "2",
    ]  # fmt: skip
    words = [text.get_text() for text in figure.texts]
    assert "behind the curves: 3 assumed" in words
    assert "SIMULATED DATA" in words
    assert any("simulated animals leave at 1,500 mm³" in line for line in words)


def test_triangles_stand_at_the_limit_on_visits_with_readings_below_it() -> None:
    figure = plot_visual_check(check())
    marks = [line for line in figure.axes[1].lines if line.get_marker() == "v"]
    assert [list(np.asarray(line.get_xdata())) for line in marks] == [[4, 8]]
    assert set(np.asarray(marks[0].get_ydata())) == {50.0}
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert "SIMULATED DATA" not in [text.get_text() for text in figure.texts]


def test_a_visit_without_a_band_leaves_its_readings_in_the_panel() -> None:
    whole = check()
    bare = replace(whole.visits[2], median=None, lower=None, upper=None)
    figure = plot_visual_check(replace(whole, visits=(*whole.visits[:2], bare, *whole.visits[3:])))
    lines = figure.axes[0].lines
    assert all(8 in np.asarray(line.get_xdata()) for line in lines)
    ends = [np.asarray(band.get_paths()[0].vertices) for band in figure.axes[0].collections]
    bands = [end[:, 0].max() for end in ends]
    assert bands == [4, 4, 4]


def test_visits_with_two_animals_have_dots_and_no_percentiles() -> None:
    whole = check()
    few = replace(whole.visits[2], animals=2)
    figure = plot_visual_check(replace(whole, visits=(*whole.visits[:2], few, *whole.visits[3:])))
    *percentiles, dots = figure.axes[0].lines
    assert [list(np.asarray(line.get_xdata())) for line in percentiles] == [[0, 4]] * 3
    assert 8 in np.asarray(dots.get_xdata())


def test_the_axis_follows_the_readings_and_not_the_bands() -> None:
    whole = check()
    wild = replace(whole.visits[5], upper=(1e5, 1e6, 1e7))
    figure = plot_visual_check(replace(whole, visits=(*whole.visits[:5], wild)))
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert 45.0 < low < 90.0
        assert 210.0 < high < 400.0


def curve(name: str, arm: str, *, below: bool = False) -> AnimalCurve:
    """An animal that is read twice."""
    return AnimalCurve(
        animal_id=name,
        arm=arm,
        time_d=(0.0, 4.0),
        reading=(100.0, 50.0),
        below_limit=(False, below),
        days=(0.0, 2.0, 4.0),
        own=(100.0, 70.0, 49.0),
        typical=(110.0, 90.0, 80.0),
    )


def test_each_animal_has_a_panel_with_its_readings_and_two_curves() -> None:
    curves = [curve("a1", "vehicle"), curve("b1", "treated", below=True)]
    figure = plot_animals(curves, title="A fit", control="vehicle")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "a1 · vehicle",
        "b1 · treated",
    ]
    typical, own, readings, low = figure.axes[1].lines
    assert list(np.asarray(typical.get_ydata())) == [110.0, 90.0, 80.0]
    assert list(np.asarray(own.get_ydata())) == [100.0, 70.0, 49.0]
    assert list(np.asarray(readings.get_ydata())) == [100.0]
    assert list(np.asarray(low.get_ydata())) == [50.0]
    assert low.get_marker() == "v"
    assert figure.axes[0].lines[1].get_color() != own.get_color()


def test_of_many_animals_the_first_of_each_arm_are_drawn_and_the_figure_says_so() -> None:
    curves = [curve(f"{arm}{n}", arm) for arm in ("a", "b") for n in range(40)]
    figure = plot_animals(curves, title="A fit")
    assert len(figure.axes) == 60
    assert figure.axes[30].get_title(loc="left") == "b0 · b"
    assert any("60 of 80 animals" in text.get_text() for text in figure.texts)


def test_a_search_ends_in_its_estimate() -> None:
    trace = SearchTrace(
        name="growth_rate, 1/day",
        values=np.linspace(0.2, 0.1, 40),
        end=0.11,
        lower=0.09,
        upper=0.13,
        log=True,
    )
    plain = replace(trace, name="share", lower=None, upper=None, log=False)
    figure = plot_search([trace, plain], title="A fit", settles_at=20, summary="converged")
    first, second = figure.axes
    assert list(np.asarray(first.lines[1].get_ydata())) == [0.11, 0.11]
    assert len(first.collections) == 1
    assert len(second.collections) == 0
    assert first.get_yscale() == "log"
    assert second.get_yscale() == "linear"
    assert "converged" in [text.get_text() for text in figure.texts]
