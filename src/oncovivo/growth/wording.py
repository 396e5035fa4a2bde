"""Growth models in words: what a table, a page and a methods section say alike."""

from __future__ import annotations

from typing import Final

from oncovivo.endpoints.wording import number_text
from oncovivo.growth.dropout_result import DropoutAnalysis
from oncovivo.growth.effects import EffectName, GrowthEffect
from oncovivo.growth.fit import VarianceComponents
from oncovivo.growth.model import GrowthModel, Likelihood

__all__ = [
    "EFFECT_TEXT",
    "dropout_lines",
    "effect_interval",
    "effect_text",
    "limits_text",
    "model_in_words",
    "p_text",
    "variance_in_words",
]

EFFECT_TEXT: Final[dict[EffectName, str]] = {
    "rate_ratio": "rate ratio",
    "tgi_growth_ratio_pct": "TGI, ratio of rates, %",
    "tgi_rate_pct": "TGI, difference of rates, %",
    "tgi_delta_geometric_pct": "TGI, growth of geometric means, %",
    "tgi_delta_arithmetic_pct": "TGI, growth of arithmetic means, %",
    "auc_rate_difference": "difference of area rates (eGaIT)",
}
"""Each effect as it is printed."""

_RANDOM: Final = {
    "intercept_slope": "random intercept and slope by animal",
    "intercept_slope_independent": "independent random intercept and slope by animal",
    "slope": "random slope by animal",
    "intercept": "random intercept by animal",
}
_RESIDUAL: Final = {
    "iid": "",
    "arm": "a residual variance for each arm",
    "car1": "residuals correlated in time (CAR(1))",
    "arm_car1": "a residual variance for each arm, residuals correlated in time (CAR(1))",
    "animal": "a residual variance for each animal",
}


def model_in_words(model: GrowthModel, *, likelihood: Likelihood, censored: int = 0) -> str:
    """The model as a sentence of a methods section, without a full stop.

    Parameters
    ----------
    model : GrowthModel
        The model.
    likelihood : {"REML", "ML"}
        What was maximized.
    censored : int
        Readings that entered as censored.

    Examples
    --------
    >>> model_in_words(GrowthModel(), likelihood="REML")
    'log size: one intercept, a slope for each arm; random intercept and slope by animal; REML'
    """
    if model.baseline == "ratio":
        mean = "log size relative to the own baseline: a slope for each arm through the origin"
    else:
        start = "one intercept" if model.intercept == "common" else "an intercept for each arm"
        shape = {
            "linear": "a slope for each arm",
            "piecewise": "a broken line for each arm",
            "spline": "a natural spline for each arm",
        }[model.time.kind]
        mean = f"log size: {start}, {shape}"
    if model.time.knots:
        mean += " with knots at day " + ", ".join(f"{knot:g}" for knot in model.time.knots)
    parts = [mean]
    if model.covariates:
        parts.append("adjusted for " + ", ".join(model.covariates))
    parts.append(_RANDOM[model.random])
    if model.groups:
        parts.append("random level of " + ", ".join(model.groups))
    if _RESIDUAL[model.residual]:
        parts.append(_RESIDUAL[model.residual])
    if censored:
        parts.append(f"{censored} readings censored at the limit")
    return "; ".join([*parts, likelihood])


def variance_in_words(variance: VarianceComponents) -> str:
    """Standard deviations as a line."""
    parts = []
    if variance.sd_intercept is not None:
        parts.append(f"intercept {number_text(variance.sd_intercept)}")
    if variance.sd_slope is not None:
        parts.append(f"slope {number_text(variance.sd_slope)}/d")
    if variance.correlation is not None:
        parts.append(f"correlation {number_text(variance.correlation, digits=2)}")
    parts += [f"{name} {number_text(sd)}" for name, sd in variance.sd_groups.items()]
    if variance.sd_residual is not None:
        parts.append(f"residual {number_text(variance.sd_residual)}")
    parts += [
        f"residual of {arm} {number_text(sd)}" for arm, sd in variance.sd_residual_by_arm.items()
    ]
    if variance.autocorrelation is not None:
        parts.append(f"residuals a day apart correlate {variance.autocorrelation:.2f}")
    return "SD between and within animals: " + ", ".join(parts)


def p_text(value: float | None) -> str:
    """A p value to two digits, a bound below 0.0001, a dash where there is none.

    Examples
    --------
    >>> p_text(0.0414), p_text(3e-9), p_text(None)
    ('0.041', '<0.0001', '—')
    """
    if value is None:
        return "—"
    if value < 1e-4:
        return "<0.0001"
    return f"{value:.3f}" if value >= 0.01 else f"{value:.4f}"


def limits_text(lower: float | None, upper: float | None) -> str:
    """An interval; ∞ where a limit is missing, a dash where both are.

    Examples
    --------
    >>> limits_text(1.0, None), limits_text(None, None)
    ('1.00 to ∞', '—')
    """
    if lower is None and upper is None:
        return "—"
    low = "−∞" if lower is None else number_text(lower)
    high = "∞" if upper is None else number_text(upper)
    return f"{low} to {high}"


def dropout_lines(dropout: DropoutAnalysis) -> list[str]:
    """Whether the conclusions hang on who left, arms with the same answer in one line."""
    arms: dict[str, list[str]] = {}
    for arm in dropout.arms:
        arms.setdefault(arm.verdict.line, []).append(arm.arm)
    return [f"{', '.join(names)}: {line}" for line, names in arms.items()]


def effect_text(effect: GrowthEffect) -> str:
    """The estimate, or a dash."""
    return "—" if effect.estimate is None else number_text(effect.estimate)


def effect_interval(effect: GrowthEffect) -> str:
    """The interval, ``unbounded``, or a dash."""
    if effect.lower is None and effect.upper is None:
        return "unbounded" if effect.status == "unbounded" else "—"
    return limits_text(effect.lower, effect.upper)
