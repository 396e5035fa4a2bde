"""Results of markers as a table and as figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from oncovivo.analyses.figure_files import write_named_figures
from oncovivo.analyses.marker_analysis import MarkerAnalysis
from oncovivo.analyses.marker_arms import MarkerArms
from oncovivo.analyses.marker_engagement import MarkerEngagement
from oncovivo.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MarkerResult", "marker_frame", "write_marker_figures"]

MarkerResult: TypeAlias = MarkerAnalysis | MarkerArms | MarkerEngagement


def marker_frame(result: MarkerResult) -> pd.DataFrame:
    """One row for each association.

    Parameters
    ----------
    result : MarkerAnalysis or MarkerArms or MarkerEngagement
        Of ``oncovivo markers``.
    """
    rows: list[dict[str, object]]
    if isinstance(result, MarkerAnalysis):
        rows = [{"treatment": name, **one.to_dict()} for name, one in result.associations]
    elif isinstance(result, MarkerArms):
        rows = [one.to_dict() for one in result.contrasts]
    else:
        rows = [
            {"treatment": result.treated, "versus": result.control, **one.to_dict()}
            for one in result.associations
        ]
    return pd.DataFrame(rows)


def write_marker_figures(result: MarkerResult, path: Path) -> tuple[Path, ...]:
    """Draw a result; the first figure has the name that was asked for.

    Parameters
    ----------
    result : MarkerAnalysis or MarkerArms or MarkerEngagement
        Of ``oncovivo markers``.
    path : Path
        Ends in ``.svg`` or ``.png``.

    Raises
    ------
    InputError
        If the name ends otherwise.
    OSError
        If a file cannot be written.
    """
    if isinstance(result, MarkerAnalysis):
        figures = _of_lines(result, path.stem)
    elif isinstance(result, MarkerArms):
        figures = _of_arms(result, path.stem)
    else:
        figures = _of_studies(result, path.stem)
    return write_named_figures(figures, path, title="Markers")


def _names(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}-{number}"


def _of_studies(result: MarkerEngagement, stem: str) -> dict[str, Figure]:
    from oncovivo.biomarkers.prediction_plots import plot_engagement

    return {
        _names(stem, number): plot_engagement(one)
        for number, one in enumerate(result.results, start=1)
    }


def _of_lines(result: MarkerAnalysis, stem: str) -> dict[str, Figure]:
    """Effects of all markers, the response by the strongest one, and the prediction."""
    from oncovivo.biomarkers.association_fits import marker_view
    from oncovivo.biomarkers.association_plots import (
        plot_association_volcano,
        plot_marker_levels,
        plot_marker_response,
    )
    from oncovivo.biomarkers.prediction_plots import (
        plot_feature_stability,
        plot_observed_predicted,
    )

    axes = []
    for one in result.treatments:
        drawn = [found for found in one.associations if found.p_value is not None]
        if not drawn:
            continue
        axes.append(plot_association_volcano(one.associations))
        first = min(drawn, key=lambda found: (found.p_value or 0.0, found.marker))
        feature = one.features.features[one.features.position(first.marker)]
        view = marker_view(one.response, one.features, first.marker)
        categorical = feature.kind == "categorical"
        axes.append(plot_marker_levels(view) if categorical else plot_marker_response(view))
    if result.prediction is not None:
        axes += [
            plot_observed_predicted(result.prediction),
            plot_feature_stability(result.prediction),
        ]
    if not axes:
        raise InputError("a marker that can be drawn", found="none", where="--figure")
    return {_names(stem, number): _figure(ax) for number, ax in enumerate(axes, start=1)}


def _of_arms(result: MarkerArms, stem: str) -> dict[str, Figure]:
    """Animals of each arm; percent inhibition by day of what was read on several days."""
    from oncovivo.biomarkers.assay_plots import plot_assay, plot_inhibition_course

    axes = [
        *(plot_assay(one) for one in result.comparisons),
        *(
            plot_inhibition_course(one)
            for one in result.inhibitions
            if any(group.day is not None for group in one.inhibition)
        ),
    ]
    if not axes:
        raise InputError("a marker that can be drawn", found="none", where="--figure")
    return {_names(stem, number): _figure(ax) for number, ax in enumerate(axes, start=1)}


def _figure(ax: Axes) -> Figure:
    """The whole figure of some axes."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InputError("axes of a figure", found="axes without one")
    return figure
