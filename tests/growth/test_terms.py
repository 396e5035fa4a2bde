"""The fixed part: columns, and the weights of curves, rates and areas against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from oncovivo.errors import DataError, InputError
from oncovivo.growth.data import GrowthData, growth_data_from_arrays
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.terms import FixedTerms, fixed_terms, time_basis
from tests.growth.studies import made_up_growth

RATES = {"vehicle": 0.1, "drug": 0.03}
PIECES = TimeShape(kind="piecewise", knots=(5.0, 12.0))
SPLINE = TimeShape(kind="spline", knots=(6.0, 11.0))
END = 21.0


def terms_of(model: GrowthModel, data: GrowthData | None = None) -> FixedTerms:
    return fixed_terms(made_up_growth(RATES) if data is None else data, model)


def with_labels(labels: dict[str, str], name: str = "batch") -> GrowthData:
    """Two arms of two animals, three readings each, with a factor."""
    ids = [who for who in ("v1", "v2", "d1", "d2") for _ in range(3)]
    return growth_data_from_arrays(
        arm=["vehicle"] * 6 + ["drug"] * 6,
        animal_id=ids,
        time=np.tile([0.0, 3.0, 7.0], 4),
        log_size=np.linspace(4.0, 5.0, 12) ** 1.5,
        factors={name: labels},
    )


@pytest.mark.parametrize("shape", [TimeShape(), PIECES, SPLINE])
def test_every_time_column_is_0_at_the_baseline(shape: TimeShape) -> None:
    assert (time_basis(np.zeros(1), shape, end=END) == 0).all()
    after = time_basis(np.linspace(0.5, END, 40), shape, end=END)
    assert np.linalg.matrix_rank(after) == len(shape.knots) + 1


def test_pieces_hold_the_days_spent_in_each() -> None:
    found = time_basis(np.array([-2.0, 3.0, 5.0, 9.0, 30.0]), PIECES, end=END)
    assert found.tolist() == [[-2, 0, 0], [3, 0, 0], [5, 0, 0], [5, 4, 0], [5, 7, 18]]


def test_a_natural_spline_is_a_line_outside_its_knots_and_a_cubic_between() -> None:
    for outside in (np.linspace(-9.0, 0.0, 7), np.linspace(END, 2 * END, 7)):
        second = np.diff(time_basis(outside, SPLINE, end=END), n=2, axis=0)
        np.testing.assert_allclose(second, 0, atol=1e-10)
    for low, high in ((0.0, 6.0), (6.0, 11.0), (11.0, END)):
        basis = time_basis(np.linspace(low, high, 9), SPLINE, end=END)
        np.testing.assert_allclose(np.diff(basis, n=4, axis=0), 0, atol=1e-10)
        assert np.abs(np.diff(basis[:, 1:], n=3, axis=0)).max() > 1e-4


def test_a_spline_is_smooth_at_its_knots() -> None:
    step = 1e-4
    for knot in (6.0, 11.0):
        basis = time_basis(np.linspace(knot - 2 * step, knot + 2 * step, 5), SPLINE, end=END)
        left, right = basis[0] - 2 * basis[1] + basis[2], basis[2] - 2 * basis[3] + basis[4]
        np.testing.assert_allclose(left / step**2, right / step**2, atol=1e-3)


def test_columns_are_named_and_zero_for_other_arms() -> None:
    data = made_up_growth(RATES)
    terms = terms_of(GrowthModel(intercept="arm", time=PIECES), data)
    assert terms.names == (
        "intercept:vehicle", "intercept:drug",
        "time1:vehicle", "time2:vehicle", "time3:vehicle",
        "time1:drug", "time2:drug", "time3:drug",
    )  # fmt: skip
    other = data.arm[data.animal] == 1
    assert (terms.matrix[other][:, [0, 2, 3, 4]] == 0).all()
    assert (terms.matrix[other][:, 1] == 1).all()
    assert terms.time_of == ((2, 3, 4), (5, 6, 7))
    assert terms.end == END


def test_on_a_line_curve_rate_and_area_are_the_slope() -> None:
    terms = terms_of(GrowthModel())
    assert terms.names == ("(intercept)", "time:vehicle", "time:drug")
    assert terms.curve(1, np.array([0.0, 4.0])).tolist() == [[1, 0, 0], [1, 0, 4]]
    for start, end in ((0.0, None), (3.0, 8.0)):
        np.testing.assert_allclose(terms.rate(1, start=start, end=end), [0, 0, 1], atol=1e-15)
    for end in (None, 2.0, 40.0):
        np.testing.assert_allclose(terms.area_rate(0, end=end), [0, 1, 0], atol=1e-14)


def test_on_a_broken_line_the_rate_weighs_pieces_by_their_days() -> None:
    terms = terms_of(GrowthModel(time=PIECES))
    np.testing.assert_allclose(terms.rate(0), np.array([0, 5, 7, 9, 0, 0, 0]) / 21)
    np.testing.assert_allclose(
        terms.rate(1, start=3.0, end=10.0), np.array([0, 0, 0, 0, 2, 5, 0]) / 7
    )
    with pytest.raises(InputError, match=r"an end after the start.*7 to 7"):
        terms.rate(0, start=7.0, end=7.0)


def test_on_a_broken_line_the_area_has_its_closed_form() -> None:
    """The area of a piece from a to b up to T is (b − a)²/2 + (b − a)(T − b)."""
    terms = terms_of(GrowthModel(time=PIECES))
    areas = [5**2 / 2 + 5 * 16, 7**2 / 2 + 7 * 9, 9**2 / 2]
    expected = 2 / 21**2 * np.array([0, *areas, 0, 0, 0])
    np.testing.assert_allclose(terms.area_rate(0), expected, rtol=1e-13)
    early = 2 / 9**2 * np.array([0, 0, 0, 0, 5**2 / 2 + 5 * 4, 4**2 / 2, 0])
    np.testing.assert_allclose(terms.area_rate(1, end=9.0), early, rtol=1e-13)


@pytest.mark.parametrize("end", [8.0, 21.0, 30.0])
def test_on_a_spline_rate_and_area_are_those_of_the_curve_on_a_fine_grid(end: float) -> None:
    terms = terms_of(GrowthModel(time=SPLINE))
    time = np.linspace(0.0, end, 200_001)
    curve = terms.curve(1, time)
    area = np.trapezoid(curve - curve[0], time, axis=0)
    np.testing.assert_allclose(terms.area_rate(1, end=end), 2 * area / end**2, atol=1e-9)
    np.testing.assert_allclose(terms.rate(1, end=end), (curve[-1] - curve[0]) / end, atol=1e-12)


def test_the_ratio_model_has_no_intercept_and_leaves_the_baseline_rows_out() -> None:
    data = made_up_growth(RATES)
    terms = terms_of(GrowthModel(baseline="ratio"), data)
    assert terms.names == ("time:vehicle", "time:drug")
    assert terms.rows.size == data.n_observations - data.n_animals
    start = np.repeat(data.log_size[data.time == 0], 6)
    np.testing.assert_allclose(terms.outcome, data.log_size[data.time > 0] - start)
    assert (terms.curve(0, np.zeros(1)) == 0).all()


def test_the_baseline_as_covariate_is_centered_and_no_outcome() -> None:
    data = made_up_growth(RATES)
    terms = terms_of(GrowthModel(covariates=("log_baseline",)), data)
    assert terms.names[-1] == "log_baseline"
    assert terms.rows.size == data.n_observations - data.n_animals
    np.testing.assert_allclose(terms.matrix[:, -1].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(terms.level, 0, atol=1e-12)


def test_a_factor_has_a_column_for_each_label_but_the_first_and_curves_take_its_mean() -> None:
    data = with_labels({"v1": "a", "v2": "b", "d1": "b", "d2": "b"})
    terms = terms_of(GrowthModel(covariates=("batch",)), data)
    assert terms.names[-1] == "batch:b"
    assert terms.matrix[:, -1].tolist() == [0] * 3 + [1] * 9
    assert terms.curve(0, np.zeros(1)).tolist() == [[1, 0, 0, 0.75]]


def test_columns_that_others_explain_are_refused_by_name() -> None:
    batch = {"v1": "a", "v2": "a", "d1": "b", "d2": "b"}
    data = with_labels(batch)
    with pytest.raises(DataError, match=r"study arrays.*'batch:b' is explained by the other"):
        terms_of(GrowthModel(intercept="arm", covariates=("batch",)), data)
    assert terms_of(GrowthModel(covariates=("batch",)), data).names[-1] == "batch:b"


def test_two_covariates_that_say_the_same_are_refused() -> None:
    data = growth_data_from_arrays(
        arm=["vehicle"] * 4 + ["drug"] * 4,
        animal_id=[f"m{i // 2}" for i in range(8)],
        time=np.tile([0.0, 3.0], 4),
        log_size=np.arange(8.0) ** 2,
        factors={
            "batch": {"m0": "1", "m1": "2", "m2": "1", "m3": "2"},
            "person": {"m0": "Ann", "m1": "Bo", "m2": "Ann", "m3": "Bo"},
        },
    )
    with pytest.raises(DataError, match="'person:Bo' is explained by the other columns"):
        terms_of(GrowthModel(covariates=("batch", "person")), data)


def test_a_covariate_with_a_label_for_each_animal_is_refused() -> None:
    data = with_labels({"v1": "a", "v2": "b", "d1": "c", "d2": "d"}, "cage")
    with pytest.raises(DataError, match=r"that animals share, not a cage for each.*4 for as many"):
        terms_of(GrowthModel(covariates=("cage",)), data)


def test_an_unknown_covariate_is_refused_with_those_that_are_known() -> None:
    data = with_labels({"v1": "a", "v2": "b", "d1": "b", "d2": "b"})
    with pytest.raises(InputError, match=r"study arrays.*: log_baseline, batch, found 'sex'"):
        terms_of(GrowthModel(covariates=("sex",)), data)


@pytest.mark.parametrize("knot", [21.0, 40.0])
def test_a_knot_that_is_not_before_the_last_reading_is_refused(knot: float) -> None:
    with pytest.raises(InputError, match=f"knots before 21 days.*found {knot:g}"):
        terms_of(GrowthModel(time=TimeShape(kind="spline", knots=(7.0, knot))))


def test_more_knots_than_days_are_refused() -> None:
    shape = TimeShape(kind="piecewise", knots=(1.0, 2.0))
    with pytest.raises(DataError, match=r"'time2:vehicle' is explained.*fewer knots"):
        terms_of(GrowthModel(time=shape))


def test_more_coefficients_than_readings_are_refused() -> None:
    data = growth_data_from_arrays(
        arm=["a", "a", "b", "b"],
        animal_id=["x", "x", "y", "z"],
        time=np.array([0.0, 3.0, 0.0, 3.0]),
        log_size=np.array([1.0, 2.0, 1.5, 1.7]),
    )
    shape = TimeShape(kind="piecewise", knots=(1.0,))
    with pytest.raises(DataError, match=r"more readings than coefficients \(6\).*4 readings"):
        terms_of(GrowthModel(intercept="arm", time=shape), data)


@pytest.mark.parametrize("model", [
    GrowthModel(baseline="ratio"), GrowthModel(covariates=("log_baseline",)),
])  # fmt: skip
def test_models_of_the_baseline_need_animals_with_one(model: GrowthModel) -> None:
    data = growth_data_from_arrays(
        arm=["a", "a"], animal_id=["x", "x"], time=np.array([2.0, 5.0]), log_size=np.ones(2)
    )
    with pytest.raises(DataError, match=r"a measured baseline and later readings.*none"):
        terms_of(model, data)
