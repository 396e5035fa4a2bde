"""Pictures of fitted models: what must be in them, and the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest

from oncovivo.errors import InputError
from oncovivo.figures.theme import SIMULATED_MARK, to_svg
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.compare import compare
from oncovivo.growth.curves import GroupCurves, group_curves
from oncovivo.growth.data import GrowthData
from oncovivo.growth.diagnostics import diagnose
from oncovivo.growth.fit import fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.plots import plot_contrasts, plot_growth_model, plot_residuals
from tests.growth.studies import made_up_growth, read_growth, with_limit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@pytest.fixture(scope="module")
def study() -> GrowthData:
    """Three arms; two animals of the control leave early, one arm shrinks below the limit."""
    whole = made_up_growth({"vehicle": 0.09, "drug": 0.03, "cure": -0.08}, animals=5)
    early = np.isin(whole.animal, [0, 1, 2]) & (whole.time > 14.0)
    return with_limit(whole.select(~early), 60.0)


@pytest.fixture(scope="module")
def curves(study: GrowthData) -> GroupCurves:
    """Its curves, beside all readings."""
    return group_curves(fit_growth(study), data=study)


def words(figure: Figure) -> list[str]:
    """Every text in a figure."""
    found = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        found += [text.get_text() for text in ax.texts]
        found += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
    return found


def marks(ax: Axes, marker: str) -> list[tuple[float, float]]:
    """Places of the lone marks of a kind."""
    return [
        (x, y)
        for line in ax.lines
        if line.get_marker() == marker and line.get_linestyle() == "None"
        for x, y in np.asarray(line.get_xydata()).tolist()
    ]


def test_a_curve_is_the_exponential_of_the_fitted_line_with_its_t_limits(
    study: GrowthData,
) -> None:
    fit = fit_growth(study)
    curve = group_curves(fit, days=np.array([3.0, 10.0]), level=0.9).of_arm("drug")
    found = fit.contrasts(fit.terms.curve(1, np.array([3.0, 10.0])), level=0.9)
    assert [point.day for point in curve.points] == [3.0, 10.0]
    np.testing.assert_allclose([point.mean for point in curve.points], np.exp(found.estimate))
    np.testing.assert_allclose([point.lower for point in curve.points], np.exp(found.lower))
    np.testing.assert_allclose([point.upper for point in curve.points], np.exp(found.upper))


def test_a_curve_ends_with_its_arms_readings(study: GrowthData) -> None:
    short = study.select(~((study.arm[study.animal] == 1) & (study.time > 10.0)))
    found = group_curves(fit_growth(short))
    assert found.of_arm("drug").points[-1].day == 10.0
    assert found.of_arm("vehicle").points[-1].day == 21.0
    beyond = group_curves(fit_growth(short), days=np.array([7.0, 14.0])).of_arm("drug")
    assert [point.day for point in beyond.points] == [7.0]


def test_at_risk_counts_animals_until_their_last_reading(curves: GroupCurves) -> None:
    vehicle = curves.of_arm("vehicle")
    assert [count for _, count in vehicle.at_risk] == [5, 5, 5, 5, 5, 2, 2]
    assert vehicle.half_day == 14.0
    assert curves.of_arm("cure").n_at_risk(21.0) == 5
    assert [track.left_early for track in curves.animals[:4]] == [True, True, True, False]
    with pytest.raises(InputError, match="a day with a reading"):
        vehicle.n_at_risk(15.0)


def test_the_ratio_model_is_drawn_relative_to_baseline_from_one(study: GrowthData) -> None:
    found = group_curves(fit_growth(study, GrowthModel(baseline="ratio")))
    first = found.of_arm("vehicle").points[0]
    assert (first.day, first.mean, first.lower, first.upper) == (0.0, 1.0, 1.0, 1.0)
    assert {track.sizes[0] for track in found.animals} == {1.0}
    assert "volume / baseline" in words(plot_growth_model(found))


def test_everything_that_was_seen_is_in_the_picture(
    study: GrowthData, curves: GroupCurves
) -> None:
    figure = plot_growth_model(curves, control="vehicle")
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert len([line for line in ax.lines if line.get_linewidth() == 0.6]) == study.n_animals
    assert len(marks(ax, "v")) == int(study.below_limit.sum()) > 0
    np.testing.assert_allclose([height for _, height in marks(ax, "v")], 60.0)
    assert [day for day, _ in marks(ax, "x")] == [14.0, 14.0, 14.0]
    said = words(figure)
    assert "vehicle (n = 5)" in said
    assert said.count("2") == 2
    (key,) = [text for text in said if "thin lines: animals" in text]
    assert "▽: below the limit" in key
    assert "×: last reading, before day 21" in key
    assert "dotted: fewer than half" in key


def test_arms_differ_in_more_than_color(curves: GroupCurves) -> None:
    (ax,) = plot_growth_model(curves, control="vehicle").axes
    strong = [line for line in ax.lines if 1.8 < line.get_linewidth() < 2.0]
    assert len(strong) == 3
    assert len({(line.get_linestyle(), line.get_marker()) for line in strong}) == 3


def test_more_than_four_arms_get_a_panel_each() -> None:
    data = made_up_growth(dict.fromkeys(("vehicle", "a", "b", "c", "d"), 0.05), animals=3)
    figure = plot_growth_model(group_curves(fit_growth(data)), control="vehicle")
    shown = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title(loc="left") for ax in shown] == ["vehicle", "a", "b", "c", "d"]
    assert len({ax.get_ylim() for ax in shown}) == 1
    grey = [line for line in shown[1].lines if line.get_linestyle() == "--"]
    assert len(grey) == 1


def test_the_forest_shows_both_intervals_and_the_p_that_holds_the_family(
    study: GrowthData,
) -> None:
    comparison = compare(fit_growth(study), "vehicle")
    figure = plot_contrasts(comparison, n_animals={"vehicle": 5, "drug": 5, "cure": 5})
    (ax,) = figure.axes
    said = words(figure)
    assert "drug (n = 5 vs 5)" in said
    assert "adjusted p" in said
    spans = [tuple(np.asarray(line.get_xdata(), dtype=float)) for line in ax.lines]
    for found in comparison.contrasts:
        assert (found.lower, found.upper) in spans
        assert (found.lower_simultaneous, found.upper_simultaneous) in spans
    (zero,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert list(np.asarray(zero.get_xdata())) == [0.0, 0.0]


def test_a_contrast_without_a_number_keeps_its_row(study: GrowthData) -> None:
    comparison = compare(fit_growth(study), "vehicle", adjustment="none")
    first, second = comparison.contrasts
    empty = replace(first, estimate=None, lower=None, upper=None, p_value=None, p_adjusted=None)
    said = words(plot_contrasts(replace(comparison, contrasts=(empty, second))))
    assert "not estimable" in said
    assert "p" in said
    assert "drug" in said


def test_all_pairs_name_both_arms(study: GrowthData) -> None:
    said = words(plot_contrasts(compare(fit_growth(study), "vehicle", adjustment="tukey")))
    assert "cure – drug" in said


def test_residuals_are_drawn_for_every_reading_and_outliers_named(study: GrowthData) -> None:
    log_size = study.log_size.copy()
    log_size[20] += 2.0
    found = diagnose(fit_growth(replace(study, log_size=log_size)), refit=False)
    figure = plot_residuals(found)
    by_fitted = figure.axes[0]
    drawn = sum(
        len(np.asarray(line.get_xdata()))
        for line in by_fitted.lines
        if line.get_linestyle() == "None" and line.get_markersize() < 8
    )
    assert drawn == found.residuals.day.size
    assert found.outliers[0].animal_id in [text.get_text() for text in by_fitted.texts]


def test_a_censored_fit_has_empty_panels_that_say_so(study: GrowthData) -> None:
    figure = plot_residuals(diagnose(fit_censored(study, method="laplace")))
    assert words(figure).count("none in this fit") == 3


@pytest.mark.parametrize("kind", ["curves", "contrasts", "residuals"])
def test_the_same_result_gives_the_same_svg(
    kind: str, study: GrowthData, curves: GroupCurves
) -> None:
    fit = fit_growth(study)
    draw: dict[str, Callable[[], Figure]] = {
        "curves": lambda: plot_growth_model(curves, control="vehicle", simulated=True),
        "contrasts": lambda: plot_contrasts(compare(fit, "vehicle"), simulated=True),
        "residuals": lambda: plot_residuals(diagnose(fit, refit=False), simulated=True),
    }
    first, second = (to_svg(draw[kind](), title=kind) for _ in range(2))
    assert first == second
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert SIMULATED_MARK in words(draw[kind]())


def test_curves_are_json(curves: GroupCurves) -> None:
    assert json.loads(json.dumps(curves.to_dict(), allow_nan=False))["last_day"] == 21.0


def test_what_cannot_be_drawn_is_refused(study: GrowthData, curves: GroupCurves) -> None:
    with pytest.raises(InputError, match="an arm of the fit"):
        plot_growth_model(curves, control="nobody")
    with pytest.raises(InputError, match="days that rise"):
        group_curves(fit_growth(study), days=np.array([3.0, 1.0]))
    two = study.select(study.arm[study.animal] < 2)
    with pytest.raises(InputError, match="an arm with readings"):
        group_curves(fit_growth(study), data=two)


@pytest.mark.realdata
def test_a_bent_curve_passes_its_knots(shared_data: Callable[[str], Path]) -> None:
    data = read_growth(shared_data("iowa_melanoma_a375") / "growth.csv")
    fit = fit_growth(data, GrowthModel(time=TimeShape(kind="piecewise", knots=(35.5,))))
    found = group_curves(fit)
    assert 35.5 in [point.day for point in found.of_arm("control").points]
    assert found.of_arm("vemurafenib+BSO").n_at_risk(137.0) == 1
    assert to_svg(plot_growth_model(found, control="control"), title="curves").startswith("<svg")
