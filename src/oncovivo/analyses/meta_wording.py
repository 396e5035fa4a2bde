"""What a pooled effect says, in sentences: the effect first, then how sure, then how varied."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from oncovivo.analyses.meta_result import MetaEstimate, MetaResult, exponential
from oncovivo.endpoints.wording import number_text
from oncovivo.evidence.meta.types import LOG_MEASURES, Measure

__all__ = ["effect_sentence", "effect_words", "prediction_sentence", "variation_sentence"]

# What is so many times that of controls.
_RATIOS: Final[Mapping[Measure, str]] = MappingProxyType(
    {
        "ROM": "The mean of treated animals is {} times that of controls",
        "VR": "The standard deviation of treated animals is {} times that of controls",
        "CVR": "The coefficient of variation of treated animals is {} times that of controls",
        "log_hazard_ratio": "The hazard of treated animals is {} times that of controls",
        "log_median_ratio": "The median survival of treated animals is {} times that of controls",
        "log_odds_ratio": "The odds of response of treated animals are {} times those of controls",
    }
)
# What lies so far below or above.
_DIFFERENCES: Final[Mapping[Measure, str]] = MappingProxyType(
    {
        "SMD": "Treated animals lie {} standard deviations {} controls",
        "SMDH": "Treated animals lie {} standard deviations {} controls",
        "MD": "The mean of treated animals lies {} {} that of controls",
        "growth_rate": "The growth rate of treated animals lies {} per day {} that of controls",
        "risk_difference": "The share of responders lies {} {} that of controls",
    }
)


def effect_words(value: float | None, measure: Measure) -> str:
    """An effect to three figures, as a ratio where it is a logarithm; a dash where there is none.

    Examples
    --------
    >>> effect_words(-0.6931, "ROM"), effect_words(None, "SMD")
    ('0.500', '—')
    """
    shown = exponential(value) if measure in LOG_MEASURES else value
    return "—" if shown is None else number_text(shown)


def effect_sentence(result: MetaResult) -> str:
    """The pooled effect in a sentence, with limits, test, rows and method.

    Parameters
    ----------
    result : MetaResult
        What was pooled.
    """
    one = result.estimate
    measure = one.measure
    words = effect_words(one.estimate, measure)
    if measure in _RATIOS:
        said = _RATIOS[measure].format(words)
    elif measure in _DIFFERENCES:
        side = "below" if one.estimate < 0 else "above"
        said = _DIFFERENCES[measure].format(number_text(abs(one.estimate)), side)
    elif measure == "NMD":
        said = f"Treatment takes away {words} of the distance between control and healthy animals"
    else:
        said = f"The pooled effect is {words}"
    lower, upper = effect_words(one.lower, measure), effect_words(one.upper, measure)
    signed = f"difference {words}, " if measure in _DIFFERENCES else ""
    limits = f"{signed}{100 * one.level:g} % interval {lower} to {upper}, p {_p(one.p_value)}"
    return f"{said} ({limits}): {_counted(result)}, {_method(one)}."


def _counted(result: MetaResult) -> str:
    """Rows and papers."""
    k = result.estimate.k
    rows = f"{k} row" if k == 1 else f"{k} rows"
    if result.studies is None or result.studies == k:
        return rows
    studies = "study" if result.studies == 1 else "studies"
    return f"{rows} of {result.studies} {studies}"


def _method(one: MetaEstimate) -> str:
    """Estimator and test."""
    if one.k == 1:
        return "nothing pooled"
    method = "equal effects" if one.method == "EE" else one.method
    tests = {
        "knapp-hartung": "Knapp-Hartung",
        "knapp-hartung-floor": "Knapp-Hartung with the floor of 1",
    }
    test = tests.get(one.test, f"{one.test} test")
    if one.df is None:
        return f"{method}, {test}"
    return f"{method}, {test} with {_degrees(one.df)}"


def _degrees(df: float) -> str:
    return "1 degree of freedom" if df == 1 else f"{df:g} degrees of freedom"


def _p(value: float) -> str:
    """A p-value behind its letter."""
    if value != value:
        return "unknown"
    if value < 1e-4:
        return "< 0.0001"
    return f"= {value:.3f}" if value >= 0.01 else f"= {value:.4f}"


def prediction_sentence(one: MetaEstimate) -> str:
    """What a new study may find, or why that is not known."""
    if one.pi_lower is None or one.pi_upper is None:
        return f"No prediction interval: {one.missing.get('pi', 'not computed')}."
    lower, upper = (effect_words(value, one.measure) for value in (one.pi_lower, one.pi_upper))
    return (
        f"The true effect of a new study lies between {lower} and {upper} "
        f"({100 * one.level:g} % prediction interval)."
    )


def variation_sentence(one: MetaEstimate) -> str:
    """How much rows differ beyond sampling error."""
    if one.tau2 is None or one.i2 is None or one.q is None or one.q_p_value is None:
        return "Nothing is known of the variation between rows."
    tau2 = f"τ² {number_text(one.tau2)}"
    if one.tau2_lower is not None:
        upper = "unbounded" if one.tau2_upper is None else number_text(one.tau2_upper)
        tau2 += f" ({number_text(one.tau2_lower)} to {upper})"
    return (
        f"Between rows: {tau2}, I² {one.i2:.1f} %, "
        f"Q {one.q:.1f} with {_degrees(one.q_df)}, p {_p(one.q_p_value)}."
    )
