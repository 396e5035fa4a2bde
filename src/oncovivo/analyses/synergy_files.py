"""Figures of combinations, as drawings and as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oncovivo.analyses.figure_files import check_figure_name, figure_stem, write_named_figures
from oncovivo.analyses.synergy_result import FileSynergy, SynergyAnalysis
from oncovivo.combination.forest_plots import plot_synergy_forest
from oncovivo.combination.grid_plots import plot_dose_grid
from oncovivo.combination.synergy_plots import plot_index_band, plot_observed_expected

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["synergy_figures", "write_synergy_figures"]


def synergy_figures(study: SynergyAnalysis) -> dict[str, Figure]:
    """The figures of a study by what they show, those that have nothing to show left out.

    ``curves``: observed and foreseen, of each question; ``band``: the index over the days;
    ``forest``: all null models and scales; ``grid``: the heat map of a dose grid.
    """
    found: dict[str, Figure] = {}
    for place, seen in enumerate(study.observed):
        name = "curves" if place == 0 else f"curves-{place + 1}"
        own = [r for r in study.results if r.arms.combination == seen.arms.combination]
        found[name] = plot_observed_expected(seen, results=own, simulated=study.simulated)
    for band in study.bands:
        if band.days and band.arms == study.observed[0].arms:
            own = [
                result
                for result in study.whole
                if (result.null, result.scale) == (band.null, "relative_volume")
            ]
            found[f"band-{band.null}"] = plot_index_band(
                band, detectable=own, n_animals=study.n_by_arm, simulated=study.simulated
            )
    for place, surface in enumerate(study.surfaces):
        name = "grid" if place == 0 else f"grid-{surface.null}"
        found[name] = plot_dose_grid(surface, simulated=study.simulated)
    if study.results and not study.surfaces:
        found["forest"] = plot_synergy_forest(
            study.results, n_animals=study.n_by_arm, simulated=study.simulated
        )
    return found


def write_synergy_figures(result: FileSynergy, path: Path) -> tuple[Path, ...]:
    """Draw each study.

    The first figure goes to `path`, the others to its name with what they show; of several
    studies, each name carries the study's number.

    Parameters
    ----------
    result : FileSynergy
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
    studies = result.analysed
    for number, study in enumerate(studies, start=1):
        stem = figure_stem(path, number, of=len(studies))
        drawn = {
            stem if place == 0 else f"{stem}-{name.replace('_', '-')}": figure
            for place, (name, figure) in enumerate(synergy_figures(study).items())
        }
        written += write_named_figures(drawn, path, title=f"Combination in {study.study_id}")
    return tuple(written)
