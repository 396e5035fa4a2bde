"""How figures look: type, colors that everybody can tell apart, and the same bytes each time.

Nothing here touches matplotlib's global settings: a figure is made and written inside a context
that starts from matplotlib's own defaults, so a user's ``matplotlibrc`` does not reach it either.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from oncovivo.figures.glyphs import settle_texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "PALETTE",
    "SIMULATED_MARK",
    "SeriesStyle",
    "mark_simulated",
    "new_figure",
    "series_style",
    "themed",
    "to_png",
    "to_svg",
]

LineStyle: TypeAlias = Literal["-", "--", "-.", ":"]

# Okabe and Ito's colors that can be told apart with any color vision, the dark ones first; black
# and grey are kept for the control, and yellow is left out because it fades on white.
PALETTE: Final[tuple[str, ...]] = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
CONTROL_COLOR: Final = "#222222"
TEXT_COLOR: Final = "#222222"
GREY: Final = "#767676"
SIMULATED_MARK: Final = "SIMULATED DATA"

_LINE_STYLES: Final[tuple[LineStyle, ...]] = ("-", "--", "-.", ":")
_MARKERS: Final[tuple[str, ...]] = ("s", "^", "D", "v", "P", "X", "<", ">")

_SETTINGS: Final[dict[str, object]] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    # A place of its own: titles are not moved about by what matplotlib measures, which takes a
    # third of the time of drawing.
    "axes.titley": 1.0,
    "figure.dpi": 100.0,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.dpi": 150.0,
    # Letters as outlines: the same picture in a browser, in print and in a PDF.
    "svg.fonttype": "path",
    # A fixed salt instead of a random one: the same figure has the same ids.
    "svg.hashsalt": "oncovivo",
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStyle:
    """How one series is drawn; color, line and marker all differ, so color is never the only code.

    Parameters
    ----------
    color : str
        Hexadecimal.
    line : str
        matplotlib's line style.
    marker : str
        matplotlib's marker.
    """

    color: str
    line: LineStyle
    marker: str


def series_style(index: int, *, is_control: bool = False) -> SeriesStyle:
    """Style of the series at a place, counted from 0; the control's does not depend on its place.

    Examples
    --------
    >>> series_style(0)
    SeriesStyle(color='#0072B2', line='-', marker='s')
    """
    if is_control:
        return SeriesStyle(color=CONTROL_COLOR, line="-", marker="o")
    # The lines change slower than the colors, so that no two of the first 24 series look alike.
    line = _LINE_STYLES[(index + index // len(PALETTE)) % len(_LINE_STYLES)]
    return SeriesStyle(
        color=PALETTE[index % len(PALETTE)], line=line, marker=_MARKERS[index % len(_MARKERS)]
    )


@contextmanager
def themed() -> Iterator[None]:
    """Context in which things are drawn in the project's style, whatever the user's settings."""
    import matplotlib.style

    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def new_figure(*, width: float = 6.4, height: float = 4.4) -> Figure:
    """An empty figure, not known to pyplot.

    Parameters
    ----------
    width, height : float
        Inches.
    """
    from matplotlib.figure import Figure

    with themed():
        return Figure(figsize=(width, height), facecolor="white")


def mark_simulated(figure: Figure) -> None:
    """Write across a figure, and into its corner, that its data are simulated."""
    with themed():
        figure.text(
            0.5,
            0.55,
            SIMULATED_MARK,
            fontsize=30,
            color="#000000",
            alpha=0.13,
            rotation=24,
            ha="center",
            va="center",
            weight="bold",
            zorder=10,
        )
        figure.text(
            1 - 0.10 / figure.get_figwidth(),
            1 - 0.10 / figure.get_figheight(),
            SIMULATED_MARK,
            fontsize=9,
            color="white",
            weight="bold",
            ha="right",
            va="top",
            bbox={"boxstyle": "square,pad=0.3", "facecolor": "#A03000", "edgecolor": "none"},
        )


def to_svg(figure: Figure, *, title: str) -> str:
    """A figure as SVG to be put inline: no XML header, no date, the same text each time.

    Characters that the font lacks are replaced by their code points, and the figure says so.

    Parameters
    ----------
    figure : Figure
        From :func:`new_figure`.
    title : str
        What the picture shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    with themed():
        settle_texts(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # The generator's line ends and trailing blanks differ between systems and versions.
    text = "\n".join(line.rstrip() for line in text.splitlines())
    head, body = text.split(">", 1)
    return (
        f'{head} role="img" aria-label="{escape(title)}">\n <title>{escape(title)}</title>{body}'
    )


def to_png(figure: Figure) -> bytes:
    """A figure as PNG, 150 dots per inch, without a date.

    Characters that the font lacks are replaced as by :func:`to_svg`.
    """
    buffer = io.BytesIO()
    with themed():
        settle_texts(figure)
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
