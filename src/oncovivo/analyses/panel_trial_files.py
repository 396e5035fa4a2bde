"""Figures of mouse clinical trials as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oncovivo.analyses.figure_files import check_figure_name, figure_stem, write_named_figures
from oncovivo.analyses.panel_trial import PanelTrial
from oncovivo.errors import InputError
from oncovivo.panels.trial_plots import plot_line_effects, plot_response_rates

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["write_trial_figures"]


def write_trial_figures(result: PanelTrial, path: Path) -> tuple[Path, ...]:
    """Draw the lines of each treatment, by each grouping, and the rates of response.

    The lines of all go to `path`, with the treatment's number where there are several, those by a
    grouping to that name with the grouping, the rates to the name with ``-responses``.

    Parameters
    ----------
    result : PanelTrial
        What to draw.
    path : Path
        Ends in ``.svg`` or ``.png``.

    Returns
    -------
    tuple of Path
        What was written.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If a file cannot be written.
    """
    check_figure_name(path)
    written: list[Path] = []
    for number, one in enumerate(result.treatments, start=1):
        if one.fit is None:
            continue
        stem = figure_stem(path, number, of=len(result.treatments))
        drawn = {stem: _figure_of(plot_line_effects(one.fit))}
        for part in one.subgroups:
            if part.fit is not None:
                drawn[f"{stem}-{part.by}"] = _figure_of(plot_line_effects(part.fit))
        if any(row.status == "ok" for row in one.responses):
            axes = plot_response_rates(one.responses, simulated=result.simulated)
            drawn[f"{stem}-responses"] = _figure_of(axes)
        title = f"{one.treatment} against {result.options.control}"
        written += write_named_figures(drawn, path, title=title)
    return tuple(written)


def _figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InputError("axes in a figure", found="axes without one")
    return figure
