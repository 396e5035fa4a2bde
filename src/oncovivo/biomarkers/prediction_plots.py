"""Pictures of predictions and of the trap; they draw what results hold and compute nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from oncovivo.biomarkers.engagement import EngagementAndResponse
from oncovivo.biomarkers.prediction import LinePrediction, Prediction
from oncovivo.figures.theme import (
    GREY,
    PALETTE,
    TEXT_COLOR,
    mark_simulated,
    new_figure,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_engagement", "plot_feature_stability", "plot_observed_predicted"]

_SMALL: Final = 7.5
_NAME: Final = 6.5
# With more lines, names of those farthest from what was predicted only.
_MOST_NAMES: Final = 40
# A name takes this share of the picture's height, and each of its letters this of its width.
_ROW: Final = 0.030
_LETTER: Final = 0.0125
# Inches: a letter of a feature's name, on the wide side.
_CHARACTER: Final = 0.085


def plot_observed_predicted(
    result: Prediction, *, ax: Axes | None = None, label: str = "response"
) -> Axes:
    """Observed response against what models say that have not seen the line, lines named.

    Bars are standard errors of the observed responses. The dotted line is equality.

    Parameters
    ----------
    result : Prediction
        From :func:`oncovivo.biomarkers.predict_response`.
    ax : Axes, optional
        Where to draw; else a new figure.
    label : str
        What the response is, with its unit.
    """
    with themed():
        ax = new_figure(width=5.6, height=5.2).add_subplot() if ax is None else ax
        lines = result.lines
        predicted = np.array([line.predicted for line in lines])
        observed = np.array([line.observed for line in lines])
        error = np.array([line.std_error or 0.0 for line in lines])
        ax.errorbar(
            predicted,
            observed,
            yerr=error if error.any() else None,
            fmt="o",
            markersize=4.5,
            color=PALETTE[0],
            ecolor=GREY,
            elinewidth=0.8,
            zorder=3,
        )
        both = np.concatenate((predicted, observed - error, observed + error))
        low, high = float(both.min()), float(both.max())
        margin = 0.07 * (high - low)
        ax.set_xlim(low - margin, high + margin)
        ax.set_ylim(low - margin, high + margin)
        ax.axline((low, low), slope=1.0, color=TEXT_COLOR, linestyle=":", linewidth=1.0)
        _name_lines(ax, lines)
        ax.set_xlabel(f"Predicted {label}, line not seen")
        ax.set_ylabel(f"Observed {label}")
        tested = "" if result.p_value is None else f", permutation p = {result.p_value:.2g}"
        shown = f"{result.r2:.2f}".replace("-", "\N{MINUS SIGN}")
        model = "Elastic net" if result.model == "elastic_net" else "Forest"
        ax.set_title(
            f"{model}, {result.n_lines} lines: R² out of fold {shown}{tested}", loc="left"
        )
        ax.set_box_aspect(1.0)
    return ax


def _name_lines(ax: Axes, lines: tuple[LinePrediction, ...]) -> None:
    """Names beside the points, those farthest off first, where no other name lies."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    taken: list[tuple[float, float, float]] = []
    off = sorted(lines, key=lambda line: (-abs(line.observed - line.predicted), line.line))
    for line in off[:_MOST_NAMES]:
        x = (line.predicted - left) / (right - left)
        y = (line.observed - low) / (high - low)
        width = _LETTER * len(line.line)
        # Where the name would leave the picture it goes to the other side of its point.
        start = x + 0.012 if x + 0.012 + width < 1 else x - 0.012 - width
        if any(
            abs(y - other) < _ROW and start < end and start + width > begin
            for begin, end, other in taken
        ):
            continue
        taken.append((start, start + width, y))
        ax.text(
            start,
            y,
            line.line,
            fontsize=_NAME,
            color=TEXT_COLOR,
            va="center",
            transform=ax.transAxes,
        )


def plot_feature_stability(result: Prediction, *, ax: Axes | None = None, most: int = 20) -> Axes:
    """Share of the outer folds that use each feature, the mean importance beside it.

    Parameters
    ----------
    result : Prediction
        From :func:`oncovivo.biomarkers.predict_response`.
    ax : Axes, optional
        Where to draw; else a new figure.
    most : int
        Features to show, the most stable ones.
    """
    parts = result.features[:most]
    with themed():
        if ax is None:
            width, height = 6.6, 1.15 + 0.22 * len(parts)
            figure = new_figure(width=width, height=height)
            names = 0.3 + _CHARACTER * max(len(part.feature) for part in parts)
            left = min(names / width, 0.5)
            ax = figure.add_axes(
                (left, 0.6 / height, 0.97 - left, 1 - 1.0 / height), label="stability"
            )
        # A feature that lowers the response has another color and is hatched.
        for up, color, hatch, words in (
            (True, PALETTE[0], "", "higher response"),
            (False, PALETTE[1], "///", "lower response"),
        ):
            rows = [i for i, part in enumerate(parts) if (part.importance >= 0) == up]
            if not rows:
                continue
            ax.barh(
                rows,
                [parts[row].stability for row in rows],
                height=0.7,
                color=color,
                hatch=hatch,
                edgecolor="white",
                label=words if result.model == "elastic_net" else None,
            )
        for row, part in enumerate(parts):
            shown = f"{part.importance:.2g}".replace("-", "\N{MINUS SIGN}")
            ax.text(
                part.stability + 0.015,
                row,
                shown,
                fontsize=_SMALL,
                va="center",
                color=TEXT_COLOR,
            )
        ax.set_yticks(range(len(parts)), [part.feature for part in parts])
        ax.invert_yaxis()
        ax.set_xlim(0.0, 1.18)
        ax.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
        used = "used" if result.model == "elastic_net" else "among the ten largest gains"
        ax.set_xlabel(f"Share of the outer folds in which the feature is {used}")
        what = (
            "coefficient per standard deviation"
            if result.model == "elastic_net"
            else "share of the gain"
        )
        hidden = len(result.features) - len(parts)
        more = f" ({hidden} more features not shown)" if hidden else ""
        ax.set_title(f"Number: mean {what}{more}", loc="left", fontsize=8.5)
        if result.model == "elastic_net":
            ax.legend(loc="lower right", fontsize=_SMALL)
    return ax


def plot_engagement(result: EngagementAndResponse) -> Figure:
    """Marker and growth of each line with intervals, side by side.

    Parameters
    ----------
    result : EngagementAndResponse
        From :func:`oncovivo.biomarkers.compare_engagement`.
    """
    with themed():
        lines = result.lines
        figure = new_figure(width=7.4, height=1.75 + 0.42 * len(lines))
        left, right = figure.subplots(1, 2, sharey=True)
        for ax, middle, low, high, nothing, title, words in (
            (
                left,
                [100 * line.ratio for line in lines],
                [100 * line.ratio_lower for line in lines],
                [100 * line.ratio_upper for line in lines],
                100.0,
                "Is the target engaged?",
                f"{result.marker}, % of {result.control}",
            ),
            (
                right,
                [line.rate_difference for line in lines],
                [line.rate_lower for line in lines],
                [line.rate_upper for line in lines],
                0.0,
                "Does the tumor respond?",
                f"Growth rate less that of {result.control}\n(natural log per day)",
            ),
        ):
            for row, line in enumerate(lines):
                trapped = line.verdict == "engaged_not_slowed"
                ax.plot([low[row], high[row]], [row, row], color=PALETTE[1 if trapped else 0])
                ax.plot(
                    middle[row],
                    row,
                    marker="D" if trapped else "o",
                    color=PALETTE[1 if trapped else 0],
                    linestyle="none",
                )
            ax.axvline(nothing, color=TEXT_COLOR, linestyle=":", linewidth=1.0)
            ax.set_title(title, loc="left")
            ax.set_xlabel(words)
        left.set_xlim(left=0.0)
        left.set_yticks(
            range(len(lines)),
            [f"{line.line}\n{line.n_treated} vs {line.n_control} animals" for line in lines],
        )
        left.set_ylim(len(lines) - 0.4, -0.6)
        figure.subplots_adjust(left=0.26, right=0.97, wspace=0.12, bottom=0.36, top=0.8)
        if any(line.verdict == "engaged_not_slowed" for line in lines):
            figure.text(
                0.01,
                0.03,
                "Diamond: the target is engaged and growth is not shown to slow.",
                fontsize=_SMALL,
                color=TEXT_COLOR,
            )
        if result.simulated:
            mark_simulated(figure)
    return figure
