"""Panels of simulated outputs: what stands above them, on their axes, and how these are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from oncovivo.figures.glyphs import spelled_out
from oncovivo.figures.text_width import text_width
from oncovivo.mechanism.simulate import OutputCurve, SimulationResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "AXIS_WORDS",
    "HEADING",
    "LINE",
    "SMALL",
    "Panel",
    "axis_words",
    "inside",
    "plain_number",
    "read_panel",
    "scale_axis",
    "wrapped",
]

# The order of the panels, and what stands on their axes.
AXIS_WORDS: Final = {
    "concentration": "concentration",
    "occupancy": "share",
    "marker": "level",
    "rate": "rate",
    "other": "value",
    "volume": "volume",
}
# What spans more than this is drawn on a log axis, which is cut so far below its top.
_LOG_SPAN: Final = 100.0
_CUT: Final = 1e5

HEADING: Final = 8.0
SMALL: Final = 7.0
LINE: Final = 1.32 / 72
"""Height of a line of text per point of its size, inches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """An output with its curves by arm, its axis, and the lines above it."""

    curves: tuple[OutputCurve, ...]
    log: bool
    heading: tuple[str, ...]
    small: tuple[str, ...]

    @property
    def head(self) -> float:
        """Height of the lines above the panel, inches."""
        return LINE * (len(self.heading) * HEADING + len(self.small) * SMALL) + 0.07


def read_panel(result: SimulationResult, name: str, across: float) -> Panel:
    """An output with what is said above it."""
    curves = tuple(arm.output(name) for arm in result.arms)
    log = _spans_decades(curves)
    small = [_counts(curves, len({use.name for use in result.parameters}))]
    if log:
        empty = [
            arm.arm
            for arm, curve in zip(result.arms, curves, strict=True)
            if max(curve.median) <= 0
        ]
        small += [f"0, not drawn: {', '.join(empty)}"] if empty else []
    return Panel(
        curves=curves,
        log=log,
        heading=wrapped(curves[0].meaning, HEADING, across),
        small=tuple(line for words in small for line in wrapped(words, SMALL, across)),
    )


def _spans_decades(curves: Sequence[OutputCurve]) -> bool:
    """Whether a size is so different between days and arms that a log axis shows it better."""
    if curves[0].kind not in ("concentration", "volume"):
        return False
    values = [value for curve in curves for value in curve.median if value > 0]
    return bool(values) and max(values) > _LOG_SPAN * min(values)


def _counts(curves: Sequence[OutputCurve], total: int) -> str:
    """How many numbers behind a panel are assumed and scaled, in any arm.

    One that is scaled in an arm and assumed in another counts as assumed.
    """
    assumed = {name for curve in curves for name in curve.assumed}
    scaled = {name for curve in curves for name in curve.scaled} - assumed
    return f"{len(assumed)} assumed, {len(scaled)} scaled of {total} numbers"


def axis_words(curve: OutputCurve) -> str:
    """Label of the vertical axis."""
    words = AXIS_WORDS[curve.kind]
    return words if curve.unit == "1" else f"{words} ({curve.unit})"


def scale_axis(ax: Axes, panel: Panel) -> None:
    """Axis by what the output is."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    sides = [(*curve.lower, *curve.median, *curve.upper) for curve in panel.curves]
    low, high = min(map(min, sides)), max(map(max, sides))
    if panel.log:
        least = min(value for side in sides for value in side if value > 0)
        ax.set_yscale("log")
        ax.set_ylim(max(0.8 * least, high / _CUT), 1.6 * high)
        ax.yaxis.set_major_locator(LogLocator(base=10, numticks=7))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
        return
    ax.yaxis.set_major_formatter(FuncFormatter(plain_number))
    if panel.curves[0].kind == "occupancy":
        ax.set_ylim(min(low, -0.02), max(high, 1.02))
    elif low >= 0:
        ax.set_ylim(-0.02 * high if high > 0 else -0.02, 1.06 * high if high > 0 else 1.0)


def plain_number(value: float, _position: int | None = None) -> str:
    """A tick as people write it; what rounding leaves of 0 is 0."""
    return f"{value:g}" if abs(value) > 1e-12 else "0"


def _power_of_ten(value: float, _position: int | None = None) -> str:
    return f"{value:g}"


def inside(value: float, limits: tuple[float, float]) -> bool:
    """Whether a tick is in view."""
    return limits[0] <= value <= limits[1]


def wrapped(words: str, size: float, room: float) -> tuple[str, ...]:
    """Lines of at most so many inches; a word that is longer is broken."""
    lines = [""]
    for word in spelled_out(words).split():
        longer = f"{lines[-1]} {word}".strip()
        if _inches(longer, size) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and _inches(lines[-1] + character, size) > room:
                lines.append("")
            lines[-1] += character
    return tuple(lines)


def _inches(words: str, size: float) -> float:
    return text_width(words, size=size) / 72
