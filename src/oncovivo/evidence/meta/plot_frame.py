"""What the pictures of pooled effects share: words of measures, heads, axes, small texts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from oncovivo.evidence.meta.types import LOG_MEASURES, Measure
from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width
from oncovivo.figures.theme import TEXT_COLOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = [
    "MEASURE_WORDS",
    "SIDE_WORDS",
    "SMALL",
    "cut_limits",
    "effect_axis",
    "effect_text",
    "head_lines",
    "inches",
    "say",
    "shortened",
    "write_head",
]

SMALL: Final = 7.5
_POINTS: Final = 72.0
_LONGEST: Final = 34
_LINE: Final = 0.155
_TITLE: Final = 0.34
_FEWEST_MARKS: Final = 3
# Limits that reach farther than so many spans of the estimates are cut, with an arrow.
_FAR: Final = 0.75

MEASURE_WORDS: Final[Mapping[Measure, str]] = MappingProxyType(
    {
        "SMD": "standardized mean difference (Hedges' g)",
        "SMDH": "standardized mean difference, unequal variances",
        "MD": "mean difference, treated − control",
        "ROM": "ratio of means, treated / control",
        "NMD": "normalized mean difference, a fraction",
        "VR": "ratio of standard deviations, treated / control",
        "CVR": "ratio of coefficients of variation, treated / control",
        "growth_rate": "difference of growth rates, 1/day",
        "log_hazard_ratio": "hazard ratio, treated / control",
        "log_median_ratio": "ratio of median survival, treated / control",
        "log_odds_ratio": "odds ratio of response, treated / control",
        "risk_difference": "difference of shares of responders",
        "arcsine_difference": "difference of arcsines of shares",
        "freeman_tukey_difference": "difference of double arcsines of shares",
        "generic": "effect size, as given",
    }
)
"""Each measure as an axis calls it; of a logarithm, the ratio that the axis shows."""

SIDE_WORDS: Final[Mapping[Measure, tuple[str, str]]] = MappingProxyType(
    {
        "SMD": ("smaller when treated", "larger when treated"),
        "SMDH": ("smaller when treated", "larger when treated"),
        "MD": ("smaller when treated", "larger when treated"),
        "ROM": ("smaller when treated", "larger when treated"),
        "NMD": ("harm", "benefit"),
        "VR": ("less spread when treated", "more spread when treated"),
        "CVR": ("less spread when treated", "more spread when treated"),
        "growth_rate": ("slower when treated", "faster when treated"),
        "log_hazard_ratio": ("fewer events when treated", "more events when treated"),
        "log_median_ratio": ("shorter when treated", "longer when treated"),
        "log_odds_ratio": ("fewer respond", "more respond"),
        "risk_difference": ("fewer respond", "more respond"),
        "arcsine_difference": ("fewer respond", "more respond"),
        "freeman_tukey_difference": ("fewer respond", "more respond"),
        "generic": ("", ""),
    }
)
"""What lies left and right of no difference."""


def effect_text(value: float | None, *, log: bool) -> str:
    """An effect to three figures, as a ratio where it is a logarithm; a dash where there is none.

    Examples
    --------
    >>> effect_text(-0.6931, log=True), effect_text(-2.52, log=False), effect_text(None, log=True)
    ('0.500', '−2.52', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if log:
        if value > math.log(9999):
            return "> 9999"
        value = math.exp(value)
        if value < 0.001:
            return "< 0.001"
    size = abs(value)
    if size >= 100 or size == 0:
        text = f"{value:.0f}"
    elif size < 0.01:
        text = f"{value:.2g}"
    else:
        text = f"{value:#.3g}".rstrip(".")
    return text.replace("-", "−")


def inches(words: Sequence[str], *, weight: Literal["normal", "bold"] = "normal") -> float:
    """Width of the longest of some small texts, in."""
    widths = (text_width(spelled_out(one), size=SMALL, weight=weight) for one in words)
    return max(widths, default=0.0) / _POINTS


def shortened(name: str, longest: int = _LONGEST) -> str:
    """A name cut in its middle, since numbers of experiments stand at the end.

    Examples
    --------
    >>> shortened("Karches and colleagues, 2019 (3)", 20)
    'Karches an…2019 (3)'
    """
    name = spelled_out(name)
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return f"{name[: longest - 1 - tail].rstrip()}…{name[-tail:].lstrip()}"


def say(
    ax: Axes,
    x: float,
    y: float,
    words: str,
    *,
    transform: Transform,
    align: Literal["left", "right", "center"] = "left",
    weight: Literal["normal", "bold"] = "normal",
) -> None:
    """A small text beside the axes."""
    ax.text(
        x,
        y,
        spelled_out(words),
        ha=align,
        va="center",
        fontsize=SMALL,
        weight=weight,
        color=TEXT_COLOR,
        transform=transform,
    )


def head_lines(lines: Sequence[str], width: float) -> tuple[list[str], float]:
    """Lines above the axes broken to a width in inches, and the inches that the head takes."""
    room = int((width - 0.2) * _POINTS / text_width("n", size=SMALL))
    broken = [part for line in lines for part in textwrap.wrap(spelled_out(line), room)]
    return broken, _TITLE + _LINE * len(broken)


def write_head(figure: Figure, title: str, lines: Sequence[str]) -> None:
    """Title and broken lines of a figure."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    figure.text(0.1 / width, 1 - 0.1 / height, spelled_out(title), fontsize=9.5, va="top")
    for place, line in enumerate(lines):
        down = 0.31 + _LINE * place
        figure.text(0.1 / width, 1 - down / height, line, fontsize=SMALL, va="top")


def cut_limits(estimates: Sequence[float], limits: Sequence[float]) -> tuple[float, float]:
    """Ends of an axis: all estimates and no difference, and the limits that are not too far."""
    low, high = min([0.0, *estimates]), max([0.0, *estimates])
    span = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-12)
    least, most = low - _FAR * span, high + _FAR * span
    shown = [low, high, *(min(max(limit, least), most) for limit in limits)]
    # Nothing but zeros still needs an axis.
    room = 0.03 * (max(shown) - min(shown)) or 0.1
    return min(shown) - room, max(shown) + room


def effect_axis(
    ax: Axes, measure: Measure, ends: tuple[float, float], *, vertical: bool = False
) -> None:
    """Marks and label of the axis of effects; ratios on logarithms."""
    from matplotlib.ticker import MaxNLocator

    if measure in LOG_MEASURES:
        marks = _ratio_marks(*ends)
        labels = [f"{mark:g}" for mark in marks]
        places = [math.log(mark) for mark in marks]
        words = f"{MEASURE_WORDS[measure]} (log axis)"
    else:
        locator = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10])
        places = [
            0.0 if abs(one) < 1e-12 else float(one)
            for one in locator.tick_values(*ends)
            if ends[0] <= one <= ends[1]
        ]
        labels = [f"{place:g}".replace("-", "−") for place in places]
        words = MEASURE_WORDS[measure]
    if vertical:
        ax.set_ylim(*ends)
        ax.set_yticks(places, labels)
        ax.set_ylabel(words)
    else:
        ax.set_xlim(*ends)
        ax.set_xticks(places, labels)
        ax.set_xlabel(words)


def _ratio_marks(low: float, high: float) -> list[float]:
    """Plain ratios between two logarithms, as few as can be read."""
    decades = (high - low) / math.log(10.0)
    within = (1.0, 2.0, 5.0) if decades < 1.8 else (1.0, 3.0) if decades < 3.5 else (1.0,)
    first, last = math.floor(low / math.log(10.0)), math.ceil(high / math.log(10.0))
    step = max(1, math.ceil((last - first) / 8))
    for digits in (within, (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)):
        inside = [
            float(f"{digit * 10.0**power:.2g}")
            for power in range(first, last + 1)
            if power % step == 0
            for digit in digits
            if low <= math.log(digit * 10.0**power) <= high
        ]
        if len(inside) >= _FEWEST_MARKS:
            return inside
    middle = [math.exp(low + (high - low) * share) for share in (0.1, 0.5, 0.9)]
    return sorted({*inside, *(float(f"{one:.2g}") for one in middle)})
