"""Pictures of a mouse clinical trial; they draw what results hold and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from oncovivo.errors import InputError
from oncovivo.figures.theme import (
    CONTROL_COLOR,
    GREY,
    mark_simulated,
    new_figure,
    series_style,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from oncovivo.panels.trial_response import ResponseComparison
    from oncovivo.panels.trial_result import LineEffect, TrialEffect, TrialFit

__all__ = ["plot_line_effects", "plot_response_rates"]

_ROW: Final = 0.145
_MOST_NAMED: Final = 60
_OUTCOMES: Final[dict[str, str]] = {
    "objective_response": "objective response",
    "disease_control": "disease control",
}


def plot_line_effects(
    fit: TrialFit, *, treatment: str | None = None, ax: Axes | None = None
) -> Axes:
    """Effect of a treatment in each line, groups one below the other, lines by size of effect.

    A filled mark with its bar is the shrunken effect and its prediction interval, an open one the
    raw difference. Above each group a diamond has the mean effect and its interval. Beyond 60
    lines names of lines are left out.

    Parameters
    ----------
    fit : TrialFit
        From :func:`oncovivo.panels.fit_trial`.
    treatment : str, optional
        The first one without it.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If no line has an effect of the treatment.
    """
    name = treatment or fit.treatments[0]
    means = [effect for effect in fit.effects if effect.treatment == name]
    lines = [effect for effect in fit.line_effects if effect.treatment == name]
    if not lines:
        expected = f"lines with animals both under {fit.control} and under the treatment"
        raise InputError(expected, found=f"none for {name!r}")
    shown = [mean for mean in means if mean.estimate is not None]
    rows = len(lines) + 2 * len(shown)
    named = len(lines) <= _MOST_NAMED
    with themed():
        if ax is None:
            height = max(3.0, (_ROW if named else 0.055) * rows + 1.3)
            figure = new_figure(width=6.8, height=height)
            below = 0.62 / height
            ax = figure.add_axes((0.2, below, 0.76, 1 - below - 0.62 / height))
        place, ticks = 0.0, []
        for index, mean in enumerate(shown):
            own = sorted(
                (row for row in lines if row.group == mean.group), key=lambda row: row.shrunken
            )
            ticks.append((place, mean.group or "all lines"))
            _draw_mean(ax, place, mean)
            place += 1.2
            color = series_style(index).color
            for row in own:
                _draw_line(ax, place, row, color=color, named=named)
                if named:
                    ticks.append((place, row.line))
                place += 1.0
            place += 0.8
        ax.axvline(0.0, color=CONTROL_COLOR, linewidth=0.9, zorder=1)
        ax.set_ylim(place, -1.0)
        ax.set_yticks([at for at, _ in ticks], [word for _, word in ticks])
        ax.tick_params(axis="y", length=0, labelsize=7 if named else 8)
        groups = {mean.group or "all lines" for mean in shown}
        for label in ax.get_yticklabels():
            if label.get_text() in groups:
                label.set_fontweight("bold")
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(f"{name} less {fit.control}: growth rate (natural log per day)")
        ax.set_title(
            f"{name}: effect in {len(lines)} lines (filled: shrunken, open: own; diamond: mean)",
            loc="left",
        )
        if fit.simulated:
            mark_simulated(_figure_of(ax))
    return ax


def _draw_mean(ax: Axes, place: float, mean: TrialEffect) -> None:
    """Mean effect of a group with its interval."""
    if mean.lower is None or mean.upper is None or mean.estimate is None:
        return
    ax.plot([mean.lower, mean.upper], [place, place], color=CONTROL_COLOR, linewidth=2.0, zorder=4)
    ax.plot(
        [mean.estimate], [place], marker="D", markersize=6, color=CONTROL_COLOR, zorder=5, ls=""
    )


def _draw_line(ax: Axes, place: float, row: LineEffect, *, color: str, named: bool) -> None:
    """Shrunken and raw effect of one line."""
    size = 4.2 if named else 2.4
    ax.plot([row.lower, row.upper], [place, place], color=color, linewidth=1.1, zorder=2)
    ax.plot(
        [row.raw],
        [place],
        marker="o",
        markersize=size + 1.2,
        markerfacecolor="none",
        markeredgecolor=GREY,
        markeredgewidth=0.8,
        zorder=3,
        ls="",
    )
    ax.plot([row.shrunken], [place], marker="o", markersize=size, color=color, zorder=4, ls="")


def plot_response_rates(
    comparisons: Sequence[ResponseComparison], *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Rates of response with exact intervals, the two of each comparison beside each other.

    Parameters
    ----------
    comparisons : sequence of ResponseComparison
        From :func:`oncovivo.panels.compare_responses` or ``compare_group_responses``.
    simulated : bool
        Whether numbers come from a simulation.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Raises
    ------
    InputError
        If there is no comparison with lines.
    """
    shown = [one for one in comparisons if one.status == "ok"]
    if not shown:
        raise InputError("a comparison of response rates", found="none with lines")
    with themed():
        if ax is None:
            height = 0.62 * len(shown) + 1.3
            figure = new_figure(width=6.8, height=height)
            below = 0.6 / height
            ax = figure.add_axes((0.33, below, 0.63, 1 - below - 0.55 / height))
        ticks: list[tuple[float, str]] = []
        for row, one in enumerate(shown):
            for shift, name, rate in (
                (-0.18, one.first, one.first_rate),
                (0.18, one.second, one.second_rate),
            ):
                style = series_style(0, is_control=shift < 0)
                place = row + shift
                ax.plot(
                    [100 * (rate.lower or 0.0), 100 * (1.0 if rate.upper is None else rate.upper)],
                    [place, place],
                    color=style.color,
                    linewidth=1.6,
                )
                ax.plot(
                    [100 * (rate.estimate or 0.0)],
                    [place],
                    marker=style.marker,
                    color=style.color,
                    markersize=5.5,
                    ls="",
                )
                ticks.append((place, f"{name}, {_OUTCOMES[one.outcome]}: {rate.k}/{rate.n}"))
            if one.p_value is not None:
                word = f"p = {one.p_value:.2g}" if one.p_value >= 1e-4 else "p < 0.0001"
                ax.annotate(
                    word,
                    (1.0, row),
                    xycoords=("axes fraction", "data"),
                    ha="right",
                    va="center",
                    fontsize=7.5,
                )
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set_xlim(-2, 118)
        ax.set_xticks([0, 20, 40, 60, 80, 100])
        ax.set_yticks([at for at, _ in ticks], [word for _, word in ticks])
        ax.tick_params(axis="y", length=0, labelsize=7.5)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("lines that respond (%), exact 95 % interval")
        kinds = sorted({one.treatment for one in shown})
        ax.set_title(f"mRECIST of lines: {', '.join(kinds)}", loc="left")
        if simulated:
            mark_simulated(_figure_of(ax))
    return ax


def _figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InputError("axes in a figure", found="axes without one")
    return figure
