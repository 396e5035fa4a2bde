"""Markers of a guide: what the ``[[marker]]`` entries of ``guide.toml`` ask, as it is stored.

An entry without ``features`` is a study folder with markers, or a folder of some; one with
``features`` is a panel of growth curves, or a table of responses, beside tables of markers by
line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from oncovivo.analyses.marker_engagement import MarkerEngagement
from oncovivo.analyses.project import SectionId
from oncovivo.biomarkers.association_result import Association
from oncovivo.errors import DataError, InputError

if TYPE_CHECKING:
    from oncovivo.analyses.marker_analysis import MarkerAnalysis
    from oncovivo.analyses.project import MarkerEntry


__all__ = ["MarkedTreatment", "PlacedMarkers", "run_markers"]

DISCOVERED: Final = 0.05
"""Share of false discoveries below which a marker is one."""
_OF_LINES: Final = ("response", "std_error", "tumor_types", "adjust")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedTreatment:
    """Markers of the response to one treatment across lines.

    Parameters
    ----------
    treatment, control : str
        Arms; the control is empty for a table of responses.
    response : str
        What the response is, with its unit.
    n_lines : int
        Lines with a response and markers.
    associations : tuple of Association
        One for each marker.
    prognostic : tuple of Association
        The same markers against growth of the controls; empty without a panel.
    """

    treatment: str
    control: str
    response: str
    n_lines: int
    associations: tuple[Association, ...]
    prognostic: tuple[Association, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedMarkers:
    """A ``[[marker]]`` entry's results and where they stand.

    Parameters
    ----------
    section : str
        Section of the guide.
    name : str
        Of the file or folder.
    source : str
        Key of references.json, or words; empty where the entry says nothing.
    simulated : bool
        Whether the numbers are simulated.
    seed : int
        Of permutations.
    engagement : MarkerEngagement or None
        Of studies with markers.
    treatments : tuple of MarkedTreatment
        Of panels.
    """

    section: SectionId
    name: str
    source: str
    simulated: bool
    seed: int
    engagement: MarkerEngagement | None
    treatments: tuple[MarkedTreatment, ...]


KeptMarkers: TypeAlias = Callable[["MarkerEntry", Callable[[], PlacedMarkers]], PlacedMarkers]


def run_markers(
    entries: Sequence[MarkerEntry],
    *,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
    kept: KeptMarkers = lambda _, compute: compute(),
) -> tuple[PlacedMarkers, ...]:
    """The results of every entry, in the order of ``guide.toml``.

    Parameters
    ----------
    entries : sequence of MarkerEntry
        The entries.
    folder : Path
        Of the guide.
    progress : callable
        Called with the name of each.
    kept : callable, optional
        Given an entry and what analyses it, returns its result, computed or kept from earlier.

    Raises
    ------
    ProjectError
        If a file is malformed, or cannot carry what is asked.
    """
    found = []
    for entry in entries:
        progress(f"markers {Path(entry.path).name}")
        try:
            found.append(kept(entry, partial(_run, entry, folder)))
        except (InputError, DataError) as err:
            raise type(err)(
                err.expected,
                found=err.found,
                where=f"guide.toml, marker {entry.path}" + (f": {err.where}" if err.where else ""),
                mend=err.mend,
            ) from err
    return tuple(found)


def _run(entry: MarkerEntry, folder: Path) -> PlacedMarkers:
    from oncovivo.analyses.marker_analysis import MarkerOptions, analyse_markers
    from oncovivo.analyses.marker_engagement import EngagementOptions, analyse_engagement
    from oncovivo.analyses.marker_responses import ResponseOptions
    from oncovivo.panels import read_panel

    path = folder / entry.path
    if not entry.features:
        alone = [name for name in _OF_LINES if getattr(entry, name)]
        if alone:
            raise InputError(
                f"tables of markers by line beside '{alone[0]}'",
                found="none",
                mend="name them with 'features'",
            )
        engaged = analyse_engagement(
            path,
            EngagementOptions(
                control=entry.control, treated=entry.treatment, markers=entry.markers
            ),
        )
        return PlacedMarkers(
            section=entry.section,
            name=Path(entry.path).stem,
            source=entry.source or "",
            simulated=engaged.simulated or entry.simulated,
            seed=engaged.seed,
            engagement=engaged,
            treatments=(),
        )
    analysis = analyse_markers(
        path,
        [folder / name for name in entry.features],
        MarkerOptions(
            responses=ResponseOptions(
                control=entry.control,
                treatments=() if entry.treatment is None else (entry.treatment,),
                tumor_types=entry.tumor_types,
                response=entry.response,
                std_error=entry.std_error,
            ),
            markers=entry.markers,
            scale="sd",
            adjust=entry.adjust,
            interaction=entry.response is None,
        ),
        panel=lambda: read_panel(path),
    )
    return PlacedMarkers(
        section=entry.section,
        name=Path(entry.path).stem,
        source=entry.source or "",
        simulated=analysis.simulated or entry.simulated,
        seed=analysis.seed,
        engagement=None,
        treatments=_treatments(analysis),
    )


def _treatments(analysis: MarkerAnalysis) -> tuple[MarkedTreatment, ...]:
    return tuple(
        MarkedTreatment(
            treatment=one.treatment,
            control=analysis.control or "",
            response=one.response.label,
            n_lines=int(np.isfinite(one.response.effect).sum()) - len(one.without_markers),
            associations=one.associations,
            prognostic=() if one.interaction is None else one.interaction.prognostic,
        )
        for one in analysis.treatments
    )
