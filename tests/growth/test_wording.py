"""Models and numbers in words."""

from __future__ import annotations

import pytest

from oncovivo.growth.effects import EFFECTS, GrowthEffect
from oncovivo.growth.fit import VarianceComponents, fit_growth
from oncovivo.growth.model import GrowthModel, TimeShape
from oncovivo.growth.wording import (
    EFFECT_TEXT,
    effect_interval,
    effect_text,
    limits_text,
    model_in_words,
    p_text,
    variance_in_words,
)
from tests.growth.studies import made_up_growth


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (GrowthModel(intercept="arm"), "an intercept for each arm, a slope for each arm;"),
        (GrowthModel(baseline="ratio"), "relative to the own baseline: a slope for each arm thr"),
        (GrowthModel(baseline="ratio"), "through the origin; random slope by animal"),
        (
            GrowthModel(time=TimeShape(kind="spline", knots=(7.0, 14.5))),
            "a natural spline for each arm with knots at day 7, 14.5;",
        ),
        (GrowthModel(covariates=("batch", "sex")), "; adjusted for batch, sex;"),
        (GrowthModel(random="intercept", groups=("cage",)), "by animal; random level of cage;"),
        (GrowthModel(residual="arm_car1"), "residual variance for each arm, residuals correlated"),
        (GrowthModel(residual="animal", df="cr2"), "; a residual variance for each animal; ML"),
    ],
)
def test_every_choice_is_named(model: GrowthModel, words: str) -> None:
    assert words in model_in_words(model, likelihood="ML")


def test_censored_readings_are_counted_before_the_likelihood() -> None:
    said = model_in_words(GrowthModel(), likelihood="ML", censored=12)
    assert said.endswith("; 12 readings censored at the limit; ML")
    assert "censored" not in model_in_words(GrowthModel(), likelihood="REML")


def test_standard_deviations_that_the_model_lacks_are_not_named() -> None:
    fitted = fit_growth(made_up_growth({"a": 0.1, "b": 0.0}), GrowthModel(random="slope"))
    said = variance_in_words(fitted.variance)
    assert said.startswith("SD between and within animals: slope 0.0")
    assert "/d, residual 0.1" in said
    assert "intercept" not in said
    assert "correlation" not in said


def test_standard_deviations_by_arm_and_group_and_autocorrelation_are_named() -> None:
    variance = VarianceComponents(
        sd_intercept=0.3,
        sd_slope=None,
        correlation=None,
        sd_residual=None,
        sd_residual_by_arm={"[drug]": 0.25},
        sd_groups={"cage": 0.125},
        autocorrelation=0.5,
    )
    assert variance_in_words(variance) == (
        "SD between and within animals: intercept 0.300, cage 0.125, residual of [drug] 0.250, "
        "residuals a day apart correlate 0.50"
    )


@pytest.mark.parametrize(("value", "words"), [
    (1.0, "1.000"), (0.01, "0.010"), (0.00999, "0.0100"), (1e-4, "0.0001"), (9.9e-5, "<0.0001"),
    (0.0, "<0.0001"), (None, "—"),
])  # fmt: skip
def test_p_values_have_a_floor(value: float | None, words: str) -> None:
    assert p_text(value) == words


def test_limits_that_are_missing_are_infinite() -> None:
    assert limits_text(-0.25, 3.0) == "−0.250 to 3.00"
    assert limits_text(None, 3.0) == "−∞ to 3.00"
    assert limits_text(None, None) == "—"


def test_effects_without_numbers_say_why_there_is_none() -> None:
    def effect(estimate: float | None, status: str, upper: float | None = None) -> GrowthEffect:
        return GrowthEffect(
            arm="drug",
            versus="control",
            effect="rate_ratio",
            day=None,
            estimate=estimate,
            lower=None,
            upper=upper,
            level=0.95,
            df=None,
            method="none",
            status=status,  # type: ignore[arg-type]
            reason="",
        )

    assert effect_text(effect(None, "undefined")) == "—"
    assert effect_interval(effect(None, "undefined")) == "—"
    assert effect_interval(effect(0.5, "unbounded")) == "unbounded"
    assert effect_interval(effect(0.5, "ok", 0.75)) == "−∞ to 0.750"
    assert effect_text(effect(0.5, "ok")) == "0.500"


def test_every_effect_has_words_of_its_own() -> None:
    assert set(EFFECT_TEXT) == set(EFFECTS)
    assert len(set(EFFECT_TEXT.values())) == len(EFFECTS)
