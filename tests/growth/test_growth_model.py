"""The choices that make a growth model: what goes together, and what is refused."""

from __future__ import annotations

import json

import pytest

from oncovivo.errors import InputError
from oncovivo.growth.model import GrowthModel, TimeShape


def test_the_default_is_a_common_intercept_with_kenward_roger() -> None:
    assert json.loads(json.dumps(GrowthModel().to_dict())) == {
        "baseline": "outcome",
        "intercept": "common",
        "time": {"kind": "linear", "knots": []},
        "covariates": [],
        "random": "intercept_slope",
        "groups": [],
        "residual": "iid",
        "df": "kr",
        "likelihood": "REML",
    }


def test_the_ratio_model_has_random_slopes_only() -> None:
    assert GrowthModel(baseline="ratio").random == "slope"
    with pytest.raises(InputError, match=r"'common' with baseline 'ratio'.*'arm'; its lines pass"):
        GrowthModel(baseline="ratio", intercept="arm")


@pytest.mark.parametrize(
    ("field", "word"),
    [
        ("baseline", "first"),
        ("intercept", "none"),
        ("random", "both"),
        ("residual", "ar1"),
        ("df", "z"),
        ("likelihood", "reml"),
    ],
)
def test_an_unknown_word_is_refused_with_those_that_are_known(field: str, word: str) -> None:
    known = getattr(GrowthModel(), field)
    with pytest.raises(InputError, match=f": .*{known}.*, found '{word}'"):
        GrowthModel(**{field: word})  # type: ignore[arg-type]


def test_a_variance_for_each_animal_needs_cr2() -> None:
    with pytest.raises(InputError, match=r"df 'cr2' with a residual variance.*'kr'.*theory"):
        GrowthModel(residual="animal")
    assert GrowthModel(residual="animal", df="cr2").df == "cr2"


@pytest.mark.parametrize(
    ("covariates", "groups"), [(("cage", "cage"), ()), ((), ("cage", "cage")), (("cage",),) * 2]
)
def test_a_factor_enters_once(covariates: tuple[str, ...], groups: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="each covariate and group once, found 'cage' twice"):
        GrowthModel(covariates=covariates, groups=groups)


def test_knots_belong_to_bent_curves() -> None:
    expected = "inner knots for piecewise and spline time, and none for linear"
    with pytest.raises(InputError, match=f"{expected}.*linear with 1 knots"):
        TimeShape(knots=(7.0,))
    with pytest.raises(InputError, match=f"{expected}.*spline with 0 knots"):
        TimeShape(kind="spline")
    with pytest.raises(
        InputError, match="shape of time: linear, piecewise, spline, found 'cubic'"
    ):
        TimeShape(kind="cubic", knots=(7.0,))  # type: ignore[arg-type]


@pytest.mark.parametrize("knots", [(0.0,), (-1.0, 3.0), (7.0, 7.0), (9.0, 4.0)])
def test_knots_rise_from_above_the_baseline(knots: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="knots that rise from above day 0, found"):
        TimeShape(kind="piecewise", knots=knots)


@pytest.mark.parametrize("knot", [float("nan"), float("inf")])
def test_knots_are_finite(knot: float) -> None:
    with pytest.raises(InputError, match="knots that rise from above day 0"):
        TimeShape(kind="spline", knots=(knot,))
