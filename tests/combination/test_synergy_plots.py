"""Pictures of combinations: what must be in them, and the same bytes each time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from oncovivo.combination import (
    CombinationArms,
    IndexBand,
    ObservedExpected,
    SynergyResult,
    bliss,
    compare_nulls,
    dose_grid,
    grid_synergy,
    hsa,
    index_band,
    observed_expected,
    plot_dose_grid,
    plot_index_band,
    plot_observed_expected,
    plot_synergy_forest,
    response_additivity,
)
from oncovivo.combination.foreseen import ForeseenCurve
from oncovivo.combination.plot_words import animals_words, index_words, p_words
from oncovivo.errors import InputError
from oncovivo.figures.theme import PALETTE, SIMULATED_MARK, to_svg
from oncovivo.growth.censored import fit_censored
from oncovivo.growth.fit import GrowthFit, fit_growth
from oncovivo.growth.model import GrowthModel
from tests.combination.studies import TWO, exact_growth
from tests.growth.studies import made_up_growth, with_limit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import ColorType

RATES = {"C": 0.10, "A": 0.08, "B": 0.07, "AB": 0.02}
# Response additivity foresees nothing above zero from early on.
STRONG = {"C": 0.14, "A": 0.02, "B": 0.03, "AB": 0.01}


@pytest.fixture(scope="module")
def fit() -> GrowthFit:
    return fit_growth(exact_growth(RATES))


@pytest.fixture(scope="module")
def strong() -> GrowthFit:
    return fit_growth(exact_growth(STRONG))


@pytest.fixture(scope="module")
def found(fit: GrowthFit) -> ObservedExpected:
    return observed_expected(fit, TWO)


def words(figure: Figure) -> list[str]:
    """Every text in a figure."""
    said = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        said += [text.get_text() for text in ax.texts]
        said += [ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]
    return said


def whole(figure: Figure) -> str:
    return " ".join(words(figure))


def curve(found: ObservedExpected, null: str) -> ForeseenCurve:
    return next(one for one in found.foreseen if one.null == null)


def lines(
    ax: Axes, color: str, width: float
) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Points of the curves of a color and width."""
    return [
        np.asarray(line.get_xydata())
        for line in ax.lines
        # Two points are a sample in the key.
        if line.get_color() == color
        and line.get_linewidth() == width
        and len(np.asarray(line.get_xdata())) > 2
    ]


def test_foreseen_curves_follow_from_the_rates(found: ObservedExpected) -> None:
    start = found.curves.of_arm("AB").points[0].mean
    last = {one.null: one.points[-1] for one in found.foreseen}
    assert {point.day for point in last.values()} == {20.0} == {found.last_day}
    sizes = {name: math.exp(20 * rate) for name, rate in RATES.items()}
    # The made-up rates are exact to 1e-6 per day.
    assert last["bliss"].mean == pytest.approx(start * math.exp(20 * 0.05), rel=1e-4)
    assert last["hsa"].mean == pytest.approx(start * sizes["B"], rel=1e-4)
    additive = sizes["A"] + sizes["B"] - sizes["C"]
    assert last["response_additivity"].mean == pytest.approx(start * additive, rel=1e-4)
    for one in found.foreseen:
        first = one.points[0]
        assert first.mean == pytest.approx(start)
        assert first.lower is not None
        assert first.upper is not None
        assert first.lower < start < first.upper


def test_bands_are_those_of_the_fit(fit: GrowthFit, found: ObservedExpected) -> None:
    numbers = [fit.data.arm_number(name) for name in ("C", "A", "B", "AB")]
    day = np.array([20.0])
    control, first, second, both = (
        fit.terms.curve(n, day) - fit.terms.curve(n, np.zeros(1)) for n in numbers
    )
    start = fit.terms.curve(numbers[3], np.zeros(1))
    limits = fit.contrasts(start + first + second - control)
    point = curve(found, "bliss").points[-1]
    assert point.lower == pytest.approx(math.exp(limits.lower[0]))
    assert point.upper == pytest.approx(math.exp(limits.upper[0]))
    # Two partners: the lower limit is the lowest, the upper one the lowest at half the error.
    alone = [fit.contrasts(start + own) for own in (first, second)]
    halved = [fit.contrasts(start + own, level=0.975) for own in (first, second)]
    point = curve(found, "hsa").points[-1]
    assert point.lower == pytest.approx(math.exp(min(one.lower[0] for one in alone)))
    one_sided = min(one.upper[0] for one in halved)
    assert point.upper == pytest.approx(math.exp(one_sided))
    observed = found.curves.of_arm("AB").points[-1]
    assert observed.mean == pytest.approx(math.exp((start + both)[0] @ fit.coefficients))


def test_the_delta_method_of_additive_sizes_is_near_draws(
    fit: GrowthFit, found: ObservedExpected
) -> None:
    numbers = [fit.data.arm_number(name) for name in ("C", "A", "B", "AB")]
    rows = np.vstack(
        [fit.terms.curve(n, np.array([20.0])) - fit.terms.curve(n, np.zeros(1)) for n in numbers]
    )
    rows = rows[:3] + fit.terms.curve(numbers[3], np.zeros(1))
    rng = np.random.default_rng(3)
    logs = rng.multivariate_normal(
        rows @ fit.coefficients, rows @ fit.inference.covariance @ rows.T, size=200_000
    )
    sizes = np.exp(logs)
    spread = float((sizes[:, 1] + sizes[:, 2] - sizes[:, 0]).std())
    point = curve(found, "response_additivity").points[-1]
    assert point.mean is not None
    assert point.upper is not None
    # Sizes are log-normal: the delta method leaves out what is of second order.
    assert (point.upper - point.mean) / 2.02 == pytest.approx(spread, rel=0.1)


def test_nothing_above_zero_is_foreseen_as_no_point(strong: GrowthFit) -> None:
    points = curve(observed_expected(strong, TWO), "response_additivity").points
    assert points[0].mean is not None
    assert points[-1].mean is None
    assert points[-1].lower is None
    figure = plot_observed_expected(observed_expected(strong, TWO))
    first = next(point.day for point in points if point.mean is None)
    assert f"nothing above zero is foreseen from day {first:.3g} on" in whole(figure)


def test_the_ratio_model_starts_all_curves_at_one() -> None:
    ratio = fit_growth(made_up_growth(RATES), GrowthModel(baseline="ratio"))
    for one in observed_expected(ratio, TWO).foreseen:
        first = one.points[0]
        assert (first.mean, first.lower, first.upper) == (1.0, 1.0, 1.0)
    assert "volume / baseline" in words(plot_observed_expected(observed_expected(ratio, TWO)))


def test_null_models_that_are_none_are_refused(fit: GrowthFit) -> None:
    for nulls in (("bliss", "bliss"), ("loewe",), ()):
        with pytest.raises(InputError, match="null models, each once"):
            observed_expected(fit, TWO, nulls=nulls)  # type: ignore[arg-type]


def test_observed_and_expected_have_a_panel_for_each_null(
    fit: GrowthFit, found: ObservedExpected
) -> None:
    results = [test for test in compare_nulls(fit, TWO) if test.scale == "relative_volume"]
    figure = plot_observed_expected(found, results=results)
    assert len(figure.axes) == 3
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["Bliss independence", "highest single agent", "response additivity"]
    for ax, one in zip(figure.axes, found.foreseen, strict=True):
        assert ax.get_yscale() == "log"
        animals = [line for line in ax.lines if line.get_linewidth() == 0.6]
        assert len(animals) == 6
        (foreseen,) = lines(ax, PALETTE[0], 2.0)
        assert foreseen[-1] == pytest.approx((20.0, one.points[-1].mean))
        (observed,) = lines(ax, PALETTE[1], 2.2)
        assert observed[-1][1] == pytest.approx(found.curves.of_arm("AB").points[-1].mean)
        (test,) = [test for test in results if test.null == one.null]
        assert f"index {index_words(test.index)} (" in whole(figure)
        low, high = ax.get_ylim()
        assert low < observed[0][1] < high
    said = words(figure)
    for name in RATES:
        assert f"{name} (n = 6)" in said
    assert said.count("6") == 4 * 5
    assert "bands: 95 %, each day alone" in whole(figure)
    assert "up to day 20" in whole(figure)
    assert "time (day)" in said


def test_a_result_of_another_combination_is_refused(
    fit: GrowthFit, found: ObservedExpected
) -> None:
    other = CombinationArms(control="A", partners=("C", "B"), combination="AB")
    with pytest.raises(InputError, match="results of AB and its partners"):
        plot_observed_expected(found, results=[bliss(fit, other)])


def test_a_cured_combination_is_drawn_without_a_curve() -> None:
    data = with_limit(made_up_growth({**RATES, "AB": -2.0}), 20.0)
    fit = fit_censored(data)
    seen = observed_expected(fit, TWO, data=data)
    assert all(one.points == () for one in seen.foreseen)
    figure = plot_observed_expected(seen)
    assert "no curve: a rate is only bounded" in whole(figure)
    assert "▽: below the limit" in whole(figure)
    to_svg(figure, title="cured")
    band = index_band(fit, TWO)
    assert "no answer" in whole(plot_index_band(band))
    assert "no index" in whole(plot_synergy_forest(compare_nulls(fit, TWO)))


def test_the_band_of_the_index_has_its_limits_its_line_and_what_is_detectable(
    fit: GrowthFit,
) -> None:
    band = index_band(fit, TWO)
    results = [bliss(fit, TWO, scale="relative_volume", day=day.day) for day in band.days]
    figure = plot_index_band(band, detectable=results, n_animals=dict.fromkeys(RATES, 6))
    (ax,) = figure.axes
    (index,) = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(
        np.asarray(index.get_xydata()), [(day.day, day.index or 0.0) for day in band.days]
    )
    (detectable,) = [line for line in ax.lines if line.get_marker() == "v"]
    np.testing.assert_allclose(
        np.asarray(detectable.get_xydata()),
        [(result.day or 0.0, result.detectable_index or 0.0) for result in results],
    )
    assert any(set(np.asarray(line.get_ydata())) == {1.0} for line in ax.lines)
    (area,) = ax.collections
    corners = np.asarray(area.get_paths()[0].vertices)
    assert corners[:, 1].min() == pytest.approx(min(d.index_lower or 9.0 for d in band.days))
    assert corners[:, 1].max() == pytest.approx(max(d.index_upper or 0.0 for d in band.days))
    said = whole(figure)
    assert "Bliss independence on the relative size" in said
    assert "band: 95 %, together over 4 days, 5 to 20 (straight log curves: one question)" in said
    assert "verdict: synergy" in said
    assert "n = 6 animals in each arm" in said
    assert "80 % power" in said
    low, high = ax.get_ylim()
    assert low < min(day.index_lower or 0.0 for day in band.days)
    assert low < 1.0 < high


def test_days_without_an_index_are_named_and_the_band_is_open_above(strong: GrowthFit) -> None:
    band = index_band(strong, TWO, null="response_additivity")
    without = [day.day for day in band.days if day.index is None]
    assert without
    figure = plot_index_band(band)
    (ax,) = figure.axes
    assert f"from day {without[0]:g} on nothing above zero is foreseen: no index" in whole(figure)
    low, high = ax.get_xlim()
    assert low < band.days[0].day < band.days[-1].day < high
    if any(day.index_lower is not None and day.index_upper is None for day in band.days):
        assert np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1].max() > ax.get_ylim()[1]


def test_the_highest_single_agent_is_tested_for_synergy_alone(fit: GrowthFit) -> None:
    assert "no synergy on any day" in whole(plot_index_band(index_band(fit, TWO, null="hsa")))


def test_a_detectable_index_of_another_null_is_refused(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match=r"results of Bliss independence for AB.*highest single"):
        plot_index_band(index_band(fit, TWO), detectable=[hsa(fit, TWO)])


def test_the_forest_has_a_row_for_each_null_and_scale(fit: GrowthFit) -> None:
    results = compare_nulls(fit, TWO)
    figure = plot_synergy_forest(results, n_animals=dict.fromkeys(RATES, 6), title="study 1")
    (ax,) = figure.axes
    diamonds = [
        tuple(np.asarray(line.get_xydata())[0]) for line in ax.lines if line.get_marker() == "D"
    ]
    expected = [(result.index or 0.0, place) for place, result in enumerate(results)]
    np.testing.assert_allclose(diamonds, expected)
    said = words(figure)
    assert "Bliss independence, growth rate" in said
    assert "response additivity, area under the curve" in said
    first = results[0]
    limits = f"{index_words(first.index_lower)} to {index_words(first.index_upper)}"
    assert f"{index_words(first.index)} ({limits})" in said
    assert said.count("synergy") == sum(result.verdict == "synergy" for result in results)
    assert "study 1: AB against A, B; control C" in said
    assert "on day 20" in whole(figure)
    assert "n = 6 animals in each arm" in said
    assert "of one-sided tests each limit alone" in whole(figure)
    bars = [np.asarray(line.get_xydata()) for line in ax.lines if line.get_linewidth() == 2.4]
    np.testing.assert_allclose(bars[0][:, 0], [first.index_lower or 0.0, first.index_upper or 0.0])


def test_limits_beyond_the_axis_are_arrows_and_a_missing_index_says_why(
    fit: GrowthFit, strong: GrowthFit
) -> None:
    wide = replace(bliss(fit, TWO), index_lower=1e-4, index_upper=None)
    gone = response_additivity(strong, TWO)
    assert gone.index is None
    figure = plot_synergy_forest([wide, replace(gone, index_lower=None)])
    (ax,) = figure.axes
    assert {"<", ">"} <= {str(line.get_marker()) for line in ax.lines}
    said = words(figure)
    assert f"{index_words(wide.index)} (above 0.00010)" in said
    assert "no index" in said
    assert f"flagged: {gone.reason}" in said
    left, right = ax.get_xlim()
    # A factor of 100 on both sides, and a tenth of room.
    assert left == pytest.approx(1 / 110)
    assert right == pytest.approx(110)


def test_several_combinations_and_days_are_named_in_the_rows(fit: GrowthFit) -> None:
    other = CombinationArms(control="C", partners=("A", "B"), combination="AB")
    twin = replace(bliss(fit, other, day=10.0), arms=replace(other, combination="twin"))
    said = words(plot_synergy_forest([bliss(fit, TWO), twin]))
    assert "AB: Bliss independence, growth rate, day 20" in said
    assert "twin: Bliss independence, growth rate, day 10" in said


def test_a_forest_of_nothing_or_of_two_levels_is_refused(fit: GrowthFit) -> None:
    with pytest.raises(InputError, match="results of one level"):
        plot_synergy_forest([])
    with pytest.raises(InputError, match="2 results of 2 levels"):
        plot_synergy_forest([bliss(fit, TWO), bliss(fit, TWO, level=0.9)])


def redness(ax: Axes, *, column: int, row: int) -> float:
    """How much more red than blue a cell is."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    found = [
        to_rgb(patch.get_facecolor())
        for patch in ax.patches
        if isinstance(patch, Rectangle)
        and patch.get_fill()
        and patch.get_xy() == (column - 0.5, row - 0.5)
    ]
    assert len(found) == 1
    return found[0][0] - found[0][2]


GRID = {
    "C": (0.0, 0.0),
    "A": (5.0, 0.0),
    "A2": (50.0, 0.0),
    "B": (0.0, 10.0),
    "B2": (0.0, 20.0),
    "AB": (5.0, 10.0),
    "A2B": (50.0, 10.0),
    "A2B2": (50.0, 20.0),
}
GRID_RATES = {
    "C": 0.10,
    "A": 0.08,
    "A2": 0.06,
    "B": 0.07,
    "B2": 0.05,
    "AB": -0.06,
    "A2B": 0.11,
    "A2B2": 0.01,
}


def test_a_dose_grid_shows_doses_indices_limits_and_frames() -> None:
    fit = fit_growth(exact_growth(GRID_RATES))
    grid = dose_grid(GRID, compounds=("drug a", "drug b"), units=("mg/kg", "Gy"))
    surface = grid_synergy(fit, grid)
    figure = plot_dose_grid(surface)
    ax, bar = figure.axes
    said = words(figure)
    for cell in surface.cells:
        assert index_words(cell.alone.index) in said
        assert f"{index_words(cell.index_lower)} to {index_words(cell.index_upper)}" in said
    verdicts = {cell.alone.arms.combination: cell.verdict for cell in surface.cells}
    assert verdicts == {"AB": "synergy", "A2B": "antagonism", "A2B2": "not_shown"}
    frames = [patch for patch in ax.patches if not patch.get_fill()]
    assert len(frames) == 2
    assert said.count("synergy") == said.count("antagonism") == 1
    assert "not tested" in said
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10", "20"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["5", "50"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("drug a (mg/kg)", "drug b (Gy)")
    assert "Bliss independence on the growth rate" in whole(figure)
    assert "on day 20" in whole(figure)
    assert "95 %, together over 3 cells" in whole(figure)
    assert "n = 6 animals in each arm" in whole(figure)
    # The color scale is centered on 1, so that white is no interaction.
    low, high = bar.get_ylim()
    assert low == -high
    assert redness(ax, column=0, row=0) < 0 < redness(ax, column=0, row=1)
    assert abs(redness(ax, column=1, row=1)) < 0.02
    assert redness(ax, column=1, row=0) == 0


def luminance(color: ColorType) -> float:
    """Relative luminance as WCAG 2 defines it."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_letters_are_read_on_every_cell() -> None:
    fit = fit_growth(exact_growth(GRID_RATES))
    ax = plot_dose_grid(grid_synergy(fit, dose_grid(GRID, compounds=("a", "b")))).axes[0]
    letters = max(luminance(text.get_color()) for text in ax.texts)
    cells = [luminance(patch.get_facecolor()) for patch in ax.patches if patch.get_fill()]
    assert min(cells) < 0.5
    # WCAG's least contrast of small letters.
    assert (min(cells) + 0.05) / (letters + 0.05) > 4.5


def test_a_grid_without_answers_and_the_highest_single_agent_are_said() -> None:
    four = {name: GRID[name] for name in ("C", "A", "B", "AB")}
    data = with_limit(made_up_growth({**RATES, "AB": -2.0}), 20.0)
    grid = dose_grid(four, compounds=("a", "b"))
    cured = plot_dose_grid(grid_synergy(fit_censored(data), grid))
    assert "no answer" in words(cured)
    assert "no cell has an answer" in whole(cured)
    fit = fit_growth(exact_growth(RATES))
    said = whole(plot_dose_grid(grid_synergy(fit, grid, null="hsa")))
    assert "highest single agent on the growth rate" in said
    assert "Bonferroni; the test is one-sided" in said
    assert "test of no synergy anywhere: p < 0.0001" in said


def test_every_picture_says_that_data_are_simulated(
    fit: GrowthFit, found: ObservedExpected
) -> None:
    band: IndexBand = index_band(fit, TWO)
    results: tuple[SynergyResult, ...] = (bliss(fit, TWO),)
    four = {name: GRID[name] for name in ("C", "A", "B", "AB")}
    surface = grid_synergy(fit, dose_grid(four, compounds=("a", "b")))
    draws: list[Callable[[bool], Figure]] = [
        lambda mark: plot_observed_expected(found, simulated=mark),
        lambda mark: plot_index_band(band, simulated=mark),
        lambda mark: plot_synergy_forest(results, simulated=mark),
        lambda mark: plot_dose_grid(surface, simulated=mark),
    ]
    for draw in draws:
        marked, plain, again = (draw(mark) for mark in (True, False, False))
        assert SIMULATED_MARK in words(marked)
        assert SIMULATED_MARK not in words(plain)
        assert to_svg(plain, title="t") == to_svg(again, title="t")


def test_numbers_are_short() -> None:
    assert [index_words(value) for value in (0.994, 1.0, 9.94, 9.96, 123.4, 3e5)] == [
        "0.99",
        "1.00",
        "9.94",
        "10",
        "123",
        "3e+05",
    ]
    assert p_words(0.0004) == "p = 0.0004"
    assert animals_words({"a": 5, "b": 7, "c": 9}, ["a", "b"]) == "n = 5 to 7 animals per arm"
